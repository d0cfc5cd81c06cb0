/* synchrony_tables.c - columns: what is kept of the experiments on synchrony, and under which name. */
#include "synchrony_tables.h"

#include "moments_by_x.h"
#include "record_table.h"

#include "nrflv/memory.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- words ----------------------------------------------------------------------------------------------- */

static const nrf_synchrony_words words[NRF_SYNCHRONIES] = {
    [NRF_SYNCHRONY_CHANNELS] = {.kind            = NRF_KIND_FEW,
                                .subject         = "channels at one place",
                                .key             = {"channel A", "channel B", NULL},
                                .key_description = {"first in the correlation", "second in the correlation",
                                                    NULL},
                                .pair            = "A %d, B %d",
                                .fit_analysis    = "synchrony_experiment1_overlapping_rec_fields_fit_Gabors",
                                .fit_table       = "synchexp1_estimated_gabor_params",
                                .group_analysis =
                                    "synchrony_experiment1_overlapping_rec_fields_Analyze_fitted_Gabors",
                                .group_table = "synchexp1_acorr_analysis_results"},
    [NRF_SYNCHRONY_PATCHES] =
        {.kind            = NRF_KIND_DBL,
         .subject         = "channels at the places of two patches",
         .key             = {"channel A", "channel B", NULL},
         .key_description = {"at the mobile patch's place, first in the correlation (channel_mobile)",
                             "at the static patch's place, second in the correlation (channel_static)", NULL},
         .pair            = "mobile %d, static %d",
         .fit_analysis    = "synchrony_experiment2_fit_Gabors",
         .fit_table       = "synchexp2_estimated_gabor_params",
         .group_analysis  = "synchrony_experiment2_Analyze_fitted_Gabors",
         .group_table     = "synchexp2_acorr_analysis_results"},
    [NRF_SYNCHRONY_BAR] = {.kind            = NRF_KIND_LONG,
                           .subject         = "places along a bar",
                           .key             = {"channel", "x", "y"},
                           .key_description = {"of both neurons; the centre is first in the correlation",
                                               "column of the other neuron in the layer's map",
                                               "row of the other neuron in the layer's map"},
                           .pair            = "channel %d, (x %d, y %d)",
                           .fit_analysis    = "synchrony_experiment3_fit_Gabors",
                           .fit_table       = "synchexp3_estimated_gabor_params",
                           .group_analysis  = "synchrony_experiment3_Analyze_fitted_Gabors",
                           .group_table     = "synchexp3_acorr_analysis_results"},
};

const nrf_synchrony_words *nrf_synchrony_words_of(nrf_synchrony experiment)
{
  return &words[experiment];
}

const char *nrf_pair_text(nrf_synchrony experiment, const int key[NRF_PAIR_KEYS], char text[NRF_PAIR_TEXT])
{
  (void)snprintf(text, NRF_PAIR_TEXT, words[experiment].pair, key[0], key[1], key[2]);
  return text;
}

/* ---- columns --------------------------------------------------------------------------------------------- */

enum { MAX_COLUMNS = 40 };

typedef struct column_list {
  int               n;
  nrf_record_column column[MAX_COLUMNS];
} column_list;

static void add(column_list *list, int n, const nrf_record_column columns[])
{
  assert(list->n + n <= MAX_COLUMNS);
  memcpy(list->column + list->n, columns, (size_t)n * sizeof *columns);
  list->n += n;
}

#define ADD(list, columns) add(list, (int)(sizeof(columns) / sizeof *(columns)), columns)

static void add_keys(column_list *list, nrf_synchrony experiment, size_t offset)
{
  const nrf_synchrony_words *w = &words[experiment];
  for (int k = 0; k < NRF_PAIR_KEYS && w->key[k] != NULL; k++)
    add(list, 1,
        &(nrf_record_column){w->key[k], NRF_MEMBER_INT, offset + (size_t)k * sizeof(int), "",
                             w->key_description[k]});
}

#define PERIOD_WORDS "0 during the stimulus, 1 before it"
#define RAW_UNIT     "sum of products" /* of two states, over the samples of the window */

