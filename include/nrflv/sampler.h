/* sampler.h - the sampler step: gradient -> clipping -> state optimiser -> clamping (spec/system.md 2.3), and
 * the loop over steps that every phase is. Memory is made once; a step allocates nothing. */
#ifndef NRFLV_SAMPLER_H
#define NRFLV_SAMPLER_H

#include "nrflv/activation.h"
#include "nrflv/state_optimizer.h"
#include "nrflv/states.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct nrf_sampler_config {
  nrf_state_optimizer_config optimizer;
  nrf_activation             states_activation; /* says where states are clamped to             */
  bool                       clip_gradient;     /* --clip_grad                                  */
  double                     clip_norm;         /* --clip_state_grad_norm                       */
  uint64_t                   seed;              /* of the noise                                 */
  int                        check_interval;    /* steps between looks for NaN and infinity, >= 1 */
} nrf_sampler_config;

/* Where a layer's states are clamped to: hardtanh [-1, 1]; relu [0, inf), the image [0, 1]; others [0, 1]. */
nrf_state_range nrf_states_range(nrf_activation states_activation, int layer);

/* Writes the gradient of an energy with respect to every layer. */
typedef nrf_status nrf_gradient_fn(void *model, const nrf_states *states, nrf_states *gradient);

/* What a step did, for whoever logs, records or intervenes after it. */
typedef struct nrf_sampler_moment {
  int64_t           step;     /* of this run, from 1                                               */
  uint64_t          number;   /* global number of the step                                         */
  nrf_states       *states;   /* after the step, clamped; may be changed                           */
  const nrf_states *gradient; /* the one that moved them                                           */
} nrf_sampler_moment;

/* Called after every step; sets *stop (false before) to end the run early. An error ends it too. */
typedef nrf_status nrf_after_step_fn(void *user, const nrf_sampler_moment *moment, bool *stop);

/* What a phase descends and which layers it moves. */
typedef struct nrf_phase {
  nrf_gradient_fn   *gradient;
  void              *model;
  uint32_t           held; /* bit i set: layer i does not move, but is clamped (1 in the positive phase) */
  nrf_after_step_fn *after_step; /* may be NULL */
  void              *user;
} nrf_phase;

typedef struct nrf_sampler nrf_sampler;

/* `kernels` must outlive the sampler. */
NRF_MUST_CHECK nrf_status nrf_sampler_create(const nrf_sampler_config *config,
                                             const nrf_state_kernels *kernels, int n_layers,
                                             const nrf_layer_size size[], int batch, nrf_sampler **out);
void                      nrf_sampler_free(nrf_sampler *s);

/* A fresh state optimiser: what the start of every phase asks for. */
void nrf_sampler_reset(nrf_sampler *s);

/* One step. `number` is its global number; with the seed it is the address of its noise. noise: standard
 * normal numbers to use instead, or NULL. Does not look for NaN and does not call after_step. */
NRF_MUST_CHECK nrf_status nrf_sampler_step(nrf_sampler *s, const nrf_phase *phase, nrf_states *states,
                                           uint64_t number, const nrf_states *noise);

/* n_steps steps with global numbers from first_number on. *steps_done is how many were made, also on errors.
 * NRF_EDIVERGED names the step and the layer at which a NaN or infinite state or gradient was found; the last
 * step is always looked at. */
NRF_MUST_CHECK nrf_status nrf_sampler_run(nrf_sampler *s, const nrf_phase *phase, nrf_states *states,
                                          uint64_t first_number, int64_t n_steps, int64_t *steps_done);

/* The gradient of the last step, as clipped; and the optimiser, for its momenta. Owned by the sampler. */
const nrf_states    *nrf_sampler_gradient(const nrf_sampler *s);
nrf_state_optimizer *nrf_sampler_optimizer(nrf_sampler *s);

#endif
