/* experiment_run.c - an experiment from its first step, or from where it was cut short, to its finished file. */
#include "managers/experiment_run.h"

#include "managers/experiment_reduce.h"
#include "managers/experiment_saver.h"
#include "managers/experiment_state.h"
#include "managers/initial_states.h"
#include "managers/setup.h"
#include "nrflv/memory.h"
#include "nrflv/recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct nrf_experiment_engine {
  const nrf_experiment_plan *plan;
  nrf_time_limit            *limit;
  const nrf_progress        *progress;
  nrf_energy_model          *model;
  nrf_initialiser           *initialiser; /* NULL unless latent layers start from it                        */
  bool                       spectral_norm; /* evaluations change parameters, which then start from:        */
  float                     *model_start, *initialiser_start;
  nrf_states *neuron_energy, *bno; /* NULL unless recorded                                     */
};

/* One experiment on the way. */
typedef struct experiment_run {
  nrf_experiment_engine        *engine;
  const nrf_planned_experiment *item;
  nrf_settings                  settings; /* the plan's, with the experiment's own seed */
  nrf_sampler                  *sampler;
  nrf_states                   *states;
  nrf_sampler_state            *copy;
  int64_t                       done; /* steps */

  nrf_recording_writer *writer; /* these three NULL while steps are only timed */
  nrf_recorder         *recorder;
  nrf_saver            *saver;
  const nrf_states     *source[NRF_RECORD_VARIABLES];
  bool                  stopped, out_of_time;
} experiment_run;

/* ---- the engine ---- */

static nrf_status create_fields(nrf_experiment_engine *e, bool wanted, nrf_states **out)
{
  const nrf_architecture *a = nrf_loaded_model_architecture(e->plan->model);
  return wanted ? nrf_states_create(a->n_layers, a->size, NRF_EXPERIMENT_BATCH, out) : NRF_OK;
}

/* Every evaluation under spectral normalisation moves some parameters, and every experiment has to start from the model's. */
static nrf_status keep_start(const nrf_parameters *p, float **out)
{
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(p->count, "parameters", out));
  memcpy(*out, p->value, (size_t)p->count * sizeof(float));
  return NRF_OK;
}

static void restore_start(const float *start, nrf_parameters *p)
{
  memcpy(p->value, start, (size_t)p->count * sizeof(float));
}

static nrf_status load_networks(nrf_experiment_engine *e)
{
  const nrf_loaded_model *model = e->plan->model;
  e->spectral_norm              = nrf_loaded_model_architecture(model)->spectral_norm;
  NRF_RETURN_IF_ERROR(nrf_loaded_model_energy(model, NRF_EXPERIMENT_BATCH, &e->model));
  if (e->spectral_norm)
    NRF_RETURN_IF_ERROR(keep_start(nrf_energy_model_parameters(e->model), &e->model_start));
  if (strcmp(e->plan->settings.initializer, "ff_init") != 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_loaded_model_initialiser(model, NRF_EXPERIMENT_BATCH, &e->initialiser));
  return e->spectral_norm ? keep_start(nrf_initialiser_parameters(e->initialiser), &e->initialiser_start)
                          : NRF_OK;
}

/* The networks as they were loaded. */
static void reset_networks(nrf_experiment_engine *e)
{
  if (!e->spectral_norm) return;
  restore_start(e->model_start, nrf_energy_model_parameters(e->model));
  nrf_energy_model_parameters_changed(e->model);
  if (e->initialiser == NULL) return;
  restore_start(e->initialiser_start, nrf_initialiser_parameters(e->initialiser));
  nrf_initialiser_parameters_changed(e->initialiser);
}

nrf_status nrf_experiment_engine_create(const nrf_experiment_plan *plan, nrf_time_limit *limit,
                                        const nrf_progress *progress, nrf_experiment_engine **out)
{
  nrf_status             st = NRF_OK;
  nrf_experiment_engine *e  = NULL;
  *out                      = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *e, "experiments", (void **)&e));
  e->plan     = plan;
  e->limit    = limit;
  e->progress = progress;
  NRF_TRY(load_networks(e));
  NRF_TRY(create_fields(e, plan->variable[NRF_RECORD_ENERGY], &e->neuron_energy));
  NRF_TRY(create_fields(e, plan->variable[NRF_RECORD_BNO], &e->bno));
  *out = e;
  e    = NULL;
