/* Peaks: the specification's cases, the correlations of appendix A.4, plateaus, ties, and any small series against the definition
 * taken literally. */
#include "nrflv/analysis/peaks.h"

#include "nrflv/analysis/correlation.h"
#include "nrflv/moments.h"
#include "nrflv/rng.h"
#include "support/close.h"
#include "support/test_signals.h"

#include <stdbool.h>
#include <stdlib.h>

enum { MOST = 64 };

static nrf_peak_filter filter_of(double height, double distance, double prominence)
{
  return (nrf_peak_filter){.height = height, .distance = distance, .prominence = prominence};
}

static void assert_peaks(int64_t n, const double *x, nrf_peak_filter filter, int count, const int at[],
                         const double prominence[], double digits)
{
  nrf_peak found[MOST];
  assert_true(nrf_peaks_at_most(n) <= MOST);
  assert_int_equal(nrf_find_peaks(n, x, filter, found), count);
  for (int k = 0; k < count; k++) {
    assert_int_equal(found[k].at, at[k]);
    assert_true(found[k].height == x[at[k]]);
    assert_relative(found[k].prominence, prominence[k], digits);
  }
}

static void cases_of_the_specification(void **state)
{
  (void)state;
  static const double first[] = {0, 1, 1, 0, 2, 0, 3, 3, 3, 0, 1, 0}, second[] = {5, 1, 4, 2, 6, 0, 3, -1, 2};
  const int           at_first[] = {1, 4, 7, 10}, at_second[] = {2, 4, 6}, seven[] = {7};
  const double        of_first[] = {1, 2, 3, 1}, of_second[] = {2, 5, 3}, three[] = {3};
  assert_peaks(12, first, nrf_all_peaks(), 4, at_first, of_first, 0.0);
  assert_peaks(12, first, filter_of(-INFINITY, 3.0, -INFINITY), 4, at_first, of_first, 0.0);
  assert_peaks(12, first, filter_of(-INFINITY, 4.0, 1.5), 1, seven, three, 0.0);
  assert_peaks(9, second, nrf_all_peaks(), 3, at_second, of_second, 0.0);
}

static void correlations_of_the_appendix(void **state)
{
  (void)state;
  static const struct {
    bool   second_is_first, swapped;
    int    from, count;
    int    at[5];
    double prominence[5];
  } cases[] = {
      {true,
       false,
       SIGNAL_DUR,
       5,
       {7, 29, 50, 71, 93},
       {33.958374, 78.697602, 147.73255, 78.697602, 27.789117}},
      {false,
       false,
       SIGNAL_DUR,
       5,
       {8, 29, 50, 72, 94},
       {11.946013, 47.936576, 68.592339, 37.158123, 20.091558}},
      {false,
       true,
       SIGNAL_DUR,
       5,
       {6, 28, 50, 71, 92},
       {25.397308, 37.158123, 68.592339, 47.936576, 10.812608}},
      {false, false, SIGNAL_PRE, 3, {27, 50, 76}, {39.404298, 70.13314, 55.952029}},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    double a[SIGNAL_LENGTH], v[SIGNAL_LENGTH], c[100];
    signal_a(a);
    signal_b(v);
    const double *p = a + cases[k].from, *q = cases[k].second_is_first ? p : v + cases[k].from;
    double        x[SIGNAL_PHASE], y[SIGNAL_PHASE], largest = 0.0;
    for (int i = 0; i < SIGNAL_PHASE; i++) {
      x[i] = (cases[k].swapped ? q : p)[i] - nrf_moments_of(SIGNAL_PHASE, cases[k].swapped ? q : p).mean;
      y[i] = (cases[k].swapped ? p : q)[i] - nrf_moments_of(SIGNAL_PHASE, cases[k].swapped ? p : q).mean;
    }
    nrf_cross_correlation(SIGNAL_PHASE, x, y, -50, 49, c);
    for (int i = 0; i < 100; i++) largest = fmax(largest, c[i]);
    assert_peaks(100, c, filter_of(0.0, 3.0, largest / 5.0), cases[k].count, cases[k].at, cases[k].prominence,
                 5e-8);
  }
}

static void ends_and_plateaus_at_ends_are_no_peaks(void **state)
{
  (void)state;
  static const double series[][6] = {
      {3, 2, 1, 1, 2, 3}, {3, 3, 1, 1, 3, 3}, {1, 1, 1, 1, 1, 1}, {1, 2, 3, 3, 3, 3}, {4, 3, 2, 2, 2, 1}};
  nrf_peak found[MOST];
  for (size_t k = 0; k < sizeof series / sizeof *series; k++)
    assert_int_equal(nrf_find_peaks(6, series[k], nrf_all_peaks(), found), 0);
  for (int64_t n = 0; n < 3; n++) assert_int_equal(nrf_find_peaks(n, series[0], nrf_all_peaks(), found), 0);
}

