/* visualisation_weights.c - nrflv --weight_viz: a sheet of weights for every layer. */
#include "managers/loaded_model.h"
#include "managers/visualisation_folder.h"
#include "managers/weight_sheet.h"
#include "nrflv/atomic_file.h"
#include "nrflv/visualisation.h"

#include <stdio.h>

static nrf_status draw_layer(const char *folder, const char *model_name, const nrf_architecture *a,
                             const nrf_parameters *p, int layer, const nrf_progress *progress)
{
  nrf_status           st    = NRF_OK;
  nrf_picture          sheet = {0};
  nrf_base_kernel_list kernels;
  char                 path[NRF_SESSION_PATH + 64];
  (void)snprintf(path, sizeof path, "%s/weights_lyr%d.png", folder, layer);
  NRF_RETURN_IF_ERROR(nrf_base_kernels_get(a, p, layer, &kernels));
  NRF_TRY(nrf_weight_sheet_render(model_name, layer, &kernels, &sheet));
  NRF_TRY(nrf_png_write(path, &sheet));
  nrf_progress_message(progress, NRF_RESULT, "wrote %s", path);
done:
  nrf_picture_free(&sheet);
  nrf_base_kernels_free(&kernels);
  return st;
}

nrf_status nrf_draw_weights(const nrf_settings *settings, const nrf_progress *progress)
{
  nrf_status        st     = NRF_OK;
  nrf_loaded_model *loaded = NULL;
  nrf_energy_model *model  = NULL;
  char              folder[NRF_SESSION_PATH];
  NRF_RETURN_IF_ERROR(nrf_loaded_model_open(settings, progress, &loaded));
  const nrf_architecture *a = nrf_loaded_model_architecture(loaded);
  NRF_TRY(nrf_loaded_model_energy(loaded, 1, &model));
  NRF_TRY(nrf_viz_folder_path(settings, loaded->name, folder));
  NRF_TRY(nrf_make_directories(folder));
  for (int i = 0; i < a->n_layers; i++)
    NRF_TRY(draw_layer(folder, loaded->name, a, nrf_energy_model_parameters(model), i, progress));
done:
  nrf_energy_model_free(model);
  nrf_loaded_model_close(loaded);
  return st;
}
