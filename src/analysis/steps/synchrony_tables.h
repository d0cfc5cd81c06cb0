/* synchrony_tables.h - the result tables of the experiments on synchrony, and reading them back. */
#ifndef SYNCHRONY_TABLES_H
#define SYNCHRONY_TABLES_H

#include "synchrony.h"
#include "synchrony_amplitudes.h"

#include "nrflv/analysis/table.h"

/* What an experiment is called in results. */
typedef struct nrf_synchrony_words {
  nrf_experiment_kind kind;
  const char         *subject;            /* "channels at one place"                           */
  const char         *key[NRF_PAIR_KEYS]; /* columns of tables; NULL: fewer                    */
  const char         *key_description[NRF_PAIR_KEYS];
  const char         *pair; /* form of nrf_pair_text, with the keys as %d                                */
  const char         *fit_analysis, *fit_table;     /* which analysis leaves the fits, and in what table */
  const char         *group_analysis, *group_table; /* the same of the groups                            */
} nrf_synchrony_words;

const nrf_synchrony_words *nrf_synchrony_words_of(nrf_synchrony experiment);

/* "A 3, B 7", "channel 3, (x 9, y 16)": which pair it is. Returns `text`. */
enum { NRF_PAIR_TEXT = 80 };
const char *nrf_pair_text(nrf_synchrony experiment, const int key[NRF_PAIR_KEYS], char text[NRF_PAIR_TEXT]);

/* ---- Tables ---- */

NRF_MUST_CHECK nrf_status nrf_mean_windows_table(nrf_synchrony experiment, const nrf_mean_windows *means,
                                                 nrf_table **out);
NRF_MUST_CHECK nrf_status nrf_fits_table(nrf_synchrony experiment, const nrf_pair_fits *fits,
                                         nrf_table **out);
NRF_MUST_CHECK nrf_status nrf_groups_table(nrf_synchrony experiment, const nrf_pair_groups *groups,
                                           nrf_table **out);
NRF_MUST_CHECK nrf_status nrf_mean_correlations_table(const nrf_mean_correlations *means, double ms_per_row,
                                                      nrf_table **out);

/* Sets of amplitudes, and what they are called. */
typedef struct nrf_named_sets {
  nrf_synchrony             experiment;
  bool                      normalised; /* amplitudes are coefficients of correlation */
  const nrf_amplitude_sets *sets;
  const char *const        *name; /* [sets->count] */
} nrf_named_sets;

/* Their points, with what their groups are like; their means for each x; their lines; the means for each stimulus (D37). */
NRF_MUST_CHECK nrf_status nrf_amplitude_points_table(nrf_named_sets named, const nrf_pair_groups *groups,
                                                     nrf_table **out);
NRF_MUST_CHECK nrf_status nrf_amplitude_means_table(nrf_named_sets named, nrf_table **out);
NRF_MUST_CHECK nrf_status nrf_amplitude_lines_table(nrf_named_sets named, nrf_table **out);
NRF_MUST_CHECK nrf_status nrf_amplitude_by_stimulus_table(nrf_named_sets named, const nrf_pair_groups *groups,
                                                          nrf_table **out);

/* ---- Reading what an earlier analysis left ---- */

NRF_MUST_CHECK nrf_status nrf_fits_of_table(nrf_synchrony experiment, const nrf_table *table,
                                            nrf_pair_fits *out);
NRF_MUST_CHECK nrf_status nrf_groups_of_table(nrf_synchrony experiment, const nrf_table *table,
                                              nrf_pair_groups *out);

#endif
