/* experiment_saver.h - saves the sampler now and then beside a recording that is under way.
 *
 * A save copies the sampler between two steps, waits until all rows before are in the recording, and is then carried out by a
 * thread of its own, so that neither sampling nor recording waits for the disk: first the recording is flushed, then
 * the copy is written. So a saved sampler is never ahead of the recording, not even after a power cut. Saves are at least
 * a second apart, and so far apart that they take about 3 % of the time. */
#ifndef NRFLV_MANAGERS_EXPERIMENT_SAVER_H
#define NRFLV_MANAGERS_EXPERIMENT_SAVER_H

#include "managers/experiment_state.h"
#include "nrflv/progress.h"
#include "nrflv/recorder.h"

typedef struct nrf_saver nrf_saver;

/* All is borrowed. path: where the sampler is saved. */
NRF_MUST_CHECK nrf_status nrf_saver_create(nrf_sampler_state *copy, const char *path, nrf_recording_writer *w,
                                           nrf_recorder *recorder, const nrf_progress *progress,
                                           nrf_saver **out);

/* Waits for a save under way. The recorder must have been drained or have failed. NULL is fine. */
void nrf_saver_free(nrf_saver *s);

/* After every step: begins a save if it is time, `steps` steps being done and pushed. A save that fails is told as a
 * warning: the recording goes on. Errors are the recorder's. */
NRF_MUST_CHECK nrf_status nrf_saver_look(nrf_saver *s, int64_t steps);

/* Saves here and now; the recorder must be drained. */
NRF_MUST_CHECK nrf_status nrf_saver_save(nrf_saver *s, int64_t steps);

#endif
