/* matching.h - which stimuli suit which channels (analysis.md 3.7). */
#ifndef MATCHING_H
#define MATCHING_H

#include "nrflv/analysis/preferences.h"
#include "nrflv/extract.h"

/* Of the recorded channels and images of an extract, in the order in which they were recorded. */
typedef struct nrf_matching {
  int     channels, images;
  double *preferred;  /* [channels] radian; NaN of channels that are not tuned                        */
  double *stimulus;   /* [images] angle, radian; NaN: none                                            */
  double *difference; /* [channels][images] of the two, radian; NaN if there is one of them only      */
  bool   *matched;    /* [channels][images] whether that is below NRF_MATCH_ANGLE                     */
  int     n_angles, n_contrasts;
  double *angle;    /* [n_angles] of the stimuli, each once, ascending                              */
  double *contrast; /* [n_contrasts] the same of their contrasts                                    */
} nrf_matching;

/* as_written: angles are rounded to three decimals (D4). */
NRF_MUST_CHECK nrf_status nrf_match_channels(const nrf_extract *x, const nrf_preferences *preferences,
                                             bool as_written, nrf_matching *out);
void                      nrf_matching_free(nrf_matching *matching);

static inline int64_t nrf_match_at(const nrf_matching *m, int c, int b)
{
  return (int64_t)c * m->images + b;
}

/* How often the central neurons of tuned channels are active, by contrast. */
typedef struct nrf_match_counts {
  int64_t n, active;
} nrf_match_counts;

/* matched, others: [n_contrasts], of pairs of a tuned channel and an image of that contrast which match, and which do not. The
 * centre must have been recorded. */
void nrf_count_active(const nrf_extract *x, const nrf_matching *m, nrf_match_counts *matched,
                      nrf_match_counts *others);

#endif
