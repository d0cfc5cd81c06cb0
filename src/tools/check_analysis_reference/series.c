/* series.c - detrending, spectra, correlations, peaks. */
#include "blocks.h"

#include "nrflv/analysis/correlation.h"
#include "nrflv/analysis/line_fit.h"
#include "nrflv/analysis/peaks.h"
#include "nrflv/analysis/spectrum.h"
#include "nrflv/moments.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- detrending ------------------------------------------------------------------------------------------ */

static double largest_magnitude(int64_t n, const double *x)
{
  double largest = 0.0;
  for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(x[i]));
  return largest;
}

/* Of a series that is a line, rounding is all that is left: what is a few units in the last place of the series is not
 * compared. */
static nrf_status compare_detrended(ref_block *b, const void *context)
{
  static const char *const libraries[] = {"y_matplotlib", "y_scipy"};
  static const double      ALLOWED = 1e-11, ROUNDING = 4.0 * DBL_EPSILON;
  values                   x;
  double                  *ours, *reference;
  (void)context;
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  NRF_RETURN_IF_ERROR(scratch(b, x.count, &ours));
  nrf_detrend(x.count, x.v, ours);
  for (size_t k = 0; k < sizeof libraries / sizeof *libraries; k++) {
    NRF_RETURN_IF_ERROR(read_vector(b, libraries[k], x.count, &reference));
    double worst = 0.0;
    for (int64_t i = 0; i < x.count; i++) worst = fmax(worst, fabs(ours[i] - reference[i]));
    const double rounding = ROUNDING * largest_magnitude(x.count, x.v);
    const double size     = largest_magnitude(x.count, reference);
    NRF_RETURN_IF_ERROR(compare_error(b, libraries[k], ALLOWED, worst <= rounding ? 0.0 : worst / size));
  }
  return NRF_OK;
}

nrf_status check_linear_detrend(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", NULL};
  static const char *const in_cases[] = {"x", "y_matplotlib", "y_scipy", NULL};
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_detrended, NULL));
  return report_unknown_members(b, known, in_cases);
}

/* ---- spectra --------------------------------------------------------------------------------------------- */

/* Powers relative to the largest, and those that are not negligible beside it each by itself. */
static nrf_status compare_power(ref_block *b, const char *quantity, int64_t n, double *ours,
                                double *reference)
{
  static const double NEGLIGIBLE = 1e-8;
  NRF_RETURN_IF_ERROR(compare_values(b, quantity, TOLERANCE_POWER, n, ours, reference));
  const double least  = NEGLIGIBLE * largest_magnitude(n, reference);
  int64_t      strong = 0;
  for (int64_t i = 0; i < n; i++) {
    if (reference[i] <= least) continue;
    ours[strong]        = ours[i];
    reference[strong++] = reference[i];
  }
  return compare_values(b, text_of("%s, strong bins", quantity).s, TOLERANCE_STRONG_POWER, strong, ours,
                        reference);
}

static nrf_status compare_decibels(ref_block *b, int64_t n, const double *power, double *reference)
{
  static const double NEGLIGIBLE = -80.0;
  double             *ours;
  double              most   = -INFINITY;
  int64_t             strong = 0;
  NRF_RETURN_IF_ERROR(scratch(b, n, &ours));
  for (int64_t i = 0; i < n; i++) most = fmax(most, reference[i]);
  for (int64_t i = 0; i < n; i++) {
    if (reference[i] <= most + NEGLIGIBLE && isfinite(most)) continue;
    ours[strong]        = nrf_decibel(power[i]);
    reference[strong++] = reference[i];
  }
  return compare_values(b, "power_dB", TOLERANCE_DECIBEL, strong, ours, reference);
}

typedef struct spectrogram_reference {
  int64_t segment, overlap;
  double *rate;
} spectrogram_reference;

