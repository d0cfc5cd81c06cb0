/* The sets of stimuli: against the published implementation's names, parameters and pixels where the reference files
 * are at hand, and against the specification where they are not. */
#include "nrflv/stimulus_set.h"

#include "nrflv/h5_file.h"
#include "nrflv/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const nrf_layer_size cifar_size = {3, 32, 32};

enum { UNITS = 3 * 32 * 32 };

static const double PI = 3.14159265358979323846;

/* Angles and contrasts are made of few operations. */
static void assert_near(double a, double b)
{
  assert_true(fabs(a - b) <= 2e-15);
}

static const nrf_stimulus_set *set_named(const char *name)
{
  const nrf_stimulus_set *set = NULL;
  assert_int_equal(nrf_stimulus_set_find(name, &set), NRF_OK);
  return set;
}

static nrf_stimulus *describe(const char *name, int height, int width)
{
  nrf_stimulus *s = NULL;
  assert_int_equal(nrf_stimulus_set_describe(set_named(name), height, width, &s), NRF_OK);
  return s;
}

/* ---- against the reference files ---- */

static nrf_h5_file *open_reference(void)
{
  char         path[1024];
  const char  *shared = getenv("NRFLV_SHARED_DIR");
  nrf_h5_file *file   = NULL;
  (void)snprintf(path, sizeof path, "%s/reference/stimuli/stimuli.h5", shared != NULL ? shared : "");
  if (nrf_h5_open(path, &file) != NRF_OK) {
    print_message("skipped: %s\n", nrf_error_message());
    skip();
  }
  return file;
}

static void read_reference(const nrf_h5_file *file, const nrf_stimulus_set *set, const char *name,
                           nrf_h5_type type, nrf_h5_shape shape, void *out)
{
  char path[256];
  (void)snprintf(path, sizeof path, "/%s/%s", nrf_stimulus_set_name(set), name);
  assert_int_equal(nrf_h5_read(file, path, type, shape, out), NRF_OK);
}

static void check_names(const nrf_h5_file *file, const nrf_stimulus_set *set, const nrf_stimulus *s)
{
  char           path[256];
  nrf_h5_strings names = {0, NULL};
  (void)snprintf(path, sizeof path, "/%s/file_name", nrf_stimulus_set_name(set));
  assert_int_equal(nrf_h5_read_strings(file, path, &names), NRF_OK);
  assert_int_equal(names.count, nrf_stimulus_set_count(set));
  for (int i = 0; i < names.count; i++) assert_string_equal(s[i].file_name, names.item[i]);
  nrf_h5_strings_free(&names);
}

static void check_parameters(const nrf_h5_file *file, const nrf_stimulus_set *set, const nrf_stimulus *s)
{
  enum { MOST = 810 };
  static double  angle[MOST], contrast[MOST], static_angle[MOST];
  static int32_t location[MOST][2], index[MOST];
  const int      n     = nrf_stimulus_set_count(set);
  const bool     pairs = strcmp(nrf_stimulus_set_name(set), "double/fewlocs_and_fewerangles") == 0;
  assert_in_range(n, 1, MOST);
  read_reference(file, set, pairs ? "angle_mobile" : "angle", NRF_H5_FLOAT64, nrf_h5_vector(n), angle);
  if (pairs) read_reference(file, set, "angle_static", NRF_H5_FLOAT64, nrf_h5_vector(n), static_angle);
  read_reference(file, set, "contrast", NRF_H5_FLOAT64, nrf_h5_vector(n), contrast);
  read_reference(file, set, "generation_index", NRF_H5_INT32, nrf_h5_vector(n), index);
  read_reference(file, set, "location", NRF_H5_INT32, (nrf_h5_shape){2, {n, 2}}, location);
  for (int i = 0; i < n; i++) {
    /* The very same numbers, not only near ones. */
    assert_true(s[i].patch[0].gabor.angle == angle[i]);
    assert_true(s[i].patch[0].gabor.contrast == contrast[i]);
    if (pairs) assert_true(nrf_stimulus_static_angle(&s[i]) == static_angle[i]);
    assert_int_equal(s[i].generation_index, index[i]);
    assert_int_equal(s[i].patch[0].offset_row, location[i][0]);
    assert_int_equal(s[i].patch[0].offset_column, location[i][1]);
  }
}

