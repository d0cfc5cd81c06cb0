/* oscillations.h - power spectra of neurons that respond to what they prefer, and the peaks in them (analysis.md 3.13). */
#ifndef OSCILLATIONS_H
#define OSCILLATIONS_H

#include "central.h"

#include "nrflv/analysis/preferences.h"
#include "nrflv/extract.h"
#include "nrflv/progress.h"
#include "nrflv/status.h"

#include <stdint.h>

/* What spectra are of. The last one is the published program's "outside", with the burn-in, and a jump where the stimulus was
 * (D15). */
typedef enum nrf_spectrum_of {
  NRF_SPECTRUM_DURING,
  NRF_SPECTRUM_PRE,
  NRF_SPECTRUM_POST,
  NRF_SPECTRUM_SPLICED,
  NRF_SPECTRA
} nrf_spectrum_of;

/* "during", "pre", "post", "outside": in names of columns. */
const char *nrf_spectrum_name(nrf_spectrum_of of);

/* ---- Spectra ---- */

/* Welch's estimate in segments of 1000 steps, of a window less its line. Made once, then shared by threads. */
typedef struct nrf_oscillation_spectra nrf_oscillation_spectra;

/* rate: samples per unit of time, whose inverse frequencies have. */
NRF_MUST_CHECK nrf_status nrf_oscillation_spectra_create(const nrf_extract *x, double rate,
                                                         nrf_oscillation_spectra **out);
void                      nrf_oscillation_spectra_free(nrf_oscillation_spectra *s); /* NULL is fine */

/* 0 for what was not recorded. */
int64_t nrf_oscillation_bins(const nrf_oscillation_spectra *s, nrf_spectrum_of of);
double  nrf_oscillation_frequency(const nrf_oscillation_spectra *s, nrf_spectrum_of of, int64_t bin);
/* Segments that are averaged. */
int64_t nrf_oscillation_segments(const nrf_oscillation_spectra *s, nrf_spectrum_of of);

/* power [bins]: a sine of amplitude A on a bin gives A^2 / 2 there. `work` is the caller's, one for each thread. */
int64_t nrf_oscillation_work(const nrf_oscillation_spectra *s);
void    nrf_oscillation_power(const nrf_oscillation_spectra *s, nrf_spectrum_of of, const float *trace,
                              double *work, double *power);

/* ---- Neurons ---- */

enum { NRF_LISTED_PEAKS = 16 };

typedef struct nrf_oscillation {
  int    peaks; /* at least half as prominent as the largest power is high; if none is, the largest power is one. 0: not recorded */
  double frequency[NRF_LISTED_PEAKS],
      power[NRF_LISTED_PEAKS];           /* of the first of them                          */
  double main_frequency, max_peak_power; /* of the strongest peak                         */
  double peak_product;                   /* sum of frequency times power over the peaks   */
  double freq_power_product;             /* the same over all bins                        */
} nrf_oscillation;

typedef struct nrf_oscillating_neuron {
  int             channel, image;  /* numbers in the layer and in the batch        */
  int             height, width;   /* place in the layer's map                     */
  int             c, b, h, w;      /* the same within the recording                */
  double          angle, contrast; /* of the stimulus                              */
  nrf_oscillation spectrum[NRF_SPECTRA];
} nrf_oscillating_neuron;

/* Mean spectrum of a channel's neurons at one contrast. */
typedef struct nrf_channel_spectrum {
  int     c;
  double  contrast;
  int     neurons;
  double *power[NRF_SPECTRA]; /* [bins]; NULL: not recorded */
} nrf_channel_spectrum;

typedef struct nrf_oscillations {
  int64_t n;
  nrf_oscillating_neuron *
      neuron; /* [n] active ones of the central patch whose channel prefers the stimulus, by channel, image, h, w */
  int64_t               not_finite; /* further ones, left out                          */
  int                   n_channels;
  nrf_channel_spectrum *channel; /* [n_channels] by channel, contrast; with neurons */
  double               *memory;
} nrf_oscillations;

NRF_MUST_CHECK nrf_status nrf_oscillations_create(const nrf_extract *x, const nrf_preferences *preferences,
                                                  const nrf_oscillation_spectra *spectra, int threads,
                                                  const nrf_progress *progress, nrf_oscillations *out);
void                      nrf_oscillations_free(nrf_oscillations *oscillations);

#endif
