/* sort.h - sorting numbers. */
#ifndef NRFLV_SORT_H
#define NRFLV_SORT_H

#include <stdint.h>

/* Sorts doubles ascending, in place. There must be no NaN. */
void nrf_sort_doubles(int64_t n, double *x);

/* Sorts n floats, n < 2^32, ascending into `sorted`; the time does not depend on the values. work: 2 n of the caller's. -0 comes before
 * 0, infinities at the ends, NaN beyond them. */
void nrf_sort_floats(int64_t n, const float *x, float *sorted, uint32_t *work);

#endif
