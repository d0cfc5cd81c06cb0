/* matching.c - the preferences of channels beside the angles of stimuli. */
#include "matching.h"

#include "different_values.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/analysis/angle.h"
#include "nrflv/memory.h"

#include <math.h>

/* ---- matches ----------------------------------------------------------------------------------------------- */

static nrf_status allocate(const nrf_extract *x, nrf_matching *out)
{
  const size_t images = (size_t)x->images, channels = (size_t)x->channels, pairs = images * channels;
  void        *numbers, *flags;
  NRF_RETURN_IF_ERROR(nrf_alloc((channels + 3 * images + pairs) * sizeof(double), "matches", &numbers));
  out->preferred = numbers;
  NRF_RETURN_IF_ERROR(nrf_alloc(pairs * sizeof *out->matched, "matches", &flags));
  out->channels   = x->channels;
  out->images     = x->images;
  out->stimulus   = out->preferred + channels;
  out->angle      = out->stimulus + images;
  out->contrast   = out->angle + images;
  out->difference = out->contrast + images;
  out->matched    = flags;
  return NRF_OK;
}

static double stimulus_angle(const nrf_recording_image *image, bool as_written)
{
  return as_written ? nearbyint(image->angle * 1e3) / 1e3 : image->angle;
}

nrf_status nrf_match_channels(const nrf_extract *x, const nrf_preferences *preferences, bool as_written,
                              nrf_matching *out)
{
  *out                = (nrf_matching){0};
  const nrf_status st = allocate(x, out);
  if (st != NRF_OK) {
    nrf_matching_free(out);
    return st;
  }
  for (int b = 0; b < x->images; b++) {
    out->stimulus[b] = out->angle[b] = stimulus_angle(&x->info->image[b], as_written);
    out->contrast[b]                 = x->info->image[b].contrast;
  }
  for (int c = 0; c < x->channels; c++) {
    const nrf_preference *p = nrf_preference_of(preferences, x->layer->channel[c]);
    out->preferred[c]       = p != NULL && nrf_is_tuned(p) ? p->angle : NAN;
    for (int b = 0; b < x->images; b++) {
      const int64_t at    = nrf_match_at(out, c, b);
      out->difference[at] = nrf_angle_difference(out->stimulus[b], out->preferred[c]);
      out->matched[at]    = out->difference[at] < NRF_MATCH_ANGLE;
    }
  }
  out->n_angles    = nrf_different_values(x->images, out->angle);
  out->n_contrasts = nrf_different_values(x->images, out->contrast);
  return NRF_OK;
}

void nrf_matching_free(nrf_matching *matching)
{
  nrf_free(matching->preferred);
  nrf_free(matching->matched);
  *matching = (nrf_matching){0};
}

/* ---- activity ---------------------------------------------------------------------------------------------- */

void nrf_count_active(const nrf_extract *x, const nrf_matching *m, nrf_match_counts *matched,
                      nrf_match_counts *others)
{
  for (int k = 0; k < m->n_contrasts; k++) matched[k] = others[k] = (nrf_match_counts){0, 0};
  for (int c = 0; c < m->channels; c++)
    for (int b = 0; b < m->images; b++) {
      const int64_t at = nrf_match_at(m, c, b);
      if (isnan(m->difference[at])) continue;
      for (int k = 0; k < m->n_contrasts; k++) {
        if (!nrf_is_same_value(m->contrast[k], x->info->image[b].contrast)) continue;
        nrf_match_counts *count = m->matched[at] ? &matched[k] : &others[k];
        count->n++;
        count->active += nrf_is_active(x, nrf_extract_at(x, c, b, x->centre.h, x->centre.w));
      }
    }
}
