/* session.c - where a model's files stand. */
#include "managers/session.h"

#include "nrflv/atomic_file.h"

#include <stdio.h>
#include <unistd.h>

nrf_status nrf_session_paths_of(const nrf_settings *settings, nrf_session_paths *out)
{
  const char *exps = settings->exps_dir, *name = settings->model_name;
  const struct {
    char       *path;
    const char *folder, *between, *name, *after;
  } paths[] = {{out->models, exps, "/models", "", ""},
               {out->checkpoint, exps, "/models/", name, ".h5"},
               {out->samples, exps, "/samples/", name, ""},
               {out->neg_samples, exps, "/samples/", name, "/neg"},
               {out->tblogs, settings->tensorboard_log_dir, "/", name, ""},
               {out->row, exps, "/params_and_results_", name, ".csv"}};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    const int n = snprintf(paths[i].path, NRF_SESSION_PATH, "%s%s%s%s", paths[i].folder, paths[i].between,
                           paths[i].name, paths[i].after);
    if (n < 0 || n >= NRF_SESSION_PATH)
      return nrf_error(NRF_EINVAL, "%s: the path is too long", paths[i].folder);
  }
  return NRF_OK;
}

nrf_status nrf_session_make_directories(const nrf_settings *settings, const nrf_session_paths *p)
{
  const char *const directories[] = {settings->exps_dir, p->models, p->samples, p->neg_samples, p->tblogs};
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
    NRF_RETURN_IF_ERROR(nrf_make_directories(directories[i]));
    if (access(directories[i], W_OK | X_OK) != 0)
      return nrf_error_errno("%s: cannot write to the directory", directories[i]);
  }
  return NRF_OK;
}
