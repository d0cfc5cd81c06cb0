/* visualisation_plan.c - which runs --viz is made of. */
#include "managers/visualisation_plan.h"

#include "nrflv/index_list.h"
#include "nrflv/memory.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static nrf_viz_kind kind_of(const char *name)
{
  static const char *const names[NRF_VIZ_KINDS] = {[NRF_VIZ_STANDARD]        = "standard",
                                                   [NRF_VIZ_CHANNELS_ENERGY] = "channels_energy",
                                                   [NRF_VIZ_CHANNELS_STATE]  = "channels_state"};
  for (int k = 0; k < NRF_VIZ_KINDS; k++)
    if (strcmp(name, names[k]) == 0) return (nrf_viz_kind)k;
  assert(!"a choice of the settings table that nobody knows");
  return NRF_VIZ_STANDARD;
}

static int most_channels(const nrf_architecture *a, int first_layer)
{
  int most = 0;
  for (int i = first_layer; i < a->n_layers; i++)
    if (a->size[i].channels > most) most = a->size[i].channels;
  return most;
}

static nrf_status plan_one_run(const nrf_settings *settings, nrf_viz_plan *out)
{
  if (settings->viz_channels.count > 0)
    return nrf_error(NRF_EINVAL, "--viz_channels: --viz_type standard shows no single channels; choose "
                                 "channels_energy or channels_state");
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *out->run, "plan", (void **)&out->run));
  out->n_runs = 1;
  return NRF_OK;
}

static nrf_status plan_channels(const nrf_settings *settings, const nrf_architecture *a, nrf_viz_plan *out)
{
  nrf_status st    = NRF_OK;
  int       *index = NULL, n = 0;
  char       what[80];
  const int  first = settings->viz_start_layer;
  if (first >= a->n_layers)
    return nrf_error(NRF_EINVAL, "--viz_start_layer %d: %s has the layers 0 to %d", first, a->name,
                     a->n_layers - 1);
  const int most = most_channels(a, first);
  if (first == a->n_layers - 1)
    (void)snprintf(what, sizeof what, "channels of layer %d", first);
  else
    (void)snprintf(what, sizeof what, "channels of the widest of layers %d to %d", first, a->n_layers - 1);

  NRF_TRY(nrf_alloc((size_t)most * sizeof *index, "plan", (void **)&index));
  NRF_TRY(nrf_index_list_expand(&settings->viz_channels, "viz_channels", what, most, index, &n));
  NRF_TRY(
      nrf_alloc((size_t)n * (size_t)(a->n_layers - first) * sizeof *out->run, "plan", (void **)&out->run));
  for (int i = first; i < a->n_layers; i++)
    for (int k = 0; k < n; k++)
      if (index[k] < a->size[i].channels) out->run[out->n_runs++] = (nrf_viz_run){i, index[k]};
done:
  nrf_free(index);
  return st;
}

nrf_status nrf_viz_plan_make(const nrf_settings *settings, const nrf_architecture *architecture,
                             nrf_viz_plan *out)
{
  *out = (nrf_viz_plan){.kind = kind_of(settings->viz_type)};
  return out->kind == NRF_VIZ_STANDARD ? plan_one_run(settings, out)
                                       : plan_channels(settings, architecture, out);
}

void nrf_viz_plan_free(nrf_viz_plan *plan)
{
  nrf_free(plan->run);
  *plan = (nrf_viz_plan){0};
}
