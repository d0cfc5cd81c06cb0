/* steps.c - which steps there are, and the recordings they are about. */
#include "steps.h"

#include "nrflv/synthetic_source.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- recordings ------------------------------------------------------------------------------------------ */

/* By way of a file that is gone when this returns: an open extract needs its contents, not its name. */
static nrf_status make_extract(const nrf_trace_source *source, int threads, nrf_extract **out)
{
  const nrf_extract_effort effort = {.threads = threads, .memory = (size_t)1 << 30};
  const char              *parent = getenv("TMPDIR");
  text                     folder = text_of("%s/nrflv-check-XXXXXX", parent != NULL ? parent : "/tmp");
  if (mkdtemp(folder.s) == NULL) return nrf_error_errno("%s", folder.s);
  const text path = text_of("%s/extract.h5", folder.s);
  nrf_status st   = nrf_extract_make(source, path.s, effort, NULL);
  if (st == NRF_OK) st = nrf_extract_open(path.s, out);
  (void)unlink(path.s);
  (void)unlink(text_of("%s.partial", path.s).s);
  (void)rmdir(folder.s);
  return st;
}

nrf_status steps_extract(steps *s, nrf_experiment_kind kind, const nrf_extract **out)
{
  nrf_trace_source source;
  *out = s->extract[kind];
  if (*out != NULL) return NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_synthetic_source_open(nrf_h5_path(s->file), kind, &source));
  const nrf_status st = make_extract(&source, s->threads, &s->extract[kind]);
  nrf_trace_source_close(&source);
  *out = s->extract[kind];
  return st;
}

/* ---- steps ----------------------------------------------------------------------------------------------- */

static const struct step {
  const char *name;
  check_step *check;
} all_steps[] = {
    {"3.01_find_active_neurons", check_activity},
    {"3.02_colour_ranges", check_colour_ranges},
    {"3.06_find_orientation_preferences", check_orientation_preferences},
    {"3.07_assign_ori_info", check_matches},
    {"3.08_summed_traces", check_summed_traces},
    {"3.09_contrast_specgram_LFP", check_contrast_spectrograms},
    {"3.10_contrast_power_spectra_LFP", check_contrast_spectra},
    {"3.11_transients", check_transients},
    {"3.12_state_traces", check_state_traces},
    {"3.13_find_oscillating_neurons", check_oscillations},
    {"3.14_contrast_frequency", check_contrast_frequency},
    {"3.15_state_and_momentum", check_state_and_momentum},
    {"3.16_calculate_EI_lag", check_ei_lag},
    {"3.18_synchrony1_fits", check_synchrony_fits_channels},
    {"3.19_mean_correlation_by_channel_distance", check_mean_correlations},
    {"3.20_synchrony1_groups", check_synchrony_groups_channels},
    {"3.21_synchrony1_preference_vs_amplitude", check_preference_vs_amplitude},
    {"3.24_synchrony2_fits", check_synchrony_fits_patches},
    {"3.25_synchrony2_groups", check_synchrony_groups_patches},
    {"3.26_synchrony2_distance_vs_amplitude", check_patch_distance_vs_amplitude},
    {"3.28_synchrony3_fits", check_synchrony_fits_bar},
    {"3.29_synchrony3_groups", check_synchrony_groups_bar},
    {"3.30_synchrony3_distance_vs_amplitude", check_bar_distance_vs_amplitude},
};

static check_step *find_check(const char *name)
{
  for (size_t k = 0; k < sizeof all_steps / sizeof *all_steps; k++)
    if (strcmp(all_steps[k].name, name) == 0) return all_steps[k].check;
  return NULL;
}

/* What goes wrong in a step becomes a row, and the others are still checked. */
static nrf_status check_one_step(steps *s, report *r, const char *name)
{
  check_step *check = find_check(name);
  report_begin_case(r, name);
  if (check == NULL)
    return report_remark(r, "the step as a whole", "not checked: nothing to compare it with");
  ref_block  b;
  const text path = text_of("steps/%s", name);
  NRF_RETURN_IF_ERROR(block_open(s->file, r, path.s, &b));
  nrf_status st = check(&b, s);
  if (st != NRF_OK) st = report_problem(r, "the step as a whole", NULL, nrf_error_message());
  block_close(&b);
  return st;
}

bool is_steps_file(const nrf_h5_file *file)
{
  return nrf_h5_kind_of(file, "/steps") == NRF_H5_GROUP;
}

nrf_status check_steps(const nrf_h5_file *file, report *r)
{
  nrf_status     st    = NRF_OK;
  nrf_h5_strings names = {0, NULL};
  steps          s     = {.file = file, .threads = omp_get_max_threads()};
  NRF_TRY(nrf_h5_list(file, "/steps", &names));
  if (names.count == 0) NRF_FAIL(NRF_EFORMAT, "%s: no analyses are in it", nrf_h5_path(file));
  for (int64_t k = 0; k < names.count; k++) NRF_TRY(check_one_step(&s, r, names.item[k]));
done:
  nrf_h5_strings_free(&names);
  for (int kind = 0; kind < NRF_KINDS; kind++) nrf_extract_free(s.extract[kind]);
  return st;
}
