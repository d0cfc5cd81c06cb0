/* sampler_file.c - sampler steps of a whole field with stored noise: phases, and one step of each visualisation. */
#include "checks.h"
#include "kinks.h"

#include "nrflv/energy_model.h"
#include "nrflv/memory.h"
#include "nrflv/sampler.h"

#include <math.h>
#include <string.h>

/* A model and a sampler as the attributes of a phase ("/negative_phase") say, and what they are given and give. */
typedef struct chain {
  const source      *s;
  const char        *path;
  nrf_architecture   architecture;
  nrf_energy_config  config;
  nrf_sampler_config sampler_config;
  bool               image_held;
  int64_t            steps;
  nrf_energy_model  *model;
  nrf_sampler       *sampler;
  nrf_states        *states, *noise, *neuron_energy;
  nrf_states        *room;             /* to work in */
  bool               descends_channel; /* the sampler descends the energy of one channel of one layer: */
  int                layer, channel;
  double             energy; /* of the states before the latest step */
  float *slack; /* of the latest gradient, all layers [batch, C, H, W]; NULL where there are no kinks */
} chain;

static bool is_phase(const nrf_h5_file *file, const char *group)
{
  return has_group(file, text_of("%s/initial_states", group).s) &&
         has_group(file, text_of("%s/noise_z", group).s);
}

bool is_sampler_file(const nrf_h5_file *file)
{
  nrf_h5_strings names = {0, NULL};
  if (nrf_h5_list(file, "/", &names) != NRF_OK) return false;
  bool found = false;
  for (int64_t k = 0; k < names.count; k++) found = found || is_phase(file, text_of("/%s", names.item[k]).s);
  nrf_h5_strings_free(&names);
  return found;
}

/* ---- settings -------------------------------------------------------------------------------------------- */

/* An attribute with one value per layer, or one for all. */
static nrf_status read_per_layer(const chain *c, const char *name, double out[])
{
  const nrf_h5_file *file = c->s->file;
  const int          n    = c->architecture.n_layers;
  nrf_h5_shape       shape;
  NRF_RETURN_IF_ERROR(nrf_h5_attribute_shape(file, c->path, name, &shape));
  if (shape.rank == 0) {
    NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, c->path, name, out));
    for (int i = 1; i < n; i++) out[i] = out[0];
    return NRF_OK;
  }
  return nrf_h5_read_attribute(file, c->path, name, NRF_H5_FLOAT64, nrf_h5_vector(n), out);
}

static nrf_status read_settings(chain *c)
{
  const nrf_h5_file          *file    = c->s->file;
  nrf_sampler_config         *sampler = &c->sampler_config;
  nrf_state_optimizer_config *o       = &sampler->optimizer;
  double                      steps   = 0.0;
  *sampler = (nrf_sampler_config){.optimizer = {.kind = NRF_STATE_SGHMC}, .check_interval = 1};

  const struct {
    const char *name;
    bool       *value;
  } flags[] = {{"clip_grad", &sampler->clip_gradient},     {"non_diag_inv_mass", &o->non_diag_inv_mass},
               {"mean_batch_minv_t", &o->mean_batch_minv}, {"mom_clip", &o->mom_clip},
               {"positive_phase", &c->image_held},         {"model_weight_norm", &c->config.weight_norm}};
  const struct {
    const char *name;
    double     *value;
  } numbers[]   = {{"scale_grad", &o->scale_grad},
                   {"min_sq_sigma", &o->min_sq_sigma},
                   {"num_burn_in_steps", &steps}},
    per_layer[] = {{"sampling_step_size", o->step_size},
                   {"sigma", o->sigma},
                   {"momentum_param", o->momentum},
                   {"max_sq_sigma", o->max_sq_sigma}};

  for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
    NRF_RETURN_IF_ERROR(read_flag(file, c->path, flags[k].name, flags[k].value));
  for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
    NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, c->path, numbers[k].name, numbers[k].value));
  for (size_t k = 0; k < sizeof per_layer / sizeof *per_layer; k++)
    NRF_RETURN_IF_ERROR(read_per_layer(c, per_layer[k].name, per_layer[k].value));
  if (sampler->clip_gradient)
    NRF_RETURN_IF_ERROR(
        nrf_h5_read_attribute_double(file, c->path, "clip_state_grad_norm", &sampler->clip_norm));
  /* The option's name, or the one that sghmc.h5 uses. */
  const bool as_option = nrf_h5_has_attribute(file, c->path, "mom_clip_vals");
  if (o->mom_clip)
    NRF_RETURN_IF_ERROR(read_per_layer(c, as_option ? "mom_clip_vals" : "mom_clip_norm", o->mom_clip_norm));
  if (!(steps >= 0.0 && steps < 0x1p53))
    return nrf_error(NRF_EFORMAT, "%s: '%s': %g burn-in steps", nrf_h5_path(file), c->path, steps);
  o->burn_in_steps = (int64_t)steps;

  NRF_RETURN_IF_ERROR(read_activation(file, c->path, "activation", &c->config.activation));
  NRF_RETURN_IF_ERROR(read_activation(file, c->path, "states_activation", &c->config.states_activation));
  sampler->states_activation = c->config.states_activation;
  return NRF_OK;
}

