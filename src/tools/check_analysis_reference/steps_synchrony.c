/* steps_synchrony.c - the three experiments on synchrony. Each step is computed from the reference of the step before it, so that an
 * error shows where it is made; the fits, from the traces. */
#include "random_end.h"
#include "steps.h"

#include "analysis/steps/synchrony.h"
#include "analysis/steps/synchrony_amplitudes.h"

#include "nrflv/analysis/angle.h"
#include "nrflv/analysis/bootstrap.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { LARGEST_TABLE = 1 << 24 };

/* ---- columns --------------------------------------------------------------------------------------------- */

/* What the keys of pairs are called. */
static const struct experiment {
  nrf_experiment_kind kind;
  const char         *key[NRF_PAIR_KEYS]; /* NULL: there are fewer */
  const char         *fits, *groups;      /* steps */
  const char         *t, *p;              /* columns of the test of the amplitude */
} experiments[NRF_SYNCHRONIES] = {
    [NRF_SYNCHRONY_CHANNELS] = {NRF_KIND_FEW,
                                {"channel A", "channel B", NULL},
                                "3.18_synchrony1_fits",
                                "3.20_synchrony1_groups",
                                "stat_peaks",
                                "pvalue_peaks"},
    [NRF_SYNCHRONY_PATCHES]  = {NRF_KIND_DBL,
                                {"channel A", "channel B", NULL},
                                "3.24_synchrony2_fits",
                                "3.25_synchrony2_groups",
                                "amp_stat_peaks",
                                "amp_pvalue_peaks"},
    [NRF_SYNCHRONY_BAR]      = {NRF_KIND_LONG,
                                {"channel", "x", "y"},
                                "3.28_synchrony3_fits",
                                "3.29_synchrony3_groups",
                                "amp_stat_peaks",
                                "amp_pvalue_peaks"},
};

/* A member of a record with this stride, as doubles. */
typedef struct record_list {
  int64_t     n;
  const void *first;
  size_t      stride;
} record_list;

static nrf_status gather_doubles(ref_block *b, record_list list, size_t offset, double **out)
{
  NRF_RETURN_IF_ERROR(scratch(b, list.n, out));
  for (int64_t i = 0; i < list.n; i++)
    memcpy(&(*out)[i], (const char *)list.first + (size_t)i * list.stride + offset, sizeof **out);
  return NRF_OK;
}

static nrf_status gather_ints(ref_block *b, record_list list, size_t offset, double **out)
{
  NRF_RETURN_IF_ERROR(scratch(b, list.n, out));
  for (int64_t i = 0; i < list.n; i++) {
    int value;
    memcpy(&value, (const char *)list.first + (size_t)i * list.stride + offset, sizeof value);
    (*out)[i] = value;
  }
  return NRF_OK;
}

static nrf_status compare_int_column(ref_block *b, const char *name, record_list list, size_t offset)
{
  double *ours, *reference;
  NRF_RETURN_IF_ERROR(read_vector(b, name, list.n, &reference));
  NRF_RETURN_IF_ERROR(gather_ints(b, list, offset, &ours));
  return compare_values(b, name, TOLERANCE_EXACT, list.n, ours, reference);
}

static nrf_status compare_column(ref_block *b, const char *name, tolerance allowed, record_list list,
                                 size_t offset)
{
  double *ours, *reference;
  NRF_RETURN_IF_ERROR(read_vector(b, name, list.n, &reference));
  NRF_RETURN_IF_ERROR(gather_doubles(b, list, offset, &ours));
  return compare_values(b, name, allowed, list.n, ours, reference);
}

/* Compares those of n values for which `chosen` is `wanted`, 0 or 1; moves them to the front of both arrays. */
static nrf_status compare_chosen(ref_block *b, const char *name, tolerance allowed, int64_t n,
                                 const double *chosen, int wanted, double *ours, double *reference)
{
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++) {
    if (chosen[i] != (double)wanted) continue;
    ours[count]      = ours[i];
    reference[count] = reference[i];
    count++;
  }
  return count == 0 ? NRF_OK : compare_values(b, name, allowed, count, ours, reference);
}

static nrf_status column_length(ref_block *b, const char *name, int64_t *n)
{
  values column;
  NRF_RETURN_IF_ERROR(read_values(b, name, &column));
  if (column.count > LARGEST_TABLE)
    return nrf_error(NRF_ESHAPE, "%s: %lld rows", name, (long long)column.count);
  *n = column.count;
  return NRF_OK;
}

/* ---- fits ------------------------------------------------------------------------------------------------ */

#define OF_FIT(member) (offsetof(nrf_pair_fit, fit) + offsetof(nrf_correlation_fit, member))
#define NOT            TOLERANCE_COUNT

