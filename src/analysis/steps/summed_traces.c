/* summed_traces.c - sums over responding neurons, and their autocorrelations. */
#include "summed_traces.h"

#include "contrast_spectra.h"

#include "nrflv/analysis/correlation.h"
#include "nrflv/analysis/matches.h"
#include "nrflv/analysis/peaks.h"
#include "nrflv/analysis/spectrum.h"
#include "nrflv/memory.h"

#include <math.h>

nrf_window nrf_summed_window(const nrf_extract *x, int period)
{
  return x->window[period == NRF_SUMMED_DURING ? NRF_WINDOW_DUR : NRF_WINDOW_PRE];
}

/* ---- sums ------------------------------------------------------------------------------------------------ */

static void add_images(const nrf_extract *x, const nrf_preferences *preferences, nrf_central central, int c,
                       nrf_summed_trace *to)
{
  for (int b = 0; b < x->images; b++) {
    if (!nrf_is_matched(preferences, x, c, b)) continue;
    const int64_t before = to->sum.traces;
    nrf_add_central(x, central, true, c, b, &to->sum);
    if (to->sum.traces == before) continue;
    to->images++;
    to->without_stimulus += fabs(x->info->image[b].contrast) <= 0.0;
  }
}

/* ---- rhythm ---------------------------------------------------------------------------------------------- */

nrf_side_peak nrf_side_peak_of(int64_t max_lag, const double *from_lag_0)
{
  nrf_side_peak         best   = {0, NAN};
  const nrf_peak_filter filter = {.height = -INFINITY, .prominence = NRF_SIDE_PEAK_PROMINENCE};
  nrf_peak              peaks[NRF_SUMMED_LAGS];
  const int64_t         n = nrf_find_peaks(max_lag + 1, from_lag_0, filter, peaks);
  for (int64_t i = 0; i < n; i++)
    if (best.lag == 0 || peaks[i].height > best.height) best = (nrf_side_peak){peaks[i].at, peaks[i].height};
  return best;
}

static nrf_status find_rhythm(const nrf_extract *x, const nrf_summed_traces *s, nrf_summed_trace *trace)
{
  for (int p = 0; p < NRF_SUMMED_PERIODS; p++) {
    const nrf_window window  = nrf_summed_window(x, p);
    const int64_t    max_lag = s->max_lag[p];
    trace->side[p]           = (nrf_side_peak){0, NAN};
    if (max_lag < 0) continue;
    NRF_RETURN_IF_ERROR(nrf_normalised_autocorrelation(window.count, trace->sum.sum + window.first, max_lag,
                                                       trace->autocorrelation[p]));
    if (trace->sum.traces > 0)
      trace->side[p] = nrf_side_peak_of(max_lag, trace->autocorrelation[p] + max_lag);
  }
  return NRF_OK;
}

static nrf_status find_frequencies(const nrf_extract *x, nrf_summed_traces *s)
{
  nrf_status       st     = NRF_OK;
  nrf_welch       *welch  = NULL;
  void            *memory = NULL;
  double          *work = NULL, *power = NULL;
  const nrf_window window = nrf_summed_window(x, NRF_SUMMED_DURING);
  NRF_TRY(
      nrf_welch_create(window.count, NRF_WELCH_SEGMENT, 1000.0 / x->ms_per_row, NRF_POWER_DENSITY, &welch));
  const int64_t bins = nrf_welch_bins(welch);
  NRF_TRY(nrf_alloc((size_t)nrf_welch_work(welch) * sizeof *work, "spectra", &memory));
  work = memory;
  NRF_TRY(nrf_alloc(2 * (size_t)bins * sizeof *power, "spectra", &memory));
  power             = memory;
  double *frequency = power + bins;
  for (int64_t f = 0; f < bins; f++) frequency[f] = nrf_welch_frequency(welch, f);
  for (int c = 0; c < s->channels; c++) {
    nrf_welch_power(welch, s->channel[c].sum.sum + window.first, work, power);
    s->channel[c].peak_frequency = nrf_spectral_peak_of((int)bins, frequency, power).frequency;
  }
done:
  nrf_free(work);
  nrf_free(power);
  nrf_welch_free(welch);
  return st;
}

/* ---- all channels ---------------------------------------------------------------------------------------- */

static nrf_status allocate(const nrf_extract *x, nrf_summed_traces *s)
{
  void   *memory = NULL;
  int64_t each   = s->rows;
  for (int p = 0; p < NRF_SUMMED_PERIODS; p++) {
    const int64_t count = nrf_summed_window(x, p).count;
    s->max_lag[p]       = count > NRF_SUMMED_LAGS ? NRF_SUMMED_LAGS : count - 1;
    each += 2 * s->max_lag[p] + 2;
  }
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)s->channels * sizeof *s->channel, "summed traces", &memory));
  s->channel = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(s->channels * each) * sizeof *s->memory, "summed traces", &memory));
  s->memory    = memory;
  double *next = s->memory;
  for (int c = 0; c < s->channels; c++) {
    s->channel[c].sum.sum = next;
    next += s->rows;
    for (int p = 0; p < NRF_SUMMED_PERIODS; p++) {
      s->channel[c].autocorrelation[p] = next;
      next += 2 * s->max_lag[p] + 2;
    }
  }
  return NRF_OK;
}

nrf_status nrf_summed_traces_of(const nrf_extract *x, const nrf_preferences *preferences, nrf_central central,
                                nrf_summed_traces *out)
{
  nrf_status st = NRF_OK;
  *out          = (nrf_summed_traces){.channels = x->channels, .rows = x->rows};
  NRF_TRY(allocate(x, out));
  for (int c = 0; c < x->channels; c++) {
    add_images(x, preferences, central, c, &out->channel[c]);
    NRF_TRY(find_rhythm(x, out, &out->channel[c]));
  }
  NRF_TRY(find_frequencies(x, out));
done:
  if (st != NRF_OK) nrf_summed_traces_free(out);
  return st;
}

void nrf_summed_traces_free(nrf_summed_traces *s)
{
  nrf_free(s->channel);
  nrf_free(s->memory);
  *s = (nrf_summed_traces){0};
}
