/* contrast_spectra_test.c - oscillations whose frequency depends on the contrast are found in the LFP, and only in it. */
#include "analysis/steps/contrast_spectra.h"
#include "analysis/steps/contrast_spectrograms.h"

#include "support/close.h"
#include "support/memory_source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Two angles, three contrasts, in turn. Channels 0 to 4 prefer the first angle, 5 the other, 6 none. The centre is (2, 2). */
enum { ANGLES = 2, CONTRASTS = 3, IMAGES = 6, CHANNELS = 7, TUNED = 5, SIZE = 5, PATCH = 9 };
enum { BURN = 10, PRE = 100, DUR = 1000, POST = 50, ONSET = BURN + PRE, ROWS = ONSET + DUR + POST };

/* Bins of Welch's estimate that the contrasts oscillate at. */
static const int    BIN[CONTRASTS]      = {20, 30, 45};
static const double CONTRAST[CONTRASTS] = {0.0, 0.8, 1.6}, AMPLITUDE = 0.25, RATE = 1000.0 * 17.0 / 70.0;

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* ---- planted states -------------------------------------------------------------------------------------- */

static int contrast_index_of(int image)
{
  return (image + 1) % CONTRASTS;
}

static bool is_first_angle(int image)
{
  return image < CONTRASTS;
}

/* What matches oscillates as its contrast says; all else, faster and ten times as strongly. Everything oscillates outside the
 * stimulus, too, half as strongly after it as before, and there is an offset. */
static float planted(const memory_source *s, nrf_record_variable variable, int image, int channel,
                     int64_t row, int h, int w)
{
  (void)s, (void)variable;
  const bool   matches   = is_first_angle(image) ? channel < TUNED : channel == TUNED;
  const bool   is_during = row >= ONSET && row < ONSET + DUR;
  const bool   in_patch  = h >= 1 && h <= 3 && w >= 1 && w <= 3;
  const bool   counts    = matches && in_patch && is_during;
  const bool   is_after  = row >= ONSET + DUR;
  const double amplitude = counts ? AMPLITUDE : is_after ? 5.0 * AMPLITUDE : 10.0 * AMPLITUDE;
  const double bin       = counts ? BIN[contrast_index_of(image)] : 70.0;
  return (float)(0.5 + amplitude * sin(2.0 * M_PI * bin * (double)row / NRF_WELCH_SEGMENT));
}

static float planted_with_a_bad_trace(const memory_source *s, nrf_record_variable variable, int image,
                                      int channel, int64_t row, int h, int w)
{
  if (image == 0 && channel == 1 && h == 1 && w == 3 && row == ONSET + 7) return NAN;
  return planted(s, variable, image, channel, row, h, w);
}

/* Channel 4 alone oscillates at another frequency, and more strongly. */
static float planted_with_an_odd_channel(const memory_source *s, nrf_record_variable variable, int image,
                                         int channel, int64_t row, int h, int w)
{
  if (channel != TUNED - 1) return planted(s, variable, image, channel, row, h, w);
  const double bin = BIN[contrast_index_of(image)] + 10;
  return (float)(0.5 + 8.0 * AMPLITUDE * sin(2.0 * M_PI * bin * (double)row / NRF_WELCH_SEGMENT));
}

static nrf_extract *extract_of(float (*value)(const memory_source *s, nrf_record_variable variable, int image,
                                              int channel, int64_t row, int h, int w))
{
  nrf_extract  *x = NULL;
  memory_source s;
  memory_source_create(&s, "single/contrast_and_angle", IMAGES, CHANNELS, SIZE, SIZE);
  memory_source_set_phases(&s, BURN, PRE, DUR, POST);
  s.value = value;
  for (int b = 0; b < IMAGES; b++) {
    s.image[b].angle    = is_first_angle(b) ? 0.0 : M_PI / 2.0;
    s.image[b].contrast = CONTRAST[contrast_index_of(b)];
  }
  must(memory_source_extract(&s, &x));
  return x;
}

static const nrf_preferences preferences = {
    CHANNELS, (nrf_preference[]){{.channel = 0, .angle = 0.1, .amplitude = 0.08},
                                 {.channel = 1, .angle = 0.1, .amplitude = 0.08},
                                 {.channel = 2, .angle = 2.0 * M_PI - 0.1, .amplitude = 0.08},
                                 {.channel = 3, .angle = 0.0, .amplitude = 0.08},
                                 {.channel = 4, .angle = 0.0, .amplitude = 0.08},
                                 {.channel = 5, .angle = M_PI / 2.0, .amplitude = 0.08},
                                 {.channel = 6, .angle = 0.0, .amplitude = 0.03}}};

