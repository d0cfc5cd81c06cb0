/* contrast_frequency.c - see contrast_frequency.h. */
#include "contrast_frequency.h"

#include "record_table.h"

#include "nrflv/analysis/line_fit.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

/* ---- columns --------------------------------------------------------------------------------------------- */

#define OF_NEURON(member) offsetof(nrf_oscillating_neuron, member)

static const nrf_record_column neuron_columns[] = {
    {"channel", NRF_MEMBER_INT, OF_NEURON(channel), "", "of the layer"},
    {"batch_idx", NRF_MEMBER_INT, OF_NEURON(image), "", "image"},
    {"height", NRF_MEMBER_INT, OF_NEURON(height), "", "row of the layer's map"},
    {"width", NRF_MEMBER_INT, OF_NEURON(width), "", "column of the layer's map"},
    {"stim_ori", NRF_MEMBER_DOUBLE, OF_NEURON(angle), "rad", "angle of the stimulus"},
    {"stim_contrast", NRF_MEMBER_DOUBLE, OF_NEURON(contrast), "", "of the stimulus, as it was made"},
};

/* Names are completed by that of the spectrum; units are those of Hz and of cycles per timestep. */
static const struct spectrum_column {
  const char *name;
  nrf_member  member;
  size_t      offset;
  const char *unit[2], *description;
} spectrum_columns[] = {
    {"num_peaks", NRF_MEMBER_INT, offsetof(nrf_oscillation, peaks), {"", ""}, "peaks of the power spectrum"},
    {"main_freq",
     NRF_MEMBER_DOUBLE,
     offsetof(nrf_oscillation, main_frequency),
     {"Hz", "1/timestep"},
     "frequency of the strongest peak"},
    {"max_peak_power",
     NRF_MEMBER_DOUBLE,
     offsetof(nrf_oscillation, max_peak_power),
     {"a.u.^2", "a.u.^2"},
     "power at the strongest peak"},
    {"peak_freqs_power_product",
     NRF_MEMBER_DOUBLE,
     offsetof(nrf_oscillation, peak_product),
     {"Hz a.u.^2", "a.u.^2/timestep"},
     "sum of frequency times power over the peaks"},
    {"freq_power_product",
     NRF_MEMBER_DOUBLE,
     offsetof(nrf_oscillation, freq_power_product),
     {"Hz a.u.^2", "a.u.^2/timestep"},
     "sum of frequency times power over the whole spectrum"},
};

enum {
  NEURON_COLUMNS   = sizeof neuron_columns / sizeof *neuron_columns,
  SPECTRUM_COLUMNS = sizeof spectrum_columns / sizeof *spectrum_columns,
  MOST_COLUMNS     = NEURON_COLUMNS + NRF_SPECTRA * SPECTRUM_COLUMNS,
  NAME             = 40,
};

typedef struct column_list {
  int               n;
  nrf_record_column column[MOST_COLUMNS];
  char              name[MOST_COLUMNS][NAME];
} column_list;

bool nrf_is_tabulated(nrf_spectrum_of of, bool as_written)
{
  if (of == NRF_SPECTRUM_DURING) return true;
  return as_written == (of == NRF_SPECTRUM_SPLICED);
}

static void add_spectrum_columns(nrf_spectrum_of of, bool as_written, column_list *list)
{
  for (int k = 0; k < SPECTRUM_COLUMNS; k++, list->n++) {
    const struct spectrum_column *c = &spectrum_columns[k];
    (void)snprintf(list->name[list->n], NAME, "%s_%s", c->name, nrf_spectrum_name(of));
    list->column[list->n] = (nrf_record_column){list->name[list->n], c->member,
                                                offsetof(nrf_oscillating_neuron, spectrum) +
                                                    (size_t)of * sizeof(nrf_oscillation) + c->offset,
                                                c->unit[as_written], c->description};
  }
}

static void list_columns(bool as_written, column_list *list)
{
  list->n = NEURON_COLUMNS;
  for (int k = 0; k < NEURON_COLUMNS; k++) list->column[k] = neuron_columns[k];
  for (int of = 0; of < NRF_SPECTRA; of++)
    if (nrf_is_tabulated((nrf_spectrum_of)of, as_written))
      add_spectrum_columns((nrf_spectrum_of)of, as_written, list);
}

nrf_status nrf_oscillations_table(const nrf_oscillations *oscillations, bool as_written, nrf_table **out)
{
  column_list       list;
  const nrf_records records = {oscillations->n, sizeof *oscillations->neuron, oscillations->neuron};
  list_columns(as_written, &list);
  return nrf_records_to_table(
      NRF_OSCILLATIONS_TABLE,
      "Power spectra of active neurons of the central patch whose channel prefers the stimulus", list.n,
      list.column, records, out);
}

nrf_status nrf_oscillations_of_table(const nrf_table *table, bool as_written, int64_t *n,
                                     nrf_oscillating_neuron **out)
{
  column_list list;
  nrf_records records = {.stride = sizeof **out};
  *n                  = 0;
  *out                = NULL;
  list_columns(as_written, &list);
  NRF_RETURN_IF_ERROR(nrf_records_of_table(table, list.n, list.column, &records));
  *n   = records.n;
  *out = records.first;
  return NRF_OK;
}

