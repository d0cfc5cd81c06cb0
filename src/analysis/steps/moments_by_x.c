/* moments_by_x.c - a short list kept in order. */
#include "moments_by_x.h"

#include <string.h>

void nrf_add_at_x(nrf_moments_by_x *list, double x, double value)
{
  static const double EQUAL = 5e-8;
  int                 i = list->n; /* of what is at x or after it: behind the last one that is not after it */
  while (i > 0 && list->x[i - 1] > x + EQUAL) i--;
  const bool is_new = i == 0 || list->x[i - 1] < x - EQUAL;
  if (is_new && list->n == NRF_MAX_X) return;
  if (is_new) {
    memmove(list->x + i + 1, list->x + i, (size_t)(list->n - i) * sizeof *list->x);
    memmove(list->at + i + 1, list->at + i, (size_t)(list->n - i) * sizeof *list->at);
    list->x[i]  = x;
    list->at[i] = nrf_moments_none();
    list->n++;
    i++;
  }
  nrf_moments_add(&list->at[i - 1], value);
}
