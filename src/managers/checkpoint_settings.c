/* checkpoint_settings.c - the option table as attributes: numbers as numbers, lists as vectors, all else as text. */
#include "managers/checkpoint_format.h"
#include "nrflv/memory.h"

#include <stdio.h>

static const char group[] = "/settings";

static const void *field_of(const nrf_settings *settings, const nrf_setting *row)
{
  return (const char *)settings + row->offset;
}

static nrf_status write_setting(nrf_h5_file *file, const nrf_settings *settings, const nrf_setting *row)
{
  const void *field = field_of(settings, row);
  char        text[NRF_SETTING_TEXT_MAX];
  switch (row->type) {
  case NRF_SETTING_FLAG:
    return nrf_h5_write_attribute_int64(file, group, row->name, *(const bool *)field);
  case NRF_SETTING_INT:
    return nrf_h5_write_attribute_int64(file, group, row->name, *(const int *)field);
  case NRF_SETTING_UINT64:
    return nrf_h5_write_attribute(file, group, row->name, NRF_H5_UINT64, nrf_h5_scalar(), field);
  case NRF_SETTING_FLOAT:
    return nrf_h5_write_attribute_double(file, group, row->name, *(const double *)field);
  case NRF_SETTING_FLOATS: {
    const nrf_float_list *list = field;
    return nrf_h5_write_attribute(file, group, row->name, NRF_H5_FLOAT64, nrf_h5_vector(list->count),
                                  list->value);
  }
  default:
    return nrf_h5_write_attribute_string(file, group, row->name, nrf_settings_get_text(settings, row, text));
  }
}

nrf_status nrf_checkpoint_write_settings(nrf_h5_file *file, const nrf_settings *settings)
{
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  NRF_RETURN_IF_ERROR(nrf_h5_make_group(file, group));
  for (int i = 0; i < count; i++)
    if (nrf_setting_is_saved(&rows[i])) NRF_RETURN_IF_ERROR(write_setting(file, settings, &rows[i]));
  return NRF_OK;
}

/* ---- reading: every value goes through the text form, whose reader knows the ranges ---- */

static nrf_status read_list(const nrf_h5_file *file, const char *name, char *text, size_t bytes)
{
  nrf_h5_shape shape;
  double       value[NRF_SETTING_LIST_MAX];
  size_t       used = 0;
  NRF_RETURN_IF_ERROR(nrf_h5_attribute_shape(file, group, name, &shape));
  if (shape.rank != 1 || shape.dim[0] < 1 || shape.dim[0] > NRF_SETTING_LIST_MAX)
    return nrf_error(NRF_ESHAPE, "%s: attribute '%s' of '%s' is not a list of 1 to %d numbers",
                     nrf_h5_path(file), name, group, NRF_SETTING_LIST_MAX);
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute(file, group, name, NRF_H5_FLOAT64, shape, value));
  for (int64_t i = 0; i < shape.dim[0]; i++)
    used += (size_t)snprintf(text + used, bytes - used, "%s%.17g", i > 0 ? " " : "", value[i]);
  return NRF_OK;
}

static nrf_status read_number(const nrf_h5_file *file, const nrf_setting *row, char *text, size_t bytes)
{
  if (row->type == NRF_SETTING_FLOAT) {
    double value;
    NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, group, row->name, &value));
    (void)snprintf(text, bytes, "%.17g", value);
  } else if (row->type == NRF_SETTING_UINT64) {
    uint64_t value;
    NRF_RETURN_IF_ERROR(
        nrf_h5_read_attribute(file, group, row->name, NRF_H5_UINT64, nrf_h5_scalar(), &value));
    (void)snprintf(text, bytes, "%llu", (unsigned long long)value);
  } else {
    int64_t value;
    NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, group, row->name, &value));
    (void)snprintf(text, bytes, "%lld", (long long)value);
  }
  return NRF_OK;
}

static nrf_status set_from_text(const nrf_h5_file *file, nrf_settings *settings, const nrf_setting *row,
                                const char *text)
{
  if (nrf_settings_set_text(settings, row, text) == NRF_OK) return NRF_OK;
  char why[512];
  (void)snprintf(why, sizeof why, "%s", nrf_error_message());
  return nrf_error(NRF_EFORMAT, "%s: settings: %s", nrf_h5_path(file), why);
}

static nrf_status read_setting(const nrf_h5_file *file, nrf_settings *settings, const nrf_setting *row)
{
  char text[NRF_SETTING_TEXT_MAX];
  switch (row->type) {
  case NRF_SETTING_FLAG:
  case NRF_SETTING_INT:
  case NRF_SETTING_UINT64:
  case NRF_SETTING_FLOAT:
    NRF_RETURN_IF_ERROR(read_number(file, row, text, sizeof text));
    break;
  case NRF_SETTING_FLOATS:
    NRF_RETURN_IF_ERROR(read_list(file, row->name, text, sizeof text));
    break;
  default: {
    char *string;
    NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, group, row->name, &string));
    const nrf_status st = set_from_text(file, settings, row, string);
    nrf_free(string);
    return st;
  }
  }
  return set_from_text(file, settings, row, text);
}

nrf_status nrf_checkpoint_read_settings(const nrf_h5_file *file, nrf_settings *settings)
{
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  if (nrf_h5_kind_of(file, group) != NRF_H5_GROUP)
    return nrf_error(NRF_EFORMAT, "%s: no group '%s'", nrf_h5_path(file), group);
  for (int i = 0; i < count; i++)
    if (nrf_setting_is_saved(&rows[i]) && nrf_h5_has_attribute(file, group, rows[i].name))
      NRF_RETURN_IF_ERROR(read_setting(file, settings, &rows[i]));
  return NRF_OK;
}
