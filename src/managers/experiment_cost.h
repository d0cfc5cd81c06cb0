/* experiment_cost.h - what a session of experiments takes: disk space and time. */
#ifndef NRFLV_MANAGERS_EXPERIMENT_COST_H
#define NRFLV_MANAGERS_EXPERIMENT_COST_H

#include "managers/experiment_plan.h"

typedef struct nrf_experiment_cost {
  int64_t steps;                  /* still to be made                                           */
  int64_t bytes;                  /* still to be taken from the disk, at the most at one time   */
  int64_t bytes_kept;             /* what stays when all is done, finished recordings apart     */
  int64_t bytes_free;             /* -1: not known                                              */
  char    disk[NRF_SESSION_PATH]; /* a directory on the disk that is written to                 */
  double  step_bytes;             /* written per step                                           */
  double  step_seconds;           /* of sampling; 0: not known                                  */
  double  disk_rate;              /* bytes per second; 0: not known                             */
  double  seconds;                /* of everything; sampling and writing overlap                */
} nrf_experiment_cost;

/* The plan's session must be chosen. step_seconds: how long a sampler step takes; 0: not known, and the disk's rate, which
 * is found with a nameless file that is gone afterwards, is not measured either. */
nrf_experiment_cost nrf_experiment_cost_of(const nrf_experiment_plan *plan, double step_seconds);

/* Tells the plan and what it takes. */
void nrf_experiment_tell(const nrf_experiment_plan *plan, const nrf_experiment_cost *cost, nrf_level level,
                         const nrf_progress *progress);

/* NRF_ENOSPACE, naming the options that make it smaller, if it does not fit on the disk. */
NRF_MUST_CHECK nrf_status nrf_experiment_check_space(const nrf_experiment_plan *plan,
                                                     const nrf_experiment_cost *cost);

#endif
