/* map_statistics.c - 16 neighbouring traces at a time, a cache line of each map: they are summed and sorted side by side as
 * they lie there, and never transposed. */
#include "map_statistics.h"

#include "nrflv/memory.h"
#include "nrflv/moments.h"
#include "nrflv/sort.h"

#include <math.h>
#include <string.h>

enum { LANES = NRF_SORT_LANES };

/* ---- what is the same for all maps --------------------------------------------------------------------- */

static nrf_status set_span(nrf_span *span, nrf_window a, nrf_window b)
{
  span->part[0] = a;
  span->part[1] = b;
  span->n       = a.count + b.count;
  return span->n < 3 ? NRF_OK : nrf_shapiro_wilk_create(span->n, &span->test);
}

/* Windows follow each other: the rest is before the first and after the last. */
static void set_rest(nrf_map_statistics *s, int64_t rows, const nrf_window window[NRF_WINDOWS])
{
  const nrf_window *during = &window[NRF_WINDOW_DUR];
  const int64_t     first  = during->first - window[NRF_WINDOW_PRE].count;
  const int64_t     end    = during->first + during->count + window[NRF_WINDOW_POST].count;
  s->rest[0]               = (nrf_window){0, first};
  s->rest[1]               = (nrf_window){end, rows - end};
}

nrf_status nrf_map_statistics_create(int64_t rows, int64_t places, const nrf_window window[NRF_WINDOWS],
                                     nrf_map_statistics **out)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  *out              = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof(nrf_map_statistics), "statistics of traces", &memory));
  nrf_map_statistics *s = memory;
  s->places             = places;
  set_rest(s, rows, window);
  NRF_TRY(set_span(&s->span[NRF_SPAN_DURING], window[NRF_WINDOW_DUR], (nrf_window){0, 0}));
  NRF_TRY(set_span(&s->span[NRF_SPAN_OUTSIDE], window[NRF_WINDOW_PRE], window[NRF_WINDOW_POST]));
  *out = s;
  s    = NULL;
done:
  nrf_map_statistics_free(s);
  return st;
}

void nrf_map_statistics_free(nrf_map_statistics *s)
{
  if (s == NULL) return;
  for (int i = 0; i < NRF_SPANS; i++) nrf_shapiro_wilk_free(s->span[i].test);
  nrf_free(s);
}

/* ---- working memory: the rows of a span, [rows][LANES] -------------------------------------------------- */

size_t nrf_map_statistics_work(const nrf_map_statistics *s)
{
  const int64_t a = s->span[NRF_SPAN_DURING].n, b = s->span[NRF_SPAN_OUTSIDE].n;
  return (size_t)nrf_sort_rows(a > b ? a : b) * LANES * sizeof(float);
}

/* Neighbours in the maps. */
typedef struct lanes {
  const float *first;      /* of row 0                             */
  int64_t      places;     /* to the next row                      */
  int64_t      count;      /* 1 .. LANES                           */
  float        sum[LANES]; /* of x - x: NaN once an x was not finite */
} lanes;

/* Copies the rows of a window; lanes beyond the last are 0. */
static void gather(lanes *g, nrf_window window, float *restrict out)
{
  const float *restrict from = g->first + window.first * g->places;
  float sum[LANES];
  memcpy(sum, g->sum, sizeof sum);
  for (int64_t t = 0; t < window.count; t++, from += g->places, out += LANES) {
    if (g->count == LANES)
      memcpy(out, from, LANES * sizeof *out);
    else
      for (int l = 0; l < LANES; l++) out[l] = l < g->count ? from[l] : 0.0F;
#pragma omp simd
    for (int l = 0; l < LANES; l++) sum[l] += out[l] - out[l];
  }
  memcpy(g->sum, sum, sizeof sum);
}

/* Rows of which nothing is kept. */
static void look_at(lanes *g, nrf_window window)
{
  float row[LANES];
  for (int64_t t = 0; t < window.count; t++) gather(g, (nrf_window){window.first + t, 1}, row);
}

/* ---- one span -------------------------------------------------------------------------------------------- */

static void span_results(const nrf_span *span, int64_t count, float *values, const nrf_map_results *out,
                         int64_t first_place)
{
  nrf_moments   moments[LANES];
  nrf_normality normality[LANES];
  for (int l = 0; l < LANES; l++) normality[l] = (nrf_normality){NAN, NAN, NAN};
  if (span->test != NULL)
    nrf_shapiro_wilk_of_lanes(span->test, values, moments, normality);
  else
    nrf_moments_of_lanes(span->n, values, moments);
  for (int64_t l = 0; l < count; l++) {
    const bool known                  = isfinite(moments[l].squares);
    out->mean[first_place + l]        = known ? moments[l].mean : NAN;
    out->variance[first_place + l]    = known ? nrf_var1(moments[l]) : NAN;
    out->one_minus_w[first_place + l] = known ? normality[l].one_minus_w : NAN;
  }
}

int64_t nrf_map_statistics_of(const nrf_map_statistics *s, const float *maps, void *work,
                              const nrf_map_results out[NRF_SPANS])
{
  float  *values     = work;
  int64_t not_finite = 0;
  for (int64_t place = 0; place < s->places; place += LANES) {
    const int64_t left = s->places - place;
    lanes         g    = {maps + place, s->places, left < LANES ? left : LANES, {0.0F}};
    for (int i = 0; i < NRF_SPANS; i++) {
      const nrf_span *span = &s->span[i];
      gather(&g, span->part[0], values);
      gather(&g, span->part[1], values + span->part[0].count * LANES);
      span_results(span, g.count, values, &out[i], place);
    }
    for (int i = 0; i < 2; i++) look_at(&g, s->rest[i]);
    for (int l = 0; l < LANES; l++) not_finite += isnan(g.sum[l]);
  }
  return not_finite;
}