/* The path of the solver is the reference's, but it starts from correlations with other last digits. */
static const struct fit_column {
  const char *name;
  size_t      offset;
  tolerance   reliable, other;
  bool        sign; /* is it determined? */
} fit_columns[] = {
    {"max_acorr", OF_FIT(peak), TOLERANCE_MAXIMUM, TOLERANCE_MAXIMUM, true},
    {"n_peaks", OF_FIT(n_peaks), TOLERANCE_EXACT, TOLERANCE_EXACT, true},
    {"cost_sine", OF_FIT(cost_sine), TOLERANCE_SINE_COST, TOLERANCE_SINE_COST, true},
    {"cost_gabor", OF_FIT(cost_gabor), TOLERANCE_GABOR_COST, TOLERANCE_GABOR_COST_OTHER, true},
    {"amplitude", OF_FIT(amplitude), TOLERANCE_AMPLITUDE, TOLERANCE_AMPLITUDE_OTHER, true},
    {"min_gabor", OF_FIT(min_gabor), TOLERANCE_AMPLITUDE, NOT, true},
    {"max_gabor", OF_FIT(max_gabor), TOLERANCE_AMPLITUDE, NOT, true},
    {"freq_scale", OF_FIT(freq_scale), TOLERANCE_FREQ_SCALE, NOT, true},
    {"sine_phase", OF_FIT(sine_phase), TOLERANCE_SINE_PHASE, NOT, true},
    {"gauss_sigma", OF_FIT(gauss_sigma), TOLERANCE_GAUSS, NOT, false},
    {"gauss_amp", OF_FIT(gauss_amp), TOLERANCE_GAUSS, NOT, false},
};

static nrf_status compare_fit_column(ref_block *b, const struct fit_column *column, record_list fits,
                                     const double *reliable)
{
  double *ours, *reference;
  for (int r = 1; r >= 0; r--) {
    const tolerance allowed = r ? column->reliable : column->other;
    if (allowed == NOT) continue;
    NRF_RETURN_IF_ERROR(read_vector(b, column->name, fits.n, &reference));
    NRF_RETURN_IF_ERROR(gather_doubles(b, fits, column->offset, &ours));
    for (int64_t i = 0; i < fits.n && !column->sign; i++) {
      ours[i]      = fabs(ours[i]);
      reference[i] = fabs(reference[i]);
    }
    const text name = text_of("%s, %s fits", column->name, r ? "reliable" : "other");
    NRF_RETURN_IF_ERROR(compare_chosen(b, name.s, allowed, fits.n, reliable, r, ours, reference));
  }
  return NRF_OK;
}

/* sine_mean, as a part of what it is added to. */
static nrf_status compare_sine_means(ref_block *b, const nrf_pair_fits *fits, const double *reliable)
{
  double *ours, *reference;
  NRF_RETURN_IF_ERROR(read_vector(b, "sine_mean", fits->n, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, fits->n, &ours));
  for (int64_t i = 0; i < fits->n; i++) {
    const double peak = fabs(fits->fit[i].fit.peak);
    ours[i]           = fits->fit[i].fit.sine_mean / peak;
    reference[i] /= peak;
  }
  return compare_chosen(b, "sine_mean, reliable fits", TOLERANCE_SINE_MEAN, fits->n, reliable, 1, ours,
                        reference);
}

static nrf_status compare_peak_counts(ref_block *b, const nrf_pair_fits *fits)
{
  static const struct {
    const char             *name;
    nrf_correlation_fit_how how;
  } ways[] = {{"num_peaks_as_written", NRF_FIT_AS_WRITTEN}, {"num_peaks_correct", NRF_FIT_CORRECT}};
  static const double DIFFERENT = 0.005;
  double             *work;
  NRF_RETURN_IF_ERROR(scratch(b, nrf_correlation_fit_work(NRF_FIT_LAGS, NRF_FIT_FIRST_LAG), &work));
  for (int k = 0; k < 2; k++) {
    double *reference;
    int64_t different = 0;
    NRF_RETURN_IF_ERROR(read_vector(b, ways[k].name, fits->n, &reference));
    for (int64_t i = 0; i < fits->n; i++) {
      const int ours =
          nrf_fitted_curve_peaks(&fits->fit[i].fit, ways[k].how, NRF_FIT_LAGS, NRF_FIT_FIRST_LAG, work);
      different += (double)ours != reference[i];
    }
    NRF_RETURN_IF_ERROR(compare_error(b, text_of("%s, part that differs", ways[k].name).s, DIFFERENT,
                                      (double)different / (double)fits->n));
  }
  return NRF_OK;
}

static nrf_status compare_fit_keys(ref_block *b, const struct experiment *e, record_list fits)
{
  NRF_RETURN_IF_ERROR(compare_int_column(b, "batch", fits, offsetof(nrf_pair_fit, row.image)));
  NRF_RETURN_IF_ERROR(compare_int_column(b, "batch_group", fits, offsetof(nrf_pair_fit, row.group)));
  NRF_RETURN_IF_ERROR(compare_int_column(b, "dur_or_out", fits, offsetof(nrf_pair_fit, row.period)));
  for (int k = 0; k < NRF_PAIR_KEYS && e->key[k] != NULL; k++)
    NRF_RETURN_IF_ERROR(
        compare_int_column(b, e->key[k], fits, offsetof(nrf_pair_fit, row.key) + (size_t)k * sizeof(int)));
  if (e->kind != NRF_KIND_DBL) return NRF_OK;
  NRF_RETURN_IF_ERROR(compare_int_column(b, "mob_loc_x", fits, offsetof(nrf_pair_fit, row.x)));
  return compare_int_column(b, "mob_loc_y", fits, offsetof(nrf_pair_fit, row.y));
}

