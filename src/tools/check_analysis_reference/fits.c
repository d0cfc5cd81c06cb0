/* fits.c - correlation windows and tuning curves. */
#include "blocks.h"

#include "nrflv/analysis/angle.h"
#include "nrflv/analysis/correlation_fit.h"
#include "nrflv/analysis/orientation_fit.h"
#include "nrflv/analysis/peaks.h"

#include <complex.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- correlation windows: what there is to compare ------------------------------------------------------- */

enum {
  SINE_STARTS      = 5,
  SINE_PARAMETERS  = 3,
  GAUSS_PARAMETERS = 2,
  EVALUATIONS      = SINE_STARTS + NRF_FIT_GAUSS_STARTS
};

/* A result, and how closely it must agree. */
typedef enum column {
  SAME_PATH,          /* of the solver                                                        */
  PATH_DEPENDENT,     /* the same path, of a window where the last digits decide where it ends */
  OTHER_PATH,         /* another solver ...                                                   */
  PATH_DEPENDENT_TOO, /* ... and such a window                                                */
  COLUMNS
} column;

typedef struct fit_field {
  const char *name;
  size_t      offset;
  tolerance   allowed[COLUMNS]; /* TOLERANCE_COUNT: not compared */
} fit_field;

#define FIELD(member) offsetof(nrf_correlation_fit, member)
#define LIKE(name)    TOLERANCE_##name
#define NOT           TOLERANCE_COUNT

/* The file has these for one phase and for four. */
enum { AMPLITUDE, COST_SINE, COST_GABOR, FREQ_SCALE, SINE_PHASE, SINE_MEAN, GAUSS_SIGMA, GAUSS_AMP, FIELDS };

/* clang-format off */
static const fit_field fields[FIELDS] = {
    [AMPLITUDE]   = {"amplitude",   FIELD(amplitude),   {LIKE(SAME_PATH),  LIKE(AMPLITUDE_OTHER),  LIKE(AMPLITUDE),  LIKE(AMPLITUDE_OTHER)}},
    [COST_SINE]   = {"cost_sine",   FIELD(cost_sine),   {LIKE(SAME_PATH),  LIKE(SINE_COST),        LIKE(SINE_COST),  LIKE(SINE_COST)}},
    [COST_GABOR]  = {"cost_gabor",  FIELD(cost_gabor),  {LIKE(SAME_PATH),  LIKE(GABOR_COST_OTHER), LIKE(GABOR_COST), LIKE(GABOR_COST)}},
    [FREQ_SCALE]  = {"freq_scale",  FIELD(freq_scale),  {LIKE(SAME_PATH),  NOT,                    LIKE(FREQ_SCALE), NOT}},
    [SINE_PHASE]  = {"sine_phase",  FIELD(sine_phase),  {LIKE(SINE_PHASE), NOT,                    LIKE(SINE_PHASE), NOT}},
    [SINE_MEAN]   = {"sine_mean",   FIELD(sine_mean),   {LIKE(SINE_MEAN),  NOT,                    LIKE(SINE_MEAN),  NOT}},
    [GAUSS_SIGMA] = {"gauss_sigma", FIELD(gauss_sigma), {LIKE(SAME_PLACE), NOT,                    LIKE(GAUSS),      NOT}},
    [GAUSS_AMP]   = {"gauss_amp",   FIELD(gauss_amp),   {LIKE(SAME_PLACE), NOT,                    LIKE(GAUSS),      NOT}},
};

/* These for one phase only. */
static const fit_field one_phase_fields[] = {
    {"max_acorr", FIELD(peak),      {LIKE(MAXIMUM),   LIKE(MAXIMUM),         NOT, NOT}},
    {"n_peaks",   FIELD(n_peaks),   {LIKE(EXACT),     LIKE(EXACT),           NOT, NOT}},
    {"min_gabor", FIELD(min_gabor), {LIKE(SAME_PATH), LIKE(AMPLITUDE_OTHER), NOT, NOT}},
    {"max_gabor", FIELD(max_gabor), {LIKE(SAME_PATH), LIKE(AMPLITUDE_OTHER), NOT, NOT}},
};
/* clang-format on */

