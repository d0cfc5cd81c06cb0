/* checkpoint_settings_test.c - every option that belongs to a model comes back from a checkpoint, to the bit. */
#include "managers/checkpoint_format.h"

#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* A value that is not the default: the other choice, the other flag, a number in the range with an unwieldy fraction. */
static void change(nrf_settings *s, const nrf_setting *row)
{
  char text[NRF_SETTING_TEXT_MAX], before[NRF_SETTING_TEXT_MAX];
  (void)nrf_settings_get_text(s, row, before);
  switch (row->type) {
  case NRF_SETTING_FLAG:
    (void)snprintf(text, sizeof text, "%s", strcmp(before, "true") == 0 ? "false" : "true");
    break;
  case NRF_SETTING_INT:
    (void)snprintf(text, sizeof text, "7");
    break;
  case NRF_SETTING_UINT64:
    (void)snprintf(text, sizeof text, "18446744073709551615");
    break;
  case NRF_SETTING_FLOAT:
    (void)snprintf(text, sizeof text, "%.17g", 1.0 / 3.0);
    break;
  case NRF_SETTING_FLOATS:
    (void)snprintf(text, sizeof text, "%.17g 0.1 %.17g", 1.0 / 7.0, 2.0 / 3.0);
    break;
  case NRF_SETTING_CHOICE:
    for (int i = 0; row->choices[i] != NULL; i++)
      if (strcmp(row->choices[i], before) != 0) (void)snprintf(text, sizeof text, "%s", row->choices[i]);
    if (row->choices[1] == NULL) return; /* there is no other */
    break;
  case NRF_SETTING_NAMES:
    (void)snprintf(text, sizeof text, "%s",
                   row->range     ? "3 5-8"
                   : row->choices ? row->choices[0]
                                  : "lr seed");
    break;
  default:
    (void)snprintf(text, sizeof text, "somewhere");
  }
  must(nrf_settings_set_text(s, row, text));
  assert_string_not_equal(nrf_settings_get_text(s, row, text), before);
}

static void every_setting_of_a_model_comes_back(void **state)
{
  (void)state;
  char               directory[SCRATCH_PATH], path[SCRATCH_PATH];
  nrf_settings       written, read;
  nrf_h5_file       *file = NULL;
  int                count, saved = 0;
  const nrf_setting *rows = nrf_setting_table(&count);
  scratch_create(directory);
  scratch_path(path, directory, "settings.h5");
  nrf_settings_defaults(&written);
  nrf_settings_defaults(&read);
  for (int i = 0; i < count; i++) change(&written, &rows[i]);

  must(nrf_h5_create(path, &file));
  must(nrf_checkpoint_write_settings(file, &written));
  must(nrf_h5_commit(file));
  nrf_h5_free(file);
  must(nrf_h5_open(path, &file));
  must(nrf_checkpoint_read_settings(file, &read));
  nrf_h5_free(file);

  nrf_settings defaults;
  nrf_settings_defaults(&defaults);
  for (int i = 0; i < count; i++) {
    char                one[NRF_SETTING_TEXT_MAX], other[NRF_SETTING_TEXT_MAX];
    const bool          is_saved = nrf_setting_is_saved(&rows[i]);
    const nrf_settings *expected =
        is_saved ? &written : &defaults; /* a session's own are none of a model's business */
    assert_string_equal(nrf_settings_get_text(&read, &rows[i], one),
                        nrf_settings_get_text(expected, &rows[i], other));
    saved += is_saved;
  }
  assert_true(saved > 40);
  scratch_remove(directory);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_setting_of_a_model_comes_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
