/* orientation_steps.h - the analyses of what channels prefer, and of maps of a bar (3.5 to 3.7), as the table of analyses has
 * them. */
#ifndef ORIENTATION_STEPS_H
#define ORIENTATION_STEPS_H

#include "nrflv/analysis/analysis.h"

/* retinotopy_steps.c: 3.5 */
nrf_status nrf_step_retinotopy(const nrf_analysis_context *context, nrf_results *results);

/* orientation_steps.c: 3.6 */
nrf_status nrf_step_orientation_preferences(const nrf_analysis_context *context, nrf_results *results);

/* matching_steps.c: 3.7 */
nrf_status nrf_step_assign_preferences(const nrf_analysis_context *context, nrf_results *results);

#endif