enum { ONE_PHASE_FIELDS = sizeof one_phase_fields / sizeof *one_phase_fields };

typedef struct gabor_reference {
  int     lags, first;
  double *y;
  double *path_dependent; /* 1: two solvers gave amplitudes that differ by more than 1e-4 */
  double *field[FIELDS], *one_phase[ONE_PHASE_FIELDS], *four_phases[FIELDS];
  double *lambda0, *sine_x, *sine_cost, *gauss_x, *gauss_cost, *evaluations, *curve;
  double *peaks_as_written, *peaks_correct;
  double *work;
  /* counted over the windows */
  int64_t fits, other_evaluations, curves, other_peaks;
} gabor_reference;

/* ---- correlation windows: comparing one ------------------------------------------------------------------ */

static double value_of(const nrf_correlation_fit *fit, const fit_field *field)
{
  double value;
  memcpy(&value, (const char *)fit + field->offset, sizeof value);
  return value;
}

static nrf_status compare_field(ref_block *b, const char *where, const fit_field *field, tolerance allowed,
                                double ours, double reference, double scale)
{
  if (allowed == TOLERANCE_COUNT) return NRF_OK;
  const text name = text_of("%s%s", where, field->name);
  if (allowed == TOLERANCE_SINE_PHASE) /* on the circle */
    return compare_value(b, name.s, allowed, fabs(nrf_angle_wrap(ours - reference)), 0.0);
  if (allowed == TOLERANCE_SINE_MEAN) /* as a part of what it is added to */
    return compare_value(b, name.s, allowed, ours / scale, reference / scale);
  if (allowed == TOLERANCE_GAUSS) /* the sign is common to both, and arbitrary */
    return compare_value(b, name.s, allowed, fabs(ours), fabs(reference));
  return compare_value(b, name.s, allowed, ours, reference);
}

static nrf_status compare_fields(ref_block *b, const char *where, int n, const fit_field table[], column c,
                                 const nrf_correlation_fit *ours, double *const reference[])
{
  for (int k = 0; k < n; k++)
    NRF_RETURN_IF_ERROR(compare_field(b, where, &table[k], table[k].allowed[c], value_of(ours, &table[k]),
                                      reference[k][b->at], fabs(ours->peak)));
  return NRF_OK;
}

static nrf_status compare_first_peaks(ref_block *b, const gabor_reference *r, const double *y)
{
  double  largest = -INFINITY;
  double *buffer;
  values  at;
  for (int i = 0; i < r->lags; i++) largest = fmax(largest, y[i]);
  const int64_t present = b->at; /* these are beside the cases: peaks/case_000 */
  b->at                 = -1;
  const nrf_status st   = read_values(b, text_of("peaks/case_%03lld", (long long)present).s, &at);
  b->at                 = present;
  NRF_RETURN_IF_ERROR(st);
  enum { DOUBLES = (sizeof(nrf_peak) + sizeof(double) - 1) / sizeof(double) };
  NRF_RETURN_IF_ERROR(scratch(b, DOUBLES * nrf_peaks_at_most(r->lags), &buffer));
  nrf_peak             *peaks  = (nrf_peak *)buffer;
  const nrf_peak_filter filter = {.height = 0.0, .distance = 3.0, .prominence = largest / 5.0};
  const int64_t         count  = nrf_find_peaks(r->lags, y, filter, peaks);
  NRF_RETURN_IF_ERROR(compare_counts(b, "peaks, number", count, at.count));
  for (int64_t k = 0; k < count && count == at.count; k++)
    NRF_RETURN_IF_ERROR(compare_counts(b, "peaks", peaks[k].at, (int64_t)at.v[k]));
  return NRF_OK;
}

