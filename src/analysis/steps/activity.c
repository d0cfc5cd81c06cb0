/* activity.c - the tests of single neurons, from the statistics of their traces. */
#include "nrflv/analysis/activity.h"

#include "nrflv/analysis/t_test.h"
#include "nrflv/shapiro_wilk.h"

#include <math.h>

/* What Welch's test needs of a trace. */
static nrf_moments moments_at(const nrf_trace_statistics *s, int64_t at)
{
  return (nrf_moments){.n       = s->n,
                       .mean    = s->mean[at],
                       .squares = s->variance[at] * (double)(s->n - 1),
                       .minimum = NAN,
                       .maximum = NAN};
}

static double t_p_at(const nrf_extract *x, int64_t at)
{
  return nrf_welch_t_test(moments_at(&x->during, at), moments_at(&x->outside, at)).p;
}

nrf_activity nrf_activity_of(const nrf_extract *x, int64_t at)
{
  const double in = x->during.one_minus_w[at], out = x->outside.one_minus_w[at], p = t_p_at(x, at);
  return (nrf_activity){.mean_during  = x->during.mean[at],
                        .mean_outside = x->outside.mean[at],
                        .t_p          = p,
                        .w_during     = 1.0 - in,
                        .w_outside    = 1.0 - out,
                        .p_during     = nrf_shapiro_wilk_p_of(x->during.n, in),
                        .p_outside    = nrf_shapiro_wilk_p_of(x->outside.n, out),
                        .active       = nrf_rise_of(x, at) > 0.0 && p < NRF_ACTIVE_P};
}

bool nrf_is_active(const nrf_extract *x, int64_t at)
{
  return nrf_rise_of(x, at) > 0.0 && t_p_at(x, at) < NRF_ACTIVE_P;
}
