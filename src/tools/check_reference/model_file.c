/* model_file.c - energies, their gradients, and the training loss of one architecture in several cases. */
#include "checks.h"
#include "kinks.h"
#include "loss.h"

#include "nrflv/energy_model.h"
#include "nrflv/graph.h"
#include "nrflv/memory.h"
#include "nrflv/program.h"

#include <string.h>

/* One case: the model with its parameters, and what they are before any pass moves the vectors u. */
typedef struct model_case {
  const source     *s;
  const char       *path; /* "/cases/NAME" */
  nrf_activation    activation;
  bool              ff_dynamics;
  double            l2;
  int               batch;
  nrf_energy_model *model;
  float            *stored; /* [parameters->count] */
} model_case;

bool is_model_file(const nrf_h5_file *file)
{
  return has_group(file, "/cases") && nrf_h5_has_attribute(file, "/", "architecture_dictionary_json");
}

/* ---- making the model ------------------------------------------------------------------------------------ */

/* Where the states of a case stand that any of its results belong to. */
static text states_path(const model_case *c)
{
  if (c->ff_dynamics) return text_of("%s/states", c->path);
  const text positive = text_of("%s/positive_phase/states", c->path);
  return has_group(c->s->file, positive.s) ? positive : text_of("%s/negative_phase/states", c->path);
}

static nrf_status read_case(model_case *c)
{
  nrf_architecture   architecture;
  const nrf_h5_file *file   = c->s->file;
  nrf_energy_config  config = {.compute = c->s->compute};
  NRF_RETURN_IF_ERROR(read_architecture(file, "/", &architecture));
  NRF_RETURN_IF_ERROR(read_flag(file, c->path, "spec_norm_reg", &architecture.spectral_norm));
  NRF_RETURN_IF_ERROR(read_flag(file, c->path, "model_weight_norm", &config.weight_norm));
  NRF_RETURN_IF_ERROR(read_activation(file, c->path, "activation", &config.activation));
  NRF_RETURN_IF_ERROR(read_activation(file, c->path, "states_activation", &config.states_activation));
  c->ff_dynamics     = nrf_h5_exists(file, text_of("%s/update", c->path).s);
  config.ff_dynamics = c->ff_dynamics;
  NRF_RETURN_IF_ERROR(read_batch(file, states_path(c).s, 0, &c->batch));
  c->activation = config.activation;
  config.batch  = c->batch;

  NRF_RETURN_IF_ERROR(nrf_energy_model_create(&architecture, &config, &c->model));
  nrf_parameters *p     = nrf_energy_model_parameters(c->model);
  const text      group = text_of("%s/parameters", c->path);
  NRF_RETURN_IF_ERROR(read_parameters(file, group.s, p));
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(p->count, "parameters", &c->stored));
  memcpy(c->stored, p->value, (size_t)p->count * sizeof(float));
  return compare_parameter_order(c->s, group.s, p);
}

/* Back to the stored parameters: each evaluation begins with the stored vectors u. */
static void restart(model_case *c)
{
  nrf_parameters *p = nrf_energy_model_parameters(c->model);
  memcpy(p->value, c->stored, (size_t)p->count * sizeof(float));
  nrf_energy_model_parameters_changed(c->model);
}

static nrf_status new_states(const model_case *c, nrf_states **out)
{
  const nrf_architecture *a = nrf_energy_model_architecture(c->model);
  return nrf_states_create(a->n_layers, a->size, c->batch, out);
}

/* ---- energies and their gradients ------------------------------------------------------------------------ */

/* Results that belong to a set of states; the numbers say where in the row of computed states each is found. */
enum { GRADIENT, NEURON_ENERGY, BNO, COMPUTED };

static const struct phase_result {
  const char *name;
  int         computed;
  bool        flat;
  float       sign;
  rule_id     rule;
} phase_results[] = {
    {"full_energy", NEURON_ENERGY, true, 1.0f, RULE_NEURON_ENERGY},
    {"pre_quadratic_output", BNO, false, 1.0f, RULE_NETWORK_OUTPUT},
    {"energy_gradient", GRADIENT, false, 1.0f, RULE_STATE_GRADIENT},
    {"update", GRADIENT, false, -1.0f, RULE_STATE_GRADIENT}, /* of feed-forward dynamics */
};
enum { PHASE_RESULTS = sizeof phase_results / sizeof *phase_results };