/* Without a visible decay sigma runs along a flat valley and stops wherever the last digits say. */
static bool decays(double sigma)
{
  static const double NO_DECAY = 1000.0;
  return fabs(sigma) < NO_DECAY;
}

static void count_evaluations(gabor_reference *r, int ours, double reference)
{
  r->other_evaluations += (double)ours != reference;
  r->fits++;
}

/* Where each start leads: the same path goes to the same place, after as many evaluations. */
static nrf_status compare_starts(ref_block *b, gabor_reference *r, const nrf_correlation_fit_starts *s)
{
  const double *sine_x      = r->sine_x + b->at * SINE_STARTS * SINE_PARAMETERS;
  const double *gauss_x     = r->gauss_x + b->at * NRF_FIT_GAUSS_STARTS * GAUSS_PARAMETERS;
  const double *evaluations = r->evaluations + b->at * EVALUATIONS;
  NRF_RETURN_IF_ERROR(compare_value(b, "lambda0", TOLERANCE_MAXIMUM, s->lambda0, r->lambda0[b->at]));
  NRF_RETURN_IF_ERROR(compare_values(b, "sine_cost", TOLERANCE_SAME_PATH, SINE_STARTS, s->sine_cost,
                                     r->sine_cost + b->at * SINE_STARTS));
  NRF_RETURN_IF_ERROR(compare_values(b, "gauss_cost", TOLERANCE_SAME_PATH, NRF_FIT_GAUSS_STARTS,
                                     s->gauss_cost, r->gauss_cost + b->at * NRF_FIT_GAUSS_STARTS));
  for (int64_t k = 0; k < SINE_STARTS; k++) {
    NRF_RETURN_IF_ERROR(compare_values(b, "sine_x", TOLERANCE_SAME_PLACE, SINE_PARAMETERS, s->sine[k],
                                       sine_x + k * SINE_PARAMETERS));
    count_evaluations(r, s->sine_evaluations[k], evaluations[k]);
  }
  for (int64_t k = 0; k < NRF_FIT_GAUSS_STARTS; k++) {
    const double *reference = gauss_x + k * GAUSS_PARAMETERS;
    if (!decays(reference[0])) continue;
    NRF_RETURN_IF_ERROR(
        compare_values(b, "gauss_x", TOLERANCE_SAME_PLACE, GAUSS_PARAMETERS, s->gauss[k], reference));
    count_evaluations(r, s->gauss_evaluations[k], evaluations[SINE_STARTS + k]);
  }
  return NRF_OK;
}

static nrf_status compare_curve(ref_block *b, gabor_reference *r, const nrf_correlation_fit *fit,
                                bool dependent)
{
  double *curve;
  NRF_RETURN_IF_ERROR(scratch(b, r->lags, &curve));
  nrf_fitted_curve(fit, fit->peak, r->lags, r->first, curve);
  NRF_RETURN_IF_ERROR(compare_values(b, "fitted_curve", dependent ? TOLERANCE_CURVE_OTHER : TOLERANCE_CURVE,
                                     r->lags, curve, r->curve + b->at * r->lags));
  r->other_peaks += nrf_fitted_curve_peaks(fit, NRF_FIT_AS_WRITTEN, r->lags, r->first, r->work) !=
                    (int)r->peaks_as_written[b->at];
  r->other_peaks += nrf_fitted_curve_peaks(fit, NRF_FIT_CORRECT, r->lags, r->first, r->work) !=
                    (int)r->peaks_correct[b->at];
  r->curves += 2;
  return NRF_OK;
}

/* The correct fit takes another path and goes to the end of it. The reference stops where the cost changes by less than 1e-8, or
 * at its limit of evaluations, and inherits what is missing to the Gauss stage; it leaves windows of small numbers
 * early because its tolerance of the gradient is absolute. So where the reference has not arrived (a sine cost that is higher than
 * ours, a window of small numbers) there is nothing to compare; elsewhere what the published fit's last digits decide has
 * room for them. */
