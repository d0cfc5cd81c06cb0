/* visualisation_field.h - a trained field that generates: one run of --viz (spec/system.md 4). */
#ifndef NRFLV_MANAGERS_VISUALISATION_FIELD_H
#define NRFLV_MANAGERS_VISUALISATION_FIELD_H

#include "managers/loaded_model.h"
#include "managers/visualisation_plan.h"
#include "nrflv/states.h"

typedef struct nrf_viz_field nrf_viz_field;

/* For --num_viz_samples images. The model is borrowed. */
NRF_MUST_CHECK nrf_status nrf_viz_field_create(const nrf_loaded_model *model, nrf_viz_field **out);
void                      nrf_viz_field_free(nrf_viz_field *f);

/* Called with 0 steps done, before the first, and after every step. Sets *stop (false before) to end the run. */
typedef nrf_status nrf_viz_watcher(void *user, int64_t steps_done, const nrf_states *states, bool *stop);

/* A run of --num_it_viz steps with a fresh optimiser:
 *   standard         the sampler as in a negative phase
 *   channels_energy  descends the energy of one channel (nrf_energy_model_channel_gradient)
 *   channels_state   descends the whole energy; after each step the channel is set to 0.8, the layer's others to 0
 * With --viz_tempered_annealing the noise sinks by --viz_temp_decay after each step, while it is at least 0.005.
 *
 * All layers start as in a negative phase without a replay buffer (initial_states.h). Every run gets the same random
 * numbers: what differs between two channels' pictures is the channels' doing, and a run is the same whether others
 * were done before it or not. --seed with --override_loaded seed gives others.
 * NRF_EDIVERGED names layer, channel and step. */
NRF_MUST_CHECK nrf_status nrf_viz_field_run(nrf_viz_field *f, nrf_viz_kind kind, nrf_viz_run run,
                                            nrf_viz_watcher *watcher, void *user);

/* 32 hexadecimal digits that tell the field's weights from others. */
enum { NRF_VIZ_FINGERPRINT_BYTES = 33 };
void nrf_viz_field_fingerprint(const nrf_viz_field *f, char text[NRF_VIZ_FINGERPRINT_BYTES]);

#endif
