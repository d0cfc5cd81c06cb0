/* replay_buffer.c - a ring of samples in chunks. A sample is one run of floats, layer after layer. */
#include "nrflv/replay_buffer.h"

#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include <string.h>

struct nrf_replay_buffer {
  int64_t        capacity, count;
  uint64_t       pushed;
  int            n_layers;
  nrf_layer_size size[NRF_MAX_LAYERS];
  int64_t        offset[NRF_MAX_LAYERS]; /* of a layer in a sample */
  int64_t        sample_floats;
  float        **chunk; /* [ceil(capacity / NRF_REPLAY_CHUNK)], NULL where nothing has been stored yet */
};

static int64_t chunk_count(const nrf_replay_buffer *b)
{
  return (b->capacity + NRF_REPLAY_CHUNK - 1) / NRF_REPLAY_CHUNK;
}

nrf_status nrf_replay_buffer_create(int64_t capacity, int n_layers, const nrf_layer_size size[],
                                    nrf_replay_buffer **out)
{
  nrf_replay_buffer *b = NULL;
  *out                 = NULL;
  if (capacity < 1 || capacity > UINT32_MAX || n_layers < 1 || n_layers > NRF_MAX_LAYERS)
    return nrf_error(NRF_EINVAL, "replay buffer: %lld samples of %d layers", (long long)capacity, n_layers);
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *b, "replay buffer", (void **)&b));
  b->capacity = capacity;
  b->n_layers = n_layers;
  for (int i = 0; i < n_layers; i++) {
    b->size[i]   = size[i];
    b->offset[i] = b->sample_floats;
    b->sample_floats += nrf_layer_units(size[i]);
  }
  const nrf_status st =
      nrf_alloc((size_t)chunk_count(b) * sizeof(float *), "replay buffer", (void **)&b->chunk);
  if (st != NRF_OK) {
    nrf_free(b);
    return st;
  }
  *out = b;
  return NRF_OK;
}

void nrf_replay_buffer_free(nrf_replay_buffer *b)
{
  if (b == NULL) return;
  for (int64_t k = 0; k < chunk_count(b); k++) nrf_free(b->chunk[k]);
  nrf_free(b->chunk);
  nrf_free(b);
}

int64_t nrf_replay_buffer_count(const nrf_replay_buffer *b)
{
  return b->count;
}

uint64_t nrf_replay_buffer_pushed(const nrf_replay_buffer *b)
{
  return b->pushed;
}

static int64_t slot_of(const nrf_replay_buffer *b, uint64_t number)
{
  return (int64_t)(number % (uint64_t)b->capacity);
}

static float *slot_data(const nrf_replay_buffer *b, int64_t slot)
{
  return b->chunk[slot / NRF_REPLAY_CHUNK] + slot % NRF_REPLAY_CHUNK * b->sample_floats;
}

const float *nrf_replay_buffer_sample(const nrf_replay_buffer *b, int64_t age, int layer)
{
  const uint64_t oldest = b->pushed - (uint64_t)b->count;
  return slot_data(b, slot_of(b, oldest + (uint64_t)age)) + b->offset[layer];
}

void nrf_replay_buffer_empty(nrf_replay_buffer *b, uint64_t next)
{
  b->count  = 0;
  b->pushed = next;
}

nrf_status nrf_replay_buffer_append(nrf_replay_buffer *b, const float *const layer[])
{
  const int64_t slot  = slot_of(b, b->pushed);
  float       **chunk = &b->chunk[slot / NRF_REPLAY_CHUNK];
  if (*chunk == NULL) {
    const int64_t left    = b->capacity - slot / NRF_REPLAY_CHUNK * NRF_REPLAY_CHUNK;
    const int64_t samples = left < NRF_REPLAY_CHUNK ? left : NRF_REPLAY_CHUNK;
    NRF_RETURN_IF_ERROR(nrf_alloc_floats(samples * b->sample_floats, "replay buffer", chunk));
  }
  for (int i = 0; i < b->n_layers; i++) {
    const size_t bytes = (size_t)nrf_layer_units(b->size[i]) * sizeof(float);
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): the caller gives one array per layer */
    memcpy(slot_data(b, slot) + b->offset[i], layer[i], bytes);
  }
  b->pushed++;
  if (b->count < b->capacity) b->count++;
  return NRF_OK;
}

static nrf_status check_layers(const nrf_replay_buffer *b, const nrf_states *s)
{
  if (s->n_layers != b->n_layers)
    return nrf_error(NRF_ESHAPE, "replay buffer: states have %d layers, samples %d", s->n_layers,
                     b->n_layers);
  for (int i = 0; i < b->n_layers; i++)
    if (memcmp(&s->size[i], &b->size[i], sizeof s->size[i]) != 0)
      return nrf_error(NRF_ESHAPE,
                       "replay buffer: layer %d of the states is [%d,%d,%d], of the samples [%d,%d,%d]", i,
                       s->size[i].channels, s->size[i].height, s->size[i].width, b->size[i].channels,
                       b->size[i].height, b->size[i].width);
  return NRF_OK;
}

nrf_status nrf_replay_buffer_push(nrf_replay_buffer *b, const nrf_states *s)
{
  NRF_RETURN_IF_ERROR(check_layers(b, s));
  for (int n = 0; n < s->batch; n++) {
    const float *layer[NRF_MAX_LAYERS];
    for (int i = 0; i < s->n_layers; i++) layer[i] = s->data[i] + n * nrf_layer_units(s->size[i]);
    NRF_RETURN_IF_ERROR(nrf_replay_buffer_append(b, layer));
  }
  return NRF_OK;
}

nrf_status nrf_replay_buffer_draw(const nrf_replay_buffer *b, uint64_t seed, uint64_t phase, int images,
                                  nrf_states *s)
{
  NRF_RETURN_IF_ERROR(check_layers(b, s));
  if (images < 0 || images > s->batch || (images > 0 && b->count == 0))
    return nrf_error(NRF_EINVAL, "replay buffer: cannot draw %d images for a batch of %d from %lld samples",
                     images, s->batch, (long long)b->count);
  const nrf_rng r = nrf_rng_at(seed, NRF_RNG_BUFFER, phase, 0);
  for (int n = 0; n < images; n++) {
    const int64_t age = nrf_rng_below(r, (uint64_t)n, (uint32_t)b->count);
    for (int i = 0; i < b->n_layers; i++) {
      const int64_t units = nrf_layer_units(b->size[i]);
      memcpy(s->data[i] + n * units, nrf_replay_buffer_sample(b, age, i), (size_t)units * sizeof(float));
    }
  }
  return NRF_OK;
}
