/* table.c - tables in memory. */
#include "analysis/frame/table_model.h"
#include "analysis/frame/text.h"
#include "nrflv/memory.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *nrf_column_type_name(nrf_column_type type)
{
  static const char *const names[] = {"double", "int", "bool", "text"};
  return names[type];
}

/* Text cells are places in the table's text, of which the first is "". */
static size_t cell_bytes(nrf_column_type type)
{
  static const size_t bytes[] = {sizeof(double), sizeof(int64_t), sizeof(bool), sizeof(int64_t)};
  return bytes[type];
}

/* ---- making ---- */

static bool is_column_name(const char *name)
{
  if (!isalnum((unsigned char)name[0]) || strlen(name) >= TABLE_NAME_BYTES) return false;
  for (; *name; name++)
    if (!isalnum((unsigned char)*name) && !strchr(" _-", *name)) return false;
  return true;
}

static nrf_status check_columns(const char *table, int n, const nrf_column_spec columns[])
{
  if (n < 1 || n > NRF_TABLE_MAX_COLUMNS) return nrf_error(NRF_EINVAL, "table %s: %d columns", table, n);
  for (int i = 0; i < n; i++) {
    if (!columns[i].name || !is_column_name(columns[i].name))
      return nrf_error(NRF_EINVAL, "table %s: '%s' is no name for a column", table,
                       columns[i].name ? columns[i].name : "");
    for (int j = 0; j < i; j++)
      if (strcmp(columns[i].name, columns[j].name) == 0)
        return nrf_error(NRF_EINVAL, "table %s: two columns are called '%s'", table, columns[i].name);
  }
  return NRF_OK;
}

static void copy(char *to, size_t bytes, const char *text)
{
  (void)snprintf(to, bytes, "%s", text ? text : "");
}

static void copy_column(table_column *to, const nrf_column_spec *from)
{
  copy(to->name, sizeof to->name, from->name);
  copy(to->unit, sizeof to->unit, from->unit);
  copy(to->description, sizeof to->description, from->description);
  to->spec = (nrf_column_spec){to->name, from->type, to->unit, to->description};
}

nrf_status nrf_table_create(const char *name, const char *description, int n_columns,
                            const nrf_column_spec columns[], nrf_table **out)
{
  nrf_status st = NRF_OK;
  nrf_table *t  = NULL;
  *out          = NULL;
  if (!text_is_file_name(name, TABLE_NAME_BYTES))
    return nrf_error(NRF_EINVAL, "table '%.100s': not a name for a file", name);
  NRF_RETURN_IF_ERROR(check_columns(name, n_columns, columns));
  NRF_TRY(nrf_alloc(sizeof *t, "table", (void **)&t));
  NRF_TRY(nrf_alloc((size_t)n_columns * sizeof *t->column, "table", (void **)&t->column));
  copy(t->name, sizeof t->name, name);
  copy(t->description, sizeof t->description, description);
  t->n_columns = n_columns;
  for (int i = 0; i < n_columns; i++) copy_column(&t->column[i], &columns[i]);
  nrf_buffer_put(&t->text, "", 1);
  NRF_TRY(text_check(&t->text, name));
  *out = t;
done:
  if (st != NRF_OK) nrf_table_free(t);
  return st;
}

void nrf_table_free(nrf_table *table)
{
  if (!table) return;
  for (int i = 0; table->column && i < table->n_columns; i++) nrf_free(table->column[i].cells);
  nrf_free(table->column);
  nrf_buffer_free(&table->text);
  nrf_free(table);
}

/* ---- looking ---- */

const char *nrf_table_name(const nrf_table *table)
{
  return table->name;
}

const char *nrf_table_description(const nrf_table *table)
{
  return table->description;
}

int nrf_table_n_columns(const nrf_table *table)
{
  return table->n_columns;
}

int64_t nrf_table_n_rows(const nrf_table *table)
{
  return table->rows;
}

const nrf_column_spec *nrf_table_column(const nrf_table *table, int column)
{
  assert(column >= 0 && column < table->n_columns);
  return &table->column[column].spec;
}

int nrf_table_find(const nrf_table *table, const char *name)
{
  for (int i = 0; i < table->n_columns; i++)
    if (strcmp(table->column[i].name, name) == 0) return i;
  return -1;
}

/* ---- rows ---- */

