/* source.c - states, parameters and settings from reference files; results compared with what they hold. */
#include "source.h"

#include "nrflv/memory.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

text text_of(const char *fmt, ...)
{
  text    out;
  va_list arguments;
  va_start(arguments, fmt);
  (void)vsnprintf(out.s, sizeof out.s, fmt, arguments);
  va_end(arguments);
  return out;
}

bool has_group(const nrf_h5_file *file, const char *name)
{
  return nrf_h5_kind_of(file, name) == NRF_H5_GROUP;
}

/* ---- settings -------------------------------------------------------------------------------------------- */

nrf_status read_architecture(const nrf_h5_file *file, const char *object, nrf_architecture *out)
{
  nrf_status st         = NRF_OK;
  char      *dictionary = NULL, *sizes = NULL, *name = NULL;
  NRF_TRY(nrf_h5_read_attribute_string(file, object, "architecture_dictionary_json", &dictionary));
  NRF_TRY(nrf_h5_read_attribute_string(file, object, "state_sizes_json", &sizes));
  NRF_TRY(nrf_h5_read_attribute_string(file, object, "architecture", &name));
  NRF_TRY(nrf_architecture_parse_original(dictionary, sizes, name, nrf_h5_path(file), out));
done:
  nrf_free(dictionary);
  nrf_free(sizes);
  nrf_free(name);
  return st;
}

nrf_status read_activation(const nrf_h5_file *file, const char *object, const char *attribute,
                           nrf_activation *out)
{
  static const struct {
    const char    *name;
    nrf_activation activation;
  } names[] = {{"identity", NRF_IDENTITY}, {"hardtanh", NRF_HARDTANH}, {"hardsig", NRF_HARDSIG},
               {"relu", NRF_RELU},         {"swish", NRF_SWISH},       {"leaky_relu", NRF_LEAKY_RELU}};

  char *name = NULL;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, object, attribute, &name));
  nrf_status st = NRF_OK;
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    if (strcmp(name, names[k].name) != 0) continue;
    *out = names[k].activation;
    goto done;
  }
  NRF_FAIL(NRF_EFORMAT, "%s: '%s', %s: there is no activation '%s'", nrf_h5_path(file), object, attribute,
           name);
done:
  nrf_free(name);
  return st;
}

nrf_status read_flag(const nrf_h5_file *file, const char *object, const char *attribute, bool *out)
{
  int64_t value = 0;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, object, attribute, &value));
  *out = value != 0;
  return NRF_OK;
}

/* ---- states ---------------------------------------------------------------------------------------------- */

nrf_status read_batch(const nrf_h5_file *file, const char *group, int layer, int *out)
{
  const text   name = text_of("%s/layer_%d", group, layer);
  nrf_h5_shape shape;
  NRF_RETURN_IF_ERROR(nrf_h5_dataset_shape(file, name.s, &shape));
  if (shape.rank != 4 || shape.dim[0] < 1 || shape.dim[0] > INT_MAX)
    return nrf_error(NRF_EFORMAT, "%s: '%s' is no batch of states [batch, C, H, W]", nrf_h5_path(file),
                     name.s);
  *out = (int)shape.dim[0];
  return NRF_OK;
}

static nrf_h5_shape layer_shape(const nrf_states *s, int layer)
{
  const nrf_layer_size size = s->size[layer];
  return (nrf_h5_shape){4, {s->batch, size.channels, size.height, size.width}};
}

static nrf_h5_shape with_rows(int64_t rows, nrf_h5_shape shape)
{
  nrf_h5_shape out = {shape.rank + 1, {rows}};
  memcpy(out.dim + 1, shape.dim, (size_t)shape.rank * sizeof *shape.dim);
  return out;
}

