/* peaks.h - local maxima of a series, filtered by height, distance and prominence (section 2.10; follows SciPy's
 * find_peaks). */
#ifndef NRFLV_ANALYSIS_PEAKS_H
#define NRFLV_ANALYSIS_PEAKS_H

#include <math.h>
#include <stdint.h>

typedef struct nrf_peak {
  int64_t at; /* position; of a plateau its middle, rounded down */
  double  height;
  double
      prominence; /* how far one must go down, on the better side, before it goes higher or the series ends */
} nrf_peak;

/* Applied in this order. */
typedef struct nrf_peak_filter {
  double height; /* peaks at least so high; -INFINITY for all                                              */
  double
      distance; /* a peak removes lower ones nearer than this, of equal ones the earlier; up to 1: none   */
  double
      prominence; /* at least so prominent; -INFINITY for all                                               */
} nrf_peak_filter;

static inline nrf_peak_filter nrf_all_peaks(void)
{
  return (nrf_peak_filter){-INFINITY, 0.0, -INFINITY};
}

/* How many peaks a series of n values can have: the room that `out` below must offer. */
int64_t nrf_peaks_at_most(int64_t n);

/* Writes the peaks in order of position and returns how many there are. The first and the last sample are never peaks, nor is
 * a plateau that touches an end. */
int64_t nrf_find_peaks(int64_t n, const double *x, nrf_peak_filter filter, nrf_peak *out);

#endif
