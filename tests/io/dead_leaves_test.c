/* Dead leaves: the same bytes everywhere, and the statistics of natural images. */
#include "nrflv/dead_leaves.h"

#include "io/md5.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = NRF_DEAD_LEAVES_SIZE, PIXELS = N * N, BYTES = 3 * PIXELS, IMAGES = 600, SEED = 1 };

static uint8_t images[IMAGES][BYTES];

static int draw_images(void **state)
{
  (void)state;
  for (int k = 0; k < IMAGES; k++) nrf_dead_leaves_image(SEED, (uint64_t)k, images[k]);
  return 0;
}

static void image_depends_on_seed_and_number_alone(void **state)
{
  (void)state;
  uint8_t again[BYTES];
  nrf_dead_leaves_image(SEED, 7, again);
  assert_memory_equal(again, images[7], BYTES);
  assert_memory_not_equal(images[7], images[8], BYTES);
  nrf_dead_leaves_image(SEED + 1, 7, again);
  assert_memory_not_equal(again, images[7], BYTES);
}

/* "The same seed" must go on meaning the same images: a model trained on them can be resumed by a later version. */
static void first_ten_images_are_what_they_always_were(void **state)
{
  (void)state;
  nrf_md5 md5;
  char    hex[NRF_MD5_HEX_BYTES];
  nrf_md5_init(&md5);
  nrf_md5_update(&md5, images, 10 * BYTES);
  nrf_md5_final(&md5, hex);
  assert_string_equal(hex, "3a4a8321e69ae6338e83962649ef4b6c");
}

static void brightness_and_contrast_are_those_of_photographs(void **state)
{
  (void)state;
  for (int c = 0; c < 3; c++) {
    double sum = 0.0, squares = 0.0;
    int    lowest = 255, highest = 0;
    for (int k = 0; k < IMAGES; k++)
      for (int i = 0; i < PIXELS; i++) {
        const int v = images[k][c * PIXELS + i];
        sum += v / 255.0;
        squares += v / 255.0 * (v / 255.0);
        if (v < lowest) lowest = v;
        if (v > highest) highest = v;
      }
    const double mean = sum / (IMAGES * PIXELS), sd = sqrt(squares / (IMAGES * PIXELS) - mean * mean);
    assert_true(mean > 0.4 && mean < 0.6);
    assert_true(sd > 0.15 && sd < 0.35);
    assert_true(lowest < 13 && highest > 242); /* the whole range is used */
  }
}

/* Colour channels go together, red and blue least (CIFAR-10: 0.90, 0.91, 0.78). */
static void colours_are_correlated_as_in_photographs(void **state)
{
  (void)state;
  const int pairs[3][2] = {{0, 1}, {1, 2}, {0, 2}};
  double    correlation[3];
  for (int p = 0; p < 3; p++) {
    double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (int k = 0; k < IMAGES; k++)
      for (int i = 0; i < PIXELS; i++) {
        const double x = images[k][pairs[p][0] * PIXELS + i], y = images[k][pairs[p][1] * PIXELS + i];
        a += x, b += y, aa += x * x, bb += y * y, ab += x * y;
      }
    const double n = (double)IMAGES * PIXELS;
    correlation[p] = (ab / n - a / n * b / n) / sqrt((aa / n - a / n * a / n) * (bb / n - b / n * b / n));
  }
  assert_true(correlation[0] > 0.8 && correlation[0] < 0.97);
  assert_true(correlation[1] > 0.8 && correlation[1] < 0.97);
  assert_true(correlation[2] > 0.65 && correlation[2] < correlation[0] && correlation[2] < correlation[1]);
}

/* A leaf's edge is smooth: pixels that lie wholly in one leaf share their colour exactly, those on an edge mix two.
 * So there must be areas of one colour (large leaves) and edges must take many values, not just two. */
static void leaves_are_flat_and_their_edges_are_smooth(void **state)
{
  (void)state;
  int flat = 0, mixed = 0;
  for (int k = 0; k < IMAGES; k++)
    for (int i = 1; i + 1 < PIXELS; i++) {
      if (i % N == 0 || i % N == N - 1) continue;
      const int left = images[k][i - 1], here = images[k][i], right = images[k][i + 1];
      flat += left == here && here == right;
      mixed += (left < here && here < right) || (left > here && here > right);
    }
  const double places = (double)IMAGES * N * (N - 2);
  assert_true(flat / places > 0.1);
  assert_true(mixed / places > 0.2);
}

/* --- the power spectrum --- */

/* Power of the N x N real image at all frequencies: a discrete Fourier transform, rows then columns, by its
 * definition. Added to power[fy][fx]. */