static nrf_status compare_phase(const model_case *c, const char *path, const char *prefix, const char *needed,
                                double total, nrf_states *const computed[], const float *slack)
{
  const source *s = c->s;
  NRF_RETURN_IF_ERROR(compare_scalar(s, text_of("%s/total_energy", path).s,
                                     text_of("%stotal_energy", prefix).s, RULE_TOTAL_ENERGY, total));
  for (int k = 0; k < PHASE_RESULTS; k++) {
    const struct phase_result *result = &phase_results[k];
    const text                 group  = text_of("%s/%s", path, result->name);
    if (!nrf_h5_exists(s->file, group.s) && strcmp(result->name, needed) != 0) continue;
    const layers_form form = {
        .flat = result->flat, .sign = result->sign, .slack = result->computed == GRADIENT ? slack : NULL};
    NRF_RETURN_IF_ERROR(compare_layers(s, group.s, text_of("%s%s", prefix, result->name).s, result->rule,
                                       computed[result->computed], form));
  }
  return NRF_OK;
}

static nrf_status energy_gradient(void *model, const nrf_states *states, nrf_states *gradient)
{
  return nrf_energy_model_evaluate(model, states, &(nrf_energy_request){.gradient = gradient});
}

/* Computes all that can be had from the states in PATH/states and compares what there is. The gradient alone (as the
 * sampler wants it) and the energies alone (as the log wants them) are separate evaluations of the engine.
 * needed: the one of the results that must be there. */
static nrf_status check_phase(model_case *c, const char *path, const char *prefix, const char *needed)
{
  nrf_status  st                 = NRF_OK;
  nrf_states *states             = NULL;
  nrf_states *computed[COMPUTED] = {NULL};
  float      *slack              = NULL;
  double      total              = 0.0;
  NRF_TRY(new_states(c, &states));
  for (int k = 0; k < COMPUTED; k++) NRF_TRY(new_states(c, &computed[k]));
  NRF_TRY(read_states(c->s->file, text_of("%s/states", path).s, 0, states));

  restart(c);
  if (kinks_matter(c->activation)) {
    NRF_TRY(nrf_alloc_floats(kinks_state_count(states), "kinks", &slack));
    NRF_TRY(kinks_state_slack(c->model, energy_gradient, c->model, states, computed[GRADIENT], slack));
  }
  restart(c);
  NRF_TRY(energy_gradient(c->model, states, computed[GRADIENT]));
  restart(c);
  NRF_TRY(nrf_energy_model_evaluate(c->model, states,
                                    &(nrf_energy_request){.neuron_energy = computed[NEURON_ENERGY],
                                                          .bno           = computed[BNO],
                                                          .total         = &total}));
  NRF_TRY(compare_phase(c, path, prefix, needed, total, computed, slack));
done:
  nrf_states_free(states);
  for (int k = 0; k < COMPUTED; k++) nrf_states_free(computed[k]);
  nrf_free(slack);
  return st;
}

/* ---- training loss --------------------------------------------------------------------------------------- */

