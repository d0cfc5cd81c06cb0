/* numbers.c - moments, tests, intervals, lines, angles. */
#include "blocks.h"
#include "random_end.h"

#include "nrflv/analysis/angle.h"
#include "nrflv/analysis/bootstrap.h"
#include "nrflv/analysis/line_fit.h"
#include "nrflv/analysis/percentile.h"
#include "nrflv/analysis/t_test.h"
#include "nrflv/moments.h"
#include "nrflv/shapiro_wilk.h"
#include "nrflv/sort.h"

#include <math.h>

/* ---- moments --------------------------------------------------------------------------------------------- */

enum { MEAN, VAR0, VAR1, MINIMUM, MAXIMUM, IS_CONSTANT, MOMENTS };

static const struct {
  const char *name;
  tolerance   tolerance;
} moments[MOMENTS] = {
    [MEAN] = {"mean", TOLERANCE_SUM},         [VAR0] = {"var0", TOLERANCE_VARIANCE},
    [VAR1] = {"var1", TOLERANCE_VARIANCE},    [MINIMUM] = {"minimum", TOLERANCE_EXACT},
    [MAXIMUM] = {"maximum", TOLERANCE_EXACT}, [IS_CONSTANT] = {"is_constant", TOLERANCE_EXACT},
};

static nrf_status compare_moments(ref_block *b, const void *context)
{
  double *const *reference = context;
  values         x;
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  const nrf_moments m             = nrf_moments_of(x.count, x.v);
  const double      ours[MOMENTS] = {
           [MEAN] = m.mean,       [VAR0] = nrf_var0(m),  [VAR1] = nrf_var1(m),
           [MINIMUM] = m.minimum, [MAXIMUM] = m.maximum, [IS_CONSTANT] = nrf_is_constant(m)};
  for (int k = 0; k < MOMENTS; k++)
    NRF_RETURN_IF_ERROR(
        compare_value(b, moments[k].name, moments[k].tolerance, ours[k], reference[k][b->at]));
  return NRF_OK;
}

nrf_status check_moments(ref_block *b)
{
  static const char *const known[]    = {"case_#",  "case_name", "mean",        "var0", "var1",
                                         "minimum", "maximum",   "is_constant", NULL};
  static const char *const in_cases[] = {"x", NULL};
  double                  *reference[MOMENTS];
  for (int k = 0; k < MOMENTS; k++) NRF_RETURN_IF_ERROR(read_entries(b, moments[k].name, 1, &reference[k]));
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_moments, reference));
  return report_unknown_members(b, known, in_cases);
}

/* ---- t tests --------------------------------------------------------------------------------------------- */

typedef struct t_reference {
  double *t, *degrees_of_freedom, *p;
} t_reference;

static nrf_status compare_t(ref_block *b, const t_reference *r, nrf_t_test ours)
{
  NRF_RETURN_IF_ERROR(compare_value(b, "t", TOLERANCE_T, ours.t, r->t[b->at]));
  if (r->degrees_of_freedom != NULL)
    NRF_RETURN_IF_ERROR(compare_value(b, "degrees_of_freedom", TOLERANCE_T, ours.degrees_of_freedom,
                                      r->degrees_of_freedom[b->at]));
  return compare_value(b, "p", TOLERANCE_P, ours.p, r->p[b->at]);
}

static nrf_status compare_welch_t(ref_block *b, const void *context)
{
  values x, y;
  NRF_RETURN_IF_ERROR(read_values(b, "a", &x));
  NRF_RETURN_IF_ERROR(read_values(b, "b", &y));
  return compare_t(b, context, nrf_welch_t_test(nrf_moments_of(x.count, x.v), nrf_moments_of(y.count, y.v)));
}

