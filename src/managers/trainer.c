/* trainer.c - one batch of training, step by step. */
#include "managers/trainer.h"

#include "managers/initial_states.h"
#include "managers/setup.h"
#include "nrflv/memory.h"

#include <math.h>
#include <string.h>

const char *nrf_batch_part_name(nrf_batch_part part)
{
  static const char *const names[NRF_BATCH_PARTS] = {
      [NRF_BETWEEN_BATCHES] = "between batches",
      [NRF_POSITIVE_PHASE]  = "positive phase",
      [NRF_NEGATIVE_PHASE]  = "negative phase",
  };
  return names[part];
}

static bool is(const char *setting, const char *value)
{
  return strcmp(setting, value) == 0;
}

/* ---- making a trainer ---- */

static nrf_status create_states(const nrf_trainer *t, nrf_states **out)
{
  return nrf_states_create(t->architecture.n_layers, t->architecture.size, t->settings.batch_size, out);
}

static nrf_status create_model(nrf_trainer *t)
{
  const nrf_energy_config         config = nrf_setup_energy(&t->settings, t->settings.batch_size);
  const nrf_weight_optimizer_kind kind =
      is(t->settings.weights_optimizer, "adam") ? NRF_WEIGHTS_ADAM : NRF_WEIGHTS_SGD;

  NRF_RETURN_IF_ERROR(nrf_energy_model_create(&t->architecture, &config, &t->model));
  nrf_parameters *p = nrf_energy_model_parameters(t->model);
  nrf_parameters_start(p, t->settings.seed, 0);
  NRF_RETURN_IF_ERROR(nrf_weight_optimizer_create(kind, t->settings.lr.value[0], p, &t->model_optimizer));
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(p->count, "gradient of the weights", &t->gradient));
  return nrf_alloc_floats(p->count, "gradient of the weights", &t->gradient_negative);
}

static nrf_status create_initialiser(nrf_trainer *t)
{
  const nrf_initialiser_config config      = nrf_setup_initialiser(&t->settings, t->settings.batch_size);
  const uint32_t               first_layer = (uint32_t)nrf_energy_model_parameters(t->model)->n;

  NRF_RETURN_IF_ERROR(nrf_initialiser_create(&t->architecture, &config, &t->initialiser));
  nrf_parameters *p = nrf_initialiser_parameters(t->initialiser);
  nrf_parameters_start(p, t->settings.seed, first_layer);
  NRF_RETURN_IF_ERROR(nrf_weight_optimizer_create(NRF_WEIGHTS_NESTEROV, t->settings.initter_network_lr, p,
                                                  &t->initialiser_optimizer));
  return nrf_alloc_floats(p->count, "gradient of the initialiser", &t->initialiser_gradient);
}

static nrf_status create_sampler(nrf_trainer *t)
{
  const nrf_architecture *a = &t->architecture;
  nrf_sampler_config      config;
  NRF_RETURN_IF_ERROR(nrf_setup_sampler(&t->settings, a->n_layers, &config));
  return nrf_sampler_create(&config, &nrf_state_kernels_cpu, a->n_layers, a->size, t->settings.batch_size,
                            &t->sampler);
}

nrf_status nrf_trainer_create(const nrf_settings *settings, const nrf_architecture *architecture,
                              nrf_trainer **out)
{
  nrf_status   st = NRF_OK;
  nrf_trainer *t  = NULL;
  *out            = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *t, "training run", (void **)&t));
  t->settings        = *settings;
  t->architecture    = *architecture;
  t->negative_length = nrf_negative_length_start(settings->num_it_neg);
  t->last            = (nrf_train_outcome){NAN, NAN, NAN, NAN, {0}, 0, 0};

  NRF_TRY(create_sampler(t)); /* first: it checks settings and costs nothing */
  NRF_TRY(create_model(t));
  if (is(settings->initializer, "ff_init") || settings->neg_ff_init) NRF_TRY(create_initialiser(t));
  NRF_TRY(
      nrf_replay_buffer_create(NRF_REPLAY_CAPACITY, architecture->n_layers, architecture->size, &t->buffer));
  if (settings->truncate_pos_its)
    NRF_TRY(nrf_truncation_create(settings->trunc_pos_history_len, settings->truncate_pos_its_threshold,
                                  &t->truncation));
  NRF_TRY(create_states(t, &t->positive));
  NRF_TRY(create_states(t, &t->negative));
  *out = t;
  t    = NULL;
