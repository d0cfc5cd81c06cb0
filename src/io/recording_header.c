/* recording_header.c - a recording's info as attributes and tables, and back. */
#include "io/recording_header.h"

#include "io/byte_buffer.h"
#include "io/md5.h"
#include "nrflv/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A change that older readers would misread takes the next number. */
enum { FORMAT_VERSION = 1 };

/* ---- Single values: attributes of NRF_RECORDING_HEADER ---- */

typedef enum field_kind {
  FIELD_TEXT,
  FIELD_BOOL,
  FIELD_INT,
  FIELD_INT64,
  FIELD_UINT64,
  FIELD_DOUBLE
} field_kind;

typedef struct field {
  const char *name;
  field_kind  kind;
  size_t      offset;
  bool        may_differ; /* when a recording is resumed */
} field;

#define FIELD(member, in_kind) .kind = FIELD_##in_kind, .offset = offsetof(nrf_recording_info, member)

static const field fields[] = {
    {"experiment", FIELD(experiment, TEXT)},
    {"stimulus_set", FIELD(stimulus_set, TEXT)},
    {"session_name", FIELD(session_name, TEXT)},
    {"model_name", FIELD(model_name, TEXT)},
    {"model_md5", FIELD(model_hash, TEXT)},
    {"program_version", FIELD(program_version, TEXT)},
    {"seed", FIELD(seed, UINT64)},
    {"session_start", FIELD(session_start, INT64), .may_differ = true},
    {"steps", FIELD(n_steps, INT64)},
    {"stride", FIELD(stride, INT)},
    {"ms_per_step", FIELD(ms_per_step, DOUBLE)},
    {"batch", FIELD(batch, INT)},
    {"mantissa_bits", FIELD(format.mantissa_bits, INT)},
    {"filter_shuffle", FIELD(filters.shuffle, BOOL)},
    {"filter_deflate", FIELD(filters.deflate, BOOL)},
    {"filter_deflate_level", FIELD(filters.deflate_level, INT)},
    {"filter_fletcher32", FIELD(filters.fletcher32, BOOL)},
    {"picture_channels", FIELD(pictures.channels, INT)},
    {"picture_height", FIELD(pictures.height, INT)},
    {"picture_width", FIELD(pictures.width, INT)},
};

enum { N_FIELDS = sizeof fields / sizeof fields[0] };

static const void *place_in(const nrf_recording_info *info, const field *f)
{
  return (const char *)info + f->offset;
}

static void write_field(nrf_nwb *nwb, const field *f, const nrf_recording_info *info)
{
  const void *value = place_in(info, f);
  switch (f->kind) {
  case FIELD_TEXT:
    nrf_nwb_attribute_text(nwb, NRF_RECORDING_HEADER, f->name, *(const char *const *)value);
    break;
  case FIELD_BOOL:
    nrf_nwb_attribute_int(nwb, NRF_RECORDING_HEADER, f->name, *(const bool *)value);
    break;
  case FIELD_INT:
    nrf_nwb_attribute_int(nwb, NRF_RECORDING_HEADER, f->name, *(const int *)value);
    break;
  case FIELD_INT64:
    nrf_nwb_attribute(nwb, NRF_RECORDING_HEADER, f->name, NRF_H5_INT64, nrf_h5_scalar(), value);
    break;
  case FIELD_UINT64:
    nrf_nwb_attribute(nwb, NRF_RECORDING_HEADER, f->name, NRF_H5_UINT64, nrf_h5_scalar(), value);
    break;
  case FIELD_DOUBLE:
    nrf_nwb_attribute_double(nwb, NRF_RECORDING_HEADER, f->name, *(const double *)value);
    break;
  }
}

static nrf_status read_number(const nrf_h5_file *file, const char *name, nrf_h5_type type, void *out)
{
  return nrf_h5_read_attribute(file, NRF_RECORDING_HEADER, name, type, nrf_h5_scalar(), out);
}

