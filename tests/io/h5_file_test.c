/* HDF5 files: what is written is read, what does not fit is refused in one clear line, and no failure
 * harms the file that was there. Run without arguments for the tests; h5_file_test.py runs `write FILE`
 * and `read FILE` to exchange specimens with h5py. */
#include "nrflv/h5_file.h"
#include "nrflv/memory.h"
#include "support/scratch.h"

#include <fcntl.h>
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
#include <hdf5.h>

#define OK(call)                                                                            \
  do {                                                                                      \
    const nrf_status st_ = (call);                                                          \
    if (st_ != NRF_OK) fail_msg("%s: status %d: %s", #call, (int)st_, nrf_error_message()); \
  } while (0)

static char directory[SCRATCH_PATH];

static int set_up(void **state)
{
  (void)state;
  scratch_create(directory);
  return 0;
}

/* Whatever a test did, successfully or not, HDF5 must hold nothing afterwards. */
static int tear_down(void **state)
{
  (void)state;
  scratch_remove(directory);
  return H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0 ? 0 : -1;
}

static void assert_message(const char *path, const char *rest)
{
  char want[1024];
  (void)snprintf(want, sizeof want, "%s: %s", path, rest);
  assert_string_equal(nrf_error_message(), want);
}

static void assert_message_contains(const char *part)
{
  if (strstr(nrf_error_message(), part) == NULL) fail_msg("'%s' not in '%s'", part, nrf_error_message());
  assert_null(strchr(nrf_error_message(), '\n'));
}

/* [rows, columns] numbers with a fraction and of both signs. */
static float *some_floats(int64_t n)
{
  float *x = malloc((size_t)n * sizeof *x);
  assert_non_null(x);
  for (int64_t i = 0; i < n; i++) x[i] = (float)(i * 7919 % 4001) / 16.0f - 100.0f;
  return x;
}

static nrf_h5_file *write_small(char path[SCRATCH_PATH], const char *name)
{
  const float  x[6] = {1, 2, 3, 4, 5, 6};
  nrf_h5_file *file = NULL;
  OK(nrf_h5_create(scratch_path(path, directory, name), &file));
  OK(nrf_h5_write(file, "/layer/weight", NRF_H5_FLOAT32, (nrf_h5_shape){2, {2, 3}}, NRF_H5_PLAIN, x));
  OK(nrf_h5_write_attribute_string(file, "/", "architecture", "small"));
  return file;
}

static void make_small(char path[SCRATCH_PATH], const char *name)
{
  nrf_h5_file *file = write_small(path, name);
  OK(nrf_h5_commit(file));
  nrf_h5_free(file);
}

static void assert_small_is_whole(const char *path)
{
  float        x[6];
  nrf_h5_file *file = NULL;
  OK(nrf_h5_open(path, &file));
  OK(nrf_h5_read(file, "/layer/weight", NRF_H5_FLOAT32, (nrf_h5_shape){2, {2, 3}}, x));
  for (int i = 0; i < 6; i++) assert_true(x[i] == (float)(i + 1));
  nrf_h5_free(file);
}

/* ---- Contents ---- */

static void numbers_of_every_type_survive(void **state)
{
  (void)state;
  const float    f32[3] = {-1.5f, 3.4e38f, 1e-45f};
  const double   f64[3] = {-1.5, 1.7e308, 5e-324};
  const int32_t  i32[3] = {INT32_MIN, 0, INT32_MAX};
  const int64_t  i64[3] = {INT64_MIN, 0, INT64_MAX};
  const uint8_t  u8[3]  = {0, 1, UINT8_MAX};
  const uint32_t u32[3] = {0, 1, UINT32_MAX};
  const uint64_t u64[3] = {0, 1, UINT64_MAX};
  const struct {
    const char *name;
    nrf_h5_type type;
    const void *data;
    size_t      bytes;
  } rows[] = {
      {"f32", NRF_H5_FLOAT32, f32, sizeof f32}, {"f64", NRF_H5_FLOAT64, f64, sizeof f64},
      {"i32", NRF_H5_INT32, i32, sizeof i32},   {"i64", NRF_H5_INT64, i64, sizeof i64},
      {"u8", NRF_H5_UINT8, u8, sizeof u8},      {"u32", NRF_H5_UINT32, u32, sizeof u32},
      {"u64", NRF_H5_UINT64, u64, sizeof u64},
  };
  char         path[SCRATCH_PATH];
  nrf_h5_file *file = NULL;
  OK(nrf_h5_create(scratch_path(path, directory, "a.h5"), &file));
  OK(nrf_h5_make_group(file, "/holder"));
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    OK(nrf_h5_write(file, rows[i].name, rows[i].type, nrf_h5_vector(3), (nrf_h5_storage)(i % 3),
                    rows[i].data));
    OK(nrf_h5_write_attribute(file, "/holder", rows[i].name, rows[i].type, nrf_h5_vector(3), rows[i].data));
  }
  OK(nrf_h5_commit(file));
  nrf_h5_free(file);

  OK(nrf_h5_open(path, &file));
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    unsigned char got[24] = {0};
    OK(nrf_h5_read(file, rows[i].name, rows[i].type, nrf_h5_vector(3), got));
    assert_memory_equal(got, rows[i].data, rows[i].bytes);
    memset(got, 0, sizeof got);
    OK(nrf_h5_read_attribute(file, "/holder", rows[i].name, rows[i].type, nrf_h5_vector(3), got));
    assert_memory_equal(got, rows[i].data, rows[i].bytes);
  }
  nrf_h5_free(file);
}