static nrf_status check_loss(model_case *c)
{
  nrf_status            st       = NRF_OK;
  const source         *s        = c->s;
  const nrf_parameters *p        = nrf_energy_model_parameters(c->model);
  nrf_states           *positive = NULL, *negative = NULL;
  loss_result           ours  = {.gradient = NULL};
  float                *slack = NULL;
  const text            group = text_of("%s/training_loss", c->path);
  NRF_TRY(nrf_h5_read_attribute_double(s->file, c->path, "l2_reg_energy_param", &c->l2));
  NRF_TRY(new_states(c, &positive));
  NRF_TRY(new_states(c, &negative));
  NRF_TRY(read_states(s->file, text_of("%s/positive_phase/states", c->path).s, 0, positive));
  NRF_TRY(read_states(s->file, text_of("%s/negative_phase/states", c->path).s, 0, negative));
  NRF_TRY(nrf_alloc_floats(p->count, "gradient", &ours.gradient));
  NRF_TRY(nrf_alloc_floats(p->count, "gradient", &ours.terms));
  if (kinks_matter(c->activation)) NRF_TRY(nrf_alloc_floats(p->count, "kinks", &slack));

  restart(c);
  NRF_TRY(loss_evaluate(&(loss_input){c->model, positive, negative, c->l2}, &ours, slack));
  NRF_TRY(compare_loss(s, group.s, "training_loss", c->l2, &ours));
  NRF_TRY(compare_parameters(s, text_of("%s/gradient", group.s).s, "training_loss/gradient",
                             RULE_PARAMETER_GRADIENT, p,
                             (parameter_arrays){.ours = ours.gradient, .slack = slack, .terms = ours.terms}));
  static const char *const known[] = {"loss", "positive_energy", "negative_energy", "gradient"};
  NRF_TRY(compare_members(s, group.s, "training_loss", sizeof known / sizeof *known, known));
done:
  nrf_states_free(positive);
  nrf_states_free(negative);
  nrf_free(ours.gradient);
  nrf_free(ours.terms);
  nrf_free(slack);
  return st;
}

/* ---- spectral normalisation ------------------------------------------------------------------------------ */

/* The weight as one forward pass uses it: W / sigma, computed by the engine from the stored W and u. */
static nrf_status normalised_weight(const model_case *c, const nrf_parameter *w, const nrf_parameter *u,
                                    float *out)
{
  nrf_status         st           = NRF_OK;
  nrf_graph         *graph        = NULL;
  nrf_program       *program      = NULL;
  const float *const parameters[] = {c->stored + w->offset, c->stored + u->offset};
  NRF_TRY(nrf_graph_create(&graph));
  const nrf_node weight = nrf_graph_parameter(graph, 0, w->rank, w->dim);
  const nrf_node vector = nrf_graph_parameter(graph, 1, u->rank, u->dim);
  const nrf_node normalised =
      nrf_graph_spectral_norm(graph, weight, nrf_graph_power_iteration(graph, weight, vector));
  NRF_TRY(nrf_graph_status(graph));
  NRF_TRY(nrf_program_create(&(nrf_program_spec){.graph     = graph,
                                                 .backend   = &nrf_backend_cpu,
                                                 .batch     = 1,
                                                 .compute   = c->s->compute,
                                                 .parameter = parameters,
                                                 .n_outputs = 1,
                                                 .output    = &normalised},
                             &program));
  NRF_TRY(nrf_program_run(program, NULL, &out));
done:
  nrf_program_free(program);
  nrf_graph_free(graph);
  return st;
}

/* One member of a group: "NAME.weight_u", the vector after so many passes, or "NAME.weight", the normalised weight of
 * the first pass, whose parameter is "NAME.weight_orig". */
static nrf_status compare_buffer(const model_case *c, const char *group, const char *quantity,
                                 const char *name)
{
  const source         *s       = c->s;
  const nrf_parameters *p       = nrf_energy_model_parameters(c->model);
  const text            dataset = text_of("%s/%s", group, name);
  const int as_u = find_parameter(p, name), as_weight = find_parameter(p, text_of("%s_orig", name).s);
  if (as_u >= 0 && !p->item[as_u].trainable)
    return compare_tensor(s, dataset.s, quantity, name, RULE_SPECTRAL, parameter_shape(&p->item[as_u]),
                          p->value + p->item[as_u].offset);
  const int its_u = find_parameter(p, text_of("%s_u", name).s);
  if (as_weight < 0 || its_u < 0)
    return report_problem(s->report, quantity, name, "no such weight under spectral normalisation");

  const nrf_parameter *item   = &p->item[as_weight];
  float               *weight = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(item->count, "normalised weight", &weight));
  nrf_status st = normalised_weight(c, item, &p->item[its_u], weight);
  if (st == NRF_OK)
    st = compare_tensor(s, dataset.s, quantity, name, RULE_SPECTRAL, parameter_shape(item), weight);
  nrf_free(weight);
  return st;
}

