/* Tests and intervals of Student's t: the appendix's values, closed forms, degenerate samples, and how often tests reject
 * what is true. */
#include "nrflv/analysis/t_test.h"

#include "support/close.h"
#include "support/test_signals.h"

static nrf_moments moments_of(int64_t n, const double *x)
{
  return nrf_moments_of(n, x);
}

static void values_of_the_appendix(void **state)
{
  (void)state;
  static const double four[] = {0.31, 0.22, 0.45, 0.27};
  double              a[SIGNAL_LENGTH], out[SIGNAL_OUT];
  signal_a(a);
  signal_outside(a, out);
  const nrf_moments outside = moments_of(SIGNAL_OUT, out);
  const nrf_t_test  plain   = nrf_welch_t_test(moments_of(SIGNAL_PHASE, a + SIGNAL_DUR), outside);
  assert_digits(plain.t, -1.088980073);
  assert_digits(plain.degrees_of_freedom, 2212.954948);
  assert_digits(plain.p, 0.276281248);
  for (int i = SIGNAL_DUR; i < SIGNAL_POST; i++) a[i] += 0.05;
  const nrf_t_test shifted = nrf_welch_t_test(moments_of(SIGNAL_PHASE, a + SIGNAL_DUR), outside);
  assert_digits(shifted.t, 3.033763568);
  assert_digits(shifted.p, 0.002443319282);
  const nrf_t_test one = nrf_one_sample_t_test(moments_of(4, four));
  assert_digits(one.t, 6.326917811);
  assert_true(one.degrees_of_freedom == 3.0);
  assert_digits(one.p, 0.007982763676);
  assert_digits(nrf_t_quantile(0.995, 19.0), 2.860934606);
}

/* z_ij = sin(0.1 i j + i): 20 traces, 3 lags, 99 %. */
static void intervals_of_the_appendix(void **state)
{
  (void)state;
  static const double mean[]  = {0.004263831685, 0.08177175658, 0.04368133933};
  static const double lower[] = {-0.4472149021, -0.3791658433, -0.4116732676};
  static const double upper[] = {0.4557425654, 0.5427093565, 0.4990359463};
  for (int j = 0; j < 3; j++) {
    nrf_moments m = nrf_moments_none();
    for (int i = 0; i < 20; i++) nrf_moments_add(&m, sin(0.1 * i * j + i));
    const nrf_interval ends = nrf_t_interval(m, 0.99);
    assert_digits(m.mean, mean[j]);
    assert_digits(ends.lower, lower[j]);
    assert_digits(ends.upper, upper[j]);
  }
}

/* One degree: Cauchy's distribution; two: 1 - t / sqrt(2 + t^2), for large t 1 / t^2 and so on. Four: with u = t / sqrt(4 + t^2), 1 - (3 u - u^3) / 2. */
static void p_has_its_closed_forms(void **state)
{
  (void)state;
  for (double t = 1e-3; t < 1e8; t *= 3.7) {
    assert_relative(nrf_t_two_sided_p(t, 1.0), 2.0 / M_PI * atan(1.0 / t), 1e-11);
    const double root = sqrt(2.0 + t * t);
    assert_relative(nrf_t_two_sided_p(t, 2.0), 2.0 / (root * (root + t)), 1e-11);
    const double v = 4.0 / ((sqrt(4.0 + t * t)) * (sqrt(4.0 + t * t) + t)); /* 1 - u */
    assert_relative(nrf_t_two_sided_p(-t, 4.0), 0.5 * v * v * (3.0 - v), 1e-11);
  }
}

/* With many degrees of freedom the distribution is nearly normal: p = erfc(t / sqrt 2) (1 + (t^4 + t^2) / (4 nu) ...). */
static void p_goes_over_into_the_normal_tail(void **state)
{
  (void)state;
  for (double t = 0.5; t < 6.0; t += 0.5)
    assert_relative(nrf_t_two_sided_p(t, 1e9), erfc(t * M_SQRT1_2), 1e-6);
}

