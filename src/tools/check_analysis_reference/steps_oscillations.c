/* steps_oscillations.c - power spectra of single neurons, and their peaks against the contrast of the stimulus. */
#include "steps.h"

#include "analysis/steps/contrast_frequency.h"
#include "analysis/steps/oscillations.h"

#include "nrflv/memory.h"

#include <math.h>

enum { FIRST_SPECTRA = 3, DISTINCT = 2 };

static const char *const ways[DISTINCT] = {"as_written", "correct"};

typedef struct found {
  const nrf_extract       *x;
  nrf_oscillation_spectra *spectra;
  nrf_oscillations         all;
} found;

/* Frequencies are in cycles per timestep. */
static nrf_status find(ref_block *b, steps *s, const char *way, found *out)
{
  nrf_status      st          = NRF_OK;
  nrf_preferences preferences = {0};
  *out                        = (found){0};
  NRF_TRY(steps_extract(s, NRF_KIND_PRIM, &out->x));
  NRF_TRY(read_preferences(b, way, out->x->layer->channels, &preferences));
  NRF_TRY(nrf_oscillation_spectra_create(out->x, 1.0, &out->spectra));
  NRF_TRY(nrf_oscillations_create(out->x, &preferences, out->spectra, s->threads, NULL, &out->all));
done:
  nrf_free(preferences.channel);
  return st;
}

static void forget(found *f)
{
  nrf_oscillations_free(&f->all);
  nrf_oscillation_spectra_free(f->spectra);
}

/* ---- 3.13 ------------------------------------------------------------------------------------------------ */

static double channel_of(const nrf_oscillating_neuron *n, nrf_spectrum_of of)
{
  (void)of;
  return n->channel;
}

static double image_of(const nrf_oscillating_neuron *n, nrf_spectrum_of of)
{
  (void)of;
  return n->image;
}

static double height_of(const nrf_oscillating_neuron *n, nrf_spectrum_of of)
{
  (void)of;
  return n->height;
}

static double width_of(const nrf_oscillating_neuron *n, nrf_spectrum_of of)
{
  (void)of;
  return n->width;
}

static double contrast_of(const nrf_oscillating_neuron *n, nrf_spectrum_of of)
{
  (void)of;
  return n->contrast;
}

static double peaks_of(const nrf_oscillating_neuron *n, nrf_spectrum_of of)
{
  return n->spectrum[of].peaks;
}

static double freq_power_product_of(const nrf_oscillating_neuron *n, nrf_spectrum_of of)
{
  return n->spectrum[of].freq_power_product;
}

static double peak_product_of(const nrf_oscillating_neuron *n, nrf_spectrum_of of)
{
  return n->spectrum[of].peak_product;
}

static double max_peak_power_of(const nrf_oscillating_neuron *n, nrf_spectrum_of of)
{
  return n->spectrum[of].max_peak_power;
}

typedef struct column {
  const char *name;
  double (*of)(const nrf_oscillating_neuron *n, nrf_spectrum_of of);
  tolerance allowed;
} column;

static const column neuron_columns[] = {
    {"channel", channel_of, TOLERANCE_EXACT},
    {"batch_idx", image_of, TOLERANCE_EXACT},
    {"height", height_of, TOLERANCE_EXACT},
    {"width", width_of, TOLERANCE_EXACT},
    {"stim_contrast", contrast_of, TOLERANCE_AXIS},
    {"peak_freqs_power_product", peak_product_of, TOLERANCE_POWER},
    {"max_peak_power", max_peak_power_of, TOLERANCE_POWER},
};
static const column spectrum_columns[] = {
    {"number_of_peaks", peaks_of, TOLERANCE_EXACT},
    {"freq_power_product", freq_power_product_of, TOLERANCE_POWER},
};

static nrf_status compare_column(ref_block *b, const char *group, const column *c, nrf_spectrum_of of,
                                 const nrf_oscillations *all)
{
  const text name = text_of("%s/%s", group, c->name);
  double    *ours, *reference;
  NRF_RETURN_IF_ERROR(read_vector(b, name.s, all->n, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, all->n, &ours));
  for (int64_t i = 0; i < all->n; i++) ours[i] = c->of(&all->neuron[i], of);
  return compare_values(b, name.s, c->allowed, all->n, ours, reference);
}

/* A list of each neuron's peaks, filled up with NaN: [neurons, most peaks of any]. */
static nrf_status compare_lists(ref_block *b, const char *group, const char *list, nrf_spectrum_of of,
                                const nrf_oscillations *all)
{
  const text name    = text_of("%s/%s", group, list);
  const bool is_freq = list[sizeof "peak_freq" - 1] == 's';
  values     reference;
  double    *ours;
  NRF_RETURN_IF_ERROR(read_values(b, name.s, &reference));
  const int64_t most = all->n > 0 ? reference.count / all->n : 0;
  if (most * all->n != reference.count || most > NRF_LISTED_PEAKS)
    return nrf_error(NRF_ESHAPE, "%s: %lld peaks of %lld neurons", name.s, (long long)reference.count,
                     (long long)all->n);
  NRF_RETURN_IF_ERROR(scratch(b, reference.count, &ours));
  for (int64_t i = 0; i < reference.count; i++) {
    const nrf_oscillation *o = &all->neuron[i / most].spectrum[of];
    ours[i]                  = i % most < o->peaks ? (is_freq ? o->frequency : o->power)[i % most] : NAN;
  }
  return compare_values(b, name.s, is_freq ? TOLERANCE_AXIS : TOLERANCE_POWER, reference.count, ours,
                        reference.v);
}

