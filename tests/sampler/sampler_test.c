/* A sampler step does its four parts in order; the loop around it reports, stops and fails as it says. */
#include "nrflv/memory.h"
#include "nrflv/sampler.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { LAYERS = 3, BATCH = 4, IMAGE_HELD = 1 };

static const nrf_layer_size sizes[LAYERS] = {{3, 8, 8}, {16, 5, 5}, {5, 3, 3}};

static nrf_states *new_states(void)
{
  nrf_states *s = NULL;
  assert_int_equal(nrf_states_create(LAYERS, sizes, BATCH, &s), NRF_OK);
  return s;
}

static nrf_states *random_states(uint64_t seed, float low, float high)
{
  nrf_states *s = new_states();
  for (int i = 0; i < LAYERS; i++) {
    const nrf_rng r = nrf_rng_at(seed, NRF_RNG_TEST, 0, (uint32_t)i);
    assert_int_equal(nrf_state_kernels_cpu.fill_uniform(nrf_states_count(s, i), s->data[i], low, high, r),
                     NRF_OK);
  }
  return s;
}

static void assert_same(const nrf_states *a, const nrf_states *b)
{
  for (int i = 0; i < LAYERS; i++)
    assert_memory_equal(a->data[i], b->data[i], (size_t)nrf_states_count(a, i) * sizeof(float));
}

static nrf_sampler_config config_of(nrf_state_optimizer_kind kind)
{
  nrf_sampler_config c = {.states_activation = NRF_HARDTANH, .seed = 3, .check_interval = 5};
  c.optimizer =
      (nrf_state_optimizer_config){.kind = kind, .scale_grad = 1.0, .burn_in_steps = 4, .min_sq_sigma = 9e-5};
  for (int i = 0; i < LAYERS; i++) {
    c.optimizer.step_size[i]    = 0.5;
    c.optimizer.momentum[i]     = 0.1;
    c.optimizer.max_sq_sigma[i] = 1e-4;
  }
  c.optimizer.non_diag_inv_mass = true;
  return c;
}

static nrf_sampler *new_sampler(nrf_sampler_config c)
{
  nrf_sampler *s = NULL;
  assert_int_equal(nrf_sampler_create(&c, &nrf_state_kernels_cpu, LAYERS, sizes, BATCH, &s), NRF_OK);
  return s;
}

/* E = |s - 3|^2 / 2: pulls every state out of every range. */
static nrf_status pull(void *model, const nrf_states *s, nrf_states *g)
{
  (void)model;
  for (int i = 0; i < s->n_layers; i++)
    for (int64_t e = 0; e < nrf_states_count(s, i); e++) g->data[i][e] = s->data[i][e] - 3.0f;
  return NRF_OK;
}

/* ---- one step ------------------------------------------------------------------------------------- */

static void a_step_descends_clips_the_gradient_and_clamps(void **state)
{
  (void)state;
  nrf_sampler_config c    = config_of(NRF_STATE_SGD);
  c.clip_gradient         = true;
  c.clip_norm             = 20.0;
  nrf_sampler    *sampler = new_sampler(c);
  nrf_states     *s = random_states(1, -1.2f, 1.2f), *before = random_states(1, -1.2f, 1.2f);
  const nrf_phase phase      = {.gradient = pull, .held = IMAGE_HELD};
  double          square     = 0.0;
  int             clamped[2] = {0};
  for (int i = 0; i < LAYERS; i++)
    for (int64_t e = 0; e < nrf_states_count(s, i); e++) square += pow((double)s->data[i][e] - 3.0, 2);
  const double factor = 20.0 / sqrt(square); /* the image's gradient counts, though the image is held */
  assert_true(factor < 0.5);

  assert_int_equal(nrf_sampler_step(sampler, &phase, s, 7, NULL), NRF_OK);
  for (int i = 0; i < LAYERS; i++)
    for (int64_t e = 0; e < nrf_states_count(s, i); e++) {
      const double old = (double)before->data[i][e], gradient = factor * (old - 3.0);
      const double moved = i == 0 ? old : old - 0.5 * gradient;
      assert_true(fabs((double)nrf_sampler_gradient(sampler)->data[i][e] - gradient) < 1e-6);
      assert_true(fabs((double)s->data[i][e] - fmin(fmax(moved, -1.0), 1.0)) < 1e-6);
      if (fabs(moved) > 1.0) clamped[i == 0 ? 0 : 1]++;
    }
  assert_true(clamped[0] > 0 && clamped[1] > 0);
  nrf_states_free(s);
  nrf_states_free(before);
  nrf_sampler_free(sampler);
}

