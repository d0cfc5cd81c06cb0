/* activity_test.c - single neurons: the numbers of the specification's example, decisions, traces that cannot be tested; which
 * stimuli match a preference. */
#include "nrflv/analysis/activity.h"
#include "nrflv/analysis/matches.h"

#include "support/close.h"

/* ---- activity -------------------------------------------------------------------------------------------- */

enum { NEURONS = 6 };

/* Neurons of one image and place, one per channel. */
typedef struct statistics {
  double mean[NEURONS], variance[NEURONS], one_minus_w[NEURONS];
} statistics;

static nrf_trace_statistics trace_statistics(int64_t n, const statistics *s)
{
  return (nrf_trace_statistics){n, s->mean, s->variance, s->one_minus_w};
}

/* The signal A of the specification's appendix, A.2, and the same with 0.05 added during the stimulus, or taken away. */
static void numbers_of_the_example(void **state)
{
  (void)state;
  const double       in = -0.008149633054, out = 0.005057349573;
  const statistics   during  = {{in, in + 0.05, in - 0.05},
                                {0.08640522731, 0.08640522731, 0.08640522731},
                                {1.0 - 0.9930368265, 1.0 - 0.9930368265, 1.0 - 0.9930368265}};
  const statistics   outside = {{out, out, out},
                                {0.09708707435, 0.09708707435, 0.09708707435},
                                {1.0 - 0.9968776928, 1.0 - 0.9968776928, 1.0 - 0.9968776928}};
  const nrf_extract  x       = {.during  = trace_statistics(1000, &during),
                                .outside = trace_statistics(1600, &outside)};
  const nrf_activity a = nrf_activity_of(&x, 0), b = nrf_activity_of(&x, 1), c = nrf_activity_of(&x, 2);
  assert_digits(a.mean_during, in);
  assert_digits(a.mean_outside, out);
  assert_relative(a.t_p, 0.276281248, 1e-8);
  assert_digits(a.w_during, 0.9930368265);
  assert_digits(a.w_outside, 0.9968776928);
  assert_relative(a.p_during, 1.239882451e-4, 1e-7); /* from the digits of W that are printed */
  assert_relative(a.p_outside, 0.00263469461, 3e-7);
  assert_relative(b.t_p, 0.002443319282, 1e-8);
  assert_true(c.t_p < NRF_ACTIVE_P); /* lower during the stimulus */
  assert_false(a.active || c.active);
  assert_true(b.active);
  assert_near(nrf_rise_of(&x, 1), in + 0.05 - out, 1e-15);
}

static void neurons_that_do_not_vary(void **state)
{
  (void)state;
  const statistics  during  = {{0.125, 1.0, -1.0, NAN}, {0, 0, 0, NAN}, {0, 0, 0, NAN}};
  const statistics  outside = {{0.125, -1.0, 1.0, NAN}, {0, 0, 0, NAN}, {0, 0, 0, NAN}};
  const nrf_extract x       = {.during  = trace_statistics(1000, &during),
                               .outside = trace_statistics(1600, &outside)};
  nrf_activity      a       = nrf_activity_of(&x, 0);
  assert_true(isnan(a.t_p) && a.w_during == 1.0 && a.p_outside == 1.0 && !a.active);
  a = nrf_activity_of(&x, 1);
  assert_true(a.t_p == 0.0 && a.active);
  a = nrf_activity_of(&x, 2);
  assert_true(a.t_p == 0.0 && !a.active);
  a = nrf_activity_of(&x, 3);
  assert_true(isnan(a.mean_during) && isnan(a.t_p) && isnan(a.w_outside) && isnan(a.p_during) && !a.active);
  for (int i = 0; i < 4; i++) assert_int_equal(nrf_is_active(&x, i), nrf_activity_of(&x, i).active);
}

static void windows_that_are_too_short(void **state)
{
  (void)state;
  const statistics   during  = {{1.0}, {NAN}, {NAN}};
  const statistics   outside = {{0.0}, {0.1}, {0.01}};
  const nrf_extract  x = {.during = trace_statistics(1, &during), .outside = trace_statistics(2, &outside)};
  const nrf_activity a = nrf_activity_of(&x, 0);
  assert_true(isnan(a.t_p) && isnan(a.p_during) && isnan(a.p_outside) && !a.active);
}

/* ---- matches --------------------------------------------------------------------------------------------- */

static double degrees(double angle)
{
  return angle * M_PI / 180.0;
}

static void stimuli_match_within_ten_degrees(void **state)
{
  (void)state;
  static const int    number[] = {4, 7, 9}, unknown[] = {2};
  nrf_preference      list[] = {{4, degrees(355.0), 0.05, 0}, {7, degrees(90.0), 0.04, 1}, {9, NAN, 0.1, -1}};
  nrf_preferences     p      = {3, list};
  nrf_recording_image image[] = {{.angle = degrees(4.9)},   {.angle = degrees(5.1)},
                                 {.angle = degrees(345.1)}, {.angle = degrees(344.9)},
                                 {.angle = degrees(175.0)}, {.angle = NAN},
                                 {.angle = degrees(90.0)}};
  nrf_recording_info  info    = {.image = image};
  nrf_recorded_layer  layer   = {.channel = number};
  nrf_extract         x       = {.info = &info, .layer = &layer};
  assert_true(nrf_is_matched(&p, &x, 0, 0));
  assert_false(nrf_is_matched(&p, &x, 0, 1));
  assert_true(nrf_is_matched(&p, &x, 0, 2));
  assert_false(nrf_is_matched(&p, &x, 0, 3));
  assert_false(nrf_is_matched(&p, &x, 0, 4)); /* the opposite direction */
  assert_false(nrf_is_matched(&p, &x, 0, 5));
  assert_false(nrf_is_matched(&p, &x, 1, 6)); /* tuned only above 0.04 */
  list[1].amplitude = 0.0401;
  assert_true(nrf_is_matched(&p, &x, 1, 6));
  assert_false(nrf_is_matched(&p, &x, 2, 6)); /* no preference */
  layer.channel = unknown;
  assert_false(nrf_is_matched(&p, &x, 0, 0));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_of_the_example),
      cmocka_unit_test(neurons_that_do_not_vary),
      cmocka_unit_test(windows_that_are_too_short),
      cmocka_unit_test(stimuli_match_within_ten_degrees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
