/* The state kernels: noise is normal and addressed by element, results are the same bits for any number of
 * threads, and plain arrays get what their functions say. The optimisers' formulas are checked in
 * tests/sampler/state_optimizer_test.c. */
#include "nrflv/memory.h"
#include "nrflv/state_kernels.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const nrf_state_kernels *const K = &nrf_state_kernels_cpu;

static float *floats(int64_t count)
{
  float *x = NULL;
  assert_int_equal(nrf_alloc_floats(count, "test", &x), NRF_OK);
  return x;
}

static float *normals(int64_t count, nrf_rng r)
{
  float *x = floats(count);
  assert_int_equal(K->add_noise(count, x, 1.0f, r), NRF_OK);
  return x;
}

static nrf_rng address(uint64_t step, uint32_t layer)
{
  return nrf_rng_at(11, NRF_RNG_TEST, step, layer);
}

/* ---- noise ---------------------------------------------------------------------------------------- */

static void an_element_of_noise_depends_on_its_address_alone(void **state)
{
  (void)state;
  enum { N = 5003 }; /* neither whole blocks nor whole tiles */
  float *z = normals(N, address(3, 2)), *u = floats(N);
  assert_int_equal(K->fill_uniform(N, u, 0.0f, 1.0f, address(3, 2)), NRF_OK);
  for (uint32_t e = 0; e < N; e++) {
    float one[4];
    nrf_rng_normals(address(3, 2), e / 4, one);
    assert_true(fabsf(z[e] - one[e % 4]) <= 4e-7f * fabsf(one[e % 4])); /* a multiply-add more or less */
    assert_true(u[e] == nrf_rng_uniform(address(3, 2), e));
  }
  nrf_free(z);
  nrf_free(u);
}

static int compare_floats(const void *a, const void *b)
{
  const float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void noise_has_the_moments_of_a_standard_normal_distribution(void **state)
{
  (void)state;
  enum { N = 1 << 22 };
  float *z      = normals(N, address(0, 0));
  double sum[5] = {0.0};
  for (int i = 0; i < N; i++) {
    double power = 1.0;
    for (int k = 1; k <= 4; k++) {
      power *= (double)z[i];
      sum[k] += power;
    }
  }
  /* Variances of z, z^2, z^3, z^4: 1, 2, 15, 96. Four standard errors. */
  const double mean[5] = {0, 0, 1, 0, 3}, variance[5] = {0, 1, 2, 15, 96};
  for (int k = 1; k <= 4; k++) assert_true(fabs(sum[k] / N - mean[k]) < 4.0 * sqrt(variance[k] / N));
  nrf_free(z);
}

static void noise_passes_a_kolmogorov_smirnov_test(void **state)
{
  (void)state;
  enum { N = 1 << 20 };
  float *z       = normals(N, address(1, 0));
  double largest = 0.0;
  qsort(z, N, sizeof *z, compare_floats);
  for (int i = 0; i < N; i++) {
    const double p = 0.5 * erfc(-(double)z[i] / sqrt(2.0));
    largest        = fmax(largest, fmax(p - (double)i / N, (double)(i + 1) / N - p));
  }
  assert_true(largest * sqrt((double)N) < 1.95); /* exceeded by chance once in a thousand seeds */
  nrf_free(z);
}

static void noise_has_full_tails(void **state)
{
  (void)state;
  enum { N = 1 << 20, ROUNDS = 64 };
  double       beyond[7] = {0.0}, largest = 0.0;
  const double n = (double)N * ROUNDS;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    float *z = normals(N, address(round, 1));
    for (int i = 0; i < N; i++) {
      const double size = fabs((double)z[i]);
      largest           = fmax(largest, size);
      for (int k = 3; k <= 5; k++) beyond[k] += size > k ? 1.0 : 0.0;
    }
    nrf_free(z);
  }
  for (int k = 3; k <= 5; k++) { /* 181200, 4251, 38.5 expected */
    const double expected = n * erfc(k / sqrt(2.0));
    assert_true(fabs(beyond[k] - expected) < 4.0 * sqrt(expected));
  }
  assert_true(largest > 5.3 && largest < 6.77); /* 5.3: 7.8 expected beyond it; 6.77: the generator's end */
}

/* Correlation of x[i] with y[i + lag], and of their squares (which the two numbers of a pair would share). */
static void assert_uncorrelated(const float *x, const float *y, int n, int lag)
{
  double product = 0.0, squares = 0.0;
  for (int i = 0; i + lag < n; i++) {
    const double a = (double)x[i], b = (double)y[i + lag];
    product += a * b;
    squares += (a * a - 1.0) * (b * b - 1.0);
  }
  assert_true(fabs(product) < 4.0 * sqrt((double)n));
  assert_true(fabs(squares) < 4.0 * 2.0 * sqrt((double)n));
}

