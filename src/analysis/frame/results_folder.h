/* results_folder.h - the sink of one analysis: its folder, and the record of what was put there. */
#ifndef NRFLV_ANALYSIS_FRAME_RESULTS_FOLDER_H
#define NRFLV_ANALYSIS_FRAME_RESULTS_FOLDER_H

#include "analysis/frame/record.h"

struct nrf_results {
  char    folder[NRF_ANALYSIS_PATH], source[NRF_ANALYSIS_PATH]; /* of the figures: folder/plot */
  json_t *record;
  int     n_provenance;
  const nrf_provenance *provenance;
  bool                  no_memory, skipped;
  char                  why[NRF_ANALYSIS_WHY]; /* skipped */
};

/* Prepares the folder: makes it, removes what an earlier run of the analysis left, and writes a record that says
 * "unfinished". Provenance is borrowed. */
NRF_MUST_CHECK nrf_status results_open(nrf_results *results, const char *directory, const char *analysis,
                                       const char *fingerprint, int n, const nrf_provenance provenance[]);

/* Draws the figures of a record that are not drawn yet. What gnuplot says is in `out`. Notes in the record which are drawn;
 * the caller saves it. */
NRF_MUST_CHECK nrf_status results_draw(const char *source, json_t *record, int processes,
                                       const nrf_progress *progress, nrf_drawing *out);

/* Whether everything that a record lists is still there, but for pictures, which can be drawn again. */
bool results_are_there(const char *folder, const json_t *record);

/* Frees what it owns; NULL members are fine. */
void results_close(nrf_results *results);

#endif
