/* reference.c - a graph evaluated in double precision, one plain loop per operation. */
#include "nrflv/reference.h"

#include "nrflv/memory.h"

#include <math.h>
#include <string.h>

struct nrf_reference {
  const nrf_graph *g;
  int              n, batch;
  double         **value; /* [n], NULL where not needed */
};

/* What one node's evaluation sees. */
typedef struct view {
  const nrf_graph_node *n;
  int                   batch;
  const double         *in[NRF_MAX_NODE_INPUTS];
  nrf_shape             shape[NRF_MAX_NODE_INPUTS];
  double               *out;   /* zeroed                */
  int64_t               count; /* elements of out       */
} view;

int64_t nrf_reference_count(const nrf_reference *r, nrf_node node)
{
  const nrf_graph_node *n = nrf_graph_at(r->g, node);
  return nrf_shape_count(n->shape) * (n->is_field ? r->batch : 1);
}

const double *nrf_reference_value(const nrf_reference *r, nrf_node node)
{
  return node == NRF_NO_NODE || node >= r->n ? NULL : r->value[node];
}

/* Visits every product of a convolution between x [batch, I, H, W] and y [batch, O, h, w] with kernel w [O, I, k, k]:
 * calls act(context, x index, y index, w index) with flat indices. */
static void each_product(int batch, nrf_shape xs, nrf_shape ys, int k, int stride, int padding,
                         void (*act)(void *, int64_t, int64_t, int64_t), void *context)
{
  const int64_t in_c = xs.dim[0], H = xs.dim[1], W = xs.dim[2], out_c = ys.dim[0], h = ys.dim[1],
                w = ys.dim[2];
  for (int64_t n = 0; n < batch; n++)
    for (int64_t o = 0; o < out_c; o++)
      for (int64_t i = 0; i < in_c; i++)
        for (int64_t y = 0; y < h; y++)
          for (int64_t x = 0; x < w; x++)
            for (int64_t a = 0; a < k; a++) {
              const int64_t sy = y * stride + a - padding;
              if (sy < 0 || sy >= H) continue;
              for (int64_t b = 0; b < k; b++) {
                const int64_t sx = x * stride + b - padding;
                if (sx < 0 || sx >= W) continue;
                act(context, ((n * in_c + i) * H + sy) * W + sx, ((n * out_c + o) * h + y) * w + x,
                    ((o * in_c + i) * k + a) * k + b);
              }
            }
}

static void conv_product(void *context, int64_t x, int64_t y, int64_t w)
{
  view *v = context;
  v->out[y] += v->in[0][x] * v->in[1][w];
}

static void adjoint_product(void *context, int64_t x, int64_t y, int64_t w)
{
  view *v = context;
  v->out[x] += v->in[0][y] * v->in[1][w];
}

static void weight_product(void *context, int64_t x, int64_t y, int64_t w)
{
  view *v = context;
  v->out[w] += v->in[0][x] * v->in[1][y];
}

static void add_bias(view *v)
{
  if (v->n->n_inputs < 3) return;
  const int64_t pixels = v->n->shape.dim[1] * v->n->shape.dim[2];
  for (int64_t e = 0; e < v->count; e++) v->out[e] += v->in[2][e / pixels % v->n->shape.dim[0]];
}

static void eval_conv(view *v)
{
  each_product(v->batch, v->shape[0], v->n->shape, v->n->attr.kernel, v->n->attr.stride, v->n->attr.padding,
               conv_product, v);
  add_bias(v);
}

static void eval_conv_adjoint(view *v)
{
  each_product(v->batch, v->n->shape, v->shape[0], v->n->attr.kernel, v->n->attr.stride, v->n->attr.padding,
               adjoint_product, v);
  add_bias(v);
}

static void eval_conv_weight(view *v)
{
  each_product(v->batch, v->shape[0], v->shape[1], v->n->attr.kernel, v->n->attr.stride, v->n->attr.padding,
               weight_product, v);
}

static void eval_channel_sum(view *v)
{
  const nrf_shape s = v->shape[0];
  for (int64_t e = 0; e < v->batch * nrf_shape_count(s); e++)
    v->out[e / (s.dim[1] * s.dim[2]) % s.dim[0]] += v->in[0][e];
}