/* ---- the LFP --------------------------------------------------------------------------------------------- */

static void the_lfp_adds_up_what_matches_contrast_by_contrast(void **state)
{
  (void)state;
  nrf_extract *x = extract_of(planted);
  for (int patch = 0; patch < 2; patch++) {
    nrf_lfp lfp;
    double  series[DUR];
    must(nrf_lfp_create(x, &preferences, patch ? NRF_CENTRAL_PATCH : NRF_CENTRAL_NEURON, &lfp));
    assert_int_equal(lfp.contrasts.n, CONTRASTS);
    assert_int_equal(lfp.not_finite, 0);
    for (int k = 0; k < CONTRASTS; k++) {
      const double traces = (TUNED + 1) * (patch ? PATCH : 1);
      assert_near(lfp.contrasts.at[k], CONTRAST[k], 0.0);
      assert_int_equal(nrf_lfp_channels(&lfp, k), TUNED + 1);
      assert_int_equal(nrf_lfp_traces(&lfp, k), (int)traces);
      nrf_lfp_series(&lfp, k, x->window[NRF_WINDOW_DUR], series);
      for (int64_t t = 0; t < DUR; t++)
        assert_near(
            series[t],
            traces * (0.5 + AMPLITUDE * sin(2.0 * M_PI * BIN[k] * (double)(ONSET + t) / NRF_WELCH_SEGMENT)),
            1e-5);
    }
    nrf_lfp_free(&lfp);
  }
  nrf_extract_free(x);
}

static void traces_that_are_not_finite_are_left_out_and_counted(void **state)
{
  (void)state;
  nrf_extract *x = extract_of(planted_with_a_bad_trace);
  nrf_lfp      lfp;
  must(nrf_lfp_create(x, &preferences, NRF_CENTRAL_PATCH, &lfp));
  assert_int_equal(lfp.not_finite, 1);
  for (int k = 0; k < CONTRASTS; k++)
    assert_int_equal(nrf_lfp_traces(&lfp, k), (TUNED + 1) * PATCH - (k == contrast_index_of(0)));
  nrf_lfp_free(&lfp);
  nrf_extract_free(x);
}

static void without_a_match_there_is_no_lfp(void **state)
{
  (void)state;
  const nrf_preferences none = {1, (nrf_preference[]){{.channel = 6, .amplitude = 0.03}}};
  nrf_extract          *x    = extract_of(planted);
  nrf_lfp               lfp;
  must(nrf_lfp_create(x, &none, NRF_CENTRAL_PATCH, &lfp));
  assert_int_equal(lfp.parts, 0);
  assert_int_equal(nrf_lfp_channels(&lfp, CONTRASTS - 1), 0);
  nrf_lfp_free(&lfp);
  nrf_extract_free(x);
}

/* ---- spectra --------------------------------------------------------------------------------------------- */

/* A sine of amplitude A on a bin of a Hann window: density A^2 / 2 over 1.5 bins. */
static void spectra_have_their_peak_where_the_contrast_says(void **state)
{
  (void)state;
  nrf_extract         *x = extract_of(planted);
  nrf_lfp              lfp;
  nrf_contrast_spectra s;
  must(nrf_lfp_create(x, &preferences, NRF_CENTRAL_PATCH, &lfp));
  must(nrf_contrast_spectra_of(&lfp, x->window[NRF_WINDOW_DUR], RATE, &s));
  assert_int_equal(s.segments, 6);
  assert_int_equal(s.bins, NRF_WELCH_SEGMENT / 2 + 1);
  for (int k = 0; k < CONTRASTS; k++) {
    const double amplitude = (TUNED + 1) * PATCH * AMPLITUDE;
    assert_int_equal(s.peak[k].bin, BIN[k]);
    assert_near(s.peak[k].frequency, BIN[k] * RATE / NRF_WELCH_SEGMENT, 1e-12);
    assert_relative(s.power[k * s.bins + BIN[k]],
                    amplitude * amplitude / 2.0 / (1.5 * RATE / NRF_WELCH_SEGMENT), 1e-6);
  }
  nrf_contrast_spectra_free(&s);
  nrf_lfp_free(&lfp);
  nrf_extract_free(x);
}

