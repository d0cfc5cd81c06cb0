/* report.c - report.html: one file with everything that one looks at first. Pictures are embedded; a click shows one large,
 * without a script. */
#include "analysis/frame/report.h"

#include "analysis/frame/record.h"
#include "analysis/frame/text.h"
#include "nrflv/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* So that the page opens at once and can be sent to somebody: what is beyond is linked, not embedded. */
enum { EMBEDDED_PER_ANALYSIS = 8 };
static const size_t EMBEDDED_BYTES = 64u << 20, ANALYSIS_BYTES = 3u << 20;

typedef struct page {
  nrf_buffer  html;
  const char *directory;
  size_t      embedded;        /* bytes of pictures in the page       */
  size_t      of_analysis;     /* of these, of the analysis under way */
  int         pictures;        /* of it: how many                     */
  int         figures_missing; /* not drawn */
} page;

/* ---- pieces of HTML ---- */

static void put_escaped(page *p, const char *text)
{
  for (; *text; text++) {
    switch (*text) {
    case '&':
      text_put(&p->html, "&amp;");
      break;
    case '<':
      text_put(&p->html, "&lt;");
      break;
    case '>':
      text_put(&p->html, "&gt;");
      break;
    case '"':
      text_put(&p->html, "&quot;");
      break;
    default:
      nrf_buffer_put(&p->html, text, 1);
    }
  }
}

/* <tag>text</tag>; nothing for no text. `tag` may have attributes. */
static void put_element(page *p, const char *tag, const char *text)
{
  if (text[0] == '\0') return;
  text_printf(&p->html, "<%s>", tag);
  put_escaped(p, text);
  text_printf(&p->html, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

static void put_base64(page *p, const uint8_t *bytes, size_t n)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i += 3) {
    const size_t   left = n - i;
    const uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                          (left > 2 ? (uint32_t)bytes[i + 2] : 0);
    const char quad[4] = {digits[word >> 18], digits[word >> 12 & 63],
                          left > 1 ? digits[word >> 6 & 63] : '=', left > 2 ? digits[word & 63] : '='};
    nrf_buffer_put(&p->html, quad, sizeof quad);
  }
}

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>\n"
    ":root { color-scheme: light; }\n"
    "body { font: 15px/1.5 system-ui, 'Liberation Sans', sans-serif; color: #222; background: #fff;\n"
    "  max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }\n"
    "h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin: 0; }\n"
    "section { border-top: 1px solid #ddd; padding: 1.2rem 0; }\n"
    "table { border-collapse: collapse; margin: .6rem 0; } td, th { padding: .15rem .9rem .15rem 0; "
    "text-align: left;\n"
    "  vertical-align: top; } th { font-weight: 600; border-bottom: 1px solid #999; }\n"
    "td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }\n"
    "a { color: #1f5f99; } code, .name { font: 13px/1.5 'Liberation Mono', monospace; color: #666; }\n"
    ".state { font-size: .8rem; border-radius: .6rem; padding: .05rem .6rem; background: #e8e8e8; "
    "margin-left: .6rem; }\n"
    ".done { background: #dcefdc; } .failed, .unfinished { background: #f6d5d2; } .skipped, .blocked { "
    "background: #f5ecd0; }\n"
    ".figures { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: .8rem; }\n"
    "figure { margin: 0; width: 20rem; } figcaption { font-size: .85rem; color: #444; }\n"
    "figure img { width: 100%; max-height: 20rem; object-fit: contain; object-position: left; cursor: "
    "zoom-in; background: #fff; }\n"
    "figure input { position: absolute; opacity: 0; }\n"
    "figure input:focus-visible + img { outline: 2px solid #1f5f99; }\n"
    "figure input:checked + img { position: fixed; inset: 0; width: 100vw; height: 100vh; max-height: none;\n"
    "  object-position: center; z-index: 9; cursor: zoom-out; padding: 1vh 1vw; box-sizing: border-box; }\n"
    "</style>\n";

/* ---- pictures ---- */

static bool read_picture(const char *path, uint8_t **bytes, size_t *n)
{
  struct stat info;
  FILE       *file = fopen(path, "rb");
  bool        read = false;
  *bytes           = NULL;
  if (!file) return false;
  if (fstat(fileno(file), &info) == 0 && info.st_size > 0 && (uintmax_t)info.st_size <= ANALYSIS_BYTES) {
    *n   = (size_t)info.st_size;
    read = nrf_alloc(*n, "picture", (void **)bytes) == NRF_OK && fread(*bytes, 1, *n, file) == *n;
  }
  (void)fclose(file);
  if (!read) nrf_free(*bytes);
  return read;
}

