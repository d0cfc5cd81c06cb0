/* Sorting doubles, and sixteen series of floats at once: any number of values, ties, infinities, other lanes' NaN. */
#include "nrflv/sort.h"

#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { LANES = NRF_SORT_LANES, MOST = 2100 };

static float value_at(int64_t n, int64_t i, int lane)
{
  const uint32_t random = nrf_rng_u32(nrf_rng_at(3, NRF_RNG_TEST, (uint64_t)n, (uint32_t)lane), (uint64_t)i);
  switch (lane % 4) {
  case 0: /* all different, both signs */
    return (float)random * 0x1p-31f - 1.0f;
  case 1: /* many equal */
    return (float)(random % 7) - 3.0f;
  case 2: /* falling */
    return (float)(n - i);
  default: /* of all magnitudes, infinity among them */
    return random % 50 == 0 ? INFINITY : ldexpf((float)(random >> 8) - 8e6f, (int)(random % 200) - 100);
  }
}

static float *unsorted(int64_t n)
{
  float *x = NULL;
  assert_int_equal(nrf_alloc_floats(nrf_sort_rows(n) * LANES, "test", &x), 0);
  for (int64_t i = 0; i < n; i++)
    for (int lane = 0; lane < LANES; lane++) x[i * LANES + lane] = value_at(n, i, lane);
  return x;
}

static void assert_lane_is_sorted(int64_t n, const float *x, int lane)
{
  double expected[MOST];
  for (int64_t i = 0; i < n; i++) expected[i] = (double)value_at(n, i, lane);
  nrf_sort_doubles(n, expected);
  for (int64_t i = 0; i < n; i++)
    if ((double)x[i * LANES + lane] != expected[i])
      fail_msg("n %lld, lane %d, rank %lld: %g, not %g", (long long)n, lane, (long long)i,
               (double)x[i * LANES + lane], expected[i]);
}

static void doubles_come_out_ascending(void **state)
{
  (void)state;
  double x[] = {3.0, -1.0, INFINITY, 0.0, -INFINITY, 3.0, 1e-300, -2.5};
  nrf_sort_doubles(8, x);
  for (int i = 1; i < 8; i++) assert_true(x[i - 1] <= x[i]);
  assert_true(x[0] == -INFINITY && x[7] == INFINITY && x[5] == 3.0 && x[6] == 3.0);
  nrf_sort_doubles(0, NULL);
}

/* All small sizes, those around the sizes of runs, and those of the windows of the analyses. */
static void lanes_are_sorted_for_any_number_of_values(void **state)
{
  (void)state;
  static const int64_t larger[] = {127, 128, 129,  255,  256,  257,  511,  512,
                                   513, 600, 1000, 1023, 1025, 1600, 2047, 2049};
  for (int64_t n = 1; n <= 100; n++) {
    float *x = unsorted(n);
    nrf_sort_lanes(n, x);
    for (int lane = 0; lane < LANES; lane++) assert_lane_is_sorted(n, x, lane);
    nrf_free(x);
  }
  for (size_t k = 0; k < sizeof larger / sizeof *larger; k++) {
    float *x = unsorted(larger[k]);
    nrf_sort_lanes(larger[k], x);
    for (int lane = 0; lane < LANES; lane++) assert_lane_is_sorted(larger[k], x, lane);
    nrf_free(x);
  }
}

/* A network that sorts all sequences of 0 and 1 sorts everything (Knuth, volume 3, 5.3.4, theorem Z). All of them, for every
 * size up to 16, and for 17 to 40 those with one run of ones, rotated. */
static void sequences_of_0_and_1_are_sorted(void **state)
{
  (void)state;
  float x[48 * LANES];
  for (int n = 1; n <= 16; n++)
    for (uint32_t first = 0; first < (1u << n); first += LANES) {
      for (int i = 0; i < n; i++)
        for (int lane = 0; lane < LANES; lane++)
          x[i * LANES + lane] = (float)((first + (uint32_t)lane) >> i & 1u);
      nrf_sort_lanes(n, x);
      for (int i = 1; i < n; i++)
        for (int lane = 0; lane < LANES; lane++)
          assert_true(x[(i - 1) * LANES + lane] <= x[i * LANES + lane]);
    }
  for (int n = 17; n <= 40; n++)
    for (int ones = 1; ones < n; ones++)
      for (int first = 0; first < n; first += LANES) {
        for (int i = 0; i < n; i++)
          for (int lane = 0; lane < LANES; lane++)
            x[i * LANES + lane] = (i + n - (first + lane) % n) % n < ones ? 1.0f : 0.0f;
        nrf_sort_lanes(n, x);
        for (int i = 0; i < n; i++)
          for (int lane = 0; lane < LANES; lane++)
            assert_true(x[i * LANES + lane] == (i < n - ones ? 0.0f : 1.0f));
      }
}

static void a_nan_stays_in_its_lane(void **state)
{
  (void)state;
  enum { N = 1000 };
  float *x = unsorted(N);
  for (int i = 0; i < N; i += 9) x[i * LANES + 5] = NAN;
  nrf_sort_lanes(N, x);
  for (int lane = 0; lane < LANES; lane++)
    if (lane != 5) assert_lane_is_sorted(N, x, lane);
  nrf_free(x);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(doubles_come_out_ascending),
      cmocka_unit_test(lanes_are_sorted_for_any_number_of_values),
      cmocka_unit_test(sequences_of_0_and_1_are_sorted),
      cmocka_unit_test(a_nan_stays_in_its_lane),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
