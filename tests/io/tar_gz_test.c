/* Only the files asked for come out of an archive, complete, to where the caller says. */
#include "io/tar_gz.h"

#include "support/scratch.h"
#include "support/tar_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { A_BYTES = 100000, B_BYTES = 1024 /* no padding */ };

static char    directory[SCRATCH_PATH], archive[SCRATCH_PATH], path_a[SCRATCH_PATH], path_b[SCRATCH_PATH];
static uint8_t a[A_BYTES], b[B_BYTES];
static nrf_tar_member members[2];

static int set_up(void **state)
{
  (void)state;
  scratch_create(directory);
  scratch_path(archive, directory, "x.tar.gz");
  scratch_path(path_a, directory, "a.bin");
  scratch_path(path_b, directory, "b.bin");
  for (int i = 0; i < A_BYTES; i++) a[i] = (uint8_t)(i * 13 + i / 300);
  for (int i = 0; i < B_BYTES; i++) b[i] = (uint8_t)(i * 7);
  members[0] = (nrf_tar_member){"set/a.bin", A_BYTES, path_a};
  members[1] = (nrf_tar_member){"set/b.bin", B_BYTES, path_b};
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(directory);
  return 0;
}

static void assert_content(const char *path, const uint8_t *want, size_t bytes)
{
  static uint8_t got[A_BYTES + 1];
  FILE          *file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fread(got, 1, sizeof got, file), bytes);
  fclose(file);
  assert_memory_equal(got, want, bytes);
}

/* Nothing but the archive is left. */
static void assert_fails(nrf_status want, const char *message)
{
  assert_int_equal(nrf_tar_gz_extract(archive, members, 2, NULL, NULL), want);
  if (!strstr(nrf_error_message(), message)) print_error("message: %s\n", nrf_error_message());
  assert_non_null(strstr(nrf_error_message(), message));
  assert_int_equal(scratch_entries(directory), 1);
}

static gzFile begin(void)
{
  gzFile file = gzopen(archive, "wb1");
  assert_non_null(file);
  return file;
}

static void write_good_archive(void)
{
  gzFile file = begin();
  tar_builder_add(file, "set/", '5', NULL, 0, 0);
  tar_builder_add(file, "set/readme.html", '0', "<html>", 6, 6);
  tar_builder_add(file, "./set/b.bin", '0', b, B_BYTES, B_BYTES);
  tar_builder_add(file, "../../escape", '0', "x", 1, 1);
  tar_builder_add(file, "set/a.bin", '0', a, A_BYTES, A_BYTES);
  tar_builder_end(file);
  assert_int_equal(gzclose(file), Z_OK);
}

static void files_asked_for_come_out_and_no_others(void **state)
{
  (void)state;
  write_good_archive();
  assert_int_equal(nrf_tar_gz_extract(archive, members, 2, NULL, NULL), NRF_OK);
  assert_content(path_a, a, A_BYTES);
  assert_content(path_b, b, B_BYTES);
  assert_int_equal(scratch_entries(directory), 3);
}

static void missing_doubled_or_resized_member_is_an_error(void **state)
{
  (void)state;
  gzFile file = begin();
  tar_builder_add(file, "set/a.bin", '0', a, A_BYTES, A_BYTES);
  tar_builder_add(file, "set/b.bin", '5', NULL, 0, 0); /* a folder of that name is not the file */
  tar_builder_end(file);
  gzclose(file);
  assert_fails(NRF_EFORMAT, "x.tar.gz: has no 'set/b.bin'");

  file = begin();
  tar_builder_add(file, "set/b.bin", '0', b, B_BYTES, B_BYTES);
  tar_builder_add(file, "set/b.bin", '0', b, B_BYTES, B_BYTES);
  tar_builder_end(file);
  gzclose(file);
  assert_fails(NRF_EFORMAT, "x.tar.gz: has 'set/b.bin' twice");

  file = begin();
  tar_builder_add(file, "set/b.bin", '0', b, 1000, 1000);
  tar_builder_end(file);
  gzclose(file);
  assert_fails(NRF_EFORMAT, "'set/b.bin' has 1000 bytes, 1024 expected");
}

static void archive_that_ends_early_is_an_error(void **state)
{
  (void)state;
  gzFile file = begin(); /* inside a member, the gzip stream being whole */
  tar_builder_add(file, "set/a.bin", '0', a, 50 * 512, A_BYTES);
  gzclose(file);
  assert_fails(NRF_EFORMAT, "x.tar.gz: truncated");

  write_good_archive(); /* inside the gzip stream */
  assert_int_equal(truncate(archive, 2000), 0);
  assert_fails(NRF_EFORMAT, "x.tar.gz: truncated: the gzip stream stops after 2000 bytes");
}

static void damaged_header_is_an_error(void **state)
{
  (void)state;
  gzFile file = begin();
  char   zeros[512]; /* reads as an empty file called 000...: only the checksum, 0 too, tells */
  memset(zeros, '0', sizeof zeros);
  gzwrite(file, zeros, sizeof zeros);
  gzclose(file);
  assert_fails(NRF_EFORMAT, "x.tar.gz: not a tar archive, or a damaged one");

  file =
      begin(); /* good but for a size that is not octal, of a file nobody asked for: nothing after it can be found */
  tar_builder_add(file, "set/vast", '0', NULL, 0, (size_t)1 << 40);
  tar_builder_add(file, "set/a.bin", '0', a, A_BYTES, A_BYTES);
  tar_builder_add(file, "set/b.bin", '0', b, B_BYTES, B_BYTES);
  tar_builder_end(file);
  gzclose(file);
  assert_fails(NRF_EFORMAT, "x.tar.gz: not a tar archive, or a damaged one");
}

static int at_the_second_question(void *user)
{
  return ++*(int *)user == 2;
}

static void cancelling_leaves_nothing_unfinished(void **state)
{
  (void)state;
  int asked = 0;
  write_good_archive();
  assert_int_equal(nrf_tar_gz_extract(archive, members, 2, at_the_second_question, &asked), NRF_EINTERRUPTED);
  assert_int_equal(scratch_entries(directory), 1);
}

static void full_disk_is_named_and_leaves_nothing_unfinished(void **state)
{
  (void)state;
  char small[SCRATCH_PATH], large[SCRATCH_PATH];
  write_good_archive();
  scratch_create(small);
  if (!scratch_mount_small_disk(small, 32 << 10)) {
    scratch_remove(small);
    skip();
  }
  members[0].path        = scratch_path(large, small, "a.bin");
  const nrf_status st    = nrf_tar_gz_extract(archive, members, 2, NULL, NULL);
  const int        files = scratch_entries(small);
  scratch_unmount(small);
  scratch_remove(small);
  assert_int_equal(st, NRF_ENOSPACE);
  assert_non_null(strstr(nrf_error_message(), "a.bin: "));
  assert_int_equal(files, 0);
  assert_int_equal(scratch_entries(directory), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(files_asked_for_come_out_and_no_others), TEST(missing_doubled_or_resized_member_is_an_error),
      TEST(archive_that_ends_early_is_an_error),    TEST(damaged_header_is_an_error),
      TEST(cancelling_leaves_nothing_unfinished),   TEST(full_disk_is_named_and_leaves_nothing_unfinished),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
