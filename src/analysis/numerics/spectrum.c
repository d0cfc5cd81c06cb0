/* spectrum.c - windowed transforms of segments. */
#include "nrflv/analysis/spectrum.h"

#include "transform.h"

#include "nrflv/memory.h"
#include "nrflv/moments.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>

/* ---- segments of either kind ----------------------------------------------------------------------------- */

/* A window and the transform of what is seen through it. */
typedef struct segmenter {
  int64_t        length;
  double         rate;
  double        *window;
  nrf_transform *transform;
} segmenter;

/* Hann windows differ in where the second zero is: on the last sample (span = length - 1) or one after it (length). */
static nrf_status segmenter_create(int64_t length, int64_t span, double rate, segmenter *out)
{
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)length * sizeof *out->window, "spectrum: window", (void **)&out->window));
  out->length = length;
  out->rate   = rate;
  for (int64_t i = 0; i < length; i++)
    out->window[i] = length == 1 ? 1.0 : 0.5 - 0.5 * cos(2.0 * M_PI * (double)i / (double)span);
  return nrf_transform_create(length, &out->transform);
}

static void segmenter_clear(segmenter *s)
{
  nrf_free(s->window);
  nrf_transform_free(s->transform);
}

static int64_t bins_of(const segmenter *s)
{
  return s->length / 2 + 1;
}

static double frequency_of(const segmenter *s, int64_t bin)
{
  return (double)bin * s->rate / (double)s->length;
}

/* Room for a segment and its spectrum. */
static int64_t work_of(const segmenter *s)
{
  return nrf_transform_padded(s->length) + 2 * bins_of(s);
}

static double window_sum(const segmenter *s)
{
  double sum = 0.0;
  for (int64_t i = 0; i < s->length; i++) sum += s->window[i];
  return sum;
}

static double window_squares(const segmenter *s)
{
  double sum = 0.0;
  for (int64_t i = 0; i < s->length; i++) sum += s->window[i] * s->window[i];
  return sum;
}

/* The spectrum of `count` samples less `offset`, with zeros behind them up to the segment's length. */
static const double complex *segment_spectrum(const segmenter *s, int64_t count, const double *x,
                                              double offset, double *work)
{
  double complex *spectrum = (double complex *)(work + nrf_transform_padded(s->length));
  for (int64_t i = 0; i < s->length; i++) work[i] = i < count ? (x[i] - offset) * s->window[i] : 0.0;
  nrf_transform_forward(s->transform, work, spectrum);
  return spectrum;
}

/* |X|^2, with the power of the negative frequencies, which are not shown, put on top of that of the positive. */
static double one_sided_power(const segmenter *s, const double complex *spectrum, int64_t bin)
{
  const double re = creal(spectrum[bin]), im = cimag(spectrum[bin]);
  const bool   alone = bin == 0 || 2 * bin == s->length;
  return (alone ? 1.0 : 2.0) * (re * re + im * im);
}

/* ---- spectrogram ----------------------------------------------------------------------------------------- */

struct nrf_spectrogram {
  segmenter s;
  int64_t   hop;
  double    scale;
};

nrf_status nrf_spectrogram_create(int segment, int overlap, double rate, nrf_spectrogram **out)
{
  *out = NULL;
  if (segment < 2 || overlap < 0 || overlap >= segment || !(rate > 0.0))
    return nrf_error(NRF_EINVAL, "spectrogram: segments of %d samples that share %d, rate %g", segment,
                     overlap, rate);
  nrf_spectrogram *made = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *made, "spectrogram", (void **)&made));
  const nrf_status st = segmenter_create(segment, segment - 1, rate, &made->s);
  if (st != NRF_OK) {
    nrf_spectrogram_free(made);
    return st;
  }
  made->hop   = segment - overlap;
  made->scale = 1.0 / (rate * window_squares(&made->s));
  *out        = made;
  return NRF_OK;
}

void nrf_spectrogram_free(nrf_spectrogram *s)
{
  if (s == NULL) return;
  segmenter_clear(&s->s);
  nrf_free(s);
}

