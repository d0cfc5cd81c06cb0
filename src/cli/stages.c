/* stages.c - the one place that knows which function does which stage. */
#include "cli/stages.h"

#include "nrflv/training.h"

static nrf_status train(const nrf_settings *settings, const nrf_progress *progress)
{
  return nrf_train(settings, progress, NULL);
}

/* A stage that is not listed here is not in this version yet. */
static const nrf_stage_fn stage_functions[NRF_STAGE_COUNT] = {
    [NRF_STAGE_LIST_ARCHITECTURES] = nrf_list_architectures,
    [NRF_STAGE_COLLATE]            = nrf_collate,
    [NRF_STAGE_TRAIN]              = train,
};

static nrf_status find_function(nrf_stage stage, nrf_stage_fn *function)
{
  *function = stage_functions[stage];
  if (*function) return NRF_OK;
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
  for (int i = 0; i < NRF_STAGE_COUNT; i++) {
    nrf_stage_fn function;
    if (!stages->wanted[i]) continue;
    NRF_RETURN_IF_ERROR(find_function((nrf_stage)i, &function));
    NRF_RETURN_IF_ERROR(function(settings, progress));
  }
  return NRF_OK;
}
