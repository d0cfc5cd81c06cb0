/* synchrony_amplitudes_test.c - which groups of fits are compared with which, on stimuli and preferences made up for it. */
#include "analysis/steps/synchrony_amplitudes.h"

#include "support/close.h"

#include <stdlib.h>

enum { QUARTER_TURNS = 4, CHANNELS = 5 };

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* Channels 0 and 1 prefer the stimulus of group 0 (within 10 degrees), 2 that of group 1; 3 would like group 0's, but is
 * not tuned; 4 has no preference. Channel 1 is tuned to orientations. */
static nrf_preference preference[CHANNELS] = {
    {0, 0.00, 0.10, 0}, {1, 0.10, 0.09, 1}, {2, M_PI_2, 0.08, 0}, {3, 0.05, 0.01, 0}, {4, NAN, 0.0, -1}};

static const nrf_preferences preferences = {CHANNELS, preference};
static const nrf_site        centre      = {.h = 8, .w = 6};

/* Four quarter turns of a bar; for two patches, stimuli of group 2 k are colinear, 2 k + 1 at a right angle. */
static nrf_recording_image bar[QUARTER_TURNS], patches[2 * QUARTER_TURNS];

static nrf_recording_info info_of(int n, const nrf_recording_image *image)
{
  return (nrf_recording_info){.n_images = n, .image = image};
}

static int make_stimuli(void **state)
{
  (void)state;
  for (int q = 0; q < QUARTER_TURNS; q++) {
    bar[q] = (nrf_recording_image){.angle = q * M_PI_2, .angle_static = NAN, .group = q};
    for (int m = 0; m < 2; m++)
      patches[2 * q + m] = (nrf_recording_image){.angle         = (q + m) * M_PI_2,
                                                 .angle_static  = q * M_PI_2,
                                                 .offset_row    = 3,
                                                 .offset_column = -4 - q,
                                                 .group         = 2 * q + m};
  }
  return 0;
}

static nrf_amplitude_sets select_from(nrf_synchrony experiment, int n_images,
                                      const nrf_recording_image *image, int n, nrf_pair_group *group,
                                      bool as_written)
{
  const nrf_recording_info  info   = info_of(n_images, image);
  const nrf_pair_groups     groups = {n, group};
  const nrf_amplitude_rules rules  = {as_written, 7};
  nrf_amplitude_sets        sets;
  must(nrf_select_amplitudes(experiment, &info, centre, &groups, &preferences, rules, &sets));
  return sets;
}

/* ---- channels ---------------------------------------------------------------------------------------------- */

/* All ordered pairs, for group 0, in both periods. */
static int all_pairs(nrf_pair_group *group)
{
  int n = 0;
  for (int period = 0; period < NRF_PERIODS; period++)
    for (int a = 0; a < CHANNELS; a++)
      for (int b = 0; b < CHANNELS; b++)
        group[n++] =
            (nrf_pair_group){.group = 0, .period = period, .key = {a, b}, .amplitude = 1.0 + a + 10.0 * b};
  return n;
}