/* Pixels that differ; none may by more than one grey level, the difference of two roundings. */
static int64_t check_pixels(const nrf_h5_file *file, const nrf_stimulus_set *set, const nrf_stimulus *s)
{
  const int      n     = nrf_stimulus_set_count(set);
  const int64_t  count = (int64_t)n * UNITS;
  uint8_t       *want  = malloc((size_t)count);
  static uint8_t base[UNITS], ours[UNITS];
  int64_t        off = 0;
  assert_non_null(want);
  assert_int_equal(nrf_h5_read(file, "/base_image", NRF_H5_UINT8, (nrf_h5_shape){3, {3, 32, 32}}, base),
                   NRF_OK);
  read_reference(file, set, "image", NRF_H5_UINT8, (nrf_h5_shape){4, {n, 3, 32, 32}}, want);
  for (int i = 0; i < n; i++) {
    assert_int_equal(nrf_stimulus_render(&s[i], cifar_size, base, ours), NRF_OK);
    for (int u = 0; u < UNITS; u++) {
      const int difference = abs(ours[u] - want[(int64_t)i * UNITS + u]);
      assert_in_range(difference, 0, 1);
      off += difference;
    }
  }
  free(want);
  return off;
}

static void all_sets_are_the_published_ones(void **state)
{
  (void)state;
  nrf_h5_file *file   = open_reference();
  int64_t      pixels = 0, off = 0;
  for (int k = 0; nrf_stimulus_set_at(k) != NULL; k++) {
    const nrf_stimulus_set *set = nrf_stimulus_set_at(k);
    nrf_stimulus           *s   = describe(nrf_stimulus_set_name(set), 32, 32);
    check_names(file, set, s);
    check_parameters(file, set, s);
    off += check_pixels(file, set, s);
    pixels += (int64_t)nrf_stimulus_set_count(set) * UNITS;
    nrf_free(s);
  }
  nrf_h5_free(file);
  print_message("%lld of %lld values off by one grey level\n", (long long)off, (long long)pixels);
  assert_int_equal(pixels, (5 * 128 + 810) * UNITS);
  assert_true((double)off <= 1e-4 * (double)pixels);
}

/* ---- against the specification ---- */

/* They carry most of the parameters of the table. */
static void first_and_last_names_are_the_published_ones(void **state)
{
  (void)state;
  static const struct {
    const char *set, *first, *last;
  } names[] = {
      {"single/just_angle", "gf_loc16-16_sgm0.7_th0.00000_w3_rat0.5_el1_c2.40000.png",
       "gf_loc16-16_sgm0.7_th6.23410_w3_rat0.5_el1_c2.40000.png"},
      {"single/contrast_and_angle", "gf_loc16-16_sgm0.7_th0.00000_w3_rat0.5_el1_c0.00000.png",
       "gf_loc16-16_sgm0.7_th5.89049_w3_rat0.5_el1_c2.80000.png"},
      {"single/just_angle_few_angles", "gf_loc16-16_sgm0.7_th0.00000_w3_rat0.5_el1_c2.40000__0.png",
       "gf_loc16-16_sgm0.7_th5.49779_w3_rat0.5_el1_c2.40000__127.png"},
      {"single/long_just_fewangles", "gf_loc16-16_sgm0.7_th0.00000_w3_rat0.01_el1_c2.40000__0.png",
       "gf_loc16-16_sgm0.7_th5.49779_w3_rat0.01_el1_c2.40000__127.png"},
      {"double/fewlocs_and_fewerangles", "0000_gf_loc0-3_thst0.00000_thmb0.00000.png",
       "0127_gf_loc10-0_thst4.71239_thmb6.28319.png"},
      {"double/loc_and_angles", "gf_loc-2--2_th0.00000.png", "gf_loc8-8_th5.65487.png"},
  };
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    const int     count = nrf_stimulus_set_count(set_named(names[k].set));
    nrf_stimulus *s     = describe(names[k].set, 32, 32);
    assert_string_equal(s[0].file_name, names[k].first);
    assert_string_equal(s[count - 1].file_name, names[k].last);
    nrf_free(s);
  }
}

