/* oscillations_test.c - planted oscillations are found again, in the right neurons, and followed over contrasts. */
#include "analysis/steps/contrast_frequency.h"
#include "analysis/steps/oscillations.h"

#include "nrflv/memory.h"

#include "support/close.h"
#include "support/memory_source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Two angles, three contrasts; the centre is (2, 2). */
enum { ANGLES = 2, CONTRASTS = 3, IMAGES = 6, CHANNELS = 3, SIZE = 5, PATCH = 9 };
enum { BURN = 20, PRE = 300, DUR = 400, POST = 200, ONSET = BURN + PRE, OFFSET = ONSET + DUR };

static const double CONTRAST[CONTRASTS] = {0.0, 1.0, 2.0};

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* ---- planted states -------------------------------------------------------------------------------------- */

static double contrast_of(int image)
{
  return CONTRAST[image % CONTRASTS];
}

static double angle_of(int image)
{
  return image / CONTRASTS * M_PI / 2.0;
}

/* Cycles per step. All are on bins of the spectra of their windows, so that no power leaks away. */
static const double BEFORE = 0.05, STRONG = 0.1, MEDIUM = 0.2, WEAK = 0.3;

static double amplitude_of(int channel, double contrast)
{
  return 0.02 * (channel + 1) * contrast;
}

/* Of channel 0 and images of the second angle, of channel 1 and the first: the stimulus raises those states, and they
 * oscillate, at three frequencies of which two are strong, about a line. */
static float planted(const memory_source *s, nrf_record_variable variable, int image, int channel,
                     int64_t row, int h, int w)
{
  const double cycle = 2.0 * M_PI * (double)row, a = amplitude_of(channel, contrast_of(image));
  const bool   during = row >= ONSET && row < OFFSET;
  const double noise  = 1e-4 * (double)memory_noise(s, variable, image, channel, row, h, w);
  if (channel == 2 && contrast_of(image) > 0.0 && during)
    return (float)(0.5 + noise); /* untuned, but active */
  if (!during) return (float)(0.1 + 0.01 * cos(cycle * BEFORE) + noise);
  const double drift = 5e-4 * (double)(row - ONSET - DUR / 2);
  return (float)(0.1 + 0.1 * contrast_of(image) - 0.01 + drift + a * cos(cycle * STRONG) +
                 a * sqrt(0.7) * cos(cycle * MEDIUM) + a * sqrt(0.3) * cos(cycle * WEAK) + noise);
}

static float with_a_bad_trace(const memory_source *s, nrf_record_variable variable, int image, int channel,
                              int64_t row, int h, int w)
{
  if (image == 1 && channel == 1 && h == 1 && w == 3 && row == 4) return INFINITY; /* in the burn-in */
  return planted(s, variable, image, channel, row, h, w);
}

/* With contrast 1 two peaks, two bins apart; with 2 a state that alternates, whose spectrum only rises. */
static float with_odd_spectra(const memory_source *s, nrf_record_variable variable, int image, int channel,
                              int64_t row, int h, int w)
{
  if (row < ONSET || row >= OFFSET || contrast_of(image) <= 0.0)
    return planted(s, variable, image, channel, row, h, w);
  const double cycle = 2.0 * M_PI * (double)(row - ONSET);
  if (contrast_of(image) > 1.5) return row % 2 == 0 ? 0.7f : 0.5f;
  return (float)(0.5 + 0.1 * cos(cycle * STRONG) - 0.09 * cos(cycle * (STRONG + 2.0 / DUR)));
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
    s.image[b].angle    = angle_of(b);
    s.image[b].contrast = contrast_of(b);
  }
  must(memory_source_extract(&s, &x));
  return x;
}

static const nrf_preferences preferences = {
    CHANNELS, (nrf_preference[]){{.channel = 0, .angle = M_PI / 2.0 - 0.1, .amplitude = 0.08},
                                 {.channel = 1, .angle = 0.1, .amplitude = 0.08},
                                 {.channel = 2, .angle = 0.0, .amplitude = 0.03}}};

typedef struct found {
  nrf_extract             *x;
  nrf_oscillation_spectra *spectra;
  nrf_oscillations         all;
} found;

static found find(double rate, int threads, nrf_extract *x)
{
  found f = {.x = x};
  must(nrf_oscillation_spectra_create(x, rate, &f.spectra));
  must(nrf_oscillations_create(x, &preferences, f.spectra, threads, NULL, &f.all));
  return f;
}

static void forget(found *f)
{
  nrf_oscillations_free(&f->all);
  nrf_oscillation_spectra_free(f->spectra);
  nrf_extract_free(f->x);
}

