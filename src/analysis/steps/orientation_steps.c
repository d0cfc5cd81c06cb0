/* orientation_steps.c - preferred angles: tables, tuning curves, the circle of preferences (analysis.md 3.6). */
#include "orientation_steps.h"

#include "orientation.h"
#include "show.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

#define DEGREES (180.0 / M_PI)

/* ---- tables ------------------------------------------------------------------------------------------------ */

typedef struct preference_row {
  nrf_preference preference;
  bool           tuned;
  double         explained, mean, phase;
  double         amplitude_of[2], cost_of[2];
} preference_row;

#define OF_ROW(member)        offsetof(preference_row, member)
#define OF_PREFERENCE(member) (OF_ROW(preference) + offsetof(nrf_preference, member))

/* clang-format off */
static const nrf_record_column preference_columns[] = {
    {"amplitude",          NRF_MEMBER_DOUBLE, OF_PREFERENCE(amplitude),  "",    "of the better cosine, fitted to activity less its mean with norm 1; 0: no tuning curve"},
    {"phaseshift",         NRF_MEMBER_DOUBLE, OF_PREFERENCE(angle),      "rad", "preferred angle of the stimulus: the peak of the activity nearest to the cosine's maximum"},
    {"mean",               NRF_MEMBER_DOUBLE, OF_ROW(mean),              "",    "constant of the better fit"},
    {"dir_or_ori",         NRF_MEMBER_INT,    OF_PREFERENCE(dir_or_ori), "",    "0: one cycle fits better (a direction), 1: two cycles (an orientation), -1: no tuning curve"},
    {"channel",            NRF_MEMBER_INT,    OF_PREFERENCE(channel),    "",    "channel of the layer"},
    {"tuned",              NRF_MEMBER_BOOL,   OF_ROW(tuned),             "",    "whether the amplitude is above 0.04: others count as having no preference"},
    {"explained_variance", NRF_MEMBER_DOUBLE, OF_ROW(explained),         "",    "part of the variance over angles that the better cosine explains"},
    {"phase",              NRF_MEMBER_DOUBLE, OF_ROW(phase),             "rad", "of the better cosine: cos(cycles angle + phase)"},
    {"amplitude_1_cycle",  NRF_MEMBER_DOUBLE, OF_ROW(amplitude_of[0]),   "",    "of the cosine with one cycle"},
    {"amplitude_2_cycles", NRF_MEMBER_DOUBLE, OF_ROW(amplitude_of[1]),   "",    "of the cosine with two cycles"},
    {"cost_1_cycle",       NRF_MEMBER_DOUBLE, OF_ROW(cost_of[0]),        "",    "half the sum of squared residuals of the cosine with one cycle"},
    {"cost_2_cycles",      NRF_MEMBER_DOUBLE, OF_ROW(cost_of[1]),        "",    "half the sum of squared residuals of the cosine with two cycles"},
};

typedef struct activity_row {
  int    image, h, w, channel;
  bool   active;
  double during, outside, angle;
} activity_row;

#define OF_ACTIVITY(member) offsetof(activity_row, member)

static const nrf_record_column activity_columns[] = {
    {"batch_idx",        NRF_MEMBER_INT,    OF_ACTIVITY(image),   "",    "image of the batch"},
    {"height",           NRF_MEMBER_INT,    OF_ACTIVITY(h),       "",    "row of the map"},
    {"width",            NRF_MEMBER_INT,    OF_ACTIVITY(w),       "",    "column of the map"},
    {"active",           NRF_MEMBER_BOOL,   OF_ACTIVITY(active),  "",    "whether the stimulus raised the mean state, as find_active_neurons has it"},
    {"channel",          NRF_MEMBER_INT,    OF_ACTIVITY(channel), "",    "channel of the layer"},
    {"mean_act_during",  NRF_MEMBER_DOUBLE, OF_ACTIVITY(during),  "",    "mean state during the stimulus"},
    {"mean_act_outside", NRF_MEMBER_DOUBLE, OF_ACTIVITY(outside), "",    "mean state before and after the stimulus"},
    {"angle",            NRF_MEMBER_DOUBLE, OF_ACTIVITY(angle),   "rad", "of the stimulus"},
};
/* clang-format on */

