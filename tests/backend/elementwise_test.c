/* The shared mathematics agrees with the C library in double precision, at every kind of argument. */
#include "nrflv/elementwise.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Distance in units of the last place that a float of this size has (denormal numbers included). */
static double ulps(float got, double exact)
{
  if (isinf(got) || fabs(exact) > (double)FLT_MAX) /* overflow: right if the exact value rounds to infinity */
    return (double)got == (double)(float)exact ? 0.0 : INFINITY;
  int exponent;
  frexp(exact, &exponent);
  const int lowest = FLT_MIN_EXP;
  return fabs((double)got - exact) / ldexp(1.0, (exponent < lowest ? lowest : exponent) - FLT_MANT_DIG);
}

static double worst(double a, double b)
{
  return a > b || isnan(a) ? a : b;
}

static void exponential_is_right_to_an_ulp_from_underflow_to_overflow(void **state)
{
  (void)state;
  double largest = 0.0;
  /* Every 251st float of either sign: 17 million arguments. */
  for (uint64_t bits = 0; bits < (1ull << 32); bits += 251) {
    const float x = nrf_bits_float((uint32_t)bits);
    if (isnan(x)) continue;
    largest = worst(largest, ulps(nrf_expf(x), exp((double)x)));
  }
  print_message("exp: %.3f ulp\n", largest);
  assert_true(largest <= 1.1);
  assert_true(nrf_expf(0.0f) == 1.0f);
  assert_true(nrf_expf(-INFINITY) == 0.0f);
  assert_true(isinf(nrf_expf(88.8f)) && isfinite(nrf_expf(88.7f)));
  assert_true(nrf_expf(-103.0f) > 0.0f);
  assert_true(isnan(nrf_expf(NAN)));
}

static void logarithm_is_right_to_an_ulp_for_positive_normal_numbers(void **state)
{
  (void)state;
  double largest = 0.0;
  for (uint32_t bits = 0x00800000u; bits < 0x7f800000u; bits += 127) {
    const float x = nrf_bits_float(bits);
    largest       = worst(largest, ulps(nrf_log_positive(x), log((double)x)));
  }
  for (uint32_t k = 0; k < 100000; k++) { /* around 1, where digits are easily lost */
    const float x = nrf_bits_float(0x3f800000u - 50000u + k);
    largest       = worst(largest, ulps(nrf_log_positive(x), log((double)x)));
  }
  print_message("log: %.3f ulp\n", largest);
  assert_true(largest <= 1.1);
  assert_true(nrf_log_positive(1.0f) == 0.0f);
}

static void sine_and_cosine_of_a_turn_are_right_to_three_ulps(void **state)
{
  (void)state;
  double largest = 0.0;
  for (uint64_t turn = 0; turn < (1ull << 32); turn += 509) {
    /* Modulo a quarter, so that the exact value is good to the last place near the zeros too. */
    const int64_t quarter = (int64_t)((turn + (1u << 29)) >> 30);
    const double  left    = ((double)turn - (double)quarter * 0x1p30) * (M_PI / 2 * 0x1p-30);
    const double  s[4]    = {sin(left), cos(left), -sin(left), -cos(left)};
    float         sine, cosine;
    nrf_sincos_turn((uint32_t)turn, &sine, &cosine);
    largest = worst(largest, ulps(sine, s[quarter % 4]));
    largest = worst(largest, ulps(cosine, s[(quarter + 1) % 4]));
  }
  print_message("sine, cosine: %.3f ulp\n", largest);
  assert_true(largest <= 3.0);
}

static double sigmoid(double x)
{
  return 1.0 / (1.0 + exp(-x));
}

static double clamped(double x, double low, double high)
{
  return x < low ? low : x > high ? high : x;
}

