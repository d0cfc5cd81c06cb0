/* network.c - CCT layers, dense blocks, the network of a layer; and running them. */
#include "network.h"

#include "nrflv/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A name made of parts, for parameters ("quadratic_nets.0.fc_net.net.2" + ".bias"). */
typedef struct joined {
  char text[NRF_PARAMETER_NAME_BYTES];
} joined;

static joined named(const char *fmt, ...) NRF_PRINTF(1, 2);
static joined named(const char *fmt, ...)
{
  joined  n;
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(n.text, sizeof n.text, fmt, args);
  va_end(args);
  return n;
}

nrf_status nrf_network_begin(nrf_network *net)
{
  NRF_RETURN_IF_ERROR(nrf_graph_create(&net->graph));
  return nrf_parameters_create(&net->parameters);
}

nrf_status nrf_network_status(const nrf_network *net)
{
  return net->status != NRF_OK ? nrf_error(net->status, "%s", net->message) : nrf_graph_status(net->graph);
}

/* Where a parameter stands now: nodes know it by its number when it was added. */
static int place_of(const nrf_network *net, int added)
{
  const int n = net->parameters->n;
  return (added + n - net->moved) % n;
}

void nrf_network_move_parameters_to_end(nrf_network *net, int n)
{
  nrf_parameters_move_to_end(net->parameters, n);
  net->moved = n;
}

nrf_status nrf_network_finish_parameters(nrf_network *net, int outputs)
{
  NRF_RETURN_IF_ERROR(nrf_network_status(net));
  nrf_parameters *p = net->parameters;
  NRF_RETURN_IF_ERROR(nrf_parameters_finish(p));
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)p->n * sizeof *net->parameter_memory, "network", (void **)&net->parameter_memory));
  for (int j = 0; j < p->n; j++) net->parameter_memory[j] = p->value + p->item[place_of(net, j)].offset;
  for (int j = 0; j < net->n_power_iterations; j++)
    NRF_RETURN_IF_ERROR(
        nrf_alloc_floats(nrf_shape_count(nrf_graph_at(net->graph, net->power_iteration[j])->shape),
                         "power iteration", &net->power_memory[j]));
  net->most_outputs = outputs + p->n + net->n_power_iterations;
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)net->most_outputs * sizeof *net->output, "network", (void **)&net->output));
  return nrf_alloc((size_t)net->most_outputs * sizeof *net->output_memory, "network",
                   (void **)&net->output_memory);
}

void nrf_network_end(nrf_network *net)
{
  for (int j = 0; j < net->n_power_iterations; j++) nrf_free(net->power_memory[j]);
  nrf_free(net->output_memory);
  nrf_free(net->output);
  nrf_free(net->parameter_memory);
  nrf_parameters_free(net->parameters);
  nrf_graph_free(net->graph);
}

void nrf_network_parameter_gradients(nrf_network *net, int n, const nrf_node output[], const nrf_node seed[],
                                     nrf_node gradient[])
{
  nrf_node *parameter = net->output; /* a list of the right length, not in use yet */
  for (int j = 0; j < net->parameters->n; j++) parameter[j] = NRF_NO_NODE;
  for (nrf_node node = 0; node < nrf_graph_count(net->graph); node++) {
    const nrf_graph_node *at = nrf_graph_at(net->graph, node);
    if (at->op == NRF_OP_PARAMETER) parameter[place_of(net, at->source)] = node;
  }
  nrf_graph_gradients(net->graph, n, output, seed, net->parameters->n, parameter, gradient);
}

void nrf_network_rewrite(nrf_network *net, int n, nrf_node *const list[], const int count[])
{
  if (net->compute.plain_graph) return;
  nrf_node *all   = net->output; /* likewise */
  int       total = 0;
  for (int k = 0; k < n; k++)
    for (int i = 0; i < count[k]; i++) all[total++] = list[k][i];
  for (int j = 0; j < net->n_power_iterations; j++) all[total++] = net->power_iteration[j];
  nrf_graph_rewrite(net->graph, total, all);
  total = 0;
  for (int k = 0; k < n; k++)
    for (int i = 0; i < count[k]; i++) list[k][i] = all[total++];
  for (int j = 0; j < net->n_power_iterations; j++) net->power_iteration[j] = all[total++];
}