nrf_status check_welch_t(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", "t", "degrees_of_freedom", "p", NULL};
  static const char *const in_cases[] = {"a", "b", NULL};
  t_reference              r;
  NRF_RETURN_IF_ERROR(read_entries(b, "t", 1, &r.t));
  NRF_RETURN_IF_ERROR(read_entries(b, "degrees_of_freedom", 1, &r.degrees_of_freedom));
  NRF_RETURN_IF_ERROR(read_entries(b, "p", 1, &r.p));
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_welch_t, &r));
  return report_unknown_members(b, known, in_cases);
}

static nrf_status compare_one_sample_t(ref_block *b, const void *context)
{
  values x;
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  return compare_t(b, context, nrf_one_sample_t_test(nrf_moments_of(x.count, x.v)));
}

nrf_status check_one_sample_t(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", "t", "p", NULL};
  static const char *const in_cases[] = {"x", NULL};
  t_reference              r          = {NULL, NULL, NULL};
  NRF_RETURN_IF_ERROR(read_entries(b, "t", 1, &r.t));
  NRF_RETURN_IF_ERROR(read_entries(b, "p", 1, &r.p));
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_one_sample_t, &r));
  return report_unknown_members(b, known, in_cases);
}

/* ---- intervals of mean traces ---------------------------------------------------------------------------- */

/* Where all traces are equal the library gives NaN, and we the mean. */
static double end_of_interval(double ours, double reference, nrf_moments m)
{
  return isnan(reference) && nrf_is_constant(m) && ours == m.mean ? reference : ours;
}

static nrf_status compare_mean_trace(ref_block *b, const void *context)
{
  values  traces;
  double *reference[3], *ours[3];
  (void)context;
  NRF_RETURN_IF_ERROR(read_values(b, "traces", &traces));
  if (traces.shape.rank != 2) return nrf_error(NRF_ESHAPE, "traces: [trace, lag] expected");
  const int64_t n = traces.shape.dim[0], lags = traces.shape.dim[1];
  NRF_RETURN_IF_ERROR(read_vector(b, "mean", lags, &reference[0]));
  NRF_RETURN_IF_ERROR(read_vector(b, "lower", lags, &reference[1]));
  NRF_RETURN_IF_ERROR(read_vector(b, "upper", lags, &reference[2]));
  for (int k = 0; k < 3; k++) NRF_RETURN_IF_ERROR(scratch(b, lags, &ours[k]));
  for (int64_t lag = 0; lag < lags; lag++) {
    nrf_moments m = nrf_moments_none();
    for (int64_t i = 0; i < n; i++) nrf_moments_add(&m, traces.v[i * lags + lag]);
    const nrf_interval ends = nrf_t_interval(m, 0.99);
    ours[0][lag]            = m.mean;
    ours[1][lag]            = end_of_interval(ends.lower, reference[1][lag], m);
    ours[2][lag]            = end_of_interval(ends.upper, reference[2][lag], m);
  }
  NRF_RETURN_IF_ERROR(compare_values(b, "mean", TOLERANCE_SUM, lags, ours[0], reference[0]));
  NRF_RETURN_IF_ERROR(compare_values(b, "lower", TOLERANCE_INTERVAL, lags, ours[1], reference[1]));
  return compare_values(b, "upper", TOLERANCE_INTERVAL, lags, ours[2], reference[2]);
}

static nrf_status compare_quantiles(ref_block *b)
{
  values  nu;
  double *quantile, *ours;
  NRF_RETURN_IF_ERROR(read_values(b, "t_quantile_0.995/degrees_of_freedom", &nu));
  NRF_RETURN_IF_ERROR(read_vector(b, "t_quantile_0.995/quantile", nu.count, &quantile));
  NRF_RETURN_IF_ERROR(scratch(b, nu.count, &ours));
  for (int64_t i = 0; i < nu.count; i++) ours[i] = nrf_t_quantile(0.995, nu.v[i]);
  return compare_values(b, "t_quantile_0.995", TOLERANCE_QUANTILE, nu.count, ours, quantile);
}

