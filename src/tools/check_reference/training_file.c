/* training_file.c - updates of the weights by each optimiser, learning rates, and updates of the initialiser network. */
#include "checks.h"
#include "kinks.h"
#include "loss.h"

#include "nrflv/energy_model.h"
#include "nrflv/initialiser.h"
#include "nrflv/memory.h"
#include "nrflv/weight_optimizer.h"

#include <string.h>

static const char *const initialiser_group = "/initialiser_network";

static bool is_optimizer_group(const nrf_h5_file *file, const char *group)
{
  return has_group(file, group) && nrf_h5_has_attribute(file, group, "weights_optimizer");
}

bool is_training_file(const nrf_h5_file *file)
{
  nrf_h5_strings names = {0, NULL};
  if (nrf_h5_list(file, "/", &names) != NRF_OK) return false;
  bool found = has_group(file, initialiser_group);
  for (int64_t k = 0; k < names.count; k++)
    found = found || is_optimizer_group(file, text_of("/%s", names.item[k]).s);
  nrf_h5_strings_free(&names);
  return found;
}

/* ---- what both networks have: parameters, their gradient and an optimiser -------------------------------- */

typedef struct learner {
  const source         *s;
  const char           *path;
  nrf_parameters       *parameters; /* the network's */
  nrf_weight_optimizer *optimizer;
  float                *gradient, *clipped, *before; /* [parameters->count] */
  float                *slack;                       /* the same, NULL where there are no kinks */
  float                *terms;                       /* the same, NULL if the gradient is no difference */
} learner;

static nrf_status learner_open(learner *l, nrf_parameters *p, nrf_weight_optimizer_kind kind, double rate,
                               bool has_kinks, bool is_difference)
{
  l->parameters = p;
  const struct {
    float **array;
    bool    needed;
  } arrays[] = {{&l->gradient, true},
                {&l->clipped, true},
                {&l->before, true},
                {&l->slack, has_kinks},
                {&l->terms, is_difference}};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
    if (arrays[k].needed) NRF_RETURN_IF_ERROR(nrf_alloc_floats(p->count, "gradient", arrays[k].array));
  return nrf_weight_optimizer_create(kind, rate, p, &l->optimizer);
}

static void learner_close(learner *l)
{
  nrf_weight_optimizer_free(l->optimizer);
  nrf_free(l->gradient);
  nrf_free(l->clipped);
  nrf_free(l->before);
  nrf_free(l->slack);
  nrf_free(l->terms);
}

/* One step with l->gradient; afterwards l->clipped is the gradient as used and l->before the parameters as they were. */
static void learner_step(learner *l)
{
  const size_t bytes = (size_t)l->parameters->count * sizeof(float);
  memcpy(l->before, l->parameters->value, bytes);
  memcpy(l->clipped, l->gradient, bytes);
  nrf_weight_optimizer_step(l->optimizer, l->parameters, l->clipped);
}

/* A group of an update with one tensor per parameter, compared if it is there or has to be. */
static nrf_status compare_tensors(const learner *l, const char *update, const char *name, bool needed,
                                  rule_id rule, parameter_arrays arrays)
{
  const text group = text_of("%s/%s/%s", l->path, update, name);
  if (!needed && !nrf_h5_exists(l->s->file, group.s)) return NRF_OK;
  return compare_parameters(l->s, group.s, text_of("%s/%s", update, name).s, rule, l->parameters, arrays);
}

/* What an update of any network must have: the gradient, and what came of it. */
static nrf_status compare_update(const learner *l, const char *update)
{
  NRF_RETURN_IF_ERROR(
      compare_tensors(l, update, "gradient", true, RULE_PARAMETER_GRADIENT,
                      (parameter_arrays){.ours = l->gradient, .slack = l->slack, .terms = l->terms}));
  return compare_tensors(l, update, "parameters_after", true, RULE_UPDATED_PARAMETER,
                         (parameter_arrays){.ours = l->parameters->value, .before = l->before});
}

/* Updates are groups update_1, update_2, ... Calls update() for each in turn. */
typedef nrf_status update_fn(void *context, const char *update);

static nrf_status for_each_update(const source *s, const char *path, update_fn *update, void *context)
{
  int n = 0;
  for (; has_group(s->file, text_of("%s/update_%d", path, n + 1).s); n++)
    NRF_RETURN_IF_ERROR(update(context, text_of("update_%d", n + 1).s));
  if (n == 0) return report_problem(s->report, "update_1", NULL, "missing from the file");
  return NRF_OK;
}

