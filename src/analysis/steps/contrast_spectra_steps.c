/* contrast_spectra_steps.c - power spectra of the LFP during the stimulus, by contrast (analysis.md 3.10). */
#include "contrast_show.h"
#include "contrast_spectra.h"
#include "show.h"
#include "spectra_steps.h"

#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

#define CONFIDENCE NRF_SHOWN_CONFIDENCE

enum { SECTION = 310, NAME_BYTES = 96 };

typedef struct spectra_show {
  const nrf_analysis_context *context;
  const nrf_lfp              *lfp;
  const nrf_contrast_spectra *spectra;
  const nrf_resampled_peaks  *peaks;
} spectra_show;

/* ---- tables ---------------------------------------------------------------------------------------------- */

typedef struct power_row {
  double contrast, frequency, power, product;
} power_row;

static nrf_status show_power_table(const spectra_show *s, nrf_results *results)
{
  static const nrf_record_column columns[] = {
      {"stim_contrast", NRF_MEMBER_DOUBLE, offsetof(power_row, contrast), "", "contrast of the stimulus"},
      {"frequency", NRF_MEMBER_DOUBLE, offsetof(power_row, frequency), "Hz", "middle of the bin"},
      {"power", NRF_MEMBER_DOUBLE, offsetof(power_row, power), "1/Hz", "power spectral density of the LFP"},
      {"power_times_frequency", NRF_MEMBER_DOUBLE, offsetof(power_row, product), "",
       "power times frequency: what is plotted"},
  };
  const nrf_contrast_spectra *from = s->spectra;
  void                       *rows = NULL;
  const int64_t               n    = (int64_t)from->contrasts * from->bins;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof(power_row), "spectra", &rows));
  power_row *row = rows;
  for (int64_t i = 0; i < n; i++) {
    const double frequency = from->frequency[i % from->bins];
    row[i]                 = (power_row){s->lfp->contrasts.at[i / from->bins], frequency, from->power[i],
                                         from->power[i] * frequency};
  }
  const nrf_status st = nrf_show_records(
      "power_spectra", "Power spectra of the LFP of the central patch during the stimulus",
      (int)(sizeof columns / sizeof *columns), columns, (nrf_records){n, sizeof *row, rows}, results);
  nrf_free(rows);
  return st;
}

typedef struct peak_row {
  double  contrast;
  int     channels;
  int64_t traces;
  double  frequency, low, high, power;
} peak_row;

static nrf_status show_peak_table(const spectra_show *s, nrf_results *results)
{
  static const nrf_record_column columns[] = {
      {"stim_contrast", NRF_MEMBER_DOUBLE, offsetof(peak_row, contrast), "", "contrast of the stimulus"},
      {"n_channels", NRF_MEMBER_INT, offsetof(peak_row, channels), "", "channels that contribute"},
      {"n_traces", NRF_MEMBER_INT64, offsetof(peak_row, traces), "", "traces that were added up"},
      {"peak_frequency", NRF_MEMBER_DOUBLE, offsetof(peak_row, frequency), "Hz",
       "where power times frequency is largest; NaN if that is at an end of the spectrum"},
      {"low", NRF_MEMBER_DOUBLE, offsetof(peak_row, low), "Hz",
       "lower end of the 95 % interval, channels resampled"},
      {"high", NRF_MEMBER_DOUBLE, offsetof(peak_row, high), "Hz", "its upper end"},
      {"power", NRF_MEMBER_DOUBLE, offsetof(peak_row, power), "1/Hz", "power spectral density at the peak"},
  };
  const nrf_contrast_spectra *from = s->spectra;
  void                       *rows = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)from->contrasts * sizeof(peak_row), "peaks", &rows));
  peak_row *row = rows;
  for (int k = 0; k < from->contrasts; k++) {
    const nrf_interval      ends = nrf_peak_interval(s->peaks, k, CONFIDENCE);
    const nrf_spectral_peak peak = from->peak[k];
    row[k]                       = (peak_row){s->lfp->contrasts.at[k],
                                              nrf_lfp_channels(s->lfp, k),
                                              nrf_lfp_traces(s->lfp, k),
                                              peak.frequency,
                                              ends.lower,
                                              ends.upper,
                        peak.bin < 0 ? NAN : from->power[k * from->bins + peak.bin]};
  }
  const nrf_status st = nrf_show_records(
      "spectral_peaks", "Peaks of the power spectra of the LFP of the central patch during the stimulus",
      (int)(sizeof columns / sizeof *columns), columns, (nrf_records){from->contrasts, sizeof *row, rows},
      results);
  nrf_free(rows);
  return st;
}

