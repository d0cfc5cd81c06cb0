/* map_picture.c - maps as PNG files. */
#include "map_picture.h"

#include "nrflv/png_file.h"
#include "nrflv/text_label.h"

#include <math.h>
#include <stdio.h>

/* In pixels. A map becomes as large as fits into SIDE, but each place at least one pixel. */
enum { SIDE = 256, MARGIN = 8, BAR = 12, LABEL_SCALE = 1, LABEL_BYTES = 32, WHITE = 255, BLACK = 0 };

typedef struct frame {
  int square; /* pixels of a place */
  int width, height;
  int bar, label; /* left edges */
} frame;

static frame frame_of(int height, int width, const char *low, const char *high)
{
  const int side   = height > width ? height : width;
  const int square = side < SIDE ? SIDE / side : 1;
  const int bar = MARGIN + width * square + MARGIN, label = bar + BAR + MARGIN / 2;
  const int one = nrf_label_width(low, LABEL_SCALE), other = nrf_label_width(high, LABEL_SCALE);
  return (frame){square, label + (one > other ? one : other) + MARGIN, height * square + 2 * MARGIN, bar,
                 label};
}

static void put(nrf_picture *picture, int x, int y, nrf_colour colour)
{
  uint8_t *pixel = picture->pixels + ((int64_t)y * picture->width + x) * 3;
  pixel[0]       = colour.red;
  pixel[1]       = colour.green;
  pixel[2]       = colour.blue;
}

static nrf_colour colour_of(double value, nrf_colour_scale scale)
{
  const double range = scale.high - scale.low;
  return nrf_colour_at(scale.map, isnan(value) || range > 0.0 ? (value - scale.low) / range : 0.5);
}

static void draw(nrf_picture *picture, frame f, int height, int width, const double *map,
                 nrf_colour_scale scale)
{
  const int  rows  = height * f.square;
  nrf_colour white = {WHITE, WHITE, WHITE};
  for (int y = 0; y < picture->height; y++)
    for (int x = 0; x < picture->width; x++) put(picture, x, y, white);
  for (int y = 0; y < rows; y++) {
    const double part = rows > 1 ? 1.0 - (double)y / (rows - 1) : 0.5;
    for (int x = 0; x < width * f.square; x++)
      put(picture, MARGIN + x, MARGIN + y, colour_of(map[y / f.square * width + x / f.square], scale));
    for (int x = 0; x < BAR; x++) put(picture, f.bar + x, MARGIN + y, nrf_colour_at(scale.map, part));
  }
}

nrf_status nrf_map_picture_write(const char *path, int height, int width, const double *map,
                                 nrf_colour_scale scale)
{
  char        low[LABEL_BYTES], high[LABEL_BYTES];
  nrf_picture picture;
  (void)snprintf(low, sizeof low, "%.3g", scale.low);
  (void)snprintf(high, sizeof high, "%.3g", scale.high);
  const frame f = frame_of(height, width, low, high);
  NRF_RETURN_IF_ERROR(nrf_picture_create(f.width, f.height, 3, &picture));
  draw(&picture, f, height, width, map, scale);
  nrf_label_draw(&picture, f.label, MARGIN, LABEL_SCALE, BLACK, high);
  nrf_label_draw(&picture, f.label, f.height - MARGIN - NRF_LABEL_HEIGHT * LABEL_SCALE, LABEL_SCALE, BLACK,
                 low);
  const nrf_status st = nrf_png_write_unflushed(path, &picture);
  nrf_picture_free(&picture);
  return st;
}
