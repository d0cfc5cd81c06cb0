/* The Shapiro-Wilk test: constants and values of the specification (2.3, A.2), small samples against published examples, degenerate
 * samples, and how often it rejects what is normal. */
#include "nrflv/shapiro_wilk.h"

#include "nrflv/memory.h"
#include "nrflv/rng.h"
#include "support/test_signals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Weights are nobody's business but the test's. */
#include "base/shapiro_wilk.c"

#include <cmocka.h>

enum { LANES = NRF_SORT_LANES };

static void assert_digits(double value, double expected)
{
  if (!(fabs(value - expected) <= 6e-10 * fabs(expected))) fail_msg("%.12g, not %.10g", value, expected);
}

static nrf_shapiro_wilk *make(int64_t n)
{
  nrf_shapiro_wilk *test = NULL;
  assert_int_equal(nrf_shapiro_wilk_create(n, &test), NRF_OK);
  return test;
}

static nrf_normality test_values(int64_t n, const double *x)
{
  nrf_shapiro_wilk   *test = make(n);
  double              work[2048];
  const nrf_normality result = nrf_shapiro_wilk_of(test, x, work);
  nrf_shapiro_wilk_free(test);
  return result;
}

static void weights_of_the_specification(void **state)
{
  (void)state;
  nrf_shapiro_wilk *test = make(1000);
  assert_digits(test->weight[0], 0.1090563971);
  assert_digits(test->weight[1], 0.09428233944);
  assert_digits(test->weight[2], 0.0883079378);
  assert_true(fabs(test->mu + 6.4468137) < 1e-7 && fabs(test->sigma - 0.40380901) < 1e-8);
  nrf_shapiro_wilk_free(test);
  test = make(1600);
  assert_digits(test->weight[0], 0.08950762032);
  assert_digits(test->weight[1], 0.07811489757);
  assert_digits(test->weight[2], 0.07352445714);
  assert_true(fabs(test->mu + 6.8751798) < 1e-7 && fabs(test->sigma - 0.39640225) < 1e-8);
  nrf_shapiro_wilk_free(test);
  assert_digits(nrf_normal_quantile(0.625 / 1000.25), -3.227289946);
  assert_digits(nrf_normal_quantile(1.625 / 1000.25), -2.943123501);
  assert_digits(nrf_normal_quantile(0.625 / 1600.25), -3.359396889);
}

static void normal_quantile_and_tail_are_inverse(void **state)
{
  (void)state;
  for (double p = 1e-300; p < 0.5; p *= 1.7) {
    const double x = nrf_normal_quantile(p);
    assert_true(fabs(nrf_normal_upper_tail(-x) / p - 1.0) < 1e-11);
    if (p > 1e-10) assert_true(fabs(nrf_normal_quantile(1.0 - p) + x) < 1e-5 * fabs(x));
  }
  assert_true(nrf_normal_quantile(0.5) == 0.0);
  assert_true(nrf_normal_quantile(0.0) == -INFINITY && nrf_normal_quantile(1.0) == INFINITY);
  assert_true(isnan(nrf_normal_quantile(-0.1)) && isnan(nrf_normal_quantile(NAN)));
}

static void values_of_the_appendix(void **state)
{
  (void)state;
  double a[SIGNAL_LENGTH], out[SIGNAL_OUT];
  signal_a(a);
  signal_outside(a, out);
  const nrf_normality during  = test_values(SIGNAL_PHASE, a + SIGNAL_DUR),
                      outside = test_values(SIGNAL_OUT, out);
  assert_digits(during.w, 0.9930368265);
  assert_digits(during.p, 1.239882451e-4);
  assert_digits(outside.w, 0.9968776928);
  assert_digits(outside.p, 0.00263469461);
}

/* Men's weights of Shapiro & Wilk (Biometrika 52, 1965), section 5.1, n = 11, W = 0.79; other numbers are SciPy's for the first n
 * of these values, in double precision. */
static void small_samples_of_every_branch(void **state)
{
  (void)state;
  static const double weights[] = {148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236, 171, 149};
  static const struct {
    int    n;
    double w, p;
  } cases[] = {
      {3, 0.986842105263, 0.780440814879},    {4, 0.945630482856, 0.688936438488},
      {5, 0.902280458173, 0.42261778621},     {6, 0.88166943025, 0.276811506579},
      {7, 0.952177896752, 0.749474974061},    {8, 0.982281703517, 0.973302914941},
      {10, 0.908049114103, 0.267857557538},   {11, 0.788814694863, 0.0067038140619},
      {12, 0.790045921066, 0.00723566422559}, {13, 0.789411797736, 0.00511644289426},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const nrf_normality result = test_values(cases[k].n, weights);
    if (!(fabs(result.w - cases[k].w) < 1e-6 && fabs(result.p - cases[k].p) < 2e-5 + 1e-4 * cases[k].p))
      fail_msg("n %d: W %.9g, p %.9g; not %.9g, %.9g", cases[k].n, result.w, result.p, cases[k].w,
               cases[k].p);
    assert_true(nrf_shapiro_wilk_p_of(cases[k].n, result.one_minus_w) == result.p);
  }
  assert_true(isnan(nrf_shapiro_wilk_p_of(2, 0.1)));
}

