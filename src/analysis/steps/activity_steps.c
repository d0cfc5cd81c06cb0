/* activity_steps.c - which neurons a stimulus makes active (analysis.md 3.1). */
#include "activity_steps.h"

#include "activity_counts.h"
#include "moments_by_x.h"
#include "show.h"

#include "nrflv/analysis/t_test.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

typedef struct active_show {
  const nrf_extract         *x;
  const nrf_activity_counts *counts;
  const nrf_stretch_count   *stretches; /* [channels][images] */
} active_show;

enum { CAPTION_BYTES = 1024, NAME_BYTES = 160 };

/* ---- shares over images ------------------------------------------------------------------------------------ */

typedef bool image_filter(const nrf_extract *x, int image);

/* Images are independent runs of the sampler, neurons of one image are not: so the share of each image is one value. In percent. */
static nrf_moments share_over_images(const active_show *s, nrf_activity_share share, int channel,
                                     image_filter *filter)
{
  nrf_moments m = nrf_moments_none();
  for (int b = 0; b < s->x->images; b++) {
    const double part = nrf_share_of(s->counts, share, channel, b);
    if (!isnan(part) && (filter == NULL || filter(s->x, b))) nrf_moments_add(&m, 100.0 * part);
  }
  return m;
}

/* Of percentages, which an interval cannot leave. NaN of a single value. */
static nrf_interval percent_interval(nrf_moments m)
{
  const nrf_interval ends = nrf_t_interval(m, NRF_SHOWN_CONFIDENCE);
  if (isnan(ends.lower)) return ends;
  return (nrf_interval){fmax(ends.lower, 0.0), fmin(ends.upper, 100.0)};
}

/* ---- what a stimulus is drawn at --------------------------------------------------------------------------- */

typedef struct stimulus_axis {
  const char *label,
      *series[2]; /* the second one is of images for which is_second is true; NULL: there is none */
  double (*x)(const nrf_recording_image *image);
  bool (*is_second)(const nrf_recording_image *image);
} stimulus_axis;

static double contrast_of(const nrf_recording_image *image)
{
  return image->contrast;
}

static double degrees_of(const nrf_recording_image *image)
{
  return image->angle * 180.0 / M_PI;
}

static double distance_of(const nrf_recording_image *image)
{
  return hypot(image->offset_row, image->offset_column);
}

static bool is_orthogonal(const nrf_recording_image *image)
{
  return fabs(sin(image->angle - image->angle_static)) > 0.5;
}

static const stimulus_axis *axis_of(nrf_experiment_kind kind)
{
  static const stimulus_axis contrast = {"Contrast", {NULL, NULL}, contrast_of, NULL},
                             angle    = {"Angle of the stimulus [°]", {NULL, NULL}, degrees_of, NULL},
                             distance = {"Distance of the patches [pixels]",
                                         {"parallel patches", "orthogonal patches"},
                                         distance_of,
                                         is_orthogonal};
  return kind == NRF_KIND_PRIM ? &contrast : kind == NRF_KIND_DBL ? &distance : &angle;
}

/* ---- panels ------------------------------------------------------------------------------------------------ */

/* A mean and its interval for each of up to NRF_MAX_X places; the interval of a single value is left out. */
typedef struct dots {
  int    n;
  double x[NRF_MAX_X], y[NRF_MAX_X], low[NRF_MAX_X], high[NRF_MAX_X];
} dots;

static void add_dot(dots *d, double x, nrf_moments m)
{
  if (m.n == 0 || d->n == NRF_MAX_X) return;
  const nrf_interval ends = percent_interval(m);
  d->x[d->n]              = x;
  d->y[d->n]              = m.mean;
  d->low[d->n]            = isnan(ends.lower) ? m.mean : ends.lower;
  d->high[d->n]           = isnan(ends.upper) ? m.mean : ends.upper;
  d->n++;
}

/* All of a panel's plots return the largest value that is drawn. */
static double plot_dots(nrf_panel *panel, const dots *d, const nrf_plot_style *style)
{
  double largest = 0.0;
  nrf_plot_error_bars(panel, d->n, d->x, d->y, d->low, d->high, style);
  for (int i = 0; i < d->n; i++) largest = fmax(largest, d->high[i]);
  return largest;
}

