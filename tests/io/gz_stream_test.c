/* Packed and plain files read alike; damage, a missing end and anything after the end are found. */
#include "io/gz_stream.h"

#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

enum { BYTES = 200000 }; /* more than the reader's input buffer, packed too */

static char    directory[SCRATCH_PATH], plain[SCRATCH_PATH], packed[SCRATCH_PATH];
static uint8_t content[BYTES];

static int set_up(void **state)
{
  (void)state;
  scratch_create(directory);
  uint32_t x = 1;
  for (int i = 0; i < BYTES; i++) {
    x          = x * 1664525u + 1013904223u;
    content[i] = (uint8_t)(x >> 24);
  }
  FILE *file = fopen(scratch_path(plain, directory, "plain"), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(content, 1, BYTES, file), BYTES);
  fclose(file);
  gzFile gz = gzopen(scratch_path(packed, directory, "packed.gz"), "wb");
  assert_int_equal(gzwrite(gz, content, BYTES), BYTES);
  assert_int_equal(gzclose(gz), Z_OK);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(directory);
  return 0;
}

static nrf_status read_all(const char *path, uint8_t got[BYTES])
{
  nrf_status st = NRF_OK;
  nrf_gz    *gz = NULL;
  NRF_TRY(nrf_gz_create(path, &gz));
  assert_true(nrf_gz_max_bytes(gz) >= BYTES || strcmp(path, plain) == 0);
  NRF_TRY(nrf_gz_read_exact(gz, got, 1000));
  NRF_TRY(nrf_gz_read_exact(gz, got + 1000, BYTES - 1000));
  NRF_TRY(nrf_gz_expect_end(gz));
done:
  nrf_gz_free(gz);
  return st;
}

static void append_to(const char *path, char byte)
{
  FILE *file = fopen(path, "ab");
  assert_int_equal(fputc(byte, file), byte);
  fclose(file);
}

static void packed_and_plain_files_read_alike(void **state)
{
  (void)state;
  const char *paths[] = {plain, packed};
  for (int i = 0; i < 2; i++) {
    static uint8_t got[BYTES];
    memset(got, 0, BYTES);
    assert_int_equal(read_all(paths[i], got), NRF_OK);
    assert_memory_equal(got, content, BYTES);
  }
}

static void files_that_end_early_are_truncated(void **state)
{
  (void)state;
  static uint8_t got[BYTES];
  assert_int_equal(truncate(plain, BYTES - 1), 0);
  assert_int_equal(read_all(plain, got), NRF_EFORMAT);
  assert_non_null(
      strstr(nrf_error_message(), "plain: truncated: 199999 bytes of content, at least 200000 expected"));

  assert_int_equal(truncate(packed, 100000), 0);
  assert_int_equal(read_all(packed, got), NRF_EFORMAT);
  assert_non_null(
      strstr(nrf_error_message(), "packed.gz: truncated: the gzip stream stops after 100000 bytes"));
}

static void anything_after_the_end_is_found(void **state)
{
  (void)state;
  static uint8_t got[BYTES];
  append_to(plain, 'x');
  assert_int_equal(read_all(plain, got), NRF_EFORMAT);
  assert_non_null(strstr(nrf_error_message(), "plain: has more than the 200000 bytes"));

  append_to(packed, 'x');
  assert_int_equal(read_all(packed, got), NRF_EFORMAT);
  assert_non_null(strstr(nrf_error_message(), "packed.gz: has data after the end of its gzip stream"));
}

static void damage_is_found_by_the_checksum(void **state)
{
  (void)state;
  static uint8_t got[BYTES];
  FILE          *file = fopen(packed, "r+b"); /* random bytes are stored as they are: only the CRC can tell */
  fseek(file, 150000, SEEK_SET);
  const int byte = fgetc(file);
  fseek(file, 150000, SEEK_SET);
  fputc(byte ^ 1, file);
  fclose(file);
  assert_int_equal(read_all(packed, got), NRF_EFORMAT);
  assert_non_null(strstr(nrf_error_message(), "packed.gz: corrupt gzip data (incorrect data check)"));
}

static void files_that_cannot_be_read_are_named(void **state)
{
  (void)state;
  nrf_gz *gz = NULL;
  assert_int_equal(nrf_gz_create("/nowhere/at/all", &gz), NRF_EIO);
  assert_non_null(strstr(nrf_error_message(), "/nowhere/at/all: open: No such file"));
  assert_null(gz);
  assert_int_equal(nrf_gz_create(directory, &gz), NRF_EIO);
  assert_non_null(strstr(nrf_error_message(), "not a regular file"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(packed_and_plain_files_read_alike),   TEST(files_that_end_early_are_truncated),
      TEST(anything_after_the_end_is_found),     TEST(damage_is_found_by_the_checksum),
      TEST(files_that_cannot_be_read_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
