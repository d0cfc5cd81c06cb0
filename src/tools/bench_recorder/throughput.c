/* throughput.c - what recording adds to a sampler step, beside what the disk can take.
 *
 * The four contenders take turns. The weights are drawn: values do not matter for speed. What is recorded is layer 1
 * with all variables, as by default. */
#include "bench.h"

#include "managers/setup.h"
#include "nrflv/energy_model.h"
#include "nrflv/memory.h"
#include "nrflv/recorder.h"
#include "nrflv/rng.h"
#include "nrflv/sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum contender { SAMPLING, WITH_ENERGIES, RECORDING, DISK, CONTENDERS } contender;

static const char *const names[CONTENDERS] = {
    [SAMPLING]      = "sampling",
    [WITH_ENERGIES] = "sampling, energies and bno computed",
    [RECORDING]     = "the same, recorded",
    [DISK]          = "the disk alone, as many bytes",
};

enum { RECORDED_LAYER = 1, PATH_BYTES = 1024, WARM_UP = 2, DISK_WRITE = 8 << 20 };

typedef struct rig {
  const nrf_settings  *settings;
  nrf_architecture     architecture;
  nrf_energy_model    *model;
  nrf_sampler         *sampler;
  nrf_states          *states, *energy, *bno;
  bool                 with_energies;
  uint64_t             step; /* global number of the next one */
  int                  steps;
  char                 path[PATH_BYTES];
  nrf_recording_image *image;
  int                 *channel;
  uint8_t             *blank;
  nrf_recording_info   info;
  nrf_recorder_report  report; /* of the last recording */
} rig;

/* ---- sampling --------------------------------------------------------------------------------------- */

static nrf_status gradient(void *context, const nrf_states *states, nrf_states *out)
{
  const rig *r = context;
  return nrf_energy_model_evaluate(r->model, states,
                                   &(nrf_energy_request){.gradient      = out,
                                                         .neuron_energy = r->with_energies ? r->energy : NULL,
                                                         .bno           = r->with_energies ? r->bno : NULL});
}

/* The image is held, as in an experiment. */
static nrf_status one_step(rig *r)
{
  const nrf_phase phase = {.gradient = gradient, .model = r, .held = 1};
  return nrf_sampler_step(r->sampler, &phase, r->states, r->step++, NULL);
}

static nrf_status sample(rig *r, double *seconds)
{
  const double start = seconds_now();
  for (int i = 0; i < r->steps; i++) NRF_RETURN_IF_ERROR(one_step(r));
  *seconds = seconds_now() - start;
  return NRF_OK;
}

/* ---- recording -------------------------------------------------------------------------------------- */

static nrf_status push_steps(rig *r, nrf_recorder *recorder)
{
  const nrf_states *const source[NRF_RECORD_VARIABLES] = {
      [NRF_RECORD_STATE] = r->states,
      [NRF_RECORD_MOMENTUM] =
          nrf_state_optimizer_memory(nrf_sampler_optimizer(r->sampler), NRF_MEMORY_MOMENTUM),
      [NRF_RECORD_GRADIENT] = nrf_sampler_gradient(r->sampler),
      [NRF_RECORD_ENERGY]   = r->energy,
      [NRF_RECORD_BNO]      = r->bno};
  for (int i = 0; i < r->steps; i++) {
    NRF_RETURN_IF_ERROR(one_step(r));
    NRF_RETURN_IF_ERROR(nrf_recorder_push(recorder, i, source));
  }
  return nrf_recorder_drain(recorder);
}

/* Laying out the file and removing it again are not counted. */
static nrf_status record(rig *r, double *seconds, double *synced)
{
  nrf_status                st       = NRF_OK;
  nrf_recording_writer     *writer   = NULL;
  nrf_recorder             *recorder = NULL;
  const nrf_recorder_config config   = {.memory        = (size_t)(r->settings->record_memory * (1 << 30)),
                                        .flush_seconds = r->settings->record_flush,
                                        .threads       = omp_get_max_threads()};
  NRF_TRY(nrf_recording_create(r->path, &r->info, true, &writer));
  NRF_TRY(nrf_recorder_create(writer, &config, &recorder));
  const double start = seconds_now();
  NRF_TRY(push_steps(r, recorder));
  *seconds = seconds_now() - start;
  NRF_TRY(nrf_recording_sync(writer));
  *synced   = seconds_now() - start;
  r->report = nrf_recorder_report_of(recorder);
done:
  nrf_recorder_free(recorder);
  nrf_recording_writer_free(writer);
  (void)unlink(r->path);
  return st;
}