/* ---- the figure ------------------------------------------------------------------------------------------ */

/* Of what is plotted, with room above it for the legend and for an error bar. */
typedef struct range {
  double low, largest, high;
} range;

static range range_of_products(const spectra_show *s, nrf_interval factors)
{
  static const double         LEGEND = 0.35, BAR = 2.0;
  const nrf_contrast_spectra *from = s->spectra;
  range                       r    = {INFINITY, 0.0, 1.0};
  for (int64_t i = 0; i < (int64_t)from->contrasts * from->bins; i++) {
    const double product = from->power[i] * from->frequency[i % from->bins];
    if (product > 0.0) r.low = fmin(r.low, product);
    r.largest = fmax(r.largest, product);
  }
  r.high = r.largest * fmax(pow(r.largest / r.low, LEGEND), BAR * factors.upper / factors.lower);
  return r;
}

/* What the spectra are uncertain by, once, at the upper left: on a logarithmic axis it is the same everywhere. */
static void plot_uncertainty(const spectra_show *s, const double *x, range r, nrf_interval factors,
                             nrf_panel *panel)
{
  static const double BELOW = 0.7;
  const double        at = 0.04 * x[s->spectra->bins - 1], high = BELOW * r.high, y = high / factors.upper,
               low = y * factors.lower;
  nrf_plot_error_bars(panel, 1, &at, &y, &low, &high,
                      &(nrf_plot_style){.colour = NRF_RED, .size = 3.0, .label = "95 % of one estimate"});
}

static void plot_spectra(const spectra_show *s, double *product, nrf_panel *panel)
{
  const nrf_contrast_spectra *from = s->spectra;
  int                         shown[NRF_SHOWN_CONTRASTS];
  const bool                  by_bin = s->context->settings->original_quirks; /* D11 */
  const int                   count  = nrf_shown_contrasts(&s->lfp->contrasts, shown);
  double                     *x      = product + from->bins;
  for (int f = 0; f < from->bins; f++) x[f] = by_bin ? f : from->frequency[f];
  for (int i = 0; i < count; i++) {
    const int k = shown[i];
    char      text[NRF_CONTRAST_TEXT], colour[NRF_COLOUR_TEXT];
    if (nrf_lfp_channels(s->lfp, k) == 0) continue;
    for (int f = 0; f < from->bins; f++) {
      product[f] = from->power[k * from->bins + f] * from->frequency[f];
      if (!(product[f] > 0.0)) product[f] = NAN; /* nothing to be seen on a logarithmic axis */
    }
    nrf_plot_line(panel, from->bins, x, product,
                  &(nrf_plot_style){.label  = nrf_contrast_text(s->lfp->contrasts.at[k], text),
                                    .colour = nrf_contrast_colour(&s->lfp->contrasts, k, colour)});
  }
  const nrf_interval factors = nrf_welch_interval(from->segments, CONFIDENCE);
  const range        r       = range_of_products(s, factors);
  plot_uncertainty(s, x, r, factors, panel);
  nrf_panel_x(panel, &(nrf_axis){.label = by_bin ? "Bin of the spectrum (published as Hz)" : "Frequency [Hz]",
                                 .tight = true});
  nrf_panel_y(
      panel,
      &(nrf_axis){.label = "Power × frequency [a.u.]", .log = true, .low = 0.7 * r.low, .high = r.high});
  nrf_panel_legend(panel, NRF_TOP_RIGHT);
}

