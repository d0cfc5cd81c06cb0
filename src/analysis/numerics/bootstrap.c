/* bootstrap.c - resampling a mean. */
#include "nrflv/analysis/bootstrap.h"

#include "nrflv/analysis/percentile.h"
#include "nrflv/memory.h"
#include "nrflv/moments.h"
#include "nrflv/sort.h"

#include <math.h>

/* One block of the generator serves four draws; the blocks of many are computed side by side. */
enum { DRAWS = 4, BLOCKS = 64 };

static void make_words(nrf_rng stream, uint64_t first_block, int blocks, uint32_t words[BLOCKS * DRAWS])
{
#pragma omp simd
  for (int k = 0; k < blocks; k++) {
    uint32_t w[DRAWS];
    nrf_rng_block(stream, (uint32_t)(first_block + (uint64_t)k), w);
    for (int d = 0; d < DRAWS; d++) words[d * BLOCKS + k] = w[d];
  }
}

/* The k-th block of a chunk gives draws k, BLOCKS + k, 2 BLOCKS + k, 3 BLOCKS + k of it: which draw is which number does not matter. */
static double resampled_mean(nrf_rng stream, uint64_t first_block, int64_t n, const double *v)
{
  uint32_t words[BLOCKS * DRAWS];
  double   sum = 0.0;
  for (int64_t drawn = 0; drawn < n; drawn += (int64_t)BLOCKS * DRAWS, first_block += BLOCKS) {
    const int64_t left = n - drawn, draws = left < (int64_t)BLOCKS * DRAWS ? left : (int64_t)BLOCKS * DRAWS;
    make_words(stream, first_block, draws < BLOCKS ? (int)draws : BLOCKS, words);
    for (int64_t i = 0; i < draws; i++) sum += v[((uint64_t)words[i] * (uint64_t)n) >> 32];
  }
  return sum / (double)n;
}

void nrf_bootstrap_means(nrf_rng stream, int64_t n, const double *v, int64_t resamples, double *means)
{
  const uint64_t chunks = ((uint64_t)n + BLOCKS * DRAWS - 1) / (BLOCKS * DRAWS);
  for (int64_t r = 0; r < resamples; r++)
    means[r] = resampled_mean(stream, (uint64_t)r * chunks * BLOCKS, n, v);
}

nrf_interval nrf_pivotal_interval(double mean, int64_t resamples, double *means, double confidence)
{
  const double tail = 50.0 * (1.0 - confidence);
  nrf_sort_doubles(resamples, means);
  return (nrf_interval){2.0 * mean - nrf_percentile(resamples, means, 100.0 - tail),
                        2.0 * mean - nrf_percentile(resamples, means, tail)};
}

nrf_status nrf_bootstrap_mean(nrf_rng stream, int64_t n, const double *v, double *mean, nrf_interval *out)
{
  enum { LARGEST_GROUP = 1000000 }; /* the generator's counter of a stream has room for 1.7 times as many */
  if (n > LARGEST_GROUP)
    return nrf_error(NRF_EINVAL, "bootstrap: a group of %lld values; at most %d", (long long)n,
                     LARGEST_GROUP);
  *mean = nrf_moments_of(n, v).mean;
  *out  = (nrf_interval){NAN, NAN};
  if (isnan(*mean)) return NRF_OK;
  double *means = NULL;
  NRF_RETURN_IF_ERROR(
      nrf_alloc(NRF_BOOTSTRAP_RESAMPLES * sizeof *means, "bootstrap: resampled means", (void **)&means));
  nrf_bootstrap_means(stream, n, v, NRF_BOOTSTRAP_RESAMPLES, means);
  *out = nrf_pivotal_interval(*mean, NRF_BOOTSTRAP_RESAMPLES, means, NRF_BOOTSTRAP_CONFIDENCE);
  nrf_free(means);
  return NRF_OK;
}
