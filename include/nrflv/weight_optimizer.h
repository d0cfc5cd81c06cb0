/* weight_optimizer.h - optimisers of network weights, each with the gradient clipping that belongs to it
 * (spec/system.md 1.5 and 3, step 3). Elementwise arithmetic is float32 in PyTorch's order of operations. */
#ifndef NRFLV_WEIGHT_OPTIMIZER_H
#define NRFLV_WEIGHT_OPTIMIZER_H

#include "nrflv/parameters.h"
#include "nrflv/status.h"

#include <stdint.h>

typedef enum nrf_weight_optimizer_kind {
  NRF_WEIGHTS_ADAM,     /* betas 0 and 0.999, eps 1e-8; from the second step on each gradient element is first
                           limited to +-(3 sqrt(v / (1 - 0.999^step)) + 0.1), v and step before this one */
  NRF_WEIGHTS_SGD,      /* momentum 0.4; each tensor's gradient first limited to a norm of sqrt(elements) */
  NRF_WEIGHTS_NESTEROV, /* momentum 0.85, no clipping: the initialiser network's */
} nrf_weight_optimizer_kind;

/* Everything that a checkpoint must hold for an exact resume. */
typedef struct nrf_weight_optimizer {
  nrf_weight_optimizer_kind kind;
  double                    learning_rate; /* may be set between steps */
  int64_t                   step;          /* steps done */
  int64_t                   count;         /* elements of the parameter set it was made for */
  float *moment; /* [count], laid out like the parameters: exp_avg_sq of Adam, momentum_buffer of the others;
                    zero before the first step and where not trainable */
} nrf_weight_optimizer;

NRF_MUST_CHECK nrf_status nrf_weight_optimizer_create(nrf_weight_optimizer_kind kind, double learning_rate,
                                                      const nrf_parameters *p, nrf_weight_optimizer **out);
void                      nrf_weight_optimizer_free(nrf_weight_optimizer *o);

/* One step on the trainable parameters of the set that the optimiser was made for. gradient [p->count]; on
 * return it holds the gradient as clipped. The result does not depend on the number of threads. */
void nrf_weight_optimizer_step(nrf_weight_optimizer *o, nrf_parameters *p, float *gradient);

/* The rate in force during an epoch (from 0): decayed by the factor gamma after each one. */
double nrf_learning_rate_at_epoch(double initial, double gamma, int64_t epoch);

#endif
