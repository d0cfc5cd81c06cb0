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

nrf_status nrf_map_statistics_create(int64_t rows, int64_t places, const nrf_window window[NRF_WINDOWS],
                                     nrf_map_statistics **out)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  *out              = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof(nrf_map_statistics), "statistics of traces", &memory));
  nrf_map_statistics *s = memory;
  s->rows               = rows;
  s->places             = places;
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

/* ---- working memory: the lanes' traces, [rows][LANES], then a span of them ------------------------------ */

size_t nrf_map_statistics_work(const nrf_map_statistics *s)
{
  const int64_t a = s->span[NRF_SPAN_DURING].n, b = s->span[NRF_SPAN_OUTSIDE].n;
  return (size_t)(s->rows + nrf_sort_rows(a > b ? a : b)) * LANES * sizeof(float);
}

/* Lanes beyond the last place are 0. */
static void gather(const nrf_map_statistics *s, const float *maps, int64_t first_place, int64_t lanes,
                   float *x)
{
  const float *from = maps + first_place;
  if (lanes < LANES) memset(x, 0, (size_t)s->rows * LANES * sizeof *x);
  for (int64_t t = 0; t < s->rows; t++, from += s->places, x += LANES)
    if (lanes == LANES)
      memcpy(x, from, LANES * sizeof *x);
    else
      memcpy(x, from, (size_t)lanes * sizeof *x);
}

/* x - x is 0, or else NaN. */
static int64_t count_not_finite(int64_t rows, const float *x)
{
  float   sum[LANES] = {0.0F};
  int64_t n          = 0;
  for (int64_t t = 0; t < rows; t++, x += LANES)
    for (int l = 0; l < LANES; l++) sum[l] += x[l] - x[l];
  for (int l = 0; l < LANES; l++) n += isnan(sum[l]);
  return n;
}

/* ---- one span -------------------------------------------------------------------------------------------- */

static void take_span(const nrf_span *span, const float *x, float *out)
{
  for (int i = 0; i < 2; i++) {
    const size_t values = (size_t)span->part[i].count * LANES;
    memcpy(out, x + span->part[i].first * LANES, values * sizeof *out);
    out += values;
  }
}

static void span_results(const nrf_span *span, int64_t lanes, float *values, const nrf_map_results *out,
                         int64_t first_place)
{
  nrf_moments   moments[LANES];
  nrf_normality normality[LANES];
  for (int l = 0; l < LANES; l++) normality[l] = (nrf_normality){NAN, NAN, NAN};
  if (span->test != NULL)
    nrf_shapiro_wilk_of_lanes(span->test, values, moments, normality);
  else
    nrf_moments_of_lanes(span->n, values, moments);
  for (int64_t l = 0; l < lanes; l++) {
    const bool known                  = isfinite(moments[l].squares);
    out->mean[first_place + l]        = known ? moments[l].mean : NAN;
    out->variance[first_place + l]    = known ? nrf_var1(moments[l]) : NAN;
    out->one_minus_w[first_place + l] = known ? normality[l].one_minus_w : NAN;
  }
}

int64_t nrf_map_statistics_of(const nrf_map_statistics *s, const float *maps, void *work,
                              const nrf_map_results out[NRF_SPANS])
{
  float  *x = work, *values = x + s->rows * LANES;
  int64_t not_finite = 0;
  for (int64_t place = 0; place < s->places; place += LANES) {
    const int64_t lanes = s->places - place < LANES ? s->places - place : LANES;
    gather(s, maps, place, lanes, x);
    not_finite += count_not_finite(s->rows, x);
    for (int i = 0; i < NRF_SPANS; i++) {
      take_span(&s->span[i], x, values);
      span_results(&s->span[i], lanes, values, &out[i], place);
    }
  }
  return not_finite;
}
