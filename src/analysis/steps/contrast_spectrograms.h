/* contrast_spectrograms.h - the spectrum of the LFP at each contrast as time goes on, and how much stronger it is during the stimulus
 * (analysis.md 3.9). */
#ifndef CONTRAST_SPECTROGRAMS_H
#define CONTRAST_SPECTROGRAMS_H

#include "centre_traces.h"

/* Samples in a segment, as published; neighbouring segments are one sample apart. */
enum { NRF_SPECTROGRAM_SEGMENT = 256 };

/* So many, or fewer if otherwise not two of them would fit into the time of the stimulus. */
int nrf_spectrogram_segment(const nrf_extract *x);

typedef struct nrf_contrast_spectrograms {
  int     shown, contrast[NRF_SHOWN_CONTRASTS]; /* which of the LFP's contrasts                 */
  int     segment;                              /* samples in each                              */
  int64_t bins, segments;
  double *frequency; /* [bins] Hz                                                             */
  double *time;      /* [segments] s from the stimulus' onset to the middle of the segment    */
  double *power;     /* [shown, bins, segments] per Hz                                        */
} nrf_contrast_spectrograms;

/* The rows that the spectrograms are of: all but the burn-in. */
nrf_window nrf_spectrogram_window(const nrf_extract *x);

NRF_MUST_CHECK nrf_status nrf_contrast_spectrograms_of(const nrf_extract *x, const nrf_lfp *lfp, int segment,
                                                       nrf_contrast_spectrograms *out);
void                      nrf_contrast_spectrograms_free(nrf_contrast_spectrograms *s);

/* Mean power of each bin over the segments that lie within a window: out [bins]. Returns how many there are; none: NaN. */
int64_t nrf_spectrogram_mean(const nrf_extract *x, const nrf_contrast_spectrograms *s, int shown,
                             nrf_window window, double *out);

/* ---- Power in a band ---- */

/* The gamma band, Hz: chosen beforehand, so that it does not follow what is found. */
#define NRF_BAND_LOW  20.0
#define NRF_BAND_HIGH 80.0

/* Of a part of the LFP: the power of its oscillations of these frequencies, by Welch's estimate. */
typedef struct nrf_band_power {
  double before, during; /* the stimulus                                          */
  double change;         /* dB; NaN if either is 0                                */
} nrf_band_power;

/* Of each part: out [lfp->parts]. NaN if the band is above what can be told at this rate, or a window is empty. */
NRF_MUST_CHECK nrf_status nrf_band_powers(const nrf_extract *x, const nrf_lfp *lfp, nrf_band_power *out);

#endif
