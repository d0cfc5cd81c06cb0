/* interrupt.h - signals that ask the program to stop: SIGINT, SIGTERM and SIGUSR1. */
#ifndef NRFLV_CLI_INTERRUPT_H
#define NRFLV_CLI_INTERRUPT_H

#include "nrflv/status.h"

/* From now on the three signals only leave a note. A second SIGINT ends the program at once. */
nrf_status nrf_interrupt_install(void) NRF_MUST_CHECK;

/* The signal that came first, 0 if none did. */
int nrf_interrupt_signal(void);

#endif
