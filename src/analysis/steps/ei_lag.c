/* ei_lag.c - lags of the central neurons' states behind their momenta. */
#include "ei_lag.h"

#include "nrflv/analysis/bootstrap.h"
#include "nrflv/analysis/correlation.h"
#include "nrflv/analysis/peaks.h"
#include "nrflv/analysis/percentile.h"
#include "nrflv/analysis/work_items.h"
#include "nrflv/memory.h"
#include "nrflv/sort.h"

#include <math.h>
#include <string.h>

const char *nrf_ei_period_name(int period)
{
  static const char *const names[NRF_EI_PERIODS] = {"during", "before", "whole"};
  return names[period];
}

/* ---- correlations ------------------------------------------------------------------------------------------ */

/* What one channel's traces are turned into. */
typedef struct channel_work {
  double         *row, *fft;
  double complex *state, *momenta; /* one spectrum; one for each image                                   */
  double         *norm;            /* [images] n^1/2 times the standard deviation of each momentum         */
} channel_work;

typedef struct search {
  const nrf_extract *x;
  nrf_window         window[NRF_EI_PERIODS];
  int               *image; /* [out->images] within the recording */
  nrf_correlator    *correlator[NRF_EI_PERIODS];
  nrf_ei_lags       *out;
} search;

static nrf_window window_of(const nrf_extract *x, int period)
{
  switch (period) {
  case NRF_EI_DURING:
    return x->window[NRF_WINDOW_DUR];
  case NRF_EI_BEFORE:
    return x->window[NRF_WINDOW_PRE];
  default:
    return (nrf_window){0, x->rows};
  }
}

static const float *trace_of(const search *s, nrf_record_variable variable, int c, int i)
{
  return nrf_extract_trace(s->x, variable, c, s->image[i], s->x->centre.h, s->x->centre.w);
}

/* Transforms a period of a trace; returns the root of its sum of squares about the mean, 0 for a trace that has no
 * correlations. */
static double transform(const search *s, int period, const float *trace, channel_work *work,
                        double complex *spectrum)
{
  const nrf_window  w       = s->window[period];
  const nrf_moments moments = nrf_moments_of_floats(w.count, trace + w.first);
  if (!(moments.squares > 0.0) || !isfinite(moments.squares)) return 0.0;
  for (int64_t t = 0; t < w.count; t++) work->row[t] = (double)trace[w.first + t];
  nrf_correlator_transform(s->correlator[period], work->row, work->fft, spectrum);
  return sqrt(moments.squares);
}

static int64_t channel_of(const nrf_ei_lags *lags, int period, int c)
{
  return (int64_t)period * lags->channels + c;
}

/* The largest of n values, the first among equals. */
static int largest_of(int n, const double *value)
{
  int best = 0;
  for (int k = 1; k < n; k++)
    if (value[k] > value[best]) best = k;
  return best;
}

static double part_below(double value, double largest)
{
  return (largest - value) / fabs(largest);
}

static void find_lag(int first, int n, const double *correlation, double norm, nrf_ei_lag *out)
{
  nrf_peak     peak[NRF_EI_LAGS];
  const int    best    = largest_of(n, correlation);
  const double largest = correlation[best];
  double       next    = -INFINITY;
  for (int k = 0; k < n; k++)
    if (k != best && correlation[k] > next) next = correlation[k];
  out->lag               = first + best;
  out->coefficient       = largest / norm;
  out->margin            = isfinite(next) ? part_below(next, largest) : NAN;
  const int64_t peaks    = nrf_find_peaks(n, correlation, nrf_all_peaks(), peak);
  double        runnerup = -INFINITY;
  for (int64_t i = 0; i < peaks; i++) {
    if (peak[i].at == best || peak[i].height <= runnerup) continue;
    runnerup       = peak[i].height;
    out->rival_lag = (double)(first + peak[i].at);
    out->rival_gap = part_below(runnerup, largest);
  }
}

