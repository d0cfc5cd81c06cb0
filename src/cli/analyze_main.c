/* analyze_main.c - nrflv-analyze: reads the command line, finds the recordings, runs the analyses, says how that ended. */
#include "cli/display.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/process.h"
#include "nrflv/analysis/analysis.h"
#include "nrflv/analysis/recordings.h"
#include "nrflv/analysis/settings.h"
#include "nrflv/experiment.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

static const char PROGRAM[] = "nrflv-analyze";

static const char usage[] =
    "Usage: nrflv-analyze --root_path DIR [--steps NAME...] [options]\n"
    "\n"
    "Analyses the recordings of experiments that nrflv --experiment made: tables (HDF5 and CSV), figures "
    "(PNG\n"
    "and PDF, drawn by gnuplot from data and scripts that are kept), and report.html, a page to look at. "
    "What is\n"
    "finished is not repeated until a recording or a setting changes.\n"
    "\n"
    "  --name VALUE or --name=VALUE    a value\n"
    "  --name VALUE...                 several values, up to the next option\n"
    "  --[no_]name                     --name switches on, --no_name off; --name=on and --name=off work too\n"
    "  [0,1], (0,1]                    the values allowed; a round bracket leaves the end out\n";

/* ---- options that print something and end ---- */

static void put_analysis_names(FILE *out, const nrf_setting *row)
{
  const nrf_analyses all = nrf_analyses_all();
  (void)row; /* --steps is the only list of names */
  for (int i = 0; i < all.n; i++) {
    char name[NRF_ANALYSIS_NAME];
    fprintf(out, " %s", nrf_analysis_name(&all.row[i], name));
  }
}

/* The experiment whose recording it is; NULL if there is none. */
static const char *experiment_name(const nrf_experiment_kind_row *kind)
{
  const nrf_experiment *e;
  for (int i = 0; (e = nrf_experiment_at(i)) != NULL; i++)
    if (e->stimulus_set && kind->stimulus_set && strcmp(e->stimulus_set, kind->stimulus_set) == 0)
      return e->name;
  return NULL;
}

static void list_recordings_read(const nrf_analysis *row)
{
  bool first = true;
  for (int kind = 0; kind < NRF_KINDS; kind++) {
    if (!(row->reads & NRF_READS(kind))) continue;
    const nrf_experiment_kind_row *info = nrf_experiment_kind_info((nrf_experiment_kind)kind);
    const char                    *name = experiment_name(info);
    printf("%s%s%s%s%s", first ? "    reads " : ", ", info->key, name ? " (the recording of " : "",
           name ? name : "", name ? ")" : "");
    first = false;
  }
  if (!first) printf("\n");
}

static void list_analyses(void)
{
  const nrf_analyses all = nrf_analyses_all();
  for (int i = 0; i < all.n; i++) {
    const nrf_analysis *row = &all.row[i];
    char                name[NRF_ANALYSIS_NAME];
    printf("%s\n    %s\n", nrf_analysis_name(row, name), row->purpose);
    list_recordings_read(row);
    if (row->needs) printf("    needs %s\n", row->needs);
  }
}

static bool is_informational(const nrf_analysis_settings *s)
{
  return s->help || s->version || s->list || s->completion[0] != '\0';
}

static nrf_status inform(const nrf_analysis_settings *s)
{
  if (s->help) {
    fputs(usage, stdout);
    nrf_print_options(stdout, nrf_analysis_options(), nrf_terminal_columns());
  } else if (s->version) {
    printf("%s %s\n", PROGRAM, NRFLV_VERSION);
  } else if (s->list) {
    list_analyses();
  } else {
    nrf_print_bash_completion(stdout, nrf_analysis_options(), put_analysis_names);
  }
  return nrf_flush_output();
}

/* ---- the work ---- */

/* <results_dir>/<session>, or analysis_results beside the recordings. */
static nrf_status name_results(const nrf_analysis_settings *s, const nrf_recordings *recordings,
                               char directory[NRF_ANALYSIS_PATH])
{
  const int n = s->ehd_results_storage
                    ? snprintf(directory, NRF_ANALYSIS_PATH, "%s/analysis_results", recordings->folder)
                    : snprintf(directory, NRF_ANALYSIS_PATH, "%s/%s", s->results_dir, recordings->session);
  if (n < NRF_ANALYSIS_PATH) return NRF_OK;
  return nrf_error(NRF_EINVAL, "--results_dir: the path is too long");
}

/* Whether a wanted analysis reads the experiment. */
static bool is_read(const bool wanted[], nrf_experiment_kind kind)
{
  const nrf_analyses all = nrf_analyses_all();
  for (int i = 0; i < all.n; i++)
    if (wanted[i] && (all.row[i].reads & NRF_READS(kind))) return true;
  return false;
}