done:
  nrf_trainer_free(t);
  return st;
}

void nrf_trainer_free(nrf_trainer *t)
{
  if (t == NULL) return;
  nrf_energy_model_free(t->model);
  nrf_weight_optimizer_free(t->model_optimizer);
  nrf_initialiser_free(t->initialiser);
  nrf_weight_optimizer_free(t->initialiser_optimizer);
  nrf_sampler_free(t->sampler);
  nrf_replay_buffer_free(t->buffer);
  nrf_truncation_free(t->truncation);
  nrf_states_free(t->positive);
  nrf_states_free(t->negative);
  nrf_states_free(t->neuron_energy);
  nrf_states_free(t->bno);
  nrf_free(t->gradient);
  nrf_free(t->gradient_negative);
  nrf_free(t->initialiser_gradient);
  nrf_free(t);
}

/* ---- initial states ---- */

/* Addresses random numbers that belong to a phase. */
static uint64_t phase_number(const nrf_trainer *t, nrf_batch_part part)
{
  return 2 * (uint64_t)t->at.batches + (part == NRF_NEGATIVE_PHASE);
}

static nrf_status start_positive_states(nrf_trainer *t)
{
  if (is(t->settings.initializer, "previous") && t->has_previous) return NRF_OK; /* they are still there */
  return nrf_start_latent_layers(&t->settings, t->initialiser, phase_number(t, NRF_POSITIVE_PHASE),
                                 t->positive);
}

/* Random states everywhere, then the buffer's samples over the first of them. */
static nrf_status start_negative_states(nrf_trainer *t)
{
  const nrf_settings *s     = &t->settings;
  const uint64_t      phase = phase_number(t, NRF_NEGATIVE_PHASE);
  NRF_RETURN_IF_ERROR(nrf_start_all_layers(s, t->initialiser, phase, t->negative));
  if (nrf_replay_buffer_count(t->buffer) == 0) return NRF_OK;
  const int images = (int)(s->sample_buffer_prob * s->batch_size);
  return nrf_replay_buffer_draw(t->buffer, s->seed, phase, images, t->negative);
}

static void begin_phase(nrf_trainer *t, nrf_batch_part part, int64_t length)
{
  nrf_sampler_reset(t->sampler);
  t->at.part         = part;
  t->at.phase_length = length;
  t->at.phase_step   = 0;
}

nrf_status nrf_trainer_begin_batch(nrf_trainer *t, const float *images)
{
  nrf_states_set_nchw(t->positive, 0, images);
  NRF_RETURN_IF_ERROR(start_positive_states(t));
  if (t->truncation != NULL) nrf_truncation_reset(t->truncation);
  begin_phase(t, NRF_POSITIVE_PHASE, t->settings.num_it_pos);
  return NRF_OK;
}

static nrf_status begin_negative_phase(nrf_trainer *t)
{
  const int64_t mean = t->negative_length.steps;
  const int64_t length =
      t->settings.randomize_neg_its
          ? nrf_poisson_length((double)mean, t->settings.seed, phase_number(t, NRF_NEGATIVE_PHASE))
          : mean;
  NRF_RETURN_IF_ERROR(start_negative_states(t));
  begin_phase(t, NRF_NEGATIVE_PHASE, length);
  return NRF_OK;
}

/* ---- the steps of a phase ---- */

/* What the sampler's callbacks need. */
typedef struct phase_run {
  nrf_trainer             *t;
  const nrf_train_watcher *watcher;
  bool                     settled; /* the truncation says that the phase is long enough */
  bool                     stopped; /* the watcher wants to leave */
} phase_run;

static bool truncates(const nrf_trainer *t)
{
  return t->truncation != NULL && t->at.part == NRF_POSITIVE_PHASE;
}

static nrf_status need(const nrf_trainer *t, nrf_states **states)
{
  return *states != NULL ? NRF_OK : create_states(t, states);
}

