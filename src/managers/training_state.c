/* training_state.c - a whole training run, to and from a checkpoint. checkpoint.h says what stands where. */
#include "managers/training_state.h"

#include "managers/checkpoint_format.h"
#include "nrflv/memory.h"

#include <stdio.h>
#include <string.h>

static const char progress_group[] = "/progress";

enum { NAME_BYTES = 96, BUFFER_PIECE = 64 /* samples that go through memory at a time */ };

/* ---- /progress ---- */

typedef enum field_type { INT64, INT, DOUBLE } field_type;

/* Attributes of /progress, for writing and reading. Ranges are checked by check_position. */
static const struct {
  const char *name;
  field_type  type;
  size_t      offset; /* in nrf_trainer */
} progress_fields[] = {
    {"epoch", INT64, offsetof(nrf_trainer, at.epoch)},
    {"batch_in_epoch", INT64, offsetof(nrf_trainer, at.batch_in_epoch)},
    {"batches", INT64, offsetof(nrf_trainer, at.batches)},
    {"sampler_steps", INT64, offsetof(nrf_trainer, at.sampler_steps)},
    {"phase_length", INT64, offsetof(nrf_trainer, at.phase_length)},
    {"phase_step", INT64, offsetof(nrf_trainer, at.phase_step)},
    {"num_it_neg", INT64, offsetof(nrf_trainer, negative_length.steps)},
    {"num_it_neg_cooldown", INT, offsetof(nrf_trainer, negative_length.cooldown)},
    {"loss", DOUBLE, offsetof(nrf_trainer, last.loss)},
    {"positive_energy", DOUBLE, offsetof(nrf_trainer, last.positive_energy)},
    {"negative_energy", DOUBLE, offsetof(nrf_trainer, last.negative_energy)},
    {"initializer_loss", DOUBLE, offsetof(nrf_trainer, last.initialiser_loss)},
    {"positive_steps", INT64, offsetof(nrf_trainer, last.positive_steps)},
    {"negative_steps", INT64, offsetof(nrf_trainer, last.negative_steps)},
};

enum { PROGRESS_FIELDS = sizeof progress_fields / sizeof *progress_fields };

static nrf_status write_history(nrf_h5_file *file, const char *name, const nrf_energy_history *h)
{
  char path[NAME_BYTES];
  (void)snprintf(path, sizeof path, "%s/energy_history/%s", progress_group, name);
  NRF_RETURN_IF_ERROR(
      nrf_h5_write(file, path, NRF_H5_FLOAT64, nrf_h5_vector(h->count), NRF_H5_PLAIN, h->energy));
  return nrf_h5_write_attribute_int64(file, path, "next", h->next);
}

static nrf_status read_history(const nrf_h5_file *file, const char *name, nrf_energy_history *h)
{
  char         path[NAME_BYTES];
  nrf_h5_shape shape;
  int64_t      next;
  (void)snprintf(path, sizeof path, "%s/energy_history/%s", progress_group, name);
  NRF_RETURN_IF_ERROR(nrf_h5_dataset_shape(file, path, &shape));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, path, "next", &next));
  if (shape.rank != 1 || shape.dim[0] > NRF_LENGTH_HISTORY || next < 0 || next >= NRF_LENGTH_HISTORY)
    return nrf_error(NRF_EFORMAT, "%s: '%s' is not a history of at most %d energies", nrf_h5_path(file), path,
                     NRF_LENGTH_HISTORY);
  h->count = (int)shape.dim[0];
  h->next  = (int)next;
  return nrf_h5_read(file, path, NRF_H5_FLOAT64, shape, h->energy);
}

