/* state_traces.c - see state_traces.h. */
#include "state_traces.h"

#include "nrflv/analysis/matches.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdlib.h>

static int64_t matches_of(const nrf_extract *x, const nrf_preferences *preferences, nrf_state_trace *out)
{
  int64_t n = 0;
  for (int c = 0; c < x->channels; c++)
    for (int b = 0; b < x->images; b++) {
      const nrf_recording_image *image = &x->info->image[b];
      if (!isfinite(image->contrast) || !nrf_is_matched(preferences, x, c, b)) continue;
      if (out != NULL)
        out[n] = (nrf_state_trace){.c        = c,
                                   .b        = b,
                                   .channel  = x->layer->channel[c],
                                   .angle    = image->angle,
                                   .contrast = image->contrast};
      n++;
    }
  return n;
}

static int ascending(const void *first, const void *second)
{
  const nrf_state_trace *a = first, *b = second;
  if (a->c != b->c) return a->c < b->c ? -1 : 1;
  if (a->angle != b->angle) return a->angle < b->angle ? -1 : 1;
  if (a->contrast != b->contrast) return a->contrast < b->contrast ? -1 : 1;
  return (a->b > b->b) - (a->b < b->b);
}

/* Of the sum over those rows of a window that are there. */
static double mean_within(const nrf_state_traces *all, nrf_window window, const double *sum)
{
  const int64_t rows_end = all->rows.first + all->rows.count, window_end = window.first + window.count;
  const int64_t first = window.first > all->rows.first ? window.first : all->rows.first;
  const int64_t end   = window_end < rows_end ? window_end : rows_end;
  double        total = 0.0;
  for (int64_t t = first; t < end; t++) total += sum[t - all->rows.first];
  return end > first ? total / (double)(end - first) : NAN;
}

static void sum_neurons(const nrf_extract *x, nrf_central central, nrf_state_traces *all,
                        nrf_state_trace *trace, double *sum)
{
  nrf_site  site[NRF_CENTRAL_SITES];
  const int sites = nrf_central_sites(x, central, trace->b, site);
  for (int i = 0; i < sites; i++) {
    const float *state = nrf_extract_trace(x, NRF_RECORD_STATE, trace->c, trace->b, site[i].h, site[i].w);
    if (state == NULL) continue;
    if (!nrf_is_finite_trace(all->rows.count, state + all->rows.first)) {
      all->not_finite++;
      continue;
    }
    for (int64_t t = 0; t < all->rows.count; t++) sum[t] += (double)state[all->rows.first + t];
    trace->neurons++;
  }
  trace->sum    = sum;
  trace->before = mean_within(all, x->window[NRF_WINDOW_PRE], sum) / trace->neurons;
  trace->after  = mean_within(all, x->window[NRF_WINDOW_DUR], sum) / trace->neurons;
}

nrf_status nrf_state_traces_create(const nrf_extract *x, nrf_central central,
                                   const nrf_preferences *preferences, nrf_state_traces *out)
{
  enum { STEPS = 400 };
  nrf_status    st   = NRF_OK;
  void         *list = NULL, *memory = NULL;
  const int64_t length = nrf_rows_of_steps(x, STEPS), onset = x->window[NRF_WINDOW_DUR].first;
  *out   = (nrf_state_traces){.rows = nrf_window_around(x, onset, length, length), .onset = onset};
  out->n = matches_of(x, preferences, NULL);
  NRF_TRY(nrf_alloc((size_t)out->n * sizeof *out->trace, "state traces", &list));
  out->trace = list;
  NRF_TRY(nrf_alloc((size_t)out->n * (size_t)out->rows.count * sizeof *out->memory, "state traces", &memory));
  out->memory = memory;
  (void)matches_of(x, preferences, out->trace);
  qsort(out->trace, (size_t)out->n, sizeof *out->trace, ascending);
  for (int64_t i = 0; i < out->n; i++)
    sum_neurons(x, central, out, &out->trace[i], out->memory + i * out->rows.count);
done:
  if (st != NRF_OK) nrf_state_traces_free(out);
  return st;
}

void nrf_state_traces_free(nrf_state_traces *traces)
{
  nrf_free(traces->trace);
  nrf_free(traces->memory);
  *traces = (nrf_state_traces){0};
}
