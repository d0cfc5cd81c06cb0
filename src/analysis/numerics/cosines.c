/* cosines.c - reduction by multiples of pi / 2 in three parts (Cody & Waite), and the polynomials of fdlibm (k_sin.c, k_cos.c, Sun
 * Microsystems, 1993), in a loop without branches. */
#include "cosines.h"

#include <math.h>

static const double FARTHEST =
    1e6; /* k below fits the 20 bits that the first two parts of pi / 2 leave free */

static inline double sin_polynomial(double r)
{
  const double z = r * r;
  const double p = 8.33333333332248946124e-03 +
                   z * (-1.98412698298579493134e-04 +
                        z * (2.75573137070700676789e-06 +
                             z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)));
  return r + z * r * (-1.66666666666666324348e-01 + z * p);
}

static inline double cos_polynomial(double r)
{
  const double z = r * r, half = 0.5 * z, rest = 1.0 - half;
  const double p = 4.16666666666666019037e-02 +
                   z * (-1.38888888888741095749e-03 +
                        z * (2.48015872894767294178e-05 +
                             z * (-2.75573143513906633035e-07 +
                                  z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))));
  return rest + (((1.0 - rest) - half) + z * z * p);
}

static inline double cosine(double angle)
{
  static const double FIRST = 1.57079632673412561417e+00, SECOND = 6.07710050630396597660e-11,
                      THIRD = 2.02226624879595063154e-21;
  const double k            = rint(angle * M_2_PI);
  const double r            = ((angle - k * FIRST) - k * SECOND) - k * THIRD;
  const double quarter      = k - 4.0 * floor(0.25 * k); /* 0, 1, 2, 3 */
  const double c = cos_polynomial(r), s = sin_polynomial(r);
  const double even = quarter == 0.0 ? c : -c, odd = quarter == 3.0 ? s : -s;
  return quarter == 0.0 || quarter == 2.0 ? even : odd;
}

void cosines_at_lags(int n, int first, double lambda, double phi, double *out)
{
  const double at_first = lambda * (double)first + phi, at_last = lambda * (double)(first + n - 1) + phi;
  if (fabs(at_first) <= FARTHEST && fabs(at_last) <= FARTHEST) {
#pragma omp simd
    for (int i = 0; i < n; i++) out[i] = cosine(lambda * (double)(first + i) + phi);
  } else {
    for (int i = 0; i < n; i++) out[i] = cos(lambda * (double)(first + i) + phi);
  }
}
