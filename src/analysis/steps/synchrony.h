/* synchrony.h - what the three experiments on synchrony share (analysis.md 3.17 to 3.30): pairs of traces, their
 * correlations, the damped cosines fitted to them, and the fits of equal stimuli taken together.
 *
 *   1  channels at one place          both at the centre                                  a: channel A, v: channel B
 *   2  channels at two patches        a: channel A at the mobile patch's place, v: channel B at the static one's, the centre
 *   3  places along a bar             a: the centre, v: another place, of the same channel
 *
 * Each pair is correlated during the stimulus, and over the blank picture before it ("outside"). */
#ifndef SYNCHRONY_H
#define SYNCHRONY_H

#include "nrflv/analysis/angle.h"
#include "nrflv/analysis/correlation_fit.h"
#include "nrflv/analysis/t_test.h"
#include "nrflv/extract.h"
#include "nrflv/moments.h"
#include "nrflv/progress.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum nrf_synchrony {
  NRF_SYNCHRONY_CHANNELS,
  NRF_SYNCHRONY_PATCHES,
  NRF_SYNCHRONY_BAR,
  NRF_SYNCHRONIES
} nrf_synchrony;

/* The numbers are those of the tables' column dur_or_out. */
typedef enum nrf_period { NRF_PERIOD_DURING, NRF_PERIOD_OUTSIDE, NRF_PERIODS } nrf_period;

/* ---- Pairs ---- */

/* What a pair is called within its image: channel A and channel B; or channel, x (column) and y (row) of the other place. */
enum { NRF_PAIR_KEYS = 3 };

typedef struct nrf_pair {
  int a, v; /* which of the image's series; a is the first argument of the correlation */
  int key[NRF_PAIR_KEYS];
} nrf_pair;

typedef struct nrf_image_pairs {
  int           group; /* images that show the same share it                             */
  int           x, y;  /* the mobile patch's place in the layer's map (experiment 2)     */
  int           n_series, n_pairs;
  const float **series; /* whole traces                                                   */
  nrf_pair     *pair;
} nrf_image_pairs;

/* Which correlations there are. */
typedef struct nrf_synchrony_pairs {
  nrf_synchrony    experiment;
  nrf_window       window[NRF_PERIODS];
  int              images;
  nrf_image_pairs *image;          /* [images] */
  int              max_series;     /* of any image                                       */
  int              images_without; /* that have no pairs: a place was not recorded       */
} nrf_synchrony_pairs;

/* The extract must be of the experiment's kind, and stay as long as the pairs. Neurons that were not recorded are left
 * out. */
NRF_MUST_CHECK nrf_status nrf_synchrony_pairs_create(const nrf_extract *x, nrf_synchrony experiment,
                                                     nrf_synchrony_pairs *out);
void                      nrf_synchrony_pairs_free(nrf_synchrony_pairs *pairs);

/* ---- Correlations ---- */

/* Series of one window, correlated with each other at lags first .. last, which are cut to what the window allows. */
typedef struct nrf_pair_correlator nrf_pair_correlator;

NRF_MUST_CHECK nrf_status nrf_pair_correlator_create(nrf_window window, int first, int last, int max_series,
                                                     nrf_pair_correlator **out);
void                      nrf_pair_correlator_free(nrf_pair_correlator *c);

int nrf_pair_correlator_first(const nrf_pair_correlator *c);
int nrf_pair_correlator_lags(const nrf_pair_correlator *c);

/* The lags that are fitted: -50 .. 49, or as many as the window has. Returns how many, and which is the first. */
int nrf_fitted_lags(nrf_window window, int *first);

/* Takes on the series of an image; what is asked for below is about them. */
void nrf_pair_correlator_load(nrf_pair_correlator *c, const nrf_image_pairs *image);

/* The correlation of two of them, each less its mean over the window: out [lags]. NaN if one is not finite there. */
void nrf_pair_correlation(const nrf_pair_correlator *c, int a, int v, double *out);