/* clang-format off */
static const nrf_record_column mean_window_columns[] = {
    {"n",                    NRF_MEMBER_INT64,  offsetof(nrf_mean_window, n),              "",         "images that the means are over"},
    {"correlation_at_zero",  NRF_MEMBER_DOUBLE, offsetof(nrf_mean_window, raw_at_zero),    RAW_UNIT,   "mean correlation at lag 0"},
    {"coefficient_at_zero",  NRF_MEMBER_DOUBLE, offsetof(nrf_mean_window, at_zero),        "",         "mean coefficient of correlation at lag 0"},
    {"largest_coefficient",  NRF_MEMBER_DOUBLE, offsetof(nrf_mean_window, largest),        "",         "largest value of the mean coefficient within the lags"},
    {"lag_of_largest",       NRF_MEMBER_INT,    offsetof(nrf_mean_window, lag_of_largest), "rows",     "where it is; positive: the first neuron is late"},
};

#define OF_FIT(member) (offsetof(nrf_pair_fit, fit) + offsetof(nrf_correlation_fit, member))
#define OF_ROW(member) (offsetof(nrf_pair_fit, row) + offsetof(nrf_pair_row, member))

static const nrf_record_column place_columns[] = {
    {"mob_loc_x", NRF_MEMBER_INT, OF_ROW(x), "", "column of the mobile patch's place in the layer's map"},
    {"mob_loc_y", NRF_MEMBER_INT, OF_ROW(y), "", "row of the mobile patch's place in the layer's map"},
};

static const nrf_record_column fit_row_columns[] = {
    {"dur_or_out",  NRF_MEMBER_INT, OF_ROW(period), "", PERIOD_WORDS},
    {"batch",       NRF_MEMBER_INT, OF_ROW(image),  "", "image, counted within the recording"},
    {"batch_group", NRF_MEMBER_INT, OF_ROW(group),  "", "images that show the same share it"},
};

static const nrf_record_column fit_columns[] = {
    {"max_acorr",   NRF_MEMBER_DOUBLE, OF_FIT(peak),        RAW_UNIT, "0.7 times the largest value of the window: the height of the fitted sine"},
    {"min_gabor",   NRF_MEMBER_DOUBLE, OF_FIT(min_gabor),   RAW_UNIT, "smallest value of the fitted curve"},
    {"max_gabor",   NRF_MEMBER_DOUBLE, OF_FIT(max_gabor),   RAW_UNIT, "largest value of the fitted curve"},
    {"amplitude",   NRF_MEMBER_DOUBLE, OF_FIT(amplitude),   RAW_UNIT, "half their difference"},
    {"amplitude_normalised", NRF_MEMBER_DOUBLE, offsetof(nrf_pair_fit, amplitude_normalised), "", "amplitude as a coefficient of correlation"},
    {"normalisation", NRF_MEMBER_DOUBLE, offsetof(nrf_pair_fit, norm), RAW_UNIT, "samples times both standard deviations"},
    {"freq_scale",  NRF_MEMBER_DOUBLE, OF_FIT(freq_scale),  "rows/rad", "1 / lambda; the period is 2 pi times it"},
    {"sine_phase",  NRF_MEMBER_DOUBLE, OF_FIT(sine_phase),  "rad",    "phase of the sine at lag 0"},
    {"sine_phase_folded", NRF_MEMBER_DOUBLE, offsetof(nrf_pair_fit, phase_folded), "rad", "the same in [0, pi): phases half a period apart are taken as equal"},
    {"sine_mean",   NRF_MEMBER_DOUBLE, OF_FIT(sine_mean),   RAW_UNIT, "what is added to the sine"},
    {"gauss_sigma", NRF_MEMBER_DOUBLE, OF_FIT(gauss_sigma), "rows",   "width of the envelope"},
    {"gauss_amp",   NRF_MEMBER_DOUBLE, OF_FIT(gauss_amp),   "rows",   "integral of the envelope"},
    {"cost_sine",   NRF_MEMBER_DOUBLE, OF_FIT(cost_sine),   "square of " RAW_UNIT, "half the sum of squared residuals of the sine"},
    {"cost_sine_one_phase", NRF_MEMBER_DOUBLE, OF_FIT(cost_sine_one_phase), "square of " RAW_UNIT, "the lowest that starts of phase 0 lead to"},
    {"cost_gabor",  NRF_MEMBER_DOUBLE, OF_FIT(cost_gabor),  "square of " RAW_UNIT, "half the sum of squared residuals of the fitted curve"},
    {"num_peaks",   NRF_MEMBER_INT,    offsetof(nrf_pair_fit, num_peaks), "", "peaks of the fitted curve; -1: there is no fit"},
    {"one_phase_missed", NRF_MEMBER_BOOL, offsetof(nrf_pair_fit, one_phase_missed), "", "starts of phase 0 alone miss this fit"},
};

