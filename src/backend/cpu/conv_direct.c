/* conv_direct.c - convolutions by oneDNN. Fields are channels-last ("nhwc"); packed kernels are oneDNN's own affair.
 *
 * A primitive is made for one chunk of images and one thread, and run by several workers at once, each with
 * memory objects of its own; so the numbers do not depend on how many workers there are. */
#include "conv.h"

#include "nrflv/memory.h"

#include <dnnl.h>
#include <omp.h>
#include <string.h>

/* What a worker hands to the primitive. The order is that of `arg` below. */
enum { SLOT_X, SLOT_W, SLOT_Y, SLOT_BIAS, SLOT_SCRATCH, SLOTS };

typedef struct direct {
  dnnl_engine_t         engine;
  dnnl_primitive_attr_t attr;
  dnnl_primitive_desc_t hint, desc;
  dnnl_primitive_t      primitive;
  dnnl_primitive_t      unpack; /* CONV_WEIGHT: packed gradient -> [O, I, k, k] */
  dnnl_memory_desc_t    plain_w;
  float *packed; /* CONV, CONV_ADJOINT: the packed kernel; CONV_WEIGHT: one packed gradient per worker */
  size_t packed_floats;
  int    arg[SLOTS];
  dnnl_stream_t *stream;          /* [workers] */
  dnnl_memory_t (*memory)[SLOTS]; /* [workers] */
  dnnl_memory_t *plain;           /* [workers], CONV_WEIGHT */
} direct;

static nrf_status check(dnnl_status_t status, const nrf_kernel *k, const char *what)
{
  if (status == dnnl_success) return NRF_OK;
  const nrf_conv_shape s = nrf_conv_shape_of(&k->spec);
  return nrf_error(status == dnnl_out_of_memory ? NRF_ENOMEM : NRF_EUNSUPPORTED,
                   "oneDNN: %s failed with status %d for %s of %d to %d channels, %dx%d, kernel %d", what,
                   (int)status, nrf_op_name(k->spec.op), s.in, s.out, s.height, s.width, s.kernel);
}

#define DNNL_TRY(call) NRF_TRY(check(call, k, #call))

static void free_state(nrf_kernel *k)
{
  direct *d = k->state;
  if (d == NULL) return;
  for (int w = 0; w < k->spec.workers; w++) {
    for (int i = 0; d->memory != NULL && i < SLOTS; i++)
      if (d->memory[w][i] != NULL) dnnl_memory_destroy(d->memory[w][i]);
    if (d->plain != NULL && d->plain[w] != NULL) dnnl_memory_destroy(d->plain[w]);
    if (d->stream != NULL && d->stream[w] != NULL) dnnl_stream_destroy(d->stream[w]);
  }
  if (d->unpack != NULL) dnnl_primitive_destroy(d->unpack);
  if (d->primitive != NULL) dnnl_primitive_destroy(d->primitive);
  if (d->desc != NULL) dnnl_primitive_desc_destroy(d->desc);
  if (d->hint != NULL) dnnl_primitive_desc_destroy(d->hint);
  if (d->attr != NULL) dnnl_primitive_attr_destroy(d->attr);
  if (d->engine != NULL) dnnl_engine_destroy(d->engine);
  nrf_free(d->memory);
  nrf_free(d->plain);
  nrf_free(d->stream);
  nrf_free(d->packed);
  nrf_free(d);
}