/* What it is to be divided by to be a coefficient of correlation (D16): the number of samples times both standard
 * deviations. 0 if one of the series is constant. */
double nrf_pair_norm(const nrf_pair_correlator *c, int a, int v);

/* ---- Rows: one for each image, period and pair, in this order ---- */

typedef struct nrf_pair_row {
  int image, group, period;
  int key[NRF_PAIR_KEYS];
  int x, y; /* nrf_image_pairs */
} nrf_pair_row;

/* Rows of the same group, period and keys, in the order of the images. */
typedef struct nrf_row_groups {
  int64_t  n;     /* ascending by group, period, keys */
  int64_t *first; /* [n + 1] of each group in `row`   */
  int64_t *row;   /* indices of rows                  */
} nrf_row_groups;

/* Of n rows that are the first member of records with this stride. */
NRF_MUST_CHECK nrf_status nrf_row_groups_create(int64_t n, const void *rows, size_t stride,
                                                nrf_row_groups *out);
void                      nrf_row_groups_free(nrf_row_groups *groups);

int64_t nrf_count_pair_rows(const nrf_synchrony_pairs *pairs);

/* What a visitor of a row is shown. */
typedef struct nrf_pair_visit {
  int64_t                    index; /* of the row                                     */
  nrf_pair_row               row;
  const nrf_pair_correlator *correlator; /* of the row's period, loaded with its image */
  int                        a, v;       /* its series                                 */
  int                        worker;     /* 0 .. threads - 1: whose scratch to use     */
} nrf_pair_visit;

typedef struct nrf_pair_walk {
  const char *title;       /* for the progress */
  int         first, last; /* lags */
  void (*visit)(void *context, const nrf_pair_visit *visit);
  void *context;
} nrf_pair_walk;

/* Visits all rows, several at a time. */
NRF_MUST_CHECK nrf_status nrf_walk_pairs(const nrf_synchrony_pairs *pairs, const nrf_pair_walk *walk,
                                         int threads, const nrf_progress *progress);

/* ---- All correlations (3.17, 3.23, 3.27) ---- */

typedef struct nrf_pair_window {
  nrf_pair_row row;
  double       norm; /* nrf_pair_norm */
} nrf_pair_window;

/* Correlations at lags -50 .. 49 or as many as both periods have. */
typedef struct nrf_pair_windows {
  int              first, lags;
  int64_t          n;
  nrf_pair_window *window; /* [n]       */
  float           *value;  /* [n][lags] */
} nrf_pair_windows;

NRF_MUST_CHECK nrf_status nrf_correlate_pairs(const nrf_synchrony_pairs *pairs, int threads,
                                              const nrf_progress *progress, nrf_pair_windows *out);
void                      nrf_pair_windows_free(nrf_pair_windows *windows);

/* The correlation that a row is about, at lags -50 .. 49 or as many as its period has, [NRF_FIT_LAGS]. */
NRF_MUST_CHECK nrf_status nrf_correlate_row(const nrf_synchrony_pairs *pairs, const nrf_pair_row *row,
                                            int *first, int *lags, double *window);

/* The mean over equal stimuli, as coefficients. */
typedef struct nrf_mean_window {
  int     group, period;
  int     key[NRF_PAIR_KEYS];
  int64_t n;           /* correlations that it is of: those of constant or bad traces have no coefficient */
  double  raw_at_zero; /* mean correlation at lag 0                                                      */
  double  at_zero,
      largest; /* of the mean curve of the coefficients: at lag 0, and the largest one           */
  int lag_of_largest;
} nrf_mean_window;

typedef struct nrf_mean_windows {
  int64_t          n;
  nrf_mean_window *mean; /* ascending by group, period, keys */
} nrf_mean_windows;

NRF_MUST_CHECK nrf_status nrf_average_windows(const nrf_pair_windows *windows, nrf_mean_windows *out);
void                      nrf_mean_windows_free(nrf_mean_windows *means);

/* ---- Fits (3.18, 3.24, 3.28) ---- */

