/* extract_seal.c - see extract_seal.h. */
#include "extract_seal.h"

#include "io/md5.h"
#include "nrflv/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct seal {
  char    magic[16];
  int64_t head_bytes;
  char    md5[40]; /* 32 digits, zeros */
} seal;

static const char magic[sizeof((seal *)0)->magic] = "nrflv extract";

enum { MAX_HEAD_BYTES = 1 << 28 };

static nrf_status read_at(int fd, const char *path, int64_t place, int64_t size, void *out)
{
  char *next = out;
  while (size > 0) {
    const ssize_t n = pread(fd, next, (size_t)size, (off_t)place);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return nrf_error_errno("%s: cannot read", path);
    if (n == 0) return nrf_error(NRF_EFORMAT, "%s: truncated", path);
    next += n;
    place += n;
    size -= n;
  }
  return NRF_OK;
}

static nrf_status hash_head(int fd, const char *path, int64_t head_bytes, char out[NRF_MD5_HEX_BYTES])
{
  void   *memory = NULL;
  nrf_md5 md5;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)head_bytes, path, &memory));
  const nrf_status st = read_at(fd, path, 0, head_bytes, memory);
  nrf_md5_init(&md5);
  if (st == NRF_OK) nrf_md5_update(&md5, memory, (size_t)head_bytes);
  nrf_md5_final(&md5, out);
  nrf_free(memory);
  return st;
}

nrf_status nrf_extract_seal(const char *path, int64_t head_bytes)
{
  nrf_status  st = NRF_OK;
  seal        s  = {.head_bytes = head_bytes};
  struct stat info;
  const int   fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info) != 0) {
    st = nrf_error_errno("%s: cannot open for writing", path);
    goto done;
  }
  memcpy(s.magic, magic, sizeof s.magic);
  NRF_TRY(hash_head(fd, path, head_bytes, s.md5));
  if (pwrite(fd, &s, sizeof s, info.st_size) != (ssize_t)sizeof s)
    st = nrf_error_errno("%s: cannot write", path);
done:
  if (fd >= 0) (void)close(fd);
  return st;
}

static nrf_status check_seal(int fd, const char *path, int64_t file_bytes)
{
  const int64_t place = file_bytes - (int64_t)sizeof(seal);
  char          md5[NRF_MD5_HEX_BYTES];
  seal          s = {.head_bytes = 0};
  if (place > 0) NRF_RETURN_IF_ERROR(read_at(fd, path, place, sizeof s, &s));
  if (memcmp(s.magic, magic, sizeof s.magic) != 0 || s.head_bytes < 1 || s.head_bytes > place ||
      s.head_bytes > MAX_HEAD_BYTES)
    return nrf_error(NRF_EFORMAT, "%s: not an extract of a recording, or a truncated one", path);
  NRF_RETURN_IF_ERROR(hash_head(fd, path, s.head_bytes, md5));
  if (memcmp(s.md5, md5, sizeof md5) != 0)
    return nrf_error(NRF_EFORMAT, "%s: damaged, or changed by another program", path);
  return NRF_OK;
}

nrf_status nrf_extract_check_seal(const char *path, int64_t *file_bytes)
{
  struct stat info;
  const int   fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return nrf_error(NRF_ENOTFOUND, "%s: there is no such file", path);
  if (fd < 0 || fstat(fd, &info) != 0) {
    const nrf_status st = nrf_error_errno("%s: cannot open", path);
    if (fd >= 0) (void)close(fd);
    return st;
  }
  *file_bytes         = info.st_size;
  const nrf_status st = check_seal(fd, path, info.st_size);
  (void)close(fd);
  return st;
}
