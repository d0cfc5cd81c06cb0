/* Tables come back from their files as they were; what is no table of ours is refused. With NRFLV_TABLE_DIR=DIR in the
 * environment only one is written there (table_test.py reads it with other people's programs). */
#include "nrflv/analysis/table.h"
#include "nrflv/csv_table.h"
#include "nrflv/h5_file.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LAG, CHANNEL, ACTIVE, NOTE, ROWS = 5 };

static const nrf_column_spec columns[] = {
    [LAG]     = {"mean lag", NRF_COLUMN_DOUBLE, "ms", "of the state against the momentum"},
    [CHANNEL] = {"channel", NRF_COLUMN_INT, "", "channel of the layer"},
    [ACTIVE]  = {"active", NRF_COLUMN_BOOL, "", "whether it responds"},
    [NOTE]    = {"note", NRF_COLUMN_TEXT, "", "what else there is to say"},
};

static const nrf_cell cells[ROWS][4] = {
    {{.d = 0.1}, {.i = 0}, {.b = true}, {.s = "plain"}},
    {{.d = NAN}, {.i = -1}, {.b = false}, {.s = ""}},
    {{.d = INFINITY}, {.i = INT64_MAX}, {.b = true}, {.s = "a, \"b\""}},
    {{.d = -INFINITY}, {.i = INT64_MIN}, {.b = false}, {.s = "µs"}},
    {{.d = 1.0 / 3}, {.i = 7}, {.b = true}, {.s = "plain"}},
};

static const nrf_provenance provenance[] = {{"program", "test"}, {"seed", "3"}};

static char scratch[SCRATCH_PATH], path[SCRATCH_PATH];

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static int set_up(void **state)
{
  (void)state;
  scratch_create(scratch);
  scratch_path(path, scratch, "lags.h5");
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(scratch);
  return 0;
}

static nrf_table *lags(void)
{
  nrf_table *t;
  must(nrf_table_create("lags", "Lags of all channels", NRF_COLUMNS(columns), &t));
  for (int r = 0; r < ROWS; r++) must(nrf_table_append(t, cells[r]));
  return t;
}

static bool same(double a, double b)
{
  return a == b || (isnan(a) && isnan(b));
}

static void a_table_comes_back_as_it_was(void **state)
{
  (void)state;
  nrf_table *t = lags(), *back;
  must(nrf_table_write(t, path, 2, provenance));
  must(nrf_table_read(path, &back));
  assert_string_equal(nrf_table_name(back), "lags");
  assert_string_equal(nrf_table_description(back), "Lags of all channels");
  assert_int_equal(nrf_table_n_rows(back), ROWS);
  assert_int_equal(nrf_table_n_columns(back), 4);
  for (int c = 0; c < 4; c++) {
    assert_string_equal(nrf_table_column(back, c)->name, columns[c].name);
    assert_string_equal(nrf_table_column(back, c)->unit, columns[c].unit);
    assert_string_equal(nrf_table_column(back, c)->description, columns[c].description);
    assert_int_equal(nrf_table_column(back, c)->type, columns[c].type);
  }
  for (int r = 0; r < ROWS; r++) {
    assert_true(same(nrf_table_doubles(back, LAG)[r], cells[r][LAG].d));
    assert_true(nrf_table_ints(back, CHANNEL)[r] == cells[r][CHANNEL].i);
    assert_int_equal(nrf_table_bools(back, ACTIVE)[r], cells[r][ACTIVE].b);
    assert_string_equal(nrf_table_text(back, NOTE, r), cells[r][NOTE].s);
  }
  nrf_table_free(back);
  nrf_table_free(t);
}

static void an_empty_table_comes_back_too(void **state)
{
  (void)state;
  nrf_table *t, *back;
  must(nrf_table_create("lags", "", NRF_COLUMNS(columns), &t));
  must(nrf_table_write(t, path, 0, NULL));
  must(nrf_table_read(path, &back));
  assert_int_equal(nrf_table_n_rows(back), 0);
  assert_int_equal(nrf_table_n_columns(back), 4);
  nrf_table_free(back);
  nrf_table_free(t);
}

static void equal_tables_make_equal_files(void **state)
{
  (void)state;
  char       command[3 * SCRATCH_PATH], other[SCRATCH_PATH];
  nrf_table *t = lags();
  must(nrf_table_write(t, path, 2, provenance));
  must(nrf_table_write(t, scratch_path(other, scratch, "other.h5"), 2, provenance));
  (void)snprintf(command, sizeof command, "cmp '%s' '%s'", path, other);
  assert_int_equal(system(command), 0);
  nrf_table_free(t);
}

