/* bench_sampler.c - times one sampler step as training makes it: gradients of the energy with respect to all layers, adaptive
 * SGHMC with the thesis settings, clamping. Prints one "name value" line per figure, for scripts to read. */
#include "nrflv/energy_model.h"
#include "nrflv/memory.h"
#include "nrflv/sampler.h"
#include "nrflv/settings.h"
#include "nrflv/state_kernels.h"

#include <getopt.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- counting every allocation of the process, libraries included --------------------------------- */

static atomic_long mallocs;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define COUNTS_MALLOC 1

/* glibc's own functions behind the names that are taken over here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nmemb, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void count_one(void)
{
  atomic_fetch_add_explicit(&mallocs, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
  count_one();
  return __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
  count_one();
  return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
  count_one();
  return __libc_realloc(ptr, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
  count_one();
  return __libc_memalign(alignment, size);
}
#else
#define COUNTS_MALLOC 0
#endif

/* ---- options ------------------------------------------------------------------------------------------ */

typedef struct options {
  const char *architecture, *architectures_dir;
  int         batch_size, steps, warmup, threads;
  bool        plain_graph;
  const char *conv;
} options;

static const char usage[] =
    "usage: bench_sampler [--architecture NAME] [--batch_size N] [--steps N] [--warmup N] [--threads N]\n"
    "                     [--conv auto|direct|frequency] [--plain_graph] [--architectures_dir DIR]\n";

static int positive(const char *text)
{
  char      *end   = NULL;
  const long value = strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < 1 || value > 1000000) {
    (void)fprintf(stderr, "bench_sampler: not a count: %s\n%s", text, usage);
    exit(2);
  }
  return (int)value;
}

static options parse(int argc, char **argv)
{
  enum { ARCHITECTURE = 1, BATCH_SIZE, STEPS, WARMUP, THREADS, CONV, PLAIN_GRAPH, ARCHITECTURES_DIR, HELP };
  static const struct option known[] = {{"architecture", required_argument, NULL, ARCHITECTURE},
                                        {"batch_size", required_argument, NULL, BATCH_SIZE},
                                        {"steps", required_argument, NULL, STEPS},
                                        {"warmup", required_argument, NULL, WARMUP},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"conv", required_argument, NULL, CONV},
                                        {"plain_graph", no_argument, NULL, PLAIN_GRAPH},
                                        {"architectures_dir", required_argument, NULL, ARCHITECTURES_DIR},
                                        {"help", no_argument, NULL, HELP},
                                        {0}};
  options                    o       = {.architecture      = "NRFLV_CIFAR_4SL_small_densebackw_wideSL1base",
                                        .architectures_dir = "data/architectures",
                                        .batch_size        = 128,
                                        .steps             = 20,
                                        .warmup            = 3,
                                        .threads           = 2,
                                        .conv              = "auto"};
  for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    switch (c) {
    case ARCHITECTURE:
      o.architecture = optarg;
      break;
    case BATCH_SIZE:
      o.batch_size = positive(optarg);
      break;
    case STEPS:
      o.steps = positive(optarg);
      break;
    case WARMUP:
      o.warmup = positive(optarg);
      break;
    case THREADS:
      o.threads = positive(optarg);
      break;
    case CONV:
      o.conv = optarg;
      break;
    case PLAIN_GRAPH:
      o.plain_graph = true;
      break;
    case ARCHITECTURES_DIR:
      o.architectures_dir = optarg;
      break;
    case HELP:
      (void)fputs(usage, stdout);
      exit(0);
    default:
      (void)fputs(usage, stderr);
      exit(2);
    }
  }
  return o;
}

static nrf_status conv_choice(const char *name, nrf_conv_choice *out)
{
  static const char *const names[] = {
      [NRF_CONV_AUTO] = "auto", [NRF_CONV_DIRECT] = "direct", [NRF_CONV_FREQUENCY] = "frequency"};
  for (int i = 0; i < 3; i++)
    if (strcmp(name, names[i]) == 0) {
      *out = (nrf_conv_choice)i;
      return NRF_OK;
    }
  return nrf_error(NRF_EINVAL, "--conv: auto, direct or frequency, not %s", name);
}

/* ---- the step ------------------------------------------------------------------------------------------ */

static nrf_status gradient_of_model(void *model, const nrf_states *states, nrf_states *gradient)
{
  return nrf_energy_model_evaluate(model, states, &(nrf_energy_request){.gradient = gradient});
}

