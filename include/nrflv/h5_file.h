/* h5_file.h - a small safe layer over HDF5 for models, checkpoints, references and recordings.
 *
 * Objects are addressed by their path from the root ("/cases/a/parameters/biases.0.weight"; "/" is the
 * root itself). Files are row-major, little-endian, of the oldest HDF5 format that can hold them, and hold
 * no time stamps: equal contents make equal files. A file that is written appears whole or not at all.
 *
 * Foreign files are not trusted: shapes, types and sizes are checked before anything is allocated. Messages
 * are one line: path, object, what was found, what was expected. HDF5's own error printing is off.
 * HDF5 as Debian builds it is not thread-safe: use these functions from one thread at a time. */
#ifndef NRFLV_H5_FILE_H
#define NRFLV_H5_FILE_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nrf_h5_file nrf_h5_file;

/* ---- Files ---- */

/* Opens for reading. NRF_ENOTFOUND if there is no such file; NRF_EFORMAT, with HDF5's reason, if it is not
 * HDF5, truncated or damaged. */
NRF_MUST_CHECK nrf_status nrf_h5_open(const char *path, nrf_h5_file **out);

/* A new file for writing, beside `path` until it is committed (atomic_file.h). The directory must exist. */
NRF_MUST_CHECK nrf_status nrf_h5_create(const char *path, nrf_h5_file **out);

/* Completes a created file and puts it in place. Afterwards only nrf_h5_free may follow. A write that
 * failed earlier (disk full) is reported here at the latest; what stood at the path before is then
 * untouched. */
NRF_MUST_CHECK nrf_status nrf_h5_commit(nrf_h5_file *file);

/* Closes. A created file that was not committed disappears. NULL is fine. */
void nrf_h5_free(nrf_h5_file *file);

/* The path given to open or create. Borrowed from `file`. */
const char *nrf_h5_path(const nrf_h5_file *file);

/* ---- Objects ---- */

typedef enum nrf_h5_kind {
  NRF_H5_MISSING,
  NRF_H5_GROUP,
  NRF_H5_DATASET,
  NRF_H5_OTHER, /* a named type, a link that leads nowhere, a damaged object */
} nrf_h5_kind;

nrf_h5_kind nrf_h5_kind_of(const nrf_h5_file *file, const char *path);

static inline bool nrf_h5_exists(const nrf_h5_file *file, const char *path)
{
  return nrf_h5_kind_of(file, path) != NRF_H5_MISSING;
}

/* Makes a group and those above it; one that exists is fine. */
NRF_MUST_CHECK nrf_status nrf_h5_make_group(nrf_h5_file *file, const char *path);

/* Strings in one block of memory. */
typedef struct nrf_h5_strings {
  int64_t count;
  char  **item;
} nrf_h5_strings;

/* Frees the strings and sets the count to 0. */
void nrf_h5_strings_free(nrf_h5_strings *strings);

/* Names of a group's members, of an object's attributes: without path, sorted by their bytes. */
NRF_MUST_CHECK nrf_status nrf_h5_list(const nrf_h5_file *file, const char *group, nrf_h5_strings *out);
NRF_MUST_CHECK nrf_status nrf_h5_list_attributes(const nrf_h5_file *file, const char *object,
                                                 nrf_h5_strings *out);

/* ---- Numbers ---- */

typedef enum nrf_h5_type {
  NRF_H5_FLOAT32,
  NRF_H5_FLOAT64,
  NRF_H5_INT32,
  NRF_H5_INT64,
  NRF_H5_UINT8,
  NRF_H5_UINT32,
  NRF_H5_UINT64,
} nrf_h5_type;

enum { NRF_H5_MAX_RANK = 8 };

/* A shape, outermost dimension first: (nrf_h5_shape){2, {rows, columns}}; rank 0 is a scalar. */
typedef struct nrf_h5_shape {
  int     rank;
  int64_t dim[NRF_H5_MAX_RANK];
} nrf_h5_shape;

static inline nrf_h5_shape nrf_h5_scalar(void)
{
  return (nrf_h5_shape){0, {0}};
}

static inline nrf_h5_shape nrf_h5_vector(int64_t n)
{
  return (nrf_h5_shape){1, {n}};
}

