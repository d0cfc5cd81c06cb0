/* Every operation: its gradient rule against finite differences in double precision, and the CPU backend, with each
 * convolution algorithm, against the plain double-precision loops.
 *
 * A case is a small graph: fields x[], weights w[], one output. All inputs are random and of order one. */
#include "nrflv/memory.h"
#include "nrflv/program.h"
#include "nrflv/reference.h"
#include "nrflv/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { BATCH = 3, MOST = 4 };

typedef struct op_case {
  const char *name;
  nrf_node (*build)(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b);
  int       a, b; /* passed to build                                  */
  int       n_x;
  int       x[MOST][3]; /* fields: C, H, W                            */
  int       n_w;
  nrf_shape w[MOST];
} op_case;

/* ---- builders -------------------------------------------------------------------------------------- */

static nrf_node conv(nrf_graph *g, const nrf_node x[], const nrf_node w[], int stride, int padding)
{
  return nrf_graph_conv(g, x[0], w[0], w[1], stride, padding);
}

static nrf_node conv_adjoint(nrf_graph *g, const nrf_node x[], const nrf_node w[], int stride, int padding)
{
  const nrf_shape s = nrf_graph_at(g, x[0])->shape;
  const int       k = (int)nrf_graph_at(g, w[0])->shape.dim[2];
  /* one row more than the least that leads to this size, where the stride leaves that open */
  const int height = ((int)s.dim[1] - 1) * stride + k - 2 * padding + (stride > 1);
  const int width  = ((int)s.dim[2] - 1) * stride + k - 2 * padding + (stride > 1);
  return nrf_graph_conv_adjoint(g, x[0], w[0], w[1], stride, padding, height, width);
}

static nrf_node activation(nrf_graph *g, const nrf_node x[], const nrf_node w[], int kind, int b)
{
  (void)w, (void)b;
  return nrf_graph_activation(g, x[0], (nrf_activation)kind);
}

static nrf_node resize(nrf_graph *g, const nrf_node x[], const nrf_node w[], int height, int width)
{
  (void)w;
  return nrf_graph_resize(g, x[0], height, width);
}

static nrf_node resize_adjoint(nrf_graph *g, const nrf_node x[], const nrf_node w[], int height, int width)
{
  (void)w;
  return nrf_graph_resize_adjoint(g, x[0], height, width);
}

static nrf_node concat(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)w, (void)a, (void)b;
  return nrf_graph_concat(g, 3, x);
}

static nrf_node add(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)w, (void)a, (void)b;
  return nrf_graph_add(g, 4, (nrf_node[]){x[0], x[1], x[0], x[2]});
}

/* The third value is made for this sum alone: its memory may not become the sum's, which is written before it is read. */
static nrf_node add_of_computed(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)w, (void)a, (void)b;
  return nrf_graph_scale(g, nrf_graph_add(g, 3, (nrf_node[]){x[0], x[1], nrf_graph_scale(g, x[2], 3.0)}),
                         0.5);
}

static nrf_node scale(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)w, (void)a, (void)b;
  return nrf_graph_scale(g, x[0], -0.75);
}

static nrf_node flatten_then_linear(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)a, (void)b;
  return nrf_graph_conv(g, nrf_graph_flatten(g, x[0]), w[0], w[1], 1, 0);
}

static nrf_node unflatten_then_resize(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)w, (void)a, (void)b;
  return nrf_graph_resize(g, nrf_graph_unflatten(g, x[0], 2, 3, 4), 3, 8);
}

static nrf_node layer_norm(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)w, (void)a, (void)b;
  return nrf_graph_layer_norm(g, x[0]);
}

static nrf_node weight_norm_conv(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)a, (void)b;
  return nrf_graph_conv(g, x[0], nrf_graph_weight_norm(g, w[0], w[1]), w[2], 1, 1);
}

static nrf_node weight_norm_conv_adjoint(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)a, (void)b;
  return nrf_graph_conv_adjoint(g, x[0], nrf_graph_weight_norm(g, w[0], w[1]), w[2], 1, 1, 0, 0);
}

