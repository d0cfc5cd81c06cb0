/* A slip of the finger still finds the name; something else does not. */
#include "nrflv/closest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"epochs", "batch_size",    "clip_grad", "clip_state_grad_norm",
                                    "lr",     "lr_decay_gamma"};
enum { N = sizeof names / sizeof *names };

static void the_name_with_the_fewest_edits_is_found(void **state)
{
  (void)state;
  static const struct {
    const char *typed, *closest;
  } cases[] = {
      {"epochs", "epochs"},                   /* itself */
      {"epoch", "epochs"},                    /* dropped */
      {"epochss", "epochs"},                  /* added */
      {"epoxhs", "epochs"},                   /* replaced */
      {"bacth_size", "batch_size"},           /* swapped: one edit, not two */
      {"BATCH-SIZE", "batch_size"},           /* capitals are free */
      {"state_grad", "clip_state_grad_norm"}, /* a part of it */
      {"decay", "lr_decay_gamma"},
      {"clip", "clip_grad"}, /* a part of two: the shorter one */
      {"momentum", NULL},
      {"", NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const int found = nrf_closest(cases[i].typed, N, names);
    if (cases[i].closest == NULL)
      assert_int_equal(found, -1);
    else
      assert_true(found >= 0 && strcmp(names[found], cases[i].closest) == 0);
  }
}

static void very_long_input_is_harmless(void **state)
{
  (void)state;
  char typed[5000];
  memset(typed, 'x', sizeof typed - 1);
  typed[sizeof typed - 1] = '\0';
  assert_int_equal(nrf_closest(typed, N, names), -1);
  assert_int_equal(nrf_closest("epochs", 0, names), -1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_name_with_the_fewest_edits_is_found),
      cmocka_unit_test(very_long_input_is_harmless),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
