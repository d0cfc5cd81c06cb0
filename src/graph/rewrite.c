/* rewrite.c - cheaper equals of a graph. The rules, each an identity of the mathematics:
 *
 *   resize down of a convolution    a nearest-neighbour resize by a whole ratio r keeps every r-th pixel, so
 *                                   only those are computed: a convolution of stride r
 *   transposed convolution          with stride 1 it is a convolution with the flipped kernel and padding
 *                                   k - 1 - p; convolutions have the better kernels, and the rule above applies
 *   activation of a resize up       copies of a pixel have equal activations: activate first, then copy
 *   1x1 convolution of a resize up  likewise
 *   1x1 convolution of a concat     is the sum of 1x1 convolutions of the parts with slices of the kernel, so
 *                                   the concatenation is never made, and each part may be small
 *   resize, activation of a concat  act on the parts
 *
 * Applied bottom-up, to a node whose inputs are rewritten already, by constructors that look at their input. */
#include "nrflv/graph.h"

#include "nrflv/memory.h"

static nrf_node cheap_conv(nrf_graph *g, nrf_node x, nrf_node w, nrf_node bias, int stride, int padding);

static bool is_resize_up(const nrf_graph *g, nrf_node node)
{
  const nrf_graph_node *n = nrf_graph_at(g, node);
  if (n->op != NRF_OP_RESIZE) return false;
  const nrf_shape from = nrf_graph_at(g, n->input[0])->shape;
  return n->shape.dim[1] >= from.dim[1] && n->shape.dim[2] >= from.dim[2];
}

static nrf_node bias_of(const nrf_graph_node *conv)
{
  return conv->n_inputs == 3 ? conv->input[2] : NRF_NO_NODE;
}

static nrf_node cheap_flip(nrf_graph *g, nrf_node w)
{
  const nrf_graph_node *n = nrf_graph_at(g, w);
  return n->op == NRF_OP_FLIP ? n->input[0] : nrf_graph_flip(g, w);
}

static nrf_node cheap_conv_adjoint(nrf_graph *g, const nrf_graph_node *n, const nrf_node input[])
{
  const nrf_node bias    = n->n_inputs == 3 ? input[2] : NRF_NO_NODE;
  const int      padding = n->attr.kernel - 1 - n->attr.padding;
  if (n->attr.stride == 1 && padding >= 0)
    return cheap_conv(g, input[0], cheap_flip(g, input[1]), bias, 1, padding);
  return nrf_graph_conv_adjoint(g, input[0], input[1], bias, n->attr.stride, n->attr.padding,
                                (int)n->shape.dim[1], (int)n->shape.dim[2]);
}

static nrf_node cheap_resize(nrf_graph *g, nrf_node x, int height, int width)
{
  const nrf_graph_node n = *nrf_graph_at(g, x);
  const int            h = (int)n.shape.dim[1], w = (int)n.shape.dim[2];
  const bool           whole = h % height == 0 && w % width == 0 && h / height == w / width && h > height;
  if (whole && n.op == NRF_OP_CONCAT) {
    nrf_node part[NRF_MAX_NODE_INPUTS];
    for (int i = 0; i < n.n_inputs; i++) part[i] = cheap_resize(g, n.input[i], height, width);
    return nrf_graph_concat(g, n.n_inputs, part);
  }
  if (whole && n.op == NRF_OP_CONV && n.attr.stride == 1)
    return nrf_graph_conv(g, n.input[0], n.input[1], bias_of(&n), h / height, n.attr.padding);
  return nrf_graph_resize(g, x, height, width);
}

