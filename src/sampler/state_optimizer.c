/* state_optimizer.c - settings checked once, coefficients in double precision, one kernel call per layer. */
#include "nrflv/state_optimizer.h"

#include "nrflv/memory.h"

#include <math.h>
#include <string.h>

struct nrf_state_optimizer {
  nrf_state_optimizer_config config;
  const nrf_state_kernels   *kernels;
  int64_t                    steps_done;
  int                        n_layers;
  double                     noise_scale[NRF_MAX_LAYERS]; /* of the standard deviation of what is injected */
  nrf_states                *memory[NRF_MEMORY_KINDS];
  bool                       has_mass_matrix[NRF_MAX_LAYERS];
  nrf_mass_matrix            mass_matrix[NRF_MAX_LAYERS];
  float                     *mean_minv; /* [units of the largest layer], or NULL */
};

/* ---- the kinds ------------------------------------------------------------------------------------ */

/* Moves one layer; `on` has everything that does not depend on the kind. */
typedef nrf_status step_fn(const nrf_state_optimizer *o, int layer, const nrf_states *states,
                           const nrf_state_update *on, const nrf_state_step *step);

static step_fn sghmc_step, descent_step, momentum_step, adam_step;

static const struct kind {
  const char *name;
  step_fn    *step;
  bool        has[NRF_MEMORY_KINDS];   /* momentum, tau, g, v_hat: what it remembers */
  float       fresh[NRF_MEMORY_KINDS]; /* and what that starts as                    */
} kinds[NRF_STATE_OPTIMIZER_KINDS] = {
    [NRF_STATE_SGHMC]        = {"sghmc", sghmc_step, {true, true, true, true}, {0, 1, 1, 1}},
    [NRF_STATE_SGD]          = {"sgd", descent_step, {false}, {0}},
    [NRF_STATE_SGD_MOMENTUM] = {"sgd_momentum", momentum_step, {true}, {0}},
    [NRF_STATE_NESTEROV]     = {"nesterov", momentum_step, {true}, {0}},
    [NRF_STATE_ADAM]         = {"adam", adam_step, {true, false, false, true}, {0}},
    [NRF_STATE_LANGEVIN] = {"langevin", descent_step, {false}, {0}}, /* descent with noise is what it is */
};

static const double adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-8;

const char *nrf_state_optimizer_name(nrf_state_optimizer_kind kind)
{
  return kinds[kind].name;
}

nrf_status nrf_state_optimizer_kind_of(const char *name, nrf_state_optimizer_kind *out)
{
  for (int k = 0; k < NRF_STATE_OPTIMIZER_KINDS; k++) {
    if (strcmp(name, kinds[k].name) == 0) {
      *out = (nrf_state_optimizer_kind)k;
      return NRF_OK;
    }
  }
  return nrf_error(NRF_EINVAL, "state optimizer: there is none named '%s'", name);
}

bool nrf_state_optimizer_remembers(nrf_state_optimizer_kind kind, nrf_state_memory memory)
{
  return kinds[kind].has[memory];
}

/* ---- settings ------------------------------------------------------------------------------------- */

static nrf_status check_value(const char *option, int layer, double value, double low)
{
  if (isfinite(value) && value >= low) return NRF_OK;
  return nrf_error(NRF_EINVAL, "%s: %g for layer %d (a number of at least %g is needed)", option, value,
                   layer, low);
}

