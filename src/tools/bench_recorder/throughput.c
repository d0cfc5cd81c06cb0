/* throughput.c - what recording adds to a sampler step, beside what the disk can take.
 *
 * The contenders take turns. The weights are drawn: values do not matter for speed. What is recorded is layer 1 with all
 * variables, as by default. The recorder's memory has been written to before the clock starts. */
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

typedef enum contender {
  SAMPLING,
  WITH_ENERGIES,
  RECORDING,
  RECORDING_LATE,
  DISK_CACHED,
  DISK_DIRECT,
  CONTENDERS
} contender;

static const char *const names[CONTENDERS] = {
    [SAMPLING]       = "sampling",
    [WITH_ENERGIES]  = "sampling, energies and bno computed",
    [RECORDING]      = "the same, recorded",
    [RECORDING_LATE] = "the same, recorded with --record_flush 5",
    [DISK_CACHED]    = "the disk alone, through the page cache, flushed",
    [DISK_DIRECT]    = "the disk alone, past the page cache",
};

static const double LATE_SECONDS = 5;

enum { RECORDED_LAYER = 1, PATH_BYTES = 1024, WARM_UP = 2, DISK_WRITE = 8 << 20, PAGE = 4096 };

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
  nrf_recorder_report  report[CONTENDERS]; /* of the last recordings            */
  bool                 direct;             /* they went past the page cache     */
} rig;

/* ---- clocks ----------------------------------------------------------------------------------------- */

/* What is measured of one turn, in seconds. */
typedef enum figure {
  WALL,   /* of a recording: until the operating system has everything              */
  SYNCED, /* of a recording: until the disk has                                     */
  CPU,    /* of all threads of the process, flushing included: what is seen on a busy machine as well */
  FIGURES
} figure;

