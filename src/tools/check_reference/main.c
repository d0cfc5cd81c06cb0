/* main.c - check_reference: recomputes reference files with the engine and says how well it agrees. */
#include "checks.h"

#include "nrflv/compute.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <omp.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_PASSED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char *const usage =
    "usage: check_reference [options] FILE...\n"
    "Recomputes model_*.h5, sghmc.h5, sampler_step.h5, training_update.h5 and stimuli.h5 files; what a file "
    "is, is told\n"
    "by its contents. Hands files for the analyses (analysis_blocks.h5) to check_analysis_reference beside "
    "it.\n"
    "Exit status: 0 if everything agrees, 1 if not or if a file cannot be used, 2 for wrong "
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

/* Files for the analyses have groups with the attribute `section`, or come from the analyses' steps. */
static bool is_analysis_file(const char *path)
{
  nrf_h5_file   *file  = NULL;
  nrf_h5_strings names = {0, NULL};
  bool           is    = false;
  if (nrf_h5_open(path, &file) == NRF_OK && nrf_h5_list(file, "/", &names) == NRF_OK)
    for (int64_t k = 0; k < names.count && !is; k++) {
      const text group = text_of("/%s", names.item[k]);
      is               = strcmp(names.item[k], "steps") == 0 ||
           (has_group(file, group.s) && nrf_h5_has_attribute(file, group.s, "section"));
    }
  nrf_h5_strings_free(&names);
  nrf_h5_free(file);
  return is;
}

/* Those are for the program beside this one, which may use the libraries of the analyses. Whether it says that everything
 * agrees; it prints its own table. */
static bool hand_on(const char *path, bool verbose)
{
  static const char sibling[] = "check_analysis_reference";
  char              program[4096];
  const ssize_t     n    = readlink("/proc/self/exe", program, sizeof program - sizeof sibling - 1);
  program[n > 0 ? n : 0] = '\0';
  char *slash            = strrchr(program, '/');
  memcpy(slash != NULL ? slash + 1 : program, sibling, sizeof sibling);
  char *const arguments[] = {program, (char *)path, verbose ? "--verbose" : NULL, NULL};
  pid_t       child       = 0;
  int         status      = 0;
  fflush(stdout);
  if (posix_spawn(&child, program, NULL, NULL, arguments, environ) != 0) {
    fprintf(stderr, "check_reference: %s: cannot run %s, which checks it\n", path, program);
    return false;
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PASSED;
}

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
  if (report_create(o.verbose, "tensors", &r) != NRF_OK) {
    fprintf(stderr, "check_reference: %s\n", nrf_error_message());
    return EXIT_FAILED;
  }
  run       runs[MAX_RUNS];
  const int n_runs     = make_runs(&o, runs);
  int       unreadable = 0, handed_on = 0, failed_there = 0;
  print_header(n_runs, runs, o.conv);
  for (int k = optind; k < argc; k++) {
    if (is_analysis_file(argv[k])) {
      handed_on++;
      if (!hand_on(argv[k], o.verbose)) failed_there++;
    } else if (!check_and_print(argv[k], n_runs, runs, r)) {
      unreadable++;
    }
  }
  if (handed_on < argc - optind) report_summary(r, unreadable, stdout);
  if (failed_there > 0) printf("%d of %d files for the analyses FAILED\n", failed_there, handed_on);
  const bool passed = report_all_passed(r) && unreadable == 0 && failed_there == 0;
  report_free(r);
  return passed && fflush(stdout) == 0 ? EXIT_PASSED : EXIT_FAILED;
}
