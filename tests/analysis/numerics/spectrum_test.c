/* Spectra: appendix A.3, lines and white noise with known power, both windows, short and odd series. */
#include "nrflv/analysis/spectrum.h"

#include "nrflv/analysis/line_fit.h"
#include "nrflv/analysis/peaks.h"
#include "nrflv/analysis/time_units.h"
#include "nrflv/memory.h"
#include "support/close.h"
#include "support/test_signals.h"

#include <string.h>

static void *doubles(int64_t n)
{
  void *memory = NULL;
  assert_int_equal(nrf_alloc((size_t)n * sizeof(double), "test", &memory), NRF_OK);
  return memory;
}

/* ---- spectrogram ----------------------------------------------------------------------------------------- */

typedef struct picture {
  nrf_spectrogram *s;
  int64_t          bins, segments;
  double          *power;
} picture;

static picture picture_of(int segment, int overlap, double rate, int64_t n, const double *x)
{
  picture p = {NULL, 0, 0, NULL};
  assert_int_equal(nrf_spectrogram_create(segment, overlap, rate, &p.s), NRF_OK);
  p.bins       = nrf_spectrogram_bins(p.s);
  p.segments   = nrf_spectrogram_segments(p.s, n);
  p.power      = doubles(p.bins * p.segments);
  double *work = doubles(nrf_spectrogram_work(p.s));
  nrf_spectrogram_power(p.s, n, x, work, p.power);
  nrf_free(work);
  return p;
}

static double power_at(const picture *p, int64_t bin, int64_t segment)
{
  return p->power[bin * p->segments + segment];
}

static void picture_free(picture *p)
{
  nrf_spectrogram_free(p->s);
  nrf_free(p->power);
}

static void spectrograms_of_the_appendix(void **state)
{
  (void)state;
  double a[SIGNAL_LENGTH];
  signal_a(a);
  picture p = picture_of(256, 255, 100.0, SIGNAL_LENGTH, a);
  assert_int_equal(p.bins, 129);
  assert_int_equal(p.segments, 2445);
  assert_digits(nrf_spectrogram_frequency(p.s, 1), 0.390625);
  assert_digits(nrf_spectrogram_frequency(p.s, 128), 50.0);
  assert_digits(nrf_spectrogram_time(p.s, 0), 1.28);
  assert_digits(nrf_spectrogram_time(p.s, 2444), 25.72);
  assert_digits(power_at(&p, 0, 0), 1.434032661e-06);
  assert_digits(power_at(&p, 12, 1000), 0.003811202419);
  assert_digits(power_at(&p, 13, 1000), 0.01403409883);
  assert_digits(power_at(&p, 128, 2444), 2.667576913e-09);
  assert_digits(nrf_decibel(power_at(&p, 12, 1000)), -24.18937985);
  picture_free(&p);

  p = picture_of(256, 255, NRF_SAMPLING_RATE_HZ, SIGNAL_LENGTH - 100, a + 100);
  assert_int_equal(p.segments, 2345);
  assert_digits(nrf_spectrogram_frequency(p.s, 1), 0.9486607143);
  assert_digits(nrf_spectrogram_frequency(p.s, 128), 121.4285714);
  assert_digits(nrf_spectrogram_time(p.s, 0), 0.5270588235);
  assert_digits(nrf_spectrogram_time(p.s, 2344), 10.17882353);
  assert_digits(power_at(&p, 12, 1000), 0.01722197088);
  picture_free(&p);
}

/* Without overlap, each segment sees its own part of the series only. */
static void segments_are_where_their_times_say(void **state)
{
  (void)state;
  double x[5 * 64] = {0.0};
  x[3 * 64 + 30]   = 1.0;
  picture p        = picture_of(64, 0, 1.0, 5 * 64, x);
  assert_int_equal(p.segments, 5);
  assert_near(nrf_spectrogram_time(p.s, 3), 3 * 64 + 32, 0.0);
  for (int64_t k = 0; k < 5; k++) assert_true(k == 3 ? power_at(&p, 7, k) > 0.0 : power_at(&p, 7, k) == 0.0);
  /* An impulse has the same power at all frequencies; inner bins carry that of two. */
  assert_relative(power_at(&p, 7, 3), 2.0 * power_at(&p, 0, 3), 1e-12);
  assert_relative(power_at(&p, 32, 3), power_at(&p, 0, 3), 1e-12);
  assert_true(nrf_decibel(power_at(&p, 7, 0)) == -INFINITY);
  picture_free(&p);
}

