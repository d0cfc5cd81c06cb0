/* recording_read.c - opening recordings and reading their numbers and pictures. */
#include "io/h5_chunks.h"
#include "io/recording_reader.h"
#include "nrflv/memory.h"

#include <string.h>

struct nrf_recording {
  nrf_h5_file         *file;
  nrf_recording_header header;
  int64_t              rows; /* complete */
};

const nrf_h5_file *nrf_recording_file(const nrf_recording *r)
{
  return r->file;
}

const nrf_recording_header *nrf_recording_header_of(const nrf_recording *r)
{
  return &r->header;
}

const nrf_recording_info *nrf_recording_info_of(const nrf_recording *r)
{
  return &r->header.info;
}

nrf_status nrf_recording_compare_info(const nrf_recording *r, const nrf_recording_info *info)
{
  return nrf_recording_compare(nrf_h5_path(r->file), &r->header, info);
}

int64_t nrf_recording_rows(const nrf_recording *r)
{
  return r->rows;
}

/* ---- Opening ---- */

nrf_status nrf_recording_open_header(const char *path, nrf_recording **out)
{
  nrf_status     st     = NRF_OK;
  void          *memory = NULL;
  nrf_recording *r      = NULL;

  *out = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *r, path, &memory));
  r = memory;
  NRF_TRY(nrf_h5_open(path, &r->file));
  NRF_TRY(nrf_recording_read_header(r->file, &r->header));
  if (!nrf_h5_has_attribute(r->file, "/", "nwb_version")) NRF_FAIL(NRF_EFORMAT, "%s: not an NWB file", path);
  NRF_TRY(nrf_h5_read(r->file, NRF_RECORDING_MARK, NRF_H5_INT64, nrf_h5_scalar(), &r->rows));
  if (r->rows < 0 || r->rows > nrf_recording_n_rows(&r->header.info))
    NRF_FAIL(NRF_EFORMAT, "%s: '%s' is %lld: damaged", path, NRF_RECORDING_MARK, (long long)r->rows);
  *out = r;
  r    = NULL;
done:
  nrf_recording_free(r);
  return st;
}

void nrf_recording_free(nrf_recording *r)
{
  if (r == NULL) return;
  nrf_recording_free_header(&r->header);
  nrf_h5_free(r->file);
  nrf_free(r);
}

/* Opens the numbers of a series, which have to be what the header says. */
static nrf_status open_series(const nrf_recording *r, nrf_record_variable variable, int layer, int image,
                              char path[NRF_RECORDING_DATA_PATH_BYTES], nrf_h5_chunked *out)
{
  const nrf_recording_info *info      = &r->header.info;
  const nrf_recorded_layer *l         = &info->layer[layer];
  const int64_t             wanted[4] = {nrf_recording_n_rows(info), l->n_channels, l->rows, l->columns};
  nrf_recording_data_path(path, info, variable, layer, image);
  NRF_RETURN_IF_ERROR(nrf_h5_chunked_open(r->file, path, out));
  const nrf_h5_shape found = out->shape;
  if (found.rank == 4 && memcmp(found.dim, wanted, sizeof wanted) == 0) return NRF_OK;
  nrf_h5_chunked_free(out);
  return nrf_error(NRF_ESHAPE, "%s: '%s' is not [%lld,%lld,%lld,%lld], as it should be", nrf_h5_path(r->file),
                   path, (long long)wanted[0], (long long)wanted[1], (long long)wanted[2],
                   (long long)wanted[3]);
}

/* Calls `visit` for each series; `number` is what it adds to. */
static nrf_status visit_series(const nrf_recording *r, int64_t (*measure)(const nrf_h5_chunked *),
                               int64_t             *sum)
{
  const nrf_recording_info *info = &r->header.info;
  char                      path[NRF_RECORDING_DATA_PATH_BYTES];
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    for (int l = 0; info->variable[v] && l < info->n_layers; l++)
      for (int i = 0; i < info->n_images; i++) {
        nrf_h5_chunked d;
        NRF_RETURN_IF_ERROR(open_series(r, (nrf_record_variable)v, l, i, path, &d));
        *sum += measure != NULL ? measure(&d) : 0;
        nrf_h5_chunked_free(&d);
      }
  return NRF_OK;
}

nrf_status nrf_recording_open(const char *path, nrf_recording **out)
{
  int64_t nothing = 0;
  NRF_RETURN_IF_ERROR(nrf_recording_open_header(path, out));
  const nrf_status st = visit_series(*out, NULL, &nothing);
  if (st == NRF_OK) return NRF_OK;
  nrf_recording_free(*out);
  *out = NULL;
  return st;
}