/* The primitive descriptor for CONV, CONV_ADJOINT or CONV_WEIGHT. */
static nrf_status describe(nrf_kernel *k, direct *d)
{
  const nrf_conv_shape s       = nrf_conv_shape_of(&k->spec);
  const dnnl_dims_t    x_dims  = {s.images, s.in, s.height, s.width};
  const dnnl_dims_t    y_dims  = {s.images, s.out, s.out_height, s.out_width};
  const dnnl_dims_t    w_dims  = {s.out, s.in, s.kernel, s.kernel};
  const dnnl_dims_t    b_dims  = {s.out};
  const dnnl_dims_t    stride  = {s.stride, s.stride};
  const dnnl_dims_t    padding = {s.padding, s.padding};
  const bool           bias    = k->spec.op == NRF_OP_CONV && k->spec.n_inputs == 3;

  nrf_status              st = NRF_OK;
  dnnl_memory_desc_t      x, y, w, b;
  dnnl_convolution_desc_t forward, backward;
  DNNL_TRY(dnnl_memory_desc_init_by_tag(&x, 4, x_dims, dnnl_f32, dnnl_nhwc));
  DNNL_TRY(dnnl_memory_desc_init_by_tag(&y, 4, y_dims, dnnl_f32, dnnl_nhwc));
  DNNL_TRY(dnnl_memory_desc_init_by_tag(&w, 4, w_dims, dnnl_f32, dnnl_format_tag_any));
  DNNL_TRY(dnnl_memory_desc_init_by_tag(&d->plain_w, 4, w_dims, dnnl_f32, dnnl_oihw));
  DNNL_TRY(dnnl_memory_desc_init_by_tag(&b, 1, b_dims, dnnl_f32, dnnl_a));
  DNNL_TRY(dnnl_convolution_forward_desc_init(&forward, dnnl_forward_training, dnnl_convolution_direct, &x,
                                              &w, bias ? &b : NULL, &y, stride, padding, padding));
  if (k->spec.op == NRF_OP_CONV) {
    DNNL_TRY(dnnl_primitive_desc_create(&d->desc, &forward, d->attr, d->engine, NULL));
    goto done;
  }
  DNNL_TRY(dnnl_primitive_desc_create(&d->hint, &forward, d->attr, d->engine, NULL));
  if (k->spec.op == NRF_OP_CONV_ADJOINT)
    DNNL_TRY(dnnl_convolution_backward_data_desc_init(&backward, dnnl_convolution_direct, &x, &w, &y, stride,
                                                      padding, padding));
  else
    DNNL_TRY(dnnl_convolution_backward_weights_desc_init(&backward, dnnl_convolution_direct, &x, &w, NULL, &y,
                                                         stride, padding, padding));
  DNNL_TRY(dnnl_primitive_desc_create(&d->desc, &backward, d->attr, d->engine, d->hint));
done:
  return st;
}

/* The argument number and the descriptor query of each slot. */
static void name_slots(const nrf_kernel *k, direct *d, dnnl_query_t query[SLOTS])
{
  const bool adjoint = k->spec.op == NRF_OP_CONV_ADJOINT, weight = k->spec.op == NRF_OP_CONV_WEIGHT;
  const int  args[SLOTS] = {
       [SLOT_X]       = adjoint ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC,
       [SLOT_W]       = weight ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS,
       [SLOT_Y]       = adjoint || weight ? DNNL_ARG_DIFF_DST : DNNL_ARG_DST,
       [SLOT_BIAS]    = DNNL_ARG_BIAS,
       [SLOT_SCRATCH] = DNNL_ARG_SCRATCHPAD,
  };
  memcpy(d->arg, args, sizeof d->arg);
  query[SLOT_X]       = adjoint ? dnnl_query_diff_src_md : dnnl_query_src_md;
  query[SLOT_W]       = weight ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
  query[SLOT_Y]       = adjoint || weight ? dnnl_query_diff_dst_md : dnnl_query_dst_md;
  query[SLOT_BIAS]    = dnnl_query_weights_md;
  query[SLOT_SCRATCH] = dnnl_query_scratchpad_md;
}

