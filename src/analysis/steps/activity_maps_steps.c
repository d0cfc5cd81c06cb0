/* activity_maps_steps.c - maps of what a stimulus does to the mean state (analysis.md 3.2, 3.3). */
#include "activity_maps.h"
#include "activity_steps.h"
#include "map_picture.h"
#include "show.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

enum { NAME_BYTES = 96, CAPTION_BYTES = 768 };

typedef struct map_show {
  const nrf_analysis_context *context;
  const nrf_extract          *x;
  const nrf_map_sheet        *sheet;
  double                     *maps; /* room for the maps of a sheet, [rows * columns][height][width] */
} map_show;

static bool as_written(const map_show *s)
{
  return s->context->settings->original_quirks;
}

static const char *what_colours_show(const map_show *s)
{
  if (as_written(s))
    return "the range of the means themselves, as published, which has no fixed colour for 0";
  if (s->x->kind == NRF_KIND_PRIM)
    return "the channel's largest difference at the largest contrast, either way; what is beyond is cut";
  return "the channel's largest difference, either way";
}

/* ---- one channel ------------------------------------------------------------------------------------------- */

/* In inches. */
static const double TILE = 0.62, MARGIN_ACROSS = 2.4, MARGIN_DOWN = 1.2, LEAST_SIDE = 4.0;

static void fill_map(const nrf_extract *x, int c, int b, double *map)
{
  const int64_t first = nrf_extract_at(x, c, b, 0, 0);
  for (int64_t i = 0; i < (int64_t)x->height * x->width; i++) map[i] = nrf_rise_of(x, first + i);
}

static void fill_sheet(const map_show *s, int c)
{
  const int64_t map = (int64_t)s->x->height * s->x->width;
  for (int i = 0; i < s->sheet->rows * s->sheet->columns; i++) {
    double *to = s->maps + i * map;
    if (s->sheet->image[i] >= 0)
      fill_map(s->x, c, s->sheet->image[i], to);
    else
      for (int64_t k = 0; k < map; k++) to[k] = NAN;
  }
}

static nrf_colour_scale scale_of(const map_show *s, nrf_map_range range)
{
  return (nrf_colour_scale){.map   = as_written(s) ? NRF_VIRIDIS : NRF_DIVERGING,
                            .low   = range.low,
                            .high  = range.high,
                            .label = "Mean state during the stimulus − outside"};
}

static nrf_status name_tiles(const nrf_map_sheet *sheet, const char ***out)
{
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)(sheet->rows + sheet->columns) * sizeof **out, "contact sheet", (void **)out));
  for (int i = 0; i < sheet->rows; i++) (*out)[i] = sheet->row_name[i];
  for (int i = 0; i < sheet->columns; i++) (*out)[sheet->rows + i] = sheet->column_name[i];
  return NRF_OK;
}

static nrf_status show_channel(const map_show *s, int c, nrf_results *results)
{
  nrf_status           st     = NRF_OK;
  nrf_figure          *figure = NULL;
  const char         **names  = NULL;
  const nrf_map_sheet *sheet  = s->sheet;
  char                 name[NAME_BYTES], caption[CAPTION_BYTES];
  const int            number = s->x->layer->channel[c];
  (void)snprintf(name, sizeof name, "channel_%03d", number);
  (void)snprintf(
      caption, sizeof caption,
      "Channel %d: mean state during the stimulus less that before and after it, a map for each of %d "
      "images. Colours: %s.",
      number, s->x->images, what_colours_show(s));
  const nrf_figure_spec  spec  = {.name    = name,
                                  .caption = caption,
                                  .width   = fmax(sheet->columns * TILE + MARGIN_ACROSS, LEAST_SIDE),
                                  .height  = fmax(sheet->rows * TILE + MARGIN_DOWN, LEAST_SIDE)};
  const nrf_colour_scale scale = scale_of(s, nrf_map_range_of(s->x, c, -1, as_written(s)));
  NRF_TRY(name_tiles(sheet, &names));
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_panel *panel = nrf_figure_panel(figure, 0, 0);
  fill_sheet(s, c);
  nrf_plot_tiles(panel,
                 &(nrf_tiles){.rows         = sheet->rows,
                              .columns      = sheet->columns,
                              .height       = s->x->height,
                              .width        = s->x->width,
                              .row_name     = names,
                              .column_name  = names + sheet->rows,
                              .row_label    = sheet->row_label,
                              .column_label = sheet->column_label},
                 s->maps, &scale);
  nrf_panel_title(panel, "Channel %d", number);
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(names);
  return st;
}