static nrf_node flipped_conv(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)a, (void)b;
  return nrf_graph_conv(g, x[0], nrf_graph_flip(g, w[0]), NRF_NO_NODE, 1, 1);
}

static nrf_node sliced_conv(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)a, (void)b;
  return nrf_graph_conv(g, x[0], nrf_graph_input_slice(g, w[0], 2, 3), w[1], 1, 0);
}

/* w as [out, in, k, k], the same field read twice. */
static nrf_node shared_input(nrf_graph *g, const nrf_node x[], const nrf_node w[], int a, int b)
{
  (void)a, (void)b;
  const nrf_node y  = nrf_graph_activation(g, nrf_graph_conv(g, x[0], w[0], NRF_NO_NODE, 1, 1), NRF_SWISH);
  const nrf_node y2 = nrf_graph_conv(g, y, w[1], NRF_NO_NODE, 1, 1);
  return nrf_graph_add(g, 2, (nrf_node[]){y, y2});
}

#define KERNEL(o, i, k) \
  {                     \
    4,                  \
    {                   \
      o, i, k, k        \
    }                   \
  }
#define BIAS(n) \
  {             \
    1,          \
    {           \
      n         \
    }           \
  }
#define GAIN(n)  \
  {              \
    4,           \
    {            \
      n, 1, 1, 1 \
    }            \
  }

