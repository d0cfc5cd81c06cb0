/* sghmc_file.c - trajectories of the adaptive SGHMC optimiser for given gradients and noise. */
#include "checks.h"

#include "nrflv/memory.h"
#include "nrflv/state_optimizer.h"

#include <limits.h>
#include <string.h>

/* The quantities of a trajectory: [steps, batch, C, H, W] in the file. */
enum { PARAMETER, MOMENTUM, TAU, G, V_HAT, MINV, SIGMA, FRICTION, DISPLACEMENT, QUANTITIES };

static const struct {
  const char *name;
  bool        needed;
} quantities[QUANTITIES] = {
    [PARAMETER]    = {"parameter", true},
    [MOMENTUM]     = {"momentum", true},
    [TAU]          = {"tau", false},
    [G]            = {"g", false},
    [V_HAT]        = {"v_hat", false},
    [MINV]         = {"minv_t", false},
    [SIGMA]        = {"sigma", false},
    [FRICTION]     = {"friction", false},
    [DISPLACEMENT] = {"displacement", false},
};

/* A layer on its own. */
typedef struct trajectory {
  const source        *s;
  const char          *path;
  int64_t              steps;
  nrf_h5_shape         shape; /* [steps, batch, C, H, W] */
  int                  batch;
  nrf_state_optimizer *optimizer;
  nrf_states          *states, *gradient, *noise, *minv, *sigma, *friction, *displacement;
  float               *given_gradient, *given_noise; /* of all steps */
  float               *computed[QUANTITIES];         /* of all steps */
} trajectory;

bool is_sghmc_file(const nrf_h5_file *file)
{
  if (nrf_h5_has_attribute(file, "/", "architecture_dictionary_json")) return false;
  if (has_group(file, "/inverse_mass_matrix")) return true;
  nrf_h5_strings cases = {0, NULL};
  if (!has_group(file, "/cases") || nrf_h5_list(file, "/cases", &cases) != NRF_OK) return false;
  const bool found =
      cases.count > 0 && nrf_h5_has_attribute(file, text_of("/cases/%s", cases.item[0]).s, "mdecay");
  nrf_h5_strings_free(&cases);
  return found;
}

/* ---- inverse mass matrices ------------------------------------------------------------------------------- */

static nrf_status check_matrix(const source *s, const char *name)
{
  const text      dataset = text_of("/inverse_mass_matrix/%s", name);
  nrf_h5_shape    shape;
  nrf_mass_matrix m;
  float          *entries = NULL;
  if (nrf_h5_dataset_shape(s->file, dataset.s, &shape) != NRF_OK)
    return report_problem(s->report, name, NULL, nrf_error_message());
  if (shape.rank != 2 || shape.dim[0] != shape.dim[1] || shape.dim[0] < 1 ||
      shape.dim[0] > NRF_CIRCULANT_MAX_CHANNELS)
    return report_problem(s->report, name, NULL, "not a square matrix that can be had");
  const int channels = (int)shape.dim[0];
  if (nrf_mass_matrix_make(channels, &m) != NRF_OK)
    return report_problem(s->report, name, NULL, nrf_error_message());
  NRF_RETURN_IF_ERROR(nrf_alloc_floats((int64_t)channels * channels, "inverse mass matrix", &entries));
  for (int row = 0; row < channels; row++)
    for (int column = 0; column < channels; column++)
      entries[row * channels + column] = (float)nrf_mass_matrix_entry(&m, row, column);
  const nrf_status st = compare_array(s, dataset.s, name, RULE_SGHMC, shape, entries, NULL);
  nrf_free(entries);
  return st;
}

static nrf_status check_matrices(const source *s)
{
  nrf_h5_strings names = {0, NULL};
  report_begin_case(s->report, "inverse_mass_matrix");
  NRF_RETURN_IF_ERROR(nrf_h5_list(s->file, "/inverse_mass_matrix", &names));
  nrf_status st = NRF_OK;
  for (int64_t k = 0; k < names.count && st == NRF_OK; k++) st = check_matrix(s, names.item[k]);
  nrf_h5_strings_free(&names);
  return st;
}

