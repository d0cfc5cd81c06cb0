/* Event files keep whole records whatever happens; event_file_test.py has TensorBoard read what
 * `DIRECTORY` as an argument makes this program write. */
#include "io/crc32c.h"
#include "nrflv/event_file.h"
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

static char directory[SCRATCH_PATH];

static int set_up(void **state)
{
  (void)state;
  scratch_create(directory);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(directory);
  return 0;
}

static void checksum_is_that_of_castagnoli(void **state)
{
  (void)state;
  /* RFC 3720, appendix B.4 */
  unsigned char bytes[32];
  assert_int_equal(nrf_crc32c("123456789", 9), 0xE3069283u);
  memset(bytes, 0, 32);
  assert_int_equal(nrf_crc32c(bytes, 32), 0x8A9136AAu);
  memset(bytes, 0xff, 32);
  assert_int_equal(nrf_crc32c(bytes, 32), 0x62A8AB43u);
  for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
  assert_int_equal(nrf_crc32c(bytes, 32), 0x46DD794Eu);
  assert_int_equal(nrf_crc32c(NULL, 0), 0);
}

static off_t size_of(const char *path)
{
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  return info.st_size;
}

/* Walks the frames; fails unless the file ends exactly with one. Returns their number. */
static int count_records(const char *path)
{
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  const off_t size  = size_of(path);
  long        at    = 0;
  int         count = 0;
  for (; at < size; count++) {
    uint64_t length = 0;
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fread(&length, 8, 1, file), 1);
    at += (long)length + 16;
  }
  assert_int_equal(at, size);
  (void)fclose(file);
  return count;
}

static void files_get_names_of_their_own_and_start_with_the_version(void **state)
{
  (void)state;
  char            logs[SCRATCH_PATH], want[64];
  nrf_event_file *first = NULL, *second = NULL;
  scratch_path(logs, directory, "tblogs/model");
  assert_int_equal(nrf_event_file_create(logs, &first), NRF_OK);
  assert_int_equal(nrf_event_file_create(logs, &second), NRF_OK);
  assert_string_not_equal(nrf_event_file_path(first), nrf_event_file_path(second));
  assert_non_null(strstr(nrf_event_file_path(first), "/tblogs/model/events.out.tfevents."));
  (void)snprintf(want, sizeof want, ".%ld.0", (long)getpid());
  assert_non_null(strstr(nrf_event_file_path(first), want));
  assert_int_equal(count_records(nrf_event_file_path(first)), 1);
  assert_int_equal(nrf_event_file_close(first), NRF_OK);
  assert_int_equal(nrf_event_file_close(second), NRF_OK);
  assert_int_equal(nrf_event_file_close(NULL), NRF_OK);
}

static void records_reach_the_file_by_flush_and_when_there_are_many(void **state)
{
  (void)state;
  nrf_event_file *file = NULL;
  assert_int_equal(nrf_event_file_create(directory, &file), NRF_OK);
  assert_int_equal(nrf_event_add_scalar(file, "train/loss", 1, 0.5), NRF_OK);
  assert_int_equal(count_records(nrf_event_file_path(file)), 1);
  assert_int_equal(nrf_event_file_flush(file), NRF_OK);
  assert_int_equal(count_records(nrf_event_file_path(file)), 2);
  for (int i = 0; i < 5000; i++) assert_int_equal(nrf_event_add_scalar(file, "train/loss", i, 0.5), NRF_OK);
  assert_true(count_records(nrf_event_file_path(file)) > 2);
  assert_int_equal(nrf_event_file_close(file), NRF_OK);
}

static void values_that_are_not_finite_are_left_out_and_counted(void **state)
{
  (void)state;
  const float          x[]    = {NAN, 1, INFINITY, -INFINITY};
  const nrf_float_span some[] = {{x, 4}, {x, 1}};
  const nrf_float_span none[] = {{x, 1}, {x, 0}};
  int64_t              left   = -1;
  char                 path[SCRATCH_PATH];
  nrf_event_file      *file = NULL;
  assert_int_equal(nrf_event_file_create(directory, &file), NRF_OK);
  (void)snprintf(path, sizeof path, "%s", nrf_event_file_path(file));
  assert_int_equal(nrf_event_add_histogram(file, "h", 1, 2, some, &left), NRF_OK);
  assert_int_equal(left, 4);
  assert_int_equal(nrf_event_add_histogram(file, "h", 2, 2, none, &left), NRF_OK);
  assert_int_equal(left, 1);
  assert_int_equal(nrf_event_add_histogram(file, "h", 3, 0, NULL, NULL), NRF_OK);
  assert_int_equal(nrf_event_file_close(file), NRF_OK);
  assert_int_equal(count_records(path), 2);
}

