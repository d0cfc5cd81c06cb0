/* h5_write.c - numbers and strings into data sets and attributes. */
#include "io/h5_internal.h"
#include "nrflv/memory.h"

#include <string.h>

/* A chunk fits the cache HDF5 gives a data set by default, so that whole chunks are filtered once. */
static const int64_t CHUNK_BYTES = 1 << 20;
/* Below this, compression saves less than the chunk's own bookkeeping. */
static const int64_t  COMPRESS_BYTES = 8192;
static const unsigned DEFLATE_LEVEL  = 4;
/* An attribute lives in its object's header, whose messages end at 64 KiB in the format old readers know. */
static const size_t MAX_ATTRIBUTE_BYTES = 64000;

static hid_t create_space(nrf_h5_shape shape)
{
  hsize_t dims[NRF_H5_MAX_RANK];
  if (shape.rank == 0) return H5Screate(H5S_SCALAR);
  for (int i = 0; i < shape.rank; i++) dims[i] = (hsize_t)shape.dim[i];
  return H5Screate_simple(shape.rank, dims, NULL);
}

static nrf_status check_writable_shape(const nrf_h5_file *file, const char *name, nrf_h5_shape shape,
                                       size_t size)
{
  const int64_t count = shape.rank < 0 || shape.rank > NRF_H5_MAX_RANK ? -1 : nrf_h5_count(shape);
  if (count < 0 || count > INT64_MAX / (int64_t)size)
    return nrf_error(NRF_EINVAL, "%s: '%s' has an impossible shape", file->path, name);
  return NRF_OK;
}

/* The largest block of whole trailing dimensions within CHUNK_BYTES: contiguous in memory and in the file. */
static void choose_chunk(nrf_h5_shape shape, size_t size, hsize_t chunk[NRF_H5_MAX_RANK])
{
  int64_t room = CHUNK_BYTES / (int64_t)size;
  for (int i = shape.rank - 1; i >= 0; i--) {
    const int64_t n = shape.dim[i] < room ? shape.dim[i] : room;
    chunk[i]        = (hsize_t)n;
    room /= n;
    if (room < 1) room = 1;
  }
}

/* The creation list of a data set; negative on failure. */
static hid_t create_layout(nrf_h5_shape shape, size_t size, nrf_h5_storage storage)
{
  const int64_t bytes = nrf_h5_count(shape) * (int64_t)size;
  const hid_t   list  = H5Pcreate(H5P_DATASET_CREATE);
  bool          ok    = list >= 0 && H5Pset_obj_track_times(list, 0) >= 0;

  if (storage != NRF_H5_PLAIN && shape.rank > 0 && bytes > 0) {
    hsize_t chunk[NRF_H5_MAX_RANK];
    choose_chunk(shape, size, chunk);
    ok = ok && H5Pset_chunk(list, shape.rank, chunk) >= 0;
    if (storage == NRF_H5_COMPRESSED && bytes >= COMPRESS_BYTES)
      ok = ok && H5Pset_shuffle(list) >= 0 && H5Pset_deflate(list, DEFLATE_LEVEL) >= 0;
    /* Last: it guards what is in the file, and is checked before anything is unpacked. */
    ok = ok && H5Pset_fletcher32(list) >= 0;
  }
  if (ok) return list;
  nrf_h5_release(list);
  return H5I_INVALID_HID;
}

/* A new data set of any type; the caller closes `out`. */
static nrf_status create_dataset(nrf_h5_file *file, const char *name, hid_t type, nrf_h5_shape shape,
                                 nrf_h5_storage storage, hid_t *out)
{
  const hid_t space  = create_space(shape);
  const hid_t layout = create_layout(shape, H5Tget_size(type), storage);
  const hid_t links  = H5Pcreate(H5P_LINK_CREATE);

  *out = H5I_INVALID_HID;
  if (space >= 0 && layout >= 0 && links >= 0 && H5Pset_create_intermediate_group(links, 1) >= 0)
    *out = H5Dcreate2(file->id, name, type, space, links, layout, H5P_DEFAULT);
  const nrf_status st = nrf_h5_written(file, *out, "create", name);
  nrf_h5_release(links);
  nrf_h5_release(layout);
  nrf_h5_release(space);
  return st;
}

/* Closing writes what is still in the chunk cache, so it can fail too. */
static nrf_status close_dataset(const nrf_h5_file *file, const char *name, hid_t dataset, nrf_status so_far)
{
  const herr_t closed = dataset >= 0 ? H5Dclose(dataset) : 0;
  return so_far != NRF_OK ? so_far : nrf_h5_written(file, closed, "write", name);
}

nrf_status nrf_h5_create_dataset(nrf_h5_file *file, const char *name, nrf_h5_type type, nrf_h5_shape shape,
                                 nrf_h5_storage storage)
{
  const nrf_h5_type_row row     = nrf_h5_type_info(type);
  hid_t                 dataset = H5I_INVALID_HID;
  NRF_RETURN_IF_ERROR(check_writable_shape(file, name, shape, row.size));
  const nrf_status st = create_dataset(file, name, row.file, shape, storage, &dataset);
  return close_dataset(file, name, dataset, st);
}

