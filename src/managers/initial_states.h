/* initial_states.h - where the layers of a field start, before the sampler moves them: at random, at zero, or where the
 * initialiser network proposes. Training, visualisation and experiments start alike.
 *
 * Random numbers are those of --seed, addressed by a `phase`, any number: other phases start elsewhere. */
#ifndef NRFLV_MANAGERS_INITIAL_STATES_H
#define NRFLV_MANAGERS_INITIAL_STATES_H

#include "nrflv/initialiser.h"
#include "nrflv/settings.h"
#include "nrflv/states.h"

#include <stdint.h>

/* All layers, as a negative phase starts without a replay buffer: uniform over the range of the states' activation; or,
 * with --neg_ff_init, random pixels and the initialiser network's proposal for them. initialiser is NULL without
 * --neg_ff_init. */
NRF_MUST_CHECK nrf_status nrf_start_all_layers(const nrf_settings *settings, nrf_initialiser *initialiser,
                                               uint64_t phase, nrf_states *states);

/* The layers above the image by --initializer: zeros, a proposal for the image that is there, or random. `previous` is
 * random too: what came before is the caller's to know. initialiser is NULL but for ff_init. */
NRF_MUST_CHECK nrf_status nrf_start_latent_layers(const nrf_settings *settings, nrf_initialiser *initialiser,
                                                  uint64_t phase, nrf_states *states);

#endif
