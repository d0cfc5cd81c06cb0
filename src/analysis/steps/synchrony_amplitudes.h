/* synchrony_amplitudes.h - how the amplitude of a pair's correlation depends on something else: the angle between two
 * channels' preferences (3.21), the distance of two patches (3.26), that of two places along a bar (3.30). */
#ifndef SYNCHRONY_AMPLITUDES_H
#define SYNCHRONY_AMPLITUDES_H

#include "synchrony.h"

#include "nrflv/analysis/line_fit.h"
#include "nrflv/analysis/preferences.h"

/* The sets of groups that each experiment is looked at in. */
enum { NRF_SET_ALL, NRF_SET_ALIGNED, NRF_SET_UNALIGNED, NRF_CHANNEL_SETS };
enum { NRF_SET_COLINEAR, NRF_SET_NONCOLINEAR, NRF_SET_OWN_STIMULUS, NRF_PATCH_SETS };
enum { NRF_SET_DURING, NRF_SET_BEFORE, NRF_BAR_SETS };
enum { NRF_AMPLITUDE_SETS = 3 };

/* A group of fits, seen as a point. */
typedef struct nrf_amplitude_point {
  int64_t group; /* index among the groups                                                                  */
  double  x;     /* radian, or pixels                                                                       */
  double  y;     /* amplitude                                                                               */
  double colour; /* 3.21: distance of the channels; 3.26: channel A; 3.30: preferred angle of the channel   */
} nrf_amplitude_point;

/* The groups with equal x (to 5e-8). */
typedef struct nrf_amplitude_mean {
  double       x;
  int64_t      n;
  double       mean;
  nrf_interval interval; /* of the mean, 95 %, by resampling */
} nrf_amplitude_mean;

typedef struct nrf_amplitude_line {
  bool         exists; /* there are two different x                                            */
  nrf_line     line;
  nrf_interval slope; /* 95 %, as if the points were independent                              */
} nrf_amplitude_line;

typedef struct nrf_amplitude_set {
  int64_t              n;
  nrf_amplitude_point *point;     /* [n] in the order of the groups                            */
  int64_t              n_untuned; /* further ones, left out because a channel is not tuned (D26) */
  int64_t              n_means;
  nrf_amplitude_mean  *mean; /* [n_means] ascending x                                     */
  nrf_amplitude_line   line;
} nrf_amplitude_set;

typedef struct nrf_amplitude_rules {
  bool
           as_written; /* untuned channels have preferences like others (D26); 3.26: only pairs that are tuned in the same way (D21) */
  uint64_t seed;       /* of the resampling */
} nrf_amplitude_rules;

typedef struct nrf_amplitude_sets {
  int               count;
  nrf_amplitude_set set[NRF_AMPLITUDE_SETS];
} nrf_amplitude_sets;

/* Groups of the stimulus's period (3.30: of both), of different channels (3.21) or places (3.30). An unknown preference matches
 * nothing. Sets may be empty. */
NRF_MUST_CHECK nrf_status nrf_select_amplitudes(nrf_synchrony experiment, const nrf_recording_info *info,
                                                nrf_site centre, const nrf_pair_groups *groups,
                                                const nrf_preferences *preferences, nrf_amplitude_rules rules,
                                                nrf_amplitude_sets *out);
void                      nrf_amplitude_sets_free(nrf_amplitude_sets *sets);

/* Least squares through n points. */
nrf_amplitude_line nrf_fit_amplitude_line(int64_t n, const double *x, const double *y);

#endif
