/* correlation_fit.c - two stages of fits from several starts each. */
#include "nrflv/analysis/correlation_fit.h"

#include "cosines.h"
#include "gauss_fit.h"
#include "sine_fit.h"
#include "trust_region.h"

#include "nrflv/analysis/angle.h"
#include "nrflv/analysis/peaks.h"

#include <math.h>
#include <string.h>

static const double PEAK_PART = 0.7, FIRST_SIGMA = 70.0;

/* ---- models ---------------------------------------------------------------------------------------------- */

/* Parameters of the sine stage and of the Gauss stage. */
enum { PHI, MU, LAMBDA, SINE_PARAMETERS };
enum { SIGMA, AMP, GAUSS_PARAMETERS };

typedef struct window {
  int           n, first;
  const double *y;
  double        peak;
  const double *sine; /* s(x) of the sine stage, for the Gauss stage */
} window;

static double lag_at(const window *w, int i)
{
  return (double)(w->first + i);
}

static void sine_residuals(const void *context, const double *p, double *r)
{
  const window *w = context;
  cosines_at_lags(w->n, w->first, p[LAMBDA], p[PHI], r);
  for (int i = 0; i < w->n; i++) r[i] = w->peak * r[i] + p[MU] - w->y[i];
}

/* amp / (sqrt(2 pi) sigma) exp(-x^2 / (2 sigma^2)) */
static double envelope(const double *p, double x)
{
  return p[AMP] / (sqrt(2.0 * M_PI) * p[SIGMA]) * exp(-x * x / (2.0 * p[SIGMA] * p[SIGMA]));
}

static void gauss_residuals(const void *context, const double *p, double *r)
{
  const window *w = context;
  for (int i = 0; i < w->n; i++) r[i] = envelope(p, lag_at(w, i)) * w->sine[i] - w->y[i];
}

/* ---- stages, as published -------------------------------------------------------------------------------- */

static int first_lowest(int n, const double *cost)
{
  int best = 0;
  for (int i = 1; i < n; i++)
    if (cost[i] < cost[best]) best = i;
  return best;
}

/* Where the sine stage starts: from four phases, the published one first, at five frequencies around the guess. */
enum { FREQUENCIES = 5, PHASES = NRF_FIT_MAX_SINE_STARTS / FREQUENCIES };

static const double phases[PHASES] = {0.0, M_PI_2, M_PI, -M_PI_2};

static double start_lambda(double lambda0, int frequency)
{
  const int from_the_middle = frequency - FREQUENCIES / 2;
  return lambda0 * pow(1.15, from_the_middle);
}

static void fit_sines_as_written(const window *w, int n_phases, double *work, nrf_correlation_fit_starts *s)
{
  const fit_problem problem = {w->n, SINE_PARAMETERS, sine_residuals, w};
  s->sine_count             = n_phases * FREQUENCIES;
  for (int k = 0; k < s->sine_count; k++) {
    double *p               = s->sine[k];
    p[PHI]                  = phases[k / FREQUENCIES];
    p[MU]                   = 0.0;
    p[LAMBDA]               = start_lambda(s->lambda0, k % FREQUENCIES);
    const fit_result result = fit_by_trust_region(&problem, p, work);
    s->sine_cost[k]         = result.cost;
    s->sine_evaluations[k]  = result.evaluations;
  }
  s->best_sine = first_lowest(s->sine_count, s->sine_cost);
}

static void fit_gausses_as_written(const window *w, double *work, nrf_correlation_fit_starts *s)
{
  static const double amplitudes[NRF_FIT_GAUSS_STARTS] = {400.0, 500.0, 600.0};
  const fit_problem   problem                          = {w->n, GAUSS_PARAMETERS, gauss_residuals, w};
  for (int k = 0; k < NRF_FIT_GAUSS_STARTS; k++) {
    double *p               = s->gauss[k];
    p[SIGMA]                = FIRST_SIGMA;
    p[AMP]                  = amplitudes[k];
    const fit_result result = fit_by_trust_region(&problem, p, work);
    s->gauss_cost[k]        = result.cost;
    s->gauss_evaluations[k] = result.evaluations;
  }
  s->best_gauss = first_lowest(NRF_FIT_GAUSS_STARTS, s->gauss_cost);
}

