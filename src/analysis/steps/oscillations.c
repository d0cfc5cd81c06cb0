/* oscillations.c - which neurons, the peaks of their spectra, and mean spectra of channels. */
#include "oscillations.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/analysis/matches.h"
#include "nrflv/analysis/peaks.h"
#include "nrflv/analysis/work_items.h"
#include "nrflv/memory.h"

#include <math.h>

/* ---- which neurons --------------------------------------------------------------------------------------- */

static nrf_oscillating_neuron neuron_at(const nrf_extract *x, int c, int b, nrf_site site)
{
  const nrf_recording_image *image = &x->info->image[b];
  return (nrf_oscillating_neuron){.channel  = x->layer->channel[c],
                                  .image    = image->index,
                                  .height   = x->layer->top + site.h,
                                  .width    = x->layer->left + site.w,
                                  .c        = c,
                                  .b        = b,
                                  .h        = site.h,
                                  .w        = site.w,
                                  .angle    = image->angle,
                                  .contrast = image->contrast};
}

static bool is_usable(const nrf_extract *x, int c, int b, nrf_site site, int64_t *not_finite)
{
  const float *trace = nrf_extract_trace(x, NRF_RECORD_STATE, c, b, site.h, site.w);
  if (trace == NULL || !nrf_is_active(x, nrf_extract_at(x, c, b, site.h, site.w))) return false;
  if (nrf_is_finite_trace(x->rows, trace)) return true;
  ++*not_finite;
  return false;
}

/* Counts them if there is no list to write them to. */
static int64_t select_neurons(const nrf_extract *x, const nrf_preferences *preferences,
                              nrf_oscillating_neuron *out, int64_t *not_finite)
{
  int64_t  n = 0;
  nrf_site site[NRF_CENTRAL_SITES];
  *not_finite = 0;
  for (int c = 0; c < x->channels; c++)
    for (int b = 0; b < x->images; b++) {
      if (!isfinite(x->info->image[b].contrast) || !nrf_is_matched(preferences, x, c, b)) continue;
      const int sites = nrf_central_sites(x, NRF_CENTRAL_PATCH, b, site);
      for (int i = 0; i < sites; i++) {
        if (!is_usable(x, c, b, site[i], not_finite)) continue;
        if (out != NULL) out[n] = neuron_at(x, c, b, site[i]);
        n++;
      }
    }
  return n;
}

/* ---- peaks ----------------------------------------------------------------------------------------------- */

static void add_peak(double frequency, double power, nrf_oscillation *out)
{
  if (out->peaks < NRF_LISTED_PEAKS) {
    out->frequency[out->peaks] = frequency;
    out->power[out->peaks]     = power;
  }
  if (out->peaks == 0 || power > out->max_peak_power) {
    out->main_frequency = frequency;
    out->max_peak_power = power;
  }
  out->peak_product += frequency * power;
  out->peaks++;
}

static int64_t position_of_maximum(int64_t n, const double *power)
{
  int64_t at = 0;
  for (int64_t k = 1; k < n; k++)
    if (power[k] > power[at]) at = k;
  return at;
}

static void describe(const nrf_oscillation_spectra *s, nrf_spectrum_of of, const double *power,
                     nrf_peak *peaks, nrf_oscillation *out)
{
  static const double DISTANCE = 3.0, PROMINENCE = 0.5;
  const int64_t       bins    = nrf_oscillation_bins(s, of);
  const int64_t       maximum = position_of_maximum(bins, power);
  const int64_t       n =
      nrf_find_peaks(bins, power, (nrf_peak_filter){-INFINITY, DISTANCE, PROMINENCE * power[maximum]}, peaks);
  for (int64_t f = 0; f < bins; f++)
    out->freq_power_product += nrf_oscillation_frequency(s, of, f) * power[f];
  for (int64_t i = 0; i < n; i++)
    add_peak(nrf_oscillation_frequency(s, of, peaks[i].at), peaks[i].height, out);
  if (n == 0) add_peak(nrf_oscillation_frequency(s, of, maximum), power[maximum], out);
}

static void describe_nothing(nrf_oscillation *out)
{
  *out = (nrf_oscillation){
      .main_frequency = NAN, .max_peak_power = NAN, .peak_product = NAN, .freq_power_product = NAN};
}

/* ---- channels: the items of work ------------------------------------------------------------------------- */

typedef struct work {
  const nrf_extract             *x;
  const nrf_oscillation_spectra *spectra;
  nrf_oscillations              *all;
  int64_t                        doubles; /* of each worker: of what spectra are made, and one spectrum */
  int64_t                        most_bins, most_peaks;
  double                        *scratch;
  nrf_peak                      *peaks;
} work;

/* `mean` is that of the neurons so far. */
static void add_neuron(const work *w, int worker, nrf_oscillating_neuron *neuron, nrf_channel_spectrum *mean)
{
  const nrf_extract *x = w->x;
  const float *trace   = nrf_extract_trace(x, NRF_RECORD_STATE, neuron->c, neuron->b, neuron->h, neuron->w);
  double      *scratch = w->scratch + worker * w->doubles;
  double      *power   = scratch + nrf_oscillation_work(w->spectra);
  mean->neurons++;
  for (int of = 0; of < NRF_SPECTRA; of++) {
    const int64_t bins = nrf_oscillation_bins(w->spectra, (nrf_spectrum_of)of);
    if (bins == 0) {
      describe_nothing(&neuron->spectrum[of]);
      continue;
    }
    nrf_oscillation_power(w->spectra, (nrf_spectrum_of)of, trace, scratch, power);
    describe(w->spectra, (nrf_spectrum_of)of, power, w->peaks + worker * w->most_peaks,
             &neuron->spectrum[of]);
    for (int64_t f = 0; f < bins; f++) mean->power[of][f] += (power[f] - mean->power[of][f]) / mean->neurons;
  }
}

