/* analysis.h - the analyses there are, and how they are run.
 *
 * To add one: write a file src/analysis/steps/NAME.c with a function
 *
 *   nrf_status nrf_step_ei_lag(const nrf_analysis_context *context, nrf_results *results)
 *   {
 *     const nrf_extract *x = context->extract[NRF_KIND_LONG];           what the row `reads` is there
 *     if (!x->has_momentum) return nrf_results_skip(results, "the momentum was not recorded");
 *     ...
 *     NRF_TRY(nrf_analysis_table(context, "find_orientation_preferences", "orientation_pref_results_just_angles", &table));
 *     ...                                                              what the row `needs` is there, and up to date
 *     NRF_TRY(nrf_results_table(results, lags));
 *     NRF_TRY(nrf_results_figure(results, histogram));
 *     nrf_results_number(results, &(nrf_key_number){.name = "Median lag", .value = 12.4, .unit = "ms", .n = 4096});
 *   done:
 *     ...free...
 *     return st;
 *   }
 *
 * and a row in src/analysis/analyses.c. Everything else (order, what has changed, folders, files, drawing, progress, the
 * report) follows. Loops of more than a second ask nrf_progress_stop_requested and return NRF_EINTERRUPTED. Results must not
 * depend on the number of threads. */
#ifndef NRFLV_ANALYSIS_ANALYSIS_H
#define NRFLV_ANALYSIS_ANALYSIS_H

#include "nrflv/analysis/results.h"
#include "nrflv/analysis/settings.h"
#include "nrflv/analysis/table.h"
#include "nrflv/extract.h"
#include "nrflv/progress.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>

struct nrf_analysis;
struct nrf_analysis_run;

/* What an analysis has to work with. */
typedef struct nrf_analysis_context {
  const nrf_analysis_settings *settings;  /* original_quirks, seed, single_maps, memory               */
  int                          threads;   /* >= 1; also what OpenMP is set to                         */
  const char                  *variant;   /* of its row; "" if it has none                            */
  const nrf_extract  *extract[NRF_KINDS]; /* of the experiments that the row reads; the others are NULL */
  const nrf_progress *progress;
  const struct nrf_analysis *row;
  struct nrf_analysis_run   *run;
} nrf_analysis_context;

#define NRF_READS(kind) (1u << (kind))

/* A row of the table. */
typedef struct nrf_analysis {
  const char
      *name; /* the published program's: "find_active_neurons"                                          */
  const char
      *variant; /* what it is applied to, where it is applied to several things: "primary"; NULL           */
  const char
      *title; /* "Active neurons of the contrast experiment"                                             */
  const char
      *purpose; /* one line: what it asks                                                                  */
  unsigned
      reads; /* NRF_READS(NRF_KIND_PRIM) | ...: experiments whose recordings it reads                      */
  const char
      *needs;   /* full names of rows above this one, whose results it reads, separated by blanks; NULL     */
  int revision; /* raised when its results change: finished ones are then repeated                          */
  nrf_status (*run)(const nrf_analysis_context *context, nrf_results *results);
} nrf_analysis;

enum { NRF_ANALYSIS_NAME = 96, NRF_ANALYSES_MAX = 128 };

/* The full name, "find_active_neurons.primary" or just the name. Returns `text`. It also names the folder of its results. */
const char *nrf_analysis_name(const nrf_analysis *analysis, char text[NRF_ANALYSIS_NAME]);

/* Rows in an order in which they can be run. */
typedef struct nrf_analyses {
  const nrf_analysis *row;
  int                 n;
} nrf_analyses;

/* The table of this program. */
nrf_analyses nrf_analyses_all(void);

/* NRF_EINVAL for a table that cannot work: a name twice, or one that is no file name; a need that is not above. */
NRF_MUST_CHECK nrf_status nrf_analyses_check(nrf_analyses analyses);

/* Which rows are wanted, wanted [analyses.n]: those named (full names, or names for all variants; capitals do not matter) and
 * all they need; all of them for an empty list. NRF_EINVAL for a name that does not exist, with the closest one. */
