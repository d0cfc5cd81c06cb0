/* gauss_fit.c - a bracket, then Newton's method in it, for the logarithm of tau = 1 / (2 sigma^2).
 *
 * With e = exp(-tau x^2), P = sum e s y and Q = sum e^2 s^2 the best amplitude leaves sum y^2 - P^2 / Q. The envelope is even in x: lags k
 * and -k go together. */
#include "gauss_fit.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 8 };

typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));

/* ---- the window, folded ---------------------------------------------------------------------------------- */

typedef struct folded {
  int           blocks;
  const double *kk;      /* k^2, k = 0, 1, ...                */
  double       *sy, *ss; /* sums of s y and s^2 over k and -k */
} folded;

static int blocks_for(int n, int first)
{
  const int last = first + n - 1, farthest = abs(first) > abs(last) ? abs(first) : abs(last);
  return farthest / LANES + 1;
}

int64_t gauss_fit_work(int n, int first)
{
  return 3 * (int64_t)LANES * blocks_for(n, first);
}

static folded fold(int n, int first, const double *y, const double *s, double *work)
{
  const int     blocks = blocks_for(n, first);
  const int64_t padded = (int64_t)LANES * blocks;
  double       *kk = work, *sy = work + padded, *ss = work + 2 * padded;
  memset(sy, 0, 2 * (size_t)padded * sizeof *sy);
  for (int64_t k = 0; k < padded; k++) kk[k] = (double)k * (double)k;
  for (int i = 0; i < n; i++) {
    const int k = abs(first + i);
    sy[k] += s[i] * y[i];
    ss[k] += s[i] * s[i];
  }
  return (folded){blocks, kk, sy, ss};
}

/* ---- what is explained ----------------------------------------------------------------------------------- */

/* P^2 / Q, and its derivatives with respect to ln tau. */
typedef struct explained {
  double p, q;
  double slope, bend;
} explained;

static lanes load(const double *from)
{
  lanes v;
  memcpy(&v, from, sizeof v);
  return v;
}

static double total(lanes v)
{
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/* exp(-tau k^2) of eight successive k from those before: the factors shrink by a common factor from block to block. */
static void first_lanes(double tau, lanes *e, lanes *factor)
{
  for (int l = 0; l < LANES; l++) {
    (*e)[l]      = exp(-tau * (double)(l * l));
    (*factor)[l] = exp(-tau * (double)(2 * LANES * l + LANES * LANES));
  }
}

static explained evaluate(const folded *w, double log_tau)
{
  const double tau = exp(log_tau), shrink = exp(-tau * (double)(2 * LANES * LANES));
  lanes        e, factor, sp = {0}, sp1 = {0}, sp2 = {0}, sq = {0}, sq1 = {0}, sq2 = {0};
  first_lanes(tau, &e, &factor);
  for (int64_t at = 0; at < (int64_t)LANES * w->blocks; at += LANES) {
    const lanes kk = load(w->kk + at), a = e * load(w->sy + at), b = e * e * load(w->ss + at);
    sp += a;
    sp1 += kk * a;
    sp2 += kk * kk * a;
    sq += b;
    sq1 += kk * b;
    sq2 += kk * kk * b;
    e *= factor;
    factor *= shrink;
  }
  const double p = total(sp), p1 = -tau * total(sp1), p2 = tau * tau * total(sp2) + p1;
  const double q = total(sq), q1 = -2.0 * tau * total(sq1), q2 = 4.0 * tau * tau * total(sq2) + q1;
  const double r = p / q;
  return (explained){.p     = p,
                     .q     = q,
                     .slope = r * (2.0 * p1 - r * q1),
                     .bend  = 2.0 * (p1 - r * q1) * (p1 - r * q1) / q + r * (2.0 * p2 - r * q2)};
}

/* ---- the descent ----------------------------------------------------------------------------------------- */

/* The maximum between two points, the slope being positive at the lower one and not at the upper one: Newton's step, or half of the interval
 * where that leads out of it. */
static double find_maximum(const folded *w, double lower, double upper)
{
  enum { ROUNDS = 60 };
  static const double TOLERANCE = 1e-11;
  double              at        = 0.5 * (lower + upper);
  for (int round = 0; round < ROUNDS && upper - lower > TOLERANCE; round++) {
    const explained x = evaluate(w, at);
    if (x.slope > 0.0)
      lower = at;
    else
      upper = at;
    const double next   = at - x.slope / x.bend;
    const bool   inside = x.bend < 0.0 && next > lower && next < upper;
    if (inside && fabs(next - at) < TOLERANCE) return next;
    at = inside ? next : 0.5 * (lower + upper);
  }
  return at;
}

static double log_tau_of(double sigma)
{
  return -log(2.0 * sigma * sigma);
}

/* Goes uphill in what is explained until it becomes less again, or sigma as large or small as it may be. */
static double climb(const folded *w, double from)
{
  static const double STRIDE = 0.25, SMALLEST_SIGMA = 0.05;
  const double        lowest = log_tau_of(GAUSS_LARGEST_SIGMA), highest = log_tau_of(SMALLEST_SIGMA);
  const double        slope = evaluate(w, from).slope;
  if (!(fabs(slope) > 0.0)) return from; /* nothing to explain, or nothing to explain it with */
  const double stride = copysign(STRIDE, slope);
  for (;;) {
    const double next = from + stride;
    if (next < lowest) return lowest;
    if (next > highest) return highest;
    if (evaluate(w, next).slope * stride <= 0.0) return find_maximum(w, fmin(from, next), fmax(from, next));
    from = next;
  }
}

gauss_fit gauss_descend(int n, int first, const double *y, const double *s, double sigma, double *work)
{
  const folded    w    = fold(n, first, y, s, work);
  const double    best = climb(&w, log_tau_of(sigma)), tau = exp(best);
  const explained x   = evaluate(&w, best);
  const double    top = x.q > 0.0 ? x.p / x.q : 0.0; /* of the envelope */
  gauss_fit       fit = {.sigma = sqrt(0.5 / tau)};
  fit.amp             = top * sqrt(2.0 * M_PI) * fit.sigma;
  for (int i = 0; i < n; i++) {
    const double lag = (double)(first + i), rest = top * exp(-tau * lag * lag) * s[i] - y[i];
    fit.cost += 0.5 * rest * rest;
  }
  return fit;
}
