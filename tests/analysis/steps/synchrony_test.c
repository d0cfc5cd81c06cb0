/* synchrony_test.c - correlations, fits and groups of traces with known frequencies, phases and amplitudes. */
#include "analysis/steps/synchrony.h"

#include "nrflv/analysis/correlation.h"
#include "nrflv/analysis/time_units.h"
#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include "support/close.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
  CHANNELS = 6,
  IMAGES   = 4,
  ROWS     = 1500,
  PAIRS    = CHANNELS * CHANNELS,
  FITS     = IMAGES * NRF_PERIODS * PAIRS
};

static const nrf_window during = {700, 700}, outside = {100, 600};

static const double HZ = 30.0, PHASE_DEGREES[CHANNELS] = {0.0, 40.0, 100.0, -75.0, 170.0, -160.0};

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* ---- planted traces -------------------------------------------------------------------------------------- */

typedef struct planted {
  float               trace[IMAGES][CHANNELS][ROWS];
  const float        *series[IMAGES][CHANNELS];
  nrf_pair            pair[IMAGES][PAIRS];
  nrf_image_pairs     image[IMAGES];
  nrf_synchrony_pairs pairs;
} planted;

static double noise(int image, int channel, int t)
{
  return nrf_rng_uniform(nrf_rng_at(5, NRF_RNG_TEST, (uint64_t)image, (uint32_t)channel), (uint64_t)t) - 0.5;
}

/* Three lines close to each other, so that correlations fall off as the lag grows. */
static double oscillation(double t, double phase)
{
  double sum = 0.0;
  for (int k = -1; k <= 1; k++) sum += cos(2.0 * M_PI * (HZ + 0.9 * k) * t / NRF_SAMPLING_RATE_HZ + phase);
  return sum / 3.0;
}

static double oscillation_strength(int t)
{
  const bool is_during = t >= during.first && t < during.first + during.count;
  return is_during ? 0.4 : 0.1;
}

static planted *plant(void)
{
  planted *p = NULL;
  must(nrf_alloc(sizeof *p, "test", (void **)&p));
  for (int b = 0; b < IMAGES; b++) {
    for (int c = 0; c < CHANNELS; c++) {
      const double phase = PHASE_DEGREES[c] * M_PI / 180.0;
      for (int t = 0; t < ROWS; t++)
        p->trace[b][c][t] =
            (float)(0.3 + oscillation_strength(t) * oscillation(t + 13.0 * b, phase) + 0.05 * noise(b, c, t));
      p->series[b][c] = p->trace[b][c];
      for (int v = 0; v < CHANNELS; v++)
        p->pair[b][c * CHANNELS + v] = (nrf_pair){.a = c, .v = v, .key = {c, v}};
    }
    p->image[b] = (nrf_image_pairs){
        .group = b / 2, .n_series = CHANNELS, .n_pairs = PAIRS, .series = p->series[b], .pair = p->pair[b]};
  }
  p->pairs = (nrf_synchrony_pairs){.experiment = NRF_SYNCHRONY_CHANNELS,
                                   .window     = {during, outside},
                                   .images     = IMAGES,
                                   .image      = p->image,
                                   .max_series = CHANNELS};
  return p;
}

static const nrf_pair_fit *fit_at(const nrf_pair_fits *fits, int image, int period, int a, int v)
{
  return &fits->fit[(image * NRF_PERIODS + period) * PAIRS + a * CHANNELS + v];
}

/* ---- correlations ---------------------------------------------------------------------------------------- */