nrf_status nrf_h5_write(nrf_h5_file *file, const char *name, nrf_h5_type type, nrf_h5_shape shape,
                        nrf_h5_storage storage, const void *data)
{
  const nrf_h5_type_row row     = nrf_h5_type_info(type);
  hid_t                 dataset = H5I_INVALID_HID;
  NRF_RETURN_IF_ERROR(check_writable_shape(file, name, shape, row.size));
  nrf_status st = create_dataset(file, name, row.file, shape, storage, &dataset);
  if (st == NRF_OK && nrf_h5_count(shape) > 0)
    st = nrf_h5_written(file, H5Dwrite(dataset, row.memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "write",
                        name);
  return close_dataset(file, name, dataset, st);
}

nrf_status nrf_h5_write_rows(nrf_h5_file *file, const char *name, nrf_h5_type type, int64_t first,
                             int64_t rows, const void *data)
{
  nrf_status            st      = NRF_OK;
  const nrf_h5_type_row row     = nrf_h5_type_info(type);
  hid_t                 dataset = H5I_INVALID_HID, memory = H5I_INVALID_HID, selection = H5I_INVALID_HID;
  nrf_h5_shape          shape;

  NRF_TRY(nrf_h5_dataset_shape(file, name, &shape));
  NRF_TRY(nrf_h5_select_rows(file, name, shape, first, rows, &memory, &selection));
  dataset = H5Dopen2(file->id, name, H5P_DEFAULT);
  NRF_TRY(nrf_h5_written(file, dataset, "open", name));
  if (rows > 0 && nrf_h5_count(shape) > 0)
    NRF_TRY(nrf_h5_written(file, H5Dwrite(dataset, row.memory, memory, selection, H5P_DEFAULT, data), "write",
                           name));
done:
  nrf_h5_release(memory);
  nrf_h5_release(selection);
  return close_dataset(file, name, dataset, st);
}

/* ---- Strings ---- */

/* Strings side by side, each padded with NULs to the longest, and HDF5's type for one of them. */
typedef struct packed_strings {
  char  *bytes;
  size_t size; /* of one */
  hid_t  type;
} packed_strings;

static void packed_strings_free(packed_strings *p)
{
  nrf_h5_release(p->type);
  nrf_free(p->bytes);
}

static bool is_ascii(const char *text)
{
  for (; *text != '\0'; text++)
    if ((unsigned char)*text >= 0x80) return false;
  return true;
}

static nrf_status pack_strings(const nrf_h5_file *file, const char *name, int64_t count,
                               const char *const text[], packed_strings *out)
{
  bool   ascii  = true;
  size_t size   = 1; /* HDF5 has no strings of length 0 */
  size_t bytes  = 0;
  void  *memory = NULL;

  *out = (packed_strings){.type = H5I_INVALID_HID};
  for (int64_t i = 0; i < count; i++) {
    const size_t n = strlen(text[i]);
    size           = n > size ? n : size;
    ascii          = ascii && is_ascii(text[i]);
  }
  if (__builtin_mul_overflow(size, (size_t)count, &bytes))
    return nrf_error(NRF_EINVAL, "%s: '%s' is too long", file->path, name);
  NRF_RETURN_IF_ERROR(nrf_alloc(bytes, name, &memory));
  out->bytes = memory;
  out->size  = size;
  for (int64_t i = 0; i < count; i++) memcpy(out->bytes + (size_t)i * size, text[i], strlen(text[i]));

  out->type = H5Tcopy(H5T_C_S1);
  if (out->type < 0 || H5Tset_size(out->type, size) < 0 || H5Tset_strpad(out->type, H5T_STR_NULLPAD) < 0 ||
      H5Tset_cset(out->type, ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8) < 0) {
    const nrf_status st = nrf_h5_failure(file, "make a type for", name);
    packed_strings_free(out);
    return st;
  }
  return NRF_OK;
}

static nrf_status write_strings(nrf_h5_file *file, const char *name, nrf_h5_shape shape,
                                const char *const text[])
{
  packed_strings packed;
  hid_t          dataset = H5I_INVALID_HID;
  NRF_RETURN_IF_ERROR(pack_strings(file, name, nrf_h5_count(shape), text, &packed));
  nrf_status st = create_dataset(file, name, packed.type, shape, NRF_H5_PLAIN, &dataset);
  if (st == NRF_OK && nrf_h5_count(shape) > 0)
    st = nrf_h5_written(file, H5Dwrite(dataset, packed.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.bytes),
                        "write", name);
  packed_strings_free(&packed);
  return close_dataset(file, name, dataset, st);
}

nrf_status nrf_h5_write_string(nrf_h5_file *file, const char *name, const char *text)
{
  return write_strings(file, name, nrf_h5_scalar(), &text);
}

nrf_status nrf_h5_write_strings(nrf_h5_file *file, const char *name, int64_t count, const char *const text[])
{
  return write_strings(file, name, nrf_h5_vector(count), text);
}

/* ---- Attributes ---- */

static nrf_status write_attribute(nrf_h5_file *file, const char *object, const char *name, hid_t file_type,
                                  hid_t memory_type, nrf_h5_shape shape, const void *data)
{
  nrf_status   st     = NRF_OK;
  hid_t        holder = H5I_INVALID_HID, space = H5I_INVALID_HID, attribute = H5I_INVALID_HID;
  const size_t count = (size_t)nrf_h5_count(shape);

  if (count > MAX_ATTRIBUTE_BYTES / H5Tget_size(file_type))
    NRF_FAIL(NRF_EINVAL, "%s: attribute '%s' of '%s' is longer than %zu bytes: make it a data set",
             file->path, name, object, MAX_ATTRIBUTE_BYTES);
  holder = H5Oopen(file->id, object, H5P_DEFAULT);
  NRF_TRY(nrf_h5_written(file, holder, "give an attribute to", object));
  space     = create_space(shape);
  attribute = H5Acreate2(holder, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
  NRF_TRY(nrf_h5_written(file, attribute, "create the attribute", name));
  if (count > 0)
    NRF_TRY(nrf_h5_written(file, H5Awrite(attribute, memory_type, data), "write the attribute", name));
done:
  nrf_h5_release(attribute);
  nrf_h5_release(space);
  nrf_h5_release(holder);
  return st;
}

nrf_status nrf_h5_write_attribute(nrf_h5_file *file, const char *object, const char *name, nrf_h5_type type,
                                  nrf_h5_shape shape, const void *data)
{
  const nrf_h5_type_row row = nrf_h5_type_info(type);
  NRF_RETURN_IF_ERROR(check_writable_shape(file, name, shape, row.size));
  return write_attribute(file, object, name, row.file, row.memory, shape, data);
}

nrf_status nrf_h5_write_attribute_double(nrf_h5_file *file, const char *object, const char *name,
                                         double value)
{
  return nrf_h5_write_attribute(file, object, name, NRF_H5_FLOAT64, nrf_h5_scalar(), &value);
}

nrf_status nrf_h5_write_attribute_int64(nrf_h5_file *file, const char *object, const char *name,
                                        int64_t value)
{
  return nrf_h5_write_attribute(file, object, name, NRF_H5_INT64, nrf_h5_scalar(), &value);
}

static nrf_status write_attribute_strings(nrf_h5_file *file, const char *object, const char *name,
                                          nrf_h5_shape shape, const char *const text[])
{
  packed_strings packed;
  NRF_RETURN_IF_ERROR(pack_strings(file, name, nrf_h5_count(shape), text, &packed));
  const nrf_status st = write_attribute(file, object, name, packed.type, packed.type, shape, packed.bytes);
  packed_strings_free(&packed);
  return st;
}

nrf_status nrf_h5_write_attribute_string(nrf_h5_file *file, const char *object, const char *name,
                                         const char *text)
{
  return write_attribute_strings(file, object, name, nrf_h5_scalar(), &text);
}

nrf_status nrf_h5_write_attribute_strings(nrf_h5_file *file, const char *object, const char *name,
                                          int64_t count, const char *const text[])
{
  return write_attribute_strings(file, object, name, nrf_h5_vector(count), text);
}

/* ---- Text: strings of variable length ---- */

static hid_t text_type(void)
{
  const hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0) return type;
  nrf_h5_release(type);
  return H5I_INVALID_HID;
}

nrf_status nrf_h5_write_texts(nrf_h5_file *file, const char *name, nrf_h5_shape shape,
                              const char *const text[])
{
  nrf_status  st      = NRF_OK;
  hid_t       dataset = H5I_INVALID_HID;
  const hid_t type    = text_type();
  NRF_TRY(nrf_h5_written(file, type, "make a type for", name));
  NRF_TRY(check_writable_shape(file, name, shape, sizeof(char *)));
  NRF_TRY(create_dataset(file, name, type, shape, NRF_H5_PLAIN, &dataset));
  if (nrf_h5_count(shape) > 0)
    NRF_TRY(
        nrf_h5_written(file, H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text), "write", name));
done:
  nrf_h5_release(type);
  return close_dataset(file, name, dataset, st);
}

nrf_status nrf_h5_write_text(nrf_h5_file *file, const char *name, const char *text)
{
  return nrf_h5_write_texts(file, name, nrf_h5_scalar(), &text);
}

static nrf_status write_attribute_texts(nrf_h5_file *file, const char *object, const char *name,
                                        nrf_h5_shape shape, const char *const text[])
{
  const hid_t type = text_type();
  NRF_RETURN_IF_ERROR(nrf_h5_written(file, type, "make a type for", name));
  const nrf_status st = write_attribute(file, object, name, type, type, shape, (const void *)text);
  nrf_h5_release(type);
  return st;
}

nrf_status nrf_h5_write_attribute_text(nrf_h5_file *file, const char *object, const char *name,
                                       const char *text)
{
  return write_attribute_texts(file, object, name, nrf_h5_scalar(), &text);
}

nrf_status nrf_h5_write_attribute_texts(nrf_h5_file *file, const char *object, const char *name,
                                        int64_t count, const char *const text[])
{
  return write_attribute_texts(file, object, name, nrf_h5_vector(count), text);
}
