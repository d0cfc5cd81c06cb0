/* Colours that the specification names, ends, values outside. */
#include "nrflv/analysis/colour_map.h"

#include "support/close.h"

#include <stdlib.h>

static void assert_colour(nrf_colour c, uint32_t rgb, int tolerance)
{
  const int expected[] = {(int)(rgb >> 16), (int)(rgb >> 8 & 255), (int)(rgb & 255)};
  const int found[]    = {c.red, c.green, c.blue};
  for (int k = 0; k < 3; k++)
    if (abs(found[k] - expected[k]) > tolerance)
      fail_msg("#%02x%02x%02x, not #%06x", c.red, c.green, c.blue, rgb);
}

static void colours_of_the_specification(void **state)
{
  (void)state;
  static const struct {
    nrf_colour_map map;
    double         at;
    uint32_t       rgb;
  } cases[] = {
      {NRF_VIRIDIS, 0.0, 0x440154}, {NRF_VIRIDIS, 1.0, 0xfde725}, {NRF_VIRIDIS, 0.5, 0x21918c},
      {NRF_GREYS, 0.0, 0xffffff},   {NRF_GREYS, 1.0, 0x000000},   {NRF_YLGN, 0.0, 0xffffe5},
      {NRF_YLGN, 1.0, 0x004529},    {NRF_HSV, 0.0, 0xff0000},     {NRF_HSV, 0.25, 0x84ff00},
      {NRF_HSV, 0.5, 0x00fff6},     {NRF_HSV, 0.75, 0x7200ff},    {NRF_HSV, 1.0, 0xff0018},
      {NRF_SPRING, 0.0, 0xff00ff},  {NRF_SPRING, 1.0, 0xffff00},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
    assert_colour(nrf_colour_at(cases[k].map, cases[k].at), cases[k].rgb, 1);
  assert_colour(nrf_contrast_grey(0.0), 0xcecece, 1);
  assert_colour(nrf_contrast_grey(1.2), 0x8a8a8a, 1);
  assert_colour(nrf_contrast_grey(2.0), 0x5f5f5f, 1);
  assert_colour(nrf_contrast_grey(2.8), 0x292929, 1);
}

static void values_outside_take_the_end_colours_and_nan_is_white(void **state)
{
  (void)state;
  for (int map = 0; map < NRF_COLOUR_MAPS; map++) {
    const nrf_colour low  = nrf_colour_at((nrf_colour_map)map, 0.0),
                     high = nrf_colour_at((nrf_colour_map)map, 1.0);
    assert_colour(nrf_colour_at((nrf_colour_map)map, -INFINITY),
                  (uint32_t)(low.red << 16 | low.green << 8 | low.blue), 0);
    assert_colour(nrf_colour_at((nrf_colour_map)map, 7.0),
                  (uint32_t)(high.red << 16 | high.green << 8 | high.blue), 0);
    assert_colour(nrf_colour_at((nrf_colour_map)map, NAN), 0xffffff, 0);
    assert_non_null(nrf_colour_map_name((nrf_colour_map)map));
  }
}

/* Viridis is made to be: each step brighter than the last (luminance, a little rounding allowed). */
static void viridis_becomes_brighter_all_the_way(void **state)
{
  (void)state;
  double before = -1.0;
  for (int i = 0; i < 256; i++) {
    const nrf_colour c          = nrf_colour_at(NRF_VIRIDIS, i / 255.0);
    const double     brightness = 0.2126 * pow(c.red / 255.0, 2.2) + 0.7152 * pow(c.green / 255.0, 2.2) +
                              0.0722 * pow(c.blue / 255.0, 2.2);
    assert_true(brightness > before - 2e-3);
    before = brightness;
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(colours_of_the_specification),
      cmocka_unit_test(values_outside_take_the_end_colours_and_nan_is_white),
      cmocka_unit_test(viridis_becomes_brighter_all_the_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