/* ---- stages, correct ------------------------------------------------------------------------------------- */

/* The frequencies nearest to the guess come first: what they find makes the others short. cost_one_phase: the lowest cost
 * that phase 0 leads to. */
static sine_fit fit_sine(const window *w, double lambda0, double *work, double *cost_one_phase)
{
  static const int order[FREQUENCIES] = {2, 1, 3, 0, 4};
  sine_fit         found[NRF_FIT_MAX_SINE_STARTS], best = {.cost = INFINITY};
  double           one_phase = INFINITY;
  sine_window      sines;
  sine_window_init(w->n, w->first, w->y, w->peak, work, &sines);
  for (int k = 0; k < NRF_FIT_MAX_SINE_STARTS; k++) {
    found[k] = sine_descend(&sines, phases[k % PHASES], start_lambda(lambda0, order[k / PHASES]), k, found);
    if (found[k].cost < best.cost) best = found[k];
    if (k % PHASES == 0) one_phase = fmin(one_phase, found[k].cost);
  }
  const double missed = one_phase - best.cost; /* before the cost gets its last digits */
  sine_finish(&sines, &best);
  *cost_one_phase = best.cost + missed;
  if (best.lambda < 0.0) { /* the same curve */
    best.lambda = -best.lambda;
    best.phi    = -best.phi;
  }
  best.phi = nrf_angle_wrap(best.phi);
  return best;
}

/* ---- the window ------------------------------------------------------------------------------------------ */

static double largest(int n, const double *y)
{
  double most = y[0];
  for (int i = 1; i < n; i++) most = y[i] > most ? y[i] : most;
  return most;
}

static bool is_finite(int n, const double *y)
{
  for (int i = 0; i < n; i++)
    if (!isfinite(y[i])) return false;
  return true;
}

static int count_peaks(int n, const double *y, nrf_peak_filter filter, double *work)
{
  return (int)nrf_find_peaks(n, y, filter, (nrf_peak *)work);
}

static void set_sine(nrf_correlation_fit *out, double phi, double mu, double lambda, double cost)
{
  out->sine_phase = phi;
  out->sine_mean  = mu;
  out->freq_scale = 1.0 / lambda;
  out->cost_sine  = cost;
}

static void set_gauss(nrf_correlation_fit *out, double sigma, double amp, double cost)
{
  out->gauss_sigma = sigma;
  out->gauss_amp   = amp;
  out->cost_gabor  = cost;
}

static void set_extremes(nrf_correlation_fit *out, int n, const double *curve)
{
  out->min_gabor = out->max_gabor = curve[0];
  for (int i = 1; i < n; i++) {
    out->min_gabor = fmin(out->min_gabor, curve[i]);
    out->max_gabor = fmax(out->max_gabor, curve[i]);
  }
  out->amplitude = (out->max_gabor - out->min_gabor) / 2.0;
}

static int64_t peaks_work(int n)
{
  return (nrf_peaks_at_most(n) * (int64_t)sizeof(nrf_peak) + (int64_t)sizeof(double) - 1) /
         (int64_t)sizeof(double);
}

static int64_t larger(int64_t a, int64_t b)
{
  return a > b ? a : b;
}

/* s(x) of the sine stage, in whole cache lines; then what the stages need one after the other. */
static int64_t sine_room(int n)
{
  return (n + 7) / 8 * 8;
}

int64_t nrf_correlation_fit_work(int n, int first)
{
  const int64_t fits = larger(fit_work(n, SINE_PARAMETERS), sine_window_work(n));
  return sine_room(n) + larger(larger(fits, gauss_fit_work(n, first)), n + peaks_work(n));
}

