/* synchrony_groups.c - means and tests over the fits of a pair to equal stimuli. */
#include "synchrony.h"

#include "nrflv/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- order ----------------------------------------------------------------------------------------------- */

static int compare_ints(int a, int b)
{
  return (a > b) - (a < b);
}

/* What a group is told by; `period` comes second in the tables. */
static int compare_names(int group_a, int period_a, const int *key_a, int group_b, int period_b,
                         const int *key_b)
{
  int order = compare_ints(group_a, group_b);
  if (order == 0) order = compare_ints(period_a, period_b);
  for (int k = 0; k < NRF_PAIR_KEYS && order == 0; k++) order = compare_ints(key_a[k], key_b[k]);
  return order;
}

static int compare_fits(const void *a, const void *b)
{
  const nrf_pair_fit *s = *(const nrf_pair_fit *const *)a, *t = *(const nrf_pair_fit *const *)b;
  const int           order = compare_names(s->group, s->period, s->key, t->group, t->period, t->key);
  return order != 0 ? order : compare_ints(s->image, t->image);
}

static int compare_groups(const void *a, const void *b)
{
  const nrf_pair_group *s = a, *t = b;
  return compare_names(s->group, s->period, s->key, t->group, t->period, t->key);
}

/* Where the run of equal names that begins at `first` ends. */
static int64_t end_of_run(int64_t n, const nrf_pair_fit *const *fit, int64_t first)
{
  const nrf_pair_fit *s   = fit[first];
  int64_t             end = first + 1;
  while (end < n &&
         compare_names(s->group, s->period, s->key, fit[end]->group, fit[end]->period, fit[end]->key) == 0)
    end++;
  return end;
}

/* ---- one group ------------------------------------------------------------------------------------------- */

/* Rayleigh's test that angles have no common direction, by the approximation of Zar, Biostatistical Analysis, 27.4: good to three
 * digits from n = 10 on. */
static double rayleigh_p(int64_t n, double resultant)
{
  if (n < 2 || !isfinite(resultant)) return NAN;
  const double size = (double)n, length = size * resultant;
  return fmin(1.0, exp(sqrt(1.0 + 4.0 * size + 4.0 * (size * size - length * length)) - (1.0 + 2.0 * size)));
}

static double mean_or_nan(int64_t n, double sum)
{
  return n > 0 ? sum / (double)n : NAN;
}

/* Fits of the run that are finite, in order; how many. A flat line has an amplitude, but no phase and no coefficient. */
static void summarise(int64_t n, const nrf_pair_fit *const *fit, double *amplitude, double *phase,
                      nrf_pair_group *out)
{
  int64_t finite = 0, phases = 0, coefficients = 0;
  double  peaks = 0.0, normalised = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const nrf_pair_fit *f = fit[i];
    if (!isfinite(f->fit.amplitude)) continue;
    amplitude[finite++] = f->fit.amplitude;
    peaks += f->num_peaks;
    if (isfinite(f->fit.sine_phase)) phase[phases++] = f->fit.sine_phase;
    if (f->norm > 0.0) {
      normalised += f->fit.amplitude / f->norm;
      coefficients++;
    }
  }
  const nrf_moments amplitudes = nrf_moments_of(finite, amplitude), angles = nrf_moments_of(phases, phase);
  out->n                    = finite;
  out->amplitude            = amplitudes.mean;
  out->amplitude_normalised = mean_or_nan(coefficients, normalised);
  out->num_peaks            = mean_or_nan(finite, peaks);
  out->sine_phase           = angles.mean;
  out->amplitude_t          = nrf_one_sample_t_test(amplitudes);
  out->phase_t              = nrf_one_sample_t_test(angles);
  out->phase                = nrf_circular_mean_of(phases, phase);
  out->phase_p              = rayleigh_p(phases, out->phase.resultant);
}

/* ---- the stimulus against what was before it ------------------------------------------------------------- */

