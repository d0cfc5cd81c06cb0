/* block.h - reading a group of a file of reference values for the analyses, and comparing what is in it with what was
 * computed.
 *
 * A block is a group for one building block. Its inputs of varying length are in case_000, case_001, ...; data sets beside
 * them have one entry for each case, in that order. What goes wrong while reading becomes a row of the report. */
#ifndef CHECK_ANALYSIS_REFERENCE_BLOCK_H
#define CHECK_ANALYSIS_REFERENCE_BLOCK_H

#include "tools/check_reference/report.h"

#include "nrflv/h5_file.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ref_block {
  const nrf_h5_file *file;
  report            *report;
  const char        *name; /* of the group                                           */
  int64_t            cases;
  nrf_h5_strings     case_names; /* empty if they have none                              */
  int64_t            at;         /* the case that is being checked; -1: the block as a whole  */
  struct piece      *memory;     /* what has been read and made so far                     */
} ref_block;

/* The names are borrowed. Reads the names of the cases, if there are any. */
NRF_MUST_CHECK nrf_status block_open(const nrf_h5_file *file, report *r, const char *name, ref_block *out);
void                      block_close(ref_block *b);

/* Text made on the spot: text_of("peaks_%d", k).s, valid to the end of the expression. */
typedef struct text {
  char s[256];
} text;

text text_of(const char *fmt, ...) NRF_PRINTF(1, 2);

/* ---- inputs ---------------------------------------------------------------------------------------------- */

typedef struct values {
  nrf_h5_shape shape;
  int64_t      count;
  double      *v;
} values;

/* A data set of the block, "case_name", or of the present case, "x". Memory lasts as long as the case, or the block where
 * there is none. */
NRF_MUST_CHECK nrf_status read_values(ref_block *b, const char *name, values *out);
/* The same, of n values. */
NRF_MUST_CHECK nrf_status read_vector(ref_block *b, const char *name, int64_t n, double **out);
/* A data set with an entry for each case: [cases] with n = 1, else [cases, ...] of n values each. */
NRF_MUST_CHECK nrf_status read_entries(ref_block *b, const char *name, int64_t n, double **out);
NRF_MUST_CHECK nrf_status read_strings(ref_block *b, const char *name, nrf_h5_strings *out);
NRF_MUST_CHECK nrf_status read_count(ref_block *b, const char *attribute, int64_t *out);
bool                      has_member(const ref_block *b, const char *name);

/* Scratch of so many doubles, aligned to 64 bytes, which lasts as long. */
NRF_MUST_CHECK nrf_status scratch(ref_block *b, int64_t doubles, double **out);

/* Calls check() for every case. What goes wrong in a case becomes a row, and the others are still checked. */
typedef nrf_status        case_fn(ref_block *b, const void *context);
NRF_MUST_CHECK nrf_status for_each_case(ref_block *b, case_fn *check, const void *context);

/* Members of the block, and of its cases, that are not among the names become rows: what nobody compares must not look
 * checked. `known` and `known_in_cases` end with NULL; a name that ends with '#' stands for all that go on with a
 * number. */
NRF_MUST_CHECK nrf_status report_unknown_members(ref_block *b, const char *const known[],
                                                 const char *const known_in_cases[]);

/* ---- results --------------------------------------------------------------------------------------------- */

/* What a quantity is decides how closely it must agree; block.c has the numbers. NaN agrees with NaN, infinity with the same
 * infinity, and nothing else does. */
typedef enum tolerance {
  TOLERANCE_EXACT, /* positions, decisions, counts                                             */
  TOLERANCE_SUM,   /* means, sums                                                              */
  TOLERANCE_VARIANCE,
  TOLERANCE_T, /* t and degrees of freedom                                                 */
  TOLERANCE_P, /* of t tests: below 1e-300 it only has to be as small                      */
  TOLERANCE_W,
  TOLERANCE_W_SINGLE, /* against a computation in single precision                                */
  TOLERANCE_NORMALITY_P,
  TOLERANCE_SERIES,       /* detrended series, correlations                                           */
  TOLERANCE_POWER,        /* spectra, relative to the largest                                         */
  TOLERANCE_STRONG_POWER, /* each bin, where the power is not below 1e-8 of the largest               */
  TOLERANCE_DECIBEL,      /* the same in dB                                                           */
  TOLERANCE_AXIS,         /* frequencies, times                                                       */
  TOLERANCE_PROMINENCE,
  TOLERANCE_MAXIMUM, /* of a series                                                              */
  TOLERANCE_LINE,
  TOLERANCE_RESAMPLED, /* with given indices                                                       */
  TOLERANCE_INTERVAL,
  TOLERANCE_QUANTILE, /* of the t distribution */
  TOLERANCE_COSINE_COST,
  TOLERANCE_COSINE_AMPLITUDE,
  TOLERANCE_COSINE_PHASE,
  TOLERANCE_COSINE_MEAN,
  TOLERANCE_SINE_COST,  /* of the correlation fits                                                  */
  TOLERANCE_SAME_PATH,  /* everything about fits whose solver takes the same path ...               */
  TOLERANCE_SAME_PLACE, /* ... and where it ends                                                    */
  TOLERANCE_CURVE,
  TOLERANCE_CURVE_OTHER, /* of fits that depend on the path                                          */
  TOLERANCE_AMPLITUDE,   /* of fits that do not depend on the path ...                               */
  TOLERANCE_SINE_PHASE,
  TOLERANCE_SINE_MEAN,
  TOLERANCE_FREQ_SCALE,
  TOLERANCE_GAUSS,
  TOLERANCE_GABOR_COST,
  TOLERANCE_AMPLITUDE_OTHER, /* ... and of those that do                                               */
  TOLERANCE_GABOR_COST_OTHER,
  TOLERANCE_CONTRAST,
  TOLERANCE_CONTRAST_SINGLE,
  TOLERANCE_COLOUR, /* in units of 255                                                          */
  TOLERANCE_COUNT
} tolerance;

NRF_MUST_CHECK nrf_status compare_values(ref_block *b, const char *quantity, tolerance allowed, int64_t n,
                                         const double *ours, const double *reference);
NRF_MUST_CHECK nrf_status compare_value(ref_block *b, const char *quantity, tolerance allowed, double ours,
                                        double reference);
/* An error that the caller has measured. */
NRF_MUST_CHECK nrf_status compare_error(ref_block *b, const char *quantity, double allowed, double error);
NRF_MUST_CHECK nrf_status compare_counts(ref_block *b, const char *quantity, int64_t ours, int64_t reference);

#endif
