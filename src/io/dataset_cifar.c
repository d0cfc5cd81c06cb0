/* dataset_cifar.c - CIFAR-10's binary format: records of a label byte and an image of 3 x 32 x 32 bytes (red,
 * green and blue plane, row by row), nothing else. https://www.cs.toronto.edu/~kriz/cifar.html */
#include "io/dataset_kinds.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { IMAGE_BYTES = 3 * 32 * 32, RECORD_BYTES = 1 + IMAGE_BYTES, NUM_CLASSES = 10, MAX_FILES = 5 };

typedef struct batch_file {
  char    path[PATH_MAX];
  int64_t records;
} batch_file;

static nrf_status count_records(batch_file *batch)
{
  struct stat info;
  if (stat(batch->path, &info) != 0) return nrf_error_errno("%s: open", batch->path);
  if (!S_ISREG(info.st_mode)) return nrf_error(NRF_EIO, "%s: not a regular file", batch->path);
  batch->records = info.st_size / RECORD_BYTES;
  if (info.st_size == 0) return nrf_error(NRF_EFORMAT, "%s: is empty", batch->path);
  if (info.st_size % RECORD_BYTES != 0)
    return nrf_error(
        NRF_EFORMAT,
        "%s: %lld bytes are not a whole number of %d-byte records (%lld bytes after record %lld)",
        batch->path, (long long)info.st_size, RECORD_BYTES, (long long)(info.st_size % RECORD_BYTES),
        (long long)batch->records - 1);
  return NRF_OK;
}

/* The files of the split that are there: the first, and those that follow it without a gap. */
static nrf_status list_batches(const nrf_dataset_kind *kind, const nrf_dataset_config *config,
                               nrf_split split, batch_file batches[MAX_FILES], int *num_batches)
{
  int         n       = 0;
  const char *missing = NULL;
  for (int f = 0; f < kind->num_files; f++) {
    const nrf_dataset_file *file = &kind->files[f];
    if (file->split != split) continue;
    NRF_RETURN_IF_ERROR(nrf_dataset_file_path(kind, config, file, batches[n].path));
    const bool exists = nrf_dataset_path_exists(batches[n].path);
    if (exists && missing)
      return nrf_error(NRF_ENOTFOUND, "%s: is there, but %s is missing", batches[n].path, missing);
    if (!exists) {
      if (!missing) missing = file->name;
      continue;
    }
    NRF_RETURN_IF_ERROR(count_records(&batches[n]));
    n++;
  }
  *num_batches = n;
  return NRF_OK;
}

/* Reads the file's records as images `first`, `first` + 1, ... of the set. */
static nrf_status read_batch(const batch_file *batch, nrf_image_set *set, int64_t first)
{
  nrf_status st   = NRF_OK;
  FILE      *file = fopen(batch->path, "rb");
  if (!file) return nrf_error_errno("%s: open", batch->path);
  for (int64_t r = 0; r < batch->records; r++) {
    uint8_t record[RECORD_BYTES];
    if (fread(record, 1, RECORD_BYTES, file) != RECORD_BYTES) {
      if (ferror(file))
        st = nrf_error_errno("%s: read", batch->path);
      else
        st = nrf_error(NRF_EFORMAT, "%s: became shorter while it was read", batch->path);
      goto done;
    }
    if (record[0] >= NUM_CLASSES)
      NRF_FAIL(NRF_EFORMAT, "%s: record %lld has label %d; CIFAR-10's are 0 to %d", batch->path, (long long)r,
               record[0], NUM_CLASSES - 1);
    set->labels[first + r] = record[0];
    memcpy(set->pixels + (first + r) * IMAGE_BYTES, record + 1, IMAGE_BYTES);
  }
done:
  fclose(file);
  return st;
}

nrf_status nrf_cifar_load(const nrf_dataset_kind *kind, const nrf_dataset_config *config, nrf_split split,
                          nrf_image_set *out)
{
  batch_file batches[MAX_FILES];
  int        num_batches = 0;
  NRF_RETURN_IF_ERROR(list_batches(kind, config, split, batches, &num_batches));

  int64_t count = 0;
  for (int b = 0; b < num_batches; b++) count += batches[b].records;
  NRF_RETURN_IF_ERROR(nrf_image_set_alloc(kind, count, true, out));

  int64_t first = 0;
  for (int b = 0; b < num_batches; b++) {
    NRF_RETURN_IF_ERROR(read_batch(&batches[b], out, first));
    first += batches[b].records;
  }
  return NRF_OK;
}
