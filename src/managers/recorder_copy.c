/* recorder_copy.c - channels-last images to maps of single channels, in the file's number format.
 *
 * A run of pixels is worked on in tiles that fit the first-level cache: four channels of a tile are transposed into a small
 * stage, and each channel's numbers are converted there and go to their map a few cache lines at a time, past the caches
 * where the processor can. So every byte is read once from memory and written once, which is what the copy is bound by.
 * Vectors of four are native everywhere. */
#include "managers/recorder_copy.h"

#include <stdbool.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#define INLINE inline __attribute__((always_inline))

enum {
  TILE  = 64, /* pixels: 256 bytes of a map; with 32 channels 8 KiB of the image */
  GROUP = 4,  /* channels that are transposed together                            */
};

/* ---- number formats --------------------------------------------------------------------------------- */

enum {
  SIGN      = (int)0x80000000,
  INFINITE  = 0x7f800000, /* of floats without their sign: larger ones are NaN */
  QUIET     = 0x00400000,
  MAGNITUDE = 0x7fffffff,

  HALF_INFINITE = 0x7c00,
  HALF_QUIET    = 0x0200,
};

static inline uint32_t bits_of(float f)
{
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  return u;
}

static inline float float_of(uint32_t u)
{
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}

/* IEEE half precision. Without branches, so that loops of it vectorise. */
static inline uint16_t half_of(uint32_t u)
{
  const uint32_t a = u & MAGNITUDE;
  /* The exponent's bias changes from 127 to 15, and 13 bits of the mantissa go: adding just under half of the last bit kept,
   * or half if that bit is odd, rounds to the nearest even, with a carry into the exponent where it belongs. */
  const uint32_t normal = (a - (112u << 23) + 0xfff + (a >> 13 & 1)) >> 13;
  /* The last bit of 0.5 is worth 2^-24, as is that of a subnormal half: the addition rounds. */
  const uint32_t subnormal = bits_of(float_of(a) + 0.5f) - bits_of(0.5f);
  const uint32_t nan       = HALF_INFINITE | HALF_QUIET | (a >> 13 & 0x3ff);

  uint32_t h = a < 113u << 23 ? subnormal : normal;
  h          = a >= 143u << 23 ? (uint32_t)HALF_INFINITE : h;
  h          = a > INFINITE ? nan : h;
  return (uint16_t)(h | (u & SIGN) >> 16);
}

/* `dropped` = 23 - n: bits of the mantissa that go. Rounds like half_of. */
static inline uint32_t rounded_of(uint32_t u, int dropped)
{
  const uint32_t mask  = ~0u << dropped;
  const uint32_t value = u + ((1u << dropped) / 2 - 1) + (u >> dropped & 1);
  return ((u & MAGNITUDE) > INFINITE ? u | QUIET : value) & mask;
}

/* One number to `to`; returns whether it was finite and is not any more. `format` is a constant where this is inlined. */
static INLINE int put_number(nrf_record_number number, int dropped, float from, char *to)
{
  const uint32_t u = bits_of(from);
  if (number == NRF_RECORD_FLOAT32) {
    memcpy(to, &u, sizeof u);
    return 0;
  }
  if (number == NRF_RECORD_FLOAT16) {
    const uint16_t h = half_of(u);
    memcpy(to, &h, sizeof h);
    return ((h & 0x7fff) == HALF_INFINITE) & ((u & MAGNITUDE) < INFINITE);
  }
  const uint32_t v = rounded_of(u, dropped);
  memcpy(to, &v, sizeof v);
  return ((v & MAGNITUDE) == INFINITE) & ((u & MAGNITUDE) < INFINITE);
}

static INLINE int put_numbers(nrf_record_format format, const float *from, int n, char *to)
{
  const size_t bytes   = nrf_record_number_bytes(format);
  const int    dropped = 23 - format.mantissa_bits;
  int          lost    = 0;
#pragma omp simd reduction(+ : lost)
  for (int i = 0; i < n; i++) lost += put_number(format.number, dropped, from[i], to + (size_t)i * bytes);
  return lost;
}

/* ---- writing past the caches ------------------------------------------------------------------------ */

/* Blocks are far larger than the caches, and the next to read them is another thread, later. An ordinary store would first
 * read each line that it overwrites, and push out what the sampler needs next. STREAM bytes are stored at a time. */
#if defined(__AVX512F__)
enum { STREAM = 64 };
static inline void stream(void *to, const void *from)
{
  _mm512_stream_si512(to, _mm512_load_si512(from));
}
#define stream_fence() _mm_sfence()
#elif defined(__SSE2__)
enum { STREAM = 16 };
static inline void stream(void *to, const void *from)
{
  _mm_stream_si128(to, _mm_load_si128(from));
}
#define stream_fence() _mm_sfence()
#else
enum { STREAM = 64 };
static inline void stream(void *to, const void *from)
{
  memcpy(to, from, STREAM);
}
#define stream_fence() ((void)0)
#endif

/* `from` is aligned, `to` perhaps not. */
static INLINE void copy_out(char *to, const char *from, size_t bytes)
{
  size_t done = 0;
  if ((uintptr_t)to % STREAM == 0)
    for (; done + STREAM <= bytes; done += STREAM) stream(to + done, from + done);
  memcpy(to + done, from + done, bytes - done);
}

/* ---- transposing ------------------------------------------------------------------------------------ */

