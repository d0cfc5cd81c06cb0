/* contrast_show.c - opening the LFP; names and colours of contrasts. */
#include "contrast_show.h"

#include "contrast_spectrograms.h"
#include "preferences_table.h"
#include "show.h"

#include "nrflv/analysis/bootstrap.h"
#include "nrflv/analysis/percentile.h"
#include "nrflv/analysis/spectrum.h"
#include "nrflv/memory.h"
#include "nrflv/sort.h"

#include <math.h>
#include <stdio.h>

/* ---- opening --------------------------------------------------------------------------------------------- */

/* How many recorded channels contribute at any contrast. */
static int channels_in(const nrf_lfp *lfp, int channels)
{
  int count = 0;
  for (int c = 0; c < channels; c++) {
    bool in = false;
    for (int i = 0; i < lfp->parts && !in; i++) in = lfp->part[i].channel == c;
    count += in;
  }
  return count;
}

static nrf_status tell(const nrf_extract *x, const nrf_lfp *lfp, nrf_results *results, bool *skipped)
{
  *skipped = true;
  if (lfp->contrasts.n == 0) return nrf_results_skip(results, "the images have no contrasts");
  if (lfp->parts == 0)
    return nrf_results_skip(results,
                            "no stimulus matches the preference of a channel: nothing can be added up");
  *skipped = false;
  nrf_results_note(results,
                   "%d of %d channels have a stimulus within 10° of their preferred angle and contribute; "
                   "whether they are active is not asked",
                   channels_in(lfp, x->channels), x->channels);
  if (fabs(lfp->contrasts.at[0]) <= 0.0)
    nrf_results_note(results, "contrast 0 shows no stimulus: it is what the same neurons do without one");
  if (lfp->contrasts.n == 1) nrf_results_note(results, "one contrast only: there is nothing to compare with");
  if (lfp->not_finite > 0)
    nrf_results_note(results, "%lld traces are left out: they hold values that are not finite",
                     (long long)lfp->not_finite);
  return NRF_OK;
}

nrf_status nrf_open_lfp(const nrf_analysis_context *context, nrf_central central, nrf_results *results,
                        nrf_lfp *lfp, bool *skipped)
{
  const nrf_extract *x           = context->extract[NRF_KIND_PRIM];
  nrf_preferences    preferences = {0};
  *skipped                       = true;
  if (!nrf_has_central(x, central))
    return nrf_results_skip(results, "%s was not recorded", nrf_central_text(central));
  NRF_RETURN_IF_ERROR(nrf_preferences_read(context, &preferences));
  nrf_status st = nrf_lfp_create(x, &preferences, central, lfp);
  nrf_free(preferences.channel);
  if (st == NRF_OK) st = tell(x, lfp, results, skipped);
  return st;
}

/* ---- names and colours ----------------------------------------------------------------------------------- */

const char *nrf_contrast_text(double contrast, char text[NRF_CONTRAST_TEXT])
{
  (void)snprintf(text, NRF_CONTRAST_TEXT, "contrast %.3g%s", contrast,
                 fabs(contrast) <= 0.0 ? " (no stimulus)" : "");
  return text;
}

const char *nrf_contrast_colour(const nrf_contrasts *contrasts, int k, char text[NRF_COLOUR_TEXT])
{
  static const double PUBLISHED_HIGHEST = 2.8;
  const double        highest           = contrasts->at[contrasts->n - 1];
  const double        part              = highest > 0.0 ? contrasts->at[k] / highest : 1.0;
  return nrf_colour_text(nrf_contrast_grey(PUBLISHED_HIGHEST * part), text);
}

/* ---- spectrograms ---------------------------------------------------------------------------------------- */

int nrf_shown_segment(const nrf_analysis_context *context, const nrf_extract *x)
{
  return context->settings->original_quirks ? NRF_SPECTROGRAM_SEGMENT : nrf_spectrogram_segment(x);
}

void nrf_note_segment(const nrf_extract *x, int segment, nrf_results *results)
{
  if (segment < NRF_SPECTROGRAM_SEGMENT)
    nrf_results_note(results, "the stimulus lasts %lld rows: spectra are of %d rows each, instead of %d",
                     (long long)x->window[NRF_WINDOW_DUR].count, segment, NRF_SPECTROGRAM_SEGMENT);
}

/* ---- decibels -------------------------------------------------------------------------------------------- */

nrf_status nrf_to_decibels(int64_t panels, int64_t bins, int64_t segments, const double *power,
                           double *decibel, nrf_colour_scale *scale)
{
  static const double WEAKEST = 5.0; /* percent */
  const int64_t       n       = panels * bins * segments;
  int64_t             counted = 0;
  void               *memory  = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof(double), "decibels", &memory));
  double *sorted = memory;
  for (int64_t i = 0; i < n; i++) {
    decibel[i] = nrf_decibel(power[i]);
    if (isfinite(decibel[i]) && i / segments % bins > 1) sorted[counted++] = decibel[i];
  }
  nrf_sort_doubles(counted, sorted);
  if (counted > 0) {
    scale->low  = nrf_percentile(counted, sorted, WEAKEST);
    scale->high = sorted[counted - 1];
  }
  nrf_free(memory);
  return NRF_OK;
}

/* ---- means ----------------------------------------------------------------------------------------------- */

nrf_status nrf_show_resampled_mean(nrf_results *results, const char *name, const char *unit, int64_t n,
                                   const double *value, nrf_rng stream, const char *note)
{
  nrf_key_number number = {.name = name, .unit = unit, .n = n, .note = note};
  nrf_interval   ends;
  if (n == 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_bootstrap_mean(stream, n, value, &number.value, &ends));
  if (n > 1 && ends.upper > ends.lower) {
    number.low        = ends.lower;
    number.high       = ends.upper;
    number.confidence = NRF_SHOWN_CONFIDENCE;
  }
  nrf_results_number(results, &number);
  return NRF_OK;
}
