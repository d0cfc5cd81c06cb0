/* base_kernels.c - weights in use, to look at. */
#include "nrflv/base_kernels.h"

#include "nrflv/graph.h"
#include "nrflv/memory.h"
#include "nrflv/program.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- one weight, normalised ---- */

/* Index of the parameter NAME.SUFFIX, or -1. */
static int find(const nrf_parameters *p, const char *name, const char *suffix)
{
  char full[2 * NRF_PARAMETER_NAME_BYTES];
  (void)snprintf(full, sizeof full, "%s.%s", name, suffix);
  return nrf_parameters_find(p, full);
}

/* The parameter as a node; its source is its index. The graph knows a matrix as a 1x1 kernel. */
static nrf_node parameter_node(nrf_graph *g, const nrf_parameters *p, int index)
{
  const nrf_parameter *item    = &p->item[index];
  const int64_t        dims[4] = {item->dim[0], item->dim[1], 1, 1};
  return nrf_graph_parameter(g, index, item->rank == 2 ? 4 : item->rank, item->rank == 2 ? dims : item->dim);
}

/* The weight of the layer `name` as the networks make it of their parameters; *raw is the parameter of its shape. */
static nrf_status weight_node(nrf_graph *g, const nrf_parameters *p, const char *name, int *raw,
                              nrf_node *out)
{
  const int v = find(p, name, "weight_v"), gain = find(p, name, "weight_g");
  const int original = find(p, name, "weight_orig"), u = find(p, name, "weight_u");
  const int plain = find(p, name, "weight");
  if (v >= 0 && gain >= 0) {
    *raw = v;
    *out = nrf_graph_weight_norm(g, parameter_node(g, p, v), parameter_node(g, p, gain));
  } else if (original >= 0 && u >= 0) {
    const nrf_node w = parameter_node(g, p, original);
    *raw             = original;
    *out = nrf_graph_spectral_norm(g, w, nrf_graph_power_iteration(g, w, parameter_node(g, p, u)));
  } else if (plain >= 0) {
    *raw = plain;
    *out = nrf_graph_scale(g, parameter_node(g, p, plain), 1.0);
  } else {
    return nrf_error(NRF_EINVAL, "%s: there is no such weight among the parameters", name);
  }
  return nrf_graph_status(g);
}

/* Runs the graph for its one output. */
static nrf_status compute(const nrf_graph *g, const nrf_parameters *p, nrf_node node, float *out)
{
  nrf_status    st      = NRF_OK;
  nrf_program  *program = NULL;
  const float **memory  = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)p->n * sizeof *memory, "weights to look at", (void **)&memory));
  for (int i = 0; i < p->n; i++) memory[i] = p->value + p->item[i].offset;
  const nrf_program_spec spec = {.graph     = g,
                                 .backend   = &nrf_backend_cpu,
                                 .batch     = 1,
                                 .compute   = {.threads = 1},
                                 .parameter = memory,
                                 .n_outputs = 1,
                                 .output    = &node};
  NRF_TRY(nrf_program_create(&spec, &program));
  NRF_TRY(nrf_program_run(program, NULL, &out));
done:
  nrf_program_free(program);
  nrf_free(memory);
  return st;
}

/* The weight of a layer, freed with nrf_free, and the parameter that has its shape. */
static nrf_status weight_in_use(const nrf_parameters *p, const char *name, const nrf_parameter **shape,
                                float **out)
{
  nrf_status st   = NRF_OK;
  nrf_graph *g    = NULL;
  nrf_node   node = NRF_NO_NODE;
  int        raw  = 0;
  *out            = NULL;
  NRF_RETURN_IF_ERROR(nrf_graph_create(&g));
  NRF_TRY(weight_node(g, p, name, &raw, &node));
  *shape = &p->item[raw];
  NRF_TRY(nrf_alloc_floats((*shape)->count, "weights to look at", out));
  NRF_TRY(compute(g, p, node, *out));
done:
  if (st != NRF_OK) {
    nrf_free(*out);
    *out = NULL;
  }
  nrf_graph_free(g);
  return st;
}

/* ---- the parts of a layer's network ---- */

static nrf_status check_shape(const char *name, const nrf_parameter *shape, int64_t out, int64_t in,
                              int64_t kernel)
{
  const bool is_matrix = kernel == 0;
  if (shape->rank == (is_matrix ? 2 : 4) && shape->dim[0] == out && shape->dim[1] == in &&
      (is_matrix || (shape->dim[2] == kernel && shape->dim[3] == kernel)))
    return NRF_OK;
  return nrf_error(NRF_EINVAL, "%s: the weights do not have the shape that the architecture gives them",
                   name);
}

static nrf_status append(nrf_base_kernel_list *list, nrf_base_kernels k)
{
  NRF_RETURN_IF_ERROR(
      nrf_alloc_floats((int64_t)k.out * k.in * k.height * k.width, "weights to look at", &k.weight));
  list->item[list->n++] = k;
  return NRF_OK;
}

/* [in, out, k, k] to [out, in, k, k], every kernel turned by 180 degrees. */
static void turn(const nrf_base_kernels *k, const float *weight)
{
  const int64_t places = (int64_t)k->height * k->width;
  for (int64_t i = 0; i < k->in; i++)
    for (int64_t o = 0; o < k->out; o++)
      for (int64_t e = 0; e < places; e++)
        k->weight[(o * k->in + i) * places + e] = weight[(i * k->out + o) * places + places - 1 - e];
}