static void new_rows_are_empty(void **state)
{
  (void)state;
  nrf_table *t = lags();
  must(nrf_table_resize(t, 1000));
  assert_true(isnan(nrf_table_doubles(t, LAG)[999]));
  assert_true(nrf_table_ints(t, CHANNEL)[ROWS] == 0);
  assert_false(nrf_table_bools(t, ACTIVE)[ROWS]);
  assert_string_equal(nrf_table_text(t, NOTE, 999), "");
  assert_true(nrf_table_doubles(t, LAG)[0] == 0.1); /* the others stay */
  must(nrf_table_resize(t, 1));
  must(nrf_table_resize(t, 2));
  assert_true(isnan(nrf_table_doubles(t, LAG)[1])); /* what was there is gone */
  assert_int_equal(nrf_table_resize(t, -1), NRF_EINVAL);
  nrf_table_free(t);
}

static void csv_is_what_other_programs_read(void **state)
{
  (void)state;
  static const char *const wanted[ROWS][4] = {{"0.1", "0", "TRUE", "plain"},
                                              {"NaN", "-1", "FALSE", ""},
                                              {"Inf", "9223372036854775807", "TRUE", "a, \"b\""},
                                              {"-Inf", "-9223372036854775808", "FALSE", "µs"},
                                              {"0.3333333333333333", "7", "TRUE", "plain"}};
  nrf_csv_table            csv;
  char                     file[SCRATCH_PATH];
  nrf_table               *t = lags();
  must(nrf_table_write_csv(t, scratch_path(file, scratch, "lags.csv")));
  must(nrf_csv_read(file, &csv));
  assert_int_equal(csv.rows, ROWS);
  assert_int_equal(csv.columns, 4);
  assert_string_equal(csv.header[0], "mean lag");
  for (int r = 0; r < ROWS; r++)
    for (int c = 0; c < 4; c++) assert_string_equal(nrf_csv_cell(&csv, r, c), wanted[r][c]);
  assert_true(strtod(nrf_csv_cell(&csv, 4, 0), NULL) == 1.0 / 3);
  nrf_csv_free(&csv);
  nrf_table_free(t);
}

static void columns_are_found_by_name_and_type(void **state)
{
  (void)state;
  const double  *lag;
  const int64_t *channel;
  const bool    *active;
  nrf_table     *t = lags();
  must(nrf_table_get_doubles(t, "mean lag", &lag));
  must(nrf_table_get_ints(t, "channel", &channel));
  must(nrf_table_get_bools(t, "active", &active));
  assert_true(lag[0] == 0.1 && channel[4] == 7 && active[2]);
  assert_int_equal(nrf_table_get_doubles(t, "lag", &lag), NRF_EFORMAT);
  assert_string_equal(nrf_error_message(), "table lags: no column 'lag'");
  assert_int_equal(nrf_table_get_doubles(t, "channel", &lag), NRF_EFORMAT);
  assert_string_equal(nrf_error_message(), "table lags: column 'channel' is of type int, not double");
  nrf_table_free(t);
}

static void names_that_will_not_do_are_refused(void **state)
{
  (void)state;
  static const char *const table_names[] = {"", "../lags", "a b", ".hidden", "-x"};
  nrf_table               *t;
  for (size_t i = 0; i < sizeof table_names / sizeof *table_names; i++)
    assert_int_equal(nrf_table_create(table_names[i], "", NRF_COLUMNS(columns), &t), NRF_EINVAL);
  const nrf_column_spec twice[] = {{"a", NRF_COLUMN_INT, "", ""}, {"a", NRF_COLUMN_BOOL, "", ""}};
  const nrf_column_spec slash[] = {{"a/b", NRF_COLUMN_INT, "", ""}};
  assert_int_equal(nrf_table_create("t", "", NRF_COLUMNS(twice), &t), NRF_EINVAL);
  assert_int_equal(nrf_table_create("t", "", NRF_COLUMNS(slash), &t), NRF_EINVAL);
  assert_int_equal(nrf_table_create("t", "", 0, NULL, &t), NRF_EINVAL);
}

/* ---- files that are not ours ---- */

