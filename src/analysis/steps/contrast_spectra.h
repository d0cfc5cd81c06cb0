/* contrast_spectra.h - power spectra of the LFP at each contrast, and where they have their peak (analysis.md 3.10). */
#ifndef CONTRAST_SPECTRA_H
#define CONTRAST_SPECTRA_H

#include "centre_traces.h"

#include "nrflv/analysis/t_test.h"
#include "nrflv/progress.h"
#include "nrflv/rng.h"

/* Samples in a segment of Welch's estimate; fewer, if there are not so many. */
enum { NRF_WELCH_SEGMENT = 256 };

/* Where power times frequency is largest, which makes an oscillation stand out from a spectrum that falls off. */
typedef struct nrf_spectral_peak {
  int    bin;       /* -1: there is no local maximum at the largest value, or no power    */
  double frequency; /* NaN then                                                           */
} nrf_spectral_peak;

nrf_spectral_peak nrf_spectral_peak_of(int bins, const double *frequency, const double *power);

typedef struct nrf_contrast_spectra {
  int                contrasts, bins;
  int64_t            segments;  /* that were averaged                                       */
  double            *frequency; /* [bins] Hz                                                */
  double            *power;     /* [contrasts, bins] per Hz; 0 where nothing contributes    */
  nrf_spectral_peak *peak;      /* [contrasts]                                              */
} nrf_contrast_spectra;

/* Of the rows of a window, `rate` rows a second. The window must not be empty. */
NRF_MUST_CHECK nrf_status nrf_contrast_spectra_of(const nrf_lfp *lfp, nrf_window window, double rate,
                                                  nrf_contrast_spectra *out);
void                      nrf_contrast_spectra_free(nrf_contrast_spectra *s);

/* Factors to multiply a power with: an interval that holds the true one, of a stationary Gaussian process, with this
 * confidence (Welch, IEEE Trans. Audio and Electroacoustics 15, 1967: half-overlapping Hann windows). */
nrf_interval nrf_welch_interval(int64_t segments, double confidence);

/* ---- How much the peaks depend on which channels there are ---- */

enum { NRF_PEAK_RESAMPLES = 2000, NRF_PEAK_CHANNELS = 4 /* fewer are not resampled */ };

/* The frequency of the peak when channels are drawn at random, with replacement, as many as there are. Contrasts with the same
 * channels see the same draws, so that differences between them can be taken. */
typedef struct nrf_resampled_peaks {
  int     contrasts;
  double *frequency; /* [contrasts, NRF_PEAK_RESAMPLES]; NaN without a peak, or with too few channels */
} nrf_resampled_peaks;

NRF_MUST_CHECK nrf_status nrf_resample_peaks(const nrf_lfp *lfp, nrf_window window, double rate,
                                             nrf_rng stream, int threads, const nrf_progress *progress,
                                             nrf_resampled_peaks *out);
void                      nrf_resampled_peaks_free(nrf_resampled_peaks *peaks);

/* Percentiles of the peak at contrast k; of the difference, peak at l less peak at k. NaN if more than a part of 1 - confidence of the
 * draws have no peak. */
nrf_interval nrf_peak_interval(const nrf_resampled_peaks *peaks, int k, double confidence);
nrf_interval nrf_peak_shift_interval(const nrf_resampled_peaks *peaks, int k, int l, double confidence);

#endif