static nrf_status check_config(const nrf_state_optimizer_config *c, int n_layers)
{
  if ((int)c->kind < 0 || c->kind >= NRF_STATE_OPTIMIZER_KINDS)
    return nrf_error(NRF_EINVAL, "state optimizer: there is no kind %d", (int)c->kind);
  for (int i = 0; i < n_layers; i++) {
    NRF_RETURN_IF_ERROR(check_value("sampling_step_size", i, c->step_size[i], 0.0));
    NRF_RETURN_IF_ERROR(check_value("sigma", i, c->sigma[i], 0.0));
    NRF_RETURN_IF_ERROR(check_value("momentum_param", i, c->momentum[i], 0.0));
    if (c->kind != NRF_STATE_SGHMC) continue;
    NRF_RETURN_IF_ERROR(check_value("max_sq_sigma", i, c->max_sq_sigma[i], 0.0));
    if (c->mom_clip) NRF_RETURN_IF_ERROR(check_value("mom_clip_vals", i, c->mom_clip_norm[i], 0.0));
  }
  if (c->kind == NRF_STATE_SGHMC) {
    if (!(isfinite(c->min_sq_sigma) && c->min_sq_sigma >= 0.0))
      return nrf_error(NRF_EINVAL, "min_sq_sigma: %g (a variance is needed)", c->min_sq_sigma);
    if (!(isfinite(c->scale_grad) && c->scale_grad > 0.0))
      return nrf_error(NRF_EINVAL, "scale_grad: %g (a positive number is needed)", c->scale_grad);
    if (c->burn_in_steps < 0)
      return nrf_error(NRF_EINVAL, "num_burn_in_steps: %lld is negative", (long long)c->burn_in_steps);
  }
  if (!isfinite(c->dampening)) return nrf_error(NRF_EINVAL, "dampening_param: %g is no number", c->dampening);
  if (c->kind == NRF_STATE_NESTEROV && c->dampening != 0.0)
    return nrf_error(NRF_EINVAL, "dampening_param: %g, but Nesterov momentum is defined without dampening",
                     c->dampening);
  return NRF_OK;
}

/* ---- life ----------------------------------------------------------------------------------------- */

static nrf_status make_mass_matrices(nrf_state_optimizer *o, int n_layers, const nrf_layer_size size[])
{
  if (o->config.kind != NRF_STATE_SGHMC || !o->config.non_diag_inv_mass) return NRF_OK;
  for (int i = 0; i < n_layers; i++) {
    if (size[i].channels < NRF_MASS_MATRIX_MIN_CHANNELS) continue;
    const nrf_status st = nrf_mass_matrix_make(size[i].channels, &o->mass_matrix[i]);
    if (st != NRF_OK) return nrf_error_context(st, "layer %d", i);
    o->has_mass_matrix[i] = true;
  }
  return NRF_OK;
}

static nrf_status allocate(nrf_state_optimizer *o, int n_layers, const nrf_layer_size size[], int batch)
{
  for (int m = 0; m < NRF_MEMORY_KINDS; m++)
    if (kinds[o->config.kind].has[m])
      NRF_RETURN_IF_ERROR(nrf_states_create(n_layers, size, batch, &o->memory[m]));
  if (o->config.kind != NRF_STATE_SGHMC || !o->config.mean_batch_minv) return NRF_OK;
  int64_t largest = 0;
  for (int i = 0; i < n_layers; i++)
    if (nrf_layer_units(size[i]) > largest) largest = nrf_layer_units(size[i]);
  return nrf_alloc_floats(largest, "state optimizer", &o->mean_minv);
}

nrf_status nrf_state_optimizer_create(const nrf_state_optimizer_config *config,
                                      const nrf_state_kernels *kernels, int n_layers,
                                      const nrf_layer_size size[], int batch, nrf_state_optimizer **out)
{
  nrf_status           st = NRF_OK;
  nrf_state_optimizer *o  = NULL;
  *out                    = NULL;
  if (n_layers < 1 || n_layers > NRF_MAX_LAYERS || batch < 1)
    return nrf_error(NRF_EINVAL, "state optimizer: %d layers for %d images", n_layers, batch);
  NRF_RETURN_IF_ERROR(check_config(config, n_layers));
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *o, "state optimizer", (void **)&o));
  o->config   = *config;
  o->kernels  = kernels;
  o->n_layers = n_layers;
  NRF_TRY(make_mass_matrices(o, n_layers, size));
  NRF_TRY(allocate(o, n_layers, size, batch));
  nrf_state_optimizer_reset(o);
  *out = o;
  o    = NULL;
done:
  nrf_state_optimizer_free(o);
  return st;
}

void nrf_state_optimizer_free(nrf_state_optimizer *o)
{
  if (o == NULL) return;
  for (int m = 0; m < NRF_MEMORY_KINDS; m++) nrf_states_free(o->memory[m]);
  nrf_free(o->mean_minv);
  nrf_free(o);
}

