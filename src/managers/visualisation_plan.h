/* visualisation_plan.h - what --viz is to do: which runs there are. */
#ifndef NRFLV_MANAGERS_VISUALISATION_PLAN_H
#define NRFLV_MANAGERS_VISUALISATION_PLAN_H

#include "nrflv/architecture.h"
#include "nrflv/progress.h"
#include "nrflv/settings.h"

/* --viz_type */
typedef enum nrf_viz_kind {
  NRF_VIZ_STANDARD,
  NRF_VIZ_CHANNELS_ENERGY,
  NRF_VIZ_CHANNELS_STATE,
  NRF_VIZ_KINDS
} nrf_viz_kind;

/* From random states to the last picture. */
typedef struct nrf_viz_run {
  int layer, channel; /* whose preference it shows; 0 and 0 for NRF_VIZ_STANDARD */
} nrf_viz_run;

typedef struct nrf_viz_plan {
  nrf_viz_kind kind;
  int          n_runs;
  nrf_viz_run *run; /* by layer, then by channel; owned */
} nrf_viz_plan;

/* Follows --viz_type, --viz_start_layer and --viz_channels. A channel that some of the layers do not have is left out there;
 * one that none of them has is NRF_EINVAL, as is a layer that does not exist. */
NRF_MUST_CHECK nrf_status nrf_viz_plan_make(const nrf_settings     *settings,
                                            const nrf_architecture *architecture, nrf_viz_plan *out);
void                      nrf_viz_plan_free(nrf_viz_plan *plan);

#endif
