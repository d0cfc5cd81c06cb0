/* synchrony_amplitudes_steps.c - amplitudes against differences of preference and against distances (analysis.md 3.21, 3.26,
 * 3.30). */
#include "preferences_table.h"
#include "synchrony_amplitudes.h"
#include "synchrony_show.h"
#include "synchrony_steps.h"

#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

enum { TITLE_BYTES = 200 };

#define DEGREES (180.0 / M_PI)

/* How an experiment is shown: a panel for each set from `first_set` on. */
typedef struct amplitude_words {
  const char    *set_name[NRF_AMPLITUDE_SETS];  /* in tables                     */
  const char    *set_title[NRF_AMPLITUDE_SETS]; /* of panels                     */
  int            first_set, rows, columns;
  double         width, height; /* of figures                                    */
  const char    *x_label;
  double         x_scale;    /* from the table's unit to the label's                */
  bool           share_x;    /* one range of x for all panels                       */
  const char    *slope_unit; /* 1 over it */
  const char    *colour_label;
  double         colour_scale;
  nrf_colour_map colours;
  bool           whole_circle; /* colours are angles */
  const char    *dots_name, *dots_caption;
  const char    *means_name, *means_caption;
} amplitude_words;

static const amplitude_words all_words[NRF_SYNCHRONIES] = {
    [NRF_SYNCHRONY_CHANNELS] = {.set_name     = {"all", "aligned", "unaligned"},
                                .set_title    = {"All pairs", "Aligned", "Unaligned"},
                                .first_set    = NRF_SET_ALIGNED,
                                .rows         = 1,
                                .columns      = 2,
                                .width        = 10,
                                .height       = 4.5,
                                .x_label      = "Difference of preferred angles [°]",
                                .x_scale      = DEGREES,
                                .slope_unit   = "rad",
                                .colour_label = "Channel distance",
                                .colour_scale = 1.0,
                                .colours      = NRF_VIRIDIS,
                                .dots_name    = "angle_diff_vs_oscillation_amplitude_w_and_wo_ori_match",
                                .dots_caption =
                                    "Amplitude of the correlation of two channels at the central place "
                                    "during the stimulus, mean over equal "
                                    "stimuli, against the difference of the channels' preferred angles. "
                                    "Aligned: the stimulus is within 10° of "
                                    "both preferences. Colour: how far apart the channels' numbers are.",
                                .means_name    = "angle_diff_vs_oscillation_CI_amplitude_w_and_wo_ori_match",
                                .means_caption = "The same, averaged over pairs with equal differences; "
                                                 "bars: 95 % intervals of the mean by resampling, as "
                                                 "if pairs were independent."},
    [NRF_SYNCHRONY_PATCHES]  = {.set_name     = {"colinear", "noncolinear", "own_stimulus"},
                                .set_title    = {"Colinear", "Noncolinear", "Noncolinear, each its own"},
                                .first_set    = NRF_SET_COLINEAR,
                                .rows         = 1,
                                .columns      = 3,
                                .width        = 14,
                                .height       = 4.8,
                                .x_label      = "Distance of the patches [pixels]",
                                .x_scale      = 1.0,
                                .share_x      = true,
                                .slope_unit   = "pixel",
                                .colour_label = "Channel at the mobile patch",
                                .colour_scale = 1.0,
                                .colours      = NRF_SPRING,
                                .dots_name    = "oscillation_amplitude_vs_separation_distance",
                                .dots_caption =
                                    "Amplitude of the correlation of a channel at the mobile patch's place "
                                     "with one at the static patch's, mean over "
                                     "equal stimuli, during the stimulus. Colinear and noncolinear: both "
                                     "channels prefer the static patch's angle; a "
                                     "noncolinear mobile patch, at the same place, is orthogonal to it, so the "
                                     "mobile neuron is driven by a stimulus "
                                     "orthogonal to its preference: colinearity and drive are confounded. "
                                     "Right: each channel prefers its own patch's angle.",
                                .means_name    = "oscillation_amplitude_vs_separation_distance_CIs",
                                .means_caption = "The same, averaged over pairs for each distance; bars: 95 % "
                                                  "intervals of the mean by resampling, as if pairs "
                                                  "were independent."},
    [NRF_SYNCHRONY_BAR] =
        {.set_name     = {"during", "before", NULL},
         .set_title    = {"During the stimulus", "Before the stimulus", NULL},
         .first_set    = NRF_SET_DURING,
         .rows         = 2,
         .columns      = 1,
         .width        = 9,
         .height       = 8,
         .x_label      = "Distance along the bar [neurons of the map]",
         .x_scale      = 1.0,
         .share_x      = true,
         .slope_unit   = "neuron",
         .colour_label = "Preferred angle [°]",
         .colour_scale = DEGREES,
         .colours      = NRF_HSV,
         .whole_circle = true,
         .dots_name    = "osc_amp_vs_distance",
         .dots_caption =
             "Amplitude of the correlation of the central neuron with one along the bar, of the same "
             "channel, mean over equal "
             "stimuli, for channels that prefer the bar's angle. Bars along rows and columns and diagonal "
             "ones are pooled, "
             "though their distances differ in spacing; places near the border feel the edge of the map.",
         .means_name    = "osc_amp_vs_distance_with_CIs",
         .means_caption = "The same, averaged over channels and angles for each distance; bars: 95 % "
                          "intervals of the mean by resampling, "
                          "as if neurons were independent."},
};

