/* contact_sheet.c - all images of a set on one page. */
#include "contact_sheet.h"

#include "nrflv/text_label.h"

#include <stdio.h>
#include <string.h>

enum {
  SMALLEST_SIDE = 64, /* of an enlarged image: captions fit under it */
  GAP           = 6,
  CAPTION_LINES = 2,
  LINE          = NRF_LABEL_HEIGHT + 1,
  TITLE_SCALE   = 2,
  TITLE_HEIGHT  = (NRF_LABEL_HEIGHT + 2) * TITLE_SCALE,
  MARGIN        = 12,
  PAPER         = 255,
  INK           = 0,
  PALE_INK      = 110,
  CAPTION_BYTES = 48,
};

typedef struct caption {
  char line[CAPTION_LINES][CAPTION_BYTES];
} caption;

typedef struct layout {
  int columns, rows;
  int scale;          /* image pixel -> pixels of the sheet        */
  int width, height;  /* of an enlarged image                      */
  int step_x, step_y; /* from one image to the next                */
  int left, top;      /* of the first image                        */
  int sheet_width, sheet_height;
} layout;

/* ---- words ---- */

static double degrees(double radian)
{
  return radian * (180.0 / 3.14159265358979323846);
}

/* One patch: its angle and contrast. Two: the angles of the static and of the mobile one, and where the latter is. */
static caption caption_of(const nrf_stimulus *s)
{
  const nrf_stimulus_patch *p     = &s->patch[0];
  const double              angle = degrees(p->gabor.angle);
  caption                   c;
  if (s->n_patches == 1) {
    (void)snprintf(c.line[0], CAPTION_BYTES, "%.1f\xc2\xb0", angle);
    (void)snprintf(c.line[1], CAPTION_BYTES, "c %.1f", p->gabor.contrast);
  } else {
    (void)snprintf(c.line[0], CAPTION_BYTES, "%.0f\xc2\xb0 %.0f\xc2\xb0",
                   degrees(nrf_stimulus_static_angle(s)), angle);
    (void)snprintf(c.line[1], CAPTION_BYTES, "(%+d,%+d)", p->offset_row, p->offset_column);
  }
  return c;
}

static const char *legend_of(const nrf_stimulus *s)
{
  return s->n_patches == 1
             ? "below each image: angle, contrast; before each row: number in the batch"
             : "below each image: angles of the static and the mobile patch, the latter's (row,column) "
               "from the centre; before each row: number in the batch";
}

/* ---- places ---- */

static int largest(int a, int b)
{
  return a > b ? a : b;
}

static layout lay_out(const nrf_stimulus_set *set, const nrf_stimulus *stimulus, nrf_layer_size size)
{
  layout    l     = {.columns = nrf_stimulus_set_columns(set)};
  const int count = nrf_stimulus_set_count(set), side = largest(size.height, size.width);
  int       cell = 0;
  l.rows         = (count + l.columns - 1) / l.columns;
  l.scale        = side >= SMALLEST_SIDE ? 1 : (SMALLEST_SIDE + side - 1) / side;
  l.width        = size.width * l.scale;
  l.height       = size.height * l.scale;
  for (int i = 0; i < count; i++) {
    const caption c = caption_of(&stimulus[i]);
    for (int k = 0; k < CAPTION_LINES; k++) cell = largest(cell, nrf_label_width(c.line[k], 1));
  }
  l.step_x = largest(l.width, cell) + GAP;
  l.step_y = l.height + 3 + CAPTION_LINES * LINE + GAP;
  l.left   = MARGIN + nrf_label_width("000", 1) + GAP;
  l.top    = MARGIN + TITLE_HEIGHT + 2 * LINE + 2 + GAP;

  const int heading = largest(
      nrf_label_width(nrf_stimulus_set_name(set), TITLE_SCALE),
      largest(nrf_label_width(nrf_stimulus_set_summary(set), 1), nrf_label_width(legend_of(stimulus), 1)));
  l.sheet_width  = MARGIN + largest(l.left + l.columns * l.step_x - GAP, MARGIN + heading);
  l.sheet_height = MARGIN + l.top + l.rows * l.step_y - GAP;
  return l;
}

static void place_image(const layout *l, int x0, int y0, nrf_layer_size size, const uint8_t *image,
                        nrf_picture *out)
{
  const int64_t plane = (int64_t)size.height * size.width;
  for (int y = 0; y < l->height; y++) {
    uint8_t *pixel = out->pixels + ((int64_t)(y0 + y) * out->width + x0) * out->channels;
    for (int x = 0; x < l->width; x++)
      for (int c = 0; c < out->channels; c++)
        *pixel++ = image[c * plane + (int64_t)(y / l->scale) * size.width + x / l->scale];
  }
}

static void draw_heading(const nrf_stimulus_set *set, const char *legend, nrf_picture *out)
{
  const int y = MARGIN + TITLE_HEIGHT;
  nrf_label_draw(out, MARGIN, MARGIN, TITLE_SCALE, INK, nrf_stimulus_set_name(set));
  nrf_label_draw(out, MARGIN, y, 1, INK, nrf_stimulus_set_summary(set));
  nrf_label_draw(out, MARGIN, y + LINE + 2, 1, PALE_INK, legend);
}

nrf_status nrf_contact_sheet_render(const nrf_stimulus_set *set, const nrf_stimulus *stimulus,
                                    nrf_layer_size size, const uint8_t *images, nrf_picture *out)
{
  const layout l     = lay_out(set, stimulus, size);
  const int    count = nrf_stimulus_set_count(set);
  NRF_RETURN_IF_ERROR(nrf_picture_create(l.sheet_width, l.sheet_height, size.channels, out));
  memset(out->pixels, PAPER, (size_t)out->width * (size_t)out->height * (size_t)out->channels);

  draw_heading(set, legend_of(stimulus), out);
  for (int i = 0; i < count; i++) {
    const int x = l.left + i % l.columns * l.step_x, y = l.top + i / l.columns * l.step_y;
    if (i % l.columns == 0) {
      char number[16];
      (void)snprintf(number, sizeof number, "%3d", i);
      nrf_label_draw(out, MARGIN, y + (l.height - NRF_LABEL_HEIGHT) / 2, 1, PALE_INK, number);
    }
    place_image(&l, x, y, size, images + i * nrf_layer_units(size), out);
    const caption c = caption_of(&stimulus[i]);
    for (int k = 0; k < CAPTION_LINES; k++)
      nrf_label_draw(out, x, y + l.height + 3 + k * LINE, 1, INK, c.line[k]);
  }
  return NRF_OK;
}
