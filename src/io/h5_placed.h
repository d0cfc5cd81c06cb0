/* h5_placed.h - contiguous data sets that are written and read at their place in the file, without HDF5. */
#ifndef NRFLV_IO_H5_PLACED_H
#define NRFLV_IO_H5_PLACED_H

#include "nrflv/h5_file.h"

/* A new data set that has its place in the file at once; what stands there is left as it is. */
NRF_MUST_CHECK nrf_status nrf_h5_create_placed(nrf_h5_file *file, const char *name, nrf_h5_type type,
                                               nrf_h5_shape shape);

/* Where the elements of a contiguous data set begin in the file. NRF_EFORMAT, NRF_ESHAPE unless it holds exactly this type, in
 * little-endian order, and this shape. Whether the file is long enough is for the caller to see. */
NRF_MUST_CHECK nrf_status nrf_h5_find_placed(const nrf_h5_file *file, const char *name, nrf_h5_type type,
                                             nrf_h5_shape shape, int64_t *address);

/* Bytes of an element. */
size_t nrf_h5_type_bytes(nrf_h5_type type);

#endif
