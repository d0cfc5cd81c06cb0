/* parameters.h - the weights of a network: named tensors in one flat array, so that gradients, optimiser
 * states and checkpoints are flat arrays of the same layout. */
#ifndef NRFLV_PARAMETERS_H
#define NRFLV_PARAMETERS_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { NRF_PARAMETER_NAME_BYTES = 160 };

/* How a parameter starts (spec/system.md 1.3, "Initial weights"). */
typedef enum nrf_parameter_start {
  NRF_START_ZERO,
  NRF_START_UNIFORM, /* uniform in +-1/sqrt(fan_in)                                           */
  NRF_START_NORMAL,  /* N(0, 1): weights under spectral normalisation                         */
  NRF_START_NORM_OF, /* weight norm's g: the norm of the parameter that follows, per first index */
  NRF_START_UNIT,    /* a random vector of norm 1: spectral normalisation's u                 */
} nrf_parameter_start;

typedef struct nrf_parameter {
  char                name[NRF_PARAMETER_NAME_BYTES]; /* as in the published implementation's state_dict */
  int                 rank;
  int64_t             dim[4]; /* row-major; [out, in, k, k], or [in, out, k, k] for transposed convolutions */
  int64_t             count;  /* product of dim                                                     */
  int64_t             offset; /* of its first element in the flat array                             */
  bool                trainable; /* false for spectral normalisation's u                               */
  nrf_parameter_start start;
  int64_t             fan_in; /* for NRF_START_UNIFORM                                              */
} nrf_parameter;

typedef struct nrf_parameters {
  int            n;
  nrf_parameter *item;  /* in the order in which optimisers number them                          */
  int64_t        count; /* all elements, trainable or not                                        */
  float         *value; /* [count]                                                               */
} nrf_parameters;

/* A set is made in three steps: create (empty), add one parameter after another, finish (gives the values
 * memory, zero). Only then does `value` exist. Owns everything in it. */
NRF_MUST_CHECK nrf_status nrf_parameters_create(nrf_parameters **out);

/* Appends a parameter; dim[rank], rank 1 to 4, every dimension at least 1; fan_in is for NRF_START_UNIFORM only.
 * index (may be NULL) gets its place in p->item. NRF_EINVAL: a name that is too long or already there, a
 * dimension or fan_in below 1, too many elements. */
NRF_MUST_CHECK nrf_status nrf_parameters_add(nrf_parameters *p, const char *name, int rank,
                                             const int64_t dim[], nrf_parameter_start start, int64_t fan_in,
                                             bool trainable, int *index);

/* Before finishing: the first n parameters come after all others. */
void nrf_parameters_move_to_end(nrf_parameters *p, int n);

/* NRF_EINVAL: after a parameter with NRF_START_NORM_OF there must come one with as many first indices as that one
 * has elements. */
NRF_MUST_CHECK nrf_status nrf_parameters_finish(nrf_parameters *p);
void                      nrf_parameters_free(nrf_parameters *p);

/* Index of a name, or -1. */
int nrf_parameters_find(const nrf_parameters *p, const char *name);

/* Elements of trainable parameters. */
int64_t nrf_parameters_trainable_count(const nrf_parameters *p);

/* Draws all values from the parameters' starting rules: a pure function of (seed, first_layer + index). */
void nrf_parameters_start(nrf_parameters *p, uint64_t seed, uint32_t first_layer);

#endif
