/* orientation_fit.c - cosines by linear least squares, and the peak of the data nearest to the better one's. */
#include "nrflv/analysis/orientation_fit.h"

#include "nrflv/analysis/peaks.h"
#include "nrflv/memory.h"
#include "nrflv/moments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double nrf_stimulus_angle(nrf_orientation_fit_how how, int n, int b)
{
  return (double)b * 2.0 * M_PI / (double)(how == NRF_ORIENTATION_CORRECT ? n : n - 1);
}

/* ---- fits ------------------------------------------------------------------------------------------------ */

enum { TERMS = 3 }; /* cosine, sine, constant */

/* Solves a symmetric positive definite system, in place; the solution takes the place of b. */
static void solve(double a[TERMS][TERMS], double b[TERMS])
{
  for (int k = 0; k < TERMS; k++)
    for (int i = k + 1; i < TERMS; i++) {
      const double factor = a[i][k] / a[k][k];
      for (int j = k; j < TERMS; j++) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  for (int i = TERMS - 1; i >= 0; i--) {
    for (int j = i + 1; j < TERMS; j++) b[i] -= a[i][j] * b[j];
    b[i] /= a[i][i];
  }
}

static double cosine_at(const nrf_cosine_fit *fit, int cycles, double theta)
{
  return fit->amplitude * cos((double)cycles * theta + fit->phase) + fit->mean;
}

/* p cos + q sin + m = A cos(. + phi) + m with A = |(p, q)|, phi = atan2(-q, p). */
static nrf_cosine_fit fit_cosine(int n, const double *z, nrf_orientation_fit_how how, int cycles)
{
  double products[TERMS][TERMS] = {{0.0}}, solution[TERMS] = {0.0};
  for (int b = 0; b < n; b++) {
    const double angle       = (double)cycles * nrf_stimulus_angle(how, n, b);
    const double term[TERMS] = {cos(angle), sin(angle), 1.0};
    for (int i = 0; i < TERMS; i++) {
      solution[i] += term[i] * z[b];
      for (int j = 0; j < TERMS; j++) products[i][j] += term[i] * term[j];
    }
  }
  solve(products, solution);
  nrf_cosine_fit fit = {hypot(solution[0], solution[1]), atan2(-solution[1], solution[0]), solution[2], 0.0};
  for (int b = 0; b < n; b++) {
    const double rest = cosine_at(&fit, cycles, nrf_stimulus_angle(how, n, b)) - z[b];
    fit.cost += 0.5 * rest * rest;
  }
  return fit;
}

static int find_maximum(int n, const nrf_cosine_fit *fit, int cycles, nrf_orientation_fit_how how)
{
  int    best = 0;
  double most = -INFINITY;
  for (int b = 0; b < n; b++) {
    const double value = cosine_at(fit, cycles, nrf_stimulus_angle(how, n, b));
    if (value <= most) continue;
    best = b;
    most = value;
  }
  return best;
}

/* ---- peaks ----------------------------------------------------------------------------------------------- */

/* The data as the peaks are looked for in: between two zeros, or three times in a row. The data's own place begins at
 * `offset`. */
static int extend(int n, const double *z, nrf_orientation_fit_how how, double *out, int *offset)
{
  if (how == NRF_ORIENTATION_AS_WRITTEN) {
    *offset = 1;
    out[0] = out[n + 1] = 0.0;
    memcpy(out + 1, z, (size_t)n * sizeof *z);
    return n + 2;
  }
  *offset = n;
  for (int copy = 0; copy < 3; copy++) memcpy(out + (size_t)copy * (size_t)n, z, (size_t)n * sizeof *z);
  return 3 * n;
}

nrf_status nrf_tuning_peaks(int n, const double *z, nrf_orientation_fit_how how, int *count, int *at)
{
  double      *extended = NULL;
  nrf_peak    *peaks    = NULL;
  nrf_status   st       = NRF_OK;
  int          offset   = 0;
  const size_t room     = 3 * (size_t)n;
  *count                = 0;
  NRF_TRY(nrf_alloc(room * sizeof *extended, "tuning curve", (void **)&extended));
  NRF_TRY(nrf_alloc(room * sizeof *peaks, "tuning curve", (void **)&peaks));
  const int             length = extend(n, z, how, extended, &offset);
  const nrf_peak_filter filter = {
      .height = -INFINITY, .distance = (double)n / 4.0, .prominence = nrf_moments_of(n, z).maximum / 9.0};
  const int64_t found = nrf_find_peaks(length, extended, filter, peaks);
  for (int64_t k = 0; k < found; k++) {
    const int64_t b = peaks[k].at - offset;
    if (b >= 0 && b < n) at[(*count)++] = (int)b;
  }
done:
  nrf_free(extended);
  nrf_free(peaks);
  return st;
}

static int circular_distance(int n, int a, int b)
{
  const int d = abs(a - b) % n;
  return d < n - d ? d : n - d;
}

/* As written, the nearest to the fitted maximum, the first of equally near ones. Correct, and the curve has two equal maxima: nearest
 * to either, the larger of equally near ones. */
static int choose_peak(int n, const double *z, int count, const int *at, int maximum, bool two_maxima)
{
  int chosen = -1, least = n;
  for (int k = 0; k < count; k++) {
    int distance = circular_distance(n, at[k], maximum);
    if (two_maxima) {
      const int other = circular_distance(n, at[k], maximum + n / 2);
      distance        = other < distance ? other : distance;
    }
    const bool larger = two_maxima && distance == least && z[at[k]] > z[chosen];
    if (distance >= least && !larger) continue;
    chosen = at[k];
    least  = distance;
  }
  return chosen;
}

/* ---- the preference -------------------------------------------------------------------------------------- */

static bool normalise(int n, const double *activity, double *z)
{
  const nrf_moments m    = nrf_moments_of(n, activity);
  const double      norm = sqrt(m.squares);
  for (int b = 0; b < n; b++) z[b] = (activity[b] - m.mean) / norm;
  return norm > 0.0;
}

static nrf_status fit_normalised(int n, const double *z, nrf_orientation_fit_how how,
                                 nrf_orientation_fit *out)
{
  int *at = NULL, count = 0;
  for (int k = 0; k < 2; k++) out->cycle[k] = fit_cosine(n, z, how, k + 1);
  out->dir_or_ori  = out->cycle[0].cost <= out->cycle[1].cost ? 0 : 1;
  out->fit_maximum = find_maximum(n, &out->cycle[out->dir_or_ori], out->dir_or_ori + 1, how);
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof *at, "tuning curve", (void **)&at));
  const nrf_status st = nrf_tuning_peaks(n, z, how, &count, at);
  if (st == NRF_OK) {
    const bool two_maxima = how == NRF_ORIENTATION_CORRECT && out->dir_or_ori == 1;
    out->chosen_peak      = choose_peak(n, z, count, at, out->fit_maximum, two_maxima);
    if (out->chosen_peak >= 0) out->preferred_angle = nrf_stimulus_angle(how, n, out->chosen_peak);
  }
  nrf_free(at);
  return st;
}

nrf_status nrf_fit_orientation(int n, const double *activity, nrf_orientation_fit_how how, double *z,
                               nrf_orientation_fit *out)
{
  static const nrf_cosine_fit none = {0.0, NAN, NAN, NAN};
  *out                             = (nrf_orientation_fit){{none, none}, -1, -1, -1, NAN};
  if (n < 4 || n % 2 != 0) return nrf_error(NRF_EINVAL, "orientation: a tuning curve of %d angles", n);
  double *own = NULL;
  if (z == NULL) {
    NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof *own, "tuning curve", (void **)&own));
    z = own;
  }
  nrf_status st = NRF_OK;
  if (normalise(n, activity, z)) st = fit_normalised(n, z, how, out);
  nrf_free(own);
  return st;
}