/* ---- all channels ------------------------------------------------------------------------------------------ */

/* The mean map over the images of a row of the sheet, PRIM: with the largest contrast, in units of the channel's range. */
static void fill_mean_map(const map_show *s, int c, int row, double range, double *map)
{
  const nrf_extract *x      = s->x;
  const int64_t      places = (int64_t)x->height * x->width;
  int                images = 0;
  for (int64_t i = 0; i < places; i++) map[i] = 0.0;
  for (int k = 0; k < s->sheet->columns; k++) {
    const int b = s->sheet->image[row * s->sheet->columns + k];
    if (b < 0 || (x->kind == NRF_KIND_PRIM && !nrf_is_strongest(x, b))) continue;
    const int64_t first = nrf_extract_at(x, c, b, 0, 0);
    for (int64_t i = 0; i < places; i++) map[i] += nrf_rise_of(x, first + i);
    images++;
  }
  for (int64_t i = 0; i < places; i++) map[i] = images > 0 && range > 0.0 ? map[i] / (images * range) : NAN;
}

static nrf_status show_overview(const map_show *s, nrf_results *results)
{
  nrf_status   st                = NRF_OK;
  nrf_figure  *figure            = NULL;
  double      *maps              = NULL;
  const char **names             = NULL;
  char(*channel)[NRF_SHEET_NAME] = NULL;
  const nrf_extract    *x        = s->x;
  const int             rows = x->channels, columns = s->sheet->rows;
  const int64_t         map  = (int64_t)x->height * x->width;
  const nrf_figure_spec spec = {
      .name = "all_channels",
      .caption =
          x->kind == NRF_KIND_PRIM
              ? "All channels at the largest contrast, for each angle: mean state during the stimulus less "
                "that outside it, relative to the channel's largest difference."
              : "All channels, mean over the images of each column: mean state during the stimulus "
                "less that outside it, relative to the channel's largest difference in a single image.",
      .width  = fmax(columns * TILE + MARGIN_ACROSS, LEAST_SIDE),
      .height = fmax(rows * TILE + MARGIN_DOWN, LEAST_SIDE)};
  NRF_TRY(nrf_alloc((size_t)(rows * columns * map) * sizeof *maps, "maps", (void **)&maps));
  NRF_TRY(nrf_alloc((size_t)(rows + columns) * sizeof *names, "maps", (void **)&names));
  NRF_TRY(nrf_alloc((size_t)rows * sizeof *channel, "maps", (void **)&channel));
  for (int c = 0; c < rows; c++) {
    const double range = nrf_map_range_of(x, c, -1, false).high;
    (void)snprintf(channel[c], sizeof channel[c], "%d", x->layer->channel[c]);
    names[c] = channel[c];
    for (int k = 0; k < columns; k++) fill_mean_map(s, c, k, range, maps + (c * columns + k) * map);
  }
  for (int k = 0; k < columns; k++) names[rows + k] = s->sheet->row_name[k];
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_plot_tiles(
      nrf_figure_panel(figure, 0, 0),
      &(nrf_tiles){.rows         = rows,
                   .columns      = columns,
                   .height       = x->height,
                   .width        = x->width,
                   .row_name     = names,
                   .column_name  = names + rows,
                   .row_label    = "Channel",
                   .column_label = s->sheet->row_label},
      maps,
      &(nrf_colour_scale){
          .map = NRF_DIVERGING, .low = -1.0, .high = 1.0, .label = "Difference / the channel's largest"});
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(maps);
  nrf_free(names);
  nrf_free(channel);
  return st;
}

/* ---- files of their own ------------------------------------------------------------------------------------ */

