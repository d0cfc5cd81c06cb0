/* Recordings of the five stimulus sets in which it is known what there is to be found, as files, through the whole of nrflv-analyze:
 * what is planted comes out, within the errors that are stated. And recordings of noise: each test finds something as
 * rarely as it says. */
#include "nrflv/analysis/analysis.h"
#include "nrflv/analysis/angle.h"
#include "nrflv/analysis/recordings.h"
#include "nrflv/analysis/time_units.h"
#include "nrflv/atomic_file.h"
#include "nrflv/experiment.h"

#include "support/memory_source.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEGREE     (M_PI / 180.0)
#define SYNCHRONY1 "synchrony_experiment1_overlapping_rec_fields"

enum {
  MAP      = 16,
  CENTRE   = MAP / 2,
  CHANNELS = 5,
  BURN     = 60,
  PHASE    = 500,
  POST     = 200,
  ONSET    = BURN + PHASE,
  DECAY    = 12
};

/* ---- what is planted ------------------------------------------------------------------------------------- */

enum { UP, ALSO_UP, ASIDE, UNTUNED, BOTH_WAYS };

static const struct neuron {
  double preference; /* angle; of UNTUNED meaningless                   */
  double phase;      /* of the oscillation that all share               */
  int    lag;        /* of the state behind the momentum, rows          */
} neuron[CHANNELS] = {
    [UP]        = {0.0, 0.0, 2},
    [ALSO_UP]   = {0.0, 60.0 * DEGREE, 3},
    [ASIDE]     = {M_PI / 2, -100.0 * DEGREE, 5},
    [UNTUNED]   = {0.0, 150.0 * DEGREE, 2},
    [BOTH_WAYS] = {M_PI / 4, 20.0 * DEGREE, 7},
};

/* Sizes of what a stimulus does at the preferred angle and contrast 2.4. */
static const double BASE = 0.1, STEP = 0.12, TRANSIENT = 0.1, OSCILLATION = 0.1, LEAST_OSCILLATION = 0.01,
                    NOISE = 0.03; /* uniform in -0.03 .. 0.03 */

/* Response to an angle, 1 to the preferred one. */
static double tuning(int c, double angle)
{
  const double away = angle - neuron[c].preference;
  if (c == UNTUNED) return 0.5;
  return exp(6.0 * (cos(c == BOTH_WAYS ? 2.0 * away : away) - 1.0));
}

/* Of the oscillation in an image. */
static double frequency_of(const nrf_recording_image *image)
{
  return 28.0 + 2.0 * (image->group % 4);
}

/* What remains of the oscillation at a distance from the centre, where there are two patches or a bar. */
static double nearness(double distance)
{
  return exp(-distance / 4.0);
}

static double distance_of(int h, int w)
{
  return hypot(h - CENTRE, w - CENTRE);
}

static double oscillation_size(const memory_source *s, const nrf_recording_image *image, int c, int h, int w)
{
  const double distance = distance_of(h, w);
  switch (nrf_experiment_kind_of(&s->info)) {
  case NRF_KIND_PRIM:
    return OSCILLATION * image->contrast / 2.4 * tuning(c, image->angle);
  case NRF_KIND_FEW:
    return LEAST_OSCILLATION + OSCILLATION * tuning(c, image->angle);
  case NRF_KIND_DBL:
    if (distance == 0.0) return LEAST_OSCILLATION + OSCILLATION * tuning(c, image->angle_static);
    return (image->angle == image->angle_static ? 1.0 : 0.5) *
           (LEAST_OSCILLATION + OSCILLATION * tuning(c, image->angle_static)) * nearness(distance);
  case NRF_KIND_LONG:
    return (LEAST_OSCILLATION + OSCILLATION * tuning(c, image->angle)) * nearness(distance);
  default:
    return 0.0;
  }
}

static bool is_during(int64_t t)
{
  return t >= ONSET && t < ONSET + PHASE;
}

/* Step, transient, oscillation and noise of a neuron at a place of the map. */
static double state_at(const memory_source *s, int b, int c, int64_t t, int h, int w)
{
  const nrf_recording_image *image = &s->info.image[b];
  double                     x     = BASE + NOISE * (double)memory_noise(s, NRF_RECORD_STATE, b, c, t, h, w);
  if (!is_during(t)) return x;
  const double contrast = isfinite(image->contrast) ? image->contrast / 2.4 : 1.0;
  const double turns    = frequency_of(image) * (double)t / NRF_SAMPLING_RATE_HZ + 0.37 * b;
  x += STEP * contrast * tuning(c, image->angle);
  x += TRANSIENT * contrast * exp(-(double)(t - ONSET) / DECAY);
  return x + oscillation_size(s, image, c, h, w) * cos(2.0 * M_PI * turns + neuron[c].phase);
}

