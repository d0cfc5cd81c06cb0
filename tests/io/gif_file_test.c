/* gif_file_test.c - animations, read back with giflib's reader. */
#include "nrflv/gif_file.h"

#include "support/scratch.h"

#include <gif_lib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { WIDTH = 33, HEIGHT = 21, FRAMES = 5 };

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* Seven colours in a pattern that moves with the frame. */
static nrf_palette seven(void)
{
  nrf_palette p = {.count = 7};
  for (int i = 0; i < p.count; i++)
    for (int k = 0; k < 3; k++) p.colour[i][k] = (uint8_t)(30 * i + 20 * k * (i % 2));
  return p;
}

static int pattern(int frame, int x, int y)
{
  return (x * (frame + 1) + 3 * y + x * y) % 7;
}

static nrf_picture frame_of(int frame, int channels)
{
  const nrf_palette p = seven();
  nrf_picture       picture;
  must(nrf_picture_create(WIDTH, HEIGHT, channels, &picture));
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++)
      memcpy(picture.pixels + (y * WIDTH + x) * channels, p.colour[pattern(frame, x, y)], (size_t)channels);
  return picture;
}

static void write_film(const char *path, int channels)
{
  const nrf_palette p   = seven();
  nrf_gif_file     *gif = NULL;
  must(nrf_gif_create(path, WIDTH, HEIGHT, &p, &gif));
  for (int i = 0; i < FRAMES; i++) {
    nrf_picture picture = frame_of(i, channels);
    must(nrf_gif_add(gif, &picture, 4 + i));
    nrf_picture_free(&picture);
  }
  must(nrf_gif_commit(gif));
  nrf_gif_free(gif);
}

static void frames_come_back_as_they_were(void **state)
{
  (void)state;
  char directory[SCRATCH_PATH], path[SCRATCH_PATH];
  int  error = 0;
  scratch_create(directory);
  write_film(scratch_path(path, directory, "film.gif"), 3);
  assert_int_equal(scratch_entries(directory), 1);

  GifFileType *gif = DGifOpenFileName(path, &error);
  assert_non_null(gif);
  assert_int_equal(DGifSlurp(gif), GIF_OK);
  assert_string_equal(EGifGetGifVersion(gif), "GIF89a");
  assert_int_equal(gif->SWidth, WIDTH);
  assert_int_equal(gif->SHeight, HEIGHT);
  assert_int_equal(gif->ImageCount, FRAMES);
  for (int i = 0; i < FRAMES; i++) {
    const nrf_palette    p = seven();
    GraphicsControlBlock control;
    assert_int_equal(DGifSavedExtensionToGCB(gif, i, &control), GIF_OK);
    assert_int_equal(control.DelayTime, 4 + i);
    assert_int_equal(control.TransparentColor, NO_TRANSPARENT_COLOR);
    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < WIDTH; x++) {
        const GifColorType *got  = &gif->SColorMap->Colors[gif->SavedImages[i].RasterBits[y * WIDTH + x]];
        const uint8_t      *want = p.colour[pattern(i, x, y)];
        assert_true(got->Red == want[0] && got->Green == want[1] && got->Blue == want[2]);
      }
  }
  assert_int_equal(DGifCloseFile(gif, &error), GIF_OK);
  scratch_remove(directory);
}

/* The application extension of the first frame: "NETSCAPE2.0", then 1 and the number of repetitions, 0: for ever. */
static void films_repeat_for_ever(void **state)
{
  (void)state;
  char directory[SCRATCH_PATH], path[SCRATCH_PATH];
  int  error = 0;
  scratch_create(directory);
  write_film(scratch_path(path, directory, "film.gif"), 3);
  GifFileType *gif = DGifOpenFileName(path, &error);
  assert_non_null(gif);
  assert_int_equal(DGifSlurp(gif), GIF_OK);
  const SavedImage *first = &gif->SavedImages[0];
  assert_true(first->ExtensionBlockCount >= 2);
  assert_int_equal(first->ExtensionBlocks[0].Function, APPLICATION_EXT_FUNC_CODE);
  assert_int_equal(first->ExtensionBlocks[0].ByteCount, 11);
  assert_memory_equal(first->ExtensionBlocks[0].Bytes, "NETSCAPE2.0", 11);
  assert_int_equal(first->ExtensionBlocks[1].ByteCount, 3);
  assert_memory_equal(first->ExtensionBlocks[1].Bytes, "\1\0\0", 3);
  assert_int_equal(DGifCloseFile(gif, &error), GIF_OK);
  scratch_remove(directory);
}

static void grey_frames_are_grey(void **state)
{
  (void)state;
  char directory[SCRATCH_PATH], path[SCRATCH_PATH];
  int  error = 0;
  scratch_create(directory);
  write_film(scratch_path(path, directory, "film.gif"), 1);
  GifFileType *gif = DGifOpenFileName(path, &error);
  assert_non_null(gif);
  assert_int_equal(DGifSlurp(gif), GIF_OK);
  const nrf_palette p = seven();
  for (int x = 0; x < WIDTH; x++) {
    const uint8_t       level   = p.colour[pattern(0, x, 0)][0];
    const uint8_t       grey[3] = {level, level, level};
    const uint8_t      *want    = p.colour[nrf_palette_nearest(&p, grey)];
    const GifColorType *got     = &gif->SColorMap->Colors[gif->SavedImages[0].RasterBits[x]];
    assert_true(got->Red == want[0] && got->Green == want[1] && got->Blue == want[2]);
  }
  assert_int_equal(DGifCloseFile(gif, &error), GIF_OK);
  scratch_remove(directory);
}