static nrf_status make_workers(nrf_kernel *k, direct *d)
{
  nrf_status   st      = NRF_OK;
  const int    workers = k->spec.workers;
  const bool   bias    = k->spec.op == NRF_OP_CONV && k->spec.n_inputs == 3;
  dnnl_query_t query[SLOTS];
  name_slots(k, d, query);
  NRF_TRY(nrf_alloc((size_t)workers * sizeof *d->memory, "convolution", (void **)&d->memory));
  NRF_TRY(nrf_alloc((size_t)workers * sizeof(dnnl_stream_t), "convolution", (void **)&d->stream));
  NRF_TRY(nrf_alloc((size_t)workers * sizeof(dnnl_memory_t), "convolution", (void **)&d->plain));
  for (int w = 0; w < workers; w++) {
    DNNL_TRY(dnnl_stream_create(&d->stream[w], d->engine, dnnl_stream_in_order));
    for (int i = 0; i < SLOTS; i++) {
      if (i == SLOT_BIAS && !bias) continue;
      const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(d->desc, query[i], i == SLOT_BIAS ? 1 : 0);
      DNNL_TRY(dnnl_memory_create(&d->memory[w][i], md, d->engine, DNNL_MEMORY_NONE));
    }
    if (k->spec.op == NRF_OP_CONV_WEIGHT)
      DNNL_TRY(dnnl_memory_create(&d->plain[w], &d->plain_w, d->engine, DNNL_MEMORY_NONE));
  }
  const dnnl_memory_desc_t *packed = dnnl_primitive_desc_query_md(d->desc, query[SLOT_W], 0);
  d->packed_floats                 = (dnnl_memory_desc_get_size(packed) / sizeof(float) + 15) / 16 * 16;
  const size_t copies              = k->spec.op == NRF_OP_CONV_WEIGHT ? (size_t)workers : 1;
  NRF_TRY(nrf_alloc_floats((int64_t)(copies * d->packed_floats), "packed kernels", &d->packed));
  k->bytes = copies * d->packed_floats * sizeof(float);
  for (int w = 0; w < workers; w++)
    DNNL_TRY(dnnl_memory_set_data_handle(d->memory[w][SLOT_W],
                                         d->packed + (copies == 1 ? 0 : (size_t)w * d->packed_floats)));
  k->scratch_floats =
      dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(d->desc, dnnl_query_scratchpad_md, 0)) /
          sizeof(float) +
      16;
done:
  return st;
}

/* A reorder primitive between two layouts of the kernel. */
static nrf_status make_reorder(const nrf_kernel *k, const direct *d, const dnnl_memory_desc_t *from,
                               const dnnl_memory_desc_t *to, dnnl_primitive_t *out)
{
  nrf_status            st   = NRF_OK;
  dnnl_primitive_desc_t desc = NULL;
  DNNL_TRY(dnnl_reorder_primitive_desc_create(&desc, from, d->engine, to, d->engine, NULL));
  DNNL_TRY(dnnl_primitive_create(out, desc));
done:
  if (desc != NULL) dnnl_primitive_desc_destroy(desc);
  return st;
}

static nrf_status reorder(const nrf_kernel *k, dnnl_primitive_t primitive, dnnl_stream_t stream,
                          dnnl_memory_t from, dnnl_memory_t to)
{
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  NRF_RETURN_IF_ERROR(check(dnnl_primitive_execute(primitive, stream, 2, args), k, "reorder"));
  return check(dnnl_stream_wait(stream), k, "reorder");
}

static nrf_status prepare(nrf_kernel *k, const float *const in[])
{
  direct          *d     = k->state;
  nrf_status       st    = NRF_OK;
  dnnl_memory_t    plain = NULL;
  dnnl_primitive_t pack  = NULL;
  DNNL_TRY(dnnl_memory_create(&plain, &d->plain_w, d->engine, (void *)(uintptr_t)in[1]));
  NRF_TRY(make_reorder(k, d, &d->plain_w, dnnl_primitive_desc_query_md(d->desc, dnnl_query_weights_md, 0),
                       &pack));
  NRF_TRY(reorder(k, pack, d->stream[0], plain, d->memory[0][SLOT_W]));
done:
  if (pack != NULL) dnnl_primitive_destroy(pack);
  if (plain != NULL) dnnl_memory_destroy(plain);
  return st;
}

