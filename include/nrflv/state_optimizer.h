/* state_optimizer.h - what moves the states of all layers by one step (spec/system.md 2): adaptive SGHMC and
 * the plain optimisers. It owns their memory (momenta, second moments); states and gradients are the
 * caller's. */
#ifndef NRFLV_STATE_OPTIMIZER_H
#define NRFLV_STATE_OPTIMIZER_H

#include "nrflv/mass_matrix.h"
#include "nrflv/state_kernels.h"
#include "nrflv/states.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum nrf_state_optimizer_kind {
  NRF_STATE_SGHMC,
  NRF_STATE_SGD,
  NRF_STATE_SGD_MOMENTUM,
  NRF_STATE_NESTEROV,
  NRF_STATE_ADAM,
  NRF_STATE_LANGEVIN,
  NRF_STATE_OPTIMIZER_KINDS
} nrf_state_optimizer_kind;

/* "sghmc", "sgd", ...: the names of --state_optimizer. */
const char               *nrf_state_optimizer_name(nrf_state_optimizer_kind kind);
NRF_MUST_CHECK nrf_status nrf_state_optimizer_kind_of(const char *name, nrf_state_optimizer_kind *out);

/* The settings, under the names the command line has for them; arrays have one value per layer. */
typedef struct nrf_state_optimizer_config {
  nrf_state_optimizer_kind kind;

  double
      step_size[NRF_MAX_LAYERS]; /* --sampling_step_size, h                                                 */
  double sigma[NRF_MAX_LAYERS]; /* --sigma: SGHMC's noise estimate beta, the others' noise itself           */
  double momentum
      [NRF_MAX_LAYERS]; /* --momentum_param: SGHMC's friction m, the momentum of sgd_momentum, nesterov */
  double dampening;     /* --dampening_param: sgd_momentum                                         */

  /* SGHMC alone */
  double  scale_grad;                    /* c                                                        */
  int64_t burn_in_steps;                 /* --num_burn_in_steps                                      */
  bool    non_diag_inv_mass;             /* M for layers of NRF_MASS_MATRIX_MIN_CHANNELS and more    */
  bool    mean_batch_minv;               /* --mean_batch_minv_t                                      */
  bool    mom_clip;                      /* increments have a norm of at most ...                    */
  double  mom_clip_norm[NRF_MAX_LAYERS]; /* ... this, over the whole layer                           */
  double  min_sq_sigma;                  /* the noise's variance lies between this ...               */
  double  max_sq_sigma[NRF_MAX_LAYERS];  /* ... and this, which wins where they cross                */
} nrf_state_optimizer_config;

/* What an optimiser remembers of each neuron. */
typedef enum nrf_state_memory {
  NRF_MEMORY_MOMENTUM, /* p; Adam's first moment  */
  NRF_MEMORY_TAU,
  NRF_MEMORY_G,
  NRF_MEMORY_V_HAT, /* Adam's second moment    */
  NRF_MEMORY_KINDS
} nrf_state_memory;

/* Per-neuron quantities of one SGHMC step, for checks and recordings: each may be NULL. Layers that are not
 * moved, and quantities that the optimiser does not have, are left as they are. */
typedef struct nrf_step_diagnostics {
  nrf_states *minv, *sigma, *friction, *displacement;
} nrf_step_diagnostics;

/* One step, beyond the states. */
typedef struct nrf_state_step {
  uint64_t seed;
  uint64_t number; /* global number of the sampler step: with the seed, the address of its noise */
  uint32_t held;   /* bit i set: layer i stays as it is (the image while it is clamped)           */
  const nrf_state_range
                   *range; /* [n_layers] where the moved states are clamped to; NULL: nowhere              */
  const nrf_states *noise; /* standard normal numbers to use instead of drawing them; may be NULL         */
  const nrf_step_diagnostics *diagnostics; /* may be NULL */
} nrf_state_step;

typedef struct nrf_state_optimizer nrf_state_optimizer;

/* Checks the settings (NRF_EINVAL names the layer and the option) and allocates the memory, freshly reset.
 * `kernels` must outlive the optimiser. */
NRF_MUST_CHECK nrf_status nrf_state_optimizer_create(const nrf_state_optimizer_config *config,
                                                     const nrf_state_kernels *kernels, int n_layers,
                                                     const nrf_layer_size size[], int batch,
                                                     nrf_state_optimizer **out);
void                      nrf_state_optimizer_free(nrf_state_optimizer *o);

/* As new, noise included: what the start of every phase asks for. */
void nrf_state_optimizer_reset(nrf_state_optimizer *o);

/* Moves the states of all layers that are not held; allocates nothing. */
NRF_MUST_CHECK nrf_status nrf_state_optimizer_step(nrf_state_optimizer *o, nrf_states *states,
                                                   const nrf_states *gradient, const nrf_state_step *step);

/* The standard deviation of the noise that the next step injects into a layer. For SGHMC, where it varies from neuron to
 * neuron, that of a neuron with minv = 1, as all have in a fresh optimiser; the thesis's bounds keep the others within 6 %
 * of it. (SGHMC's sigma is an estimate of the gradients' noise, and none that is injected.) */
double nrf_state_optimizer_noise(const nrf_state_optimizer *o, int layer);

/* One step of tempered annealing (spec/system.md 4): in every layer whose noise, as above, is `at_least`, the standard deviation
 * of what is injected is multiplied by `factor` from the next step on. Whatever the optimiser derives it from:
 * SGHMC's variance is bounded by min_sq_sigma and max_sq_sigma first and scaled then, so that it sinks below the bounds.
 * Nothing else changes; the factor 1 changes no bit. A reset undoes it. NRF_EINVAL if the factor is negative or no number.
 * --viz_tempered_annealing is a call after every step with --viz_temp_decay and 0.005. */
NRF_MUST_CHECK nrf_status nrf_state_optimizer_anneal(nrf_state_optimizer *o, double factor, double at_least);

/* Whether optimisers of a kind have such a memory. */
bool nrf_state_optimizer_remembers(nrf_state_optimizer_kind kind, nrf_state_memory memory);

/* The memory of a kind, to read, record or restore; NULL if this optimiser has none of the kind. */
nrf_states *nrf_state_optimizer_memory(nrf_state_optimizer *o, nrf_state_memory kind);

/* Steps since the reset; setting it belongs to restoring the memory. */
int64_t nrf_state_optimizer_steps_done(const nrf_state_optimizer *o);
void    nrf_state_optimizer_set_steps_done(nrf_state_optimizer *o, int64_t steps);

/* The matrix a layer uses, or NULL. Its `interpolated` is worth a line in the log. */
const nrf_mass_matrix *nrf_state_optimizer_mass_matrix(const nrf_state_optimizer *o, int layer);

/* Scales all layers by min(1, bound / (norm + 1e-6)), norm being the 2-norm over all of them (--clip_grad,
 * with the guard against 0 of PyTorch's clip_grad_norm_). */
NRF_MUST_CHECK nrf_status nrf_clip_joint_norm(const nrf_state_kernels *kernels, nrf_states *gradient,
                                              double bound);

#endif
