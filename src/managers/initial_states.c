/* initial_states.c - where the layers of a field start. */
#include "managers/initial_states.h"

#include "nrflv/rng.h"
#include "nrflv/state_kernels.h"

#include <string.h>

/* Random pixels for --neg_ff_init: per image and channel a mean U[0, 0.7), per pixel N(0, 0.3^2) on top. */
static const float pixel_mean_below = 0.7f, pixel_sd = 0.3f;

/* Layers from `first` up, uniform in [0,1), or [-1,1) for hardtanh. */
static nrf_status fill_random(const nrf_settings *settings, uint64_t phase, int first, nrf_states *s)
{
  const float low = strcmp(settings->states_activation, "hardtanh") == 0 ? -1.0f : 0.0f;
  for (int i = first; i < s->n_layers; i++) {
    const nrf_rng r = nrf_rng_at(settings->seed, NRF_RNG_STATES, phase, (uint32_t)i);
    NRF_RETURN_IF_ERROR(nrf_state_kernels_cpu.fill_uniform(nrf_states_count(s, i), s->data[i], low, 1.0f, r));
  }
  return NRF_OK;
}

static nrf_status fill_random_pixels(const nrf_settings *settings, uint64_t phase, nrf_states *s)
{
  const nrf_rng means    = nrf_rng_at(settings->seed, NRF_RNG_PIXELS, phase, 0);
  const nrf_rng noise    = nrf_rng_at(settings->seed, NRF_RNG_PIXELS, phase, 1);
  const int64_t channels = s->size[0].channels, pixels = nrf_layer_units(s->size[0]) / channels;
  for (int64_t n = 0; n < s->batch; n++)
    for (int64_t c = 0; c < channels; c++) {
      const float mean = pixel_mean_below * nrf_rng_uniform(means, (uint64_t)(n * channels + c));
      for (int64_t p = 0; p < pixels; p++) s->data[0][(n * pixels + p) * channels + c] = mean;
    }
  return nrf_state_kernels_cpu.add_noise(nrf_states_count(s, 0), s->data[0], pixel_sd, noise);
}

nrf_status nrf_start_all_layers(const nrf_settings *settings, nrf_initialiser *initialiser, uint64_t phase,
                                nrf_states *states)
{
  if (!settings->neg_ff_init) return fill_random(settings, phase, 0, states);
  NRF_RETURN_IF_ERROR(fill_random_pixels(settings, phase, states));
  return nrf_initialiser_predict(initialiser, states);
}

nrf_status nrf_start_latent_layers(const nrf_settings *settings, nrf_initialiser *initialiser, uint64_t phase,
                                   nrf_states *states)
{
  if (strcmp(settings->initializer, "ff_init") == 0) return nrf_initialiser_predict(initialiser, states);
  if (strcmp(settings->initializer, "zeros") != 0) return fill_random(settings, phase, 1, states);
  for (int i = 1; i < states->n_layers; i++)
    memset(states->data[i], 0, (size_t)nrf_states_count(states, i) * sizeof(float));
  return NRF_OK;
}