/* Members of a group besides update_1, update_2, ... must be known. */
static nrf_status compare_group_members(const source *s, const char *path, int n, const char *const known[])
{
  nrf_h5_strings names = {0, NULL};
  nrf_status     st    = NRF_OK;
  NRF_TRY(nrf_h5_list(s->file, path, &names));
  for (int64_t k = 0; k < names.count; k++) {
    bool is_known = false;
    for (int j = 1; j <= names.count; j++)
      is_known = is_known || strcmp(names.item[k], text_of("update_%d", j).s) == 0;
    for (int j = 0; j < n; j++) is_known = is_known || strcmp(names.item[k], known[j]) == 0;
    if (!is_known) NRF_TRY(report_unknown(s, "", names.item[k]));
  }
done:
  nrf_h5_strings_free(&names);
  return st;
}

/* ---- the field's weights --------------------------------------------------------------------------------- */

static const struct optimizer {
  const char               *name;
  nrf_weight_optimizer_kind kind;
  const char               *moment; /* what the file calls what it remembers */
  rule_id                   moment_rule, clipped_rule;
} optimizers[] = {
    {"adam", NRF_WEIGHTS_ADAM, "exp_avg_sq", RULE_SECOND_MOMENT, RULE_CLIPPED_GRADIENT_ADAM},
    {"sgd", NRF_WEIGHTS_SGD, "momentum_buffer", RULE_PARAMETER_GRADIENT, RULE_PARAMETER_GRADIENT},
};
enum { OPTIMIZERS = sizeof optimizers / sizeof *optimizers };

typedef struct field_learner {
  learner                 base;
  const struct optimizer *optimizer;
  double                  rate, decay, l2;
  nrf_energy_model       *model;
  nrf_states             *positive, *negative;
} field_learner;

static nrf_status find_optimizer(field_learner *f)
{
  const source *s    = f->base.s;
  char         *name = NULL;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(s->file, f->base.path, "weights_optimizer", &name));
  nrf_status st = NRF_OK;
  for (int k = 0; k < OPTIMIZERS; k++)
    if (strcmp(name, optimizers[k].name) == 0) f->optimizer = &optimizers[k];
  if (f->optimizer == NULL)
    st = nrf_error(NRF_EFORMAT, "%s: '%s': there is no weight optimiser '%s'", nrf_h5_path(s->file),
                   f->base.path, name);
  nrf_free(name);
  return st;
}

/* The path of the states of an update, an attribute of its group: "/states/update_1". */
static nrf_status states_of(const field_learner *f, const char *update, text *out)
{
  char *path = NULL;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(f->base.s->file, text_of("%s/%s", f->base.path, update).s,
                                                   "states", &path));
  *out = text_of("%s", path);
  nrf_free(path);
  return NRF_OK;
}

static nrf_status field_open(field_learner *f)
{
  const source      *s      = f->base.s;
  const nrf_h5_file *file   = s->file;
  const char        *path   = f->base.path;
  nrf_energy_config  config = {.compute = s->compute};
  nrf_architecture   architecture;
  text               states;
  NRF_RETURN_IF_ERROR(find_optimizer(f));
  NRF_RETURN_IF_ERROR(read_architecture(file, "/", &architecture));
  NRF_RETURN_IF_ERROR(read_activation(file, path, "activation", &config.activation));
  NRF_RETURN_IF_ERROR(read_activation(file, path, "states_activation", &config.states_activation));
  NRF_RETURN_IF_ERROR(read_flag(file, path, "model_weight_norm", &config.weight_norm));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, path, "lr", &f->rate));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, path, "lr_decay_gamma", &f->decay));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, path, "l2_reg_energy_param", &f->l2));
  NRF_RETURN_IF_ERROR(states_of(f, "update_1", &states));
  NRF_RETURN_IF_ERROR(read_batch(file, text_of("%s/positive", states.s).s, 0, &config.batch));

  NRF_RETURN_IF_ERROR(nrf_energy_model_create(&architecture, &config, &f->model));
  nrf_parameters *p = nrf_energy_model_parameters(f->model);
  NRF_RETURN_IF_ERROR(read_parameters(file, "/parameters", p));
  nrf_energy_model_parameters_changed(f->model);
  NRF_RETURN_IF_ERROR(
      nrf_states_create(architecture.n_layers, architecture.size, config.batch, &f->positive));
  NRF_RETURN_IF_ERROR(
      nrf_states_create(architecture.n_layers, architecture.size, config.batch, &f->negative));
  NRF_RETURN_IF_ERROR(compare_parameter_order(s, "/parameters", p));
  return learner_open(&f->base, p, f->optimizer->kind, f->rate, kinks_matter(config.activation), true);
}

