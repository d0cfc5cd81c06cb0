/* energy_model.c - the energy as a graph, and its modes as programs over that graph. */
#include "nrflv/energy_model.h"

#include "network.h"

#include "nrflv/memory.h"
#include "nrflv/program.h"

#include <stdio.h>
#include <string.h>

/* What an evaluation can give. */
enum { GIVE_GRADIENT = 1, GIVE_ENERGY = 2, GIVE_BNO = 4, COMBINATIONS = 8 };

/* Programs, each made when it is first asked for: one for each combination, and then */
enum { LEARN = COMBINATIONS, CHANNELS_OF_LAYER, PROGRAMS = CHANNELS_OF_LAYER + NRF_MAX_LAYERS };

struct nrf_energy_model {
  nrf_architecture  architecture;
  nrf_energy_config config;
  nrf_network       network;
  nrf_node          gradient[NRF_MAX_LAYERS], energy[NRF_MAX_LAYERS], bno[NRF_MAX_LAYERS];
  nrf_node         *weight_gradient; /* [parameters]: -2 dE/dw, NRF_NO_NODE where E does not depend on it */
  nrf_node          channel_gradient[NRF_MAX_LAYERS * NRF_MAX_LAYERS]; /* as in nrf_energy_nodes */
  nrf_program      *program[PROGRAMS];
  nrf_states       *scratch_energy; /* neuron energies of the weight-gradient program */
  float            *chosen; /* [batch * most channels]: 1 for the channel of the channel gradients, else 0 */
};

/* ---- the graph ------------------------------------------------------------------------------------- */

static void build_forward(nrf_energy_model *m, nrf_node s[], nrf_node bias[], nrf_node rho[], nrf_node f[])
{
  const nrf_architecture *a   = &m->architecture;
  nrf_network            *net = &m->network;
  for (int i = 0; i < a->n_layers; i++) {
    const int64_t dim[2] = {1, nrf_layer_units(a->size[i])};
    char          name[32];
    (void)snprintf(name, sizeof name, "biases.%d.weight", i);
    s[i]    = nrf_graph_input(net->graph, i, a->size[i].channels, a->size[i].height, a->size[i].width);
    rho[i]  = nrf_graph_activation(net->graph, s[i], m->config.states_activation);
    bias[i] = nrf_network_parameter(net, name, 2, dim, NRF_START_ZERO, 0, true, NULL);
    bias[i] =
        nrf_graph_unflatten(net->graph, bias[i], a->size[i].channels, a->size[i].height, a->size[i].width);
  }
  for (int i = 0; i < a->n_layers; i++) f[i] = nrf_network_of_layer(net, a, i, rho);
}

/* E's gradients, by the product rule: the direct part, and - s_k / 2 sent back through every network k. The factor
 * 1/2 is in NRF_OP_STATE_GRADIENT, so the seeds are the states themselves. The derivative of rho is there too: what is sent
 * back stops at rho. */
static void build_backward(nrf_energy_model *m, const nrf_node s[], const nrf_node bias[],
                           const nrf_node rho[], const nrf_node f[])
{
  const int  n = m->architecture.n_layers;
  nrf_graph *g = m->network.graph;
  nrf_node   h[NRF_MAX_LAYERS];
  for (int i = 0; i < NRF_MAX_LAYERS; i++) h[i] = NRF_NO_NODE;
  if (!m->config.ff_dynamics) nrf_graph_gradients(g, n, f, s, n, rho, h);
  for (int i = 0; i < n; i++) {
    m->gradient[i] = nrf_graph_state_gradient(g, s[i], bias[i], f[i], h[i], m->config.states_activation);
    m->energy[i]   = nrf_graph_neuron_energy(g, s[i], bias[i], f[i]);
    m->bno[i]      = nrf_graph_scale(g, f[i], -1.0);
  }

  nrf_network_parameter_gradients(&m->network, n, f, s, m->weight_gradient);
  for (int i = 0; i < n;
       i++) /* the biases, parameters 0 .. n-1: twice, since all of these are halved later */
    m->weight_gradient[i] = nrf_graph_scale(g, nrf_graph_flatten(g, nrf_graph_batch_sum(g, s[i])), 2.0);
}

