/* least_squares.h - nonlinear least squares for small dense problems (section 2.11).
 *
 * Both solvers minimise half the sum of squared residuals, "cost", from a start, and end in the minimum that the start leads to. They
 * use only the caller's memory and may run in many threads at once. */
#ifndef NRFLV_ANALYSIS_LEAST_SQUARES_H
#define NRFLV_ANALYSIS_LEAST_SQUARES_H

#include <stdbool.h>
#include <stdint.h>

enum { NRF_FIT_MAX_PARAMETERS = 4 };

typedef struct nrf_fit_problem {
  int residuals;  /* m >= parameters                                   */
  int parameters; /* n, at least 1, at most NRF_FIT_MAX_PARAMETERS     */
  /* Writes r [m] at the point p [n]. */
  void (*evaluate)(const void *context, const double *p, double *r);
  /* Writes the derivatives [n][m]: those with respect to the first parameter, to the second, ... */
  void (*differentiate)(const void *context, const double *p, double *derivatives);
  const void *context;
} nrf_fit_problem;

typedef struct nrf_fit_result {
  double cost; /* NaN if a residual is not finite at the start, and the point is the start                  */
  int evaluations; /* of the residuals, those for difference quotients not counted                              */
  bool
      converged; /* to the tolerances; false: the limit of evaluations was reached, the point is the best so far */
} nrf_fit_result;

/* Doubles of `work` that either solver needs. */
int64_t nrf_fit_work(const nrf_fit_problem *problem);

/* Levenberg-Marquardt with analytic derivatives: MINPACK's lmder. p: start, then result. */
nrf_fit_result nrf_fit_levenberg_marquardt(const nrf_fit_problem *problem, double *p, double *work);

/* The path of SciPy's least_squares with its defaults, step by step (appendix B): trust region, forward differences
 * (`differentiate` is not used), absolute tolerance of the gradient, at most 100 n evaluations. For comparing with what
 * the published implementation found where several minima are in reach. */
nrf_fit_result nrf_fit_trust_region(const nrf_fit_problem *problem, double *p, double *work);

#endif
