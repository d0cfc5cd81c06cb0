/* results_folder.c - the folder of an analysis and what is in it. */
#include "analysis/frame/results_folder.h"

#include "analysis/frame/text.h"
#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_NAME_BYTES = 160 };

/* The endings of what belongs to a table, a figure, another file; beside the folder itself or in its plot/. */
typedef struct kept_file {
  const char *list, *ending;
  bool        in_source, picture, optional;
} kept_file;

static const kept_file kept_files[] = {
    {"tables", ".h5", false, false, false},  {"tables", ".csv", false, false, true},
    {"figures", ".png", false, true, false}, {"figures", ".pdf", false, true, false},
    {"figures", ".gp", true, false, false},  {"figures", ".tsv", true, false, true},
    {"figures", ".bin", true, false, true},  {"files", "", false, false, false},
};
enum { KEPT_FILES = sizeof kept_files / sizeof *kept_files };

static nrf_status kept_path(const char *folder, const kept_file *kept, const char *name,
                            char path[NRF_ANALYSIS_PATH])
{
  char source[NRF_ANALYSIS_PATH];
  if (!text_is_file_name(name, FILE_NAME_BYTES)) return nrf_error(NRF_EFORMAT, "%s: '%.80s'", folder, name);
  if (!kept->in_source) return text_path(path, NRF_ANALYSIS_PATH, folder, name, kept->ending);
  NRF_RETURN_IF_ERROR(text_path(source, sizeof source, folder, "plot", ""));
  return text_path(path, NRF_ANALYSIS_PATH, source, name, kept->ending);
}

/* ---- what an earlier run left ---- */

/* Only what its record lists: a user may have put something of his own there. */
static void remove_earlier(const char *folder)
{
  json_t *record = record_load(folder);
  for (int k = 0; k < KEPT_FILES && record; k++) {
    size_t  i;
    json_t *item;
    json_array_foreach(json_object_get(record, kept_files[k].list), i, item)
    {
      char path[NRF_ANALYSIS_PATH];
      if (kept_path(folder, &kept_files[k], record_text(item, "name"), path) == NRF_OK) (void)unlink(path);
    }
  }
  json_decref(record);
}

bool results_are_there(const char *folder, const json_t *record)
{
  for (int k = 0; k < KEPT_FILES; k++) {
    size_t  i;
    json_t *item;
    if (kept_files[k].picture || kept_files[k].optional) continue;
    json_array_foreach(json_object_get(record, kept_files[k].list), i, item)
    {
      char        path[NRF_ANALYSIS_PATH];
      struct stat info;
      if (kept_path(folder, &kept_files[k], record_text(item, "name"), path) != NRF_OK) return false;
      if (access(path, R_OK) != 0 || stat(path, &info) != 0 || info.st_size == 0) return false;
    }
  }
  return true;
}

/* ---- opening and closing ---- */

nrf_status results_open(nrf_results *results, const char *directory, const char *analysis,
                        const char *fingerprint, int n, const nrf_provenance provenance[])
{
  *results = (nrf_results){.n_provenance = n, .provenance = provenance};
  NRF_RETURN_IF_ERROR(text_path(results->folder, sizeof results->folder, directory, analysis, ""));
  NRF_RETURN_IF_ERROR(text_path(results->source, sizeof results->source, results->folder, "plot", ""));
  results->record = record_create(analysis, fingerprint);
  if (!results->record) return nrf_error(NRF_ENOMEM, "%s: out of memory", results->folder);
  NRF_RETURN_IF_ERROR(nrf_make_directories(results->folder));
  NRF_RETURN_IF_ERROR(nrf_atomic_remove_stale(results->folder, NULL)); /* of a run that was killed */
  remove_earlier(results->folder);
  return record_save(results->folder, results->record);
}

void results_close(nrf_results *results)
{
  json_decref(results->record);
  results->record = NULL;
}

/* ---- what an analysis hands over ---- */

/* Appends to a list of the record; NULL stands for a lack of memory. */
static void add(nrf_results *results, const char *list, json_t *item)
{
  if (!item || json_array_append_new(json_object_get(results->record, list), item) != 0)
    results->no_memory = true;
}

static nrf_status check_name(const nrf_results *results, const char *list, const char *name)
{
  size_t  i;
  json_t *item;
  if (!text_is_file_name(name, FILE_NAME_BYTES))
    return nrf_error(NRF_EINVAL, "%s: '%.80s' is no name for a file", results->folder, name);
  json_array_foreach(json_object_get(results->record, list), i, item)
  {
    if (strcmp(record_text(item, "name"), name) == 0)
      return nrf_error(NRF_EINVAL, "%s: two %s are called %s", results->folder, list, name);
  }
  return NRF_OK;
}

static json_t *describe_columns(const nrf_table *table)
{
  json_t *columns = json_array();
  for (int i = 0; i < nrf_table_n_columns(table) && columns; i++) {
    const nrf_column_spec *c = nrf_table_column(table, i);
    (void)json_array_append_new(
        columns, json_pack("{s:s, s:s, s:o, s:o}", "name", c->name, "type", nrf_column_type_name(c->type),
                           "unit", record_string(c->unit), "description", record_string(c->description)));
  }
  return columns;
}

