/* training_log.h - what training lets one see: TensorBoard events and pictures (spec/system.md 3, "Files written").
 *
 * Curves of sampler steps (energies, layers) have the sampler step as their abscissa, all others the batch. */
#ifndef NRFLV_MANAGERS_TRAINING_LOG_H
#define NRFLV_MANAGERS_TRAINING_LOG_H

#include "managers/session.h"
#include "managers/trainer.h"
#include "nrflv/progress.h"

typedef struct nrf_training_log nrf_training_log;

/* Opens an event file; the directories must exist. `paths` and `progress` must outlive the log. */
NRF_MUST_CHECK nrf_status nrf_training_log_create(const nrf_session_paths *paths,
                                                  const nrf_progress *progress, const nrf_trainer *t,
                                                  nrf_training_log **out);

/* Writes what is still in memory, and frees; the log is gone whatever the status. NULL is fine. */
NRF_MUST_CHECK nrf_status nrf_training_log_close(nrf_training_log *log);

/* The members of nrf_train_watcher that look at a run; `log` is their user. */
bool       nrf_training_log_wants(const nrf_trainer *t);
nrf_status nrf_training_log_evaluated(nrf_training_log *log, const nrf_trainer *t, const nrf_states *states,
                                      double energy, const nrf_states *neuron_energy, const nrf_states *bno);
nrf_status nrf_training_log_phase_begun(nrf_training_log *log, const nrf_trainer *t,
                                        const nrf_states *states);
nrf_status nrf_training_log_stepped(nrf_training_log *log, const nrf_trainer *t, const nrf_states *states);
nrf_status nrf_training_log_phase_ended(nrf_training_log *log, const nrf_trainer *t,
                                        const nrf_states *states);

#endif