done:
  nrf_experiment_engine_free(e);
  return st;
}

void nrf_experiment_engine_free(nrf_experiment_engine *e)
{
  if (e == NULL) return;
  nrf_energy_model_free(e->model);
  nrf_initialiser_free(e->initialiser);
  nrf_free(e->model_start);
  nrf_free(e->initialiser_start);
  nrf_states_free(e->neuron_energy);
  nrf_states_free(e->bno);
  nrf_free(e);
}

/* ---- where an experiment starts ---- */

static nrf_status create_run(nrf_experiment_engine *e, const nrf_planned_experiment *item, experiment_run *r)
{
  const nrf_architecture *a = nrf_loaded_model_architecture(e->plan->model);
  nrf_sampler_config      config;
  char                    identity[NRF_SAMPLER_IDENTITY];
  *r               = (experiment_run){.engine = e, .item = item, .settings = e->plan->settings};
  r->settings.seed = nrf_experiment_seed(e->plan->settings.seed, item->experiment);
  NRF_RETURN_IF_ERROR(nrf_setup_sampler(&r->settings, a->n_layers, &config));
  NRF_RETURN_IF_ERROR(nrf_sampler_create(&config, &nrf_state_kernels_cpu, a->n_layers, a->size,
                                         NRF_EXPERIMENT_BATCH, &r->sampler));
  NRF_RETURN_IF_ERROR(nrf_states_create(a->n_layers, a->size, NRF_EXPERIMENT_BATCH, &r->states));
  const nrf_sampler_sources sources = {r->states, r->sampler,
                                       e->spectral_norm ? nrf_energy_model_parameters(e->model) : NULL};
  (void)snprintf(identity, sizeof identity, "%s, model %s, settings %s, %" PRId64 " steps",
                 item->experiment->name, e->plan->model_hash, e->plan->settings_hash, item->info.n_steps);
  return nrf_sampler_state_create(&sources, identity, &r->copy);
}

static void free_run(experiment_run *r)
{
  nrf_saver_free(r->saver);
  nrf_recorder_free(r->recorder);
  nrf_recording_writer_free(r->writer);
  nrf_sampler_state_free(r->copy);
  nrf_sampler_free(r->sampler);
  nrf_states_free(r->states);
}

static nrf_status start_afresh(experiment_run *r)
{
  nrf_experiment_engine *e = r->engine;
  nrf_sampler_reset(r->sampler);
  reset_networks(e);
  r->done = 0;
  nrf_experiment_show(e->plan, r->item, NRF_SHOWN_TEST_IMAGES, r->states);
  return nrf_start_latent_layers(&r->settings, e->initialiser, 0, r->states);
}

/* Rows that the first `steps` steps make. */
static int64_t rows_of(const experiment_run *r, int64_t steps)
{
  return (steps + r->item->info.stride - 1) / r->item->info.stride;
}

/* Where the saved sampler was, if it was saved, and otherwise from the first step on: the same numbers come again. */
static nrf_status start(experiment_run *r, int64_t rows)
{
  const nrf_progress *progress = r->engine->progress;
  const char         *name     = r->item->experiment->name;
  if (rows == 0) return start_afresh(r);
  if (nrf_sampler_state_read(r->copy, r->item->state) != NRF_OK) {
    nrf_progress_message(progress, NRF_WARNING, "%s; %s begins again at its first step", nrf_error_message(),
                         name);
    return start_afresh(r);
  }
  r->done = nrf_sampler_state_put_back(r->copy);
  if (r->engine->spectral_norm) nrf_energy_model_parameters_changed(r->engine->model);
  if (rows_of(r, r->done) > rows || r->done > r->item->info.n_steps) {
    nrf_progress_message(progress, NRF_WARNING, "%s: is ahead of %s, which begins again at its first step",
                         r->item->state, r->item->partial);
    return start_afresh(r);
  }
  nrf_progress_message(progress, NRF_INFO, "%s goes on at step %lld of %lld", name, (long long)r->done,
                       (long long)r->item->info.n_steps);
  return NRF_OK;
}

