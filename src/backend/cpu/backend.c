/* backend.c - the CPU backend: which family makes a kernel, how batches are cut, and the workers (OpenMP). */
#include "kernels.h"

#include "nrflv/memory.h"

#include <omp.h>

/* Enough images to use what is loaded of the weights, few enough that a chunk's maps stay in the cache, and at
 * least eight chunks for the workers to share where the batch allows it. */
static int chunk(int batch)
{
  enum { MOST_IMAGES = 8, LEAST_CHUNKS = 8 };
  int want = batch / LEAST_CHUNKS;
  if (want > MOST_IMAGES) want = MOST_IMAGES;
  if (want < 1) want = 1;
  while (batch % want != 0) want--;
  return want;
}

static nrf_status fill(nrf_kernel *k)
{
  switch (k->spec.op) {
  case NRF_OP_CONV:
  case NRF_OP_CONV_ADJOINT:
  case NRF_OP_CONV_WEIGHT:
    return nrf_cpu_conv_kernel(k);
  case NRF_OP_CHANNEL_SUM:
  case NRF_OP_BATCH_SUM:
    return nrf_cpu_field_kernel(k);
  default:
    return k->spec.is_field ? nrf_cpu_field_kernel(k) : nrf_cpu_weight_kernel(k);
  }
}

static void kernel_free(nrf_kernel *k)
{
  if (k == NULL) return;
  if (k->free_state != NULL) k->free_state(k);
  nrf_free(k);
}

static nrf_status kernel_create(const nrf_kernel_spec *spec, nrf_kernel **out)
{
  nrf_kernel *k = NULL;
  *out          = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *k, "kernel", (void **)&k));
  k->spec             = *spec;
  const nrf_status st = fill(k);
  if (st != NRF_OK) {
    kernel_free(k);
    return st;
  }
  *out = k;
  return NRF_OK;
}

static size_t kernel_scratch_floats(const nrf_kernel *k)
{
  return k->scratch_floats;
}

static size_t kernel_bytes(const nrf_kernel *k)
{
  return k->bytes;
}

static nrf_status kernel_prepare(nrf_kernel *k, const float *const in[])
{
  return k->prepare == NULL ? NRF_OK : k->prepare(k, in);
}

static nrf_status kernel_run(const nrf_kernel *k, const nrf_kernel_call *call)
{
  return k->run(k, call);
}

static void parallel(int workers, int n, void (*work)(void *context, int item, int worker), void *context)
{
#pragma omp parallel num_threads(workers < n ? workers : n)
  {
    omp_set_num_threads(1); /* of this worker: libraries called from it must not make teams of their own */
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < n; i++) work(context, i, omp_get_thread_num());
  }
}

const nrf_backend nrf_backend_cpu = {
    .name                  = "cpu",
    .chunk                 = chunk,
    .kernel_create         = kernel_create,
    .kernel_free           = kernel_free,
    .kernel_scratch_floats = kernel_scratch_floats,
    .kernel_bytes          = kernel_bytes,
    .kernel_prepare        = kernel_prepare,
    .kernel_run            = kernel_run,
    .parallel              = parallel,
};
