/* recording_write.c - writes to the places that the layout has made. */
#include "io/bulk_writer.h"
#include "io/recording_create.h"
#include "io/recording_header.h"
#include "io/recording_pack.h"
#include "io/recording_reader.h"
#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct nrf_recording_writer {
  int              fd;
  char            *path;
  nrf_bulk_writer *bulk;   /* of the numbers                                                              */
  nrf_recording   *reader; /* of the same file: keeps the info                                            */
  nrf_recording_chunking chunks[NRF_RECORDING_MAX_LAYERS];
  int64_t                mark;  /* where the number of complete rows stands                             */
  int64_t               *first; /* [variables][layers][images]: where each series' first chunk stands */
  int64_t                rows;  /* complete                                                             */
};

static const nrf_recording_info *info_of(const nrf_recording_writer *w)
{
  return nrf_recording_info_of(w->reader);
}

static int64_t *first_of(const nrf_recording_writer *w, int variable, int layer, int image)
{
  const nrf_recording_info *info = info_of(w);
  return &w->first[((int64_t)variable * info->n_layers + layer) * info->n_images + image];
}

/* ---- One writer per file ---- */

/* A lock of the kind that readers' libraries do not ask for, beyond any file's end: readers are welcome. */
static nrf_status lock(int fd, const char *path)
{
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = INT64_MAX - 1, .l_len = 1};
  if (fcntl(fd, F_OFD_SETLK, &range) == 0) return NRF_OK;
  if (errno == EAGAIN || errno == EACCES)
    return nrf_error(NRF_EINVAL, "%s: is being recorded by another process", path);
  return NRF_OK; /* a file system without locks */
}

/* Refuses to replace a file that is being recorded. */
static nrf_status check_not_locked(const char *path)
{
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return NRF_OK;
  const nrf_status st = lock(fd, path);
  (void)close(fd);
  return st;
}

/* ---- Places ---- */

/* A chunk's place has to be what the first chunk's makes it. */
static nrf_status check_chunk(const nrf_h5_chunked *d, const nrf_recording_chunking *c, int64_t first,
                              int64_t chunk)
{
  const int64_t n_channels = c->per_series / c->per_channel;
  const int64_t start[4]   = {chunk / n_channels * c->rows, chunk % n_channels, 0, 0};
  int64_t       address, bytes;
  NRF_RETURN_IF_ERROR(nrf_h5_chunk_place(d, start, &address, &bytes));
  if (address != first + chunk * c->bytes || bytes != c->bytes)
    return nrf_error(NRF_EFORMAT, "%s: '%s' is not laid out as this program does it", nrf_h5_path(d->file),
                     d->name);
  return NRF_OK;
}

/* Finds where a series begins, and that it ends within the file. A few of its chunks are looked at: HDF5 searches for
 * each, and they are all made in one go. */
static nrf_status find_series(const nrf_h5_file *file, const char *path, const nrf_recording_chunking *c,
                              int64_t file_bytes, int64_t *first)
{
  nrf_status     st       = NRF_OK;
  const int64_t  start[4] = {0};
  int64_t        bytes;
  nrf_h5_chunked d;
  NRF_RETURN_IF_ERROR(nrf_h5_chunked_open(file, path, &d));
  NRF_TRY(nrf_h5_chunk_place(&d, start, first, &bytes));
  if (*first <= 0 || *first > file_bytes - c->series_bytes)
    NRF_FAIL(NRF_EFORMAT, "%s: '%s' reaches beyond the end of the file", nrf_h5_path(file), path);
  NRF_TRY(check_chunk(&d, c, *first, 0));
  NRF_TRY(check_chunk(&d, c, *first, c->per_series / 2));
  NRF_TRY(check_chunk(&d, c, *first, c->per_series - 1));
done:
  nrf_h5_chunked_free(&d);
  return st;
}

/* Series must not overlap; they stand in the order in which they were made. */
static nrf_status find_all_series(nrf_recording_writer *w, int64_t file_bytes)
{
  const nrf_recording_info *info = info_of(w);
  const nrf_h5_file        *file = nrf_recording_file(w->reader);
  int64_t                   end  = 0;
  char                      path[NRF_RECORDING_DATA_PATH_BYTES];
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    for (int l = 0; info->variable[v] && l < info->n_layers; l++)
      for (int i = 0; i < info->n_images; i++) {
        int64_t *first = first_of(w, v, l, i);
        nrf_recording_data_path(path, info, (nrf_record_variable)v, l, i);
        NRF_RETURN_IF_ERROR(find_series(file, path, &w->chunks[l], file_bytes, first));
        if (*first < end) return nrf_error(NRF_EFORMAT, "%s: '%s' lies over another series", w->path, path);
        end = *first + w->chunks[l].series_bytes;
      }
  return NRF_OK;
}