static void correlations_are_those_of_the_window_less_its_mean(void **state)
{
  (void)state;
  planted             *p = plant();
  nrf_pair_correlator *c = NULL;
  must(nrf_pair_correlator_create(outside, -50, 49, CHANNELS, &c));
  assert_int_equal(nrf_pair_correlator_first(c), -50);
  assert_int_equal(nrf_pair_correlator_lags(c), 100);
  nrf_pair_correlator_load(c, &p->image[1]);

  double a[600], v[600], ours[100], direct[100];
  for (int t = 0; t < 600; t++) {
    a[t] = (double)p->trace[1][2][100 + t];
    v[t] = (double)p->trace[1][4][100 + t];
  }
  const nrf_moments ma = nrf_moments_of(600, a), mv = nrf_moments_of(600, v);
  for (int t = 0; t < 600; t++) {
    a[t] -= ma.mean;
    v[t] -= mv.mean;
  }
  nrf_cross_correlation(600, a, v, -50, 49, direct);
  nrf_pair_correlation(c, 2, 4, ours);
  for (int k = 0; k < 100; k++) assert_near(ours[k], direct[k], 1e-10);
  assert_near(nrf_pair_norm(c, 2, 4), 600.0 * sqrt(nrf_var0(ma)) * sqrt(nrf_var0(mv)), 1e-9);

  nrf_pair_correlation(c, 3, 3, ours);
  assert_near(ours[50] / nrf_pair_norm(c, 3, 3), 1.0, 1e-12);
  nrf_pair_correlator_free(c);
  nrf_free(p);
}

static void lags_are_cut_to_what_a_short_window_has(void **state)
{
  (void)state;
  nrf_pair_correlator *c = NULL;
  must(nrf_pair_correlator_create((nrf_window){0, 20}, -50, 49, 1, &c));
  assert_int_equal(nrf_pair_correlator_first(c), -19);
  assert_int_equal(nrf_pair_correlator_lags(c), 39);
  nrf_pair_correlator_free(c);
  assert_int_equal(nrf_pair_correlator_create((nrf_window){0, 0}, -50, 49, 1, &c), NRF_EINVAL);
}

/* ---- fits ------------------------------------------------------------------------------------------------ */

static void fits_find_planted_phases_and_frequencies_also_near_antiphase(void **state)
{
  (void)state;
  planted      *p = plant();
  nrf_pair_fits fits;
  must(nrf_fit_pairs(&p->pairs, NRF_FIT_CORRECT, 2, NULL, &fits));
  assert_int_equal(fits.n, FITS);
  for (int b = 0; b < IMAGES; b++)
    for (int a = 0; a < CHANNELS; a++)
      for (int v = 0; v < CHANNELS; v++) {
        const nrf_pair_fit *f             = fit_at(&fits, b, NRF_PERIOD_DURING, a, v);
        const double        planted_phase = (PHASE_DEGREES[a] - PHASE_DEGREES[v]) * M_PI / 180.0;
        const double        error         = fabs(nrf_angle_wrap(f->fit.sine_phase - planted_phase));
        const double        hz            = NRF_SAMPLING_RATE_HZ / (2.0 * M_PI * f->fit.freq_scale);
        assert_int_equal(f->row.image, b);
        assert_int_equal(f->row.group, b / 2);
        assert_int_equal(f->row.key[0], a);
        assert_int_equal(f->row.key[1], v);
        assert_true(error < 2.0 * M_PI / 180.0);
        assert_near(hz, HZ, 0.2);
        assert_in_range(f->amplitude_normalised * 1000.0, 900, 1050);
        assert_in_range(f->num_peaks, 12, 13);
      }
  nrf_pair_fits_free(&fits);
  nrf_free(p);
}

static void what_one_phase_misses_is_counted(void **state)
{
  (void)state;
  planted      *p = plant();
  nrf_pair_fits correct, published;
  must(nrf_fit_pairs(&p->pairs, NRF_FIT_CORRECT, 2, NULL, &correct));
  must(nrf_fit_pairs(&p->pairs, NRF_FIT_AS_WRITTEN, 2, NULL, &published));
  const nrf_pair_fit *in_phase = fit_at(&correct, 0, NRF_PERIOD_DURING, 1, 1);
  const nrf_pair_fit *opposite = fit_at(&correct, 0, NRF_PERIOD_DURING, 4, 0);
  assert_false(in_phase->one_phase_missed);
  assert_true(opposite->one_phase_missed);
  assert_true(fit_at(&published, 0, NRF_PERIOD_DURING, 4, 0)->fit.amplitude < 0.5 * opposite->fit.amplitude);
  assert_near(fit_at(&published, 0, NRF_PERIOD_DURING, 1, 1)->fit.amplitude, in_phase->fit.amplitude,
              1e-3 * in_phase->fit.amplitude);
  nrf_pair_fits_free(&correct);
  nrf_pair_fits_free(&published);
  nrf_free(p);
}

