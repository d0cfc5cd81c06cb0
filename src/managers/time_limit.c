/* time_limit.c - when a session has to save in order to end within --max_hours. */
#include "managers/time_limit.h"

#include <time.h>

/* What a slow disk writes in a second. */
static const double disk_bytes_per_second = 50e6;

double nrf_seconds_now(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail on Linux */
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

nrf_time_limit nrf_time_limit_start(double hours)
{
  const double now = nrf_seconds_now();
  return (nrf_time_limit){.started = now, .limit = hours * 3600.0, .last_look = now};
}

bool nrf_time_is_up(nrf_time_limit *t, int64_t bytes)
{
  if (t->limit <= 0.0) return false;
  const double now     = nrf_seconds_now();
  const double step    = now - t->last_look;
  const double reserve = t->slowest_save + (double)bytes / disk_bytes_per_second;
  if (step > t->slowest_step) t->slowest_step = step;
  t->last_look = now;
  return now - t->started + t->slowest_step + reserve >= t->limit;
}

void nrf_time_limit_saved(nrf_time_limit *t, double seconds)
{
  if (seconds > t->slowest_save) t->slowest_save = seconds;
}

/* ---- progress with a time limit ---- */

static void on_begin(void *context, const char *title, const char *unit, int64_t done)
{
  nrf_progress_begin(((nrf_limited_progress *)context)->inner, title, unit, done);
}

static void on_update(void *context, int64_t done, int64_t total, const char *text)
{
  nrf_progress_update(((nrf_limited_progress *)context)->inner, done, total, "%s", text);
}

static void on_end(void *context)
{
  nrf_progress_end(((nrf_limited_progress *)context)->inner);
}

static void on_message(void *context, nrf_level level, const char *text)
{
  nrf_progress_message(((nrf_limited_progress *)context)->inner, level, "%s", text);
}

static bool on_stop_requested(void *context)
{
  nrf_limited_progress *l = context;
  if (nrf_time_is_up(l->limit, 0)) l->out_of_time = true;
  return l->out_of_time || nrf_progress_stop_requested(l->inner);
}

nrf_progress nrf_limited_progress_of(nrf_limited_progress *limited)
{
  return (nrf_progress){.context        = limited,
                        .begin          = on_begin,
                        .update         = on_update,
                        .end            = on_end,
                        .message        = on_message,
                        .stop_requested = on_stop_requested};
}