/* The state is the momentum some rows earlier. */
static float planted_value(const memory_source *s, nrf_record_variable variable, int b, int c, int64_t t,
                           int h, int w)
{
  const nrf_recorded_layer *l  = &s->info.layer[0];
  const int64_t             at = variable == NRF_RECORD_MOMENTUM ? t + neuron[c].lag : t;
  return (float)state_at(s, b, c, at, l->top + h, l->left + w);
}

/* White noise, normally distributed (Box and Muller). */
static float noise_value(const memory_source *s, nrf_record_variable variable, int b, int c, int64_t t, int h,
                         int w)
{
  const bool   state  = variable == NRF_RECORD_STATE;
  const double radius = 0.5 * (double)memory_noise(s, state ? NRF_RECORD_STATE : NRF_RECORD_MOMENTUM, b, c, t,
                                                   h, w) +
                        0.5,
               turns =
                   0.5 * (double)memory_noise(s, state ? NRF_RECORD_ENERGY : NRF_RECORD_BNO, b, c, t, h, w);
  return (float)(0.05 * sqrt(-2.0 * log(1.0 - radius)) * cos(2.0 * M_PI * turns));
}

/* ---- stimuli ----------------------------------------------------------------------------------------------- */

static void show_contrasts(int b, nrf_recording_image *image)
{
  image->angle    = b / 8 * M_PI / 8.0;
  image->contrast = 0.4 * (b % 8);
  image->group    = b;
}

static void show_angles(int b, nrf_recording_image *image)
{
  image->angle = b * M_PI / 64.0;
  image->group = b;
}

enum { REPEATS = 6 };

static void show_few_angles(int b, nrf_recording_image *image)
{
  image->group  = b / REPEATS;
  image->repeat = b % REPEATS;
  image->angle  = image->group * M_PI / 2.0;
}

static void show_two_patches(int b, nrf_recording_image *image)
{
  static const int down[] = {0, -1, 0, 1}, right[] = {1, 0, -1, 0}, distance[] = {1, 3};
  const int        repeats = 3, q = b / (4 * repeats), d = b / (2 * repeats) % 2, m = b / repeats % 2;
  image->group         = b / repeats;
  image->repeat        = b % repeats;
  image->angle_static  = q * M_PI / 2.0;
  image->angle         = image->angle_static + m * M_PI / 2.0;
  image->offset_row    = down[q] * distance[d];
  image->offset_column = right[q] * distance[d];
}

static void show_groups_of_four(int b, nrf_recording_image *image)
{
  image->group  = b / 4;
  image->repeat = b % 4;
  image->angle  = image->group * M_PI / 16.0;
}

typedef struct planted_recording {
  nrf_experiment_kind kind;
  int                 images, reach; /* rows and columns are recorded so far from the centre */
  bool                momentum;
  void (*show)(int b, nrf_recording_image *image);
} planted_recording;

static const planted_recording planted[] = {
    {NRF_KIND_PRIM, 128, 1, true, show_contrasts},          {NRF_KIND_ANG, 128, 0, false, show_angles},
    {NRF_KIND_FEW, 4 * REPEATS, 0, false, show_few_angles}, {NRF_KIND_DBL, 48, 3, false, show_two_patches},
    {NRF_KIND_LONG, 4 * REPEATS, 3, true, show_few_angles},
};

static const planted_recording empty[] = {
    {NRF_KIND_ANG, 128, 2, false, show_angles},
    {NRF_KIND_FEW, 128, 0, false, show_groups_of_four},
    {NRF_KIND_LONG, 64, 0, true, show_groups_of_four},
};

/* ---- sessions ---------------------------------------------------------------------------------------------- */

typedef struct session {
  char scratch[SCRATCH_PATH], results[SCRATCH_PATH];
} session;

static session truth, nothing;

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static const char *file_of(nrf_experiment_kind kind)
{
  const char *set = nrf_experiment_kind_info(kind)->stimulus_set;
  for (int i = 0; nrf_experiment_at(i) != NULL; i++)
    if (nrf_experiment_at(i)->stimulus_set != NULL && strcmp(nrf_experiment_at(i)->stimulus_set, set) == 0)
      return nrf_experiment_at(i)->file_name;
  fail_msg("no experiment shows %s", set);
  return NULL;
}

