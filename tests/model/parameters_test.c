/* Parameters lie one after another in the order of adding, and start as their rules say. */
#include "nrflv/parameters.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_ok(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static nrf_parameters *new_set(void)
{
  nrf_parameters *p;
  assert_ok(nrf_parameters_create(&p));
  return p;
}

/* bias [32], g [32], v [32, 4, 5, 5], u [32] not trainable, normal weights [40, 50]. */
enum { BIAS, G, V, U, NORMAL };

static nrf_parameters *weights_of_every_kind(uint64_t seed, uint32_t first_layer)
{
  nrf_parameters *p = new_set();
  assert_ok(nrf_parameters_add(p, "bias", 1, (int64_t[]){32}, NRF_START_ZERO, 0, true, NULL));
  assert_ok(nrf_parameters_add(p, "weight_g", 4, (int64_t[]){32, 1, 1, 1}, NRF_START_NORM_OF, 0, true, NULL));
  assert_ok(
      nrf_parameters_add(p, "weight_v", 4, (int64_t[]){32, 4, 5, 5}, NRF_START_UNIFORM, 100, true, NULL));
  assert_ok(nrf_parameters_add(p, "weight_u", 1, (int64_t[]){32}, NRF_START_UNIT, 0, false, NULL));
  assert_ok(nrf_parameters_add(p, "weight", 2, (int64_t[]){40, 50}, NRF_START_NORMAL, 0, true, NULL));
  assert_ok(nrf_parameters_finish(p));
  nrf_parameters_start(p, seed, first_layer);
  return p;
}

static const float *value_of(const nrf_parameters *p, int i)
{
  return p->value + p->item[i].offset;
}

static double moment(const float *x, int64_t n, int power)
{
  double sum = 0.0;
  for (int64_t i = 0; i < n; i++) sum += pow(x[i], power);
  return sum / (double)n;
}

static void parameters_lie_in_the_order_of_adding(void **state)
{
  (void)state;
  enum { N = 100 };
  nrf_parameters *p = new_set();
  for (int i = 0; i < N; i++) {
    char name[32];
    int  index;
    (void)snprintf(name, sizeof name, "p%d", i);
    assert_ok(nrf_parameters_add(p, name, 2, (int64_t[]){i + 1, 2}, NRF_START_ZERO, 0, i % 2 == 0, &index));
    assert_int_equal(index, i);
  }
  assert_ok(nrf_parameters_finish(p));
  assert_int_equal(p->n, N);
  for (int i = 0; i < N; i++) {
    assert_int_equal(p->item[i].count, 2 * (i + 1));
    assert_int_equal(p->item[i].offset, i * (i + 1)); /* 2 + 4 + ... + 2i */
  }
  assert_int_equal(p->count, N * (N + 1));
  assert_int_equal(nrf_parameters_trainable_count(p), 2 * 50 * 50); /* 2 (1 + 3 + ... + 99) */
  assert_int_equal(nrf_parameters_find(p, "p37"), 37);
  assert_int_equal(nrf_parameters_find(p, "p"), -1);
  nrf_parameters_free(p);
}

static void first_parameters_can_be_moved_behind_the_others(void **state)
{
  (void)state;
  nrf_parameters *p      = NULL;
  const int64_t   dim[3] = {2, 3, 4};
  const char     *name[] = {"a", "b", "c"};
  assert_int_equal(nrf_parameters_create(&p), NRF_OK);
  for (int i = 0; i < 3; i++)
    assert_int_equal(nrf_parameters_add(p, name[i], 1, &dim[i], NRF_START_ZERO, 0, true, NULL), NRF_OK);
  nrf_parameters_move_to_end(p, 2); /* c, a, b */
  assert_int_equal(nrf_parameters_finish(p), NRF_OK);
  const int     order[]  = {2, 0, 1};
  const int64_t offset[] = {0, 4, 6};
  for (int i = 0; i < 3; i++) {
    assert_string_equal(p->item[i].name, name[order[i]]);
    assert_int_equal(p->item[i].count, dim[order[i]]);
    assert_int_equal(p->item[i].offset, offset[i]);
  }
  nrf_parameters_free(p);
}