static void constant_traces_have_flat_fits_and_bad_ones_none(void **state)
{
  (void)state;
  planted      *p = plant();
  nrf_pair_fits fits;
  for (int t = 0; t < ROWS; t++) p->trace[2][3][t] = 0.25F;
  p->trace[2][5][during.first + 5] = NAN;
  must(nrf_fit_pairs(&p->pairs, NRF_FIT_CORRECT, 1, NULL, &fits));

  const nrf_pair_fit *flat = fit_at(&fits, 2, NRF_PERIOD_DURING, 3, 1);
  assert_true(flat->fit.amplitude == 0.0 && flat->norm == 0.0 && flat->num_peaks == 0);
  assert_true(isnan(flat->fit.sine_phase) && isnan(flat->amplitude_normalised) && isnan(flat->phase_folded));
  const nrf_pair_fit *bad = fit_at(&fits, 2, NRF_PERIOD_DURING, 1, 5);
  assert_true(isnan(bad->fit.amplitude) && bad->num_peaks == -1);
  assert_true(isfinite(fit_at(&fits, 2, NRF_PERIOD_OUTSIDE, 1, 5)->fit.amplitude));
  assert_true(fit_at(&fits, 2, NRF_PERIOD_DURING, 1, 2)->fit.amplitude > 1.0);
  nrf_pair_fits_free(&fits);
  nrf_free(p);
}

static void fits_do_not_depend_on_threads(void **state)
{
  (void)state;
  planted      *p = plant();
  nrf_pair_fits one, three;
  must(nrf_fit_pairs(&p->pairs, NRF_FIT_CORRECT, 1, NULL, &one));
  must(nrf_fit_pairs(&p->pairs, NRF_FIT_CORRECT, 3, NULL, &three));
  assert_memory_equal(one.fit, three.fit, (size_t)one.n * sizeof *one.fit);
  nrf_pair_fits_free(&one);
  nrf_pair_fits_free(&three);
  nrf_free(p);
}

/* ---- all windows ----------------------------------------------------------------------------------------- */

static void a_row_has_the_same_correlation_by_itself(void **state)
{
  (void)state;
  planted         *p = plant();
  nrf_pair_windows windows;
  double           window[NRF_FIT_LAGS];
  int              first, lags;
  must(nrf_correlate_pairs(&p->pairs, 2, NULL, &windows));
  const int64_t at = (1 * NRF_PERIODS + NRF_PERIOD_OUTSIDE) * PAIRS + 2 * CHANNELS + 4;
  must(nrf_correlate_row(&p->pairs, &windows.window[at].row, &first, &lags, window));
  assert_int_equal(first, windows.first);
  assert_int_equal(lags, windows.lags);
  for (int k = 0; k < lags; k++) assert_true((float)window[k] == windows.value[at * lags + k]);
  nrf_pair_windows_free(&windows);
  nrf_free(p);
}

