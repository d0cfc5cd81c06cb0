/* process.h - how a program of this house begins and ends. */
#ifndef NRFLV_CLI_PROCESS_H
#define NRFLV_CLI_PROCESS_H

#include "nrflv/status.h"

/* Threads that wait for each other shall sleep, not spin: while another program has one of the cores, spinning costs a
 * time slice at every meeting, several per sampler step (measured: a step takes three times as long). The OpenMP
 * library reads its environment before main, so the program starts once more with the setting in place. Whoever has set a
 * policy keeps it. First thing in main. */
void nrf_wait_passively(char *argv[]);

/* What was printed has to arrive, also on a full disk. */
NRF_MUST_CHECK nrf_status nrf_flush_output(void);

/* Prints the message of an error, after the program's name; returns the exit code. */
int nrf_program_end(const char *program, nrf_status st);

#endif
