/* weight_kernels.c - what depends on weights alone. Row-major; run once per weight update, so written to be read. */
#include "kernels.h"

#include <math.h>
#include <string.h>

static nrf_status run_add(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t n = nrf_shape_count(k->spec.output);
  for (int64_t i = 0; i < n; i++) {
    double sum = 0.0;
    for (int j = 0; j < k->spec.n_inputs; j++) sum += (double)c->in[j][i];
    c->out[i] = (float)sum;
  }
  return NRF_OK;
}

static nrf_status run_scale(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t n = nrf_shape_count(k->spec.output);
  for (int64_t i = 0; i < n; i++) c->out[i] = (float)(k->spec.attr.factor * (double)c->in[0][i]);
  return NRF_OK;
}

/* Between a vector in the order channel, row, column and the channels-last layout that fields have. */
static nrf_status run_flatten(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const bool      flatten  = k->spec.op == NRF_OP_FLATTEN;
  const nrf_shape map      = flatten ? k->spec.input[0] : k->spec.output;
  const int64_t   channels = map.dim[0], pixels = map.dim[1] * map.dim[2];
  for (int64_t i = 0; i < channels; i++)
    for (int64_t p = 0; p < pixels; p++) {
      if (flatten)
        c->out[i * pixels + p] = c->in[0][p * channels + i];
      else
        c->out[p * channels + i] = c->in[0][i * pixels + p];
    }
  return NRF_OK;
}

/* w = g v / |v|;  dv = g / |v| (dw - v <v, dw> / |v|^2);  dg = <v, dw> / |v|; each per first index. */
static double dot_product(const float *a, const float *b, int64_t n)
{
  double sum = 0.0;
  for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static nrf_status run_weight_norm(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t rows = k->spec.output.dim[0], columns = nrf_shape_count(k->spec.output) / rows;
  for (int64_t r = 0; r < rows; r++) {
    const float *v    = c->in[0] + r * columns;
    const double gain = (double)c->in[1][r] / sqrt(dot_product(v, v, columns));
    for (int64_t i = 0; i < columns; i++) c->out[r * columns + i] = (float)(gain * (double)v[i]);
  }
  return NRF_OK;
}

static nrf_status run_weight_norm_grad_v(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t rows = k->spec.output.dim[0], columns = nrf_shape_count(k->spec.output) / rows;
  for (int64_t r = 0; r < rows; r++) {
    const float *v = c->in[0] + r * columns, *dw = c->in[2] + r * columns;
    const double squares = dot_product(v, v, columns), gain = (double)c->in[1][r] / sqrt(squares);
    const double along = dot_product(v, dw, columns) / squares;
    for (int64_t i = 0; i < columns; i++)
      c->out[r * columns + i] = (float)(gain * ((double)dw[i] - (double)v[i] * along));
  }
  return NRF_OK;
}

static nrf_status run_weight_norm_grad_g(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t rows = k->spec.input[0].dim[0], columns = nrf_shape_count(k->spec.input[0]) / rows;
  for (int64_t r = 0; r < rows; r++) {
    const float *v = c->in[0] + r * columns;
    c->out[r] = (float)(dot_product(v, c->in[2] + r * columns, columns) / sqrt(dot_product(v, v, columns)));
  }
  return NRF_OK;
}

static double inverse_norm(const double *x, int64_t n)
{
  double squares = 0.0;
  for (int64_t i = 0; i < n; i++) squares += x[i] * x[i];
  return 1.0 / fmax(sqrt(squares), 1e-12);
}

/* v = W'u / |..|, u = W v / |..|, sigma = u'W v, for w as a matrix with the first dimension as rows. */
static nrf_status run_power_iteration(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t rows = k->spec.input[0].dim[0], columns = nrf_shape_count(k->spec.input[0]) / rows;
  const float  *w = c->in[0], *u_before = c->in[1];
  double       *v = (double *)(void *)c->scratch, *u = v + columns;
  memset(v, 0, (size_t)(rows + columns) * sizeof *v);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < columns; i++) v[i] += (double)w[r * columns + i] * (double)u_before[r];
  const double v_scale = inverse_norm(v, columns);
  for (int64_t i = 0; i < columns; i++) v[i] *= v_scale;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < columns; i++) u[r] += (double)w[r * columns + i] * v[i];
  const double u_scale = inverse_norm(u, rows);
  double       sigma   = 0.0;
  for (int64_t r = 0; r < rows; r++) {
    sigma += u[r] * u[r] * u_scale; /* before scaling, u is W v */
    c->out[r] = (float)(u[r] * u_scale);
  }
  for (int64_t i = 0; i < columns; i++) c->out[rows + i] = (float)v[i];
  c->out[rows + columns] = (float)sigma;
  return NRF_OK;
}

