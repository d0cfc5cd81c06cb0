/* Missing files are brought on first use, from an archive or one by one; what is there stays untouched; a crash on
 * the way leaves nothing that passes for a data set. The server is on the loopback interface. */
#include "io/dataset_kinds.h"

#include "io/md5.h"
#include "support/http_stub.h"
#include "support/scratch.h"
#include "support/tar_builder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_BYTES = 3000 };

static http_stub stub;
static char      served[SCRATCH_PATH], directory[SCRATCH_PATH], data_dir[SCRATCH_PATH];
static char      archive_md5[NRF_MD5_HEX_BYTES];

/* A kind like CIFAR-10, small enough to be made here. */
static const nrf_dataset_file files[] = {{.split = NRF_SPLIT_TRAIN, .name = "one.bin", .bytes = FILE_BYTES},
                                         {.split = NRF_SPLIT_TRAIN, .name = "two.bin", .bytes = FILE_BYTES},
                                         {.split = NRF_SPLIT_TRAIN, .name = "three.bin", .bytes = FILE_BYTES},
                                         {.split = NRF_SPLIT_TEST, .name = "test.bin", .bytes = FILE_BYTES}};
static nrf_dataset_kind       kind;

static int64_t size_of(const char *directory_of_it, const char *name)
{
  char        path[SCRATCH_PATH];
  struct stat info;
  return stat(scratch_path(path, directory_of_it, name), &info) == 0 ? info.st_size : -1;
}

static void make_archive(void)
{
  char   path[SCRATCH_PATH];
  gzFile archive = gzopen(scratch_path(path, served, "set.tar.gz"), "wb");
  for (int f = 0; f < 4; f++) {
    char name[64], content[FILE_BYTES];
    snprintf(name, sizeof name, "set/%s", files[f].name);
    memset(content, 'a' + f, sizeof content);
    tar_builder_add(archive, name, '0', content, FILE_BYTES, FILE_BYTES);
  }
  tar_builder_end(archive);
  assert_int_equal(gzclose(archive), Z_OK);
  assert_int_equal(nrf_md5_file(path, archive_md5), NRF_OK);
  kind = (nrf_dataset_kind){.info      = {.name = "small", .shape = {1, 1, 1}},
                            .folder    = "set",
                            .url       = stub.url,
                            .archive   = {"set.tar.gz", size_of(served, "set.tar.gz"), archive_md5},
                            .files     = files,
                            .num_files = 4};
}

static int set_up(void **state)
{
  (void)state;
  setenv("no_proxy", "127.0.0.1", 1);
  scratch_create(served);
  scratch_create(directory);
  scratch_path(data_dir, directory, "data/deep"); /* made on first use */
  http_stub_start(&stub, served);
  make_archive();
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  http_stub_stop(&stub);
  scratch_remove(served);
  scratch_remove(directory);
  return 0;
}

static nrf_dataset_config need(bool train, bool test)
{
  return (nrf_dataset_config){.data_dir = data_dir, .need_train = train, .need_test = test, .download = true};
}

static void assert_message_has(const char *text)
{
  if (!strstr(nrf_error_message(), text)) print_error("message: %s\n", nrf_error_message());
  assert_non_null(strstr(nrf_error_message(), text));
}

/* First byte of a file of the set; -1 if it is not there. */
static int first_byte(const char *name)
{
  char path[2 * SCRATCH_PATH];
  snprintf(path, sizeof path, "%s/set/%s", data_dir, name);
  FILE *file = fopen(path, "rb");
  if (!file) return -1;
  const int byte = fgetc(file);
  fclose(file);
  return byte;
}

static void put_file(const char *name, char byte)
{
  char path[2 * SCRATCH_PATH];
  snprintf(path, sizeof path, "%s/set/%s", data_dir, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  fputc(byte, file);
  fclose(file);
}

static void make_folder(void)
{
  char path[SCRATCH_PATH];
  assert_int_equal(mkdir(scratch_path(path, directory, "data"), 0777), 0);
  assert_int_equal(mkdir(data_dir, 0777), 0);
  assert_int_equal(mkdir(scratch_path(path, data_dir, "set"), 0777), 0);
}

static void archive_is_fetched_once_and_unpacked(void **state)
{
  (void)state;
  const nrf_dataset_config config = need(true, false);
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_OK);
  for (int f = 0; f < 4; f++) assert_int_equal(first_byte(files[f].name), 'a' + f);
  assert_int_equal(scratch_entries(data_dir), 2); /* the set and the archive, nothing unfinished */
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_OK);
  assert_int_equal(stub.requests, 1);
}

static void files_that_are_there_stay_untouched(void **state)
{
  (void)state;
  const nrf_dataset_config config = need(true, true);
  make_folder();
  put_file("one.bin", 'X'); /* a training set made small on purpose: only the test set is missing */
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_OK);
  assert_int_equal(first_byte("test.bin"), 'd');
  assert_int_equal(first_byte("one.bin"), 'X');
  assert_int_equal(first_byte("two.bin"), -1);
}

