/* recording_create.h - laying out a recording's file; its series without filters, so that they have their places, or
 * with, to be filled chunk by chunk. */
#ifndef NRFLV_IO_RECORDING_CREATE_H
#define NRFLV_IO_RECORDING_CREATE_H

#include "io/h5_chunks.h"
#include "io/recording_layout.h"

/* Creates everything but the numbers; the mark says that `rows` are complete. The caller commits and frees `out`.
 * NRF_EINVAL for an info that nrf_recording_check refuses, or whose pictures do not fit its phases. */
NRF_MUST_CHECK nrf_status nrf_recording_lay_out(const char *path, const nrf_recording_info *info,
                                                nrf_h5_filters filters, int64_t rows, nrf_h5_file **out);

#endif