/* ---- steps ---- */

static nrf_status evaluate(void *model, const nrf_states *states, nrf_states *gradient)
{
  nrf_experiment_engine   *e       = model;
  const nrf_energy_request request = {.gradient = gradient, .neuron_energy = e->neuron_energy, .bno = e->bno};
  return nrf_energy_model_evaluate(e->model, states, &request);
}

/* "just_angle (2 of 5), stimulus". */
static void show_progress(const experiment_run *r)
{
  const nrf_experiment_plan *plan   = r->engine->plan;
  const int                  number = (int)(r->item - plan->item);
  const nrf_recording_info  *info   = &r->item->info;
  int64_t                    before = 0, total = 0;
  int                        phase = 0;
  for (int i = 0; i < plan->n; i++) {
    if (i < number) before += plan->item[i].info.n_steps;
    total += plan->item[i].info.n_steps;
  }
  while (phase + 1 < info->n_phases && info->phase[phase + 1].first_step < r->done) phase++;
  nrf_progress_update(r->engine->progress, before + r->done, total, "%s (%d of %d), %s",
                      r->item->experiment->name, number + 1, plan->n, info->phase[phase].name);
}

/* What has still to be written before this session can end. */
static int64_t bytes_pending(const experiment_run *r)
{
  const nrf_recorder_report report = nrf_recorder_report_of(r->recorder);
  const int64_t             rows   = nrf_recording_n_rows(&r->item->info);
  return nrf_sampler_state_bytes(r->copy) +
         nrf_recording_data_bytes(&r->item->info) / rows * (report.rows - report.rows_written);
}

static nrf_status after_step(void *user, const nrf_sampler_moment *moment, bool *stop)
{
  (void)moment;
  experiment_run *r = user;
  NRF_RETURN_IF_ERROR(nrf_recorder_push(r->recorder, r->done, r->source));
  r->done++;
  NRF_RETURN_IF_ERROR(nrf_saver_look(r->saver, r->done));
  show_progress(r);
  r->out_of_time = nrf_time_is_up(r->engine->limit, bytes_pending(r));
  r->stopped     = r->out_of_time || nrf_progress_stop_requested(r->engine->progress);
  *stop          = r->stopped;
  return NRF_OK;
}

/* Makes steps of the phase that lies `first` .. `end`, from where the run is. */
static nrf_status run_phase(experiment_run *r, const nrf_experiment_phase *phase, int64_t end)
{
  const nrf_phase sampled = {
      .gradient = evaluate, .model = r->engine, .held = 1u, .after_step = after_step, .user = r};
  int64_t steps = 0;
  nrf_experiment_show(r->engine->plan, r->item, phase->shown, r->states);
  const nrf_status st =
      nrf_sampler_run(r->sampler, &sampled, r->states, (uint64_t)r->done, end - r->done, &steps);
  return st == NRF_EDIVERGED ? nrf_error_context(st, "%s, %s", r->item->experiment->name, phase->name) : st;
}

static nrf_status run_phases(experiment_run *r)
{
  const nrf_experiment *e   = r->item->experiment;
  int64_t               end = 0;
  for (int i = 0; i < e->n_phases && !r->stopped; i++) {
    end += nrf_experiment_phase_steps(e, i, &r->settings);
    if (r->done < end) NRF_RETURN_IF_ERROR(run_phase(r, &e->phase[i], end));
  }
  return NRF_OK;
}

/* ---- how long a step takes ---- */

static int64_t steps_of_all(const nrf_experiment_plan *plan)
{
  int64_t steps = 0;
  for (int i = 0; i < plan->n; i++) steps += plan->item[i].info.n_steps;
  return steps;
}

