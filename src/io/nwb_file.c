/* nwb_file.c - NWB's objects out of HDF5's. */
#include "io/nwb_file.h"

#include "io/md5.h"
#include "nrflv/memory.h"

#include <stdio.h>
#include <string.h>

/* Does the call unless something failed before. */
#define STEP(nwb, call)                          \
  do {                                           \
    if ((nwb)->st == NRF_OK) (nwb)->st = (call); \
  } while (0)

/* ---- Objects ---- */

enum { UUID_BYTES = 37 };

/* A name-based UUID (RFC 4122, version 3): equal contents make equal files. */
static void object_id(const nrf_nwb *nwb, const char *path, char id[UUID_BYTES])
{
  nrf_md5 md5;
  char    hex[NRF_MD5_HEX_BYTES];
  nrf_md5_init(&md5);
  nrf_md5_update(&md5, nwb->identifier, strlen(nwb->identifier) + 1);
  nrf_md5_update(&md5, path, strlen(path));
  nrf_md5_final(&md5, hex);
  hex[12] = '3';                                /* version */
  hex[16] = "89ab"[(unsigned char)hex[16] % 4]; /* variant */
  (void)snprintf(id, UUID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

void nrf_nwb_set_type(nrf_nwb *nwb, const char *path, const char *name_space, const char *type)
{
  char id[UUID_BYTES];
  object_id(nwb, path, id);
  nrf_nwb_attribute_text(nwb, path, "namespace", name_space);
  nrf_nwb_attribute_text(nwb, path, "neurodata_type", type);
  nrf_nwb_attribute_text(nwb, path, "object_id", id);
}

void nrf_nwb_group(nrf_nwb *nwb, const char *path, const char *type)
{
  STEP(nwb, nrf_h5_make_group(nwb->file, path));
  if (type != NULL) nrf_nwb_set_type(nwb, path, "core", type);
}

void nrf_nwb_text(nrf_nwb *nwb, const char *path, const char *text)
{
  STEP(nwb, nrf_h5_write_text(nwb->file, path, text));
}

void nrf_nwb_numbers(nrf_nwb *nwb, const char *path, nrf_h5_type type, nrf_h5_shape shape, const void *data)
{
  STEP(nwb, nrf_h5_write(nwb->file, path, type, shape, NRF_H5_PLAIN, data));
}

void nrf_nwb_attribute_text(nrf_nwb *nwb, const char *path, const char *name, const char *text)
{
  STEP(nwb, nrf_h5_write_attribute_text(nwb->file, path, name, text));
}

void nrf_nwb_attribute(nrf_nwb *nwb, const char *path, const char *name, nrf_h5_type type, nrf_h5_shape shape,
                       const void *data)
{
  STEP(nwb, nrf_h5_write_attribute(nwb->file, path, name, type, shape, data));
}

void nrf_nwb_attribute_int(nrf_nwb *nwb, const char *path, const char *name, int value)
{
  const int32_t number = value;
  nrf_nwb_attribute(nwb, path, name, NRF_H5_INT32, nrf_h5_scalar(), &number);
}

void nrf_nwb_attribute_double(nrf_nwb *nwb, const char *path, const char *name, double value)
{
  nrf_nwb_attribute(nwb, path, name, NRF_H5_FLOAT64, nrf_h5_scalar(), &value);
}

/* ---- Tables ---- */

typedef struct number_kind {
  nrf_h5_type type;
  size_t      size;
} number_kind;

static const number_kind number_kinds[] = {
    [NRF_NWB_INT]    = {NRF_H5_INT32, sizeof(int)},
    [NRF_NWB_INT64]  = {NRF_H5_INT64, sizeof(int64_t)},
    [NRF_NWB_DOUBLE] = {NRF_H5_FLOAT64, sizeof(double)},
};

static bool is_text(const nrf_nwb_column *column)
{
  return column->member == NRF_NWB_CHARS || column->member == NRF_NWB_STRING;
}

enum { PATH_BYTES = 256 };

static const char *column_path(char path[PATH_BYTES], const nrf_nwb_table *table, const char *name)
{
  (void)snprintf(path, PATH_BYTES, "%s/%s", table->path, name);
  return path;
}

/* A column's values side by side: numbers, or pointers to texts. */
static nrf_status gather(const nrf_nwb_column *column, size_t row_size, int n_rows, const char *rows,
                         void **out)
{
  const size_t size = is_text(column) ? sizeof(char *) : number_kinds[column->member].size;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n_rows * size, column->name, out));
  for (int i = 0; i < n_rows; i++) {
    const char *member = rows + (size_t)i * row_size + column->offset;
    char       *to     = (char *)*out + (size_t)i * size;
    if (column->member == NRF_NWB_CHARS)
      memcpy(to, &member, sizeof member);
    else
      memcpy(to, member, size);
  }
  return NRF_OK;
}

