/* base_kernels.h - the weights with which the network of a layer reads its inputs, to look at: the base kernels of its
 * convolutional part, and the first weights of its fully connected part (spec/system.md 1.3). */
#ifndef NRFLV_BASE_KERNELS_H
#define NRFLV_BASE_KERNELS_H

#include "nrflv/architecture.h"
#include "nrflv/parameters.h"
#include "nrflv/status.h"

#include <stdint.h>

/* What one kind of reading takes from one input. An input with NRF_CCT is read in two ways, and gives two of these. */
typedef struct nrf_base_kernels {
  int                   from;          /* the layer that is read                                        */
  nrf_connection_status status;        /* NRF_CONV, NRF_CONV_TRANSPOSED or NRF_FULLY_CONNECTED          */
  int                   out;           /* channels, or hidden units, that are computed                  */
  int                   in;            /* channels of the layer that is read                            */
  int                   height, width; /* of a kernel; of the whole map where it is fully connected     */
  float                *weight;        /* [out, in, height, width]                                      */
} nrf_base_kernels;

typedef struct nrf_base_kernel_list {
  int              n; /* in the order of the layer's inputs */
  nrf_base_kernels item[2 * NRF_MAX_INPUTS];
} nrf_base_kernel_list;

/* The weights of a layer as the energy uses them: weight or spectral normalisation applied, the latter as the next
 * evaluation will. All of them say what reaches an output from which place of the input: a transposed convolution,
 * whose kernel says where an input goes, is turned by 180 degrees, and so looks like the convolution that does the same.
 * NRF_EINVAL if the parameters are not those of the architecture. */
NRF_MUST_CHECK nrf_status nrf_base_kernels_get(const nrf_architecture *architecture, const nrf_parameters *p,
                                               int layer, nrf_base_kernel_list *out);
void                      nrf_base_kernels_free(nrf_base_kernel_list *list);

#endif
