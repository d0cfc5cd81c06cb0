/* experiment_table_test.c - the experiments are those of the specification, and the command line knows them. */
#include "nrflv/experiment.h"

#include "nrflv/stimulus_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int count(void)
{
  int n = 0;
  while (nrf_experiment_at(n) != NULL) n++;
  return n;
}

static void the_command_line_offers_exactly_these(void **state)
{
  (void)state;
  const char *const *choice = nrf_setting_find("experiments")->choices;
  int                n      = 0;
  for (; choice[n] != NULL; n++) {
    const nrf_experiment *e;
    assert_int_equal(nrf_experiment_find(choice[n], &e), NRF_OK);
    assert_string_equal(e->name, choice[n]);
  }
  assert_int_equal(n, count());
}

static void the_default_is_the_five_of_the_thesis(void **state)
{
  nrf_settings s;
  (void)state;
  nrf_settings_defaults(&s);
  assert_int_equal(s.experiments.count, 5);
  for (int i = 0; i < s.experiments.count; i++) {
    const nrf_experiment *e;
    assert_int_equal(nrf_experiment_find(s.experiments.name[i], &e), NRF_OK);
    assert_non_null(e->stimulus_set);
  }
}

static void gabor_experiments_have_the_phases_of_the_thesis(void **state)
{
  static const struct {
    const char *name;
    nrf_shown   shown;
    int         steps;
  } phases[] = {{"burn_in", NRF_SHOWN_TEST_IMAGES, 100},
                {"pre", NRF_SHOWN_BLANK, 1000},
                {"stimulus", NRF_SHOWN_STIMULI, 1000},
                {"post", NRF_SHOWN_BLANK, 600}};
  nrf_settings s;
  (void)state;
  nrf_settings_defaults(&s);
  for (int i = 0; i < count(); i++) {
    const nrf_experiment *e = nrf_experiment_at(i);
    if (e->stimulus_set == NULL) continue;
    assert_int_equal(e->n_phases, 4);
    for (int p = 0; p < 4; p++) {
      assert_string_equal(e->phase[p].name, phases[p].name);
      assert_int_equal(e->phase[p].shown, phases[p].shown);
      assert_int_equal(nrf_experiment_phase_steps(e, p, &s), phases[p].steps);
    }
    assert_int_equal(nrf_experiment_steps(e, &s), 2700);
  }
}

static void every_phase_takes_its_length_from_an_option(void **state)
{
  nrf_settings s;
  (void)state;
  nrf_settings_defaults(&s);
  s.num_burn_in_steps = 1;
  s.exp_pre_steps     = 20;
  s.exp_stim_steps    = 300;
  s.exp_post_steps    = 4000;
  s.exp_observe_steps = 50000;
  for (int i = 0; i < count(); i++) {
    const nrf_experiment *e = nrf_experiment_at(i);
    for (int p = 0; p < e->n_phases; p++)
      assert_int_equal(nrf_setting_find(e->phase[p].steps)->type, NRF_SETTING_INT);
    assert_int_equal(nrf_experiment_steps(e, &s), e->stimulus_set != NULL ? 4321 : 50000);
  }
}

static void stimulus_sets_are_batches(void **state)
{
  (void)state;
  for (int i = 0; i < count(); i++) {
    const nrf_experiment   *e = nrf_experiment_at(i);
    const nrf_stimulus_set *set;
    if (e->stimulus_set == NULL) continue;
    assert_int_equal(nrf_stimulus_set_find(e->stimulus_set, &set), NRF_OK);
    assert_int_equal(nrf_stimulus_set_count(set), NRF_EXPERIMENT_BATCH);
  }
}

static void files_are_named_as_the_analysis_expects(void **state)
{
  static const char *const names[][2] = {
      {"contrast_and_angle", "orientations_present_single_gabor_contrast_and_angle"},
      {"just_angle", "orientations_present_single_gabor_just_angle"},
      {"just_angle_few_angles", "orientations_present_single_gabor_just_angle_few_angles"},
      {"fewlocs_and_fewerangles", "orientations_present_double_gabor_fewlocs_and_fewerangles"},
      {"long_just_fewangles", "orientations_present_single_gabor_long_just_fewangles"},
      {"observeCIFAR10", "observeCIFAR10"}};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const nrf_experiment *e;
    assert_int_equal(nrf_experiment_find(names[i][0], &e), NRF_OK);
    assert_string_equal(e->file_name, names[i][1]);
  }
}

static void seeds_differ_between_experiments_and_from_the_models(void **state)
{
  (void)state;
  for (int i = 0; i < count(); i++) {
    assert_int_equal(nrf_experiment_at(i)->number, i); /* files of older versions depend on it */
    for (uint64_t seed = 0; seed < 3; seed++) {
      const uint64_t mine = nrf_experiment_seed(seed, nrf_experiment_at(i));
      assert_true(mine != seed);
      assert_true(mine == nrf_experiment_seed(seed, nrf_experiment_at(i)));
      assert_true(mine != nrf_experiment_seed(seed + 1, nrf_experiment_at(i)));
      for (int j = 0; j < i; j++) assert_true(mine != nrf_experiment_seed(seed, nrf_experiment_at(j)));
    }
  }
}

static void a_misspelt_name_is_told(void **state)
{
  const nrf_experiment *e;
  (void)state;
  assert_int_equal(nrf_experiment_find("just_angel", &e), NRF_ENOTFOUND);
  assert_non_null(strstr(nrf_error_message(), "did you mean just_angle"));
  assert_null(e);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_command_line_offers_exactly_these),
      cmocka_unit_test(the_default_is_the_five_of_the_thesis),
      cmocka_unit_test(gabor_experiments_have_the_phases_of_the_thesis),
      cmocka_unit_test(every_phase_takes_its_length_from_an_option),
      cmocka_unit_test(stimulus_sets_are_batches),
      cmocka_unit_test(files_are_named_as_the_analysis_expects),
      cmocka_unit_test(seeds_differ_between_experiments_and_from_the_models),
      cmocka_unit_test(a_misspelt_name_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