/* Gradients alone, unless somebody wants to see more at this step. */
static nrf_status evaluate(void *model, const nrf_states *states, nrf_states *gradient)
{
  phase_run               *run     = model;
  nrf_trainer             *t       = run->t;
  const nrf_train_watcher *w       = run->watcher;
  const bool               shown   = w->wants != NULL && w->wants(w->user, t);
  nrf_energy_request       request = {.gradient = gradient};
  double                   energy  = 0.0;

  if (shown || truncates(t)) {
    NRF_RETURN_IF_ERROR(need(t, &t->neuron_energy));
    request.neuron_energy = t->neuron_energy;
    request.total         = &energy;
  }
  if (shown) {
    NRF_RETURN_IF_ERROR(need(t, &t->bno));
    request.bno = t->bno;
  }
  NRF_RETURN_IF_ERROR(nrf_energy_model_evaluate(t->model, states, &request));
  if (truncates(t)) run->settled = nrf_truncation_add(t->truncation, energy);
  return shown ? w->evaluated(w->user, t, states, energy, t->neuron_energy, t->bno) : NRF_OK;
}

static nrf_status after_step(void *user, const nrf_sampler_moment *moment, bool *stop)
{
  phase_run   *run = user;
  nrf_trainer *t   = run->t;
  t->at.phase_step++;
  t->at.sampler_steps++;
  if (run->settled) t->at.phase_length = t->at.phase_step;
  if (run->watcher->stepped != NULL)
    NRF_RETURN_IF_ERROR(run->watcher->stepped(run->watcher->user, t, moment->states, &run->stopped));
  *stop = run->settled || run->stopped;
  return NRF_OK;
}

/* Runs the phase under way to its end, or until the watcher stops it. */
static nrf_status run_phase(nrf_trainer *t, const nrf_train_watcher *w, nrf_states *states, bool *stopped)
{
  phase_run       run   = {.t = t, .watcher = w};
  const nrf_phase phase = {.gradient   = evaluate,
                           .model      = &run,
                           .held       = t->at.part == NRF_POSITIVE_PHASE ? 1u : 0u,
                           .after_step = after_step,
                           .user       = &run};
  int64_t         done  = 0;
  if (t->at.phase_step == 0 && w->phase_begun != NULL)
    NRF_RETURN_IF_ERROR(w->phase_begun(w->user, t, states));
  const nrf_status st = nrf_sampler_run(t->sampler, &phase, states, (uint64_t)t->at.sampler_steps,
                                        t->at.phase_length - t->at.phase_step, &done);
  *stopped            = run.stopped;
  if (st != NRF_EDIVERGED) return st;
  return nrf_error_context(st, "batch %lld, %s, step %lld of %lld", (long long)t->at.batches,
                           nrf_batch_part_name(t->at.part), (long long)t->at.phase_step,
                           (long long)t->at.phase_length);
}

/* ---- learning ---- */

static nrf_status check_parameters(const nrf_trainer *t, const nrf_parameters *p, const char *network)
{
  for (int j = 0; j < p->n; j++) {
    const nrf_parameter *item = &p->item[j];
    for (int64_t e = 0; e < item->count; e++)
      if (!isfinite(p->value[item->offset + e]))
        return nrf_error(NRF_EDIVERGED, "batch %lld, update of the %s: parameter %s became NaN or infinite",
                         (long long)t->at.batches, network, item->name);
  }
  return NRF_OK;
}

static nrf_status check_value(const nrf_trainer *t, double value, const char *what)
{
  if (isfinite(value)) return NRF_OK;
  return nrf_error(NRF_EDIVERGED, "batch %lld, weight update: %s is %g", (long long)t->at.batches, what,
                   value);
}

static nrf_status teach_initialiser(nrf_trainer *t)
{
  if (t->initialiser == NULL) return NRF_OK;
  nrf_train_outcome *last = &t->last;
  NRF_RETURN_IF_ERROR(nrf_initialiser_gradient(t->initialiser, t->positive, t->initialiser_gradient,
                                               &last->initialiser_loss, last->initialiser_layer_loss, NULL));
  NRF_RETURN_IF_ERROR(check_value(t, last->initialiser_loss, "the initialiser network's loss"));
  nrf_parameters *p = nrf_initialiser_parameters(t->initialiser);
  nrf_weight_optimizer_step(t->initialiser_optimizer, p, t->initialiser_gradient);
  nrf_initialiser_parameters_changed(t->initialiser);
  return check_parameters(t, p, "initialiser network");
}

