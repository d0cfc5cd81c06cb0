/* synchrony_groups_steps.c - the fits of each pair to equal stimuli, taken together (analysis.md 3.20, 3.25, 3.29). */
#include "synchrony_show.h"
#include "synchrony_steps.h"

#include "nrflv/analysis/peaks.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

#define SIGNIFICANT 0.05

/* ---- rebuilt curves ---------------------------------------------------------------------------------------- */

enum { SHEET_ROWS = 6, SHEET_COLUMNS = 4, SHEET = SHEET_ROWS * SHEET_COLUMNS };

typedef struct group_show {
  const nrf_analysis_context *context;
  const nrf_extract          *x;
  nrf_synchrony               experiment;
  const nrf_pair_fits        *fits;
  const nrf_pair_groups      *groups;
} group_show;

static void plot_curve(const group_show *s, const nrf_pair_fit *fit, nrf_panel *panel)
{
  static const double PUBLISHED = 0.7; /* D18 */
  double              lag[NRF_FIT_LAGS], curve[NRF_FIT_LAGS], x[NRF_FIT_LAGS], y[NRF_FIT_LAGS];
  nrf_peak            peaks[NRF_FIT_LAGS];
  char                pair[NRF_PAIR_TEXT];
  const double        part = s->context->settings->original_quirks ? PUBLISHED : 1.0;
  const nrf_window    window =
      s->x->window[fit->row.period == NRF_PERIOD_DURING ? NRF_WINDOW_DUR : NRF_WINDOW_PRE];
  int       first;
  const int lags = nrf_fitted_lags(window, &first);
  nrf_fitted_curve(&fit->fit, part * fit->fit.peak, lags, first, curve);
  for (int k = 0; k < lags; k++) lag[k] = (first + k) * s->x->ms_per_row;
  const int64_t n = nrf_find_peaks(lags, curve, (nrf_peak_filter){0.0, 0.0, 0.01}, peaks);
  for (int64_t i = 0; i < n; i++) {
    x[i] = lag[peaks[i].at];
    y[i] = peaks[i].height;
  }
  nrf_panel_title(panel, "%s, image %d, %s", nrf_pair_text(s->experiment, fit->row.key, pair), fit->row.image,
                  fit->row.period == NRF_PERIOD_DURING ? "during" : "before");
  nrf_panel_x(panel, &(nrf_axis){.label = "Lag [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "Correlation"});
  nrf_plot_line(panel, lags, lag, curve, &(nrf_plot_style){.colour = NRF_ORANGE});
  nrf_plot_points(panel, n, x, y, &(nrf_plot_style){.colour = NRF_BLUE, .size = 4.0});
}

static nrf_status show_sheet(const group_show *s, nrf_results *results)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  int64_t     row[SHEET];
  const int   n = nrf_sample_rows(s->context->settings->seed, s->experiment, s->fits->n, SHEET, row);
  const nrf_figure_spec spec = {.name    = "reconstructed_cross_correlations",
                                .caption = "Fitted curves of the random sample of correlations that the fits "
                                           "are shown for, and their peaks, which are counted.",
                                .width   = 13,
                                .height  = 13,
                                .rows    = (n + SHEET_COLUMNS - 1) / SHEET_COLUMNS,
                                .columns = SHEET_COLUMNS,
                                .share_x = true};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int i = 0; i < n; i++)
    plot_curve(s, &s->fits->fit[row[i]], nrf_figure_panel(figure, i / SHEET_COLUMNS, i % SHEET_COLUMNS));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* ---- distributions ----------------------------------------------------------------------------------------- */

enum { BINS = 36 };

/* A number of the groups of a period; NaN: does not count. */
static double coefficient_of(const nrf_pair_group *g)
{
  return g->amplitude_normalised;
}

static double directed_phase_of(const nrf_pair_group *g)
{
  return g->phase_p < SIGNIFICANT ? g->phase.angle * 180.0 / M_PI : NAN;
}

static int64_t collect(const group_show *s, int period, double (*of)(const nrf_pair_group *g), double *out)
{
  int64_t n = 0;
  for (int64_t i = 0; i < s->groups->n; i++) {
    const nrf_pair_group *g     = &s->groups->group[i];
    const double          value = of(g);
    if (g->period == period && isfinite(value) && !nrf_is_same_neuron(s->x, s->experiment, g->key))
      out[n++] = value;
  }
  return n;
}

static void plot_distribution(const group_show *s, double (*of)(const nrf_pair_group *g), double low,
                              double high, double *values, nrf_panel *panel)
{
  static const char *const colours[NRF_PERIODS] = {
      [NRF_PERIOD_DURING] = NRF_RED, [NRF_PERIOD_OUTSIDE] = NRF_GREY};
  double x[BINS], count[BINS];
  for (int b = 0; b < BINS; b++) x[b] = low + (b + 0.5) * (high - low) / BINS;
  for (int p = NRF_PERIODS - 1; p >= 0; p--) {
    const int64_t n = collect(s, p, of, values);
    if (n == 0) continue;
    nrf_histogram(n, values, low, high, BINS, count);
    nrf_plot_bars(panel, BINS, x, count, (high - low) / BINS,
                  &(nrf_plot_style){.colour = colours[p], .opacity = 0.5, .label = nrf_period_text(p)});
  }
  nrf_panel_y(panel, &(nrf_axis){.label = "Groups", .from_zero = true});
}

static double largest_of(const group_show *s, double *values)
{
  double largest = 0.0;
  for (int p = 0; p < NRF_PERIODS; p++) {
    const int64_t n = collect(s, p, coefficient_of, values);
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, values[i]);
  }
  return largest > 0.0 ? largest : 1.0;
}

