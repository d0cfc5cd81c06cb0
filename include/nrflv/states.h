/* states.h - the states of a field: one array per layer for a batch of images (chains).
 *
 * A *field* array of a layer [C, H, W] with batch B is stored channels-last: element (n, c, y, x) stands at
 * ((n H + y) W + x) C + c. All channels of a pixel are neighbours, which is what convolutions, the inverse
 * mass matrix and vector units want; an image's elements are contiguous, so a chain can be worked on alone.
 * Files, references and everything shown to users are NCHW; the two functions below convert.
 * Momenta, gradients, neuron energies and bno have the same form, so they are nrf_states too. */
#ifndef NRFLV_STATES_H
#define NRFLV_STATES_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NRF_MAX_LAYERS = 16 };

typedef struct nrf_layer_size {
  int channels, height, width;
} nrf_layer_size;

static inline int64_t nrf_layer_units(nrf_layer_size s)
{
  return (int64_t)s.channels * s.height * s.width;
}

typedef struct nrf_states {
  int            n_layers;
  int            batch;
  nrf_layer_size size[NRF_MAX_LAYERS];
  float         *data[NRF_MAX_LAYERS]; /* [batch * units], channels-last, 64-byte aligned */
} nrf_states;

/* Owned memory, filled with zeros. NRF_ENOMEM names the size asked for. */
NRF_MUST_CHECK nrf_status nrf_states_create(int n_layers, const nrf_layer_size size[], int batch,
                                            nrf_states **out);
void                      nrf_states_free(nrf_states *s);

/* Copies all layers. Both must have the same sizes and batch. */
void nrf_states_copy(nrf_states *dst, const nrf_states *src);

/* One layer to and from NCHW [batch, C, H, W]. */
void nrf_states_set_nchw(nrf_states *s, int layer, const float *nchw);
void nrf_states_get_nchw(const nrf_states *s, int layer, float *nchw);

/* One image of one layer to and from CHW: samples of the replay buffer, of a data set. */
void nrf_states_set_image(nrf_states *s, int layer, int image, const float *chw);
void nrf_states_get_image(const nrf_states *s, int layer, int image, float *chw);

/* Whether these are states of such layers for such a batch. */
bool nrf_states_fit(const nrf_states *s, int n_layers, const nrf_layer_size size[], int batch);

static inline int64_t nrf_states_count(const nrf_states *s, int layer)
{
  return s->batch * nrf_layer_units(s->size[layer]);
}

#endif
