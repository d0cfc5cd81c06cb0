/* Analyses are run in order, once; what fails, does not apply or is interrupted neither stops the others nor gets lost. The two
 * analyses here show how one is written: the first reads a recording, the second what the first has left. */
#include "nrflv/analysis/analysis.h"
#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"
#include "support/memory_source.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { IMAGES = 6, CHANNELS = 3, SIDE = 4, TEXT_BYTES = 1 << 20 };

/* ---- the world of a test ---- */

/* What the test's analyses do and what they were asked; there is one world at a time. */
static struct world {
  char                  scratch[SCRATCH_PATH], results[SCRATCH_PATH];
  nrf_analysis_settings settings;
  nrf_analysis_inputs   inputs;
  nrf_progress          progress;
  nrf_analysis_summary  summary;
  int                   rises, means, opened; /* calls                                      */
  nrf_status            rises_end;            /* how the first analysis ends                */
  bool                  rises_skips, stop, stop_in_rises;
  char                  warnings[4096];
} w;

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static void on_message(void *context, nrf_level level, const char *text)
{
  (void)context;
  const size_t used = strlen(w.warnings);
  if (level == NRF_WARNING) (void)snprintf(w.warnings + used, sizeof w.warnings - used, "%s\n", text);
}

static bool on_stop_requested(void *context)
{
  (void)context;
  return w.stop;
}

/* The state rises by 0.1 (1 + channel) during the stimulus. */
static float rising(const memory_source *s, nrf_record_variable variable, int image, int channel, int64_t row,
                    int h, int x)
{
  const bool during = row >= 50 && row < 90;
  return 0.1f * memory_noise(s, variable, image, channel, row, h, x) +
         (during ? 0.1f * (float)(1 + channel) : 0);
}

static nrf_status open_memory(void *user, nrf_experiment_kind kind, const nrf_progress *progress,
                              nrf_extract **out)
{
  static memory_source source;
  char                 path[SCRATCH_PATH];
  (void)user;
  (void)kind;
  w.opened++;
  memory_source_create(&source, "single/just_angle", IMAGES, CHANNELS, SIDE, SIDE);
  source.value = rising;
  scratch_path(path, w.scratch, "extract.h5");
  NRF_RETURN_IF_ERROR(nrf_extract_make(&source.source, path, (nrf_extract_effort){1, 64 << 20}, progress));
  return nrf_extract_open(path, out);
}

static int set_up(void **state)
{
  (void)state;
  memset(&w, 0, sizeof w);
  scratch_create(w.scratch);
  scratch_path(w.results, w.scratch, "results");
  nrf_option_defaults(nrf_analysis_options(), &w.settings);
  w.settings.threads = 2;
  w.progress         = (nrf_progress){.message = on_message, .stop_requested = on_stop_requested};
  w.inputs           = (nrf_analysis_inputs){.session = "session <1>", .open = open_memory};
  w.inputs.input[NRF_KIND_ANG] =
      (nrf_analysis_input){.found = true, .path = "/memory", .fingerprint = "ang", .identity = "id"};
  for (int kind = 0; kind < NRF_KINDS; kind++)
    if (!w.inputs.input[kind].found)
      (void)snprintf(w.inputs.input[kind].why_not, NRF_ANALYSIS_WHY, "there is no recording number %d", kind);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(w.scratch);
  return 0;
}

static const char *result_path(const char *name)
{
  static char path[2 * SCRATCH_PATH];
  (void)snprintf(path, sizeof path, "%s/%s", w.results, name);
  return path;
}

static bool there_is(const char *name)
{
  return access(result_path(name), F_OK) == 0;
}

static const char *text_of(const char *name)
{
  static char text[TEXT_BYTES];
  FILE       *file = fopen(result_path(name), "r");
  if (!file) fail_msg("there is no %s", result_path(name));
  const size_t n = fread(text, 1, sizeof text - 1, file);
  assert_int_equal(fclose(file), 0);
  assert_true(n < sizeof text - 1);
  text[n] = '\0';
  return text;
}

