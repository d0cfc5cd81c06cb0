/* summed_traces_steps.c - summed traces of responding neurons, with spectrogram and autocorrelation (analysis.md 3.8). */
#include "contrast_show.h"
#include "contrast_spectrograms.h"
#include "preferences_table.h"
#include "show.h"
#include "spectra_steps.h"
#include "summed_traces.h"

#include "nrflv/analysis/spectrum.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

enum { SECTION = 308, SHEET_COLUMNS = 4, SHEET_SEGMENTS = 240, CAPTION_BYTES = 900, NAME_BYTES = 32 };

static const char *const period_text[NRF_SUMMED_PERIODS] = {
    [NRF_SUMMED_DURING] = "during the stimulus", [NRF_SUMMED_BEFORE] = "before the stimulus"};
static const char *const period_colour[NRF_SUMMED_PERIODS] = {
    [NRF_SUMMED_DURING] = NRF_RED, [NRF_SUMMED_BEFORE] = NRF_GREY};

typedef struct summed_show {
  const nrf_analysis_context *context;
  const nrf_extract          *x;
  nrf_central                 central;
  const nrf_summed_traces    *traces;
  const nrf_spectrogram      *spectrogram;
  double                     *time; /* [rows] s after the stimulus' onset */
} summed_show;

static bool has_traces(const summed_show *s, int c)
{
  return s->traces->channel[c].sum.traces > 0;
}

static int count_channels(const summed_show *s)
{
  int n = 0;
  for (int c = 0; c < s->traces->channels; c++) n += has_traces(s, c);
  return n;
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static nrf_status hand_over(nrf_status st, nrf_table *table, nrf_results *results)
{
  if (st == NRF_OK) st = nrf_results_table(results, table);
  nrf_table_free(table);
  return st;
}

typedef struct channel_row {
  int     channel, images, without_stimulus;
  int64_t traces;
  double  frequency, lag[NRF_SUMMED_PERIODS], height[NRF_SUMMED_PERIODS];
} channel_row;

#define OF_LAG(period)    (offsetof(channel_row, lag) + (period) * sizeof(double))
#define OF_HEIGHT(period) (offsetof(channel_row, height) + (period) * sizeof(double))

static nrf_status show_channel_table(const summed_show *s, nrf_results *results)
{
  static const nrf_record_column columns[] = {
      {"channel", NRF_MEMBER_INT, offsetof(channel_row, channel), "", "channel of the layer"},
      {"n_images", NRF_MEMBER_INT, offsetof(channel_row, images), "",
       "images with a matching stimulus and active neurons"},
      {"n_images_without_stimulus", NRF_MEMBER_INT, offsetof(channel_row, without_stimulus), "",
       "of these, how many have contrast 0"},
      {"n_traces", NRF_MEMBER_INT64, offsetof(channel_row, traces), "", "traces that were added up"},
      {"peak_frequency", NRF_MEMBER_DOUBLE, offsetof(channel_row, frequency), "Hz",
       "where power times frequency during the stimulus is largest; NaN if that is at an end of the "
       "spectrum"},
      {"side_peak_lag_during", NRF_MEMBER_DOUBLE, OF_LAG(NRF_SUMMED_DURING), "ms",
       "lag of the highest side peak of the autocorrelation during the stimulus; NaN if there is none"},
      {"side_peak_during", NRF_MEMBER_DOUBLE, OF_HEIGHT(NRF_SUMMED_DURING), "", "its height"},
      {"side_peak_lag_before", NRF_MEMBER_DOUBLE, OF_LAG(NRF_SUMMED_BEFORE), "ms",
       "the same, before the stimulus"},
      {"side_peak_before", NRF_MEMBER_DOUBLE, OF_HEIGHT(NRF_SUMMED_BEFORE), "", "its height"},
  };
  void *rows = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)s->traces->channels * sizeof(channel_row), "channels", &rows));
  channel_row *row = rows;
  for (int c = 0; c < s->traces->channels; c++) {
    const nrf_summed_trace *t = &s->traces->channel[c];
    row[c]                    = (channel_row){.channel          = s->x->layer->channel[c],
                                              .images           = t->images,
                                              .without_stimulus = t->without_stimulus,
                                              .traces           = t->sum.traces,
                                              .frequency        = t->peak_frequency};
    for (int p = 0; p < NRF_SUMMED_PERIODS; p++) {
      row[c].lag[p]    = t->side[p].lag > 0 ? (double)t->side[p].lag * s->x->ms_per_row : NAN;
      row[c].height[p] = t->side[p].height;
    }
  }
  const nrf_status st =
      nrf_show_records("channels", "Sums of the traces of responding neurons, and how rhythmic they are",
                       (int)(sizeof columns / sizeof *columns), columns,
                       (nrf_records){s->traces->channels, sizeof *row, rows}, results);
  nrf_free(rows);
  return st;
}