/* Shapes that make one chunk, several, ragged ones, rows longer than a chunk, and none at all. */
static void shapes_of_every_kind_survive_in_every_storage(void **state)
{
  (void)state;
  const nrf_h5_shape shapes[] = {
      {0, {0}},
      {1, {1}},
      {1, {300001}},
      {2, {7, 300001}},
      {4, {5, 3, 8, 8}},
      {3, {600, 3, 1024}},
      {8, {1, 2, 1, 3, 1, 2, 1, 2}},
      {2, {0, 4}},
  };
  char         path[SCRATCH_PATH], name[32];
  nrf_h5_file *file = NULL;
  float       *data = some_floats(7 * 300001), *got = malloc(7 * 300001 * sizeof *got);
  OK(nrf_h5_create(scratch_path(path, directory, "a.h5"), &file));
  for (int storage = NRF_H5_PLAIN; storage <= NRF_H5_COMPRESSED; storage++)
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
      (void)snprintf(name, sizeof name, "%d/%zu", storage, i);
      OK(nrf_h5_write(file, name, NRF_H5_FLOAT32, shapes[i], (nrf_h5_storage)storage, data));
    }
  OK(nrf_h5_commit(file));
  nrf_h5_free(file);

  OK(nrf_h5_open(path, &file));
  for (int storage = NRF_H5_PLAIN; storage <= NRF_H5_COMPRESSED; storage++)
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
      nrf_h5_shape  found;
      const int64_t count = nrf_h5_count(shapes[i]);
      (void)snprintf(name, sizeof name, "%d/%zu", storage, i);
      OK(nrf_h5_dataset_shape(file, name, &found));
      assert_int_equal(found.rank, shapes[i].rank);
      memset(got, 0xff, (size_t)count * sizeof *got);
      OK(nrf_h5_read(file, name, NRF_H5_FLOAT32, shapes[i], got));
      assert_memory_equal(got, data, (size_t)count * sizeof *got);
    }
  nrf_h5_free(file);
  free(data);
  free(got);
}

static void rows_are_written_and_read_in_pieces(void **state)
{
  (void)state;
  enum { ROWS = 1000, COLUMNS = 700 };
  const nrf_h5_shape shape = {2, {ROWS, COLUMNS}};
  char               path[SCRATCH_PATH];
  nrf_h5_file       *file = NULL;
  float             *data = some_floats(ROWS * COLUMNS), *got = malloc(ROWS * COLUMNS * sizeof *got);
  OK(nrf_h5_create(scratch_path(path, directory, "a.h5"), &file));
  OK(nrf_h5_create_dataset(file, "buffer", NRF_H5_FLOAT32, shape, NRF_H5_CHECKED));
  for (int64_t first = 0; first < ROWS;
       first += 300) { /* across chunks of 374 rows; the last piece is short */
    const int64_t rows = first + 300 <= ROWS ? 300 : ROWS - first;
    OK(nrf_h5_write_rows(file, "buffer", NRF_H5_FLOAT32, first, rows, data + first * COLUMNS));
  }
  assert_int_equal(nrf_h5_write_rows(file, "buffer", NRF_H5_FLOAT32, ROWS - 1, 2, data), NRF_ESHAPE);
  assert_message_contains("it has no rows 999 to 1000");
  OK(nrf_h5_commit(file));
  nrf_h5_free(file);

  OK(nrf_h5_open(path, &file));
  OK(nrf_h5_read_rows(file, "buffer", NRF_H5_FLOAT32, shape, 123, 456, got));
  assert_memory_equal(got, data + 123 * COLUMNS, 456 * COLUMNS * sizeof *got);
  OK(nrf_h5_read_rows(file, "buffer", NRF_H5_FLOAT32, shape, ROWS, 0, got));
  assert_int_equal(nrf_h5_read_rows(file, "buffer", NRF_H5_FLOAT32, shape, -1, 2, got), NRF_ESHAPE);
  nrf_h5_free(file);
  free(data);
  free(got);
}

