/* bench_analysis_numerics.c - times the numerics that the analyses spend their time in, on one core: traces, pairs and windows of
 * the sizes of the published experiments. Prints one "name value unit" line per figure, for scripts to read: the best of several
 * rounds. */
#include "nrflv/analysis/bootstrap.h"
#include "nrflv/analysis/correlation.h"
#include "nrflv/analysis/correlation_fit.h"
#include "nrflv/analysis/spectrum.h"
#include "nrflv/analysis/t_test.h"
#include "nrflv/memory.h"
#include "nrflv/rng.h"
#include "nrflv/shapiro_wilk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  PHASE    = 1000, /* samples of the stimulus, and of a blank ...             */
  OUTSIDE  = 1600, /* ... and of both blanks                                  */
  TRACES   = 64,
  LAGS     = NRF_FIT_LAGS,
  ROUNDS   = 7,
  CHANNELS = 32
};

static double now(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *memory(int64_t bytes)
{
  void *out = NULL;
  if (nrf_alloc((size_t)bytes, "benchmark", &out) == NRF_OK) return out;
  (void)fprintf(stderr, "bench_analysis_numerics: %s\n", nrf_error_message());
  exit(EXIT_FAILURE);
}

static void must(nrf_status st)
{
  if (st == NRF_OK) return;
  (void)fprintf(stderr, "bench_analysis_numerics: %s\n", nrf_error_message());
  exit(EXIT_FAILURE);
}

/* ---- what is worked on ----------------------------------------------------------------------------------- */

/* Noisy oscillations, as neurons show them: two frequencies from 15 to 40 Hz, all with phases of their own. */
static double trace_value(int trace, int t)
{
  const nrf_rng r     = nrf_rng_at(1, NRF_RNG_TEST, (uint64_t)trace, 0);
  const double  first = 0.4 + 0.6 * (double)(trace % CHANNELS) / CHANNELS, second = first * 1.05;
  const double  noise =
      (double)nrf_rng_uniform(r, (uint64_t)t) + (double)nrf_rng_uniform(r, (uint64_t)t + 100000) - 1.0;
  return 0.1 + 0.2 * sin(first * t + trace) + 0.15 * sin(second * t + 2.0 * trace) + 0.2 * noise;
}

static double *make_traces(int n)
{
  double *x = memory((int64_t)TRACES * n * (int64_t)sizeof *x);
  for (int k = 0; k < TRACES; k++)
    for (int t = 0; t < n; t++) x[k * n + t] = trace_value(k, t);
  return x;
}

static void print_rate(const char *name, double seconds, int64_t count, const char *what)
{
  printf("%s %.4g us per %s, %.4g per s\n", name, 1e6 * seconds / (double)count, what,
         (double)count / seconds);
}

/* ---- what is timed --------------------------------------------------------------------------------------- */

/* Statistics of activity: moments, sorting, W and p of both windows, and the t test. */
static void time_activity(void)
{
  enum { LANES = NRF_SORT_LANES, GROUPS = TRACES / LANES };
  static const int  sizes[2] = {PHASE, OUTSIDE};
  nrf_shapiro_wilk *test[2]  = {NULL, NULL};
  float            *given[2], *work[2];
  double            best = INFINITY, sum = 0.0;
  for (int w = 0; w < 2; w++) {
    const int64_t floats = nrf_sort_rows(sizes[w]) * LANES;
    must(nrf_shapiro_wilk_create(sizes[w], &test[w]));
    given[w] = memory(GROUPS * floats * (int64_t)sizeof(float));
    work[w]  = memory(floats * (int64_t)sizeof(float));
    for (int g = 0; g < GROUPS; g++)
      for (int t = 0; t < sizes[w]; t++)
        for (int lane = 0; lane < LANES; lane++)
          given[w][g * floats + t * LANES + lane] = (float)trace_value(g * LANES + lane, t);
  }
  for (int round = 0; round < ROUNDS; round++) {
    const double start = now();
    for (int g = 0; g < GROUPS; g++) {
      nrf_moments   moments[2][LANES];
      nrf_normality normality[2][LANES];
      for (int w = 0; w < 2; w++) {
        const int64_t floats = nrf_sort_rows(sizes[w]) * LANES;
        memcpy(work[w], given[w] + g * floats, (size_t)floats * sizeof(float));
        nrf_shapiro_wilk_of_lanes(test[w], work[w], moments[w], normality[w]);
      }
      for (int lane = 0; lane < LANES; lane++)
        sum += nrf_welch_t_test(moments[0][lane], moments[1][lane]).p + normality[0][lane].p +
               normality[1][lane].p;
    }
    best = fmin(best, now() - start);
  }
  print_rate("activity_statistics", best, TRACES, "trace of 1000 + 1600 samples");
  if (isnan(sum)) (void)fprintf(stderr, "bench_analysis_numerics: NaN\n"); /* and the sum is used */
  for (int w = 0; w < 2; w++) {
    nrf_shapiro_wilk_free(test[w]);
    nrf_free(given[w]);
    nrf_free(work[w]);
  }
}

static void time_correlations(const double *x, int64_t first, int64_t last, const char *name)
{
  nrf_correlator *c = NULL;
  must(nrf_correlator_create(PHASE, first, last, &c));
  const int64_t   count    = nrf_correlator_spectrum_count(c);
  double complex *spectrum = memory(TRACES * count * (int64_t)sizeof *spectrum);
  double         *work     = memory(nrf_correlator_work(c) * (int64_t)sizeof *work),
         *out              = memory((last - first + 1) * (int64_t)sizeof *out);
  double best              = INFINITY;
  for (int round = 0; round < ROUNDS; round++) {
    const double start = now();
    for (int k = 0; k < CHANNELS; k++)
      nrf_correlator_transform(c, x + (int64_t)k * PHASE, work, spectrum + k * count);
    for (int a = 0; a < CHANNELS; a++)
      for (int v = 0; v < CHANNELS; v++)
        nrf_correlator_lags(c, spectrum + a * count, spectrum + v * count, work, out);
    best = fmin(best, now() - start);
  }
  print_rate(name, best, (int64_t)CHANNELS * CHANNELS, "pair, transforms of 32 traces included");
  nrf_correlator_free(c);
  nrf_free(spectrum);
  nrf_free(work);
  nrf_free(out);
}

static void time_direct_correlations(const double *x)
{
  double out[LAGS], best = INFINITY;
  for (int round = 0; round < ROUNDS; round++) {
    const double start = now();
    for (int k = 0; k + 1 < TRACES; k++)
      nrf_cross_correlation(PHASE, x + (int64_t)k * PHASE, x + (int64_t)(k + 1) * PHASE, NRF_FIT_FIRST_LAG,
                            NRF_FIT_FIRST_LAG + LAGS - 1, out);
    best = fmin(best, now() - start);
  }
  print_rate("correlation_100_lags_direct", best, TRACES - 1, "pair");
}

static void time_fits(const double *x, nrf_correlation_fit_how how, int rounds, const char *name)
{
  double *work = memory(nrf_correlation_fit_work(LAGS, NRF_FIT_FIRST_LAG) * (int64_t)sizeof *work);
  double *y    = memory((int64_t)TRACES * LAGS * (int64_t)sizeof *y);
  double  best = INFINITY;
  nrf_correlation_fit fit;
  for (int k = 0; k < TRACES; k++)
    nrf_cross_correlation(PHASE, x + (int64_t)k * PHASE, x + (int64_t)(5 * k % TRACES) * PHASE,
                          NRF_FIT_FIRST_LAG, NRF_FIT_FIRST_LAG + LAGS - 1, y + k * (int64_t)LAGS);
  for (int round = 0; round < rounds; round++) {
    const double start = now();
    for (int k = 0; k < TRACES; k++)
      nrf_fit_correlation(LAGS, NRF_FIT_FIRST_LAG, y + k * (int64_t)LAGS, how, work, &fit, NULL);
    best = fmin(best, now() - start);
  }
  print_rate(name, best, TRACES, "window");
  nrf_free(work);
  nrf_free(y);
}

static void time_spectra(const double *x)
{
  nrf_welch *w = NULL;
  must(nrf_welch_create(PHASE, PHASE, 1.0, NRF_POWER_SPECTRUM, &w));
  double *work  = memory(nrf_welch_work(w) * (int64_t)sizeof *work),
         *power = memory(nrf_welch_bins(w) * (int64_t)sizeof *power);
  double best   = INFINITY;
  for (int round = 0; round < ROUNDS; round++) {
    const double start = now();
    for (int k = 0; k < TRACES; k++) nrf_welch_power(w, x + (int64_t)k * PHASE, work, power);
    best = fmin(best, now() - start);
  }
  print_rate("power_spectrum", best, TRACES, "trace of 1000 samples");
  nrf_welch_free(w);
  nrf_free(work);
  nrf_free(power);
}

static void time_bootstrap(const double *x)
{
  enum { GROUP = 1000 };
  double best = INFINITY;
  for (int round = 0; round < 3; round++) {
    double       mean;
    nrf_interval ends;
    const double start = now();
    must(nrf_bootstrap_mean(nrf_rng_at(0, NRF_RNG_BOOTSTRAP, 0, 0), GROUP, x, &mean, &ends));
    best = fmin(best, now() - start);
  }
  print_rate("bootstrap", best, (int64_t)GROUP * NRF_BOOTSTRAP_RESAMPLES, "draw");
}

int main(void)
{
  double *x = make_traces(PHASE);
  time_activity();
  time_correlations(x, NRF_FIT_FIRST_LAG, NRF_FIT_FIRST_LAG + LAGS - 1, "correlation_100_lags");
  time_correlations(x, -200, 199, "correlation_400_lags");
  time_direct_correlations(x);
  time_fits(x, NRF_FIT_CORRECT, ROUNDS, "correlation_fit");
  time_fits(x, NRF_FIT_AS_WRITTEN, 2, "correlation_fit_as_written");
  time_spectra(x);
  time_bootstrap(x);
  nrf_free(x);
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
