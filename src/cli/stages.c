/* stages.c - the one place that knows which function does which stage. */
#include "cli/stages.h"

#include "nrflv/experiment.h"
#include "nrflv/stimuli.h"
#include "nrflv/training.h"
#include "nrflv/visualisation.h"

/* The stages that follow work on the model just trained. */
static nrf_status train(nrf_settings *settings, const nrf_progress *progress)
{
  nrf_train_result result;
  NRF_RETURN_IF_ERROR(nrf_train(settings, progress, &result));
  return nrf_settings_set_text(settings, nrf_setting_find("load_model"), result.model_name);
}

/* Training, which changes what later stages see, is not among them. A stage that is not listed is not in this version
 * yet. */
static const nrf_stage_fn stage_functions[NRF_STAGE_COUNT] = {
    [NRF_STAGE_LIST_ARCHITECTURES] = nrf_list_architectures,
    [NRF_STAGE_DESCRIBE]           = nrf_describe,
    [NRF_STAGE_COLLATE]            = nrf_collate,
    [NRF_STAGE_VIZ]                = nrf_visualise,
    [NRF_STAGE_WEIGHT_VIZ]         = nrf_draw_weights,
    [NRF_STAGE_GEN_EXP_STIM]       = nrf_make_stimuli,
    [NRF_STAGE_EXPERIMENT]         = nrf_run_experiments,
};

static nrf_status find_function(nrf_stage stage, nrf_stage_fn *function)
{
  *function = stage_functions[stage];
  if (*function || stage == NRF_STAGE_TRAIN) return NRF_OK;
  return nrf_error(NRF_EUNSUPPORTED, "--%s: not in this version yet", nrf_stage_name(stage));
}

nrf_status nrf_stages_check(const nrf_stages *stages)
{
  bool any = false;
  for (int i = 0; i < NRF_STAGE_COUNT; i++) {
    nrf_stage_fn function;
    if (!stages->wanted[i]) continue;
    NRF_RETURN_IF_ERROR(find_function((nrf_stage)i, &function));
    any = true;
  }
  return any ? NRF_OK : nrf_error(NRF_EINVAL, "nothing to do: --no_train_model, and no other stage is named");
}

nrf_status nrf_stages_run(const nrf_stages *stages, const nrf_settings *settings,
                          const nrf_progress *progress)
{
  nrf_settings s = *settings;
  for (int i = 0; i < NRF_STAGE_COUNT; i++) {
    nrf_stage_fn function;
    if (!stages->wanted[i]) continue;
    NRF_RETURN_IF_ERROR(find_function((nrf_stage)i, &function));
    NRF_RETURN_IF_ERROR(i == NRF_STAGE_TRAIN ? train(&s, progress) : function(&s, progress));
  }
  return NRF_OK;
}
