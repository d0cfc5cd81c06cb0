/* h5_filter.c - shuffle, deflate, Fletcher32. */
#include "io/h5_filter.h"

#include <string.h>
#include <zlib.h>

enum { CHECKSUM_BYTES = 4 };

/* First bytes of all elements, then second bytes ... */
static void shuffle(size_t element, const unsigned char *in, size_t bytes, unsigned char *out)
{
  const size_t n = bytes / element;
  for (size_t b = 0; b < element; b++)
    for (size_t i = 0; i < n; i++) *out++ = in[i * element + b];
  memcpy(out, in + n * element, bytes - n * element);
}

uint32_t nrf_h5_fletcher32(const void *bytes, size_t size)
{
  enum { WORDS = 360 }; /* that many can be added before the sums may overflow */
  const unsigned char *at   = bytes;
  uint32_t             sum1 = 0, sum2 = 0;
  for (size_t words = size / 2; words > 0;) {
    const size_t n = words < WORDS ? words : WORDS;
    for (size_t i = 0; i < n; i++, at += 2) {
      sum1 += (uint32_t)at[0] << 8 | at[1];
      sum2 += sum1;
    }
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
    words -= n;
  }
  if (size % 2 != 0) {
    sum1 += (uint32_t)*at << 8;
    sum2 += sum1;
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  }
  sum1 = (sum1 & 0xffff) + (sum1 >> 16);
  sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  return sum2 << 16 | sum1;
}

/* Two buffers, each with room for a checksum behind. */
size_t nrf_h5_filter_memory(size_t bytes)
{
  return 2 * (bytes + CHECKSUM_BYTES);
}

/* Where the next filter writes: the buffer that the data are not in. */
static unsigned char *other_buffer(unsigned char *memory, size_t bytes, const void *data)
{
  return data == memory ? memory + bytes + CHECKSUM_BYTES : memory;
}

static void append_checksum(const nrf_h5_filtered *in, unsigned char *out)
{
  const uint32_t sum = nrf_h5_fletcher32(in->data, in->bytes);
  if (out != in->data) memmove(out, in->data, in->bytes);
  for (int i = 0; i < CHECKSUM_BYTES; i++) out[in->bytes + (size_t)i] = (unsigned char)(sum >> (8 * i));
}

bool nrf_h5_filter_chunk(nrf_h5_filters filters, size_t element, const void *chunk, size_t bytes,
                         void *memory, nrf_h5_filtered *out)
{
  *out = (nrf_h5_filtered){chunk, bytes, 0};
  if (filters.shuffle) {
    unsigned char *to = other_buffer(memory, bytes, out->data);
    shuffle(element, out->data, bytes, to);
    out->data = to;
  }
  if (filters.deflate > 0) {
    unsigned char *to     = other_buffer(memory, bytes, out->data);
    uLongf         size   = bytes; /* no more: it would not be worth it */
    const int      result = compress2(to, &size, out->data, bytes, filters.deflate);
    if (result == Z_MEM_ERROR) return false;
    if (result == Z_OK && size < bytes) {
      out->data  = to;
      out->bytes = size;
    } else
      out->skipped = filters.shuffle ? 2 : 1; /* its bit: it is the second filter, or the first */
  }
  if (filters.fletcher32) {
    unsigned char *to = out->data == chunk ? memory : (unsigned char *)out->data;
    append_checksum(out, to);
    out->data = to;
    out->bytes += CHECKSUM_BYTES;
  }
  return true;
}
