/* trainer_test.c - what a batch of training does, seen from outside: initial states, phases, the weight update. */
#include "managers/trainer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BATCH = 4, IMAGE = 3 * 32 * 32 };

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static void set(nrf_settings *s, const char *name, const char *text)
{
  must(nrf_settings_set_text(s, nrf_setting_find(name), text));
}

/* Short phases of a tiny field; options are pairs of name and value, ended by NULL. */
static nrf_trainer *make_trainer(const char *const options[])
{
  static const char *const base[] = {"batch_size", "4", "num_it_pos", "3",  "num_it_neg",        "3",
                                     "threads",    "1", "seed",       "11", "num_burn_in_steps", "2",
                                     NULL};
  nrf_settings             s;
  nrf_architecture         a;
  nrf_trainer             *t = NULL;
  char                     path[1024];
  const char              *source = getenv("NRFLV_SOURCE_DIR");
  if (source == NULL) fail_msg("NRFLV_SOURCE_DIR is not set");
  (void)snprintf(path, sizeof path, "%s/tests/train/tiny.json", source);
  must(nrf_architecture_load(path, ".", &a));
  nrf_settings_defaults(&s);
  for (int i = 0; base[i] != NULL; i += 2) set(&s, base[i], base[i + 1]);
  for (int i = 0; options != NULL && options[i] != NULL; i += 2) set(&s, options[i], options[i + 1]);
  must(nrf_trainer_create(&s, &a, &t));
  return t;
}

/* Images whose every pixel is another number. */
static const float *images(int64_t batch)
{
  static float pixels[BATCH * IMAGE];
  for (int i = 0; i < BATCH * IMAGE; i++)
    pixels[i] = nrf_rng_uniform(nrf_rng_at(5, NRF_RNG_TEST, (uint64_t)batch, 0), (uint64_t)i);
  return pixels;
}

/* Copies of the states at the beginning of the phases and at their ends. */
typedef struct record {
  nrf_states *begun[NRF_BATCH_PARTS], *ended[NRF_BATCH_PARTS];
  double      energy[64]; /* at steps where it was asked for */
  int         energies, steps;
} record;

static void keep(nrf_states **copy, const nrf_states *s)
{
  if (*copy == NULL) must(nrf_states_create(s->n_layers, s->size, s->batch, copy));
  nrf_states_copy(*copy, s);
}

static nrf_status note_begun(void *user, const nrf_trainer *t, const nrf_states *states)
{
  keep(&((record *)user)->begun[t->at.part], states);
  return NRF_OK;
}

static nrf_status note_ended(void *user, const nrf_trainer *t, const nrf_states *states)
{
  keep(&((record *)user)->ended[t->at.part], states);
  return NRF_OK;
}

static nrf_status note_step(void *user, const nrf_trainer *t, const nrf_states *states, bool *stop)
{
  (void)t, (void)states, (void)stop;
  ((record *)user)->steps++;
  return NRF_OK;
}

static bool want_always(void *user, const nrf_trainer *t)
{
  (void)user, (void)t;
  return true;
}

static nrf_status note_energy(void *user, const nrf_trainer *t, const nrf_states *states, double energy,
                              const nrf_states *neuron_energy, const nrf_states *bno)
{
  record *r = user;
  (void)t, (void)states, (void)bno;
  double sum = 0.0;
  for (int i = 0; i < neuron_energy->n_layers; i++)
    for (int64_t e = 0; e < nrf_states_count(neuron_energy, i); e++) sum += (double)neuron_energy->data[i][e];
  assert_true(fabs(sum - energy) <= 1e-9 * fabs(energy) + 1e-6);
  r->energy[r->energies++] = energy;
  return NRF_OK;
}

static void free_record(record *r)
{
  for (int i = 0; i < NRF_BATCH_PARTS; i++) {
    nrf_states_free(r->begun[i]);
    nrf_states_free(r->ended[i]);
  }
}

