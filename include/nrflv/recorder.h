/* recorder.h - from the sampler's arrays to a recording, beside the sampling.
 *
 * The thread that samples pushes a step: what is recorded of it is selected, transposed (channels-last to one map per
 * channel) and converted into a block of memory, by all threads, before the push returns. A writer thread takes
 * blocks and writes them to the file while sampling goes on. Steps are never dropped and never reordered: when the memory is
 * full, because the disk is slower than the sampler, a push waits.
 *
 * A block is handed over when it is full, and otherwise so long after its first step came in that it can be written in time. So what
 * a kill -9 takes away is at most the last flush_seconds of work, or, while the disk is the limit, at most the memory.
 * Larger blocks are cheaper: the disk is sent fewer and longer pieces.
 *
 * Numbers: float16 and rounded numbers are rounded to the nearest, to even in the middle. A NaN stays a NaN. A finite number
 * beyond the format's largest (65504 for float16: from 65520 on) becomes infinite, as IEEE 754 and numpy have it, and is
 * counted. Rounding to n mantissa bits is off by at most 2^-(n+1) of a number of normal size, and by at most
 * 2^-(n+127) for subnormal ones (below 1.2e-38). */
#ifndef NRFLV_RECORDER_H
#define NRFLV_RECORDER_H

#include "nrflv/recording.h"
#include "nrflv/states.h"
#include "nrflv/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct nrf_recorder nrf_recorder;

typedef struct nrf_recorder_config {
  size_t
      memory; /* bytes for blocks: no more is taken than helps; with less than two steps' there is no overlap */
  double
      flush_seconds; /* > 0: after so long a step is in the file                                                     */
  int threads; /* >= 1: of the copy                                                                            */
} nrf_recorder_config;

/* Starts the writer thread. Until the recorder is freed it alone uses `w` (but see nrf_recorder_drain), which says what is
 * recorded. With memory for less than one step, NRF_EINVAL says how much is needed. */
NRF_MUST_CHECK nrf_status nrf_recorder_create(nrf_recording_writer *w, const nrf_recorder_config *config,
                                              nrf_recorder **out);

/* Stops the thread; what is not written by then is lost: drain first. NULL is fine. */
void nrf_recorder_free(nrf_recorder *r);

/* Copies what is recorded of `step` (the first of the experiment is 0) and returns; steps that are no multiple of the stride
 * are passed over. source[v]: the batch's values of variable v, for variables that are recorded. The first step pushed
 * may be any (a recording that is resumed); from there on none may be left out.
 *
 * After an error of the writer thread every push returns that error, with its message: nothing more is written then.
 * NRF_EINVAL: a step out of order or beyond the recording's end. NRF_ESHAPE: a source that does not fit. */
NRF_MUST_CHECK nrf_status nrf_recorder_push(nrf_recorder *r, int64_t step,
                                            const nrf_states *const source[NRF_RECORD_VARIABLES]);

/* Has fn(user) run on the writer thread as soon as everything pushed so far is written and marked: for checkpoints of
 * the sampler, which must not be ahead of the recording. Does not wait for it; `user` must stay as it is until fn has
 * run, at the latest when a drain or nrf_recorder_free returns. Save points run in their order; after an error of the
 * writer thread they do not run any more. An error that fn returns is an error of the writer thread. */
typedef nrf_status        nrf_recorder_save_fn(void *user);
NRF_MUST_CHECK nrf_status nrf_recorder_save_point(nrf_recorder *r, nrf_recorder_save_fn *fn, void *user);

/* Waits until everything is written and marked and all save points have run. Until the next push the writer thread then leaves
 * the recording alone, which may be synced, finished or freed. */
NRF_MUST_CHECK nrf_status nrf_recorder_drain(nrf_recorder *r);

/* What the recorder did so far; for reports. */
typedef struct nrf_recorder_report {
  int64_t rows;            /* pushed                                                            */
  int64_t rows_written;    /* and marked                                                        */
  int64_t bytes_written;   /* of data                                                           */
  int64_t overflows;       /* finite numbers that became infinite in the number format          */
  double  seconds_copying; /* of the pushing thread                                             */
  double  seconds_waiting; /* of the pushing thread, for memory: the disk is the limit          */
  double  seconds_writing; /* of the writer thread                                              */
  int     rows_per_block;  /* that fit the memory                                               */
} nrf_recorder_report;

nrf_recorder_report nrf_recorder_report_of(nrf_recorder *r);

#endif
