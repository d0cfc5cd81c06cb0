/* shapiro_wilk.h - the Shapiro-Wilk test of normality (section 2.3): algorithm AS R94 of Royston (Applied Statistics 44,
 * 1995), in double precision throughout. */
#ifndef NRFLV_SHAPIRO_WILK_H
#define NRFLV_SHAPIRO_WILK_H

#include "nrflv/moments.h"
#include "nrflv/sort.h"
#include "nrflv/status.h"

#include <stdint.h>

/* The weights for samples of one size. Made once, never changed afterwards: threads may share it. */
typedef struct nrf_shapiro_wilk nrf_shapiro_wilk;

/* n from 3 to 2^24. Royston fitted the distribution of W up to 5000; beyond, p is an extrapolation. */
NRF_MUST_CHECK nrf_status nrf_shapiro_wilk_create(int64_t n, nrf_shapiro_wilk **out);
void                      nrf_shapiro_wilk_free(nrf_shapiro_wilk *test);

/* If all values are equal (to 1e-19) W and p are 1. If one is NaN or infinite, everything is NaN. */
typedef struct nrf_normality {
  double w;
  double one_minus_w; /* keeps the digits that W near 1 loses                               */
  double p;           /* how probable so small a W is in samples from a normal distribution */
} nrf_normality;

/* One sample of n values. work: n of the caller's. */
nrf_normality nrf_shapiro_wilk_of(const nrf_shapiro_wilk *test, const double *x, double *work);

/* Sixteen samples side by side: x[i * 16 + lane], in nrf_sort_rows(n) rows (sort.h), sorted on the way. This is how to test many: sorting is
 * nearly all of the work, and it takes a quarter of the time. Their moments come with it, unless NULL. Results of a lane do not
 * depend on what is in the others. */
void nrf_shapiro_wilk_of_lanes(const nrf_shapiro_wilk *test, float *x, nrf_moments moments[NRF_SORT_LANES],
                               nrf_normality out[NRF_SORT_LANES]);

/* The probability for a 1 - W that was kept: 1 if it is 0, NaN if it is NaN. */
double nrf_shapiro_wilk_p(const nrf_shapiro_wilk *test, double one_minus_w);

/* The same by the size of the sample, which needs no weights. NaN if n < 3. */
double nrf_shapiro_wilk_p_of(int64_t n, double one_minus_w);

#endif
