/* training.c - a training session: what it starts from, the loop over batches, saving, stopping in time. */
#include "nrflv/training.h"

#include "managers/checkpoint_format.h"
#include "managers/loaded_model.h"
#include "managers/results_row.h"
#include "managers/session.h"
#include "managers/setup.h"
#include "managers/time_limit.h"
#include "managers/training_log.h"
#include "managers/training_state.h"
#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"
#include "nrflv/model_name.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Why the loop over batches ended. */
typedef enum session_end {
  AT_WORK,
  ALL_EPOCHS_DONE,
  MAX_BATCHES_DONE,
  STOP_REQUESTED,
  OUT_OF_TIME
} session_end;

typedef struct session {
  nrf_settings        settings;
  const nrf_progress *progress;
  nrf_session_paths   paths;
  nrf_checkpoint     *loaded; /* NULL for a new model */
  nrf_trainer        *trainer;
  nrf_dataset        *dataset;
  nrf_training_log   *log;

  int64_t   images, batches_per_epoch;
  uint32_t *order; /* [images] of the epoch under way */
  int64_t   order_epoch;
  float    *batch; /* images of a batch, NCHW */

  int64_t        first_batch, saved_batch; /* batches done when the session began, when it last saved */
  int64_t        expected_steps;           /* sampler steps at the end, as far as one can tell         */
  nrf_time_limit time;
  session_end    end;
} session;

/* ---- stopping in time ---- */

static bool should_stop(session *s)
{
  if (s->end == AT_WORK && nrf_progress_stop_requested(s->progress)) s->end = STOP_REQUESTED;
  if (s->end == AT_WORK && nrf_time_is_up(&s->time, nrf_training_bytes(s->trainer))) s->end = OUT_OF_TIME;
  return s->end != AT_WORK;
}

/* ---- what the session starts from ---- */

static bool is_set(const char *text)
{
  return text[0] != '\0';
}

/* Opens the model of --resume or --load_model; its settings win over the command line's. */
static nrf_status load(session *s)
{
  const bool  resume = is_set(s->settings.resume);
  const char *name   = resume ? s->settings.resume : s->settings.load_model;
  char        path[NRF_SESSION_PATH];
  if (!is_set(name)) return NRF_OK;

  NRF_RETURN_IF_ERROR(nrf_checkpoint_find(s->settings.exps_dir, name, path, sizeof path));
  NRF_RETURN_IF_ERROR(nrf_checkpoint_open(path, &s->loaded));
  NRF_RETURN_IF_ERROR(nrf_take_saved_settings(s->loaded, s->progress, &s->settings));
  if (resume) (void)snprintf(s->settings.model_name, sizeof s->settings.model_name, "%s", name);
  return NRF_OK;
}

static bool overrides(const nrf_settings *s, const char *name)
{
  for (int i = 0; i < s->override_loaded.count; i++)
    if (strcmp(s->override_loaded.name[i], name) == 0) return true;
  return false;
}

/* A saved model brings its own, so that nobody depends on a file that may have changed since. */
static nrf_status choose_architecture(const session *s, nrf_architecture *out)
{
  if (s->loaded == NULL || overrides(&s->settings, "architecture"))
    return nrf_setup_architecture(&s->settings, out);
  *out = *nrf_checkpoint_architecture(s->loaded);
  return NRF_OK;
}

