/* synchrony_amplitudes.c - which groups of fits are compared, their means and lines. */
#include "synchrony_amplitudes.h"

#include "nrflv/analysis/bootstrap.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdlib.h>

/* ---- which sets a group belongs to ----------------------------------------------------------------------- */

typedef struct selection {
  const nrf_recording_info *info;
  nrf_site                  centre; /* in the layer's map */
  const nrf_preferences    *preferences;
  nrf_amplitude_rules       rules;
} selection;

/* What a group is like. */
typedef struct place {
  unsigned sets; /* 1 << NRF_SET_... */
  bool     tuned;
  double   x, colour;
} place;

static const nrf_recording_image *stimulus_of(const selection *s, int group)
{
  for (int b = 0; b < s->info->n_images; b++)
    if (s->info->image[b].group == group) return &s->info->image[b];
  return NULL;
}

/* A channel without a preference is as one that has none of its own. */
static nrf_preference preference_of(const selection *s, int channel)
{
  const nrf_preference *p = nrf_preference_of(s->preferences, channel);
  return p != NULL ? *p : (nrf_preference){channel, NAN, 0.0, -1};
}

static bool matches(nrf_preference p, double stimulus)
{
  return nrf_angle_difference(p.angle, stimulus) < NRF_MATCH_ANGLE;
}

/* Channels by the difference of what they prefer. */
static bool place_channels(const selection *s, const nrf_pair_group *g, place *out)
{
  const nrf_recording_image *stimulus = stimulus_of(s, g->group);
  const int                  a = g->key[0], b = g->key[1];
  const nrf_preference       pa = preference_of(s, a), pb = preference_of(s, b);
  if (g->period != NRF_PERIOD_DURING || a == b || stimulus == NULL) return false;
  const bool aligned = matches(pa, stimulus->angle) && matches(pb, stimulus->angle);
  *out = (place){.sets   = 1u << NRF_SET_ALL | 1u << (aligned ? NRF_SET_ALIGNED : NRF_SET_UNALIGNED),
                 .tuned  = nrf_is_tuned(&pa) && nrf_is_tuned(&pb),
                 .x      = nrf_angle_difference(pa.angle, pb.angle),
                 .colour = abs(a - b)};
  return isfinite(out->x);
}

/* Patches by their distance; both channels prefer the static patch's angle, or each its own patch's (D33). */
static bool place_patches(const selection *s, const nrf_pair_group *g, place *out)
{
  static const double        EQUAL    = 1e-6;
  const nrf_recording_image *stimulus = stimulus_of(s, g->group);
  const nrf_preference       mobile = preference_of(s, g->key[0]), still = preference_of(s, g->key[1]);
  if (g->period != NRF_PERIOD_DURING || stimulus == NULL) return false;
  if (s->rules.as_written && mobile.dir_or_ori != still.dir_or_ori) return false;
  const bool colinear = nrf_angle_difference(stimulus->angle, stimulus->angle_static) < EQUAL;
  *out                = (place){.tuned  = nrf_is_tuned(&mobile) && nrf_is_tuned(&still),
                                .x      = hypot(stimulus->offset_row, stimulus->offset_column),
                                .colour = g->key[0]};
  if (!matches(still, stimulus->angle_static)) return false;
  if (matches(mobile, stimulus->angle_static))
    out->sets |= 1u << (colinear ? NRF_SET_COLINEAR : NRF_SET_NONCOLINEAR);
  if (!colinear && matches(mobile, stimulus->angle)) out->sets |= 1u << NRF_SET_OWN_STIMULUS;
  return out->sets != 0;
}

/* Places along the bar by their distance from the centre. */
static bool place_bar(const selection *s, const nrf_pair_group *g, place *out)
{
  const nrf_recording_image *stimulus = stimulus_of(s, g->group);
  const nrf_preference       p        = preference_of(s, g->key[0]);
  const int                  right = g->key[1] - s->centre.w, down = g->key[2] - s->centre.h;
  if (stimulus == NULL || (right == 0 && down == 0) || !matches(p, stimulus->angle)) return false;
  *out = (place){.sets   = 1u << (g->period == NRF_PERIOD_DURING ? NRF_SET_DURING : NRF_SET_BEFORE),
                 .tuned  = nrf_is_tuned(&p),
                 .x      = hypot(right, down),
                 .colour = p.angle};
  return true;
}

static const struct way {
  int sets;
  bool (*place)(const selection *s, const nrf_pair_group *g, place *out);
  int section; /* of the specification: tells the streams of random numbers apart */
} ways[NRF_SYNCHRONIES] = {
    [NRF_SYNCHRONY_CHANNELS] = {NRF_CHANNEL_SETS, place_channels, 321},
    [NRF_SYNCHRONY_PATCHES]  = {NRF_PATCH_SETS, place_patches, 326},
    [NRF_SYNCHRONY_BAR]      = {NRF_BAR_SETS, place_bar, 330},
};

/* ---- points ---------------------------------------------------------------------------------------------- */