static nrf_status append_conv(const nrf_architecture *a, const nrf_parameters *p, const nrf_connection *c,
                              nrf_connection_status status, const char *base, nrf_base_kernel_list *list)
{
  nrf_status           st     = NRF_OK;
  float               *weight = NULL;
  const nrf_parameter *shape;
  char                 name[NRF_PARAMETER_NAME_BYTES];
  const bool           transposed = status == NRF_CONV_TRANSPOSED;
  const int            in         = a->size[c->from].channels;
  const int            out        = c->status == NRF_CCT ? a->base_channels / 2 : a->base_channels;
  (void)snprintf(name, sizeof name, "%s.%s", base, transposed ? "conv_T" : "conv");
  NRF_TRY(weight_in_use(p, name, &shape, &weight));
  NRF_TRY(check_shape(name, shape, transposed ? in : out, transposed ? out : in, c->kernel));
  NRF_TRY(append(
      list,
      (nrf_base_kernels){
          .from = c->from, .status = status, .out = out, .in = in, .height = c->kernel, .width = c->kernel}));
  const nrf_base_kernels *k = &list->item[list->n - 1];
  if (transposed)
    turn(k, weight);
  else
    memcpy(k->weight, weight, (size_t)shape->count * sizeof(float));
done:
  nrf_free(weight);
  return st;
}

/* Columns first .. of the matrix [hidden units, inputs one after the other, each C, H, W]. */
static nrf_status append_fc(const nrf_architecture *a, const nrf_connection *c, const float *matrix,
                            int64_t columns, int64_t first, nrf_base_kernel_list *list)
{
  const nrf_layer_size size  = a->size[c->from];
  const int64_t        units = nrf_layer_units(size);
  NRF_RETURN_IF_ERROR(append(list, (nrf_base_kernels){.from   = c->from,
                                                      .status = NRF_FULLY_CONNECTED,
                                                      .out    = NRF_FC_HIDDEN,
                                                      .in     = size.channels,
                                                      .height = size.height,
                                                      .width  = size.width}));
  const nrf_base_kernels *k = &list->item[list->n - 1];
  for (int64_t o = 0; o < k->out; o++)
    memcpy(k->weight + o * units, matrix + o * columns + first, (size_t)units * sizeof(float));
  return NRF_OK;
}

static nrf_status get_conv_part(const nrf_architecture *a, const nrf_parameters *p, int layer,
                                nrf_base_kernel_list *list)
{
  const nrf_layer_network *network = &a->network[layer];
  int                      number  = 0;
  for (int j = 0; j < network->n_inputs; j++) {
    const nrf_connection *c = &network->input[j];
    char                  base[NRF_PARAMETER_NAME_BYTES - 8];
    if (c->status == NRF_FULLY_CONNECTED) continue;
    (void)snprintf(base, sizeof base, "quadratic_nets.%d.densecctblock.base_cctls.%d.0", layer, number++);
    if (c->status != NRF_CONV_TRANSPOSED) NRF_RETURN_IF_ERROR(append_conv(a, p, c, NRF_CONV, base, list));
    if (c->status != NRF_CONV) NRF_RETURN_IF_ERROR(append_conv(a, p, c, NRF_CONV_TRANSPOSED, base, list));
  }
  return NRF_OK;
}

static nrf_status get_fc_part(const nrf_architecture *a, const nrf_parameters *p, int layer,
                              nrf_base_kernel_list *list)
{
  const nrf_layer_network *network = &a->network[layer];
  nrf_status               st      = NRF_OK;
  float                   *matrix  = NULL;
  const nrf_parameter     *shape;
  int64_t                  columns = 0, first = 0;
  char                     name[NRF_PARAMETER_NAME_BYTES];
  if (nrf_architecture_n_fc_inputs(network) == 0) return NRF_OK;
  (void)snprintf(name, sizeof name, "quadratic_nets.%d.fc_net.net.0", layer);
  for (int j = 0; j < network->n_inputs; j++)
    if (network->input[j].status == NRF_FULLY_CONNECTED)
      columns += nrf_layer_units(a->size[network->input[j].from]);
  NRF_TRY(weight_in_use(p, name, &shape, &matrix));
  NRF_TRY(check_shape(name, shape, NRF_FC_HIDDEN, columns, 0));
  for (int j = 0; j < network->n_inputs; j++) {
    const nrf_connection *c = &network->input[j];
    if (c->status != NRF_FULLY_CONNECTED) continue;
    NRF_TRY(append_fc(a, c, matrix, columns, first, list));
    first += nrf_layer_units(a->size[c->from]);
  }
done:
  nrf_free(matrix);
  return st;
}

nrf_status nrf_base_kernels_get(const nrf_architecture *architecture, const nrf_parameters *p, int layer,
                                nrf_base_kernel_list *out)
{
  nrf_status st = NRF_OK;
  out->n        = 0;
  NRF_TRY(get_conv_part(architecture, p, layer, out));
  NRF_TRY(get_fc_part(architecture, p, layer, out));
  return NRF_OK;
done:
  nrf_base_kernels_free(out);
  return st;
}

void nrf_base_kernels_free(nrf_base_kernel_list *list)
{
  for (int i = 0; i < list->n; i++) nrf_free(list->item[i].weight);
  list->n = 0;
}
