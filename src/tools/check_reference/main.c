/* main.c - check_reference: recomputes reference files with the engine and says how well it agrees. */
#include "checks.h"

#include "nrflv/compute.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_PASSED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char *const usage =
    "usage: check_reference [options] FILE...\n"
    "Recomputes model_*.h5, sghmc.h5, sampler_step.h5, training_update.h5 and stimuli.h5 files; what a file "
    "is, is told\n"
    "by its contents. Exit status: 0 if everything agrees, 1 if not or if a file cannot be used, 2 for wrong "
    "usage.\n"
    "  --threads N       with N threads                                       (default: both 1 and 2)\n"
    "  --rewrites WHICH  graph rewrites: on, off or both                      (default: both)\n"
    "  --plain_graph     the same as --rewrites off\n"
    "  --conv HOW        convolutions: auto, direct or frequency              (default: auto)\n"
    "  --verbose         print every tensor, not only those that fail\n"
    "  --help            print this\n";

/* ---- options --------------------------------------------------------------------------------------------- */

typedef struct options {
  int             threads; /* 0: 1 and 2 */
  bool            with_rewrites, without_rewrites;
  nrf_conv_choice conv;
  bool            verbose;
} options;

static const struct {
  const char     *name;
  nrf_conv_choice choice;
} conv_choices[] = {{"auto", NRF_CONV_AUTO}, {"direct", NRF_CONV_DIRECT}, {"frequency", NRF_CONV_FREQUENCY}};

static bool parse_threads(const char *value, options *o)
{
  char *end          = NULL;
  errno              = 0;
  const long threads = strtol(value, &end, 10);
  if (errno != 0 || end == value || *end != '\0' || threads < 1 || threads > 1024) return false;
  o->threads = (int)threads;
  return true;
}

static bool parse_rewrites(const char *value, options *o)
{
  o->with_rewrites    = strcmp(value, "on") == 0 || strcmp(value, "both") == 0;
  o->without_rewrites = strcmp(value, "off") == 0 || strcmp(value, "both") == 0;
  return o->with_rewrites || o->without_rewrites;
}

static bool parse_conv(const char *value, options *o)
{
  for (size_t k = 0; k < sizeof conv_choices / sizeof *conv_choices; k++) {
    if (strcmp(value, conv_choices[k].name) != 0) continue;
    o->conv = conv_choices[k].choice;
    return true;
  }
  return false;
}

