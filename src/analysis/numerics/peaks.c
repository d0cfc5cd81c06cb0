/* peaks.c - candidates, then one filter after the other, in place. */
#include "nrflv/analysis/peaks.h"

#include <stdlib.h>

int64_t nrf_peaks_at_most(int64_t n)
{
  return n < 3 ? 0 : (n - 1) / 2;
}

/* Positions where the series rises into a plateau of one or more samples and falls after it. */
static int64_t find_candidates(int64_t n, const double *x, double height, nrf_peak *out)
{
  int64_t count = 0;
  for (int64_t left = 1; left < n - 1; left++) {
    if (!(x[left - 1] < x[left])) continue;
    int64_t right = left;
    while (right + 1 < n && x[right + 1] == x[left]) right++;
    if (right + 1 < n && x[right + 1] < x[left] && x[left] >= height)
      out[count++] = (nrf_peak){.at = (left + right) / 2, .height = x[left]};
    left = right;
  }
  return count;
}

/* Highest first; among equal heights the later position first. */
static int by_height(const void *left, const void *right)
{
  const nrf_peak *a = left, *b = right;
  if (a->height != b->height) return a->height > b->height ? -1 : 1;
  return a->at > b->at ? -1 : 1;
}

static int by_position(const void *left, const void *right)
{
  const nrf_peak *a = left, *b = right;
  return a->at < b->at ? -1 : 1;
}

/* A peak that is removed removes nothing itself, so only those kept so far have to be looked at. */
static int64_t keep_distance(int64_t count, double distance, nrf_peak *peaks)
{
  const int64_t least = (int64_t)ceil(distance);
  int64_t       kept  = 0;
  if (least <= 1) return count;
  qsort(peaks, (size_t)count, sizeof *peaks, by_height);
  for (int64_t i = 0; i < count; i++) {
    int64_t k = 0;
    while (k < kept && llabs(peaks[k].at - peaks[i].at) >= least) k++;
    if (k == kept) peaks[kept++] = peaks[i];
  }
  qsort(peaks, (size_t)kept, sizeof *peaks, by_position);
  return kept;
}

static double prominence_of(int64_t n, const double *x, int64_t peak)
{
  double left = x[peak], right = x[peak];
  for (int64_t i = peak; i >= 0 && x[i] <= x[peak]; i--) left = fmin(left, x[i]);
  for (int64_t i = peak; i < n && x[i] <= x[peak]; i++) right = fmin(right, x[i]);
  return x[peak] - fmax(left, right);
}

int64_t nrf_find_peaks(int64_t n, const double *x, nrf_peak_filter filter, nrf_peak *out)
{
  int64_t       kept  = 0;
  const int64_t count = keep_distance(find_candidates(n, x, filter.height, out), filter.distance, out);
  for (int64_t i = 0; i < count; i++) {
    nrf_peak peak   = out[i];
    peak.prominence = prominence_of(n, x, peak.at);
    if (peak.prominence >= filter.prominence) out[kept++] = peak;
  }
  return kept;
}