typedef struct nrf_pair_fit {
  nrf_pair_row row;
  int          num_peaks;        /* of the fitted curve; -1 if there is none                    */
  bool         one_phase_missed; /* starting from phase 0 alone ends at a cost more than 1 % higher (D51) */
  double       norm;             /* nrf_pair_norm                                               */
  double       amplitude_normalised; /* the fit's, as a coefficient of correlation; NaN: there is none */
  double       phase_folded;         /* the sine's phase in [0, pi), equal for phases half a period apart */
  nrf_correlation_fit fit;
} nrf_pair_fit;

typedef struct nrf_pair_fits {
  int64_t       n;
  nrf_pair_fit *fit;
} nrf_pair_fits;

/* Correlates and fits all pairs at lags -50 .. 49 or as many as there are. The fit of a pair with a constant trace is
 * a flat line: amplitude 0 and no frequency; that of one that is not finite is NaN. NRF_EINVAL for windows of fewer than 3 samples. */
NRF_MUST_CHECK nrf_status nrf_fit_pairs(const nrf_synchrony_pairs *pairs, nrf_correlation_fit_how how,
                                        int threads, const nrf_progress *progress, nrf_pair_fits *out);
void                      nrf_pair_fits_free(nrf_pair_fits *fits);

/* ---- Groups: the fits of one pair to equal stimuli (3.20, 3.25, 3.29) ---- */

typedef struct nrf_pair_group {
  int               group, period;
  int               key[NRF_PAIR_KEYS];
  int64_t           n;         /* fits that are finite                                              */
  double            amplitude; /* means over them                                                   */
  double            amplitude_normalised; /* of the coefficient of correlation                      */
  double            num_peaks;
  double            sine_phase;  /* not circular                                          */
  nrf_t_test        amplitude_t; /* is the mean amplitude 0?                              */
  nrf_t_test        phase_t;
  nrf_circular_mean phase;
  double            phase_p; /* Rayleigh's: is there no common phase?                     */

  /* Of a group of the stimulus's period, against the same images before the stimulus: */
  int    above_tenth_of_outside; /* is the amplitude above 0.1 of the other's mean? -1: nothing to compare */
  double amplitude_change;       /* mean difference, during less outside; NaN: nothing to compare          */
  nrf_t_test change_t;           /* paired                                                                 */
} nrf_pair_group;

typedef struct nrf_pair_groups {
  int64_t         n;
  nrf_pair_group *group; /* ascending by group, period, keys */
} nrf_pair_groups;

NRF_MUST_CHECK nrf_status nrf_group_fits(const nrf_pair_fits *fits, nrf_pair_groups *out);
void                      nrf_pair_groups_free(nrf_pair_groups *groups);

/* ---- Mean correlations by channel distance (3.19) ---- */

typedef struct nrf_mean_correlation {
  int     distance;             /* of the channels                                                    */
  int     pairs;                /* of each image                                                      */
  int64_t n;                    /* values that the interval rests on: images, as written correlations */
  double *mean, *lower, *upper; /* [lags] each                                            */
} nrf_mean_correlation;

typedef struct nrf_mean_correlations {
  int                   first, lags;
  int                   distances;
  nrf_mean_correlation *raw, *normalised; /* [distances] each */
} nrf_mean_correlations;

typedef struct nrf_neighbour_rules {
  bool
      as_written; /* channels in a row, both orders of each pair, all correlations alike; otherwise channels on a ring, each pair
                    * once, mean over an image's pairs first (D23) */
  int ring;       /* channels of the layer               */
  int max_distance; /* 5                                   */
  int first, last;  /* lags                                */
} nrf_neighbour_rules;

/* Of experiment 1, during the stimulus. Distances without pairs are left out. */
NRF_MUST_CHECK nrf_status nrf_correlate_neighbours(const nrf_synchrony_pairs *pairs,
                                                   nrf_neighbour_rules rules, int threads,
                                                   const nrf_progress *progress, nrf_mean_correlations *out);
void                      nrf_mean_correlations_free(nrf_mean_correlations *m);

#endif