/* The largest coefficient of the state in one image with the momentum in the next one. */
static double other_coefficient(const search *s, int period, int i, double norm, channel_work *work)
{
  const nrf_correlator *c     = s->correlator[period];
  const int             other = (i + 1) % s->out->images;
  double                correlation[NRF_EI_LAGS];
  if (other == i || work->norm[other] == 0.0) return NAN;
  nrf_correlator_lags(c, work->state, work->momenta + other * nrf_correlator_spectrum_count(c), work->fft,
                      correlation);
  return correlation[largest_of(s->out->lags[period], correlation)] / (norm * work->norm[other]);
}

static void correlate_image(const search *s, int period, int c, int i, channel_work *work, double *mean)
{
  const nrf_correlator *correlator = s->correlator[period];
  const int             lags       = s->out->lags[period];
  double                correlation[NRF_EI_LAGS];
  nrf_ei_lag           *out  = s->out->lag + channel_of(s->out, period, c) * s->out->images + i;
  const double          norm = transform(s, period, trace_of(s, NRF_RECORD_STATE, c, i), work, work->state);
  *out                       = (nrf_ei_lag){c, s->image[i], NAN, NAN, NAN, NAN, NAN, NAN};
  if (norm == 0.0 || work->norm[i] == 0.0) return;
  nrf_correlator_lags(correlator, work->state, work->momenta + i * nrf_correlator_spectrum_count(correlator),
                      work->fft, correlation);
  find_lag(s->out->first[period], lags, correlation, norm * work->norm[i], out);
  out->other = other_coefficient(s, period, i, norm, work);
  for (int k = 0; k < lags; k++) mean[k] += correlation[k] / (norm * work->norm[i]);
}

static void correlate_period(const search *s, int period, int c, channel_work *work)
{
  const int64_t count = nrf_correlator_spectrum_count(s->correlator[period]);
  const int     lags  = s->out->lags[period];
  double       *mean  = s->out->mean + channel_of(s->out, period, c) * NRF_EI_LAGS;
  int           n     = 0;
  for (int i = 0; i < s->out->images; i++)
    work->norm[i] =
        transform(s, period, trace_of(s, NRF_RECORD_MOMENTUM, c, i), work, work->momenta + i * count);
  for (int i = 0; i < s->out->images; i++) {
    correlate_image(s, period, c, i, work, mean);
    n += isfinite(nrf_ei_lags_of(s->out, period, c)[i].lag);
  }
  for (int k = 0; k < NRF_EI_LAGS; k++) mean[k] = n > 0 && k < lags ? mean[k] / n : NAN;
}

static void free_channel_work(channel_work *w)
{
  nrf_free(w->row);
  nrf_free(w->fft);
  nrf_free(w->state);
  nrf_free(w->momenta);
  nrf_free(w->norm);
}

static nrf_status alloc_doubles(int64_t n, double **out)
{
  return nrf_alloc((size_t)n * sizeof **out, "lags", (void **)out);
}

static nrf_status make_channel_work(const search *s, int period, channel_work *w)
{
  const nrf_correlator *c     = s->correlator[period];
  const size_t          bytes = (size_t)nrf_correlator_spectrum_count(c) * sizeof *w->state;
  NRF_RETURN_IF_ERROR(alloc_doubles(s->window[period].count, &w->row));
  NRF_RETURN_IF_ERROR(alloc_doubles(nrf_correlator_work(c), &w->fft));
  NRF_RETURN_IF_ERROR(alloc_doubles(s->out->images, &w->norm));
  NRF_RETURN_IF_ERROR(nrf_alloc(bytes, "lags", (void **)&w->state));
  return nrf_alloc(bytes * (size_t)s->out->images, "lags", (void **)&w->momenta);
}

static nrf_status correlate_channel(void *context, int64_t item, int worker)
{
  const search *s = context;
  (void)worker;
  for (int period = 0; period < NRF_EI_PERIODS; period++) {
    if (s->out->lags[period] == 0) continue;
    channel_work work = {0};
    nrf_status   st   = make_channel_work(s, period, &work);
    if (st == NRF_OK) correlate_period(s, period, (int)item, &work);
    free_channel_work(&work);
    NRF_RETURN_IF_ERROR(st);
  }
  return NRF_OK;
}

