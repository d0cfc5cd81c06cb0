/* t_test.h - Student's t: tests and intervals (sections 2.2, 2.4, 2.17). */
#ifndef NRFLV_ANALYSIS_T_TEST_H
#define NRFLV_ANALYSIS_T_TEST_H

#include "nrflv/moments.h"

/* A test that cannot decide (zero variances and equal means, NaN in the data, too few values) has t and p NaN, which compare
 * false with any threshold. */
typedef struct nrf_t_test {
  double t;
  double degrees_of_freedom;
  double p; /* two-sided */
} nrf_t_test;

/* Two samples of unequal variances, Welch's test of equal means. Zero variances and different means: t infinite, p 0; then and
 * with equal means the degrees of freedom, 0/0, are 1. */
nrf_t_test nrf_welch_t_test(nrf_moments a, nrf_moments b);

/* Whether the mean of one sample is 0. */
nrf_t_test nrf_one_sample_t_test(nrf_moments x);

/* Probability of |T| > |t|, T having Student's distribution. Accurate to 1e-9 (relative) down to the smallest doubles.
 * NaN if t is NaN or the degrees of freedom are not positive. */
double nrf_t_two_sided_p(double t, double degrees_of_freedom);

/* The value below which T is with a probability in (0, 1). */
double nrf_t_quantile(double probability, double degrees_of_freedom);

typedef struct nrf_interval {
  double lower, upper;
} nrf_interval;

/* mean -+ t * sqrt(var1 / n), t the quantile that leaves (1 - confidence) / 2 above it. If all values are equal
 * both ends are the mean; the published implementation gives NaN there. NaN if n < 2. */
nrf_interval nrf_t_interval(nrf_moments x, double confidence);

#endif
