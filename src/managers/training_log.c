/* training_log.c - TensorBoard events and pictures of a training run. */
#include "managers/training_log.h"

#include "nrflv/event_file.h"
#include "nrflv/image_grid.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

/* Of batches 2, 52, 102, ... the whole way of the negative phase is kept, every 20 steps. */
enum { FILM_PERIOD = 50, FILM_BATCH = 2, FILM_STEPS = 20 };

struct nrf_training_log {
  const nrf_session_paths *paths;
  const nrf_progress      *progress;
  nrf_event_file          *events;
  float                   *images; /* a batch of image layers, NCHW */
};

nrf_status nrf_training_log_create(const nrf_session_paths *paths, const nrf_progress *progress,
                                   const nrf_trainer *t, nrf_training_log **out)
{
  nrf_status        st  = NRF_OK;
  nrf_training_log *log = NULL;
  *out                  = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *log, "training log", (void **)&log));
  log->paths    = paths;
  log->progress = progress;
  NRF_TRY(nrf_alloc_floats(nrf_states_count(t->positive, 0), "pictures", &log->images));
  NRF_TRY(nrf_event_file_create(paths->tblogs, &log->events));
  *out = log;
  return NRF_OK;
done:
  nrf_free(log->images);
  nrf_free(log);
  return st;
}

nrf_status nrf_training_log_close(nrf_training_log *log)
{
  if (log == NULL) return NRF_OK;
  const nrf_status st = nrf_event_file_close(log->events);
  nrf_free(log->images);
  nrf_free(log);
  return st;
}

/* ---- scalars and histograms ---- */

static bool scalars_due(const nrf_trainer *t)
{
  return t->at.sampler_steps % t->settings.scalar_logging_interval == 0;
}

static bool histograms_due(const nrf_trainer *t)
{
  return t->settings.log_histograms && t->at.sampler_steps % t->settings.histogram_logging_interval == 0;
}

bool nrf_training_log_wants(const nrf_trainer *t)
{
  return scalars_due(t) || histograms_due(t);
}

static double mean_of(const nrf_states *s, int layer)
{
  const int64_t n   = nrf_states_count(s, layer);
  double        sum = 0.0;
  for (int64_t e = 0; e < n; e++) sum += (double)s->data[layer][e];
  return sum / (double)n;
}

/* One quantity of every layer, as its mean, its histogram or both. */
static nrf_status log_layers(nrf_training_log *log, const nrf_trainer *t, const char *mean_tag,
                             const char *hist_tag, const nrf_states *s)
{
  const int64_t step = t->at.sampler_steps;
  char          tag[64];
  for (int i = 0; i < s->n_layers; i++) {
    if (scalars_due(t)) {
      (void)snprintf(tag, sizeof tag, "layers/%s_%d", mean_tag, i);
      NRF_RETURN_IF_ERROR(nrf_event_add_scalar(log->events, tag, step, mean_of(s, i)));
    }
    if (histograms_due(t)) {
      const nrf_float_span all = {s->data[i], nrf_states_count(s, i)};
      (void)snprintf(tag, sizeof tag, "layers/%s_%d", hist_tag, i);
      NRF_RETURN_IF_ERROR(nrf_event_add_histogram(log->events, tag, step, 1, &all, NULL));
    }
  }
  return NRF_OK;
}

nrf_status nrf_training_log_evaluated(nrf_training_log *log, const nrf_trainer *t, const nrf_states *states,
                                      double energy, const nrf_states *neuron_energy, const nrf_states *bno)
{
  const char *tag = t->at.part == NRF_POSITIVE_PHASE ? "train/PosSamplesEnergy" : "train/NegSamplesEnergy";
  if (scalars_due(t))
    NRF_RETURN_IF_ERROR(nrf_event_add_scalar(log->events, tag, t->at.sampler_steps, energy));
  NRF_RETURN_IF_ERROR(log_layers(log, t, "mean_bnry", "hist_bnrys", bno));
  NRF_RETURN_IF_ERROR(log_layers(log, t, "mean_energies", "hist_energies", neuron_energy));
  return log_layers(log, t, "mean_states", "hist_states", states);
}

static nrf_status log_initialiser(nrf_training_log *log, const nrf_trainer *t)
{
  char tag[64];
  if (t->initialiser == NULL) return NRF_OK;
  NRF_RETURN_IF_ERROR(
      nrf_event_add_scalar(log->events, "Initializer/total_loss", t->at.batches, t->last.initialiser_loss));
  for (int i = 1; i < t->architecture.n_layers; i++) {
    (void)snprintf(tag, sizeof tag, "Initializer/loss_layer_%d", i);
    NRF_RETURN_IF_ERROR(
        nrf_event_add_scalar(log->events, tag, t->at.batches, t->last.initialiser_layer_loss[i]));
  }
  return NRF_OK;
}

