/* The energy: its gradients against finite differences of the whole energy in double precision, the rewritten graph against
 * the plain one, and that neither threads nor algorithms show in the results. */
#include "nrflv/energy_model.h"

#include "nrflv/memory.h"
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

enum { BATCH = 2 };

/* Every kind of connection, dense blocks and plain tops, hidden fully connected layers, resizes up, down by 2 and by no
 * whole ratio; small enough for finite differences. */
static const char everything[] =
    "{\"name\": \"everything\","
    " \"state_sizes\": [[1, 8, 8], [4, 8, 8], [3, 4, 4], [2, 3, 3]],"
    " \"mod_connect_dict\": {\"0\": [1, 2, 3], \"1\": [0, 1, 2, 3], \"2\": [0, 1, 2], \"3\": [1, 2]},"
    " \"mod_cct_status_dict\": {\"0\": [2, 1, 3], \"1\": [0, 1, 2, 3], \"2\": [1, 0, 3], \"3\": [2, 2]},"
    " \"mod_num_lyr_dict\": {\"0\": 0, \"1\": 2, \"2\": 1, \"3\": 1},"
    " \"base_kern_pad_dict\": {\"0\": [[3, 1], [7, 3], []], \"1\": [[3, 1], [5, 2], [3, 1], []], \"2\": [[7, "
    "0], [3, 1], []],"
    "                          \"3\": [[3, 1], [3, 0]]},"
    " \"main_kern_dict\": {\"0\": 3, \"1\": 3, \"2\": 7, \"3\": 3},"
    " \"num_ch_base\": 6, \"growth_rate\": 4, \"num_ch_initter\": 8, \"spec_norm_reg\": SPECTRAL}";

static nrf_architecture parse(bool spectral)
{
  char        text[2048];
  const char *place = strstr(everything, "SPECTRAL");
  (void)snprintf(text, sizeof text, "%.*s%s}", (int)(place - everything), everything,
                 spectral ? "true" : "false");
  nrf_architecture a;
  if (nrf_architecture_parse(text, "test", &a) != NRF_OK) fail_msg("%s", nrf_error_message());
  return a;
}

static nrf_energy_model *make(const nrf_architecture *a, nrf_energy_config config)
{
  if (config.batch == 0) config.batch = BATCH;
  if (config.compute.threads == 0) config.compute.threads = 1;
  nrf_energy_model *m = NULL;
  if (nrf_energy_model_create(a, &config, &m) != NRF_OK) fail_msg("%s", nrf_error_message());
  nrf_parameters *p = nrf_energy_model_parameters(m);
  nrf_parameters_start(p, 3, 0);
  /* biases start at 0, and latent layers would be nearly linear: make all of it matter */
  const nrf_rng r = nrf_rng_at(5, NRF_RNG_TEST, 1, 0);
  for (int64_t e = 0; e < p->count; e++) p->value[e] += 0.2f * nrf_rng_uniform(r, (uint64_t)e) - 0.1f;
  nrf_energy_model_parameters_changed(m);
  return m;
}

static nrf_states *random_states(const nrf_architecture *a, int batch)
{
  nrf_states *s = NULL;
  assert_int_equal(nrf_states_create(a->n_layers, a->size, batch, &s), NRF_OK);
  for (int l = 0; l < a->n_layers; l++) {
    const nrf_rng r = nrf_rng_at(5, NRF_RNG_TEST, 2, (uint32_t)l);
    for (int64_t e = 0; e < nrf_states_count(s, l); e++) {
      s->data[l][e] = 2.4f * nrf_rng_uniform(r, (uint64_t)e) - 1.2f; /* some beyond the bounds of hardtanh */
      if (fabsf(fabsf(s->data[l][e]) - 1.0f) < 1e-3f) s->data[l][e] = 0.5f;
    }
  }
  return s;
}

/* ---- in double precision, by the graph's reference evaluation -------------------------------------- */

typedef struct doubles {
  nrf_energy_model *m;
  const nrf_states *shape;
  double           *state[2 * NRF_MAX_LAYERS]; /* NCHW; n_layers + L: 1 for the chosen channels of layer L */
  double          **parameter;
} doubles;

