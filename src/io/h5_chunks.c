/* h5_chunks.c - data sets of floats by their chunks. */
#include "io/h5_chunks.h"

#include "io/h5_internal.h"

#include <string.h>

/* ---- Types and filters ---- */

/* IEEE 754 binary16, which this version of HDF5 has no name for; as h5py and HDF5 1.14 have it. */
static hid_t half_type(void)
{
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  if (type >= 0 && H5Tset_fields(type, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(type, 2) >= 0 &&
      H5Tset_ebias(type, 15) >= 0)
    return type;
  nrf_h5_release(type);
  return H5I_INVALID_HID;
}

static hid_t float_type(nrf_h5_float number)
{
  return number == NRF_H5_HALF ? half_type() : H5Tcopy(H5T_IEEE_F32LE);
}

/* False if it is neither of ours. */
static bool recognise_type(hid_t type, nrf_h5_float *out)
{
  for (int i = NRF_H5_SINGLE; i <= NRF_H5_HALF; i++) {
    const hid_t ours = float_type((nrf_h5_float)i);
    const bool  same = ours >= 0 && H5Tequal(type, ours) > 0;
    nrf_h5_release(ours);
    *out = (nrf_h5_float)i;
    if (same) return true;
  }
  return false;
}

static bool set_filters(hid_t list, nrf_h5_filters filters)
{
  return (!filters.shuffle || H5Pset_shuffle(list) >= 0) &&
         (filters.deflate == 0 || H5Pset_deflate(list, (unsigned)filters.deflate) >= 0) &&
         (!filters.fletcher32 || H5Pset_fletcher32(list) >= 0);
}

/* Those of ours among a data set's filters. */
static nrf_h5_filters recognise_filters(hid_t list)
{
  nrf_h5_filters found = {0};
  for (int i = 0; i < H5Pget_nfilters(list); i++) {
    unsigned           flags, config, value[8] = {0};
    size_t             n      = sizeof value / sizeof value[0];
    const H5Z_filter_t filter = H5Pget_filter2(list, (unsigned)i, &flags, &n, value, 0, NULL, &config);
    if (filter == H5Z_FILTER_SHUFFLE) found.shuffle = true;
    if (filter == H5Z_FILTER_DEFLATE) found.deflate = (int)value[0];
    if (filter == H5Z_FILTER_FLETCHER32) found.fletcher32 = true;
  }
  return found;
}

/* ---- Files ---- */

nrf_status nrf_h5_create_laid_out(const char *path, int64_t metadata_bytes, bool aligned, nrf_h5_file **out)
{
  const hid_t access = H5open() < 0 ? H5I_INVALID_HID : H5Pcreate(H5P_FILE_ACCESS);
  nrf_status  st     = NRF_OK;
  *out               = NULL;
  if (access < 0 || H5Pset_meta_block_size(access, (hsize_t)metadata_bytes) < 0 ||
      H5Pset_small_data_block_size(access, 0) < 0 ||
      (aligned && H5Pset_alignment(access, NRF_H5_PAGE_BYTES, NRF_H5_PAGE_BYTES) < 0))
    NRF_FAIL(NRF_ENOMEM, "%s: HDF5 does not start", path);
  NRF_TRY(nrf_h5_create_with(path, access, out));
done:
  nrf_h5_release(access);
  return st;
}

/* ---- Data sets ---- */

static void to_hsize(hsize_t to[NRF_H5_MAX_RANK], int rank, const int64_t from[])
{
  for (int i = 0; i < rank; i++) to[i] = (hsize_t)from[i];
}

/* Without filters: all space now, never filled. */
static hid_t creation_list(nrf_h5_shape chunk, nrf_h5_filters filters)
{
  hsize_t     dims[NRF_H5_MAX_RANK];
  const hid_t list   = H5Pcreate(H5P_DATASET_CREATE);
  const bool  placed = !nrf_h5_filters_any(filters);
  to_hsize(dims, chunk.rank, chunk.dim);
  if (list >= 0 && H5Pset_obj_track_times(list, 0) >= 0 && H5Pset_chunk(list, chunk.rank, dims) >= 0 &&
      set_filters(list, filters) && H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0 &&
      H5Pset_alloc_time(list, placed ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_INCR) >= 0)
    return list;
  nrf_h5_release(list);
  return H5I_INVALID_HID;
}

nrf_status nrf_h5_chunked_create(nrf_h5_file *file, const char *name, nrf_h5_float number, nrf_h5_shape shape,
                                 nrf_h5_shape chunk, nrf_h5_filters filters, nrf_h5_chunked *out)
{
  hsize_t dims[NRF_H5_MAX_RANK];
  *out = (nrf_h5_chunked){.file    = file,
                          .id      = H5I_INVALID_HID,
                          .name    = name,
                          .number  = number,
                          .shape   = shape,
                          .chunk   = chunk,
                          .filters = filters};
  to_hsize(dims, shape.rank, shape.dim);
  const hid_t type  = float_type(number);
  const hid_t space = H5Screate_simple(shape.rank, dims, NULL);
  const hid_t list  = creation_list(chunk, filters);
  if (type >= 0 && space >= 0 && list >= 0)
    out->id = H5Dcreate2(file->id, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  const nrf_status st = nrf_h5_written(file, out->id, "create", name);
  nrf_h5_release(list);
  nrf_h5_release(space);
  nrf_h5_release(type);
  return st;
}

static bool recognise_shape(nrf_h5_chunked *d)
{
  hsize_t     dims[H5S_MAX_RANK];
  const hid_t space = H5Dget_space(d->id);
  const int   rank  = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
  nrf_h5_release(space);
  if (rank < 1 || rank > NRF_H5_MAX_RANK) return false;
  d->shape.rank = rank;
  for (int i = 0; i < rank; i++) {
    if (dims[i] > INT64_MAX) return false;
    d->shape.dim[i] = (int64_t)dims[i];
  }
  return nrf_h5_count(d->shape) >= 0;
}

static bool recognise_layout(nrf_h5_chunked *d)
{
  hsize_t     dims[H5S_MAX_RANK];
  const hid_t list = H5Dget_create_plist(d->id);
  if (list < 0) return false;
  d->filters = recognise_filters(list);
  if (H5Pget_layout(list) == H5D_CHUNKED && H5Pget_chunk(list, NRF_H5_MAX_RANK, dims) == d->shape.rank) {
    d->chunk.rank = d->shape.rank;
    for (int i = 0; i < d->shape.rank; i++) d->chunk.dim[i] = (int64_t)dims[i];
  }
  nrf_h5_release(list);
  return true;
}

nrf_status nrf_h5_chunked_open(const nrf_h5_file *file, const char *name, nrf_h5_chunked *out)
{
  nrf_status st   = NRF_OK;
  hid_t      type = H5I_INVALID_HID;
  *out            = (nrf_h5_chunked){.file = file, .id = H5I_INVALID_HID, .name = name};
  if (nrf_h5_kind_of(file, name) != NRF_H5_DATASET)
    NRF_FAIL(NRF_EFORMAT, "%s: no data set '%s'", file->path, name);
  out->id = H5Dopen2(file->id, name, H5P_DEFAULT);
  NRF_TRY(nrf_h5_written(file, out->id, "open", name));
  type = H5Dget_type(out->id);
  if (type < 0 || !recognise_type(type, &out->number))
    NRF_FAIL(NRF_EFORMAT, "%s: '%s' does not hold little-endian float16 or float32", file->path, name);
  if (!recognise_shape(out) || !recognise_layout(out))
    NRF_FAIL(NRF_EFORMAT, "%s: '%s' has no shape that can be read", file->path, name);
done:
  nrf_h5_release(type);
  if (st != NRF_OK) nrf_h5_chunked_free(out);
  return st;
}

nrf_status nrf_h5_chunked_close(nrf_h5_chunked *d)
{
  if (d->id < 0) return NRF_OK;
  const herr_t closed = H5Dclose(d->id);
  d->id               = H5I_INVALID_HID;
  return nrf_h5_written(d->file, closed, "write", d->name);
}

void nrf_h5_chunked_free(nrf_h5_chunked *d)
{
  nrf_h5_release((hid_t)d->id);
  d->id = H5I_INVALID_HID;
}

/* ---- Chunks ---- */

nrf_status nrf_h5_chunk_place(const nrf_h5_chunked *d, const int64_t start[], int64_t *address,
                              int64_t *bytes)
{
  hsize_t  offset[NRF_H5_MAX_RANK], size = 0;
  haddr_t  place   = HADDR_UNDEF;
  unsigned skipped = 0;
  to_hsize(offset, d->shape.rank, start);
  if (H5Dget_chunk_info_by_coord(d->id, offset, &skipped, &place, &size) < 0)
    return nrf_h5_failure(d->file, "find a chunk of", d->name);
  *address = place == HADDR_UNDEF ? -1 : (int64_t)place;
  *bytes   = (int64_t)size;
  return NRF_OK;
}

nrf_status nrf_h5_chunk_write(nrf_h5_chunked *d, const int64_t start[], uint32_t skipped, size_t bytes,
                              const void *data)
{
  hsize_t offset[NRF_H5_MAX_RANK];
  to_hsize(offset, d->shape.rank, start);
  return nrf_h5_written(d->file, H5Dwrite_chunk(d->id, H5P_DEFAULT, skipped, offset, bytes, data), "write",
                        d->name);
}

/* ---- Reading ---- */

/* binary16 to binary32, exactly: the exponent is moved and scaled; infinities and NaN get the exponent they need. */
static float widen(uint16_t half)
{
  const uint32_t magnitude = (uint32_t)(half & 0x7fffU) << 13, sign = (uint32_t)(half & 0x8000U) << 16;
  float          value;
  uint32_t       bits;
  memcpy(&value, &magnitude, sizeof value);
  value *= 0x1p112f;
  memcpy(&bits, &value, sizeof bits);
  bits = (magnitude >= 0x0f800000U ? magnitude | 0x7f800000U : bits) | sign;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* In place: the halves stand in the second half of the memory. */
static void widen_all(float *out, int64_t count)
{
  const char *halves = (const char *)out + count * 2;
  for (int64_t i = 0; i < count; i++) {
    uint16_t half;
    memcpy(&half, halves + 2 * i, sizeof half);
    out[i] = widen(half);
  }
}

nrf_status nrf_h5_read_block(const nrf_h5_chunked *d, const int64_t start[], const int64_t count[],
                             float *out)
{
  hsize_t     first[NRF_H5_MAX_RANK], n[NRF_H5_MAX_RANK];
  nrf_status  st = NRF_OK;
  const hid_t type =
      float_type(d->number); /* HDF5's own conversion takes a hundred times as long as the reading */
  const hid_t space  = H5Dget_space(d->id);
  hid_t       memory = H5I_INVALID_HID;
  int64_t     total  = 1;

  to_hsize(first, d->shape.rank, start);
  to_hsize(n, d->shape.rank, count);
  for (int i = 0; i < d->shape.rank; i++) {
    if (start[i] < 0 || count[i] < 1 || start[i] > d->shape.dim[i] - count[i])
      NRF_FAIL(NRF_ESHAPE, "%s: '%s' does not reach that far", d->file->path, d->name);
    total *= count[i];
  }
  memory = H5Screate_simple(d->shape.rank, n, NULL);
  if (type < 0 || memory < 0 || space < 0 ||
      H5Sselect_hyperslab(space, H5S_SELECT_SET, first, NULL, n, NULL) < 0 ||
      H5Dread(d->id, type, memory, space, H5P_DEFAULT,
              d->number == NRF_H5_HALF ? (char *)out + total * 2 : (char *)out) < 0) {
    st = nrf_h5_failure(d->file, "read", d->name);
    goto done;
  }
  if (d->number == NRF_H5_HALF) widen_all(out, total);
done:
  nrf_h5_release(memory);
  nrf_h5_release(space);
  nrf_h5_release(type);
  return st;
}

int64_t nrf_h5_stored_bytes(const nrf_h5_chunked *d)
{
  return (int64_t)H5Dget_storage_size(d->id);
}

nrf_status nrf_h5_place(const nrf_h5_file *file, const char *name, int64_t *address)
{
  const hid_t   id    = H5Dopen2(file->id, name, H5P_DEFAULT);
  const haddr_t place = id < 0 ? HADDR_UNDEF : H5Dget_offset(id);
  nrf_h5_release(id);
  if (place == HADDR_UNDEF)
    return nrf_error(NRF_EFORMAT, "%s: '%s' has no place in the file", file->path, name);
  *address = (int64_t)place;
  return NRF_OK;
}