static double cpu_seconds(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct clocks {
  double wall, cpu;
} clocks;

static clocks start_clocks(void)
{
  return (clocks){seconds_now(), cpu_seconds()};
}

/* Once and for all, or a second time when what was written is on the disk. */
static void read_clocks(clocks start, figure wall, double out[FIGURES])
{
  out[wall] = seconds_now() - start.wall;
  out[CPU]  = cpu_seconds() - start.cpu;
}

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

static nrf_status sample(rig *r, double out[FIGURES])
{
  const clocks start = start_clocks();
  for (int i = 0; i < r->steps; i++) NRF_RETURN_IF_ERROR(one_step(r));
  read_clocks(start, WALL, out);
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
static nrf_status record(rig *r, double flush_seconds, double out[FIGURES], nrf_recorder_report *report)
{
  nrf_status                st       = NRF_OK;
  nrf_recording_writer     *writer   = NULL;
  nrf_recorder             *recorder = NULL;
  const nrf_recorder_config config   = {.memory        = (size_t)(r->settings->record_memory * (1 << 30)),
                                        .flush_seconds = flush_seconds,
                                        .threads       = omp_get_max_threads()};
  NRF_TRY(nrf_recording_create(r->path, &r->info, true, &writer));
  NRF_TRY(nrf_recorder_create(writer, &config, &recorder));
  const clocks start = start_clocks();
  NRF_TRY(push_steps(r, recorder));
  read_clocks(start, WALL, out);
  NRF_TRY(nrf_recording_sync(writer));
  read_clocks(start, SYNCED, out);
  *report   = nrf_recorder_report_of(recorder);
  r->direct = nrf_recording_is_direct(writer);
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

static void fill(char *bytes, size_t count)
{
  const nrf_rng rng = nrf_rng_at(1, NRF_RNG_TEST, 0, 0);
  for (size_t i = 0; i < count / sizeof(float); i++) {
    const float number = nrf_rng_uniform(rng, i);
    memcpy(bytes + i * sizeof number, &number, sizeof number);
  }
}

/* As many bytes as a recording, one after the other, until the disk has them. Room for them is taken before, as for a
 * recording. */
static nrf_status write_disk(const rig *r, int direct, double out[FIGURES])
{
  const int64_t count  = nrf_recording_data_bytes(&r->info);
  char         *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(DISK_WRITE + PAGE, "disk test", (void **)&memory));
  char      *bytes = memory + (-(uintptr_t)memory & (PAGE - 1));
  nrf_status st    = NRF_OK;
  fill(bytes, DISK_WRITE);
  const int fd = open(r->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | direct, 0666);
  if (fd < 0 || fallocate(fd, 0, 0, count) != 0) st = nrf_error_errno("%s: cannot be created", r->path);
  const clocks start = start_clocks();
  if (st == NRF_OK) st = write_all(fd, r->path, bytes, count);
  read_clocks(start, WALL, out);
  if (fd >= 0) (void)close(fd);
  (void)unlink(r->path);
  nrf_free(memory);
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

typedef struct results {
  int     rounds;
  double *figure[CONTENDERS][FIGURES]; /* [rounds] */
} results;

static nrf_status one_turn(rig *r, contender who, double out[FIGURES])
{
  r->with_energies = who != SAMPLING;
  switch (who) {
  case RECORDING:
    return record(r, r->settings->record_flush, out, &r->report[who]);
  case RECORDING_LATE:
    return record(r, LATE_SECONDS, out, &r->report[who]);
  case DISK_CACHED:
    return write_disk(r, 0, out);
  case DISK_DIRECT:
    return write_disk(r, O_DIRECT, out);
  default:
    return sample(r, out);
  }
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

/* MB/s until the disk has everything. */
static double rate(const results *all, contender who, double megabytes)
{
  return megabytes / median(all, who, who == RECORDING || who == RECORDING_LATE ? SYNCED : WALL);
}

static bool writes(contender who)
{
  return who >= RECORDING;
}

static void print_contenders(const results *all, double steps, double megabytes)
{
  printf("| | seconds a step | fastest .. slowest | processor time | over sampling | MB/s, flushed |\n"
         "| --- | --- | --- | --- | --- | --- |\n");
  const double sampling = median(all, SAMPLING, WALL);
  for (contender k = 0; k < CONTENDERS; k++) {
    const double  wall = median(all, k, WALL), cpu = median(all, k, CPU);
    const double *rounds = all->figure[k][WALL];
    printf("| %s | %.4f | %.4f .. %.4f | %.4f |", names[k], wall / steps, rounds[0] / steps,
           rounds[all->rounds - 1] / steps, cpu / steps);
    printf(k <= RECORDING_LATE ? " %+.1f %% |" : " |", 100 * (wall / sampling - 1));
    printf(writes(k) ? " %.0f |\n" : " |\n", rate(all, k, megabytes));
  }
}

static void print_report(const nrf_recorder_report *report, contender who, double steps)
{
  printf("%s: blocks of at most %d steps; a step %.4f s copying, %.4f s waiting for memory, %.4f s writing "
         "beside\n",
         names[who], report->rows_per_block, report->seconds_copying / steps, report->seconds_waiting / steps,
         report->seconds_writing / steps);
}

/* The two ways in which recording is as fast as it can be. */
static void print_verdict(const results *all, contender who, double megabytes)
{
  const double cached = rate(all, DISK_CACHED, megabytes), direct = rate(all, DISK_DIRECT, megabytes);
  const double disk = cached > direct ? cached : direct, reached = rate(all, who, megabytes);
  const double overhead = median(all, who, WALL) / median(all, SAMPLING, WALL) - 1;
  printf(
      "%s: less than 15 %% over sampling: %s (%.1f %%); at least 85 %% of the disk's speed: %s (%.0f %%)\n",
      names[who], overhead < 0.15 ? "yes" : "no", 100 * overhead, reached >= 0.85 * disk ? "yes" : "no",
      100 * reached / disk);
}

static void report(const rig *r, const results *all)
{
  const double steps = r->steps, megabytes = (double)nrf_recording_data_bytes(&r->info) / 1e6;
  printf("%s, batch %d, layer %d, %s, %d threads; %.1f MB a step, %d steps, median of %d rounds; recorded %s "
         "the page cache\n\n",
         r->architecture.name, r->info.batch, RECORDED_LAYER, nrf_record_number_name(r->info.format.number),
         omp_get_max_threads(), megabytes / steps, r->steps, all->rounds, r->direct ? "past" : "through");
  print_contenders(all, steps, megabytes);
  printf("\n");
  for (contender k = RECORDING; k <= RECORDING_LATE; k++) print_report(&r->report[k], k, steps);
  for (contender k = RECORDING; k <= RECORDING_LATE; k++) print_verdict(all, k, megabytes);
}

static nrf_status take_turns(rig *r, results *all)
{
  for (int round = 0; round < all->rounds; round++) {
    for (int k = 0; k < CONTENDERS; k++) {
      double figures[FIGURES] = {0};
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
