/* contrast_frequency_steps.c - frequency times power of the peaks of spectra, against contrast (analysis.md 3.14). */
#include "contrast_frequency.h"
#include "show.h"
#include "transient_steps.h"

#include "nrflv/analysis/t_test.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

static const struct spectrum_look {
  const char *label, *colour;
  double      shift; /* so that intervals can be told from each other; of the range of contrasts */
} looks[NRF_SPECTRA] = {
    [NRF_SPECTRUM_DURING]  = {"during the stimulus", NRF_RED, 0.0},
    [NRF_SPECTRUM_PRE]     = {"before the stimulus", NRF_BLUE, -0.01},
    [NRF_SPECTRUM_POST]    = {"after the stimulus", NRF_GREY, 0.01},
    [NRF_SPECTRUM_SPLICED] = {"outside, with the burn-in", NRF_BLUE, 0.01},
};

typedef struct frequency_show {
  bool                     as_written;
  const char              *unit; /* of the product */
  int64_t                  n;    /* neurons and images */
  nrf_oscillating_neuron  *neuron;
  nrf_contrast_frequencies spectrum[NRF_SPECTRA];
} frequency_show;

/* ---- table ----------------------------------------------------------------------------------------------- */

static nrf_status add_rows(const nrf_contrast_frequencies *f, nrf_spectrum_of of, nrf_table *table)
{
  for (int k = 0; k < f->n; k++) {
    const nrf_contrast_frequency *at   = &f->at[k];
    const nrf_interval            ends = nrf_t_interval(at->channels, NRF_SHOWN_CONFIDENCE);
    NRF_RETURN_IF_ERROR(nrf_table_append(table, (nrf_cell[]){{.d = at->contrast},
                                                             {.s = nrf_spectrum_name(of)},
                                                             {.i = at->n},
                                                             {.d = at->mean},
                                                             {.i = at->channels.n},
                                                             {.d = exp(at->channels.mean)},
                                                             {.d = exp(ends.lower)},
                                                             {.d = exp(ends.upper)}}));
  }
  return NRF_OK;
}

