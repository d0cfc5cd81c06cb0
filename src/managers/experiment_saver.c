/* experiment_saver.c - saves the sampler now and then beside a recording that is under way. */
#include "managers/experiment_saver.h"

#include "managers/time_limit.h"
#include "nrflv/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

/* The first save comes early: a session that does not live for a second shall get ahead all the same. */
static const double FIRST_AFTER = 0.25, SHORTEST_INTERVAL = 1.0, SHARE_OF_TIME = 0.03;

/* The copy belongs to the thread that samples while idle or saved, to nobody while waiting, and to the saving thread while
 * saving. */
typedef enum save_stage { IDLE, WAITING, SAVING, SAVED } save_stage;

struct nrf_saver {
  nrf_sampler_state    *copy;
  const char           *path;
  nrf_recording_writer *writer;
  nrf_recorder         *recorder;
  const nrf_progress   *progress;
  double                next, interval; /* when the next save begins; seconds between two */
  double                copy_seconds;
  bool                  warned;
  pthread_t             thread;

  pthread_mutex_t lock; /* protects what follows */
  pthread_cond_t  changed;
  save_stage      stage;
  bool            quit;
  double          save_seconds;
  nrf_status      status;
  char            message[1024];
};

/* ---- the saving thread, and the recorder's ---- */

/* seconds: of writing the copy. The recording has to get to the disk some time anyway. */
static nrf_status save(nrf_saver *s, double *seconds)
{
  *seconds = 0;
  NRF_RETURN_IF_ERROR(nrf_recording_sync(s->writer));
  const double     start = nrf_seconds_now();
  const nrf_status st    = nrf_sampler_state_write(s->copy, s->path);
  *seconds               = nrf_seconds_now() - start;
  return st;
}

static void *saving_thread(void *context)
{
  nrf_saver *s = context;
  (void)pthread_mutex_lock(&s->lock);
  while (!s->quit) {
    if (s->stage != SAVING) {
      (void)pthread_cond_wait(&s->changed, &s->lock);
      continue;
    }
    (void)pthread_mutex_unlock(&s->lock);
    double           seconds;
    const nrf_status st = save(s, &seconds);
    (void)pthread_mutex_lock(&s->lock);
    s->save_seconds = seconds;
    s->status       = st;
    if (st != NRF_OK) (void)snprintf(s->message, sizeof s->message, "%s", nrf_error_message());
    s->stage = SAVED;
    (void)pthread_cond_broadcast(&s->changed);
  }
  (void)pthread_mutex_unlock(&s->lock);
  return NULL;
}

static void set_stage(nrf_saver *s, save_stage stage)
{
  (void)pthread_mutex_lock(&s->lock);
  s->stage = stage;
  (void)pthread_cond_broadcast(&s->changed);
  (void)pthread_mutex_unlock(&s->lock);
}

/* Called by the recorder: all rows before the copy are in the recording. */
static nrf_status begin_saving(void *user)
{
  set_stage(user, SAVING);
  return NRF_OK;
}

/* ---- life ---- */

/* Signals are for the thread that samples. */
static nrf_status start_thread(nrf_saver *s)
{
  sigset_t all, before;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(&s->thread, NULL, saving_thread, s);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed == 0 ? NRF_OK : nrf_error(NRF_ENOMEM, "the thread that saves could not be started");
}

static void release(nrf_saver *s)
{
  (void)pthread_cond_destroy(&s->changed);
  (void)pthread_mutex_destroy(&s->lock);
  nrf_free(s);
}

nrf_status nrf_saver_create(nrf_sampler_state *copy, const char *path, nrf_recording_writer *w,
                            nrf_recorder *recorder, const nrf_progress *progress, nrf_saver **out)
{
  nrf_saver *s = NULL;
  *out         = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *s, "saving of the sampler", (void **)&s));
  s->copy     = copy;
  s->path     = path;
  s->writer   = w;
  s->recorder = recorder;
  s->progress = progress;
  s->interval = SHORTEST_INTERVAL;
  s->next     = nrf_seconds_now() + FIRST_AFTER;
  (void)pthread_mutex_init(&s->lock, NULL);
  (void)pthread_cond_init(&s->changed, NULL);
  const nrf_status st = start_thread(s);
  if (st == NRF_OK)
    *out = s;
  else
    release(s);
  return st;
}

void nrf_saver_free(nrf_saver *s)
{
  if (s == NULL) return;
  (void)pthread_mutex_lock(&s->lock);
  s->quit = true;
  (void)pthread_cond_broadcast(&s->changed);
  (void)pthread_mutex_unlock(&s->lock);
  (void)pthread_join(s->thread, NULL);
  release(s);
}

/* ---- the thread that samples ---- */

static void warn(nrf_saver *s)
{
  if (!s->warned)
    nrf_progress_message(
        s->progress, NRF_WARNING,
        "%s; the recording goes on, but should it be cut short, the steps since the last save "
        "have to be computed again",
        s->message);
  s->warned = true;
}

/* The stage; a save that is complete is taken note of and makes it IDLE. `wait`: for a save under way. */
static save_stage stage_now(nrf_saver *s, bool wait)
{
  (void)pthread_mutex_lock(&s->lock);
  while (wait && s->stage == SAVING) (void)pthread_cond_wait(&s->changed, &s->lock);
  const bool saved = s->stage == SAVED;
  if (saved) s->stage = IDLE;
  const save_stage stage = s->stage;
  (void)pthread_mutex_unlock(&s->lock);
  if (!saved) return stage;
  const double rare = (s->copy_seconds + s->save_seconds) / SHARE_OF_TIME;
  s->interval       = rare > SHORTEST_INTERVAL ? rare : SHORTEST_INTERVAL;
  if (s->status != NRF_OK) warn(s);
  return IDLE;
}

nrf_status nrf_saver_look(nrf_saver *s, int64_t steps)
{
  const double now = nrf_seconds_now();
  if (stage_now(s, false) != IDLE || now < s->next) return NRF_OK;
  nrf_sampler_state_take(s->copy, steps);
  s->copy_seconds = nrf_seconds_now() - now;
  s->next         = now + s->interval;
  set_stage(s, WAITING);
  return nrf_recorder_save_point(s->recorder, begin_saving, s);
}

nrf_status nrf_saver_save(nrf_saver *s, int64_t steps)
{
  double seconds;
  (void)stage_now(s, true);
  nrf_sampler_state_take(s->copy, steps);
  return save(s, &seconds);
}
