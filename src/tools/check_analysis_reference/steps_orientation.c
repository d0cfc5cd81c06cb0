/* steps_orientation.c - preferred angles, from the traces of the synthetic recordings. */
#include "steps.h"

#include "analysis/steps/matching.h"
#include "analysis/steps/orientation.h"

#include "nrflv/memory.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct way {
  const char             *group;
  nrf_orientation_fit_how how;
} ways[] = {{"as_written", NRF_ORIENTATION_AS_WRITTEN}, {"correct", NRF_ORIENTATION_CORRECT}};

enum { WAYS = sizeof ways / sizeof *ways, CYCLES = 2 };

/* ---- preferences ----------------------------------------------------------------------------------------- */

/* What the reference says of all channels. */
typedef struct preference_reference {
  const struct way *way;
  double *z, *A, *phi, *m, *cost, *dir_or_ori, *amplitude, *amplitude_abs, *mean, *phase, *fit_maximum,
      *chosen_peak, *preferred_angle;
} preference_reference;

static nrf_status read_reference(ref_block *b, const nrf_tuning_curves *curves, preference_reference *r)
{
  const struct {
    const char *name;
    int         each; /* values of a channel */
    double    **to;
  } columns[] = {{"z", curves->angles, &r->z},
                 {"A", CYCLES, &r->A},
                 {"phi", CYCLES, &r->phi},
                 {"m", CYCLES, &r->m},
                 {"cost", CYCLES, &r->cost},
                 {"dir_or_ori", 1, &r->dir_or_ori},
                 {"amplitude", 1, &r->amplitude},
                 {"amplitude_abs", 1, &r->amplitude_abs},
                 {"mean", 1, &r->mean},
                 {"phase", 1, &r->phase},
                 {"fit_maximum", 1, &r->fit_maximum},
                 {"chosen_peak", 1, &r->chosen_peak},
                 {"preferred_angle", 1, &r->preferred_angle}};
  for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
    NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/%s", r->way->group, columns[k].name).s,
                                    (int64_t)curves->channels * columns[k].each, columns[k].to));
  return NRF_OK;
}

/* The sign of the reference's amplitude is arbitrary, and its phase with it; and where there is hardly an amplitude there is
 * hardly a phase: amplitude and phase are compared together, as a complex number. */
static nrf_status compare_cosine(ref_block *b, const char *way, const nrf_cosine_fit *ours, double amplitude,
                                 double phase)
{
  const double complex mine  = ours->amplitude * cexp(I * ours->phase);
  const double         error = cabs(mine - amplitude * cexp(I * phase)), none = 0.0;
  NRF_RETURN_IF_ERROR(
      compare_value(b, text_of("%s/A", way).s, TOLERANCE_COSINE_AMPLITUDE, ours->amplitude, fabs(amplitude)));
  return compare_value(b, text_of("%s/A exp(i phi)", way).s, TOLERANCE_COSINE_AMPLITUDE, error, none);
}

static nrf_status compare_peaks(ref_block *b, const nrf_tuning_curves *curves, const struct way *way, int c)
{
  values  at;
  double *buffer;
  int     count = 0;
  NRF_RETURN_IF_ERROR(read_values(b, text_of("%s/peaks/channel_%d", way->group, c).s, &at));
  NRF_RETURN_IF_ERROR(scratch(b, curves->angles, &buffer));
  int *ours = (int *)buffer;
  NRF_RETURN_IF_ERROR(nrf_tuning_peaks(curves->angles, curves->z + (size_t)c * (size_t)curves->angles,
                                       way->how, &count, ours));
  NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/peaks, number", way->group).s, count, at.count));
  for (int k = 0; k < count && count == at.count; k++)
    NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/peaks", way->group).s, ours[k], (int64_t)at.v[k]));
  return NRF_OK;
}

/* Of a curve with two equal maxima either may be called the first. */
static bool is_maximum(const nrf_orientation_fit *ours, nrf_orientation_fit_how how, int angles,
                       int reference)
{
  return ours->fit_maximum == reference || (how == NRF_ORIENTATION_CORRECT && ours->dir_or_ori == 1 &&
                                            abs(ours->fit_maximum - reference) == angles / 2);
}