nrf_status check_mean_trace_interval(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", "t_quantile_0.995", NULL};
  static const char *const in_cases[] = {"traces", "mean", "lower", "upper", NULL};
  NRF_RETURN_IF_ERROR(compare_quantiles(b));
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_mean_trace, NULL));
  return report_unknown_members(b, known, in_cases);
}

/* ---- normality ------------------------------------------------------------------------------------------- */

typedef struct normality_reference {
  double *w, *p, *w_double, *p_double;
} normality_reference;

/* The library's 1 - W has few digits where W is near 1, the fewer the larger the sample; what is below the range of single
 * precision is 0. */
static nrf_status compare_single_p(ref_block *b, int64_t n, double ours, double reference)
{
  static const double LEAST   = 1e-44;
  const double        allowed = n <= 1000 ? 0.01 : n <= 1600 ? 0.02 : 0.03;
  const double        error   = fabs(ours - reference) / fmax(reference, LEAST);
  return compare_error(b, "p, single precision", allowed, ours <= LEAST && reference <= LEAST ? 0.0 : error);
}

static nrf_status compare_normality(ref_block *b, const void *context)
{
  const normality_reference *r = context;
  values                     x;
  double                    *work;
  nrf_shapiro_wilk          *test = NULL;
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  NRF_RETURN_IF_ERROR(nrf_shapiro_wilk_create(x.count, &test));
  nrf_status          st = scratch(b, x.count, &work);
  const nrf_normality ours =
      st == NRF_OK ? nrf_shapiro_wilk_of(test, x.v, work) : (nrf_normality){NAN, NAN, NAN};
  nrf_shapiro_wilk_free(test);
  NRF_RETURN_IF_ERROR(st);
  NRF_RETURN_IF_ERROR(compare_value(b, "W_double", TOLERANCE_W, ours.w, r->w_double[b->at]));
  NRF_RETURN_IF_ERROR(compare_value(b, "p_double", TOLERANCE_NORMALITY_P, ours.p, r->p_double[b->at]));
  NRF_RETURN_IF_ERROR(compare_value(b, "W", TOLERANCE_W_SINGLE, ours.w, r->w[b->at]));
  return compare_single_p(b, x.count, ours.p, r->p[b->at]);
}

nrf_status check_shapiro_wilk(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", "W",        "W_double",
                                         "p",      "p_double",  "z_double", NULL};
  static const char *const in_cases[] = {"x", NULL};
  normality_reference      r;
  NRF_RETURN_IF_ERROR(read_entries(b, "W", 1, &r.w));
  NRF_RETURN_IF_ERROR(read_entries(b, "p", 1, &r.p));
  NRF_RETURN_IF_ERROR(read_entries(b, "W_double", 1, &r.w_double));
  NRF_RETURN_IF_ERROR(read_entries(b, "p_double", 1, &r.p_double));
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_normality, &r));
  return report_unknown_members(b, known, in_cases);
}

/* ---- percentiles and bootstrap --------------------------------------------------------------------------- */

static nrf_status compare_percentiles(ref_block *b, const void *context)
{
  const values *percent = context;
  values        x;
  double       *reference, *ours;
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  NRF_RETURN_IF_ERROR(read_vector(b, "value", percent->count, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, percent->count, &ours));
  nrf_sort_doubles(x.count, x.v);
  for (int64_t i = 0; i < percent->count; i++) ours[i] = nrf_percentile(x.count, x.v, percent->v[i]);
  return compare_values(b, "value", TOLERANCE_RESAMPLED, percent->count, ours, reference);
}

nrf_status check_percentile(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", "percent", NULL};
  static const char *const in_cases[] = {"x", "value", NULL};
  values                   percent;
  NRF_RETURN_IF_ERROR(read_values(b, "percent", &percent));
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_percentiles, &percent));
  return report_unknown_members(b, known, in_cases);
}

enum { VALUE, LOWER, UPPER, LOWER_SD, UPPER_SD, GIVEN_LOWER, GIVEN_UPPER, BOOTSTRAP };

