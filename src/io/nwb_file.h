/* nwb_file.h - the objects of an NWB 2 file: groups and data sets with a type, tables.
 *
 * A file is written from one end to the other, so errors need no answer at each step: after the first one nothing is
 * written any more, and it stands in `st`, its message being the thread's last. */
#ifndef NRFLV_IO_NWB_FILE_H
#define NRFLV_IO_NWB_FILE_H

#include "nrflv/h5_file.h"

#include <stddef.h>

/* The version of the schema that is followed; everything used here is also in those that came after. */
#define NRF_NWB_VERSION "2.8.0"

typedef struct nrf_nwb {
  nrf_h5_file *file;      /* borrowed                                                                       */
  const char *identifier; /* of the file; object ids are made from it and the object's path                 */
  nrf_status  st;
} nrf_nwb;

/* Gives an object its type: "TimeSeries" of the namespace "core". */
void nrf_nwb_set_type(nrf_nwb *nwb, const char *path, const char *name_space, const char *type);

/* A group, with a type of "core" if `type` is not NULL. */
void nrf_nwb_group(nrf_nwb *nwb, const char *path, const char *type);

void nrf_nwb_text(nrf_nwb *nwb, const char *path, const char *text);
void nrf_nwb_numbers(nrf_nwb *nwb, const char *path, nrf_h5_type type, nrf_h5_shape shape, const void *data);

void nrf_nwb_attribute_text(nrf_nwb *nwb, const char *path, const char *name, const char *text);
void nrf_nwb_attribute(nrf_nwb *nwb, const char *path, const char *name, nrf_h5_type type, nrf_h5_shape shape,
                       const void *data);
void nrf_nwb_attribute_int(nrf_nwb *nwb, const char *path, const char *name, int value);
void nrf_nwb_attribute_double(nrf_nwb *nwb, const char *path, const char *name, double value);

/* ---- Tables: rows are structs, columns their members ---- */

typedef enum nrf_nwb_member {
  NRF_NWB_INT,    /* int           */
  NRF_NWB_INT64,  /* int64_t       */
  NRF_NWB_DOUBLE, /* double        */
  NRF_NWB_CHARS,  /* char [size]   */
  NRF_NWB_STRING, /* const char *  */
} nrf_nwb_member;

typedef struct nrf_nwb_column {
  const char    *name;
  nrf_nwb_member member;
  size_t         offset, size;
  const char    *description;
} nrf_nwb_column;

/* A row of a list of columns: NRF_NWB_COLUMN(struct point, x, DOUBLE, "how far to the right"). */
#define NRF_NWB_COLUMN(row, field, kind, text)                                    \
  {                                                                               \
#field, NRF_NWB_##kind, offsetof(row, field), sizeof(((row *)0)->field), text \
  }

typedef struct nrf_nwb_table {
  const char           *path, *type; /* "DynamicTable", "TimeIntervals" */
  const char           *description;
  const nrf_nwb_column *column;
  int                   n_columns;
  size_t                row_size;
} nrf_nwb_table;

/* Writes a table of rows [n_rows]. */
void nrf_nwb_write_table(nrf_nwb *nwb, const nrf_nwb_table *table, int n_rows, const void *rows);

/* Reads one that nrf_nwb_write_table wrote: new memory for its rows (nrf_free), at most `max_rows` of them, which may hold
 * no NRF_NWB_STRING. NRF_EFORMAT, NRF_ESHAPE for one of other columns or with columns of different length. */
NRF_MUST_CHECK nrf_status nrf_nwb_read_table(const nrf_h5_file *file, const nrf_nwb_table *table,
                                             int max_rows, int *n_rows, void **rows);

#endif
