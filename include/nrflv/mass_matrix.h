/* mass_matrix.h - SGHMC's inverse mass matrix M, which mixes the channels of a pixel (spec/system.md 2.1). */
#ifndef NRFLV_MASS_MATRIX_H
#define NRFLV_MASS_MATRIX_H

#include "nrflv/state_kernels.h"
#include "nrflv/status.h"

#include <stdbool.h>

enum { NRF_MASS_MATRIX_MIN_CHANNELS = 6 };

/* M of a layer: row c is the normal density of standard deviation sd at the circular distance from c. */
typedef struct nrf_mass_matrix {
  int    channels;
  double sd;
  bool   interpolated; /* the published implementation has no sd for this number of channels: tell the user */
  nrf_circulant band;  /* the entries that show in single precision: above 1e-9 of the diagonal */
} nrf_mass_matrix;

/* sd is 0.1, 0.3, 0.55 for 8, 16, 32 channels, linear in between and constant outside. NRF_EUNSUPPORTED
 * for fewer channels than NRF_MASS_MATRIX_MIN_CHANNELS (such layers have no M), and for more than
 * NRF_CIRCULANT_MAX_CHANNELS. */
NRF_MUST_CHECK nrf_status nrf_mass_matrix_make(int channels, nrf_mass_matrix *out);

/* One entry of the full matrix; values under 1e-15 are 0. */
double nrf_mass_matrix_entry(const nrf_mass_matrix *m, int row, int column);

#endif