#define OF_GROUP(member) offsetof(nrf_pair_group, member)
#define OF_TEST(test, member) (OF_GROUP(test) + offsetof(nrf_t_test, member))

static const nrf_record_column group_row_columns[] = {
    {"batch_group", NRF_MEMBER_INT, OF_GROUP(group),  "", "images that show the same share it"},
    {"dur_or_out",  NRF_MEMBER_INT, OF_GROUP(period), "", PERIOD_WORDS},
};

static const nrf_record_column group_columns[] = {
    {"n",                    NRF_MEMBER_INT64,  OF_GROUP(n),                    "",       "fits that the row is about"},
    {"amplitude",            NRF_MEMBER_DOUBLE, OF_GROUP(amplitude),            RAW_UNIT, "mean amplitude of the fitted curves"},
    {"amplitude_normalised", NRF_MEMBER_DOUBLE, OF_GROUP(amplitude_normalised), "",       "the same as coefficients of correlation"},
    {"amplitude_t",          NRF_MEMBER_DOUBLE, OF_TEST(amplitude_t, t),        "",       "t of the amplitudes against 0 (published as stat_peaks, amp_stat_peaks)"},
    {"amplitude_p",          NRF_MEMBER_DOUBLE, OF_TEST(amplitude_t, p),        "",       "its p; amplitudes are never negative, so that it says little"},
    {"sine_phase",           NRF_MEMBER_DOUBLE, OF_GROUP(sine_phase),           "rad",    "arithmetic mean of the phases, which are angles: see circular_mean_phase"},
    {"phase_t",              NRF_MEMBER_DOUBLE, OF_TEST(phase_t, t),            "",       "t of the phases against 0 (published as phase_stat_peaks)"},
    {"phase_p",              NRF_MEMBER_DOUBLE, OF_TEST(phase_t, p),            "",       "its p"},
    {"circular_mean_phase",  NRF_MEMBER_DOUBLE, OF_GROUP(phase) + offsetof(nrf_circular_mean, angle), "rad", "mean direction of the phases"},
    {"resultant_length",     NRF_MEMBER_DOUBLE, OF_GROUP(phase) + offsetof(nrf_circular_mean, resultant), "", "1 if all phases agree, near 0 if they have no common direction"},
    {"phase_rayleigh_p",     NRF_MEMBER_DOUBLE, OF_GROUP(phase_p),              "",       "p of Rayleigh's test that there is none"},
    {"num_peaks",            NRF_MEMBER_DOUBLE, OF_GROUP(num_peaks),            "",       "mean number of peaks of the fitted curves"},
    {"amp_during_gt_tenth_of_outside", NRF_MEMBER_INT, OF_GROUP(above_tenth_of_outside), "", "amplitude above 0.1 of that before the stimulus (published as dur_out_amp_compar); -1: nothing to compare"},
    {"amplitude_change",     NRF_MEMBER_DOUBLE, OF_GROUP(amplitude_change),     RAW_UNIT, "mean of during less before, image by image"},
    {"amplitude_change_t",   NRF_MEMBER_DOUBLE, OF_TEST(change_t, t),           "",       "its t (paired)"},
    {"amplitude_change_p",   NRF_MEMBER_DOUBLE, OF_TEST(change_t, p),           "",       "its p"},
};
/* clang-format on */

