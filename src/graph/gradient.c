/* gradient.c - reverse-mode differentiation of a graph: each operation's rule, and the sweep that applies them. */
#include "nrflv/graph.h"

#include "nrflv/memory.h"

#include <stdlib.h>
#include <string.h>

/* The gradients that have arrived at a node; their sum is its gradient. */
typedef struct arrivals {
  int      n;
  nrf_node from[NRF_MAX_NODE_INPUTS];
} arrivals;

typedef struct sweep {
  nrf_graph *g;
  arrivals  *at;     /* [nodes before the sweep]                                */
  bool      *wanted; /* a requested node can be reached downwards from this one */
} sweep;

static void arrive(sweep *s, nrf_node node, nrf_node gradient)
{
  if (gradient == NRF_NO_NODE || !s->wanted[node]) return;
  arrivals *a = &s->at[node];
  if (a->n == NRF_MAX_NODE_INPUTS) { /* fold what is there into one sum */
    a->from[0] = nrf_graph_add(s->g, a->n, a->from);
    a->n       = 1;
  }
  a->from[a->n++] = gradient;
}

static void back_conv(sweep *s, const nrf_graph_node *n, nrf_node dz)
{
  nrf_graph     *g = s->g;
  const nrf_node x = n->input[0], w = n->input[1];
  const bool     forward = n->op == NRF_OP_CONV;
  if (s->wanted[x]) {
    const nrf_shape xs = nrf_graph_at(g, x)->shape;
    arrive(s, x,
           forward ? nrf_graph_conv_adjoint(g, dz, w, NRF_NO_NODE, n->attr.stride, n->attr.padding,
                                            (int)xs.dim[1], (int)xs.dim[2])
                   : nrf_graph_conv(g, dz, w, NRF_NO_NODE, n->attr.stride, n->attr.padding));
  }
  if (s->wanted[w])
    arrive(s, w,
           nrf_graph_conv_weight(g, forward ? x : dz, forward ? dz : x, n->attr.kernel, n->attr.stride,
                                 n->attr.padding));
  if (n->n_inputs == 3 && s->wanted[n->input[2]]) arrive(s, n->input[2], nrf_graph_channel_sum(g, dz));
}

static void back_concat(sweep *s, const nrf_graph_node *n, nrf_node dz)
{
  int first = 0;
  for (int i = 0; i < n->n_inputs; i++) {
    const int channels = (int)nrf_graph_at(s->g, n->input[i])->shape.dim[0];
    if (s->wanted[n->input[i]]) arrive(s, n->input[i], nrf_graph_slice(s->g, dz, first, channels));
    first += channels;
  }
}

static void back_resize(sweep *s, const nrf_graph_node *n, nrf_node dz)
{
  const nrf_shape xs = nrf_graph_at(s->g, n->input[0])->shape;
  const int       h = (int)xs.dim[1], w = (int)xs.dim[2];
  arrive(s, n->input[0],
         n->op == NRF_OP_RESIZE ? nrf_graph_resize_adjoint(s->g, dz, h, w)
                                : nrf_graph_resize(s->g, dz, h, w));
}

static void back_flatten(sweep *s, const nrf_graph_node *n, nrf_node dz)
{
  const nrf_shape xs = nrf_graph_at(s->g, n->input[0])->shape;
  arrive(s, n->input[0],
         n->op == NRF_OP_FLATTEN
             ? nrf_graph_unflatten(s->g, dz, (int)xs.dim[0], (int)xs.dim[1], (int)xs.dim[2])
             : nrf_graph_flatten(s->g, dz));
}

static void back_weight_norm(sweep *s, const nrf_graph_node *n, nrf_node dz)
{
  const nrf_node v = n->input[0], gain = n->input[1];
  if (s->wanted[v]) arrive(s, v, nrf_graph_weight_norm_grad_v(s->g, v, gain, dz));
  if (s->wanted[gain]) arrive(s, gain, nrf_graph_weight_norm_grad_g(s->g, v, gain, dz));
}