static nrf_status compare_fits(ref_block *b, const struct experiment *e, const nrf_pair_fits *fits)
{
  const record_list list = {fits->n, fits->fit, sizeof *fits->fit};
  double           *reliable;
  double           *amplitude;
  NRF_RETURN_IF_ERROR(read_vector(b, "reliable", fits->n, &reliable));
  NRF_RETURN_IF_ERROR(read_vector(b, "amplitude", fits->n, &amplitude));
  for (int64_t i = 0; i < fits->n; i++)
    if (isnan(amplitude[i])) reliable[i] = NAN; /* the published program ends there (D17) */
  NRF_RETURN_IF_ERROR(compare_fit_keys(b, e, list));
  for (size_t k = 0; k < sizeof fit_columns / sizeof *fit_columns; k++)
    NRF_RETURN_IF_ERROR(compare_fit_column(b, &fit_columns[k], list, reliable));
  NRF_RETURN_IF_ERROR(compare_sine_means(b, fits, reliable));
  return compare_peak_counts(b, fits);
}

/* ---- single windows -------------------------------------------------------------------------------------- */

/* The correct fit against the reference's with as many starts. Its solver goes on to the end, the reference's stops early: where that
 * shows in the sine cost there is nothing further to compare (and see compare_correct_fit in fits.c). */
static nrf_status compare_multistart(ref_block *b, int64_t n, const double *windows)
{
  static const double ARRIVED = 1e-6;
  double             *cost_sine, *amplitude, *cost_gabor, *sigma, *work;
  NRF_RETURN_IF_ERROR(read_vector(b, "windows/multistart/cost_sine", n, &cost_sine));
  NRF_RETURN_IF_ERROR(read_vector(b, "windows/multistart/amplitude", n, &amplitude));
  NRF_RETURN_IF_ERROR(read_vector(b, "windows/multistart/cost_gabor", n, &cost_gabor));
  NRF_RETURN_IF_ERROR(read_vector(b, "windows/multistart/gauss_sigma", n, &sigma));
  NRF_RETURN_IF_ERROR(scratch(b, nrf_correlation_fit_work(NRF_FIT_LAGS, NRF_FIT_FIRST_LAG), &work));
  for (int64_t i = 0; i < n; i++) {
    nrf_correlation_fit fit;
    nrf_fit_correlation(NRF_FIT_LAGS, NRF_FIT_FIRST_LAG, windows + i * NRF_FIT_LAGS, NRF_FIT_CORRECT, work,
                        &fit, NULL);
    NRF_RETURN_IF_ERROR(compare_error(b, "correct/cost_sine above multistart's", ARRIVED,
                                      fmax(fit.cost_sine / cost_sine[i] - 1.0, 0.0)));
    if (fit.cost_sine < (1.0 - ARRIVED) * cost_sine[i]) continue;
    const bool decays = fabs(sigma[i]) < 1000.0;
    NRF_RETURN_IF_ERROR(compare_value(b, "correct/amplitude",
                                      decays ? TOLERANCE_AMPLITUDE : TOLERANCE_AMPLITUDE_OTHER, fit.amplitude,
                                      amplitude[i]));
    NRF_RETURN_IF_ERROR(
        compare_value(b, "correct/cost_gabor", TOLERANCE_GABOR_COST, fit.cost_gabor, cost_gabor[i]));
  }
  return NRF_OK;
}

static nrf_status compare_windows(ref_block *b, const nrf_synchrony_pairs *pairs, const nrf_pair_fits *fits)
{
  int64_t n = 0;
  double *row, *reference, *ours;
  int     first, lags;
  NRF_RETURN_IF_ERROR(column_length(b, "windows/row", &n));
  NRF_RETURN_IF_ERROR(read_vector(b, "windows/row", n, &row));
  NRF_RETURN_IF_ERROR(read_vector(b, "windows/y", n * NRF_FIT_LAGS, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, n * NRF_FIT_LAGS, &ours));
  for (int64_t i = 0; i < n; i++) {
    double *window = ours + i * NRF_FIT_LAGS;
    if (!(row[i] >= 0.0 && row[i] < (double)fits->n))
      return nrf_error(NRF_EFORMAT, "windows/row: no such row");
    NRF_RETURN_IF_ERROR(nrf_correlate_row(pairs, &fits->fit[(int64_t)row[i]].row, &first, &lags, window));
    if (first != NRF_FIT_FIRST_LAG || lags != NRF_FIT_LAGS)
      return nrf_error(NRF_ESHAPE, "windows/y: the recording's periods are too short for such windows");
    NRF_RETURN_IF_ERROR(
        compare_values(b, "windows/y", TOLERANCE_SERIES, NRF_FIT_LAGS, window, reference + i * NRF_FIT_LAGS));
  }
  return compare_multistart(b, n, ours);
}

