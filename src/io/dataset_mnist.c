/* dataset_mnist.c - MNIST's idx format: a magic number (0, 0, type 8 = byte, number of dimensions), the
 * dimensions, the values; numbers are big-endian. http://yann.lecun.com/exdb/mnist/ */
#include "io/dataset_kinds.h"
#include "io/gz_stream.h"

enum { NUM_CLASSES = 10, MAX_DIMENSIONS = 3 };

static uint32_t big_endian_32(const uint8_t *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Opens an idx file of bytes and reads its header: dim[0] things of the shape `item` [rank - 1]. */
static nrf_status open_idx(const char *path, int rank, const int32_t *item, nrf_gz **out, int64_t *count)
{
  nrf_status st = NRF_OK;
  nrf_gz    *gz = NULL;
  uint8_t    header[4 * (1 + MAX_DIMENSIONS)];
  NRF_TRY(nrf_gz_create(path, &gz));
  NRF_TRY(nrf_gz_read_exact(gz, header, 4));
  const uint32_t magic = big_endian_32(header), expected = 0x800u + (uint32_t)rank;
  if (magic != expected)
    NRF_FAIL(NRF_EFORMAT, "%s: begins with 0x%08x, not with 0x%08x: not an MNIST file of this kind", path,
             magic, expected);

  NRF_TRY(nrf_gz_read_exact(gz, header + 4, 4 * (size_t)rank));
  int64_t item_bytes = 1;
  for (int d = 1; d < rank; d++) {
    const uint32_t size = big_endian_32(header + 4 * (d + 1));
    if (size != (uint32_t)item[d - 1])
      NRF_FAIL(NRF_EFORMAT, "%s: dimension %d is %u, not %d", path, d, size, item[d - 1]);
    item_bytes *= size;
  }
  *count = big_endian_32(header + 4);
  if (*count == 0) NRF_FAIL(NRF_EFORMAT, "%s: is empty (0 records)", path);
  if (*count * item_bytes > nrf_gz_max_bytes(gz))
    NRF_FAIL(NRF_EFORMAT,
             "%s: truncated: its header announces %lld records of %lld bytes, more than a file of its size "
             "can hold",
             path, (long long)*count, (long long)item_bytes);
done:
  if (st != NRF_OK) {
    nrf_gz_free(gz);
    gz = NULL;
  }
  *out = gz;
  return st;
}

static nrf_status read_values(nrf_gz *gz, int64_t bytes, uint8_t *out)
{
  NRF_RETURN_IF_ERROR(nrf_gz_read_exact(gz, out, (size_t)bytes));
  return nrf_gz_expect_end(gz);
}

/* Images and labels of a split, in this order. */
static nrf_status find_files(const nrf_dataset_kind *kind, const nrf_dataset_config *config, nrf_split split,
                             char paths[2][PATH_MAX])
{
  int n = 0;
  for (int f = 0; f < kind->num_files; f++)
    if (kind->files[f].split == split)
      NRF_RETURN_IF_ERROR(nrf_dataset_file_path(kind, config, &kind->files[f], paths[n++]));
  return NRF_OK;
}

nrf_status nrf_mnist_load(const nrf_dataset_kind *kind, const nrf_dataset_config *config, nrf_split split,
                          nrf_image_set *out)
{
  nrf_status     st     = NRF_OK;
  nrf_gz        *images = NULL, *labels = NULL;
  int64_t        count = 0, num_labels = 0;
  char           paths[2][PATH_MAX];
  const int32_t *shape = kind->info.shape;
  NRF_TRY(find_files(kind, config, split, paths));
  NRF_TRY(open_idx(paths[0], 3, shape + 1, &images, &count));
  NRF_TRY(open_idx(paths[1], 1, NULL, &labels, &num_labels));
  if (count != num_labels)
    NRF_FAIL(NRF_EFORMAT, "%s: %lld labels for the %lld images of %s", paths[1], (long long)num_labels,
             (long long)count, paths[0]);

  NRF_TRY(nrf_image_set_alloc(kind, count, true, out));
  NRF_TRY(read_values(images, count * shape[1] * shape[2], out->pixels));
  NRF_TRY(read_values(labels, count, out->labels));
  for (int64_t k = 0; k < count; k++)
    if (out->labels[k] >= NUM_CLASSES)
      NRF_FAIL(NRF_EFORMAT, "%s: record %lld has label %d; MNIST's are 0 to %d", paths[1], (long long)k,
               out->labels[k], NUM_CLASSES - 1);
done:
  nrf_gz_free(images);
  nrf_gz_free(labels);
  return st;
}
