/* network.h - the layers that networks are made of (spec/system.md 1.3), as graph nodes and named parameters.
 *
 * Parameters get the names and the order of the published implementation's state_dict, so that its models and
 * numbers can be compared by name. Like the graph's own functions, these pass NRF_NO_NODE on after an error;
 * nrf_network_status() tells. */
#ifndef NRFLV_NETWORK_H
#define NRFLV_NETWORK_H

#include "nrflv/architecture.h"
#include "nrflv/graph.h"
#include "nrflv/parameters.h"
#include "nrflv/program.h"

enum { NRF_MAX_POWER_ITERATIONS = 256 };

/* A network in the making, and then ready to run: its graph, its parameters, and the outputs listed for the next run. */
typedef struct nrf_network {
  /* given before nrf_network_begin */
  nrf_activation activation;
  bool           weight_norm, spectral_norm; /* never both                       */
  bool           layer_norm;                 /* after every CCT layer            */
  int            batch;
  nrf_compute    compute;
  /* owned */
  nrf_graph      *graph;
  nrf_parameters *parameters;
  int             moved; /* so many parameters, added first, come last (nrf_network_move_parameters_to_end) */
  const float   **parameter_memory; /* [parameters, as added]: where each one's values stand */
  nrf_status      status;           /* the first error in adding parameters       */
  char            message[256];
  /* spectral normalisation: the vectors u that move on with every pass */
  int      n_power_iterations;
  nrf_node power_iteration[NRF_MAX_POWER_ITERATIONS];
  int      u_parameter[NRF_MAX_POWER_ITERATIONS];
  float   *power_memory[NRF_MAX_POWER_ITERATIONS];
  /* outputs of the next run */
  int       n_outputs, most_outputs;
  nrf_node *output;
  float   **output_memory;
} nrf_network;

NRF_MUST_CHECK nrf_status nrf_network_begin(nrf_network *net);
/* The first n parameters come after all others: the published order is that of construction, and what is constructed last
 * may be used first. Once, after all are added. */
void nrf_network_move_parameters_to_end(nrf_network *net, int n);
/* All parameters are added: gives them memory, and room for up to `outputs` outputs besides one per parameter. */
NRF_MUST_CHECK nrf_status nrf_network_finish_parameters(nrf_network *net, int outputs);
/* The first error of building, or NRF_OK. */
NRF_MUST_CHECK nrf_status nrf_network_status(const nrf_network *net);
void                      nrf_network_end(nrf_network *net);

/* gradient[parameter] of sum_i <seed[i], output[i]>, NRF_NO_NODE where it does not depend on the parameter. */
void nrf_network_parameter_gradients(nrf_network *net, int n, const nrf_node output[], const nrf_node seed[],
                                     nrf_node gradient[]);

/* Rewrites n lists of nodes, and the power iterations, in one go, so that they keep sharing; nothing with plain_graph. */
void nrf_network_rewrite(nrf_network *net, int n, nrf_node *const list[], const int count[]);

/* Lists an output of the next run. Which outputs, and their order, must be the same for every run of a program. */
void nrf_network_add_output(nrf_network *net, nrf_node node, float *memory);

/* Computes the listed outputs from input[source] with *program, made at its first run; empties the list. Spectral
 * normalisation's u move on. */
NRF_MUST_CHECK nrf_status nrf_network_run(nrf_network *net, nrf_program **program,
                                          const float *const input[]);

/* Which of the two normalisations a layer takes part in, if the model uses them. */
typedef enum nrf_normalised { NRF_NOT_NORMALISED, NRF_SPECTRAL_ONLY, NRF_NORMALISED } nrf_normalised;

typedef struct nrf_cct_spec {
  nrf_connection_status status; /* NRF_CCT, NRF_CONV or NRF_CONV_TRANSPOSED */
  int                   out, kernel, padding;
  nrf_normalised        normalised;
} nrf_cct_spec;

/* The parameter's node. */
nrf_node nrf_network_parameter(nrf_network *net, const char *name, int rank, const int64_t dim[],
                               nrf_parameter_start start, int64_t fan_in, bool trainable, int *index);

nrf_node nrf_network_cct(nrf_network *net, const char *name, nrf_node x, const nrf_cct_spec *spec);
nrf_node nrf_network_one_by_one(nrf_network *net, const char *name, nrf_node x, int out);
nrf_node nrf_network_linear(nrf_network *net, const char *name, nrf_node x, int64_t out,
                            nrf_normalised normalised);

/* 1x1 convolution to spec->out channels, CCT layer, activation: a stage of a dense block, a half of a side network. */
nrf_node nrf_network_stage(nrf_network *net, const char *name, nrf_node x, const nrf_cct_spec *spec);

/* A dense block on the concatenation of x[0 .. n-1]; *out becomes the concatenation of its input and all its stages. */
void nrf_network_dense_block(nrf_network *net, const char *name, int n, const nrf_node x[], int stages,
                             const nrf_cct_spec *spec, nrf_node *out);

/* f_i of a layer whose inputs' activated states are rho[input]. */
nrf_node nrf_network_of_layer(nrf_network *net, const nrf_architecture *a, int layer, const nrf_node rho[]);

#endif