/* The model that the file's attributes name: the architecture and the parameters stand in another file of its folder. */
static nrf_status open_parameters(const source *s, nrf_h5_file **out)
{
  char *name = NULL;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(s->file, "/", "parameters_file", &name));
  const char      *path  = nrf_h5_path(s->file);
  const char      *slash = strrchr(path, '/');
  const int        dir   = name[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - path);
  const nrf_status st    = nrf_h5_open(text_of("%.*s%s", dir, path, name).s, out);
  nrf_free(name);
  return st;
}

static nrf_status make_model(chain *c)
{
  nrf_status   st         = NRF_OK;
  nrf_h5_file *parameters = NULL;
  char        *group      = NULL;
  NRF_TRY(open_parameters(c->s, &parameters));
  NRF_TRY(nrf_h5_read_attribute_string(c->s->file, "/", "parameters_group", &group));
  NRF_TRY(read_architecture(parameters, "/", &c->architecture));
  NRF_TRY(read_settings(c));
  NRF_TRY(read_batch(c->s->file, text_of("%s/initial_states", c->path).s, 0, &c->config.batch));
  c->config.compute = c->s->compute;
  NRF_TRY(nrf_energy_model_create(&c->architecture, &c->config, &c->model));
  NRF_TRY(read_parameters(parameters, group, nrf_energy_model_parameters(c->model)));
  nrf_energy_model_parameters_changed(c->model);
done:
  nrf_h5_free(parameters);
  nrf_free(group);
  return st;
}

static nrf_status chain_open(chain *c)
{
  NRF_RETURN_IF_ERROR(make_model(c));
  const nrf_architecture *a        = &c->architecture;
  nrf_states **const      states[] = {&c->states, &c->noise, &c->neuron_energy, &c->room};
  for (size_t k = 0; k < sizeof states / sizeof *states; k++)
    NRF_RETURN_IF_ERROR(nrf_states_create(a->n_layers, a->size, c->config.batch, states[k]));
  if (kinks_matter(c->config.activation))
    NRF_RETURN_IF_ERROR(nrf_alloc_floats(kinks_state_count(c->states), "kinks", &c->slack));
  return nrf_sampler_create(&c->sampler_config, &nrf_state_kernels_cpu, a->n_layers, a->size, c->config.batch,
                            &c->sampler);
}

static void chain_close(chain *c)
{
  nrf_states_free(c->states);
  nrf_states_free(c->noise);
  nrf_states_free(c->neuron_energy);
  nrf_states_free(c->room);
  nrf_sampler_free(c->sampler);
  nrf_energy_model_free(c->model);
  nrf_free(c->slack);
}

/* ---- steps ----------------------------------------------------------------------------------------------- */

/* The gradient that the sampler descends, and the energies before the step: in one forward pass, but for channels. */
static nrf_status energies_and_gradient(void *context, const nrf_states *states, nrf_states *gradient)
{
  chain             *c       = context;
  nrf_energy_request request = {.neuron_energy = c->neuron_energy, .total = &c->energy};
  if (c->descends_channel)
    NRF_RETURN_IF_ERROR(nrf_energy_model_channel_gradient(c->model, states, c->layer, c->channel, gradient));
  else
    request.gradient = gradient;
  return nrf_energy_model_evaluate(c->model, states, &request);
}

/* What the sampler calls. */
static nrf_status gradient_and_slack(void *context, const nrf_states *states, nrf_states *gradient)
{
  chain *c = context;
  if (c->slack != NULL)
    NRF_RETURN_IF_ERROR(kinks_state_slack(c->model, energies_and_gradient, c, states, gradient, c->slack));
  return energies_and_gradient(c, states, gradient);
}

