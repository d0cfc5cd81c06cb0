/* synchrony_fits_steps.c - damped cosines fitted to all correlations (analysis.md 3.18, 3.24, 3.28; Gray et al., Nature 338,
 * 1989). */
#include "synchrony_show.h"
#include "synchrony_steps.h"

#include "nrflv/analysis/peaks.h"
#include "nrflv/analysis/percentile.h"
#include "nrflv/memory.h"
#include "nrflv/sort.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHEET_ROWS = 6, SHEET_COLUMNS = 4, SHEET = SHEET_ROWS * SHEET_COLUMNS, TITLE_BYTES = 160 };

typedef struct fit_show {
  const nrf_analysis_context *context;
  const nrf_extract          *x;
  nrf_synchrony               experiment;
  const nrf_synchrony_pairs  *pairs;
  const nrf_pair_fits        *fits;
} fit_show;

/* ---- pictures of single fits ------------------------------------------------------------------------------- */

/* The peaks that the first guess of the frequency comes from. */
static int64_t find_first_peaks(int lags, const double *window, nrf_peak *out)
{
  double largest = window[0];
  for (int k = 1; k < lags; k++) largest = fmax(largest, window[k]);
  return nrf_find_peaks(lags, window, (nrf_peak_filter){0.0, 3.0, largest / 5.0}, out);
}

static void plot_peaks(nrf_panel *panel, int64_t n, const nrf_peak *peaks, const double *lag)
{
  double x[NRF_FIT_LAGS], y[NRF_FIT_LAGS];
  for (int64_t i = 0; i < n; i++) {
    x[i] = lag[peaks[i].at];
    y[i] = peaks[i].height;
  }
  nrf_plot_points(panel, n, x, y, &(nrf_plot_style){.colour = NRF_BLUE, .size = 4.0, .label = "peaks"});
}

