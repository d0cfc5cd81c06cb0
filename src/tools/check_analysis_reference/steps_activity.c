/* steps_activity.c - the activity tables (analysis.md 3.1), and the colours of activity maps (3.2, 3.3). */
#include "steps.h"

#include "analysis/steps/activity_maps.h"
#include "nrflv/analysis/activity.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* Groups are called as the experiments, in small letters. */
static text group_of(int kind)
{
  text name = text_of("%s", nrf_experiment_kind_info((nrf_experiment_kind)kind)->name);
  for (char *p = name.s; *p != '\0'; p++) *p = (char)tolower((unsigned char)*p);
  return name;
}

static bool has_group(const ref_block *b, int kind)
{
  return kind != NRF_KIND_OTHER && has_member(b, group_of(kind).s);
}

static nrf_status report_unknown_groups(ref_block *b)
{
  text        names[NRF_KINDS];
  const char *known[NRF_KINDS] = {NULL};
  for (int kind = 0; kind < NRF_KIND_OTHER; kind++) {
    names[kind] = group_of(kind);
    known[kind] = names[kind].s;
  }
  return report_unknown_members(b, known, NULL);
}

/* ---- 3.1 ------------------------------------------------------------------------------------------------- */

enum { BATCH_IDX, CHANNEL, HEIGHT, WIDTH, KEYS };

/* A column of the table as the reference has it, and where it is in ours. */
typedef struct table_column {
  const char *name;
  tolerance   allowed;
  double (*of)(const nrf_activity *a);
} table_column;

static double active_of(const nrf_activity *a)
{
  return a->active;
}

static double during_of(const nrf_activity *a)
{
  return a->mean_during;
}

static double outside_of(const nrf_activity *a)
{
  return a->mean_outside;
}

static double t_p_of(const nrf_activity *a)
{
  return a->t_p;
}

static double w_during_of(const nrf_activity *a)
{
  return a->w_during;
}

static double w_outside_of(const nrf_activity *a)
{
  return a->w_outside;
}

static double p_during_of(const nrf_activity *a)
{
  return a->p_during;
}

static double p_outside_of(const nrf_activity *a)
{
  return a->p_outside;
}

static const table_column table_columns[] = {
    {"active", TOLERANCE_EXACT, active_of},
    {"mean_act_during", TOLERANCE_SUM, during_of},
    {"mean_act_outside", TOLERANCE_SUM, outside_of},
    {"ttest_p_value", TOLERANCE_P, t_p_of},
    {"shapiro_W_during_double", TOLERANCE_W, w_during_of},
    {"shapiro_W_outside_double", TOLERANCE_W, w_outside_of},
    {"shapiro_W_during", TOLERANCE_W_SINGLE, w_during_of},
    {"shapiro_W_outside", TOLERANCE_W_SINGLE, w_outside_of},
    {"shapiro_p_during_double", TOLERANCE_NORMALITY_P, p_during_of},
    {"shapiro_p_outside_double", TOLERANCE_NORMALITY_P, p_outside_of},
};

/* Where in the extract the neuron of each row is. */
static nrf_status find_neurons(ref_block *b, const char *group, const nrf_extract *x, int64_t n, int64_t *at)
{
  static const char *const names[KEYS] = {"batch_idx", "channel", "height", "width"};
  const int64_t            size[KEYS]  = {x->images, x->channels, x->height, x->width};
  double                  *key[KEYS];
  for (int k = 0; k < KEYS; k++)
    NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/%s", group, names[k]).s, n, &key[k]));
  for (int64_t i = 0; i < n; i++) {
    for (int k = 0; k < KEYS; k++)
      if (!(key[k][i] >= 0.0 && key[k][i] < (double)size[k]))
        return nrf_error(NRF_EFORMAT, "%s/%s: %g in row %lld, which the recording does not have", group,
                         names[k], key[k][i], (long long)i);
    at[i] = nrf_extract_at(x, (int)key[CHANNEL][i], (int)key[BATCH_IDX][i], (int)key[HEIGHT][i],
                           (int)key[WIDTH][i]);
  }
  return NRF_OK;
}

static nrf_status compare_table_column(ref_block *b, const char *group, const nrf_extract *x, int64_t n,
                                       const int64_t *at, const table_column *c)
{
  const text name = text_of("%s/%s", group, c->name);
  double    *ours, *reference;
  NRF_RETURN_IF_ERROR(scratch(b, n, &ours));
  NRF_RETURN_IF_ERROR(read_vector(b, name.s, n, &reference));
  for (int64_t i = 0; i < n; i++) {
    const nrf_activity a = nrf_activity_of(x, at[i]);
    ours[i]              = c->of(&a);
  }
  return compare_values(b, name.s, c->allowed, n, ours, reference);
}