static nrf_status write_progress(nrf_h5_file *file, const nrf_trainer *t, int64_t images)
{
  NRF_RETURN_IF_ERROR(nrf_h5_make_group(file, progress_group));
  for (int i = 0; i < PROGRESS_FIELDS; i++) {
    const char *name  = progress_fields[i].name;
    const void *field = (const char *)t + progress_fields[i].offset;
    if (progress_fields[i].type == DOUBLE)
      NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_double(file, progress_group, name, *(const double *)field));
    else
      NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_int64(
          file, progress_group, name,
          progress_fields[i].type == INT ? *(const int *)field : *(const int64_t *)field));
  }
  NRF_RETURN_IF_ERROR(
      nrf_h5_write_attribute_string(file, progress_group, "part", nrf_batch_part_name(t->at.part)));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_int64(file, progress_group, "training_images", images));
  NRF_RETURN_IF_ERROR(write_history(file, "positive", &t->negative_length.positive));
  return write_history(file, "negative", &t->negative_length.negative);
}

static nrf_status read_part(const nrf_h5_file *file, nrf_batch_part *out)
{
  char      *text = NULL;
  nrf_status st   = NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, progress_group, "part", &text));
  int part = 0;
  while (part < NRF_BATCH_PARTS && strcmp(text, nrf_batch_part_name((nrf_batch_part)part)) != 0) part++;
  if (part == NRF_BATCH_PARTS)
    st = nrf_error(NRF_EFORMAT, "%s: %s: part '%s' is not known", nrf_h5_path(file), progress_group, text);
  else
    *out = (nrf_batch_part)part;
  nrf_free(text);
  return st;
}

/* Numbers from a file must not lead anywhere. */
static nrf_status check_position(const nrf_h5_file *file, const nrf_trainer *t)
{
  const nrf_train_position *at = &t->at;
  const bool counts = at->epoch >= 0 && at->batch_in_epoch >= 0 && at->batches >= 0 && at->sampler_steps >= 0;
  const bool phase  = at->phase_step >= 0 && at->phase_step <= at->phase_length;
  const bool length = t->negative_length.steps >= 1 && t->negative_length.cooldown >= 0;
  if (counts && phase && length) return NRF_OK;
  return nrf_error(NRF_EFORMAT, "%s: %s holds impossible numbers", nrf_h5_path(file), progress_group);
}

static nrf_status read_field(const nrf_h5_file *file, int i, nrf_trainer *t)
{
  void   *field = (char *)t + progress_fields[i].offset;
  int64_t value;
  if (progress_fields[i].type == DOUBLE)
    return nrf_h5_read_attribute_double(file, progress_group, progress_fields[i].name, field);
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, progress_group, progress_fields[i].name, &value));
  if (progress_fields[i].type == INT64)
    *(int64_t *)field = value;
  else if (value >= INT32_MIN && value <= INT32_MAX)
    *(int *)field = (int)value;
  else
    return nrf_error(NRF_EFORMAT, "%s: %s: %s is %lld", nrf_h5_path(file), progress_group,
                     progress_fields[i].name, (long long)value);
  return NRF_OK;
}

static nrf_status read_progress(const nrf_h5_file *file, nrf_trainer *t)
{
  for (int i = 0; i < PROGRESS_FIELDS; i++) NRF_RETURN_IF_ERROR(read_field(file, i, t));
  NRF_RETURN_IF_ERROR(read_part(file, &t->at.part));
  NRF_RETURN_IF_ERROR(read_history(file, "positive", &t->negative_length.positive));
  NRF_RETURN_IF_ERROR(read_history(file, "negative", &t->negative_length.negative));
  return check_position(file, t);
}

/* ---- networks and their optimisers ---- */

static const char *const optimizer_kinds[] = {
    [NRF_WEIGHTS_ADAM] = "adam", [NRF_WEIGHTS_SGD] = "sgd", [NRF_WEIGHTS_NESTEROV] = "nesterov"};

static void moment_group(const nrf_weight_optimizer *o, const char *group, char name[NAME_BYTES])
{
  (void)snprintf(name, NAME_BYTES, "%s/%s", group,
                 o->kind == NRF_WEIGHTS_ADAM ? "exp_avg_sq" : "momentum_buffer");
}