static nrf_status compare_correct_fit(ref_block *b, gabor_reference *r, const double *y, bool dependent)
{
  static const double ARRIVED = 1e-6, SMALL = 0.01;
  const double sine_cost = r->four_phases[COST_SINE][b->at], sigma = r->four_phases[GAUSS_SIGMA][b->at];
  nrf_correlation_fit fit;
  nrf_fit_correlation(r->lags, r->first, y, NRF_FIT_CORRECT, r->work, &fit, NULL);
  NRF_RETURN_IF_ERROR(compare_error(b, "correct/cost_sine above multistart's", ARRIVED,
                                    fmax(fit.cost_sine - sine_cost, 0.0) / sine_cost));
  if (fabs(fit.peak) < SMALL || fit.cost_sine < (1.0 - ARRIVED) * sine_cost) return NRF_OK;
  const column c = dependent || !decays(sigma) ? PATH_DEPENDENT_TOO : OTHER_PATH;
  return compare_fields(b, "correct/", FIELDS, fields, c, &fit, r->four_phases);
}

static column same_path(bool dependent, double sigma)
{
  return dependent || !decays(sigma) ? PATH_DEPENDENT : SAME_PATH;
}

static nrf_status compare_window(ref_block *b, gabor_reference *r)
{
  const double              *y         = r->y + b->at * r->lags;
  const bool                 dependent = r->path_dependent[b->at] != 0.0;
  const column               one       = same_path(dependent, r->field[GAUSS_SIGMA][b->at]);
  const column               four      = same_path(dependent, r->four_phases[GAUSS_SIGMA][b->at]);
  nrf_correlation_fit        fit;
  nrf_correlation_fit_starts starts;
  NRF_RETURN_IF_ERROR(compare_first_peaks(b, r, y));

  nrf_fit_correlation(r->lags, r->first, y, NRF_FIT_AS_WRITTEN, r->work, &fit, &starts);
  NRF_RETURN_IF_ERROR(compare_starts(b, r, &starts));
  NRF_RETURN_IF_ERROR(compare_fields(b, "", FIELDS, fields, one, &fit, r->field));
  NRF_RETURN_IF_ERROR(compare_fields(b, "", ONE_PHASE_FIELDS, one_phase_fields, one, &fit, r->one_phase));
  NRF_RETURN_IF_ERROR(compare_curve(b, r, &fit, one == PATH_DEPENDENT));

  nrf_fit_correlation(r->lags, r->first, y, NRF_FIT_FOUR_PHASES_AS_WRITTEN, r->work, &fit, NULL);
  NRF_RETURN_IF_ERROR(compare_fields(b, "multistart/", FIELDS, fields, four, &fit, r->four_phases));
  return compare_correct_fit(b, r, y, dependent);
}

/* ---- correlation windows: the block ---------------------------------------------------------------------- */

