/* transients_test.c - planted responses to contrasts are found again, summed over the right neurons. */
#include "analysis/steps/state_traces.h"
#include "analysis/steps/transients.h"

#include "support/close.h"
#include "support/memory_source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Two angles, three contrasts, twice; the centre is (2, 2). */
enum { ANGLES = 2, CONTRASTS = 3, IMAGES = 12, CHANNELS = 3, SIZE = 5, PATCH = 9 };
enum {
  BURN   = 10,
  PRE    = 200,
  DUR    = 400,
  POST   = 100,
  ONSET  = BURN + PRE,
  OFFSET = ONSET + DUR,
  ROWS   = OFFSET + POST
};
enum { PEAK_ROWS = 49 /* 200 ms */, DIP_ROWS = 20, DUR_DIP_ROWS = 40 };

static const double CONTRAST[CONTRASTS] = {0.0, 1.0, 2.0}, BASE = 0.25, PEAK = 0.25, SUSTAINED = 0.125,
                    DIP = 0.25;

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* ---- planted states -------------------------------------------------------------------------------------- */

/* Not in the order of contrasts: images 0 to 5 have contrasts 2, 0, 1, 2, 0, 1, and angles 0, pi / 2, 0, ... */
static double contrast_of(int image)
{
  return CONTRAST[(image + 2) % CONTRASTS];
}

static double angle_of(int image)
{
  return image % ANGLES * M_PI / 2.0;
}

/* Below the baseline, and rectified away: before the stimulus, and for longer during it, so that without contrast the mean falls. */
static bool is_dip(int64_t t)
{
  return (t >= ONSET - 60 && t < ONSET - 60 + DIP_ROWS) ||
         (t >= ONSET + 100 && t < ONSET + 100 + DUR_DIP_ROWS);
}

/* What the state adds to BASE, per contrast. */
static double response(int64_t t)
{
  if (t < ONSET || t >= OFFSET || is_dip(t)) return 0.0;
  return t < ONSET + PEAK_ROWS ? PEAK : SUSTAINED;
}

static float planted(const memory_source *s, nrf_record_variable variable, int image, int channel,
                     int64_t row, int h, int w)
{
  (void)s, (void)variable, (void)h, (void)w;
  if (is_dip(row)) return (float)(BASE - DIP);
  return (float)(BASE + (channel + 1) * contrast_of(image) * response(row));
}