/* ---- spectra --------------------------------------------------------------------------------------------- */

static void neurons_are_active_and_matched_and_in_order(void **state)
{
  (void)state;
  found f = find(1.0, 1, extract_of(planted));
  assert_int_equal(f.all.n, 2 * (CONTRASTS - 1) * PATCH); /* without contrast nothing rises */
  assert_int_equal(f.all.not_finite, 0);
  for (int64_t i = 0; i < f.all.n; i++) {
    const nrf_oscillating_neuron *n = &f.all.neuron[i];
    assert_int_equal(n->channel, i / PATCH / 2);
    assert_int_equal(n->image, (n->channel == 0 ? CONTRASTS : 0) + 1 + i / PATCH % 2);
    assert_int_equal(n->height, 1 + i % PATCH / 3);
    assert_int_equal(n->width, 1 + i % 3);
    assert_near(n->contrast, contrast_of(n->image), 0.0);
    assert_near(n->angle, angle_of(n->image), 0.0);
  }
  forget(&f);
}

static void peaks_are_at_the_strong_frequencies_with_half_the_square_of_the_amplitude(void **state)
{
  (void)state;
  static const double RATE = 250.0;
  found               f    = find(RATE, 1, extract_of(planted));
  for (int64_t i = 0; i < f.all.n; i++) {
    const nrf_oscillating_neuron *n      = &f.all.neuron[i];
    const nrf_oscillation        *during = &n->spectrum[NRF_SPECTRUM_DURING];
    const double                  a = amplitude_of(n->channel, n->contrast), power = a * a / 2.0;
    assert_int_equal(during->peaks, 2);
    assert_near(during->frequency[0], STRONG * RATE, 1e-9);
    assert_near(during->frequency[1], MEDIUM * RATE, 1e-9);
    assert_relative(during->power[0], power, 0.01);
    assert_relative(during->power[1], 0.7 * power, 0.01);
    assert_near(during->main_frequency, STRONG * RATE, 1e-9);
    assert_near(during->max_peak_power, during->power[0], 0.0);
    assert_relative(during->peak_product, RATE * power * (STRONG + 0.7 * MEDIUM), 0.01);
    assert_relative(during->freq_power_product, 1.5 * RATE * power * (STRONG + 0.7 * MEDIUM + 0.3 * WEAK),
                    0.02);

    const nrf_oscillation *pre = &n->spectrum[NRF_SPECTRUM_PRE], *post = &n->spectrum[NRF_SPECTRUM_POST];
    assert_int_equal(pre->peaks, 1);
    assert_near(pre->main_frequency, BEFORE * RATE, 1e-9);
    assert_relative(pre->max_peak_power, 0.01 * 0.01 / 2.0, 0.02);
    assert_near(post->main_frequency, BEFORE * RATE, 1e-9);
  }
  forget(&f);
}

static void peaks_are_three_bins_apart_and_without_any_the_maximum_counts(void **state)
{
  (void)state;
  found f = find(1.0, 1, extract_of(with_odd_spectra));
  assert_int_equal(f.all.n, 2 * (CONTRASTS - 1) * PATCH);
  for (int64_t i = 0; i < f.all.n; i++) {
    const nrf_oscillation *during = &f.all.neuron[i].spectrum[NRF_SPECTRUM_DURING];
    assert_int_equal(during->peaks, 1);
    assert_near(during->main_frequency, f.all.neuron[i].contrast > 1.5 ? 0.5 : STRONG, 1e-12);
  }
  forget(&f);
}

static void spectra_are_of_their_windows(void **state)
{
  (void)state;
  found f = find(1.0, 1, extract_of(planted));
  assert_int_equal(nrf_oscillation_bins(f.spectra, NRF_SPECTRUM_DURING), DUR / 2 + 1);
  assert_int_equal(nrf_oscillation_bins(f.spectra, NRF_SPECTRUM_PRE), PRE / 2 + 1);
  assert_int_equal(nrf_oscillation_bins(f.spectra, NRF_SPECTRUM_POST), POST / 2 + 1);
  assert_int_equal(nrf_oscillation_bins(f.spectra, NRF_SPECTRUM_SPLICED), (BURN + PRE + POST) / 2 + 1);
  assert_near(nrf_oscillation_frequency(f.spectra, NRF_SPECTRUM_DURING, DUR / 2), 0.5, 1e-12);
  forget(&f);
}

