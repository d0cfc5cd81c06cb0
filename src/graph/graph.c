/* graph.c - making nodes: storage and the shape rule of each operation. */
#include "nrflv/graph.h"

#include "nrflv/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nrf_graph {
  nrf_graph_node *node;
  int             count, capacity;
  nrf_status      status;
  char            message[256];
};

nrf_status nrf_graph_create(nrf_graph **out)
{
  return nrf_alloc(sizeof(nrf_graph), "graph", (void **)out);
}

void nrf_graph_free(nrf_graph *g)
{
  if (g == NULL) return;
  free(g->node);
  nrf_free(g);
}

nrf_status nrf_graph_status(const nrf_graph *g)
{
  return g->status == NRF_OK ? NRF_OK : nrf_error(g->status, "%s", g->message);
}

int nrf_graph_count(const nrf_graph *g)
{
  return g->count;
}

const nrf_graph_node *nrf_graph_at(const nrf_graph *g, nrf_node node)
{
  return &g->node[node];
}

/* Records the first error and yields NRF_NO_NODE. */
static nrf_node fail(nrf_graph *g, nrf_status status, const char *fmt, ...) NRF_PRINTF(3, 4);
static nrf_node fail(nrf_graph *g, nrf_status status, const char *fmt, ...)
{
  if (g->status == NRF_OK) {
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(g->message, sizeof g->message, fmt, args);
    va_end(args);
    g->status = status;
  }
  return NRF_NO_NODE;
}

static nrf_node append(nrf_graph *g, const nrf_graph_node *node)
{
  if (g->status != NRF_OK) return NRF_NO_NODE;
  if (g->count == g->capacity) {
    const int       capacity = g->capacity == 0 ? 128 : 2 * g->capacity;
    nrf_graph_node *grown    = realloc(g->node, (size_t)capacity * sizeof *grown);
    if (grown == NULL) return fail(g, NRF_ENOMEM, "graph: cannot hold %d nodes", capacity);
    g->node     = grown;
    g->capacity = capacity;
  }
  g->node[g->count] = *node;
  return g->count++;
}

static nrf_shape field_shape(int64_t channels, int64_t height, int64_t width)
{
  return (nrf_shape){3, {channels, height, width, 1}};
}

static bool same_shape(nrf_shape a, nrf_shape b)
{
  if (a.rank != b.rank) return false;
  for (int i = 0; i < a.rank; i++)
    if (a.dim[i] != b.dim[i]) return false;
  return true;
}

/* A node of `op` reading up to four inputs; trailing NRF_NO_NODE inputs are absent. */
static nrf_graph_node make(nrf_op op, bool is_field, nrf_shape shape, nrf_node a, nrf_node b, nrf_node c,
                           nrf_node d)
{
  nrf_graph_node n     = {.op = op, .is_field = is_field, .shape = shape};
  const nrf_node in[4] = {a, b, c, d};
  for (int i = 0; i < 4; i++)
    if (in[i] != NRF_NO_NODE) n.input[n.n_inputs++] = in[i];
  return n;
}

/* True when every input exists and is of the wanted kind; records an error otherwise. */
static bool check(nrf_graph *g, nrf_op op, bool want_field, int n, const nrf_node x[])
{
  if (g->status != NRF_OK) return false;
  for (int i = 0; i < n; i++) {
    if (x[i] < 0 || x[i] >= g->count) {
      fail(g, NRF_EINVAL, "graph: %s: input %d does not exist", nrf_op_name(op), i);
      return false;
    }
    if (g->node[x[i]].is_field != want_field) {
      fail(g, NRF_ESHAPE, "graph: %s: input %d is a %s", nrf_op_name(op), i, want_field ? "weight" : "field");
      return false;
    }
  }
  return true;
}

static bool check_field(nrf_graph *g, nrf_op op, nrf_node x)
{
  return check(g, op, true, 1, &x);
}

static bool check_weight(nrf_graph *g, nrf_op op, nrf_node x)
{
  return check(g, op, false, 1, &x);
}

static bool check_same(nrf_graph *g, nrf_op op, nrf_node a, nrf_node b)
{
  if (same_shape(g->node[a].shape, g->node[b].shape)) return true;
  fail(g, NRF_ESHAPE, "graph: %s: inputs of different shapes", nrf_op_name(op));
  return false;
}

