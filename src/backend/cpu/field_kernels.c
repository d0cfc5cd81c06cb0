/* field_kernels.c - operations on fields that are no convolutions. Fields are channels-last: [image][pixel][channel]. */
#include "kernels.h"

#include "nrflv/elementwise.h"

#include <math.h>
#include <string.h>

/* Elements of the output for a chunk. */
static int64_t out_count(const nrf_kernel *k)
{
  return nrf_shape_count(k->spec.output) * k->spec.images;
}

/* ---- elementwise ------------------------------------------------------------------------------- */

/* One loop per kind, each with the kind as a constant, so that each vectorises. */
#define FOR_EACH_ACTIVATION(LOOP)    \
  switch (k->spec.attr.activation) { \
  case NRF_HARDTANH:                 \
    LOOP(NRF_HARDTANH);              \
    break;                           \
  case NRF_HARDSIG:                  \
    LOOP(NRF_HARDSIG);               \
    break;                           \
  case NRF_RELU:                     \
    LOOP(NRF_RELU);                  \
    break;                           \
  case NRF_LEAKY_RELU:               \
    LOOP(NRF_LEAKY_RELU);            \
    break;                           \
  case NRF_SWISH:                    \
    LOOP(NRF_SWISH);                 \
    break;                           \
  case NRF_SOFT_HARDTANH:            \
    LOOP(NRF_SOFT_HARDTANH);         \
    break;                           \
  case NRF_SOFT_HARDSIG:             \
    LOOP(NRF_SOFT_HARDSIG);          \
    break;                           \
  default:                           \
    LOOP(NRF_IDENTITY);              \
    break;                           \
  }

static inline __attribute__((always_inline)) void activate(nrf_activation kind, int64_t n, const float *x,
                                                           float *y)
{
#pragma omp simd
  for (int64_t i = 0; i < n; i++) y[i] = nrf_activate(kind, x[i]);
}

static inline __attribute__((always_inline)) void activate_back(nrf_activation kind, int64_t n,
                                                                const float *x, const float *dy, float *dx)
{
#pragma omp simd
  for (int64_t i = 0; i < n; i++) dx[i] = nrf_activation_slope(kind, x[i]) * dy[i];
}

static inline __attribute__((always_inline)) void state_gradient(nrf_activation rho, int64_t n,
                                                                 const float *s, const float *b,
                                                                 const float *f, const float *h, float *out)
{
#pragma omp simd
  for (int64_t i = 0; i < n; i++)
    out[i] = s[i] - b[i] - 0.5f * (f[i] + nrf_activation_slope(rho, s[i]) * h[i]);
}

static nrf_status run_activation(const nrf_kernel *k, const nrf_kernel_call *c)
{
#define LOOP(kind) activate(kind, out_count(k), c->in[0], c->out)
  FOR_EACH_ACTIVATION(LOOP)
#undef LOOP
  return NRF_OK;
}

static nrf_status run_activation_grad(const nrf_kernel *k, const nrf_kernel_call *c)
{
#define LOOP(kind) activate_back(kind, out_count(k), c->in[0], c->in[1], c->out)
  FOR_EACH_ACTIVATION(LOOP)
#undef LOOP
  return NRF_OK;
}

static nrf_status run_state_gradient(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t units = nrf_shape_count(k->spec.output);
  for (int n = 0; n < k->spec.images; n++) {
    const float *s = c->in[0] + n * units, *b = c->in[1], *f = c->in[2] + n * units;
    float       *out = c->out + n * units;
    if (k->spec.n_inputs == 4) {
      const float *h = c->in[3] + n * units;
#define LOOP(rho) state_gradient(rho, units, s, b, f, h, out)
      FOR_EACH_ACTIVATION(LOOP)
#undef LOOP
    } else {
#pragma omp simd
      for (int64_t i = 0; i < units; i++) out[i] = s[i] - b[i] - 0.5f * f[i];
    }
  }
  return NRF_OK;
}

static nrf_status run_neuron_energy(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t units = nrf_shape_count(k->spec.output);
  for (int n = 0; n < k->spec.images; n++) {
    const float *s = c->in[0] + n * units, *b = c->in[1], *f = c->in[2] + n * units;
    float       *out = c->out + n * units;
#pragma omp simd
    for (int64_t i = 0; i < units; i++) out[i] = s[i] * (0.5f * s[i] - b[i] - 0.5f * f[i]);
  }
  return NRF_OK;
}