/* ---- the disk --------------------------------------------------------------------------------------- */

static nrf_status write_all(int fd, const char *path, const char *bytes, int64_t count)
{
  for (int64_t done = 0; done < count;) {
    const size_t  size    = (size_t)(count - done < DISK_WRITE ? count - done : DISK_WRITE);
    const ssize_t written = write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return nrf_error_errno("%s: cannot be written", path);
    done += written;
  }
  return fdatasync(fd) == 0 ? NRF_OK : nrf_error_errno("%s: cannot be flushed", path);
}

/* As many bytes as a recording, one after the other, until the disk has them. */
static nrf_status write_disk(const rig *r, double *seconds)
{
  float *bytes = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(DISK_WRITE / (int64_t)sizeof *bytes, "disk test", &bytes));
  for (int i = 0; i < DISK_WRITE / (int)sizeof *bytes; i++)
    bytes[i] = nrf_rng_uniform(nrf_rng_at(1, NRF_RNG_TEST, 0, 0), (uint64_t)i);
  const int    fd    = open(r->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  nrf_status   st    = fd < 0 ? nrf_error_errno("%s: cannot be created", r->path) : NRF_OK;
  const double start = seconds_now();
  if (st == NRF_OK) st = write_all(fd, r->path, (const char *)bytes, nrf_recording_data_bytes(&r->info));
  *seconds = seconds_now() - start;
  if (fd >= 0) (void)close(fd);
  (void)unlink(r->path);
  nrf_free(bytes);
  return st;
}

/* ---- the rig ------------------------------------------------------------------------------------------ */

static nrf_status describe_recording(rig *r)
{
  const nrf_settings  *s    = r->settings;
  const nrf_layer_size size = r->architecture.size[RECORDED_LAYER], picture = r->architecture.size[0];
  const size_t         batch = (size_t)s->batch_size;
  NRF_RETURN_IF_ERROR(nrf_alloc(batch * sizeof *r->image, "images", (void **)&r->image));
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)size.channels * sizeof *r->channel, "channels", (void **)&r->channel));
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)nrf_layer_units(picture), "blank image", (void **)&r->blank));
  for (int i = 0; i < s->batch_size; i++)
    r->image[i] = (nrf_recording_image){.index = i, .group = -1, .repeat = -1};
  for (int c = 0; c < size.channels; c++) r->channel[c] = c;
  r->info =
      (nrf_recording_info){.experiment      = "bench",
                           .stimulus_set    = "",
                           .session_name    = "bench",
                           .model_name      = "drawn",
                           .model_hash      = "00000000000000000000000000000000",
                           .program_version = NRFLV_VERSION,
                           .seed            = 1,
                           .n_steps         = r->steps,
                           .stride          = 1,
                           .ms_per_step     = 1,
                           .batch           = s->batch_size,
                           .variable        = {true, true, true, true, true},
                           .n_layers        = 1,
                           .layer = {{RECORDED_LAYER, size.channels, size.height, size.width, size.channels,
                                      r->channel, 0, 0, size.height, size.width}},
                           .n_phases = 1,
                           .phase    = {{.name = "observe", .n_steps = r->steps, .shows = NRF_SHOWS_BLANK}},
                           .n_images = s->batch_size,
                           .image    = r->image,
                           .pictures = {picture.channels, picture.height, picture.width, .blank = r->blank}};
  while (r->info.format.number < NRF_RECORD_ROUNDED &&
         strcmp(nrf_record_number_name(r->info.format.number), s->record_format) != 0)
    r->info.format.number++;
  if (r->info.format.number == NRF_RECORD_ROUNDED) r->info.format.mantissa_bits = s->record_mantissa_bits;
  return nrf_recording_check(&r->info);
}

