/* text.c - text put together piece by piece. */
#include "analysis/frame/text.h"

#include "nrflv/atomic_file.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_put(nrf_buffer *text, const char *string)
{
  nrf_buffer_put(text, string, strlen(string));
}

void text_printf(nrf_buffer *text, const char *fmt, ...)
{
  char    line[4096]; /* everything longer is put with text_put */
  va_list arguments;
  va_start(arguments, fmt);
  const int n = vsnprintf(line, sizeof line, fmt, arguments);
  va_end(arguments);
  if (n < 0 || (size_t)n >= sizeof line)
    text->failed = true;
  else
    nrf_buffer_put(text, line, (size_t)n);
}

nrf_status text_check(const nrf_buffer *text, const char *what)
{
  return text->failed ? nrf_error(NRF_ENOMEM, "%s: out of memory after %zu bytes", what, text->used) : NRF_OK;
}

nrf_status text_write(const char *path, const nrf_buffer *text)
{
  nrf_status       st   = NRF_OK;
  nrf_atomic_file *file = NULL;
  NRF_TRY(nrf_atomic_create(path, &file));
  NRF_TRY(nrf_atomic_append(file, text->bytes, text->used));
  NRF_TRY(nrf_atomic_commit_unflushed(file));
done:
  nrf_atomic_free(file);
  return st;
}

bool text_is_file_name(const char *name, size_t bytes)
{
  const size_t length = strlen(name);
  if (length == 0 || length >= bytes || name[0] == '.' || name[0] == '-') return false;
  for (size_t i = 0; i < length; i++)
    if (!isalnum((unsigned char)name[i]) && !strchr("_-.", name[i])) return false;
  return true;
}

nrf_status text_path(char *path, size_t bytes, const char *directory, const char *name, const char *ending)
{
  const int n = snprintf(path, bytes, "%s/%s%s", directory, name, ending);
  if (n >= 0 && (size_t)n < bytes) return NRF_OK;
  return nrf_error(NRF_EINVAL, "%.200s/...: the path of '%.100s%s' is too long", directory, name, ending);
}