static nrf_status chain_step(chain *c, int64_t number)
{
  const nrf_phase phase = {.gradient = gradient_and_slack, .model = c, .held = c->image_held ? 1u : 0u};
  return nrf_sampler_step(c->sampler, &phase, c->states, (uint64_t)number, c->noise);
}

/* ---- a phase --------------------------------------------------------------------------------------------- */

/* What is computed along the steps: [steps, batch, C, H, W] per layer. */
typedef struct record {
  float *energies; /* [steps] */
  float *states[NRF_MAX_LAYERS], *gradients[NRF_MAX_LAYERS];
  float *slacks[NRF_MAX_LAYERS]; /* NULL where there are no kinks */
} record;

static nrf_status record_allocate(const chain *c, record *r)
{
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(c->steps, "energies", &r->energies));
  for (int i = 0; i < c->states->n_layers; i++) {
    const int64_t count = nrf_states_count(c->states, i);
    if (c->steps > INT64_MAX / count)
      return nrf_error(NRF_EFORMAT, "%s: '%s': too many steps", nrf_h5_path(c->s->file), c->path);
    NRF_RETURN_IF_ERROR(nrf_alloc_floats(c->steps * count, "states", &r->states[i]));
    NRF_RETURN_IF_ERROR(nrf_alloc_floats(c->steps * count, "gradients", &r->gradients[i]));
    if (c->slack != NULL) NRF_RETURN_IF_ERROR(nrf_alloc_floats(c->steps * count, "kinks", &r->slacks[i]));
  }
  return NRF_OK;
}

static void record_free(record *r)
{
  nrf_free(r->energies);
  for (int i = 0; i < NRF_MAX_LAYERS; i++) {
    nrf_free(r->states[i]);
    nrf_free(r->gradients[i]);
    nrf_free(r->slacks[i]);
  }
}

static void record_step(const chain *c, record *r, int64_t step)
{
  const float *slack = c->slack;
  r->energies[step]  = (float)c->energy;
  for (int i = 0; i < c->states->n_layers; i++) {
    const int64_t count = nrf_states_count(c->states, i);
    nrf_states_get_nchw(c->states, i, r->states[i] + step * count);
    nrf_states_get_nchw(nrf_sampler_gradient(c->sampler), i, r->gradients[i] + step * count);
    if (slack == NULL) continue;
    memcpy(r->slacks[i] + step * count, slack, (size_t)count * sizeof(float));
    slack += count;
  }
}

static int first_moved(const chain *c)
{
  return c->image_held ? 1 : 0;
}

/* Counts the states that are on a bound in one of two arrays and within rounding of it in the other; with `take`, ours take
 * the value of the file's. */
static int64_t settle(int64_t count, float *ours, const float *theirs, nrf_state_range range, bool take)
{
  static const double rounding = 1e-6;

  int64_t n = 0;
  for (int64_t e = 0; e < count; e++) {
    const bool ours_on   = ours[e] == range.low || ours[e] == range.high;
    const bool theirs_on = theirs[e] == range.low || theirs[e] == range.high;
    if (ours_on == theirs_on || !(fabs((double)ours[e] - (double)theirs[e]) <= rounding)) continue;
    n++;
    if (take) ours[e] = theirs[e];
  }
  return n;
}

/* A new state that lies on a bound to within rounding is clamped in one implementation and just inside in the other;
 * from then on its slope is 0 in one and 1 in the other, and neither is wrong. Such states take the file's side. They are
 * remarked upon; if they are many, it is no accident, and they stay as they are. */
static nrf_status settle_bounds(chain *c, int64_t step)
{
  static const double at_most = 1e-4; /* of a layer, besides one */

  nrf_states *file = c->room;
  if (read_states_row(c->s->file, text_of("%s/states", c->path).s, 0, c->steps, step, file) != NRF_OK)
    return NRF_OK; /* that will be told when they are compared */
  for (int i = 0; i < c->states->n_layers; i++) {
    const nrf_state_range range = nrf_states_range(c->config.states_activation, i);
    const int64_t         count = nrf_states_count(c->states, i);
    const int64_t         n     = settle(count, c->states->data[i], file->data[i], range, false);
    if (n == 0 || (double)n > 1.0 + at_most * (double)count) continue;
    (void)settle(count, c->states->data[i], file->data[i], range, true);
    NRF_RETURN_IF_ERROR(report_remark(
        c->s->report, text_of("states/layer_%d, step %lld", i, (long long)step).s,
        text_of("%lld states lie on a bound to within rounding and take the file's side of it", (long long)n)
            .s));
  }
  return NRF_OK;
}

