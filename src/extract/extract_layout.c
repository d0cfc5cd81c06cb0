/* extract_layout.c - what is where in an extract's file: everything that the recording says of itself, as the recording has
 * it, and below /extract what was extracted. */
#include "extract_file.h"
#include "extract_seal.h"

#include "io/h5_chunks.h"
#include "io/h5_placed.h"
#include "nrflv/memory.h"

#include <stdio.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "extracts are mapped as they lie in the file, which is little-endian"
#endif

/* A change that older readers would misread takes the next number; so does another choice of what is kept (extract_plan.c). */
enum { FORMAT_VERSION = 1 };

#define ROOT "/extract"

/* What HDF5 needs for itself: generously, so that it stands before everything else. */
enum { METADATA_BYTES = 1 << 17 };

/* ---- items ------------------------------------------------------------------------------------------------ */

typedef struct item_row {
  const char *path;
  nrf_h5_type type;
  const char *description;
} item_row;

#define STATISTIC(span, statistic) \
  [NRF_ITEM_STATISTIC + NRF_SPAN_##span * NRF_STATISTICS + NRF_STATISTIC_##statistic]

static const char during_rows[]  = "rows during the stimulus";
static const char outside_rows[] = "rows of the blank phases before and after the stimulus together";

static const item_row rows[NRF_ITEMS] = {
    [NRF_ITEM_DONE]       = {ROOT "/images_done", NRF_H5_UINT8, "1 for images of which everything is here"},
    [NRF_ITEM_NOT_FINITE] = {ROOT "/traces_not_finite", NRF_H5_INT32,
                             "[image, channel]: traces that hold a NaN or an infinity"},

    STATISTIC(DURING, MEAN)         = {ROOT "/during/mean", NRF_H5_FLOAT64, during_rows},
    STATISTIC(DURING, VARIANCE)     = {ROOT "/during/variance", NRF_H5_FLOAT64, during_rows},
    STATISTIC(DURING, ONE_MINUS_W)  = {ROOT "/during/one_minus_w", NRF_H5_FLOAT64, during_rows},
    STATISTIC(OUTSIDE, MEAN)        = {ROOT "/outside/mean", NRF_H5_FLOAT64, outside_rows},
    STATISTIC(OUTSIDE, VARIANCE)    = {ROOT "/outside/variance", NRF_H5_FLOAT64, outside_rows},
    STATISTIC(OUTSIDE, ONE_MINUS_W) = {ROOT "/outside/one_minus_w", NRF_H5_FLOAT64, outside_rows},

    [NRF_ITEM_TRACES + NRF_KEPT_STATE] = {ROOT "/state/traces", NRF_H5_FLOAT32, "[neuron, row], see neurons"},
    [NRF_ITEM_TRACES +
        NRF_KEPT_MOMENTUM] = {ROOT "/momentum/traces", NRF_H5_FLOAT32, "[neuron, row], see neurons"},

    [NRF_ITEM_FILM_GREY]     = {ROOT "/film_0/grey", NRF_H5_UINT8,
                                "[channel, row, h, w]: 255 (x - low) / (high - low)"},
    [NRF_ITEM_FILM_GREY + 1] = {ROOT "/film_1/grey", NRF_H5_UINT8,
                                "[channel, row, h, w]: 255 (x - low) / (high - low)"},
    [NRF_ITEM_FILM_LOW]      = {ROOT "/film_0/low", NRF_H5_FLOAT32, "least state of each channel"},
    [NRF_ITEM_FILM_LOW + 1]  = {ROOT "/film_1/low", NRF_H5_FLOAT32, "least state of each channel"},
    [NRF_ITEM_FILM_HIGH]     = {ROOT "/film_0/high", NRF_H5_FLOAT32, "largest state of each channel"},
    [NRF_ITEM_FILM_HIGH + 1] = {ROOT "/film_1/high", NRF_H5_FLOAT32, "largest state of each channel"},

    [NRF_ITEM_PICTURES + NRF_SHOWS_BLANK] = {ROOT "/pictures/blank", NRF_H5_UINT8, "[channel, row, column]"},
    [NRF_ITEM_PICTURES +
        NRF_SHOWS_BURN_IN]  = {ROOT "/pictures/burn_in", NRF_H5_UINT8, "[image, channel, row, column]"},
    [NRF_ITEM_PICTURES +
        NRF_SHOWS_STIMULUS] = {ROOT "/pictures/stimulus", NRF_H5_UINT8, "[image, channel, row, column]"},
};

static nrf_h5_shape shape4(int64_t a, int64_t b, int64_t c, int64_t d)
{
  return (nrf_h5_shape){4, {a, b, c, d}};
}

static nrf_h5_shape picture_shape(const nrf_recording_info *info, nrf_recording_shows shows, bool there)
{
  const nrf_recording_pictures *p = &info->pictures;
  if (shows == NRF_SHOWS_BLANK) return (nrf_h5_shape){3, {there ? p->channels : 0, p->height, p->width}};
  return shape4(there ? info->n_images : 0, p->channels, p->height, p->width);
}

static nrf_h5_shape item_shape(const nrf_extract_plan *plan, const nrf_recording_info *info,
                               const bool pictures[NRF_SHOWS], int number)
{
  if (number == NRF_ITEM_DONE) return nrf_h5_vector(plan->images);
  if (number == NRF_ITEM_NOT_FINITE) return (nrf_h5_shape){2, {plan->images, plan->channels}};
  if (number < NRF_ITEM_TRACES) return shape4(plan->channels, plan->images, plan->height, plan->width);
  if (number < NRF_ITEM_FILM_GREY)
    return (nrf_h5_shape){2, {nrf_kept_count(plan, number - NRF_ITEM_TRACES), plan->rows}};
  if (number < NRF_ITEM_FILM_LOW)
    return shape4(number - NRF_ITEM_FILM_GREY < plan->n_films ? plan->channels : 0, plan->rows, plan->height,
                  plan->width);
  if (number < NRF_ITEM_PICTURES)
    return nrf_h5_vector((number - NRF_ITEM_FILM_LOW) % NRF_EXTRACT_MAX_FILMS < plan->n_films ? plan->channels
                                                                                              : 0);
  const nrf_recording_shows shows = (nrf_recording_shows)(number - NRF_ITEM_PICTURES);
  return picture_shape(info, shows, pictures[shows]);
}

/* nrf_recording_check bounds all that is multiplied here. */
nrf_extract_item nrf_extract_item_of(const nrf_extract_plan *plan, const nrf_recording_info *info,
                                     const bool pictures[NRF_SHOWS], int number)
{
  const item_row    *row   = &rows[number];
  const nrf_h5_shape shape = item_shape(plan, info, pictures, number);
  return (nrf_extract_item){row->path, row->description,    row->type,
                            shape,     nrf_h5_count(shape), (int64_t)nrf_h5_type_bytes(row->type)};
}

/* ---- the list of neurons whose traces are kept, [neuron, 4]: image, channel, h, w -------------------------- */

static const char *const neuron_paths[NRF_KEPT] = {ROOT "/state/neurons", ROOT "/momentum/neurons"};

enum { NEURON_NUMBERS = 4 };

static nrf_status list_neurons(const nrf_extract_plan *plan, int kept, int32_t **out)
{
  void *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)nrf_kept_count(plan, kept) * NEURON_NUMBERS * sizeof(int32_t),
                                "list of neurons", &memory));
  int32_t *next = *out = memory;
  for (int b = 0; b < plan->images; b++) {
    const nrf_sites *sites = &plan->kept[kept].sites[b];
    for (int c = 0; c < plan->channels; c++)
      for (int s = 0; s < sites->count; s++, next += NEURON_NUMBERS) {
        next[0] = b;
        next[1] = c;
        next[2] = sites->site[s].h;
        next[3] = sites->site[s].w;
      }
  }
  return NRF_OK;
}

