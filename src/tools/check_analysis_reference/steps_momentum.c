/* steps_momentum.c - state and momentum: their correlations in one image, and the lag between them. */
#include "steps.h"

#include "analysis/steps/ei_lag.h"
#include "analysis/steps/state_momentum.h"

#include "nrflv/analysis/time_units.h"

#include <math.h>
#include <string.h>

/* ---- 3.15 ------------------------------------------------------------------------------------------------ */

static nrf_status compare_correlations(ref_block *b, const nrf_state_momentum *s, int which, const char *name)
{
  double       *ours, *reference;
  const int64_t n = (int64_t)s->channels * NRF_EI_LAGS;
  NRF_RETURN_IF_ERROR(read_vector(b, name, n, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, n, &ours));
  for (int c = 0; c < s->channels; c++)
    memcpy(ours + (int64_t)c * NRF_EI_LAGS, nrf_state_correlation_of(s, c, which),
           NRF_EI_LAGS * sizeof *ours);
  return compare_values(b, name, TOLERANCE_SERIES, n, ours, reference);
}

static nrf_status compare_state_momentum(ref_block *b, const nrf_extract *x, bool as_written)
{
  nrf_status         st = NRF_OK;
  nrf_state_momentum s;
  NRF_RETURN_IF_ERROR(nrf_state_momentum_find(x, as_written, &s));
  if (s.image < 0) NRF_FAIL(NRF_EFORMAT, "no image has both traces of the centre");
  NRF_TRY(compare_correlations(
      b, &s, NRF_XCORR, as_written ? "as_written/state_momentum_xcorr" : "correct/state_momentum_xcorr"));
  if (as_written) goto done;
  NRF_TRY(compare_correlations(b, &s, NRF_ACORR_DURING, "acorr_during"));
  NRF_TRY(compare_correlations(b, &s, NRF_ACORR_BEFORE, "acorr_before"));
done:
  nrf_state_momentum_free(&s);
  return st;
}

nrf_status check_state_and_momentum(ref_block *b, steps *s)
{
  static const char *const known[] = {"acorr_before", "acorr_during", "as_written", "correct", NULL};
  static const char *const none[]  = {NULL};
  const nrf_extract       *x;
  NRF_RETURN_IF_ERROR(steps_extract(s, NRF_KIND_PRIM, &x));
  NRF_RETURN_IF_ERROR(compare_state_momentum(b, x, false));
  NRF_RETURN_IF_ERROR(compare_state_momentum(b, x, true));
  return report_unknown_members(b, known, none);
}

/* ---- 3.16 ------------------------------------------------------------------------------------------------ */

/* What the periods are called. */
static const struct period {
  const char *lag, *margin, *group;
} periods[NRF_EI_PERIODS] = {
    [NRF_EI_DURING] = {"lag_during", "margin_during", "correct/during"},
    [NRF_EI_BEFORE] = {"lag_pre", "margin_pre", "correct/pre"},
    [NRF_EI_WHOLE]  = {"lag_full", "margin_full", "correct/full"},
};

static nrf_status compare_lags(ref_block *b, const nrf_ei_lags *lags, int period)
{
  double       *ours, *margin, *reference;
  const int64_t n = (int64_t)lags->channels * lags->images;
  NRF_RETURN_IF_ERROR(scratch(b, n, &ours));
  NRF_RETURN_IF_ERROR(scratch(b, n, &margin));
  for (int64_t i = 0; i < n; i++) {
    ours[i]   = nrf_ei_lags_of(lags, period, 0)[i].lag;
    margin[i] = nrf_ei_lags_of(lags, period, 0)[i].margin;
  }
  NRF_RETURN_IF_ERROR(read_vector(b, periods[period].lag, n, &reference));
  NRF_RETURN_IF_ERROR(compare_values(b, periods[period].lag, TOLERANCE_EXACT, n, ours, reference));
  NRF_RETURN_IF_ERROR(read_vector(b, periods[period].margin, n, &reference));
  return compare_values(b, periods[period].margin, TOLERANCE_SERIES, n, margin, reference);
}

