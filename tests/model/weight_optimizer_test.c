/* Weight optimisers: numbers worked by hand, and the updates of the published implementation. */
#include "nrflv/weight_optimizer.h"

#include "nrflv/memory.h"

#include <hdf5.h>
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_ok(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static void assert_near(double value, double expected, double tolerance)
{
  if (!(fabs(value - expected) <= tolerance))
    fail_msg("%.9g is not %.9g +- %.1g", value, expected, tolerance);
}

/* ---- by hand ------------------------------------------------------------------------------------------ */

/* Two trainable tensors, [2] and [1], with one between them that is not. */
static nrf_parameters *three_tensors(void)
{
  nrf_parameters *p;
  assert_ok(nrf_parameters_create(&p));
  assert_ok(nrf_parameters_add(p, "a", 1, (int64_t[]){2}, NRF_START_ZERO, 0, true, NULL));
  assert_ok(nrf_parameters_add(p, "fixed", 1, (int64_t[]){1}, NRF_START_ZERO, 0, false, NULL));
  assert_ok(nrf_parameters_add(p, "b", 1, (int64_t[]){1}, NRF_START_ZERO, 0, true, NULL));
  assert_ok(nrf_parameters_finish(p));
  memcpy(p->value, (float[]){1.0f, 2.0f, 3.0f, 4.0f}, 4 * sizeof(float));
  return p;
}

static nrf_weight_optimizer *optimizer_for(const nrf_parameters *p, nrf_weight_optimizer_kind kind,
                                           double rate)
{
  nrf_weight_optimizer *o;
  assert_ok(nrf_weight_optimizer_create(kind, rate, p, &o));
  return o;
}

static void adam_moves_by_the_rate_at_first_and_limits_gradients_afterwards(void **state)
{
  (void)state;
  nrf_parameters       *p = three_tensors();
  nrf_weight_optimizer *o = optimizer_for(p, NRF_WEIGHTS_ADAM, 0.5);

  /* First step: v = d^2 after correction, so that every element moves by the rate, against its gradient. */
  float first[4] = {2.0f, -0.25f, 9.0f, 100.0f};
  nrf_weight_optimizer_step(o, p, first);
  assert_near(p->value[0], 0.5, 1e-6);
  assert_near(p->value[1], 2.5, 1e-6);
  assert_near(p->value[3], 3.5, 1e-6);
  assert_near(first[3], 100.0, 0.0); /* not limited */
  assert_near(o->moment[0], 0.001 * 4.0, 1e-9);

  /* Second: limits 3 |d1| + 0.1 = 6.1, 0.85, 300.1. */
  float second[4] = {-7.0f, 0.5f, 9.0f, 1e6f};
  nrf_weight_optimizer_step(o, p, second);
  assert_near(second[0], -6.1, 1e-5);
  assert_near(second[1], 0.5, 0.0);
  assert_near(second[3], 300.1, 1e-3);
  /* v = 0.999 * 0.001 * 4 + 0.001 * 6.1^2, corrected by 1 - 0.999^2. */
  const double v = 0.999 * 0.004 + 0.001 * 6.1 * 6.1;
  assert_near(o->moment[0], v, 1e-7);
  assert_near(p->value[0], 0.5 + 0.5 * 6.1 / sqrt(v / (1.0 - 0.999 * 0.999)), 1e-5);

  assert_near(p->value[2], 3.0, 0.0); /* not trainable: nothing of it moves */
  assert_near(second[2], 9.0, 0.0);
  assert_near(o->moment[2], 0.0, 0.0);
  assert_int_equal(o->step, 2);
  nrf_weight_optimizer_free(o);
  nrf_parameters_free(p);
}

static void sgd_limits_the_norm_of_each_tensor_and_keeps_momentum(void **state)
{
  (void)state;
  nrf_parameters       *p = three_tensors();
  nrf_weight_optimizer *o = optimizer_for(p, NRF_WEIGHTS_SGD, 0.1);

  float first[4] = {3.0f, 4.0f, 9.0f, 0.5f}; /* norms 5 > sqrt(2), 0.5 < 1 */
  nrf_weight_optimizer_step(o, p, first);
  assert_near(first[0], 0.6 * sqrt(2.0), 1e-6);
  assert_near(first[1], 0.8 * sqrt(2.0), 1e-6);
  assert_near(first[3], 0.5, 0.0);
  assert_near(p->value[0], 1.0 - 0.06 * sqrt(2.0), 1e-6);
  assert_near(p->value[3], 4.0 - 0.05, 1e-6);

  o->learning_rate = 1.0;
  float second[4]  = {0.0f, 0.0f, 9.0f, 0.25f};
  nrf_weight_optimizer_step(o, p, second);
  assert_near(o->moment[1], 0.4 * 0.8 * sqrt(2.0), 1e-6);
  assert_near(o->moment[3], 0.4 * 0.5 + 0.25, 1e-6);
  assert_near(p->value[3], 3.95 - 0.45, 1e-6);
  assert_near(p->value[2], 3.0, 0.0);
  nrf_weight_optimizer_free(o);
  nrf_parameters_free(p);
}

static void nesterov_looks_ahead_and_does_not_clip(void **state)
{
  (void)state;
  nrf_parameters       *p        = three_tensors();
  nrf_weight_optimizer *o        = optimizer_for(p, NRF_WEIGHTS_NESTEROV, 0.1);
  float                 first[4] = {10.0f, -20.0f, 9.0f, 1.0f}, second[4] = {1.0f, 0.0f, 9.0f, 0.0f};
  nrf_weight_optimizer_step(o, p, first);
  assert_near(p->value[0], 1.0 - 0.1 * (10.0 + 0.85 * 10.0), 1e-6);
  assert_near(p->value[1], 2.0 + 0.1 * (20.0 + 0.85 * 20.0), 1e-6);
  nrf_weight_optimizer_step(o, p, second);
  assert_near(o->moment[0], 8.5 + 1.0, 1e-6);
  assert_near(p->value[0], 1.0 - 1.85 - 0.1 * (1.0 + 0.85 * 9.5), 1e-5);
  nrf_weight_optimizer_free(o);
  nrf_parameters_free(p);
}

static void a_gradient_that_is_no_number_is_not_hidden_by_clipping(void **state)
{
  (void)state;
  static const nrf_weight_optimizer_kind kinds[] = {NRF_WEIGHTS_ADAM, NRF_WEIGHTS_SGD, NRF_WEIGHTS_NESTEROV};
  for (int k = 0; k < 3; k++) {
    nrf_parameters       *p         = three_tensors();
    nrf_weight_optimizer *o         = optimizer_for(p, kinds[k], 0.1);
    float                 first[4]  = {1.0f, 1.0f, 1.0f, 1.0f};
    float                 second[4] = {NAN, 1.0f, 1.0f, 1.0f};
    nrf_weight_optimizer_step(o, p, first);
    nrf_weight_optimizer_step(o, p, second);
    assert_true(isnan(p->value[0]));
    assert_false(isnan(p->value[3]));
    nrf_weight_optimizer_free(o);
    nrf_parameters_free(p);
  }
}

static void the_rate_decays_after_each_epoch(void **state)
{
  (void)state;
  assert_near(nrf_learning_rate_at_epoch(5e-4, 0.95, 0), 5e-4, 0.0);
  assert_near(nrf_learning_rate_at_epoch(5e-4, 0.95, 1), 4.75e-4, 1e-18);
  assert_near(nrf_learning_rate_at_epoch(1.0, 0.5, 10), 1.0 / 1024, 1e-18);
}

static void the_result_does_not_depend_on_the_number_of_threads(void **state)
{
  (void)state;
  enum { N = 1013, TENSORS = 9, STEPS = 3 };
  float after[2][N * TENSORS];
  for (int threads = 1; threads <= 2; threads++) {
    nrf_parameters *p;
    assert_ok(nrf_parameters_create(&p));
    for (int i = 0; i < TENSORS; i++) {
      const char name[2] = {(char)('a' + i), '\0'};
      assert_ok(nrf_parameters_add(p, name, 1, (int64_t[]){N}, NRF_START_NORMAL, 0, true, NULL));
    }
    assert_ok(nrf_parameters_finish(p));
    nrf_parameters_start(p, 1, 0);
    nrf_weight_optimizer *o      = optimizer_for(p, NRF_WEIGHTS_SGD, 0.1);
    const int             before = omp_get_max_threads();
    omp_set_num_threads(threads);
    for (int s = 0; s < STEPS; s++) {
      float gradient[N * TENSORS];
      for (int i = 0; i < N * TENSORS; i++) gradient[i] = 2.0f * p->value[i] + (float)s;
      nrf_weight_optimizer_step(o, p, gradient);
    }
    omp_set_num_threads(before);
    memcpy(after[threads - 1], p->value, sizeof after[0]);
    nrf_weight_optimizer_free(o);
    nrf_parameters_free(p);
  }
  assert_memory_equal(after[0], after[1], sizeof after[0]);
}

/* ---- the published implementation --------------------------------------------------------------------- */

/* Flattened elements 0, every, 2 every, ... of a result, and the norm of the whole. */
typedef struct sampled {
  int64_t n, every;
  double  norm; /* NAN where all elements are there */
  float  *value;
} sampled;

static hid_t open_reference(void)
{
  char        path[1024];
  const char *shared = getenv("NRFLV_SHARED_DIR");
  (void)snprintf(path, sizeof path, "%s/reference/training_update.h5", shared == NULL ? "." : shared);
  if (access(path, R_OK) != 0) {
    print_message("%s is not here\n", path);
    skip();
  }
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(file >= 0);
  return file;
}

/* A data set of floats, flattened; its shape in dim and rank if they are not NULL. */
static float *read_floats(hid_t at, const char *name, int64_t *n, int *rank, int64_t dim[4])
{
  hsize_t     size[4];
  const hid_t set = H5Dopen2(at, name, H5P_DEFAULT), space = H5Dget_space(set);
  const int   r = H5Sget_simple_extent_ndims(space);
  assert_in_range(r, 0, 4);
  H5Sget_simple_extent_dims(space, size, NULL);
  *n = 1;
  for (int i = 0; i < r; i++) {
    *n *= (int64_t)size[i];
    if (dim != NULL) dim[i] = (int64_t)size[i];
  }
  if (rank != NULL) *rank = r;
  float *value = calloc((size_t)*n, sizeof *value);
  assert_non_null(value);
  assert_true(H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) >= 0);
  H5Sclose(space);
  H5Dclose(set);
  return value;
}

