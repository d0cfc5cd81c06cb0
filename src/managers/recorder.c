/* recorder.c - blocks of memory between the thread that samples and the thread that writes.
 *
 * There are two blocks, so that one can be filled while the other is written. A block has room for K rows and is laid out as the
 * file wants it, [series][channel][K][rows][columns]: what came in of a channel is one contiguous piece that lies on memory's
 * pages as it will on the file's, and the writer thread only calls write. Blocks and save points wait in one queue, in their order.
 *
 * The lock protects everything below `lock` in the struct; it is not held while copying or writing. A block's contents
 * belong to the pushing thread while `filling`, and to the writer thread once it has taken the block. */
#include "nrflv/recorder.h"

#include "managers/recorder_copy.h"
#include "nrflv/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum {
  BLOCKS         = 2,
  SAVE_POINTS    = 14, /* that may wait; asking for one more waits                                     */
  QUEUE          = BLOCKS + SAVE_POINTS,
  ROWS_PER_BLOCK = 256, /* at most: a megabyte of a 32x32 map, beyond which longer pieces gain nothing  */
  PAGE           = 4096,
  MESSAGE_BYTES  = 1024,
};

/* Of the time until a row must be in the file: what it may wait for its block to become full, at least; and waiting and writing
 * together, if writing takes as long as it did last. The rest is for blocks that are larger than the last one. */
static const double LEAST_WAIT = 0.5, PLANNED = 0.8;

/* The maps of one image of one layer of one variable; they become one series of the file. */
typedef struct series {
  nrf_record_variable variable;
  int                 layer, image; /* within the recording's info     */
  size_t              offset;       /* of its first piece in a block   */
} series;

typedef struct block {
  char   *data;
  bool    used; /* open or in the queue or being written */
  int64_t first_row;
  int     n_rows;
  size_t  phase[NRF_RECORDING_MAX_LAYERS]; /* nrf_recording_place_in_page of the first row */
  double  due;                             /* when it is handed over, full or not   */
} block;

/* A block to write, or a function to call. */
typedef struct job {
  block                *block;
  nrf_recorder_save_fn *fn;
  void                 *user;
} job;

struct nrf_recorder {
  nrf_recording_writer     *writer;
  const nrf_recording_info *info; /* the writer's */
  nrf_recorder_config       config;
  int                       n_series;
  series                   *series;
  int                       rows_per_block;
  char                     *memory;
  int                       n_blocks;
  pthread_t                 thread;
  atomic_bool               stop; /* the thread leaves, also in the middle of a block */

  pthread_mutex_t     lock;
  pthread_cond_t      work; /* for the writer thread: something to do may have come up    */
  pthread_cond_t      done; /* for the pushing thread: room, an empty queue, or an error  */
  block               block[BLOCKS];
  block              *open; /* takes rows; NULL between blocks                            */
  bool                filling;
  job                 queue[QUEUE];
  int                 first_job, n_jobs;
  bool                busy;         /* the writer thread has taken a job                      */
  int64_t             next_row;     /* -1 before the first                                    */
  double              last_writing; /* seconds that the last block took                   */
  nrf_status          error;        /* of the writer thread, which has left then              */
  char                message[MESSAGE_BYTES];
  nrf_recorder_report report;
};

static double now(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- where things are in a block -------------------------------------------------------------------- */

static size_t map_bytes(const nrf_recorder *r, const nrf_recorded_layer *layer)
{
  return (size_t)layer->rows * (size_t)layer->columns * nrf_record_number_bytes(r->info->format);
}

/* From one channel's piece to the next: whole pages, and one more if pieces may begin within one. Pieces of less than two pages
 * are not worth that. */
static size_t piece_stride(const nrf_recorder *r, const nrf_recorded_layer *layer)
{
  const size_t map = map_bytes(r, layer), bytes = (size_t)r->rows_per_block * map;
  if (bytes < 2 * PAGE) return bytes;
  return (bytes + PAGE - 1) / PAGE * PAGE + (map % PAGE != 0 ? PAGE : 0);
}

/* The first row of a block within its piece. */
static size_t piece_phase(const nrf_recorder *r, int layer, int64_t first_row)
{
  const size_t bytes = (size_t)r->rows_per_block * map_bytes(r, &r->info->layer[layer]);
  return bytes < 2 * PAGE ? 0 : nrf_recording_place_in_page(r->info, layer, first_row);
}

/* Bytes of a row, all series together. */
static size_t row_bytes(const nrf_recording_info *info)
{
  size_t variables = 0, numbers = 0;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) variables += info->variable[v];
  for (int l = 0; l < info->n_layers; l++)
    numbers +=
        (size_t)info->layer[l].n_channels * (size_t)info->layer[l].rows * (size_t)info->layer[l].columns;
  return variables * numbers * (size_t)info->n_images * nrf_record_number_bytes(info->format);
}

