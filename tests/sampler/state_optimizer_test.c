/* State optimisers: adaptive SGHMC against the published trajectories, and against its formulas written out
 * plainly in double precision; the others against numbers worked out by hand. */
#include "nrflv/h5_file.h"
#include "nrflv/memory.h"
#include "nrflv/state_optimizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const nrf_state_kernels *const K = &nrf_state_kernels_cpu;

static nrf_states *new_states(int n_layers, const nrf_layer_size size[], int batch)
{
  nrf_states *s = NULL;
  assert_int_equal(nrf_states_create(n_layers, size, batch, &s), NRF_OK);
  return s;
}

/* x = scale z, z standard normal. */
static void set_normal(int64_t count, float *x, float scale, nrf_rng r)
{
  memset(x, 0, (size_t)count * sizeof *x);
  assert_int_equal(K->add_noise(count, x, scale, r), NRF_OK);
}

static nrf_states *random_states(int n_layers, const nrf_layer_size size[], int batch, uint64_t seed)
{
  nrf_states *s = new_states(n_layers, size, batch);
  for (int i = 0; i < n_layers; i++)
    set_normal(nrf_states_count(s, i), s->data[i], 1.0f, nrf_rng_at(seed, NRF_RNG_TEST, 0, (uint32_t)i));
  return s;
}

static nrf_state_optimizer *new_optimizer(const nrf_state_optimizer_config *c, int n_layers,
                                          const nrf_layer_size size[], int batch)
{
  nrf_state_optimizer *o = NULL;
  assert_int_equal(nrf_state_optimizer_create(c, K, n_layers, size, batch, &o), NRF_OK);
  return o;
}

/* The same values for all layers. */
static nrf_state_optimizer_config sghmc_config(double h, double m)
{
  nrf_state_optimizer_config c = {.kind = NRF_STATE_SGHMC, .scale_grad = 1.0, .min_sq_sigma = 1e-16};
  for (int i = 0; i < NRF_MAX_LAYERS; i++) {
    c.step_size[i]    = h;
    c.momentum[i]     = m;
    c.max_sq_sigma[i] = 100.0;
  }
  return c;
}

/* ---- the published trajectories ------------------------------------------------------------------- */

/* Suggested beside the numbers: relative to the reference's norm; single elements relative to its largest. */
static const double norm_tolerance = 2e-6, element_tolerance = 1e-4;

/* One array of the file; most are [step, batch, C, H, W]. */
static float *read_field(const nrf_h5_file *file, const char *group, const char *name, nrf_h5_shape *shape)
{
  char  path[512];
  void *data = NULL;
  snprintf(path, sizeof path, "%s/%s", group, name);
  assert_int_equal(nrf_h5_read_new(file, path, NRF_H5_FLOAT32, 1 << 24, shape, &data), NRF_OK);
  return data;
}

static double read_setting(const nrf_h5_file *file, const char *group, const char *name)
{
  double value = 0.0;
  assert_int_equal(nrf_h5_read_attribute_double(file, group, name, &value), NRF_OK);
  return value;
}

static nrf_state_optimizer_config read_config(const nrf_h5_file *file, const char *group)
{
  nrf_state_optimizer_config c = {.kind = NRF_STATE_SGHMC};
  c.step_size[0]               = read_setting(file, group, "lr");
  c.sigma[0]                   = read_setting(file, group, "noise");
  c.momentum[0]                = read_setting(file, group, "mdecay");
  c.scale_grad                 = read_setting(file, group, "scale_grad");
  c.burn_in_steps              = (int64_t)read_setting(file, group, "num_burn_in_steps");
  c.non_diag_inv_mass          = read_setting(file, group, "non_diag_inv_mass") != 0.0;
  c.mean_batch_minv            = read_setting(file, group, "mean_batch_minv_t") != 0.0;
  c.mom_clip                   = read_setting(file, group, "mom_clip") != 0.0;
  c.mom_clip_norm[0]           = read_setting(file, group, "mom_clip_norm");
  c.min_sq_sigma               = read_setting(file, group, "min_sq_sigma");
  c.max_sq_sigma[0]            = read_setting(file, group, "max_sq_sigma");
  return c;
}

/* A quantity of the file beside ours; errors are gathered over all steps. */
typedef struct quantity {
  const char *name;
  nrf_states *ours; /* of the current step */
  float      *want; /* of all steps        */
  double      error, norm, largest_error, largest;
} quantity;