/* Names the model and makes its directories. A model is overwritten by nobody but --resume. */
static nrf_status prepare_directories(session *s)
{
  nrf_settings *settings = &s->settings;
  if (!is_set(settings->model_name)) {
    char models[NRF_SESSION_PATH], name[NRF_MODEL_NAME_BYTES];
    (void)snprintf(models, sizeof models, "%s/models", settings->exps_dir);
    NRF_RETURN_IF_ERROR(nrf_model_name_new(models, name));
    (void)snprintf(settings->model_name, sizeof settings->model_name, "%s", name);
  }
  NRF_RETURN_IF_ERROR(nrf_session_paths_of(settings, &s->paths));
  if (!is_set(settings->resume) && access(s->paths.checkpoint, F_OK) == 0)
    return nrf_error(NRF_EINVAL, "%s: exists; choose another --model_name, or go on with --resume %s",
                     s->paths.checkpoint, settings->model_name);
  NRF_RETURN_IF_ERROR(nrf_session_make_directories(settings, &s->paths));
  return nrf_atomic_remove_stale(s->paths.models, NULL);
}

static nrf_status open_images(session *s)
{
  const nrf_architecture *a      = &s->trainer->architecture;
  const int64_t           floats = s->settings.batch_size * nrf_layer_units(a->size[0]);
  NRF_RETURN_IF_ERROR(nrf_setup_dataset(&s->settings, a, NRF_SPLIT_TRAIN, s->progress, &s->dataset));
  s->images            = nrf_dataset_count(s->dataset, NRF_SPLIT_TRAIN);
  s->batches_per_epoch = s->images / s->settings.batch_size;
  s->order_epoch       = -1;
  if (s->batches_per_epoch == 0)
    return nrf_error(NRF_EINVAL, "--batch_size %d: there are only %lld training images",
                     s->settings.batch_size, (long long)s->images);
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)s->images * sizeof *s->order, "order of images", (void **)&s->order));
  return nrf_alloc_floats(floats, "images of a batch", &s->batch);
}

static void introduce(const session *s)
{
  const nrf_trainer *t = s->trainer;
  nrf_progress_message(
      s->progress, NRF_INFO, "training %s: %s, %lld weights, %s, %lld images, batches of %d, seed %llu",
      s->settings.model_name, t->architecture.name,
      (long long)nrf_parameters_trainable_count(nrf_energy_model_parameters(t->model)), s->settings.dataset,
      (long long)s->images, s->settings.batch_size, (unsigned long long)s->settings.seed);
  for (int i = 0; i < t->architecture.n_layers; i++) {
    const nrf_mass_matrix *m = nrf_state_optimizer_mass_matrix(nrf_sampler_optimizer(t->sampler), i);
    if (m != NULL && m->interpolated)
      nrf_progress_message(
          s->progress, NRF_INFO,
          "layer %d: inverse mass matrix for %d channels, standard deviation interpolated: %.3g", i,
          m->channels, m->sd);
  }
}

/* ---- saving ---- */

static nrf_status write_row(const session *s, nrf_run_state state)
{
  return nrf_results_row_write(s->paths.row, s->trainer, state, nrf_seconds_now() - s->time.started);
}

static nrf_status save(session *s)
{
  const double begun = nrf_seconds_now();
  NRF_RETURN_IF_ERROR(nrf_training_save(s->paths.checkpoint, s->trainer, s->images));
  s->saved_batch = s->trainer->at.batches;
  nrf_time_limit_saved(&s->time, nrf_seconds_now() - begun);
  return NRF_OK;
}

/* A run that cannot save shall not start. A resumed one has its checkpoint already. */
static nrf_status prove_that_saving_works(session *s)
{
  if (!is_set(s->settings.resume)) return save(s);
  nrf_h5_file *trial = NULL;
  NRF_RETURN_IF_ERROR(nrf_h5_create(s->paths.checkpoint, &trial));
  nrf_h5_free(trial); /* not committed: it disappears */
  return NRF_OK;
}

/* ---- looking on, sampler step by sampler step ---- */

