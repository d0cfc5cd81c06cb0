/* state_traces_steps.c - traces round the onset of stimuli that channels prefer (analysis.md 3.12). */
#include "preferences_table.h"
#include "show.h"
#include "state_traces.h"
#include "transient_steps.h"

#include "nrflv/analysis/t_test.h"
#include "nrflv/analysis/true_contrast.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>

typedef struct trace_show {
  const nrf_analysis_context *context;
  const nrf_extract          *x;
  nrf_central                 central;
  const nrf_state_traces     *all;
  const double               *ms; /* [all->rows.count] since the onset */
} trace_show;

/* Traces of one channel and one angle: a panel. */
typedef struct trace_group {
  int64_t first, n;
} trace_group;

static trace_group group_at(const nrf_state_traces *all, int64_t first)
{
  const nrf_state_trace *a = &all->trace[first];
  int64_t                n = 1;
  while (first + n < all->n && all->trace[first + n].c == a->c && all->trace[first + n].angle == a->angle)
    n++;
  return (trace_group){first, n};
}

/* As it was shown, or as it was made if the pictures are not known. */
static double contrast_of(const nrf_extract *x, const nrf_state_trace *t)
{
  const double seen = nrf_true_contrast(x, t->b);
  return isfinite(seen) ? seen : t->contrast;
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static nrf_status show_traces_table(const trace_show *s, nrf_results *results)
{
  enum { CHANNEL, IMAGE, ROW, TIME, SUM };
  static const nrf_column_spec columns[] = {
      [CHANNEL] = {"channel", NRF_COLUMN_INT, "", "of the layer"},
      [IMAGE]   = {"batch_idx", NRF_COLUMN_INT, "", "image"},
      [ROW]     = {"row", NRF_COLUMN_INT, "", "of the recording"},
      [TIME]    = {"time", NRF_COLUMN_DOUBLE, "ms", "since the onset of the stimulus"},
      [SUM]     = {"state", NRF_COLUMN_DOUBLE, "a.u.", "sum over the neurons"},
  };
  nrf_status    st    = NRF_OK;
  nrf_table    *table = NULL;
  const int64_t rows  = s->all->rows.count;
  NRF_RETURN_IF_ERROR(nrf_table_create("state_traces",
                                       "States round the onset of stimuli that the channel prefers",
                                       NRF_COLUMNS(columns), &table));
  NRF_TRY(nrf_table_resize(table, s->all->n * rows));
  for (int64_t i = 0; i < s->all->n * rows; i++) {
    const nrf_state_trace *t          = &s->all->trace[i / rows];
    const int64_t          row        = i % rows;
    nrf_table_ints(table, CHANNEL)[i] = t->channel;
    nrf_table_ints(table, IMAGE)[i]   = s->x->info->image[t->b].index;
    nrf_table_ints(table, ROW)[i]     = s->all->rows.first + row;
    nrf_table_doubles(table, TIME)[i] = s->ms[row];
    nrf_table_doubles(table, SUM)[i]  = t->sum[row];
  }
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

static nrf_status show_means_table(const trace_show *s, nrf_results *results)
{
  static const nrf_column_spec columns[] = {
      {"channel", NRF_COLUMN_INT, "", "of the layer"},
      {"batch_idx", NRF_COLUMN_INT, "", "image"},
      {"stim_ori", NRF_COLUMN_DOUBLE, "rad", "angle of the stimulus, which the channel prefers"},
      {"stim_contrast", NRF_COLUMN_DOUBLE, "", "of the stimulus, as it was made"},
      {"true_contrast", NRF_COLUMN_DOUBLE, "", "of the picture that was shown"},
      {"neurons", NRF_COLUMN_INT, "", "summed"},
      {"mean_before", NRF_COLUMN_DOUBLE, "a.u.", "mean state per neuron, up to 400 steps before the onset"},
      {"mean_after", NRF_COLUMN_DOUBLE, "a.u.", "mean state per neuron, up to 400 steps from the onset on"},
  };
  nrf_status st    = NRF_OK;
  nrf_table *table = NULL;
  NRF_RETURN_IF_ERROR(nrf_table_create(
      "state_trace_means", "States before and after the onset of stimuli that the channel prefers",
      NRF_COLUMNS(columns), &table));
  for (int64_t i = 0; i < s->all->n; i++) {
    const nrf_state_trace *t = &s->all->trace[i];
    NRF_TRY(nrf_table_append(table, (nrf_cell[]){{.i = t->channel},
                                                 {.i = s->x->info->image[t->b].index},
                                                 {.d = t->angle},
                                                 {.d = t->contrast},
                                                 {.d = nrf_true_contrast(s->x, t->b)},
                                                 {.i = t->neurons},
                                                 {.d = t->before},
                                                 {.d = t->after}}));
  }
  NRF_TRY(nrf_results_table(results, table));
done:
  nrf_table_free(table);
  return st;
}

/* ---- figures of traces ----------------------------------------------------------------------------------- */

/* Every second contrast: down from the strongest one; as written up from the weakest, which leaves out the strongest of eight
 * (D14). */
static bool is_drawn(const trace_show *s, const trace_group *g, int64_t k)
{
  return s->context->settings->original_quirks ? k % 2 == 0 : (g->n - 1 - k) % 2 == 0;
}

static nrf_colour colour_of(const trace_show *s, const trace_group *g, int64_t k)
{
  static const double PUBLISHED_SHIFT = 0.2, PALEST = 0.3;
  const double        contrast  = contrast_of(s->x, &s->all->trace[g->first + k]);
  const double        strongest = contrast_of(s->x, &s->all->trace[g->first + g->n - 1]);
  if (s->context->settings->original_quirks) return nrf_colour_at(NRF_YLGN, contrast + PUBLISHED_SHIFT);
  const double part = strongest > 0.0 ? contrast / strongest : 1.0;
  return nrf_colour_at(NRF_YLGN, PALEST + (1.0 - PALEST) * part);
}

static void plot_group(const trace_show *s, const trace_group *g, nrf_panel *panel)
{
  static const double    THIN = 0.9;
  const nrf_state_trace *t    = &s->all->trace[g->first];
  char                   colour[NRF_COLOUR_TEXT], label[24];
  nrf_panel_title(panel, "Channel %d, %.1f°", t->channel, t->angle * 180.0 / M_PI);
  nrf_panel_x(panel, &(nrf_axis){.label = "Time after the onset [ms]", .tight = true});
  nrf_panel_y(panel, &(nrf_axis){.label = "State [a.u.]"});
  nrf_panel_legend(panel, NRF_TOP_LEFT); /* where there is no stimulus yet */
  nrf_plot_vertical(panel, 0.0, &(nrf_plot_style){.colour = NRF_BLUE, .width = 1.0});
  for (int64_t k = 0; k < g->n; k++) {
    if (!is_drawn(s, g, k)) continue;
    (void)snprintf(label, sizeof label, "%.2f", contrast_of(s->x, &t[k]));
    const nrf_plot_style style = {
        .colour = nrf_colour_text(colour_of(s, g, k), colour), .label = label, .width = THIN};
    nrf_plot_line(panel, s->all->rows.count, s->ms, t[k].sum, &style);
  }
}

enum { SHEET_COLUMNS = 3, SHEET = 12, CAPTION = 480 };

static const char *caption_of(const trace_show *s, char text[CAPTION])
{
  (void)snprintf(
      text, CAPTION,
      "States of %s, summed, round the onset of the stimulus that the channel prefers (to 10°), active or "
      "not: single runs at every second contrast, which the legend gives%s. Vertical line: onset.",
      nrf_central_text(s->central),
      isfinite(nrf_true_contrast(s->x, s->all->trace[0].b)) ? " as it was seen"
                                                            : " as the stimulus was made");
  return text;
}

/* Panels for groups from trace `first` on; *next: the trace after the last one shown. */
static nrf_status show_sheet(const trace_show *s, int page, int64_t first, nrf_results *results,
                             int64_t *next)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  trace_group group[SHEET];
  char        name[48], caption[CAPTION];
  int         n = 0;
  for (*next = first; *next < s->all->n && n < SHEET; n++) {
    group[n] = group_at(s->all, *next);
    *next += group[n].n;
  }
  const int rows = (n + SHEET_COLUMNS - 1) / SHEET_COLUMNS;
  (void)snprintf(name, sizeof name, "state_traces_%02d", page);
  const nrf_figure_spec spec = {.name    = name,
                                .caption = caption_of(s, caption),
                                .width   = n > 1 ? 14 : 6.4,
                                .height  = n > 1 ? 3.2 * rows : 4.8,
                                .rows    = rows,
                                .columns = n < SHEET_COLUMNS ? n : SHEET_COLUMNS,
                                .share_x = true};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  for (int k = 0; k < n; k++)
    plot_group(s, &group[k], nrf_figure_panel(figure, k / SHEET_COLUMNS, k % SHEET_COLUMNS));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static nrf_status show_single(const trace_show *s, const trace_group *g, nrf_results *results)
{
  nrf_status             st     = NRF_OK;
  nrf_figure            *figure = NULL;
  const nrf_state_trace *t      = &s->all->trace[g->first];
  char                   name[80], caption[CAPTION];
  (void)snprintf(name, sizeof name, "state_trace_channel_%d_stim_%.4f", t->channel, t->angle);
  const nrf_figure_spec spec = {.name = name, .caption = caption_of(s, caption)};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  plot_group(s, g, nrf_figure_panel(figure, 0, 0));
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

static nrf_status show_figures(const trace_show *s, nrf_results *results)
{
  int page = 1;
  for (int64_t at = 0; at < s->all->n; page++) NRF_RETURN_IF_ERROR(show_sheet(s, page, at, results, &at));
  if (!s->context->settings->single_maps) return NRF_OK;
  for (int64_t at = 0; at < s->all->n;) {
    const trace_group g = group_at(s->all, at);
    NRF_RETURN_IF_ERROR(show_single(s, &g, results));
    at += g.n;
  }
  return NRF_OK;
}

/* ---- changes at the onset -------------------------------------------------------------------------------- */

static nrf_moments changes_at(const nrf_state_traces *all, double contrast)
{
  const nrf_contrasts one = {1, {contrast}};
  nrf_moments         m   = nrf_moments_none();
  for (int64_t i = 0; i < all->n; i++) {
    const double change = all->trace[i].after - all->trace[i].before;
    if (nrf_contrast_index(&one, all->trace[i].contrast) == 0 && isfinite(change))
      nrf_moments_add(&m, change);
  }
  return m;
}

static int matched_channels(const nrf_state_traces *all)
{
  int n = 0;
  for (int64_t i = 0; i < all->n; i++) n += i == 0 || all->trace[i].c != all->trace[i - 1].c;
  return n;
}

static nrf_status show_changes(const trace_show *s, const nrf_contrasts *contrasts, nrf_results *results)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  double      y[NRF_MAX_CONTRASTS], low[NRF_MAX_CONTRASTS], high[NRF_MAX_CONTRASTS];
  char        caption[CAPTION];
  (void)snprintf(
      caption, sizeof caption,
      "Mean state per neuron of %s, up to 400 steps after the onset of the preferred stimulus less as many "
      "before it; mean over %d channels with 95 %% intervals. Channels that prefer the same angle are taken "
      "from the same runs. Contrast 0 shows no stimulus.",
      nrf_central_text(s->central), matched_channels(s->all));
  const nrf_figure_spec spec = {.name = "state_change_by_contrast", .caption = caption};
  NRF_TRY(nrf_figure_create(&spec, &figure));
  nrf_panel *panel = nrf_figure_panel(figure, 0, 0);
  for (int k = 0; k < contrasts->n; k++) {
    const nrf_moments  m    = changes_at(s->all, contrasts->at[k]);
    const nrf_interval ends = nrf_t_interval(m, NRF_SHOWN_CONFIDENCE);
    y[k]                    = m.mean;
    low[k]                  = ends.lower;
    high[k]                 = ends.upper;
  }
  nrf_panel_x(panel, &(nrf_axis){.label = "Contrast of the stimulus, as it was made"});
  nrf_panel_y(panel, &(nrf_axis){.label = "Change of the state at the onset [a.u.]"});
  nrf_plot_horizontal(panel, 0.0, NULL);
  nrf_plot_error_bars(panel, contrasts->n, contrasts->at, y, low, high,
                      &(nrf_plot_style){.colour = NRF_RED, .joined = true});
  NRF_TRY(nrf_results_figure(results, figure));
done:
  nrf_figure_free(figure);
  return st;
}

/* ---- numbers --------------------------------------------------------------------------------------------- */

static void show_numbers(const trace_show *s, const nrf_contrasts *contrasts, nrf_results *results)
{
  const double strongest = contrasts->at[contrasts->n - 1];
  char         note[96];
  (void)snprintf(note, sizeof note, "per neuron, at contrast %.3g, over channels", strongest);
  nrf_show_mean(results, "Change of the state at the onset of the preferred stimulus", "a.u.",
                changes_at(s->all, strongest), note);
  nrf_results_note(results, "%d of %d channels prefer one of the angles shown", matched_channels(s->all),
                   s->x->channels);
  if (s->all->not_finite > 0)
    nrf_results_note(results, "%lld traces with NaN or infinite states are left out",
                     (long long)s->all->not_finite);
}

/* ---- the analysis ---------------------------------------------------------------------------------------- */

static nrf_status show_all(const trace_show *s, nrf_results *results)
{
  nrf_contrasts contrasts;
  NRF_RETURN_IF_ERROR(nrf_contrasts_of(s->x, &contrasts));
  show_numbers(s, &contrasts, results);
  NRF_RETURN_IF_ERROR(show_means_table(s, results));
  NRF_RETURN_IF_ERROR(show_traces_table(s, results));
  NRF_RETURN_IF_ERROR(show_figures(s, results));
  return contrasts.n > 1 ? show_changes(s, &contrasts, results) : NRF_OK;
}

static bool has_neurons(const nrf_state_traces *all)
{
  for (int64_t i = 0; i < all->n; i++)
    if (all->trace[i].neurons > 0) return true;
  return false;
}

nrf_status nrf_step_state_traces(const nrf_analysis_context *context, nrf_results *results)
{
  nrf_status         st      = NRF_OK;
  void              *memory  = NULL;
  const nrf_extract *x       = context->extract[NRF_KIND_PRIM];
  const nrf_central  central = nrf_central_of_variant(context->variant);
  nrf_preferences    preferences;
  nrf_state_traces   all = {0};
  NRF_RETURN_IF_ERROR(nrf_preferences_read(context, &preferences));
  NRF_TRY(nrf_state_traces_create(x, central, &preferences, &all));
  if (!has_neurons(&all)) {
    NRF_TRY(nrf_results_skip(results, all.n == 0 ? "no channel prefers a stimulus that was shown"
                                                 : "the neurons at the centre were not recorded"));
    goto done;
  }
  NRF_TRY(nrf_alloc((size_t)all.rows.count * sizeof(double), "state traces", &memory));
  double *ms = memory;
  for (int64_t t = 0; t < all.rows.count; t++)
    ms[t] = (double)(all.rows.first + t - all.onset) * x->ms_per_row;
  const trace_show show = {context, x, central, &all, ms};
  NRF_TRY(show_all(&show, results));
done:
  nrf_free(memory);
  nrf_free(preferences.channel);
  nrf_state_traces_free(&all);
  return st;
}
