/* experiment_run.h - planned experiments, step by step. */
#ifndef NRFLV_MANAGERS_EXPERIMENT_RUN_H
#define NRFLV_MANAGERS_EXPERIMENT_RUN_H

#include "managers/experiment_plan.h"
#include "managers/time_limit.h"

/* The networks of the model, ready to sample. */
typedef struct nrf_experiment_engine nrf_experiment_engine;

/* plan, limit and progress are borrowed. */
NRF_MUST_CHECK nrf_status nrf_experiment_engine_create(const nrf_experiment_plan *plan, nrf_time_limit *limit,
                                                       const nrf_progress     *progress,
                                                       nrf_experiment_engine **out);
void                      nrf_experiment_engine_free(nrf_experiment_engine *engine);

/* Seconds that a step takes, computing what is to be recorded, from a few steps that are forgotten. */
NRF_MUST_CHECK nrf_status nrf_experiment_time_step(nrf_experiment_engine *engine, double *seconds);

/* Records one experiment of the plan to its end, or goes on with it: see nrf_run_experiments. Its folder must be there. */
NRF_MUST_CHECK nrf_status nrf_experiment_record(nrf_experiment_engine *engine, int item);

#endif
