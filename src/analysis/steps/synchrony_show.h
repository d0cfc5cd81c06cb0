/* synchrony_show.h - what the analyses of synchrony have in common when they show something. */
#ifndef SYNCHRONY_SHOW_H
#define SYNCHRONY_SHOW_H

#include "show.h"
#include "synchrony.h"
#include "synchrony_tables.h"

#include "nrflv/analysis/analysis.h"

/* "during the stimulus", "before the stimulus". */
const char *nrf_period_text(int period);

static inline nrf_correlation_fit_how nrf_fit_how_of(const nrf_analysis_context *context)
{
  return context->settings->original_quirks ? NRF_FIT_AS_WRITTEN : NRF_FIT_CORRECT;
}

/* The pairs of an experiment's recording, with notes on what is missing in it. *skipped: nothing can be correlated, and
 * the results say why. */
NRF_MUST_CHECK nrf_status nrf_open_pairs(const nrf_analysis_context *context, nrf_synchrony experiment,
                                         nrf_results *results, nrf_synchrony_pairs *pairs, bool *skipped);

/* Whether both neurons of a pair are the same one. */
bool nrf_is_same_neuron(const nrf_extract *x, nrf_synchrony experiment, const int key[NRF_PAIR_KEYS]);

/* A number of each row, NaN for those to be left out: the mean of each image's, and then, since images are independent runs of the
 * sampler, mean and interval over images. `rows` are the first member of records with this stride. */
NRF_MUST_CHECK nrf_status nrf_mean_over_images(const nrf_synchrony_pairs *pairs, int64_t n, const void *rows,
                                               size_t stride, int period, const double *value,
                                               nrf_moments *out);

/* A sample of n rows, seeded: the `most` rows (or all) of which a random number is largest, in order. Returns how many. */
int nrf_sample_rows(uint64_t seed, nrf_synchrony experiment, int64_t n, int most, int64_t *row);

/* Whether a row is among the thousandth that is shown in single pictures. */
bool nrf_is_in_sample(uint64_t seed, nrf_synchrony experiment, int64_t row);

#endif