/* A picture with its caption, from a file in the analysis's folder. False, having put nothing, if it cannot be embedded. */
static bool embed(page *p, const char *analysis, const char *file, const char *type, const char *caption,
                  const char *links)
{
  char     path[NRF_ANALYSIS_PATH];
  uint8_t *bytes;
  size_t   n;
  if (snprintf(path, sizeof path, "%s/%s/%s", p->directory, analysis, file) >= (int)sizeof path) return false;
  if (!read_picture(path, &bytes, &n)) return false;
  if (p->embedded + n > EMBEDDED_BYTES || p->of_analysis + n > ANALYSIS_BYTES ||
      p->pictures >= EMBEDDED_PER_ANALYSIS) {
    nrf_free(bytes);
    return false;
  }
  p->embedded += n;
  p->of_analysis += n;
  p->pictures++;
  text_put(&p->html, "<figure><label><input type=\"checkbox\"><img alt=\"");
  put_escaped(p, file);
  text_printf(&p->html, "\" src=\"data:image/%s;base64,", type);
  put_base64(p, bytes, n);
  text_put(&p->html, "\"></label>\n<figcaption>");
  put_escaped(p, caption);
  text_put(&p->html, links);
  text_put(&p->html, "</figcaption></figure>\n");
  nrf_free(bytes);
  return true;
}

static void put_link(page *p, const char *analysis, const char *file, const char *text)
{
  text_printf(&p->html, "<a href=\"%s/%s\">", analysis,
              file); /* both are names of files: nothing to escape */
  put_escaped(p, text);
  text_put(&p->html, "</a>");
}

/* False if it is to be linked. */
static bool put_figure(page *p, const char *analysis, const json_t *figure)
{
  const char *name = record_text(figure, "name");
  char        file[192], links[1024];
  (void)snprintf(file, sizeof file, "%s.png", name);
  (void)snprintf(links, sizeof links, " <a href=\"%s/%s.pdf\">PDF</a> <a href=\"%s/plot/%s.gp\">script</a>",
                 analysis, name, analysis, name);
  if (json_is_true(json_object_get(figure, "drawn")))
    return embed(p, analysis, file, "png", record_text(figure, "caption"), links);
  p->figures_missing++;
  text_printf(
      &p->html,
      "<figure><figcaption>%s is not drawn: <a href=\"%s/plot/%s.gp\">script</a></figcaption></figure>\n",
      name, analysis, name);
  return true;
}

static void put_figures(page *p, const char *analysis, const json_t *figures)
{
  size_t        i;
  const json_t *figure;
  nrf_buffer    links = {0};
  if (json_array_size(figures) == 0) return;
  text_put(&p->html, "<div class=\"figures\">\n");
  json_array_foreach(figures, i, figure)
  {
    const char *name = record_text(figure, "name");
    if (!put_figure(p, analysis, figure))
      text_printf(&links, "<a href=\"%s/%s.png\">%s</a> ", analysis, name, name);
  }
  text_put(&p->html, "</div>\n");
  if (links.used > 0) {
    text_put(&p->html, "<p>More figures: ");
    nrf_buffer_put(&p->html, links.bytes, links.used);
    text_put(&p->html, "</p>\n");
  }
  p->html.failed = p->html.failed || links.failed;
  nrf_buffer_free(&links);
}

static void put_files(page *p, const char *analysis, const json_t *files)
{
  size_t  i;
  json_t *file;
  if (json_array_size(files) == 0) return;
  text_put(&p->html, "<div class=\"figures\">\n");
  json_array_foreach(files, i, file)
  {
    const char *name = record_text(file, "name"), *dot = strrchr(name, '.');
    const char *type = dot && strcmp(dot, ".gif") == 0   ? "gif"
                       : dot && strcmp(dot, ".png") == 0 ? "png"
                                                         : NULL;
    if (type && embed(p, analysis, name, type, record_text(file, "caption"), "")) continue;
    text_put(&p->html, "<figure><figcaption>");
    put_link(p, analysis, name, name);
    text_put(&p->html, " ");
    put_escaped(p, record_text(file, "caption"));
    text_put(&p->html, "</figcaption></figure>\n");
  }
  text_put(&p->html, "</div>\n");
}

/* ---- numbers and tables ---- */

