/* PNG files of ours are read back; files that are not what they should be are refused in one clear line. */
#include "nrflv/png_file.h"
#include "support/scratch.h"

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
#include <png.h>

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

static void assert_message(const char *path, const char *rest)
{
  char want[1024];
  (void)snprintf(want, sizeof want, "%s: %s", path, rest);
  assert_string_equal(nrf_error_message(), want);
}

static nrf_picture some_picture(int width, int height, int channels)
{
  nrf_picture p;
  assert_int_equal(nrf_picture_create(width, height, channels, &p), NRF_OK);
  for (int i = 0; i < width * height * channels; i++) p.pixels[i] = (uint8_t)(i * 37 + i / 256);
  return p;
}

static void pictures_survive(void **state)
{
  (void)state;
  char path[SCRATCH_PATH];
  for (int channels = 1; channels <= 3; channels += 2) {
    nrf_picture p = some_picture(37, 11, channels), got;
    assert_int_equal(nrf_png_write(scratch_path(path, directory, "a.png"), &p), NRF_OK);
    assert_int_equal(nrf_png_read(path, &got), NRF_OK);
    assert_int_equal(got.width, 37);
    assert_int_equal(got.height, 11);
    assert_int_equal(got.channels, channels);
    assert_memory_equal(got.pixels, p.pixels, (size_t)(37 * 11 * channels));
    nrf_picture_free(&p);
    nrf_picture_free(&got);
  }
  assert_int_equal(scratch_entries(directory), 1);
}

static void planes_are_fractions_of_255(void **state)
{
  (void)state;
  char        path[SCRATCH_PATH];
  float       planes[3 * 2 * 4];
  nrf_picture p = some_picture(4, 2, 3);
  assert_int_equal(nrf_png_write(scratch_path(path, directory, "a.png"), &p), NRF_OK);
  assert_int_equal(nrf_png_read_planes(path, 3, 2, 4, planes), NRF_OK);
  for (int c = 0; c < 3; c++)
    for (int i = 0; i < 8; i++) assert_true(planes[c * 8 + i] == (float)p.pixels[i * 3 + c] / 255.0f);
  assert_int_equal(nrf_png_read_planes(path, 3, 4, 2, planes), NRF_ESHAPE);
  assert_message(path, "4 x 2 pixels of 3 channels in the file, 2 x 4 of 3 expected");
  assert_int_equal(nrf_png_read_planes(path, 1, 2, 4, planes), NRF_ESHAPE);
  nrf_picture_free(&p);
}

static void other_files_are_refused(void **state)
{
  (void)state;
  char        path[SCRATCH_PATH];
  nrf_picture got;
  assert_int_equal(nrf_png_read(scratch_path(path, directory, "none.png"), &got), NRF_ENOTFOUND);
  assert_message(path, "cannot open: No such file or directory");
  FILE *out = fopen(scratch_path(path, directory, "text.png"), "wb");
  (void)fputs("this is no picture at all", out);
  (void)fclose(out);
  assert_int_equal(nrf_png_read(path, &got), NRF_EFORMAT);
  assert_message(path, "not a PNG file");
  assert_null(got.pixels);
}

static void truncated_files_are_refused_at_every_length(void **state)
{
  (void)state;
  char        path[SCRATCH_PATH];
  nrf_picture p = some_picture(40, 30, 3), got;
  struct stat info;
  assert_int_equal(nrf_png_write(scratch_path(path, directory, "a.png"), &p), NRF_OK);
  assert_int_equal(stat(path, &info), 0);
  for (off_t length = info.st_size - 1; length >= 0; length -= 7) {
    assert_int_equal(truncate(path, length), 0);
    assert_int_equal(nrf_png_read(path, &got), NRF_EFORMAT);
    assert_null(got.pixels);
    if (length >= 8) assert_message(path, "damaged PNG file: it ends too early");
  }
  nrf_picture_free(&p);
}

/* What libpng can write and we do not take. */
static void write_other_kind(const char *path, png_uint_32 format)
{
  png_image     image       = {.version = PNG_IMAGE_VERSION, .width = 4, .height = 4, .format = format};
  unsigned char pixels[256] = {0}, colours[1024] = {0};
  image.colormap_entries = 4;
  assert_int_equal(png_image_write_to_file(&image, path, 0, pixels, 0, colours), 1);
}

static void other_kinds_of_png_are_named(void **state)
{
  (void)state;
  char        path[SCRATCH_PATH];
  nrf_picture got;
  scratch_path(path, directory, "a.png");
  write_other_kind(path, PNG_FORMAT_RGBA);
  assert_int_equal(nrf_png_read(path, &got), NRF_EFORMAT);
  assert_message(path, "a PNG file of 8 bits with transparency, 8-bit grey or RGB expected");
  write_other_kind(path, PNG_FORMAT_RGB | PNG_FORMAT_FLAG_COLORMAP);
  assert_int_equal(nrf_png_read(path, &got), NRF_EFORMAT);
  assert_non_null(strstr(nrf_error_message(), "with a palette, 8-bit grey or RGB expected"));
  write_other_kind(path, PNG_FORMAT_LINEAR_Y);
  assert_int_equal(nrf_png_read(path, &got), NRF_EFORMAT);
  assert_message(path, "a PNG file of 16 bits, 8-bit grey or RGB expected");
}

static void impossible_pictures_are_refused(void **state)
{
  (void)state;
  nrf_picture p;
  assert_int_equal(nrf_picture_create(0, 4, 3, &p), NRF_EINVAL);
  assert_int_equal(nrf_picture_create(4, 2000000, 3, &p), NRF_EINVAL);
  assert_int_equal(nrf_picture_create(4, 4, 2, &p), NRF_EINVAL);
  assert_null(p.pixels);
}

static void full_disk_leaves_the_old_picture(void **state)
{
  (void)state;
  if (!scratch_mount_small_disk(directory, 64 * 1024)) skip();
  char        path[SCRATCH_PATH];
  nrf_picture small = some_picture(5, 5, 3), large, got;
  assert_int_equal(nrf_picture_create(400, 400, 3, &large), NRF_OK);
  uint32_t noise = 1;
  for (int i = 0; i < 400 * 400 * 3; i++)
    large.pixels[i] = (uint8_t)((noise = noise * 1664525u + 1013904223u) >> 24);

  assert_int_equal(nrf_png_write(scratch_path(path, directory, "a.png"), &small), NRF_OK);
  assert_int_equal(nrf_png_write(path, &large), NRF_ENOSPACE);
  assert_message(path, "cannot write: No space left on device");
  assert_int_equal(nrf_png_read(path, &got), NRF_OK);
  assert_int_equal(got.width, 5);
  assert_int_equal(scratch_entries(directory), 1);
  nrf_picture_free(&got);
  nrf_picture_free(&small);
  nrf_picture_free(&large);
  scratch_unmount(directory);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(pictures_survive),
      TEST(planes_are_fractions_of_255),
      TEST(other_files_are_refused),
      TEST(truncated_files_are_refused_at_every_length),
      TEST(other_kinds_of_png_are_named),
      TEST(impossible_pictures_are_refused),
      TEST(full_disk_leaves_the_old_picture),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
