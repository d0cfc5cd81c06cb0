/* status.c - the per-thread error message behind nrf_status. */
#define NRF_STATUS_FUNCTIONS
#include "nrflv/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 1024 };

/* Per thread, like errno: a message belongs to the call that just failed in this thread. */
static _Thread_local char message[MESSAGE_BYTES];

nrf_status nrf_error(nrf_status code, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(message, sizeof message, fmt, args);
  va_end(args);
  return code;
}

nrf_status nrf_error_context(nrf_status code, const char *fmt, ...)
{
  if (code == NRF_OK) return NRF_OK;
  char inner[MESSAGE_BYTES];
  memcpy(inner, message, sizeof inner);

  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(message, sizeof message, fmt, args);
  va_end(args);

  const size_t used = strlen(message);
  (void)snprintf(message + used, sizeof message - used, ": %s", inner);
  return code;
}

nrf_status nrf_error_errno(const char *fmt, ...)
{
  const int saved = errno;
  va_list   args;
  va_start(args, fmt);
  (void)vsnprintf(message, sizeof message, fmt, args);
  va_end(args);

  const size_t used = strlen(message);
  (void)snprintf(message + used, sizeof message - used, ": %s", strerror(saved));
  if (saved == ENOSPC || saved == EDQUOT) return NRF_ENOSPACE;
  if (saved == ENOMEM) return NRF_ENOMEM;
  return NRF_EIO;
}

const char *nrf_error_message(void)
{
  return message;
}