/* Reads GROUP/layer_i, or one row of it if rows > 0. */
static nrf_status read_layers(const nrf_h5_file *file, const char *group, int first, int64_t rows,
                              int64_t index, nrf_states *out)
{
  nrf_status st = NRF_OK;
  for (int i = first; i < out->n_layers && st == NRF_OK; i++) {
    const text         name  = text_of("%s/layer_%d", group, i);
    const nrf_h5_shape shape = layer_shape(out, i);
    float             *nchw  = NULL;
    NRF_RETURN_IF_ERROR(nrf_alloc_floats(nrf_states_count(out, i), name.s, &nchw));
    if (rows > 0)
      st = nrf_h5_read_rows(file, name.s, NRF_H5_FLOAT32, with_rows(rows, shape), index, 1, nchw);
    else
      st = nrf_h5_read(file, name.s, NRF_H5_FLOAT32, shape, nchw);
    if (st == NRF_OK) nrf_states_set_nchw(out, i, nchw);
    nrf_free(nchw);
  }
  return st;
}

nrf_status read_states(const nrf_h5_file *file, const char *group, int first, nrf_states *out)
{
  return read_layers(file, group, first, 0, 0, out);
}

nrf_status read_states_row(const nrf_h5_file *file, const char *group, int first, int64_t rows, int64_t index,
                           nrf_states *out)
{
  return read_layers(file, group, first, rows, index, out);
}

nrf_status read_floats(const nrf_h5_file *file, const char *name, nrf_h5_shape shape, float **out)
{
  float *values = NULL;
  *out          = NULL;
  if (nrf_h5_count(shape) < 0) return nrf_error(NRF_ESHAPE, "%s: '%s' is too large", nrf_h5_path(file), name);
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(nrf_h5_count(shape), name, &values));
  const nrf_status st = nrf_h5_read(file, name, NRF_H5_FLOAT32, shape, values);
  if (st != NRF_OK)
    nrf_free(values);
  else
    *out = values;
  return st;
}

/* ---- parameters ------------------------------------------------------------------------------------------ */

/* Modules that the published implementation knows under two names. */
static const struct {
  const char *alias, *name;
} aliases[] = {{".block.0.", ".one_by_one_conv."}, {".block.1.", ".cct_layer."}};

int find_parameter(const nrf_parameters *p, const char *name)
{
  const int found = nrf_parameters_find(p, name);
  if (found >= 0) return found;
  for (size_t k = 0; k < sizeof aliases / sizeof *aliases; k++) {
    const char *at = strstr(name, aliases[k].alias);
    if (at == NULL) continue;
    const text full =
        text_of("%.*s%s%s", (int)(at - name), name, aliases[k].name, at + strlen(aliases[k].alias));
    const int same = nrf_parameters_find(p, full.s);
    /* Under the alias, spectral normalisation's original weight also kept the plain name. */
    return same >= 0 ? same : nrf_parameters_find(p, text_of("%s_orig", full.s).s);
  }
  return -1;
}

nrf_h5_shape parameter_shape(const nrf_parameter *item)
{
  nrf_h5_shape shape = {item->rank, {0}};
  memcpy(shape.dim, item->dim, (size_t)item->rank * sizeof *shape.dim);
  return shape;
}

/* Some names as one text, for an error message. */
typedef struct name_list {
  int  count;
  char text[512];
} name_list;

static void name_list_add(name_list *list, const char *name)
{
  const size_t used = strlen(list->text);
  (void)snprintf(list->text + used, sizeof list->text - used, "%s%s", list->count == 0 ? "" : ", ", name);
  list->count++;
}

/* Reads one tensor; a second name for it must hold the same values. */
static nrf_status read_parameter(const nrf_h5_file *file, const char *name, nrf_parameters *p, int index,
                                 bool again)
{
  const nrf_parameter *item  = &p->item[index];
  float               *value = NULL;
  NRF_RETURN_IF_ERROR(read_floats(file, name, parameter_shape(item), &value));
  const size_t bytes = (size_t)item->count * sizeof(float);
  nrf_status   st    = NRF_OK;
  if (again && memcmp(p->value + item->offset, value, bytes) != 0)
    st = nrf_error(NRF_EFORMAT, "%s: '%s' and another name of the same tensor differ", nrf_h5_path(file),
                   name);
  memcpy(p->value + item->offset, value, bytes);
  nrf_free(value);
  return st;
}

