/* experiment_cost.c - what a session of experiments takes, measured and told. */
#include "managers/experiment_cost.h"

#include "managers/experiment_reduce.h"
#include "managers/time_limit.h"
#include "nrflv/amount_text.h"
#include "nrflv/memory.h"
#include "nrflv/state_optimizer.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static nrf_amount_text in_time(double seconds)
{
  nrf_amount_text t;
  if (seconds < 1.5)
    (void)snprintf(t.s, sizeof t.s, "a second");
  else if (seconds < 99.5)
    (void)snprintf(t.s, sizeof t.s, "%.0f seconds", seconds);
  else if (seconds < 99.5 * 60)
    (void)snprintf(t.s, sizeof t.s, "%.0f minutes", seconds / 60);
  else
    (void)snprintf(t.s, sizeof t.s, "%.1f hours", seconds / 3600);
  return t;
}

/* ---- the disk ---- */

/* The nearest directory to `path` that is there already: `path` itself, or one above it. */
static void find_directory(const char *path, char out[NRF_SESSION_PATH])
{
  struct stat info;
  (void)snprintf(out, NRF_SESSION_PATH, "%s", path);
  while (stat(out, &info) != 0 || !S_ISDIR(info.st_mode)) {
    char *slash = strrchr(out, '/');
    if (slash == NULL || slash == out) {
      (void)snprintf(out, NRF_SESSION_PATH, "%s", slash == NULL ? "." : "/");
      return;
    }
    *slash = '\0';
  }
}

/* -1: not known, as of something that only looks like a disk. */
static int64_t free_bytes(const char *directory)
{
  struct statvfs info;
  if (statvfs(directory, &info) != 0 || info.f_blocks == 0) return -1;
  return (int64_t)info.f_bavail * (int64_t)info.f_frsize;
}

enum { TRIAL_PIECE = 4 << 20, TRIAL_BYTES = 128 << 20 };
static const double TRIAL_SECONDS = 0.3;

static double write_trial(int fd, const void *piece, int64_t most)
{
  const double start = nrf_seconds_now();
  int64_t      done  = 0;
  while (done < most && nrf_seconds_now() - start < TRIAL_SECONDS) {
    const ssize_t n = write(fd, piece, TRIAL_PIECE);
    if (n <= 0) return 0;
    done += n;
  }
  if (fdatasync(fd) != 0) return 0;
  return (double)done / (nrf_seconds_now() - start);
}

static int64_t smaller(int64_t a, int64_t b)
{
  return a < b ? a : b;
}

/* Sequential writing, flushed, to a file without a name, of not more than is to be written. 0 where that cannot be done. */
static double measure_rate(const char *directory, int64_t bytes_free, int64_t bytes)
{
  void         *piece;
  const int64_t most = smaller(smaller(bytes_free / 4, bytes), TRIAL_BYTES);
  if (nrf_alloc(TRIAL_PIECE, "trial of the disk", &piece) != NRF_OK) return 0;
  for (uint32_t i = 0, x = 1; i < TRIAL_PIECE / sizeof x; i++, x = x * 1664525u + 1013904223u)
    ((uint32_t *)piece)[i] = x; /* not zeros: some file systems do not write those */
  const int    fd   = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  const double rate = fd >= 0 ? write_trial(fd, piece, most) : 0;
  if (fd >= 0) (void)close(fd);
  nrf_free(piece);
  return rate;
}

/* ---- the sum ---- */

static int64_t allocated_bytes(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 ? (int64_t)info.st_blocks * 512 : 0;
}

static int64_t steps_left(const nrf_planned_experiment *item)
{
  if (item->stage == NRF_RECORDING_FINISHED) return 0;
  const int64_t done = item->rows * item->info.stride;
  return item->info.n_steps > done ? item->info.n_steps - done : 0;
}

/* Of the file that saves the sampler: states, and what its optimiser remembers of each. */
static int64_t state_bytes(const nrf_experiment_plan *plan)
{
  const nrf_architecture *a     = nrf_loaded_model_architecture(plan->model);
  int64_t                 units = 0;
  for (int i = 0; i < a->n_layers; i++) units += nrf_layer_units(a->size[i]);
  return units * NRF_EXPERIMENT_BATCH * (1 + NRF_MEMORY_KINDS) * (int64_t)sizeof(float);
}