static void put_number(page *p, double x)
{
  if (isnan(x))
    text_put(&p->html, "n/a");
  else
    text_printf(&p->html, "%.4g", x);
}

static void put_key_number(page *p, const json_t *n)
{
  const double  low = record_number(n, "low"), high = record_number(n, "high");
  const int64_t count = json_integer_value(json_object_get(n, "n"));
  text_put(&p->html, "<tr><td>");
  put_escaped(p, record_text(n, "name"));
  text_put(&p->html, "</td><td class=\"number\">");
  put_number(p, record_number(n, "value"));
  text_put(&p->html, " ");
  put_escaped(p, record_text(n, "unit"));
  text_put(&p->html, "</td><td class=\"number\">");
  if (!isnan(low) || !isnan(high)) {
    put_number(p, low);
    text_put(&p->html, " to ");
    put_number(p, high);
    text_printf(&p->html, " (%.4g %%)", 100 * record_number(n, "confidence"));
  }
  text_put(&p->html, "</td><td class=\"number\">");
  if (count > 0) text_printf(&p->html, "%" PRId64, count);
  text_put(&p->html, "</td><td>");
  put_escaped(p, record_text(n, "note"));
  text_put(&p->html, "</td></tr>\n");
}

static void put_numbers(page *p, const json_t *numbers)
{
  size_t  i;
  json_t *number;
  if (json_array_size(numbers) == 0) return;
  text_put(&p->html,
           "<table><tr><th></th><th>value</th><th>confidence interval</th><th>n</th><th></th></tr>\n");
  json_array_foreach(numbers, i, number) put_key_number(p, number);
  text_put(&p->html, "</table>\n");
}

static void put_tables(page *p, const char *analysis, const json_t *tables)
{
  size_t  i;
  json_t *table;
  json_array_foreach(tables, i, table)
  {
    const char *name = record_text(table, "name");
    char        file[192];
    text_put(&p->html, "<p>Table <code>");
    put_escaped(p, name);
    text_printf(&p->html,
                "</code> (%lld rows): ", (long long)json_integer_value(json_object_get(table, "rows")));
    put_escaped(p, record_text(table, "description"));
    text_put(&p->html, " ");
    if (json_is_true(json_object_get(table, "csv"))) {
      (void)snprintf(file, sizeof file, "%s.csv", name);
      put_link(p, analysis, file, "CSV");
      text_put(&p->html, " ");
    }
    (void)snprintf(file, sizeof file, "%s.h5", name);
    put_link(p, analysis, file, "HDF5");
    text_put(&p->html, "</p>\n");
  }
}

static void put_notes(page *p, const json_t *notes)
{
  size_t  i;
  json_t *note;
  if (json_array_size(notes) == 0) return;
  text_put(&p->html, "<ul>\n");
  json_array_foreach(notes, i, note)
      put_element(p, "li", json_string_value(note) ? json_string_value(note) : "");
  text_put(&p->html, "</ul>\n");
}

/* ---- the page ---- */

static void put_state(page *p, nrf_analysis_state state)
{
  const char *name = nrf_analysis_state_name(state);
  text_printf(&p->html, "<span class=\"state %s\">%s</span>", name, name);
}

/* What the reader has to know of results that are not complete. */
static void put_message(page *p, const json_t *record, nrf_analysis_state state)
{
  const char *message = record_text(record, "message");
  if (state == NRF_ANALYSIS_FAILED)
    text_put(&p->html, "<p><strong>Failed; what follows is incomplete.</strong></p>\n");
  if (state == NRF_ANALYSIS_UNFINISHED)
    text_put(
        &p->html,
        "<p><strong>Was interrupted; what follows is incomplete. The next run repeats it.</strong></p>\n");
  put_element(p, "p", message);
}

static void put_analysis(page *p, const nrf_analysis *row, const char *name, const json_t *record)
{
  const nrf_analysis_state state = record_state(record);
  text_printf(&p->html, "<section id=\"%s\"><h2>", name);
  put_escaped(p, row->title);
  put_state(p, state);
  text_printf(&p->html, "</h2><span class=\"name\">%s</span>\n", name);
  put_element(p, "p", row->purpose);
  put_message(p, record, state);
  if (record_text(record, "settings")[0] != '\0') {
    text_put(&p->html, "<p><strong>Computed with ");
    put_escaped(p, record_text(record, "settings"));
    text_put(&p->html, ".</strong></p>\n");
  }
  p->of_analysis = 0;
  p->pictures    = 0;
  put_numbers(p, json_object_get(record, "numbers"));
  put_notes(p, json_object_get(record, "notes"));
  put_figures(p, name, json_object_get(record, "figures"));
  put_files(p, name, json_object_get(record, "files"));
  put_tables(p, name, json_object_get(record, "tables"));
  text_put(&p->html, "</section>\n");
}

