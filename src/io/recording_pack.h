/* recording_pack.h - a complete recording, written once more through HDF5's filters. */
#ifndef NRFLV_IO_RECORDING_PACK_H
#define NRFLV_IO_RECORDING_PACK_H

#include "io/recording_layout.h"
#include "nrflv/progress.h"

/* Where the numbers of an unfiltered recording stand. All borrowed. */
typedef struct nrf_recording_places {
  int fd;
  const nrf_recording_chunking
                *chunks; /* [layers]                                                             */
  const int64_t *first;  /* [variables][layers][images]: first byte of each series              */
} nrf_recording_places;

/* Writes the recording that `source` has open to `path`, filtered as its info says: by all threads, and put in place once
 * complete. `source` is left as it is. NRF_EINTERRUPTED if `progress` asks to stop. */
NRF_MUST_CHECK nrf_status nrf_recording_pack(nrf_recording *source, const nrf_recording_places *places,
                                             const char *path, const nrf_progress *progress);

#endif
