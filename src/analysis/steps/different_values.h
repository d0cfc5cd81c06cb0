/* different_values.h - the angles or contrasts that stimuli come at. */
#ifndef DIFFERENT_VALUES_H
#define DIFFERENT_VALUES_H

#include <math.h>
#include <stdbool.h>

/* But for rounding. */
static inline bool nrf_is_same_value(double a, double b)
{
  return fabs(a - b) < 1e-6;
}

/* Sorts n values and keeps one of each; a NaN is dropped. Returns how many are left. */
int nrf_different_values(int n, double *value);

#endif
