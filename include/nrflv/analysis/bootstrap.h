/* bootstrap.h - confidence interval of a mean by resampling (section 2.16). */
#ifndef NRFLV_ANALYSIS_BOOTSTRAP_H
#define NRFLV_ANALYSIS_BOOTSTRAP_H

#include "nrflv/analysis/t_test.h"
#include "nrflv/rng.h"
#include "nrflv/status.h"

#include <stdint.h>

/* What the published implementation uses. */
enum { NRF_BOOTSTRAP_RESAMPLES = 10000 };
#define NRF_BOOTSTRAP_CONFIDENCE 0.95

/* The means of `resamples` random draws, with replacement, of n out of the n values. A resample depends on the stream, n and its number
 * alone, so that results do not depend on the number of threads. Give each group of each analysis a stream of its own:
 * nrf_rng_at(seed, NRF_RNG_BOOTSTRAP, group, analysis). n >= 1; the product of n, rounded up to 256, and resamples is at
 * most 2^34. */
void nrf_bootstrap_means(nrf_rng stream, int64_t n, const double *v, int64_t resamples, double *means);

/* The pivotal ("basic") interval from such means, which are sorted on the way: twice the mean of the values less
 * the upper, and less the lower percentile of the means. */
nrf_interval nrf_pivotal_interval(double mean, int64_t resamples, double *means, double confidence);

/* Both, with 10000 resamples and a confidence of 95 %. NaN if n = 0. NRF_ENOMEM, or NRF_EINVAL for n above a million. */
NRF_MUST_CHECK nrf_status nrf_bootstrap_mean(nrf_rng stream, int64_t n, const double *v, double *mean,
                                             nrf_interval *out);

#endif
