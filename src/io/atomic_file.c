/* atomic_file.c - write beside, flush, rename. */
#include "nrflv/atomic_file.h"

#include "nrflv/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char PARTIAL_MARK[] = ".partial-";

struct nrf_atomic_file {
  int   fd;
  bool  committed;
  char *path;
  char *partial;
};

/* The directory of a path: all before the last slash, "/" for "/x", "." if there is none. */
static nrf_status directory_of(const char *path, char **out)
{
  const char  *slash = strrchr(path, '/');
  const size_t n     = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
  void        *copy  = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(n + 1, path, &copy));
  memcpy(copy, slash == NULL ? "." : path, n);
  *out = copy;
  return NRF_OK;
}

/* Is `fd` still the file that `path` names? Someone may have removed or replaced it since it was opened. */
static bool still_names(const char *path, int fd)
{
  struct stat by_path, by_fd;
  return stat(path, &by_path) == 0 && fstat(fd, &by_fd) == 0 && by_path.st_dev == by_fd.st_dev &&
         by_path.st_ino == by_fd.st_ino;
}

/* Removes a partial file whose writer is gone: a living writer holds its lock. */
static bool remove_if_abandoned(const char *partial)
{
  const int fd = open(partial, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return false;
  const bool removed = flock(fd, LOCK_EX | LOCK_NB) == 0 && still_names(partial, fd) && unlink(partial) == 0;
  (void)close(fd);
  return removed;
}

/* A new file with a lock on it; -1 and errno otherwise. */
static int open_locked(const char *partial)
{
  int fd = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  /* Left behind by a process that had our number: ours to remove. */
  if (fd < 0 && errno == EEXIST && remove_if_abandoned(partial))
    fd = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  /* Some file systems have no locks; then nothing there is ever taken for abandoned, which is safe. */
  if (fd >= 0) (void)flock(fd, LOCK_EX | LOCK_NB);
  return fd;
}

nrf_status nrf_atomic_create(const char *path, nrf_atomic_file **out)
{
  nrf_status       st       = NRF_OK;
  nrf_atomic_file *file     = NULL;
  void            *memory   = NULL;
  const size_t     path_len = strlen(path), partial_size = path_len + sizeof PARTIAL_MARK + 20;

  *out = NULL;
  if (path_len == 0 || path[path_len - 1] == '/') return nrf_error(NRF_EINVAL, "'%s': not a file name", path);
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *file, path, &memory));
  file     = memory;
  file->fd = -1;
  NRF_TRY(nrf_alloc(path_len + 1, path, &memory));
  file->path = memcpy(memory, path, path_len + 1);
  NRF_TRY(nrf_alloc(partial_size, path, &memory));
  file->partial = memory;
  (void)snprintf(file->partial, partial_size, "%s%s%ld", path, PARTIAL_MARK, (long)getpid());

  file->fd = open_locked(file->partial);
  if (file->fd < 0) {
    st = nrf_error_errno("%s: cannot create", path);
    goto done;
  }
  *out = file;
  file = NULL;
done:
  nrf_atomic_free(file);
  return st;
}