static nrf_status show_table(const frequency_show *s, nrf_results *results)
{
  const nrf_column_spec columns[] = {
      {"stim_contrast", NRF_COLUMN_DOUBLE, "", "of the stimulus, as it was made"},
      {"window", NRF_COLUMN_TEXT, "", "what the spectra are of"},
      {"neurons", NRF_COLUMN_INT, "", "neurons and images with a peak of more than 1e-5 a.u.^2"},
      {"mean", NRF_COLUMN_DOUBLE, s->unit,
       "mean over them of the sum of frequency times power over the peaks"},
      {"channels", NRF_COLUMN_INT, "", "that they belong to"},
      {"geometric_mean", NRF_COLUMN_DOUBLE, s->unit,
       "geometric mean over channels of the mean over each one's neurons"},
      {"geometric_mean_low", NRF_COLUMN_DOUBLE, s->unit, "95 % interval over channels"},
      {"geometric_mean_high", NRF_COLUMN_DOUBLE, s->unit, "95 % interval over channels"},
  };
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_RETURN_IF_ERROR(nrf_table_create("contrast_frequency", "Peaks of spectra against contrast",
                                       NRF_COLUMNS(columns), &table));
  for (int of = 0; of < NRF_SPECTRA; of++) NRF_TRY(add_rows(&s->spectrum[of], (nrf_spectrum_of)of, table));
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

/* ---- figure ---------------------------------------------------------------------------------------------- */

/* Of two channels an interval spans many powers of ten, and hides all else. It is in the table. */
enum { SHOWN_CHANNELS = 3 };

static void plot_channels(const nrf_contrast_frequencies *f, const struct spectrum_look *look,
                          nrf_panel *panel)
{
  double       x[NRF_MAX_CONTRASTS], y[NRF_MAX_CONTRASTS], low[NRF_MAX_CONTRASTS], high[NRF_MAX_CONTRASTS];
  const double shift = f->n > 0 ? look->shift * (f->at[f->n - 1].contrast - f->at[0].contrast) : 0.0;
  for (int k = 0; k < f->n; k++) {
    const nrf_interval ends = nrf_t_interval(f->at[k].channels, NRF_SHOWN_CONFIDENCE);
    x[k]                    = f->at[k].contrast + shift;
    y[k]                    = exp(f->at[k].channels.mean);
    const bool is_told      = f->at[k].channels.n >= SHOWN_CHANNELS;
    low[k]                  = is_told ? exp(ends.lower) : NAN;
    high[k]                 = is_told ? exp(ends.upper) : NAN;
  }
  const nrf_plot_style style = {.colour = look->colour, .label = look->label, .joined = true};
  if (f->n > 0) nrf_plot_error_bars(panel, f->n, x, y, low, high, &style);
}

/* As written: neurons, and only during the stimulus (D27). */
static void plot_neurons(const nrf_contrast_frequencies *f, nrf_panel *panel)
{
  double x[NRF_MAX_CONTRASTS], y[NRF_MAX_CONTRASTS];
  for (int k = 0; k < f->n; k++) {
    x[k] = f->at[k].contrast;
    y[k] = f->at[k].mean;
  }
  nrf_plot_points(panel, f->n, x, y, &(nrf_plot_style){.colour = NRF_RED});
}

static nrf_status show_figure(const frequency_show *s, nrf_results *results)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  const char *caption =
      s->as_written
          ? "Sum of frequency times power over the peaks of a neuron's spectrum during the stimulus: mean "
            "over active neurons of the central patch whose channel prefers the stimulus."
          : "Sum of frequency times power over the peaks of a neuron's spectrum: geometric mean over "
            "channels of "
            "each one's mean over the active neurons of the central patch, at the stimulus that it "
            "prefers; 95 % intervals over channels, where there are three or more. Channels that prefer the "
            "same angle are taken from the "
            "same runs. Contrast 0 shows no stimulus: neurons that are active there are so by chance or "
            "drift.";
  const nrf_figure_spec spec = {.name = "contrast_frequency", .caption = caption};
  char                  axis[80];
  NRF_RETURN_IF_ERROR(nrf_figure_create(&spec, &figure));
  nrf_panel *panel = nrf_figure_panel(figure, 0, 0);
  (void)snprintf(axis, sizeof axis, "Frequency × power of the peaks [%s]",
                 s->as_written ? "a.u.²/timestep" : "Hz a.u.²");
  nrf_panel_x(panel, &(nrf_axis){.label = "Contrast of the stimulus, as it was made"});
  nrf_panel_y(panel, &(nrf_axis){.label = axis, .log = !s->as_written, .from_zero = s->as_written});
  nrf_panel_legend(panel, NRF_TOP_LEFT);
  if (s->as_written) plot_neurons(&s->spectrum[NRF_SPECTRUM_DURING], panel);
  for (int of = 0; of < NRF_SPECTRA && !s->as_written; of++)
    plot_channels(&s->spectrum[of], &looks[of], panel);
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* ---- the analysis ---------------------------------------------------------------------------------------- */

/* A mean of logarithms as a geometric mean, or a factor. */
static void show_geometric_mean(nrf_results *results, const char *name, const char *unit,
                                nrf_moments logarithms, const char *note)
{
  const nrf_interval ends   = nrf_t_interval(logarithms, NRF_SHOWN_CONFIDENCE);
  nrf_key_number     number = {
          .name = name, .value = exp(logarithms.mean), .unit = unit, .n = logarithms.n, .note = note};
  if (logarithms.n == 0) return;
  if (isfinite(ends.lower)) {
    number.low        = exp(ends.lower);
    number.high       = exp(ends.upper);
    number.confidence = NRF_SHOWN_CONFIDENCE;
  }
  nrf_results_number(results, &number);
}

static void show_numbers(const frequency_show *s, nrf_results *results)
{
  const nrf_contrast_frequencies *during = &s->spectrum[NRF_SPECTRUM_DURING];
  const nrf_contrast_frequency   *last   = &during->at[during->n - 1];
  char                            note[96], name[120];
  (void)snprintf(note, sizeof note, "at contrast %.3g, geometric mean over channels", last->contrast);
  show_geometric_mean(results, "Frequency times power of the peaks during the stimulus", s->unit,
                      last->channels, note);
  for (int of = 0; of < NRF_SPECTRA; of++) {
    if (of == NRF_SPECTRUM_DURING || !nrf_is_tabulated((nrf_spectrum_of)of, s->as_written)) continue;
    (void)snprintf(name, sizeof name, "Factor to the same neurons %s", looks[of].label);
    show_geometric_mean(results, name, "",
                        nrf_contrast_frequency_ratio(s->n, s->neuron, last->contrast, (nrf_spectrum_of)of),
                        note);
  }
  for (int of = 0; of < NRF_SPECTRA; of++) {
    (void)snprintf(name, sizeof name, "Factor of growth per unit of contrast, %s", looks[of].label);
    show_geometric_mean(results, name, "", s->spectrum[of].slope,
                        "of exponentials through each channel's means, over channels");
  }
}

static nrf_status find(const nrf_analysis_context *context, frequency_show *s)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_TRY(nrf_analysis_table(context, NRF_OSCILLATIONS_ANALYSIS, NRF_OSCILLATIONS_TABLE, &table));
  NRF_TRY(nrf_oscillations_of_table(table, s->as_written, &s->n, &s->neuron));
  for (int of = 0; of < NRF_SPECTRA; of++) {
    const nrf_spectrum_of chosen_by = s->as_written ? NRF_SPECTRUM_DURING : (nrf_spectrum_of)of;
    if (nrf_is_tabulated((nrf_spectrum_of)of, s->as_written))
      NRF_TRY(nrf_contrast_frequencies_of(s->n, s->neuron, (nrf_spectrum_of)of, chosen_by, &s->spectrum[of]));
  }
done:
  nrf_table_free(table);
  return st;
}

nrf_status nrf_step_contrast_frequency(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status     st         = NRF_OK;
  const bool     as_written = context->settings->original_quirks;
  frequency_show show = {.as_written = as_written, .unit = as_written ? "a.u.^2/timestep" : "Hz a.u.^2"};
  for (int of = 0; of < NRF_SPECTRA; of++) show.spectrum[of].slope = nrf_moments_none();
  NRF_TRY(find(context, &show));
  if (show.spectrum[NRF_SPECTRUM_DURING].n == 0) {
    NRF_TRY(nrf_results_skip(results, "no spectrum has a peak of more than 1e-5 a.u.^2"));
    goto done;
  }
  show_numbers(&show, results);
  NRF_TRY(show_table(&show, results));
  NRF_TRY(show_figure(&show, results));
done:
  nrf_free(show.neuron);
  return st;
}
