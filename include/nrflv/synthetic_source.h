/* synthetic_source.h - the synthetic recordings of a reference file (analysis_steps.h5) as a source of traces: a few
 * neurons whose traces follow from an integer formula, bit for bit; all others are 0 at all times. */
#ifndef NRFLV_SYNTHETIC_SOURCE_H
#define NRFLV_SYNTHETIC_SOURCE_H

#include "nrflv/extract.h"
#include "nrflv/status.h"

/* Opens recording `kind` of the file (its group is called as the kind, in small letters: "recordings/prim"). Close it with
 * nrf_trace_source_close. It has no pictures. NRF_ENOTFOUND if the file has no such recording. */
NRF_MUST_CHECK nrf_status nrf_synthetic_source_open(const char *path, nrf_experiment_kind kind,
                                                    nrf_trace_source *out);

/* How many of the neurons are not 0 at all times, counted for each image. */
int64_t nrf_synthetic_source_traces(const nrf_trace_source *source);

#endif
