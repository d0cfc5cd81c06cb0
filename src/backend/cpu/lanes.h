/* lanes.h - 16 numbers side by side: one vector register where the processor has them, several where it has not. */
#ifndef NRFLV_CPU_LANES_H
#define NRFLV_CPU_LANES_H

#include <stddef.h>
#include <string.h>

enum { NRF_LANES = 16 };

typedef float nrf_vector __attribute__((vector_size(NRF_LANES * sizeof(float))));

/* The same, anywhere in memory. */
typedef float nrf_unaligned_vector __attribute__((vector_size(NRF_LANES * sizeof(float)), aligned(4)));

/* The first n of 16 numbers (16, if n is more); lanes beyond them are 0, memory beyond them is not touched. */
static inline nrf_vector nrf_load_lanes(const float *from, long n)
{
  if (n >= NRF_LANES) return *(const nrf_unaligned_vector *)(const void *)from;
  nrf_vector v = {0};
  memcpy(&v, from, (size_t)n * sizeof(float));
  return v;
}

static inline void nrf_store_lanes(float *to, nrf_vector v, long n)
{
  if (n >= NRF_LANES)
    *(nrf_unaligned_vector *)(void *)to = v;
  else
    memcpy(to, &v, (size_t)n * sizeof(float));
}

#endif
