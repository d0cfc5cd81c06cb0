/* gz_stream.h - reads a file from its beginning to its end, unpacking it if it is gzip (told by its first
 * two bytes). Stricter than zlib's gzread: a file that ends early and anything after the end are errors. */
#ifndef NRF_IO_GZ_STREAM_H
#define NRF_IO_GZ_STREAM_H

#include "nrflv/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct nrf_gz nrf_gz;

/* Errors (of all functions): NRF_EIO, NRF_EFORMAT for damaged files, NRF_ENOMEM; messages begin with the path. */
NRF_MUST_CHECK nrf_status nrf_gz_create(const char *path, nrf_gz **out);
void                      nrf_gz_free(nrf_gz *gz); /* NULL is fine */

/* Up to `bytes` unpacked bytes; *got is less only at the end of the stream. */
NRF_MUST_CHECK nrf_status nrf_gz_read(nrf_gz *gz, void *buffer, size_t bytes, size_t *got);

/* Exactly `bytes`; NRF_EFORMAT if the stream has fewer. */
NRF_MUST_CHECK nrf_status nrf_gz_read_exact(nrf_gz *gz, void *buffer, size_t bytes);

/* NRF_EFORMAT unless everything was read. */
NRF_MUST_CHECK nrf_status nrf_gz_expect_end(nrf_gz *gz);

/* No more than this can come out of the file: what to hold a header's promise against before allocating. */
int64_t nrf_gz_max_bytes(const nrf_gz *gz);

#endif
