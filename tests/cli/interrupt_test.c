/* Signals leave a note; the second SIGINT ends the program. Each case in a process of its own: a note stays. */
#include "cli/interrupt.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Raises the signals in a child; its exit status is the note it then finds. Returns the wait status. */
static int in_a_child(int n, const int signals[])
{
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (nrf_interrupt_install() != NRF_OK || nrf_interrupt_signal() != 0) _exit(99);
    for (int i = 0; i < n; i++) (void)raise(signals[i]);
    _exit(nrf_interrupt_signal());
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void each_signal_leaves_a_note_and_the_first_one_counts(void **state)
{
  (void)state;
  static const int signals[] = {SIGINT, SIGTERM, SIGUSR1};
  for (int i = 0; i < 3; i++) {
    const int status = in_a_child(1, &signals[i]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), signals[i]);
  }
  const int status = in_a_child(3, (const int[]){SIGUSR1, SIGTERM, SIGTERM});
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), SIGUSR1);
}

static void a_second_sigint_ends_the_program(void **state)
{
  (void)state;
  const int status = in_a_child(2, (const int[]){SIGINT, SIGINT});
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), SIGINT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_signal_leaves_a_note_and_the_first_one_counts),
      cmocka_unit_test(a_second_sigint_ends_the_program),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