nrf_status nrf_experiment_time_step(nrf_experiment_engine *e, double *seconds)
{
  static const double enough_seconds = 1.0;
  enum { ENOUGH_STEPS = 20, AT_LEAST = 2 };
  const uint64_t tenth =
      (uint64_t)steps_of_all(e->plan) / 10; /* what takes a moment is not timed for as long */
  const uint64_t  enough  = tenth < ENOUGH_STEPS ? tenth : ENOUGH_STEPS;
  const nrf_phase sampled = {.gradient = evaluate, .model = e, .held = 1u};
  experiment_run  r;
  uint64_t        steps = 0;
  nrf_status      st    = create_run(e, &e->plan->item[0], &r);
  if (st == NRF_OK) st = start_afresh(&r);
  if (st == NRF_OK)
    st = nrf_sampler_step(r.sampler, &sampled, r.states, 0, NULL); /* builds what steps need */
  const double begun = nrf_seconds_now();
  while (st == NRF_OK && (steps < AT_LEAST || (steps < enough && nrf_seconds_now() - begun < enough_seconds)))
    st = nrf_sampler_step(r.sampler, &sampled, r.states, ++steps, NULL);
  *seconds = steps > 0 ? (nrf_seconds_now() - begun) / (double)steps : 0;
  free_run(&r);
  return st;
}

/* ---- recording ---- */

/* When the recording is begun; SOURCE_DATE_EPOCH, for who wants equal files, is seconds since 1970. */
static int64_t time_of_beginning(void)
{
  const char     *fixed = getenv("SOURCE_DATE_EPOCH");
  char           *end;
  const long long seconds = fixed != NULL ? strtoll(fixed, &end, 10) : 0;
  return fixed != NULL && end != fixed && *end == '\0' ? seconds : (int64_t)time(NULL);
}

static nrf_status create_recording(experiment_run *r)
{
  nrf_recording_info info = r->item->info;
  info.session_start      = time_of_beginning();
  (void)unlink(r->item->state); /* of a recording that is replaced */
  nrf_status st = nrf_recording_create(r->item->partial, &info, true, &r->writer);
  if (st == NRF_ENOSPACE && r->settings.force)
    st = nrf_recording_create(r->item->partial, &info, false, &r->writer);
  return st;
}

static nrf_status open_recording(experiment_run *r, int64_t *rows)
{
  *rows = 0;
  if (r->item->stage == NRF_RECORDING_MISSING) return create_recording(r);
  return nrf_recording_resume(r->item->partial, &r->item->info, &r->writer, rows);
}

static int threads_of(const experiment_run *r)
{
  return nrf_setup_energy(&r->settings, NRF_EXPERIMENT_BATCH).compute.threads;
}

static nrf_status open_recorder(experiment_run *r)
{
  nrf_state_optimizer *o           = nrf_sampler_optimizer(r->sampler);
  r->source[NRF_RECORD_STATE]      = r->states;
  r->source[NRF_RECORD_MOMENTUM]   = nrf_state_optimizer_memory(o, NRF_MEMORY_MOMENTUM);
  r->source[NRF_RECORD_GRADIENT]   = nrf_sampler_gradient(r->sampler);
  r->source[NRF_RECORD_ENERGY]     = r->engine->neuron_energy;
  r->source[NRF_RECORD_BNO]        = r->engine->bno;
  const nrf_recorder_config config = {.memory = (size_t)(r->settings.record_memory * (double)(1 << 30)),
                                      .flush_seconds = r->settings.record_flush,
                                      .threads       = threads_of(r)};
  NRF_RETURN_IF_ERROR(nrf_recorder_create(r->writer, &config, &r->recorder));
  return nrf_saver_create(r->copy, r->item->state, r->writer, r->recorder, r->engine->progress, &r->saver);
}

static void warn_of_overflows(const experiment_run *r)
{
  const int64_t n = nrf_recorder_report_of(r->recorder).overflows;
  if (n > 0)
    nrf_progress_message(r->engine->progress, NRF_WARNING,
                         "%s: %lld numbers were too large for --record_format %s and became infinite",
                         r->item->experiment->name, (long long)n, r->settings.record_format);
}