/* ---- a trajectory ---------------------------------------------------------------------------------------- */

static nrf_status read_config(const trajectory *t, nrf_state_optimizer_config *out)
{
  const nrf_h5_file *file  = t->s->file;
  double             steps = 0.0;
  *out                     = (nrf_state_optimizer_config){.kind = NRF_STATE_SGHMC};

  const struct {
    const char *name;
    double     *value;
  } numbers[] = {{"lr", out->step_size},
                 {"noise", out->sigma},
                 {"mdecay", out->momentum},
                 {"scale_grad", &out->scale_grad},
                 {"min_sq_sigma", &out->min_sq_sigma},
                 {"max_sq_sigma", out->max_sq_sigma},
                 {"mom_clip_norm", out->mom_clip_norm},
                 {"num_burn_in_steps", &steps}};
  const struct {
    const char *name;
    bool       *value;
  } flags[] = {{"non_diag_inv_mass", &out->non_diag_inv_mass},
               {"mean_batch_minv_t", &out->mean_batch_minv},
               {"mom_clip", &out->mom_clip}};

  for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
    NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, t->path, numbers[k].name, numbers[k].value));
  for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
    NRF_RETURN_IF_ERROR(read_flag(file, t->path, flags[k].name, flags[k].value));
  if (!(steps >= 0.0 && steps < 0x1p53))
    return nrf_error(NRF_EFORMAT, "%s: '%s': %g burn-in steps", nrf_h5_path(file), t->path, steps);
  out->burn_in_steps = (int64_t)steps;
  return NRF_OK;
}

static nrf_status read_trajectory(trajectory *t)
{
  const nrf_h5_file         *file = t->s->file;
  nrf_state_optimizer_config config;
  NRF_RETURN_IF_ERROR(read_config(t, &config));
  const text gradient = text_of("%s/gradient", t->path);
  NRF_RETURN_IF_ERROR(nrf_h5_dataset_shape(file, gradient.s, &t->shape));
  const int64_t *dim = t->shape.dim;
  if (t->shape.rank != 5 || nrf_h5_count(t->shape) < 1 || nrf_h5_count(t->shape) > INT_MAX)
    return nrf_error(NRF_EFORMAT, "%s: '%s' is no trajectory [step, batch, C, H, W]", nrf_h5_path(file),
                     gradient.s);
  t->steps = dim[0];
  t->batch = (int)dim[1];

  const nrf_layer_size size     = {(int)dim[2], (int)dim[3], (int)dim[4]};
  nrf_states **const   states[] = {&t->states, &t->gradient, &t->noise,       &t->minv,
                                   &t->sigma,  &t->friction, &t->displacement};
  for (size_t k = 0; k < sizeof states / sizeof *states; k++)
    NRF_RETURN_IF_ERROR(nrf_states_create(1, &size, t->batch, states[k]));
  for (int k = 0; k < QUANTITIES; k++)
    NRF_RETURN_IF_ERROR(nrf_alloc_floats(nrf_h5_count(t->shape), quantities[k].name, &t->computed[k]));
  NRF_RETURN_IF_ERROR(read_floats(file, gradient.s, t->shape, &t->given_gradient));
  NRF_RETURN_IF_ERROR(read_floats(file, text_of("%s/noise_z", t->path).s, t->shape, &t->given_noise));

  const nrf_h5_shape start_shape = {4, {dim[1], dim[2], dim[3], dim[4]}};
  float             *start       = NULL;
  NRF_RETURN_IF_ERROR(read_floats(file, text_of("%s/initial_parameter", t->path).s, start_shape, &start));
  nrf_states_set_nchw(t->states, 0, start);
  nrf_free(start);
  return nrf_state_optimizer_create(&config, &nrf_state_kernels_cpu, 1, &size, t->batch, &t->optimizer);
}

