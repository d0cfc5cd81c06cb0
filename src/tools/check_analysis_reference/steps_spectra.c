/* steps_spectra.c - spectra and autocorrelations of the contrast experiment. */
#include "steps.h"

#include "analysis/steps/centre_traces.h"
#include "analysis/steps/contrast_spectra.h"
#include "analysis/steps/contrast_spectrograms.h"
#include "analysis/steps/summed_traces.h"

#include "nrflv/analysis/spectrum.h"
#include "nrflv/memory.h"

#include <math.h>
#include <string.h>

static const char *const ways[]     = {"as_written", "correct", NULL};
static const char *const variants[] = {"patch", "neuron", NULL};

/* ---- what several of them need --------------------------------------------------------------------------- */

/* The power of a spectrum; of what is weak compared with the rest, rounding is all there is. */
static nrf_status compare_power(ref_block *b, const char *quantity, int64_t n, const double *ours,
                                const double *reference)
{
  static const double STRONG  = 1e-8;
  double              largest = 0.0, *strong_ours, *strong_reference;
  int64_t             count   = 0;
  NRF_RETURN_IF_ERROR(compare_values(b, quantity, TOLERANCE_POWER, n, ours, reference));
  NRF_RETURN_IF_ERROR(scratch(b, n, &strong_ours));
  NRF_RETURN_IF_ERROR(scratch(b, n, &strong_reference));
  for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(reference[i]));
  for (int64_t i = 0; i < n; i++) {
    if (!(fabs(reference[i]) > STRONG * largest)) continue;
    strong_ours[count]        = ours[i];
    strong_reference[count++] = reference[i];
  }
  return count == 0 ? NRF_OK
                    : compare_values(b, text_of("%s, where it is strong", quantity).s, TOLERANCE_STRONG_POWER,
                                     count, strong_ours, strong_reference);
}

/* Which contrast of the LFP each of the reference's is. */
static nrf_status find_contrasts(const nrf_lfp *lfp, int64_t n, const double *contrast, int *index)
{
  static const double SAME = 1e-9;
  for (int64_t i = 0; i < n; i++) {
    index[i] = -1;
    for (int k = 0; k < lfp->contrasts.n; k++)
      if (fabs(lfp->contrasts.at[k] - contrast[i]) < SAME) index[i] = k;
    if (index[i] < 0) return nrf_error(NRF_EFORMAT, "contrast %g is not in the recording", contrast[i]);
  }
  return NRF_OK;
}

static nrf_status open_lfp(ref_block *b, const nrf_extract *x, const char *way, const char *variant,
                           nrf_lfp *lfp)
{
  nrf_preferences preferences = {0};
  NRF_RETURN_IF_ERROR(read_preferences(b, way, x->layer->channels, &preferences));
  const nrf_status st = nrf_lfp_create(x, &preferences, nrf_central_of_variant(variant), lfp);
  nrf_free(preferences.channel);
  return st;
}

/* ---- power spectra --------------------------------------------------------------------------------------- */

static nrf_status compare_spectrum(ref_block *b, const char *way, const nrf_contrast_spectra *spectra,
                                   const int *index)
{
  const int64_t bins = spectra->bins, n = NRF_SHOWN_CONTRASTS * bins;
  double       *frequency, *power, *product, *bin, *ours, *our_product, *our_bin;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/frequency", way).s, bins, &frequency));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/power", way).s, n, &power));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/power_times_frequency", way).s, n, &product));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/x_as_written", way).s, bins, &bin));
  NRF_RETURN_IF_ERROR(scratch(b, n, &ours));
  NRF_RETURN_IF_ERROR(scratch(b, n, &our_product));
  NRF_RETURN_IF_ERROR(scratch(b, bins, &our_bin));
  for (int64_t i = 0; i < n; i++) {
    ours[i]        = spectra->power[index[i / bins] * bins + i % bins];
    our_product[i] = ours[i] * spectra->frequency[i % bins];
  }
  for (int64_t f = 0; f < bins; f++) our_bin[f] = (double)f;
  NRF_RETURN_IF_ERROR(
      compare_values(b, text_of("%s/frequency", way).s, TOLERANCE_AXIS, bins, spectra->frequency, frequency));
  NRF_RETURN_IF_ERROR(
      compare_values(b, text_of("%s/x_as_written", way).s, TOLERANCE_EXACT, bins, our_bin, bin));
  NRF_RETURN_IF_ERROR(compare_power(b, text_of("%s/power", way).s, n, ours, power));
  return compare_power(b, text_of("%s/power_times_frequency", way).s, n, our_product, product);
}