static doubles to_doubles(nrf_energy_model *m, const nrf_states *s)
{
  doubles         d = {.m = m, .shape = s};
  nrf_parameters *p = nrf_energy_model_parameters(m);
  for (int l = 0; l < s->n_layers; l++) {
    const int64_t n    = nrf_states_count(s, l);
    float        *nchw = NULL;
    assert_int_equal(nrf_alloc_floats(n, "test", &nchw), NRF_OK);
    assert_int_equal(nrf_alloc((size_t)n * sizeof(double), "test", (void **)&d.state[l]), NRF_OK);
    nrf_states_get_nchw(s, l, nchw);
    for (int64_t e = 0; e < n; e++) d.state[l][e] = (double)nchw[e];
    nrf_free(nchw);
    const size_t channels = (size_t)s->batch * (size_t)s->size[l].channels;
    assert_int_equal(nrf_alloc(channels * sizeof(double), "test", (void **)&d.state[s->n_layers + l]),
                     NRF_OK);
  }
  assert_int_equal(nrf_alloc((size_t)p->n * sizeof *d.parameter, "test", (void **)&d.parameter), NRF_OK);
  for (int j = 0; j < p->n; j++) {
    assert_int_equal(nrf_alloc((size_t)p->item[j].count * sizeof(double), "test", (void **)&d.parameter[j]),
                     NRF_OK);
    for (int64_t e = 0; e < p->item[j].count; e++)
      d.parameter[j][e] = (double)p->value[p->item[j].offset + e];
  }
  return d;
}

static void free_doubles(doubles *d)
{
  for (int l = 0; l < 2 * d->shape->n_layers; l++) nrf_free(d->state[l]);
  for (int j = 0; j < nrf_energy_model_parameters(d->m)->n; j++) nrf_free(d->parameter[j]);
  nrf_free(d->parameter);
}

static nrf_reference *evaluate(const doubles *d, int n, const nrf_node node[])
{
  nrf_reference *r = NULL;
  if (nrf_reference_evaluate(nrf_energy_model_nodes(d->m).graph, d->shape->batch,
                             (const double *const *)d->state, (const double *const *)d->parameter, n, node,
                             &r) != NRF_OK)
    fail_msg("%s", nrf_error_message());
  return r;
}

/* What is differentiated: E, or with a layer named Q = half the energy of one of its channels. */
typedef struct quantity {
  int layer, channel;
} quantity;

static const quantity whole_energy = {-1, -1};

/* How much the energy of a neuron, element e of a layer that is part of q, counts. */
static double share(nrf_layer_size size, quantity q, int64_t e)
{
  if (q.layer < 0) return 1.0;
  const int64_t pixels = (int64_t)size.height * size.width;
  return e / pixels % size.channels == q.channel ? 0.5 : 0.0;
}

/* Difference of q for a change of *value by +-h, over 2 h. The difference is taken neuron by neuron: those that do not
 * change cancel exactly. */
static double central_difference(const doubles *d, quantity q, double *value, double h)
{
  const int       first  = q.layer < 0 ? 0 : q.layer;
  const int       n      = q.layer < 0 ? d->shape->n_layers : 1;
  const nrf_node *energy = nrf_energy_model_nodes(d->m).neuron_energy + first;
  const double    keep   = *value;
  *value                 = keep + h;
  nrf_reference *up      = evaluate(d, n, energy);
  *value                 = keep - h;
  nrf_reference *down    = evaluate(d, n, energy);
  *value                 = keep;
  double sum             = 0.0;
  for (int l = 0; l < n; l++) {
    const double *after = nrf_reference_value(up, energy[l]), *before = nrf_reference_value(down, energy[l]);
    for (int64_t i = 0; i < nrf_states_count(d->shape, first + l); i++)
      sum += share(d->shape->size[first + l], q, i) * (after[i] - before[i]);
  }
  nrf_reference_free(up);
  nrf_reference_free(down);
  return sum / (2 * h);
}