static void names_are_sorted_and_differ(void **state)
{
  (void)state;
  for (int k = 0; nrf_stimulus_set_at(k) != NULL; k++) {
    const nrf_stimulus_set *set = nrf_stimulus_set_at(k);
    nrf_stimulus           *s   = describe(nrf_stimulus_set_name(set), 32, 32);
    for (int i = 1; i < nrf_stimulus_set_count(set); i++)
      assert_true(strcmp(s[i - 1].file_name, s[i].file_name) < 0);
    nrf_free(s);
  }
}

static void contrast_varies_fastest_then_angle(void **state)
{
  (void)state;
  nrf_stimulus *s = describe("single/contrast_and_angle", 32, 32);
  for (int b = 0; b < 128; b++) {
    assert_near(s[b].patch[0].gabor.angle, 2.0 * PI * (b / 8) / 16.0);
    assert_near(s[b].patch[0].gabor.contrast, 0.4 * (b % 8));
    assert_int_equal(s[b].group, b);
    assert_int_equal(s[b].repeat, 0);
    assert_int_equal(s[b].n_patches, 1);
    assert_true(isnan(nrf_stimulus_static_angle(&s[b])));
  }
  nrf_free(s);
}

static void repeats_share_a_group(void **state)
{
  (void)state;
  const char *const names[] = {"single/just_angle_few_angles", "single/long_just_fewangles"};
  for (int k = 0; k < 2; k++) {
    nrf_stimulus *s = describe(names[k], 32, 32);
    for (int b = 0; b < 128; b++) {
      assert_int_equal(s[b].group, b / 16);
      assert_int_equal(s[b].repeat, b % 16);
      assert_near(s[b].patch[0].gabor.angle, (b / 16) * PI / 4.0);
    }
    /* The numbers in the names are not padded, and there are three digits from 100 on. */
    assert_string_equal(s[2].file_name + strlen(s[2].file_name) - strlen("__10.png"), "__10.png");
    nrf_free(s);
  }
}

/* The table of analysis.md 1.5. */
static void pairs_stand_where_the_analysis_expects_them(void **state)
{
  (void)state;
  static const int distances[] = {3, 5, 7, 10}, rows[] = {0, -1, 0, 1}, columns[] = {1, 0, -1, 0};
  nrf_stimulus    *s = describe("double/fewlocs_and_fewerangles", 32, 32);
  for (int b = 0; b < 128; b++) {
    const int q = b / 32, d = b % 32 / 8, m = b % 8 / 4;
    assert_int_equal(s[b].n_patches, 2);
    assert_int_equal(s[b].group, b / 4);
    assert_int_equal(s[b].repeat, b % 4);
    assert_near(nrf_stimulus_static_angle(&s[b]), q * PI / 2.0);
    assert_near(s[b].patch[0].gabor.angle, (q + m) * PI / 2.0);
    assert_int_equal(s[b].patch[0].offset_row, distances[d] * rows[q]);
    assert_int_equal(s[b].patch[0].offset_column, distances[d] * columns[q]);
    assert_int_equal(s[b].patch[1].offset_row, 0);
    assert_int_equal(s[b].patch[1].offset_column, 0);
    assert_near(s[b].patch[0].gabor.aspect, 0.5);
    assert_near(s[b].patch[1].gabor.aspect, 0.4);
    assert_near(s[b].gain, 2.0);
    for (int i = 0; i < 2; i++) assert_near(s[b].patch[i].gabor.contrast, 2.4);
  }
  nrf_free(s);
  s = describe("double/loc_and_angles", 32, 32);
  for (int i = 0; i < 2; i++) {
    assert_near(s[809].patch[i].gabor.contrast, 1.0);
    assert_near(s[809].patch[i].gabor.aspect, 0.5);
  }
  assert_near(s[809].gain, 1.0);
  nrf_free(s);
}

