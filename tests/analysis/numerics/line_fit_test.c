/* Lines through points, and lines taken off series. */
#include "nrflv/analysis/line_fit.h"

#include "support/close.h"
#include "support/test_signals.h"

static void the_line_of_the_appendix(void **state)
{
  (void)state;
  static const double x[] = {3, 5, 7, 10, 3, 5}, y[] = {0.4, 0.35, 0.3, 0.2, 0.42, 0.33};
  nrf_line            line;
  assert_true(nrf_line_fit(6, x, y, &line));
  assert_digits(line.slope, -0.02929577465);
  assert_digits(line.intercept, 0.4944600939);
}

static void far_from_zero_a_line_keeps_its_digits(void **state)
{
  (void)state;
  double   x[50], y[50];
  nrf_line line;
  for (int i = 0; i < 50; i++) {
    x[i] = 1e6 + (double)((i * 7) % 50);
    y[i] = 2.0 - 0.5 * (x[i] - 1e6);
  }
  assert_true(nrf_line_fit(50, x, y, &line));
  assert_relative(line.slope, -0.5, 1e-13);
  assert_relative(line.intercept, 2.0 + 0.5e6, 1e-13);
}

static void no_line_without_two_different_x(void **state)
{
  (void)state;
  static const double x[] = {2.0, 2.0, 2.0}, y[] = {1.0, 2.0, 3.0};
  nrf_line            line;
  for (int n = 0; n <= 3; n++) {
    assert_false(nrf_line_fit(n, x, y, &line));
    assert_true(isnan(line.slope) && isnan(line.intercept));
  }
}

static void detrending_takes_off_the_line_and_nothing_else(void **state)
{
  (void)state;
  enum { N = 1000 };
  double x[N], with_line[N], a[N], b[N], sum = 0.0, moment = 0.0;
  signal_noise(1, N, x);
  for (int i = 0; i < N; i++) with_line[i] = x[i] + 30.0 - 0.02 * i;
  nrf_detrend(N, x, a);
  nrf_detrend(N, with_line, b);
  for (int i = 0; i < N; i++) {
    assert_near(b[i], a[i], 1e-12);
    sum += a[i];
    moment += a[i] * i;
  }
  assert_near(sum, 0.0, 1e-10);
  assert_near(moment, 0.0, 1e-7);
  nrf_detrend(N, with_line, with_line); /* in place */
  for (int i = 0; i < N; i++) assert_true(with_line[i] == b[i]);
}

static void constant_and_short_series_become_zero(void **state)
{
  (void)state;
  double constant[300], two[] = {1.0, 5.0}, one[] = {3.0};
  for (int i = 0; i < 300; i++) constant[i] = 0.1;
  nrf_detrend(300, constant, constant);
  for (int i = 0; i < 300; i++) assert_true(constant[i] == 0.0);
  nrf_detrend(2, two, two);
  assert_near(two[0], 0.0, 1e-15);
  assert_near(two[1], 0.0, 1e-15);
  nrf_detrend(1, one, one);
  assert_true(one[0] == 0.0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_line_of_the_appendix),
      cmocka_unit_test(far_from_zero_a_line_keeps_its_digits),
      cmocka_unit_test(no_line_without_two_different_x),
      cmocka_unit_test(detrending_takes_off_the_line_and_nothing_else),
      cmocka_unit_test(constant_and_short_series_become_zero),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
