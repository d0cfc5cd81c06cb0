/* matching_steps.c - which channels match which stimuli of the contrast experiment (analysis.md 3.7). */
#include "different_values.h"
#include "matching.h"
#include "orientation_steps.h"
#include "preferences_table.h"
#include "show.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

#define DEGREES (180.0 / M_PI)

enum { LABEL_BYTES = 80 };

typedef struct match_show {
  const nrf_extract     *x;
  const nrf_preferences *preferences;
  const nrf_matching    *m;
} match_show;

static bool is_tuned(const match_show *s, int c)
{
  return isfinite(s->m->preferred[c]);
}

static int count_matches(const match_show *s, int c)
{
  int n = 0;
  for (int b = 0; b < s->m->images; b++) n += s->m->matched[nrf_match_at(s->m, c, b)];
  return n;
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

typedef struct channel_row {
  int    channel;
  double preferred, matched_angle, nearest;
  int    images;
} channel_row;

typedef struct neuron_row {
  int          image, h, w, channel;
  nrf_activity activity;
  double       preferred, stimulus, contrast;
  bool         matched;
} neuron_row;

#define OF_CHANNEL(member)  offsetof(channel_row, member)
#define OF_NEURON(member)   offsetof(neuron_row, member)
#define OF_ACTIVITY(member) (OF_NEURON(activity) + offsetof(nrf_activity, member))

/* clang-format off */
static const nrf_record_column channel_columns[] = {
    {"channel",                   NRF_MEMBER_INT,    OF_CHANNEL(channel),       "",    "channel of the layer"},
    {"ori_pref",                  NRF_MEMBER_DOUBLE, OF_CHANNEL(preferred),     "rad", "preferred angle; NaN: not tuned"},
    {"matched_stim_ori",          NRF_MEMBER_DOUBLE, OF_CHANNEL(matched_angle), "rad", "angle of the stimulus that matches; NaN: none does"},
    {"nearest_stim_difference",   NRF_MEMBER_DOUBLE, OF_CHANNEL(nearest),       "rad", "difference from the nearest stimulus; a match if below 10 degrees"},
    {"matched_images",            NRF_MEMBER_INT,    OF_CHANNEL(images),        "",    "images with a stimulus that matches, of all contrasts, also of none"},
};

static const nrf_record_column neuron_columns[] = {
    {"batch_idx",             NRF_MEMBER_INT,    OF_NEURON(image),          "",    "image, its number in the batch"},
    {"height",                NRF_MEMBER_INT,    OF_NEURON(h),              "",    "row of the layer's map"},
    {"width",                 NRF_MEMBER_INT,    OF_NEURON(w),              "",    "column of the layer's map"},
    {"channel",               NRF_MEMBER_INT,    OF_NEURON(channel),        "",    "channel of the layer"},
    {"active",                NRF_MEMBER_BOOL,   OF_ACTIVITY(active),       "",    "mean state larger during the stimulus, with p < 0.05"},
    {"mean_act_during",       NRF_MEMBER_DOUBLE, OF_ACTIVITY(mean_during),  "",    "mean state during the stimulus"},
    {"mean_act_outside",      NRF_MEMBER_DOUBLE, OF_ACTIVITY(mean_outside), "",    "mean state before and after the stimulus, without the burn-in"},
    {"ttest_p_value",         NRF_MEMBER_DOUBLE, OF_ACTIVITY(t_p),          "",    "Welch's test of both means, as if successive states were independent"},
    {"shapiro_W_during",      NRF_MEMBER_DOUBLE, OF_ACTIVITY(w_during),     "",    "Shapiro and Wilk's W, during the stimulus"},
    {"shapiro_W_outside",     NRF_MEMBER_DOUBLE, OF_ACTIVITY(w_outside),    "",    "the same before and after it"},
    {"shapiro_p_during",      NRF_MEMBER_DOUBLE, OF_ACTIVITY(p_during),     "",    "probability of so small a W in independent normal samples, during the stimulus"},
    {"shapiro_p_outside",     NRF_MEMBER_DOUBLE, OF_ACTIVITY(p_outside),    "",    "the same before and after it"},
    {"ori_pref",              NRF_MEMBER_DOUBLE, OF_NEURON(preferred),      "rad", "preferred angle of the channel; NaN: not tuned"},
    {"stim_ori",              NRF_MEMBER_DOUBLE, OF_NEURON(stimulus),       "rad", "angle of the stimulus"},
    {"stim_contrast",         NRF_MEMBER_DOUBLE, OF_NEURON(contrast),       "",    "contrast the stimulus was made with; 0: there is none to be seen"},
    {"matched_stim_ori_pref", NRF_MEMBER_BOOL,   OF_NEURON(matched),        "",    "whether the two angles differ by less than 10 degrees"},
};
/* clang-format on */

static channel_row channel_row_of(const match_show *s, int c)
{
  channel_row row = {.channel       = s->x->layer->channel[c],
                     .preferred     = s->m->preferred[c],
                     .matched_angle = NAN,
                     .nearest       = NAN,
                     .images        = count_matches(s, c)};
  for (int b = 0; b < s->m->images; b++) {
    const int64_t at = nrf_match_at(s->m, c, b);
    if (s->m->matched[at]) row.matched_angle = s->m->stimulus[b];
    row.nearest = fmin(row.nearest, s->m->difference[at]); /* of a number and NaN the number */
  }
  return row;
}

static nrf_status write_channels(const match_show *s, nrf_results *results)
{
  void *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)s->m->channels * sizeof(channel_row), "matches", &memory));
  channel_row *row = memory;
  for (int c = 0; c < s->m->channels; c++) row[c] = channel_row_of(s, c);
  const nrf_status st =
      nrf_show_records("matched_channels", "Which stimulus of the contrast experiment suits each channel",
                       (int)(sizeof channel_columns / sizeof *channel_columns), channel_columns,
                       (nrf_records){s->m->channels, sizeof *row, row}, results);
  nrf_free(memory);
  return st;
}