static const op_case cases[] = {
    {"conv, smallest", conv, 1, 0, 1, {{1, 1, 1}}, 2, {KERNEL(1, 1, 1), BIAS(1)}},
    {"conv, kernel 3", conv, 1, 1, 1, {{3, 5, 7}}, 2, {KERNEL(4, 3, 3), BIAS(4)}},
    {"conv, kernel 7, odd and not square", conv, 1, 3, 1, {{3, 9, 11}}, 2, {KERNEL(17, 3, 7), BIAS(17)}},
    {"conv, kernel 7, more than a register", conv, 1, 3, 1, {{18, 8, 8}}, 2, {KERNEL(33, 18, 7), BIAS(33)}},
    {"conv, kernel 11, kernel larger than the map",
     conv,
     1,
     5,
     1,
     {{2, 4, 4}},
     2,
     {KERNEL(3, 2, 11), BIAS(3)}},
    {"conv, kernel 7 without padding", conv, 1, 0, 1, {{2, 10, 9}}, 2, {KERNEL(16, 2, 7), BIAS(16)}},
    {"conv, even kernel", conv, 1, 1, 1, {{2, 6, 6}}, 2, {KERNEL(3, 2, 4), BIAS(3)}},
    {"conv, kernel 5 with padding 3", conv, 1, 3, 1, {{2, 6, 6}}, 2, {KERNEL(3, 2, 5), BIAS(3)}},
    {"conv, stride 2", conv, 2, 1, 1, {{2, 6, 8}}, 2, {KERNEL(3, 2, 3), BIAS(3)}},
    {"conv, stride 4 leaves input unread", conv, 4, 3, 1, {{3, 15, 15}}, 2, {KERNEL(5, 3, 7), BIAS(5)}},
    {"conv_adjoint, kernel 3", conv_adjoint, 1, 1, 1, {{4, 5, 6}}, 2, {KERNEL(4, 3, 3), BIAS(3)}},
    {"conv_adjoint, kernel 7", conv_adjoint, 1, 3, 1, {{4, 9, 6}}, 2, {KERNEL(4, 17, 7), BIAS(17)}},
    {"conv_adjoint, kernel 3 without padding",
     conv_adjoint,
     1,
     0,
     1,
     {{4, 4, 4}},
     2,
     {KERNEL(4, 3, 3), BIAS(3)}},
    {"conv_adjoint, stride 3", conv_adjoint, 3, 1, 1, {{2, 4, 3}}, 2, {KERNEL(2, 3, 5), BIAS(3)}},
    {"hardtanh", activation, NRF_HARDTANH, 0, 1, {{3, 4, 5}}, 0, {{0}}},
    {"hardsig", activation, NRF_HARDSIG, 0, 1, {{3, 4, 5}}, 0, {{0}}},
    {"relu", activation, NRF_RELU, 0, 1, {{3, 4, 5}}, 0, {{0}}},
    {"leaky_relu", activation, NRF_LEAKY_RELU, 0, 1, {{3, 4, 5}}, 0, {{0}}},
    {"swish", activation, NRF_SWISH, 0, 1, {{3, 4, 5}}, 0, {{0}}},
    {"soft_hardtanh", activation, NRF_SOFT_HARDTANH, 0, 1, {{3, 4, 5}}, 0, {{0}}},
    {"soft_hardsig", activation, NRF_SOFT_HARDSIG, 0, 1, {{3, 4, 5}}, 0, {{0}}},
    {"resize up", resize, 8, 6, 1, {{3, 2, 3}}, 0, {{0}}},
    {"resize up by no whole ratio", resize, 7, 10, 1, {{3, 3, 4}}, 0, {{0}}},
    {"resize down by no whole ratio", resize, 3, 4, 1, {{3, 10, 9}}, 0, {{0}}},
    {"resize_adjoint", resize_adjoint, 3, 4, 1, {{3, 7, 8}}, 0, {{0}}},
    {"concat", concat, 0, 0, 3, {{3, 4, 5}, {1, 4, 5}, {17, 4, 5}}, 0, {{0}}},
    {"add, one value twice", add, 0, 0, 3, {{3, 4, 5}, {3, 4, 5}, {3, 4, 5}}, 0, {{0}}},
    {"add, the third computed", add_of_computed, 0, 0, 3, {{3, 4, 5}, {3, 4, 5}, {3, 4, 5}}, 0, {{0}}},
    {"scale", scale, 0, 0, 1, {{3, 4, 5}}, 0, {{0}}},
    {"flatten, linear", flatten_then_linear, 0, 0, 1, {{3, 4, 5}}, 2, {KERNEL(7, 60, 1), BIAS(7)}},
    {"unflatten", unflatten_then_resize, 0, 0, 1, {{24, 1, 1}}, 0, {{0}}},
    {"layer_norm", layer_norm, 0, 0, 1, {{3, 4, 5}}, 0, {{0}}},
    {"weight_norm", weight_norm_conv, 0, 0, 1, {{3, 4, 5}}, 3, {KERNEL(4, 3, 3), GAIN(4), BIAS(4)}},
    {"weight_norm of a transposed kernel",
     weight_norm_conv_adjoint,
     0,
     0,
     1,
     {{4, 4, 5}},
     3,
     {KERNEL(4, 3, 3), GAIN(4), BIAS(3)}},
    {"flip", flipped_conv, 0, 0, 1, {{4, 4, 5}}, 1, {KERNEL(4, 3, 3)}},
    {"input_slice", sliced_conv, 0, 0, 1, {{3, 4, 5}}, 2, {KERNEL(2, 7, 1), BIAS(2)}},
    {"values read more than once", shared_input, 0, 0, 1, {{3, 4, 5}}, 2, {KERNEL(3, 3, 3), KERNEL(3, 3, 3)}},
};

enum { N_CASES = sizeof cases / sizeof cases[0] };

/* ---- a case with its data -------------------------------------------------------------------------- */

typedef struct bench {
  const op_case *c;
  nrf_graph     *g;
  nrf_node       x[MOST], w[MOST], seed, output, dx[MOST], dw[MOST];
  double        *field[MOST + 1], *weight[MOST]; /* x and the seed; w                                     */
  int64_t        n_field[MOST + 1], n_weight[MOST];
} bench;

/* Random, and no nearer than 1e-3 to the kinks of the activations at -1, 0 and 1. */
static double *random_values(int64_t n, uint32_t layer)
{
  double *v = NULL;
  assert_int_equal(nrf_alloc((size_t)n * sizeof *v, "test", (void **)&v), NRF_OK);
  const nrf_rng r = nrf_rng_at(11, NRF_RNG_TEST, 0, layer);
  for (int64_t i = 0; i < n; i++) {
    v[i] = (double)(float)(4.0f * nrf_rng_uniform(r, (uint64_t)i) - 2.0f);
    if (fabs(v[i] - round(v[i])) < 1e-3) v[i] += 0.125;
  }
  return v;
}

