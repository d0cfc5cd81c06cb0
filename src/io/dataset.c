/* dataset.c - the table of data sets, and what is the same for all of them. */
#include "nrflv/dataset.h"

#include "io/dataset_kinds.h"
#include "nrflv/dead_leaves.h"
#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEAD_LEAVES_TRAIN = 5000, DEAD_LEAVES_TEST = 1000 };

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof(array)[0]))

static nrf_status dead_leaves_load(const nrf_dataset_kind *kind, const nrf_dataset_config *config,
                                   nrf_split split, nrf_image_set *out);

enum { CIFAR10_FILE_BYTES = 10000 * (1 + 3 * 32 * 32) };

/* Members of the archive: no checksum of their own. */
static const nrf_dataset_file cifar10_files[] = {
    {.split = NRF_SPLIT_TRAIN, .name = "data_batch_1.bin", .bytes = CIFAR10_FILE_BYTES},
    {.split = NRF_SPLIT_TRAIN, .name = "data_batch_2.bin", .bytes = CIFAR10_FILE_BYTES},
    {.split = NRF_SPLIT_TRAIN, .name = "data_batch_3.bin", .bytes = CIFAR10_FILE_BYTES},
    {.split = NRF_SPLIT_TRAIN, .name = "data_batch_4.bin", .bytes = CIFAR10_FILE_BYTES},
    {.split = NRF_SPLIT_TRAIN, .name = "data_batch_5.bin", .bytes = CIFAR10_FILE_BYTES},
    {.split = NRF_SPLIT_TEST, .name = "test_batch.bin", .bytes = CIFAR10_FILE_BYTES},
};

