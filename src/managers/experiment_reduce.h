/* experiment_reduce.h - --record analysis: of a complete recording only what the analyses read of it stays, its extract
 * (extract.h). Until then it is a recording like others, and as safe. */
#ifndef NRFLV_MANAGERS_EXPERIMENT_REDUCE_H
#define NRFLV_MANAGERS_EXPERIMENT_REDUCE_H

#include "nrflv/progress.h"
#include "nrflv/recording.h"
#include "nrflv/settings.h"

#include <stdbool.h>

/* Whether recordings are reduced. NRF_EINVAL for options that then have nothing to choose. */
NRF_MUST_CHECK nrf_status nrf_reduction_wanted(const nrf_settings *settings, bool *out);

/* Leaves out of a planned recording what its extract will not hold. NRF_EINVAL, NRF_EUNSUPPORTED for one that cannot be
 * reduced, or not with the memory of the settings. */
NRF_MUST_CHECK nrf_status nrf_reduction_adapt(nrf_recording_info *info, const nrf_settings *settings);

/* NRF_EINVAL, naming what differs, unless the file is the extract of a recording of `info`. */
NRF_MUST_CHECK nrf_status nrf_reduction_compare(const char *extract, const nrf_recording_info *info);

/* Bytes that it takes. `info` has been adapted. */
int64_t nrf_reduction_bytes(const nrf_recording_info *info);

/* Makes the extract of a complete recording, or goes on making it, and then removes the recording, whose data
 * must be on the disk. NRF_EINTERRUPTED if `progress` asks to stop; whatever goes wrong, the recording stays. */
NRF_MUST_CHECK nrf_status nrf_reduction_make(const char *recording, const char *extract,
                                             const nrf_settings *settings, int threads,
                                             const nrf_progress *progress);

#endif