static nrf_status check_spectra_of(ref_block *b, steps *s, const char *way)
{
  nrf_status           st      = NRF_OK;
  const nrf_extract   *x       = NULL;
  nrf_lfp              lfp     = {0};
  nrf_contrast_spectra spectra = {0};
  double              *contrast;
  int                  index[NRF_SHOWN_CONTRASTS];
  NRF_TRY(steps_extract(s, NRF_KIND_PRIM, &x));
  NRF_TRY(open_lfp(b, x, way, "patch", &lfp));
  NRF_TRY(read_from(b, "3.09_contrast_specgram_LFP", text_of("%s/patch/contrast", way).s, NRF_SHOWN_CONTRASTS,
                    &contrast));
  NRF_TRY(find_contrasts(&lfp, NRF_SHOWN_CONTRASTS, contrast, index));
  NRF_TRY(nrf_contrast_spectra_of(&lfp, x->window[NRF_WINDOW_DUR], 1000.0 / x->ms_per_row, &spectra));
  NRF_TRY(compare_spectrum(b, way, &spectra, index));
done:
  nrf_contrast_spectra_free(&spectra);
  nrf_lfp_free(&lfp);
  return st;
}

nrf_status check_contrast_spectra(ref_block *b, steps *s)
{
  for (int k = 0; ways[k] != NULL; k++) NRF_RETURN_IF_ERROR(check_spectra_of(b, s, ways[k]));
  return report_unknown_members(b, ways, NULL);
}

/* ---- spectrograms of the LFP ----------------------------------------------------------------------------- */

/* The columns of a spectrogram that the reference has, [bins, columns] as the power is [bins, segments]. */
static void take_columns(const double *power, int64_t bins, int64_t segments, int64_t columns,
                         const double *column, double *out)
{
  for (int64_t i = 0; i < bins * columns; i++)
    out[i] = power[i / columns * segments + (int64_t)column[i % columns]];
}

static nrf_status check_columns(int64_t columns, const double *column, int64_t segments)
{
  for (int64_t i = 0; i < columns; i++)
    if (!(column[i] >= 0.0 && column[i] < (double)segments))
      return nrf_error(NRF_EFORMAT, "there is no column %g among %lld", column[i], (long long)segments);
  return NRF_OK;
}

/* The samples of the LFP from the first row on, and what is made of them. */
static nrf_status compare_series(ref_block *b, const char *path, const nrf_extract *x, const nrf_lfp *lfp,
                                 const int *index)
{
  const nrf_window whole = {0, x->rows};
  double          *reference, *ours, *traces, *our_traces;
  NRF_RETURN_IF_ERROR(
      read_vector(b, text_of("%s/series", path).s, NRF_SHOWN_CONTRASTS * x->rows, &reference));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/number_of_traces", path).s, NRF_SHOWN_CONTRASTS, &traces));
  NRF_RETURN_IF_ERROR(scratch(b, NRF_SHOWN_CONTRASTS * x->rows, &ours));
  NRF_RETURN_IF_ERROR(scratch(b, NRF_SHOWN_CONTRASTS, &our_traces));
  for (int i = 0; i < NRF_SHOWN_CONTRASTS; i++) {
    our_traces[i] = (double)nrf_lfp_traces(lfp, index[i]);
    nrf_lfp_series(lfp, index[i], whole, ours + i * x->rows);
  }
  NRF_RETURN_IF_ERROR(compare_values(b, text_of("%s/number_of_traces", path).s, TOLERANCE_EXACT,
                                     NRF_SHOWN_CONTRASTS, our_traces, traces));
  return compare_values(b, text_of("%s/series", path).s, TOLERANCE_SUM, NRF_SHOWN_CONTRASTS * x->rows, ours,
                        reference);
}

