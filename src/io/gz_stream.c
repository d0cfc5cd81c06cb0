/* gz_stream.c - see gz_stream.h. */
#include "io/gz_stream.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

enum { INPUT_BYTES = 1 << 16, DEFLATE_MAX_RATIO = 1032 /* zlib's technical notes: 258 bytes from 2 bits */ };

struct nrf_gz {
  char    *path;
  FILE    *file;
  int64_t  file_bytes;
  int64_t  bytes_read; /* unpacked, handed out */
  bool     packed;
  bool     inflating; /* z is initialised          */
  bool     ended;     /* end of the packed stream  */
  z_stream z;
  uint8_t  input[INPUT_BYTES];
};

static nrf_status open_file(nrf_gz *gz)
{
  gz->file = fopen(gz->path, "rb");
  if (!gz->file) return nrf_error_errno("%s: open", gz->path);

  struct stat info;
  if (fstat(fileno(gz->file), &info) != 0) return nrf_error_errno("%s: stat", gz->path);
  if (!S_ISREG(info.st_mode)) return nrf_error(NRF_EIO, "%s: not a regular file", gz->path);
  gz->file_bytes = info.st_size;

  uint8_t      magic[2];
  const size_t n = fread(magic, 1, sizeof magic, gz->file);
  if (ferror(gz->file)) return nrf_error_errno("%s: read", gz->path);
  gz->packed = n == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  rewind(gz->file);
  return NRF_OK;
}

nrf_status nrf_gz_create(const char *path, nrf_gz **out)
{
  nrf_status st = NRF_OK;
  nrf_gz    *gz = calloc(1, sizeof *gz);
  if (!gz || !(gz->path = strdup(path))) NRF_FAIL(NRF_ENOMEM, "%s: out of memory", path);
  NRF_TRY(open_file(gz));
  if (gz->packed) {
    if (inflateInit2(&gz->z, 16 + MAX_WBITS) != Z_OK) NRF_FAIL(NRF_ENOMEM, "%s: out of memory", path);
    gz->inflating = true;
  }
done:
  if (st != NRF_OK) {
    nrf_gz_free(gz);
    gz = NULL;
  }
  *out = gz;
  return st;
}

void nrf_gz_free(nrf_gz *gz)
{
  if (!gz) return;
  if (gz->inflating) inflateEnd(&gz->z);
  if (gz->file) fclose(gz->file);
  free(gz->path);
  free(gz);
}

/* Next piece of the file into `input`; 0 available bytes at its end. */
static nrf_status fill_input(nrf_gz *gz)
{
  gz->z.next_in  = gz->input;
  gz->z.avail_in = (uInt)fread(gz->input, 1, INPUT_BYTES, gz->file);
  if (ferror(gz->file)) return nrf_error_errno("%s: read", gz->path);
  return NRF_OK;
}

static nrf_status end_of_packed_stream(nrf_gz *gz)
{
  gz->ended = true;
  if (gz->z.avail_in == 0) NRF_RETURN_IF_ERROR(fill_input(gz));
  if (gz->z.avail_in > 0)
    return nrf_error(NRF_EFORMAT, "%s: has data after the end of its gzip stream", gz->path);
  return NRF_OK;
}

static nrf_status inflate_some(nrf_gz *gz, void *buffer, size_t bytes, size_t *got)
{
  *got = 0;
  while (*got < bytes && !gz->ended) {
    if (gz->z.avail_in == 0) NRF_RETURN_IF_ERROR(fill_input(gz));
    if (gz->z.avail_in == 0)
      return nrf_error(NRF_EFORMAT, "%s: truncated: the gzip stream stops after %lld bytes of the file",
                       gz->path, (long long)gz->file_bytes);

    const size_t want = bytes - *got < UINT_MAX ? bytes - *got : UINT_MAX;
    gz->z.next_out    = (Bytef *)buffer + *got;
    gz->z.avail_out   = (uInt)want;
    const int result  = inflate(&gz->z, Z_NO_FLUSH);
    *got += want - gz->z.avail_out;
    if (result == Z_STREAM_END)
      NRF_RETURN_IF_ERROR(end_of_packed_stream(gz));
    else if (result != Z_OK)
      return nrf_error(NRF_EFORMAT, "%s: corrupt gzip data (%s)", gz->path,
                       gz->z.msg ? gz->z.msg : zError(result));
  }
  return NRF_OK;
}

nrf_status nrf_gz_read(nrf_gz *gz, void *buffer, size_t bytes, size_t *got)
{
  if (gz->packed) {
    NRF_RETURN_IF_ERROR(inflate_some(gz, buffer, bytes, got));
  } else {
    *got = fread(buffer, 1, bytes, gz->file);
    if (ferror(gz->file)) return nrf_error_errno("%s: read", gz->path);
  }
  gz->bytes_read += (int64_t)*got;
  return NRF_OK;
}

nrf_status nrf_gz_read_exact(nrf_gz *gz, void *buffer, size_t bytes)
{
  size_t got;
  NRF_RETURN_IF_ERROR(nrf_gz_read(gz, buffer, bytes, &got));
  if (got < bytes)
    return nrf_error(NRF_EFORMAT, "%s: truncated: %lld bytes of content, at least %lld expected", gz->path,
                     (long long)gz->bytes_read, (long long)(gz->bytes_read + (int64_t)(bytes - got)));
  return NRF_OK;
}

nrf_status nrf_gz_expect_end(nrf_gz *gz)
{
  const int64_t expected = gz->bytes_read;
  uint8_t       byte;
  size_t        got;
  NRF_RETURN_IF_ERROR(nrf_gz_read(gz, &byte, 1, &got));
  if (got > 0)
    return nrf_error(NRF_EFORMAT, "%s: has more than the %lld bytes its header announces", gz->path,
                     (long long)expected);
  return NRF_OK;
}

int64_t nrf_gz_max_bytes(const nrf_gz *gz)
{
  return gz->packed ? gz->file_bytes * DEFLATE_MAX_RATIO : gz->file_bytes;
}