static neuron_row neuron_row_of(const match_show *s, int c, int b, nrf_site site)
{
  const int64_t at = nrf_match_at(s->m, c, b);
  return (neuron_row){.image     = s->x->info->image[b].index,
                      .h         = s->x->layer->top + site.h,
                      .w         = s->x->layer->left + site.w,
                      .channel   = s->x->layer->channel[c],
                      .activity  = nrf_activity_of(s->x, nrf_extract_at(s->x, c, b, site.h, site.w)),
                      .preferred = s->m->preferred[c],
                      .stimulus  = s->m->stimulus[b],
                      .contrast  = s->x->info->image[b].contrast,
                      .matched   = s->m->matched[at]};
}

/* The neurons of the central patch: no later analysis selects from others, and what makes the rows of others is their channel and
 * image. */
static nrf_status write_neurons(const match_show *s, nrf_results *results)
{
  int64_t sites = 0, n = 0;
  void   *memory;
  for (int b = 0; b < s->m->images; b++) sites += s->x->state_sites[b].count;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(sites * s->m->channels) * sizeof(neuron_row), "matches", &memory));
  neuron_row *row = memory;
  for (int c = 0; c < s->m->channels; c++)
    for (int b = 0; b < s->m->images; b++)
      for (int i = 0; i < s->x->state_sites[b].count; i++)
        row[n++] = neuron_row_of(s, c, b, s->x->state_sites[b].site[i]);
  const nrf_status st = nrf_show_records(
      "neuron_activity_results_alternativeformat_primary_w_ori_w_match",
      "Activity of the neurons of the central patch, which later analyses select from, with what their "
      "channel prefers and whether the stimulus matches it; for other neurons, join the activity table "
      "of find_active_neurons on channel and batch_idx",
      (int)(sizeof neuron_columns / sizeof *neuron_columns), neuron_columns,
      (nrf_records){n, sizeof *row, row}, results);
  nrf_free(memory);
  return st;
}

/* ---- which channels match which stimuli -------------------------------------------------------------------- */

/* Channels in a group of dots. */
typedef enum dot_kind { DOT_MATCHED, DOT_BETWEEN, DOT_UNTUNED, DOTS } dot_kind;

static const struct dot_look {
  const char *label, *colour;
} dot_looks[DOTS] = {
    [DOT_MATCHED] = {"matches a stimulus", NRF_BLUE},
    [DOT_BETWEEN] = {"tuned, between two stimuli", NRF_ORANGE},
    [DOT_UNTUNED] = {"not tuned", NRF_GREY},
};

