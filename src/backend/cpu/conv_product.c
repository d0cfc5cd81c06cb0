/* conv_product.c - convolutions as matrix products over patches: pointwise ones, where the patches are the pixels themselves, and
 * strided ones, where there are few patches.
 *
 *   CONV          y [pixel, out] = patch [pixel, k k in] w          patches gathered from x
 *   CONV_ADJOINT  patch [pixel, k k in] = y [pixel, out] w'         and scattered, added up, into x */
#include "conv.h"
#include "product.h"

#include "nrflv/memory.h"

#include <string.h>

typedef struct product {
  nrf_conv_shape s;
  int64_t        patch; /* floats of a patch, [kernel row][kernel column][in] */
  float         *packed;
} product;

static bool is_pointwise(const nrf_conv_shape *s)
{
  return s->kernel == 1 && s->stride == 1 && s->padding == 0;
}

/* The part of a patch's row b = first .. last-1 that lies on the map. */
typedef struct span {
  int first, last;
} span;

static span inside(int origin, int kernel, int size)
{
  return (span){origin < 0 ? -origin : 0, origin + kernel > size ? size - origin : kernel};
}

/* The patches of one row of output pixels of one image. */
static void gather(const product *p, const float *x, int out_row, float *patch)
{
  const nrf_conv_shape *s    = &p->s;
  const int             top  = out_row * s->stride - s->padding;
  const span            down = inside(top, s->kernel, s->height);
  memset(patch, 0, (size_t)(s->out_width * p->patch) * sizeof(float));
  for (int c = 0; c < s->out_width; c++, patch += p->patch) {
    const int  left   = c * s->stride - s->padding;
    const span across = inside(left, s->kernel, s->width);
    if (across.last <= across.first) continue;
    for (int a = down.first; a < down.last; a++)
      memcpy(patch + ((int64_t)a * s->kernel + across.first) * s->in,
             x + ((int64_t)(top + a) * s->width + left + across.first) * s->in,
             (size_t)(across.last - across.first) * (size_t)s->in * sizeof(float));
  }
}

static void scatter(const product *p, const float *patch, int out_row, float *x)
{
  const nrf_conv_shape *s    = &p->s;
  const int             top  = out_row * s->stride - s->padding;
  const span            down = inside(top, s->kernel, s->height);
  for (int c = 0; c < s->out_width; c++, patch += p->patch) {
    const int  left   = c * s->stride - s->padding;
    const span across = inside(left, s->kernel, s->width);
    for (int a = down.first; a < down.last; a++) {
      const float  *from = patch + ((int64_t)a * s->kernel + across.first) * s->in;
      float        *to   = x + ((int64_t)(top + a) * s->width + left + across.first) * s->in;
      const int64_t n    = (int64_t)(across.last - across.first) * s->in;
#pragma omp simd
      for (int64_t i = 0; i < n; i++) to[i] += from[i];
    }
  }
}

static nrf_status run_pointwise(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const product        *p = k->state;
  const nrf_conv_shape *s = &p->s;
  nrf_multiply_rows((int64_t)s->images * s->height * s->width, s->in, s->out, c->in[0], p->packed,
                    k->spec.n_inputs == 3 ? c->in[2] : NULL, c->out);
  return NRF_OK;
}

static nrf_status run_conv(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const product        *p     = k->state;
  const nrf_conv_shape *s     = &p->s;
  const int64_t         x_map = (int64_t)s->height * s->width * s->in, y_row = (int64_t)s->out_width * s->out;
  for (int n = 0; n < s->images; n++)
    for (int row = 0; row < s->out_height; row++) {
      gather(p, c->in[0] + n * x_map, row, c->scratch);
      nrf_multiply_rows(s->out_width, p->patch, s->out, c->scratch, p->packed,
                        k->spec.n_inputs == 3 ? c->in[2] : NULL,
                        c->out + ((int64_t)n * s->out_height + row) * y_row);
    }
  return NRF_OK;
}

static nrf_status run_adjoint(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const product        *p     = k->state;
  const nrf_conv_shape *s     = &p->s;
  const int64_t         x_map = (int64_t)s->height * s->width * s->in, y_row = (int64_t)s->out_width * s->out;
  for (int n = 0; n < s->images; n++) {
    float *x = c->out + n * x_map;
    for (int64_t i = 0; i < x_map; i++) x[i] = k->spec.n_inputs == 3 ? c->in[2][i % s->in] : 0.0f;
    for (int row = 0; row < s->out_height; row++) {
      nrf_multiply_rows(s->out_width, s->out, p->patch, c->in[0] + ((int64_t)n * s->out_height + row) * y_row,
                        p->packed, NULL, c->scratch);
      scatter(p, c->scratch, row, x);
    }
  }
  return NRF_OK;
}

/* w [out, in, k, k] to patch order [k, k, in], then packed; for the adjoint transposed. */
static nrf_status prepare(nrf_kernel *k, const float *const in[])
{
  const product        *p  = k->state;
  const nrf_conv_shape *s  = &p->s;
  const int64_t         kk = (int64_t)s->kernel * s->kernel;
  float                *w  = NULL; /* [out][patch] */
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(s->out * p->patch, "kernel in patch order", &w));
  for (int64_t o = 0; o < s->out; o++)
    for (int64_t i = 0; i < s->in; i++)
      for (int64_t a = 0; a < kk; a++) w[o * p->patch + a * s->in + i] = in[1][(o * s->in + i) * kk + a];
  if (k->spec.op == NRF_OP_CONV)
    nrf_pack(p->patch, s->out, w, 1, p->patch, p->packed);
  else
    nrf_pack(s->out, p->patch, w, p->patch, 1, p->packed);
  nrf_free(w);
  return NRF_OK;
}

static void free_state(nrf_kernel *k)
{
  product *p = k->state;
  if (p != NULL) nrf_free(p->packed);
  nrf_free(p);
}

static nrf_status create(nrf_kernel *k)
{
  product *p = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *p, "convolution", (void **)&p));
  k->state      = p;
  k->free_state = free_state;
  k->prepare    = prepare;
  p->s          = nrf_conv_shape_of(&k->spec);
  p->patch      = (int64_t)p->s.kernel * p->s.kernel * p->s.in;
  if (k->spec.op == NRF_OP_CONV_ADJOINT)
    k->run = run_adjoint;
  else
    k->run = is_pointwise(&p->s) ? run_pointwise : run_conv;
  if (k->run != run_pointwise) k->scratch_floats = (size_t)(p->s.out_width * p->patch);
  const bool   forward = k->spec.op == NRF_OP_CONV;
  const size_t floats =
      forward ? nrf_packed_floats(p->patch, p->s.out) : nrf_packed_floats(p->s.out, p->patch);
  k->bytes = floats * sizeof(float);
  return nrf_alloc_floats((int64_t)floats, "packed kernels", &p->packed);
}

static bool supports(const nrf_kernel_spec *spec)
{
  return spec->op == NRF_OP_CONV || spec->op == NRF_OP_CONV_ADJOINT;
}

static bool prefers(const nrf_kernel_spec *spec)
{
  const nrf_conv_shape s = nrf_conv_shape_of(spec);
  return (spec->op == NRF_OP_CONV && is_pointwise(&s)) || s.stride > 1;
}

const nrf_conv_algorithm nrf_conv_product = {
    .name = "product", .supports = supports, .prefers = prefers, .create = create};
