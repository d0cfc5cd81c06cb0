/* state_momentum.c - correlations of state and momentum in one image. */
#include "state_momentum.h"

#include "nrflv/analysis/correlation.h"
#include "nrflv/memory.h"

#include <math.h>

static nrf_window last_rows(nrf_window phase, int64_t rows)
{
  if (rows > phase.count) rows = phase.count;
  return (nrf_window){phase.first + phase.count - rows, rows};
}

nrf_window nrf_cut_window(const nrf_extract *x, nrf_cut cut)
{
  const nrf_window during = x->window[NRF_WINDOW_DUR];
  if (cut == NRF_CUT_BEFORE) return last_rows(x->window[NRF_WINDOW_PRE], NRF_CUT_ROWS);
  if (cut == NRF_CUT_DURING || during.count <= NRF_CUT_ROWS) return last_rows(during, NRF_CUT_ROWS);
  const int64_t left = during.count - NRF_CUT_ROWS;
  return (nrf_window){during.first + NRF_CUT_ROWS, left < NRF_CUT_ROWS ? left : NRF_CUT_ROWS};
}

/* The span of a correlation. */
static nrf_window window_of(const nrf_extract *x, int which)
{
  switch (which) {
  case NRF_ACORR_DURING:
    return x->window[NRF_WINDOW_DUR];
  case NRF_ACORR_BEFORE:
    return x->window[NRF_WINDOW_PRE];
  default:
    return (nrf_window){0, x->rows};
  }
}

/* Less its mean, with this sign; returns the root of the sum of squares. */
static double centre(nrf_window w, const float *trace, double sign, double *out)
{
  const nrf_moments m = nrf_moments_of_floats(w.count, trace + w.first);
  for (int64_t t = 0; t < w.count; t++) out[t] = sign * ((double)trace[w.first + t] - m.mean);
  return sqrt(m.squares);
}

static void correlate(const nrf_extract *x, int c, int which, bool as_written, double *a, double *v,
                      nrf_state_momentum *out)
{
  const nrf_window w     = window_of(x, which);
  const int64_t    at    = (int64_t)c * NRF_STATE_CORRELATIONS + which;
  const int        b     = out->image;
  const float     *state = nrf_extract_trace(x, NRF_RECORD_STATE, c, b, x->centre.h, x->centre.w);
  const float     *other =
      which != NRF_XCORR ? state : nrf_extract_trace(x, NRF_RECORD_MOMENTUM, c, b, x->centre.h, x->centre.w);
  const double sign = which == NRF_XCORR && !as_written ? -1.0 : 1.0;
  out->norm[at]     = centre(w, state, 1.0, a) * centre(w, other, sign, v);
  if (out->lags[which] > 0)
    nrf_cross_correlation(w.count, a, v, out->first[which], out->first[which] + out->lags[which] - 1,
                          out->value + at * NRF_EI_LAGS);
}

static int find_image(const nrf_extract *x)
{
  const nrf_site c = x->centre;
  for (int b = 0; b < x->images && c.h >= 0 && x->has_momentum; b++)
    if (nrf_extract_trace(x, NRF_RECORD_STATE, 0, b, c.h, c.w) != NULL &&
        nrf_extract_trace(x, NRF_RECORD_MOMENTUM, 0, b, c.h, c.w) != NULL)
      return b;
  return -1;
}

static void choose_lags(const nrf_extract *x, nrf_state_momentum *out)
{
  for (int which = 0; which < NRF_STATE_CORRELATIONS; which++) {
    const int64_t most = window_of(x, which).count - 1, last = NRF_EI_FIRST_LAG + NRF_EI_LAGS - 1;
    if (most < 1) continue;
    out->first[which] = -most > NRF_EI_FIRST_LAG ? (int)-most : NRF_EI_FIRST_LAG;
    out->lags[which]  = (int)(most < last ? most : last) - out->first[which] + 1;
  }
}

nrf_status nrf_state_momentum_find(const nrf_extract *x, bool as_written, nrf_state_momentum *out)
{
  nrf_status    st     = NRF_OK;
  void         *memory = NULL;
  const int64_t n      = (int64_t)x->channels * NRF_STATE_CORRELATIONS;
  *out                 = (nrf_state_momentum){.image = find_image(x), .channels = x->channels};
  if (out->image < 0) return NRF_OK;
  choose_lags(x, out);
  NRF_TRY(nrf_alloc((size_t)(2 * x->rows) * sizeof(double), "correlations", &memory));
  NRF_TRY(nrf_alloc((size_t)n * sizeof *out->norm, "correlations", (void **)&out->norm));
  NRF_TRY(nrf_alloc((size_t)(n * NRF_EI_LAGS) * sizeof *out->value, "correlations", (void **)&out->value));
  double *trace = memory;
  for (int c = 0; c < x->channels; c++)
    for (int which = 0; which < NRF_STATE_CORRELATIONS; which++)
      correlate(x, c, which, as_written, trace, trace + x->rows, out);
done:
  nrf_free(memory);
  if (st != NRF_OK) nrf_state_momentum_free(out);
  return st;
}

void nrf_state_momentum_free(nrf_state_momentum *s)
{
  nrf_free(s->value);
  nrf_free(s->norm);
  s->value = s->norm = NULL;
}
