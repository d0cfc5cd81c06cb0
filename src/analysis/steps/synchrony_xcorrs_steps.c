/* synchrony_xcorrs_steps.c - the correlations of all pairs (analysis.md 3.17, 3.23, 3.27). */
#include "moments_by_x.h"
#include "synchrony_show.h"
#include "synchrony_steps.h"

#include "nrflv/h5_file.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 128, PATH_BYTES = 4096 };

typedef struct xcorr_show {
  const nrf_analysis_context *context;
  const nrf_extract          *x;
  nrf_synchrony               experiment;
  const nrf_synchrony_pairs  *pairs;
  const nrf_pair_windows     *windows;
  const nrf_mean_windows     *means;
} xcorr_show;

/* ---- the file ---------------------------------------------------------------------------------------------- */

static nrf_status describe(nrf_h5_file *file, const char *dataset, const char *unit, const char *description)
{
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_string(file, dataset, "unit", unit));
  return nrf_h5_write_attribute_string(file, dataset, "description", description);
}

/* A member of each row, an int. */
static nrf_status write_row_column(nrf_h5_file *file, const nrf_pair_windows *w, const char *name,
                                   size_t offset, const char *description)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  int32_t   *column = NULL;
  NRF_TRY(nrf_alloc((size_t)w->n * sizeof *column, name, &memory));
  column = memory;
  for (int64_t i = 0; i < w->n; i++) {
    int value;
    memcpy(&value, (const char *)&w->window[i].row + offset, sizeof value);
    column[i] = value;
  }
  NRF_TRY(nrf_h5_write(file, name, NRF_H5_INT32, nrf_h5_vector(w->n), NRF_H5_COMPRESSED, column));
  NRF_TRY(describe(file, name, "", description));
done:
  nrf_free(column);
  return st;
}

static nrf_status write_rows(nrf_h5_file *file, const xcorr_show *s)
{
  const nrf_synchrony_words *words = nrf_synchrony_words_of(s->experiment);
  const nrf_pair_windows    *w     = s->windows;
  NRF_RETURN_IF_ERROR(write_row_column(file, w, "batch", offsetof(nrf_pair_row, image),
                                       "image, counted within the recording"));
  NRF_RETURN_IF_ERROR(write_row_column(file, w, "batch_group", offsetof(nrf_pair_row, group),
                                       "images that show the same share it"));
  NRF_RETURN_IF_ERROR(write_row_column(file, w, "dur_or_out", offsetof(nrf_pair_row, period),
                                       "0 during the stimulus, 1 before it"));
  for (int k = 0; k < NRF_PAIR_KEYS && words->key[k] != NULL; k++)
    NRF_RETURN_IF_ERROR(write_row_column(file, w, words->key[k],
                                         offsetof(nrf_pair_row, key) + (size_t)k * sizeof(int),
                                         words->key_description[k]));
  if (s->experiment != NRF_SYNCHRONY_PATCHES) return NRF_OK;
  NRF_RETURN_IF_ERROR(write_row_column(file, w, "mob_loc_x", offsetof(nrf_pair_row, x),
                                       "column of the mobile patch's place in the layer's map"));
  return write_row_column(file, w, "mob_loc_y", offsetof(nrf_pair_row, y),
                          "row of the mobile patch's place in the layer's map");
}

static nrf_status write_correlations(nrf_h5_file *file, const nrf_pair_windows *w, double ms_per_row)
{
  nrf_status         st     = NRF_OK;
  void              *memory = NULL;
  double            *norm   = NULL, lag[NRF_FIT_LAGS];
  const nrf_h5_shape shape  = {2, {w->n, w->lags}};
  NRF_TRY(nrf_alloc((size_t)w->n * sizeof *norm, "correlations", &memory));
  norm = memory;
  for (int64_t i = 0; i < w->n; i++) norm[i] = w->window[i].norm;
  for (int k = 0; k < w->lags; k++) lag[k] = (w->first + k) * ms_per_row;
  NRF_TRY(nrf_h5_write(file, "correlation", NRF_H5_FLOAT32, shape, NRF_H5_CHECKED, w->value));
  NRF_TRY(describe(file, "correlation", "sum of products",
                   "[row, lag] of two states, each less its mean over the period; a positive lag means that "
                   "the first is late"));
  NRF_TRY(nrf_h5_write(file, "normalisation", NRF_H5_FLOAT64, nrf_h5_vector(w->n), NRF_H5_CHECKED, norm));
  NRF_TRY(describe(file, "normalisation", "sum of products",
                   "samples times both standard deviations: divided by it a correlation is a coefficient"));
  NRF_TRY(nrf_h5_write(file, "lag", NRF_H5_FLOAT64, nrf_h5_vector(w->lags), NRF_H5_PLAIN, lag));
  NRF_TRY(describe(file, "lag", "ms", "of the first neuron behind the second"));
done:
  nrf_free(norm);
  return st;
}

