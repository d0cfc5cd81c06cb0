/* angle.c - arithmetic on the circle. */
#include "nrflv/analysis/angle.h"

#include <math.h>

double nrf_angle_difference(double a, double b)
{
  return M_PI - fabs(fabs(a - b) - M_PI);
}

double nrf_orientation_difference(double a, double b)
{
  return nrf_angle_difference(2.0 * nrf_angle_wrap(a - b), 0.0) / 2.0;
}

double nrf_angle_wrap(double a)
{
  const double wrapped = remainder(a, 2.0 * M_PI);
  return wrapped <= -M_PI ? M_PI : wrapped;
}

nrf_circular_mean nrf_circular_mean_of(int64_t n, const double *angles)
{
  double  cosines = 0.0, sines = 0.0;
  int64_t used = 0;
  for (int64_t i = 0; i < n; i++) {
    if (isnan(angles[i])) continue;
    cosines += cos(angles[i]);
    sines += sin(angles[i]);
    used++;
  }
  if (used == 0) return (nrf_circular_mean){NAN, NAN};
  return (nrf_circular_mean){nrf_angle_wrap(atan2(sines, cosines)), hypot(cosines, sines) / (double)used};
}