/* x where `gate` is above 0, and 0 elsewhere: the slope of relu. */
static nrf_node pass_through(nrf_graph *g, nrf_node gate, nrf_node x)
{
  return nrf_graph_activation_grad(g, gate, x, NRF_RELU);
}

/* Gradients of half the energy of the chosen channels of a layer, Q = <w, e> / 2 with w = 1 for a chosen channel and 0 for
 * the others, an input. The direct part is that of E, through w; what flows back, through this layer's network alone, has
 * w s for a seed, and of the factors 1/2 one comes from e and one from Q. */
static void build_channel_gradients(nrf_energy_model *m, int layer, const nrf_node s[], const nrf_node bias[],
                                    const nrf_node rho[], const nrf_node f[])
{
  const int            n    = m->architecture.n_layers;
  const nrf_layer_size size = m->architecture.size[layer];
  nrf_graph           *g    = m->network.graph;
  nrf_node            *row  = m->channel_gradient + layer * n;

  const nrf_node w =
      nrf_graph_resize(g, nrf_graph_input(g, n + layer, size.channels, 1, 1), size.height, size.width);
  const nrf_node seed = nrf_graph_scale(g, pass_through(g, w, s[layer]), -0.25);
  for (int i = 0; i < n; i++) row[i] = NRF_NO_NODE;
  if (!m->config.ff_dynamics) nrf_graph_gradients(g, 1, &f[layer], &seed, n, rho, row);
  for (int i = 0; i < n; i++)
    if (row[i] != NRF_NO_NODE)
      row[i] = nrf_graph_activation_grad(g, s[i], row[i], m->config.states_activation);

  const nrf_node whole =
      nrf_graph_state_gradient(g, s[layer], bias[layer], f[layer], NRF_NO_NODE, m->config.states_activation);
  const nrf_node direct = nrf_graph_scale(g, pass_through(g, w, whole), 0.5);
  row[layer] = row[layer] == NRF_NO_NODE ? direct : nrf_graph_add(g, 2, (nrf_node[]){direct, row[layer]});

  for (int i = 0; i < layer; i++)
    if (row[i] == NRF_NO_NODE) row[i] = m->gradient[i];
}

static nrf_status build(nrf_energy_model *m)
{
  const int n                 = m->architecture.n_layers;
  nrf_node  s[NRF_MAX_LAYERS] = {0}, bias[NRF_MAX_LAYERS] = {0};
  nrf_node  rho[NRF_MAX_LAYERS] = {0}, f[NRF_MAX_LAYERS] = {0};
  NRF_RETURN_IF_ERROR(nrf_network_begin(&m->network));
  build_forward(m, s, bias, rho, f);
  NRF_RETURN_IF_ERROR(nrf_network_finish_parameters(&m->network, 3 * n + n * n));
  const int n_parameters = m->network.parameters->n;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n_parameters * sizeof *m->weight_gradient, "energy model",
                                (void **)&m->weight_gradient));

  /* Before differentiation, so that gradients flow through the cheaper graph; and after, for the gradients' own nodes. */
  nrf_network_rewrite(&m->network, 2, (nrf_node *[]){f, rho}, (int[]){n, n});
  build_backward(m, s, bias, rho, f);
  for (int i = 0; i < n; i++) build_channel_gradients(m, i, s, bias, rho, f);
  nrf_network_rewrite(&m->network, 5,
                      (nrf_node *[]){m->gradient, m->energy, m->bno, m->weight_gradient, m->channel_gradient},
                      (int[]){n, n, n, n_parameters, n * n});
  return nrf_network_status(&m->network);
}