static nrf_status check_fits(ref_block *b, steps *s, nrf_synchrony experiment)
{
  static const char *const known[] = {"amplitude",
                                      "batch",
                                      "batch_group",
                                      "channel",
                                      "channel A",
                                      "channel B",
                                      "cost_gabor",
                                      "cost_sine",
                                      "dur_or_out",
                                      "freq_scale",
                                      "gauss_amp",
                                      "gauss_sigma",
                                      "max_acorr",
                                      "max_gabor",
                                      "min_gabor",
                                      "mob_loc_x",
                                      "mob_loc_y",
                                      "n_peaks",
                                      "num_peaks_as_written",
                                      "num_peaks_correct",
                                      "reliable",
                                      "sine_costs_spread",
                                      "sine_mean",
                                      "sine_phase",
                                      "windows",
                                      "x",
                                      "y",
                                      NULL};
  const struct experiment *e       = &experiments[experiment];
  nrf_status               st      = NRF_OK;
  const nrf_extract       *x       = NULL;
  nrf_synchrony_pairs      pairs   = {0};
  nrf_pair_fits            fits    = {0};
  NRF_TRY(steps_extract(s, e->kind, &x));
  NRF_TRY(nrf_synchrony_pairs_create(x, experiment, &pairs));
  NRF_TRY(nrf_fit_pairs(&pairs, NRF_FIT_AS_WRITTEN, s->threads, NULL, &fits));
  NRF_TRY(compare_fits(b, e, &fits));
  NRF_TRY(compare_windows(b, &pairs, &fits));
  NRF_TRY(report_unknown_members(b, known, NULL));
done:
  nrf_pair_fits_free(&fits);
  nrf_synchrony_pairs_free(&pairs);
  return st;
}

nrf_status check_synchrony_fits_channels(ref_block *b, steps *s)
{
  return check_fits(b, s, NRF_SYNCHRONY_CHANNELS);
}

nrf_status check_synchrony_fits_patches(ref_block *b, steps *s)
{
  return check_fits(b, s, NRF_SYNCHRONY_PATCHES);
}

nrf_status check_synchrony_fits_bar(ref_block *b, steps *s)
{
  return check_fits(b, s, NRF_SYNCHRONY_BAR);
}

/* ---- mean correlations ----------------------------------------------------------------------------------- */

static nrf_status compare_mean(ref_block *b, const char *way, const nrf_mean_correlation *m, int lags)
{
  const text group = text_of("%s/distance_%d", way, m->distance);
  double    *n, *mean, *lower, *upper;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/n", group.s).s, 1, &n));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/mean", group.s).s, lags, &mean));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/lower", group.s).s, lags, &lower));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/upper", group.s).s, lags, &upper));
  NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/n", way).s, m->n, (int64_t)n[0]));
  NRF_RETURN_IF_ERROR(compare_values(b, text_of("%s/mean", way).s, TOLERANCE_SERIES, lags, m->mean, mean));
  NRF_RETURN_IF_ERROR(
      compare_values(b, text_of("%s/lower", way).s, TOLERANCE_INTERVAL, lags, m->lower, lower));
  return compare_values(b, text_of("%s/upper", way).s, TOLERANCE_INTERVAL, lags, m->upper, upper);
}

static nrf_status compare_means(ref_block *b, steps *s, const char *way, const nrf_extract *x,
                                const nrf_synchrony_pairs *pairs)
{
  const nrf_neighbour_rules rules = {.as_written   = strcmp(way, "as_written") == 0,
                                     .ring         = x->layer->channels,
                                     .max_distance = 5,
                                     .first        = -200,
                                     .last         = 199};
  nrf_h5_strings            names = {0, NULL};
  nrf_mean_correlations     m;
  nrf_status                st = NRF_OK;
  NRF_RETURN_IF_ERROR(nrf_correlate_neighbours(pairs, rules, s->threads, NULL, &m));
  NRF_TRY(nrf_h5_list(b->file, text_of("/%s/%s", b->name, way).s, &names));
  NRF_TRY(compare_counts(b, text_of("%s, distances", way).s, m.distances, names.count));
  for (int i = 0; i < m.distances; i++) NRF_TRY(compare_mean(b, way, &m.raw[i], m.lags));
done:
  nrf_h5_strings_free(&names);
  nrf_mean_correlations_free(&m);
  return st;
}

nrf_status check_mean_correlations(ref_block *b, steps *s)
{
  static const char *const known[] = {"as_written", "correct", NULL};
  nrf_status               st      = NRF_OK;
  const nrf_extract       *x       = NULL;
  nrf_synchrony_pairs      pairs   = {0};
  NRF_TRY(steps_extract(s, NRF_KIND_FEW, &x));
  NRF_TRY(nrf_synchrony_pairs_create(x, NRF_SYNCHRONY_CHANNELS, &pairs));
  for (int k = 0; known[k] != NULL; k++) NRF_TRY(compare_means(b, s, known[k], x, &pairs));
  NRF_TRY(report_unknown_members(b, known, NULL));
done:
  nrf_synchrony_pairs_free(&pairs);
  return st;
}

/* ---- tables of the reference ----------------------------------------------------------------------------- */

nrf_status read_from(ref_block *b, const char *step, const char *name, int64_t n, double **out)
{
  const char *own     = b->name;
  const text  other   = text_of("steps/%s", step);
  b->name             = other.s;
  const nrf_status st = read_vector(b, name, n, out);
  b->name             = own;
  return st;
}

static nrf_status rows_of(ref_block *b, const char *step, int64_t *n)
{
  const char *own     = b->name;
  const text  other   = text_of("steps/%s", step);
  b->name             = other.s;
  const nrf_status st = column_length(b, "amplitude", n);
  b->name             = own;
  return st;
}

/* Copies a column into a member of each record. */
static nrf_status fill_ints(ref_block *b, const char *step, const char *name, int64_t n, void *first,
                            size_t stride, size_t offset)
{
  double *column;
  NRF_RETURN_IF_ERROR(read_from(b, step, name, n, &column));
  for (int64_t i = 0; i < n; i++) {
    const int value = (int)column[i];
    memcpy((char *)first + (size_t)i * stride + offset, &value, sizeof value);
  }
  return NRF_OK;
}

