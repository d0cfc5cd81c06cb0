/* recording_reader.h - what writing and packing need of an open recording. */
#ifndef NRFLV_IO_RECORDING_READER_H
#define NRFLV_IO_RECORDING_READER_H

#include "io/recording_header.h"

/* Borrowed from `r`. */
const nrf_h5_file          *nrf_recording_file(const nrf_recording *r);
const nrf_recording_header *nrf_recording_header_of(const nrf_recording *r);

/* Opens and checks, as nrf_recording_open, but for the series. */
NRF_MUST_CHECK nrf_status nrf_recording_open_header(const char *path, nrf_recording **out);

#endif
