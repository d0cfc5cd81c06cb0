/* trust_region.h - nonlinear least squares by the path of SciPy's least_squares with its defaults (section 2.11, appendix B): for
 * comparing with what the published implementation found, which depends on that path where several minima are in reach. */
#ifndef NRFLV_ANALYSIS_TRUST_REGION_H
#define NRFLV_ANALYSIS_TRUST_REGION_H

#include <stdbool.h>
#include <stdint.h>

enum { FIT_MAX_PARAMETERS = 3 };

typedef struct fit_problem {
  int residuals;  /* m >= parameters                           */
  int parameters; /* n, from 1 to FIT_MAX_PARAMETERS           */
  /* Writes r [m] at the point p [n]. */
  void (*evaluate)(const void *context, const double *p, double *r);
  const void *context;
} fit_problem;

typedef struct fit_result {
  double
      cost; /* half the sum of squared residuals; NaN if one is not finite at the start, where the point then stays */
  int evaluations; /* of the residuals, those for difference quotients not counted                                    */
  bool
      converged; /* false: the limit of 100 n evaluations was reached; the point is the best so far                  */
} fit_result;

/* Doubles of `work`. */
int64_t fit_work(int residuals, int parameters);

/* p: start, then result. */
fit_result fit_by_trust_region(const fit_problem *problem, double *p, double *work);

#endif
