/* Data sets: real and small made-up files are read as their formats say, bad ones are refused with one line that says
 * which file and what is wrong with it. */
#include "nrflv/dataset.h"

#include "nrflv/dead_leaves.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <omp.h>
#include <zlib.h>

enum { CIFAR_IMAGE = 3072, MNIST_IMAGE = 784 };

static char data_dir[SCRATCH_PATH];

static int set_up(void **state)
{
  (void)state;
  char folder[SCRATCH_PATH];
  scratch_create(data_dir);
  assert_int_equal(mkdir(scratch_path(folder, data_dir, "cifar-10-batches-bin"), 0777), 0);
  assert_int_equal(mkdir(scratch_path(folder, data_dir, "mnist"), 0777), 0);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(data_dir);
  return 0;
}

static void write_file(const char *name, const void *bytes, size_t size)
{
  char  path[SCRATCH_PATH];
  FILE *file = fopen(scratch_path(path, data_dir, name), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
}

static void write_gz(const char *name, const void *bytes, size_t size)
{
  char   path[SCRATCH_PATH];
  gzFile file = gzopen(scratch_path(path, data_dir, name), "wb");
  assert_non_null(file);
  assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
  assert_int_equal(gzclose(file), Z_OK);
}

/* Opens one split of files that are there. */
static nrf_status open_split(const char *name, nrf_split split, nrf_dataset **out)
{
  const nrf_dataset_config config = {.name       = name,
                                     .data_dir   = data_dir,
                                     .need_train = split == NRF_SPLIT_TRAIN,
                                     .need_test  = split == NRF_SPLIT_TEST};
  return nrf_dataset_create(&config, out);
}

static void assert_refused(const char *name, nrf_split split, nrf_status want, const char *message)
{
  nrf_dataset *ds = NULL;
  assert_int_equal(open_split(name, split, &ds), want);
  if (!strstr(nrf_error_message(), message)) print_error("message: %s\n", nrf_error_message());
  assert_non_null(strstr(nrf_error_message(), message));
  assert_null(ds);
}

/* --- the table --- */

static void names_lead_to_shapes(void **state)
{
  (void)state;
  const nrf_dataset_info *info = NULL;
  assert_int_equal(nrf_dataset_find("MNIST", &info), NRF_OK);
  assert_int_equal(info->shape[0] * 10000 + info->shape[1] * 100 + info->shape[2], 12828);
  assert_false(info->embedded);
  assert_int_equal(nrf_dataset_find("dead_leaves", &info), NRF_OK);
  assert_true(info->embedded);
  assert_int_equal(nrf_dataset_find("mnist", &info), NRF_ENOTFOUND);
  assert_string_equal(nrf_error_message(),
                      "dataset 'mnist' is not known; there are CIFAR10, MNIST, dead_leaves");

  int count = 0;
  while (nrf_dataset_info_at(count)) count++;
  assert_int_equal(count, 3);
}

/* --- CIFAR-10 --- */

/* `records` records; image number k (counted over the whole set, from `first`) has label k % 10 and the bytes k * 31 + i
 * (modulo 256), all different from its neighbours'. */
static void write_cifar(const char *name, int first, int records)
{
  static uint8_t bytes[8 * (1 + CIFAR_IMAGE)];
  for (int r = 0; r < records; r++) {
    uint8_t *record = bytes + r * (1 + CIFAR_IMAGE);
    record[0]       = (uint8_t)((first + r) % 10);
    for (int i = 0; i < CIFAR_IMAGE; i++) record[1 + i] = (uint8_t)((first + r) * 31 + i);
  }
  char path[SCRATCH_PATH];
  snprintf(path, sizeof path, "cifar-10-batches-bin/%s", name);
  write_file(path, bytes, (size_t)records * (1 + CIFAR_IMAGE));
}

static void cifar_is_read_file_after_file(void **state)
{
  (void)state;
  write_cifar("data_batch_1.bin", 0, 3); /* a partial set: two files, few records */
  write_cifar("data_batch_2.bin", 3, 8);
  write_cifar("test_batch.bin", 50, 1);
  nrf_dataset             *ds     = NULL;
  const nrf_dataset_config config = {
      .name = "CIFAR10", .data_dir = data_dir, .need_train = true, .need_test = true};
  assert_int_equal(nrf_dataset_create(&config, &ds), NRF_OK);
  assert_int_equal(nrf_dataset_count(ds, NRF_SPLIT_TRAIN), 11);
  assert_int_equal(nrf_dataset_count(ds, NRF_SPLIT_TEST), 1);
  for (int k = 0; k < 11; k++) assert_int_equal(nrf_dataset_labels(ds, NRF_SPLIT_TRAIN)[k], k % 10);

  static float   batch[3][CIFAR_IMAGE];
  const uint32_t indices[3] = {10, 0, 4};
  assert_int_equal(nrf_dataset_batch(ds, NRF_SPLIT_TRAIN, indices, 3, batch[0]), NRF_OK);
  for (int b = 0; b < 3; b++)
    for (int i = 0; i < CIFAR_IMAGE; i++)
      assert_true(batch[b][i] == (float)(uint8_t)(indices[b] * 31 + (uint32_t)i) / 255.0f);

  const uint32_t outside[2] = {0, 11};
  assert_int_equal(nrf_dataset_batch(ds, NRF_SPLIT_TRAIN, outside, 2, batch[0]), NRF_EINVAL);
  assert_string_equal(nrf_error_message(), "dataset CIFAR10: image 11 of 11 in the training set");

  static float mean[CIFAR_IMAGE];
  assert_int_equal(nrf_dataset_mean_image(ds, NRF_SPLIT_TRAIN, mean), NRF_OK);
  for (int i = 0; i < CIFAR_IMAGE; i++) {
    int sum = 0;
    for (int k = 0; k < 11; k++) sum += (uint8_t)(k * 31 + i);
    assert_true(fabs(mean[i] - sum / (11 * 255.0)) < 1e-7); /* float has 6e-8 near 1 */
  }
  nrf_dataset_free(ds);
}

static void set_that_was_not_asked_for_is_empty_and_need_not_be_there(void **state)
{
  (void)state;
  nrf_dataset *ds = NULL;
  float        mean[CIFAR_IMAGE];
  write_cifar("test_batch.bin", 0, 2);
  assert_int_equal(open_split("CIFAR10", NRF_SPLIT_TEST, &ds), NRF_OK);
  assert_int_equal(nrf_dataset_count(ds, NRF_SPLIT_TRAIN), 0);
  assert_int_equal(nrf_dataset_mean_image(ds, NRF_SPLIT_TRAIN, mean), NRF_EINVAL);
  assert_string_equal(nrf_error_message(), "dataset CIFAR10: the training set was not loaded");
  nrf_dataset_free(ds);
  assert_refused("CIFAR10", NRF_SPLIT_TRAIN, NRF_ENOTFOUND,
                 "data_batch_1.bin: not found (the training set of CIFAR10)");
  assert_non_null(strstr(nrf_error_message(), "--data_dir"));
  assert_non_null(strstr(nrf_error_message(), "--dataset dead_leaves"));
}

static void damaged_cifar_files_are_refused(void **state)
{
  (void)state;
  char path[SCRATCH_PATH];
  scratch_path(path, data_dir, "cifar-10-batches-bin/data_batch_2.bin");
  write_cifar("data_batch_1.bin", 0, 3);

  write_cifar("data_batch_2.bin", 0, 3);
  assert_int_equal(truncate(path, 3 * 3073 - 1), 0);
  assert_refused(
      "CIFAR10", NRF_SPLIT_TRAIN, NRF_EFORMAT,
      "data_batch_2.bin: 9218 bytes are not a whole number of 3073-byte records (3072 bytes after record 1)");
  assert_int_equal(truncate(path, 100), 0);
  assert_refused("CIFAR10", NRF_SPLIT_TRAIN, NRF_EFORMAT,
                 "data_batch_2.bin: 100 bytes are not a whole number");
  assert_int_equal(truncate(path, 0), 0);
  assert_refused("CIFAR10", NRF_SPLIT_TRAIN, NRF_EFORMAT, "data_batch_2.bin: is empty");

  static uint8_t records[3][3073];
  records[2][0] = 10;
  write_file("cifar-10-batches-bin/data_batch_2.bin", records, sizeof records);
  assert_refused("CIFAR10", NRF_SPLIT_TRAIN, NRF_EFORMAT, "data_batch_2.bin: record 2 has label 10");

  assert_int_equal(unlink(path), 0);
  write_cifar("data_batch_4.bin", 0, 3);
  assert_refused("CIFAR10", NRF_SPLIT_TRAIN, NRF_ENOTFOUND,
                 "data_batch_4.bin: is there, but data_batch_2.bin is missing");

  assert_int_equal(mkdir(path, 0777), 0);
  assert_refused("CIFAR10", NRF_SPLIT_TRAIN, NRF_EIO, "data_batch_2.bin: not a regular file");
}

/* --- MNIST --- */

enum { MNIST_COUNT = 12 };

static uint8_t mnist_images[16 + MNIST_COUNT * MNIST_IMAGE + 1],
    mnist_labels[8 + MNIST_COUNT + 1]; /* one byte to spare */
static const size_t images_bytes = sizeof mnist_images - 1, labels_bytes = sizeof mnist_labels - 1;

#define IMAGES "mnist/train-images-idx3-ubyte"
#define LABELS "mnist/train-labels-idx1-ubyte"

/* A good training set of twelve images; tests damage it. */
static void make_mnist(void)
{
  const uint8_t images_header[] = {0, 0, 8, 3, 0, 0, 0, MNIST_COUNT, 0, 0, 0, 28, 0, 0, 0, 28};
  const uint8_t labels_header[] = {0, 0, 8, 1, 0, 0, 0, MNIST_COUNT};
  memcpy(mnist_images, images_header, 16);
  memcpy(mnist_labels, labels_header, 8);
  for (int i = 0; i < MNIST_COUNT * MNIST_IMAGE; i++)
    mnist_images[16 + i] = (uint8_t)(i * 7 + i / MNIST_IMAGE);
  for (int k = 0; k < MNIST_COUNT; k++) mnist_labels[8 + k] = (uint8_t)(9 - k % 10);
}

static void mnist_is_read_packed_and_plain(void **state)
{
  (void)state;
  make_mnist();
  write_gz(IMAGES ".gz", mnist_images, images_bytes);
  write_file(LABELS, mnist_labels, labels_bytes);
  nrf_dataset *ds = NULL;
  assert_int_equal(open_split("MNIST", NRF_SPLIT_TRAIN, &ds), NRF_OK);
  assert_int_equal(nrf_dataset_count(ds, NRF_SPLIT_TRAIN), MNIST_COUNT);
  assert_memory_equal(nrf_dataset_labels(ds, NRF_SPLIT_TRAIN), mnist_labels + 8, MNIST_COUNT);

  float          image[MNIST_IMAGE];
  const uint32_t last = MNIST_COUNT - 1;
  assert_int_equal(nrf_dataset_batch(ds, NRF_SPLIT_TRAIN, &last, 1, image), NRF_OK);
  for (int i = 0; i < MNIST_IMAGE; i++)
    assert_true(image[i] == (float)mnist_images[16 + last * MNIST_IMAGE + (uint32_t)i] / 255.0f);
  nrf_dataset_free(ds);
}

static void damaged_mnist_files_are_refused(void **state)
{
  (void)state;
  const struct {
    size_t      at; /* byte of the images' file (labels' if `labels`) to change */
    uint8_t     value;
    bool        labels;
    const char *message;
  } changes[] = {
      {2, 9, false, "train-images-idx3-ubyte: begins with 0x00000903, not with 0x00000803"},
      {3, 1, true, NULL}, /* no change: good */
      {3, 3, true, "train-labels-idx1-ubyte: begins with 0x00000803, not with 0x00000801"},
      {11, 27, false, "train-images-idx3-ubyte: dimension 1 is 27, not 28"},
      {15, 29, false, "train-images-idx3-ubyte: dimension 2 is 29, not 28"},
      {7, 0, false, "train-images-idx3-ubyte: is empty"},
      {7, 11, true, "train-labels-idx1-ubyte: 11 labels for the 12 images of"},
      {8 + 5, 10, true, "train-labels-idx1-ubyte: record 5 has label 10"},
      {4, 0xff, false,
       "train-images-idx3-ubyte: truncated: its header announces 4278190092 records of 784 bytes"},
  };
  for (size_t c = 0; c < sizeof changes / sizeof changes[0]; c++) {
    make_mnist();
    (changes[c].labels ? mnist_labels : mnist_images)[changes[c].at] = changes[c].value;
    write_file(IMAGES, mnist_images, images_bytes);
    write_file(LABELS, mnist_labels, labels_bytes);
    if (changes[c].message) {
      assert_refused("MNIST", NRF_SPLIT_TRAIN, NRF_EFORMAT, changes[c].message);
    } else {
      nrf_dataset *ds = NULL;
      assert_int_equal(open_split("MNIST", NRF_SPLIT_TRAIN, &ds), NRF_OK);
      nrf_dataset_free(ds);
    }
  }

  make_mnist();
  write_file(IMAGES, mnist_images, images_bytes - 1);
  assert_refused("MNIST", NRF_SPLIT_TRAIN, NRF_EFORMAT, "train-images-idx3-ubyte: truncated");
  write_file(IMAGES, mnist_images, images_bytes + 1);
  assert_refused("MNIST", NRF_SPLIT_TRAIN, NRF_EFORMAT,
                 "train-images-idx3-ubyte: has more than the 9424 bytes");
  write_file(IMAGES, mnist_images, 10);
  assert_refused("MNIST", NRF_SPLIT_TRAIN, NRF_EFORMAT, "train-images-idx3-ubyte: truncated");

  char path[SCRATCH_PATH];
  unlink(scratch_path(path, data_dir, IMAGES));
  write_gz(IMAGES ".gz", mnist_images, images_bytes);
  assert_int_equal(truncate(scratch_path(path, data_dir, IMAGES ".gz"), 200), 0);
  assert_refused("MNIST", NRF_SPLIT_TRAIN, NRF_EFORMAT,
                 "train-images-idx3-ubyte.gz: truncated: the gzip stream stops after 200 bytes");
}

/* --- real images --- */

static const char *shared_data(char path[SCRATCH_PATH], const char *folder)
{
  const char *shared = getenv("NRFLV_SHARED_DIR");
  if (!shared) return NULL;
  snprintf(path, SCRATCH_PATH, "%s/data/%s", shared, folder);
  if (access(path, R_OK) != 0) {
    print_message("skipped: no real images at %s\n", path);
    return NULL;
  }
  snprintf(path, SCRATCH_PATH, "%s/data", shared);
  return path;
}

static void real_cifar_images_look_like_photographs(void **state)
{
  (void)state;
  char path[SCRATCH_PATH];
  if (!shared_data(path, "cifar-10-batches-bin")) skip();
  const nrf_dataset_config config = {
      .name = "CIFAR10", .data_dir = path, .need_train = true, .need_test = true};
  nrf_dataset *ds = NULL;
  assert_int_equal(nrf_dataset_create(&config, &ds), NRF_OK);
  assert_true(nrf_dataset_count(ds, NRF_SPLIT_TRAIN) >= 1000);
  assert_true(nrf_dataset_count(ds, NRF_SPLIT_TEST) >= 128);

  /* The published means of the channels are 0.491, 0.482, 0.447: red brightest, blue darkest. */
  static float mean[3][1024];
  double       channel[3] = {0};
  assert_int_equal(nrf_dataset_mean_image(ds, NRF_SPLIT_TRAIN, mean[0]), NRF_OK);
  for (int c = 0; c < 3; c++)
    for (int i = 0; i < 1024; i++) channel[c] += mean[c][i] / 1024.0;
  assert_true(fabs(channel[0] - 0.491) < 0.01);
  assert_true(fabs(channel[1] - 0.482) < 0.01);
  assert_true(fabs(channel[2] - 0.447) < 0.01);

  /* Neighbours are alike if rows and planes are where we think they are. */
  static float   image[3][32][32];
  const uint32_t first  = 0;
  double         across = 0.0, down = 0.0;
  assert_int_equal(nrf_dataset_batch(ds, NRF_SPLIT_TEST, &first, 1, image[0][0]), NRF_OK);
  for (int y = 0; y < 31; y++)
    for (int x = 0; x < 31; x++) {
      across += fabsf(image[0][y][x + 1] - image[0][y][x]) / 961;
      down += fabsf(image[0][y + 1][x] - image[0][y][x]) / 961;
    }
  assert_true(across < 0.1 && down < 0.1);
  nrf_dataset_free(ds);
}

static void real_mnist_test_images_are_there_and_the_training_set_is_not(void **state)
{
  (void)state;
  char path[SCRATCH_PATH];
  if (!shared_data(path, "mnist/t10k-images-idx3-ubyte.gz")) skip();
  nrf_dataset_config config = {.name = "MNIST", .data_dir = path, .need_test = true};
  nrf_dataset       *ds     = NULL;
  assert_int_equal(nrf_dataset_create(&config, &ds), NRF_OK);
  assert_int_equal(nrf_dataset_count(ds, NRF_SPLIT_TEST), 10000);
  const uint8_t first[] = {7, 2, 1, 0, 4, 1, 4, 9, 5, 9}; /* as everyone knows */
  assert_memory_equal(nrf_dataset_labels(ds, NRF_SPLIT_TEST), first, sizeof first);

  float  mean[MNIST_IMAGE];
  double sum = 0.0;
  assert_int_equal(nrf_dataset_mean_image(ds, NRF_SPLIT_TEST, mean), NRF_OK);
  for (int i = 0; i < MNIST_IMAGE; i++) sum += mean[i] / MNIST_IMAGE;
  assert_true(fabs(sum - 0.1325) < 5e-4); /* the published mean of the test set */
  nrf_dataset_free(ds);

  char train[2 * SCRATCH_PATH];
  snprintf(train, sizeof train, "%s/mnist/train-images-idx3-ubyte", path);
  if (access(train, F_OK) == 0) return;
  config.need_train = true;
  assert_int_equal(nrf_dataset_create(&config, &ds), NRF_ENOTFOUND);
  assert_non_null(
      strstr(nrf_error_message(), "train-images-idx3-ubyte: not found (the training set of MNIST)"));
}

/* --- dead leaves --- */

static void dead_leaves_need_no_files_and_do_not_depend_on_threads(void **state)
{
  (void)state;
  const nrf_dataset_config config = {
      .name = "dead_leaves", .data_dir = "/nowhere", .need_train = true, .need_test = true, .seed = 3};
  nrf_dataset *ds[2]   = {NULL, NULL};
  const int    threads = omp_get_max_threads();
  for (int i = 0; i < 2; i++) {
    omp_set_num_threads(1 + 2 * i);
    assert_int_equal(nrf_dataset_create(&config, &ds[i]), NRF_OK);
  }
  omp_set_num_threads(threads);
  assert_int_equal(nrf_dataset_count(ds[0], NRF_SPLIT_TRAIN), 5000);
  assert_int_equal(nrf_dataset_count(ds[0], NRF_SPLIT_TEST), 1000);
  assert_null(nrf_dataset_labels(ds[0], NRF_SPLIT_TRAIN));

  static float   image[2][CIFAR_IMAGE];
  static uint8_t bytes[CIFAR_IMAGE];
  for (uint32_t k = 0; k < 5000; k += 7) {
    for (int i = 0; i < 2; i++)
      assert_int_equal(nrf_dataset_batch(ds[i], NRF_SPLIT_TRAIN, &k, 1, image[i]), NRF_OK);
    assert_memory_equal(image[0], image[1], sizeof image[0]);
  }
  const uint32_t last = 999; /* the test images follow the training images */
  assert_int_equal(nrf_dataset_batch(ds[0], NRF_SPLIT_TEST, &last, 1, image[0]), NRF_OK);
  nrf_dead_leaves_image(3, 5999, bytes);
  for (int i = 0; i < CIFAR_IMAGE; i++) assert_true(image[0][i] == (float)bytes[i] / 255.0f);
  nrf_dataset_free(ds[0]);
  nrf_dataset_free(ds[1]);
}

/* --- the order of an epoch --- */

static void order_is_a_permutation_that_seed_and_epoch_decide(void **state)
{
  (void)state;
  enum { N = 1000 };
  uint32_t order[N], again[N];
  bool     seen[N] = {false};
  nrf_shuffle(1, 2, N, order);
  for (int i = 0; i < N; i++) {
    assert_true(order[i] < N && !seen[order[i]]);
    seen[order[i]] = true;
  }
  nrf_shuffle(1, 2, N, again);
  assert_memory_equal(order, again, sizeof order);
  nrf_shuffle(1, 3, N, again);
  assert_memory_not_equal(order, again, sizeof order);
  nrf_shuffle(2, 2, N, again);
  assert_memory_not_equal(order, again, sizeof order);
  nrf_shuffle(1, 2, 0, NULL); /* nothing to do */
}

/* All 24 orders of four images are equally likely: chi squared with 23 degrees of freedom has mean 23 and standard
 * deviation 6.8; a shuffle that draws j from all of 0 .. n-1 every time gives about 280 here. */
static void all_orders_are_equally_likely(void **state)
{
  (void)state;
  enum { EPOCHS = 24000 };
  int counts[256] = {0};
  for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
    uint32_t order[4];
    nrf_shuffle(11, epoch, 4, order);
    counts[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
  }
  double chi_squared = 0.0;
  int    orders      = 0;
  for (int i = 0; i < 256; i++) {
    if (counts[i] == 0) continue;
    orders++;
    chi_squared += (counts[i] - EPOCHS / 24.0) * (counts[i] - EPOCHS / 24.0) / (EPOCHS / 24.0);
  }
  assert_int_equal(orders, 24);
  assert_true(chi_squared < 23 + 4 * 6.8);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(names_lead_to_shapes),
      TEST(cifar_is_read_file_after_file),
      TEST(set_that_was_not_asked_for_is_empty_and_need_not_be_there),
      TEST(damaged_cifar_files_are_refused),
      TEST(mnist_is_read_packed_and_plain),
      TEST(damaged_mnist_files_are_refused),
      TEST(real_cifar_images_look_like_photographs),
      TEST(real_mnist_test_images_are_there_and_the_training_set_is_not),
      TEST(dead_leaves_need_no_files_and_do_not_depend_on_threads),
      TEST(order_is_a_permutation_that_seed_and_epoch_decide),
      TEST(all_orders_are_equally_likely),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
