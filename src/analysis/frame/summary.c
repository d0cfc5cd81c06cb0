/* summary.c - the key numbers and the columns of all analyses, as tables. */
#include "analysis/frame/record.h"
#include "analysis/frame/report.h"
#include "analysis/frame/text.h"

#include <math.h>

enum { NUMBER_ANALYSIS, NAME, VALUE, UNIT, LOW, HIGH, CONFIDENCE, N, NOTE };
static const nrf_column_spec number_columns[] = {
    [NUMBER_ANALYSIS] = {"analysis", NRF_COLUMN_TEXT, "", "name of the analysis"},
    [NAME]            = {"name", NRF_COLUMN_TEXT, "", "what the number is"},
    [VALUE]           = {"value", NRF_COLUMN_DOUBLE, "", "the number, in the unit of this row"},
    [UNIT]            = {"unit", NRF_COLUMN_TEXT, "", "of value, low and high"},
    [LOW]        = {"low", NRF_COLUMN_DOUBLE, "", "lower end of the confidence interval; NaN: there is none"},
    [HIGH]       = {"high", NRF_COLUMN_DOUBLE, "", "upper end of the confidence interval"},
    [CONFIDENCE] = {"confidence", NRF_COLUMN_DOUBLE, "", "of the interval: 0.95 for 95 %"},
    [N]          = {"n", NRF_COLUMN_INT, "", "values that it rests on; 0: does not apply"},
    [NOTE]       = {"note", NRF_COLUMN_TEXT, "", "what else one has to know"},
};

enum { COLUMN_ANALYSIS, TABLE, COLUMN, TYPE, COLUMN_UNIT, DESCRIPTION };
static const nrf_column_spec column_columns[] = {
    [COLUMN_ANALYSIS] = {"analysis", NRF_COLUMN_TEXT, "", "name of the analysis, and of the folder"},
    [TABLE]           = {"table", NRF_COLUMN_TEXT, "", "name of the table's files there"},
    [COLUMN]          = {"column", NRF_COLUMN_TEXT, "", "name of the column"},
    [TYPE]            = {"type", NRF_COLUMN_TEXT, "", "double, int, bool or text"},
    [COLUMN_UNIT]     = {"unit", NRF_COLUMN_TEXT, "",
                         "of the column's numbers; empty for counts, indices, ratios"},
    [DESCRIPTION]     = {"description", NRF_COLUMN_TEXT, "", "what the column holds"},
};

static nrf_status add_numbers(nrf_table *t, const char *analysis, const json_t *record)
{
  size_t  i;
  json_t *n;
  json_array_foreach(json_object_get(record, "numbers"), i, n)
  {
    const nrf_cell cells[] = {
        [NUMBER_ANALYSIS] = {.s = analysis},
        [NAME]            = {.s = record_text(n, "name")},
        [VALUE]           = {.d = record_number(n, "value")},
        [UNIT]            = {.s = record_text(n, "unit")},
        [LOW]             = {.d = record_number(n, "low")},
        [HIGH]            = {.d = record_number(n, "high")},
        [CONFIDENCE]      = {.d = record_number(n, "confidence")},
        [N]               = {.i = json_integer_value(json_object_get(n, "n"))},
        [NOTE]            = {.s = record_text(n, "note")},
    };
    NRF_RETURN_IF_ERROR(nrf_table_append(t, cells));
  }
  return NRF_OK;
}

static nrf_status add_columns(nrf_table *t, const char *analysis, const json_t *record)
{
  size_t  i, k;
  json_t *table, *column;
  json_array_foreach(json_object_get(record, "tables"), i, table)
  {
    json_array_foreach(json_object_get(table, "columns"), k, column)
    {
      const nrf_cell cells[] = {
          [COLUMN_ANALYSIS] = {.s = analysis},
          [TABLE]           = {.s = record_text(table, "name")},
          [COLUMN]          = {.s = record_text(column, "name")},
          [TYPE]            = {.s = record_text(column, "type")},
          [COLUMN_UNIT]     = {.s = record_text(column, "unit")},
          [DESCRIPTION]     = {.s = record_text(column, "description")},
      };
      NRF_RETURN_IF_ERROR(nrf_table_append(t, cells));
    }
  }
  return NRF_OK;
}

static nrf_status collect(const char *directory, nrf_analyses analyses, nrf_table *numbers,
                          nrf_table *columns)
{
  for (int i = 0; i < analyses.n; i++) {
    char name[NRF_ANALYSIS_NAME], folder[NRF_ANALYSIS_PATH];
    nrf_analysis_name(&analyses.row[i], name);
    NRF_RETURN_IF_ERROR(text_path(folder, sizeof folder, directory, name, ""));
    json_t    *record = record_load(folder);
    nrf_status st     = add_numbers(numbers, name, record);
    if (st == NRF_OK) st = add_columns(columns, name, record);
    json_decref(record);
    if (st != NRF_OK) return st;
  }
  return NRF_OK;
}

nrf_status summary_write(const char *directory, nrf_analyses analyses, const nrf_analysis_inputs *inputs)
{
  nrf_status           st      = NRF_OK;
  nrf_table           *numbers = NULL, *columns = NULL;
  const nrf_provenance provenance[2] = {{"program", "nrflv-analyze " NRFLV_VERSION},
                                        {"session", inputs->session}};
  char                 path[NRF_ANALYSIS_PATH];
  NRF_TRY(
      nrf_table_create("summary", "The key numbers of all analyses", NRF_COLUMNS(number_columns), &numbers));
  NRF_TRY(nrf_table_create("columns", "The columns of all tables", NRF_COLUMNS(column_columns), &columns));
  NRF_TRY(collect(directory, analyses, numbers, columns));
  NRF_TRY(text_path(path, sizeof path, directory, "summary", ".csv"));
  NRF_TRY(nrf_table_write_csv(numbers, path));
  NRF_TRY(text_path(path, sizeof path, directory, "summary", ".h5"));
  NRF_TRY(nrf_table_write(numbers, path, 2, provenance));
  NRF_TRY(text_path(path, sizeof path, directory, "columns", ".csv"));
  NRF_TRY(nrf_table_write_csv(columns, path));
done:
  nrf_table_free(columns);
  nrf_table_free(numbers);
  return st;
}
