/* summed_traces_test.c - responding neurons are added up, and their rhythm is found. */
#include "analysis/steps/summed_traces.h"

#include "support/close.h"
#include "support/memory_source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Images 0 to 3 show angle 0, 4 to 7 pi / 2, at contrasts 0, 1, 2, 3. Channel 0 prefers the first, 1 the second; 2 is not tuned. */
enum { IMAGES = 8, ANGLE_IMAGES = 4, CHANNELS = 3, SIZE = 5, PATCH = 9 };
enum { BURN = 10, PRE = 400, DUR = 600, POST = 100, ONSET = BURN + PRE, ROWS = ONSET + DUR + POST };
enum { PERIOD = 8 };

static const double RISE = 0.25, AMPLITUDE = 0.25, RATE = 1000.0 * 17.0 / 70.0;

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* ---- planted states -------------------------------------------------------------------------------------- */

static int contrast_of(int image)
{
  return image % ANGLE_IMAGES;
}

static bool is_during(int64_t onset, int64_t row)
{
  return row >= onset && row < onset + DUR;
}

static int64_t onset_of(const memory_source *s)
{
  return s->info.phase[2].first_step;
}

/* The corner of the patch never rises, nor does anything at contrast 0. */
static double planted_value(int64_t onset, int image, int64_t row, int h, int w)
{
  const bool responds = is_during(onset, row) && contrast_of(image) > 0 && !(h == 1 && w == 1);
  if (!responds) return row % 2 == 0 ? 0.125 : 0.0; /* some variance, and no mean that differs */
  return RISE * contrast_of(image) + AMPLITUDE * cos(2.0 * M_PI * (double)row / PERIOD);
}

static float planted(const memory_source *s, nrf_record_variable variable, int image, int channel,
                     int64_t row, int h, int w)
{
  (void)variable, (void)channel;
  return (float)planted_value(onset_of(s), image, row, h, w);
}

static float planted_noise(const memory_source *s, nrf_record_variable variable, int image, int channel,
                           int64_t row, int h, int w)
{
  const double rise = is_during(onset_of(s), row) ? RISE : 0.0;
  return (float)rise + 0.125F * memory_noise(s, variable, image, channel, row, h, w);
}

static nrf_extract *extract_of(float (*value)(const memory_source *s, nrf_record_variable variable, int image,
                                              int channel, int64_t row, int h, int w),
                               int64_t pre)
{
  nrf_extract  *x = NULL;
  memory_source s;
  memory_source_create(&s, "single/contrast_and_angle", IMAGES, CHANNELS, SIZE, SIZE);
  memory_source_set_phases(&s, BURN, pre, DUR, POST);
  s.value = value;
  for (int b = 0; b < IMAGES; b++) {
    s.image[b].angle    = b < ANGLE_IMAGES ? 0.0 : M_PI / 2.0;
    s.image[b].contrast = contrast_of(b);
  }
  must(memory_source_extract(&s, &x));
  return x;
}

static const nrf_preferences preferences = {
    CHANNELS, (nrf_preference[]){{.channel = 0, .angle = 0.1, .amplitude = 0.08},
                                 {.channel = 1, .angle = M_PI / 2.0, .amplitude = 0.08},
                                 {.channel = 2, .angle = 0.0, .amplitude = 0.03}}};

/* ---- sums ------------------------------------------------------------------------------------------------ */

static void sums_are_of_neurons_that_match_and_are_active(void **state)
{
  (void)state;
  nrf_extract *x = extract_of(planted, PRE);
  for (int patch = 0; patch < 2; patch++) {
    nrf_summed_traces s;
    const int         neurons = patch ? PATCH - 1 : 1; /* the corner does not respond */
    must(nrf_summed_traces_of(x, &preferences, patch ? NRF_CENTRAL_PATCH : NRF_CENTRAL_NEURON, &s));
    assert_int_equal(s.channels, CHANNELS);
    for (int c = 0; c < 2; c++) {
      assert_int_equal(s.channel[c].sum.traces, 3 * neurons);
      assert_int_equal(s.channel[c].images, 3);
      assert_int_equal(s.channel[c].without_stimulus, 0);
      for (int64_t t = 0; t < ROWS; t++) {
        double expected = 0.0;
        for (int b = 1; b < ANGLE_IMAGES; b++) expected += neurons * planted_value(ONSET, b, t, 2, 2);
        assert_near(s.channel[c].sum.sum[t], expected, 1e-5);
      }
    }
    assert_int_equal(s.channel[2].sum.traces, 0);
    assert_int_equal(s.channel[2].images, 0);
    nrf_summed_traces_free(&s);
  }
  nrf_extract_free(x);
}

