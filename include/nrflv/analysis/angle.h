/* angle.h - angles on the circle, in radian (section 2.14, and the circular statistics of D29). */
#ifndef NRFLV_ANALYSIS_ANGLE_H
#define NRFLV_ANALYSIS_ANGLE_H

#include <stdint.h>

/* Circular distance of two angles at most 2 pi apart, in [0, pi]. An angle and the opposite one are pi apart: it is directions
 * that are compared, not orientations. NaN if either is NaN. */
double nrf_angle_difference(double a, double b);

/* The same for orientations, which are equal when they are pi apart: in [0, pi / 2]. */
double nrf_orientation_difference(double a, double b);

/* The equal angle in (-pi, pi]. */
double nrf_angle_wrap(double a);

/* Mean direction in (-pi, pi] and mean resultant length in [0, 1]: 1 if all agree, near 0 if there is no common
 * direction (the mean then means nothing). NaN values are left out; both are NaN if nothing is left. */
typedef struct nrf_circular_mean {
  double angle, resultant;
} nrf_circular_mean;

nrf_circular_mean nrf_circular_mean_of(int64_t n, const double *angles);

#endif
