/* transients_steps.c - responses to the onset and the offset of stimuli of different contrasts (analysis.md 3.11). */
#include "preferences_table.h"
#include "show.h"
#include "transient_steps.h"
#include "transients.h"

#include "nrflv/analysis/t_test.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

/* What is shown round the onset and the offset, in steps of the sampler. */
enum { SHOWN_BEFORE = 100, SHOWN_AFTER = 150 };

/* Intervals from fewer images are too wide to be shown at each point. */
enum { FEWEST_FOR_BAND = 5 };

typedef struct transient_show {
  const nrf_extract    *x;
  const nrf_transients *all;
  const char           *which;  /* neurons: "the central neuron" */
  const char           *chosen; /* "of all channels" */
} transient_show;

/* ---- tables ---------------------------------------------------------------------------------------------- */

static const struct part {
  const char *column, *description, *label, *colour;
  double shift; /* in the figure, so that intervals can be told from each other; of the range of contrasts */
} parts[NRF_TRANSIENT_PARTS] = {
    [NRF_TRANSIENT_ONSET]     = {"onset", "mean of the first 200 ms of the stimulus", "first 200 ms", NRF_RED,
                                 -0.01},
    [NRF_TRANSIENT_SUSTAINED] = {"sustained", "mean of the second half of the stimulus",
                                 "second half of the stimulus", NRF_BLUE, 0.0},
    [NRF_TRANSIENT_OVERSHOOT] = {"overshoot", "onset less sustained", NULL, NULL, 0.0},
    [NRF_TRANSIENT_OFFSET]    = {"offset", "mean of the first 200 ms after the stimulus",
                                 "first 200 ms after it", NRF_GREY, 0.01},
};

