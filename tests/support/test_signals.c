#include "test_signals.h"

#include "nrflv/rng.h"

#include <math.h>
#include <string.h>

double signal_lcg(uint32_t *s)
{
  *s = (1103515245u * *s + 12345u) & 0x7fffffffu;
  return (double)*s / 2147483648.0 - 0.5;
}

void signal_oscillation(uint32_t seed, double w, double x[SIGNAL_LENGTH])
{
  static const double r      = 0.97;
  double              before = 0.0, before_that = 0.0;
  for (int n = 0; n < SIGNAL_LENGTH; n++) {
    x[n]        = 2.0 * r * cos(w) * before - r * r * before_that + 0.1 * signal_lcg(&seed);
    before_that = before;
    before      = x[n];
  }
}

void signal_a(double x[SIGNAL_LENGTH])
{
  signal_oscillation(1, 0.30, x);
}

void signal_b(double x[SIGNAL_LENGTH])
{
  double a[SIGNAL_LENGTH];
  signal_a(a);
  signal_oscillation(2, 0.33, x);
  for (int n = 0; n < SIGNAL_LENGTH; n++) x[n] += 0.5 * a[n];
}

void signal_outside(const double x[SIGNAL_LENGTH], double out[SIGNAL_OUT])
{
  memcpy(out, x + SIGNAL_PRE, SIGNAL_PHASE * sizeof *x);
  memcpy(out + SIGNAL_PHASE, x + SIGNAL_POST, (SIGNAL_OUT - SIGNAL_PHASE) * sizeof *x);
}

/* Box and Muller's transform. */
void signal_noise(uint64_t series, int64_t n, double *x)
{
  const nrf_rng stream = nrf_rng_at(20, NRF_RNG_TEST, series, 0);
  for (int64_t i = 0; i < n; i++) {
    const double u = ((double)nrf_rng_u32(stream, 2 * (uint64_t)i) + 0.5) * 0x1p-32;
    const double v = (double)nrf_rng_u32(stream, 2 * (uint64_t)i + 1) * 0x1p-32;
    x[i]           = sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
  }
}
