/* h5_internal.h - what the files of the HDF5 layer share. */
#ifndef NRFLV_IO_H5_INTERNAL_H
#define NRFLV_IO_H5_INTERNAL_H

#include "io/byte_buffer.h"
#include "io/h5_sink.h"
#include "nrflv/atomic_file.h"
#include "nrflv/h5_file.h"

#include <hdf5.h>

struct nrf_h5_file {
  hid_t            id;
  char            *path;
  nrf_atomic_file *beside; /* NULL when reading */
  nrf_h5_sink     *sink;   /* NULL when reading */
};

/* A type of ours in HDF5's terms. */
typedef struct nrf_h5_type_row {
  hid_t       memory, file;
  size_t      size;
  bool        integer;
  const char *name;
} nrf_h5_type_row;

nrf_h5_type_row nrf_h5_type_info(nrf_h5_type type);

/* nrf_h5_create with a file access list of one's own, to which the driver is added. */
NRF_MUST_CHECK nrf_status nrf_h5_create_with(const char *path, hid_t access, nrf_h5_file **out);

/* Closes any HDF5 identifier; a negative one is none. */
void nrf_h5_release(hid_t id);

/* The error for an HDF5 call that has just failed: "PATH: cannot ACTION 'NAME': HDF5's innermost reason".
 * Must come before any other HDF5 call, since each call forgets the reasons of the one before. */
nrf_status nrf_h5_failure(const nrf_h5_file *file, const char *action, const char *name);

/* NRF_OK if `result` is not negative and nothing written so far was lost. */
nrf_status nrf_h5_written(const nrf_h5_file *file, long long result, const char *action, const char *name);

/* Dataspaces for rows [first, first + rows) of a data set of the given shape: dense in memory, selected in
 * the file. NRF_ESHAPE if there are no such rows. The caller releases both, also after a failure. */
NRF_MUST_CHECK nrf_status nrf_h5_select_rows(const nrf_h5_file *file, const char *label, nrf_h5_shape shape,
                                             int64_t first, int64_t rows, hid_t *memory, hid_t *selection);

/* Strings on their way to a list: each is put into the buffer with its NUL, then the list is made in one
 * block. */
void                      nrf_h5_collect(nrf_buffer *collected, const char *text, size_t length);
NRF_MUST_CHECK nrf_status nrf_h5_make_strings(const nrf_h5_file *file, const nrf_buffer *collected,
                                              int64_t count, nrf_h5_strings *out);

#endif
