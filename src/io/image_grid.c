/* image_grid.c - a batch of images as one picture. */
#include "nrflv/image_grid.h"

#include <limits.h>

/* Scaled in float32 and rounded half up, as torchvision does. */
static uint8_t to_byte(float value, float low, float high)
{
  if (!(value > low)) return 0; /* NaN too */
  if (value >= high) return 255;
  const float scaled = (value - low) / (high - low) * 255.0f;
  /* The sum rounded to float32 once more, but by way of double: a fused multiply-add would skip the
   * product's rounding. */
  return (uint8_t)(float)((double)scaled + 0.5);
}

/* Places one image [channels, height, width] with its upper left corner at (x0, y0). */
static void place(nrf_picture *picture, int x0, int y0, nrf_grid_style style, int channels, int height,
                  int width, const float *image)
{
  const int64_t plane = (int64_t)height * width;
  for (int y = 0; y < height; y++) {
    uint8_t *pixel = picture->pixels + ((int64_t)(y0 + y) * picture->width + x0) * picture->channels;
    for (int x = 0; x < width; x++)
      for (int c = 0; c < picture->channels; c++)
        *pixel++ =
            to_byte(image[(channels == 1 ? 0 : c) * plane + (int64_t)y * width + x], style.low, style.high);
  }
}

nrf_status nrf_image_grid_render(nrf_grid_style style, int64_t n, int channels, int height, int width,
                                 const float *images, nrf_picture *out)
{
  *out = (nrf_picture){0};
  if (n < 1 || height < 1 || width < 1 || (channels != 1 && channels != 3))
    return nrf_error(NRF_EINVAL, "image grid: cannot show %lld images of %d x %d x %d", (long long)n,
                     channels, height, width);
  if (style.columns < 1 || style.padding < 0 || !(style.low < style.high))
    return nrf_error(NRF_EINVAL, "image grid: %d columns, padding %d, values from %g to %g", style.columns,
                     style.padding, (double)style.low, (double)style.high);

  const int64_t columns = n < style.columns ? n : style.columns, rows = n / columns + (n % columns != 0);
  const int64_t step_x = (int64_t)width + style.padding, step_y = (int64_t)height + style.padding;
  int64_t       grid_width = 0, grid_height = 0;
  if (__builtin_mul_overflow(columns, step_x, &grid_width) ||
      __builtin_mul_overflow(rows, step_y, &grid_height) || grid_width > INT_MAX - style.padding ||
      grid_height > INT_MAX - style.padding)
    return nrf_error(NRF_EINVAL, "image grid: %lld images of %d x %d do not fit a picture", (long long)n,
                     height, width);

  NRF_RETURN_IF_ERROR(
      nrf_picture_create((int)grid_width + style.padding, (int)grid_height + style.padding, 3, out));
  const int64_t units = (int64_t)channels * height * width;
  for (int64_t i = 0; i < n; i++)
    place(out, (int)(i % columns * step_x) + style.padding, (int)(i / columns * step_y) + style.padding,
          style, channels, height, width, images + i * units);
  return NRF_OK;
}

nrf_status nrf_image_grid_write(const char *path, nrf_grid_style style, int64_t n, int channels, int height,
                                int width, const float *images)
{
  nrf_picture picture;
  nrf_status  st = nrf_image_grid_render(style, n, channels, height, width, images, &picture);
  if (st != NRF_OK) return nrf_error_context(st, "%s", path);
  st = nrf_png_write(path, &picture);
  nrf_picture_free(&picture);
  return st;
}