static void a_name_that_is_no_set_is_refused(void **state)
{
  (void)state;
  const nrf_stimulus_set *set = NULL;
  assert_int_equal(nrf_stimulus_set_find("single/just_angles", &set), NRF_ENOTFOUND);
  assert_null(set);
  assert_non_null(strstr(nrf_error_message(), "single/just_angles: no such set"));
  assert_non_null(strstr(nrf_error_message(), "double/loc_and_angles"));
  assert_null(nrf_stimulus_set_at(6));
  assert_null(nrf_stimulus_set_at(-1));
}

/* ---- other sizes of images ---- */

enum { BASE_SHADE = 120 };

/* Factor of a pixel, written down once more from the specification. */
static double deviation(const nrf_gabor *g, int x, int y)
{
  const double u = x * cos(g->angle) + y * sin(g->angle), v = y * cos(g->angle) - x * sin(g->angle);
  const double sx = g->sigma, sy = g->sigma / g->aspect;
  const double xmax = ceil(fmax(1.0, fmax(fabs(3 * sx * cos(g->angle)), fabs(3 * sy * sin(g->angle)))));
  const double ymax = ceil(fmax(1.0, fmax(fabs(3 * sx * sin(g->angle)), fabs(3 * sy * cos(g->angle)))));
  if (abs(x) > xmax || abs(y) > ymax) return 0.0;
  return g->contrast * exp(-0.5 * (u * u / (sx * sx) + v * v / (sy * sy))) *
         cos(2.0 * PI * u / g->wavelength + g->phase);
}

static void check_grey_rendering(const nrf_stimulus *s, int height, int width)
{
  const size_t units = (size_t)height * (size_t)width;
  uint8_t     *base = malloc(units), *out = malloc(units);
  assert_true(base != NULL && out != NULL);
  memset(base, BASE_SHADE, units);
  assert_int_equal(nrf_stimulus_render(s, (nrf_layer_size){1, height, width}, base, out), NRF_OK);
  for (int row = 0; row < height; row++)
    for (int column = 0; column < width; column++) {
      double factor = 1.0;
      for (int i = 0; i < s->n_patches; i++)
        factor += s->gain * deviation(&s->patch[i].gabor, row - height / 2 - s->patch[i].offset_row,
                                      column - width / 2 - s->patch[i].offset_column);
      const double value = fmin(1.0, fmax(0.0, BASE_SHADE / 255.0 * factor));
      assert_int_equal(out[row * width + column], (int)floor(255.0 * value + 0.5));
    }
  free(base);
  free(out);
}

static void sets_of_28_by_28_have_their_own_centre_and_end_at_the_border(void **state)
{
  (void)state;
  nrf_stimulus *s = describe("single/just_angle", 28, 28);
  assert_string_equal(s[0].file_name, "gf_loc14-14_sgm0.7_th0.00000_w3_rat0.5_el1_c2.40000.png");
  for (int b = 0; b < 128; b += 9) check_grey_rendering(&s[b], 28, 28);
  nrf_free(s);
  s = describe("double/fewlocs_and_fewerangles", 28, 28); /* 10 + 5 pixels from the centre: over the border */
  for (int b = 0; b < 128; b += 4) check_grey_rendering(&s[b], 28, 28);
  nrf_free(s);
  s = describe("double/loc_and_angles", 21, 40); /* neither square nor even */
  for (int b = 0; b < 810; b += 7) check_grey_rendering(&s[b], 21, 40);
  nrf_free(s);
}

