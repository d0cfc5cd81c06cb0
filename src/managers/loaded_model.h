/* loaded_model.h - a trained model as visualisation and experiments start from it: which one, its settings, its
 * networks with their weights. */
#ifndef NRFLV_MANAGERS_LOADED_MODEL_H
#define NRFLV_MANAGERS_LOADED_MODEL_H

#include "managers/session.h"
#include "nrflv/checkpoint.h"
#include "nrflv/energy_model.h"
#include "nrflv/initialiser.h"
#include "nrflv/progress.h"

typedef struct nrf_loaded_model {
  char            path[NRF_SESSION_PATH];
  char            name[NRF_SETTING_STRING_MAX]; /* the file's, without folder and extension          */
  nrf_settings    settings;                     /* the command line's, with the model's own over them */
  nrf_checkpoint *file;
} nrf_loaded_model;

/* The model of --load_model, or the newest one there is; says which. NRF_ENOTFOUND, with how to get one, if there is none.
 * settings must be finished; progress may be NULL. */
NRF_MUST_CHECK nrf_status nrf_loaded_model_open(const nrf_settings *settings, const nrf_progress *progress,
                                                nrf_loaded_model **out);
void                      nrf_loaded_model_close(nrf_loaded_model *m);

/* Its own, as the file has it. */
const nrf_architecture *nrf_loaded_model_architecture(const nrf_loaded_model *m);

/* The networks, for batches of so many images, with the weights in place. NRF_ENOTFOUND for an initialiser network that
 * the model was trained without. */
NRF_MUST_CHECK nrf_status nrf_loaded_model_energy(const nrf_loaded_model *m, int batch,
                                                  nrf_energy_model **out);
NRF_MUST_CHECK nrf_status nrf_loaded_model_initialiser(const nrf_loaded_model *m, int batch,
                                                       nrf_initialiser **out);

/* Puts a saved model's settings over the command line's, but for those of --override_loaded, and warns of each value
 * of the command line that is lost by it. */
NRF_MUST_CHECK nrf_status nrf_take_saved_settings(const nrf_checkpoint *saved, const nrf_progress *progress,
                                                  nrf_settings *settings);

#endif
