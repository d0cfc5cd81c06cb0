/* steps_spectra.c - spectra and autocorrelations of the contrast experiment. */
#include "steps.h"

#include "analysis/steps/centre_traces.h"
#include "analysis/steps/contrast_spectra.h"

#include "nrflv/memory.h"

#include <math.h>

static const char *const ways[] = {"as_written", "correct", NULL};

/* ---- what several of them need --------------------------------------------------------------------------- */

/* The power of a spectrum; of what is weak compared with the rest, rounding is all there is. */
static nrf_status compare_power(ref_block *b, const char *quantity, int64_t n, const double *ours,
                                const double *reference)
{
  static const double STRONG  = 1e-8;
  double              largest = 0.0, *strong_ours, *strong_reference;
  int64_t             count   = 0;
  NRF_RETURN_IF_ERROR(compare_values(b, quantity, TOLERANCE_POWER, n, ours, reference));
  NRF_RETURN_IF_ERROR(scratch(b, n, &strong_ours));
  NRF_RETURN_IF_ERROR(scratch(b, n, &strong_reference));
  for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(reference[i]));
  for (int64_t i = 0; i < n; i++) {
    if (!(fabs(reference[i]) > STRONG * largest)) continue;
    strong_ours[count]        = ours[i];
    strong_reference[count++] = reference[i];
  }
  return count == 0 ? NRF_OK
                    : compare_values(b, text_of("%s, where it is strong", quantity).s, TOLERANCE_STRONG_POWER,
                                     count, strong_ours, strong_reference);
}

/* Which contrast of the LFP each of the reference's is. */
static nrf_status find_contrasts(const nrf_lfp *lfp, int64_t n, const double *contrast, int *index)
{
  static const double SAME = 1e-9;
  for (int64_t i = 0; i < n; i++) {
    index[i] = -1;
    for (int k = 0; k < lfp->contrasts.n; k++)
      if (fabs(lfp->contrasts.at[k] - contrast[i]) < SAME) index[i] = k;
    if (index[i] < 0) return nrf_error(NRF_EFORMAT, "contrast %g is not in the recording", contrast[i]);
  }
  return NRF_OK;
}

static nrf_status open_lfp(ref_block *b, const nrf_extract *x, const char *way, const char *variant,
                           nrf_lfp *lfp)
{
  nrf_preferences preferences = {0};
  NRF_RETURN_IF_ERROR(read_preferences(b, way, x->layer->channels, &preferences));
  const nrf_status st = nrf_lfp_create(x, &preferences, nrf_central_of_variant(variant), lfp);
  nrf_free(preferences.channel);
  return st;
}

/* ---- power spectra --------------------------------------------------------------------------------------- */

static nrf_status compare_spectrum(ref_block *b, const char *way, const nrf_contrast_spectra *spectra,
                                   const int *index)
{
  const int64_t bins = spectra->bins, n = NRF_SHOWN_CONTRASTS * bins;
  double       *frequency, *power, *product, *bin, *ours, *our_product, *our_bin;
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/frequency", way).s, bins, &frequency));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/power", way).s, n, &power));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/power_times_frequency", way).s, n, &product));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/x_as_written", way).s, bins, &bin));
  NRF_RETURN_IF_ERROR(scratch(b, n, &ours));
  NRF_RETURN_IF_ERROR(scratch(b, n, &our_product));
  NRF_RETURN_IF_ERROR(scratch(b, bins, &our_bin));
  for (int64_t i = 0; i < n; i++) {
    ours[i]        = spectra->power[index[i / bins] * bins + i % bins];
    our_product[i] = ours[i] * spectra->frequency[i % bins];
  }
  for (int64_t f = 0; f < bins; f++) our_bin[f] = (double)f;
  NRF_RETURN_IF_ERROR(
      compare_values(b, text_of("%s/frequency", way).s, TOLERANCE_AXIS, bins, spectra->frequency, frequency));
  NRF_RETURN_IF_ERROR(
      compare_values(b, text_of("%s/x_as_written", way).s, TOLERANCE_EXACT, bins, our_bin, bin));
  NRF_RETURN_IF_ERROR(compare_power(b, text_of("%s/power", way).s, n, ours, power));
  return compare_power(b, text_of("%s/power_times_frequency", way).s, n, our_product, product);
}

static nrf_status check_spectra_of(ref_block *b, steps *s, const char *way)
{
  nrf_status           st      = NRF_OK;
  const nrf_extract   *x       = NULL;
  nrf_lfp              lfp     = {0};
  nrf_contrast_spectra spectra = {0};
  double              *contrast;
  int                  index[NRF_SHOWN_CONTRASTS];
  NRF_TRY(steps_extract(s, NRF_KIND_PRIM, &x));
  NRF_TRY(open_lfp(b, x, way, "patch", &lfp));
  NRF_TRY(read_from(b, "3.09_contrast_specgram_LFP", text_of("%s/patch/contrast", way).s, NRF_SHOWN_CONTRASTS,
                    &contrast));
  NRF_TRY(find_contrasts(&lfp, NRF_SHOWN_CONTRASTS, contrast, index));
  NRF_TRY(nrf_contrast_spectra_of(&lfp, x->window[NRF_WINDOW_DUR], 1000.0 / x->ms_per_row, &spectra));
  NRF_TRY(compare_spectrum(b, way, &spectra, index));
done:
  nrf_contrast_spectra_free(&spectra);
  nrf_lfp_free(&lfp);
  return st;
}

nrf_status check_contrast_spectra(ref_block *b, steps *s)
{
  for (int k = 0; ways[k] != NULL; k++) NRF_RETURN_IF_ERROR(check_spectra_of(b, s, ways[k]));
  return report_unknown_members(b, ways, NULL);
}
