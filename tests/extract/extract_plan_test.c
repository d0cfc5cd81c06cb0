/* What is kept of a recording follows from its experiment and its table of stimuli: windows, sites, films. */
#include "extract/extract_plan.h"
#include "support/memory_source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK(call)                                                                            \
  do {                                                                                      \
    const nrf_status st_ = (call);                                                          \
    if (st_ != NRF_OK) fail_msg("%s: status %d: %s", #call, (int)st_, nrf_error_message()); \
  } while (0)

static void assert_refused(const memory_source *s, const char *part)
{
  nrf_extract_plan plan;
  assert_int_equal(nrf_extract_plan_make(&s->info, &plan), NRF_EUNSUPPORTED);
  if (strstr(nrf_error_message(), part) == NULL)
    fail_msg("'%s' does not say '%s'", nrf_error_message(), part);
  nrf_extract_plan_free(&plan);
}

static void assert_sites(const nrf_sites *sites, int count, const int hw[][2])
{
  assert_int_equal(sites->count, count);
  for (int i = 0; i < count; i++) {
    assert_int_equal(sites->site[i].h, hw[i][0]);
    assert_int_equal(sites->site[i].w, hw[i][1]);
  }
}

static void assert_window(nrf_window window, int64_t first, int64_t count)
{
  assert_int_equal(window.count, count);
  if (count > 0) assert_int_equal(window.first, first);
}

/* ---- windows ---- */

static void windows_are_those_of_the_phases(void **state)
{
  (void)state;
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "single/just_angle", 2, 1, 8, 8);
  memory_source_set_phases(&s, 100, 1000, 1000, 600);
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_window(plan.window[NRF_WINDOW_BURN], 0, 100);
  assert_window(plan.window[NRF_WINDOW_PRE], 100, 1000);
  assert_window(plan.window[NRF_WINDOW_DUR], 1100, 1000);
  assert_window(plan.window[NRF_WINDOW_POST], 2100, 600);
  nrf_extract_plan_free(&plan);
}

/* Rows of every third step: 0, 3, 6, 9 | 12, 15, 18 | 21, ..., 30 | 33, ..., 42. */
static void windows_count_rows_not_steps(void **state)
{
  (void)state;
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "single/just_angle", 2, 1, 8, 8);
  memory_source_set_phases(&s, 10, 10, 11, 12);
  s.info.stride = 3;
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_window(plan.window[NRF_WINDOW_BURN], 0, 4);
  assert_window(plan.window[NRF_WINDOW_PRE], 4, 3);
  assert_window(plan.window[NRF_WINDOW_DUR], 7, 4);
  assert_window(plan.window[NRF_WINDOW_POST], 11, 4);
  assert_int_equal(plan.rows, 15);
  nrf_extract_plan_free(&plan);
}

static void windows_may_be_missing_but_not_all(void **state)
{
  (void)state;
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "single/just_angle", 2, 1, 8, 8);
  memory_source_set_phases(&s, 0, 20, 30, 0);
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_window(plan.window[NRF_WINDOW_BURN], 0, 0);
  assert_window(plan.window[NRF_WINDOW_PRE], 0, 20);
  assert_window(plan.window[NRF_WINDOW_DUR], 20, 30);
  assert_window(plan.window[NRF_WINDOW_POST], 0, 0);
  nrf_extract_plan_free(&plan);

  memory_source_set_phases(&s, 5, 0, 30, 0);
  assert_refused(&s, "to compare it with");
  memory_source_set_phases(&s, 5, 10, 0, 10);
  assert_refused(&s, "no stimulus");
  s.info.n_phases       = 1; /* as observeCIFAR10 */
  s.info.phase[0].shows = NRF_SHOWS_BURN_IN;
  assert_refused(&s, "no stimulus");
}

static void the_states_of_a_latent_layer_are_needed(void **state)
{
  (void)state;
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "single/just_angle", 2, 1, 8, 8);
  s.info.layer[1]       = s.info.layer[0];
  s.info.n_layers       = 2;
  s.info.layer[0].layer = 0; /* the image */
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_int_equal(plan.layer_index, 1);
  nrf_extract_plan_free(&plan);

  s.info.n_layers = 1;
  assert_refused(&s, "latent layer");
  s.info.layer[0].layer                = 1;
  s.info.variable[NRF_RECORD_STATE]    = false;
  s.info.variable[NRF_RECORD_MOMENTUM] = true;
  assert_refused(&s, "latent layer");
}

/* ---- sites ---- */