static dot_kind dot_of(const match_show *s, int c)
{
  return !is_tuned(s, c) ? DOT_UNTUNED : count_matches(s, c) > 0 ? DOT_MATCHED : DOT_BETWEEN;
}

/* What matches a stimulus, as a stripe; at both ends where it reaches round. */
static void plot_stripe(const match_show *s, double angle, nrf_panel *panel)
{
  static const double FULL_TURN = 360.0;
  const double        half = NRF_MATCH_ANGLE * DEGREES, middle = fmod(angle * DEGREES, FULL_TURN);
  const double        low[2] = {-0.8, -0.8}, high[2] = {s->m->channels - 0.2, s->m->channels - 0.2};
  for (int turn = -1; turn <= 1; turn++) {
    const double x[2] = {fmax(0.0, middle + turn * FULL_TURN - half),
                         fmin(FULL_TURN, middle + turn * FULL_TURN + half)};
    if (x[0] < x[1]) nrf_plot_band(panel, 2, x, low, high, &(nrf_plot_style){.colour = NRF_GREY});
  }
}

static void plot_dots(const match_show *s, dot_kind kind, double *x, double *y, nrf_panel *panel)
{
  int n = 0;
  for (int c = 0; c < s->m->channels; c++) {
    const nrf_preference *p = nrf_preference_of(s->preferences, s->x->layer->channel[c]);
    if (p == NULL || !isfinite(p->angle) || dot_of(s, c) != kind) continue;
    x[n]   = fmod(p->angle * DEGREES, 360.0);
    y[n++] = c;
  }
  if (n > 0)
    nrf_plot_points(
        panel, n, x, y,
        &(nrf_plot_style){.colour = dot_looks[kind].colour, .size = 6.0, .label = dot_looks[kind].label});
}

/* Names of channels where there is room: all of them, or every so many. */
static int channel_ticks(const match_show *s, nrf_tick *tick, char (*label)[NRF_COLOUR_TEXT])
{
  enum { MOST = 32 };
  const int every = (s->m->channels + MOST - 1) / MOST;
  int       n     = 0;
  for (int c = 0; c < s->m->channels; c += every, n++) {
    (void)snprintf(label[n], NRF_COLOUR_TEXT, "%d", s->x->layer->channel[c]);
    tick[n] = (nrf_tick){c, label[n]};
  }
  return n;
}

static double sheet_height(const match_show *s)
{
  return 2.5 + 0.15 * s->m->channels;
}

/* In channels: room for the legend above them. */
static double legend_room(const match_show *s)
{
  static const double LEGEND = 0.65, AXIS = 0.7; /* inches */
  const double        part = LEGEND / (sheet_height(s) - AXIS);
  return s->m->channels * part / (1.0 - part);
}

static nrf_status plot_channels(const match_show *s, nrf_panel *panel)
{
  nrf_tick tick[NRF_AXIS_MAX_TICKS];
  char     label[NRF_AXIS_MAX_TICKS][NRF_COLOUR_TEXT];
  void    *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc(2 * (size_t)s->m->channels * sizeof(double), "matches", &memory));
  double *x = memory, *y = x + s->m->channels;
  nrf_panel_y(panel, &(nrf_axis){.label    = "Channel",
                                 .low      = -0.8 - legend_room(s),
                                 .high     = s->m->channels - 0.2,
                                 .reversed = true,
                                 .n_ticks  = channel_ticks(s, tick, label),
                                 .tick     = tick});
  nrf_panel_legend(panel, NRF_TOP_RIGHT);
  for (int k = 0; k < s->m->n_angles; k++) plot_stripe(s, s->m->angle[k], panel);
  for (int kind = 0; kind < DOTS; kind++) plot_dots(s, (dot_kind)kind, x, y, panel);
  nrf_free(memory);
  return NRF_OK;
}

static bool matches_angle(const match_show *s, int c, double angle)
{
  for (int b = 0; b < s->m->images; b++)
    if (nrf_is_same_value(s->m->stimulus[b], angle)) return s->m->matched[nrf_match_at(s->m, c, b)];
  return false;
}