/* Whether clipping changed anything is an attribute of the update. */
static nrf_status compare_clipping(const field_learner *f, const char *update)
{
  static const char *const attribute = "gradients_changed_by_clipping";
  const learner           *l         = &f->base;
  const text               group     = text_of("%s/%s", l->path, update);
  bool                     changed   = false;
  if (!nrf_h5_has_attribute(l->s->file, group.s, attribute)) return NRF_OK;
  NRF_RETURN_IF_ERROR(read_flag(l->s->file, group.s, attribute, &changed));
  const bool ours = memcmp(l->gradient, l->clipped, (size_t)l->parameters->count * sizeof(float)) != 0;
  return report_fact(l->s->report, text_of("%s/%s", update, attribute).s, ours == changed);
}

static nrf_status update_field(void *context, const char *update)
{
  field_learner          *f = context;
  learner                *l = &f->base;
  const struct optimizer *o = f->optimizer;
  const source           *s = l->s;
  text                    states;
  loss_result             ours  = {.gradient = l->gradient, .terms = l->terms};
  const text              group = text_of("%s/%s", l->path, update);
  NRF_RETURN_IF_ERROR(states_of(f, update, &states));
  NRF_RETURN_IF_ERROR(read_states(s->file, text_of("%s/positive", states.s).s, 0, f->positive));
  NRF_RETURN_IF_ERROR(read_states(s->file, text_of("%s/negative", states.s).s, 0, f->negative));

  NRF_RETURN_IF_ERROR(
      loss_evaluate(&(loss_input){f->model, f->positive, f->negative, f->l2}, &ours, l->slack));
  NRF_RETURN_IF_ERROR(compare_loss(s, group.s, update, f->l2, &ours));
  learner_step(l);
  nrf_energy_model_parameters_changed(f->model);

  NRF_RETURN_IF_ERROR(compare_update(l, update));
  NRF_RETURN_IF_ERROR(
      compare_tensors(l, update, "clipped_gradient", false, o->clipped_rule,
                      (parameter_arrays){.ours = l->clipped, .slack = l->slack, .terms = l->terms}));
  NRF_RETURN_IF_ERROR(compare_tensors(l, update, o->moment, false, o->moment_rule,
                                      (parameter_arrays){.ours = l->optimizer->moment}));
  NRF_RETURN_IF_ERROR(compare_clipping(f, update));

  const char *const known[] = {"loss",     "positive_energy",  "negative_energy",
                               "gradient", "clipped_gradient", "parameters_after",
                               o->moment};
  return compare_members(s, group.s, update, sizeof known / sizeof *known, known);
}

/* Rates as the schedule gives them, and as the original logs them: at the end of each epoch, before and after the
 * schedule's step. All but the first value have one decay too many, a quirk of that log. */
static int64_t epoch_in_force(int64_t k)
{
  return k;
}

static int64_t epoch_in_log(int64_t k)
{
  return k == 0 ? 0 : (k + 1) / 2 + 1;
}

static nrf_status compare_rates(const field_learner *f)
{
  static const struct {
    const char *name;
    int64_t (*epoch)(int64_t k);
  } lists[] = {{"learning_rate_per_epoch", epoch_in_force}, {"learning_rate_logged", epoch_in_log}};

  const source *s = f->base.s;
  for (size_t j = 0; j < sizeof lists / sizeof *lists; j++) {
    const text   name = text_of("%s/%s", f->base.path, lists[j].name);
    nrf_h5_shape shape;
    float       *ours = NULL;
    if (!nrf_h5_exists(s->file, name.s)) continue;
    if (nrf_h5_dataset_shape(s->file, name.s, &shape) != NRF_OK || shape.rank != 1 ||
        nrf_h5_count(shape) < 1) {
      NRF_RETURN_IF_ERROR(report_problem(s->report, lists[j].name, NULL, "not a list of learning rates"));
      continue;
    }
    NRF_RETURN_IF_ERROR(nrf_alloc_floats(shape.dim[0], "learning rates", &ours));
    for (int64_t k = 0; k < shape.dim[0]; k++)
      ours[k] = (float)nrf_learning_rate_at_epoch(f->rate, f->decay, lists[j].epoch(k));
    const nrf_status st = compare_array(s, name.s, lists[j].name, RULE_LEARNING_RATE, shape, ours, NULL);
    nrf_free(ours);
    NRF_RETURN_IF_ERROR(st);
  }
  return NRF_OK;
}