static nrf_status save_correlations(const xcorr_show *s, nrf_results *results)
{
  nrf_status   st   = NRF_OK;
  nrf_h5_file *file = NULL;
  char         name[NAME_BYTES], path[PATH_BYTES];
  (void)snprintf(name, sizeof name, "synchexp%d_cross_correlations.h5", s->experiment + 1);
  NRF_TRY(nrf_results_file(
      results, name,
      "All correlations at the lags that are fitted, a row for each image, period and pair; the other data "
      "sets say which.",
      path, sizeof path));
  NRF_TRY(nrf_h5_create(path, &file));
  NRF_TRY(write_correlations(file, s->windows, s->x->ms_per_row));
  NRF_TRY(write_rows(file, s));
  NRF_TRY(nrf_h5_commit(file));
done:
  nrf_h5_free(file);
  return st;
}

/* ---- pairs of channels: matrices --------------------------------------------------------------------------- */

static int index_of(const nrf_extract *x, int channel)
{
  for (int c = 0; c < x->channels; c++)
    if (x->layer->channel[c] == channel) return c;
  return -1;
}

/* Mean over stimuli of each pair's largest coefficient, [A][B]. */
static nrf_status fill_matrix(const xcorr_show *s, int period, double *matrix)
{
  const int n      = s->x->channels;
  void     *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * (size_t)n * sizeof(int), "matrix", &memory));
  int *count = memory;
  for (int i = 0; i < n * n; i++) matrix[i] = 0.0;
  for (int64_t i = 0; i < s->means->n; i++) {
    const nrf_mean_window *m = &s->means->mean[i];
    if (m->period != period || !isfinite(m->largest)) continue;
    if (nrf_is_same_neuron(s->x, s->experiment, m->key)) continue;
    const int at = index_of(s->x, m->key[0]) * n + index_of(s->x, m->key[1]);
    matrix[at] += m->largest;
    count[at]++;
  }
  for (int i = 0; i < n * n; i++) matrix[i] = count[i] > 0 ? matrix[i] / count[i] : NAN;
  nrf_free(count);
  return NRF_OK;
}

static nrf_status show_matrices(const xcorr_show *s, nrf_results *results)
{
  nrf_status            st      = NRF_OK;
  nrf_figure           *figure  = NULL;
  void                 *memory  = NULL;
  double               *matrix  = NULL;
  const int             n       = s->x->channels;
  const bool            patches = s->experiment == NRF_SYNCHRONY_PATCHES;
  const nrf_figure_spec spec    = {
         .name    = "largest_coefficients",
         .caption = "Largest coefficient of correlation within the lags shown in the fits, of the mean over "
                       "equal stimuli, averaged over all "
                       "stimuli, for each pair of channels. White: a neuron with itself, or a constant trace.",
         .width   = 10,
         .height  = 4.6,
         .columns = NRF_PERIODS,
         .share_y = true,
         .share_colours = true};
  NRF_TRY(nrf_alloc((size_t)n * (size_t)n * sizeof *matrix, "matrix", &memory));
  matrix = memory;
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int p = 0; p < NRF_PERIODS; p++) {
    nrf_panel *panel = nrf_figure_panel(figure, 0, p);
    NRF_TRY(fill_matrix(s, p, matrix));
    nrf_panel_title(panel, "%s", p == NRF_PERIOD_DURING ? "During the stimulus" : "Before the stimulus");
    nrf_plot_map(panel, n, n, matrix, &(nrf_colour_scale){.label = "Coefficient of correlation"});
    nrf_panel_x(panel,
                &(nrf_axis){.label = patches ? "Channel at the static patch" : "Channel B", .tight = true});
    nrf_panel_y(panel, &(nrf_axis){.label    = patches ? "Channel at the mobile patch" : "Channel A",
                                   .tight    = true,
                                   .reversed = true});
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(matrix);
  return st;
}

/* ---- places along a bar: lines ----------------------------------------------------------------------------- */

static double distance_of(const nrf_extract *x, const int key[NRF_PAIR_KEYS])
{
  return hypot(key[1] - x->layer->left - x->centre.w, key[2] - x->layer->top - x->centre.h);
}

static nrf_status plot_along_bar(const xcorr_show *s, int period, nrf_panel *panel)
{
  static const char *const colours[NRF_PERIODS] = {NRF_RED, NRF_GREY};
  double                   mean[NRF_MAX_X], low[NRF_MAX_X], high[NRF_MAX_X];
  void                    *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof(nrf_moments_by_x), "distances", &memory));
  nrf_moments_by_x *by_distance = memory;
  for (int64_t i = 0; i < s->means->n; i++) {
    const nrf_mean_window *m = &s->means->mean[i];
    if (m->period == period && isfinite(m->largest))
      nrf_add_at_x(by_distance, distance_of(s->x, m->key), m->largest);
  }
  for (int i = 0; i < by_distance->n; i++) {
    const nrf_interval ends = nrf_t_interval(by_distance->at[i], NRF_SHOWN_CONFIDENCE);
    mean[i]                 = by_distance->at[i].mean;
    low[i]                  = isfinite(ends.lower) ? ends.lower : mean[i];
    high[i]                 = isfinite(ends.upper) ? ends.upper : mean[i];
  }
  nrf_plot_error_bars(
      panel, by_distance->n, by_distance->x, mean, low, high,
      &(nrf_plot_style){.colour = colours[period], .joined = true, .label = nrf_period_text(period)});
  nrf_free(by_distance);
  return NRF_OK;
}

