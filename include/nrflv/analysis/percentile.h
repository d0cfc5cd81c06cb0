/* percentile.h - percentiles by linear interpolation (section 2.18). */
#ifndef NRFLV_ANALYSIS_PERCENTILE_H
#define NRFLV_ANALYSIS_PERCENTILE_H

#include <stdint.h>

/* The value at position (n - 1) percent / 100 of n >= 1 ascending values (sort.h); percent in [0, 100]. */
double nrf_percentile(int64_t n, const double *ascending, double percent);

#endif
