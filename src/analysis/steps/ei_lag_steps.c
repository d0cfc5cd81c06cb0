/* ei_lag_steps.c - what is shown of the lags of states behind their momenta (analysis.md 3.16). */
#include "ei_lag.h"
#include "momentum_steps.h"
#include "show.h"

#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* 0x316: number of the analysis, for its random numbers. */
enum { TEXT_BYTES = 256, PATH_BYTES = 4096, STREAM = 0x316 };

typedef struct lag_show {
  const nrf_analysis_context *context;
  const nrf_extract          *x;
  const nrf_ei_lags          *lags;
} lag_show;

static const char *const period_texts[NRF_EI_PERIODS] = {
    [NRF_EI_DURING] = "during the stimulus",
    [NRF_EI_BEFORE] = "before the stimulus",
    [NRF_EI_WHOLE]  = "over the whole recording",
};

/* The periods that figures compare. */
static const struct compared {
  nrf_ei_period period;
  const char   *title, *colour;
} compared[] = {
    {NRF_EI_DURING, "During the stimulus", NRF_RED},
    {NRF_EI_BEFORE, "Before the stimulus", NRF_GREY},
};

enum { COMPARED = sizeof compared / sizeof *compared };

static double ms_of(const lag_show *s, double rows)
{
  return rows * s->x->ms_per_row;
}