/* power[bin, j] of the file belongs to segment column[j]. */
static nrf_status compare_columns(ref_block *b, int64_t bins, int64_t segments, const double *power)
{
  values  column;
  double *chosen, *reference, *decibels;
  NRF_RETURN_IF_ERROR(read_values(b, "column", &column));
  NRF_RETURN_IF_ERROR(read_vector(b, "power", bins * column.count, &reference));
  NRF_RETURN_IF_ERROR(read_vector(b, "power_dB", bins * column.count, &decibels));
  NRF_RETURN_IF_ERROR(scratch(b, bins * column.count, &chosen));
  for (int64_t j = 0; j < column.count; j++) {
    const int64_t k = (int64_t)column.v[j];
    if (k < 0 || k >= segments)
      return nrf_error(NRF_EFORMAT, "column: there is no segment %lld", (long long)k);
    for (int64_t bin = 0; bin < bins; bin++) chosen[bin * column.count + j] = power[bin * segments + k];
  }
  NRF_RETURN_IF_ERROR(compare_decibels(b, bins * column.count, chosen, decibels));
  return compare_power(b, "power", bins * column.count, chosen, reference);
}

static nrf_status compare_axes(ref_block *b, const nrf_spectrogram *s, int64_t bins, int64_t segments,
                               double rate)
{
  values  column;
  double *frequency, *time, *extent, *shape, *ours;
  NRF_RETURN_IF_ERROR(read_values(b, "column", &column));
  NRF_RETURN_IF_ERROR(read_vector(b, "frequency", bins, &frequency));
  NRF_RETURN_IF_ERROR(read_vector(b, "time", column.count, &time));
  NRF_RETURN_IF_ERROR(read_vector(b, "extent", 4, &extent));
  NRF_RETURN_IF_ERROR(read_vector(b, "shape", 2, &shape));
  NRF_RETURN_IF_ERROR(scratch(b, bins + column.count, &ours));
  for (int64_t bin = 0; bin < bins; bin++) ours[bin] = nrf_spectrogram_frequency(s, bin);
  NRF_RETURN_IF_ERROR(compare_values(b, "frequency", TOLERANCE_AXIS, bins, ours, frequency));
  for (int64_t j = 0; j < column.count; j++) ours[j] = nrf_spectrogram_time(s, (int64_t)column.v[j]);
  NRF_RETURN_IF_ERROR(compare_values(b, "time", TOLERANCE_AXIS, column.count, ours, time));
  const double ours_shape[]  = {(double)bins, (double)segments};
  const double ours_extent[] = {nrf_spectrogram_time(s, 0) - 0.5 / rate,
                                nrf_spectrogram_time(s, segments - 1) + 0.5 / rate, 0.0,
                                nrf_spectrogram_frequency(s, bins - 1)};
  NRF_RETURN_IF_ERROR(compare_values(b, "extent", TOLERANCE_AXIS, 4, ours_extent, extent));
  return compare_values(b, "shape", TOLERANCE_EXACT, 2, ours_shape, shape);
}

static nrf_status compare_spectrogram_of(ref_block *b, const nrf_spectrogram *s, const values *x, double rate)
{
  const int64_t bins = nrf_spectrogram_bins(s), segments = nrf_spectrogram_segments(s, x->count);
  double       *work, *power, *sums, *ours;
  NRF_RETURN_IF_ERROR(scratch(b, nrf_spectrogram_work(s), &work));
  NRF_RETURN_IF_ERROR(scratch(b, bins * segments, &power));
  NRF_RETURN_IF_ERROR(scratch(b, bins, &ours));
  NRF_RETURN_IF_ERROR(read_vector(b, "sum_over_all_segments", bins, &sums));
  nrf_spectrogram_power(s, x->count, x->v, work, power);
  for (int64_t bin = 0; bin < bins; bin++)
    for (int64_t k = 0; k < segments; k++) ours[bin] += power[bin * segments + k];
  NRF_RETURN_IF_ERROR(compare_power(b, "sum_over_all_segments", bins, ours, sums));
  NRF_RETURN_IF_ERROR(compare_columns(b, bins, segments, power));
  return compare_axes(b, s, bins, segments, rate);
}

static nrf_status compare_spectrogram(ref_block *b, const void *context)
{
  const spectrogram_reference *r    = context;
  const double                 rate = r->rate[b->at];
  nrf_spectrogram             *s    = NULL;
  values                       x;
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  NRF_RETURN_IF_ERROR(nrf_spectrogram_create((int)r->segment, (int)r->overlap, rate, &s));
  const nrf_status st = compare_spectrogram_of(b, s, &x, rate);
  nrf_spectrogram_free(s);
  return st;
}

