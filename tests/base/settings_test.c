/* The option table is complete and consistent; what users type is read, or refused in one line that says
 * why. */
#include "nrflv/settings.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_WORDS = 40 };

/* Splits at spaces, puts the program's name in front and parses. */
static nrf_status parse(const char *words, nrf_settings *settings)
{
  char  text[1024];
  char *argv[MAX_WORDS] = {"nrflv"};
  int   argc            = 1;
  assert_true(strlen(words) < sizeof text);
  memcpy(text, words, strlen(words) + 1);
  for (char *rest = text, *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
    assert_true(argc < MAX_WORDS);
    argv[argc++] = word;
  }
  return nrf_settings_parse(argc, argv, settings);
}

static void parse_ok(const char *words, nrf_settings *settings)
{
  const nrf_status st = parse(words, settings);
  if (st != NRF_OK) fail_msg("%s: %s", words, nrf_error_message());
}

static void refused(const char *words, const char *message)
{
  nrf_settings settings;
  if (parse(words, &settings) != NRF_EINVAL) fail_msg("accepted: %s", words);
  if (!strstr(nrf_error_message(), message))
    fail_msg("%s: the message '%s' lacks '%s'", words, nrf_error_message(), message);
}

static const nrf_setting *row_of(const char *name)
{
  const nrf_setting *row = nrf_setting_find(name);
  if (!row) fail_msg("no row '%s'", name);
  return row;
}

/* ---- the table ---- */

/* Rows follow the struct's order without gaps but for alignment: a field without a row leaves a gap. */
static void every_field_has_its_row(void **state)
{
  (void)state;
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  size_t             end  = 0;
  for (int i = 0; i < count; i++) {
    const size_t alignment = rows[i].type == NRF_SETTING_STRING || rows[i].type == NRF_SETTING_FLAG ? 1
                             : rows[i].type == NRF_SETTING_INT || rows[i].type == NRF_SETTING_NAMES ? 4
                                                                                                    : 8;
    if (rows[i].offset != (end + alignment - 1) / alignment * alignment)
      fail_msg("the field before '%s' has no row, or its row is elsewhere", rows[i].name);
    end = rows[i].offset + rows[i].size;
    assert_int_equal(nrf_setting_index(&rows[i]), i);
  }
  assert_int_equal(end, offsetof(nrf_settings, given));
}

static void every_row_is_complete_and_its_default_is_in_range(void **state)
{
  (void)state;
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  for (int i = 0; i < count; i++) {
    const nrf_setting *row = &rows[i];
    nrf_settings       settings;
    memset(&settings, 0, sizeof settings);
    if (nrf_settings_set_text(&settings, row, row->initial) != NRF_OK) fail_msg("%s", nrf_error_message());

    const bool ranged =
        row->type == NRF_SETTING_INT || row->type == NRF_SETTING_FLOAT || row->type == NRF_SETTING_FLOATS;
    const bool names = row->type == NRF_SETTING_NAMES; /* may have either */
    if (!names && ranged != (row->range != NULL)) fail_msg("--%s: range", row->name);
    if (!names && (row->type == NRF_SETTING_CHOICE) != (row->choices != NULL))
      fail_msg("--%s: choices", row->name);
    if ((row->type == NRF_SETTING_FLAG) == (row->metavar != NULL)) fail_msg("--%s: metavar", row->name);
    if (!row->help || strlen(row->help) < 8) fail_msg("--%s: help", row->name);
    assert_true(strlen(row->name) < NRF_SETTING_NAME_MAX - strlen("no_"));
    assert_ptr_equal(nrf_setting_find(row->name), row); /* no name twice */
  }
}

/* --no_X switches X off, unless an option is itself called no_X. */
static void no_option_is_called_like_the_negation_of_another(void **state)
{
  (void)state;
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  for (int i = 0; i < count; i++) {
    if (strncmp(rows[i].name, "no_", 3) != 0) continue;
    const nrf_setting *other = nrf_setting_find(rows[i].name + 3);
    assert_true(!other || !nrf_setting_is_negatable(other));
  }
}

