/* synchrony_neighbours.c - mean correlation of channels by their distance. */
#include "synchrony.h"

#include "nrflv/analysis/work_items.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdlib.h>

enum { RAW, NORMALISED, FLAVOURS };

static const double CONFIDENCE = 0.99;

typedef struct bench {
  nrf_pair_correlator *correlator;
  double              *lags;
} bench;

typedef struct averaging {
  const nrf_synchrony_pairs *pairs;
  nrf_neighbour_rules        rules;
  int                        lags;
  nrf_moments               *moments; /* [images][max_distance][FLAVOURS][lags] over the image's pairs */
  bench                     *bench;
} averaging;

/* ---- which pairs ----------------------------------------------------------------------------------------- */

/* On the ring each pair once, from the lower to the upper neighbour; at half the way round both are each other's. */
static bool is_at_distance(nrf_neighbour_rules rules, const int *channel, int distance)
{
  const int from = channel[0], to = channel[1], ring = rules.ring;
  if (rules.as_written) return abs(to - from) == distance;
  if (2 * distance > ring || (to - from + ring) % ring != distance) return false;
  return 2 * distance < ring || from < to;
}

/* ---- one image ------------------------------------------------------------------------------------------- */

static nrf_moments *moments_at(const averaging *a, int64_t image, int distance, int flavour)
{
  return a->moments + ((image * a->rules.max_distance + distance - 1) * FLAVOURS + flavour) * a->lags;
}

static void add_pair(const averaging *a, const bench *own, int64_t image, int distance, const nrf_pair *pair)
{
  const double norm = nrf_pair_norm(own->correlator, pair->a, pair->v);
  if (!isfinite(norm)) return;
  nrf_pair_correlation(own->correlator, pair->a, pair->v, own->lags);
  nrf_moments *raw        = moments_at(a, image, distance, RAW),
              *normalised = moments_at(a, image, distance, NORMALISED);
  for (int k = 0; k < a->lags; k++) {
    nrf_moments_add(&raw[k], own->lags[k]);
    if (norm > 0.0) nrf_moments_add(&normalised[k], own->lags[k] / norm);
  }
}

static nrf_status average_image(void *context, int64_t item, int worker)
{
  const averaging       *a     = context;
  const nrf_image_pairs *image = &a->pairs->image[item];
  const bench           *own   = &a->bench[worker];
  nrf_pair_correlator_load(own->correlator, image);
  for (int distance = 1; distance <= a->rules.max_distance; distance++) {
    for (int k = 0; k < a->lags; k++)
      *(moments_at(a, item, distance, RAW) + k) = *(moments_at(a, item, distance, NORMALISED) + k) =
          nrf_moments_none();
    for (int i = 0; i < image->n_pairs; i++)
      if (is_at_distance(a->rules, image->pair[i].key, distance))
        add_pair(a, own, item, distance, &image->pair[i]);
  }
  return NRF_OK;
}

/* ---- over the images, in their order --------------------------------------------------------------------- */

static nrf_moments over_images(const averaging *a, int distance, int flavour, int lag)
{
  nrf_moments all = nrf_moments_none();
  for (int64_t b = 0; b < a->pairs->images; b++) {
    const nrf_moments image = moments_at(a, b, distance, flavour)[lag];
    if (image.n == 0) continue;
    if (a->rules.as_written)
      all = nrf_moments_join(all, image);
    else
      nrf_moments_add(&all, image.mean);
  }
  return all;
}

static int count_pairs(const averaging *a, int distance)
{
  int most = 0;
  for (int b = 0; b < a->pairs->images; b++) {
    int here = 0;
    for (int i = 0; i < a->pairs->image[b].n_pairs; i++)
      here += is_at_distance(a->rules, a->pairs->image[b].pair[i].key, distance);
    most = here > most ? here : most;
  }
  return most;
}

