/* Distances, wrapping and means on the circle. */
#include "nrflv/analysis/angle.h"

#include "support/close.h"

static const double DEGREE = M_PI / 180.0;

static void distances_go_the_short_way_round(void **state)
{
  (void)state;
  assert_near(nrf_angle_difference(350.0 * DEGREE, 10.0 * DEGREE), 20.0 * DEGREE, 1e-14);
  assert_near(nrf_angle_difference(10.0 * DEGREE, 350.0 * DEGREE), 20.0 * DEGREE, 1e-14);
  assert_near(nrf_angle_difference(0.0, 2.0 * M_PI), 0.0, 1e-14);
  assert_near(nrf_angle_difference(1.0, 1.0 + M_PI), M_PI, 1e-14); /* opposite, not equal */
  assert_true(isnan(nrf_angle_difference(NAN, 1.0)) && isnan(nrf_angle_difference(1.0, NAN)));
}

static void orientations_are_equal_half_a_turn_apart(void **state)
{
  (void)state;
  assert_near(nrf_orientation_difference(1.0, 1.0 + M_PI), 0.0, 1e-14);
  assert_near(nrf_orientation_difference(170.0 * DEGREE, 5.0 * DEGREE), 15.0 * DEGREE, 1e-14);
  assert_near(nrf_orientation_difference(0.0, M_PI_2), M_PI_2, 1e-14);
  assert_near(nrf_orientation_difference(6.0, 0.1), nrf_orientation_difference(6.0 - M_PI, 0.1), 1e-14);
}

static void wrapping_keeps_pi_and_not_minus_pi(void **state)
{
  (void)state;
  assert_true(nrf_angle_wrap(M_PI) == M_PI && nrf_angle_wrap(-M_PI) == M_PI);
  for (double a = -20.0; a < 20.0; a += 0.37) {
    const double wrapped = nrf_angle_wrap(a);
    assert_true(wrapped > -M_PI && wrapped <= M_PI);
    assert_near(cos(wrapped), cos(a), 1e-13);
    assert_near(sin(wrapped), sin(a), 1e-13);
  }
  assert_true(isnan(nrf_angle_wrap(NAN)));
}

static void circular_means_know_no_ends(void **state)
{
  (void)state;
  const double            around[] = {350.0 * DEGREE, NAN, 20.0 * DEGREE}, opposite[] = {0.3, 0.3 + M_PI};
  const nrf_circular_mean m = nrf_circular_mean_of(3, around);
  assert_near(m.angle, 5.0 * DEGREE, 1e-14);
  assert_near(m.resultant, cos(15.0 * DEGREE), 1e-14);
  assert_near(nrf_circular_mean_of(2, opposite).resultant, 0.0, 1e-15);
  assert_near(nrf_circular_mean_of(1, opposite).resultant, 1.0, 1e-15);
  assert_true(isnan(nrf_circular_mean_of(1, around + 1).angle));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(distances_go_the_short_way_round),
      cmocka_unit_test(orientations_are_equal_half_a_turn_apart),
      cmocka_unit_test(wrapping_keeps_pi_and_not_minus_pi),
      cmocka_unit_test(circular_means_know_no_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
