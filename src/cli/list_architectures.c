/* list_architectures.c - the architectures there are, with what one chooses them by: sizes and parameters. */
#include "cli/stages.h"

#include "nrflv/architecture.h"
#include "nrflv/energy_model.h"
#include "nrflv/initialiser.h"
#include "nrflv/memory.h"

#include <inttypes.h>
#include <stdio.h>

/* Parameters do not depend on the other choices. Spectral normalisation excludes weight normalisation. */
static nrf_status count_model(const nrf_architecture *a, bool weight_norm, int64_t *count)
{
  const nrf_energy_config config = {.activation        = NRF_SWISH,
                                    .states_activation = NRF_HARDTANH,
                                    .weight_norm       = weight_norm && !a->spectral_norm,
                                    .batch             = 1,
                                    .compute           = {.threads = 1}};
  nrf_energy_model       *model  = NULL;
  NRF_RETURN_IF_ERROR(nrf_energy_model_create(a, &config, &model));
  *count = nrf_parameters_trainable_count(nrf_energy_model_parameters(model));
  nrf_energy_model_free(model);
  return NRF_OK;
}

static nrf_status count_initialiser(const nrf_architecture *a, bool weight_norm, int64_t *count)
{
  const nrf_initialiser_config config      = {.activation        = NRF_SWISH,
                                              .states_activation = NRF_HARDTANH,
                                              .weight_norm       = weight_norm && !a->spectral_norm,
                                              .batch             = 1,
                                              .compute           = {.threads = 1}};
  nrf_initialiser             *initialiser = NULL;
  NRF_RETURN_IF_ERROR(nrf_initialiser_create(a, &config, &initialiser));
  *count = nrf_parameters_trainable_count(nrf_initialiser_parameters(initialiser));
  nrf_initialiser_free(initialiser);
  return NRF_OK;
}

static nrf_status list_one(const nrf_settings *settings, const char *name)
{
  nrf_architecture a;
  int64_t          model, initialiser;
  NRF_RETURN_IF_ERROR(nrf_architecture_load(name, settings->architectures_dir, &a));
  NRF_RETURN_IF_ERROR(count_model(&a, settings->model_weight_norm, &model));
  NRF_RETURN_IF_ERROR(count_initialiser(&a, settings->initter_network_weight_norm, &initialiser));

  printf("%10" PRId64 " %11" PRId64 "  %s ", model, initialiser, name);
  for (int i = 0; i < a.n_layers; i++)
    printf(" %dx%dx%d", a.size[i].channels, a.size[i].height, a.size[i].width);
  printf("\n");
  return NRF_OK;
}

nrf_status nrf_list_architectures(const nrf_settings *settings, const nrf_progress *progress)
{
  int    n;
  char **names;
  NRF_RETURN_IF_ERROR(nrf_architecture_list(settings->architectures_dir, &n, &names));
  printf("Parameters of the model and of the initialiser network, name, size of each layer from the image "
         "upwards:\n");
  /* One file that cannot be read does not hide the others. */
  for (int i = 0; i < n; i++)
    if (list_one(settings, names[i]) != NRF_OK)
      nrf_progress_message(progress, NRF_WARNING, "%s", nrf_error_message());
  if (n == 0)
    nrf_progress_message(progress, NRF_WARNING, "%s: no architectures", settings->architectures_dir);
  nrf_free(names);
  return NRF_OK;
}