/* Makes room for so many rows in every column; nothing changes if there is no memory. */
static nrf_status reserve(nrf_table *t, int64_t rows)
{
  if (rows >= 0 && rows <= t->capacity) return NRF_OK;
  const int64_t capacity = rows > 2 * t->capacity ? rows : 2 * t->capacity;
  if (rows < 0 || capacity > INT64_MAX / 16)
    return nrf_error(NRF_EINVAL, "table %s: %lld rows", t->name, (long long)rows);
  for (int i = 0; i < t->n_columns; i++) {
    table_column *c     = &t->column[i];
    const size_t  bytes = cell_bytes(c->spec.type);
    void         *cells = NULL;
    NRF_RETURN_IF_ERROR(nrf_alloc((size_t)capacity * bytes, t->name, &cells));
    if (t->rows > 0) memcpy(cells, c->cells, (size_t)t->rows * bytes);
    nrf_free(c->cells);
    c->cells = cells;
  }
  t->capacity = capacity;
  return NRF_OK;
}

nrf_status nrf_table_resize(nrf_table *table, int64_t rows)
{
  NRF_RETURN_IF_ERROR(reserve(table, rows));
  for (int i = 0; i < table->n_columns && rows > table->rows; i++) {
    table_column *c     = &table->column[i];
    const size_t  bytes = cell_bytes(c->spec.type);
    memset((char *)c->cells + (size_t)table->rows * bytes, 0, (size_t)(rows - table->rows) * bytes);
    if (c->spec.type == NRF_COLUMN_DOUBLE)
      for (int64_t r = table->rows; r < rows; r++) ((double *)c->cells)[r] = NAN;
  }
  table->rows = rows;
  return NRF_OK;
}

static void *cells_of(const nrf_table *table, int column, nrf_column_type type)
{
  assert(column >= 0 && column < table->n_columns && table->column[column].spec.type == type);
  (void)type;
  return table->column[column].cells;
}

double *nrf_table_doubles(nrf_table *table, int column)
{
  return cells_of(table, column, NRF_COLUMN_DOUBLE);
}

int64_t *nrf_table_ints(nrf_table *table, int column)
{
  return cells_of(table, column, NRF_COLUMN_INT);
}

bool *nrf_table_bools(nrf_table *table, int column)
{
  return cells_of(table, column, NRF_COLUMN_BOOL);
}

nrf_status nrf_table_set_text(nrf_table *table, int column, int64_t row, const char *text)
{
  int64_t *cells = cells_of(table, column, NRF_COLUMN_TEXT);
  assert(row >= 0 && row < table->rows);
  if (text[0] == '\0') {
    cells[row] = 0;
    return NRF_OK;
  }
  cells[row] = (int64_t)table->text.used;
  nrf_buffer_put(&table->text, text, strlen(text) + 1);
  return text_check(&table->text, table->name);
}

const char *nrf_table_text(const nrf_table *table, int column, int64_t row)
{
  const int64_t *cells = cells_of(table, column, NRF_COLUMN_TEXT);
  assert(row >= 0 && row < table->rows);
  return table->text.bytes + cells[row];
}

nrf_status nrf_table_append(nrf_table *table, const nrf_cell cells[])
{
  const int64_t row = table->rows;
  NRF_RETURN_IF_ERROR(nrf_table_resize(table, row + 1));
  for (int i = 0; i < table->n_columns; i++) {
    switch (table->column[i].spec.type) {
    case NRF_COLUMN_DOUBLE:
      nrf_table_doubles(table, i)[row] = cells[i].d;
      break;
    case NRF_COLUMN_INT:
      nrf_table_ints(table, i)[row] = cells[i].i;
      break;
    case NRF_COLUMN_BOOL:
      nrf_table_bools(table, i)[row] = cells[i].b;
      break;
    case NRF_COLUMN_TEXT:
      NRF_RETURN_IF_ERROR(nrf_table_set_text(table, i, row, cells[i].s));
      break;
    }
  }
  return NRF_OK;
}

/* ---- columns by name ---- */

static nrf_status get(const nrf_table *table, const char *name, nrf_column_type type, const void **out)
{
  const int i = nrf_table_find(table, name);
  *out        = NULL;
  if (i < 0) return nrf_error(NRF_EFORMAT, "table %s: no column '%s'", table->name, name);
  if (table->column[i].spec.type != type)
    return nrf_error(NRF_EFORMAT, "table %s: column '%s' is of type %s, not %s", table->name, name,
                     nrf_column_type_name(table->column[i].spec.type), nrf_column_type_name(type));
  *out = table->column[i].cells;
  return NRF_OK;
}

nrf_status nrf_table_get_doubles(const nrf_table *table, const char *column, const double **out)
{
  return get(table, column, NRF_COLUMN_DOUBLE, (const void **)out);
}

nrf_status nrf_table_get_ints(const nrf_table *table, const char *column, const int64_t **out)
{
  return get(table, column, NRF_COLUMN_INT, (const void **)out);
}

nrf_status nrf_table_get_bools(const nrf_table *table, const char *column, const bool **out)
{
  return get(table, column, NRF_COLUMN_BOOL, (const void **)out);
}