static nrf_status show_distributions(const group_show *s, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  void                 *memory = NULL;
  double               *values = NULL;
  const nrf_figure_spec spec   = {.name    = "amplitudes_and_phases",
                                  .caption = "Left: mean amplitude of the fits to equal stimuli, as a "
                                               "coefficient of correlation, for pairs of different "
                                               "neurons. Right: mean phase of the fitted cosines where the "
                                               "phases of a group have a common direction "
                                               "(Rayleigh's test, p < 0.05, not corrected for the number of "
                                               "tests). Amplitudes are positive by construction.",
                                  .width   = 10,
                                  .height  = 4,
                                  .columns = 2};
  NRF_TRY(nrf_alloc((size_t)s->groups->n * sizeof *values, "distributions", &memory));
  values = memory;
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_panel *amplitudes = nrf_figure_panel(figure, 0, 0), *phases = nrf_figure_panel(figure, 0, 1);
  plot_distribution(s, coefficient_of, 0.0, largest_of(s, values), values, amplitudes);
  nrf_panel_x(amplitudes, &(nrf_axis){.label = "Amplitude [coefficient of correlation]", .tight = true});
  nrf_panel_legend(amplitudes, NRF_TOP_RIGHT);
  plot_distribution(s, directed_phase_of, -180.0, 180.0, values, phases);
  static const nrf_tick degrees[] = {{-180, "−180"}, {-90, "−90"}, {0, "0"}, {90, "90"}, {180, "180"}};
  nrf_panel_x(
      phases,
      &(nrf_axis){.label = "Circular mean of the phase [°]", .tight = true, .n_ticks = 5, .tick = degrees});
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(values);
  return st;
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

static void show_numbers(const group_show *s, nrf_results *results)
{
  int64_t during = 0, compared = 0, up = 0, down = 0, tested = 0, directed = 0, above = 0;
  for (int64_t i = 0; i < s->groups->n; i++) {
    const nrf_pair_group *g = &s->groups->group[i];
    if (g->period != NRF_PERIOD_DURING || nrf_is_same_neuron(s->x, s->experiment, g->key)) continue;
    during++;
    tested += isfinite(g->phase_p);
    directed += g->phase_p < SIGNIFICANT;
    compared += isfinite(g->change_t.p);
    up += g->change_t.p < SIGNIFICANT && g->amplitude_change > 0.0;
    down += g->change_t.p < SIGNIFICANT && g->amplitude_change < 0.0;
    above += g->above_tenth_of_outside == 1;
  }
  static const char uncorrected[] = "paired over images, p < 0.05; chance alone gives 2.5 %";
  nrf_show_share(results, "Pairs whose amplitude is larger during the stimulus", up, compared, uncorrected);
  nrf_show_share(results, "Pairs whose amplitude is smaller during the stimulus", down, compared,
                 uncorrected);
  nrf_show_share(results, "Pairs with a common phase during the stimulus", directed, tested,
                 "over images, Rayleigh's test, p < 0.05; chance alone gives 5 %");
  nrf_results_note(results,
                   "%lld groups (stimulus and pair of different neurons); in %lld the amplitude during the "
                   "stimulus is above "
                   "0.1 of that before it, the published criterion",
                   (long long)during, (long long)above);
  if (compared == 0)
    nrf_results_note(results,
                     "no stimulus was shown twice, or nothing was recorded before it: there are no tests");
}

/* ---- the analyses ------------------------------------------------------------------------------------------ */

static nrf_status show_all(const group_show *s, nrf_results *results)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_TRY(nrf_groups_table(s->experiment, s->groups, &table));
  NRF_TRY(nrf_results_table(results, table));
  show_numbers(s, results);
  NRF_TRY(show_distributions(s, results));
  NRF_TRY(show_sheet(s, results));
done:
  nrf_table_free(table);
  return st;
}

static nrf_status group_experiment(const nrf_analysis_context *context, nrf_synchrony experiment,
                                   nrf_results *results)
{
  nrf_status                 st     = NRF_OK;
  nrf_table                 *table  = NULL;
  nrf_pair_fits              fits   = {0};
  nrf_pair_groups            groups = {0};
  const nrf_synchrony_words *words  = nrf_synchrony_words_of(experiment);
  NRF_TRY(nrf_analysis_table(context, words->fit_analysis, words->fit_table, &table));
  NRF_TRY(nrf_fits_of_table(experiment, table, &fits));
  NRF_TRY(nrf_group_fits(&fits, &groups));
  const group_show show = {context, context->extract[words->kind], experiment, &fits, &groups};
  NRF_TRY(show_all(&show, results));
done:
  nrf_table_free(table);
  nrf_pair_fits_free(&fits);
  nrf_pair_groups_free(&groups);
  return st;
}

nrf_status nrf_step_synchrony1_groups(const nrf_analysis_context *context, nrf_results *results)
{
  return group_experiment(context, NRF_SYNCHRONY_CHANNELS, results);
}

nrf_status nrf_step_synchrony2_groups(const nrf_analysis_context *context, nrf_results *results)
{
  return group_experiment(context, NRF_SYNCHRONY_PATCHES, results);
}

nrf_status nrf_step_synchrony3_groups(const nrf_analysis_context *context, nrf_results *results)
{
  return group_experiment(context, NRF_SYNCHRONY_BAR, results);
}