static nrf_status compare_buffers(const model_case *c, const char *group, const char *quantity)
{
  nrf_h5_strings names = {0, NULL};
  if (nrf_h5_list(c->s->file, group, &names) != NRF_OK)
    return report_problem(c->s->report, quantity, NULL, nrf_error_message());
  nrf_status st = NRF_OK;
  for (int64_t k = 0; k < names.count && st == NRF_OK; k++)
    st = compare_buffer(c, group, quantity, names.item[k]);
  nrf_h5_strings_free(&names);
  return st;
}

/* The vectors u after one and after two passes, whatever the states, and weights of the first. */
static nrf_status check_buffers(model_case *c)
{
  static const char *const passes[] = {"after_one_forward", "after_two_forwards"};
  static const char *const quantity = "spectral_norm_buffers";

  nrf_status  st     = NRF_OK;
  nrf_states *states = NULL, *bno = NULL;
  const text  group = text_of("%s/%s", c->path, quantity);
  NRF_TRY(new_states(c, &states));
  NRF_TRY(new_states(c, &bno));
  NRF_TRY(read_states(c->s->file, states_path(c).s, 0, states));
  restart(c);
  for (int k = 0; k < 2; k++) {
    NRF_TRY(nrf_energy_model_evaluate(c->model, states, &(nrf_energy_request){.bno = bno}));
    const text pass = text_of("%s/%s", group.s, passes[k]);
    if (!nrf_h5_exists(c->s->file, pass.s)) continue;
    NRF_TRY(compare_buffers(c, pass.s, text_of("%s/%s", quantity, passes[k]).s));
  }
  NRF_TRY(compare_members(c->s, group.s, quantity, 2, passes));
done:
  nrf_states_free(states);
  nrf_states_free(bno);
  return st;
}

/* ---- the case and the file ------------------------------------------------------------------------------- */

static nrf_status check_phase_if_there(model_case *c, const char *name, const char *needed)
{
  static const char *const known[] = {"states", "total_energy", "full_energy", "pre_quadratic_output",
                                      "energy_gradient"};
  const text               path    = text_of("%s/%s", c->path, name);
  if (!has_group(c->s->file, path.s)) return NRF_OK;
  NRF_RETURN_IF_ERROR(check_phase(c, path.s, text_of("%s/", name).s, needed));
  return compare_members(c->s, path.s, name, sizeof known / sizeof *known, known);
}

static nrf_status check_parts(model_case *c)
{
  static const char *const known[]    = {"parameters", "positive_phase", "negative_phase", "training_loss",
                                         "spectral_norm_buffers"};
  static const char *const known_ff[] = {"parameters",           "states", "total_energy", "full_energy",
                                         "pre_quadratic_output", "update"};
  NRF_RETURN_IF_ERROR(read_case(c));
  if (c->ff_dynamics) {
    NRF_RETURN_IF_ERROR(check_phase(c, c->path, "", "update"));
    return compare_members(c->s, c->path, "", sizeof known_ff / sizeof *known_ff, known_ff);
  }
  NRF_RETURN_IF_ERROR(check_phase_if_there(c, "positive_phase", "energy_gradient"));
  NRF_RETURN_IF_ERROR(check_phase_if_there(c, "negative_phase", ""));
  if (has_group(c->s->file, text_of("%s/training_loss", c->path).s)) NRF_RETURN_IF_ERROR(check_loss(c));
  if (has_group(c->s->file, text_of("%s/spectral_norm_buffers", c->path).s))
    NRF_RETURN_IF_ERROR(check_buffers(c));
  return compare_members(c->s, c->path, "", sizeof known / sizeof *known, known);
}

static nrf_status check_case(const source *s, const char *path)
{
  model_case       c  = {.s = s, .path = path};
  const nrf_status st = check_parts(&c);
  nrf_energy_model_free(c.model);
  nrf_free(c.stored);
  return st;
}

nrf_status check_model_file(const source *s)
{
  return for_each_case(s, "/cases", check_case);
}
