/* summed_traces.h - what the responding neurons at the centre add up to, channel by channel, and whether it is rhythmic
 * (analysis.md 3.8). */
#ifndef SUMMED_TRACES_H
#define SUMMED_TRACES_H

#include "centre_traces.h"

enum { NRF_SUMMED_DURING, NRF_SUMMED_BEFORE, NRF_SUMMED_PERIODS };

/* Longest lag of the autocorrelations, in rows. */
enum { NRF_SUMMED_LAGS = 999 };

/* The highest local maximum of an autocorrelation at a positive lag: how regular an oscillation is. */
typedef struct nrf_side_peak {
  int64_t lag;    /* rows; 0: there is none */
  double  height; /* NaN if there is none   */
} nrf_side_peak;

/* Smaller ones are not taken for maxima. */
#define NRF_SIDE_PEAK_PROMINENCE 0.05

typedef struct nrf_summed_trace {
  int           images, without_stimulus; /* that contribute; of these, how many have contrast 0   */
  nrf_trace_sum sum;
  double       *autocorrelation[NRF_SUMMED_PERIODS]; /* [2 max_lag + 1]; NaN without traces             */
  nrf_side_peak side[NRF_SUMMED_PERIODS];
  double        peak_frequency; /* Hz, of power times frequency during the stimulus (contrast_spectra.h) */
} nrf_summed_trace;

typedef struct nrf_summed_traces {
  int               channels;
  int64_t           rows, max_lag[NRF_SUMMED_PERIODS];
  nrf_summed_trace *channel; /* [channels] */
  double           *memory;
} nrf_summed_traces;

/* The period's window. */
nrf_window nrf_summed_window(const nrf_extract *x, int period);

/* Of neurons that are active and whose channel the stimulus matches, over all images of all contrasts. A period that was not
 * recorded has max_lag -1. */
NRF_MUST_CHECK nrf_status nrf_summed_traces_of(const nrf_extract *x, const nrf_preferences *preferences,
                                               nrf_central central, nrf_summed_traces *out);
void                      nrf_summed_traces_free(nrf_summed_traces *s);

/* At lags 0 .. max_lag of an autocorrelation. */
nrf_side_peak nrf_side_peak_of(int64_t max_lag, const double *from_lag_0);

#endif
