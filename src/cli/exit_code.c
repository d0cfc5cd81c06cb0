/* exit_code.c - how the end of a run is told to the shell. */
#include "cli/exit_code.h"

#include <signal.h>

enum { DONE = 0, FAILED = 1, USAGE = 2, SIGNALLED = 128 };

int nrf_exit_code(nrf_status st, int stop_signal)
{
  switch (st) {
  case NRF_OK:
    return DONE;
  case NRF_EINTERRUPTED:
    return stop_signal == SIGINT || stop_signal == SIGTERM ? SIGNALLED + stop_signal : DONE;
  case NRF_EINVAL:
  case NRF_EUNSUPPORTED:
    return USAGE;
  default:
    return FAILED;
  }
}