static nrf_h5_shape neurons_shape(const nrf_extract_plan *plan, int kept)
{
  return (nrf_h5_shape){2, {nrf_kept_count(plan, kept), NEURON_NUMBERS}};
}

static nrf_status write_neurons(nrf_h5_file *file, const nrf_extract_plan *plan, int kept)
{
  int32_t *list = NULL;
  if (nrf_kept_count(plan, kept) == 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(list_neurons(plan, kept, &list));
  nrf_status st =
      nrf_h5_write(file, neuron_paths[kept], NRF_H5_INT32, neurons_shape(plan, kept), NRF_H5_PLAIN, list);
  if (st == NRF_OK)
    st = nrf_h5_write_attribute_string(file, neuron_paths[kept], "description",
                                       "[neuron, 4]: image, channel, h, w, counted within the recording");
  nrf_free(list);
  return st;
}

/* What this program keeps of such a recording is what the file has kept. */
static nrf_status compare_neurons(const nrf_h5_file *file, const nrf_extract_plan *plan, int kept)
{
  nrf_status   st     = NRF_OK;
  const size_t bytes  = (size_t)nrf_kept_count(plan, kept) * NEURON_NUMBERS * sizeof(int32_t);
  int32_t     *wanted = NULL;
  void        *found  = NULL;
  if (bytes == 0) return NRF_OK;
  NRF_TRY(list_neurons(plan, kept, &wanted));
  NRF_TRY(nrf_alloc(bytes, "list of neurons", &found));
  NRF_TRY(nrf_h5_read(file, neuron_paths[kept], NRF_H5_INT32, neurons_shape(plan, kept), found));
  if (memcmp(found, wanted, bytes) != 0)
    NRF_FAIL(NRF_EUNSUPPORTED,
             "%s: holds the traces of other neurons than this version of the program reads: make it anew",
             nrf_h5_path(file));
done:
  nrf_free(wanted);
  nrf_free(found);
  return st;
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

/* The recording's own description has to be readable by itself, which includes the channels' numbers beside its series. */
static nrf_status write_recording(nrf_h5_file *file, const nrf_recording_info *info)
{
  nrf_nwb nwb = {file, info->experiment, NRF_OK};
  char    group[NRF_RECORDING_PATH_BYTES], path[NRF_RECORDING_PATH_BYTES + 16];
  nrf_recording_write_header(&nwb, info);
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    for (int l = 0; l < info->n_layers && info->variable[v]; l++) {
      nrf_recording_group_path(group, info, (nrf_record_variable)v, l);
      (void)snprintf(path, sizeof path, "%s/channel", group);
      nrf_nwb_group(&nwb, group, NULL);
      nrf_nwb_numbers(&nwb, path, NRF_H5_INT32, nrf_h5_vector(info->layer[l].n_channels),
                      info->layer[l].channel);
    }
  return nwb.st;
}

static nrf_status write_origin(nrf_h5_file *file, const nrf_extract_origin *origin)
{
  const int64_t version = FORMAT_VERSION;
  NRF_RETURN_IF_ERROR(nrf_h5_make_group(file, ROOT));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_int64(file, ROOT, "format_version", version));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_string(file, ROOT, "program_version", NRFLV_VERSION));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_string(file, ROOT, "recording_path", origin->path));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_string(file, ROOT, "recording_identity", origin->identity));
  NRF_RETURN_IF_ERROR(nrf_h5_write_attribute_int64(file, ROOT, "recording_bytes", origin->bytes));
  return nrf_h5_write_attribute_int64(file, ROOT, "recording_modified_ns", origin->modified_ns);
}

