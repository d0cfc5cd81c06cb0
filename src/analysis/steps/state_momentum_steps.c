/* state_momentum_steps.c - what is shown of state and momentum in one image (analysis.md 3.15). */
#include "momentum_steps.h"
#include "show.h"
#include "state_momentum.h"

#include "nrflv/memory.h"
#include "nrflv/moments.h"

#include <math.h>
#include <stdio.h>

enum { TEXT_BYTES = 512, NAME_BYTES = 96, SHEET_CHANNELS = 32, SHEET_COLUMNS = 4 };

typedef struct trace_show {
  const nrf_analysis_context *context;
  const nrf_extract          *x;
  const nrf_state_momentum   *s;
  char                        image[TEXT_BYTES]; /* "angle 338°, contrast 2.8" */
  double                     *work;              /* [3][rows] time, state, momentum */
} trace_show;

static const struct cut_words {
  const char *name, *title;
} cut_words[NRF_CUTS] = {
    [NRF_CUT_MIDDLE] = {"state_and_momentum", "In the middle of the stimulus"},
    [NRF_CUT_DURING] = {"state_and_momentum_during", "During the stimulus"},
    [NRF_CUT_BEFORE] = {"state_and_momentum_before", "Before the stimulus"},
};

static const char *title_of(const trace_show *t, int which)
{
  static const char *const titles[NRF_STATE_CORRELATIONS] = {
      [NRF_ACORR_DURING] = "State, during the stimulus",
      [NRF_ACORR_BEFORE] = "State, before the stimulus",
      [NRF_XCORR]        = "State and negative momentum",
  };
  return which == NRF_XCORR && t->context->settings->original_quirks ? "State and momentum" : titles[which];
}

static int channel_of(const trace_show *t, int c)
{
  return t->x->layer->channel[c];
}

/* ---- traces ------------------------------------------------------------------------------------------------ */

/* A cut: time in ms from its first row, state, negative momentum. `centred`: less their means. */
static void load_cut(const trace_show *t, int c, nrf_window cut, bool centred)
{
  const nrf_extract *x      = t->x;
  const nrf_site     centre = x->centre;
  const float       *state  = nrf_extract_trace(x, NRF_RECORD_STATE, c, t->s->image, centre.h, centre.w),
              *momentum     = nrf_extract_trace(x, NRF_RECORD_MOMENTUM, c, t->s->image, centre.h, centre.w);
  double      *time = t->work, *a = time + x->rows, *v = a + x->rows;
  const double state_mean    = centred ? nrf_moments_of_floats(cut.count, state + cut.first).mean : 0.0,
               momentum_mean = centred ? nrf_moments_of_floats(cut.count, momentum + cut.first).mean : 0.0;
  for (int64_t k = 0; k < cut.count; k++) {
    time[k] = (double)k * x->ms_per_row;
    a[k]    = (double)state[cut.first + k] - state_mean;
    v[k]    = momentum_mean - (double)momentum[cut.first + k];
  }
}

static double spread_of(int64_t n, const double *x)
{
  return sqrt(nrf_var0(nrf_moments_of(n, x)));
}

/* The momentum is drawn as large as the state: returns by how much it was multiplied, 1 if either is constant. */
static double scale_momentum(const trace_show *t, int64_t n)
{
  double      *state = t->work + t->x->rows, *momentum = state + t->x->rows;
  const double scale = spread_of(n, state) / spread_of(n, momentum);
  if (!isfinite(scale) || scale == 0.0) return 1.0;
  const double mean = nrf_moments_of(n, momentum).mean;
  for (int64_t k = 0; k < n; k++) momentum[k] = scale * (momentum[k] - mean);
  return scale;
}

static void plot_pair(const trace_show *t, int64_t n, nrf_panel *panel)
{
  const double *time = t->work, *state = time + t->x->rows, *momentum = state + t->x->rows;
  nrf_plot_line(panel, n, time, state, &(nrf_plot_style){.label = "State", .colour = NRF_BLUE, .width = 1.0});
  nrf_plot_line(panel, n, time, momentum,
                &(nrf_plot_style){.label = "Negative momentum", .colour = NRF_RED, .width = 1.0});
}

/* ---- contact sheets ---------------------------------------------------------------------------------------- */