static void says(const char *file, const char *part)
{
  const char *text = text_of(file);
  if (!strstr(text, part)) fail_msg("%s does not say '%s':\n%.2000s", file, part, text);
}

/* ---- two analyses ---- */

enum { CHANNEL, RISE, VARIES };
static const nrf_column_spec rise_columns[] = {
    [CHANNEL] = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
    [RISE]    = {"rise", NRF_COLUMN_DOUBLE, "state", "mean state during the stimulus less that outside it"},
    [VARIES]  = {"varies", NRF_COLUMN_BOOL, "", "whether any trace varies"},
};

static double rise_of(const nrf_extract *x, int c)
{
  double sum = 0;
  for (int b = 0; b < x->images; b++)
    for (int h = 0; h < x->height; h++)
      for (int k = 0; k < x->width; k++) {
        const int64_t at = nrf_extract_at(x, c, b, h, k);
        sum += x->during.mean[at] - x->outside.mean[at];
      }
  return sum / (x->images * x->height * x->width);
}

static nrf_status draw_rises(int n, const double *rise, nrf_results *results)
{
  nrf_figure *figure;
  NRF_RETURN_IF_ERROR(
      nrf_figure_create(&(nrf_figure_spec){.name = "rises", .caption = "Rise of each channel."}, &figure));
  nrf_panel *p = nrf_figure_panel(figure, 0, 0);
  nrf_panel_x(p, &(nrf_axis){.label = "Channel"});
  nrf_panel_y(p, &(nrf_axis){.label = "Rise of the mean state", .from_zero = true});
  nrf_plot_points(p, n, NULL, rise, NULL);
  const nrf_status st = nrf_results_figure(results, figure);
  nrf_figure_free(figure);
  return st;
}

static nrf_status find_rises(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status         st    = NRF_OK;
  nrf_table         *table = NULL;
  const nrf_extract *x     = context->extract[NRF_KIND_ANG];
  w.rises++;
  if (w.rises_skips) return nrf_results_skip(results, "one angle only");
  NRF_TRY(nrf_table_create("rises", "Rise of the mean state, by channel", NRF_COLUMNS(rise_columns), &table));
  for (int c = 0; c < x->channels; c++)
    NRF_TRY(nrf_table_append(
        table, (nrf_cell[]){[CHANNEL] = {.i = c}, [RISE] = {.d = rise_of(x, c)}, [VARIES] = {.b = true}}));
  NRF_TRY(nrf_results_table(results, table));
  NRF_TRY(draw_rises(x->channels, nrf_table_doubles(table, RISE), results));
  nrf_results_note(results, "%d images, variant '%s'", x->images, context->variant);
  if (w.stop_in_rises) w.stop = true;
  if (w.stop || w.rises_end != NRF_OK)
    NRF_FAIL(w.stop ? NRF_EINTERRUPTED : w.rises_end, "the first analysis broke");
done:
  nrf_table_free(table);
  return st;
}

static nrf_status find_mean_rise(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status    st    = NRF_OK;
  nrf_table    *table = NULL;
  const double *rise;
  double        sum = 0;
  w.means++;
  NRF_TRY(nrf_analysis_table(context, "find_rises.just_angles", "rises", &table));
  NRF_TRY(nrf_table_get_doubles(table, "rise", &rise));
  const int64_t n = nrf_table_n_rows(table);
  for (int64_t i = 0; i < n; i++) sum += rise[i];
  nrf_results_number(results, &(nrf_key_number){.name       = "Mean rise & more",
                                                .value      = sum / (double)n,
                                                .unit       = "state",
                                                .n          = n,
                                                .low        = 0.1,
                                                .high       = 0.3,
                                                .confidence = 0.95,
                                                .note       = "over channels"});
  nrf_results_number(results, &(nrf_key_number){.name = "Nothing", .value = NAN});
done:
  nrf_table_free(table);
  return st;
}

static nrf_status undeclared(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_table *table;
  (void)results;
  return nrf_analysis_table(context, "find_rises.just_angles", "rises", &table);
}