static void record(const session *s, const planted_recording *r, bool noise)
{
  static memory_source source;
  char                 path[2 * SCRATCH_PATH];
  const int            side = 2 * r->reach + 1;
  memory_source_create(&source, nrf_experiment_kind_info(r->kind)->stimulus_set, r->images, CHANNELS, side,
                       side);
  memory_source_set_phases(&source, BURN, PHASE, PHASE, POST);
  nrf_recorded_layer *l = &source.info.layer[0];
  l->height = l->width        = MAP;
  source.info.pictures.height = source.info.pictures.width = MAP;
  l->top = l->left                          = CENTRE - r->reach;
  source.value                              = noise ? noise_value : planted_value;
  source.info.variable[NRF_RECORD_MOMENTUM] = r->momentum;
  for (int b = 0; b < r->images; b++) r->show(b, &source.image[b]);
  (void)snprintf(path, sizeof path, "%s/session/%s.nwb", s->scratch, file_of(r->kind));
  must(memory_source_record(&source, path));
}

static void analyse(session *s, nrf_name_list names)
{
  nrf_analysis_settings  settings;
  nrf_recordings         recordings;
  nrf_recordings_inputs *inputs;
  nrf_analysis_summary   summary;
  bool                   wanted[NRF_ANALYSES_MAX];
  char                   root[2 * SCRATCH_PATH], extracts[2 * SCRATCH_PATH];
  (void)snprintf(root, sizeof root, "%s/session", s->scratch);
  (void)snprintf(extracts, sizeof extracts, "%s/extracts", s->scratch);
  nrf_option_defaults(nrf_analysis_options(), &settings);
  settings.threads = 2;
  must(nrf_analyses_select(nrf_analyses_all(), &names, wanted));
  must(nrf_recordings_find(root, &recordings));
  must(nrf_recordings_open(&recordings, extracts, (nrf_extract_effort){2, 256 << 20}, &inputs));
  must(nrf_analyses_run(nrf_analyses_all(), wanted, &settings, nrf_recordings_inputs_of(inputs), s->results,
                        NULL, &summary));
  nrf_recordings_free(inputs);
  assert_int_equal(summary.count[NRF_ANALYSIS_FAILED], 0);
}

static void open_session(session *s, int n, const planted_recording recordings[], bool noise,
                         nrf_name_list names)
{
  char folder[2 * SCRATCH_PATH];
  scratch_create(s->scratch);
  scratch_path(s->results, s->scratch, "results");
  (void)snprintf(folder, sizeof folder, "%s/session", s->scratch);
  must(nrf_make_directories(folder));
  for (int i = 0; i < n; i++) record(s, &recordings[i], noise);
  analyse(s, names);
}

static nrf_name_list names_of(int n, const char *const names[])
{
  nrf_name_list list = {.count = n};
  for (int i = 0; i < n; i++) (void)snprintf(list.name[i], sizeof list.name[i], "%s", names[i]);
  return list;
}