static void plot_sheet_panel(const trace_show *t, int c, nrf_window cut, bool leftmost, nrf_panel *panel)
{
  load_cut(t, c, cut, true);
  const double scale = scale_momentum(t, cut.count);
  plot_pair(t, cut.count, panel);
  nrf_panel_title(panel, "Channel %d, momentum × %.2g", channel_of(t, c), scale);
  nrf_panel_x(panel, &(nrf_axis){.label = "Time [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = leftmost ? "State" : NULL});
}

static nrf_status show_sheet(const trace_show *t, nrf_cut which, int first, nrf_results *results)
{
  nrf_status       st     = NRF_OK;
  nrf_figure      *figure = NULL;
  const nrf_window cut    = nrf_cut_window(t->x, which);
  const int        left = t->x->channels - first, n = left < SHEET_CHANNELS ? left : SHEET_CHANNELS,
            columns = n < SHEET_COLUMNS ? n : SHEET_COLUMNS, rows = (n + columns - 1) / columns;
  char                  name[NAME_BYTES], title[2 * TEXT_BYTES], caption[2 * TEXT_BYTES];
  const nrf_figure_spec spec = {.name    = name,
                                .title   = title,
                                .caption = caption,
                                .width   = 2.0 + 2.75 * columns,
                                .height  = 1.4 + 1.4 * rows,
                                .rows    = rows,
                                .columns = columns,
                                .share_x = true};
  (void)snprintf(name, sizeof name, first > 0 ? "%s_from_channel_%d" : "%s", cut_words[which].name,
                 channel_of(t, first));
  (void)snprintf(title, sizeof title, "%s: state (blue) and negative momentum (red), %s",
                 cut_words[which].title, t->image);
  (void)snprintf(
      caption, sizeof caption,
      "Central neurons in one image (%s), %lld rows of the recording, each trace less its mean. The momentum "
      "(before the inverse mass matrix) is drawn with its sign changed and as large as the state: multiplied "
      "by "
      "the number that is given.",
      t->image, (long long)cut.count);
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int k = 0; k < n; k++)
    plot_sheet_panel(t, first + k, cut, k % columns == 0, nrf_figure_panel(figure, k / columns, k % columns));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* value: [channels][lags] */
static void plot_correlations(const trace_show *t, int which, double *value, nrf_panel *panel)
{
  const int    n = t->s->lags[which], channels = t->s->channels;
  const double ms = t->x->ms_per_row, first = t->s->first[which];
  nrf_panel_title(panel, "%s", title_of(t, which));
  for (int c = 0; c < channels; c++)
    for (int k = 0; k < n; k++)
      value[(int64_t)c * n + k] =
          nrf_state_correlation_of(t->s, c, which)[k] / nrf_state_norm_of(t->s, c, which);
  if (n > 0) {
    nrf_plot_image(
        panel, channels, n, value,
        (nrf_extent){(first - 0.5) * ms, (first + n - 0.5) * ms, -0.5, channels - 0.5},
        &(nrf_colour_scale){
            .map = NRF_DIVERGING, .low = -1.0, .high = 1.0, .label = "Coefficient of correlation"});
    nrf_plot_vertical(panel, 0.0, &(nrf_plot_style){.colour = NRF_BLACK, .dash = NRF_DASHED, .width = 1.0});
  }
  nrf_panel_x(panel, &(nrf_axis){.label = "Lag [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "Channel, in the order recorded", .tight = true, .reversed = true});
}

static nrf_status show_correlations(const trace_show *t, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  void                 *memory = NULL;
  char                  caption[2 * TEXT_BYTES];
  const nrf_figure_spec spec = {.name          = "state_and_momentum_correlations",
                                .caption       = caption,
                                .width         = 12,
                                .height        = 4.6,
                                .columns       = NRF_STATE_CORRELATIONS,
                                .share_y       = true,
                                .share_colours = true};
  (void)snprintf(
      caption, sizeof caption,
      "Coefficients of correlation of the central neurons in one image (%s). Left, middle: of the state "
      "with itself. Right: of the state with the %smomentum, over the whole recording, "
      "burn-in and transients included; a positive lag means that the state is late.",
      t->image, t->context->settings->original_quirks ? "" : "negative ");
  NRF_TRY(nrf_alloc((size_t)t->s->channels * NRF_EI_LAGS * sizeof(double), "correlations", &memory));
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int which = 0; which < NRF_STATE_CORRELATIONS; which++)
    plot_correlations(t, which, memory, nrf_figure_panel(figure, 0, which));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(memory);
  return st;
}

/* ---- single pictures, as published -------------------------------------------------------------------------- */

static nrf_status show_two_traces(const trace_show *t, int c, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  const nrf_window      cut    = nrf_cut_window(t->x, NRF_CUT_MIDDLE);
  char                  name[NAME_BYTES];
  const nrf_figure_spec spec = {.name = name, .width = 8.5, .height = 8.5, .rows = 2, .share_x = true};
  (void)snprintf(name, sizeof name, "state_and_momentum_traces_ch%d", channel_of(t, c));
  load_cut(t, c, cut, false);
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int k = 0; k < 2; k++) {
    nrf_panel *panel = nrf_figure_panel(figure, k, 0);
    nrf_plot_line(panel, cut.count, t->work, t->work + (k + 1) * t->x->rows, NULL);
    nrf_panel_x(panel, &(nrf_axis){.label = "Time [ms]", .tight = true});
    nrf_panel_y(panel, &(nrf_axis){.label = k == 0 ? "State [a.u.]" : "Negative momentum [a.u.]"});
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* Traces one over the other: one cut, or two of them without their means. */
static nrf_status show_overlay(const trace_show *t, int c, const char *title, int n, const nrf_cut *cuts,
                               nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  char                  name[NAME_BYTES];
  const nrf_figure_spec spec = {
      .name = name, .width = 8.5, .height = n == 1 ? 4.8 : 8.5, .rows = n, .share_x = true, .share_y = true};
  (void)snprintf(name, sizeof name, "%s_ch%d", title, channel_of(t, c));
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int k = 0; k < n; k++) {
    const nrf_window cut   = nrf_cut_window(t->x, cuts[k]);
    nrf_panel       *panel = nrf_figure_panel(figure, k, 0);
    load_cut(t, c, cut, n > 1);
    plot_pair(t, cut.count, panel);
    nrf_panel_title(panel, "%s", cut_words[cuts[k]].title);
    nrf_panel_x(panel, &(nrf_axis){.label = "Time [ms]", .tight = true});
    nrf_panel_y(panel, &(nrf_axis){.label = "State or negative momentum [a.u.]"});
    nrf_panel_legend(panel, NRF_BOTTOM_RIGHT);
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static nrf_status show_three_correlations(const trace_show *t, int c, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  char                  name[NAME_BYTES];
  const nrf_figure_spec spec = {
      .name = name, .width = 8.5, .height = 8.5, .rows = NRF_STATE_CORRELATIONS, .share_x = true};
  (void)snprintf(name, sizeof name, "state_and_momentum_correlations_ch%d", channel_of(t, c));
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int which = 0; which < NRF_STATE_CORRELATIONS; which++) {
    double     lag[NRF_EI_LAGS];
    nrf_panel *panel = nrf_figure_panel(figure, which, 0);
    for (int k = 0; k < t->s->lags[which]; k++) lag[k] = (t->s->first[which] + k) * t->x->ms_per_row;
    nrf_plot_line(panel, t->s->lags[which], lag, nrf_state_correlation_of(t->s, c, which), NULL);
    nrf_plot_vertical(panel, 0.0, NULL);
    nrf_panel_title(panel, "%s", title_of(t, which));
    nrf_panel_x(panel, &(nrf_axis){.label = "Lag [ms]", .tight = true});
    nrf_panel_y(panel, &(nrf_axis){.label = "Sum of products"});
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static nrf_status show_channel(const trace_show *t, int c, nrf_results *results)
{
  static const nrf_cut middle[] = {NRF_CUT_MIDDLE}, both[] = {NRF_CUT_DURING, NRF_CUT_BEFORE};
  if (nrf_progress_stop_requested(t->context->progress))
    return nrf_error(NRF_EINTERRUPTED, "state and momentum: stopped on request");
  NRF_RETURN_IF_ERROR(show_two_traces(t, c, results));
  NRF_RETURN_IF_ERROR(show_overlay(t, c, "state_and_momentum_overlaid", 1, middle, results));
  NRF_RETURN_IF_ERROR(show_overlay(t, c, "state_and_momentum_during_and_before", 2, both, results));
  return show_three_correlations(t, c, results);
}

/* ---- table and numbers -------------------------------------------------------------------------------------- */

enum {
  CHANNEL,
  LAG,
  LAG_MS,
  VALUES,
  NORMS   = VALUES + NRF_STATE_CORRELATIONS,
  COLUMNS = NORMS + NRF_STATE_CORRELATIONS
};

static const nrf_column_spec columns[COLUMNS] = {
    [CHANNEL]                   = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
    [LAG]                       = {"lag", NRF_COLUMN_INT, "timesteps", "of the state"},
    [LAG_MS]                    = {"lag_ms", NRF_COLUMN_DOUBLE, "ms", "the same"},
    [VALUES + NRF_ACORR_DURING] = {"acorr_during", NRF_COLUMN_DOUBLE, "",
                                   "of the state with itself during the stimulus, sum of products"},
    [VALUES + NRF_ACORR_BEFORE] = {"acorr_before", NRF_COLUMN_DOUBLE, "",
                                   "of the state with itself before the stimulus, sum of products"},
    [VALUES + NRF_XCORR]        = {"state_momentum_xcorr", NRF_COLUMN_DOUBLE, "",
                                   "of the state with the negative momentum (with the original's quirks: the "
                                          "momentum) over the whole recording, sum of products"},
    [NORMS + NRF_ACORR_DURING]  = {"acorr_during_coefficient", NRF_COLUMN_DOUBLE, "",
                                   "the same divided by samples and variance"},
    [NORMS + NRF_ACORR_BEFORE]  = {"acorr_before_coefficient", NRF_COLUMN_DOUBLE, "",
                                   "the same divided by samples and variance"},
    [NORMS + NRF_XCORR]         = {"state_momentum_coefficient", NRF_COLUMN_DOUBLE, "",
                                   "the same divided by samples and both standard deviations"},
};

/* A correlation at a lag; NaN where the period is too short for it. */
static double value_at(const trace_show *t, int c, int which, int lag)
{
  const int k = lag - t->s->first[which];
  return k >= 0 && k < t->s->lags[which] ? nrf_state_correlation_of(t->s, c, which)[k] : NAN;
}

static nrf_status save_table(const trace_show *t, nrf_results *results)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_TRY(nrf_table_create("state_momentum_correlations",
                           "Correlations of the central neurons' state and momentum in one image",
                           NRF_COLUMNS(columns), &table));
  for (int c = 0; c < t->s->channels; c++)
    for (int k = 0; k < t->s->lags[NRF_XCORR]; k++) {
      const int lag            = t->s->first[NRF_XCORR] + k;
      nrf_cell  cells[COLUMNS] = {[CHANNEL] = {.i = channel_of(t, c)},
                                  [LAG]     = {.i = (int64_t)lag * t->x->info->stride},
                                  [LAG_MS]  = {.d = lag * t->x->ms_per_row}};
      for (int which = 0; which < NRF_STATE_CORRELATIONS; which++) {
        cells[VALUES + which].d = value_at(t, c, which, lag);
        cells[NORMS + which].d  = value_at(t, c, which, lag) / nrf_state_norm_of(t->s, c, which);
      }
      NRF_TRY(nrf_table_append(table, cells));
    }
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

/* Of each channel the coefficient at lag 0. */
static void show_number(const trace_show *t, nrf_results *results)
{
  nrf_moments m = nrf_moments_none();
  for (int c = 0; c < t->s->channels; c++) {
    const double value = value_at(t, c, NRF_XCORR, 0) / nrf_state_norm_of(t->s, c, NRF_XCORR);
    if (isfinite(value)) nrf_moments_add(&m, value);
  }
  nrf_show_mean(results,
                t->context->settings->original_quirks ? "Correlation of state and momentum at lag 0"
                                                      : "Correlation of state and negative momentum at lag 0",
                "", m, "coefficient, over the whole recording; one image; n and interval: over channels");
}

/* ---- the analysis -------------------------------------------------------------------------------------------- */

static void name_image(trace_show *t)
{
  const nrf_recording_image *image = &t->x->info->image[t->s->image];
  int                        used  = snprintf(t->image, sizeof t->image, "image %d", image->index);
  if (isfinite(image->angle))
    used += snprintf(t->image + used, sizeof t->image - (size_t)used, ", angle %.4g°",
                     image->angle * 180.0 / M_PI);
  if (isfinite(image->contrast))
    (void)snprintf(t->image + used, sizeof t->image - (size_t)used, ", contrast %.3g", image->contrast);
}

static nrf_status show_all(trace_show *t, nrf_results *results)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  NRF_TRY(nrf_alloc((size_t)(3 * t->x->rows) * sizeof(double), "traces", &memory));
  t->work = memory;
  name_image(t);
  nrf_results_note(results, "the central neurons in one image: %s", t->image);
  show_number(t, results);
  NRF_TRY(save_table(t, results));
  NRF_TRY(show_correlations(t, results));
  for (int cut = 0; cut < NRF_CUTS; cut++) {
    if (nrf_cut_window(t->x, (nrf_cut)cut).count == 0) continue;
    for (int first = 0; first < t->x->channels; first += SHEET_CHANNELS)
      NRF_TRY(show_sheet(t, (nrf_cut)cut, first, results));
  }
  for (int c = 0; c < t->x->channels && t->context->settings->single_maps; c++)
    NRF_TRY(show_channel(t, c, results));
done:
  nrf_free(memory);
  return st;
}

nrf_status nrf_step_state_and_momentum(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status         st = NRF_OK;
  const nrf_extract *x  = context->extract[NRF_KIND_PRIM];
  nrf_state_momentum s  = {0};
  if (!x->has_momentum) return nrf_results_skip(results, "the momentum was not recorded");
  if (x->centre.h < 0) return nrf_results_skip(results, "the centre was not recorded");
  NRF_TRY(nrf_state_momentum_find(x, context->settings->original_quirks, &s));
  if (s.image < 0) {
    st = nrf_results_skip(results, "no image has both state and momentum of the centre");
  } else {
    trace_show show = {.context = context, .x = x, .s = &s};
    st              = show_all(&show, results);
  }
done:
  nrf_state_momentum_free(&s);
  return st;
}
