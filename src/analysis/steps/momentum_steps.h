/* momentum_steps.h - the analyses of state and momentum (3.15, 3.16, appendix C), as the table of analyses has them. */
#ifndef MOMENTUM_STEPS_H
#define MOMENTUM_STEPS_H

#include "nrflv/analysis/analysis.h"

nrf_status nrf_step_state_and_momentum(const nrf_analysis_context *context, nrf_results *results);
nrf_status nrf_step_ei_balance(const nrf_analysis_context *context, nrf_results *results);
nrf_status nrf_step_ei_lag(const nrf_analysis_context *context, nrf_results *results);

#endif
