/* states.c - field arrays of a batch, and their conversion to and from NCHW. */
#include "nrflv/states.h"

#include "nrflv/memory.h"

#include <string.h>

nrf_status nrf_states_create(int n_layers, const nrf_layer_size size[], int batch, nrf_states **out)
{
  *out = NULL;
  if (n_layers < 1 || n_layers > NRF_MAX_LAYERS || batch < 1)
    return nrf_error(NRF_EINVAL, "states: %d layers for %d images (1 to %d layers, at least 1 image)",
                     n_layers, batch, NRF_MAX_LAYERS);
  nrf_states *s = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *s, "states", (void **)&s));
  s->n_layers = n_layers;
  s->batch    = batch;
  for (int i = 0; i < n_layers; i++) {
    s->size[i]          = size[i];
    const nrf_status st = nrf_alloc_floats(nrf_states_count(s, i), "states", &s->data[i]);
    if (st != NRF_OK) {
      nrf_states_free(s);
      return st;
    }
  }
  *out = s;
  return NRF_OK;
}

void nrf_states_free(nrf_states *s)
{
  if (s == NULL) return;
  for (int i = 0; i < s->n_layers; i++) nrf_free(s->data[i]);
  nrf_free(s);
}

void nrf_states_copy(nrf_states *dst, const nrf_states *src)
{
  for (int i = 0; i < src->n_layers; i++)
    memcpy(dst->data[i], src->data[i], (size_t)nrf_states_count(src, i) * sizeof(float));
}

bool nrf_states_fit(const nrf_states *s, int n_layers, const nrf_layer_size size[], int batch)
{
  if (s->n_layers != n_layers || s->batch != batch) return false;
  for (int i = 0; i < n_layers; i++)
    if (s->size[i].channels != size[i].channels || s->size[i].height != size[i].height ||
        s->size[i].width != size[i].width)
      return false;
  return true;
}

void nrf_states_set_image(nrf_states *s, int layer, int image, const float *chw)
{
  const int     channels = s->size[layer].channels;
  const int64_t pixels   = (int64_t)s->size[layer].height * s->size[layer].width;
  float        *field    = s->data[layer] + image * pixels * channels;
  for (int c = 0; c < channels; c++)
    for (int64_t p = 0; p < pixels; p++) field[p * channels + c] = chw[c * pixels + p];
}

void nrf_states_get_image(const nrf_states *s, int layer, int image, float *chw)
{
  const int     channels = s->size[layer].channels;
  const int64_t pixels   = (int64_t)s->size[layer].height * s->size[layer].width;
  const float  *field    = s->data[layer] + image * pixels * channels;
  for (int c = 0; c < channels; c++)
    for (int64_t p = 0; p < pixels; p++) chw[c * pixels + p] = field[p * channels + c];
}

void nrf_states_set_nchw(nrf_states *s, int layer, const float *nchw)
{
  for (int n = 0; n < s->batch; n++)
    nrf_states_set_image(s, layer, n, nchw + n * nrf_layer_units(s->size[layer]));
}

void nrf_states_get_nchw(const nrf_states *s, int layer, float *nchw)
{
  for (int n = 0; n < s->batch; n++)
    nrf_states_get_image(s, layer, n, nchw + n * nrf_layer_units(s->size[layer]));
}