static nrf_status run_spectral_norm(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t n     = nrf_shape_count(k->spec.output);
  const double  sigma = (double)c->in[1][nrf_shape_count(k->spec.input[1]) - 1];
  for (int64_t i = 0; i < n; i++) c->out[i] = (float)((double)c->in[0][i] / sigma);
  return NRF_OK;
}

/* dw0 = dw / sigma - <dw, w0> / sigma^2 u v' */
static nrf_status run_spectral_norm_grad(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t n = nrf_shape_count(k->spec.output), rows = k->spec.output.dim[0], columns = n / rows;
  const float  *w = c->in[0], *u = c->in[1], *v = u + rows, *dw = c->in[2];
  const double  sigma = (double)u[rows + columns];
  double        dot   = 0.0;
  for (int64_t i = 0; i < n; i++) dot += (double)dw[i] * (double)w[i];
  for (int64_t i = 0; i < n; i++)
    c->out[i] = (float)((double)dw[i] / sigma -
                        dot / (sigma * sigma) * (double)u[i / columns] * (double)v[i % columns]);
  return NRF_OK;
}

static nrf_status run_flip(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const nrf_shape s  = k->spec.output;
  const int64_t   kk = s.dim[2] * s.dim[3];
  for (int64_t a = 0; a < s.dim[0]; a++)
    for (int64_t b = 0; b < s.dim[1]; b++)
      for (int64_t p = 0; p < kk; p++)
        c->out[(a * s.dim[1] + b) * kk + p] = c->in[0][(b * s.dim[0] + a) * kk + kk - 1 - p];
  return NRF_OK;
}

/* INPUT_SLICE and INPUT_PAD: rows of the narrower kernel lie inside rows of the wider one. */
static nrf_status run_input_slice(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const bool    pad  = k->spec.op == NRF_OP_INPUT_PAD;
  const int64_t kk   = k->spec.output.dim[2] * k->spec.output.dim[3];
  const int64_t from = k->spec.input[0].dim[1] * kk, to = k->spec.output.dim[1] * kk,
                first = k->spec.attr.first * kk;
  if (pad) memset(c->out, 0, (size_t)nrf_shape_count(k->spec.output) * sizeof(float));
  for (int64_t o = 0; o < k->spec.output.dim[0]; o++)
    memcpy(c->out + o * to + (pad ? first : 0), c->in[0] + o * from + (pad ? 0 : first),
           (size_t)(pad ? from : to) * sizeof(float));
  return NRF_OK;
}

static nrf_status (*const runs[NRF_OP_COUNT])(const nrf_kernel *, const nrf_kernel_call *) = {
    [NRF_OP_ADD]                = run_add,
    [NRF_OP_SCALE]              = run_scale,
    [NRF_OP_FLATTEN]            = run_flatten,
    [NRF_OP_UNFLATTEN]          = run_flatten,
    [NRF_OP_WEIGHT_NORM]        = run_weight_norm,
    [NRF_OP_WEIGHT_NORM_GRAD_V] = run_weight_norm_grad_v,
    [NRF_OP_WEIGHT_NORM_GRAD_G] = run_weight_norm_grad_g,
    [NRF_OP_POWER_ITERATION]    = run_power_iteration,
    [NRF_OP_SPECTRAL_NORM]      = run_spectral_norm,
    [NRF_OP_SPECTRAL_NORM_GRAD] = run_spectral_norm_grad,
    [NRF_OP_FLIP]               = run_flip,
    [NRF_OP_INPUT_SLICE]        = run_input_slice,
    [NRF_OP_INPUT_PAD]          = run_input_slice,
};

nrf_status nrf_cpu_weight_kernel(nrf_kernel *k)
{
  k->run = runs[k->spec.op];
  if (k->run == NULL)
    return nrf_error(NRF_EUNSUPPORTED, "cpu: no kernel for weights: %s", nrf_op_name(k->spec.op));
  if (k->spec.op == NRF_OP_POWER_ITERATION) k->scratch_floats = 2 * (size_t)nrf_shape_count(k->spec.output);
  return NRF_OK;
}
