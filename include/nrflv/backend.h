/* backend.h - a device as a table of functions: it makes a kernel for an operation of given shapes, and runs it.
 *
 * The order of work, memory and everything about graphs is the caller's (src/graph/program.c). A backend knows
 * one operation at a time, in its own layout of fields: the CPU keeps them channels-last (states.h).
 *
 * Work is cut along the batch. A kernel is made for `images` images at once (a chunk), and the same kernel may run
 * at the same time in several workers, each with its own memory; it must give the same bits in any worker. */
#ifndef NRFLV_BACKEND_H
#define NRFLV_BACKEND_H

#include "nrflv/compute.h"
#include "nrflv/op.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct nrf_kernel nrf_kernel;

/* What a kernel is made for. Weights ignore `images`. */
typedef struct nrf_kernel_spec {
  nrf_op            op;
  nrf_op_attributes attr;
  int               images;  /* of the fields among inputs and output */
  int               workers; /* that may run it at the same time      */
  nrf_compute       compute;
  bool              is_field; /* of the output                        */
  nrf_shape         output;
  int               n_inputs;
  nrf_shape         input[NRF_MAX_NODE_INPUTS];
  bool              input_is_field[NRF_MAX_NODE_INPUTS];
} nrf_kernel_spec;

typedef struct nrf_kernel_call {
  int          worker;                  /* 0 .. workers - 1                               */
  const float *in[NRF_MAX_NODE_INPUTS]; /* aligned to 64 bytes unless given by the caller */
  float       *out;     /* overwritten; may be the memory of an input for which the kernel says so */
  float       *scratch; /* scratch_floats of memory                       */
} nrf_kernel_call;

typedef struct nrf_backend {
  const char *name;

  /* Images a chunk should have for a batch: a divisor of it, and no function of the number of workers (so
   * that sums over images are added in the same order with any number of them). */
  int (*chunk)(int batch);

  nrf_status (*kernel_create)(const nrf_kernel_spec *spec, nrf_kernel **out);
  void (*kernel_free)(nrf_kernel *kernel);
  size_t (*kernel_scratch_floats)(const nrf_kernel *kernel);
  /* Bytes that the kernel holds itself: packed weights, tables. */
  size_t (*kernel_bytes)(const nrf_kernel *kernel);
  /* The weights among the inputs (in[i] where input_is_field[i] is false) have new values: pack, transform. Not
   * called while the kernel runs. */
  nrf_status (*kernel_prepare)(nrf_kernel *kernel, const float *const in[]);
  nrf_status (*kernel_run)(const nrf_kernel *kernel, const nrf_kernel_call *call);

  /* Calls work(context, item, worker) for every item < n, on up to `workers` workers; an item is done by one. */
  void (*parallel)(int workers, int n, void (*work)(void *context, int item, int worker), void *context);
} nrf_backend;

extern const nrf_backend nrf_backend_cpu;

#endif
