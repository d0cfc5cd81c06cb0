/* experiment_plan.c - from settings and a model to what is recorded of each experiment. */
#include "managers/experiment_plan.h"

#include "managers/experiment_reduce.h"
#include "managers/setup.h"
#include "nrflv/dataset.h"
#include "nrflv/index_list.h"
#include "nrflv/memory.h"
#include "nrflv/state_optimizer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- settings ---- */

static bool is_named(const nrf_name_list *list, const char *name)
{
  for (int i = 0; i < list->count; i++)
    if (strcmp(list->name[i], name) == 0) return true;
  return false;
}

static bool is_given(const nrf_settings *s, const char *option)
{
  return s->given[nrf_setting_index(nrf_setting_find(option))];
}

/* What of the model's settings means nothing here. */
static nrf_status adapt_settings(nrf_settings *s, const nrf_progress *progress)
{
  if (is_named(&s->override_loaded, "batch_size") && s->batch_size != NRF_EXPERIMENT_BATCH)
    return nrf_error(NRF_EINVAL, "--batch_size %d: experiments show all %d images of a stimulus set at once",
                     s->batch_size, NRF_EXPERIMENT_BATCH);
  if (strcmp(s->initializer, "previous") != 0) return NRF_OK;
  nrf_progress_message(progress, NRF_INFO,
                       "--initializer previous: nothing precedes an experiment, latent layers start at 0");
  return nrf_settings_set_text(s, nrf_setting_find("initializer"), "zeros");
}

/* What else decides the numbers: the model's own settings, and how convolutions are rounded. */
static bool describes_the_run(const nrf_setting *row)
{
  return nrf_setting_is_saved(row) || strcmp(row->name, "conv_algorithm") == 0 ||
         strcmp(row->name, "plain_graph") == 0;
}

static nrf_status list_settings(nrf_experiment_plan *plan)
{
  int                count, n = 0;
  const nrf_setting *rows  = nrf_setting_table(&count);
  size_t             bytes = 0;
  char               text[NRF_SETTING_TEXT_MAX];
  for (int i = 0; i < count; i++)
    if (describes_the_run(&rows[i]))
      bytes += strlen(nrf_settings_get_text(&plan->settings, &rows[i], text)) + 1;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)count * sizeof *plan->setting, "settings", (void **)&plan->setting));
  NRF_RETURN_IF_ERROR(nrf_alloc(bytes, "settings", (void **)&plan->setting_texts));
  char *next = plan->setting_texts;
  for (int i = 0; i < count; i++) {
    if (!describes_the_run(&rows[i])) continue;
    const size_t length = strlen(nrf_settings_get_text(&plan->settings, &rows[i], text)) + 1;
    plan->setting[n++]  = (nrf_recording_setting){rows[i].name, memcpy(next, text, length)};
    next += length;
  }
  plan->n_settings = n;
  nrf_md5 md5;
  nrf_md5_init(&md5);
  nrf_md5_update(&md5, plan->setting_texts, bytes);
  nrf_md5_final(&md5, plan->settings_hash);
  return NRF_OK;
}

/* ---- what is recorded: variables, images, layers, channels, regions ---- */

/* Momenta that there are not: an error if they were asked for, else left out. */
static nrf_status choose_variables(nrf_experiment_plan *plan, const nrf_progress *progress)
{
  const nrf_settings      *s = &plan->settings;
  nrf_state_optimizer_kind kind;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    plan->variable[v] =
        plan->reduce ? v == NRF_RECORD_STATE || v == NRF_RECORD_MOMENTUM
                     : is_named(&s->record_variables, nrf_record_variable_name((nrf_record_variable)v));
  NRF_RETURN_IF_ERROR(nrf_state_optimizer_kind_of(s->state_optimizer, &kind));
  if (!plan->variable[NRF_RECORD_MOMENTUM] || nrf_state_optimizer_remembers(kind, NRF_MEMORY_MOMENTUM))
    return NRF_OK;
  if (is_given(s, "record_variables"))
    return nrf_error(NRF_EINVAL, "--record_variables: the model's --state_optimizer %s has no momentum",
                     s->state_optimizer);
  nrf_progress_message(progress, NRF_INFO, "--state_optimizer %s has no momentum: it is not recorded",
                       s->state_optimizer);
  plan->variable[NRF_RECORD_MOMENTUM] = false;
  return NRF_OK;
}

