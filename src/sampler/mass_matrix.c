/* mass_matrix.c - the circulant inverse mass matrix. */
#include "nrflv/mass_matrix.h"

#include <math.h>
#include <stdlib.h>

static const struct {
  int    channels;
  double sd;
} published[] = {{8, 0.1}, {16, 0.3}, {32, 0.55}};

enum { PUBLISHED = sizeof published / sizeof published[0] };

/* Entries below this are 0 in the published implementation. */
static const double smallest_entry = 1e-15;
/* Entries below this part of the diagonal are left out of the arithmetic: a 60th of a float's rounding. */
static const double smallest_share = 1e-9;

static double sd_of(int channels, bool *interpolated)
{
  *interpolated = true;
  int above     = 0;
  while (above < PUBLISHED && published[above].channels < channels) above++;
  if (above < PUBLISHED && published[above].channels == channels) *interpolated = false;
  if (above == PUBLISHED) return published[PUBLISHED - 1].sd;
  if (above == 0 || !*interpolated) return published[above].sd;
  const double span  = published[above].channels - published[above - 1].channels;
  const double share = (channels - published[above - 1].channels) / span;
  return published[above - 1].sd + share * (published[above].sd - published[above - 1].sd);
}

static double density(double distance, double sd)
{
  const double z     = distance / sd;
  const double value = exp(-0.5 * z * z) / (sd * sqrt(2.0 * M_PI));
  return value < smallest_entry ? 0.0 : value;
}

nrf_status nrf_mass_matrix_make(int channels, nrf_mass_matrix *out)
{
  if (channels < NRF_MASS_MATRIX_MIN_CHANNELS || channels > NRF_CIRCULANT_MAX_CHANNELS)
    return nrf_error(NRF_EUNSUPPORTED, "inverse mass matrix: %d channels (it works with %d to %d)", channels,
                     NRF_MASS_MATRIX_MIN_CHANNELS, NRF_CIRCULANT_MAX_CHANNELS);
  nrf_mass_matrix m = {.channels = channels};
  m.sd              = sd_of(channels, &m.interpolated);
  /* With the sd above the band ends before it meets itself on the other side of the circle. */
  for (int k = 0; k <= NRF_CIRCULANT_MAX_HALF_WIDTH && 2 * k < channels; k++) {
    if (density(k, m.sd) < smallest_share * density(0, m.sd)) break;
    m.band.half_width = k;
    m.band.tap[k]     = (float)density(k, m.sd);
  }
  *out = m;
  return NRF_OK;
}

double nrf_mass_matrix_entry(const nrf_mass_matrix *m, int row, int column)
{
  const int apart = abs(row - column) % m->channels;
  return density(apart < m->channels - apart ? apart : m->channels - apart, m->sd);
}
