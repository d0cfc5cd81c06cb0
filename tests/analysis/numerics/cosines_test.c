/* Cosines in a loop against the library's. */
#include "analysis/numerics/cosines.h"

#include "support/close.h"

static void they_are_those_of_the_library(void **state)
{
  (void)state;
  static const double phases[] = {0.0, 1.0, -3.0, 700.0, -123456.7, 9.9e5, 3e7, 1e300};
  double              out[200];
  for (size_t k = 0; k < sizeof phases / sizeof *phases; k++)
    for (double lambda = -7.0; lambda < 7.0; lambda += 0.0137) {
      cosines_at_lags(200, -100, lambda, phases[k], out);
      for (int i = 0; i < 200; i++) {
        /* Angles are rounded before; where a multiplication and an addition are one instruction, in another way. */
        const double angle   = lambda * (i - 100) + phases[k],
                     rounded = fabs(angle) < 1e15 ? 3e-16 * fabs(angle) : 2.0;
        assert_near(out[i], cos(angle), 4e-16 + rounded);
      }
    }
}

static void special_angles(void **state)
{
  (void)state;
  double out[3];
  cosines_at_lags(3, 0, M_PI_2, 0.0, out);
  assert_true(out[0] == 1.0 && out[2] == -1.0);
  assert_relative(out[1], 6.123233995736766e-17, 1e-15);
  cosines_at_lags(3, 0, NAN, 0.0, out);
  assert_true(isnan(out[0]) && isnan(out[1]));
  cosines_at_lags(1, 0, 1.0, INFINITY, out);
  assert_true(isnan(out[0]));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(they_are_those_of_the_library),
      cmocka_unit_test(special_angles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
