/* recording_pack.c - packing: chunks are read a batch at a time, filtered by all threads, written in order by one. */
#include "io/recording_pack.h"

#include "io/h5_filter.h"
#include "io/recording_create.h"
#include "nrflv/memory.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Enough for the threads to be busy, little enough for any machine. */
static const int64_t BATCH_BYTES = (int64_t)64 << 20;

typedef struct packer {
  const nrf_recording_info   *info;
  const nrf_recording_places *places;
  const char                 *source; /* path, for messages */
  nrf_h5_file                *file;
  nrf_h5_filters              filters;
  const nrf_progress         *progress;
  int64_t                     done, total; /* bytes as recorded */
} packer;

/* Memory for a batch of chunks of one size. */
typedef struct batch {
  int64_t          capacity; /* chunks */
  void            *raw, *scratch;
  nrf_h5_filtered *filtered;
} batch;

static void free_batch(batch *b)
{
  nrf_free(b->raw);
  nrf_free(b->scratch);
  nrf_free(b->filtered);
}

/* As many chunks as BATCH_BYTES has room for, at least one, but no more than a series has. */
static int64_t batch_capacity(int64_t chunk_bytes, int64_t chunks_per_series)
{
  const int64_t fit = BATCH_BYTES / chunk_bytes;
  if (fit > chunks_per_series) return chunks_per_series;
  return fit > 0 ? fit : 1;
}

static nrf_status make_batch(int64_t chunk_bytes, int64_t chunks_per_series, batch *b)
{
  nrf_status st       = NRF_OK;
  void      *filtered = NULL;
  *b                  = (batch){.capacity = batch_capacity(chunk_bytes, chunks_per_series)};
  const size_t n      = (size_t)b->capacity;
  NRF_TRY(nrf_alloc(n * (size_t)chunk_bytes, "packing", &b->raw));
  NRF_TRY(nrf_alloc(n * nrf_h5_filter_memory((size_t)chunk_bytes), "packing", &b->scratch));
  NRF_TRY(nrf_alloc(n * sizeof *b->filtered, "packing", &filtered));
  b->filtered = filtered;
done:
  if (st != NRF_OK) free_batch(b);
  return st;
}

static nrf_status read_at(const packer *p, int64_t place, size_t size, void *out)
{
  char *next = out;
  while (size > 0) {
    const ssize_t n = pread(p->places->fd, next, size, (off_t)place);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return nrf_error_errno("%s: cannot read", p->source);
    if (n == 0) return nrf_error(NRF_EFORMAT, "%s: has become shorter", p->source);
    next += n;
    place += n;
    size -= (size_t)n;
  }
  return NRF_OK;
}

static nrf_status filter_batch(const packer *p, const batch *b, int64_t n, size_t chunk_bytes)
{
  const size_t element = nrf_record_number_bytes(p->info->format), room = nrf_h5_filter_memory(chunk_bytes);
  bool         ok = true;
#pragma omp parallel for schedule(dynamic) reduction(&& : ok)
  for (int64_t i = 0; i < n; i++)
    ok = nrf_h5_filter_chunk(p->filters, element, (const char *)b->raw + (size_t)i * chunk_bytes, chunk_bytes,
                             (char *)b->scratch + (size_t)i * room, &b->filtered[i]) &&
         ok;
  return ok ? NRF_OK : nrf_error(NRF_ENOMEM, "%s: no memory to pack it", p->source);
}

static nrf_status pack_series(packer *p, int layer, const batch *b, int64_t first, nrf_h5_chunked *to)
{
  const nrf_recording_chunking *c          = &p->places->chunks[layer];
  const int64_t                 n_channels = p->info->layer[layer].n_channels;
  for (int64_t chunk = 0; chunk < c->per_series; chunk += b->capacity) {
    const int64_t n = c->per_series - chunk < b->capacity ? c->per_series - chunk : b->capacity;
    NRF_RETURN_IF_ERROR(read_at(p, first + chunk * c->bytes, (size_t)(n * c->bytes), b->raw));
    NRF_RETURN_IF_ERROR(filter_batch(p, b, n, (size_t)c->bytes));
    for (int64_t i = 0; i < n; i++) {
      const int64_t start[4] = {(chunk + i) / n_channels * c->rows, (chunk + i) % n_channels, 0, 0};
      NRF_RETURN_IF_ERROR(
          nrf_h5_chunk_write(to, start, b->filtered[i].skipped, b->filtered[i].bytes, b->filtered[i].data));
    }
    p->done += n * c->bytes;
    nrf_progress_update(p->progress, p->done, p->total, "%s", "");
    if (nrf_progress_stop_requested(p->progress))
      return nrf_error(NRF_EINTERRUPTED, "%s: packing was stopped; it is complete and can be packed later",
                       p->source);
  }
  return NRF_OK;
}

