/* contrast_spectrograms_steps.c - spectrograms of the LFP at different contrasts (analysis.md 3.9). */
#include "contrast_show.h"
#include "contrast_spectrograms.h"
#include "show.h"
#include "spectra_steps.h"

#include "nrflv/analysis/bootstrap.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

enum { SECTION = 309, NAME_BYTES = 96, CAPTION_BYTES = 1000 };

typedef struct spectrograms_show {
  const nrf_analysis_context      *context;
  const nrf_extract               *x;
  nrf_central                      central;
  const nrf_lfp                   *lfp;
  const nrf_contrast_spectrograms *spectrograms;
  const nrf_band_power            *band;   /* [parts]     */
  const struct change             *change; /* [contrasts] */
} spectrograms_show;

/* Mean over channels of how much stronger the band is during the stimulus. */
typedef struct change {
  double       mean;
  nrf_interval ends;
  int64_t      n;
} change;

static nrf_status mean_change(const spectrograms_show *s, int k, change *out)
{
  void *memory = NULL;
  *out         = (change){NAN, {NAN, NAN}, 0};
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(s->lfp->parts + 1) * sizeof(double), "changes", &memory));
  double *value = memory;
  for (int i = s->lfp->first[k]; i < s->lfp->first[k + 1]; i++)
    if (isfinite(s->band[i].change)) value[out->n++] = s->band[i].change;
  const nrf_rng stream =
      nrf_rng_at(s->context->settings->seed, NRF_RNG_BOOTSTRAP, (uint64_t)k, SECTION + (uint32_t)s->central);
  const nrf_status st =
      out->n > 0 ? nrf_bootstrap_mean(stream, out->n, value, &out->mean, &out->ends) : NRF_OK;
  nrf_free(memory);
  return st;
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

typedef struct mean_row {
  double contrast, frequency, before, during, after;
} mean_row;

static nrf_status fill_means(const spectrograms_show *s, int shown, mean_row *row)
{
  static const struct period {
    nrf_window_name window;
    size_t          offset;
  } periods[]          = {{NRF_WINDOW_PRE, offsetof(mean_row, before)},
                          {NRF_WINDOW_DUR, offsetof(mean_row, during)},
                          {NRF_WINDOW_POST, offsetof(mean_row, after)}};
  const int64_t bins   = s->spectrograms->bins;
  void         *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)bins * sizeof(double), "spectrograms", &memory));
  double *mean = memory;
  for (size_t p = 0; p < sizeof periods / sizeof *periods; p++) {
    (void)nrf_spectrogram_mean(s->x, s->spectrograms, shown, s->x->window[periods[p].window], mean);
    for (int64_t f = 0; f < bins; f++) *(double *)((char *)&row[f] + periods[p].offset) = mean[f];
  }
  for (int64_t f = 0; f < bins; f++) {
    row[f].contrast  = s->lfp->contrasts.at[s->spectrograms->contrast[shown]];
    row[f].frequency = s->spectrograms->frequency[f];
  }
  nrf_free(memory);
  return NRF_OK;
}

static nrf_status show_mean_table(const spectrograms_show *s, nrf_results *results)
{
  static const nrf_record_column columns[] = {
      {"stim_contrast", NRF_MEMBER_DOUBLE, offsetof(mean_row, contrast), "", "contrast of the stimulus"},
      {"frequency", NRF_MEMBER_DOUBLE, offsetof(mean_row, frequency), "Hz", "middle of the bin"},
      {"power_before", NRF_MEMBER_DOUBLE, offsetof(mean_row, before), "1/Hz",
       "mean over segments that lie before the stimulus; NaN if there are none"},
      {"power_during", NRF_MEMBER_DOUBLE, offsetof(mean_row, during), "1/Hz",
       "the same, during the stimulus"},
      {"power_after", NRF_MEMBER_DOUBLE, offsetof(mean_row, after), "1/Hz", "the same, after the stimulus"},
  };
  const nrf_contrast_spectrograms *from = s->spectrograms;
  nrf_status                       st   = NRF_OK;
  void                            *rows = NULL;
  const int64_t                    n    = from->shown * from->bins;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof(mean_row), "spectrograms", &rows));
  for (int i = 0; i < from->shown && st == NRF_OK; i++)
    st = fill_means(s, i, (mean_row *)rows + i * from->bins);
  if (st == NRF_OK)
    st = nrf_show_records("mean_spectrograms",
                          "Spectrograms of the LFP, averaged over the time before, during and after the "
                          "stimulus",
                          (int)(sizeof columns / sizeof *columns), columns,
                          (nrf_records){n, sizeof(mean_row), rows}, results);
  nrf_free(rows);
  return st;
}