/* Compares ours (times factor; NULL: zeros) with central differences of q, at a sample of the elements. */
static void check_differences(const doubles *d, quantity q, const char *what, double *value, int64_t n,
                              const double *ours, double factor)
{
  const double h = 1e-5;
  for (int64_t i = 0; i < n; i += n / 11 + 1) {
    const double want = central_difference(d, q, &value[i], h);
    const double have = ours != NULL ? factor * ours[i] : 0.0;
    /* h^2 times third derivatives, and rounding: 1e-16 / h of a hundred neurons of order one */
    if (fabs(want - have) > 2e-8 * (1 + fabs(want)))
      fail_msg("%s[%d]: %.10g, finite difference %.10g", what, (int)i, have, want);
  }
}

static void choose(doubles *d, quantity q)
{
  const int n = d->shape->n_layers, channels = d->shape->size[q.layer].channels;
  for (int64_t e = 0; e < (int64_t)d->shape->batch * channels; e++)
    d->state[n + q.layer][e] = e % channels == q.channel ? 1.0 : 0.0;
}

static bool reads(const nrf_architecture *a, int layer, int other)
{
  for (int i = 0; i < a->network[layer].n_inputs; i++)
    if (a->network[layer].input[i].from == other) return true;
  return false;
}

/* Gradients of a channel's energy; of E for layers below that the channel's network does not read. */
static void check_channel_gradients(const nrf_architecture *a, doubles *d, quantity q)
{
  const nrf_node *row = nrf_energy_model_nodes(d->m).channel_gradient + q.layer * a->n_layers;
  choose(d, q);
  nrf_reference *r = evaluate(d, a->n_layers, row);
  for (int l = 0; l < a->n_layers; l++) {
    const bool follows_all = l < q.layer && !reads(a, q.layer, l);
    char       what[64];
    (void)snprintf(what, sizeof what, "layer %d, channel %d: state %d", q.layer, q.channel, l);
    check_differences(d, follows_all ? whole_energy : q, what, d->state[l], nrf_states_count(d->shape, l),
                      row[l] == NRF_NO_NODE ? NULL : nrf_reference_value(r, row[l]), 1.0);
  }
  nrf_reference_free(r);
}

static void check_all_gradients(nrf_energy_config config, bool spectral)
{
  const nrf_architecture a     = parse(spectral);
  nrf_energy_model      *m     = make(&a, config);
  const nrf_parameters  *p     = nrf_energy_model_parameters(m);
  nrf_states            *s     = random_states(&a, BATCH);
  doubles                d     = to_doubles(m, s);
  const nrf_energy_nodes nodes = nrf_energy_model_nodes(m);

  nrf_reference *r = evaluate(&d, a.n_layers, nodes.gradient);
  for (int l = 0; l < a.n_layers; l++)
    check_differences(&d, whole_energy, "state", d.state[l], nrf_states_count(s, l),
                      nrf_reference_value(r, nodes.gradient[l]), 1.0);
  nrf_reference_free(r);

  /* Under spectral normalisation u and v count as constants, finite differences of the energy do not: left to ops_test.c. */
  r = evaluate(&d, p->n, nodes.weight_gradient);
  for (int j = 0; j < p->n && !spectral; j++)
    check_differences(&d, whole_energy, p->item[j].name, d.parameter[j], p->item[j].count,
                      nrf_reference_value(r, nodes.weight_gradient[j]), -0.5);
  nrf_reference_free(r);

  for (int l = 0; l < a.n_layers; l++) check_channel_gradients(&a, &d, (quantity){l, a.size[l].channels - 1});
  free_doubles(&d);
  nrf_states_free(s);
  nrf_energy_model_free(m);
}

