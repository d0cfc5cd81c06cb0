/* orientation_test.c - what channels prefer, in recordings with planted tuning curves. */
#include "analysis/steps/orientation.h"

#include "support/close.h"
#include "support/memory_source.h"
#include "support/scratch.h"

#include <string.h>

enum { ANGLES = 16, REPEATS = 2, IMAGES = ANGLES * REPEATS, CHANNELS = 4, SIZE = 6 };

/* Numbers of the recorded channels in the layer; the first likes a direction, the second an orientation, the third nothing, the
 * fourth is silent. */
enum { DIRECTED, ORIENTED, NOISY, SILENT };
static const int channel_number[CHANNELS] = {3, 5, 6, 9};

static const double DIRECTION = 5 * M_PI / 8, ORIENTATION = 3 * M_PI / 8;

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* The first row of the stimulus, and of what follows it. */
enum { ON = 50, OFF = 90 };

/* Repeats differ by 0.2, up and down, which the mean over repeats is free of. Outside the stimulus tuning is another one. */
static float planted_value(const memory_source *s, nrf_record_variable variable, int image, int channel,
                           int64_t row, int h, int w)
{
  const double angle  = s->image[image].angle;
  const bool   centre = h + s->info.layer[0].top == SIZE / 2 && w + s->info.layer[0].left == SIZE / 2;
  const double repeat = s->image[image].repeat == 0 ? 0.1 : -0.1;
  const double noise  = (double)memory_noise(s, variable, image, channel, row, h, w);
  if (row < ON || row >= OFF) return (float)sin(3.0 * angle);
  if (!centre) return (float)(0.3 * noise);
  switch (channel) {
  case DIRECTED:
    return (float)(0.2 + repeat + 0.05 * cos(angle - DIRECTION));
  case ORIENTED:
    return (float)(0.2 + repeat + 0.05 * cos(2.0 * (angle - ORIENTATION)) + 0.001 * cos(angle - ORIENTATION));
  case NOISY: /* seven cycles round the circle: no cosine of one or two explains that */
    return (float)(0.2 + 0.05 * cos(7.0 * angle));
  default:
    return 0.125F;
  }
}

/* Images of angle k 2 pi / 16, two of each, in an order of no consequence. */
static void make_source(memory_source *s)
{
  memory_source_create(s, "single/just_angle", IMAGES, CHANNELS, SIZE, SIZE);
  s->value = planted_value;
  for (int c = 0; c < CHANNELS; c++) s->channel[c] = channel_number[c];
  s->info.layer[0].channels = 12;
  for (int b = 0; b < IMAGES; b++) {
    const int k        = 5 * b % ANGLES;
    s->image[b].angle  = 2.0 * M_PI * k / ANGLES;
    s->image[b].group  = k;
    s->image[b].repeat = b / ANGLES;
  }
}

static nrf_extract *extract_of(const memory_source *s)
{
  char         directory[SCRATCH_PATH], path[SCRATCH_PATH];
  nrf_extract *x = NULL;
  scratch_create(directory);
  scratch_path(path, directory, "x.h5");
  must(nrf_extract_make(&s->source, path, (nrf_extract_effort){2, 64 << 20}, NULL));
  must(nrf_extract_open(path, &x));
  scratch_remove(directory);
  return x;
}

static nrf_tuning_curves curves_of(const memory_source *s, nrf_orientation_fit_how how)
{
  nrf_tuning_curves curves;
  nrf_extract      *x = extract_of(s);
  must(nrf_tuning_curves_of(x, how, &curves));
  nrf_extract_free(x);
  return curves;
}

static void preferences_are_found_whatever_the_order_of_the_images(void **state)
{
  (void)state;
  memory_source s;
  make_source(&s);
  nrf_tuning_curves curves = curves_of(&s, NRF_ORIENTATION_CORRECT);
  assert_null(curves.why_not);
  assert_int_equal(curves.angles, ANGLES);
  assert_int_equal(curves.channels, CHANNELS);
  for (int k = 0; k < ANGLES; k++) {
    assert_near(curves.angle[k], 2.0 * M_PI * k / ANGLES, 1e-15);
    assert_near(curves.activity[k], 0.2 + 0.05 * cos(curves.angle[k] - DIRECTION), 1e-7);
  }

  const nrf_preference directed = nrf_preference_of_fit(3, &curves.fit[DIRECTED]);
  assert_int_equal(directed.channel, 3);
  assert_int_equal(directed.dir_or_ori, 0);
  assert_near(directed.angle, DIRECTION, 1e-15);
  assert_near(nrf_explained_variance(ANGLES, directed.amplitude), 1.0, 1e-6);
  assert_true(nrf_is_tuned(&directed));

  const nrf_preference oriented = nrf_preference_of_fit(5, &curves.fit[ORIENTED]);
  assert_int_equal(oriented.dir_or_ori, 1);
  assert_near(oriented.angle, ORIENTATION, 1e-15); /* not the opposite one, where activity is a bit lower */
  assert_true(nrf_better_cosine(&curves.fit[ORIENTED]) == &curves.fit[ORIENTED].cycle[1]);
  nrf_tuning_curves_free(&curves);
}

