/* orientation_fit.h - the preferred angle of a tuning curve (section 3.6). */
#ifndef NRFLV_ANALYSIS_ORIENTATION_FIT_H
#define NRFLV_ANALYSIS_ORIENTATION_FIT_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum nrf_orientation_fit_how {
  NRF_ORIENTATION_CORRECT, /* angles 2 pi b / n; everything is periodic                                   */
  NRF_ORIENTATION_AS_WRITTEN, /* angles 2 pi b / (n - 1), b = n - 1 being 2 pi again (D3); zeros at both ends */
} nrf_orientation_fit_how;

/* amplitude cos(cycles theta + phase) + mean, amplitude >= 0, phase in (-pi, pi]. */
typedef struct nrf_cosine_fit {
  double amplitude, phase, mean;
  double cost; /* half the sum of squared residuals */
} nrf_cosine_fit;

typedef struct nrf_orientation_fit {
  nrf_cosine_fit
         cycle[2];    /* with one and with two cycles                                                    */
  int    dir_or_ori;  /* 0: one cycle fits better (direction), 1: two (orientation); -1: no tuning curve  */
  int    fit_maximum; /* where the better one is largest; -1                                              */
  int    chosen_peak; /* the peak of the data nearest to it; -1                                           */
  double preferred_angle; /* that of the peak, in radian; NaN                                             */
} nrf_orientation_fit;

/* The amplitude above which a channel counts as tuned: 10 % of the variance. */
#define NRF_TUNED_AMPLITUDE 0.04

/* The stimulus angle of index b of n. */
double nrf_stimulus_angle(nrf_orientation_fit_how how, int n, int b);

/* activity: mean activity for each of n >= 4 angles, n even. z: [n], or NULL: the activity less its mean, with norm 1, which the
 * fits are made to. A curve that is constant (D9) or holds a NaN has no preference: dir_or_ori -1, amplitudes 0, the rest
 * NaN. */
NRF_MUST_CHECK nrf_status nrf_fit_orientation(int n, const double *activity, nrf_orientation_fit_how how,
                                              double *z, nrf_orientation_fit *out);

/* The peaks of z among which the choice is made, as positions 0 .. n - 1 in ascending order; at most n. */
NRF_MUST_CHECK nrf_status nrf_tuning_peaks(int n, const double *z, nrf_orientation_fit_how how, int *count,
                                           int *at);

#endif
