/* amount_text.c - amounts as people read them. */
#include "nrflv/amount_text.h"

#include <stdio.h>

nrf_amount_text nrf_bytes_text(double bytes)
{
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  nrf_amount_text          t;
  int                      u = 0;
  for (; bytes >= 999.95 && u < 5; u++) bytes /= 1000;
  (void)snprintf(t.s, sizeof t.s, u > 0 ? "%.1f %s" : "%.0f %s", bytes, units[u]);
  return t;
}
