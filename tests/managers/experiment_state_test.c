/* experiment_state_test.c - a saved sampler goes on as if nothing had happened; files that are not whole are refused. */
#include "managers/experiment_state.h"

#include "nrflv/rng.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { LAYERS = 2, BATCH = 3 };
static const nrf_layer_size size[LAYERS] = {{1, 4, 4}, {8, 2, 2}};

/* A sampler that descends |s - 1/4|^2 / 2: enough to move everything it remembers. */
typedef struct machine {
  nrf_sampler *sampler;
  nrf_states  *states;
} machine;

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static nrf_status gradient_of(void *model, const nrf_states *s, nrf_states *gradient)
{
  (void)model;
  for (int i = 0; i < s->n_layers; i++)
    for (int64_t e = 0; e < nrf_states_count(s, i); e++) gradient->data[i][e] = s->data[i][e] - 0.25f;
  return NRF_OK;
}

static const nrf_phase phase = {.gradient = gradient_of};

static machine make(nrf_state_optimizer_kind kind)
{
  machine            m;
  nrf_sampler_config c = {
      .optimizer         = {.kind = kind, .scale_grad = 1, .burn_in_steps = 6, .min_sq_sigma = 1e-4},
      .states_activation = NRF_HARDTANH,
      .seed              = 3,
      .check_interval    = 1};
  for (int i = 0; i < LAYERS; i++) {
    c.optimizer.step_size[i]    = 0.1;
    c.optimizer.momentum[i]     = 0.1;
    c.optimizer.max_sq_sigma[i] = 1e-3;
  }
  must(nrf_sampler_create(&c, &nrf_state_kernels_cpu, LAYERS, size, BATCH, &m.sampler));
  must(nrf_states_create(LAYERS, size, BATCH, &m.states));
  return m;
}

static void discard(machine m)
{
  nrf_sampler_free(m.sampler);
  nrf_states_free(m.states);
}

static void steps(machine m, uint64_t first, uint64_t end)
{
  for (uint64_t t = first; t < end; t++) must(nrf_sampler_step(m.sampler, &phase, m.states, t, NULL));
}

static nrf_sampler_state *copy_of(machine m, const char *identity)
{
  nrf_sampler_state        *s;
  const nrf_sampler_sources sources = {m.states, m.sampler, NULL};
  must(nrf_sampler_state_create(&sources, identity, &s));
  return s;
}

static void assert_same_states(machine a, machine b)
{
  for (int i = 0; i < LAYERS; i++)
    assert_memory_equal(a.states->data[i], b.states->data[i],
                        (size_t)nrf_states_count(a.states, i) * sizeof(float));
}

static int make_place(void **state)
{
  *state = malloc(SCRATCH_PATH);
  scratch_create(*state);
  return 0;
}

static int remove_place(void **state)
{
  scratch_remove(*state);
  free(*state);
  return 0;
}

static void every_optimiser_goes_on_from_its_file(void **state)
{
  char path[SCRATCH_PATH];
  scratch_path(path, *state, "a.state");
  for (int kind = 0; kind < NRF_STATE_OPTIMIZER_KINDS; kind++) {
    machine whole = make((nrf_state_optimizer_kind)kind), cut = make((nrf_state_optimizer_kind)kind);
    nrf_sampler_state *saved = copy_of(whole, "x");
    steps(whole, 0, 4); /* within the adaptation of SGHMC */
    nrf_sampler_state_take(saved, 4);
    must(nrf_sampler_state_write(saved, path));
    steps(whole, 4, 20);

    nrf_sampler_state *read = copy_of(cut, "x");
    steps(cut, 0, 1); /* what was there before must not matter */
    must(nrf_sampler_state_read(read, path));
    assert_int_equal(nrf_sampler_state_put_back(read), 4);
    steps(cut, 4, 20);
    assert_same_states(whole, cut);
    nrf_sampler_state_free(saved);
    nrf_sampler_state_free(read);
    discard(whole);
    discard(cut);
  }
}