/* ---- means ----------------------------------------------------------------------------------------------- */

static bool counts(const nrf_oscillating_neuron *neuron, nrf_spectrum_of of, nrf_spectrum_of chosen_by)
{
  static const double    WEAKEST = 1e-5;
  const nrf_oscillation *o       = &neuron->spectrum[chosen_by];
  return isfinite(neuron->contrast) && o->peak_product > 0.0 && o->max_peak_power > WEAKEST &&
         isfinite(neuron->spectrum[of].peak_product);
}

static nrf_status add_contrast(double contrast, nrf_contrast_frequencies *out)
{
  int at = out->n;
  if (out->n == NRF_MAX_CONTRASTS)
    return nrf_error(NRF_EUNSUPPORTED, "contrasts of the stimuli: more than %d different ones",
                     NRF_MAX_CONTRASTS);
  out->n++;
  for (; at > 0 && out->at[at - 1].contrast > contrast; at--) out->at[at] = out->at[at - 1];
  out->at[at] = (nrf_contrast_frequency){.contrast = contrast, .channels = nrf_moments_none()};
  return NRF_OK;
}

static int index_of(const nrf_contrast_frequencies *all, double contrast)
{
  for (int k = 0; k < all->n; k++) {
    const nrf_contrasts one = {1, {all->at[k].contrast}};
    if (nrf_contrast_index(&one, contrast) == 0) return k;
  }
  return -1;
}

/* Closes a channel: its means go into those over channels, and its line. */
static void close_channel(const nrf_moments *channel, nrf_contrast_frequencies *out)
{
  double   x[NRF_MAX_CONTRASTS], y[NRF_MAX_CONTRASTS];
  int      n = 0;
  nrf_line line;
  for (int k = 0; k < out->n; k++) {
    if (channel[k].n == 0 || channel[k].mean <= 0.0) continue;
    x[n] = out->at[k].contrast;
    y[n] = log(channel[k].mean);
    nrf_moments_add(&out->at[k].channels, y[n++]);
  }
  if (nrf_line_fit(n, x, y, &line)) nrf_moments_add(&out->slope, line.slope);
}

static void open_channel(nrf_moments channel[NRF_MAX_CONTRASTS])
{
  for (int k = 0; k < NRF_MAX_CONTRASTS; k++) channel[k] = nrf_moments_none();
}

nrf_status nrf_contrast_frequencies_of(int64_t n, const nrf_oscillating_neuron *neuron, nrf_spectrum_of of,
                                       nrf_spectrum_of chosen_by, nrf_contrast_frequencies *out)
{
  nrf_moments channel[NRF_MAX_CONTRASTS];
  *out = (nrf_contrast_frequencies){.slope = nrf_moments_none()};
  for (int64_t i = 0; i < n; i++)
    if (counts(&neuron[i], of, chosen_by) && index_of(out, neuron[i].contrast) < 0)
      NRF_RETURN_IF_ERROR(add_contrast(neuron[i].contrast, out));
  open_channel(channel);
  for (int64_t i = 0; i < n; i++) {
    if (i > 0 && neuron[i].channel != neuron[i - 1].channel) {
      close_channel(channel, out);
      open_channel(channel);
    }
    if (!counts(&neuron[i], of, chosen_by)) continue;
    const int    k       = index_of(out, neuron[i].contrast);
    const double product = neuron[i].spectrum[of].peak_product;
    nrf_moments_add(&channel[k], product);
    out->at[k].mean += product;
    out->at[k].n++;
  }
  close_channel(channel, out);
  for (int k = 0; k < out->n; k++) out->at[k].mean /= (double)out->at[k].n;
  return NRF_OK;
}

/* ---- ratios ---------------------------------------------------------------------------------------------- */

static void close_ratio(const nrf_moments *during, const nrf_moments *other, nrf_moments *out)
{
  if (during->n > 0) nrf_moments_add(out, log(during->mean / other->mean));
}

nrf_moments nrf_contrast_frequency_ratio(int64_t n, const nrf_oscillating_neuron *neuron, double contrast,
                                         nrf_spectrum_of other)
{
  const nrf_contrasts one = {1, {contrast}};
  nrf_moments         out = nrf_moments_none(), during = nrf_moments_none(), rest = nrf_moments_none();
  for (int64_t i = 0; i < n; i++) {
    if (i > 0 && neuron[i].channel != neuron[i - 1].channel) {
      close_ratio(&during, &rest, &out);
      during = rest = nrf_moments_none();
    }
    if (nrf_contrast_index(&one, neuron[i].contrast) < 0 || !counts(&neuron[i], other, other) ||
        !counts(&neuron[i], NRF_SPECTRUM_DURING, NRF_SPECTRUM_DURING))
      continue;
    nrf_moments_add(&during, neuron[i].spectrum[NRF_SPECTRUM_DURING].peak_product);
    nrf_moments_add(&rest, neuron[i].spectrum[other].peak_product);
  }
  close_ratio(&during, &rest, &out);
  return out;
}