static void text_survives(void **state)
{
  (void)state;
  const char *const names[]   = {"zeta", "", "\xc3\xa4nderung", "a \"quoted\" one"};
  char             *long_text = calloc(1, 200001), *got = NULL;
  char              path[SCRATCH_PATH];
  nrf_h5_strings    list;
  nrf_h5_file      *file = NULL;
  memset(long_text, 'x', 200000);

  OK(nrf_h5_create(scratch_path(path, directory, "a.h5"), &file));
  OK(nrf_h5_write_string(file, "json", long_text));
  OK(nrf_h5_write_string(file, "empty", ""));
  OK(nrf_h5_write_strings(file, "names", 4, names));
  OK(nrf_h5_write_strings(file, "none", 0, NULL));
  OK(nrf_h5_write_attribute_string(file, "json", "empty", ""));
  OK(nrf_h5_write_attribute_strings(file, "json", "names", 4, names));
  assert_int_equal(nrf_h5_write_attribute_string(file, "/", "json", long_text), NRF_EINVAL);
  assert_message(path, "attribute 'json' of '/' is longer than 64000 bytes: make it a data set");
  OK(nrf_h5_commit(file));
  nrf_h5_free(file);

  OK(nrf_h5_open(path, &file));
  OK(nrf_h5_read_string(file, "json", &got));
  assert_string_equal(got, long_text);
  nrf_free(got);
  OK(nrf_h5_read_string(file, "empty", &got));
  assert_string_equal(got, "");
  nrf_free(got);
  OK(nrf_h5_read_attribute_string(file, "json", "empty", &got));
  assert_string_equal(got, "");
  nrf_free(got);
  OK(nrf_h5_read_strings(file, "none", &list));
  assert_int_equal(list.count, 0);
  nrf_h5_strings_free(&list);
  for (int attribute = 0; attribute < 2; attribute++) {
    if (attribute)
      OK(nrf_h5_read_attribute_strings(file, "json", "names", &list));
    else
      OK(nrf_h5_read_strings(file, "names", &list));
    assert_int_equal(list.count, 4);
    for (int i = 0; i < 4; i++) assert_string_equal(list.item[i], names[i]);
    nrf_h5_strings_free(&list);
  }
  assert_int_equal(nrf_h5_read_string(file, "names", &got), NRF_ESHAPE);
  assert_null(got);
  nrf_h5_free(file);
  free(long_text);
}

static void members_are_listed_in_order_and_kinds_are_told(void **state)
{
  (void)state;
  const float    x = 1;
  char           path[SCRATCH_PATH];
  nrf_h5_strings list;
  nrf_h5_file   *file = NULL;
  OK(nrf_h5_create(scratch_path(path, directory, "a.h5"), &file));
  OK(nrf_h5_write(file, "/p/biases.10.weight", NRF_H5_FLOAT32, nrf_h5_scalar(), NRF_H5_PLAIN, &x));
  OK(nrf_h5_write(file, "/p/Z", NRF_H5_FLOAT32, nrf_h5_scalar(), NRF_H5_PLAIN, &x));
  OK(nrf_h5_make_group(file, "/p/a/deep/one/"));
  OK(nrf_h5_make_group(file, "/p/a"));
  OK(nrf_h5_write_attribute_double(file, "/p/Z", "lr", 0.25));
  OK(nrf_h5_write_attribute_int64(file, "/p/Z", "epoch", INT64_C(1) << 40));
  OK(nrf_h5_commit(file));
  nrf_h5_free(file);

  OK(nrf_h5_open(path, &file));
  OK(nrf_h5_list(file, "/p", &list));
  assert_int_equal(list.count, 3);
  assert_string_equal(list.item[0], "Z");
  assert_string_equal(list.item[1], "a");
  assert_string_equal(list.item[2], "biases.10.weight");
  nrf_h5_strings_free(&list);
  OK(nrf_h5_list(file, "/p/a/deep/one", &list));
  assert_int_equal(list.count, 0);
  nrf_h5_strings_free(&list);
  OK(nrf_h5_list_attributes(file, "/p/Z", &list));
  assert_int_equal(list.count, 2);
  assert_string_equal(list.item[0], "epoch");
  assert_string_equal(list.item[1], "lr");
  nrf_h5_strings_free(&list);

  assert_int_equal(nrf_h5_kind_of(file, "/"), NRF_H5_GROUP);
  assert_int_equal(nrf_h5_kind_of(file, "/p"), NRF_H5_GROUP);
  assert_int_equal(nrf_h5_kind_of(file, "p/Z"), NRF_H5_DATASET);
  assert_int_equal(nrf_h5_kind_of(file, "/p/none/deeper"), NRF_H5_MISSING);
  assert_int_equal(nrf_h5_kind_of(file, "/p/Z/below a data set"), NRF_H5_MISSING);
  assert_true(nrf_h5_exists(file, "/p/a/deep"));
  assert_true(nrf_h5_has_attribute(file, "/p/Z", "lr"));
  assert_false(nrf_h5_has_attribute(file, "/p/Z", "momentum"));
  assert_false(nrf_h5_has_attribute(file, "/nothing", "lr"));

  double  lr    = 0;
  int64_t epoch = 0;
  OK(nrf_h5_read_attribute_double(file, "/p/Z", "lr", &lr));
  OK(nrf_h5_read_attribute_int64(file, "/p/Z", "epoch", &epoch));
  assert_true(lr == 0.25);
  assert_true(epoch == INT64_C(1) << 40);

  assert_int_equal(nrf_h5_list(file, "/p/Z", &list), NRF_EFORMAT);
  assert_message(path, "'/p/Z' is not a group");
  assert_int_equal(nrf_h5_list(file, "/none", &list), NRF_EFORMAT);
  assert_message(path, "no object '/none'");
  nrf_h5_free(file);
}

