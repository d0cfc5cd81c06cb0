/* time_limit.h - when a session has to save in order to end within --max_hours. */
#ifndef NRFLV_MANAGERS_TIME_LIMIT_H
#define NRFLV_MANAGERS_TIME_LIMIT_H

#include "nrflv/progress.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct nrf_time_limit {
  double started, limit; /* seconds, monotonic; limit 0: none                      */
  double last_look;
  double slowest_step; /* between two looks: a sampler step with all that may follow it */
  double slowest_save;
} nrf_time_limit;

/* Seconds on a clock that nobody sets; only differences mean something. */
double nrf_seconds_now(void);

/* The clock starts now; 0 hours: no limit. */
nrf_time_limit nrf_time_limit_start(double hours);

/* Whether a checkpoint of so many bytes has to be written now, because after one more step it could be too late. Look
 * once per step. */
bool nrf_time_is_up(nrf_time_limit *t, int64_t bytes);

/* A checkpoint took so long. */
void nrf_time_limit_saved(nrf_time_limit *t, double seconds);

/* For library code that asks its progress alone whether to stop: everything goes to `inner` (which may be NULL), and the
 * answer is yes as well once the time is up. */
typedef struct nrf_limited_progress {
  const nrf_progress *inner;
  nrf_time_limit     *limit;
  bool                out_of_time; /* the time was up when it was asked */
} nrf_limited_progress;

nrf_progress nrf_limited_progress_of(nrf_limited_progress *limited);

#endif