static nrf_node cheap_activation(nrf_graph *g, nrf_node x, nrf_activation activation)
{
  const nrf_graph_node n = *nrf_graph_at(g, x);
  if (is_resize_up(g, x))
    return nrf_graph_resize(g, cheap_activation(g, n.input[0], activation), (int)n.shape.dim[1],
                            (int)n.shape.dim[2]);
  if (n.op == NRF_OP_CONCAT) {
    nrf_node part[NRF_MAX_NODE_INPUTS];
    for (int i = 0; i < n.n_inputs; i++) part[i] = cheap_activation(g, n.input[i], activation);
    return nrf_graph_concat(g, n.n_inputs, part);
  }
  return nrf_graph_activation(g, x, activation);
}

/* The sum over the parts of a concat; the bias goes with the first part. */
static nrf_node conv_of_parts(nrf_graph *g, const nrf_graph_node *concat, nrf_node w, nrf_node bias)
{
  nrf_node term[NRF_MAX_NODE_INPUTS];
  int      first = 0;
  for (int i = 0; i < concat->n_inputs; i++) {
    const int channels = (int)nrf_graph_at(g, concat->input[i])->shape.dim[0];
    term[i]            = cheap_conv(g, concat->input[i], nrf_graph_input_slice(g, w, first, channels),
                         i == 0 ? bias : NRF_NO_NODE, 1, 0);
    first += channels;
  }
  return nrf_graph_add(g, concat->n_inputs, term);
}

static nrf_node cheap_conv(nrf_graph *g, nrf_node x, nrf_node w, nrf_node bias, int stride, int padding)
{
  const nrf_graph_node n         = *nrf_graph_at(g, x);
  const bool           pointwise = nrf_graph_at(g, w)->shape.dim[2] == 1 && stride == 1 && padding == 0;
  if (pointwise && n.op == NRF_OP_CONCAT) return conv_of_parts(g, &n, w, bias);
  if (pointwise && is_resize_up(g, x))
    return nrf_graph_resize(g, cheap_conv(g, n.input[0], w, bias, 1, 0), (int)n.shape.dim[1],
                            (int)n.shape.dim[2]);
  return nrf_graph_conv(g, x, w, bias, stride, padding);
}

static nrf_node rewrite_node(nrf_graph *g, nrf_node node, const nrf_node input[])
{
  const nrf_graph_node n = *nrf_graph_at(g, node);
  switch (n.op) {
  case NRF_OP_CONV:
    return cheap_conv(g, input[0], input[1], n.n_inputs == 3 ? input[2] : NRF_NO_NODE, n.attr.stride,
                      n.attr.padding);
  case NRF_OP_CONV_ADJOINT:
    return cheap_conv_adjoint(g, &n, input);
  case NRF_OP_RESIZE:
    return cheap_resize(g, input[0], (int)n.shape.dim[1], (int)n.shape.dim[2]);
  case NRF_OP_ACTIVATION:
    return cheap_activation(g, input[0], n.attr.activation);
  default:
    return nrf_graph_repeat(g, node, input);
  }
}

void nrf_graph_rewrite(nrf_graph *g, int n, nrf_node node[])
{
  if (nrf_graph_status(g) != NRF_OK) return;
  const int count  = nrf_graph_count(g);
  nrf_node *now    = NULL; /* what a node has become */
  bool     *needed = NULL;
  if (nrf_alloc((size_t)count * sizeof *now, "rewrite", (void **)&now) == NRF_OK &&
      nrf_alloc((size_t)count * sizeof *needed, "rewrite", (void **)&needed) == NRF_OK) {
    nrf_graph_mark_needed(g, n, node, needed);
    for (int i = 0; i < count; i++) {
      if (!needed[i]) continue;
      nrf_node  input[NRF_MAX_NODE_INPUTS] = {0};
      const int n_inputs                   = nrf_graph_at(g, i)->n_inputs;
      for (int j = 0; j < n_inputs; j++) input[j] = now[nrf_graph_at(g, i)->input[j]];
      now[i] = rewrite_node(g, i, input);
    }
    for (int i = 0; i < n; i++)
      if (node[i] != NRF_NO_NODE) node[i] = now[node[i]];
  }
  nrf_free(now);
  nrf_free(needed);
}