static void compare_step(quantity *q, int64_t step)
{
  const int64_t count = nrf_states_count(q->ours, 0);
  float        *got   = NULL;
  assert_int_equal(nrf_alloc_floats(count, "test", &got), NRF_OK);
  nrf_states_get_nchw(q->ours, 0, got);
  for (int64_t e = 0; e < count; e++) {
    const double want = (double)q->want[step * count + e], error = fabs((double)got[e] - want);
    assert_true(isfinite(error));
    q->error += error * error;
    q->norm += want * want;
    q->largest_error = fmax(q->largest_error, error);
    q->largest       = fmax(q->largest, fabs(want));
  }
  nrf_free(got);
}

static void replay_case(const nrf_h5_file *file, const char *group)
{
  nrf_h5_shape shape, ignored;
  float       *gradient = read_field(file, group, "gradient", &shape);
  float       *z        = read_field(file, group, "noise_z", &shape);
  float       *start    = read_field(file, group, "initial_parameter", &ignored);
  assert_int_equal(shape.rank, 5);
  const int            batch = (int)shape.dim[1];
  const nrf_layer_size size  = {(int)shape.dim[2], (int)shape.dim[3], (int)shape.dim[4]};
  const int64_t        count = batch * nrf_layer_units(size);

  const nrf_state_optimizer_config config = read_config(file, group);
  nrf_state_optimizer             *o      = new_optimizer(&config, 1, &size, batch);
  nrf_states                      *made[7];
  for (int k = 0; k < 7; k++) made[k] = new_states(1, &size, batch);
  nrf_states *const s = made[0], *const d = made[1], *const noise = made[2];
  const nrf_step_diagnostics diagnostics = {made[3], made[4], made[5], made[6]};

  quantity  quantities[] = {{.name = "parameter", .ours = s},
                            {.name = "momentum", .ours = nrf_state_optimizer_memory(o, NRF_MEMORY_MOMENTUM)},
                            {.name = "tau", .ours = nrf_state_optimizer_memory(o, NRF_MEMORY_TAU)},
                            {.name = "g", .ours = nrf_state_optimizer_memory(o, NRF_MEMORY_G)},
                            {.name = "v_hat", .ours = nrf_state_optimizer_memory(o, NRF_MEMORY_V_HAT)},
                            {.name = "minv_t", .ours = diagnostics.minv},
                            {.name = "sigma", .ours = diagnostics.sigma},
                            {.name = "friction", .ours = diagnostics.friction},
                            {.name = "displacement", .ours = diagnostics.displacement}};
  const int n            = sizeof quantities / sizeof quantities[0];
  for (int k = 0; k < n; k++) quantities[k].want = read_field(file, group, quantities[k].name, &ignored);

  nrf_states_set_nchw(s, 0, start);
  for (int64_t t = 0; t < shape.dim[0]; t++) {
    nrf_states_set_nchw(d, 0, gradient + t * count);
    nrf_states_set_nchw(noise, 0, z + t * count);
    const nrf_state_step step = {.noise = noise, .diagnostics = &diagnostics};
    assert_int_equal(nrf_state_optimizer_step(o, s, d, &step), NRF_OK);
    for (int k = 0; k < n; k++) compare_step(&quantities[k], t);
  }
  for (int k = 0; k < n; k++) {
    const quantity *q = &quantities[k];
    if (sqrt(q->error) > norm_tolerance * sqrt(q->norm) || q->largest_error > element_tolerance * q->largest)
      fail_msg("%s: %s is off by %.2e (norm), %.2e (element)", group, q->name, sqrt(q->error / q->norm),
               q->largest_error / q->largest);
    nrf_free(q->want);
  }
  for (int k = 0; k < 7; k++) nrf_states_free(made[k]);
  nrf_state_optimizer_free(o);
  nrf_free(start);
  nrf_free(z);
  nrf_free(gradient);
}

static void sghmc_follows_every_published_trajectory(void **state)
{
  (void)state;
  const char  *shared = getenv("NRFLV_SHARED_DIR");
  char         path[512];
  nrf_h5_file *file = NULL;
  snprintf(path, sizeof path, "%s/reference/sghmc.h5", shared != NULL ? shared : ".");
  if (nrf_h5_open(path, &file) != NRF_OK) {
    print_message("skipped: no reference numbers (%s)\n", nrf_error_message());
    skip();
  }
  nrf_h5_strings cases;
  assert_int_equal(nrf_h5_list(file, "/cases", &cases), NRF_OK);
  assert_true(cases.count > 0);
  for (int64_t k = 0; k < cases.count; k++) {
    char group[256];
    snprintf(group, sizeof group, "/cases/%s", cases.item[k]);
    replay_case(file, group);
  }
  nrf_h5_strings_free(&cases);
  nrf_h5_free(file);
}

/* ---- the formulas, plainly ------------------------------------------------------------------------ */

