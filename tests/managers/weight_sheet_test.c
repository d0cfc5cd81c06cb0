/* weight_sheet_test.c - where kernels stand on a sheet of weights, and in which colours. */
#include "managers/weight_sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUT = 4, IN = 2, HEIGHT = 2, WIDTH = 3, WEIGHTS = OUT * IN * HEIGHT * WIDTH };

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* One block of zeros but for a weight of 1 at a place. */
static nrf_picture sheet_with_one(int from, int in, int out_at, int in_at, int y, int x)
{
  float                weight[WEIGHTS] = {0.0f};
  nrf_base_kernel_list list            = {.n = 1};
  nrf_picture          picture;
  weight[((out_at * in + in_at) * HEIGHT + y) * WIDTH + x] = 1.0f;
  list.item[0] =
      (nrf_base_kernels){from, NRF_CONV, WEIGHTS / (in * HEIGHT * WIDTH), in, HEIGHT, WIDTH, weight};
  must(nrf_weight_sheet_render("a field", 1, &list, &picture));
  return picture;
}

static bool has_colour(const nrf_picture *p, int x, int y, const uint8_t rgb[3])
{
  return memcmp(p->pixels + ((int64_t)y * p->width + x) * 3, rgb, 3) == 0;
}

typedef struct place {
  int x, y, side;
} place;

/* The first square of the colour of 1 from the upper left; the bar, further right, has it in its upper row too. */
static place find_one(const nrf_picture *p)
{
  uint8_t red[3];
  nrf_weight_colour(1.0, red);
  for (int x = 0; x < p->width; x++)
    for (int y = 0; y < p->height; y++)
      if (has_colour(p, x, y, red)) {
        int side = 0;
        while (has_colour(p, x + side, y + side, red)) side++;
        for (int i = 0; i < side; i++)
          for (int j = 0; j < side; j++) assert_true(has_colour(p, x + i, y + j, red));
        return (place){x, y, side};
      }
  fail_msg("there is no weight of 1 on the sheet");
  return (place){0};
}

static place place_of(int out, int in, int y, int x)
{
  nrf_picture p  = sheet_with_one(1, IN, out, in, y, x);
  const place at = find_one(&p);
  nrf_picture_free(&p);
  return at;
}

/* Output channels from left to right, input channels from top to bottom, each kernel upright and enlarged eightfold. */
static void kernels_stand_in_rows_and_columns(void **state)
{
  (void)state;
  const place first = place_of(0, 0, 0, 0);
  assert_int_equal(first.side, 8);
  const place right = place_of(0, 0, 0, 1), below = place_of(0, 0, 1, 0);
  assert_true(right.x == first.x + 8 && right.y == first.y);
  assert_true(below.x == first.x && below.y == first.y + 8);
  const place next_out = place_of(1, 0, 0, 0), next_in = place_of(0, 1, 0, 0);
  assert_true(next_out.x >= first.x + WIDTH * 8 + 1 && next_out.y == first.y);
  assert_true(next_in.x == first.x && next_in.y >= first.y + HEIGHT * 8 + 1);
  const place last = place_of(3, 1, 1, 2);
  assert_int_equal(last.x, first.x + 3 * (next_out.x - first.x) + 16);
  assert_int_equal(last.y, next_in.y + 8);
}

/* An image's kernels come once more in colour: red alone at 1 is (255, 128, 128), 0 is grey. */
static void kernels_of_an_image_are_shown_in_colour(void **state)
{
  (void)state;
  static const uint8_t red[3] = {255, 128, 128}, grey[3] = {128, 128, 128};
  nrf_picture          image = sheet_with_one(0, 3, 0, 0, 0, 0), latent = sheet_with_one(1, 3, 0, 0, 0, 0);
  int                  reds[2] = {0}, greys[2] = {0};
  for (int k = 0; k < 2; k++) {
    const nrf_picture *p = k == 0 ? &image : &latent;
    for (int y = 0; y < p->height; y++)
      for (int x = 0; x < p->width; x++) {
        reds[k] += has_colour(p, x, y, red);
        greys[k] += has_colour(p, x, y, grey);
      }
  }
  const int kernels = WEIGHTS / (3 * HEIGHT * WIDTH);
  assert_int_equal(reds[0], 64);
  assert_int_equal(greys[0], 64 * (kernels * HEIGHT * WIDTH - 1));
  assert_int_equal(reds[1], 0);
  assert_int_equal(greys[1], 0);
  nrf_picture_free(&image);
  nrf_picture_free(&latent);
}

static void colours_are_white_at_0_and_alike_in_strength_on_both_sides(void **state)
{
  (void)state;
  uint8_t zero[3], low[3], high[3], beyond[3];
  nrf_weight_colour(0.0, zero);
  assert_true(zero[0] == zero[1] && zero[1] == zero[2] && zero[0] > 240);
  int darkest = 255;
  for (int i = 1; i <= 10; i++) {
    nrf_weight_colour(-0.1 * i, low);
    nrf_weight_colour(0.1 * i, high);
    assert_true(low[2] > low[0] && high[0] > high[2]); /* blue below, red above */
    assert_true(low[1] < darkest && high[1] < darkest);
    darkest = low[1] > high[1] ? low[1] : high[1];
  }
  nrf_weight_colour(7.0, beyond);
  assert_memory_equal(beyond, high, 3);
}

static void a_block_of_zeros_is_white(void **state)
{
  (void)state;
  float                weight[WEIGHTS] = {0.0f};
  nrf_base_kernel_list list            = {.n = 1};
  nrf_picture          picture;
  uint8_t              zero[3];
  int                  whites = 0;
  list.item[0]                = (nrf_base_kernels){1, NRF_FULLY_CONNECTED, OUT, IN, HEIGHT, WIDTH, weight};
  must(nrf_weight_sheet_render("a field", 2, &list, &picture));
  nrf_weight_colour(0.0, zero);
  for (int y = 0; y < picture.height; y++)
    for (int x = 0; x < picture.width; x++) whites += has_colour(&picture, x, y, zero);
  assert_true(whites >= WEIGHTS * 64);
  nrf_picture_free(&picture);
}

/* 64 maps of 32 x 32 still fit a picture that a screen can show. */
static void large_kernels_are_enlarged_less(void **state)
{
  (void)state;
  enum { MANY = 64, SIDE = 32 };
  static float         weight[MANY * SIDE * SIDE];
  nrf_base_kernel_list list = {.n = 1};
  nrf_picture          picture;
  list.item[0] = (nrf_base_kernels){1, NRF_FULLY_CONNECTED, MANY, 1, SIDE, SIDE, weight};
  must(nrf_weight_sheet_render("a field", 2, &list, &picture));
  assert_true(picture.width < 2400 && picture.height < 300);
  nrf_picture_free(&picture);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kernels_stand_in_rows_and_columns),
      cmocka_unit_test(kernels_of_an_image_are_shown_in_colour),
      cmocka_unit_test(colours_are_white_at_0_and_alike_in_strength_on_both_sides),
      cmocka_unit_test(a_block_of_zeros_is_white),
      cmocka_unit_test(large_kernels_are_enlarged_less),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