static nrf_status choose_region(const nrf_name_list *region, int number, nrf_layer_size size,
                                nrf_recorded_layer *out)
{
  static const char option[] = "record_region";
  int               first[2] = {0, 0}, last[2] = {size.height - 1, size.width - 1};
  const int         whole[2] = {size.height, size.width};
  if (region->count != 0 && region->count != 2)
    return nrf_error(NRF_EINVAL, "--%s: two ranges are needed, rows and columns, as in 8-23 8-23", option);
  for (int i = 0; i < region->count; i++) {
    NRF_RETURN_IF_ERROR(nrf_index_range_parse(region->name[i], option, &first[i], &last[i]));
    if (last[i] >= whole[i])
      return nrf_error(NRF_EINVAL, "--%s: layer %d has %s 0 to %d, not %s", option, number,
                       i == 0 ? "rows" : "columns", whole[i] - 1, region->name[i]);
  }
  out->top     = first[0];
  out->rows    = last[0] - first[0] + 1;
  out->left    = first[1];
  out->columns = last[1] - first[1] + 1;
  return NRF_OK;
}

/* channel: room for all of the layer's. */
static nrf_status choose_of_layer(const nrf_settings *s, int number, nrf_layer_size size, int *channel,
                                  nrf_recorded_layer *out)
{
  char what[48];
  (void)snprintf(what, sizeof what, "channels of layer %d", number);
  *out = (nrf_recorded_layer){.layer    = number,
                              .channels = size.channels,
                              .height   = size.height,
                              .width    = size.width,
                              .channel  = channel};
  NRF_RETURN_IF_ERROR(nrf_index_list_expand(&s->record_channels, "record_channels", what, size.channels,
                                            channel, &out->n_channels));
  return choose_region(&s->record_region, number, size, out);
}

static nrf_status choose_layers(nrf_experiment_plan *plan)
{
  const nrf_architecture *a = nrf_loaded_model_architecture(plan->model);
  int                     number[NRF_MAX_LAYERS], all = 0;
  for (int i = 0; i < a->n_layers; i++) all += a->size[i].channels;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)all * sizeof(int), "recorded channels", (void **)&plan->channels));
  NRF_RETURN_IF_ERROR(nrf_index_list_expand(&plan->settings.record_layers, "record_layers", "layers",
                                            a->n_layers, number, &plan->n_layers));
  int *channel = plan->channels;
  for (int i = 0; i < plan->n_layers; i++) {
    NRF_RETURN_IF_ERROR(
        choose_of_layer(&plan->settings, number[i], a->size[number[i]], channel, &plan->layer[i]));
    channel += plan->layer[i].n_channels;
  }
  return NRF_OK;
}

static nrf_status choose_images(nrf_experiment_plan *plan)
{
  return nrf_index_list_expand(&plan->settings.record_images, "record_images", "images of the batch",
                               NRF_EXPERIMENT_BATCH, plan->recorded, &plan->n_recorded);
}

static nrf_record_format format_of(const nrf_settings *s)
{
  nrf_record_format format = {NRF_RECORD_FLOAT32, 0};
  if (strcmp(s->record_format, nrf_record_number_name(NRF_RECORD_FLOAT16)) == 0)
    format.number = NRF_RECORD_FLOAT16;
  if (strcmp(s->record_format, nrf_record_number_name(NRF_RECORD_ROUNDED)) == 0)
    format = (nrf_record_format){NRF_RECORD_ROUNDED, s->record_mantissa_bits};
  return format;
}

static nrf_record_filters filters_of(const nrf_settings *s)
{
  const nrf_name_list *f       = &s->record_filters;
  const bool           deflate = is_named(f, "deflate");
  return (nrf_record_filters){.shuffle       = is_named(f, "shuffle"),
                              .deflate       = deflate,
                              .fletcher32    = is_named(f, "fletcher32"),
                              .deflate_level = deflate ? s->record_deflate_level : 0};
}

