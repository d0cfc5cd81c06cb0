/* h5_file.c - opening, committing and listing HDF5 files. Numbers and strings: h5_read.c, h5_write.c. */
#include "io/h5_internal.h"
#include "nrflv/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Errors ---- */

enum { REASON_BYTES = 256 };

/* H5Ewalk begins with the innermost function, the one that knows. */
static herr_t take_innermost(unsigned n, const H5E_error2_t *error, void *reason)
{
  if (n == 0 && error->desc != NULL) (void)snprintf(reason, REASON_BYTES, "%s", error->desc);
  return 0;
}

static void last_reason(char reason[REASON_BYTES])
{
  (void)snprintf(reason, REASON_BYTES, "HDF5 gives no reason");
  (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, reason);
}

/* A write that the system refused earlier explains whatever goes wrong later. */
static nrf_status lost_write(const nrf_h5_file *file)
{
  if (file->sink == NULL || file->sink->failed == 0) return NRF_OK;
  errno = file->sink->failed;
  return nrf_error_errno("%s: cannot write", file->path);
}

nrf_status nrf_h5_failure(const nrf_h5_file *file, const char *action, const char *name)
{
  char reason[REASON_BYTES];
  last_reason(reason);
  NRF_RETURN_IF_ERROR(lost_write(file));
  const char *quote = strchr(name, '\'') == NULL ? "'" : ""; /* labels of attributes have theirs already */
  return nrf_error(file->sink != NULL ? NRF_EIO : NRF_EFORMAT, "%s: cannot %s %s%s%s: %s", file->path, action,
                   quote, name, quote, reason);
}

nrf_status nrf_h5_written(const nrf_h5_file *file, long long result, const char *action, const char *name)
{
  return result < 0 ? nrf_h5_failure(file, action, name) : lost_write(file);
}

void nrf_h5_release(hid_t id)
{
  if (id >= 0) (void)H5Idec_ref(id);
}

/* ---- Files ---- */

/* Starts the library, quietly. */
static nrf_status start(const char *path, nrf_h5_file **out)
{
  void *memory = NULL;
  if (H5open() < 0 || H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0)
    return nrf_error(NRF_ENOMEM, "%s: HDF5 does not start", path);
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof(nrf_h5_file), path, &memory));
  nrf_h5_file *file = memory;
  const size_t size = strlen(path) + 1;
  file->id          = H5I_INVALID_HID;
  *out              = file;
  NRF_RETURN_IF_ERROR(nrf_alloc(size, path, &memory));
  file->path = memcpy(memory, path, size);
  return NRF_OK;
}

/* The everyday reasons, which HDF5 words badly. */
static nrf_status check_readable(const char *path)
{
  struct stat info;
  if (access(path, R_OK) != 0) {
    const bool       missing = errno == ENOENT;
    const nrf_status st      = nrf_error_errno("%s: cannot open", path);
    return missing ? NRF_ENOTFOUND : st;
  }
  if (stat(path, &info) != 0) return nrf_error_errno("%s: cannot open", path);
  if (!S_ISREG(info.st_mode)) return nrf_error(NRF_EFORMAT, "%s: not a file", path);
  if (H5Fis_hdf5(path) <= 0)
    return nrf_error(NRF_EFORMAT, "%s: not an HDF5 file (%lld bytes)", path, (long long)info.st_size);
  return NRF_OK;
}

nrf_status nrf_h5_open(const char *path, nrf_h5_file **out)
{
  nrf_status   st     = NRF_OK;
  nrf_h5_file *file   = NULL;
  hid_t        access = H5I_INVALID_HID;

  *out = NULL;
  NRF_TRY(start(path, &file));
  NRF_TRY(check_readable(path));
  access = H5Pcreate(H5P_FILE_ACCESS);
  /* No locks: files appear by renaming and do not change, and many network file systems have none. */
  if (access < 0 || H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
      H5Pset_file_locking(access, 0, 1) < 0)
    NRF_FAIL(NRF_ENOMEM, "%s: HDF5 does not start", path);
  file->id = H5Fopen(path, H5F_ACC_RDONLY, access);
  if (file->id < 0) {
    char reason[REASON_BYTES];
    last_reason(reason);
    NRF_FAIL(NRF_EFORMAT, "%s: damaged HDF5 file: %s", path, reason);
  }
  *out = file;
  file = NULL;
done:
  nrf_h5_release(access);
  nrf_h5_free(file);
  return st;
}

