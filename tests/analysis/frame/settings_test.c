/* The options of nrflv-analyze: the table is complete, and what cannot be meant is refused. */
#include "nrflv/analysis/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static nrf_status parse(nrf_analysis_settings *s, int n, char *words[])
{
  char *argv[16] = {"nrflv-analyze"};
  for (int i = 0; i < n; i++) argv[i + 1] = words[i];
  return nrf_analysis_settings_parse(n + 1, argv, s);
}

/* Rows follow the struct's order without gaps but for alignment: a field without a row leaves a gap. */
static void every_field_has_its_row(void **state)
{
  (void)state;
  static const size_t alignment[] = {
      [NRF_SETTING_FLAG] = 1,   [NRF_SETTING_INT] = 4,    [NRF_SETTING_UINT64] = 8, [NRF_SETTING_FLOAT] = 8,
      [NRF_SETTING_STRING] = 1, [NRF_SETTING_CHOICE] = 8, [NRF_SETTING_FLOATS] = 8, [NRF_SETTING_NAMES] = 4};
  const nrf_option_table *t   = nrf_analysis_options();
  size_t                  end = 0;
  for (int i = 0; i < t->n_rows; i++) {
    const nrf_setting *row = &t->rows[i];
    const size_t       a   = alignment[row->type];
    if (row->offset != (end + a - 1) / a * a) fail_msg("the field before '%s' has no row", row->name);
    end = row->offset + row->size;
    assert_ptr_equal(nrf_option_find(t, row->name), row);
    assert_true(row->help && row->group < t->n_groups);
    assert_int_equal(row->type == NRF_SETTING_FLAG, row->metavar == NULL);
  }
  assert_int_equal(end, t->given_offset);
}

static void every_value_is_read_and_written(void **state)
{
  (void)state;
  nrf_analysis_settings s;
  char                 *words[] = {"--root_path",
                                   "exps/exp_data",
                                   "--steps",
                                   "find_active_neurons.primary",
                                   "calculate_EI_lag",
                                   "--original_quirks",
                                   "--seed=7",
                                   "--memory",
                                   "0.5"};
  assert_int_equal(parse(&s, 9, words), NRF_OK);
  assert_string_equal(s.root_path, "exps/exp_data");
  assert_int_equal(s.steps.count, 2);
  assert_string_equal(s.steps.name[0], "find_active_neurons.primary");
  assert_true(s.original_quirks && s.seed == 7 && s.memory == 0.5 && !s.force);
  assert_string_equal(s.results_dir, "analysis_results");

  char text[NRF_SETTING_TEXT_MAX];
  assert_string_equal(nrf_option_get_text(&s, nrf_option_find(nrf_analysis_options(), "steps"), text),
                      "find_active_neurons.primary calculate_EI_lag");
}

/* The longest name of an analysis that the published program has is a value of --steps. */
static void the_longest_name_fits(void **state)
{
  (void)state;
  nrf_analysis_settings s;
  char                 *words[] = {"--root_path=x", "--steps",
                                   "synchrony_experiment1_overlapping_rec_fields_Plot_acorrs_CI_neighbours"};
  assert_int_equal(parse(&s, 3, words), NRF_OK);
  assert_string_equal(s.steps.name[0], words[2]);
}

static void a_path_is_needed_but_for_questions(void **state)
{
  (void)state;
  nrf_analysis_settings s;
  assert_int_equal(parse(&s, 0, NULL), NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "--root_path: needed"));
  char *questions[] = {"--list", "--help", "--version", "--completion=bash"};
  for (int i = 0; i < 4; i++) assert_int_equal(parse(&s, 1, &questions[i]), NRF_OK);
}

static void a_misspelt_option_is_met_with_the_closest_one(void **state)
{
  (void)state;
  nrf_analysis_settings s;
  char                 *words[] = {"--rootpath", "x"};
  assert_int_equal(parse(&s, 2, words), NRF_EINVAL);
  assert_string_equal(nrf_error_message(), "unknown option --rootpath; did you mean --root_path?");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_field_has_its_row),
      cmocka_unit_test(every_value_is_read_and_written),
      cmocka_unit_test(the_longest_name_fits),
      cmocka_unit_test(a_path_is_needed_but_for_questions),
      cmocka_unit_test(a_misspelt_option_is_met_with_the_closest_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