static void set_up(bench *t, const op_case *c)
{
  *t = (bench){.c = c};
  assert_int_equal(nrf_graph_create(&t->g), NRF_OK);
  for (int i = 0; i < c->n_x; i++) {
    t->x[i]       = nrf_graph_input(t->g, i, c->x[i][0], c->x[i][1], c->x[i][2]);
    t->n_field[i] = (int64_t)BATCH * c->x[i][0] * c->x[i][1] * c->x[i][2];
    t->field[i]   = random_values(t->n_field[i], (uint32_t)i);
  }
  for (int i = 0; i < c->n_w; i++) {
    t->w[i]        = nrf_graph_parameter(t->g, i, c->w[i].rank, c->w[i].dim);
    t->n_weight[i] = nrf_shape_count(c->w[i]);
    t->weight[i]   = random_values(t->n_weight[i], (uint32_t)(100 + i));
  }
  t->output = c->build(t->g, t->x, t->w, c->a, c->b);
  if (nrf_graph_status(t->g) != NRF_OK) fail_msg("%s: %s", c->name, nrf_error_message());
  const nrf_shape s  = nrf_graph_at(t->g, t->output)->shape;
  t->seed            = nrf_graph_input(t->g, c->n_x, (int)s.dim[0], (int)s.dim[1], (int)s.dim[2]);
  t->n_field[c->n_x] = BATCH * nrf_shape_count(s);
  t->field[c->n_x]   = random_values(t->n_field[c->n_x], 50);
  nrf_graph_gradients(t->g, 1, &t->output, &t->seed, c->n_x, t->x, t->dx);
  nrf_graph_gradients(t->g, 1, &t->output, &t->seed, c->n_w, t->w, t->dw);
  if (nrf_graph_status(t->g) != NRF_OK) fail_msg("%s: %s", c->name, nrf_error_message());
}

static void tear_down(bench *t)
{
  for (int i = 0; i <= t->c->n_x; i++) nrf_free(t->field[i]);
  for (int i = 0; i < t->c->n_w; i++) nrf_free(t->weight[i]);
  nrf_graph_free(t->g);
}

static nrf_reference *evaluate(const bench *t, int n, const nrf_node node[])
{
  nrf_reference *r = NULL;
  assert_int_equal(nrf_reference_evaluate(t->g, BATCH, (const double *const *)t->field,
                                          (const double *const *)t->weight, n, node, &r),
                   NRF_OK);
  return r;
}

/* ---- gradients against finite differences -------------------------------------------------------- */

/* d <seed, output> for a change of *value by +-h. The difference is taken output by output: the many that do not change
 * cancel exactly. */
static double central_difference(const bench *t, double *value, double h)
{
  const double keep   = *value;
  *value              = keep + h;
  nrf_reference *up   = evaluate(t, 1, &t->output);
  *value              = keep - h;
  nrf_reference *down = evaluate(t, 1, &t->output);
  *value              = keep;
  const double *after = nrf_reference_value(up, t->output), *before = nrf_reference_value(down, t->output);
  double        sum = 0.0;
  for (int64_t i = 0; i < t->n_field[t->c->n_x]; i++) sum += (after[i] - before[i]) * t->field[t->c->n_x][i];
  nrf_reference_free(up);
  nrf_reference_free(down);
  return sum / (2 * h);
}

static void check_gradient(const bench *t, const char *what, double *value, int64_t n, nrf_node gradient)
{
  const double   h      = 1e-5;
  nrf_reference *r      = evaluate(t, 1, &gradient);
  const double  *ours   = nrf_reference_value(r, gradient);
  const int64_t  stride = n > 200 ? n / 97 : 1; /* of the larger arrays a sample */
  for (int64_t i = 0; i < n; i += stride) {
    const double want = central_difference(t, &value[i], h);
    /* h^2 times third derivatives of order one, and rounding 1e-16 / h of outputs up to 100 */
    if (fabs(want - ours[i]) > 2e-8 * (1.0 + fabs(want)))
      fail_msg("%s: %s[%d]: gradient %.10g, finite difference %.10g", t->c->name, what, (int)i, ours[i],
               want);
  }
  nrf_reference_free(r);
}