static const struct {
  const char *colour, *label;
} share_styles[NRF_ACTIVITY_SHARES] = {
    [NRF_SHARE_ACTIVE]             = {NRF_BLUE, "higher"},
    [NRF_SHARE_LOWER]              = {NRF_ORANGE, "lower"},
    [NRF_SHARE_NOT_NORMAL_DURING]  = {NRF_RED, "during"},
    [NRF_SHARE_NOT_NORMAL_OUTSIDE] = {NRF_GREY, "outside"},
};

static double plot_by_channel(const active_show *s, nrf_activity_share share, nrf_panel *panel)
{
  dots d = {.n = 0};
  for (int c = 0; c < s->x->channels; c++)
    add_dot(&d, s->x->layer->channel[c], share_over_images(s, share, c, NULL));
  return plot_dots(
      panel, &d, &(nrf_plot_style){.colour = share_styles[share].colour, .label = share_styles[share].label});
}

static double plot_by_stimulus(const active_show *s, nrf_activity_share share, bool second,
                               const nrf_plot_style *style, nrf_panel *panel)
{
  const stimulus_axis *axis = axis_of(s->x->kind);
  nrf_moments_by_x     at   = {.n = 0};
  dots                 d    = {.n = 0};
  for (int b = 0; b < s->x->images; b++) {
    const nrf_recording_image *image = &s->x->info->image[b];
    const double               part = nrf_share_of(s->counts, share, -1, b), x = axis->x(image);
    if (isnan(part) || isnan(x) || (axis->is_second != NULL && axis->is_second(image) != second)) continue;
    nrf_add_at_x(&at, x, 100.0 * part);
  }
  for (int i = 0; i < at.n; i++) add_dot(&d, at.x[i], at.at[i]);
  return plot_dots(panel, &d, style);
}

static double plot_stimuli(const active_show *s, nrf_panel *panel)
{
  const stimulus_axis     *axis      = axis_of(s->x->kind);
  const bool               two       = axis->is_second != NULL;
  const nrf_activity_share share[2]  = {NRF_SHARE_ACTIVE, two ? NRF_SHARE_ACTIVE : NRF_SHARE_LOWER};
  const char *const        colour[2] = {NRF_BLUE, two ? NRF_GREY : share_styles[NRF_SHARE_LOWER].colour};
  double                   largest   = 0.0;
  for (int k = 0; k < 2; k++) {
    const nrf_plot_style style = {
        .colour = colour[k], .joined = true, .label = two ? axis->series[k] : share_styles[share[k]].label};
    largest = fmax(largest, plot_by_stimulus(s, share[k], k == 1, &style, panel));
  }
  nrf_panel_title(panel, two ? "Higher mean, by stimulus" : "By stimulus");
  return largest;
}

/* Of the kept neurons of a channel, both tests. */
static double plot_stretches(const active_show *s, nrf_panel *panel)
{
  double channel[NRF_MAX_X], single[NRF_MAX_X], stretch[NRF_MAX_X];
  double largest = 0.0;
  int    n       = 0;
  for (int c = 0; c < s->x->channels && n < NRF_MAX_X; c++) {
    int64_t kept = 0, active = 0, of_stretches = 0;
    for (int b = 0; b < s->x->images; b++) {
      const nrf_stretch_count *count = &s->stretches[(int64_t)c * s->x->images + b];
      kept += count->kept;
      active += count->active;
      of_stretches += count->of_stretches;
    }
    if (kept == 0) continue;
    channel[n] = s->x->layer->channel[c];
    single[n]  = 100.0 * (double)active / (double)kept;
    stretch[n] = 100.0 * (double)of_stretches / (double)kept;
    largest    = fmax(largest, fmax(single[n], stretch[n]));
    n++;
  }
  nrf_plot_points(panel, n, channel, single, &(nrf_plot_style){.colour = NRF_BLUE, .label = "single states"});
  nrf_plot_points(panel, n, channel, stretch, &(nrf_plot_style){.colour = NRF_RED, .label = "stretches"});
  nrf_panel_title(panel, "Neurons whose traces are kept: two tests");
  return largest;
}

