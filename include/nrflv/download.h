/* download.h - one file over http(s), whole and verified or not there at all. */
#ifndef NRFLV_DOWNLOAD_H
#define NRFLV_DOWNLOAD_H

#include "nrflv/status.h"

#include <stdint.h>

/* How the caller follows a download and stops it. Every member may be NULL. */
typedef struct nrf_download_watch {
  /* `done` of `total` bytes of the file called `name` are here; several times a second. */
  void (*progress)(void *user, const char *name, int64_t done, int64_t total);
  /* Asked several times a second: non-zero stops (a flag set by SIGINT). The bytes so far are kept. */
  int (*cancelled)(void *user);
  void *user;
} nrf_download_watch;

typedef struct nrf_download_request {
  const char        *url;             /* http:// or https://                                             */
  const char        *path;            /* where the file goes; `path`.part collects its bytes until then  */
  int64_t            bytes;           /* size it must have, > 0                                          */
  const char        *md5;             /* checksum it must have: 32 lower-case hexadecimal digits         */
  int                stall_timeout_s; /* give up when nothing arrives for so long; 0: 30 s               */
  nrf_download_watch watch;
} nrf_download_request;

/* Fetches rq->url into rq->path. A `path`.part left by an earlier call is continued where it stopped, if
 * the server can do that, and begun again if not. Size and checksum are verified, the bytes flushed to disk,
 * and only then does the file get its name. A file that is already there is verified instead.
 * Not for two callers of one path at a time.
 *
 * Errors, with the URL or the path at the head of the message:
 *   NRF_ENETWORK      no connection, a refusal, a stall, or a transfer cut short; what came is kept
 *   NRF_EFORMAT       wrong checksum: the .part is removed (but a wrong file at `path` is left alone)
 *   NRF_EINTERRUPTED  watch.cancelled said so; what came is kept
 *   NRF_EIO, NRF_ENOSPACE, NRF_ENOMEM */
NRF_MUST_CHECK nrf_status nrf_download(const nrf_download_request *rq);

#endif