static void a_spectrum_that_only_falls_or_rises_has_no_peak(void **state)
{
  (void)state;
  enum { BINS = 8 };
  double frequency[BINS], falls[BINS], rises[BINS], peak[BINS];
  for (int f = 0; f < BINS; f++) {
    frequency[f] = f;
    falls[f]     = pow(f + 1.0, -3.0);
    rises[f]     = f;
    peak[f]      = f == 3 ? 0.5 : f == 6 ? 0.3 : 0.0; /* times frequency, the second one is larger */
  }
  const double nothing[BINS] = {0};
  assert_int_equal(nrf_spectral_peak_of(BINS, frequency, falls).bin, -1);
  assert_int_equal(nrf_spectral_peak_of(BINS, frequency, rises).bin, -1);
  assert_int_equal(nrf_spectral_peak_of(BINS, frequency, nothing).bin, -1);
  assert_true(isnan(nrf_spectral_peak_of(BINS, frequency, nothing).frequency));
  assert_int_equal(nrf_spectral_peak_of(BINS, frequency, peak).bin, 6);
  const double lowest[BINS] = {0, 0, 1}, below[BINS] = {0, 1};
  assert_int_equal(nrf_spectral_peak_of(BINS, frequency, lowest).bin, 2);
  assert_int_equal(nrf_spectral_peak_of(BINS, frequency, below).bin, -1);
}

/* scipy.stats.chi2, 11.469 degrees of freedom */
static void the_interval_of_an_estimate_is_that_of_chi_square(void **state)
{
  (void)state;
  const nrf_interval ends = nrf_welch_interval(6, 0.95);
  assert_relative(ends.lower, 0.5077749424469709, 1e-9);
  assert_relative(ends.upper, 2.8046358516000316, 1e-9);
}

/* ---- spectrograms ---------------------------------------------------------------------------------------- */

static void spectrograms_tell_time_from_the_onset(void **state)
{
  (void)state;
  nrf_extract              *x = extract_of(planted);
  nrf_lfp                   lfp;
  nrf_contrast_spectrograms s;
  must(nrf_lfp_create(x, &preferences, NRF_CENTRAL_NEURON, &lfp));
  must(nrf_contrast_spectrograms_of(x, &lfp, NRF_SPECTROGRAM_SEGMENT, &s));
  assert_int_equal(s.segments, ROWS - BURN - NRF_SPECTROGRAM_SEGMENT + 1);
  assert_near(s.time[0], (NRF_SPECTROGRAM_SEGMENT / 2 - PRE) / RATE, 1e-12);
  assert_near(s.time[s.segments - 1], (DUR + POST - NRF_SPECTROGRAM_SEGMENT / 2) / RATE, 1e-12);
  assert_int_equal(s.shown, CONTRASTS);
  nrf_contrast_spectrograms_free(&s);
  nrf_lfp_free(&lfp);
  nrf_extract_free(x);
}

static void two_segments_fit_into_the_time_of_the_stimulus(void **state)
{
  static const struct {
    int64_t rows;
    int     segment;
  } expected[] = {{1000, 256}, {512, 256}, {511, 128}, {256, 128}, {255, 64}, {32, 16}, {31, 16}, {0, 16}};
  (void)state;
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    nrf_extract x                  = {0};
    x.window[NRF_WINDOW_DUR].count = expected[i].rows;
    assert_int_equal(nrf_spectrogram_segment(&x), expected[i].segment);
  }
}

/* Under the window's symmetric Hann, of 255 intervals, a bin of Welch's estimate is not quite one here. */
static void spectrograms_of_a_period_hold_nothing_of_another(void **state)
{
  (void)state;
  nrf_extract              *x = extract_of(planted);
  nrf_lfp                   lfp;
  nrf_contrast_spectrograms s;
  double                    mean[NRF_SPECTROGRAM_SEGMENT / 2 + 1];
  must(nrf_lfp_create(x, &preferences, NRF_CENTRAL_NEURON, &lfp));
  must(nrf_contrast_spectrograms_of(x, &lfp, NRF_SPECTROGRAM_SEGMENT, &s));
  for (int i = 0; i < CONTRASTS; i++) {
    assert_int_equal(nrf_spectrogram_mean(x, &s, i, x->window[NRF_WINDOW_DUR], mean),
                     DUR - NRF_SPECTROGRAM_SEGMENT + 1);
    assert_int_equal(nrf_spectral_peak_of((int)s.bins, s.frequency, mean).bin, BIN[i]);
    assert_true(mean[70] < 1e-5 * mean[BIN[i]]);
    assert_int_equal(nrf_spectrogram_mean(x, &s, i, x->window[NRF_WINDOW_PRE], mean), 0);
    assert_true(isnan(mean[BIN[i]]));
  }
  nrf_contrast_spectrograms_free(&s);
  nrf_lfp_free(&lfp);
  nrf_extract_free(x);
}

