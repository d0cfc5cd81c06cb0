/* h5_read.c - numbers and strings out of data sets and attributes. Files are not trusted: what one says of
 * itself is checked before memory is allocated for it. */
#include "io/h5_internal.h"
#include "nrflv/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t MAX_STRING_BYTES = (size_t)64 << 20;

nrf_h5_type_row nrf_h5_type_info(nrf_h5_type type)
{
  /* HDF5's type names are calls of functions, so the table cannot be static. */
  const nrf_h5_type_row rows[] = {
      [NRF_H5_FLOAT32] = {H5T_NATIVE_FLOAT, H5T_IEEE_F32LE, 4, false, "float32"},
      [NRF_H5_FLOAT64] = {H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE, 8, false, "float64"},
      [NRF_H5_INT32]   = {H5T_NATIVE_INT32, H5T_STD_I32LE, 4, true, "int32"},
      [NRF_H5_INT64]   = {H5T_NATIVE_INT64, H5T_STD_I64LE, 8, true, "int64"},
      [NRF_H5_UINT8]   = {H5T_NATIVE_UINT8, H5T_STD_U8LE, 1, true, "uint8"},
      [NRF_H5_UINT32]  = {H5T_NATIVE_UINT32, H5T_STD_U32LE, 4, true, "uint32"},
      [NRF_H5_UINT64]  = {H5T_NATIVE_UINT64, H5T_STD_U64LE, 8, true, "uint64"},
  };
  return rows[type];
}

int64_t nrf_h5_count(nrf_h5_shape shape)
{
  int64_t count = 1;
  for (int i = 0; i < shape.rank; i++)
    if (shape.dim[i] < 0 || __builtin_mul_overflow(count, shape.dim[i], &count)) return -1;
  return count;
}

/* ---- A value: a data set or an attribute, opened ---- */

typedef struct value {
  const nrf_h5_file *file;
  hid_t              id, type;
  bool               is_attribute;
  bool               is_empty;   /* no dataspace at all (h5py.Empty)                             */
  nrf_h5_shape       shape;      /* in the file                                                  */
  char               label[512]; /* "'NAME'" or "attribute 'NAME' of 'OBJECT'", for messages   */
} value;

static void close_value(value *v)
{
  nrf_h5_release(v->type);
  nrf_h5_release(v->id);
}

static nrf_status read_shape(value *v, hid_t space)
{
  hsize_t dims[H5S_MAX_RANK];
  v->is_empty    = H5Sget_simple_extent_type(space) == H5S_NULL;
  const int rank = H5Sget_simple_extent_dims(space, dims, NULL);
  if (rank < 0) return nrf_h5_failure(v->file, "read the shape of", v->label);
  if (rank > NRF_H5_MAX_RANK)
    return nrf_error(NRF_ESHAPE, "%s: %s has %d dimensions, at most %d can be read", v->file->path, v->label,
                     rank, (int)NRF_H5_MAX_RANK);
  v->shape.rank = rank;
  for (int i = 0; i < rank; i++) {
    if (dims[i] > INT64_MAX)
      return nrf_error(NRF_ESHAPE, "%s: %s is damaged: a dimension exceeds 2^63", v->file->path, v->label);
    v->shape.dim[i] = (int64_t)dims[i];
  }
  return NRF_OK;
}

/* Opens data set `object`, or its attribute if `attribute` is not NULL. */
static nrf_status open_value(const nrf_h5_file *file, const char *object, const char *attribute, value *v)
{
  nrf_status st     = NRF_OK;
  hid_t      holder = H5I_INVALID_HID, space = H5I_INVALID_HID;

  *v = (value){
      .file = file, .id = H5I_INVALID_HID, .type = H5I_INVALID_HID, .is_attribute = attribute != NULL};
  if (attribute == NULL)
    (void)snprintf(v->label, sizeof v->label, "'%s'", object);
  else
    (void)snprintf(v->label, sizeof v->label, "attribute '%s' of '%s'", attribute, object);

  const nrf_h5_kind kind = nrf_h5_kind_of(file, object);
  if (kind == NRF_H5_MISSING || (attribute == NULL && kind == NRF_H5_GROUP))
    NRF_FAIL(NRF_EFORMAT, "%s: no %s '%s'", file->path, attribute == NULL ? "data set" : "object", object);
  if (attribute == NULL) {
    v->id = H5Dopen2(file->id, object, H5P_DEFAULT);
  } else {
    holder = H5Oopen(file->id, object, H5P_DEFAULT);
    if (holder >= 0 && H5Aexists(holder, attribute) == 0)
      NRF_FAIL(NRF_EFORMAT, "%s: '%s' has no attribute '%s'", file->path, object, attribute);
    if (holder >= 0) v->id = H5Aopen(holder, attribute, H5P_DEFAULT);
  }
  if (v->id >= 0) v->type = v->is_attribute ? H5Aget_type(v->id) : H5Dget_type(v->id);
  if (v->type >= 0) space = v->is_attribute ? H5Aget_space(v->id) : H5Dget_space(v->id);
  if (space < 0) {
    st = nrf_h5_failure(file, "open", v->label);
    goto done;
  }
  NRF_TRY(read_shape(v, space));
done:
  nrf_h5_release(space);
  nrf_h5_release(holder);
  if (st != NRF_OK) close_value(v);
  return st;
}