/* ---- the images that are shown ---- */

static nrf_layer_size image_size(const nrf_experiment_plan *plan)
{
  return nrf_loaded_model_architecture(plan->model)->size[0];
}

static nrf_status load_test_images(nrf_experiment_plan *plan, const nrf_progress *progress)
{
  nrf_status    st      = NRF_OK;
  nrf_dataset  *dataset = NULL;
  uint32_t      index[NRF_EXPERIMENT_BATCH];
  const int64_t floats = NRF_EXPERIMENT_BATCH * nrf_layer_units(image_size(plan));
  NRF_TRY(nrf_setup_dataset(&plan->settings, nrf_loaded_model_architecture(plan->model), NRF_SPLIT_TEST,
                            progress, &dataset));
  if (nrf_dataset_count(dataset, NRF_SPLIT_TEST) < NRF_EXPERIMENT_BATCH)
    NRF_FAIL(NRF_EINVAL, "--dataset %s: experiments show its first %d test images, but there are only %lld",
             plan->settings.dataset, NRF_EXPERIMENT_BATCH,
             (long long)nrf_dataset_count(dataset, NRF_SPLIT_TEST));
  for (uint32_t i = 0; i < NRF_EXPERIMENT_BATCH; i++) index[i] = i;
  NRF_TRY(nrf_alloc_floats(floats, "test images", &plan->test_images));
  NRF_TRY(nrf_dataset_batch(dataset, NRF_SPLIT_TEST, index, NRF_EXPERIMENT_BATCH, plan->test_images));
done:
  nrf_dataset_free(dataset);
  return st;
}

static nrf_status load_stimuli(const nrf_experiment_plan *plan, nrf_planned_experiment *item)
{
  const nrf_stimulus_set *set;
  if (item->experiment->stimulus_set == NULL) return NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_stimulus_set_find(item->experiment->stimulus_set, &set));
  NRF_RETURN_IF_ERROR(nrf_stimuli_load(plan->settings.stimuli_dir, set, image_size(plan), &item->stimuli));
  if (item->stimuli->count == NRF_EXPERIMENT_BATCH) return NRF_OK;
  return nrf_error(NRF_EINVAL, "%s: the %d images of a set are the batch, this one has %d",
                   item->experiment->stimulus_set, NRF_EXPERIMENT_BATCH, item->stimuli->count);
}

/* The images of a phase: one for all, or one each. */
static const float *images_of(const nrf_experiment_plan *plan, const nrf_planned_experiment *item,
                              nrf_shown shown, bool *one_for_all)
{
  *one_for_all = shown == NRF_SHOWN_BLANK;
  switch (shown) {
  case NRF_SHOWN_TEST_IMAGES:
    return plan->test_images;
  case NRF_SHOWN_BLANK:
    return item->stimuli->blank;
  case NRF_SHOWN_STIMULI:
    return item->stimuli->images;
  }
  return NULL;
}

void nrf_experiment_show(const nrf_experiment_plan *plan, const nrf_planned_experiment *item, nrf_shown shown,
                         nrf_states *states)
{
  bool          one_for_all;
  const float  *image = images_of(plan, item, shown, &one_for_all);
  const int64_t units = nrf_layer_units(states->size[0]);
  for (int n = 0; n < states->batch; n++)
    nrf_states_set_image(states, 0, n, image + (one_for_all ? 0 : n * units));
}

/* ---- what a recording says ---- */

static void to_bytes(int64_t n, const float *values, uint8_t *out)
{
  for (int64_t i = 0; i < n; i++) out[i] = (uint8_t)lrintf(255.0f * values[i]); /* they were bytes / 255 */
}

static bool shows(const nrf_recording_info *info, nrf_recording_shows what)
{
  for (int i = 0; i < info->n_phases; i++)
    if (info->phase[i].shows == what) return true;
  return false;
}

