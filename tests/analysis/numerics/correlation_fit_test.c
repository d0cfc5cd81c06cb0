/* Fits of correlation windows: appendix A.4 number by number along the published path, with its counts of evaluations; what the correct fit
 * finds that the published one does not; what neither may depend on. */
#include "nrflv/analysis/correlation_fit.h"

#include "nrflv/analysis/angle.h"
#include "nrflv/analysis/correlation.h"
#include "nrflv/memory.h"
#include "nrflv/moments.h"
#include "nrflv/rng.h"
#include "support/close.h"
#include "support/test_signals.h"

#include <string.h>

enum { LAGS = NRF_FIT_LAGS, FIRST = NRF_FIT_FIRST_LAG };

static nrf_correlation_fit fit_window(const double *y, nrf_correlation_fit_how how,
                                      nrf_correlation_fit_starts *starts)
{
  nrf_correlation_fit fit;
  double             *work = NULL;
  assert_int_equal(
      nrf_alloc((size_t)nrf_correlation_fit_work(LAGS, FIRST) * sizeof *work, "test", (void **)&work),
      NRF_OK);
  nrf_fit_correlation(LAGS, FIRST, y, how, work, &fit, starts);
  nrf_free(work);
  return fit;
}

static int curve_peaks(const nrf_correlation_fit *fit, nrf_correlation_fit_how how)
{
  double *work = NULL;
  assert_int_equal(
      nrf_alloc((size_t)nrf_correlation_fit_work(LAGS, FIRST) * sizeof *work, "test", (void **)&work),
      NRF_OK);
  const int peaks = nrf_fitted_curve_peaks(fit, how, LAGS, FIRST, work);
  nrf_free(work);
  return peaks;
}

/* ---- appendix A.4 ---------------------------------------------------------------------------------------- */

static const struct appendix_window {
  int    a_is_b, v_is_b, from, peaks;
  double peak, lambda0;
  double sine_costs[5];
  double phi, mu, lambda, gauss_cost, sigma, amp, lowest, highest, amplitude, freq_scale;
  int    evaluations[8];
} appendix[] = {
    {0,
     0,
     SIGNAL_DUR,
     5,
     60.42317546,
     0.35,
     {13406.278, 13406.278, 13406.278, 139560.5, 139560.5},
     0.0077668276,
     -1.6170325,
     0.29226685,
     1692.4848,
     27.3453,
     79.7065,
     -66.3967978,
     68.38031098,
     67.38855439,
     3.421530692,
     {13, 12, 16, 62, 100, 15, 21, 21}},
    {0,
     1,
     SIGNAL_DUR,
     5,
     29.43021049,
     0.35,
     {2947.5636, 2947.5636, 2947.5636, 34130.428, 34218.762},
     -0.061281465,
     -0.84946735,
     0.29144832,
     527.69457,
     28.8501,
     85.6748,
     -33.35771847,
     33.79465314,
     33.57618581,
     3.431140068,
     {13, 12, 15, 107, 156, 17, 21, 21}},
    {1,
     0,
     SIGNAL_DUR,
     5,
     29.43021049,
     0.35,
     {2851.3198, 2851.3198, 2851.3198, 33977.271, 33977.271},
     0.072658927,
     -0.93678519,
     0.29200781,
     560.38245,
     29.1431,
     86.1934,
     -33.41970534,
     33.52794539,
     33.47382536,
     3.424565916,
     {12, 11, 14, 86, 99, 19, 21, 21}},
    {0,
     1,
     SIGNAL_PRE,
     3,
     30.16209884,
     0.21,
     {32967.633, 1918.6467, 1918.6467, 1918.6467, 1918.6467},
     -0.14261704,
     1.6104142,
     0.26087363,
     1250.8083,
     50.1298,
     132.121,
     -29.04772424,
     33.17895638,
     31.11334031,
     3.833273655,
     {27, 19, 13, 11, 11, 8, 8, 9}},
};

enum { WINDOWS = sizeof appendix / sizeof *appendix };

static void appendix_correlation(const struct appendix_window *w, double *y)
{
  static double signal[2][SIGNAL_LENGTH];
  double        a[SIGNAL_PHASE], v[SIGNAL_PHASE];
  signal_a(signal[0]);
  signal_b(signal[1]);
  const double *p = signal[w->a_is_b] + w->from, *q = signal[w->v_is_b] + w->from;
  for (int i = 0; i < SIGNAL_PHASE; i++) {
    a[i] = p[i] - nrf_moments_of(SIGNAL_PHASE, p).mean;
    v[i] = q[i] - nrf_moments_of(SIGNAL_PHASE, q).mean;
  }
  nrf_cross_correlation(SIGNAL_PHASE, a, v, FIRST, FIRST + LAGS - 1, y);
}