static nrf_status plot_fit(const fit_show *s, int64_t row, nrf_panel *panel)
{
  const nrf_pair_fit *fit = &s->fits->fit[row];
  double              lag[NRF_FIT_LAGS], window[NRF_FIT_LAGS], curve[NRF_FIT_LAGS];
  nrf_peak            peaks[NRF_FIT_LAGS];
  int                 first, lags;
  NRF_RETURN_IF_ERROR(nrf_correlate_row(s->pairs, &fit->row, &first, &lags, window));
  for (int k = 0; k < lags; k++) lag[k] = (first + k) * s->x->ms_per_row;
  nrf_fitted_curve(&fit->fit, fit->fit.peak, lags, first, curve);
  nrf_panel_x(panel, &(nrf_axis){.label = "Lag [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "Correlation"});
  nrf_plot_line(panel, lags, lag, window, &(nrf_plot_style){.colour = NRF_BLUE, .label = "correlation"});
  nrf_plot_line(panel, lags, lag, curve, &(nrf_plot_style){.colour = NRF_ORANGE, .label = "fit"});
  plot_peaks(panel, find_first_peaks(lags, window, peaks), peaks, lag);
  return NRF_OK;
}

static void title_panel(const fit_show *s, int64_t row, nrf_panel *panel)
{
  const nrf_pair_fit *fit = &s->fits->fit[row];
  char                pair[NRF_PAIR_TEXT];
  nrf_panel_title(panel, "%s, image %d, %s", nrf_pair_text(s->experiment, fit->row.key, pair), fit->row.image,
                  fit->row.period == NRF_PERIOD_DURING ? "during" : "before");
}

static nrf_status show_sheet(const fit_show *s, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  int64_t               row[SHEET];
  const uint64_t        seed = s->context->settings->seed;
  const int             n    = nrf_sample_rows(seed, s->experiment, s->fits->n, SHEET, row);
  const nrf_figure_spec spec = {
      .name    = "fitted_cross_correlations",
      .caption = "Correlations (blue; sums of products of two states, each less its mean) and the "
                 "damped cosines fitted to them (orange), for a "
                 "random sample of pairs, images and periods. Dots: the peaks that the first guess "
                 "of the frequency comes from.",
      .width   = 13,
      .height  = 13,
      .rows    = (n + SHEET_COLUMNS - 1) / SHEET_COLUMNS,
      .columns = SHEET_COLUMNS,
      .share_x = true};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int i = 0; i < n; i++) {
    nrf_panel *panel = nrf_figure_panel(figure, i / SHEET_COLUMNS, i % SHEET_COLUMNS);
    title_panel(s, row[i], panel);
    NRF_TRY(plot_fit(s, row[i], panel));
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static nrf_status show_single(const fit_show *s, int64_t row, nrf_results *results)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  char        name[TITLE_BYTES];
  (void)snprintf(name, sizeof name, "fitted_cross_correlation_%07lld", (long long)row);
  NRF_TRY(nrf_figure_create(&(nrf_figure_spec){.name = name, .width = 9, .height = 5}, &figure));
  nrf_panel *panel = nrf_figure_panel(figure, 0, 0);
  title_panel(s, row, panel);
  NRF_TRY(plot_fit(s, row, panel));
  nrf_panel_legend(panel, NRF_TOP_RIGHT);
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static nrf_status show_fits(const fit_show *s, nrf_results *results)
{
  const nrf_analysis_settings *settings = s->context->settings;
  NRF_RETURN_IF_ERROR(show_sheet(s, results));
  for (int64_t row = 0; row < s->fits->n && settings->single_maps; row++) {
    if (!nrf_is_in_sample(settings->seed, s->experiment, row)) continue;
    if (nrf_progress_stop_requested(s->context->progress))
      return nrf_error(NRF_EINTERRUPTED, "fits: stopped on request");
    NRF_RETURN_IF_ERROR(show_single(s, row, results));
  }
  return NRF_OK;
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

/* Pairs of two different neurons. */
static nrf_status show_amplitudes(const fit_show *s, int period, nrf_results *results)
{
  nrf_status  st     = NRF_OK;
  void       *memory = NULL;
  double     *value  = NULL;
  nrf_moments mean;
  char        name[TITLE_BYTES];
  NRF_TRY(nrf_alloc((size_t)s->fits->n * sizeof *value, "amplitudes", &memory));
  value = memory;
  for (int normalised = 0; normalised < 2; normalised++) {
    for (int64_t i = 0; i < s->fits->n; i++) {
      const nrf_pair_fit *fit = &s->fits->fit[i];
      value[i]                = normalised ? fit->amplitude_normalised : fit->fit.amplitude;
      if (nrf_is_same_neuron(s->x, s->experiment, fit->row.key)) value[i] = NAN;
    }
    NRF_TRY(
        nrf_mean_over_images(s->pairs, s->fits->n, s->fits->fit, sizeof *s->fits->fit, period, value, &mean));
    (void)snprintf(name, sizeof name, "Amplitude %s%s", nrf_period_text(period),
                   normalised ? ", as a coefficient of correlation" : "");
    nrf_show_mean(results, name, normalised ? "" : "sum of products", mean,
                  "mean over pairs of different neurons; n and interval: over images");
  }
done:
  nrf_free(value);
  return st;
}

static nrf_status show_frequency(const fit_show *s, int period, nrf_results *results)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  double    *hz     = NULL;
  int64_t    n      = 0;
  char       name[TITLE_BYTES], note[TITLE_BYTES];
  NRF_TRY(nrf_alloc((size_t)s->fits->n * sizeof *hz, "frequencies", &memory));
  hz = memory;
  for (int64_t i = 0; i < s->fits->n; i++) {
    const nrf_pair_fit *fit   = &s->fits->fit[i];
    const double        value = 1000.0 / s->x->ms_per_row / (2.0 * M_PI * fabs(fit->fit.freq_scale));
    if (fit->row.period == period && isfinite(value)) hz[n++] = value;
  }
  if (n > 0) {
    nrf_sort_doubles(n, hz);
    (void)snprintf(name, sizeof name, "Frequency of the fits %s, median", nrf_period_text(period));
    (void)snprintf(note, sizeof note, "half of the fits between %.3g and %.3g Hz",
                   nrf_percentile(n, hz, 25.0), nrf_percentile(n, hz, 75.0));
    nrf_results_number(
        results, &(nrf_key_number){
                     .name = name, .value = nrf_percentile(n, hz, 50.0), .unit = "Hz", .n = n, .note = note});
  }
done:
  nrf_free(hz);
  return st;
}

/* How many fits there are, which are none, and what the published starts would have missed (D51). */
static void show_counts(const fit_show *s, nrf_results *results)
{
  int64_t flat = 0, bad = 0, missed[NRF_PERIODS] = {0}, fitted[NRF_PERIODS] = {0};
  for (int64_t i = 0; i < s->fits->n; i++) {
    const nrf_pair_fit *fit = &s->fits->fit[i];
    if (fit->num_peaks < 0)
      bad++;
    else if (fit->norm == 0.0)
      flat++;
    else
      fitted[fit->row.period]++;
    missed[fit->row.period] += fit->one_phase_missed;
  }
  nrf_results_note(results,
                   "%lld correlations; of %lld a trace is constant (amplitude 0), of %lld one is not finite",
                   (long long)s->fits->n, (long long)flat, (long long)bad);
  if (nrf_fit_how_of(s->context) == NRF_FIT_AS_WRITTEN) {
    nrf_results_note(results,
                     "fits as published, from one starting phase: correlations near antiphase may be missed");
    return;
  }
  for (int p = 0; p < NRF_PERIODS; p++) {
    char name[TITLE_BYTES];
    (void)snprintf(name, sizeof name, "Fits %s that one starting phase misses", nrf_period_text(p));
    nrf_show_share(results, name, missed[p], fitted[p],
                   "the published program starts from phase 0 alone; here four phases are tried");
  }
}

/* ---- the analyses ------------------------------------------------------------------------------------------ */

static nrf_status show_all(const fit_show *s, nrf_results *results)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_TRY(nrf_fits_table(s->experiment, s->fits, &table));
  NRF_TRY(nrf_results_table(results, table));
  for (int p = 0; p < NRF_PERIODS; p++) NRF_TRY(show_amplitudes(s, p, results));
  for (int p = 0; p < NRF_PERIODS; p++) NRF_TRY(show_frequency(s, p, results));
  show_counts(s, results);
  NRF_TRY(show_fits(s, results));
done:
  nrf_table_free(table);
  return st;
}

static nrf_status fit_experiment(const nrf_analysis_context *context, nrf_synchrony experiment,
                                 nrf_results *results)
{
  nrf_status          st      = NRF_OK;
  nrf_synchrony_pairs pairs   = {0};
  nrf_pair_fits       fits    = {0};
  bool                skipped = false;
  NRF_TRY(nrf_open_pairs(context, experiment, results, &pairs, &skipped));
  if (skipped) goto done;
  NRF_TRY(nrf_fit_pairs(&pairs, nrf_fit_how_of(context), context->threads, context->progress, &fits));
  const fit_show show = {context, context->extract[nrf_synchrony_words_of(experiment)->kind], experiment,
                         &pairs, &fits};
  NRF_TRY(show_all(&show, results));
done:
  nrf_pair_fits_free(&fits);
  nrf_synchrony_pairs_free(&pairs);
  return st;
}

nrf_status nrf_step_synchrony1_fits(const nrf_analysis_context *context, nrf_results *results)
{
  return fit_experiment(context, NRF_SYNCHRONY_CHANNELS, results);
}

nrf_status nrf_step_synchrony2_fits(const nrf_analysis_context *context, nrf_results *results)
{
  return fit_experiment(context, NRF_SYNCHRONY_PATCHES, results);
}

nrf_status nrf_step_synchrony3_fits(const nrf_analysis_context *context, nrf_results *results)
{
  return fit_experiment(context, NRF_SYNCHRONY_BAR, results);
}
