/* weight_optimizer.c - Adam, SGD with momentum and Nesterov SGD on flat parameter arrays. */
#include "nrflv/weight_optimizer.h"

#include "nrflv/memory.h"

#include <math.h>

static const double ADAM_BETA2        = 0.999;
static const float  ADAM_EPS          = 1e-8f;
static const float  ADAM_CLIP_SIGMAS  = 3.0f; /* width of the limits in root mean square gradients */
static const float  ADAM_CLIP_MINIMUM = 0.1f;
static const double SGD_MOMENTUM      = 0.4;
static const double NESTEROV_MOMENTUM = 0.85;
static const double NORM_CLIP_EPS     = 1e-6; /* as in PyTorch's clip_grad_norm_ */

nrf_status nrf_weight_optimizer_create(nrf_weight_optimizer_kind kind, double learning_rate,
                                       const nrf_parameters *p, nrf_weight_optimizer **out)
{
  *out                    = NULL;
  nrf_weight_optimizer *o = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *o, "weight optimiser", (void **)&o));
  o->kind             = kind;
  o->learning_rate    = learning_rate;
  o->count            = p->count;
  const nrf_status st = nrf_alloc_floats(p->count, "weight optimiser", &o->moment);
  if (st != NRF_OK) {
    nrf_free(o);
    return st;
  }
  *out = o;
  return NRF_OK;
}

void nrf_weight_optimizer_free(nrf_weight_optimizer *o)
{
  if (o == NULL) return;
  nrf_free(o->moment);
  nrf_free(o);
}

double nrf_learning_rate_at_epoch(double initial, double gamma, int64_t epoch)
{
  return initial * pow(gamma, (double)epoch);
}

/* ---- one tensor ------------------------------------------------------------------------------------------ */

/* The slice of all arrays that belongs to one parameter. */
typedef struct slice {
  float  *w; /* value */
  float  *d; /* gradient */
  float  *m; /* moment */
  int64_t count;
} slice;

/* 1 - beta2^step: what an average over `step` steps that began at zero lacks. */
static double adam_bias_correction(int64_t step)
{
  return 1.0 - pow(ADAM_BETA2, (double)step);
}

/* Written so that a NaN stays a NaN; fminf and fmaxf would hide it. */
static void adam_clip(slice s, int64_t steps_done)
{
  const float correction = (float)adam_bias_correction(steps_done);
  for (int64_t i = 0; i < s.count; i++) {
    const float limit = ADAM_CLIP_SIGMAS * sqrtf(s.m[i] / correction) + ADAM_CLIP_MINIMUM;
    s.d[i]            = s.d[i] > limit ? limit : s.d[i] < -limit ? -limit : s.d[i];
  }
}

static void adam_update(slice s, int64_t step, double learning_rate)
{
  const float rate       = (float)learning_rate;
  const float beta2      = (float)ADAM_BETA2;
  const float rest       = (float)(1.0 - ADAM_BETA2);
  const float correction = (float)sqrt(adam_bias_correction(step));
  for (int64_t i = 0; i < s.count; i++) {
    s.m[i] = beta2 * s.m[i] + rest * s.d[i] * s.d[i];
    s.w[i] -= rate * s.d[i] / (sqrtf(s.m[i]) / correction + ADAM_EPS);
  }
}

static void norm_clip(slice s)
{
  double squares = 0.0;
  for (int64_t i = 0; i < s.count; i++) squares += (double)s.d[i] * s.d[i];
  const double factor = sqrt((double)s.count) / (sqrt(squares) + NORM_CLIP_EPS);
  if (factor >= 1.0) return;
  for (int64_t i = 0; i < s.count; i++) s.d[i] *= (float)factor;
}

static void momentum_update(slice s, double learning_rate)
{
  const float rate     = (float)learning_rate;
  const float momentum = (float)SGD_MOMENTUM;
  for (int64_t i = 0; i < s.count; i++) {
    s.m[i] = momentum * s.m[i] + s.d[i];
    s.w[i] -= rate * s.m[i];
  }
}

static void nesterov_update(slice s, double learning_rate)
{
  const float rate     = (float)learning_rate;
  const float momentum = (float)NESTEROV_MOMENTUM;
  for (int64_t i = 0; i < s.count; i++) {
    s.m[i] = momentum * s.m[i] + s.d[i];
    s.w[i] -= rate * (s.d[i] + momentum * s.m[i]);
  }
}

static void step_tensor(const nrf_weight_optimizer *o, slice s)
{
  switch (o->kind) {
  case NRF_WEIGHTS_ADAM:
    if (o->step > 0) adam_clip(s, o->step);
    adam_update(s, o->step + 1, o->learning_rate);
    break;
  case NRF_WEIGHTS_SGD:
    norm_clip(s);
    momentum_update(s, o->learning_rate);
    break;
  case NRF_WEIGHTS_NESTEROV:
    nesterov_update(s, o->learning_rate);
    break;
  }
}

void nrf_weight_optimizer_step(nrf_weight_optimizer *o, nrf_parameters *p, float *gradient)
{
  /* A tensor is worked on by one thread from end to end, so that no sum depends on how many there are. */
#pragma omp parallel for schedule(dynamic)
  for (int i = 0; i < p->n; i++) {
    const nrf_parameter *item = &p->item[i];
    if (!item->trainable) continue;
    const int64_t at = item->offset;
    step_tensor(o, (slice){p->value + at, gradient + at, o->moment + at, item->count});
  }
  o->step++;
}
