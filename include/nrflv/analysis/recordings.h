/* recordings.h - finding the recordings of a session, and what the analyses need of them. */
#ifndef NRFLV_ANALYSIS_RECORDINGS_H
#define NRFLV_ANALYSIS_RECORDINGS_H

#include "nrflv/analysis/analysis.h"

/* Where to look. */
typedef struct nrf_recordings {
  char folder[NRF_ANALYSIS_PATH];  /* of the session: holds the recordings          */
  char session[NRF_ANALYSIS_PATH]; /* the folder's name                             */
  int  sessions;                   /* how many there were to choose from            */
} nrf_recordings;

/* The session at `root`: that folder itself if recordings of our experiments are in it (complete, partial or extracts), otherwise
 * the newest of the folders in it that hold some. NRF_ENOTFOUND if there are none. */
NRF_MUST_CHECK nrf_status nrf_recordings_find(const char *root, nrf_recordings *out);

/* How extracts are obtained (extract.h): from the recordings of the folder, kept in the folder `extracts` (made if need be), or as they
 * are where recordings were reduced to extracts, FILE.extract.h5 in place of FILE.nwb. An extract in `extracts` also serves where its
 * recording was deleted or has become unreadable. */
typedef struct nrf_recordings_inputs nrf_recordings_inputs;

/* Looks at every experiment's recording; out->inputs is for nrf_analyses_run. */
NRF_MUST_CHECK nrf_status nrf_recordings_open(const nrf_recordings *recordings, const char *extracts,
                                              nrf_extract_effort effort, nrf_recordings_inputs **out);
void                      nrf_recordings_free(nrf_recordings_inputs *inputs); /* NULL is fine */

const nrf_analysis_inputs *nrf_recordings_inputs_of(const nrf_recordings_inputs *inputs);

#endif
