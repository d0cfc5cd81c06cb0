/* synchrony_show.c - opening, averaging, choosing: what is common to the analyses of synchrony. */
#include "synchrony_show.h"

#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include <math.h>
#include <string.h>

const char *nrf_period_text(int period)
{
  return period == NRF_PERIOD_DURING ? "during the stimulus" : "before the stimulus";
}

/* ---- the recording --------------------------------------------------------------------------------------- */

nrf_status nrf_open_pairs(const nrf_analysis_context *context, nrf_synchrony experiment, nrf_results *results,
                          nrf_synchrony_pairs *pairs, bool *skipped)
{
  const nrf_extract *x = context->extract[nrf_synchrony_words_of(experiment)->kind];
  NRF_RETURN_IF_ERROR(nrf_synchrony_pairs_create(x, experiment, pairs));
  *skipped = nrf_count_pair_rows(pairs) == 0;
  if (*skipped) return nrf_results_skip(results, "the neurons that are to be correlated were not recorded");
  if (pairs->images_without > 0)
    nrf_results_note(results, "%d of %d images are left out: their neurons were not recorded",
                     pairs->images_without, pairs->images);
  if (pairs->window[NRF_PERIOD_OUTSIDE].count == 0)
    nrf_results_note(results, "nothing was recorded before the stimulus: there is nothing to compare with");
  return NRF_OK;
}

bool nrf_is_same_neuron(const nrf_extract *x, nrf_synchrony experiment, const int key[NRF_PAIR_KEYS])
{
  switch (experiment) {
  case NRF_SYNCHRONY_CHANNELS:
    return key[0] == key[1];
  case NRF_SYNCHRONY_BAR:
    return key[1] == x->layer->left + x->centre.w && key[2] == x->layer->top + x->centre.h;
  default:
    return false;
  }
}

/* ---- means ----------------------------------------------------------------------------------------------- */

nrf_status nrf_mean_over_images(const nrf_synchrony_pairs *pairs, int64_t n, const void *rows, size_t stride,
                                int period, const double *value, nrf_moments *out)
{
  void *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)pairs->images * sizeof(nrf_moments), "means", &memory));
  nrf_moments *image = memory;
  for (int b = 0; b < pairs->images; b++) image[b] = nrf_moments_none();
  for (int64_t i = 0; i < n; i++) {
    const nrf_pair_row *row = (const nrf_pair_row *)((const char *)rows + (size_t)i * stride);
    if (row->period == period && isfinite(value[i])) nrf_moments_add(&image[row->image], value[i]);
  }
  *out = nrf_moments_none();
  for (int b = 0; b < pairs->images; b++)
    if (image[b].n > 0) nrf_moments_add(out, image[b].mean);
  nrf_free(memory);
  return NRF_OK;
}

/* ---- samples --------------------------------------------------------------------------------------------- */

static uint32_t lot_of(uint64_t seed, nrf_synchrony experiment, int64_t row)
{
  return nrf_rng_u32(nrf_rng_at(seed, NRF_RNG_SAMPLE, 0, (uint32_t)experiment), (uint64_t)row);
}

int nrf_sample_rows(uint64_t seed, nrf_synchrony experiment, int64_t n, int most, int64_t *row)
{
  int count = 0;
  for (int64_t i = 0; i < n; i++) {
    const uint32_t lot = lot_of(seed, experiment, i);
    if (count == most && lot <= lot_of(seed, experiment, row[count - 1])) continue;
    int at = count < most ? count++ : count - 1;
    for (; at > 0 && lot_of(seed, experiment, row[at - 1]) < lot; at--) row[at] = row[at - 1];
    row[at] = i;
  }
  for (int i = 1; i < count; i++) { /* from the order of lots to that of rows */
    const int64_t moved = row[i];
    int           at    = i;
    for (; at > 0 && row[at - 1] > moved; at--) row[at] = row[at - 1];
    row[at] = moved;
  }
  return count;
}

bool nrf_is_in_sample(uint64_t seed, nrf_synchrony experiment, int64_t row)
{
  static const double PART = 0.001;
  return (double)lot_of(seed, experiment, row) >= (1.0 - PART) * 0x1p32;
}
