/* synchrony_tables_test.c - what later analyses read back of fits and groups is what was written; tables of amplitudes. */
#include "analysis/steps/record_table.h"
#include "analysis/steps/synchrony_tables.h"

#include "nrflv/memory.h"

#include "support/close.h"
#include "support/scratch.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 5 };

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* Through a file and back. */
static nrf_table *carried(nrf_table *table)
{
  char       directory[SCRATCH_PATH], path[SCRATCH_PATH];
  nrf_table *back = NULL;
  scratch_create(directory);
  scratch_path(path, directory, "table.h5");
  must(nrf_table_write(table, path, 0, NULL));
  must(nrf_table_read(path, &back));
  nrf_table_free(table);
  scratch_remove(directory);
  return back;
}

/* Every number another one. */
static nrf_pair_fit fit_number(int i)
{
  nrf_pair_fit fit    = {.row                  = {i, 10 + i, i % 2, {20 + i, 30 + i, 40 + i}, 50 + i, 60 + i},
                         .num_peaks            = 70 + i,
                         .one_phase_missed     = i == 3,
                         .norm                 = 80.5 + i,
                         .amplitude_normalised = i == 2 ? NAN : 90.25 + i};
  double      *member = (double *)&fit.fit;
  for (size_t k = 0; k < sizeof fit.fit / sizeof *member; k++)
    member[k] = 1000.0 * i + 1.0 / (1.0 + (double)k);
  return fit;
}

static void assert_same_number(double a, double b)
{
  assert_true(a == b || (isnan(a) && isnan(b)));
}

static void fits_are_read_back(void **state)
{
  (void)state;
  nrf_pair_fit list[ROWS];
  for (int i = 0; i < ROWS; i++) list[i] = fit_number(i);
  for (int e = 0; e < NRF_SYNCHRONIES; e++) {
    const nrf_pair_fits fits = {ROWS, list};
    nrf_pair_fits       back;
    nrf_table          *table = NULL;
    must(nrf_fits_table((nrf_synchrony)e, &fits, &table));
    table = carried(table);
    must(nrf_fits_of_table((nrf_synchrony)e, table, &back));
    assert_int_equal(back.n, ROWS);
    for (int i = 0; i < ROWS; i++) {
      const nrf_pair_fit *f = &back.fit[i], *expected = &list[i];
      assert_int_equal(f->row.image, expected->row.image);
      assert_int_equal(f->row.group, expected->row.group);
      assert_int_equal(f->row.period, expected->row.period);
      assert_int_equal(f->row.key[0], expected->row.key[0]);
      assert_int_equal(f->row.key[1], expected->row.key[1]);
      assert_int_equal(f->row.key[2], e == NRF_SYNCHRONY_BAR ? expected->row.key[2] : 0);
      assert_int_equal(f->row.y, e == NRF_SYNCHRONY_PATCHES ? expected->row.y : 0);
      assert_int_equal(f->num_peaks, expected->num_peaks);
      assert_int_equal(f->one_phase_missed, expected->one_phase_missed);
      assert_same_number(f->norm, expected->norm);
      assert_same_number(f->amplitude_normalised, expected->amplitude_normalised);
      assert_same_number(f->fit.amplitude, expected->fit.amplitude);
      assert_same_number(f->fit.sine_phase, expected->fit.sine_phase);
      assert_same_number(f->fit.freq_scale, expected->fit.freq_scale);
      assert_same_number(f->fit.cost_sine_one_phase, expected->fit.cost_sine_one_phase);
    }
    nrf_table_free(table);
    nrf_pair_fits_free(&back);
  }
}

static void groups_are_read_back(void **state)
{
  (void)state;
  nrf_pair_group list[ROWS];
  for (int i = 0; i < ROWS; i++)
    list[i] = (nrf_pair_group){.group                = i / 2,
                               .period               = i % 2,
                               .key                  = {i, 2 * i, 3 * i},
                               .n                    = 16,
                               .amplitude            = 0.1 + i,
                               .amplitude_normalised = 0.01 * i,
                               .num_peaks            = 4.5,
                               .phase                = {1.5 - i, 0.25}};
  const nrf_pair_groups groups = {ROWS, list};
  nrf_pair_groups       back;
  nrf_table            *table = NULL;
  must(nrf_groups_table(NRF_SYNCHRONY_BAR, &groups, &table));
  table = carried(table);
  must(nrf_groups_of_table(NRF_SYNCHRONY_BAR, table, &back));
  assert_int_equal(back.n, ROWS);
  for (int i = 0; i < ROWS; i++) {
    const nrf_pair_group *g = &back.group[i], *expected = &list[i];
    assert_int_equal(g->group, expected->group);
    assert_int_equal(g->period, expected->period);
    assert_memory_equal(g->key, expected->key, sizeof g->key);
    assert_int_equal(g->n, expected->n);
    assert_same_number(g->amplitude, expected->amplitude);
    assert_same_number(g->amplitude_normalised, expected->amplitude_normalised);
    assert_same_number(g->num_peaks, expected->num_peaks);
    assert_same_number(g->phase.angle, expected->phase.angle);
  }
  nrf_table_free(table);
  nrf_pair_groups_free(&back);
}

