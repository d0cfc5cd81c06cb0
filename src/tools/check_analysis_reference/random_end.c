/* random_end.c - ends of intervals, and between what they may lie. */
#include "random_end.h"

#include "nrflv/analysis/bootstrap.h"
#include "nrflv/analysis/percentile.h"
#include "nrflv/moments.h"
#include "nrflv/sort.h"

#include <math.h>

static const double STANDARD_DEVIATIONS = 5.0, ROUNDING = 1e-9;

/* The ends that belong to percentiles a little further out and a little further in. */
static nrf_status find_range(ref_block *b, const random_end *e, nrf_interval *out)
{
  enum { MANY = 200000 };
  double *means;
  NRF_RETURN_IF_ERROR(scratch(b, MANY, &means));
  nrf_bootstrap_means(nrf_rng_at(1, NRF_RNG_TEST, 0, 0), e->n, e->v, MANY, means);
  nrf_sort_doubles(MANY, means);
  const double tail = 0.5 * (1.0 - NRF_BOOTSTRAP_CONFIDENCE);
  const double off  = STANDARD_DEVIATIONS * sqrt(tail * (1.0 - tail) / (double)e->resamples);
  const double from = 100.0 * fmax(tail - off, 0.0), to = 100.0 * (tail + off);
  const double twice = 2.0 * nrf_moments_of(e->n, e->v).mean;
  if (e->upper)
    *out = (nrf_interval){twice - nrf_percentile(MANY, means, to), twice - nrf_percentile(MANY, means, from)};
  else
    *out = (nrf_interval){twice - nrf_percentile(MANY, means, 100.0 - from),
                          twice - nrf_percentile(MANY, means, 100.0 - to)};
  return NRF_OK;
}

static bool is_within(double x, nrf_interval range)
{
  const double rounding = ROUNDING * fmax(fabs(range.lower), fabs(range.upper));
  return x >= range.lower - rounding && x <= range.upper + rounding;
}

nrf_status random_end_error(ref_block *b, const random_end *e, double *error)
{
  nrf_interval range;
  *error = fabs(e->ours - e->expected) / (STANDARD_DEVIATIONS * e->spread + ROUNDING);
  if (*error <= 1.0 || e->n < 1) return NRF_OK;
  NRF_RETURN_IF_ERROR(find_range(b, e, &range));
  if (is_within(e->ours, range) && is_within(e->expected, range)) *error = 0.0;
  return NRF_OK;
}