nrf_status nrf_h5_create_with(const char *path, hid_t access, nrf_h5_file **out)
{
  nrf_status   st       = NRF_OK;
  nrf_h5_file *file     = NULL;
  void        *memory   = NULL;
  hid_t        creation = H5I_INVALID_HID;

  *out = NULL;
  NRF_TRY(start(path, &file));
  NRF_TRY(nrf_atomic_create(path, &file->beside));
  NRF_TRY(nrf_alloc(sizeof *file->sink, path, &memory));
  file->sink     = memory;
  file->sink->fd = nrf_atomic_descriptor(file->beside);

  creation = H5Pcreate(H5P_FILE_CREATE);
  if (creation < 0 || H5Pset_obj_track_times(creation, 0) < 0 || nrf_h5_sink_use(file->sink, access) < 0)
    NRF_FAIL(NRF_ENOMEM, "%s: HDF5 does not start", path);
  file->id = H5Fcreate(nrf_atomic_partial_path(file->beside), H5F_ACC_TRUNC, creation, access);
  NRF_TRY(nrf_h5_written(file, file->id, "create", "/"));
  *out = file;
  file = NULL;
done:
  nrf_h5_release(creation);
  nrf_h5_free(file);
  return st;
}

nrf_status nrf_h5_create(const char *path, nrf_h5_file **out)
{
  const hid_t access = H5open() < 0 ? H5I_INVALID_HID : H5Pcreate(H5P_FILE_ACCESS);
  *out               = NULL;
  if (access < 0) return nrf_error(NRF_ENOMEM, "%s: HDF5 does not start", path);
  const nrf_status st = nrf_h5_create_with(path, access, out);
  nrf_h5_release(access);
  return st;
}

/* Closes HDF5's side. False if it would not close: then it keeps the file, and may write to it at exit. */
static bool close_id(nrf_h5_file *file)
{
  if (file->id < 0) return true;
  const bool closed = H5Fclose(file->id) >= 0;
  file->id          = H5I_INVALID_HID;
  return closed;
}

/* The file is HDF5's for good: let it write into the void, never into a descriptor that is another's by
 * then. */
static void leave_sink_behind(nrf_h5_file *file)
{
  if (file->sink == NULL) return;
  file->sink->failed = EIO;
  file->sink         = NULL;
}

nrf_status nrf_h5_commit(nrf_h5_file *file)
{
  if (file->id < 0 || file->sink == NULL)
    return nrf_error(NRF_EINVAL, "%s: not open for writing", file->path);
  if (!close_id(file)) {
    const nrf_status st = nrf_h5_failure(file, "close", "/");
    leave_sink_behind(file);
    return st;
  }
  NRF_RETURN_IF_ERROR(lost_write(file));
  return nrf_atomic_commit(file->beside);
}

void nrf_h5_free(nrf_h5_file *file)
{
  if (file == NULL) return;
  /* What is still in HDF5's caches is not worth writing. */
  if (file->sink != NULL && file->id >= 0) file->sink->failed = ECANCELED;
  if (!close_id(file)) leave_sink_behind(file);
  nrf_atomic_free(file->beside);
  nrf_free(file->sink);
  nrf_free(file->path);
  nrf_free(file);
}

const char *nrf_h5_path(const nrf_h5_file *file)
{
  return file->path;
}

/* ---- Objects ---- */

/* Does every link on the way exist? H5Lexists asks for the last one only and fails if others are missing. */
static bool links_exist(const nrf_h5_file *file, const char *path)
{
  char prefix[1024];
  if (snprintf(prefix, sizeof prefix, "%s", path) >= (int)sizeof prefix) return false;
  for (char *at = prefix + strspn(prefix, "/"); *at != '\0';) {
    char      *end  = at + strcspn(at, "/");
    const char kept = *end;
    *end            = '\0';
    if (H5Lexists(file->id, prefix, H5P_DEFAULT) <= 0) return false;
    *end = kept;
    at   = end + strspn(end, "/");
  }
  return true;
}