/* Figures are not what this is about: without gnuplot they are not drawn. */
static int set_up(void **state)
{
  (void)state;
  static const char *const of_nothing[] = {"find_active_neurons.just_angles", "find_orientation_preferences",
                                           "calculate_EI_lag", SYNCHRONY1 "_Analyze_fitted_Gabors"};
  char                     path[4096];
  (void)snprintf(path, sizeof path, "%s", getenv("PATH"));
  assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
  open_session(&truth, sizeof planted / sizeof *planted, planted, false, (nrf_name_list){0});
  open_session(&nothing, sizeof empty / sizeof *empty, empty, true, names_of(4, of_nothing));
  assert_int_equal(setenv("PATH", path, 1), 0);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(truth.scratch);
  scratch_remove(nothing.scratch);
  return 0;
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

static nrf_table *table_of(const session *s, const char *analysis, const char *name)
{
  char       path[3 * SCRATCH_PATH];
  nrf_table *table = NULL;
  (void)snprintf(path, sizeof path, "%s/%s/%s.h5", s->results, analysis, name);
  must(nrf_table_read(path, &table));
  assert_true(nrf_table_n_rows(table) > 0);
  return table;
}

static const double *doubles_of(const nrf_table *table, const char *column)
{
  const double *values = NULL;
  must(nrf_table_get_doubles(table, column, &values));
  return values;
}

static const int64_t *ints_of(const nrf_table *table, const char *column)
{
  const int64_t *values = NULL;
  must(nrf_table_get_ints(table, column, &values));
  return values;
}

static void is_near(const char *what, double value, double truth_is, double error)
{
  if (!(fabs(value - truth_is) <= error))
    fail_msg("%s is %g, not within %g of %g", what, value, error, truth_is);
}

/* A part of n that is found by chance, as often as `rate` says: within three standard deviations of a binomial. The noise is always
 * the same: what passes once does not fail by chance. */
static void is_rate(const char *what, int64_t count, int64_t n, double rate)
{
  const double expected = rate * (double)n, sd = sqrt(expected * (1.0 - rate));
  print_message("%s: %lld of %lld, %g expected\n", what, (long long)count, (long long)n, expected);
  if (fabs((double)count - expected) > 3.0 * sd)
    fail_msg("%s: %lld of %lld, where %g +- %g are expected", what, (long long)count, (long long)n, expected,
             3.0 * sd);
}

/* Mean of the planted transient over its first rows. */
static double mean_transient(double contrast, int rows)
{
  double sum = 0.0;
  for (int t = 0; t < rows; t++) sum += TRANSIENT * contrast / 2.4 * exp(-(double)t / DECAY);
  return sum / rows;
}

/* ---- what is planted comes out --------------------------------------------------------------------------------- */

/* To three of the 128 angles: the top of a tuning curve is flat. */
static void preferred_angles_are_found(void **state)
{
  (void)state;
  nrf_table     *t = table_of(&truth, "find_orientation_preferences", "orientation_pref_results_just_angles");
  const double  *angle = doubles_of(t, "phaseshift"), *amplitude = doubles_of(t, "amplitude");
  const int64_t *kind = ints_of(t, "dir_or_ori");
  assert_int_equal(nrf_table_n_rows(t), CHANNELS);
  for (int c = 0; c < CHANNELS; c++) {
    if (c == UNTUNED) continue;
    const double away = angle[c] - neuron[c].preference;
    is_near("preferred angle",
            c == BOTH_WAYS ? nrf_orientation_difference(angle[c], neuron[c].preference)
                           : nrf_angle_wrap(away),
            0.0, 3.0 * 2.0 * M_PI / 128.0);
    assert_int_equal(kind[c], c == BOTH_WAYS);
    assert_true(amplitude[c] > 0.08);
  }
  assert_true(amplitude[UNTUNED] < 0.04);
  nrf_table_free(t);
}

static void the_lag_of_the_state_is_found(void **state)
{
  (void)state;
  nrf_table    *t   = table_of(&truth, "calculate_EI_lag", "EI_lag_results");
  const double *lag = doubles_of(t, "median_lag"), *r = doubles_of(t, "coefficient"),
               *other    = doubles_of(t, "coefficient_other");
  const int64_t *channel = ints_of(t, "channel");
  assert_int_equal(nrf_table_n_rows(t), 3 * CHANNELS);
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    assert_true(lag[i] == neuron[channel[i]].lag);
    assert_true(r[i] > 0.8 && r[i] < 1.05); /* the transient is in one window earlier than in the other */
    assert_true(other[i] < r[i]);
  }
  nrf_table_free(t);
}

/* State and negative momentum: the most negative coefficient is at the lag. */
static void state_and_momentum_correlate_at_the_lag(void **state)
{
  (void)state;
  nrf_table     *t       = table_of(&truth, "plot_state_and_mom_trace", "state_momentum_correlations");
  const double  *r       = doubles_of(t, "state_momentum_coefficient");
  const int64_t *channel = ints_of(t, "channel"), *lag = ints_of(t, "lag");
  double         least[CHANNELS] = {0.0};
  int64_t        at[CHANNELS]    = {0};
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++)
    if (r[i] < least[channel[i]]) {
      least[channel[i]] = r[i];
      at[channel[i]]    = lag[i];
    }
  for (int c = 0; c < CHANNELS; c++) {
    assert_int_equal(at[c], neuron[c].lag);
    assert_true(least[c] < -0.9);
  }
  nrf_table_free(t);
}

static void mean_states_are_found(void **state)
{
  (void)state;
  nrf_table     *t       = table_of(&truth, "trial_averaged_EI_balance", "EI_balance");
  const double  *mean    = doubles_of(t, "mean_state");
  const int64_t *channel = ints_of(t, "channel"), *group = ints_of(t, "batch_group");
  const int      period = nrf_table_find(t, "period");
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    const bool during = strcmp(nrf_table_text(t, period, i), "during") == 0;
    is_near("mean state", mean[i],
            during ? BASE + STEP * tuning((int)channel[i], (double)group[i] * M_PI / 2.0) +
                         mean_transient(2.4, PHASE)
                   : BASE,
            0.005);
  }
  nrf_table_free(t);
}

/* Fits of strong pairs (both channels' oscillations at least half as large as they can be): frequency to 0.2 Hz. */
static void frequencies_are_found(void **state)
{
  (void)state;
  nrf_table     *t     = table_of(&truth, SYNCHRONY1 "_fit_Gabors", "synchexp1_estimated_gabor_params");
  const double  *scale = doubles_of(t, "freq_scale"), *phase = doubles_of(t, "sine_phase_folded");
  const int64_t *group = ints_of(t, "batch_group"), *during = ints_of(t, "dur_or_out"),
                *a = ints_of(t, "channel A"), *b = ints_of(t, "channel B");
  int strong = 0;
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    const double angle = (double)group[i] * M_PI / 2.0;
    if (during[i] != 0 || tuning((int)a[i], angle) < 0.5 || tuning((int)b[i], angle) < 0.5) continue;
    strong++;
    is_near("frequency", NRF_SAMPLING_RATE_HZ / (2.0 * M_PI * scale[i]), 28.0 + 2.0 * (double)group[i], 0.2);
    assert_true(phase[i] >= 0.0 && phase[i] < M_PI);
    is_near("folded phase",
            nrf_orientation_difference(phase[i], nrf_angle_wrap(neuron[a[i]].phase - neuron[b[i]].phase)),
            0.0, 8.0 * DEGREE);
  }
  assert_true(strong >= 8 * REPEATS);
  nrf_table_free(t);
}