static void run_batch(nrf_trainer *t, record *r)
{
  const nrf_train_watcher w = {
      .user = r, .phase_begun = note_begun, .phase_ended = note_ended, .stepped = note_step};
  must(nrf_trainer_begin_batch(t, images(t->at.batches)));
  must(nrf_trainer_continue_batch(t, &w));
  assert_int_equal(t->at.part, NRF_BETWEEN_BATCHES);
}

static bool equal_layer(const nrf_states *a, const nrf_states *b, int layer)
{
  return memcmp(a->data[layer], b->data[layer], (size_t)nrf_states_count(a, layer) * sizeof(float)) == 0;
}

static bool all_zero(const nrf_states *s, int layer)
{
  for (int64_t e = 0; e < nrf_states_count(s, layer); e++)
    if (s->data[layer][e] != 0.0f) return false;
  return true;
}

static double mean(const nrf_states *s, int layer)
{
  double sum = 0.0;
  for (int64_t e = 0; e < nrf_states_count(s, layer); e++) sum += (double)s->data[layer][e];
  return sum / (double)nrf_states_count(s, layer);
}

/* ---- the positive phase ---- */

static void the_image_is_clamped_in_the_positive_phase_and_free_in_the_negative(void **state)
{
  (void)state;
  record       r = {0};
  nrf_trainer *t = make_trainer(NULL);
  float        got[BATCH * IMAGE];
  run_batch(t, &r);
  nrf_states_get_nchw(r.ended[NRF_POSITIVE_PHASE], 0, got);
  assert_memory_equal(got, images(0), sizeof got);
  for (int i = 1; i < 3; i++)
    assert_false(equal_layer(r.begun[NRF_POSITIVE_PHASE], r.ended[NRF_POSITIVE_PHASE], i));
  for (int i = 0; i < 3; i++)
    assert_false(equal_layer(r.begun[NRF_NEGATIVE_PHASE], r.ended[NRF_NEGATIVE_PHASE], i));
  assert_int_equal(r.steps, 6);
  assert_int_equal(t->at.sampler_steps, 6);
  free_record(&r);
  nrf_trainer_free(t);
}

static void zeros_start_at_zero(void **state)
{
  (void)state;
  record       r = {0};
  nrf_trainer *t = make_trainer((const char *const[]){"initializer", "zeros", NULL});
  assert_null(t->initialiser);
  run_batch(t, &r);
  for (int i = 1; i < 3; i++) assert_true(all_zero(r.begun[NRF_POSITIVE_PHASE], i));
  free_record(&r);
  nrf_trainer_free(t);
}

/* Uniform in [-1, 1) for hardtanh, [0, 1) for hardsig; 2048 numbers know their mean to 0.013 and 0.0064. */
static void random_states_cover_the_range_of_the_activation(void **state)
{
  (void)state;
  const struct {
    const char *activation;
    double      mean, low;
  } cases[] = {{"hardtanh", 0.0, -1.0}, {"hardsig", 0.5, 0.0}};
  for (int k = 0; k < 2; k++) {
    record       r = {0};
    nrf_trainer *t = make_trainer(
        (const char *const[]){"initializer", "random", "states_activation", cases[k].activation, NULL});
    run_batch(t, &r);
    const nrf_states *s = r.begun[NRF_POSITIVE_PHASE];
    assert_true(fabs(mean(s, 1) - cases[k].mean) < 0.05);
    double low = 9.0, high = -9.0;
    for (int64_t e = 0; e < nrf_states_count(s, 1); e++) {
      low  = fmin(low, (double)s->data[1][e]);
      high = fmax(high, (double)s->data[1][e]);
    }
    assert_true(low >= cases[k].low && low < cases[k].low + 0.02 && high < 1.0 && high > 0.98);
    assert_false(equal_layer(s, r.begun[NRF_NEGATIVE_PHASE], 1));
    free_record(&r);
    nrf_trainer_free(t);
  }
}

