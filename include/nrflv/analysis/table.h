/* table.h - result tables: named, typed columns with units, kept as HDF5 and CSV.
 *
 *   enum { CHANNEL, MEAN_LAG };
 *   static const nrf_column_spec columns[] = {
 *       [CHANNEL]  = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
 *       [MEAN_LAG] = {"mean_lag", NRF_COLUMN_DOUBLE, "timesteps", "of the state against the momentum, over all images"},
 *   };
 *   NRF_TRY(nrf_table_create("EI_lag_results", "Lag between ...", NRF_COLUMNS(columns), &table));
 *   NRF_TRY(nrf_table_resize(table, channels));
 *   double *lag = nrf_table_doubles(table, MEAN_LAG);
 *   lag[3] = ...;                                                   (or row by row: nrf_table_append)
 *   NRF_TRY(nrf_results_table(results, table));
 *
 * NAME.h5 holds a group "/table" with one data set per column, in which the attributes unit and description say what it is;
 * the group's attributes name the table, describe it and list the columns in order. Booleans are bytes, 0 or 1. NAME.csv
 * holds the same: a line of column names, then a line per row, numbers in the fewest digits that read back the same, NaN,
 * Inf and -Inf, TRUE and FALSE. */
#ifndef NRFLV_ANALYSIS_TABLE_H
#define NRFLV_ANALYSIS_TABLE_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum nrf_column_type {
  NRF_COLUMN_DOUBLE,
  NRF_COLUMN_INT,  /* int64_t */
  NRF_COLUMN_BOOL, /* bool    */
  NRF_COLUMN_TEXT, /* UTF-8, in one line */
} nrf_column_type;

/* "double", "int", "bool", "text". */
const char *nrf_column_type_name(nrf_column_type type);

typedef struct nrf_column_spec {
  const char     *name; /* "mean_lag": letters, digits, blanks, "_", "-"                 */
  nrf_column_type type;
  const char     *unit;        /* "Hz", "ms", "timesteps", "rad"; "" for counts, indices, ratios */
  const char     *description; /* begins in lower case, no full stop                         */
} nrf_column_spec;

#define NRF_COLUMNS(list) (int)(sizeof(list) / sizeof *(list)), (list)

enum { NRF_TABLE_MAX_COLUMNS = 256 };

typedef struct nrf_table nrf_table;

/* An empty table; everything given is copied. `name` becomes the name of its files: letters, digits, "_", "-", ".".
 * NRF_EINVAL for names that will not do or come twice. */
NRF_MUST_CHECK nrf_status nrf_table_create(const char *name, const char *description, int n_columns,
                                           const nrf_column_spec columns[], nrf_table **out);
void                      nrf_table_free(nrf_table *table); /* NULL is fine */

const char            *nrf_table_name(const nrf_table *table);
const char            *nrf_table_description(const nrf_table *table);
int                    nrf_table_n_columns(const nrf_table *table);
int64_t                nrf_table_n_rows(const nrf_table *table);
const nrf_column_spec *nrf_table_column(const nrf_table *table, int column);

/* Index of a column by name, -1 if there is none. */
int nrf_table_find(const nrf_table *table, const char *name);

/* ---- Filling ---- */

/* Sets the number of rows. New cells are NaN, 0, false and "". Pointers to columns are then invalid. */
NRF_MUST_CHECK nrf_status nrf_table_resize(nrf_table *table, int64_t rows);

/* The cells of a column, [rows], to be read and written; the column must have that type (an assertion). */
double  *nrf_table_doubles(nrf_table *table, int column);
int64_t *nrf_table_ints(nrf_table *table, int column);
bool    *nrf_table_bools(nrf_table *table, int column);

/* Text is copied; reading gives a pointer that is valid until the next text is set. */
NRF_MUST_CHECK nrf_status nrf_table_set_text(nrf_table *table, int column, int64_t row, const char *text);
const char               *nrf_table_text(const nrf_table *table, int column, int64_t row);

/* A cell for nrf_table_append; which member counts is for the column's type to say. */
typedef union nrf_cell {
  double      d;
  int64_t     i;
  bool        b;
  const char *s;
} nrf_cell;

/* One more row: cells [n_columns]. nrf_table_append(t, (nrf_cell[]){{.i = channel}, {.d = lag}}) */
NRF_MUST_CHECK nrf_status nrf_table_append(nrf_table *table, const nrf_cell cells[]);

/* ---- Reading what an earlier step or run left ---- */

/* The cells of a column by name, [rows]. NRF_EFORMAT, naming table and column, if it is missing or of another type. */
NRF_MUST_CHECK nrf_status nrf_table_get_doubles(const nrf_table *table, const char *column,
                                                const double **out);
NRF_MUST_CHECK nrf_status nrf_table_get_ints(const nrf_table *table, const char *column, const int64_t **out);
NRF_MUST_CHECK nrf_status nrf_table_get_bools(const nrf_table *table, const char *column, const bool **out);

/* ---- Files ---- */

/* Where numbers come from: attributes of the group "/provenance". */
typedef struct nrf_provenance {
  const char *name, *value;
} nrf_provenance;

/* Both write atomically; the CSV, of which the other is the original, without waiting for the disk. Equal tables and provenance
 * make equal files. */
NRF_MUST_CHECK nrf_status nrf_table_write(const nrf_table *table, const char *path, int n,
                                          const nrf_provenance provenance[]);
NRF_MUST_CHECK nrf_status nrf_table_write_csv(const nrf_table *table, const char *path);

/* Reads what nrf_table_write wrote. NRF_ENOTFOUND, NRF_EFORMAT. */
NRF_MUST_CHECK nrf_status nrf_table_read(const char *path, nrf_table **out);

#endif