static void pairs_are_aligned_if_the_stimulus_suits_both(void **state)
{
  (void)state;
  nrf_pair_group     group[2 * CHANNELS * CHANNELS];
  const int          n    = all_pairs(group);
  nrf_amplitude_sets sets = select_from(NRF_SYNCHRONY_CHANNELS, QUARTER_TURNS, bar, n, group, false);
  assert_int_equal(sets.count, NRF_CHANNEL_SETS);

  /* Tuned: 0, 1, 2; of their six pairs two are aligned. With 3 there would be six more, of which four aligned. */
  assert_int_equal(sets.set[NRF_SET_ALL].n, 6);
  assert_int_equal(sets.set[NRF_SET_ALL].n_untuned, 6);
  assert_int_equal(sets.set[NRF_SET_ALIGNED].n, 2);
  assert_int_equal(sets.set[NRF_SET_ALIGNED].n_untuned, 4);
  assert_int_equal(sets.set[NRF_SET_UNALIGNED].n, 4);
  const nrf_amplitude_point *p = sets.set[NRF_SET_ALIGNED].point;
  assert_near(p[0].x, 0.1, 1e-12);
  assert_near(p[0].y, 11.0, 0.0); /* A 0, B 1 */
  assert_near(p[0].colour, 1.0, 0.0);
  assert_int_equal(p[0].group, 1);

  /* One distance only: a mean, but no line. */
  assert_int_equal(sets.set[NRF_SET_ALIGNED].n_means, 1);
  assert_near(sets.set[NRF_SET_ALIGNED].mean[0].mean, 6.5, 1e-12);
  assert_false(sets.set[NRF_SET_ALIGNED].line.exists);
  assert_true(sets.set[NRF_SET_UNALIGNED].line.exists);
  nrf_amplitude_sets_free(&sets);

  sets = select_from(NRF_SYNCHRONY_CHANNELS, QUARTER_TURNS, bar, n, group, true);
  assert_int_equal(sets.set[NRF_SET_ALIGNED].n, 6);
  assert_int_equal(sets.set[NRF_SET_ALIGNED].n_untuned, 0);
  nrf_amplitude_sets_free(&sets);
}

static void empty_sets_are_no_error(void **state)
{
  (void)state;
  nrf_pair_group     one  = {.group = 3, .key = {0, 4}, .amplitude = 1.0};
  nrf_amplitude_sets sets = select_from(NRF_SYNCHRONY_CHANNELS, QUARTER_TURNS, bar, 1, &one, false);
  for (int k = 0; k < sets.count; k++) {
    assert_int_equal(sets.set[k].n, 0);
    assert_int_equal(sets.set[k].n_means, 0);
    assert_false(sets.set[k].line.exists);
  }
  nrf_amplitude_sets_free(&sets);
}

/* ---- patches ----------------------------------------------------------------------------------------------- */

static void patches_are_sorted_by_the_mobile_ones_angle(void **state)
{
  (void)state;
  nrf_pair_group group[] = {
      {.group = 0, .key = {0, 1}, .amplitude = 1.0}, /* both like the static patch's angle, 0     */
      {.group = 0, .key = {2, 0}, .amplitude = 2.0}, /* A does not                                */
      {.group = 1, .key = {1, 1}, .amplitude = 3.0}, /* the mobile patch is at a right angle      */
      {.group = 1, .key = {2, 0}, .amplitude = 4.0}, /* which A likes: each its own               */
      {.group = 2, .key = {2, 2}, .amplitude = 5.0}, /* a quarter turn on, and a pixel farther    */
      {.group = 0, .key = {3, 0}, .amplitude = 6.0}, /* not tuned                                 */
      {.group = 0, .period = 1, .key = {0, 1}, .amplitude = 7.0},
  };
  nrf_amplitude_sets sets = select_from(NRF_SYNCHRONY_PATCHES, 2 * QUARTER_TURNS, patches, 7, group, false);
  const nrf_amplitude_set *colinear = &sets.set[NRF_SET_COLINEAR];
  assert_int_equal(colinear->n, 2);
  assert_int_equal(colinear->n_untuned, 1);
  assert_near(colinear->point[0].x, 5.0, 1e-12);
  assert_near(colinear->point[0].y, 1.0, 0.0);
  assert_near(colinear->point[1].x, hypot(3, 5), 1e-12);
  assert_near(colinear->point[1].y, 5.0, 0.0);
  assert_int_equal(sets.set[NRF_SET_NONCOLINEAR].n, 1);
  assert_near(sets.set[NRF_SET_NONCOLINEAR].point[0].y, 3.0, 0.0);
  assert_int_equal(sets.set[NRF_SET_OWN_STIMULUS].n, 1);
  assert_near(sets.set[NRF_SET_OWN_STIMULUS].point[0].y, 4.0, 0.0);
  nrf_amplitude_sets_free(&sets);

  /* As written a pair of a direction and an orientation is lost (D21), and the threshold is not applied (D26). */
  sets = select_from(NRF_SYNCHRONY_PATCHES, 2 * QUARTER_TURNS, patches, 7, group, true);
  assert_int_equal(sets.set[NRF_SET_COLINEAR].n, 2);
  assert_near(sets.set[NRF_SET_COLINEAR].point[0].y, 5.0, 0.0);
  assert_near(sets.set[NRF_SET_COLINEAR].point[1].y, 6.0, 0.0);
  nrf_amplitude_sets_free(&sets);
}

