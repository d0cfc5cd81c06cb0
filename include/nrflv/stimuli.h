/* stimuli.h - the stage that makes the stimuli of the experiments (--gen_exp_stim). */
#ifndef NRFLV_STIMULI_H
#define NRFLV_STIMULI_H

#include "nrflv/progress.h"
#include "nrflv/settings.h"

/* Makes all sets of stimulus_set.h in settings->stimuli_dir (stimulus_folder.h says what is where). They are drawn on the
 * PNG file --base_image, or on the mean training image of the data set: that of --load_model if it is given, of --dataset
 * otherwise. The mean is computed once and read back from then on. Nothing that is as it should be is written again.
 * NRF_ESHAPE if the base image does not have the size of the data set's images. settings must be finished; progress may be NULL. */
NRF_MUST_CHECK nrf_status nrf_make_stimuli(const nrf_settings *settings, const nrf_progress *progress);

#endif
