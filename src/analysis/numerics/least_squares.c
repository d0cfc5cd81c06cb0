/* least_squares.c - MINPACK behind our interface. */
#include "nrflv/analysis/least_squares.h"

#include <cminpack.h>
#include <math.h>

/* [m] each: residuals of either solver, new residuals, derivatives and what the singular values make of them. */
int64_t nrf_fit_work(const nrf_fit_problem *problem)
{
  return (int64_t)problem->residuals * (2 + 2 * problem->parameters);
}

static int both(void *context, int m, int n, const double *p, double *r, double *derivatives, int leading,
                int flag)
{
  const nrf_fit_problem *problem = context;
  (void)m, (void)n, (void)leading; /* == m: there is no gap between columns */
  if (flag == 1)
    problem->evaluate(problem->context, p, r);
  else
    problem->differentiate(problem->context, p, derivatives);
  return 0;
}

nrf_fit_result nrf_fit_levenberg_marquardt(const nrf_fit_problem *problem, double *p, double *work)
{
  static const double TOLERANCE = 1e-10, FACTOR = 100.0;
  enum { SCALE_BY_DERIVATIVES = 1, LIMIT = 100 };
  const int m = problem->residuals, n = problem->parameters;
  double    scale[NRF_FIT_MAX_PARAMETERS], qtf[NRF_FIT_MAX_PARAMETERS], scratch[3][NRF_FIT_MAX_PARAMETERS];
  int       pivot[NRF_FIT_MAX_PARAMETERS], evaluations = 0, derivations = 0;
  double   *r = work, *other = work + m, *derivatives = work + 2 * (int64_t)m;
  nrf_fit_result result = {NAN, 1, false};
  problem->evaluate(problem->context, p, r);
  double squares = 0.0;
  for (int i = 0; i < m; i++) squares += r[i] * r[i];
  if (!isfinite(squares)) return result;

  const int    info  = lmder(both, (void *)problem, m, n, p, r, derivatives, m, TOLERANCE, TOLERANCE, 0.0,
                             LIMIT * (n + 1), scale, SCALE_BY_DERIVATIVES, FACTOR, 0, &evaluations, &derivations,
                             pivot, qtf, scratch[0], scratch[1], scratch[2], other);
  const double norm  = enorm(m, r);
  result.cost        = 0.5 * norm * norm;
  result.evaluations = evaluations;
  result.converged   = info >= 1 && info != 5;
  return result;
}