/* ---- bar --------------------------------------------------------------------------------------------------- */

static void places_on_the_bar_count_without_the_centre(void **state)
{
  (void)state;
  nrf_pair_group group[] = {
      {.group = 0, .period = 0, .key = {0, 6, 8}, .amplitude = 1.0}, /* the centre itself        */
      {.group = 0, .period = 0, .key = {0, 9, 8}, .amplitude = 2.0},
      {.group = 0, .period = 0, .key = {0, 3, 8}, .amplitude = 4.0}, /* as far on the other side */
      {.group = 0, .period = 0, .key = {0, 7, 9}, .amplitude = 8.0},
      {.group = 0, .period = 1, .key = {1, 9, 8}, .amplitude = 16.0},
      {.group = 1, .period = 0, .key = {0, 6, 9}, .amplitude = 32.0}, /* the wrong stimulus      */
      {.group = 0, .period = 0, .key = {3, 6, 9}, .amplitude = 64.0}, /* not tuned               */
  };
  nrf_amplitude_sets       sets   = select_from(NRF_SYNCHRONY_BAR, QUARTER_TURNS, bar, 7, group, false);
  const nrf_amplitude_set *during = &sets.set[NRF_SET_DURING];
  assert_int_equal(during->n, 3);
  assert_int_equal(during->n_untuned, 1);
  assert_int_equal(during->n_means, 2);
  assert_near(during->mean[0].x, sqrt(2.0), 1e-12);
  assert_near(during->mean[0].mean, 8.0, 0.0);
  assert_near(during->mean[1].x, 3.0, 1e-12);
  assert_near(during->mean[1].mean, 3.0, 1e-12);
  assert_int_equal(during->mean[1].n, 2);
  assert_true(during->line.exists && during->line.line.slope < 0.0);
  assert_int_equal(sets.set[NRF_SET_BEFORE].n, 1);
  nrf_amplitude_sets_free(&sets);
}

static void distances_that_differ_by_rounding_are_one(void **state)
{
  (void)state;
  nrf_pair_group group[]  = {{.group = 0, .key = {0, 1}, .amplitude = 1.0},
                             {.group = 1, .key = {0, 2}, .amplitude = 2.0},
                             {.group = 1, .key = {1, 2}, .amplitude = 4.0},
                             {.group = 2, .key = {2, 1}, .amplitude = 6.0}};
  const double   before   = preference[1].angle;
  preference[1].angle     = 1e-12; /* both are a quarter turn from channel 2, nearly */
  nrf_amplitude_sets sets = select_from(NRF_SYNCHRONY_CHANNELS, QUARTER_TURNS, bar, 4, group, false);
  preference[1].angle     = before;
  const nrf_amplitude_set *unaligned = &sets.set[NRF_SET_UNALIGNED];
  assert_int_equal(unaligned->n, 3);
  assert_int_equal(unaligned->n_means, 1);
  assert_near(unaligned->mean[0].mean, 4.0, 1e-12);
  nrf_amplitude_sets_free(&sets);
}

/* ---- lines and intervals ----------------------------------------------------------------------------------- */

