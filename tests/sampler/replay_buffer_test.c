/* The replay buffer: oldest out first, drawn evenly, grown as needed, the same after saving and restoring. */
#include "nrflv/memory.h"
#include "nrflv/replay_buffer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LAYERS = 2, BATCH = 7 };

static const nrf_layer_size sizes[LAYERS] = {{3, 2, 2}, {5, 1, 3}};

static nrf_states *new_states(int batch)
{
  nrf_states *s = NULL;
  assert_int_equal(nrf_states_create(LAYERS, sizes, batch, &s), NRF_OK);
  return s;
}

static nrf_replay_buffer *new_buffer(int64_t capacity)
{
  nrf_replay_buffer *b = NULL;
  assert_int_equal(nrf_replay_buffer_create(capacity, LAYERS, sizes, &b), NRF_OK);
  return b;
}

/* What sample `number` has at an element of a layer: different everywhere. */
static float value(uint64_t number, int layer, int64_t element)
{
  return (float)(100 * number) + (float)(50 * layer) + (float)element;
}

/* Pushes batches until `pushed` samples have gone in; sample k is made of value(k, ...). */
static void fill(nrf_replay_buffer *b, uint64_t pushed)
{
  while (nrf_replay_buffer_pushed(b) < pushed) {
    const uint64_t first = nrf_replay_buffer_pushed(b), left = pushed - first;
    nrf_states    *s = new_states(left < BATCH ? (int)left : BATCH);
    for (int i = 0; i < LAYERS; i++)
      for (int64_t e = 0; e < nrf_states_count(s, i); e++) {
        const int64_t units = nrf_layer_units(sizes[i]);
        s->data[i][e]       = value(first + (uint64_t)(e / units), i, e % units);
      }
    assert_int_equal(nrf_replay_buffer_push(b, s), NRF_OK);
    nrf_states_free(s);
  }
}

static void assert_sample(const nrf_replay_buffer *b, int64_t age, uint64_t number)
{
  for (int i = 0; i < LAYERS; i++) {
    const float *x = nrf_replay_buffer_sample(b, age, i);
    for (int64_t e = 0; e < nrf_layer_units(sizes[i]); e++) assert_true(x[e] == value(number, i, e));
  }
}

static void the_oldest_samples_make_room_for_new_ones(void **state)
{
  (void)state;
  const uint64_t fillings[] = {1, 69, 70, 71, 139, 300};
  for (size_t k = 0; k < sizeof fillings / sizeof fillings[0]; k++) {
    const uint64_t     pushed = fillings[k];
    const int64_t      count  = pushed < 70 ? (int64_t)pushed : 70;
    nrf_replay_buffer *b      = new_buffer(70); /* a chunk and a piece of one */
    fill(b, pushed);
    assert_int_equal(nrf_replay_buffer_count(b), count);
    assert_int_equal(nrf_replay_buffer_pushed(b), pushed);
    for (int64_t age = 0; age < count; age++) assert_sample(b, age, pushed - (uint64_t)(count - age));
    nrf_replay_buffer_free(b);
  }
}

static void a_buffer_smaller_than_a_batch_keeps_the_last_images(void **state)
{
  (void)state;
  nrf_replay_buffer *b = new_buffer(3);
  fill(b, BATCH);
  for (int64_t age = 0; age < 3; age++) assert_sample(b, age, BATCH - 3 + (uint64_t)age);
  nrf_replay_buffer_free(b);
}

static void draws_reach_every_sample_evenly_with_all_its_layers(void **state)
{
  (void)state;
  enum { COUNT = 20, DRAWS = 200, PHASES = 100 };
  nrf_replay_buffer *b           = new_buffer(COUNT);
  nrf_states        *s           = new_states(DRAWS);
  int                seen[COUNT] = {0};
  fill(b, 33);
  for (uint64_t phase = 0; phase < PHASES; phase++) {
    assert_int_equal(nrf_replay_buffer_draw(b, 5, phase, DRAWS, s), NRF_OK);
    for (int n = 0; n < DRAWS; n++) {
      const float   *image  = s->data[0] + n * nrf_layer_units(sizes[0]);
      const float   *latent = s->data[1] + n * nrf_layer_units(sizes[1]);
      const uint64_t number = (uint64_t)(image[0] / 100.0f);
      assert_in_range(number, 13, 32);
      seen[number - 13]++;
      for (int64_t e = 0; e < nrf_layer_units(sizes[0]); e++) assert_true(image[e] == value(number, 0, e));
      for (int64_t e = 0; e < nrf_layer_units(sizes[1]); e++) assert_true(latent[e] == value(number, 1, e));
    }
  }
  for (int k = 0; k < COUNT; k++) /* 1000 each; standard deviation 31 */
    assert_in_range(seen[k], 876, 1124);
  nrf_states_free(s);
  nrf_replay_buffer_free(b);
}