static void channels_without_a_preference_say_so(void **state)
{
  (void)state;
  memory_source s;
  make_source(&s);
  nrf_tuning_curves    curves = curves_of(&s, NRF_ORIENTATION_CORRECT);
  const nrf_preference noisy  = nrf_preference_of_fit(6, &curves.fit[NOISY]),
                       silent = nrf_preference_of_fit(9, &curves.fit[SILENT]);
  assert_false(nrf_is_tuned(&noisy));
  assert_near(noisy.amplitude, 0.0, 1e-6);
  assert_false(nrf_is_tuned(&silent));
  assert_near(silent.amplitude, 0.0, 0.0);
  assert_true(isnan(silent.angle));
  assert_int_equal(silent.dir_or_ori, -1);
  nrf_tuning_curves_free(&curves);
}

/* 16 angles of which the published program takes the last one for a full turn. */
static void as_written_the_last_angle_is_the_first_again(void **state)
{
  (void)state;
  memory_source s;
  make_source(&s);
  nrf_tuning_curves curves = curves_of(&s, NRF_ORIENTATION_AS_WRITTEN);
  assert_near(curves.angle[ANGLES - 1], 2.0 * M_PI, 1e-15);
  assert_near(curves.fit[DIRECTED].preferred_angle, DIRECTION * ANGLES / (ANGLES - 1), 1e-12);
  nrf_tuning_curves_free(&curves);
}

static void expect_why_not(const memory_source *s, const char *part)
{
  nrf_tuning_curves curves = curves_of(s, NRF_ORIENTATION_CORRECT);
  assert_non_null(curves.why_not);
  assert_non_null(strstr(curves.why_not, part));
  assert_null(curves.fit);
  nrf_tuning_curves_free(&curves);
}

static void recordings_without_a_whole_circle_have_no_curves(void **state)
{
  (void)state;
  memory_source s;
  make_source(&s);
  s.image[7].angle = NAN;
  expect_why_not(&s, "no angle");

  make_source(&s);
  for (int b = 0; b < IMAGES; b++) s.image[b].angle = (b % 2) * M_PI;
  expect_why_not(&s, "at least four");

  make_source(&s);
  for (int b = 0; b < IMAGES; b++) s.image[b].angle = 2.0 * M_PI * (b % 5) / 5;
  expect_why_not(&s, "even number");

  make_source(&s);
  for (int b = 0; b < IMAGES; b++) s.image[b].angle *= 0.5;
  expect_why_not(&s, "equally spaced");

  make_source(&s);
  s.info.layer[0].columns = SIZE / 2;
  expect_why_not(&s, "centre");
}

/* The centre is that of the layer's map, wherever the recorded region begins. */
static void the_centre_is_found_in_a_part_of_the_map(void **state)
{
  (void)state;
  memory_source s;
  make_source(&s);
  s.info.layer[0].top      = 2;
  s.info.layer[0].left     = 1;
  s.info.layer[0].rows     = 3;
  s.info.layer[0].columns  = 4;
  nrf_tuning_curves curves = curves_of(&s, NRF_ORIENTATION_CORRECT);
  assert_near(curves.fit[DIRECTED].preferred_angle, DIRECTION, 1e-15);
  nrf_tuning_curves_free(&curves);
}

static void noise_passes_for_tuning_where_angles_are_few(void **state)
{
  (void)state;
  assert_near(nrf_explained_variance(128, NRF_TUNED_AMPLITUDE), 0.1024, 1e-12);
  assert_near(nrf_tuned_by_chance(128), 2.0 * pow(1.0 - 0.1024, 62.5), 1e-12);
  assert_near(nrf_tuned_by_chance(8), 1.0, 0.0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(preferences_are_found_whatever_the_order_of_the_images),
      cmocka_unit_test(channels_without_a_preference_say_so),
      cmocka_unit_test(as_written_the_last_angle_is_the_first_again),
      cmocka_unit_test(recordings_without_a_whole_circle_have_no_curves),
      cmocka_unit_test(the_centre_is_found_in_a_part_of_the_map),
      cmocka_unit_test(noise_passes_for_tuning_where_angles_are_few),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
