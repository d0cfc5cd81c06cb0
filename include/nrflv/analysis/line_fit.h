/* line_fit.h - straight lines: fitting one, taking one off (sections 2.5, 2.15). */
#ifndef NRFLV_ANALYSIS_LINE_FIT_H
#define NRFLV_ANALYSIS_LINE_FIT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct nrf_line {
  double slope, intercept;
} nrf_line;

/* Least squares y = slope x + intercept. False, and the line NaN, if there are not two different x: then there is no
 * line to be drawn. */
bool nrf_line_fit(int64_t n, const double *x, const double *y, nrf_line *out);

/* x less its least-squares line over 0 .. n - 1; out may be x. A single value becomes 0. */
void nrf_detrend(int64_t n, const double *x, double *out);

#endif