enum { LAYERS = 4, BATCH = 3, STEPS = 12 };

/* An image, a layer with M whose pixels fill no whole tile, one whose M is interpolated, one without M. */
static const nrf_layer_size sizes[LAYERS] = {{3, 9, 7}, {32, 7, 11}, {20, 5, 5}, {5, 3, 3}};

/* Section 2.1 for one layer, in double precision, with the full matrix M. */
typedef struct plain_layer {
  int     channels, units;
  double *s, *p, *tau, *g, *v_hat;
} plain_layer;

static double *doubles(int64_t count, double value)
{
  double *x = malloc((size_t)count * sizeof *x);
  assert_non_null(x);
  for (int64_t e = 0; e < count; e++) x[e] = value;
  return x;
}

static void plain_mix(const plain_layer *l, bool use_m, const double *p, double *out)
{
  nrf_mass_matrix m;
  memcpy(out, p, (size_t)(BATCH * l->units) * sizeof *out);
  if (!use_m || l->channels < 6) return;
  assert_int_equal(nrf_mass_matrix_make(l->channels, &m), NRF_OK);
  for (int first = 0; first < BATCH * l->units; first += l->channels)
    for (int c = 0; c < l->channels; c++) {
      out[first + c] = 0.0;
      for (int k = 0; k < l->channels; k++) out[first + c] += nrf_mass_matrix_entry(&m, c, k) * p[first + k];
    }
}

static void plain_minv(const plain_layer *l, bool batch_mean, double *minv)
{
  for (int e = 0; e < BATCH * l->units; e++) minv[e] = 1.0 / sqrt(l->v_hat[e]);
  for (int u = 0; batch_mean && u < l->units; u++) {
    double mean = 0.0;
    for (int n = 0; n < BATCH; n++) mean += minv[n * l->units + u] / BATCH;
    for (int n = 0; n < BATCH; n++) minv[n * l->units + u] = mean;
  }
}

static void plain_sghmc(plain_layer *l, int layer, const nrf_state_optimizer_config *c, int64_t t,
                        const float *gradient, const float *z, nrf_state_range range)
{
  const int    count = BATCH * l->units;
  const double h = c->step_size[layer], m = c->momentum[layer], hs = h / sqrt(c->scale_grad);
  double      *minv = doubles(count, 0.0), *mixed = doubles(count, 0.0);
  plain_minv(l, c->mean_batch_minv, minv);
  plain_mix(l, c->non_diag_inv_mass, l->p, mixed);
  for (int e = 0; e < count; e++) {
    const double d = (double)gradient[e], r = 1.0 / (l->tau[e] + 1.0);
    if (t <= c->burn_in_steps) {
      l->tau[e] += 1.0 - l->tau[e] * l->g[e] * l->g[e] / l->v_hat[e];
      l->g[e] += r * (d - l->g[e]);
      l->v_hat[e] += r * (d * d - l->v_hat[e]);
    }
    const double variance =
        2 * hs * hs * m * minv[e] - 2 * pow(hs, 3) * minv[e] * minv[e] * c->sigma[layer] - pow(hs, 4);
    const double sigma = sqrt(fmin(fmax(variance, c->min_sq_sigma), c->max_sq_sigma[layer]));
    l->p[e] += -h * h * minv[e] * d - m * mixed[e] + sigma * (double)z[e];
  }
  plain_mix(l, c->non_diag_inv_mass, l->p, mixed);
  double norm = 0.0;
  for (int e = 0; e < count; e++) norm += mixed[e] * mixed[e];
  norm                = sqrt(norm);
  const double factor = c->mom_clip && norm > c->mom_clip_norm[layer] ? c->mom_clip_norm[layer] / norm : 1.0;
  for (int e = 0; e < count; e++)
    l->s[e] = fmin(fmax(l->s[e] + factor * mixed[e], (double)range.low), (double)range.high);
  free(minv);
  free(mixed);
}

static plain_layer new_plain_layer(const nrf_states *s, int layer)
{
  const int64_t     count = nrf_states_count(s, layer);
  const plain_layer l     = {.channels = s->size[layer].channels,
                             .units    = (int)nrf_layer_units(s->size[layer]),
                             .s        = doubles(count, 0),
                             .p        = doubles(count, 0),
                             .tau      = doubles(count, 1),
                             .g        = doubles(count, 1),
                             .v_hat    = doubles(count, 1)};
  for (int64_t e = 0; e < count; e++) l.s[e] = (double)s->data[layer][e];
  return l;
}

static void free_plain_layer(plain_layer l)
{
  free(l.s);
  free(l.p);
  free(l.tau);
  free(l.g);
  free(l.v_hat);
}

