/* extract_plan.h - what an extract holds, as it follows from what the recording says of itself. */
#ifndef NRFLV_EXTRACT_PLAN_H
#define NRFLV_EXTRACT_PLAN_H

#include "nrflv/extract.h"

/* The traces of one variable that are kept: for each image, for each channel, for each site of the image. */
typedef struct nrf_kept_traces {
  nrf_record_variable variable;
  nrf_sites          *sites; /* [images]                                                     */
  int64_t            *first; /* [images + 1] place of an image's first trace among all traces */
} nrf_kept_traces;

enum { NRF_KEPT_STATE, NRF_KEPT_MOMENTUM, NRF_KEPT };

typedef struct nrf_extract_plan {
  nrf_experiment_kind       kind;
  int                       layer_index; /* in the info */
  const nrf_recorded_layer *layer;       /* borrowed from the info */
  int                       channels, images, height, width;
  int64_t                   rows;
  nrf_site                  centre;
  nrf_window                window[NRF_WINDOWS];
  nrf_kept_traces           kept[NRF_KEPT];
  int                       n_films, film_image[NRF_EXTRACT_MAX_FILMS];
  nrf_site                 *all_sites; /* that the sites of the images point into */
} nrf_extract_plan;

/* `info` must pass nrf_recording_check and outlive the plan. NRF_EUNSUPPORTED for a recording that has nothing to extract.
 * Free it, also after a failure. */
NRF_MUST_CHECK nrf_status nrf_extract_plan_make(const nrf_recording_info *info, nrf_extract_plan *out);
void                      nrf_extract_plan_free(nrf_extract_plan *plan);

static inline int64_t nrf_kept_count(const nrf_extract_plan *plan, int kept)
{
  return plan->kept[kept].first[plan->images];
}

static inline int64_t nrf_plan_places(const nrf_extract_plan *plan)
{
  return (int64_t)plan->height * plan->width;
}

#endif