static nrf_status set_mean(const averaging *a, int distance, int flavour, nrf_mean_correlation *out)
{
  void *memory;
  *out = (nrf_mean_correlation){.distance = distance, .pairs = count_pairs(a, distance)};
  NRF_RETURN_IF_ERROR(nrf_alloc(3 * (size_t)a->lags * sizeof(double), "mean correlations", &memory));
  out->mean  = memory;
  out->lower = out->mean + a->lags;
  out->upper = out->lower + a->lags;
  for (int k = 0; k < a->lags; k++) {
    const nrf_moments  m    = over_images(a, distance, flavour, k);
    const nrf_interval ends = nrf_t_interval(m, CONFIDENCE);
    out->n                  = m.n;
    out->mean[k]            = m.mean;
    out->lower[k]           = ends.lower;
    out->upper[k]           = ends.upper;
  }
  return NRF_OK;
}

static nrf_status set_means(const averaging *a, nrf_mean_correlations *out)
{
  void *memory;
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)a->rules.max_distance * sizeof *out->raw, "mean correlations", &memory));
  out->raw = memory;
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)a->rules.max_distance * sizeof *out->normalised, "mean correlations", &memory));
  out->normalised = memory;
  for (int distance = 1; distance <= a->rules.max_distance; distance++) {
    if (count_pairs(a, distance) == 0) continue;
    const int i = out->distances++;
    NRF_RETURN_IF_ERROR(set_mean(a, distance, RAW, &out->raw[i]));
    NRF_RETURN_IF_ERROR(set_mean(a, distance, NORMALISED, &out->normalised[i]));
  }
  return NRF_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

static nrf_status open_bench(const averaging *a, bench *out)
{
  void *memory;
  NRF_RETURN_IF_ERROR(nrf_pair_correlator_create(a->pairs->window[NRF_PERIOD_DURING], a->rules.first,
                                                 a->rules.last, a->pairs->max_series, &out->correlator));
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)nrf_pair_correlator_lags(out->correlator) * sizeof *out->lags,
                                "mean correlations", &memory));
  out->lags = memory;
  return NRF_OK;
}

nrf_status nrf_correlate_neighbours(const nrf_synchrony_pairs *pairs, nrf_neighbour_rules rules, int threads,
                                    const nrf_progress *progress, nrf_mean_correlations *out)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  averaging  a      = {.pairs = pairs, .rules = rules};
  int        opened = 0;
  *out              = (nrf_mean_correlations){0};
  NRF_TRY(nrf_alloc((size_t)threads * sizeof *a.bench, "mean correlations", &memory));
  for (a.bench = memory; opened < threads;) NRF_TRY(open_bench(&a, &a.bench[opened++]));
  out->first = nrf_pair_correlator_first(a.bench[0].correlator);
  out->lags = a.lags   = nrf_pair_correlator_lags(a.bench[0].correlator);
  const size_t moments = (size_t)pairs->images * (size_t)rules.max_distance * FLAVOURS * (size_t)a.lags;
  NRF_TRY(nrf_alloc(moments * sizeof *a.moments, "mean correlations", &memory));
  a.moments                  = memory;
  const nrf_work_items items = {.n       = pairs->images,
                                .title   = "mean correlations",
                                .unit    = "images",
                                .run     = average_image,
                                .context = &a};
  NRF_TRY(nrf_work_items_run(&items, threads, progress));
  NRF_TRY(set_means(&a, out));
done:
  for (int t = 0; t < opened; t++) {
    nrf_pair_correlator_free(a.bench[t].correlator);
    nrf_free(a.bench[t].lags);
  }
  nrf_free(a.bench);
  nrf_free(a.moments);
  if (st != NRF_OK) nrf_mean_correlations_free(out);
  return st;
}

void nrf_mean_correlations_free(nrf_mean_correlations *m)
{
  for (int i = 0; i < m->distances; i++) {
    nrf_free(m->raw[i].mean);
    nrf_free(m->normalised[i].mean);
  }
  nrf_free(m->raw);
  nrf_free(m->normalised);
  *m = (nrf_mean_correlations){0};
}
