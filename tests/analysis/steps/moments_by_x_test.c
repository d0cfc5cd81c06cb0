/* moments_by_x_test.c - values are gathered by places that may differ by rounding, in order. */
#include "analysis/steps/moments_by_x.h"

#include "support/close.h"

static void places_that_differ_by_rounding_are_one_and_all_are_in_order(void **state)
{
  (void)state;
  static const double ROUNDING = 1e-9;
  nrf_moments_by_x    list     = {0};
  nrf_add_at_x(&list, 2.0, 10.0);
  nrf_add_at_x(&list, 0.0, 1.0);
  nrf_add_at_x(&list, 1.0, 3.0);
  nrf_add_at_x(&list, 1.0 - ROUNDING, 5.0);
  nrf_add_at_x(&list, 1.0 + ROUNDING, 7.0);
  nrf_add_at_x(&list, 2.0 - ROUNDING, 20.0);
  assert_int_equal(list.n, 3);
  for (int i = 0; i < list.n; i++) {
    static const int    n[]    = {1, 3, 2};
    static const double mean[] = {1.0, 5.0, 15.0};
    assert_near(list.x[i], i, 0.0);
    assert_int_equal(list.at[i].n, n[i]);
    assert_near(list.at[i].mean, mean[i], 1e-12);
  }
}

static void a_full_list_takes_only_what_it_has(void **state)
{
  (void)state;
  nrf_moments_by_x list = {0};
  for (int i = 0; i < NRF_MAX_X; i++) nrf_add_at_x(&list, NRF_MAX_X - i, 1.0);
  nrf_add_at_x(&list, 0.5, 1.0);
  nrf_add_at_x(&list, NRF_MAX_X, 3.0);
  assert_int_equal(list.n, NRF_MAX_X);
  assert_near(list.x[0], 1.0, 0.0);
  assert_int_equal(list.at[NRF_MAX_X - 1].n, 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(places_that_differ_by_rounding_are_one_and_all_are_in_order),
      cmocka_unit_test(a_full_list_takes_only_what_it_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
