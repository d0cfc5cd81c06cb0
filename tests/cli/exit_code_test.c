/* What the shell is told. */
#include "cli/exit_code.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_end_has_its_code(void **state)
{
  (void)state;
  static const struct {
    nrf_status status;
    int        stop_signal, code;
  } cases[] = {
      {NRF_OK, 0, 0},
      {NRF_OK, SIGINT, 0}, /* it came too late to stop anything */
      {NRF_EINVAL, 0, 2},
      {NRF_EUNSUPPORTED, 0, 2},
      {NRF_EIO, 0, 1},
      {NRF_ENOSPACE, 0, 1},
      {NRF_EDIVERGED, 0, 1},
      {NRF_EIO, SIGTERM, 1}, /* stopped, but not saved */
      {NRF_EINTERRUPTED, 0, 0},
      {NRF_EINTERRUPTED, SIGUSR1, 0},
      {NRF_EINTERRUPTED, SIGINT, 130},
      {NRF_EINTERRUPTED, SIGTERM, 143},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(nrf_exit_code(cases[i].status, cases[i].stop_signal), cases[i].code);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_end_has_its_code)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