/* `text`: where a text is kept. */
static nrf_status read_field(const nrf_h5_file *file, const field *f, nrf_recording_info *info, char **text)
{
  void   *value = (char *)info + f->offset;
  int32_t number;
  switch (f->kind) {
  case FIELD_TEXT:
    NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, NRF_RECORDING_HEADER, f->name, text));
    *(const char **)value = *text;
    return NRF_OK;
  case FIELD_BOOL:
    NRF_RETURN_IF_ERROR(read_number(file, f->name, NRF_H5_INT32, &number));
    *(bool *)value = number != 0;
    return NRF_OK;
  case FIELD_INT:
    NRF_RETURN_IF_ERROR(read_number(file, f->name, NRF_H5_INT32, &number));
    *(int *)value = number;
    return NRF_OK;
  case FIELD_INT64:
    return read_number(file, f->name, NRF_H5_INT64, value);
  case FIELD_UINT64:
    return read_number(file, f->name, NRF_H5_UINT64, value);
  case FIELD_DOUBLE:
    break;
  }
  return read_number(file, f->name, NRF_H5_FLOAT64, value);
}

/* ---- Tables ---- */

static const char *const shows_names[] = {
    [NRF_SHOWS_BLANK]    = "blank",
    [NRF_SHOWS_BURN_IN]  = "burn_in",
    [NRF_SHOWS_STIMULUS] = "stimulus",
};

enum { N_SHOWS = sizeof shows_names / sizeof shows_names[0], SHOWS_BYTES = 16 };

/* A phase as the standard wants an interval. */
typedef struct epoch {
  double  start_time, stop_time;
  char    phase[NRF_RECORDING_PHASE_NAME], shows[SHOWS_BYTES];
  int64_t first_step, steps;
} epoch;

static const nrf_nwb_column epoch_columns[] = {
    NRF_NWB_COLUMN(epoch, start_time, DOUBLE, "seconds from the first step"),
    NRF_NWB_COLUMN(epoch, stop_time, DOUBLE, "seconds from the first step"),
    NRF_NWB_COLUMN(epoch, phase, CHARS, "name of the phase"),
    NRF_NWB_COLUMN(
        epoch, shows, CHARS,
        "what layer 0 was held to: the blank picture, each image's own of the burn-in, its stimulus"),
    NRF_NWB_COLUMN(epoch, first_step, INT64, "first step of the sampler in this phase"),
    NRF_NWB_COLUMN(epoch, steps, INT64, "steps of the sampler in this phase"),
};

static const nrf_nwb_table epochs_table = {
    NRF_RECORDING_EPOCHS,
    "TimeIntervals",
    "The phases of the experiment.",
    epoch_columns,
    sizeof epoch_columns / sizeof epoch_columns[0],
    sizeof(epoch),
};

typedef nrf_recording_image image_row;

static const nrf_nwb_column image_columns[] = {
    NRF_NWB_COLUMN(image_row, index, INT, "place in the batch; the number in the names of its series"),
    NRF_NWB_COLUMN(image_row, file_name, CHARS, "of the stimulus"),
    NRF_NWB_COLUMN(image_row, angle, DOUBLE, "of the patch, of the mobile one if there are two; radian"),
    NRF_NWB_COLUMN(image_row, angle_static, DOUBLE, "of the static patch, NaN if there is none; radian"),
    NRF_NWB_COLUMN(image_row, contrast, DOUBLE, "contrast parameter that the stimulus was made with"),
    NRF_NWB_COLUMN(image_row, offset_row, INT,
                   "rows from the image's centre pixel down to the (mobile) patch"),
    NRF_NWB_COLUMN(image_row, offset_column, INT,
                   "columns from the image's centre pixel to the right to the (mobile) patch"),
    NRF_NWB_COLUMN(image_row, group, INT, "images that show the same share a group; -1 if there are none"),
    NRF_NWB_COLUMN(image_row, repeat, INT, "number within the group; -1 if there are none"),
};

static const nrf_nwb_table images_table = {
    NRF_RECORDING_IMAGES,
    "DynamicTable",
    "The recorded images of the batch and what their stimuli show.",
    image_columns,
    sizeof image_columns / sizeof image_columns[0],
    sizeof(image_row),
};

/* Not "name", which Python's tables have for themselves. */
static const nrf_nwb_column setting_columns[] = {
    {"setting", NRF_NWB_STRING, offsetof(nrf_recording_setting, name), sizeof(char *),
     "option of the program"},
    NRF_NWB_COLUMN(nrf_recording_setting, value, STRING, "as one would type it"),
};