static nrf_status check_optimizer(const source *s, const char *path)
{
  static const char *const known[] = {"learning_rate_per_epoch", "learning_rate_logged"};

  nrf_status    st = NRF_OK;
  field_learner f  = {.base = {.s = s, .path = path}};
  NRF_TRY(field_open(&f));
  NRF_TRY(for_each_update(s, path, update_field, &f));
  NRF_TRY(compare_rates(&f));
  NRF_TRY(compare_group_members(s, path, sizeof known / sizeof *known, known));
done:
  learner_close(&f.base);
  nrf_energy_model_free(f.model);
  nrf_states_free(f.positive);
  nrf_states_free(f.negative);
  return st;
}

/* ---- the initialiser network ----------------------------------------------------------------------------- */

typedef struct proposal_learner {
  learner          base;
  nrf_initialiser *network;
  nrf_states      *target, *proposed; /* the image is layer 0 of target */
} proposal_learner;

static nrf_status read_image(const proposal_learner *i)
{
  const nrf_h5_file   *file  = i->base.s->file;
  const nrf_layer_size size  = i->target->size[0];
  const nrf_h5_shape   shape = {4, {i->target->batch, size.channels, size.height, size.width}};
  float               *image = NULL;
  NRF_RETURN_IF_ERROR(read_floats(file, text_of("%s/image", i->base.path).s, shape, &image));
  nrf_states_set_nchw(i->target, 0, image);
  nrf_free(image);
  return NRF_OK;
}

static nrf_status check_momentum(const proposal_learner *i)
{
  static const double ours     = 0.85;
  double              momentum = 0.0;
  const nrf_h5_file  *file     = i->base.s->file;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, i->base.path, "momentum", &momentum));
  if (momentum == ours) return NRF_OK;
  return nrf_error(NRF_EUNSUPPORTED, "%s: '%s': momentum %g, the initialiser's optimiser has %g",
                   nrf_h5_path(file), i->base.path, momentum, ours);
}

static nrf_status proposal_open(proposal_learner *i)
{
  const source          *s      = i->base.s;
  const nrf_h5_file     *file   = s->file;
  const char            *path   = i->base.path;
  nrf_initialiser_config config = {.compute = s->compute};
  nrf_architecture       architecture;
  double                 rate = 0.0;
  NRF_RETURN_IF_ERROR(read_architecture(file, path, &architecture));
  NRF_RETURN_IF_ERROR(read_activation(file, path, "activation", &config.activation));
  NRF_RETURN_IF_ERROR(read_activation(file, path, "states_activation", &config.states_activation));
  NRF_RETURN_IF_ERROR(read_flag(file, path, "weight_norm", &config.weight_norm));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, path, "learning_rate", &rate));
  NRF_RETURN_IF_ERROR(check_momentum(i));
  const text target = text_of("%s/target", path);
  NRF_RETURN_IF_ERROR(read_batch(file, target.s, 1, &config.batch));

  NRF_RETURN_IF_ERROR(nrf_initialiser_create(&architecture, &config, &i->network));
  nrf_parameters *p = nrf_initialiser_parameters(i->network);
  NRF_RETURN_IF_ERROR(read_parameters(file, text_of("%s/parameters", path).s, p));
  nrf_initialiser_parameters_changed(i->network);
  NRF_RETURN_IF_ERROR(nrf_states_create(architecture.n_layers, architecture.size, config.batch, &i->target));
  NRF_RETURN_IF_ERROR(
      nrf_states_create(architecture.n_layers, architecture.size, config.batch, &i->proposed));
  NRF_RETURN_IF_ERROR(read_image(i));
  NRF_RETURN_IF_ERROR(read_states(file, target.s, 1, i->target));
  NRF_RETURN_IF_ERROR(compare_parameter_order(s, path, p));
  /* Whatever the activation of its layers, its output is clamped or rectified, and has kinks. */
  return learner_open(&i->base, p, NRF_WEIGHTS_NESTEROV, rate, true, false);
}