static nrf_status write_network(nrf_h5_file *file, nrf_checkpoint_network which, const nrf_parameters *p,
                                const nrf_weight_optimizer *o)
{
  const char *group = nrf_checkpoint_optimizer_group[which];
  char        name[NAME_BYTES];
  (void)snprintf(name, sizeof name, "%s/parameters", nrf_checkpoint_group[which]);
  NRF_RETURN_IF_ERROR(nrf_checkpoint_write_flat(file, name, p, p->value));
  moment_group(o, group, name);
  NRF_RETURN_IF_ERROR(nrf_checkpoint_write_flat(file, name, p, o->moment));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_string(file, group, "kind", optimizer_kinds[o->kind]));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_double(file, group, "learning_rate", o->learning_rate));
  return nrf_h5_write_attribute_int64(file, group, "step", o->step);
}

static nrf_status is_of_kind(const nrf_h5_file *file, const char *group, nrf_weight_optimizer_kind kind,
                             bool *same)
{
  char *text = NULL;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, group, "kind", &text));
  *same = strcmp(text, optimizer_kinds[kind]) == 0;
  nrf_free(text);
  return NRF_OK;
}

static nrf_status read_optimizer(const nrf_h5_file *file, const char *group, const nrf_parameters *p,
                                 const nrf_progress *progress, nrf_weight_optimizer *o)
{
  bool same;
  char name[NAME_BYTES];
  NRF_RETURN_IF_ERROR(is_of_kind(file, group, o->kind, &same));
  if (!same) {
    nrf_progress_message(progress, NRF_INFO, "%s: saved by another optimiser than %s, which starts afresh",
                         group + 1, optimizer_kinds[o->kind]);
    return NRF_OK;
  }
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, group, "step", &o->step));
  if (o->step < 0)
    return nrf_error(NRF_EFORMAT, "%s: %s: step is %lld", nrf_h5_path(file), group, (long long)o->step);
  moment_group(o, group, name);
  return nrf_checkpoint_read_flat(file, name, p, o->moment);
}

static nrf_status read_model(const nrf_checkpoint *c, const nrf_progress *progress, nrf_trainer *t)
{
  nrf_parameters *p = nrf_energy_model_parameters(t->model);
  NRF_RETURN_IF_ERROR(nrf_checkpoint_read_parameters(c, NRF_CHECKPOINT_MODEL, p));
  nrf_energy_model_parameters_changed(t->model);
  return read_optimizer(nrf_checkpoint_file(c), nrf_checkpoint_optimizer_group[NRF_CHECKPOINT_MODEL], p,
                        progress, t->model_optimizer);
}

static nrf_status read_initialiser(const nrf_checkpoint *c, const nrf_progress *progress, nrf_trainer *t)
{
  if (t->initialiser == NULL) return NRF_OK;
  if (!nrf_h5_exists(nrf_checkpoint_file(c), nrf_checkpoint_group[NRF_CHECKPOINT_INITIALISER])) {
    nrf_progress_message(progress, NRF_INFO, "%s holds no initialiser network: it starts afresh",
                         nrf_checkpoint_path(c));
    return NRF_OK;
  }
  nrf_parameters *p = nrf_initialiser_parameters(t->initialiser);
  NRF_RETURN_IF_ERROR(nrf_checkpoint_read_parameters(c, NRF_CHECKPOINT_INITIALISER, p));
  nrf_initialiser_parameters_changed(t->initialiser);
  return read_optimizer(nrf_checkpoint_file(c), nrf_checkpoint_optimizer_group[NRF_CHECKPOINT_INITIALISER], p,
                        progress, t->initialiser_optimizer);
}

/* ---- states ---- */

static nrf_h5_shape layer_shape(int64_t images, nrf_layer_size size)
{
  return (nrf_h5_shape){4, {images, size.channels, size.height, size.width}};
}

static void layer_name(const char *group, int layer, char name[NAME_BYTES])
{
  (void)snprintf(name, NAME_BYTES, "%s/layer_%d", group, layer);
}

/* Room for one layer in the files' order. */
static nrf_status alloc_for_layers(const nrf_states *s, float **out)
{
  int64_t most = 0;
  for (int i = 0; i < s->n_layers; i++)
    if (nrf_states_count(s, i) > most) most = nrf_states_count(s, i);
  return nrf_alloc_floats(most, "states in the order of files", out);
}