static const nrf_nwb_table settings_table = {
    NRF_RECORDING_SETTINGS,
    "DynamicTable",
    "The settings of the model and of the run.",
    setting_columns,
    sizeof setting_columns / sizeof setting_columns[0],
    sizeof(nrf_recording_setting),
};

static void write_epochs(nrf_nwb *nwb, const nrf_recording_info *info)
{
  epoch rows[NRF_RECORDING_MAX_PHASES] = {0};
  for (int i = 0; i < info->n_phases; i++) {
    const nrf_recording_phase *phase = &info->phase[i];
    rows[i].first_step               = phase->first_step;
    rows[i].steps                    = phase->n_steps;
    rows[i].start_time               = nrf_recording_seconds(info, phase->first_step);
    rows[i].stop_time                = nrf_recording_seconds(info, phase->first_step + phase->n_steps);
    memcpy(rows[i].phase, phase->name, sizeof rows[i].phase);
    memcpy(rows[i].shows, shows_names[phase->shows], strlen(shows_names[phase->shows]));
  }
  nrf_nwb_write_table(nwb, &epochs_table, info->n_phases, rows);
}

static nrf_status take_phase(const nrf_h5_file *file, const epoch *row, nrf_recording_phase *phase)
{
  memcpy(phase->name, row->phase, sizeof phase->name);
  phase->first_step = row->first_step;
  phase->n_steps    = row->steps;
  for (int i = 0; i < N_SHOWS; i++)
    if (strcmp(row->shows, shows_names[i]) == 0) {
      phase->shows = (nrf_recording_shows)i;
      return NRF_OK;
    }
  return nrf_error(NRF_EFORMAT, "%s: '%s' shows '%s', which is not known", nrf_h5_path(file),
                   NRF_RECORDING_EPOCHS, row->shows);
}

static nrf_status read_epochs(const nrf_h5_file *file, nrf_recording_info *info)
{
  nrf_status st   = NRF_OK;
  void      *rows = NULL;
  NRF_TRY(nrf_nwb_read_table(file, &epochs_table, NRF_RECORDING_MAX_PHASES, &info->n_phases, &rows));
  for (int i = 0; i < info->n_phases; i++)
    NRF_TRY(take_phase(file, (const epoch *)rows + i, &info->phase[i]));
done:
  nrf_free(rows);
  return st;
}

static nrf_status read_settings(const nrf_h5_file *file, nrf_recording_header *h)
{
  NRF_RETURN_IF_ERROR(nrf_h5_read_strings(file, NRF_RECORDING_SETTINGS "/setting", &h->setting_name));
  NRF_RETURN_IF_ERROR(nrf_h5_read_strings(file, NRF_RECORDING_SETTINGS "/value", &h->setting_value));
  const int64_t n = h->setting_name.count;
  if (n != h->setting_value.count || n > INT32_MAX)
    return nrf_error(NRF_ESHAPE, "%s: '%s' has columns of different length", nrf_h5_path(file),
                     NRF_RECORDING_SETTINGS);
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof(nrf_recording_setting), "settings", &h->setting));
  nrf_recording_setting *setting = h->setting;
  for (int64_t i = 0; i < n; i++)
    setting[i] = (nrf_recording_setting){h->setting_name.item[i], h->setting_value.item[i]};
  h->info.setting    = setting;
  h->info.n_settings = (int)n;
  return NRF_OK;
}

/* ---- Lists of names and numbers ---- */

static void write_variables(nrf_nwb *nwb, const nrf_recording_info *info)
{
  const char *name[NRF_RECORD_VARIABLES];
  int         n = 0;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    if (info->variable[v]) name[n++] = nrf_record_variable_name((nrf_record_variable)v);
  if (nwb->st == NRF_OK)
    nwb->st = nrf_h5_write_attribute_texts(nwb->file, NRF_RECORDING_HEADER, "variables", n, name);
}

static nrf_status take_variable(const nrf_h5_file *file, const char *name, nrf_recording_info *info)
{
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    if (strcmp(name, nrf_record_variable_name((nrf_record_variable)v)) == 0) {
      info->variable[v] = true;
      return NRF_OK;
    }
  return nrf_error(NRF_EFORMAT, "%s: records '%s', which is not known", nrf_h5_path(file), name);
}