static const nrf_analysis rows[] = {
    {.name    = "find_rises",
     .variant = "just_angles",
     .title   = "Rises",
     .purpose = "How much does the state rise?",
     .reads   = NRF_READS(NRF_KIND_ANG),
     .run     = find_rises},
    {.name    = "find_mean_rise",
     .title   = "Mean rise",
     .purpose = "And on average?",
     .needs   = "find_rises.just_angles",
     .run     = find_mean_rise},
    {.name    = "find_rises",
     .variant = "long",
     .title   = "Rises to bars",
     .purpose = "Not recorded here.",
     .reads   = NRF_READS(NRF_KIND_LONG),
     .run     = find_rises},
    {.name    = "after_long",
     .title   = "After",
     .purpose = "Needs what is not there.",
     .needs   = "find_mean_rise find_rises.long",
     .run     = find_mean_rise},
};
static const nrf_analyses all = {rows, 4};

static nrf_status run(nrf_analyses analyses)
{
  bool wanted[NRF_ANALYSES_MAX];
  must(nrf_analyses_select(analyses, &w.settings.steps, wanted));
  w.warnings[0] = '\0';
  return nrf_analyses_run(analyses, wanted, &w.settings, &w.inputs, w.results, &w.progress, &w.summary);
}

/* The first two rows, which can be run. */
static void run_two(void)
{
  must(run((nrf_analyses){rows, 2}));
}

/* ---- names ---- */

static void select_names(const char *names, bool wanted[])
{
  const nrf_setting *row = nrf_option_find(nrf_analysis_options(), "steps");
  must(nrf_option_set_text(&w.settings, row, names));
  must(nrf_analyses_select(all, &w.settings.steps, wanted));
}

static void a_selection_brings_what_it_needs(void **state)
{
  (void)state;
  bool wanted[4];
  select_names("", wanted);
  assert_true(wanted[0] && wanted[1] && wanted[2] && wanted[3]);
  select_names("FIND_mean_rise", wanted);
  assert_true(wanted[0] && wanted[1] && !wanted[2] && !wanted[3]);
  select_names("find_rises", wanted);
  assert_true(wanted[0] && !wanted[1] && wanted[2] && !wanted[3]);
  select_names("find_rises.long", wanted);
  assert_true(!wanted[0] && !wanted[1] && wanted[2] && !wanted[3]);
  select_names("after_long", wanted);
  assert_true(wanted[0] && wanted[1] && wanted[2] && wanted[3]);
}

static void a_misspelt_name_is_met_with_the_closest_one(void **state)
{
  (void)state;
  bool          wanted[4];
  nrf_name_list names = {.count = 1, .name = {"find_mean_raise"}};
  assert_int_equal(nrf_analyses_select(all, &names, wanted), NRF_EINVAL);
  assert_string_equal(
      nrf_error_message(),
      "--steps: there is no analysis 'find_mean_raise'; did you mean find_mean_rise? (--list shows all)");
}