/* What is shown: amplitudes as they are or, a second time, as coefficients of correlation (D16). */
typedef struct amplitude_show {
  const nrf_analysis_context *context;
  nrf_synchrony               experiment;
  bool                        normalised;
  const amplitude_words      *words;
  const nrf_pair_groups      *groups;
  const nrf_amplitude_sets   *sets;
} amplitude_show;

static const char *amplitude_label(const amplitude_show *s)
{
  return s->normalised ? "Amplitude [coefficient of correlation]" : "Amplitude [sum of products]";
}

/* ---- panels ------------------------------------------------------------------------------------------------ */

/* Points of a set as columns, in the figure's units. */
typedef struct columns {
  int64_t n;
  double *x, *y, *colour, *peaks;
} columns;

static nrf_status open_columns(const amplitude_show *s, const nrf_amplitude_set *set, columns *out)
{
  void *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc(4 * (size_t)set->n * sizeof(double), "amplitudes", &memory));
  *out        = (columns){.n = set->n, .x = memory};
  out->y      = out->x + set->n;
  out->colour = out->y + set->n;
  out->peaks  = out->colour + set->n;
  for (int64_t i = 0; i < set->n; i++) {
    const nrf_amplitude_point *p = &set->point[i];
    out->x[i]                    = p->x * s->words->x_scale;
    out->y[i]                    = p->y;
    out->colour[i]               = p->colour * s->words->colour_scale;
    out->peaks[i]                = s->groups->group[p->group].num_peaks;
  }
  return NRF_OK;
}

static void plot_line_through(nrf_panel *panel, int64_t n, const double *x, const double *y)
{
  const nrf_amplitude_line line = nrf_fit_amplitude_line(n, x, y);
  if (!line.exists) return;
  const nrf_moments range   = nrf_moments_of(n, x);
  const double      ends[2] = {range.minimum, range.maximum};
  const double      at[2]   = {line.line.intercept + line.line.slope * ends[0],
                               line.line.intercept + line.line.slope * ends[1]};
  nrf_plot_line(panel, 2, ends, at, &(nrf_plot_style){.colour = NRF_RED, .label = "fitted line"});
}

static void title_set(const amplitude_show *s, int set, nrf_panel *panel)
{
  nrf_panel_title(panel, "%s (n = %lld)", s->words->set_title[set], (long long)s->sets->set[set].n);
}

