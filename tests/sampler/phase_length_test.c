/* Phases end when they should: early stopping, Poisson lengths, and the slow growth of the negative phase. */
#include "nrflv/phase_length.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- early stopping ------------------------------------------------------------------------------- */

static nrf_truncation *new_truncation(int length, double threshold)
{
  nrf_truncation *t = NULL;
  assert_int_equal(nrf_truncation_create(length, threshold, &t), NRF_OK);
  return t;
}

static double flat(int64_t step)
{
  (void)step;
  return -5.0;
}

/* Falls by one a step until step 400, and stays. */
static double falling(int64_t step)
{
  return step < 400 ? 1000.0 - (double)step : 600.0;
}

/* The step after which a phase ends; 0 if it does not within 2000. */
static int64_t end_of(nrf_truncation *t, double (*energy)(int64_t))
{
  nrf_truncation_reset(t);
  for (int64_t step = 1; step <= 2000; step++)
    if (nrf_truncation_add(t, energy(step))) return step;
  return 0;
}

static void a_phase_ends_once_its_last_energies_lie_within_the_threshold(void **state)
{
  (void)state;
  const struct {
    int    length;
    double threshold;
    double (*energy)(int64_t);
    int64_t end;
  } cases[] = {
      {50, 20.0, flat, 201},    /* not before step 201 ...                              */
      {300, 20.0, flat, 300},   /* ... nor before there are as many energies as asked for */
      {50, 20.0, falling, 430}, /* 381 .. 430: from 619 to 600, less than 20 apart      */
      {50, 1e-9, falling, 449}, /* 400 .. 449: all the same                             */
      {50, 0.0, flat, 0},       /* under the threshold, not on it                       */
      {1, 1.0, falling, 201},
  };
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    nrf_truncation *t = new_truncation(cases[k].length, cases[k].threshold);
    assert_int_equal(end_of(t, cases[k].energy), cases[k].end);
    assert_int_equal(end_of(t, cases[k].energy), cases[k].end); /* nothing is left from the phase before */
    nrf_truncation_free(t);
  }
}

static void an_empty_history_is_refused(void **state)
{
  (void)state;
  nrf_truncation *t = NULL;
  assert_int_equal(nrf_truncation_create(0, 1.0, &t), NRF_EINVAL);
  assert_null(t);
}

/* ---- Poisson lengths ------------------------------------------------------------------------------ */

static void random_lengths_have_a_poisson_distribution(void **state)
{
  (void)state;
  enum { N = 20000 };
  const double means[] = {8.0, 30.0, 500.0};
  for (int k = 0; k < 3; k++) {
    const double mean = means[k];
    double       sum = 0.0, square = 0.0;
    for (uint64_t phase = 0; phase < N; phase++) {
      const double length = (double)nrf_poisson_length(mean, 4, phase);
      sum += length - mean;
      square += (length - mean) * (length - mean);
    }
    /* Fourth central moment mu + 3 mu^2: the variance of a square is mu + 2 mu^2. Four standard errors. */
    assert_true(fabs(sum / N) < 4.0 * sqrt(mean / N));
    assert_true(fabs(square / N - mean) < 4.0 * sqrt((mean + 2 * mean * mean) / N));
  }
}

static void small_random_lengths_follow_their_probabilities_with_zero_raised_to_one(void **state)
{
  (void)state;
  enum { N = 40000 };
  int count[4] = {0};
  for (uint64_t phase = 0; phase < N; phase++) {
    const int64_t length = nrf_poisson_length(1.5, 9, phase);
    assert_true(length >= 1);
    if (length < 4) count[length]++;
  }
  const double p[4] = {0.0, exp(-1.5) * 2.5, exp(-1.5) * 1.125, exp(-1.5) * 0.5625};
  for (int k = 1; k < 4; k++) assert_true(fabs(count[k] - N * p[k]) < 4.0 * sqrt(N * p[k] * (1 - p[k])));
  assert_int_equal(nrf_poisson_length(0.0, 9, 1), 1);
}

