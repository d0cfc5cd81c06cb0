/* graph.h - a network as data: a list of nodes, each an operation on earlier nodes.
 *
 * Two kinds of value. A *field* has one tensor [C, H, W] per image of a batch whose size is not part of the
 * graph; images never meet in a field operation. A *weight* has one tensor for all images: parameters, what
 * is computed from them alone, and sums over the batch. So a graph falls into three stages by itself:
 *
 *   weights from parameters       once per weight update (weight norm, flipped and sliced kernels)
 *   fields, and sums over images  once per evaluation, image by image
 *   weights from such sums        after the last image (gradients through weight norm)
 *
 * Gradients are nodes of the same graph (nrf_graph_gradients), so the three modes of the energy - gradients with
 * respect to states, energies, gradients with respect to weights - are three sets of outputs, and what an output
 * does not need is not computed.
 *
 * Nodes are made by the functions below and never changed; inputs of a node precede it. The functions check
 * shapes and report a mismatch once, through nrf_graph_status(): after an error they return NRF_NO_NODE and
 * accept it as input, so that a builder needs one check at its end. */
#ifndef NRFLV_GRAPH_H
#define NRFLV_GRAPH_H

#include "nrflv/op.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef int32_t nrf_node; /* index of a node */

enum { NRF_NO_NODE = -1 };

typedef struct nrf_graph_node {
  nrf_op            op;
  bool              is_field;
  nrf_shape         shape;
  int               n_inputs;
  nrf_node          input[NRF_MAX_NODE_INPUTS];
  nrf_op_attributes attr;
  int               source; /* INPUT and PARAMETER: number given by the caller */
} nrf_graph_node;

typedef struct nrf_graph nrf_graph;

NRF_MUST_CHECK nrf_status nrf_graph_create(nrf_graph **out);
void                      nrf_graph_free(nrf_graph *g);
/* The first error of any builder function, or NRF_OK. */
NRF_MUST_CHECK nrf_status nrf_graph_status(const nrf_graph *g);

int                   nrf_graph_count(const nrf_graph *g);
const nrf_graph_node *nrf_graph_at(const nrf_graph *g, nrf_node node); /* valid until the next node is made */

nrf_node nrf_graph_input(nrf_graph *g, int source, int channels, int height, int width);
nrf_node nrf_graph_parameter(nrf_graph *g, int source, int rank, const int64_t dim[]);
/* bias may be NRF_NO_NODE. */
nrf_node nrf_graph_conv(nrf_graph *g, nrf_node x, nrf_node w, nrf_node bias, int stride, int padding);
/* height, width: of the result (a stride > 1 leaves them open otherwise; 0: stride 1, derived). */
nrf_node nrf_graph_conv_adjoint(nrf_graph *g, nrf_node y, nrf_node w, nrf_node bias, int stride, int padding,
                                int height, int width);
nrf_node nrf_graph_conv_weight(nrf_graph *g, nrf_node x, nrf_node y, int kernel, int stride, int padding);
nrf_node nrf_graph_channel_sum(nrf_graph *g, nrf_node x);
nrf_node nrf_graph_batch_sum(nrf_graph *g, nrf_node x);
nrf_node nrf_graph_activation(nrf_graph *g, nrf_node x, nrf_activation activation); /* identity: x itself */
nrf_node nrf_graph_activation_grad(nrf_graph *g, nrf_node x, nrf_node dy, nrf_activation activation);
nrf_node nrf_graph_resize(nrf_graph *g, nrf_node x, int height, int width); /* x itself if it has that size */
nrf_node nrf_graph_resize_adjoint(nrf_graph *g, nrf_node y, int height, int width);
nrf_node nrf_graph_concat(nrf_graph *g, int n, const nrf_node x[]); /* one: itself */
nrf_node nrf_graph_slice(nrf_graph *g, nrf_node x, int first, int channels);
nrf_node nrf_graph_add(nrf_graph *g, int n, const nrf_node x[]); /* NRF_NO_NODE for n = 0; one: itself */
nrf_node nrf_graph_scale(nrf_graph *g, nrf_node x, double factor);
nrf_node nrf_graph_flatten(nrf_graph *g, nrf_node x);
nrf_node nrf_graph_unflatten(nrf_graph *g, nrf_node x, int channels, int height, int width);
nrf_node nrf_graph_layer_norm(nrf_graph *g, nrf_node x);
nrf_node nrf_graph_layer_norm_grad(nrf_graph *g, nrf_node x, nrf_node dy);
nrf_node nrf_graph_state_gradient(nrf_graph *g, nrf_node s, nrf_node b, nrf_node f, nrf_node h,
                                  nrf_activation rho);
nrf_node nrf_graph_neuron_energy(nrf_graph *g, nrf_node s, nrf_node b, nrf_node f);
nrf_node nrf_graph_weight_norm(nrf_graph *g, nrf_node v, nrf_node gain);
nrf_node nrf_graph_weight_norm_grad_v(nrf_graph *g, nrf_node v, nrf_node gain, nrf_node dw);
nrf_node nrf_graph_weight_norm_grad_g(nrf_graph *g, nrf_node v, nrf_node gain, nrf_node dw);
nrf_node nrf_graph_power_iteration(nrf_graph *g, nrf_node w, nrf_node u);
nrf_node nrf_graph_spectral_norm(nrf_graph *g, nrf_node w, nrf_node power_iteration);
nrf_node nrf_graph_spectral_norm_grad(nrf_graph *g, nrf_node w, nrf_node power_iteration, nrf_node dw);
nrf_node nrf_graph_flip(nrf_graph *g, nrf_node w);
nrf_node nrf_graph_input_slice(nrf_graph *g, nrf_node w, int first, int inputs);
nrf_node nrf_graph_input_pad(nrf_graph *g, nrf_node w, int first, int inputs);
/* The same node on other inputs; what a rewrite and a copy are made of. */
nrf_node nrf_graph_repeat(nrf_graph *g, nrf_node node, const nrf_node input[]);

/* needed[node] = output[0 .. n-1] depend on node; needed has one element per node. NRF_NO_NODE outputs are skipped. */
void nrf_graph_mark_needed(const nrf_graph *g, int n, const nrf_node output[], bool needed[]);

/* Reverse-mode differentiation: adds the nodes for
 *     gradient[j] = sum_i sum_images < seed[i], d output[i] / d wrt[j] >
 * seed[i] has the shape of output[i]. gradient[j] is NRF_NO_NODE where nothing depends on wrt[j]. A field
 * wrt gets a gradient per image; a weight wrt gets the sum over images. */
void nrf_graph_gradients(nrf_graph *g, int n_outputs, const nrf_node output[], const nrf_node seed[],
                         int n_wrt, const nrf_node wrt[], nrf_node gradient[]);

/* Replaces node[0 .. n-1] by cheaper equals (DESIGN, "let the algebra work"; see rewrite.c for the rules and
 * why each holds). Equal up to rounding. */
void nrf_graph_rewrite(nrf_graph *g, int n, nrf_node node[]);

#endif
