/* download.c - see nrflv/download.h. */
#include "nrflv/download.h"

#include "io/md5.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

enum {
  CONNECT_TIMEOUT_S     = 20,
  STALL_TIMEOUT_S       = 30,
  STALL_BYTES_PER_S     = 100, /* slower than this counts as nothing */
  MAX_REDIRECTS         = 5,
  HTTP_OK               = 200,
  HTTP_PARTIAL          = 206,
  HTTP_RANGE_IMPOSSIBLE = 416,
};

typedef struct transfer {
  const nrf_download_request *rq;
  char                       *part; /* `path`.part */
  int                         fd;   /* of part     */
  int64_t                     have; /* bytes in it */
  CURL                       *curl;
  char                        curl_message[CURL_ERROR_SIZE];
  bool                        body_began;
  nrf_status                  st; /* first failure inside one of curl's callbacks */
} transfer;

static nrf_status discard_part(transfer *t)
{
  t->have = 0;
  if (ftruncate(t->fd, 0) != 0) return nrf_error_errno("%s: truncate", t->part);
  return NRF_OK;
}

static nrf_status check_remote_size(const transfer *t, int64_t bytes)
{
  if (bytes >= 0 && bytes != t->rq->bytes)
    return nrf_error(NRF_ENETWORK, "%s: has %" PRId64 " bytes there, %" PRId64 " expected", t->rq->url, bytes,
                     t->rq->bytes);
  return NRF_OK;
}

/* The server continues: does it send the bytes that follow ours, of a file of the size we expect?
 * "Content-Range: bytes FIRST-LAST/SIZE", SIZE may be "*". */
static nrf_status check_range(transfer *t)
{
  struct curl_header *header;
  int64_t             first, last, size = -1;
  if (curl_easy_header(t->curl, "Content-Range", 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
      sscanf(header->value, "bytes %" SCNd64 "-%" SCNd64 "/%" SCNd64, &first, &last, &size) < 2 ||
      first != t->have)
    return nrf_error(NRF_ENETWORK, "%s: the server does not continue at byte %" PRId64 " as asked; remove %s",
                     t->rq->url, t->have, t->part);
  return check_remote_size(t, size);
}

/* At the first byte of the answer: what is it the server sends? */
static nrf_status begin_body(transfer *t)
{
  long code = 0;
  curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
  if (code == HTTP_PARTIAL) return check_range(t);
  if (code != HTTP_OK) return nrf_error(NRF_ENETWORK, "%s: unexpected answer %ld", t->rq->url, code);

  curl_off_t bytes = -1;
  curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &bytes);
  NRF_RETURN_IF_ERROR(check_remote_size(t, bytes));
  return discard_part(t); /* the whole file, although we may have asked for its end */
}

static nrf_status append(transfer *t, const char *data, size_t bytes)
{
  if (t->have + (int64_t)bytes > t->rq->bytes)
    return nrf_error(NRF_ENETWORK, "%s: sends more than the %" PRId64 " bytes expected", t->rq->url,
                     t->rq->bytes);
  while (bytes > 0) {
    const ssize_t n = pwrite(t->fd, data, bytes, t->have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return nrf_error_errno("%s: write", t->part);
    data += n;
    bytes -= (size_t)n;
    t->have += n;
  }
  return NRF_OK;
}

/* curl's callbacks: another return value than the one that means "go on" ends the transfer. */

static size_t on_body(char *data, size_t unit, size_t count, void *user)
{
  transfer    *t     = user;
  const size_t bytes = unit * count;
  if (!t->body_began) t->st = begin_body(t);
  t->body_began = true;
  if (t->st == NRF_OK) t->st = append(t, data, bytes);
  return t->st == NRF_OK ? bytes : 0;
}

static const char *base_name(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
  (void)total, (void)now, (void)up_total, (void)up_now; /* of this request; ours counts what we had, too */
  const transfer           *t     = user;
  const nrf_download_watch *watch = &t->rq->watch;
  if (watch->progress) watch->progress(watch->user, base_name(t->rq->path), t->have, t->rq->bytes);
  return watch->cancelled && watch->cancelled(watch->user);
}

/* What a setting cannot fail for: all are known to the version of libcurl the build asks for. */
static void set_up(transfer *t)
{
  CURL *curl  = t->curl;
  long  stall = t->rq->stall_timeout_s > 0 ? t->rq->stall_timeout_s : STALL_TIMEOUT_S;
  curl_easy_setopt(curl, CURLOPT_URL, t->rq->url);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "nrflv/" NRFLV_VERSION);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_S);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stall);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, t->curl_message);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static CURLcode perform(transfer *t)
{
  char range[32];
  snprintf(range, sizeof range, "%" PRId64 "-", t->have);
  /* Not CURLOPT_RESUME_FROM: with that curl gives up on a server that sends the whole file instead. */
  curl_easy_setopt(t->curl, CURLOPT_RANGE, t->have > 0 ? range : NULL);
  t->body_began      = false;
  t->curl_message[0] = '\0';
  return curl_easy_perform(t->curl);
}