static void eval_batch_sum(view *v)
{
  for (int64_t e = 0; e < v->batch * v->count; e++) v->out[e % v->count] += v->in[0][e];
}

static double activate(nrf_activation a, double x)
{
  switch (a) {
  case NRF_HARDTANH:
    return fmin(fmax(x, -1.0), 1.0);
  case NRF_HARDSIG:
    return fmin(fmax(x, 0.0), 1.0);
  case NRF_RELU:
    return fmax(x, 0.0);
  case NRF_LEAKY_RELU:
    return x > 0.0 ? x : 0.01 * x;
  case NRF_SWISH:
    return x / (1.0 + exp(-x));
  case NRF_SOFT_HARDTANH:
    return fmin(fmax(x, -1.0), 1.0) + 0.01 * x;
  case NRF_SOFT_HARDSIG:
    return fmin(fmax(x, 0.0), 1.0) + 0.01 * x;
  default:
    return x;
  }
}

static double slope(nrf_activation a, double x)
{
  switch (a) {
  case NRF_HARDTANH:
    return x > -1.0 && x < 1.0 ? 1.0 : 0.0;
  case NRF_HARDSIG:
    return x > 0.0 && x < 1.0 ? 1.0 : 0.0;
  case NRF_RELU:
    return x > 0.0 ? 1.0 : 0.0;
  case NRF_LEAKY_RELU:
    return x > 0.0 ? 1.0 : 0.01;
  case NRF_SWISH: {
    const double sigmoid = 1.0 / (1.0 + exp(-x));
    return sigmoid * (1.0 + x * (1.0 - sigmoid));
  }
  case NRF_SOFT_HARDTANH:
    return (x > -1.0 && x < 1.0 ? 1.0 : 0.0) + 0.01;
  case NRF_SOFT_HARDSIG:
    return (x > 0.0 && x < 1.0 ? 1.0 : 0.0) + 0.01;
  default:
    return 1.0;
  }
}

static void eval_activation(view *v)
{
  for (int64_t e = 0; e < v->count; e++) v->out[e] = activate(v->n->attr.activation, v->in[0][e]);
}

static void eval_activation_grad(view *v)
{
  for (int64_t e = 0; e < v->count; e++) v->out[e] = slope(v->n->attr.activation, v->in[0][e]) * v->in[1][e];
}

/* Calls with (small index, large index): large is what the resize of `from` to `to` writes. */
static void eval_resize_pair(view *v, nrf_shape from, nrf_shape to, bool adjoint)
{
  for (int64_t p = 0; p < v->batch * to.dim[0]; p++)
    for (int64_t y = 0; y < to.dim[1]; y++)
      for (int64_t x = 0; x < to.dim[2]; x++) {
        const int64_t source =
            (p * from.dim[1] + y * from.dim[1] / to.dim[1]) * from.dim[2] + x * from.dim[2] / to.dim[2];
        const int64_t target = (p * to.dim[1] + y) * to.dim[2] + x;
        if (adjoint)
          v->out[source] += v->in[0][target];
        else
          v->out[target] = v->in[0][source];
      }
}

static void eval_resize(view *v)
{
  eval_resize_pair(v, v->shape[0], v->n->shape, false);
}

static void eval_resize_adjoint(view *v)
{
  eval_resize_pair(v, v->n->shape, v->shape[0], true);
}

static void eval_concat(view *v)
{
  const int64_t pixels = v->n->shape.dim[1] * v->n->shape.dim[2];
  double       *out    = v->out;
  for (int64_t n = 0; n < v->batch; n++)
    for (int i = 0; i < v->n->n_inputs; i++) {
      const int64_t part = v->shape[i].dim[0] * pixels;
      memcpy(out, v->in[i] + n * part, (size_t)part * sizeof *out);
      out += part;
    }
}

static void eval_slice(view *v)
{
  const int64_t pixels = v->n->shape.dim[1] * v->n->shape.dim[2], part = v->n->shape.dim[0] * pixels;
  for (int64_t n = 0; n < v->batch; n++)
    memcpy(v->out + n * part, v->in[0] + (n * v->shape[0].dim[0] + v->n->attr.first) * pixels,
           (size_t)part * sizeof(double));
}

