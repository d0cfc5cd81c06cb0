/* The Gauss stage: what is explained, and its derivatives, against sums and finite differences; the nearest maximum is found, whether the
 * window decays or not. */
#include "nrflv/memory.h"
#include "support/close.h"
#include "support/test_signals.h"

#include "analysis/numerics/gauss_fit.c"

enum { N = 100, FIRST = -50 };

typedef struct given {
  double y[N], s[N], *work;
} given;

static void make(given *g, double sigma, double noise, uint64_t series)
{
  assert_int_equal(nrf_alloc((size_t)gauss_fit_work(N, FIRST) * sizeof(double), "test", (void **)&g->work),
                   NRF_OK);
  signal_noise(series, N, g->y);
  for (int i = 0; i < N; i++) {
    const double x = FIRST + i;
    g->s[i]        = 2.0 * cos(0.5 * x + 0.3) - 0.2;
    g->y[i]        = noise * g->y[i] + 3.0 * exp(-x * x / (2.0 * sigma * sigma)) * g->s[i];
  }
}

static double literal_explained(const given *g, double log_tau)
{
  double p = 0.0, q = 0.0;
  for (int i = 0; i < N; i++) {
    const double x = FIRST + i, e = exp(-exp(log_tau) * x * x) * g->s[i];
    p += e * g->y[i];
    q += e * e;
  }
  return p * p / q;
}

static void what_is_explained_and_its_derivatives(void **state)
{
  (void)state;
  given g;
  make(&g, 30.0, 0.3, 1);
  const folded w = fold(N, FIRST, g.y, g.s, g.work);
  for (double t = log_tau_of(1000.0); t < log_tau_of(0.3); t += 0.37) {
    const double    h = 1e-5;
    const explained x = evaluate(&w, t), above = evaluate(&w, t + h), below = evaluate(&w, t - h);
    const double    size = literal_explained(&g, t);
    assert_relative(x.p * x.p / x.q, size, 1e-12);
    assert_near(x.slope, (literal_explained(&g, t + h) - literal_explained(&g, t - h)) / (2.0 * h),
                1e-8 * size);
    assert_near(x.bend, (above.slope - below.slope) / (2.0 * h), 1e-7 * size);
  }
  nrf_free(g.work);
}

static void planted_widths_and_amplitudes_are_found(void **state)
{
  (void)state;
  static const double sigmas[] = {3.0, 10.0, 30.0, 69.9, 70.1, 200.0, 1000.0};
  for (size_t k = 0; k < sizeof sigmas / sizeof *sigmas; k++) {
    given g;
    make(&g, sigmas[k], 0.0, 2);
    const gauss_fit fit = gauss_descend(N, FIRST, g.y, g.s, 70.0, g.work);
    assert_relative(fit.sigma, sigmas[k], 1e-6);
    assert_relative(fit.amp, 3.0 * sqrt(2.0 * M_PI) * sigmas[k], 1e-6);
    assert_near(fit.cost, 0.0, 1e-12);
    nrf_free(g.work);
  }
}

static void a_window_that_does_not_decay_gets_the_largest_sigma(void **state)
{
  (void)state;
  given g;
  make(&g, 30.0, 0.0, 3);
  for (int i = 0; i < N; i++) g.y[i] = 5.0 * g.s[i] * (1.0 + 1e-4 * (FIRST + i) * (FIRST + i)); /* it grows */
  const gauss_fit fit = gauss_descend(N, FIRST, g.y, g.s, 70.0, g.work);
  assert_relative(fit.sigma, GAUSS_LARGEST_SIGMA, 1e-12);
  assert_true(fit.amp / (sqrt(2.0 * M_PI) * fit.sigma) > 5.0);
  nrf_free(g.work);
}

static void the_amplitude_may_be_negative_and_the_curve_nothing(void **state)
{
  (void)state;
  given g;
  make(&g, 30.0, 0.0, 4);
  for (int i = 0; i < N; i++) g.y[i] = -g.y[i];
  gauss_fit fit = gauss_descend(N, FIRST, g.y, g.s, 70.0, g.work);
  assert_relative(fit.amp, -3.0 * sqrt(2.0 * M_PI) * 30.0, 1e-6);
  double zero[N] = {0.0};
  fit            = gauss_descend(N, FIRST, g.y, zero, 70.0, g.work);
  assert_relative(fit.sigma, 70.0, 1e-12);
  assert_true(fit.amp == 0.0);
  fit = gauss_descend(N, FIRST, zero, g.s, 70.0, g.work);
  assert_true(fit.amp == 0.0 && fit.cost == 0.0);
  nrf_free(g.work);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_explained_and_its_derivatives),
      cmocka_unit_test(planted_widths_and_amplitudes_are_found),
      cmocka_unit_test(a_window_that_does_not_decay_gets_the_largest_sigma),
      cmocka_unit_test(the_amplitude_may_be_negative_and_the_curve_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
