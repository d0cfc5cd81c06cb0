/* activity_steps.h - the analyses of activity and its maps (3.1 to 3.4), as the table of analyses has them. */
#ifndef ACTIVITY_STEPS_H
#define ACTIVITY_STEPS_H

#include "nrflv/analysis/analysis.h"

/* Each is of the one experiment that its row reads. */

/* activity_steps.c: 3.1 */
nrf_status nrf_step_active_neurons(const nrf_analysis_context *context, nrf_results *results);

/* activity_maps_steps.c: 3.2, 3.3 */
nrf_status nrf_step_activity_maps(const nrf_analysis_context *context, nrf_results *results);

/* activity_films_steps.c: 3.4 */
nrf_status nrf_step_activity_films(const nrf_analysis_context *context, nrf_results *results);

/* The extract of the one experiment that a row reads. */
static inline const nrf_extract *nrf_only_extract(const nrf_analysis_context *context)
{
  const nrf_extract *x = NULL;
  for (int kind = 0; kind < NRF_KINDS && x == NULL; kind++) x = context->extract[kind];
  return x;
}

#endif