/* The thesis settings (spec/system.md 8). */
static nrf_sampler_config thesis_sampler(int n_layers)
{
  nrf_sampler_config c = {.optimizer         = {.kind              = NRF_STATE_SGHMC,
                                                .scale_grad        = 1.0,
                                                .burn_in_steps     = 100,
                                                .non_diag_inv_mass = true,
                                                .min_sq_sigma      = 9e-5},
                          .states_activation = NRF_HARDTANH,
                          .seed              = 1,
                          .check_interval    = 100};
  for (int l = 0; l < n_layers; l++) {
    c.optimizer.step_size[l]    = 0.1;
    c.optimizer.momentum[l]     = 0.1;
    c.optimizer.max_sq_sigma[l] = 1e-4;
  }
  return c;
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static nrf_status time_steps(const options *o, nrf_sampler *sampler, const nrf_phase *phase,
                             nrf_states *states, double *seconds)
{
  for (int i = 0; i < o->warmup; i++)
    NRF_RETURN_IF_ERROR(nrf_sampler_step(sampler, phase, states, (uint64_t)i, NULL));
  for (int i = 0; i < o->steps; i++) {
    const double start = now();
    NRF_RETURN_IF_ERROR(nrf_sampler_step(sampler, phase, states, (uint64_t)(o->warmup + i), NULL));
    seconds[i] = now() - start;
  }
  return NRF_OK;
}

static nrf_status run(const options *o)
{
  nrf_status        st = NRF_OK;
  nrf_architecture  a;
  nrf_energy_model *model   = NULL;
  nrf_states       *states  = NULL;
  nrf_sampler      *sampler = NULL;
  double           *seconds = NULL;
  nrf_energy_config config  = {.activation        = NRF_SWISH,
                               .states_activation = NRF_HARDTANH,
                               .batch             = o->batch_size,
                               .compute           = {.threads = o->threads, .plain_graph = o->plain_graph}};
  NRF_TRY(conv_choice(o->conv, &config.compute.conv));
  NRF_TRY(nrf_architecture_load(o->architecture, o->architectures_dir, &a));
  config.weight_norm = !a.spectral_norm;
  NRF_TRY(nrf_energy_model_create(&a, &config, &model));
  nrf_parameters_start(nrf_energy_model_parameters(model), 1, 0);
  nrf_energy_model_parameters_changed(model);
  NRF_TRY(nrf_states_create(a.n_layers, a.size, o->batch_size, &states));
  for (int l = 0; l < a.n_layers; l++) {
    const nrf_rng r = nrf_rng_at(1, NRF_RNG_STATES, 0, (uint32_t)l);
    for (int64_t e = 0; e < nrf_states_count(states, l); e++)
      states->data[l][e] = 2 * nrf_rng_uniform(r, (uint64_t)e) - 1;
  }
  const nrf_sampler_config sampling = thesis_sampler(a.n_layers);
  NRF_TRY(nrf_sampler_create(&sampling, &nrf_state_kernels_cpu, a.n_layers, a.size, o->batch_size, &sampler));
  NRF_TRY(nrf_alloc((size_t)o->steps * sizeof *seconds, "timings", (void **)&seconds));

  const nrf_phase  phase = {.gradient = gradient_of_model, .model = model};
  const nrf_phase *p     = &phase;
  NRF_TRY(nrf_sampler_step(sampler, p, states, 0, NULL)); /* makes the program; not a step like the others */
  const uint64_t own_before    = nrf_alloc_calls();
  const long     malloc_before = atomic_load(&mallocs);
  NRF_TRY(time_steps(o, sampler, p, states, seconds));
  const uint64_t own    = nrf_alloc_calls() - own_before;
  const double   others = (double)(atomic_load(&mallocs) - malloc_before) / (o->warmup + o->steps);

  qsort(seconds, (size_t)o->steps, sizeof *seconds, ascending);
  const double median = seconds[o->steps / 2];
  printf("architecture %s\nbatch_size %d\nthreads %d\nsteps %d\n", a.name, o->batch_size, o->threads,
         o->steps);
  printf("median_seconds_per_step %.6f\nfastest_seconds_per_step %.6f\nslowest_seconds_per_step %.6f\n",
         median, seconds[0], seconds[o->steps - 1]);
  printf("images_steps_per_second %.1f\n", o->batch_size / median);
  printf("own_allocations %llu\n", (unsigned long long)own);
  if (COUNTS_MALLOC) printf("malloc_calls_per_step %.1f\n", others);
  printf("model_memory_mib %.1f\npeak_memory_mib %.1f\n", (double)nrf_energy_model_memory(model) / (1 << 20),
         (double)nrf_peak_resident_bytes() / (1 << 20));
done:
  nrf_free(seconds);
  nrf_sampler_free(sampler);
  nrf_states_free(states);
  nrf_energy_model_free(model);
  return st;
}

int main(int argc, char **argv)
{
  const options o = parse(argc, argv);
  omp_set_num_threads(o.threads);
  if (run(&o) == NRF_OK) return 0;
  (void)fprintf(stderr, "bench_sampler: %s\n", nrf_error_message());
  return 1;
}