static void a_short_series_counts_as_followed_by_zeros(void **state)
{
  (void)state;
  double x[256], padded[256] = {0.0};
  signal_noise(1, 256, x); /* there is something behind the series */
  memcpy(padded, x, 200 * sizeof *x);
  picture some = picture_of(256, 255, 2.0, 200, x), all = picture_of(256, 255, 2.0, 256, padded);
  assert_int_equal(some.segments, 1);
  assert_int_equal(all.segments, 1);
  assert_memory_equal(some.power, all.power, (size_t)some.bins * sizeof(double));
  picture_free(&some);
  picture_free(&all);
}

/* ---- Welch ----------------------------------------------------------------------------------------------- */

static nrf_welch *welch_of(int64_t n, int64_t segment, double rate, nrf_power_scale scale, const double *x,
                           double *power)
{
  nrf_welch *w = NULL;
  assert_int_equal(nrf_welch_create(n, segment, rate, scale, &w), NRF_OK);
  double *work = doubles(nrf_welch_work(w));
  nrf_welch_power(w, x, work, power);
  nrf_free(work);
  return w;
}

static void density_of_the_appendix(void **state)
{
  (void)state;
  double a[SIGNAL_LENGTH], power[129];
  signal_a(a);
  nrf_welch *w = welch_of(SIGNAL_PHASE, 256, NRF_SAMPLING_RATE_HZ, NRF_POWER_DENSITY, a + SIGNAL_DUR, power);
  assert_int_equal(nrf_welch_bins(w), 129);
  assert_int_equal(nrf_welch_segments(w), 6);
  assert_digits(power[0], 6.058750916e-05);
  assert_digits(power[12], 0.02554729405);
  assert_digits(power[128], 1.55385718e-07);
  assert_digits(nrf_welch_frequency(w, 12) * power[12], 0.2908285706);
  nrf_welch_free(w);
}

typedef struct oscillation {
  int64_t maximum, peaks, first_peak;
  double  product, peak_product;
} oscillation;

/* Step 3.13: detrend, spectrum, peaks of at least half the maximum. */
static oscillation oscillation_of(int64_t n, const double *x, double *power)
{
  static double rest[SIGNAL_LENGTH];
  nrf_peak      found[512];
  oscillation   o = {0, 0, 0, 0.0, 0.0};
  nrf_detrend(n, x, rest);
  nrf_welch    *w    = welch_of(n, 1000, 1.0, NRF_POWER_SPECTRUM, rest, power);
  const int64_t bins = nrf_welch_bins(w);
  for (int64_t f = 0; f < bins; f++) {
    if (power[f] > power[o.maximum]) o.maximum = f;
    o.product += nrf_welch_frequency(w, f) * power[f];
  }
  const nrf_peak_filter filter = {.height = -INFINITY, .distance = 3.0, .prominence = power[o.maximum] / 2.0};
  o.peaks                      = nrf_find_peaks(bins, power, filter, found);
  o.first_peak                 = found[0].at;
  for (int64_t k = 0; k < o.peaks; k++)
    o.peak_product += nrf_welch_frequency(w, found[k].at) * found[k].height;
  nrf_welch_free(w);
  return o;
}

static void oscillations_of_the_appendix(void **state)
{
  (void)state;
  double a[SIGNAL_LENGTH], outside[1700], power[501];
  signal_a(a);
  const oscillation during = oscillation_of(SIGNAL_PHASE, a + SIGNAL_DUR, power);
  assert_digits(power[0], 2.968190765e-06);
  assert_digits(power[47], 0.01049840998);
  assert_digits(power[48], 0.006666550716);
  assert_relative(power[500], 3.897221335e-11, 1e-8);
  assert_int_equal(during.maximum, 46);
  assert_digits(power[46], 0.01522887164);
  assert_true(during.peaks == 1 && during.first_peak == 46);
  assert_digits(during.product, 0.005295558965);
  assert_digits(during.peak_product, 0.0007005280956);

  memcpy(outside, a, 1100 * sizeof *a);
  memcpy(outside + 1100, a + 2100, 600 * sizeof *a);
  const oscillation out = oscillation_of(1700, outside, power);
  assert_int_equal(out.maximum, 43);
  assert_digits(power[43], 0.03671616271);
  assert_true(out.peaks == 1 && out.first_peak == 43);
  assert_digits(out.product, 0.007215769015);
}