static void full_disk_leaves_whole_records_and_the_rest_can_follow(void **state)
{
  (void)state;
  if (!scratch_mount_small_disk(directory, 64 * 1024)) skip();
  char            ballast[SCRATCH_PATH], path[SCRATCH_PATH];
  char           *zero = calloc(1, 36 * 1024);
  nrf_event_file *file = NULL;
  assert_int_equal(nrf_event_file_create(directory, &file), NRF_OK);
  (void)snprintf(path, sizeof path, "%s", nrf_event_file_path(file));
  FILE *out = fopen(scratch_path(ballast, directory, "ballast"), "wb");
  assert_int_equal(fwrite(zero, 1, 36 * 1024, out), 36 * 1024);
  (void)fclose(out);

  nrf_status st = NRF_OK;
  for (int i = 0; st == NRF_OK && i < 1000; i++) st = nrf_event_add_scalar(file, "train/loss", i, 1);
  assert_int_equal(st, NRF_OK); /* 45 kB: still gathered in memory */
  assert_int_equal(nrf_event_file_flush(file), NRF_ENOSPACE);
  assert_non_null(strstr(nrf_error_message(), "cannot write: No space left on device"));
  assert_non_null(strstr(nrf_error_message(), path));
  assert_int_equal(count_records(path), 1);

  assert_int_equal(unlink(ballast), 0);
  assert_int_equal(nrf_event_file_close(file), NRF_OK);
  assert_int_equal(count_records(path), 1001);
  scratch_unmount(directory);
  free(zero);
}

static void unwritable_places_are_named(void **state)
{
  (void)state;
  char            path[SCRATCH_PATH];
  nrf_event_file *file = NULL;
  (void)fclose(fopen(scratch_path(path, directory, "plain"), "wb"));
  assert_int_equal(nrf_event_file_create(path, &file), NRF_EIO);
  assert_non_null(strstr(nrf_error_message(), "plain: is there already and is not a directory"));
  assert_null(file);

  assert_int_equal(chmod(directory, 0555), 0);
  scratch_drop_root();
  const nrf_status st = nrf_event_file_create(directory, &file);
  scratch_regain_root();
  assert_int_equal(st, NRF_EIO);
  assert_non_null(strstr(nrf_error_message(), "cannot create: Permission denied"));
}

/* The values event_file_test.py expects. */
static int write_specimen(const char *where)
{
  enum { N = 10000 };
  const double    scalars[] = {0.1, -1e30, 3, 1e-40};
  const float     edges[]   = {0.0f, -0.0f, 1e25f, -1e25f, 1e-30f, -1e-30f, 1.0f, -1.0f, NAN, INFINITY};
  nrf_event_file *file      = NULL;
  float          *x         = malloc(N * sizeof *x);
  for (int i = 0; i < N; i++) x[i] = (float)((i * 7919 % 10007) - 5000) / 1000.0f;

  nrf_status st = nrf_event_file_create(where, &file);
  for (int i = 0; st == NRF_OK && i < 4; i++)
    st = nrf_event_add_scalar(file, "train/loss", 10 * i, scalars[i]);
  if (st == NRF_OK) st = nrf_event_add_scalar(file, "train/energy", INT64_C(1) << 40, 7);
  const nrf_float_span pieces[] = {{x, 4000}, {x + 4000, N - 4000}};
  if (st == NRF_OK) st = nrf_event_add_histogram(file, "layers/hist_states_1", 3, 2, pieces, NULL);
  const nrf_float_span extreme[] = {{edges, 10}};
  if (st == NRF_OK) st = nrf_event_add_histogram(file, "extreme", 4, 1, extreme, NULL);
  const nrf_float_span constant[] = {{edges, 2}};
  if (st == NRF_OK) st = nrf_event_add_histogram(file, "constant", 5, 1, constant, NULL);
  if (nrf_event_file_close(file) != NRF_OK) st = NRF_EIO;

  /* A resumed run starts another file in the same place. */
  if (st == NRF_OK) st = nrf_event_file_create(where, &file);
  if (st == NRF_OK) st = nrf_event_add_scalar(file, "train/loss", 40, 5);
  if (st == NRF_OK) st = nrf_event_file_close(file);
  free(x);
  return st == NRF_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(checksum_is_that_of_castagnoli),
      TEST(files_get_names_of_their_own_and_start_with_the_version),
      TEST(records_reach_the_file_by_flush_and_when_there_are_many),
      TEST(values_that_are_not_finite_are_left_out_and_counted),
      TEST(full_disk_leaves_whole_records_and_the_rest_can_follow),
      TEST(unwritable_places_are_named),
  };
  return argc == 2 ? write_specimen(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