nrf_status nrf_atomic_append(nrf_atomic_file *file, const void *bytes, size_t size)
{
  const char *next = bytes;
  while (size > 0) {
    const ssize_t n = write(file->fd, next, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return nrf_error_errno("%s: cannot write", file->path);
    next += n;
    size -= (size_t)n;
  }
  return NRF_OK;
}

int nrf_atomic_descriptor(const nrf_atomic_file *file)
{
  return file->fd;
}

const char *nrf_atomic_path(const nrf_atomic_file *file)
{
  return file->path;
}

const char *nrf_atomic_partial_path(const nrf_atomic_file *file)
{
  return file->partial;
}

/* Makes the rename itself survive a power cut. */
static nrf_status flush_directory(const char *path)
{
  nrf_status st        = NRF_OK;
  char      *directory = NULL;
  NRF_RETURN_IF_ERROR(directory_of(path, &directory));
  const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  /* Some file systems cannot flush a directory (EINVAL) or let it be written but not read (EACCES):
   * the file is in place all the same. */
  if (fd < 0 ? errno != EACCES : fsync(fd) != 0 && errno != EINVAL)
    st = nrf_error_errno("%s: cannot flush the directory", directory);
  if (fd >= 0) (void)close(fd);
  nrf_free(directory);
  return st;
}

static nrf_status put_in_place(const char *from, const char *to)
{
  return rename(from, to) == 0 ? NRF_OK : nrf_error_errno("%s: cannot put in place", to);
}

nrf_status nrf_atomic_rename(int fd, const char *from, const char *to)
{
  if (fsync(fd) != 0) return nrf_error_errno("%s: cannot flush", to);
  NRF_RETURN_IF_ERROR(put_in_place(from, to));
  return flush_directory(to);
}

nrf_status nrf_atomic_commit_unflushed(nrf_atomic_file *file)
{
  NRF_RETURN_IF_ERROR(put_in_place(file->partial, file->path));
  file->committed = true;
  return NRF_OK;
}

nrf_status nrf_atomic_commit(nrf_atomic_file *file)
{
  if (fsync(file->fd) != 0) return nrf_error_errno("%s: cannot flush", file->path);
  NRF_RETURN_IF_ERROR(nrf_atomic_commit_unflushed(file));
  return flush_directory(file->path);
}

void nrf_atomic_free(nrf_atomic_file *file)
{
  if (file == NULL) return;
  if (file->fd >= 0) {
    /* Removed before it is closed: once the lock is gone, the name may be somebody else's. */
    if (!file->committed) (void)unlink(file->partial);
    (void)close(file->fd);
  }
  nrf_free(file->partial);
  nrf_free(file->path);
  nrf_free(file);
}

nrf_status nrf_atomic_write(const char *path, const void *bytes, size_t size)
{
  nrf_status       st   = NRF_OK;
  nrf_atomic_file *file = NULL;
  NRF_TRY(nrf_atomic_create(path, &file));
  NRF_TRY(nrf_atomic_append(file, bytes, size));
  NRF_TRY(nrf_atomic_commit(file));
done:
  nrf_atomic_free(file);
  return st;
}

/* <something>.partial-<digits> */
static bool is_partial_name(const char *name)
{
  const char *mark = NULL;
  for (const char *at = strstr(name, PARTIAL_MARK); at != NULL; at = strstr(at + 1, PARTIAL_MARK)) mark = at;
  if (mark == NULL || mark == name) return false;
  const char *number = mark + strlen(PARTIAL_MARK);
  return *number != '\0' && number[strspn(number, "0123456789")] == '\0';
}

nrf_status nrf_atomic_remove_stale(const char *directory, int64_t *removed)
{
  nrf_status     st    = NRF_OK;
  int64_t        count = 0;
  DIR           *dir   = opendir(directory);
  struct dirent *entry;

  if (dir == NULL) return nrf_error_errno("%s: cannot list", directory);
  while ((entry = readdir(dir)) != NULL) {
    if (!is_partial_name(entry->d_name)) continue;
    const size_t size    = strlen(directory) + strlen(entry->d_name) + 2;
    void        *partial = NULL;
    NRF_TRY(nrf_alloc(size, directory, &partial));
    (void)snprintf(partial, size, "%s/%s", directory, entry->d_name);
    if (remove_if_abandoned(partial)) count++;
    nrf_free(partial);
  }
done:
  (void)closedir(dir);
  if (removed != NULL) *removed = count;
  return st;
}

/* mkdir, or a directory that is there already. */
static nrf_status make_directory(const char *path)
{
  struct stat info;
  if (mkdir(path, 0777) == 0) return NRF_OK;
  const int reason = errno;
  if (stat(path, &info) == 0) {
    if (S_ISDIR(info.st_mode)) return NRF_OK;
    return nrf_error(NRF_EIO, "%s: is there already and is not a directory", path);
  }
  errno = reason;
  return nrf_error_errno("%s: cannot create the directory", path);
}

nrf_status nrf_make_directories(const char *path)
{
  nrf_status   st     = NRF_OK;
  const size_t size   = strlen(path) + 1;
  void        *memory = NULL;

  if (size == 1) return nrf_error(NRF_EINVAL, "'': not a directory name");
  NRF_RETURN_IF_ERROR(nrf_alloc(size, path, &memory));
  char *prefix = memcpy(memory, path, size);
  for (char *slash = strchr(prefix + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    NRF_TRY(make_directory(prefix));
    *slash = '/';
  }
  NRF_TRY(make_directory(prefix));
done:
  nrf_free(memory);
  return st;
}