static float planted_with_a_bad_trace(const memory_source *s, nrf_record_variable variable, int image,
                                      int channel, int64_t row, int h, int w)
{
  if (image == 0 && channel == 1 && h == 1 && w == 3 && row == ONSET + 7) return NAN;
  return planted(s, variable, image, channel, row, h, w);
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

/* A trace's baseline, and its mean outside the stimulus after rectifying. */
static const double OUTSIDE = PRE + POST;

static double baseline(void)
{
  return BASE - DIP * DIP_ROWS / OUTSIDE;
}

static double rectified_mean(void)
{
  return ((OUTSIDE - DIP_ROWS) * BASE + DIP_ROWS * baseline()) / OUTSIDE;
}

/* Channel 0 prefers pi / 2, channel 1 angle 0, channel 2 is not tuned. */
static const nrf_preferences preferences = {
    CHANNELS, (nrf_preference[]){{.channel = 0, .angle = M_PI / 2.0 + 0.1, .amplitude = 0.08},
                                 {.channel = 1, .angle = 2.0 * M_PI - 0.1, .amplitude = 0.08},
                                 {.channel = 2, .angle = 0.0, .amplitude = 0.03}}};

/* ---- transients ------------------------------------------------------------------------------------------ */

static void check_sum(const nrf_transient *r, double per_image, double neurons)
{
  for (int64_t t = 0; t < ROWS; t++) {
    const double raised = is_dip(t) ? baseline() : BASE;
    const double expected =
        4.0 * (per_image * r->contrast * response(t) + neurons * (raised - rectified_mean()));
    assert_near(r->sum[t], expected, 1e-9);
    assert_near(r->lower[t], expected, 1e-9); /* all images are alike */
    assert_near(r->upper[t], expected, 1e-9);
  }
}

static void transients_add_up_over_the_neurons_and_images_of_a_contrast(void **state)
{
  (void)state;
  nrf_extract *x = extract_of(planted);
  for (int patch = 0; patch < 2; patch++) {
    const nrf_transient_rules rules = {patch ? NRF_CENTRAL_PATCH : NRF_CENTRAL_NEURON, NULL};
    const double              sites = patch ? PATCH : 1;
    nrf_transients            all;
    must(nrf_transients_create(x, rules, 1, NULL, &all));
    assert_int_equal(all.n, CONTRASTS);
    assert_int_equal(all.not_finite, 0);
    for (int k = 0; k < CONTRASTS; k++) {
      assert_near(all.contrast[k].contrast, CONTRAST[k], 0.0);
      assert_int_equal(all.contrast[k].images, IMAGES / CONTRASTS);
      assert_int_equal(all.contrast[k].traces, IMAGES / CONTRASTS * CHANNELS * (int)sites);
      check_sum(&all.contrast[k], sites * (1 + 2 + 3), sites * CHANNELS);
    }
    nrf_transients_free(&all);
  }
  nrf_extract_free(x);
}

static void parts_are_means_per_neuron(void **state)
{
  (void)state;
  const double   above = BASE - rectified_mean(), channel = (1 + 2 + 3) / 3.0;
  nrf_extract   *x = extract_of(planted);
  nrf_transients all;
  must(nrf_transients_create(x, (nrf_transient_rules){NRF_CENTRAL_PATCH, NULL}, 1, NULL, &all));
  for (int k = 0; k < CONTRASTS; k++) {
    const nrf_moments *part = all.contrast[k].part;
    const double       gain = channel * CONTRAST[k];
    for (int p = 0; p < NRF_TRANSIENT_PARTS; p++) assert_int_equal(part[p].n, IMAGES / CONTRASTS);
    assert_near(part[NRF_TRANSIENT_ONSET].mean, above + gain * PEAK, 1e-9);
    assert_near(part[NRF_TRANSIENT_SUSTAINED].mean, above + gain * SUSTAINED, 1e-9);
    assert_near(part[NRF_TRANSIENT_OVERSHOOT].mean, gain * (PEAK - SUSTAINED), 1e-9);
    assert_near(part[NRF_TRANSIENT_OFFSET].mean, above, 1e-9);
  }
  nrf_transients_free(&all);
  nrf_extract_free(x);
}

enum { SHORT_DUR = 60, SHORT_POST = 20, SHORT_OFFSET = ONSET + SHORT_DUR };

static float planted_short(const memory_source *s, nrf_record_variable variable, int image, int channel,
                           int64_t row, int h, int w)
{
  (void)s, (void)variable, (void)image, (void)channel, (void)h, (void)w;
  if (row < ONSET || row >= SHORT_OFFSET) return (float)BASE;
  return (float)(BASE + (row < ONSET + SHORT_DUR / 2 ? PEAK : SUSTAINED));
}

/* Less than 200 ms: the onset is the first half of the stimulus, what follows it is as long as was recorded. */
static void parts_of_short_phases_end_with_them(void **state)
{
  (void)state;
  nrf_extract   *x = NULL;
  memory_source  s;
  nrf_transients all;
  memory_source_create(&s, "single/contrast_and_angle", 2, CHANNELS, SIZE, SIZE);
  memory_source_set_phases(&s, BURN, PRE, SHORT_DUR, SHORT_POST);
  s.value = planted_short;
  for (int b = 0; b < 2; b++) s.image[b].contrast = 1.0;
  must(memory_source_extract(&s, &x));
  must(nrf_transients_create(x, (nrf_transient_rules){NRF_CENTRAL_PATCH, NULL}, 1, NULL, &all));
  assert_near(all.contrast[0].part[NRF_TRANSIENT_ONSET].mean, PEAK, 1e-9);
  assert_near(all.contrast[0].part[NRF_TRANSIENT_SUSTAINED].mean, SUSTAINED, 1e-9);
  assert_near(all.contrast[0].part[NRF_TRANSIENT_OFFSET].mean, 0.0, 1e-9);
  nrf_transients_free(&all);
  nrf_extract_free(x);
}

static void matched_transients_are_of_active_neurons_that_prefer_the_stimulus(void **state)
{
  (void)state;
  nrf_extract   *x = extract_of(planted);
  nrf_transients all;
  must(nrf_transients_create(x, (nrf_transient_rules){NRF_CENTRAL_PATCH, &preferences}, 1, NULL, &all));
  assert_int_equal(all.contrast[0].images, 0); /* without contrast nothing rises */
  assert_int_equal(all.contrast[0].traces, 0);
  for (int k = 1; k < CONTRASTS; k++) {
    assert_int_equal(all.contrast[k].images, 4); /* two of each angle, one channel in each */
    assert_int_equal(all.contrast[k].traces, 4 * PATCH);
    const double low = baseline() - rectified_mean();
    assert_near(all.contrast[k].sum[ONSET - 50], 4 * PATCH * low, 1e-9);
    assert_near(all.contrast[k].sum[ONSET + 3],
                4 * PATCH * (BASE - rectified_mean()) + 2 * PATCH * (1 + 2) * CONTRAST[k] * PEAK, 1e-9);
    /* Images have a gain of 1 or 2, two of each: a variance of 1 / 3; quantile 0.975 of t with 3 degrees of freedom. */
    const double margin = 4 * 3.1824463053 * sqrt(1.0 / 3.0 / 4.0) * PATCH * CONTRAST[k] * PEAK;
    assert_relative(all.contrast[k].upper[ONSET + 3] - all.contrast[k].sum[ONSET + 3], margin, 1e-6);
    assert_relative(all.contrast[k].sum[ONSET + 3] - all.contrast[k].lower[ONSET + 3], margin, 1e-6);
  }
  nrf_transients_free(&all);
  nrf_extract_free(x);
}

static void traces_that_are_not_finite_are_left_out(void **state)
{
  (void)state;
  nrf_extract   *x = extract_of(planted_with_a_bad_trace);
  nrf_transients all;
  must(nrf_transients_create(x, (nrf_transient_rules){NRF_CENTRAL_PATCH, NULL}, 1, NULL, &all));
  assert_int_equal(all.not_finite, 1);
  assert_int_equal(all.contrast[2].traces, 4 * CHANNELS * PATCH - 1); /* image 0 has the strongest contrast */
  assert_int_equal(all.contrast[1].traces, 4 * CHANNELS * PATCH);
  for (int64_t t = 0; t < ROWS; t++) assert_true(isfinite(all.contrast[2].sum[t]));
  nrf_transients_free(&all);
  nrf_extract_free(x);
}

static void transients_do_not_depend_on_threads(void **state)
{
  (void)state;
  nrf_extract   *x = extract_of(NULL); /* noise */
  nrf_transients one, three;
  must(nrf_transients_create(x, (nrf_transient_rules){NRF_CENTRAL_PATCH, NULL}, 1, NULL, &one));
  must(nrf_transients_create(x, (nrf_transient_rules){NRF_CENTRAL_PATCH, NULL}, 3, NULL, &three));
  assert_memory_equal(one.memory, three.memory, (size_t)CONTRASTS * 3 * ROWS * sizeof(double));
  nrf_transients_free(&one);
  nrf_transients_free(&three);
  nrf_extract_free(x);
}

/* ---- state traces ---------------------------------------------------------------------------------------- */

static double mean_after(double gain)
{
  double sum = 0.0;
  for (int64_t t = ONSET; t < OFFSET; t++) sum += BASE + gain * response(t) - (is_dip(t) ? DIP : 0.0);
  return sum / DUR;
}

static void state_traces_are_of_matched_images_in_order_of_channel_and_contrast(void **state)
{
  (void)state;
  nrf_extract     *x = extract_of(planted);
  nrf_state_traces all;
  must(nrf_state_traces_create(x, NRF_CENTRAL_PATCH, &preferences, &all));
  assert_int_equal(all.n, 2 * IMAGES / ANGLES); /* two tuned channels */
  assert_int_equal(all.rows.first, 0);          /* 400 before the onset are more than there are */
  assert_int_equal(all.rows.count, OFFSET);
  assert_int_equal(all.onset, ONSET);
  for (int64_t i = 0; i < all.n; i++) {
    const nrf_state_trace *t = &all.trace[i];
    assert_int_equal(t->channel, i < all.n / 2 ? 0 : 1);
    assert_near(t->angle, t->channel == 0 ? M_PI / 2.0 : 0.0, 1e-12);
    assert_near(t->angle, angle_of(t->b), 1e-12);
    assert_near(t->contrast, CONTRAST[i % 6 / 2], 1e-12);
    assert_near(t->contrast, contrast_of(t->b), 1e-12);
    assert_int_equal(t->neurons, PATCH);
    const double gain = (t->channel + 1) * t->contrast;
    assert_near(t->sum[ONSET - 1], PATCH * BASE, 1e-9);
    assert_near(t->sum[ONSET], PATCH * (BASE + gain * PEAK), 1e-9);
    assert_near(t->before, BASE - DIP * DIP_ROWS / PRE, 1e-9);
    assert_near(t->after, mean_after(gain), 1e-9);
    if (i % 6 % 2 == 1) assert_true(all.trace[i - 1].b < t->b);
  }
  nrf_state_traces_free(&all);
  nrf_extract_free(x);
}

static void the_central_neuron_is_one_of_its_patch(void **state)
{
  (void)state;
  nrf_extract     *x = extract_of(planted_with_a_bad_trace);
  nrf_state_traces neuron, patch;
  must(nrf_state_traces_create(x, NRF_CENTRAL_NEURON, &preferences, &neuron));
  must(nrf_state_traces_create(x, NRF_CENTRAL_PATCH, &preferences, &patch));
  assert_int_equal(neuron.not_finite, 0);
  assert_int_equal(patch.not_finite, 1);
  for (int64_t i = 0; i < neuron.n; i++) {
    const nrf_state_trace *one = &neuron.trace[i], *nine = &patch.trace[i];
    assert_int_equal(one->neurons, 1);
    assert_int_equal(nine->neurons, nine->b == 0 && nine->channel == 1 ? PATCH - 1 : PATCH);
    assert_near(nine->sum[ONSET + 9], nine->neurons * one->sum[ONSET + 9], 1e-9);
  }
  nrf_state_traces_free(&neuron);
  nrf_state_traces_free(&patch);
  nrf_extract_free(x);
}

/* ---- contrasts ------------------------------------------------------------------------------------------- */

static void four_of_eight_contrasts_are_shown_and_all_of_fewer(void **state)
{
  (void)state;
  static const int    published[NRF_SHOWN_CONTRASTS] = {0, 3, 5, 7};
  const nrf_contrasts eight = {8, {0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8}}, three = {3, {0.0, 1.0, 2.0}};
  int                 shown[NRF_SHOWN_CONTRASTS];
  assert_int_equal(nrf_shown_contrasts(&eight, shown), NRF_SHOWN_CONTRASTS);
  assert_memory_equal(shown, published, sizeof shown);
  assert_int_equal(nrf_shown_contrasts(&three, shown), 3);
  for (int k = 0; k < 3; k++) assert_int_equal(shown[k], k);
  assert_int_equal(nrf_contrast_index(&eight, 1.2000000001), 3);
  assert_int_equal(nrf_contrast_index(&eight, 1.3), -1);
  assert_int_equal(nrf_contrast_index(&eight, NAN), -1);
}

static void steps_are_rounded_to_rows(void **state)
{
  (void)state;
  const nrf_recording_info third = {.stride = 3};
  const nrf_extract        x     = {.info = &third};
  assert_int_equal(nrf_rows_of_steps(&x, 400), 133);
  assert_int_equal(nrf_rows_of_steps(&x, 401), 134);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(transients_add_up_over_the_neurons_and_images_of_a_contrast),
      cmocka_unit_test(parts_are_means_per_neuron),
      cmocka_unit_test(parts_of_short_phases_end_with_them),
      cmocka_unit_test(matched_transients_are_of_active_neurons_that_prefer_the_stimulus),
      cmocka_unit_test(traces_that_are_not_finite_are_left_out),
      cmocka_unit_test(transients_do_not_depend_on_threads),
      cmocka_unit_test(state_traces_are_of_matched_images_in_order_of_channel_and_contrast),
      cmocka_unit_test(the_central_neuron_is_one_of_its_patch),
      cmocka_unit_test(four_of_eight_contrasts_are_shown_and_all_of_fewer),
      cmocka_unit_test(steps_are_rounded_to_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