static void channels_have_the_mean_spectrum_of_their_neurons(void **state)
{
  (void)state;
  found   f    = find(1.0, 1, extract_of(planted));
  double *work = NULL, power[DUR / 2 + 1], mean[DUR / 2 + 1] = {0.0};
  must(nrf_alloc((size_t)nrf_oscillation_work(f.spectra) * sizeof *work, "test", (void **)&work));
  assert_int_equal(f.all.n_channels, 2 * (CONTRASTS - 1));
  for (int i = 0; i < f.all.n_channels; i++) {
    assert_int_equal(f.all.channel[i].c, i / 2);
    assert_near(f.all.channel[i].contrast, CONTRAST[1 + i % 2], 0.0);
    assert_int_equal(f.all.channel[i].neurons, PATCH);
  }
  for (int k = 0; k < PATCH; k++) { /* the first ones: channel 0, contrast 1 */
    const nrf_oscillating_neuron *n = &f.all.neuron[k];
    nrf_oscillation_power(f.spectra, NRF_SPECTRUM_DURING,
                          nrf_extract_trace(f.x, NRF_RECORD_STATE, n->c, n->b, n->h, n->w), work, power);
    for (int j = 0; j <= DUR / 2; j++) mean[j] += power[j] / PATCH;
  }
  for (int j = 0; j <= DUR / 2; j++)
    assert_near(f.all.channel[0].power[NRF_SPECTRUM_DURING][j], mean[j], 1e-15);
  nrf_free(work);
  forget(&f);
}

static void traces_that_are_not_finite_are_left_out(void **state)
{
  (void)state;
  found f = find(1.0, 1, extract_of(with_a_bad_trace));
  assert_int_equal(f.all.not_finite, 1);
  assert_int_equal(f.all.n, 2 * (CONTRASTS - 1) * PATCH - 1);
  forget(&f);
}

static void spectra_do_not_depend_on_threads(void **state)
{
  (void)state;
  found one = find(1.0, 1, extract_of(planted)), three = find(1.0, 3, extract_of(planted));
  assert_int_equal(one.all.n, three.all.n);
  assert_memory_equal(one.all.neuron, three.all.neuron, (size_t)one.all.n * sizeof *one.all.neuron);
  for (int i = 0; i < one.all.n_channels; i++)
    assert_memory_equal(one.all.channel[i].power[NRF_SPECTRUM_PRE],
                        three.all.channel[i].power[NRF_SPECTRUM_PRE], (PRE / 2 + 1) * sizeof(double));
  forget(&one);
  forget(&three);
}

/* ---- the table ------------------------------------------------------------------------------------------- */

static void neurons_come_back_from_their_table(void **state)
{
  (void)state;
  found f = find(1.0, 1, extract_of(planted));
  for (int as_written = 0; as_written < 2; as_written++) {
    nrf_table              *table = NULL;
    nrf_oscillating_neuron *back  = NULL;
    int64_t                 n;
    must(nrf_oscillations_table(&f.all, as_written, &table));
    must(nrf_oscillations_of_table(table, as_written, &n, &back));
    assert_int_equal(n, f.all.n);
    assert_true((nrf_table_find(table, "main_freq_outside") >= 0) == (as_written == 1));
    assert_true((nrf_table_find(table, "main_freq_pre") >= 0) == (as_written == 0));
    assert_string_equal(nrf_table_column(table, nrf_table_find(table, "main_freq_during"))->unit,
                        as_written ? "1/timestep" : "Hz");
    for (int64_t i = 0; i < n; i++) {
      assert_int_equal(back[i].channel, f.all.neuron[i].channel);
      assert_near(back[i].contrast, f.all.neuron[i].contrast, 0.0);
      for (int of = 0; of < NRF_SPECTRA; of++) {
        const nrf_oscillation *ours = &back[i].spectrum[of], *theirs = &f.all.neuron[i].spectrum[of];
        const bool             is_there = nrf_is_tabulated((nrf_spectrum_of)of, as_written);
        assert_int_equal(ours->peaks, is_there ? theirs->peaks : 0);
        assert_near(ours->peak_product, is_there ? theirs->peak_product : 0.0, 0.0);
        assert_near(ours->max_peak_power, is_there ? theirs->max_peak_power : 0.0, 0.0);
      }
    }
    nrf_free(back);
    nrf_table_free(table);
  }
  forget(&f);
}

/* ---- over contrasts -------------------------------------------------------------------------------------- */

static nrf_oscillating_neuron neuron_of(int channel, double contrast, double during, double pre)
{
  static const double    STRONG_ENOUGH = 2e-5;
  nrf_oscillating_neuron n             = {.channel = channel, .contrast = contrast};
  n.spectrum[NRF_SPECTRUM_DURING] =
      (nrf_oscillation){.peaks = 1, .peak_product = during, .max_peak_power = STRONG_ENOUGH};
  n.spectrum[NRF_SPECTRUM_PRE] =
      (nrf_oscillation){.peaks = 1, .peak_product = pre, .max_peak_power = STRONG_ENOUGH};
  return n;
}