static void eval_add(view *v)
{
  for (int i = 0; i < v->n->n_inputs; i++)
    for (int64_t e = 0; e < v->count; e++) v->out[e] += v->in[i][e];
}

static void eval_scale(view *v)
{
  for (int64_t e = 0; e < v->count; e++) v->out[e] = v->n->attr.factor * v->in[0][e];
}

static void eval_copy(view *v)
{
  memcpy(v->out, v->in[0], (size_t)v->count * sizeof(double));
}

static void layer_norm_moments(const double *x, int64_t units, double *mean, double *inverse_sd)
{
  double sum = 0.0, squares = 0.0;
  for (int64_t e = 0; e < units; e++) sum += x[e];
  *mean = sum / (double)units;
  for (int64_t e = 0; e < units; e++) squares += (x[e] - *mean) * (x[e] - *mean);
  *inverse_sd = 1.0 / sqrt(squares / (double)units + 1e-5);
}

static void eval_layer_norm(view *v)
{
  const int64_t units = nrf_shape_count(v->n->shape);
  for (int n = 0; n < v->batch; n++) {
    const double *x = v->in[0] + n * units;
    double        mean, inverse_sd;
    layer_norm_moments(x, units, &mean, &inverse_sd);
    for (int64_t e = 0; e < units; e++) v->out[n * units + e] = (x[e] - mean) * inverse_sd;
  }
}

static void eval_layer_norm_grad(view *v)
{
  const int64_t units = nrf_shape_count(v->n->shape);
  for (int n = 0; n < v->batch; n++) {
    const double *x = v->in[0] + n * units, *dy = v->in[1] + n * units;
    double        mean, inverse_sd, mean_dy = 0.0, mean_dy_y = 0.0;
    layer_norm_moments(x, units, &mean, &inverse_sd);
    for (int64_t e = 0; e < units; e++) {
      mean_dy += dy[e] / (double)units;
      mean_dy_y += dy[e] * (x[e] - mean) * inverse_sd / (double)units;
    }
    for (int64_t e = 0; e < units; e++)
      v->out[n * units + e] = inverse_sd * (dy[e] - mean_dy - (x[e] - mean) * inverse_sd * mean_dy_y);
  }
}

static void eval_state_gradient(view *v)
{
  const int64_t units = nrf_shape_count(v->n->shape);
  for (int64_t e = 0; e < v->count; e++) {
    const double s = v->in[0][e], b = v->in[1][e % units], f = v->in[2][e];
    const double h = v->n->n_inputs == 4 ? v->in[3][e] : 0.0;
    v->out[e]      = s - b - 0.5 * (f + slope(v->n->attr.activation, s) * h);
  }
}

static void eval_neuron_energy(view *v)
{
  const int64_t units = nrf_shape_count(v->n->shape);
  for (int64_t e = 0; e < v->count; e++) {
    const double s = v->in[0][e], b = v->in[1][e % units], f = v->in[2][e];
    v->out[e] = 0.5 * s * s - b * s - 0.5 * s * f;
  }
}

/* The row's norm squared, and its product with the row of dw if there is one. */
static void weight_norm_sums(const double *x, const double *dw, int64_t n, double *squares, double *dot)
{
  *squares = *dot = 0.0;
  for (int64_t c = 0; c < n; c++) *squares += x[c] * x[c];
  for (int64_t c = 0; dw != NULL && c < n; c++) *dot += x[c] * dw[c];
}

static void eval_weight_norm(view *v)
{
  const int64_t rows = v->shape[0].dim[0], columns = v->count / rows;
  for (int64_t r = 0; r < rows; r++) {
    const double *x = v->in[0] + r * columns;
    double        squares, dot;
    weight_norm_sums(x, NULL, columns, &squares, &dot);
    for (int64_t c = 0; c < columns; c++) v->out[r * columns + c] = v->in[1][r] * x[c] / sqrt(squares);
  }
}

