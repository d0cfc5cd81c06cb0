/* report.h - what was compared: one row per quantity, with its errors and what they may be. */
#ifndef CHECK_REFERENCE_REPORT_H
#define CHECK_REFERENCE_REPORT_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What a quantity is decides how closely it must agree; report.c has the numbers and where they come from. */
typedef enum rule_id {
  RULE_TOTAL_ENERGY,
  RULE_NEURON_ENERGY,
  RULE_NETWORK_OUTPUT,
  RULE_STATE_GRADIENT,
  RULE_LOSS,
  RULE_PARAMETER_GRADIENT,
  RULE_CLIPPED_GRADIENT_ADAM,
  RULE_SECOND_MOMENT,
  RULE_UPDATED_PARAMETER, /* the second error is relative to the change of the parameter */
  RULE_SGHMC,
  RULE_SAMPLER_STATE,
  RULE_SAMPLER_MOMENTUM,
  RULE_INITIALISER_OUTPUT,
  RULE_INITIALISER_LOSS,
  RULE_SPECTRAL,
  RULE_LEARNING_RATE,
  RULE_COUNT
} rule_id;

/* How much a parameter is rounded, as a part of the smallest change that can be told from it: changes below this part of
 * the parameter's size are compared as if they were so large. (2^-24 is the rounding; 2e-3 of a change is allowed.) */
#define PARAMETER_ROUNDING (0x1p-24 / 2e-3)

/* Two arrays: element i of the reference belongs to element i * stride of the others. */
typedef struct comparison {
  int64_t      count; /* of the reference */
  const float *reference;
  const float *ours;
  int64_t      stride;
  const float *before; /* for RULE_UPDATED_PARAMETER: what it was before the update */
  const float *slack;  /* NULL, or what an element may differ by because of kinks (kinks.h) */
  const float
      *terms; /* NULL, or the magnitudes of what an element is the sum of (a difference, if they cancel) */
} comparison;

typedef struct report report;

/* all: print every member of a group, not only the group and the members that fail. members: what they are, "tensors". */
NRF_MUST_CHECK nrf_status report_create(bool all, const char *members, report **out);
void                      report_free(report *r);

/* A file is gone through once per run (a way of computing); each row holds the worst of all runs. */
void report_begin_file(report *r, const char *name);
void report_begin_run(report *r, const char *run);
void report_begin_case(report *r, const char *name);

/* One row each. member: NULL, or the tensor's name where `quantity` is a group of tensors. */
NRF_MUST_CHECK nrf_status report_arrays(report *r, const char *quantity, const char *member, rule_id rule,
                                        const comparison *c);
NRF_MUST_CHECK nrf_status report_scalar(report *r, const char *quantity, const char *member, rule_id rule,
                                        double ours, double reference);
/* The norm of a tensor of which the file holds a sample: an error of `size` is an error of 1, and the rule's second limit
 * applies. */
NRF_MUST_CHECK nrf_status report_norm(report *r, const char *quantity, const char *member, rule_id rule,
                                      double ours, double reference, double size);
/* The same for any number, with a limit that only the caller knows. */
NRF_MUST_CHECK nrf_status report_number(report *r, const char *quantity, const char *member, double allowed,
                                        double ours, double reference, double size);
/* An error that the caller has measured, and what it may be. */
NRF_MUST_CHECK nrf_status report_error(report *r, const char *quantity, const char *member, double allowed,
                                       double error);
/* A yes or no: agrees or does not. */
NRF_MUST_CHECK nrf_status report_fact(report *r, const char *quantity, bool agrees);
/* Something that could not be compared, and why: fails. */
NRF_MUST_CHECK nrf_status report_problem(report *r, const char *quantity, const char *member,
                                         const char *why);
/* Something to be shown that counts for nothing, such as what is not checked on purpose. */
NRF_MUST_CHECK nrf_status report_remark(report *r, const char *quantity, const char *remark);

/* Prints and forgets the rows of the file; returns how many there were. */
int64_t report_end_file(report *r, FILE *to);

/* The last line. `unreadable` files had no rows at all. */
void report_summary(const report *r, int unreadable, FILE *to);
bool report_all_passed(const report *r);

#endif
