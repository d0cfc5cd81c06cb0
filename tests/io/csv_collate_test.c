/* Collating loses nothing: not rows, not columns, not files, not when it is repeated, not when it fails. */
#include "nrflv/csv_table.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static void put(const char *name, const char *text)
{
  char  path[SCRATCH_PATH];
  FILE *file = fopen(scratch_path(path, directory, name), "wb");
  assert_non_null(file);
  (void)fputs(text, file);
  (void)fclose(file);
}

static void assert_file(const char *name, const char *want)
{
  char  path[SCRATCH_PATH], got[1024] = "";
  FILE *file = fopen(scratch_path(path, directory, name), "rb");
  if (file == NULL) fail_msg("%s is missing", name);
  (void)fread(got, 1, sizeof got - 1, file);
  (void)fclose(file);
  assert_string_equal(got, want);
}

static nrf_csv_collation collate(bool archive)
{
  nrf_csv_collation c;
  if (nrf_csv_collate(directory, archive, &c) != NRF_OK) fail_msg("%s", nrf_error_message());
  return c;
}

static void columns_unite_and_equal_rows_merge(void **state)
{
  (void)state;
  put("params_and_results_2.csv", "lr,loss\n0.1,5\n0.2,6\n");
  put("params_and_results_1.csv", "model,lr\nfirst,0.1\n");
  put("params_and_results_3.csv",
      "loss,lr,note\n5,0.1,\n5,0.1,new\n"); /* its first row is the 0.1,5 of file 2 */
  put("something_else.csv", "x\n1\n");
  put("params_and_results_4.csv.partial-12", "x\n1\n");
  const nrf_csv_collation c = collate(false);
  assert_int_equal(c.files, 3);
  assert_int_equal(c.columns, 4);
  assert_int_equal(c.rows, 4);
  assert_file(NRF_CSV_COLLATED_NAME, "model,lr,loss,note\n"
                                     "first,0.1,,\n"
                                     ",0.1,5,\n"
                                     ",0.2,6,\n"
                                     ",0.1,5,new\n");
  assert_file("params_and_results_1.csv", "model,lr\nfirst,0.1\n");
}

static void repeating_changes_nothing(void **state)
{
  (void)state;
  put("params_and_results_1.csv", "a,b\n1,\"x,\ny\"\n2,\n");
  (void)collate(false);
  assert_file(NRF_CSV_COLLATED_NAME, "a,b\n1,\"x,\ny\"\n2,\n");
  const nrf_csv_collation c = collate(false);
  assert_int_equal(c.rows, 2);
  assert_int_equal(c.files, 1);
  assert_file(NRF_CSV_COLLATED_NAME, "a,b\n1,\"x,\ny\"\n2,\n");
}

static void archived_rows_stay_and_new_ones_join(void **state)
{
  (void)state;
  char path[SCRATCH_PATH];
  put("params_and_results_1.csv", "a\n1\n");
  assert_int_equal(collate(true).files, 1);
  assert_int_equal(access(scratch_path(path, directory, "params_and_results_1.csv"), F_OK), -1);
  assert_file("archive_csvs/params_and_results_1.csv", "a\n1\n");

  assert_int_equal(collate(true).files, 0); /* only the collated file is left: nothing to do, nothing lost */
  assert_file(NRF_CSV_COLLATED_NAME, "a\n1\n");

  put("params_and_results_1.csv", "a,b\n2,3\n"); /* the same name again: the archived one is kept */
  assert_int_equal(collate(true).rows, 2);
  assert_file(NRF_CSV_COLLATED_NAME, "a,b\n1,\n2,3\n");
  assert_file("archive_csvs/params_and_results_1.csv", "a\n1\n");
  assert_file("archive_csvs/params_and_results_1.csv.2", "a,b\n2,3\n");
}

static void many_rows_are_told_apart(void **state)
{
  (void)state;
  enum { ROWS = 3000 };
  char  path[SCRATCH_PATH];
  FILE *file = fopen(scratch_path(path, directory, "params_and_results_many.csv"), "wb");
  (void)fputs("a,b\n", file);
  /* 1,23 and 12,3 must not count as equal */
  for (int i = 0; i < ROWS; i++) (void)fprintf(file, "%d,%d\n", i % 1000, i % 1500);
  (void)fclose(file);
  assert_int_equal(collate(false).rows, ROWS);
  assert_int_equal(collate(false).rows, ROWS);
  put("params_and_results_apart.csv", "a,b\n1,23\n12,3\n");
  assert_int_equal(collate(false).rows, ROWS + 2);
}

static void a_malformed_file_stops_everything_untouched(void **state)
{
  (void)state;
  char              path[SCRATCH_PATH], want[SCRATCH_PATH + 64];
  nrf_csv_collation c;
  put("params_and_results_1.csv", "a\n1\n");
  (void)collate(false);
  put("params_and_results_2.csv", "a,b\n2\n");
  assert_int_equal(nrf_csv_collate(directory, true, &c), NRF_EFORMAT);
  (void)snprintf(want, sizeof want, "%s: line 2: 1 cells, 2 expected",
                 scratch_path(path, directory, "params_and_results_2.csv"));
  assert_string_equal(nrf_error_message(), want);
  assert_file(NRF_CSV_COLLATED_NAME, "a\n1\n");
  assert_file("params_and_results_1.csv", "a\n1\n");
}

static void places_without_results_are_named(void **state)
{
  (void)state;
  nrf_csv_collation c;
  assert_int_equal(nrf_csv_collate(directory, false, &c), NRF_ENOTFOUND);
  assert_non_null(strstr(nrf_error_message(), "no params_and_results_*.csv to collate"));
  assert_int_equal(nrf_csv_collate("/nonexistent", false, &c), NRF_EIO);
  assert_string_equal(nrf_error_message(), "/nonexistent: cannot list: No such file or directory");

  put("params_and_results_1.csv", "a\n1\n");
  assert_int_equal(chmod(directory, 0555), 0);
  scratch_drop_root();
  const nrf_status st = nrf_csv_collate(directory, true, &c);
  scratch_regain_root();
  assert_int_equal(st, NRF_EIO);
  assert_non_null(
      strstr(nrf_error_message(), "collated_params_and_results.csv: cannot create: Permission denied"));
  assert_int_equal(chmod(directory, 0755), 0);
  assert_file("params_and_results_1.csv", "a\n1\n");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(columns_unite_and_equal_rows_merge),          TEST(repeating_changes_nothing),
      TEST(archived_rows_stay_and_new_ones_join),        TEST(many_rows_are_told_apart),
      TEST(a_malformed_file_stops_everything_untouched), TEST(places_without_results_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
