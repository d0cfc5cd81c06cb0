/* progress.h - how library code tells what it is doing, and learns that it should stop, without
 * printing or knowing about signals. src/cli/ fills the callbacks; NULL for the whole struct or for any
 * of them means that nobody listens. Called from one thread at a time. */
#ifndef NRFLV_PROGRESS_H
#define NRFLV_PROGRESS_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nrf_level {
  NRF_INFO,    /* what a patient reader may want to know               */
  NRF_RESULT,  /* what the run is for: "wrote exps/models/a.h5"         */
  NRF_WARNING, /* something that the user should do something about    */
} nrf_level;

typedef struct nrf_progress {
  void *context; /* handed to every callback */

  /* A long loop starts. `title` "training"; `unit` in the plural, "steps"; "B" for bytes. Both are borrowed
   * until `end`. `done`: what an earlier session has already done; it does not count for the rate. */
  void (*begin)(void *context, const char *title, const char *unit, int64_t done);
  /* Cheap enough for every step. `total` may change on the way; 0 means that it is not known. `text`: a few
   * words. */
  void (*update)(void *context, int64_t done, int64_t total, const char *text);
  /* The loop is over, completely or not. */
  void (*end)(void *context);
  /* One line, without a newline; may come at any time. */
  void (*message)(void *context, nrf_level level, const char *text);
  /* Whether to finish the step at hand, save, and return NRF_EINTERRUPTED. Stays true once true. */
  bool (*stop_requested)(void *context);
} nrf_progress;

/* What library code calls; `progress` may be NULL. */
void nrf_progress_begin(const nrf_progress *progress, const char *title, const char *unit, int64_t done);
void nrf_progress_update(const nrf_progress *progress, int64_t done, int64_t total, const char *fmt, ...)
    NRF_PRINTF(4, 5);
void nrf_progress_end(const nrf_progress *progress);
void nrf_progress_message(const nrf_progress *progress, nrf_level level, const char *fmt, ...)
    NRF_PRINTF(3, 4);
bool nrf_progress_stop_requested(const nrf_progress *progress);

#ifdef __cplusplus
}
#endif
#endif
