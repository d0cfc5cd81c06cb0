/* loaded_model.c - a trained model as visualisation and experiments start from it. */
#include "managers/loaded_model.h"

#include "managers/checkpoint_format.h"
#include "managers/setup.h"
#include "nrflv/memory.h"

#include <stdio.h>
#include <string.h>

/* ---- settings ---- */

static void warn_of_ignored(const nrf_settings *settings, const nrf_progress *progress, const bool ignored[])
{
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  char               text[NRF_SETTING_TEXT_MAX];
  for (int i = 0; i < count; i++)
    if (ignored[i])
      nrf_progress_message(
          progress, NRF_WARNING,
          "--%s is ignored: the saved model's %s holds; name it in --override_loaded to change it",
          rows[i].name, nrf_settings_get_text(settings, &rows[i], text));
}

nrf_status nrf_take_saved_settings(const nrf_checkpoint *saved, const nrf_progress *progress,
                                   nrf_settings *settings)
{
  bool ignored[NRF_SETTINGS_MAX];
  nrf_settings_overlay(settings, nrf_checkpoint_settings(saved), &settings->override_loaded, ignored);
  warn_of_ignored(settings, progress, ignored);
  return nrf_settings_finish(settings);
}

/* ---- the model ---- */

/* "exps/models/a.h5" is model "a". */
static void name_of(const char *path, char name[NRF_SETTING_STRING_MAX])
{
  const char  *slash  = strrchr(path, '/');
  const char  *file   = slash ? slash + 1 : path;
  const size_t length = strlen(file);
  const bool   has_h5 = length > 3 && strcmp(file + length - 3, ".h5") == 0;
  (void)snprintf(name, NRF_SETTING_STRING_MAX, "%.*s", (int)(has_h5 ? length - 3 : length), file);
}

static nrf_status choose(const nrf_settings *settings, char path[NRF_SESSION_PATH])
{
  if (settings->load_model[0] != '\0')
    return nrf_checkpoint_find(settings->exps_dir, settings->load_model, path, NRF_SESSION_PATH);
  return nrf_checkpoint_find_newest(settings->exps_dir, path, NRF_SESSION_PATH);
}

static void introduce(const nrf_loaded_model *m, const nrf_progress *progress)
{
  const char *which = m->settings.load_model[0] != '\0' ? "" : "the newest: ";
  nrf_progress_message(progress, NRF_INFO, "model %s%s (%s)", which, m->path,
                       nrf_loaded_model_architecture(m)->name);
}

nrf_status nrf_loaded_model_open(const nrf_settings *settings, const nrf_progress *progress,
                                 nrf_loaded_model **out)
{
  nrf_status        st = NRF_OK;
  nrf_loaded_model *m  = NULL;
  *out                 = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *m, "model", (void **)&m));
  m->settings = *settings;
  NRF_TRY(choose(settings, m->path));
  name_of(m->path, m->name);
  NRF_TRY(nrf_checkpoint_open(m->path, &m->file));
  introduce(m, progress);
  NRF_TRY(nrf_take_saved_settings(m->file, progress, &m->settings));
  *out = m;
  m    = NULL;
done:
  nrf_loaded_model_close(m);
  return st;
}

void nrf_loaded_model_close(nrf_loaded_model *m)
{
  if (m == NULL) return;
  nrf_checkpoint_close(m->file);
  nrf_free(m);
}

const nrf_architecture *nrf_loaded_model_architecture(const nrf_loaded_model *m)
{
  return nrf_checkpoint_architecture(m->file);
}

/* ---- its networks ---- */

nrf_status nrf_loaded_model_energy(const nrf_loaded_model *m, int batch, nrf_energy_model **out)
{
  const nrf_energy_config config = nrf_setup_energy(&m->settings, batch);
  nrf_status              st     = NRF_OK;
  nrf_energy_model       *model  = NULL;
  *out                           = NULL;
  NRF_TRY(nrf_energy_model_create(nrf_loaded_model_architecture(m), &config, &model));
  NRF_TRY(nrf_checkpoint_read_parameters(m->file, NRF_CHECKPOINT_MODEL, nrf_energy_model_parameters(model)));
  nrf_energy_model_parameters_changed(model);
  *out  = model;
  model = NULL;
done:
  nrf_energy_model_free(model);
  return st;
}

nrf_status nrf_loaded_model_initialiser(const nrf_loaded_model *m, int batch, nrf_initialiser **out)
{
  const nrf_initialiser_config config  = nrf_setup_initialiser(&m->settings, batch);
  nrf_status                   st      = NRF_OK;
  nrf_initialiser             *network = NULL;
  *out                                 = NULL;
  if (!nrf_h5_exists(nrf_checkpoint_file(m->file), nrf_checkpoint_group[NRF_CHECKPOINT_INITIALISER]))
    return nrf_error(
        NRF_ENOTFOUND,
        "%s: the model was trained without an initialiser network; choose --initializer zeros or random, "
        "with --override_loaded initializer",
        m->path);
  NRF_TRY(nrf_initialiser_create(nrf_loaded_model_architecture(m), &config, &network));
  NRF_TRY(nrf_checkpoint_read_parameters(m->file, NRF_CHECKPOINT_INITIALISER,
                                         nrf_initialiser_parameters(network)));
  nrf_initialiser_parameters_changed(network);
  *out    = network;
  network = NULL;
done:
  nrf_initialiser_free(network);
  return st;
}