/* ---- windows, fits, groups ------------------------------------------------------------------------------- */

/* The name of an experiment's table of something. */
static const char *table_name(nrf_synchrony experiment, const char *what, char name[NRF_PAIR_TEXT])
{
  (void)snprintf(name, NRF_PAIR_TEXT, "synchexp%d_%s", experiment + 1, what);
  return name;
}

nrf_status nrf_mean_windows_table(nrf_synchrony experiment, const nrf_mean_windows *means, nrf_table **out)
{
  char        name[NRF_PAIR_TEXT];
  column_list list = {0};
  add(&list, 1,
      &(nrf_record_column){"batch_group", NRF_MEMBER_INT, offsetof(nrf_mean_window, group), "",
                           group_row_columns[0].description});
  add(&list, 1,
      &(nrf_record_column){"dur_or_out", NRF_MEMBER_INT, offsetof(nrf_mean_window, period), "",
                           PERIOD_WORDS});
  add_keys(&list, experiment, offsetof(nrf_mean_window, key));
  ADD(&list, mean_window_columns);
  return nrf_records_to_table(table_name(experiment, "mean_cross_correlations", name),
                              "Correlations of each pair, averaged over images that show the same", list.n,
                              list.column, (nrf_records){means->n, sizeof *means->mean, means->mean}, out);
}

static void list_fit_columns(nrf_synchrony experiment, column_list *list)
{
  add_keys(list, experiment, OF_ROW(key));
  if (experiment == NRF_SYNCHRONY_PATCHES) ADD(list, place_columns);
  ADD(list, fit_row_columns);
  ADD(list, fit_columns);
}

nrf_status nrf_fits_table(nrf_synchrony experiment, const nrf_pair_fits *fits, nrf_table **out)
{
  column_list list = {0};
  list_fit_columns(experiment, &list);
  return nrf_records_to_table(words[experiment].fit_table,
                              "Damped cosines fitted to the correlation of each pair, image by image", list.n,
                              list.column, (nrf_records){fits->n, sizeof *fits->fit, fits->fit}, out);
}

nrf_status nrf_fits_of_table(nrf_synchrony experiment, const nrf_table *table, nrf_pair_fits *out)
{
  column_list list    = {0};
  nrf_records records = {.stride = sizeof *out->fit};
  list_fit_columns(experiment, &list);
  const nrf_status st = nrf_records_of_table(table, list.n, list.column, &records);
  *out                = (nrf_pair_fits){records.n, records.first};
  return st;
}

static void list_group_columns(nrf_synchrony experiment, column_list *list)
{
  ADD(list, group_row_columns);
  add_keys(list, experiment, OF_GROUP(key));
  ADD(list, group_columns);
}

nrf_status nrf_groups_table(nrf_synchrony experiment, const nrf_pair_groups *groups, nrf_table **out)
{
  column_list list = {0};
  list_group_columns(experiment, &list);
  return nrf_records_to_table(
      words[experiment].group_table, "Fits of each pair taken together over images that show the same",
      list.n, list.column, (nrf_records){groups->n, sizeof *groups->group, groups->group}, out);
}

nrf_status nrf_groups_of_table(nrf_synchrony experiment, const nrf_table *table, nrf_pair_groups *out)
{
  column_list list    = {0};
  nrf_records records = {.stride = sizeof *out->group};
  list_group_columns(experiment, &list);
  const nrf_status st = nrf_records_of_table(table, list.n, list.column, &records);
  *out                = (nrf_pair_groups){records.n, records.first};
  return st;
}

/* ---- mean correlations ----------------------------------------------------------------------------------- */

