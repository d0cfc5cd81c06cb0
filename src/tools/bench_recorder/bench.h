/* bench.h - the two parts of bench_recorder. */
#ifndef NRFLV_TOOLS_BENCH_RECORDER_BENCH_H
#define NRFLV_TOOLS_BENCH_RECORDER_BENCH_H

#include "nrflv/settings.h"
#include "nrflv/status.h"

#include <stdint.h>
#include <time.h>

/* Sampling without recording, with energies and bno computed, and recorded into `folder`; and the disk's speed, writing as many
 * bytes one after the other. In turn, `rounds` times, `steps` sampler steps each. */
NRF_MUST_CHECK nrf_status bench_throughput(const char *folder, int steps, int rounds, const nrf_settings *s);

/* Records what stands in `recording`, a complete one in float32, once more into `folder` in every number format, and packs it
 * with every set of filters. */
NRF_MUST_CHECK nrf_status bench_formats(const char *recording, const char *folder, const nrf_settings *s);

static inline double seconds_now(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