static double read_attribute(hid_t group, const char *object, const char *name, double otherwise)
{
  double value = otherwise;
  if (H5Aexists_by_name(group, object, name, H5P_DEFAULT) <= 0) return value;
  const hid_t attribute = H5Aopen_by_name(group, object, name, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) >= 0);
  H5Aclose(attribute);
  return value;
}

static sampled read_sampled(hid_t group, const char *name)
{
  sampled s;
  s.value = read_floats(group, name, &s.n, NULL, NULL);
  s.every = (int64_t)read_attribute(group, name, "sampled_every", 1);
  s.norm  = read_attribute(group, name, "full_l2_norm", NAN);
  return s;
}

/* The parameters of a group that have a gradient: its other names mean the same tensors again. */
typedef struct parameter_filter {
  nrf_parameters *p;
  hid_t           gradients;
} parameter_filter;

static herr_t add_parameter(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  (void)info;
  const parameter_filter *filter = context;
  if (H5Lexists(filter->gradients, name, H5P_DEFAULT) <= 0) return 0;
  int64_t n, dim[4];
  int     rank;
  free(read_floats(group, name, &n, &rank, dim));
  assert_ok(nrf_parameters_add(filter->p, name, rank, dim, NRF_START_ZERO, 0, true, NULL));
  return 0;
}