/* Bytes of a block; more than its rows where pieces are put on pages. */
static size_t block_bytes(const nrf_recorder *r)
{
  size_t bytes = 0;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    for (int l = 0; r->info->variable[v] && l < r->info->n_layers; l++)
      bytes += (size_t)r->info->n_images * (size_t)r->info->layer[l].n_channels *
               piece_stride(r, &r->info->layer[l]);
  return bytes;
}

/* In the order of the file, so that a block is written from its beginning to its end. */
static void list_series(nrf_recorder *r)
{
  size_t offset = 0;
  int    n      = 0;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) {
    for (int l = 0; r->info->variable[v] && l < r->info->n_layers; l++) {
      const nrf_recorded_layer *layer = &r->info->layer[l];
      for (int i = 0; i < r->info->n_images; i++) {
        r->series[n++] = (series){(nrf_record_variable)v, l, i, offset};
        offset += (size_t)layer->n_channels * piece_stride(r, layer);
      }
    }
  }
  r->n_series = n;
}

/* ---- the writer thread ------------------------------------------------------------------------------ */

static nrf_status write_pieces(nrf_recorder *r, const block *b)
{
  for (int k = 0; k < r->n_series; k++) {
    const series             *s     = &r->series[k];
    const nrf_recorded_layer *layer = &r->info->layer[s->layer];
    const char               *piece = b->data + s->offset + b->phase[s->layer];
    for (int c = 0; c < layer->n_channels; c++, piece += piece_stride(r, layer)) {
      if (atomic_load_explicit(&r->stop, memory_order_relaxed))
        return nrf_error(NRF_EINTERRUPTED, "recorder: stopped before all steps were written");
      NRF_RETURN_IF_ERROR(
          nrf_recording_lend(r->writer, s->variable, s->layer, s->image, c, b->first_row, b->n_rows, piece));
    }
  }
  return NRF_OK;
}

/* The block is free when this returns, for better or worse. */
static nrf_status write_block(nrf_recorder *r, const block *b)
{
  const nrf_status st = write_pieces(r, b);
  if (st == NRF_OK) return nrf_recording_mark(r->writer, b->first_row + b->n_rows);
  nrf_recording_wait(r->writer);
  return st;
}

/* The functions from here on that are called with the lock held say so in their name. */

static void enqueue_locked(nrf_recorder *r, job j)
{
  r->queue[(r->first_job + r->n_jobs) % QUEUE] = j;
  r->n_jobs++;
  (void)pthread_cond_signal(&r->work);
}

static job dequeue_locked(nrf_recorder *r)
{
  const job j  = r->queue[r->first_job];
  r->first_job = (r->first_job + 1) % QUEUE;
  r->n_jobs--;
  return j;
}

/* The rows that came in so far become a job. */
static void close_open_block_locked(nrf_recorder *r)
{
  if (r->open == NULL || r->open->n_rows == 0) return;
  enqueue_locked(r, (job){.block = r->open});
  r->open = NULL;
}

static void wait_until_locked(nrf_recorder *r, double time)
{
  const struct timespec t = {.tv_sec = (time_t)time, .tv_nsec = (long)((time - (double)(time_t)time) * 1e9)};
  (void)pthread_cond_timedwait(&r->work, &r->lock, &t);
}

/* Waits for something to do; false: there is nothing any more. */
static bool next_job_locked(nrf_recorder *r, job *out)
{
  while (!atomic_load(&r->stop)) {
    const block *waiting = r->open != NULL && r->open->n_rows > 0 && !r->filling ? r->open : NULL;
    const double due     = waiting != NULL ? waiting->due : 0;
    if (r->n_jobs == 0 && waiting != NULL && now() >= due) close_open_block_locked(r);
    if (r->n_jobs > 0) {
      *out = dequeue_locked(r);
      return true;
    }
    if (waiting != NULL)
      wait_until_locked(r, due);
    else
      (void)pthread_cond_wait(&r->work, &r->lock);
  }
  return false;
}