static void tables_of_every_size_are_written(void **state)
{
  (void)state;
  static const int sizes[] = {1, 2, 3, 16, 17, 255, 256};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    char          directory[SCRATCH_PATH], path[SCRATCH_PATH];
    int           error = 0;
    nrf_palette   p     = {.count = sizes[k]};
    nrf_gif_file *gif   = NULL;
    nrf_picture   picture;
    for (int i = 0; i < p.count; i++)
      for (int c = 0; c < 3; c++) p.colour[i][c] = (uint8_t)(255 - i);
    must(nrf_picture_create(p.count, 1, 3, &picture));
    for (int i = 0; i < p.count; i++) memcpy(picture.pixels + 3 * i, p.colour[i], 3);
    scratch_create(directory);
    must(nrf_gif_create(scratch_path(path, directory, "table.gif"), p.count, 1, &p, &gif));
    must(nrf_gif_add(gif, &picture, 0));
    must(nrf_gif_commit(gif));
    nrf_gif_free(gif);

    GifFileType *read = DGifOpenFileName(path, &error);
    assert_non_null(read);
    assert_int_equal(DGifSlurp(read), GIF_OK);
    for (int i = 0; i < p.count; i++)
      assert_int_equal(read->SColorMap->Colors[read->SavedImages[0].RasterBits[i]].Green, 255 - i);
    assert_int_equal(DGifCloseFile(read, &error), GIF_OK);
    nrf_picture_free(&picture);
    scratch_remove(directory);
  }
}

static void what_is_not_committed_leaves_the_old_film(void **state)
{
  (void)state;
  char directory[SCRATCH_PATH], path[SCRATCH_PATH];
  scratch_create(directory);
  write_film(scratch_path(path, directory, "film.gif"), 3);
  struct stat before, after;
  assert_int_equal(stat(path, &before), 0);

  const nrf_palette p   = seven();
  nrf_gif_file     *gif = NULL;
  must(nrf_gif_create(path, 2, 2, &p, &gif));
  assert_int_equal(nrf_gif_commit(gif), NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "without a frame"));
  nrf_gif_free(gif);
  assert_int_equal(stat(path, &after), 0);
  assert_true(before.st_ino == after.st_ino && before.st_size == after.st_size);
  assert_int_equal(scratch_entries(directory), 1);
  scratch_remove(directory);
}

static void what_does_not_fit_is_refused(void **state)
{
  (void)state;
  char directory[SCRATCH_PATH], path[SCRATCH_PATH];
  scratch_create(directory);
  const nrf_palette p   = seven();
  nrf_gif_file     *gif = NULL;
  scratch_path(path, directory, "film.gif");
  assert_int_equal(nrf_gif_create(path, 0, 4, &p, &gif), NRF_EINVAL);
  assert_int_equal(nrf_gif_create(path, 4, 65536, &p, &gif), NRF_EINVAL);
  assert_null(gif);
  must(nrf_gif_create(path, WIDTH + 1, HEIGHT, &p, &gif));
  nrf_picture picture = frame_of(0, 3);
  assert_int_equal(nrf_gif_add(gif, &picture, 4), NRF_ESHAPE);
  assert_non_null(strstr(nrf_error_message(), "33 x 21 pixels in an animation of 34 x 21"));
  nrf_picture_free(&picture);
  nrf_gif_free(gif);
  assert_int_equal(scratch_entries(directory), 0);
  scratch_remove(directory);
}

static void a_full_disk_is_named(void **state)
{
  (void)state;
  char directory[SCRATCH_PATH], path[SCRATCH_PATH];
  scratch_create(directory);
  if (!scratch_mount_small_disk(directory, 16384)) {
    scratch_remove(directory);
    skip();
  }
  const nrf_palette p       = seven();
  nrf_gif_file     *gif     = NULL;
  nrf_status        st      = NRF_OK;
  nrf_picture       picture = frame_of(1, 3);
  must(nrf_gif_create(scratch_path(path, directory, "film.gif"), WIDTH, HEIGHT, &p, &gif));
  for (int i = 0; i < 500 && st == NRF_OK; i++) st = nrf_gif_add(gif, &picture, 4);
  assert_int_equal(st, NRF_ENOSPACE);
  assert_non_null(strstr(nrf_error_message(), "film.gif"));
  assert_int_equal(nrf_gif_commit(gif), NRF_ENOSPACE);
  nrf_gif_free(gif);
  nrf_picture_free(&picture);
  assert_int_equal(scratch_entries(directory), 0);
  scratch_unmount(directory);
  scratch_remove(directory);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_come_back_as_they_were),
      cmocka_unit_test(films_repeat_for_ever),
      cmocka_unit_test(grey_frames_are_grey),
      cmocka_unit_test(tables_of_every_size_are_written),
      cmocka_unit_test(what_is_not_committed_leaves_the_old_film),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(a_full_disk_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
