/* Resampled means and the pivotal interval: exact cases, the distribution of the means, streams, coverage. */
#include "nrflv/analysis/bootstrap.h"

#include "nrflv/analysis/percentile.h"
#include "nrflv/moments.h"
#include "support/close.h"
#include "support/test_signals.h"

static nrf_rng stream(uint64_t group)
{
  return nrf_rng_at(1, NRF_RNG_BOOTSTRAP, group, 3);
}

/* Means 0, 1, .., 1000: the 2.5 and 97.5 percentiles are 25 and 975; around the mean of the values they change sides. */
static void the_interval_is_pivotal(void **state)
{
  (void)state;
  static double means[1001];
  for (int i = 0; i <= 1000; i++) means[i] = (double)((i * 8) % 1001);
  const nrf_interval ends = nrf_pivotal_interval(400.0, 1001, means, 0.95);
  assert_near(ends.lower, 800.0 - 975.0, 1e-9);
  assert_near(ends.upper, 800.0 - 25.0, 1e-9);
}

/* Means of n draws have the mean of the values and 1 / n of their variance (denominator n). */
static void resampled_means_have_the_right_mean_and_variance(void **state)
{
  (void)state;
  enum { N = 7, RESAMPLES = 40000 };
  static const double v[N] = {0.0, 1.0, 1.0, 2.0, 5.0, 9.0, -3.0};
  static double       means[RESAMPLES];
  const nrf_moments   values = nrf_moments_of(N, v);
  nrf_bootstrap_means(stream(0), N, v, RESAMPLES, means);
  const nrf_moments m        = nrf_moments_of(RESAMPLES, means);
  const double      variance = nrf_var0(values) / N;
  assert_near(m.mean, values.mean, 4.0 * sqrt(variance / RESAMPLES));
  assert_relative(nrf_var1(m), variance, 4.0 * sqrt(2.0 / RESAMPLES));
  assert_true(m.minimum >= -3.0 && m.maximum <= 9.0);
}

/* Every value is drawn equally often. */
static void draws_are_uniform(void **state)
{
  (void)state;
  enum { N = 5, RESAMPLES = 20000 };
  static double means[RESAMPLES];
  for (int k = 0; k < N; k++) {
    double v[N] = {0.0};
    v[k]        = N;
    nrf_bootstrap_means(stream(1), N, v, RESAMPLES, means);
    assert_near(nrf_moments_of(RESAMPLES, means).mean, 1.0, 4.0 * sqrt(0.8 * N / (N * (double)RESAMPLES)));
  }
}

static void equal_streams_give_equal_means_and_others_do_not(void **state)
{
  (void)state;
  enum { N = 9, RESAMPLES = 50 };
  double v[N], first[RESAMPLES], again[RESAMPLES], fewer[10], other[RESAMPLES];
  signal_noise(1, N, v);
  nrf_bootstrap_means(stream(5), N, v, RESAMPLES, first);
  nrf_bootstrap_means(stream(5), N, v, RESAMPLES, again);
  nrf_bootstrap_means(stream(5), N, v, 10, fewer);
  nrf_bootstrap_means(stream(6), N, v, RESAMPLES, other);
  int equal = 0;
  for (int r = 0; r < RESAMPLES; r++) {
    assert_true(first[r] == again[r]);
    if (r < 10) assert_true(first[r] == fewer[r]);
    equal += first[r] == other[r];
  }
  assert_in_range(equal, 0, 2);
}

/* Of large groups too, whose draws take many blocks of the generator. */
static void resamples_are_independent_of_each_other(void **state)
{
  (void)state;
  enum { N = 1000, RESAMPLES = 3000 };
  static double v[N], means[RESAMPLES];
  double        products = 0.0;
  signal_noise(2, N, v);
  nrf_bootstrap_means(stream(4), N, v, RESAMPLES, means);
  const nrf_moments m = nrf_moments_of(RESAMPLES, means);
  for (int r = 1; r < RESAMPLES; r++) products += (means[r] - m.mean) * (means[r - 1] - m.mean);
  assert_near(products / m.squares, 0.0, 4.0 / sqrt(RESAMPLES));
}

static void groups_of_one_of_equal_values_and_of_none(void **state)
{
  (void)state;
  static const double equal[] = {0.5, 0.5, 0.5};
  double              mean    = 0.0;
  nrf_interval        ends;
  assert_int_equal(nrf_bootstrap_mean(stream(0), 3, equal, &mean, &ends), NRF_OK);
  assert_true(mean == 0.5 && ends.lower == 0.5 && ends.upper == 0.5);
  assert_int_equal(nrf_bootstrap_mean(stream(0), 1, equal, &mean, &ends), NRF_OK);
  assert_true(mean == 0.5 && ends.lower == 0.5 && ends.upper == 0.5);
  assert_int_equal(nrf_bootstrap_mean(stream(0), 0, NULL, &mean, &ends), NRF_OK);
  assert_true(isnan(mean) && isnan(ends.lower) && isnan(ends.upper));
  assert_int_equal(nrf_bootstrap_mean(stream(0), 2000000, NULL, &mean, &ends), NRF_EINVAL);
}

/* Intervals at 95 % of the mean of 40 normal values hold 0 in nearly 95 % of 300 groups (a little less: about 94 %, since the
 * spread of a sample is too small); standard deviation 1.4 %. */
static void intervals_hold_the_mean_as_often_as_they_should(void **state)
{
  (void)state;
  enum { GROUPS = 300, N = 40 };
  int held = 0;
  for (int g = 0; g < GROUPS; g++) {
    double       v[N], mean;
    nrf_interval ends;
    signal_noise((uint64_t)(700 + g), N, v);
    assert_int_equal(nrf_bootstrap_mean(stream((uint64_t)g), N, v, &mean, &ends), NRF_OK);
    assert_true(ends.lower < mean && mean < ends.upper);
    held += ends.lower < 0.0 && ends.upper > 0.0;
  }
  assert_in_range(held, (int)(0.94 * GROUPS) - 4 * 4, (int)(0.94 * GROUPS) + 4 * 4);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_interval_is_pivotal),
      cmocka_unit_test(resampled_means_have_the_right_mean_and_variance),
      cmocka_unit_test(draws_are_uniform),
      cmocka_unit_test(equal_streams_give_equal_means_and_others_do_not),
      cmocka_unit_test(resamples_are_independent_of_each_other),
      cmocka_unit_test(groups_of_one_of_equal_values_and_of_none),
      cmocka_unit_test(intervals_hold_the_mean_as_often_as_they_should),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