static nrf_status run_phase(chain *c, record *r)
{
  const nrf_h5_file *file = c->s->file;
  NRF_RETURN_IF_ERROR(read_states(file, text_of("%s/initial_states", c->path).s, 0, c->states));
  for (int64_t n = 0; n < c->steps; n++) {
    NRF_RETURN_IF_ERROR(
        read_states_row(file, text_of("%s/noise_z", c->path).s, first_moved(c), c->steps, n, c->noise));
    NRF_RETURN_IF_ERROR(chain_step(c, n));
    record_step(c, r, n);
    if (n + 1 < c->steps) NRF_RETURN_IF_ERROR(settle_bounds(c, n));
  }
  return NRF_OK;
}

static nrf_h5_shape rows_shape(const chain *c, int layer, int64_t rows)
{
  const nrf_layer_size size = c->architecture.size[layer];
  return (nrf_h5_shape){5, {rows, c->config.batch, size.channels, size.height, size.width}};
}

/* The rows of a trajectory with the given numbers, as one array. */
static nrf_status pick_rows(const float *all, int64_t count, int64_t n, const int64_t row[], float **out)
{
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(n * count, "gradients", out));
  for (int64_t k = 0; k < n; k++)
    memcpy(*out + k * count, all + row[k] * count, (size_t)count * sizeof(float));
  return NRF_OK;
}

enum { MAX_STORED_STEPS = 4096 };

/* The numbers (from 0) of the steps whose gradients a data set holds. */
static nrf_status read_stored_steps(const chain *c, const char *name, int64_t *n, int64_t step[])
{
  const nrf_h5_file *file = c->s->file;
  nrf_h5_shape       shape;
  NRF_RETURN_IF_ERROR(nrf_h5_attribute_shape(file, name, "stored_steps", &shape));
  *n = nrf_h5_count(shape);
  if (shape.rank != 1 || *n < 1 || *n > MAX_STORED_STEPS)
    return nrf_error(NRF_EFORMAT, "%s: '%s': stored_steps is no list of steps", nrf_h5_path(file), name);
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute(file, name, "stored_steps", NRF_H5_INT64, shape, step));
  for (int64_t k = 0; k < *n; k++)
    if (step[k] < 0 || step[k] >= c->steps)
      return nrf_error(NRF_EFORMAT, "%s: '%s': stored_steps names step %lld of %lld", nrf_h5_path(file), name,
                       (long long)step[k], (long long)c->steps);
  return NRF_OK;
}

static nrf_status compare_gradients(const chain *c, const record *r, int layer)
{
  nrf_status st   = NRF_OK;
  int64_t    n    = 0, steps[MAX_STORED_STEPS];
  float     *ours = NULL, *slack = NULL;
  const text shown   = text_of("energy_gradient/layer_%d", layer);
  const text dataset = text_of("%s/%s", c->path, shown.s);
  if (read_stored_steps(c, dataset.s, &n, steps) != NRF_OK)
    return report_problem(c->s->report, shown.s, NULL, nrf_error_message());
  const int64_t count = nrf_states_count(c->states, layer);
  NRF_TRY(pick_rows(r->gradients[layer], count, n, steps, &ours));
  if (r->slacks[layer] != NULL) NRF_TRY(pick_rows(r->slacks[layer], count, n, steps, &slack));
  NRF_TRY(compare_array(c->s, dataset.s, shown.s, RULE_STATE_GRADIENT, rows_shape(c, layer, n), ours, slack));
done:
  nrf_free(ours);
  nrf_free(slack);
  return st;
}