/* Phases to 5 degrees, and for strong pairs of different channels each test says that there is something. */
static void phases_and_their_tests_are_right(void **state)
{
  (void)state;
  nrf_table    *t = table_of(&truth, SYNCHRONY1 "_Analyze_fitted_Gabors", "synchexp1_acorr_analysis_results");
  const double *phase = doubles_of(t, "circular_mean_phase"), *length = doubles_of(t, "resultant_length"),
               *directed = doubles_of(t, "phase_rayleigh_p"), *change = doubles_of(t, "amplitude_change"),
               *changed = doubles_of(t, "amplitude_change_p");
  const int64_t *group = ints_of(t, "batch_group"), *during = ints_of(t, "dur_or_out"),
                *a = ints_of(t, "channel A"), *b = ints_of(t, "channel B");
  int strong = 0;
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    const double angle = (double)group[i] * M_PI / 2.0;
    if (during[i] != 0 || a[i] == b[i] || tuning((int)a[i], angle) < 0.5 || tuning((int)b[i], angle) < 0.5)
      continue;
    strong++;
    is_near("phase", nrf_angle_wrap(phase[i] - (neuron[a[i]].phase - neuron[b[i]].phase)), 0.0, 5.0 * DEGREE);
    assert_true(length[i] > 0.98 && directed[i] < 0.05);
    assert_true(change[i] > 0.0 && changed[i] < 0.05);
  }
  assert_true(strong >= 8);
  nrf_table_free(t);
}

/* A stimulus of some contrast that suits a channel raises all its neurons; without contrast it is chance: half of 5 %, since
 * a neuron is active only if its mean rises. */
static void what_suits_a_neuron_makes_it_active(void **state)
{
  (void)state;
  nrf_table *t =
      table_of(&truth, "find_active_neurons.primary", "neuron_activity_results_alternativeformat_primary");
  const int64_t *image = ints_of(t, "batch_idx"), *channel = ints_of(t, "channel");
  const bool    *active;
  int64_t        suited = 0, blank = 0, by_chance = 0;
  must(nrf_table_get_bools(t, "active", &active));
  assert_int_equal(nrf_table_n_rows(t), 128 * 9 * CHANNELS);
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    nrf_recording_image shown = {0};
    show_contrasts((int)image[i], &shown);
    blank += shown.contrast == 0.0;
    by_chance += shown.contrast == 0.0 && active[i];
    if (shown.contrast < 0.8 || tuning((int)channel[i], shown.angle) < 0.5) continue;
    suited++;
    assert_true(active[i]);
  }
  assert_true(suited > 0);
  is_rate("active at contrast 0", by_chance, blank, 0.025);
  nrf_table_free(t);
}

static void channels_match_the_stimulus_they_prefer(void **state)
{
  (void)state;
  nrf_table     *t     = table_of(&truth, "assign_ori_info", "matched_channels");
  const double  *angle = doubles_of(t, "matched_stim_ori");
  const int64_t *n     = ints_of(t, "matched_images");
  assert_int_equal(nrf_table_n_rows(t), CHANNELS);
  for (int c = 0; c < CHANNELS; c++) {
    assert_int_equal(n[c], c == UNTUNED ? 0 : 8); /* contrasts */
    if (c == UNTUNED)
      assert_true(isnan(angle[c]));
    else
      is_near("matched angle",
              c == BOTH_WAYS ? nrf_orientation_difference(angle[c], neuron[c].preference)
                             : nrf_angle_difference(angle[c], neuron[c].preference),
              0.0, 1e-9);
  }
  nrf_table_free(t);
}

/* To what is left of an oscillation of 0.1 in the mean over so many rows. */
static void traces_rise_with_contrast(void **state)
{
  (void)state;
  static const double ERROR    = 0.004;
  nrf_table          *t        = table_of(&truth, "plot_state_traces.patch", "state_trace_means");
  const double       *contrast = doubles_of(t, "stim_contrast"), *before = doubles_of(t, "mean_before"),
               *after = doubles_of(t, "mean_after");
  assert_int_equal(nrf_table_n_rows(t), 4 * 8); /* tuned channels, contrasts */
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++)
    is_near("rise", after[i] - before[i], STEP * contrast[i] / 2.4 + mean_transient(contrast[i], 400), ERROR);
  nrf_table_free(t);
}