/* Messages are the thread's own: the pushing thread gets a copy. */
static void fail_locked(nrf_recorder *r, nrf_status error)
{
  r->error = error;
  (void)snprintf(r->message, sizeof r->message, "%s", nrf_error_message());
}

static void block_written_locked(nrf_recorder *r, block *b, double seconds)
{
  r->report.rows_written += b->n_rows;
  r->report.bytes_written += b->n_rows * (int64_t)row_bytes(r->info);
  r->report.seconds_writing += seconds;
  r->last_writing = seconds;
  b->used         = false;
}

static void *writer_thread(void *context)
{
  nrf_recorder *r = context;
  job           j;
  (void)pthread_mutex_lock(&r->lock);
  while (r->error == NRF_OK && next_job_locked(r, &j)) {
    r->busy = true;
    (void)pthread_mutex_unlock(&r->lock);
    const double     start   = now();
    const nrf_status st      = j.block != NULL ? write_block(r, j.block) : j.fn(j.user);
    const double     seconds = now() - start;
    (void)pthread_mutex_lock(&r->lock);
    r->busy = false;
    if (st != NRF_OK)
      fail_locked(r, st);
    else if (j.block != NULL)
      block_written_locked(r, j.block, seconds);
    (void)pthread_cond_signal(&r->done);
  }
  (void)pthread_mutex_unlock(&r->lock);
  return NULL;
}

/* ---- life ------------------------------------------------------------------------------------------- */

/* Signals are for the thread that samples. */
static nrf_status start_thread(nrf_recorder *r)
{
  sigset_t all, before;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(&r->thread, NULL, writer_thread, r);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed == 0) return NRF_OK;
  return nrf_error(NRF_ENOMEM, "recorder: the writer thread could not be started");
}

static void create_locks(nrf_recorder *r)
{
  pthread_condattr_t monotonic;
  (void)pthread_condattr_init(&monotonic);
  (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  (void)pthread_mutex_init(&r->lock, NULL);
  (void)pthread_cond_init(&r->work, &monotonic);
  (void)pthread_cond_init(&r->done, NULL);
  (void)pthread_condattr_destroy(&monotonic);
}

static void release(nrf_recorder *r)
{
  (void)pthread_cond_destroy(&r->done);
  (void)pthread_cond_destroy(&r->work);
  (void)pthread_mutex_destroy(&r->lock);
  nrf_free(r->memory);
  nrf_free(r->series);
  nrf_free(r);
}

static int64_t at_most(int64_t value, int64_t limit)
{
  return value < limit ? value : limit;
}

/* As many rows per block as the memory and the recording have, if possible twice. */
static nrf_status share_memory(nrf_recorder *r, size_t memory)
{
  const size_t row = row_bytes(r->info);
  if (memory < row)
    return nrf_error(
        NRF_EINVAL,
        "recorder: %.4g MiB of memory are too little: one step takes %.4g MiB, and two are needed to "
        "record while sampling goes on",
        (double)memory / (1 << 20), (double)row / (1 << 20));
  r->n_blocks       = memory / row < BLOCKS ? 1 : BLOCKS;
  const int64_t fit = (int64_t)(memory / row) / r->n_blocks;
  r->rows_per_block = (int)at_most(at_most(fit, ROWS_PER_BLOCK), nrf_recording_n_rows(r->info));
  while (r->rows_per_block > 1 && (size_t)r->n_blocks * block_bytes(r) > memory) r->rows_per_block--;
  return NRF_OK;
}

static nrf_status create_blocks(nrf_recorder *r)
{
  const size_t bytes = block_bytes(r);
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)r->n_blocks * bytes + PAGE, "memory of the recorder", (void **)&r->memory));
  char *first_page = r->memory + (-(uintptr_t)r->memory & (PAGE - 1));
  for (int b = 0; b < r->n_blocks; b++) r->block[b].data = first_page + (size_t)b * bytes;
  return NRF_OK;
}

