/* replay_buffer.h - final states of earlier negative phases, from which later ones start (spec/system.md 3,
 * step 2): all layers of an image are one sample; the oldest make room for new ones.
 *
 * Memory grows with what is in it, in pieces of NRF_REPLAY_CHUNK samples. Samples are numbered over the life
 * of a buffer; sample k stands in slot k % capacity, and everything is addressed by age, so that a buffer
 * that was saved from the oldest to the newest and restored in this order is the same buffer. */
#ifndef NRFLV_REPLAY_BUFFER_H
#define NRFLV_REPLAY_BUFFER_H

#include "nrflv/states.h"
#include "nrflv/status.h"

#include <stdint.h>

enum {
  NRF_REPLAY_CAPACITY = 10000, /* samples, in training        */
  NRF_REPLAY_CHUNK    = 64,    /* samples allocated at a time */
};

typedef struct nrf_replay_buffer nrf_replay_buffer;

NRF_MUST_CHECK nrf_status nrf_replay_buffer_create(int64_t capacity, int n_layers,
                                                   const nrf_layer_size size[], nrf_replay_buffer **out);
void                      nrf_replay_buffer_free(nrf_replay_buffer *b);

/* Samples in it; samples ever put in (the number the next one gets). */
int64_t  nrf_replay_buffer_count(const nrf_replay_buffer *b);
uint64_t nrf_replay_buffer_pushed(const nrf_replay_buffer *b);

/* Copies all images of a batch in, the first one first. NRF_ESHAPE if the layers are others. */
NRF_MUST_CHECK nrf_status nrf_replay_buffer_push(nrf_replay_buffer *b, const nrf_states *s);

/* Draws `images` samples with replacement into images 0 .. images-1 of s: a pure function of the contents
 * and (seed, phase). NRF_EINVAL if the buffer is empty or s too small, NRF_ESHAPE as above. */
NRF_MUST_CHECK nrf_status nrf_replay_buffer_draw(const nrf_replay_buffer *b, uint64_t seed, uint64_t phase,
                                                 int images, nrf_states *s);

/* ---- saving and restoring ---- */

/* One layer of a sample, age 0 (oldest) .. count-1 (newest): [units], channels-last. Borrowed until the next
 * push or append. */
const float *nrf_replay_buffer_sample(const nrf_replay_buffer *b, int64_t age, int layer);

/* Empties the buffer; the next sample gets number `next`. To restore: empty with next = pushed - count, then
 * append the saved samples from the oldest to the newest. */
void nrf_replay_buffer_empty(nrf_replay_buffer *b, uint64_t next);

/* Puts one sample in; layer[i] is [units] of layer i, channels-last. */
NRF_MUST_CHECK nrf_status nrf_replay_buffer_append(nrf_replay_buffer *b, const float *const layer[]);

#endif
