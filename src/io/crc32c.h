/* crc32c.h - the CRC-32 of Castagnoli (RFC 3720, appendix B.4), which guards the records of event files. */
#ifndef NRFLV_IO_CRC32C_H
#define NRFLV_IO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* nrf_crc32c("123456789", 9) = 0xE3069283. */
uint32_t nrf_crc32c(const void *bytes, size_t size);

#endif
