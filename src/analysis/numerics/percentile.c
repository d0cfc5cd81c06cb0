/* percentile.c - order statistics of doubles. */
#include "nrflv/analysis/percentile.h"

#include <math.h>

double nrf_percentile(int64_t n, const double *ascending, double percent)
{
  const double  position = (double)(n - 1) * (percent / 100.0);
  const int64_t below    = (int64_t)floor(position);
  if (below >= n - 1) return ascending[n - 1];
  return ascending[below] + (position - (double)below) * (ascending[below + 1] - ascending[below]);
}
