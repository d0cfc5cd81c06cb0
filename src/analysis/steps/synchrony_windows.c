/* synchrony_windows.c - all correlations of an experiment, and their means over equal stimuli. */
#include "synchrony.h"

#include "nrflv/memory.h"

#include <math.h>
#include <string.h>

static void keep_window(void *context, const nrf_pair_visit *visit)
{
  const nrf_pair_windows *w   = context;
  float                  *out = w->value + visit->index * w->lags;
  double                  lags[NRF_FIT_LAGS];
  w->window[visit->index] =
      (nrf_pair_window){visit->row, nrf_pair_norm(visit->correlator, visit->a, visit->v)};
  nrf_pair_correlation(visit->correlator, visit->a, visit->v, lags);
  for (int k = 0; k < w->lags; k++) out[k] = (float)lags[k];
}

/* The lags that both periods have. */
static void choose_lags(const nrf_synchrony_pairs *pairs, nrf_pair_windows *out)
{
  int64_t last = NRF_FIT_FIRST_LAG + NRF_FIT_LAGS - 1, first = NRF_FIT_FIRST_LAG;
  for (int p = 0; p < NRF_PERIODS; p++) {
    const int64_t most = pairs->window[p].count - 1;
    if (most < 0) continue;
    if (last > most) last = most;
    if (first < -most) first = -most;
  }
  out->first = (int)first;
  out->lags  = (int)(last - first) + 1;
}

nrf_status nrf_correlate_pairs(const nrf_synchrony_pairs *pairs, int threads, const nrf_progress *progress,
                               nrf_pair_windows *out)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  *out              = (nrf_pair_windows){.n = nrf_count_pair_rows(pairs)};
  choose_lags(pairs, out);
  NRF_TRY(nrf_alloc((size_t)out->n * sizeof *out->window, "correlations", &memory));
  out->window = memory;
  NRF_TRY(nrf_alloc_floats(out->n * out->lags, "correlations", &out->value));
  const nrf_pair_walk walk = {"correlations", out->first, out->first + out->lags - 1, keep_window, out};
  NRF_TRY(nrf_walk_pairs(pairs, &walk, threads, progress));
done:
  if (st != NRF_OK) nrf_pair_windows_free(out);
  return st;
}

void nrf_pair_windows_free(nrf_pair_windows *windows)
{
  nrf_free(windows->window);
  nrf_free(windows->value);
  *windows = (nrf_pair_windows){0};
}

nrf_status nrf_correlate_row(const nrf_synchrony_pairs *pairs, const nrf_pair_row *row, int *first, int *lags,
                             double *window)
{
  nrf_pair_correlator   *c     = NULL;
  const nrf_image_pairs *image = &pairs->image[row->image];
  NRF_RETURN_IF_ERROR(nrf_pair_correlator_create(pairs->window[row->period], NRF_FIT_FIRST_LAG,
                                                 NRF_FIT_FIRST_LAG + NRF_FIT_LAGS - 1, image->n_series, &c));
  nrf_pair_correlator_load(c, image);
  *first = nrf_pair_correlator_first(c);
  *lags  = nrf_pair_correlator_lags(c);
  for (int i = 0; i < image->n_pairs; i++)
    if (memcmp(image->pair[i].key, row->key, sizeof row->key) == 0)
      nrf_pair_correlation(c, image->pair[i].a, image->pair[i].v, window);
  nrf_pair_correlator_free(c);
  return NRF_OK;
}

/* ---- means ----------------------------------------------------------------------------------------------- */

static void average(const nrf_pair_windows *w, int64_t n, const int64_t *row, nrf_mean_window *out)
{
  double    mean[NRF_FIT_LAGS] = {0.0};
  const int zero               = -w->first;
  for (int64_t i = 0; i < n; i++) {
    const double norm  = w->window[row[i]].norm;
    const float *value = w->value + row[i] * w->lags;
    if (!(norm > 0.0)) continue; /* constant, or not finite */
    out->n++;
    out->raw_at_zero += (double)value[zero];
    for (int k = 0; k < w->lags; k++) mean[k] += (double)value[k] / norm;
  }
  if (out->n == 0) {
    out->raw_at_zero = out->at_zero = out->largest = NAN;
    return;
  }
  int best = 0;
  for (int k = 1; k < w->lags; k++)
    if (mean[k] > mean[best]) best = k;
  out->raw_at_zero /= (double)out->n;
  out->at_zero        = mean[zero] / (double)out->n;
  out->largest        = mean[best] / (double)out->n;
  out->lag_of_largest = w->first + best;
}

nrf_status nrf_average_windows(const nrf_pair_windows *windows, nrf_mean_windows *out)
{
  nrf_status     st     = NRF_OK;
  void          *memory = NULL;
  nrf_row_groups rows;
  *out = (nrf_mean_windows){0};
  NRF_RETURN_IF_ERROR(nrf_row_groups_create(windows->n, windows->window, sizeof *windows->window, &rows));
  NRF_TRY(nrf_alloc((size_t)rows.n * sizeof *out->mean, "mean correlations", &memory));
  *out = (nrf_mean_windows){rows.n, memory};
  for (int64_t i = 0; i < rows.n; i++) {
    const int64_t      *row  = rows.row + rows.first[i];
    const nrf_pair_row *name = &windows->window[row[0]].row;
    nrf_mean_window    *mean = &out->mean[i];
    mean->group              = name->group;
    mean->period             = name->period;
    memcpy(mean->key, name->key, sizeof mean->key);
    average(windows, rows.first[i + 1] - rows.first[i], row, mean);
  }
done:
  nrf_row_groups_free(&rows);
  return st;
}

void nrf_mean_windows_free(nrf_mean_windows *means)
{
  nrf_free(means->mean);
  *means = (nrf_mean_windows){0};
}