/* ---- figures ----------------------------------------------------------------------------------------------- */

/* With room for the legend above what is plotted. */
static void finish_panel(nrf_panel *panel, const char *x_label, double largest)
{
  static const double ROOM = 1.25, LEAST = 1.0;
  nrf_panel_x(panel, &(nrf_axis){.label = x_label});
  nrf_panel_y(panel, &(nrf_axis){.label = "Neurons [%]", .low = 0.0, .high = ROOM * fmax(largest, LEAST)});
  nrf_panel_legend(panel, NRF_TOP_RIGHT);
}

static void plot_two_by_channel(const active_show *s, nrf_activity_share one, nrf_activity_share other,
                                nrf_panel *panel)
{
  const double largest = plot_by_channel(s, one, panel);
  finish_panel(panel, "Channel", fmax(largest, plot_by_channel(s, other, panel)));
}

static nrf_status show_shares(const active_show *s, nrf_results *results)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  char        caption[CAPTION_BYTES];
  (void)snprintf(
      caption, sizeof caption,
      "Neurons whose mean state is higher (active) or lower during the stimulus than outside it, Welch's "
      "test, "
      "p < 0.05; means over %d images of %d neurons per channel, bars: 95 %% intervals over images. "
      "Successive "
      "states are taken for independent, which they are not, and nothing is corrected for the number of "
      "tests, so p values are far too small. "
      "Lower left: Shapiro and Wilk's test rejects normality for as many neurons, with the same reservation. "
      "Lower right: the neurons whose traces are kept, by that test and by the test of means over %.0f ms, "
      "which are nearly independent.",
      s->x->images, s->x->height * s->x->width, (double)nrf_stretch_rows(s->x) * s->x->ms_per_row);
  const nrf_figure_spec spec = {
      .name = "active_neurons", .caption = caption, .width = 10, .height = 7.5, .rows = 2, .columns = 2};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_panel *channels = nrf_figure_panel(figure, 0, 0), *stimuli = nrf_figure_panel(figure, 0, 1),
            *normality = nrf_figure_panel(figure, 1, 0), *kept = nrf_figure_panel(figure, 1, 1);
  nrf_panel_title(channels, "Mean during the stimulus, by channel");
  nrf_panel_title(normality, "Not normally distributed");
  plot_two_by_channel(s, NRF_SHARE_ACTIVE, NRF_SHARE_LOWER, channels);
  finish_panel(stimuli, axis_of(s->x->kind)->label, plot_stimuli(s, stimuli));
  plot_two_by_channel(s, NRF_SHARE_NOT_NORMAL_DURING, NRF_SHARE_NOT_NORMAL_OUTSIDE, normality);
  finish_panel(kept, "Channel", plot_stretches(s, kept));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* ---- where, and for which stimuli -------------------------------------------------------------------------- */

/* Images of equal group show the same; if not all of them have one, each is a group of its own. */
static int count_groups(const nrf_extract *x)
{
  int groups = 0;
  for (int b = 0; b < x->images; b++) {
    const int group = x->info->image[b].group;
    if (group < 0 || group >= x->images) return x->images;
    groups = group >= groups ? group + 1 : groups;
  }
  return groups;
}

/* Active neurons [%] of each channel and group, [channels][groups]. */
static nrf_status fill_matrix(const active_show *s, int groups, double *matrix)
{
  const int n = s->x->channels * groups;
  void     *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof(nrf_moments), "shares", &memory));
  nrf_moments *m = memory;
  for (int i = 0; i < n; i++) m[i] = nrf_moments_none();
  for (int c = 0; c < s->x->channels; c++)
    for (int b = 0; b < s->x->images; b++) {
      const double part = nrf_share_of(s->counts, NRF_SHARE_ACTIVE, c, b);
      const int    at   = c * groups + (groups == s->x->images ? b : s->x->info->image[b].group);
      if (!isnan(part)) nrf_moments_add(&m[at], 100.0 * part);
    }
  for (int i = 0; i < n; i++) matrix[i] = m[i].mean;
  nrf_free(memory);
  return NRF_OK;
}

