/* initialiser.h - the network that proposes all latent layers for an image (spec/system.md 1.5, --initializer ff_init).
 *
 * Trained along with the field: its loss is the sum over latent layers of the mean squared error between what it
 * proposes and the states at the end of the positive phase. */
#ifndef NRFLV_INITIALISER_H
#define NRFLV_INITIALISER_H

#include "nrflv/activation.h"
#include "nrflv/architecture.h"
#include "nrflv/compute.h"
#include "nrflv/parameters.h"
#include "nrflv/states.h"
#include "nrflv/status.h"

typedef struct nrf_initialiser_config {
  nrf_activation activation; /* of the networks                                                          */
  nrf_activation
       states_activation; /* decides the output: hardtanh, hardsig: clamp(x) + 0.01 x; else leaky ReLU */
  bool weight_norm;       /* --initter_network_weight_norm; refused with spectral norm                */
  bool layer_norm;        /* --initter_network_layer_norm: after each CCT layer                       */
  int  batch;
  nrf_compute compute;
} nrf_initialiser_config;

typedef struct nrf_initialiser nrf_initialiser;

/* Parameters are named as in the published implementation ("sides.0.0.cct_layer.conv.weight_v", "enc. ..."), zero
 * until nrf_parameters_start() or a checkpoint fills them. The architecture is copied. */
NRF_MUST_CHECK nrf_status nrf_initialiser_create(const nrf_architecture       *architecture,
                                                 const nrf_initialiser_config *config, nrf_initialiser **out);
void                      nrf_initialiser_free(nrf_initialiser *m);

nrf_parameters *nrf_initialiser_parameters(nrf_initialiser *m); /* owned by the initialiser */
void            nrf_initialiser_parameters_changed(nrf_initialiser *m);

/* Fills layers 1 .. of s from its layer 0. */
NRF_MUST_CHECK nrf_status nrf_initialiser_predict(nrf_initialiser *m, nrf_states *s);

/* Loss and its gradient with respect to the parameters, for the image in layer 0 of target and the latent layers there.
 *   gradient   [parameters->count], overwritten
 *   per_layer  [n_layers], may be NULL: the mean squared error of each latent layer; [0] is 0
 *   predicted  may be NULL: what was proposed (layers 1 ..) */
NRF_MUST_CHECK nrf_status nrf_initialiser_gradient(nrf_initialiser *m, const nrf_states *target,
                                                   float *gradient, double *loss, double per_layer[],
                                                   nrf_states *predicted);

#endif
