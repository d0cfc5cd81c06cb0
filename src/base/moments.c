/* moments.c - sums that keep their digits. */
#include "nrflv/moments.h"

#include <math.h>

/* A comparison with NaN is false, so the range has passed over it; the mean has not. (Of equal values the mean is exactly their
 * value and the squares are 0 without further ado, since sums are of differences from the first.) */
static nrf_moments finish(int64_t n, double mean, double squares, double minimum, double maximum)
{
  if (isnan(mean)) return (nrf_moments){n, NAN, NAN, NAN, NAN};
  return (nrf_moments){n, mean, squares, minimum, maximum};
}

/* One text for both widths: inlined with a constant `single`, it is two plain loops. */
static inline double value_at(const void *x, bool single, int64_t i)
{
  return single ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

/* Two passes over values that stay in cache. The first value is taken off before summing, so that a large common offset costs
 * no digits; the second pass corrects for the rounding of the mean (Chan, Golub & LeVeque, equation 1.7). */
static inline nrf_moments moments_of(int64_t n, const void *x, bool single)
{
  if (n == 0) return nrf_moments_none();
  const double shift = value_at(x, single, 0);
  double       sum = 0.0, minimum = shift, maximum = shift;
#pragma omp simd reduction(+ : sum) reduction(min : minimum) reduction(max : maximum)
  for (int64_t i = 0; i < n; i++) {
    const double v = value_at(x, single, i);
    sum += v - shift;
    minimum = v < minimum ? v : minimum;
    maximum = v > maximum ? v : maximum;
  }
  const double mean    = shift + sum / (double)n;
  double       squares = 0.0, rest = 0.0;
#pragma omp simd reduction(+ : squares, rest)
  for (int64_t i = 0; i < n; i++) {
    const double d = value_at(x, single, i) - mean;
    squares += d * d;
    rest += d;
  }
  return finish(n, mean, squares - rest * rest / (double)n, minimum, maximum);
}

nrf_moments nrf_moments_of(int64_t n, const double *x)
{
  return moments_of(n, x, false);
}

nrf_moments nrf_moments_of_floats(int64_t n, const float *x)
{
  return moments_of(n, x, true);
}

void nrf_moments_of_lanes(int64_t n, const float *x, nrf_moments out[NRF_SORT_LANES])
{
  enum { LANES = NRF_SORT_LANES };
  double sum[LANES] = {0.0}, minimum[LANES], maximum[LANES], squares[LANES] = {0.0}, rest[LANES] = {0.0},
         mean[LANES];
  if (n == 0) {
    for (int lane = 0; lane < LANES; lane++) out[lane] = nrf_moments_none();
    return;
  }
  for (int lane = 0; lane < LANES; lane++) minimum[lane] = maximum[lane] = (double)x[lane];
  for (int64_t i = 0; i < n; i++) {
#pragma omp simd
    for (int lane = 0; lane < LANES; lane++) {
      const double v = (double)x[i * LANES + lane];
      sum[lane] += v - (double)x[lane];
      minimum[lane] = v < minimum[lane] ? v : minimum[lane];
      maximum[lane] = v > maximum[lane] ? v : maximum[lane];
    }
  }
  for (int lane = 0; lane < LANES; lane++) mean[lane] = (double)x[lane] + sum[lane] / (double)n;
  for (int64_t i = 0; i < n; i++) {
#pragma omp simd
    for (int lane = 0; lane < LANES; lane++) {
      const double d = (double)x[i * LANES + lane] - mean[lane];
      squares[lane] += d * d;
      rest[lane] += d;
    }
  }
  for (int lane = 0; lane < LANES; lane++)
    out[lane] = finish(n, mean[lane], squares[lane] - rest[lane] * rest[lane] / (double)n, minimum[lane],
                       maximum[lane]);
}

nrf_moments nrf_moments_none(void)
{
  return (nrf_moments){0, NAN, 0.0, INFINITY, -INFINITY};
}

void nrf_moments_add(nrf_moments *m, double x)
{
  *m = nrf_moments_join(*m, (nrf_moments){1, x, 0.0, x, x});
}

nrf_moments nrf_moments_join(nrf_moments a, nrf_moments b)
{
  if (a.n == 0) return b;
  if (b.n == 0) return a;
  const double n = (double)(a.n + b.n), distance = b.mean - a.mean;
  return finish(a.n + b.n, a.mean + distance * ((double)b.n / n),
                a.squares + b.squares + distance * distance * ((double)a.n * (double)b.n / n),
                fmin(a.minimum, b.minimum), fmax(a.maximum, b.maximum));
}

double nrf_var1(nrf_moments m)
{
  return m.n < 2 ? NAN : m.squares / (double)(m.n - 1);
}

double nrf_var0(nrf_moments m)
{
  return m.n < 1 ? NAN : m.squares / (double)m.n;
}

bool nrf_is_constant(nrf_moments m)
{
  return m.minimum == m.maximum;
}
