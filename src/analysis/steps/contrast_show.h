/* contrast_show.h - what the analyses of the LFP at different contrasts have in common when they show something. */
#ifndef CONTRAST_SHOW_H
#define CONTRAST_SHOW_H

#include "centre_traces.h"

#include "nrflv/analysis/analysis.h"
#include "nrflv/analysis/figure.h"
#include "nrflv/rng.h"

/* Opens the LFP of the contrast experiment with notes on what it is made of. *skipped: there is none, and the results say
 * why. */
NRF_MUST_CHECK nrf_status nrf_open_lfp(const nrf_analysis_context *context, nrf_central central,
                                       nrf_results *results, nrf_lfp *lfp, bool *skipped);

enum { NRF_CONTRAST_TEXT = 48 };

/* "contrast 1.2", "contrast 0 (no stimulus)". Returns `text`. */
const char *nrf_contrast_text(double contrast, char text[NRF_CONTRAST_TEXT]);

/* The grey of contrast k: darker with contrast, the highest as dark as the published one. Returns `text`. */
const char *nrf_contrast_colour(const nrf_contrasts *contrasts, int k, char text[NRF_COLOUR_TEXT]);

/* Samples in the segments of spectrograms; and a note if they are not the published ones. */
int  nrf_shown_segment(const nrf_analysis_context *context, const nrf_extract *x);
void nrf_note_segment(const nrf_extract *x, int segment, nrf_results *results);

/* Decibels of power [panels, bins, segments], in an array of the same size, and the range of colours that shows all but the weakest of
 * them; the mean, which the window spreads to the first bin, does not count. */
NRF_MUST_CHECK nrf_status nrf_to_decibels(int64_t panels, int64_t bins, int64_t segments, const double *power,
                                          double *decibel, nrf_colour_scale *scale);

/* The mean of n values as a key number with its bootstrap interval; nothing if there are none. */
NRF_MUST_CHECK nrf_status nrf_show_resampled_mean(nrf_results *results, const char *name, const char *unit,
                                                  int64_t n, const double *value, nrf_rng stream,
                                                  const char *note);

#endif
