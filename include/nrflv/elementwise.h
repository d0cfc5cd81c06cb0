/* elementwise.h - the mathematics of one element, compiled by C and by CUDA from this one text: exponential,
 * logarithm, sine and cosine, activations and their slopes, normal numbers, and one neuron's SGHMC update.
 *
 * Everything is inline and free of branches, so that loops over arrays vectorise (`#pragma omp simd`); a
 * NaN stays a NaN. The polynomials are minimax fits for the stated intervals, made for this file; errors
 * are checked against the C library in double precision by tests/backend/elementwise_test.c. */
#ifndef NRFLV_ELEMENTWISE_H
#define NRFLV_ELEMENTWISE_H

#include "nrflv/activation.h"
#include "nrflv/rng.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- bits ---------------------------------------------------------------------------------------- */

NRF_INLINE uint32_t nrf_float_bits(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

NRF_INLINE float nrf_bits_float(uint32_t bits)
{
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* The nearest point of [low, high]. The maximum wins where low > high. */
NRF_INLINE float nrf_clamp(float x, float low, float high)
{
  const float raised = x < low ? low : x; /* written so that a NaN stays a NaN; fmaxf would hide it */
  return raised > high ? high : raised;
}

/* ---- elementary functions ------------------------------------------------------------------------ */

/* exp(x) for every float, within 1.1 ulp. Too small is 0 (by way of the denormals), too large is infinite. */
NRF_INLINE float nrf_expf(float x)
{
  /* x = n ln 2 + r with |r| <= ln(2)/2. Adding 1.5 * 2^23 rounds to an integer, in the sum's low bits. */
  const float   y       = nrf_clamp(x, -104.0f, 89.0f);
  const float   shifted = y * 1.44269504f + 0x1.8p23f;
  const float   n       = shifted - 0x1.8p23f;
  const int32_t power   = (int32_t)(nrf_float_bits(shifted) - 0x4b400000u);
  const float   r = (y - n * 0x1.62e4p-1f) - n * 1.42860682e-6f; /* ln 2 in two parts, the first exact */

  float p = 0x1.6a2434p-10f;
  p       = p * r + 0x1.1239e2p-7f;
  p       = p * r + 0x1.5558f2p-5f;
  p       = p * r + 0x1.555492p-3f;
  p       = p * r + 0x1.fffffcp-2f;
  p       = 1.0f + (r + r * r * p);

  /* 2^n in two factors: n reaches from -150 to 128, the exponents of floats from -126 to 127. */
  const int32_t half  = power >> 1;
  const float   first = nrf_bits_float((uint32_t)(half + 127) << 23);
  const float   rest  = nrf_bits_float((uint32_t)(power - half + 127) << 23);
  return p * first * rest;
}

/* Natural logarithm of a positive, finite, normal number (for normal numbers), within 1.1 ulp. */
NRF_INLINE float nrf_log_positive(float x)
{
  /* x = 2^n m with m in [sqrt(1/2), sqrt(2)), so that the logarithm of numbers near 1 loses no digits. */
  const uint32_t root_half = 0x3f3504f3u;
  const uint32_t above     = nrf_float_bits(x) - root_half;
  const float    n         = (float)((int32_t)above >> 23);
  const float    f         = nrf_bits_float((above & 0x7fffffu) + root_half) - 1.0f;

  float p = 0x1.1b4348p-4f;
  p       = p * f - 0x1.e2e8bap-4f;
  p       = p * f + 0x1.e64fd4p-4f;
  p       = p * f - 0x1.fb434cp-4f;
  p       = p * f + 0x1.2332d2p-3f;
  p       = p * f - 0x1.5562e2p-3f;
  p       = p * f + 0x1.99a544p-3f;
  p       = p * f - 0x1.ffffeep-3f;
  p       = p * f + 0x1.555546p-2f;

  const float tail = f * f * (f * p - 0.5f) + n * 1.42860682e-6f;
  return n * 0x1.62e4p-1f + (f + tail);
}

/* Sine and cosine of an angle given as a fraction of a turn in units of 2^-32: the argument is exact, and
 * there is nothing to reduce. Within 3 ulp, most of it from rounding 30 bits of angle to a float. */
NRF_INLINE void nrf_sincos_turn(uint32_t turn, float *sine, float *cosine)
{
  /* The nearest quarter turn, and what is left: x in [-pi/4, pi/4). */
  const uint32_t shifted = turn + 0x20000000u;
  const uint32_t quarter = shifted >> 30;
  const float    left    = (float)((int32_t)(shifted & 0x3fffffffu) - 0x20000000) * 0x1p-30f;
  const float    x       = left * 1.57079637f - left * 4.37113883e-8f; /* pi/2 in two parts */
  const float    xx      = x * x;

  float s = -0x1.994eb8p-13f;
  s       = s * xx + 0x1.110760p-7f;
  s       = s * xx - 0x1.555546p-3f;
  s       = x + x * xx * s;

  float c = 0x1.9a0264p-16f;
  c       = c * xx - 0x1.6c0c8cp-10f;
  c       = c * xx + 0x1.55554ap-5f;
  c       = 1.0f + xx * (xx * c - 0.5f);

  const float    s_or_c = (quarter & 1u) ? c : s;
  const float    c_or_s = (quarter & 1u) ? s : c;
  const uint32_t s_sign = (quarter & 2u) << 30;
  const uint32_t c_sign = ((quarter + 1u) & 2u) << 30;
  *sine                 = nrf_bits_float(nrf_float_bits(s_or_c) ^ s_sign);
  *cosine               = nrf_bits_float(nrf_float_bits(c_or_s) ^ c_sign);
}

/* ---- activations (spec/system.md 1.2, 1.5) -------------------------------------------------------- */

NRF_INLINE float nrf_sigmoid(float x)
{
  return 1.0f / (1.0f + nrf_expf(-x));
}

NRF_INLINE float nrf_hardtanh(float x)
{
  return nrf_clamp(x, -1.0f, 1.0f);
}

NRF_INLINE float nrf_hardsig(float x)
{
  return nrf_clamp(x, 0.0f, 1.0f);
}

NRF_INLINE float nrf_relu(float x)
{
  return x < 0.0f ? 0.0f : x;
}

NRF_INLINE float nrf_leaky_relu(float x)
{
  return x > 0.0f ? x : 0.01f * x;
}

NRF_INLINE float nrf_swish(float x)
{
  return x * nrf_sigmoid(x);
}

/* Slopes. On a bound they are 0 (1.2). */
NRF_INLINE float nrf_hardtanh_slope(float x)
{
  return x > -1.0f && x < 1.0f ? 1.0f : 0.0f;
}

NRF_INLINE float nrf_hardsig_slope(float x)
{
  return x > 0.0f && x < 1.0f ? 1.0f : 0.0f;
}

NRF_INLINE float nrf_relu_slope(float x)
{
  return x > 0.0f ? 1.0f : 0.0f;
}

NRF_INLINE float nrf_leaky_relu_slope(float x)
{
  return x > 0.0f ? 1.0f : 0.01f;
}

NRF_INLINE float nrf_swish_slope(float x)
{
  const float s = nrf_sigmoid(x);
  return s + x * s * (1.0f - s);
}

/* By name. Branch-free only where the compiler knows `kind`: call these from a function that is inlined with
 * a constant kind, one loop per kind. */
NRF_INLINE float nrf_activate(nrf_activation kind, float x)
{
  switch (kind) {
  case NRF_HARDTANH:
    return nrf_hardtanh(x);
  case NRF_HARDSIG:
    return nrf_hardsig(x);
  case NRF_RELU:
    return nrf_relu(x);
  case NRF_LEAKY_RELU:
    return nrf_leaky_relu(x);
  case NRF_SWISH:
    return nrf_swish(x);
  case NRF_SOFT_HARDTANH:
    return nrf_hardtanh(x) + 0.01f * x;
  case NRF_SOFT_HARDSIG:
    return nrf_hardsig(x) + 0.01f * x;
  default:
    return x;
  }
}

NRF_INLINE float nrf_activation_slope(nrf_activation kind, float x)
{
  switch (kind) {
  case NRF_HARDTANH:
    return nrf_hardtanh_slope(x);
  case NRF_HARDSIG:
    return nrf_hardsig_slope(x);
  case NRF_RELU:
    return nrf_relu_slope(x);
  case NRF_LEAKY_RELU:
    return nrf_leaky_relu_slope(x);
  case NRF_SWISH:
    return nrf_swish_slope(x);
  case NRF_SOFT_HARDTANH:
    return nrf_hardtanh_slope(x) + 0.01f;
  case NRF_SOFT_HARDSIG:
    return nrf_hardsig_slope(x) + 0.01f;
  default:
    return 1.0f;
  }
}

/* ---- normal numbers ------------------------------------------------------------------------------- */

/* Four independent standard normal numbers from one block of random words (Box and Muller, 1958). The radius
 * comes from a uniform number in (0, 1] of 32 bits: tails reach 6.76 standard deviations, and end. */
NRF_INLINE void nrf_normals_of_words(const uint32_t words[4], float normal[4])
{
  for (int pair = 0; pair < 4; pair += 2) {
    const float uniform = (float)words[pair] * 0x1p-32f + 0x1p-33f;
    const float radius  = sqrtf(-2.0f * nrf_log_positive(uniform));
    float       sine, cosine;
    nrf_sincos_turn(words[pair + 1], &sine, &cosine);
    normal[pair]     = radius * cosine;
    normal[pair + 1] = radius * sine;
  }
}

/* The normal numbers of elements 4 block .. 4 block + 3 of an array at address r. This is the addressing of
 * all noise: element e of a field array is word e % 4 of block e / 4. */
NRF_INLINE void nrf_rng_normals(nrf_rng r, uint32_t block, float normal[4])
{
  uint32_t words[4];
  nrf_rng_block(r, block, words);
  nrf_normals_of_words(words, normal);
}

/* ---- SGHMC, one neuron (spec/system.md 2.1; the numbers in brackets are its steps) ----------------- */

/* What is the same for all neurons of a layer; made in double precision by the state optimiser. */
typedef struct nrf_sghmc_coefficients {
  float squared_step; /* h^2                              */
  float friction;     /* m                                */
  float noise_linear; /* 2 hs^2 m,    hs = h / sqrt(c)    */
  float noise_square; /* 2 hs^3 beta                      */
  float noise_offset; /* hs^4                             */
  float min_variance, max_variance;
} nrf_sghmc_coefficients;

/* [1] */
NRF_INLINE float nrf_sghmc_minv(float v_hat)
{
  return 1.0f / sqrtf(v_hat);
}

/* [2] Burn-in: every value on the right is the one from before the step. */
NRF_INLINE void nrf_sghmc_adapt(float gradient, float *tau, float *g, float *v_hat)
{
  const float r = 1.0f / (*tau + 1.0f);
  *tau += 1.0f - *tau * *g * *g / *v_hat;
  *g += r * (gradient - *g);
  *v_hat += r * (gradient * gradient - *v_hat);
}

/* [4] The standard deviation of the noise. */
NRF_INLINE float nrf_sghmc_sigma(const nrf_sghmc_coefficients *k, float minv)
{
  const float variance = (k->noise_linear - k->noise_square * minv) * minv - k->noise_offset;
  return sqrtf(nrf_clamp(variance, k->min_variance, k->max_variance));
}

/* [5, 6] The new momentum; `mixed` is p or M p. */
NRF_INLINE float nrf_sghmc_momentum(const nrf_sghmc_coefficients *k, float p, float mixed, float minv,
                                    float gradient, float noise)
{
  return p - k->squared_step * minv * gradient - k->friction * mixed + noise;
}

#endif
