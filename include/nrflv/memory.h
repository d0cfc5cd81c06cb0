/* memory.h - aligned memory that is counted, so that "a step allocates nothing" and "peak memory" are facts. */
#ifndef NRFLV_MEMORY_H
#define NRFLV_MEMORY_H

#include "nrflv/status.h"

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory aligned to 64 bytes (a cache line, a vector register). `what` is quoted in the error
 * ("what: cannot allocate 1.2 GiB"). Freed with nrf_free. bytes = 0 gives a valid pointer. */
NRF_MUST_CHECK nrf_status nrf_alloc(size_t bytes, const char *what, void **out);
void                      nrf_free(void *memory);

/* The same for `count` floats; checks the multiplication. */
NRF_MUST_CHECK nrf_status nrf_alloc_floats(int64_t count, const char *what, float **out);

/* Calls of nrf_alloc since the program started, and the largest resident set the process has had, in bytes. */
uint64_t nrf_alloc_calls(void);
uint64_t nrf_peak_resident_bytes(void);

#endif
