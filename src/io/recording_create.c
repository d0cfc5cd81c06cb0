/* recording_create.c - lays a recording out: every object that the file will ever have. */
#include "io/recording_create.h"

#include "io/recording_header.h"
#include "nrflv/memory.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char ARBITRARY_UNIT[] = "a.u."; /* the model's variables have no dimension */

/* ---- The file as a whole ---- */

enum { DATE_BYTES = 32 };

static void format_date(int64_t seconds, char date[DATE_BYTES])
{
  const time_t time = (time_t)seconds;
  struct tm    utc;
  if (gmtime_r(&time, &utc) == NULL || strftime(date, DATE_BYTES, "%Y-%m-%dT%H:%M:%S+00:00", &utc) == 0)
    (void)snprintf(date, DATE_BYTES, "1970-01-01T00:00:00+00:00");
}

static void write_root(nrf_nwb *nwb, const nrf_recording_info *info, const char *date)
{
  static const char *const groups[] = {
      "/acquisition",        "/analysis", "/processing", "/stimulus/presentation",
      "/stimulus/templates", "/general",  "/intervals"};
  static const char *const dates[]  = {"/session_start_time", "/timestamps_reference_time"};
  const char *const        source[] = {"nrflv", info->program_version};
  char                     text[4 * NRF_RECORDING_TEXT_BYTES];

  nrf_nwb_set_type(nwb, "/", "core", "NWBFile");
  nrf_nwb_attribute_text(nwb, "/", "nwb_version", NRF_NWB_VERSION);
  nrf_nwb_text(nwb, "/identifier", nwb->identifier);
  (void)snprintf(
      text, sizeof text,
      "Recording of a Neural Random Field with Latent Variables, a model of visual cortex: experiment %s, "
      "model %s. A simulation, no animal was involved.",
      info->experiment, info->model_name);
  nrf_nwb_text(nwb, "/session_description", text);
  for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) nrf_nwb_text(nwb, dates[i], date);
  if (nwb->st == NRF_OK)
    nwb->st = nrf_h5_write_texts(nwb->file, "/file_create_date", nrf_h5_vector(1), &date);

  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) nrf_nwb_group(nwb, groups[i], NULL);
  nrf_nwb_text(nwb, "/general/session_id", info->session_name);
  nrf_nwb_text(nwb, "/general/experiment_description", info->experiment);
  if (nwb->st == NRF_OK)
    nwb->st = nrf_h5_write_texts(nwb->file, "/general/was_generated_by", (nrf_h5_shape){2, {1, 2}}, source);
}

/* ---- Pictures ---- */

/* One of the file's pictures, and which of them they all are: the order in which they are counted. */
typedef struct picture {
  nrf_recording_shows which;
  int                 image; /* 0 for the blank one */
  const uint8_t      *pixels;
} picture;

static bool has_blank(const nrf_recording_info *info)
{
  return info->pictures.blank != NULL;
}

static int count_pictures(const nrf_recording_info *info)
{
  const nrf_recording_pictures *p = &info->pictures;
  return has_blank(info) + ((p->burn_in != NULL) + (p->stimulus != NULL)) * info->n_images;
}

static int picture_index(const nrf_recording_info *info, nrf_recording_shows which, int image)
{
  if (which == NRF_SHOWS_BLANK) return 0;
  const bool after_burn_in = which == NRF_SHOWS_STIMULUS && info->pictures.burn_in != NULL;
  return has_blank(info) + (after_burn_in ? info->n_images : 0) + image;
}

static picture picture_at(const nrf_recording_info *info, int index)
{
  const nrf_recording_pictures *p    = &info->pictures;
  const size_t                  size = (size_t)p->channels * (size_t)p->height * (size_t)p->width;
  if (has_blank(info) && index == 0) return (picture){NRF_SHOWS_BLANK, 0, p->blank};
  const int rest = index - has_blank(info), image = rest % info->n_images;
  if (p->burn_in != NULL && rest < info->n_images)
    return (picture){NRF_SHOWS_BURN_IN, image, p->burn_in + (size_t)image * size};
  return (picture){NRF_SHOWS_STIMULUS, image, p->stimulus + (size_t)image * size};
}

