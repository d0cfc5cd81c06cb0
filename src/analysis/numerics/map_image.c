/* map_image.c - pixels to numbers and back. */
#include "nrflv/analysis/map_image.h"

#include <math.h>

double nrf_image_contrast(int64_t pixels, const uint8_t *rgb)
{
  int lowest = 3 * 255, highest = 0;
  for (int64_t i = 0; i < pixels; i++) {
    const int sum = rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2];
    lowest        = sum < lowest ? sum : lowest;
    highest       = sum > highest ? sum : highest;
  }
  return pixels > 0 ? (double)(highest - lowest) / (double)(highest + lowest) : NAN;
}

void nrf_film_greys(int64_t n, const float *x, float lowest, float highest, uint8_t *grey)
{
  const float range = highest - lowest;
  for (int64_t i = 0; i < n; i++) {
    const float value = 255.0f * ((x[i] - lowest) / range);
    grey[i]           = value >= 0.0f ? (uint8_t)fminf(value, 255.0f) : 0; /* a NaN is not >= 0 */
  }
}