nrf_status nrf_recorder_create(nrf_recording_writer *w, const nrf_recorder_config *config, nrf_recorder **out)
{
  nrf_status    st = NRF_OK;
  nrf_recorder *r  = NULL;
  *out             = NULL;
  if (config->threads < 1) return nrf_error(NRF_EINVAL, "recorder: %d threads", config->threads);
  if (!(config->flush_seconds > 0))
    return nrf_error(NRF_EINVAL, "recorder: %g s until steps are written", config->flush_seconds);
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *r, "recorder", (void **)&r));
  create_locks(r);
  r->writer   = w;
  r->info     = nrf_recording_writer_info(w);
  r->config   = *config;
  r->next_row = -1;
  NRF_TRY(share_memory(r, config->memory));
  const size_t most_series =
      (size_t)NRF_RECORD_VARIABLES * (size_t)r->info->n_layers * (size_t)r->info->n_images;
  NRF_TRY(nrf_alloc(most_series * sizeof *r->series, "recorder", (void **)&r->series));
  list_series(r);
  NRF_TRY(create_blocks(r));
  NRF_TRY(start_thread(r));
  *out = r;
  r    = NULL;
done:
  if (r != NULL) release(r);
  return st;
}

void nrf_recorder_free(nrf_recorder *r)
{
  if (r == NULL) return;
  (void)pthread_mutex_lock(&r->lock);
  atomic_store(&r->stop, true);
  (void)pthread_cond_signal(&r->work);
  (void)pthread_mutex_unlock(&r->lock);
  (void)pthread_join(r->thread, NULL);
  release(r);
}

/* ---- the pushing thread ----------------------------------------------------------------------------- */

static nrf_status writers_error_locked(const nrf_recorder *r)
{
  return r->error == NRF_OK ? NRF_OK : nrf_error(r->error, "%s", r->message);
}

static nrf_status check_row(const nrf_recorder *r, int64_t step)
{
  const int64_t row = step / r->info->stride;
  if (step < 0 || row >= nrf_recording_n_rows(r->info))
    return nrf_error(NRF_EINVAL, "recorder: step %lld is not one of the recording's %lld", (long long)step,
                     (long long)r->info->n_steps);
  if (r->next_row >= 0 && row != r->next_row)
    return nrf_error(NRF_EINVAL, "recorder: step %lld came where step %lld was expected", (long long)step,
                     (long long)(r->next_row * r->info->stride));
  return NRF_OK;
}

static nrf_status check_source(const nrf_recording_info *info, nrf_record_variable v,
                               const nrf_states *source)
{
  const char *name = nrf_record_variable_name(v);
  if (source == NULL) return nrf_error(NRF_ESHAPE, "recorder: %s is recorded but was not given", name);
  for (int l = 0; l < info->n_layers; l++) {
    const nrf_recorded_layer *layer = &info->layer[l];
    const nrf_layer_size     *size  = &source->size[layer->layer < source->n_layers ? layer->layer : 0];
    if (source->batch != info->batch || layer->layer >= source->n_layers ||
        size->channels != layer->channels || size->height != layer->height || size->width != layer->width)
      return nrf_error(NRF_ESHAPE,
                       "recorder: %s does not have layer %d as it is recorded (%d x %d x %d, %d images)",
                       name, layer->layer, layer->channels, layer->height, layer->width, info->batch);
  }
  return NRF_OK;
}

static block *free_block(nrf_recorder *r)
{
  for (int b = 0; b < r->n_blocks; b++)
    if (!r->block[b].used) return &r->block[b];
  return NULL;
}

static void open_block(const nrf_recorder *r, block *b, int64_t first_row)
{
  *b = (block){.data = b->data, .used = true, .first_row = first_row};
  for (int l = 0; l < r->info->n_layers; l++) b->phase[l] = piece_phase(r, l, first_row);
}

/* Waits for a block with room; NULL after an error of the writer thread. */
static block *block_to_fill_locked(nrf_recorder *r, int64_t row)
{
  const double start = now();
  while (r->error == NRF_OK && r->open == NULL) {
    r->open = free_block(r);
    if (r->open == NULL)
      (void)pthread_cond_wait(&r->done, &r->lock);
    else
      open_block(r, r->open, row);
  }
  r->report.seconds_waiting += now() - start;
  return r->error == NRF_OK ? r->open : NULL;
}

