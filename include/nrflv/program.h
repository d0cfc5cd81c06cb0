/* program.h - a graph made ready to run on a backend: what to compute in which order, with which kernels, where in
 * memory. Planned once; a run allocates nothing.
 *
 * Three stages (graph.h). Weights that come from parameters alone are computed again only after
 * nrf_program_weights_changed(). Fields are computed chunk by chunk of the batch, each chunk by one worker through
 * the whole network, so that its maps stay in the cache and memory does not grow with the batch. Sums over
 * images are added in a fixed order, so that the number of workers never shows in the numbers. */
#ifndef NRFLV_PROGRAM_H
#define NRFLV_PROGRAM_H

#include "nrflv/backend.h"
#include "nrflv/graph.h"

typedef struct nrf_program nrf_program;

typedef struct nrf_program_spec {
  const nrf_graph   *graph; /* borrowed; must not change while the program lives                     */
  const nrf_backend *backend;
  int                batch;
  nrf_compute        compute;
  const float *const
                 *parameter; /* [source] of PARAMETER nodes: row-major; borrowed, read when weights change */
  int             n_outputs;
  const nrf_node *output; /* fields or weights; none twice                                          */
} nrf_program_spec;

NRF_MUST_CHECK nrf_status nrf_program_create(const nrf_program_spec *spec, nrf_program **out);
void                      nrf_program_free(nrf_program *p);

void nrf_program_weights_changed(nrf_program *p);

/* input[source]: field arrays of the batch, for INPUT nodes. output[i]: memory for output i, a field array of the
 * batch or a weight; sums over the batch in weights are overwritten, not added to. No output may be the memory of an input. */
NRF_MUST_CHECK nrf_status nrf_program_run(nrf_program *p, const float *const input[], float *const output[]);

/* Bytes held: working memory of all workers, weights, packed kernels. */
size_t nrf_program_bytes(const nrf_program *p);

#endif