nrf_status nrf_mean_correlations_table(const nrf_mean_correlations *m, double ms_per_row, nrf_table **out)
{
  static const nrf_column_spec columns[] = {
      {"distance", NRF_COLUMN_INT, "", "of the channels"},
      {"lag", NRF_COLUMN_INT, "rows", "of the lower channel behind the upper one"},
      {"lag_ms", NRF_COLUMN_DOUBLE, "ms", "the same"},
      {"n", NRF_COLUMN_INT, "", "values that mean and interval are of"},
      {"mean", NRF_COLUMN_DOUBLE, RAW_UNIT, "mean correlation during the stimulus"},
      {"lower", NRF_COLUMN_DOUBLE, RAW_UNIT, "lower end of its 99 % t interval"},
      {"upper", NRF_COLUMN_DOUBLE, RAW_UNIT, "upper end"},
      {"mean_normalised", NRF_COLUMN_DOUBLE, "", "mean coefficient of correlation"},
      {"lower_normalised", NRF_COLUMN_DOUBLE, "", "lower end of its 99 % t interval"},
      {"upper_normalised", NRF_COLUMN_DOUBLE, "", "upper end"},
  };
  nrf_status st = nrf_table_create("mean_correlation_by_channel_distance",
                                   "Mean correlation of channels by their distance, at the central place",
                                   NRF_COLUMNS(columns), out);
  for (int i = 0; i < m->distances; i++)
    for (int k = 0; k < m->lags && st == NRF_OK; k++) {
      const nrf_mean_correlation *raw = &m->raw[i], *normalised = &m->normalised[i];
      const int                   lag = m->first + k;
      st                              = nrf_table_append(*out, (nrf_cell[]){{.i = raw->distance},
                                                                            {.i = lag},
                                                                            {.d = lag * ms_per_row},
                                                                            {.i = raw->n},
                                                                            {.d = raw->mean[k]},
                                                                            {.d = raw->lower[k]},
                                                                            {.d = raw->upper[k]},
                                                                            {.d = normalised->mean[k]},
                                                                            {.d = normalised->lower[k]},
                                                                            {.d = normalised->upper[k]}});
    }
  return st;
}

/* ---- amplitudes ------------------------------------------------------------------------------------------ */

/* What amplitudes are compared with. */
static const struct against {
  const char *column, *unit, *description;
} against[NRF_SYNCHRONIES] = {
    [NRF_SYNCHRONY_CHANNELS] = {"angle_diff", "rad", "difference of the two channels' preferred angles"},
    [NRF_SYNCHRONY_PATCHES]  = {"mob_eucl_dist", "pixels", "distance of the two patches"},
    [NRF_SYNCHRONY_BAR]      = {"eucl_dist", "neurons", "distance of the two places in the map"},
};

#define SET_COLUMN                            \
  {                                           \
    "set", NRF_COLUMN_TEXT, "", "which pairs" \
  }

static const char *unit_of(nrf_named_sets named)
{
  return named.normalised ? "" : RAW_UNIT;
}

static const char *set_table_name(nrf_named_sets named, const char *what, char name[NRF_PAIR_TEXT])
{
  (void)snprintf(name, NRF_PAIR_TEXT, "synchexp%d_%s%s", named.experiment + 1, what,
                 named.normalised ? "_normalised" : "");
  return name;
}

enum { POINT_BEFORE = 2, POINT_AFTER = 4, POINT_COLUMNS = POINT_BEFORE + NRF_PAIR_KEYS + POINT_AFTER };

/* Set and stimulus, then the keys, then numbers. Returns how many keys there are. */
static int list_point_columns(nrf_synchrony experiment, nrf_column_spec columns[POINT_COLUMNS])
{
  const nrf_synchrony_words *w                    = &words[experiment];
  const struct against      *a                    = &against[experiment];
  const nrf_column_spec      before[POINT_BEFORE] = {
           SET_COLUMN, {"batch_group", NRF_COLUMN_INT, "", group_row_columns[0].description}};
  const nrf_column_spec after[POINT_AFTER] = {
      {a->column, NRF_COLUMN_DOUBLE, a->unit, a->description},
      {"amplitude", NRF_COLUMN_DOUBLE, RAW_UNIT, "mean amplitude of the fitted curves"},
      {"amplitude_normalised", NRF_COLUMN_DOUBLE, "", "the same as coefficients of correlation"},
      {"num_peaks", NRF_COLUMN_DOUBLE, "", "mean number of peaks of the fitted curves"},
  };
  int keys = 0;
  memcpy(columns, before, sizeof before);
  for (; keys < NRF_PAIR_KEYS && w->key[keys] != NULL; keys++)
    columns[POINT_BEFORE + keys] =
        (nrf_column_spec){w->key[keys], NRF_COLUMN_INT, "", w->key_description[keys]};
  memcpy(columns + POINT_BEFORE + keys, after, sizeof after);
  return keys;
}

