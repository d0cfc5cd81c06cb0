/* byte_buffer.c - bytes in growing memory. */
#include "io/byte_buffer.h"

#include "nrflv/memory.h"

#include <stdint.h>
#include <string.h>

void nrf_buffer_clear(nrf_buffer *b)
{
  b->used   = 0;
  b->failed = false;
}

static void grow(nrf_buffer *b, size_t needed)
{
  void *memory = NULL;
  b->failed    = needed > SIZE_MAX / 2 || nrf_alloc(2 * needed, "buffer", &memory) != NRF_OK;
  if (b->failed) return;
  if (b->used > 0) memcpy(memory, b->bytes, b->used);
  nrf_free(b->bytes);
  b->bytes    = memory;
  b->capacity = 2 * needed;
}

void nrf_buffer_put(nrf_buffer *b, const void *bytes, size_t size)
{
  if (size == 0 || b->failed) return;
  if (size > b->capacity - b->used) grow(b, b->used + size);
  if (b->failed) return;
  memcpy(b->bytes + b->used, bytes, size);
  b->used += size;
}

void nrf_buffer_free(nrf_buffer *b)
{
  nrf_free(b->bytes);
  *b = (nrf_buffer){0};
}