static nrf_parameters *read_parameters(hid_t file, const char *group_name, const char *gradients_name)
{
  const hid_t group       = H5Gopen2(file, group_name, H5P_DEFAULT),
              gradients   = H5Gopen2(file, gradients_name, H5P_DEFAULT);
  parameter_filter filter = {NULL, gradients};
  assert_ok(nrf_parameters_create(&filter.p));
  assert_true(H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, add_parameter, &filter) >= 0);
  assert_ok(nrf_parameters_finish(filter.p));
  for (int i = 0; i < filter.p->n; i++) {
    int64_t n;
    float  *value = read_floats(group, filter.p->item[i].name, &n, NULL, NULL);
    memcpy(filter.p->value + filter.p->item[i].offset, value, (size_t)n * sizeof *value);
    free(value);
  }
  H5Gclose(gradients);
  H5Gclose(group);
  return filter.p;
}

/* Puts known elements in their places and fills the others so that the whole has the norm it had: all that the
 * rest of a tensor does to an element of it is to share a norm. */
static void spread(const sampled *s, float *whole, int64_t count)
{
  double known = 0.0;
  for (int64_t i = 0; i < s->n; i++) known += (double)s->value[i] * s->value[i];
  if (s->n < count) {
    const double rest = (s->norm * s->norm - known) / (double)(count - s->n);
    assert_true(rest > 0.0);
    for (int64_t i = 0; i < count; i++) whole[i] = (float)sqrt(rest);
  }
  for (int64_t i = 0; i < s->n; i++) whole[i * s->every] = s->value[i];
}

static void read_gradient(hid_t file, const char *group_name, const nrf_parameters *p, float *gradient)
{
  const hid_t group = H5Gopen2(file, group_name, H5P_DEFAULT);
  for (int i = 0; i < p->n; i++) {
    const sampled s = read_sampled(group, p->item[i].name);
    spread(&s, gradient + p->item[i].offset, p->item[i].count);
    free(s.value);
  }
  H5Gclose(group);
}