static double relative_error(const float *got, const double *want, int64_t count)
{
  double error = 0.0, norm = 0.0;
  for (int64_t e = 0; e < count; e++) {
    error += ((double)got[e] - want[e]) * ((double)got[e] - want[e]);
    norm += want[e] * want[e];
  }
  return sqrt(error / norm);
}

static void run_beside_plain_sghmc(const nrf_state_optimizer_config *c)
{
  const nrf_state_range range[LAYERS] = {{-1.0f, 1.5f}, {-1.0f, 1.0f}, {0.0f, 1.0f}, {-INFINITY, INFINITY}};
  nrf_state_optimizer  *o             = new_optimizer(c, LAYERS, sizes, BATCH);
  nrf_states           *s = random_states(LAYERS, sizes, BATCH, 1), *d = new_states(LAYERS, sizes, BATCH);
  nrf_states           *z = new_states(LAYERS, sizes, BATCH);
  plain_layer           plain[LAYERS];
  for (int i = 0; i < LAYERS; i++) plain[i] = new_plain_layer(s, i);

  for (int64_t t = 1; t <= STEPS; t++) {
    const uint64_t number = 1000 + (uint64_t)t;
    for (int i = 0; i < LAYERS; i++) {
      const int64_t count = nrf_states_count(s, i);
      set_normal(count, d->data[i], 2.0f, nrf_rng_at(3, NRF_RNG_TEST, (uint64_t)t, (uint32_t)i));
      set_normal(count, z->data[i], 1.0f, nrf_rng_at(77, NRF_RNG_NOISE, number, (uint32_t)i));
      plain_sghmc(&plain[i], i, c, t, d->data[i], z->data[i], range[i]);
    }
    const nrf_state_step step = {.seed = 77, .number = number, .range = range}; /* draws the same noise */
    assert_int_equal(nrf_state_optimizer_step(o, s, d, &step), NRF_OK);
  }
  const nrf_states *p = nrf_state_optimizer_memory(o, NRF_MEMORY_MOMENTUM);
  const nrf_states *v = nrf_state_optimizer_memory(o, NRF_MEMORY_V_HAT);
  for (int i = 0; i < LAYERS; i++) {
    const int64_t count = nrf_states_count(s, i);
    assert_true(relative_error(s->data[i], plain[i].s, count) < norm_tolerance);
    assert_true(relative_error(p->data[i], plain[i].p, count) < norm_tolerance);
    assert_true(relative_error(v->data[i], plain[i].v_hat, count) < norm_tolerance);
    free_plain_layer(plain[i]);
  }
  nrf_states_free(s);
  nrf_states_free(d);
  nrf_states_free(z);
  nrf_state_optimizer_free(o);
}

static void sghmc_computes_its_formulas_with_every_option(void **state)
{
  (void)state;
  for (int options = 0; options < 16; options++) {
    nrf_state_optimizer_config c = sghmc_config(0.3, 0.2);
    c.burn_in_steps              = options & 1 ? 7 : 0;
    c.non_diag_inv_mass          = options & 2;
    c.mean_batch_minv            = options & 4;
    c.mom_clip                   = options & 8;
    c.scale_grad                 = 1.7;
    for (int i = 0; i < LAYERS; i++) { /* a value of its own for each layer */
      c.step_size[i] += 0.02 * i;
      c.momentum[i] += 0.03 * i;
      c.sigma[i]         = 0.1 * i;
      c.mom_clip_norm[i] = 1.0 + i;
      c.max_sq_sigma[i]  = 0.01 + 0.005 * i;
    }
    run_beside_plain_sghmc(&c);
  }
}

static void sghmc_without_variance_moves_without_noise(void **state)
{
  (void)state;
  nrf_state_optimizer_config c = sghmc_config(0.3, 0.2);
  c.min_sq_sigma               = 0.0;
  for (int i = 0; i < LAYERS; i++) c.max_sq_sigma[i] = 0.0;
  run_beside_plain_sghmc(&c);
}

/* ---- the other optimisers, by hand ---------------------------------------------------------------- */

/* Three steps from s = 1 with gradients 2, -1, 4, step size 0.1, momentum 0.5, sgd_momentum's dampening 0.25.
 *   sgd:      1 - 0.2 = 0.8;  + 0.1 = 0.9;  - 0.4 = 0.5
 *   momentum: p = 2;  0.5 * 2 - 0.75 = 0.25;  0.5 * 0.25 + 3 = 3.125;   s = 0.8, 0.775, 0.4625
 *   nesterov: p = 2;  0;  4;   d + p/2 = 3, -1, 6;                      s = 0.7, 0.8, 0.2
 *   adam:     m = 0.2, 0.08, 0.472, divided by 0.1, 0.19, 0.271;
 *             v = 0.004, 0.004996, 0.020991004, divided by 0.001, 0.001999, 0.002997001;
 *             s = 1 - 0.1 * 2 / 2 = 0.9;  - 0.1 * 0.42105263 / 1.58089... ;  - 0.1 * 1.7416974 / 2.6465... */