static void the_published_fit_is_that_of_the_appendix(void **state)
{
  (void)state;
  for (int k = 0; k < WINDOWS; k++) {
    const struct appendix_window *w = &appendix[k];
    double                        y[LAGS];
    nrf_correlation_fit_starts    s;
    appendix_correlation(w, y);
    const nrf_correlation_fit fit = fit_window(y, NRF_FIT_AS_WRITTEN, &s);
    assert_true(fit.n_peaks == w->peaks);
    assert_digits(fit.peak, w->peak);
    assert_digits(s.lambda0, w->lambda0);
    assert_int_equal(s.sine_count, 5);
    for (int j = 0; j < 5; j++) assert_relative(s.sine_cost[j], w->sine_costs[j], 1e-6);
    for (int j = 0; j < 3; j++) assert_relative(s.gauss_cost[j], w->gauss_cost, 1e-6);
    assert_near(nrf_angle_wrap(fit.sine_phase), w->phi, 1e-7);
    assert_relative(fit.sine_mean, w->mu, 1e-6);
    assert_relative(fit.freq_scale, 1.0 / w->lambda, 1e-7);
    assert_relative(fit.freq_scale, w->freq_scale, 1e-8);
    assert_relative(fabs(fit.gauss_sigma), w->sigma, 1e-5);
    assert_relative(fabs(fit.gauss_amp), w->amp, 1e-5);
    assert_relative(fit.min_gabor, w->lowest, 1e-7);
    assert_relative(fit.max_gabor, w->highest, 1e-7);
    assert_relative(fit.amplitude, w->amplitude, 1e-7);
    assert_int_equal(curve_peaks(&fit, NRF_FIT_AS_WRITTEN), 5);
    assert_int_equal(curve_peaks(&fit, NRF_FIT_CORRECT), 5);
  }
}

/* The same number of steps, since it is the same solver. */
static void the_published_path_takes_as_many_evaluations(void **state)
{
  (void)state;
  for (int k = 0; k < WINDOWS; k++) {
    double                     y[LAGS];
    nrf_correlation_fit_starts s;
    appendix_correlation(&appendix[k], y);
    (void)fit_window(y, NRF_FIT_AS_WRITTEN, &s);
    for (int j = 0; j < 5; j++) assert_int_equal(s.sine_evaluations[j], appendix[k].evaluations[j]);
    for (int j = 0; j < 3; j++) assert_int_equal(s.gauss_evaluations[j], appendix[k].evaluations[5 + j]);
  }
}

/* The published solver stops where the cost changes by less than 1e-8: parameters are known to a few 1e-6 or so. */
static void the_correct_fit_agrees_where_one_phase_is_enough(void **state)
{
  (void)state;
  for (int k = 0; k < WINDOWS; k++) {
    const struct appendix_window *w = &appendix[k];
    double                        y[LAGS], lowest = INFINITY;
    appendix_correlation(w, y);
    const nrf_correlation_fit fit = fit_window(y, NRF_FIT_CORRECT, NULL);
    for (int j = 0; j < 5; j++) lowest = fmin(lowest, w->sine_costs[j]);
    assert_relative(fit.cost_sine, lowest, 1e-6);
    assert_relative(fit.amplitude, w->amplitude, 1e-4);
    assert_relative(fit.gauss_sigma, w->sigma, 1e-3);
    assert_relative(fit.gauss_amp, w->amp, 1e-3);
    assert_near(fit.sine_phase, w->phi, 5e-5);
    assert_relative(fit.freq_scale, w->freq_scale, 5e-6);
  }
}

/* ---- planted windows ------------------------------------------------------------------------------------- */

/* A window that the model fits exactly: 0.7 max y must be the amplitude of the cosine, so this is scaled to have its maximum at
 * peak / 0.7. Returns that peak; mu goes along. */
static void planted(double phi, double lambda, double sigma, double noise, double *y)
{
  double errors[LAGS], most = -INFINITY;
  signal_noise((uint64_t)(1000.0 * phi + 1e5 * lambda + 1e3), LAGS, errors);
  for (int i = 0; i < LAGS; i++) {
    const double x = FIRST + i;
    y[i]           = exp(-x * x / (2.0 * sigma * sigma)) * cos(lambda * x + phi) + noise * errors[i];
    most           = fmax(most, y[i]);
  }
  for (int i = 0; i < LAGS; i++) y[i] *= 10.0 / most;
}

/* At any phase, antiphase too (D51). From 15 to 35 Hz; the window's carrier is wider than the fit's, so phases are good to a few
 * degrees. */
