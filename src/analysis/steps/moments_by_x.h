/* moments_by_x.h - values taken together with others at the same place on an axis. */
#ifndef MOMENTS_BY_X_H
#define MOMENTS_BY_X_H

#include "nrflv/moments.h"

enum { NRF_MAX_X = 512 };

/* Moments of the values with equal x, to 5e-8, ascending in x. */
typedef struct nrf_moments_by_x {
  int         n;
  double      x[NRF_MAX_X];
  nrf_moments at[NRF_MAX_X];
} nrf_moments_by_x;

/* Begin with n = 0. What comes after NRF_MAX_X different x is left out. */
void nrf_add_at_x(nrf_moments_by_x *list, double x, double value);

#endif
