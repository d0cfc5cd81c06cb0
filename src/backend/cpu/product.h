/* product.h - rows times a packed matrix: what pointwise and strided convolutions are made of. */
#ifndef NRFLV_CPU_PRODUCT_H
#define NRFLV_CPU_PRODUCT_H

#include <stddef.h>
#include <stdint.h>

/* The packed form of a matrix [n_in, n_out]: blocks of 16 columns, [block][in][16], the last filled up with zeros. Floats: */
size_t nrf_packed_floats(int64_t n_in, int64_t n_out);

/* Packs w, whose element (i, o) stands at w[i * in_step + o * out_step]. */
void nrf_pack(int64_t n_in, int64_t n_out, const float *w, int64_t in_step, int64_t out_step, float *packed);

/* y[r, o] = bias[o] + sum_i x[r, i] w[i, o]: x [rows, n_in], y [rows, n_out], both dense. bias may be NULL. packed is aligned to
 * 64 bytes. Every row is computed in the same order, whatever the number of rows. */
void nrf_multiply_rows(int64_t rows, int64_t n_in, int64_t n_out, const float *x, const float *packed,
                       const float *bias, float *y);

#endif
