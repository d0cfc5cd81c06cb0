/* activity_counts.c - the tests of all neurons, spread over threads by channel and image. */
#include "activity_counts.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/analysis/t_test.h"
#include "nrflv/analysis/work_items.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

/* ---- the table ------------------------------------------------------------------------------------------- */

enum {
  BATCH_IDX,
  HEIGHT,
  WIDTH,
  CHANNEL,
  ACTIVE,
  MEAN_DURING,
  MEAN_OUTSIDE,
  T_P,
  W_DURING,
  W_OUTSIDE,
  P_DURING,
  P_OUTSIDE,
  COLUMNS
};

static const nrf_column_spec columns[COLUMNS] = {
    [BATCH_IDX]    = {"batch_idx", NRF_COLUMN_INT, "", "image, its number in the batch"},
    [HEIGHT]       = {"height", NRF_COLUMN_INT, "", "row of the layer's map"},
    [WIDTH]        = {"width", NRF_COLUMN_INT, "", "column of the layer's map"},
    [CHANNEL]      = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
    [ACTIVE]       = {"active", NRF_COLUMN_BOOL, "", "mean state larger during the stimulus, with p < 0.05"},
    [MEAN_DURING]  = {"mean_act_during", NRF_COLUMN_DOUBLE, "", "mean state during the stimulus"},
    [MEAN_OUTSIDE] = {"mean_act_outside", NRF_COLUMN_DOUBLE, "",
                      "mean state before and after the stimulus, without the burn-in"},
    [T_P]          = {"ttest_p_value", NRF_COLUMN_DOUBLE, "",
                      "Welch's test of both means, as if successive states were independent"},
    [W_DURING]     = {"shapiro_W_during", NRF_COLUMN_DOUBLE, "", "Shapiro and Wilk's W, during the stimulus"},
    [W_OUTSIDE]    = {"shapiro_W_outside", NRF_COLUMN_DOUBLE, "", "the same before and after it"},
    [P_DURING]     = {"shapiro_p_during", NRF_COLUMN_DOUBLE, "",
                      "probability of so small a W in independent normal samples, during the stimulus"},
    [P_OUTSIDE]    = {"shapiro_p_outside", NRF_COLUMN_DOUBLE, "", "the same before and after it"},
};

static nrf_status create_table(const nrf_extract *x, nrf_table **out)
{
  char name[96];
  (void)snprintf(name, sizeof name, "neuron_activity_results_alternativeformat_%s",
                 nrf_experiment_kind_info(x->kind)->key);
  NRF_RETURN_IF_ERROR(nrf_table_create(name,
                                       "Whether the stimulus raised the mean state of each neuron, and "
                                       "whether its states are normally distributed",
                                       NRF_COLUMNS(columns), out));
  return nrf_table_resize(*out, nrf_extract_at(x, x->channels, 0, 0, 0));
}

static void fill_row(nrf_table *table, int64_t row, const nrf_activity *a)
{
  nrf_table_bools(table, ACTIVE)[row]         = a->active;
  nrf_table_doubles(table, MEAN_DURING)[row]  = a->mean_during;
  nrf_table_doubles(table, MEAN_OUTSIDE)[row] = a->mean_outside;
  nrf_table_doubles(table, T_P)[row]          = a->t_p;
  nrf_table_doubles(table, W_DURING)[row]     = a->w_during;
  nrf_table_doubles(table, W_OUTSIDE)[row]    = a->w_outside;
  nrf_table_doubles(table, P_DURING)[row]     = a->p_during;
  nrf_table_doubles(table, P_OUTSIDE)[row]    = a->p_outside;
}

/* ---- counting -------------------------------------------------------------------------------------------- */

typedef struct counting {
  const nrf_extract   *x;
  nrf_table           *table;
  nrf_activity_counts *counts;
} counting;

static void count_normality(const nrf_trace_statistics *s, int64_t at, double p, nrf_span span,
                            nrf_activity_count *count)
{
  const bool varying = s->variance[at] > 0.0 && isfinite(p);
  count->varying[span] += varying;
  count->normal[span] += varying && !(p < NRF_ACTIVE_P);
}

static void count_neuron(const nrf_extract *x, int64_t at, const nrf_activity *a, nrf_activity_count *count)
{
  count->tested += !isnan(a->t_p);
  count->active += a->active;
  count->lower += a->t_p < NRF_ACTIVE_P && nrf_rise_of(x, at) < 0.0;
  count_normality(&x->during, at, a->p_during, NRF_SPAN_DURING, count);
  count_normality(&x->outside, at, a->p_outside, NRF_SPAN_OUTSIDE, count);
}

static nrf_status count_map(void *context, int64_t item, int worker)
{
  const counting    *c       = context;
  const nrf_extract *x       = c->x;
  const int          channel = (int)(item / x->images), image = (int)(item % x->images);
  (void)worker;
  for (int h = 0; h < x->height; h++)
    for (int w = 0; w < x->width; w++) {
      const int64_t      at = nrf_extract_at(x, channel, image, h, w);
      const nrf_activity a  = nrf_activity_of(x, at);
      fill_row(c->table, at, &a);
      nrf_table_ints(c->table, BATCH_IDX)[at] = x->info->image[image].index;
      nrf_table_ints(c->table, HEIGHT)[at]    = x->layer->top + h;
      nrf_table_ints(c->table, WIDTH)[at]     = x->layer->left + w;
      nrf_table_ints(c->table, CHANNEL)[at]   = x->layer->channel[channel];
      count_neuron(x, at, &a, &c->counts->of[item]);
    }
  return NRF_OK;
}

