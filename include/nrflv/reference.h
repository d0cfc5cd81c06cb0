/* reference.h - a graph evaluated in double precision with plain loops: slow, and meant to be believed.
 *
 * It is the measure for the rewrites, for the backends, and for derivatives (finite differences in double). */
#ifndef NRFLV_REFERENCE_H
#define NRFLV_REFERENCE_H

#include "nrflv/graph.h"

/* Values of all nodes that output[0 .. n-1] need.
 *   input[source]      [batch, C, H, W], row-major: what NRF_OP_INPUT nodes with that source are given
 *   parameter[source]  the parameter's elements, row-major
 * The values are owned by the result and freed with it. */
typedef struct nrf_reference nrf_reference;

NRF_MUST_CHECK nrf_status nrf_reference_evaluate(const nrf_graph *g, int batch, const double *const input[],
                                                 const double *const parameter[], int n,
                                                 const nrf_node output[], nrf_reference **out);
void                      nrf_reference_free(nrf_reference *r);

/* A field: [batch, C, H, W]; a weight: row-major. NULL if the node was not needed. */
const double *nrf_reference_value(const nrf_reference *r, nrf_node node);
/* Elements of that array. */
int64_t nrf_reference_count(const nrf_reference *r, nrf_node node);

#endif