/* Numbers from SciPy 1.17 (Boost). GSL's own function is off by 4e-7 in the second. */
static void tails_of_many_degrees_of_freedom(void **state)
{
  (void)state;
  static const double cases[][3] = {{31.5, 8.0, 4.399601429402319e-09},
                                    {31.5, 16.0, 1.116351308136811e-16},
                                    {94.5, 16.0, 1.2086403888028284e-28},
                                    {850.5, 16.0, 1.4348870489471944e-50},
                                    {2551.5, 32.0, 3.3086215474058128e-189}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
    assert_relative(nrf_t_two_sided_p(cases[k][1], cases[k][0]), cases[k][2], 1e-10);
}

/* For large t, p nu^(-nu/2) t^nu goes to a constant: every doubling of t divides p by 2^nu. */
static void far_tails_fall_as_a_power_of_t(void **state)
{
  (void)state;
  static const double degrees[] = {3.5, 31.0, 100.25};
  for (int k = 0; k < 3; k++) {
    const double nu     = degrees[k];
    const double first  = nrf_t_two_sided_p(1e3 * sqrt(nu), nu),
                 second = nrf_t_two_sided_p(2e3 * sqrt(nu), nu);
    if (second > 1e-300) assert_relative(log(first / second), nu * M_LN2, 2e-6);
  }
  assert_true(nrf_t_two_sided_p(247.0, 2107.0) == 0.0 || nrf_t_two_sided_p(247.0, 2107.0) < 1e-300);
  const double p = nrf_t_two_sided_p(36.0, 2107.0);
  assert_true(p > 1e-300 && p < 1e-200);
}

static void quantiles_are_inverse_to_p(void **state)
{
  (void)state;
  for (double nu = 1.0; nu < 1e4; nu *= 1.9)
    for (double tail = 1e-12; tail < 0.5; tail *= 2.3) {
      const double t = -nrf_t_quantile(tail, nu);
      assert_relative(nrf_t_two_sided_p(t, nu), 2.0 * tail, 1e-9);
      if (tail > 1e-6) assert_relative(nrf_t_quantile(1.0 - tail, nu), t, 1e-9);
    }
  assert_true(isnan(nrf_t_quantile(0.0, 5.0)) && isnan(nrf_t_quantile(1.5, 5.0)) &&
              isnan(nrf_t_quantile(0.9, 0.0)));
}

static void samples_without_variance(void **state)
{
  (void)state;
  static const double low[] = {0.1, 0.1, 0.1}, high[] = {0.7, 0.7, 0.7}, some[] = {0.1, 0.3, 0.2};
  const nrf_moments   l = moments_of(3, low), h = moments_of(3, high), s = moments_of(3, some);
  const nrf_t_test up = nrf_welch_t_test(h, l), down = nrf_welch_t_test(l, h), same = nrf_welch_t_test(l, l);
  assert_true(up.t == INFINITY && up.p == 0.0 && up.degrees_of_freedom == 1.0);
  assert_true(down.t == -INFINITY && down.p == 0.0);
  assert_true(isnan(same.t) && isnan(same.p) && same.degrees_of_freedom == 1.0);
  assert_false(same.p < 0.05);
  assert_true(nrf_welch_t_test(l, s).degrees_of_freedom == 2.0);
  assert_true(nrf_one_sample_t_test(h).t == INFINITY && nrf_one_sample_t_test(h).p == 0.0);
  const double zeros[] = {0.0, 0.0};
  assert_true(isnan(nrf_one_sample_t_test(moments_of(2, zeros)).p));
  const nrf_interval ends = nrf_t_interval(h, 0.99);
  assert_true(ends.lower == 0.7 && ends.upper == 0.7);
}

static void too_few_values_and_nan_decide_nothing(void **state)
{
  (void)state;
  static const double one[] = {0.4}, bad[] = {0.1, NAN, 0.3}, some[] = {0.1, 0.3, 0.2};
  assert_true(isnan(nrf_one_sample_t_test(moments_of(1, one)).p));
  assert_true(isnan(nrf_one_sample_t_test(moments_of(0, one)).p));
  assert_true(isnan(nrf_one_sample_t_test(moments_of(3, bad)).p));
  assert_true(isnan(nrf_welch_t_test(moments_of(3, bad), moments_of(3, some)).p));
  assert_true(isnan(nrf_welch_t_test(moments_of(1, one), moments_of(3, some)).p));
  assert_true(isnan(nrf_t_interval(moments_of(1, one), 0.99).lower));
}

/* Of 4000 pairs with equal means, 5 % are rejected: 200, standard deviation 14. Sizes and variances differ as much as those of
 * the analyses, or more; a test that pools the variances would reject more than a fifth of these. */
static void tests_reject_as_often_as_they_should(void **state)
{
  (void)state;
  enum { TRIALS = 4000 };
  int    rejected = 0, one_sample = 0, outside = 0;
  double x[40];
  for (int k = 0; k < TRIALS; k++) {
    signal_noise((uint64_t)(9000 + k), 40, x);
    for (int i = 0; i < 10; i++) x[i] *= 3.0;
    rejected += nrf_welch_t_test(moments_of(10, x), moments_of(30, x + 10)).p < 0.05;
    one_sample += nrf_one_sample_t_test(moments_of(4, x + 20)).p < 0.05;
    const nrf_interval ends = nrf_t_interval(moments_of(16, x + 24), 0.95);
    outside += ends.lower > 0.0 || ends.upper < 0.0;
  }
  assert_in_range(rejected, 200 - 4 * 14, 200 + 4 * 14);
  assert_in_range(one_sample, 200 - 4 * 14, 200 + 4 * 14);
  assert_in_range(outside, 200 - 4 * 14, 200 + 4 * 14);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_of_the_appendix),
      cmocka_unit_test(intervals_of_the_appendix),
      cmocka_unit_test(p_has_its_closed_forms),
      cmocka_unit_test(p_goes_over_into_the_normal_tail),
      cmocka_unit_test(tails_of_many_degrees_of_freedom),
      cmocka_unit_test(far_tails_fall_as_a_power_of_t),
      cmocka_unit_test(quantiles_are_inverse_to_p),
      cmocka_unit_test(samples_without_variance),
      cmocka_unit_test(too_few_values_and_nan_decide_nothing),
      cmocka_unit_test(tests_reject_as_often_as_they_should),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