static void equal_contents_make_equal_files(void **state)
{
  (void)state;
  char first[SCRATCH_PATH], second[SCRATCH_PATH], a[1 << 14], b[1 << 14];
  make_small(first, "first.h5");
  (void)usleep(1100000); /* HDF5's time stamps count seconds */
  make_small(second, "second.h5");
  FILE        *fa = fopen(first, "rb"), *fb = fopen(second, "rb");
  const size_t na = fread(a, 1, sizeof a, fa), nb = fread(b, 1, sizeof b, fb);
  assert_in_range(na, 100, sizeof a - 1);
  assert_int_equal(na, nb);
  assert_memory_equal(a, b, na);
  (void)fclose(fa);
  (void)fclose(fb);
}

/* ---- What does not fit ---- */

static void wrong_shapes_and_kinds_are_told_with_both_sides(void **state)
{
  (void)state;
  char         path[SCRATCH_PATH], *text = NULL;
  float        x[12];
  nrf_h5_shape shape;
  void        *data = NULL;
  nrf_h5_file *file = NULL;
  make_small(path, "a.h5");
  OK(nrf_h5_open(path, &file));
  assert_string_equal(nrf_h5_path(file), path);

  assert_int_equal(nrf_h5_read(file, "/layer/weight", NRF_H5_FLOAT32, (nrf_h5_shape){2, {4, 3}}, x),
                   NRF_ESHAPE);
  assert_message(path, "'/layer/weight' is [2,3] in the file, [4,3] expected");
  assert_int_equal(nrf_h5_read(file, "/layer/weight", NRF_H5_FLOAT32, nrf_h5_vector(6), x), NRF_ESHAPE);
  assert_message(path, "'/layer/weight' is [2,3] in the file, [6] expected");
  assert_int_equal(nrf_h5_read(file, "/layer/weight", NRF_H5_FLOAT32, nrf_h5_scalar(), x), NRF_ESHAPE);
  assert_message(path, "'/layer/weight' is [2,3] in the file, [] expected");
  assert_int_equal(nrf_h5_read_new(file, "/layer/weight", NRF_H5_FLOAT32, 5, &shape, &data), NRF_ESHAPE);
  assert_message(path, "'/layer/weight' is [2,3] in the file, at most 5 elements expected");
  assert_null(data);
  OK(nrf_h5_read_new(file, "/layer/weight", NRF_H5_FLOAT64, 6, &shape, &data));
  assert_true(((double *)data)[5] == 6.0);
  nrf_free(data);

  assert_int_equal(nrf_h5_read(file, "/layer/bias", NRF_H5_FLOAT32, nrf_h5_vector(6), x), NRF_EFORMAT);
  assert_message(path, "no data set '/layer/bias'");
  assert_int_equal(nrf_h5_read(file, "/layer", NRF_H5_FLOAT32, nrf_h5_vector(6), x), NRF_EFORMAT);
  assert_message(path, "no data set '/layer'");
  assert_int_equal(nrf_h5_read_string(file, "/layer/weight", &text), NRF_EFORMAT);
  assert_message(path, "'/layer/weight' is not text");
  assert_int_equal(nrf_h5_read_attribute_string(file, "/", "name", &text), NRF_EFORMAT);
  assert_message(path, "'/' has no attribute 'name'");
  assert_int_equal(nrf_h5_read_attribute_double(file, "/", "architecture", (double *)x), NRF_EFORMAT);
  assert_message(path, "attribute 'architecture' of '/' does not hold numbers");
  assert_int_equal(nrf_h5_read_attribute_double(file, "/none", "a", (double *)x), NRF_EFORMAT);
  assert_message(path, "no object '/none'");
  nrf_h5_free(file);
}