static nrf_status compare_optimizer(const chain *c)
{
  static const struct {
    const char      *name;
    nrf_state_memory memory;
  } kept[] = {{"momentum", NRF_MEMORY_MOMENTUM},
              {"tau", NRF_MEMORY_TAU},
              {"g", NRF_MEMORY_G},
              {"v_hat", NRF_MEMORY_V_HAT}};
  enum { KEPT = sizeof kept / sizeof *kept };
  static const char *const quantity = "optimizer_state_after_last_step";

  const char *known[KEPT];
  const text  group = text_of("%s/%s", c->path, quantity);
  if (!nrf_h5_exists(c->s->file, group.s)) return NRF_OK;
  for (int k = 0; k < KEPT; k++) {
    const text        of   = text_of("%s/%s", group.s, kept[k].name);
    const nrf_states *ours = nrf_state_optimizer_memory(nrf_sampler_optimizer(c->sampler), kept[k].memory);
    known[k]               = kept[k].name;
    if (!nrf_h5_exists(c->s->file, of.s)) continue;
    NRF_RETURN_IF_ERROR(compare_layers(c->s, of.s, text_of("%s/%s", quantity, kept[k].name).s,
                                       RULE_SAMPLER_MOMENTUM, ours,
                                       (layers_form){.first = first_moved(c), .sign = 1.0f}));
  }
  return compare_members(c->s, group.s, quantity, KEPT, known);
}

static nrf_status compare_phase(const chain *c, const record *r)
{
  static const char *const known[] = {"initial_states", "noise_z",         "total_energy",
                                      "states",         "energy_gradient", "optimizer_state_after_last_step"};
  const source            *s       = c->s;
  NRF_RETURN_IF_ERROR(compare_array(s, text_of("%s/total_energy", c->path).s, "total_energy",
                                    RULE_TOTAL_ENERGY, nrf_h5_vector(c->steps), r->energies, NULL));
  const bool has_gradients = nrf_h5_exists(s->file, text_of("%s/energy_gradient", c->path).s);
  for (int i = 0; i < c->architecture.n_layers; i++) {
    const text shown = text_of("states/layer_%d", i);
    NRF_RETURN_IF_ERROR(compare_array(s, text_of("%s/%s", c->path, shown.s).s, shown.s, RULE_SAMPLER_STATE,
                                      rows_shape(c, i, c->steps), r->states[i], NULL));
    if (has_gradients) NRF_RETURN_IF_ERROR(compare_gradients(c, r, i));
  }
  NRF_RETURN_IF_ERROR(compare_optimizer(c));
  return compare_members(s, c->path, "", sizeof known / sizeof *known, known);
}

static nrf_status check_phase(const source *s, const char *path)
{
  nrf_status st = NRF_OK;
  chain      c  = {.s = s, .path = path};
  record     r  = {.energies = NULL};
  NRF_TRY(chain_open(&c));
  NRF_TRY(nrf_h5_read_attribute_int64(s->file, path, "number_of_steps", &c.steps));
  if (c.steps < 1)
    NRF_FAIL(NRF_EFORMAT, "%s: '%s': %lld steps", nrf_h5_path(s->file), path, (long long)c.steps);
  NRF_TRY(record_allocate(&c, &r));
  NRF_TRY(run_phase(&c, &r));
  NRF_TRY(compare_phase(&c, &r));
done:
  record_free(&r);
  chain_close(&c);
  return st;
}

/* ---- visualisation: one step each, from its own states, otherwise as the negative phase ------------------------ */

typedef struct visualisation {
  char   *kind; /* "standard", "channels_state", "channels_energy" */
  int64_t layer, channel;
  double  clamp_value, energy_scaler;
} visualisation;

static nrf_status read_visualisation(const chain *c, const char *path, visualisation *v)
{
  const nrf_h5_file *file = c->s->file;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, path, "viz_type", &v->kind));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, path, "state_layer", &v->layer));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, path, "channel", &v->channel));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, path, "clamp_value", &v->clamp_value));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, path, "energy_scaler", &v->energy_scaler));
  if (strcmp(v->kind, "standard") == 0) return NRF_OK;
  if (strcmp(v->kind, "channels_state") != 0 && strcmp(v->kind, "channels_energy") != 0)
    return nrf_error(NRF_EFORMAT, "%s: '%s': there is no visualisation '%s'", nrf_h5_path(file), path,
                     v->kind);
  if (v->layer < 0 || v->layer >= c->architecture.n_layers || v->channel < 0 ||
      v->channel >= c->architecture.size[v->layer].channels)
    return nrf_error(NRF_EFORMAT, "%s: '%s': there is no channel %lld in layer %lld", nrf_h5_path(file), path,
                     (long long)v->channel, (long long)v->layer);
  return NRF_OK;
}