static void the_middle_of_an_even_plateau_is_the_earlier_one(void **state)
{
  (void)state;
  static const double x[]  = {0, 5, 5, 5, 5, 0};
  const int           at[] = {2};
  const double        of[] = {5};
  assert_peaks(6, x, nrf_all_peaks(), 1, at, of, 0.0);
}

/* Peaks at 1, 3, 5, 7 of equal height, distance 3: 7 removes 5; 3, being 4 away, stays and removes 1. */
static void of_equal_peaks_the_later_one_stays(void **state)
{
  (void)state;
  static const double x[]  = {0, 1, 0, 1, 0, 1, 0, 1, 0};
  const int           at[] = {3, 7};
  const double        of[] = {1, 1};
  assert_peaks(9, x, filter_of(-INFINITY, 3.0, -INFINITY), 2, at, of, 0.0);
  assert_peaks(9, x, filter_of(-INFINITY, 2.5, -INFINITY), 2, at, of, 0.0); /* rounded up */
}

static void nan_is_no_peak_and_hides_none_elsewhere(void **state)
{
  (void)state;
  static const double x[] = {0, 2, 0, NAN, 0, 3, 1};
  nrf_peak            found[MOST];
  assert_int_equal(nrf_find_peaks(7, x, nrf_all_peaks(), found), 2);
  assert_int_equal(found[0].at, 1);
  assert_int_equal(found[1].at, 5);
}

/* ---- the definition, literally --------------------------------------------------------------------------- */

static bool is_candidate(int n, const double *x, int p)
{
  int left = p, right = p;
  while (left > 0 && x[left - 1] == x[p]) left--;
  while (right < n - 1 && x[right + 1] == x[p]) right++;
  return left > 0 && right < n - 1 && x[left - 1] < x[p] && x[right + 1] < x[p] && p == (left + right) / 2;
}

static double literal_prominence(int n, const double *x, int p)
{
  double low[2] = {x[p], x[p]};
  for (int side = 0; side < 2; side++)
    for (int i = p; i >= 0 && i < n; i += side == 0 ? -1 : 1) {
      if (x[i] > x[p]) break;
      low[side] = fmin(low[side], x[i]);
    }
  return x[p] - fmax(low[0], low[1]);
}

/* Marks, from the highest down, what each peak that is still there removes. */
static void literal_peaks(int n, const double *x, nrf_peak_filter f, bool *is_peak)
{
  bool done[MOST] = {false};
  for (int p = 0; p < n; p++) is_peak[p] = is_candidate(n, x, p) && x[p] >= f.height;
  for (;;) {
    int top = -1;
    for (int p = 0; p < n; p++)
      if (is_peak[p] && !done[p] && (top < 0 || x[p] >= x[top])) top = p;
    if (top < 0) break;
    done[top] = true;
    for (int p = 0; p < n; p++)
      if (p != top && !done[p] && abs(p - top) < (int)ceil(f.distance)) is_peak[p] = false;
  }
  for (int p = 0; p < n; p++)
    if (is_peak[p] && literal_prominence(n, x, p) < f.prominence) is_peak[p] = false;
}

static void any_small_series_agrees_with_the_definition(void **state)
{
  (void)state;
  for (uint64_t trial = 0; trial < 4000; trial++) {
    const nrf_rng r = nrf_rng_at(8, NRF_RNG_TEST, trial, 0);
    const int     n = 3 + (int)nrf_rng_below(r, 100, 38), values = 2 + (int)nrf_rng_below(r, 101, 9);
    double        x[MOST];
    bool          expected[MOST];
    nrf_peak      found[MOST];
    for (int i = 0; i < n; i++) x[i] = (double)nrf_rng_below(r, (uint64_t)i, (uint32_t)values);
    const nrf_peak_filter f = filter_of((double)nrf_rng_below(r, 102, 4), (double)nrf_rng_below(r, 103, 7),
                                        0.5 * (double)nrf_rng_below(r, 104, 6));
    literal_peaks(n, x, f, expected);
    const int64_t count = nrf_find_peaks(n, x, f, found);
    int64_t       k     = 0;
    for (int p = 0; p < n; p++) {
      if (!expected[p]) continue;
      assert_true(k < count && found[k].at == p && found[k].prominence == literal_prominence(n, x, p));
      k++;
    }
    assert_int_equal(k, count);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cases_of_the_specification),
      cmocka_unit_test(correlations_of_the_appendix),
      cmocka_unit_test(ends_and_plateaus_at_ends_are_no_peaks),
      cmocka_unit_test(the_middle_of_an_even_plateau_is_the_earlier_one),
      cmocka_unit_test(of_equal_peaks_the_later_one_stays),
      cmocka_unit_test(nan_is_no_peak_and_hides_none_elsewhere),
      cmocka_unit_test(any_small_series_agrees_with_the_definition),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
