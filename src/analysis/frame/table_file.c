/* table_file.c - tables as HDF5. */
#include "analysis/frame/table_model.h"
#include "nrflv/h5_file.h"
#include "nrflv/memory.h"

#include <stdio.h>
#include <string.h>

static const char GROUP[] = "/table", PROVENANCE[] = "/provenance";
enum { FORMAT_VERSION = 1, PATH_BYTES = TABLE_NAME_BYTES + 16 };

static void dataset_path(char path[PATH_BYTES], const char *column)
{
  (void)snprintf(path, PATH_BYTES, "%s/%s", GROUP, column);
}

/* ---- writing ---- */

static nrf_status write_texts(nrf_h5_file *file, const char *path, const nrf_table *t, int column)
{
  const char **text = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)t->rows * sizeof *text, t->name, (void **)&text));
  for (int64_t r = 0; r < t->rows; r++) text[r] = nrf_table_text(t, column, r);
  const nrf_status st = nrf_h5_write_strings(file, path, t->rows, text);
  nrf_free(text);
  return st;
}

static nrf_status write_cells(nrf_h5_file *file, const char *path, const nrf_table *t, int column)
{
  static const nrf_h5_type types[] = {[NRF_COLUMN_DOUBLE] = NRF_H5_FLOAT64,
                                      [NRF_COLUMN_INT]    = NRF_H5_INT64,
                                      [NRF_COLUMN_BOOL]   = NRF_H5_UINT8};
  _Static_assert(sizeof(bool) == 1, "booleans are written as bytes");
  const table_column *c = &t->column[column];
  if (c->spec.type == NRF_COLUMN_TEXT) return write_texts(file, path, t, column);
  return nrf_h5_write(file, path, types[c->spec.type], nrf_h5_vector(t->rows), NRF_H5_COMPRESSED, c->cells);
}

static nrf_status write_column(nrf_h5_file *file, const nrf_table *t, int column)
{
  const nrf_column_spec *spec = &t->column[column].spec;
  char                   path[PATH_BYTES];
  dataset_path(path, spec->name);
  NRF_RETURN_IF_ERROR(write_cells(file, path, t, column));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_string(file, path, "unit", spec->unit));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_string(file, path, "description", spec->description));
  return nrf_h5_write_attribute_string(file, path, "type", nrf_column_type_name(spec->type));
}

static nrf_status write_head(nrf_h5_file *file, const nrf_table *t)
{
  const char *names[NRF_TABLE_MAX_COLUMNS];
  for (int i = 0; i < t->n_columns; i++) names[i] = t->column[i].name;
  NRF_RETURN_IF_ERROR(nrf_h5_make_group(file, GROUP));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_int64(file, GROUP, "format_version", FORMAT_VERSION));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_string(file, GROUP, "name", t->name));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_string(file, GROUP, "description", t->description));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_int64(file, GROUP, "rows", t->rows));
  return nrf_h5_write_attribute_strings(file, GROUP, "columns", t->n_columns, names);
}

nrf_status nrf_table_write(const nrf_table *table, const char *path, int n, const nrf_provenance provenance[])
{
  nrf_status   st   = NRF_OK;
  nrf_h5_file *file = NULL;
  NRF_TRY(nrf_h5_create(path, &file));
  NRF_TRY(write_head(file, table));
  for (int i = 0; i < table->n_columns; i++) NRF_TRY(write_column(file, table, i));
  NRF_TRY(nrf_h5_make_group(file, PROVENANCE));
  for (int i = 0; i < n; i++)
    NRF_TRY(nrf_h5_write_attribute_string(file, PROVENANCE, provenance[i].name, provenance[i].value));
  NRF_TRY(nrf_h5_commit(file));
done:
  nrf_h5_free(file);
  return st;
}

/* ---- reading ---- */

static nrf_status type_of(const char *path, const char *column, const char *name, nrf_column_type *out)
{
  for (int i = NRF_COLUMN_DOUBLE; i <= NRF_COLUMN_TEXT; i++) {
    *out = (nrf_column_type)i;
    if (strcmp(nrf_column_type_name(*out), name) == 0) return NRF_OK;
  }
  return nrf_error(NRF_EFORMAT, "%s: column '%.100s' is of an unknown type, '%.40s'", path, column, name);
}

static nrf_status read_spec(const nrf_h5_file *file, const char *name, nrf_column_spec *out)
{
  nrf_status st   = NRF_OK;
  char      *type = NULL, *unit = NULL, *description = NULL;
  char       path[PATH_BYTES];
  *out = (nrf_column_spec){.name = name};
  if (strlen(name) >= TABLE_NAME_BYTES)
    return nrf_error(NRF_EFORMAT, "%s: the column's name '%.40s...' is too long", nrf_h5_path(file), name);
  dataset_path(path, name);
  NRF_TRY(nrf_h5_read_attribute_string(file, path, "type", &type));
  NRF_TRY(nrf_h5_read_attribute_string(file, path, "unit", &unit));
  NRF_TRY(nrf_h5_read_attribute_string(file, path, "description", &description));
  NRF_TRY(type_of(nrf_h5_path(file), name, type, &out->type));
  out->unit        = unit;
  out->description = description;
  unit = description = NULL;
done:
  nrf_free(type);
  nrf_free(unit);
  nrf_free(description);
  return st;
}

