/* ei_balance.h - how large the momentum ("inhibition") of a central neuron is in an image, and its state ("excitation"): what the
 * published program's comments call the trial-averaged E-I balance (analysis.md, appendix C). It also had energies and
 * gradients, which extracts do not hold. */
#ifndef EI_BALANCE_H
#define EI_BALANCE_H

#include "nrflv/extract.h"
#include "nrflv/moments.h"
#include "nrflv/status.h"

typedef enum nrf_balance_period {
  NRF_BALANCE_DURING,
  NRF_BALANCE_BEFORE,
  NRF_BALANCE_PERIODS
} nrf_balance_period;

/* Means over the rows of a period; NaN if a trace is not finite. */
typedef struct nrf_balance {
  int    channel, image; /* counted within the recording    */
  int    group;          /* images that show the same share it */
  int    period;
  double momentum; /* mean of |momentum|               */
  double state;    /* mean state                       */
} nrf_balance;

typedef struct nrf_balances {
  int64_t      n;       /* 0: no central neuron was recorded with its momentum */
  nrf_balance *balance; /* by period, channel, image */
} nrf_balances;

NRF_MUST_CHECK nrf_status nrf_balances_find(const nrf_extract *x, nrf_balances *out);
void                      nrf_balances_free(nrf_balances *balances);

/* Of each channel Pearson's correlation, over images, of both: the moments of these coefficients, which are NaN below three images and for
 * channels in which nothing varies. */
nrf_moments nrf_balance_correlation(const nrf_balances *balances, int period);

#endif
