/* synchrony_correlate.c - correlations of pairs of an image's series over one window. */
#include "synchrony.h"

#include "nrflv/analysis/correlation.h"
#include "nrflv/memory.h"

#include <complex.h>
#include <math.h>
#include <string.h>

struct nrf_pair_correlator {
  nrf_window      window;
  int             first, lags;
  int             max_series;
  nrf_correlator *correlator;
  int64_t         bins;     /* between one spectrum and the next            */
  double complex *spectrum; /* [max_series][bins]                           */
  double         *squares;  /* [max_series] squared deviations from the mean */
  double         *samples;  /* [window]                                     */
  double         *work;
};

static int clip(int lag, int64_t samples)
{
  const int64_t limit = samples - 1;
  if (lag > limit) return (int)limit;
  return lag < -limit ? (int)-limit : lag;
}

int nrf_fitted_lags(nrf_window window, int *first)
{
  *first = clip(NRF_FIT_FIRST_LAG, window.count);
  return clip(NRF_FIT_FIRST_LAG + NRF_FIT_LAGS - 1, window.count) - *first + 1;
}

nrf_status nrf_pair_correlator_create(nrf_window window, int first, int last, int max_series,
                                      nrf_pair_correlator **out)
{
  nrf_status           st     = NRF_OK;
  void                *memory = NULL;
  nrf_pair_correlator *c      = NULL;
  static const char    what[] = "correlations of pairs";
  *out                        = NULL;
  if (window.count < 1) return nrf_error(NRF_EINVAL, "%s: a window without samples", what);
  NRF_TRY(nrf_alloc(sizeof *c, what, &memory));
  c  = memory;
  *c = (nrf_pair_correlator){.window = window, .first = clip(first, window.count), .max_series = max_series};
  c->lags = clip(last, window.count) - c->first + 1;
  NRF_TRY(nrf_correlator_create(window.count, c->first, clip(last, window.count), &c->correlator));
  c->bins = nrf_correlator_spectrum_count(c->correlator);
  NRF_TRY(nrf_alloc((size_t)(max_series * c->bins) * sizeof *c->spectrum, what, &memory));
  c->spectrum = memory;
  NRF_TRY(nrf_alloc((size_t)max_series * sizeof *c->squares, what, &memory));
  c->squares = memory;
  NRF_TRY(nrf_alloc((size_t)window.count * sizeof *c->samples, what, &memory));
  c->samples = memory;
  NRF_TRY(nrf_alloc((size_t)nrf_correlator_work(c->correlator) * sizeof *c->work, what, &memory));
  c->work = memory;
  *out    = c;
done:
  if (st != NRF_OK) nrf_pair_correlator_free(c);
  return st;
}

void nrf_pair_correlator_free(nrf_pair_correlator *c)
{
  if (c == NULL) return;
  nrf_correlator_free(c->correlator);
  nrf_free(c->spectrum);
  nrf_free(c->squares);
  nrf_free(c->samples);
  nrf_free(c->work);
  nrf_free(c);
}

int nrf_pair_correlator_first(const nrf_pair_correlator *c)
{
  return c->first;
}

int nrf_pair_correlator_lags(const nrf_pair_correlator *c)
{
  return c->lags;
}

void nrf_pair_correlator_load(nrf_pair_correlator *c, const nrf_image_pairs *image)
{
  const int64_t n = c->window.count;
  for (int s = 0; s < image->n_series; s++) {
    const float *trace = image->series[s] + c->window.first;
    for (int64_t t = 0; t < n; t++) c->samples[t] = (double)trace[t];
    c->squares[s] = nrf_moments_of(n, c->samples).squares;
    nrf_correlator_transform(c->correlator, c->samples, c->work, c->spectrum + s * c->bins);
  }
}

void nrf_pair_correlation(const nrf_pair_correlator *c, int a, int v, double *out)
{
  if (isfinite(c->squares[a]) && isfinite(c->squares[v])) {
    nrf_correlator_lags(c->correlator, c->spectrum + a * c->bins, c->spectrum + v * c->bins, c->work, out);
    return;
  }
  for (int k = 0; k < c->lags; k++) out[k] = NAN;
}

double nrf_pair_norm(const nrf_pair_correlator *c, int a, int v)
{
  return sqrt(c->squares[a]) * sqrt(c->squares[v]);
}