static void show_progress(const session *s)
{
  const nrf_trainer       *t    = s->trainer;
  const nrf_train_outcome *last = &t->last;
  char                     text[160];
  int n = snprintf(text, sizeof text, "epoch %lld, batch %lld", (long long)t->at.epoch + 1,
                   (long long)t->at.batches);
  if (t->at.batches > 0)
    n += snprintf(text + n, sizeof text - (size_t)n, ", E+ %.4g, E- %.4g", last->positive_energy,
                  last->negative_energy);
  if (t->at.batches > 0 && t->initialiser != NULL)
    (void)snprintf(text + n, sizeof text - (size_t)n, ", initialiser %.3g", last->initialiser_loss);
  nrf_progress_update(s->progress, t->at.sampler_steps, s->expected_steps, "%s", text);
}

static bool on_wants(void *user, const nrf_trainer *t)
{
  (void)user;
  return nrf_training_log_wants(t);
}

static nrf_status on_evaluated(void *user, const nrf_trainer *t, const nrf_states *states, double energy,
                               const nrf_states *neuron_energy, const nrf_states *bno)
{
  return nrf_training_log_evaluated(((session *)user)->log, t, states, energy, neuron_energy, bno);
}

static nrf_status on_phase_begun(void *user, const nrf_trainer *t, const nrf_states *states)
{
  return nrf_training_log_phase_begun(((session *)user)->log, t, states);
}

static nrf_status on_stepped(void *user, const nrf_trainer *t, const nrf_states *states, bool *stop)
{
  session *s = user;
  NRF_RETURN_IF_ERROR(nrf_training_log_stepped(s->log, t, states));
  show_progress(s);
  *stop = should_stop(s);
  return NRF_OK;
}

static nrf_status on_phase_ended(void *user, const nrf_trainer *t, const nrf_states *states)
{
  return nrf_training_log_phase_ended(((session *)user)->log, t, states);
}

/* ---- the loop over batches ---- */

static int64_t batches_left(const session *s)
{
  const nrf_train_position *at      = &s->trainer->at;
  const int64_t             epochs  = s->settings.epochs - at->epoch;
  const int64_t             left    = epochs * s->batches_per_epoch - at->batch_in_epoch;
  const int64_t             allowed = s->first_batch + s->settings.max_batches - at->batches;
  if (left <= 0) return 0;
  return s->settings.max_batches > 0 && allowed < left ? allowed : left;
}

static void expect_steps(session *s)
{
  const nrf_trainer *t         = s->trainer;
  const int64_t      per_batch = s->settings.num_it_pos + t->negative_length.steps;
  s->expected_steps            = t->at.sampler_steps + batches_left(s) * per_batch;
  if (t->at.part != NRF_BETWEEN_BATCHES) s->expected_steps -= t->at.phase_step;
  if (t->at.part == NRF_NEGATIVE_PHASE) s->expected_steps -= s->settings.num_it_pos;
}

static nrf_status begin_batch(session *s)
{
  const nrf_train_position *at = &s->trainer->at;
  if (s->order_epoch != at->epoch) {
    nrf_shuffle(s->settings.seed, (uint64_t)at->epoch, (uint32_t)s->images, s->order);
    s->order_epoch = at->epoch;
  }
  const uint32_t *indices = s->order + at->batch_in_epoch * s->settings.batch_size;
  NRF_RETURN_IF_ERROR(
      nrf_dataset_batch(s->dataset, NRF_SPLIT_TRAIN, indices, s->settings.batch_size, s->batch));
  return nrf_trainer_begin_batch(s->trainer, s->batch);
}

/* Also what a loaded model needs whose epoch has fewer batches now. */
static void end_epoch_if_due(session *s)
{
  nrf_trainer *t = s->trainer;
  if (t->at.part != NRF_BETWEEN_BATCHES || t->at.batch_in_epoch < s->batches_per_epoch) return;
  if (nrf_trainer_end_epoch(t))
    nrf_progress_message(s->progress, NRF_INFO, "epoch %lld: the negative phase now has %lld steps",
                         (long long)t->at.epoch, (long long)t->negative_length.steps);
}

