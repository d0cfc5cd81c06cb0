/* energy_model.h - the Neural Random Field with Latent Variables: an energy over an image and latent layers, its
 * gradients with respect to states, and its gradients with respect to weights (spec/system.md 1.1 - 1.3).
 *
 *   E(s) = sum_i [ |s_i|^2 / 2 - <b_i, s_i> - <s_i, f_i({rho(s_j)})> / 2 ],  summed over the batch
 *
 * The model is built once for an architecture and a batch size; evaluating it allocates nothing after the first
 * call of a kind. Under spectral normalisation every evaluation is one forward pass, and advances the vectors u
 * among the parameters by one power iteration, as in the published implementation. */
#ifndef NRFLV_ENERGY_MODEL_H
#define NRFLV_ENERGY_MODEL_H

#include "nrflv/activation.h"
#include "nrflv/architecture.h"
#include "nrflv/compute.h"
#include "nrflv/graph.h"
#include "nrflv/parameters.h"
#include "nrflv/states.h"
#include "nrflv/status.h"

typedef struct nrf_energy_config {
  nrf_activation activation;        /* of the networks: NRF_RELU, NRF_SWISH, NRF_LEAKY_RELU, ...      */
  nrf_activation states_activation; /* rho: NRF_HARDTANH, NRF_HARDSIG, NRF_RELU, NRF_SWISH, ...        */
  bool           weight_norm;       /* refused (NRF_EINVAL) for architectures with spectral norm       */
  bool           ff_dynamics;       /* state gradients leave the part flowing back through networks out */
  int            batch;             /* images per evaluation, >= 1                                     */
  nrf_compute    compute;
} nrf_energy_config;

typedef struct nrf_energy_model nrf_energy_model;

/* Builds the graph; parameters are allocated with their names and starting rules, all zero until
 * nrf_parameters_start() or a checkpoint fills them. The architecture is copied. */
NRF_MUST_CHECK nrf_status nrf_energy_model_create(const nrf_architecture  *architecture,
                                                  const nrf_energy_config *config, nrf_energy_model **out);
void                      nrf_energy_model_free(nrf_energy_model *m);

const nrf_architecture *nrf_energy_model_architecture(const nrf_energy_model *m);

/* The parameters, owned by the model. After changing values call _parameters_changed: what depends on the
 * weights alone (normalised, flipped, packed kernels) is recomputed at the next evaluation, and only then. */
nrf_parameters *nrf_energy_model_parameters(nrf_energy_model *m);
void            nrf_energy_model_parameters_changed(nrf_energy_model *m);

/* What an evaluation should give; NULL members are not computed. All have the form of the states. */
typedef struct nrf_energy_request {
  nrf_states *gradient;      /* dE/ds_i for every layer                                              */
  nrf_states *neuron_energy; /* s^2/2 - b s - s f/2 per neuron                                       */
  nrf_states *bno;           /* the network's output term, -f                                        */
  double     *total;         /* E; needs neuron_energy                                               */
} nrf_energy_request;

/* s: batch as in the config. NRF_ESHAPE if a member does not fit. */
NRF_MUST_CHECK nrf_status nrf_energy_model_evaluate(nrf_energy_model *m, const nrf_states *s,
                                                    const nrf_energy_request *request);

/* dE/dw for all parameters with the states held fixed: gradient [parameters->count] is overwritten (0 for parameters
 * that are not trainable); *total becomes E. */
NRF_MUST_CHECK nrf_status nrf_energy_model_weight_gradient(nrf_energy_model *m, const nrf_states *s,
                                                           float *gradient, double *total);

/* The graph behind the model, for tests and reports: the source of an INPUT node is its layer, that of a PARAMETER node its
 * index. Borrowed; lives as long as the model. */
typedef struct nrf_energy_nodes {
  const nrf_graph *graph;
  const nrf_node  *gradient, *neuron_energy, *bno; /* [n_layers]                                          */
  const nrf_node  *weight_gradient;                /* [parameters]: -2 dE/dw, or NRF_NO_NODE               */
} nrf_energy_nodes;

nrf_energy_nodes nrf_energy_model_nodes(const nrf_energy_model *m);

/* Bytes of working memory and packed weights held now; for reports. */
size_t nrf_energy_model_memory(const nrf_energy_model *m);

#endif