/* ---- Opening ---- */

/* Takes a file that has been laid out. */
static nrf_status open_writer(const char *path, nrf_recording *reader, nrf_recording_writer **out)
{
  nrf_status            st     = NRF_OK;
  nrf_recording_writer *w      = NULL;
  void                 *memory = NULL;
  struct stat           info;

  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *w, path, &memory));
  w         = memory;
  w->fd     = -1;
  w->reader = reader;
  w->rows   = nrf_recording_rows(reader);
  NRF_TRY(nrf_alloc(strlen(path) + 1, path, &memory));
  w->path = memcpy(memory, path, strlen(path) + 1);
  for (int i = 0; i < info_of(w)->n_layers; i++) w->chunks[i] = nrf_recording_chunks(info_of(w), i);
  NRF_TRY(nrf_alloc((size_t)NRF_RECORD_VARIABLES * (size_t)info_of(w)->n_layers *
                        (size_t)info_of(w)->n_images * sizeof *w->first,
                    path, &memory));
  w->first = memory;

  w->fd = open(path, O_RDWR | O_CLOEXEC);
  if (w->fd < 0 || fstat(w->fd, &info) != 0) {
    st = nrf_error_errno("%s: cannot open for writing", path);
    goto done;
  }
  NRF_TRY(lock(w->fd, path));
  NRF_TRY(nrf_h5_place(nrf_recording_file(reader), NRF_RECORDING_MARK, &w->mark));
  if (w->mark <= 0 || w->mark % (int64_t)sizeof w->rows != 0 ||
      w->mark > info.st_size - (int64_t)sizeof w->rows)
    NRF_FAIL(NRF_EFORMAT, "%s: '%s' is not laid out as this program does it", path, NRF_RECORDING_MARK);
  NRF_TRY(find_all_series(w, info.st_size));
  NRF_TRY(nrf_bulk_create(w->fd, w->path, NRF_BULK_LEAST_RATE, &w->bulk));
  *out = w;
  w    = NULL;
done:
  if (w != NULL) w->reader = NULL; /* the caller's still */
  nrf_recording_writer_free(w);
  return st;
}

/* Takes the space of the whole file. What a file system cannot promise is not asked for twice. */
static nrf_status reserve_space(const nrf_recording_writer *w)
{
  struct stat info;
  if (fstat(w->fd, &info) != 0) return nrf_error_errno("%s: cannot look at", w->path);
  if (fallocate(w->fd, 0, 0, info.st_size) == 0) return NRF_OK;
  if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG) return NRF_OK;
  return nrf_error_errno("%s: cannot reserve %.1f GiB", w->path, (double)info.st_size / (1 << 30));
}

nrf_status nrf_recording_create(const char *path, const nrf_recording_info *info, bool reserve,
                                nrf_recording_writer **out)
{
  nrf_status            st     = NRF_OK;
  nrf_h5_file          *file   = NULL;
  nrf_recording        *reader = NULL;
  nrf_recording_writer *w      = NULL;
  bool                  made   = false;

  *out = NULL;
  NRF_TRY(check_not_locked(path));
  NRF_TRY(nrf_recording_lay_out(path, info, (nrf_h5_filters){0}, 0, &file));
  NRF_TRY(nrf_h5_commit(file));
  made = true;
  nrf_h5_free(file);
  file = NULL;
  NRF_TRY(nrf_recording_open(path, &reader));
  NRF_TRY(open_writer(path, reader, &w));
  reader = NULL;
  if (reserve) NRF_TRY(reserve_space(w));
  *out = w;
  w    = NULL;
done:
  nrf_recording_writer_free(w);
  nrf_recording_free(reader);
  nrf_h5_free(file);
  if (st != NRF_OK && made) (void)unlink(path);
  return st;
}

nrf_status nrf_recording_resume(const char *path, const nrf_recording_info *info, nrf_recording_writer **out,
                                int64_t *rows)
{
  nrf_status     st     = NRF_OK;
  nrf_recording *reader = NULL;

  *out = NULL;
  NRF_TRY(nrf_recording_check(info));
  NRF_TRY(nrf_recording_check_pictures(info));
  NRF_TRY(nrf_recording_open(path, &reader));
  NRF_TRY(nrf_recording_compare(path, nrf_recording_header_of(reader), info));
  NRF_TRY(open_writer(path, reader, out));
  reader = NULL;
  *rows  = (*out)->rows;
done:
  nrf_recording_free(reader);
  return st;
}

const nrf_recording_info *nrf_recording_writer_info(const nrf_recording_writer *w)
{
  return info_of(w);
}

void nrf_recording_writer_free(nrf_recording_writer *w)
{
  if (w == NULL) return;
  nrf_bulk_free(w->bulk);
  if (w->fd >= 0) (void)close(w->fd);
  nrf_recording_free(w->reader);
  nrf_free(w->first);
  nrf_free(w->path);
  nrf_free(w);
}

