/* line_fit.c - least squares with centred sums. */
#include "nrflv/analysis/line_fit.h"

#include "nrflv/moments.h"

#include <math.h>

bool nrf_line_fit(int64_t n, const double *x, const double *y, nrf_line *out)
{
  const nrf_moments mx = nrf_moments_of(n, x);
  *out                 = (nrf_line){NAN, NAN};
  if (n < 2 || nrf_is_constant(mx)) return false;
  const double my       = nrf_moments_of(n, y).mean;
  double       products = 0.0;
  for (int64_t i = 0; i < n; i++) products += (x[i] - mx.mean) * (y[i] - my);
  out->slope     = products / mx.squares;
  out->intercept = my - out->slope * mx.mean;
  return true;
}

void nrf_detrend(int64_t n, const double *x, double *out)
{
  const double mean     = nrf_moments_of(n, x).mean;
  const double middle   = (double)(n - 1) / 2.0;
  double       products = 0.0, squares = 0.0;
#pragma omp simd reduction(+ : products, squares)
  for (int64_t i = 0; i < n; i++) {
    const double k = (double)i - middle;
    products += k * (x[i] - mean);
    squares += k * k;
  }
  const double slope = squares > 0.0 ? products / squares : 0.0;
  for (int64_t i = 0; i < n; i++) out[i] = x[i] - mean - slope * ((double)i - middle);
}