static nrf_status value_shape(const nrf_h5_file *file, const char *object, const char *attribute,
                              nrf_h5_shape *out)
{
  value v;
  NRF_RETURN_IF_ERROR(open_value(file, object, attribute, &v));
  *out = v.shape;
  close_value(&v);
  return NRF_OK;
}

nrf_status nrf_h5_dataset_shape(const nrf_h5_file *file, const char *name, nrf_h5_shape *out)
{
  return value_shape(file, name, NULL, out);
}

nrf_status nrf_h5_attribute_shape(const nrf_h5_file *file, const char *object, const char *name,
                                  nrf_h5_shape *out)
{
  return value_shape(file, object, name, out);
}

/* ---- Numbers ---- */

enum { SHAPE_TEXT = 24 * NRF_H5_MAX_RANK };

static const char *shape_text(char text[SHAPE_TEXT], nrf_h5_shape shape)
{
  int used = snprintf(text, SHAPE_TEXT, "[");
  for (int i = 0; i < shape.rank; i++)
    used += snprintf(text + used, (size_t)(SHAPE_TEXT - used), "%s%lld", i > 0 ? "," : "",
                     (long long)shape.dim[i]);
  (void)snprintf(text + used, (size_t)(SHAPE_TEXT - used), "]");
  return text;
}

static nrf_status check_shape(const value *v, nrf_h5_shape expected)
{
  char       found_text[SHAPE_TEXT], expected_text[SHAPE_TEXT];
  const bool same = v->shape.rank == expected.rank &&
                    memcmp(v->shape.dim, expected.dim, (size_t)expected.rank * sizeof expected.dim[0]) == 0;
  if (same && !v->is_empty) return NRF_OK;
  return nrf_error(NRF_ESHAPE, "%s: %s is %s in the file, %s expected", v->file->path, v->label,
                   v->is_empty ? "empty" : shape_text(found_text, v->shape),
                   shape_text(expected_text, expected));
}

static nrf_status check_numeric(const value *v)
{
  const H5T_class_t class = H5Tget_class(v->type);
  /* Booleans are enumerations of integers. */
  if (class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_ENUM) return NRF_OK;
  return nrf_error(NRF_EFORMAT, "%s: %s does not hold numbers", v->file->path, v->label);
}

/* HDF5 would quietly clamp and cut. */
static H5T_conv_ret_t refuse_misfit(H5T_conv_except_t what, hid_t from, hid_t to, void *source, void *target,
                                    void *misfit)
{
  (void)what, (void)from, (void)to, (void)source, (void)target;
  *(bool *)misfit = true;
  return H5T_CONV_ABORT;
}

/* An attribute is read as it is and converted by hand, since H5Aread cannot be told about misfits. */
static herr_t read_attribute_numbers(const value *v, nrf_h5_type_row row, hid_t transfer, void *out)
{
  const size_t count = (size_t)nrf_h5_count(v->shape), found = H5Tget_size(v->type);
  const size_t wider  = found > row.size ? found : row.size;
  void        *buffer = NULL;
  if (nrf_alloc(count * wider, v->label, &buffer) != NRF_OK) return -1;
  herr_t result = H5Aread(v->id, v->type, buffer);
  if (result >= 0) result = H5Tconvert(v->type, row.memory, count, buffer, NULL, transfer);
  if (result >= 0) memcpy(out, buffer, count * row.size);
  nrf_free(buffer);
  return result;
}