static nrf_status write_preferences(const nrf_extract *x, const nrf_tuning_curves *curves,
                                    nrf_results *results)
{
  void *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)curves->channels * sizeof(preference_row), "preferences", &memory));
  preference_row *row = memory;
  for (int c = 0; c < curves->channels; c++) {
    const nrf_orientation_fit *fit    = &curves->fit[c];
    const nrf_cosine_fit      *better = nrf_better_cosine(fit);
    row[c]       = (preference_row){.preference   = nrf_preference_of_fit(x->layer->channel[c], fit),
                                    .explained    = nrf_explained_variance(curves->angles, better->amplitude),
                                    .mean         = better->mean,
                                    .phase        = better->phase,
                                    .amplitude_of = {fit->cycle[0].amplitude, fit->cycle[1].amplitude},
                                    .cost_of      = {fit->cycle[0].cost, fit->cycle[1].cost}};
    row[c].tuned = nrf_is_tuned(&row[c].preference);
  }
  const nrf_status st = nrf_show_records(
      "orientation_pref_results_just_angles",
      "What each channel's central neuron prefers: cosines fitted to its mean state during stimuli "
      "of all angles",
      (int)(sizeof preference_columns / sizeof *preference_columns), preference_columns,
      (nrf_records){curves->channels, sizeof *row, row}, results);
  nrf_free(memory);
  return st;
}

static nrf_status write_activity(const nrf_extract *x, const nrf_tuning_curves *curves, nrf_results *results)
{
  const int64_t n = (int64_t)x->images * x->channels;
  void         *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof(activity_row), "activity", &memory));
  activity_row *row = memory;
  for (int b = 0, i = 0; b < x->images; b++)
    for (int c = 0; c < x->channels; c++, i++) {
      const int64_t at    = nrf_extract_at(x, c, b, x->centre.h, x->centre.w);
      const int     angle = (int)nearbyint(x->info->image[b].angle / (2.0 * M_PI) * curves->angles);
      row[i]              = (activity_row){.image   = x->info->image[b].index,
                                           .h       = x->layer->top + x->centre.h,
                                           .w       = x->layer->left + x->centre.w,
                                           .channel = x->layer->channel[c],
                                           .active  = nrf_is_active(x, at),
                                           .during  = x->during.mean[at],
                                           .outside = x->outside.mean[at],
                                           .angle   = curves->angle[angle]};
    }
  const nrf_status st =
      nrf_show_records("patch_activity_results_just_angles",
                       "Mean state of the central neurons, which the preferences are found from",
                       (int)(sizeof activity_columns / sizeof *activity_columns), activity_columns,
                       (nrf_records){n, sizeof *row, row}, results);
  nrf_free(memory);
  return st;
}

/* ---- figures ----------------------------------------------------------------------------------------------- */

enum { SHEET_COLUMNS = 4, SHEET_CHANNELS = 32, CURVE = 181, NAME_BYTES = 96 };

typedef struct preference_show {
  const nrf_extract       *x;
  const nrf_tuning_curves *curves;
  double                   limit; /* of what is plotted, in magnitude */
} preference_show;

static nrf_preference preference_of(const preference_show *s, int c)
{
  return nrf_preference_of_fit(s->x->layer->channel[c], &s->curves->fit[c]);
}

static bool is_tuned(const preference_show *s, int c)
{
  const nrf_preference p = preference_of(s, c);
  return nrf_is_tuned(&p);
}

static const double *curve_of(const preference_show *s, int c)
{
  return s->curves->z + (size_t)c * (size_t)s->curves->angles;
}

static double largest_value(const nrf_tuning_curves *curves)
{
  double largest = NRF_TUNED_AMPLITUDE;
  for (int64_t i = 0; i < (int64_t)curves->channels * curves->angles; i++)
    if (isfinite(curves->z[i])) largest = fmax(largest, fabs(curves->z[i]));
  return largest;
}

