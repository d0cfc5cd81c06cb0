/* transients.h - responses to the beginning and the end of a stimulus, summed over neurons (analysis.md 3.11). */
#ifndef TRANSIENTS_H
#define TRANSIENTS_H

#include "central.h"

#include "nrflv/analysis/preferences.h"
#include "nrflv/extract.h"
#include "nrflv/moments.h"
#include "nrflv/progress.h"
#include "nrflv/status.h"

#include <stdint.h>

typedef struct nrf_transient_rules {
  nrf_central central;
  const nrf_preferences
      *matched; /* of active neurons alone, whose channel prefers the image's angle (D12); NULL: of all */
} nrf_transient_rules;

/* What is measured of each image's response, per neuron. */
typedef enum nrf_transient_part {
  NRF_TRANSIENT_ONSET,     /* mean of the first 200 ms of the stimulus        */
  NRF_TRANSIENT_SUSTAINED, /* mean of the second half of the stimulus         */
  NRF_TRANSIENT_OVERSHOOT, /* the first less the second                       */
  NRF_TRANSIENT_OFFSET,    /* mean of the first 200 ms after the stimulus     */
  NRF_TRANSIENT_PARTS
} nrf_transient_part;

/* The images of one contrast. */
typedef struct nrf_transient {
  double      contrast;
  int         images; /* with a trace that counts                                          */
  int64_t     traces;
  double     *sum;           /* [rows] over traces, each rectified at its baseline and less its new one */
  double     *lower, *upper; /* [rows] of the sum, 95 %, images being independent; NaN for one image    */
  nrf_moments part[NRF_TRANSIENT_PARTS]; /* over images */
} nrf_transient;

typedef struct nrf_transients {
  int64_t        rows;
  int            n;
  nrf_transient *contrast;   /* [n] ascending                     */
  int64_t        not_finite; /* traces left out                   */
  double        *memory;
} nrf_transients;

/* A trace is first raised to its mean outside the stimulus (its baseline) wherever it is below, over all rows, and the mean of the
 * result outside the stimulus is then taken off. */
NRF_MUST_CHECK nrf_status nrf_transients_create(const nrf_extract *x, nrf_transient_rules rules, int threads,
                                                const nrf_progress *progress, nrf_transients *out);
void                      nrf_transients_free(nrf_transients *transients);

#endif
