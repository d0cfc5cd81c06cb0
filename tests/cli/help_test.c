/* What is generated from the option table mentions every option. */
#include "cli/help.h"

#include "nrflv/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { HELP_BYTES = 100000 };

static void help_of_width(int width, char text[HELP_BYTES])
{
  FILE *memory = fmemopen(text, HELP_BYTES, "w");
  assert_non_null(memory);
  nrf_print_help(memory, width);
  assert_int_equal(fclose(memory), 0);
  assert_true(strlen(text) < HELP_BYTES - 1);
}

/* The lines from the option's own to the next option or group. */
static const char *entry_of(const char *help, const nrf_setting *row, char entry[1024])
{
  char head[128];
  (void)snprintf(head, sizeof head, "\n  --%s%s", nrf_setting_is_negatable(row) ? "[no_]" : "", row->name);
  const char *start = strstr(help, head);
  if (!start) fail_msg("--help does not mention --%s", row->name);
  start++;
  size_t      length = strlen(start);
  const char *next   = strstr(start, "\n  --");
  if (next) length = (size_t)(next - start);
  (void)snprintf(entry, 1024, "%.*s", (int)length, start);
  return entry;
}

static void help_describes_every_option_with_its_default(void **state)
{
  (void)state;
  static char        help[HELP_BYTES];
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  help_of_width(100, help);
  for (int i = 0; i < count; i++) {
    char entry[1024];
    entry_of(help, &rows[i], entry);
    char word[64]; /* of several values, one line's worth is proof enough */
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(rows[i].initial, " "), rows[i].initial);
    const bool shows_default = word[0] != '\0' && !(rows[i].flags & NRF_SETTING_ACTION);
    if (shows_default && (!strstr(entry, "default:") || !strstr(entry, word)))
      fail_msg("--help does not show the default of --%s", rows[i].name);
    for (int c = 0; rows[i].choices && rows[i].choices[c]; c++)
      assert_non_null(strstr(entry, rows[i].choices[c]));
    if (rows[i].range && rows[i].type != NRF_SETTING_NAMES) assert_non_null(strstr(entry, rows[i].range));
  }
  for (int group = 0; group < NRF_GROUP_COUNT; group++)
    assert_non_null(strstr(help, nrf_setting_group_title((nrf_setting_group)group)));
}

static void help_fits_the_terminal(void **state)
{
  (void)state;
  static char help[HELP_BYTES];
  static const struct {
    int asked, longest;
  } cases[] = {{80, 80}, {100, 100}, {1000, 100}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    help_of_width(cases[i].asked, help);
    /* what stands before the groups is fixed text */
    for (char *line = strstr(help, "What to do"); line && *line;) {
      const size_t length = strcspn(line, "\n");
      if (length > (size_t)cases[i].longest) fail_msg("%zu columns: %.*s", length, (int)length, line);
      assert_true(length == 0 || line[length - 1] != ' ');
      line += length + (line[length] == '\n');
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(help_describes_every_option_with_its_default),
      cmocka_unit_test(help_fits_the_terminal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
