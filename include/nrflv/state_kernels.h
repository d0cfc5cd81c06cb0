/* state_kernels.h - arithmetic on the states of a layer, as a table that each backend fills: the updates of
 * all state optimisers, noise, clamping, norms.
 *
 * Arrays are field arrays (states.h) or any flat array, in the memory of the backend. What a kernel computes
 * does not depend on the number of threads, to the bit: noise is addressed by element, elements are worked on
 * in fixed blocks, and sums are taken per block and then in order.
 * An update is one pass over the layer wherever the mathematics allows it: noise is made, used and forgotten
 * in the cache, and the states are clamped as they are written. */
#ifndef NRFLV_STATE_KERNELS_H
#define NRFLV_STATE_KERNELS_H

#include "nrflv/elementwise.h"
#include "nrflv/rng.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where states may be; { -INFINITY, INFINITY } is everywhere. */
typedef struct nrf_state_range {
  float low, high;
} nrf_state_range;

/* What every update of a layer has. */
typedef struct nrf_state_update {
  int64_t         count;    /* elements: batch * units                                          */
  float          *state;    /* [count] in, out                                                  */
  const float    *gradient; /* [count] dE/ds                                                    */
  nrf_state_range range;    /* the new state is clamped to it                                   */
  const float    *noise;    /* [count] standard normal numbers, or NULL: drawn at address `rng` */
  nrf_rng         rng;      /* element e takes word e % 4 of block e / 4 (nrf_rng_normals)      */
} nrf_state_update;

enum {
  NRF_CIRCULANT_MAX_HALF_WIDTH = 3,
  NRF_CIRCULANT_MAX_CHANNELS   = 1024,
};

/* A symmetric circulant C x C matrix that is zero but for a band:
 * (M p)_c = tap[0] p_c + sum_k tap[k] (p_{c-k} + p_{c+k}), k = 1 .. half_width; channels are modulo C,
 * which is larger than 2 half_width. */
typedef struct nrf_circulant {
  int   half_width;
  float tap[NRF_CIRCULANT_MAX_HALF_WIDTH + 1];
} nrf_circulant;

/* One step of adaptive SGHMC (spec/system.md 2.1). */
typedef struct nrf_sghmc_update {
  nrf_state_update       on;
  int64_t                units;    /* per image                                                        */
  int                    channels; /* neighbours in memory; needed where there is a mass matrix       */
  nrf_sghmc_coefficients k;
  bool                   adapt;    /* burn-in: tau, g and v_hat are updated; else tau and g are not touched */
  float                 *momentum; /* [count] in, out                                                       */
  float *tau, *g, *v_hat;          /* [count] in, out                                                       */
  const nrf_circulant
        *inverse_mass; /* M, or NULL for the identity; channels <= NRF_CIRCULANT_MAX_CHANNELS    */
  float *mean_minv;    /* [units] for the batch mean of minv, or NULL: every neuron has its own */
  double clip_norm;    /* of the increment over the whole layer; INFINITY: no clipping          */
  float *minv, *sigma; /* [count] what the step used, for checks; each may be NULL              */
  float *friction, *displacement;
} nrf_sghmc_update;

/* s += -h d + sigma z: gradient descent, and Langevin dynamics (spec/system.md 2.2). */
typedef struct nrf_descent_update {
  nrf_state_update on;
  float            step_size, sigma;
} nrf_descent_update;

/* p = d in the first step, else mu p + (1 - dampening) d; s += -h (nesterov ? d + mu p : p) + sigma z. */
typedef struct nrf_momentum_update {
  nrf_state_update on;
  float            step_size, sigma, decay, dampening;
  bool             nesterov, first;
  float           *momentum; /* [count] in, out */
} nrf_momentum_update;

/* m += gain1 (d - m); v += gain2 (d^2 - v); s += -rate m / (sqrt(v) scale + eps) + sigma z, with
 * gain = 1 - beta, rate = h / (1 - beta1^t), scale = 1 / sqrt(1 - beta2^t) (Kingma and Ba, ICLR 2015). */
typedef struct nrf_adam_update {
  nrf_state_update on;
  float            rate, scale, sigma, gain1, gain2, epsilon;
  float           *first_moment, *second_moment; /* [count] in, out */
} nrf_adam_update;

typedef struct nrf_state_kernels {
  const char *name;

  nrf_status (*sghmc)(const nrf_sghmc_update *u);
  nrf_status (*descent)(const nrf_descent_update *u);
  nrf_status (*momentum)(const nrf_momentum_update *u);
  nrf_status (*adam)(const nrf_adam_update *u);

  /* x += sigma z, z standard normal at address r. */
  nrf_status (*add_noise)(int64_t count, float *x, float sigma, nrf_rng r);
  /* x = uniform in [low, high) at address r. */
  nrf_status (*fill_uniform)(int64_t count, float *x, float low, float high, nrf_rng r);
  nrf_status (*clamp)(int64_t count, float *x, nrf_state_range range);
  nrf_status (*scale)(int64_t count, float *x, float factor);
  /* Sum of squares, in double precision. */
  nrf_status (*squared_norm)(int64_t count, const float *x, double *out);
  /* False if any element is a NaN or infinite. */
  nrf_status (*all_finite)(int64_t count, const float *x, bool *out);
} nrf_state_kernels;

/* OpenMP and vector units; never fails. */
extern const nrf_state_kernels nrf_state_kernels_cpu;

#ifdef __cplusplus
}
#endif

#endif
