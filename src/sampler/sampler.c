/* sampler.c - the sampler step and the loop around it. */
#include "nrflv/sampler.h"

#include "nrflv/memory.h"

#include <math.h>

struct nrf_sampler {
  nrf_sampler_config       config;
  const nrf_state_kernels *kernels;
  nrf_state_optimizer     *optimizer;
  nrf_states              *gradient;
  nrf_state_range          range[NRF_MAX_LAYERS];
};

nrf_state_range nrf_states_range(nrf_activation states_activation, int layer)
{
  if (states_activation == NRF_HARDTANH) return (nrf_state_range){-1.0f, 1.0f};
  if (states_activation == NRF_RELU && layer > 0) return (nrf_state_range){0.0f, INFINITY};
  return (nrf_state_range){0.0f, 1.0f};
}

nrf_status nrf_sampler_create(const nrf_sampler_config *config, const nrf_state_kernels *kernels,
                              int n_layers, const nrf_layer_size size[], int batch, nrf_sampler **out)
{
  nrf_status   st = NRF_OK;
  nrf_sampler *s  = NULL;
  *out            = NULL;
  if (config->check_interval < 1)
    return nrf_error(NRF_EINVAL, "sampler: states checked every %d steps (at least 1)",
                     config->check_interval);
  if (config->clip_gradient && !(isfinite(config->clip_norm) && config->clip_norm > 0.0))
    return nrf_error(NRF_EINVAL, "clip_state_grad_norm: %g (a positive number is needed)", config->clip_norm);
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *s, "sampler", (void **)&s));
  s->config  = *config;
  s->kernels = kernels;
  NRF_TRY(nrf_state_optimizer_create(&config->optimizer, kernels, n_layers, size, batch, &s->optimizer));
  NRF_TRY(nrf_states_create(n_layers, size, batch, &s->gradient));
  for (int i = 0; i < n_layers; i++) s->range[i] = nrf_states_range(config->states_activation, i);
  *out = s;
  s    = NULL;
done:
  nrf_sampler_free(s);
  return st;
}

void nrf_sampler_free(nrf_sampler *s)
{
  if (s == NULL) return;
  nrf_state_optimizer_free(s->optimizer);
  nrf_states_free(s->gradient);
  nrf_free(s);
}

void nrf_sampler_reset(nrf_sampler *s)
{
  nrf_state_optimizer_reset(s->optimizer);
}

const nrf_states *nrf_sampler_gradient(const nrf_sampler *s)
{
  return s->gradient;
}

nrf_state_optimizer *nrf_sampler_optimizer(nrf_sampler *s)
{
  return s->optimizer;
}

nrf_status nrf_sampler_step(nrf_sampler *s, const nrf_phase *phase, nrf_states *states, uint64_t number,
                            const nrf_states *noise)
{
  NRF_RETURN_IF_ERROR(phase->gradient(phase->model, states, s->gradient));
  if (s->config.clip_gradient)
    NRF_RETURN_IF_ERROR(nrf_clip_joint_norm(s->kernels, s->gradient, s->config.clip_norm));

  const nrf_state_step step = {
      .seed = s->config.seed, .number = number, .held = phase->held, .range = s->range, .noise = noise};
  NRF_RETURN_IF_ERROR(nrf_state_optimizer_step(s->optimizer, states, s->gradient, &step));

  /* The optimiser clamps what it moves. */
  for (int i = 0; i < states->n_layers; i++)
    if (phase->held & (1u << i))
      NRF_RETURN_IF_ERROR(s->kernels->clamp(nrf_states_count(states, i), states->data[i], s->range[i]));
  return NRF_OK;
}

static nrf_status check_finite(const nrf_sampler *s, const nrf_states *x, const char *what, uint64_t number)
{
  for (int i = 0; i < x->n_layers; i++) {
    bool finite = true;
    NRF_RETURN_IF_ERROR(s->kernels->all_finite(nrf_states_count(x, i), x->data[i], &finite));
    if (!finite)
      return nrf_error(NRF_EDIVERGED,
                       "sampler step %llu: %s of layer %d is NaN or infinite (a smaller "
                       "--sampling_step_size may help)",
                       (unsigned long long)number, what, i);
  }
  return NRF_OK;
}

nrf_status nrf_sampler_run(nrf_sampler *s, const nrf_phase *phase, nrf_states *states, uint64_t first_number,
                           int64_t n_steps, int64_t *steps_done)
{
  bool stop   = false;
  *steps_done = 0;
  while (*steps_done < n_steps && !stop) {
    const uint64_t number = first_number + (uint64_t)*steps_done;
    NRF_RETURN_IF_ERROR(nrf_sampler_step(s, phase, states, number, NULL));
    const nrf_sampler_moment moment = {++*steps_done, number, states, s->gradient};
    if (phase->after_step != NULL) NRF_RETURN_IF_ERROR(phase->after_step(phase->user, &moment, &stop));
    /* Gradients as well as states, because clamping makes an infinite state finite again. */
    if (*steps_done % s->config.check_interval == 0 || *steps_done == n_steps || stop) {
      NRF_RETURN_IF_ERROR(check_finite(s, s->gradient, "the gradient", number));
      NRF_RETURN_IF_ERROR(check_finite(s, states, "a state", number));
    }
  }
  return NRF_OK;
}
