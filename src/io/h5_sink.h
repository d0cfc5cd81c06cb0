/* h5_sink.h - where the bytes of an HDF5 file under way go: a file driver that never tells HDF5 of a failure.
 *
 * When a write fails, HDF5 keeps the file, its caches and its descriptor open for the rest of the process
 * and tries again at exit. So this driver remembers the first failure, drops what is written after it, and
 * lets the library finish in peace; the file is then thrown away by its owner. */
#ifndef NRFLV_IO_H5_SINK_H
#define NRFLV_IO_H5_SINK_H

#include <hdf5.h>

typedef struct nrf_h5_sink {
  int fd;     /* borrowed; positioned access only                                     */
  int failed; /* errno of the first failure, 0 before; setting it drops all writes    */
} nrf_h5_sink;

/* Lets the files of a file access list go to `sink`, which must outlive them. Negative on failure. */
herr_t nrf_h5_sink_use(nrf_h5_sink *sink, hid_t access);

#endif
