/* steps.h - files of reference values for whole analyses, such as analysis_steps.h5: five synthetic recordings, and what the
 * published analyses, and the corrected ones, make of them. A step is a group of "/steps". */
#ifndef CHECK_ANALYSIS_REFERENCE_STEPS_H
#define CHECK_ANALYSIS_REFERENCE_STEPS_H

#include "block.h"

#include "nrflv/analysis/preferences.h"
#include "nrflv/extract.h"

typedef struct steps {
  const nrf_h5_file *file;
  int                threads;
  nrf_extract       *extract[NRF_KINDS]; /* made when they are asked for */
} steps;

bool is_steps_file(const nrf_h5_file *file);

/* Checks all steps of a file; of those that nobody has compared yet it says so. */
NRF_MUST_CHECK nrf_status check_steps(const nrf_h5_file *file, report *r);

/* The extract of one of the file's recordings; borrowed. */
NRF_MUST_CHECK nrf_status steps_extract(steps *s, nrf_experiment_kind kind, const nrf_extract **out);

/* The preferences that the reference finds, in a `way`, "as_written" or "correct"; free out->channel with nrf_free. */
NRF_MUST_CHECK nrf_status read_preferences(ref_block *b, const char *way, int channels, nrf_preferences *out);

/* A column of another step's table. */
NRF_MUST_CHECK nrf_status read_from(ref_block *b, const char *step, const char *name, int64_t n,
                                    double **out);

/* One function for each family of steps. A status other than NRF_OK means that the step as a whole could not be checked. */
typedef nrf_status check_step(ref_block *b, steps *s);

/* steps_activity.c */
check_step check_activity, check_colour_ranges;

/* steps_orientation.c */
check_step check_orientation_preferences, check_matches;

/* steps_spectra.c */
check_step check_summed_traces, check_contrast_spectrograms, check_contrast_spectra;

/* steps_transients.c */
check_step check_transients, check_state_traces;

/* steps_oscillations.c */
check_step check_oscillations, check_contrast_frequency;

/* steps_momentum.c */
check_step check_state_and_momentum, check_ei_lag;

/* steps_synchrony.c */
check_step check_synchrony_fits_channels, check_synchrony_fits_patches, check_synchrony_fits_bar;
check_step check_mean_correlations;
check_step check_synchrony_groups_channels, check_synchrony_groups_patches, check_synchrony_groups_bar;
check_step check_preference_vs_amplitude, check_patch_distance_vs_amplitude, check_bar_distance_vs_amplitude;

#endif