nrf_status read_parameters(const nrf_h5_file *file, const char *group, nrf_parameters *p)
{
  nrf_status     st      = NRF_OK;
  nrf_h5_strings names   = {0, NULL};
  bool          *seen    = NULL;
  name_list      unknown = {0, ""}, missing = {0, ""};
  NRF_TRY(nrf_alloc((size_t)p->n * sizeof *seen, "parameters", (void **)&seen));
  NRF_TRY(nrf_h5_list(file, group, &names));
  for (int64_t k = 0; k < names.count; k++) {
    const int index = find_parameter(p, names.item[k]);
    if (index < 0) {
      name_list_add(&unknown, names.item[k]);
      continue;
    }
    NRF_TRY(read_parameter(file, text_of("%s/%s", group, names.item[k]).s, p, index, seen[index]));
    seen[index] = true;
  }
  for (int j = 0; j < p->n; j++)
    if (!seen[j]) name_list_add(&missing, p->item[j].name);
  if (missing.count > 0 || unknown.count > 0)
    NRF_FAIL(NRF_EFORMAT, "%s: '%s': %d parameters missing%s%s%s, %d unknown%s%s%s", nrf_h5_path(file), group,
             missing.count, missing.count > 0 ? " (" : "", missing.text, missing.count > 0 ? ")" : "",
             unknown.count, unknown.count > 0 ? " (" : "", unknown.text, unknown.count > 0 ? ")" : "");
done:
  nrf_free(seen);
  nrf_h5_strings_free(&names);
  return st;
}

/* ---- cases ----------------------------------------------------------------------------------------------- */

nrf_status check_one_case(const source *s, const char *name, const char *path, case_fn *check)
{
  report_begin_case(s->report, name);
  if (check(s, path) == NRF_OK) return NRF_OK;
  return report_problem(s->report, "the case as a whole", NULL, nrf_error_message());
}

nrf_status for_each_case(const source *s, const char *group, case_fn *check)
{
  nrf_h5_strings names = {0, NULL};
  NRF_RETURN_IF_ERROR(nrf_h5_list(s->file, group, &names));
  nrf_status st = NRF_OK;
  for (int64_t k = 0; k < names.count && st == NRF_OK; k++)
    st = check_one_case(s, names.item[k], text_of("%s/%s", group, names.item[k]).s, check);
  nrf_h5_strings_free(&names);
  return st;
}

/* ---- results --------------------------------------------------------------------------------------------- */

static bool is_among(const char *name, int n, const char *const known[])
{
  for (int k = 0; k < n; k++)
    if (strcmp(name, known[k]) == 0) return true;
  return false;
}

nrf_status report_unknown(const source *s, const char *prefix, const char *name)
{
  const text shown = text_of("%s%s%s", prefix, prefix[0] != '\0' ? "/" : "", name);
  return report_problem(s->report, shown.s, NULL, "unknown name: there is nothing to compare it with");
}

nrf_status compare_members(const source *s, const char *group, const char *quantity, int n,
                           const char *const known[])
{
  nrf_h5_strings names = {0, NULL};
  nrf_status     st    = nrf_h5_list(s->file, group, &names);
  if (st != NRF_OK) return report_problem(s->report, quantity, NULL, nrf_error_message());
  for (int64_t k = 0; k < names.count && st == NRF_OK; k++)
    if (!is_among(names.item[k], n, known)) st = report_unknown(s, quantity, names.item[k]);
  nrf_h5_strings_free(&names);
  return st;
}

nrf_status compare_scalar(const source *s, const char *name, const char *quantity, rule_id rule, double ours)
{
  double reference = 0.0;
  if (nrf_h5_read(s->file, name, NRF_H5_FLOAT64, nrf_h5_scalar(), &reference) != NRF_OK)
    return report_problem(s->report, quantity, NULL, nrf_error_message());
  return report_scalar(s->report, quantity, NULL, rule, ours, reference);
}