static nrf_status show_series_table(const transient_show *s, nrf_results *results)
{
  enum { CONTRAST, ROW, TIME, SUM, LOWER, UPPER };
  static const nrf_column_spec columns[] = {
      [CONTRAST] = {"contrast", NRF_COLUMN_DOUBLE, "", "of the stimulus, as it was made"},
      [ROW]      = {"row", NRF_COLUMN_INT, "", "of the recording"},
      [TIME]     = {"time", NRF_COLUMN_DOUBLE, "ms", "since the onset of the stimulus"},
      [SUM]      = {"response", NRF_COLUMN_DOUBLE, "a.u.",
                    "sum of rectified traces less their mean outside the stimulus"},
      [LOWER]    = {"response_low", NRF_COLUMN_DOUBLE, "a.u.", "95 % interval over images"},
      [UPPER]    = {"response_high", NRF_COLUMN_DOUBLE, "a.u.", "95 % interval over images"},
  };
  nrf_status    st    = NRF_OK;
  nrf_table    *table = NULL;
  const int64_t onset = s->x->window[NRF_WINDOW_DUR].first;
  NRF_RETURN_IF_ERROR(nrf_table_create("transients",
                                       "Summed responses at each contrast, over the whole recording",
                                       NRF_COLUMNS(columns), &table));
  for (int k = 0; k < s->all->n; k++) {
    const nrf_transient *r = &s->all->contrast[k];
    for (int64_t t = 0; t < s->all->rows && r->images > 0; t++)
      NRF_TRY(nrf_table_append(table, (nrf_cell[]){{.d = r->contrast},
                                                   {.i = t},
                                                   {.d = (double)(t - onset) * s->x->ms_per_row},
                                                   {.d = r->sum[t]},
                                                   {.d = r->lower[t]},
                                                   {.d = r->upper[t]}}));
  }
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

enum { PART_KEYS = 3, PART_ENDS = 3, PART_COLUMNS = PART_KEYS + PART_ENDS * NRF_TRANSIENT_PARTS };

static nrf_status create_parts_table(nrf_table **out)
{
  char            name[NRF_TRANSIENT_PARTS][PART_ENDS][32];
  nrf_column_spec columns[PART_COLUMNS] = {
      {"contrast", NRF_COLUMN_DOUBLE, "", "of the stimulus, as it was made"},
      {"images", NRF_COLUMN_INT, "", "of that contrast: what the intervals rest on"},
      {"traces", NRF_COLUMN_INT, "", "summed"},
  };
  static const char *const ending[PART_ENDS] = {"", "_low", "_high"};
  for (int k = 0; k < NRF_TRANSIENT_PARTS; k++)
    for (int e = 0; e < PART_ENDS; e++) {
      (void)snprintf(name[k][e], sizeof name[k][e], "%s%s", parts[k].column, ending[e]);
      columns[PART_KEYS + PART_ENDS * k + e] =
          (nrf_column_spec){name[k][e], NRF_COLUMN_DOUBLE, "a.u.",
                            e == 0 ? parts[k].description : "95 % interval of the mean over images"};
    }
  return nrf_table_create("transient_parts", "Responses per neuron: mean over images", PART_COLUMNS, columns,
                          out);
}

static nrf_status show_parts_table(const transient_show *s, nrf_results *results)
{
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_RETURN_IF_ERROR(create_parts_table(&table));
  for (int i = 0; i < s->all->n; i++) {
    const nrf_transient *r                  = &s->all->contrast[i];
    nrf_cell             cell[PART_COLUMNS] = {{.d = r->contrast}, {.i = r->images}, {.i = r->traces}};
    for (int k = 0; k < NRF_TRANSIENT_PARTS; k++) {
      const nrf_interval ends = nrf_t_interval(r->part[k], NRF_SHOWN_CONFIDENCE);
      nrf_cell          *at   = &cell[PART_KEYS + PART_ENDS * k];
      at[0].d                 = r->part[k].mean;
      at[1].d                 = ends.lower;
      at[2].d                 = ends.upper;
    }
    NRF_TRY(nrf_table_append(table, cell));
  }
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

/* ---- figures --------------------------------------------------------------------------------------------- */

static nrf_colour colour_of(const nrf_transients *all, double contrast)
{
  static const double PUBLISHED_LARGEST = 2.8;
  const double        largest           = all->contrast[all->n - 1].contrast;
  return nrf_contrast_grey(largest > 0.0 ? contrast / largest * PUBLISHED_LARGEST : contrast);
}

static void plot_around(const transient_show *s, int64_t at, const int *shown, int n_shown, const double *ms,
                        nrf_panel *panel)
{
  const nrf_window w    = nrf_window_around(s->x, at, nrf_rows_of_steps(s->x, SHOWN_BEFORE),
                                            nrf_rows_of_steps(s->x, SHOWN_AFTER));
  const double    *time = ms + s->all->rows - at + w.first; /* ms[rows] is time 0 */
  char             colour[NRF_COLOUR_TEXT], label[48];
  nrf_plot_vertical(panel, 0.0, NULL);
  for (int k = 0; k < n_shown; k++) {
    const nrf_transient *r = &s->all->contrast[shown[k]];
    if (r->images == 0) continue;
    (void)nrf_colour_text(colour_of(s->all, r->contrast), colour);
    (void)snprintf(label, sizeof label, "contrast %.3g (%d images)", r->contrast, r->images);
    if (r->images >= FEWEST_FOR_BAND)
      nrf_plot_band(panel, w.count, time, r->lower + w.first, r->upper + w.first,
                    &(nrf_plot_style){.colour = colour, .opacity = 0.2});
    nrf_plot_line(panel, w.count, time, r->sum + w.first,
                  &(nrf_plot_style){.colour = colour, .label = label});
  }
}

static void plot_onset_and_offset(const transient_show *s, const double *ms, nrf_figure *figure)
{
  const bool    has_offset = s->x->window[NRF_WINDOW_POST].count > 0;
  nrf_contrasts contrasts  = {.n = s->all->n};
  int           shown[NRF_SHOWN_CONTRASTS];
  nrf_panel    *onset = nrf_figure_panel(figure, 0, 0);
  for (int k = 0; k < s->all->n; k++) contrasts.at[k] = s->all->contrast[k].contrast;
  const int n_shown = nrf_shown_contrasts(&contrasts, shown);
  nrf_panel_title(onset, "Onset of the stimulus");
  nrf_panel_x(onset, &(nrf_axis){.label = "Time after the onset [ms]", .tight = true});
  nrf_panel_y(onset, &(nrf_axis){.label = "Summed state above baseline [a.u.]"});
  nrf_panel_legend(onset, NRF_TOP_LEFT);
  plot_around(s, s->x->window[NRF_WINDOW_DUR].first, shown, n_shown, ms, onset);
  if (!has_offset) return;
  nrf_panel *offset = nrf_figure_panel(figure, 0, 1);
  nrf_panel_title(offset, "Offset of the stimulus");
  nrf_panel_x(offset, &(nrf_axis){.label = "Time after the offset [ms]", .tight = true});
  plot_around(s, s->x->window[NRF_WINDOW_POST].first, shown, n_shown, ms, offset);
}

static nrf_status show_series(const transient_show *s, nrf_results *results)
{
  nrf_status    st     = NRF_OK;
  nrf_figure   *figure = NULL;
  void         *memory = NULL;
  char          caption[640];
  const int64_t rows       = s->all->rows;
  const bool    has_offset = s->x->window[NRF_WINDOW_POST].count > 0;
  (void)snprintf(
      caption, sizeof caption,
      "States of %s, %s, summed over channels, places and images. Each trace is raised to its mean "
      "outside the stimulus where it is below, and its new mean there taken off: drops are not seen, and "
      "slow changes before the stimulus are. Bands: 95 %% intervals of the sum, point by point, over "
      "images, if there are %d or more.",
      s->which, s->chosen, FEWEST_FOR_BAND);
  const nrf_figure_spec spec = {.name    = "transients",
                                .caption = caption,
                                .width   = has_offset ? 11 : 6.4,
                                .height  = 4.6,
                                .columns = has_offset ? 2 : 1,
                                .share_y = true};
  NRF_TRY(nrf_alloc((size_t)(2 * rows + 1) * sizeof(double), "transients", &memory));
  double *ms = memory;
  for (int64_t t = 0; t <= 2 * rows; t++) ms[t] = (double)(t - rows) * s->x->ms_per_row;
  NRF_TRY(nrf_figure_create(&spec, &figure));
  plot_onset_and_offset(s, ms, figure);
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  nrf_free(memory);
  return st;
}

static void plot_part(const nrf_transients *all, int part, nrf_panel *panel)
{
  const double shift = parts[part].shift * (all->contrast[all->n - 1].contrast - all->contrast[0].contrast);
  double       x[NRF_MAX_CONTRASTS], y[NRF_MAX_CONTRASTS], low[NRF_MAX_CONTRASTS], high[NRF_MAX_CONTRASTS];
  for (int k = 0; k < all->n; k++) {
    const nrf_interval ends = nrf_t_interval(all->contrast[k].part[part], NRF_SHOWN_CONFIDENCE);
    x[k]                    = all->contrast[k].contrast + shift;
    y[k]                    = all->contrast[k].part[part].mean;
    low[k]                  = ends.lower;
    high[k]                 = ends.upper;
  }
  const nrf_plot_style style = {.colour = parts[part].colour, .label = parts[part].label, .joined = true};
  nrf_plot_error_bars(panel, all->n, x, y, low, high, &style);
}

static nrf_status show_parts(const transient_show *s, nrf_results *results)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  char        caption[480];
  (void)snprintf(
      caption, sizeof caption,
      "Response per neuron against contrast: states of %s, %s, rectified as for the traces; mean over images "
      "with 95 %% intervals. Contrast 0 shows no stimulus. What differs from 0 there is due to rectifying "
      "and to "
      "drift.",
      s->which, s->chosen);
  const nrf_figure_spec spec = {.name = "transients_by_contrast", .caption = caption};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_panel *panel = nrf_figure_panel(figure, 0, 0);
  nrf_panel_x(panel, &(nrf_axis){.label = "Contrast of the stimulus, as it was made"});
  nrf_panel_y(panel, &(nrf_axis){.label = "State above baseline, per neuron [a.u.]"});
  nrf_panel_legend(panel, NRF_TOP_LEFT);
  nrf_plot_horizontal(panel, 0.0, NULL);
  for (int k = 0; k < NRF_TRANSIENT_PARTS; k++)
    if (parts[k].label != NULL) plot_part(s->all, k, panel);
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* ---- numbers --------------------------------------------------------------------------------------------- */

static void show_numbers(const transient_show *s, nrf_results *results)
{
  static const struct {
    nrf_transient_part part;
    const char        *name;
  } shown[]              = {{NRF_TRANSIENT_ONSET, "Response in the first 200 ms"},
                            {NRF_TRANSIENT_SUSTAINED, "Response in the second half of the stimulus"},
                            {NRF_TRANSIENT_OVERSHOOT, "Onset transient (the first less the second)"}};
  const nrf_transient *r = &s->all->contrast[s->all->n - 1];
  char                 note[96];
  (void)snprintf(note, sizeof note, "per neuron, at contrast %.3g, over images", r->contrast);
  for (size_t k = 0; k < sizeof shown / sizeof *shown; k++)
    nrf_show_mean(results, shown[k].name, "a.u.", r->part[shown[k].part], note);
  if (s->all->not_finite > 0)
    nrf_results_note(results, "%lld traces with NaN or infinite states are left out",
                     (long long)s->all->not_finite);
}

/* ---- the analyses ---------------------------------------------------------------------------------------- */

static nrf_status show_all(const transient_show *s, nrf_results *results)
{
  show_numbers(s, results);
  NRF_RETURN_IF_ERROR(show_parts_table(s, results));
  NRF_RETURN_IF_ERROR(show_series_table(s, results));
  NRF_RETURN_IF_ERROR(show_series(s, results));
  return s->all->n > 1 ? show_parts(s, results) : NRF_OK;
}

static nrf_status analyse(const nrf_analysis_context *context, const nrf_preferences *matched,
                          nrf_results *results)
{
  nrf_status                st      = NRF_OK;
  const nrf_extract        *x       = context->extract[NRF_KIND_PRIM];
  const nrf_central         central = nrf_central_of_variant(context->variant);
  const nrf_transient_rules rules   = {.central = central, .matched = matched};
  nrf_transients            all;
  NRF_RETURN_IF_ERROR(nrf_transients_create(x, rules, context->threads, context->progress, &all));
  const transient_show show   = {.x      = x,
                                 .all    = &all,
                                 .which  = nrf_central_text(central),
                                 .chosen = matched == NULL ? "of all channels, active or not"
                                                           : "active ones whose channel prefers the stimulus"};
  int64_t              traces = 0;
  for (int k = 0; k < all.n; k++) traces += all.contrast[k].traces;
  if (all.n == 0)
    NRF_TRY(nrf_results_skip(results, "the stimuli have no contrasts"));
  else if (traces == 0)
    NRF_TRY(nrf_results_skip(
        results, matched == NULL
                     ? "the neurons at the centre were not recorded, or not finite"
                     : "no neuron at the centre is active at a stimulus that its channel prefers"));
  else
    NRF_TRY(show_all(&show, results));
done:
  nrf_transients_free(&all);
  return st;
}

nrf_status nrf_step_transients(const nrf_analysis_context *context, nrf_results *results)
{
  return analyse(context, NULL, results);
}

nrf_status nrf_step_matched_transients(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_preferences preferences;
  NRF_RETURN_IF_ERROR(nrf_preferences_read(context, &preferences));
  const nrf_status st = analyse(context, &preferences, results);
  nrf_free(preferences.channel);
  return st;
}