typedef float four __attribute__((vector_size(16)));
typedef float unaligned_four __attribute__((vector_size(16), aligned(4)));

static inline four load_four(const float *from)
{
  return *(const unaligned_four *)(const void *)from;
}

static inline void store_four(float *to, four v)
{
  *(unaligned_four *)(void *)to = v;
}

/* Four neighbouring channels of n pixels, `stride` floats apart, to one row each. */
static void gather_group(const float *from, int stride, int n, float stage[GROUP][TILE])
{
  int p = 0;
  for (; p + 4 <= n; p += 4, from += 4 * (ptrdiff_t)stride) {
    const four a = load_four(from), b = load_four(from + stride);
    const four c = load_four(from + 2 * (ptrdiff_t)stride), d = load_four(from + 3 * (ptrdiff_t)stride);
    const four ab01 = __builtin_shufflevector(a, b, 0, 4, 1, 5),
               ab23 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const four cd01 = __builtin_shufflevector(c, d, 0, 4, 1, 5),
               cd23 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    store_four(&stage[0][p], __builtin_shufflevector(ab01, cd01, 0, 1, 4, 5));
    store_four(&stage[1][p], __builtin_shufflevector(ab01, cd01, 2, 3, 6, 7));
    store_four(&stage[2][p], __builtin_shufflevector(ab23, cd23, 0, 1, 4, 5));
    store_four(&stage[3][p], __builtin_shufflevector(ab23, cd23, 2, 3, 6, 7));
  }
  for (; p < n; p++, from += stride)
    for (int c = 0; c < GROUP; c++) stage[c][p] = from[c];
}

static void gather_one(const float *from, int stride, int n, float stage[TILE])
{
  for (int p = 0; p < n; p++) stage[p] = from[p * (ptrdiff_t)stride];
}

static bool is_group(const int *channel, int left)
{
  return left >= GROUP && channel[GROUP - 1] - channel[0] == GROUP - 1; /* they ascend */
}

/* One channel's n numbers to its map. */
static INLINE int put_channel(nrf_record_format format, const float stage[TILE], int n, char *to)
{
  _Alignas(64) char converted[TILE * sizeof(float)];
  const int         lost = put_numbers(format, stage, n, converted);
  copy_out(to, converted, (size_t)n * nrf_record_number_bytes(format));
  return lost;
}

/* All recorded channels of n <= TILE pixels that follow each other in the image. */
static INLINE int copy_tile(const nrf_recorded_layer *layer, nrf_record_format format, const float *pixels,
                            int n, size_t map_stride, char *out)
{
  _Alignas(64) float stage[GROUP][TILE];
  int                lost = 0;
  for (int c = 0; c < layer->n_channels;) {
    const bool   group = is_group(layer->channel + c, layer->n_channels - c);
    const float *from  = pixels + layer->channel[c];
    if (group)
      gather_group(from, layer->channels, n, stage);
    else
      gather_one(from, layer->channels, n, stage[0]);
    for (int k = 0; k < (group ? GROUP : 1); k++, c++)
      lost += put_channel(format, stage[k], n, out + (size_t)c * map_stride);
  }
  return lost;
}

/* A region as wide as the layer is one run of pixels; otherwise each of its rows is one. */
static INLINE int64_t copy_maps(const nrf_recorded_layer *layer, nrf_record_format format, const float *image,
                                size_t map_stride, char *to)
{
  const bool whole_rows = layer->columns == layer->width;
  const int  runs       = whole_rows ? 1 : layer->rows;
  const int  length     = whole_rows ? layer->rows * layer->columns : layer->columns;
  int64_t    lost       = 0;
  for (int y = 0; y < runs; y++) {
    const float *pixels = image + ((int64_t)(layer->top + y) * layer->width + layer->left) * layer->channels;
    for (int left = length; left > 0; left -= TILE) {
      /* most tiles are full: a number of pixels that the compiler knows */
      if (left >= TILE)
        lost += copy_tile(layer, format, pixels, TILE, map_stride, to);
      else
        lost += copy_tile(layer, format, pixels, left, map_stride, to);
      pixels += (int64_t)TILE * layer->channels;
      to += (left < TILE ? left : TILE) * nrf_record_number_bytes(format);
    }
  }
  stream_fence(); /* streamed stores are not ordered by what hands the block to the writer thread */
  return lost;
}

/* ---- one copy for every format: the compiler knows which ---------------------------------------------- */

static INLINE nrf_record_format with(nrf_record_format format, nrf_record_number number)
{
  return (nrf_record_format){.number = number, .mantissa_bits = format.mantissa_bits};
}

int64_t nrf_copy_maps(const nrf_recorded_layer *layer, nrf_record_format format, const float *image,
                      size_t map_stride, void *out)
{
  switch (format.number) {
  case NRF_RECORD_FLOAT16:
    return copy_maps(layer, with(format, NRF_RECORD_FLOAT16), image, map_stride, out);
  case NRF_RECORD_ROUNDED:
    return copy_maps(layer, with(format, NRF_RECORD_ROUNDED), image, map_stride, out);
  case NRF_RECORD_FLOAT32:
    break;
  }
  return copy_maps(layer, with(format, NRF_RECORD_FLOAT32), image, map_stride, out);
}

int64_t nrf_put_numbers(nrf_record_format format, const float *from, int n, void *to)
{
  return put_numbers(format, from, n, to);
}