/* loss = (E_pos - E_neg) + l2 (E_pos^2 + E_neg^2), both sets of states held fixed. */
static nrf_status update_weights(nrf_trainer *t)
{
  const double    l2 = t->settings.l2_reg_energy_param;
  nrf_parameters *p  = nrf_energy_model_parameters(t->model);
  double          positive, negative;
  NRF_RETURN_IF_ERROR(nrf_energy_model_weight_gradient(t->model, t->positive, t->gradient, &positive));
  NRF_RETURN_IF_ERROR(check_value(t, positive, "the energy of the positive phase"));
  NRF_RETURN_IF_ERROR(
      nrf_energy_model_weight_gradient(t->model, t->negative, t->gradient_negative, &negative));
  NRF_RETURN_IF_ERROR(check_value(t, negative, "the energy of the negative phase"));

  const double by_positive = 1.0 + 2.0 * l2 * positive, by_negative = -1.0 + 2.0 * l2 * negative;
  for (int64_t e = 0; e < p->count; e++)
    t->gradient[e] =
        (float)(by_positive * (double)t->gradient[e] + by_negative * (double)t->gradient_negative[e]);

  t->model_optimizer->learning_rate =
      nrf_learning_rate_at_epoch(t->settings.lr.value[0], t->settings.lr_decay_gamma, t->at.epoch);
  nrf_weight_optimizer_step(t->model_optimizer, p, t->gradient);
  nrf_energy_model_parameters_changed(t->model);
  t->last.positive_energy = positive;
  t->last.negative_energy = negative;
  t->last.loss            = (positive - negative) + l2 * (positive * positive + negative * negative);
  return check_parameters(t, p, "weights");
}

/* ---- the batch ---- */

static nrf_status tell_phase_ended(const nrf_trainer *t, const nrf_train_watcher *w, const nrf_states *states)
{
  return w->phase_ended == NULL ? NRF_OK : w->phase_ended(w->user, t, states);
}

static nrf_status end_positive_phase(nrf_trainer *t, const nrf_train_watcher *w)
{
  t->last.positive_steps = t->at.phase_step;
  NRF_RETURN_IF_ERROR(teach_initialiser(t));
  NRF_RETURN_IF_ERROR(tell_phase_ended(t, w, t->positive));
  return begin_negative_phase(t);
}

static nrf_status end_negative_phase(nrf_trainer *t, const nrf_train_watcher *w)
{
  t->last.negative_steps = t->at.phase_step;
  NRF_RETURN_IF_ERROR(nrf_replay_buffer_push(t->buffer, t->negative));
  NRF_RETURN_IF_ERROR(update_weights(t));
  NRF_RETURN_IF_ERROR(tell_phase_ended(t, w, t->negative));
  nrf_negative_length_add(&t->negative_length, (int)t->at.epoch + 1, t->last.positive_energy,
                          t->last.negative_energy);
  t->has_previous = true;
  t->at.part      = NRF_BETWEEN_BATCHES;
  t->at.batches++;
  t->at.batch_in_epoch++;
  return NRF_OK;
}

nrf_status nrf_trainer_continue_batch(nrf_trainer *t, const nrf_train_watcher *watcher)
{
  bool stopped = false;
  if (t->at.part == NRF_POSITIVE_PHASE) {
    NRF_RETURN_IF_ERROR(run_phase(t, watcher, t->positive, &stopped));
    if (stopped) return NRF_OK;
    NRF_RETURN_IF_ERROR(end_positive_phase(t, watcher));
  }
  NRF_RETURN_IF_ERROR(run_phase(t, watcher, t->negative, &stopped));
  if (stopped) return NRF_OK;
  return end_negative_phase(t, watcher);
}

bool nrf_trainer_end_epoch(nrf_trainer *t)
{
  const int epoch = (int)t->at.epoch + 1;
  t->at.epoch++;
  t->at.batch_in_epoch = 0;
  return nrf_negative_length_end_epoch(&t->negative_length, epoch);
}