static void fill_states(nrf_states *states)
{
  for (int l = 0; l < states->n_layers; l++) {
    const nrf_rng at = nrf_rng_at(1, NRF_RNG_STATES, 0, (uint32_t)l);
    for (int64_t e = 0; e < nrf_states_count(states, l); e++)
      states->data[l][e] = 2 * nrf_rng_uniform(at, (uint64_t)e) - 1;
  }
}

/* Both programs of the model are made and everything has been touched once. */
static nrf_status warm_up(rig *r)
{
  for (int i = 0; i < 2 * WARM_UP; i++) {
    r->with_energies = i % 2 == 1;
    NRF_RETURN_IF_ERROR(one_step(r));
  }
  return NRF_OK;
}

static nrf_status build(rig *r)
{
  const nrf_settings *s = r->settings;
  nrf_architecture   *a = &r->architecture;
  nrf_sampler_config  sampling;
  NRF_RETURN_IF_ERROR(nrf_setup_architecture(s, a));
  if (a->n_layers <= RECORDED_LAYER) return nrf_error(NRF_EINVAL, "%s: has no layer 1 to record", a->name);
  const nrf_energy_config energy = nrf_setup_energy(s, s->batch_size);
  NRF_RETURN_IF_ERROR(nrf_energy_model_create(a, &energy, &r->model));
  nrf_parameters_start(nrf_energy_model_parameters(r->model), 1, 0);
  nrf_energy_model_parameters_changed(r->model);
  NRF_RETURN_IF_ERROR(nrf_setup_sampler(s, a->n_layers, &sampling));
  NRF_RETURN_IF_ERROR(nrf_sampler_create(&sampling, &nrf_state_kernels_cpu, a->n_layers, a->size,
                                         s->batch_size, &r->sampler));
  NRF_RETURN_IF_ERROR(nrf_states_create(a->n_layers, a->size, s->batch_size, &r->states));
  NRF_RETURN_IF_ERROR(nrf_states_create(a->n_layers, a->size, s->batch_size, &r->energy));
  NRF_RETURN_IF_ERROR(nrf_states_create(a->n_layers, a->size, s->batch_size, &r->bno));
  fill_states(r->states);
  NRF_RETURN_IF_ERROR(describe_recording(r));
  return warm_up(r);
}

static void tear_down(rig *r)
{
  nrf_free(r->blank);
  nrf_free(r->channel);
  nrf_free(r->image);
  nrf_states_free(r->bno);
  nrf_states_free(r->energy);
  nrf_states_free(r->states);
  nrf_sampler_free(r->sampler);
  nrf_energy_model_free(r->model);
}

/* ---- the comparison --------------------------------------------------------------------------------- */

/* What is measured of one turn, in seconds. */
typedef enum figure {
  WALL,   /* of a recording: until the operating system has everything              */
  SYNCED, /* of a recording: until the disk has                                     */
  CPU,    /* of all threads of the process: what is seen on a busy machine as well  */
  FIGURES
} figure;

typedef struct results {
  int     rounds;
  double *figure[CONTENDERS][FIGURES]; /* [rounds] */
} results;

