/* event_file.h - event files as TensorBoard reads them: scalars and histograms over steps.
 *
 * A file grows by whole records and is never rewritten; a resumed run simply starts another one in the same
 * directory. What a killed process leaves is readable up to its last complete record. */
#ifndef NRFLV_EVENT_FILE_H
#define NRFLV_EVENT_FILE_H

#include "nrflv/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct nrf_event_file nrf_event_file;

/* A piece of an array of which a histogram is made. */
typedef struct nrf_float_span {
  const float *data;
  int64_t      count;
} nrf_float_span;

/* Starts `directory`/events.out.tfevents.<unix time>.<host>.<process>.<n>, n being the first number that
 * is free, and makes the directory if need be. */
NRF_MUST_CHECK nrf_status nrf_event_file_create(const char *directory, nrf_event_file **out);

/* Borrowed from `file`. */
const char *nrf_event_file_path(const nrf_event_file *file);

/* Adds one value, as float32, stamped with the time of the call. TensorBoard shows NaN and infinities as
 * gaps. Records are gathered in memory and written when there are enough of them, or by flush. */
NRF_MUST_CHECK nrf_status nrf_event_add_scalar(nrf_event_file *file, const char *tag, int64_t step,
                                               double value);

/* Adds the histogram of all values of the pieces together, in TensorFlow's exponential buckets (powers
 * of 1.1 from 1e-12 to 1e20, on both sides of zero). Values that are NaN or infinite are left out and counted in
 * `left_out` (may be NULL); if nothing remains, nothing is added. */
NRF_MUST_CHECK nrf_status nrf_event_add_histogram(nrf_event_file *file, const char *tag, int64_t step,
                                                  int n_pieces, const nrf_float_span pieces[],
                                                  int64_t *left_out);

/* Writes what has been gathered. After a failure (disk full) the file ends with a complete record, and the
 * records not written are kept for the next attempt. */
NRF_MUST_CHECK nrf_status nrf_event_file_flush(nrf_event_file *file);

/* Flushes and frees; the file is freed whatever the status. NULL is fine. */
NRF_MUST_CHECK nrf_status nrf_event_file_close(nrf_event_file *file);

#endif