static void means_over_equal_stimuli_are_coefficients(void **state)
{
  (void)state;
  planted         *p = plant();
  nrf_pair_windows windows;
  nrf_mean_windows means;
  for (int t = 0; t < ROWS; t++) p->trace[2][3][t] = 0.25F; /* leaves one of group 1 */
  for (int b = 2; b < IMAGES; b++)
    for (int t = 0; t < ROWS; t++) p->trace[b][5][t] = 1.0F; /* leaves none */
  must(nrf_correlate_pairs(&p->pairs, 2, NULL, &windows));
  assert_int_equal(windows.n, FITS);
  assert_int_equal(windows.lags, 100);
  must(nrf_average_windows(&windows, &means));
  assert_int_equal(means.n, 2 * NRF_PERIODS * PAIRS);
  const nrf_mean_window *m = &means.mean[1 * CHANNELS + 2]; /* group 0, during: A 1, B 2, 60 degrees behind */
  assert_true(m->group == 0 && m->period == NRF_PERIOD_DURING && m->key[0] == 1 && m->key[1] == 2);
  assert_int_equal(m->n, 2);
  assert_near(m->at_zero, cos(60.0 * M_PI / 180.0), 0.05);
  double raw = 0.0;
  for (int b = 0; b < 2; b++)
    raw += 0.5 *
           (double)windows.value[(b * NRF_PERIODS * PAIRS + 1 * CHANNELS + 2) * windows.lags - windows.first];
  assert_relative(m->raw_at_zero, raw, 1e-12);
  assert_true(m->largest > 0.9 && m->largest < 1.0);
  const double periods = m->lag_of_largest * HZ / NRF_SAMPLING_RATE_HZ; /* but for whole ones */
  assert_near(remainder(periods - 60.0 / 360.0, 1.0), 0.0, 0.07);
  const nrf_mean_window *one  = &means.mean[NRF_PERIODS * PAIRS + 3 * CHANNELS + 1];
  const nrf_mean_window *none = &means.mean[NRF_PERIODS * PAIRS + 5 * CHANNELS + 1];
  assert_true(one->key[0] == 3 && one->n == 1 && one->largest > 0.9);
  assert_true(none->key[0] == 5 && none->n == 0 && isnan(none->largest));
  nrf_mean_windows_free(&means);
  nrf_pair_windows_free(&windows);
  nrf_free(p);
}

/* ---- groups ---------------------------------------------------------------------------------------------- */

static nrf_pair_fit made_fit(int image, int group, int period, int a, int b, double amplitude, double phase)
{
  return (nrf_pair_fit){.row       = {.image = image, .group = group, .period = period, .key = {a, b}},
                        .num_peaks = 4 + image % 2,
                        .amplitude_normalised = amplitude / 2.0,
                        .fit                  = {.amplitude = amplitude, .sine_phase = phase}};
}

static void groups_have_means_tests_and_directions(void **state)
{
  (void)state;
  /* Out of order; amplitudes from the specification's A.5, one fit that failed, and phases on both sides of pi. */
  nrf_pair_fit list[] = {
      made_fit(3, 1, 0, 2, 0, 0.27, M_PI - 0.1),  made_fit(2, 1, 0, 2, 0, 0.45, -M_PI + 0.1),
      made_fit(0, 1, 0, 2, 0, 0.31, M_PI - 0.2),  made_fit(4, 1, 0, 2, 0, NAN, NAN),
      made_fit(1, 1, 0, 2, 0, 0.22, -M_PI + 0.2), made_fit(0, 1, 1, 2, 0, 0.30, 0.0),
      made_fit(1, 1, 1, 2, 0, 0.20, 0.1),         made_fit(2, 1, 1, 2, 0, 0.40, 0.2),
      made_fit(3, 1, 1, 2, 0, 0.29, 0.3),         made_fit(0, 0, 0, 9, 9, 1.00, 0.0),
  };
  const nrf_pair_fits fits = {sizeof list / sizeof *list, list};
  nrf_pair_groups     groups;
  must(nrf_group_fits(&fits, &groups));
  assert_int_equal(groups.n, 3);
  assert_int_equal(groups.group[0].key[0], 9);

  const nrf_pair_group *g = &groups.group[1];
  assert_int_equal(g->group, 1);
  assert_int_equal(g->period, NRF_PERIOD_DURING);
  assert_int_equal(g->n, 4);
  assert_near(g->amplitude, 0.3125, 1e-12);
  assert_near(g->amplitude_normalised, 0.15625, 1e-12);
  assert_near(g->num_peaks, 4.5, 1e-12);
  assert_near(g->amplitude_t.t, 6.326917811, 1e-8);
  assert_near(g->amplitude_t.p, 0.007982763676, 1e-10);
  assert_near(g->sine_phase, 0.0, 1e-12);
  assert_near(fabs(g->phase.angle), M_PI, 1e-12);
  assert_true(g->phase.resultant > 0.98);
  assert_true(g->phase_p < 0.02);

  /* changes 0.01, 0.02, 0.05, -0.02 */
  assert_int_equal(g->above_tenth_of_outside, 1);
  assert_near(g->amplitude_change, 0.015, 1e-12);
  assert_near(g->change_t.t, 0.015 / (sqrt(0.0025 / 3.0) / 2.0), 1e-9);

  assert_int_equal(groups.group[2].period, NRF_PERIOD_OUTSIDE);
  assert_int_equal(groups.group[2].above_tenth_of_outside, -1);
  assert_true(isnan(groups.group[2].amplitude_change));
  assert_int_equal(groups.group[0].above_tenth_of_outside, -1);
  nrf_pair_groups_free(&groups);
}

