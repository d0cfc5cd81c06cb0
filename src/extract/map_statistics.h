/* map_statistics.h - statistics of all traces of a channel, read as maps: what nrf_trace_statistics holds. */
#ifndef NRFLV_EXTRACT_MAP_STATISTICS_H
#define NRFLV_EXTRACT_MAP_STATISTICS_H

#include "nrflv/extract.h"
#include "nrflv/shapiro_wilk.h"

#include <stddef.h>

enum { NRF_SPAN_DURING, NRF_SPAN_OUTSIDE, NRF_SPANS };

/* The rows that a statistic is of: DUR, or PRE and POST. */
typedef struct nrf_span {
  nrf_window        part[2];
  int64_t           n;
  nrf_shapiro_wilk *test; /* for n values; NULL if they are too few */
} nrf_span;

/* What is the same for all maps. Never changed once it is made: threads share it. */
typedef struct nrf_map_statistics {
  int64_t    places; /* of a map: height * width                     */
  nrf_span   span[NRF_SPANS];
  nrf_window rest[2]; /* rows in none of the spans: the burn-in, mostly */
} nrf_map_statistics;

/* PRE, DUR and POST follow each other in the windows, as the plan has them. */
NRF_MUST_CHECK nrf_status nrf_map_statistics_create(int64_t rows, int64_t places,
                                                    const nrf_window     window[NRF_WINDOWS],
                                                    nrf_map_statistics **out);
void                      nrf_map_statistics_free(nrf_map_statistics *s); /* NULL is fine */

/* Of one span: [places] each. */
typedef struct nrf_map_results {
  double *mean, *variance, *one_minus_w;
} nrf_map_results;

/* maps: [rows][places]. work: nrf_map_statistics_work() bytes, aligned to 64, one for each thread. Returns how many traces are
 * not finite. A trace's results do not depend on the others. */
size_t  nrf_map_statistics_work(const nrf_map_statistics *s);
int64_t nrf_map_statistics_of(const nrf_map_statistics *s, const float *maps, void *work,
                              const nrf_map_results out[NRF_SPANS]);

#endif