/* The definitions of spec/system.md 1.2 and 1.5. */
static double exact_activation(nrf_activation kind, double x)
{
  switch (kind) {
  case NRF_HARDTANH:
    return clamped(x, -1, 1);
  case NRF_HARDSIG:
    return clamped(x, 0, 1);
  case NRF_RELU:
    return x > 0 ? x : 0;
  case NRF_LEAKY_RELU:
    return x > 0 ? x : 0.01 * x;
  case NRF_SWISH:
    return x * sigmoid(x);
  case NRF_SOFT_HARDTANH:
    return clamped(x, -1, 1) + 0.01 * x;
  case NRF_SOFT_HARDSIG:
    return clamped(x, 0, 1) + 0.01 * x;
  default:
    return x;
  }
}

static void activations_and_their_slopes_follow_their_definitions(void **state)
{
  (void)state;
  for (int kind = 0; kind < NRF_ACTIVATION_COUNT; kind++) {
    for (int k = -3000; k <= 3000; k++) {
      const float  x     = (float)k * 0.0101f + 0.0003f; /* never on a bound */
      const double exact = exact_activation((nrf_activation)kind, (double)x), step = 1e-5;
      const double slope = (exact_activation((nrf_activation)kind, (double)x + step) -
                            exact_activation((nrf_activation)kind, (double)x - step)) /
                           (2 * step);
      assert_true(fabs((double)nrf_activate((nrf_activation)kind, x) - exact) <=
                  3e-7 * (fabs(exact) + 1e-30));
      /* Swish: the error of the central difference is 1e-11; near the slope's zero, rounding of its terms. */
      assert_true(fabs((double)nrf_activation_slope((nrf_activation)kind, x) - slope) <= 1e-6);
    }
    assert_true(isnan(nrf_activate((nrf_activation)kind, NAN)));
  }
}

static void slopes_on_the_bounds_are_zero(void **state)
{
  (void)state;
  assert_true(nrf_activation_slope(NRF_HARDTANH, -1.0f) == 0.0f &&
              nrf_activation_slope(NRF_HARDTANH, 1.0f) == 0.0f);
  assert_true(nrf_activation_slope(NRF_HARDSIG, 0.0f) == 0.0f &&
              nrf_activation_slope(NRF_HARDSIG, 1.0f) == 0.0f);
  assert_true(nrf_activation_slope(NRF_RELU, 0.0f) == 0.0f);
  assert_true(nrf_activation_slope(NRF_LEAKY_RELU, 0.0f) == 0.01f);
  assert_true(nrf_activation_slope(NRF_SOFT_HARDTANH, 1.0f) == 0.01f);
  assert_true(nrf_activation_slope(NRF_SOFT_HARDSIG, 0.0f) == 0.01f);
}

static void swish_is_finite_far_out(void **state)
{
  (void)state;
  assert_true(nrf_swish(-200.0f) == 0.0f && nrf_swish(200.0f) == 200.0f);
  assert_true(nrf_swish_slope(-200.0f) == 0.0f && nrf_swish_slope(200.0f) == 1.0f);
}

static void normal_numbers_are_finite_at_the_ends_of_the_uniform_range(void **state)
{
  (void)state;
  const uint32_t smallest[4] = {0, 0, 0, 1u << 30};
  const uint32_t largest[4]  = {UINT32_MAX, 0, UINT32_MAX, UINT32_MAX};
  float          z[4];
  nrf_normals_of_words(smallest, z);
  assert_true(fabs((double)z[0] - sqrt(66.0 * M_LN2)) < 1e-6); /* sqrt(-2 ln 2^-33): the longest tail */
  assert_true(fabs((double)z[3] - sqrt(66.0 * M_LN2)) < 1e-6);
  nrf_normals_of_words(largest, z);
  for (int k = 0; k < 4; k++) assert_true(fabsf(z[k]) < 1e-3f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exponential_is_right_to_an_ulp_from_underflow_to_overflow),
      cmocka_unit_test(logarithm_is_right_to_an_ulp_for_positive_normal_numbers),
      cmocka_unit_test(sine_and_cosine_of_a_turn_are_right_to_three_ulps),
      cmocka_unit_test(activations_and_their_slopes_follow_their_definitions),
      cmocka_unit_test(slopes_on_the_bounds_are_zero),
      cmocka_unit_test(swish_is_finite_far_out),
      cmocka_unit_test(normal_numbers_are_finite_at_the_ends_of_the_uniform_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