nrf_status nrf_energy_model_create(const nrf_architecture *architecture, const nrf_energy_config *config,
                                   nrf_energy_model **out)
{
  *out = NULL;
  if (config->weight_norm && architecture->spectral_norm)
    return nrf_error(
        NRF_EINVAL,
        "%s: weight normalisation cannot be combined with the architecture's spectral normalisation; leave "
        "--model_weight_norm out",
        architecture->name);
  if (config->batch < 1)
    return nrf_error(NRF_EINVAL, "%s: a batch of %d images", architecture->name, config->batch);
  nrf_energy_model *m = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *m, "energy model", (void **)&m));
  m->architecture          = *architecture;
  m->config                = *config;
  m->network.activation    = config->activation;
  m->network.weight_norm   = config->weight_norm;
  m->network.spectral_norm = architecture->spectral_norm;
  m->network.batch         = config->batch;
  m->network.compute       = config->compute;
  const nrf_status st      = build(m);
  if (st != NRF_OK) {
    nrf_energy_model_free(m);
    return nrf_error_context(st, "%s", architecture->name);
  }
  *out = m;
  return NRF_OK;
}

void nrf_energy_model_free(nrf_energy_model *m)
{
  if (m == NULL) return;
  for (int k = 0; k < PROGRAMS; k++) nrf_program_free(m->program[k]);
  nrf_states_free(m->scratch_energy);
  nrf_free(m->chosen);
  nrf_free(m->weight_gradient);
  nrf_network_end(&m->network);
  nrf_free(m);
}

const nrf_architecture *nrf_energy_model_architecture(const nrf_energy_model *m)
{
  return &m->architecture;
}

nrf_parameters *nrf_energy_model_parameters(nrf_energy_model *m)
{
  return m->network.parameters;
}

void nrf_energy_model_parameters_changed(nrf_energy_model *m)
{
  for (int k = 0; k < PROGRAMS; k++)
    if (m->program[k] != NULL) nrf_program_weights_changed(m->program[k]);
}

nrf_energy_nodes nrf_energy_model_nodes(const nrf_energy_model *m)
{
  return (nrf_energy_nodes){.graph            = m->network.graph,
                            .gradient         = m->gradient,
                            .neuron_energy    = m->energy,
                            .bno              = m->bno,
                            .weight_gradient  = m->weight_gradient,
                            .channel_gradient = m->channel_gradient};
}

size_t nrf_energy_model_memory(const nrf_energy_model *m)
{
  size_t bytes = (size_t)m->network.parameters->count * sizeof(float);
  for (int k = 0; k < PROGRAMS; k++)
    if (m->program[k] != NULL) bytes += nrf_program_bytes(m->program[k]);
  return bytes;
}

/* ---- running ------------------------------------------------------------------------------------- */

static void add_states(nrf_energy_model *m, const nrf_node node[], const nrf_states *states)
{
  for (int i = 0; i < m->architecture.n_layers; i++)
    nrf_network_add_output(&m->network, node[i], states->data[i]);
}

static nrf_status check_states(const nrf_energy_model *m, const nrf_states *s, const char *what)
{
  const nrf_architecture *a = &m->architecture;
  if (nrf_states_fit(s, a->n_layers, a->size, m->config.batch)) return NRF_OK;
  return nrf_error(
      NRF_ESHAPE,
      "%s: %s of %d layers for %d images do not fit the model's %d layers for %d images, or their sizes",
      a->name, what, s->n_layers, s->batch, a->n_layers, m->config.batch);
}

static double sum_states(const nrf_states *s)
{
  double total = 0.0;
  for (int i = 0; i < s->n_layers; i++) {
    const int64_t n   = nrf_states_count(s, i);
    double        sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t e = 0; e < n; e++) sum += (double)s->data[i][e];
    total += sum;
  }
  return total;
}

nrf_status nrf_energy_model_evaluate(nrf_energy_model *m, const nrf_states *s,
                                     const nrf_energy_request *request)
{
  NRF_RETURN_IF_ERROR(check_states(m, s, "states"));
  if (request->total != NULL && request->neuron_energy == NULL)
    return nrf_error(NRF_EINVAL, "%s: a total energy needs room for the neuron energies",
                     m->architecture.name);

  const struct {
    int             flag;
    nrf_states     *states;
    const nrf_node *node;
  } parts[]       = {{GIVE_GRADIENT, request->gradient, m->gradient},
                     {GIVE_ENERGY, request->neuron_energy, m->energy},
                     {GIVE_BNO, request->bno, m->bno}};
  int combination = 0;
  for (int k = 0; k < 3; k++) {
    if (parts[k].states == NULL) continue;
    NRF_RETURN_IF_ERROR(check_states(m, parts[k].states, "results"));
    combination |= parts[k].flag;
  }
  for (int k = 0; k < 3; k++)
    if (parts[k].states != NULL) add_states(m, parts[k].node, parts[k].states);
  NRF_RETURN_IF_ERROR(nrf_network_run(&m->network, &m->program[combination], (const float *const *)s->data));
  if (request->total != NULL) *request->total = sum_states(request->neuron_energy);
  return NRF_OK;
}