/* From ten times the amplitude to one: -20 dB. The lowest contrast's oscillation, 19 Hz, is below the band. */
static void the_band_is_compared_with_the_time_before(void **state)
{
  (void)state;
  nrf_extract   *x = extract_of(planted);
  nrf_lfp        lfp;
  nrf_band_power band[CONTRASTS * (TUNED + 1)];
  must(nrf_lfp_create(x, &preferences, NRF_CENTRAL_NEURON, &lfp));
  assert_int_equal(lfp.parts, CONTRASTS * (TUNED + 1));
  must(nrf_band_powers(x, &lfp, band));
  for (int i = 0; i < lfp.parts; i++) {
    assert_relative(band[i].before, 100.0 * AMPLITUDE * AMPLITUDE / 2.0, 0.02);
    if (lfp.part[i].contrast == 0)
      assert_true(band[i].change < -25.0);
    else
      assert_near(band[i].change, -20.0, 0.1);
  }
  nrf_lfp_free(&lfp);
  nrf_extract_free(x);
}

/* ---- resampling ------------------------------------------------------------------------------------------ */

static void resample(const nrf_extract *x, const nrf_lfp *lfp, uint64_t seed, int threads,
                     nrf_resampled_peaks *out)
{
  must(nrf_resample_peaks(lfp, x->window[NRF_WINDOW_DUR], RATE, nrf_rng_at(seed, NRF_RNG_TEST, 0, 0), threads,
                          NULL, out));
}

static void peaks_that_all_channels_share_do_not_depend_on_which_are_drawn(void **state)
{
  (void)state;
  nrf_extract        *x = extract_of(planted);
  nrf_lfp             lfp;
  nrf_resampled_peaks peaks;
  must(nrf_lfp_create(x, &preferences, NRF_CENTRAL_NEURON, &lfp));
  resample(x, &lfp, 1, 2, &peaks);
  for (int k = 0; k < CONTRASTS; k++) {
    const nrf_interval ends = nrf_peak_interval(&peaks, k, 0.95);
    assert_near(ends.lower, BIN[k] * RATE / NRF_WELCH_SEGMENT, 1e-12);
    assert_near(ends.upper, BIN[k] * RATE / NRF_WELCH_SEGMENT, 1e-12);
  }
  const nrf_interval shift = nrf_peak_shift_interval(&peaks, 0, 2, 0.95);
  assert_near(shift.lower, (BIN[2] - BIN[0]) * RATE / NRF_WELCH_SEGMENT, 1e-12);
  assert_near(shift.upper, (BIN[2] - BIN[0]) * RATE / NRF_WELCH_SEGMENT, 1e-12);
  nrf_resampled_peaks_free(&peaks);
  nrf_lfp_free(&lfp);
  nrf_extract_free(x);
}

/* One of six channels is not drawn with probability (5 / 6)^6 = 0.335; the peak is then that of the others. With the same draws
 * for all contrasts, all peaks move together. */
static void a_peak_of_one_channel_comes_and_goes(void **state)
{
  (void)state;
  nrf_extract        *x = extract_of(planted_with_an_odd_channel);
  nrf_lfp             lfp;
  nrf_resampled_peaks peaks, again;
  int                 without = 0;
  must(nrf_lfp_create(x, &preferences, NRF_CENTRAL_NEURON, &lfp));
  assert_true(nrf_lfp_same_channels(&lfp, 0, 2));
  resample(x, &lfp, 1, 2, &peaks);
  resample(x, &lfp, 1, 1, &again);
  for (int i = 0; i < NRF_PEAK_RESAMPLES; i++)
    without += fabs(peaks.frequency[i] - BIN[0] * RATE / NRF_WELCH_SEGMENT) < 1e-9;
  assert_near((double)without / NRF_PEAK_RESAMPLES, pow(5.0 / 6.0, 6.0), 0.045); /* 4 sd */
  assert_memory_equal(peaks.frequency, again.frequency,
                      (size_t)CONTRASTS * NRF_PEAK_RESAMPLES * sizeof *peaks.frequency);
  const nrf_interval ends  = nrf_peak_interval(&peaks, 1, 0.95),
                     shift = nrf_peak_shift_interval(&peaks, 0, 2, 0.95);
  assert_near(ends.lower, BIN[1] * RATE / NRF_WELCH_SEGMENT, 1e-9);
  assert_near(ends.upper, (BIN[1] + 10) * RATE / NRF_WELCH_SEGMENT, 1e-9);
  assert_near(shift.lower, shift.upper, 1e-9);
  nrf_resampled_peaks_free(&peaks);
  nrf_resampled_peaks_free(&again);
  nrf_lfp_free(&lfp);
  nrf_extract_free(x);
}

