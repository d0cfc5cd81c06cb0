/* experiment_session.h - the folder of a session of experiments, and how far its recordings have come. */
#ifndef NRFLV_MANAGERS_EXPERIMENT_SESSION_H
#define NRFLV_MANAGERS_EXPERIMENT_SESSION_H

#include "managers/experiment_plan.h"

/* Names the session and its folder, fills the paths of all experiments, and finds out which recordings are finished or
 * partial: see nrf_run_experiments. Writes nothing. */
NRF_MUST_CHECK nrf_status nrf_experiment_choose_session(nrf_experiment_plan *plan);

#endif