static bool all_done(session *s)
{
  if (s->trainer->at.part != NRF_BETWEEN_BATCHES || batches_left(s) > 0) return false;
  s->end = s->trainer->at.epoch >= s->settings.epochs ? ALL_EPOCHS_DONE : MAX_BATCHES_DONE;
  return true;
}

static nrf_status run_batches(session *s)
{
  nrf_trainer            *t       = s->trainer;
  const nrf_train_watcher watcher = {s, on_wants, on_evaluated, on_phase_begun, on_stepped, on_phase_ended};
  end_epoch_if_due(s);
  while (!all_done(s) && !should_stop(s)) {
    expect_steps(s);
    if (t->at.part == NRF_BETWEEN_BATCHES) NRF_RETURN_IF_ERROR(begin_batch(s));
    NRF_RETURN_IF_ERROR(nrf_trainer_continue_batch(t, &watcher));
    if (t->at.part != NRF_BETWEEN_BATCHES) break; /* should_stop said so */
    end_epoch_if_due(s);
    if (t->at.batches % s->settings.model_save_interval == 0) {
      NRF_RETURN_IF_ERROR(save(s));
      NRF_RETURN_IF_ERROR(write_row(s, NRF_RUN_RUNNING));
    }
  }
  if (t->at.part != NRF_BETWEEN_BATCHES || s->saved_batch != t->at.batches) return save(s);
  return NRF_OK;
}

/* ---- the end ---- */

/* "batch 12" or "batch 12, negative phase, step 37 of 500". */
static const char *whereabouts(const nrf_trainer *t, char *text, size_t bytes)
{
  const int n = snprintf(text, bytes, "batch %lld", (long long)t->at.batches);
  if (t->at.part != NRF_BETWEEN_BATCHES)
    (void)snprintf(text + n, bytes - (size_t)n, ", %s, step %lld of %lld", nrf_batch_part_name(t->at.part),
                   (long long)t->at.phase_step, (long long)t->at.phase_length);
  return text;
}

static void say_how_it_ended(const session *s)
{
  static const char *const reasons[] = {[ALL_EPOCHS_DONE]  = "all epochs are done",
                                        [MAX_BATCHES_DONE] = "--max_batches is reached",
                                        [STOP_REQUESTED]   = "stopped on request, and saved",
                                        [OUT_OF_TIME] = "--max_hours is nearly over: stopped, and saved"};
  char                     where[128];
  const nrf_session_paths *p         = &s->paths;
  const bool               elsewhere = s->settings.given[nrf_setting_index(nrf_setting_find("exps_dir"))];
  nrf_progress_message(s->progress, NRF_RESULT, "%s, %s", whereabouts(s->trainer, where, sizeof where),
                       reasons[s->end]);
  nrf_progress_message(s->progress, NRF_RESULT, "wrote %s", p->checkpoint);
  nrf_progress_message(s->progress, NRF_RESULT, "wrote %s/*.png", p->samples);
  nrf_progress_message(s->progress, NRF_RESULT, "wrote %s/, for tensorboard --logdir %s", p->tblogs,
                       s->settings.tensorboard_log_dir);
  nrf_progress_message(s->progress, NRF_RESULT, "wrote %s", p->row);
  if (s->end != ALL_EPOCHS_DONE)
    nrf_progress_message(s->progress, NRF_RESULT, "to go on: nrflv --train --resume %s%s%s",
                         s->settings.model_name, elsewhere ? " --exps_dir " : "",
                         elsewhere ? s->settings.exps_dir : "");
}

/* The row says that the run diverged; the message, what is left. */
static nrf_status say_that_it_diverged(const session *s, nrf_status st)
{
  char why[1024];
  (void)snprintf(why, sizeof why, "%s", nrf_error_message());
  if (write_row(s, NRF_RUN_DIVERGED) != NRF_OK)
    nrf_progress_message(s->progress, NRF_WARNING, "%s", nrf_error_message());
  return nrf_error(st, "%s; the last good model, of batch %lld, is %s", why, (long long)s->saved_batch,
                   s->paths.checkpoint);
}

