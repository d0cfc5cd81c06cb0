/* correlation_fit.c - two stages of fits from several starts each. */
#include "nrflv/analysis/correlation_fit.h"

#include "nrflv/analysis/angle.h"
#include "nrflv/analysis/least_squares.h"
#include "nrflv/analysis/peaks.h"

#include <math.h>
#include <string.h>

static const double PEAK_PART = 0.7;

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
  for (int i = 0; i < w->n; i++) r[i] = w->peak * cos(p[LAMBDA] * lag_at(w, i) + p[PHI]) + p[MU] - w->y[i];
}

static void sine_derivatives(const void *context, const double *p, double *derivatives)
{
  const window *w     = context;
  double       *d_phi = derivatives, *d_mu = derivatives + w->n, *d_lambda = derivatives + 2 * (int64_t)w->n;
  for (int i = 0; i < w->n; i++) {
    d_phi[i]    = -w->peak * sin(p[LAMBDA] * lag_at(w, i) + p[PHI]);
    d_mu[i]     = 1.0;
    d_lambda[i] = lag_at(w, i) * d_phi[i];
  }
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

static void gauss_derivatives(const void *context, const double *p, double *derivatives)
{
  const window *w       = context;
  const double  unit[2] = {[SIGMA] = p[SIGMA], [AMP] = 1.0};
  double       *d_sigma = derivatives, *d_amp = derivatives + w->n;
  for (int i = 0; i < w->n; i++) {
    const double x = lag_at(w, i);
    d_amp[i]       = envelope(unit, x) * w->sine[i];
    d_sigma[i]     = p[AMP] * d_amp[i] * (x * x / (p[SIGMA] * p[SIGMA]) - 1.0) / p[SIGMA];
  }
}

/* ---- stages ---------------------------------------------------------------------------------------------- */

static nrf_fit_result solve(const nrf_fit_problem *problem, nrf_correlation_fit_how how, double *p,
                            double *work)
{
  return how == NRF_FIT_CORRECT ? nrf_fit_levenberg_marquardt(problem, p, work)
                                : nrf_fit_trust_region(problem, p, work);
}

static int first_lowest(int n, const double *cost)
{
  int best = 0;
  for (int i = 1; i < n; i++)
    if (cost[i] < cost[best]) best = i;
  return best;
}

static void fit_sines(const window *w, nrf_correlation_fit_how how, double *work,
                      nrf_correlation_fit_starts *s)
{
  enum { FREQUENCIES = 5, PHASES = NRF_FIT_MAX_SINE_STARTS / FREQUENCIES };
  static const double   phases[PHASES] = {0.0, M_PI_2, M_PI, -M_PI_2};
  const nrf_fit_problem problem        = {w->n, SINE_PARAMETERS, sine_residuals, sine_derivatives, w};
  s->sine_count                        = (how == NRF_FIT_AS_WRITTEN ? 1 : PHASES) * FREQUENCIES;
  for (int k = 0; k < s->sine_count; k++) {
    double *p                   = s->sine[k];
    p[PHI]                      = phases[k / FREQUENCIES];
    p[MU]                       = 0.0;
    p[LAMBDA]                   = s->lambda0 * pow(1.15, k % FREQUENCIES - FREQUENCIES / 2);
    const nrf_fit_result result = solve(&problem, how, p, work);
    s->sine_cost[k]             = result.cost;
    s->sine_evaluations[k]      = result.evaluations;
  }
  s->best_sine = first_lowest(s->sine_count, s->sine_cost);
}

static void fit_gausses(const window *w, nrf_correlation_fit_how how, double *work,
                        nrf_correlation_fit_starts *s)
{
  static const double   amplitudes[NRF_FIT_GAUSS_STARTS] = {400.0, 500.0, 600.0};
  const nrf_fit_problem problem = {w->n, GAUSS_PARAMETERS, gauss_residuals, gauss_derivatives, w};
  for (int k = 0; k < NRF_FIT_GAUSS_STARTS; k++) {
    double *p                   = s->gauss[k];
    p[SIGMA]                    = 70.0;
    p[AMP]                      = amplitudes[k];
    const nrf_fit_result result = solve(&problem, how, p, work);
    s->gauss_cost[k]            = result.cost;
    s->gauss_evaluations[k]     = result.evaluations;
  }
  s->best_gauss = first_lowest(NRF_FIT_GAUSS_STARTS, s->gauss_cost);
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

/* The same curve with lambda > 0 and -pi < phi <= pi, and with sigma > 0. */
static void normalise(double *sine, double *gauss)
{
  if (sine[LAMBDA] < 0.0) {
    sine[LAMBDA] = -sine[LAMBDA];
    sine[PHI]    = -sine[PHI];
  }
  sine[PHI] = nrf_angle_wrap(sine[PHI]);
  if (gauss[SIGMA] < 0.0) {
    gauss[SIGMA] = -gauss[SIGMA];
    gauss[AMP]   = -gauss[AMP];
  }
}

static void set_fit(nrf_correlation_fit *out, const nrf_correlation_fit_starts *s,
                    nrf_correlation_fit_how how)
{
  double sine[SINE_PARAMETERS], gauss[GAUSS_PARAMETERS];
  memcpy(sine, s->sine[s->best_sine], sizeof sine);
  memcpy(gauss, s->gauss[s->best_gauss], sizeof gauss);
  if (how == NRF_FIT_CORRECT) normalise(sine, gauss);
  out->freq_scale  = 1.0 / sine[LAMBDA];
  out->sine_phase  = sine[PHI];
  out->sine_mean   = sine[MU];
  out->gauss_sigma = gauss[SIGMA];
  out->gauss_amp   = gauss[AMP];
  out->cost_sine   = s->sine_cost[s->best_sine];
  out->cost_gabor  = s->gauss_cost[s->best_gauss];
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

/* The frozen sine; then what the solvers need, or peaks. */
int64_t nrf_correlation_fit_work(int n)
{
  const nrf_fit_problem larger = {.residuals = n, .parameters = SINE_PARAMETERS};
  const int64_t         fits = nrf_fit_work(&larger), peaks = peaks_work(n);
  return n + (fits > peaks ? fits : peaks);
}

void nrf_fit_correlation(int n, int first, const double *y, nrf_correlation_fit_how how, double *work,
                         nrf_correlation_fit *out, nrf_correlation_fit_starts *starts)
{
  nrf_correlation_fit_starts own, *s = starts != NULL ? starts : &own;
  double                    *sine = work, *rest = work + n;
  memset(s, 0, sizeof *s);
  if (!is_finite(n, y)) {
    *out = (nrf_correlation_fit){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    return;
  }
  const double          most   = largest(n, y);
  const nrf_peak_filter filter = {.height = 0.0, .distance = 3.0, .prominence = most / 5.0};
  const int             peaks  = count_peaks(n, y, filter, rest);
  *out                         = (nrf_correlation_fit){.peak = PEAK_PART * most, .n_peaks = peaks};
  s->lambda0                   = 7.0 / ((double)n / (double)(peaks > 0 ? peaks : 1));

  window w = {.n = n, .first = first, .y = y, .peak = out->peak, .sine = sine};
  fit_sines(&w, how, rest, s);
  const double *best = s->sine[s->best_sine];
  for (int i = 0; i < n; i++) sine[i] = w.peak * cos(best[LAMBDA] * lag_at(&w, i) + best[PHI]) + best[MU];
  fit_gausses(&w, how, rest, s);

  set_fit(out, s, how);
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
  return count_peaks(n, work, filter, work + n);
}
