/* settings.c - what is done with whole sets of settings: defaults, the command line, combinations, draws, loaded models,
 * layers, stages. */
#include "nrflv/settings.h"

#include "base/option_range.h"
#include "nrflv/rng.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void nrf_settings_defaults(nrf_settings *settings)
{
  nrf_option_defaults(nrf_settings_options(), settings);
}

nrf_status nrf_settings_parse(int argc, char *const argv[], nrf_settings *settings)
{
  bool ended;
  NRF_RETURN_IF_ERROR(nrf_option_parse(nrf_settings_options(), argc, argv, settings, &ended));
  return ended ? NRF_OK : nrf_settings_finish(settings);
}

/* ---- combinations ---- */

static bool is_set(const char *text)
{
  return text[0] != '\0';
}

/* A folder that follows from --exps_dir unless it was given. */
static nrf_status fill_folder(const nrf_settings *settings, const char *option, const char *child,
                              char path[NRF_SETTING_STRING_MAX])
{
  if (is_set(path)) return NRF_OK;
  const int n = snprintf(path, NRF_SETTING_STRING_MAX, "%s/%s", settings->exps_dir, child);
  if (n < NRF_SETTING_STRING_MAX) return NRF_OK;
  return nrf_error(NRF_EINVAL, "--%s: the path under --exps_dir is longer than %d characters", option,
                   NRF_SETTING_STRING_MAX - 1);
}

static nrf_status check_names(const char *option, const nrf_name_list *list)
{
  for (int i = 0; i < list->count; i++) {
    if (nrf_setting_find(list->name[i])) continue;
    char closest[NRF_SETTING_NAME_MAX];
    nrf_option_closest(nrf_settings_options(), list->name[i], closest);
    return nrf_error(NRF_EINVAL, "--%s: there is no option '%s'%s%s%s", option, list->name[i],
                     is_set(closest) ? "; did you mean " : "", closest, is_set(closest) ? "?" : "");
  }
  return NRF_OK;
}