void nrf_network_add_output(nrf_network *net, nrf_node node, float *memory)
{
  net->output[net->n_outputs]          = node;
  net->output_memory[net->n_outputs++] = memory;
}

nrf_status nrf_network_run(nrf_network *net, nrf_program **program, const float *const input[])
{
  for (int j = 0; j < net->n_power_iterations; j++)
    nrf_network_add_output(net, net->power_iteration[j], net->power_memory[j]);
  const nrf_program_spec spec = {
      .graph     = net->graph,
      .backend   = &nrf_backend_cpu,
      .batch     = net->batch,
      .compute   = net->compute,
      .parameter = net->parameter_memory,
      .n_outputs = net->n_outputs,
      .output    = net->output,
  };
  net->n_outputs = 0;
  if (*program == NULL) NRF_RETURN_IF_ERROR(nrf_program_create(&spec, program));
  NRF_RETURN_IF_ERROR(nrf_program_run(*program, input, net->output_memory));
  for (int j = 0; j < net->n_power_iterations; j++) {
    const nrf_parameter *u = &net->parameters->item[place_of(net, net->u_parameter[j])];
    memcpy(net->parameters->value + u->offset, net->power_memory[j], (size_t)u->count * sizeof(float));
  }
  return NRF_OK;
}

static void keep_error(nrf_network *net, nrf_status st)
{
  if (st == NRF_OK || net->status != NRF_OK) return;
  net->status = st;
  (void)snprintf(net->message, sizeof net->message, "%s", nrf_error_message());
}

nrf_node nrf_network_parameter(nrf_network *net, const char *name, int rank, const int64_t dim[],
                               nrf_parameter_start start, int64_t fan_in, bool trainable, int *index)
{
  int added = -1;
  keep_error(net, nrf_parameters_add(net->parameters, name, rank, dim, start, fan_in, trainable, &added));
  if (index != NULL) *index = added;
  if (added < 0) return NRF_NO_NODE;
  /* The graph knows the weight of a linear layer as a 1x1 kernel; the elements are the same. */
  const int64_t kernel[4] = {dim[0], rank > 1 ? dim[1] : 1, rank > 2 ? dim[2] : 1, rank > 3 ? dim[3] : 1};
  return nrf_graph_parameter(net->graph, added, rank == 2 ? 4 : rank, rank == 2 ? kernel : dim);
}

/* The weight and the bias of a layer, normalised as the model and the layer want it. */
typedef struct layer_weights {
  nrf_node weight, bias;
} layer_weights;

static nrf_node add_bias(nrf_network *net, const char *name, int64_t n, nrf_parameter_start start,
                         int64_t fan_in)
{
  return nrf_network_parameter(net, named("%s.bias", name).text, 1, &n, start, fan_in, true, NULL);
}

static layer_weights add_weights(nrf_network *net, const char *name, int rank, const int64_t dim[],
                                 int64_t n_bias, nrf_normalised normalised)
{
  const int64_t fan_in = dim[1] * (rank == 4 ? dim[2] * dim[3] : 1);
  layer_weights w;
  if (net->weight_norm && normalised == NRF_NORMALISED) {
    const int64_t gain_dim[4] = {dim[0], 1, 1, 1};
    w.bias                    = add_bias(net, name, n_bias, NRF_START_UNIFORM, fan_in);
    const nrf_node gain       = nrf_network_parameter(net, named("%s.weight_g", name).text, rank, gain_dim,
                                                      NRF_START_NORM_OF, 0, true, NULL);
    const nrf_node v          = nrf_network_parameter(net, named("%s.weight_v", name).text, rank, dim,
                                                      NRF_START_UNIFORM, fan_in, true, NULL);
    w.weight                  = nrf_graph_weight_norm(net->graph, v, gain);
  } else if (net->spectral_norm && normalised != NRF_NOT_NORMALISED) {
    int u_index        = -1;
    w.bias             = add_bias(net, name, n_bias, NRF_START_ZERO, 0);
    const nrf_node raw = nrf_network_parameter(net, named("%s.weight_orig", name).text, rank, dim,
                                               NRF_START_NORMAL, 0, true, NULL);
    const nrf_node u = nrf_network_parameter(net, named("%s.weight_u", name).text, 1, dim, NRF_START_UNIT, 0,
                                             false, &u_index);
    const nrf_node iteration = nrf_graph_power_iteration(net->graph, raw, u);
    w.weight                 = nrf_graph_spectral_norm(net->graph, raw, iteration);
    if (net->n_power_iterations == NRF_MAX_POWER_ITERATIONS) {
      keep_error(net, nrf_error(NRF_EUNSUPPORTED, "more than %d layers with spectral normalisation",
                                NRF_MAX_POWER_ITERATIONS));
      return w;
    }
    net->power_iteration[net->n_power_iterations] = iteration;
    net->u_parameter[net->n_power_iterations++]   = u_index;
  } else {
    w.weight = nrf_network_parameter(net, named("%s.weight", name).text, rank, dim, NRF_START_UNIFORM, fan_in,
                                     true, NULL);
    w.bias   = add_bias(net, name, n_bias, NRF_START_UNIFORM, fan_in);
  }
  return w;
}