NRF_MUST_CHECK nrf_status nrf_analyses_select(nrf_analyses analyses, const nrf_name_list *names,
                                              bool wanted[]);

/* ---- For analyses ---- */

/* A table that an analysis named among the row's needs has left, in new memory. NRF_ENOTFOUND if it left none of this name. */
NRF_MUST_CHECK nrf_status nrf_analysis_table(const nrf_analysis_context *context, const char *analysis,
                                             const char *table, nrf_table **out);

/* The path of another file of such an analysis. */
NRF_MUST_CHECK nrf_status nrf_analysis_file(const nrf_analysis_context *context, const char *analysis,
                                            const char *file, char *path, size_t bytes);

/* ---- Recordings ---- */

enum { NRF_ANALYSIS_PATH = 1200, NRF_ANALYSIS_WHY = 400, NRF_ANALYSIS_FINGERPRINT = 33 };

/* What there is of an experiment. */
typedef struct nrf_analysis_input {
  bool found;
  bool damaged; /* there is a file that cannot be read; found: an extract made of it earlier can */
  char path[NRF_ANALYSIS_PATH];               /* of the recording, or of its extract             */
  char fingerprint[NRF_ANALYSIS_FINGERPRINT]; /* changes whenever the file does                  */
  char identity[NRF_ANALYSIS_FINGERPRINT];    /* what was recorded: the same for copies          */
  char why_not[NRF_ANALYSIS_WHY];             /* if not found, or damaged: a clause for "skipped: ..." */
} nrf_analysis_input;

typedef struct nrf_analysis_inputs {
  char               session[NRF_ANALYSIS_PATH]; /* name of the session, for titles */
  nrf_analysis_input input[NRF_KINDS];

  /* Gives the extract of an experiment that was found; called when the first analysis that reads it is about to
   * begin, since it may take long. The extract belongs to the run that asked, which frees it. */
  nrf_status (*open)(void *user, nrf_experiment_kind kind, const nrf_progress *progress, nrf_extract **out);
  void *user;
} nrf_analysis_inputs;

/* ---- Running ---- */

typedef enum nrf_analysis_state {
  NRF_ANALYSIS_NOT_RUN,    /* nobody has asked for it yet                            */
  NRF_ANALYSIS_DONE,       /* finished, now or earlier                               */
  NRF_ANALYSIS_SKIPPED,    /* does not apply to these recordings                     */
  NRF_ANALYSIS_BLOCKED,    /* needs one that was skipped, failed or is blocked itself */
  NRF_ANALYSIS_FAILED,     /* ended with an error                                    */
  NRF_ANALYSIS_UNFINISHED, /* was begun, and interrupted or killed                   */
  NRF_ANALYSIS_STATES
} nrf_analysis_state;

const char *nrf_analysis_state_name(nrf_analysis_state state);

typedef struct nrf_analysis_summary {
  int  count[NRF_ANALYSIS_STATES]; /* of the wanted rows     */
  int  up_to_date;                 /* of those done: earlier */
  int  figures_missing;            /* not drawn              */
  bool no_gnuplot;
} nrf_analysis_summary;

/* Runs the wanted analyses in order, into `directory` (made if need be). One that is finished, with recordings, settings and
 * needs unchanged, is left alone unless settings->force. One that fails or is skipped stops only those that need it. Ends with
 * report.html, summary.csv and columns.csv over everything that is there, also after an interruption. A full disk ends
 * the run: NRF_ENOSPACE. NRF_EINTERRUPTED: stopped on request; what is finished stays. NRF_EINVAL while another process works in
 * this directory. A failed analysis is no error here: see out->count. */
NRF_MUST_CHECK nrf_status nrf_analyses_run(nrf_analyses analyses, const bool wanted[],
                                           const nrf_analysis_settings *settings,
                                           const nrf_analysis_inputs *inputs, const char *directory,
                                           const nrf_progress *progress, nrf_analysis_summary *out);

#endif