static void ranges_depend_on_the_states_activation(void **state)
{
  (void)state;
  const struct {
    nrf_activation  activation;
    nrf_state_range image, latent;
  } want[] = {{NRF_HARDTANH, {-1, 1}, {-1, 1}},
              {NRF_HARDSIG, {0, 1}, {0, 1}},
              {NRF_RELU, {0, 1}, {0, INFINITY}},
              {NRF_SWISH, {0, 1}, {0, 1}}};
  for (size_t k = 0; k < sizeof want / sizeof want[0]; k++) {
    const nrf_state_range image  = nrf_states_range(want[k].activation, 0),
                          latent = nrf_states_range(want[k].activation, 2);
    assert_true(image.low == want[k].image.low && image.high == want[k].image.high);
    assert_true(latent.low == want[k].latent.low && latent.high == want[k].latent.high);
  }
}

/* ---- the loop ------------------------------------------------------------------------------------- */

typedef struct diary {
  int64_t  steps, stop_after, fail_at;
  uint64_t first_number;
} diary;

static nrf_status note(void *user, const nrf_sampler_moment *moment, bool *stop)
{
  diary *l = user;
  assert_false(*stop);
  assert_int_equal(moment->step, ++l->steps);
  assert_int_equal(moment->number, l->first_number + (uint64_t)moment->step - 1);
  if (moment->step == l->fail_at) return nrf_error(NRF_EINTERRUPTED, "test: enough");
  *stop = moment->step == l->stop_after;
  return NRF_OK;
}

static void every_step_is_reported_and_a_run_can_be_stopped(void **state)
{
  (void)state;
  nrf_sampler *sampler = new_sampler(config_of(NRF_STATE_SGHMC));
  nrf_states  *s       = random_states(1, -1.0f, 1.0f);
  int64_t      done    = 0;

  diary     all   = {.first_number = 40};
  nrf_phase phase = {.gradient = pull, .after_step = note, .user = &all};
  assert_int_equal(nrf_sampler_run(sampler, &phase, s, 40, 12, &done), NRF_OK);
  assert_int_equal(done, 12);
  assert_int_equal(all.steps, 12);

  diary some = {.first_number = 40, .stop_after = 6};
  phase.user = &some;
  assert_int_equal(nrf_sampler_run(sampler, &phase, s, 40, 12, &done), NRF_OK);
  assert_int_equal(done, 6);

  diary failing = {.first_number = 40, .fail_at = 3};
  phase.user    = &failing;
  assert_int_equal(nrf_sampler_run(sampler, &phase, s, 40, 12, &done), NRF_EINTERRUPTED);
  assert_int_equal(done, 3);

  phase.after_step = NULL;
  assert_int_equal(nrf_sampler_run(sampler, &phase, s, 40, 0, &done), NRF_OK);
  assert_int_equal(done, 0);
  nrf_states_free(s);
  nrf_sampler_free(sampler);
}

static void a_run_in_two_parts_is_the_same_run_and_a_reset_makes_a_fresh_one(void **state)
{
  (void)state;
  nrf_sampler    *sampler = new_sampler(config_of(NRF_STATE_SGHMC));
  nrf_states     *whole = random_states(1, -1.0f, 1.0f), *parts = random_states(1, -1.0f, 1.0f);
  const nrf_phase phase = {.gradient = pull};
  int64_t         done;
  assert_int_equal(nrf_sampler_run(sampler, &phase, whole, 100, 9, &done), NRF_OK);
  nrf_sampler_reset(sampler);
  assert_int_equal(nrf_sampler_run(sampler, &phase, parts, 100, 4, &done), NRF_OK);
  assert_int_equal(nrf_sampler_run(sampler, &phase, parts, 104, 5, &done), NRF_OK);
  assert_same(whole, parts);
  nrf_states_free(whole);
  nrf_states_free(parts);
  nrf_sampler_free(sampler);
}

static void a_run_is_the_same_with_any_number_of_threads(void **state)
{
  (void)state;
  const int       before  = omp_get_max_threads();
  nrf_sampler    *sampler = new_sampler(config_of(NRF_STATE_SGHMC));
  nrf_states     *one     = random_states(1, -1.0f, 1.0f);
  const nrf_phase phase   = {.gradient = pull};
  int64_t         done;
  omp_set_num_threads(1);
  assert_int_equal(nrf_sampler_run(sampler, &phase, one, 1, 8, &done), NRF_OK);
  for (int threads = 2; threads <= 3; threads++) {
    nrf_states *many = random_states(1, -1.0f, 1.0f);
    omp_set_num_threads(threads);
    nrf_sampler_reset(sampler);
    assert_int_equal(nrf_sampler_run(sampler, &phase, many, 1, 8, &done), NRF_OK);
    assert_same(one, many);
    nrf_states_free(many);
  }
  omp_set_num_threads(before);
  nrf_states_free(one);
  nrf_sampler_free(sampler);
}