/* The first 200 ms are 49 rows. Where the response is strong enough, raising traces to their mean outside the stimulus only raises
 * that mean, by a quarter of the noise. */
static void transients_grow_with_contrast(void **state)
{
  (void)state;
  static const double ERROR = 0.005;
  nrf_table    *t = table_of(&truth, "plot_contrast_dependent_transients_of_active_neurons.patch_matched",
                             "transient_parts");
  const double *contrast = doubles_of(t, "contrast"), *overshoot = doubles_of(t, "overshoot"),
               *sustained = doubles_of(t, "sustained");
  int strong              = 0;
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    if (contrast[i] < 1.1) continue;
    is_near("overshoot", overshoot[i], mean_transient(contrast[i], 49), ERROR);
    is_near("sustained response", sustained[i], STEP * contrast[i] / 2.4 - NOISE / 4.0, ERROR);
    strong++;
  }
  assert_true(strong >= 3);
  nrf_table_free(t);
}

/* To a bin of the spectrum, where the oscillation stands out of the noise. */
static void spectral_peaks_are_at_the_frequency_of_each_contrast(void **state)
{
  (void)state;
  nrf_table    *t        = table_of(&truth, "plot_contrast_power_spectra_LFP", "spectral_peaks");
  const double *contrast = doubles_of(t, "stim_contrast"), *peak = doubles_of(t, "peak_frequency");
  int           found = 0;
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    if (contrast[i] < 0.8) continue;
    nrf_recording_image shown = {.group = (int)lround(contrast[i] / 0.4)};
    is_near("peak of the spectrum", peak[i], frequency_of(&shown), NRF_SAMPLING_RATE_HZ / 256.0);
    found++;
  }
  assert_true(found >= 3);
  nrf_table_free(t);
}

/* The largest power during the stimulus is there too, and more of it than before. */
static void spectrograms_have_the_oscillation_during_the_stimulus(void **state)
{
  (void)state;
  nrf_table    *t = table_of(&truth, "plot_contrast_specgram_comparison_LFP.patch", "mean_spectrograms");
  const double *contrast = doubles_of(t, "stim_contrast"), *frequency = doubles_of(t, "frequency"),
               *before = doubles_of(t, "power_before"), *during = doubles_of(t, "power_during");
  int64_t       best  = -1;
  const int64_t n     = nrf_table_n_rows(t);
  int           found = 0;
  for (int64_t i = 0; i < n; i++) {
    if (contrast[i] < 0.8) continue;
    if (frequency[i] > 10.0 && (best < 0 || during[i] > during[best])) best = i;
    if (best < 0 || (i + 1 < n && contrast[i + 1] == contrast[i])) continue;
    nrf_recording_image shown = {.group = (int)lround(contrast[i] / 0.4)};
    is_near("peak of the spectrogram", frequency[best], frequency_of(&shown), NRF_SAMPLING_RATE_HZ / 256.0);
    assert_true(during[best] > 10.0 * before[best]);
    best = -1;
    found++;
  }
  assert_true(found >= 3);
  nrf_table_free(t);
}

/* Of neurons that are active and match, the peaks of their spectra: to a bin of the stimulus' 500 rows. */
static void single_neurons_oscillate_at_the_frequency_of_each_contrast(void **state)
{
  (void)state;
  nrf_table     *t         = table_of(&truth, "find_oscillating_neurons", "spectral_peaks");
  const double  *frequency = doubles_of(t, "peak_freq");
  const int64_t *image     = ints_of(t, "batch_idx");
  const int      window    = nrf_table_find(t, "window");
  int            peaks     = 0;
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    nrf_recording_image shown = {.group = (int)image[i]};
    show_contrasts((int)image[i], &shown);
    if (shown.contrast < 1.1 || strcmp(nrf_table_text(t, window, i), "during") != 0) continue;
    is_near("peak of a neuron's spectrum", frequency[i], frequency_of(&shown), NRF_SAMPLING_RATE_HZ / PHASE);
    peaks++;
  }
  assert_true(peaks >= 4 * 5 * 9); /* tuned channels, contrasts, neurons of the patch */
  nrf_table_free(t);
}

/* Frequency times power of an oscillation of size a at f is f a^2 / 2, whatever the window makes of its peak (up to a third more or
 * less for a frequency between two bins). */