static void fill_result(const session *s, nrf_train_result *result)
{
  const nrf_trainer *t = s->trainer;
  if (result == NULL) return;
  (void)snprintf(result->model_name, sizeof result->model_name, "%s", s->settings.model_name);
  (void)snprintf(result->checkpoint, sizeof result->checkpoint, "%s", s->paths.checkpoint);
  result->batches          = t->at.batches;
  result->sampler_steps    = t->at.sampler_steps;
  result->loss             = t->last.loss;
  result->positive_energy  = t->last.positive_energy;
  result->negative_energy  = t->last.negative_energy;
  result->initialiser_loss = t->last.initialiser_loss;
}

/* ---- the whole ---- */

static nrf_status prepare(session *s)
{
  nrf_architecture architecture;
  NRF_RETURN_IF_ERROR(load(s));
  NRF_RETURN_IF_ERROR(choose_architecture(s, &architecture));
  NRF_RETURN_IF_ERROR(nrf_trainer_create(&s->settings, &architecture, &s->trainer));
  NRF_RETURN_IF_ERROR(open_images(s));
  if (s->loaded != NULL)
    NRF_RETURN_IF_ERROR(nrf_training_restore(s->loaded, s->images, s->progress, s->trainer));
  NRF_RETURN_IF_ERROR(prepare_directories(s));
  s->trainer->settings = s->settings; /* they now have the model's name */
  s->first_batch       = s->trainer->at.batches;
  s->saved_batch       = s->first_batch;
  introduce(s);
  NRF_RETURN_IF_ERROR(prove_that_saving_works(s));
  NRF_RETURN_IF_ERROR(write_row(s, NRF_RUN_RUNNING));
  return nrf_training_log_create(&s->paths, s->progress, s->trainer, &s->log);
}

static nrf_status run(session *s)
{
  nrf_progress_begin(s->progress, "training", "steps", s->trainer->at.sampler_steps);
  nrf_status st = run_batches(s);
  nrf_progress_end(s->progress);
  if (st == NRF_EDIVERGED) return say_that_it_diverged(s, st);
  if (st != NRF_OK) return st;

  const bool finished = s->end == ALL_EPOCHS_DONE;
  NRF_RETURN_IF_ERROR(write_row(s, finished ? NRF_RUN_FINISHED : NRF_RUN_STOPPED));
  st     = nrf_training_log_close(s->log);
  s->log = NULL;
  NRF_RETURN_IF_ERROR(st);
  say_how_it_ended(s);
  return s->end == STOP_REQUESTED || s->end == OUT_OF_TIME ? NRF_EINTERRUPTED : NRF_OK;
}

/* On the way out of an error: what the log still holds is written if it can be, the error stays the error. */
static void end_session(session *s)
{
  char why[1024];
  (void)snprintf(why, sizeof why, "%s", nrf_error_message());
  if (nrf_training_log_close(s->log) != NRF_OK)
    nrf_progress_message(s->progress, NRF_WARNING, "%s", nrf_error_message());
  (void)nrf_error(NRF_OK, "%s", why);
  nrf_checkpoint_close(s->loaded);
  nrf_trainer_free(s->trainer);
  nrf_dataset_free(s->dataset);
  nrf_free(s->order);
  nrf_free(s->batch);
  nrf_free(s);
}

nrf_status nrf_train(const nrf_settings *settings, const nrf_progress *progress, nrf_train_result *result)
{
  session   *s  = NULL;
  nrf_status st = nrf_alloc(sizeof *s, "training session", (void **)&s);
  if (st != NRF_OK) return st;
  s->settings = *settings;
  s->progress = progress;
  s->time     = nrf_time_limit_start(settings->max_hours);
  NRF_TRY(prepare(s));
  st = run(s);
  fill_result(s, result);
done:
  end_session(s);
  return st;
}
