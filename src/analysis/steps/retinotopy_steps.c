/* retinotopy_steps.c - the maps of all channels for one bar, on one page (analysis.md 3.5). */
#include "orientation_steps.h"
#include "show.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

#define DEGREES (180.0 / M_PI)

enum { NAME_BYTES = 96, CAPTION_BYTES = 512, PAGE_COLUMNS = 4, PAGE_CHANNELS = 64 };

typedef struct bar_show {
  const nrf_analysis_context *context;
  const nrf_extract          *x;
  int                         image;
  double                     *map; /* [channels][height][width] how much the mean state rose */
} bar_show;

static int64_t map_size(const nrf_extract *x)
{
  return (int64_t)x->height * x->width;
}

static void find_rises(const bar_show *s)
{
  for (int c = 0, i = 0; c < s->x->channels; c++)
    for (int h = 0; h < s->x->height; h++)
      for (int w = 0; w < s->x->width; w++, i++)
        s->map[i] = nrf_rise_of(s->x, nrf_extract_at(s->x, c, s->image, h, w));
}

/* ---- pages ------------------------------------------------------------------------------------------------- */

/* As published, the colours are those of the means before and during the stimulus, though differences are shown (D7). */
static nrf_colour_scale published_colours(const bar_show *s)
{
  nrf_colour_scale scale = {.map = NRF_VIRIDIS, .low = INFINITY, .high = -INFINITY};
  for (int c = 0; c < s->x->channels; c++) {
    const int64_t first = nrf_extract_at(s->x, c, s->image, 0, 0);
    for (int64_t i = first; i < first + map_size(s->x); i++) {
      scale.low  = fmin(scale.low, fmin(s->x->during.mean[i], s->x->outside.mean[i]));
      scale.high = fmax(scale.high, fmax(s->x->during.mean[i], s->x->outside.mean[i]));
    }
  }
  return scale;
}

static nrf_colour_scale colours_of(const bar_show *s)
{
  nrf_colour_scale scale = {.map = NRF_DIVERGING, .low = 0.0, .high = 0.0};
  if (s->context->settings->original_quirks) {
    scale = published_colours(s);
  } else {
    for (int64_t i = 0; i < s->x->channels * map_size(s->x); i++)
      scale.high = fmax(scale.high, fabs(s->map[i])); /* a NaN does not count */
    scale.low = -scale.high;
  }
  scale.label = "Mean state during the stimulus, less that before and after it";
  return scale;
}

static nrf_status show_page(const bar_show *s, nrf_colour_scale scale, int first, nrf_results *results)
{
  nrf_status                 st     = NRF_OK;
  nrf_figure                *figure = NULL;
  char                       name[NAME_BYTES], caption[CAPTION_BYTES];
  const nrf_recording_image *image = &s->x->info->image[s->image];
  const int                  rest = s->x->channels - first, n = rest < PAGE_CHANNELS ? rest : PAGE_CHANNELS;
  const int columns = n < PAGE_COLUMNS ? n : PAGE_COLUMNS, rows = (n + columns - 1) / columns;
  int       length = snprintf(name, sizeof name, "figure_for_all_channels_b%d", image->index);
  if (first > 0)
    (void)snprintf(name + length, sizeof name - (size_t)length, "_%d", first / PAGE_CHANNELS + 1);
  (void)snprintf(
      caption, sizeof caption,
      "How much the mean state of each neuron rose with a long bar at %.4g° (image %d), for all channels and "
      "places. One scale of colours for all%s.",
      image->angle * DEGREES, image->index,
      s->context->settings->original_quirks ? ": as published, the range of the means themselves" : "");
  const nrf_figure_spec spec = {.name          = name,
                                .caption       = caption,
                                .width         = 10,
                                .height        = 0.6 + 2.4 * rows,
                                .rows          = rows,
                                .columns       = columns,
                                .share_colours = true};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int i = 0; i < n; i++) {
    nrf_panel *panel = nrf_figure_panel(figure, i / columns, i % columns);
    nrf_panel_title(panel, "Channel %d", s->x->layer->channel[first + i]);
    nrf_plot_map(panel, s->x->height, s->x->width, s->map + (first + i) * map_size(s->x), &scale);
    nrf_panel_x(panel, &(nrf_axis){.hidden = true});
    nrf_panel_y(panel, &(nrf_axis){.hidden = true, .reversed = true});
  }
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* ---- on the bar and beside it ------------------------------------------------------------------------------ */