static const struct {
  nrf_state_optimizer_kind kind;
  double                   after[3];
} by_hand[] = {
    {NRF_STATE_SGD, {0.8, 0.9, 0.5}},
    {NRF_STATE_LANGEVIN, {0.8, 0.9, 0.5}},
    {NRF_STATE_SGD_MOMENTUM, {0.8, 0.775, 0.4625}},
    {NRF_STATE_NESTEROV, {0.7, 0.8, 0.2}},
    {NRF_STATE_ADAM, {0.9, 0.87336630, 0.80755514}},
};

static void plain_optimisers_follow_numbers_worked_out_by_hand(void **state)
{
  (void)state;
  const nrf_layer_size size        = {1, 1, 1};
  const float          gradient[3] = {2.0f, -1.0f, 4.0f};
  nrf_states          *s = new_states(1, &size, 1), *d = new_states(1, &size, 1);
  for (size_t k = 0; k < sizeof by_hand / sizeof by_hand[0]; k++) {
    nrf_state_optimizer_config c = {.kind = by_hand[k].kind, .step_size = {0.1}, .momentum = {0.5}};
    if (c.kind == NRF_STATE_SGD_MOMENTUM) c.dampening = 0.25;
    nrf_state_optimizer *o    = new_optimizer(&c, 1, &size, 1);
    const nrf_state_step step = {.number = 1};
    for (int again = 0; again < 2; again++) { /* a reset makes it new */
      s->data[0][0] = 1.0f;
      for (int t = 0; t < 3; t++) {
        d->data[0][0] = gradient[t];
        assert_int_equal(nrf_state_optimizer_step(o, s, d, &step), NRF_OK);
        if (fabs((double)s->data[0][0] - by_hand[k].after[t]) > 2e-7)
          fail_msg("%s: %.8f after step %d", nrf_state_optimizer_name(c.kind), (double)s->data[0][0], t + 1);
      }
      assert_int_equal(nrf_state_optimizer_steps_done(o), 3);
      nrf_state_optimizer_reset(o);
      assert_int_equal(nrf_state_optimizer_steps_done(o), 0);
    }
    nrf_state_optimizer_free(o);
  }
  nrf_states_free(s);
  nrf_states_free(d);
}

static void plain_optimisers_add_noise_of_the_layers_sigma(void **state)
{
  (void)state;
  nrf_states *d = new_states(LAYERS, sizes, BATCH);
  for (int kind = NRF_STATE_SGD; kind < NRF_STATE_OPTIMIZER_KINDS; kind++) {
    nrf_state_optimizer_config c = {.kind = (nrf_state_optimizer_kind)kind};
    for (int i = 0; i < LAYERS; i++) {
      c.step_size[i] = 0.1;
      c.sigma[i]     = 0.1 * (i + 1);
    }
    nrf_state_optimizer *o = new_optimizer(&c, LAYERS, sizes, BATCH);
    nrf_states          *s = new_states(LAYERS, sizes, BATCH), *want = new_states(LAYERS, sizes, BATCH);
    const nrf_state_step step = {.seed = 5, .number = 6};
    assert_int_equal(nrf_state_optimizer_step(o, s, d, &step), NRF_OK);
    for (int i = 0; i < LAYERS; i++) {
      const int64_t count = nrf_states_count(s, i);
      set_normal(count, want->data[i], (float)c.sigma[i], nrf_rng_at(5, NRF_RNG_NOISE, 6, (uint32_t)i));
      for (int64_t e = 0; e < count; e++) assert_true(fabsf(s->data[i][e] - want->data[i][e]) < 1e-6f);
    }
    nrf_states_free(s);
    nrf_states_free(want);
    nrf_state_optimizer_free(o);
  }
  nrf_states_free(d);
}

/* ---- what all have in common ---------------------------------------------------------------------- */

static void assert_same_layer(const nrf_states *a, const nrf_states *b, int layer)
{
  assert_memory_equal(a->data[layer], b->data[layer], (size_t)nrf_states_count(a, layer) * sizeof(float));
}