/* Active neurons [%] of all channels and images at each place, [height][width]. */
static nrf_status fill_places(const active_show *s, const nrf_table *table, double *places)
{
  const bool   *active = NULL;
  const int64_t n = (int64_t)s->x->height * s->x->width, maps = (int64_t)s->x->channels * s->x->images;
  NRF_RETURN_IF_ERROR(nrf_table_get_bools(table, "active", &active));
  for (int64_t i = 0; i < maps * n; i++) places[i % n] += active[i];
  for (int64_t i = 0; i < n; i++) places[i] *= 100.0 / (double)maps;
  return NRF_OK;
}

static nrf_status show_where(const active_show *s, const nrf_table *table, nrf_results *results)
{
  nrf_status             st     = NRF_OK;
  nrf_figure            *figure = NULL;
  double                *matrix = NULL, *places = NULL;
  const nrf_extract     *x      = s->x;
  const int              groups = count_groups(x);
  const nrf_colour_scale scale  = {.map = NRF_VIRIDIS, .label = "Active neurons [%]"};
  const nrf_figure_spec  spec   = {.name    = "active_by_stimulus_and_place",
                                   .caption = "Left: active neurons of each channel for each stimulus, in the "
                                                 "order of the stimulus set. Right: active neurons of all "
                                                 "channels and images at each place of the map.",
                                   .width   = 11,
                                   .height  = 5,
                                   .columns = 2};
  NRF_TRY(nrf_alloc((size_t)x->channels * (size_t)groups * sizeof *matrix, "shares", (void **)&matrix));
  NRF_TRY(nrf_alloc((size_t)x->height * (size_t)x->width * sizeof *places, "shares", (void **)&places));
  NRF_TRY(fill_matrix(s, groups, matrix));
  NRF_TRY(fill_places(s, table, places));
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_panel *stimuli = nrf_figure_panel(figure, 0, 0), *map = nrf_figure_panel(figure, 0, 1);
  nrf_plot_image(stimuli, x->channels, groups, matrix,
                 (nrf_extent){-0.5, groups - 0.5, -0.5, x->channels - 0.5}, &scale);
  nrf_panel_x(stimuli, &(nrf_axis){.label = "Stimulus", .tight = true});
  nrf_panel_y(stimuli, &(nrf_axis){.label = "Recorded channel", .tight = true});
  nrf_plot_map(map, x->height, x->width, places, &scale);
  nrf_panel_x(map, &(nrf_axis){.label = "Column", .tight = true});
  nrf_panel_y(map, &(nrf_axis){.label = "Row", .tight = true, .reversed = true});
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(matrix);
  nrf_free(places);
  return st;
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

static void show_percent(nrf_results *results, const char *name, nrf_moments m, const char *note)
{
  const nrf_interval ends = percent_interval(m);
  if (m.n == 0) return;
  nrf_key_number number = {.name = name, .value = m.mean, .unit = "%", .n = m.n, .note = note};
  if (!isnan(ends.lower)) {
    number.low        = ends.lower;
    number.high       = ends.upper;
    number.confidence = NRF_SHOWN_CONFIDENCE;
  }
  nrf_results_number(results, &number);
}

static double extreme_contrast(const nrf_extract *x, bool largest)
{
  double contrast = NAN;
  for (int b = 0; b < x->images; b++) {
    const double c = x->info->image[b].contrast;
    if (isnan(contrast) || (largest ? c > contrast : c < contrast)) contrast = c;
  }
  return contrast;
}

static bool is_strongest(const nrf_extract *x, int image)
{
  return x->info->image[image].contrast == extreme_contrast(x, true);
}

static bool is_blank(const nrf_extract *x, int image)
{
  return x->info->image[image].contrast == 0.0;
}

static void show_contrasts(const active_show *s, nrf_results *results)
{
  if (extreme_contrast(s->x, true) > extreme_contrast(s->x, false))
    show_percent(results, "Active neurons at the largest contrast",
                 share_over_images(s, NRF_SHARE_ACTIVE, -1, is_strongest), "mean over images");
  show_percent(results, "Active neurons at contrast 0", share_over_images(s, NRF_SHARE_ACTIVE, -1, is_blank),
               "nothing is shown there; independent states would give 2.5 %");
}

/* A share of the kept neurons of all channels in each image, as one value; then over images. */
static nrf_moments kept_over_images(const active_show *s, bool of_stretches, int64_t *kept)
{
  nrf_moments m = nrf_moments_none();
  *kept         = 0;
  for (int b = 0; b < s->x->images; b++) {
    int64_t part = 0, all = 0;
    for (int c = 0; c < s->x->channels; c++) {
      const nrf_stretch_count *count = &s->stretches[(int64_t)c * s->x->images + b];
      part += of_stretches ? count->of_stretches : count->active;
      all += count->kept;
    }
    if (all > 0) nrf_moments_add(&m, 100.0 * (double)part / (double)all);
    *kept += all;
  }
  return m;
}

static void show_kept(const active_show *s, nrf_results *results)
{
  char          note[NAME_BYTES];
  const int64_t rows = nrf_stretch_rows(s->x);
  int64_t       kept;
  if (rows == 0) {
    nrf_results_note(results, "the recording is too short for a test of stretches");
    return;
  }
  show_percent(results, "Active neurons among those whose traces are kept", kept_over_images(s, false, &kept),
               "the test of single states");
  (void)snprintf(note, sizeof note, "the test of means over stretches of %.0f ms, of %lld neurons",
                 (double)rows * s->x->ms_per_row, (long long)kept);
  show_percent(results, "Active neurons among these, by stretches", kept_over_images(s, true, &kept), note);
}

static void show_untested(const active_show *s, nrf_results *results)
{
  int64_t       untested = 0;
  const int64_t place = (int64_t)s->x->height * s->x->width, maps = (int64_t)s->x->channels * s->x->images;
  for (int64_t i = 0; i < maps; i++) untested += place - s->counts->of[i].tested;
  const int64_t neurons = place * s->x->channels, tests = place * maps;
  nrf_results_note(results, "%lld neurons in %d images, each by itself: %lld tests", (long long)neurons,
                   s->x->images, (long long)tests);
  if (untested > 0)
    nrf_results_note(
        results,
        "%lld of them have no answer, since the state never changes or is not finite; shares are of "
        "the others",
        (long long)untested);
}

static void show_numbers(const active_show *s, nrf_results *results)
{
  show_percent(results, "Active neurons", share_over_images(s, NRF_SHARE_ACTIVE, -1, NULL),
               "mean over images; p < 0.05 for each, as if successive states were independent; chance alone "
               "gives 2.5 %");
  show_percent(results, "Neurons whose mean is lower during the stimulus",
               share_over_images(s, NRF_SHARE_LOWER, -1, NULL), "the same test");
  show_contrasts(s, results);
  show_kept(s, results);
  show_percent(results, "Neurons whose states are not normally distributed during the stimulus",
               share_over_images(s, NRF_SHARE_NOT_NORMAL_DURING, -1, NULL),
               "Shapiro and Wilk, p < 0.05, successive states taken for independent");
  show_percent(results, "Neurons whose states are not normally distributed outside the stimulus",
               share_over_images(s, NRF_SHARE_NOT_NORMAL_OUTSIDE, -1, NULL), "the same test");
  show_untested(s, results);
}

/* ---- the analysis ------------------------------------------------------------------------------------------ */

nrf_status nrf_step_active_neurons(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status          st        = NRF_OK;
  nrf_table          *table     = NULL;
  nrf_activity_counts counts    = {0};
  nrf_stretch_count  *stretches = NULL;
  const nrf_extract  *x         = nrf_only_extract(context);
  NRF_TRY(nrf_alloc((size_t)x->channels * (size_t)x->images * sizeof *stretches, "activity",
                    (void **)&stretches));
  NRF_TRY(nrf_count_by_stretches(x, context->threads, context->progress, stretches));
  nrf_extract_release(x); /* all traces were read, and a row for every neuron is about to be added */
  NRF_TRY(nrf_count_activity(x, context->threads, context->progress, &table, &counts));
  const active_show show = {x, &counts, stretches};
  show_numbers(&show, results);
  NRF_TRY(show_shares(&show, results));
  NRF_TRY(show_where(&show, table, results));
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_activity_counts_free(&counts);
  nrf_table_free(table);
  nrf_free(stretches);
  return st;
}