static nrf_status read_gabor_reference(ref_block *b, gabor_reference *r)
{
  values lag;
  NRF_RETURN_IF_ERROR(read_values(b, "lag", &lag));
  if (lag.count < 3 || lag.count > 10000)
    return nrf_error(NRF_ESHAPE, "lag: a window of %lld", (long long)lag.count);
  r->lags  = (int)lag.count;
  r->first = (int)lag.v[0];
  NRF_RETURN_IF_ERROR(read_entries(b, "y", r->lags, &r->y));
  NRF_RETURN_IF_ERROR(read_entries(b, "path_dependent", 1, &r->path_dependent));
  for (int k = 0; k < FIELDS; k++) {
    NRF_RETURN_IF_ERROR(read_entries(b, fields[k].name, 1, &r->field[k]));
    NRF_RETURN_IF_ERROR(read_entries(b, text_of("multistart/%s", fields[k].name).s, 1, &r->four_phases[k]));
  }
  for (int k = 0; k < ONE_PHASE_FIELDS; k++)
    NRF_RETURN_IF_ERROR(read_entries(b, one_phase_fields[k].name, 1, &r->one_phase[k]));
  NRF_RETURN_IF_ERROR(read_entries(b, "lambda0", 1, &r->lambda0));
  NRF_RETURN_IF_ERROR(read_entries(b, "sine_x", SINE_STARTS * SINE_PARAMETERS, &r->sine_x));
  NRF_RETURN_IF_ERROR(read_entries(b, "sine_cost", SINE_STARTS, &r->sine_cost));
  NRF_RETURN_IF_ERROR(read_entries(b, "gauss_x", NRF_FIT_GAUSS_STARTS * GAUSS_PARAMETERS, &r->gauss_x));
  NRF_RETURN_IF_ERROR(read_entries(b, "gauss_cost", NRF_FIT_GAUSS_STARTS, &r->gauss_cost));
  NRF_RETURN_IF_ERROR(read_entries(b, "evaluations", EVALUATIONS, &r->evaluations));
  NRF_RETURN_IF_ERROR(read_entries(b, "fitted_curve", r->lags, &r->curve));
  NRF_RETURN_IF_ERROR(read_entries(b, "num_peaks_as_written", 1, &r->peaks_as_written));
  NRF_RETURN_IF_ERROR(read_entries(b, "num_peaks_correct", 1, &r->peaks_correct));
  return scratch(b, nrf_correlation_fit_work(r->lags, r->first), &r->work);
}

/* Counts may differ now and then: a path can hang on the last digit, a peak on the threshold. */
static nrf_status compare_fraction(ref_block *b, const char *quantity, double allowed, int64_t different,
                                   int64_t of)
{
  return compare_error(b, quantity, allowed, of > 0 ? (double)different / (double)of : 0.0);
}

nrf_status check_gabor_fit(ref_block *b)
{
  static const char *const known[] = {"y",
                                      "lag",
                                      "case_name",
                                      "path_dependent",
                                      "as_written_fails",
                                      "amplitude",
                                      "amplitude_lm",
                                      "cost_sine",
                                      "cost_gabor",
                                      "freq_scale",
                                      "sine_phase",
                                      "sine_mean",
                                      "gauss_sigma",
                                      "gauss_amp",
                                      "max_acorr",
                                      "n_peaks",
                                      "min_gabor",
                                      "max_gabor",
                                      "lambda0",
                                      "sine_x",
                                      "sine_cost",
                                      "sine_start",
                                      "gauss_x",
                                      "gauss_cost",
                                      "gauss_start",
                                      "evaluations",
                                      "fitted_curve",
                                      "num_peaks_as_written",
                                      "num_peaks_correct",
                                      "peaks",
                                      "multistart",
                                      NULL};
  gabor_reference          r       = {0};
  nrf_status               st      = read_gabor_reference(b, &r);
  NRF_RETURN_IF_ERROR(st);
  for (b->at = 0; b->at < b->cases && st == NRF_OK; b->at++) st = compare_window(b, &r);
  b->at = -1;
  NRF_RETURN_IF_ERROR(st);
  NRF_RETURN_IF_ERROR(
      compare_fraction(b, "evaluations, part that differs", 0.01, r.other_evaluations, r.fits));
  NRF_RETURN_IF_ERROR(compare_fraction(b, "num_peaks, part that differs", 0.005, r.other_peaks, r.curves));
  return report_unknown_members(b, known, NULL);
}

/* ---- tuning curves --------------------------------------------------------------------------------------- */

static const struct {
  const char             *group;
  nrf_orientation_fit_how how;
} ways[] = {{"as_written", NRF_ORIENTATION_AS_WRITTEN}, {"correct", NRF_ORIENTATION_CORRECT}};

