/* correlation.c - sums of products, directly and by Fourier transform. */
#include "nrflv/analysis/correlation.h"

#include "transform.h"

#include "nrflv/analysis/line_fit.h"
#include "nrflv/memory.h"
#include "nrflv/moments.h"

#include <math.h>

static double dot(int64_t n, const double *a, const double *b)
{
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

void nrf_cross_correlation(int64_t n, const double *a, const double *v, int64_t first, int64_t last,
                           double *out)
{
  for (int64_t k = first; k <= last; k++)
    out[k - first] = k >= 0 ? dot(n - k, a + k, v) : dot(n + k, a, v - k);
}

nrf_status nrf_normalised_autocorrelation(int64_t n, const double *x, int64_t max_lag, double *out)
{
  if (max_lag < 0 || max_lag >= n)
    return nrf_error(NRF_EINVAL, "autocorrelation: lags up to %lld of %lld values", (long long)max_lag,
                     (long long)n);
  double *rest = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof *rest, "autocorrelation", (void **)&rest));
  nrf_detrend(n, x, rest);
  nrf_cross_correlation(n, rest, rest, 0, max_lag, out + max_lag);
  nrf_free(rest);
  const double at_zero = out[max_lag];
  for (int64_t k = 0; k <= max_lag; k++) {
    out[max_lag + k] /= at_zero;
    out[max_lag - k] = out[max_lag + k];
  }
  return NRF_OK;
}

/* ---- many pairs ------------------------------------------------------------------------------------------ */

struct nrf_correlator {
  int64_t        n, first, last;
  int64_t        size; /* of the transform */
  nrf_transform *transform;
};

static int64_t larger(int64_t a, int64_t b)
{
  return a > b ? a : b;
}

/* A transform of size m gives circular correlations: lag k is mixed with k - m, which must be outside -(n - 1) .. n - 1. */
nrf_status nrf_correlator_create(int64_t n, int64_t first, int64_t last, nrf_correlator **out)
{
  *out = NULL;
  if (n < 1 || first > last || first <= -n || last >= n)
    return nrf_error(NRF_EINVAL, "correlation: lags %lld to %lld of %lld values", (long long)first,
                     (long long)last, (long long)n);
  nrf_correlator *c = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *c, "correlation", (void **)&c));
  *c                  = (nrf_correlator){.n = n, .first = first, .last = last};
  c->size             = nrf_transform_good_size(n + larger(larger(last, -first), 0));
  const nrf_status st = nrf_transform_create(c->size, &c->transform);
  if (st != NRF_OK) {
    nrf_correlator_free(c);
    return st;
  }
  *out = c;
  return NRF_OK;
}

void nrf_correlator_free(nrf_correlator *c)
{
  if (c == NULL) return;
  nrf_transform_free(c->transform);
  nrf_free(c);
}

static int64_t bins_of(const nrf_correlator *c)
{
  return c->size / 2 + 1;
}

int64_t nrf_correlator_spectrum_count(const nrf_correlator *c)
{
  return nrf_transform_padded(2 * bins_of(c)) / 2;
}

int64_t nrf_correlator_work(const nrf_correlator *c)
{
  return nrf_transform_padded(c->size) + 2 * nrf_correlator_spectrum_count(c);
}

void nrf_correlator_transform(const nrf_correlator *c, const double *x, double *work,
                              double complex *spectrum)
{
  const double mean = nrf_moments_of(c->n, x).mean;
  for (int64_t i = 0; i < c->n; i++) work[i] = x[i] - mean;
  for (int64_t i = c->n; i < c->size; i++) work[i] = 0.0;
  nrf_transform_forward(c->transform, work, spectrum);
}

void nrf_correlator_lags(const nrf_correlator *c, const double complex *a, const double complex *v,
                         double *work, double *out)
{
  double         *circular = work;
  double complex *product  = (double complex *)(work + nrf_transform_padded(c->size));
  const double    scale    = 1.0 / (double)c->size;
  const double   *p = (const double *)a, *q = (const double *)v;
  double         *r = (double *)product;
  for (int64_t k = 0; k < bins_of(c); k++) { /* a * conj(v), without C's detour for infinities */
    r[2 * k]     = p[2 * k] * q[2 * k] + p[2 * k + 1] * q[2 * k + 1];
    r[2 * k + 1] = p[2 * k + 1] * q[2 * k] - p[2 * k] * q[2 * k + 1];
  }
  nrf_transform_backward(c->transform, product, circular);
  for (int64_t k = c->first; k <= c->last; k++)
    out[k - c->first] = scale * circular[k >= 0 ? k : k + c->size];
}