/* Whether the odd channel is in a draw says nothing about the next one. */
static void draws_are_independent_of_each_other(void **state)
{
  (void)state;
  nrf_extract        *x = extract_of(planted_with_an_odd_channel);
  nrf_lfp             lfp;
  nrf_resampled_peaks peaks;
  double              mean = 0.0, variance = 0.0, shared = 0.0, without[NRF_PEAK_RESAMPLES];
  must(nrf_lfp_create(x, &preferences, NRF_CENTRAL_NEURON, &lfp));
  resample(x, &lfp, 1, 1, &peaks);
  for (int i = 0; i < NRF_PEAK_RESAMPLES; i++) {
    without[i] = fabs(peaks.frequency[i] - BIN[0] * RATE / NRF_WELCH_SEGMENT) < 1e-9;
    mean += without[i] / NRF_PEAK_RESAMPLES;
  }
  for (int i = 0; i < NRF_PEAK_RESAMPLES; i++) {
    const double next = without[(i + 1) % NRF_PEAK_RESAMPLES];
    variance += (without[i] - mean) * (without[i] - mean);
    shared += (without[i] - mean) * (next - mean);
  }
  assert_near(shared / variance, 0.0, 4.0 / sqrt(NRF_PEAK_RESAMPLES));
  nrf_resampled_peaks_free(&peaks);
  nrf_lfp_free(&lfp);
  nrf_extract_free(x);
}

static void peaks_that_are_missing_too_often_have_no_interval(void **state)
{
  (void)state;
  double              frequency[NRF_PEAK_RESAMPLES];
  nrf_resampled_peaks peaks = {1, frequency};
  for (int missing = 4; missing <= 6; missing += 2) { /* percent */
    for (int i = 0; i < NRF_PEAK_RESAMPLES; i++) frequency[i] = i % 100 < missing ? NAN : 30.0;
    assert_int_equal(isnan(nrf_peak_interval(&peaks, 0, 0.95).lower), missing > 5);
  }
}

static void few_channels_are_not_resampled(void **state)
{
  (void)state;
  const nrf_preferences three = {NRF_PEAK_CHANNELS - 1, preferences.channel};
  nrf_extract          *x     = extract_of(planted);
  nrf_lfp               lfp;
  nrf_resampled_peaks   peaks;
  must(nrf_lfp_create(x, &three, NRF_CENTRAL_NEURON, &lfp));
  resample(x, &lfp, 1, 1, &peaks);
  assert_true(isnan(nrf_peak_interval(&peaks, 0, 0.95).lower));
  nrf_resampled_peaks_free(&peaks);
  nrf_lfp_free(&lfp);
  nrf_extract_free(x);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_lfp_adds_up_what_matches_contrast_by_contrast),
      cmocka_unit_test(traces_that_are_not_finite_are_left_out_and_counted),
      cmocka_unit_test(without_a_match_there_is_no_lfp),
      cmocka_unit_test(spectra_have_their_peak_where_the_contrast_says),
      cmocka_unit_test(a_spectrum_that_only_falls_or_rises_has_no_peak),
      cmocka_unit_test(the_interval_of_an_estimate_is_that_of_chi_square),
      cmocka_unit_test(spectrograms_tell_time_from_the_onset),
      cmocka_unit_test(two_segments_fit_into_the_time_of_the_stimulus),
      cmocka_unit_test(spectrograms_of_a_period_hold_nothing_of_another),
      cmocka_unit_test(the_band_is_compared_with_the_time_before),
      cmocka_unit_test(peaks_that_all_channels_share_do_not_depend_on_which_are_drawn),
      cmocka_unit_test(a_peak_of_one_channel_comes_and_goes),
      cmocka_unit_test(draws_are_independent_of_each_other),
      cmocka_unit_test(peaks_that_are_missing_too_often_have_no_interval),
      cmocka_unit_test(few_channels_are_not_resampled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