/* Both runs are in order of images. */
static void compare_periods(int64_t n_during, const nrf_pair_fit *const *during, int64_t n_outside,
                            const nrf_pair_fit *const *outside, double *change, nrf_pair_group *out)
{
  int64_t n = 0;
  for (int64_t i = 0, k = 0; i < n_during; i++) {
    while (k < n_outside && outside[k]->image < during[i]->image) k++;
    if (k == n_outside) break;
    const double difference = during[i]->fit.amplitude - outside[k]->fit.amplitude;
    if (outside[k]->image == during[i]->image && isfinite(difference)) change[n++] = difference;
  }
  const nrf_moments changes = nrf_moments_of(n, change);
  out->amplitude_change     = changes.mean;
  out->change_t             = nrf_one_sample_t_test(changes);
}

typedef struct grouping {
  const nrf_pair_fit **fit;       /* in order                     */
  int64_t             *first;     /* [groups + 1] of each group   */
  double              *values[2]; /* [longest group]          */
} grouping;

static void compare_with_outside(const grouping *g, nrf_pair_groups *groups)
{
  static const double TENTH = 0.1;
  for (int64_t i = 0; i < groups->n; i++) {
    nrf_pair_group *during         = &groups->group[i];
    during->above_tenth_of_outside = -1;
    during->amplitude_change       = NAN;
    during->change_t               = (nrf_t_test){NAN, NAN, NAN};
    if (during->period != NRF_PERIOD_DURING) continue;
    nrf_pair_group name = *during;
    name.period         = NRF_PERIOD_OUTSIDE;
    const nrf_pair_group *outside =
        bsearch(&name, groups->group, (size_t)groups->n, sizeof name, compare_groups);
    if (outside == NULL) continue;
    const int64_t k                = outside - groups->group;
    during->above_tenth_of_outside = during->amplitude > TENTH * outside->amplitude;
    compare_periods(g->first[i + 1] - g->first[i], g->fit + g->first[i], g->first[k + 1] - g->first[k],
                    g->fit + g->first[k], g->values[0], during);
  }
}

/* ---- all groups ------------------------------------------------------------------------------------------ */

static nrf_status sort_fits(const nrf_pair_fits *fits, grouping *g)
{
  void *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)fits->n * sizeof(nrf_pair_fit *), "groups of fits", &memory));
  g->fit = memory;
  for (int64_t i = 0; i < fits->n; i++) g->fit[i] = &fits->fit[i];
  qsort(g->fit, (size_t)fits->n, sizeof *g->fit, compare_fits);
  return NRF_OK;
}

/* Finds the runs: how many, and the longest. */
static nrf_status find_runs(int64_t n, grouping *g, int64_t *groups)
{
  void   *memory;
  int64_t longest = 0;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(n + 1) * sizeof *g->first, "groups of fits", &memory));
  g->first = memory;
  *groups  = 0;
  for (int64_t i = 0; i < n;) {
    const int64_t end     = end_of_run(n, g->fit, i);
    g->first[(*groups)++] = i;
    longest               = end - i > longest ? end - i : longest;
    i                     = end;
  }
  g->first[*groups] = n;
  for (int k = 0; k < 2; k++) {
    NRF_RETURN_IF_ERROR(nrf_alloc((size_t)longest * sizeof(double), "groups of fits", &memory));
    g->values[k] = memory;
  }
  return NRF_OK;
}

nrf_status nrf_group_fits(const nrf_pair_fits *fits, nrf_pair_groups *out)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  grouping   g      = {0};
  *out              = (nrf_pair_groups){0};
  NRF_TRY(sort_fits(fits, &g));
  NRF_TRY(find_runs(fits->n, &g, &out->n));
  NRF_TRY(nrf_alloc((size_t)out->n * sizeof *out->group, "groups of fits", &memory));
  out->group = memory;
  for (int64_t i = 0; i < out->n; i++) {
    const nrf_pair_fit *const *run   = g.fit + g.first[i];
    nrf_pair_group            *group = &out->group[i];
    group->group                     = run[0]->group;
    group->period                    = run[0]->period;
    memcpy(group->key, run[0]->key, sizeof group->key);
    summarise(g.first[i + 1] - g.first[i], run, g.values[0], g.values[1], group);
  }
  compare_with_outside(&g, out);
done:
  nrf_free(g.fit);
  nrf_free(g.first);
  nrf_free(g.values[0]);
  nrf_free(g.values[1]);
  if (st != NRF_OK) nrf_pair_groups_free(out);
  return st;
}

void nrf_pair_groups_free(nrf_pair_groups *groups)
{
  nrf_free(groups->group);
  *groups = (nrf_pair_groups){0};
}