static void steps_allocate_nothing(void **state)
{
  (void)state;
  nrf_sampler_config c        = config_of(NRF_STATE_SGHMC);
  c.clip_gradient             = true;
  c.clip_norm                 = 1.0;
  c.optimizer.mom_clip        = true;
  c.optimizer.mean_batch_minv = true;
  nrf_sampler    *sampler     = new_sampler(c);
  nrf_states     *s           = random_states(1, -1.0f, 1.0f);
  const nrf_phase phase       = {.gradient = pull};
  const uint64_t  before      = nrf_alloc_calls();
  int64_t         done;
  nrf_sampler_reset(sampler);
  assert_int_equal(nrf_sampler_run(sampler, &phase, s, 1, 20, &done), NRF_OK);
  assert_int_equal(nrf_alloc_calls(), before);
  nrf_states_free(s);
  nrf_sampler_free(sampler);
}

/* ---- divergence ----------------------------------------------------------------------------------- */

/* From the given step on, one element of one layer's gradient is `bad`. */
typedef struct faulty {
  int64_t calls, from;
  int     layer;
  float   bad;
} faulty;

static nrf_status faulty_gradient(void *model, const nrf_states *s, nrf_states *g)
{
  faulty *f = model;
  if (pull(NULL, s, g) == NRF_OK && ++f->calls >= f->from) g->data[f->layer][17] = f->bad;
  return NRF_OK;
}

static void divergence_is_noticed_with_its_step_and_layer(void **state)
{
  (void)state;
  const struct {
    int64_t n_steps, found; /* looked at every fifth step, and at the last */
    float   bad;
  } cases[] = {{30, 10, NAN}, {30, 10, INFINITY}, {7, 7, NAN}, {7, 7, -INFINITY}};
  for (int kind = 0; kind < NRF_STATE_OPTIMIZER_KINDS; kind++)
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
      nrf_sampler    *sampler = new_sampler(config_of((nrf_state_optimizer_kind)kind));
      nrf_states     *s       = random_states(1, -1.0f, 1.0f);
      faulty          model   = {.from = 7, .layer = 2, .bad = cases[k].bad};
      const nrf_phase phase   = {.gradient = faulty_gradient, .model = &model};
      char            step[32];
      int64_t         done;
      assert_int_equal(nrf_sampler_run(sampler, &phase, s, 101, cases[k].n_steps, &done), NRF_EDIVERGED);
      assert_int_equal(done, cases[k].found);
      snprintf(step, sizeof step, "step %d:", 100 + (int)cases[k].found);
      assert_non_null(strstr(nrf_error_message(), step));
      assert_non_null(strstr(nrf_error_message(), "layer 2"));
      nrf_states_free(s);
      nrf_sampler_free(sampler);
    }
}

static nrf_status failing_gradient(void *model, const nrf_states *s, nrf_states *g)
{
  (void)model;
  (void)s;
  (void)g;
  return nrf_error(NRF_ENOMEM, "test: no gradient");
}

static void an_error_of_the_gradient_ends_the_run(void **state)
{
  (void)state;
  nrf_sampler    *sampler = new_sampler(config_of(NRF_STATE_SGD));
  nrf_states     *s = random_states(1, -1.0f, 1.0f), *before = random_states(1, -1.0f, 1.0f);
  const nrf_phase phase = {.gradient = failing_gradient};
  int64_t         done;
  assert_int_equal(nrf_sampler_run(sampler, &phase, s, 1, 3, &done), NRF_ENOMEM);
  assert_int_equal(done, 0);
  assert_same(s, before);
  nrf_states_free(s);
  nrf_states_free(before);
  nrf_sampler_free(sampler);
}

static void settings_without_sense_are_refused(void **state)
{
  (void)state;
  nrf_sampler       *s = NULL;
  nrf_sampler_config c[3];
  for (int k = 0; k < 3; k++) c[k] = config_of(NRF_STATE_SGHMC);
  c[0].check_interval         = 0;
  c[1].clip_gradient          = true;
  c[2].optimizer.step_size[1] = (double)NAN;
  for (int k = 0; k < 3; k++) {
    assert_int_equal(nrf_sampler_create(&c[k], &nrf_state_kernels_cpu, LAYERS, sizes, BATCH, &s), NRF_EINVAL);
    assert_null(s);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_step_descends_clips_the_gradient_and_clamps),
      cmocka_unit_test(ranges_depend_on_the_states_activation),
      cmocka_unit_test(every_step_is_reported_and_a_run_can_be_stopped),
      cmocka_unit_test(a_run_in_two_parts_is_the_same_run_and_a_reset_makes_a_fresh_one),
      cmocka_unit_test(a_run_is_the_same_with_any_number_of_threads),
      cmocka_unit_test(steps_allocate_nothing),
      cmocka_unit_test(divergence_is_noticed_with_its_step_and_layer),
      cmocka_unit_test(an_error_of_the_gradient_ends_the_run),
      cmocka_unit_test(settings_without_sense_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
