/* exit_code.h - how the end of a run is told to the shell. */
#ifndef NRFLV_CLI_EXIT_CODE_H
#define NRFLV_CLI_EXIT_CODE_H

#include "nrflv/status.h"

/* 0 done; 1 failed; 2 asked for something that makes no sense or is not there. A run that was stopped, with
 * everything saved: 128 + signal after SIGINT and SIGTERM (`stop_signal`), as shells do; 0 after SIGUSR1
 * and at a time limit (no signal), which are planned. */
int nrf_exit_code(nrf_status st, int stop_signal);

#endif
