/* synchrony_channels_steps.c - correlations of channels at the central place: their mean by the channels' distance, and each
 * of some images (analysis.md 3.19, 3.22). */
#include "synchrony_show.h"
#include "synchrony_steps.h"

#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 96 };

/* ---- by distance ------------------------------------------------------------------------------------------- */

enum { MAX_DISTANCE = 5, FIRST_LAG = -200, LAST_LAG = 199 };

static void plot_mean(const nrf_mean_correlation *m, int lags, const double *ms, double limit,
                      const char *y_label, nrf_panel *panel)
{
  nrf_panel_x(panel, &(nrf_axis){.label = "Lag [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = y_label, .low = -limit, .high = limit});
  nrf_panel_corner(panel, "Channel distance %d (%d pairs, n = %lld)", m->distance, m->pairs, (long long)m->n);
  nrf_plot_horizontal(panel, 0.0, &(nrf_plot_style){.colour = NRF_GREY, .width = 0.5});
  nrf_plot_band(panel, lags, ms, m->lower, m->upper,
                &(nrf_plot_style){.colour = NRF_RED, .opacity = 0.6, .label = "99 % interval"});
  nrf_plot_line(panel, lags, ms, m->mean,
                &(nrf_plot_style){.colour = NRF_BLACK, .width = 1.0, .label = "mean"});
}

/* One range for all panels: that of the means, and of what of the bands is not far beyond them. */
static double range_of(const nrf_mean_correlations *m, const nrf_mean_correlation *list)
{
  double most = 0.0, widest = 0.0;
  for (int i = 0; i < m->distances; i++)
    for (int k = 0; k < m->lags; k++) {
      if (isfinite(list[i].mean[k])) most = fmax(most, fabs(list[i].mean[k]));
      if (isfinite(list[i].upper[k]))
        widest = fmax(widest, fmax(fabs(list[i].upper[k]), fabs(list[i].lower[k])));
    }
  const double limit = 1.05 * fmin(fmax(most, widest), 3.0 * most);
  return limit > 0.0 ? limit : 1.0;
}

static nrf_status show_means(const nrf_mean_correlations *m, bool normalised, bool as_written,
                             const double *ms, nrf_results *results)
{
  nrf_status                  st     = NRF_OK;
  nrf_figure                 *figure = NULL;
  const nrf_mean_correlation *list   = normalised ? m->normalised : m->raw;
  char                        caption[640];
  (void)snprintf(caption, sizeof caption,
                 "Mean %s of two channels at the central place during the stimulus, all stimuli. %s Band: 99 "
                 "%% t interval.",
                 normalised ? "coefficient of correlation"
                            : "correlation (sum of products, each state less its mean)",
                 as_written ? "As published: both orders of each pair, so that the means are symmetric, and "
                              "n counts correlations of which many share "
                              "a neuron or an image; the bands are too narrow."
                            : "The distance is counted round the ring on which the sampler couples the "
                              "channels; each pair once, from the lower to the "
                              "upper neighbour; n counts images, each the mean over its pairs.");
  const nrf_figure_spec spec = {.name    = normalised ? "mean_correlation_by_channel_distance_normalised"
                                                      : "mean_correlation_by_channel_distance",
                                .title   = "Mean cross-correlation between channels by their distance",
                                .caption = caption,
                                .width   = 8,
                                .height  = 2.0 + 2.0 * m->distances,
                                .rows    = m->distances,
                                .share_x = true};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int i = 0; i < m->distances; i++) {
    nrf_panel *panel = nrf_figure_panel(figure, i, 0);
    plot_mean(&list[i], m->lags, ms, range_of(m, list), normalised ? "Coefficient" : "Correlation", panel);
    if (i == 0) nrf_panel_legend(panel, NRF_TOP_RIGHT);
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static void show_zero_lags(const nrf_mean_correlations *m, nrf_results *results)
{
  static const double CONFIDENCE = 0.99;
  for (int i = 0; i < m->distances; i++) {
    const nrf_mean_correlation *c = &m->normalised[i];
    char                        name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "Coefficient of correlation at lag 0, channel distance %d",
                   c->distance);
    nrf_key_number number = {.name = name, .value = c->mean[-m->first], .n = c->n};
    if (isfinite(c->lower[-m->first])) {
      number.low        = c->lower[-m->first];
      number.high       = c->upper[-m->first];
      number.confidence = CONFIDENCE;
    }
    if (isfinite(number.value)) nrf_results_number(results, &number);
  }
}

static nrf_status show_neighbours(const nrf_mean_correlations *m, bool as_written, double ms_per_row,
                                  nrf_results *results)
{
  nrf_status st     = NRF_OK;
  nrf_table *table  = NULL;
  void      *memory = NULL;
  double    *ms     = NULL;
  NRF_TRY(nrf_alloc((size_t)m->lags * sizeof *ms, "lags", &memory));
  ms = memory;
  for (int k = 0; k < m->lags; k++) ms[k] = (m->first + k) * ms_per_row;
  NRF_TRY(nrf_mean_correlations_table(m, ms_per_row, &table));
  NRF_TRY(nrf_results_table(results, table));
  show_zero_lags(m, results);
  NRF_TRY(show_means(m, false, as_written, ms, results));
  NRF_TRY(show_means(m, true, as_written, ms, results));
done:
  nrf_table_free(table);
  nrf_free(ms);
  return st;
}

nrf_status nrf_step_synchrony1_neighbours(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status                st      = NRF_OK;
  nrf_synchrony_pairs       pairs   = {0};
  nrf_mean_correlations     means   = {0};
  bool                      skipped = false;
  const nrf_extract        *x       = context->extract[NRF_KIND_FEW];
  const nrf_neighbour_rules rules   = {.as_written   = context->settings->original_quirks,
                                       .ring         = x->layer->channels,
                                       .max_distance = MAX_DISTANCE,
                                       .first        = FIRST_LAG,
                                       .last         = LAST_LAG};
  NRF_TRY(nrf_open_pairs(context, NRF_SYNCHRONY_CHANNELS, results, &pairs, &skipped));
  if (skipped) goto done;
  NRF_TRY(nrf_correlate_neighbours(&pairs, rules, context->threads, context->progress, &means));
  if (means.distances == 0) {
    st = nrf_results_skip(results, "one channel only: there is no pair of channels");
    goto done;
  }
  NRF_TRY(show_neighbours(&means, rules.as_written, x->ms_per_row, results));
done:
  nrf_mean_correlations_free(&means);
  nrf_synchrony_pairs_free(&pairs);
  return st;
}

/* ---- individually ------------------------------------------------------------------------------------------ */

/* Single pictures show all lags; sheets those on which oscillations can still be seen. */
enum {
  SHOWN_IMAGES    = 3,
  FIRST_SHOWN_LAG = -400,
  LAST_SHOWN_LAG  = 399,
  SHOWN_LAGS      = 800,
  SHEET_LAG       = 100,
  SHEET_COLUMNS   = 4,
  SHEET_PANELS    = 64,
};

/* The correlations of one image in one period. */
typedef struct image_correlations {
  const nrf_extract     *x;
  const nrf_image_pairs *pairs;
  int                    image;
  int                    first[NRF_PERIODS], lags[NRF_PERIODS]; /* 0 lags: nothing was recorded */
  double                *value[NRF_PERIODS];                    /* [pairs][lags]                */
  double                 limit;                                 /* of all of them ...           */
  double                 colour_limit;                          /* ... but autocorrelations     */
} image_correlations;

static nrf_status correlate_period(const nrf_synchrony_pairs *pairs, int period, image_correlations *out)
{
  nrf_status           st     = NRF_OK;
  void                *memory = NULL;
  nrf_pair_correlator *c      = NULL;
  if (pairs->window[period].count == 0) return NRF_OK;
  NRF_TRY(nrf_pair_correlator_create(pairs->window[period], FIRST_SHOWN_LAG, LAST_SHOWN_LAG,
                                     out->pairs->n_series, &c));
  const int lags     = nrf_pair_correlator_lags(c);
  out->first[period] = nrf_pair_correlator_first(c);
  NRF_TRY(nrf_alloc((size_t)out->pairs->n_pairs * (size_t)lags * sizeof(double), "correlations", &memory));
  out->value[period] = memory;
  out->lags[period]  = lags;
  nrf_pair_correlator_load(c, out->pairs);
  for (int i = 0; i < out->pairs->n_pairs; i++) {
    double *value = out->value[period] + (int64_t)i * lags;
    nrf_pair_correlation(c, out->pairs->pair[i].a, out->pairs->pair[i].v, value);
    double most = 0.0;
    for (int k = 0; k < lags; k++)
      if (isfinite(value[k])) most = fmax(most, fabs(value[k]));
    out->limit = fmax(out->limit, most);
    if (out->pairs->pair[i].a != out->pairs->pair[i].v) out->colour_limit = fmax(out->colour_limit, most);
  }
done:
  nrf_pair_correlator_free(c);
  return st;
}

static void free_correlations(image_correlations *c)
{
  for (int p = 0; p < NRF_PERIODS; p++) nrf_free(c->value[p]);
}

/* The lags of a sheet: how many, and which of those at hand is the first. */
static int sheet_lags(const image_correlations *c, int period, int *skipped)
{
  *skipped      = c->first[period] < -SHEET_LAG ? -SHEET_LAG - c->first[period] : 0;
  const int end = c->first[period] + c->lags[period];
  return (end < SHEET_LAG ? end : SHEET_LAG) - (c->first[period] + *skipped);
}

/* A row for each channel B, coloured by its correlation with channel A. `image`: room for the channels' lags. */
static void plot_channel(const image_correlations *c, int period, int a, double *image, nrf_panel *panel)
{
  int                    skipped;
  const int              channels = c->x->channels, lags = sheet_lags(c, period, &skipped);
  const double           ms = c->x->ms_per_row, first = c->first[period] + skipped;
  const nrf_extent       area  = {(first - 0.5) * ms, (first + lags - 0.5) * ms, -0.5, channels - 0.5};
  const nrf_colour_scale scale = {.map   = NRF_DIVERGING,
                                  .low   = -c->colour_limit,
                                  .high  = c->colour_limit,
                                  .label = "Correlation [sum of products]"};
  for (int b = 0; b < channels; b++)
    memcpy(image + (int64_t)b * lags,
           c->value[period] + ((int64_t)a * channels + b) * c->lags[period] + skipped,
           (size_t)lags * sizeof *image);
  nrf_panel_title(panel, "A = %d", c->x->layer->channel[a]);
  nrf_panel_x(panel, &(nrf_axis){.label = "Lag [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "Channel B", .tight = true});
  nrf_plot_image(panel, channels, lags, image, area, &scale);
}

/* At most four, without a gap in the last row if that can be had. */
static int sheet_columns(int panels)
{
  for (int columns = SHEET_COLUMNS; columns > 1; columns--)
    if (panels % columns == 0) return columns;
  return panels < SHEET_COLUMNS ? panels : SHEET_COLUMNS;
}

/* One panel for each channel A. */
static nrf_status show_sheet(const image_correlations *c, int period, nrf_results *results)
{
  nrf_status            st       = NRF_OK;
  nrf_figure           *figure   = NULL;
  void                 *memory   = NULL;
  double               *image    = NULL;
  const int             channels = c->x->channels, panels = channels < SHEET_PANELS ? channels : SHEET_PANELS;
  const int             columns = sheet_columns(panels), rows = (panels + columns - 1) / columns;
  char                  name[NAME_BYTES], title[NAME_BYTES];
  const nrf_figure_spec spec = {.name    = name,
                                .title   = title,
                                .caption = "Correlations of all pairs of channels at the central place in "
                                           "one image, as sums of products. A panel for "
                                           "each first channel A, a line for each second channel B, counted "
                                           "in the order in which they were recorded; a "
                                           "positive lag means that A is late. The correlation of a channel "
                                           "with itself may exceed the colours.",
                                .width   = 13,
                                .height  = 1.5 + 1.9 * rows,
                                .rows    = rows,
                                .columns = columns,
                                .share_x = true,
                                .share_y = true,
                                .share_colours = true};
  (void)snprintf(name, sizeof name, "individual_correlations_image_%d_%s", c->image,
                 period == NRF_PERIOD_DURING ? "during" : "before");
  (void)snprintf(title, sizeof title, "Image %d, %s", c->image, nrf_period_text(period));
  NRF_TRY(nrf_alloc((size_t)channels * 2 * SHEET_LAG * sizeof *image, "correlations", &memory));
  image = memory;
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int a = 0; a < panels; a++)
    plot_channel(c, period, a, image, nrf_figure_panel(figure, a / columns, a % columns));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(image);
  return st;
}

static nrf_status show_pair(const image_correlations *c, int pair, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  const int            *key    = c->pairs->pair[pair].key;
  char                  name[NAME_BYTES];
  const nrf_figure_spec spec = {
      .name = name, .width = 8, .height = 9, .rows = NRF_PERIODS, .share_x = true, .share_y = true};
  (void)snprintf(name, sizeof name, "cross_correlation_between_%d_and_%d_in_image_%d", key[0], key[1],
                 c->image);
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int p = 0; p < NRF_PERIODS; p++) {
    double     lag[SHOWN_LAGS];
    nrf_panel *panel = nrf_figure_panel(figure, p, 0);
    for (int k = 0; k < c->lags[p]; k++) lag[k] = (c->first[p] + k) * c->x->ms_per_row;
    nrf_panel_title(panel, "Channels %d and %d, image %d, %s", key[0], key[1], c->image, nrf_period_text(p));
    nrf_panel_x(panel, &(nrf_axis){.label = "Lag [ms]", .tight = true});
    nrf_panel_y(panel,
                &(nrf_axis){.label = "Correlation [sum of products]", .low = -c->limit, .high = c->limit});
    nrf_plot_line(panel, c->lags[p], lag, c->value[p] + (int64_t)pair * c->lags[p], NULL);
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static nrf_status show_image(const nrf_analysis_context *context, const nrf_synchrony_pairs *pairs, int image,
                             nrf_results *results)
{
  nrf_status         st = NRF_OK;
  image_correlations c = {.x = context->extract[NRF_KIND_FEW], .pairs = &pairs->image[image], .image = image};
  for (int p = 0; p < NRF_PERIODS; p++) NRF_TRY(correlate_period(pairs, p, &c));
  if (c.limit == 0.0) c.limit = 1.0;
  if (c.colour_limit == 0.0) c.colour_limit = c.limit;
  for (int p = 0; p < NRF_PERIODS; p++)
    if (c.lags[p] > 0) NRF_TRY(show_sheet(&c, p, results));
  for (int i = 0; i < c.pairs->n_pairs && context->settings->single_maps; i++) {
    if (nrf_progress_stop_requested(context->progress))
      NRF_FAIL(NRF_EINTERRUPTED, "correlations: stopped on request");
    NRF_TRY(show_pair(&c, i, results));
  }
done:
  free_correlations(&c);
  return st;
}

nrf_status nrf_step_synchrony1_individually(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status          st      = NRF_OK;
  nrf_synchrony_pairs pairs   = {0};
  bool                skipped = false;
  NRF_TRY(nrf_open_pairs(context, NRF_SYNCHRONY_CHANNELS, results, &pairs, &skipped));
  for (int b = 0, shown = 0; b < pairs.images && shown < SHOWN_IMAGES && !skipped; b++) {
    if (pairs.image[b].n_pairs == 0) continue;
    NRF_TRY(show_image(context, &pairs, b, results));
    shown++;
  }
done:
  nrf_synchrony_pairs_free(&pairs);
  return st;
}