/* Reads the reference of a comparison that is complete otherwise. */
static nrf_status compare_with_file(const source *s, const char *name, const char *quantity,
                                    const char *member, rule_id rule, nrf_h5_shape shape, comparison c)
{
  float *reference = NULL;
  if (read_floats(s->file, name, shape, &reference) != NRF_OK)
    return report_problem(s->report, quantity, member, nrf_error_message());
  c.count             = nrf_h5_count(shape);
  c.reference         = reference;
  const nrf_status st = report_arrays(s->report, quantity, member, rule, &c);
  nrf_free(reference);
  return st;
}

nrf_status compare_array(const source *s, const char *name, const char *quantity, rule_id rule,
                         nrf_h5_shape shape, const float *ours, const float *slack)
{
  return compare_with_file(s, name, quantity, NULL, rule, shape,
                           (comparison){.ours = ours, .stride = 1, .slack = slack});
}

nrf_status compare_tensor(const source *s, const char *name, const char *quantity, const char *member,
                          rule_id rule, nrf_h5_shape shape, const float *ours)
{
  return compare_with_file(s, name, quantity, member, rule, shape, (comparison){.ours = ours, .stride = 1});
}

nrf_status compare_layers(const source *s, const char *group, const char *quantity, rule_id rule,
                          const nrf_states *ours, layers_form form)
{
  nrf_status  st = NRF_OK;
  char        names[NRF_MAX_LAYERS][24];
  const char *known[NRF_MAX_LAYERS];
  int64_t     offset = 0;
  for (int i = 0; i < ours->n_layers && st == NRF_OK; i++) {
    const int64_t count = nrf_states_count(ours, i);
    (void)snprintf(names[i], sizeof names[i], "layer_%d", i);
    known[i] = names[i];
    if (i >= form.first) {
      float       *nchw  = NULL;
      nrf_h5_shape shape = layer_shape(ours, i);
      if (form.flat) shape = (nrf_h5_shape){2, {ours->batch, nrf_layer_units(ours->size[i])}};
      NRF_RETURN_IF_ERROR(nrf_alloc_floats(count, quantity, &nchw));
      nrf_states_get_nchw(ours, i, nchw);
      for (int64_t e = 0; e < count; e++) nchw[e] *= form.sign;
      st = compare_array(s, text_of("%s/%s", group, names[i]).s, text_of("%s/%s", quantity, names[i]).s, rule,
                         shape, nchw, form.slack != NULL ? form.slack + offset : NULL);
      nrf_free(nchw);
    }
    offset += count;
  }
  if (st != NRF_OK || !has_group(s->file, group)) return st;
  return compare_members(s, group, quantity, ours->n_layers - form.first, known + form.first);
}

static double norm_of(int64_t count, const float *a, const float *minus)
{
  double squares = 0.0;
  for (int64_t e = 0; e < count; e++) {
    const double x = (double)a[e] - (minus != NULL ? (double)minus[e] : 0.0);
    squares += x * x;
  }
  return sqrt(squares);
}

/* The norm of a whole tensor of which the file holds a sample. That of an updated parameter hardly moves: as with its
 * elements, what counts is the error relative to the change. */
static nrf_status compare_full_norm(const source *s, const char *name, const char *quantity,
                                    const char *member, rule_id rule, int64_t count, const float *ours,
                                    const float *before)
{
  double reference = 0.0;
  if (nrf_h5_read_attribute_double(s->file, name, "full_l2_norm", &reference) != NRF_OK)
    return report_problem(s->report, quantity, member, nrf_error_message());
  const double norm = norm_of(count, ours, NULL);
  const double size = before == NULL ? reference : norm_of(count, ours, before) + PARAMETER_ROUNDING * norm;
  return report_norm(s->report, quantity, member, rule, norm, reference, size);
}

