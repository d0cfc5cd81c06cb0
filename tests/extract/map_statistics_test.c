/* Statistics of traces read as maps: against plain code in long double, and what must come out of awkward numbers. */
#include "extract/map_statistics.h"
#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(call)                                                                            \
  do {                                                                                      \
    const nrf_status st_ = (call);                                                          \
    if (st_ != NRF_OK) fail_msg("%s: status %d: %s", #call, (int)st_, nrf_error_message()); \
  } while (0)

enum { MAX_PLACES = 64, MAX_ROWS = 400 };

/* Maps, and everything that comes of them. */
typedef struct measured {
  int     places;
  int64_t rows, not_finite;
  float   maps[MAX_ROWS * MAX_PLACES];
  double  mean[NRF_SPANS][MAX_PLACES], variance[NRF_SPANS][MAX_PLACES], one_minus_w[NRF_SPANS][MAX_PLACES];
} measured;

static measured m;

static void measure(int places, const nrf_window window[NRF_WINDOWS])
{
  nrf_map_statistics *s    = NULL;
  void               *work = NULL;
  m.places                 = places;
  m.rows                   = window[NRF_WINDOW_POST].first + window[NRF_WINDOW_POST].count;
  OK(nrf_map_statistics_create(m.rows, places, window, &s));
  OK(nrf_alloc(nrf_map_statistics_work(s), "work", &work));
  memset(work, 0xff, nrf_map_statistics_work(s)); /* NaN everywhere: what is not written is noticed */
  const nrf_map_results results[NRF_SPANS] = {{m.mean[0], m.variance[0], m.one_minus_w[0]},
                                              {m.mean[1], m.variance[1], m.one_minus_w[1]}};
  m.not_finite                             = nrf_map_statistics_of(s, m.maps, work, results);
  nrf_free(work);
  nrf_map_statistics_free(s);
}

static const nrf_window windows[NRF_WINDOWS] = {{0, 20}, {20, 100}, {120, 90}, {210, 70}};

static void fill_with_noise(int places, int64_t rows, float mean, float size)
{
  const nrf_rng rng = nrf_rng_at(1, NRF_RNG_TEST, 3, 0);
  for (int64_t i = 0; i < rows * places; i++)
    m.maps[i] = mean + size * (float)(nrf_rng_uniform(rng, (uint64_t)i) - 0.5);
}

/* ---- against plain code ---- */

/* The samples of a span, by their definition. */
static int span_of(int place, int span, const nrf_window window[NRF_WINDOWS], double *x)
{
  int n = 0;
  for (int64_t t = 0; t < m.rows; t++) {
    const nrf_window *a = &window[span == NRF_SPAN_DURING ? NRF_WINDOW_DUR : NRF_WINDOW_PRE],
                     *b = &window[span == NRF_SPAN_DURING ? NRF_WINDOW_DUR : NRF_WINDOW_POST];
    if ((t >= a->first && t < a->first + a->count) || (t >= b->first && t < b->first + b->count))
      x[n++] = (double)m.maps[t * m.places + place];
  }
  return n;
}

static double plain_mean(int n, const double *x)
{
  long double sum = 0;
  for (int i = 0; i < n; i++) sum += x[i];
  return (double)(sum / n);
}

static double plain_variance(int n, const double *x)
{
  long double sum = 0, squares = 0;
  for (int i = 0; i < n; i++) sum += x[i];
  for (int i = 0; i < n; i++) squares += (x[i] - sum / n) * (x[i] - sum / n);
  return (double)(squares / (n - 1));
}

/* By the function for single samples, which sorts doubles; itself tested against the published implementation. */
static double plain_one_minus_w(int n, const double *x)
{
  nrf_shapiro_wilk *test = NULL;
  double            work[MAX_ROWS];
  OK(nrf_shapiro_wilk_create(n, &test));
  const double value = nrf_shapiro_wilk_of(test, x, work).one_minus_w;
  nrf_shapiro_wilk_free(test);
  return value;
}

static void assert_near(double got, double wanted, double relative)
{
  if (!(fabs(got - wanted) <= relative * fabs(wanted))) fail_msg("%.17g, not %.17g", got, wanted);
}

static void assert_as_plain(const nrf_window window[NRF_WINDOWS], double variance_error)
{
  double x[MAX_ROWS];
  for (int place = 0; place < m.places; place++)
    for (int span = 0; span < NRF_SPANS; span++) {
      const int    n    = span_of(place, span, window, x);
      const double mean = plain_mean(n, x), variance = plain_variance(n, x);
      assert_near(m.mean[span][place], mean, 1e-13 * (1 + sqrt(variance) / fabs(mean)));
      assert_near(m.variance[span][place], variance, variance_error);
      assert_near(m.one_minus_w[span][place], plain_one_minus_w(n, x), 1e-10);
    }
}

/* 37 places: whole lanes, and a rest. */
static void statistics_are_those_of_plain_code(void **state)
{
  (void)state;
  fill_with_noise(37, 280, 0.1F, 2.0F);
  measure(37, windows);
  assert_int_equal(m.not_finite, 0);
  assert_as_plain(windows, 1e-12);
}

static void a_large_offset_costs_no_digits(void **state)
{
  (void)state;
  fill_with_noise(16, 280, 1000.0F, 0.035F); /* sd 0.01 */
  measure(16, windows);
  assert_as_plain(windows, 1e-10);
}

static void spans_may_have_one_part_and_be_short(void **state)
{
  (void)state;
  static const nrf_window only_post[NRF_WINDOWS] = {{0, 5}, {5, 0}, {5, 4}, {9, 30}};
  static const nrf_window only_pre[NRF_WINDOWS]  = {{0, 0}, {0, 30}, {30, 3}, {33, 0}};
  fill_with_noise(5, 280, 0.0F, 1.0F);
  measure(5, only_post);
  assert_as_plain(only_post, 1e-12);
  measure(5, only_pre);
  assert_as_plain(only_pre, 1e-12);
}

static void what_needs_more_values_is_nan(void **state)
{
  (void)state;
  static const nrf_window two_and_one[NRF_WINDOWS] = {{0, 1}, {1, 1}, {2, 2}, {4, 0}};
  fill_with_noise(3, 280, 0.0F, 1.0F);
  measure(3, two_and_one);
  for (int i = 0; i < 3; i++) {
    assert_near(m.mean[NRF_SPAN_DURING][i], ((double)m.maps[6 + i] + (double)m.maps[9 + i]) / 2, 1e-15);
    assert_false(isnan(m.variance[NRF_SPAN_DURING][i]));
    assert_true(isnan(m.one_minus_w[NRF_SPAN_DURING][i]));
    assert_true(m.mean[NRF_SPAN_OUTSIDE][i] == (double)m.maps[3 + i]);
    assert_true(isnan(m.variance[NRF_SPAN_OUTSIDE][i]));
    assert_true(isnan(m.one_minus_w[NRF_SPAN_OUTSIDE][i]));
  }
}

/* ---- awkward numbers ---- */

static void constant_traces_have_exactly_no_variance(void **state)
{
  (void)state;
  fill_with_noise(20, 280, 0.0F, 1.0F);
  for (int64_t t = 0; t < 280; t++) {
    m.maps[t * 20 + 3]  = 0.1F; /* no sum of it is exact */
    m.maps[t * 20 + 17] = t >= 120 && t < 210 ? 0.7F : -0.1F;
    m.maps[t * 20 + 18] = t % 2 == 0 ? 0.0F : -0.0F;
  }
  measure(20, windows);
  static const struct {
    int    place;
    double during, outside;
  } wanted[] = {{3, 0.1F, 0.1F}, {17, 0.7F, -0.1F}, {18, 0.0, 0.0}};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    for (int span = 0; span < NRF_SPANS; span++) {
      assert_true(m.mean[span][wanted[i].place] ==
                  (span == NRF_SPAN_DURING ? wanted[i].during : wanted[i].outside));
      assert_true(m.variance[span][wanted[i].place] == 0.0);
      assert_true(m.one_minus_w[span][wanted[i].place] == 0.0);
    }
  assert_true(m.variance[0][4] > 0.0);
}

/* Where it stands decides what is lost: the span, or nothing but the count. */
static void a_number_that_is_not_finite_spoils_its_own_span(void **state)
{
  (void)state;
  const float bad[] = {NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    double before[MAX_PLACES];
    fill_with_noise(20, 280, 0.0F, 1.0F);
    measure(20, windows);
    memcpy(before, m.one_minus_w[NRF_SPAN_DURING], sizeof before);

    m.maps[5 * 20 + 1]   = bad[i]; /* in the burn-in            */
    m.maps[120 * 20 + 2] = bad[i]; /* first of the stimulus     */
    m.maps[279 * 20 + 3] = bad[i]; /* last of all               */
    for (int64_t t = 0; t < 280; t++)
      m.maps[t * 20 + 4] = t == 150 ? bad[i] : 0.5F; /* the others are equal */
    for (int64_t t = 0; t < 280; t++) m.maps[t * 20 + 5] = bad[i];
    measure(20, windows);
    assert_int_equal(m.not_finite, 5);
    for (int place = 0; place < 20; place++) {
      const bool bad_during = place == 2 || place == 4 || place == 5, bad_outside = place == 3 || place == 5;
      assert_int_equal(isnan(m.mean[NRF_SPAN_DURING][place]), bad_during);
      assert_int_equal(isnan(m.variance[NRF_SPAN_DURING][place]), bad_during);
      assert_int_equal(isnan(m.one_minus_w[NRF_SPAN_DURING][place]), bad_during);
      assert_int_equal(isnan(m.mean[NRF_SPAN_OUTSIDE][place]), bad_outside);
      assert_int_equal(isnan(m.variance[NRF_SPAN_OUTSIDE][place]), bad_outside);
      assert_int_equal(isnan(m.one_minus_w[NRF_SPAN_OUTSIDE][place]), bad_outside);
      if (place < 1 || place > 5) assert_true(m.one_minus_w[NRF_SPAN_DURING][place] == before[place]);
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statistics_are_those_of_plain_code),
      cmocka_unit_test(a_large_offset_costs_no_digits),
      cmocka_unit_test(spans_may_have_one_part_and_be_short),
      cmocka_unit_test(what_needs_more_values_is_nan),
      cmocka_unit_test(constant_traces_have_exactly_no_variance),
      cmocka_unit_test(a_number_that_is_not_finite_spoils_its_own_span),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
