/* spectra_steps.h - spectra and autocorrelations of the contrast experiment (3.8 to 3.10), as the table of analyses has them. */
#ifndef SPECTRA_STEPS_H
#define SPECTRA_STEPS_H

#include "nrflv/analysis/analysis.h"

/* contrast_spectra_steps.c: 3.10 */
nrf_status nrf_step_contrast_spectra(const nrf_analysis_context *context, nrf_results *results);

#endif