nrf_status nrf_results_table(nrf_results *results, const nrf_table *table)
{
  const char *name    = nrf_table_name(table);
  const bool  has_csv = nrf_table_n_rows(table) <= NRF_RESULTS_CSV_ROWS;
  char        path[NRF_ANALYSIS_PATH];
  NRF_RETURN_IF_ERROR(check_name(results, "tables", name));
  NRF_RETURN_IF_ERROR(text_path(path, sizeof path, results->folder, name, ".h5"));
  NRF_RETURN_IF_ERROR(nrf_table_write(table, path, results->n_provenance, results->provenance));
  if (has_csv) {
    NRF_RETURN_IF_ERROR(text_path(path, sizeof path, results->folder, name, ".csv"));
    NRF_RETURN_IF_ERROR(nrf_table_write_csv(table, path));
  }
  add(results, "tables",
      json_pack("{s:s, s:o, s:I, s:b, s:o}", "name", name, "description",
                record_string(nrf_table_description(table)), "rows", (json_int_t)nrf_table_n_rows(table),
                "csv", (int)has_csv, "columns", describe_columns(table)));
  return NRF_OK;
}

nrf_status nrf_results_figure(nrf_results *results, nrf_figure *figure)
{
  int width, height;
  NRF_RETURN_IF_ERROR(check_name(results, "figures", nrf_figure_name(figure)));
  NRF_RETURN_IF_ERROR(nrf_make_directories(results->source));
  NRF_RETURN_IF_ERROR(nrf_figure_write(figure, results->source));
  nrf_figure_pixels(figure, &width, &height);
  add(results, "figures",
      json_pack("{s:s, s:o, s:i, s:i, s:b}", "name", nrf_figure_name(figure), "caption",
                record_string(nrf_figure_caption(figure)), "width", width, "height", height, "drawn", 0));
  return NRF_OK;
}

void nrf_results_number(nrf_results *results, const nrf_key_number *n)
{
  const bool has_interval = n->low != n->high;
  add(results, "numbers",
      json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "name", record_string(n->name), "value",
                record_real(n->value), "unit", record_string(n->unit ? n->unit : ""), "low",
                has_interval ? record_real(n->low) : json_null(), "high",
                has_interval ? record_real(n->high) : json_null(), "confidence",
                has_interval ? record_real(n->confidence) : json_null(), "n", (json_int_t)n->n, "note",
                record_string(n->note ? n->note : "")));
}

void nrf_results_note(nrf_results *results, const char *fmt, ...)
{
  char    text[1024];
  va_list arguments;
  va_start(arguments, fmt);
  (void)vsnprintf(text, sizeof text, fmt, arguments);
  va_end(arguments);
  add(results, "notes", record_string(text));
}

nrf_status nrf_results_skip(nrf_results *results, const char *fmt, ...)
{
  va_list arguments;
  va_start(arguments, fmt);
  (void)vsnprintf(results->why, sizeof results->why, fmt, arguments);
  va_end(arguments);
  results->skipped = true;
  return NRF_OK;
}

nrf_status nrf_results_file(nrf_results *results, const char *name, const char *caption, char *path,
                            size_t bytes)
{
  NRF_RETURN_IF_ERROR(check_name(results, "files", name));
  NRF_RETURN_IF_ERROR(text_path(path, bytes, results->folder, name, ""));
  add(results, "files",
      json_pack("{s:s, s:o}", "name", name, "caption", record_string(caption ? caption : "")));
  return NRF_OK;
}

/* ---- drawing ---- */

static bool is_drawn(const char *source, const json_t *figure)
{
  char folder[NRF_ANALYSIS_PATH], path[NRF_ANALYSIS_PATH];
  (void)snprintf(folder, sizeof folder, "%.*s", (int)(strlen(source) - strlen("/plot")), source);
  for (int k = 0; k < KEPT_FILES; k++) {
    if (!kept_files[k].picture) continue;
    if (kept_path(folder, &kept_files[k], record_text(figure, "name"), path) != NRF_OK ||
        access(path, R_OK) != 0)
      return false;
  }
  return json_is_true(json_object_get(figure, "drawn"));
}

nrf_status results_draw(const char *source, json_t *record, int processes, const nrf_progress *progress,
                        nrf_drawing *out)
{
  nrf_status   st      = NRF_OK;
  json_t      *figures = json_object_get(record, "figures");
  const size_t all     = json_array_size(figures);
  const char **names   = NULL;
  json_t     **missing = NULL;
  bool        *drawn   = NULL;
  int          n       = 0;
  *out                 = (nrf_drawing){0};
  NRF_TRY(nrf_alloc(all * sizeof *names, "figures", (void **)&names));
  NRF_TRY(nrf_alloc(all * sizeof(json_t *), "figures", (void **)&missing));
  NRF_TRY(nrf_alloc(all * sizeof *drawn, "figures", (void **)&drawn));
  for (size_t i = 0; i < all; i++) {
    json_t *figure = json_array_get(figures, i);
    if (is_drawn(source, figure)) continue;
    names[n]     = record_text(figure, "name");
    missing[n++] = figure;
  }
  NRF_TRY(nrf_figures_draw(source, n, names, processes, progress, drawn, out));
  for (int i = 0; i < n; i++) (void)json_object_set_new(missing[i], "drawn", json_boolean(drawn[i]));
done:
  nrf_free(drawn);
  nrf_free(missing);
  nrf_free(names);
  return st;
}