static void gradients_are_derivatives_of_the_energy(void **state)
{
  (void)state;
  static const struct {
    nrf_activation activation, rho;
    bool           weight_norm, plain, spectral;
  } variants[] = {
      {NRF_SWISH, NRF_HARDTANH, true, false, false},    {NRF_SWISH, NRF_HARDTANH, true, true, false},
      {NRF_LEAKY_RELU, NRF_SWISH, false, false, false}, {NRF_SWISH, NRF_HARDSIG, false, true, false},
      {NRF_SWISH, NRF_HARDTANH, false, false, true},
  };
  for (size_t k = 0; k < sizeof variants / sizeof variants[0]; k++) {
    const nrf_energy_config config = {.activation        = variants[k].activation,
                                      .states_activation = variants[k].rho,
                                      .weight_norm       = variants[k].weight_norm,
                                      .compute           = {.plain_graph = variants[k].plain}};
    check_all_gradients(config, variants[k].spectral);
  }
}

/* ---- in single precision, as it runs ---------------------------------------------------------------- */

typedef struct results {
  nrf_states *gradient, *energy, *bno;
  nrf_states *channel_gradient; /* of channel 2 of layer 1, which reads all layers */
  float      *weight_gradient;
  double      total, learn_total;
} results;

static results run(nrf_energy_model *m, const nrf_states *s)
{
  results r;
  assert_int_equal(nrf_states_create(s->n_layers, s->size, s->batch, &r.gradient), NRF_OK);
  assert_int_equal(nrf_states_create(s->n_layers, s->size, s->batch, &r.energy), NRF_OK);
  assert_int_equal(nrf_states_create(s->n_layers, s->size, s->batch, &r.bno), NRF_OK);
  assert_int_equal(nrf_states_create(s->n_layers, s->size, s->batch, &r.channel_gradient), NRF_OK);
  assert_int_equal(nrf_alloc_floats(nrf_energy_model_parameters(m)->count, "test", &r.weight_gradient),
                   NRF_OK);
  const nrf_energy_request request = {
      .gradient = r.gradient, .neuron_energy = r.energy, .bno = r.bno, .total = &r.total};
  if (nrf_energy_model_evaluate(m, s, &request) != NRF_OK) fail_msg("%s", nrf_error_message());
  if (nrf_energy_model_weight_gradient(m, s, r.weight_gradient, &r.learn_total) != NRF_OK)
    fail_msg("%s", nrf_error_message());
  if (nrf_energy_model_channel_gradient(m, s, 1, 2, r.channel_gradient) != NRF_OK)
    fail_msg("%s", nrf_error_message());
  return r;
}

static void free_results(results *r)
{
  nrf_states_free(r->gradient);
  nrf_states_free(r->energy);
  nrf_states_free(r->bno);
  nrf_states_free(r->channel_gradient);
  nrf_free(r->weight_gradient);
}

static double difference(const float *a, const float *b, int64_t n)
{
  double largest = 1e-30, error = 0.0;
  for (int64_t i = 0; i < n; i++) {
    largest = fmax(largest, fabs((double)b[i]));
    error   = fmax(error, fabs((double)a[i] - (double)b[i]));
  }
  return error / largest;
}

static void assert_close(const results *a, const results *b, int64_t n_weights, double tolerance)
{
  for (int l = 0; l < a->gradient->n_layers; l++) {
    const int64_t n = nrf_states_count(a->gradient, l);
    assert_true(difference(a->gradient->data[l], b->gradient->data[l], n) <= tolerance);
    assert_true(difference(a->energy->data[l], b->energy->data[l], n) <= tolerance);
    assert_true(difference(a->bno->data[l], b->bno->data[l], n) <= tolerance);
    assert_true(difference(a->channel_gradient->data[l], b->channel_gradient->data[l], n) <= tolerance);
  }
  assert_true(difference(a->weight_gradient, b->weight_gradient, n_weights) <= tolerance);
  assert_true(fabs(a->total - b->total) <= tolerance * fabs(b->total));
  assert_true(fabs(a->learn_total - b->learn_total) <= tolerance * fabs(b->total));
}