static void planted_phases_and_frequencies_are_found(void **state)
{
  (void)state;
  int lost_as_written = 0;
  for (int f = 0; f < 5; f++)
    for (int p = -7; p <= 8; p++) {
      const double lambda = 2.0 * M_PI * (15.0 + 5.0 * f) / 242.857142857, phi = p * M_PI / 8.0;
      double       y[LAGS];
      planted(phi, lambda, 60.0, 0.02, y);
      const nrf_correlation_fit fit = fit_window(y, NRF_FIT_CORRECT, NULL),
                                old = fit_window(y, NRF_FIT_AS_WRITTEN, NULL);
      assert_relative(fit.freq_scale, 1.0 / lambda, 0.02);
      assert_near(nrf_angle_difference(fit.sine_phase, nrf_angle_wrap(phi)), 0.0, 0.1);
      assert_true(fit.cost_sine <= old.cost_sine * (1.0 + 1e-9));
      assert_true(fit.gauss_sigma > 0.0 && fit.freq_scale > 0.0);
      assert_true(fit.sine_phase > -M_PI && fit.sine_phase <= M_PI);
      if (fabs(old.freq_scale * lambda - 1.0) > 0.02 && fabs(phi) > 2.0) lost_as_written++;
      assert_in_range((int)(100.0 * fit.amplitude), 700, 1300);
    }
  assert_true(lost_as_written > 5); /* or the windows do not show what they are for */
}

/* Costs and curves are what they say they are. */
static void costs_are_those_of_the_reported_curve(void **state)
{
  (void)state;
  for (int how = 0; how < 3; how++)
    for (int k = 0; k < WINDOWS; k++) {
      double y[LAGS], curve[LAGS], sine = 0.0, gabor = 0.0, lowest = INFINITY, highest = -INFINITY;
      appendix_correlation(&appendix[k], y);
      const nrf_correlation_fit fit = fit_window(y, (nrf_correlation_fit_how)how, NULL);
      nrf_fitted_curve(&fit, fit.peak, LAGS, FIRST, curve);
      for (int i = 0; i < LAGS; i++) {
        const double x = FIRST + i, s = fit.peak * cos(x / fit.freq_scale + fit.sine_phase) + fit.sine_mean;
        const double g = fit.gauss_amp / (sqrt(2.0 * M_PI) * fit.gauss_sigma) *
                         exp(-x * x / (2.0 * fit.gauss_sigma * fit.gauss_sigma)) * s;
        assert_near(curve[i], g, 1e-10);
        sine += 0.5 * (s - y[i]) * (s - y[i]);
        gabor += 0.5 * (g - y[i]) * (g - y[i]);
        lowest  = fmin(lowest, g);
        highest = fmax(highest, g);
      }
      assert_relative(fit.cost_sine, sine, 1e-9);
      assert_relative(fit.cost_gabor, gabor, 1e-9);
      assert_relative(fit.min_gabor, lowest, 1e-12);
      assert_relative(fit.amplitude, 0.5 * (highest - lowest), 1e-12);
    }
}

/* No nearby parameters have a lower cost: of the sine stage, and of the Gauss stage given the sine. */
static void both_stages_end_in_minima(void **state)
{
  (void)state;
  for (uint64_t trial = 0; trial < 40; trial++) {
    double y[LAGS];
    signal_noise(300 + trial, LAGS, y); /* the worst case: nothing to be found */
    const nrf_correlation_fit fit = fit_window(y, NRF_FIT_CORRECT, NULL);
    for (int nudge = 0; nudge < 10; nudge++) {
      const double sign   = nudge % 2 == 0 ? 1.0 : -1.0;
      const double phi    = fit.sine_phase + (nudge / 2 == 0 ? sign * 1e-3 : 0.0);
      const double mu     = fit.sine_mean + (nudge / 2 == 1 ? sign * 1e-3 : 0.0);
      const double lambda = 1.0 / fit.freq_scale + (nudge / 2 == 2 ? sign * 1e-5 : 0.0);
      const double sigma  = fit.gauss_sigma * (nudge / 2 == 3 ? 1.0 + sign * 1e-2 : 1.0);
      const double amp = fit.gauss_amp / fit.gauss_sigma * sigma * (nudge / 2 == 4 ? 1.0 + sign * 1e-3 : 1.0);
      double       sine = 0.0, gabor = 0.0;
      for (int i = 0; i < LAGS; i++) {
        const double x = FIRST + i, s = fit.peak * cos(lambda * x + phi) + mu;
        const double envelope = amp / (sqrt(2.0 * M_PI) * sigma) * exp(-x * x / (2.0 * sigma * sigma));
        const double kept     = fit.peak * cos(x / fit.freq_scale + fit.sine_phase) + fit.sine_mean;
        sine += 0.5 * (s - y[i]) * (s - y[i]);
        gabor += 0.5 * (envelope * kept - y[i]) * (envelope * kept - y[i]);
      }
      assert_true(sine >= fit.cost_sine * (1.0 - 1e-12));
      if (fit.gauss_sigma < 9e4) assert_true(gabor >= fit.cost_gabor * (1.0 - 1e-12));
    }
  }
}

