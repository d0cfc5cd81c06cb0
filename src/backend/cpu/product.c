/* product.c - rows times a packed matrix, in tiles of registers. */
#include "product.h"

#include "lanes.h"

enum { LANES = NRF_LANES, TILE_ROWS = 8, TILE_BLOCKS = 2 };

size_t nrf_packed_floats(int64_t n_in, int64_t n_out)
{
  return (size_t)((n_out + LANES - 1) / LANES * LANES * n_in);
}

void nrf_pack(int64_t n_in, int64_t n_out, const float *w, int64_t in_step, int64_t out_step, float *packed)
{
  for (int64_t block = 0; block * LANES < n_out; block++)
    for (int64_t i = 0; i < n_in; i++)
      for (int64_t lane = 0; lane < LANES; lane++) {
        const int64_t o = block * LANES + lane;
        *packed++       = o < n_out ? w[i * in_step + o * out_step] : 0.0f;
      }
}

/* A tile of rows x blocks; both are constants to the compiler, so that the sums live in registers. */
static inline __attribute__((always_inline)) void tile(int rows, int blocks, int64_t n_in, int64_t n_out,
                                                       int64_t first, const float *x, const float *packed,
                                                       const float *bias, float *y)
{
  nrf_vector        sum[TILE_ROWS][TILE_BLOCKS];
  const nrf_vector *w = (const nrf_vector *)(const void *)packed;
#pragma GCC unroll 2
  for (int b = 0; b < blocks; b++) {
    const nrf_vector start =
        bias == NULL ? (nrf_vector){0} : nrf_load_lanes(bias + first + b * LANES, n_out - first - b * LANES);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) sum[r][b] = start;
  }
  for (int64_t i = 0; i < n_in; i++) {
#pragma GCC unroll 2
    for (int b = 0; b < blocks; b++) {
      const nrf_vector k = w[b * n_in + i];
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++) sum[r][b] += k * x[r * n_in + i];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; b++)
      nrf_store_lanes(y + r * n_out + first + b * LANES, sum[r][b], n_out - first - b * LANES);
}

/* All rows of one or two blocks. */
static inline __attribute__((always_inline)) void stripe(int blocks, int64_t rows, int64_t n_in,
                                                         int64_t n_out, int64_t first, const float *x,
                                                         const float *packed, const float *bias, float *y)
{
  int64_t r = 0;
  for (; r + TILE_ROWS <= rows; r += TILE_ROWS)
    tile(TILE_ROWS, blocks, n_in, n_out, first, x + r * n_in, packed, bias, y + r * n_out);
  for (; r + 4 <= rows; r += 4)
    tile(4, blocks, n_in, n_out, first, x + r * n_in, packed, bias, y + r * n_out);
  for (; r < rows; r++) tile(1, blocks, n_in, n_out, first, x + r * n_in, packed, bias, y + r * n_out);
}

void nrf_multiply_rows(int64_t rows, int64_t n_in, int64_t n_out, const float *x, const float *packed,
                       const float *bias, float *y)
{
  /* Rows in runs that stay in the cache while the matrix passes over them. */
  enum { CACHE_FLOATS = 16384 };
  const int64_t most = CACHE_FLOATS / n_in < 64 ? 64 : CACHE_FLOATS / n_in / TILE_ROWS * TILE_ROWS;
  for (int64_t r = 0; r < rows; r += most) {
    const int64_t n = rows - r < most ? rows - r : most;
    for (int64_t first = 0; first < n_out; first += TILE_BLOCKS * LANES) {
      const float *w = packed + first * n_in;
      if (n_out - first > LANES)
        stripe(2, n, n_in, n_out, first, x + r * n_in, w, bias, y + r * n_out);
      else
        stripe(1, n, n_in, n_out, first, x + r * n_in, w, bias, y + r * n_out);
    }
  }
}
