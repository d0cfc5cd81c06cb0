/* ei_balance.c - means of states and of the size of momenta. */
#include "ei_balance.h"

#include "nrflv/memory.h"

#include <math.h>

static nrf_window window_of(const nrf_extract *x, int period)
{
  return x->window[period == NRF_BALANCE_DURING ? NRF_WINDOW_DUR : NRF_WINDOW_PRE];
}

static const float *trace_of(const nrf_extract *x, nrf_record_variable variable, int c, int b)
{
  return nrf_extract_trace(x, variable, c, b, x->centre.h, x->centre.w);
}

static nrf_balance balance_of(const nrf_extract *x, int period, int c, int b)
{
  const nrf_window w     = window_of(x, period);
  const float     *state = trace_of(x, NRF_RECORD_STATE, c, b),
              *momentum  = trace_of(x, NRF_RECORD_MOMENTUM, c, b);
  double sum = 0.0, size = 0.0;
  for (int64_t t = w.first; t < w.first + w.count; t++) {
    sum += (double)state[t];
    size += fabs((double)momentum[t]);
  }
  const double n = (double)w.count;
  return (nrf_balance){
      c, b, x->info->image[b].group, period, isfinite(size) ? size / n : NAN, isfinite(sum) ? sum / n : NAN};
}

static bool has_both(const nrf_extract *x, int b)
{
  return x->has_momentum && x->centre.h >= 0 && trace_of(x, NRF_RECORD_STATE, 0, b) != NULL &&
         trace_of(x, NRF_RECORD_MOMENTUM, 0, b) != NULL;
}

nrf_status nrf_balances_find(const nrf_extract *x, nrf_balances *out)
{
  const int64_t most = (int64_t)NRF_BALANCE_PERIODS * x->channels * x->images;
  *out               = (nrf_balances){0};
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)most * sizeof *out->balance, "balances", (void **)&out->balance));
  for (int period = 0; period < NRF_BALANCE_PERIODS; period++)
    for (int c = 0; c < x->channels && window_of(x, period).count > 0; c++)
      for (int b = 0; b < x->images; b++)
        if (has_both(x, b)) out->balance[out->n++] = balance_of(x, period, c, b);
  return NRF_OK;
}

void nrf_balances_free(nrf_balances *balances)
{
  nrf_free(balances->balance);
  *balances = (nrf_balances){0};
}

/* Of one channel's rows; NaN if it is not determined. */
static double pearson(int64_t n, const nrf_balance *row)
{
  enum { FEWEST = 3 };
  nrf_moments state = nrf_moments_none(), momentum = nrf_moments_none();
  double      product = 0.0;
  for (int64_t i = 0; i < n; i++) {
    nrf_moments_add(&state, row[i].state);
    nrf_moments_add(&momentum, row[i].momentum);
  }
  for (int64_t i = 0; i < n; i++) product += (row[i].state - state.mean) * (row[i].momentum - momentum.mean);
  return n < FEWEST ? NAN : product / sqrt(state.squares * momentum.squares);
}

nrf_moments nrf_balance_correlation(const nrf_balances *balances, int period)
{
  nrf_moments m = nrf_moments_none();
  for (int64_t i = 0, end; i < balances->n; i = end) {
    const nrf_balance *first = &balances->balance[i];
    for (end = i; end < balances->n && balances->balance[end].channel == first->channel &&
                  balances->balance[end].period == first->period;
         end++) {
    }
    const double r = first->period == period ? pearson(end - i, first) : NAN;
    if (isfinite(r)) nrf_moments_add(&m, r);
  }
  return m;
}