/* ---- what there is to correlate ---------------------------------------------------------------------------- */

static bool has_centre(const nrf_extract *x, int b)
{
  if (x->centre.h < 0 || !x->has_momentum) return false;
  const nrf_site centre = x->centre;
  return nrf_extract_trace(x, NRF_RECORD_STATE, 0, b, centre.h, centre.w) != NULL &&
         nrf_extract_trace(x, NRF_RECORD_MOMENTUM, 0, b, centre.h, centre.w) != NULL;
}

static nrf_status choose_lags(search *s, int period)
{
  const nrf_window w     = window_of(s->x, period);
  nrf_ei_lags     *out   = s->out;
  int64_t          first = NRF_EI_FIRST_LAG, last = NRF_EI_FIRST_LAG + NRF_EI_LAGS - 1;
  s->window[period] = w;
  if (w.count < 2) return NRF_OK;
  if (first < 1 - w.count) first = 1 - w.count;
  if (last > w.count - 1) last = w.count - 1;
  out->first[period] = (int)first;
  out->lags[period]  = (int)(last - first) + 1;
  return nrf_correlator_create(w.count, first, last, &s->correlator[period]);
}

static nrf_status prepare(search *s)
{
  nrf_ei_lags *out = s->out;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)s->x->images * sizeof *s->image, "lags", (void **)&s->image));
  for (int b = 0; b < s->x->images; b++)
    if (has_centre(s->x, b)) s->image[out->images++] = b;
  const int64_t n = (int64_t)NRF_EI_PERIODS * out->channels;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(n * out->images) * sizeof *out->lag, "lags", (void **)&out->lag));
  NRF_RETURN_IF_ERROR(alloc_doubles(n * NRF_EI_LAGS, &out->mean));
  for (int period = 0; period < NRF_EI_PERIODS; period++) NRF_RETURN_IF_ERROR(choose_lags(s, period));
  return NRF_OK;
}

nrf_status nrf_ei_lags_find(const nrf_extract *x, int threads, const nrf_progress *progress, nrf_ei_lags *out)
{
  nrf_status st = NRF_OK;
  search     s  = {.x = x, .out = out};
  *out          = (nrf_ei_lags){.channels = x->channels};
  NRF_TRY(prepare(&s));
  const nrf_work_items items = {out->images > 0 ? out->channels : 0, "lags", "channels", correlate_channel,
                                &s};
  NRF_TRY(nrf_work_items_run(&items, threads, progress));
done:
  for (int period = 0; period < NRF_EI_PERIODS; period++) nrf_correlator_free(s.correlator[period]);
  nrf_free(s.image);
  if (st != NRF_OK) nrf_ei_lags_free(out);
  return st;
}

void nrf_ei_lags_free(nrf_ei_lags *lags)
{
  nrf_free(lags->lag);
  nrf_free(lags->mean);
  *lags = (nrf_ei_lags){0};
}

/* ---- what is common to them -------------------------------------------------------------------------------- */

typedef struct channel_range {
  int first, end;
} channel_range;

static channel_range range_of(const nrf_ei_lags *lags, int channel)
{
  return channel == NRF_EI_ALL_CHANNELS ? (channel_range){0, lags->channels}
                                        : (channel_range){channel, channel + 1};
}

nrf_status nrf_ei_summarise(const nrf_ei_lags *lags, int period, int channel, nrf_ei_summary *out)
{
  const channel_range range       = range_of(lags, channel);
  nrf_moments         coefficient = nrf_moments_none(), other = nrf_moments_none();
  double             *value;
  int64_t             n = 0;
  *out                  = (nrf_ei_summary){.lag = nrf_moments_none()};
  NRF_RETURN_IF_ERROR(alloc_doubles((int64_t)(range.end - range.first) * lags->images, &value));
  for (int c = range.first; c < range.end; c++)
    for (int i = 0; i < lags->images && lags->lags[period] > 0; i++) {
      const nrf_ei_lag *lag = &nrf_ei_lags_of(lags, period, c)[i];
      if (!isfinite(lag->lag)) continue;
      value[n++] = lag->lag;
      nrf_moments_add(&out->lag, lag->lag);
      nrf_moments_add(&coefficient, lag->coefficient);
      if (isfinite(lag->other)) nrf_moments_add(&other, lag->other);
      out->ambiguous += lag->rival_gap < NRF_EI_CLOSE;
    }
  nrf_sort_doubles(n, value);
  out->median      = n > 0 ? nrf_percentile(n, value, 50.0) : NAN;
  out->coefficient = coefficient.mean;
  out->other       = other.mean;
  nrf_free(value);
  return NRF_OK;
}