static void held_layers_stay_and_the_others_do_not_notice(void **state)
{
  (void)state;
  const nrf_state_step moving = {.number = 1}, holding = {.number = 1, .held = 1u << 0 | 1u << 2};
  nrf_states *start = random_states(LAYERS, sizes, BATCH, 1), *d = random_states(LAYERS, sizes, BATCH, 2);
  for (int kind = 0; kind < NRF_STATE_OPTIMIZER_KINDS; kind++) {
    nrf_state_optimizer_config c = sghmc_config(0.1, 0.1);
    c.kind                       = (nrf_state_optimizer_kind)kind;
    nrf_state_optimizer *o       = new_optimizer(&c, LAYERS, sizes, BATCH);
    nrf_states *all = random_states(LAYERS, sizes, BATCH, 1), *some = random_states(LAYERS, sizes, BATCH, 1);
    assert_int_equal(nrf_state_optimizer_step(o, all, d, &moving), NRF_OK);
    nrf_state_optimizer_reset(o);
    assert_int_equal(nrf_state_optimizer_step(o, some, d, &holding), NRF_OK);
    for (int i = 0; i < LAYERS; i++) {
      assert_same_layer(some, holding.held & (1u << i) ? start : all, i);
      assert_memory_not_equal(all->data[i], start->data[i], (size_t)nrf_states_count(all, i) * sizeof(float));
    }
    nrf_states_free(all);
    nrf_states_free(some);
    nrf_state_optimizer_free(o);
  }
  nrf_states_free(start);
  nrf_states_free(d);
}

static void an_optimiser_whose_memory_is_restored_goes_on_as_before(void **state)
{
  (void)state;
  for (int kind = 0; kind < NRF_STATE_OPTIMIZER_KINDS; kind++) {
    nrf_state_optimizer_config c = sghmc_config(0.1, 0.5);
    c.kind                       = (nrf_state_optimizer_kind)kind;
    c.burn_in_steps              = 3;
    nrf_state_optimizer *o       = new_optimizer(&c, LAYERS, sizes, BATCH),
                        *resumed = new_optimizer(&c, LAYERS, sizes, BATCH);
    nrf_states *s = random_states(LAYERS, sizes, BATCH, 1), *d = random_states(LAYERS, sizes, BATCH, 2);
    nrf_states *copy = new_states(LAYERS, sizes, BATCH);
    for (uint64_t t = 0; t < 4; t++) {
      const nrf_state_step step = {.number = t};
      if (t == 2) {
        nrf_states_copy(copy, s);
        for (int m = 0; m < NRF_MEMORY_KINDS; m++) {
          nrf_states *memory = nrf_state_optimizer_memory(o, (nrf_state_memory)m);
          if (memory != NULL)
            nrf_states_copy(nrf_state_optimizer_memory(resumed, (nrf_state_memory)m), memory);
        }
        nrf_state_optimizer_set_steps_done(resumed, nrf_state_optimizer_steps_done(o));
      }
      assert_int_equal(nrf_state_optimizer_step(o, s, d, &step), NRF_OK);
      if (t >= 2) assert_int_equal(nrf_state_optimizer_step(resumed, copy, d, &step), NRF_OK);
    }
    for (int i = 0; i < LAYERS; i++) assert_same_layer(copy, s, i);
    nrf_states_free(s);
    nrf_states_free(d);
    nrf_states_free(copy);
    nrf_state_optimizer_free(o);
    nrf_state_optimizer_free(resumed);
  }
}

/* ---- annealing ------------------------------------------------------------------------------------ */

/* What SGHMC's variance of 0.002, or so, meets: nothing; the thesis's bounds, which are below it; a bound above it. */
enum { FREE, THESIS, RAISED, BOUNDS };

static nrf_state_optimizer_config noisy_config(int kind, int bounds)
{
  nrf_state_optimizer_config c = sghmc_config(0.1, 0.1);
  c.kind                       = (nrf_state_optimizer_kind)kind;
  c.burn_in_steps              = 3;
  c.non_diag_inv_mass = c.mean_batch_minv = bounds == THESIS;
  if (bounds != FREE) c.min_sq_sigma = bounds == THESIS ? 9e-5 : 0.04;
  for (int i = 0; i < LAYERS; i++) {
    c.sigma[i] = 0.02;
    if (bounds == THESIS) c.max_sq_sigma[i] = 1e-4;
  }
  return c;
}