static void oscillations_grow_with_contrast(void **state)
{
  (void)state;
  nrf_table    *t        = table_of(&truth, "plot_contrast_frequency_plots", "contrast_frequency");
  const double *contrast = doubles_of(t, "stim_contrast"), *mean = doubles_of(t, "geometric_mean");
  const int     window = nrf_table_find(t, "window");
  int           found  = 0;
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    if (contrast[i] < 1.1 || strcmp(nrf_table_text(t, window, i), "during") != 0) continue;
    nrf_recording_image shown = {.group = (int)lround(contrast[i] / 0.4)};
    const double        size  = OSCILLATION * contrast[i] / 2.4;
    is_near("frequency times power", mean[i] / (frequency_of(&shown) * size * size / 2.0), 1.0, 0.35);
    found++;
  }
  assert_true(found >= 3);
  nrf_table_free(t);
}

/* Amplitude of the correlation of two oscillations of a matched pair: half the product of their sizes, summed over the stimulus. Less
 * overlap at larger lags takes off a few percent. */
static double amplitude_at(double distance)
{
  const double size = LEAST_OSCILLATION + OSCILLATION;
  return 0.5 * PHASE * size * size * nearness(distance);
}

/* Of the rows of a set: means at each distance to 5 %. Returns how many. */
static int check_amplitudes(const char *analysis, const char *name, const char *column, const char *set,
                            double part)
{
  nrf_table    *t        = table_of(&truth, analysis, name);
  const double *distance = doubles_of(t, column), *amplitude = doubles_of(t, "amplitude");
  int           found = 0;
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    if (strcmp(nrf_table_text(t, nrf_table_find(t, "set"), i), set) != 0) continue;
    is_near(set, amplitude[i] / (part * amplitude_at(distance[i])), 1.0, 0.05);
    found++;
  }
  nrf_table_free(t);
  return found;
}

static void check_slope(const char *analysis, const char *name, const char *set)
{
  nrf_table    *t     = table_of(&truth, analysis, name);
  const double *upper = doubles_of(t, "slope_upper");
  bool          found = false;
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    if (strcmp(nrf_table_text(t, nrf_table_find(t, "set"), i), set) != 0) continue;
    assert_true(upper[i] < 0.0);
    found = true;
  }
  assert_true(found);
  nrf_table_free(t);
}

static void synchrony_falls_with_the_distance_of_patches(void **state)
{
  (void)state;
  static const char analysis[] = "synchrony_experiment2_OriPref_OR_Distance_vs_OscAmp_OR_vs_Phase";
  assert_int_equal(check_amplitudes(analysis, "synchexp2_amplitude_means", "mob_eucl_dist", "colinear", 1.0),
                   2);
  assert_int_equal(
      check_amplitudes(analysis, "synchexp2_amplitude_means", "mob_eucl_dist", "noncolinear", 0.5), 2);
  check_slope(analysis, "synchexp2_amplitude_lines", "colinear");
  check_slope(analysis, "synchexp2_amplitude_lines", "noncolinear");
}

static void synchrony_falls_along_a_bar(void **state)
{
  (void)state;
  static const char analysis[] = "synchrony_experiment3_Distance_vs_OscAmp";
  assert_int_equal(check_amplitudes(analysis, "synchexp3_amplitude_means", "eucl_dist", "during", 1.0), 3);
  check_slope(analysis, "synchexp3_amplitude_lines", "during");
}

/* The only pair that both match a stimulus: UP and ALSO_UP at angle 0, in both orders. */
static void pairs_that_share_a_preference_are_the_most_synchronous(void **state)
{
  (void)state;
  nrf_table    *t         = table_of(&truth, SYNCHRONY1 "_OriPref_vs_OscAmp", "synchexp1_amplitudes");
  const double *amplitude = doubles_of(t, "amplitude"), *difference = doubles_of(t, "angle_diff");
  int           aligned = 0;
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    const char *set = nrf_table_text(t, nrf_table_find(t, "set"), i);
    if (strcmp(set, "unaligned") == 0) assert_true(amplitude[i] < 0.5 * amplitude_at(0.0));
    if (strcmp(set, "aligned") != 0) continue;
    aligned++;
    is_near("aligned", amplitude[i] / amplitude_at(0.0), 1.0, 0.05);
    is_near("difference of preferences", difference[i], 0.0, 3.0 * 2.0 * M_PI / 128.0);
  }
  assert_int_equal(aligned, 2);
  nrf_table_free(t);
}

/* ---- nothing comes out where there is nothing --------------------------------------------------------------- */

static void noise_has_no_preferred_angle(void **state)
{
  (void)state;
  nrf_table *t = table_of(&nothing, "find_orientation_preferences", "orientation_pref_results_just_angles");
  const double *amplitude = doubles_of(t, "amplitude");
  for (int c = 0; c < CHANNELS; c++) assert_true(amplitude[c] < 0.04);
  nrf_table_free(t);
}

