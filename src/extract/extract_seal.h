/* extract_seal.h - a checksum at the end of an extract's file, where no reader of HDF5 looks.
 *
 * HDF5 does not survive every damage to its own structures. Those of an extract, and the tables that describe it, do not
 * change once they are laid out; the seal says how far they reach and what their MD5 is. */
#ifndef NRFLV_EXTRACT_SEAL_H
#define NRFLV_EXTRACT_SEAL_H

#include "nrflv/status.h"

#include <stdint.h>

/* Appends a seal of the file's first bytes. */
NRF_MUST_CHECK nrf_status nrf_extract_seal(const char *path, int64_t head_bytes);

/* NRF_EFORMAT if the file has no seal or is not as it was sealed, NRF_ENOTFOUND if there is none. To be called before HDF5
 * looks at it. */
NRF_MUST_CHECK nrf_status nrf_extract_check_seal(const char *path, int64_t *file_bytes);

#endif
