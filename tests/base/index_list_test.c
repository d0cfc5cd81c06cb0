/* index_list_test.c - "3 5 8-11" as users type it. */
#include "nrflv/index_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static nrf_name_list list_of(int n, const char *const words[])
{
  nrf_name_list list = {.count = n};
  for (int i = 0; i < n; i++) (void)snprintf(list.name[i], sizeof list.name[i], "%s", words[i]);
  return list;
}

static void an_empty_list_names_all(void **state)
{
  (void)state;
  const nrf_name_list none = {0};
  int                 index[4], n = -1;
  assert_int_equal(nrf_index_list_expand(&none, "viz_channels", "channels", 4, index, &n), NRF_OK);
  assert_int_equal(n, 4);
  for (int i = 0; i < 4; i++) assert_int_equal(index[i], i);
}

static void indices_come_ascending_and_once(void **state)
{
  (void)state;
  const nrf_name_list list     = list_of(4, (const char *const[]){"9", "2-4", "3", "0"});
  const int           wanted[] = {0, 2, 3, 4, 9};
  int                 index[10], n = 0;
  assert_int_equal(nrf_index_list_expand(&list, "viz_channels", "channels", 10, index, &n), NRF_OK);
  assert_int_equal(n, 5);
  assert_memory_equal(index, wanted, sizeof wanted);
}

static void what_is_out_of_range_is_named(void **state)
{
  (void)state;
  const nrf_name_list list = list_of(1, (const char *const[]){"3-4"});
  int                 index[4], n;
  assert_int_equal(nrf_index_list_expand(&list, "record_channels", "channels of layer 2", 4, index, &n),
                   NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "--record_channels"));
  assert_non_null(strstr(nrf_error_message(), "channels of layer 2"));
}

static void words_that_are_no_indices_are_refused(void **state)
{
  (void)state;
  static const char *const bad[] = {"",      "x",  "-1", "3-",          "-3", "5-3",
                                    "1-2-3", "3 ", "+3", "99999999999", "1.5"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int first, last;
    assert_int_equal(nrf_index_range_parse(bad[i], "record_images", &first, &last), NRF_EINVAL);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_list_names_all),
      cmocka_unit_test(indices_come_ascending_and_once),
      cmocka_unit_test(what_is_out_of_range_is_named),
      cmocka_unit_test(words_that_are_no_indices_are_refused),
  };
  return cmocka_run_group_tests_name("index_list", tests, NULL, NULL);
}