static nrf_status read_variables(const nrf_h5_file *file, nrf_recording_info *info)
{
  nrf_status     st = NRF_OK;
  nrf_h5_strings names;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_strings(file, NRF_RECORDING_HEADER, "variables", &names));
  for (int64_t i = 0; i < names.count && st == NRF_OK; i++) st = take_variable(file, names.item[i], info);
  nrf_h5_strings_free(&names);
  return st;
}

static void write_layers(nrf_nwb *nwb, const nrf_recording_info *info)
{
  int32_t layers[NRF_RECORDING_MAX_LAYERS];
  for (int i = 0; i < info->n_layers; i++) {
    const nrf_recorded_layer *l       = &info->layer[i];
    const int32_t             size[3] = {l->channels, l->height, l->width},
                  region[4]           = {l->top, l->left, l->rows, l->columns};
    char name[32];
    layers[i] = l->layer;
    (void)snprintf(name, sizeof name, "layer_%d_size", l->layer);
    nrf_nwb_attribute(nwb, NRF_RECORDING_HEADER, name, NRF_H5_INT32, nrf_h5_vector(3), size);
    (void)snprintf(name, sizeof name, "layer_%d_region", l->layer);
    nrf_nwb_attribute(nwb, NRF_RECORDING_HEADER, name, NRF_H5_INT32, nrf_h5_vector(4), region);
  }
  nrf_nwb_attribute(nwb, NRF_RECORDING_HEADER, "layers", NRF_H5_INT32, nrf_h5_vector(info->n_layers), layers);
}

/* The channels' numbers are the dimension scale of any of the layer's series. */
static nrf_status read_channels(const nrf_h5_file *file, nrf_recording_header *h, int i)
{
  nrf_recorded_layer *l = &h->info.layer[i];
  nrf_h5_shape        shape;
  char                group[NRF_RECORDING_PATH_BYTES], path[NRF_RECORDING_PATH_BYTES + 16];
  int                 v = 0;
  while (v < NRF_RECORD_VARIABLES && !h->info.variable[v]) v++;
  if (v == NRF_RECORD_VARIABLES) return nrf_error(NRF_EFORMAT, "%s: records no variable", nrf_h5_path(file));
  nrf_recording_group_path(group, &h->info, (nrf_record_variable)v, i);
  (void)snprintf(path, sizeof path, "%s/channel", group);
  NRF_RETURN_IF_ERROR(
      nrf_h5_read_new(file, path, NRF_H5_INT32, NRF_RECORDING_MAX_SIDE, &shape, &h->channel[i]));
  l->channel    = h->channel[i];
  l->n_channels = (int)nrf_h5_count(shape);
  return NRF_OK;
}

static nrf_status read_layers(const nrf_h5_file *file, nrf_recording_header *h)
{
  int32_t      layers[NRF_RECORDING_MAX_LAYERS], size[3], region[4];
  nrf_h5_shape shape;
  NRF_RETURN_IF_ERROR(nrf_h5_attribute_shape(file, NRF_RECORDING_HEADER, "layers", &shape));
  if (shape.rank != 1 || shape.dim[0] > NRF_RECORDING_MAX_LAYERS)
    return nrf_error(NRF_ESHAPE, "%s: impossible list of layers", nrf_h5_path(file));
  NRF_RETURN_IF_ERROR(
      nrf_h5_read_attribute(file, NRF_RECORDING_HEADER, "layers", NRF_H5_INT32, shape, layers));
  h->info.n_layers = (int)shape.dim[0];
  for (int i = 0; i < h->info.n_layers; i++) {
    nrf_recorded_layer *l = &h->info.layer[i];
    char                name[32];
    l->layer = layers[i];
    (void)snprintf(name, sizeof name, "layer_%d_size", l->layer);
    NRF_RETURN_IF_ERROR(
        nrf_h5_read_attribute(file, NRF_RECORDING_HEADER, name, NRF_H5_INT32, nrf_h5_vector(3), size));
    (void)snprintf(name, sizeof name, "layer_%d_region", l->layer);
    NRF_RETURN_IF_ERROR(
        nrf_h5_read_attribute(file, NRF_RECORDING_HEADER, name, NRF_H5_INT32, nrf_h5_vector(4), region));
    l->channels = size[0], l->height = size[1], l->width = size[2];
    l->top = region[0], l->left = region[1], l->rows = region[2], l->columns = region[3];
    NRF_RETURN_IF_ERROR(read_channels(file, h, i));
  }
  return NRF_OK;
}

