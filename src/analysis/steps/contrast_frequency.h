/* contrast_frequency.h - the peaks of spectra against the contrast of the stimulus (analysis.md 3.14), and the table in which spectra
 * are handed from one analysis to the next. */
#ifndef CONTRAST_FREQUENCY_H
#define CONTRAST_FREQUENCY_H

#include "oscillations.h"

#include "nrflv/analysis/table.h"
#include "nrflv/moments.h"

/* ---- The table of neurons ---- */

#define NRF_OSCILLATIONS_ANALYSIS "find_oscillating_neurons"
#define NRF_OSCILLATIONS_TABLE    "neuron_act_and_osc"

/* As written: "during" and "outside", the spliced one, frequencies per timestep; otherwise "during", "pre" and "post", in Hz
 * (D15, D45). */
NRF_MUST_CHECK nrf_status nrf_oscillations_table(const nrf_oscillations *oscillations, bool as_written,
                                                 nrf_table **out);

/* New memory (nrf_free). Lists of peaks, and spectra that the table does not have, are empty: peaks = 0, and 0. */
NRF_MUST_CHECK nrf_status nrf_oscillations_of_table(const nrf_table *table, bool as_written, int64_t *n,
                                                    nrf_oscillating_neuron **out);

/* Whether such a table has them. */
bool nrf_is_tabulated(nrf_spectrum_of of, bool as_written);

/* ---- Means at each contrast ---- */

/* Sums of frequency times power over the peaks, of neurons that have a peak of some power. Channels differ by orders of magnitude, so
 * that they are compared by natural logarithms of the means of each one's neurons. */
typedef struct nrf_contrast_frequency {
  double      contrast;
  int64_t     n;        /* neurons           */
  double      mean;     /* over neurons      */
  nrf_moments channels; /* of the logarithms */
} nrf_contrast_frequency;

typedef struct nrf_contrast_frequencies {
  int n;
  nrf_contrast_frequency
              at[NRF_MAX_CONTRASTS]; /* ascending; contrasts with neurons                           */
  nrf_moments slope; /* of each channel's logarithms over contrast; channels with two contrasts or more */
} nrf_contrast_frequencies;

/* Of n neurons, ordered by channel. The peak that must be strong enough is that of `chosen_by`; published: always the one during
 * the stimulus. */
NRF_MUST_CHECK nrf_status nrf_contrast_frequencies_of(int64_t n, const nrf_oscillating_neuron *neuron,
                                                      nrf_spectrum_of of, nrf_spectrum_of chosen_by,
                                                      nrf_contrast_frequencies *out);

/* Logarithms of each channel's mean during the stimulus over that of another spectrum, at one contrast, of neurons that count in both. */
nrf_moments nrf_contrast_frequency_ratio(int64_t n, const nrf_oscillating_neuron *neuron, double contrast,
                                         nrf_spectrum_of other);

#endif