void nrf_state_optimizer_reset(nrf_state_optimizer *o)
{
  o->steps_done = 0;
  for (int i = 0; i < o->n_layers; i++) o->noise_scale[i] = 1.0;
  for (int m = 0; m < NRF_MEMORY_KINDS; m++) {
    if (o->memory[m] == NULL) continue;
    const float fresh = kinds[o->config.kind].fresh[m];
    for (int i = 0; i < o->memory[m]->n_layers; i++) {
      const int64_t count = nrf_states_count(o->memory[m], i);
      float        *x     = o->memory[m]->data[i];
      for (int64_t e = 0; e < count; e++) x[e] = fresh;
    }
  }
}

nrf_states *nrf_state_optimizer_memory(nrf_state_optimizer *o, nrf_state_memory kind)
{
  return o->memory[kind];
}

int64_t nrf_state_optimizer_steps_done(const nrf_state_optimizer *o)
{
  return o->steps_done;
}

void nrf_state_optimizer_set_steps_done(nrf_state_optimizer *o, int64_t steps)
{
  o->steps_done = steps;
}

const nrf_mass_matrix *nrf_state_optimizer_mass_matrix(const nrf_state_optimizer *o, int layer)
{
  return o->has_mass_matrix[layer] ? &o->mass_matrix[layer] : NULL;
}

/* ---- steps ---------------------------------------------------------------------------------------- */

static float *layer_of(nrf_states *s, int layer)
{
  return s != NULL ? s->data[layer] : NULL;
}

/* Every term of the variance, and both its bounds, are scaled: so is the variance. */
static nrf_sghmc_coefficients sghmc_coefficients(const nrf_state_optimizer *o, int layer)
{
  const nrf_state_optimizer_config *c = &o->config;

  const double h = c->step_size[layer], m = c->momentum[layer], hs = h / sqrt(c->scale_grad);
  const double scale = o->noise_scale[layer] * o->noise_scale[layer];
  return (nrf_sghmc_coefficients){
      .squared_step = (float)(h * h),
      .friction     = (float)m,
      .noise_linear = (float)(scale * 2.0 * hs * hs * m),
      .noise_square = (float)(scale * 2.0 * hs * hs * hs * c->sigma[layer]),
      .noise_offset = (float)(scale * hs * hs * hs * hs),
      .min_variance = (float)(scale * c->min_sq_sigma),
      .max_variance = (float)(scale * c->max_sq_sigma[layer]),
  };
}

/* The standard deviation of the noise of the plain optimisers. */
static double plain_noise(const nrf_state_optimizer *o, int layer)
{
  return o->noise_scale[layer] * o->config.sigma[layer];
}

double nrf_state_optimizer_noise(const nrf_state_optimizer *o, int layer)
{
  if (o->config.kind != NRF_STATE_SGHMC) return plain_noise(o, layer);
  const nrf_sghmc_coefficients k = sghmc_coefficients(o, layer);
  return (double)nrf_sghmc_sigma(&k, 1.0f);
}

nrf_status nrf_state_optimizer_anneal(nrf_state_optimizer *o, double factor, double at_least)
{
  if (!(isfinite(factor) && factor >= 0.0))
    return nrf_error(NRF_EINVAL, "annealing: noise multiplied by %g (a number of at least 0 is needed)",
                     factor);
  for (int i = 0; i < o->n_layers; i++)
    if (nrf_state_optimizer_noise(o, i) >= at_least) o->noise_scale[i] *= factor;
  return NRF_OK;
}

static nrf_status sghmc_step(const nrf_state_optimizer *o, int layer, const nrf_states *states,
                             const nrf_state_update *on, const nrf_state_step *step)
{
  const nrf_state_optimizer_config *c    = &o->config;
  const nrf_step_diagnostics        none = {NULL, NULL, NULL, NULL};
  const nrf_step_diagnostics       *d    = step->diagnostics != NULL ? step->diagnostics : &none;

  const nrf_sghmc_update u = {
      .on           = *on,
      .units        = nrf_layer_units(states->size[layer]),
      .channels     = states->size[layer].channels,
      .k            = sghmc_coefficients(o, layer),
      .adapt        = o->steps_done < c->burn_in_steps,
      .momentum     = o->memory[NRF_MEMORY_MOMENTUM]->data[layer],
      .tau          = o->memory[NRF_MEMORY_TAU]->data[layer],
      .g            = o->memory[NRF_MEMORY_G]->data[layer],
      .v_hat        = o->memory[NRF_MEMORY_V_HAT]->data[layer],
      .inverse_mass = o->has_mass_matrix[layer] ? &o->mass_matrix[layer].band : NULL,
      .mean_minv    = o->mean_minv,
      .clip_norm    = c->mom_clip ? c->mom_clip_norm[layer] : INFINITY,
      .minv         = layer_of(d->minv, layer),
      .sigma        = layer_of(d->sigma, layer),
      .friction     = layer_of(d->friction, layer),
      .displacement = layer_of(d->displacement, layer),
  };
  return o->kernels->sghmc(&u);
}