static void a_random_length_depends_on_seed_and_phase_alone(void **state)
{
  (void)state;
  int same_phase = 0, same_seed = 0;
  for (uint64_t phase = 0; phase < 50; phase++) {
    assert_int_equal(nrf_poisson_length(300.0, 1, phase), nrf_poisson_length(300.0, 1, phase));
    same_phase += nrf_poisson_length(300.0, 1, phase) == nrf_poisson_length(300.0, 2, phase);
    same_seed += nrf_poisson_length(300.0, 1, phase) == nrf_poisson_length(300.0, 1, phase + 1);
  }
  assert_true(same_phase < 10 && same_seed < 10);
}

/* ---- adaptive length ------------------------------------------------------------------------------ */

/* Epochs of 100 batches with the given energies, after `epoch` up to `last`: the first at whose end the
 * length grew, or 0. */
static int grows_after(nrf_negative_length *l, int epoch, int last, double positive, double negative)
{
  while (++epoch <= last) {
    for (int batch = 0; batch < 100; batch++) nrf_negative_length_add(l, epoch, positive, negative);
    if (nrf_negative_length_end_epoch(l, epoch)) return epoch;
  }
  return 0;
}

static void the_negative_phase_grows_from_the_seventh_epoch_and_then_every_five(void **state)
{
  (void)state;
  nrf_negative_length l = nrf_negative_length_start(30);
  assert_int_equal(grows_after(&l, 0, 100, 1.0, 2.0), 7);
  assert_int_equal(l.steps, 37); /* 37.5 */
  assert_int_equal(l.positive.count, 0);
  assert_int_equal(l.negative.count, 0);
  assert_int_equal(grows_after(&l, 7, 100, 1.0, 2.0), 12);
  assert_int_equal(l.steps, 46); /* 46.25 */
}

static void the_negative_phase_does_not_grow_while_its_energy_is_the_lower_one(void **state)
{
  (void)state;
  nrf_negative_length l = nrf_negative_length_start(30);
  assert_int_equal(grows_after(&l, 0, 20, 2.0, 1.0), 0);
  assert_int_equal(grows_after(&l, 20, 30, 2.0, 2.0), 0);
  assert_int_equal(l.steps, 30);
  assert_int_equal(grows_after(&l, 30, 40, 2.0, 3.0), 31); /* 100 of 200 energies are new: 2.5 on average */
}

static void histories_have_to_be_full_and_begin_with_the_third_epoch(void **state)
{
  (void)state;
  nrf_negative_length l = nrf_negative_length_start(30);
  for (int k = 0; k < 1000; k++) nrf_negative_length_add(&l, 2, 1.0, 2.0);
  assert_int_equal(l.negative.count, 0);
  for (int k = 0; k < NRF_LENGTH_HISTORY - 1; k++) nrf_negative_length_add(&l, 3, 1.0, 2.0);
  assert_false(nrf_negative_length_end_epoch(&l, 7));
  nrf_negative_length_add(&l, 8, 1.0, 2.0);
  assert_true(nrf_negative_length_end_epoch(&l, 8));
}

static void a_history_keeps_the_last_energies(void **state)
{
  (void)state;
  nrf_negative_length l = nrf_negative_length_start(30);
  assert_true(nrf_energy_history_mean(&l.positive) == 0.0);
  for (int k = 0; k < 250; k++) nrf_negative_length_add(&l, 3, k, -2.0 * k);
  assert_true(fabs(nrf_energy_history_mean(&l.positive) - 149.5) < 1e-9); /* 50 .. 249 */
  assert_true(fabs(nrf_energy_history_mean(&l.negative) + 299.0) < 1e-9);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_phase_ends_once_its_last_energies_lie_within_the_threshold),
      cmocka_unit_test(an_empty_history_is_refused),
      cmocka_unit_test(random_lengths_have_a_poisson_distribution),
      cmocka_unit_test(small_random_lengths_follow_their_probabilities_with_zero_raised_to_one),
      cmocka_unit_test(a_random_length_depends_on_seed_and_phase_alone),
      cmocka_unit_test(the_negative_phase_grows_from_the_seventh_epoch_and_then_every_five),
      cmocka_unit_test(the_negative_phase_does_not_grow_while_its_energy_is_the_lower_one),
      cmocka_unit_test(histories_have_to_be_full_and_begin_with_the_third_epoch),
      cmocka_unit_test(a_history_keeps_the_last_energies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