static void prim_keeps_the_patch_and_one_images_momentum(void **state)
{
  (void)state;
  static const int patch[][2]  = {{15, 15}, {15, 16}, {15, 17}, {16, 15}, {16, 16},
                                  {16, 17}, {17, 15}, {17, 16}, {17, 17}};
  static const int centre[][2] = {{16, 16}};
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "single/contrast_and_angle", 6, 2, 32, 32);
  s.info.variable[NRF_RECORD_MOMENTUM] = true;
  for (int b = 0; b < 6; b++) { /* the last by angle and contrast is not the last of the batch */
    s.image[b].angle    = b < 3 ? 2.0 : 1.0;
    s.image[b].contrast = b % 3 == 1 ? 2.8 : 0.4;
  }
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_int_equal(plan.kind, NRF_KIND_PRIM);
  for (int b = 0; b < 6; b++) {
    assert_sites(&plan.kept[NRF_KEPT_STATE].sites[b], 9, patch);
    assert_sites(&plan.kept[NRF_KEPT_MOMENTUM].sites[b], b == 1 ? 1 : 0, centre);
  }
  assert_int_equal(nrf_kept_count(&plan, NRF_KEPT_STATE), 6 * 9 * 2);
  assert_int_equal(nrf_kept_count(&plan, NRF_KEPT_MOMENTUM), 2);
  assert_int_equal(plan.n_films, 0);
  nrf_extract_plan_free(&plan);

  s.info.variable[NRF_RECORD_MOMENTUM] = false;
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_int_equal(nrf_kept_count(&plan, NRF_KEPT_MOMENTUM), 0);
  nrf_extract_plan_free(&plan);
}

static void dbl_keeps_the_places_of_both_patches(void **state)
{
  (void)state;
  static const int right[][2] = {{16, 16}, {16, 26}}, up[][2] = {{13, 16}, {16, 16}}, one[][2] = {{16, 16}};
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "double/fewlocs_and_fewerangles", 3, 1, 32, 32);
  s.info.pictures.height = s.info.pictures.width = 32;
  s.image[0].offset_column                       = 10;
  s.image[1].offset_row                          = -3;
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_sites(&plan.kept[NRF_KEPT_STATE].sites[0], 2, right);
  assert_sites(&plan.kept[NRF_KEPT_STATE].sites[1], 2, up);
  assert_sites(&plan.kept[NRF_KEPT_STATE].sites[2], 1, one); /* both at one place */
  nrf_extract_plan_free(&plan);
}

/* Distances are of the image: a map of half its size is crossed in half as many steps. */
static void dbl_finds_the_mobile_patch_in_maps_of_other_sizes(void **state)
{
  (void)state;
  static const int half[][2] = {{8, 8}, {8, 13}}, none[][2] = {{8, 8}}, twice[][2] = {{26, 32}, {32, 32}};
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "double/fewlocs_and_fewerangles", 2, 1, 16, 16);
  s.info.pictures.height = s.info.pictures.width = 32;
  s.image[0].offset_column                       = 10;
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_sites(&plan.kept[NRF_KEPT_STATE].sites[0], 2, half);
  assert_sites(&plan.kept[NRF_KEPT_STATE].sites[1], 1, none);
  nrf_extract_plan_free(&plan);

  memory_source_create(&s, "double/fewlocs_and_fewerangles", 1, 1, 64, 64);
  s.info.pictures.height = s.info.pictures.width = 32;
  s.image[0].offset_row                          = -3;
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_sites(&plan.kept[NRF_KEPT_STATE].sites[0], 2, twice);
  nrf_extract_plan_free(&plan);
}

/* The list of analysis.md 1.7. */
static void long_keeps_places_along_the_bar(void **state)
{
  (void)state;
  static const int list[23] = {1,  3,  5,  7,  9,  10, 11, 12, 13, 14, 15, 16,
                               17, 18, 19, 20, 21, 22, 23, 25, 27, 29, 31};
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "single/long_just_fewangles", 8, 2, 32, 32);
  for (int b = 0; b < 8; b++)
    s.image[b].angle = (double)(7 - b) * M_PI / 4; /* not in the order of the batch */
  s.info.variable[NRF_RECORD_MOMENTUM] = true;
  OK(nrf_extract_plan_make(&s.info, &plan));
  for (int b = 0; b < 8; b++) {
    const nrf_sites *sites = &plan.kept[NRF_KEPT_STATE].sites[b];
    assert_int_equal(sites->count, 23);
    assert_int_equal(plan.kept[NRF_KEPT_MOMENTUM].sites[b].count, 1);
    for (int k = 0; k < 23; k++) {
      const int group = 7 - b, l = list[k], back = 32 - list[22 - k];
      const int h = group % 4 == 0 ? 16 : l, w = group % 4 == 2 ? 16 : group % 4 == 1 ? 32 - l : l;
      assert_int_equal(back, l);
      assert_int_equal(sites->site[k].h, h);
      assert_int_equal(sites->site[k].w, w);
    }
  }
  assert_int_equal(plan.kept[NRF_KEPT_STATE].first[3], 3 * 23 * 2);
  nrf_extract_plan_free(&plan);
}

