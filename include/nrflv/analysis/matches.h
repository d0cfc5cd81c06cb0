/* matches.h - whether the stimulus of an image suits a channel (section 3.7). */
#ifndef NRFLV_ANALYSIS_MATCHES_H
#define NRFLV_ANALYSIS_MATCHES_H

#include "nrflv/analysis/angle.h"
#include "nrflv/analysis/preferences.h"
#include "nrflv/extract.h"

#include <math.h>
#include <stdbool.h>

/* Whether an angle is nearer than NRF_MATCH_ANGLE to what a channel prefers; an untuned channel prefers nothing. Directions are
 * compared: the opposite angle does not match, whatever dir_or_ori says (D38). */
static inline bool nrf_is_match(const nrf_preference *p, double angle)
{
  return p != NULL && nrf_is_tuned(p) && fabs(nrf_angle_wrap(angle - p->angle)) < NRF_MATCH_ANGLE;
}

/* Of recorded channel c and recorded image b; with two patches, of the mobile one. False for a channel whose preference is
 * not known, and an image whose angle is not. A stimulus without contrast is as good a match as any (D47). */
static inline bool nrf_is_matched(const nrf_preferences *p, const nrf_extract *x, int c, int b)
{
  return nrf_is_match(nrf_preference_of(p, x->layer->channel[c]), x->info->image[b].angle);
}

#endif