static void previous_continues_from_the_last_batch(void **state)
{
  (void)state;
  record       first = {0}, second = {0};
  nrf_trainer *t = make_trainer((const char *const[]){"initializer", "previous", NULL});
  run_batch(t, &first);
  run_batch(t, &second);
  assert_false(all_zero(first.begun[NRF_POSITIVE_PHASE], 1)); /* nothing is previous yet: random */
  for (int i = 1; i < 3; i++)
    assert_true(equal_layer(first.ended[NRF_POSITIVE_PHASE], second.begun[NRF_POSITIVE_PHASE], i));
  free_record(&first);
  free_record(&second);
  nrf_trainer_free(t);
}

static void ff_init_proposes_the_states_and_learns_from_where_they_go(void **state)
{
  (void)state;
  record          r     = {0};
  nrf_trainer    *t     = make_trainer(NULL);
  nrf_parameters *p     = nrf_initialiser_parameters(t->initialiser);
  float          *start = malloc((size_t)p->count * sizeof *start);
  assert_non_null(start);
  memcpy(start, p->value, (size_t)p->count * sizeof *start);
  run_batch(t, &r);
  assert_int_not_equal(memcmp(start, p->value, (size_t)p->count * sizeof *start), 0);

  /* The loss is the sum over latent layers of the mean squared distance between proposal and end. */
  const nrf_states *from = r.begun[NRF_POSITIVE_PHASE], *to = r.ended[NRF_POSITIVE_PHASE];
  double            loss = 0.0;
  for (int i = 1; i < 3; i++) {
    double sum = 0.0;
    for (int64_t e = 0; e < nrf_states_count(from, i); e++)
      sum += pow((double)from->data[i][e] - (double)to->data[i][e], 2.0);
    loss += sum / (double)nrf_states_count(from, i);
  }
  assert_true(fabs(loss - t->last.initialiser_loss) < 1e-5 * loss);
  free(start);
  free_record(&r);
  nrf_trainer_free(t);
}

/* The energies of a settled phase: with a threshold this wide it is settled as soon as it may be, after step 200. */
static void a_settled_positive_phase_ends_early(void **state)
{
  (void)state;
  record       r = {0};
  nrf_trainer *t = make_trainer((const char *const[]){"truncate_pos_its", "on", "num_it_pos", "220",
                                                      "trunc_pos_history_len", "4",
                                                      "truncate_pos_its_threshold", "1e9", NULL});
  run_batch(t, &r);
  assert_int_equal(t->last.positive_steps, 201);
  assert_int_equal(t->last.negative_steps, 3);
  free_record(&r);
  nrf_trainer_free(t);
}

/* ---- the negative phase ---- */

static bool is_in_buffer(const nrf_trainer *t, int64_t count, const nrf_states *s, int image)
{
  const int64_t units = nrf_layer_units(s->size[1]);
  for (int64_t age = 0; age < count; age++)
    if (memcmp(nrf_replay_buffer_sample(t->buffer, age, 1), s->data[1] + image * units,
               (size_t)units * sizeof(float)) == 0)
      return true;
  return false;
}

static void negative_phases_continue_from_the_buffer(void **state)
{
  (void)state;
  record       first = {0}, second = {0};
  nrf_trainer *t = make_trainer((const char *const[]){"sample_buffer_prob", "0.6", NULL});
  run_batch(t, &first);
  assert_int_equal(nrf_replay_buffer_count(t->buffer), BATCH);
  for (int n = 0; n < BATCH; n++) assert_true(is_in_buffer(t, BATCH, first.ended[NRF_NEGATIVE_PHASE], n));
  run_batch(t, &second);
  for (int n = 0; n < BATCH; n++) /* int(0.6 * 4) = 2 of them */
    assert_int_equal(is_in_buffer(t, BATCH, second.begun[NRF_NEGATIVE_PHASE], n), n < 2);
  assert_int_equal(nrf_replay_buffer_count(t->buffer), 2 * BATCH);
  free_record(&first);
  free_record(&second);
  nrf_trainer_free(t);
}