/* Sends the gradient dz of node n on to its inputs. n is a copy: making nodes may move the graph's own. */
static void back(sweep *s, nrf_graph_node n, nrf_node dz)
{
  nrf_graph *g = s->g;
  switch (n.op) {
  case NRF_OP_CONV:
  case NRF_OP_CONV_ADJOINT:
    back_conv(s, &n, dz);
    break;
  case NRF_OP_ACTIVATION:
    arrive(s, n.input[0], nrf_graph_activation_grad(g, n.input[0], dz, n.attr.activation));
    break;
  case NRF_OP_RESIZE:
  case NRF_OP_RESIZE_ADJOINT:
    back_resize(s, &n, dz);
    break;
  case NRF_OP_CONCAT:
    back_concat(s, &n, dz);
    break;
  case NRF_OP_ADD:
    for (int i = 0; i < n.n_inputs; i++) arrive(s, n.input[i], dz);
    break;
  case NRF_OP_SCALE:
    arrive(s, n.input[0], nrf_graph_scale(g, dz, n.attr.factor));
    break;
  case NRF_OP_FLATTEN:
  case NRF_OP_UNFLATTEN:
    back_flatten(s, &n, dz);
    break;
  case NRF_OP_LAYER_NORM:
    arrive(s, n.input[0], nrf_graph_layer_norm_grad(g, n.input[0], dz));
    break;
  case NRF_OP_WEIGHT_NORM:
    back_weight_norm(s, &n, dz);
    break;
  case NRF_OP_SPECTRAL_NORM: /* u and v count as constants: nothing flows into the power iteration */
    arrive(s, n.input[0], nrf_graph_spectral_norm_grad(g, n.input[0], n.input[1], dz));
    break;
  case NRF_OP_FLIP:
    arrive(s, n.input[0], nrf_graph_flip(g, dz));
    break;
  case NRF_OP_INPUT_SLICE:
    arrive(s, n.input[0],
           nrf_graph_input_pad(g, dz, n.attr.first, (int)nrf_graph_at(g, n.input[0])->shape.dim[1]));
    break;
  default:
    break; /* sources end the sweep; gradients and energies are never differentiated again */
  }
}

/* wanted[node]: does node depend on, or is it, one of wrt? */
static void mark_wanted(sweep *s, int count, int n_wrt, const nrf_node wrt[])
{
  for (int j = 0; j < n_wrt; j++) s->wanted[wrt[j]] = true;
  for (int node = 0; node < count; node++) {
    const nrf_graph_node *n = nrf_graph_at(s->g, node);
    for (int i = 0; i < n->n_inputs; i++) s->wanted[node] = s->wanted[node] || s->wanted[n->input[i]];
  }
}

void nrf_graph_gradients(nrf_graph *g, int n_outputs, const nrf_node output[], const nrf_node seed[],
                         int n_wrt, const nrf_node wrt[], nrf_node gradient[])
{
  for (int j = 0; j < n_wrt; j++) gradient[j] = NRF_NO_NODE;
  if (nrf_graph_status(g) != NRF_OK) return;

  const int count = nrf_graph_count(g);
  sweep     s     = {.g = g};
  if (nrf_alloc((size_t)count * sizeof *s.at, "gradient sweep", (void **)&s.at) == NRF_OK &&
      nrf_alloc((size_t)count * sizeof *s.wanted, "gradient sweep", (void **)&s.wanted) == NRF_OK) {
    mark_wanted(&s, count, n_wrt, wrt);
    for (int i = 0; i < n_outputs; i++) arrive(&s, output[i], seed[i]);
    for (int node = count - 1; node >= 0; node--) {
      arrivals *a = &s.at[node];
      if (a->n == 0) continue;
      a->from[0] = nrf_graph_add(g, a->n, a->from);
      a->n       = 1;
      back(&s, *nrf_graph_at(g, node), a->from[0]);
    }
    for (int j = 0; j < n_wrt; j++)
      if (s.at[wrt[j]].n > 0) gradient[j] = s.at[wrt[j]].from[0];
  }
  nrf_free(s.at);
  nrf_free(s.wanted);
}
