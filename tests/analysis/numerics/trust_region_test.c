/* The solver takes SciPy's path: as many evaluations to the same place. Expectations are those of scipy.optimize.least_squares(f, x0), 1.17. */
#include "analysis/numerics/trust_region.h"

#include "support/close.h"

enum { POINTS = 10 };

static void rosenbrock(const void *context, const double *p, double *r)
{
  (void)context;
  r[0] = 10.0 * (p[1] - p[0] * p[0]);
  r[1] = 1.0 - p[0];
}

static void line(const void *context, const double *p, double *r)
{
  (void)context;
  for (int t = 0; t < POINTS; t++) r[t] = p[0] + p[1] * t - (3.0 - 0.5 * t);
}

static void decay(const void *context, const double *p, double *r)
{
  (void)context;
  for (int t = 0; t < POINTS; t++)
    r[t] = p[0] * exp(-p[1] * t) + p[2] - (5.0 * exp(-0.4 * t) + 1.0 + 0.05 * cos(7.0 * t));
}

/* Powell's singular function in three variables: no curvature along one axis at the minimum. */
static void singular(const void *context, const double *p, double *r)
{
  (void)context;
  r[0] = p[0] + 10.0 * p[1];
  r[1] = sqrt(5.0) * (p[1] - p[2]);
  r[2] = (p[1] - 2.0 * p[2]) * (p[1] - 2.0 * p[2]);
  r[3] = sqrt(10.0) * (p[0] - p[2]) * (p[0] - p[2]);
}

/* Only the sum of the parameters matters: the derivatives have rank 1. */
static void degenerate(const void *context, const double *p, double *r)
{
  (void)context;
  for (int t = 0; t < POINTS; t++) r[t] = (p[0] + p[1]) * t - 2.0 * t + 0.1 * sin(t);
}

/* The first full step leads to where there is no logarithm. */
static void bounded(const void *context, const double *p, double *r)
{
  (void)context;
  r[0] = p[0] > 0.0 ? 5.0 * log(p[0]) - 1.0 : NAN;
  r[1] = p[0] > 0.0 ? 0.1 * p[0] : NAN;
}

static const struct problem {
  const char *name;
  void (*evaluate)(const void *context, const double *p, double *r);
  int    residuals, parameters;
  double start[3];
  int    evaluations;
  double cost, tolerance;
  double end[3];
} problems[] = {
    {"rosenbrock", rosenbrock, 2, 2, {-1.2, 1.0}, 25, 0.0, 1e-15, {1.0, 1.0}},
    {"line from 0", line, POINTS, 2, {0.0, 0.0}, 4, 0.0, 1e-15, {3.0, -0.5}},
    {"decay",
     decay,
     POINTS,
     3,
     {1.0, 1.0, 0.0},
     10,
     0.0030919577284590737,
     1e-12,
     {5.0284954, 0.41716176, 1.0434083}},
    {"singular",
     singular,
     4,
     3,
     {3.0, -1.0, 1.0},
     13,
     2.66368e-13,
     1e-16,
     {4.367517e-4, -4.367518e-5, -4.367518e-5}},
    {"bounded", bounded, 2, 1, {12.0}, 11, 0.007454677710099, 1e-12, {1.2206749957539946}},
};

static void it_takes_the_path_of_scipy(void **state)
{
  (void)state;
  for (size_t k = 0; k < sizeof problems / sizeof *problems; k++) {
    const struct problem *x       = &problems[k];
    const fit_problem     problem = {x->residuals, x->parameters, x->evaluate, NULL};
    double                p[3]    = {x->start[0], x->start[1], x->start[2]}, work[8 * POINTS];
    assert_true(fit_work(x->residuals, x->parameters) <= 8 * POINTS);
    const fit_result result = fit_by_trust_region(&problem, p, work);
    if (result.evaluations != x->evaluations)
      fail_msg("%s: %d evaluations, not %d", x->name, result.evaluations, x->evaluations);
    assert_true(result.converged);
    assert_near(result.cost, x->cost, x->tolerance);
    for (int j = 0; j < x->parameters; j++) assert_near(p[j], x->end[j], 1e-7);
  }
}

/* Where along the valley it ends, and when, is rounding. */
static void in_a_degenerate_problem_what_matters_is_right(void **state)
{
  (void)state;
  const fit_problem problem = {POINTS, 2, degenerate, NULL};
  double            p[2]    = {5.0, 0.5}, work[8 * POINTS];
  const fit_result  result  = fit_by_trust_region(&problem, p, work);
  assert_relative(result.cost, 0.02183971467237856, 1e-9);
  assert_near(p[0] + p[1], 1.996558717650284, 1e-6);
}

static void a_start_that_is_not_finite_stays(void **state)
{
  (void)state;
  const fit_problem problem = {2, 1, bounded, NULL};
  double            p       = -3.0, work[8 * POINTS];
  const fit_result  result  = fit_by_trust_region(&problem, &p, work);
  assert_true(isnan(result.cost) && !result.converged && p == -3.0);
}

/* Residuals that fall for ever, by less and less: the limit of 100 evaluations per parameter ends it. */
static void slow(const void *context, const double *p, double *r)
{
  (void)context;
  r[0] = 1e3 / (1.0 + 1e-3 * fabs(p[0]));
}

static void the_limit_of_evaluations_ends_it(void **state)
{
  (void)state;
  const fit_problem problem = {1, 1, slow, NULL};
  double            p       = 1e-3, work[8 * POINTS];
  const fit_result  result  = fit_by_trust_region(&problem, &p, work);
  assert_in_range(result.evaluations, 2, 100);
  assert_true(result.converged == (result.evaluations < 100));
  double r;
  slow(NULL, &p, &r);
  assert_relative(result.cost, 0.5 * r * r, 1e-12);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_takes_the_path_of_scipy),
      cmocka_unit_test(in_a_degenerate_problem_what_matters_is_right),
      cmocka_unit_test(a_start_that_is_not_finite_stays),
      cmocka_unit_test(the_limit_of_evaluations_ends_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
