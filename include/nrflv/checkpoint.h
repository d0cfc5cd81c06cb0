/* checkpoint.h - a trained model as a file, exps/models/NAME.h5 (HDF5).
 *
 *   /                      format "nrflv checkpoint", format_version, program_version, architecture, architecture_json
 *   /settings              one attribute for each option that belongs to the model, typed
 *   /model/parameters, /initializer/parameters
 *                          data sets under the names of the published implementation
 *   /model_optimizer, /initializer_optimizer
 *                          kind, learning_rate, step; exp_avg_sq/ or momentum_buffer/, named as the parameters
 *   /progress              where the run stands: epoch, batches, sampler_steps, what the last batch gave, ...
 *   /replay_buffer         pushed; layer_0 [samples, C, H, W], ..., from the oldest to the newest
 *   /states/positive, /states/negative, /sampler/momentum, ...
 *                          layer_0 [batch, C, H, W], ...: only where the run's future depends on them (a batch that was
 *                          left half done; --initializer previous)
 *
 * Equal runs make equal files: there are no times, paths or thread counts in them. */
#ifndef NRFLV_CHECKPOINT_H
#define NRFLV_CHECKPOINT_H

#include "nrflv/architecture.h"
#include "nrflv/parameters.h"
#include "nrflv/settings.h"
#include "nrflv/status.h"

typedef struct nrf_checkpoint nrf_checkpoint;

/* What parameters a checkpoint holds. */
typedef enum nrf_checkpoint_network {
  NRF_CHECKPOINT_MODEL,
  NRF_CHECKPOINT_INITIALISER, /* missing where the run had none */
  NRF_CHECKPOINT_NETWORKS
} nrf_checkpoint_network;

/* The file of a model: NAME in exps_dir/models, or a path if it contains '/' or ends in ".h5". NRF_ENOTFOUND with the
 * closest name there is, or with how to get a model if there is none. path [bytes] gets the file's path. */
NRF_MUST_CHECK nrf_status nrf_checkpoint_find(const char *exps_dir, const char *name, char path[],
                                              size_t bytes);

/* The model in exps_dir/models that was written last. NRF_ENOTFOUND, with how to get one, if there is none. */
NRF_MUST_CHECK nrf_status nrf_checkpoint_find_newest(const char *exps_dir, char path[], size_t bytes);

/* Opens for reading; checks that it is one of ours, of a version this program knows, and reads settings and architecture.
 * NRF_EFORMAT, in one line, for anything else. */
NRF_MUST_CHECK nrf_status nrf_checkpoint_open(const char *path, nrf_checkpoint **out);
void                      nrf_checkpoint_close(nrf_checkpoint *c);

/* Borrowed from `c`. In the settings, the rows that belong to a session are at their defaults. */
const char             *nrf_checkpoint_path(const nrf_checkpoint *c);
const nrf_settings     *nrf_checkpoint_settings(const nrf_checkpoint *c);
const nrf_architecture *nrf_checkpoint_architecture(const nrf_checkpoint *c);

/* Fills a network's parameters; afterwards tell the network that they changed. NRF_EFORMAT or NRF_ESHAPE, naming the
 * parameter, if one is missing or has another shape, or if the file has one that the network has not. */
NRF_MUST_CHECK nrf_status nrf_checkpoint_read_parameters(const nrf_checkpoint  *c,
                                                         nrf_checkpoint_network which, nrf_parameters *p);

#endif