static nrf_status write_states(nrf_h5_file *file, const char *group, const nrf_states *s)
{
  nrf_status st = NRF_OK;
  float     *nchw;
  char       name[NAME_BYTES];
  NRF_RETURN_IF_ERROR(alloc_for_layers(s, &nchw));
  for (int i = 0; i < s->n_layers; i++) {
    layer_name(group, i, name);
    nrf_states_get_nchw(s, i, nchw);
    NRF_TRY(
        nrf_h5_write(file, name, NRF_H5_FLOAT32, layer_shape(s->batch, s->size[i]), NRF_H5_CHECKED, nchw));
  }
done:
  nrf_free(nchw);
  return st;
}

static nrf_status read_states(const nrf_h5_file *file, const char *group, nrf_states *s)
{
  nrf_status st = NRF_OK;
  float     *nchw;
  char       name[NAME_BYTES];
  NRF_RETURN_IF_ERROR(alloc_for_layers(s, &nchw));
  for (int i = 0; i < s->n_layers; i++) {
    layer_name(group, i, name);
    NRF_TRY(nrf_h5_read(file, name, NRF_H5_FLOAT32, layer_shape(s->batch, s->size[i]), nchw));
    nrf_states_set_nchw(s, i, nchw);
  }
done:
  nrf_free(nchw);
  return st;
}

/* ---- a batch under way, and what --initializer previous needs ---- */

static const char positive_group[] = "/states/positive", negative_group[] = "/states/negative",
                  sampler_group[] = "/sampler", settling_name[] = "/sampler/phase_energies";

static const char *const memory_names[NRF_MEMORY_KINDS] = {[NRF_MEMORY_MOMENTUM] = "momentum",
                                                           [NRF_MEMORY_TAU]      = "tau",
                                                           [NRF_MEMORY_G]        = "g",
                                                           [NRF_MEMORY_V_HAT]    = "v_hat"};

static nrf_status write_sampler(nrf_h5_file *file, const nrf_trainer *t)
{
  nrf_state_optimizer *o = nrf_sampler_optimizer(t->sampler);
  NRF_RETURN_IF_ERROR(nrf_h5_make_group(file, sampler_group));
  NRF_RETURN_IF_ERROR(
      nrf_h5_write_attribute_int64(file, sampler_group, "steps", nrf_state_optimizer_steps_done(o)));
  for (int kind = 0; kind < NRF_MEMORY_KINDS; kind++) {
    const nrf_states *memory = nrf_state_optimizer_memory(o, (nrf_state_memory)kind);
    char              group[NAME_BYTES];
    (void)snprintf(group, sizeof group, "%s/%s", sampler_group, memory_names[kind]);
    if (memory != NULL) NRF_RETURN_IF_ERROR(write_states(file, group, memory));
  }
  return NRF_OK;
}

static nrf_status read_sampler(const nrf_h5_file *file, nrf_trainer *t)
{
  nrf_state_optimizer *o = nrf_sampler_optimizer(t->sampler);
  int64_t              steps;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, sampler_group, "steps", &steps));
  if (steps < 0)
    return nrf_error(NRF_EFORMAT, "%s: %s: steps is %lld", nrf_h5_path(file), sampler_group,
                     (long long)steps);
  nrf_state_optimizer_set_steps_done(o, steps);
  for (int kind = 0; kind < NRF_MEMORY_KINDS; kind++) {
    nrf_states *memory = nrf_state_optimizer_memory(o, (nrf_state_memory)kind);
    char        group[NAME_BYTES];
    (void)snprintf(group, sizeof group, "%s/%s", sampler_group, memory_names[kind]);
    if (memory != NULL) NRF_RETURN_IF_ERROR(read_states(file, group, memory));
  }
  return NRF_OK;
}

static bool truncation_counts(const nrf_trainer *t)
{
  return t->truncation != NULL && t->at.part == NRF_POSITIVE_PHASE;
}

