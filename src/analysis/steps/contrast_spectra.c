/* contrast_spectra.c - Welch's spectra of the LFP, and resampling of the channels that it is made of. */
#include "contrast_spectra.h"

#include "nrflv/analysis/percentile.h"
#include "nrflv/analysis/spectrum.h"
#include "nrflv/analysis/work_items.h"
#include "nrflv/memory.h"
#include "nrflv/sort.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* ---- spectra --------------------------------------------------------------------------------------------- */

nrf_spectral_peak nrf_spectral_peak_of(int bins, const double *frequency, const double *power)
{
  int best = -1;
  for (int f = 1; f < bins; f++)
    if (power[f] > 0.0 && (best < 0 || power[f] * frequency[f] > power[best] * frequency[best])) best = f;
  /* At an end the spectrum only rises towards what cannot be seen. */
  if (best <= 1 || best == bins - 1) return (nrf_spectral_peak){-1, NAN};
  return (nrf_spectral_peak){best, frequency[best]};
}

static nrf_status allocate_spectra(nrf_contrast_spectra *s)
{
  void        *memory = NULL;
  const size_t bins = (size_t)s->bins, contrasts = (size_t)s->contrasts;
  NRF_RETURN_IF_ERROR(nrf_alloc(bins * sizeof *s->frequency, "spectra", &memory));
  s->frequency = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc(contrasts * bins * sizeof *s->power, "spectra", &memory));
  s->power = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc(contrasts * sizeof *s->peak, "spectra", &memory));
  s->peak = memory;
  return NRF_OK;
}

nrf_status nrf_contrast_spectra_of(const nrf_lfp *lfp, nrf_window window, double rate,
                                   nrf_contrast_spectra *out)
{
  nrf_status st     = NRF_OK;
  nrf_welch *welch  = NULL;
  void      *memory = NULL;
  double    *series = NULL, *work = NULL;
  *out = (nrf_contrast_spectra){.contrasts = lfp->contrasts.n};
  NRF_TRY(nrf_welch_create(window.count, NRF_WELCH_SEGMENT, rate, NRF_POWER_DENSITY, &welch));
  out->bins     = (int)nrf_welch_bins(welch);
  out->segments = nrf_welch_segments(welch);
  NRF_TRY(allocate_spectra(out));
  NRF_TRY(nrf_alloc((size_t)window.count * sizeof *series, "spectra", &memory));
  series = memory;
  NRF_TRY(nrf_alloc((size_t)nrf_welch_work(welch) * sizeof *work, "spectra", &memory));
  work = memory;
  for (int f = 0; f < out->bins; f++) out->frequency[f] = nrf_welch_frequency(welch, f);
  for (int k = 0; k < out->contrasts; k++) {
    double *power = out->power + (int64_t)k * out->bins;
    nrf_lfp_series(lfp, k, window, series);
    nrf_welch_power(welch, series, work, power);
    out->peak[k] = nrf_spectral_peak_of(out->bins, out->frequency, power);
  }
done:
  nrf_free(series);
  nrf_free(work);
  nrf_welch_free(welch);
  if (st != NRF_OK) nrf_contrast_spectra_free(out);
  return st;
}

void nrf_contrast_spectra_free(nrf_contrast_spectra *s)
{
  nrf_free(s->frequency);
  nrf_free(s->power);
  nrf_free(s->peak);
  *s = (nrf_contrast_spectra){0};
}

nrf_interval nrf_welch_interval(int64_t segments, double confidence)
{
  static const double SHARED  = 1.0 / 6.0; /* correlation of Hann windows that overlap by half */
  const double        n       = (double)segments;
  const double        degrees = 2.0 * n / (1.0 + 2.0 * SHARED * SHARED * (1.0 - 1.0 / n));
  const double        tail    = 0.5 * (1.0 - confidence);
  return (nrf_interval){degrees / gsl_cdf_chisq_Qinv(tail, degrees),
                        degrees / gsl_cdf_chisq_Pinv(tail, degrees)};
}

/* ---- resampling ------------------------------------------------------------------------------------------ */

/* An item of work is this many draws at one contrast. */
enum { DRAWS = 100, ITEMS = NRF_PEAK_RESAMPLES / DRAWS };

typedef struct resampling {
  const nrf_lfp             *lfp;
  nrf_window                 window;
  nrf_rng                    stream;
  const nrf_welch           *welch;
  const nrf_resampled_peaks *peaks;
  const double              *frequency;
  double                    *memory; /* [threads, each] */
  int64_t                    each;
} resampling;