static void a_group_of_failed_fits_has_no_mean(void **state)
{
  (void)state;
  nrf_pair_fit        list[] = {made_fit(0, 0, 0, 1, 1, NAN, NAN), made_fit(1, 0, 0, 1, 1, NAN, NAN)};
  const nrf_pair_fits fits   = {2, list};
  nrf_pair_groups     groups;
  must(nrf_group_fits(&fits, &groups));
  assert_int_equal(groups.n, 1);
  assert_int_equal(groups.group[0].n, 0);
  assert_true(isnan(groups.group[0].amplitude));
  assert_true(isnan(groups.group[0].amplitude_t.p));
  nrf_pair_groups_free(&groups);

  const nrf_pair_fits nothing = {0, NULL};
  must(nrf_group_fits(&nothing, &groups));
  assert_int_equal(groups.n, 0);
  nrf_pair_groups_free(&groups);
}

/* Random directions: the test should find something in 5 % of the groups. */
static void directions_without_a_mean_are_found_as_often_as_they_should(void **state)
{
  (void)state;
  enum { GROUPS = 2000, OF = 16 };
  nrf_pair_fit *list = NULL;
  must(nrf_alloc(GROUPS * OF * sizeof *list, "test", (void **)&list));
  for (int g = 0; g < GROUPS; g++)
    for (int i = 0; i < OF; i++) {
      const double u   = nrf_rng_uniform(nrf_rng_at(8, NRF_RNG_TEST, (uint64_t)g, 0), (uint64_t)i);
      list[g * OF + i] = made_fit(i, g, 0, 0, 0, 1.0, 2.0 * M_PI * u);
    }
  const nrf_pair_fits fits = {GROUPS * OF, list};
  nrf_pair_groups     groups;
  must(nrf_group_fits(&fits, &groups));
  int found = 0;
  for (int g = 0; g < GROUPS; g++) found += groups.group[g].phase_p < 0.05;
  assert_in_range(found, 70, 132); /* 100 +- 3.2 sd */
  nrf_pair_groups_free(&groups);
  nrf_free(list);
}

/* ---- neighbours ------------------------------------------------------------------------------------------ */

static nrf_neighbour_rules rules_of(bool as_written)
{
  return (nrf_neighbour_rules){
      .as_written = as_written, .ring = CHANNELS, .max_distance = 5, .first = -200, .last = 199};
}