static void a_table_that_lacks_a_column_is_refused(void **state)
{
  (void)state;
  static const nrf_column_spec columns[] = {{"batch_group", NRF_COLUMN_INT, "", "nothing else"}};
  nrf_table                   *table     = NULL;
  nrf_pair_groups              groups;
  must(nrf_table_create("short", "A table of something else", NRF_COLUMNS(columns), &table));
  assert_int_equal(nrf_groups_of_table(NRF_SYNCHRONY_CHANNELS, table, &groups), NRF_EFORMAT);
  assert_non_null(strstr(nrf_error_message(), "dur_or_out"));
  assert_null(groups.group);
  nrf_table_free(table);
}

static void numbers_too_large_for_a_member_are_refused(void **state)
{
  (void)state;
  typedef struct record {
    int narrow;
  } record;
  static const nrf_column_spec   specs[]   = {{"narrow", NRF_COLUMN_INT, "", "an int"}};
  static const nrf_record_column columns[] = {{"narrow", NRF_MEMBER_INT, 0, "", ""}};
  nrf_records                    records   = {.stride = sizeof(record)};
  nrf_table                     *table     = NULL;
  must(nrf_table_create("wide", "Large numbers", NRF_COLUMNS(specs), &table));
  must(nrf_table_append(table, (nrf_cell[]){{.i = INT64_C(1) << 40}}));
  assert_int_equal(nrf_records_of_table(table, 1, columns, &records), NRF_EFORMAT);
  assert_null(records.first);
  nrf_table_free(table);
}

static void amplitudes_are_averaged_for_each_stimulus(void **state)
{
  (void)state;
  static const char *const name[] = {"during", "before"};
  nrf_pair_group      group[4] = {{.group = 0, .key = {1, 2, 3}}, {.group = 0}, {.group = 3}, {.group = 3}};
  nrf_amplitude_point point[4] = {
      {0, 2.0, 1.0, 0.0}, {1, 2.0, 3.0, 0.0}, {2, 2.0, 5.0, 0.0}, {3, 1.0, 7.0, 0.0}};
  const nrf_amplitude_sets sets   = {2, {{.n = 4, .point = point}, {.n = 0}}};
  const nrf_pair_groups    groups = {4, group};
  const nrf_named_sets     named  = {NRF_SYNCHRONY_BAR, false, &sets, name};
  nrf_table               *table  = NULL;
  const int64_t           *stimulus, *n;
  const double            *x, *mean;
  must(nrf_amplitude_by_stimulus_table(named, &groups, &table));
  must(nrf_table_get_ints(table, "batch_group", &stimulus));
  must(nrf_table_get_ints(table, "n", &n));
  must(nrf_table_get_doubles(table, "eucl_dist", &x));
  must(nrf_table_get_doubles(table, "amplitude", &mean));
  assert_int_equal(nrf_table_n_rows(table), 3);
  assert_true(stimulus[0] == 0 && n[0] == 2 && x[0] == 2.0 && mean[0] == 2.0);
  assert_true(stimulus[1] == 3 && n[1] == 1 && x[1] == 1.0 && mean[1] == 7.0);
  assert_true(stimulus[2] == 3 && n[2] == 1 && x[2] == 2.0 && mean[2] == 5.0);
  nrf_table_free(table);

  must(nrf_amplitude_points_table(named, &groups, &table));
  assert_int_equal(nrf_table_n_rows(table), 4);
  const int64_t *y;
  must(nrf_table_get_ints(table, "y", &y));
  assert_int_equal(y[0], 3);
  nrf_table_free(table);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fits_are_read_back),
      cmocka_unit_test(groups_are_read_back),
      cmocka_unit_test(a_table_that_lacks_a_column_is_refused),
      cmocka_unit_test(numbers_too_large_for_a_member_are_refused),
      cmocka_unit_test(amplitudes_are_averaged_for_each_stimulus),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
