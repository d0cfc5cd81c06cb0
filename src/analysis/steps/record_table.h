/* record_table.h - result tables from arrays of structs, and back. */
#ifndef RECORD_TABLE_H
#define RECORD_TABLE_H

#include "nrflv/analysis/table.h"

#include <stddef.h>
#include <stdint.h>

typedef enum nrf_member {
  NRF_MEMBER_INT,    /* int: NRF_COLUMN_INT          */
  NRF_MEMBER_INT64,  /* int64_t: NRF_COLUMN_INT      */
  NRF_MEMBER_DOUBLE, /* double: NRF_COLUMN_DOUBLE    */
  NRF_MEMBER_BOOL,   /* bool: NRF_COLUMN_BOOL        */
} nrf_member;

/* A member of a struct as a column of a table. */
typedef struct nrf_record_column {
  const char *name;
  nrf_member  member;
  size_t      offset;
  const char *unit, *description; /* nrf_column_spec */
} nrf_record_column;

/* n records, `stride` bytes apart. */
typedef struct nrf_records {
  int64_t n;
  size_t  stride;
  void   *first;
} nrf_records;

/* A table of them, one row each. */
NRF_MUST_CHECK nrf_status nrf_records_to_table(const char *name, const char *description, int n_columns,
                                               const nrf_record_column columns[], nrf_records records,
                                               nrf_table **out);

/* Sets the members from a table that has these columns, and perhaps others; the rest of each new record is 0. The
 * records are new memory (nrf_free). NRF_EFORMAT, naming table and column, if one is missing or does not fit. */
NRF_MUST_CHECK nrf_status nrf_records_of_table(const nrf_table *table, int n_columns,
                                               const nrf_record_column columns[], nrf_records *records);

#endif
