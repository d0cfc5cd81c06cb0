/* transient_steps.h - the analyses of responses to contrasts and of oscillations (analysis.md 3.11 to 3.14), as the table of analyses
 * has them. */
#ifndef TRANSIENT_STEPS_H
#define TRANSIENT_STEPS_H

#include "nrflv/analysis/analysis.h"

/* transients_steps.c: 3.11; variants patch and neuron, and of matched, active neurons alone: patch_matched, neuron_matched */
nrf_status nrf_step_transients(const nrf_analysis_context *context, nrf_results *results);
nrf_status nrf_step_matched_transients(const nrf_analysis_context *context, nrf_results *results);

/* state_traces_steps.c: 3.12; variants patch and neuron */
nrf_status nrf_step_state_traces(const nrf_analysis_context *context, nrf_results *results);

/* oscillations_steps.c: 3.13 */
nrf_status nrf_step_oscillating_neurons(const nrf_analysis_context *context, nrf_results *results);

/* contrast_frequency_steps.c: 3.14 */
nrf_status nrf_step_contrast_frequency(const nrf_analysis_context *context, nrf_results *results);

#endif
