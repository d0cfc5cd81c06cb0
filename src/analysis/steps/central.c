/* central.c - see central.h. */
#include "central.h"

#include <math.h>
#include <string.h>

/* ---- neurons --------------------------------------------------------------------------------------------- */

nrf_central nrf_central_of_variant(const char *variant)
{
  static const char patch[] = "patch";
  return strncmp(variant, patch, sizeof patch - 1) == 0 ? NRF_CENTRAL_PATCH : NRF_CENTRAL_NEURON;
}

const char *nrf_central_text(nrf_central central)
{
  return central == NRF_CENTRAL_PATCH ? "the central patch of 3 × 3 neurons" : "the central neuron";
}

int nrf_central_sites(const nrf_extract *x, nrf_central central, int b, nrf_site out[NRF_CENTRAL_SITES])
{
  int n = 0;
  for (int i = 0; i < x->state_sites[b].count && n < NRF_CENTRAL_SITES; i++) {
    const nrf_site site      = x->state_sites[b].site[i];
    const bool     is_centre = site.h == x->centre.h && site.w == x->centre.w;
    if (central == NRF_CENTRAL_PATCH || is_centre) out[n++] = site;
  }
  return n;
}

bool nrf_is_finite_trace(int64_t n, const float *trace)
{
  float sum = 0.0F; /* of products with 0: 0 unless one is NaN or infinite */
  for (int64_t t = 0; t < n; t++) sum += trace[t] * 0.0F;
  return sum == 0.0F;
}

/* ---- contrasts ------------------------------------------------------------------------------------------- */

static const double SAME_CONTRAST = 5e-8;

int nrf_contrast_index(const nrf_contrasts *contrasts, double contrast)
{
  for (int k = 0; k < contrasts->n; k++)
    if (fabs(contrasts->at[k] - contrast) <= SAME_CONTRAST) return k;
  return -1;
}

nrf_status nrf_contrasts_of(const nrf_extract *x, nrf_contrasts *out)
{
  out->n = 0;
  for (int b = 0; b < x->images; b++) {
    const double contrast = x->info->image[b].contrast;
    if (!isfinite(contrast) || nrf_contrast_index(out, contrast) >= 0) continue;
    if (out->n == NRF_MAX_CONTRASTS)
      return nrf_error(NRF_EUNSUPPORTED, "contrasts of the stimuli: more than %d different ones",
                       NRF_MAX_CONTRASTS);
    int at = out->n++;
    for (; at > 0 && out->at[at - 1] > contrast; at--) out->at[at] = out->at[at - 1];
    out->at[at] = contrast;
  }
  return NRF_OK;
}

int nrf_shown_contrasts(const nrf_contrasts *contrasts, int shown[NRF_SHOWN_CONTRASTS])
{
  const int n = contrasts->n;
  if (n <= NRF_SHOWN_CONTRASTS) {
    for (int k = 0; k < n; k++) shown[k] = k;
    return n;
  }
  const int chosen[NRF_SHOWN_CONTRASTS] = {0, 3 * n / 8, 5 * n / 8, n - 1};
  memcpy(shown, chosen, sizeof chosen);
  return NRF_SHOWN_CONTRASTS;
}

/* ---- time ------------------------------------------------------------------------------------------------ */

int64_t nrf_rows_of_steps(const nrf_extract *x, int64_t steps)
{
  return (steps + x->info->stride / 2) / x->info->stride;
}

nrf_window nrf_window_around(const nrf_extract *x, int64_t at, int64_t before, int64_t after)
{
  const int64_t first = at > before ? at - before : 0;
  const int64_t end   = after < x->rows - at ? at + after : x->rows;
  return (nrf_window){first, end - first};
}
