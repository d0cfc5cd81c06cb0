/* synchrony_groups.c - means and tests over the fits of a pair to equal stimuli. */
#include "synchrony.h"

#include "nrflv/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
static void summarise(const nrf_pair_fits *fits, int64_t n, const int64_t *row, double *amplitude,
                      double *phase, nrf_pair_group *out)
{
  int64_t finite = 0, phases = 0, coefficients = 0;
  double  peaks = 0.0, normalised = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const nrf_pair_fit *f = &fits->fit[row[i]];
    if (!isfinite(f->fit.amplitude)) continue;
    amplitude[finite++] = f->fit.amplitude;
    peaks += f->num_peaks;
    if (isfinite(f->fit.sine_phase)) phase[phases++] = f->fit.sine_phase;
    if (isfinite(f->amplitude_normalised)) {
      normalised += f->amplitude_normalised;
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

/* Both lists are in order of images. */
static void compare_periods(const nrf_pair_fits *fits, int64_t n_during, const int64_t *during,
                            int64_t n_outside, const int64_t *outside, double *change, nrf_pair_group *out)
{
  int64_t n = 0;
  for (int64_t i = 0, k = 0; i < n_during; i++) {
    const nrf_pair_fit *fit = &fits->fit[during[i]];
    while (k < n_outside && fits->fit[outside[k]].row.image < fit->row.image) k++;
    if (k == n_outside) break;
    const nrf_pair_fit *before     = &fits->fit[outside[k]];
    const double        difference = fit->fit.amplitude - before->fit.amplitude;
    if (before->row.image == fit->row.image && isfinite(difference)) change[n++] = difference;
  }
  const nrf_moments changes = nrf_moments_of(n, change);
  out->amplitude_change     = changes.mean;
  out->change_t             = nrf_one_sample_t_test(changes);
}

static int compare_groups(const void *a, const void *b)
{
  const nrf_pair_group *s = a, *t = b;
  const int             x[] = {s->group, s->period, s->key[0], s->key[1], s->key[2]},
            y[]             = {t->group, t->period, t->key[0], t->key[1], t->key[2]};
  for (size_t k = 0; k < sizeof x / sizeof *x; k++)
    if (x[k] != y[k]) return (x[k] > y[k]) - (x[k] < y[k]);
  return 0;
}

static void compare_with_outside(const nrf_pair_fits *fits, const nrf_row_groups *rows, double *change,
                                 nrf_pair_groups *groups)
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
    compare_periods(fits, rows->first[i + 1] - rows->first[i], rows->row + rows->first[i],
                    rows->first[k + 1] - rows->first[k], rows->row + rows->first[k], change, during);
  }
}

/* ---- all groups ------------------------------------------------------------------------------------------ */

static int64_t longest_group(const nrf_row_groups *rows)
{
  int64_t longest = 0;
  for (int64_t i = 0; i < rows->n; i++) {
    const int64_t length = rows->first[i + 1] - rows->first[i];
    longest              = length > longest ? length : longest;
  }
  return longest;
}

nrf_status nrf_group_fits(const nrf_pair_fits *fits, nrf_pair_groups *out)
{
  nrf_status     st     = NRF_OK;
  void          *memory = NULL;
  double        *values = NULL;
  nrf_row_groups rows   = {0};
  *out                  = (nrf_pair_groups){0};
  NRF_TRY(nrf_row_groups_create(fits->n, fits->fit, sizeof *fits->fit, &rows));
  const int64_t longest = longest_group(&rows);
  NRF_TRY(nrf_alloc(2 * (size_t)longest * sizeof *values, "groups of fits", &memory));
  values = memory;
  NRF_TRY(nrf_alloc((size_t)rows.n * sizeof *out->group, "groups of fits", &memory));
  *out = (nrf_pair_groups){rows.n, memory};
  for (int64_t i = 0; i < out->n; i++) {
    const int64_t      *row   = rows.row + rows.first[i];
    const nrf_pair_row *name  = &fits->fit[row[0]].row;
    nrf_pair_group     *group = &out->group[i];
    group->group              = name->group;
    group->period             = name->period;
    memcpy(group->key, name->key, sizeof group->key);
    summarise(fits, rows.first[i + 1] - rows.first[i], row, values, values + longest, group);
  }
  compare_with_outside(fits, &rows, values, out);
done:
  nrf_free(values);
  nrf_row_groups_free(&rows);
  if (st != NRF_OK) nrf_pair_groups_free(out);
  return st;
}

void nrf_pair_groups_free(nrf_pair_groups *groups)
{
  nrf_free(groups->group);
  *groups = (nrf_pair_groups){0};
}