/* Channels last, as viewers have them. */
static void interleave(const nrf_recording_pictures *p, const uint8_t *planes, uint8_t *out)
{
  const size_t plane = (size_t)p->height * (size_t)p->width;
  for (size_t i = 0; i < plane; i++)
    for (size_t c = 0; c < (size_t)p->channels; c++) *out++ = planes[c * plane + i];
}

static void write_picture(nrf_nwb *nwb, const nrf_recording_info *info, const char *path,
                          const picture *shown)
{
  const nrf_recording_pictures *p      = &info->pictures;
  const nrf_h5_shape            shape  = {p->channels == 3 ? 3 : 2, {p->height, p->width, 3}};
  void                         *memory = NULL;
  if (nwb->st == NRF_OK) nwb->st = nrf_alloc((size_t)nrf_h5_count(shape), path, &memory);
  if (memory != NULL) interleave(p, shown->pixels, memory);
  nrf_nwb_numbers(nwb, path, NRF_H5_UINT8, shape, memory);
  nrf_free(memory);
  nrf_nwb_set_type(nwb, path, "core", p->channels == 3 ? "RGBImage" : "GrayscaleImage");
}

/* All pictures in one container, and the order in which they are counted. */
static void write_pictures(nrf_nwb *nwb, const nrf_recording_info *info)
{
  const int    n      = count_pictures(info);
  void        *memory = NULL;
  const size_t size   = sizeof(char *) + NRF_RECORDING_PATH_BYTES;

  nrf_nwb_group(nwb, NRF_RECORDING_PICTURES, "Images");
  nrf_nwb_attribute_text(nwb, NRF_RECORDING_PICTURES, "description",
                         "The pictures that layer 0 was held to; rows from top to bottom, then columns.");
  if (nwb->st == NRF_OK) nwb->st = nrf_alloc((size_t)n * size, "pictures", &memory);
  const char **path = memory;
  char        *text = (char *)memory + (size_t)n * sizeof(char *);
  for (int i = 0; i < n && memory != NULL; i++, text += NRF_RECORDING_PATH_BYTES) {
    const picture shown = picture_at(info, i);
    path[i]             = nrf_recording_picture_path(text, info, shown.which, shown.image);
    write_picture(nwb, info, path[i], &shown);
  }
  if (nwb->st == NRF_OK)
    nwb->st = nrf_h5_write_references(nwb->file, NRF_RECORDING_PICTURES "/order_of_images", n, path);
  nrf_nwb_set_type(nwb, NRF_RECORDING_PICTURES "/order_of_images", "core", "ImageReferences");
  nrf_free(memory);
}

static void write_unit(nrf_nwb *nwb, const char *path, const char *unit)
{
  const float one = 1, zero = 0, unknown = -1;
  nrf_nwb_attribute_text(nwb, path, "unit", unit);
  nrf_nwb_attribute(nwb, path, "conversion", NRF_H5_FLOAT32, nrf_h5_scalar(), &one);
  nrf_nwb_attribute(nwb, path, "offset", NRF_H5_FLOAT32, nrf_h5_scalar(), &zero);
  nrf_nwb_attribute(nwb, path, "resolution", NRF_H5_FLOAT32, nrf_h5_scalar(), &unknown);
}

/* Which picture an image of the batch was held to, and from when. */
static void write_presentation(nrf_nwb *nwb, const nrf_recording_info *info, int image)
{
  char path[NRF_RECORDING_PATH_BYTES], data[NRF_RECORDING_PATH_BYTES + 16],
      times[NRF_RECORDING_PATH_BYTES + 16], link[NRF_RECORDING_PATH_BYTES + 16];
  uint32_t index[NRF_RECORDING_MAX_PHASES];
  double   time[NRF_RECORDING_MAX_PHASES];
  int      n = 0;
  for (int i = 0; i < info->n_phases; i++) {
    if (info->phase[i].n_steps == 0) continue;
    index[n]  = (uint32_t)picture_index(info, info->phase[i].shows, image);
    time[n++] = nrf_recording_seconds(info, info->phase[i].first_step);
  }
  (void)snprintf(path, sizeof path, "/stimulus/presentation/image_%03d", info->image[image].index);
  (void)snprintf(data, sizeof data, "%s/data", path);
  (void)snprintf(times, sizeof times, "%s/timestamps", path);
  (void)snprintf(link, sizeof link, "%s/indexed_images", path);
  nrf_nwb_group(nwb, path, "IndexSeries");
  nrf_nwb_attribute_text(nwb, path, "description",
                         "Picture that layer 0 was held to, from each time to the next.");
  nrf_nwb_attribute_text(nwb, path, "comments", "no comments");
  nrf_nwb_numbers(nwb, data, NRF_H5_UINT32, nrf_h5_vector(n), index);
  write_unit(nwb, data, "N/A");
  nrf_nwb_numbers(nwb, times, NRF_H5_FLOAT64, nrf_h5_vector(n), time);
  nrf_nwb_attribute_int(nwb, times, "interval", 1);
  nrf_nwb_attribute_text(nwb, times, "unit", "seconds");
  if (nwb->st == NRF_OK) nwb->st = nrf_h5_link_soft(nwb->file, NRF_RECORDING_PICTURES, link);
}