nrf_status check_spectrogram(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", "Fs", NULL};
  static const char *const in_cases[] = {"x",     "column",   "extent", "frequency",
                                         "power", "power_dB", "shape",  "sum_over_all_segments",
                                         "time",  NULL};
  spectrogram_reference    r;
  NRF_RETURN_IF_ERROR(read_count(b, "NFFT", &r.segment));
  NRF_RETURN_IF_ERROR(read_count(b, "noverlap", &r.overlap));
  NRF_RETURN_IF_ERROR(read_entries(b, "Fs", 1, &r.rate));
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_spectrogram, &r));
  return report_unknown_members(b, known, in_cases);
}

typedef struct welch_reference {
  double        *rate, *segment;
  nrf_h5_strings scaling;
} welch_reference;

static nrf_status compare_welch_of(ref_block *b, const nrf_welch *w, const values *x)
{
  const int64_t bins = nrf_welch_bins(w);
  double       *frequency, *power, *product, *work, *ours, *axis;
  double        sum = 0.0;
  NRF_RETURN_IF_ERROR(read_vector(b, "frequency", bins, &frequency));
  NRF_RETURN_IF_ERROR(read_vector(b, "power", bins, &power));
  NRF_RETURN_IF_ERROR(read_vector(b, "sum_f_times_p", 1, &product));
  NRF_RETURN_IF_ERROR(scratch(b, nrf_welch_work(w), &work));
  NRF_RETURN_IF_ERROR(scratch(b, bins, &ours));
  NRF_RETURN_IF_ERROR(scratch(b, bins, &axis));
  nrf_welch_power(w, x->v, work, ours);
  for (int64_t bin = 0; bin < bins; bin++) {
    axis[bin] = nrf_welch_frequency(w, bin);
    sum += axis[bin] * ours[bin];
  }
  NRF_RETURN_IF_ERROR(compare_values(b, "frequency", TOLERANCE_AXIS, bins, axis, frequency));
  NRF_RETURN_IF_ERROR(compare_value(b, "sum_f_times_p", TOLERANCE_STRONG_POWER, sum, product[0]));
  return compare_power(b, "power", bins, ours, power);
}

static nrf_status compare_welch(ref_block *b, const void *context)
{
  const welch_reference *r       = context;
  const char            *scaling = r->scaling.item[b->at];
  nrf_power_scale        scale   = NRF_POWER_DENSITY;
  nrf_welch             *w       = NULL;
  values                 x;
  if (strcmp(scaling, "spectrum") == 0)
    scale = NRF_POWER_SPECTRUM;
  else if (strcmp(scaling, "density") != 0)
    return nrf_error(NRF_EFORMAT, "scaling: '%s'", scaling);
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  NRF_RETURN_IF_ERROR(nrf_welch_create(x.count, (int64_t)r->segment[b->at], r->rate[b->at], scale, &w));
  const nrf_status st = compare_welch_of(b, w, &x);
  nrf_welch_free(w);
  return st;
}

nrf_status check_welch_psd(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", "Fs", "nperseg", "scaling", NULL};
  static const char *const in_cases[] = {"x", "frequency", "power", "sum_f_times_p", NULL};
  welch_reference          r          = {NULL, NULL, {0, NULL}};
  nrf_status               st         = NRF_OK;
  NRF_TRY(read_entries(b, "Fs", 1, &r.rate));
  NRF_TRY(read_entries(b, "nperseg", 1, &r.segment));
  NRF_TRY(read_strings(b, "scaling", &r.scaling));
  if (r.scaling.count != b->cases) NRF_FAIL(NRF_ESHAPE, "scaling: one entry for each case expected");
  NRF_TRY(for_each_case(b, compare_welch, &r));
  NRF_TRY(report_unknown_members(b, known, in_cases));
done:
  nrf_h5_strings_free(&r.scaling);
  return st;
}

/* ---- correlations ---------------------------------------------------------------------------------------- */