static nrf_status show_trace_table(const summed_show *s, nrf_results *results)
{
  enum { CHANNEL, TIME, SUM };
  static const nrf_column_spec columns[] = {
      [CHANNEL] = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
      [TIME]    = {"time", NRF_COLUMN_DOUBLE, "s", "after the stimulus' onset"},
      [SUM]     = {"state", NRF_COLUMN_DOUBLE, "", "sum of the states of the neurons that respond"},
  };
  nrf_status    st    = NRF_OK;
  nrf_table    *table = NULL;
  const int64_t rows  = s->traces->rows;
  int64_t       at    = 0;
  NRF_TRY(nrf_table_create("summed_traces", "Sums of the traces of responding neurons, for channels with any",
                           NRF_COLUMNS(columns), &table));
  NRF_TRY(nrf_table_resize(table, count_channels(s) * rows));
  for (int c = 0; c < s->traces->channels; c++) {
    if (!has_traces(s, c)) continue;
    for (int64_t t = 0; t < rows; t++, at++) {
      nrf_table_ints(table, CHANNEL)[at] = s->x->layer->channel[c];
      nrf_table_doubles(table, TIME)[at] = s->time[t];
      nrf_table_doubles(table, SUM)[at]  = s->traces->channel[c].sum.sum[t];
    }
  }
done:
  return hand_over(st, table, results);
}

static int64_t longest_lag(const summed_show *s)
{
  const int64_t *lag = s->traces->max_lag;
  return lag[0] > lag[1] ? lag[0] : lag[1];
}

/* Of a channel, NaN beyond the lags that there are. */
static double autocorrelation_at(const summed_show *s, int c, int period, int64_t lag)
{
  const int64_t longest = s->traces->max_lag[period];
  return lag <= longest ? s->traces->channel[c].autocorrelation[period][longest + lag] : NAN;
}

/* Positive lags: an autocorrelation is symmetric. */
static nrf_status show_autocorrelation_table(const summed_show *s, nrf_results *results)
{
  enum { CHANNEL, LAG, DURING, BEFORE };
  static const nrf_column_spec columns[] = {
      [CHANNEL] = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
      [LAG]     = {"lag", NRF_COLUMN_DOUBLE, "ms", "lag; autocorrelations are symmetric"},
      [DURING]  = {"during", NRF_COLUMN_DOUBLE, "", "autocorrelation during the stimulus, 1 at lag 0"},
      [BEFORE]  = {"before", NRF_COLUMN_DOUBLE, "", "autocorrelation before the stimulus"},
  };
  nrf_status    st    = NRF_OK;
  nrf_table    *table = NULL;
  const int64_t lags  = longest_lag(s) + 1;
  int64_t       at    = 0;
  NRF_TRY(nrf_table_create("autocorrelations",
                           "Normalised autocorrelations of the summed traces, less their linear trend",
                           NRF_COLUMNS(columns), &table));
  NRF_TRY(nrf_table_resize(table, count_channels(s) * lags));
  for (int c = 0; c < s->traces->channels; c++) {
    if (!has_traces(s, c)) continue;
    for (int64_t k = 0; k < lags; k++, at++) {
      nrf_table_ints(table, CHANNEL)[at]   = s->x->layer->channel[c];
      nrf_table_doubles(table, LAG)[at]    = (double)k * s->x->ms_per_row;
      nrf_table_doubles(table, DURING)[at] = autocorrelation_at(s, c, NRF_SUMMED_DURING, k);
      nrf_table_doubles(table, BEFORE)[at] = autocorrelation_at(s, c, NRF_SUMMED_BEFORE, k);
    }
  }
done:
  return hand_over(st, table, results);
}

/* ---- panels ---------------------------------------------------------------------------------------------- */

