/* h5_filter.h - HDF5's own filters on one chunk, as a function of memory: so that threads can do what the library does one
 * chunk at a time. What comes out is what HDF5's pipeline would have written, and is read by it. */
#ifndef NRFLV_IO_H5_FILTER_H
#define NRFLV_IO_H5_FILTER_H

#include "io/h5_chunks.h"

/* A chunk after the filters. `data` points into the memory of the call. */
typedef struct nrf_h5_filtered {
  const void *data;
  size_t      bytes;
  uint32_t skipped; /* for nrf_h5_chunk_write: deflate leaves a chunk as it is if it would not get smaller */
} nrf_h5_filtered;

/* Memory a call needs for chunks of `bytes`. */
size_t nrf_h5_filter_memory(size_t bytes);

/* Sends a chunk of `bytes`, of elements of `element` bytes, through the filters. `memory` is overwritten. False if zlib
 * finds no memory. */
bool nrf_h5_filter_chunk(nrf_h5_filters filters, size_t element, const void *chunk, size_t bytes,
                         void *memory, nrf_h5_filtered *out);

/* HDF5's checksum (H5_checksum_fletcher32): Fletcher's over big-endian 16-bit words; a last odd byte counts as a
 * word's first. */
uint32_t nrf_h5_fletcher32(const void *bytes, size_t size);

#endif