/* Where five steps lead whose noise is annealed by `factor` beforehand and made of the numbers z times `of_noise`. */
static nrf_states *steps_with_noise(nrf_state_optimizer *o, double factor, float of_noise)
{
  nrf_states *s = random_states(LAYERS, sizes, BATCH, 1), *d = random_states(LAYERS, sizes, BATCH, 2);
  nrf_states *z = random_states(LAYERS, sizes, BATCH, 3);
  for (int i = 0; i < LAYERS; i++)
    for (int64_t e = 0; e < nrf_states_count(z, i); e++) z->data[i][e] *= of_noise;
  nrf_state_optimizer_reset(o);
  assert_int_equal(nrf_state_optimizer_anneal(o, factor, 0.0), NRF_OK);
  for (uint64_t t = 0; t < 5; t++)
    assert_int_equal(nrf_state_optimizer_step(o, s, d, &(nrf_state_step){.number = t, .noise = z}), NRF_OK);
  nrf_states_free(d);
  nrf_states_free(z);
  return s;
}

static void assert_same_way(nrf_states *a, nrf_states *b, bool same)
{
  for (int i = 0; i < LAYERS; i++)
    if (same)
      assert_same_layer(a, b, i);
    else
      assert_memory_not_equal(a->data[i], b->data[i], (size_t)nrf_states_count(a, i) * sizeof(float));
  nrf_states_free(a);
  nrf_states_free(b);
}

/* A factor 1/2 is exact in floating point, so the two ways of halving must agree to the bit. */
static void annealing_scales_the_noise_and_nothing_else(void **state)
{
  (void)state;
  for (int kind = 0; kind < NRF_STATE_OPTIMIZER_KINDS; kind++)
    for (int bounds = 0; bounds < (kind == NRF_STATE_SGHMC ? BOUNDS : 1); bounds++) {
      const nrf_state_optimizer_config c = noisy_config(kind, bounds);
      nrf_state_optimizer             *o = new_optimizer(&c, LAYERS, sizes, BATCH);
      assert_same_way(steps_with_noise(o, 0.5, 1.0f), steps_with_noise(o, 1.0, 0.5f), true);
      assert_same_way(steps_with_noise(o, 0.5, 1.0f), steps_with_noise(o, 1.0, 1.0f), false);
      assert_same_way(steps_with_noise(o, 0.0, 1.0f), steps_with_noise(o, 1.0, 0.0f), true);
      nrf_state_optimizer_free(o);
    }
}

static void assert_layer_noise(const nrf_state_optimizer *o, int layer, double want)
{
  const double noise = nrf_state_optimizer_noise(o, layer);
  if (fabs(noise - want) > 1e-6 * want) fail_msg("noise %.9g in layer %d, not %.9g", noise, layer, want);
}

static void assert_noise(const nrf_state_optimizer *o, const double want[LAYERS])
{
  for (int i = 0; i < LAYERS; i++) assert_layer_noise(o, i, want[i]);
}

static void each_layer_is_annealed_while_its_noise_is_large_enough(void **state)
{
  (void)state;
  const double               sigma[LAYERS] = {0.03, 0.012, 0.005, 0.004};
  nrf_state_optimizer_config c             = {.kind = NRF_STATE_LANGEVIN};
  memcpy(c.sigma, sigma, sizeof sigma);
  nrf_state_optimizer *o = new_optimizer(&c, LAYERS, sizes, BATCH);
  assert_noise(o, sigma);
  static const double after[4][LAYERS] = {{0.015, 0.006, 0.0025, 0.004},
                                          {0.0075, 0.003, 0.0025, 0.004},
                                          {0.00375, 0.003, 0.0025, 0.004},
                                          {0.00375, 0.003, 0.0025, 0.004}};
  for (int k = 0; k < 4; k++) {
    assert_int_equal(nrf_state_optimizer_anneal(o, 0.5, 0.005), NRF_OK);
    assert_noise(o, after[k]);
  }
  nrf_state_optimizer_reset(o);
  assert_noise(o, sigma);
  assert_int_equal(nrf_state_optimizer_anneal(o, -0.5, 0.0), NRF_EINVAL);
  assert_int_equal(nrf_state_optimizer_anneal(o, (double)NAN, 0.0), NRF_EINVAL);
  assert_noise(o, sigma);
  nrf_state_optimizer_free(o);
}

/* The thesis's settings: sigma is 0, and yet there is noise of 0.01 to anneal; 0.995^138 > 1/2 > 0.995^139. */
static void noise_of_sghmc_is_what_its_bounds_leave(void **state)
{
  (void)state;
  nrf_state_optimizer_config c = noisy_config(NRF_STATE_SGHMC, THESIS);
  for (int i = 0; i < LAYERS; i++) c.sigma[i] = 0.0;
  nrf_state_optimizer *o = new_optimizer(&c, LAYERS, sizes, BATCH);
  for (int i = 0; i < LAYERS; i++) assert_layer_noise(o, i, 0.01);
  for (int t = 0; t < 300; t++) assert_int_equal(nrf_state_optimizer_anneal(o, 0.995, 0.005), NRF_OK);
  for (int i = 0; i < LAYERS; i++) assert_layer_noise(o, i, 0.01 * pow(0.995, 139));
  nrf_state_optimizer_free(o);

  c.min_sq_sigma = 1e-16;
  for (int i = 0; i < LAYERS; i++) c.max_sq_sigma[i] = 100.0;
  o = new_optimizer(&c, LAYERS, sizes, BATCH);
  for (int i = 0; i < LAYERS; i++) assert_layer_noise(o, i, sqrt(2 * 0.01 * 0.1 - 1e-4)); /* 2 h^2 m - h^4 */
  nrf_state_optimizer_free(o);
}

