/* visualisation.c - nrflv --viz: run after run, with its pictures. */
#include "nrflv/visualisation.h"

#include "managers/loaded_model.h"
#include "managers/time_limit.h"
#include "managers/visualisation_field.h"
#include "managers/visualisation_folder.h"
#include "managers/visualisation_pictures.h"
#include "nrflv/image_grid.h"
#include "nrflv/memory.h"

#include <stdio.h>

typedef struct job {
  const nrf_settings *settings; /* the model's over the command line's */
  const nrf_progress *progress;
  nrf_loaded_model   *model;
  nrf_viz_plan        plan;
  nrf_viz_folder      folder;
  nrf_viz_field      *field;
  float              *images; /* [num_viz_samples, C, H, W]: a picture's */

  int            at;              /* the run under way                          */
  int            complete_before; /* runs that earlier sessions did             */
  int            complete;        /* runs that are done now, those included     */
  nrf_time_limit time;
  bool           out_of_time;

  double  timed_from; /* when the first step of the session was over, which prepares what others reuse */
  int64_t timed_steps;
  bool    told_time;
} job;

/* ---- what is to be done ---- */

static bool shows_channels(const job *j)
{
  return j->plan.kind != NRF_VIZ_STANDARD;
}

static nrf_layer_size layer_size(const job *j, int layer)
{
  return nrf_loaded_model_architecture(j->model)->size[layer];
}

static nrf_status open_folder(job *j)
{
  char fingerprint[NRF_VIZ_FINGERPRINT_BYTES];
  j->folder.kind     = j->plan.kind;
  j->folder.steps    = j->settings->num_it_viz;
  j->folder.interval = j->settings->viz_img_logging_step_interval;
  NRF_RETURN_IF_ERROR(nrf_viz_folder_path(j->settings, j->model->name, j->folder.path));
  nrf_viz_field_fingerprint(j->field, fingerprint);
  return nrf_viz_folder_open(&j->folder, j->settings, j->model->name, fingerprint, j->progress);
}

static nrf_status prepare(job *j, const nrf_settings *settings)
{
  NRF_RETURN_IF_ERROR(nrf_loaded_model_open(settings, j->progress, &j->model));
  j->settings = &j->model->settings;
  NRF_RETURN_IF_ERROR(nrf_viz_plan_make(j->settings, nrf_loaded_model_architecture(j->model), &j->plan));
  NRF_RETURN_IF_ERROR(nrf_viz_field_create(j->model, &j->field));
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(j->settings->num_viz_samples * nrf_layer_units(layer_size(j, 0)),
                                       "pictures", &j->images));
  NRF_RETURN_IF_ERROR(open_folder(j));
  for (int i = 0; i < j->plan.n_runs; i++)
    j->complete_before += nrf_viz_run_is_complete(&j->folder, j->plan.run[i]);
  j->complete = j->complete_before;
  j->time     = nrf_time_limit_start(j->settings->max_hours);
  return NRF_OK;
}

static void release(job *j)
{
  nrf_free(j->images);
  nrf_viz_field_free(j->field);
  nrf_viz_plan_free(&j->plan);
  nrf_loaded_model_close(j->model);
}

/* ---- what the user is told ---- */

static void tell_plan(const job *j)
{
  const long long steps = j->folder.steps, left = j->plan.n_runs - j->complete_before;
  const long long pictures = nrf_viz_picture_count(&j->folder);
  if (j->complete_before > 0)
    nrf_progress_message(j->progress, NRF_INFO,
                         "%s: %d of %d runs are there already, made with the same settings", j->folder.path,
                         j->complete_before, j->plan.n_runs);
  if (left > 0)
    nrf_progress_message(j->progress, NRF_INFO,
                         "visualising %s: %s, %lld %s of %lld steps on %d images, %lld pictures",
                         j->model->name, j->settings->viz_type, left, left == 1 ? "run" : "runs", steps,
                         j->settings->num_viz_samples, left * pictures);
}

/* "3 minutes": in the largest unit of which there are two. */
static void tell_duration(const job *j, double seconds, double steps_per_second)
{
  static const struct {
    const char *name;
    double      seconds;
  } units[] = {{"days", 86400}, {"hours", 3600}, {"minutes", 60}, {"seconds", 1}};
  size_t i  = 0;
  while (i + 1 < sizeof units / sizeof *units && seconds < 2 * units[i].seconds) i++;
  nrf_progress_message(j->progress, NRF_INFO, "this will take about %.2g %s, at %.3g steps a second",
                       seconds / units[i].seconds, units[i].name, steps_per_second);
}

/* A job that is over soon needs no forecast. */
static const double timing_seconds = 2.0, long_job_seconds = 30.0;

/* After a step: once enough of them are timed, says how long all will take. */
static void forecast(job *j, int64_t steps_done)
{
  const double now = nrf_seconds_now();
  if (j->told_time) return;
  if (j->timed_from == 0.0) {
    j->timed_from = now;
    return;
  }
  j->timed_steps++;
  if (now - j->timed_from < timing_seconds) return;
  j->told_time      = true;
  const double rate = (double)j->timed_steps / (now - j->timed_from);
  const double runs = j->plan.n_runs - j->complete;
  const double left = (runs * (double)j->folder.steps - (double)steps_done) / rate;
  if (left >= long_job_seconds) tell_duration(j, left, rate);
}

static void show_progress(const job *j, int64_t steps_done)
{
  const nrf_viz_run run   = j->plan.run[j->at];
  const int64_t     steps = j->folder.steps;
  const int64_t     done = j->complete * steps + steps_done, total = j->plan.n_runs * steps;
  if (shows_channels(j))
    nrf_progress_update(j->progress, done, total, "layer %d, channel %d", run.layer, run.channel);
  else
    nrf_progress_update(j->progress, done, total, "%s", "");
}

