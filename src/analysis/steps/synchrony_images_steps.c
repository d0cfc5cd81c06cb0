/* synchrony_images_steps.c - autocorrelations of all images as sheets. The published
 * synchrony_experiment1_overlapping_rec_fields_Plot_acorrs, which nothing calls, draws each in a file of its own (analysis.md,
 * appendix C). */
#include "synchrony_show.h"
#include "synchrony_steps.h"

#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

enum {
  NAME_BYTES     = 64,
  TITLE_BYTES    = 64,
  FIRST_LAG      = -100,
  LAST_LAG       = 99,
  SHEET_COLUMNS  = 4,
  SHEET_CHANNELS = 32
};

/* Coefficients of correlation of each channel's central neuron with itself. */
typedef struct autocorrelations {
  const nrf_extract *x;
  int                images;
  int                first[NRF_PERIODS], lags[NRF_PERIODS]; /* 0 lags: nothing was recorded                 */
  double            *value[NRF_PERIODS]; /* [channels][images][lags]; NaN of constant traces */
} autocorrelations;

static int index_of(const nrf_extract *x, int channel)
{
  int c = 0;
  while (x->layer->channel[c] != channel) c++;
  return c;
}

static void keep_autocorrelation(void *context, const nrf_pair_visit *visit)
{
  const autocorrelations *all    = context;
  const int               period = visit->row.period, lags = all->lags[period];
  if (visit->a != visit->v) return;
  const int    c    = index_of(all->x, visit->row.key[0]);
  double      *out  = all->value[period] + ((int64_t)c * all->images + visit->row.image) * lags;
  const double norm = nrf_pair_norm(visit->correlator, visit->a, visit->v);
  nrf_pair_correlation(visit->correlator, visit->a, visit->v, out);
  for (int k = 0; k < lags; k++) out[k] = norm > 0.0 ? out[k] / norm : NAN;
}

static void free_autocorrelations(autocorrelations *all)
{
  for (int p = 0; p < NRF_PERIODS; p++) nrf_free(all->value[p]);
}

static nrf_status allocate(const nrf_synchrony_pairs *pairs, int period, autocorrelations *all)
{
  const int64_t most = pairs->window[period].count - 1;
  if (most < 0) return NRF_OK;
  all->first[period] = most < -FIRST_LAG ? -(int)most : FIRST_LAG;
  all->lags[period]  = (most < LAST_LAG ? (int)most : LAST_LAG) - all->first[period] + 1;
  const int64_t n    = (int64_t)all->x->channels * all->images * all->lags[period];
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof(double), "correlations", (void **)&all->value[period]));
  for (int64_t i = 0; i < n; i++) all->value[period][i] = NAN;
  return NRF_OK;
}

/* A row for each image, in the order in which they were recorded. */
static void plot_channel(const autocorrelations *all, int period, int c, bool leftmost, nrf_panel *panel)
{
  const int              n  = all->lags[period];
  const double           ms = all->x->ms_per_row, first = all->first[period];
  const nrf_extent       area  = {(first - 0.5) * ms, (first + n - 0.5) * ms, -0.5, all->images - 0.5};
  const nrf_colour_scale scale = {
      .map = NRF_DIVERGING, .low = -1.0, .high = 1.0, .label = "Coefficient of correlation"};
  nrf_panel_title(panel, "Channel %d", all->x->layer->channel[c]);
  nrf_panel_x(panel, &(nrf_axis){.label = "Lag [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = leftmost ? "Image" : NULL, .tight = true, .reversed = true});
  nrf_plot_image(panel, all->images, n, all->value[period] + (int64_t)c * all->images * n, area, &scale);
}

static nrf_status show_sheet(const autocorrelations *all, int period, int first, nrf_results *results)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  const int   left = all->x->channels - first, n = left < SHEET_CHANNELS ? left : SHEET_CHANNELS,
            columns = n < SHEET_COLUMNS ? n : SHEET_COLUMNS, rows = (n + columns - 1) / columns;
  char                  name[NAME_BYTES], title[TITLE_BYTES];
  const nrf_figure_spec spec = {
      .name          = name,
      .title         = title,
      .caption       = "Autocorrelations of each channel's central neuron in every image, a row each in "
                       "the order of the batch, in which equal stimuli are next to each other. "
                       "Vertical stripes: the same oscillation in all images.",
      .width         = 13,
      .height        = 1.4 + 1.9 * rows,
      .rows          = rows,
      .columns       = columns,
      .share_x       = true,
      .share_y       = true,
      .share_colours = true};
  const int used =
      snprintf(name, sizeof name, "autocorrelations_%s", period == NRF_PERIOD_DURING ? "during" : "before");
  if (first > 0)
    (void)snprintf(name + used, sizeof name - (size_t)used, "_from_channel_%d",
                   all->x->layer->channel[first]);
  (void)snprintf(title, sizeof title, "All images, %s", nrf_period_text(period));
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int k = 0; k < n; k++)
    plot_channel(all, period, first + k, k % columns == 0,
                 nrf_figure_panel(figure, k / columns, k % columns));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

nrf_status nrf_step_synchrony1_images(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status          st      = NRF_OK;
  nrf_synchrony_pairs pairs   = {0};
  autocorrelations    all     = {.x = context->extract[NRF_KIND_FEW]};
  const nrf_pair_walk walk    = {"autocorrelations", FIRST_LAG, LAST_LAG, keep_autocorrelation, &all};
  bool                skipped = false;
  NRF_TRY(nrf_open_pairs(context, NRF_SYNCHRONY_CHANNELS, results, &pairs, &skipped));
  if (skipped) goto done;
  all.images = pairs.images;
  for (int p = 0; p < NRF_PERIODS; p++) NRF_TRY(allocate(&pairs, p, &all));
  NRF_TRY(nrf_walk_pairs(&pairs, &walk, context->threads, context->progress));
  for (int p = 0; p < NRF_PERIODS; p++)
    for (int first = 0; first < all.x->channels && all.lags[p] > 0; first += SHEET_CHANNELS)
      NRF_TRY(show_sheet(&all, p, first, results));
done:
  free_autocorrelations(&all);
  nrf_synchrony_pairs_free(&pairs);
  return st;
}