static void noise_is_uncorrelated_along_the_array_and_between_steps_and_layers(void **state)
{
  (void)state;
  enum { N = 1 << 20 };
  float *x = normals(N, address(7, 0)), *next_step = normals(N, address(8, 0)),
        *next_layer = normals(N, address(7, 1));
  for (int lag = 1; lag <= 8; lag++) assert_uncorrelated(x, x, N, lag);
  assert_uncorrelated(x, x, N, 32);
  assert_uncorrelated(x, next_step, N, 0);
  assert_uncorrelated(x, next_layer, N, 0);
  nrf_free(x);
  nrf_free(next_step);
  nrf_free(next_layer);
}

/* ---- plain arrays --------------------------------------------------------------------------------- */

static void uniform_numbers_fill_their_interval(void **state)
{
  (void)state;
  enum { N = 1 << 20 };
  float *x   = floats(N);
  double sum = 0.0, squares = 0.0;
  assert_int_equal(K->fill_uniform(N, x, -1.0f, 1.0f, address(0, 0)), NRF_OK);
  for (int i = 0; i < N; i++) {
    assert_true(x[i] >= -1.0f && x[i] < 1.0f);
    sum += (double)x[i];
    squares += (double)x[i] * (double)x[i];
  }
  assert_true(fabs(sum / N) < 4.0 * sqrt(1.0 / 3 / N));
  assert_true(fabs(squares / N - 1.0 / 3) < 4.0 * sqrt(4.0 / 45 / N));
  nrf_free(x);
}

static void clamping_keeps_what_is_inside_and_shows_a_nan(void **state)
{
  (void)state;
  float       x[6]    = {-2.0f, -1.0f, 0.25f, 1.0f, INFINITY, NAN};
  const float want[5] = {-1.0f, -1.0f, 0.25f, 1.0f, 1.0f};
  assert_int_equal(K->clamp(6, x, (nrf_state_range){-1.0f, 1.0f}), NRF_OK);
  for (int i = 0; i < 5; i++) assert_true(x[i] == want[i]);
  assert_true(isnan(x[5]));
}

static void squared_norm_and_scale_agree_with_plain_loops(void **state)
{
  (void)state;
  enum { N = 100001 };
  float *x     = normals(N, address(2, 0));
  double plain = 0.0, norm = 0.0, scaled = 0.0;
  for (int i = 0; i < N; i++) plain += (double)x[i] * (double)x[i];
  assert_int_equal(K->squared_norm(N, x, &norm), NRF_OK);
  assert_true(fabs(norm - plain) <= 1e-13 * plain);
  assert_int_equal(K->scale(N, x, -0.5f), NRF_OK);
  assert_int_equal(K->squared_norm(N, x, &scaled), NRF_OK);
  assert_true(scaled == 0.25 * norm);
  nrf_free(x);
}

static void one_bad_number_anywhere_is_found(void **state)
{
  (void)state;
  enum { N = 3001 };
  const float bad[] = {NAN, INFINITY, -INFINITY};
  float      *x     = floats(N);
  bool        finite;
  for (int i = 0; i < N; i++) x[i] = i % 2 ? FLT_MAX : -FLT_MAX;
  assert_int_equal(K->all_finite(N, x, &finite), NRF_OK);
  assert_true(finite);
  for (int i = 0; i < N; i += 37) {
    for (int k = 0; k < 3; k++) {
      x[i] = bad[k];
      assert_int_equal(K->all_finite(N, x, &finite), NRF_OK);
      assert_false(finite);
    }
    x[i] = 0.0f;
  }
  nrf_free(x);
}

/* ---- threads -------------------------------------------------------------------------------------- */

enum { IMAGES = 5, CHANNELS = 32, PIXELS = 61, UNITS = CHANNELS * PIXELS, COUNT = IMAGES * UNITS };

typedef struct layer {
  float *state, *gradient, *momentum, *tau, *g, *v_hat, *mean_minv;
} layer;

static layer make_layer(void)
{
  const layer l = {normals(COUNT, address(1, 9)),
                   normals(COUNT, address(2, 9)),
                   normals(COUNT, address(3, 9)),
                   floats(COUNT),
                   floats(COUNT),
                   floats(COUNT),
                   floats(UNITS)};
  assert_int_equal(K->fill_uniform(COUNT, l.tau, 1.0f, 2.0f, address(4, 9)), NRF_OK);
  assert_int_equal(K->fill_uniform(COUNT, l.g, 0.0f, 1.0f, address(5, 9)), NRF_OK);
  assert_int_equal(K->fill_uniform(COUNT, l.v_hat, 1.0f, 2.0f, address(6, 9)), NRF_OK);
  return l;
}

