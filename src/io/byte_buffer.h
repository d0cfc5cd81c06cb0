/* byte_buffer.h - bytes in growing memory. A failed growth is remembered, not returned, so that a file can
 * be put together without a check per field: look at `failed` once, at the end. */
#ifndef NRFLV_IO_BYTE_BUFFER_H
#define NRFLV_IO_BYTE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* Start from {0}. `bytes` is aligned for any type and moves when the buffer grows. */
typedef struct nrf_buffer {
  char  *bytes;
  size_t used, capacity;
  bool   failed; /* out of memory; nothing has been put since */
} nrf_buffer;

/* Empties the buffer, keeps its memory, forgets a failure. */
void nrf_buffer_clear(nrf_buffer *b);

void nrf_buffer_put(nrf_buffer *b, const void *bytes, size_t size);
void nrf_buffer_free(nrf_buffer *b);

#endif