static void add_bias(const nrf_kernel *k, const float *bias, float *out)
{
  const int64_t channels = k->spec.output.dim[0],
                pixels   = k->spec.images * k->spec.output.dim[1] * k->spec.output.dim[2];
  for (int64_t p = 0; p < pixels; p++)
#pragma omp simd
    for (int64_t i = 0; i < channels; i++) out[p * channels + i] += bias[i];
}

static nrf_status run(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const direct  *d      = k->state;
  nrf_status     st     = NRF_OK;
  const nrf_op   op     = k->spec.op;
  dnnl_memory_t *m      = d->memory[c->worker];
  dnnl_stream_t  stream = d->stream[c->worker];
  const void    *x      = op == NRF_OP_CONV_ADJOINT ? c->out : c->in[0];
  const void    *y      = op == NRF_OP_CONV ? c->out : op == NRF_OP_CONV_ADJOINT ? c->in[0] : c->in[1];
  DNNL_TRY(dnnl_memory_set_data_handle(m[SLOT_X], (void *)(uintptr_t)x));
  DNNL_TRY(dnnl_memory_set_data_handle(m[SLOT_Y], (void *)(uintptr_t)y));
  DNNL_TRY(dnnl_memory_set_data_handle(m[SLOT_SCRATCH], c->scratch));
  if (m[SLOT_BIAS] != NULL) DNNL_TRY(dnnl_memory_set_data_handle(m[SLOT_BIAS], (void *)(uintptr_t)c->in[2]));

  dnnl_exec_arg_t args[SLOTS];
  int             n = 0;
  for (int i = 0; i < SLOTS; i++)
    if (m[i] != NULL) args[n++] = (dnnl_exec_arg_t){d->arg[i], m[i]};
  DNNL_TRY(dnnl_primitive_execute(d->primitive, stream, n, args));
  DNNL_TRY(dnnl_stream_wait(stream));

  if (op == NRF_OP_CONV_ADJOINT && k->spec.n_inputs == 3) add_bias(k, c->in[2], c->out);
  if (op == NRF_OP_CONV_WEIGHT) {
    DNNL_TRY(dnnl_memory_set_data_handle(d->plain[c->worker], c->out));
    NRF_TRY(reorder(k, d->unpack, stream, m[SLOT_W], d->plain[c->worker]));
  }
done:
  return st;
}

static nrf_status create(nrf_kernel *k)
{
  nrf_status st      = NRF_OK;
  const int  threads = omp_get_max_threads();
  direct    *d       = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *d, "convolution", (void **)&d));
  k->state      = d;
  k->free_state = free_state;
  k->run        = run;
  k->prepare    = k->spec.op == NRF_OP_CONV_WEIGHT ? NULL : prepare;

  omp_set_num_threads(1); /* primitives for one thread: see the top of the file */
  DNNL_TRY(dnnl_engine_create(&d->engine, dnnl_cpu, 0));
  DNNL_TRY(dnnl_primitive_attr_create(&d->attr));
  DNNL_TRY(dnnl_primitive_attr_set_scratchpad_mode(d->attr, dnnl_scratchpad_mode_user));
  NRF_TRY(describe(k, d));
  DNNL_TRY(dnnl_primitive_create(&d->primitive, d->desc));
  NRF_TRY(make_workers(k, d));
  if (k->spec.op == NRF_OP_CONV_WEIGHT)
    NRF_TRY(make_reorder(k, d, dnnl_primitive_desc_query_md(d->desc, dnnl_query_diff_weights_md, 0),
                         &d->plain_w, &d->unpack));
done:
  omp_set_num_threads(threads);
  return st;
}

static bool always(const nrf_kernel_spec *spec)
{
  (void)spec;
  return true;
}

const nrf_conv_algorithm nrf_conv_direct = {
    .name = "direct", .supports = always, .prefers = always, .create = create};
