/* CSV: any text survives, malformed files are refused with the line, and failures leave the old file. */
#include "nrflv/csv_table.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char directory[SCRATCH_PATH];
static char path[SCRATCH_PATH];

static int set_up(void **state)
{
  (void)state;
  scratch_create(directory);
  scratch_path(path, directory, "a.csv");
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(directory);
  return 0;
}

static void write_bytes(const char *bytes, size_t size)
{
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  (void)fclose(file);
}

static void assert_bytes(const char *want)
{
  char  got[512] = "";
  FILE *file     = fopen(path, "rb");
  assert_non_null(file);
  (void)fread(got, 1, sizeof got - 1, file);
  (void)fclose(file);
  assert_string_equal(got, want);
}

static void any_text_survives(void **state)
{
  (void)state;
  const char *const header[] = {"name", "sizes, all", "say \"hi\""};
  const char *const cells[]  = {
       "plain", "1e-4,1e-4", "\"",           "",    " spaces ", "line\nbreak\r\nand\rmore",
       "\"\"",  ",",         "\xc3\xa4\n\"", "#no", "=x",       "'"};
  nrf_csv_table table;
  assert_int_equal(nrf_csv_write(path, 3, header, 4, cells), NRF_OK);
  assert_int_equal(nrf_csv_read(path, &table), NRF_OK);
  assert_int_equal(table.columns, 3);
  assert_int_equal(table.rows, 4);
  for (int i = 0; i < 3; i++) assert_string_equal(table.header[i], header[i]);
  for (int i = 0; i < 12; i++) assert_string_equal(nrf_csv_cell(&table, i / 3, i % 3), cells[i]);
  assert_int_equal(nrf_csv_column(&table, "sizes, all"), 1);
  assert_int_equal(nrf_csv_column(&table, "lr"), -1);
  nrf_csv_free(&table);
}

static void only_what_needs_quotes_gets_them(void **state)
{
  (void)state;
  const char *const header[] = {"a", "b"}, *const cells[] = {"1", "x,y", "say \"hi\"", ""},
                    *const one[] = {"a"}, *const empty[] = {""};
  assert_int_equal(nrf_csv_write(path, 2, header, 2, cells), NRF_OK);
  assert_bytes("a,b\n1,\"x,y\"\n\"say \"\"hi\"\"\",\n");
  assert_int_equal(nrf_csv_write(path, 1, one, 1, empty), NRF_OK);
  assert_bytes("a\n\"\"\n");
  nrf_csv_table table;
  assert_int_equal(nrf_csv_read(path, &table), NRF_OK);
  assert_int_equal(table.rows, 1);
  nrf_csv_free(&table);
  assert_int_equal(nrf_csv_write(path, 0, header, 0, NULL), NRF_EINVAL);
}

static void files_of_other_programs_are_read(void **state)
{
  (void)state;
  const struct {
    const char *text;
    int64_t     rows;
    const char *last; /* cell */
  } files[] = {
      {"a,b\n1,2\n", 1, "2"},
      {"a,b\r\n1,2\r\n3,4\r\n", 2, "4"},
      {"a,b\n1,2", 1, "2"},                             /* no line end at the end */
      {"a,b\r\n1,2\r", 1, "2"},                         /* cut in the middle of one */
      {"\xef\xbb\xbf\"a\",\"b\"\n\"1\",\"2\"", 1, "2"}, /* byte-order mark, quotes everywhere */
      {"\n\na,b\n\n1,2\n\r\n\n", 1, "2"},               /* empty lines */
      {"a,b\n1,\n", 1, ""},
      {"a,b\n,\n", 1, ""},
      {"a,b\n1,\"\"\n", 1, ""},
      {"a,b\n1,\"two\nlines\"\n", 1, "two\nlines"},
      {"a,b\n1,x\ry\n", 1, "x\ry"},
      {"a,b", 0, NULL},
  };
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    nrf_csv_table table;
    write_bytes(files[i].text, strlen(files[i].text));
    if (nrf_csv_read(path, &table) != NRF_OK) fail_msg("file %zu: %s", i, nrf_error_message());
    assert_int_equal(table.columns, 2);
    assert_string_equal(table.header[0], "a");
    assert_string_equal(table.header[1], "b");
    assert_int_equal(table.rows, files[i].rows);
    if (table.rows > 0) assert_string_equal(nrf_csv_cell(&table, table.rows - 1, 1), files[i].last);
    nrf_csv_free(&table);
  }
}

static void malformed_files_are_refused_with_the_line(void **state)
{
  (void)state;
  const struct {
    const char *text, *message;
  } files[] = {
      {"", "no header line"},
      {"\n\r\n", "no header line"},
      {"a,b\n1,2\n3\n", "line 3: 1 cells, 2 expected"},
      {"a,b\n1,\"x\ny\"\n1,2,3\n", "line 4: 3 cells, 2 expected"},
      {"a,b\n1,\"x\n\n", "line 2: a quoted cell does not end"},
      {"a,b\n1,\"x\"y\n", "line 2: text after a closing quote"},
      {"a,b\n1,x\"y\n", "line 2: a quote inside an unquoted cell"},
      {"a,b,a\n1,2,3\n", "column 'a' stands twice in the header"},
  };
  char          want[SCRATCH_PATH + 128];
  nrf_csv_table table;
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    write_bytes(files[i].text, strlen(files[i].text));
    assert_int_equal(nrf_csv_read(path, &table), NRF_EFORMAT);
    (void)snprintf(want, sizeof want, "%s: %s", path, files[i].message);
    assert_string_equal(nrf_error_message(), want);
    assert_null(table.text);
  }
  write_bytes("a,b\n1,\0\n", 8);
  assert_int_equal(nrf_csv_read(path, &table), NRF_EFORMAT);
  assert_int_equal(nrf_csv_read(directory, &table), NRF_EFORMAT);
  assert_int_equal(nrf_csv_read("/nonexistent/a.csv", &table), NRF_ENOTFOUND);
  assert_string_equal(nrf_error_message(), "/nonexistent/a.csv: cannot open: No such file or directory");
}

static void failing_writes_leave_the_old_file(void **state)
{
  (void)state;
  enum { DISK = 64 * 1024 };
  if (!scratch_mount_small_disk(directory, DISK)) skip();
  const char *const header[] = {"a"}, *const small[] = {"1"};
  char *text = calloc(1, 2 * DISK);
  memset(text, 'x', 2 * DISK - 1);
  const char *const large[] = {text};
  assert_int_equal(nrf_csv_write(path, 1, header, 1, small), NRF_OK);
  assert_int_equal(nrf_csv_write(path, 1, header, 1, large), NRF_ENOSPACE);
  assert_bytes("a\n1\n");
  assert_int_equal(scratch_entries(directory), 1);
  scratch_unmount(directory);
  free(text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(any_text_survives),
      TEST(only_what_needs_quotes_gets_them),
      TEST(files_of_other_programs_are_read),
      TEST(malformed_files_are_refused_with_the_line),
      TEST(failing_writes_leave_the_old_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
