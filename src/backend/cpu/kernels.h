/* kernels.h - inside the CPU backend: what a kernel is, and the families of kernels.
 *
 * A family is a function that fills in a kernel for the operations it knows. */
#ifndef NRFLV_CPU_KERNELS_H
#define NRFLV_CPU_KERNELS_H

#include "nrflv/backend.h"

struct nrf_kernel {
  nrf_kernel_spec spec;
  size_t          scratch_floats;
  size_t          bytes; /* held in state */
  void           *state; /* of kernels that keep something: freed by free_state */
  nrf_status (*run)(const nrf_kernel *k, const nrf_kernel_call *call);
  nrf_status (*prepare)(nrf_kernel *k, const float *const in[]); /* may be NULL */
  void (*free_state)(nrf_kernel *k);                             /* may be NULL */
};

/* field_kernels.c: elementwise operations, resizing, layout. */
nrf_status nrf_cpu_field_kernel(nrf_kernel *k);
/* weight_kernels.c: what depends on weights alone. */
nrf_status nrf_cpu_weight_kernel(nrf_kernel *k);
/* conv.c: convolutions, their adjoints and kernel gradients. */
nrf_status nrf_cpu_conv_kernel(nrf_kernel *k);

#endif