nrf_status nrf_energy_model_weight_gradient(nrf_energy_model *m, const nrf_states *s, float *gradient,
                                            double *total)
{
  const nrf_parameters *p = m->network.parameters;
  NRF_RETURN_IF_ERROR(check_states(m, s, "states"));
  if (m->scratch_energy == NULL)
    NRF_RETURN_IF_ERROR(nrf_states_create(s->n_layers, s->size, s->batch, &m->scratch_energy));
  memset(gradient, 0, (size_t)p->count * sizeof(float));
  add_states(m, m->energy, m->scratch_energy);
  for (int j = 0; j < p->n; j++)
    if (m->weight_gradient[j] != NRF_NO_NODE && p->item[j].trainable)
      nrf_network_add_output(&m->network, m->weight_gradient[j], gradient + p->item[j].offset);
  NRF_RETURN_IF_ERROR(nrf_network_run(&m->network, &m->program[LEARN], (const float *const *)s->data));
  for (int64_t e = 0; e < p->count; e++) gradient[e] *= -0.5f;
  *total = sum_states(m->scratch_energy);
  return NRF_OK;
}

/* Puts a 1 for a channel of every image, and 0 for the layer's other channels, into `chosen`. */
static nrf_status choose_channel(nrf_energy_model *m, int layer, int channel)
{
  const nrf_architecture *a        = &m->architecture;
  const int               channels = a->size[layer].channels;
  if (m->chosen == NULL) {
    int most = 0;
    for (int i = 0; i < a->n_layers; i++)
      if (a->size[i].channels > most) most = a->size[i].channels;
    NRF_RETURN_IF_ERROR(nrf_alloc_floats((int64_t)m->config.batch * most, "chosen channels", &m->chosen));
  }
  memset(m->chosen, 0, (size_t)m->config.batch * (size_t)channels * sizeof(float));
  for (int image = 0; image < m->config.batch; image++) m->chosen[(int64_t)image * channels + channel] = 1.0f;
  return NRF_OK;
}

nrf_status nrf_energy_model_channel_gradient(nrf_energy_model *m, const nrf_states *s, int layer, int channel,
                                             nrf_states *gradient)
{
  const nrf_architecture *a = &m->architecture;
  const int               n = a->n_layers;
  NRF_RETURN_IF_ERROR(check_states(m, s, "states"));
  NRF_RETURN_IF_ERROR(check_states(m, gradient, "results"));
  if (layer < 0 || layer >= n)
    return nrf_error(NRF_EINVAL, "%s: there is no layer %d (layers 0 to %d)", a->name, layer, n - 1);
  if (channel < 0 || channel >= a->size[layer].channels)
    return nrf_error(NRF_EINVAL, "%s: there is no channel %d in layer %d (channels 0 to %d)", a->name,
                     channel, layer, a->size[layer].channels - 1);
  NRF_RETURN_IF_ERROR(choose_channel(m, layer, channel));

  const float *input[2 * NRF_MAX_LAYERS] = {NULL};
  for (int i = 0; i < n; i++) input[i] = s->data[i];
  input[n + layer] = m->chosen;
  for (int i = 0; i < n; i++) {
    const nrf_node node = m->channel_gradient[layer * n + i];
    if (node == NRF_NO_NODE)
      memset(gradient->data[i], 0, (size_t)nrf_states_count(gradient, i) * sizeof(float));
    else
      nrf_network_add_output(&m->network, node, gradient->data[i]);
  }
  return nrf_network_run(&m->network, &m->program[CHANNELS_OF_LAYER + layer], input);
}
