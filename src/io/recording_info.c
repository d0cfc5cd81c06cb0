/* recording_info.c - what a recording is, before there is a file: names, sense and sizes. */
#include "io/recording_layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Leaves room for what is added to it: half empty chunks, HDF5's own needs, a second file. */
static const int64_t MAX_DATA_BYTES = (int64_t)1 << 58;

/* ---- Names ---- */

const char *nrf_record_variable_name(nrf_record_variable variable)
{
  return nrf_recording_variable_info(variable)->name;
}

const nrf_recording_variable_row *nrf_recording_variable_info(nrf_record_variable variable)
{
  static const nrf_recording_variable_row rows[NRF_RECORD_VARIABLES] = {
      [NRF_RECORD_STATE]    = {"state", "states of the neurons, after the sampler's step and after clamping"},
      [NRF_RECORD_MOMENTUM] = {"momentum",
                               "the sampler's momentum, after its step and before the inverse mass matrix"},
      [NRF_RECORD_GRADIENT] = {"gradient",
                               "gradient of the energy with respect to the states: the one that moved them"},
      [NRF_RECORD_ENERGY]   = {"energy", "energies of the neurons, of the states before the step"},
      [NRF_RECORD_BNO] = {"bno", "outputs of the networks (what the states are compared with), of the states "
                                 "before the step"},
  };
  return &rows[variable];
}

const char *nrf_record_number_name(nrf_record_number number)
{
  static const char *const names[] = {
      [NRF_RECORD_FLOAT32] = "float32",
      [NRF_RECORD_FLOAT16] = "float16",
      [NRF_RECORD_ROUNDED] = "rounded",
  };
  return names[number];
}

double nrf_record_error_bound(nrf_record_format format)
{
  if (format.number == NRF_RECORD_FLOAT32) return 0;
  return ldexp(1.0, -(1 + (format.number == NRF_RECORD_FLOAT16 ? 10 : format.mantissa_bits)));
}

/* ---- Sense ---- */

static nrf_status check_texts(const nrf_recording_info *info)
{
  const struct {
    const char *name, *value;
  } rows[] = {
      {"experiment", info->experiment},     {"stimulus_set", info->stimulus_set},
      {"session_name", info->session_name}, {"model_name", info->model_name},
      {"model_hash", info->model_hash},     {"program_version", info->program_version},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].value == NULL || strlen(rows[i].value) > NRF_RECORDING_TEXT_BYTES)
      return nrf_error(NRF_EINVAL, "recording: %s is missing or too long", rows[i].name);
  if (info->n_settings < 0 || (info->n_settings > 0 && info->setting == NULL))
    return nrf_error(NRF_EINVAL, "recording: settings are missing");
  return NRF_OK;
}

static nrf_status check_time(const nrf_recording_info *info)
{
  if (info->n_steps < 1 || info->n_steps > NRF_RECORDING_MAX_STEPS)
    return nrf_error(NRF_EINVAL, "recording: %lld steps, 1 to %lld possible", (long long)info->n_steps,
                     (long long)NRF_RECORDING_MAX_STEPS);
  if (info->stride < 1) return nrf_error(NRF_EINVAL, "recording: stride %d, at least 1 needed", info->stride);
  if (!(info->ms_per_step > 0) || isinf(info->ms_per_step))
    return nrf_error(NRF_EINVAL, "recording: a step of %g ms", info->ms_per_step);
  if (info->n_phases < 1 || info->n_phases > NRF_RECORDING_MAX_PHASES)
    return nrf_error(NRF_EINVAL, "recording: %d phases, 1 to %d possible", info->n_phases,
                     NRF_RECORDING_MAX_PHASES);
  int64_t step = 0;
  for (int i = 0; i < info->n_phases; i++) {
    const nrf_recording_phase *phase = &info->phase[i];
    if (phase->first_step != step || phase->n_steps < 0 || phase->n_steps > info->n_steps - step)
      return nrf_error(NRF_EINVAL, "recording: phase %d ('%.31s') does not follow the one before", i,
                       phase->name);
    if (phase->shows < NRF_SHOWS_BLANK || phase->shows > NRF_SHOWS_STIMULUS)
      return nrf_error(NRF_EINVAL, "recording: phase %d ('%.31s') shows nothing known", i, phase->name);
    step += phase->n_steps;
  }
  if (step != info->n_steps)
    return nrf_error(NRF_EINVAL, "recording: the phases make %lld steps of %lld", (long long)step,
                     (long long)info->n_steps);
  return NRF_OK;
}

static bool is_part(int first, int count, int whole)
{
  return first >= 0 && count >= 1 && count <= whole && first <= whole - count;
}