/* Times: ours are relative to the onset, the published ones to the end of the burn-in. */
static nrf_status compare_times(ref_block *b, const char *path, const nrf_extract *x,
                                const nrf_contrast_spectrograms *s, int64_t columns, const double *column)
{
  const double onset =
      (double)(x->window[NRF_WINDOW_DUR].first - nrf_spectrogram_window(x).first) * x->ms_per_row / 1000.0;
  double *after_onset, *published, *ours, *our_published;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/time_after_onset", path).s, columns, &after_onset));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/time", path).s, columns, &published));
  NRF_RETURN_IF_ERROR(scratch(b, columns, &ours));
  NRF_RETURN_IF_ERROR(scratch(b, columns, &our_published));
  for (int64_t i = 0; i < columns; i++) {
    ours[i]          = s->time[(int64_t)column[i]];
    our_published[i] = ours[i] + onset;
  }
  NRF_RETURN_IF_ERROR(
      compare_values(b, text_of("%s/time_after_onset", path).s, TOLERANCE_AXIS, columns, ours, after_onset));
  return compare_values(b, text_of("%s/time", path).s, TOLERANCE_AXIS, columns, our_published, published);
}

static nrf_status compare_sums_of_segments(ref_block *b, const char *path, const nrf_contrast_spectrograms *s)
{
  double *reference, *ours;
  NRF_RETURN_IF_ERROR(
      read_vector(b, text_of("%s/sum_over_all_segments", path).s, s->shown * s->bins, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, s->shown * s->bins, &ours));
  for (int64_t i = 0; i < s->shown * s->bins; i++) {
    ours[i] = 0.0;
    for (int64_t k = 0; k < s->segments; k++) ours[i] += s->power[i * s->segments + k];
  }
  return compare_power(b, text_of("%s/sum_over_all_segments", path).s, s->shown * s->bins, ours, reference);
}

static nrf_status compare_spectrograms(ref_block *b, const char *path, const nrf_extract *x,
                                       const nrf_contrast_spectrograms *s)
{
  values  column;
  double *frequency, *segments, *reference, *ours;
  NRF_RETURN_IF_ERROR(read_values(b, text_of("%s/column", path).s, &column));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/number_of_segments", path).s, 1, &segments));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/frequency", path).s, s->bins, &frequency));
  NRF_RETURN_IF_ERROR(
      compare_counts(b, text_of("%s/number_of_segments", path).s, s->segments, (int64_t)segments[0]));
  NRF_RETURN_IF_ERROR(check_columns(column.count, column.v, s->segments));
  const int64_t each = s->bins * column.count, n = s->shown * each;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/power", path).s, n, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, n, &ours));
  for (int i = 0; i < s->shown; i++)
    take_columns(s->power + i * s->bins * s->segments, s->bins, s->segments, column.count, column.v,
                 ours + i * each);
  NRF_RETURN_IF_ERROR(
      compare_values(b, text_of("%s/frequency", path).s, TOLERANCE_AXIS, s->bins, s->frequency, frequency));
  NRF_RETURN_IF_ERROR(compare_times(b, path, x, s, column.count, column.v));
  NRF_RETURN_IF_ERROR(compare_power(b, text_of("%s/power", path).s, n, ours, reference));
  return compare_sums_of_segments(b, path, s);
}