static void free_layer(layer l)
{
  nrf_free(l.state);
  nrf_free(l.gradient);
  nrf_free(l.momentum);
  nrf_free(l.tau);
  nrf_free(l.g);
  nrf_free(l.v_hat);
  nrf_free(l.mean_minv);
}

static void run_every_update(layer l, double norms[2])
{
  static const nrf_circulant band  = {3, {0.7f, 0.14f, 0.01f, 0.001f}};
  const nrf_state_update     on    = {.count    = COUNT,
                                      .state    = l.state,
                                      .gradient = l.gradient,
                                      .range    = {-1.5f, 1.5f},
                                      .rng      = address(20, 0)};
  nrf_sghmc_update           sghmc = {.on           = on,
                                      .units        = UNITS,
                                      .channels     = CHANNELS,
                                      .k            = {0.01f, 0.1f, 0.002f, 0.0f, 1e-4f, 1e-4f, 1.0f},
                                      .adapt        = true,
                                      .momentum     = l.momentum,
                                      .tau          = l.tau,
                                      .g            = l.g,
                                      .v_hat        = l.v_hat,
                                      .inverse_mass = &band,
                                      .mean_minv    = l.mean_minv,
                                      .clip_norm    = 20.0};
  assert_int_equal(K->sghmc(&sghmc), NRF_OK);
  sghmc.inverse_mass = NULL;
  sghmc.mean_minv    = NULL;
  sghmc.clip_norm    = INFINITY;
  assert_int_equal(K->sghmc(&sghmc), NRF_OK);
  const nrf_descent_update  descent  = {.on = on, .step_size = 0.1f, .sigma = 0.1f};
  const nrf_momentum_update momentum = {
      .on = on, .step_size = 0.1f, .sigma = 0.1f, .decay = 0.9f, .nesterov = true, .momentum = l.momentum};
  const nrf_adam_update adam = {.on            = on,
                                .rate          = 0.01f,
                                .scale         = 1.0f,
                                .sigma         = 0.1f,
                                .gain1         = 0.1f,
                                .gain2         = 0.001f,
                                .epsilon       = 1e-8f,
                                .first_moment  = l.momentum,
                                .second_moment = l.v_hat};
  assert_int_equal(K->descent(&descent), NRF_OK);
  assert_int_equal(K->momentum(&momentum), NRF_OK);
  assert_int_equal(K->adam(&adam), NRF_OK);
  assert_int_equal(K->add_noise(COUNT, l.g, 0.5f, address(21, 0)), NRF_OK);
  assert_int_equal(K->fill_uniform(COUNT, l.tau, 0.0f, 1.0f, address(22, 0)), NRF_OK);
  assert_int_equal(K->squared_norm(COUNT, l.state, &norms[0]), NRF_OK);
  assert_int_equal(K->squared_norm(COUNT, l.momentum, &norms[1]), NRF_OK);
}

static void every_kernel_gives_the_same_bits_with_any_number_of_threads(void **state)
{
  (void)state;
  const int before = omp_get_max_threads();
  layer     one    = make_layer();
  double    want[2];
  omp_set_num_threads(1);
  run_every_update(one, want);
  for (int threads = 2; threads <= 5; threads++) {
    layer  many = make_layer();
    double got[2];
    omp_set_num_threads(threads);
    run_every_update(many, got);
    assert_memory_equal(got, want, sizeof want);
    assert_memory_equal(many.state, one.state, COUNT * sizeof(float));
    assert_memory_equal(many.momentum, one.momentum, COUNT * sizeof(float));
    assert_memory_equal(many.v_hat, one.v_hat, COUNT * sizeof(float));
    assert_memory_equal(many.g, one.g, COUNT * sizeof(float));
    assert_memory_equal(many.tau, one.tau, COUNT * sizeof(float));
    free_layer(many);
  }
  omp_set_num_threads(before);
  free_layer(one);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_element_of_noise_depends_on_its_address_alone),
      cmocka_unit_test(noise_has_the_moments_of_a_standard_normal_distribution),
      cmocka_unit_test(noise_passes_a_kolmogorov_smirnov_test),
      cmocka_unit_test(noise_has_full_tails),
      cmocka_unit_test(noise_is_uncorrelated_along_the_array_and_between_steps_and_layers),
      cmocka_unit_test(uniform_numbers_fill_their_interval),
      cmocka_unit_test(clamping_keeps_what_is_inside_and_shows_a_nan),
      cmocka_unit_test(squared_norm_and_scale_agree_with_plain_loops),
      cmocka_unit_test(one_bad_number_anywhere_is_found),
      cmocka_unit_test(every_kernel_gives_the_same_bits_with_any_number_of_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