static void write_column(nrf_nwb *nwb, const nrf_nwb_table *table, const nrf_nwb_column *column, int n_rows,
                         const void *rows)
{
  char  path[PATH_BYTES];
  void *values = NULL;
  column_path(path, table, column->name);
  STEP(nwb, gather(column, table->row_size, n_rows, rows, &values));
  if (is_text(column))
    STEP(nwb, nrf_h5_write_texts(nwb->file, path, nrf_h5_vector(n_rows), values));
  else
    nrf_nwb_numbers(nwb, path, number_kinds[column->member].type, nrf_h5_vector(n_rows), values);
  nrf_free(values);
  nrf_nwb_set_type(nwb, path, "hdmf-common", "VectorData");
  nrf_nwb_attribute_text(nwb, path, "description", column->description);
}

/* Every table numbers its rows. */
static void write_ids(nrf_nwb *nwb, const nrf_nwb_table *table, int n_rows)
{
  char  path[PATH_BYTES];
  void *memory = NULL;
  column_path(path, table, "id");
  STEP(nwb, nrf_alloc((size_t)n_rows * sizeof(int32_t), path, &memory));
  int32_t *id = memory;
  for (int32_t i = 0; i < n_rows && id != NULL; i++) id[i] = i;
  nrf_nwb_numbers(nwb, path, NRF_H5_INT32, nrf_h5_vector(n_rows), id);
  nrf_free(memory);
  nrf_nwb_set_type(nwb, path, "hdmf-common", "ElementIdentifiers");
}

static void write_names(nrf_nwb *nwb, const nrf_nwb_table *table)
{
  void *memory = NULL;
  STEP(nwb, nrf_alloc((size_t)table->n_columns * sizeof(char *), table->path, &memory));
  const char **name = memory;
  for (int i = 0; i < table->n_columns && name != NULL; i++) name[i] = table->column[i].name;
  STEP(nwb, nrf_h5_write_attribute_texts(nwb->file, table->path, "colnames", table->n_columns, name));
  nrf_free(memory);
}

void nrf_nwb_write_table(nrf_nwb *nwb, const nrf_nwb_table *table, int n_rows, const void *rows)
{
  const bool common = strcmp(table->type, "DynamicTable") == 0;
  nrf_nwb_group(nwb, table->path, NULL);
  nrf_nwb_set_type(nwb, table->path, common ? "hdmf-common" : "core", table->type);
  nrf_nwb_attribute_text(nwb, table->path, "description", table->description);
  write_names(nwb, table);
  write_ids(nwb, table, n_rows);
  for (int i = 0; i < table->n_columns; i++) write_column(nwb, table, &table->column[i], n_rows, rows);
}

/* ---- Reading tables ---- */

static nrf_status read_texts(const nrf_h5_file *file, const char *path, const nrf_nwb_table *table,
                             const nrf_nwb_column *column, int n_rows, char *rows)
{
  nrf_status     st = NRF_OK;
  nrf_h5_strings text;
  NRF_RETURN_IF_ERROR(nrf_h5_read_strings(file, path, &text));
  if (text.count != n_rows)
    NRF_FAIL(NRF_ESHAPE, "%s: '%s' has %lld rows, %d expected", nrf_h5_path(file), path,
             (long long)text.count, n_rows);
  for (int i = 0; i < n_rows; i++) {
    if (strlen(text.item[i]) >= column->size)
      NRF_FAIL(NRF_EFORMAT, "%s: '%s', row %d: longer than %zu characters", nrf_h5_path(file), path, i,
               column->size - 1);
    memcpy(rows + (size_t)i * table->row_size + column->offset, text.item[i], strlen(text.item[i]) + 1);
  }
done:
  nrf_h5_strings_free(&text);
  return st;
}

static nrf_status read_numbers(const nrf_h5_file *file, const char *path, const nrf_nwb_table *table,
                               const nrf_nwb_column *column, int n_rows, char *rows)
{
  const number_kind kind   = number_kinds[column->member];
  void             *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n_rows * kind.size, path, &memory));
  const nrf_status st = nrf_h5_read(file, path, kind.type, nrf_h5_vector(n_rows), memory);
  for (int i = 0; i < n_rows && st == NRF_OK; i++)
    memcpy(rows + (size_t)i * table->row_size + column->offset, (const char *)memory + (size_t)i * kind.size,
           kind.size);
  nrf_free(memory);
  return st;
}

nrf_status nrf_nwb_read_table(const nrf_h5_file *file, const nrf_nwb_table *table, int max_rows, int *n_rows,
                              void **rows)
{
  nrf_status   st     = NRF_OK;
  void        *memory = NULL;
  char         path[PATH_BYTES];
  nrf_h5_shape shape;

  *rows = NULL;
  NRF_TRY(nrf_h5_dataset_shape(file, column_path(path, table, "id"), &shape));
  if (shape.rank != 1 || shape.dim[0] > max_rows)
    NRF_FAIL(NRF_ESHAPE, "%s: '%s' has not the shape of a table, or more than %d rows", nrf_h5_path(file),
             table->path, max_rows);
  *n_rows = (int)shape.dim[0];
  NRF_TRY(nrf_alloc((size_t)*n_rows * table->row_size, table->path, &memory));
  for (int i = 0; i < table->n_columns; i++) {
    const nrf_nwb_column *column = &table->column[i];
    column_path(path, table, column->name);
    NRF_TRY((is_text(column) ? read_texts : read_numbers)(file, path, table, column, *n_rows, memory));
  }
  *rows  = memory;
  memory = NULL;
done:
  nrf_free(memory);
  return st;
}
