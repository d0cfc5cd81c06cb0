/* shapiro_wilk.h - the Shapiro-Wilk test of normality (section 2.3): algorithm AS R94 of Royston (Applied Statistics 44,
 * 1995), in double precision throughout. */
#ifndef NRFLV_SHAPIRO_WILK_H
#define NRFLV_SHAPIRO_WILK_H

#include "nrflv/status.h"

#include <stddef.h>
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

/* x: n values. work: nrf_shapiro_wilk_work_bytes() of the caller's, one for each thread. */
size_t        nrf_shapiro_wilk_work_bytes(const nrf_shapiro_wilk *test);
nrf_normality nrf_shapiro_wilk_floats(const nrf_shapiro_wilk *test, const float *x, void *work);
nrf_normality nrf_shapiro_wilk_doubles(const nrf_shapiro_wilk *test, const double *x, void *work);

/* The probability for a 1 - W that was kept: 1 if it is 0, NaN if it is NaN. */
double nrf_shapiro_wilk_p(const nrf_shapiro_wilk *test, double one_minus_w);

#endif
