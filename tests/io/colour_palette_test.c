/* colour_palette_test.c - few colours for many. */
#include "nrflv/colour_palette.h"

#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static nrf_palette palette_of(const nrf_picture *picture, int most)
{
  nrf_colour_counts *counts = NULL;
  nrf_palette        p;
  must(nrf_colour_counts_create(&counts));
  nrf_colour_counts_add(counts, picture);
  must(nrf_palette_choose(counts, most, &p));
  nrf_colour_counts_free(counts);
  return p;
}

/* Root of the mean squared difference of a channel after every pixel got its nearest colour. */
static double error_of(const nrf_picture *picture, const nrf_palette *p)
{
  const int64_t n   = (int64_t)picture->width * picture->height;
  double        sum = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const uint8_t *pixel = picture->pixels + 3 * i;
    const uint8_t *near  = p->colour[nrf_palette_nearest(p, pixel)];
    for (int k = 0; k < 3; k++) sum += pow((double)pixel[k] - (double)near[k], 2.0);
  }
  return sqrt(sum / (3.0 * (double)n));
}

/* Pixels spread evenly over all colours. */
static nrf_picture noise(int width, int height)
{
  nrf_picture   picture;
  const nrf_rng r = nrf_rng_at(3, NRF_RNG_TEST, 0, 0);
  must(nrf_picture_create(width, height, 3, &picture));
  for (int i = 0; i < width * height * 3; i++)
    picture.pixels[i] = (uint8_t)nrf_rng_below(r, (uint64_t)i, 256);
  return picture;
}

static void few_colours_are_kept_as_they_are(void **state)
{
  (void)state;
  static const uint8_t colours[5][3] = {
      {0, 0, 0}, {255, 255, 255}, {200, 3, 77}, {200, 9, 77}, {1, 254, 128}};
  nrf_picture picture;
  must(nrf_picture_create(40, 1, 3, &picture));
  for (int i = 0; i < 40; i++) memcpy(picture.pixels + 3 * i, colours[i < 20 ? 0 : i % 5], 3);
  const nrf_palette p = palette_of(&picture, 256);
  assert_int_equal(p.count, 5);
  assert_true(error_of(&picture, &p) == 0.0);
  nrf_picture_free(&picture);
}

static void grey_pictures_have_grey_palettes(void **state)
{
  (void)state;
  nrf_picture picture;
  must(nrf_picture_create(256, 1, 1, &picture));
  for (int i = 0; i < 256; i++) picture.pixels[i] = (uint8_t)i;
  const nrf_palette p = palette_of(&picture, 16);
  assert_int_equal(p.count, 16);
  bool taken[16] = {false};
  for (int i = 0; i < p.count; i++) {
    assert_int_equal(p.colour[i][0], p.colour[i][1]);
    assert_int_equal(p.colour[i][0], p.colour[i][2]);
    taken[p.colour[i][0] / 16] = true; /* evenly spread: one in each sixteenth */
  }
  for (int i = 0; i < 16; i++) assert_true(taken[i]);
  nrf_picture_free(&picture);
}

/* 256 cubes that fill the space have an edge of 40.2, and an error of 40.2 / sqrt(12) = 11.6 per channel; a cut of boxes
 * does a little worse, at most by 15 % here. A palette that takes whatever comes first would be at more than 20. */
static void an_even_spread_is_cut_evenly(void **state)
{
  (void)state;
  nrf_picture       picture = noise(300, 200);
  const nrf_palette p       = palette_of(&picture, 256);
  assert_int_equal(p.count, 256);
  const double error = error_of(&picture, &p);
  if (!(error > 11.0 && error < 13.3)) fail_msg("an error of %.2f", error);
  nrf_picture_free(&picture);
}

/* A rare colour that is far away is worth a place; ever finer shades of a common one are not. */
static void far_colours_get_a_place(void **state)
{
  (void)state;
  nrf_picture picture;
  must(nrf_picture_create(100, 100, 3, &picture));
  for (int i = 0; i < 10000; i++)
    for (int k = 0; k < 3; k++) picture.pixels[3 * i + k] = (uint8_t)(100 + i / 300);
  memcpy(picture.pixels, (uint8_t[]){255, 0, 0}, 3);
  const nrf_palette p   = palette_of(&picture, 8);
  const uint8_t    *red = p.colour[nrf_palette_nearest(&p, (uint8_t[]){255, 0, 0})];
  assert_memory_equal(red, ((uint8_t[]){255, 0, 0}), 3);
  nrf_picture_free(&picture);
}

static void nearest_is_nearest(void **state)
{
  (void)state;
  nrf_picture       picture = noise(64, 64);
  const nrf_palette p       = palette_of(&picture, 64);
  for (int i = 0; i < 500; i++) {
    const uint8_t *colour = picture.pixels + 3 * i, *got = p.colour[nrf_palette_nearest(&p, colour)];
    int            least = 1 << 30, distance = 0;
    for (int k = 0; k < 3; k++) distance += (colour[k] - got[k]) * (colour[k] - got[k]);
    for (int j = 0; j < p.count; j++) {
      int d = 0;
      for (int k = 0; k < 3; k++) d += (colour[k] - p.colour[j][k]) * (colour[k] - p.colour[j][k]);
      if (d < least) least = d;
    }
    assert_int_equal(distance, least);
  }
  nrf_picture_free(&picture);
}

static void nonsense_is_refused(void **state)
{
  (void)state;
  nrf_colour_counts *counts = NULL;
  nrf_palette        p;
  must(nrf_colour_counts_create(&counts));
  assert_int_equal(nrf_palette_choose(counts, 0, &p), NRF_EINVAL);
  assert_int_equal(nrf_palette_choose(counts, 257, &p), NRF_EINVAL);
  assert_int_equal(nrf_palette_choose(counts, 4, &p), NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "no colours"));
  nrf_colour_counts_free(counts);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(few_colours_are_kept_as_they_are),
      cmocka_unit_test(grey_pictures_have_grey_palettes),
      cmocka_unit_test(an_even_spread_is_cut_evenly),
      cmocka_unit_test(far_colours_get_a_place),
      cmocka_unit_test(nearest_is_nearest),
      cmocka_unit_test(nonsense_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