typedef struct bootstrap_reference {
  int64_t resamples;
  double *entry[BOOTSTRAP];
} bootstrap_reference;

static nrf_status compare_random_end(ref_block *b, const char *quantity, const random_end *e)
{
  double error;
  NRF_RETURN_IF_ERROR(random_end_error(b, e, &error));
  return compare_error(b, quantity, 1.0, error);
}

static nrf_status compare_random_intervals(ref_block *b, const bootstrap_reference *r, const values *v,
                                           double mean)
{
  double *means;
  NRF_RETURN_IF_ERROR(scratch(b, r->resamples, &means));
  nrf_bootstrap_means(nrf_rng_at(0, NRF_RNG_BOOTSTRAP, (uint64_t)b->at, 0), v->count, v->v, r->resamples,
                      means);
  const nrf_interval ends  = nrf_pivotal_interval(mean, r->resamples, means, NRF_BOOTSTRAP_CONFIDENCE);
  const random_end   lower = {
        v->count, v->v, r->resamples, false, ends.lower, r->entry[LOWER][b->at], r->entry[LOWER_SD][b->at]};
  const random_end upper = {
      v->count, v->v, r->resamples, true, ends.upper, r->entry[UPPER][b->at], r->entry[UPPER_SD][b->at]};
  NRF_RETURN_IF_ERROR(compare_random_end(b, "lower, in units of 5 sd", &lower));
  return compare_random_end(b, "upper, in units of 5 sd", &upper);
}

static nrf_status compare_given_intervals(ref_block *b, const bootstrap_reference *r, const values *v,
                                          double mean)
{
  values  index;
  double *reference, *means;
  NRF_RETURN_IF_ERROR(read_values(b, "deterministic/resample_index", &index));
  if (index.shape.rank != 2 || index.shape.dim[1] != v->count)
    return nrf_error(NRF_ESHAPE, "resample_index: [resample, %lld] expected", (long long)v->count);
  const int64_t resamples = index.shape.dim[0];
  NRF_RETURN_IF_ERROR(read_vector(b, "deterministic/resample_mean", resamples, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, resamples, &means));
  for (int64_t i = 0; i < index.count; i++) {
    const int64_t at = (int64_t)index.v[i];
    if (at < 0 || at >= v->count) return nrf_error(NRF_EFORMAT, "resample_index: %lld", (long long)at);
    means[i / v->count] += v->v[at] / (double)v->count;
  }
  NRF_RETURN_IF_ERROR(compare_values(b, "resample_mean", TOLERANCE_RESAMPLED, resamples, means, reference));
  const nrf_interval ends = nrf_pivotal_interval(mean, resamples, means, NRF_BOOTSTRAP_CONFIDENCE);
  NRF_RETURN_IF_ERROR(
      compare_value(b, "deterministic_lower", TOLERANCE_RESAMPLED, ends.lower, r->entry[GIVEN_LOWER][b->at]));
  return compare_value(b, "deterministic_upper", TOLERANCE_RESAMPLED, ends.upper,
                       r->entry[GIVEN_UPPER][b->at]);
}

static nrf_status compare_bootstrap(ref_block *b, const void *context)
{
  const bootstrap_reference *r = context;
  values                     v;
  NRF_RETURN_IF_ERROR(read_values(b, "v", &v));
  const double mean = nrf_moments_of(v.count, v.v).mean;
  NRF_RETURN_IF_ERROR(compare_value(b, "value", TOLERANCE_SUM, mean, r->entry[VALUE][b->at]));
  NRF_RETURN_IF_ERROR(compare_random_intervals(b, r, &v, mean));
  return compare_given_intervals(b, r, &v, mean);
}