static void tables_that_cannot_work_are_refused(void **state)
{
  (void)state;
  const struct {
    nrf_analysis row[2];
    const char  *message;
  } cases[] = {
      {{rows[0], rows[0]}, "there are two"},
      {{rows[1], rows[0]}, "needs find_rises.just_angles, which is not above it"},
      {{rows[0], {.name = "a/b", .title = "", .purpose = "", .run = find_rises}}, "not a name for a folder"},
      {{rows[0], {.name = "x", .title = "", .purpose = ""}}, "function is missing"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(nrf_analyses_check((nrf_analyses){cases[i].row, 2}), NRF_EINVAL);
    if (!strstr(nrf_error_message(), cases[i].message)) fail_msg("%zu: %s", i, nrf_error_message());
  }
  must(nrf_analyses_check(all));
  must(nrf_analyses_check(nrf_analyses_all()));
}

/* ---- results ---- */

static void results_are_tables_figures_numbers_and_a_report(void **state)
{
  (void)state;
  nrf_table *table;
  run_two();
  assert_int_equal(w.summary.count[NRF_ANALYSIS_DONE], 2);
  assert_int_equal(w.summary.up_to_date, 0);

  must(nrf_table_read(result_path("find_rises.just_angles/rises.h5"), &table));
  assert_int_equal(nrf_table_n_rows(table), CHANNELS);
  for (int c = 0; c < CHANNELS; c++) /* 960 means of 40 and 64 uniform numbers: standard error 0.0004 */
    assert_true(fabs(nrf_table_doubles(table, RISE)[c] - 0.1 * (1 + c)) < 0.003);
  nrf_table_free(table);

  says("find_rises.just_angles/rises.csv", "channel,rise,varies\n0,0.");
  says("find_rises.just_angles/step.json", "\"state\": \"done\"");
  says("columns.csv", "find_rises.just_angles,rises,rise,double,state,");
  says("summary.csv", "find_mean_rise,Mean rise & more,0.");
  says("summary.csv", ",state,0.1,0.3,0.95,3,over channels\n");
  says("summary.csv", "find_mean_rise,Nothing,NaN,,NaN,NaN,NaN,0,\n");
  says("report.html", "Analyses of session &lt;1&gt;");
  says("report.html", "Mean rise &amp; more");
  says("report.html", "0.1 to 0.3 (95 %)");
  says("report.html", "6 images, variant 'just_angles'");
  says("report.html", "there is no recording number 4");
  if (w.summary.no_gnuplot) {
    assert_int_equal(w.summary.figures_missing, 1);
  } else {
    says("report.html", "data:image/png;base64,iVBORw0KGgo");
    assert_true(there_is("find_rises.just_angles/rises.pdf"));
  }
}

static void nothing_is_done_twice(void **state)
{
  (void)state;
  run_two();
  run_two();
  assert_int_equal(w.rises, 1);
  assert_int_equal(w.means, 1);
  assert_int_equal(w.opened, 1); /* not even read again */
  assert_int_equal(w.summary.up_to_date, 2);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_DONE], 2);
}

static void change_seed(void)
{
  w.settings.seed = 5;
}
static void change_quirks(void)
{
  w.settings.original_quirks = true;
}
static void change_recording(void)
{
  (void)snprintf(w.inputs.input[NRF_KIND_ANG].fingerprint, NRF_ANALYSIS_FINGERPRINT, "other");
}
static void use_force(void)
{
  w.settings.force = true;
}
static void lose_a_table(void)
{
  assert_int_equal(unlink(result_path("find_rises.just_angles/rises.h5")), 0);
}
static void lose_the_record(void)
{
  assert_int_equal(unlink(result_path("find_rises.just_angles/step.json")), 0);
}
static void damage_the_record(void)
{
  assert_int_equal(truncate(result_path("find_rises.just_angles/step.json"), 100), 0);
}

static void what_has_changed_is_done_again(void **state)
{
  (void)state;
  static const struct {
    void (*change)(void);
    int means; /* does the second analysis change too? */
  } cases[] = {{change_seed, 1},  {change_quirks, 1},   {change_recording, 1}, {use_force, 1},
               {lose_a_table, 0}, {lose_the_record, 0}, {damage_the_record, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    run_two();
    w.rises = w.means = 0;
    cases[i].change();
    run_two();
    w.settings.force = false;
    if (w.rises != 1 || w.means != cases[i].means) fail_msg("%zu: %d %d", i, w.rises, w.means);
    assert_int_equal(w.summary.count[NRF_ANALYSIS_DONE], 2);
  }
}

static void a_new_revision_is_done_again_and_so_is_what_needs_it(void **state)
{
  (void)state;
  nrf_analysis revised[2] = {rows[0], rows[1]};
  run_two();
  revised[1].revision = 1;
  must(run((nrf_analyses){revised, 2}));
  assert_true(w.rises == 1 && w.means == 2);
  revised[0].revision = 1;
  must(run((nrf_analyses){revised, 2}));
  assert_true(w.rises == 2 && w.means == 3);
}

/* ---- what goes wrong ---- */

static void missing_recordings_skip_and_block(void **state)
{
  (void)state;
  must(run(all));
  assert_int_equal(w.summary.count[NRF_ANALYSIS_DONE], 2);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_SKIPPED], 1);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_BLOCKED], 1);
  says("find_rises.long/step.json", "there is no recording number 4");
  says("after_long/step.json", "needs find_rises.long, which was skipped");
  says("report.html", "needs find_rises.long, which was skipped");
  assert_int_equal(w.rises, 1);
}