nrf_status nrf_count_activity(const nrf_extract *x, int threads, const nrf_progress *progress,
                              nrf_table **table, nrf_activity_counts *out)
{
  nrf_status    st   = NRF_OK;
  const int64_t maps = (int64_t)x->channels * x->images;
  counting      c    = {.x = x, .counts = out};
  *table             = NULL;
  *out               = (nrf_activity_counts){.channels = x->channels, .images = x->images};
  NRF_TRY(nrf_alloc((size_t)maps * sizeof *out->of, "activity", (void **)&out->of));
  NRF_TRY(create_table(x, &c.table));
  const nrf_work_items items = {maps, "testing neurons", "maps", count_map, &c};
  NRF_TRY(nrf_work_items_run(&items, threads, progress));
  *table  = c.table;
  c.table = NULL;
done:
  nrf_table_free(c.table);
  if (st != NRF_OK) nrf_activity_counts_free(out);
  return st;
}

void nrf_activity_counts_free(nrf_activity_counts *counts)
{
  nrf_free(counts->of);
  *counts = (nrf_activity_counts){0};
}

/* ---- shares ---------------------------------------------------------------------------------------------- */

static void add_share(const nrf_activity_count *c, nrf_activity_share share, int64_t *part, int64_t *all)
{
  const nrf_span span = share == NRF_SHARE_NOT_NORMAL_DURING ? NRF_SPAN_DURING : NRF_SPAN_OUTSIDE;
  switch (share) {
  case NRF_SHARE_ACTIVE:
    *part += c->active;
    *all += c->tested;
    break;
  case NRF_SHARE_LOWER:
    *part += c->lower;
    *all += c->tested;
    break;
  default:
    *part += c->varying[span] - c->normal[span];
    *all += c->varying[span];
  }
}

double nrf_share_of(const nrf_activity_counts *counts, nrf_activity_share share, int channel, int image)
{
  const int first = channel < 0 ? 0 : channel, last = channel < 0 ? counts->channels - 1 : channel;
  int64_t   part = 0, all = 0;
  for (int c = first; c <= last; c++)
    add_share(&counts->of[(int64_t)c * counts->images + image], share, &part, &all);
  return all > 0 ? (double)part / (double)all : NAN;
}

/* ---- stretches ------------------------------------------------------------------------------------------- */

static int64_t stretches_outside(const nrf_extract *x, int64_t rows)
{
  return x->window[NRF_WINDOW_PRE].count / rows + x->window[NRF_WINDOW_POST].count / rows;
}

int64_t nrf_stretch_rows(const nrf_extract *x)
{
  const int64_t rows = x->window[NRF_WINDOW_DUR].count / NRF_STRETCHES;
  return rows > 0 && stretches_outside(x, rows) >= 2 ? rows : 0;
}

static void add_stretches(const float *trace, nrf_window window, int64_t rows, nrf_moments *out)
{
  for (int64_t k = 0; k < window.count / rows; k++)
    nrf_moments_add(out, nrf_moments_of_floats(rows, trace + window.first + k * rows).mean);
}

static void count_kept(const nrf_extract *x, int64_t rows, const float *trace, int64_t at,
                       nrf_stretch_count *count)
{
  nrf_moments during = nrf_moments_none(), outside = nrf_moments_none();
  add_stretches(trace, x->window[NRF_WINDOW_DUR], rows, &during);
  add_stretches(trace, x->window[NRF_WINDOW_PRE], rows, &outside);
  add_stretches(trace, x->window[NRF_WINDOW_POST], rows, &outside);
  const double p = nrf_welch_t_test(during, outside).p;
  if (isnan(p)) return;
  count->kept++;
  count->active += nrf_is_active(x, at);
  count->of_stretches += p < NRF_ACTIVE_P && during.mean > outside.mean;
}

typedef struct stretching {
  const nrf_extract *x;
  int64_t            rows;
  nrf_stretch_count *counts;
} stretching;

static nrf_status count_kept_of_map(void *context, int64_t item, int worker)
{
  const stretching  *s       = context;
  const nrf_extract *x       = s->x;
  const int          channel = (int)(item / x->images), image = (int)(item % x->images);
  const nrf_sites   *sites = &x->state_sites[image];
  (void)worker;
  for (int i = 0; i < sites->count; i++) {
    const nrf_site site  = sites->site[i];
    const float   *trace = nrf_extract_trace(x, NRF_RECORD_STATE, channel, image, site.h, site.w);
    if (trace != NULL)
      count_kept(x, s->rows, trace, nrf_extract_at(x, channel, image, site.h, site.w), &s->counts[item]);
  }
  return NRF_OK;
}

nrf_status nrf_count_by_stretches(const nrf_extract *x, int threads, const nrf_progress *progress,
                                  nrf_stretch_count *counts)
{
  const int64_t maps = (int64_t)x->channels * x->images;
  stretching    s    = {x, nrf_stretch_rows(x), counts};
  for (int64_t i = 0; i < maps; i++) counts[i] = (nrf_stretch_count){0};
  if (s.rows == 0) return NRF_OK;
  const nrf_work_items items = {maps, "testing stretches", "maps", count_kept_of_map, &s};
  return nrf_work_items_run(&items, threads, progress);
}