nrf_node nrf_graph_input(nrf_graph *g, int source, int channels, int height, int width)
{
  nrf_graph_node n = make(NRF_OP_INPUT, true, field_shape(channels, height, width), -1, -1, -1, -1);
  n.source         = source;
  return append(g, &n);
}

nrf_node nrf_graph_parameter(nrf_graph *g, int source, int rank, const int64_t dim[])
{
  nrf_shape shape = {.rank = rank};
  for (int i = 0; i < rank; i++) shape.dim[i] = dim[i];
  nrf_graph_node n = make(NRF_OP_PARAMETER, false, shape, -1, -1, -1, -1);
  n.source         = source;
  return append(g, &n);
}

/* Checks what CONV and CONV_ADJOINT share: a field of the right number of channels, a square kernel, a bias. */
static bool check_conv(nrf_graph *g, nrf_op op, nrf_node x, nrf_node w, nrf_node bias, int stride,
                       int padding)
{
  if (!check_field(g, op, x) || !check_weight(g, op, w)) return false;
  const nrf_shape ws      = g->node[w].shape;
  const int64_t   from    = op == NRF_OP_CONV ? ws.dim[1] : ws.dim[0];
  const int64_t   to      = op == NRF_OP_CONV ? ws.dim[0] : ws.dim[1];
  const int64_t   x_count = g->node[x].shape.dim[0];
  if (ws.rank != 4 || ws.dim[2] != ws.dim[3] || stride < 1 || padding < 0) {
    fail(g, NRF_ESHAPE, "graph: %s: kernel, stride or padding make no sense", nrf_op_name(op));
    return false;
  }
  if (x_count != from) {
    fail(g, NRF_ESHAPE, "graph: %s: %lld channels into a kernel for %lld", nrf_op_name(op),
         (long long)x_count, (long long)from);
    return false;
  }
  if (bias == NRF_NO_NODE) return true;
  if (!check_weight(g, op, bias)) return false;
  if (nrf_shape_count(g->node[bias].shape) != to) {
    fail(g, NRF_ESHAPE, "graph: %s: bias does not fit %lld channels", nrf_op_name(op), (long long)to);
    return false;
  }
  return true;
}

nrf_node nrf_graph_conv(nrf_graph *g, nrf_node x, nrf_node w, nrf_node bias, int stride, int padding)
{
  if (!check_conv(g, NRF_OP_CONV, x, w, bias, stride, padding)) return NRF_NO_NODE;
  const nrf_shape xs = g->node[x].shape, ws = g->node[w].shape;
  const int64_t   k = ws.dim[2];
  if (xs.dim[1] + 2 * padding < k || xs.dim[2] + 2 * padding < k)
    return fail(g, NRF_ESHAPE, "a convolution with kernel %lld and padding %d does not fit a %lldx%lld map",
                (long long)k, padding, (long long)xs.dim[1], (long long)xs.dim[2]);
  const nrf_shape shape = field_shape(ws.dim[0], (xs.dim[1] + 2 * padding - k) / stride + 1,
                                      (xs.dim[2] + 2 * padding - k) / stride + 1);
  nrf_graph_node  n     = make(NRF_OP_CONV, true, shape, x, w, bias, -1);
  n.attr.kernel         = (int)k;
  n.attr.stride         = stride;
  n.attr.padding        = padding;
  return append(g, &n);
}

nrf_node nrf_graph_conv_adjoint(nrf_graph *g, nrf_node y, nrf_node w, nrf_node bias, int stride, int padding,
                                int height, int width)
{
  if (!check_conv(g, NRF_OP_CONV_ADJOINT, y, w, bias, stride, padding)) return NRF_NO_NODE;
  const nrf_shape ys = g->node[y].shape, ws = g->node[w].shape;
  const int       k = (int)ws.dim[2];
  if (height == 0) height = (int)ys.dim[1] - 2 * padding + k - 1;
  if (width == 0) width = (int)ys.dim[2] - 2 * padding + k - 1;
  if (height < 1 || width < 1)
    return fail(g, NRF_ESHAPE,
                "a transposed convolution with kernel %d and padding %d leaves nothing of a %lldx%lld map", k,
                padding, (long long)ys.dim[1], (long long)ys.dim[2]);
  if ((height + 2 * padding - k) / stride + 1 != ys.dim[1] ||
      (width + 2 * padding - k) / stride + 1 != ys.dim[2])
    return fail(g, NRF_ESHAPE, "graph: conv_adjoint: no convolution leads from %dx%d to %lldx%lld", height,
                width, (long long)ys.dim[1], (long long)ys.dim[2]);
  nrf_graph_node n = make(NRF_OP_CONV_ADJOINT, true, field_shape(ws.dim[1], height, width), y, w, bias, -1);
  n.attr.kernel    = k;
  n.attr.stride    = stride;
  n.attr.padding   = padding;
  return append(g, &n);
}