static void an_analysis_may_say_that_it_does_not_apply(void **state)
{
  (void)state;
  w.rises_skips = true;
  run_two();
  assert_int_equal(w.summary.count[NRF_ANALYSIS_SKIPPED], 1);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_BLOCKED], 1);
  says("report.html", "one angle only");
}

static void a_failure_stops_only_what_needs_it(void **state)
{
  (void)state;
  nrf_analysis three[3] = {rows[0], rows[1], rows[0]};
  three[2].variant      = "again";
  w.rises_end           = NRF_EFORMAT;
  must(run((nrf_analyses){three, 3}));
  assert_int_equal(w.rises, 2);
  assert_int_equal(w.means, 0);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_FAILED], 2);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_BLOCKED], 1);
  assert_non_null(strstr(w.warnings, "find_rises.just_angles: failed: the first analysis broke"));
  says("report.html", "Failed; what follows is incomplete.");
  says("report.html", "the first analysis broke");
  assert_true(there_is("find_rises.just_angles/rises.csv")); /* what it had */
  assert_true(there_is("find_rises.just_angles/plot/rises.gp"));

  w.rises_end = NRF_OK; /* a failure is not taken for finished */
  must(run((nrf_analyses){three, 3}));
  assert_int_equal(w.summary.count[NRF_ANALYSIS_DONE], 3);
  assert_null(strstr(text_of("report.html"), "incomplete"));
}

static void reading_undeclared_results_fails(void **state)
{
  (void)state;
  nrf_analysis two[2] = {rows[0], {.name = "sly", .title = "t", .purpose = "p", .run = undeclared}};
  must(run((nrf_analyses){two, 2}));
  assert_non_null(
      strstr(w.warnings, "sly reads results of find_rises.just_angles without naming it among its needs"));
}

static void an_interruption_keeps_what_is_finished(void **state)
{
  (void)state;
  w.stop_in_rises = true;
  assert_int_equal(run((nrf_analyses){rows, 2}), NRF_EINTERRUPTED);
  assert_int_equal(w.means, 0);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_UNFINISHED], 1);
  says("report.html", "Was interrupted; what follows is incomplete.");
  says("find_rises.just_angles/step.json", "\"state\": \"unfinished\"");

  w.stop = w.stop_in_rises = false;
  run_two();
  assert_int_equal(w.rises, 2);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_DONE], 2);
}

/* A process that is killed writes no record at its end: that at its beginning has to say so. */
static void a_killed_run_is_recognised(void **state)
{
  (void)state;
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    nrf_analysis deadly = rows[0];
    deadly.run          = (nrf_status(*)(const nrf_analysis_context *, nrf_results *))abort;
    (void)freopen("/dev/null", "w", stderr);
    (void)run((nrf_analyses){&deadly, 1});
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  says("find_rises.just_angles/step.json", "\"state\": \"unfinished\"");
  run_two();
  assert_int_equal(w.rises, 1);
}

static void a_recording_that_cannot_be_read_fails_what_reads_it(void **state)
{
  (void)state;
  char path[SCRATCH_PATH];
  must(nrf_make_directories(scratch_path(path, w.scratch, "extract.h5"))); /* where the extract would be */
  run_two();
  assert_int_equal(w.summary.count[NRF_ANALYSIS_FAILED], 1);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_BLOCKED], 1);
}

static void an_unwritable_folder_is_named(void **state)
{
  (void)state;
  assert_int_equal(chmod(w.scratch, 0500), 0);
  scratch_drop_root();
  const nrf_status st = run((nrf_analyses){rows, 2});
  scratch_regain_root();
  assert_int_equal(chmod(w.scratch, 0700), 0);
  assert_int_equal(st, NRF_EIO);
  assert_non_null(strstr(nrf_error_message(), w.results));
  assert_int_equal(w.rises, 0);
}