static void defaults_are_the_thesis_settings(void **state)
{
  (void)state;
  static const struct {
    const char *name, *text;
  } thesis[] = {
      {"batch_size", "128"},
      {"network_type", "NRFLV"},
      {"dataset", "CIFAR10"},
      {"architecture", "NRFLV_CIFAR_4SL_small_densebackw_wideSL1base"},
      {"initter_network_weight_norm", "true"},
      {"model_weight_norm", "true"},
      {"initializer", "ff_init"},
      {"initter_network_lr", "0.0005"},
      {"l2_reg_energy_param", "1"},
      {"num_it_neg", "500"},
      {"num_it_pos", "500"},
      {"img_logging_interval", "10"},
      {"scalar_logging_interval", "200"},
      {"log_histograms", "true"},
      {"histogram_logging_interval", "3000"},
      {"sample_buffer_prob", "0.95"},
      {"lr", "0.0005"},
      {"lr_decay_gamma", "0.95"},
      {"sampling_step_size", "0.1"},
      {"states_activation", "hardtanh"},
      {"activation", "swish"},
      {"model_save_interval", "50"},
      {"sigma", "0"},
      {"state_optimizer", "sghmc"},
      {"momentum_param", "0.1"},
      {"non_diag_inv_mass", "true"},
      {"num_burn_in_steps", "100"},
      {"scale_grad", "1"},
      {"max_sq_sigma", "0.0001"},
      {"min_sq_sigma", "9e-05"},
      {"weights_optimizer", "adam"},
      {"viz_type", "standard"},
      {"num_it_viz", "5000"},
      {"viz_img_logging_step_interval", "25"},
      {"viz_start_layer", "1"},
  };
  nrf_settings settings;
  nrf_settings_defaults(&settings);
  for (size_t i = 0; i < sizeof thesis / sizeof *thesis; i++) {
    char text[NRF_SETTING_TEXT_MAX];
    assert_string_equal(nrf_settings_get_text(&settings, row_of(thesis[i].name), text), thesis[i].text);
  }
}

static void every_option_of_the_published_program_is_there(void **state)
{
  (void)state;
  static const char *const names[] = {
      "sampling_step_size",
      "num_it_neg",
      "num_it_pos",
      "randomize_neg_its",
      "ff_dynamics",
      "require_special_name",
      "special_name",
      "epochs",
      "batch_size",
      "lr",
      "lr_decay_gamma",
      "weights_optimizer",
      "dataset",
      "l2_reg_energy_param",
      "clip_grad",
      "clip_state_grad_norm",
      "initializer",
      "initter_network_lr",
      "initter_network_layer_norm",
      "initter_network_weight_norm",
      "neg_ff_init",
      "truncate_pos_its",
      "truncate_pos_its_threshold",
      "trunc_pos_history_len",
      "network_type",
      "architecture",
      "states_activation",
      "activation",
      "sigma",
      "state_optimizer",
      "printing_grad_mom_info",
      "momentum_param",
      "dampening_param",
      "mom_clip",
      "mom_clip_vals",
      "non_diag_inv_mass",
      "mean_batch_minv_t",
      "model_weight_norm",
      "scale_grad",
      "num_burn_in_steps",
      "max_sq_sigma",
      "min_sq_sigma",
      "viz",
      "viz_type",
      "num_it_viz",
      "viz_img_logging_step_interval",
      "viz_start_layer",
      "num_viz_samples",
      "viz_tempered_annealing",
      "viz_temp_decay",
      "weight_viz",
      "randomize_args",
      "override_loaded",
      "sample_buffer_prob",
      "tensorboard_log_dir",
      "exp_data_root_path",
      "log_histograms",
      "histogram_logging_interval",
      "scalar_logging_interval",
      "img_logging_interval",
      "save_pos_images",
      "model_save_interval",
      "load_model",
      "no_train_model",
      "gen_exp_stim",
      "experiment",
      "use_cuda",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) (void)row_of(names[i]);
}

/* ---- values and text ---- */