/* Map 12: the odd numbers below 12 and everything within 7 of 6, but for row 0. An angle that no bar of the set has: the centre. */
static void long_bars_of_other_sizes_and_angles(void **state)
{
  (void)state;
  static const int centre[][2] = {{6, 4}};
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "single/long_just_fewangles", 4, 1, 12, 9);
  s.image[0].angle = M_PI / 2;
  s.image[1].angle = M_PI / 4;
  s.image[2].angle = 0.3;
  OK(nrf_extract_plan_make(&s.info, &plan));
  const nrf_sites *vertical = &plan.kept[NRF_KEPT_STATE].sites[0],
                  *diagonal = &plan.kept[NRF_KEPT_STATE].sites[1];
  assert_int_equal(vertical->count, 11);
  for (int k = 0; k < 11; k++) {
    assert_int_equal(vertical->site[k].h, k + 1);
    assert_int_equal(vertical->site[k].w, 4);
  }
  assert_int_equal(diagonal->count, 8); /* columns 1 .. 8, rows 9 .. 2 */
  for (int k = 0; k < 8; k++) {
    assert_int_equal(diagonal->site[k].h, k + 2);
    assert_int_equal(diagonal->site[k].w, 8 - k);
  }
  assert_sites(&plan.kept[NRF_KEPT_STATE].sites[2], 1, centre);
  assert_sites(&plan.kept[NRF_KEPT_STATE].sites[3], 1, centre); /* no angle at all */
  nrf_extract_plan_free(&plan);
}

/* Sites count within the region; those outside are left out. */
static void a_recorded_region_keeps_what_lies_in_it(void **state)
{
  (void)state;
  static const int part[][2] = {{3, 0}, {3, 1}, {4, 0}, {4, 1}, {5, 0}, {5, 1}};
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "single/contrast_and_angle", 1, 1, 32, 32);
  s.info.layer[0].top     = 12;
  s.info.layer[0].left    = 16;
  s.info.layer[0].rows    = 8;
  s.info.layer[0].columns = 8;
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_sites(&plan.kept[NRF_KEPT_STATE].sites[0], 6, part);
  assert_int_equal(plan.centre.h, 4);
  assert_int_equal(plan.centre.w, 0);
  nrf_extract_plan_free(&plan);

  s.info.layer[0].left = 20;
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_int_equal(plan.kept[NRF_KEPT_STATE].sites[0].count, 0);
  assert_int_equal(plan.centre.h, -1);
  assert_int_equal(plan.centre.w, -1);
  nrf_extract_plan_free(&plan);
}

/* ---- films ---- */

static void films_are_chosen_by_angle(void **state)
{
  (void)state;
  memory_source    s;
  nrf_extract_plan plan;
  memory_source_create(&s, "single/just_angle", 12, 1, 8, 8);
  for (int b = 0; b < 12; b++) s.image[b].angle = (double)b * 2 * M_PI / 12;
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_int_equal(plan.n_films, 2);
  assert_int_equal(plan.film_image[0], 0);
  assert_int_equal(plan.film_image[1], 3);
  nrf_extract_plan_free(&plan);

  s.info.n_images = 1; /* both would be the same */
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_int_equal(plan.n_films, 1);
  nrf_extract_plan_free(&plan);

  memory_source_create(&s, "single/long_just_fewangles", 128, 1, 8, 8);
  for (int b = 0; b < 128; b++) {
    s.image[b].angle  = (double)(b / 16) * M_PI / 4;
    s.image[b].repeat = b % 16;
  }
  OK(nrf_extract_plan_make(&s.info, &plan));
  assert_int_equal(plan.n_films, 2); /* those of the published films */
  assert_int_equal(plan.film_image[0], 0);
  assert_int_equal(plan.film_image[1], 65);
  nrf_extract_plan_free(&plan);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(windows_are_those_of_the_phases),
      cmocka_unit_test(windows_count_rows_not_steps),
      cmocka_unit_test(windows_may_be_missing_but_not_all),
      cmocka_unit_test(the_states_of_a_latent_layer_are_needed),
      cmocka_unit_test(prim_keeps_the_patch_and_one_images_momentum),
      cmocka_unit_test(dbl_keeps_the_places_of_both_patches),
      cmocka_unit_test(dbl_finds_the_mobile_patch_in_maps_of_other_sizes),
      cmocka_unit_test(long_keeps_places_along_the_bar),
      cmocka_unit_test(long_bars_of_other_sizes_and_angles),
      cmocka_unit_test(a_recorded_region_keeps_what_lies_in_it),
      cmocka_unit_test(films_are_chosen_by_angle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