static nrf_status add_points(const selection *s, const struct way *way, const nrf_pair_groups *groups,
                             nrf_amplitude_sets *out)
{
  void *memory;
  for (int k = 0; k < way->sets; k++) {
    NRF_RETURN_IF_ERROR(nrf_alloc((size_t)groups->n * sizeof *out->set[k].point, "amplitudes", &memory));
    out->set[k].point = memory;
  }
  for (int64_t i = 0; i < groups->n; i++) {
    const nrf_pair_group *g = &groups->group[i];
    place                 p;
    if (!way->place(s, g, &p) || !isfinite(g->amplitude)) continue;
    for (int k = 0; k < way->sets; k++) {
      nrf_amplitude_set *set = &out->set[k];
      if ((p.sets >> k & 1u) == 0) continue;
      if (p.tuned || s->rules.as_written)
        set->point[set->n++] = (nrf_amplitude_point){i, p.x, g->amplitude, p.colour};
      else
        set->n_untuned++;
    }
  }
  return NRF_OK;
}

/* ---- lines ----------------------------------------------------------------------------------------------- */

nrf_amplitude_line nrf_fit_amplitude_line(int64_t n, const double *x, const double *y)
{
  nrf_amplitude_line out = {.slope = {NAN, NAN}};
  out.exists             = nrf_line_fit(n, x, y, &out.line);
  if (!out.exists || n < 3) return out;
  double residual = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const double r = y[i] - out.line.slope * x[i] - out.line.intercept;
    residual += r * r;
  }
  const double spread = sqrt(residual / (double)(n - 2) / nrf_moments_of(n, x).squares);
  const double margin = nrf_t_quantile(0.5 + NRF_BOOTSTRAP_CONFIDENCE / 2.0, (double)(n - 2)) * spread;
  out.slope           = (nrf_interval){out.line.slope - margin, out.line.slope + margin};
  return out;
}

/* ---- means ----------------------------------------------------------------------------------------------- */

/* Distances and differences of angles that are equal but for rounding. */
static double rounded(double x)
{
  return nearbyint(x * 1e7);
}

static int compare_points(const void *a, const void *b)
{
  const nrf_amplitude_point *s = a, *t = b;
  const double               x = rounded(s->x), y = rounded(t->x);
  if (x != y) return (x > y) - (x < y);
  return (s->group > t->group) - (s->group < t->group);
}

static nrf_status average(nrf_rng stream, const nrf_amplitude_point *point, int64_t n, double *y,
                          nrf_amplitude_mean *out)
{
  for (int64_t i = 0; i < n; i++) y[i] = point[i].y;
  out->x = point[0].x;
  out->n = n;
  return nrf_bootstrap_mean(stream, n, y, &out->mean, &out->interval);
}

/* `point` and `y` are scratch. */
static nrf_status add_means(uint64_t seed, int section, int number, nrf_amplitude_set *set,
                            nrf_amplitude_point *point, double *y)
{
  void *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)set->n * sizeof *set->mean, "amplitudes", &memory));
  set->mean = memory;
  for (int64_t i = 0; i < set->n; i++) point[i] = set->point[i];
  qsort(point, (size_t)set->n, sizeof *point, compare_points);
  for (int64_t first = 0, end; first < set->n; first = end) {
    for (end = first + 1; end < set->n && rounded(point[end].x) == rounded(point[first].x);) end++;
    const uint64_t group  = (uint64_t)number << 32 | (uint64_t)set->n_means;
    const nrf_rng  stream = nrf_rng_at(seed, NRF_RNG_BOOTSTRAP, group, (uint32_t)section);
    NRF_RETURN_IF_ERROR(average(stream, point + first, end - first, y, &set->mean[set->n_means++]));
  }
  return NRF_OK;
}

static nrf_status summarise(uint64_t seed, int section, int number, nrf_amplitude_set *set)
{
  nrf_status   st     = NRF_OK;
  const size_t n      = (size_t)set->n;
  void        *points = NULL, *values = NULL;
  NRF_TRY(nrf_alloc(n * sizeof *set->point, "amplitudes", &points));
  NRF_TRY(nrf_alloc(2 * n * sizeof(double), "amplitudes", &values));
  double *x = values, *y = x + n;
  for (size_t i = 0; i < n; i++) {
    x[i] = set->point[i].x;
    y[i] = set->point[i].y;
  }
  set->line = nrf_fit_amplitude_line(set->n, x, y);
  NRF_TRY(add_means(seed, section, number, set, points, y));
done:
  nrf_free(points);
  nrf_free(values);
  return st;
}

nrf_status nrf_select_amplitudes(nrf_synchrony experiment, const nrf_recording_info *info, nrf_site centre,
                                 const nrf_pair_groups *groups, const nrf_preferences *preferences,
                                 nrf_amplitude_rules rules, nrf_amplitude_sets *out)
{
  const struct way *way = &ways[experiment];
  const selection   s   = {info, centre, preferences, rules};
  *out                  = (nrf_amplitude_sets){.count = way->sets};
  nrf_status st         = add_points(&s, way, groups, out);
  for (int k = 0; k < way->sets && st == NRF_OK; k++)
    st = summarise(rules.seed, way->section, k, &out->set[k]);
  if (st != NRF_OK) nrf_amplitude_sets_free(out);
  return st;
}

void nrf_amplitude_sets_free(nrf_amplitude_sets *sets)
{
  for (int k = 0; k < sets->count; k++) {
    nrf_free(sets->set[k].point);
    nrf_free(sets->set[k].mean);
  }
  *sets = (nrf_amplitude_sets){0};
}