static void every_value_survives_being_written_and_read(void **state)
{
  (void)state;
  nrf_settings a, b;
  parse_ok("--lr 0.1 3e-7 0.30000000000000004 --seed 18446744073709551615 --no_mom_clip --ff_dynamics "
           "--max_sq_sigma 1e-4 1e-4 2e-4 1e-3 --override_loaded lr seed --special_name x,y --dataset mnist "
           "--l2_reg_energy_param 0.333333333333333314829616256247 --max_hours 1e-300",
           &a);
  nrf_settings_defaults(&b);

  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  for (int i = 0; i < count; i++) {
    char text[NRF_SETTING_TEXT_MAX];
    nrf_settings_get_text(&a, &rows[i], text);
    if (nrf_settings_set_text(&b, &rows[i], text) != NRF_OK) fail_msg("%s", nrf_error_message());
    if (memcmp((const char *)&a + rows[i].offset, (const char *)&b + rows[i].offset, rows[i].size) != 0)
      fail_msg("--%s: '%s' does not read back to the same bits", rows[i].name, text);
  }
}

static void numbers_are_written_in_few_digits(void **state)
{
  (void)state;
  nrf_settings settings;
  char         text[NRF_SETTING_TEXT_MAX];
  parse_ok("--lr 0.1 --sample_buffer_prob 0.95 --sigma 1 2.50 1e-3", &settings);
  assert_string_equal(nrf_settings_get_text(&settings, row_of("lr"), text), "0.1");
  assert_string_equal(nrf_settings_get_text(&settings, row_of("sample_buffer_prob"), text), "0.95");
  assert_string_equal(nrf_settings_get_text(&settings, row_of("sigma"), text), "1 2.5 0.001");
}

static void a_refused_value_leaves_the_old_one(void **state)
{
  (void)state;
  nrf_settings settings, before;
  nrf_settings_defaults(&settings);
  before = settings;
  assert_int_equal(nrf_settings_set_text(&settings, row_of("max_sq_sigma"), "1e-4 1e-4 oops"), NRF_EINVAL);
  assert_int_equal(nrf_settings_set_text(&settings, row_of("num_it_neg"), "7x"), NRF_EINVAL);
  assert_int_equal(nrf_settings_set_text(&settings, row_of("dataset"), "CIFAR"), NRF_EINVAL);
  assert_memory_equal(&settings, &before, sizeof settings);
}

/* ---- the command line ---- */

static void values_come_separately_attached_and_in_lists(void **state)
{
  (void)state;
  nrf_settings s;
  parse_ok("--max_sq_sigma 1e-4 2e-4 3e-4 4e-4 --epochs 3 --batch_size=16 --sigma=0.1,0.2 --viz", &s);
  assert_int_equal(s.max_sq_sigma.count, 4);
  assert_true(s.max_sq_sigma.value[3] == 4e-4);
  assert_int_equal(s.epochs, 3);
  assert_int_equal(s.batch_size, 16);
  assert_int_equal(s.sigma.count, 2);
  assert_true(s.viz);
  assert_true(s.given[nrf_setting_index(row_of("epochs"))]);
  assert_false(s.given[nrf_setting_index(row_of("lr"))]);
}

static void the_last_mention_of_an_option_wins(void **state)
{
  (void)state;
  nrf_settings s;
  parse_ok("--lr 1 2 3 --epochs 3 --epochs 4 --lr 0.5 --mom_clip --no_mom_clip", &s);
  assert_int_equal(s.lr.count, 1);
  assert_true(s.lr.value[0] == 0.5);
  assert_int_equal(s.epochs, 4);
  assert_false(s.mom_clip);
}

static void flags_are_switched_on_and_off(void **state)
{
  (void)state;
  nrf_settings s;
  parse_ok("--no_model_weight_norm --non_diag_inv_mass=off --ff_dynamics --mom_clip=yes", &s);
  assert_false(s.model_weight_norm);
  assert_false(s.non_diag_inv_mass);
  assert_true(s.ff_dynamics);
  assert_true(s.mom_clip);
  refused("--ff_dynamics=maybe", "--ff_dynamics: 'maybe' is neither on nor off");
  refused("--no_ff_dynamics=on", "--no_ff_dynamics: takes no value");
  refused("--viz=off", "--viz: takes no value");
  refused("--ff_dynamics true", "unexpected argument 'true'");
}

