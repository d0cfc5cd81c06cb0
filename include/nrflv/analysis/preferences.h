/* preferences.h - what the channels prefer (find_orientation_preferences, analysis.md 3.6), for the analyses that ask whether a
 * stimulus suits a channel. */
#ifndef NRFLV_ANALYSIS_PREFERENCES_H
#define NRFLV_ANALYSIS_PREFERENCES_H

#include "nrflv/analysis/orientation_fit.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* A stimulus matches a preference that is nearer than this, in radian: 10 degrees. */
#define NRF_MATCH_ANGLE (10.0 * M_PI / 180.0)

typedef struct nrf_preference {
  int    channel;    /* its number in the layer                                                           */
  double angle;      /* preferred angle of the stimulus, radian; NaN: none                                */
  double amplitude;  /* >= 0, of the fitted cosine; 0 if there was nothing to fit                         */
  int    dir_or_ori; /* 0: one preferred direction, 1: two opposite ones (an orientation), -1: none       */
} nrf_preference;

/* A channel that is not, may have any angle (D26, D40). */
static inline bool nrf_is_tuned(const nrf_preference *p)
{
  return p->amplitude > NRF_TUNED_AMPLITUDE && isfinite(p->angle);
}

/* The preferences of the recorded channels, in the order in which they were recorded. */
typedef struct nrf_preferences {
  int             channels;
  nrf_preference *channel; /* [channels] */
} nrf_preferences;

/* By number in the layer; NULL for a channel that is not among them. */
static inline const nrf_preference *nrf_preference_of(const nrf_preferences *p, int channel)
{
  for (int c = 0; c < p->channels; c++)
    if (p->channel[c].channel == channel) return &p->channel[c];
  return NULL;
}

#endif