static nrf_status median_interval(const lag_show *s, int period, int channel, nrf_interval *out)
{
  const uint64_t group = (uint64_t)(channel + 1) * NRF_EI_PERIODS + (uint64_t)period;
  return nrf_ei_median_interval(s->lags, period, channel,
                                nrf_rng_at(s->context->settings->seed, NRF_RNG_BOOTSTRAP, group, STREAM),
                                out);
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

enum {
  CHANNEL,
  PERIOD,
  N,
  MEAN_LAG,
  STANDARD_ERROR,
  MEDIAN_LAG,
  MEDIAN_LAG_MS,
  MEDIAN_LOW_MS,
  MEDIAN_HIGH_MS,
  COEFFICIENT,
  COEFFICIENT_OTHER,
  AMBIGUOUS,
  RESULT_COLUMNS
};

static const nrf_column_spec result_columns[RESULT_COLUMNS] = {
    [CHANNEL] = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
    [PERIOD]  = {"period", NRF_COLUMN_TEXT, "",
                 "during the stimulus, before it, or the whole recording with burn-in and transients"},
    [N]       = {"n", NRF_COLUMN_INT, "", "images with a lag"},
    [MEAN_LAG] =
        {"mean_lag", NRF_COLUMN_DOUBLE, "timesteps",
         "of the state behind the momentum, mean over images; biased by lags that are off by whole periods"},
    [STANDARD_ERROR]    = {"standard_error", NRF_COLUMN_DOUBLE, "timesteps", "of the mean, over images"},
    [MEDIAN_LAG]        = {"median_lag", NRF_COLUMN_DOUBLE, "timesteps", "median over images"},
    [MEDIAN_LAG_MS]     = {"median_lag_ms", NRF_COLUMN_DOUBLE, "ms", "the same"},
    [MEDIAN_LOW_MS]     = {"median_low_ms", NRF_COLUMN_DOUBLE, "ms",
                           "lower end of its 95 % interval, images resampled"},
    [MEDIAN_HIGH_MS]    = {"median_high_ms", NRF_COLUMN_DOUBLE, "ms", "upper end"},
    [COEFFICIENT]       = {"coefficient", NRF_COLUMN_DOUBLE, "",
                           "largest coefficient of correlation, mean over images"},
    [COEFFICIENT_OTHER] = {"coefficient_other", NRF_COLUMN_DOUBLE, "",
                           "the same of the state with the momentum of the next image: what chance gives"},
    [AMBIGUOUS]         = {"ambiguous", NRF_COLUMN_INT, "",
                           "images in which the correlation has another peak less than a tenth lower"},
};

static nrf_status append_result(const lag_show *s, int period, int c, double published, nrf_table *table)
{
  nrf_ei_summary summary;
  nrf_interval   ends;
  const double   steps = s->x->info->stride;
  NRF_RETURN_IF_ERROR(nrf_ei_summarise(s->lags, period, c, &summary));
  NRF_RETURN_IF_ERROR(median_interval(s, period, c, &ends));
  const bool     quirk                 = s->context->settings->original_quirks && period == NRF_EI_WHOLE;
  const double   mean                  = quirk ? published : summary.lag.mean;
  const nrf_cell cells[RESULT_COLUMNS] = {
      [CHANNEL]           = {.i = s->x->layer->channel[c]},
      [PERIOD]            = {.s = nrf_ei_period_name(period)},
      [N]                 = {.i = summary.lag.n},
      [MEAN_LAG]          = {.d = mean * steps},
      [STANDARD_ERROR]    = {.d = sqrt(nrf_var1(summary.lag) / (double)summary.lag.n) * steps},
      [MEDIAN_LAG]        = {.d = summary.median * steps},
      [MEDIAN_LAG_MS]     = {.d = ms_of(s, summary.median)},
      [MEDIAN_LOW_MS]     = {.d = ms_of(s, ends.lower)},
      [MEDIAN_HIGH_MS]    = {.d = ms_of(s, ends.upper)},
      [COEFFICIENT]       = {.d = summary.coefficient},
      [COEFFICIENT_OTHER] = {.d = summary.other},
      [AMBIGUOUS]         = {.i = summary.ambiguous},
  };
  return nrf_table_append(table, cells);
}

static nrf_status save_results(const lag_show *s, const double *published, nrf_results *results)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_TRY(nrf_table_create("EI_lag_results",
                           "Lag of the central neurons' state behind their momentum, by channel",
                           NRF_COLUMNS(result_columns), &table));
  for (int period = 0; period < NRF_EI_PERIODS; period++)
    for (int c = 0; c < s->lags->channels && s->lags->lags[period] > 0; c++)
      NRF_TRY(append_result(s, period, c, published[c], table));
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

enum {
  SINGLE_CHANNEL,
  SINGLE_IMAGE,
  SINGLE_PERIOD,
  LAG,
  LAG_MS,
  MARGIN,
  SINGLE_COEFFICIENT,
  SINGLE_OTHER,
  RIVAL_LAG,
  RIVAL_GAP,
  SINGLE_COLUMNS
};

static const nrf_column_spec single_columns[SINGLE_COLUMNS] = {
    [SINGLE_CHANNEL]     = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
    [SINGLE_IMAGE]       = {"batch_idx", NRF_COLUMN_INT, "", "image of the batch"},
    [SINGLE_PERIOD]      = {"period", NRF_COLUMN_TEXT, "",
                            "during the stimulus, before it, or the whole recording"},
    [LAG]                = {"lag", NRF_COLUMN_DOUBLE, "timesteps",
                            "where the correlation is largest; NaN of constant traces and those that are not finite"},
    [LAG_MS]             = {"lag_ms", NRF_COLUMN_DOUBLE, "ms", "the same"},
    [MARGIN]             = {"margin", NRF_COLUMN_DOUBLE, "",
                            "how far the next largest value is below the largest, as a part of it"},
    [SINGLE_COEFFICIENT] = {"coefficient", NRF_COLUMN_DOUBLE, "", "largest coefficient of correlation"},
    [SINGLE_OTHER]       = {"coefficient_other", NRF_COLUMN_DOUBLE, "",
                            "the same of the state with the momentum of the next image"},
    [RIVAL_LAG]          = {"rival_lag", NRF_COLUMN_DOUBLE, "timesteps",
                            "where the next lower peak of the correlation is"},
    [RIVAL_GAP]          = {"rival_gap", NRF_COLUMN_DOUBLE, "",
                            "how much lower that peak is, as a part of the largest value"},
};

static nrf_status append_single(const lag_show *s, int period, const nrf_ei_lag *lag, nrf_table *table)
{
  const double   steps                 = s->x->info->stride;
  const nrf_cell cells[SINGLE_COLUMNS] = {
      [SINGLE_CHANNEL]     = {.i = s->x->layer->channel[lag->channel]},
      [SINGLE_IMAGE]       = {.i = s->x->info->image[lag->image].index},
      [SINGLE_PERIOD]      = {.s = nrf_ei_period_name(period)},
      [LAG]                = {.d = lag->lag * steps},
      [LAG_MS]             = {.d = ms_of(s, lag->lag)},
      [MARGIN]             = {.d = lag->margin},
      [SINGLE_COEFFICIENT] = {.d = lag->coefficient},
      [SINGLE_OTHER]       = {.d = lag->other},
      [RIVAL_LAG]          = {.d = lag->rival_lag * steps},
      [RIVAL_GAP]          = {.d = lag->rival_gap},
  };
  return nrf_table_append(table, cells);
}

static nrf_status save_singles(const lag_show *s, nrf_results *results)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_TRY(nrf_table_create("EI_lags",
                           "Lag of the central neuron's state behind its momentum, by channel and image",
                           NRF_COLUMNS(single_columns), &table));
  for (int period = 0; period < NRF_EI_PERIODS; period++)
    for (int c = 0; c < s->lags->channels && s->lags->lags[period] > 0; c++)
      for (int i = 0; i < s->lags->images; i++)
        NRF_TRY(append_single(s, period, &nrf_ei_lags_of(s->lags, period, c)[i], table));
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

/* ---- figures ----------------------------------------------------------------------------------------------- */

static nrf_status plot_histogram(const lag_show *s, const struct compared *which, nrf_panel *panel)
{
  double         count[NRF_EI_LAGS] = {0.0}, at[NRF_EI_LAGS];
  nrf_ei_summary summary;
  const int      first = s->lags->first[which->period], n = s->lags->lags[which->period];
  nrf_panel_title(panel, "%s", which->title);
  nrf_panel_x(panel, &(nrf_axis){.label = "Lag of the state behind the momentum [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "Channels and images", .from_zero = true});
  if (n == 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_ei_summarise(s->lags, which->period, NRF_EI_ALL_CHANNELS, &summary));
  for (int c = 0; c < s->lags->channels; c++)
    for (int i = 0; i < s->lags->images; i++) {
      const double lag = nrf_ei_lags_of(s->lags, which->period, c)[i].lag;
      if (isfinite(lag)) count[(int)lag - first] += 1.0;
    }
  for (int k = 0; k < n; k++) at[k] = ms_of(s, first + k);
  nrf_plot_bars(panel, n, at, count, s->x->ms_per_row, &(nrf_plot_style){.colour = which->colour});
  nrf_plot_vertical(panel, 0.0, &(nrf_plot_style){.colour = NRF_BLACK, .dash = NRF_DOTTED, .width = 1.0});
  nrf_plot_vertical(panel, ms_of(s, summary.median), NULL);
  nrf_panel_corner(panel, "median %.3g ms, n = %lld", ms_of(s, summary.median), (long long)summary.lag.n);
  return NRF_OK;
}

static nrf_status show_histograms(const lag_show *s, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  const nrf_figure_spec spec   = {
        .name = "EI_lag_histogram",
        .caption =
            "Lag at which the correlation of the central neuron's state with its momentum is largest, one for "
              "each channel and image. Dashed: the median. A positive lag means that the state is late. "
              "Further peaks are lags that are off by whole periods of an oscillation; where state and momentum "
              "have "
              "nothing to do with each other, lags are spread evenly. The momentum is that before the inverse "
              "mass "
              "matrix, its sign as it is.",
        .width   = 7.5,
        .height  = 6,
        .rows    = COMPARED,
        .share_x = true};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int k = 0; k < COMPARED; k++) NRF_TRY(plot_histogram(s, &compared[k], nrf_figure_panel(figure, k, 0)));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* value: [4][channels] places on the axis, medians, ends. `range` is widened to what is plotted. */
static nrf_status plot_medians(const lag_show *s, const struct compared *which, double shift, double *value,
                               nrf_interval *range, nrf_panel *panel)
{
  const int n  = s->lags->channels;
  double   *at = value, *median = at + n, *low = median + n, *high = low + n;
  for (int c = 0; c < n; c++) {
    nrf_ei_summary summary;
    nrf_interval   ends;
    NRF_RETURN_IF_ERROR(nrf_ei_summarise(s->lags, which->period, c, &summary));
    NRF_RETURN_IF_ERROR(median_interval(s, which->period, c, &ends));
    at[c]     = s->x->layer->channel[c] + shift;
    median[c] = ms_of(s, summary.median);
    low[c]    = isfinite(ends.lower) ? ms_of(s, ends.lower) : median[c];
    high[c]   = isfinite(ends.upper) ? ms_of(s, ends.upper) : median[c];

    range->lower = fmin(range->lower, low[c]); /* fmin and fmax leave NaN out */
    range->upper = fmax(range->upper, high[c]);
  }
  nrf_plot_error_bars(panel, n, at, median, low, high,
                      &(nrf_plot_style){.label = which->title, .colour = which->colour});
  return NRF_OK;
}

static nrf_status show_medians(const lag_show *s, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  void                 *memory = NULL;
  nrf_interval          range  = {0.0, 0.0};
  char                  caption[2 * TEXT_BYTES];
  const nrf_figure_spec spec = {.name = "EI_lag_by_channel", .caption = caption, .width = 7.5, .height = 4};
  (void)snprintf(
      caption, sizeof caption,
      "Lag of the state behind the momentum: median over images of each channel's central neuron, with "
      "95 %% intervals from resampled images (n = %d).",
      s->lags->images);
  NRF_TRY(nrf_alloc((size_t)s->lags->channels * 4 * sizeof(double), "medians", &memory));
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_panel *panel = nrf_figure_panel(figure, 0, 0);
  nrf_panel_x(panel, &(nrf_axis){.label = "Channel"});
  nrf_plot_horizontal(panel, 0.0, &(nrf_plot_style){.colour = NRF_BLACK, .dash = NRF_DOTTED, .width = 1.0});
  for (int k = 0; k < COMPARED; k++)
    if (s->lags->lags[compared[k].period] > 0)
      NRF_TRY(plot_medians(s, &compared[k], 0.2 * k - 0.1, memory, &range, panel));
  const double tenth = 0.1 * (range.upper - range.lower); /* the legend needs room above what is plotted */
  nrf_panel_y(panel, &(nrf_axis){.label = "Median lag [ms]",
                                 .low   = range.lower - 0.5 * tenth,
                                 .high  = range.upper + 2.5 * tenth});
  nrf_panel_legend(panel, NRF_TOP_RIGHT);
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(memory);
  return st;
}

static void plot_means(const lag_show *s, const struct compared *which, double *image, nrf_panel *panel)
{
  const int channels = s->lags->channels, n = s->lags->lags[which->period],
            first = s->lags->first[which->period];
  nrf_panel_title(panel, "%s", which->title);
  if (n > 0) {
    for (int c = 0; c < channels; c++)
      memcpy(image + (int64_t)c * n, nrf_ei_mean_of(s->lags, which->period, c), (size_t)n * sizeof *image);
    nrf_plot_image(
        panel, channels, n, image,
        (nrf_extent){ms_of(s, first - 0.5), ms_of(s, first + n - 0.5), -0.5, channels - 0.5},
        &(nrf_colour_scale){.map = NRF_DIVERGING, .symmetric = true, .label = "Coefficient of correlation"});
    nrf_plot_vertical(panel, 0.0, &(nrf_plot_style){.colour = NRF_BLACK, .dash = NRF_DASHED, .width = 1.0});
  }
  nrf_panel_x(panel, &(nrf_axis){.label = "Lag of the state [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "Channel, in the order recorded", .tight = true, .reversed = true});
}

static nrf_status show_means(const lag_show *s, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  void                 *memory = NULL;
  char                  caption[2 * TEXT_BYTES];
  const nrf_figure_spec spec = {.name          = "mean_state_momentum_correlations",
                                .caption       = caption,
                                .width         = 9,
                                .height        = 4.6,
                                .columns       = COMPARED,
                                .share_y       = true,
                                .share_colours = true};
  (void)snprintf(
      caption, sizeof caption,
      "Correlation of the central neuron's state with its momentum, coefficients averaged over %d images. "
      "At positive lags the state is late. What is not in step over images averages out.",
      s->lags->images);
  NRF_TRY(nrf_alloc((size_t)s->lags->channels * NRF_EI_LAGS * sizeof(double), "means", &memory));
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int k = 0; k < COMPARED; k++) plot_means(s, &compared[k], memory, nrf_figure_panel(figure, 0, k));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(memory);
  return st;
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

static nrf_status show_median(const lag_show *s, int period, const nrf_ei_summary *summary,
                              nrf_results *results)
{
  char           name[TEXT_BYTES];
  nrf_interval   ends;
  nrf_key_number number = {.name  = name,
                           .value = ms_of(s, summary->median),
                           .unit  = "ms",
                           .n     = summary->lag.n,
                           .note  = "n: channels and images; interval: images resampled"};
  NRF_RETURN_IF_ERROR(median_interval(s, period, NRF_EI_ALL_CHANNELS, &ends));
  (void)snprintf(name, sizeof name, "Lag of the state behind the momentum, median, %s", period_texts[period]);
  if (ends.lower < ends.upper) {
    number.low        = ms_of(s, ends.lower);
    number.high       = ms_of(s, ends.upper);
    number.confidence = NRF_SHOWN_CONFIDENCE;
  } else if (isfinite(ends.lower)) {
    number.note =
        "n: channels and images; 95 % interval, images resampled: narrower than a row of the recording";
  }
  nrf_results_number(results, &number);
  return NRF_OK;
}

static void show_mean(const lag_show *s, int period, nrf_results *results)
{
  char              name[TEXT_BYTES];
  const nrf_moments rows = nrf_ei_image_means(s->lags, period);
  nrf_moments       ms   = {rows.n, ms_of(s, rows.mean), rows.squares * s->x->ms_per_row * s->x->ms_per_row,
                            ms_of(s, rows.minimum), ms_of(s, rows.maximum)};
  (void)snprintf(name, sizeof name, "Lag of the state behind the momentum, mean, %s", period_texts[period]);
  nrf_show_mean(results, name, "ms", ms,
                "biased by lags that are off by whole periods; n and interval: over images");
}

static nrf_status show_period(const lag_show *s, int period, nrf_results *results)
{
  nrf_ei_summary summary;
  if (s->lags->lags[period] == 0) {
    nrf_results_note(results, "nothing was recorded %s", period_texts[period]);
    return NRF_OK;
  }
  NRF_RETURN_IF_ERROR(nrf_ei_summarise(s->lags, period, NRF_EI_ALL_CHANNELS, &summary));
  const int64_t all = (int64_t)s->lags->channels * s->lags->images;
  if (summary.lag.n < all)
    nrf_results_note(results, "%s: %lld of %lld traces are constant or not finite and have no lag",
                     period_texts[period], (long long)(all - summary.lag.n), (long long)all);
  if (summary.lag.n == 0) return NRF_OK;
  if (period != NRF_EI_WHOLE) {
    NRF_RETURN_IF_ERROR(show_median(s, period, &summary, results));
    show_mean(s, period, results);
  }
  nrf_results_note(
      results,
      "%s: the largest coefficient of correlation is %.3f in the mean, and %.3f with the momentum of "
      "another image; in %lld of %lld cases another peak is less than a tenth lower",
      period_texts[period], summary.coefficient, summary.other, (long long)summary.ambiguous,
      (long long)summary.lag.n);
  return NRF_OK;
}

static void show_published(const lag_show *s, double final, nrf_results *results)
{
  if (!s->context->settings->original_quirks) return;
  nrf_results_number(results,
                     &(nrf_key_number){.name  = "EI mean lag",
                                       .value = final * s->x->info->stride,
                                       .unit  = "timesteps",
                                       .n     = (int64_t)s->lags->channels * s->lags->images,
                                       .note  = "as published: a mean of running means over channels"});
}

/* The published program has the number in the name of a text file. */
static nrf_status write_text(const lag_show *s, double final, nrf_results *results)
{
  nrf_ei_summary during;
  char           path[PATH_BYTES], text[2 * TEXT_BYTES];
  NRF_RETURN_IF_ERROR(nrf_results_file(results, "EI_mean_lag.txt", "The lag in words.", path, sizeof path));
  NRF_RETURN_IF_ERROR(nrf_ei_summarise(s->lags, NRF_EI_DURING, NRF_EI_ALL_CHANNELS, &during));
  const double steps = s->x->info->stride;
  int          used  = snprintf(
                text, sizeof text,
                "EI lag during the stimulus: median %.6g timesteps (%.6g ms), mean %.6g timesteps (%.6g ms)\n",
                during.median * steps, ms_of(s, during.median), during.lag.mean * steps, ms_of(s, during.lag.mean));
  if (s->context->settings->original_quirks)
    used += snprintf(text + used, sizeof text - (size_t)used,
                     "EI mean lag is %.17g timesteps, as published\n", final * steps);
  return nrf_atomic_write(path, text, (size_t)used);
}

/* ---- the analysis ------------------------------------------------------------------------------------------ */

static nrf_status show_all(const lag_show *s, nrf_results *results)
{
  nrf_status st        = NRF_OK;
  double    *published = NULL;
  NRF_TRY(nrf_alloc((size_t)s->lags->channels * sizeof *published, "means", (void **)&published));
  const double final = nrf_ei_published_means(s->lags, published);
  for (int period = 0; period < NRF_EI_PERIODS; period++) NRF_TRY(show_period(s, period, results));
  show_published(s, final, results);
  NRF_TRY(save_results(s, published, results));
  NRF_TRY(save_singles(s, results));
  NRF_TRY(write_text(s, final, results));
  NRF_TRY(show_histograms(s, results));
  NRF_TRY(show_medians(s, results));
  NRF_TRY(show_means(s, results));
done:
  nrf_free(published);
  return st;
}

nrf_status nrf_step_ei_lag(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status         st   = NRF_OK;
  const nrf_extract *x    = context->extract[NRF_KIND_LONG];
  nrf_ei_lags        lags = {0};
  if (!x->has_momentum) return nrf_results_skip(results, "the momentum was not recorded");
  if (x->centre.h < 0) return nrf_results_skip(results, "the centre was not recorded");
  NRF_TRY(nrf_ei_lags_find(x, context->threads, context->progress, &lags));
  const lag_show show = {context, x, &lags};
  st                  = lags.images == 0 ? nrf_results_skip(results, "the central neurons were not recorded")
                                         : show_all(&show, results);
done:
  nrf_ei_lags_free(&lags);
  return st;
}
