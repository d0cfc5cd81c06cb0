/* visualisation_field.c - one run of --viz. */
#include "managers/visualisation_field.h"

#include "io/md5.h"
#include "managers/initial_states.h"
#include "managers/setup.h"
#include "nrflv/memory.h"

#include <string.h>

/* The value of the channel that channels_state holds up; tempered annealing ends below this noise. */
static const float  held_value  = 0.8f;
static const double least_noise = 0.005;

/* Addresses the random numbers of the initial states: those of a training run's first negative phase. */
static const uint64_t initial_phase = 1;

struct nrf_viz_field {
  const nrf_settings *settings;
  nrf_energy_model   *model;
  nrf_initialiser    *initialiser; /* NULL without --neg_ff_init */
  nrf_sampler        *sampler;
  nrf_states         *states;
  float              *saved_parameters; /* [parameters->count], as in the file */
};

static nrf_status create_sampler(nrf_viz_field *f, const nrf_architecture *a)
{
  nrf_sampler_config config;
  NRF_RETURN_IF_ERROR(nrf_setup_sampler(f->settings, a->n_layers, &config));
  return nrf_sampler_create(&config, &nrf_state_kernels_cpu, a->n_layers, a->size,
                            f->settings->num_viz_samples, &f->sampler);
}

static nrf_status keep_parameters(nrf_viz_field *f)
{
  const nrf_parameters *p = nrf_energy_model_parameters(f->model);
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(p->count, "parameters", &f->saved_parameters));
  memcpy(f->saved_parameters, p->value, (size_t)p->count * sizeof(float));
  return NRF_OK;
}

nrf_status nrf_viz_field_create(const nrf_loaded_model *model, nrf_viz_field **out)
{
  const nrf_architecture *a     = nrf_loaded_model_architecture(model);
  const int               batch = model->settings.num_viz_samples;
  nrf_status              st    = NRF_OK;
  nrf_viz_field          *f     = NULL;
  *out                          = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *f, "visualisation", (void **)&f));
  f->settings = &model->settings;
  NRF_TRY(create_sampler(f, a)); /* first: it checks settings and costs nothing */
  NRF_TRY(nrf_loaded_model_energy(model, batch, &f->model));
  NRF_TRY(keep_parameters(f));
  if (f->settings->neg_ff_init) NRF_TRY(nrf_loaded_model_initialiser(model, batch, &f->initialiser));
  NRF_TRY(nrf_states_create(a->n_layers, a->size, batch, &f->states));
  *out = f;
  f    = NULL;
done:
  nrf_viz_field_free(f);
  return st;
}

void nrf_viz_field_free(nrf_viz_field *f)
{
  if (f == NULL) return;
  nrf_energy_model_free(f->model);
  nrf_initialiser_free(f->initialiser);
  nrf_sampler_free(f->sampler);
  nrf_states_free(f->states);
  nrf_free(f->saved_parameters);
  nrf_free(f);
}

void nrf_viz_field_fingerprint(const nrf_viz_field *f, char text[NRF_VIZ_FINGERPRINT_BYTES])
{
  const nrf_parameters *p = nrf_energy_model_parameters(f->model);
  nrf_md5               md5;
  nrf_md5_init(&md5);
  nrf_md5_update(&md5, f->saved_parameters, (size_t)p->count * sizeof(float));
  nrf_md5_final(&md5, text);
}

/* ---- a run ---- */

typedef struct generation generation;

/* What --viz_type decides. */
typedef struct generator {
  nrf_gradient_fn *gradient;
  void (*intervene)(const generation *g, nrf_states *states); /* after every step; may be NULL */
} generator;

struct generation {
  nrf_viz_field   *field;
  const generator *how;
  nrf_viz_run      run;
  nrf_viz_watcher *watcher;
  void            *user;
  bool             stopped;
};

static nrf_status gradient_of_energy(void *model, const nrf_states *states, nrf_states *gradient)
{
  const generation        *g       = model;
  const nrf_energy_request request = {.gradient = gradient};
  return nrf_energy_model_evaluate(g->field->model, states, &request);
}

static nrf_status gradient_of_channel(void *model, const nrf_states *states, nrf_states *gradient)
{
  const generation *g = model;
  return nrf_energy_model_channel_gradient(g->field->model, states, g->run.layer, g->run.channel, gradient);
}

static void hold_channel(const generation *g, nrf_states *states)
{
  const int     channels = states->size[g->run.layer].channels;
  const int64_t count    = nrf_states_count(states, g->run.layer);
  float        *state    = states->data[g->run.layer];
  memset(state, 0, (size_t)count * sizeof(float));
  for (int64_t e = g->run.channel; e < count; e += channels) state[e] = held_value;
}

static const generator generators[NRF_VIZ_KINDS] = {
    [NRF_VIZ_STANDARD]        = {gradient_of_energy, NULL},
    [NRF_VIZ_CHANNELS_ENERGY] = {gradient_of_channel, NULL},
    [NRF_VIZ_CHANNELS_STATE]  = {gradient_of_energy, hold_channel},
};

static nrf_status after_step(void *user, const nrf_sampler_moment *moment, bool *stop)
{
  generation         *g = user;
  const nrf_settings *s = g->field->settings;
  if (s->viz_tempered_annealing)
    NRF_RETURN_IF_ERROR(
        nrf_state_optimizer_anneal(nrf_sampler_optimizer(g->field->sampler), s->viz_temp_decay, least_noise));
  if (g->how->intervene != NULL) g->how->intervene(g, moment->states);
  NRF_RETURN_IF_ERROR(g->watcher(g->user, moment->step, moment->states, &g->stopped));
  *stop = g->stopped;
  return NRF_OK;
}

/* Spectral normalisation's vectors move with every evaluation; a run must not depend on those before it. */
static void restore_parameters(nrf_viz_field *f)
{
  nrf_parameters *p = nrf_energy_model_parameters(f->model);
  if (!nrf_energy_model_architecture(f->model)->spectral_norm) return;
  memcpy(p->value, f->saved_parameters, (size_t)p->count * sizeof(float));
  nrf_energy_model_parameters_changed(f->model);
}

nrf_status nrf_viz_field_run(nrf_viz_field *f, nrf_viz_kind kind, nrf_viz_run run, nrf_viz_watcher *watcher,
                             void *user)
{
  generation g = {.field = f, .how = &generators[kind], .run = run, .watcher = watcher, .user = user};
  int64_t    done;
  restore_parameters(f);
  nrf_sampler_reset(f->sampler);
  NRF_RETURN_IF_ERROR(nrf_start_all_layers(f->settings, f->initialiser, initial_phase, f->states));
  NRF_RETURN_IF_ERROR(watcher(user, 0, f->states, &g.stopped));
  if (g.stopped) return NRF_OK;
  const nrf_phase phase = {.gradient = g.how->gradient, .model = &g, .after_step = after_step, .user = &g};
  return nrf_sampler_run(f->sampler, &phase, f->states, 0, f->settings->num_it_viz, &done);
}