/* Spectral normalisation's vectors, which move with every evaluation, are parameters. */
static void parameters_are_saved_where_steps_change_them(void **state)
{
  char                path[SCRATCH_PATH];
  machine             m    = make(NRF_STATE_SGD);
  nrf_parameters     *p    = NULL;
  nrf_sampler_state  *s    = NULL;
  const int64_t       five = 5;
  nrf_sampler_sources sources;
  scratch_path(path, *state, "a.state");
  must(nrf_parameters_create(&p));
  must(nrf_parameters_add(p, "u", 1, &five, NRF_START_ZERO, 0, false, NULL));
  must(nrf_parameters_finish(p));
  sources = (nrf_sampler_sources){m.states, m.sampler, p};
  must(nrf_sampler_state_create(&sources, "x", &s));
  for (int i = 0; i < 5; i++) p->value[i] = (float)i;
  nrf_sampler_state_take(s, 7);
  must(nrf_sampler_state_write(s, path));
  memset(p->value, 0, 5 * sizeof(float));
  nrf_sampler_state_take(s, 8);
  must(nrf_sampler_state_read(s, path));
  assert_int_equal(nrf_sampler_state_put_back(s), 7);
  for (int i = 0; i < 5; i++) assert_true(p->value[i] == (float)i);
  nrf_sampler_state_free(s);
  nrf_parameters_free(p);
  discard(m);
}

static void other_files_are_refused(void **state)
{
  char               path[SCRATCH_PATH];
  machine            m = make(NRF_STATE_SGHMC), other = make(NRF_STATE_SGD);
  nrf_sampler_state *s = copy_of(m, "just_angle, seed 1"), *renamed = copy_of(m, "just_angle, seed 2"),
                    *smaller = copy_of(other, "just_angle, seed 1");
  scratch_path(path, *state, "none.state");
  assert_int_equal(nrf_sampler_state_read(s, path), NRF_ENOTFOUND);
  scratch_path(path, *state, "a.state");
  must(nrf_sampler_state_write(s, path));
  must(nrf_sampler_state_read(s, path));
  assert_int_equal(nrf_sampler_state_read(renamed, path), NRF_EFORMAT);
  assert_int_equal(nrf_sampler_state_read(smaller, path), NRF_EFORMAT);
  assert_non_null(strstr(nrf_error_message(), "a.state"));
  nrf_sampler_state_free(s);
  nrf_sampler_state_free(renamed);
  nrf_sampler_state_free(smaller);
  discard(m);
  discard(other);
}

static void write_bytes(const char *path, const void *bytes, size_t n)
{
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  assert_int_equal(fclose(f), 0);
}

static void any_damage_is_noticed(void **state)
{
  char               path[SCRATCH_PATH];
  machine            m = make(NRF_STATE_SGHMC);
  nrf_sampler_state *s = copy_of(m, "x");
  scratch_path(path, *state, "a.state");
  steps(m, 0, 3);
  nrf_sampler_state_take(s, 3);
  must(nrf_sampler_state_write(s, path));
  const size_t n     = (size_t)nrf_sampler_state_bytes(s);
  char        *bytes = malloc(n + 1);
  FILE        *f     = fopen(path, "rb");
  assert_non_null(f);
  assert_int_equal(fread(bytes, 1, n + 1, f), n); /* the size is as it was announced */
  (void)fclose(f);

  for (size_t at = 0; at < n; at += 1 + at / 50) {
    bytes[at] ^= 0x10;
    write_bytes(path, bytes, n);
    assert_int_equal(nrf_sampler_state_read(s, path), NRF_EFORMAT);
    bytes[at] ^= 0x10;
    write_bytes(path, bytes, at);
    assert_int_equal(nrf_sampler_state_read(s, path), NRF_EFORMAT);
  }
  bytes[n] = 0;
  write_bytes(path, bytes, n + 1);
  assert_int_equal(nrf_sampler_state_read(s, path), NRF_EFORMAT);
  write_bytes(path, bytes, n);
  must(nrf_sampler_state_read(s, path));
  free(bytes);
  nrf_sampler_state_free(s);
  discard(m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_optimiser_goes_on_from_its_file, make_place, remove_place),
      cmocka_unit_test_setup_teardown(parameters_are_saved_where_steps_change_them, make_place, remove_place),
      cmocka_unit_test_setup_teardown(other_files_are_refused, make_place, remove_place),
      cmocka_unit_test_setup_teardown(any_damage_is_noticed, make_place, remove_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
