/* Values that exist at the same time never share memory, and values that do not, do. */
#include "graph/plan.h"

#include "nrflv/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void values_that_meet_never_overlap(void **state)
{
  (void)state;
  enum { ROUNDS = 50, N = 40 };
  for (int round = 0; round < ROUNDS; round++) {
    const nrf_rng r = nrf_rng_at(1, NRF_RNG_TEST, (uint64_t)round, 0);
    nrf_lifetime  v[N];
    for (uint64_t i = 0; i < N; i++) {
      v[i].floats = 1 + nrf_rng_below(r, 3 * i, 1000);
      v[i].first  = (int)nrf_rng_below(r, 3 * i + 1, 60);
      v[i].last   = v[i].first + (int)nrf_rng_below(r, 3 * i + 2, 12);
    }
    size_t total = 0;
    assert_int_equal(nrf_plan_memory(N, v, &total), NRF_OK);
    for (int i = 0; i < N; i++) {
      assert_int_equal(v[i].offset % 16, 0);
      assert_true(v[i].offset + v[i].floats <= total);
      for (int j = 0; j < i; j++) {
        const bool meet = v[i].first <= v[j].last && v[j].first <= v[i].last;
        const bool overlap =
            v[i].offset < v[j].offset + v[j].floats && v[j].offset < v[i].offset + v[i].floats;
        assert_false(meet && overlap);
      }
    }
  }
}

static void a_chain_of_values_needs_the_memory_of_two(void **state)
{
  (void)state;
  enum { N = 20 };
  nrf_lifetime v[N];
  for (int i = 0; i < N; i++) v[i] = (nrf_lifetime){.floats = 64, .first = i, .last = i + 1};
  size_t total = 0;
  assert_int_equal(nrf_plan_memory(N, v, &total), NRF_OK);
  assert_int_equal(total, 2 * 64);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_that_meet_never_overlap),
      cmocka_unit_test(a_chain_of_values_needs_the_memory_of_two),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
