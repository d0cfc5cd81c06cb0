/* record_table.c - members to cells and back. */
#include "record_table.h"

#include "nrflv/memory.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

static nrf_column_type type_of(nrf_member member)
{
  static const nrf_column_type types[] = {[NRF_MEMBER_INT]    = NRF_COLUMN_INT,
                                          [NRF_MEMBER_INT64]  = NRF_COLUMN_INT,
                                          [NRF_MEMBER_DOUBLE] = NRF_COLUMN_DOUBLE,
                                          [NRF_MEMBER_BOOL]   = NRF_COLUMN_BOOL};
  return types[member];
}

static char *member_at(const nrf_records *records, int64_t i, const nrf_record_column *column)
{
  return (char *)records->first + (size_t)i * records->stride + column->offset;
}

static int64_t int_member(const char *at, nrf_member member)
{
  int     narrow;
  int64_t wide;
  if (member == NRF_MEMBER_INT64) {
    memcpy(&wide, at, sizeof wide);
    return wide;
  }
  memcpy(&narrow, at, sizeof narrow);
  return narrow;
}

static void fill_column(nrf_table *table, int c, const nrf_record_column *column, const nrf_records *records)
{
  const nrf_column_type type = type_of(column->member);
  for (int64_t i = 0; i < records->n; i++) {
    const char *at = member_at(records, i, column);
    if (type == NRF_COLUMN_INT)
      nrf_table_ints(table, c)[i] = int_member(at, column->member);
    else if (type == NRF_COLUMN_DOUBLE)
      memcpy(&nrf_table_doubles(table, c)[i], at, sizeof(double));
    else
      memcpy(&nrf_table_bools(table, c)[i], at, sizeof(bool));
  }
}

nrf_status nrf_records_to_table(const char *name, const char *description, int n_columns,
                                const nrf_record_column columns[], nrf_records records, nrf_table **out)
{
  nrf_status       st     = NRF_OK;
  void            *memory = NULL;
  nrf_column_spec *specs  = NULL;
  *out                    = NULL;
  NRF_TRY(nrf_alloc((size_t)n_columns * sizeof *specs, name, &memory));
  specs = memory;
  for (int c = 0; c < n_columns; c++)
    specs[c] = (nrf_column_spec){columns[c].name, type_of(columns[c].member), columns[c].unit,
                                 columns[c].description};
  NRF_TRY(nrf_table_create(name, description, n_columns, specs, out));
  NRF_TRY(nrf_table_resize(*out, records.n));
  for (int c = 0; c < n_columns; c++) fill_column(*out, c, &columns[c], &records);
done:
  nrf_free(specs);
  if (st != NRF_OK) {
    nrf_table_free(*out);
    *out = NULL;
  }
  return st;
}

static nrf_status read_ints(const nrf_table *table, const nrf_record_column *column, nrf_records *records)
{
  const int64_t *values;
  NRF_RETURN_IF_ERROR(nrf_table_get_ints(table, column->name, &values));
  for (int64_t i = 0; i < records->n; i++) {
    const int narrow = (int)values[i];
    if (column->member == NRF_MEMBER_INT64)
      memcpy(member_at(records, i, column), &values[i], sizeof values[i]);
    else if (values[i] >= INT_MIN && values[i] <= INT_MAX)
      memcpy(member_at(records, i, column), &narrow, sizeof narrow);
    else
      return nrf_error(NRF_EFORMAT, "%s: %s: %lld is too large", nrf_table_name(table), column->name,
                       (long long)values[i]);
  }
  return NRF_OK;
}

static nrf_status read_doubles(const nrf_table *table, const nrf_record_column *column, nrf_records *records)
{
  const double *values;
  NRF_RETURN_IF_ERROR(nrf_table_get_doubles(table, column->name, &values));
  for (int64_t i = 0; i < records->n; i++)
    memcpy(member_at(records, i, column), &values[i], sizeof values[i]);
  return NRF_OK;
}

static nrf_status read_bools(const nrf_table *table, const nrf_record_column *column, nrf_records *records)
{
  const bool *values;
  NRF_RETURN_IF_ERROR(nrf_table_get_bools(table, column->name, &values));
  for (int64_t i = 0; i < records->n; i++)
    memcpy(member_at(records, i, column), &values[i], sizeof values[i]);
  return NRF_OK;
}

nrf_status nrf_records_of_table(const nrf_table *table, int n_columns, const nrf_record_column columns[],
                                nrf_records *records)
{
  nrf_status st = NRF_OK;
  records->n    = nrf_table_n_rows(table);
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)records->n * records->stride, nrf_table_name(table), &records->first));
  for (int c = 0; c < n_columns && st == NRF_OK; c++) {
    const nrf_column_type type = type_of(columns[c].member);
    if (type == NRF_COLUMN_INT)
      st = read_ints(table, &columns[c], records);
    else if (type == NRF_COLUMN_DOUBLE)
      st = read_doubles(table, &columns[c], records);
    else
      st = read_bools(table, &columns[c], records);
  }
  if (st == NRF_OK) return NRF_OK;
  nrf_free(records->first);
  records->first = NULL;
  records->n     = 0;
  return st;
}
