/* extract_kind.c - the five experiments that the analyses know, by their stimulus sets (analysis.md 1.1). */
#include "nrflv/extract.h"

#include <string.h>

static const nrf_experiment_kind_row kinds[NRF_KINDS] = {
    [NRF_KIND_PRIM]  = {"PRIM", "primary", "single/contrast_and_angle", true},
    [NRF_KIND_ANG]   = {"ANG", "just_angles", "single/just_angle", false},
    [NRF_KIND_FEW]   = {"FEW", "just_angles_few_angles", "single/just_angle_few_angles", false},
    [NRF_KIND_DBL]   = {"DBL", "double_stim", "double/fewlocs_and_fewerangles", false},
    [NRF_KIND_LONG]  = {"LONG", "long_just_fewangles", "single/long_just_fewangles", true},
    [NRF_KIND_OTHER] = {"OTHER", "other", NULL, false},
};

const nrf_experiment_kind_row *nrf_experiment_kind_info(nrf_experiment_kind kind)
{
  return &kinds[kind];
}

nrf_experiment_kind nrf_experiment_kind_of(const nrf_recording_info *info)
{
  int kind = 0;
  while (kinds[kind].stimulus_set != NULL && strcmp(kinds[kind].stimulus_set, info->stimulus_set) != 0)
    kind++;
  return (nrf_experiment_kind)kind;
}
