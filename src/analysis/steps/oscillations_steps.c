/* oscillations_steps.c - power spectra of neurons that respond to what they prefer (analysis.md 3.13). */
#include "contrast_frequency.h"
#include "oscillations.h"
#include "preferences_table.h"
#include "show.h"
#include "transient_steps.h"

#include "nrflv/analysis/t_test.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

typedef struct oscillation_show {
  const nrf_extract             *x;
  const nrf_oscillation_spectra *spectra;
  const nrf_oscillations        *all;
  bool                           as_written;
  const char                    *unit;   /* of frequencies */
  nrf_spectrum_of                before; /* what the stimulus's spectrum is compared with */
} oscillation_show;

static const char *text_of(nrf_spectrum_of of)
{
  static const char *const texts[NRF_SPECTRA] = {[NRF_SPECTRUM_DURING]  = "during the stimulus",
                                                 [NRF_SPECTRUM_PRE]     = "before the stimulus",
                                                 [NRF_SPECTRUM_POST]    = "after the stimulus",
                                                 [NRF_SPECTRUM_SPLICED] = "outside, with the burn-in"};
  return texts[of];
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static nrf_status add_peaks(const nrf_oscillating_neuron *n, nrf_spectrum_of of, nrf_table *table)
{
  const nrf_oscillation *o      = &n->spectrum[of];
  const int              listed = o->peaks < NRF_LISTED_PEAKS ? o->peaks : NRF_LISTED_PEAKS;
  for (int k = 0; k < listed; k++)
    NRF_RETURN_IF_ERROR(nrf_table_append(table, (nrf_cell[]){{.i = n->channel},
                                                             {.i = n->image},
                                                             {.i = n->height},
                                                             {.i = n->width},
                                                             {.s = nrf_spectrum_name(of)},
                                                             {.d = o->frequency[k]},
                                                             {.d = o->power[k]}}));
  return NRF_OK;
}

static nrf_status show_peaks_table(const oscillation_show *s, nrf_results *results)
{
  const nrf_column_spec columns[] = {
      {"channel", NRF_COLUMN_INT, "", "of the layer"},
      {"batch_idx", NRF_COLUMN_INT, "", "image"},
      {"height", NRF_COLUMN_INT, "", "row of the layer's map"},
      {"width", NRF_COLUMN_INT, "", "column of the layer's map"},
      {"window", NRF_COLUMN_TEXT, "", "what the spectrum is of"},
      {"peak_freq", NRF_COLUMN_DOUBLE, s->unit, "frequency of the peak"},
      {"peak_freq_power", NRF_COLUMN_DOUBLE, "a.u.^2", "power at the peak"},
  };
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_RETURN_IF_ERROR(
      nrf_table_create("spectral_peaks", "Peaks of the spectra, by neuron", NRF_COLUMNS(columns), &table));
  for (int64_t i = 0; i < s->all->n; i++)
    for (int of = 0; of < NRF_SPECTRA; of++)
      if (nrf_is_tabulated((nrf_spectrum_of)of, s->as_written))
        NRF_TRY(add_peaks(&s->all->neuron[i], (nrf_spectrum_of)of, table));
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

/* The power in a bin at a contrast, over channels. */
static nrf_moments power_at(const oscillation_show *s, double contrast, nrf_spectrum_of of, int64_t bin)
{
  const nrf_contrasts one = {1, {contrast}};
  nrf_moments         m   = nrf_moments_none();
  for (int i = 0; i < s->all->n_channels; i++)
    if (nrf_contrast_index(&one, s->all->channel[i].contrast) == 0)
      nrf_moments_add(&m, s->all->channel[i].power[of][bin]);
  return m;
}

static nrf_status add_mean_spectrum(const oscillation_show *s, double contrast, nrf_spectrum_of of,
                                    nrf_table *table)
{
  for (int64_t f = 0; f < nrf_oscillation_bins(s->spectra, of); f++) {
    const nrf_moments  m    = power_at(s, contrast, of, f);
    const nrf_interval ends = nrf_t_interval(m, NRF_SHOWN_CONFIDENCE);
    if (m.n == 0) return NRF_OK;
    NRF_RETURN_IF_ERROR(
        nrf_table_append(table, (nrf_cell[]){{.d = contrast},
                                             {.s = nrf_spectrum_name(of)},
                                             {.d = nrf_oscillation_frequency(s->spectra, of, f)},
                                             {.d = m.mean},
                                             {.d = ends.lower},
                                             {.d = ends.upper},
                                             {.i = m.n}}));
  }
  return NRF_OK;
}

static nrf_status show_spectra_table(const oscillation_show *s, const nrf_contrasts *contrasts,
                                     nrf_results *results)
{
  const nrf_column_spec columns[] = {
      {"stim_contrast", NRF_COLUMN_DOUBLE, "", "of the stimulus, as it was made"},
      {"window", NRF_COLUMN_TEXT, "", "what the spectrum is of"},
      {"frequency", NRF_COLUMN_DOUBLE, s->unit, "of the bin"},
      {"power", NRF_COLUMN_DOUBLE, "a.u.^2", "mean over channels of the mean over each one's neurons"},
      {"power_low", NRF_COLUMN_DOUBLE, "a.u.^2", "95 % interval over channels"},
      {"power_high", NRF_COLUMN_DOUBLE, "a.u.^2", "95 % interval over channels"},
      {"channels", NRF_COLUMN_INT, "", "what mean and interval rest on"},
  };
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_RETURN_IF_ERROR(
      nrf_table_create("mean_spectra", "Mean power spectra at each contrast", NRF_COLUMNS(columns), &table));
  for (int k = 0; k < contrasts->n; k++)
    for (int of = 0; of < NRF_SPECTRA; of++)
      if (nrf_is_tabulated((nrf_spectrum_of)of, s->as_written))
        NRF_TRY(add_mean_spectrum(s, contrasts->at[k], (nrf_spectrum_of)of, table));
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

static nrf_status show_tables(const oscillation_show *s, const nrf_contrasts *contrasts, nrf_results *results)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_TRY(nrf_oscillations_table(s->all, s->as_written, &table));
  NRF_TRY(nrf_results_table(results, table));
  NRF_TRY(show_peaks_table(s, results));
  NRF_TRY(show_spectra_table(s, contrasts, results));
done:
  nrf_table_free(table);
  return st;
}

/* ---- figure ---------------------------------------------------------------------------------------------- */

/* What detrending leaves at frequency 0 is rounding: spectra are shown from the first bin on. */
static void plot_spectrum(const oscillation_show *s, double contrast, nrf_spectrum_of of, double *memory,
                          const nrf_plot_style *style, nrf_panel *panel)
{
  const int64_t bins      = nrf_oscillation_bins(s->spectra, of);
  double       *frequency = memory, *power = memory + bins;
  for (int64_t f = 1; f < bins; f++) {
    frequency[f - 1] = nrf_oscillation_frequency(s->spectra, of, f);
    power[f - 1]     = power_at(s, contrast, of, f).mean;
  }
  if (bins > 1) nrf_plot_line(panel, bins - 1, frequency, power, style);
}

/* With room above for the legend. */
static nrf_axis power_axis(const oscillation_show *s, const nrf_contrasts *contrasts, const int *shown, int n)
{
  static const double ROOM = 100.0, BELOW = 2.0;
  nrf_axis            axis = {.label = "Power [a.u.²]", .log = true};
  double              low = INFINITY, high = 0.0;
  for (int k = 0; k < n; k++)
    for (int64_t f = 1; f < nrf_oscillation_bins(s->spectra, NRF_SPECTRUM_DURING); f++) {
      const double power = power_at(s, contrasts->at[shown[k]], NRF_SPECTRUM_DURING, f).mean;
      if (power > 0.0 && power < low) low = power;
      if (power > high) high = power;
    }
  if (high <= 0.0) return axis;
  axis.low  = low / BELOW;
  axis.high = high * ROOM;
  return axis;
}

static void plot_spectra(const oscillation_show *s, const nrf_contrasts *contrasts, double *memory,
                         nrf_panel *panel)
{
  static const double PUBLISHED_LARGEST = 2.8, THIN = 0.9;
  const double        strongest = contrasts->at[contrasts->n - 1];
  int                 shown[NRF_SHOWN_CONTRASTS];
  char                colour[NRF_COLOUR_TEXT], label[64], name[64];
  const int           n    = nrf_shown_contrasts(contrasts, shown);
  const nrf_axis      axis = power_axis(s, contrasts, shown, n);
  (void)snprintf(name, sizeof name, "Frequency [%s]", s->unit);
  nrf_panel_x(panel, &(nrf_axis){.label = name, .tight = true});
  nrf_panel_y(panel, &axis);
  nrf_panel_legend(panel, NRF_TOP_RIGHT);
  for (int k = 0; k < n; k++) {
    const double contrast = contrasts->at[shown[k]];
    const double scaled   = strongest > 0.0 ? contrast / strongest * PUBLISHED_LARGEST : contrast;
    if (power_at(s, contrast, NRF_SPECTRUM_DURING, 0).n == 0) continue;
    (void)snprintf(label, sizeof label, "during, contrast %.3g", contrast);
    const nrf_plot_style style = {
        .colour = nrf_colour_text(nrf_contrast_grey(scaled), colour), .label = label, .width = THIN};
    plot_spectrum(s, contrast, NRF_SPECTRUM_DURING, memory, &style, panel);
  }
  (void)snprintf(label, sizeof label, "%s, contrast %.3g", text_of(s->before), strongest);
  plot_spectrum(s, strongest, s->before, memory,
                &(nrf_plot_style){.colour = NRF_BLUE, .label = label, .width = THIN}, panel);
}

static void plot_frequencies(const oscillation_show *s, nrf_spectrum_of of, double highest,
                             const char *colour, double *memory, nrf_panel *panel)
{
  enum { BINS = 40 };
  double  x[BINS], count[BINS];
  int64_t n = 0;
  for (int64_t i = 0; i < s->all->n; i++)
    if (s->all->neuron[i].contrast > 0.0 && s->all->neuron[i].spectrum[of].peaks > 0)
      memory[n++] = s->all->neuron[i].spectrum[of].main_frequency;
  if (n == 0) return;
  for (int k = 0; k < BINS; k++) x[k] = (k + 0.5) * highest / BINS;
  nrf_histogram(n, memory, 0.0, highest, BINS, count);
  nrf_plot_bars(panel, BINS, x, count, highest / BINS,
                &(nrf_plot_style){.colour = colour, .opacity = 0.5, .label = text_of(of)});
}

static void plot_main_frequencies(const oscillation_show *s, double *memory, nrf_panel *panel)
{
  const int64_t bins    = nrf_oscillation_bins(s->spectra, NRF_SPECTRUM_DURING);
  const double  highest = nrf_oscillation_frequency(s->spectra, NRF_SPECTRUM_DURING, bins - 1);
  char          axis[80];
  (void)snprintf(axis, sizeof axis, "Frequency of the strongest peak [%s]", s->unit);
  nrf_panel_x(panel, &(nrf_axis){.label = axis, .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "Neurons and images", .from_zero = true});
  nrf_panel_legend(panel, NRF_TOP_RIGHT);
  plot_frequencies(s, s->before, highest, NRF_BLUE, memory, panel);
  plot_frequencies(s, NRF_SPECTRUM_DURING, highest, NRF_RED, memory, panel);
}

static nrf_status show_figure(const oscillation_show *s, const nrf_contrasts *contrasts, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  void                 *memory = NULL;
  const nrf_figure_spec spec   = {.name    = "power_spectra",
                                  .caption = "Active neurons of the central patch whose channel prefers the "
                                               "stimulus. Left: power spectra, mean over "
                                               "channels of each one's mean over neurons; a sine of amplitude A "
                                               "gives A² / 2. Right: the frequency of "
                                               "the strongest peak of each spectrum, without images of contrast "
                                               "0. Any spectrum has a strongest peak, "
                                               "also that of noise.",
                                  .width   = 12,
                                  .height  = 4.6,
                                  .columns = 2};
  const int64_t         bins =
      nrf_oscillation_bins(s->spectra, NRF_SPECTRUM_DURING) + nrf_oscillation_bins(s->spectra, s->before);
  NRF_TRY(nrf_alloc((size_t)(2 * bins + s->all->n) * sizeof(double), "spectra", &memory));
  NRF_TRY(nrf_figure_create(&spec, &figure));
  plot_spectra(s, contrasts, memory, nrf_figure_panel(figure, 0, 0));
  plot_main_frequencies(s, memory, nrf_figure_panel(figure, 0, 1));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(memory);
  return st;
}

/* ---- numbers --------------------------------------------------------------------------------------------- */

/* Over channels, of the mean of each one's neurons at this contrast. */
static nrf_moments main_frequency_of(const oscillation_show *s, nrf_spectrum_of of, double contrast)
{
  const nrf_contrasts one = {1, {contrast}};
  nrf_moments         all = nrf_moments_none(), channel = nrf_moments_none();
  for (int64_t i = 0; i < s->all->n; i++) {
    const nrf_oscillating_neuron *n = &s->all->neuron[i];
    if (i > 0 && n->c != s->all->neuron[i - 1].c) {
      if (channel.n > 0) nrf_moments_add(&all, channel.mean);
      channel = nrf_moments_none();
    }
    if (nrf_contrast_index(&one, n->contrast) == 0 && n->spectrum[of].peaks > 0)
      nrf_moments_add(&channel, n->spectrum[of].main_frequency);
  }
  if (channel.n > 0) nrf_moments_add(&all, channel.mean);
  return all;
}

static void show_numbers(const oscillation_show *s, double strongest, nrf_results *results)
{
  int  channels = 0;
  char note[96];
  for (int64_t i = 0; i < s->all->n; i++)
    channels += i == 0 || s->all->neuron[i].c != s->all->neuron[i - 1].c;
  (void)snprintf(note, sizeof note, "at contrast %.3g, over channels", strongest);
  nrf_show_mean(results, "Frequency of the strongest peak during the stimulus", s->unit,
                main_frequency_of(s, NRF_SPECTRUM_DURING, strongest), note);
  nrf_show_mean(results, "The same neurons outside the stimulus", s->unit,
                main_frequency_of(s, s->before, strongest), text_of(s->before));
  nrf_results_note(
      results,
      "%lld neurons and images of %d channels; some at contrast 0, without a stimulus, are active by "
      "chance or drift",
      (long long)s->all->n, channels);
  if (s->all->not_finite > 0)
    nrf_results_note(results, "%lld traces with NaN or infinite states are left out",
                     (long long)s->all->not_finite);
}

/* ---- the analysis ---------------------------------------------------------------------------------------- */

static nrf_status show_all(const oscillation_show *s, nrf_results *results)
{
  nrf_contrasts contrasts;
  NRF_RETURN_IF_ERROR(nrf_contrasts_of(s->x, &contrasts));
  show_numbers(s, contrasts.at[contrasts.n - 1], results);
  NRF_RETURN_IF_ERROR(show_tables(s, &contrasts, results));
  return show_figure(s, &contrasts, results);
}

nrf_status nrf_step_oscillating_neurons(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status               st         = NRF_OK;
  const nrf_extract       *x          = context->extract[NRF_KIND_PRIM];
  const bool               as_written = context->settings->original_quirks;
  nrf_oscillation_spectra *spectra    = NULL;
  nrf_oscillations         all        = {0};
  nrf_preferences          preferences;
  NRF_RETURN_IF_ERROR(nrf_preferences_read(context, &preferences));
  NRF_TRY(nrf_oscillation_spectra_create(x, as_written ? 1.0 : 1000.0 / x->ms_per_row, &spectra));
  NRF_TRY(nrf_oscillations_create(x, &preferences, spectra, context->threads, context->progress, &all));
  if (all.n == 0) {
    NRF_TRY(nrf_results_skip(results,
                             "no neuron at the centre is active at a stimulus that its channel prefers"));
    goto done;
  }
  const bool             has_pre = x->window[NRF_WINDOW_PRE].count > 0;
  const oscillation_show show    = {.x          = x,
                                    .spectra    = spectra,
                                    .all        = &all,
                                    .as_written = as_written,
                                    .unit       = as_written ? "1/timestep" : "Hz",
                                    .before     = as_written ? NRF_SPECTRUM_SPLICED
                                                  : has_pre  ? NRF_SPECTRUM_PRE
                                                             : NRF_SPECTRUM_POST};
  NRF_TRY(show_all(&show, results));
done:
  nrf_free(preferences.channel);
  nrf_oscillations_free(&all);
  nrf_oscillation_spectra_free(spectra);
  return st;
}
