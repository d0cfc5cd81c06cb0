/* crc32c.c - four bits at a time: a table one can check by eye, and fast enough for logs. */
#include "io/crc32c.h"

/* Entry n is the remainder of n under the reflected polynomial 0x82F63B78. */
static const uint32_t TABLE[16] = {
    0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
    0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75,
};

uint32_t nrf_crc32c(const void *bytes, size_t size)
{
  const uint8_t *next = bytes;
  uint32_t       crc  = 0xFFFFFFFFu;
  for (size_t i = 0; i < size; i++) {
    crc ^= next[i];
    crc = (crc >> 4) ^ TABLE[crc & 15];
    crc = (crc >> 4) ^ TABLE[crc & 15];
  }
  return ~crc;
}