static nrf_status fill_doubles(ref_block *b, const char *step, const char *name, int64_t n, void *first,
                               size_t stride, size_t offset)
{
  double *column;
  NRF_RETURN_IF_ERROR(read_from(b, step, name, n, &column));
  for (int64_t i = 0; i < n; i++)
    memcpy((char *)first + (size_t)i * stride + offset, &column[i], sizeof column[i]);
  return NRF_OK;
}

/* The reference's fits, as far as groups are made of them. */
static nrf_status read_fits(ref_block *b, const struct experiment *e, const char *num_peaks,
                            nrf_pair_fits *out)
{
  const size_t stride = sizeof *out->fit;
  void        *memory;
  NRF_RETURN_IF_ERROR(rows_of(b, e->fits, &out->n));
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)out->n * stride, "fits of the reference", &memory));
  out->fit = memory;
  const struct {
    const char *name;
    size_t      offset;
  } ints[] = {{"batch", offsetof(nrf_pair_fit, row.image)},
              {"batch_group", offsetof(nrf_pair_fit, row.group)},
              {"dur_or_out", offsetof(nrf_pair_fit, row.period)},
              {num_peaks, offsetof(nrf_pair_fit, num_peaks)}};
  for (size_t k = 0; k < sizeof ints / sizeof *ints; k++)
    NRF_RETURN_IF_ERROR(fill_ints(b, e->fits, ints[k].name, out->n, out->fit, stride, ints[k].offset));
  for (int k = 0; k < NRF_PAIR_KEYS && e->key[k] != NULL; k++)
    NRF_RETURN_IF_ERROR(fill_ints(b, e->fits, e->key[k], out->n, out->fit, stride,
                                  offsetof(nrf_pair_fit, row.key) + (size_t)k * sizeof(int)));
  NRF_RETURN_IF_ERROR(fill_doubles(b, e->fits, "amplitude", out->n, out->fit, stride, OF_FIT(amplitude)));
  return fill_doubles(b, e->fits, "sine_phase", out->n, out->fit, stride, OF_FIT(sine_phase));
}

/* The reference's groups, as far as they are selected and compared. */
static nrf_status read_groups(ref_block *b, const struct experiment *e, const char *num_peaks,
                              nrf_pair_groups *out)
{
  const size_t stride = sizeof *out->group;
  void        *memory;
  NRF_RETURN_IF_ERROR(rows_of(b, e->groups, &out->n));
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)out->n * stride, "groups of the reference", &memory));
  out->group = memory;
  NRF_RETURN_IF_ERROR(
      fill_ints(b, e->groups, "batch_group", out->n, out->group, stride, offsetof(nrf_pair_group, group)));
  NRF_RETURN_IF_ERROR(
      fill_ints(b, e->groups, "dur_or_out", out->n, out->group, stride, offsetof(nrf_pair_group, period)));
  for (int k = 0; k < NRF_PAIR_KEYS && e->key[k] != NULL; k++)
    NRF_RETURN_IF_ERROR(fill_ints(b, e->groups, e->key[k], out->n, out->group, stride,
                                  offsetof(nrf_pair_group, key) + (size_t)k * sizeof(int)));
  NRF_RETURN_IF_ERROR(
      fill_doubles(b, e->groups, num_peaks, out->n, out->group, stride, offsetof(nrf_pair_group, num_peaks)));
  return fill_doubles(b, e->groups, "amplitude", out->n, out->group, stride,
                      offsetof(nrf_pair_group, amplitude));
}

/* ---- groups ---------------------------------------------------------------------------------------------- */

static nrf_status compare_group_keys(ref_block *b, const struct experiment *e, record_list groups)
{
  NRF_RETURN_IF_ERROR(compare_int_column(b, "batch_group", groups, offsetof(nrf_pair_group, group)));
  NRF_RETURN_IF_ERROR(compare_int_column(b, "dur_or_out", groups, offsetof(nrf_pair_group, period)));
  for (int k = 0; k < NRF_PAIR_KEYS && e->key[k] != NULL; k++)
    NRF_RETURN_IF_ERROR(
        compare_int_column(b, e->key[k], groups, offsetof(nrf_pair_group, key) + (size_t)k * sizeof(int)));
  return NRF_OK;
}

static nrf_status compare_directions(ref_block *b, const nrf_pair_groups *groups)
{
  double *angle, *error;
  NRF_RETURN_IF_ERROR(read_vector(b, "circular_mean_phase", groups->n, &angle));
  NRF_RETURN_IF_ERROR(scratch(b, groups->n, &error));
  for (int64_t i = 0; i < groups->n; i++) {
    error[i] = nrf_angle_wrap(groups->group[i].phase.angle - angle[i]);
    angle[i] = 0.0;
  }
  return compare_values(b, "circular_mean_phase", TOLERANCE_COSINE_AMPLITUDE, groups->n, error, angle);
}