nrf_node nrf_graph_conv_weight(nrf_graph *g, nrf_node x, nrf_node y, int kernel, int stride, int padding)
{
  if (!check(g, NRF_OP_CONV_WEIGHT, true, 2, (nrf_node[]){x, y})) return NRF_NO_NODE;
  const nrf_shape shape = {4, {g->node[y].shape.dim[0], g->node[x].shape.dim[0], kernel, kernel}};
  nrf_graph_node  n     = make(NRF_OP_CONV_WEIGHT, false, shape, x, y, -1, -1);
  n.attr.kernel         = kernel;
  n.attr.stride         = stride;
  n.attr.padding        = padding;
  return append(g, &n);
}

nrf_node nrf_graph_channel_sum(nrf_graph *g, nrf_node x)
{
  if (!check_field(g, NRF_OP_CHANNEL_SUM, x)) return NRF_NO_NODE;
  const nrf_shape      shape = {1, {g->node[x].shape.dim[0]}};
  const nrf_graph_node n     = make(NRF_OP_CHANNEL_SUM, false, shape, x, -1, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_batch_sum(nrf_graph *g, nrf_node x)
{
  if (!check_field(g, NRF_OP_BATCH_SUM, x)) return NRF_NO_NODE;
  const nrf_graph_node n = make(NRF_OP_BATCH_SUM, false, g->node[x].shape, x, -1, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_activation(nrf_graph *g, nrf_node x, nrf_activation activation)
{
  if (activation == NRF_IDENTITY) return x;
  if (!check_field(g, NRF_OP_ACTIVATION, x)) return NRF_NO_NODE;
  nrf_graph_node n  = make(NRF_OP_ACTIVATION, true, g->node[x].shape, x, -1, -1, -1);
  n.attr.activation = activation;
  return append(g, &n);
}

nrf_node nrf_graph_activation_grad(nrf_graph *g, nrf_node x, nrf_node dy, nrf_activation activation)
{
  if (activation == NRF_IDENTITY) return dy;
  if (!check(g, NRF_OP_ACTIVATION_GRAD, true, 2, (nrf_node[]){x, dy}) ||
      !check_same(g, NRF_OP_ACTIVATION_GRAD, x, dy))
    return NRF_NO_NODE;
  nrf_graph_node n  = make(NRF_OP_ACTIVATION_GRAD, true, g->node[x].shape, x, dy, -1, -1);
  n.attr.activation = activation;
  return append(g, &n);
}

static nrf_node resize(nrf_graph *g, nrf_op op, nrf_node x, int height, int width)
{
  if (!check_field(g, op, x)) return NRF_NO_NODE;
  const nrf_shape xs = g->node[x].shape;
  if (xs.dim[1] == height && xs.dim[2] == width) return x;
  if (height < 1 || width < 1)
    return fail(g, NRF_ESHAPE, "graph: %s: to %dx%d", nrf_op_name(op), height, width);
  const nrf_graph_node n = make(op, true, field_shape(xs.dim[0], height, width), x, -1, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_resize(nrf_graph *g, nrf_node x, int height, int width)
{
  return resize(g, NRF_OP_RESIZE, x, height, width);
}

nrf_node nrf_graph_resize_adjoint(nrf_graph *g, nrf_node y, int height, int width)
{
  return resize(g, NRF_OP_RESIZE_ADJOINT, y, height, width);
}

static bool check_list(nrf_graph *g, nrf_op op, int n, const nrf_node x[])
{
  if (g->status != NRF_OK) return false;
  if (n < 1 || n > NRF_MAX_NODE_INPUTS) {
    fail(g, NRF_EINVAL, "graph: %s of %d inputs (at most %d)", nrf_op_name(op), n, NRF_MAX_NODE_INPUTS);
    return false;
  }
  if (x[0] < 0 || x[0] >= g->count) {
    fail(g, NRF_EINVAL, "graph: %s: input 0 does not exist", nrf_op_name(op));
    return false;
  }
  return check(g, op, g->node[x[0]].is_field, n, x);
}

nrf_node nrf_graph_concat(nrf_graph *g, int n, const nrf_node x[])
{
  if (!check_list(g, NRF_OP_CONCAT, n, x)) return NRF_NO_NODE;
  if (n == 1) return x[0];
  nrf_graph_node  c        = {.op = NRF_OP_CONCAT, .is_field = true, .n_inputs = n};
  const nrf_shape first    = g->node[x[0]].shape;
  int64_t         channels = 0;
  for (int i = 0; i < n; i++) {
    const nrf_shape s = g->node[x[i]].shape;
    if (!g->node[x[i]].is_field || s.dim[1] != first.dim[1] || s.dim[2] != first.dim[2])
      return fail(g, NRF_ESHAPE, "graph: concat of maps of different sizes");
    channels += s.dim[0];
    c.input[i] = x[i];
  }
  c.shape = field_shape(channels, first.dim[1], first.dim[2]);
  return append(g, &c);
}

nrf_node nrf_graph_slice(nrf_graph *g, nrf_node x, int first, int channels)
{
  if (!check_field(g, NRF_OP_SLICE, x)) return NRF_NO_NODE;
  const nrf_shape xs = g->node[x].shape;
  if (first < 0 || channels < 1 || first + channels > xs.dim[0])
    return fail(g, NRF_ESHAPE, "graph: slice: channels %d to %d of %lld", first, first + channels,
                (long long)xs.dim[0]);
  if (channels == xs.dim[0]) return x;
  nrf_graph_node n = make(NRF_OP_SLICE, true, field_shape(channels, xs.dim[1], xs.dim[2]), x, -1, -1, -1);
  n.attr.first     = first;
  return append(g, &n);
}

nrf_node nrf_graph_add(nrf_graph *g, int n, const nrf_node x[])
{
  if (n == 0) return NRF_NO_NODE;
  if (!check_list(g, NRF_OP_ADD, n, x)) return NRF_NO_NODE;
  if (n == 1) return x[0];
  nrf_graph_node sum = {
      .op = NRF_OP_ADD, .is_field = g->node[x[0]].is_field, .shape = g->node[x[0]].shape, .n_inputs = n};
  for (int i = 0; i < n; i++) {
    if (!check_same(g, NRF_OP_ADD, x[0], x[i])) return NRF_NO_NODE;
    sum.input[i] = x[i];
  }
  return append(g, &sum);
}

nrf_node nrf_graph_scale(nrf_graph *g, nrf_node x, double factor)
{
  if (g->status != NRF_OK) return NRF_NO_NODE;
  nrf_graph_node n = make(NRF_OP_SCALE, g->node[x].is_field, g->node[x].shape, x, -1, -1, -1);
  n.attr.factor    = factor;
  return append(g, &n);
}

nrf_node nrf_graph_flatten(nrf_graph *g, nrf_node x)
{
  if (g->status != NRF_OK) return NRF_NO_NODE;
  const nrf_graph_node *from  = &g->node[x];
  const int64_t         units = nrf_shape_count(from->shape);
  const nrf_shape       shape = from->is_field ? field_shape(units, 1, 1) : (nrf_shape){2, {1, units}};
  const nrf_graph_node  n     = make(NRF_OP_FLATTEN, from->is_field, shape, x, -1, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_unflatten(nrf_graph *g, nrf_node x, int channels, int height, int width)
{
  if (g->status != NRF_OK) return NRF_NO_NODE;
  const nrf_shape shape = field_shape(channels, height, width);
  if (nrf_shape_count(g->node[x].shape) != nrf_shape_count(shape))
    return fail(g, NRF_ESHAPE, "graph: unflatten: %lld units do not fill %dx%dx%d",
                (long long)nrf_shape_count(g->node[x].shape), channels, height, width);
  const nrf_graph_node n = make(NRF_OP_UNFLATTEN, g->node[x].is_field, shape, x, -1, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_layer_norm(nrf_graph *g, nrf_node x)
{
  if (!check_field(g, NRF_OP_LAYER_NORM, x)) return NRF_NO_NODE;
  const nrf_graph_node n = make(NRF_OP_LAYER_NORM, true, g->node[x].shape, x, -1, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_layer_norm_grad(nrf_graph *g, nrf_node x, nrf_node dy)
{
  if (!check(g, NRF_OP_LAYER_NORM_GRAD, true, 2, (nrf_node[]){x, dy}) ||
      !check_same(g, NRF_OP_LAYER_NORM_GRAD, x, dy))
    return NRF_NO_NODE;
  const nrf_graph_node n = make(NRF_OP_LAYER_NORM_GRAD, true, g->node[x].shape, x, dy, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_state_gradient(nrf_graph *g, nrf_node s, nrf_node b, nrf_node f, nrf_node h,
                                  nrf_activation rho)
{
  if (!check(g, NRF_OP_STATE_GRADIENT, true, h == NRF_NO_NODE ? 2 : 3, (nrf_node[]){s, f, h}) ||
      !check_weight(g, NRF_OP_STATE_GRADIENT, b) || !check_same(g, NRF_OP_STATE_GRADIENT, s, f) ||
      !check_same(g, NRF_OP_STATE_GRADIENT, s, b) ||
      (h != NRF_NO_NODE && !check_same(g, NRF_OP_STATE_GRADIENT, s, h)))
    return NRF_NO_NODE;
  nrf_graph_node n  = make(NRF_OP_STATE_GRADIENT, true, g->node[s].shape, s, b, f, h);
  n.attr.activation = rho;
  return append(g, &n);
}

nrf_node nrf_graph_neuron_energy(nrf_graph *g, nrf_node s, nrf_node b, nrf_node f)
{
  if (!check(g, NRF_OP_NEURON_ENERGY, true, 2, (nrf_node[]){s, f}) ||
      !check_weight(g, NRF_OP_NEURON_ENERGY, b) || !check_same(g, NRF_OP_NEURON_ENERGY, s, f) ||
      !check_same(g, NRF_OP_NEURON_ENERGY, s, b))
    return NRF_NO_NODE;
  const nrf_graph_node n = make(NRF_OP_NEURON_ENERGY, true, g->node[s].shape, s, b, f, -1);
  return append(g, &n);
}

nrf_node nrf_graph_weight_norm(nrf_graph *g, nrf_node v, nrf_node gain)
{
  if (!check(g, NRF_OP_WEIGHT_NORM, false, 2, (nrf_node[]){v, gain})) return NRF_NO_NODE;
  if (nrf_shape_count(g->node[gain].shape) != g->node[v].shape.dim[0])
    return fail(g, NRF_ESHAPE, "graph: weight_norm: as many gains as first indices are needed");
  const nrf_graph_node n = make(NRF_OP_WEIGHT_NORM, false, g->node[v].shape, v, gain, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_power_iteration(nrf_graph *g, nrf_node w, nrf_node u)
{
  if (!check(g, NRF_OP_POWER_ITERATION, false, 2, (nrf_node[]){w, u})) return NRF_NO_NODE;
  const int64_t rows = g->node[w].shape.dim[0], columns = nrf_shape_count(g->node[w].shape) / rows;
  if (nrf_shape_count(g->node[u].shape) != rows)
    return fail(g, NRF_ESHAPE, "graph: power_iteration: u must have %lld elements", (long long)rows);
  const nrf_shape      shape = {2, {1, rows + columns + 1}};
  const nrf_graph_node n     = make(NRF_OP_POWER_ITERATION, false, shape, w, u, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_spectral_norm(nrf_graph *g, nrf_node w, nrf_node power_iteration)
{
  if (!check(g, NRF_OP_SPECTRAL_NORM, false, 2, (nrf_node[]){w, power_iteration})) return NRF_NO_NODE;
  const nrf_graph_node n = make(NRF_OP_SPECTRAL_NORM, false, g->node[w].shape, w, power_iteration, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_flip(nrf_graph *g, nrf_node w)
{
  if (!check_weight(g, NRF_OP_FLIP, w)) return NRF_NO_NODE;
  const nrf_shape s = g->node[w].shape;
  if (s.rank != 4) return fail(g, NRF_ESHAPE, "graph: flip of something that is no kernel");
  const nrf_shape      shape = {4, {s.dim[1], s.dim[0], s.dim[2], s.dim[3]}};
  const nrf_graph_node n     = make(NRF_OP_FLIP, false, shape, w, -1, -1, -1);
  return append(g, &n);
}

nrf_node nrf_graph_input_slice(nrf_graph *g, nrf_node w, int first, int inputs)
{
  if (!check_weight(g, NRF_OP_INPUT_SLICE, w)) return NRF_NO_NODE;
  nrf_shape s = g->node[w].shape;
  if (s.rank != 4 || first < 0 || inputs < 1 || first + inputs > s.dim[1])
    return fail(g, NRF_ESHAPE, "graph: input_slice: %d to %d of %lld", first, first + inputs,
                (long long)s.dim[1]);
  s.dim[1]         = inputs;
  nrf_graph_node n = make(NRF_OP_INPUT_SLICE, false, s, w, -1, -1, -1);
  n.attr.first     = first;
  return append(g, &n);
}

nrf_node nrf_graph_input_pad(nrf_graph *g, nrf_node w, int first, int inputs)
{
  if (!check_weight(g, NRF_OP_INPUT_PAD, w)) return NRF_NO_NODE;
  nrf_shape s = g->node[w].shape;
  if (s.rank != 4 || first < 0 || first + s.dim[1] > inputs)
    return fail(g, NRF_ESHAPE, "graph: input_pad: %lld at %d do not fit %d", (long long)s.dim[1], first,
                inputs);
  s.dim[1]         = inputs;
  nrf_graph_node n = make(NRF_OP_INPUT_PAD, false, s, w, -1, -1, -1);
  n.attr.first     = first;
  return append(g, &n);
}

static nrf_node three_weights(nrf_graph *g, nrf_op op, nrf_node shape_of, nrf_node a, nrf_node b, nrf_node c)
{
  if (!check(g, op, false, 3, (nrf_node[]){a, b, c})) return NRF_NO_NODE;
  const nrf_graph_node n = make(op, false, g->node[shape_of].shape, a, b, c, -1);
  return append(g, &n);
}

nrf_node nrf_graph_weight_norm_grad_v(nrf_graph *g, nrf_node v, nrf_node gain, nrf_node dw)
{
  return three_weights(g, NRF_OP_WEIGHT_NORM_GRAD_V, v, v, gain, dw);
}

nrf_node nrf_graph_weight_norm_grad_g(nrf_graph *g, nrf_node v, nrf_node gain, nrf_node dw)
{
  return three_weights(g, NRF_OP_WEIGHT_NORM_GRAD_G, gain, v, gain, dw);
}

nrf_node nrf_graph_spectral_norm_grad(nrf_graph *g, nrf_node w, nrf_node power_iteration, nrf_node dw)
{
  return three_weights(g, NRF_OP_SPECTRAL_NORM_GRAD, w, w, power_iteration, dw);
}

nrf_node nrf_graph_repeat(nrf_graph *g, nrf_node node, const nrf_node input[])
{
  if (g->status != NRF_OK) return NRF_NO_NODE;
  nrf_graph_node n    = g->node[node];
  bool           same = true;
  for (int i = 0; i < n.n_inputs; i++) {
    same       = same && n.input[i] == input[i];
    n.input[i] = input[i];
  }
  return same ? node : append(g, &n);
}

void nrf_graph_mark_needed(const nrf_graph *g, int n, const nrf_node output[], bool needed[])
{
  memset(needed, 0, (size_t)g->count * sizeof *needed);
  for (int i = 0; i < n; i++)
    if (output[i] != NRF_NO_NODE) needed[output[i]] = true;
  for (int i = g->count - 1; i >= 0; i--)
    if (needed[i])
      for (int j = 0; j < g->node[i].n_inputs; j++) needed[g->node[i].input[j]] = true;
}
