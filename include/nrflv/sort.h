/* sort.h - sorting numbers. */
#ifndef NRFLV_SORT_H
#define NRFLV_SORT_H

#include <stdint.h>

/* Sorts doubles ascending, in place. There must be no NaN. */
void nrf_sort_doubles(int64_t n, double *x);

/* Sixteen series side by side: x[i * 16 + lane] is value i of one of them. */
enum { NRF_SORT_LANES = 16 };

/* Rows that `x` below needs for n values: n, rounded up to whole runs. */
static inline int64_t nrf_sort_rows(int64_t n)
{
  return (n + NRF_SORT_LANES - 1) / NRF_SORT_LANES * NRF_SORT_LANES;
}

/* Sorts each of 16 series of n floats ascending, in place; what is in the rows from n on is lost. Takes a quarter of the time of a
 * radix sort of one after the other (16-lane registers). A lane with a NaN in it holds anything afterwards; the others are in
 * order all the same. */
void nrf_sort_lanes(int64_t n, float *values);

#endif