/* The largest difference from a node's value in double precision, relative to its largest value. */
static double error_of_field(const nrf_reference *r, nrf_node node, const nrf_states *s, int layer)
{
  const int64_t n     = nrf_states_count(s, layer);
  const double *want  = nrf_reference_value(r, node);
  float        *nchw  = NULL;
  double        error = 0.0, largest = 1e-30;
  assert_int_equal(nrf_alloc_floats(n, "test", &nchw), NRF_OK);
  nrf_states_get_nchw(s, layer, nchw);
  for (int64_t e = 0; e < n; e++) {
    error   = fmax(error, fabs((double)nchw[e] - want[e]));
    largest = fmax(largest, fabs(want[e]));
  }
  nrf_free(nchw);
  return error / largest;
}

static void what_runs_agrees_with_double_precision(void **state)
{
  (void)state;
  const nrf_architecture a = parse(false);
  nrf_states            *s = random_states(&a, BATCH);
  nrf_energy_model      *m = make(
           &a,
           (nrf_energy_config){.activation = NRF_SWISH, .states_activation = NRF_HARDTANH, .weight_norm = true});
  const nrf_parameters  *p        = nrf_energy_model_parameters(m);
  const nrf_energy_nodes nodes    = nrf_energy_model_nodes(m);
  doubles                d        = to_doubles(m, s);
  results                ours     = run(m, s);
  nrf_reference         *fields[] = {evaluate(&d, a.n_layers, nodes.gradient),
                                     evaluate(&d, a.n_layers, nodes.neuron_energy),
                                     evaluate(&d, a.n_layers, nodes.bno)};
  for (int l = 0; l < a.n_layers; l++) {
    assert_true(error_of_field(fields[0], nodes.gradient[l], ours.gradient, l) < 2e-6);
    assert_true(error_of_field(fields[1], nodes.neuron_energy[l], ours.energy, l) < 2e-6);
    assert_true(error_of_field(fields[2], nodes.bno[l], ours.bno, l) < 2e-6);
  }
  nrf_reference *weights = evaluate(&d, p->n, nodes.weight_gradient);
  for (int j = 0; j < p->n; j++) {
    const double *want  = nrf_reference_value(weights, nodes.weight_gradient[j]);
    double        error = 0.0, largest = 1e-30;
    for (int64_t e = 0; e < p->item[j].count; e++) {
      error   = fmax(error, fabs((double)ours.weight_gradient[p->item[j].offset + e] + 0.5 * want[e]));
      largest = fmax(largest, fabs(0.5 * want[e]));
    }
    if (!(error < 1e-5 * largest))
      fail_msg("dE/d %s: error %.2e of the largest", p->item[j].name, error / largest);
  }
  nrf_reference_free(weights);
  for (int k = 0; k < 3; k++) nrf_reference_free(fields[k]);
  free_results(&ours);
  free_doubles(&d);
  nrf_energy_model_free(m);
  nrf_states_free(s);
}

static void assert_channel_gradient_agrees(doubles *d, quantity q)
{
  const int       n    = d->shape->n_layers;
  const nrf_node *row  = nrf_energy_model_nodes(d->m).channel_gradient + q.layer * n;
  nrf_states     *ours = random_states(nrf_energy_model_architecture(d->m), BATCH); /* to be overwritten */
  choose(d, q);
  nrf_reference *r = evaluate(d, n, row);
  if (nrf_energy_model_channel_gradient(d->m, d->shape, q.layer, q.channel, ours) != NRF_OK)
    fail_msg("%s", nrf_error_message());
  for (int l = 0; l < n; l++) {
    if (row[l] != NRF_NO_NODE)
      assert_true(error_of_field(r, row[l], ours, l) < 2e-6);
    else
      for (int64_t e = 0; e < nrf_states_count(ours, l); e++) assert_true(ours->data[l][e] == 0.0f);
  }
  nrf_reference_free(r);
  nrf_states_free(ours);
}

static void every_channel_of_every_layer_agrees_with_double_precision(void **state)
{
  (void)state;
  const nrf_architecture a = parse(false);
  nrf_states            *s = random_states(&a, BATCH);
  nrf_energy_model      *m = make(
           &a,
           (nrf_energy_config){.activation = NRF_SWISH, .states_activation = NRF_HARDTANH, .weight_norm = true});
  doubles d = to_doubles(m, s);
  for (int l = 0; l < a.n_layers; l++)
    for (int c = 0; c < a.size[l].channels; c++) assert_channel_gradient_agrees(&d, (quantity){l, c});
  free_doubles(&d);
  nrf_energy_model_free(m);
  nrf_states_free(s);
}

