/* What the recorder makes of an image: the right numbers at the right places, rounded as IEEE 754 says, and nothing
 * beside them touched. */
#include "managers/recorder_copy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static float float_of(uint32_t bits)
{
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static uint32_t bits_of(float f)
{
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

/* ---- rounding, by definition ------------------------------------------------------------------------- */

/* The nearest number with `mantissa` bits and exponents min .. max, in the arithmetic of doubles, which holds all that occurs
 * here exactly. rint rounds to even. */
static double nearest(double x, int mantissa, int min_exponent, int max_exponent)
{
  if (x == 0 || !isfinite(x)) return x;
  const int    exponent = ilogb(x) < min_exponent ? min_exponent : ilogb(x);
  const double last     = scalbn(1.0, exponent - mantissa);
  const double y        = rint(x / last) * last;
  return fabs(y) < scalbn(1.0, max_exponent + 1) ? y : copysign(INFINITY, x);
}

static double half_value(uint16_t h)
{
  const int    exponent = h >> 10 & 31, mantissa = h & 1023;
  const double sign = h >> 15 != 0 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa != 0 ? (double)NAN : sign * (double)INFINITY;
  if (exponent == 0) return sign * scalbn(mantissa, -24);
  return sign * scalbn(1024 + mantissa, exponent - 25);
}

/* Bit patterns: every sign and exponent with mantissas whose upper half is everything that float16 keeps and more, and
 * whose lower half lies on, just below and just above all ties. */
enum { LOWER = 12, PATTERNS = 65536 * LOWER };

static uint32_t pattern(int i)
{
  static const uint16_t lower[LOWER] = {0,      1,      0x0fff, 0x1000, 0x1001, 0x2fff,
                                        0x3000, 0x3001, 0x5a5a, 0x7fff, 0x8000, 0xffff};
  return (uint32_t)(i / LOWER) << 16 | lower[i % LOWER];
}

/* Mantissas around the tie of n bits, and the all-ones that carry into the exponent, for every sign and exponent. */
enum { SHAPES = 12, TIES = 512 * SHAPES };

static uint32_t tie(int i, int n)
{
  const uint32_t one = 1u << (23 - n), half = one / 2, all = 0x7fffff;
  const uint32_t mantissa[SHAPES] = {
      half,          half - 1,       half + 1, one + half, one + half - 1, one + half + 1, all - half,
      all - one + 1, all - half + 1, all,      one,        3 * half + 1};
  return (uint32_t)(i / SHAPES) << 23 | (mantissa[i % SHAPES] & all);
}

static bool same(double got, double want)
{
  return isnan(want) ? isnan(got) : got == want && signbit(got) == signbit(want);
}

static const nrf_record_format float16 = {.number = NRF_RECORD_FLOAT16};

/* Converts `n` numbers and compares each with the definition; returns how many became infinite. */
static int64_t check_float16(const float *from, int n)
{
  uint16_t     *half  = malloc((size_t)n * sizeof *half);
  const int64_t lost  = nrf_put_numbers(float16, from, n, half);
  int64_t       count = 0;
  for (int i = 0; i < n; i++) {
    const double want = nearest(from[i], 10, -14, 15);
    if (!same(half_value(half[i]), want))
      fail_msg("0x%08x (%g) became 0x%04x (%g), not %g", bits_of(from[i]), (double)from[i], half[i],
               half_value(half[i]), want);
    count += isfinite(from[i]) && isinf(want);
  }
  free(half);
  assert_int_equal(lost, count);
  return lost;
}

static int64_t check_rounded(const float *from, int n, int mantissa_bits)
{
  const nrf_record_format format = {.number = NRF_RECORD_ROUNDED, .mantissa_bits = mantissa_bits};
  float                  *to     = malloc((size_t)n * sizeof *to);
  const int64_t           lost   = nrf_put_numbers(format, from, n, to);
  int64_t                 count  = 0;
  for (int i = 0; i < n; i++) {
    const double want = nearest(from[i], mantissa_bits, -126, 127);
    if (!same(to[i], want))
      fail_msg("0x%08x (%g) became %g with %d bits, not %g", bits_of(from[i]), (double)from[i], (double)to[i],
               mantissa_bits, want);
    assert_int_equal(bits_of(to[i]) & ((1u << (23 - mantissa_bits)) - 1), 0);
    if (isnormal(from[i]) && isfinite(want))
      assert_true(fabs(to[i] - (double)from[i]) <= nrf_record_error_bound(format) * fabs((double)from[i]));
    count += isfinite(from[i]) && isinf(want);
  }
  free(to);
  assert_int_equal(lost, count);
  return lost;
}

static void float16_is_the_nearest_half_precision_number(void **state)
{
  (void)state;
  float *from = malloc(PATTERNS * sizeof *from);
  for (int i = 0; i < PATTERNS; i++) from[i] = float_of(pattern(i));
  assert_true(check_float16(from, PATTERNS) > 0);
  free(from);
}

static void float16_ends_where_numpys_does(void **state)
{
  (void)state;
  const float    from[] = {65504,    65519.996f, 65520, 65536, -65520, 1e30f,
                           INFINITY, -INFINITY,  6e-8f, 2e-8f, -0.0f};
  const uint16_t want[] = {0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 0x7c00,
                           0x7c00, 0xfc00, 0x0001, 0x0000, 0x8000};
  enum { N = sizeof from / sizeof from[0] };
  uint16_t got[N];
  assert_int_equal(nrf_put_numbers(float16, from, N, got), 4); /* the infinities were infinite before */
  assert_memory_equal(got, want, sizeof want);
}

static void rounded_numbers_are_the_nearest_with_so_many_bits(void **state)
{
  (void)state;
  float *from = malloc(PATTERNS * sizeof *from);
  for (int bits = 1; bits <= 22; bits++) {
    for (int i = 0; i < TIES; i++) from[i] = float_of(tie(i, bits));
    assert_int_equal(check_rounded(from, TIES, bits) > 0, true);
  }
  for (int i = 0; i < PATTERNS; i++) from[i] = float_of(pattern(i));
  (void)check_rounded(from, PATTERNS, 10);
  free(from);
}

static void nan_stays_nan_in_every_format(void **state)
{
  (void)state;
  /* quiet, signalling, with a payload in the last bit only, with all bits set, of both signs */
  static const uint32_t nan_bits[] = {0x7fc00000, 0x7f800001, 0x7fffffff, 0xffc00000,
                                      0xff800001, 0xffffffff, 0x7f801000};
  enum { N = sizeof nan_bits / sizeof nan_bits[0] };
  float    from[N], to[N];
  uint16_t half[N];
  for (int i = 0; i < N; i++) from[i] = float_of(nan_bits[i]);
  (void)check_float16(from, N);
  assert_int_equal(nrf_put_numbers(float16, from, N, half), 0);
  for (int i = 0; i < N; i++) assert_int_equal(half[i] >> 15, nan_bits[i] >> 31);
  for (int bits = 1; bits <= 22; bits++) (void)check_rounded(from, N, bits);
  assert_int_equal(nrf_put_numbers((nrf_record_format){.number = NRF_RECORD_FLOAT32}, from, N, to), 0);
  for (int i = 0; i < N; i++) assert_true(isnan(to[i]));
}

/* ---- places ----------------------------------------------------------------------------------------- */

/* Layers and what is recorded of them. The numbers of channels and pixels are below, at, between and above those that are
 * worked on together (4 and 64). */
typedef struct copy_case {
  const char *why;
  int         channels, height, width;
  int         top, left, rows, columns;
  int         n_channels; /* recorded: the first ones of `channel`, or all if 0 */
  int         channel[12];
} copy_case;

static const copy_case cases[] = {
    {"the thesis layer", 32, 32, 32, 0, 0, 32, 32, 0, {0}},
    {"an image: three channels", 3, 9, 7, 0, 0, 9, 7, 0, {0}},
    {"one pixel, one channel", 1, 1, 1, 0, 0, 1, 1, 0, {0}},
    {"five channels: a group and one more", 5, 5, 13, 0, 0, 5, 13, 0, {0}},
    {"scattered channels", 40, 6, 11, 0, 0, 6, 11, 5, {0, 7, 8, 20, 39}},
    {"groups between single channels", 24, 4, 17, 0, 0, 4, 17, 11, {1, 3, 4, 5, 6, 9, 10, 11, 12, 13, 23}},
    {"a region inside", 8, 10, 12, 2, 3, 5, 6, 0, {0}},
    {"a region of whole rows", 6, 10, 12, 4, 0, 3, 12, 0, {0}},
    {"one pixel of a region", 12, 10, 12, 9, 11, 1, 1, 3, {0, 5, 11}},
    {"a wide region: more than a tile per row", 4, 3, 200, 1, 20, 2, 150, 0, {0}},
    {"a long run that ends within a tile", 16, 33, 31, 0, 0, 33, 31, 0, {0}},
};

enum { CASES = sizeof cases / sizeof cases[0], GUARD = 24 };

static void fill_with_different_numbers(float *to, size_t n)
{
  uint32_t x = 12345;
  for (size_t i = 0; i < n; i++) {
    x     = x * 1664525u + 1013904223u;
    to[i] = (float)(int32_t)x * 0x1p-30f;
  }
}

static void check_copy(const copy_case *c, nrf_record_format format, size_t misalignment)
{
  int                      channel[64];
  const int                n_channels = c->n_channels != 0 ? c->n_channels : c->channels;
  const nrf_recorded_layer layer      = {1,       c->channels, c->height, c->width, n_channels,
                                         channel, c->top,      c->left,   c->rows,  c->columns};
  const size_t             bytes      = nrf_record_number_bytes(format);
  const size_t             map = (size_t)c->rows * (size_t)c->columns * bytes, stride = map + GUARD;
  const size_t             units = (size_t)c->channels * (size_t)c->height * (size_t)c->width;
  const size_t             total = misalignment + GUARD + (size_t)n_channels * stride;
  float                   *image = aligned_alloc(64, (units * sizeof *image + 63) / 64 * 64);
  unsigned char           *got = malloc(total), *want = malloc(total);
  for (int k = 0; k < n_channels; k++) channel[k] = c->n_channels != 0 ? c->channel[k] : k;
  fill_with_different_numbers(image, units);
  memset(got, 0xa5, total);
  memset(want, 0xa5, total);
  for (int k = 0; k < n_channels; k++)
    for (int y = 0; y < c->rows; y++)
      for (int x = 0; x < c->columns; x++) {
        const int   pixel  = (c->top + y) * c->width + c->left + x;
        const float number = image[pixel * c->channels + channel[k]];
        (void)nrf_put_numbers(format, &number, 1,
                              want + misalignment + GUARD + (size_t)k * stride +
                                  (size_t)(y * c->columns + x) * bytes);
      }
  assert_int_equal(nrf_copy_maps(&layer, format, image, stride, got + misalignment + GUARD), 0);
  if (memcmp(got, want, total) != 0)
    fail_msg("%s, %s: wrong numbers, places, or bytes beside them", c->why,
             nrf_record_number_name(format.number));
  free(image);
  free(got);
  free(want);
}

static void every_number_goes_to_its_place_and_nothing_else_changes(void **state)
{
  (void)state;
  static const nrf_record_format formats[] = {{.number = NRF_RECORD_FLOAT32},
                                              {.number = NRF_RECORD_FLOAT16},
                                              {.number = NRF_RECORD_ROUNDED, .mantissa_bits = 7}};
  for (int i = 0; i < CASES; i++)
    for (int f = 0; f < 3; f++)
      for (size_t misalignment = 0; misalignment < 64; misalignment += 20)
        check_copy(&cases[i], formats[f], misalignment);
}

static void overflows_of_all_maps_are_counted(void **state)
{
  (void)state;
  enum { CHANNELS = 6, PIXELS = 70 };
  const int                channel[]                = {0, 1, 2, 3, 5};
  const nrf_recorded_layer layer                    = {1, CHANNELS, 1, PIXELS, 5, channel, 0, 0, 1, PIXELS};
  float                    image[PIXELS * CHANNELS] = {0};
  uint16_t                 out[5 * PIXELS];
  image[0]                 = 1e6f;  /* in a group                     */
  image[69 * CHANNELS + 5] = -7e4f; /* alone, in the last tile        */
  image[30 * CHANNELS + 4] = 1e6f;  /* in a channel that is not recorded */
  image[31 * CHANNELS + 1] = INFINITY;
  assert_int_equal(nrf_copy_maps(&layer, float16, image, PIXELS * sizeof *out, out), 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(float16_is_the_nearest_half_precision_number),
      cmocka_unit_test(float16_ends_where_numpys_does),
      cmocka_unit_test(rounded_numbers_are_the_nearest_with_so_many_bits),
      cmocka_unit_test(nan_stays_nan_in_every_format),
      cmocka_unit_test(every_number_goes_to_its_place_and_nothing_else_changes),
      cmocka_unit_test(overflows_of_all_maps_are_counted),
  };
  return cmocka_run_group_tests_name("recorder_copy", tests, NULL, NULL);
}