/* White noise is what these tests are made for: 16000 traces. */
static void tests_of_activity_are_wrong_as_often_as_they_say(void **state)
{
  (void)state;
  nrf_table    *t = table_of(&nothing, "find_active_neurons.just_angles",
                             "neuron_activity_results_alternativeformat_just_angles");
  const double *p = doubles_of(t, "ttest_p_value"), *during = doubles_of(t, "shapiro_p_during"),
               *outside = doubles_of(t, "shapiro_p_outside");
  const bool   *active;
  const int64_t n        = nrf_table_n_rows(t);
  int64_t       n_active = 0, n_p = 0, n_during = 0, n_outside = 0;
  must(nrf_table_get_bools(t, "active", &active));
  for (int64_t i = 0; i < n; i++) {
    n_active += active[i];
    n_p += p[i] < 0.05;
    n_during += during[i] < 0.05;
    n_outside += outside[i] < 0.05;
  }
  is_rate("active neurons", n_active, n, 0.025);
  is_rate("Welch's test", n_p, n, 0.05);
  is_rate("Shapiro and Wilk's test, during", n_during, n, 0.05);
  is_rate("Shapiro and Wilk's test, outside", n_outside, n, 0.05);
  nrf_table_free(t);
}

/* Pairs in both orders are the same thing twice: one of them is counted. */
static void tests_of_synchrony_are_wrong_as_often_as_they_say(void **state)
{
  (void)state;
  nrf_table *t = table_of(&nothing, SYNCHRONY1 "_Analyze_fitted_Gabors", "synchexp1_acorr_analysis_results");
  const double  *directed = doubles_of(t, "phase_rayleigh_p"), *changed = doubles_of(t, "amplitude_change_p");
  const int64_t *during = ints_of(t, "dur_or_out"), *a = ints_of(t, "channel A"),
                *b = ints_of(t, "channel B");
  int64_t n = 0, n_directed = 0, phases = 0, n_changed = 0;
  for (int64_t i = 0; i < nrf_table_n_rows(t); i++) {
    if (a[i] >= b[i]) continue;
    phases++;
    n_directed += directed[i] < 0.05;
    n += during[i] == 0;
    n_changed += during[i] == 0 && changed[i] < 0.05;
  }
  is_rate("common phase", n_directed, phases, 0.05);
  is_rate("amplitude that changes", n_changed, n, 0.05);
  nrf_table_free(t);
}

/* Unrelated to its momentum a state correlates with it no better than with another image's, at any lag. */
static void unrelated_momenta_have_any_lag(void **state)
{
  (void)state;
  nrf_table    *t   = table_of(&nothing, "calculate_EI_lag", "EI_lags");
  const double *lag = doubles_of(t, "lag"), *r = doubles_of(t, "coefficient"),
               *other = doubles_of(t, "coefficient_other");
  const int64_t n     = nrf_table_n_rows(t);
  int64_t       early = 0, better = 0;
  for (int64_t i = 0; i < n; i++) {
    early += lag[i] < 0.0;
    better += r[i] > other[i];
  }
  is_rate("state before the momentum", early, n, 0.5);
  is_rate("more correlated with its own momentum", better, n, 0.5);
  nrf_table_free(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(preferred_angles_are_found),
      cmocka_unit_test(the_lag_of_the_state_is_found),
      cmocka_unit_test(state_and_momentum_correlate_at_the_lag),
      cmocka_unit_test(mean_states_are_found),
      cmocka_unit_test(frequencies_are_found),
      cmocka_unit_test(spectrograms_have_the_oscillation_during_the_stimulus),
      cmocka_unit_test(phases_and_their_tests_are_right),
      cmocka_unit_test(what_suits_a_neuron_makes_it_active),
      cmocka_unit_test(channels_match_the_stimulus_they_prefer),
      cmocka_unit_test(traces_rise_with_contrast),
      cmocka_unit_test(transients_grow_with_contrast),
      cmocka_unit_test(spectral_peaks_are_at_the_frequency_of_each_contrast),
      cmocka_unit_test(single_neurons_oscillate_at_the_frequency_of_each_contrast),
      cmocka_unit_test(oscillations_grow_with_contrast),
      cmocka_unit_test(synchrony_falls_with_the_distance_of_patches),
      cmocka_unit_test(synchrony_falls_along_a_bar),
      cmocka_unit_test(pairs_that_share_a_preference_are_the_most_synchronous),
      cmocka_unit_test(tests_of_activity_are_wrong_as_often_as_they_say),
      cmocka_unit_test(noise_has_no_preferred_angle),
      cmocka_unit_test(tests_of_synchrony_are_wrong_as_often_as_they_say),
      cmocka_unit_test(unrelated_momenta_have_any_lag),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