/* Compares an array with a group of the reference, if it is there: norm(difference) / norm(reference - origin), the
 * origin being zero if NULL, must not exceed the tolerance for any tensor. */
static void compare(hid_t file, const char *group_name, const nrf_parameters *p, const float *array,
                    const float *origin, double tolerance)
{
  if (H5Lexists(file, group_name, H5P_DEFAULT) <= 0) return;
  const hid_t group = H5Gopen2(file, group_name, H5P_DEFAULT);
  for (int i = 0; i < p->n; i++) {
    const sampled s    = read_sampled(group, p->item[i].name);
    double        diff = 0.0, size = 0.0;
    for (int64_t k = 0; k < s.n; k++) {
      const int64_t at = p->item[i].offset + k * s.every;
      diff += pow((double)array[at] - s.value[k], 2);
      size += pow((double)s.value[k] - (origin == NULL ? 0.0 : origin[at]), 2);
    }
    if (!(sqrt(diff) <= tolerance * sqrt(size)))
      fail_msg("%s/%s: relative error %.2g exceeds %.1g", group_name, p->item[i].name, sqrt(diff / size),
               tolerance);
    free(s.value);
  }
  H5Gclose(group);
}

typedef struct reference_case {
  const char               *group, *parameters, *moment;
  nrf_weight_optimizer_kind kind;
  double                    rate;
} reference_case;

/* Tolerances from the references' README, "Agreement to expect"; the moments are products of clipped gradients. */
static const double CLIPPED_TOLERANCE = 2e-5, MOVED_TOLERANCE = 2e-3, MOMENT_TOLERANCE = 4e-5;

static void replay(hid_t file, const reference_case *c)
{
  char name[256];
  (void)snprintf(name, sizeof name, "%s/update_1/gradient", c->group);
  nrf_parameters       *p = read_parameters(file, c->parameters, name);
  nrf_weight_optimizer *o = optimizer_for(p, c->kind, c->rate);
  float                *gradient, *before;
  assert_true(p->n > 20);
  assert_ok(nrf_alloc_floats(p->count, "gradient", &gradient));
  assert_ok(nrf_alloc_floats(p->count, "before", &before));
  for (int update = 1; update <= 2; update++) {
    memcpy(before, p->value, (size_t)p->count * sizeof *before);
    (void)snprintf(name, sizeof name, "%s/update_%d/gradient", c->group, update);
    read_gradient(file, name, p, gradient);
    nrf_weight_optimizer_step(o, p, gradient);
    (void)snprintf(name, sizeof name, "%s/update_%d/clipped_gradient", c->group, update);
    compare(file, name, p, gradient, NULL, CLIPPED_TOLERANCE);
    (void)snprintf(name, sizeof name, "%s/update_%d/parameters_after", c->group, update);
    compare(file, name, p, p->value, before, MOVED_TOLERANCE);
    (void)snprintf(name, sizeof name, "%s/update_%d/%s", c->group, update, c->moment);
    compare(file, name, p, o->moment, NULL, MOMENT_TOLERANCE);
  }
  nrf_free(gradient);
  nrf_free(before);
  nrf_weight_optimizer_free(o);
  nrf_parameters_free(p);
}

static void updates_are_those_of_the_published_implementation(void **state)
{
  (void)state;
  static const reference_case cases[] = {
      {"adam", "parameters", "exp_avg_sq", NRF_WEIGHTS_ADAM, 5e-4},
      {"sgd", "parameters", "momentum_buffer", NRF_WEIGHTS_SGD, 5e-4},
      {"initialiser_network", "initialiser_network/parameters", "momentum_buffer", NRF_WEIGHTS_NESTEROV,
       0.05},
  };
  const hid_t file = open_reference();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) replay(file, &cases[i]);

  int64_t n;
  float  *rate = read_floats(file, "adam/learning_rate_per_epoch", &n, NULL, NULL);
  for (int64_t epoch = 0; epoch < n; epoch++)
    assert_near(nrf_learning_rate_at_epoch(5e-4, 0.95, epoch), rate[epoch], 1e-10);
  free(rate);
  H5Fclose(file);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(adam_moves_by_the_rate_at_first_and_limits_gradients_afterwards),
      cmocka_unit_test(sgd_limits_the_norm_of_each_tensor_and_keeps_momentum),
      cmocka_unit_test(nesterov_looks_ahead_and_does_not_clip),
      cmocka_unit_test(a_gradient_that_is_no_number_is_not_hidden_by_clipping),
      cmocka_unit_test(the_rate_decays_after_each_epoch),
      cmocka_unit_test(the_result_does_not_depend_on_the_number_of_threads),
      cmocka_unit_test(updates_are_those_of_the_published_implementation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