/* One experiment after the other takes the room of its recording and, beside it, of the packed one or of its extract, and the
 * sampler's state, old and new; what stays of it is there for the next ones. */
static void add_bytes(const nrf_experiment_plan *plan, nrf_experiment_cost *cost)
{
  int64_t taken = 0; /* more than now, by those before */
  for (int i = 0; i < plan->n; i++) {
    const nrf_planned_experiment *item = &plan->item[i];
    const nrf_recording_info     *info = &item->info;
    if (item->stage == NRF_RECORDING_FINISHED) continue;
    const int64_t file   = nrf_recording_file_bytes(info);
    const int64_t there  = item->stage == NRF_RECORDING_PARTIAL ? allocated_bytes(item->partial) : 0;
    const int64_t beside = item->reduce ? nrf_reduction_bytes(info) : nrf_recording_peak_bytes(info) - file;
    const int64_t kept   = item->reduce ? beside : file;
    const int64_t most   = taken + file - there + beside + 2 * state_bytes(plan);
    if (most > cost->bytes) cost->bytes = most;
    cost->bytes_kept += kept;
    taken += kept - there;
  }
}

nrf_experiment_cost nrf_experiment_cost_of(const nrf_experiment_plan *plan, double step_seconds)
{
  nrf_experiment_cost cost = {.step_seconds = step_seconds};
  double              data = 0, steps = 0;
  for (int i = 0; i < plan->n; i++) {
    cost.steps += steps_left(&plan->item[i]);
    data += (double)nrf_recording_data_bytes(&plan->item[i].info);
    steps += (double)plan->item[i].info.n_steps;
  }
  cost.step_bytes = data / steps;
  add_bytes(plan, &cost);
  find_directory(plan->folder, cost.disk);
  cost.bytes_free      = free_bytes(cost.disk);
  cost.disk_rate       = step_seconds > 0 ? measure_rate(cost.disk, cost.bytes_free, cost.bytes) : 0;
  const double by_disk = cost.disk_rate > 0 ? cost.step_bytes / cost.disk_rate : 0;
  cost.seconds         = (double)cost.steps * (by_disk > step_seconds ? by_disk : step_seconds);
  return cost;
}

nrf_status nrf_experiment_check_space(const nrf_experiment_plan *plan, const nrf_experiment_cost *cost)
{
  if (cost->bytes_free < 0 || cost->bytes <= cost->bytes_free) return NRF_OK;
  return nrf_error(NRF_ENOSPACE,
                   "%s: %s are needed, %s are free; smaller with %s"
                   "--record_channels, --record_region, --record_images, --record_stride, --record_format "
                   "float16, elsewhere with --exp_data_root_path; --force tries all the same",
                   cost->disk, nrf_bytes_text((double)cost->bytes).s,
                   nrf_bytes_text((double)cost->bytes_free).s,
                   plan->reduce ? "" : "--record analysis, --experiments, --record_variables, ");
}

/* ---- telling ---- */

typedef struct line {
  char   s[1000];
  size_t n;
} line;

static void add(line *l, const char *fmt, ...) NRF_PRINTF(2, 3);
static void add(line *l, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  const int n = vsnprintf(l->s + l->n, sizeof l->s - l->n, fmt, args);
  va_end(args);
  if (n > 0) l->n += (size_t)n < sizeof l->s - l->n ? (size_t)n : sizeof l->s - l->n - 1;
}

static int64_t count_series(const nrf_recording_info *info)
{
  int64_t variables = 0;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) variables += info->variable[v];
  return variables * info->n_layers * info->n_images;
}

