/* sort.c - doubles by the C library; floats by their digits, least significant first, where no branch depends on the data. */
#include "nrflv/sort.h"

#include <stdlib.h>
#include <string.h>

static int ascending_order(const void *left, const void *right)
{
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

void nrf_sort_doubles(int64_t n, double *x)
{
  if (n > 1) qsort(x, (size_t)n, sizeof *x, ascending_order);
}

enum { DIGIT_BITS = 8, DIGITS = 32 / DIGIT_BITS, VALUES = 1 << DIGIT_BITS };

/* Unsigned integers in the order of the floats: of negative ones all bits are turned, of others the sign. */
static inline uint32_t key_of(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits ^ ((uint32_t) - (int32_t)(bits >> 31) | 0x80000000u);
}

static inline float float_of(uint32_t key)
{
  const uint32_t bits = key ^ (((key >> 31) - 1u) | 0x80000000u);
  float          x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline uint32_t digit_of(uint32_t key, int digit)
{
  return key >> (digit * DIGIT_BITS) & (VALUES - 1);
}

void nrf_sort_floats(int64_t n, const float *x, float *sorted, uint32_t *work)
{
  uint32_t  place[DIGITS][VALUES] = {{0}};
  uint32_t *from = work, *to = work + n;
  for (int64_t i = 0; i < n; i++) {
    from[i] = key_of(x[i]);
    for (int d = 0; d < DIGITS; d++) place[d][digit_of(from[i], d)]++;
  }
  for (int d = 0; d < DIGITS; d++) {
    uint32_t before = 0;
    for (int v = 0; v < VALUES; v++) {
      const uint32_t count = place[d][v];
      place[d][v]          = before;
      before += count;
    }
    for (int64_t i = 0; i < n; i++) to[place[d][digit_of(from[i], d)]++] = from[i];
    uint32_t *swap = from;
    from           = to;
    to             = swap;
  }
  for (int64_t i = 0; i < n; i++) sorted[i] = float_of(from[i]);
}