static nrf_status plot_dots(const amplitude_show *s, int set, nrf_panel *panel)
{
  columns c;
  NRF_RETURN_IF_ERROR(open_columns(s, &s->sets->set[set], &c));
  const nrf_colour_scale scale = {.map   = s->words->colours,
                                  .low   = 0.0,
                                  .high  = s->words->whole_circle ? 360.0 : 0.0,
                                  .label = s->words->colour_label};
  title_set(s, set, panel);
  nrf_plot_coloured_points(panel, c.n, c.x, c.y, c.colour, &scale, NULL);
  plot_line_through(panel, c.n, c.x, c.y);
  nrf_free(c.x);
  return NRF_OK;
}

static nrf_status plot_means(const amplitude_show *s, int set, nrf_panel *panel)
{
  const nrf_amplitude_set *from = &s->sets->set[set];
  const int64_t            n    = from->n_means;
  void                    *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc(4 * (size_t)n * sizeof(double), "amplitudes", &memory));
  double *x = memory, *y = x + n, *low = y + n, *high = low + n;
  for (int64_t i = 0; i < n; i++) {
    x[i]    = from->mean[i].x * s->words->x_scale;
    y[i]    = from->mean[i].mean;
    low[i]  = from->mean[i].interval.lower;
    high[i] = from->mean[i].interval.upper;
  }
  title_set(s, set, panel);
  nrf_plot_error_bars(panel, n, x, y, low, high, &(nrf_plot_style){.colour = NRF_RED, .joined = true});
  nrf_free(memory);
  return NRF_OK;
}

typedef nrf_status plot_set(const amplitude_show *s, int set, nrf_panel *panel);