static int64_t energies_kept(const nrf_truncation *n)
{
  return n->seen < n->length ? n->seen : n->length;
}

static nrf_status write_truncation(nrf_h5_file *file, const nrf_truncation *n)
{
  NRF_RETURN_IF_ERROR(nrf_h5_write(file, settling_name, NRF_H5_FLOAT64, nrf_h5_vector(energies_kept(n)),
                                   NRF_H5_PLAIN, n->energy));
  return nrf_h5_write_attribute_int64(file, settling_name, "seen", n->seen);
}

static nrf_status read_truncation(const nrf_h5_file *file, nrf_truncation *n)
{
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, settling_name, "seen", &n->seen));
  if (n->seen < 0)
    return nrf_error(NRF_EFORMAT, "%s: '%s': seen is %lld", nrf_h5_path(file), settling_name,
                     (long long)n->seen);
  return nrf_h5_read(file, settling_name, NRF_H5_FLOAT64, nrf_h5_vector(energies_kept(n)), n->energy);
}

static bool needs_previous(const nrf_trainer *t)
{
  return t->has_previous && strcmp(t->settings.initializer, "previous") == 0;
}

static nrf_status write_batch(nrf_h5_file *file, const nrf_trainer *t)
{
  const bool half_done = t->at.part != NRF_BETWEEN_BATCHES;
  if (half_done || needs_previous(t)) NRF_RETURN_IF_ERROR(write_states(file, positive_group, t->positive));
  if (t->at.part == NRF_NEGATIVE_PHASE) NRF_RETURN_IF_ERROR(write_states(file, negative_group, t->negative));
  if (half_done) NRF_RETURN_IF_ERROR(write_sampler(file, t));
  return truncation_counts(t) ? write_truncation(file, t->truncation) : NRF_OK;
}

/* Whether what was sampled in the batch under way is of use with the present settings. */
static bool batch_fits(const nrf_settings *saved, const nrf_settings *now)
{
  return saved->batch_size == now->batch_size && strcmp(saved->state_optimizer, now->state_optimizer) == 0 &&
         saved->truncate_pos_its == now->truncate_pos_its &&
         saved->trunc_pos_history_len == now->trunc_pos_history_len;
}

static nrf_status read_batch(const nrf_checkpoint *c, const nrf_progress *progress, nrf_trainer *t)
{
  const nrf_h5_file *file = nrf_checkpoint_file(c);
  const bool         fits = batch_fits(nrf_checkpoint_settings(c), &t->settings);
  if (!fits && t->at.part != NRF_BETWEEN_BATCHES) {
    nrf_progress_message(progress, NRF_INFO,
                         "batch %lld was left half done with other settings: it begins again",
                         (long long)t->at.batches);
    t->at.part = NRF_BETWEEN_BATCHES;
  }
  if (fits && nrf_h5_exists(file, positive_group)) {
    NRF_RETURN_IF_ERROR(read_states(file, positive_group, t->positive));
    t->has_previous = t->at.batches > 0;
  }
  if (t->at.part == NRF_NEGATIVE_PHASE) NRF_RETURN_IF_ERROR(read_states(file, negative_group, t->negative));
  if (t->at.part != NRF_BETWEEN_BATCHES) NRF_RETURN_IF_ERROR(read_sampler(file, t));
  return truncation_counts(t) ? read_truncation(file, t->truncation) : NRF_OK;
}

/* ---- /replay_buffer: up to 1.5 GB for the thesis model, so it passes in pieces ---- */

static const char buffer_group[] = "/replay_buffer";

/* Samples first .. first + rows - 1 by age, one layer of each, in the files' order. */
static void gather(const nrf_replay_buffer *b, int layer, int64_t first, int64_t rows, nrf_states *piece,
                   float *nchw)
{
  const int64_t units = nrf_layer_units(piece->size[layer]);
  for (int64_t k = 0; k < rows; k++)
    memcpy(piece->data[layer] + k * units, nrf_replay_buffer_sample(b, first + k, layer),
           (size_t)units * sizeof(float));
  nrf_states_get_nchw(piece, layer, nchw);
}