static void add_power(const double image[N][N], double power[N][N])
{
  static double cosine[N], sine[N];
  if (cosine[0] == 0.0)
    for (int i = 0; i < N; i++) cosine[i] = cos(2 * M_PI * i / N), sine[i] = sin(2 * M_PI * i / N);

  static double re[N][N], im[N][N];
  for (int y = 0; y < N; y++)
    for (int f = 0; f < N; f++) {
      re[y][f] = im[y][f] = 0.0;
      for (int x = 0; x < N; x++) {
        re[y][f] += image[y][x] * cosine[f * x % N];
        im[y][f] -= image[y][x] * sine[f * x % N];
      }
    }
  for (int fx = 0; fx < N; fx++)
    for (int fy = 0; fy < N; fy++) {
      double sum_re = 0.0, sum_im = 0.0;
      for (int y = 0; y < N; y++) {
        const double c = cosine[fy * y % N], s = -sine[fy * y % N];
        sum_re += re[y][fx] * c - im[y][fx] * s;
        sum_im += re[y][fx] * s + im[y][fx] * c;
      }
      power[fy][fx] += sum_re * sum_re + sum_im * sum_im;
    }
}

/* Least-squares slope of log(mean power in a ring) over log(radius), radii from..to cycles per image. */
static double radial_exponent(const double power[N][N], int from, int to)
{
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (int radius = from; radius <= to; radius++) {
    double sum   = 0.0;
    int    count = 0;
    for (int fy = 0; fy < N; fy++)
      for (int fx = 0; fx < N; fx++) {
        const double r = hypot(fy < N / 2 ? fy : fy - N, fx < N / 2 ? fx : fx - N);
        if (r < radius - 0.5 || r >= radius + 0.5) continue;
        sum += power[fy][fx];
        count++;
      }
    const double x = log(radius), y = log(sum / count);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/* Mean power of the images' luminance less the ensemble's mean. The window is Hann's in both directions: without one,
 * the jump between opposite borders leaks a 1/f^2 of its own into every frequency, and the test would partly
 * measure that; `plain` measures it none the less, as many do. Radii from 2 (the window spreads the power of 0 to 1)
 * to 12 (above it the pixels' own area averages what the leaves have). */
static void spectrum_falls_off_like_that_of_natural_images(void **state)
{
  (void)state;
  static double windowed[N][N], plain[N][N];
  double        mean = 0.0;
  for (int k = 0; k < IMAGES; k++)
    for (int i = 0; i < BYTES; i++) mean += images[k][i] / (255.0 * IMAGES * BYTES);

  for (int k = 0; k < IMAGES; k++) {
    double image[N][N], faded[N][N];
    for (int y = 0; y < N; y++)
      for (int x = 0; x < N; x++) {
        const uint8_t *p = &images[k][y * N + x];
        image[y][x]      = (p[0] + p[PIXELS] + p[2 * PIXELS]) / (3 * 255.0) - mean;
        faded[y][x]      = image[y][x] * pow(sin(M_PI * (y + 0.5) / N) * sin(M_PI * (x + 0.5) / N), 2);
      }
    add_power((const double(*)[N])image, plain);
    add_power((const double(*)[N])faded, windowed);
  }
  const double exponents[] = {radial_exponent((const double(*)[N])windowed, 2, 12),
                              radial_exponent((const double(*)[N])plain, 2, 12),
                              radial_exponent((const double(*)[N])windowed, 1, 15),
                              radial_exponent((const double(*)[N])plain, 1, 15)};
  for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
    if (exponents[i] < -2.4 || exponents[i] > -1.6) print_error("exponent %zu is %.3f\n", i, exponents[i]);
    assert_true(exponents[i] > -2.4 && exponents[i] < -1.6);
  }
}

/* The measure itself: waves of one frequency must be found at it, or the exponent above means nothing. */
static void spectrum_of_a_wave_stands_at_its_frequency(void **state)
{
  (void)state;
  static double power[N][N];
  double        image[N][N], total = 0.0;
  for (int y = 0; y < N; y++)
    for (int x = 0; x < N; x++) image[y][x] = cos(2 * M_PI * (3 * y + 5 * x) / N + 0.3);
  add_power((const double(*)[N])image, power);
  for (int i = 0; i < PIXELS; i++) total += power[i / N][i % N];
  assert_true(fabs(power[3][5] / total - 0.5) < 1e-12);
  assert_true(fabs(power[N - 3][N - 5] / total - 0.5) < 1e-12);
  assert_true(fabs(total / (0.5 * PIXELS * PIXELS) - 1.0) < 1e-12); /* Parseval: mean square 1/2 */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(image_depends_on_seed_and_number_alone),
      cmocka_unit_test(first_ten_images_are_what_they_always_were),
      cmocka_unit_test(brightness_and_contrast_are_those_of_photographs),
      cmocka_unit_test(colours_are_correlated_as_in_photographs),
      cmocka_unit_test(leaves_are_flat_and_their_edges_are_smooth),
      cmocka_unit_test(spectrum_of_a_wave_stands_at_its_frequency),
      cmocka_unit_test(spectrum_falls_off_like_that_of_natural_images),
  };
  return cmocka_run_group_tests(tests, draw_images, NULL);
}
