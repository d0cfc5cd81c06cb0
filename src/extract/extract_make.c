/* extract_make.c - the pass over a source: this thread reads the maps of one channel of one image after the other, others
 * reduce them and write what is left of them.
 *
 * The lock protects what stands below it in the struct. A buffer's contents belong to this thread while it fills it, and
 * to a worker once that has taken it. */
#include "extract_file.h"

#include "nrflv/memory.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MESSAGE_BYTES = 1024, ALIGNMENT = 64 };

/* How often finished images are marked: a mark waits for the disk, which may take this share of the time. */
static const double MARK_SECONDS = 1.0, MARK_SHARE = 0.05;

/* The maps of a channel of an image, [rows][places]. */
typedef struct maps_buffer {
  float              *maps;
  int                 image, channel;
  struct maps_buffer *next; /* in the list it is in */
} maps_buffer;

typedef struct pass {
  const nrf_trace_source *source;
  const nrf_extract_plan *plan;
  const nrf_progress     *progress;
  nrf_map_statistics     *statistics;
  nrf_extract_writer     *writer;
  int                     n_workers, n_buffers;
  char                   *memory;
  maps_buffer            *buffer;
  pthread_t              *thread;
  char                  **work;     /* [n_workers] */
  bool                   *finished; /* [images] this thread's: since the last mark, or before */
  double                  next_mark;

  pthread_mutex_t lock;
  pthread_cond_t  filled_one, freed_one;
  maps_buffer    *free_list, *filled_list, *last_filled;
  int            *channels_left; /* [images] that are not written yet */
  bool            no_more;       /* workers leave once nothing is filled */
  nrf_status      error;         /* of a worker */
  char            message[MESSAGE_BYTES];
} pass;

static double now(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- memory ------------------------------------------------------------------------------------------------ */

/* What a worker works with, one after the other in its memory. */
typedef struct worker_memory {
  void   *statistics;
  double *results; /* [NRF_SPANS][NRF_STATISTICS][places] */
  float  *traces;  /* [sites][rows]                       */
} worker_memory;

static size_t aligned(size_t bytes)
{
  return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t results_bytes(const nrf_extract_plan *plan)
{
  return aligned((size_t)NRF_SPANS * NRF_STATISTICS * (size_t)nrf_plan_places(plan) * sizeof(double));
}

static size_t traces_bytes(const nrf_extract_plan *plan)
{
  int most = 0;
  for (int b = 0; b < plan->images; b++) {
    const int count = plan->kept[NRF_KEPT_STATE].sites[b].count;
    most            = count > most ? count : most;
  }
  return aligned((size_t)most * (size_t)plan->rows * sizeof(float));
}

static size_t maps_bytes(const nrf_extract_plan *plan)
{
  return aligned((size_t)plan->rows * (size_t)nrf_plan_places(plan) * sizeof(float));
}

static size_t worker_bytes(const pass *p)
{
  return aligned(nrf_map_statistics_work(p->statistics)) + results_bytes(p->plan) + traces_bytes(p->plan);
}

static worker_memory worker_memory_at(const pass *p, char *memory)
{
  char *results = memory + aligned(nrf_map_statistics_work(p->statistics));
  return (worker_memory){memory, (double *)results, (float *)(results + results_bytes(p->plan))};
}

/* One worker, and one buffer that is filled and reduced in turn. */
static size_t least_bytes(const pass *p)
{
  return worker_bytes(p) + maps_bytes(p->plan);
}

/* As many workers as the memory has room for, each with a buffer, and one buffer more to be filled meanwhile. */
static nrf_status share_memory(pass *p, nrf_extract_effort effort)
{
  const size_t one = worker_bytes(p), maps = maps_bytes(p->plan);
  if (effort.memory < least_bytes(p))
    return nrf_error(NRF_EINVAL, "--memory: %.3g GiB are too little to read %s; at least %.3g GiB are needed",
                     (double)effort.memory / (1 << 30), p->source->info->experiment,
                     (double)least_bytes(p) / (1 << 30));
  const size_t most = effort.memory < one + 2 * maps ? 1 : (effort.memory - maps) / (one + maps);
  const size_t all  = (size_t)p->plan->images * (size_t)p->plan->channels;
  size_t       n    = effort.threads < 1 ? 1 : (size_t)effort.threads;
  n                 = n < most ? n : most;
  n                 = n < all ? n : all;
  p->n_workers      = (int)n;
  p->n_buffers      = n * (one + maps) + maps <= effort.memory ? (int)n + 1 : 1;

  void *memory = NULL;
  NRF_RETURN_IF_ERROR(
      nrf_alloc(n * one + (size_t)p->n_buffers * maps, "buffers to read recordings", &memory));
  p->memory = memory;
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)p->n_buffers * sizeof *p->buffer, "buffers to read recordings", &memory));
  p->buffer = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc(n * sizeof *p->work, "buffers to read recordings", &memory));
  p->work = memory;
  for (size_t i = 0; i < n; i++) p->work[i] = p->memory + i * one;
  for (int i = 0; i < p->n_buffers; i++) {
    p->buffer[i].maps = (float *)(p->memory + n * one + (size_t)i * maps);
    p->buffer[i].next = p->free_list;
    p->free_list      = &p->buffer[i];
  }
  return NRF_OK;
}

