/* work_items.c - a parallel loop that can fail and be stopped. */
#include "nrflv/analysis/work_items.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>

enum { MESSAGE_BYTES = 1024 };

/* What the threads share; all but the flag under the critical section. */
typedef struct outcome {
  atomic_bool stop; /* no further item is begun */
  nrf_status  st;
  int64_t     failed_item;
  char        message[MESSAGE_BYTES]; /* messages of errors belong to a thread */
  int64_t     done;
} outcome;

static void note_failure(outcome *o, int64_t item, nrf_status st)
{
  if (o->st != NRF_OK && o->failed_item < item) return;
  o->st          = st;
  o->failed_item = item;
  (void)snprintf(o->message, sizeof o->message, "%s", nrf_error_message());
  atomic_store(&o->stop, true);
}

static void run_one(const nrf_work_items *items, const nrf_progress *progress, int64_t item, outcome *o)
{
  const nrf_status st = items->run(items->context, item, omp_get_thread_num());
#pragma omp critical(nrf_work_items)
  {
    if (st != NRF_OK) {
      note_failure(o, item, st);
    } else {
      nrf_progress_update(progress, ++o->done, items->n, "%s", "");
      if (nrf_progress_stop_requested(progress))
        note_failure(o, items->n, nrf_error(NRF_EINTERRUPTED, "%s: stopped on request", items->title));
    }
  }
}

nrf_status nrf_work_items_run(const nrf_work_items *items, int threads, const nrf_progress *progress)
{
  outcome o = {.st = NRF_OK, .failed_item = items->n};
  nrf_progress_begin(progress, items->title, items->unit, 0);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (int64_t item = 0; item < items->n; item++)
    if (!atomic_load(&o.stop)) run_one(items, progress, item, &o);
  nrf_progress_end(progress);
  if (o.done == items->n) return NRF_OK; /* asked to stop when there was nothing left to stop */
  return o.st == NRF_OK ? NRF_OK : nrf_error(o.st, "%s", o.message);
}