/* The fitted cosine all the way round, [CURVE]. */
static void fitted_curve(const nrf_orientation_fit *fit, double *angle, double *value)
{
  const nrf_cosine_fit *better = nrf_better_cosine(fit);
  for (int k = 0; k < CURVE; k++) {
    angle[k] = 2.0 * M_PI * k / (CURVE - 1);
    value[k] = better->amplitude * cos((fit->dir_or_ori + 1) * angle[k] + better->phase) + better->mean;
  }
}

static void name_channel(const preference_show *s, int c, nrf_panel *panel)
{
  const char *remark = s->curves->fit[c].dir_or_ori < 0 ? ", no tuning curve"
                       : is_tuned(s, c)                 ? ""
                                                        : ", not tuned";
  nrf_panel_title(panel, "Channel %d%s", s->x->layer->channel[c], remark);
}

static nrf_status plot_straight(const preference_show *s, int c, nrf_panel *panel)
{
  static const nrf_tick      ticks[] = {{0, "0"}, {90, "90"}, {180, "180"}, {270, "270"}};
  const nrf_orientation_fit *fit     = &s->curves->fit[c];
  const int                  n       = s->curves->angles;
  const double              *z       = curve_of(s, c);
  double                     angle[CURVE], value[CURVE];
  void                      *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof(double), "tuning curve", &memory));
  double *degrees = memory;
  for (int k = 0; k < n; k++) degrees[k] = s->curves->angle[k] * DEGREES;
  name_channel(s, c, panel);
  nrf_panel_x(
      panel,
      &(nrf_axis){.label = "Angle of the stimulus [°]", .low = -5, .high = 365, .n_ticks = 4, .tick = ticks});
  nrf_panel_y(panel,
              &(nrf_axis){.label = "Normalised activity", .low = -1.05 * s->limit, .high = 1.05 * s->limit});
  nrf_plot_line(panel, n, degrees, z, &(nrf_plot_style){.colour = NRF_BLUE, .width = 1.0});
  if (fit->dir_or_ori >= 0) {
    fitted_curve(fit, angle, value);
    for (int k = 0; k < CURVE; k++) angle[k] *= DEGREES;
    nrf_plot_line(panel, CURVE, angle, value, &(nrf_plot_style){.colour = NRF_RED});
  }
  if (fit->chosen_peak >= 0)
    nrf_plot_points(panel, 1, degrees + fit->chosen_peak, z + fit->chosen_peak,
                    &(nrf_plot_style){.colour = NRF_RED, .size = 7.0});
  nrf_free(memory);
  return NRF_OK;
}

static nrf_status plot_round(const preference_show *s, int c, nrf_panel *panel)
{
  const nrf_orientation_fit *fit = &s->curves->fit[c];
  const int                  n   = s->curves->angles;
  double                     angle[CURVE], value[CURVE];
  void                      *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc(2 * ((size_t)n + 1) * sizeof(double), "tuning curve", &memory));
  double *x = memory, *y = x + n + 1;
  for (int k = 0; k <= n; k++) { /* and the first one again */
    x[k] = s->curves->angle[k % n];
    y[k] = curve_of(s, c)[k % n];
  }
  nrf_panel_polar(panel, false);
  name_channel(s, c, panel);
  nrf_panel_y(panel, &(nrf_axis){.low = -s->limit, .high = s->limit});
  nrf_plot_circle(panel, 0.0, &(nrf_plot_style){.colour = NRF_GREY, .width = 0.8});
  nrf_plot_line(panel, n + 1, x, y, &(nrf_plot_style){.colour = NRF_BLUE, .width = 1.0});
  if (fit->dir_or_ori >= 0) {
    fitted_curve(fit, angle, value);
    nrf_plot_line(panel, CURVE, angle, value, &(nrf_plot_style){.colour = NRF_RED});
  }
  nrf_free(memory);
  return NRF_OK;
}

