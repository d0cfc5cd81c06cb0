/* activity.h - whether a stimulus raised the mean state of a neuron, and whether its states are normally distributed (section
 * 3.1), from the statistics in an extract. */
#ifndef NRFLV_ANALYSIS_ACTIVITY_H
#define NRFLV_ANALYSIS_ACTIVITY_H

#include "nrflv/extract.h"

#include <stdbool.h>
#include <stdint.h>

/* A neuron is active if Welch's test says so with a probability below this, and the mean is larger during the stimulus. */
#define NRF_ACTIVE_P 0.05

/* NaN of a trace that is not finite, or of a window that is too short for the test; such a neuron is not active. The tests take
 * successive states for independent samples, which they are not: probabilities are far too small (D44). */
typedef struct nrf_activity {
  double mean_during,
      mean_outside;           /* of the state, during the stimulus and outside it: PRE and POST          */
  double t_p;                 /* of Welch's test that both means are equal                               */
  double w_during, w_outside; /* Shapiro and Wilk's W ...                                                */
  double p_during, p_outside; /* ... and how probable so small a W is in normally distributed samples    */
  bool   active;
} nrf_activity;

/* Of the neuron and image at nrf_extract_at(x, c, b, h, w). */
nrf_activity nrf_activity_of(const nrf_extract *x, int64_t at);

/* The last of these alone, in a fraction of the time. */
bool nrf_is_active(const nrf_extract *x, int64_t at);

/* mean_during - mean_outside. */
static inline double nrf_rise_of(const nrf_extract *x, int64_t at)
{
  return x->during.mean[at] - x->outside.mean[at];
}

#endif
