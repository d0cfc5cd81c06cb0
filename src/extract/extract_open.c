/* extract_open.c - an extract as the analyses see it: a mapped file and where things are in it. */
#include "extract_file.h"

#include "nrflv/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct nrf_extract_private {
  char            *path;
  nrf_extract_head head;
  void            *map;
  size_t           map_bytes;
  void            *copy[NRF_ITEMS]; /* of items whose place does not suit their type */
  int64_t          picture_bytes;
} own_part;

/* ---- opening ------------------------------------------------------------------------------------------------ */

static nrf_status map_file(const char *path, own_part *own)
{
  struct stat info;
  const int   fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info) != 0) {
    const nrf_status st = nrf_error_errno("%s: cannot open", path);
    if (fd >= 0) (void)close(fd);
    return st;
  }
  own->map_bytes      = (size_t)info.st_size;
  own->map            = mmap(NULL, own->map_bytes, PROT_READ, MAP_SHARED, fd, 0);
  const nrf_status st = own->map == MAP_FAILED ? nrf_error_errno("%s: cannot be mapped", path) : NRF_OK;
  (void)close(fd);
  return st;
}

/* HDF5 puts small data sets wherever there is room. */
static nrf_status make_readable(own_part *own, int item)
{
  const nrf_extract_item *i     = &own->head.item[item];
  const int64_t           place = own->head.address[item];
  if (i->elements == 0 || place % i->size == 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(i->elements * i->size), i->path, &own->copy[item]));
  memcpy(own->copy[item], (const char *)own->map + place, (size_t)(i->elements * i->size));
  return NRF_OK;
}

/* NULL if it has no elements. */
static const void *item_at(const own_part *own, int item)
{
  if (own->head.item[item].elements == 0) return NULL;
  return own->copy[item] != NULL ? own->copy[item] : (const char *)own->map + own->head.address[item];
}

static nrf_status check_done(const char *path, const own_part *own)
{
  const uint8_t *done = item_at(own, NRF_ITEM_DONE);
  int            n    = 0;
  for (int b = 0; b < own->head.plan.images; b++) n += done[b] == 1;
  if (n == own->head.plan.images) return NRF_OK;
  return nrf_error(NRF_EFORMAT, "%s: has %d of %d images: the pass over %s was not finished", path, n,
                   own->head.plan.images, own->head.origin_path);
}

/* ---- what the analyses see ---------------------------------------------------------------------------------- */

static nrf_trace_statistics statistics_of(const own_part *own, int span, int64_t n)
{
  const int first = NRF_ITEM_STATISTIC + span * NRF_STATISTICS;
  return (nrf_trace_statistics){n, item_at(own, first + NRF_STATISTIC_MEAN),
                                item_at(own, first + NRF_STATISTIC_VARIANCE),
                                item_at(own, first + NRF_STATISTIC_ONE_MINUS_W)};
}

static int64_t count_not_finite(const own_part *own)
{
  const int32_t *traces = item_at(own, NRF_ITEM_NOT_FINITE);
  int64_t        sum    = 0;
  for (int64_t i = 0; i < own->head.item[NRF_ITEM_NOT_FINITE].elements; i++) sum += traces[i];
  return sum;
}

static void show(own_part *own, nrf_extract *x)
{
  const nrf_extract_head   *head = &own->head;
  const nrf_extract_plan   *plan = &head->plan;
  const nrf_recording_info *info = &head->header.info;

  x->own  = own;
  x->info = info;
  x->kind = plan->kind;
  x->origin =
      (nrf_extract_origin){head->origin_path, head->origin_bytes, head->origin_modified_ns, head->identity};

  x->layer        = plan->layer;
  x->channels     = plan->channels;
  x->images       = plan->images;
  x->height       = plan->height;
  x->width        = plan->width;
  x->rows         = plan->rows;
  x->ms_per_row   = info->ms_per_step * info->stride;
  x->has_momentum = info->variable[NRF_RECORD_MOMENTUM];
  x->centre       = plan->centre;

  memcpy(x->window, plan->window, sizeof x->window);
  x->during            = statistics_of(own, NRF_SPAN_DURING, plan->window[NRF_WINDOW_DUR].count);
  x->outside           = statistics_of(own, NRF_SPAN_OUTSIDE,
                                       plan->window[NRF_WINDOW_PRE].count + plan->window[NRF_WINDOW_POST].count);
  x->traces_not_finite = count_not_finite(own);
  x->state_sites       = plan->kept[NRF_KEPT_STATE].sites;
  x->momentum_sites    = plan->kept[NRF_KEPT_MOMENTUM].sites;

  x->n_films = plan->n_films;
  for (int i = 0; i < plan->n_films; i++)
    x->film[i] = (nrf_film){plan->film_image[i], item_at(own, NRF_ITEM_FILM_GREY + i),
                            item_at(own, NRF_ITEM_FILM_LOW + i), item_at(own, NRF_ITEM_FILM_HIGH + i)};
  own->picture_bytes = (int64_t)info->pictures.channels * info->pictures.height * info->pictures.width;
}

