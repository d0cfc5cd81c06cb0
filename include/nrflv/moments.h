/* moments.h - mean, variance and range of a series (section 2.1 of the specification of the analyses). */
#ifndef NRFLV_MOMENTS_H
#define NRFLV_MOMENTS_H

#include "nrflv/sort.h"

#include <stdbool.h>
#include <stdint.h>

/* What t tests, intervals and standard errors need of a series. A NaN in the series makes all of it NaN. */
typedef struct nrf_moments {
  int64_t n;
  double  mean;    /* NaN if n = 0                                                             */
  double  squares; /* sum of squared deviations from the mean; exactly 0 if minimum == maximum */
  double  minimum, maximum;
} nrf_moments;

/* Of n values that are at hand: shifted two-pass sums, exact to rounding for any offset. */
nrf_moments nrf_moments_of(int64_t n, const double *x);
nrf_moments nrf_moments_of_floats(int64_t n, const float *x);

/* Of sixteen series side by side: x[i * 16 + lane] (sort.h). */
void nrf_moments_of_lanes(int64_t n, const float *x, nrf_moments out[NRF_SORT_LANES]);

/* Of values that come one after the other (Welford, Technometrics 4, 1962): begin with nrf_moments_none(). */
nrf_moments nrf_moments_none(void);
void        nrf_moments_add(nrf_moments *m, double x);

/* Of two series together, such as PRE and POST (Chan, Golub & LeVeque, The American Statistician 37, 1983). */
nrf_moments nrf_moments_join(nrf_moments a, nrf_moments b);

/* Variance with denominator n - 1, as in all tests and standard errors; NaN if n < 2. */
double nrf_var1(nrf_moments m);
/* Variance with denominator n. */
double nrf_var0(nrf_moments m);

/* Whether all values are equal. */
bool nrf_is_constant(nrf_moments m);

#endif