static int64_t rows_from(int64_t first, int64_t count)
{
  return count - first < BUFFER_PIECE ? count - first : BUFFER_PIECE;
}

static nrf_status create_piece(const nrf_architecture *a, nrf_states **piece, float **nchw)
{
  NRF_RETURN_IF_ERROR(nrf_states_create(a->n_layers, a->size, BUFFER_PIECE, piece));
  return alloc_for_layers(*piece, nchw);
}

static nrf_status write_buffer(nrf_h5_file *file, const nrf_trainer *t)
{
  nrf_status     st     = NRF_OK;
  const int64_t  count  = nrf_replay_buffer_count(t->buffer);
  const uint64_t pushed = nrf_replay_buffer_pushed(t->buffer);
  nrf_states    *piece  = NULL;
  float         *nchw   = NULL;
  char           name[NAME_BYTES];
  NRF_TRY(nrf_h5_make_group(file, buffer_group));
  NRF_TRY(nrf_h5_write_attribute(file, buffer_group, "pushed", NRF_H5_UINT64, nrf_h5_scalar(), &pushed));
  NRF_TRY(create_piece(&t->architecture, &piece, &nchw));
  for (int i = 0; i < t->architecture.n_layers; i++) {
    layer_name(buffer_group, i, name);
    NRF_TRY(nrf_h5_create_dataset(file, name, NRF_H5_FLOAT32, layer_shape(count, t->architecture.size[i]),
                                  NRF_H5_CHECKED));
    for (int64_t first = 0; first < count; first += BUFFER_PIECE) {
      gather(t->buffer, i, first, rows_from(first, count), piece, nchw);
      NRF_TRY(nrf_h5_write_rows(file, name, NRF_H5_FLOAT32, first, rows_from(first, count), nchw));
    }
  }
done:
  nrf_states_free(piece);
  nrf_free(nchw);
  return st;
}

static nrf_status buffer_count(const nrf_h5_file *file, uint64_t *pushed, int64_t *count)
{
  nrf_h5_shape shape;
  char         name[NAME_BYTES];
  layer_name(buffer_group, 0, name);
  NRF_RETURN_IF_ERROR(
      nrf_h5_read_attribute(file, buffer_group, "pushed", NRF_H5_UINT64, nrf_h5_scalar(), pushed));
  NRF_RETURN_IF_ERROR(nrf_h5_dataset_shape(file, name, &shape));
  *count = shape.rank > 0 ? shape.dim[0] : -1;
  if (*count >= 0 && *count <= NRF_REPLAY_CAPACITY && (uint64_t)*count <= *pushed) return NRF_OK;
  return nrf_error(NRF_EFORMAT, "%s: '%s' is not a buffer of at most %d samples", nrf_h5_path(file), name,
                   NRF_REPLAY_CAPACITY);
}

static nrf_status append_piece(const nrf_states *piece, int64_t rows, nrf_replay_buffer *b)
{
  for (int64_t k = 0; k < rows; k++) {
    const float *layer[NRF_MAX_LAYERS];
    for (int i = 0; i < piece->n_layers; i++) layer[i] = piece->data[i] + k * nrf_layer_units(piece->size[i]);
    NRF_RETURN_IF_ERROR(nrf_replay_buffer_append(b, layer));
  }
  return NRF_OK;
}

static nrf_status read_buffer(const nrf_h5_file *file, nrf_trainer *t)
{
  nrf_status  st    = NRF_OK;
  nrf_states *piece = NULL;
  float      *nchw  = NULL;
  uint64_t    pushed;
  int64_t     count;
  char        name[NAME_BYTES];
  NRF_TRY(buffer_count(file, &pushed, &count));
  NRF_TRY(create_piece(&t->architecture, &piece, &nchw));
  nrf_replay_buffer_empty(t->buffer, pushed - (uint64_t)count);
  for (int64_t first = 0; first < count; first += BUFFER_PIECE) {
    const int64_t rows = rows_from(first, count);
    for (int i = 0; i < t->architecture.n_layers; i++) {
      layer_name(buffer_group, i, name);
      NRF_TRY(nrf_h5_read_rows(file, name, NRF_H5_FLOAT32, layer_shape(count, t->architecture.size[i]), first,
                               rows, nchw));
      nrf_states_set_nchw(piece, i, nchw);
    }
    NRF_TRY(append_piece(piece, rows, t->buffer));
  }
done:
  nrf_states_free(piece);
  nrf_free(nchw);
  return st;
}

