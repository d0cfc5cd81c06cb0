/* spectra_steps.h - spectra and autocorrelations of the contrast experiment (3.8 to 3.10), as the table of analyses has them. */
#ifndef SPECTRA_STEPS_H
#define SPECTRA_STEPS_H

#include "nrflv/analysis/analysis.h"

/* summed_traces_steps.c: 3.8 */
nrf_status nrf_step_summed_traces(const nrf_analysis_context *context, nrf_results *results);

/* contrast_spectrograms_steps.c: 3.9 */
nrf_status nrf_step_contrast_spectrograms(const nrf_analysis_context *context, nrf_results *results);

/* contrast_spectra_steps.c: 3.10 */
nrf_status nrf_step_contrast_spectra(const nrf_analysis_context *context, nrf_results *results);

#endif