typedef struct correlation_reference {
  double *lag_of_maximum, *zero_lag_index;
} correlation_reference;

static int64_t first_largest(int64_t n, const double *x)
{
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    if (x[i] > x[best]) best = i;
  return best;
}

/* Two lags of the same correlation, but for rounding, such as those of two pairs of samples. */
static bool is_tie(int64_t n, const double *c, int64_t at, int64_t other)
{
  static const double ROUNDING = 1e-13;
  return other >= 0 && other < n && fabs(c[at] - c[other]) <= ROUNDING * largest_magnitude(n, c);
}

static nrf_status correlate_directly(ref_block *b, int64_t n, const double *a, const double *v, double *out)
{
  const double mean_a = nrf_moments_of(n, a).mean, mean_v = nrf_moments_of(n, v).mean;
  double      *p, *q;
  NRF_RETURN_IF_ERROR(scratch(b, n, &p));
  NRF_RETURN_IF_ERROR(scratch(b, n, &q));
  for (int64_t i = 0; i < n; i++) {
    p[i] = a[i] - mean_a;
    q[i] = v[i] - mean_v;
  }
  nrf_cross_correlation(n, p, q, 1 - n, n - 1, out);
  return NRF_OK;
}

static nrf_status correlate_by_transform(ref_block *b, int64_t n, const double *a, const double *v,
                                         double *out)
{
  nrf_status      st = NRF_OK;
  nrf_correlator *c  = NULL;
  double         *p, *q, *work;
  NRF_TRY(nrf_correlator_create(n, 1 - n, n - 1, &c));
  NRF_TRY(scratch(b, 2 * nrf_correlator_spectrum_count(c), &p));
  NRF_TRY(scratch(b, 2 * nrf_correlator_spectrum_count(c), &q));
  NRF_TRY(scratch(b, nrf_correlator_work(c), &work));
  nrf_correlator_transform(c, a, work, (double complex *)p);
  nrf_correlator_transform(c, v, work, (double complex *)q);
  nrf_correlator_lags(c, (double complex *)p, (double complex *)q, work, out);
done:
  nrf_correlator_free(c);
  return st;
}

static nrf_status compare_correlation(ref_block *b, const void *context)
{
  const correlation_reference *r = context;
  values                       a;
  double                      *v, *reference, *ours;
  NRF_RETURN_IF_ERROR(read_values(b, "a", &a));
  const int64_t n = a.count;
  NRF_RETURN_IF_ERROR(read_vector(b, "v", n, &v));
  NRF_RETURN_IF_ERROR(read_vector(b, "c", 2 * n - 1, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, 2 * n - 1, &ours));
  NRF_RETURN_IF_ERROR(correlate_directly(b, n, a.v, v, ours));
  NRF_RETURN_IF_ERROR(compare_values(b, "c", TOLERANCE_SERIES, 2 * n - 1, ours, reference));
  NRF_RETURN_IF_ERROR(compare_counts(b, "zero_lag_index", n - 1, (int64_t)r->zero_lag_index[b->at]));
  const int64_t at = first_largest(2 * n - 1, ours), expected = (int64_t)r->lag_of_maximum[b->at] + n - 1;
  const bool    same = at == expected || is_tie(2 * n - 1, reference, at, expected);
  NRF_RETURN_IF_ERROR(compare_counts(b, "lag_of_maximum", same ? expected : at, expected));
  NRF_RETURN_IF_ERROR(correlate_by_transform(b, n, a.v, v, ours));
  return compare_values(b, "c, by transform", TOLERANCE_SERIES, 2 * n - 1, ours, reference);
}

nrf_status check_cross_correlation(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", "lag_of_maximum", "zero_lag_index", NULL};
  static const char *const in_cases[] = {"a", "v", "c", NULL};
  correlation_reference    r;
  NRF_RETURN_IF_ERROR(read_entries(b, "lag_of_maximum", 1, &r.lag_of_maximum));
  NRF_RETURN_IF_ERROR(read_entries(b, "zero_lag_index", 1, &r.zero_lag_index));
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_correlation, &r));
  return report_unknown_members(b, known, in_cases);
}