static double cpu_seconds(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static nrf_status one_turn(rig *r, contender who, double out[FIGURES])
{
  const double before = cpu_seconds();
  nrf_status   st     = NRF_OK;
  r->with_energies    = who != SAMPLING;
  out[SYNCED]         = 0;
  if (who == DISK)
    st = write_disk(r, &out[WALL]);
  else if (who == RECORDING)
    st = record(r, &out[WALL], &out[SYNCED]);
  else
    st = sample(r, &out[WALL]);
  out[CPU] = cpu_seconds() - before;
  return st;
}

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Sorts the rounds. */
static double median(const results *all, contender who, figure what)
{
  double   *values = all->figure[who][what];
  const int n      = all->rounds;
  qsort(values, (size_t)n, sizeof *values, ascending);
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void print_contenders(const results *all, double steps)
{
  for (int k = 0; k < CONTENDERS; k++) {
    const double wall = median(all, (contender)k, WALL) / steps, cpu = median(all, (contender)k, CPU) / steps;
    const double *rounds = all->figure[k][WALL];
    printf("  %-36s %.4f s a step (%.4f to %.4f), %.4f of processor time\n", names[k], wall,
           rounds[0] / steps, rounds[all->rounds - 1] / steps, cpu);
  }
}

static void print_verdict(const results *all, double megabytes)
{
  const double sampling = median(all, SAMPLING, WALL), energies = median(all, WITH_ENERGIES, WALL);
  const double recording = median(all, RECORDING, WALL);
  const double disk      = megabytes / median(all, DISK, WALL),
               reached   = megabytes / median(all, RECORDING, SYNCED);
  const double own = recording / energies - 1, whole = recording / sampling - 1;
  printf("overhead_of_energies %.1f %%\noverhead_of_recording %.1f %%\noverhead_of_both %.1f %%\n",
         100 * (energies / sampling - 1), 100 * own, 100 * whole);
  printf("disk_sequential %.0f MB/s\nrecorded_and_synced %.0f MB/s\nneeded_to_keep_up %.0f MB/s\n", disk,
         reached, megabytes / energies);
  printf("bar 1, less than 15 %% over sampling without recording: %s\n",
         whole < 0.15 ? "holds"
                      : (own < 0.15 ? "holds for the recorder, not with energies and bno on top" : "no"));
  printf("bar 2, limited by the disk (at least 85 %% of its sequential speed reached): %s\n",
         reached >= 0.85 * disk ? "holds" : "no");
}

static void report(const rig *r, const results *all)
{
  const double steps = r->steps, megabytes = (double)nrf_recording_data_bytes(&r->info) / 1e6;
  const nrf_recorder_report *const last = &r->report;
  printf("%s, batch %d, layer %d, %s, %d threads; %.1f MB a step, %d steps, median of %d rounds (fastest to "
         "slowest)\n",
         r->architecture.name, r->info.batch, RECORDED_LAYER, nrf_record_number_name(r->info.format.number),
         omp_get_max_threads(), megabytes / steps, r->steps, all->rounds);
  print_contenders(all, steps);
  printf("last recording: blocks of %d steps; a step %.4f s copying, %.4f s waiting for the disk, %.4f s "
         "writing beside\n",
         last->rows_per_block, last->seconds_copying / steps, last->seconds_waiting / steps,
         last->seconds_writing / steps);
  print_verdict(all, megabytes);
}

static nrf_status take_turns(rig *r, results *all)
{
  for (int round = 0; round < all->rounds; round++) {
    for (int k = 0; k < CONTENDERS; k++) {
      double figures[FIGURES];
      NRF_RETURN_IF_ERROR(one_turn(r, (contender)k, figures));
      for (int f = 0; f < FIGURES; f++) all->figure[k][f][round] = figures[f];
      printf("round %d: %s: %.2f s\n", round + 1, names[k], figures[WALL]);
      (void)fflush(stdout);
    }
  }
  return NRF_OK;
}

nrf_status bench_throughput(const char *folder, int steps, int rounds, const nrf_settings *s)
{
  nrf_status st     = NRF_OK;
  rig        r      = {.settings = s, .steps = steps};
  results    all    = {.rounds = rounds};
  double    *values = NULL;
  if (snprintf(r.path, sizeof r.path, "%s/bench_recorder-%ld.partial.nwb", folder, (long)getpid()) >=
      PATH_BYTES)
    return nrf_error(NRF_EINVAL, "%s: the path is too long", folder);
  NRF_TRY(
      nrf_alloc((size_t)CONTENDERS * FIGURES * (size_t)rounds * sizeof *values, "timings", (void **)&values));
  for (int k = 0; k < CONTENDERS; k++)
    for (int f = 0; f < FIGURES; f++) all.figure[k][f] = values + (k * FIGURES + f) * rounds;
  NRF_TRY(build(&r));
  NRF_TRY(take_turns(&r, &all));
  report(&r, &all);
done:
  tear_down(&r);
  nrf_free(values);
  return st;
}