/* A sine of amplitude 3 on bin 10 has 9 / 2 there, 1/4 of that in each neighbour (the window), and nothing elsewhere. */
static void a_line_has_half_its_squared_amplitude(void **state)
{
  (void)state;
  enum { N = 400 };
  double x[N], power[N / 2 + 1];
  for (int i = 0; i < N; i++) x[i] = 50.0 + 3.0 * sin(2.0 * M_PI * 10.0 * i / 100.0 + 0.4);
  nrf_welch *w = welch_of(N, 100, 1.0, NRF_POWER_SPECTRUM, x, power);
  assert_int_equal(nrf_welch_segments(w), 7);
  assert_near(nrf_welch_frequency(w, 10), 0.1, 1e-16);
  for (int f = 0; f <= 50; f++)
    assert_near(power[f], f == 10 ? 4.5 : f == 9 || f == 11 ? 4.5 / 4.0 : 0.0, 1e-12);
  nrf_welch_free(w);
}

/* White noise of variance 1 has the density 2 / rate at all inner frequencies; of 200 segments' average the relative error is about
 * 1 / sqrt(110), the mean over 120 bins a tenth of that. */
static void white_noise_has_its_variance_spread_over_all_frequencies(void **state)
{
  (void)state;
  enum { N = 25600 };
  double *x = doubles(N), power[129], sum = 0.0;
  signal_noise(4, N, x);
  nrf_welch *w = welch_of(N, 256, 50.0, NRF_POWER_DENSITY, x, power);
  for (int f = 4; f < 124; f++) {
    assert_relative(power[f], 2.0 / 50.0, 0.5);
    sum += power[f] / 120.0;
  }
  assert_relative(sum, 2.0 / 50.0, 0.04);
  nrf_welch_free(w);
  nrf_free(x);
}

/* The last bin of an odd segment is not Nyquist's: it carries two frequencies. An impulse shows it. */
static void odd_and_short_series(void **state)
{
  (void)state;
  double x[256] = {0.0}, power[129];
  x[50]         = 1.0;
  nrf_welch *w  = welch_of(101, 256, 1.0, NRF_POWER_DENSITY, x, power);
  assert_int_equal(nrf_welch_bins(w), 51);
  assert_int_equal(nrf_welch_segments(w), 1);
  assert_near(nrf_welch_frequency(w, 50), 50.0 / 101.0, 1e-15);
  assert_relative(power[50], power[30], 0.1);
  nrf_welch_free(w);
  w = welch_of(1, 256, 1.0, NRF_POWER_SPECTRUM, x, power);
  assert_int_equal(nrf_welch_bins(w), 1);
  assert_true(power[0] == 0.0);
  nrf_welch_free(w);
}

static void a_constant_series_has_no_power(void **state)
{
  (void)state;
  double x[600], power[129];
  for (int i = 0; i < 600; i++) x[i] = 0.1;
  nrf_welch *w = welch_of(600, 256, 1.0, NRF_POWER_DENSITY, x, power);
  for (int f = 0; f <= 128; f++) assert_true(power[f] == 0.0);
  nrf_welch_free(w);
}

static void senseless_arguments_are_refused(void **state)
{
  (void)state;
  nrf_spectrogram *s = NULL;
  nrf_welch       *w = NULL;
  assert_int_equal(nrf_spectrogram_create(256, 256, 1.0, &s), NRF_EINVAL);
  assert_int_equal(nrf_spectrogram_create(1, 0, 1.0, &s), NRF_EINVAL);
  assert_int_equal(nrf_spectrogram_create(256, 255, 0.0, &s), NRF_EINVAL);
  assert_int_equal(nrf_welch_create(0, 256, 1.0, NRF_POWER_DENSITY, &w), NRF_EINVAL);
  assert_int_equal(nrf_welch_create(100, 256, NAN, NRF_POWER_DENSITY, &w), NRF_EINVAL);
  assert_true(s == NULL && w == NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(spectrograms_of_the_appendix),
      cmocka_unit_test(segments_are_where_their_times_say),
      cmocka_unit_test(a_short_series_counts_as_followed_by_zeros),
      cmocka_unit_test(density_of_the_appendix),
      cmocka_unit_test(oscillations_of_the_appendix),
      cmocka_unit_test(a_line_has_half_its_squared_amplitude),
      cmocka_unit_test(white_noise_has_its_variance_spread_over_all_frequencies),
      cmocka_unit_test(odd_and_short_series),
      cmocka_unit_test(a_constant_series_has_no_power),
      cmocka_unit_test(senseless_arguments_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
