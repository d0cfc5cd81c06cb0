/* true_contrast.c - contrasts of the pictures in a recording. */
#include "nrflv/analysis/true_contrast.h"

#include "nrflv/analysis/map_image.h"

#include <math.h>

double nrf_true_contrast(const nrf_extract *x, int b)
{
  const nrf_recording_pictures *size    = &x->info->pictures;
  const uint8_t                *picture = nrf_extract_picture(x, NRF_SHOWS_STIMULUS, b);
  if (picture == NULL) return NAN;
  return nrf_planes_contrast(size->channels, (int64_t)size->height * size->width, picture);
}
