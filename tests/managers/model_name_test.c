/* model_name_test.c - names nobody chose. */
#include "nrflv/model_name.h"

#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_name_tells_the_local_time(void **state)
{
  (void)state;
  char name[NRF_MODEL_NAME_BYTES];
  (void)setenv("TZ", "UTC", 1);
  tzset();
  nrf_model_name_at(951782399, 1, name); /* the last second of 28 February 2000 */
  assert_memory_equal(name, "20000228-235959__rndidx_", 24);
}

static void the_random_part_is_below_99999_and_uses_the_range(void **state)
{
  (void)state;
  long lowest = 99999, highest = -1;
  for (uint64_t entropy = 0; entropy < 2000; entropy++) {
    char name[NRF_MODEL_NAME_BYTES], *end;
    nrf_model_name_at(0, entropy, name);
    const long number = strtol(strstr(name, "rndidx_") + 7, &end, 10);
    assert_int_equal(*end, '\0');
    lowest  = number < lowest ? number : lowest;
    highest = number > highest ? number : highest;
  }
  assert_true(lowest >= 0 && lowest < 1000);
  assert_true(highest <= 99998 && highest > 99000);
}

static void new_names_differ_within_a_second(void **state)
{
  (void)state;
  char directory[SCRATCH_PATH], first[NRF_MODEL_NAME_BYTES], second[NRF_MODEL_NAME_BYTES];
  scratch_create(directory);
  int same = 0;
  for (int i = 0; i < 20; i++) {
    assert_int_equal(nrf_model_name_new(directory, first), NRF_OK);
    assert_int_equal(nrf_model_name_new(directory, second), NRF_OK);
    same += strcmp(first, second) == 0;
  }
  assert_true(same <= 1); /* a chance of 1 in 5000 for one */
  scratch_remove(directory);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_tells_the_local_time),
      cmocka_unit_test(the_random_part_is_below_99999_and_uses_the_range),
      cmocka_unit_test(new_names_differ_within_a_second),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