/* Also those of networks that the channel has nothing to do with: an evaluation is one forward pass of the whole model. */
static void a_channel_gradient_moves_all_vectors_of_spectral_normalisation_on(void **state)
{
  (void)state;
  const nrf_architecture a = parse(true);
  nrf_states            *s = random_states(&a, BATCH), *g = random_states(&a, BATCH);
  nrf_energy_model      *m[2];
  for (int k = 0; k < 2; k++)
    m[k] = make(&a, (nrf_energy_config){.activation = NRF_SWISH, .states_activation = NRF_HARDTANH});
  const nrf_parameters *p = nrf_energy_model_parameters(m[0]), *q = nrf_energy_model_parameters(m[1]);
  assert_int_equal(nrf_energy_model_evaluate(m[0], s, &(nrf_energy_request){.gradient = g}), NRF_OK);
  assert_memory_not_equal(p->value, q->value, (size_t)p->count * sizeof(float));
  assert_int_equal(nrf_energy_model_channel_gradient(m[1], s, 3, 0, g), NRF_OK);
  assert_memory_equal(p->value, q->value, (size_t)p->count * sizeof(float));
  for (int k = 0; k < 2; k++) nrf_energy_model_free(m[k]);
  nrf_states_free(s);
  nrf_states_free(g);
}

static void rewrites_and_algorithms_change_rounding_only(void **state)
{
  (void)state;
  for (int spectral = 0; spectral < 2; spectral++) {
    const nrf_architecture a     = parse(spectral);
    nrf_states            *s     = random_states(&a, BATCH);
    results                first = {0};
    for (int k = 0; k < 6; k++) {
      nrf_energy_model *m =
          make(&a, (nrf_energy_config){.activation        = NRF_SWISH,
                                       .states_activation = NRF_HARDTANH,
                                       .weight_norm       = !spectral,
                                       .compute = {.plain_graph = k < 3, .conv = (nrf_conv_choice)(k % 3)}});
      results r = run(m, s);
      /* Sums of about 100 terms in another order: 1e-6 is ten times what is found. */
      if (k > 0) assert_close(&r, &first, nrf_energy_model_parameters(m)->count, 1e-6);
      if (k == 0)
        first = r;
      else
        free_results(&r);
      nrf_energy_model_free(m);
    }
    free_results(&first);
    nrf_states_free(s);
  }
}

static void the_number_of_threads_never_shows(void **state)
{
  (void)state;
  const nrf_architecture a = parse(false);
  nrf_states            *s = random_states(&a, 24);
  results                r[3];
  int64_t                n_weights = 0;
  for (int threads = 1; threads <= 3; threads++) {
    nrf_energy_model *m = make(&a, (nrf_energy_config){.activation        = NRF_SWISH,
                                                       .states_activation = NRF_HARDTANH,
                                                       .weight_norm       = true,
                                                       .batch             = 24,
                                                       .compute           = {.threads = threads}});
    n_weights           = nrf_energy_model_parameters(m)->count;
    r[threads - 1]      = run(m, s);
    nrf_energy_model_free(m);
  }
  for (int k = 1; k < 3; k++) assert_close(&r[k], &r[0], n_weights, 0.0);
  for (int k = 0; k < 3; k++) free_results(&r[k]);
  nrf_states_free(s);
}