nrf_moments nrf_ei_image_means(const nrf_ei_lags *lags, int period)
{
  nrf_moments means = nrf_moments_none();
  for (int i = 0; i < lags->images && lags->lags[period] > 0; i++) {
    nrf_moments image = nrf_moments_none();
    for (int c = 0; c < lags->channels; c++) {
      const double lag = nrf_ei_lags_of(lags, period, c)[i].lag;
      if (isfinite(lag)) nrf_moments_add(&image, lag);
    }
    if (image.n > 0) nrf_moments_add(&means, image.mean);
  }
  return means;
}

/* The median of values counted in bins, as 2.18 has it: of an even number, the middle between the two. */
static double median_of_bins(const int count[NRF_EI_LAGS], int64_t n)
{
  int64_t below = 0;
  int     lower = -1;
  for (int k = 0; k < NRF_EI_LAGS; k++) {
    below += count[k];
    if (lower < 0 && below > (n - 1) / 2) lower = k;
    if (below > n / 2) return 0.5 * (lower + k);
  }
  return NAN;
}

static double resampled_median(const nrf_ei_lags *lags, int period, int channel, nrf_rng stream,
                               int64_t resample)
{
  const channel_range range              = range_of(lags, channel);
  int                 count[NRF_EI_LAGS] = {0};
  int64_t             n                  = 0;
  for (int k = 0; k < lags->images; k++) {
    const uint64_t draw = (uint64_t)(resample * lags->images + k);
    const uint32_t i    = nrf_rng_below(stream, draw, (uint32_t)lags->images);
    for (int c = range.first; c < range.end; c++) {
      const double lag = nrf_ei_lags_of(lags, period, c)[i].lag;
      if (!isfinite(lag)) continue;
      count[(int)lag - lags->first[period]]++;
      n++;
    }
  }
  return lags->first[period] + median_of_bins(count, n);
}

nrf_status nrf_ei_median_interval(const nrf_ei_lags *lags, int period, int channel, nrf_rng stream,
                                  nrf_interval *out)
{
  double *median;
  int64_t n = 0;
  *out      = (nrf_interval){NAN, NAN};
  if (lags->images < 2 || lags->lags[period] == 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(alloc_doubles(NRF_BOOTSTRAP_RESAMPLES, &median));
#pragma omp parallel for
  for (int64_t i = 0; i < NRF_BOOTSTRAP_RESAMPLES; i++)
    median[i] = resampled_median(lags, period, channel, stream, i);
  for (int64_t i = 0; i < NRF_BOOTSTRAP_RESAMPLES; i++)
    if (isfinite(median[i])) median[n++] = median[i];
  nrf_sort_doubles(n, median);
  if (n > 0) *out = (nrf_interval){nrf_percentile(n, median, 2.5), nrf_percentile(n, median, 97.5)};
  nrf_free(median);
  return NRF_OK;
}

double nrf_ei_published_means(const nrf_ei_lags *lags, double *mean)
{
  double  sum = 0.0, sum_of_means = 0.0;
  int64_t n = 0;
  for (int c = 0; c < lags->channels; c++) {
    for (int i = 0; i < lags->images; i++, n++) {
      const double lag = nrf_ei_lags_of(lags, NRF_EI_WHOLE, c)[i].lag;
      sum += isfinite(lag) ? lag : lags->first[NRF_EI_WHOLE];
    }
    mean[c] = sum / (double)n;
    sum_of_means += mean[c];
  }
  return sum_of_means / lags->channels;
}
