/* trainer.h - everything that a training run is made of, and the batch: positive phase, negative phase, weight
 * update (spec/system.md 3). It knows nothing of files, signals or clocks; training.c does.
 *
 * All of a trainer's future follows from its contents, whose random numbers are addressed by the counters in
 * nrf_train_position: what checkpoint.c saves and restores is the run itself, at any sampler step. */
#ifndef NRFLV_MANAGERS_TRAINER_H
#define NRFLV_MANAGERS_TRAINER_H

#include "nrflv/architecture.h"
#include "nrflv/energy_model.h"
#include "nrflv/initialiser.h"
#include "nrflv/phase_length.h"
#include "nrflv/replay_buffer.h"
#include "nrflv/sampler.h"
#include "nrflv/settings.h"
#include "nrflv/weight_optimizer.h"

/* How far a batch has come. */
typedef enum nrf_batch_part {
  NRF_BETWEEN_BATCHES,
  NRF_POSITIVE_PHASE,
  NRF_NEGATIVE_PHASE,
  NRF_BATCH_PARTS
} nrf_batch_part;

/* "between batches", "positive phase", "negative phase". */
const char *nrf_batch_part_name(nrf_batch_part part);

/* Where a run stands. All counts begin with 0, as the published implementation's; only people are shown epochs from 1. */
typedef struct nrf_train_position {
  int64_t        epoch;          /* under way                                     */
  int64_t        batch_in_epoch; /* batches done in it                            */
  int64_t        batches;        /* done in all; the number of the one under way  */
  int64_t        sampler_steps;  /* done in all; the number of the next           */
  nrf_batch_part part;
  int64_t        phase_length; /* steps of the phase under way, and how many are done */
  int64_t        phase_step;
} nrf_train_position;

/* What the last batch gave; energies are sums over the batch. NaN before the first. */
typedef struct nrf_train_outcome {
  double  loss, positive_energy, negative_energy;
  double  initialiser_loss; /* NaN without an initialiser network */
  double  initialiser_layer_loss[NRF_MAX_LAYERS];
  int64_t positive_steps, negative_steps;
} nrf_train_outcome;

typedef struct nrf_trainer {
  nrf_settings     settings;
  nrf_architecture architecture;

  nrf_energy_model     *model;
  nrf_weight_optimizer *model_optimizer;
  nrf_initialiser      *initialiser; /* NULL, with its optimiser, if the settings do not use it */
  nrf_weight_optimizer *initialiser_optimizer;
  nrf_sampler          *sampler;
  nrf_replay_buffer    *buffer;
  nrf_truncation       *truncation; /* NULL without --truncate_pos_its */
  nrf_negative_length   negative_length;

  nrf_states *positive, *negative; /* of the batch under way, or of the last one */
  bool        has_previous;        /* `positive` holds final states of a batch   */

  nrf_train_position at;
  nrf_train_outcome  last;

  /* work space */
  float      *gradient, *gradient_negative; /* [parameters of the model]            */
  float      *initialiser_gradient;         /* [parameters of the initialiser]      */
  nrf_states *neuron_energy, *bno;          /* made when something is first logged  */
} nrf_trainer;

/* A new run: weights drawn, everything else empty. NRF_EINVAL for settings that do not fit the architecture. */
NRF_MUST_CHECK nrf_status nrf_trainer_create(const nrf_settings     *settings,
                                             const nrf_architecture *architecture, nrf_trainer **out);
void                      nrf_trainer_free(nrf_trainer *t);

/* Who looks on. Every member may be NULL; an error of any of them ends the batch. */
typedef struct nrf_train_watcher {
  void *user;
  /* Whether to compute, in the next step, what `evaluated` gets; otherwise it computes gradients alone. */
  bool (*wants)(void *user, const nrf_trainer *t);
  /* The states before the step, their total energy, neuron energies and bno. */
  nrf_status (*evaluated)(void *user, const nrf_trainer *t, const nrf_states *states, double energy,
                          const nrf_states *neuron_energy, const nrf_states *bno);
  /* A phase has got its initial states. */
  nrf_status (*phase_begun)(void *user, const nrf_trainer *t, const nrf_states *states);
  /* After every step, already counted in t->at; sets *stop to leave the batch here. */
  nrf_status (*stepped)(void *user, const nrf_trainer *t, const nrf_states *states, bool *stop);
  /* A phase is complete; after the positive one the initialiser network has learned. */
  nrf_status (*phase_ended)(void *user, const nrf_trainer *t, const nrf_states *states);
} nrf_train_watcher;

/* Begins a batch: images [batch, C, H, W] in [0,1] are clamped to the image layer, and the latent layers of the positive
 * phase get their initial states. Only between batches. */
NRF_MUST_CHECK nrf_status nrf_trainer_begin_batch(nrf_trainer *t, const float *images);

/* Goes on with the batch under way to its end (NRF_BETWEEN_BATCHES, t->last filled), or until the watcher stops it. May be
 * called again then, also on a trainer restored from a file. NRF_EDIVERGED: something became NaN or infinite; the
 * trainer's contents are worthless, and the message names batch, phase, step and layer. */
NRF_MUST_CHECK nrf_status nrf_trainer_continue_batch(nrf_trainer *t, const nrf_train_watcher *watcher);

/* The end of an epoch; true if the negative phase became longer. */
bool nrf_trainer_end_epoch(nrf_trainer *t);

#endif