nrf_status check_bootstrap(ref_block *b)
{
  static const char *const names[BOOTSTRAP] = {
      [VALUE]       = "value",
      [LOWER]       = "lower",
      [UPPER]       = "upper",
      [LOWER_SD]    = "lower_sd_between_runs",
      [UPPER_SD]    = "upper_sd_between_runs",
      [GIVEN_LOWER] = "deterministic_lower",
      [GIVEN_UPPER] = "deterministic_upper",
  };
  static const char *const known[]    = {"case_#",
                                         "case_name",
                                         "value",
                                         "lower",
                                         "upper",
                                         "lower_sd_between_runs",
                                         "upper_sd_between_runs",
                                         "deterministic_lower",
                                         "deterministic_upper",
                                         "runs",
                                         NULL};
  static const char *const in_cases[] = {"v", "deterministic", NULL};
  bootstrap_reference      r;
  NRF_RETURN_IF_ERROR(read_count(b, "resamples", &r.resamples));
  for (int k = 0; k < BOOTSTRAP; k++) NRF_RETURN_IF_ERROR(read_entries(b, names[k], 1, &r.entry[k]));
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_bootstrap, &r));
  return report_unknown_members(b, known, in_cases);
}

/* ---- lines and angles ------------------------------------------------------------------------------------ */

typedef struct line_reference {
  double *distinct_x, *slope, *intercept;
} line_reference;

static nrf_status compare_line(ref_block *b, const void *context)
{
  const line_reference *r = context;
  values                x;
  double               *y;
  nrf_line              line;
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  NRF_RETURN_IF_ERROR(read_vector(b, "y", x.count, &y));
  const bool fits = nrf_line_fit(x.count, x.v, y, &line);
  NRF_RETURN_IF_ERROR(compare_counts(b, "has a line", fits, r->distinct_x[b->at] >= 2.0));
  if (!fits) return NRF_OK;
  NRF_RETURN_IF_ERROR(compare_value(b, "slope", TOLERANCE_LINE, line.slope, r->slope[b->at]));
  return compare_value(b, "intercept", TOLERANCE_LINE, line.intercept, r->intercept[b->at]);
}

nrf_status check_straight_line(ref_block *b)
{
  static const char *const known[]    = {"case_#", "case_name", "distinct_x", "slope", "intercept", NULL};
  static const char *const in_cases[] = {"x", "y", NULL};
  line_reference           r;
  NRF_RETURN_IF_ERROR(read_entries(b, "distinct_x", 1, &r.distinct_x));
  NRF_RETURN_IF_ERROR(read_entries(b, "slope", 1, &r.slope));
  NRF_RETURN_IF_ERROR(read_entries(b, "intercept", 1, &r.intercept));
  NRF_RETURN_IF_ERROR(for_each_case(b, compare_line, &r));
  return report_unknown_members(b, known, in_cases);
}

nrf_status check_angle_difference(ref_block *b)
{
  static const char *const known[] = {"a", "b", "difference", "less_than_10_degrees", NULL};
  values                   x;
  double                  *y, *difference, *near, *ours, *ours_near;
  NRF_RETURN_IF_ERROR(read_values(b, "a", &x));
  NRF_RETURN_IF_ERROR(read_vector(b, "b", x.count, &y));
  NRF_RETURN_IF_ERROR(read_vector(b, "difference", x.count, &difference));
  NRF_RETURN_IF_ERROR(read_vector(b, "less_than_10_degrees", x.count, &near));
  NRF_RETURN_IF_ERROR(scratch(b, x.count, &ours));
  NRF_RETURN_IF_ERROR(scratch(b, x.count, &ours_near));
  for (int64_t i = 0; i < x.count; i++) {
    ours[i]      = nrf_angle_difference(x.v[i], y[i]);
    ours_near[i] = ours[i] < 10.0 * M_PI / 180.0;
  }
  NRF_RETURN_IF_ERROR(compare_values(b, "difference", TOLERANCE_SUM, x.count, ours, difference));
  NRF_RETURN_IF_ERROR(compare_values(b, "less_than_10_degrees", TOLERANCE_EXACT, x.count, ours_near, near));
  return report_unknown_members(b, known, NULL);
}