/* Everything that was computed is written, whatever ended the run; an error of the run stays the error. */
static nrf_status end_sampling(experiment_run *r, nrf_status st)
{
  char why[1024];
  (void)snprintf(why, sizeof why, "%s", nrf_error_message());
  const nrf_status drained = nrf_recorder_drain(r->recorder);
  if (st == NRF_OK && drained != NRF_OK) {
    st = drained;
    (void)snprintf(why, sizeof why, "%s", nrf_error_message());
  }
  if (st != NRF_OK)
    return nrf_error(st, "%s; what was recorded before is in %s%s", why, r->item->partial,
                     st == NRF_EDIVERGED ? "" : ", and the same command goes on with it");
  warn_of_overflows(r);
  return r->stopped ? nrf_saver_save(r->saver, r->done) : NRF_OK;
}

static nrf_status sample(experiment_run *r)
{
  NRF_RETURN_IF_ERROR(open_recorder(r));
  int64_t before = 0;
  for (const nrf_planned_experiment *i = r->engine->plan->item; i < r->item; i++) before += i->info.n_steps;
  nrf_progress_begin(r->engine->progress, "recording", "steps", before + r->done);
  const nrf_status st = end_sampling(r, run_phases(r));
  nrf_saver_free(r->saver); /* a save under way would leave its file behind after a complete recording */
  r->saver = NULL;
  nrf_progress_end(r->engine->progress);
  return st;
}

/* ---- the end ---- */

static nrf_status say_how_to_go_on(const experiment_run *r)
{
  const nrf_experiment_plan *plan = r->engine->plan;
  nrf_progress_message(r->engine->progress, NRF_RESULT, "%s: %s, after step %lld of %lld, and saved",
                       r->item->experiment->name,
                       r->out_of_time ? "--max_hours is nearly over: stopped" : "stopped on request",
                       (long long)r->done, (long long)r->item->info.n_steps);
  nrf_progress_message(r->engine->progress, NRF_RESULT,
                       "to go on: the same command, with --load_model %s --model_name %s", plan->model->path,
                       plan->session);
  return nrf_error(NRF_EINTERRUPTED, "%s: stopped, and saved", r->item->experiment->name);
}

/* The recording itself, or what is to stay of it. The writer keeps others from the recording meanwhile, and losing power while
 * it is reduced must not lose rows that it calls complete. */
static nrf_status complete(experiment_run *r, const nrf_progress *progress)
{
  const nrf_planned_experiment *item = r->item;
  if (!item->reduce) return nrf_recording_finish(r->writer, item->final, progress);
  NRF_RETURN_IF_ERROR(nrf_recording_sync(r->writer));
  return nrf_reduction_make(item->partial, item->final, &r->settings, threads_of(r), progress);
}

static nrf_status finish(experiment_run *r)
{
  nrf_limited_progress limited  = {.inner = r->engine->progress, .limit = r->engine->limit};
  const nrf_progress   progress = nrf_limited_progress_of(&limited);
  const nrf_status     st       = complete(r, &progress);
  r->out_of_time                = limited.out_of_time;
  if (st == NRF_EINTERRUPTED) return say_how_to_go_on(r);
  NRF_RETURN_IF_ERROR(st);
  (void)unlink(r->item->state);
  nrf_progress_message(r->engine->progress, NRF_RESULT, "wrote %s", r->item->final);
  return NRF_OK;
}

static nrf_status record(experiment_run *r)
{
  int64_t rows;
  NRF_RETURN_IF_ERROR(open_recording(r, &rows));
  if (rows < nrf_recording_n_rows(&r->item->info)) {
    NRF_RETURN_IF_ERROR(start(r, rows));
    NRF_RETURN_IF_ERROR(sample(r));
    if (r->stopped) return say_how_to_go_on(r);
  }
  return finish(r);
}

nrf_status nrf_experiment_record(nrf_experiment_engine *e, int item)
{
  experiment_run r;
  nrf_status     st = create_run(e, &e->plan->item[item], &r);
  if (st == NRF_OK) st = record(&r);
  free_run(&r);
  return st;
}
