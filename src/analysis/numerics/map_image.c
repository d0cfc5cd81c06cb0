/* map_image.c - pixels to numbers and back. */
#include "nrflv/analysis/map_image.h"

#include <math.h>

/* The value of plane p at pixel i is value[p * plane + i * pixel]. */
static double contrast_of(int planes, int64_t pixels, int64_t plane, int64_t pixel, const uint8_t *value)
{
  int lowest = planes * UINT8_MAX, highest = 0;
  for (int64_t i = 0; i < pixels; i++) {
    int sum = 0;
    for (int p = 0; p < planes; p++) sum += value[p * plane + i * pixel];
    lowest  = sum < lowest ? sum : lowest;
    highest = sum > highest ? sum : highest;
  }
  return pixels > 0 ? (double)(highest - lowest) / (double)(highest + lowest) : NAN;
}

double nrf_image_contrast(int64_t pixels, const uint8_t *rgb)
{
  enum { COLOURS = 3 };
  return contrast_of(COLOURS, pixels, 1, COLOURS, rgb);
}

double nrf_planes_contrast(int planes, int64_t pixels, const uint8_t *value)
{
  return contrast_of(planes, pixels, pixels, 1, value);
}

void nrf_film_greys(int64_t n, const float *x, float lowest, float highest, uint8_t *grey)
{
  const float range = highest - lowest;
  for (int64_t i = 0; i < n; i++) {
    const float value = 255.0f * ((x[i] - lowest) / range);
    grey[i]           = value >= 0.0f ? (uint8_t)fminf(value, 255.0f) : 0; /* a NaN is not >= 0 */
  }
}