static void an_evaluation_allocates_nothing_after_the_first(void **state)
{
  (void)state;
  const nrf_architecture a = parse(false);
  nrf_states            *s = random_states(&a, BATCH), *g = random_states(&a, BATCH);
  nrf_energy_model      *m = make(
           &a,
           (nrf_energy_config){.activation = NRF_SWISH, .states_activation = NRF_HARDTANH, .weight_norm = true});
  const nrf_energy_request request = {.gradient = g};
  assert_int_equal(nrf_energy_model_evaluate(m, s, &request), NRF_OK);
  const uint64_t before = nrf_alloc_calls();
  for (int i = 0; i < 5; i++) assert_int_equal(nrf_energy_model_evaluate(m, s, &request), NRF_OK);
  assert_int_equal(nrf_alloc_calls(), before);

  assert_int_equal(nrf_energy_model_channel_gradient(m, s, 2, 0, g), NRF_OK);
  const uint64_t with_layer_2 = nrf_alloc_calls();
  for (int c = 0; c < a.size[2].channels; c++)
    assert_int_equal(nrf_energy_model_channel_gradient(m, s, 2, c, g), NRF_OK);
  assert_int_equal(nrf_alloc_calls(), with_layer_2);
  nrf_energy_model_free(m);
  nrf_states_free(s);
  nrf_states_free(g);
}

static void changed_parameters_count_once_they_are_announced(void **state)
{
  (void)state;
  const nrf_architecture a = parse(false);
  nrf_states            *s = random_states(&a, BATCH);
  nrf_energy_model      *m = make(
           &a,
           (nrf_energy_config){.activation = NRF_SWISH, .states_activation = NRF_HARDTANH, .weight_norm = true});
  nrf_parameters *p      = nrf_energy_model_parameters(m);
  results         before = run(m, s);
  const int weight = nrf_parameters_find(p, "quadratic_nets.1.densecctblock.base_cctls.0.0.conv.weight_v");
  assert_true(weight >= 0);
  p->value[p->item[weight].offset] += 1.0f;
  nrf_energy_model_parameters_changed(m);
  results after = run(m, s);
  assert_true(before.total != after.total);
  assert_true(difference(before.channel_gradient->data[1], after.channel_gradient->data[1],
                         nrf_states_count(s, 1)) > 0.0);
  p->value[p->item[weight].offset] -= 1.0f;
  free_results(&before);
  free_results(&after);
  nrf_energy_model_free(m);
  nrf_states_free(s);
}

static void feed_forward_dynamics_leave_the_part_through_networks_out(void **state)
{
  (void)state;
  const nrf_architecture a = parse(false);
  nrf_states            *s = random_states(&a, BATCH);
  nrf_energy_model      *m = make(
           &a,
           (nrf_energy_config){.activation = NRF_SWISH, .states_activation = NRF_HARDTANH, .ff_dynamics = true});
  results r = run(m, s);
  /* s - b - f/2, with b read off the neuron energy s^2/2 - b s - s f/2, f being -bno */
  for (int l = 0; l < a.n_layers; l++)
    for (int64_t e = 0; e < nrf_states_count(s, l); e++) {
      const double x = (double)s->data[l][e], f = -(double)r.bno->data[l][e];
      if (fabs(x) < 0.1) continue;
      const double b = x / 2 - f / 2 - (double)r.energy->data[l][e] / x;
      assert_true(fabs((double)r.gradient->data[l][e] - (x - b - f / 2)) < 1e-5);
    }
  /* The energy of a channel: half of that in the channel, all of it in the layers below, nothing above. */
  const int layer = 1, channel = 2;
  assert_int_equal(nrf_energy_model_channel_gradient(m, s, layer, channel, r.channel_gradient), NRF_OK);
  for (int l = 0; l < a.n_layers; l++)
    for (int64_t e = 0; e < nrf_states_count(s, l); e++) {
      const float half = e % a.size[layer].channels == channel ? 0.5f : 0.0f;
      const float part = l < layer ? 1.0f : l > layer ? 0.0f : half;
      assert_true(r.channel_gradient->data[l][e] == part * r.gradient->data[l][e]);
    }
  free_results(&r);
  nrf_energy_model_free(m);
  nrf_states_free(s);
}