/* ---- the whole ---- */

nrf_status nrf_training_save(const char *path, const nrf_trainer *t, int64_t images)
{
  nrf_status   st   = NRF_OK;
  nrf_h5_file *file = NULL;
  NRF_TRY(nrf_h5_create(path, &file));
  NRF_TRY(nrf_checkpoint_write_head(file, &t->settings, &t->architecture));
  NRF_TRY(write_progress(file, t, images));
  NRF_TRY(
      write_network(file, NRF_CHECKPOINT_MODEL, nrf_energy_model_parameters(t->model), t->model_optimizer));
  if (t->initialiser != NULL)
    NRF_TRY(write_network(file, NRF_CHECKPOINT_INITIALISER, nrf_initialiser_parameters(t->initialiser),
                          t->initialiser_optimizer));
  NRF_TRY(write_buffer(file, t));
  NRF_TRY(write_batch(file, t));
  NRF_TRY(nrf_h5_commit(file));
done:
  nrf_h5_free(file);
  return st;
}

static nrf_status check_architecture(const nrf_checkpoint *c, const nrf_architecture *a)
{
  char difference[256];
  if (nrf_architecture_equal(nrf_checkpoint_architecture(c), a, difference, sizeof difference)) return NRF_OK;
  return nrf_error(NRF_ESHAPE, "%s: was trained with another architecture than %s: %s",
                   nrf_checkpoint_path(c), a->name, difference);
}

static nrf_status check_images(const nrf_checkpoint *c, int64_t images, const nrf_progress *progress)
{
  int64_t saved;
  NRF_RETURN_IF_ERROR(
      nrf_h5_read_attribute_int64(nrf_checkpoint_file(c), progress_group, "training_images", &saved));
  if (saved != images)
    nrf_progress_message(
        progress, NRF_WARNING,
        "%s was trained on %lld images, now there are %lld: the run goes on, but not as it would have",
        nrf_checkpoint_path(c), (long long)saved, (long long)images);
  return NRF_OK;
}

nrf_status nrf_training_restore(const nrf_checkpoint *c, int64_t images, const nrf_progress *progress,
                                nrf_trainer *t)
{
  const nrf_h5_file *file = nrf_checkpoint_file(c);
  NRF_RETURN_IF_ERROR(check_architecture(c, &t->architecture));
  NRF_RETURN_IF_ERROR(check_images(c, images, progress));
  NRF_RETURN_IF_ERROR(read_model(c, progress, t));
  NRF_RETURN_IF_ERROR(read_initialiser(c, progress, t));
  NRF_RETURN_IF_ERROR(read_progress(file, t));
  if (nrf_checkpoint_settings(c)->num_it_neg != t->settings.num_it_neg)
    t->negative_length = nrf_negative_length_start(t->settings.num_it_neg);
  NRF_RETURN_IF_ERROR(read_buffer(file, t));
  return read_batch(c, progress, t);
}

int64_t nrf_training_bytes(const nrf_trainer *t)
{
  int64_t units = 0, floats = 2 * nrf_energy_model_parameters(t->model)->count;
  for (int i = 0; i < t->architecture.n_layers; i++) units += nrf_layer_units(t->architecture.size[i]);
  if (t->initialiser != NULL) floats += 2 * nrf_initialiser_parameters(t->initialiser)->count;
  floats += units * nrf_replay_buffer_count(t->buffer);
  if (t->at.part != NRF_BETWEEN_BATCHES) floats += units * t->settings.batch_size * (2 + NRF_MEMORY_KINDS);
  return floats * (int64_t)sizeof(float);
}