static nrf_status run_add(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t n = out_count(k);
  const float  *a = c->in[0], *b = c->in[1];
  float        *out = c->out;
#pragma omp simd
  for (int64_t i = 0; i < n; i++) out[i] = a[i] + b[i];
  for (int j = 2; j < k->spec.n_inputs; j++) {
    const float *more = c->in[j];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) out[i] += more[i];
  }
  return NRF_OK;
}

static nrf_status run_scale(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t n      = out_count(k);
  const float   factor = (float)k->spec.attr.factor;
#pragma omp simd
  for (int64_t i = 0; i < n; i++) c->out[i] = factor * c->in[0][i];
  return NRF_OK;
}

/* ---- resizing (nearest neighbour: source index floor(dst * in / out)) ------------------------------ */

static nrf_status run_resize(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const nrf_shape from = k->spec.input[0], to = k->spec.output;
  const size_t    pixel_bytes = (size_t)to.dim[0] * sizeof(float);
  float          *out         = c->out;
  for (int64_t n = 0; n < k->spec.images; n++)
    for (int64_t y = 0; y < to.dim[1]; y++) {
      const float *row =
          c->in[0] + (n * from.dim[1] + y * from.dim[1] / to.dim[1]) * from.dim[2] * from.dim[0];
      for (int64_t x = 0; x < to.dim[2]; x++, out += to.dim[0])
        memcpy(out, row + x * from.dim[2] / to.dim[2] * from.dim[0], pixel_bytes);
    }
  return NRF_OK;
}

static nrf_status run_resize_adjoint(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const nrf_shape from = k->spec.output, to = k->spec.input[0]; /* of the resize whose adjoint this is */
  const int64_t   channels = to.dim[0];
  const float    *in       = c->in[0];
  memset(c->out, 0, (size_t)out_count(k) * sizeof(float));
  for (int64_t n = 0; n < k->spec.images; n++)
    for (int64_t y = 0; y < to.dim[1]; y++) {
      float *row = c->out + (n * from.dim[1] + y * from.dim[1] / to.dim[1]) * from.dim[2] * channels;
      for (int64_t x = 0; x < to.dim[2]; x++, in += channels) {
        float *pixel = row + x * from.dim[2] / to.dim[2] * channels;
#pragma omp simd
        for (int64_t i = 0; i < channels; i++) pixel[i] += in[i];
      }
    }
  return NRF_OK;
}

/* ---- channels and layout ------------------------------------------------------------------------- */

static nrf_status run_concat(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t pixels   = k->spec.images * k->spec.output.dim[1] * k->spec.output.dim[2],
                channels = k->spec.output.dim[0];
  int64_t first          = 0;
  for (int j = 0; j < k->spec.n_inputs; j++) {
    const int64_t part = k->spec.input[j].dim[0];
    for (int64_t p = 0; p < pixels; p++)
      memcpy(c->out + p * channels + first, c->in[j] + p * part, (size_t)part * sizeof(float));
    first += part;
  }
  return NRF_OK;
}

static nrf_status run_slice(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t pixels = k->spec.images * k->spec.output.dim[1] * k->spec.output.dim[2];
  const int64_t all = k->spec.input[0].dim[0], part = k->spec.output.dim[0];
  for (int64_t p = 0; p < pixels; p++)
    memcpy(c->out + p * part, c->in[0] + p * all + k->spec.attr.first, (size_t)part * sizeof(float));
  return NRF_OK;
}

/* Between channels-last maps and vectors in the order channel, row, column. */
static nrf_status run_flatten(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const bool      flatten  = k->spec.op == NRF_OP_FLATTEN;
  const nrf_shape map      = flatten ? k->spec.input[0] : k->spec.output;
  const int64_t   channels = map.dim[0], pixels = map.dim[1] * map.dim[2], units = channels * pixels;
  for (int64_t n = 0; n < k->spec.images; n++) {
    const float *in  = c->in[0] + n * units;
    float       *out = c->out + n * units;
    for (int64_t i = 0; i < channels; i++)
      for (int64_t p = 0; p < pixels; p++) {
        if (flatten)
          out[i * pixels + p] = in[p * channels + i];
        else
          out[p * channels + i] = in[i * pixels + p];
      }
  }
  return NRF_OK;
}

/* ---- layer normalisation ------------------------------------------------------------------------- */

static void layer_norm_moments(const float *x, int64_t units, double *mean, double *inverse_sd)
{
  double sum = 0.0, squares = 0.0;
  for (int64_t i = 0; i < units; i++) sum += (double)x[i];
  *mean = sum / (double)units;
  for (int64_t i = 0; i < units; i++) squares += ((double)x[i] - *mean) * ((double)x[i] - *mean);
  *inverse_sd = 1.0 / sqrt(squares / (double)units + 1e-5);
}