static nrf_status compare_groups(ref_block *b, const struct experiment *e, const nrf_pair_groups *groups)
{
  const struct {
    const char *name;
    tolerance   allowed;
    size_t      offset;
  } columns[] = {
      {"amplitude", TOLERANCE_SUM, offsetof(nrf_pair_group, amplitude)},
      {e->t, TOLERANCE_T, offsetof(nrf_pair_group, amplitude_t.t)},
      {e->p, TOLERANCE_P, offsetof(nrf_pair_group, amplitude_t.p)},
      {"sine_phase", TOLERANCE_SUM, offsetof(nrf_pair_group, sine_phase)},
      {"phase_stat_peaks", TOLERANCE_T, offsetof(nrf_pair_group, phase_t.t)},
      {"phase_pvalue_peaks", TOLERANCE_P, offsetof(nrf_pair_group, phase_t.p)},
      {"resultant_length", TOLERANCE_SUM, offsetof(nrf_pair_group, phase.resultant)},
  };
  const record_list list = {groups->n, groups->group, sizeof *groups->group};
  NRF_RETURN_IF_ERROR(compare_group_keys(b, e, list));
  for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
    NRF_RETURN_IF_ERROR(compare_column(b, columns[k].name, columns[k].allowed, list, columns[k].offset));
  NRF_RETURN_IF_ERROR(compare_directions(b, groups));
  return compare_int_column(b, "dur_out_amp_compar", list, offsetof(nrf_pair_group, above_tenth_of_outside));
}

static nrf_status check_groups_of(ref_block *b, const struct experiment *e, const char *way)
{
  nrf_status      st     = NRF_OK;
  nrf_pair_fits   fits   = {0};
  nrf_pair_groups groups = {0};
  const text      peaks  = text_of("num_peaks_%s", way);
  NRF_TRY(read_fits(b, e, peaks.s, &fits));
  NRF_TRY(nrf_group_fits(&fits, &groups));
  NRF_TRY(compare_groups(b, e, &groups));
  NRF_TRY(compare_column(b, text_of("%s/num_peaks", way).s, TOLERANCE_SUM,
                         (record_list){groups.n, groups.group, sizeof *groups.group},
                         offsetof(nrf_pair_group, num_peaks)));
done:
  nrf_pair_fits_free(&fits);
  nrf_pair_groups_free(&groups);
  return st;
}

static nrf_status check_groups(ref_block *b, nrf_synchrony experiment)
{
  const struct experiment *e       = &experiments[experiment];
  const char *const        known[] = {"all_reliable",
                                      "amplitude",
                                      "as_written",
                                      "batch_group",
                                      "circular_mean_phase",
                                      "correct",
                                      "dur_or_out",
                                      "dur_out_amp_compar",
                                      "phase_pvalue_peaks",
                                      "phase_stat_peaks",
                                      "resultant_length",
                                      "sine_phase",
                                      e->t,
                                      e->p,
                                      e->key[0],
                                      e->key[1],
                               e->key[2] != NULL ? e->key[2] : e->key[0],
                                      NULL};
  NRF_RETURN_IF_ERROR(check_groups_of(b, e, "as_written"));
  NRF_RETURN_IF_ERROR(check_groups_of(b, e, "correct"));
  return report_unknown_members(b, known, NULL);
}

nrf_status check_synchrony_groups_channels(ref_block *b, steps *s)
{
  (void)s;
  return check_groups(b, NRF_SYNCHRONY_CHANNELS);
}

nrf_status check_synchrony_groups_patches(ref_block *b, steps *s)
{
  (void)s;
  return check_groups(b, NRF_SYNCHRONY_PATCHES);
}

nrf_status check_synchrony_groups_bar(ref_block *b, steps *s)
{
  (void)s;
  return check_groups(b, NRF_SYNCHRONY_BAR);
}

/* ---- amplitudes against something else ------------------------------------------------------------------- */

nrf_status read_preferences(ref_block *b, const char *way, int channels, nrf_preferences *out)
{
  static const char step[] = "3.06_find_orientation_preferences";
  double           *angle, *amplitude, *cycles;
  void             *memory;
  NRF_RETURN_IF_ERROR(read_from(b, step, text_of("%s/preferred_angle", way).s, channels, &angle));
  NRF_RETURN_IF_ERROR(read_from(b, step, text_of("%s/amplitude_abs", way).s, channels, &amplitude));
  NRF_RETURN_IF_ERROR(read_from(b, step, text_of("%s/dir_or_ori", way).s, channels, &cycles));
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)channels * sizeof *out->channel, "preferences", &memory));
  *out = (nrf_preferences){channels, memory};
  for (int c = 0; c < channels; c++)
    out->channel[c] = (nrf_preference){c, angle[c], amplitude[c], (int)cycles[c]};
  return NRF_OK;
}

static nrf_status compare_line(ref_block *b, const char *group, const nrf_amplitude_line *line)
{
  double *slope, *intercept;
  if (!line->exists) return NRF_OK; /* D36: the reference has a line of least norm */
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/line/slope", group).s, 1, &slope));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/line/intercept", group).s, 1, &intercept));
  NRF_RETURN_IF_ERROR(
      compare_value(b, text_of("%s/line/slope", group).s, TOLERANCE_LINE, line->line.slope, *slope));
  return compare_value(b, text_of("%s/line/intercept", group).s, TOLERANCE_LINE, line->line.intercept,
                       *intercept);
}

