/* process.c - how a program of this house begins and ends. */
#include "cli/process.h"

#include "cli/exit_code.h"
#include "cli/interrupt.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void nrf_wait_passively(char *argv[])
{
  if (getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL) return;
  if (setenv("OMP_WAIT_POLICY", "passive", 1) == 0) execv("/proc/self/exe", argv);
  /* Still here: no /proc. It works all the same. */
}

nrf_status nrf_flush_output(void)
{
  if (fflush(stdout) != 0 || ferror(stdout)) return nrf_error_errno("standard output");
  return NRF_OK;
}

int nrf_program_end(const char *program, nrf_status st)
{
  if (st != NRF_OK && st != NRF_EINTERRUPTED) fprintf(stderr, "%s: %s\n", program, nrf_error_message());
  return nrf_exit_code(st, nrf_interrupt_signal());
}