/* All pictures of a source; NULL for those that it does not have. */
typedef struct all_pictures {
  uint8_t *of[NRF_SHOWS];
} all_pictures;

static void free_pictures(all_pictures *p)
{
  for (int i = 0; i < NRF_SHOWS; i++) nrf_free(p->of[i]);
}

static nrf_status read_pictures_of(const nrf_trace_source *source, nrf_recording_shows shows, uint8_t **out)
{
  const nrf_recording_pictures *p      = &source->info->pictures;
  const size_t                  size   = (size_t)p->channels * (size_t)p->height * (size_t)p->width;
  const int                     n      = shows == NRF_SHOWS_BLANK ? 1 : source->info->n_images;
  nrf_status                    st     = NRF_OK;
  void                         *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * size, "pictures", &memory));
  for (int i = 0; i < n && st == NRF_OK; i++)
    st = source->read_picture(source->context, shows, i, (uint8_t *)memory + (size_t)i * size);
  if (st == NRF_OK) {
    *out = memory;
    return NRF_OK;
  }
  nrf_free(memory);
  return st == NRF_ENOTFOUND ? NRF_OK : st;
}

static nrf_status read_pictures(const nrf_trace_source *source, all_pictures *out)
{
  memset(out, 0, sizeof *out);
  for (int i = 0; i < NRF_SHOWS; i++)
    NRF_RETURN_IF_ERROR(read_pictures_of(source, (nrf_recording_shows)i, &out->of[i]));
  return NRF_OK;
}

static nrf_status create_item(nrf_h5_file *file, const nrf_extract_item *item, const void *data)
{
  if (item->elements == 0) return NRF_OK;
  if (data != NULL)
    NRF_RETURN_IF_ERROR(nrf_h5_write(file, item->path, item->type, item->shape, NRF_H5_PLAIN, data));
  else
    NRF_RETURN_IF_ERROR(nrf_h5_create_placed(file, item->path, item->type, item->shape));
  return nrf_h5_write_attribute_string(file, item->path, "description", item->description);
}

