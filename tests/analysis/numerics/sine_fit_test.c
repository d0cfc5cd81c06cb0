/* The cost of the sine stage and its derivatives against the definition and finite differences; descents end where the slope is 0. */
#include "nrflv/memory.h"
#include "nrflv/rng.h"
#include "support/close.h"
#include "support/test_signals.h"

/* What a step sees is nobody's business but the test's. */
#include "analysis/numerics/sine_fit.c"

typedef struct given {
  double      y[200], *work;
  sine_window w;
} given;

static void make_window(given *g, int n, int first, uint64_t series)
{
  assert_int_equal(nrf_alloc((size_t)sine_window_work(n) * sizeof(double), "test", (void **)&g->work),
                   NRF_OK);
  signal_noise(series, n, g->y);
  for (int i = 0; i < n; i++) g->y[i] += 3.0 + 2.0 * cos(0.4 * (first + i) + 1.0);
  sine_window_init(n, first, g->y, 1.7, g->work, &g->w);
}

/* With the mean that is best for these phi and lambda. */
static double literal_cost(const sine_window *w, double phi, double lambda)
{
  double mean = 0.0, cost = 0.0;
  for (int i = 0; i < w->n; i++) mean += (w->y[i] - w->peak * cos(lambda * (w->first + i) + phi)) / w->n;
  for (int i = 0; i < w->n; i++) {
    const double rest = w->peak * cos(lambda * (w->first + i) + phi) + mean - w->y[i];
    cost += 0.5 * rest * rest;
  }
  return cost;
}

static const struct {
  int n, first;
} shapes[] = {{100, -50}, {100, 0}, {99, -50}, {8, -3}, {3, -1}, {200, -60}, {41, 7}};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static void cost_slope_and_curvature_are_those_of_the_definition(void **state)
{
  (void)state;
  for (int k = 0; k < SHAPES; k++) {
    given g;
    make_window(&g, shapes[k].n, shapes[k].first, (uint64_t)k);
    for (int trial = 0; trial < 30; trial++) {
      const double phi = -4.0 + 0.31 * trial, lambda = 0.05 + 0.1 * trial, h = 1e-5, l = h / g.w.typical_lag;
      const point  p    = evaluate(&g.w, phi, lambda);
      const double size = g.w.squares + g.w.peak * g.w.peak * g.w.n;
      const double lag  = g.w.typical_lag;
      assert_near(p.cost, literal_cost(&g.w, phi, lambda), 1e-13 * size);
      const point up = evaluate(&g.w, phi + h, lambda), down = evaluate(&g.w, phi - h, lambda);
      const point out = evaluate(&g.w, phi, lambda + l), in = evaluate(&g.w, phi, lambda - l);
      assert_near(p.slope[0], (up.cost - down.cost) / (2.0 * h), 1e-8 * size);
      assert_near(p.slope[1], (out.cost - in.cost) / (2.0 * l), 1e-8 * size * lag);
      assert_near(p.curvature.pp, (up.slope[0] - down.slope[0]) / (2.0 * h), 1e-8 * size);
      assert_near(p.curvature.pl, (up.slope[1] - down.slope[1]) / (2.0 * h), 1e-8 * size * lag);
      assert_near(p.curvature.ll, (out.slope[1] - in.slope[1]) / (2.0 * l), 1e-7 * size * lag * lag);
    }
    nrf_free(g.work);
  }
}

/* Without residuals Gauss and Newton's matrix is the curvature. */
static void without_residuals_both_matrices_are_the_same(void **state)
{
  (void)state;
  given g;
  make_window(&g, 100, -50, 1);
  for (int i = 0; i < 100; i++) g.y[i] = 1.7 * cos(0.6 * (i - 50) + 0.3) - 4.0;
  sine_window_init(100, -50, g.y, 1.7, g.work, &g.w);
  const point p = evaluate(&g.w, 0.3, 0.6);
  assert_near(p.cost, 0.0, 1e-11);
  assert_relative(p.linearised.pp, p.curvature.pp, 1e-11);
  assert_relative(p.linearised.ll, p.curvature.ll, 1e-11);
  assert_near(p.linearised.pl, p.curvature.pl, 1e-9 * p.curvature.ll);
  nrf_free(g.work);
}

static void descents_end_at_the_bottom(void **state)
{
  (void)state;
  for (int k = 0; k < 20; k++) {
    given g;
    make_window(&g, 100, -50, (uint64_t)(50 + k));
    for (int start = 0; start < 8; start++) {
      const sine_fit fit = sine_descend(&g.w, 0.7 * start, 0.2 + 0.1 * start, 0, NULL);
      const point    p   = evaluate(&g.w, fit.phi, fit.lambda),
                  from   = evaluate(&g.w, 0.7 * start, 0.2 + 0.1 * start);
      assert_true(p.cost <= from.cost);
      assert_near(p.slope[0], 0.0, 1e-4 * g.w.squares);
      assert_near(p.slope[1], 0.0, 1e-4 * g.w.squares * g.w.typical_lag);
      assert_true(p.curvature.pp > 0.0 && p.curvature.pp * p.curvature.ll > p.curvature.pl * p.curvature.pl);
    }
    nrf_free(g.work);
  }
}

/* What is known neither changes a result nor is found twice. */
static void knowing_minima_saves_work_and_changes_nothing(void **state)
{
  (void)state;
  given g;
  make_window(&g, 100, -50, 99);
  sine_fit first = sine_descend(&g.w, 0.9, 0.41, 0, NULL);
  sine_fit again = sine_descend(&g.w, 0.5, 0.39, 1, &first);
  assert_memory_equal(&first, &again, sizeof first);
  first.phi += 6.0 * M_PI; /* the same minimum, some turns away */
  again = sine_descend(&g.w, 0.5, 0.39, 1, &first);
  assert_memory_equal(&first, &again, sizeof first);
  const sine_fit elsewhere = sine_descend(&g.w, 0.0, 1.3, 0, NULL),
                 alone     = sine_descend(&g.w, 0.5, 0.39, 0, NULL);
  assert_true(elsewhere.cost > alone.cost);
  again = sine_descend(&g.w, 0.5, 0.39, 1, &elsewhere);
  assert_memory_equal(&again, &alone, sizeof again);
  sine_finish(&g.w, &first);
  assert_relative(first.cost, literal_cost(&g.w, first.phi, first.lambda), 1e-13);
  nrf_free(g.work);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cost_slope_and_curvature_are_those_of_the_definition),
      cmocka_unit_test(without_residuals_both_matrices_are_the_same),
      cmocka_unit_test(descents_end_at_the_bottom),
      cmocka_unit_test(knowing_minima_saves_work_and_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
