/* Means and variances: appendix A.2 of the specification, sums that lose no digits, constant series, NaN. */
#include "nrflv/moments.h"

#include "support/test_signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The appendix gives ten digits. */
static void assert_digits(double value, double expected)
{
  if (!(fabs(value - expected) <= 6e-10 * fabs(expected))) fail_msg("%.12g, not %.10g", value, expected);
}

static void assert_close(double value, double expected, double relative)
{
  if (!(fabs(value - expected) <= relative * fabs(expected))) fail_msg("%.17g, not %.17g", value, expected);
}

static void the_test_signals_are_those_of_the_appendix(void **state)
{
  (void)state;
  double   a[SIGNAL_LENGTH], b[SIGNAL_LENGTH];
  uint32_t s = 1;
  assert_digits(signal_lcg(&s), 0.01387007814);
  assert_digits(signal_lcg(&s), -0.3242586968);
  assert_digits(signal_lcg(&s), -0.1913484838);
  signal_a(a);
  signal_b(b);
  assert_digits(a[0], 0.001387007814);
  assert_digits(a[1], -0.02985525488);
  assert_digits(a[2], -0.07577220392);
  assert_digits(a[1000], 0.2655638594);
  assert_digits(a[2699], -0.04425752783);
  assert_digits(b[0], -0.04653305532);
  assert_digits(b[1], -0.08197072169);
  assert_digits(b[2], -0.1352474371);
  assert_digits(b[1000], 0.4384362741);
  assert_digits(b[2699], -0.002904001282);
}

static void moments_of_the_appendix(void **state)
{
  (void)state;
  double a[SIGNAL_LENGTH], out[SIGNAL_OUT];
  signal_a(a);
  signal_outside(a, out);
  const nrf_moments during  = nrf_moments_of(SIGNAL_PHASE, a + SIGNAL_DUR),
                    outside = nrf_moments_of(SIGNAL_OUT, out);
  assert_digits(during.mean, -0.008149633054);
  assert_digits(outside.mean, 0.005057349573);
  assert_digits(nrf_var1(during), 0.08640522731);
  assert_digits(nrf_var1(outside), 0.09708707435);
  assert_close(nrf_var0(during), nrf_var1(during) * 999.0 / 1000.0, 1e-15);
}

/* 1e6 + k 2^-20, k = 0 .. 999, is exact in doubles: mean and variance are known exactly. A sum of squares would leave nothing. */
static void a_large_offset_costs_no_digits(void **state)
{
  (void)state;
  enum { N = 1000 };
  double x[N];
  for (int k = 0; k < N; k++) x[k] = 1e6 + (double)((k * 7) % N) * 0x1p-20;
  const nrf_moments m = nrf_moments_of(N, x);
  assert_close(m.mean, 1e6 + 499.5 * 0x1p-20, 1e-16);
  assert_close(nrf_var0(m), ((double)N * N - 1.0) / 12.0 * 0x1p-40, 1e-12);
  assert_true(m.minimum == 1e6 && m.maximum == 1e6 + 999.0 * 0x1p-20);
}

/* Two neighbouring doubles: their mean is none, and what it is rounded by is as large as the deviations. */
static void the_rounding_of_the_mean_is_made_good(void **state)
{
  (void)state;
  const double      low = 1e6, step = 0x1p-33, x[] = {low, low, low + step};
  const nrf_moments m = nrf_moments_of(3, x);
  assert_close(m.squares, 2.0 / 3.0 * step * step, 1e-12);
}