static bool is_in(const nrf_oscillating_neuron *neuron, const nrf_channel_spectrum *channel)
{
  const nrf_contrasts one = {1, {channel->contrast}};
  return neuron->c == channel->c && nrf_contrast_index(&one, neuron->contrast) == 0;
}

static nrf_status analyse_channel(void *context, int64_t item, int worker)
{
  const work           *w       = context;
  nrf_channel_spectrum *channel = &w->all->channel[item];
  for (int64_t i = 0; i < w->all->n; i++)
    if (is_in(&w->all->neuron[i], channel)) add_neuron(w, worker, &w->all->neuron[i], channel);
  return NRF_OK;
}

/* Each pair of a channel and a contrast that has neurons, in order. */
static int list_channels(const nrf_extract *x, const nrf_contrasts *contrasts, const nrf_oscillations *all,
                         nrf_channel_spectrum *out)
{
  int n = 0;
  for (int c = 0; c < x->channels; c++)
    for (int k = 0; k < contrasts->n; k++) {
      const nrf_channel_spectrum channel = {.c = c, .contrast = contrasts->at[k]};
      bool                       found   = false;
      for (int64_t i = 0; i < all->n && !found; i++) found = is_in(&all->neuron[i], &channel);
      if (found) out[n++] = channel;
    }
  return n;
}

/* ---- all ------------------------------------------------------------------------------------------------- */

static nrf_status create_channels(const nrf_extract *x, const nrf_oscillation_spectra *spectra,
                                  nrf_oscillations *out)
{
  nrf_contrasts contrasts;
  void         *list = NULL, *memory = NULL;
  int64_t       bins = 0;
  NRF_RETURN_IF_ERROR(nrf_contrasts_of(x, &contrasts));
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)x->channels * (size_t)contrasts.n * sizeof *out->channel, "mean spectra", &list));
  out->channel    = list;
  out->n_channels = list_channels(x, &contrasts, out, out->channel);
  for (int of = 0; of < NRF_SPECTRA; of++) bins += nrf_oscillation_bins(spectra, (nrf_spectrum_of)of);
  NRF_RETURN_IF_ERROR(
      nrf_alloc((size_t)out->n_channels * (size_t)bins * sizeof *out->memory, "mean spectra", &memory));
  out->memory  = memory;
  double *next = out->memory;
  for (int i = 0; i < out->n_channels; i++)
    for (int of = 0; of < NRF_SPECTRA; of++) {
      const int64_t own         = nrf_oscillation_bins(spectra, (nrf_spectrum_of)of);
      out->channel[i].power[of] = own > 0 ? next : NULL;
      next += own;
    }
  return NRF_OK;
}

static nrf_status analyse_channels(work *w, int threads, const nrf_progress *progress)
{
  nrf_status           st      = NRF_OK;
  void                *scratch = NULL, *peaks = NULL;
  const nrf_work_items items = {.n       = w->all->n_channels,
                                .title   = "oscillations",
                                .unit    = "spectra",
                                .run     = analyse_channel,
                                .context = w};
  for (int of = 0; of < NRF_SPECTRA; of++) {
    const int64_t bins = nrf_oscillation_bins(w->spectra, (nrf_spectrum_of)of);
    if (bins > w->most_bins) w->most_bins = bins;
  }
  w->most_peaks = nrf_peaks_at_most(w->most_bins);
  w->doubles    = nrf_oscillation_work(w->spectra) + (w->most_bins + 7) / 8 * 8;
  NRF_TRY(nrf_alloc((size_t)threads * (size_t)w->doubles * sizeof *w->scratch, "spectra", &scratch));
  NRF_TRY(nrf_alloc((size_t)threads * (size_t)w->most_peaks * sizeof *w->peaks, "spectra", &peaks));
  w->scratch = scratch;
  w->peaks   = peaks;
  NRF_TRY(nrf_work_items_run(&items, threads, progress));
done:
  nrf_free(scratch);
  nrf_free(peaks);
  return st;
}

nrf_status nrf_oscillations_create(const nrf_extract *x, const nrf_preferences *preferences,
                                   const nrf_oscillation_spectra *spectra, int threads,
                                   const nrf_progress *progress, nrf_oscillations *out)
{
  nrf_status st   = NRF_OK;
  void      *list = NULL;
  *out            = (nrf_oscillations){0};
  work w          = {.x = x, .spectra = spectra, .all = out};
  out->n          = select_neurons(x, preferences, NULL, &out->not_finite);
  NRF_TRY(nrf_alloc((size_t)out->n * sizeof *out->neuron, "oscillating neurons", &list));
  out->neuron = list;
  (void)select_neurons(x, preferences, out->neuron, &out->not_finite);
  NRF_TRY(create_channels(x, spectra, out));
  NRF_TRY(analyse_channels(&w, threads, progress));
done:
  if (st != NRF_OK) nrf_oscillations_free(out);
  return st;
}

void nrf_oscillations_free(nrf_oscillations *oscillations)
{
  nrf_free(oscillations->neuron);
  nrf_free(oscillations->channel);
  nrf_free(oscillations->memory);
  *oscillations = (nrf_oscillations){0};
}