static void only_order_matters_not_sequence_place_or_scale(void **state)
{
  (void)state;
  double x[300], y[300];
  signal_noise(1, 300, x);
  for (int i = 0; i < 300; i++) y[(i * 7) % 300] = 5.0 - 0.25 * x[i];
  const nrf_normality a = test_values(300, x), b = test_values(300, y);
  assert_true(fabs(a.one_minus_w / b.one_minus_w - 1.0) < 1e-11 && fabs(a.p / b.p - 1.0) < 1e-10);
}

static void equal_values_count_as_normal(void **state)
{
  (void)state;
  double x[100];
  for (int i = 0; i < 100; i++) x[i] = 0.1;
  const nrf_normality result = test_values(100, x);
  assert_true(result.w == 1.0 && result.one_minus_w == 0.0 && result.p == 1.0);
  nrf_shapiro_wilk *test = make(100);
  assert_true(nrf_shapiro_wilk_p(test, 0.0) == 1.0 && isnan(nrf_shapiro_wilk_p(test, NAN)));
  nrf_shapiro_wilk_free(test);
}

static void values_that_are_not_finite_give_nan(void **state)
{
  (void)state;
  static const double bad[] = {NAN, INFINITY, -INFINITY};
  for (int k = 0; k < 3; k++) {
    double x[50];
    signal_noise(2, 50, x);
    x[31]                      = bad[k];
    const nrf_normality result = test_values(50, x);
    assert_true(isnan(result.w) && isnan(result.one_minus_w) && isnan(result.p));
  }
}

static void lanes_agree_with_single_samples(void **state)
{
  (void)state;
  static const int sizes[] = {3, 5, 11, 12, 17, 600, 1000};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    const int         n    = sizes[k];
    nrf_shapiro_wilk *test = make(n);
    float            *x    = NULL;
    double            sample[LANES][1000], work[1000];
    nrf_moments       moments[LANES];
    nrf_normality     result[LANES];
    assert_int_equal(nrf_alloc_floats(nrf_sort_rows(n) * LANES, "test", &x), NRF_OK);
    for (int lane = 0; lane < LANES; lane++) {
      signal_noise((uint64_t)(100 * n + lane), n, sample[lane]);
      for (int i = 0; i < n; i++) {
        if (lane == 3) sample[lane][i] = 0.1;
        if (lane == 7 && i == n / 2) sample[lane][i] = NAN;
        x[i * LANES + lane] = (float)sample[lane][i];
        sample[lane][i]     = (double)x[i * LANES + lane];
      }
    }
    nrf_shapiro_wilk_of_lanes(test, x, moments, result);
    for (int lane = 0; lane < LANES; lane++) {
      const nrf_normality alone = nrf_shapiro_wilk_of(test, sample[lane], work);
      if (lane == 7) {
        assert_true(isnan(result[lane].p) && isnan(moments[lane].mean));
        continue;
      }
      assert_true(fabs(result[lane].one_minus_w - alone.one_minus_w) <= 1e-11 * alone.one_minus_w);
      assert_true(fabs(result[lane].p - alone.p) <= 1e-9 * alone.p);
    }
    nrf_free(x);
    nrf_shapiro_wilk_free(test);
  }
}

/* Of 4800 normal samples, 5 % are rejected at 5 %: 240, with a standard deviation of 15. (Royston's p is an approximation, good
 * to a few tenths of a percent here.) */
static void normal_samples_are_rejected_as_often_as_they_should(void **state)
{
  (void)state;
  enum { BATCHES = 300, N = 200 };
  static float      x[(N + LANES) * LANES];
  double            noise[N];
  nrf_shapiro_wilk *test     = make(N);
  int               rejected = 0, strongly = 0;
  for (int batch = 0; batch < BATCHES; batch++) {
    nrf_normality result[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      signal_noise((uint64_t)(5000 + batch * LANES + lane), N, noise);
      for (int i = 0; i < N; i++) x[i * LANES + lane] = (float)noise[i];
    }
    nrf_shapiro_wilk_of_lanes(test, x, NULL, result);
    for (int lane = 0; lane < LANES; lane++) {
      rejected += result[lane].p < 0.05;
      strongly += result[lane].p < 0.5;
    }
  }
  nrf_shapiro_wilk_free(test);
  assert_in_range(rejected, 240 - 4 * 15, 240 + 4 * 15);
  assert_in_range(strongly, 2400 - 4 * 35, 2400 + 4 * 35);
}

static void sizes_without_a_test_are_refused(void **state)
{
  (void)state;
  nrf_shapiro_wilk *test = NULL;
  assert_int_equal(nrf_shapiro_wilk_create(2, &test), NRF_EINVAL);
  assert_null(test);
  assert_int_equal(nrf_shapiro_wilk_create((int64_t)1 << 40, &test), NRF_EINVAL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weights_of_the_specification),
      cmocka_unit_test(normal_quantile_and_tail_are_inverse),
      cmocka_unit_test(values_of_the_appendix),
      cmocka_unit_test(small_samples_of_every_branch),
      cmocka_unit_test(only_order_matters_not_sequence_place_or_scale),
      cmocka_unit_test(equal_values_count_as_normal),
      cmocka_unit_test(values_that_are_not_finite_give_nan),
      cmocka_unit_test(lanes_agree_with_single_samples),
      cmocka_unit_test(normal_samples_are_rejected_as_often_as_they_should),
      cmocka_unit_test(sizes_without_a_test_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