static nrf_status create_items(nrf_h5_file *file, const nrf_recording_info *info,
                               const nrf_extract_plan *plan, const all_pictures *pictures)
{
  nrf_status st   = NRF_OK;
  void      *none = NULL; /* of the images are done */
  bool       there[NRF_SHOWS];
  for (int i = 0; i < NRF_SHOWS; i++) there[i] = pictures->of[i] != NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)plan->images, "images", &none));
  for (int i = 0; i < NRF_ITEMS; i++) {
    const nrf_extract_item item = nrf_extract_item_of(plan, info, there, i);
    const void            *data = i >= NRF_ITEM_PICTURES ? pictures->of[i - NRF_ITEM_PICTURES]
                                  : i == NRF_ITEM_DONE   ? none
                                                         : NULL;
    NRF_TRY(create_item(file, &item, data));
  }
  for (int i = 0; i < plan->n_films; i++)
    NRF_TRY(
        nrf_h5_write_attribute_int64(file, rows[NRF_ITEM_FILM_GREY + i].path, "image", plan->film_image[i]));
done:
  nrf_free(none);
  return st;
}

/* The first byte that changes once the file is laid out. HDF5 puts small items into gaps among what was written before them, so it need
 * not be the first item's. */
static nrf_status find_head(nrf_h5_file *file, const nrf_recording_info *info, const nrf_extract_plan *plan,
                            int64_t *head_bytes)
{
  static const bool no_pictures[NRF_SHOWS] = {false}; /* they do not change */
  *head_bytes                              = INT64_MAX;
  for (int i = 0; i < NRF_ITEM_PICTURES; i++) {
    const nrf_extract_item item  = nrf_extract_item_of(plan, info, no_pictures, i);
    int64_t                place = 0;
    if (item.elements == 0) continue;
    NRF_RETURN_IF_ERROR(nrf_h5_find_placed(file, item.path, item.type, item.shape, &place));
    if (place < *head_bytes) *head_bytes = place;
  }
  return NRF_OK;
}

nrf_status nrf_extract_lay_out(const char *path, const nrf_trace_source *source, const nrf_extract_plan *plan)
{
  nrf_status         st         = NRF_OK;
  nrf_h5_file       *file       = NULL;
  int64_t            head_bytes = 0;
  nrf_recording_info info       = *source->info;
  all_pictures       pictures;
  NRF_TRY(read_pictures(source, &pictures));
  info.pictures.blank    = pictures.of[NRF_SHOWS_BLANK];
  info.pictures.burn_in  = pictures.of[NRF_SHOWS_BURN_IN];
  info.pictures.stimulus = pictures.of[NRF_SHOWS_STIMULUS];
  NRF_TRY(nrf_h5_create_laid_out(path, METADATA_BYTES, true, &file));
  NRF_TRY(write_recording(file, &info));
  NRF_TRY(write_origin(file, &source->origin));
  for (int k = 0; k < NRF_KEPT; k++) NRF_TRY(write_neurons(file, plan, k));
  NRF_TRY(create_items(file, &info, plan, &pictures));
  NRF_TRY(find_head(file, &info, plan, &head_bytes));
  NRF_TRY(nrf_h5_commit(file));
  NRF_TRY(nrf_extract_seal(path, head_bytes));
done:
  nrf_h5_free(file);
  free_pictures(&pictures);
  return st;
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

static bool is_extract(const nrf_h5_file *file)
{
  return nrf_h5_kind_of(file, ROOT) == NRF_H5_GROUP && nrf_h5_has_attribute(file, ROOT, "format_version");
}

bool nrf_extract_is_one(const char *path)
{
  nrf_h5_file *file = NULL;
  const bool   is   = nrf_h5_open(path, &file) == NRF_OK && is_extract(file);
  nrf_h5_free(file);
  return is;
}

static nrf_status check_kind(const nrf_h5_file *file)
{
  int64_t version = 0;
  if (!is_extract(file))
    return nrf_error(NRF_EFORMAT, "%s: not an extract of a recording: it has no '" ROOT "'",
                     nrf_h5_path(file));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, ROOT, "format_version", &version));
  if (version != FORMAT_VERSION)
    return nrf_error(NRF_EUNSUPPORTED, "%s: an extract of format version %lld; this program reads version %d",
                     nrf_h5_path(file), (long long)version, FORMAT_VERSION);
  return NRF_OK;
}