static void plot_peaks(const spectra_show *s, nrf_panel *panel)
{
  for (int k = 0; k < s->spectra->contrasts; k++) {
    const double         contrast = s->lfp->contrasts.at[k], frequency = s->spectra->peak[k].frequency;
    const nrf_interval   ends = nrf_peak_interval(s->peaks, k, CONFIDENCE);
    char                 colour[NRF_COLOUR_TEXT];
    const nrf_plot_style style = {.colour = nrf_contrast_colour(&s->lfp->contrasts, k, colour), .size = 6.0};
    if (!isfinite(frequency)) continue;
    if (isfinite(ends.lower))
      nrf_plot_error_bars(panel, 1, &contrast, &frequency, &ends.lower, &ends.upper, &style);
    else
      nrf_plot_points(panel, 1, &contrast, &frequency, &style);
  }
  nrf_panel_x(panel, &(nrf_axis){.label = "Contrast"});
  nrf_panel_y(panel, &(nrf_axis){.label = "Frequency of the peak [Hz]"});
}

static nrf_status show_figure(const spectra_show *s, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  void                 *memory = NULL;
  double               *values = NULL;
  const nrf_figure_spec spec   = {
        .name = "power_spectra",
        .caption =
            "Left: power spectra during the stimulus (Welch's estimate) of the sum of the states of all "
              "neurons of the "
              "central patch whose channel prefers the stimulus, times the frequency. The red bar is how far the "
              "estimate of one value may be off by chance if the LFP is stationary and Gaussian. Contrasts "
              "differ in "
              "the stimulus only, but each is one run per channel, so that differences between the lines include "
              "what "
              "differs from run to run. Right: where each spectrum has its peak, for all contrasts (a spectrum "
              "that "
              "falls off without any oscillation has one, too, a broad one); bars: 95 % of 2000 draws of as many "
              "channels, with replacement. At contrast 0 there is no stimulus.",
        .width   = 12,
        .height  = 4.8,
        .columns = 2};
  NRF_TRY(nrf_alloc(2 * (size_t)s->spectra->bins * sizeof *values, "spectra", &memory));
  values = memory;
  NRF_TRY(nrf_figure_create(&spec, &figure));
  plot_spectra(s, values, nrf_figure_panel(figure, 0, 0));
  plot_peaks(s, nrf_figure_panel(figure, 0, 1));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(values);
  return st;
}

/* ---- numbers --------------------------------------------------------------------------------------------- */

static void set_interval(nrf_key_number *number, nrf_interval ends)
{
  if (!isfinite(ends.lower) || !(ends.upper > ends.lower)) return;
  number->low        = ends.lower;
  number->high       = ends.upper;
  number->confidence = CONFIDENCE;
}

/* Between the lowest contrast that shows something and the highest. */
static void show_shift(const spectra_show *s, nrf_results *results)
{
  const nrf_contrasts *contrasts = &s->lfp->contrasts;
  const int            high      = contrasts->n - 1;
  int                  low       = 0;
  while (low < high && fabs(contrasts->at[low]) <= 0.0) low++;
  const double shift = s->spectra->peak[high].frequency - s->spectra->peak[low].frequency;
  if (low == high || !isfinite(shift)) return;
  const bool     same = nrf_lfp_same_channels(s->lfp, low, high);
  char           name[NAME_BYTES];
  nrf_key_number number = {.name  = name,
                           .value = shift,
                           .unit  = "Hz",
                           .n     = nrf_lfp_channels(s->lfp, high),
                           .note  = "n counts channels, which are resampled, the same ones for both"};
  (void)snprintf(name, sizeof name, "Change of the peak frequency from contrast %.3g to %.3g",
                 contrasts->at[low], contrasts->at[high]);
  if (same) set_interval(&number, nrf_peak_shift_interval(s->peaks, low, high, CONFIDENCE));
  nrf_results_number(results, &number);
}