static void set_curve_of_sine(const window *w, const nrf_correlation_fit *fit, double lambda, double *sine)
{
  cosines_at_lags(w->n, w->first, lambda, fit->sine_phase, sine);
  for (int i = 0; i < w->n; i++) sine[i] = w->peak * sine[i] + fit->sine_mean;
}

static void fit_as_written(window *w, int n_phases, double *sine, double *work, nrf_correlation_fit_starts *s,
                           nrf_correlation_fit *out)
{
  fit_sines_as_written(w, n_phases, work, s);
  const double *best = s->sine[s->best_sine];
  set_sine(out, best[PHI], best[MU], best[LAMBDA], s->sine_cost[s->best_sine]);
  out->cost_sine_one_phase = s->sine_cost[first_lowest(FREQUENCIES, s->sine_cost)];
  set_curve_of_sine(w, out, best[LAMBDA], sine);
  fit_gausses_as_written(w, work, s);
  const double *gauss = s->gauss[s->best_gauss];
  set_gauss(out, gauss[SIGMA], gauss[AMP], s->gauss_cost[s->best_gauss]);
}

static void fit_correctly(const window *w, double lambda0, double *sine, double *work,
                          nrf_correlation_fit *out)
{
  const sine_fit best = fit_sine(w, lambda0, work, &out->cost_sine_one_phase);
  set_sine(out, best.phi, best.mu, best.lambda, best.cost);
  set_curve_of_sine(w, out, best.lambda, sine);
  const gauss_fit gauss = gauss_descend(w->n, w->first, w->y, sine, FIRST_SIGMA, work);
  set_gauss(out, gauss.sigma, gauss.amp, gauss.cost);
}

void nrf_fit_correlation(int n, int first, const double *y, nrf_correlation_fit_how how, double *work,
                         nrf_correlation_fit *out, nrf_correlation_fit_starts *starts)
{
  nrf_correlation_fit_starts own, *s = starts != NULL ? starts : &own;
  double                    *sine = work, *rest = work + sine_room(n);
  memset(s, 0, sizeof *s);
  if (!is_finite(n, y)) {
    *out = (nrf_correlation_fit){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    return;
  }
  const double          most   = largest(n, y);
  const nrf_peak_filter filter = {.height = 0.0, .distance = 3.0, .prominence = most / 5.0};
  const int             peaks  = count_peaks(n, y, filter, rest);
  *out                         = (nrf_correlation_fit){.peak = PEAK_PART * most, .n_peaks = peaks};
  s->lambda0                   = 7.0 / ((double)n / (double)(peaks > 0 ? peaks : 1));

  window w = {.n = n, .first = first, .y = y, .peak = out->peak, .sine = sine};
  if (how == NRF_FIT_CORRECT)
    fit_correctly(&w, s->lambda0, sine, rest, out);
  else
    fit_as_written(&w, how == NRF_FIT_AS_WRITTEN ? 1 : PHASES, sine, rest, s, out);
  nrf_fitted_curve(out, out->peak, n, first, rest);
  set_extremes(out, n, rest);
}

void nrf_fitted_curve(const nrf_correlation_fit *fit, double peak, int n, int first, double *curve)
{
  const double gauss[GAUSS_PARAMETERS] = {[SIGMA] = fit->gauss_sigma, [AMP] = fit->gauss_amp};
  for (int i = 0; i < n; i++) {
    const double x    = (double)(first + i);
    const double sine = peak * cos(x / fit->freq_scale + fit->sine_phase) + fit->sine_mean;
    curve[i]          = envelope(gauss, x) * sine;
  }
}

int nrf_fitted_curve_peaks(const nrf_correlation_fit *fit, nrf_correlation_fit_how how, int n, int first,
                           double *work)
{
  static const nrf_peak_filter filter = {.height = 0.0, .distance = 0.0, .prominence = 0.01};
  nrf_fitted_curve(fit, how == NRF_FIT_AS_WRITTEN ? PEAK_PART * fit->peak : fit->peak, n, first, work);
  return count_peaks(n, work, filter, work + sine_room(n));
}
