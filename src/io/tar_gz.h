/* tar_gz.h - takes named files out of a .tar.gz. */
#ifndef NRF_IO_TAR_GZ_H
#define NRF_IO_TAR_GZ_H

#include "nrflv/status.h"

#include <stdint.h>

typedef struct nrf_tar_member {
  const char *name;  /* in the archive: "cifar-10-batches-bin/test_batch.bin" */
  int64_t     bytes; /* size it must have                                     */
  const char *path;  /* file to make of it                                    */
} nrf_tar_member;

/* Writes every member beside its path and, once all are complete, puts them in place in the order given.
 * Whatever else the archive holds is skipped; where a file goes is never read from the archive, so that no
 * name in it can lead outside. Reads ustar headers and skips over the extensions of others.
 *
 *   cancelled  may be NULL; asked between blocks, true stops with NRF_EINTERRUPTED
 *
 * Errors: NRF_EFORMAT (damaged archive, member missing, twice or of another size), NRF_EIO, NRF_ENOSPACE,
 * NRF_EINTERRUPTED. On error the unfinished files are gone; what is already in place is complete. */
NRF_MUST_CHECK nrf_status nrf_tar_gz_extract(const char *archive, const nrf_tar_member *members,
                                             int num_members, int (*cancelled)(void *user), void *user);

#endif
