/* bootstrap.c - resampling a mean. */
#include "nrflv/analysis/bootstrap.h"

#include "nrflv/analysis/percentile.h"
#include "nrflv/memory.h"
#include "nrflv/moments.h"
#include "nrflv/sort.h"

#include <math.h>

/* One block of the generator serves four draws. */
enum { DRAWS = 4 };

static double resampled_mean(nrf_rng stream, uint64_t first, int64_t n, const double *v)
{
  double   sum = 0.0;
  uint32_t words[DRAWS];
  uint64_t block = UINT64_MAX;
  for (int64_t i = 0; i < n; i++) {
    const uint64_t index = first + (uint64_t)i;
    if (index / DRAWS != block) {
      block = index / DRAWS;
      nrf_rng_block(stream, (uint32_t)block, words);
    }
    sum += v[((uint64_t)words[index % DRAWS] * (uint64_t)n) >> 32];
  }
  return sum / (double)n;
}

void nrf_bootstrap_means(nrf_rng stream, int64_t n, const double *v, int64_t resamples, double *means)
{
  for (int64_t r = 0; r < resamples; r++) means[r] = resampled_mean(stream, (uint64_t)r * (uint64_t)n, n, v);
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