static int64_t copy_row(nrf_recorder *r, const block *b, const nrf_states *const source[NRF_RECORD_VARIABLES])
{
  int64_t overflows = 0;
#pragma omp parallel for num_threads(r->config.threads) schedule(static) reduction(+ : overflows)
  for (int k = 0; k < r->n_series; k++) {
    const series             *s      = &r->series[k];
    const nrf_recorded_layer *layer  = &r->info->layer[s->layer];
    const nrf_states         *states = source[s->variable];
    const int64_t             units  = nrf_layer_units(states->size[layer->layer]);
    const float              *image  = states->data[layer->layer] + r->info->image[s->image].index * units;
    char                     *piece  = b->data + s->offset + b->phase[s->layer];
    char                     *out    = piece + (size_t)b->n_rows * map_bytes(r, layer);
    overflows += nrf_copy_maps(layer, r->info->format, image, piece_stride(r, layer), out);
  }
  return overflows;
}

/* How long the first row of a block may wait for others. */
static double patience_locked(const nrf_recorder *r)
{
  const double all = r->config.flush_seconds, left = PLANNED * all - r->last_writing;
  return left > LEAST_WAIT * all ? left : LEAST_WAIT * all;
}

static void row_came_in_locked(nrf_recorder *r, block *b, int64_t row)
{
  if (b->n_rows == 0) b->due = now() + patience_locked(r);
  b->n_rows++;
  r->report.rows++;
  r->next_row = row + 1;
  if (b->n_rows == r->rows_per_block) close_open_block_locked(r);
  (void)pthread_cond_signal(&r->work);
}

static nrf_status check_push(const nrf_recorder *r, int64_t step,
                             const nrf_states *const source[NRF_RECORD_VARIABLES])
{
  NRF_RETURN_IF_ERROR(check_row(r, step));
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    if (r->info->variable[v]) NRF_RETURN_IF_ERROR(check_source(r->info, (nrf_record_variable)v, source[v]));
  return NRF_OK;
}

nrf_status nrf_recorder_push(nrf_recorder *r, int64_t step,
                             const nrf_states *const source[NRF_RECORD_VARIABLES])
{
  const bool    is_recorded = step % r->info->stride == 0;
  const int64_t row         = step / r->info->stride;
  (void)pthread_mutex_lock(&r->lock);
  nrf_status st = writers_error_locked(r);
  if (st == NRF_OK && is_recorded) st = check_push(r, step, source);
  block *b = st == NRF_OK && is_recorded ? block_to_fill_locked(r, row) : NULL;
  if (b != NULL) {
    r->filling = true;
    (void)pthread_mutex_unlock(&r->lock);
    const double  start     = now();
    const int64_t overflows = copy_row(r, b, source);
    const double  seconds   = now() - start;
    (void)pthread_mutex_lock(&r->lock);
    r->filling = false;
    r->report.overflows += overflows;
    r->report.seconds_copying += seconds;
    row_came_in_locked(r, b, row);
  }
  if (st == NRF_OK) st = writers_error_locked(r);
  (void)pthread_mutex_unlock(&r->lock);
  return st;
}

nrf_status nrf_recorder_save_point(nrf_recorder *r, nrf_recorder_save_fn *fn, void *user)
{
  (void)pthread_mutex_lock(&r->lock);
  while (r->error == NRF_OK && r->n_jobs >= SAVE_POINTS) (void)pthread_cond_wait(&r->done, &r->lock);
  const nrf_status st = writers_error_locked(r);
  if (st == NRF_OK) {
    close_open_block_locked(r);
    enqueue_locked(r, (job){.fn = fn, .user = user});
  }
  (void)pthread_mutex_unlock(&r->lock);
  return st;
}

nrf_status nrf_recorder_drain(nrf_recorder *r)
{
  (void)pthread_mutex_lock(&r->lock);
  close_open_block_locked(r);
  while (r->error == NRF_OK && (r->n_jobs > 0 || r->busy)) (void)pthread_cond_wait(&r->done, &r->lock);
  const nrf_status st = writers_error_locked(r);
  (void)pthread_mutex_unlock(&r->lock);
  return st;
}

nrf_recorder_report nrf_recorder_report_of(nrf_recorder *r)
{
  (void)pthread_mutex_lock(&r->lock);
  nrf_recorder_report report = r->report;
  (void)pthread_mutex_unlock(&r->lock);
  report.rows_per_block = r->rows_per_block;
  return report;
}
