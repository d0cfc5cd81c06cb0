/* activity_maps_test.c - colours of activity maps, and which image stands where on a contact sheet. */
#include "analysis/steps/activity_maps.h"

#include "analysis/steps/map_picture.h"
#include "nrflv/png_file.h"

#include "support/close.h"
#include "support/scratch.h"

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* ---- colours --------------------------------------------------------------------------------------------- */

enum { IMAGES = 3, WIDTH = 2, NEURONS = IMAGES * WIDTH };

/* One channel, maps of 1 x 2. */
static void ranges_are_of_differences_or_of_means(void **state)
{
  (void)state;
  static const double during[2 * NEURONS]             = {0.1, 0.5, 0.9, -0.7, 0.2, NAN},
                                 outside[2 * NEURONS] = {0.1, 0.4, 0.2, -0.1, -0.3, NAN};
  nrf_recording_image image[IMAGES] = {{.contrast = 0.4}, {.contrast = 2.8}, {.contrast = 2.8}};
  nrf_recording_info  info          = {.image = image};
  nrf_extract         x             = {
                          .info = &info, .kind = NRF_KIND_LONG, .channels = 2, .images = IMAGES, .height = 1, .width = WIDTH};
  x.during.mean  = during;
  x.outside.mean = outside;

  nrf_map_range r = nrf_map_range_of(&x, 0, -1, false);
  assert_near(r.high, 0.7, 1e-15);
  assert_near(r.low, -0.7, 1e-15);
  r = nrf_map_range_of(&x, 0, 1, true); /* all images */
  assert_true(r.low == -0.7 && r.high == 0.9);
  r = nrf_map_range_of(&x, 1, -1, false); /* nothing but zeros */
  assert_true(r.low == 0.0 && r.high == 0.0);

  x.kind            = NRF_KIND_PRIM;
  image[1].contrast = 2.4;
  r                 = nrf_map_range_of(&x, 0, -1, false); /* the third image alone */
  assert_near(r.high, 0.5, 1e-15);
  r = nrf_map_range_of(&x, 0, 1, true); /* all but the second */
  assert_true(r.low == -0.3 && r.high == 0.5);
  for (int b = 0; b < IMAGES; b++) image[b].contrast = NAN;
  assert_near(nrf_map_range_of(&x, 0, -1, false).high, 0.7, 1e-15);
}

/* ---- contact sheets -------------------------------------------------------------------------------------- */

static nrf_map_sheet sheet_of(nrf_experiment_kind kind, int images, nrf_recording_image *image)
{
  nrf_recording_info info = {.image = image};
  const nrf_extract  x    = {.info = &info, .kind = kind, .images = images};
  nrf_map_sheet      sheet;
  must(nrf_map_sheet_create(&x, &sheet));
  return sheet;
}

static void angles_by_contrasts(void **state)
{
  (void)state;
  /* Not in order, one missing. */
  nrf_recording_image image[] = {{.angle = M_PI / 2, .contrast = 2.8},
                                 {.angle = 0.0, .contrast = 2.8},
                                 {.angle = M_PI / 2 + 1e-9, .contrast = 0.4},
                                 {.angle = 0.0, .contrast = 1.2},
                                 {.angle = 0.0, .contrast = 0.4}};
  nrf_map_sheet       sheet   = sheet_of(NRF_KIND_PRIM, 5, image);
  assert_int_equal(sheet.rows, 2);
  assert_int_equal(sheet.columns, 3);
  const int expected[] = {4, 3, 1, 2, -1, 0};
  assert_memory_equal(sheet.image, expected, sizeof expected);
  assert_string_equal(sheet.row_name[0], "0°");
  assert_string_equal(sheet.row_name[1], "90°");
  assert_string_equal(sheet.column_name[0], "0.4");
  assert_string_equal(sheet.column_name[2], "2.8");
  nrf_map_sheet_free(&sheet);
}

