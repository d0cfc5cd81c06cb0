/* op.h - the operations of a network: what a graph is made of and a backend computes.
 *
 * Two kinds of value. A *field* has one tensor [C, H, W] per image; images never meet in an operation on fields. A
 * *weight* has one tensor for all images: parameters, what is computed from them alone, and sums over images. */
#ifndef NRFLV_OP_H
#define NRFLV_OP_H

#include "nrflv/activation.h"

#include <stdint.h>

enum { NRF_MAX_NODE_INPUTS = 24 };

typedef enum nrf_op {
  /* sources */
  NRF_OP_INPUT,     /* field given at run time                                                     */
  NRF_OP_PARAMETER, /* weight: a parameter                                                         */
  /* convolutions: the map, its adjoint, and the gradient of either with respect to the kernel. Closed under
     differentiation. w is [O, I, k, k]; zero padding p and stride s.                                    */
  NRF_OP_CONV,         /* x [I,H,W], w, (bias [O]) -> [O, (H+2p-k)/s+1, ..]: cross-correlation        */
  NRF_OP_CONV_ADJOINT, /* y [O,h,w], w, (bias [I]) -> [I,H,W]: transposed convolution                 */
  NRF_OP_CONV_WEIGHT,  /* x [I,H,W], y [O,h,w] -> weight [O,I,k,k]: sum over images                   */
  NRF_OP_CHANNEL_SUM,  /* x [C,H,W] -> weight [C]: sum over images and pixels                         */
  NRF_OP_BATCH_SUM,    /* x [C,H,W] -> weight [C,H,W]: sum over images                                */
  /* fields */
  NRF_OP_ACTIVATION,      /* x -> act(x)                                                                 */
  NRF_OP_ACTIVATION_GRAD, /* x, dy -> act'(x) dy                                                         */
  NRF_OP_RESIZE,          /* nearest neighbour to [C, H', W']: source index floor(dst * in / out)        */
  NRF_OP_RESIZE_ADJOINT,  /* its adjoint: sums what was copied                                           */
  NRF_OP_CONCAT,          /* along channels                                                              */
  NRF_OP_SLICE,           /* channels first .. first + C - 1                                             */
  NRF_OP_ADD,             /* sum of any number of values of one shape and kind                           */
  NRF_OP_SCALE,           /* constant times x                                                            */
  NRF_OP_FLATTEN,         /* field [C,H,W] -> [CHW,1,1], or weight [C,H,W] -> [1,CHW]: order C, H, W     */
  NRF_OP_UNFLATTEN,       /* the inverse                                                                 */
  NRF_OP_LAYER_NORM,      /* x -> (x - mean) / sqrt(variance + 1e-5) over an image                       */
  NRF_OP_LAYER_NORM_GRAD, /* x, dy -> dx                                                                 */
  NRF_OP_STATE_GRADIENT,  /* s, b, f, (h) -> s - b - (f + rho'(s) h) / 2     (spec/system.md 1.1)        */
  NRF_OP_NEURON_ENERGY,   /* s, b, f -> s^2/2 - b s - s f / 2                                            */
  /* weights */
  NRF_OP_WEIGHT_NORM,        /* v, g -> g v / |v|, norms over all but the first dimension                   */
  NRF_OP_WEIGHT_NORM_GRAD_V, /* v, g, dw -> dv                                                          */
  NRF_OP_WEIGHT_NORM_GRAD_G, /* v, g, dw -> dg                                                          */
  NRF_OP_POWER_ITERATION,    /* w, u -> [1, rows + columns + 1]: new u, v and sigma after one iteration     */
  NRF_OP_SPECTRAL_NORM,      /* w, power iteration -> w / sigma                                             */
  NRF_OP_SPECTRAL_NORM_GRAD, /* w, power iteration, dw -> dw through w / sigma, u and v held            */
  NRF_OP_FLIP,               /* w [O,I,k,k] -> [I,O,k,k] with both spatial axes reversed                    */
  NRF_OP_INPUT_SLICE,        /* w [O,I,k,k] -> w[:, first : first + I']                                     */
  NRF_OP_INPUT_PAD,          /* its adjoint: zeros around                                                   */
  NRF_OP_COUNT
} nrf_op;

/* Shape of one image's tensor of a field (rank 3), or of a weight (rank 1 to 4). */
typedef struct nrf_shape {
  int     rank;
  int64_t dim[4];
} nrf_shape;

/* What an operation needs to know besides its inputs; each reads its own. */
typedef struct nrf_op_attributes {
  int            stride, padding, kernel; /* convolutions                              */
  int            first;                   /* SLICE, INPUT_SLICE, INPUT_PAD             */
  nrf_activation activation;              /* ACTIVATION, ACTIVATION_GRAD; STATE_GRADIENT: rho */
  double         factor;                  /* SCALE                                     */
} nrf_op_attributes;

const char *nrf_op_name(nrf_op op);

int64_t nrf_shape_count(nrf_shape s);

#endif