/* Reads the elements that `memory` and `selection` pick (H5S_ALL: everything); `v` has been checked. */
static nrf_status read_numbers(const value *v, nrf_h5_type type, hid_t memory, hid_t selection, void *out)
{
  const nrf_h5_type_row row      = nrf_h5_type_info(type);
  const hid_t           transfer = H5Pcreate(H5P_DATASET_XFER);
  bool                  misfit   = false;
  herr_t                result   = transfer >= 0 ? 0 : -1;
  nrf_status            st       = NRF_OK;

  if (result >= 0 && row.integer) result = H5Pset_type_conv_cb(transfer, refuse_misfit, &misfit);
  if (result >= 0)
    result = v->is_attribute ? read_attribute_numbers(v, row, transfer, out)
                             : H5Dread(v->id, row.memory, memory, selection, transfer, out);
  if (misfit)
    st = nrf_error(NRF_EFORMAT, "%s: %s holds a number that %s cannot hold", v->file->path, v->label,
                   row.name);
  else if (result < 0)
    st = nrf_h5_failure(v->file, "read", v->label);
  nrf_h5_release(transfer);
  return st;
}

static nrf_status read_all(const nrf_h5_file *file, const char *object, const char *attribute,
                           nrf_h5_type type, nrf_h5_shape shape, void *out)
{
  nrf_status st = NRF_OK;
  value      v;
  NRF_RETURN_IF_ERROR(open_value(file, object, attribute, &v));
  NRF_TRY(check_shape(&v, shape));
  NRF_TRY(check_numeric(&v));
  if (nrf_h5_count(shape) > 0) NRF_TRY(read_numbers(&v, type, H5S_ALL, H5S_ALL, out));
done:
  close_value(&v);
  return st;
}

nrf_status nrf_h5_read(const nrf_h5_file *file, const char *name, nrf_h5_type type, nrf_h5_shape shape,
                       void *out)
{
  return read_all(file, name, NULL, type, shape, out);
}

nrf_status nrf_h5_read_attribute(const nrf_h5_file *file, const char *object, const char *name,
                                 nrf_h5_type type, nrf_h5_shape shape, void *out)
{
  return read_all(file, object, name, type, shape, out);
}

nrf_status nrf_h5_read_attribute_double(const nrf_h5_file *file, const char *object, const char *name,
                                        double *out)
{
  return read_all(file, object, name, NRF_H5_FLOAT64, nrf_h5_scalar(), out);
}

nrf_status nrf_h5_read_attribute_int64(const nrf_h5_file *file, const char *object, const char *name,
                                       int64_t *out)
{
  return read_all(file, object, name, NRF_H5_INT64, nrf_h5_scalar(), out);
}

nrf_status nrf_h5_read_new(const nrf_h5_file *file, const char *name, nrf_h5_type type, int64_t max_count,
                           nrf_h5_shape *shape, void **out)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  value      v;

  *out = NULL;
  NRF_RETURN_IF_ERROR(open_value(file, name, NULL, &v));
  NRF_TRY(check_numeric(&v));
  if (v.is_empty) NRF_FAIL(NRF_ESHAPE, "%s: %s is empty", file->path, v.label);
  const int64_t count = nrf_h5_count(v.shape);
  if (count < 0 || count > max_count) {
    char text[SHAPE_TEXT];
    NRF_FAIL(NRF_ESHAPE, "%s: %s is %s in the file, at most %lld elements expected", file->path, v.label,
             shape_text(text, v.shape), (long long)max_count);
  }
  if ((uint64_t)count > SIZE_MAX / nrf_h5_type_info(type).size)
    NRF_FAIL(NRF_ENOMEM, "%s: %s is too large for this machine", file->path, v.label);
  NRF_TRY(nrf_alloc((size_t)count * nrf_h5_type_info(type).size, v.label, &memory));
  if (count > 0) NRF_TRY(read_numbers(&v, type, H5S_ALL, H5S_ALL, memory));
  *shape = v.shape;
  *out   = memory;
  memory = NULL;
done:
  nrf_free(memory);
  close_value(&v);
  return st;
}

nrf_status nrf_h5_read_rows(const nrf_h5_file *file, const char *name, nrf_h5_type type, nrf_h5_shape shape,
                            int64_t first, int64_t rows, void *out)
{
  nrf_status st     = NRF_OK;
  hid_t      memory = H5I_INVALID_HID, selection = H5I_INVALID_HID;
  value      v;

  NRF_RETURN_IF_ERROR(open_value(file, name, NULL, &v));
  NRF_TRY(check_shape(&v, shape));
  NRF_TRY(check_numeric(&v));
  NRF_TRY(nrf_h5_select_rows(file, v.label, shape, first, rows, &memory, &selection));
  if (rows > 0 && nrf_h5_count(shape) > 0) NRF_TRY(read_numbers(&v, type, memory, selection, out));
done:
  nrf_h5_release(memory);
  nrf_h5_release(selection);
  close_value(&v);
  return st;
}