/* Images before labels: nrf_mnist_load takes them in this order. */
static const nrf_dataset_file mnist_files[] = {
    {NRF_SPLIT_TRAIN,
     "train-images-idx3-ubyte",
     16 + 60000 * 784,
     {"train-images-idx3-ubyte.gz", 9912422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"}},
    {NRF_SPLIT_TRAIN,
     "train-labels-idx1-ubyte",
     8 + 60000,
     {"train-labels-idx1-ubyte.gz", 28881, "d53e105ee54ea40749a09fcbcd1e9432"}},
    {NRF_SPLIT_TEST,
     "t10k-images-idx3-ubyte",
     16 + 10000 * 784,
     {"t10k-images-idx3-ubyte.gz", 1648877, "9fb629c4189551a2d022fa330f9573f3"}},
    {NRF_SPLIT_TEST,
     "t10k-labels-idx1-ubyte",
     8 + 10000,
     {"t10k-labels-idx1-ubyte.gz", 4542, "ec29112dd5afa0611ce80d1b7f02629c"}},
};

static const nrf_dataset_kind kinds[] = {
    {.info      = {.name = "CIFAR10", .shape = {3, 32, 32}},
     .folder    = "cifar-10-batches-bin",
     .url       = "https://www.cs.toronto.edu/~kriz",
     .archive   = {"cifar-10-binary.tar.gz", 170052171, "c32a1d4ab5d03f1284b67883e8d87530"},
     .files     = cifar10_files,
     .num_files = COUNT_OF(cifar10_files),
     .load      = nrf_cifar_load},
    {.info      = {.name = "MNIST", .shape = {1, 28, 28}},
     .folder    = "mnist",
     .url       = "https://ossci-datasets.s3.amazonaws.com/mnist",
     .files     = mnist_files,
     .num_files = COUNT_OF(mnist_files),
     .load      = nrf_mnist_load},
    {.info = {.name     = "dead_leaves",
              .shape    = {NRF_DEAD_LEAVES_CHANNELS, NRF_DEAD_LEAVES_SIZE, NRF_DEAD_LEAVES_SIZE},
              .embedded = true},
     .load = dead_leaves_load},
};

struct nrf_dataset {
  const nrf_dataset_kind *kind;
  nrf_image_set           sets[NRF_SPLIT_COUNT];
};

/* --- the table --- */

const nrf_dataset_info *nrf_dataset_info_at(int i)
{
  return i >= 0 && i < COUNT_OF(kinds) ? &kinds[i].info : NULL;
}

static nrf_status find_kind(const char *name, const nrf_dataset_kind **out)
{
  char   names[128] = "";
  size_t used       = 0;
  for (int i = 0; i < COUNT_OF(kinds); i++) {
    if (strcmp(name, kinds[i].info.name) == 0) {
      *out = &kinds[i];
      return NRF_OK;
    }
    used +=
        (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", kinds[i].info.name);
  }
  return nrf_error(NRF_ENOTFOUND, "dataset '%s' is not known; there are %s", name, names);
}

nrf_status nrf_dataset_find(const char *name, const nrf_dataset_info **out)
{
  const nrf_dataset_kind *kind = NULL;
  NRF_RETURN_IF_ERROR(find_kind(name, &kind));
  *out = &kind->info;
  return NRF_OK;
}

/* --- what the readers share --- */

const char *nrf_split_name(nrf_split split)
{
  return split == NRF_SPLIT_TRAIN ? "training" : "test";
}

nrf_status nrf_dataset_path(char path[PATH_MAX], const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  const int n = vsnprintf(path, PATH_MAX, fmt, args);
  va_end(args);
  if (n < 0 || n >= PATH_MAX) return nrf_error(NRF_EINVAL, "%.60s...: the path is too long", path);
  return NRF_OK;
}

bool nrf_dataset_path_exists(const char *path)
{
  return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

nrf_status nrf_dataset_folder(const nrf_dataset_kind *kind, const nrf_dataset_config *config,
                              char path[PATH_MAX])
{
  return nrf_dataset_path(path, "%s/%s", config->data_dir, kind->folder);
}

nrf_status nrf_dataset_file_path(const nrf_dataset_kind *kind, const nrf_dataset_config *config,
                                 const nrf_dataset_file *file, char path[PATH_MAX])
{
  NRF_RETURN_IF_ERROR(nrf_dataset_path(path, "%s/%s/%s", config->data_dir, kind->folder, file->name));
  if (!file->remote.name || nrf_dataset_path_exists(path)) return NRF_OK;

  char packed[PATH_MAX];
  NRF_RETURN_IF_ERROR(nrf_dataset_path(packed, "%s.gz", path));
  if (nrf_dataset_path_exists(packed)) memcpy(path, packed, sizeof packed);
  return NRF_OK;
}

static int64_t image_bytes(const nrf_dataset_kind *kind)
{
  return (int64_t)kind->info.shape[0] * kind->info.shape[1] * kind->info.shape[2];
}

nrf_status nrf_image_set_alloc(const nrf_dataset_kind *kind, int64_t count, bool labelled, nrf_image_set *out)
{
  void *pixels = NULL, *labels = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(count * image_bytes(kind)), kind->info.name, &pixels));
  out->pixels = pixels;
  if (labelled) NRF_RETURN_IF_ERROR(nrf_alloc((size_t)count, kind->info.name, &labels));
  out->labels = labels;
  out->count  = count;
  return NRF_OK;
}

/* The test images are the ones that follow the training images. */
static nrf_status dead_leaves_load(const nrf_dataset_kind *kind, const nrf_dataset_config *config,
                                   nrf_split split, nrf_image_set *out)
{
  const int64_t first = split == NRF_SPLIT_TRAIN ? 0 : DEAD_LEAVES_TRAIN;
  const int64_t count = split == NRF_SPLIT_TRAIN ? DEAD_LEAVES_TRAIN : DEAD_LEAVES_TEST;
  const int64_t bytes = image_bytes(kind);
  NRF_RETURN_IF_ERROR(nrf_image_set_alloc(kind, count, false, out));
#pragma omp parallel for schedule(dynamic, 16)
  for (int64_t k = 0; k < count; k++)
    nrf_dead_leaves_image(config->seed, (uint64_t)(first + k), out->pixels + k * bytes);
  return NRF_OK;
}

/* --- a data set --- */

nrf_status nrf_dataset_create(const nrf_dataset_config *config, nrf_dataset **out)
{
  nrf_status         st     = NRF_OK;
  nrf_dataset       *ds     = NULL;
  nrf_dataset_config filled = *config;
  if (!filled.data_dir) filled.data_dir = "data";
  *out = NULL;

  const nrf_dataset_kind *kind = NULL;
  NRF_TRY(find_kind(config->name, &kind));
  ds = calloc(1, sizeof *ds);
  if (!ds) NRF_FAIL(NRF_ENOMEM, "dataset %s: out of memory", config->name);
  ds->kind = kind;

  if (kind->folder) NRF_TRY(nrf_dataset_fetch(kind, &filled));
  if (config->need_train) NRF_TRY(kind->load(kind, &filled, NRF_SPLIT_TRAIN, &ds->sets[NRF_SPLIT_TRAIN]));
  if (config->need_test) NRF_TRY(kind->load(kind, &filled, NRF_SPLIT_TEST, &ds->sets[NRF_SPLIT_TEST]));
done:
  if (st == NRF_OK)
    *out = ds;
  else
    nrf_dataset_free(ds);
  return st;
}

void nrf_dataset_free(nrf_dataset *ds)
{
  if (!ds) return;
  for (int s = 0; s < NRF_SPLIT_COUNT; s++) {
    nrf_free(ds->sets[s].pixels);
    nrf_free(ds->sets[s].labels);
  }
  free(ds);
}

const nrf_dataset_info *nrf_dataset_info_of(const nrf_dataset *ds)
{
  return &ds->kind->info;
}

int64_t nrf_dataset_count(const nrf_dataset *ds, nrf_split split)
{
  return ds->sets[split].count;
}

const uint8_t *nrf_dataset_labels(const nrf_dataset *ds, nrf_split split)
{
  return ds->sets[split].labels;
}

nrf_status nrf_dataset_batch(const nrf_dataset *ds, nrf_split split, const uint32_t *indices, int64_t n,
                             float *out)
{
  const nrf_image_set *set   = &ds->sets[split];
  const int64_t        bytes = image_bytes(ds->kind);
  for (int64_t b = 0; b < n; b++) {
    if (indices[b] >= set->count)
      return nrf_error(NRF_EINVAL, "dataset %s: image %u of %lld in the %s set", ds->kind->info.name,
                       indices[b], (long long)set->count, nrf_split_name(split));
    const uint8_t *image = set->pixels + indices[b] * bytes;
    for (int64_t i = 0; i < bytes; i++) out[b * bytes + i] = (float)image[i] / 255.0f;
  }
  return NRF_OK;
}

nrf_status nrf_dataset_mean_image(const nrf_dataset *ds, nrf_split split, float *out)
{
  const nrf_image_set *set   = &ds->sets[split];
  const int64_t        bytes = image_bytes(ds->kind);
  if (set->count == 0)
    return nrf_error(NRF_EINVAL, "dataset %s: the %s set was not loaded", ds->kind->info.name,
                     nrf_split_name(split));

  void *memory;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)bytes * sizeof(double), "mean image", &memory));
  double *sum = memory;
  for (int64_t k = 0; k < set->count; k++)
    for (int64_t i = 0; i < bytes; i++) sum[i] += set->pixels[k * bytes + i];
  for (int64_t i = 0; i < bytes; i++) out[i] = (float)(sum[i] / (255.0 * (double)set->count));
  nrf_free(sum);
  return NRF_OK;
}

/* Fisher and Yates' shuffle; draw i of the epoch chooses the image for place i. */
void nrf_shuffle(uint64_t seed, uint64_t epoch, uint32_t n, uint32_t *order)
{
  const nrf_rng rng = nrf_rng_at(seed, NRF_RNG_SHUFFLE, epoch, 0);
  for (uint32_t i = 0; i < n; i++) order[i] = i;
  for (uint32_t i = n; i > 1; i--) {
    const uint32_t j    = nrf_rng_below(rng, i - 1, i);
    const uint32_t kept = order[i - 1];
    order[i - 1]        = order[j];
    order[j]            = kept;
  }
}