/* The values whose mean it is. */
static nrf_status members_of(ref_block *b, const nrf_amplitude_set *set, const nrf_amplitude_mean *mean,
                             double **out)
{
  static const double EQUAL = 5e-8;
  int64_t             n     = 0;
  NRF_RETURN_IF_ERROR(scratch(b, set->n, out));
  for (int64_t k = 0; k < set->n; k++)
    if (fabs(set->point[k].x - mean->x) <= EQUAL) (*out)[n++] = set->point[k].y;
  if (n == mean->n) return NRF_OK;
  return nrf_error(NRF_EFORMAT, "a mean over %lld values at %.8g, where there are %lld", (long long)mean->n,
                   mean->x, (long long)n);
}

/* The ends are random: what the reference has are their expectations. */
static nrf_status compare_end(ref_block *b, const char *group, const char *end, const nrf_amplitude_set *set)
{
  enum { LARGE = 300, RESAMPLES_OF_LARGE = 2000 }; /* the reference made fewer of large groups */
  const bool upper = strcmp(end, "upper") == 0;
  double    *expected, *spread;
  double     worst = 0.0;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/groups/%s", group, end).s, set->n_means, &expected));
  NRF_RETURN_IF_ERROR(
      read_vector(b, text_of("%s/groups/%s_sd_between_runs", group, end).s, set->n_means, &spread));
  for (int64_t i = 0; i < set->n_means; i++) {
    const nrf_amplitude_mean *mean = &set->mean[i];
    double                   *v, error;
    NRF_RETURN_IF_ERROR(members_of(b, set, mean, &v));
    const random_end e = {.n         = mean->n,
                          .v         = v,
                          .resamples = mean->n > LARGE ? RESAMPLES_OF_LARGE : NRF_BOOTSTRAP_RESAMPLES,
                          .upper     = upper,
                          .ours      = upper ? mean->interval.upper : mean->interval.lower,
                          .expected  = expected[i],
                          .spread    = spread[i]};
    NRF_RETURN_IF_ERROR(random_end_error(b, &e, &error));
    worst = fmax(worst, error);
  }
  return compare_error(b, text_of("%s/groups/%s, in units of 5 sd", group, end).s, 1.0, worst);
}

static nrf_status compare_set_means(ref_block *b, const char *group, const nrf_amplitude_set *set)
{
  static const double ROUNDED = 1e-7; /* the reference's x */
  double             *x, *n, *mean, error = 0.0;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/groups/x", group).s, set->n_means, &x));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/groups/n", group).s, set->n_means, &n));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/groups/mean", group).s, set->n_means, &mean));
  for (int64_t i = 0; i < set->n_means; i++) {
    error = fmax(error, fabs(set->mean[i].x - x[i]));
    NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/groups/n", group).s, set->mean[i].n, (int64_t)n[i]));
    NRF_RETURN_IF_ERROR(
        compare_value(b, text_of("%s/groups/mean", group).s, TOLERANCE_SUM, set->mean[i].mean, mean[i]));
  }
  NRF_RETURN_IF_ERROR(compare_error(b, text_of("%s/groups/x", group).s, ROUNDED, error));
  NRF_RETURN_IF_ERROR(compare_end(b, group, "lower", set));
  return compare_end(b, group, "upper", set);
}

static nrf_status compare_set(ref_block *b, const char *group, const nrf_amplitude_set *set)
{
  const record_list points = {set->n, set->point, sizeof *set->point};
  double           *number;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/number_of_points", group).s, 1, &number));
  NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/number_of_points", group).s, set->n, (int64_t)number[0]));
  if (set->n != (int64_t)number[0]) return NRF_OK;
  NRF_RETURN_IF_ERROR(compare_column(b, text_of("%s/x", group).s, TOLERANCE_SERIES, points,
                                     offsetof(nrf_amplitude_point, x)));
  NRF_RETURN_IF_ERROR(
      compare_column(b, text_of("%s/y", group).s, TOLERANCE_SUM, points, offsetof(nrf_amplitude_point, y)));
  NRF_RETURN_IF_ERROR(compare_line(b, group, &set->line));
  return compare_set_means(b, group, set);
}

/* A column that says which pair a point is: a key of its group. */
static nrf_status compare_point_keys(ref_block *b, const char *name, const nrf_amplitude_set *set,
                                     const nrf_pair_groups *groups, int key)
{
  double *reference, *ours;
  NRF_RETURN_IF_ERROR(read_vector(b, name, set->n, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, set->n, &ours));
  for (int64_t i = 0; i < set->n; i++) ours[i] = groups->group[set->point[i].group].key[key];
  return compare_values(b, name, TOLERANCE_EXACT, set->n, ours, reference);
}

typedef struct comparison_of_sets {
  nrf_synchrony experiment;
  const char   *set[NRF_AMPLITUDE_SETS]; /* groups of the file; NULL: it has none     */
  nrf_status (*extra)(ref_block *b, const char *way, const nrf_amplitude_sets *sets,
                      const nrf_pair_groups *groups);
} comparison_of_sets;

