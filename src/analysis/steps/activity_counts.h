/* activity_counts.h - all neurons of a recording, tested one by one and counted (analysis.md 3.1). */
#ifndef ACTIVITY_COUNTS_H
#define ACTIVITY_COUNTS_H

#include "nrflv/analysis/table.h"
#include "nrflv/extract.h"
#include "nrflv/progress.h"

typedef enum nrf_span { NRF_SPAN_DURING, NRF_SPAN_OUTSIDE, NRF_SPANS } nrf_span;

/* Of a channel in an image. */
typedef struct nrf_activity_count {
  int tested; /* neurons for which Welch's test has an answer                       */
  int active;
  int lower;              /* as active, but with the smaller mean during the stimulus           */
  int varying[NRF_SPANS]; /* neurons whose states are finite and not all equal ...              */
  int normal[NRF_SPANS];  /* ... for which Shapiro-Wilk's p is not below NRF_ACTIVE_P           */
} nrf_activity_count;

typedef struct nrf_activity_counts {
  int                 channels, images;
  nrf_activity_count *of; /* [channels][images] */
} nrf_activity_counts;

/* Tests every neuron on `threads` threads. The table has a row for each, ordered by channel, image, row and column of the map:
 * neuron_activity_results_alternativeformat_KEY. Free both. NRF_EINTERRUPTED if `progress` (may be NULL) asks to stop. */
NRF_MUST_CHECK nrf_status nrf_count_activity(const nrf_extract *x, int threads, const nrf_progress *progress,
                                             nrf_table **table, nrf_activity_counts *out);
void                      nrf_activity_counts_free(nrf_activity_counts *counts);

/* ---- Shares, between 0 and 1; NaN of nothing ---- */

typedef enum nrf_activity_share {
  NRF_SHARE_ACTIVE,
  NRF_SHARE_LOWER,
  NRF_SHARE_NOT_NORMAL_DURING,
  NRF_SHARE_NOT_NORMAL_OUTSIDE,
  NRF_ACTIVITY_SHARES
} nrf_activity_share;

/* Among the neurons of one channel in one image; of all channels with channel -1. */
double nrf_share_of(const nrf_activity_counts *counts, nrf_activity_share share, int channel, int image);

/* ---- The same question to fewer, better samples ---- */

/* D44: successive states are strongly correlated, so that Welch's test of single states finds far too much. Means over stretches that
 * are longer than the correlation lasts are nearly independent, and can be tested (batch means; R. W. Conway, Management
 * Science 10, 1963). That needs the traces, so it is of the neurons that are kept alone. */
enum {
  NRF_STRETCHES = 10
}; /* in the stimulus; outside it, as many of the same length as fit into PRE and POST */

typedef struct nrf_stretch_count {
  int kept;         /* neurons whose traces are kept and which the test of stretches has an answer for */
  int active;       /* by the test of single states                                                  */
  int of_stretches; /* by the test of stretches                                                    */
} nrf_stretch_count;

/* Rows in a stretch; 0 if there is not enough to compare. */
int64_t nrf_stretch_rows(const nrf_extract *x);

/* counts [channels][images]. */
NRF_MUST_CHECK nrf_status nrf_count_by_stretches(const nrf_extract *x, int threads,
                                                 const nrf_progress *progress, nrf_stretch_count *counts);

#endif