static void put_recordings(page *p, const nrf_analysis_inputs *inputs)
{
  text_put(&p->html, "<h2>Recordings</h2>\n<table>\n");
  for (int kind = 0; kind < NRF_KIND_OTHER; kind++) {
    const nrf_analysis_input *input = &inputs->input[kind];
    text_put(&p->html, "<tr><td>");
    put_escaped(p, nrf_experiment_kind_info((nrf_experiment_kind)kind)->key);
    text_put(&p->html, "</td><td>");
    put_escaped(p, input->found ? input->path : input->why_not);
    if (input->found && input->damaged) {
      text_put(&p->html, ", in place of the recording: ");
      put_escaped(p, input->why_not);
    }
    text_put(&p->html, "</td></tr>\n");
  }
  text_put(&p->html, "</table>\n");
}

static void put_contents(page *p, nrf_analyses analyses, json_t *const records[])
{
  text_put(&p->html, "<h2>Analyses</h2>\n<table>\n");
  for (int i = 0; i < analyses.n; i++) {
    char name[NRF_ANALYSIS_NAME];
    text_printf(&p->html, "<tr><td><a href=\"#%s\">", nrf_analysis_name(&analyses.row[i], name));
    put_escaped(p, analyses.row[i].title);
    text_put(&p->html, "</a></td><td>");
    put_state(p, record_state(records[i]));
    text_put(&p->html, "</td></tr>\n");
  }
  text_put(&p->html, "</table>\n<p>All key numbers: <a href=\"summary.csv\">summary.csv</a>. Units and "
                     "meaning of all columns: "
                     "<a href=\"columns.csv\">columns.csv</a>. A click on a picture enlarges it, another one "
                     "puts it back.</p>\n");
}

static void put_page(page *p, nrf_analyses analyses, json_t *const records[],
                     const nrf_analysis_inputs *inputs)
{
  text_put(&p->html, head);
  text_put(&p->html, "<title>Analyses of ");
  put_escaped(p, inputs->session);
  text_put(&p->html, "</title></head><body>\n");
  text_put(&p->html, "<h1>Analyses of ");
  put_escaped(p, inputs->session);
  text_printf(&p->html, "</h1>\n<p>nrflv-analyze %s</p>\n", NRFLV_VERSION);
  put_recordings(p, inputs);
  put_contents(p, analyses, records);
  for (int i = 0; i < analyses.n; i++) {
    char name[NRF_ANALYSIS_NAME];
    put_analysis(p, &analyses.row[i], nrf_analysis_name(&analyses.row[i], name), records[i]);
  }
  text_put(&p->html, "</body></html>\n");
}

nrf_status report_write(const char *directory, nrf_analyses analyses, const nrf_analysis_inputs *inputs,
                        int *figures_missing)
{
  nrf_status st      = NRF_OK;
  page       p       = {.directory = directory};
  json_t   **records = NULL;
  char       path[NRF_ANALYSIS_PATH];
  NRF_TRY(nrf_alloc((size_t)analyses.n * sizeof(json_t *), "report", (void **)&records));
  for (int i = 0; i < analyses.n; i++) {
    char name[NRF_ANALYSIS_NAME], folder[NRF_ANALYSIS_PATH];
    NRF_TRY(text_path(folder, sizeof folder, directory, nrf_analysis_name(&analyses.row[i], name), ""));
    records[i] = record_load(folder);
  }
  put_page(&p, analyses, records, inputs);
  NRF_TRY(text_check(&p.html, "report.html"));
  NRF_TRY(text_path(path, sizeof path, directory, "report", ".html"));
  NRF_TRY(text_write(path, &p.html));
  *figures_missing = p.figures_missing;
done:
  for (int i = 0; records && i < analyses.n; i++) json_decref(records[i]);
  nrf_free(records);
  nrf_buffer_free(&p.html);
  return st;
}

nrf_status report_write_all(const char *directory, nrf_analyses analyses, const nrf_analysis_inputs *inputs,
                            int *figures_missing)
{
  NRF_RETURN_IF_ERROR(summary_write(directory, analyses, inputs));
  return report_write(directory, analyses, inputs, figures_missing);
}