static nrf_status read_texts(const nrf_h5_file *file, const char *path, nrf_table *t, int column)
{
  nrf_status     st    = NRF_OK;
  nrf_h5_strings texts = {0};
  NRF_TRY(nrf_h5_read_strings(file, path, &texts));
  if (texts.count != t->rows)
    NRF_FAIL(NRF_EFORMAT, "%s: '%s' has %lld rows, not %lld", nrf_h5_path(file), path, (long long)texts.count,
             (long long)t->rows);
  for (int64_t r = 0; r < t->rows; r++) NRF_TRY(nrf_table_set_text(t, column, r, texts.item[r]));
done:
  nrf_h5_strings_free(&texts);
  return st;
}

static nrf_status read_column(const nrf_h5_file *file, nrf_table *t, int column)
{
  static const nrf_h5_type types[] = {[NRF_COLUMN_DOUBLE] = NRF_H5_FLOAT64,
                                      [NRF_COLUMN_INT]    = NRF_H5_INT64,
                                      [NRF_COLUMN_BOOL]   = NRF_H5_UINT8};
  table_column            *c       = &t->column[column];
  char                     path[PATH_BYTES];
  dataset_path(path, c->name);
  if (c->spec.type == NRF_COLUMN_TEXT) return read_texts(file, path, t, column);
  NRF_RETURN_IF_ERROR(nrf_h5_read(file, path, types[c->spec.type], nrf_h5_vector(t->rows), c->cells));
  if (c->spec.type != NRF_COLUMN_BOOL) return NRF_OK;
  for (int64_t r = 0; r < t->rows; r++) /* a bool is 0 or 1 */
    if (((const uint8_t *)c->cells)[r] > 1)
      return nrf_error(NRF_EFORMAT, "%s: '%s' holds more than 0 and 1", nrf_h5_path(file), path);
  return NRF_OK;
}

/* Before memory is had for so many rows: is there a data set of that length? */
static nrf_status check_rows(const nrf_h5_file *file, const char *column, int64_t rows)
{
  nrf_h5_shape shape;
  char         path[PATH_BYTES];
  dataset_path(path, column);
  NRF_RETURN_IF_ERROR(nrf_h5_dataset_shape(file, path, &shape));
  if (shape.rank == 1 && shape.dim[0] == rows) return NRF_OK;
  return nrf_error(NRF_EFORMAT, "%s: '%s' does not have %lld rows", nrf_h5_path(file), path, (long long)rows);
}

static nrf_status read_table(const nrf_h5_file *file, nrf_table **out)
{
  nrf_status      st   = NRF_OK;
  char           *name = NULL, *description = NULL;
  nrf_h5_strings  columns                     = {0};
  nrf_column_spec spec[NRF_TABLE_MAX_COLUMNS] = {0};
  int             n                           = 0;
  int64_t         rows;
  NRF_TRY(nrf_h5_read_attribute_string(file, GROUP, "name", &name));
  NRF_TRY(nrf_h5_read_attribute_string(file, GROUP, "description", &description));
  NRF_TRY(nrf_h5_read_attribute_int64(file, GROUP, "rows", &rows));
  NRF_TRY(nrf_h5_read_attribute_strings(file, GROUP, "columns", &columns));
  if (columns.count > NRF_TABLE_MAX_COLUMNS)
    NRF_FAIL(NRF_EFORMAT, "%s: %lld columns", nrf_h5_path(file), (long long)columns.count);
  for (; n < columns.count; n++) {
    NRF_TRY(read_spec(file, columns.item[n], &spec[n]));
    if (spec[n].type != NRF_COLUMN_TEXT) NRF_TRY(check_rows(file, columns.item[n], rows));
  }
  if (nrf_table_create(name, description, n, spec, out) != NRF_OK)
    NRF_FAIL(NRF_EFORMAT, "%s: not one of our tables", nrf_h5_path(file));
  NRF_TRY(nrf_table_resize(*out, rows));
  for (int i = 0; i < n; i++) NRF_TRY(read_column(file, *out, i));
done:
  for (int i = 0; i < NRF_TABLE_MAX_COLUMNS; i++) { /* also of the column that could not be read */
    nrf_free((void *)spec[i].unit);
    nrf_free((void *)spec[i].description);
  }
  nrf_h5_strings_free(&columns);
  nrf_free(description);
  nrf_free(name);
  return st;
}

nrf_status nrf_table_read(const char *path, nrf_table **out)
{
  nrf_h5_file *file = NULL;
  *out              = NULL;
  NRF_RETURN_IF_ERROR(nrf_h5_open(path, &file));
  const nrf_status st = read_table(file, out);
  nrf_h5_free(file);
  if (st != NRF_OK) {
    nrf_table_free(*out);
    *out = NULL;
  }
  return st;
}
