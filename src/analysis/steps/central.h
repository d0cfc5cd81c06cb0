/* central.h - what the analyses of the contrast experiment select: the neurons at the centre, and images of equal contrast. */
#ifndef CENTRAL_H
#define CENTRAL_H

#include "nrflv/analysis/analysis.h"
#include "nrflv/extract.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- Neurons ---- */

typedef enum nrf_central {
  NRF_CENTRAL_NEURON, /* the one at the centre                           */
  NRF_CENTRAL_PATCH,  /* the 3 x 3 round it, or those of them recorded   */
} nrf_central;

/* From a row's variant, "neuron..." or "patch...". */
nrf_central nrf_central_of_variant(const char *variant);

/* "the central neuron", "the central patch of 3 x 3 neurons". */
const char *nrf_central_text(nrf_central central);

/* Their places in image b of a contrast experiment, which keeps those of the patch, ordered by h, then w. Returns how many. */
enum { NRF_CENTRAL_SITES = 9 };
int nrf_central_sites(const nrf_extract *x, nrf_central central, int b, nrf_site out[NRF_CENTRAL_SITES]);

/* Whether all n numbers of a trace are finite. */
bool nrf_is_finite_trace(int64_t n, const float *trace);

/* ---- Contrasts ---- */

enum { NRF_MAX_CONTRASTS = 64, NRF_SHOWN_CONTRASTS = 4 };

/* Those of the images, ascending; equal to 5e-8 is equal. */
typedef struct nrf_contrasts {
  int    n;
  double at[NRF_MAX_CONTRASTS];
} nrf_contrasts;

/* NRF_EUNSUPPORTED beyond NRF_MAX_CONTRASTS. Images without a contrast are left out: n = 0 if none has one. */
NRF_MUST_CHECK nrf_status nrf_contrasts_of(const nrf_extract *x, nrf_contrasts *out);

/* Which of them, -1 if none. */
int nrf_contrast_index(const nrf_contrasts *contrasts, double contrast);

/* Which are shown where there is not room for all: ascending, the smallest and the largest among them; of eight, numbers 0, 3, 5
 * and 7. Returns how many. */
int nrf_shown_contrasts(const nrf_contrasts *contrasts, int shown[NRF_SHOWN_CONTRASTS]);

/* ---- Time ---- */

/* Rows nearest to a number of steps of the sampler. */
int64_t nrf_rows_of_steps(const nrf_extract *x, int64_t steps);

/* The rows first .. last of those from `before` rows before `at` to `after` after it (that one excluded) that there are. */
nrf_window nrf_window_around(const nrf_extract *x, int64_t at, int64_t before, int64_t after);

#endif