static void floats_lanes_streams_and_halves_agree_with_the_whole(void **state)
{
  (void)state;
  enum { N = 1600, LANES = NRF_SORT_LANES };
  static float  lanes[N * LANES];
  static float  floats[N];
  static double x[N];
  nrf_moments   of_lanes[LANES];
  for (int lane = 0; lane < LANES; lane++) {
    signal_noise((uint64_t)lane, N, x);
    for (int i = 0; i < N; i++) lanes[i * LANES + lane] = (float)(x[i] * 0.01 + 10.0 * lane);
  }
  nrf_moments_of_lanes(N, lanes, of_lanes);
  for (int lane = 0; lane < LANES; lane++) {
    nrf_moments stream = nrf_moments_none();
    for (int i = 0; i < N; i++) {
      floats[i] = lanes[i * LANES + lane];
      x[i]      = (double)floats[i];
      nrf_moments_add(&stream, x[i]);
    }
    const nrf_moments whole  = nrf_moments_of(N, x);
    const nrf_moments same[] = {
        nrf_moments_of_floats(N, floats), of_lanes[lane], stream,
        nrf_moments_join(nrf_moments_of(N - 600, x), nrf_moments_of(600, x + N - 600))};
    for (size_t k = 0; k < sizeof same / sizeof *same; k++) {
      assert_int_equal(same[k].n, N);
      assert_close(same[k].mean, whole.mean, 1e-14);
      assert_close(same[k].squares, whole.squares, 1e-11);
      assert_true(same[k].minimum == whole.minimum && same[k].maximum == whole.maximum);
    }
  }
}

/* 0.1 is not a multiple of 1 / n: sums of it are rounded. */
static void equal_values_have_exactly_no_variance(void **state)
{
  (void)state;
  enum { N = 1000 };
  double      x[N];
  nrf_moments stream = nrf_moments_none();
  for (int i = 0; i < N; i++) {
    x[i] = 0.1;
    nrf_moments_add(&stream, 0.1);
  }
  const nrf_moments m = nrf_moments_of(N, x);
  assert_true(m.mean == 0.1 && nrf_var1(m) == 0.0 && nrf_is_constant(m));
  assert_true(stream.mean == 0.1 && nrf_var1(stream) == 0.0);
  x[17] = nextafter(0.1, 1.0);
  assert_false(nrf_is_constant(nrf_moments_of(N, x)));
}

static void few_values_have_no_variance(void **state)
{
  (void)state;
  const double      x    = 4.0;
  const nrf_moments none = nrf_moments_of(0, NULL), one = nrf_moments_of(1, &x);
  assert_true(isnan(none.mean) && isnan(nrf_var0(none)) && isnan(nrf_var1(none)));
  assert_true(one.mean == 4.0 && nrf_var0(one) == 0.0 && isnan(nrf_var1(one)));
}

static void a_nan_anywhere_makes_everything_nan(void **state)
{
  (void)state;
  static const int places[] = {0, 13, 99};
  for (int k = 0; k < 3; k++) {
    double      x[100];
    float       lanes[100 * NRF_SORT_LANES];
    nrf_moments of_lanes[NRF_SORT_LANES];
    for (int i = 0; i < 100; i++) {
      x[i] = i == places[k] ? NAN : 0.5 * i;
      for (int lane = 0; lane < NRF_SORT_LANES; lane++)
        lanes[i * NRF_SORT_LANES + lane] = lane == 3 ? (float)x[i] : 1.0f;
    }
    const nrf_moments m = nrf_moments_of(100, x);
    assert_true(isnan(m.mean) && isnan(nrf_var1(m)) && isnan(m.minimum) && isnan(m.maximum));
    assert_false(nrf_is_constant(m));
    nrf_moments_of_lanes(100, lanes, of_lanes);
    assert_true(isnan(of_lanes[3].mean) && isnan(of_lanes[3].squares));
    assert_true(of_lanes[2].mean == 1.0 && of_lanes[4].squares == 0.0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_test_signals_are_those_of_the_appendix),
      cmocka_unit_test(moments_of_the_appendix),
      cmocka_unit_test(a_large_offset_costs_no_digits),
      cmocka_unit_test(the_rounding_of_the_mean_is_made_good),
      cmocka_unit_test(floats_lanes_streams_and_halves_agree_with_the_whole),
      cmocka_unit_test(equal_values_have_exactly_no_variance),
      cmocka_unit_test(few_values_have_no_variance),
      cmocka_unit_test(a_nan_anywhere_makes_everything_nan),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