nrf_status nrf_extract_open(const char *path, nrf_extract **out)
{
  nrf_status   st     = NRF_OK;
  void        *memory = NULL;
  own_part    *own    = NULL;
  nrf_extract *x      = NULL;
  *out                = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *x, path, &memory));
  x = memory;
  NRF_TRY(nrf_alloc(sizeof *own, path, &memory));
  own      = memory;
  x->own   = own;
  own->map = MAP_FAILED;
  NRF_TRY(nrf_alloc(strlen(path) + 1, path, &memory));
  own->path = memcpy(memory, path, strlen(path) + 1);
  NRF_TRY(nrf_extract_read_head(path, &own->head));
  NRF_TRY(map_file(path, own));
  for (int i = 0; i < NRF_ITEMS; i++) NRF_TRY(make_readable(own, i));
  NRF_TRY(check_done(path, own));
  show(own, x);
  *out = x;
  x    = NULL;
done:
  nrf_extract_free(x);
  return st;
}

void nrf_extract_free(nrf_extract *x)
{
  if (x == NULL) return;
  own_part *own = x->own;
  if (own != NULL) {
    if (own->map != MAP_FAILED) (void)munmap(own->map, own->map_bytes);
    for (int i = 0; i < NRF_ITEMS; i++) nrf_free(own->copy[i]);
    nrf_extract_free_head(&own->head);
    nrf_free(own->path);
    nrf_free(own);
  }
  nrf_free(x);
}

/* The pages of a shared map of a file that nobody writes are the file's: dropping them loses nothing. */
void nrf_extract_release(const nrf_extract *x)
{
  (void)madvise(x->own->map, x->own->map_bytes, MADV_DONTNEED); /* only advice: failing does no harm */
}

/* ---- looking things up -------------------------------------------------------------------------------------- */

/* -1 if it is not among them. They are ordered by h, then w. */
static int find_site(const nrf_sites *sites, int h, int w)
{
  int first = 0, end = sites->count;
  while (first < end) {
    const int       middle = (first + end) / 2;
    const nrf_site *s      = &sites->site[middle];
    if (s->h == h && s->w == w) return middle;
    if (s->h < h || (s->h == h && s->w < w))
      first = middle + 1;
    else
      end = middle;
  }
  return -1;
}

const float *nrf_extract_trace(const nrf_extract *x, nrf_record_variable variable, int c, int b, int h, int w)
{
  const nrf_extract_plan *plan = &x->own->head.plan;
  for (int k = 0; k < NRF_KEPT; k++) {
    const nrf_kept_traces *kept = &plan->kept[k];
    if (kept->variable != variable || b < 0 || b >= x->images || c < 0 || c >= x->channels) continue;
    const int site = find_site(&kept->sites[b], h, w);
    if (site < 0) return NULL;
    const float *traces = item_at(x->own, NRF_ITEM_TRACES + k);
    return traces + (kept->first[b] + (int64_t)c * kept->sites[b].count + site) * x->rows;
  }
  return NULL;
}

const uint8_t *nrf_extract_picture(const nrf_extract *x, nrf_recording_shows which, int b)
{
  const uint8_t *pictures = item_at(x->own, NRF_ITEM_PICTURES + (int)which);
  if (pictures == NULL || b < 0 || b >= x->images) return NULL;
  return which == NRF_SHOWS_BLANK ? pictures : pictures + b * x->own->picture_bytes;
}

/* ---- an extract that fits a recording ----------------------------------------------------------------------- */

bool nrf_extract_is_of(const nrf_extract *x, const nrf_extract_origin *origin)
{
  return nrf_extract_same_origin(&x->origin, origin);
}

nrf_status nrf_extract_compare_info(const nrf_extract *x, const nrf_recording_info *info)
{
  return nrf_recording_compare(x->own->path, &x->own->head.header, info);
}

static nrf_status make_if_needed(const nrf_trace_source *source, const char *path, nrf_extract_effort effort,
                                 const nrf_progress *progress, nrf_extract **out)
{
  if (nrf_extract_open(path, out) == NRF_OK) {
    if (nrf_extract_is_of(*out, &source->origin)) return NRF_OK;
    nrf_extract_free(*out);
  }
  NRF_RETURN_IF_ERROR(nrf_extract_make(source, path, effort, progress));
  return nrf_extract_open(path, out);
}

nrf_status nrf_extract_obtain(const char *recording, const char *path, nrf_extract_effort effort,
                              const nrf_progress *progress, nrf_extract **out)
{
  nrf_trace_source source;
  *out = NULL;
  if (access(recording, F_OK) != 0) {
    if (access(path, F_OK) != 0)
      return nrf_error(NRF_ENOTFOUND, "%s: there is no such recording, nor an extract of it (%s)", recording,
                       path);
    return nrf_extract_open(path, out);
  }
  NRF_RETURN_IF_ERROR(nrf_trace_source_open(recording, &source));
  const nrf_status st = make_if_needed(&source, path, effort, progress, out);
  nrf_trace_source_close(&source);
  return st;
}
