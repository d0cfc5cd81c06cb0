/* kinks.c - gradients under changes in the last places of the weights. */
#include "kinks.h"

#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include <string.h>

/* A unit near its kink shows both slopes in all but one in 2^(TRIALS - 1) cases. */
enum { TRIALS = 8 };

/* What sums of a thousand products in single precision differ by, relative to their terms. */
static const double CHANGE = 0x1p-20;

bool kinks_matter(nrf_activation activation)
{
  return activation == NRF_RELU || activation == NRF_LEAKY_RELU;
}

static void change(nrf_parameters *p, const float *original, int trial)
{
  const nrf_rng rng = nrf_rng_at(0, NRF_RNG_TEST, (uint64_t)trial, 0);
  for (int64_t e = 0; e < p->count; e++) {
    const double sign = (nrf_rng_u32(rng, (uint64_t)e) & 1u) != 0 ? 1.0 : -1.0;
    p->value[e]       = (float)((double)original[e] * (1.0 + sign * CHANGE));
  }
}

nrf_status kinks_slack(nrf_parameters *p, gradient_fn *gradient, void *context, int64_t count, float *slack)
{
  nrf_status st       = NRF_OK;
  float     *original = NULL, *now = NULL, *low = NULL;
  NRF_TRY(nrf_alloc_floats(p->count, "kinks", &original));
  memcpy(original, p->value, (size_t)p->count * sizeof(float));
  NRF_TRY(nrf_alloc_floats(count, "kinks", &now));
  NRF_TRY(nrf_alloc_floats(count, "kinks", &low));

  for (int trial = 0; trial < TRIALS; trial++) {
    change(p, original, trial);
    NRF_TRY(gradient(context, now));
    for (int64_t e = 0; e < count; e++) {
      const bool first = trial == 0;
      if (first || now[e] < low[e]) low[e] = now[e];
      if (first || now[e] > slack[e]) slack[e] = now[e];
    }
  }
  for (int64_t e = 0; e < count; e++) slack[e] -= low[e];

done:
  if (original != NULL) memcpy(p->value, original, (size_t)p->count * sizeof(float));
  nrf_free(original);
  nrf_free(now);
  nrf_free(low);
  return st;
}

/* ---- gradients with respect to states ---------------------------------------------------------------------- */

typedef struct state_gradient {
  nrf_energy_model *model;
  nrf_gradient_fn  *gradient;
  void             *context;
  const nrf_states *states;
  nrf_states       *room;
} state_gradient;

static nrf_status state_gradient_as_array(void *context, float *out)
{
  const state_gradient *g = context;
  nrf_energy_model_parameters_changed(g->model);
  NRF_RETURN_IF_ERROR(g->gradient(g->context, g->states, g->room));
  for (int i = 0; i < g->room->n_layers; i++) {
    nrf_states_get_nchw(g->room, i, out);
    out += nrf_states_count(g->room, i);
  }
  return NRF_OK;
}

int64_t kinks_state_count(const nrf_states *states)
{
  int64_t count = 0;
  for (int i = 0; i < states->n_layers; i++) count += nrf_states_count(states, i);
  return count;
}

nrf_status kinks_state_slack(nrf_energy_model *m, nrf_gradient_fn *gradient, void *context,
                             const nrf_states *states, nrf_states *room, float *slack)
{
  state_gradient   g  = {m, gradient, context, states, room};
  const nrf_status st = kinks_slack(nrf_energy_model_parameters(m), state_gradient_as_array, &g,
                                    kinks_state_count(states), slack);
  nrf_energy_model_parameters_changed(m);
  return st;
}
