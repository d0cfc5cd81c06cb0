/* stimuli.c - the stage that makes the stimuli of the experiments. */
#include "nrflv/stimuli.h"

#include "managers/loaded_model.h"
#include "managers/setup.h"
#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"
#include "nrflv/stimulus_folder.h"

#include <stdio.h>

/* ---- the base image ---- */

static nrf_status mean_of(const nrf_dataset *ds, nrf_byte_image *out)
{
  const int32_t       *shape = nrf_dataset_info_of(ds)->shape;
  const nrf_layer_size size  = {shape[0], shape[1], shape[2]};
  float               *mean  = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(nrf_layer_units(size), "mean image", &mean));
  nrf_status st = nrf_dataset_mean_image(ds, NRF_SPLIT_TRAIN, mean);
  if (st == NRF_OK) st = nrf_byte_image_of_floats(size, mean, out);
  nrf_free(mean);
  return st;
}

static nrf_status compute_mean(const nrf_settings *s, const char *path, const nrf_progress *progress,
                               nrf_byte_image *out)
{
  nrf_dataset *ds = NULL;
  nrf_status   st = NRF_OK;
  NRF_TRY(nrf_setup_dataset(s, NULL, NRF_SPLIT_TRAIN, progress, &ds));
  NRF_TRY(mean_of(ds, out));
  NRF_TRY(nrf_make_directories(s->stimuli_dir));
  NRF_TRY(nrf_byte_image_write(path, out));
  nrf_progress_message(progress, NRF_RESULT, "wrote %s, the mean of %lld training images", path,
                       (long long)nrf_dataset_count(ds, NRF_SPLIT_TRAIN));
done:
  nrf_dataset_free(ds);
  return st;
}

/* The file that keeps the mean of a data set. */
static nrf_status mean_path(const nrf_settings *s, char path[NRF_STIMULUS_PATH_BYTES])
{
  const int n = snprintf(path, NRF_STIMULUS_PATH_BYTES, "%s/base_image_%s.png", s->stimuli_dir, s->dataset);
  return n >= 0 && n < NRF_STIMULUS_PATH_BYTES
             ? NRF_OK
             : nrf_error(NRF_EINVAL, "%s: the path is too long", s->stimuli_dir);
}

static nrf_status check_size(const nrf_settings *s, const char *path, nrf_layer_size size)
{
  const nrf_dataset_info *info = NULL;
  NRF_RETURN_IF_ERROR(nrf_dataset_find(s->dataset, &info));
  const nrf_layer_size wanted = {info->shape[0], info->shape[1], info->shape[2]};
  if (nrf_same_size(size, wanted)) return NRF_OK;
  return nrf_error(NRF_ESHAPE,
                   "%s: [%d,%d,%d] in the file, the images of %s are [%d,%d,%d]; name the data set that the "
                   "stimuli are for with --dataset",
                   path, size.channels, size.height, size.width, info->name, wanted.channels, wanted.height,
                   wanted.width);
}

static nrf_status mean_training_image(const nrf_settings *s, const nrf_progress *progress,
                                      nrf_byte_image *out)
{
  char path[NRF_STIMULUS_PATH_BYTES];
  NRF_RETURN_IF_ERROR(mean_path(s, path));
  const nrf_status st = nrf_byte_image_read(path, out);
  if (st == NRF_ENOTFOUND) return compute_mean(s, path, progress, out);
  return st == NRF_OK ? check_size(s, path, out->size) : st;
}

static nrf_status read_base(const nrf_settings *s, nrf_byte_image *out)
{
  NRF_RETURN_IF_ERROR(nrf_byte_image_read(s->base_image, out));
  return check_size(s, s->base_image, out->size);
}

static nrf_status choose_base(const nrf_settings *s, const nrf_progress *progress, nrf_byte_image *out)
{
  if (s->base_image[0] == '\0') return mean_training_image(s, progress, out);
  return nrf_error_context(read_base(s, out), "--base_image");
}

/* The data set is that of the model that is named, if one is. */
static nrf_status take_models_settings(const nrf_progress *progress, nrf_settings *s)
{
  nrf_loaded_model *m = NULL;
  if (s->load_model[0] == '\0') return NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_loaded_model_open(s, progress, &m));
  *s = m->settings;
  nrf_loaded_model_close(m);
  return NRF_OK;
}

/* ---- the sets ---- */

static nrf_status make_sets(const char *directory, const nrf_byte_image *base, nrf_stimulus_progress *at)
{
  const nrf_stimulus_set *set;
  for (int k = 0; (set = nrf_stimulus_set_at(k)) != NULL; k++) at->total += nrf_stimulus_set_count(set);
  for (int k = 0; (set = nrf_stimulus_set_at(k)) != NULL; k++)
    NRF_RETURN_IF_ERROR(nrf_stimulus_folder_make(directory, set, base, at));
  return NRF_OK;
}

static void conclude(const nrf_settings *s, const nrf_stimulus_progress *at)
{
  if (at->written == 0)
    nrf_progress_message(at->progress, NRF_RESULT, "%s: all %lld stimuli are there", s->stimuli_dir,
                         (long long)at->total);
  else
    nrf_progress_message(at->progress, NRF_RESULT,
                         "wrote %lld of %lld stimuli to %s, each set on one page in %s/contact_sheets/",
                         (long long)at->written, (long long)at->total, s->stimuli_dir, s->stimuli_dir);
}

nrf_status nrf_make_stimuli(const nrf_settings *settings, const nrf_progress *progress)
{
  nrf_status            st   = NRF_OK;
  nrf_settings          s    = *settings;
  nrf_byte_image        base = {0};
  nrf_stimulus_progress at   = {.progress = progress};
  NRF_TRY(take_models_settings(progress, &s));
  NRF_TRY(choose_base(&s, progress, &base));
  NRF_TRY(nrf_stimulus_folder_claim(s.stimuli_dir, &base));
  nrf_progress_begin(progress, "stimuli", "images", 0);
  st = make_sets(s.stimuli_dir, &base, &at);
  nrf_progress_end(progress);
  if (st == NRF_OK) conclude(&s, &at);
done:
  nrf_byte_image_free(&base);
  return st;
}
