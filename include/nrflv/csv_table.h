/* csv_table.h - tables of text in CSV files (RFC 4180), and the collating of result rows (system.md
 * section 3). */
#ifndef NRFLV_CSV_TABLE_H
#define NRFLV_CSV_TABLE_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A header and rows of as many cells. Owned memory. */
typedef struct nrf_csv_table {
  int64_t columns, rows;
  char  **header; /* [columns]           */
  char  **cells;  /* [rows * columns]    */
  char   *text;   /* what both point into */
} nrf_csv_table;

/* Reads a file with a header line. Quoted cells may hold commas, quotes and line breaks; lines end in LF
 * or CRLF; empty lines are skipped; a byte-order mark is too. NRF_ENOTFOUND if there is no such file;
 * NRF_EFORMAT, naming the line, for rows longer or shorter than the header, stray quotes, a column named
 * twice, NUL bytes, files beyond 256 MiB. */
NRF_MUST_CHECK nrf_status nrf_csv_read(const char *path, nrf_csv_table *out);

/* Frees what the table owns and clears it. */
void nrf_csv_free(nrf_csv_table *table);

/* Index of a column, or -1. */
int64_t nrf_csv_column(const nrf_csv_table *table, const char *name);

static inline const char *nrf_csv_cell(const nrf_csv_table *table, int64_t row, int64_t column)
{
  return table->cells[row * table->columns + column];
}

/* Writes a file, atomically: a header [columns] and cells [rows * columns], quoted where need be. Lines
 * end in LF, which every reader takes and line-wise tools want. */
NRF_MUST_CHECK nrf_status nrf_csv_write(const char *path, int64_t columns, const char *const header[],
                                        int64_t rows, const char *const cells[]);

/* ---- Collating ---- */

/* What training writes and collating merges, and what it makes of them; the result's name does not match. */
#define NRF_CSV_RESULTS_PATTERN "params_and_results_*.csv"
#define NRF_CSV_COLLATED_NAME   "collated_params_and_results.csv"
#define NRF_CSV_ARCHIVE_NAME    "archive_csvs"

typedef struct nrf_csv_collation {
  int64_t files;         /* merged this time                      */
  int64_t columns, rows; /* in the collated file                  */
} nrf_csv_collation;

/* Merges all params_and_results_*.csv of a directory, in order of their names, into its
 * collated_params_and_results.csv: the union of the columns in order of first appearance, missing cells
 * empty, equal rows once. A collated file that is there already comes first, so that repeating changes
 * nothing and archived rows stay. With `archive` the merged files then move to archive_csvs/; a file of
 * the same name there is kept and the newcomer numbered. If any file cannot be read nothing is changed.
 * NRF_ENOTFOUND if there is nothing to merge. */
NRF_MUST_CHECK nrf_status nrf_csv_collate(const char *directory, bool archive, nrf_csv_collation *out);

#endif