static nrf_status check_spectrograms_of(ref_block *b, steps *s, const char *way, const char *variant)
{
  nrf_status                st           = NRF_OK;
  const nrf_extract        *x            = NULL;
  nrf_lfp                   lfp          = {0};
  nrf_contrast_spectrograms spectrograms = {0};
  const text                path         = text_of("%s/%s", way, variant);
  double                   *contrast;
  int                       index[NRF_SHOWN_CONTRASTS];
  NRF_TRY(steps_extract(s, NRF_KIND_PRIM, &x));
  NRF_TRY(open_lfp(b, x, way, variant, &lfp));
  NRF_TRY(read_vector(b, text_of("%s/contrast", path.s).s, NRF_SHOWN_CONTRASTS, &contrast));
  NRF_TRY(find_contrasts(&lfp, NRF_SHOWN_CONTRASTS, contrast, index));
  NRF_TRY(nrf_contrast_spectrograms_of(x, &lfp, NRF_SPECTROGRAM_SEGMENT, &spectrograms));
  for (int i = 0; i < NRF_SHOWN_CONTRASTS; i++)
    if (i >= spectrograms.shown || spectrograms.contrast[i] != index[i])
      NRF_FAIL(NRF_EFORMAT, "%s: other contrasts are shown", path.s);
  NRF_TRY(compare_series(b, path.s, x, &lfp, index));
  NRF_TRY(compare_spectrograms(b, path.s, x, &spectrograms));
done:
  nrf_contrast_spectrograms_free(&spectrograms);
  nrf_lfp_free(&lfp);
  return st;
}

nrf_status check_contrast_spectrograms(ref_block *b, steps *s)
{
  for (int k = 0; ways[k] != NULL; k++)
    for (int v = 0; variants[v] != NULL; v++)
      NRF_RETURN_IF_ERROR(check_spectrograms_of(b, s, ways[k], variants[v]));
  return report_unknown_members(b, ways, NULL);
}

/* ---- summed traces --------------------------------------------------------------------------------------- */

static nrf_status compare_sums(ref_block *b, const char *path, const nrf_summed_traces *s)
{
  double *sums, *traces, *our_sums, *our_traces;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/summed_trace", path).s, s->channels * s->rows, &sums));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/number_of_traces", path).s, s->channels, &traces));
  NRF_RETURN_IF_ERROR(scratch(b, s->channels * s->rows, &our_sums));
  NRF_RETURN_IF_ERROR(scratch(b, s->channels, &our_traces));
  for (int c = 0; c < s->channels; c++) {
    our_traces[c] = (double)s->channel[c].sum.traces;
    memcpy(our_sums + c * s->rows, s->channel[c].sum.sum, (size_t)s->rows * sizeof *our_sums);
  }
  NRF_RETURN_IF_ERROR(compare_values(b, text_of("%s/number_of_traces", path).s, TOLERANCE_EXACT, s->channels,
                                     our_traces, traces));
  return compare_values(b, text_of("%s/summed_trace", path).s, TOLERANCE_SUM, s->channels * s->rows, our_sums,
                        sums);
}

static nrf_status compare_autocorrelations(ref_block *b, const char *path, const nrf_summed_traces *s,
                                           int period)
{
  const char   *name = period == NRF_SUMMED_DURING ? "acorr_during" : "acorr_before";
  const int64_t lags = 2 * s->max_lag[period] + 1;
  double       *reference, *ours;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/%s", path, name).s, s->channels * lags, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, s->channels * lags, &ours));
  for (int c = 0; c < s->channels; c++)
    memcpy(ours + c * lags, s->channel[c].autocorrelation[period], (size_t)lags * sizeof *ours);
  return compare_values(b, text_of("%s/%s", path, name).s, TOLERANCE_SERIES, s->channels * lags, ours,
                        reference);
}