static void integers_are_never_clamped_or_cut(void **state)
{
  (void)state;
  const double values[] = {3.0, 3.5, -1.0, 1e12, NAN, INFINITY};
  char         path[SCRATCH_PATH], name[16];
  int32_t      i32  = 0;
  uint8_t      u8   = 0;
  float        f32  = 0;
  nrf_h5_file *file = NULL;
  OK(nrf_h5_create(scratch_path(path, directory, "a.h5"), &file));
  for (int i = 0; i < 6; i++) {
    (void)snprintf(name, sizeof name, "%d", i);
    OK(nrf_h5_write(file, name, NRF_H5_FLOAT64, nrf_h5_scalar(), NRF_H5_PLAIN, &values[i]));
    OK(nrf_h5_write_attribute_double(file, "/", name, values[i]));
  }
  OK(nrf_h5_commit(file));
  nrf_h5_free(file);

  OK(nrf_h5_open(path, &file));
  const bool fits_i32[6] = {true, false, true, false, false, false};
  for (int i = 0; i < 6; i++) {
    const nrf_status want = fits_i32[i] ? NRF_OK : NRF_EFORMAT;
    (void)snprintf(name, sizeof name, "%d", i);
    assert_int_equal(nrf_h5_read(file, name, NRF_H5_INT32, nrf_h5_scalar(), &i32), want);
    if (fits_i32[i]) assert_true(i32 == (int32_t)values[i]);
    assert_int_equal(nrf_h5_read_attribute(file, "/", name, NRF_H5_INT32, nrf_h5_scalar(), &i32), want);
    OK(nrf_h5_read(file, name, NRF_H5_FLOAT32, nrf_h5_scalar(), &f32));
    assert_true(f32 == (float)values[i] || (isnan(f32) && isnan(values[i])));
  }
  assert_int_equal(nrf_h5_read(file, "2", NRF_H5_UINT8, nrf_h5_scalar(), &u8), NRF_EFORMAT);
  assert_message(path, "'2' holds a number that uint8 cannot hold");
  nrf_h5_free(file);
}

static void files_that_are_not_hdf5_are_told_apart(void **state)
{
  (void)state;
  char         path[SCRATCH_PATH];
  nrf_h5_file *file = NULL;
  assert_int_equal(nrf_h5_open(scratch_path(path, directory, "none.h5"), &file), NRF_ENOTFOUND);
  assert_message(path, "cannot open: No such file or directory");
  assert_null(file);

  assert_int_equal(nrf_h5_open(directory, &file), NRF_EFORMAT);
  assert_message(directory, "not a file");

  const char text[] = "epoch,loss\n1,0.5\n";
  FILE      *out    = fopen(scratch_path(path, directory, "text.h5"), "wb");
  assert_int_equal(fwrite(text, 1, sizeof text - 1, out), sizeof text - 1);
  (void)fclose(out);
  assert_int_equal(nrf_h5_open(path, &file), NRF_EFORMAT);
  assert_message(path, "not an HDF5 file (17 bytes)");
  assert_int_equal(truncate(path, 0), 0);
  assert_int_equal(nrf_h5_open(path, &file), NRF_EFORMAT);
  assert_message(path, "not an HDF5 file (0 bytes)");
}

static void truncated_files_are_refused_at_every_length(void **state)
{
  (void)state;
  char         path[SCRATCH_PATH];
  struct stat  info;
  nrf_h5_file *file = NULL;
  make_small(path, "a.h5");
  assert_int_equal(stat(path, &info), 0);
  for (off_t length = info.st_size - 1; length >= 0; length = length > 64 ? length - 61 : length - 1) {
    assert_int_equal(truncate(path, length), 0);
    assert_int_equal(nrf_h5_open(path, &file), NRF_EFORMAT);
    assert_null(file);
    assert_message_contains(path);
    if (length > 1024) assert_message_contains("damaged HDF5 file: truncated file");
  }
}

static void a_flipped_bit_in_checked_data_is_noticed(void **state)
{
  (void)state;
  const char  *names[] = {"checked", "compressed"};
  char         path[SCRATCH_PATH];
  float       *data = some_floats(40000), *got = malloc(40000 * sizeof *got);
  struct stat  info;
  nrf_h5_file *file = NULL;
  for (int i = 0; i < 2; i++) {
    OK(nrf_h5_create(scratch_path(path, directory, names[i]), &file));
    OK(nrf_h5_write(file, "x", NRF_H5_FLOAT32, nrf_h5_vector(40000),
                    i == 0 ? NRF_H5_CHECKED : NRF_H5_COMPRESSED, data));
    OK(nrf_h5_commit(file));
    nrf_h5_free(file);

    /* The middle of a file this large is data. */
    unsigned char byte = 0;
    const int     fd   = open(path, O_RDWR);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(pread(fd, &byte, 1, info.st_size / 2), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, info.st_size / 2), 1);
    (void)close(fd);

    OK(nrf_h5_open(path, &file));
    assert_int_equal(nrf_h5_read(file, "x", NRF_H5_FLOAT32, nrf_h5_vector(40000), got), NRF_EFORMAT);
    assert_message_contains("Fletcher32");
    nrf_h5_free(file);
  }
  free(data);
  free(got);
}

/* ---- Failing writes ---- */