static int count_ops(const nrf_energy_model *m, nrf_op op)
{
  const nrf_energy_nodes nodes  = nrf_energy_model_nodes(m);
  bool                  *needed = NULL;
  int                    count  = 0;
  assert_int_equal(nrf_alloc((size_t)nrf_graph_count(nodes.graph), "test", (void **)&needed), NRF_OK);
  nrf_graph_mark_needed(nodes.graph, nrf_energy_model_architecture(m)->n_layers, nodes.gradient, needed);
  for (nrf_node i = 0; i < nrf_graph_count(nodes.graph); i++)
    count += needed[i] && nrf_graph_at(nodes.graph, i)->op == op;
  nrf_free(needed);
  return count;
}

static void rewrites_remove_concatenations_and_transposed_convolutions(void **state)
{
  (void)state;
  const nrf_architecture a = parse(false);
  nrf_energy_model      *plain =
      make(&a, (nrf_energy_config){.states_activation = NRF_HARDTANH, .compute = {.plain_graph = true}});
  nrf_energy_model *cheap = make(&a, (nrf_energy_config){.states_activation = NRF_HARDTANH});
  assert_true(count_ops(plain, NRF_OP_CONCAT) > 5);
  assert_int_equal(count_ops(cheap, NRF_OP_CONCAT), 0);
  assert_true(count_ops(plain, NRF_OP_CONV_ADJOINT) > 5);
  assert_int_equal(count_ops(cheap, NRF_OP_CONV_ADJOINT), 3); /* of the convolutions that took in a stride */
  nrf_energy_model_free(plain);
  nrf_energy_model_free(cheap);
}

static void the_two_normalisations_cannot_be_combined(void **state)
{
  (void)state;
  const nrf_architecture  a      = parse(true);
  nrf_energy_model       *m      = NULL;
  const nrf_energy_config config = {.weight_norm = true, .batch = 1, .compute = {.threads = 1}};
  assert_int_equal(nrf_energy_model_create(&a, &config, &m), NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "spectral"));
  assert_null(m);
}

static void states_of_another_model_are_refused(void **state)
{
  (void)state;
  const nrf_architecture a = parse(false);
  nrf_energy_model      *m = make(&a, (nrf_energy_config){.states_activation = NRF_HARDTANH});
  nrf_states            *s = random_states(&a, BATCH + 1);
  assert_int_equal(nrf_energy_model_evaluate(m, s, &(nrf_energy_request){.gradient = s}), NRF_ESHAPE);
  assert_int_equal(nrf_energy_model_channel_gradient(m, s, 0, 0, s), NRF_ESHAPE);
  nrf_states_free(s);
  nrf_energy_model_free(m);
}

static void channels_that_do_not_exist_are_refused(void **state)
{
  (void)state;
  const nrf_architecture a = parse(false);
  nrf_energy_model      *m = make(&a, (nrf_energy_config){.states_activation = NRF_HARDTANH});
  nrf_states            *s = random_states(&a, BATCH), *g = random_states(&a, BATCH);
  static const quantity  wrong[] = {{-1, 0}, {4, 0}, {2, -1}, {2, 3}};
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
    assert_int_equal(nrf_energy_model_channel_gradient(m, s, wrong[k].layer, wrong[k].channel, g),
                     NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "no channel 3 in layer 2"));
  nrf_states_free(s);
  nrf_states_free(g);
  nrf_energy_model_free(m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_are_derivatives_of_the_energy),
      cmocka_unit_test(what_runs_agrees_with_double_precision),
      cmocka_unit_test(every_channel_of_every_layer_agrees_with_double_precision),
      cmocka_unit_test(a_channel_gradient_moves_all_vectors_of_spectral_normalisation_on),
      cmocka_unit_test(rewrites_and_algorithms_change_rounding_only),
      cmocka_unit_test(the_number_of_threads_never_shows),
      cmocka_unit_test(an_evaluation_allocates_nothing_after_the_first),
      cmocka_unit_test(changed_parameters_count_once_they_are_announced),
      cmocka_unit_test(feed_forward_dynamics_leave_the_part_through_networks_out),
      cmocka_unit_test(rewrites_remove_concatenations_and_transposed_convolutions),
      cmocka_unit_test(the_two_normalisations_cannot_be_combined),
      cmocka_unit_test(states_of_another_model_are_refused),
      cmocka_unit_test(channels_that_do_not_exist_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