static nrf_status compare_autocorrelation(ref_block *b, const void *context)
{
  const values *lags = context;
  values        x;
  double       *reference, *ours;
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  NRF_RETURN_IF_ERROR(read_vector(b, "c", lags->count, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, lags->count, &ours));
  NRF_RETURN_IF_ERROR(nrf_normalised_autocorrelation(x.count, x.v, (lags->count - 1) / 2, ours));
  return compare_values(b, "c", TOLERANCE_SERIES, lags->count, ours, reference);
}

nrf_status check_autocorrelation(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", "lags", NULL};
  static const char *const in_cases[] = {"x", "c", NULL};
  values                   lags;
  NRF_RETURN_IF_ERROR(read_values(b, "lags", &lags));
  const int64_t farthest = lags.count / 2;
  if (lags.count % 2 != 1 || lags.v[0] != -lags.v[lags.count - 1] ||
      lags.v[lags.count - 1] != (double)farthest)
    return nrf_error(NRF_EFORMAT, "lags: -n .. n expected");
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_autocorrelation, &lags));
  return report_unknown_members(b, known, in_cases);
}

/* ---- peaks ----------------------------------------------------------------------------------------------- */

static nrf_peak_filter filter_of(double height, double distance, double prominence)
{
  return (nrf_peak_filter){.height     = isnan(height) ? -INFINITY : height,
                           .distance   = distance < 0.0 ? 0.0 : distance,
                           .prominence = isnan(prominence) ? -INFINITY : prominence};
}

static nrf_status compare_filtered(ref_block *b, const values *x, nrf_peak_filter filter, int64_t k,
                                   bool ties)
{
  values  at;
  double *prominence, *ours, *peaks;
  NRF_RETURN_IF_ERROR(read_values(b, text_of("peaks_%lld", (long long)k).s, &at));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("prominences_%lld", (long long)k).s, at.count, &prominence));
  if (ties) return NRF_OK; /* the library's choice among equal heights is not defined */
  enum { DOUBLES = (sizeof(nrf_peak) + sizeof(double) - 1) / sizeof(double) };
  NRF_RETURN_IF_ERROR(scratch(b, DOUBLES * nrf_peaks_at_most(x->count), &peaks));
  const nrf_peak *found = (nrf_peak *)peaks;
  const int64_t   count = nrf_find_peaks(x->count, x->v, filter, (nrf_peak *)peaks);
  NRF_RETURN_IF_ERROR(compare_counts(b, "number of peaks", count, at.count));
  if (count != at.count) return NRF_OK;
  NRF_RETURN_IF_ERROR(scratch(b, 2 * count, &ours));
  for (int64_t i = 0; i < count; i++) {
    ours[i]         = (double)found[i].at;
    ours[count + i] = found[i].prominence;
  }
  NRF_RETURN_IF_ERROR(compare_values(b, "peaks", TOLERANCE_EXACT, count, ours, at.v));
  return compare_values(b, "prominences", TOLERANCE_PROMINENCE, count, ours + count, prominence);
}

static nrf_status compare_peaks(ref_block *b, const void *context)
{
  values  x, distance;
  double *height, *prominence, *ties;
  (void)context;
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  NRF_RETURN_IF_ERROR(read_values(b, "distance", &distance));
  NRF_RETURN_IF_ERROR(read_vector(b, "height", distance.count, &height));
  NRF_RETURN_IF_ERROR(read_vector(b, "prominence", distance.count, &prominence));
  NRF_RETURN_IF_ERROR(read_vector(b, "equal_heights_matter", distance.count, &ties));
  for (int64_t k = 0; k < distance.count; k++)
    NRF_RETURN_IF_ERROR(
        compare_filtered(b, &x, filter_of(height[k], distance.v[k], prominence[k]), k, ties[k] != 0.0));
  return NRF_OK;
}

nrf_status check_find_peaks(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", NULL};
  static const char *const in_cases[] = {
      "x", "height", "distance", "prominence", "equal_heights_matter", "peaks_#", "prominences_#", NULL};
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_peaks, NULL));
  return report_unknown_members(b, known, in_cases);
}
