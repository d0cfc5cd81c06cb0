/* ei_lag.h - by how much the state ("excitation") of the central neurons comes after their momentum ("inhibition"):
 * calculate_EI_lag, analysis.md 3.16. The momentum is the one before the inverse mass matrix (D39), its sign as it is.
 *
 * A lag is where the correlation of a state (first) with its momentum (second) is largest: positive if the state is late. Time
 * is counted in rows of the recording. */
#ifndef EI_LAG_H
#define EI_LAG_H

#include "nrflv/analysis/t_test.h"
#include "nrflv/extract.h"
#include "nrflv/progress.h"
#include "nrflv/rng.h"
#include "nrflv/status.h"

enum { NRF_EI_FIRST_LAG = -100, NRF_EI_LAGS = 200 };

typedef enum nrf_ei_period {
  NRF_EI_DURING, /* the stimulus                                                     */
  NRF_EI_BEFORE, /* PRE                                                              */
  NRF_EI_WHOLE,  /* the whole recording, burn-in included, as the published program  */
  NRF_EI_PERIODS
} nrf_ei_period;

/* "during", "before", "whole". */
const char *nrf_ei_period_name(int period);

/* Of one channel in one image. All but the first two are NaN if a trace is constant, or not finite. */
typedef struct nrf_ei_lag {
  int    channel, image; /* counted within the recording                                              */
  double lag;
  double margin;      /* how far the next largest value is below the largest one, as a part of it */
  double coefficient; /* the largest value, divided by samples and both standard deviations       */
  double other;       /* the same with the momentum of the next image: what chance gives          */
  double rival_lag;   /* where the next lower peak of the correlation is; NaN: there is none ...  */
  double rival_gap;   /* ... and how much lower it is, as a part of the largest value             */
} nrf_ei_lag;

typedef struct nrf_ei_lags {
  int         channels, images;      /* images whose central neuron has state and momentum               */
  int         lags[NRF_EI_PERIODS];  /* at which there is a correlation; 0: not recorded                 */
  int         first[NRF_EI_PERIODS]; /* the lowest of them                                               */
  nrf_ei_lag *lag;                   /* [periods][channels][images]                                      */
  double     *mean; /* [periods][channels][NRF_EI_LAGS] mean coefficient over images, NaN if there is none */
} nrf_ei_lags;

static inline const nrf_ei_lag *nrf_ei_lags_of(const nrf_ei_lags *lags, int period, int c)
{
  return lags->lag + ((int64_t)period * lags->channels + c) * lags->images;
}

static inline const double *nrf_ei_mean_of(const nrf_ei_lags *lags, int period, int c)
{
  return lags->mean + ((int64_t)period * lags->channels + c) * NRF_EI_LAGS;
}

/* All of them; images = 0 if no central neuron was recorded with its momentum. */
NRF_MUST_CHECK nrf_status nrf_ei_lags_find(const nrf_extract *x, int threads, const nrf_progress *progress,
                                           nrf_ei_lags *out);
void                      nrf_ei_lags_free(nrf_ei_lags *lags);

/* What is common to the lags of a channel, or of all of them. */
enum { NRF_EI_ALL_CHANNELS = -1 };

typedef struct nrf_ei_summary {
  nrf_moments lag; /* of all single lags       */
  double      median;
  double      coefficient, other; /* means                    */
  int64_t     ambiguous; /* lags with a rival peak less than NRF_EI_CLOSE lower                         */
} nrf_ei_summary;

#define NRF_EI_CLOSE 0.1

NRF_MUST_CHECK nrf_status nrf_ei_summarise(const nrf_ei_lags *lags, int period, int channel,
                                           nrf_ei_summary *out);

/* 95 % interval of the median, from resampled images (they are independent runs of the sampler, channels of an image are
 * not). NaN below two images. */
NRF_MUST_CHECK nrf_status nrf_ei_median_interval(const nrf_ei_lags *lags, int period, int channel,
                                                 nrf_rng stream, nrf_interval *out);

/* Mean lag of each image, over channels: what an interval of the mean rests on. */
nrf_moments nrf_ei_image_means(const nrf_ei_lags *lags, int period);

/* The published means: of the whole recording, of all channels up to each one, [channels]. Returns their mean (D24). Where there is no
 * lag they have the lowest one. */
double nrf_ei_published_means(const nrf_ei_lags *lags, double *mean);

#endif
