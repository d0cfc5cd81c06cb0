/* t_test.c - tests and intervals with Student's distribution; the distribution itself is GSL's. */
#include "nrflv/analysis/t_test.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

/* From the incomplete beta function: GSL's own tail of the t distribution is an expansion around the normal distribution beyond 30
 * degrees of freedom, and off by up to 1e-6 of p there. */
double nrf_t_two_sided_p(double t, double degrees_of_freedom)
{
  if (isnan(t) || !(degrees_of_freedom > 0.0)) return NAN;
  if (isinf(t)) return 0.0;
  const double square = t * t;
  if (isinf(square)) return 0.0;
  return gsl_cdf_beta_P(degrees_of_freedom / (degrees_of_freedom + square), degrees_of_freedom / 2.0, 0.5);
}

static nrf_t_test test_of(double t, double degrees_of_freedom)
{
  return (nrf_t_test){t, degrees_of_freedom, nrf_t_two_sided_p(t, degrees_of_freedom)};
}

nrf_t_test nrf_welch_t_test(nrf_moments a, nrf_moments b)
{
  const double of_a = nrf_var1(a) / (double)a.n, of_b = nrf_var1(b) / (double)b.n, sum = of_a + of_b;
  const double t  = (a.mean - b.mean) / sqrt(sum);
  double       nu = sum * sum / (of_a * of_a / (double)(a.n - 1) + of_b * of_b / (double)(b.n - 1));
  if (isnan(nu)) nu = 1.0;
  return test_of(t, nu);
}

nrf_t_test nrf_one_sample_t_test(nrf_moments x)
{
  return test_of(x.mean / sqrt(nrf_var1(x) / (double)x.n), (double)(x.n - 1));
}

/* GSL's quantile is off by up to 1e-5 of the tail in question; steps of Newton's method give the rest. */
double nrf_t_quantile(double probability, double degrees_of_freedom)
{
  enum { STEPS = 4 };
  if (!(probability > 0.0 && probability < 1.0) || !(degrees_of_freedom > 0.0)) return NAN;
  const double tail = fmin(probability, 1.0 - probability);
  double       t    = gsl_cdf_tdist_Qinv(tail, degrees_of_freedom);
  for (int k = 0; k < STEPS; k++) {
    const double excess = nrf_t_two_sided_p(t, degrees_of_freedom) / 2.0 - tail;
    t += excess / gsl_ran_tdist_pdf(t, degrees_of_freedom);
  }
  return probability < 0.5 ? -t : t;
}

nrf_interval nrf_t_interval(nrf_moments x, double confidence)
{
  if (x.n < 2) return (nrf_interval){NAN, NAN};
  const double t    = nrf_t_quantile(1.0 - (1.0 - confidence) / 2.0, (double)(x.n - 1));
  const double half = t * sqrt(nrf_var1(x) / (double)x.n);
  return (nrf_interval){x.mean - half, x.mean + half};
}