/* ---- reducing the maps of a channel ------------------------------------------------------------------------ */

static nrf_status write_statistics(const pass *p, const maps_buffer *b, const worker_memory *memory)
{
  const nrf_extract_plan *plan   = p->plan;
  const int64_t           places = nrf_plan_places(plan);
  nrf_map_results         results[NRF_SPANS];
  for (int i = 0; i < NRF_SPANS; i++) {
    double *first = memory->results + (int64_t)i * NRF_STATISTICS * places;
    results[i] =
        (nrf_map_results){first + NRF_STATISTIC_MEAN * places, first + NRF_STATISTIC_VARIANCE * places,
                          first + NRF_STATISTIC_ONE_MINUS_W * places};
  }
  const int32_t not_finite =
      (int32_t)nrf_map_statistics_of(p->statistics, b->maps, memory->statistics, results);
  NRF_RETURN_IF_ERROR(nrf_extract_write(p->writer, NRF_ITEM_NOT_FINITE,
                                        (int64_t)b->image * plan->channels + b->channel, 1, &not_finite));
  for (int i = 0; i < NRF_SPANS * NRF_STATISTICS; i++)
    NRF_RETURN_IF_ERROR(nrf_extract_write(p->writer, NRF_ITEM_STATISTIC + i,
                                          ((int64_t)b->channel * plan->images + b->image) * places, places,
                                          memory->results + i * places));
  return NRF_OK;
}

static nrf_status write_traces(const pass *p, const maps_buffer *b, const worker_memory *memory)
{
  const nrf_extract_plan *plan   = p->plan;
  const nrf_kept_traces  *kept   = &plan->kept[NRF_KEPT_STATE];
  const nrf_sites        *sites  = &kept->sites[b->image];
  const int64_t           places = nrf_plan_places(plan);
  float                  *next   = memory->traces;
  for (int s = 0; s < sites->count; s++) {
    const float *from = b->maps + (int64_t)sites->site[s].h * plan->width + sites->site[s].w;
    for (int64_t t = 0; t < plan->rows; t++, from += places) *next++ = *from;
  }
  const int64_t first = kept->first[b->image] + (int64_t)b->channel * sites->count;
  return nrf_extract_write(p->writer, NRF_ITEM_TRACES + NRF_KEPT_STATE, first * plan->rows,
                           sites->count * plan->rows, memory->traces);
}

/* Over the maps themselves: a grey value never stands behind the number it is made of. */
static uint8_t *make_greys(float *maps, int64_t n, float *low, float *high)
{
  uint8_t *grey = (uint8_t *)maps;
  *low          = INFINITY;
  *high         = -INFINITY;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(maps[i])) continue;
    *low  = maps[i] < *low ? maps[i] : *low;
    *high = maps[i] > *high ? maps[i] : *high;
  }
  const float range = *high - *low;
  for (int64_t i = 0; i < n; i++) {
    const float x = maps[i];
    grey[i]       = isfinite(x) && range > 0.0F ? (uint8_t)(255.0F * ((x - *low) / range)) : 0;
  }
  return grey;
}

