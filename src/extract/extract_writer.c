/* extract_writer.c - plain writes to the places of a partial extract. */
#include "extract_file.h"

#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct nrf_extract_writer {
  int              fd;
  char            *path, *partial;
  nrf_extract_head head;
  uint8_t         *done; /* [images] */
};

/* ---- opening ---------------------------------------------------------------------------------------------- */

static nrf_status join(const char *a, const char *b, char **out)
{
  void        *memory = NULL;
  const size_t bytes  = strlen(a) + strlen(b) + 1;
  NRF_RETURN_IF_ERROR(nrf_alloc(bytes, a, &memory));
  (void)snprintf(memory, bytes, "%s%s", a, b);
  *out = memory;
  return NRF_OK;
}

/* Beyond any file's end, where readers' locks are not. Without locks in the file system nothing is checked. */
static nrf_status lock(int fd, const char *path)
{
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = INT64_MAX - 1, .l_len = 1};
  if (fcntl(fd, F_OFD_SETLK, &range) != 0 && (errno == EAGAIN || errno == EACCES))
    return nrf_error(NRF_EINVAL, "%s: is being written by another process", path);
  return NRF_OK;
}

/* Opens the file, if there is one: *fd is -1 then. */
static nrf_status open_locked(const char *path, int *fd)
{
  *fd = open(path, O_RDWR | O_CLOEXEC);
  if (*fd < 0) return errno == ENOENT ? NRF_OK : nrf_error_errno("%s: cannot open for writing", path);
  const nrf_status st = lock(*fd, path);
  if (st == NRF_OK) return NRF_OK;
  (void)close(*fd);
  *fd = -1;
  return st;
}

/* Whether the partial file goes on with this source; then its head is read. */
static bool take_up(nrf_extract_writer *w, const nrf_trace_source *source, const nrf_progress *progress)
{
  const nrf_status         st     = nrf_extract_read_head(w->partial, &w->head);
  const nrf_extract_origin origin = {w->head.origin_path, w->head.origin_bytes, w->head.origin_modified_ns,
                                     w->head.identity};
  if (st == NRF_OK && nrf_extract_same_origin(&origin, &source->origin)) return true;
  nrf_progress_message(progress, NRF_INFO, "%s: %s; starting again", w->partial,
                       st == NRF_OK ? "is of another recording, or of one that has changed"
                                    : nrf_error_message());
  nrf_extract_free_head(&w->head);
  return false;
}

static nrf_status read_done(nrf_extract_writer *w)
{
  const nrf_extract_item *item   = &w->head.item[NRF_ITEM_DONE];
  void                   *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)item->elements, w->partial, &memory));
  w->done = memory;
  if (pread(w->fd, w->done, (size_t)item->elements, (off_t)w->head.address[NRF_ITEM_DONE]) != item->elements)
    return nrf_error_errno("%s: cannot read '%s'", w->partial, item->path);
  return NRF_OK;
}

nrf_status nrf_extract_writer_open(const char *path, const nrf_trace_source *source,
                                   const nrf_extract_plan *plan, const nrf_progress *progress,
                                   nrf_extract_writer **out)
{
  nrf_status          st     = NRF_OK;
  void               *memory = NULL;
  nrf_extract_writer *w      = NULL;
  *out                       = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *w, path, &memory));
  w     = memory;
  w->fd = -1;
  NRF_TRY(join(path, "", &w->path));
  NRF_TRY(join(path, ".partial", &w->partial));
  NRF_TRY(open_locked(w->partial, &w->fd));
  if (w->fd < 0 || !take_up(w, source, progress)) {
    if (w->fd >= 0) (void)close(w->fd);
    w->fd = -1;
    NRF_TRY(nrf_extract_lay_out(w->partial, source, plan));
    NRF_TRY(open_locked(w->partial, &w->fd));
    if (w->fd < 0) NRF_FAIL(NRF_EIO, "%s: has disappeared", w->partial);
    NRF_TRY(nrf_extract_read_head(w->partial, &w->head));
  }
  NRF_TRY(read_done(w));
  *out = w;
  w    = NULL;
done:
  nrf_extract_writer_free(w);
  return st;
}

void nrf_extract_writer_free(nrf_extract_writer *w)
{
  if (w == NULL) return;
  if (w->fd >= 0) (void)close(w->fd);
  nrf_extract_free_head(&w->head);
  nrf_free(w->path);
  nrf_free(w->partial);
  nrf_free(w->done);
  nrf_free(w);
}

bool nrf_extract_has_image(const nrf_extract_writer *w, int image)
{
  return w->done[image] == 1;
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

nrf_status nrf_extract_write(const nrf_extract_writer *w, int item, int64_t first, int64_t count,
                             const void *data)
{
  const int64_t size  = w->head.item[item].size;
  const char   *next  = data;
  int64_t       place = w->head.address[item] + first * size, left = count * size;
  while (left > 0) {
    const ssize_t n = pwrite(w->fd, next, (size_t)left, (off_t)place);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return nrf_error_errno("%s: cannot write", w->partial);
    next += n;
    place += n;
    left -= n;
  }
  return NRF_OK;
}

nrf_status nrf_extract_mark(nrf_extract_writer *w, const bool *finished)
{
  if (fdatasync(w->fd) != 0) return nrf_error_errno("%s: cannot flush", w->partial);
  for (int b = 0; b < w->head.plan.images; b++) w->done[b] = w->done[b] == 1 || finished[b];
  return nrf_extract_write(w, NRF_ITEM_DONE, 0, w->head.plan.images, w->done);
}

nrf_status nrf_extract_finish(nrf_extract_writer *w)
{
  return nrf_atomic_rename(w->fd, w->partial, w->path);
}