static void plot_stimulus(const summed_show *s, const nrf_plot_style *style, nrf_panel *panel)
{
  nrf_plot_vertical(panel, 0.0, style);
  nrf_plot_vertical(panel, (double)s->x->window[NRF_WINDOW_DUR].count * s->x->ms_per_row / 1000.0, style);
}

static void plot_trace(const summed_show *s, int c, nrf_panel *panel)
{
  nrf_plot_line(panel, s->traces->rows, s->time, s->traces->channel[c].sum.sum,
                &(nrf_plot_style){.colour = NRF_BLUE, .width = 0.7});
  plot_stimulus(s, NULL, panel);
  nrf_panel_x(panel, &(nrf_axis){.label = "Time after stimulus onset [s]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "State [a.u.]"});
}

/* Means of at most `most` columns of power [bins, segments]; returns how many there are. */
static int64_t fewer_columns(int64_t bins, int64_t segments, int64_t most, double *power)
{
  const int64_t each = (segments + most - 1) / most, columns = (segments + each - 1) / each;
  for (int64_t f = 0; f < bins; f++)
    for (int64_t k = 0; k < columns; k++) {
      const int64_t end = (k + 1) * each < segments ? (k + 1) * each : segments;
      double        sum = 0.0;
      for (int64_t i = k * each; i < end; i++) sum += power[f * segments + i];
      power[f * columns + k] = sum / (double)(end - k * each); /* not behind what is still to be read */
    }
  return columns;
}

static nrf_status plot_spectrogram(const summed_show *s, int c, int64_t most, nrf_colour_scale scale,
                                   nrf_panel *panel)
{
  nrf_status    st     = NRF_OK;
  void         *memory = NULL;
  double       *work = NULL, *power = NULL;
  const bool    quirks = s->context->settings->original_quirks; /* D45: the rate is taken for 100 */
  const int64_t bins   = nrf_spectrogram_bins(s->spectrogram),
                all    = nrf_spectrogram_segments(s->spectrogram, s->traces->rows);
  NRF_TRY(nrf_alloc((size_t)nrf_spectrogram_work(s->spectrogram) * sizeof *work, "spectrogram", &memory));
  work = memory;
  NRF_TRY(nrf_alloc((size_t)(2 * bins * all) * sizeof *power, "spectrogram", &memory));
  power           = memory;
  double *decibel = power + bins * all;
  nrf_spectrogram_power(s->spectrogram, s->traces->rows, s->traces->channel[c].sum.sum, work, power);
  const int64_t segments = fewer_columns(bins, all, most, power);
  NRF_TRY(nrf_to_decibels(1, bins, segments, power, decibel, &scale));
  const double     onset = quirks ? 0.0 : -s->time[0], half = 0.5 * (nrf_spectrogram_time(s->spectrogram, 1) -
                                                                 nrf_spectrogram_time(s->spectrogram, 0));
  const nrf_extent extent = {nrf_spectrogram_time(s->spectrogram, 0) - half - onset,
                             nrf_spectrogram_time(s->spectrogram, all - 1) + half - onset, 0.0,
                             nrf_spectrogram_frequency(s->spectrogram, bins - 1)};
  nrf_plot_image(panel, (int)bins, (int)segments, decibel, extent, &scale);
  if (!quirks)
    plot_stimulus(s, &(nrf_plot_style){.colour = "#ffffff", .width = 1.0, .dash = NRF_DASHED}, panel);
  nrf_panel_x(panel, &(nrf_axis){.label = quirks ? "Time [a.u.]" : "Time after stimulus onset [s]",
                                 .tight = true,
                                 .low   = quirks ? 0.0 : s->time[0],
                                 .high  = quirks ? 0.0 : s->time[s->traces->rows - 1]}); /* as the trace's */
  nrf_panel_y(panel, &(nrf_axis){.label = quirks ? "Frequency [a.u.]" : "Frequency [Hz]", .tight = true});
done:
  nrf_free(work);
  nrf_free(power);
  return st;
}

/* Both sides, as published. */
static nrf_status plot_autocorrelation(const summed_show *s, int c, int period, nrf_panel *panel)
{
  const int64_t longest = s->traces->max_lag[period];
  void         *memory  = NULL;
  nrf_panel_title(panel, "%s", period_text[period]);
  nrf_panel_x(panel, &(nrf_axis){.label = "Lag [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "Autocorrelation"});
  if (longest < 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(2 * longest + 1) * sizeof(double), "lags", &memory));
  double *lag = memory;
  for (int64_t k = -longest; k <= longest; k++) lag[longest + k] = (double)k * s->x->ms_per_row;
  nrf_plot_impulses(panel, 2 * longest + 1, lag, s->traces->channel[c].autocorrelation[period],
                    &(nrf_plot_style){.colour = period_colour[period], .width = 0.7});
  nrf_plot_horizontal(panel, 0.0, NULL);
  nrf_free(lag);
  return NRF_OK;
}

/* ---- one channel ----------------------------------------------------------------------------------------- */

static nrf_status show_channel(const summed_show *s, int c, nrf_results *results)
{
  nrf_status              st     = NRF_OK;
  nrf_figure             *figure = NULL;
  const nrf_summed_trace *trace  = &s->traces->channel[c];
  char                    name[NAME_BYTES], caption[CAPTION_BYTES];
  (void)snprintf(name, sizeof name, "channel_%03d", s->x->layer->channel[c]);
  (void)snprintf(
      caption, sizeof caption,
      "Channel %d, %s: sum of the traces of the active neurons over all images whose stimulus matches (n = "
      "%lld traces of %d images, %d of them without a stimulus), its spectrogram, and its "
      "autocorrelation.",
      s->x->layer->channel[c], nrf_central_text(s->central), (long long)trace->sum.traces, trace->images,
      trace->without_stimulus);
  const nrf_figure_spec spec = {.name = name, .caption = caption, .width = 14.5, .height = 11.0, .rows = 4};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  plot_trace(s, c, nrf_figure_panel(figure, 0, 0));
  const nrf_colour_scale scale = {.map   = s->context->settings->original_quirks ? NRF_HSV : NRF_VIRIDIS,
                                  .label = "Power [dB]"};
  NRF_TRY(plot_spectrogram(s, c, s->traces->rows, scale, nrf_figure_panel(figure, 1, 0)));
  for (int p = 0; p < NRF_SUMMED_PERIODS; p++)
    NRF_TRY(plot_autocorrelation(s, c, p, nrf_figure_panel(figure, 2 + p, 0)));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static int most_traces(const summed_show *s)
{
  int best = 0;
  for (int c = 1; c < s->traces->channels; c++)
    if (s->traces->channel[c].sum.traces > s->traces->channel[best].sum.traces) best = c;
  return best;
}

static nrf_status show_channels(const summed_show *s, nrf_results *results)
{
  if (!s->context->settings->single_maps) return show_channel(s, most_traces(s), results);
  for (int c = 0; c < s->traces->channels; c++) {
    if (nrf_progress_stop_requested(s->context->progress)) return nrf_error(NRF_EINTERRUPTED, "interrupted");
    if (has_traces(s, c)) NRF_RETURN_IF_ERROR(show_channel(s, c, results));
  }
  return NRF_OK;
}

/* ---- all channels ---------------------------------------------------------------------------------------- */

typedef nrf_status plot_fn(const summed_show *s, int c, nrf_panel *panel);

static nrf_status sheet_trace(const summed_show *s, int c, nrf_panel *panel)
{
  plot_trace(s, c, panel);
  return NRF_OK;
}

static nrf_status sheet_spectrogram(const summed_show *s, int c, nrf_panel *panel)
{
  const nrf_colour_scale scale = {.map    = s->context->settings->original_quirks ? NRF_HSV : NRF_VIRIDIS,
                                  .no_bar = true};
  return plot_spectrogram(s, c, SHEET_SEGMENTS, scale, panel);
}

/* Lags up to this are shown: two dozen cycles of an oscillation of 50 Hz. */
#define SHEET_LAG_MS 500.0

static nrf_status sheet_autocorrelation(const summed_show *s, int c, nrf_panel *panel)
{
  const int64_t wanted = (int64_t)(SHEET_LAG_MS / s->x->ms_per_row);
  void         *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(wanted + 1) * sizeof(double), "lags", &memory));
  double *lag = memory;
  for (int64_t k = 0; k <= wanted; k++) lag[k] = (double)k * s->x->ms_per_row;
  for (int p = NRF_SUMMED_PERIODS - 1; p >= 0; p--) {
    const int64_t longest = s->traces->max_lag[p], n = longest < wanted ? longest + 1 : wanted + 1;
    if (n > 0)
      nrf_plot_line(panel, n, lag, s->traces->channel[c].autocorrelation[p] + longest,
                    &(nrf_plot_style){.colour = period_colour[p], .width = 1.0});
  }
  nrf_plot_horizontal(panel, 0.0, NULL);
  nrf_panel_x(panel, &(nrf_axis){.label = "Lag [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "Autocorrelation", .low = -1.0, .high = 1.05});
  nrf_free(lag);
  return NRF_OK;
}

static nrf_status show_sheet(const summed_show *s, const char *name, const char *what, bool share_y,
                             plot_fn *plot, nrf_results *results)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  const int   n = count_channels(s), shown = n < NRF_FIGURE_MAX_PANELS ? n : NRF_FIGURE_MAX_PANELS,
            columns = shown < SHEET_COLUMNS ? shown : SHEET_COLUMNS, rows = (shown + columns - 1) / columns;
  char caption[CAPTION_BYTES];
  int  at = 0;
  (void)snprintf(
      caption, sizeof caption,
      "%s, for each channel: the sum over %s, in all images whose stimulus matches the channel's "
      "preference, of the neurons that the test takes for active (n traces). That test does not allow for "
      "correlations in time, and at contrast 0 there is no stimulus: neurons can be among them by chance.",
      what, nrf_central_text(s->central));
  const nrf_figure_spec spec = {.name    = name,
                                .caption = caption,
                                .width   = 3.6 * columns + 0.6,
                                .height  = 1.9 * rows + 0.7,
                                .rows    = rows,
                                .columns = columns,
                                .share_x = true,
                                .share_y = share_y};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int c = 0; c < s->traces->channels && at < shown; c++) {
    if (!has_traces(s, c)) continue;
    nrf_panel *panel = nrf_figure_panel(figure, at / columns, at % columns);
    NRF_TRY(plot(s, c, panel));
    nrf_panel_title(panel, "Channel %d, n = %lld", s->x->layer->channel[c],
                    (long long)s->traces->channel[c].sum.traces);
    at++;
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static nrf_status show_sheets(const summed_show *s, nrf_results *results)
{
  NRF_RETURN_IF_ERROR(show_sheet(s, "traces", "Summed traces; dashed: the stimulus comes and goes", false,
                                 sheet_trace, results));
  NRF_RETURN_IF_ERROR(show_sheet(s, "spectrograms",
                                 "Spectrograms of summed traces, in decibels; colours from dark (weak) to "
                                 "bright, each panel with a range of "
                                 "its own, off which the mean may be",
                                 true, sheet_spectrogram, results));
  return show_sheet(s, "autocorrelations",
                    "Autocorrelations of summed traces during the stimulus (red) and before it (grey)", true,
                    sheet_autocorrelation, results);
}

/* ---- numbers --------------------------------------------------------------------------------------------- */

static double frequency_of(const nrf_summed_trace *t)
{
  return t->peak_frequency;
}

/* Without a peak there is no rhythm. */
static double rhythm_of(const nrf_summed_trace *t, int period)
{
  return t->side[period].lag > 0 ? t->side[period].height : 0.0;
}

static double rhythm_during_of(const nrf_summed_trace *t)
{
  return rhythm_of(t, NRF_SUMMED_DURING);
}

static double rhythm_gain_of(const nrf_summed_trace *t)
{
  return rhythm_of(t, NRF_SUMMED_DURING) - rhythm_of(t, NRF_SUMMED_BEFORE);
}

static nrf_status show_mean_of(const summed_show *s, const char *name, const char *unit, uint64_t group,
                               double (*of)(const nrf_summed_trace *t), const char *note,
                               nrf_results *results)
{
  const nrf_rng stream =
      nrf_rng_at(s->context->settings->seed, NRF_RNG_BOOTSTRAP, group, SECTION + 1000 * (uint32_t)s->central);
  void   *memory = NULL;
  int64_t n      = 0;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)s->traces->channels * sizeof(double), "means", &memory));
  double *value = memory;
  for (int c = 0; c < s->traces->channels; c++) {
    const double v = has_traces(s, c) ? of(&s->traces->channel[c]) : NAN;
    if (isfinite(v)) value[n++] = v;
  }
  const nrf_status st = nrf_show_resampled_mean(results, name, unit, n, value, stream, note);
  nrf_free(value);
  return st;
}

static nrf_status show_numbers(const summed_show *s, nrf_results *results)
{
  static const char resampled[] = "mean over channels, which are resampled";
  int               images = 0, without = 0;
  for (int c = 0; c < s->traces->channels; c++) {
    images += s->traces->channel[c].images;
    without += s->traces->channel[c].without_stimulus;
  }
  nrf_show_share(results, "Channels with neurons that respond to a matching stimulus", count_channels(s),
                 s->traces->channels, NULL);
  NRF_RETURN_IF_ERROR(show_mean_of(s, "Peak frequency of summed traces during the stimulus", "Hz", 0,
                                   frequency_of, resampled, results));
  NRF_RETURN_IF_ERROR(show_mean_of(s, "Side peak of the autocorrelation during the stimulus", "", 1,
                                   rhythm_during_of, resampled, results));
  if (s->traces->max_lag[NRF_SUMMED_BEFORE] > 0)
    NRF_RETURN_IF_ERROR(show_mean_of(s, "Side peak of the autocorrelation, during less before the stimulus",
                                     "", 2, rhythm_gain_of, resampled, results));
  else
    nrf_results_note(results, "nothing was recorded before the stimulus: there is nothing to compare with");
  nrf_results_note(results,
                   "of the pairs of channel and image, %d contribute, all contrasts together; of these, %d "
                   "without a stimulus "
                   "(contrast 0), active by chance or drift",
                   images, without);
  return NRF_OK;
}

/* ---- the analysis ---------------------------------------------------------------------------------------- */

static nrf_status show_all(const summed_show *s, nrf_results *results)
{
  int64_t not_finite = 0;
  for (int c = 0; c < s->traces->channels; c++) not_finite += s->traces->channel[c].sum.not_finite;
  NRF_RETURN_IF_ERROR(show_channel_table(s, results));
  if (not_finite > 0)
    nrf_results_note(results, "%lld traces are left out: they hold values that are not finite",
                     (long long)not_finite);
  if (count_channels(s) == 0)
    return nrf_results_skip(results,
                            "no neuron at the centre is active while the stimulus matches its channel");
  NRF_RETURN_IF_ERROR(show_trace_table(s, results));
  NRF_RETURN_IF_ERROR(show_autocorrelation_table(s, results));
  NRF_RETURN_IF_ERROR(show_numbers(s, results));
  NRF_RETURN_IF_ERROR(show_channels(s, results));
  return show_sheets(s, results);
}

static nrf_status analyse(const nrf_analysis_context *context, nrf_central central,
                          const nrf_preferences *preferences, nrf_results *results)
{
  static const double PUBLISHED_RATE = 100.0; /* D45 */
  nrf_status          st             = NRF_OK;
  const nrf_extract  *x              = context->extract[NRF_KIND_PRIM];
  const double        rate    = context->settings->original_quirks ? PUBLISHED_RATE : 1000.0 / x->ms_per_row;
  const int           segment = nrf_shown_segment(context, x);
  nrf_summed_traces   traces  = {0};
  nrf_spectrogram    *spectrogram = NULL;
  void               *memory      = NULL;
  double             *time        = NULL;
  NRF_TRY(nrf_summed_traces_of(x, preferences, central, &traces));
  NRF_TRY(nrf_spectrogram_create(segment, segment - 1, rate, &spectrogram));
  NRF_TRY(nrf_alloc((size_t)x->rows * sizeof *time, "time", &memory));
  time = memory;
  for (int64_t t = 0; t < x->rows; t++)
    time[t] = (double)(t - x->window[NRF_WINDOW_DUR].first) * x->ms_per_row / 1000.0;
  nrf_note_segment(x, segment, results);
  NRF_TRY(show_all(&(summed_show){context, x, central, &traces, spectrogram, time}, results));
done:
  nrf_summed_traces_free(&traces);
  nrf_spectrogram_free(spectrogram);
  nrf_free(time);
  return st;
}

nrf_status nrf_step_summed_traces(const nrf_analysis_context *context, nrf_results *results)
{
  const nrf_central central     = nrf_central_of_variant(context->variant);
  nrf_preferences   preferences = {0};
  if (!nrf_has_central(context->extract[NRF_KIND_PRIM], central))
    return nrf_results_skip(results, "%s was not recorded", nrf_central_text(central));
  NRF_RETURN_IF_ERROR(nrf_preferences_read(context, &preferences));
  const nrf_status st = analyse(context, central, &preferences, results);
  nrf_free(preferences.channel);
  return st;
}