static nrf_status write_film(const pass *p, const maps_buffer *b)
{
  const nrf_extract_plan *plan = p->plan;
  const int64_t           n    = plan->rows * nrf_plan_places(plan);
  for (int film = 0; film < plan->n_films; film++) {
    if (plan->film_image[film] != b->image) continue;
    float          low, high;
    const uint8_t *grey = make_greys(b->maps, n, &low, &high);
    NRF_RETURN_IF_ERROR(nrf_extract_write(p->writer, NRF_ITEM_FILM_GREY + film, b->channel * n, n, grey));
    NRF_RETURN_IF_ERROR(nrf_extract_write(p->writer, NRF_ITEM_FILM_LOW + film, b->channel, 1, &low));
    NRF_RETURN_IF_ERROR(nrf_extract_write(p->writer, NRF_ITEM_FILM_HIGH + film, b->channel, 1, &high));
  }
  return NRF_OK;
}

/* The film comes last, since it takes the place of the maps. */
static nrf_status reduce(const pass *p, const maps_buffer *b, const worker_memory *memory)
{
  NRF_RETURN_IF_ERROR(write_statistics(p, b, memory));
  NRF_RETURN_IF_ERROR(write_traces(p, b, memory));
  return write_film(p, b);
}

/* ---- workers ------------------------------------------------------------------------------------------------ */

typedef struct worker {
  pass *p;
  char *memory;
} worker;

/* NULL if there is nothing more to do. Called with the lock. */
static maps_buffer *take_filled(pass *p)
{
  while (p->filled_list == NULL && !p->no_more) (void)pthread_cond_wait(&p->filled_one, &p->lock);
  maps_buffer *b = p->filled_list;
  if (b != NULL) p->filled_list = b->next;
  return b;
}

static void *run_worker(void *argument)
{
  const worker       *w      = argument;
  pass               *p      = w->p;
  const worker_memory memory = worker_memory_at(p, w->memory);
  (void)pthread_mutex_lock(&p->lock);
  for (maps_buffer *b = take_filled(p); b != NULL; b = take_filled(p)) {
    const bool failed = p->error != NRF_OK;
    (void)pthread_mutex_unlock(&p->lock);
    const nrf_status st = failed ? NRF_OK : reduce(p, b, &memory);
    (void)pthread_mutex_lock(&p->lock);
    if (st != NRF_OK && p->error == NRF_OK) {
      p->error = st;
      (void)snprintf(p->message, sizeof p->message, "%s", nrf_error_message());
    }
    if (!failed && st == NRF_OK) p->channels_left[b->image]--;
    b->next      = p->free_list;
    p->free_list = b;
    (void)pthread_cond_signal(&p->freed_one);
  }
  (void)pthread_mutex_unlock(&p->lock);
  return NULL;
}