nrf_h5_kind nrf_h5_kind_of(const nrf_h5_file *file, const char *path)
{
  if (!links_exist(file, path)) return NRF_H5_MISSING;
  const hid_t      object = H5Oopen(file->id, path, H5P_DEFAULT);
  const H5I_type_t type   = object >= 0 ? H5Iget_type(object) : H5I_BADID;
  nrf_h5_release(object);
  return type == H5I_GROUP ? NRF_H5_GROUP : type == H5I_DATASET ? NRF_H5_DATASET : NRF_H5_OTHER;
}

nrf_status nrf_h5_make_group(nrf_h5_file *file, const char *path)
{
  if (nrf_h5_kind_of(file, path) == NRF_H5_GROUP) return NRF_OK;
  const hid_t links = H5Pcreate(H5P_LINK_CREATE);
  hid_t       group = H5I_INVALID_HID;
  if (links >= 0 && H5Pset_create_intermediate_group(links, 1) >= 0)
    group = H5Gcreate2(file->id, path, links, H5P_DEFAULT, H5P_DEFAULT);
  const nrf_status st = nrf_h5_written(file, group, "create the group", path);
  nrf_h5_release(group);
  nrf_h5_release(links);
  return st;
}

/* ---- Lists of names ---- */

void nrf_h5_collect(nrf_buffer *collected, const char *text, size_t length)
{
  nrf_buffer_put(collected, text, length);
  nrf_buffer_put(collected, "", 1);
}

nrf_status nrf_h5_make_strings(const nrf_h5_file *file, const nrf_buffer *collected, int64_t count,
                               nrf_h5_strings *out)
{
  const size_t pointers = (size_t)count * sizeof(char *);
  void        *memory   = NULL;
  if (collected->failed)
    return nrf_error(NRF_ENOMEM, "%s: too much text for the memory there is", file->path);
  NRF_RETURN_IF_ERROR(nrf_alloc(pointers + collected->used, file->path, &memory));
  char *text = (char *)memory + pointers;
  out->count = count;
  out->item  = memory;
  if (collected->used > 0) memcpy(text, collected->bytes, collected->used);
  for (int64_t i = 0; i < count; i++, text += strlen(text) + 1) out->item[i] = text;
  return NRF_OK;
}

void nrf_h5_strings_free(nrf_h5_strings *strings)
{
  nrf_free(strings->item);
  *strings = (nrf_h5_strings){0};
}

typedef struct name_list {
  nrf_buffer text;
  int64_t    count;
} name_list;

static herr_t add_name(name_list *list, const char *name)
{
  nrf_h5_collect(&list->text, name, strlen(name));
  list->count++;
  return 0;
}

static herr_t add_link(hid_t group, const char *name, const H5L_info_t *info, void *list)
{
  (void)group, (void)info;
  return add_name(list, name);
}

static herr_t add_attribute(hid_t object, const char *name, const H5A_info_t *info, void *list)
{
  (void)object, (void)info;
  return add_name(list, name);
}

static nrf_status list_names(const nrf_h5_file *file, const char *path, bool attributes, nrf_h5_strings *out)
{
  nrf_status st   = NRF_OK;
  name_list  list = {0};
  herr_t     result;

  *out               = (nrf_h5_strings){0};
  const hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
  if (object < 0) NRF_FAIL(NRF_EFORMAT, "%s: no object '%s'", file->path, path);
  if (!attributes && H5Iget_type(object) != H5I_GROUP)
    NRF_FAIL(NRF_EFORMAT, "%s: '%s' is not a group", file->path, path);
  result = attributes ? H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, add_attribute, &list)
                      : H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, add_link, &list);
  if (result < 0) {
    st = nrf_h5_failure(file, "list", path);
    goto done;
  }
  NRF_TRY(nrf_h5_make_strings(file, &list.text, list.count, out));
done:
  nrf_buffer_free(&list.text);
  nrf_h5_release(object);
  return st;
}

nrf_status nrf_h5_list(const nrf_h5_file *file, const char *group, nrf_h5_strings *out)
{
  return list_names(file, group, false, out);
}

nrf_status nrf_h5_list_attributes(const nrf_h5_file *file, const char *object, nrf_h5_strings *out)
{
  return list_names(file, object, true, out);
}
