/* initialiser.c - the network that proposes latent layers: its graph, its loss and the two programs over it. */
#include "nrflv/initialiser.h"

#include "network.h"

#include "nrflv/memory.h"
#include "nrflv/program.h"

#include <stdio.h>
#include <string.h>

enum { KERNEL = 7, PADDING = 3, ENCODER_EXTRA_STAGES = 2 };

struct nrf_initialiser {
  nrf_architecture       architecture;
  nrf_initialiser_config config;
  nrf_network            network;
  nrf_node               proposal[NRF_MAX_LAYERS]; /* of layers 1 ..            */
  nrf_node              *weight_gradient;          /* [parameters]              */
  nrf_program           *predict, *learn;
  nrf_states            *proposed; /* room for proposals while learning */
};

static nrf_activation output_activation(nrf_activation states_activation)
{
  switch (states_activation) {
  case NRF_HARDTANH:
    return NRF_SOFT_HARDTANH;
  case NRF_HARDSIG:
    return NRF_SOFT_HARDSIG;
  default:
    return NRF_LEAKY_RELU;
  }
}

static int at_least(int a, int b)
{
  return a > b ? a : b;
}

/* What turns the encoding into a proposal for one layer. */
static nrf_node build_side(nrf_initialiser *m, int layer, nrf_node encoding)
{
  const nrf_architecture *a      = &m->architecture;
  nrf_network            *net    = &m->network;
  const nrf_layer_size    size   = a->size[layer];
  const bool              small  = size.width < a->size[0].width;
  const nrf_cct_spec      first  = {.status     = small ? NRF_CONV : NRF_CCT,
                                    .out        = at_least(a->initialiser_channels, 2 * size.channels),
                                    .kernel     = KERNEL,
                                    .padding    = small ? 0 : PADDING,
                                    .normalised = NRF_NORMALISED};
  const nrf_cct_spec      second = {.status     = NRF_CCT,
                                    .out        = at_least(a->initialiser_channels, size.channels),
                                    .kernel     = KERNEL,
                                    .padding    = PADDING,
                                    .normalised = NRF_NORMALISED};
  char                    name[32];
  (void)snprintf(name, sizeof name, "sides.%d.0", layer - 1);
  nrf_node x = nrf_network_stage(net, name, encoding, &first);
  x          = nrf_graph_resize(net->graph, x, size.height, size.width);
  (void)snprintf(name, sizeof name, "sides.%d.2", layer - 1);
  x = nrf_network_stage(net, name, x, &second);
  (void)snprintf(name, sizeof name, "sides.%d.3", layer - 1);
  x = nrf_network_one_by_one(net, name, x, size.channels);
  return nrf_graph_activation(net->graph, x, output_activation(m->config.states_activation));
}

static nrf_node build_encoder(nrf_initialiser *m, nrf_node image)
{
  const nrf_architecture *a      = &m->architecture;
  const nrf_cct_spec      stage  = {NRF_CCT, a->initialiser_channels, KERNEL, PADDING, NRF_NORMALISED};
  const int               stages = a->n_layers - 1 + ENCODER_EXTRA_STAGES;
  nrf_node                encoding;
  nrf_network_dense_block(&m->network, "enc", 1, &image, stages, &stage, &encoding);
  return encoding;
}

/* The gradient of sum_l mean((proposal_l - target_l)^2): seeds 2 (proposal_l - target_l) / N_l into each proposal. Targets are the
 * inputs 1 .. of the graph. */
static void build_backward(nrf_initialiser *m)
{
  const nrf_architecture *a = &m->architecture;
  nrf_graph              *g = m->network.graph;
  nrf_node                seed[NRF_MAX_LAYERS];
  for (int l = 1; l < a->n_layers; l++) {
    const nrf_node target = nrf_graph_input(g, l, a->size[l].channels, a->size[l].height, a->size[l].width);
    const nrf_node difference[2] = {m->proposal[l], nrf_graph_scale(g, target, -1.0)};
    const double   elements      = (double)m->config.batch * (double)nrf_layer_units(a->size[l]);
    seed[l]                      = nrf_graph_scale(g, nrf_graph_add(g, 2, difference), 2.0 / elements);
  }
  nrf_network_parameter_gradients(&m->network, a->n_layers - 1, m->proposal + 1, seed + 1,
                                  m->weight_gradient);
}

static nrf_status build(nrf_initialiser *m)
{
  const nrf_architecture *a     = &m->architecture;
  nrf_network            *net   = &m->network;
  const int               sides = a->n_layers - 1;
  NRF_RETURN_IF_ERROR(nrf_network_begin(net));
  const nrf_node image =
      nrf_graph_input(net->graph, 0, a->size[0].channels, a->size[0].height, a->size[0].width);
  const nrf_node encoding             = build_encoder(m, image);
  const int      n_encoder_parameters = net->parameters->n;
  for (int l = 1; l < a->n_layers; l++) m->proposal[l] = build_side(m, l, encoding);
  nrf_network_move_parameters_to_end(net, n_encoder_parameters);
  NRF_RETURN_IF_ERROR(nrf_network_finish_parameters(net, sides));
  const int n_parameters = net->parameters->n;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n_parameters * sizeof *m->weight_gradient, "initialiser",
                                (void **)&m->weight_gradient));

  nrf_network_rewrite(net, 1, (nrf_node *[]){m->proposal + 1}, &sides);
  build_backward(m);
  nrf_network_rewrite(net, 2, (nrf_node *[]){m->proposal + 1, m->weight_gradient},
                      (int[]){sides, n_parameters});
  return nrf_network_status(net);
}

