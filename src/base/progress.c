/* progress.c - calls the progress callbacks that are there. */
#include "nrflv/progress.h"

#include <stdarg.h>
#include <stdio.h>

enum { TEXT_BYTES = 1024 };

void nrf_progress_begin(const nrf_progress *progress, const char *title, const char *unit, int64_t done)
{
  if (progress && progress->begin) progress->begin(progress->context, title, unit, done);
}

void nrf_progress_update(const nrf_progress *progress, int64_t done, int64_t total, const char *fmt, ...)
{
  if (!progress || !progress->update) return;
  char    text[TEXT_BYTES];
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  progress->update(progress->context, done, total, text);
}

void nrf_progress_end(const nrf_progress *progress)
{
  if (progress && progress->end) progress->end(progress->context);
}

void nrf_progress_message(const nrf_progress *progress, nrf_level level, const char *fmt, ...)
{
  if (!progress || !progress->message) return;
  char    text[TEXT_BYTES];
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  progress->message(progress->context, level, text);
}

bool nrf_progress_stop_requested(const nrf_progress *progress)
{
  return progress && progress->stop_requested && progress->stop_requested(progress->context);
}
