/* fft.c - Stockham's mixed-radix Fourier transform (natural order in and out, no bit reversal), lanes side by side.
 *
 * A pass of radix r splits n points into r interleaved sequences of m = n / r:
 *   y_j(q) = w^(jq) sum_t x(q + m t) exp(-2 pi i j t / r),   w = exp(-2 pi i / n)
 * and the next pass continues on the y_j with m points. */
#include "fft.h"

#include <math.h>

typedef nrf_complex_vector cv;

/* Radix 4 first: fewest operations. */
static int factorise(int size, int radix[NRF_FFT_MAX_PASSES])
{
  static const int radices[] = {5, 4, 3, 2};
  int              n         = 0;
  for (int i = 0; i < 4; i++)
    while (size % radices[i] == 0 && n < NRF_FFT_MAX_PASSES) {
      radix[n++] = radices[i];
      size /= radices[i];
    }
  return size == 1 ? n : 0;
}

int nrf_fft_good_size(int at_least)
{
  int radix[NRF_FFT_MAX_PASSES];
  for (int size = at_least + at_least % 2; size <= NRF_FFT_MAX_SIZE; size += 2)
    if (size >= 2 && factorise(size, radix) > 0) return size;
  return 0;
}

void nrf_fft_init(nrf_fft *fft, int size)
{
  const double pi = 3.14159265358979323846;
  fft->size       = size;
  fft->n_passes   = factorise(size, fft->radix);
  int n           = size;
  for (int pass = 0; pass < fft->n_passes; pass++) {
    const int r = fft->radix[pass], m = n / r;
    for (int q = 0; q < m; q++)
      for (int j = 0; j < r; j++) {
        const double angle               = -2.0 * pi * j * q / n;
        fft->twiddle[pass][q * r + j][0] = (float)cos(angle);
        fft->twiddle[pass][q * r + j][1] = (float)sin(angle);
      }
    n = m;
  }
}

#define INLINE static inline __attribute__((always_inline))

INLINE cv add(cv a, cv b)
{
  return (cv){a.re + b.re, a.im + b.im};
}

INLINE cv sub(cv a, cv b)
{
  return (cv){a.re - b.re, a.im - b.im};
}

/* a + f b */
INLINE cv axpy(float f, cv b, cv a)
{
  return (cv){a.re + f * b.re, a.im + f * b.im};
}

INLINE cv scaled(float f, cv a)
{
  return (cv){f * a.re, f * a.im};
}

/* a - i b and a + i b */
INLINE cv sub_i(cv a, cv b)
{
  return (cv){a.re + b.im, a.im - b.re};
}

INLINE cv add_i(cv a, cv b)
{
  return (cv){a.re - b.im, a.im + b.re};
}

INLINE cv twiddled(cv a, const float w[2])
{
  return (cv){a.re * w[0] - a.im * w[1], a.re * w[1] + a.im * w[0]};
}

/* The transform of r points, r known to the compiler. */
INLINE void butterfly(int r, cv x[5])
{
  if (r == 2) {
    const cv a = x[0], b = x[1];
    x[0] = add(a, b);
    x[1] = sub(a, b);
  } else if (r == 3) {
    const float s = 0.866025403784438647f; /* sin(2 pi / 3) */
    const cv    t = add(x[1], x[2]), d = scaled(s, sub(x[1], x[2])), c = axpy(-0.5f, t, x[0]);
    x[0] = add(x[0], t);
    x[1] = sub_i(c, d);
    x[2] = add_i(c, d);
  } else if (r == 4) {
    const cv a = add(x[0], x[2]), b = sub(x[0], x[2]), c = add(x[1], x[3]), d = sub(x[1], x[3]);
    x[0] = add(a, c);
    x[1] = sub_i(b, d);
    x[2] = sub(a, c);
    x[3] = add_i(b, d);
  } else {
    const float c1 = 0.309016994374947424f, c2 = -0.809016994374947424f; /* cos(2 pi / 5), cos(4 pi / 5) */
    const float s1 = 0.951056516295153572f, s2 = 0.587785252292473129f;  /* sin(2 pi / 5), sin(4 pi / 5) */
    const cv    t1 = add(x[1], x[4]), t2 = add(x[2], x[3]), d1 = sub(x[1], x[4]), d2 = sub(x[2], x[3]);
    const cv    a = axpy(c2, t2, axpy(c1, t1, x[0])), b = axpy(c1, t2, axpy(c2, t1, x[0]));
    const cv    e = axpy(s2, d2, scaled(s1, d1)), f = axpy(-s1, d2, scaled(s2, d1));
    x[0] = add(x[0], add(t1, t2));
    x[1] = sub_i(a, e);
    x[4] = add_i(a, e);
    x[2] = sub_i(b, f);
    x[3] = add_i(b, f);
  }
}

/* One pass over sequences that stand `stride` apart: in[k + stride (q + m t)] -> out[k + stride (r q + j)]. */
INLINE void pass_of_radix(int r, int m, int stride, const float (*twiddle)[2], const cv *restrict in,
                          cv *restrict out)
{
  for (int q = 0; q < m; q++)
    for (int k = 0; k < stride; k++) {
      cv x[5];
      for (int t = 0; t < r; t++) x[t] = in[k + stride * (q + m * t)];
      butterfly(r, x);
      out[k + stride * r * q] = x[0];
      for (int j = 1; j < r; j++)
        out[k + stride * (r * q + j)] = q == 0 ? x[j] : twiddled(x[j], twiddle[q * r + j]);
    }
}

cv *nrf_fft_run(const nrf_fft *fft, cv *x, cv *work)
{
  int n = fft->size, stride = 1;
  for (int pass = 0; pass < fft->n_passes; pass++) {
    const int r = fft->radix[pass], m = n / r;
    const float(*twiddle)[2] = fft->twiddle[pass];
    switch (r) {
    case 2:
      pass_of_radix(2, m, stride, twiddle, x, work);
      break;
    case 3:
      pass_of_radix(3, m, stride, twiddle, x, work);
      break;
    case 4:
      pass_of_radix(4, m, stride, twiddle, x, work);
      break;
    default:
      pass_of_radix(5, m, stride, twiddle, x, work);
      break;
    }
    cv *swap = x;
    x        = work;
    work     = swap;
    n        = m;
    stride *= r;
  }
  return x;
}
