/* Percentiles between the values of a sorted series. */
#include "nrflv/analysis/percentile.h"

#include "support/close.h"

/* m_i = i^2, i = 0 .. 9999. */
static void values_of_the_specification(void **state)
{
  (void)state;
  static double m[10000];
  for (int i = 0; i < 10000; i++) m[i] = (double)i * i;
  assert_near(nrf_percentile(10000, m, 2.5), 62487.525, 1e-8);
  assert_relative(nrf_percentile(10000, m, 97.5), 95043488.47, 6e-11);
}

static void ends_and_middle(void **state)
{
  (void)state;
  static const double m[] = {1.0, 2.0, 4.0, 8.0};
  assert_true(nrf_percentile(4, m, 0.0) == 1.0 && nrf_percentile(4, m, 100.0) == 8.0);
  assert_near(nrf_percentile(4, m, 50.0), 3.0, 1e-15);
  assert_near(nrf_percentile(4, m, 75.0), 5.0, 1e-14);
  assert_true(nrf_percentile(1, m, 97.5) == 1.0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_of_the_specification),
      cmocka_unit_test(ends_and_middle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