static void abandoned_file_leaves_the_old_one(void **state)
{
  (void)state;
  char        path[SCRATCH_PATH];
  const float x = 7;
  make_small(path, "a.h5");
  nrf_h5_file *file = NULL;
  OK(nrf_h5_create(path, &file));
  OK(nrf_h5_write(file, "y", NRF_H5_FLOAT32, nrf_h5_scalar(), NRF_H5_PLAIN, &x));
  nrf_h5_free(file);
  assert_int_equal(scratch_entries(directory), 1);
  assert_small_is_whole(path);
}

static void wrong_uses_of_a_writer_are_errors(void **state)
{
  (void)state;
  char         path[SCRATCH_PATH];
  const float  x[4] = {0};
  nrf_h5_file *file = write_small(path, "a.h5");
  assert_int_equal(nrf_h5_write(file, "/layer/weight", NRF_H5_FLOAT32, nrf_h5_vector(4), NRF_H5_PLAIN, x),
                   NRF_EIO);
  assert_message_contains("cannot create '/layer/weight'");
  assert_int_equal(nrf_h5_write(file, "b", NRF_H5_FLOAT32, (nrf_h5_shape){2, {-1, 2}}, NRF_H5_PLAIN, x),
                   NRF_EINVAL);
  assert_int_equal(
      nrf_h5_write(file, "b", NRF_H5_FLOAT32, (nrf_h5_shape){2, {INT64_MAX, 2}}, NRF_H5_PLAIN, x),
      NRF_EINVAL);
  assert_int_equal(nrf_h5_write_attribute_double(file, "/none", "a", 1), NRF_EIO);
  OK(nrf_h5_commit(file));
  assert_int_equal(nrf_h5_commit(file), NRF_EINVAL);
  nrf_h5_free(file);
  assert_small_is_whole(path);

  assert_int_equal(nrf_h5_create(scratch_path(path, directory, "nowhere/a.h5"), &file), NRF_EIO);
  assert_message(path, "cannot create: No such file or directory");
}