static void eval_weight_norm_grad_v(view *v)
{
  const int64_t rows = v->shape[0].dim[0], columns = v->count / rows;
  for (int64_t r = 0; r < rows; r++) {
    const double *x = v->in[0] + r * columns, *dw = v->in[2] + r * columns;
    double        squares, dot;
    weight_norm_sums(x, dw, columns, &squares, &dot);
    for (int64_t c = 0; c < columns; c++)
      v->out[r * columns + c] = v->in[1][r] / sqrt(squares) * (dw[c] - x[c] * dot / squares);
  }
}

static void eval_weight_norm_grad_g(view *v)
{
  const int64_t rows = v->shape[0].dim[0], columns = nrf_shape_count(v->shape[0]) / rows;
  for (int64_t r = 0; r < rows; r++) {
    double squares, dot;
    weight_norm_sums(v->in[0] + r * columns, v->in[2] + r * columns, columns, &squares, &dot);
    v->out[r] = dot / sqrt(squares);
  }
}

static void normalise(double *x, int64_t n)
{
  double squares = 0.0;
  for (int64_t i = 0; i < n; i++) squares += x[i] * x[i];
  const double norm = fmax(sqrt(squares), 1e-12);
  for (int64_t i = 0; i < n; i++) x[i] /= norm;
}

static void eval_power_iteration(view *v)
{
  const int64_t rows = v->shape[0].dim[0], columns = nrf_shape_count(v->shape[0]) / rows;
  const double *w = v->in[0];
  double       *u = v->out, *right = v->out + rows, *sigma = v->out + rows + columns;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) right[c] += w[r * columns + c] * v->in[1][r];
  normalise(right, columns);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) u[r] += w[r * columns + c] * right[c];
  normalise(u, rows);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) *sigma += u[r] * w[r * columns + c] * right[c];
}

static void eval_spectral_norm(view *v)
{
  const int64_t rows = v->shape[0].dim[0], columns = v->count / rows;
  const double *u = v->in[1], *right = u + rows, sigma = u[rows + columns];
  double        dot = 0.0;
  for (int64_t e = 0; v->n->n_inputs == 3 && e < v->count; e++) dot += v->in[2][e] * v->in[0][e];
  for (int64_t e = 0; e < v->count; e++)
    v->out[e] = v->n->op == NRF_OP_SPECTRAL_NORM
                    ? v->in[0][e] / sigma
                    : v->in[2][e] / sigma - dot / (sigma * sigma) * u[e / columns] * right[e % columns];
}

static void eval_flip(view *v)
{
  const nrf_shape s  = v->n->shape;
  const int64_t   kk = s.dim[2] * s.dim[3];
  for (int64_t a = 0; a < s.dim[0]; a++)
    for (int64_t b = 0; b < s.dim[1]; b++)
      for (int64_t p = 0; p < kk; p++)
        v->out[(a * s.dim[1] + b) * kk + p] = v->in[0][(b * s.dim[0] + a) * kk + kk - 1 - p];
}

/* INPUT_SLICE and INPUT_PAD: rows of the narrower kernel lie inside rows of the wider one. */
static void eval_input_slice(view *v)
{
  const bool    pad  = v->n->op == NRF_OP_INPUT_PAD;
  const int64_t kk   = v->n->shape.dim[2] * v->n->shape.dim[3];
  const int64_t from = v->shape[0].dim[1] * kk, to = v->n->shape.dim[1] * kk, first = v->n->attr.first * kk;
  for (int64_t o = 0; o < v->n->shape.dim[0]; o++)
    memcpy(v->out + o * to + (pad ? first : 0), v->in[0] + o * from + (pad ? 0 : first),
           (size_t)(pad ? from : to) * sizeof(double));
}