typedef struct bar_row {
  int    image, channel;
  double angle, on_bar, elsewhere;
} bar_row;

/* clang-format off */
static const nrf_record_column bar_columns[] = {
    {"batch_idx",      NRF_MEMBER_INT,    offsetof(bar_row, image),     "",    "image, its number in the batch"},
    {"channel",        NRF_MEMBER_INT,    offsetof(bar_row, channel),   "",    "channel of the layer"},
    {"stim_ori",       NRF_MEMBER_DOUBLE, offsetof(bar_row, angle),     "rad", "angle of the bar"},
    {"rise_on_bar",    NRF_MEMBER_DOUBLE, offsetof(bar_row, on_bar),    "",    "mean state during the stimulus less that outside it, mean over the places along the bar that synchrony is looked at in"},
    {"rise_elsewhere", NRF_MEMBER_DOUBLE, offsetof(bar_row, elsewhere), "",    "the same over all other places"},
};
/* clang-format on */

static bool is_on_bar(const bar_show *s, int h, int w)
{
  const nrf_sites *sites = &s->x->state_sites[s->image];
  for (int i = 0; i < sites->count; i++)
    if (sites->site[i].h == h && sites->site[i].w == w) return true;
  return false;
}

/* Places whose states are not finite do not count. */
static bar_row compare_places(const bar_show *s, int c)
{
  nrf_moments   place[2] = {nrf_moments_none(), nrf_moments_none()};
  const double *map      = s->map + c * map_size(s->x);
  for (int h = 0; h < s->x->height; h++)
    for (int w = 0; w < s->x->width; w++) {
      const double rise = map[(int64_t)h * s->x->width + w];
      if (isfinite(rise)) nrf_moments_add(&place[is_on_bar(s, h, w)], rise);
    }
  return (bar_row){.image     = s->x->info->image[s->image].index,
                   .channel   = s->x->layer->channel[c],
                   .angle     = s->x->info->image[s->image].angle,
                   .on_bar    = place[true].mean,
                   .elsewhere = place[false].mean};
}

static void show_difference(const bar_show *s, const bar_row *row, nrf_results *results)
{
  nrf_moments difference = nrf_moments_none();
  char        name[NAME_BYTES];
  for (int c = 0; c < s->x->channels; c++)
    if (isfinite(row[c].on_bar - row[c].elsewhere))
      nrf_moments_add(&difference, fabs(row[c].on_bar) - fabs(row[c].elsewhere));
  (void)snprintf(name, sizeof name, "Change along the bar beyond that elsewhere, bar at %.4g°",
                 row[0].angle * DEGREES);
  nrf_show_mean(results, name, "units of the state", difference,
                "magnitudes of mean changes; mean and interval over channels");
}

/* ---- the analysis ------------------------------------------------------------------------------------------ */

static nrf_status show_bar(const bar_show *s, bar_row *row, nrf_results *results)
{
  find_rises(s);
  const nrf_colour_scale scale = colours_of(s);
  for (int first = 0; first < s->x->channels; first += PAGE_CHANNELS)
    NRF_RETURN_IF_ERROR(show_page(s, scale, first, results));
  for (int c = 0; c < s->x->channels; c++) row[c] = compare_places(s, c);
  show_difference(s, row, results);
  return NRF_OK;
}

nrf_status nrf_step_retinotopy(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status         st  = NRF_OK;
  const nrf_extract *x   = context->extract[NRF_KIND_LONG];
  const size_t       c   = (size_t)x->channels;
  void              *map = NULL, *rows = NULL;
  if (x->n_films == 0) return nrf_results_skip(results, "there is no bar at 0° or 180°");
  NRF_TRY(nrf_alloc(c * (size_t)map_size(x) * sizeof(double), "maps", &map));
  NRF_TRY(nrf_alloc((size_t)x->n_films * c * sizeof(bar_row), "maps", &rows));
  for (int i = 0; i < x->n_films; i++) {
    const bar_show show = {context, x, x->film[i].image, map};
    NRF_TRY(show_bar(&show, (bar_row *)rows + (size_t)i * c, results));
  }
  NRF_TRY(nrf_show_records("rise_along_bars", "How much mean states rose along the bars, and elsewhere",
                           (int)(sizeof bar_columns / sizeof *bar_columns), bar_columns,
                           (nrf_records){x->n_films * x->channels, sizeof(bar_row), rows}, results));
done:
  nrf_free(map);
  nrf_free(rows);
  return st;
}