static nrf_status compare_parameter(const source *s, const char *name, const char *quantity, rule_id rule,
                                    const nrf_parameter *item, parameter_arrays arrays)
{
  int64_t      stride = 1;
  nrf_h5_shape shape  = parameter_shape(item);
  if (nrf_h5_has_attribute(s->file, name, "sampled_every")) {
    if (nrf_h5_read_attribute_int64(s->file, name, "sampled_every", &stride) != NRF_OK)
      return report_problem(s->report, quantity, item->name, nrf_error_message());
    if (stride < 1) return report_problem(s->report, quantity, item->name, "sampled_every is below 1");
    shape = nrf_h5_vector((item->count - 1) / stride + 1);
  }
  const int64_t    at = item->offset;
  const comparison c  = {.ours   = arrays.ours + at,
                         .stride = stride,
                         .before = arrays.before != NULL ? arrays.before + at : NULL,
                         .slack  = arrays.slack != NULL ? arrays.slack + at : NULL,
                         .terms  = arrays.terms != NULL ? arrays.terms + at : NULL};
  nrf_status       st = compare_with_file(s, name, quantity, item->name, rule, shape, c);
  if (st == NRF_OK && nrf_h5_has_attribute(s->file, name, "full_l2_norm"))
    st = compare_full_norm(s, name, text_of("%s, norms", quantity).s, item->name, rule, item->count, c.ours,
                           c.before);
  return st;
}

nrf_status compare_parameters(const source *s, const char *group, const char *quantity, rule_id rule,
                              const nrf_parameters *p, parameter_arrays arrays)
{
  nrf_status     st    = NRF_OK;
  nrf_h5_strings names = {0, NULL};
  bool          *seen  = NULL;
  if (nrf_h5_list(s->file, group, &names) != NRF_OK)
    return report_problem(s->report, quantity, NULL, nrf_error_message());
  NRF_TRY(nrf_alloc((size_t)p->n * sizeof *seen, "parameters", (void **)&seen));
  /* Other names of a tensor that was compared are compared too, and fall into the same row. */
  for (int64_t k = 0; k < names.count; k++) {
    const int index = find_parameter(p, names.item[k]);
    if (index < 0 || !p->item[index].trainable) {
      NRF_TRY(report_problem(s->report, quantity, names.item[k], "no such trainable parameter"));
      continue;
    }
    NRF_TRY(compare_parameter(s, text_of("%s/%s", group, names.item[k]).s, quantity, rule, &p->item[index],
                              arrays));
    seen[index] = true;
  }
  for (int j = 0; j < p->n; j++)
    if (p->item[j].trainable && !seen[j])
      NRF_TRY(report_problem(s->report, quantity, p->item[j].name, "missing from the file"));
done:
  nrf_free(seen);
  nrf_h5_strings_free(&names);
  return st;
}

/* ---- the order of parameters ----------------------------------------------------------------------------- */

/* Whether the list names the trainable parameters, each once, in their order. */
static bool is_order_of(const json_t *list, const nrf_parameters *p, text *difference)
{
  size_t at = 0;
  for (int j = 0; j < p->n; j++) {
    if (!p->item[j].trainable) continue;
    const char *name = json_string_value(json_array_get(list, at));
    if (name == NULL || find_parameter(p, name) != j) {
      *difference =
          text_of("number %zu is %s, ours is %s", at, name != NULL ? name : "missing", p->item[j].name);
      return false;
    }
    at++;
  }
  *difference = text_of("there are %zu names for %zu parameters", json_array_size(list), at);
  return json_array_size(list) == at;
}

nrf_status compare_parameter_order(const source *s, const char *object, const nrf_parameters *p)
{
  static const char *const attribute = "trainable_parameter_names_in_order_json";
  static const char *const quantity  = "order of parameters";
  if (!nrf_h5_has_attribute(s->file, object, attribute)) return NRF_OK;
  char *json = NULL;
  if (nrf_h5_read_attribute_string(s->file, object, attribute, &json) != NRF_OK)
    return report_problem(s->report, quantity, NULL, nrf_error_message());
  json_t *list = json_loads(json, 0, NULL);
  nrf_free(json);
  text       difference;
  nrf_status st;
  if (!json_is_array(list))
    st = report_problem(s->report, quantity, NULL, "the attribute is no JSON list");
  else if (is_order_of(list, p, &difference))
    st = report_fact(s->report, quantity, true);
  else
    st = report_problem(s->report, quantity, NULL, difference.s);
  json_decref(list);
  return st;
}