static void show_numbers(const spectra_show *s, nrf_results *results)
{
  int without = 0;
  for (int k = 0; k < s->spectra->contrasts; k++) {
    const nrf_spectral_peak peak = s->spectra->peak[k];
    char                    name[NAME_BYTES], text[NRF_CONTRAST_TEXT];
    without += peak.bin < 0;
    if (peak.bin < 0) continue;
    nrf_key_number number = {.name  = name,
                             .value = peak.frequency,
                             .unit  = "Hz",
                             .n     = nrf_lfp_channels(s->lfp, k),
                             .note  = "of power times frequency; n counts channels, which are resampled"};
    (void)snprintf(name, sizeof name, "Peak frequency during the stimulus, %s",
                   nrf_contrast_text(s->lfp->contrasts.at[k], text));
    set_interval(&number, nrf_peak_interval(s->peaks, k, CONFIDENCE));
    nrf_results_number(results, &number);
  }
  if (without > 0)
    nrf_results_note(
        results, "at %d of %d contrasts power times frequency has no peak between the ends of the spectrum",
        without, s->spectra->contrasts);
  if (nrf_lfp_channels(s->lfp, s->spectra->contrasts - 1) < NRF_PEAK_CHANNELS)
    nrf_results_note(results,
                     "fewer than %d channels contribute: they are not resampled, there are no intervals",
                     NRF_PEAK_CHANNELS);
  nrf_results_note(results, "resolution %.2g Hz; segments averaged in each spectrum: %lld",
                   s->spectra->frequency[1], (long long)s->spectra->segments);
  show_shift(s, results);
}

/* ---- the analysis ---------------------------------------------------------------------------------------- */

static nrf_status show_all(const spectra_show *s, nrf_results *results)
{
  NRF_RETURN_IF_ERROR(show_power_table(s, results));
  NRF_RETURN_IF_ERROR(show_peak_table(s, results));
  show_numbers(s, results);
  return show_figure(s, results);
}

static nrf_status analyse(const nrf_analysis_context *context, const nrf_lfp *lfp, nrf_results *results)
{
  nrf_status           st      = NRF_OK;
  nrf_contrast_spectra spectra = {0};
  nrf_resampled_peaks  peaks   = {0};
  const nrf_extract   *x       = context->extract[NRF_KIND_PRIM];
  const nrf_window     window  = x->window[NRF_WINDOW_DUR];
  const double         rate    = 1000.0 / x->ms_per_row;
  const nrf_rng        stream  = nrf_rng_at(context->settings->seed, NRF_RNG_BOOTSTRAP, 0, SECTION);
  NRF_TRY(nrf_contrast_spectra_of(lfp, window, rate, &spectra));
  if (spectra.bins < 4) {
    st = nrf_results_skip(results, "the stimulus lasts %lld rows: too short for a spectrum",
                          (long long)window.count);
    goto done;
  }
  NRF_TRY(nrf_resample_peaks(lfp, window, rate, stream, context->threads, context->progress, &peaks));
  NRF_TRY(show_all(&(spectra_show){context, lfp, &spectra, &peaks}, results));
done:
  nrf_contrast_spectra_free(&spectra);
  nrf_resampled_peaks_free(&peaks);
  return st;
}

nrf_status nrf_step_contrast_spectra(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_lfp    lfp = {0};
  bool       skipped;
  nrf_status st = nrf_open_lfp(context, NRF_CENTRAL_PATCH, results, &lfp, &skipped);
  if (st == NRF_OK && !skipped) st = analyse(context, &lfp, results);
  nrf_lfp_free(&lfp);
  return st;
}