/* Killed between the files: the last of them are in place, the first is not, and the archive is there. */
static void unpacking_that_was_killed_is_completed_without_network(void **state)
{
  (void)state;
  const nrf_dataset_config config = need(true, true);
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_OK);
  char path[2 * SCRATCH_PATH];
  snprintf(path, sizeof path, "%s/set/one.bin", data_dir);
  assert_int_equal(unlink(path), 0);
  put_file("two.bin.partial-99999", 'p'); /* what it was writing */
  put_file("three.bin", 'X');             /* to see that it is not written again */
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_OK);
  assert_int_equal(first_byte("one.bin"), 'a');
  assert_int_equal(first_byte("three.bin"), 'X');
  assert_int_equal(first_byte("two.bin.partial-99999"), -1);
  assert_int_equal(stub.requests, 1);
}

static void archive_of_another_content_is_refused(void **state)
{
  (void)state;
  const nrf_dataset_config config  = need(true, false);
  char                     wrong[] = "00000000000000000000000000000000";
  nrf_dataset_kind         other   = kind;
  other.archive.md5                = wrong;
  assert_int_equal(nrf_dataset_fetch(&other, &config), NRF_EFORMAT);
  assert_message_has("/set.tar.gz: wrong checksum");
  assert_int_equal(first_byte("one.bin"), -1);
  assert_int_equal(scratch_entries(data_dir), -1); /* not even the empty folder */
}

static void without_network_the_message_says_what_to_do(void **state)
{
  (void)state;
  nrf_dataset_config config = need(true, false);
  config.mirror_url         = "http://127.0.0.1:1";
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_ENETWORK);
  assert_message_has("data/deep/set: the training set of small is not there and could not be fetched");
  assert_message_has("--data_dir");
  assert_message_has("--dataset dead_leaves");
  assert_message_has("http://127.0.0.1:1/set.tar.gz: Failed to connect");
  assert_int_equal(scratch_entries(data_dir), -1); /* no folders where nothing has come */

  config.download = false;
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_ENOTFOUND);
  assert_message_has("data/deep/set/one.bin: not found (the training set of small)");
}

static void two_processes_do_not_fetch_the_same_files(void **state)
{
  (void)state;
  const nrf_dataset_config config = need(true, false);
  char                     path[SCRATCH_PATH];
  make_folder();
  const int lock = open(scratch_path(path, data_dir, "set"), O_RDONLY | O_DIRECTORY);
  assert_int_equal(flock(lock, LOCK_EX), 0);
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_EIO);
  assert_message_has("data/deep/set: another process is fetching these files");
  close(lock);
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_OK);
}

static void place_that_cannot_be_written_is_named(void **state)
{
  (void)state;
  const nrf_dataset_config config = need(true, false);
  char                     path[SCRATCH_PATH];
  FILE *file = fopen(scratch_path(path, directory, "data"), "wb"); /* a file where a folder is needed */
  assert_non_null(file);
  fclose(file);
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_EIO);
  assert_message_has("/data: is there already and is not a directory");
}

static int at_once(void *user)
{
  (void)user;
  return 1;
}

static void cancelling_is_passed_on(void **state)
{
  (void)state;
  nrf_dataset_config config = need(true, false);
  config.watch.cancelled    = at_once;
  assert_int_equal(nrf_dataset_fetch(&kind, &config), NRF_EINTERRUPTED);
  assert_int_equal(first_byte("one.bin"), -1);
}

/* The real files, with the real checksums of the table, from end to end. */
static void mnist_is_fetched_file_by_file(void **state)
{
  (void)state;
  char        path[2 * SCRATCH_PATH];
  const char *shared = getenv("NRFLV_SHARED_DIR");
  snprintf(path, sizeof path, "%s/data/mnist", shared ? shared : "");
  if (size_of(path, "t10k-images-idx3-ubyte.gz") < 0) {
    print_message("skipped: no MNIST files at %s\n", path);
    skip();
  }
  stub.folder               = path;
  nrf_dataset       *ds     = NULL;
  nrf_dataset_config config = need(false, true);
  config.name               = "MNIST";
  config.mirror_url         = stub.url;
  assert_int_equal(nrf_dataset_create(&config, &ds), NRF_OK);
  assert_int_equal(nrf_dataset_count(ds, NRF_SPLIT_TEST), 10000);
  assert_int_equal(stub.requests, 2);
  nrf_dataset_free(ds);

  assert_int_equal(nrf_dataset_create(&config, &ds), NRF_OK);
  assert_int_equal(stub.requests, 2);
  nrf_dataset_free(ds);

  config.need_train = true; /* a mirror that has only half of them */
  assert_int_equal(nrf_dataset_create(&config, &ds), NRF_ENETWORK);
  assert_message_has("mnist: the training set of MNIST is not there and could not be fetched");
  assert_message_has("/train-images-idx3-ubyte.gz: ");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(archive_is_fetched_once_and_unpacked),
      TEST(files_that_are_there_stay_untouched),
      TEST(unpacking_that_was_killed_is_completed_without_network),
      TEST(archive_of_another_content_is_refused),
      TEST(without_network_the_message_says_what_to_do),
      TEST(two_processes_do_not_fetch_the_same_files),
      TEST(place_that_cannot_be_written_is_named),
      TEST(cancelling_is_passed_on),
      TEST(mnist_is_fetched_file_by_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
