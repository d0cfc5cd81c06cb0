/* random_end.h - comparing ends of confidence intervals that come from random resamples. */
#ifndef CHECK_ANALYSIS_REFERENCE_RANDOM_END_H
#define CHECK_ANALYSIS_REFERENCE_RANDOM_END_H

#include "block.h"

typedef struct random_end {
  int64_t       n; /* values of the group */
  const double *v;
  int64_t       resamples;
  bool          upper;
  double        ours;             /* of one run                                          */
  double        expected, spread; /* mean and standard deviation of the reference's runs */
} random_end;

/* How far ours is from what is expected, in units of five standard deviations.
 *
 * A group of few values has few means, and an end may jump from one to another in one run of many: then the reference's runs may not
 * have shown it, and their spread says nothing. So ours is also as good (0) if it and what is expected are both ends that percentiles
 * of random means can have: with five standard deviations, those of all means between 1.7 and 3.3 % instead of 2.5 %, for 10000
 * resamples. */
NRF_MUST_CHECK nrf_status random_end_error(ref_block *b, const random_end *e, double *error);

#endif