static nrf_status show_sets(const amplitude_show *s, const char *name, const char *caption, plot_set *plot,
                            nrf_results *results)
{
  nrf_status             st     = NRF_OK;
  nrf_figure            *figure = NULL;
  const amplitude_words *w      = s->words;
  const nrf_figure_spec  spec   = {.name          = name,
                                   .caption       = caption,
                                   .width         = w->width,
                                   .height        = w->height,
                                   .rows          = w->rows,
                                   .columns       = w->columns,
                                   .share_x       = w->share_x,
                                   .share_y       = true,
                                   .share_colours = true};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int k = 0; k < w->rows * w->columns; k++) {
    nrf_panel *panel = nrf_figure_panel(figure, k / w->columns, k % w->columns);
    nrf_panel_x(panel, &(nrf_axis){.label = w->x_label});
    nrf_panel_y(panel, &(nrf_axis){.label = amplitude_label(s), .from_zero = true});
    NRF_TRY(plot(s, w->first_set + k, panel));
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* ---- all pairs of channels --------------------------------------------------------------------------------- */

static nrf_status show_all_pairs(const amplitude_show *s, bool peaks, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  columns               c      = {0};
  const nrf_figure_spec spec   = {.name =
                                    peaks ? "angle_diff_vs_num_peaks" : "angle_diff_vs_oscillation_amplitude",
                                  .caption = peaks ? "Peaks of the fitted correlation within its lags, mean "
                                                     "over equal stimuli, against the difference of the "
                                                     "channels' preferred angles, for all pairs and stimuli."
                                                   : "Amplitude of the correlation, mean over equal stimuli, "
                                                     "against the difference of the channels' preferred "
                                                     "angles, for all pairs and stimuli.",
                                  .width   = 9,
                                  .height  = 5};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  NRF_TRY(open_columns(s, &s->sets->set[NRF_SET_ALL], &c));
  nrf_panel *panel = nrf_figure_panel(figure, 0, 0);
  title_set(s, NRF_SET_ALL, panel);
  nrf_panel_x(panel, &(nrf_axis){.label = s->words->x_label});
  nrf_panel_y(panel, &(nrf_axis){.label = peaks ? "Number of peaks" : amplitude_label(s), .from_zero = true});
  const double *y = peaks ? c.peaks : c.y;
  nrf_plot_points(panel, c.n, c.x, y, &(nrf_plot_style){.colour = NRF_BLUE, .size = 3.0, .opacity = 0.5});
  plot_line_through(panel, c.n, c.x, y);
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_free(c.x);
  nrf_figure_free(figure);
  return st;
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

static void show_slope(const amplitude_show *s, int set, nrf_results *results)
{
  const nrf_amplitude_set *from = &s->sets->set[set];
  char                     name[TITLE_BYTES], unit[TITLE_BYTES];
  if (!from->line.exists) return;
  (void)snprintf(name, sizeof name, "Slope of the %s, %s",
                 s->normalised ? "normalised amplitude" : "amplitude", s->words->set_title[set]);
  (void)snprintf(unit, sizeof unit, "%s/%s", s->normalised ? "1" : "(sum of products)", s->words->slope_unit);
  nrf_key_number number = {.name  = name,
                           .value = from->line.line.slope,
                           .unit  = unit,
                           .n     = from->n,
                           .note  = "interval as if groups of fits were independent"};
  if (isfinite(from->line.slope.lower)) {
    number.low        = from->line.slope.lower;
    number.high       = from->line.slope.upper;
    number.confidence = NRF_SHOWN_CONFIDENCE;
  }
  nrf_results_number(results, &number);
}

/* All points of a set: their mean, with the interval of a normal mean. */
static nrf_status show_mean_amplitude(const amplitude_show *s, int set, nrf_results *results)
{
  columns c;
  char    name[TITLE_BYTES];
  NRF_RETURN_IF_ERROR(open_columns(s, &s->sets->set[set], &c));
  (void)snprintf(name, sizeof name, "Mean %s, %s", s->normalised ? "normalised amplitude" : "amplitude",
                 s->words->set_title[set]);
  nrf_show_mean(results, name, s->normalised ? "" : "sum of products", nrf_moments_of(c.n, c.y),
                "interval as if groups of fits were independent");
  nrf_free(c.x);
  return NRF_OK;
}

static void show_counts(const amplitude_show *s, int set, nrf_results *results)
{
  const nrf_amplitude_set *from = &s->sets->set[set];
  const int64_t            all  = from->n + from->n_untuned;
  if (s->context->settings->original_quirks)
    nrf_results_note(results, "%s: n = %lld, untuned channels included", s->words->set_title[set],
                     (long long)from->n);
  else
    nrf_results_note(results, "%s: n = %lld; %lld with the channels whose tuning is below the threshold",
                     s->words->set_title[set], (long long)from->n, (long long)all);
}

static nrf_status show_numbers(const amplitude_show *s, nrf_results *results)
{
  for (int k = 0; k < s->sets->count; k++) {
    if (!s->normalised) show_counts(s, k, results);
    NRF_RETURN_IF_ERROR(show_mean_amplitude(s, k, results));
    show_slope(s, k, results);
  }
  return NRF_OK;
}

/* ---- the analyses ------------------------------------------------------------------------------------------ */

/* Writes a table and frees it; `st` is that of making it. */
static nrf_status hand_over(nrf_status st, nrf_table **table, nrf_results *results)
{
  if (st == NRF_OK) st = nrf_results_table(results, *table);
  nrf_table_free(*table);
  *table = NULL;
  return st;
}

static nrf_status show_tables(const amplitude_show *s, nrf_results *results)
{
  const nrf_named_sets named = {s->experiment, s->normalised, s->sets, s->words->set_name};
  nrf_table           *table = NULL;
  if (!s->normalised)
    NRF_RETURN_IF_ERROR(hand_over(nrf_amplitude_points_table(named, s->groups, &table), &table, results));
  NRF_RETURN_IF_ERROR(hand_over(nrf_amplitude_means_table(named, &table), &table, results));
  NRF_RETURN_IF_ERROR(hand_over(nrf_amplitude_lines_table(named, &table), &table, results));
  return hand_over(nrf_amplitude_by_stimulus_table(named, s->groups, &table), &table, results);
}

static nrf_status show_raw_figures(const amplitude_show *s, nrf_results *results)
{
  if (s->experiment == NRF_SYNCHRONY_CHANNELS) {
    NRF_RETURN_IF_ERROR(show_all_pairs(s, false, results));
    NRF_RETURN_IF_ERROR(show_all_pairs(s, true, results));
  }
  return show_sets(s, s->words->dots_name, s->words->dots_caption, plot_dots, results);
}

static nrf_status show_all(const amplitude_show *s, nrf_results *results)
{
  char name[TITLE_BYTES];
  NRF_RETURN_IF_ERROR(show_tables(s, results));
  NRF_RETURN_IF_ERROR(show_numbers(s, results));
  if (!s->normalised) NRF_RETURN_IF_ERROR(show_raw_figures(s, results));
  (void)snprintf(name, sizeof name, "%s%s", s->words->means_name, s->normalised ? "_normalised" : "");
  return show_sets(s, name, s->words->means_caption, plot_means, results);
}

static nrf_status read_groups(const nrf_analysis_context *context, nrf_synchrony experiment,
                              nrf_pair_groups *out)
{
  const nrf_synchrony_words *words = nrf_synchrony_words_of(experiment);
  nrf_table                 *table = NULL;
  NRF_RETURN_IF_ERROR(nrf_analysis_table(context, words->group_analysis, words->group_table, &table));
  const nrf_status st = nrf_groups_of_table(experiment, table, out);
  nrf_table_free(table);
  return st;
}

static nrf_status compare_amplitudes(const nrf_analysis_context *context, nrf_synchrony experiment,
                                     bool normalised, const nrf_pair_groups *groups,
                                     const nrf_preferences *preferences, nrf_results *results)
{
  const nrf_extract        *x      = context->extract[nrf_synchrony_words_of(experiment)->kind];
  const nrf_amplitude_rules rules  = {context->settings->original_quirks, context->settings->seed};
  const nrf_site            centre = {x->layer->height / 2, x->layer->width / 2};
  nrf_amplitude_sets        sets;
  NRF_RETURN_IF_ERROR(nrf_select_amplitudes(experiment, x->info, centre, groups, preferences, rules, &sets));
  const amplitude_show show = {context, experiment, normalised, &all_words[experiment], groups, &sets};
  const nrf_status     st   = show_all(&show, results);
  nrf_amplitude_sets_free(&sets);
  return st;
}

static nrf_status compare_experiment(const nrf_analysis_context *context, nrf_synchrony experiment,
                                     nrf_results *results)
{
  nrf_status      st          = NRF_OK;
  nrf_pair_groups groups      = {0};
  nrf_preferences preferences = {0};
  NRF_TRY(read_groups(context, experiment, &groups));
  NRF_TRY(nrf_preferences_read(context, &preferences));
  NRF_TRY(compare_amplitudes(context, experiment, false, &groups, &preferences, results));
  for (int64_t i = 0; i < groups.n; i++) groups.group[i].amplitude = groups.group[i].amplitude_normalised;
  NRF_TRY(compare_amplitudes(context, experiment, true, &groups, &preferences, results));
done:
  nrf_free(preferences.channel);
  nrf_pair_groups_free(&groups);
  return st;
}

nrf_status nrf_step_synchrony1_amplitudes(const nrf_analysis_context *context, nrf_results *results)
{
  return compare_experiment(context, NRF_SYNCHRONY_CHANNELS, results);
}

nrf_status nrf_step_synchrony2_amplitudes(const nrf_analysis_context *context, nrf_results *results)
{
  return compare_experiment(context, NRF_SYNCHRONY_PATCHES, results);
}

nrf_status nrf_step_synchrony3_amplitudes(const nrf_analysis_context *context, nrf_results *results)
{
  return compare_experiment(context, NRF_SYNCHRONY_BAR, results);
}