static line what_is_to_do(const nrf_planned_experiment *item)
{
  const nrf_recording_info *info = &item->info;
  line                      l    = {{0}, 0};
  if (item->stage == NRF_RECORDING_FINISHED) {
    add(&l, "recorded already: %s", item->final);
    return l;
  }
  add(&l, "%lld steps (", (long long)info->n_steps);
  for (int i = 0; i < info->n_phases; i++)
    add(&l, "%s%s %lld", i > 0 ? ", " : "", info->phase[i].name, (long long)info->phase[i].n_steps);
  add(&l, "), %lld series of %lld rows, %s", (long long)count_series(info),
      (long long)nrf_recording_n_rows(info), nrf_bytes_text((double)nrf_recording_file_bytes(info)).s);
  if (item->reduce) add(&l, ", of which %s stay", nrf_bytes_text((double)nrf_reduction_bytes(info)).s);
  if (item->stage == NRF_RECORDING_PARTIAL)
    add(&l, "; %lld steps are recorded", (long long)(info->n_steps - steps_left(item)));
  return l;
}

/* ", layer 1: 32 channels of 32x32". */
static void add_layer(line *l, const nrf_recorded_layer *layer)
{
  add(l, ", layer %d: %d", layer->layer, layer->n_channels);
  if (layer->n_channels != layer->channels) add(l, " of %d", layer->channels);
  add(l, " channels of %dx%d", layer->rows, layer->columns);
}

static line what_is_recorded(const nrf_experiment_plan *plan)
{
  const nrf_recording_info *info = &plan->item[0].info;
  line                      l    = {{0}, 0};
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    if (plan->variable[v])
      add(&l, "%s%s", l.n > 0 ? " " : "", nrf_record_variable_name((nrf_record_variable)v));
  if (plan->reduce && plan->variable[NRF_RECORD_MOMENTUM]) add(&l, " (where it is read)");
  for (int i = 0; i < info->n_layers; i++) add_layer(&l, &info->layer[i]);
  add(&l, ", %d of %d images", info->n_images, info->batch);
  if (info->stride > 1) add(&l, ", every %d steps", info->stride);
  add(&l, "; %s", nrf_record_number_name(info->format.number));
  if (info->format.number == NRF_RECORD_ROUNDED) add(&l, " to %d bits", info->format.mantissa_bits);
  if (info->filters.shuffle) add(&l, ", shuffle");
  if (info->filters.deflate) add(&l, ", deflate %d", info->filters.deflate_level);
  if (info->filters.fletcher32) add(&l, ", fletcher32");
  return l;
}

static line how_long(const nrf_experiment_plan *plan, const nrf_experiment_cost *cost)
{
  line l = {{0}, 0};
  add(&l, "a step takes %.3g s and writes %s", cost->step_seconds, nrf_bytes_text(cost->step_bytes).s);
  if (cost->disk_rate > 0) add(&l, ", the disk writes %s/s", nrf_bytes_text(cost->disk_rate).s);
  add(&l, ": about %s for %lld steps", in_time(cost->seconds).s, (long long)cost->steps);
  if (plan->reduce) add(&l, ", and as long as it takes to read once what was recorded");
  return l;
}

static line what_is_included(const nrf_experiment_plan *plan, const nrf_experiment_cost *cost)
{
  line l = {{0}, 0};
  if (plan->reduce) add(&l, " at a time, %s at the end", nrf_bytes_text((double)cost->bytes_kept).s);
  if (nrf_record_filters_any(plan->item[0].info.filters)) add(&l, ", the room for packing included");
  return l;
}

void nrf_experiment_tell(const nrf_experiment_plan *plan, const nrf_experiment_cost *cost, nrf_level level,
                         const nrf_progress *progress)
{
  nrf_progress_message(progress, level, "session %s%s, in %s", plan->session, plan->is_new ? "" : " goes on",
                       plan->folder);
  for (int i = 0; i < plan->n; i++)
    nrf_progress_message(progress, level, "  %-24s %s", plan->item[i].experiment->name,
                         what_is_to_do(&plan->item[i]).s);
  if (cost->steps == 0 && cost->bytes == 0) return;
  nrf_progress_message(progress, level, "of each: %s", what_is_recorded(plan).s);
  if (cost->step_seconds > 0) nrf_progress_message(progress, level, "%s", how_long(plan, cost).s);
  if (cost->bytes_free >= 0)
    nrf_progress_message(progress, level, "%s are needed on the disk%s, %s are free",
                         nrf_bytes_text((double)cost->bytes).s, what_is_included(plan, cost).s,
                         nrf_bytes_text((double)cost->bytes_free).s);
}