int64_t nrf_spectrogram_bins(const nrf_spectrogram *s)
{
  return bins_of(&s->s);
}

int64_t nrf_spectrogram_segments(const nrf_spectrogram *s, int64_t n)
{
  return n <= s->s.length ? 1 : (n - s->s.length) / s->hop + 1;
}

double nrf_spectrogram_frequency(const nrf_spectrogram *s, int64_t bin)
{
  return frequency_of(&s->s, bin);
}

double nrf_spectrogram_time(const nrf_spectrogram *s, int64_t segment)
{
  return ((double)(segment * s->hop) + (double)s->s.length / 2.0) / s->s.rate;
}

int64_t nrf_spectrogram_work(const nrf_spectrogram *s)
{
  return work_of(&s->s);
}

void nrf_spectrogram_power(const nrf_spectrogram *s, int64_t n, const double *x, double *work, double *power)
{
  const int64_t segments = nrf_spectrogram_segments(s, n);
  for (int64_t k = 0; k < segments; k++) {
    const int64_t         first    = k * s->hop;
    const double complex *spectrum = segment_spectrum(&s->s, n - first, x + first, 0.0, work);
    for (int64_t bin = 0; bin < bins_of(&s->s); bin++)
      power[bin * segments + k] = s->scale * one_sided_power(&s->s, spectrum, bin);
  }
}

double nrf_decibel(double power)
{
  return 10.0 * log10(power);
}

/* ---- Welch ----------------------------------------------------------------------------------------------- */

struct nrf_welch {
  segmenter s;
  int64_t   segments, hop;
  double    scale; /* with the average over segments in it */
};

nrf_status nrf_welch_create(int64_t n, int64_t segment, double rate, nrf_power_scale scale, nrf_welch **out)
{
  *out = NULL;
  if (n < 1 || segment < 1 || !(rate > 0.0))
    return nrf_error(NRF_EINVAL, "power spectrum: %lld samples in segments of %lld, rate %g", (long long)n,
                     (long long)segment, rate);
  const int64_t length = segment < n ? segment : n;
  nrf_welch    *made   = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *made, "power spectrum", (void **)&made));
  const nrf_status st = segmenter_create(length, length, rate, &made->s);
  if (st != NRF_OK) {
    nrf_welch_free(made);
    return st;
  }
  const double sum = window_sum(&made->s);
  made->hop        = length - length / 2;
  made->segments   = (n - length) / made->hop + 1;
  made->scale      = 1.0 / (scale == NRF_POWER_DENSITY ? rate * window_squares(&made->s) : sum * sum);
  made->scale /= (double)made->segments;
  *out = made;
  return NRF_OK;
}

void nrf_welch_free(nrf_welch *w)
{
  if (w == NULL) return;
  segmenter_clear(&w->s);
  nrf_free(w);
}

int64_t nrf_welch_bins(const nrf_welch *w)
{
  return bins_of(&w->s);
}

int64_t nrf_welch_segments(const nrf_welch *w)
{
  return w->segments;
}

double nrf_welch_frequency(const nrf_welch *w, int64_t bin)
{
  return frequency_of(&w->s, bin);
}

int64_t nrf_welch_work(const nrf_welch *w)
{
  return work_of(&w->s);
}

void nrf_welch_power(const nrf_welch *w, const double *x, double *work, double *power)
{
  for (int64_t bin = 0; bin < bins_of(&w->s); bin++) power[bin] = 0.0;
  for (int64_t k = 0; k < w->segments; k++) {
    const double         *samples  = x + k * w->hop;
    const double          mean     = nrf_moments_of(w->s.length, samples).mean;
    const double complex *spectrum = segment_spectrum(&w->s, w->s.length, samples, mean, work);
    for (int64_t bin = 0; bin < bins_of(&w->s); bin++)
      power[bin] += w->scale * one_sided_power(&w->s, spectrum, bin);
  }
}
