/* visualisation_pictures.c - films and summaries of the pictures of --viz. */
#include "managers/visualisation_pictures.h"

#include "nrflv/gif_file.h"
#include "nrflv/image_grid.h"
#include "nrflv/memory.h"
#include "nrflv/text_label.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- films ---- */

enum { FRAME_HUNDREDTHS = 8, LAST_FRAME_HUNDREDTHS = 200 };

static nrf_status read_frame(const nrf_viz_folder *folder, nrf_viz_run run, int64_t number, nrf_picture *out)
{
  return nrf_png_read(nrf_viz_picture_path(folder, run, nrf_viz_picture_steps(folder, number)).text, out);
}

/* One palette for all frames: colours do not flicker. */
static nrf_status choose_palette(const nrf_viz_folder *folder, nrf_viz_run run, nrf_palette *out)
{
  nrf_status         st     = NRF_OK;
  nrf_colour_counts *counts = NULL;
  const int64_t      frames = nrf_viz_picture_count(folder);
  NRF_RETURN_IF_ERROR(nrf_colour_counts_create(&counts));
  for (int64_t i = 0; i < frames; i++) {
    nrf_picture frame;
    NRF_TRY(read_frame(folder, run, i, &frame));
    nrf_colour_counts_add(counts, &frame);
    nrf_picture_free(&frame);
  }
  NRF_TRY(nrf_palette_choose(counts, NRF_PALETTE_MAX, out));
done:
  nrf_colour_counts_free(counts);
  return st;
}

/* Opens the film with its first frame. */
static nrf_status add_frame(const char *path, const nrf_palette *palette, const nrf_picture *frame,
                            int hundredths, nrf_gif_file **gif)
{
  if (*gif == NULL) NRF_RETURN_IF_ERROR(nrf_gif_create(path, frame->width, frame->height, palette, gif));
  return nrf_gif_add(*gif, frame, hundredths);
}

nrf_status nrf_viz_make_film(const nrf_viz_folder *folder, nrf_viz_run run)
{
  nrf_status         st     = NRF_OK;
  nrf_gif_file      *gif    = NULL;
  nrf_picture        frame  = {0};
  const nrf_viz_path path   = nrf_viz_film_path(folder, run);
  const int64_t      frames = nrf_viz_picture_count(folder);
  nrf_palette        palette;
  if (access(path.text, F_OK) == 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(choose_palette(folder, run, &palette));
  for (int64_t i = 0; i < frames; i++) {
    NRF_TRY(read_frame(folder, run, i, &frame));
    NRF_TRY(add_frame(path.text, &palette, &frame, i == frames - 1 ? LAST_FRAME_HUNDREDTHS : FRAME_HUNDREDTHS,
                      &gif));
    nrf_picture_free(&frame);
  }
  NRF_TRY(nrf_gif_commit(gif));
done:
  nrf_picture_free(&frame);
  nrf_gif_free(gif);
  return st;
}

/* ---- summaries ---- */

enum { MARGIN = 10, GAP = 8, TITLE_HEIGHT = NRF_LABEL_HEIGHT + 8, PAPER = 255, INK = 0, ROW_GAP = 1 };

/* A sheet in the making. */
typedef struct summary {
  const char    *title;
  nrf_layer_size image;
  int            rows, rows_done;
  int            left, top;     /* of the first row of images          */
  int            width, height; /* of a row; known with the first      */
  nrf_picture    sheet;
} summary;

/* The first row of a picture is taken whole, with the black above and below. */
static nrf_status begin_sheet(summary *s, const nrf_picture *first)
{
  s->left          = MARGIN + nrf_label_width("ch 000", 1) + GAP;
  s->top           = MARGIN + TITLE_HEIGHT;
  s->width         = first->width;
  s->height        = s->image.height + 2 * NRF_GRID_PADDING;
  const int images = s->left + s->width, words = MARGIN + nrf_label_width(s->title, 1);
  const int row_space = s->rows * (s->height + ROW_GAP) - ROW_GAP;
  NRF_RETURN_IF_ERROR(nrf_picture_create((images > words ? images : words) + MARGIN,
                                         s->top + row_space + MARGIN, 3, &s->sheet));
  memset(s->sheet.pixels, PAPER, (size_t)s->sheet.width * (size_t)s->sheet.height * 3);
  nrf_label_draw(&s->sheet, MARGIN, MARGIN, 1, INK, s->title);
  return NRF_OK;
}

static bool fits(const summary *s, const nrf_picture *grid)
{
  return grid->channels == 3 && grid->height >= s->image.height + 2 * NRF_GRID_PADDING &&
         (s->rows_done == 0 || grid->width == s->width);
}

static void place_row(summary *s, int channel, const nrf_picture *grid)
{
  const int y0 = s->top + s->rows_done++ * (s->height + ROW_GAP);
  char      label[16];
  (void)snprintf(label, sizeof label, "ch %d", channel);
  nrf_label_draw(&s->sheet, s->left - GAP - nrf_label_width(label, 1),
                 y0 + (s->height - NRF_LABEL_HEIGHT) / 2, 1, INK, label);
  for (int y = 0; y < s->height; y++)
    memcpy(s->sheet.pixels + ((int64_t)(y0 + y) * s->sheet.width + s->left) * 3,
           grid->pixels + (int64_t)y * grid->width * 3, (size_t)grid->width * 3);
}

static nrf_status add_row(summary *s, const nrf_viz_folder *folder, nrf_viz_run run)
{
  nrf_status         st   = NRF_OK;
  nrf_picture        grid = {0};
  const nrf_viz_path path = nrf_viz_picture_path(folder, run, folder->steps);
  NRF_TRY(nrf_png_read(path.text, &grid));
  if (!fits(s, &grid))
    NRF_FAIL(NRF_ESHAPE, "%s: not a picture of this visualisation; remove it and start again", path.text);
  if (s->rows_done == 0) NRF_TRY(begin_sheet(s, &grid));
  place_row(s, run.channel, &grid);
done:
  nrf_picture_free(&grid);
  return st;
}

nrf_status nrf_viz_make_summary(const nrf_viz_folder *folder, int layer, int channels, nrf_layer_size image,
                                const char *title)
{
  nrf_status st = NRF_OK;
  summary    s  = {.title = title, .image = image};
  bool      *complete;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)channels * sizeof *complete, "summary", (void **)&complete));
  for (int c = 0; c < channels; c++) {
    complete[c] = nrf_viz_run_is_complete(folder, (nrf_viz_run){layer, c});
    s.rows += complete[c];
  }
  for (int c = 0; c < channels; c++)
    if (complete[c]) NRF_TRY(add_row(&s, folder, (nrf_viz_run){layer, c}));
  if (s.rows > 0) NRF_TRY(nrf_png_write(nrf_viz_summary_path(folder, layer).text, &s.sheet));
done:
  nrf_picture_free(&s.sheet);
  nrf_free(complete);
  return st;
}