static nrf_status read_number_format(const nrf_h5_file *file, nrf_recording_info *info)
{
  char *name = NULL;
  int   i    = NRF_RECORD_FLOAT32;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, NRF_RECORDING_HEADER, "number_format", &name));
  while (i <= NRF_RECORD_ROUNDED && strcmp(name, nrf_record_number_name((nrf_record_number)i)) != 0) i++;
  info->format.number = (nrf_record_number)i;
  const nrf_status st = i <= NRF_RECORD_ROUNDED ? NRF_OK
                                                : nrf_error(NRF_EFORMAT, "%s: unknown number format '%.32s'",
                                                            nrf_h5_path(file), name);
  nrf_free(name);
  return st;
}

/* ---- The whole ---- */

void nrf_recording_hash_pictures(const nrf_recording_info *info, char hash[NRF_RECORDING_HASH_BYTES])
{
  const nrf_recording_pictures *p   = &info->pictures;
  const size_t                  one = (size_t)p->channels * (size_t)p->height * (size_t)p->width;
  nrf_md5                       md5;
  nrf_md5_init(&md5);
  if (p->blank != NULL) nrf_md5_update(&md5, p->blank, one);
  if (p->burn_in != NULL) nrf_md5_update(&md5, p->burn_in, one * (size_t)info->n_images);
  if (p->stimulus != NULL) nrf_md5_update(&md5, p->stimulus, one * (size_t)info->n_images);
  nrf_md5_final(&md5, hash);
}

void nrf_recording_write_header(nrf_nwb *nwb, const nrf_recording_info *info)
{
  char hash[NRF_RECORDING_HASH_BYTES];
  nrf_recording_hash_pictures(info, hash);
  nrf_nwb_group(nwb, NRF_RECORDING_HEADER, "LabMetaData");
  nrf_nwb_attribute_int(nwb, NRF_RECORDING_HEADER, "format_version", FORMAT_VERSION);
  for (int i = 0; i < N_FIELDS; i++) write_field(nwb, &fields[i], info);
  nrf_nwb_attribute_text(nwb, NRF_RECORDING_HEADER, "number_format",
                         nrf_record_number_name(info->format.number));
  nrf_nwb_attribute_double(nwb, NRF_RECORDING_HEADER, "relative_error_bound",
                           nrf_record_error_bound(info->format));
  nrf_nwb_attribute_text(nwb, NRF_RECORDING_HEADER, "pictures_md5", hash);
  write_variables(nwb, info);
  write_layers(nwb, info);

  write_epochs(nwb, info);
  nrf_nwb_group(nwb, NRF_RECORDING_EXPERIMENT, "ProcessingModule");
  nrf_nwb_attribute_text(nwb, NRF_RECORDING_EXPERIMENT, "description",
                         "What was shown, and with which settings.");
  nrf_nwb_write_table(nwb, &images_table, info->n_images, info->image);
  nrf_nwb_write_table(nwb, &settings_table, info->n_settings, info->setting);
}

static nrf_status check_kind(const nrf_h5_file *file)
{
  int64_t version = 0;
  if (nrf_h5_kind_of(file, NRF_RECORDING_HEADER) != NRF_H5_GROUP)
    return nrf_error(NRF_EFORMAT, "%s: %s: it has no '%s'", nrf_h5_path(file),
                     nrf_h5_has_attribute(file, "/", "nwb_version")
                         ? "an NWB file, but not a recording of this program"
                         : "not an NWB file",
                     NRF_RECORDING_HEADER);
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, NRF_RECORDING_HEADER, "format_version", &version));
  if (version != FORMAT_VERSION)
    return nrf_error(NRF_EUNSUPPORTED,
                     "%s: a recording of format version %lld; this program reads version %d",
                     nrf_h5_path(file), (long long)version, FORMAT_VERSION);
  return NRF_OK;
}

