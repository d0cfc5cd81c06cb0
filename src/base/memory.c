/* memory.c - aligned, counted memory. */
#include "nrflv/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* A statistic, not state: nothing depends on it but reports and tests. */
static atomic_uint_fast64_t alloc_calls;

enum { ALIGNMENT = 64 };

nrf_status nrf_alloc(size_t bytes, const char *what, void **out)
{
  *out = NULL;
  if (bytes > SIZE_MAX - ALIGNMENT)
    return nrf_error(NRF_ENOMEM, "%s: cannot allocate %zu bytes", what, bytes);
  const size_t rounded = bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  void        *memory  = aligned_alloc(ALIGNMENT, rounded);
  if (memory == NULL)
    return nrf_error(NRF_ENOMEM, "%s: cannot allocate %.1f MiB", what, (double)bytes / (1 << 20));
  memset(memory, 0, rounded);
  atomic_fetch_add_explicit(&alloc_calls, 1, memory_order_relaxed);
  *out = memory;
  return NRF_OK;
}

void nrf_free(void *memory)
{
  free(memory);
}

nrf_status nrf_alloc_floats(int64_t count, const char *what, float **out)
{
  *out = NULL;
  if (count < 0 || (uint64_t)count > SIZE_MAX / sizeof(float))
    return nrf_error(NRF_ENOMEM, "%s: cannot allocate %lld numbers", what, (long long)count);
  void            *memory = NULL;
  const nrf_status st     = nrf_alloc((size_t)count * sizeof(float), what, &memory);
  *out                    = memory;
  return st;
}

uint64_t nrf_alloc_calls(void)
{
  return atomic_load_explicit(&alloc_calls, memory_order_relaxed);
}

uint64_t nrf_peak_resident_bytes(void)
{
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return (uint64_t)usage.ru_maxrss * 1024u;
}
