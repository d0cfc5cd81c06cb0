/* h5_chunks.h - large data sets whose chunks others write: at known places of the file, without HDF5 (a recording under
 * way), or filtered already (packing). For everything else there is h5_file.h. */
#ifndef NRFLV_IO_H5_CHUNKS_H
#define NRFLV_IO_H5_CHUNKS_H

#include "nrflv/h5_file.h"

enum { NRF_H5_PAGE_BYTES = 4096 };

/* A new file (nrf_h5_create) for data sets of this kind: HDF5's own structures, up to `metadata_bytes`, stand together
 * at its beginning, data after them in the order in which they are created, without gaps. With `aligned`, what has a
 * page or more begins at a multiple of NRF_H5_PAGE_BYTES, so that pages are written whole; that leaves no gaps if all chunks are
 * whole pages. */
NRF_MUST_CHECK nrf_status nrf_h5_create_laid_out(const char *path, int64_t metadata_bytes, bool aligned,
                                                 nrf_h5_file **out);

typedef enum nrf_h5_float {
  NRF_H5_SINGLE, /* binary32, little-endian */
  NRF_H5_HALF,   /* binary16                */
} nrf_h5_float;

/* HDF5's filters, applied in this order. */
typedef struct nrf_h5_filters {
  bool shuffle, fletcher32;
  int  deflate; /* level, 0 for none */
} nrf_h5_filters;

static inline bool nrf_h5_filters_any(nrf_h5_filters filters)
{
  return filters.shuffle || filters.deflate > 0 || filters.fletcher32;
}

/* A data set of floats in chunks, and what is to be known of it. */
typedef struct nrf_h5_chunked {
  const nrf_h5_file *file; /* borrowed                                                           */
  int64_t            id;   /* HDF5's                                                             */
  const char        *name; /* borrowed: the path it was opened with                              */
  nrf_h5_float       number;
  nrf_h5_shape       shape, chunk; /* chunk.rank = 0: contiguous or compact                              */
  nrf_h5_filters     filters;
} nrf_h5_chunked;

/* Creates a data set. Without filters all its chunks have their place in the file at once, one after the other, and
 * what stands there is left as it is. Close it, also after a failure of a later call. */
NRF_MUST_CHECK nrf_status nrf_h5_chunked_create(nrf_h5_file *file, const char *name, nrf_h5_float number,
                                                nrf_h5_shape shape, nrf_h5_shape chunk,
                                                nrf_h5_filters filters, nrf_h5_chunked *out);

/* Opens one for reading. NRF_EFORMAT if it does not hold floats. */
NRF_MUST_CHECK nrf_status nrf_h5_chunked_open(const nrf_h5_file *file, const char *name, nrf_h5_chunked *out);

/* Closes; what was written is written, or that is an error. Once closed, or after a failure to open, it may be called
 * again and does nothing. nrf_h5_chunked_free asks no questions: for reading, and after a failure. */
NRF_MUST_CHECK nrf_status nrf_h5_chunked_close(nrf_h5_chunked *d);
void                      nrf_h5_chunked_free(nrf_h5_chunked *d);

/* Where the chunk that begins at element `start` [rank] stands in the file, and how many bytes it has. -1 for one without
 * a place. */
NRF_MUST_CHECK nrf_status nrf_h5_chunk_place(const nrf_h5_chunked *d, const int64_t start[], int64_t *address,
                                             int64_t *bytes);

/* Writes a chunk that has gone through the filters; bit i of `skipped` says that the i-th one was left out. */
NRF_MUST_CHECK nrf_status nrf_h5_chunk_write(nrf_h5_chunked *d, const int64_t start[], uint32_t skipped,
                                             size_t bytes, const void *data);

/* Reads the block start [rank], count [rank] as float32, through whatever filters there are. */
NRF_MUST_CHECK nrf_status nrf_h5_read_block(const nrf_h5_chunked *d, const int64_t start[],
                                            const int64_t count[], float *out);

/* Bytes its data take in the file. */
int64_t nrf_h5_stored_bytes(const nrf_h5_chunked *d);

/* Where a contiguous data set's data begin. NRF_EFORMAT if it has no place. */
NRF_MUST_CHECK nrf_status nrf_h5_place(const nrf_h5_file *file, const char *name, int64_t *address);

#endif