static void images_too_small_for_a_set_are_refused(void **state)
{
  (void)state;
  static const struct {
    int         height, width;
    const char *where;
  } small[] = {{32, 20, "row 16, column 20 of images that have only 32 rows and 20 columns"},
               {20, 32, "row 20, column 16 of images that have only 20 rows and 32 columns"},
               {32, 19, "row 16, column 19 of"},
               {19, 32, "row -1, column 16 of"}};
  const nrf_stimulus_set *set = set_named("double/fewlocs_and_fewerangles");
  nrf_stimulus           *s   = NULL;
  for (size_t k = 0; k < sizeof small / sizeof *small; k++) {
    assert_int_equal(nrf_stimulus_set_describe(set, small[k].height, small[k].width, &s), NRF_ESHAPE);
    assert_null(s);
    assert_non_null(strstr(nrf_error_message(), small[k].where));
  }
  nrf_free(describe("double/fewlocs_and_fewerangles", 21, 21)); /* just large enough */
}

static void a_bar_is_cut_to_an_odd_number_of_pixels(void **state)
{
  (void)state;
  static const struct {
    int size, first, last;
  } cut[]       = {{32, 1, 31}, {28, 1, 27}, {31, 1, 29}};
  uint8_t *base = malloc(32 * 32), *out = malloc(32 * 32);
  assert_true(base != NULL && out != NULL);
  memset(base, BASE_SHADE, 32 * 32);
  for (size_t k = 0; k < sizeof cut / sizeof *cut; k++) {
    const int     n = cut[k].size;
    nrf_stimulus *s = describe("single/long_just_fewangles", n, n);
    assert_int_equal(nrf_stimulus_render(&s[0], (nrf_layer_size){1, n, n}, base, out), NRF_OK);
    for (int column = 0; column < n; column++) {
      const bool shown = column >= cut[k].first && column <= cut[k].last;
      assert_int_equal(out[n / 2 * n + column] != BASE_SHADE, shown);
    }
    nrf_free(s);
  }
  free(base);
  free(out);
}

static void contrast_0_leaves_the_base_image(void **state)
{
  (void)state;
  nrf_stimulus *s = describe("single/contrast_and_angle", 32, 32);
  uint8_t       base[UNITS], out[UNITS];
  for (int u = 0; u < UNITS; u++) base[u] = (uint8_t)(u % 256);
  assert_int_equal(nrf_stimulus_render(&s[8], cifar_size, base, out), NRF_OK);
  assert_memory_equal(out, base, UNITS);
  assert_int_equal(nrf_stimulus_render(&s[9], cifar_size, base, out), NRF_OK);
  assert_memory_not_equal(out, base, UNITS);
  nrf_free(s);
}

static void a_box_without_bound_stays_a_number(void **state)
{
  (void)state;
  const nrf_gabor     endless = {.sigma = 1.0, .wavelength = 3.0, .aspect = 1e-300, .contrast = 1.0};
  const nrf_gabor_box box     = nrf_gabor_box_of(&endless);
  assert_int_equal(box.rows, 3);
  assert_true(box.columns > 100000);
  const nrf_gabor_box cut = nrf_gabor_box_clip(box, 3, 3);
  assert_int_equal(cut.rows, 0);
  assert_int_equal(cut.columns, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_sets_are_the_published_ones),
      cmocka_unit_test(first_and_last_names_are_the_published_ones),
      cmocka_unit_test(names_are_sorted_and_differ),
      cmocka_unit_test(contrast_varies_fastest_then_angle),
      cmocka_unit_test(repeats_share_a_group),
      cmocka_unit_test(pairs_stand_where_the_analysis_expects_them),
      cmocka_unit_test(a_name_that_is_no_set_is_refused),
      cmocka_unit_test(sets_of_28_by_28_have_their_own_centre_and_end_at_the_border),
      cmocka_unit_test(images_too_small_for_a_set_are_refused),
      cmocka_unit_test(a_bar_is_cut_to_an_odd_number_of_pixels),
      cmocka_unit_test(contrast_0_leaves_the_base_image),
      cmocka_unit_test(a_box_without_bound_stays_a_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
