/* different_values.c - one of each. */
#include "different_values.h"

#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int nrf_different_values(int n, double *value)
{
  int numbers = 0, count = 0;
  for (int i = 0; i < n; i++)
    if (!isnan(value[i])) value[numbers++] = value[i];
  qsort(value, (size_t)numbers, sizeof *value, compare_doubles);
  for (int i = 0; i < numbers; i++)
    if (count == 0 || !nrf_is_same_value(value[i], value[count - 1])) value[count++] = value[i];
  return count;
}