/* Whole numbers from 0 to `most`, not too many. */
static int count_ticks(int most, nrf_tick *tick)
{
  enum { MOST = 10 };
  const int every = most / MOST + 1;
  int       n     = 0;
  for (int at = 0; at <= most; at += every) tick[n++] = (nrf_tick){at, NULL};
  return n;
}

static nrf_status plot_counts(const match_show *s, nrf_panel *panel)
{
  nrf_tick tick[NRF_AXIS_MAX_TICKS];
  int      most = 1;
  void    *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc(2 * (size_t)s->m->n_angles * sizeof(double), "matches", &memory));
  double *x = memory, *y = x + s->m->n_angles;
  for (int k = 0; k < s->m->n_angles; k++) {
    int n = 0;
    for (int c = 0; c < s->m->channels; c++) n += matches_angle(s, c, s->m->angle[k]);
    x[k] = s->m->angle[k] * DEGREES;
    y[k] = n;
    most = n > most ? n : most;
  }
  nrf_panel_y(panel, &(nrf_axis){.label   = "Channels that match",
                                 .low     = 0.0,
                                 .high    = 1.05 * most,
                                 .n_ticks = count_ticks(most, tick),
                                 .tick    = tick});
  nrf_plot_bars(panel, s->m->n_angles, x, y, NRF_MATCH_ANGLE * DEGREES,
                &(nrf_plot_style){.colour = NRF_BLUE});
  nrf_free(memory);
  return NRF_OK;
}

static nrf_status show_matches(const match_show *s, nrf_results *results)
{
  nrf_status            st      = NRF_OK;
  nrf_figure           *figure  = NULL;
  static const nrf_tick ticks[] = {{0, "0"},     {45, "45"},   {90, "90"},   {135, "135"}, {180, "180"},
                                   {225, "225"}, {270, "270"}, {315, "315"}, {360, "360"}};
  const nrf_axis        angles = {.label = "Angle [°]", .low = -6, .high = 366, .n_ticks = 9, .tick = ticks};
  const nrf_figure_spec spec   = {
        .name    = "matched_channels",
        .caption = "Left: preferred angle of each channel, and (grey) the angles within 10° of a "
                     "stimulus of the contrast experiment, which such a stimulus matches. Right: how many "
                     "channels each stimulus matches. Preferred angles of channels that are not tuned "
                     "mean nothing. Opposite angles do not match, also where a channel prefers an "
                     "orientation.",
        .width   = 12,
        .height  = sheet_height(s),
        .columns = 2};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int k = 0; k < 2; k++) nrf_panel_x(nrf_figure_panel(figure, 0, k), &angles);
  NRF_TRY(plot_channels(s, nrf_figure_panel(figure, 0, 0)));
  NRF_TRY(plot_counts(s, nrf_figure_panel(figure, 0, 1)));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* ---- how often they are active ----------------------------------------------------------------------------- */

static void plot_share(const match_show *s, const nrf_match_counts *count, const char *name,
                       const char *colour, double *columns, nrf_panel *panel)
{
  const int n = s->m->n_contrasts;
  double   *x = columns, *share = x + n, *low = share + n, *high = low + n;
  int       shown = 0;
  int64_t   all   = 0;
  char      label[LABEL_BYTES];
  for (int k = 0; k < n; k++) {
    if (count[k].n == 0) continue;
    all += count[k].n;
    const nrf_interval ends = nrf_share_interval(count[k].active, count[k].n);
    x[shown]                = s->m->contrast[k];
    share[shown]            = 100.0 * (double)count[k].active / (double)count[k].n;
    low[shown]              = 100.0 * ends.lower;
    high[shown++]           = 100.0 * ends.upper;
  }
  (void)snprintf(label, sizeof label, "%s (n = %lld)", name, (long long)all);
  nrf_plot_error_bars(panel, shown, x, share, low, high,
                      &(nrf_plot_style){.colour = colour, .joined = true, .label = label});
}

static void show_share_active(const match_show *s, const nrf_match_counts *count, const char *name,
                              nrf_results *results)
{
  int64_t n = 0, active = 0;
  for (int k = 0; k < s->m->n_contrasts; k++) {
    if (!(s->m->contrast[k] > 0.0)) continue;
    n += count[k].n;
    active += count[k].active;
  }
  nrf_show_share(results, name, active, n,
                 "of channel and image, contrasts above 0; the test takes successive states for independent");
}