static void what_makes_no_sense_is_refused(void **state)
{
  (void)state;
  const int64_t   dim[4]  = {3, 3, 1, 1};
  const int64_t   huge[4] = {INT64_C(1) << 20, INT64_C(1) << 20, INT64_C(1) << 20, INT64_C(1) << 20};
  char            long_name[NRF_PARAMETER_NAME_BYTES + 1];
  nrf_parameters *p = new_set();
  memset(long_name, 'x', sizeof long_name - 1);
  long_name[sizeof long_name - 1] = '\0';
  assert_ok(nrf_parameters_add(p, "a", 2, dim, NRF_START_ZERO, 0, true, NULL));
  assert_int_equal(nrf_parameters_add(p, "a", 2, dim, NRF_START_ZERO, 0, true, NULL), NRF_EINVAL);
  assert_int_equal(nrf_parameters_add(p, long_name, 2, dim, NRF_START_ZERO, 0, true, NULL), NRF_EINVAL);
  assert_int_equal(nrf_parameters_add(p, "b", 0, dim, NRF_START_ZERO, 0, true, NULL), NRF_EINVAL);
  assert_int_equal(nrf_parameters_add(p, "b", 5, dim, NRF_START_ZERO, 0, true, NULL), NRF_EINVAL);
  assert_int_equal(nrf_parameters_add(p, "b", 4, huge, NRF_START_ZERO, 0, true, NULL), NRF_EINVAL);
  assert_int_equal(nrf_parameters_add(p, "b", 1, (int64_t[]){0}, NRF_START_ZERO, 0, true, NULL), NRF_EINVAL);
  assert_int_equal(nrf_parameters_add(p, "b", 2, dim, NRF_START_UNIFORM, 0, true, NULL), NRF_EINVAL);
  assert_int_equal(p->n, 1);

  assert_ok(nrf_parameters_add(p, "norms", 1, (int64_t[]){4}, NRF_START_NORM_OF, 0, true, NULL));
  assert_int_equal(nrf_parameters_finish(p), NRF_EINVAL); /* of nothing */
  assert_ok(nrf_parameters_add(p, "b", 2, dim, NRF_START_ZERO, 0, true, NULL));
  assert_int_equal(nrf_parameters_finish(p), NRF_EINVAL); /* 4 norms of 3 rows */
  nrf_parameters_free(p);
}

static void starting_values_have_the_distributions_of_their_rules(void **state)
{
  (void)state;
  nrf_parameters *p = weights_of_every_kind(1, 0);
  for (int i = 0; i < 32; i++) assert_true(value_of(p, BIAS)[i] == 0.0f);

  /* Uniform in +-a, a = 0.1: mean square a^2/3 with a relative standard error of sqrt(4/5)/sqrt(3200), mean 0 with
   * one of a/sqrt(3*3200); four of each are allowed. */
  for (int i = 0; i < 3200; i++) assert_true(fabsf(value_of(p, V)[i]) <= 0.1f);
  assert_true(fabs(moment(value_of(p, V), 3200, 2) * 3.0 / 0.01 - 1.0) < 4 * sqrt(0.8 / 3200));
  assert_true(fabs(moment(value_of(p, V), 3200, 1)) < 4 * 0.1 / sqrt(3 * 3200));

  /* N(0,1): mean square 1 +- sqrt(2/2000), fourth moment 3 +- sqrt(96/2000). */
  assert_true(fabs(moment(value_of(p, NORMAL), 2000, 1)) < 4 / sqrt(2000));
  assert_true(fabs(moment(value_of(p, NORMAL), 2000, 2) - 1.0) < 4 * sqrt(2.0 / 2000));
  assert_true(fabs(moment(value_of(p, NORMAL), 2000, 4) - 3.0) < 4 * sqrt(96.0 / 2000));

  assert_true(fabs(moment(value_of(p, U), 32, 2) * 32 - 1.0) < 1e-6); /* norm 1 to rounding */
  nrf_parameters_free(p);
}

static void weight_norm_starts_with_the_norms_of_its_directions(void **state)
{
  (void)state;
  nrf_parameters *p = weights_of_every_kind(1, 0);
  for (int i = 0; i < 32; i++) {
    const double norm = sqrt(100 * moment(value_of(p, V) + 100 * i, 100, 2));
    assert_true(fabs(value_of(p, G)[i] - norm) < 1e-6 * norm);
  }
  nrf_parameters_free(p);
}

static void values_depend_on_seed_and_layer_and_nothing_else(void **state)
{
  (void)state;
  nrf_parameters *a = weights_of_every_kind(7, 3), *b = weights_of_every_kind(7, 3),
                 *c = weights_of_every_kind(8, 3), *d = weights_of_every_kind(7, 100);
  assert_memory_equal(a->value, b->value, (size_t)a->count * sizeof(float));
  for (int i = G; i <= NORMAL; i++) {
    const size_t bytes = (size_t)a->item[i].count * sizeof(float);
    assert_memory_not_equal(value_of(a, i), value_of(c, i), bytes);
    assert_memory_not_equal(value_of(a, i), value_of(d, i), bytes);
  }
  nrf_parameters_free(a);
  nrf_parameters_free(b);
  nrf_parameters_free(c);
  nrf_parameters_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parameters_lie_in_the_order_of_adding),
      cmocka_unit_test(first_parameters_can_be_moved_behind_the_others),
      cmocka_unit_test(what_makes_no_sense_is_refused),
      cmocka_unit_test(starting_values_have_the_distributions_of_their_rules),
      cmocka_unit_test(weight_norm_starts_with_the_norms_of_its_directions),
      cmocka_unit_test(values_depend_on_seed_and_layer_and_nothing_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