static void gradients_agree_with_finite_differences(void **state)
{
  (void)state;
  for (int k = 0; k < N_CASES; k++) {
    bench t;
    set_up(&t, &cases[k]);
    for (int i = 0; i < t.c->n_x; i++) check_gradient(&t, "x", t.field[i], t.n_field[i], t.dx[i]);
    for (int i = 0; i < t.c->n_w; i++) check_gradient(&t, "w", t.weight[i], t.n_weight[i], t.dw[i]);
    tear_down(&t);
  }
}

/* With u and v held, w / sigma(w) has the derivative that the rule gives, sigma = u'W v moving with w. */
static void spectral_norm_gradient_agrees_with_finite_differences(void **state)
{
  (void)state;
  enum { ROWS = 3, COLUMNS = 8, N = ROWS * COLUMNS };
  nrf_graph *g = NULL;
  assert_int_equal(nrf_graph_create(&g), NRF_OK);
  const nrf_node w      = nrf_graph_parameter(g, 0, 4, (int64_t[]){ROWS, 2, 2, 2});
  const nrf_node u      = nrf_graph_parameter(g, 1, 1, (int64_t[]){ROWS});
  const nrf_node dw     = nrf_graph_parameter(g, 2, 4, (int64_t[]){ROWS, 2, 2, 2});
  const nrf_node pi     = nrf_graph_power_iteration(g, w, u);
  const nrf_node out[]  = {pi, nrf_graph_spectral_norm(g, w, pi), nrf_graph_spectral_norm_grad(g, w, pi, dw)};
  double        *data[] = {random_values(N, 1), random_values(ROWS, 2), random_values(N, 3)};
  nrf_reference *r      = NULL;
  assert_int_equal(nrf_reference_evaluate(g, 1, NULL, (const double *const *)data, 3, out, &r), NRF_OK);
  const double *new_u = nrf_reference_value(r, pi), *v = new_u + ROWS, *ours = nrf_reference_value(r, out[2]);

  double sigma = 0.0, norm_u = 0.0, norm_v = 0.0;
  for (int e = 0; e < N; e++) sigma += new_u[e / COLUMNS] * data[0][e] * v[e % COLUMNS];
  for (int i = 0; i < ROWS; i++) norm_u += new_u[i] * new_u[i];
  for (int i = 0; i < COLUMNS; i++) norm_v += v[i] * v[i];
  assert_true(fabs(sigma - new_u[ROWS + COLUMNS]) < 1e-12 && fabs(norm_u - 1) < 1e-12 &&
              fabs(norm_v - 1) < 1e-12);

  for (int e = 0; e < N; e++) {
    double difference = 0.0;
    for (int sign = -1; sign <= 1; sign += 2) {
      const double moved_sigma = sigma + sign * 1e-6 * new_u[e / COLUMNS] * v[e % COLUMNS];
      for (int i = 0; i < N; i++)
        difference += sign * data[2][i] * (data[0][i] + (i == e ? sign * 1e-6 : 0.0)) / moved_sigma / 2e-6;
    }
    assert_true(fabs(difference - ours[e]) < 1e-7 * (1 + fabs(difference)));
  }
  nrf_reference_free(r);
  for (int i = 0; i < 3; i++) nrf_free(data[i]);
  nrf_graph_free(g);
}