/* ---- Scales ---- */

/* The dimensions of a series, outermost first, and what else counts its rows. */
enum { RANK = 4, N_SCALES = RANK + 1 };
static const char *const scale_names[N_SCALES] = {"time", "channel", "height", "width", "step"};

typedef struct scale_paths {
  char        text[N_SCALES][NRF_RECORDING_PATH_BYTES + 16];
  const char *path[N_SCALES];
} scale_paths;

static void make_scale_paths(const char *group, scale_paths *out)
{
  for (int i = 0; i < N_SCALES; i++) {
    (void)snprintf(out->text[i], sizeof out->text[i], "%s/%s", group, scale_names[i]);
    out->path[i] = out->text[i];
  }
}

static void write_scale(nrf_nwb *nwb, const char *path, const char *name, nrf_h5_type type, int64_t count,
                        const void *values, const char *unit, const char *meaning)
{
  nrf_nwb_numbers(nwb, path, type, nrf_h5_vector(count), values);
  if (nwb->st == NRF_OK) nwb->st = nrf_h5_make_scale(nwb->file, path, name);
  nrf_nwb_attribute_text(nwb, path, "units", unit);
  nrf_nwb_attribute_text(nwb, path, "long_name", meaning);
}

/* Numbers first, first + 1 ... */
static void write_counting_scale(nrf_nwb *nwb, const char *path, const char *name, int first, int count,
                                 const char *meaning)
{
  void *memory = NULL;
  if (nwb->st == NRF_OK) nwb->st = nrf_alloc((size_t)count * sizeof(int32_t), name, &memory);
  int32_t *number = memory;
  for (int i = 0; i < count && number != NULL; i++) number[i] = first + i;
  write_scale(nwb, path, name, NRF_H5_INT32, count, number, "1", meaning);
  nrf_free(memory);
}

/* Seconds and steps. */
static void write_row_scales(nrf_nwb *nwb, const nrf_recording_info *info, const scale_paths *scales)
{
  const int64_t n      = nrf_recording_n_rows(info);
  void         *memory = NULL;
  if (nwb->st == NRF_OK)
    nwb->st = nrf_alloc((size_t)n * (sizeof(double) + sizeof(int64_t)), "time scale", &memory);
  double  *time = memory;
  int64_t *step = (int64_t *)memory + n;
  for (int64_t i = 0; i < n && memory != NULL; i++) {
    step[i] = i * info->stride;
    time[i] = nrf_recording_seconds(info, step[i]);
  }
  write_scale(nwb, scales->path[0], "time", NRF_H5_FLOAT64, n, time, "s",
              "biological time from the first step of the sampler");
  nrf_nwb_numbers(nwb, scales->path[RANK], NRF_H5_INT64, nrf_h5_vector(n), step);
  nrf_nwb_attribute_text(nwb, scales->path[RANK], "units", "1");
  nrf_nwb_attribute_text(nwb, scales->path[RANK], "long_name", "step of the sampler");
  if (nwb->st == NRF_OK) nwb->st = nrf_h5_use_scales(nwb->file, scales->path[RANK], 1, scales->path);
  nrf_free(memory);
}