static nrf_status descent_step(const nrf_state_optimizer *o, int layer, const nrf_states *states,
                               const nrf_state_update *on, const nrf_state_step *step)
{
  (void)states;
  (void)step;
  const nrf_descent_update u = {
      .on = *on, .step_size = (float)o->config.step_size[layer], .sigma = (float)plain_noise(o, layer)};
  return o->kernels->descent(&u);
}

static nrf_status momentum_step(const nrf_state_optimizer *o, int layer, const nrf_states *states,
                                const nrf_state_update *on, const nrf_state_step *step)
{
  (void)states;
  (void)step;
  const nrf_momentum_update u = {
      .on        = *on,
      .step_size = (float)o->config.step_size[layer],
      .sigma     = (float)plain_noise(o, layer),
      .decay     = (float)o->config.momentum[layer],
      .dampening = (float)o->config.dampening,
      .nesterov  = o->config.kind == NRF_STATE_NESTEROV,
      .first     = o->steps_done == 0,
      .momentum  = o->memory[NRF_MEMORY_MOMENTUM]->data[layer],
  };
  return o->kernels->momentum(&u);
}

static nrf_status adam_step(const nrf_state_optimizer *o, int layer, const nrf_states *states,
                            const nrf_state_update *on, const nrf_state_step *step)
{
  (void)states;
  (void)step;
  const double          t = (double)(o->steps_done + 1);
  const nrf_adam_update u = {
      .on            = *on,
      .rate          = (float)(o->config.step_size[layer] / (1.0 - pow(adam_beta1, t))),
      .scale         = (float)(1.0 / sqrt(1.0 - pow(adam_beta2, t))),
      .sigma         = (float)plain_noise(o, layer),
      .gain1         = (float)(1.0 - adam_beta1),
      .gain2         = (float)(1.0 - adam_beta2),
      .epsilon       = (float)adam_epsilon,
      .first_moment  = o->memory[NRF_MEMORY_MOMENTUM]->data[layer],
      .second_moment = o->memory[NRF_MEMORY_V_HAT]->data[layer],
  };
  return o->kernels->adam(&u);
}

nrf_status nrf_state_optimizer_step(nrf_state_optimizer *o, nrf_states *states, const nrf_states *gradient,
                                    const nrf_state_step *step)
{
  static const nrf_state_range everywhere = {-INFINITY, INFINITY};
  for (int i = 0; i < states->n_layers; i++) {
    if (step->held & (1u << i)) continue;
    const nrf_state_update on = {
        .count    = nrf_states_count(states, i),
        .state    = states->data[i],
        .gradient = gradient->data[i],
        .range    = step->range != NULL ? step->range[i] : everywhere,
        .noise    = step->noise != NULL ? step->noise->data[i] : NULL,
        .rng      = nrf_rng_at(step->seed, NRF_RNG_NOISE, step->number, (uint32_t)i),
    };
    NRF_RETURN_IF_ERROR(kinds[o->config.kind].step(o, i, states, &on, step));
  }
  o->steps_done++;
  return NRF_OK;
}

nrf_status nrf_clip_joint_norm(const nrf_state_kernels *kernels, nrf_states *gradient, double bound)
{
  double square = 0.0;
  for (int i = 0; i < gradient->n_layers; i++) {
    double layer = 0.0;
    NRF_RETURN_IF_ERROR(kernels->squared_norm(nrf_states_count(gradient, i), gradient->data[i], &layer));
    square += layer;
  }
  const double factor = bound / (sqrt(square) + 1e-6);
  if (factor >= 1.0) return NRF_OK;
  for (int i = 0; i < gradient->n_layers; i++)
    NRF_RETURN_IF_ERROR(kernels->scale(nrf_states_count(gradient, i), gradient->data[i], (float)factor));
  return NRF_OK;
}