nrf_status nrf_initialiser_create(const nrf_architecture *architecture, const nrf_initialiser_config *config,
                                  nrf_initialiser **out)
{
  *out = NULL;
  if (config->weight_norm && architecture->spectral_norm)
    return nrf_error(
        NRF_EINVAL,
        "%s: weight normalisation of the initialiser cannot be combined with the architecture's spectral "
        "normalisation; leave --initter_network_weight_norm out",
        architecture->name);
  if (config->batch < 1)
    return nrf_error(NRF_EINVAL, "%s: a batch of %d images", architecture->name, config->batch);
  nrf_initialiser *m = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *m, "initialiser", (void **)&m));
  m->architecture          = *architecture;
  m->config                = *config;
  m->network.activation    = config->activation;
  m->network.weight_norm   = config->weight_norm;
  m->network.layer_norm    = config->layer_norm;
  m->network.spectral_norm = architecture->spectral_norm;
  m->network.batch         = config->batch;
  m->network.compute       = config->compute;
  const nrf_status st      = build(m);
  if (st != NRF_OK) {
    nrf_initialiser_free(m);
    return nrf_error_context(st, "%s: initialiser network", architecture->name);
  }
  *out = m;
  return NRF_OK;
}

void nrf_initialiser_free(nrf_initialiser *m)
{
  if (m == NULL) return;
  nrf_program_free(m->predict);
  nrf_program_free(m->learn);
  nrf_states_free(m->proposed);
  nrf_free(m->weight_gradient);
  nrf_network_end(&m->network);
  nrf_free(m);
}

nrf_parameters *nrf_initialiser_parameters(nrf_initialiser *m)
{
  return m->network.parameters;
}

void nrf_initialiser_parameters_changed(nrf_initialiser *m)
{
  if (m->predict != NULL) nrf_program_weights_changed(m->predict);
  if (m->learn != NULL) nrf_program_weights_changed(m->learn);
}

static nrf_status check_states(const nrf_initialiser *m, const nrf_states *s)
{
  const nrf_architecture *a = &m->architecture;
  return nrf_states_fit(s, a->n_layers, a->size, m->config.batch)
             ? NRF_OK
             : nrf_error(NRF_ESHAPE, "%s: states that do not fit the initialiser network", a->name);
}

nrf_status nrf_initialiser_predict(nrf_initialiser *m, nrf_states *s)
{
  NRF_RETURN_IF_ERROR(check_states(m, s));
  for (int l = 1; l < s->n_layers; l++) nrf_network_add_output(&m->network, m->proposal[l], s->data[l]);
  return nrf_network_run(&m->network, &m->predict, (const float *const *)s->data);
}

static double mean_squared_error(const nrf_states *a, const nrf_states *b, int layer)
{
  const int64_t n   = nrf_states_count(a, layer);
  double        sum = 0.0;
  for (int64_t e = 0; e < n; e++) {
    const double difference = (double)a->data[layer][e] - (double)b->data[layer][e];
    sum += difference * difference;
  }
  return sum / (double)n;
}

nrf_status nrf_initialiser_gradient(nrf_initialiser *m, const nrf_states *target, float *gradient,
                                    double *loss, double per_layer[], nrf_states *predicted)
{
  const nrf_parameters *p = m->network.parameters;
  NRF_RETURN_IF_ERROR(check_states(m, target));
  if (predicted != NULL) NRF_RETURN_IF_ERROR(check_states(m, predicted));
  if (predicted == NULL && m->proposed == NULL)
    NRF_RETURN_IF_ERROR(nrf_states_create(target->n_layers, target->size, target->batch, &m->proposed));
  nrf_states *proposed = predicted != NULL ? predicted : m->proposed;

  memset(gradient, 0, (size_t)p->count * sizeof(float));
  for (int l = 1; l < target->n_layers; l++)
    nrf_network_add_output(&m->network, m->proposal[l], proposed->data[l]);
  for (int j = 0; j < p->n; j++)
    if (m->weight_gradient[j] != NRF_NO_NODE && p->item[j].trainable)
      nrf_network_add_output(&m->network, m->weight_gradient[j], gradient + p->item[j].offset);
  NRF_RETURN_IF_ERROR(nrf_network_run(&m->network, &m->learn, (const float *const *)target->data));

  *loss = 0.0;
  for (int l = 0; l < target->n_layers; l++) {
    const double error = l == 0 ? 0.0 : mean_squared_error(proposed, target, l);
    if (per_layer != NULL) per_layer[l] = error;
    *loss += error;
  }
  return NRF_OK;
}