nrf_status nrf_recording_stored_bytes(nrf_recording *r, int64_t *bytes)
{
  *bytes = 0;
  return visit_series(r, nrf_h5_stored_bytes, bytes);
}

/* ---- Numbers ---- */

nrf_recording_block nrf_recording_whole(const nrf_recording *r, int layer)
{
  const nrf_recorded_layer *l = &r->header.info.layer[layer];
  return (nrf_recording_block){
      .n_rows = r->rows, .n_channels = l->n_channels, .rows = l->rows, .columns = l->columns};
}

static bool is_within(int64_t first, int64_t count, int64_t whole)
{
  return first >= 0 && count >= 1 && count <= whole && first <= whole - count;
}

static nrf_status check_request(const nrf_recording *r, nrf_record_variable variable, int layer, int image,
                                const nrf_recording_block *b)
{
  const nrf_recording_info *info = &r->header.info;
  const char               *path = nrf_h5_path(r->file);
  if (variable < 0 || variable >= NRF_RECORD_VARIABLES || !info->variable[variable])
    return nrf_error(NRF_ESHAPE, "%s: does not hold that variable", path);
  if (!is_within(layer, 1, info->n_layers) || !is_within(image, 1, info->n_images))
    return nrf_error(NRF_ESHAPE, "%s: has %d layers and %d images; layer %d and image %d were asked for",
                     path, info->n_layers, info->n_images, layer, image);
  const nrf_recorded_layer *l = &info->layer[layer];
  if (!is_within(b->first_row, b->n_rows, r->rows))
    return nrf_error(NRF_ESHAPE, "%s: %lld rows are complete; %lld from row %lld were asked for", path,
                     (long long)r->rows, (long long)b->n_rows, (long long)b->first_row);
  if (!is_within(b->first_channel, b->n_channels, l->n_channels) || !is_within(b->top, b->rows, l->rows) ||
      !is_within(b->left, b->columns, l->columns))
    return nrf_error(NRF_ESHAPE, "%s: the block that was asked for reaches beyond [%d,%d,%d]", path,
                     l->n_channels, l->rows, l->columns);
  return NRF_OK;
}

nrf_status nrf_recording_read(nrf_recording *r, nrf_record_variable variable, int layer, int image,
                              nrf_recording_block b, float *out)
{
  const int64_t  start[4] = {b.first_row, b.first_channel, b.top, b.left};
  const int64_t  count[4] = {b.n_rows, b.n_channels, b.rows, b.columns};
  char           path[NRF_RECORDING_DATA_PATH_BYTES];
  nrf_h5_chunked d;
  NRF_RETURN_IF_ERROR(check_request(r, variable, layer, image, &b));
  NRF_RETURN_IF_ERROR(open_series(r, variable, layer, image, path, &d));
  const nrf_status st = nrf_h5_read_block(&d, start, count, out);
  nrf_h5_chunked_free(&d);
  return st;
}

/* ---- Pictures ---- */

nrf_status nrf_recording_read_picture(nrf_recording *r, nrf_recording_shows which, int image, uint8_t *out)
{
  const nrf_recording_info     *info   = &r->header.info;
  const nrf_recording_pictures *p      = &info->pictures;
  const nrf_h5_shape            shape  = {p->channels == 3 ? 3 : 2, {p->height, p->width, 3}};
  const size_t                  plane  = (size_t)p->height * (size_t)p->width;
  nrf_status                    st     = NRF_OK;
  void                         *memory = NULL;
  char                          path[NRF_RECORDING_PATH_BYTES];

  if (!is_within(image, 1, info->n_images))
    return nrf_error(NRF_ESHAPE, "%s: has %d images; image %d was asked for", nrf_h5_path(r->file),
                     info->n_images, image);
  nrf_recording_picture_path(path, info, which, image);
  if (!nrf_h5_exists(r->file, path))
    return nrf_error(NRF_ENOTFOUND, "%s: has no '%s'", nrf_h5_path(r->file), path);
  NRF_TRY(nrf_alloc((size_t)nrf_h5_count(shape), path, &memory));
  NRF_TRY(nrf_h5_read(r->file, path, NRF_H5_UINT8, shape, memory));
  const uint8_t *pixel = memory;
  for (size_t i = 0; i < plane; i++)
    for (size_t c = 0; c < (size_t)p->channels; c++) out[c * plane + i] = *pixel++;
done:
  nrf_free(memory);
  return st;
}
