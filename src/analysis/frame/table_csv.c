/* table_csv.c - tables as CSV (RFC 4180): for spreadsheets, R and a quick look. */
#include "analysis/frame/table_model.h"
#include "analysis/frame/text.h"
#include "nrflv/atomic_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 20 }; /* what is written at a time */

static void put_double(nrf_buffer *line, double x)
{
  if (isnan(x)) {
    text_put(line, "NaN");
  } else if (isinf(x)) {
    text_put(line, x > 0 ? "Inf" : "-Inf");
  } else {
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
      (void)snprintf(text, sizeof text, "%.*g", digits, x);
      if (strtod(text, NULL) == x) break;
    }
    text_put(line, text);
  }
}

static void put_text(nrf_buffer *line, const char *text)
{
  if (!text[strcspn(text, ",\"\r\n")]) {
    text_put(line, text);
    return;
  }
  text_put(line, "\"");
  for (; *text; text++) {
    if (*text == '"') text_put(line, "\"");
    nrf_buffer_put(line, text, 1);
  }
  text_put(line, "\"");
}

static void put_cell(nrf_buffer *line, const nrf_table *t, int column, int64_t row)
{
  const void *cells = t->column[column].cells;
  switch (t->column[column].spec.type) {
  case NRF_COLUMN_DOUBLE:
    put_double(line, ((const double *)cells)[row]);
    break;
  case NRF_COLUMN_INT:
    text_printf(line, "%" PRId64, ((const int64_t *)cells)[row]);
    break;
  case NRF_COLUMN_BOOL:
    text_put(line, ((const bool *)cells)[row] ? "TRUE" : "FALSE");
    break;
  case NRF_COLUMN_TEXT:
    put_text(line, nrf_table_text(t, column, row));
    break;
  }
}

static void put_row(nrf_buffer *piece, const nrf_table *t, int64_t row)
{
  for (int c = 0; c < t->n_columns; c++) {
    if (c > 0) text_put(piece, ",");
    if (row < 0)
      put_text(piece, t->column[c].name);
    else
      put_cell(piece, t, c, row);
  }
  text_put(piece, "\n");
}

nrf_status nrf_table_write_csv(const nrf_table *table, const char *path)
{
  nrf_status       st    = NRF_OK;
  nrf_buffer       piece = {0};
  nrf_atomic_file *file  = NULL;
  NRF_TRY(nrf_atomic_create(path, &file));
  for (int64_t row = -1; row < table->rows; row++) { /* row -1: the names */
    put_row(&piece, table, row);
    if (piece.used < PIECE_BYTES && row < table->rows - 1) continue;
    NRF_TRY(text_check(&piece, path));
    NRF_TRY(nrf_atomic_append(file, piece.bytes, piece.used));
    nrf_buffer_clear(&piece);
  }
  NRF_TRY(nrf_atomic_commit_unflushed(file));
done:
  nrf_atomic_free(file);
  nrf_buffer_free(&piece);
  return st;
}
