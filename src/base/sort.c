/* sort.c - doubles, by the C library. */
#include "nrflv/sort.h"

#include <stdlib.h>

static int ascending_order(const void *left, const void *right)
{
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

void nrf_sort_doubles(int64_t n, double *x)
{
  if (n > 1) qsort(x, (size_t)n, sizeof *x, ascending_order);
}
