/* visualisation_folder.h - the pictures of --viz on disk: their names, what they were made with, what is there already. */
#ifndef NRFLV_MANAGERS_VISUALISATION_FOLDER_H
#define NRFLV_MANAGERS_VISUALISATION_FOLDER_H

#include "managers/session.h"
#include "managers/visualisation_plan.h"
#include "nrflv/progress.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct nrf_viz_folder {
  char         path[NRF_SESSION_PATH];
  nrf_viz_kind kind;
  int64_t      steps, interval; /* of a run; between two pictures */
} nrf_viz_folder;

/* Where the pictures of a model stand: exps/samples/NAME, NAME being --model_name or the model's own. NRF_EINVAL if the path
 * gets too long. */
NRF_MUST_CHECK nrf_status nrf_viz_folder_path(const nrf_settings *settings, const char *model_name,
                                              char path[NRF_SESSION_PATH]);

/* Makes the directory that out->path names (the caller fills `out`) and writes down there, as text, what the pictures are
 * made with: the model, the fingerprint of its weights, and the settings that the pictures depend on. Pictures of the same
 * family (standard; channels) that were made with something else, or nobody knows with what, are moved to
 * earlier_K/, and progress is told why. */
NRF_MUST_CHECK nrf_status nrf_viz_folder_open(const nrf_viz_folder *folder, const nrf_settings *settings,
                                              const char *model_name, const char *fingerprint,
                                              const nrf_progress *progress);

/* Paths of files. */
typedef struct nrf_viz_path {
  char text[NRF_SESSION_PATH + 64];
} nrf_viz_path;

nrf_viz_path nrf_viz_picture_path(const nrf_viz_folder *folder, nrf_viz_run run, int64_t steps_done);
nrf_viz_path nrf_viz_film_path(const nrf_viz_folder *folder, nrf_viz_run run);
nrf_viz_path nrf_viz_summary_path(const nrf_viz_folder *folder, int layer);

/* The pictures of a run: after 0, interval, 2 interval ... steps and after the last; which of them one is, and how many
 * there are. */
int64_t nrf_viz_picture_count(const nrf_viz_folder *folder);
int64_t nrf_viz_picture_steps(const nrf_viz_folder *folder, int64_t picture);
bool    nrf_viz_picture_is_due(const nrf_viz_folder *folder, int64_t steps_done);

/* Whether all pictures of a run are there. */
bool nrf_viz_run_is_complete(const nrf_viz_folder *folder, nrf_viz_run run);

#endif