/* Says which recordings are damaged, and counts them: what was never recorded is left out quietly, this is not. */
static int warn_of_damage(const nrf_analysis_inputs *inputs, const bool wanted[],
                          const nrf_progress *progress)
{
  int n = 0;
  for (int kind = 0; kind < NRF_KINDS; kind++) {
    const nrf_analysis_input *input = &inputs->input[kind];
    if (!input->damaged || !is_read(wanted, (nrf_experiment_kind)kind)) continue;
    nrf_progress_message(progress, NRF_WARNING, "%s; %s", input->why_not,
                         input->found ? "the extract that was made of it earlier is read instead"
                                      : "analyses that read it are skipped");
    n++;
  }
  return n;
}

/* Says which recordings were deleted since, so that nobody takes an extract for what is there. */
static void tell_of_deleted(const nrf_analysis_inputs *inputs, const char *extracts, const bool wanted[],
                            const nrf_progress *progress)
{
  for (int kind = 0; kind < NRF_KINDS; kind++) {
    const nrf_analysis_input *input = &inputs->input[kind];
    if (!input->found || input->damaged || strncmp(input->path, extracts, strlen(extracts)) != 0 ||
        !is_read(wanted, (nrf_experiment_kind)kind))
      continue;
    nrf_progress_message(progress, NRF_INFO, "the recording is not there any more; its extract is read: %s",
                         input->path);
  }
}

/* What the user reads last. */
static nrf_status conclude(const nrf_analysis_summary *summary, int damaged, const char *directory,
                           const nrf_progress *progress)
{
  const int *count = summary->count;
  nrf_progress_message(
      progress, NRF_RESULT,
      "analyses: %d done (%d of them earlier), %d skipped, %d failed, %d not run because of these",
      count[NRF_ANALYSIS_DONE], summary->up_to_date, count[NRF_ANALYSIS_SKIPPED], count[NRF_ANALYSIS_FAILED],
      count[NRF_ANALYSIS_BLOCKED]);
  nrf_progress_message(progress, NRF_RESULT, "wrote %s/report.html", directory);
  if (count[NRF_ANALYSIS_FAILED] == 0 && damaged == 0) return NRF_OK;
  if (count[NRF_ANALYSIS_FAILED] == 0)
    return nrf_error(NRF_EFORMAT,
                     "%d recording%s cannot be read; what could be analysed all the same is in "
                     "%s/report.html",
                     damaged, damaged == 1 ? "" : "s", directory);
  return nrf_error(NRF_EFORMAT, "%d %s failed; what is left, and why, is in %s/report.html",
                   count[NRF_ANALYSIS_FAILED], count[NRF_ANALYSIS_FAILED] == 1 ? "analysis" : "analyses",
                   directory);
}

static nrf_status analyse(const nrf_analysis_settings *s, const bool wanted[], const nrf_progress *progress)
{
  nrf_status               st     = NRF_OK;
  nrf_recordings_inputs   *inputs = NULL;
  nrf_recordings           recordings;
  nrf_analysis_summary     summary;
  char                     directory[NRF_ANALYSIS_PATH], extracts[NRF_ANALYSIS_PATH + 16];
  const nrf_extract_effort effort = {.threads = omp_get_max_threads(),
                                     .memory  = (size_t)(s->memory * 1024.0 * 1024.0 * 1024.0)};
  NRF_TRY(nrf_recordings_find(s->root_path, &recordings));
  NRF_TRY(name_results(s, &recordings, directory));
  (void)snprintf(extracts, sizeof extracts, "%s/extracts", directory);
  NRF_TRY(nrf_recordings_open(&recordings, extracts, effort, &inputs));
  nrf_progress_message(progress, NRF_INFO, "recordings in %s%s", recordings.folder,
                       recordings.sessions > 1 ? ", the newest of several sessions" : "");
  tell_of_deleted(nrf_recordings_inputs_of(inputs), extracts, wanted, progress);
  const int damaged = warn_of_damage(nrf_recordings_inputs_of(inputs), wanted, progress);
  NRF_TRY(nrf_analyses_run(nrf_analyses_all(), wanted, s, nrf_recordings_inputs_of(inputs), directory,
                           progress, &summary));
  st = conclude(&summary, damaged, directory, progress);
done:
  nrf_recordings_free(inputs);
  return st;
}

static nrf_status run(int argc, char *argv[])
{
  nrf_analysis_settings settings;
  bool                  wanted[NRF_ANALYSES_MAX] = {false};
  NRF_RETURN_IF_ERROR(nrf_analysis_settings_parse(argc, argv, &settings));
  if (is_informational(&settings)) return inform(&settings);
  NRF_RETURN_IF_ERROR(nrf_analyses_check(nrf_analyses_all()));
  NRF_RETURN_IF_ERROR(nrf_analyses_select(nrf_analyses_all(), &settings.steps, wanted));
  if (settings.threads > 0) omp_set_num_threads(settings.threads);

  nrf_display display;
  nrf_display_init(&display, PROGRAM, settings.quiet);
  const nrf_progress progress = nrf_display_progress(&display);
  NRF_RETURN_IF_ERROR(nrf_interrupt_install());
  NRF_RETURN_IF_ERROR(analyse(&settings, wanted, &progress));
  return nrf_flush_output();
}

int main(int argc, char *argv[])
{
  nrf_wait_passively(argv);
  return nrf_program_end(PROGRAM, run(argc, argv));
}
