/* spectrum.h - power spectra: the spectrogram and Welch's estimate (sections 2.6, 2.7).
 *
 * Both kinds of object are made once and never changed afterwards: threads may share them. `work` is the caller's memory, one for
 * each thread, of as many doubles as the object asks for, aligned to 64 bytes (nrf_alloc). */
#ifndef NRFLV_ANALYSIS_SPECTRUM_H
#define NRFLV_ANALYSIS_SPECTRUM_H

#include "nrflv/status.h"

#include <stdint.h>

/* ---- Spectrogram (as Matplotlib's specgram) ---- */

/* Power spectral density of overlapping segments under a symmetric Hann window; nothing is taken off them. */
typedef struct nrf_spectrogram nrf_spectrogram;

/* Segments of `segment` >= 2 samples, of which neighbours share `overlap`, from 0 to segment - 1. rate: samples per unit of time. The
 * analyses use 256 and 255. */
NRF_MUST_CHECK nrf_status nrf_spectrogram_create(int segment, int overlap, double rate,
                                                 nrf_spectrogram **out);
void                      nrf_spectrogram_free(nrf_spectrogram *s);

/* Bins: segment / 2 + 1, from frequency 0 on. Segments of a series of n samples: those that fit entirely; one shorter than
 * a segment counts as if zeros followed. */
int64_t nrf_spectrogram_bins(const nrf_spectrogram *s);
int64_t nrf_spectrogram_segments(const nrf_spectrogram *s, int64_t n);
double  nrf_spectrogram_frequency(const nrf_spectrogram *s, int64_t bin);
/* Of the middle of a segment. */
double nrf_spectrogram_time(const nrf_spectrogram *s, int64_t segment);

int64_t nrf_spectrogram_work(const nrf_spectrogram *s);
/* power: [bins][segments]. */
void nrf_spectrogram_power(const nrf_spectrogram *s, int64_t n, const double *x, double *work, double *power);

/* 10 log10 power; -inf for no power. */
double nrf_decibel(double power);

/* ---- Welch's power spectrum (as SciPy's welch) ---- */

typedef enum nrf_power_scale {
  NRF_POWER_DENSITY,  /* per unit of frequency: the integral over frequencies is the variance */
  NRF_POWER_SPECTRUM, /* a sine of amplitude A on a bin gives A^2 / 2 there                    */
} nrf_power_scale;

/* Averages over segments that overlap by half, each less its mean, under a periodic Hann window. Samples that fill
 * no segment are not used. */
typedef struct nrf_welch nrf_welch;

/* For series of n samples; segments of `segment` samples, or of n if there are fewer. n >= 1, segment >= 1. */
NRF_MUST_CHECK nrf_status nrf_welch_create(int64_t n, int64_t segment, double rate, nrf_power_scale scale,
                                           nrf_welch **out);
void                      nrf_welch_free(nrf_welch *w);

int64_t nrf_welch_bins(const nrf_welch *w);
int64_t nrf_welch_segments(const nrf_welch *w);
double  nrf_welch_frequency(const nrf_welch *w, int64_t bin);

int64_t nrf_welch_work(const nrf_welch *w);
/* power: [bins]. */
void nrf_welch_power(const nrf_welch *w, const double *x, double *work, double *power);

#endif