static void lines_have_the_slope_and_its_interval(void **state)
{
  (void)state;
  /* The specification's A.5. */
  const double             x[] = {3, 5, 7, 10, 3, 5}, y[] = {0.4, 0.35, 0.3, 0.2, 0.42, 0.33};
  const nrf_amplitude_line line = nrf_fit_amplitude_line(6, x, y);
  assert_digits(line.line.slope, -0.02929577465);
  assert_digits(line.line.intercept, 0.4944600939);

  /* Standard error by hand: sqrt(SSE / 4 / Sxx); quantile 0.975 of t with 4 degrees of freedom. */
  double squares = 0.0, spread = 0.0;
  for (int i = 0; i < 6; i++) {
    const double rest = y[i] - line.line.slope * x[i] - line.line.intercept;
    squares += rest * rest;
    spread += (x[i] - 5.5) * (x[i] - 5.5);
  }
  const double margin = 2.7764451052 * sqrt(squares / 4.0 / spread);
  assert_relative(line.slope.upper - line.line.slope, margin, 1e-8);
  assert_relative(line.line.slope - line.slope.lower, margin, 1e-8);
}

static void equal_seeds_give_equal_intervals(void **state)
{
  (void)state;
  nrf_pair_group     group[2 * CHANNELS * CHANNELS];
  const int          n     = all_pairs(group);
  nrf_amplitude_sets one   = select_from(NRF_SYNCHRONY_CHANNELS, QUARTER_TURNS, bar, n, group, true),
                     again = select_from(NRF_SYNCHRONY_CHANNELS, QUARTER_TURNS, bar, n, group, true);
  for (int64_t i = 0; i < one.set[0].n_means; i++) {
    assert_near(one.set[0].mean[i].interval.lower, again.set[0].mean[i].interval.lower, 0.0);
    assert_true(one.set[0].mean[i].interval.lower <= one.set[0].mean[i].mean);
  }
  nrf_amplitude_sets_free(&one);
  nrf_amplitude_sets_free(&again);
}

/* The same values at distances of 5 and 10. */
static void means_are_resampled_independently(void **state)
{
  (void)state;
  static const int step[][2] = {{0, 5}, {5, 0}, {3, 4}, {4, 3}, {4, -3}, {3, -4}};
  enum { STEPS = sizeof step / sizeof *step, EACH = 2 * STEPS };
  nrf_pair_group group[2 * EACH];
  for (int i = 0; i < 2 * EACH; i++) {
    const int *s = step[i % STEPS], times = (i < EACH ? 1 : 2) * (i / STEPS % 2 == 0 ? 1 : -1);
    group[i] = (nrf_pair_group){.group     = 0,
                                .key       = {0, centre.w + times * s[0], centre.h + times * s[1]},
                                .amplitude = sqrt(1.0 + i % EACH)};
  }
  nrf_amplitude_sets        sets = select_from(NRF_SYNCHRONY_BAR, QUARTER_TURNS, bar, 2 * EACH, group, false);
  const nrf_amplitude_mean *mean = sets.set[NRF_SET_DURING].mean;
  assert_int_equal(sets.set[NRF_SET_DURING].n_means, 2);
  assert_near(mean[0].mean, mean[1].mean, 1e-12);
  assert_true(mean[0].interval.lower != mean[1].interval.lower);
  assert_near(mean[0].interval.lower, mean[1].interval.lower, 0.05);
  nrf_amplitude_sets_free(&sets);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pairs_are_aligned_if_the_stimulus_suits_both),
      cmocka_unit_test(empty_sets_are_no_error),
      cmocka_unit_test(patches_are_sorted_by_the_mobile_ones_angle),
      cmocka_unit_test(places_on_the_bar_count_without_the_centre),
      cmocka_unit_test(distances_that_differ_by_rounding_are_one),
      cmocka_unit_test(lines_have_the_slope_and_its_interval),
      cmocka_unit_test(equal_seeds_give_equal_intervals),
      cmocka_unit_test(means_are_resampled_independently),
  };
  return cmocka_run_group_tests(tests, make_stimuli, NULL);
}