/* Signals are for the thread that reads: it asks whether to stop. */
static nrf_status start_workers(pass *p, worker *workers, int *started)
{
  sigset_t every, before;
  int      failure = 0;
  (void)sigfillset(&every);
  (void)pthread_sigmask(SIG_SETMASK, &every, &before);
  for (*started = 0; *started < p->n_workers && failure == 0; *started += failure == 0) {
    workers[*started] = (worker){p, p->work[*started]};
    failure           = pthread_create(&p->thread[*started], NULL, run_worker, &workers[*started]);
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return *started > 0 ? NRF_OK : nrf_error(NRF_ENOMEM, "cannot start a thread: %s", strerror(failure));
}

/* Workers first do everything that is filled. */
static void stop_workers(pass *p, int started)
{
  (void)pthread_mutex_lock(&p->lock);
  p->no_more = true;
  (void)pthread_cond_broadcast(&p->filled_one);
  (void)pthread_mutex_unlock(&p->lock);
  for (int i = 0; i < started; i++) (void)pthread_join(p->thread[i], NULL);
}

/* ---- the thread that reads --------------------------------------------------------------------------------- */

static nrf_status take_free(pass *p, maps_buffer **out)
{
  (void)pthread_mutex_lock(&p->lock);
  while (p->free_list == NULL && p->error == NRF_OK) (void)pthread_cond_wait(&p->freed_one, &p->lock);
  const nrf_status st = p->error;
  *out                = p->free_list;
  if (st == NRF_OK) p->free_list = (*out)->next;
  (void)pthread_mutex_unlock(&p->lock);
  return st == NRF_OK ? NRF_OK : nrf_error(st, "%s", p->message);
}

static void hand_over(pass *p, maps_buffer *b)
{
  b->next = NULL;
  (void)pthread_mutex_lock(&p->lock);
  if (p->filled_list == NULL)
    p->filled_list = b;
  else
    p->last_filled->next = b;
  p->last_filled = b;
  (void)pthread_cond_signal(&p->filled_one);
  (void)pthread_mutex_unlock(&p->lock);
}

static void give_back(pass *p, maps_buffer *b)
{
  (void)pthread_mutex_lock(&p->lock);
  b->next      = p->free_list;
  p->free_list = b;
  (void)pthread_mutex_unlock(&p->lock);
}

/* Marks images that have been finished since the last mark. */
static nrf_status mark_finished(pass *p, bool now_at_any_cost)
{
  bool news = false;
  if (!now_at_any_cost && now() < p->next_mark) return NRF_OK;
  (void)pthread_mutex_lock(&p->lock);
  for (int b = 0; b < p->plan->images; b++)
    if (p->channels_left[b] == 0 && !p->finished[b]) news = p->finished[b] = true;
  (void)pthread_mutex_unlock(&p->lock);
  if (!news) return NRF_OK;
  const double     began = now();
  const nrf_status st    = nrf_extract_mark(p->writer, p->finished);
  const double     ended = now();
  const double     pause = (ended - began) / MARK_SHARE;
  p->next_mark           = ended + (pause > MARK_SECONDS ? pause : MARK_SECONDS);
  return st;
}

/* One place, all rows, all channels: each channel's map is [1, 1]. */
static nrf_status copy_momentum(const pass *p, int b)
{
  const nrf_extract_plan *plan  = p->plan;
  const nrf_kept_traces  *kept  = &plan->kept[NRF_KEPT_MOMENTUM];
  const nrf_sites        *sites = &kept->sites[b];
  nrf_status              st    = NRF_OK;
  float                  *trace = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(plan->rows, "traces of momenta", &trace));
  for (int c = 0; c < plan->channels && st == NRF_OK; c++)
    for (int s = 0; s < sites->count && st == NRF_OK; s++) {
      const nrf_recording_block block = {.n_rows        = plan->rows,
                                         .first_channel = c,
                                         .n_channels    = 1,
                                         .top           = sites->site[s].h,
                                         .left          = sites->site[s].w,
                                         .rows          = 1,
                                         .columns       = 1};
      const int64_t             to    = kept->first[b] + (int64_t)c * sites->count + s;
      st = p->source->read(p->source->context, NRF_RECORD_MOMENTUM, plan->layer_index, b, block, trace);
      if (st == NRF_OK)
        st = nrf_extract_write(p->writer, NRF_ITEM_TRACES + NRF_KEPT_MOMENTUM, to * plan->rows, plan->rows,
                               trace);
    }
  nrf_free(trace);
  return st;
}

static nrf_status read_channel(pass *p, int b, int c)
{
  const nrf_extract_plan   *plan   = p->plan;
  const nrf_recording_block block  = {.n_rows        = plan->rows,
                                      .first_channel = c,
                                      .n_channels    = 1,
                                      .rows          = plan->height,
                                      .columns       = plan->width};
  maps_buffer              *buffer = NULL;
  NRF_RETURN_IF_ERROR(take_free(p, &buffer));
  const nrf_status st =
      p->source->read(p->source->context, NRF_RECORD_STATE, plan->layer_index, b, block, buffer->maps);
  buffer->image   = b;
  buffer->channel = c;
  if (st == NRF_OK)
    hand_over(p, buffer);
  else
    give_back(p, buffer);
  return st;
}

/* Bytes of states that an image has. */
static int64_t image_bytes(const nrf_extract_plan *plan)
{
  return plan->channels * plan->rows * nrf_plan_places(plan) * (int64_t)sizeof(float);
}

static nrf_status read_image(pass *p, int b, int64_t *done)
{
  const nrf_extract_plan *plan = p->plan;
  NRF_RETURN_IF_ERROR(copy_momentum(p, b));
  for (int c = 0; c < plan->channels; c++) {
    if (nrf_progress_stop_requested(p->progress)) return NRF_EINTERRUPTED;
    NRF_RETURN_IF_ERROR(read_channel(p, b, c));
    *done += image_bytes(plan) / plan->channels;
    nrf_progress_update(p->progress, *done, image_bytes(plan) * plan->images, "image %d of %d", b + 1,
                        plan->images);
    NRF_RETURN_IF_ERROR(mark_finished(p, false));
  }
  return NRF_OK;
}