static void channels_on_a_ring_are_each_paired_once(void **state)
{
  (void)state;
  planted              *p = plant();
  nrf_mean_correlations m;
  must(nrf_correlate_neighbours(&p->pairs, rules_of(false), 2, NULL, &m));
  assert_int_equal(m.first, -200);
  assert_int_equal(m.lags, 400);
  assert_int_equal(m.distances, 3);
  const int pairs[] = {6, 6, 3};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(m.raw[i].distance, i + 1);
    assert_int_equal(m.raw[i].pairs, pairs[i]);
    assert_int_equal(m.raw[i].n, IMAGES);
    for (int k = 0; k < m.lags; k++) {
      assert_true(m.raw[i].lower[k] <= m.raw[i].mean[k] && m.raw[i].mean[k] <= m.raw[i].upper[k]);
      assert_true(fabs(m.normalised[i].mean[k]) <= 1.0);
    }
  }
  /* Distance 1 at lag 0: the cosines of the planted differences of phase, on average. */
  double expected = 0.0;
  for (int a = 0; a < CHANNELS; a++)
    expected += cos((PHASE_DEGREES[a] - PHASE_DEGREES[(a + 1) % CHANNELS]) * M_PI / 180.0) / CHANNELS;
  assert_near(m.normalised[0].mean[200], expected, 0.02);
  nrf_mean_correlations_free(&m);
  nrf_free(p);
}

static void intervals_of_neighbours_are_of_99_percent_over_images(void **state)
{
  (void)state;
  enum { LAGS = 400 };
  planted              *p = plant();
  nrf_mean_correlations all, one;
  nrf_moments           image[LAGS];
  must(nrf_correlate_neighbours(&p->pairs, rules_of(false), 1, NULL, &all));
  for (int k = 0; k < LAGS; k++) image[k] = nrf_moments_none();
  p->pairs.images = 1;
  for (p->pairs.image = p->image; p->pairs.image < p->image + IMAGES; p->pairs.image++) {
    must(nrf_correlate_neighbours(&p->pairs, rules_of(false), 1, NULL, &one));
    for (int k = 0; k < LAGS; k++) nrf_moments_add(&image[k], one.raw[1].mean[k]);
    nrf_mean_correlations_free(&one);
  }
  for (int k = 0; k < LAGS; k++) { /* quantile 0.995 of t with 3 degrees of freedom */
    const double margin = 5.8409093097 * sqrt(image[k].squares / (IMAGES - 1) / IMAGES);
    assert_near(all.raw[1].mean[k], image[k].mean, 1e-9);
    assert_relative(all.raw[1].upper[k] - all.raw[1].lower[k], 2.0 * margin, 1e-6);
  }
  nrf_mean_correlations_free(&all);
  nrf_free(p);
}

static void as_written_channels_are_in_a_row_and_pairs_counted_twice(void **state)
{
  (void)state;
  planted              *p = plant();
  nrf_mean_correlations m;
  must(nrf_correlate_neighbours(&p->pairs, rules_of(true), 2, NULL, &m));
  assert_int_equal(m.distances, 5);
  for (int i = 0; i < 5; i++) {
    assert_int_equal(m.raw[i].pairs, 2 * (CHANNELS - i - 1));
    assert_int_equal(m.raw[i].n, (int64_t)IMAGES * m.raw[i].pairs);
    for (int k = 1; k < 200; k++) assert_near(m.raw[i].mean[200 - k], m.raw[i].mean[200 + k], 1e-9);
  }
  nrf_mean_correlations_free(&m);
  nrf_free(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(correlations_are_those_of_the_window_less_its_mean),
      cmocka_unit_test(lags_are_cut_to_what_a_short_window_has),
      cmocka_unit_test(fits_find_planted_phases_and_frequencies_also_near_antiphase),
      cmocka_unit_test(what_one_phase_misses_is_counted),
      cmocka_unit_test(constant_traces_have_flat_fits_and_bad_ones_none),
      cmocka_unit_test(fits_do_not_depend_on_threads),
      cmocka_unit_test(a_row_has_the_same_correlation_by_itself),
      cmocka_unit_test(means_over_equal_stimuli_are_coefficients),
      cmocka_unit_test(groups_have_means_tests_and_directions),
      cmocka_unit_test(a_group_of_failed_fits_has_no_mean),
      cmocka_unit_test(directions_without_a_mean_are_found_as_often_as_they_should),
      cmocka_unit_test(channels_on_a_ring_are_each_paired_once),
      cmocka_unit_test(intervals_of_neighbours_are_of_99_percent_over_images),
      cmocka_unit_test(as_written_channels_are_in_a_row_and_pairs_counted_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