/* The published solver's tolerance of the gradient is absolute; ours must not care about units. */
static void scale_does_not_matter(void **state)
{
  (void)state;
  static const double scales[] = {1e-6, 1e-3, 1e4};
  double              y[LAGS], scaled[LAGS];
  appendix_correlation(&appendix[1], y);
  const nrf_correlation_fit fit = fit_window(y, NRF_FIT_CORRECT, NULL);
  for (int k = 0; k < 3; k++) {
    for (int i = 0; i < LAGS; i++) scaled[i] = scales[k] * y[i];
    const nrf_correlation_fit other = fit_window(scaled, NRF_FIT_CORRECT, NULL);
    assert_relative(other.amplitude, scales[k] * fit.amplitude, 1e-7);
    assert_relative(other.cost_gabor, scales[k] * scales[k] * fit.cost_gabor, 1e-7);
    assert_relative(other.freq_scale, fit.freq_scale, 1e-9);
    assert_relative(other.gauss_sigma, fit.gauss_sigma, 1e-7);
  }
}

static void windows_that_show_nothing(void **state)
{
  (void)state;
  for (int how = 0; how < 3; how++) {
    double zero[LAGS] = {0.0}, negative[LAGS], bad[LAGS] = {0.0};
    for (int i = 0; i < LAGS; i++) negative[i] = -1.0 - 0.1 * (i % 7);
    bad[40]                           = NAN;
    const nrf_correlation_fit of_zero = fit_window(zero, (nrf_correlation_fit_how)how, NULL);
    assert_true(of_zero.amplitude == 0.0 && of_zero.peak == 0.0 && of_zero.n_peaks == 0.0);
    nrf_correlation_fit_starts starts;
    const nrf_correlation_fit  of_negative = fit_window(negative, (nrf_correlation_fit_how)how, &starts);
    assert_near(starts.lambda0, 0.07, 1e-16);
    assert_true(of_negative.n_peaks == 0.0 && isfinite(of_negative.amplitude) &&
                isfinite(of_negative.cost_sine));
    const nrf_correlation_fit of_bad = fit_window(bad, (nrf_correlation_fit_how)how, NULL);
    assert_true(isnan(of_bad.amplitude) && isnan(of_bad.peak) && isnan(of_bad.cost_gabor) &&
                isnan(of_bad.n_peaks));
    assert_int_equal(curve_peaks(&of_bad, (nrf_correlation_fit_how)how), 0);
  }
}

/* Recordings with shorter phases have shorter windows, which need not be centred. */
static void other_windows_work_too(void **state)
{
  (void)state;
  static const struct {
    int n, first;
  } shapes[] = {{3, -1}, {7, 0}, {31, -15}, {64, -10}, {200, -100}, {90, -120}, {50, 5}};
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    const int           n = shapes[k].n, first = shapes[k].first;
    double              y[200], *work          = NULL;
    nrf_correlation_fit fit;
    assert_int_equal(
        nrf_alloc((size_t)nrf_correlation_fit_work(n, first) * sizeof *work, "test", (void **)&work), NRF_OK);
    for (int i = 0; i < n; i++) y[i] = 5.0 * cos(0.5 * (first + i) + 2.0);
    nrf_fit_correlation(n, first, y, NRF_FIT_CORRECT, work, &fit, NULL);
    assert_true(isfinite(fit.cost_sine) && isfinite(fit.cost_gabor) && fit.cost_gabor <= fit.cost_sine * 1.5);
    if (n >= 50) assert_relative(fit.freq_scale, 2.0, 0.03);
    nrf_free(work);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_published_fit_is_that_of_the_appendix),
      cmocka_unit_test(the_published_path_takes_as_many_evaluations),
      cmocka_unit_test(the_correct_fit_agrees_where_one_phase_is_enough),
      cmocka_unit_test(planted_phases_and_frequencies_are_found),
      cmocka_unit_test(costs_are_those_of_the_reported_curve),
      cmocka_unit_test(both_stages_end_in_minima),
      cmocka_unit_test(scale_does_not_matter),
      cmocka_unit_test(windows_that_show_nothing),
      cmocka_unit_test(other_windows_work_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