static void refused(nrf_status code, const char *part)
{
  nrf_table       *t;
  const nrf_status st = nrf_table_read(path, &t);
  if (st != code || !strstr(nrf_error_message(), part))
    fail_msg("status %d: %s", (int)st, nrf_error_message());
  assert_null(t);
}

/* A table's file with a change: the column "a" has `cells` rows, the group says `rows`. */
static void write_forged(int64_t rows, int64_t in_file, const char *type)
{
  nrf_h5_file      *file;
  const double      data[4] = {0, 1, 2, 3};
  const char *const names[] = {"a"};
  must(nrf_h5_create(path, &file));
  must(nrf_h5_make_group(file, "/table"));
  must(nrf_h5_write_attribute_string(file, "/table", "name", "forged"));
  must(nrf_h5_write_attribute_string(file, "/table", "description", ""));
  must(nrf_h5_write_attribute_int64(file, "/table", "rows", rows));
  must(nrf_h5_write_attribute_strings(file, "/table", "columns", 1, names));
  must(nrf_h5_write(file, "/table/a", NRF_H5_FLOAT64, nrf_h5_vector(in_file), NRF_H5_PLAIN, data));
  must(nrf_h5_write_attribute_string(file, "/table/a", "unit", ""));
  must(nrf_h5_write_attribute_string(file, "/table/a", "description", ""));
  must(nrf_h5_write_attribute_string(file, "/table/a", "type", type));
  must(nrf_h5_commit(file));
  nrf_h5_free(file);
}

static void foreign_and_damaged_files_are_refused(void **state)
{
  (void)state;
  nrf_table *t;
  refused(NRF_ENOTFOUND, "lags.h5");
  write_forged(4, 4, "double");
  must(nrf_table_read(path, &t));
  nrf_table_free(t);
  write_forged(4000000000000, 4, "double"); /* before memory is had for them */
  refused(NRF_EFORMAT, "does not have 4000000000000 rows");
  write_forged(-4, 4, "double");
  refused(NRF_EFORMAT, "rows");
  write_forged(4, 4, "complex");
  refused(NRF_EFORMAT, "unknown type, 'complex'");
  write_forged(4, 4, "bool");
  refused(NRF_EFORMAT, "more than 0 and 1");
  write_forged(4, 4, "text");
  refused(NRF_EFORMAT, "lags.h5");
  assert_int_equal(truncate(path, 300), 0);
  refused(NRF_EFORMAT, "lags.h5");
}

static void a_full_disk_is_noticed(void **state)
{
  (void)state;
  char       file[SCRATCH_PATH];
  nrf_table *t = lags();
  must(nrf_table_resize(t, 200000));
  for (int64_t r = 0; r < 200000; r++) nrf_table_doubles(t, LAG)[r] = sin((double)r);
  if (!scratch_mount_small_disk(scratch, 64 << 10)) {
    nrf_table_free(t);
    skip();
  }
  const nrf_status h5  = nrf_table_write(t, path, 0, NULL),
                   csv = nrf_table_write_csv(t, scratch_path(file, scratch, "a.csv"));
  const int left       = scratch_entries(scratch);
  scratch_unmount(scratch);
  nrf_table_free(t);
  assert_int_equal(h5, NRF_ENOSPACE);
  assert_int_equal(csv, NRF_ENOSPACE);
  assert_int_equal(left, 0);
}

static int write_specimen(const char *directory)
{
  char       file[SCRATCH_PATH];
  nrf_table *t  = lags();
  nrf_status st = nrf_table_write(t, scratch_path(file, directory, "lags.h5"), 2, provenance);
  if (st == NRF_OK) st = nrf_table_write_csv(t, scratch_path(file, directory, "lags.csv"));
  nrf_table_free(t);
  return st == NRF_OK ? 0 : 1;
}

int main(void)
{
  if (getenv("NRFLV_TABLE_DIR")) return write_specimen(getenv("NRFLV_TABLE_DIR"));
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_table_comes_back_as_it_was, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_empty_table_comes_back_too, set_up, tear_down),
      cmocka_unit_test_setup_teardown(equal_tables_make_equal_files, set_up, tear_down),
      cmocka_unit_test_setup_teardown(new_rows_are_empty, set_up, tear_down),
      cmocka_unit_test_setup_teardown(csv_is_what_other_programs_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(columns_are_found_by_name_and_type, set_up, tear_down),
      cmocka_unit_test_setup_teardown(names_that_will_not_do_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(foreign_and_damaged_files_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_full_disk_is_noticed, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