/* Number of elements, 1 for a scalar; -1 if it does not fit or a dimension is negative. */
int64_t nrf_h5_count(nrf_h5_shape shape);

/* How a data set is kept in the file. Scalars are always plain. */
typedef enum nrf_h5_storage {
  NRF_H5_PLAIN,      /* contiguous                                                             */
  NRF_H5_CHECKED,    /* chunks with a Fletcher32 checksum: damage is noticed when it is read   */
  NRF_H5_COMPRESSED, /* the same with shuffle and deflate, if it is large enough to be worth it */
} nrf_h5_storage;

/* The shape of a data set in the file. */
NRF_MUST_CHECK nrf_status nrf_h5_dataset_shape(const nrf_h5_file *file, const char *name, nrf_h5_shape *out);

/* Reads a whole data set of the expected shape into caller's memory of nrf_h5_count(shape) elements.
 * NRF_ESHAPE ("FILE: 'NAME' is [2,3] in the file, [4,3] expected") if it has another. Numbers of any width
 * and byte order, and booleans, are converted to `type`; one that an integer `type` cannot hold (too large, a
 * fraction, NaN) is NRF_EFORMAT. */
NRF_MUST_CHECK nrf_status nrf_h5_read(const nrf_h5_file *file, const char *name, nrf_h5_type type,
                                      nrf_h5_shape shape, void *out);

/* Reads a whole data set of a shape not known beforehand, of at most `max_count` elements, into new memory
 * (nrf_free). */
NRF_MUST_CHECK nrf_status nrf_h5_read_new(const nrf_h5_file *file, const char *name, nrf_h5_type type,
                                          int64_t max_count, nrf_h5_shape *shape, void **out);

/* Reads rows [first, first + rows) along the first axis of a data set whose whole shape is `shape`. */
NRF_MUST_CHECK nrf_status nrf_h5_read_rows(const nrf_h5_file *file, const char *name, nrf_h5_type type,
                                           nrf_h5_shape shape, int64_t first, int64_t rows, void *out);

/* A new data set; groups on the way are made. Elements never written read as 0. */
NRF_MUST_CHECK nrf_status nrf_h5_create_dataset(nrf_h5_file *file, const char *name, nrf_h5_type type,
                                                nrf_h5_shape shape, nrf_h5_storage storage);

/* Writes rows [first, first + rows) of a data set made above. Few large pieces are fastest. */
NRF_MUST_CHECK nrf_status nrf_h5_write_rows(nrf_h5_file *file, const char *name, nrf_h5_type type,
                                            int64_t first, int64_t rows, const void *data);

/* Creates and writes a whole data set. */
NRF_MUST_CHECK nrf_status nrf_h5_write(nrf_h5_file *file, const char *name, nrf_h5_type type,
                                       nrf_h5_shape shape, nrf_h5_storage storage, const void *data);

/* ---- Strings ---- */

/* One string, or a list of them, of fixed or variable length in the file, new memory: free `*out` with
 * nrf_free, the list with nrf_h5_strings_free. Padding is taken off. NRF_EFORMAT beyond 64 MiB. */
NRF_MUST_CHECK nrf_status nrf_h5_read_string(const nrf_h5_file *file, const char *name, char **out);
NRF_MUST_CHECK nrf_status nrf_h5_read_strings(const nrf_h5_file *file, const char *name, nrf_h5_strings *out);

/* Fixed length; ASCII, or UTF-8 if there is need. */
NRF_MUST_CHECK nrf_status nrf_h5_write_string(nrf_h5_file *file, const char *name, const char *text);
NRF_MUST_CHECK nrf_status nrf_h5_write_strings(nrf_h5_file *file, const char *name, int64_t count,
                                               const char *const text[]);

/* The same with variable length and always UTF-8: what NWB's readers take for text, and not for bytes. They may have any
 * shape. */
NRF_MUST_CHECK nrf_status nrf_h5_write_text(nrf_h5_file *file, const char *name, const char *text);
NRF_MUST_CHECK nrf_status nrf_h5_write_texts(nrf_h5_file *file, const char *name, nrf_h5_shape shape,
                                             const char *const text[]);

/* ---- Attributes of any object: a group, a data set, "/" ---- */

