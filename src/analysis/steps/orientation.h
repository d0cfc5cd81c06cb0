/* orientation.h - which angle of a stimulus each channel's central neuron prefers (analysis.md 3.6). */
#ifndef ORIENTATION_H
#define ORIENTATION_H

#include "nrflv/analysis/orientation_fit.h"
#include "nrflv/analysis/preferences.h"
#include "nrflv/extract.h"

/* The tuning curves of the recorded channels, in the order in which they were recorded. */
typedef struct nrf_tuning_curves {
  const char          *why_not; /* there are none: a clause that says why; otherwise NULL            */
  int                  channels, angles;
  double              *angle;    /* [angles] as the fit takes them, ascending from 0, radian               */
  double              *activity; /* [channels][angles] mean state during the stimulus, mean over repeats   */
  double              *z;        /* [channels][angles] that less its mean, with norm 1; NaN if constant    */
  nrf_orientation_fit *fit;      /* [channels] */
} nrf_tuning_curves;

/* Of the central neurons of a recording whose stimuli are at angles equally spaced round the circle, in any order and
 * perhaps several times. */
NRF_MUST_CHECK nrf_status nrf_tuning_curves_of(const nrf_extract *x, nrf_orientation_fit_how how,
                                               nrf_tuning_curves *out);
void                      nrf_tuning_curves_free(nrf_tuning_curves *curves);

/* The better of a channel's two cosines; the one with one cycle, which is all 0 and NaN, if there is no tuning curve. */
static inline const nrf_cosine_fit *nrf_better_cosine(const nrf_orientation_fit *fit)
{
  return &fit->cycle[fit->dir_or_ori == 1];
}

nrf_preference nrf_preference_of_fit(int channel, const nrf_orientation_fit *fit);

/* The part of a curve's variance that a cosine of this amplitude explains: the threshold of being tuned is one of amplitude,
 * and so another part of the variance for another number of angles. */
double nrf_explained_variance(int angles, double amplitude);

/* How probable it is, at most, that independent noise counts as tuned. */
double nrf_tuned_by_chance(int angles);

#endif