/* Per image and channel a mean in [0, 0.7), on top N(0, 0.3^2): 1024 pixels know a mean to 0.0094, a deviation to 0.0066. */
static void neg_ff_init_starts_from_random_pixels(void **state)
{
  (void)state;
  record       r = {0};
  nrf_trainer *t = make_trainer((const char *const[]){"neg_ff_init", "on", "initializer", "zeros", NULL});
  run_batch(t, &r);
  float pixels[BATCH * IMAGE];
  nrf_states_get_nchw(r.begun[NRF_NEGATIVE_PHASE], 0, pixels);
  double lowest = 9.0, highest = -9.0;
  for (int k = 0; k < BATCH * 3; k++) {
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < 1024; i++) {
      sum += (double)pixels[k * 1024 + i];
      squares += (double)pixels[k * 1024 + i] * (double)pixels[k * 1024 + i];
    }
    const double average = sum / 1024.0;
    assert_true(fabs(sqrt(squares / 1024.0 - average * average) - 0.3) < 0.03);
    lowest  = fmin(lowest, average);
    highest = fmax(highest, average);
  }
  assert_true(lowest > -0.04 && highest < 0.74 && highest - lowest > 0.3);
  assert_false(all_zero(r.begun[NRF_NEGATIVE_PHASE], 1)); /* the network's proposal */
  free_record(&r);
  nrf_trainer_free(t);
}

static void random_lengths_are_drawn_anew_for_each_batch(void **state)
{
  (void)state;
  nrf_trainer *t = make_trainer((const char *const[]){"randomize_neg_its", "on", "num_it_neg", "8", NULL});
  int64_t      lengths[6];
  int          different = 0;
  for (int k = 0; k < 6; k++) {
    record r = {0};
    run_batch(t, &r);
    lengths[k] = t->last.negative_steps;
    different += lengths[k] != lengths[0];
    free_record(&r);
  }
  assert_true(different > 0);
  nrf_trainer_free(t);
}

/* ---- logging ---- */

static void energies_are_those_before_the_step_and_change_nothing(void **state)
{
  (void)state;
  record                  seen  = {0};
  nrf_trainer            *quiet = make_trainer(NULL), *watched = make_trainer(NULL);
  const nrf_train_watcher w    = {.user = &seen, .wants = want_always, .evaluated = note_energy};
  const nrf_train_watcher none = {0};
  must(nrf_trainer_begin_batch(quiet, images(0)));
  must(nrf_trainer_begin_batch(watched, images(0)));

  nrf_energy_model *m      = watched->model;
  nrf_states       *energy = NULL;
  double            total  = 0.0;
  must(nrf_states_create(3, watched->architecture.size, BATCH, &energy));
  const nrf_energy_request request = {.neuron_energy = energy, .total = &total};
  must(nrf_energy_model_evaluate(m, watched->positive, &request));

  must(nrf_trainer_continue_batch(quiet, &none));
  must(nrf_trainer_continue_batch(watched, &w));
  assert_int_equal(seen.energies, 6);
  assert_true(fabs(seen.energy[0] - total) <= 1e-6 * fabs(total));
  for (int i = 0; i < 3; i++) assert_true(equal_layer(quiet->negative, watched->negative, i));
  nrf_states_free(energy);
  nrf_trainer_free(quiet);
  nrf_trainer_free(watched);
}

/* ---- the weight update ---- */

static double energy_of(nrf_trainer *t, const nrf_states *s)
{
  nrf_states *energy = NULL;
  double      total  = 0.0;
  must(nrf_states_create(s->n_layers, s->size, s->batch, &energy));
  const nrf_energy_request request = {.neuron_energy = energy, .total = &total};
  must(nrf_energy_model_evaluate(t->model, s, &request));
  nrf_states_free(energy);
  return total;
}

/* The loss of the specification at weights `from` + x `direction`, from energies alone. */
static double loss_at(nrf_trainer *t, const float *from, const float *direction, double x, double l2)
{
  nrf_parameters *p = nrf_energy_model_parameters(t->model);
  for (int64_t e = 0; e < p->count; e++) p->value[e] = (float)((double)from[e] + x * (double)direction[e]);
  nrf_energy_model_parameters_changed(t->model);
  const double positive = energy_of(t, t->positive), negative = energy_of(t, t->negative);
  return (positive - negative) + l2 * (positive * positive + negative * negative);
}