static int channels_of(const nrf_network *net, nrf_node x)
{
  return x == NRF_NO_NODE ? 1 : (int)nrf_graph_at(net->graph, x)->shape.dim[0];
}

static nrf_node conv(nrf_network *net, const char *name, nrf_node x, int out, const nrf_cct_spec *spec)
{
  const int64_t       dim[4] = {out, channels_of(net, x), spec->kernel, spec->kernel};
  const layer_weights w      = add_weights(net, named("%s.conv", name).text, 4, dim, out, spec->normalised);
  return nrf_graph_conv(net->graph, x, w.weight, w.bias, 1, spec->padding);
}

static nrf_node conv_transposed(nrf_network *net, const char *name, nrf_node x, int out,
                                const nrf_cct_spec *spec)
{
  const int64_t       dim[4] = {channels_of(net, x), out, spec->kernel, spec->kernel};
  const layer_weights w      = add_weights(net, named("%s.conv_T", name).text, 4, dim, out, spec->normalised);
  return nrf_graph_conv_adjoint(net->graph, x, w.weight, w.bias, 1, spec->padding, 0, 0);
}

nrf_node nrf_network_cct(nrf_network *net, const char *name, nrf_node x, const nrf_cct_spec *spec)
{
  nrf_node y;
  if (spec->status == NRF_CCT) {
    nrf_node half[2];
    half[0] = conv(net, name, x, spec->out / 2, spec);
    half[1] = conv_transposed(net, name, x, spec->out / 2, spec);
    y       = nrf_graph_concat(net->graph, 2, half);
  } else if (spec->status == NRF_CONV) {
    y = conv(net, name, x, spec->out, spec);
  } else {
    y = conv_transposed(net, name, x, spec->out, spec);
  }
  return net->layer_norm ? nrf_graph_layer_norm(net->graph, y) : y;
}

nrf_node nrf_network_one_by_one(nrf_network *net, const char *name, nrf_node x, int out)
{
  const int64_t       dim[4] = {out, channels_of(net, x), 1, 1};
  const layer_weights w      = add_weights(net, name, 4, dim, out, NRF_NOT_NORMALISED);
  return nrf_graph_conv(net->graph, x, w.weight, w.bias, 1, 0);
}

nrf_node nrf_network_linear(nrf_network *net, const char *name, nrf_node x, int64_t out,
                            nrf_normalised normalised)
{
  const int64_t       dim[2] = {out, channels_of(net, x)};
  const layer_weights w      = add_weights(net, name, 2, dim, out, normalised);
  return nrf_graph_conv(net->graph, x, w.weight, w.bias, 1, 0);
}

nrf_node nrf_network_stage(nrf_network *net, const char *name, nrf_node x, const nrf_cct_spec *spec)
{
  const nrf_node narrow = nrf_network_one_by_one(net, named("%s.one_by_one_conv", name).text, x, spec->out);
  const nrf_node y      = nrf_network_cct(net, named("%s.cct_layer", name).text, narrow, spec);
  return nrf_graph_activation(net->graph, y, net->activation);
}

void nrf_network_dense_block(nrf_network *net, const char *name, int n, const nrf_node x[], int stages,
                             const nrf_cct_spec *spec, nrf_node *out)
{
  nrf_node piece[NRF_MAX_NODE_INPUTS];
  *out = NRF_NO_NODE;
  if (n + stages > NRF_MAX_NODE_INPUTS) {
    keep_error(net, nrf_error(NRF_EUNSUPPORTED,
                              "%s: a dense block of %d inputs and %d stages (at most %d together)", name, n,
                              stages, NRF_MAX_NODE_INPUTS));
    return;
  }
  for (int i = 0; i < n; i++) piece[i] = x[i];
  for (int stage = 0; stage < stages; stage++) {
    const nrf_node all = nrf_graph_concat(net->graph, n + stage, piece);
    piece[n + stage]   = nrf_network_stage(net, named("%s.cctb_blocks.%d", name, stage).text, all, spec);
  }
  *out = nrf_graph_concat(net->graph, n + stages, piece);
}