static void one_process_at_a_time(void **state)
{
  (void)state;
  int ready[2], leave[2];
  assert_int_equal(pipe(ready) | pipe(leave), 0);
  run_two();
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) { /* holds the folder until it is told to leave */
    char command[3 * SCRATCH_PATH];
    (void)snprintf(command, sizeof command, "exec flock '%s/.lock' sh -c 'echo >&%d; read x <&%d'", w.results,
                   ready[1], leave[0]);
    (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(1);
  }
  char c;
  assert_int_equal(read(ready[0], &c, 1), 1);
  assert_int_equal(run((nrf_analyses){rows, 2}), NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "another nrflv-analyze is at work here"));
  assert_int_equal(write(leave[1], "\n", 1), 1);
  assert_int_equal(waitpid(child, NULL, 0), child);
  run_two();
}

static void a_full_disk_ends_the_run(void **state)
{
  (void)state;
  must(nrf_make_directories(w.results));
  if (!scratch_mount_small_disk(w.results, 28 << 10)) skip();
  const nrf_status st = run((nrf_analyses){rows, 2});
  const bool marked   = strstr(text_of("find_rises.just_angles/step.json"), "\"state\": \"done\"") == NULL;
  scratch_unmount(w.results);
  assert_int_equal(st, NRF_ENOSPACE);
  assert_true(marked);
}

/* ---- gnuplot ---- */

static void without_gnuplot_everything_else_is_there(void **state)
{
  (void)state;
  char path[4096];
  (void)snprintf(path, sizeof path, "%s", getenv("PATH"));
  assert_int_equal(setenv("PATH", w.scratch, 1), 0);
  run_two();
  assert_int_equal(setenv("PATH", path, 1), 0);
  assert_true(w.summary.no_gnuplot);
  assert_int_equal(w.summary.figures_missing, 1);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_DONE], 2);
  assert_non_null(strstr(w.warnings, "there is no gnuplot"));
  assert_true(there_is("find_rises.just_angles/plot/rises.gp"));
  assert_false(there_is("find_rises.just_angles/rises.png"));
  says("report.html", "rises is not drawn");

  run_two(); /* it was installed meanwhile: drawn, not computed */
  if (w.summary.no_gnuplot) skip();
  assert_int_equal(w.rises, 1);
  assert_int_equal(w.summary.figures_missing, 0);
  assert_true(there_is("find_rises.just_angles/rises.png"));
}

static void a_gnuplot_that_fails_is_quoted(void **state)
{
  (void)state;
  char path[4096], program[SCRATCH_PATH];
  scratch_path(program, w.scratch, "gnuplot");
  FILE *file = fopen(program, "w");
  assert_non_null(file);
  fprintf(file, "#!/bin/sh\necho 'unknown terminal: pngcairo' >&2\nexit 1\n");
  assert_int_equal(fclose(file) | chmod(program, 0755), 0);
  (void)snprintf(path, sizeof path, "%s", getenv("PATH"));
  assert_int_equal(setenv("PATH", w.scratch, 1), 0);
  run_two();
  assert_int_equal(setenv("PATH", path, 1), 0);
  assert_false(w.summary.no_gnuplot);
  assert_int_equal(w.summary.figures_missing, 1);
  assert_int_equal(w.summary.count[NRF_ANALYSIS_DONE], 2);
  assert_non_null(
      strstr(w.warnings, "1 figures could not be drawn: gnuplot, rises.gp: unknown terminal: pngcairo"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_selection_brings_what_it_needs, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_misspelt_name_is_met_with_the_closest_one, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tables_that_cannot_work_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(results_are_tables_figures_numbers_and_a_report, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nothing_is_done_twice, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_has_changed_is_done_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_new_revision_is_done_again_and_so_is_what_needs_it, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(missing_recordings_skip_and_block, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_analysis_may_say_that_it_does_not_apply, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failure_stops_only_what_needs_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(reading_undeclared_results_fails, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_interruption_keeps_what_is_finished, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_killed_run_is_recognised, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_recording_that_cannot_be_read_fails_what_reads_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_unwritable_folder_is_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(one_process_at_a_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_full_disk_ends_the_run, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_gnuplot_everything_else_is_there, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_gnuplot_that_fails_is_quoted, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