static nrf_status read_hash(const nrf_h5_file *file, char hash[NRF_RECORDING_HASH_BYTES])
{
  char *text = NULL;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, NRF_RECORDING_HEADER, "pictures_md5", &text));
  (void)snprintf(hash, NRF_RECORDING_HASH_BYTES, "%s", text);
  nrf_free(text);
  return NRF_OK;
}

nrf_status nrf_recording_read_header(const nrf_h5_file *file, nrf_recording_header *out)
{
  int texts = 0;
  memset(out, 0, sizeof *out);
  NRF_RETURN_IF_ERROR(check_kind(file));
  for (int i = 0; i < N_FIELDS; i++) {
    NRF_RETURN_IF_ERROR(read_field(file, &fields[i], &out->info, &out->text[texts]));
    texts += fields[i].kind == FIELD_TEXT;
  }
  NRF_RETURN_IF_ERROR(read_number_format(file, &out->info));
  NRF_RETURN_IF_ERROR(read_hash(file, out->pictures_hash));
  NRF_RETURN_IF_ERROR(read_variables(file, &out->info));
  NRF_RETURN_IF_ERROR(read_layers(file, out));
  NRF_RETURN_IF_ERROR(read_epochs(file, &out->info));
  NRF_RETURN_IF_ERROR(
      nrf_nwb_read_table(file, &images_table, NRF_RECORDING_MAX_BATCH, &out->info.n_images, &out->image));
  out->info.image = out->image;
  NRF_RETURN_IF_ERROR(read_settings(file, out));
  const nrf_status sense = nrf_recording_check(&out->info);
  return sense == NRF_OK ? NRF_OK : nrf_error_context(NRF_EFORMAT, "%s", nrf_h5_path(file));
}

void nrf_recording_free_header(nrf_recording_header *h)
{
  for (int i = 0; i < NRF_RECORDING_HEADER_TEXTS; i++) nrf_free(h->text[i]);
  for (int i = 0; i < NRF_RECORDING_MAX_LAYERS; i++) nrf_free(h->channel[i]);
  nrf_free(h->image);
  nrf_free(h->setting);
  nrf_h5_strings_free(&h->setting_name);
  nrf_h5_strings_free(&h->setting_value);
  memset(h, 0, sizeof *h);
}

/* ---- Comparing: each info as lines of text, "what: value" ---- */

static void put_line(nrf_buffer *lines, const char *fmt, ...) NRF_PRINTF(2, 3);