static nrf_node conv_part(nrf_network *net, const nrf_architecture *a, int layer, const nrf_node rho[])
{
  const nrf_layer_network *layout = &a->network[layer];
  const nrf_layer_size     size   = a->size[layer];
  const joined             part   = named("quadratic_nets.%d.densecctblock", layer);
  nrf_node                 base[NRF_MAX_INPUTS];
  int                      n = 0;
  for (int i = 0; i < layout->n_inputs; i++) {
    const nrf_connection *in = &layout->input[i];
    if (in->status == NRF_FULLY_CONNECTED) continue;
    const nrf_cct_spec spec = {in->status, a->base_channels, in->kernel, in->padding, NRF_NORMALISED};
    nrf_node y = nrf_network_cct(net, named("%s.base_cctls.%d.0", part.text, n).text, rho[in->from], &spec);
    y          = nrf_graph_resize(net->graph, y, size.height, size.width);
    base[n++]  = nrf_graph_activation(net->graph, y, net->activation);
  }
  if (layout->n_dense_stages == 0) {
    const nrf_cct_spec main_conv = {NRF_CONV, size.channels, layout->main_kernel, layout->main_padding,
                                    NRF_SPECTRAL_ONLY};
    const nrf_node     narrow    = nrf_network_one_by_one(net, named("%s.top_net.0", part.text).text,
                                                          nrf_graph_concat(net->graph, n, base), a->base_channels);
    return nrf_network_cct(net, named("%s.top_net.1", part.text).text, narrow, &main_conv);
  }
  const nrf_cct_spec stage = {nrf_architecture_dense_status(layout), a->growth_rate, layout->main_kernel,
                              layout->main_padding, NRF_NORMALISED};
  nrf_node           dense;
  nrf_network_dense_block(net, named("%s.top_net.0", part.text).text, n, base, layout->n_dense_stages, &stage,
                          &dense);
  return nrf_network_one_by_one(net, named("%s.top_net.1", part.text).text, dense, size.channels);
}

static nrf_node fc_part(nrf_network *net, const nrf_architecture *a, int layer, const nrf_node rho[])
{
  const nrf_layer_network *layout = &a->network[layer];
  const nrf_layer_size     size   = a->size[layer];
  const joined             part   = named("quadratic_nets.%d.fc_net.net", layer);
  nrf_node                 flat[NRF_MAX_INPUTS];
  int                      n = 0;
  for (int i = 0; i < layout->n_inputs; i++)
    if (layout->input[i].status == NRF_FULLY_CONNECTED)
      flat[n++] = nrf_graph_flatten(net->graph, rho[layout->input[i].from]);

  nrf_node x = nrf_graph_concat(net->graph, n, flat);
  for (int hidden = 0; hidden <= layout->n_dense_stages; hidden++) {
    x = nrf_network_linear(net, named("%s.%d", part.text, 2 * hidden).text, x, NRF_FC_HIDDEN,
                           net->spectral_norm ? NRF_NOT_NORMALISED : NRF_NORMALISED);
    x = nrf_graph_activation(net->graph, x, net->activation);
  }
  x = nrf_network_linear(net, named("%s.%d", part.text, 2 * (layout->n_dense_stages + 1)).text, x,
                         nrf_layer_units(size), NRF_NOT_NORMALISED);
  return nrf_graph_unflatten(net->graph, x, size.channels, size.height, size.width);
}

nrf_node nrf_network_of_layer(nrf_network *net, const nrf_architecture *a, int layer, const nrf_node rho[])
{
  nrf_node part[2];
  int      n = 0;
  if (nrf_architecture_n_conv_inputs(&a->network[layer]) > 0) part[n++] = conv_part(net, a, layer, rho);
  if (nrf_architecture_n_fc_inputs(&a->network[layer]) > 0) part[n++] = fc_part(net, a, layer, rho);
  return nrf_graph_add(net->graph, n, part);
}