/* ---- a run ---- */

static nrf_status save_picture(job *j, int64_t steps_done, const nrf_states *states)
{
  const nrf_layer_size image = states->size[0];
  const nrf_viz_path   path  = nrf_viz_picture_path(&j->folder, j->plan.run[j->at], steps_done);
  nrf_states_get_nchw(states, 0, j->images);
  /* Every activation that --activation offers gives pictures in [0, 1]. */
  return nrf_image_grid_write(path.text, nrf_grid_style_of(0.0f, 1.0f), states->batch, image.channels,
                              image.height, image.width, j->images);
}

static bool should_stop(job *j)
{
  if (nrf_time_is_up(&j->time, 0)) j->out_of_time = true;
  return j->out_of_time || nrf_progress_stop_requested(j->progress);
}

static nrf_status watch(void *user, int64_t steps_done, const nrf_states *states, bool *stop)
{
  job *j = user;
  if (nrf_viz_picture_is_due(&j->folder, steps_done))
    NRF_RETURN_IF_ERROR(save_picture(j, steps_done, states));
  if (steps_done > 0) forecast(j, steps_done);
  show_progress(j, steps_done);
  *stop = should_stop(j);
  return NRF_OK;
}

static nrf_status generate(job *j)
{
  const nrf_viz_run run = j->plan.run[j->at];
  const nrf_status  st  = nrf_viz_field_run(j->field, j->plan.kind, run, watch, j);
  if (st != NRF_EDIVERGED || !shows_channels(j)) return st;
  return nrf_error_context(st, "layer %d, channel %d", run.layer, run.channel);
}

/* NRF_EINTERRUPTED if it was not brought to its end. */
static nrf_status do_run(job *j)
{
  const nrf_viz_run run = j->plan.run[j->at];
  if (!nrf_viz_run_is_complete(&j->folder, run)) {
    if (should_stop(j)) return NRF_EINTERRUPTED;
    NRF_RETURN_IF_ERROR(generate(j));
    if (!nrf_viz_run_is_complete(&j->folder, run)) return NRF_EINTERRUPTED;
    j->complete++;
  }
  return j->settings->viz_gif ? nrf_viz_make_film(&j->folder, run) : NRF_OK;
}

/* ---- all runs ---- */

static nrf_status summarise(const job *j, int layer)
{
  char title[192];
  (void)snprintf(title, sizeof title, "%.100s, layer %d, %s, %lld steps: the first images of each channel",
                 j->model->name, layer, j->settings->viz_type, (long long)j->folder.steps);
  return nrf_viz_make_summary(&j->folder, layer, layer_size(j, layer).channels, layer_size(j, 0), title);
}

static bool is_last_of_layer(const job *j)
{
  return j->at + 1 == j->plan.n_runs || j->plan.run[j->at + 1].layer != j->plan.run[j->at].layer;
}

/* The layer's summary is made when its last run ends, or when one is broken off. */
static nrf_status do_runs(job *j)
{
  for (j->at = 0; j->at < j->plan.n_runs; j->at++) {
    const nrf_status st = do_run(j);
    if (st != NRF_OK && st != NRF_EINTERRUPTED) return st;
    if (shows_channels(j) && (st != NRF_OK || is_last_of_layer(j)))
      NRF_RETURN_IF_ERROR(summarise(j, j->plan.run[j->at].layer));
    if (st != NRF_OK) return st;
  }
  return NRF_OK;
}

static void tell_written(const job *j)
{
  const char *folder = j->folder.path;
  if (!shows_channels(j)) {
    nrf_progress_message(j->progress, NRF_RESULT, "wrote %s/lyr0*.png", folder);
  } else {
    nrf_progress_message(j->progress, NRF_RESULT, "wrote %s/lyr*_ch*_*.png", folder);
    for (int i = 0; i < j->plan.n_runs; i++)
      if (i == 0 || j->plan.run[i].layer != j->plan.run[i - 1].layer)
        nrf_progress_message(j->progress, NRF_RESULT, "wrote %s",
                             nrf_viz_summary_path(&j->folder, j->plan.run[i].layer).text);
  }
  if (j->settings->viz_gif)
    nrf_progress_message(j->progress, NRF_RESULT, "wrote %s/lyr%s.gif", folder,
                         shows_channels(j) ? "*_ch*" : "0");
}

static void tell_stopped(const job *j)
{
  nrf_progress_message(j->progress, NRF_RESULT,
                       "%s: %d of %d runs are complete, in %s/; the same command goes on with the next",
                       j->out_of_time ? "--max_hours is nearly over: stopped" : "stopped on request",
                       j->complete, j->plan.n_runs, j->folder.path);
}

static nrf_status visualise(job *j, const nrf_settings *settings)
{
  NRF_RETURN_IF_ERROR(prepare(j, settings));
  tell_plan(j);
  nrf_progress_begin(j->progress, "visualising", "steps", j->complete_before * j->folder.steps);
  const nrf_status st = do_runs(j);
  nrf_progress_end(j->progress);
  if (st == NRF_OK) tell_written(j);
  if (st == NRF_EINTERRUPTED) tell_stopped(j);
  return st;
}

nrf_status nrf_visualise(const nrf_settings *settings, const nrf_progress *progress)
{
  job              j  = {.progress = progress};
  const nrf_status st = visualise(&j, settings);
  release(&j);
  return st;
}
