/* gauss_fit.h - fitting amp / (sqrt(2 pi) sigma) exp(-x^2 / (2 sigma^2)) s(x) to a window, s being given.
 *
 * amp is linear and is eliminated: what is left is a descent in sigma alone. */
#ifndef NRFLV_ANALYSIS_GAUSS_FIT_H
#define NRFLV_ANALYSIS_GAUSS_FIT_H

#include <stdint.h>

/* What sigma can become where a window shows no decay: then only amp / sigma means something. */
#define GAUSS_LARGEST_SIGMA 1e5

typedef struct gauss_fit {
  double sigma, amp; /* sigma > 0                        */
  double cost;       /* half the sum of squared residuals */
} gauss_fit;

/* Doubles of `work`, aligned to 64 bytes. */
int64_t gauss_fit_work(int n, int first);

/* The minimum that lies downhill of sigma. Where s is 0: the start, and amp 0. */
gauss_fit gauss_descend(int n, int first, const double *y, const double *s, double sigma, double *work);

#endif
