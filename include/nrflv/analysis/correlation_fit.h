/* correlation_fit.h - a damped cosine fitted to a window of a correlation (sections 2.12, 2.13):
 *
 *   s(x) = peak cos(lambda x + phi) + mu                        the sine stage
 *   g(x) = amp / (sqrt(2 pi) sigma) exp(-x^2 / (2 sigma^2)) s(x)   the Gauss stage, with s as it is
 *
 * x being the lag; peak = 0.7 * the largest value of the window, not fitted. */
#ifndef NRFLV_ANALYSIS_CORRELATION_FIT_H
#define NRFLV_ANALYSIS_CORRELATION_FIT_H

#include <stdbool.h>
#include <stdint.h>

/* The window of all analyses: lags -50 .. 49. */
enum { NRF_FIT_FIRST_LAG = -50, NRF_FIT_LAGS = 100 };

typedef enum nrf_correlation_fit_how {
  /* The sine stage starts from four phases (D51), and descents do not stop early, whatever the scale of the window. phi is in
   * (-pi, pi], lambda and sigma are positive; sigma = 1e5 stands for no decay. About 0.1 ms for a window. */
  NRF_FIT_CORRECT,
  /* As published: one phase, so that windows near antiphase may miss the best fit by far; the path of SciPy's solver step
   * by step (appendix B), which stops early; signs and multiples of 2 pi as they come. About 1 ms for a window. */
  NRF_FIT_AS_WRITTEN,
  /* Four phases, but otherwise as written: the correct fit by another solver, for comparing. */
  NRF_FIT_FOUR_PHASES_AS_WRITTEN,
} nrf_correlation_fit_how;

/* All NaN if a value of the window is not finite. */
typedef struct nrf_correlation_fit {
  double peak;      /* 0.7 * max(y); the published tables call it max_acorr                        */
  double min_gabor; /* of g over the window ...                                                    */
  double max_gabor;
  double amplitude;  /* ... and half their difference: what later analyses use                      */
  double freq_scale; /* 1 / lambda: time steps per radian                                           */
  double sine_phase; /* phi                                                                         */
  double sine_mean;  /* mu                                                                          */
  double gauss_sigma;
  double gauss_amp;
  double cost_sine; /* half the sum of squared residuals                                           */
  double cost_sine_one_phase; /* lowest of the starts from phase 0; above cost_sine where they miss (D51) */
  double cost_gabor;
  double n_peaks; /* peaks of the window; the first guess of lambda rests on them, 0 counting as 1 (D17) */
} nrf_correlation_fit;

enum { NRF_FIT_MAX_SINE_STARTS = 20, NRF_FIT_GAUSS_STARTS = 3 };

/* Where each start led, as written. The best is the first of lowest cost. */
typedef struct nrf_correlation_fit_starts {
  int    sine_count, best_sine, best_gauss;
  double lambda0;                          /* first guess: 0.07 rad per peak in 100 lags */
  double sine[NRF_FIT_MAX_SINE_STARTS][3]; /* phi, mu, lambda */
  double sine_cost[NRF_FIT_MAX_SINE_STARTS];
  int    sine_evaluations[NRF_FIT_MAX_SINE_STARTS];
  double gauss[NRF_FIT_GAUSS_STARTS][2]; /* sigma, amp */
  double gauss_cost[NRF_FIT_GAUSS_STARTS];
  int    gauss_evaluations[NRF_FIT_GAUSS_STARTS];
} nrf_correlation_fit_starts;

/* Doubles of `work` for such windows; the caller's memory, one for each thread, aligned to 64 bytes (nrf_alloc). */
int64_t nrf_correlation_fit_work(int n, int first);

/* y: the correlation at lags first .. first + n - 1, n >= 3. starts: NULL, or where to write them; of a correct fit lambda0 alone is
 * written, the rest is 0. */
void nrf_fit_correlation(int n, int first, const double *y, nrf_correlation_fit_how how, double *work,
                         nrf_correlation_fit *out, nrf_correlation_fit_starts *starts);

/* The curve g of a fit with another peak value. curve: [n]. */
void nrf_fitted_curve(const nrf_correlation_fit *fit, double peak, int n, int first, double *curve);

/* How many peaks the fitted curve has, those at least 0 high and 0.01 prominent. As written the curve is rebuilt with 0.7 times
 * the fit's peak (D18). */
int nrf_fitted_curve_peaks(const nrf_correlation_fit *fit, nrf_correlation_fit_how how, int n, int first,
                           double *work);

#endif
