/* model_name.c - names for models that nobody named. */
#include "nrflv/model_name.h"

#include "nrflv/rng.h"

#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

enum { RANDOM_NAMES = 99999, ATTEMPTS = 100 };

void nrf_model_name_at(time_t now, uint64_t entropy, char name[NRF_MODEL_NAME_BYTES])
{
  struct tm      local;
  char           stamp[32];
  const uint32_t number = nrf_rng_below(nrf_rng_at(entropy, NRF_RNG_NAME, 0, 0), 0, RANDOM_NAMES);
  (void)localtime_r(&now, &local);
  (void)strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
  (void)snprintf(name, NRF_MODEL_NAME_BYTES, "%s__rndidx_%u", stamp, number);
}

/* Not --seed: runs that repeat each other must not overwrite each other. */
static uint64_t entropy_now(void)
{
  uint64_t entropy;
  if (getrandom(&entropy, sizeof entropy, GRND_NONBLOCK) == (ssize_t)sizeof entropy) return entropy;
  struct timespec t;
  (void)clock_gettime(CLOCK_REALTIME, &t);
  return ((uint64_t)t.tv_nsec << 32) ^ (uint64_t)t.tv_sec ^ ((uint64_t)getpid() << 16);
}

nrf_status nrf_model_name_new(const char *directory, char name[NRF_MODEL_NAME_BYTES])
{
  for (int i = 0; i < ATTEMPTS; i++) {
    char path[4096];
    nrf_model_name_at(time(NULL), entropy_now(), name);
    const int n = snprintf(path, sizeof path, "%s/%s.h5", directory, name);
    if (n < 0 || (size_t)n >= sizeof path)
      return nrf_error(NRF_EINVAL, "%s: the path is too long", directory);
    if (access(path, F_OK) != 0) return NRF_OK;
  }
  return nrf_error(NRF_EIO, "%s: no free name for a model; give one with --model_name", directory);
}
