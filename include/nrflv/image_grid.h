/* image_grid.h - a batch of images as one picture (system.md section 3, "Image grids"). */
#ifndef NRFLV_IMAGE_GRID_H
#define NRFLV_IMAGE_GRID_H

#include "nrflv/png_file.h"
#include "nrflv/status.h"

#include <stdint.h>

enum { NRF_GRID_COLUMNS = 16, NRF_GRID_PADDING = 2 };

typedef struct nrf_grid_style {
  int   columns;   /* images per row; fewer images than this make a narrower picture */
  int   padding;   /* black pixels between and around the images                     */
  float low, high; /* the values that become 0 and 255; others are clamped           */
} nrf_grid_style;

/* The specified grid: 16 per row, 2 pixels of black, values from `low` to `high`. */
static inline nrf_grid_style nrf_grid_style_of(float low, float high)
{
  return (nrf_grid_style){NRF_GRID_COLUMNS, NRF_GRID_PADDING, low, high};
}

/* Renders n >= 1 images [n, channels, height, width] into a new RGB picture. One-channel images become
 * grey. The pixels are those of torchvision's save_image(normalize=True, value_range=(low, high)), except
 * that a single image gets its border too. NaN becomes black. NRF_EINVAL for channels other than 1 and 3,
 * and for a style without columns or range. */
NRF_MUST_CHECK nrf_status nrf_image_grid_render(nrf_grid_style style, int64_t n, int channels, int height,
                                                int width, const float *images, nrf_picture *out);

/* Renders and writes a PNG file, atomically. */
NRF_MUST_CHECK nrf_status nrf_image_grid_write(const char *path, nrf_grid_style style, int64_t n,
                                               int channels, int height, int width, const float *images);

#endif