static nrf_status compare_member(ref_block *b, int period, const char *name, int64_t n, const double *ours)
{
  const text path = text_of("%s/%s", periods[period].group, name);
  double    *reference;
  NRF_RETURN_IF_ERROR(read_vector(b, path.s, n, &reference));
  return compare_values(b, path.s, TOLERANCE_VARIANCE, n, ours, reference);
}

static double standard_error(nrf_moments m)
{
  return sqrt(nrf_var1(m) / (double)m.n);
}

static nrf_status compare_summaries(ref_block *b, const nrf_ei_lags *lags, int period)
{
  double        *mean, *median, *error;
  nrf_ei_summary s;
  NRF_RETURN_IF_ERROR(scratch(b, lags->channels, &mean));
  NRF_RETURN_IF_ERROR(scratch(b, lags->channels, &median));
  NRF_RETURN_IF_ERROR(scratch(b, lags->channels, &error));
  for (int c = 0; c < lags->channels; c++) {
    NRF_RETURN_IF_ERROR(nrf_ei_summarise(lags, period, c, &s));
    mean[c]   = s.lag.mean;
    median[c] = s.median;
    error[c]  = standard_error(s.lag);
  }
  NRF_RETURN_IF_ERROR(compare_member(b, period, "mean_lag", lags->channels, mean));
  NRF_RETURN_IF_ERROR(compare_member(b, period, "median_lag", lags->channels, median));
  NRF_RETURN_IF_ERROR(compare_member(b, period, "standard_error", lags->channels, error));
  NRF_RETURN_IF_ERROR(nrf_ei_summarise(lags, period, NRF_EI_ALL_CHANNELS, &s));
  const double final_ms = nrf_ms_of_timesteps(s.lag.mean), final_error = standard_error(s.lag);
  NRF_RETURN_IF_ERROR(compare_member(b, period, "final", 1, &s.lag.mean));
  NRF_RETURN_IF_ERROR(compare_member(b, period, "final_ms", 1, &final_ms));
  return compare_member(b, period, "final_standard_error", 1, &final_error);
}

static nrf_status compare_published(ref_block *b, const nrf_ei_lags *lags)
{
  double *mean, *reference;
  NRF_RETURN_IF_ERROR(scratch(b, lags->channels, &mean));
  const double final = nrf_ei_published_means(lags, mean);
  NRF_RETURN_IF_ERROR(read_vector(b, "as_written/mean_lag", lags->channels, &reference));
  NRF_RETURN_IF_ERROR(
      compare_values(b, "as_written/mean_lag", TOLERANCE_SUM, lags->channels, mean, reference));
  NRF_RETURN_IF_ERROR(read_vector(b, "as_written/final", 1, &reference));
  return compare_value(b, "as_written/final", TOLERANCE_SUM, final, *reference);
}

nrf_status check_ei_lag(ref_block *b, steps *s)
{
  static const char *const known[] = {"lag_during",    "lag_pre",    "lag_full",
                                      "margin_during", "margin_pre", "margin_full",
                                      "as_written",    "correct",    NULL};
  static const char *const none[]  = {NULL};
  nrf_status               st      = NRF_OK;
  const nrf_extract       *x;
  nrf_ei_lags              lags;
  NRF_RETURN_IF_ERROR(steps_extract(s, NRF_KIND_LONG, &x));
  NRF_RETURN_IF_ERROR(nrf_ei_lags_find(x, s->threads, NULL, &lags));
  for (int period = 0; period < NRF_EI_PERIODS; period++) {
    NRF_TRY(compare_lags(b, &lags, period));
    NRF_TRY(compare_summaries(b, &lags, period));
  }
  NRF_TRY(compare_published(b, &lags));
  NRF_TRY(report_unknown_members(b, known, none));
done:
  nrf_ei_lags_free(&lags);
  return st;
}