/* A kind of sheet with a panel for each channel. */
typedef struct sheet_kind {
  const char *name, *caption;
  double      width, panel_height; /* inches */
  bool        share;               /* axes */
  nrf_status (*plot)(const preference_show *s, int c, nrf_panel *panel);
} sheet_kind;

static const sheet_kind sheet_kinds[] = {
    {"orientation_prefs",
     "Mean state of each channel's central neuron during the stimulus (blue) against the angle of the "
     "stimulus: less its "
     "mean over angles, with norm 1, so that noise is as large as a response. Red: the better of two "
     "cosines, "
     "with one and with two cycles; red dot: the peak of the activity nearest to its maximum, which is taken "
     "for "
     "the preferred angle.",
     12.0, 2.0, true, plot_straight},
    {"orientation_prefs_circles",
     "The same round the circle. 0° is to the right, 90° up; the grey circle is 0, the middle below it. A "
     "bar at 0° is "
     "horizontal, "
     "at 90° vertical; half a turn apart are equal bars whose light and dark stripes are exchanged.",
     10.0, 2.7, false, plot_round},
};

static nrf_status show_sheet(const preference_show *s, const sheet_kind *kind, int first,
                             nrf_results *results)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  char        name[NAME_BYTES];
  const int   rest = s->curves->channels - first, n = rest < SHEET_CHANNELS ? rest : SHEET_CHANNELS;
  const int   columns = n < SHEET_COLUMNS ? n : SHEET_COLUMNS, rows = (n + columns - 1) / columns;
  (void)snprintf(name, sizeof name, first == 0 ? "%s" : "%s_%d", kind->name, first / SHEET_CHANNELS + 1);
  const nrf_figure_spec spec = {.name    = name,
                                .caption = kind->caption,
                                .width   = kind->width,
                                .height  = 1.0 + kind->panel_height * rows,
                                .rows    = rows,
                                .columns = columns,
                                .share_x = kind->share,
                                .share_y = kind->share};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int i = 0; i < n; i++)
    NRF_TRY(kind->plot(s, first + i, nrf_figure_panel(figure, i / columns, i % columns)));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* Where a channel's number stands: outside its dot, and farther out while it would cover another number. */
typedef struct label_place {
  double x, y;
} label_place;

static double place_label(double angle, double amplitude, double step, int n, label_place *place)
{
  double radius = amplitude + step;
  for (int k = 0; k < n;) {
    const double x = radius * cos(angle), y = radius * sin(angle);
    if (hypot(x - place[k].x, y - place[k].y) < step) {
      radius += 0.5 * step;
      k = 0;
    } else {
      k++;
    }
  }
  place[n] = (label_place){radius * cos(angle), radius * sin(angle)};
  return radius;
}

static nrf_status plot_circle(const preference_show *s, nrf_panel *panel)
{
  static const double STEP    = 0.07; /* of the largest amplitude */
  double              largest = 1.5 * NRF_TUNED_AMPLITUDE, rim = largest;
  int                 placed = 0;
  void               *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)s->curves->channels * sizeof(label_place), "preferences", &memory));
  for (int c = 0; c < s->curves->channels; c++) largest = fmax(largest, preference_of(s, c).amplitude);
  nrf_panel_polar(panel, true);
  nrf_plot_circle(panel, NRF_TUNED_AMPLITUDE, &(nrf_plot_style){.colour = NRF_RED, .width = 1.0});
  for (int c = 0; c < s->curves->channels; c++) {
    const nrf_preference p        = preference_of(s, c);
    const double         angle[2] = {p.angle, p.angle}, radius[2] = {0.0, p.amplitude};
    const char          *colour = is_tuned(s, c) ? NRF_BLUE : NRF_RED;
    if (!isfinite(p.angle)) continue;
    nrf_plot_line(panel, 2, angle, radius,
                  &(nrf_plot_style){
                      .colour = colour, .width = 1.0, .dash = p.dir_or_ori == 1 ? NRF_DASHED : NRF_SOLID});
    nrf_plot_points(panel, 1, angle + 1, radius + 1, &(nrf_plot_style){.colour = colour, .size = 5.0});
    const double at = place_label(p.angle, p.amplitude, STEP * largest, placed++, memory);
    nrf_plot_text(panel, p.angle, at, NRF_BLACK, "%d", p.channel);
    rim = fmax(rim, at + STEP * largest);
  }
  nrf_panel_y(panel, &(nrf_axis){.low = 0.0, .high = rim});
  nrf_free(memory);
  return NRF_OK;
}

