/* What a user sees while a long loop runs: on a terminal, in a log file, and with --quiet. */
#include "cli/display.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A clock, a terminal width and a signal that the tests set by hand. */
static double seconds;
static int    width;
static int    stop_signal;

static double test_clock(void)
{
  return seconds;
}

static int test_width(void)
{
  return width;
}

static int test_signal(void)
{
  return stop_signal;
}

/* A display whose two streams are kept in memory. */
typedef struct screen {
  nrf_display  display;
  nrf_progress progress;
  char        *out, *err;
  size_t       out_bytes, err_bytes;
} screen;

static void screen_open(screen *s, bool terminal, bool quiet)
{
  memset(s, 0, sizeof *s);
  seconds     = 1000;
  width       = 200;
  stop_signal = 0;
  s->display  = (nrf_display){.program     = "nrflv",
                              .out         = open_memstream(&s->out, &s->out_bytes),
                              .err         = open_memstream(&s->err, &s->err_bytes),
                              .quiet       = quiet,
                              .terminal    = terminal,
                              .now         = test_clock,
                              .columns     = test_width,
                              .stop_signal = test_signal};
  assert_non_null(s->display.out);
  assert_non_null(s->display.err);
  s->progress = nrf_display_progress(&s->display);
}

static void screen_close(screen *s)
{
  (void)fclose(s->display.out);
  (void)fclose(s->display.err);
  free(s->out);
  free(s->err);
}

static int count_of(const char *text, const char *what)
{
  int n = 0;
  for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what)) n++;
  return n;
}

static void a_log_gets_a_line_every_half_minute_and_one_at_the_end(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, false, false);
  nrf_progress_begin(&s.progress, "training", "steps", 0);
  for (int i = 1; i <= 700; i++) { /* 70 s at 10 steps per second */
    seconds = 1000 + 0.1 * i;
    nrf_progress_update(&s.progress, i, 1000, "E %d", i);
  }
  nrf_progress_end(&s.progress);
  assert_int_equal(count_of(s.err, "\n"), 3);
  assert_non_null(
      strstr(s.err, "training  300/1000 steps (30%)  10 steps/s  elapsed 0:00:30  left 0:01:10  E 300\n"));
  assert_non_null(
      strstr(s.err, "training  700/1000 steps (70%)  10 steps/s  elapsed 0:01:10  left 0:00:30  E 700\n"));
  assert_null(strchr(s.err, '\r'));
  assert_null(strchr(s.err, '\033'));
  screen_close(&s);
}

static void a_terminal_line_is_rewritten_at_most_ten_times_a_second(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, true, false);
  nrf_progress_begin(&s.progress, "training", "steps", 0);
  for (int i = 1; i <= 10000; i++) { /* one second */
    seconds = 1000 + 1e-4 * i;
    nrf_progress_update(&s.progress, i, 20000, "%s", "");
  }
  nrf_progress_end(&s.progress);
  const int lines = count_of(s.err, "\r");
  assert_true(lines >= 9 && lines <= 12);
  assert_int_equal(count_of(s.err, "\n"), 1); /* only the last one stays */
  assert_string_equal(s.err + strlen(s.err) - 1, "\n");
  screen_close(&s);
}

static void a_terminal_line_never_wraps(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, true, false);
  width = 30;
  nrf_progress_begin(&s.progress, "training", "steps", 0);
  seconds += 1;
  nrf_progress_update(&s.progress, 1, 100, "%s", "energy \xce\x94 and a good deal more than fits");
  assert_int_equal(strcspn(s.err + 1, "\033"), 29);
  screen_close(&s);
}

/* A multibyte character counts as one column and is not cut in the middle. */
static void characters_are_not_cut_in_the_middle(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, true, false);
  width = 4;
  nrf_progress_begin(&s.progress, "\xce\x94\xce\x94\xce\x94\xce\x94\xce\x94", "steps", 0);
  seconds += 1;
  nrf_progress_update(&s.progress, 1, 100, "%s", "");
  assert_string_equal(s.err, "\r\xce\x94\xce\x94\xce\x94\033[K");
  screen_close(&s);
}

static void the_rate_is_that_of_the_last_minute_and_of_this_session(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, false, false);
  nrf_progress_begin(&s.progress, "training", "steps", 5000); /* resumed: 5000 were done before */
  int64_t done = 5000;
  for (int i = 0; i < 600; i++) { /* ten minutes at 1 step/s ... */
    seconds += 1;
    nrf_progress_update(&s.progress, ++done, 10000, "%s", "");
  }
  for (int i = 0; i < 121; i++) { /* ... two at 5 */
    seconds += 1;
    nrf_progress_update(&s.progress, done += 5, 10000, "%s", "");
  }
  char *last = strstr(s.err, "6200/10000");
  assert_non_null(last);
  assert_non_null(strstr(last, "  5 steps/s"));
  assert_non_null(strstr(s.err, "5030/10000 steps (50%)  1 steps/s"));
  screen_close(&s);
}

