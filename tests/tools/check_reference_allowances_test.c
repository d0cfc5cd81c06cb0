/* What check_reference forgives because of kinks and of cancellation, and what it does not. */
#include "nrflv/memory.h"

/* The tool is a program; these two of its files are tested by themselves. */
#include "tools/check_reference/kinks.c"
#include "tools/check_reference/report.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { GRADIENT = 3 };

/* Two weights w0, w1 and three elements: one smooth, one behind a unit whose input w0 - w1 may be at its kink, one behind
 * a unit whose input w0 is not. */
static nrf_status toy_gradient(void *context, float *gradient)
{
  const nrf_parameters *p = context;
  gradient[0]             = p->value[0];
  gradient[1]             = p->value[0] - p->value[1] > 0.0f ? 1.0f : 0.0f;
  gradient[2]             = p->value[0] > 0.0f ? 1.0f : 0.0f;
  return NRF_OK;
}

static void toy_slack(float w0, float w1, float slack[GRADIENT])
{
  nrf_parameters *p   = NULL;
  const int64_t   dim = 2;
  assert_int_equal(nrf_parameters_create(&p), NRF_OK);
  assert_int_equal(nrf_parameters_add(p, "w", 1, &dim, NRF_START_ZERO, 0, true, NULL), NRF_OK);
  assert_int_equal(nrf_parameters_finish(p), NRF_OK);
  p->value[0] = w0;
  p->value[1] = w1;
  assert_int_equal(kinks_slack(p, toy_gradient, p, GRADIENT, slack), NRF_OK);
  assert_true(p->value[0] == w0 && p->value[1] == w1);
  nrf_parameters_free(p);
}

static void elements_behind_a_unit_at_its_kink_have_slack(void **state)
{
  (void)state;
  float slack[GRADIENT];
  toy_slack(0.5f, 0.5f, slack);
  assert_true(slack[1] == 1.0f);
  assert_true(slack[0] > 0.0f && slack[0] <= 2e-6f); /* changes in the last places, no more */
  assert_true(slack[2] == 0.0f);
}

static void elements_behind_other_units_have_none(void **state)
{
  (void)state;
  float slack[GRADIENT];
  toy_slack(0.5f, 0.49999f, slack);
  assert_true(slack[1] == 0.0f);
}

enum { COUNT = 100000 };

/* Whether a gradient of ones passes if `wrong` of its elements are off by `error` and their slack is `slack`. */
static bool passes(int64_t wrong, float error, float slack)
{
  report *r = NULL;
  float  *reference, *ours, *slacks;
  assert_int_equal(report_create(false, "tensors", &r), NRF_OK);
  assert_int_equal(nrf_alloc_floats(COUNT, "test", &reference), NRF_OK);
  assert_int_equal(nrf_alloc_floats(COUNT, "test", &ours), NRF_OK);
  assert_int_equal(nrf_alloc_floats(COUNT, "test", &slacks), NRF_OK);
  for (int64_t i = 0; i < COUNT; i++) {
    reference[i] = 1.0f;
    ours[i]      = i < wrong ? 1.0f + error : 1.0f;
    slacks[i]    = i < wrong ? slack : 0.0f;
  }
  const comparison c = {.count = COUNT, .reference = reference, .ours = ours, .stride = 1, .slack = slacks};
  report_begin_file(r, "file");
  report_begin_run(r, "run");
  assert_int_equal(report_arrays(r, "gradient", NULL, RULE_STATE_GRADIENT, &c), NRF_OK);
  const bool ok = r->rows[0].ok;
  nrf_free(reference);
  nrf_free(ours);
  nrf_free(slacks);
  report_free(r);
  return ok;
}

static void a_difference_within_its_slack_passes_and_no_other(void **state)
{
  (void)state;
  assert_true(passes(0, 0.0f, 0.0f));
  assert_false(passes(1, 0.01f, 0.0f));
  assert_true(passes(1, 0.01f, 0.02f));
  assert_false(passes(1, 0.01f, 0.005f));
}

static void kinks_excuse_no_more_than_a_hundredth(void **state)
{
  (void)state;
  assert_true(passes(1, 3.0f, 4.0f));            /* 3 / sqrt(100000) = 0.95e-2 of the norm */
  assert_false(passes(1, 3.5f, 4.0f));           /* 1.1e-2                                 */
  assert_false(passes(COUNT / 2, 0.02f, 0.02f)); /* a slope wrong throughout: 1.4e-2       */
}

static void not_a_number_and_infinity_never_pass(void **state)
{
  (void)state;
  static const rule_id rules[]     = {RULE_STATE_GRADIENT,
                                      RULE_TOTAL_ENERGY}; /* with and without a limit on the norm */
  static const float   values[][3] = {{1.0f, NAN, 1.0f}, {INFINITY, 1.0f, 1.0f}, {1.0f, 1.0f, NAN}};
  static const float   ones[3]     = {1.0f, 1.0f, 1.0f};
  for (size_t k = 0; k < 2 * 3 * 3; k++) {
    /* In the reference, in ours, and in both. */
    const float     *odd = values[k / 2 % 3];
    const size_t     at  = k / 6;
    const comparison c   = {
          .count = 3, .reference = at == 1 ? ones : odd, .ours = at == 0 ? ones : odd, .stride = 1};
    report *r = NULL;
    assert_int_equal(report_create(false, "tensors", &r), NRF_OK);
    report_begin_file(r, "file");
    report_begin_run(r, "run");
    assert_int_equal(report_arrays(r, "quantity", NULL, rules[k % 2], &c), NRF_OK);
    assert_false(r->rows[0].ok);
    report_free(r);
  }
}

/* Whether a tensor of one element, 1, passes with an error if its terms are so large. */
static bool difference_passes(float error, float terms)
{
  report          *r         = NULL;
  const float      reference = 1.0f, ours = 1.0f + error;
  const comparison c = {.count = 1, .reference = &reference, .ours = &ours, .stride = 1, .terms = &terms};
  assert_int_equal(report_create(false, "tensors", &r), NRF_OK);
  report_begin_file(r, "file");
  report_begin_run(r, "run");
  assert_int_equal(report_arrays(r, "gradient", "bias", RULE_PARAMETER_GRADIENT, &c), NRF_OK);
  const bool ok = r->rows[0].ok;
  report_free(r);
  return ok;
}

static void differences_of_large_gradients_may_be_off_by_a_little_more(void **state)
{
  (void)state;
  assert_true(difference_passes(2e-5f, 1.0f));
  assert_false(difference_passes(5e-5f, 1.0f));
  assert_false(difference_passes(5e-5f, 9.0f));
  assert_true(difference_passes(5e-5f, 11.0f));
  assert_false(difference_passes(2e-4f, 1000.0f));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elements_behind_a_unit_at_its_kink_have_slack),
      cmocka_unit_test(elements_behind_other_units_have_none),
      cmocka_unit_test(a_difference_within_its_slack_passes_and_no_other),
      cmocka_unit_test(kinks_excuse_no_more_than_a_hundredth),
      cmocka_unit_test(not_a_number_and_infinity_never_pass),
      cmocka_unit_test(differences_of_large_gradients_may_be_off_by_a_little_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
