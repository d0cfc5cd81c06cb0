/* gabor.c - the Gabor patch of the stimuli. */
#include "nrflv/gabor.h"

#include <math.h>
#include <stdint.h>

static const double PI = 3.14159265358979323846;

enum { WIDEST = 1 << 20 }; /* larger than any image; keeps the sums below in range */

static int half_size(double along, double across)
{
  return (int)ceil(fmin(WIDEST, fmax(1.0, fmax(fabs(along), fabs(across)))));
}

nrf_gabor_box nrf_gabor_box_of(const nrf_gabor *patch)
{
  const double x = 3.0 * patch->sigma, y = 3.0 * patch->sigma / patch->aspect;
  const double c = cos(patch->angle), s = sin(patch->angle);
  return (nrf_gabor_box){.rows = half_size(x * c, y * s), .columns = half_size(x * s, y * c)};
}

static int clip(int half, int size)
{
  const int excess = 2 * half + 1 - size;
  if (excess <= 0) return half;
  const int cut = excess / 2 + 1;
  return cut < half ? half - cut : 0;
}

nrf_gabor_box nrf_gabor_box_clip(nrf_gabor_box box, int height, int width)
{
  return (nrf_gabor_box){.rows = clip(box.rows, height), .columns = clip(box.columns, width)};
}

double nrf_gabor_deviation(const nrf_gabor *patch, int x, int y)
{
  const double c = cos(patch->angle), s = sin(patch->angle);
  const double across = x * c + y * s, along = patch->aspect * (-x * s + y * c);
  const double envelope = exp(-(across * across + along * along) / (2.0 * patch->sigma * patch->sigma));
  return patch->contrast * envelope * cos(2.0 * PI * across / patch->wavelength + patch->phase);
}

static int largest(int a, int b)
{
  return a > b ? a : b;
}

static int smallest(int a, int b)
{
  return a < b ? a : b;
}

void nrf_gabor_add(const nrf_gabor *patch, nrf_gabor_box box, double gain, int centre_row, int centre_column,
                   int height, int width, double *field)
{
  const int top = largest(-box.rows, -centre_row), bottom = smallest(box.rows, height - 1 - centre_row);
  const int left  = largest(-box.columns, -centre_column);
  const int right = smallest(box.columns, width - 1 - centre_column);
  for (int x = top; x <= bottom; x++)
    for (int y = left; y <= right; y++)
      field[(int64_t)(centre_row + x) * width + centre_column + y] += gain * nrf_gabor_deviation(patch, x, y);
}