/* The write that fails may be any: raw data, a compressed chunk, the bookkeeping when the file is closed. */
static void full_disk_at_any_moment_leaves_the_old_file(void **state)
{
  (void)state;
  enum { DISK = 1 << 20, N = 30000 };
  if (!scratch_mount_small_disk(directory, DISK)) skip();
  char   path[SCRATCH_PATH], ballast[SCRATCH_PATH], name[32];
  float *data = some_floats(N);
  char  *zero = calloc(1, DISK);
  make_small(path, "a.h5");
  int refused = 0;
  for (int room = 0; room <= 128 * 1024; room += 12 * 1024) {
    const int fd = open(scratch_path(ballast, directory, "ballast"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_int_equal(write(fd, zero, (size_t)(DISK - 16384 - room)), DISK - 16384 - room);
    (void)close(fd);

    nrf_h5_file *file = NULL;
    nrf_status   st   = nrf_h5_create(path, &file);
    for (int i = 0; st == NRF_OK && i < 3; i++) {
      (void)snprintf(name, sizeof name, "x%d", i);
      st = nrf_h5_write(file, name, NRF_H5_FLOAT32, nrf_h5_vector(N / 3), (nrf_h5_storage)i, data);
    }
    if (st == NRF_OK) st = nrf_h5_commit(file);
    if (st != NRF_OK) {
      assert_int_equal(st, NRF_ENOSPACE);
      assert_message(path, strstr(nrf_error_message(), "cannot create")
                               ? "cannot create: No space left on device"
                               : "cannot write: No space left on device");
      refused++;
    }
    nrf_h5_free(file);
    assert_int_equal(scratch_entries(directory), 2);
    if (st == NRF_OK) break;
    assert_small_is_whole(path);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
  }
  assert_in_range(refused, 3, 11); /* it failed at several moments, and worked once there was room */
  scratch_unmount(directory);
  free(data);
  free(zero);
}

static void a_write_that_does_not_fit_is_refused_at_once(void **state)
{
  (void)state;
  enum { DISK = 256 * 1024, N = 100000 };
  if (!scratch_mount_small_disk(directory, DISK)) skip();
  char         path[SCRATCH_PATH];
  float       *data = some_floats(N);
  nrf_h5_file *file = NULL;
  OK(nrf_h5_create(scratch_path(path, directory, "a.h5"), &file));
  assert_int_equal(nrf_h5_write(file, "x", NRF_H5_FLOAT32, nrf_h5_vector(N), NRF_H5_PLAIN, data),
                   NRF_ENOSPACE);
  assert_message(path, "cannot write: No space left on device");
  /* Nor can a later, smaller one that would fit make the file look whole. */
  assert_int_equal(nrf_h5_write_attribute_int64(file, "/", "n", N), NRF_ENOSPACE);
  assert_int_equal(nrf_h5_commit(file), NRF_ENOSPACE);
  nrf_h5_free(file);
  assert_int_equal(scratch_entries(directory), 0);
  scratch_unmount(directory);
  free(data);
}

/* ---- The reference files of the published implementation ---- */

static void reference_files_are_read(void **state)
{
  (void)state;
  const char *shared = getenv("NRFLV_SHARED_DIR");
  char        path[SCRATCH_PATH];
  (void)snprintf(path, sizeof path, "%s/reference/sampler_step.h5", shared != NULL ? shared : "");
  if (shared == NULL || access(path, R_OK) != 0) {
    printf("skipped: no reference files (NRFLV_SHARED_DIR)\n");
    skip();
  }
  nrf_h5_file   *file = NULL;
  nrf_h5_strings list;
  char          *text = NULL;
  int64_t        steps[2];
  nrf_h5_shape   shape;
  void          *data = NULL;
  OK(nrf_h5_open(path, &file));
  OK(nrf_h5_list(file, "/", &list));
  assert_true(list.count >= 3);
  nrf_h5_strings_free(&list);
  OK(nrf_h5_read_attribute_string(file, "/", "parameters_file", &text));
  assert_non_null(strstr(text, ".h5"));
  nrf_free(text);
  OK(nrf_h5_read_attribute(file, "/negative_phase/energy_gradient/layer_0", "stored_steps", NRF_H5_INT64,
                           nrf_h5_vector(2), steps));
  assert_int_equal(steps[0], 0);
  assert_int_equal(steps[1], 4);
  OK(nrf_h5_read_new(file, "/negative_phase/energy_gradient/layer_0", NRF_H5_FLOAT32, 1 << 20, &shape,
                     &data));
  assert_int_equal(shape.rank, 5);
  assert_int_equal(nrf_h5_count(shape), 2 * 2 * 3 * 32 * 32);
  nrf_free(data);
  nrf_h5_free(file);
}

/* ---- Specimens for h5_file_test.py ---- */

static void write_specimen(const char *path)
{
  const char *const names[] = {"zeta", "", "\xc3\xa4"};
  const int64_t     i64     = INT64_MIN;
  nrf_h5_file      *file    = NULL;
  float            *data    = some_floats(3 * 5000);
  OK(nrf_h5_create(path, &file));
  OK(nrf_h5_write(file, "/a/plain", NRF_H5_FLOAT32, (nrf_h5_shape){2, {3, 5000}}, NRF_H5_PLAIN, data));
  OK(nrf_h5_write(file, "/a/checked", NRF_H5_FLOAT32, (nrf_h5_shape){2, {3, 5000}}, NRF_H5_CHECKED, data));
  OK(nrf_h5_write(file, "/a/compressed", NRF_H5_FLOAT32, (nrf_h5_shape){2, {3, 5000}}, NRF_H5_COMPRESSED,
                  data));
  OK(nrf_h5_write(file, "/scalar", NRF_H5_INT64, nrf_h5_scalar(), NRF_H5_PLAIN, &i64));
  OK(nrf_h5_write_strings(file, "/names", 3, names));
  OK(nrf_h5_write_string(file, "/json", "{\"a\": 1}"));
  OK(nrf_h5_write_attribute_string(file, "/a", "text", "plain words"));
  OK(nrf_h5_write_attribute_double(file, "/a/plain", "lr", 0.1));
  OK(nrf_h5_write_attribute_int64(file, "/", "format_version", 1));
  OK(nrf_h5_commit(file));
  nrf_h5_free(file);
  free(data);
}

static void assert_text(const nrf_h5_file *file, const char *object, const char *attribute, const char *want)
{
  char *got = NULL;
  if (attribute != NULL)
    OK(nrf_h5_read_attribute_string(file, object, attribute, &got));
  else
    OK(nrf_h5_read_string(file, object, &got));
  assert_string_equal(got, want);
  nrf_free(got);
}

/* What h5py writes and we do not: variable-length and space-padded strings, booleans, big-endian and
 * half-precision numbers, links, empty attributes, types we have no use for. */
static void read_specimen(const char *path)
{
  nrf_h5_file   *file = NULL;
  nrf_h5_strings list;
  nrf_h5_shape   shape;
  char          *text    = NULL;
  double         x[3]    = {0};
  float          y[3]    = {0};
  int64_t        n[3]    = {0};
  uint8_t        flag[3] = {9, 9, 9};
  OK(nrf_h5_open(path, &file));
  assert_text(file, "/", "fixed", "ascii");
  assert_text(file, "/", "variable", "\xc3\xa4 variable");
  assert_text(file, "/", "empty", "");
  assert_text(file, "/", "null", "");
  assert_text(file, "/space_padded", NULL, "two words");
  assert_text(file, "/variable", NULL, "one");
  OK(nrf_h5_read_strings(file, "/variables", &list));
  assert_int_equal(list.count, 3);
  assert_string_equal(list.item[0], "a");
  assert_string_equal(list.item[1], "");
  assert_string_equal(list.item[2], "ccc");
  nrf_h5_strings_free(&list);
  OK(nrf_h5_read_attribute_strings(file, "/", "variables", &list));
  assert_int_equal(list.count, 2);
  assert_string_equal(list.item[1], "second");
  nrf_h5_strings_free(&list);

  OK(nrf_h5_read_attribute(file, "/", "true", NRF_H5_UINT8, nrf_h5_scalar(), flag));
  assert_int_equal(flag[0], 1);
  OK(nrf_h5_read_attribute_int64(file, "/", "true", n));
  assert_int_equal(n[0], 1);
  OK(nrf_h5_read(file, "/flags", NRF_H5_UINT8, nrf_h5_vector(3), flag));
  assert_true(flag[0] == 1 && flag[1] == 0 && flag[2] == 1);
  OK(nrf_h5_read(file, "/big_endian", NRF_H5_FLOAT64, nrf_h5_vector(3), x));
  assert_true(x[0] == 1.5 && x[1] == -2 && x[2] == 1e300);
  OK(nrf_h5_read(file, "/half", NRF_H5_FLOAT32, nrf_h5_vector(3), y));
  assert_true(y[0] == 0.5f && y[1] == -2 && isinf(y[2]));
  OK(nrf_h5_read_attribute(file, "/", "int16", NRF_H5_INT64, nrf_h5_vector(3), n));
  assert_true(n[0] == -3 && n[1] == 0 && n[2] == 300);

  OK(nrf_h5_read(file, "/hard_link", NRF_H5_FLOAT64, nrf_h5_vector(3), x));
  OK(nrf_h5_read(file, "/soft_link", NRF_H5_FLOAT64, nrf_h5_vector(3), x));
  assert_int_equal(nrf_h5_kind_of(file, "/dangling"), NRF_H5_OTHER);
  assert_int_equal(nrf_h5_read(file, "/dangling", NRF_H5_FLOAT64, nrf_h5_vector(3), x), NRF_EFORMAT);
  assert_int_equal(nrf_h5_kind_of(file, "/named_type"), NRF_H5_OTHER);

  assert_int_equal(nrf_h5_read(file, "/compound", NRF_H5_FLOAT64, nrf_h5_vector(2), x), NRF_EFORMAT);
  assert_message(path, "'/compound' does not hold numbers");
  assert_int_equal(nrf_h5_dataset_shape(file, "/nine_dimensions", &shape), NRF_ESHAPE);
  assert_message(path, "'/nine_dimensions' has 9 dimensions, at most 8 can be read");
  assert_int_equal(nrf_h5_read_attribute(file, "/", "null_number", NRF_H5_FLOAT64, nrf_h5_scalar(), x),
                   NRF_ESHAPE);
  assert_message(path, "attribute 'null_number' of '/' is empty in the file, [] expected");

  /* Files of a few kilobytes that promise far more than memory holds. */
  void *data = NULL;
  assert_int_equal(nrf_h5_read_new(file, "/huge", NRF_H5_FLOAT32, 1 << 20, &shape, &data), NRF_ESHAPE);
  assert_int_equal(nrf_h5_read_strings(file, "/huge_text", &list), NRF_EFORMAT);
  assert_message(path, "'/huge_text' holds more than 64 MiB of text");
  assert_int_equal(nrf_h5_read_strings(file, "/long_texts", &list), NRF_EFORMAT);
  assert_message(path, "'/long_texts' holds more than 64 MiB of text");
  assert_int_equal(nrf_h5_read_string(file, "/compound", &text), NRF_EFORMAT);
  nrf_h5_free(file);
}

static const char *specimen_path;

static void specimen_for_h5py_is_written(void **state)
{
  (void)state;
  write_specimen(specimen_path);
}

static void specimen_of_h5py_is_read(void **state)
{
  (void)state;
  read_specimen(specimen_path);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(numbers_of_every_type_survive),
      TEST(shapes_of_every_kind_survive_in_every_storage),
      TEST(rows_are_written_and_read_in_pieces),
      TEST(text_survives),
      TEST(members_are_listed_in_order_and_kinds_are_told),
      TEST(equal_contents_make_equal_files),
      TEST(wrong_shapes_and_kinds_are_told_with_both_sides),
      TEST(integers_are_never_clamped_or_cut),
      TEST(files_that_are_not_hdf5_are_told_apart),
      TEST(truncated_files_are_refused_at_every_length),
      TEST(a_flipped_bit_in_checked_data_is_noticed),
      TEST(abandoned_file_leaves_the_old_one),
      TEST(wrong_uses_of_a_writer_are_errors),
      TEST(full_disk_at_any_moment_leaves_the_old_file),
      TEST(a_write_that_does_not_fit_is_refused_at_once),
      TEST(reference_files_are_read),
  };
  const struct CMUnitTest writing[] = {TEST(specimen_for_h5py_is_written)};
  const struct CMUnitTest reading[] = {TEST(specimen_of_h5py_is_read)};

  if (argc == 3) {
    specimen_path = argv[2];
    return strcmp(argv[1], "write") == 0 ? cmocka_run_group_tests(writing, NULL, NULL)
                                         : cmocka_run_group_tests(reading, NULL, NULL);
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