typedef struct band_row {
  double  contrast;
  int     channel, images;
  int64_t traces;
  double  before, during, change;
} band_row;

static nrf_status show_band_table(const spectrograms_show *s, nrf_results *results)
{
  static const nrf_record_column columns[] = {
      {"stim_contrast", NRF_MEMBER_DOUBLE, offsetof(band_row, contrast), "", "contrast of the stimulus"},
      {"channel", NRF_MEMBER_INT, offsetof(band_row, channel), "", "channel of the layer"},
      {"n_images", NRF_MEMBER_INT, offsetof(band_row, images), "", "images with a matching stimulus"},
      {"n_traces", NRF_MEMBER_INT64, offsetof(band_row, traces), "", "traces that were added up"},
      {"power_before", NRF_MEMBER_DOUBLE, offsetof(band_row, before), "",
       "power from 20 to 80 Hz of their sum before the stimulus, by Welch's estimate"},
      {"power_during", NRF_MEMBER_DOUBLE, offsetof(band_row, during), "", "the same, during the stimulus"},
      {"change", NRF_MEMBER_DOUBLE, offsetof(band_row, change), "dB", "from before to during"},
  };
  void *rows = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)s->lfp->parts * sizeof(band_row), "band", &rows));
  band_row *row = rows;
  for (int i = 0; i < s->lfp->parts; i++) {
    const nrf_lfp_part *part = &s->lfp->part[i];
    row[i]                   = (band_row){s->lfp->contrasts.at[part->contrast],
                                          s->x->layer->channel[part->channel],
                                          part->images,
                                          part->sum.traces,
                                          s->band[i].before,
                                          s->band[i].during,
                                          s->band[i].change};
  }
  const nrf_status st = nrf_show_records(
      "band_power",
      "Power of each channel's part of the LFP from 20 to 80 Hz, before and during the stimulus",
      (int)(sizeof columns / sizeof *columns), columns, (nrf_records){s->lfp->parts, sizeof *row, rows},
      results);
  nrf_free(rows);
  return st;
}

/* ---- figures --------------------------------------------------------------------------------------------- */

static void plot_lines(const spectrograms_show *s, nrf_panel *panel)
{
  /* D10: the published lines are half a segment early, and late by what was left out in front. */
  const bool   quirks = s->context->settings->original_quirks;
  const double second = s->x->ms_per_row / 1000.0;
  const double error =
      quirks ? second * ((double)s->x->window[NRF_WINDOW_BURN].count - 0.5 * (double)s->spectrograms->segment)
             : 0.0;
  const nrf_plot_style style = {.colour = "#ffffff", .width = 1.0, .dash = NRF_DASHED};
  nrf_plot_vertical(panel, error, quirks ? NULL : &style);
  nrf_plot_vertical(panel, error + second * (double)s->x->window[NRF_WINDOW_DUR].count,
                    quirks ? NULL : &style);
}