static double norm_of(const float *x, int64_t first, int64_t count)
{
  double squares = 0.0;
  for (int64_t e = first; e < first + count; e++) squares += (double)x[e] * (double)x[e];
  return sqrt(squares);
}

/* The gradient of the last update, without the tensors that SGD cut down to its bound, sqrt(elements). Normalised; returns
 * the norm it had. */
static double uncut_direction(nrf_trainer *t, float *direction)
{
  const nrf_parameters *p = nrf_energy_model_parameters(t->model);
  memset(direction, 0, (size_t)p->count * sizeof *direction);
  for (int j = 0; j < p->n; j++) {
    const int64_t first = p->item[j].offset, count = p->item[j].count;
    if (norm_of(t->gradient, first, count) < 0.999 * sqrt((double)count))
      memcpy(direction + first, t->gradient + first, (size_t)count * sizeof *direction);
  }
  const double norm = norm_of(direction, 0, p->count);
  for (int64_t e = 0; e < p->count; e++) direction[e] = (float)((double)direction[e] / norm);
  return norm;
}

/* The first step of SGD is -rate * gradient; and along the gradient the loss, differentiated numerically at the weights of
 * before, has to rise with the slope |gradient|. */
static void weights_follow_the_loss(void **state)
{
  (void)state;
  const double    l2 = 1e-4, rate = 5e-4, x = 1e-2;
  record          r = {0};
  nrf_trainer    *t = make_trainer((const char *const[]){"weights_optimizer", "sgd", "l2_reg_energy_param",
                                                         "1e-4", "lr", "1e-3", "lr_decay_gamma", "0.5", NULL});
  nrf_parameters *p = nrf_energy_model_parameters(t->model);
  const size_t    bytes  = (size_t)p->count * sizeof(float);
  float          *before = malloc(bytes), *direction = malloc(bytes);
  assert_non_null(before);
  assert_non_null(direction);
  memcpy(before, p->value, bytes);
  t->at.epoch = 1; /* the rate has decayed once */
  run_batch(t, &r);

  for (int64_t e = 0; e < p->count; e++) {
    const double step = (double)p->value[e] - (double)before[e];
    assert_true(fabs(step + rate * (double)t->gradient[e]) < 2e-7); /* rounding of weights of order 1 */
  }
  const double norm = uncut_direction(t, direction);
  const double slope =
      (loss_at(t, before, direction, x, l2) - loss_at(t, before, direction, -x, l2)) / (2.0 * x);
  assert_true(norm > 0.05 * norm_of(t->gradient, 0, p->count)); /* it is worth looking at */
  assert_true(fabs(slope - norm) < 2e-3 * norm);
  const double loss = loss_at(t, before, direction, 0.0, l2);
  assert_true(fabs(loss - t->last.loss) < 1e-5 * fabs(loss));

  free(before);
  free(direction);
  free_record(&r);
  nrf_trainer_free(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_image_is_clamped_in_the_positive_phase_and_free_in_the_negative),
      cmocka_unit_test(zeros_start_at_zero),
      cmocka_unit_test(random_states_cover_the_range_of_the_activation),
      cmocka_unit_test(previous_continues_from_the_last_batch),
      cmocka_unit_test(ff_init_proposes_the_states_and_learns_from_where_they_go),
      cmocka_unit_test(a_settled_positive_phase_ends_early),
      cmocka_unit_test(negative_phases_continue_from_the_buffer),
      cmocka_unit_test(neg_ff_init_starts_from_random_pixels),
      cmocka_unit_test(random_lengths_are_drawn_anew_for_each_batch),
      cmocka_unit_test(energies_are_those_before_the_step_and_change_nothing),
      cmocka_unit_test(weights_follow_the_loss),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
