/* md5.h - MD5 (RFC 1321), because the data sets' publishers give MD5 sums. It finds damaged downloads; it
 * is no protection against a forger (https is). */
#ifndef NRF_IO_MD5_H
#define NRF_IO_MD5_H

#include "nrflv/status.h"

#include <stddef.h>
#include <stdint.h>

enum { NRF_MD5_HEX_BYTES = 33 }; /* 32 lower-case digits and the final zero */

typedef struct nrf_md5 {
  uint32_t state[4];
  uint64_t bytes;     /* hashed so far             */
  uint8_t  block[64]; /* bytes % 64 of them waiting */
} nrf_md5;

void nrf_md5_init(nrf_md5 *md5);
void nrf_md5_update(nrf_md5 *md5, const void *data, size_t bytes);
void nrf_md5_final(nrf_md5 *md5, char hex[NRF_MD5_HEX_BYTES]);

/* The sum of a whole file. Errors: NRF_EIO, with the path. */
NRF_MUST_CHECK nrf_status nrf_md5_file(const char *path, char hex[NRF_MD5_HEX_BYTES]);

#endif