static nrf_status compare_channel(ref_block *b, const nrf_tuning_curves *curves,
                                  const preference_reference *r, int c)
{
  const nrf_orientation_fit *ours   = &curves->fit[c];
  const nrf_cosine_fit      *better = nrf_better_cosine(ours);
  const char                *way    = r->way->group;
  NRF_RETURN_IF_ERROR(compare_value(b, text_of("%s/preferred_angle", way).s, TOLERANCE_SUM,
                                    ours->preferred_angle, r->preferred_angle[c]));
  if (ours->dir_or_ori < 0) return NRF_OK;
  NRF_RETURN_IF_ERROR(
      compare_counts(b, text_of("%s/dir_or_ori", way).s, ours->dir_or_ori, (int64_t)r->dir_or_ori[c]));
  for (int k = 0; k < CYCLES; k++) {
    const nrf_cosine_fit *fit = &ours->cycle[k];
    const int             at  = CYCLES * c + k;
    NRF_RETURN_IF_ERROR(compare_cosine(b, way, fit, r->A[at], r->phi[at]));
    NRF_RETURN_IF_ERROR(compare_value(b, text_of("%s/m", way).s, TOLERANCE_COSINE_MEAN, fit->mean, r->m[at]));
    NRF_RETURN_IF_ERROR(
        compare_value(b, text_of("%s/cost", way).s, TOLERANCE_COSINE_COST, fit->cost, r->cost[at]));
  }
  NRF_RETURN_IF_ERROR(compare_cosine(b, way, better, r->amplitude[c], r->phase[c]));
  NRF_RETURN_IF_ERROR(compare_value(b, text_of("%s/amplitude_abs", way).s, TOLERANCE_COSINE_AMPLITUDE,
                                    better->amplitude, r->amplitude_abs[c]));
  NRF_RETURN_IF_ERROR(
      compare_value(b, text_of("%s/mean", way).s, TOLERANCE_COSINE_MEAN, better->mean, r->mean[c]));
  NRF_RETURN_IF_ERROR(compare_counts(b, text_of("%s/fit_maximum", way).s,
                                     is_maximum(ours, r->way->how, curves->angles, (int)r->fit_maximum[c]),
                                     1));
  NRF_RETURN_IF_ERROR(
      compare_counts(b, text_of("%s/chosen_peak", way).s, ours->chosen_peak, (int64_t)r->chosen_peak[c]));
  return compare_peaks(b, curves, r->way, c);
}

static nrf_status compare_curves(ref_block *b, const nrf_tuning_curves *curves, const struct way *way)
{
  const int64_t        n = (int64_t)curves->channels * curves->angles;
  preference_reference r = {.way = way};
  double              *y;
  NRF_RETURN_IF_ERROR(read_vector(b, "y", n, &y));
  NRF_RETURN_IF_ERROR(read_reference(b, curves, &r));
  NRF_RETURN_IF_ERROR(compare_values(b, "y", TOLERANCE_SUM, n, curves->activity, y));
  NRF_RETURN_IF_ERROR(compare_values(b, text_of("%s/z", way->group).s, TOLERANCE_SUM, n, curves->z, r.z));
  for (int c = 0; c < curves->channels; c++) NRF_RETURN_IF_ERROR(compare_channel(b, curves, &r, c));
  return NRF_OK;
}

nrf_status check_orientation_preferences(ref_block *b, steps *s)
{
  static const char *const known[] = {"y", "as_written", "correct", NULL};
  const nrf_extract       *x;
  NRF_RETURN_IF_ERROR(steps_extract(s, NRF_KIND_ANG, &x));
  for (int k = 0; k < WAYS; k++) {
    nrf_tuning_curves curves;
    NRF_RETURN_IF_ERROR(nrf_tuning_curves_of(x, ways[k].how, &curves));
    nrf_status st = curves.why_not == NULL ? compare_curves(b, &curves, &ways[k])
                                           : nrf_error(NRF_EFORMAT, "recording: %s", curves.why_not);
    nrf_tuning_curves_free(&curves);
    NRF_RETURN_IF_ERROR(st);
  }
  return report_unknown_members(b, known, NULL);
}