typedef struct tuning_reference {
  const char             *group;
  nrf_orientation_fit_how how;
  int                     angles;
  double *y, *z, *A, *phi, *m, *cost, *dir_or_ori, *amplitude_abs, *fit_maximum, *chosen_peak, *preferred;
  double *fails;
} tuning_reference;

static nrf_status compare_named(ref_block *b, const char *group, const char *name, tolerance allowed,
                                int64_t n, const double *ours, const double *reference)
{
  return compare_values(b, text_of("%s/%s", group, name).s, allowed, n, ours, reference);
}

/* The sign of the reference's amplitude is arbitrary, and its phase with it. Where there is hardly an amplitude there is hardly
 * a phase: what must agree is the amplitude with its phase, as a complex number. */
static nrf_status compare_cosine(ref_block *b, const tuning_reference *r, int k, const nrf_cosine_fit *ours)
{
  const int64_t        at        = 2 * b->at + k;
  const double         reference = fabs(r->A[at]), none = 0.0;
  const double complex mine     = ours->amplitude * cexp(I * ours->phase);
  const double         distance = cabs(mine - r->A[at] * cexp(I * r->phi[at]));
  NRF_RETURN_IF_ERROR(
      compare_named(b, r->group, "A", TOLERANCE_COSINE_AMPLITUDE, 1, &ours->amplitude, &reference));
  NRF_RETURN_IF_ERROR(
      compare_named(b, r->group, "A exp(i phi)", TOLERANCE_COSINE_AMPLITUDE, 1, &distance, &none));
  NRF_RETURN_IF_ERROR(compare_named(b, r->group, "m", TOLERANCE_COSINE_MEAN, 1, &ours->mean, &r->m[at]));
  return compare_named(b, r->group, "cost", TOLERANCE_COSINE_COST, 1, &ours->cost, &r->cost[at]);
}

/* Of tuned curves. */
static nrf_status compare_phase(ref_block *b, const tuning_reference *r, int k, const nrf_cosine_fit *ours)
{
  const int64_t at        = 2 * b->at + k;
  const double  reference = r->phi[at] + (r->A[at] < 0.0 ? M_PI : 0.0), none = 0.0;
  const double  error = fabs(nrf_angle_wrap(ours->phase - reference));
  if (ours->amplitude <= NRF_TUNED_AMPLITUDE) return NRF_OK;
  return compare_named(b, r->group, "phase", TOLERANCE_COSINE_PHASE, 1, &error, &none);
}

/* With two cycles and the periodic grid the curve has two equal maxima: which of them is first is rounding. */
static bool same_maximum(const tuning_reference *r, const nrf_orientation_fit *ours, int reference)
{
  if (ours->fit_maximum == reference) return true;
  return r->how == NRF_ORIENTATION_CORRECT && ours->dir_or_ori == 1 &&
         abs(ours->fit_maximum - reference) == r->angles / 2;
}

static nrf_status compare_tuning_peaks(ref_block *b, const tuning_reference *r, const double *z)
{
  values        at;
  double       *buffer;
  int           count   = 0;
  const int64_t present = b->at;
  b->at                 = -1;
  const nrf_status st = read_values(b, text_of("%s/peaks/case_%03lld", r->group, (long long)present).s, &at);
  b->at               = present;
  NRF_RETURN_IF_ERROR(st);
  NRF_RETURN_IF_ERROR(scratch(b, r->angles, &buffer));
  int *ours = (int *)buffer;
  NRF_RETURN_IF_ERROR(nrf_tuning_peaks(r->angles, z, r->how, &count, ours));
  NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/peaks, number", r->group).s, count, at.count));
  for (int k = 0; k < count && count == at.count; k++)
    NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/peaks", r->group).s, ours[k], (int64_t)at.v[k]));
  return NRF_OK;
}