static void write_scales(nrf_nwb *nwb, const nrf_recording_info *info, int layer, const scale_paths *scales)
{
  const nrf_recorded_layer *l = &info->layer[layer];
  write_row_scales(nwb, info, scales);
  write_scale(nwb, scales->path[1], scale_names[1], NRF_H5_INT32, l->n_channels, l->channel, "1",
              "channel of the layer");
  write_counting_scale(nwb, scales->path[2], scale_names[2], l->top, l->rows, "row of the map, from the top");
  write_counting_scale(nwb, scales->path[3], scale_names[3], l->left, l->columns,
                       "column of the map, from the left");
}

/* ---- Series ---- */

static void write_data(nrf_nwb *nwb, const nrf_recording_info *info, int layer, nrf_h5_filters filters,
                       const char *path, const scale_paths *scales)
{
  const nrf_recorded_layer    *l      = &info->layer[layer];
  const nrf_recording_chunking chunks = nrf_recording_chunks(info, layer);
  const nrf_h5_shape shape = {RANK, {nrf_recording_n_rows(info), l->n_channels, l->rows, l->columns}};
  const nrf_h5_shape chunk = {RANK, {chunks.rows, 1, l->rows, l->columns}};
  nrf_h5_chunked     data;
  if (nwb->st != NRF_OK) return;
  nwb->st                 = nrf_h5_chunked_create(nwb->file, path,
                                  info->format.number == NRF_RECORD_FLOAT16 ? NRF_H5_HALF : NRF_H5_SINGLE,
                                                  shape, chunk, filters, &data);
  const nrf_status closed = nrf_h5_chunked_close(&data);
  if (nwb->st == NRF_OK) nwb->st = closed;
  write_unit(nwb, path, ARBITRARY_UNIT);
  nrf_nwb_attribute_text(nwb, path, "continuity", "continuous");
  nrf_nwb_attribute_text(nwb, path, "coordinates", scale_names[RANK]);
  nrf_nwb_attribute_double(nwb, path, "relative_error_bound", nrf_record_error_bound(info->format));
  if (nwb->st == NRF_OK) nwb->st = nrf_h5_use_scales(nwb->file, path, RANK, scales->path);
}

static void write_starting_time(nrf_nwb *nwb, const nrf_recording_info *info, const char *path)
{
  const double zero = 0;
  nrf_nwb_numbers(nwb, path, NRF_H5_FLOAT64, nrf_h5_scalar(), &zero);
  nrf_nwb_attribute_double(nwb, path, "rate", 1000 / (info->ms_per_step * info->stride));
  nrf_nwb_attribute_text(nwb, path, "unit", "seconds");
}

static void write_series(nrf_nwb *nwb, const nrf_recording_info *info, nrf_record_variable variable,
                         int layer, int image, nrf_h5_filters filters, const scale_paths *scales)
{
  const nrf_recording_image *shown = &info->image[image];
  char                       series[NRF_RECORDING_PATH_BYTES], path[NRF_RECORDING_PATH_BYTES + 16], text[512];

  nrf_recording_series_path(series, info, variable, layer, image);
  nrf_nwb_group(nwb, series, "TimeSeries");
  (void)snprintf(text, sizeof text, "%s; layer %d, image %d of the batch%s%s",
                 nrf_recording_variable_info(variable)->description, info->layer[layer].layer, shown->index,
                 shown->file_name[0] != '\0' ? ": " : "", shown->file_name);
  nrf_nwb_attribute_text(nwb, series, "description", text);
  nrf_nwb_attribute_text(nwb, series, "comments",
                         "[time, channel, height, width]; the rows that " NRF_RECORDING_MARK
                         " counts are complete");
  write_data(nwb, info, layer, filters, nrf_recording_data_path(path, info, variable, layer, image), scales);
  (void)snprintf(path, sizeof path, "%s/starting_time", series);
  write_starting_time(nwb, info, path);
  /* Readers that open one group find the coordinates in it. */
  for (int i = 0; i < N_SCALES; i++) {
    (void)snprintf(path, sizeof path, "%s/%s", series, scale_names[i]);
    if (nwb->st == NRF_OK) nwb->st = nrf_h5_link_hard(nwb->file, scales->path[i], path);
  }
}