static nrf_status gradient_only(void *context, float *gradient)
{
  const proposal_learner *i    = context;
  double                  loss = 0.0;
  nrf_initialiser_parameters_changed(i->network);
  return nrf_initialiser_gradient(i->network, i->target, gradient, &loss, NULL, NULL);
}

static nrf_status compare_losses(const proposal_learner *i, const char *update, double loss,
                                 const double per_layer[])
{
  const source *s = i->base.s;
  float         latent[NRF_MAX_LAYERS];
  const int     n = i->target->n_layers - 1;
  for (int l = 0; l < n; l++) latent[l] = (float)per_layer[l + 1];
  NRF_RETURN_IF_ERROR(compare_scalar(s, text_of("%s/%s/loss", i->base.path, update).s,
                                     text_of("%s/loss", update).s, RULE_INITIALISER_LOSS, loss));
  const text name = text_of("%s/%s/loss_per_layer", i->base.path, update);
  if (!nrf_h5_exists(s->file, name.s)) return NRF_OK;
  return compare_array(s, name.s, text_of("%s/loss_per_layer", update).s, RULE_INITIALISER_LOSS,
                       nrf_h5_vector(n), latent, NULL);
}

static nrf_status compare_output(const proposal_learner *i, const char *update)
{
  return compare_layers(i->base.s, text_of("%s/%s/output", i->base.path, update).s,
                        text_of("%s/output", update).s, RULE_INITIALISER_OUTPUT, i->proposed,
                        (layers_form){.first = 1, .sign = 1.0f});
}

static nrf_status update_proposal(void *context, const char *update)
{
  static const char *const known[] = {"loss", "loss_per_layer", "output", "gradient", "parameters_after"};

  proposal_learner *i    = context;
  learner          *l    = &i->base;
  double            loss = 0.0, per_layer[NRF_MAX_LAYERS];
  if (l->slack != NULL) {
    NRF_RETURN_IF_ERROR(kinks_slack(l->parameters, gradient_only, i, l->parameters->count, l->slack));
    nrf_initialiser_parameters_changed(i->network);
  }
  /* Proposals come from two programs: the one that only proposes, and the one that learns. Both fall into one row. */
  nrf_states_copy(i->proposed, i->target);
  NRF_RETURN_IF_ERROR(nrf_initialiser_predict(i->network, i->proposed));
  NRF_RETURN_IF_ERROR(compare_output(i, update));
  NRF_RETURN_IF_ERROR(
      nrf_initialiser_gradient(i->network, i->target, l->gradient, &loss, per_layer, i->proposed));
  NRF_RETURN_IF_ERROR(compare_output(i, update));
  NRF_RETURN_IF_ERROR(compare_losses(i, update, loss, per_layer));
  learner_step(l);
  nrf_initialiser_parameters_changed(i->network);

  NRF_RETURN_IF_ERROR(compare_update(l, update));
  return compare_members(l->s, text_of("%s/%s", l->path, update).s, update, sizeof known / sizeof *known,
                         known);
}

static nrf_status check_initialiser(const source *s, const char *path)
{
  static const char *const known[] = {"image", "parameters", "target"};

  nrf_status       st = NRF_OK;
  proposal_learner i  = {.base = {.s = s, .path = path}};
  NRF_TRY(proposal_open(&i));
  NRF_TRY(for_each_update(s, path, update_proposal, &i));
  NRF_TRY(compare_group_members(s, path, sizeof known / sizeof *known, known));
done:
  learner_close(&i.base);
  nrf_initialiser_free(i.network);
  nrf_states_free(i.target);
  nrf_states_free(i.proposed);
  return st;
}

/* ---- the file -------------------------------------------------------------------------------------------- */

nrf_status check_training_file(const source *s)
{
  nrf_h5_strings names = {0, NULL};
  nrf_status     st    = NRF_OK;
  NRF_TRY(nrf_h5_list(s->file, "/", &names));
  for (int64_t k = 0; k < names.count; k++) {
    const text path = text_of("/%s", names.item[k]);
    if (is_optimizer_group(s->file, path.s))
      NRF_TRY(check_one_case(s, names.item[k], path.s, check_optimizer));
  }
  if (has_group(s->file, initialiser_group))
    NRF_TRY(check_one_case(s, initialiser_group + 1, initialiser_group, check_initialiser));
done:
  nrf_h5_strings_free(&names);
  return st;
}
