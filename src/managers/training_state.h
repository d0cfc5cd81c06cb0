/* training_state.h - a whole training run, to and from a checkpoint. */
#ifndef NRFLV_MANAGERS_TRAINING_STATE_H
#define NRFLV_MANAGERS_TRAINING_STATE_H

#include "managers/trainer.h"
#include "nrflv/checkpoint.h"
#include "nrflv/progress.h"

/* Writes the run as it stands, atomically: on any error, full disks included, the file that was there before is
 * untouched. images: how many training images there are. */
NRF_MUST_CHECK nrf_status nrf_training_save(const char *path, const nrf_trainer *t, int64_t images);

/* Puts a fresh trainer, made for the checkpoint's architecture, where the saved run stood. Settings that were overridden
 * since may make parts of the saved state useless (half a batch of another size): these start afresh, and
 * `progress` is told. */
NRF_MUST_CHECK nrf_status nrf_training_restore(const nrf_checkpoint *c, int64_t images,
                                               const nrf_progress *progress, nrf_trainer *t);

/* About how large a checkpoint of this run is now, in bytes. */
int64_t nrf_training_bytes(const nrf_trainer *t);

#endif