static nrf_status read_origin(const nrf_h5_file *file, nrf_extract_head *head)
{
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, ROOT, "recording_path", &head->origin_path));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_string(file, ROOT, "recording_identity", &head->identity));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, ROOT, "recording_bytes", &head->origin_bytes));
  return nrf_h5_read_attribute_int64(file, ROOT, "recording_modified_ns", &head->origin_modified_ns);
}

static nrf_status find_items(const nrf_h5_file *file, int64_t file_bytes, nrf_extract_head *head)
{
  bool pictures[NRF_SHOWS];
  for (int i = 0; i < NRF_SHOWS; i++) pictures[i] = nrf_h5_exists(file, rows[NRF_ITEM_PICTURES + i].path);
  for (int i = 0; i < NRF_ITEMS; i++) {
    nrf_extract_item *item = &head->item[i];
    *item                  = nrf_extract_item_of(&head->plan, &head->header.info, pictures, i);
    if (item->elements == 0) continue;
    NRF_RETURN_IF_ERROR(nrf_h5_find_placed(file, item->path, item->type, item->shape, &head->address[i]));
    const int64_t bytes = item->elements * item->size;
    if (head->address[i] < 0 || bytes > file_bytes || head->address[i] > file_bytes - bytes)
      return nrf_error(NRF_EFORMAT, "%s: '%s' reaches beyond the end of the file: truncated",
                       nrf_h5_path(file), item->path);
  }
  return NRF_OK;
}

nrf_status nrf_extract_read_head(const char *path, nrf_extract_head *out)
{
  nrf_status   st         = NRF_OK;
  nrf_h5_file *file       = NULL;
  int64_t      file_bytes = 0;
  memset(out, 0, sizeof *out);
  NRF_TRY(nrf_extract_check_seal(path, &file_bytes));
  NRF_TRY(nrf_h5_open(path, &file));
  NRF_TRY(check_kind(file));
  NRF_TRY(nrf_recording_read_header(file, &out->header));
  NRF_TRY(read_origin(file, out));
  st = nrf_extract_plan_make(&out->header.info, &out->plan);
  if (st != NRF_OK) {
    st = nrf_error_context(NRF_EFORMAT, "%s", path);
    goto done;
  }
  NRF_TRY(find_items(file, file_bytes, out));
  for (int k = 0; k < NRF_KEPT; k++) NRF_TRY(compare_neurons(file, &out->plan, k));
done:
  nrf_h5_free(file);
  return st;
}

void nrf_extract_free_head(nrf_extract_head *head)
{
  nrf_extract_plan_free(&head->plan);
  nrf_recording_free_header(&head->header);
  nrf_free(head->origin_path);
  nrf_free(head->identity);
  memset(head, 0, sizeof *head);
}

bool nrf_extract_same_origin(const nrf_extract_origin *a, const nrf_extract_origin *b)
{
  return a->bytes == b->bytes && a->modified_ns == b->modified_ns && strcmp(a->identity, b->identity) == 0;
}

/* ---- size --------------------------------------------------------------------------------------------------- */

/* What HDF5 needs for itself, and gaps at the ends of pages. */
enum { HEAD_BYTES = METADATA_BYTES, BYTES_PER_IMAGE = 512, BYTES_PER_SETTING = 256 };

nrf_status nrf_extract_bytes(const nrf_recording_info *info, int64_t *bytes)
{
  static const bool every[NRF_SHOWS] = {true, true, true};
  nrf_extract_plan  plan;
  const nrf_status  st  = nrf_extract_plan_make(info, &plan);
  int64_t           sum = HEAD_BYTES + (int64_t)info->n_images * BYTES_PER_IMAGE +
                (int64_t)info->n_settings * BYTES_PER_SETTING + (int64_t)NRF_ITEMS * NRF_H5_PAGE_BYTES;
  for (int i = 0; i < NRF_ITEMS && st == NRF_OK; i++) {
    const nrf_extract_item item = nrf_extract_item_of(&plan, info, every, i);
    sum += item.elements * item.size;
  }
  for (int k = 0; k < NRF_KEPT && st == NRF_OK; k++)
    sum += nrf_kept_count(&plan, k) * NEURON_NUMBERS * (int64_t)sizeof(int32_t);
  nrf_extract_plan_free(&plan);
  *bytes = sum;
  return st;
}
