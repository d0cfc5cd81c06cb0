/* traces.h - an experiment of the thesis's size that was never recorded: its traces are computed when they are asked for. */
#ifndef NRFLV_TOOLS_BENCH_FULL_SIZE_TRACES_H
#define NRFLV_TOOLS_BENCH_FULL_SIZE_TRACES_H

#include "nrflv/experiment.h"
#include "nrflv/extract.h"

/* `images` of the batch's 128, evenly spread; layer 1 of 32 channels of 32x32. What is random is drawn with `seed`. The traces are noise
 * with a spectrum, an oscillation that all neurons share, each channel with a lag of its own, and responses to the patches: most
 * channels prefer a direction; responses grow with contrast, and the oscillation grows and quickens with them. Close it with
 * nrf_trace_source_close. */
NRF_MUST_CHECK nrf_status open_generated(const nrf_experiment *experiment, int images, uint64_t seed,
                                         nrf_trace_source *out);

#endif