/* -1: go on; otherwise an exit status. */
static int parse_options(int argc, char **argv, options *o)
{
  static const struct option table[] = {{"threads", required_argument, NULL, 't'},
                                        {"rewrites", required_argument, NULL, 'r'},
                                        {"plain_graph", no_argument, NULL, 'p'},
                                        {"conv", required_argument, NULL, 'c'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  int                        which   = 0;
  for (int letter; (letter = getopt_long(argc, argv, "", table, &which)) != -1;) {
    bool good = true;
    switch (letter) {
    case 't':
      good = parse_threads(optarg, o);
      break;
    case 'r':
      good = parse_rewrites(optarg, o);
      break;
    case 'p':
      good = parse_rewrites("off", o);
      break;
    case 'c':
      good = parse_conv(optarg, o);
      break;
    case 'v':
      o->verbose = true;
      break;
    case 'h':
      fputs(usage, stdout);
      return EXIT_PASSED;
    default:
      fputs("check_reference: --help lists the options\n", stderr);
      return EXIT_USAGE;
    }
    if (!good) {
      fprintf(stderr, "check_reference: --%s: '%s' is no value for it; --help lists the options\n",
              table[which].name, optarg);
      return EXIT_USAGE;
    }
  }
  if (optind == argc) {
    fputs("check_reference: no file to check; --help explains\n", stderr);
    return EXIT_USAGE;
  }
  return -1;
}

/* ---- ways of computing ----------------------------------------------------------------------------------- */

enum { MAX_RUNS = 4 };

typedef struct run {
  nrf_compute compute;
  char        name[64];
} run;

static int make_runs(const options *o, run runs[])
{
  const int threads[] = {o->threads > 0 ? o->threads : 1, 2};
  const int n_threads = o->threads > 0 ? 1 : 2;
  int       n         = 0;
  for (int plain = 0; plain < 2; plain++) {
    if (!(plain ? o->without_rewrites : o->with_rewrites)) continue;
    for (int k = 0; k < n_threads; k++) {
      run *r     = &runs[n++];
      r->compute = (nrf_compute){.threads = threads[k], .plain_graph = plain != 0, .conv = o->conv};
      (void)snprintf(r->name, sizeof r->name, "rewrites %s, %d thread%s", plain ? "off" : "on", threads[k],
                     threads[k] == 1 ? "" : "s");
    }
  }
  return n;
}

static void print_header(int n, const run runs[], nrf_conv_choice conv)
{
  printf("Computed %s:", n == 1 ? "once" : "several times, each row shows the worst");
  for (int k = 0; k < n; k++) printf("%s %s", k == 0 ? "" : ";", runs[k].name);
  printf("; convolutions: %s\n", conv_choices[conv].name);
  printf("Largest error relative to the reference's largest magnitude and what it may be; norm of the "
         "difference\n"
         "relative to the reference's norm (of updated parameters: to the norm of their change) and what it "
         "may be.\n"
         "file  case  quantity  max error  limit  norm error  limit  verdict\n");
}

/* ---- files ----------------------------------------------------------------------------------------------- */

static const struct kind {
  bool (*is_this)(const nrf_h5_file *file);
  nrf_status (*check)(const source *s);
} kinds[] = {
    {is_model_file, check_model_file},     {is_sghmc_file, check_sghmc_file},
    {is_sampler_file, check_sampler_file}, {is_training_file, check_training_file},
    {is_stimuli_file, check_stimuli_file},
};

static nrf_status check_file(const char *path, int n_runs, const run runs[], report *r)
{
  nrf_status         st   = NRF_OK;
  nrf_h5_file       *file = NULL;
  const struct kind *kind = NULL;
  NRF_TRY(nrf_h5_open(path, &file));
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds && kind == NULL; k++)
    if (kinds[k].is_this(file)) kind = &kinds[k];
  if (kind == NULL)
    NRF_FAIL(NRF_EFORMAT, "%s: none of the kinds of reference files that are known here", path);
  for (int k = 0; k < n_runs; k++) {
    const source s = {file, r, runs[k].compute};
    omp_set_num_threads(runs[k].compute.threads); /* for what runs outside the backend: optimisers */
    report_begin_run(r, runs[k].name);
    NRF_TRY(kind->check(&s));
  }
done:
  nrf_h5_free(file);
  return st;
}

static const char *base_name(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* Whether the file could be used at all. */
static bool check_and_print(const char *path, int n_runs, const run runs[], report *r)
{
  report_begin_file(r, base_name(path));
  const nrf_status st   = check_file(path, n_runs, runs, r);
  const int64_t    rows = report_end_file(r, stdout);
  fflush(stdout);
  if (st != NRF_OK)
    fprintf(stderr, "check_reference: %s\n", nrf_error_message());
  else if (rows == 0)
    fprintf(stderr, "check_reference: %s: there is nothing to compare in it\n", path);
  return st == NRF_OK && rows > 0;
}

int main(int argc, char **argv)
{
  options   o           = {.with_rewrites = true, .without_rewrites = true, .conv = NRF_CONV_AUTO};
  const int exit_status = parse_options(argc, argv, &o);
  if (exit_status >= 0) return exit_status;

  report *r = NULL;
  if (report_create(o.verbose, &r) != NRF_OK) {
    fprintf(stderr, "check_reference: %s\n", nrf_error_message());
    return EXIT_FAILED;
  }
  run       runs[MAX_RUNS];
  const int n_runs     = make_runs(&o, runs);
  int       unreadable = 0;
  print_header(n_runs, runs, o.conv);
  for (int k = optind; k < argc; k++)
    if (!check_and_print(argv[k], n_runs, runs, r)) unreadable++;
  report_summary(r, unreadable, stdout);
  const bool passed = report_all_passed(r) && unreadable == 0;
  report_free(r);
  return passed && fflush(stdout) == 0 ? EXIT_PASSED : EXIT_FAILED;
}