static void joint_clipping_scales_all_layers_to_the_bound(void **state)
{
  (void)state;
  nrf_states *d = random_states(LAYERS, sizes, BATCH, 4), *before = random_states(LAYERS, sizes, BATCH, 4);
  double      square = 0.0, after = 0.0;
  for (int i = 0; i < LAYERS; i++)
    for (int64_t e = 0; e < nrf_states_count(d, i); e++) square += pow((double)d->data[i][e], 2);
  assert_int_equal(nrf_clip_joint_norm(K, d, 1.01 * sqrt(square)), NRF_OK);
  for (int i = 0; i < LAYERS; i++) assert_same_layer(d, before, i);

  assert_int_equal(nrf_clip_joint_norm(K, d, 0.01), NRF_OK);
  for (int i = 0; i < LAYERS; i++)
    for (int64_t e = 0; e < nrf_states_count(d, i); e++) {
      const double want = 0.01 / sqrt(square) * (double)before->data[i][e];
      after += pow((double)d->data[i][e], 2);
      assert_true(fabs((double)d->data[i][e] - want) <= 1e-6 * fabs(want));
    }
  assert_true(fabs(sqrt(after) - 0.01) < 1e-8);
  nrf_states_free(d);
  nrf_states_free(before);
}

static void names_and_kinds_belong_together(void **state)
{
  (void)state;
  nrf_state_optimizer_kind kind;
  for (int k = 0; k < NRF_STATE_OPTIMIZER_KINDS; k++) {
    assert_int_equal(
        nrf_state_optimizer_kind_of(nrf_state_optimizer_name((nrf_state_optimizer_kind)k), &kind), NRF_OK);
    assert_int_equal(kind, k);
  }
  assert_int_equal(nrf_state_optimizer_kind_of("sgmhc", &kind), NRF_EINVAL);
}

static void settings_without_sense_are_refused(void **state)
{
  (void)state;
  enum { CASES = 8 };
  nrf_state_optimizer_config c[CASES];
  for (int k = 0; k < CASES; k++) c[k] = sghmc_config(0.1, 0.1);
  c[0].step_size[1]      = -0.1;
  c[1].momentum[2]       = (double)NAN;
  c[2].max_sq_sigma[3]   = -1.0;
  c[3].mom_clip          = true;
  c[3].mom_clip_norm[1]  = -2.0;
  c[4].scale_grad        = 0.0;
  c[5].burn_in_steps     = -1;
  c[6].min_sq_sigma      = (double)INFINITY;
  c[7].kind              = NRF_STATE_NESTEROV;
  c[7].dampening         = 0.5;
  nrf_state_optimizer *o = NULL;
  for (int k = CASES - 1; k >= 0; k--) {
    assert_int_equal(nrf_state_optimizer_create(&c[k], K, LAYERS, sizes, BATCH, &o), NRF_EINVAL);
    assert_null(o);
  }
  assert_non_null(strstr(nrf_error_message(), "sampling_step_size"));
  assert_non_null(strstr(nrf_error_message(), "layer 1"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sghmc_follows_every_published_trajectory),
      cmocka_unit_test(sghmc_computes_its_formulas_with_every_option),
      cmocka_unit_test(sghmc_without_variance_moves_without_noise),
      cmocka_unit_test(plain_optimisers_follow_numbers_worked_out_by_hand),
      cmocka_unit_test(plain_optimisers_add_noise_of_the_layers_sigma),
      cmocka_unit_test(held_layers_stay_and_the_others_do_not_notice),
      cmocka_unit_test(an_optimiser_whose_memory_is_restored_goes_on_as_before),
      cmocka_unit_test(annealing_scales_the_noise_and_nothing_else),
      cmocka_unit_test(each_layer_is_annealed_while_its_noise_is_large_enough),
      cmocka_unit_test(noise_of_sghmc_is_what_its_bounds_leave),
      cmocka_unit_test(joint_clipping_scales_all_layers_to_the_bound),
      cmocka_unit_test(names_and_kinds_belong_together),
      cmocka_unit_test(settings_without_sense_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
