/* md5.c - see md5.h. Names follow RFC 1321, section 3.4. */
#include "io/md5.h"

#include <stdio.h>
#include <string.h>

/* floor(2^32 |sin(i + 1)|), as a table so that it does not depend on the C library's sine. */
static const uint32_t T[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const uint8_t rotation[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t little_endian_32(const uint8_t *p)
{
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void hash_block(uint32_t state[4], const uint8_t block[64])
{
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  for (int i = 0; i < 64; i++) {
    uint32_t f;
    int      k;
    switch (i / 16) {
    case 0:
      f = (b & c) | (~b & d);
      k = i;
      break;
    case 1:
      f = (b & d) | (c & ~d);
      k = 5 * i + 1;
      break;
    case 2:
      f = b ^ c ^ d;
      k = 3 * i + 5;
      break;
    default:
      f = c ^ (b | ~d);
      k = 7 * i;
      break;
    }
    const uint32_t sum = a + f + T[i] + little_endian_32(block + 4 * (k % 16));
    const int      s   = rotation[i / 16][i % 4];
    a                  = d;
    d                  = c;
    c                  = b;
    b += sum << s | sum >> (32 - s);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

void nrf_md5_init(nrf_md5 *md5)
{
  *md5 = (nrf_md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void nrf_md5_update(nrf_md5 *md5, const void *data, size_t bytes)
{
  const uint8_t *p = data;
  while (bytes > 0) {
    const size_t waiting = md5->bytes % 64;
    const size_t n       = bytes < 64 - waiting ? bytes : 64 - waiting;
    memcpy(md5->block + waiting, p, n);
    md5->bytes += n;
    p += n;
    bytes -= n;
    if (md5->bytes % 64 == 0) hash_block(md5->state, md5->block);
  }
}

void nrf_md5_final(nrf_md5 *md5, char hex[NRF_MD5_HEX_BYTES])
{
  static const uint8_t padding[64] = {0x80};
  const uint64_t       bits        = md5->bytes * 8;
  const size_t         waiting     = md5->bytes % 64;
  nrf_md5_update(md5, padding, waiting < 56 ? 56 - waiting : 120 - waiting);

  uint8_t length[8];
  for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> 8 * i);
  nrf_md5_update(md5, length, sizeof length);

  static const char digits[] = "0123456789abcdef";
  for (int i = 0; i < 16; i++) {
    const uint8_t byte = (uint8_t)(md5->state[i / 4] >> 8 * (i % 4));
    hex[2 * i]         = digits[byte >> 4];
    hex[2 * i + 1]     = digits[byte & 15];
  }
  hex[32] = '\0';
}

nrf_status nrf_md5_file(const char *path, char hex[NRF_MD5_HEX_BYTES])
{
  FILE *file = fopen(path, "rb");
  if (!file) return nrf_error_errno("%s: open", path);

  nrf_md5 md5;
  nrf_md5_init(&md5);
  uint8_t buffer[1 << 16];
  size_t  n;
  while ((n = fread(buffer, 1, sizeof buffer, file)) > 0) nrf_md5_update(&md5, buffer, n);
  nrf_md5_final(&md5, hex);

  const nrf_status st = ferror(file) ? nrf_error_errno("%s: read", path) : NRF_OK;
  fclose(file);
  return st;
}