bool nrf_h5_has_attribute(const nrf_h5_file *file, const char *object, const char *name);

NRF_MUST_CHECK nrf_status nrf_h5_attribute_shape(const nrf_h5_file *file, const char *object,
                                                 const char *name, nrf_h5_shape *out);

/* As the functions for data sets. */
NRF_MUST_CHECK nrf_status nrf_h5_read_attribute(const nrf_h5_file *file, const char *object, const char *name,
                                                nrf_h5_type type, nrf_h5_shape shape, void *out);
NRF_MUST_CHECK nrf_status nrf_h5_read_attribute_double(const nrf_h5_file *file, const char *object,
                                                       const char *name, double *out);
NRF_MUST_CHECK nrf_status nrf_h5_read_attribute_int64(const nrf_h5_file *file, const char *object,
                                                      const char *name, int64_t *out);
NRF_MUST_CHECK nrf_status nrf_h5_read_attribute_string(const nrf_h5_file *file, const char *object,
                                                       const char *name, char **out);
NRF_MUST_CHECK nrf_status nrf_h5_read_attribute_strings(const nrf_h5_file *file, const char *object,
                                                        const char *name, nrf_h5_strings *out);

/* An attribute holds at most 64,000 bytes in this format: NRF_EINVAL beyond (make it a data set). */
NRF_MUST_CHECK nrf_status nrf_h5_write_attribute(nrf_h5_file *file, const char *object, const char *name,
                                                 nrf_h5_type type, nrf_h5_shape shape, const void *data);
NRF_MUST_CHECK nrf_status nrf_h5_write_attribute_double(nrf_h5_file *file, const char *object,
                                                        const char *name, double value);
NRF_MUST_CHECK nrf_status nrf_h5_write_attribute_int64(nrf_h5_file *file, const char *object,
                                                       const char *name, int64_t value);
NRF_MUST_CHECK nrf_status nrf_h5_write_attribute_string(nrf_h5_file *file, const char *object,
                                                        const char *name, const char *text);
NRF_MUST_CHECK nrf_status nrf_h5_write_attribute_strings(nrf_h5_file *file, const char *object,
                                                         const char *name, int64_t count,
                                                         const char *const text[]);
NRF_MUST_CHECK nrf_status nrf_h5_write_attribute_text(nrf_h5_file *file, const char *object, const char *name,
                                                      const char *text);
NRF_MUST_CHECK nrf_status nrf_h5_write_attribute_texts(nrf_h5_file *file, const char *object,
                                                       const char *name, int64_t count,
                                                       const char *const text[]);

/* ---- Links, references, dimension scales ---- */

/* Another name for an object: one of its own right (hard), or one that says where it is (soft). */
NRF_MUST_CHECK nrf_status nrf_h5_link_hard(nrf_h5_file *file, const char *target, const char *name);
NRF_MUST_CHECK nrf_status nrf_h5_link_soft(nrf_h5_file *file, const char *target, const char *name);

/* A list of references to objects that exist. */
NRF_MUST_CHECK nrf_status nrf_h5_write_references(nrf_h5_file *file, const char *name, int64_t count,
                                                  const char *const target[]);

/* Makes a data set of one dimension the scale of others' dimensions: its values are their coordinates. */
NRF_MUST_CHECK nrf_status nrf_h5_make_scale(nrf_h5_file *file, const char *dataset, const char *dimension);

/* Gives each dimension of a data set its scale: `scale` are the paths of `rank` scales. */
NRF_MUST_CHECK nrf_status nrf_h5_use_scales(nrf_h5_file *file, const char *dataset, int rank,
                                            const char *const scale[]);

/* A scale's list of those who use it, which HDF5 wants too: `user` [count] are data sets whose dimension number
 * `dimension` it is. Once per scale; at most NRF_H5_MAX_SCALE_USERS (NRF_EINVAL). */
enum { NRF_H5_MAX_SCALE_USERS = 4000 };
typedef struct nrf_h5_scale_user {
  const char *dataset;
  int         dimension;
} nrf_h5_scale_user;
NRF_MUST_CHECK nrf_status nrf_h5_list_scale_users(nrf_h5_file *file, const char *scale, int64_t count,
                                                  const nrf_h5_scale_user user[]);

#endif