/* ---- Writing ---- */

static bool is_within(int64_t first, int64_t count, int64_t whole)
{
  return first >= 0 && count >= 0 && count <= whole && first <= whole - count;
}

nrf_status nrf_recording_lend(nrf_recording_writer *w, nrf_record_variable variable, int layer, int image,
                              int channel, int64_t first_row, int64_t n_rows, const void *data)
{
  const nrf_recording_info *info = info_of(w);
  if (variable < 0 || variable >= NRF_RECORD_VARIABLES || !info->variable[variable] ||
      !is_within(layer, 1, info->n_layers) || !is_within(image, 1, info->n_images) ||
      !is_within(channel, 1, info->layer[layer].n_channels) ||
      !is_within(first_row, n_rows, nrf_recording_n_rows(info)))
    return nrf_error(NRF_EINVAL,
                     "%s: variable %d, layer %d, image %d, channel %d, %lld rows from %lld: has no place",
                     w->path, (int)variable, layer, image, channel, (long long)n_rows, (long long)first_row);

  const nrf_recording_chunking *c    = &w->chunks[layer];
  const int64_t                 base = *first_of(w, variable, layer, image);
  const char                   *next = data;
  for (int64_t row = first_row, end = first_row + n_rows; row < end;) {
    const int64_t within = row % c->rows, left = c->rows - within, n = end - row < left ? end - row : left;
    const int64_t chunk = row / c->rows * info->layer[layer].n_channels + channel;
    const int64_t bytes = n * c->frame_bytes;
    const int64_t place = base + chunk * c->bytes + within * c->frame_bytes;
    NRF_RETURN_IF_ERROR(nrf_bulk_write(w->bulk, place, next, (size_t)bytes));
    next += bytes;
    row += n;
  }
  return NRF_OK;
}

nrf_status nrf_recording_write(nrf_recording_writer *w, nrf_record_variable variable, int layer, int image,
                               int channel, int64_t first_row, int64_t n_rows, const void *data)
{
  NRF_RETURN_IF_ERROR(nrf_recording_lend(w, variable, layer, image, channel, first_row, n_rows, data));
  return nrf_bulk_settle(w->bulk);
}

size_t nrf_recording_place_in_page(const nrf_recording_info *info, int layer, int64_t row)
{
  const nrf_recording_chunking c = nrf_recording_chunks(info, layer);
  return nrf_recording_is_aligned(info) ? (size_t)(row % c.rows * c.frame_bytes % NRF_BULK_PAGE) : 0;
}

void nrf_recording_wait(nrf_recording_writer *w)
{
  nrf_bulk_wait(w->bulk);
}

nrf_status nrf_recording_mark(nrf_recording_writer *w, int64_t n_rows)
{
  const uint64_t bytes = htole64((uint64_t)n_rows);
  NRF_RETURN_IF_ERROR(nrf_bulk_settle(w->bulk));
  if (!is_within(0, n_rows, nrf_recording_n_rows(info_of(w))))
    return nrf_error(NRF_EINVAL, "%s: %lld rows cannot be complete", w->path, (long long)n_rows);
  if (n_rows <= w->rows) return NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_bulk_write(w->bulk, w->mark, &bytes, sizeof bytes));
  w->rows = n_rows;
  return NRF_OK;
}

bool nrf_recording_is_direct(const nrf_recording_writer *w)
{
  return nrf_bulk_is_direct(w->bulk) && nrf_recording_is_aligned(info_of(w));
}

nrf_status nrf_recording_sync(nrf_recording_writer *w)
{
  return fdatasync(w->fd) == 0 ? NRF_OK : nrf_error_errno("%s: cannot flush", w->path);
}

/* ---- Finishing ---- */

nrf_status nrf_recording_finish(nrf_recording_writer *w, const char *final_path, const nrf_progress *progress)
{
  const nrf_recording_info *info = info_of(w);
  if (w->rows != nrf_recording_n_rows(info))
    return nrf_error(NRF_EINVAL, "%s: %lld rows of %lld are complete", w->path, (long long)w->rows,
                     (long long)nrf_recording_n_rows(info));
  if (!nrf_record_filters_any(info->filters)) return nrf_atomic_rename(w->fd, w->path, final_path);

  NRF_RETURN_IF_ERROR(nrf_recording_sync(w)); /* so that losing power now loses nothing */
  const nrf_recording_places places = {w->fd, w->chunks, w->first};
  NRF_RETURN_IF_ERROR(nrf_recording_pack(w->reader, &places, final_path, progress));
  if (strcmp(w->path, final_path) != 0 && unlink(w->path) != 0)
    return nrf_error_errno("%s: is packed into %s, but cannot be removed", w->path, final_path);
  return NRF_OK;
}