static nrf_status pack_layer(packer *p, nrf_record_variable variable, int layer)
{
  nrf_status                    st = NRF_OK;
  batch                         b;
  nrf_h5_chunked                to     = {.id = -1};
  const nrf_recording_chunking *chunks = &p->places->chunks[layer];
  NRF_RETURN_IF_ERROR(make_batch(chunks->bytes, chunks->per_series, &b));
  for (int i = 0; i < p->info->n_images; i++) {
    char          path[NRF_RECORDING_DATA_PATH_BYTES];
    const int64_t series = ((int64_t)variable * p->info->n_layers + layer) * p->info->n_images + i;
    NRF_TRY(nrf_h5_chunked_open(p->file, nrf_recording_data_path(path, p->info, variable, layer, i), &to));
    NRF_TRY(pack_series(p, layer, &b, p->places->first[series], &to));
    NRF_TRY(nrf_h5_chunked_close(&to));
  }
done:
  nrf_h5_chunked_free(&to);
  free_batch(&b);
  return st;
}

static nrf_status pack_all(packer *p)
{
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    for (int l = 0; p->info->variable[v] && l < p->info->n_layers; l++)
      NRF_RETURN_IF_ERROR(pack_layer(p, (nrf_record_variable)v, l));
  return NRF_OK;
}

/* ---- Pictures, which the file shall have again ---- */

static bool is_shown(const nrf_recording_info *info, nrf_recording_shows which)
{
  for (int i = 0; i < info->n_phases; i++)
    if (info->phase[i].shows == which) return true;
  return false;
}

static nrf_status read_pictures(nrf_recording *source, nrf_recording_shows which, int count, uint8_t **out)
{
  const nrf_recording_pictures *p      = &nrf_recording_info_of(source)->pictures;
  const size_t                  size   = (size_t)p->channels * (size_t)p->height * (size_t)p->width;
  void                         *memory = NULL;
  nrf_status                    st     = NRF_OK;
  *out                                 = NULL;
  if (!is_shown(nrf_recording_info_of(source), which)) return NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_alloc(size * (size_t)count, "pictures", &memory));
  *out = memory;
  for (int i = 0; i < count && st == NRF_OK; i++)
    st = nrf_recording_read_picture(source, which, i, *out + (size_t)i * size);
  return st;
}

/* ---- The whole ---- */

static int64_t bytes_to_pack(const nrf_recording_info *info, const nrf_recording_places *places)
{
  int64_t variables = 0, bytes = 0;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) variables += info->variable[v];
  for (int l = 0; l < info->n_layers; l++)
    bytes += variables * info->n_images * places->chunks[l].series_bytes;
  return bytes;
}

nrf_status nrf_recording_pack(nrf_recording *source, const nrf_recording_places *places, const char *path,
                              const nrf_progress *progress)
{
  nrf_status               st    = NRF_OK;
  nrf_recording_info       info  = *nrf_recording_info_of(source);
  const nrf_record_filters asked = info.filters;
  uint8_t                 *blank = NULL, *burn_in = NULL, *stimulus = NULL;
  packer                   p = {.info   = &info,
                                .places = places,
                                .source = path,
                                .filters = {asked.shuffle, asked.fletcher32, asked.deflate ? asked.deflate_level : 0},
                                .progress = progress,
                                .total    = bytes_to_pack(&info, places)};

  nrf_progress_begin(progress, "packing", "B", 0);
  NRF_TRY(read_pictures(source, NRF_SHOWS_BLANK, 1, &blank));
  NRF_TRY(read_pictures(source, NRF_SHOWS_BURN_IN, info.n_images, &burn_in));
  NRF_TRY(read_pictures(source, NRF_SHOWS_STIMULUS, info.n_images, &stimulus));
  info.pictures.blank    = blank;
  info.pictures.burn_in  = burn_in;
  info.pictures.stimulus = stimulus;
  NRF_TRY(nrf_recording_lay_out(path, &info, p.filters, nrf_recording_n_rows(&info), &p.file));
  NRF_TRY(pack_all(&p));
  NRF_TRY(nrf_h5_commit(p.file));
done:
  nrf_progress_end(progress);
  nrf_h5_free(p.file);
  nrf_free(blank);
  nrf_free(burn_in);
  nrf_free(stimulus);
  return st;
}