static nrf_status check_layer(const nrf_recording_info *info, int i)
{
  const nrf_recorded_layer *layer = &info->layer[i];
  if (layer->layer < 0 || (i > 0 && layer->layer <= info->layer[i - 1].layer))
    return nrf_error(NRF_EINVAL, "recording: layers have to ascend");
  if (!is_part(0, layer->channels, NRF_RECORDING_MAX_SIDE) ||
      !is_part(0, layer->height, NRF_RECORDING_MAX_SIDE) || !is_part(0, layer->width, NRF_RECORDING_MAX_SIDE))
    return nrf_error(NRF_EINVAL, "recording: layer %d of size [%d,%d,%d]", layer->layer, layer->channels,
                     layer->height, layer->width);
  if (!is_part(layer->top, layer->rows, layer->height) || !is_part(layer->left, layer->columns, layer->width))
    return nrf_error(NRF_EINVAL,
                     "recording: layer %d is [%d,%d]: rows from %d, %d of them, and columns from %d, %d of "
                     "them, lie outside",
                     layer->layer, layer->height, layer->width, layer->top, layer->rows, layer->left,
                     layer->columns);
  if (!is_part(0, layer->n_channels, layer->channels) || layer->channel == NULL)
    return nrf_error(NRF_EINVAL, "recording: %d channels of layer %d, which has %d", layer->n_channels,
                     layer->layer, layer->channels);
  for (int c = 0; c < layer->n_channels; c++)
    if (layer->channel[c] < (c == 0 ? 0 : layer->channel[c - 1] + 1) || layer->channel[c] >= layer->channels)
      return nrf_error(NRF_EINVAL, "recording: channels of layer %d have to ascend below %d", layer->layer,
                       layer->channels);
  return NRF_OK;
}

static nrf_status check_numbers(const nrf_recording_info *info)
{
  bool any = false;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) any = any || info->variable[v];
  if (!any) return nrf_error(NRF_EINVAL, "recording: no variable");
  if (info->n_layers < 1 || info->n_layers > NRF_RECORDING_MAX_LAYERS)
    return nrf_error(NRF_EINVAL, "recording: %d layers, 1 to %d possible", info->n_layers,
                     NRF_RECORDING_MAX_LAYERS);
  for (int i = 0; i < info->n_layers; i++) NRF_RETURN_IF_ERROR(check_layer(info, i));
  if (info->format.number < NRF_RECORD_FLOAT32 || info->format.number > NRF_RECORD_ROUNDED)
    return nrf_error(NRF_EINVAL, "recording: unknown number format");
  const bool rounded = info->format.number == NRF_RECORD_ROUNDED;
  if (rounded ? info->format.mantissa_bits < 1 || info->format.mantissa_bits > 22
              : info->format.mantissa_bits != 0)
    return nrf_error(NRF_EINVAL, "recording: %d mantissa bits for %s", info->format.mantissa_bits,
                     nrf_record_number_name(info->format.number));
  const int level = info->filters.deflate_level;
  if (info->filters.deflate ? level < 1 || level > 9 : level != 0)
    return nrf_error(NRF_EINVAL, "recording: deflate level %d", level);
  return NRF_OK;
}

static bool is_shown(const nrf_recording_info *info, nrf_recording_shows which)
{
  for (int i = 0; i < info->n_phases; i++)
    if (info->phase[i].shows == which) return true;
  return false;
}

static nrf_status check_images(const nrf_recording_info *info)
{
  if (info->batch < 1 || info->n_images < 1 || info->n_images > info->batch || info->image == NULL ||
      info->batch > NRF_RECORDING_MAX_BATCH)
    return nrf_error(NRF_EINVAL, "recording: %d images of a batch of %d", info->n_images, info->batch);
  for (int i = 0; i < info->n_images; i++)
    if (info->image[i].index < (i == 0 ? 0 : info->image[i - 1].index + 1) ||
        info->image[i].index >= info->batch)
      return nrf_error(NRF_EINVAL, "recording: the images' indices have to ascend below %d", info->batch);
  const nrf_recording_pictures *p = &info->pictures;
  if ((p->channels != 1 && p->channels != 3) || !is_part(0, p->height, NRF_RECORDING_MAX_SIDE) ||
      !is_part(0, p->width, NRF_RECORDING_MAX_SIDE))
    return nrf_error(NRF_EINVAL, "recording: pictures of size [%d,%d,%d]; 1 or 3 channels can be kept",
                     p->channels, p->height, p->width);
  return NRF_OK;
}

nrf_status nrf_recording_check(const nrf_recording_info *info)
{
  NRF_RETURN_IF_ERROR(check_texts(info));
  NRF_RETURN_IF_ERROR(check_time(info));
  NRF_RETURN_IF_ERROR(check_numbers(info));
  NRF_RETURN_IF_ERROR(check_images(info));
  const int64_t bytes = nrf_recording_data_bytes(info);
  if (bytes < 0 || bytes > MAX_DATA_BYTES) return nrf_error(NRF_EINVAL, "recording: larger than any file");
  return NRF_OK;
}

nrf_status nrf_recording_check_pictures(const nrf_recording_info *info)
{
  const struct {
    nrf_recording_shows which;
    const char         *name;
    const uint8_t      *pixels;
  } rows[] = {
      {NRF_SHOWS_BLANK, "blank picture", info->pictures.blank},
      {NRF_SHOWS_BURN_IN, "pictures of the burn-in", info->pictures.burn_in},
      {NRF_SHOWS_STIMULUS, "stimuli", info->pictures.stimulus},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (is_shown(info, rows[i].which) != (rows[i].pixels != NULL))
      return nrf_error(NRF_EINVAL, "recording: the %s %s", rows[i].name,
                       rows[i].pixels != NULL ? "is given and never shown" : "is shown and not given");
  return NRF_OK;
}
