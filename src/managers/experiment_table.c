/* experiment_table.c - the experiments, as data. */
#include "nrflv/experiment.h"

#include "nrflv/closest.h"
#include "nrflv/rng.h"

#include <string.h>

#define GABOR_PHASES                                                          \
  .n_phases = 4, .phase = {                                                   \
                     {"burn_in", NRF_SHOWN_TEST_IMAGES, "num_burn_in_steps"}, \
                     {"pre", NRF_SHOWN_BLANK, "exp_pre_steps"},               \
                     {"stimulus", NRF_SHOWN_STIMULI, "exp_stim_steps"},       \
                     {"post", NRF_SHOWN_BLANK, "exp_post_steps"},             \
  }

static const nrf_experiment table[] = {
    {.name         = "contrast_and_angle",
     .number       = 0,
     .stimulus_set = "single/contrast_and_angle",
     .file_name    = "orientations_present_single_gabor_contrast_and_angle",
     .summary      = "one Gabor patch, 16 angles at 8 contrasts",
     GABOR_PHASES},
    {.name         = "just_angle",
     .number       = 1,
     .stimulus_set = "single/just_angle",
     .file_name    = "orientations_present_single_gabor_just_angle",
     .summary      = "one Gabor patch, 128 angles",
     GABOR_PHASES},
    {.name         = "just_angle_few_angles",
     .number       = 2,
     .stimulus_set = "single/just_angle_few_angles",
     .file_name    = "orientations_present_single_gabor_just_angle_few_angles",
     .summary      = "one Gabor patch, 8 angles, each 16 times",
     GABOR_PHASES},
    {.name         = "fewlocs_and_fewerangles",
     .number       = 3,
     .stimulus_set = "double/fewlocs_and_fewerangles",
     .file_name    = "orientations_present_double_gabor_fewlocs_and_fewerangles",
     .summary      = "two Gabor patches, colinear and not, at 4 distances in 4 directions",
     GABOR_PHASES},
    {.name         = "long_just_fewangles",
     .number       = 4,
     .stimulus_set = "single/long_just_fewangles",
     .file_name    = "orientations_present_single_gabor_long_just_fewangles",
     .summary      = "a bar across the image, 8 angles, each 16 times",
     GABOR_PHASES},
    {.name      = "observeCIFAR10",
     .number    = 5,
     .file_name = "observeCIFAR10",
     .summary   = "test images of the model's data set, and nothing else",
     .n_phases  = 1,
     .phase     = {{"observe", NRF_SHOWN_TEST_IMAGES, "exp_observe_steps"}}},
};

enum { EXPERIMENTS = sizeof table / sizeof *table };

const nrf_experiment *nrf_experiment_at(int i)
{
  return i >= 0 && i < EXPERIMENTS ? &table[i] : NULL;
}

nrf_status nrf_experiment_find(const char *name, const nrf_experiment **out)
{
  const char *names[EXPERIMENTS];
  *out = NULL;
  for (int i = 0; i < EXPERIMENTS; i++) {
    names[i] = table[i].name;
    if (strcmp(name, names[i]) == 0) *out = &table[i];
  }
  if (*out != NULL) return NRF_OK;
  const int closest = nrf_closest(name, EXPERIMENTS, names);
  return nrf_error(NRF_ENOTFOUND, "experiment '%s': there is none of this name%s%s", name,
                   closest >= 0 ? "; did you mean " : "", closest >= 0 ? names[closest] : "");
}

/* A phase names the option that it takes its length from, an int. */
int64_t nrf_experiment_phase_steps(const nrf_experiment *e, int i, const nrf_settings *settings)
{
  const nrf_setting *row = nrf_setting_find(e->phase[i].steps);
  int                steps;
  memcpy(&steps, (const char *)settings + row->offset, sizeof steps);
  return steps;
}

int64_t nrf_experiment_steps(const nrf_experiment *e, const nrf_settings *settings)
{
  int64_t steps = 0;
  for (int i = 0; i < e->n_phases; i++) steps += nrf_experiment_phase_steps(e, i, settings);
  return steps;
}

uint64_t nrf_experiment_seed(uint64_t seed, const nrf_experiment *e)
{
  const nrf_rng r = nrf_rng_at(seed, NRF_RNG_EXPERIMENT, (uint64_t)e->number, 0);
  return (uint64_t)nrf_rng_u32(r, 0) << 32 | nrf_rng_u32(r, 1);
}