static void products_grow_with_contrast_as_planted(void **state)
{
  (void)state;
  /* Channel 4 doubles, channel 7 is multiplied by 8 per half a unit of contrast. */
  nrf_oscillating_neuron   neuron[] = {neuron_of(4, 0.5, 2.0, 1.0),  neuron_of(4, 0.0, 1.0, 1.0),
                                       neuron_of(4, 0.5, 4.0, 1.0),  neuron_of(4, 0.0, 2.0, 1.0),
                                       neuron_of(7, 0.0, 1.0, 2.0),  neuron_of(7, 0.5, 8.0, 2.0),
                                       neuron_of(7, 0.5, 99.0, 2.0), neuron_of(7, 0.0, 0.0, 2.0)};
  const int64_t            n        = sizeof neuron / sizeof *neuron;
  nrf_contrast_frequencies f;
  neuron[6].spectrum[NRF_SPECTRUM_DURING].max_peak_power = 0.9e-5; /* too weak */
  must(nrf_contrast_frequencies_of(n, neuron, NRF_SPECTRUM_DURING, NRF_SPECTRUM_DURING, &f));
  assert_int_equal(f.n, 2);
  assert_near(f.at[0].contrast, 0.0, 0.0);
  assert_near(f.at[1].contrast, 0.5, 0.0);
  assert_int_equal(f.at[0].n, 3); /* one has no product */
  assert_int_equal(f.at[1].n, 3); /* one is too weak    */
  assert_near(f.at[0].mean, 4.0 / 3.0, 1e-12);
  assert_near(f.at[1].mean, 14.0 / 3.0, 1e-12);
  assert_int_equal(f.at[0].channels.n, 2);
  assert_near(exp(f.at[0].channels.mean), sqrt(1.5 * 1.0), 1e-12);
  assert_near(exp(f.at[1].channels.mean), sqrt(3.0 * 8.0), 1e-12);
  assert_int_equal(f.slope.n, 2);
  assert_near(exp(f.slope.mean), 16.0, 1e-12);

  must(nrf_contrast_frequencies_of(n, neuron, NRF_SPECTRUM_PRE, NRF_SPECTRUM_PRE, &f));
  assert_int_equal(f.at[0].n + f.at[1].n, n);
  assert_near(exp(f.slope.mean), 1.0, 1e-12);
  must(nrf_contrast_frequencies_of(n, neuron, NRF_SPECTRUM_PRE, NRF_SPECTRUM_DURING, &f));
  assert_int_equal(f.at[0].n + f.at[1].n, n - 2);

  const nrf_moments ratio = nrf_contrast_frequency_ratio(n, neuron, 0.5, NRF_SPECTRUM_PRE);
  assert_int_equal(ratio.n, 2);
  assert_near(exp(ratio.mean), sqrt(3.0 / 1.0 * 8.0 / 2.0), 1e-12);
}

static void ratios_are_of_neurons_that_oscillate_in_both_windows(void **state)
{
  (void)state;
  nrf_oscillating_neuron neuron[] = {neuron_of(4, 1.0, 6.0, 2.0), neuron_of(4, 1.0, 50.0, 1.0),
                                     neuron_of(4, 1.0, 90.0, 3.0)};
  neuron[1].spectrum[NRF_SPECTRUM_PRE].max_peak_power    = 0.9e-5;
  neuron[2].spectrum[NRF_SPECTRUM_DURING].max_peak_power = 0.9e-5;
  const nrf_moments ratio = nrf_contrast_frequency_ratio(3, neuron, 1.0, NRF_SPECTRUM_PRE);
  assert_int_equal(ratio.n, 1);
  assert_near(exp(ratio.mean), 3.0, 1e-12);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(neurons_are_active_and_matched_and_in_order),
      cmocka_unit_test(peaks_are_at_the_strong_frequencies_with_half_the_square_of_the_amplitude),
      cmocka_unit_test(peaks_are_three_bins_apart_and_without_any_the_maximum_counts),
      cmocka_unit_test(spectra_are_of_their_windows),
      cmocka_unit_test(channels_have_the_mean_spectrum_of_their_neurons),
      cmocka_unit_test(traces_that_are_not_finite_are_left_out),
      cmocka_unit_test(spectra_do_not_depend_on_threads),
      cmocka_unit_test(neurons_come_back_from_their_table),
      cmocka_unit_test(products_grow_with_contrast_as_planted),
      cmocka_unit_test(ratios_are_of_neurons_that_oscillate_in_both_windows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
