/* work_items.h - independent pieces of work, spread over threads. */
#ifndef NRFLV_ANALYSIS_WORK_ITEMS_H
#define NRFLV_ANALYSIS_WORK_ITEMS_H

#include "nrflv/progress.h"
#include "nrflv/status.h"

#include <stdint.h>

typedef struct nrf_work_items {
  int64_t     n;
  const char *title, *unit; /* for the progress: "fits of experiment 1", "images" */
  /* Does item number `item`; `worker` in 0 .. threads - 1 is running nothing else, for scratch memory. What it computes must not
   * depend on the worker. */
  nrf_status (*run)(void *context, int64_t item, int worker);
  void *context;
} nrf_work_items;

/* Runs the items on `threads` >= 1 threads, in any order. The first error stops what was not begun; of several the one of the lowest
 * item is returned, with its message. NRF_EINTERRUPTED if `progress` (may be NULL) asks to stop. */
NRF_MUST_CHECK nrf_status nrf_work_items_run(const nrf_work_items *items, int threads,
                                             const nrf_progress *progress);

#endif