nrf_status nrf_amplitude_points_table(nrf_named_sets named, const nrf_pair_groups *groups, nrf_table **out)
{
  char            name[NRF_PAIR_TEXT];
  nrf_column_spec columns[POINT_COLUMNS];
  nrf_cell        cells[POINT_COLUMNS];
  const int       keys = list_point_columns(named.experiment, columns);
  nrf_status      st   = nrf_table_create(set_table_name(named, "amplitudes", name),
                                          "Groups of fits that are compared, each a row for every set it is in",
                                          POINT_BEFORE + keys + POINT_AFTER, columns, out);
  for (int k = 0; k < named.sets->count; k++)
    for (int64_t i = 0; i < named.sets->set[k].n && st == NRF_OK; i++) {
      const nrf_amplitude_point *p    = &named.sets->set[k].point[i];
      const nrf_pair_group      *g    = &groups->group[p->group];
      nrf_cell                  *cell = cells;
      *cell++                         = (nrf_cell){.s = named.name[k]};
      *cell++                         = (nrf_cell){.i = g->group};
      for (int key = 0; key < keys; key++) *cell++ = (nrf_cell){.i = g->key[key]};
      *cell++ = (nrf_cell){.d = p->x};
      *cell++ = (nrf_cell){.d = g->amplitude};
      *cell++ = (nrf_cell){.d = g->amplitude_normalised};
      *cell++ = (nrf_cell){.d = g->num_peaks};
      st      = nrf_table_append(*out, cells);
    }
  return st;
}

nrf_status nrf_amplitude_means_table(nrf_named_sets named, nrf_table **out)
{
  const struct against *a = &against[named.experiment];
  char                  name[NRF_PAIR_TEXT];
  const nrf_column_spec columns[] = {
      SET_COLUMN,
      {a->column, NRF_COLUMN_DOUBLE, a->unit, a->description},
      {"n", NRF_COLUMN_INT, "", "groups of fits with this value, to 5e-8"},
      {"amplitude", NRF_COLUMN_DOUBLE, unit_of(named), "their mean amplitude"},
      {"lower", NRF_COLUMN_DOUBLE, unit_of(named), "lower end of its 95 % interval, by resampling"},
      {"upper", NRF_COLUMN_DOUBLE, unit_of(named), "upper end"},
  };
  nrf_status st = nrf_table_create(set_table_name(named, "amplitude_means", name), "Mean amplitudes",
                                   NRF_COLUMNS(columns), out);
  for (int k = 0; k < named.sets->count; k++)
    for (int64_t i = 0; i < named.sets->set[k].n_means && st == NRF_OK; i++) {
      const nrf_amplitude_mean *m = &named.sets->set[k].mean[i];
      st                          = nrf_table_append(*out, (nrf_cell[]){{.s = named.name[k]},
                                                                        {.d = m->x},
                                                                        {.i = m->n},
                                                                        {.d = m->mean},
                                                                        {.d = m->interval.lower},
                                                                        {.d = m->interval.upper}});
    }
  return st;
}

