/* Correlations: appendix A.3 and A.4, direct sums and transforms against each other, signs of lags, constant series, NaN, threads. */
#include "nrflv/analysis/correlation.h"

#include "nrflv/memory.h"
#include "nrflv/moments.h"
#include "support/close.h"
#include "support/test_signals.h"

#include <omp.h>
#include <string.h>

static void *aligned(size_t bytes)
{
  void *memory = NULL;
  assert_int_equal(nrf_alloc(bytes, "test", &memory), NRF_OK);
  return memory;
}

static void take_mean_off(int64_t n, const double *x, double *out)
{
  const double mean = nrf_moments_of(n, x).mean;
  for (int64_t i = 0; i < n; i++) out[i] = x[i] - mean;
}

/* By the correlator, from the series as they are. */
static void correlate(int64_t n, const double *a, const double *v, int64_t first, int64_t last, double *out)
{
  nrf_correlator *c = NULL;
  assert_int_equal(nrf_correlator_create(n, first, last, &c), NRF_OK);
  const size_t    bytes    = (size_t)nrf_correlator_spectrum_count(c) * sizeof(double complex);
  double complex *spectrum = aligned(2 * bytes);
  double         *work     = aligned((size_t)nrf_correlator_work(c) * sizeof(double));
  nrf_correlator_transform(c, a, work, spectrum);
  nrf_correlator_transform(c, v, work, spectrum + nrf_correlator_spectrum_count(c));
  nrf_correlator_lags(c, spectrum, spectrum + nrf_correlator_spectrum_count(c), work, out);
  nrf_free(spectrum);
  nrf_free(work);
  nrf_correlator_free(c);
}

static void windows_of_the_appendix(void **state)
{
  (void)state;
  static const struct {
    int    a_is_b, v_is_b, from;
    double at[5]; /* lags -50, -1, 0, 1, 49 */
  } cases[] = {
      {0, 0, SIGNAL_DUR, {-8.103901658, 82.4186701, 86.31882209, 82.4186701, -1.934644795}},
      {0, 1, SIGNAL_DUR, {-1.327145137, 39.8271783, 42.04315784, 40.26881662, -4.123309427}},
      {1, 0, SIGNAL_DUR, {-9.429059024, 40.26881662, 42.04315784, 39.8271783, -0.1937408034}},
      {0, 1, SIGNAL_PRE, {18.16554827, 40.89298706, 43.08871263, 41.79853873, 19.62223889}},
  };
  static const int lags[] = {-50, -1, 0, 1, 49};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    double signal[2][SIGNAL_LENGTH], a[SIGNAL_PHASE], v[SIGNAL_PHASE], direct[100], transformed[100];
    signal_a(signal[0]);
    signal_b(signal[1]);
    const double *p = signal[cases[k].a_is_b] + cases[k].from, *q = signal[cases[k].v_is_b] + cases[k].from;
    take_mean_off(SIGNAL_PHASE, p, a);
    take_mean_off(SIGNAL_PHASE, q, v);
    nrf_cross_correlation(SIGNAL_PHASE, a, v, -50, 49, direct);
    correlate(SIGNAL_PHASE, p, q, -50, 49, transformed);
    for (int j = 0; j < 5; j++) assert_digits(direct[lags[j] + 50], cases[k].at[j]);
    for (int i = 0; i < 100; i++) assert_near(transformed[i], direct[i], 1e-12 * 90.0);
  }
}

static void normalised_autocorrelation_of_the_appendix(void **state)
{
  (void)state;
  double a[SIGNAL_LENGTH], c[1999];
  signal_a(a);
  assert_int_equal(nrf_normalised_autocorrelation(SIGNAL_PHASE, a + SIGNAL_DUR, 999, c), NRF_OK);
  assert_true(c[999] == 1.0);
  assert_digits(c[999 + 1], 0.95473831);
  assert_digits(c[999 + 10], -0.7123923332);
  assert_digits(c[999 + 21], 0.5046003009);
  assert_relative(c[999 + 999], -0.0004008206474, 1e-8);
  for (int k = 1; k <= 999; k++) assert_true(c[999 - k] == c[999 + k]);
}

/* All lags, and any part of them, on either side of 0 or around it. */
static void transforms_agree_with_direct_sums_for_any_lags(void **state)
{
  (void)state;
  static const int64_t lengths[] = {1, 2, 5, 64, 100, 331};
  for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
    const int64_t n = lengths[k];
    double        a[331], v[331], p[331], q[331], all[661], part[661];
    signal_noise(1, n, a);
    signal_noise(2, n, v);
    for (int64_t i = 0; i < n; i++) a[i] += 7.0;
    take_mean_off(n, a, p);
    take_mean_off(n, v, q);
    nrf_cross_correlation(n, p, q, 1 - n, n - 1, all);
    const int64_t ranges[][2] = {{1 - n, n - 1}, {0, n - 1},      {1 - n, 0},
                                 {n / 2, n / 2}, {-n / 2, n / 3}, {n - 1, n - 1}};
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
      const int64_t first = ranges[r][0], last = ranges[r][1];
      correlate(n, a, v, first, last, part);
      for (int64_t lag = first; lag <= last; lag++)
        assert_near(part[lag - first], all[lag + n - 1], 1e-12 * (double)n);
      nrf_cross_correlation(n, p, q, first, last, part);
      assert_memory_equal(part, all + first + n - 1, (size_t)(last - first + 1) * sizeof *part);
    }
  }
}