static void without_a_total_nothing_is_promised(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, false, false);
  nrf_progress_begin(&s.progress, "counting", "images", 0);
  seconds += 40;
  nrf_progress_update(&s.progress, 20, 0, "%s", "");
  assert_string_equal(s.err, "counting  20 images  0.5 images/s  elapsed 0:00:40\n");
  screen_close(&s);
}

static void bytes_have_prefixes(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, false, false);
  nrf_progress_begin(&s.progress, "cifar-10-binary.tar.gz", "B", 0);
  seconds += 40;
  nrf_progress_update(&s.progress, 80000000, 170052171, "%s", "");
  assert_string_equal(
      s.err, "cifar-10-binary.tar.gz  80.0 MB of 170.1 MB (47%)  2.0 MB/s  elapsed 0:00:40  left 0:00:45\n");
  screen_close(&s);
}

static void messages_do_not_mix_with_the_line(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, true, false);
  nrf_progress_begin(&s.progress, "training", "steps", 0);
  seconds += 1;
  nrf_progress_update(&s.progress, 1, 100, "%s", "");
  const size_t before = strlen(s.err);
  nrf_progress_message(&s.progress, NRF_WARNING, "layer %d has 12 channels", 2);
  assert_string_equal(s.err + before, "\r\033[Knrflv: warning: layer 2 has 12 channels\n");
  nrf_progress_update(&s.progress, 2, 100, "%s", ""); /* the line is back at once */
  assert_non_null(strstr(s.err + before, "\rtraining  2/100"));
  screen_close(&s);
}

static void results_go_to_stdout_everything_else_to_stderr(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, false, false);
  nrf_progress_message(&s.progress, NRF_RESULT, "wrote %s", "a.h5");
  nrf_progress_message(&s.progress, NRF_INFO, "seed %d", 7);
  assert_string_equal(s.out, "wrote a.h5\n");
  assert_string_equal(s.err, "seed 7\n");
  screen_close(&s);
}

static void quiet_leaves_warnings_only(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, true, true);
  nrf_progress_begin(&s.progress, "training", "steps", 0);
  seconds += 100;
  nrf_progress_update(&s.progress, 1, 100, "%s", "");
  nrf_progress_message(&s.progress, NRF_INFO, "%s", "hello");
  nrf_progress_message(&s.progress, NRF_RESULT, "%s", "wrote it");
  nrf_progress_message(&s.progress, NRF_WARNING, "%s", "careful");
  nrf_progress_end(&s.progress);
  (void)fflush(s.display.out);
  assert_string_equal(s.out, "");
  assert_string_equal(s.err, "nrflv: warning: careful\n");
  screen_close(&s);
}

static void a_request_to_stop_is_announced_once_and_stays(void **state)
{
  (void)state;
  screen s;
  screen_open(&s, false, false);
  assert_false(nrf_progress_stop_requested(&s.progress));
  stop_signal = SIGTERM;
  assert_true(nrf_progress_stop_requested(&s.progress));
  assert_true(nrf_progress_stop_requested(&s.progress));
  assert_string_equal(s.err, "Terminated: finishing the step at hand, then saving\n");
  screen_close(&s);
}

static void nobody_has_to_listen(void **state)
{
  (void)state;
  const nrf_progress deaf = {0};
  nrf_progress_begin(NULL, "a", "b", 0);
  nrf_progress_update(NULL, 1, 2, "%s", "c");
  nrf_progress_message(NULL, NRF_INFO, "%s", "d");
  nrf_progress_end(NULL);
  assert_false(nrf_progress_stop_requested(NULL));
  nrf_progress_begin(&deaf, "a", "b", 0);
  nrf_progress_update(&deaf, 1, 2, "%s", "c");
  nrf_progress_message(&deaf, NRF_INFO, "%s", "d");
  nrf_progress_end(&deaf);
  assert_false(nrf_progress_stop_requested(&deaf));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_log_gets_a_line_every_half_minute_and_one_at_the_end),
      cmocka_unit_test(a_terminal_line_is_rewritten_at_most_ten_times_a_second),
      cmocka_unit_test(a_terminal_line_never_wraps),
      cmocka_unit_test(characters_are_not_cut_in_the_middle),
      cmocka_unit_test(the_rate_is_that_of_the_last_minute_and_of_this_session),
      cmocka_unit_test(without_a_total_nothing_is_promised),
      cmocka_unit_test(bytes_have_prefixes),
      cmocka_unit_test(messages_do_not_mix_with_the_line),
      cmocka_unit_test(results_go_to_stdout_everything_else_to_stderr),
      cmocka_unit_test(quiet_leaves_warnings_only),
      cmocka_unit_test(a_request_to_stop_is_announced_once_and_stays),
      cmocka_unit_test(nobody_has_to_listen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