static nrf_status save_map(const map_show *s, int c, int b, nrf_results *results)
{
  char                       name[NAME_BYTES], caption[CAPTION_BYTES], path[NRF_ANALYSIS_PATH];
  const nrf_recording_image *image = &s->x->info->image[b];
  (void)snprintf(name, sizeof name, "channel_%03d_image_%03d.png", s->x->layer->channel[c], image->index);
  (void)snprintf(caption, sizeof caption, "Channel %d, image %d.", s->x->layer->channel[c], image->index);
  NRF_RETURN_IF_ERROR(nrf_results_file(results, name, caption, path, sizeof path));
  fill_map(s->x, c, b, s->maps);
  const nrf_colour_scale scale = scale_of(s, nrf_map_range_of(s->x, c, b, as_written(s)));
  return nrf_map_picture_write(path, s->x->height, s->x->width, s->maps, scale);
}

static nrf_status save_all(const map_show *s, nrf_results *results)
{
  const nrf_progress *progress = s->context->progress;
  nrf_status          st       = NRF_OK;
  const int64_t       n        = (int64_t)s->x->channels * s->x->images;
  nrf_progress_begin(progress, "single maps", "files", 0);
  for (int64_t i = 0; i < n && st == NRF_OK; i++) {
    st = save_map(s, (int)(i / s->x->images), (int)(i % s->x->images), results);
    nrf_progress_update(progress, i + 1, n, "%s", "");
    if (st == NRF_OK && nrf_progress_stop_requested(progress))
      st = nrf_error(NRF_EINTERRUPTED, "activity maps: stopped on request");
  }
  nrf_progress_end(progress);
  return st;
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

/* The largest and the smallest difference of a channel, and where: rows of the table. */
enum {
  CHANNEL,
  HIGHEST,
  HIGHEST_IMAGE,
  HIGHEST_ROW,
  HIGHEST_COLUMN,
  LOWEST,
  LOWEST_IMAGE,
  LOWEST_ROW,
  LOWEST_COLUMN,
  RANGE,
  COLUMNS
};

static const nrf_column_spec columns[COLUMNS] = {
    [CHANNEL]        = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
    [HIGHEST]        = {"highest", NRF_COLUMN_DOUBLE, "", "largest difference of all images and places"},
    [HIGHEST_IMAGE]  = {"highest_batch_idx", NRF_COLUMN_INT, "", "its image, the number in the batch"},
    [HIGHEST_ROW]    = {"highest_height", NRF_COLUMN_INT, "", "its row of the layer's map"},
    [HIGHEST_COLUMN] = {"highest_width", NRF_COLUMN_INT, "", "its column of the layer's map"},
    [LOWEST]         = {"lowest", NRF_COLUMN_DOUBLE, "", "smallest difference of all images and places"},
    [LOWEST_IMAGE]   = {"lowest_batch_idx", NRF_COLUMN_INT, "", "its image, the number in the batch"},
    [LOWEST_ROW]     = {"lowest_height", NRF_COLUMN_INT, "", "its row of the layer's map"},
    [LOWEST_COLUMN]  = {"lowest_width", NRF_COLUMN_INT, "", "its column of the layer's map"},
    [RANGE] = {"colour_range", NRF_COLUMN_DOUBLE, "", "what the ends of the colours of maps stand for"},
};

/* sign 1: where the difference is largest; -1: smallest. An index into the statistics; -1: all are NaN. */
static int64_t find_extreme(const nrf_extract *x, int c, double sign)
{
  int64_t best = -1;
  for (int64_t at = nrf_extract_at(x, c, 0, 0, 0); at < nrf_extract_at(x, c + 1, 0, 0, 0); at++)
    if (isfinite(nrf_rise_of(x, at)) && (best < 0 || sign * nrf_rise_of(x, at) > sign * nrf_rise_of(x, best)))
      best = at;
  return best;
}

static void fill_extreme(const nrf_extract *x, int64_t at, nrf_cell *value, nrf_cell place[3])
{
  const int64_t map = (int64_t)x->height * x->width;
  *value            = (nrf_cell){.d = at < 0 ? NAN : nrf_rise_of(x, at)};
  place[0]          = (nrf_cell){.i = at < 0 ? -1 : x->info->image[at / map % x->images].index};
  place[1]          = (nrf_cell){.i = at < 0 ? -1 : x->layer->top + at % map / x->width};
  place[2]          = (nrf_cell){.i = at < 0 ? -1 : x->layer->left + at % x->width};
}

static nrf_status make_table(const nrf_extract *x, nrf_table **out)
{
  nrf_status st = NRF_OK;
  NRF_RETURN_IF_ERROR(
      nrf_table_create("activity_map_extremes",
                       "Mean state during the stimulus less that outside it: the extremes of each "
                       "channel",
                       NRF_COLUMNS(columns), out));
  for (int c = 0; c < x->channels && st == NRF_OK; c++) {
    nrf_cell cells[COLUMNS];
    cells[CHANNEL].i = x->layer->channel[c];
    fill_extreme(x, find_extreme(x, c, 1.0), &cells[HIGHEST], &cells[HIGHEST_IMAGE]);
    fill_extreme(x, find_extreme(x, c, -1.0), &cells[LOWEST], &cells[LOWEST_IMAGE]);
    cells[RANGE].d = nrf_map_range_of(x, c, -1, false).high;
    st             = nrf_table_append(*out, cells);
  }
  return st;
}

/* Root mean square of an image's differences, over all channels and places. */
static double strength_of(const nrf_extract *x, int b)
{
  const int64_t map = (int64_t)x->height * x->width;
  double        sum = 0.0;
  int64_t       n   = 0;
  for (int c = 0; c < x->channels; c++) {
    const int64_t first = nrf_extract_at(x, c, b, 0, 0);
    for (int64_t at = first; at < first + map; at++) {
      const double rise = nrf_rise_of(x, at);
      if (!isfinite(rise)) continue;
      sum += rise * rise;
      n++;
    }
  }
  return n > 0 ? sqrt(sum / (double)n) : NAN;
}

static void show_numbers(const nrf_extract *x, nrf_results *results)
{
  nrf_moments all = nrf_moments_none(), strongest = nrf_moments_none(), blank = nrf_moments_none();
  for (int b = 0; b < x->images; b++) {
    const double strength = strength_of(x, b);
    if (!isfinite(strength)) continue;
    nrf_moments_add(&all, strength);
    if (nrf_is_strongest(x, b)) nrf_moments_add(&strongest, strength);
    if (x->info->image[b].contrast == 0.0) nrf_moments_add(&blank, strength);
  }
  static const char what[] = "root mean square over channels and places; mean over images";
  if (blank.n > 0 && blank.n < all.n) {
    nrf_show_mean(results, "Difference of the mean states, largest contrast", "", strongest, what);
    nrf_show_mean(results, "Difference of the mean states, contrast 0", "", blank,
                  "nothing is shown there: this is noise and drift");
  } else {
    nrf_show_mean(results, "Difference of the mean states", "", all, what);
  }
}

/* ---- the analysis ------------------------------------------------------------------------------------------ */

static nrf_status show_all(const map_show *s, nrf_results *results)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_TRY(make_table(s->x, &table));
  NRF_TRY(nrf_results_table(results, table));
  show_numbers(s->x, results);
  NRF_TRY(show_overview(s, results));
  for (int c = 0; c < s->x->channels; c++) NRF_TRY(show_channel(s, c, results));
  if (s->context->settings->single_maps) NRF_TRY(save_all(s, results));
done:
  nrf_table_free(table);
  return st;
}

nrf_status nrf_step_activity_maps(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status         st    = NRF_OK;
  nrf_map_sheet      sheet = {0};
  const nrf_extract *x     = nrf_only_extract(context);
  map_show           show  = {.context = context, .x = x, .sheet = &sheet};
  NRF_TRY(nrf_map_sheet_create(x, &sheet));
  const size_t pixels = (size_t)sheet.rows * (size_t)sheet.columns * (size_t)x->height * (size_t)x->width;
  NRF_TRY(nrf_alloc(pixels * sizeof *show.maps, "activity maps", (void **)&show.maps));
  NRF_TRY(show_all(&show, results));
done:
  nrf_map_sheet_free(&sheet);
  nrf_free(show.maps);
  return st;
}
