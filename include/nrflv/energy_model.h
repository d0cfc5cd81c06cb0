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

/* What the visualisation `channels_energy` descends (spec/system.md 4): the gradient of
 *     Q = sum of the neuron energies of one channel of one layer, over its pixels and all images, / 2
 * with respect to the states of every layer, all layers overwritten:
 *   the layer itself                          dQ/ds
 *   a layer that its network reads            dQ/ds, all of which flows back through that network
 *   a layer BELOW that it does not read       dE/ds: Q leaves it alone, so it follows the energy of the whole field
 *   a layer above that it does not read       0
 * Only the networks that this takes are computed. The choice is made by the architecture. (The published implementation looks
 * whether dQ/ds is 0 everywhere, in every step. The two differ in a step in which the channel is 0 at every pixel of every
 * image, or all states of a layer are on a bound: there the layer stays with its gradient of 0 here, and for that step went
 * along with E there.)
 * With ff_dynamics nothing flows back through networks, neither for Q nor for E: no layer counts as read, the layer
 * itself has (s - b - f/2) / 2 in the channel, and all layers below s - b - f/2.
 * As with any evaluation, one call is one forward pass under spectral normalisation. NRF_EINVAL if there is no such channel. */
NRF_MUST_CHECK nrf_status nrf_energy_model_channel_gradient(nrf_energy_model *m, const nrf_states *s,
                                                            int layer, int channel, nrf_states *gradient);

/* The graph behind the model, for tests and reports: the source of an INPUT node is its layer, that of a PARAMETER node its
 * index. Input n_layers + L, [C_L, 1, 1], has a 1 for the channels of layer L whose gradient is asked for, and 0 for
 * others. Borrowed; lives as long as the model. */
typedef struct nrf_energy_nodes {
  const nrf_graph *graph;
  const nrf_node  *gradient, *neuron_energy, *bno; /* [n_layers]                                          */
  const nrf_node  *weight_gradient;                /* [parameters]: -2 dE/dw, or NRF_NO_NODE               */
  const nrf_node
      *channel_gradient; /* [n_layers * n_layers]: with respect to layer j for channels of layer L at
                                        L * n_layers + j; NRF_NO_NODE where it is 0 */
} nrf_energy_nodes;

nrf_energy_nodes nrf_energy_model_nodes(const nrf_energy_model *m);

/* Bytes of working memory and packed weights held now; for reports. */
size_t nrf_energy_model_memory(const nrf_energy_model *m);

#endif
