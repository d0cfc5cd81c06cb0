/* centre_traces.h - sums of the traces at the centre of the map, and the "LFP" that they make up (analysis.md 3.8 to 3.10). */
#ifndef CENTRE_TRACES_H
#define CENTRE_TRACES_H

#include "central.h"

#include "nrflv/analysis/preferences.h"
#include "nrflv/extract.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether any trace of these neurons was kept. */
bool nrf_has_central(const nrf_extract *x, nrf_central central);

typedef struct nrf_trace_sum {
  int64_t traces;     /* summed                                        */
  int64_t not_finite; /* left out: they hold a NaN or an infinity      */
  double *sum;        /* [rows], the caller's, who has set it to zeros */
} nrf_trace_sum;

/* Adds the traces of channel c and image b; with `only_active` those of neurons that the stimulus raised. */
void nrf_add_central(const nrf_extract *x, nrf_central central, bool only_active, int c, int b,
                     nrf_trace_sum *to);

/* ---- The LFP: what all channels add up to that the stimulus suits, for each contrast ---- */

/* What a channel contributes at a contrast. */
typedef struct nrf_lfp_part {
  int           contrast, channel; /* both counted from 0 */
  int           images;            /* summed              */
  nrf_trace_sum sum;
} nrf_lfp_part;

typedef struct nrf_lfp {
  int64_t       rows;
  nrf_contrasts contrasts;
  int           parts;
  nrf_lfp_part *part;  /* [parts] ordered by contrast, then by channel: those with at least one trace   */
  int          *first; /* [contrasts.n + 1] parts of contrast k: from first[k], below first[k + 1] */
  int64_t       not_finite;
  double       *sums; /* [parts, rows] what part[].sum.sum points into */
} nrf_lfp;

/* Of channels and images that match; activity is not asked for. */
NRF_MUST_CHECK nrf_status nrf_lfp_create(const nrf_extract *x, const nrf_preferences *preferences,
                                         nrf_central central, nrf_lfp *out);
void                      nrf_lfp_free(nrf_lfp *lfp);

/* Rows of a window at contrast k, summed over all channels: out [window.count]. All 0 if there is none. */
void nrf_lfp_series(const nrf_lfp *lfp, int k, nrf_window window, double *out);

/* How many channels, and traces, contribute. */
int     nrf_lfp_channels(const nrf_lfp *lfp, int k);
int64_t nrf_lfp_traces(const nrf_lfp *lfp, int k);

/* Whether the same channels contribute at two contrasts. */
bool nrf_lfp_same_channels(const nrf_lfp *lfp, int k, int l);

#endif
