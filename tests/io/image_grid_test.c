/* A batch of images becomes one picture: where each pixel goes, and which byte a value becomes. Run
 * without arguments for the tests; image_grid_test.py runs `N CHANNELS LOW HIGH IN OUT` on raw floats of 5
 * x 7 images. */
#include "nrflv/image_grid.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HEIGHT = 5, WIDTH = 7 };

static const uint8_t *pixel(const nrf_picture *p, int x, int y)
{
  return p->pixels + ((size_t)y * (size_t)p->width + (size_t)x) * 3;
}

/* Every pixel of image i has the value i + 1 (of 255) in red, twice that in green, 0 in blue. */
static float *numbered_images(int n)
{
  float *images = calloc((size_t)n * 3 * HEIGHT * WIDTH, sizeof *images);
  for (int i = 0; i < n; i++)
    for (int u = 0; u < HEIGHT * WIDTH; u++) {
      images[(i * 3 + 0) * HEIGHT * WIDTH + u] = (float)(i + 1) / 255.0f;
      images[(i * 3 + 1) * HEIGHT * WIDTH + u] = (float)(2 * i + 2) / 255.0f;
    }
  return images;
}

static void every_pixel_is_in_its_place(void **state)
{
  (void)state;
  enum { N = 35 }; /* two full rows and a short one */
  float      *images = numbered_images(N);
  nrf_picture p;
  assert_int_equal(nrf_image_grid_render(nrf_grid_style_of(0, 1), N, 3, HEIGHT, WIDTH, images, &p), NRF_OK);
  assert_int_equal(p.width, 16 * (WIDTH + 2) + 2);
  assert_int_equal(p.height, 3 * (HEIGHT + 2) + 2);
  assert_int_equal(p.channels, 3);
  for (int y = 0; y < p.height; y++)
    for (int x = 0; x < p.width; x++) {
      const int  column = (x - 2) / (WIDTH + 2), row = (y - 2) / (HEIGHT + 2), i = row * 16 + column;
      const bool border =
          x < 2 || y < 2 || (x - 2) % (WIDTH + 2) >= WIDTH || (y - 2) % (HEIGHT + 2) >= HEIGHT;
      const int red = border || i >= N ? 0 : i + 1;
      assert_int_equal(pixel(&p, x, y)[0], red);
      assert_int_equal(pixel(&p, x, y)[1], 2 * red);
      assert_int_equal(pixel(&p, x, y)[2], 0);
    }
  nrf_picture_free(&p);
  free(images);
}

static void few_images_make_a_narrow_picture(void **state)
{
  (void)state;
  float      *images = numbered_images(3);
  nrf_picture p;
  assert_int_equal(nrf_image_grid_render(nrf_grid_style_of(0, 1), 3, 3, HEIGHT, WIDTH, images, &p), NRF_OK);
  assert_int_equal(p.width, 3 * (WIDTH + 2) + 2);
  assert_int_equal(p.height, HEIGHT + 4);
  nrf_picture_free(&p);
  const nrf_grid_style style = {.columns = 2, .padding = 0, .low = 0, .high = 1};
  assert_int_equal(nrf_image_grid_render(style, 3, 3, HEIGHT, WIDTH, images, &p), NRF_OK);
  assert_int_equal(p.width, 2 * WIDTH);
  assert_int_equal(p.height, 2 * HEIGHT);
  nrf_picture_free(&p);
  free(images);
}

static void values_are_clamped_scaled_and_rounded(void **state)
{
  (void)state;
  const struct {
    float low, high, value;
    int   byte;
  } rows[] = {
      {0, 1, -0.5f, 0},     {0, 1, 0, 0},        {0, 1, 1, 255}, {0, 1, 7, 255},
      {0, 1, 0.5f, 128},    {0, 1, 0.498f, 127}, {-1, 1, -1, 0}, {-1, 1, 0, 128},
      {-1, 1, 0.9f, 242},   {-1, 1, -0.9f, 13},  {0, 1, NAN, 0}, {0, 1, INFINITY, 255},
      {0, 1, -INFINITY, 0}, {2, 4, 3.5f, 191},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    nrf_picture p;
    assert_int_equal(
        nrf_image_grid_render(nrf_grid_style_of(rows[i].low, rows[i].high), 1, 1, 1, 1, &rows[i].value, &p),
        NRF_OK);
    assert_int_equal(p.width, 5);
    for (int c = 0; c < 3; c++) assert_int_equal(pixel(&p, 2, 2)[c], rows[i].byte);
    nrf_picture_free(&p);
  }
}

static void senseless_grids_are_refused(void **state)
{
  (void)state;
  const float x = 0;
  nrf_picture p;
  assert_int_equal(nrf_image_grid_render(nrf_grid_style_of(0, 1), 0, 3, 1, 1, &x, &p), NRF_EINVAL);
  assert_int_equal(nrf_image_grid_render(nrf_grid_style_of(0, 1), 1, 2, 1, 1, &x, &p), NRF_EINVAL);
  assert_int_equal(nrf_image_grid_render(nrf_grid_style_of(1, 1), 1, 1, 1, 1, &x, &p), NRF_EINVAL);
  assert_int_equal(nrf_image_grid_render((nrf_grid_style){0, 2, 0, 1}, 1, 1, 1, 1, &x, &p), NRF_EINVAL);
  assert_int_equal(nrf_image_grid_render(nrf_grid_style_of(0, 1), INT64_MAX, 1, 1, 1, &x, &p), NRF_EINVAL);
  assert_int_equal(nrf_image_grid_write("/nonexistent/a.png", nrf_grid_style_of(0, 1), 1, 1, 1, 1, &x),
                   NRF_EIO);
  assert_string_equal(nrf_error_message(), "/nonexistent/a.png: cannot create: No such file or directory");
}

static int write_grid_of_file(char **argument)
{
  const int    n = atoi(argument[1]), channels = atoi(argument[2]);
  const size_t count  = (size_t)n * (size_t)channels * HEIGHT * WIDTH;
  float       *images = malloc(count * sizeof *images);
  FILE        *in     = fopen(argument[5], "rb");
  const bool   ok     = images != NULL && in != NULL && fread(images, sizeof *images, count, in) == count &&
                  nrf_image_grid_write(
                      argument[6], nrf_grid_style_of(strtof(argument[3], NULL), strtof(argument[4], NULL)), n,
                      channels, HEIGHT, WIDTH, images) == NRF_OK;
  if (in != NULL) (void)fclose(in);
  free(images);
  return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_pixel_is_in_its_place),
      cmocka_unit_test(few_images_make_a_narrow_picture),
      cmocka_unit_test(values_are_clamped_scaled_and_rounded),
      cmocka_unit_test(senseless_grids_are_refused),
  };
  return argc == 7 ? write_grid_of_file(argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