static nrf_status transfer_error(const transfer *t, CURLcode result)
{
  if (t->st != NRF_OK) return t->st;
  if (result == CURLE_ABORTED_BY_CALLBACK)
    return nrf_error(NRF_EINTERRUPTED,
                     "%s: stopped at %" PRId64 " of %" PRId64 " bytes; run again to continue", t->part,
                     t->have, t->rq->bytes);
  const char *reason = t->curl_message[0] ? t->curl_message : curl_easy_strerror(result);
  if (t->have > 0)
    return nrf_error(NRF_ENETWORK, "%s: %s; %" PRId64 " of %" PRId64 " bytes are kept, run again to continue",
                     t->rq->url, reason, t->have, t->rq->bytes);
  return nrf_error(NRF_ENETWORK, "%s: %s", t->rq->url, reason);
}

static nrf_status fetch_rest(transfer *t)
{
  t->curl = curl_easy_init();
  if (!t->curl) return nrf_error(NRF_ENOMEM, "%s: cannot start libcurl", t->rq->url);
  set_up(t);

  CURLcode result = perform(t);
  long     code   = 0;
  curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
  if (result == CURLE_HTTP_RETURNED_ERROR && code == HTTP_RANGE_IMPOSSIBLE && t->have > 0) {
    NRF_RETURN_IF_ERROR(discard_part(t));
    result = perform(t);
  }
  if (result != CURLE_OK) return transfer_error(t, result);
  if (t->have < t->rq->bytes) return transfer_error(t, CURLE_PARTIAL_FILE); /* no length was announced */
  return NRF_OK;
}

static nrf_status open_part(transfer *t)
{
  if (asprintf(&t->part, "%s.part", t->rq->path) < 0) {
    t->part = NULL;
    return nrf_error(NRF_ENOMEM, "%s: out of memory", t->rq->path);
  }
  t->fd = open(t->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (t->fd < 0) return nrf_error_errno("%s: create", t->part);

  struct stat info;
  if (fstat(t->fd, &info) != 0) return nrf_error_errno("%s: stat", t->part);
  t->have = info.st_size;
  return t->have > t->rq->bytes ? discard_part(t) : NRF_OK; /* cannot be a beginning of it */
}

static nrf_status verify_part(const transfer *t)
{
  char md5[NRF_MD5_HEX_BYTES];
  NRF_RETURN_IF_ERROR(nrf_md5_file(t->part, md5));
  if (strcmp(md5, t->rq->md5) == 0) return NRF_OK;
  if (unlink(t->part) != 0) return nrf_error_errno("%s: remove", t->part);
  return nrf_error(NRF_EFORMAT,
                   "%s: wrong checksum (md5 %s, expected %s); the download was removed, run again",
                   t->rq->url, md5, t->rq->md5);
}

/* Some file systems cannot flush a folder and say EINVAL; there is nothing more to do on them. */
static nrf_status flush_folder_of(const char *path)
{
  char        folder[PATH_MAX] = ".";
  const char *slash            = strrchr(path, '/');
  if (slash) snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);

  const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return nrf_error_errno("%s: open", folder);
  nrf_status st = NRF_OK;
  if (fsync(fd) != 0 && errno != EINVAL) st = nrf_error_errno("%s: flush", folder);
  close(fd);
  return st;
}

/* The verified .part gets its name, on the disk too: a power cut cannot leave a name without the bytes. */
static nrf_status put_in_place(const transfer *t)
{
  if (fsync(t->fd) != 0) return nrf_error_errno("%s: flush", t->part);
  if (rename(t->part, t->rq->path) != 0) return nrf_error_errno("%s: rename to %s", t->part, t->rq->path);
  return flush_folder_of(t->rq->path);
}

static nrf_status verify_present(const nrf_download_request *rq, int64_t bytes)
{
  char md5[NRF_MD5_HEX_BYTES] = "";
  if (bytes == rq->bytes) NRF_RETURN_IF_ERROR(nrf_md5_file(rq->path, md5));
  if (strcmp(md5, rq->md5) == 0) return NRF_OK;
  return nrf_error(NRF_EFORMAT, "%s: is not the file published at %s (%s differs); remove it to download it",
                   rq->path, rq->url, bytes == rq->bytes ? "its checksum" : "its size");
}

nrf_status nrf_download(const nrf_download_request *rq)
{
  struct stat info;
  if (stat(rq->path, &info) == 0) return verify_present(rq, info.st_size);

  nrf_status st = NRF_OK;
  transfer   t  = {.rq = rq, .fd = -1};
  NRF_TRY(open_part(&t));
  if (t.have < rq->bytes) NRF_TRY(fetch_rest(&t));
  NRF_TRY(verify_part(&t));
  NRF_TRY(put_in_place(&t));
done:
  if (t.curl) curl_easy_cleanup(t.curl);
  if (t.fd >= 0) close(t.fd);
  if (t.part && t.fd >= 0 && st != NRF_OK && t.have == 0) unlink(t.part); /* nothing to continue from */
  free(t.part);
  return st;
}
