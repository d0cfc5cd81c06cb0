/* trust_region.c - the trust-region method of SciPy's least_squares (method "trf" without bounds, "exact" subproblem, which is
 * that of J. J. More, "The Levenberg-Marquardt algorithm: implementation and theory", 1978), written from its description. */
#include "trust_region.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MAX = FIT_MAX_PARAMETERS, EVALUATIONS_PER_PARAMETER = 100 };

static const double TOLERANCE =
    1e-8; /* of cost, point and gradient alike; that of the gradient is absolute */

/* The problem at the present point, seen through the singular values of its derivatives J = U diag(s) V'. */
typedef struct view {
  int    m, n;
  double s[MAX], uf[MAX]; /* uf = U' f                 */
  double v[MAX][MAX];     /* v[i]: the i-th column of V */
} view;

static double dot(int n, const double *a, const double *b)
{
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static double norm(int n, const double *a)
{
  return sqrt(dot(n, a, a));
}

static bool all_finite(int n, const double *a)
{
  return isfinite(dot(n, a, a));
}

/* ---- derivatives ----------------------------------------------------------------------------------------- */

static void forward_differences(const fit_problem *problem, double *p, const double *f, double *derivatives)
{
  const int m = problem->residuals;
  for (int j = 0; j < problem->parameters; j++) {
    double      *column = derivatives + (int64_t)j * m;
    const double before = p[j],
                 step   = sqrt(DBL_EPSILON) * (before >= 0.0 ? 1.0 : -1.0) * fmax(1.0, fabs(before));
    p[j]                = before + step;
    problem->evaluate(problem->context, p, column);
    const double made = p[j] - before;
    for (int i = 0; i < m; i++) column[i] = (column[i] - f[i]) / made;
    p[j] = before;
  }
}

/* Turns two columns, and those of V with them, so that they become orthogonal. False if they are already. */
static bool make_orthogonal(int m, double *a, double *b, int n, double *va, double *vb)
{
  const double aa = dot(m, a, a), bb = dot(m, b, b), ab = dot(m, a, b);
  if (fabs(ab) <= DBL_EPSILON * sqrt(aa * bb)) return false;
  const double zeta = (bb - aa) / (2.0 * ab);
  const double t    = copysign(1.0, zeta) / (fabs(zeta) + sqrt(1.0 + zeta * zeta));
  const double c = 1.0 / sqrt(1.0 + t * t), s = c * t;
  for (int i = 0; i < m; i++) {
    const double x = a[i], y = b[i];
    a[i] = c * x - s * y;
    b[i] = s * x + c * y;
  }
  for (int i = 0; i < n; i++) {
    const double x = va[i], y = vb[i];
    va[i] = c * x - s * y;
    vb[i] = s * x + c * y;
  }
  return true;
}

/* Singular values by Jacobi rotations of the columns (Hestenes, 1958). J is destroyed. */
static void decompose(int m, int n, double *J, const double *f, view *out)
{
  enum { SWEEPS = 30 };
  out->m = m;
  out->n = n;
  memset(out->v, 0, sizeof out->v);
  for (int i = 0; i < n; i++) out->v[i][i] = 1.0;
  bool turned = true;
  for (int sweep = 0; sweep < SWEEPS && turned; sweep++) {
    turned = false;
    for (int i = 0; i < n; i++)
      for (int k = i + 1; k < n; k++)
        if (make_orthogonal(m, J + (int64_t)i * m, J + (int64_t)k * m, n, out->v[i], out->v[k]))
          turned = true;
  }
  for (int i = 0; i < n; i++) {
    out->s[i]  = norm(m, J + (int64_t)i * m);
    out->uf[i] = out->s[i] > 0.0 ? dot(m, J + (int64_t)i * m, f) / out->s[i] : 0.0;
  }
}

/* ---- the step -------------------------------------------------------------------------------------------- */

/* p = -V q. */
static void step_from(const view *w, const double *q, double *p)
{
  for (int j = 0; j < w->n; j++) {
    p[j] = 0.0;
    for (int i = 0; i < w->n; i++) p[j] -= w->v[i][j] * q[i];
  }
}

/* How much longer than the radius the step with damping alpha is, and its derivative. */
static double excess_length(const view *w, double alpha, double radius, double *derivative)
{
  double squares = 0.0, cubes = 0.0;
  for (int i = 0; i < w->n; i++) {
    const double suf = w->s[i] * w->uf[i], denominator = w->s[i] * w->s[i] + alpha;
    squares += (suf / denominator) * (suf / denominator);
    cubes += suf * suf / (denominator * denominator * denominator);
  }
  *derivative = -cubes / sqrt(squares);
  return sqrt(squares) - radius;
}

static bool has_full_rank(const view *w)
{
  double least = INFINITY, largest = 0.0;
  for (int i = 0; i < w->n; i++) {
    least   = fmin(least, w->s[i]);
    largest = fmax(largest, w->s[i]);
  }
  return least > DBL_EPSILON * w->m * largest;
}

/* The step within the radius that reduces the linearised cost most; returns its damping, from that of the step
 * before. */
static double choose_step(const view *w, double radius, double alpha, double *p)
{
  enum { ROUNDS = 10 };
  const int  n         = w->n;
  const bool full_rank = has_full_rank(w);
  double     q[MAX], suf[MAX], derivative = 0.0;
  for (int i = 0; i < n; i++) suf[i] = w->s[i] * w->uf[i];
  if (full_rank) {
    for (int i = 0; i < n; i++) q[i] = w->uf[i] / w->s[i];
    step_from(w, q, p);
    if (norm(n, p) <= radius) return 0.0;
  }
  double upper = norm(n, suf) / radius, lower = 0.0;
  if (full_rank) {
    const double excess = excess_length(w, 0.0, radius, &derivative);
    lower               = -excess / derivative;
  }
  if (!full_rank && alpha == 0.0) alpha = fmax(0.001 * upper, sqrt(lower * upper));
  for (int round = 0; round < ROUNDS; round++) {
    if (alpha < lower || alpha > upper) alpha = fmax(0.001 * upper, sqrt(lower * upper));
    const double excess = excess_length(w, alpha, radius, &derivative), quotient = excess / derivative;
    if (excess < 0.0) upper = alpha;
    lower = fmax(lower, alpha - quotient);
    alpha -= (excess + radius) * quotient / radius;
    if (fabs(excess) < 0.01 * radius) break;
  }
  for (int i = 0; i < n; i++) q[i] = suf[i] / (w->s[i] * w->s[i] + alpha);
  step_from(w, q, p);
  const double length = norm(n, p);
  for (int j = 0; j < n; j++) p[j] *= radius / length;
  return alpha;
}

/* What the linearised problem promises: from |J p|, which in the view is |diag(s) V' p|, and from the gradient. */
static double predicted_reduction(const view *w, const double *gradient, const double *p)
{
  double squares = 0.0;
  for (int i = 0; i < w->n; i++) {
    const double along = w->s[i] * dot(w->n, w->v[i], p);
    squares += along * along;
  }
  return -(0.5 * squares + dot(w->n, gradient, p));
}

/* ---- the walk -------------------------------------------------------------------------------------------- */

typedef struct walk {
  const fit_problem *problem;
  double            *p, *f, *f_new, *J, *turned; /* turned: the copy of J that is decomposed */
  double             gradient[MAX];
  double             cost, radius, alpha;
  int                evaluations, limit;
  bool               converged;
} walk;

static void look_around(walk *w)
{
  const int m = w->problem->residuals, n = w->problem->parameters;
  forward_differences(w->problem, w->p, w->f, w->J);
  double largest = 0.0;
  for (int j = 0; j < n; j++) {
    w->gradient[j] = dot(m, w->J + (int64_t)j * m, w->f);
    largest        = fmax(largest, fabs(w->gradient[j]));
  }
  if (largest < TOLERANCE) w->converged = true;
}

static double next_radius(double radius, double ratio, double step)
{
  if (ratio < 0.25) return 0.25 * step;
  return ratio > 0.75 && step > 0.95 * radius ? 2.0 * radius : radius;
}

static double ratio_of(double actual, double predicted)
{
  if (predicted > 0.0) return actual / predicted;
  return predicted == 0.0 && actual == 0.0 ? 1.0 : 0.0;
}

/* Tries steps of shrinking radius until one lowers the cost. The new point and its cost if there is one; returns by how
 * much it is lower. */
static double find_lower_point(walk *w, const view *seen, double *p_new)
{
  const int m = w->problem->residuals, n = w->problem->parameters;
  double    step[MAX], actual            = -1.0;
  while (actual <= 0.0 && w->evaluations < w->limit) {
    w->alpha               = choose_step(seen, w->radius, w->alpha, step);
    const double predicted = predicted_reduction(seen, w->gradient, step), length = norm(n, step);
    for (int j = 0; j < n; j++) p_new[j] = w->p[j] + step[j];
    w->problem->evaluate(w->problem->context, p_new, w->f_new);
    w->evaluations++;
    if (!all_finite(m, w->f_new)) {
      w->radius = 0.25 * length;
      continue;
    }
    actual               = w->cost - 0.5 * dot(m, w->f_new, w->f_new);
    const double ratio   = ratio_of(actual, predicted);
    const double radius  = next_radius(w->radius, ratio, length);
    const bool   by_cost = actual < TOLERANCE * w->cost && ratio > 0.25;
    const bool   by_step = length < TOLERANCE * (TOLERANCE + norm(n, w->p));
    if (by_cost || by_step) {
      w->converged = true;
      break;
    }
    w->alpha *= w->radius / radius;
    w->radius = radius;
  }
  return actual;
}

static void go_to(walk *w, const double *p_new)
{
  double *swap = w->f;
  w->f         = w->f_new;
  w->f_new     = swap;
  w->cost      = 0.5 * dot(w->problem->residuals, w->f, w->f);
  memcpy(w->p, p_new, (size_t)w->problem->parameters * sizeof *p_new);
}

/* [m] each: residuals, new residuals, derivatives twice. */
int64_t fit_work(int residuals, int parameters)
{
  return (int64_t)residuals * (2 + 2 * parameters);
}

fit_result fit_by_trust_region(const fit_problem *problem, double *p, double *work)
{
  const int64_t m = problem->residuals;
  const int     n = problem->parameters;
  walk          w = {.problem = problem, .p = p, .evaluations = 1, .limit = EVALUATIONS_PER_PARAMETER * n};
  w.f             = work;
  w.f_new         = work + m;
  w.J             = work + 2 * m;
  w.turned        = w.J + n * m;
  problem->evaluate(problem->context, p, w.f);
  if (!all_finite(problem->residuals, w.f)) return (fit_result){NAN, 1, false};
  w.cost   = 0.5 * dot(problem->residuals, w.f, w.f);
  w.radius = norm(n, p);
  if (w.radius == 0.0) w.radius = 1.0;
  look_around(&w);
  while (!w.converged && w.evaluations < w.limit) {
    view   seen;
    double p_new[MAX];
    memcpy(w.turned, w.J, (size_t)(n * m) * sizeof *w.J);
    decompose(problem->residuals, n, w.turned, w.f, &seen);
    if (find_lower_point(&w, &seen, p_new) > 0.0) {
      go_to(&w, p_new);
      look_around(&w);
    }
  }
  return (fit_result){w.cost, w.evaluations, w.converged};
}
