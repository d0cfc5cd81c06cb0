/* synchrony_walk.c - from image to image, in parallel, with the series of each period transformed once. */
#include "synchrony.h"

#include "nrflv/analysis/work_items.h"
#include "nrflv/memory.h"

#include <string.h>

typedef struct walker {
  nrf_pair_correlator *correlator[NRF_PERIODS]; /* NULL for a period without samples */
} walker;

typedef struct journey {
  const nrf_synchrony_pairs *pairs;
  const nrf_pair_walk       *walk;
  int64_t                   *first;  /* [images] of an image's rows */
  walker                    *walker; /* [threads]                   */
} journey;

static int count_periods(const nrf_synchrony_pairs *pairs)
{
  int periods = 0;
  for (int p = 0; p < NRF_PERIODS; p++) periods += pairs->window[p].count > 0;
  return periods;
}

int64_t nrf_count_pair_rows(const nrf_synchrony_pairs *pairs)
{
  int64_t n = 0;
  for (int b = 0; b < pairs->images; b++) n += (int64_t)count_periods(pairs) * pairs->image[b].n_pairs;
  return n;
}

static nrf_status visit_image(void *context, int64_t item, int worker)
{
  const journey         *j     = context;
  const walker          *own   = &j->walker[worker];
  const nrf_image_pairs *image = &j->pairs->image[item];
  nrf_pair_visit         visit = {.index = j->first[item], .worker = worker};
  visit.row = (nrf_pair_row){.image = (int)item, .group = image->group, .x = image->x, .y = image->y};
  for (int p = 0; p < NRF_PERIODS; p++) {
    if (own->correlator[p] == NULL) continue;
    nrf_pair_correlator_load(own->correlator[p], image);
    visit.correlator = own->correlator[p];
    visit.row.period = p;
    for (int i = 0; i < image->n_pairs; i++, visit.index++) {
      const nrf_pair *pair = &image->pair[i];
      memcpy(visit.row.key, pair->key, sizeof visit.row.key);
      visit.a = pair->a;
      visit.v = pair->v;
      j->walk->visit(j->walk->context, &visit);
    }
  }
  return NRF_OK;
}

static nrf_status make_walker(const journey *j, walker *out)
{
  for (int p = 0; p < NRF_PERIODS; p++)
    if (j->pairs->window[p].count > 0)
      NRF_RETURN_IF_ERROR(nrf_pair_correlator_create(j->pairs->window[p], j->walk->first, j->walk->last,
                                                     j->pairs->max_series, &out->correlator[p]));
  return NRF_OK;
}

nrf_status nrf_walk_pairs(const nrf_synchrony_pairs *pairs, const nrf_pair_walk *walk, int threads,
                          const nrf_progress *progress)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  journey    j      = {.pairs = pairs, .walk = walk};
  int        made   = 0;
  NRF_TRY(nrf_alloc((size_t)pairs->images * sizeof *j.first, walk->title, &memory));
  j.first = memory;
  for (int b = 1; b < pairs->images; b++)
    j.first[b] = j.first[b - 1] + (int64_t)count_periods(pairs) * pairs->image[b - 1].n_pairs;
  NRF_TRY(nrf_alloc((size_t)threads * sizeof *j.walker, walk->title, &memory));
  for (j.walker = memory; made < threads;) NRF_TRY(make_walker(&j, &j.walker[made++]));
  const nrf_work_items items = {
      .n = pairs->images, .title = walk->title, .unit = "images", .run = visit_image, .context = &j};
  NRF_TRY(nrf_work_items_run(&items, threads, progress));
done:
  for (int w = 0; w < made; w++)
    for (int p = 0; p < NRF_PERIODS; p++) nrf_pair_correlator_free(j.walker[w].correlator[p]);
  nrf_free(j.walker);
  nrf_free(j.first);
  return st;
}