static nrf_status show_circle(const preference_show *s, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  const nrf_figure_spec spec   = {
        .name    = "orient_prefs_circle2",
        .caption = "Preferred angle of each channel (its number at the end), and the amplitude of the "
                     "fitted cosine as the distance from the middle. Red "
                     "circle: amplitude 0.04; channels within (red) count as untuned. Dashed: two cycles fit "
                     "better; the channel then prefers the opposite angle as well.",
        .width   = 6,
        .height  = 6};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  NRF_TRY(plot_circle(s, nrf_figure_panel(figure, 0, 0)));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static nrf_status show_figures(const nrf_extract *x, const nrf_tuning_curves *curves, nrf_results *results)
{
  const preference_show show = {x, curves, largest_value(curves)};
  for (size_t k = 0; k < sizeof sheet_kinds / sizeof *sheet_kinds; k++)
    for (int first = 0; first < curves->channels; first += SHEET_CHANNELS)
      NRF_RETURN_IF_ERROR(show_sheet(&show, &sheet_kinds[k], first, results));
  return show_circle(&show, results);
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

static void show_numbers(const nrf_extract *x, const nrf_tuning_curves *curves, nrf_results *results)
{
  int  tuned = 0, directed = 0, none = 0;
  char note[NAME_BYTES];
  for (int c = 0; c < curves->channels; c++) {
    const nrf_preference p = nrf_preference_of_fit(x->layer->channel[c], &curves->fit[c]);
    tuned += nrf_is_tuned(&p);
    directed += nrf_is_tuned(&p) && p.dir_or_ori == 0;
    none += p.dir_or_ori < 0;
  }
  (void)snprintf(note, sizeof note, "independent noise would count as tuned in at most %.2g %% of channels",
                 100.0 * nrf_tuned_by_chance(curves->angles));
  nrf_show_share(results, "Channels that are tuned to an angle", tuned, curves->channels, note);
  nrf_show_share(results, "Tuned channels with one preferred direction", directed, tuned,
                 "the others prefer an orientation, with two opposite angles; directions of a patch that "
                 "stands still differ only in where its light and dark stripes are");
  nrf_results_note(results, "%d angles, %d images: one value for each angle is the mean over its images",
                   curves->angles, x->images);
  if (none > 0)
    nrf_results_note(
        results,
        "%d of %d channels have no tuning curve: the central neuron's mean state is the same for "
        "all angles, or not finite",
        none, curves->channels);
}

/* ---- the analysis ------------------------------------------------------------------------------------------ */

nrf_status nrf_step_orientation_preferences(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status                    st     = NRF_OK;
  const nrf_extract            *x      = context->extract[NRF_KIND_ANG];
  nrf_tuning_curves             curves = {0};
  const nrf_orientation_fit_how how =
      context->settings->original_quirks ? NRF_ORIENTATION_AS_WRITTEN : NRF_ORIENTATION_CORRECT;
  NRF_TRY(nrf_tuning_curves_of(x, how, &curves));
  if (curves.why_not != NULL) return nrf_results_skip(results, "%s", curves.why_not);
  NRF_TRY(write_preferences(x, &curves, results));
  NRF_TRY(write_activity(x, &curves, results));
  show_numbers(x, &curves, results);
  NRF_TRY(show_figures(x, &curves, results));
done:
  nrf_tuning_curves_free(&curves);
  return st;
}
