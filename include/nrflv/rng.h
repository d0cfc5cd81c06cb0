/* rng.h - counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3", SC 2011).
 *
 * A draw is a pure function of (seed, stream, step, layer, index): it does not depend on threads,
 * restarts or the order of drawing, and is the same text on CPU and GPU. Inline so that loops over
 * it vectorise and CUDA compiles it too. */
#ifndef NRFLV_RNG_H
#define NRFLV_RNG_H

#include <stdint.h>

#ifdef __CUDACC__
#define NRF_INLINE static inline __host__ __device__
#else
#define NRF_INLINE static inline
#endif

/* One stream per purpose; the compiler numbers them. Append only: a stream's number is part of what
 * "the same seed" means, and of every checkpoint. */
typedef enum nrf_rng_stream {
  NRF_RNG_WEIGHTS,      /* initial weights: layer = parameter's index, index = element              */
  NRF_RNG_NOISE,        /* sampler noise: step = sampler step, layer, index = element (see sampler)  */
  NRF_RNG_STATES,       /* random initial states                                                    */
  NRF_RNG_BUFFER,       /* which replay-buffer samples a negative phase starts from                 */
  NRF_RNG_SHUFFLE,      /* order of images: step = epoch                                            */
  NRF_RNG_PHASE_LENGTH, /* --randomize_neg_its                                                      */
  NRF_RNG_PIXELS,       /* random pixels fed to the initialiser network (--neg_ff_init)              */
  NRF_RNG_SETTINGS,     /* --randomize_args                                                         */
  NRF_RNG_DEAD_LEAVES,  /* the built-in image generator: step = image                               */
  NRF_RNG_SPECTRAL,     /* first vector u of spectral normalisation                                 */
  NRF_RNG_NAME,         /* the random part of a model's name                                        */
  NRF_RNG_TEST,         /* tests and benchmarks                                                     */
  NRF_RNG_EXPERIMENT,   /* seed of a recorded experiment: step = its number in the table            */
  NRF_RNG_BOOTSTRAP,    /* resampling in the analyses: step = group, layer = analysis               */
  NRF_RNG_SAMPLE,       /* which of many results the analyses show: layer = analysis, index = row   */
} nrf_rng_stream;

/* Everything of an address but the index. */
typedef struct nrf_rng {
  uint64_t seed;
  uint64_t step;
  uint32_t stream_layer; /* stream << 16 | layer */
} nrf_rng;

/* layer < 65536. */
NRF_INLINE nrf_rng nrf_rng_at(uint64_t seed, nrf_rng_stream stream, uint64_t step, uint32_t layer)
{
  nrf_rng r;
  r.seed         = seed;
  r.step         = step;
  r.stream_layer = ((uint32_t)stream << 16) | (layer & 0xffffu);
  return r;
}

/* Four independent 32-bit words for one block number (< 2^32). */
NRF_INLINE void nrf_rng_block(nrf_rng r, uint32_t block, uint32_t out[4])
{
  uint32_t c0 = block, c1 = r.stream_layer, c2 = (uint32_t)r.step, c3 = (uint32_t)(r.step >> 32);
  uint32_t k0 = (uint32_t)r.seed, k1 = (uint32_t)(r.seed >> 32);
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = (uint64_t)0xD2511F53u * c0;
    const uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
    const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    const uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1                = (uint32_t)p1;
    c3                = (uint32_t)p0;
    c0                = n0;
    c2                = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/* 32 random bits at an index < 2^34. */
NRF_INLINE uint32_t nrf_rng_u32(nrf_rng r, uint64_t index)
{
  uint32_t w[4];
  nrf_rng_block(r, (uint32_t)(index >> 2), w);
  return w[index & 3];
}

/* Uniform in [0, 1), a multiple of 2^-24, from 32 random bits. */
NRF_INLINE float nrf_u32_to_uniform(uint32_t bits)
{
  return (float)(bits >> 8) * 0x1p-24f;
}

NRF_INLINE float nrf_rng_uniform(nrf_rng r, uint64_t index)
{
  return nrf_u32_to_uniform(nrf_rng_u32(r, index));
}

/* Uniform integer in [0, n), n >= 1. Multiply-shift: bias below n / 2^32. */
NRF_INLINE uint32_t nrf_rng_below(nrf_rng r, uint64_t index, uint32_t n)
{
  return (uint32_t)(((uint64_t)nrf_rng_u32(r, index) * n) >> 32);
}

#endif
