/* run.c - runs analyses in order, leaves finished ones alone, and keeps what is there when something goes wrong. */
#include "analysis/frame/report.h"
#include "analysis/frame/results_folder.h"
#include "analysis/frame/selection.h"
#include "analysis/frame/text.h"
#include "io/md5.h"
#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

struct nrf_analysis_run {
  nrf_analyses                 analyses;
  const nrf_analysis_settings *settings;
  const nrf_analysis_inputs   *inputs;
  const char                  *directory;
  const nrf_progress          *progress;
  int                          threads;

  char               fingerprint[NRF_ANALYSES_MAX][NRF_ANALYSIS_FINGERPRINT];
  nrf_analysis_state state[NRF_ANALYSES_MAX]; /* in this run; NOT_RUN until its turn has come */
  nrf_extract       *extract[NRF_KINDS];      /* opened so far */
  bool               no_gnuplot;
};

typedef struct nrf_analysis_run run;

static double seconds_now(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail on Linux */
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- fingerprints: everything that results depend on ---- */

static void hash(nrf_md5 *md5, const char *name, const char *value)
{
  nrf_md5_update(md5, name, strlen(name) + 1);
  nrf_md5_update(md5, value, strlen(value) + 1);
}

static void hash_number(nrf_md5 *md5, const char *name, uint64_t value)
{
  char text[32];
  (void)snprintf(text, sizeof text, "%" PRIu64, value);
  hash(md5, name, text);
}

static void compute_fingerprint(run *r, int i)
{
  const nrf_analysis *row   = &r->analyses.row[i];
  const char         *needs = row->needs;
  char                full[NRF_ANALYSIS_NAME], need[NRF_ANALYSIS_NAME];
  nrf_md5             md5;
  nrf_md5_init(&md5);
  hash(&md5, "program", NRFLV_VERSION);
  hash(&md5, "analysis", nrf_analysis_name(row, full));
  hash_number(&md5, "revision", (uint64_t)row->revision);
  hash_number(&md5, "original_quirks", r->settings->original_quirks);
  hash_number(&md5, "seed", r->settings->seed);
  hash_number(&md5, "single_maps", r->settings->single_maps);
  for (int kind = 0; kind < NRF_KINDS; kind++) {
    const nrf_analysis_input *input = &r->inputs->input[kind];
    if (row->reads & NRF_READS(kind))
      hash(&md5, nrf_experiment_kind_info(kind)->key, input->found ? input->fingerprint : "");
  }
  while (selection_next_need(&needs, need))
    hash(&md5, need, r->fingerprint[selection_find(r->analyses, need)]);
  nrf_md5_final(&md5, r->fingerprint[i]);
}

/* ---- provenance: what tables say of their origin ---- */

enum { PROVENANCE_MAX = 8 + 2 * NRF_KINDS };

typedef struct origins {
  nrf_provenance item[PROVENANCE_MAX];
  int            n;
  char           name[NRF_ANALYSIS_NAME], seed[32], recording[NRF_KINDS][64];
} origins;

static void add_origin(origins *o, const char *name, const char *value)
{
  assert(o->n < PROVENANCE_MAX);
  o->item[o->n++] = (nrf_provenance){name, value};
}

static void find_origins(const run *r, const nrf_analysis *row, origins *o)
{
  o->n = 0;
  (void)snprintf(o->seed, sizeof o->seed, "%" PRIu64, r->settings->seed);
  add_origin(o, "program", "nrflv-analyze " NRFLV_VERSION);
  add_origin(o, "analysis", nrf_analysis_name(row, o->name));
  add_origin(o, "session", r->inputs->session);
  add_origin(o, "original_quirks", r->settings->original_quirks ? "true" : "false");
  add_origin(o, "seed", o->seed);
  for (int kind = 0; kind < NRF_KINDS; kind++) {
    const nrf_analysis_input *input = &r->inputs->input[kind];
    if (!(row->reads & NRF_READS(kind)) || !input->found) continue;
    (void)snprintf(o->recording[kind], sizeof o->recording[kind], "recording_%s",
                   nrf_experiment_kind_info(kind)->key);
    add_origin(o, o->recording[kind], input->identity);
  }
}

/* For the report: settings that change results, where they are not the usual ones. Results of several runs may stand side by side. */
static void record_settings(const run *r, json_t *record)
{
  char text[80];
  if (!r->settings->original_quirks && r->settings->seed == 0) return;
  (void)snprintf(text, sizeof text, "%s--seed %" PRIu64,
                 r->settings->original_quirks ? "--original_quirks (as published, mistakes included), " : "",
                 r->settings->seed);
  (void)json_object_set_new(record, "settings", json_string(text));
}

/* ---- what can be said without running it ---- */

/* Why a row cannot be run because of another one: the first of its needs that is not done. */
static bool is_blocked(const run *r, const nrf_analysis *row, char why[NRF_ANALYSIS_WHY])
{
  const char *needs = row->needs;
  char        need[NRF_ANALYSIS_NAME];
  while (selection_next_need(&needs, need)) {
    const nrf_analysis_state state = r->state[selection_find(r->analyses, need)];
    if (state == NRF_ANALYSIS_DONE) continue;
    (void)snprintf(why, NRF_ANALYSIS_WHY, "needs %s, which %s", need,
                   state == NRF_ANALYSIS_SKIPPED   ? "was skipped"
                   : state == NRF_ANALYSIS_BLOCKED ? "could not be run either"
                                                   : "failed");
    return true;
  }
  return false;
}

static bool lacks_recording(const run *r, const nrf_analysis *row, char why[NRF_ANALYSIS_WHY])
{
  for (int kind = 0; kind < NRF_KINDS; kind++) {
    const nrf_analysis_input *input = &r->inputs->input[kind];
    if (!(row->reads & NRF_READS(kind)) || input->found) continue;
    (void)snprintf(why, NRF_ANALYSIS_WHY, "%s", input->why_not);
    return true;
  }
  return false;
}

static void put_folder(const run *r, const char *name, char folder[NRF_ANALYSIS_PATH])
{
  if (text_path(folder, NRF_ANALYSIS_PATH, r->directory, name, "") != NRF_OK) folder[0] = '\0';
}

/* Whether an earlier run did exactly this, and its results are still there; then *record is to be freed. */
static bool is_up_to_date(const run *r, int i, const char *folder, json_t **record)
{
  *record = r->settings->force ? NULL : record_load(folder);
  if (*record && record_state(*record) == NRF_ANALYSIS_DONE &&
      strcmp(record_text(*record, "fingerprint"), r->fingerprint[i]) == 0 &&
      results_are_there(folder, *record))
    return true;
  json_decref(*record);
  *record = NULL;
  return false;
}

/* ---- drawing ---- */

/* Draws what is missing, and says what could not be drawn: once per run if there is no gnuplot at all. */
static nrf_status draw(run *r, const char *name, const char *source, json_t *record)
{
  nrf_drawing drawing;
  NRF_RETURN_IF_ERROR(results_draw(source, record, r->threads, r->progress, &drawing));
  if (drawing.no_gnuplot && !r->no_gnuplot)
    nrf_progress_message(r->progress, NRF_WARNING,
                         "there is no gnuplot: figures are written as data and scripts (plot/), but not "
                         "drawn; the next run with "
                         "gnuplot draws them");
  r->no_gnuplot = r->no_gnuplot || drawing.no_gnuplot;
  if (drawing.failed > 0)
    nrf_progress_message(r->progress, NRF_WARNING, "%s: %d figures could not be drawn: %s", name,
                         drawing.failed, drawing.message);
  return NRF_OK;
}

/* ---- one analysis ---- */

static nrf_status open_extract(run *r, nrf_experiment_kind kind)
{
  if (r->extract[kind]) return NRF_OK;
  NRF_RETURN_IF_ERROR(r->inputs->open(r->inputs->user, kind, r->progress, &r->extract[kind]));
  const int64_t bad = r->extract[kind]->traces_not_finite;
  if (bad > 0)
    nrf_progress_message(r->progress, NRF_WARNING,
                         "%s: %" PRId64
                         " traces of neurons hold a NaN or an infinity; what is computed of them is NaN, "
                         "or leaves them out",
                         nrf_experiment_kind_info(kind)->key, bad);
  return NRF_OK;
}

/* Beside every result, also where a later run finds it finished. */
static void note_bad_traces(nrf_experiment_kind kind, const nrf_extract *x, nrf_results *results)
{
  const int64_t all = (int64_t)x->channels * x->images * x->height * x->width;
  if (x->traces_not_finite > 0)
    nrf_results_note(results,
                     "Of the %" PRId64 " traces recorded (%s), %" PRId64 " hold a NaN or an infinity.", all,
                     nrf_experiment_kind_info(kind)->key, x->traces_not_finite);
}

static nrf_status open_extracts(run *r, const nrf_analysis *row, const nrf_extract *extract[NRF_KINDS],
                                nrf_results *results)
{
  for (int kind = 0; kind < NRF_KINDS; kind++) {
    extract[kind] = NULL;
    if (!(row->reads & NRF_READS(kind))) continue;
    NRF_RETURN_IF_ERROR(open_extract(r, (nrf_experiment_kind)kind));
    extract[kind] = r->extract[kind];
    note_bad_traces((nrf_experiment_kind)kind, extract[kind], results);
  }
  return NRF_OK;
}

/* Extracts stay open for the analyses to come; what one has read of them must not add up. */
static void release_extracts(const run *r)
{
  for (int kind = 0; kind < NRF_KINDS; kind++)
    if (r->extract[kind] != NULL) nrf_extract_release(r->extract[kind]);
}

static nrf_status call(run *r, const nrf_analysis *row, nrf_results *results)
{
  nrf_analysis_context context = {.settings = r->settings,
                                  .threads  = r->threads,
                                  .variant  = row->variant ? row->variant : "",
                                  .progress = r->progress,
                                  .row      = row,
                                  .run      = r};
  NRF_RETURN_IF_ERROR(open_extracts(r, row, context.extract, results));
  const nrf_status st = row->run(&context, results);
  release_extracts(r);
  NRF_RETURN_IF_ERROR(st);
  return results->no_memory ? nrf_error(NRF_ENOMEM, "%s: out of memory", results->folder) : NRF_OK;
}

/* What became of it, as it will stand in the record. */
static nrf_analysis_state state_after(nrf_status st, const nrf_results *results)
{
  if (st == NRF_EINTERRUPTED) return NRF_ANALYSIS_UNFINISHED;
  if (st != NRF_OK) return NRF_ANALYSIS_FAILED;
  return results->skipped ? NRF_ANALYSIS_SKIPPED : NRF_ANALYSIS_DONE;
}

static void tell(const run *r, const char *name, const nrf_results *results, nrf_analysis_state state,
                 double seconds)
{
  const size_t tables  = json_array_size(json_object_get(results->record, "tables"));
  const size_t figures = json_array_size(json_object_get(results->record, "figures"));
  const char  *message = record_text(results->record, "message");
  if (state == NRF_ANALYSIS_DONE)
    nrf_progress_message(r->progress, NRF_INFO, "%s: done, %zu table%s, %zu figure%s, %.1f s", name, tables,
                         tables == 1 ? "" : "s", figures, figures == 1 ? "" : "s", seconds);
  else if (state == NRF_ANALYSIS_SKIPPED)
    nrf_progress_message(r->progress, NRF_INFO, "%s: skipped: %s", name, message);
  else if (state == NRF_ANALYSIS_FAILED)
    nrf_progress_message(r->progress, NRF_WARNING, "%s: failed: %s", name, message);
}

/* Errors that end the whole run: what follows would fail in the same way, or is not wanted any more. */
static bool ends_run(nrf_status st)
{
  return st == NRF_EINTERRUPTED || st == NRF_ENOSPACE;
}

static nrf_status execute(run *r, int i, const char *name)
{
  const nrf_analysis *row = &r->analyses.row[i];
  nrf_results         results;
  origins             origin;
  const double        start = seconds_now();
  find_origins(r, row, &origin);
  nrf_status st = results_open(&results, r->directory, name, r->fingerprint[i], origin.n, origin.item);
  if (st == NRF_OK) {
    record_settings(r, results.record);
    st = call(r, row, &results);
    char why[1024];
    (void)snprintf(why, sizeof why, "%s",
                   st != NRF_OK      ? nrf_error_message()
                   : results.skipped ? results.why
                                     : "");
    r->state[i] = state_after(st, &results);

    nrf_status drawn = NRF_OK;
    if (st != NRF_EINTERRUPTED) drawn = draw(r, name, results.source, results.record);
    if (drawn == NRF_EINTERRUPTED) r->state[i] = NRF_ANALYSIS_UNFINISHED;
    record_set_state(results.record, r->state[i], why);
    (void)json_object_set_new(results.record, "seconds", json_real(seconds_now() - start));
    tell(r, name, &results, r->state[i], seconds_now() - start);
    const nrf_status saved = record_save(results.folder, results.record);
    if (st == NRF_OK || !ends_run(st)) {
      if (drawn != NRF_OK)
        st = drawn;
      else if (saved != NRF_OK)
        st = saved;
      else
        st = NRF_OK; /* the failure is told and recorded */
    } else {
      (void)nrf_error(st, "%s", why); /* the first thing that went wrong */
    }
  } else {
    r->state[i] = NRF_ANALYSIS_FAILED;
  }
  results_close(&results);
  return st;
}

/* For rows that are not run: the record says why, in place of what an earlier run found under other circumstances. */
static nrf_status leave_out(run *r, int i, const char *name, nrf_analysis_state state, const char *why)
{
  nrf_results      results;
  const nrf_status st = results_open(&results, r->directory, name, r->fingerprint[i], 0, NULL);
  r->state[i]         = state;
  nrf_status saved    = st;
  if (st == NRF_OK) {
    record_set_state(results.record, state, why);
    saved = record_save(results.folder, results.record);
    nrf_progress_message(r->progress, NRF_INFO, "%s: %s: %s", name, nrf_analysis_state_name(state), why);
  }
  results_close(&results);
  return saved;
}

static nrf_status take_over(run *r, int i, const char *name, const char *folder, json_t *record)
{
  char source[NRF_ANALYSIS_PATH];
  r->state[i] = NRF_ANALYSIS_DONE;
  NRF_RETURN_IF_ERROR(text_path(source, sizeof source, folder, "plot", ""));
  NRF_RETURN_IF_ERROR(draw(r, name, source, record));
  return record_save(folder, record);
}

static nrf_status run_row(run *r, int i, nrf_analysis_summary *out)
{
  const nrf_analysis *row = &r->analyses.row[i];
  char                name[NRF_ANALYSIS_NAME], folder[NRF_ANALYSIS_PATH], why[NRF_ANALYSIS_WHY];
  json_t             *earlier;
  nrf_analysis_name(row, name);
  put_folder(r, name, folder);
  if (nrf_progress_stop_requested(r->progress)) return nrf_error(NRF_EINTERRUPTED, "stopped before %s", name);
  if (is_blocked(r, row, why)) return leave_out(r, i, name, NRF_ANALYSIS_BLOCKED, why);
  if (lacks_recording(r, row, why)) return leave_out(r, i, name, NRF_ANALYSIS_SKIPPED, why);
  if (!is_up_to_date(r, i, folder, &earlier)) return execute(r, i, name);
  out->up_to_date++;
  const nrf_status st = take_over(r, i, name, folder, earlier);
  json_decref(earlier);
  return st;
}

/* ---- what analyses read ---- */

/* Whether the row may read another one's results: then they are there, and up to date. */
static nrf_status check_need(const nrf_analysis_context *context, const char *analysis)
{
  const char *needs = context->row->needs;
  char        need[NRF_ANALYSIS_NAME], name[NRF_ANALYSIS_NAME];
  while (selection_next_need(&needs, need))
    if (strcmp(need, analysis) == 0) return NRF_OK;
  return nrf_error(NRF_EINVAL, "%s reads results of %s without naming it among its needs",
                   nrf_analysis_name(context->row, name), analysis);
}

nrf_status nrf_analysis_file(const nrf_analysis_context *context, const char *analysis, const char *file,
                             char *path, size_t bytes)
{
  char folder[NRF_ANALYSIS_PATH];
  NRF_RETURN_IF_ERROR(check_need(context, analysis));
  NRF_RETURN_IF_ERROR(text_path(folder, sizeof folder, context->run->directory, analysis, ""));
  return text_path(path, bytes, folder, file, "");
}

nrf_status nrf_analysis_table(const nrf_analysis_context *context, const char *analysis, const char *table,
                              nrf_table **out)
{
  char file[NRF_ANALYSIS_NAME + 40], path[NRF_ANALYSIS_PATH];
  *out = NULL;
  (void)snprintf(file, sizeof file, "%.*s.h5", NRF_ANALYSIS_NAME, table);
  NRF_RETURN_IF_ERROR(nrf_analysis_file(context, analysis, file, path, sizeof path));
  return nrf_table_read(path, out);
}

/* ---- the run ---- */

/* One process at a time in a folder of results: the lock goes with the process. */
static nrf_status lock(const char *directory, int *descriptor)
{
  char path[NRF_ANALYSIS_PATH];
  NRF_RETURN_IF_ERROR(text_path(path, sizeof path, directory, ".lock", ""));
  *descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (*descriptor < 0) return nrf_error_errno("%s", path);
  if (flock(*descriptor, LOCK_EX | LOCK_NB) == 0) return NRF_OK;
  if (errno == EWOULDBLOCK)
    return nrf_error(NRF_EINVAL, "%s: another nrflv-analyze is at work here", directory);
  return nrf_error_errno("%s", path);
}

static void count(const run *r, const bool wanted[], nrf_analysis_summary *out)
{
  for (int i = 0; i < r->analyses.n; i++)
    if (wanted[i]) out->count[r->state[i]]++;
  out->no_gnuplot = r->no_gnuplot;
}

static nrf_status run_rows(run *r, const bool wanted[], nrf_analysis_summary *out)
{
  for (int i = 0; i < r->analyses.n; i++) {
    compute_fingerprint(r, i);
    if (wanted[i]) NRF_RETURN_IF_ERROR(run_row(r, i, out));
  }
  return NRF_OK;
}

nrf_status nrf_analyses_run(nrf_analyses analyses, const bool wanted[], const nrf_analysis_settings *settings,
                            const nrf_analysis_inputs *inputs, const char *directory,
                            const nrf_progress *progress, nrf_analysis_summary *out)
{
  static const nrf_analysis_summary nothing;
  nrf_status                        st         = NRF_OK;
  int                               descriptor = -1;
  run                              *r          = NULL;
  *out                                         = nothing;
  NRF_TRY(nrf_analyses_check(analyses));
  NRF_TRY(nrf_alloc(sizeof *r, "analyses", (void **)&r));
  r->analyses  = analyses;
  r->settings  = settings;
  r->inputs    = inputs;
  r->directory = directory;
  r->progress  = progress;
  r->threads   = settings->threads > 0 ? settings->threads : omp_get_max_threads();
  NRF_TRY(nrf_make_directories(directory));
  NRF_TRY(lock(directory, &descriptor));

  st = run_rows(r, wanted, out);
  count(r, wanted, out);
  if (st == NRF_OK || st == NRF_EINTERRUPTED) {
    char message[1024];
    (void)snprintf(message, sizeof message, "%s", nrf_error_message());
    const nrf_status reported = report_write_all(directory, analyses, inputs, &out->figures_missing);
    if (reported != NRF_OK)
      st = reported;
    else if (st != NRF_OK)
      (void)nrf_error(st, "%s", message);
  }
done:
  if (descriptor >= 0) (void)close(descriptor);
  for (int kind = 0; r && kind < NRF_KINDS; kind++) nrf_extract_free(r->extract[kind]);
  nrf_free(r);
  return st;
}