static void put_line(nrf_buffer *lines, const char *fmt, ...)
{
  char    text[2 * NRF_RECORDING_TEXT_BYTES];
  va_list args;
  va_start(args, fmt);
  const int length = vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  nrf_buffer_put(lines, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
  nrf_buffer_put(lines, "", 1);
}

static void put_field(nrf_buffer *lines, const field *f, const nrf_recording_info *info)
{
  const void *value = place_in(info, f);
  if (f->may_differ) return;
  switch (f->kind) {
  case FIELD_TEXT:
    put_line(lines, "%s %s", f->name, *(const char *const *)value);
    break;
  case FIELD_BOOL:
    put_line(lines, "%s %d", f->name, *(const bool *)value);
    break;
  case FIELD_INT:
    put_line(lines, "%s %d", f->name, *(const int *)value);
    break;
  case FIELD_INT64:
    put_line(lines, "%s %" PRId64, f->name, *(const int64_t *)value);
    break;
  case FIELD_UINT64:
    put_line(lines, "%s %" PRIu64, f->name, *(const uint64_t *)value);
    break;
  case FIELD_DOUBLE:
    put_line(lines, "%s %.17g", f->name, *(const double *)value);
    break;
  }
}

static void put_layer(nrf_buffer *lines, const nrf_recorded_layer *l)
{
  put_line(lines, "layer %d of size %d %d %d", l->layer, l->channels, l->height, l->width);
  put_line(lines, "layer %d, rows %d-%d, columns %d-%d", l->layer, l->top, l->top + l->rows - 1, l->left,
           l->left + l->columns - 1);
  for (int c = 0; c < l->n_channels; c++) put_line(lines, "layer %d, channel %d", l->layer, l->channel[c]);
}

/* NaN must equal NaN; as text it does, but for its sign. */
static double plain_nan(double x)
{
  return x == x ? x : (double)NAN;
}

static void put_image(nrf_buffer *lines, const nrf_recording_image *image)
{
  put_line(lines,
           "image %d, file %s, angle %.17g (static %.17g), contrast %.17g, offset %d %d, group %d, repeat %d",
           image->index, image->file_name, plain_nan(image->angle), plain_nan(image->angle_static),
           plain_nan(image->contrast), image->offset_row, image->offset_column, image->group, image->repeat);
}

static void put_info(nrf_buffer *lines, const nrf_recording_info *info, const char *pictures_hash)
{
  for (int i = 0; i < N_FIELDS; i++) put_field(lines, &fields[i], info);
  put_line(lines, "number format %s", nrf_record_number_name(info->format.number));
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    if (info->variable[v]) put_line(lines, "variable %s", nrf_record_variable_name((nrf_record_variable)v));
  for (int i = 0; i < info->n_layers; i++) put_layer(lines, &info->layer[i]);
  for (int i = 0; i < info->n_phases; i++)
    put_line(lines, "phase %s from step %" PRId64 " for %" PRId64 " steps, showing %s", info->phase[i].name,
             info->phase[i].first_step, info->phase[i].n_steps, shows_names[info->phase[i].shows]);
  for (int i = 0; i < info->n_images; i++) put_image(lines, &info->image[i]);
  for (int i = 0; i < info->n_settings; i++)
    put_line(lines, "%s %s", info->setting[i].name, info->setting[i].value);
  put_line(lines, "pictures with the MD5 %s", pictures_hash);
}

/* The first lines that differ, "nothing more" where one has ended. False if there are none. */
static bool first_difference(const nrf_buffer *a, const nrf_buffer *b, const char **in_a, const char **in_b)
{
  const char       *at = a->bytes, *bt = b->bytes;
  const char *const a_end = a->bytes + a->used, *const b_end = b->bytes + b->used;
  while (at < a_end && bt < b_end && strcmp(at, bt) == 0) at += strlen(at) + 1, bt += strlen(bt) + 1;
  *in_a = at < a_end ? at : "nothing more";
  *in_b = bt < b_end ? bt : "nothing more";
  return at < a_end || bt < b_end;
}

nrf_status nrf_recording_identify(const char *path, const nrf_recording_header *header,
                                  char identity[NRF_RECORDING_HASH_BYTES])
{
  nrf_buffer lines = {0};
  nrf_md5    md5;
  put_info(&lines, &header->info, header->pictures_hash);
  put_line(&lines, "begun %" PRId64, header->info.session_start);
  const bool failed = lines.failed;
  nrf_md5_init(&md5);
  if (!failed) nrf_md5_update(&md5, lines.bytes, lines.used);
  nrf_md5_final(&md5, identity);
  nrf_buffer_free(&lines);
  return failed ? nrf_error(NRF_ENOMEM, "%s: no memory to tell it from others", path) : NRF_OK;
}

nrf_status nrf_recording_compare(const char *path, const nrf_recording_header *in_file,
                                 const nrf_recording_info *info)
{
  nrf_status  st    = NRF_OK;
  nrf_buffer  found = {0}, wanted = {0};
  char        hash[NRF_RECORDING_HASH_BYTES];
  const char *in_found, *in_wanted;

  if (in_file->info.n_images != info->n_images)
    NRF_FAIL(NRF_EINVAL, "%s: is another recording: it has %d images where this one has %d", path,
             in_file->info.n_images, info->n_images);
  nrf_recording_hash_pictures(info, hash);
  put_info(&found, &in_file->info, in_file->pictures_hash);
  put_info(&wanted, info, hash);
  if (found.failed || wanted.failed) NRF_FAIL(NRF_ENOMEM, "%s: no memory to compare what it records", path);
  if (first_difference(&found, &wanted, &in_found, &in_wanted))
    NRF_FAIL(NRF_EINVAL, "%s: is another recording: it has '%.200s' where this one has '%.200s'", path,
             in_found, in_wanted);
done:
  nrf_buffer_free(&found);
  nrf_buffer_free(&wanted);
  return st;
}