/* The pictures of the recorded images, for what is shown. */
static nrf_status list_pictures(const nrf_experiment_plan *plan, nrf_planned_experiment *item)
{
  const nrf_layer_size size  = image_size(plan);
  const int64_t        units = nrf_layer_units(size);
  const struct {
    nrf_recording_shows what;
    const float        *from;
    bool                one_for_all;
    const uint8_t     **to;
  } rows[] = {
      {NRF_SHOWS_BLANK, item->stimuli ? item->stimuli->blank : NULL, true, &item->info.pictures.blank},
      {NRF_SHOWS_BURN_IN, plan->test_images, false, &item->info.pictures.burn_in},
      {NRF_SHOWS_STIMULUS, item->stimuli ? item->stimuli->images : NULL, false,
       &item->info.pictures.stimulus},
  };
  item->info.pictures.channels = size.channels;
  item->info.pictures.height   = size.height;
  item->info.pictures.width    = size.width;
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)(units * (1 + 2 * plan->n_recorded)), "pictures", (void **)&item->pictures));
  uint8_t *next = item->pictures;
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    if (!shows(&item->info, rows[r].what)) continue;
    *rows[r].to = next;
    for (int i = 0; i < (rows[r].one_for_all ? 1 : plan->n_recorded); i++, next += units)
      to_bytes(units, rows[r].from + (rows[r].one_for_all ? 0 : plan->recorded[i] * units), next);
  }
  return NRF_OK;
}

static void describe_image(const nrf_stimuli *stimuli, nrf_recording_image *image)
{
  image->angle = image->angle_static = image->contrast = NAN;
  image->offset_row = image->offset_column = image->group = image->repeat = -1;
  if (stimuli == NULL) return;
  const nrf_stimulus       *s      = &stimuli->stimulus[image->index];
  const nrf_stimulus_patch *mobile = &s->patch[0];
  (void)snprintf(image->file_name, sizeof image->file_name, "%s", s->file_name);
  image->angle         = mobile->gabor.angle;
  image->angle_static  = nrf_stimulus_static_angle(s);
  image->contrast      = mobile->gabor.contrast;
  image->offset_row    = mobile->offset_row;
  image->offset_column = mobile->offset_column;
  image->group         = s->group;
  image->repeat        = s->repeat;
}

static nrf_status list_images(const nrf_experiment_plan *plan, nrf_planned_experiment *item)
{
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)plan->n_recorded * sizeof *item->image, "recorded images", (void **)&item->image));
  for (int i = 0; i < plan->n_recorded; i++) {
    item->image[i].index = plan->recorded[i];
    describe_image(item->stimuli, &item->image[i]);
  }
  item->info.n_images = plan->n_recorded;
  item->info.image    = item->image;
  return NRF_OK;
}

/* A phase of no steps is none. */
static void list_phases(const nrf_settings *s, const nrf_experiment *e, nrf_recording_info *info)
{
  static const nrf_recording_shows shows_of[] = {[NRF_SHOWN_TEST_IMAGES] = NRF_SHOWS_BURN_IN,
                                                 [NRF_SHOWN_BLANK]       = NRF_SHOWS_BLANK,
                                                 [NRF_SHOWN_STIMULI]     = NRF_SHOWS_STIMULUS};
  for (int i = 0; i < e->n_phases; i++) {
    const int64_t steps = nrf_experiment_phase_steps(e, i, s);
    if (steps == 0) continue;
    nrf_recording_phase *phase = &info->phase[info->n_phases++];
    (void)snprintf(phase->name, sizeof phase->name, "%s", e->phase[i].name);
    phase->first_step = info->n_steps;
    phase->n_steps    = steps;
    phase->shows      = shows_of[e->phase[i].shown];
    info->n_steps += steps;
  }
}