static void images_that_are_not_drawn_stay(void **state)
{
  (void)state;
  nrf_replay_buffer *b = new_buffer(10);
  nrf_states        *s = new_states(BATCH);
  fill(b, 10);
  const int64_t units = nrf_layer_units(sizes[1]);
  for (int64_t e = 0; e < nrf_states_count(s, 1); e++) s->data[1][e] = -1.0f;
  assert_int_equal(nrf_replay_buffer_draw(b, 5, 1, 4, s), NRF_OK);
  for (int64_t e = 0; e < nrf_states_count(s, 1); e++)
    assert_true((s->data[1][e] == -1.0f) == (e >= 4 * units));
  nrf_states_free(s);
  nrf_replay_buffer_free(b);
}

static void a_restored_buffer_goes_on_like_the_saved_one(void **state)
{
  (void)state;
  const uint64_t fillings[] = {0, 5, 70, 117};
  for (size_t k = 0; k < sizeof fillings / sizeof fillings[0]; k++) {
    nrf_replay_buffer *saved = new_buffer(70), *restored = new_buffer(70);
    fill(saved, fillings[k]);
    fill(restored, 12); /* is forgotten */
    const int64_t count = nrf_replay_buffer_count(saved);
    nrf_replay_buffer_empty(restored, nrf_replay_buffer_pushed(saved) - (uint64_t)count);
    for (int64_t age = 0; age < count; age++) {
      const float *const layers[LAYERS] = {nrf_replay_buffer_sample(saved, age, 0),
                                           nrf_replay_buffer_sample(saved, age, 1)};
      assert_int_equal(nrf_replay_buffer_append(restored, layers), NRF_OK);
    }
    fill(saved, fillings[k] + 30);
    fill(restored, fillings[k] + 30);
    assert_int_equal(nrf_replay_buffer_pushed(restored), nrf_replay_buffer_pushed(saved));
    nrf_states *a = new_states(50), *b = new_states(50);
    assert_int_equal(nrf_replay_buffer_draw(saved, 5, 9, 50, a), NRF_OK);
    assert_int_equal(nrf_replay_buffer_draw(restored, 5, 9, 50, b), NRF_OK);
    for (int i = 0; i < LAYERS; i++)
      assert_memory_equal(a->data[i], b->data[i], (size_t)nrf_states_count(a, i) * sizeof(float));
    nrf_states_free(a);
    nrf_states_free(b);
    nrf_replay_buffer_free(saved);
    nrf_replay_buffer_free(restored);
  }
}

static void memory_grows_only_with_what_is_stored(void **state)
{
  (void)state;
  nrf_replay_buffer *b     = new_buffer(NRF_REPLAY_CAPACITY);
  const float        x[12] = {0}, y[15] = {0};
  const float *const layers[LAYERS] = {x, y};
  const uint64_t     before         = nrf_alloc_calls();
  for (int k = 0; k < 2 * NRF_REPLAY_CHUNK + 1; k++) {
    assert_int_equal(nrf_replay_buffer_append(b, layers), NRF_OK);
    assert_int_equal(nrf_alloc_calls() - before, (uint64_t)(k / NRF_REPLAY_CHUNK + 1));
  }
  nrf_replay_buffer_free(b);
}

static void what_does_not_fit_is_refused(void **state)
{
  (void)state;
  const nrf_layer_size other[LAYERS] = {{3, 2, 2}, {5, 3, 1}};
  nrf_replay_buffer   *b             = NULL;
  nrf_states          *s = new_states(2), *different = NULL;
  assert_int_equal(nrf_states_create(LAYERS, other, 2, &different), NRF_OK);
  assert_int_equal(nrf_replay_buffer_create(0, LAYERS, sizes, &b), NRF_EINVAL);
  b = new_buffer(10);
  assert_int_equal(nrf_replay_buffer_draw(b, 1, 1, 1, s), NRF_EINVAL); /* empty */
  assert_int_equal(nrf_replay_buffer_draw(b, 1, 1, 0, s), NRF_OK);
  assert_int_equal(nrf_replay_buffer_push(b, different), NRF_ESHAPE);
  assert_int_equal(nrf_replay_buffer_push(b, s), NRF_OK);
  assert_int_equal(nrf_replay_buffer_draw(b, 1, 1, 3, s), NRF_EINVAL); /* batch of 2 */
  assert_int_equal(nrf_replay_buffer_draw(b, 1, 1, 2, different), NRF_ESHAPE);
  nrf_states_free(s);
  nrf_states_free(different);
  nrf_replay_buffer_free(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_oldest_samples_make_room_for_new_ones),
      cmocka_unit_test(a_buffer_smaller_than_a_batch_keeps_the_last_images),
      cmocka_unit_test(draws_reach_every_sample_evenly_with_all_its_layers),
      cmocka_unit_test(images_that_are_not_drawn_stay),
      cmocka_unit_test(a_restored_buffer_goes_on_like_the_saved_one),
      cmocka_unit_test(memory_grows_only_with_what_is_stored),
      cmocka_unit_test(what_does_not_fit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
