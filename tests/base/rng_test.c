/* Philox gives the published known answers, and addresses that differ give different numbers. */
#include "nrflv/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Known answers of philox4x32-10 from the Random123 distribution (kat_vectors). */
static void philox_matches_the_published_known_answers(void **state)
{
  (void)state;
  uint32_t w[4];
  nrf_rng  zeros = {0, 0, 0};
  nrf_rng_block(zeros, 0, w);
  assert_int_equal(w[0], 0x6627e8d5u);
  assert_int_equal(w[1], 0xe169c58du);
  assert_int_equal(w[2], 0xbc57ac4cu);
  assert_int_equal(w[3], 0x9b00dbd8u);

  nrf_rng ones = {UINT64_MAX, UINT64_MAX, UINT32_MAX};
  nrf_rng_block(ones, UINT32_MAX, w);
  assert_int_equal(w[0], 0x408f276du);
  assert_int_equal(w[1], 0x41c83b0eu);
  assert_int_equal(w[2], 0xa20bc7c6u);
  assert_int_equal(w[3], 0x6d5451fdu);
}

static void every_part_of_an_address_changes_the_draw(void **state)
{
  (void)state;
  const uint32_t base = nrf_rng_u32(nrf_rng_at(1, NRF_RNG_TEST, 2, 3), 4);
  assert_int_not_equal(base, nrf_rng_u32(nrf_rng_at(9, NRF_RNG_TEST, 2, 3), 4));
  assert_int_not_equal(base, nrf_rng_u32(nrf_rng_at(1, NRF_RNG_NOISE, 2, 3), 4));
  assert_int_not_equal(base, nrf_rng_u32(nrf_rng_at(1, NRF_RNG_TEST, 9, 3), 4));
  assert_int_not_equal(base, nrf_rng_u32(nrf_rng_at(1, NRF_RNG_TEST, 2, 9), 4));
  assert_int_not_equal(base, nrf_rng_u32(nrf_rng_at(1, NRF_RNG_TEST, 2, 3), 9));
}

static void uniform_numbers_fill_the_half_open_unit_interval_evenly(void **state)
{
  (void)state;
  enum { N = 1 << 20 };
  const nrf_rng r   = nrf_rng_at(5, NRF_RNG_TEST, 0, 0);
  double        sum = 0.0, squares = 0.0;
  for (uint64_t i = 0; i < N; i++) {
    const double u = nrf_rng_uniform(r, i);
    assert_true(u >= 0.0 && u < 1.0);
    sum += u;
    squares += u * u;
  }
  /* Standard errors: sqrt(1/12/N) = 2.8e-4 and sqrt(4/45/N) = 2.9e-4; four of them allowed. */
  assert_true(sum / N > 0.5 - 1.2e-3 && sum / N < 0.5 + 1.2e-3);
  assert_true(squares / N > 1.0 / 3 - 1.2e-3 && squares / N < 1.0 / 3 + 1.2e-3);
}

static void integers_below_n_reach_every_value(void **state)
{
  (void)state;
  int           seen[7] = {0};
  const nrf_rng r       = nrf_rng_at(5, NRF_RNG_TEST, 1, 0);
  for (uint64_t i = 0; i < 7000; i++) seen[nrf_rng_below(r, i, 7)]++;
  for (int k = 0; k < 7; k++) assert_in_range(seen[k], 870, 1130); /* 1000 +- 4.4 standard errors */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(philox_matches_the_published_known_answers),
      cmocka_unit_test(every_part_of_an_address_changes_the_draw),
      cmocka_unit_test(uniform_numbers_fill_the_half_open_unit_interval_evenly),
      cmocka_unit_test(integers_below_n_reach_every_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