/* ---- matches --------------------------------------------------------------------------------------------- */

static nrf_status compare_matching(ref_block *b, const struct way *way, const nrf_extract *x,
                                   const nrf_matching *m)
{
  const int64_t pairs    = (int64_t)m->channels * m->images;
  double        smallest = INFINITY, *preferred, *stimulus, *contrast, *difference, *matched, *ours, *margin;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/ori_pref", way->group).s, m->channels, &preferred));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/stim_ori", way->group).s, m->images, &stimulus));
  NRF_RETURN_IF_ERROR(read_vector(b, "stim_contrast", m->images, &contrast));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/difference", way->group).s, pairs, &difference));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/matched_stim_ori_pref", way->group).s, pairs, &matched));
  NRF_RETURN_IF_ERROR(
      read_vector(b, text_of("%s/smallest_distance_from_threshold", way->group).s, 1, &margin));
  NRF_RETURN_IF_ERROR(compare_values(b, text_of("%s/ori_pref", way->group).s, TOLERANCE_SUM, m->channels,
                                     m->preferred, preferred));
  NRF_RETURN_IF_ERROR(compare_values(b, text_of("%s/stim_ori", way->group).s, TOLERANCE_SUM, m->images,
                                     m->stimulus, stimulus));
  NRF_RETURN_IF_ERROR(compare_values(b, text_of("%s/difference", way->group).s, TOLERANCE_SUM, pairs,
                                     m->difference, difference));
  NRF_RETURN_IF_ERROR(scratch(b, pairs, &ours));
  for (int64_t i = 0; i < pairs; i++) {
    ours[i]  = m->matched[i];
    smallest = fmin(smallest, fabs(m->difference[i] - NRF_MATCH_ANGLE));
  }
  NRF_RETURN_IF_ERROR(compare_values(b, text_of("%s/matched_stim_ori_pref", way->group).s, TOLERANCE_EXACT,
                                     pairs, ours, matched));
  NRF_RETURN_IF_ERROR(compare_value(b, text_of("%s/smallest_distance_from_threshold", way->group).s,
                                    TOLERANCE_SUM, smallest, *margin));
  for (int i = 0; i < m->images; i++) ours[i] = x->info->image[i].contrast;
  return compare_values(b, "stim_contrast", TOLERANCE_SUM, m->images, ours, contrast);
}

/* The preferences are found anew, from the traces. */
static nrf_status check_matching(ref_block *b, const struct way *way, const nrf_extract *angles,
                                 const nrf_extract *x)
{
  nrf_status        st     = NRF_OK;
  nrf_tuning_curves curves = {0};
  nrf_matching      m      = {0};
  void             *memory = NULL;
  NRF_TRY(nrf_tuning_curves_of(angles, way->how, &curves));
  if (curves.why_not != NULL) NRF_FAIL(NRF_EFORMAT, "recording: %s", curves.why_not);
  NRF_TRY(nrf_alloc((size_t)curves.channels * sizeof(nrf_preference), "preferences", &memory));
  const nrf_preferences preferences = {curves.channels, memory};
  for (int c = 0; c < curves.channels; c++)
    preferences.channel[c] = nrf_preference_of_fit(angles->layer->channel[c], &curves.fit[c]);
  NRF_TRY(nrf_match_channels(x, &preferences, way->how == NRF_ORIENTATION_AS_WRITTEN, &m));
  NRF_TRY(compare_matching(b, way, x, &m));
done:
  nrf_tuning_curves_free(&curves);
  nrf_matching_free(&m);
  nrf_free(memory);
  return st;
}

nrf_status check_matches(ref_block *b, steps *s)
{
  static const char *const known[] = {"as_written", "correct", "stim_contrast", NULL};
  const nrf_extract       *angles, *x;
  NRF_RETURN_IF_ERROR(steps_extract(s, NRF_KIND_ANG, &angles));
  NRF_RETURN_IF_ERROR(steps_extract(s, NRF_KIND_PRIM, &x));
  for (int k = 0; k < WAYS; k++) NRF_RETURN_IF_ERROR(check_matching(b, &ways[k], angles, x));
  return report_unknown_members(b, known, NULL);
}
