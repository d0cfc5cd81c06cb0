/* atomic_file.h - files that appear whole or not at all (DESIGN.md, "Rules of traffic").
 *
 * The bytes go to `<path>.partial-<pid>` in the same directory; committing flushes them to the disk and
 * renames. Whatever goes wrong before the rename, a file that stood at `path` before is untouched.
 *
 *   NRF_TRY(nrf_atomic_create(path, &file));
 *   NRF_TRY(nrf_atomic_append(file, bytes, size));
 *   NRF_TRY(nrf_atomic_commit(file));
 * done:
 *   nrf_atomic_free(file);
 *
 * Every message names the path and the system's reason; a full disk is NRF_ENOSPACE. */
#ifndef NRFLV_ATOMIC_FILE_H
#define NRFLV_ATOMIC_FILE_H

#include "nrflv/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct nrf_atomic_file nrf_atomic_file;

/* Opens the partial file, empty and locked for as long as this process holds it. The directory must exist.
 * Only one file at a time can be under way for the same path in one process. */
NRF_MUST_CHECK nrf_status nrf_atomic_create(const char *path, nrf_atomic_file **out);

/* Appends at the file's end. */
NRF_MUST_CHECK nrf_status nrf_atomic_append(nrf_atomic_file *file, const void *bytes, size_t size);

/* For writers of their own: the descriptor, open for reading and writing, owned by `file`. */
int nrf_atomic_descriptor(const nrf_atomic_file *file);

/* The path the file will have, and the one it has until it is committed. Borrowed from `file`. */
const char *nrf_atomic_path(const nrf_atomic_file *file);
const char *nrf_atomic_partial_path(const nrf_atomic_file *file);

/* Flushes to the disk, renames, flushes the directory. Once only. */
NRF_MUST_CHECK nrf_status nrf_atomic_commit(nrf_atomic_file *file);

/* Only renames. The file is whole whatever happens to the program, but not if the machine stops in the next seconds: for
 * many small files that are checked when they are read and can be made anew, where waiting for the disk is most of the
 * time. Once only. */
NRF_MUST_CHECK nrf_status nrf_atomic_commit_unflushed(nrf_atomic_file *file);

/* Closes; removes the partial file unless it was committed. NULL is fine. */
void nrf_atomic_free(nrf_atomic_file *file);

/* Creates, appends, commits: a whole file at once. */
NRF_MUST_CHECK nrf_status nrf_atomic_write(const char *path, const void *bytes, size_t size);

/* The last step for a file that was written under another name: flushes the open file `fd` to the disk, renames it from
 * `from` to `to`, in place of what stands there, flushes the directory. */
NRF_MUST_CHECK nrf_status nrf_atomic_rename(int fd, const char *from, const char *to);

/* Removes the partial files that killed processes left in `directory`, recognised by their name and by a
 * lock nobody holds (process numbers mean nothing on a shared volume). `removed` may be NULL. */
NRF_MUST_CHECK nrf_status nrf_atomic_remove_stale(const char *directory, int64_t *removed);

/* mkdir -p. A path that exists as a directory is fine. */
NRF_MUST_CHECK nrf_status nrf_make_directories(const char *path);

#endif