/* D45: the reference's rate is 100 in both ways. */
static nrf_status compare_summed_spectrogram(ref_block *b, const char *path, const nrf_summed_traces *s)
{
  static const double RATE        = 100.0;
  nrf_status          st          = NRF_OK;
  nrf_spectrogram    *spectrogram = NULL;
  values              column;
  double             *channel, *frequency, *time, *reference, *ours, *our_frequency, *our_time, *power, *work;
  NRF_TRY(read_values(b, text_of("%s/specgram/column", path).s, &column));
  NRF_TRY(read_vector(b, text_of("%s/specgram/channel", path).s, 1, &channel));
  NRF_TRY(nrf_spectrogram_create(NRF_SPECTROGRAM_SEGMENT, NRF_SPECTROGRAM_SEGMENT - 1, RATE, &spectrogram));
  const int64_t bins     = nrf_spectrogram_bins(spectrogram),
                segments = nrf_spectrogram_segments(spectrogram, s->rows);
  NRF_TRY(check_columns(1, channel, s->channels));
  NRF_TRY(check_columns(column.count, column.v, segments));
  NRF_TRY(read_vector(b, text_of("%s/specgram/frequency", path).s, bins, &frequency));
  NRF_TRY(read_vector(b, text_of("%s/specgram/time", path).s, column.count, &time));
  NRF_TRY(read_vector(b, text_of("%s/specgram/power", path).s, bins * column.count, &reference));
  NRF_TRY(scratch(b, nrf_spectrogram_work(spectrogram), &work));
  NRF_TRY(scratch(b, bins * segments, &power));
  NRF_TRY(scratch(b, bins * column.count, &ours));
  NRF_TRY(scratch(b, bins, &our_frequency));
  NRF_TRY(scratch(b, column.count, &our_time));
  nrf_spectrogram_power(spectrogram, s->rows, s->channel[(int)channel[0]].sum.sum, work, power);
  take_columns(power, bins, segments, column.count, column.v, ours);
  for (int64_t f = 0; f < bins; f++) our_frequency[f] = nrf_spectrogram_frequency(spectrogram, f);
  for (int64_t i = 0; i < column.count; i++)
    our_time[i] = nrf_spectrogram_time(spectrogram, (int64_t)column.v[i]);
  NRF_TRY(compare_values(b, text_of("%s/specgram/frequency", path).s, TOLERANCE_AXIS, bins, our_frequency,
                         frequency));
  NRF_TRY(
      compare_values(b, text_of("%s/specgram/time", path).s, TOLERANCE_AXIS, column.count, our_time, time));
  NRF_TRY(compare_power(b, text_of("%s/specgram/power", path).s, bins * column.count, ours, reference));
done:
  nrf_spectrogram_free(spectrogram);
  return st;
}

static nrf_status check_summed_of(ref_block *b, steps *s, const char *way, const char *variant)
{
  nrf_status         st          = NRF_OK;
  const nrf_extract *x           = NULL;
  nrf_preferences    preferences = {0};
  nrf_summed_traces  traces      = {0};
  const text         path        = text_of("%s/%s", way, variant);
  NRF_TRY(steps_extract(s, NRF_KIND_PRIM, &x));
  NRF_TRY(read_preferences(b, way, x->layer->channels, &preferences));
  NRF_TRY(nrf_summed_traces_of(x, &preferences, nrf_central_of_variant(variant), &traces));
  NRF_TRY(compare_sums(b, path.s, &traces));
  for (int p = 0; p < NRF_SUMMED_PERIODS; p++) NRF_TRY(compare_autocorrelations(b, path.s, &traces, p));
  NRF_TRY(compare_summed_spectrogram(b, path.s, &traces));
done:
  nrf_summed_traces_free(&traces);
  nrf_free(preferences.channel);
  return st;
}

nrf_status check_summed_traces(ref_block *b, steps *s)
{
  for (int k = 0; ways[k] != NULL; k++)
    for (int v = 0; variants[v] != NULL; v++)
      NRF_RETURN_IF_ERROR(check_summed_of(b, s, ways[k], variants[v]));
  return report_unknown_members(b, ways, NULL);
}
