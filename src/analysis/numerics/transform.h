/* transform.h - FFTW's real transforms of one size, shared by threads. */
#ifndef NRFLV_ANALYSIS_TRANSFORM_H
#define NRFLV_ANALYSIS_TRANSFORM_H

#include "nrflv/status.h"

#include <complex.h>
#include <stddef.h>
#include <stdint.h>

/* Never changed after it was made. */
typedef struct nrf_transform nrf_transform;

NRF_MUST_CHECK nrf_status nrf_transform_create(int64_t n, nrf_transform **out);
void                      nrf_transform_free(nrf_transform *t);

/* X_k = sum_j x_j exp(-2 pi i j k / n), k = 0 .. n / 2. All memory is aligned to 64 bytes (nrf_alloc), x and X are different.
 * x[n] is kept. */
void nrf_transform_forward(const nrf_transform *t, const double *x, double complex *spectrum);

/* n times the x that has this spectrum; destroys the spectrum. */
void nrf_transform_backward(const nrf_transform *t, double complex *spectrum, double *x);

/* Smallest size of at least n that has no prime factor above 7: what FFTW is fast with. */
int64_t nrf_transform_good_size(int64_t n);

/* Values rounded up so that what follows them in a block of doubles is aligned. */
static inline int64_t nrf_transform_padded(int64_t doubles)
{
  return (doubles + 7) / 8 * 8;
}

#endif
