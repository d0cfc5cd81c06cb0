/* state_momentum.h - state and momentum of the central neurons in one image of the contrast experiment, and their
 * correlations: plot_state_and_mom_trace, analysis.md 3.15. The image is the one whose momentum the extract keeps: of the
 * largest angle and contrast. Time is counted in rows. */
#ifndef STATE_MOMENTUM_H
#define STATE_MOMENTUM_H

#include "ei_lag.h"

#include "nrflv/extract.h"
#include "nrflv/status.h"

/* Parts of the traces that are shown. */
enum { NRF_CUT_ROWS = 300 };

typedef enum nrf_cut {
  NRF_CUT_MIDDLE, /* from NRF_CUT_ROWS after the stimulus' onset */
  NRF_CUT_DURING, /* the end of the stimulus                     */
  NRF_CUT_BEFORE, /* the end of PRE                              */
  NRF_CUTS
} nrf_cut;

/* Within the recording; fewer rows, or none, if the phases are shorter. A stimulus that ends before NRF_CUT_MIDDLE begins has its last
 * rows there. */
nrf_window nrf_cut_window(const nrf_extract *x, nrf_cut cut);

typedef enum nrf_state_correlation {
  NRF_ACORR_DURING, /* of the state with itself, during the stimulus */
  NRF_ACORR_BEFORE, /* and before it                                 */
  NRF_XCORR, /* of the state (first) with the negative momentum, over the whole recording; as written, with the momentum */
  NRF_STATE_CORRELATIONS
} nrf_state_correlation;

typedef struct nrf_state_momentum {
  int     image; /* within the recording; -1: none has both traces           */
  int     channels;
  int     first[NRF_STATE_CORRELATIONS]; /* the lowest lag                                          */
  int     lags[NRF_STATE_CORRELATIONS];  /* 0: not recorded                                         */
  double *value; /* [channels][NRF_STATE_CORRELATIONS][NRF_EI_LAGS] sums of products                 */
  double *
      norm; /* [channels][NRF_STATE_CORRELATIONS] divided by it they are coefficients; 0: constant, NaN: not finite */
} nrf_state_momentum;

static inline const double *nrf_state_correlation_of(const nrf_state_momentum *s, int c, int which)
{
  return s->value + ((int64_t)c * NRF_STATE_CORRELATIONS + which) * NRF_EI_LAGS;
}

static inline double nrf_state_norm_of(const nrf_state_momentum *s, int c, int which)
{
  return s->norm[(int64_t)c * NRF_STATE_CORRELATIONS + which];
}

NRF_MUST_CHECK nrf_status nrf_state_momentum_find(const nrf_extract *x, bool as_written,
                                                  nrf_state_momentum *out);
void                      nrf_state_momentum_free(nrf_state_momentum *s);

#endif