/* Neurons without a row never change. */
static nrf_status compare_number_active(ref_block *b, const char *group, const nrf_extract *x)
{
  const int64_t n      = nrf_extract_at(x, x->channels, 0, 0, 0);
  int64_t       active = 0, either = 0;
  double       *reference;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/number_active", group).s, 1, &reference));
  for (int64_t at = 0; at < n; at++) {
    active += nrf_is_active(x, at);
    either += nrf_activity_of(x, at).active;
  }
  NRF_RETURN_IF_ERROR(
      compare_counts(b, text_of("%s/number_active, the short way", group).s, active, (int64_t)reference[0]));
  return compare_counts(b, text_of("%s/number_active", group).s, either, (int64_t)reference[0]);
}

static nrf_status check_activity_of(ref_block *b, steps *s, int kind)
{
  const text         group = group_of(kind);
  const nrf_extract *x     = NULL;
  values             rows;
  double            *memory;
  NRF_RETURN_IF_ERROR(steps_extract(s, (nrf_experiment_kind)kind, &x));
  NRF_RETURN_IF_ERROR(read_values(b, text_of("%s/channel", group.s).s, &rows));
  NRF_RETURN_IF_ERROR(scratch(b, rows.count, &memory));
  int64_t *at = (int64_t *)memory;
  NRF_RETURN_IF_ERROR(find_neurons(b, group.s, x, rows.count, at));
  for (size_t k = 0; k < sizeof table_columns / sizeof *table_columns; k++)
    NRF_RETURN_IF_ERROR(compare_table_column(b, group.s, x, rows.count, at, &table_columns[k]));
  return compare_number_active(b, group.s, x);
}

nrf_status check_activity(ref_block *b, steps *s)
{
  for (int kind = 0; kind < NRF_KINDS; kind++)
    if (has_group(b, kind)) NRF_RETURN_IF_ERROR(check_activity_of(b, s, kind));
  return report_unknown_groups(b);
}

/* ---- colours of maps ------------------------------------------------------------------------------------- */

/* [channels], or [channels][images] where each image has a range of its own. */
static nrf_status check_range_as_written(ref_block *b, const nrf_extract *x, const char *group)
{
  const text low_name  = text_of("%s/as_written/vmin", group),
             high_name = text_of("%s/as_written/vmax", group);
  const int images     = x->kind == NRF_KIND_PRIM ? x->images : 1;
  const int n          = x->channels * images;
  double   *low, *high, *ours_low, *ours_high;
  NRF_RETURN_IF_ERROR(read_vector(b, low_name.s, n, &low));
  NRF_RETURN_IF_ERROR(read_vector(b, high_name.s, n, &high));
  NRF_RETURN_IF_ERROR(scratch(b, n, &ours_low));
  NRF_RETURN_IF_ERROR(scratch(b, n, &ours_high));
  for (int i = 0; i < n; i++) {
    const nrf_map_range range = nrf_map_range_of(x, i / images, i % images, true);
    ours_low[i]               = range.low;
    ours_high[i]              = range.high;
  }
  NRF_RETURN_IF_ERROR(compare_values(b, low_name.s, TOLERANCE_SUM, n, ours_low, low));
  return compare_values(b, high_name.s, TOLERANCE_SUM, n, ours_high, high);
}

static nrf_status check_range(ref_block *b, const nrf_extract *x, const char *group)
{
  const text name = text_of("%s/correct/range", group);
  double    *reference, *ours;
  NRF_RETURN_IF_ERROR(read_vector(b, name.s, x->channels, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, x->channels, &ours));
  for (int c = 0; c < x->channels; c++) ours[c] = nrf_map_range_of(x, c, -1, false).high;
  return compare_values(b, name.s, TOLERANCE_SUM, x->channels, ours, reference);
}

nrf_status check_colour_ranges(ref_block *b, steps *s)
{
  for (int kind = 0; kind < NRF_KINDS; kind++) {
    const nrf_extract *x     = NULL;
    const text         group = group_of(kind);
    if (!has_group(b, kind)) continue;
    NRF_RETURN_IF_ERROR(steps_extract(s, (nrf_experiment_kind)kind, &x));
    NRF_RETURN_IF_ERROR(check_range_as_written(b, x, group.s));
    NRF_RETURN_IF_ERROR(check_range(b, x, group.s));
  }
  return report_unknown_groups(b);
}