static nrf_status describe(nrf_experiment_plan *plan, nrf_planned_experiment *item)
{
  const nrf_settings   *s    = &plan->settings;
  const nrf_experiment *e    = item->experiment;
  nrf_recording_info   *info = &item->info;
  *info                      = (nrf_recording_info){
                           .experiment      = e->name,
                           .stimulus_set    = e->stimulus_set != NULL ? e->stimulus_set : "",
                           .session_name    = plan->session,
                           .model_name      = plan->model->name,
                           .model_hash      = plan->model_hash,
                           .program_version = NRFLV_VERSION,
                           .seed            = s->seed,
                           .stride          = s->record_stride,
                           .ms_per_step     = s->exp_ms_per_step,
                           .batch           = NRF_EXPERIMENT_BATCH,
                           .n_layers        = plan->n_layers,
                           .format          = format_of(s),
                           .filters         = filters_of(s),
                           .n_settings      = plan->n_settings,
                           .setting         = plan->setting,
  };
  memcpy(info->variable, plan->variable, sizeof info->variable);
  memcpy(info->layer, plan->layer, sizeof info->layer);
  list_phases(s, e, info);
  NRF_RETURN_IF_ERROR(list_images(plan, item));
  NRF_RETURN_IF_ERROR(list_pictures(plan, item));
  item->reduce        = plan->reduce;
  const nrf_status st = nrf_recording_check(info);
  if (st != NRF_OK) return nrf_error_context(st, "%s", e->name);
  return item->reduce ? nrf_reduction_adapt(info, s) : NRF_OK;
}

/* ---- the whole ---- */

static nrf_status add_experiment(nrf_experiment_plan *plan, const char *name)
{
  nrf_planned_experiment *item = &plan->item[plan->n];
  NRF_RETURN_IF_ERROR(nrf_experiment_find(name, &item->experiment));
  for (int i = 0; i < plan->n; i++)
    if (plan->item[i].experiment == item->experiment) return NRF_OK; /* named twice */
  if (plan->n + 1 == NRF_PLANNED_MAX) return nrf_error(NRF_EINVAL, "--experiments: too many");
  plan->n++;
  NRF_RETURN_IF_ERROR(load_stimuli(plan, item));
  return describe(plan, item);
}

static nrf_status fill(nrf_experiment_plan *plan, const nrf_progress *progress)
{
  NRF_RETURN_IF_ERROR(adapt_settings(&plan->settings, progress));
  NRF_RETURN_IF_ERROR(nrf_reduction_wanted(&plan->settings, &plan->reduce));
  NRF_RETURN_IF_ERROR(choose_variables(plan, progress));
  NRF_RETURN_IF_ERROR(choose_layers(plan));
  NRF_RETURN_IF_ERROR(choose_images(plan));
  NRF_RETURN_IF_ERROR(list_settings(plan));
  NRF_RETURN_IF_ERROR(load_test_images(plan, progress));
  NRF_RETURN_IF_ERROR(nrf_md5_file(plan->model->path, plan->model_hash));
  for (int i = 0; i < plan->settings.experiments.count; i++)
    NRF_RETURN_IF_ERROR(add_experiment(plan, plan->settings.experiments.name[i]));
  return plan->n > 0 ? NRF_OK : nrf_error(NRF_EINVAL, "--experiments: none is named");
}

nrf_status nrf_experiment_plan_create(const nrf_loaded_model *model, const nrf_progress *progress,
                                      nrf_experiment_plan **out)
{
  nrf_experiment_plan *plan = NULL;
  *out                      = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *plan, "plan of the experiments", (void **)&plan));
  plan->model         = model;
  plan->settings      = model->settings;
  const nrf_status st = fill(plan, progress);
  if (st == NRF_OK)
    *out = plan;
  else
    nrf_experiment_plan_free(plan);
  return st;
}

void nrf_experiment_plan_free(nrf_experiment_plan *plan)
{
  if (plan == NULL) return;
  for (int i = 0; i < plan->n; i++) {
    nrf_stimuli_free(plan->item[i].stimuli);
    nrf_free(plan->item[i].image);
    nrf_free(plan->item[i].pictures);
  }
  nrf_free(plan->test_images);
  nrf_free(plan->channels);
  nrf_free(plan->setting);
  nrf_free(plan->setting_texts);
  nrf_free(plan);
}