nrf_status nrf_amplitude_lines_table(nrf_named_sets named, nrf_table **out)
{
  char                  name[NRF_PAIR_TEXT], unit[NRF_PAIR_TEXT];
  const nrf_column_spec columns[] = {
      SET_COLUMN,
      {"n", NRF_COLUMN_INT, "", "groups of fits"},
      {"n_untuned", NRF_COLUMN_INT, "", "further ones, left out because a channel is not tuned"},
      {"slope", NRF_COLUMN_DOUBLE, unit,
       "of the line through amplitudes; NaN: there are not two different values"},
      {"slope_lower", NRF_COLUMN_DOUBLE, unit,
       "lower end of its 95 % interval, as if groups were independent"},
      {"slope_upper", NRF_COLUMN_DOUBLE, unit, "upper end"},
      {"intercept", NRF_COLUMN_DOUBLE, unit_of(named), "of the line"},
  };
  (void)snprintf(unit, sizeof unit, "%s/%s", named.normalised ? "1" : "(" RAW_UNIT ")",
                 against[named.experiment].unit);
  nrf_status st = nrf_table_create(set_table_name(named, "amplitude_lines", name),
                                   "Straight lines through amplitudes, and how many there are",
                                   NRF_COLUMNS(columns), out);
  for (int k = 0; k < named.sets->count && st == NRF_OK; k++) {
    const nrf_amplitude_set *s = &named.sets->set[k];
    st                         = nrf_table_append(*out, (nrf_cell[]){{.s = named.name[k]},
                                                                     {.i = s->n},
                                                                     {.i = s->n_untuned},
                                                                     {.d = s->line.line.slope},
                                                                     {.d = s->line.slope.lower},
                                                                     {.d = s->line.slope.upper},
                                                                     {.d = s->line.line.intercept}});
  }
  return st;
}

/* The points of a set that are about one stimulus, as a row for each x. */
static nrf_status append_stimulus(nrf_named_sets named, int set, const nrf_pair_groups *groups, int stimulus,
                                  nrf_moments_by_x *by_x, nrf_table *out)
{
  static const double      CONFIDENCE = 0.95;
  const nrf_amplitude_set *s          = &named.sets->set[set];
  nrf_status               st         = NRF_OK;
  by_x->n                             = 0;
  for (int64_t i = 0; i < s->n; i++)
    if (groups->group[s->point[i].group].group == stimulus) nrf_add_at_x(by_x, s->point[i].x, s->point[i].y);
  for (int i = 0; i < by_x->n && st == NRF_OK; i++) {
    const nrf_interval ends = nrf_t_interval(by_x->at[i], CONFIDENCE);
    st                      = nrf_table_append(out, (nrf_cell[]){{.s = named.name[set]},
                                                                 {.i = stimulus},
                                                                 {.d = by_x->x[i]},
                                                                 {.i = by_x->at[i].n},
                                                                 {.d = by_x->at[i].mean},
                                                                 {.d = ends.lower},
                                                                 {.d = ends.upper}});
  }
  return st;
}

nrf_status nrf_amplitude_by_stimulus_table(nrf_named_sets named, const nrf_pair_groups *groups,
                                           nrf_table **out)
{
  const struct against *a = &against[named.experiment];
  char                  name[NRF_PAIR_TEXT];
  nrf_status            st        = NRF_OK;
  void                 *by_x      = NULL;
  const nrf_column_spec columns[] = {
      SET_COLUMN,
      {"batch_group", NRF_COLUMN_INT, "", group_row_columns[0].description},
      {a->column, NRF_COLUMN_DOUBLE, a->unit, a->description},
      {"n", NRF_COLUMN_INT, "", "groups of fits with this value, to 5e-8"},
      {"amplitude", NRF_COLUMN_DOUBLE, unit_of(named), "their mean amplitude"},
      {"lower", NRF_COLUMN_DOUBLE, unit_of(named), "lower end of its 95 % t interval"},
      {"upper", NRF_COLUMN_DOUBLE, unit_of(named), "upper end"},
  };
  NRF_TRY(nrf_alloc(sizeof(nrf_moments_by_x), "amplitudes", &by_x));
  NRF_TRY(nrf_table_create(set_table_name(named, "amplitude_means_by_stimulus", name),
                           "Mean amplitudes, stimulus by stimulus", NRF_COLUMNS(columns), out));
  for (int k = 0; k < named.sets->count; k++)
    for (int64_t i = 0; i < groups->n; i++)
      if (i == 0 || groups->group[i].group != groups->group[i - 1].group)
        NRF_TRY(append_stimulus(named, k, groups, groups->group[i].group, by_x, *out));
done:
  nrf_free(by_x);
  return st;
}
