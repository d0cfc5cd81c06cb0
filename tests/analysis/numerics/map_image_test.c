/* Contrast of images, grey values of films. */
#include "nrflv/analysis/map_image.h"

#include "support/close.h"

static void contrast_is_of_the_mean_over_colours(void **state)
{
  (void)state;
  static const uint8_t image[] = {10, 20, 30, 90, 60, 30, 0, 60, 0, 255, 0, 0}; /* sums 60, 180, 60, 255 */
  static const uint8_t black[] = {0, 0, 0, 0, 0, 0};
  assert_near(nrf_image_contrast(4, image), (255.0 - 60.0) / (255.0 + 60.0), 1e-15);
  assert_near(nrf_image_contrast(1, image), 0.0, 0.0);
  assert_true(isnan(nrf_image_contrast(2, black)) && isnan(nrf_image_contrast(0, black)));
}

static void planes_are_averaged_pixel_by_pixel(void **state)
{
  (void)state;
  static const uint8_t planes[] = {10, 90, 0, 255, 20, 60, 60, 0, 30, 30, 0, 0}; /* the image of above */
  static const uint8_t black[]  = {0, 0, 0};
  assert_near(nrf_planes_contrast(3, 4, planes), (255.0 - 60.0) / (255.0 + 60.0), 1e-15);
  assert_near(nrf_planes_contrast(1, 3, planes), 1.0, 0.0);
  assert_near(nrf_planes_contrast(1, 2, planes), 80.0 / 100.0, 1e-15);
  assert_true(isnan(nrf_planes_contrast(3, 1, black)) && isnan(nrf_planes_contrast(3, 0, planes)));
}

static void greys_go_from_0_to_255_and_are_cut(void **state)
{
  (void)state;
  static const float x[] = {-1.0f, 1.0f, 0.0f, -0.999f, 0.9999f, NAN, INFINITY, -5.0f};
  static const int   g[] = {0, 255, 127, 0, 254, 0, 255, 0};
  uint8_t            grey[8];
  nrf_film_greys(8, x, -1.0f, 1.0f, grey);
  for (int k = 0; k < 8; k++) assert_int_equal(grey[k], g[k]);
  nrf_film_greys(8, x, 0.5f, 0.5f, grey);
  assert_int_equal(grey[2], 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(contrast_is_of_the_mean_over_colours),
      cmocka_unit_test(planes_are_averaged_pixel_by_pixel),
      cmocka_unit_test(greys_go_from_0_to_255_and_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