static void a_positive_lag_means_that_the_first_series_is_late(void **state)
{
  (void)state;
  enum { N = 200, DELAY = 7 };
  double noise[N + DELAY], c[41];
  signal_noise(3, N + DELAY, noise);
  correlate(N, noise, noise + DELAY, -20, 20, c); /* a[n + 7] = v[n] */
  for (int k = 0; k <= 40; k++)
    if (k != 20 + DELAY) assert_true(c[k] < 0.5 * c[20 + DELAY]);
}

static void swapping_the_series_reverses_the_lags(void **state)
{
  (void)state;
  enum { N = 150 };
  double a[N], v[N], forward[2 * N - 1], back[2 * N - 1];
  signal_noise(4, N, a);
  signal_noise(5, N, v);
  nrf_cross_correlation(N, a, v, 1 - N, N - 1, forward);
  nrf_cross_correlation(N, v, a, 1 - N, N - 1, back);
  for (int k = 0; k < 2 * N - 1; k++) assert_near(forward[k], back[2 * N - 2 - k], 1e-12);
}

static void constant_series_have_no_correlation_at_all(void **state)
{
  (void)state;
  enum { N = 300 };
  double constant[N], noise[N], c[101], all[2 * N - 1];
  signal_noise(6, N, noise);
  for (int i = 0; i < N; i++) constant[i] = 0.1;
  correlate(N, constant, noise, -50, 50, c);
  for (int k = 0; k <= 100; k++) assert_true(c[k] == 0.0);
  assert_int_equal(nrf_normalised_autocorrelation(N, constant, N - 1, all), NRF_OK);
  for (int k = 0; k < 2 * N - 1; k++) assert_true(isnan(all[k]));
}

static void a_nan_stays_among_its_own_pairs(void **state)
{
  (void)state;
  enum { N = 100 };
  double bad[N], noise[N], c[21];
  signal_noise(7, N, noise);
  memcpy(bad, noise, sizeof bad);
  bad[60] = NAN;
  correlate(N, bad, noise, -10, 10, c);
  for (int k = 0; k <= 20; k++) assert_true(isnan(c[k]));
  correlate(N, noise, noise, -10, 10, c);
  assert_near(c[10], nrf_moments_of(N, noise).squares, 1e-10);
}

static void threads_share_a_correlator(void **state)
{
  (void)state;
  enum { N = 500, PAIRS = 64, LAGS = 201 };
  nrf_correlator *c = NULL;
  static double   x[PAIRS][N], one[PAIRS][LAGS], many[PAIRS][LAGS];
  assert_int_equal(nrf_correlator_create(N, -100, 100, &c), NRF_OK);
  const int64_t   count    = nrf_correlator_spectrum_count(c);
  double complex *spectrum = aligned((size_t)(PAIRS * count) * sizeof *spectrum);
  for (int k = 0; k < PAIRS; k++) signal_noise((uint64_t)k, N, x[k]);
  for (int threads = 1; threads <= 4; threads += 3) {
    memset(spectrum, 0, (size_t)(PAIRS * count) * sizeof *spectrum);
#pragma omp parallel num_threads(threads)
    {
      double *work = aligned((size_t)nrf_correlator_work(c) * sizeof *work);
#pragma omp for
      for (int k = 0; k < PAIRS; k++) nrf_correlator_transform(c, x[k], work, spectrum + k * count);
#pragma omp for
      for (int k = 0; k < PAIRS; k++)
        nrf_correlator_lags(c, spectrum + k * count, spectrum + (k * 7 % PAIRS) * count, work,
                            threads == 1 ? one[k] : many[k]);
      nrf_free(work);
    }
  }
  assert_memory_equal(one, many, sizeof one);
  nrf_free(spectrum);
  nrf_correlator_free(c);
}

static void lags_beyond_the_series_are_refused(void **state)
{
  (void)state;
  nrf_correlator *c     = NULL;
  double          x[10] = {0.0}, out[21];
  assert_int_equal(nrf_correlator_create(10, -10, 5, &c), NRF_EINVAL);
  assert_int_equal(nrf_correlator_create(10, 0, 10, &c), NRF_EINVAL);
  assert_int_equal(nrf_correlator_create(10, 3, 2, &c), NRF_EINVAL);
  assert_int_equal(nrf_correlator_create(0, 0, 0, &c), NRF_EINVAL);
  assert_null(c);
  assert_int_equal(nrf_normalised_autocorrelation(10, x, 10, out), NRF_EINVAL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(windows_of_the_appendix),
      cmocka_unit_test(normalised_autocorrelation_of_the_appendix),
      cmocka_unit_test(transforms_agree_with_direct_sums_for_any_lags),
      cmocka_unit_test(a_positive_lag_means_that_the_first_series_is_late),
      cmocka_unit_test(swapping_the_series_reverses_the_lags),
      cmocka_unit_test(constant_series_have_no_correlation_at_all),
      cmocka_unit_test(a_nan_stays_among_its_own_pairs),
      cmocka_unit_test(threads_share_a_correlator),
      cmocka_unit_test(lags_beyond_the_series_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