static nrf_status compare_tuning_curve(ref_block *b, const tuning_reference *r)
{
  nrf_orientation_fit ours;
  double             *z;
  NRF_RETURN_IF_ERROR(scratch(b, r->angles, &z));
  NRF_RETURN_IF_ERROR(nrf_fit_orientation(r->angles, r->y + b->at * r->angles, r->how, z, &ours));
  NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/dir_or_ori", r->group).s, ours.dir_or_ori,
                                     (int64_t)r->dir_or_ori[b->at]));
  NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/fails_as_written", r->group).s, ours.dir_or_ori < 0,
                                     r->fails[b->at] != 0.0));
  if (ours.dir_or_ori < 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(compare_named(b, r->group, "z", TOLERANCE_SUM, r->angles, z, r->z + b->at * r->angles));
  for (int k = 0; k < 2; k++) NRF_RETURN_IF_ERROR(compare_cosine(b, r, k, &ours.cycle[k]));
  const nrf_cosine_fit *better = &ours.cycle[ours.dir_or_ori];
  NRF_RETURN_IF_ERROR(compare_named(b, r->group, "amplitude_abs", TOLERANCE_COSINE_AMPLITUDE, 1,
                                    &better->amplitude, &r->amplitude_abs[b->at]));
  NRF_RETURN_IF_ERROR(compare_phase(b, r, ours.dir_or_ori, better));
  const bool same = same_maximum(r, &ours, (int)r->fit_maximum[b->at]);
  NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/fit_maximum", r->group).s, same, 1));
  NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/chosen_peak", r->group).s, ours.chosen_peak,
                                     (int64_t)r->chosen_peak[b->at]));
  NRF_RETURN_IF_ERROR(compare_named(b, r->group, "preferred_angle", TOLERANCE_SUM, 1, &ours.preferred_angle,
                                    &r->preferred[b->at]));
  return compare_tuning_peaks(b, r, z);
}

static nrf_status read_tuning_reference(ref_block *b, tuning_reference *r)
{
  values y;
  NRF_RETURN_IF_ERROR(read_values(b, "y", &y));
  if (y.shape.rank != 2 || y.shape.dim[1] < 4 || y.shape.dim[1] > 100000)
    return nrf_error(NRF_ESHAPE, "y: [case, angle] expected");
  r->y      = y.v;
  r->angles = (int)y.shape.dim[1];
  const struct {
    const char *name;
    int64_t     n;
    double    **to;
  } entries[] = {{"z", r->angles, &r->z},
                 {"A", 2, &r->A},
                 {"phi", 2, &r->phi},
                 {"m", 2, &r->m},
                 {"cost", 2, &r->cost},
                 {"dir_or_ori", 1, &r->dir_or_ori},
                 {"amplitude_abs", 1, &r->amplitude_abs},
                 {"fit_maximum", 1, &r->fit_maximum},
                 {"chosen_peak", 1, &r->chosen_peak},
                 {"preferred_angle", 1, &r->preferred},
                 {"fails_as_written", 1, &r->fails}};
  for (size_t k = 0; k < sizeof entries / sizeof *entries; k++)
    NRF_RETURN_IF_ERROR(
        read_entries(b, text_of("%s/%s", r->group, entries[k].name).s, entries[k].n, entries[k].to));
  return NRF_OK;
}

nrf_status check_orientation_fit(ref_block *b)
{
  static const char *const known[] = {"case_name", "y", "as_written", "correct", NULL};
  nrf_status               st      = NRF_OK;
  for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
    tuning_reference r = {.group = ways[k].group, .how = ways[k].how};
    NRF_RETURN_IF_ERROR(read_tuning_reference(b, &r));
    for (b->at = 0; b->at < b->cases && st == NRF_OK; b->at++) st = compare_tuning_curve(b, &r);
    b->at = -1;
    NRF_RETURN_IF_ERROR(st);
  }
  return report_unknown_members(b, known, NULL);
}
