/* Errors carry a message that gains context on its way up and names the system's reason. */
#include "nrflv/status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void message_gains_context_on_its_way_up(void **state)
{
  (void)state;
  nrf_status st = nrf_error(NRF_EFORMAT, "record %d has label %d", 3, 77);
  st            = nrf_error_context(st, "%s", "data_batch_1.bin");
  assert_int_equal(st, NRF_EFORMAT);
  assert_string_equal(nrf_error_message(), "data_batch_1.bin: record 3 has label 77");
}

static void success_passes_through_context_untouched(void **state)
{
  (void)state;
  (void)nrf_error(NRF_EINVAL, "before");
  assert_int_equal(nrf_error_context(NRF_OK, "file"), NRF_OK);
  assert_string_equal(nrf_error_message(), "before");
}

static void full_disk_has_a_code_of_its_own(void **state)
{
  (void)state;
  errno = ENOSPC;
  assert_int_equal(nrf_error_errno("a.h5: write"), NRF_ENOSPACE);
  assert_non_null(strstr(nrf_error_message(), "a.h5: write: No space left"));
  errno = EACCES;
  assert_int_equal(nrf_error_errno("a.h5: open"), NRF_EIO);
}

static void long_messages_are_cut_not_overrun(void **state)
{
  (void)state;
  char text[4000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  assert_int_equal(nrf_error(NRF_EINVAL, "%s", text), NRF_EINVAL);
  assert_int_equal(strlen(nrf_error_message()), 1023);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(message_gains_context_on_its_way_up),
      cmocka_unit_test(success_passes_through_context_untouched),
      cmocka_unit_test(full_disk_has_a_code_of_its_own),
      cmocka_unit_test(long_messages_are_cut_not_overrun),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