nrf_status nrf_h5_select_rows(const nrf_h5_file *file, const char *label, nrf_h5_shape shape, int64_t first,
                              int64_t rows, hid_t *memory, hid_t *selection)
{
  hsize_t start[NRF_H5_MAX_RANK] = {0}, count[NRF_H5_MAX_RANK], whole[NRF_H5_MAX_RANK];

  if (shape.rank < 1 || first < 0 || rows < 0 || first > shape.dim[0] - rows) {
    char text[SHAPE_TEXT];
    return nrf_error(NRF_ESHAPE, "%s: %s is %s: it has no rows %lld to %lld", file->path, label,
                     shape_text(text, shape), (long long)first, (long long)(first + rows - 1));
  }
  for (int i = 0; i < shape.rank; i++) whole[i] = count[i] = (hsize_t)shape.dim[i];
  start[0]   = (hsize_t)first;
  count[0]   = (hsize_t)rows;
  *memory    = H5Screate_simple(shape.rank, count, NULL);
  *selection = H5Screate_simple(shape.rank, whole, NULL);
  if (*memory < 0 || *selection < 0 ||
      H5Sselect_hyperslab(*selection, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
    return nrf_h5_failure(file, "select rows of", label);
  return NRF_OK;
}

/* ---- Strings ---- */

/* Length of a fixed-length string without its padding. */
static size_t unpadded(const char *text, size_t size, H5T_str_t padding)
{
  size_t n = strnlen(text, size);
  if (padding == H5T_STR_SPACEPAD)
    while (n > 0 && text[n - 1] == ' ') n--;
  return n;
}

static nrf_status too_long(const value *v)
{
  return nrf_error(NRF_EFORMAT, "%s: %s holds more than %zu MiB of text", v->file->path, v->label,
                   MAX_STRING_BYTES >> 20);
}

static herr_t read_raw(const value *v, void *out)
{
  return v->is_attribute ? H5Aread(v->id, v->type, out)
                         : H5Dread(v->id, v->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
}

static nrf_status collect_fixed(const value *v, size_t count, nrf_buffer *collected)
{
  nrf_status      st      = NRF_OK;
  const size_t    size    = H5Tget_size(v->type);
  const H5T_str_t padding = H5Tget_strpad(v->type);
  void           *memory  = NULL;

  if (size == 0 || count > MAX_STRING_BYTES / size) return too_long(v);
  NRF_RETURN_IF_ERROR(nrf_alloc(size * count, v->label, &memory));
  if (read_raw(v, memory) < 0) {
    st = nrf_h5_failure(v->file, "read", v->label);
    goto done;
  }
  for (size_t i = 0; i < count; i++) {
    const char *text = (const char *)memory + i * size;
    nrf_h5_collect(collected, text, unpadded(text, size, padding));
  }
done:
  nrf_free(memory);
  return st;
}

/* Where HDF5 puts variable-length strings: many elements may point at one long string of the file, so the
 * sum is bounded while it grows. (H5Dvlen_get_buf_size would tell it beforehand, but in HDF5 1.10.8 it
 * writes beyond its memory for scalars.) */
typedef struct text_block {
  struct text_block *next;
  char               text[];
} text_block;

typedef struct text_memory {
  size_t      left;
  bool        exhausted;
  text_block *blocks;
} text_memory;

static void *text_alloc(size_t size, void *memory)
{
  text_memory *m     = memory;
  text_block  *block = NULL;
  m->exhausted       = m->exhausted || size > m->left;
  if (!m->exhausted) block = malloc(sizeof *block + size);
  if (block == NULL) return NULL;
  m->left -= size;
  block->next = m->blocks;
  m->blocks   = block;
  return block->text;
}

/* All blocks go together, by text_memory_free. */
static void text_release(void *text, void *memory)
{
  (void)text, (void)memory;
}

static void text_memory_free(text_memory *m)
{
  while (m->blocks != NULL) {
    text_block *next = m->blocks->next;
    free(m->blocks);
    m->blocks = next;
  }
}

static void collect_pointers(size_t count, char *const text[], nrf_buffer *collected)
{
  for (size_t i = 0; i < count; i++) {
    const char *s = text[i] != NULL ? text[i] : "";
    nrf_h5_collect(collected, s, strlen(s));
  }
}

static nrf_status collect_variable_dataset(const value *v, size_t count, char **text, nrf_buffer *collected)
{
  nrf_status  st       = NRF_OK;
  text_memory memory   = {.left = MAX_STRING_BYTES};
  const hid_t transfer = H5Pcreate(H5P_DATASET_XFER);

  if (transfer < 0 || H5Pset_vlen_mem_manager(transfer, text_alloc, &memory, text_release, &memory) < 0 ||
      H5Dread(v->id, v->type, H5S_ALL, H5S_ALL, transfer, text) < 0)
    st = memory.exhausted ? too_long(v) : nrf_h5_failure(v->file, "read", v->label);
  else
    collect_pointers(count, text, collected);
  text_memory_free(&memory);
  nrf_h5_release(transfer);
  return st;
}

/* An attribute brings HDF5's own memory; its header cannot hold more than a few thousand references. */
static nrf_status collect_variable_attribute(const value *v, size_t count, char **text, nrf_buffer *collected)
{
  if (H5Aread(v->id, v->type, text) < 0) return nrf_h5_failure(v->file, "read", v->label);
  collect_pointers(count, text, collected);
  const hid_t space = H5Aget_space(v->id);
  (void)H5Dvlen_reclaim(v->type, space, H5P_DEFAULT, text);
  nrf_h5_release(space);
  return NRF_OK;
}

static nrf_status collect_variable(const value *v, size_t count, nrf_buffer *collected)
{
  void *text = NULL;
  if (count > MAX_STRING_BYTES / sizeof(char *)) return too_long(v);
  NRF_RETURN_IF_ERROR(nrf_alloc(count * sizeof(char *), v->label, &text));
  const nrf_status st = v->is_attribute ? collect_variable_attribute(v, count, text, collected)
                                        : collect_variable_dataset(v, count, text, collected);
  nrf_free(text);
  return st;
}

static nrf_status read_strings(const nrf_h5_file *file, const char *object, const char *attribute,
                               nrf_h5_strings *out)
{
  nrf_status st        = NRF_OK;
  nrf_buffer collected = {0};
  value      v;

  *out = (nrf_h5_strings){0};
  NRF_RETURN_IF_ERROR(open_value(file, object, attribute, &v));
  if (H5Tget_class(v.type) != H5T_STRING) NRF_FAIL(NRF_EFORMAT, "%s: %s is not text", file->path, v.label);
  const int64_t count = nrf_h5_count(v.shape);
  if (count < 0) {
    st = too_long(&v);
    goto done;
  }
  if (v.is_empty) /* how h5py keeps an empty string */
    nrf_h5_collect(&collected, "", 0);
  else if (count > 0 && H5Tis_variable_str(v.type) > 0)
    NRF_TRY(collect_variable(&v, (size_t)count, &collected));
  else if (count > 0)
    NRF_TRY(collect_fixed(&v, (size_t)count, &collected));
  NRF_TRY(nrf_h5_make_strings(file, &collected, count, out));
done:
  nrf_buffer_free(&collected);
  close_value(&v);
  return st;
}

static nrf_status read_one_string(const nrf_h5_file *file, const char *object, const char *attribute,
                                  char **out)
{
  nrf_status     st      = NRF_OK;
  nrf_h5_strings strings = {0};
  void          *memory  = NULL;

  *out = NULL;
  NRF_TRY(read_strings(file, object, attribute, &strings));
  if (strings.count != 1)
    NRF_FAIL(NRF_ESHAPE, "%s: %s%s%s holds %lld strings, one expected", file->path, object,
             attribute != NULL ? ", attribute " : "", attribute != NULL ? attribute : "",
             (long long)strings.count);
  const size_t bytes = strlen(strings.item[0]) + 1;
  NRF_TRY(nrf_alloc(bytes, file->path, &memory));
  *out = memcpy(memory, strings.item[0], bytes);
done:
  nrf_h5_strings_free(&strings);
  return st;
}

nrf_status nrf_h5_read_string(const nrf_h5_file *file, const char *name, char **out)
{
  return read_one_string(file, name, NULL, out);
}

nrf_status nrf_h5_read_strings(const nrf_h5_file *file, const char *name, nrf_h5_strings *out)
{
  return read_strings(file, name, NULL, out);
}

nrf_status nrf_h5_read_attribute_string(const nrf_h5_file *file, const char *object, const char *name,
                                        char **out)
{
  return read_one_string(file, object, name, out);
}

nrf_status nrf_h5_read_attribute_strings(const nrf_h5_file *file, const char *object, const char *name,
                                         nrf_h5_strings *out)
{
  return read_strings(file, object, name, out);
}

bool nrf_h5_has_attribute(const nrf_h5_file *file, const char *object, const char *name)
{
  const hid_t holder = H5Oopen(file->id, object, H5P_DEFAULT);
  const bool  has    = holder >= 0 && H5Aexists(holder, name) > 0;
  nrf_h5_release(holder);
  return has;
}