static nrf_status log_update(nrf_training_log *log, const nrf_trainer *t)
{
  const nrf_energy_history *positive = &t->negative_length.positive, *negative = &t->negative_length.negative;
  const struct {
    const char *tag;
    bool        known;
    double      value;
  } scalars[] = {
      {"train/loss", true, t->last.loss},
      {"train/lr", true, t->model_optimizer->learning_rate},
      {"train/num_it_neg", true, (double)t->last.negative_steps},
      {"train/trunc_pos_at", t->truncation != NULL, (double)t->last.positive_steps},
      {"train/mean_pos_energy", positive->count > 0, nrf_energy_history_mean(positive)},
      {"train/mean_neg_energy", negative->count > 0, nrf_energy_history_mean(negative)},
  };
  for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++)
    if (scalars[i].known)
      NRF_RETURN_IF_ERROR(nrf_event_add_scalar(log->events, scalars[i].tag, t->at.batches, scalars[i].value));
  return nrf_event_file_flush(log->events);
}

/* ---- pictures ---- */

/* Every activation that --activation offers gives pictures in [0, 1]. */
static nrf_status save_picture(nrf_training_log *log, const nrf_states *states, const char *path)
{
  const nrf_layer_size image = states->size[0];
  nrf_states_get_nchw(states, 0, log->images);
  return nrf_image_grid_write(path, nrf_grid_style_of(0.0f, 1.0f), states->batch, image.channels,
                              image.height, image.width, log->images);
}

static nrf_status save_batch_picture(nrf_training_log *log, const nrf_trainer *t, const nrf_states *states,
                                     const char *prefix)
{
  char path[NRF_SESSION_PATH + 64];
  (void)snprintf(path, sizeof path, "%s/%s%06lld.png", log->paths->samples, prefix, (long long)t->at.batches);
  return save_picture(log, states, path);
}

static nrf_status save_film_frame(nrf_training_log *log, const nrf_trainer *t, const nrf_states *states)
{
  char path[NRF_SESSION_PATH + 64];
  if (t->at.part != NRF_NEGATIVE_PHASE || t->at.batches % FILM_PERIOD != FILM_BATCH ||
      t->at.phase_step % FILM_STEPS != 0)
    return NRF_OK;
  (void)snprintf(path, sizeof path, "%s/%06lld_%06lld.png", log->paths->neg_samples, (long long)t->at.batches,
                 (long long)t->at.phase_step);
  return save_picture(log, states, path);
}

/* ---- --printing_grad_mom_info ---- */

static nrf_status norm_of(const nrf_states *s, int layer, double *out)
{
  NRF_RETURN_IF_ERROR(nrf_state_kernels_cpu.squared_norm(nrf_states_count(s, layer), s->data[layer], out));
  *out = sqrt(*out);
  return NRF_OK;
}

static nrf_status tell_norms(nrf_training_log *log, const nrf_trainer *t)
{
  const nrf_states *gradient = nrf_sampler_gradient(t->sampler);
  const nrf_states *momentum =
      nrf_state_optimizer_memory(nrf_sampler_optimizer(t->sampler), NRF_MEMORY_MOMENTUM);
  for (int i = 0; i < t->architecture.n_layers; i++) {
    double g, p = NAN;
    NRF_RETURN_IF_ERROR(norm_of(gradient, i, &g));
    if (momentum != NULL) NRF_RETURN_IF_ERROR(norm_of(momentum, i, &p));
    nrf_progress_message(
        log->progress, NRF_INFO,
        "batch %lld, %s, step %lld, layer %d: norm of the gradient %.4g, of the momentum %.4g",
        (long long)t->at.batches, nrf_batch_part_name(t->at.part), (long long)t->at.phase_step, i, g, p);
  }
  return NRF_OK;
}

/* ---- the moments of a batch ---- */

nrf_status nrf_training_log_phase_begun(nrf_training_log *log, const nrf_trainer *t, const nrf_states *states)
{
  return save_film_frame(log, t, states);
}

nrf_status nrf_training_log_stepped(nrf_training_log *log, const nrf_trainer *t, const nrf_states *states)
{
  NRF_RETURN_IF_ERROR(save_film_frame(log, t, states));
  return t->settings.printing_grad_mom_info && scalars_due(t) ? tell_norms(log, t) : NRF_OK;
}

nrf_status nrf_training_log_phase_ended(nrf_training_log *log, const nrf_trainer *t, const nrf_states *states)
{
  const bool picture = t->at.batches % t->settings.img_logging_interval == 0;
  if (t->at.part == NRF_POSITIVE_PHASE) {
    NRF_RETURN_IF_ERROR(log_initialiser(log, t));
    return picture && t->settings.save_pos_images ? save_batch_picture(log, t, states, "p0_") : NRF_OK;
  }
  NRF_RETURN_IF_ERROR(log_update(log, t));
  return picture ? save_batch_picture(log, t, states, "") : NRF_OK;
}