/* Differentiation uses that rule: what flows back into w is the rule applied to what arrives at w / sigma. */
static void gradients_flow_back_through_spectral_norm_by_its_rule(void **state)
{
  (void)state;
  enum { N = 3 * 8 };
  nrf_graph *g = NULL;
  assert_int_equal(nrf_graph_create(&g), NRF_OK);
  const nrf_node w    = nrf_graph_parameter(g, 0, 4, (int64_t[]){3, 2, 2, 2});
  const nrf_node u    = nrf_graph_parameter(g, 1, 1, (int64_t[]){3});
  const nrf_node pi   = nrf_graph_power_iteration(g, w, u);
  const nrf_node used = nrf_graph_spectral_norm(g, w, pi);
  const nrf_node x = nrf_graph_input(g, 0, 2, 4, 4), seed = nrf_graph_input(g, 1, 3, 3, 3);
  const nrf_node y      = nrf_graph_conv(g, x, used, NRF_NO_NODE, 1, 0);
  const nrf_node wrt[]  = {w, used};
  nrf_node       out[3] = {0};
  nrf_graph_gradients(g, 1, &y, &seed, 2, wrt, out);
  out[2]                  = nrf_graph_spectral_norm_grad(g, w, pi, out[1]);
  double        *weight[] = {random_values(N, 1), random_values(3, 2)};
  double        *field[]  = {random_values(32, 3), random_values(27, 4)};
  nrf_reference *r        = NULL;
  assert_int_equal(
      nrf_reference_evaluate(g, 1, (const double *const *)field, (const double *const *)weight, 3, out, &r),
      NRF_OK);
  for (int e = 0; e < N; e++)
    assert_true(fabs(nrf_reference_value(r, out[0])[e] - nrf_reference_value(r, out[2])[e]) < 1e-12);
  nrf_reference_free(r);
  for (int i = 0; i < 2; i++) {
    nrf_free(weight[i]);
    nrf_free(field[i]);
  }
  nrf_graph_free(g);
}

/* ---- the CPU backend against double precision ------------------------------------------------------ */

/* NCHW doubles to a channels-last float array, and the largest difference the other way round. */
static float *to_field(const double *nchw, nrf_shape s, int images)
{
  float        *field = NULL;
  const int64_t units = nrf_shape_count(s), pixels = s.dim[1] * s.dim[2];
  assert_int_equal(nrf_alloc_floats(images * units, "test", &field), NRF_OK);
  for (int64_t e = 0; e < images * units; e++) {
    const int64_t n = e / units, c = e % units / pixels, p = e % pixels;
    field[n * units + p * s.dim[0] + c] = (float)nchw[e];
  }
  return field;
}

static double field_error(const float *field, const double *nchw, nrf_shape s, int images)
{
  double error = 0.0, largest = 1e-30;
  float *want = to_field(nchw, s, images);
  for (int64_t e = 0; e < images * nrf_shape_count(s); e++) {
    error   = fmax(error, fabs((double)field[e] - (double)want[e]));
    largest = fmax(largest, fabs((double)want[e]));
  }
  nrf_free(want);
  return error / largest;
}

static double weight_error(const float *ours, const double *want, int64_t n)
{
  double error = 0.0, largest = 1e-30;
  for (int64_t e = 0; e < n; e++) {
    error   = fmax(error, fabs((double)ours[e] - want[e]));
    largest = fmax(largest, fabs(want[e]));
  }
  return error / largest;
}