static void plot_spectrogram(const spectrograms_show *s, int shown, const double *decibel,
                             const nrf_colour_scale *scale, nrf_panel *panel)
{
  const nrf_contrast_spectrograms *from   = s->spectrograms;
  const double                     half   = s->x->ms_per_row / 2000.0;
  const nrf_extent                 extent = {from->time[0] - half, from->time[from->segments - 1] + half, 0.0,
                                             from->frequency[from->bins - 1]};
  const int                        k      = from->contrast[shown];
  char                             text[NRF_CONTRAST_TEXT];
  nrf_plot_image(panel, (int)from->bins, (int)from->segments, decibel + shown * from->bins * from->segments,
                 extent, scale);
  plot_lines(s, panel);
  nrf_panel_title(panel, "%s, n = %d", nrf_contrast_text(s->lfp->contrasts.at[k], text),
                  nrf_lfp_channels(s->lfp, k));
  nrf_panel_x(panel, &(nrf_axis){.label = "Time after stimulus onset [s]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "Frequency [Hz]", .tight = true});
}

static nrf_status show_spectrograms(const spectrograms_show *s, nrf_results *results)
{
  nrf_status       st      = NRF_OK;
  nrf_figure      *figure  = NULL;
  void            *memory  = NULL;
  double          *decibel = NULL;
  char             caption[CAPTION_BYTES];
  nrf_colour_scale scale  = {.map = NRF_VIRIDIS, .label = "Power [dB]"};
  const bool       quirks = s->context->settings->original_quirks;
  (void)snprintf(caption, sizeof caption,
                 "Spectrograms of the sum of the states of %s, over all channels that prefer the stimulus (n "
                 "channels). A "
                 "column is the spectrum of %d rows (%.2f s), drawn at their middle: what changes at once is "
                 "spread over that "
                 "time. The lowest two bins hold the mean, and are off the scale. Dashed: the stimulus comes "
                 "and goes%s. Each "
                 "contrast is one run per channel, not an average; at contrast 0 there is no stimulus.",
                 nrf_central_text(s->central), s->spectrograms->segment,
                 s->spectrograms->segment * s->x->ms_per_row / 1000.0,
                 quirks ? " (placed as published, which is not quite right)" : "");
  const nrf_figure_spec spec = {.name          = "spectrograms",
                                .caption       = caption,
                                .width         = 12,
                                .height        = 3.2,
                                .columns       = s->spectrograms->shown,
                                .share_x       = true,
                                .share_y       = true,
                                .share_colours = true};
  NRF_TRY(nrf_alloc((size_t)(s->spectrograms->shown * s->spectrograms->bins * s->spectrograms->segments) *
                        sizeof *decibel,
                    "spectrograms", &memory));
  decibel = memory;
  NRF_TRY(nrf_to_decibels(s->spectrograms->shown, s->spectrograms->bins, s->spectrograms->segments,
                          s->spectrograms->power, decibel, &scale));
  if (quirks) {
    scale.map  = NRF_HSV;
    scale.low  = -110.0;
    scale.high = 0.0;
  }
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int i = 0; i < s->spectrograms->shown; i++)
    plot_spectrogram(s, i, decibel, &scale, nrf_figure_panel(figure, 0, i));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(decibel);
  return st;
}

static nrf_status show_changes(const spectrograms_show *s, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  const nrf_figure_spec spec   = {.name    = "band_power",
                                  .caption = "How much stronger oscillations from 20 to 80 Hz are during the "
                                               "stimulus than before it, by contrast. Grey: "
                                               "single channels; black: their mean and its 95 % interval "
                                               "(channels resampled). At contrast 0 there is no "
                                               "stimulus: what is seen there is drift and chance."};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_panel *panel = nrf_figure_panel(figure, 0, 0);
  nrf_plot_horizontal(panel, 0.0, NULL);
  const double beside = 0.01 * (s->lfp->contrasts.at[s->lfp->contrasts.n - 1] - s->lfp->contrasts.at[0]);
  for (int i = 0; i < s->lfp->parts; i++) {
    const double x = s->lfp->contrasts.at[s->lfp->part[i].contrast] - beside;
    nrf_plot_points(panel, 1, &x, &s->band[i].change, &(nrf_plot_style){.colour = NRF_GREY, .size = 3.0});
  }
  for (int k = 0; k < s->lfp->contrasts.n; k++) {
    const change *c = &s->change[k];
    if (c->n == 0) continue;
    nrf_plot_error_bars(panel, 1, &s->lfp->contrasts.at[k], &c->mean, &c->ends.lower, &c->ends.upper,
                        &(nrf_plot_style){.colour = NRF_BLACK, .size = 6.0});
  }
  nrf_panel_x(panel, &(nrf_axis){.label = "Contrast"});
  nrf_panel_y(panel, &(nrf_axis){.label = "Change of power, 20 to 80 Hz [dB]"});
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* ---- numbers --------------------------------------------------------------------------------------------- */

static bool show_numbers(const spectrograms_show *s, nrf_results *results)
{
  bool any = false;
  for (int k = 0; k < s->lfp->contrasts.n; k++) {
    const change *c = &s->change[k];
    char          name[NAME_BYTES], text[NRF_CONTRAST_TEXT];
    if (c->n == 0) continue;
    any = true;
    (void)snprintf(name, sizeof name, "Change of power from 20 to 80 Hz during the stimulus, %s",
                   nrf_contrast_text(s->lfp->contrasts.at[k], text));
    nrf_key_number number = {.name  = name,
                             .value = c->mean,
                             .unit  = "dB",
                             .n     = c->n,
                             .note  = "mean over channels, which are resampled; against the time before"};
    if (c->n > 1 && c->ends.upper > c->ends.lower) {
      number.low        = c->ends.lower;
      number.high       = c->ends.upper;
      number.confidence = NRF_SHOWN_CONFIDENCE;
    }
    nrf_results_number(results, &number);
  }
  if (!any)
    nrf_results_note(
        results, "no change of power from 20 to 80 Hz is given: nothing was recorded before the stimulus, or "
                 "too few rows a second");
  return any;
}

/* ---- the analysis ---------------------------------------------------------------------------------------- */

static nrf_status show_all(const spectrograms_show *s, nrf_results *results)
{
  nrf_note_segment(s->x, s->spectrograms->segment, results);
  NRF_RETURN_IF_ERROR(show_mean_table(s, results));
  NRF_RETURN_IF_ERROR(show_band_table(s, results));
  NRF_RETURN_IF_ERROR(show_spectrograms(s, results));
  return show_numbers(s, results) ? show_changes(s, results) : NRF_OK;
}

static nrf_status analyse(const nrf_analysis_context *context, nrf_central central, const nrf_lfp *lfp,
                          nrf_results *results)
{
  nrf_status                st           = NRF_OK;
  const nrf_extract        *x            = context->extract[NRF_KIND_PRIM];
  nrf_contrast_spectrograms spectrograms = {0};
  void                     *memory       = NULL;
  nrf_band_power           *band         = NULL;
  change                    changes[NRF_MAX_CONTRASTS];
  NRF_TRY(nrf_contrast_spectrograms_of(x, lfp, nrf_shown_segment(context, x), &spectrograms));
  NRF_TRY(nrf_alloc((size_t)lfp->parts * sizeof *band, "band", &memory));
  band = memory;
  NRF_TRY(nrf_band_powers(x, lfp, band));
  const spectrograms_show show = {context, x, central, lfp, &spectrograms, band, changes};
  for (int k = 0; k < lfp->contrasts.n; k++) NRF_TRY(mean_change(&show, k, &changes[k]));
  NRF_TRY(show_all(&show, results));
done:
  nrf_contrast_spectrograms_free(&spectrograms);
  nrf_free(band);
  return st;
}

nrf_status nrf_step_contrast_spectrograms(const nrf_analysis_context *context, nrf_results *results)
{
  const nrf_central central = nrf_central_of_variant(context->variant);
  nrf_lfp           lfp     = {0};
  bool              skipped;
  nrf_status        st = nrf_open_lfp(context, central, results, &lfp, &skipped);
  if (st == NRF_OK && !skipped) st = analyse(context, central, &lfp, results);
  nrf_lfp_free(&lfp);
  return st;
}