/* All rise: also those of contrast 0, which shows nothing. */
static void images_without_a_stimulus_are_counted(void **state)
{
  (void)state;
  nrf_extract      *x = extract_of(planted_noise, PRE);
  nrf_summed_traces s;
  must(nrf_summed_traces_of(x, &preferences, NRF_CENTRAL_PATCH, &s));
  assert_int_equal(s.channel[0].sum.traces, ANGLE_IMAGES * PATCH);
  assert_int_equal(s.channel[0].images, ANGLE_IMAGES);
  assert_int_equal(s.channel[0].without_stimulus, 1);
  nrf_summed_traces_free(&s);
  nrf_extract_free(x);
}

/* ---- rhythm ---------------------------------------------------------------------------------------------- */

/* A cosine of N samples: its autocorrelation falls off as the overlap does, (N - lag) / N. */
static void an_oscillation_has_a_side_peak_at_its_period(void **state)
{
  (void)state;
  nrf_extract      *x = extract_of(planted, PRE);
  nrf_summed_traces s;
  must(nrf_summed_traces_of(x, &preferences, NRF_CENTRAL_NEURON, &s));
  const nrf_summed_trace *t = &s.channel[1];
  assert_int_equal(s.max_lag[NRF_SUMMED_DURING], DUR - 1);
  assert_int_equal(s.max_lag[NRF_SUMMED_BEFORE], PRE - 1);
  assert_near(t->autocorrelation[NRF_SUMMED_DURING][DUR - 1], 1.0, 1e-12);
  assert_int_equal(t->side[NRF_SUMMED_DURING].lag, PERIOD);
  assert_near(t->side[NRF_SUMMED_DURING].height, (double)(DUR - PERIOD) / DUR, 1e-3);
  assert_int_equal(t->side[NRF_SUMMED_BEFORE].lag, 2);
  assert_near(t->peak_frequency, RATE / PERIOD, 1e-9); /* a bin of Welch's estimate */
  nrf_summed_traces_free(&s);
  nrf_extract_free(x);
}

static void a_channel_without_traces_has_no_rhythm(void **state)
{
  (void)state;
  nrf_extract      *x = extract_of(planted, PRE);
  nrf_summed_traces s;
  must(nrf_summed_traces_of(x, &preferences, NRF_CENTRAL_NEURON, &s));
  assert_int_equal(s.channel[2].side[NRF_SUMMED_DURING].lag, 0);
  assert_true(isnan(s.channel[2].autocorrelation[NRF_SUMMED_DURING][0]));
  assert_true(isnan(s.channel[2].peak_frequency));
  nrf_summed_traces_free(&s);
  nrf_extract_free(x);
}

static void the_highest_side_peak_counts_and_ripples_do_not(void **state)
{
  (void)state;
  static const double curve[] = {1.0, 0.2, 0.3, 0.28, 0.6, 0.1, 0.5, 0.0};
  static const double falls[] = {1.0, 0.5, 0.51, 0.2, 0.1};
  assert_int_equal(nrf_side_peak_of(7, curve).lag, 4);
  assert_near(nrf_side_peak_of(7, curve).height, 0.6, 0.0);
  assert_int_equal(nrf_side_peak_of(4, falls).lag, 0);
  assert_true(isnan(nrf_side_peak_of(4, falls).height));
}

static void nothing_before_the_stimulus_is_no_error(void **state)
{
  (void)state;
  nrf_extract      *x = extract_of(planted, 0);
  nrf_summed_traces s;
  must(nrf_summed_traces_of(x, &preferences, NRF_CENTRAL_NEURON, &s));
  assert_int_equal(s.max_lag[NRF_SUMMED_BEFORE], -1);
  assert_int_equal(s.channel[0].side[NRF_SUMMED_BEFORE].lag, 0);
  assert_int_equal(s.channel[0].side[NRF_SUMMED_DURING].lag, PERIOD);
  nrf_summed_traces_free(&s);
  nrf_extract_free(x);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_are_of_neurons_that_match_and_are_active),
      cmocka_unit_test(images_without_a_stimulus_are_counted),
      cmocka_unit_test(an_oscillation_has_a_side_peak_at_its_period),
      cmocka_unit_test(a_channel_without_traces_has_no_rhythm),
      cmocka_unit_test(the_highest_side_peak_counts_and_ripples_do_not),
      cmocka_unit_test(nothing_before_the_stimulus_is_no_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