static nrf_status run_steps(trajectory *t)
{
  const int64_t              count       = nrf_states_count(t->states, 0);
  nrf_state_optimizer       *o           = t->optimizer;
  const nrf_step_diagnostics diagnostics = {
      .minv = t->minv, .sigma = t->sigma, .friction = t->friction, .displacement = t->displacement};
  const nrf_states *const after[QUANTITIES] = {
      [PARAMETER]    = t->states,
      [MOMENTUM]     = nrf_state_optimizer_memory(o, NRF_MEMORY_MOMENTUM),
      [TAU]          = nrf_state_optimizer_memory(o, NRF_MEMORY_TAU),
      [G]            = nrf_state_optimizer_memory(o, NRF_MEMORY_G),
      [V_HAT]        = nrf_state_optimizer_memory(o, NRF_MEMORY_V_HAT),
      [MINV]         = t->minv,
      [SIGMA]        = t->sigma,
      [FRICTION]     = t->friction,
      [DISPLACEMENT] = t->displacement,
  };
  for (int64_t n = 0; n < t->steps; n++) {
    nrf_states_set_nchw(t->gradient, 0, t->given_gradient + n * count);
    nrf_states_set_nchw(t->noise, 0, t->given_noise + n * count);
    const nrf_state_step step = {.noise = t->noise, .diagnostics = &diagnostics};
    NRF_RETURN_IF_ERROR(nrf_state_optimizer_step(o, t->states, t->gradient, &step));
    for (int k = 0; k < QUANTITIES; k++) nrf_states_get_nchw(after[k], 0, t->computed[k] + n * count);
  }
  return NRF_OK;
}

static nrf_status compare_trajectory(const trajectory *t)
{
  static const char *const inputs[] = {"gradient", "noise_z", "initial_parameter"};
  enum { INPUTS = sizeof inputs / sizeof *inputs };
  const char   *known[QUANTITIES + INPUTS];
  const source *s = t->s;
  memcpy(known + QUANTITIES, inputs, sizeof inputs);
  for (int k = 0; k < QUANTITIES; k++) {
    const text dataset = text_of("%s/%s", t->path, quantities[k].name);
    known[k]           = quantities[k].name;
    if (!quantities[k].needed && !nrf_h5_exists(s->file, dataset.s)) continue;
    NRF_RETURN_IF_ERROR(
        compare_array(s, dataset.s, quantities[k].name, RULE_SGHMC, t->shape, t->computed[k], NULL));
  }
  if (nrf_h5_has_attribute(s->file, t->path, "inverse_mass_matrix_applied")) {
    bool applied = false;
    NRF_RETURN_IF_ERROR(read_flag(s->file, t->path, "inverse_mass_matrix_applied", &applied));
    const bool ours = nrf_state_optimizer_mass_matrix(t->optimizer, 0) != NULL;
    NRF_RETURN_IF_ERROR(report_fact(s->report, "inverse mass matrix applied", ours == applied));
  }
  return compare_members(s, t->path, "", QUANTITIES + INPUTS, known);
}

static nrf_status check_case(const source *s, const char *path)
{
  trajectory t  = {.s = s, .path = path};
  nrf_status st = NRF_OK;
  NRF_TRY(read_trajectory(&t));
  NRF_TRY(run_steps(&t));
  NRF_TRY(compare_trajectory(&t));
done:
  nrf_state_optimizer_free(t.optimizer);
  nrf_states_free(t.states);
  nrf_states_free(t.gradient);
  nrf_states_free(t.noise);
  nrf_states_free(t.minv);
  nrf_states_free(t.sigma);
  nrf_states_free(t.friction);
  nrf_states_free(t.displacement);
  for (int k = 0; k < QUANTITIES; k++) nrf_free(t.computed[k]);
  nrf_free(t.given_gradient);
  nrf_free(t.given_noise);
  return st;
}

nrf_status check_sghmc_file(const source *s)
{
  if (has_group(s->file, "/inverse_mass_matrix")) NRF_RETURN_IF_ERROR(check_matrices(s));
  if (!has_group(s->file, "/cases")) return NRF_OK;
  return for_each_case(s, "/cases", check_case);
}