static nrf_status compare_first_spectra(ref_block *b, const char *group, nrf_spectrum_of of, const found *f)
{
  const text    name  = text_of("%s/first_spectra", group);
  const int64_t bins  = nrf_oscillation_bins(f->spectra, of);
  const int64_t count = f->all.n < FIRST_SPECTRA ? f->all.n : FIRST_SPECTRA;
  double       *reference, *work, *power;
  NRF_RETURN_IF_ERROR(read_vector(b, name.s, count * bins, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, nrf_oscillation_work(f->spectra), &work));
  NRF_RETURN_IF_ERROR(scratch(b, bins, &power));
  for (int64_t i = 0; i < count; i++) {
    const nrf_oscillating_neuron *n = &f->all.neuron[i];
    nrf_oscillation_power(f->spectra, of, nrf_extract_trace(f->x, NRF_RECORD_STATE, n->c, n->b, n->h, n->w),
                          work, power);
    NRF_RETURN_IF_ERROR(compare_values(b, name.s, TOLERANCE_POWER, bins, power, reference + i * bins));
  }
  return NRF_OK;
}

static nrf_status compare_spectra(ref_block *b, const char *way, nrf_spectrum_of of, const found *f)
{
  const text group = text_of("%s/%s", way, nrf_spectrum_name(of));
  for (size_t k = 0; k < sizeof spectrum_columns / sizeof *spectrum_columns; k++)
    NRF_RETURN_IF_ERROR(compare_column(b, group.s, &spectrum_columns[k], of, &f->all));
  NRF_RETURN_IF_ERROR(compare_lists(b, group.s, "peak_freqs", of, &f->all));
  NRF_RETURN_IF_ERROR(compare_lists(b, group.s, "peak_freq_powers", of, &f->all));
  return compare_first_spectra(b, group.s, of, f);
}

static nrf_status compare_neurons(ref_block *b, const char *way, const found *f)
{
  for (size_t k = 0; k < sizeof neuron_columns / sizeof *neuron_columns; k++)
    NRF_RETURN_IF_ERROR(compare_column(b, way, &neuron_columns[k], NRF_SPECTRUM_DURING, &f->all));
  for (int of = 0; of < NRF_SPECTRA; of++)
    NRF_RETURN_IF_ERROR(compare_spectra(b, way, (nrf_spectrum_of)of, f));
  return NRF_OK;
}

nrf_status check_oscillations(ref_block *b, steps *s)
{
  static const char *const known[] = {"as_written", "correct", NULL};
  for (int k = 0; k < DISTINCT; k++) {
    found      f;
    nrf_status st = find(b, s, ways[k], &f);
    if (st == NRF_OK) st = compare_neurons(b, ways[k], &f);
    forget(&f);
    NRF_RETURN_IF_ERROR(st);
  }
  return report_unknown_members(b, known, NULL);
}

/* ---- 3.14 ------------------------------------------------------------------------------------------------ */

static nrf_status compare_means(ref_block *b, const char *way, nrf_spectrum_of of,
                                const nrf_oscillations *all)
{
  /* The reference chooses by what is during the stimulus where the published program does. */
  const nrf_spectrum_of    chosen_by = of == NRF_SPECTRUM_SPLICED ? NRF_SPECTRUM_DURING : of;
  const text               group     = text_of("%s/%s", way, nrf_spectrum_name(of));
  nrf_contrast_frequencies ours;
  double                  *contrast, *count, *mean, own[3][NRF_MAX_CONTRASTS];
  NRF_RETURN_IF_ERROR(nrf_contrast_frequencies_of(all->n, all->neuron, of, chosen_by, &ours));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/stim_contrast", group.s).s, ours.n, &contrast));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/count", group.s).s, ours.n, &count));
  NRF_RETURN_IF_ERROR(read_vector(b, text_of("%s/mean", group.s).s, ours.n, &mean));
  for (int k = 0; k < ours.n; k++) {
    own[0][k] = ours.at[k].contrast;
    own[1][k] = (double)ours.at[k].n;
    own[2][k] = ours.at[k].mean;
  }
  NRF_RETURN_IF_ERROR(
      compare_values(b, text_of("%s/stim_contrast", group.s).s, TOLERANCE_AXIS, ours.n, own[0], contrast));
  NRF_RETURN_IF_ERROR(
      compare_values(b, text_of("%s/count", group.s).s, TOLERANCE_EXACT, ours.n, own[1], count));
  return compare_values(b, text_of("%s/mean", group.s).s, TOLERANCE_POWER, ours.n, own[2], mean);
}

nrf_status check_contrast_frequency(ref_block *b, steps *s)
{
  static const char *const known[] = {"as_written", "correct", NULL};
  for (int k = 0; k < DISTINCT; k++) {
    found      f;
    nrf_status st = find(b, s, ways[k], &f);
    for (int of = 0; of < NRF_SPECTRA && st == NRF_OK; of++)
      st = compare_means(b, ways[k], (nrf_spectrum_of)of, &f.all);
    forget(&f);
    NRF_RETURN_IF_ERROR(st);
  }
  return report_unknown_members(b, known, NULL);
}
