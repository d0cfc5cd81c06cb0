/* correlation.h - cross-correlations at the lags that are asked for (sections 2.8, 2.9).
 *
 *   c[k] = sum over n of a[n + k] v[n], both indices valid: a positive lag means that a comes later than v.
 *
 * Raw sums of products. D16: divided by n and by both standard deviations they are coefficients of correlation. */
#ifndef NRFLV_ANALYSIS_CORRELATION_H
#define NRFLV_ANALYSIS_CORRELATION_H

#include "nrflv/status.h"

#include <complex.h>
#include <stdint.h>

/* Directly: of series as they are, no mean taken off, at lags first .. last within -(n - 1) .. n - 1. out: [last - first + 1].
 * Exact sums; n (last - first + 1) products. */
void nrf_cross_correlation(int64_t n, const double *a, const double *v, int64_t first, int64_t last,
                           double *out);

/* The normalised autocorrelation (as Matplotlib's acorr of the detrended series): of x less its least-squares line, divided by
 * its value at lag 0. out: lags -max_lag .. max_lag, max_lag < n; all NaN if nothing is left of x. NRF_ENOMEM, or
 * NRF_EINVAL for a lag that is too large. */
NRF_MUST_CHECK nrf_status nrf_normalised_autocorrelation(int64_t n, const double *x, int64_t max_lag,
                                                         double *out);

/* Many pairs among few series: each series is transformed once, each pair then costs one transform more. Made once and
 * never changed afterwards: threads may share it. */
typedef struct nrf_correlator nrf_correlator;

/* For series of n samples and lags first .. last within -(n - 1) .. n - 1. */
NRF_MUST_CHECK nrf_status nrf_correlator_create(int64_t n, int64_t first, int64_t last, nrf_correlator **out);
void                      nrf_correlator_free(nrf_correlator *c);

/* Complex numbers in the spectrum of a series, and doubles of `work`. Both are the caller's memory, aligned to 64 bytes (nrf_alloc);
 * several spectra in one block stay aligned. */
int64_t nrf_correlator_spectrum_count(const nrf_correlator *c);
int64_t nrf_correlator_work(const nrf_correlator *c);

/* The spectrum of a series less its mean. A constant series gives exact zeros. */
void nrf_correlator_transform(const nrf_correlator *c, const double *x, double *work,
                              double complex *spectrum);
/* The correlation of two series: out [last - first + 1]. Rounding is relative to the largest value over all lags. */
void nrf_correlator_lags(const nrf_correlator *c, const double complex *a, const double complex *v,
                         double *work, double *out);

#endif