static void negative_numbers_are_values_not_options(void **state)
{
  (void)state;
  refused("--epochs -3", "--epochs: '-3' is outside [1,1e6]");
  refused("--lr 0.1 -.5", "--lr: '-.5' is outside (0,1000]");
  refused("--sigma -inf", "--sigma: '-inf' is not a finite number");
  refused("--seed -1", "--seed: '-1' is not a whole number from 0");
}

static void malformed_and_absurd_numbers_are_refused(void **state)
{
  (void)state;
  static const struct {
    const char *words, *message;
  } cases[] = {
      {"--epochs x", "'x' is not a whole number"},
      {"--epochs 3x", "'3x' is not a whole number"},
      {"--epochs 1e3", "'1e3' is not a whole number"},
      {"--epochs 2.0", "'2.0' is not a whole number"},
      {"--epochs 0x10", "'0x10' is not a whole number"},
      {"--epochs 0", "'0' is outside [1,1e6]"},
      {"--epochs 4294967298", "is outside"}, /* 2 in 32 bits */
      {"--epochs 99999999999999999999999", "is outside"},
      {"--seed 18446744073709551616", "is not a whole number from 0 to 2^64 - 1"},
      {"--seed 1.5", "is not a whole number"},
      {"--lr 0", "'0' is outside (0,1000]"},
      {"--lr nan", "'nan' is not a finite number"},
      {"--lr inf", "'inf' is not a finite number"},
      {"--lr 1e999", "'1e999' is not a finite number"},
      {"--lr 1e-999", "'1e-999' is not a finite number of reasonable size"},
      {"--lr 1e30", "'1e30' is outside"},
      {"--lr 0.1.2", "'0.1.2' is not a number"},
      {"--lr 0x1p-3", "'0x1p-3' is not a number"},
      {"--lr 0.1 abc", "'abc' is not a number"},
      {"--lr 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "more than 16 values"},
      {"--lr 0.00000000000000000000000000000000000000000000000001", "too long for a number"},
      {"--sample_buffer_prob 1.0001", "'1.0001' is outside [0,1]"},
      {"--dataset CIFAR100", "'CIFAR100' is not one of CIFAR10, MNIST, dead_leaves"},
      {"--lr", "--lr: needs a value (RATE)"},
      {"--lr --viz", "--lr: needs a value (RATE)"},
      {"--epochs=", "--epochs: needs a value (N)"},
      {"--load_model", "--load_model: needs a value (NAME)"},
      {"--resume ../x", "--resume: '../x' has to be a name without slashes"},
      {"--model_name .x", "has to be a name"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) refused(cases[i].words, cases[i].message);
}

static void ends_of_a_range_are_in_or_out_as_its_brackets_say(void **state)
{
  (void)state;
  nrf_settings s;
  parse_ok("--sample_buffer_prob 0 --lr_decay_gamma 1 --lr 1000 --epochs 1000000", &s);
  refused("--lr_decay_gamma 0", "outside (0,1]");
}

static void odd_strings_are_refused(void **state)
{
  (void)state;
  nrf_settings settings;
  char         long_text[2000];
  memset(long_text, 'x', sizeof long_text - 1);
  long_text[sizeof long_text - 1] = '\0';

  char *const too_long[] = {"nrflv", "--data_dir", long_text};
  assert_int_equal(nrf_settings_parse(3, too_long, &settings), NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "--data_dir: longer than 1023 characters"));

  char *const two_lines[] = {"nrflv", "--special_name", "a\nb"};
  assert_int_equal(nrf_settings_parse(3, two_lines, &settings), NRF_EINVAL);
  assert_string_equal(nrf_error_message(), "--special_name: 'a?b' contains a control character");

  char *const empty[] = {"nrflv", "--load_model", ""};
  assert_int_equal(nrf_settings_parse(3, empty, &settings), NRF_EINVAL);
  assert_string_equal(nrf_error_message(), "--load_model: needs a value (NAME)");

  char *const endless_list[] = {"nrflv", "--override_loaded", long_text, long_text, long_text, long_text};
  assert_int_equal(nrf_settings_parse(6, endless_list, &settings), NRF_EINVAL);
}

static void unknown_options_name_the_closest_one(void **state)
{
  (void)state;
  refused("--lrr 3", "unknown option --lrr; did you mean --lr?");
  refused("--lrr=3", "unknown option --lrr; did you mean --lr?");
  refused("-lr 3", "unknown option -lr; did you mean --lr?");
  refused("--batch-size 3", "did you mean --batch_size?");
  refused("--num_it_pso 3", "did you mean --num_it_pos?");
  refused("--no_modle_weight_norm", "did you mean --no_model_weight_norm?");
  refused("--arch x", "did you mean --architecture?");
  refused("--no_train", "did you mean --no_train_model?"); /* which is not the same as leaving --train out */
  refused("--no_viz", "unknown option --no_viz");
  refused("--xyzzyxyzzy", "unknown option --xyzzyxyzzy; --help lists all options");
  refused("--", "unknown option --; --help");
  refused("--=3", "unknown option --; --help");
  refused("train", "unexpected argument 'train'");
}

static void abbreviations_are_not_accepted(void **state)
{
  (void)state;
  refused("--epoch 3", "did you mean --epochs?");
}

static void help_and_version_end_the_reading(void **state)
{
  (void)state;
  nrf_settings s;
  parse_ok("--help --nonsense", &s);
  assert_true(s.help);
  parse_ok("-h", &s);
  assert_true(s.help);
  parse_ok("--version x", &s);
  assert_true(s.version);
  refused("--nonsense --help", "unknown option");
}

static void contradictions_are_refused(void **state)
{
  (void)state;
  refused("--train --no_train_model", "contradict");
  refused("--load_model a --resume b", "exclude each other");
  refused("--resume a --model_name b", "--model_name cannot be combined");
  refused("--archive_collated", "needs --collate");
  refused("--train --dry_run", "--dry_run is for --experiment alone");
  refused("--dry_run", "--dry_run is for --experiment alone");
  refused("--train --experiment --dry_run", "--dry_run is for --experiment alone");
  refused("--max_sq_sigma 1e-4 1e-6", "--max_sq_sigma: 1e-06 is below --min_sq_sigma 9e-05");
  refused("--override_loaded lrr", "--override_loaded: there is no option 'lrr'; did you mean lr?");
  refused("--experiments just_angle none", "--experiments: 'none' is not one of contrast_and_angle");
  refused("--viz_channels 3 x", "--viz_channels: 'x' is neither an index nor a range like 8-11");
  refused("--viz_channels 3-70000", "--viz_channels: '3-70000' is outside [0,65535]");
  refused("--randomize_args lr what_is_this_thing", "there is no option 'what_is_this_thing'");
}

static void folders_follow_exps_dir_unless_given(void **state)
{
  (void)state;
  nrf_settings s;
  parse_ok("", &s);
  assert_string_equal(s.tensorboard_log_dir, "exps/tblogs");
  assert_string_equal(s.exp_data_root_path, "exps/exp_data");
  parse_ok("--exps_dir /x --exp_data_root_path big", &s);
  assert_string_equal(s.tensorboard_log_dir, "/x/tblogs");
  assert_string_equal(s.exp_data_root_path, "big");
}

/* ---- random draws ---- */

/* The list of section 3 of the specification; exponents for floats. */
static void draws_stay_in_their_ranges_and_reach_both_ends(void **state)
{
  (void)state;
  static const struct {
    const char *name;
    double      low, high;
    bool        is_log;
  } drawn[] = {
      {"sampling_step_size", -3, 0.5, true},
      {"num_it_neg", 3, 300, false},
      {"num_it_pos", 2, 100, false},
      {"lr", -3, 0.2, true},
      {"sigma", -3, 0, true},
      {"l2_reg_energy_param", -6, -2, true},
  };
  for (size_t k = 0; k < sizeof drawn / sizeof *drawn; k++) {
    double    smallest = INFINITY, largest = -INFINITY, sum = 0;
    const int n = 2000;
    for (int seed = 0; seed < n; seed++) {
      nrf_settings s;
      char         words[128], text[NRF_SETTING_TEXT_MAX];
      (void)snprintf(words, sizeof words, "--randomize_args %s --seed %d", drawn[k].name, seed);
      parse_ok(words, &s);
      assert_int_equal(nrf_settings_randomize(&s), NRF_OK);
      double x = strtod(nrf_settings_get_text(&s, row_of(drawn[k].name), text), NULL);
      if (drawn[k].is_log) x = log10(x);
      smallest = fmin(smallest, x);
      largest  = fmax(largest, x);
      sum += x;
    }
    const double width = drawn[k].high - drawn[k].low;
    assert_true(smallest >= drawn[k].low - 1e-9 && smallest < drawn[k].low + 0.01 * width);
    assert_true(largest <= drawn[k].high + 1e-9 && largest > drawn[k].high - 0.01 * width);
    /* The mean of n uniform draws has standard error width / sqrt(12 n), 0.65 % here: four of them. */
    assert_true(fabs(sum / n - 0.5 * (drawn[k].low + drawn[k].high)) < 4 * width / sqrt(12.0 * n));
  }
}

static void every_choice_and_both_sides_of_a_coin_are_drawn(void **state)
{
  (void)state;
  static const char *const choices[] = {"initializer", "states_activation", "activation"};
  for (size_t k = 0; k < 3; k++) {
    const nrf_setting *row            = row_of(choices[k]);
    bool               seen[8]        = {false};
    bool               heads_tails[2] = {false};
    for (int seed = 0; seed < 200; seed++) {
      nrf_settings s;
      char         words[128], text[NRF_SETTING_TEXT_MAX];
      (void)snprintf(words, sizeof words, "--randomize_args mom_clip %s --seed %d", row->name, seed);
      parse_ok(words, &s);
      assert_int_equal(nrf_settings_randomize(&s), NRF_OK);
      nrf_settings_get_text(&s, row, text);
      for (int c = 0; row->choices[c]; c++) seen[c] = seen[c] || strcmp(row->choices[c], text) == 0;
      heads_tails[s.mom_clip] = true;
    }
    for (int c = 0; row->choices[c]; c++) assert_true(seen[c]);
    assert_true(heads_tails[0] && heads_tails[1]);
  }
}

static void a_draw_depends_on_seed_and_name_alone(void **state)
{
  (void)state;
  nrf_settings a, b, c;
  parse_ok("--randomize_args lr num_it_neg --seed 5", &a);
  parse_ok("--randomize_args num_it_neg sigma lr --seed 5", &b);
  parse_ok("--randomize_args lr num_it_neg --seed 6", &c);
  assert_int_equal(nrf_settings_randomize(&a), NRF_OK);
  assert_int_equal(nrf_settings_randomize(&b), NRF_OK);
  assert_int_equal(nrf_settings_randomize(&c), NRF_OK);
  assert_true(a.lr.value[0] == b.lr.value[0] && a.num_it_neg == b.num_it_neg);
  assert_true(a.lr.value[0] != c.lr.value[0]);
  assert_int_equal(a.num_it_pos, 500); /* not named, not drawn */
}

static void what_has_no_range_is_not_drawn(void **state)
{
  (void)state;
  static const char *const not_drawable[] = {"batch_size", "seed", "train", "quiet", "data_dir", "dataset"};
  for (size_t i = 0; i < sizeof not_drawable / sizeof *not_drawable; i++) {
    nrf_settings s;
    char         words[128];
    (void)snprintf(words, sizeof words, "--randomize_args %s", not_drawable[i]);
    parse_ok(words, &s);
    assert_int_equal(nrf_settings_randomize(&s), NRF_EINVAL);
    assert_non_null(strstr(nrf_error_message(), "has no range to draw from; these have: "));
    assert_non_null(strstr(nrf_error_message(), "num_it_neg"));
  }
}

/* ---- loaded models ---- */

static void a_loaded_model_wins_except_where_overridden(void **state)
{
  (void)state;
  nrf_settings now, loaded;
  bool         ignored[NRF_SETTINGS_MAX];
  parse_ok("--lr 0.1 --epochs 9 --sigma 0.5 --batch_size 64 --threads 3 --data_dir here --override_loaded lr",
           &now);
  parse_ok("--lr 0.7 --epochs 4 --sigma 0.5 --seed 8 --threads 1 --data_dir there --num_it_neg 20", &loaded);
  nrf_settings_overlay(&now, &loaded, &now.override_loaded, ignored);

  assert_true(now.lr.value[0] == 0.1);   /* overridden */
  assert_int_equal(now.epochs, 4);       /* given, but the model's wins */
  assert_int_equal(now.batch_size, 128); /* given; the model was trained with the default */
  assert_int_equal(now.num_it_neg, 20);  /* not given */
  assert_int_equal(now.seed, 8);
  assert_int_equal(now.threads, 3); /* the session's own */
  assert_string_equal(now.data_dir, "here");

  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  for (int i = 0; i < count; i++) {
    const bool lost = strcmp(rows[i].name, "epochs") == 0 || strcmp(rows[i].name, "batch_size") == 0;
    if (ignored[i] != lost) fail_msg("--%s: %s", rows[i].name, lost ? "lost unnoticed" : "was not lost");
  }
}

/* Nothing that says where, how long, on what machine or which stage may come out of a checkpoint. */
static void settings_of_the_session_are_not_saved(void **state)
{
  (void)state;
  static const char *const session[] = {
      "train",
      "no_train_model",
      "viz",
      "experiment",
      "help",
      "collate",
      "load_model",
      "resume",
      "override_loaded",
      "randomize_args",
      "model_name",
      "special_name",
      "max_batches",
      "max_hours",
      "quiet",
      "data_dir",
      "exps_dir",
      "tensorboard_log_dir",
      "exp_data_root_path",
      "architectures_dir",
      "threads",
      "use_cuda",
      "conv_algorithm",
      "plain_graph",
      "num_it_viz",
  };
  for (size_t i = 0; i < sizeof session / sizeof *session; i++)
    assert_false(nrf_setting_is_saved(row_of(session[i])));

  static const char *const saved[] = {"architecture", "seed",       "lr",         "epochs",
                                      "dataset",      "batch_size", "initializer"};
  for (size_t i = 0; i < sizeof saved / sizeof *saved; i++)
    assert_true(nrf_setting_is_saved(row_of(saved[i])));
}

/* ---- layers ---- */

static void lists_serve_all_layers_or_each_its_own(void **state)
{
  (void)state;
  double         out[6] = {0};
  nrf_float_list one    = {.count = 1, .value = {0.5}};
  nrf_float_list three  = {.count = 3, .value = {1, 2, 3}};
  assert_int_equal(nrf_settings_expand_per_layer(&one, 3, "sigma", out), NRF_OK);
  assert_true(out[0] == 0.5 && out[2] == 0.5);
  assert_int_equal(nrf_settings_expand_per_layer(&three, 3, "sigma", out), NRF_OK);
  assert_true(out[0] == 1 && out[2] == 3);

  assert_int_equal(nrf_settings_expand_per_layer(&three, 4, "sigma", out), NRF_EINVAL);
  assert_string_equal(
      nrf_error_message(),
      "--sigma: 3 values for 4 layers (the image included); give one for all, or one per layer");
  assert_int_equal(nrf_settings_expand_per_layer(&three, 2, "sigma", out), NRF_EINVAL);
}

static void only_the_default_list_may_be_longer_than_needed(void **state)
{
  (void)state;
  nrf_settings s;
  double       out[8] = {0};
  nrf_settings_defaults(&s);
  assert_int_equal(nrf_settings_expand_per_layer(&s.mom_clip_vals, 4, "mom_clip_vals", out), NRF_OK);
  assert_true(out[2] == 14.676934 && out[3] == 3 && out[4] == 0);
  assert_int_equal(nrf_settings_expand_per_layer(&s.mom_clip_vals, 7, "mom_clip_vals", out), NRF_EINVAL);

  parse_ok("--mom_clip_vals 2 10 14.676934 3 5 2.5", &s);
  assert_int_equal(nrf_settings_expand_per_layer(&s.mom_clip_vals, 4, "mom_clip_vals", out), NRF_EINVAL);
}

/* ---- stages ---- */

/* All combinations of the stage options, against the rule in words: --train trains; --no_train_model never
 * does; given neither, training runs if no other stage is named. */
static void training_runs_exactly_when_the_rule_says(void **state)
{
  (void)state;
  for (int bits = 0; bits < 256; bits++) {
    nrf_settings s;
    nrf_settings_defaults(&s);
    s.train              = bits & 1;
    s.no_train_model     = bits & 2;
    s.viz                = bits & 4;
    s.weight_viz         = bits & 8;
    s.gen_exp_stim       = bits & 16;
    s.experiment         = bits & 32;
    s.list_architectures = bits & 64;
    if (bits & 128) (void)snprintf(s.collate, sizeof s.collate, "exps");

    const nrf_stages stages = nrf_settings_stages(&s);
    bool             train;
    if (bits & 2)
      train = false;
    else if (bits & 1)
      train = true;
    else
      train = bits == 0;
    assert_int_equal(stages.wanted[NRF_STAGE_TRAIN], train);
    assert_int_equal(stages.wanted[NRF_STAGE_VIZ], (bits & 4) != 0);
    assert_int_equal(stages.wanted[NRF_STAGE_WEIGHT_VIZ], (bits & 8) != 0);
    assert_int_equal(stages.wanted[NRF_STAGE_GEN_EXP_STIM], (bits & 16) != 0);
    assert_int_equal(stages.wanted[NRF_STAGE_EXPERIMENT], (bits & 32) != 0);
    assert_int_equal(stages.wanted[NRF_STAGE_LIST_ARCHITECTURES], (bits & 64) != 0);
    assert_int_equal(stages.wanted[NRF_STAGE_COLLATE], (bits & 128) != 0);
  }
}

static void every_stage_is_named_after_its_option(void **state)
{
  (void)state;
  for (int i = 0; i < NRF_STAGE_COUNT; i++) {
    const nrf_setting *row = row_of(nrf_stage_name((nrf_stage)i));
    assert_true(row->flags & NRF_SETTING_ACTION);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_field_has_its_row),
      cmocka_unit_test(every_row_is_complete_and_its_default_is_in_range),
      cmocka_unit_test(no_option_is_called_like_the_negation_of_another),
      cmocka_unit_test(defaults_are_the_thesis_settings),
      cmocka_unit_test(every_option_of_the_published_program_is_there),
      cmocka_unit_test(every_value_survives_being_written_and_read),
      cmocka_unit_test(numbers_are_written_in_few_digits),
      cmocka_unit_test(a_refused_value_leaves_the_old_one),
      cmocka_unit_test(values_come_separately_attached_and_in_lists),
      cmocka_unit_test(the_last_mention_of_an_option_wins),
      cmocka_unit_test(flags_are_switched_on_and_off),
      cmocka_unit_test(negative_numbers_are_values_not_options),
      cmocka_unit_test(malformed_and_absurd_numbers_are_refused),
      cmocka_unit_test(ends_of_a_range_are_in_or_out_as_its_brackets_say),
      cmocka_unit_test(odd_strings_are_refused),
      cmocka_unit_test(unknown_options_name_the_closest_one),
      cmocka_unit_test(abbreviations_are_not_accepted),
      cmocka_unit_test(help_and_version_end_the_reading),
      cmocka_unit_test(contradictions_are_refused),
      cmocka_unit_test(folders_follow_exps_dir_unless_given),
      cmocka_unit_test(draws_stay_in_their_ranges_and_reach_both_ends),
      cmocka_unit_test(every_choice_and_both_sides_of_a_coin_are_drawn),
      cmocka_unit_test(a_draw_depends_on_seed_and_name_alone),
      cmocka_unit_test(what_has_no_range_is_not_drawn),
      cmocka_unit_test(a_loaded_model_wins_except_where_overridden),
      cmocka_unit_test(settings_of_the_session_are_not_saved),
      cmocka_unit_test(lists_serve_all_layers_or_each_its_own),
      cmocka_unit_test(only_the_default_list_may_be_longer_than_needed),
      cmocka_unit_test(training_runs_exactly_when_the_rule_says),
      cmocka_unit_test(every_stage_is_named_after_its_option),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
