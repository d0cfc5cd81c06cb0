/* state_traces.h - traces of channels round the onset of stimuli that they prefer (analysis.md 3.12). */
#ifndef STATE_TRACES_H
#define STATE_TRACES_H

#include "central.h"

#include "nrflv/analysis/preferences.h"
#include "nrflv/extract.h"
#include "nrflv/status.h"

#include <stdint.h>

/* A channel and an image that match. */
typedef struct nrf_state_trace {
  int    c, b;    /* recorded channel, recorded image                        */
  int    channel; /* its number in the layer                                 */
  double angle, contrast;
  int    neurons;       /* summed                                                  */
  double before, after; /* mean per neuron over the rows of PRE and of DUR among them; NaN: there are none */
  const double *sum;    /* [rows.count] over neurons                               */
} nrf_state_trace;

typedef struct nrf_state_traces {
  nrf_window       rows;  /* 400 steps before the onset to 400 after it, or as many as there are */
  int64_t          onset; /* the first row of the stimulus                                       */
  int64_t          n;
  nrf_state_trace *trace;      /* [n] ascending by channel, angle, contrast, image                    */
  int64_t          not_finite; /* traces of neurons left out                                          */
  double          *memory;
} nrf_state_traces;

/* Images without a contrast are left out. */
NRF_MUST_CHECK nrf_status nrf_state_traces_create(const nrf_extract *x, nrf_central central,
                                                  const nrf_preferences *preferences, nrf_state_traces *out);
void                      nrf_state_traces_free(nrf_state_traces *traces);

#endif
