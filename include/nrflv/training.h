/* training.h - the training manager: nrflv --train (spec/system.md 3). */
#ifndef NRFLV_TRAINING_H
#define NRFLV_TRAINING_H

#include "nrflv/progress.h"
#include "nrflv/settings.h"
#include "nrflv/status.h"

#include <stdint.h>

/* Where a run ended. */
typedef struct nrf_train_result {
  char    model_name[NRF_SETTING_STRING_MAX];
  char    checkpoint[2 * NRF_SETTING_STRING_MAX]; /* path of the model                                  */
  int64_t batches, sampler_steps;                 /* done over the model's life                         */
  double  loss, positive_energy, negative_energy; /* of the last batch; NaN if there was none           */
  double  initialiser_loss;                       /* NaN without an initialiser network                 */
} nrf_train_result;

/* Trains a new model, or goes on with a saved one (--load_model, --resume): exactly as the uninterrupted run would have.
 *
 * Directories are made, and the first checkpoint is written, before the first step: a run that cannot save does not
 * start. It saves every --model_save_interval batches and at the end, and looks after every sampler step whether it
 * should stop (progress, --max_hours): then it saves where it is, half-done batches included, and returns
 * NRF_EINTERRUPTED. NRF_EDIVERGED: the last good checkpoint stays. settings must be finished (nrf_settings_finish);
 * progress and result may be NULL. */
NRF_MUST_CHECK nrf_status nrf_train(const nrf_settings *settings, const nrf_progress *progress,
                                    nrf_train_result *result);

#endif