static void angles_by_repeats(void **state)
{
  (void)state;
  nrf_recording_image image[] = {{.angle = M_PI / 4, .repeat = 0},
                                 {.angle = M_PI / 4, .repeat = 1},
                                 {.angle = M_PI, .repeat = 1},
                                 {.angle = M_PI, .repeat = 0},
                                 {.angle = NAN}};
  nrf_map_sheet       sheet   = sheet_of(NRF_KIND_LONG, 5, image);
  assert_int_equal(sheet.rows, 3); /* the unknown angle last */
  assert_int_equal(sheet.columns, 2);
  const int expected[] = {0, 1, 3, 2, 4, -1};
  assert_memory_equal(sheet.image, expected, sizeof expected);
  assert_string_equal(sheet.row_name[0], "45°");
  assert_string_equal(sheet.column_name[1], "2");
  nrf_map_sheet_free(&sheet);
}

static void two_patches_by_distance_and_angle_between(void **state)
{
  (void)state;
  enum { REPEATS = 2, COUNT = 2 * 2 * 2 * REPEATS };
  nrf_recording_image image[COUNT];
  for (int b = 0; b < COUNT; b++) {
    const int quarter = b / 8, far = b / 4 % 2, orthogonal = b / 2 % 2;
    image[b] = (nrf_recording_image){.angle_static  = quarter * 3 * M_PI / 2,
                                     .angle         = quarter * 3 * M_PI / 2 + orthogonal * M_PI / 2,
                                     .offset_row    = quarter ? (far ? 10 : 3) : 0,
                                     .offset_column = quarter ? 0 : (far ? 10 : 3),
                                     .repeat        = b % REPEATS};
  }
  nrf_map_sheet sheet = sheet_of(NRF_KIND_DBL, COUNT, image);
  assert_int_equal(sheet.rows, 4);
  assert_int_equal(sheet.columns, 4);
  for (int b = 0; b < COUNT; b++) assert_int_equal(sheet.image[b], b);
  assert_string_equal(sheet.row_name[1], "0°, 10");
  assert_string_equal(sheet.row_name[2], "270°, 3");
  assert_string_equal(sheet.column_name[1], "0°");
  assert_string_equal(sheet.column_name[2], "90°");
  nrf_map_sheet_free(&sheet);
}

/* ---- single pictures ------------------------------------------------------------------------------------- */

static void assert_pixel(const nrf_picture *picture, int x, int y, nrf_colour expected)
{
  const uint8_t *p = picture->pixels + (y * picture->width + x) * 3;
  if (p[0] != expected.red || p[1] != expected.green || p[2] != expected.blue)
    fail_msg("(%d, %d) is %d %d %d, not %d %d %d", x, y, p[0], p[1], p[2], expected.red, expected.green,
             expected.blue);
}

/* 8 pixels of margin, then squares of 256 / 4 = 64. */
static void a_map_of_its_own(void **state)
{
  (void)state;
  static const double map[2 * 4] = {-1.0, 0.0, 1.0, 5.0, NAN, 0.5, -0.5, 0.0};
  char                directory[SCRATCH_PATH], path[SCRATCH_PATH];
  nrf_picture         picture;
  scratch_create(directory);
  scratch_path(path, directory, "map.png");
  must(nrf_map_picture_write(path, 2, 4, map,
                             (nrf_colour_scale){.map = NRF_DIVERGING, .low = -1.0, .high = 1.0}));
  must(nrf_png_read(path, &picture));
  assert_int_equal(picture.height, 2 * 64 + 16);
  for (int h = 0; h < 2; h++)
    for (int w = 0; w < 4; w++)
      for (int corner = 0; corner < 2; corner++)
        assert_pixel(&picture, 8 + w * 64 + 63 * corner, 8 + h * 64 + 63 * corner,
                     nrf_colour_at(NRF_DIVERGING, (map[h * 4 + w] + 1.0) / 2.0));
  assert_pixel(&picture, 8 + 256 + 8, 8, nrf_colour_at(NRF_DIVERGING, 1.0));
  assert_pixel(&picture, 8 + 256 + 8, 8 + 127, nrf_colour_at(NRF_DIVERGING, 0.0));
  nrf_picture_free(&picture);
  scratch_remove(directory);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranges_are_of_differences_or_of_means),
      cmocka_unit_test(angles_by_contrasts),
      cmocka_unit_test(angles_by_repeats),
      cmocka_unit_test(two_patches_by_distance_and_angle_between),
      cmocka_unit_test(a_map_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
