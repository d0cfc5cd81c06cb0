/* tar_gz.c - see tar_gz.h. Header layout: POSIX.1-1988 "ustar". */
#include "io/tar_gz.h"

#include "io/gz_stream.h"
#include "nrflv/atomic_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, COPY_BYTES = 128 * BLOCK };

typedef struct tar_header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
  char magic[6], version[2], owner[32], group[32], major[8], minor[8], prefix[155], rest[12];
} tar_header;

_Static_assert(sizeof(tar_header) == BLOCK, "a tar header is one block");

typedef struct extraction {
  const char           *archive;
  const nrf_tar_member *members;
  int                   num_members;
  nrf_atomic_file     **files; /* of each member; NULL until it is begun */
  int (*cancelled)(void *user);
  void    *user;
  nrf_gz  *gz;
  uint8_t *buffer; /* COPY_BYTES */
} extraction;

/* An octal field, ended by a space or zero; -1 if it is anything else. */
static int64_t octal(const char *field, int width)
{
  int64_t value = 0;
  int     i     = 0;
  while (i < width && field[i] == ' ') i++;
  const int first = i;
  for (; i < width && field[i] >= '0' && field[i] <= '7'; i++) value = value * 8 + (field[i] - '0');
  const bool ended = i == width || field[i] == ' ' || field[i] == '\0';
  return i > first && ended ? value : -1;
}

/* Sum of the header's bytes, its own checksum field counted as spaces. */
static int64_t header_checksum(const tar_header *header)
{
  const uint8_t *bytes = (const uint8_t *)header;
  const size_t   from = offsetof(tar_header, checksum), to = from + sizeof header->checksum;
  int64_t        sum = 0;
  for (size_t i = 0; i < sizeof *header; i++) sum += i >= from && i < to ? ' ' : bytes[i];
  return sum;
}

static bool is_zero_block(const tar_header *header)
{
  static const tar_header zeros;
  return memcmp(header, &zeros, sizeof zeros) == 0;
}

/* prefix/name, without a leading "./". */
static void member_name(const tar_header *header, char name[260])
{
  const bool prefixed = memcmp(header->magic, "ustar", 6) == 0 && header->prefix[0] != '\0';
  snprintf(name, 260, "%.155s%s%.100s", prefixed ? header->prefix : "", prefixed ? "/" : "", header->name);
  if (strncmp(name, "./", 2) == 0) memmove(name, name + 2, strlen(name) - 1);
}

static int find_member(const extraction *x, const tar_header *header)
{
  const bool regular = header->type == '0' || header->type == '\0';
  char       name[260];
  member_name(header, name);
  for (int i = 0; regular && i < x->num_members; i++)
    if (strcmp(name, x->members[i].name) == 0) return i;
  return -1;
}

/* Copies `bytes` of the archive into `file`, or nowhere if that is NULL, and passes over what fills the last block. */
static nrf_status copy_data(extraction *x, int64_t bytes, nrf_atomic_file *file)
{
  while (bytes > 0) {
    if (x->cancelled && x->cancelled(x->user))
      return nrf_error(NRF_EINTERRUPTED, "%s: stopped while unpacking; run again to continue", x->archive);
    const int64_t blocks = (bytes - 1) / BLOCK + 1;
    const size_t  chunk  = blocks < COPY_BYTES / BLOCK ? (size_t)blocks * BLOCK : COPY_BYTES;
    const size_t  useful = bytes < (int64_t)chunk ? (size_t)bytes : chunk;
    NRF_RETURN_IF_ERROR(nrf_gz_read_exact(x->gz, x->buffer, chunk));
    if (file) NRF_RETURN_IF_ERROR(nrf_atomic_append(file, x->buffer, useful));
    bytes -= (int64_t)useful;
  }
  return NRF_OK;
}

static nrf_status extract_member(extraction *x, int i, int64_t bytes)
{
  const nrf_tar_member *member = &x->members[i];
  if (x->files[i]) return nrf_error(NRF_EFORMAT, "%s: has '%s' twice", x->archive, member->name);
  if (bytes != member->bytes)
    return nrf_error(NRF_EFORMAT, "%s: '%s' has %lld bytes, %lld expected", x->archive, member->name,
                     (long long)bytes, (long long)member->bytes);
  NRF_RETURN_IF_ERROR(nrf_atomic_create(member->path, &x->files[i]));
  return copy_data(x, bytes, x->files[i]);
}

static nrf_status extract_all(extraction *x)
{
  for (;;) {
    tar_header header;
    NRF_RETURN_IF_ERROR(nrf_gz_read_exact(x->gz, &header, sizeof header));
    if (is_zero_block(&header)) break;

    const int64_t bytes = octal(header.size, sizeof header.size);
    if (octal(header.checksum, sizeof header.checksum) != header_checksum(&header) || bytes < 0)
      return nrf_error(NRF_EFORMAT, "%s: not a tar archive, or a damaged one", x->archive);

    const int i = find_member(x, &header);
    NRF_RETURN_IF_ERROR(i >= 0 ? extract_member(x, i, bytes) : copy_data(x, bytes, NULL));
  }
  for (int i = 0; i < x->num_members; i++)
    if (!x->files[i]) return nrf_error(NRF_EFORMAT, "%s: has no '%s'", x->archive, x->members[i].name);
  return NRF_OK;
}

/* To the end of the gzip stream, where its checksum over everything stands. */
static nrf_status read_padding(extraction *x)
{
  size_t got = 0;
  do {
    NRF_RETURN_IF_ERROR(nrf_gz_read(x->gz, x->buffer, COPY_BYTES, &got));
  } while (got > 0);
  return NRF_OK;
}

nrf_status nrf_tar_gz_extract(const char *archive, const nrf_tar_member *members, int num_members,
                              int (*cancelled)(void *user), void *user)
{
  nrf_status st = NRF_OK;
  extraction x  = {.archive     = archive,
                   .members     = members,
                   .num_members = num_members,
                   .cancelled   = cancelled,
                   .user        = user};
  x.files       = calloc((size_t)num_members, sizeof(nrf_atomic_file *));
  x.buffer      = malloc(COPY_BYTES);
  if (!x.files || !x.buffer) NRF_FAIL(NRF_ENOMEM, "%s: out of memory", archive);

  NRF_TRY(nrf_gz_create(archive, &x.gz));
  NRF_TRY(extract_all(&x));
  NRF_TRY(read_padding(&x));
  for (int i = 0; i < num_members; i++) NRF_TRY(nrf_atomic_commit(x.files[i]));
done:
  for (int i = 0; x.files && i < num_members; i++) nrf_atomic_free(x.files[i]);
  free(x.files);
  free(x.buffer);
  nrf_gz_free(x.gz);
  return st;
}