static nrf_status run_layer_norm(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t units = nrf_shape_count(k->spec.output);
  for (int n = 0; n < k->spec.images; n++) {
    const float *x   = c->in[0] + n * units;
    float       *out = c->out + n * units;
    double       mean, inverse_sd;
    layer_norm_moments(x, units, &mean, &inverse_sd);
    for (int64_t i = 0; i < units; i++) out[i] = (float)(((double)x[i] - mean) * inverse_sd);
  }
  return NRF_OK;
}

static nrf_status run_layer_norm_grad(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t units = nrf_shape_count(k->spec.output);
  for (int n = 0; n < k->spec.images; n++) {
    const float *x = c->in[0] + n * units, *dy = c->in[1] + n * units;
    float       *out = c->out + n * units;
    double       mean, inverse_sd, sum_dy = 0.0, sum_dy_y = 0.0;
    layer_norm_moments(x, units, &mean, &inverse_sd);
    for (int64_t i = 0; i < units; i++) {
      sum_dy += (double)dy[i];
      sum_dy_y += (double)dy[i] * ((double)x[i] - mean) * inverse_sd;
    }
    const double mean_dy = sum_dy / (double)units, mean_dy_y = sum_dy_y / (double)units;
    for (int64_t i = 0; i < units; i++)
      out[i] =
          (float)(inverse_sd * ((double)dy[i] - mean_dy - ((double)x[i] - mean) * inverse_sd * mean_dy_y));
  }
  return NRF_OK;
}

/* ---- sums over the images of a chunk ---------------------------------------------------------------- */

static nrf_status run_channel_sum(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const nrf_shape s        = k->spec.input[0];
  const int64_t   channels = s.dim[0], pixels = k->spec.images * s.dim[1] * s.dim[2];
  double         *sum = (double *)(void *)c->scratch;
  memset(sum, 0, (size_t)channels * sizeof *sum);
  for (int64_t p = 0; p < pixels; p++)
#pragma omp simd
    for (int64_t i = 0; i < channels; i++) sum[i] += (double)c->in[0][p * channels + i];
  for (int64_t i = 0; i < channels; i++) c->out[i] = (float)sum[i];
  return NRF_OK;
}

static nrf_status run_batch_sum(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const int64_t units = nrf_shape_count(k->spec.output);
  memcpy(c->out, c->in[0], (size_t)units * sizeof(float));
  for (int n = 1; n < k->spec.images; n++)
#pragma omp simd
    for (int64_t i = 0; i < units; i++) c->out[i] += c->in[0][n * units + i];
  return NRF_OK;
}

/* ---- */

static nrf_status (*const runs[NRF_OP_COUNT])(const nrf_kernel *, const nrf_kernel_call *) = {
    [NRF_OP_CHANNEL_SUM]     = run_channel_sum,
    [NRF_OP_BATCH_SUM]       = run_batch_sum,
    [NRF_OP_ACTIVATION]      = run_activation,
    [NRF_OP_ACTIVATION_GRAD] = run_activation_grad,
    [NRF_OP_RESIZE]          = run_resize,
    [NRF_OP_RESIZE_ADJOINT]  = run_resize_adjoint,
    [NRF_OP_CONCAT]          = run_concat,
    [NRF_OP_SLICE]           = run_slice,
    [NRF_OP_ADD]             = run_add,
    [NRF_OP_SCALE]           = run_scale,
    [NRF_OP_FLATTEN]         = run_flatten,
    [NRF_OP_UNFLATTEN]       = run_flatten,
    [NRF_OP_LAYER_NORM]      = run_layer_norm,
    [NRF_OP_LAYER_NORM_GRAD] = run_layer_norm_grad,
    [NRF_OP_STATE_GRADIENT]  = run_state_gradient,
    [NRF_OP_NEURON_ENERGY]   = run_neuron_energy,
};

nrf_status nrf_cpu_field_kernel(nrf_kernel *k)
{
  k->run = runs[k->spec.op];
  if (k->run == NULL)
    return nrf_error(NRF_EUNSUPPORTED, "cpu: no kernel for fields: %s", nrf_op_name(k->spec.op));
  if (k->spec.op == NRF_OP_CHANNEL_SUM) k->scratch_floats = 2 * (size_t)k->spec.input[0].dim[0];
  return NRF_OK;
}
