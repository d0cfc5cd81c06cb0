/* energy_model.c - the energy as a graph, and its three modes as programs over that graph. */
#include "nrflv/energy_model.h"

#include "network.h"

#include "nrflv/memory.h"
#include "nrflv/program.h"

#include <stdio.h>
#include <string.h>

/* What an evaluation can give; a program is made for each combination that is asked for. */
enum { GIVE_GRADIENT = 1, GIVE_ENERGY = 2, GIVE_BNO = 4, COMBINATIONS = 8 };

struct nrf_energy_model {
  nrf_architecture  architecture;
  nrf_energy_config config;
  nrf_network       network;
  nrf_node          gradient[NRF_MAX_LAYERS], energy[NRF_MAX_LAYERS], bno[NRF_MAX_LAYERS];
  nrf_node         *weight_gradient; /* [parameters]: -2 dE/dw, NRF_NO_NODE where E does not depend on it */
  nrf_program      *evaluate[COMBINATIONS];
  nrf_program      *learn;
  nrf_states       *scratch_energy; /* neuron energies of the weight-gradient program */
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

static nrf_status build(nrf_energy_model *m)
{
  const int n = m->architecture.n_layers;
  nrf_node  s[NRF_MAX_LAYERS], bias[NRF_MAX_LAYERS], rho[NRF_MAX_LAYERS], f[NRF_MAX_LAYERS];
  NRF_RETURN_IF_ERROR(nrf_network_begin(&m->network));
  build_forward(m, s, bias, rho, f);
  NRF_RETURN_IF_ERROR(nrf_network_finish_parameters(&m->network, 3 * n));
  const int n_parameters = m->network.parameters->n;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n_parameters * sizeof *m->weight_gradient, "energy model",
                                (void **)&m->weight_gradient));

  /* Before differentiation, so that gradients flow through the cheaper graph; and after, for the gradients' own nodes. */
  nrf_network_rewrite(&m->network, 2, (nrf_node *[]){f, rho}, (int[]){n, n});
  build_backward(m, s, bias, rho, f);
  nrf_network_rewrite(&m->network, 4, (nrf_node *[]){m->gradient, m->energy, m->bno, m->weight_gradient},
                      (int[]){n, n, n, n_parameters});
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
  for (int c = 0; c < COMBINATIONS; c++) nrf_program_free(m->evaluate[c]);
  nrf_program_free(m->learn);
  nrf_states_free(m->scratch_energy);
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
  for (int c = 0; c < COMBINATIONS; c++)
    if (m->evaluate[c] != NULL) nrf_program_weights_changed(m->evaluate[c]);
  if (m->learn != NULL) nrf_program_weights_changed(m->learn);
}

nrf_energy_nodes nrf_energy_model_nodes(const nrf_energy_model *m)
{
  return (nrf_energy_nodes){m->network.graph, m->gradient, m->energy, m->bno, m->weight_gradient};
}

size_t nrf_energy_model_memory(const nrf_energy_model *m)
{
  size_t bytes = (size_t)m->network.parameters->count * sizeof(float);
  for (int c = 0; c < COMBINATIONS; c++)
    if (m->evaluate[c] != NULL) bytes += nrf_program_bytes(m->evaluate[c]);
  return bytes + (m->learn == NULL ? 0 : nrf_program_bytes(m->learn));
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
  NRF_RETURN_IF_ERROR(nrf_network_run(&m->network, &m->evaluate[combination], (const float *const *)s->data));
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
  NRF_RETURN_IF_ERROR(nrf_network_run(&m->network, &m->learn, (const float *const *)s->data));
  for (int64_t e = 0; e < p->count; e++) gradient[e] *= -0.5f;
  *total = sum_states(m->scratch_energy);
  return NRF_OK;
}
