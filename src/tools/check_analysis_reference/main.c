/* main.c - check_analysis_reference: recomputes reference values of the analyses and says how well they agree. A
 * program beside check_reference because it is linked with the libraries of the analyses, which are GPL. */
#include "blocks.h"
#include "steps.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_PASSED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char *const usage =
    "usage: check_analysis_reference [options] FILE...\n"
    "Recomputes files of reference values for the analyses: for their building blocks, such as "
    "analysis_blocks.h5,\nand for whole analyses of synthetic recordings, such as analysis_steps.h5.\n"
    "Exit status: 0 if everything agrees, 1 if not or if a file cannot be used, 2 for wrong usage.\n"
    "  --verbose         print every case, not only those that fail\n"
    "  --help            print this\n";

/* ---- blocks ---------------------------------------------------------------------------------------------- */

static const struct kind {
  const char *name;
  nrf_status (*check)(ref_block *b);
} kinds[] = {
    {"acorr", check_autocorrelation},
    {"angle_difference", check_angle_difference},
    {"bootstrap_ci", check_bootstrap},
    {"colour_maps", check_colour_maps},
    {"cross_correlation", check_cross_correlation},
    {"find_peaks", check_find_peaks},
    {"gabor_fit", check_gabor_fit},
    {"image_contrast", check_image_contrast},
    {"linear_detrend", check_linear_detrend},
    {"map_grey", check_map_grey},
    {"mean_trace_interval", check_mean_trace_interval},
    {"moments", check_moments},
    {"one_sample_t", check_one_sample_t},
    {"orientation_fit", check_orientation_fit},
    {"percentile", check_percentile},
    {"shapiro_wilk", check_shapiro_wilk},
    {"specgram", check_spectrogram},
    {"straight_line", check_straight_line},
    {"time_units", check_time_units},
    {"welch_psd", check_welch_psd},
    {"welch_t", check_welch_t},
};

static const struct kind *find_kind(const char *name)
{
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    if (strcmp(kinds[k].name, name) == 0) return &kinds[k];
  return NULL;
}

/* What goes wrong in a block becomes a row, and the others are still checked. */
static nrf_status check_one(const nrf_h5_file *file, report *r, const char *name)
{
  const struct kind *kind = find_kind(name);
  report_begin_case(r, name);
  if (kind == NULL)
    return report_problem(r, "the block as a whole", NULL,
                          "unknown name: there is nothing to compare it with");
  ref_block b;
  NRF_RETURN_IF_ERROR(block_open(file, r, name, &b));
  nrf_status st = kind->check(&b);
  if (st != NRF_OK) st = report_problem(r, "the block as a whole", NULL, nrf_error_message());
  block_close(&b);
  return st;
}

static bool is_block(const nrf_h5_file *file, const char *name)
{
  return nrf_h5_kind_of(file, name) == NRF_H5_GROUP && nrf_h5_has_attribute(file, name, "section");
}

static nrf_status check_blocks(const nrf_h5_file *file, report *r)
{
  nrf_status     st     = NRF_OK;
  nrf_h5_strings names  = {0, NULL};
  int            blocks = 0;
  NRF_TRY(nrf_h5_list(file, "/", &names));
  for (int64_t k = 0; k < names.count; k++) {
    if (!is_block(file, text_of("/%s", names.item[k]).s)) continue;
    NRF_TRY(check_one(file, r, names.item[k]));
    blocks++;
  }
  if (blocks == 0)
    NRF_FAIL(NRF_EFORMAT, "%s: no building blocks of the analyses are in it", nrf_h5_path(file));
done:
  nrf_h5_strings_free(&names);
  return st;
}

static nrf_status check_file(const char *path, report *r)
{
  nrf_h5_file *file = NULL;
  NRF_RETURN_IF_ERROR(nrf_h5_open(path, &file));
  const nrf_status st = is_steps_file(file) ? check_steps(file, r) : check_blocks(file, r);
  nrf_h5_free(file);
  return st;
}

/* ---- files ----------------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* Whether the file could be used at all. */
static bool check_and_print(const char *path, report *r)
{
  report_begin_file(r, base_name(path));
  report_begin_run(r, "one run");
  const nrf_status st   = check_file(path, r);
  const int64_t    rows = report_end_file(r, stdout);
  fflush(stdout);
  if (st != NRF_OK)
    fprintf(stderr, "check_analysis_reference: %s\n", nrf_error_message());
  else if (rows == 0)
    fprintf(stderr, "check_analysis_reference: %s: there is nothing to compare in it\n", path);
  return st == NRF_OK && rows > 0;
}

/* -1: go on; otherwise an exit status. */
static int parse_options(int argc, char **argv, bool *verbose)
{
  static const struct option table[] = {
      {"verbose", no_argument, NULL, 'v'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  for (int letter; (letter = getopt_long(argc, argv, "", table, NULL)) != -1;) {
    switch (letter) {
    case 'v':
      *verbose = true;
      break;
    case 'h':
      fputs(usage, stdout);
      return EXIT_PASSED;
    default:
      fputs("check_analysis_reference: --help lists the options\n", stderr);
      return EXIT_USAGE;
    }
  }
  if (optind < argc) return -1;
  fputs("check_analysis_reference: no file to check; --help explains\n", stderr);
  return EXIT_USAGE;
}

int main(int argc, char **argv)
{
  bool      verbose     = false;
  const int exit_status = parse_options(argc, argv, &verbose);
  if (exit_status >= 0) return exit_status;

  report *r = NULL;
  if (report_create(verbose, "cases", &r) != NRF_OK) {
    fprintf(stderr, "check_analysis_reference: %s\n", nrf_error_message());
    return EXIT_FAILED;
  }
  printf(
      "Largest error (of what kind: the suggested tolerance of each quantity says it) and what it may be.\n"
      "file  block  quantity  error  limit  error  limit  verdict\n");
  int unreadable = 0;
  for (int k = optind; k < argc; k++)
    if (!check_and_print(argv[k], r)) unreadable++;
  report_summary(r, unreadable, stdout);
  const bool passed = report_all_passed(r) && unreadable == 0;
  report_free(r);
  return passed && fflush(stdout) == 0 ? EXIT_PASSED : EXIT_FAILED;
}