/* channels_state: the chosen channel is set to a value, the others of its layer to 0. */
static void set_channel(nrf_states *s, const visualisation *v)
{
  const int     channels = s->size[v->layer].channels;
  const int64_t count    = nrf_states_count(s, (int)v->layer);
  for (int64_t e = 0; e < count; e++)
    s->data[v->layer][e] = e % channels == v->channel ? (float)v->clamp_value : 0.0f;
}

/* channels_energy: energies of one channel, summed over pixels and batch. */
static double channel_energy(const nrf_states *neuron_energy, const visualisation *v)
{
  const int     channels = neuron_energy->size[v->layer].channels;
  const int64_t count    = nrf_states_count(neuron_energy, (int)v->layer);
  double        sum      = 0.0;
  for (int64_t e = v->channel; e < count; e += channels) sum += (double)neuron_energy->data[v->layer][e];
  return v->energy_scaler * sum;
}

static nrf_status step_visualisation(chain *c, const char *path, const visualisation *v)
{
  static const char *const known[] = {"total_energy", "states", "gradient", "selected_feature_energy"};
  const source            *s       = c->s;
  const nrf_h5_file       *file    = s->file;
  int64_t                  rows    = 0;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, "/negative_phase", "number_of_steps", &rows));
  NRF_RETURN_IF_ERROR(read_states(file, "/visualisation/initial_states", 0, c->states));
  NRF_RETURN_IF_ERROR(read_states_row(file, "/negative_phase/noise_z", 0, rows, 0, c->noise));
  c->descends_channel = strcmp(v->kind, "channels_energy") == 0;
  c->layer            = (int)v->layer;
  c->channel          = (int)v->channel;

  NRF_RETURN_IF_ERROR(chain_step(c, 0));
  if (strcmp(v->kind, "channels_state") == 0) set_channel(c->states, v);
  NRF_RETURN_IF_ERROR(
      compare_scalar(s, text_of("%s/total_energy", path).s, "total_energy", RULE_TOTAL_ENERGY, c->energy));
  if (c->descends_channel) {
    NRF_RETURN_IF_ERROR(compare_scalar(s, text_of("%s/selected_feature_energy", path).s,
                                       "selected_feature_energy", RULE_TOTAL_ENERGY,
                                       channel_energy(c->neuron_energy, v)));
    NRF_RETURN_IF_ERROR(compare_layers(s, text_of("%s/gradient", path).s, "gradient", RULE_STATE_GRADIENT,
                                       nrf_sampler_gradient(c->sampler),
                                       (layers_form){.sign = 1.0f, .slack = c->slack}));
  }
  NRF_RETURN_IF_ERROR(compare_layers(s, text_of("%s/states", path).s, "states", RULE_SAMPLER_STATE, c->states,
                                     (layers_form){.sign = 1.0f}));
  return compare_members(s, path, "", sizeof known / sizeof *known, known);
}

static nrf_status check_visualisation(const source *s, const char *path)
{
  nrf_status    st = NRF_OK;
  chain         c  = {.s = s, .path = "/negative_phase"};
  visualisation v  = {.kind = NULL};
  NRF_TRY(chain_open(&c));
  NRF_TRY(read_visualisation(&c, path, &v));
  NRF_TRY(step_visualisation(&c, path, &v));
done:
  nrf_free(v.kind);
  chain_close(&c);
  return st;
}

static nrf_status check_visualisations(const source *s)
{
  nrf_h5_strings names = {0, NULL};
  nrf_status     st    = NRF_OK;
  NRF_TRY(nrf_h5_list(s->file, "/visualisation", &names));
  for (int64_t k = 0; k < names.count; k++) {
    if (strcmp(names.item[k], "initial_states") == 0) continue;
    const text path = text_of("/visualisation/%s", names.item[k]);
    NRF_TRY(check_one_case(s, path.s + 1, path.s, check_visualisation));
  }
done:
  nrf_h5_strings_free(&names);
  return st;
}

nrf_status check_sampler_file(const source *s)
{
  nrf_h5_strings names = {0, NULL};
  nrf_status     st    = NRF_OK;
  NRF_TRY(nrf_h5_list(s->file, "/", &names));
  for (int64_t k = 0; k < names.count; k++) {
    const text path = text_of("/%s", names.item[k]);
    if (is_phase(s->file, path.s)) NRF_TRY(check_one_case(s, names.item[k], path.s, check_phase));
  }
  if (has_group(s->file, "/visualisation")) NRF_TRY(check_visualisations(s));
done:
  nrf_h5_strings_free(&names);
  return st;
}
