/* fft.h - Fourier transforms of short sequences of vectors: 16 transforms side by side, one in each lane. */
#ifndef NRFLV_CPU_FFT_H
#define NRFLV_CPU_FFT_H

#include "lanes.h"

enum { NRF_FFT_MAX_SIZE = 96, NRF_FFT_MAX_PASSES = 7 };

typedef struct nrf_complex_vector {
  nrf_vector re, im;
} nrf_complex_vector;

typedef struct nrf_fft {
  int   size; /* a product of 2, 3, 4 and 5                                                     */
  int   n_passes;
  int   radix[NRF_FFT_MAX_PASSES];
  float twiddle[NRF_FFT_MAX_PASSES][NRF_FFT_MAX_SIZE]
               [2]; /* [pass][q * radix + j]: cos and -sin of 2 pi j q / n */
} nrf_fft;

/* The smallest even size >= at_least that transforms quickly, or 0 if that is beyond NRF_FFT_MAX_SIZE. */
int nrf_fft_good_size(int at_least);

/* size: from nrf_fft_good_size. */
void nrf_fft_init(nrf_fft *fft, int size);

/* Forward transform, X(k) = sum_t x(t) exp(-2 pi i k t / size), of x[size], with work[size]; both are overwritten.
 * Returns whichever of the two holds the result, in natural order. The inverse times size is the same with the roles of re
 * and im exchanged before and after. */
nrf_complex_vector *nrf_fft_run(const nrf_fft *fft, nrf_complex_vector *x, nrf_complex_vector *work);

#endif
