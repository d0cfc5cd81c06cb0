/* phase_length.c - early stopping, Poisson and adaptive lengths of sampler phases. */
#include "nrflv/phase_length.h"

#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include <math.h>

/* ---- early stopping ------------------------------------------------------------------------------- */

nrf_status nrf_truncation_create(int length, double threshold, nrf_truncation **out)
{
  nrf_truncation *t = NULL;
  *out              = NULL;
  if (length < 1) return nrf_error(NRF_EINVAL, "trunc_pos_history_len: %d (at least 1 step)", length);
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *t, "energy history", (void **)&t));
  const nrf_status st = nrf_alloc((size_t)length * sizeof(double), "energy history", (void **)&t->energy);
  if (st != NRF_OK) {
    nrf_free(t);
    return st;
  }
  t->length    = length;
  t->threshold = threshold;
  *out         = t;
  return NRF_OK;
}

void nrf_truncation_free(nrf_truncation *t)
{
  if (t == NULL) return;
  nrf_free(t->energy);
  nrf_free(t);
}

void nrf_truncation_reset(nrf_truncation *t)
{
  t->seen = 0;
}

bool nrf_truncation_add(nrf_truncation *t, double energy)
{
  t->energy[t->seen++ % t->length] = energy;
  if (t->seen <= NRF_TRUNCATION_MIN_STEPS || t->seen < t->length) return false;
  double low = energy, high = energy;
  for (int i = 0; i < t->length; i++) {
    low  = fmin(low, t->energy[i]);
    high = fmax(high, t->energy[i]);
  }
  return high - low < t->threshold;
}

/* ---- random length -------------------------------------------------------------------------------- */

/* Counts the events of a Poisson process: waiting times are exponential. Exact for every mean. */
int64_t nrf_poisson_length(double mean, uint64_t seed, uint64_t phase)
{
  const nrf_rng r      = nrf_rng_at(seed, NRF_RNG_PHASE_LENGTH, phase, 0);
  int64_t       events = -1;
  double        time   = 0.0;
  for (uint64_t i = 0; time <= mean; i++) {
    const double uniform = ((double)nrf_rng_u32(r, i) + 0.5) * 0x1p-32; /* inside (0, 1) */
    time -= log(uniform);
    events++;
  }
  return events > 1 ? events : 1;
}

/* ---- adaptive length ------------------------------------------------------------------------------ */

static void history_add(nrf_energy_history *h, double energy)
{
  h->energy[h->next] = energy;
  h->next            = (h->next + 1) % NRF_LENGTH_HISTORY;
  if (h->count < NRF_LENGTH_HISTORY) h->count++;
}

static bool history_full(const nrf_energy_history *h)
{
  return h->count == NRF_LENGTH_HISTORY;
}

double nrf_energy_history_mean(const nrf_energy_history *h)
{
  double sum = 0.0;
  for (int i = 0; i < h->count; i++) sum += h->energy[i];
  return h->count > 0 ? sum / h->count : 0.0;
}

nrf_negative_length nrf_negative_length_start(int64_t steps)
{
  return (nrf_negative_length){.steps = steps};
}

void nrf_negative_length_add(nrf_negative_length *l, int epoch, double positive, double negative)
{
  if (epoch < NRF_LENGTH_FIRST_EPOCH) return;
  history_add(&l->positive, positive);
  history_add(&l->negative, negative);
}

bool nrf_negative_length_end_epoch(nrf_negative_length *l, int epoch)
{
  if (l->cooldown > 0) l->cooldown--;
  if (l->cooldown > 0 || epoch <= NRF_LENGTH_SETTLED) return false;
  if (!history_full(&l->positive) || !history_full(&l->negative)) return false;
  if (!(nrf_energy_history_mean(&l->negative) > nrf_energy_history_mean(&l->positive))) return false;
  l->steps    = (int64_t)(1.25 * (double)l->steps);
  l->cooldown = NRF_LENGTH_COOLDOWN;
  l->positive = (nrf_energy_history){0};
  l->negative = (nrf_energy_history){0};
  return true;
}
