/* contrast_spectrograms.c - spectrograms of the LFP; power in a band before and during the stimulus. */
#include "contrast_spectrograms.h"

#include "contrast_spectra.h"

#include "nrflv/analysis/spectrum.h"
#include "nrflv/memory.h"

#include <math.h>

static double rate_of(const nrf_extract *x)
{
  return 1000.0 / x->ms_per_row;
}

/* ---- spectrograms ---------------------------------------------------------------------------------------- */

nrf_window nrf_spectrogram_window(const nrf_extract *x)
{
  const int64_t first = x->window[NRF_WINDOW_BURN].first + x->window[NRF_WINDOW_BURN].count;
  return (nrf_window){first, x->rows - first};
}

static nrf_status allocate(nrf_contrast_spectrograms *s)
{
  void *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)s->bins * sizeof *s->frequency, "spectrograms", &memory));
  s->frequency = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)s->segments * sizeof *s->time, "spectrograms", &memory));
  s->time = memory;
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)(s->shown * s->bins * s->segments) * sizeof *s->power, "spectrograms", &memory));
  s->power = memory;
  return NRF_OK;
}

int nrf_spectrogram_segment(const nrf_extract *x)
{
  enum { SHORTEST = 16 };
  int segment = NRF_SPECTROGRAM_SEGMENT;
  while (segment > SHORTEST && 2 * segment > x->window[NRF_WINDOW_DUR].count) segment /= 2;
  return segment;
}

nrf_status nrf_contrast_spectrograms_of(const nrf_extract *x, const nrf_lfp *lfp, int segment,
                                        nrf_contrast_spectrograms *out)
{
  nrf_status       st          = NRF_OK;
  nrf_spectrogram *spectrogram = NULL;
  void            *memory      = NULL;
  double          *series = NULL, *work = NULL;
  const nrf_window window = nrf_spectrogram_window(x);
  const double     onset  = (double)(x->window[NRF_WINDOW_DUR].first - window.first) / rate_of(x);
  *out                    = (nrf_contrast_spectrograms){.segment = segment};
  out->shown              = nrf_shown_contrasts(&lfp->contrasts, out->contrast);
  NRF_TRY(nrf_spectrogram_create(segment, segment - 1, rate_of(x), &spectrogram));
  out->bins     = nrf_spectrogram_bins(spectrogram);
  out->segments = nrf_spectrogram_segments(spectrogram, window.count);
  NRF_TRY(allocate(out));
  NRF_TRY(nrf_alloc((size_t)window.count * sizeof *series, "spectrograms", &memory));
  series = memory;
  NRF_TRY(nrf_alloc((size_t)nrf_spectrogram_work(spectrogram) * sizeof *work, "spectrograms", &memory));
  work = memory;
  for (int64_t f = 0; f < out->bins; f++) out->frequency[f] = nrf_spectrogram_frequency(spectrogram, f);
  for (int64_t k = 0; k < out->segments; k++) out->time[k] = nrf_spectrogram_time(spectrogram, k) - onset;
  for (int i = 0; i < out->shown; i++) {
    nrf_lfp_series(lfp, out->contrast[i], window, series);
    nrf_spectrogram_power(spectrogram, window.count, series, work,
                          out->power + i * out->bins * out->segments);
  }
done:
  nrf_free(series);
  nrf_free(work);
  nrf_spectrogram_free(spectrogram);
  if (st != NRF_OK) nrf_contrast_spectrograms_free(out);
  return st;
}

void nrf_contrast_spectrograms_free(nrf_contrast_spectrograms *s)
{
  nrf_free(s->frequency);
  nrf_free(s->time);
  nrf_free(s->power);
  *s = (nrf_contrast_spectrograms){0};
}

int64_t nrf_spectrogram_mean(const nrf_extract *x, const nrf_contrast_spectrograms *s, int shown,
                             nrf_window window, double *out)
{
  /* Segment k is rows k .. k + segment of the window that the spectrogram is of. */
  const int64_t first = window.first - nrf_spectrogram_window(x).first,
                last  = first + window.count - s->segment;
  int64_t n           = 0;
  for (int64_t f = 0; f < s->bins; f++) {
    const double *power = s->power + (shown * s->bins + f) * s->segments;
    double        sum   = 0.0;
    n                   = 0;
    for (int64_t k = first > 0 ? first : 0; k <= last && k < s->segments; k++, n++) sum += power[k];
    out[f] = n > 0 ? sum / (double)n : NAN;
  }
  return n;
}

/* ---- power in a band ------------------------------------------------------------------------------------- */

/* Of every part in a window, at out[0], out[stride], ... */
static nrf_status add_band(const nrf_extract *x, const nrf_lfp *lfp, nrf_window window, double *out,
                           size_t stride)
{
  nrf_status st     = NRF_OK;
  nrf_welch *welch  = NULL;
  void      *memory = NULL;
  double    *work = NULL, *power = NULL;
  if (window.count == 0) return NRF_OK;
  NRF_TRY(nrf_welch_create(window.count, NRF_WELCH_SEGMENT, rate_of(x), NRF_POWER_DENSITY, &welch));
  const int64_t bins = nrf_welch_bins(welch);
  NRF_TRY(nrf_alloc((size_t)nrf_welch_work(welch) * sizeof *work, "band", &memory));
  work = memory;
  NRF_TRY(nrf_alloc((size_t)bins * sizeof *power, "band", &memory));
  power = memory;
  for (int i = 0; i < lfp->parts; i++) {
    double sum = 0.0;
    int    n   = 0;
    nrf_welch_power(welch, lfp->part[i].sum.sum + window.first, work, power);
    for (int64_t f = 0; f < bins; f++) {
      const double frequency = nrf_welch_frequency(welch, f);
      if (frequency < NRF_BAND_LOW || frequency > NRF_BAND_HIGH) continue;
      sum += power[f] * nrf_welch_frequency(welch, 1);
      n++;
    }
    if (n > 0) out[(size_t)i * stride] = sum;
  }
done:
  nrf_free(work);
  nrf_free(power);
  nrf_welch_free(welch);
  return st;
}

nrf_status nrf_band_powers(const nrf_extract *x, const nrf_lfp *lfp, nrf_band_power *out)
{
  enum { STRIDE = sizeof *out / sizeof(double) };
  for (int i = 0; i < lfp->parts; i++) out[i] = (nrf_band_power){NAN, NAN, NAN};
  if (lfp->parts == 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(add_band(x, lfp, x->window[NRF_WINDOW_PRE], &out->before, STRIDE));
  NRF_RETURN_IF_ERROR(add_band(x, lfp, x->window[NRF_WINDOW_DUR], &out->during, STRIDE));
  for (int i = 0; i < lfp->parts; i++)
    if (out[i].before > 0.0 && out[i].during > 0.0)
      out[i].change = nrf_decibel(out[i].during) - nrf_decibel(out[i].before);
  return NRF_OK;
}
