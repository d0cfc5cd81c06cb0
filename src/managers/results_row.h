/* results_row.h - exps/params_and_results_NAME.csv: one row with all settings and what became of the run. */
#ifndef NRFLV_MANAGERS_RESULTS_ROW_H
#define NRFLV_MANAGERS_RESULTS_ROW_H

#include "managers/trainer.h"

typedef enum nrf_run_state {
  NRF_RUN_RUNNING, /* also what a killed run leaves */
  NRF_RUN_FINISHED,
  NRF_RUN_STOPPED, /* on request, or by a limit */
  NRF_RUN_DIVERGED,
  NRF_RUN_STATES
} nrf_run_state;

/* Writes the file, atomically. seconds: this session's. */
NRF_MUST_CHECK nrf_status nrf_results_row_write(const char *path, const nrf_trainer *t, nrf_run_state state,
                                                double seconds);

#endif