static void run_on_cpu(const bench *t, nrf_conv_choice conv_choice, int threads)
{
  const op_case *c = t->c;
  nrf_node       node[2 * MOST + 1];
  int            n = 0;
  node[n++]        = t->output;
  for (int i = 0; i < c->n_x; i++)
    if (t->dx[i] != t->seed) node[n++] = t->dx[i];
  for (int i = 0; i < c->n_w; i++) node[n++] = t->dw[i];
  for (int i = 1; i < n; i++) /* a gradient that two inputs share is one output */
    for (int j = i + 1; j < n; j++)
      if (node[j] == node[i]) node[j--] = node[--n];

  nrf_reference *r                 = evaluate(t, n, node);
  float         *input[MOST + 1]   = {NULL};
  float         *weight[MOST]      = {NULL};
  float         *out[2 * MOST + 1] = {NULL};
  for (int i = 0; i <= c->n_x; i++)
    input[i] = to_field(t->field[i], nrf_graph_at(t->g, i < c->n_x ? t->x[i] : t->seed)->shape, BATCH);
  for (int i = 0; i < c->n_w; i++) {
    assert_int_equal(nrf_alloc_floats(t->n_weight[i], "test", &weight[i]), NRF_OK);
    for (int64_t e = 0; e < t->n_weight[i]; e++) weight[i][e] = (float)t->weight[i][e];
  }
  for (int i = 0; i < n; i++)
    assert_int_equal(nrf_alloc_floats(nrf_reference_count(r, node[i]), "test", &out[i]), NRF_OK);

  const nrf_program_spec spec = {.graph     = t->g,
                                 .backend   = &nrf_backend_cpu,
                                 .batch     = BATCH,
                                 .compute   = {.threads = threads, .conv = conv_choice},
                                 .parameter = (const float *const *)weight,
                                 .n_outputs = n,
                                 .output    = node};
  nrf_program           *p    = NULL;
  if (nrf_program_create(&spec, &p) != NRF_OK) fail_msg("%s: %s", c->name, nrf_error_message());
  for (int repeat = 0; repeat < 2; repeat++) /* sums must not add up over runs */
    if (nrf_program_run(p, (const float *const *)input, out) != NRF_OK)
      fail_msg("%s: %s", c->name, nrf_error_message());

  for (int i = 0; i < n; i++) {
    const nrf_graph_node *at    = nrf_graph_at(t->g, node[i]);
    const double         *want  = nrf_reference_value(r, node[i]);
    const double          error = at->is_field ? field_error(out[i], want, at->shape, BATCH)
                                               : weight_error(out[i], want, nrf_shape_count(at->shape));
    /* A float's rounding is 6e-8; the longest sums here have 1000 terms of random sign, a transform 40. */
    if (!(error < 2e-6))
      fail_msg("%s: output %d (%s): error %.2e of the largest value", c->name, i, nrf_op_name(at->op), error);
  }
  nrf_program_free(p);
  nrf_reference_free(r);
  for (int i = 0; i <= c->n_x; i++) nrf_free(input[i]);
  for (int i = 0; i < c->n_w; i++) nrf_free(weight[i]);
  for (int i = 0; i < n; i++) nrf_free(out[i]);
}

static void cpu_backend_agrees_with_double_precision(void **state)
{
  (void)state;
  static const nrf_conv_choice choices[] = {NRF_CONV_DIRECT, NRF_CONV_FREQUENCY, NRF_CONV_AUTO};
  for (int k = 0; k < N_CASES; k++) {
    bench t;
    set_up(&t, &cases[k]);
    for (int choice = 0; choice < 3; choice++) run_on_cpu(&t, choices[choice], 1 + choice % 2);
    tear_down(&t);
  }
}

/* ---- what cannot be built --------------------------------------------------------------------------- */

static void shapes_that_do_not_meet_are_errors_that_stay(void **state)
{
  (void)state;
  nrf_graph *g = NULL;
  assert_int_equal(nrf_graph_create(&g), NRF_OK);
  const nrf_node x = nrf_graph_input(g, 0, 3, 4, 4);
  const nrf_node w = nrf_graph_parameter(g, 0, 4, (int64_t[]){2, 5, 3, 3});
  assert_int_equal(nrf_graph_conv(g, x, w, NRF_NO_NODE, 1, 1), NRF_NO_NODE);
  assert_int_equal(nrf_graph_status(g), NRF_ESHAPE);
  assert_non_null(strstr(nrf_error_message(), "3 channels into a kernel for 5"));
  assert_int_equal(nrf_graph_activation(g, x, NRF_RELU), NRF_NO_NODE);
  assert_int_equal(nrf_graph_status(g), NRF_ESHAPE);
  assert_non_null(strstr(nrf_error_message(), "3 channels into a kernel for 5"));
  nrf_graph_free(g);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_agree_with_finite_differences),
      cmocka_unit_test(spectral_norm_gradient_agrees_with_finite_differences),
      cmocka_unit_test(gradients_flow_back_through_spectral_norm_by_its_rule),
      cmocka_unit_test(cpu_backend_agrees_with_double_precision),
      cmocka_unit_test(shapes_that_do_not_meet_are_errors_that_stay),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