static void (*const rules[NRF_OP_COUNT])(view *) = {
    [NRF_OP_CONV]               = eval_conv,
    [NRF_OP_CONV_ADJOINT]       = eval_conv_adjoint,
    [NRF_OP_CONV_WEIGHT]        = eval_conv_weight,
    [NRF_OP_CHANNEL_SUM]        = eval_channel_sum,
    [NRF_OP_BATCH_SUM]          = eval_batch_sum,
    [NRF_OP_ACTIVATION]         = eval_activation,
    [NRF_OP_ACTIVATION_GRAD]    = eval_activation_grad,
    [NRF_OP_RESIZE]             = eval_resize,
    [NRF_OP_RESIZE_ADJOINT]     = eval_resize_adjoint,
    [NRF_OP_CONCAT]             = eval_concat,
    [NRF_OP_SLICE]              = eval_slice,
    [NRF_OP_ADD]                = eval_add,
    [NRF_OP_SCALE]              = eval_scale,
    [NRF_OP_FLATTEN]            = eval_copy,
    [NRF_OP_UNFLATTEN]          = eval_copy,
    [NRF_OP_LAYER_NORM]         = eval_layer_norm,
    [NRF_OP_LAYER_NORM_GRAD]    = eval_layer_norm_grad,
    [NRF_OP_STATE_GRADIENT]     = eval_state_gradient,
    [NRF_OP_NEURON_ENERGY]      = eval_neuron_energy,
    [NRF_OP_WEIGHT_NORM]        = eval_weight_norm,
    [NRF_OP_WEIGHT_NORM_GRAD_V] = eval_weight_norm_grad_v,
    [NRF_OP_WEIGHT_NORM_GRAD_G] = eval_weight_norm_grad_g,
    [NRF_OP_POWER_ITERATION]    = eval_power_iteration,
    [NRF_OP_SPECTRAL_NORM]      = eval_spectral_norm,
    [NRF_OP_SPECTRAL_NORM_GRAD] = eval_spectral_norm,
    [NRF_OP_FLIP]               = eval_flip,
    [NRF_OP_INPUT_SLICE]        = eval_input_slice,
    [NRF_OP_INPUT_PAD]          = eval_input_slice,
};

static nrf_status evaluate_node(nrf_reference *r, nrf_node node, const double *const input[],
                                const double *const parameter[])
{
  const nrf_graph_node *n = nrf_graph_at(r->g, node);
  view                  v = {.n = n, .batch = r->batch, .count = nrf_reference_count(r, node)};
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)v.count * sizeof(double), "reference value", (void **)&r->value[node]));
  v.out = r->value[node];
  for (int i = 0; i < n->n_inputs; i++) {
    v.in[i]    = r->value[n->input[i]];
    v.shape[i] = nrf_graph_at(r->g, n->input[i])->shape;
  }
  if (n->op == NRF_OP_INPUT)
    memcpy(v.out, input[n->source], (size_t)v.count * sizeof(double));
  else if (n->op == NRF_OP_PARAMETER)
    memcpy(v.out, parameter[n->source], (size_t)v.count * sizeof(double));
  else
    rules[n->op](&v);
  return NRF_OK;
}

nrf_status nrf_reference_evaluate(const nrf_graph *g, int batch, const double *const input[],
                                  const double *const parameter[], int n, const nrf_node output[],
                                  nrf_reference **out)
{
  nrf_status     st     = NRF_OK;
  nrf_reference *r      = NULL;
  bool          *needed = NULL;
  *out                  = NULL;
  NRF_TRY(nrf_graph_status(g));
  const int count = nrf_graph_count(g);
  NRF_TRY(nrf_alloc(sizeof *r, "reference", (void **)&r));
  *r = (nrf_reference){.g = g, .n = count, .batch = batch};
  NRF_TRY(nrf_alloc((size_t)count * sizeof *r->value, "reference", (void **)&r->value));
  NRF_TRY(nrf_alloc((size_t)count * sizeof *needed, "reference", (void **)&needed));
  nrf_graph_mark_needed(g, n, output, needed);
  for (nrf_node node = 0; node < count; node++)
    if (needed[node]) NRF_TRY(evaluate_node(r, node, input, parameter));
  *out = r;
  r    = NULL;
done:
  nrf_free(needed);
  nrf_reference_free(r);
  return st;
}

void nrf_reference_free(nrf_reference *r)
{
  if (r == NULL) return;
  for (int i = 0; r->value != NULL && i < r->n; i++) nrf_free(r->value[i]);
  nrf_free(r->value);
  nrf_free(r);
}