static nrf_status show_activity(const match_show *s, nrf_results *results)
{
  nrf_status            st     = NRF_OK;
  nrf_figure           *figure = NULL;
  void                 *counts = NULL, *columns = NULL;
  const size_t          n    = (size_t)s->m->n_contrasts;
  const nrf_figure_spec spec = {
      .name    = "active_by_contrast",
      .caption = "How often the central neuron of a tuned channel is active: pairs of channel and "
                 "image, by the contrast the stimulus was made with. Bars: 95 % (Wilson), as if pairs "
                 "were independent. At contrast 0 there is no stimulus, though it counts as matched: what "
                 "is active there is so by chance or drift, and shows how much the test, which takes "
                 "successive states for independent, overrates changes."};
  NRF_TRY(nrf_alloc(2 * n * sizeof(nrf_match_counts), "matches", &counts));
  NRF_TRY(nrf_alloc(4 * n * sizeof(double), "matches", &columns));
  nrf_match_counts *matched = counts, *others = matched + n;
  nrf_count_active(s->x, s->m, matched, others);
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_panel *panel = nrf_figure_panel(figure, 0, 0);
  nrf_panel_x(panel, &(nrf_axis){.label = "Contrast"});
  nrf_panel_y(panel, &(nrf_axis){.label = "Central neuron active [%]", .low = -4, .high = 104});
  nrf_panel_legend(panel, NRF_BOTTOM_RIGHT);
  plot_share(s, others, "other stimuli", NRF_ORANGE, columns, panel);
  plot_share(s, matched, "matched stimuli", NRF_BLUE, columns, panel);
  NRF_TRY(nrf_results_figure(results, figure));
  show_share_active(s, matched, "Central neuron active, matched stimuli", results);
  show_share_active(s, others, "Central neuron active, other stimuli", results);
done:
  nrf_figure_free(figure);
  nrf_free(counts);
  nrf_free(columns);
  return st;
}

/* ---- the analysis ------------------------------------------------------------------------------------------ */

static void show_numbers(const match_show *s, nrf_results *results)
{
  int tuned = 0, matching = 0, images = 0;
  for (int c = 0; c < s->m->channels; c++) {
    const int n = count_matches(s, c);
    tuned += is_tuned(s, c);
    matching += n > 0;
    images = n > images ? n : images;
  }
  nrf_show_share(results, "Channels that match a stimulus of the contrast experiment", matching,
                 s->m->channels, "within 10°, channels that are not tuned match none");
  nrf_results_note(results,
                   "%d of %d channels match a stimulus, %d are tuned but between two, %d are not tuned; a "
                   "channel matches at most %d of %d images",
                   matching, s->m->channels, tuned - matching, s->m->channels - tuned, images, s->m->images);
}

static nrf_status show_all(const match_show *s, nrf_results *results)
{
  NRF_RETURN_IF_ERROR(write_channels(s, results));
  show_numbers(s, results);
  NRF_RETURN_IF_ERROR(show_matches(s, results));
  if (s->x->centre.h < 0) {
    nrf_results_note(results,
                     "the centre of the map was not recorded: there is no activity to go with the matches");
    return NRF_OK;
  }
  NRF_RETURN_IF_ERROR(write_neurons(s, results));
  if (s->m->n_contrasts > 0) return show_activity(s, results);
  nrf_results_note(results, "the stimuli have no contrast: activity is not shown by contrast");
  return NRF_OK;
}

nrf_status nrf_step_assign_preferences(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status         st          = NRF_OK;
  const nrf_extract *x           = context->extract[NRF_KIND_PRIM];
  nrf_preferences    preferences = {0};
  nrf_matching       matching    = {0};
  NRF_TRY(nrf_preferences_read(context, &preferences));
  NRF_TRY(nrf_match_channels(x, &preferences, context->settings->original_quirks, &matching));
  if (matching.n_angles == 0) {
    st = nrf_results_skip(results, "the stimuli have no angle");
    goto done;
  }
  const match_show show = {x, &preferences, &matching};
  NRF_TRY(show_all(&show, results));
done:
  nrf_matching_free(&matching);
  nrf_free(preferences.channel);
  return st;
}
