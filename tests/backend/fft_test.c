/* The transform against its definition, for every size that convolutions may choose; and which sizes those are. */
#include "backend/cpu/fft.h"

#include "nrflv/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check_size(int size)
{
  nrf_fft            fft;
  nrf_complex_vector x[NRF_FFT_MAX_SIZE], y[NRF_FFT_MAX_SIZE], work[NRF_FFT_MAX_SIZE];
  const nrf_rng      r = nrf_rng_at(1, NRF_RNG_TEST, (uint64_t)size, 0);
  for (int t = 0; t < size; t++)
    for (int lane = 0; lane < NRF_LANES; lane++) {
      const uint64_t at = (uint64_t)(t * NRF_LANES + lane);
      x[t].re[lane] = y[t].re[lane] = nrf_rng_uniform(r, 2 * at) - 0.5f;
      x[t].im[lane] = y[t].im[lane] = nrf_rng_uniform(r, 2 * at + 1) - 0.5f;
    }
  nrf_fft_init(&fft, size);
  const nrf_complex_vector *z = nrf_fft_run(&fft, y, work);
  for (int k = 0; k < size; k++)
    for (int lane = 0; lane < NRF_LANES; lane++) {
      double re = 0.0, im = 0.0;
      for (int t = 0; t < size; t++) {
        const double angle = -2.0 * 3.14159265358979323846 * k * t / size;
        re += (double)x[t].re[lane] * cos(angle) - (double)x[t].im[lane] * sin(angle);
        im += (double)x[t].re[lane] * sin(angle) + (double)x[t].im[lane] * cos(angle);
      }
      /* Values of order sqrt(size / 6); a few roundings per pass. */
      assert_true(fabs((double)z[k].re[lane] - re) < 3e-6 && fabs((double)z[k].im[lane] - im) < 3e-6);
    }
}

static void transforms_agree_with_the_definition(void **state)
{
  (void)state;
  int sizes = 0;
  for (int size = nrf_fft_good_size(2); size > 0; size = nrf_fft_good_size(size + 1), sizes++)
    check_size(size);
  assert_true(sizes > 20);
}

static void good_sizes_are_even_products_of_small_primes(void **state)
{
  (void)state;
  assert_int_equal(nrf_fft_good_size(35), 36);
  assert_int_equal(nrf_fft_good_size(37), 40);
  assert_int_equal(nrf_fft_good_size(11), 12);
  assert_int_equal(nrf_fft_good_size(33), 36);
  assert_int_equal(nrf_fft_good_size(NRF_FFT_MAX_SIZE + 1), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(transforms_agree_with_the_definition),
      cmocka_unit_test(good_sizes_are_even_products_of_small_primes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