static double one_peak(const resampling *r, int k, int64_t draw, double *memory)
{
  const int     n = nrf_lfp_channels(r->lfp, k), bins = (int)nrf_welch_bins(r->welch);
  const int64_t work   = nrf_welch_work(r->welch);
  double       *series = memory + work, *power = series + r->window.count;
  for (int64_t t = 0; t < r->window.count; t++) series[t] = 0.0;
  for (int i = 0; i < n; i++) {
    const uint32_t at  = nrf_rng_below(r->stream, (uint64_t)(draw * n + i), (uint32_t)n);
    const double  *sum = r->lfp->part[r->lfp->first[k] + (int)at].sum.sum + r->window.first;
    for (int64_t t = 0; t < r->window.count; t++) series[t] += sum[t];
  }
  nrf_welch_power(r->welch, series, memory, power);
  return nrf_spectral_peak_of(bins, r->frequency, power).frequency;
}

static nrf_status resample_some(void *context, int64_t item, int worker)
{
  const resampling *r    = context;
  const int         k    = (int)(item / ITEMS);
  const bool        many = nrf_lfp_channels(r->lfp, k) >= NRF_PEAK_CHANNELS;
  for (int64_t draw = item % ITEMS * DRAWS; draw < (item % ITEMS + 1) * DRAWS; draw++)
    r->peaks->frequency[k * NRF_PEAK_RESAMPLES + draw] =
        many ? one_peak(r, k, draw, r->memory + worker * r->each) : NAN;
  return NRF_OK;
}

nrf_status nrf_resample_peaks(const nrf_lfp *lfp, nrf_window window, double rate, nrf_rng stream, int threads,
                              const nrf_progress *progress, nrf_resampled_peaks *out)
{
  nrf_status st        = NRF_OK;
  nrf_welch *welch     = NULL;
  void      *memory    = NULL;
  double    *frequency = NULL, *scratch = NULL;
  *out = (nrf_resampled_peaks){.contrasts = lfp->contrasts.n};
  NRF_TRY(nrf_welch_create(window.count, NRF_WELCH_SEGMENT, rate, NRF_POWER_DENSITY, &welch));
  const int64_t bins = nrf_welch_bins(welch);
  /* whole cache lines, so that each thread's memory is aligned */
  const int64_t each = (nrf_welch_work(welch) + window.count + bins + 7) / 8 * 8;
  NRF_TRY(
      nrf_alloc((size_t)out->contrasts * NRF_PEAK_RESAMPLES * sizeof *out->frequency, "resampling", &memory));
  out->frequency = memory;
  NRF_TRY(nrf_alloc((size_t)bins * sizeof *frequency, "resampling", &memory));
  frequency = memory;
  NRF_TRY(nrf_alloc((size_t)(each * threads) * sizeof *scratch, "resampling", &memory));
  scratch = memory;
  for (int64_t f = 0; f < bins; f++) frequency[f] = nrf_welch_frequency(welch, f);
  resampling           r     = {lfp, window, stream, welch, out, frequency, scratch, each};
  const nrf_work_items items = {.n       = (int64_t)out->contrasts * ITEMS,
                                .title   = "resampling channels",
                                .unit    = "pieces",
                                .run     = resample_some,
                                .context = &r};
  NRF_TRY(nrf_work_items_run(&items, threads, progress));
done:
  nrf_free(frequency);
  nrf_free(scratch);
  nrf_welch_free(welch);
  if (st != NRF_OK) nrf_resampled_peaks_free(out);
  return st;
}

void nrf_resampled_peaks_free(nrf_resampled_peaks *peaks)
{
  nrf_free(peaks->frequency);
  *peaks = (nrf_resampled_peaks){0};
}

/* Of values that may be NaN; sorted on the way. */
static nrf_interval interval_of(int n, double *value, double confidence)
{
  int finite = 0;
  for (int i = 0; i < n; i++)
    if (isfinite(value[i])) value[finite++] = value[i];
  if (finite < confidence * n) return (nrf_interval){NAN, NAN};
  nrf_sort_doubles(finite, value);
  const double tail = 50.0 * (1.0 - confidence);
  return (nrf_interval){nrf_percentile(finite, value, tail), nrf_percentile(finite, value, 100.0 - tail)};
}

nrf_interval nrf_peak_interval(const nrf_resampled_peaks *peaks, int k, double confidence)
{
  double value[NRF_PEAK_RESAMPLES];
  for (int i = 0; i < NRF_PEAK_RESAMPLES; i++) value[i] = peaks->frequency[k * NRF_PEAK_RESAMPLES + i];
  return interval_of(NRF_PEAK_RESAMPLES, value, confidence);
}

nrf_interval nrf_peak_shift_interval(const nrf_resampled_peaks *peaks, int k, int l, double confidence)
{
  const double *from = peaks->frequency + (int64_t)k * NRF_PEAK_RESAMPLES,
               *to   = peaks->frequency + (int64_t)l * NRF_PEAK_RESAMPLES;
  double value[NRF_PEAK_RESAMPLES];
  for (int i = 0; i < NRF_PEAK_RESAMPLES; i++) value[i] = to[i] - from[i];
  return interval_of(NRF_PEAK_RESAMPLES, value, confidence);
}