static nrf_status check_sets_of(ref_block *b, steps *s, const comparison_of_sets *c, const char *way)
{
  const struct experiment  *e           = &experiments[c->experiment];
  nrf_status                st          = NRF_OK;
  const nrf_extract        *x           = NULL;
  nrf_pair_groups           groups      = {0};
  nrf_preferences           preferences = {0};
  nrf_amplitude_sets        sets        = {0};
  const nrf_amplitude_rules rules       = {.as_written = strcmp(way, "as_written") == 0, .seed = 0};
  NRF_TRY(steps_extract(s, e->kind, &x));
  NRF_TRY(read_groups(b, e, text_of("%s/num_peaks", way).s, &groups));
  NRF_TRY(read_preferences(b, way, x->layer->channels, &preferences));
  const nrf_site centre = {x->layer->height / 2, x->layer->width / 2};
  NRF_TRY(nrf_select_amplitudes(c->experiment, x->info, centre, &groups, &preferences, rules, &sets));
  for (int k = 0; k < sets.count; k++)
    if (c->set[k] != NULL) NRF_TRY(compare_set(b, text_of("%s/%s", way, c->set[k]).s, &sets.set[k]));
  NRF_TRY(c->extra(b, way, &sets, &groups));
done:
  nrf_amplitude_sets_free(&sets);
  nrf_pair_groups_free(&groups);
  nrf_free(preferences.channel);
  return st;
}

static nrf_status check_sets(ref_block *b, steps *s, const comparison_of_sets *c)
{
  static const char *const known[] = {"as_written", "correct", NULL};
  for (int k = 0; known[k] != NULL; k++) NRF_RETURN_IF_ERROR(check_sets_of(b, s, c, known[k]));
  return report_unknown_members(b, known, NULL);
}

static nrf_status compare_line_through(ref_block *b, const char *name, int64_t n, const double *x,
                                       const double *y)
{
  double                  *reference;
  const nrf_amplitude_line line    = nrf_fit_amplitude_line(n, x, y);
  const double             ours[2] = {line.line.slope, line.line.intercept};
  NRF_RETURN_IF_ERROR(read_vector(b, name, 2, &reference));
  return compare_values(b, name, TOLERANCE_LINE, 2, ours, reference);
}

static nrf_status compare_all_channels(ref_block *b, const char *way, const nrf_amplitude_sets *sets,
                                       const nrf_pair_groups *groups)
{
  const nrf_amplitude_set *all = &sets->set[NRF_SET_ALL];
  double                  *x, *amplitude, *peaks, *number;
  for (int k = NRF_SET_ALIGNED; k <= NRF_SET_UNALIGNED; k++) {
    const nrf_amplitude_set *set = &sets->set[k];
    NRF_RETURN_IF_ERROR(compare_column(
        b, text_of("%s/%s/channel_distance", way, k == NRF_SET_ALIGNED ? "aligned" : "unaligned").s,
        TOLERANCE_EXACT, (record_list){set->n, set->point, sizeof *set->point},
        offsetof(nrf_amplitude_point, colour)));
  }
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/all/number_of_points", way).s, 1, &number));
  NRF_RETURN_IF_ERROR(
      compare_counts(b, text_of("%s/all/number_of_points", way).s, all->n, (int64_t)number[0]));
  NRF_RETURN_IF_ERROR(scratch(b, all->n, &x));
  NRF_RETURN_IF_ERROR(scratch(b, all->n, &amplitude));
  NRF_RETURN_IF_ERROR(scratch(b, all->n, &peaks));
  for (int64_t i = 0; i < all->n; i++) {
    x[i]         = all->point[i].x;
    amplitude[i] = all->point[i].y;
    peaks[i]     = groups->group[all->point[i].group].num_peaks;
  }
  NRF_RETURN_IF_ERROR(compare_line_through(b, text_of("%s/all/line_amplitude", way).s, all->n, x, amplitude));
  return compare_line_through(b, text_of("%s/all/line_num_peaks", way).s, all->n, x, peaks);
}

nrf_status check_preference_vs_amplitude(ref_block *b, steps *s)
{
  const comparison_of_sets c = {NRF_SYNCHRONY_CHANNELS, {NULL, "aligned", "unaligned"}, compare_all_channels};
  return check_sets(b, s, &c);
}

static nrf_status compare_patch_channels(ref_block *b, const char *way, const nrf_amplitude_sets *sets,
                                         const nrf_pair_groups *groups)
{
  static const char *const names[] = {"colinear", "noncolinear"};
  static const char *const keys[]  = {"channel A", "channel B"};
  for (int k = 0; k < 2; k++)
    for (int key = 0; key < 2; key++)
      NRF_RETURN_IF_ERROR(
          compare_point_keys(b, text_of("%s/%s/%s", way, names[k], keys[key]).s, &sets->set[k], groups, key));
  return NRF_OK;
}

nrf_status check_patch_distance_vs_amplitude(ref_block *b, steps *s)
{
  const comparison_of_sets c = {
      NRF_SYNCHRONY_PATCHES, {"colinear", "noncolinear", NULL}, compare_patch_channels};
  return check_sets(b, s, &c);
}

static nrf_status compare_bar_channels(ref_block *b, const char *way, const nrf_amplitude_sets *sets,
                                       const nrf_pair_groups *groups)
{
  static const char *const names[] = {"during", "before"};
  for (int k = 0; k < 2; k++)
    NRF_RETURN_IF_ERROR(
        compare_point_keys(b, text_of("%s/%s/channel", way, names[k]).s, &sets->set[k], groups, 0));
  return NRF_OK;
}

nrf_status check_bar_distance_vs_amplitude(ref_block *b, steps *s)
{
  const comparison_of_sets c = {NRF_SYNCHRONY_BAR, {"during", "before", NULL}, compare_bar_channels};
  return check_sets(b, s, &c);
}
