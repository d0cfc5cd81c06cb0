/* experiment.c - a session of experiments: model, plan, recordings. */
#include "nrflv/experiment.h"

#include "managers/experiment_cost.h"
#include "managers/experiment_plan.h"
#include "managers/experiment_run.h"
#include "managers/experiment_session.h"
#include "nrflv/atomic_file.h"

#include <unistd.h>

static bool all_finished(const nrf_experiment_plan *plan)
{
  for (int i = 0; i < plan->n; i++)
    if (plan->item[i].stage != NRF_RECORDING_FINISHED) return false;
  return true;
}

static nrf_status tell_that_all_is_done(const nrf_experiment_plan *plan, const nrf_progress *progress)
{
  for (int i = 0; i < plan->n; i++)
    nrf_progress_message(progress, NRF_RESULT, "%s: recorded already, %s", plan->item[i].experiment->name,
                         plan->item[i].final);
  nrf_progress_message(progress, NRF_RESULT,
                       "nothing to do; --model_name records the same once more, --seed (with "
                       "--override_loaded seed) another run");
  return NRF_OK;
}

/* What it takes, and whether that is there. Who goes on knows how long it takes, and wants to. */
static nrf_status check_cost(const nrf_experiment_plan *plan, nrf_experiment_engine *engine,
                             const nrf_progress *progress)
{
  const nrf_settings *s            = &plan->settings;
  double              step_seconds = 0;
  if (plan->is_new || s->dry_run) NRF_RETURN_IF_ERROR(nrf_experiment_time_step(engine, &step_seconds));
  const nrf_experiment_cost cost = nrf_experiment_cost_of(plan, step_seconds);
  nrf_experiment_tell(plan, &cost, s->dry_run ? NRF_RESULT : NRF_INFO, progress);
  return s->force ? NRF_OK : nrf_experiment_check_space(plan, &cost);
}

static nrf_status make_folder(const nrf_experiment_plan *plan)
{
  NRF_RETURN_IF_ERROR(nrf_make_directories(plan->folder));
  if (access(plan->folder, W_OK | X_OK) != 0)
    return nrf_error_errno("%s: cannot write to the directory", plan->folder);
  return nrf_atomic_remove_stale(plan->folder, NULL);
}

/* The end of a session that was killed between completing a recording and tidying up. */
static void tidy_up(const nrf_experiment_plan *plan)
{
  for (int i = 0; i < plan->n; i++) {
    const nrf_planned_experiment *item = &plan->item[i];
    if (item->leftover) (void)unlink(item->partial);
    if (item->stage == NRF_RECORDING_FINISHED && access(item->partial, F_OK) != 0) (void)unlink(item->state);
  }
}

static nrf_status record_all(const nrf_experiment_plan *plan, nrf_experiment_engine *engine)
{
  NRF_RETURN_IF_ERROR(make_folder(plan));
  for (int i = 0; i < plan->n; i++)
    if (plan->item[i].stage != NRF_RECORDING_FINISHED) NRF_RETURN_IF_ERROR(nrf_experiment_record(engine, i));
  return NRF_OK;
}

static nrf_status run_plan(const nrf_experiment_plan *plan, nrf_time_limit *limit,
                           const nrf_progress *progress)
{
  nrf_status             st     = NRF_OK;
  nrf_experiment_engine *engine = NULL;
  if (!plan->settings.dry_run) tidy_up(plan);
  if (all_finished(plan)) return tell_that_all_is_done(plan, progress);
  NRF_TRY(nrf_experiment_engine_create(plan, limit, progress, &engine));
  NRF_TRY(check_cost(plan, engine, progress));
  if (!plan->settings.dry_run) NRF_TRY(record_all(plan, engine));
done:
  nrf_experiment_engine_free(engine);
  return st;
}

nrf_status nrf_run_experiments(const nrf_settings *settings, const nrf_progress *progress)
{
  nrf_status           st    = NRF_OK;
  nrf_time_limit       limit = nrf_time_limit_start(settings->max_hours);
  nrf_loaded_model    *model = NULL;
  nrf_experiment_plan *plan  = NULL;
  NRF_TRY(nrf_loaded_model_open(settings, progress, &model));
  NRF_TRY(nrf_experiment_plan_create(model, progress, &plan));
  NRF_TRY(nrf_experiment_choose_session(plan));
  NRF_TRY(run_plan(plan, &limit, progress));
done:
  nrf_experiment_plan_free(plan);
  nrf_loaded_model_close(model);
  return st;
}