static nrf_status read_images(pass *p)
{
  nrf_status st   = NRF_OK;
  int64_t    done = 0;
  char       title[128];
  for (int b = 0; b < p->plan->images; b++) done += p->finished[b] ? image_bytes(p->plan) : 0;
  (void)snprintf(title, sizeof title, "reading %s", p->source->info->experiment);
  nrf_progress_begin(p->progress, title, "B", done);
  for (int b = 0; b < p->plan->images && st == NRF_OK; b++)
    if (!p->finished[b]) st = read_image(p, b, &done);
  nrf_progress_end(p->progress);
  return st;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static nrf_status prepare_statistics(pass *p)
{
  const nrf_extract_plan *plan = p->plan;
  return nrf_map_statistics_create(plan->rows, nrf_plan_places(plan), plan->window, &p->statistics);
}

nrf_status nrf_extract_least_memory(const nrf_recording_info *info, size_t *bytes)
{
  nrf_status       st   = NRF_OK;
  nrf_extract_plan plan = {0};
  pass             p    = {.plan = &plan};
  NRF_TRY(nrf_extract_plan_make(info, &plan));
  NRF_TRY(prepare_statistics(&p));
  *bytes = least_bytes(&p);
done:
  nrf_map_statistics_free(p.statistics);
  nrf_extract_plan_free(&plan);
  return st;
}

static nrf_status prepare(pass *p, const char *path, nrf_extract_effort effort)
{
  const nrf_extract_plan *plan   = p->plan;
  void                   *memory = NULL;
  NRF_RETURN_IF_ERROR(prepare_statistics(p));
  NRF_RETURN_IF_ERROR(share_memory(p, effort));
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)p->n_workers * sizeof *p->thread, "threads", &memory));
  p->thread = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)plan->images * sizeof *p->channels_left, "images", &memory));
  p->channels_left = memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)plan->images * sizeof *p->finished, "images", &memory));
  p->finished = memory;
  NRF_RETURN_IF_ERROR(nrf_extract_writer_open(path, p->source, plan, p->progress, &p->writer));
  for (int b = 0; b < plan->images; b++) {
    p->finished[b]      = nrf_extract_has_image(p->writer, b);
    p->channels_left[b] = p->finished[b] ? 0 : plan->channels;
  }
  return NRF_OK;
}

static void release(pass *p)
{
  nrf_extract_writer_free(p->writer);
  nrf_map_statistics_free(p->statistics);
  nrf_free(p->memory);
  nrf_free(p->buffer);
  nrf_free(p->work);
  nrf_free(p->thread);
  nrf_free(p->channels_left);
  nrf_free(p->finished);
}

/* Reads all images that are not done. What was finished when it ends, for whatever reason, is marked. */
static nrf_status run(pass *p)
{
  nrf_status st      = NRF_OK;
  int        started = 0;
  void      *workers = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)p->n_workers * sizeof(worker), "threads", &workers));
  NRF_TRY(start_workers(p, workers, &started));
  st = read_images(p);
  stop_workers(p, started);
  const nrf_status marked = mark_finished(p, true);
  if (st == NRF_OK && p->error != NRF_OK) st = nrf_error(p->error, "%s", p->message);
  st = st == NRF_OK ? marked : st;
done:
  nrf_free(workers);
  return st;
}

static int count_finished(const pass *p)
{
  int n = 0;
  for (int b = 0; b < p->plan->images; b++) n += p->finished[b];
  return n;
}

nrf_status nrf_extract_make(const nrf_trace_source *source, const char *path, nrf_extract_effort effort,
                            const nrf_progress *progress)
{
  nrf_status       st   = NRF_OK;
  nrf_extract_plan plan = {0};
  pass             p    = {.source     = source,
                           .plan       = &plan,
                           .progress   = progress,
                           .lock       = PTHREAD_MUTEX_INITIALIZER,
                           .filled_one = PTHREAD_COND_INITIALIZER,
                           .freed_one  = PTHREAD_COND_INITIALIZER};
  NRF_TRY(nrf_extract_plan_make(source->info, &plan));
  NRF_TRY(prepare(&p, path, effort));
  st = run(&p);
  if (st == NRF_EINTERRUPTED)
    NRF_FAIL(NRF_EINTERRUPTED, "%s: stopped after %d of %d images, which are kept", path, count_finished(&p),
             plan.images);
  if (st == NRF_OK) st = nrf_extract_finish(p.writer);
done:
  release(&p);
  nrf_extract_plan_free(&plan);
  return st;
}