static nrf_status check_combinations(const nrf_settings *s)
{
  const struct {
    bool        broken;
    const char *message;
  } rules[] = {
      {s->train && s->no_train_model, "--train and --no_train_model contradict each other"},
      {is_set(s->load_model) && is_set(s->resume), "--load_model and --resume exclude each other: the first "
                                                   "starts a new model from a saved one, the second "
                                                   "continues a saved one in place"},
      {is_set(s->model_name) && is_set(s->resume),
       "--model_name cannot be combined with --resume, which continues a model under its own name"},
      {s->dry_run && (!s->experiment || s->train || s->viz || s->weight_viz || s->gen_exp_stim),
       "--dry_run is for --experiment alone: other stages cannot be told without running them"},
      {s->archive_collated && !is_set(s->collate), "--archive_collated needs --collate DIR"},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (rules[i].broken) return nrf_error(NRF_EINVAL, "%s", rules[i].message);

  for (int i = 0; i < s->max_sq_sigma.count; i++)
    if (s->max_sq_sigma.value[i] < s->min_sq_sigma)
      return nrf_error(NRF_EINVAL, "--max_sq_sigma: %g is below --min_sq_sigma %g", s->max_sq_sigma.value[i],
                       s->min_sq_sigma);
  return NRF_OK;
}

nrf_status nrf_settings_finish(nrf_settings *settings)
{
  NRF_RETURN_IF_ERROR(fill_folder(settings, "tensorboard_log_dir", "tblogs", settings->tensorboard_log_dir));
  NRF_RETURN_IF_ERROR(fill_folder(settings, "exp_data_root_path", "exp_data", settings->exp_data_root_path));
  NRF_RETURN_IF_ERROR(check_names("randomize_args", &settings->randomize_args));
  NRF_RETURN_IF_ERROR(check_names("override_loaded", &settings->override_loaded));
  return check_combinations(settings);
}

/* ---- random draws ---- */

/* The draw's address: a hash of the name (FNV-1a), so that rows added to the table change no other draw. */
static uint32_t name_hash(const char *name)
{
  uint32_t hash = 2166136261u;
  for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
  return hash;
}

static int count_choices(const nrf_setting *row)
{
  int n = 0;
  while (row->choices[n]) n++;
  return n;
}

static nrf_status not_drawable(const char *name)
{
  char   all[512] = "";
  size_t used     = 0;
  int    count;

  const nrf_setting *rows = nrf_setting_table(&count);
  for (int i = 0; i < count; i++)
    if (nrf_setting_is_drawable(&rows[i]) && rows[i].type != NRF_SETTING_FLAG && used < sizeof all)
      used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", rows[i].name);
  return nrf_error(
      NRF_EINVAL,
      "--randomize_args: '%s' has no range to draw from; these have: %s, and every flag of the model", name,
      all);
}

static nrf_status draw(nrf_settings *settings, const nrf_setting *row)
{
  const nrf_rng  rng   = nrf_rng_at(settings->seed, NRF_RNG_SETTINGS, 0, 0);
  const uint32_t index = name_hash(row->name);
  char           text[64];

  if (row->type == NRF_SETTING_FLAG) {
    (void)snprintf(text, sizeof text, "%u", nrf_rng_below(rng, index, 2));
  } else if (row->type == NRF_SETTING_CHOICE) {
    (void)snprintf(text, sizeof text, "%s",
                   row->choices[nrf_rng_below(rng, index, (uint32_t)count_choices(row))]);
  } else {
    const nrf_setting_range range = nrf_setting_range_parse(row->draw);
    if (row->type == NRF_SETTING_INT) {
      const uint32_t n = (uint32_t)(range.high - range.low) + 1;
      (void)snprintf(text, sizeof text, "%d", (int)range.low + (int)nrf_rng_below(rng, index, n));
    } else {
      const double u = range.low + (range.high - range.low) * (double)nrf_rng_uniform(rng, index);
      (void)snprintf(text, sizeof text, "%.17g", pow(10.0, u));
    }
  }
  settings->given[nrf_setting_index(row)] = true;
  return nrf_settings_set_text(settings, row, text);
}

nrf_status nrf_settings_randomize(nrf_settings *settings)
{
  NRF_RETURN_IF_ERROR(check_names("randomize_args", &settings->randomize_args));
  for (int i = 0; i < settings->randomize_args.count; i++) {
    const nrf_setting *row = nrf_setting_find(settings->randomize_args.name[i]);
    if (!nrf_setting_is_drawable(row)) return not_drawable(row->name);
    NRF_RETURN_IF_ERROR(draw(settings, row));
  }
  return NRF_OK;
}

/* ---- loaded models ---- */

static bool list_contains(const nrf_name_list *list, const char *name)
{
  for (int i = 0; i < list->count; i++)
    if (strcmp(list->name[i], name) == 0) return true;
  return false;
}

static bool same_value(const nrf_settings *a, const nrf_settings *b, const nrf_setting *row)
{
  char text_a[NRF_SETTING_TEXT_MAX], text_b[NRF_SETTING_TEXT_MAX];
  return strcmp(nrf_settings_get_text(a, row, text_a), nrf_settings_get_text(b, row, text_b)) == 0;
}

void nrf_settings_overlay(nrf_settings *settings, const nrf_settings *loaded, const nrf_name_list *keep,
                          bool ignored[NRF_SETTINGS_MAX])
{
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  if (ignored) memset(ignored, 0, NRF_SETTINGS_MAX * sizeof *ignored);
  for (int i = 0; i < count; i++) {
    const nrf_setting *row = &rows[i];
    if (!nrf_setting_is_saved(row) || list_contains(keep, row->name)) continue;
    if (ignored) ignored[i] = settings->given[i] && !same_value(settings, loaded, row);
    memcpy((char *)settings + row->offset, (const char *)loaded + row->offset, row->size);
  }
}

/* ---- layers ---- */

static bool is_default_list(const nrf_float_list *list, const char *option)
{
  const nrf_setting *row = nrf_setting_find(option);
  assert(row && row->type == NRF_SETTING_FLOATS);

  nrf_settings defaults;
  nrf_settings_defaults(&defaults);
  const nrf_float_list *initial = (const nrf_float_list *)((const char *)&defaults + row->offset);
  return list->count == initial->count &&
         memcmp(list->value, initial->value, (size_t)list->count * sizeof *list->value) == 0;
}

nrf_status nrf_settings_expand_per_layer(const nrf_float_list *list, int n_layers, const char *option,
                                         double out[])
{
  const bool shared            = list->count == 1;
  const bool default_is_longer = list->count > n_layers && is_default_list(list, option);
  if (!shared && list->count != n_layers && !default_is_longer)
    return nrf_error(NRF_EINVAL,
                     "--%s: %d values for %d layers (the image included); give one for all, or one per layer",
                     option, list->count, n_layers);
  for (int i = 0; i < n_layers; i++) out[i] = list->value[shared ? 0 : i];
  return NRF_OK;
}

/* ---- stages ---- */

static const char *const stage_names[NRF_STAGE_COUNT] = {
    [NRF_STAGE_LIST_ARCHITECTURES] = "list_architectures",
    [NRF_STAGE_DESCRIBE]           = "describe",
    [NRF_STAGE_COLLATE]            = "collate",
    [NRF_STAGE_TRAIN]              = "train",
    [NRF_STAGE_VIZ]                = "viz",
    [NRF_STAGE_WEIGHT_VIZ]         = "weight_viz",
    [NRF_STAGE_GEN_EXP_STIM]       = "gen_exp_stim",
    [NRF_STAGE_EXPERIMENT]         = "experiment",
};

const char *nrf_stage_name(nrf_stage stage)
{
  return stage_names[stage];
}

nrf_stages nrf_settings_stages(const nrf_settings *settings)
{
  nrf_stages stages      = {.wanted = {
                                [NRF_STAGE_LIST_ARCHITECTURES] = settings->list_architectures,
                                [NRF_STAGE_DESCRIBE]           = is_set(settings->describe),
                                [NRF_STAGE_COLLATE]            = is_set(settings->collate),
                                [NRF_STAGE_VIZ]                = settings->viz,
                                [NRF_STAGE_WEIGHT_VIZ]         = settings->weight_viz,
                                [NRF_STAGE_GEN_EXP_STIM]       = settings->gen_exp_stim,
                                [NRF_STAGE_EXPERIMENT]         = settings->experiment,
                       }};
  bool       other_stage = false;
  for (int i = 0; i < NRF_STAGE_COUNT; i++) other_stage = other_stage || stages.wanted[i];
  stages.wanted[NRF_STAGE_TRAIN] = !settings->no_train_model && (settings->train || !other_stage);
  return stages;
}