static nrf_status show_along_bar(const xcorr_show *s, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  const nrf_figure_spec spec   = {.name = "largest_coefficients",
                                  .caption =
                                      "Largest coefficient of correlation of the central neuron with one along "
                                        "the bar, of the same channel, of the mean over "
                                        "equal stimuli; averaged over all channels, tuned to the bar or not, and "
                                        "angles. Bars: 95 % t intervals, as if these were "
                                        "independent. At distance 0 the neuron is correlated with itself."};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_panel *panel = nrf_figure_panel(figure, 0, 0);
  nrf_panel_x(panel, &(nrf_axis){.label = "Distance along the bar [neurons of the map]"});
  nrf_panel_y(panel, &(nrf_axis){.label = "Coefficient of correlation", .from_zero = true});
  for (int p = NRF_PERIODS - 1; p >= 0; p--) NRF_TRY(plot_along_bar(s, p, panel));
  nrf_panel_legend(panel, NRF_TOP_RIGHT);
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

/* The largest coefficient of each correlation, NaN of a neuron with itself. */
static void find_largest(const xcorr_show *s, double *out)
{
  const nrf_pair_windows *w = s->windows;
  for (int64_t i = 0; i < w->n; i++) {
    const float *value = w->value + i * w->lags;
    double       most  = (double)value[0];
    for (int k = 1; k < w->lags; k++) most = fmax(most, (double)value[k]);
    const bool counts =
        w->window[i].norm > 0.0 && !nrf_is_same_neuron(s->x, s->experiment, w->window[i].row.key);
    out[i] = counts ? most / w->window[i].norm : NAN;
  }
}

static nrf_status show_numbers(const xcorr_show *s, nrf_results *results)
{
  nrf_status              st     = NRF_OK;
  void                   *memory = NULL;
  double                 *value  = NULL;
  const nrf_pair_windows *w      = s->windows;
  NRF_TRY(nrf_alloc((size_t)w->n * sizeof *value, "numbers", &memory));
  value = memory;
  find_largest(s, value);
  for (int p = 0; p < NRF_PERIODS; p++) {
    nrf_moments mean;
    char        name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "Largest coefficient of correlation %s", nrf_period_text(p));
    NRF_TRY(nrf_mean_over_images(s->pairs, w->n, w->window, sizeof *w->window, p, value, &mean));
    nrf_show_mean(results, name, "", mean,
                  "mean over pairs of different neurons; n and interval: over images");
  }
  nrf_results_note(results, "%lld correlations of %s, at lags %d to %d of the recording's rows",
                   (long long)w->n, nrf_synchrony_words_of(s->experiment)->subject, w->first,
                   w->first + w->lags - 1);
done:
  nrf_free(value);
  return st;
}

/* ---- the analyses ------------------------------------------------------------------------------------------ */

static nrf_status show_all(const xcorr_show *s, nrf_results *results)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_TRY(nrf_mean_windows_table(s->experiment, s->means, &table));
  NRF_TRY(nrf_results_table(results, table));
  NRF_TRY(show_numbers(s, results));
  NRF_TRY(s->experiment == NRF_SYNCHRONY_BAR ? show_along_bar(s, results) : show_matrices(s, results));
  NRF_TRY(save_correlations(s, results));
done:
  nrf_table_free(table);
  return st;
}

static nrf_status correlate_experiment(const nrf_analysis_context *context, nrf_synchrony experiment,
                                       nrf_results *results)
{
  nrf_status          st      = NRF_OK;
  nrf_synchrony_pairs pairs   = {0};
  nrf_pair_windows    windows = {0};
  nrf_mean_windows    means   = {0};
  bool                skipped = false;
  NRF_TRY(nrf_open_pairs(context, experiment, results, &pairs, &skipped));
  if (skipped) goto done;
  NRF_TRY(nrf_correlate_pairs(&pairs, context->threads, context->progress, &windows));
  NRF_TRY(nrf_average_windows(&windows, &means));
  const xcorr_show show = {context,    context->extract[nrf_synchrony_words_of(experiment)->kind],
                           experiment, &pairs,
                           &windows,   &means};
  NRF_TRY(show_all(&show, results));
done:
  nrf_mean_windows_free(&means);
  nrf_pair_windows_free(&windows);
  nrf_synchrony_pairs_free(&pairs);
  return st;
}

nrf_status nrf_step_synchrony1_xcorrs(const nrf_analysis_context *context, nrf_results *results)
{
  return correlate_experiment(context, NRF_SYNCHRONY_CHANNELS, results);
}

nrf_status nrf_step_synchrony2_xcorrs(const nrf_analysis_context *context, nrf_results *results)
{
  return correlate_experiment(context, NRF_SYNCHRONY_PATCHES, results);
}

nrf_status nrf_step_synchrony3_xcorrs(const nrf_analysis_context *context, nrf_results *results)
{
  return correlate_experiment(context, NRF_SYNCHRONY_BAR, results);
}