/* Every series uses every scale of its group; the step numbers use that of time. */
static nrf_status list_users(nrf_nwb *nwb, const nrf_recording_info *info, nrf_record_variable variable,
                             int layer, const scale_paths *scales)
{
  enum { PATH = NRF_RECORDING_DATA_PATH_BYTES };
  nrf_status   st     = NRF_OK;
  const size_t n      = (size_t)info->n_images;
  void        *memory = NULL, *paths = NULL;
  NRF_TRY(nrf_alloc((n + 1) * sizeof(nrf_h5_scale_user), "scales", &memory));
  NRF_TRY(nrf_alloc(n * PATH, "scales", &paths));
  nrf_h5_scale_user *user = memory;
  for (size_t i = 0; i < n; i++)
    user[i].dataset = nrf_recording_data_path((char *)paths + i * PATH, info, variable, layer, (int)i);
  for (int d = 0; d < RANK; d++) {
    for (size_t i = 0; i < n; i++) user[i].dimension = d;
    user[n] = (nrf_h5_scale_user){scales->path[RANK], 0};
    NRF_TRY(nrf_h5_list_scale_users(nwb->file, scales->path[d], (int64_t)n + (d == 0), user));
  }
done:
  nrf_free(paths);
  nrf_free(memory);
  return st;
}

static void write_group(nrf_nwb *nwb, const nrf_recording_info *info, nrf_record_variable variable, int layer,
                        nrf_h5_filters filters)
{
  char        group[NRF_RECORDING_PATH_BYTES], text[256];
  scale_paths scales;
  nrf_recording_group_path(group, info, variable, layer);
  (void)snprintf(text, sizeof text, "Layer %d: %s.", info->layer[layer].layer,
                 nrf_recording_variable_info(variable)->description);
  nrf_nwb_group(nwb, group, "ProcessingModule");
  nrf_nwb_attribute_text(nwb, group, "description", text);
  make_scale_paths(group, &scales);
  write_scales(nwb, info, layer, &scales);
  for (int i = 0; i < info->n_images && nwb->st == NRF_OK; i++)
    write_series(nwb, info, variable, layer, i, filters, &scales);
  if (nwb->st == NRF_OK) nwb->st = list_users(nwb, info, variable, layer, &scales);
}

/* ---- The whole ---- */

/* The first data of the file stand at the beginning of a page: so this number, which changes while others read it, never
 * lies across two. */
static void write_mark(nrf_nwb *nwb, int64_t rows)
{
  nrf_nwb_numbers(nwb, NRF_RECORDING_MARK, NRF_H5_INT64, nrf_h5_scalar(), &rows);
  nrf_nwb_attribute_text(
      nwb, NRF_RECORDING_MARK, "description",
      "rows of every series that are complete; what stands beyond them is not meant to be read");
}

static void write_all(nrf_nwb *nwb, const nrf_recording_info *info, nrf_h5_filters filters, int64_t rows,
                      const char *date)
{
  write_mark(nwb, rows);
  write_root(nwb, info, date);
  nrf_recording_write_header(nwb, info);
  write_pictures(nwb, info);
  for (int i = 0; i < info->n_images && nwb->st == NRF_OK; i++) write_presentation(nwb, info, i);
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    for (int l = 0; l < info->n_layers && nwb->st == NRF_OK; l++)
      if (info->variable[v]) write_group(nwb, info, (nrf_record_variable)v, l, filters);
}

nrf_status nrf_recording_lay_out(const char *path, const nrf_recording_info *info, nrf_h5_filters filters,
                                 int64_t rows, nrf_h5_file **out)
{
  nrf_status   st   = NRF_OK;
  nrf_h5_file *file = NULL;
  char         date[DATE_BYTES], identifier[2 * NRF_RECORDING_TEXT_BYTES + DATE_BYTES + 8];

  *out = NULL;
  NRF_RETURN_IF_ERROR(nrf_recording_check(info));
  NRF_RETURN_IF_ERROR(nrf_recording_check_pictures(info));
  format_date(info->session_start, date);
  (void)snprintf(identifier, sizeof identifier, "%s/%s/%s", info->session_name, info->experiment, date);
  NRF_TRY(nrf_h5_create_laid_out(path, nrf_recording_metadata_bytes(info),
                                 !nrf_h5_filters_any(filters) && nrf_recording_is_aligned(info), &file));
  nrf_nwb nwb = {file, identifier, NRF_OK};
  write_all(&nwb, info, filters, rows, date);
  NRF_TRY(nwb.st);
  *out = file;
  file = NULL;
done:
  nrf_h5_free(file);
  return st;
}
