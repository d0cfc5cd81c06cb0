/* Stimuli on disk: what is made can be loaded, nothing is made twice, and nothing that is not as it should be gets into
 * an experiment. */
#include "nrflv/stimulus_folder.h"

#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"
#include "nrflv/png_file.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { COUNT = 128 };

static const nrf_layer_size colour_size = {3, 32, 32}, grey_size = {1, 28, 28};

static const char set_name[] = "single/just_angle";
static const char first[]    = "single/just_angle/gf_loc16-16_sgm0.7_th0.00000_w3_rat0.5_el1_c2.40000.png";
static const char tenth[]    = "single/just_angle/gf_loc16-16_sgm0.7_th0.44179_w3_rat0.5_el1_c2.40000.png";

/* Made once. Tests leave it as they found it. */
static char whole[SCRATCH_PATH];

/* ---- helpers ---- */

static const nrf_stimulus_set *the_set(void)
{
  const nrf_stimulus_set *set = NULL;
  assert_int_equal(nrf_stimulus_set_find(set_name, &set), NRF_OK);
  return set;
}

/* No two base images of different seeds are alike, nor two pixels of one. */
static nrf_byte_image make_base(nrf_layer_size size, int seed)
{
  nrf_byte_image base;
  assert_int_equal(nrf_byte_image_create(size, &base), NRF_OK);
  for (int64_t i = 0; i < nrf_layer_units(size); i++) base.value[i] = (uint8_t)(60 + (i * 37 + seed) % 90);
  return base;
}

static nrf_status make(const char *directory, const nrf_byte_image *base, nrf_stimulus_progress *at)
{
  NRF_RETURN_IF_ERROR(nrf_stimulus_folder_claim(directory, base));
  return nrf_stimulus_folder_make(directory, the_set(), base, at);
}

/* Makes the set on the base image of that seed; returns how many files were written. */
static int64_t make_of_seed(const char *directory, nrf_layer_size size, int seed)
{
  nrf_byte_image        base = make_base(size, seed);
  nrf_stimulus_progress at   = {.total = COUNT};
  assert_int_equal(make(directory, &base, &at), NRF_OK);
  assert_int_equal(at.done, COUNT);
  nrf_byte_image_free(&base);
  return at.written;
}

static nrf_status try_to_load(const char *directory, nrf_layer_size size)
{
  nrf_stimuli     *stimuli = NULL;
  const nrf_status st      = nrf_stimuli_load(directory, the_set(), size, &stimuli);
  assert_true((st == NRF_OK) == (stimuli != NULL));
  nrf_stimuli_free(stimuli);
  return st;
}

/* Loading fails with this status, and the message holds both texts. */
static void assert_refused(const char *directory, nrf_layer_size size, nrf_status want, const char *text,
                           const char *advice)
{
  assert_int_equal(try_to_load(directory, size), want);
  if (strstr(nrf_error_message(), text) == NULL || strstr(nrf_error_message(), advice) == NULL)
    fail_msg("'%s' and '%s' expected in: %s", text, advice, nrf_error_message());
}

static const char *in_whole(char path[SCRATCH_PATH], const char *name)
{
  return scratch_path(path, whole, name);
}

static void rename_in_whole(const char *from, const char *to)
{
  char a[SCRATCH_PATH], b[SCRATCH_PATH];
  assert_int_equal(rename(in_whole(a, from), in_whole(b, to)), 0);
}

static int make_whole(void **state)
{
  (void)state;
  scratch_create(whole);
  return make_of_seed(whole, colour_size, 0) == COUNT ? 0 : -1;
}

static int remove_whole(void **state)
{
  (void)state;
  scratch_remove(whole);
  return 0;
}

/* ---- what is made can be loaded ---- */

static void images_are_loaded_in_sorted_order(void **state)
{
  (void)state;
  nrf_stimuli   *l        = NULL;
  nrf_byte_image expected = {0}, base = make_base(colour_size, 0);
  const int64_t  units = nrf_layer_units(colour_size);
  assert_int_equal(nrf_byte_image_create(colour_size, &expected), NRF_OK);
  assert_int_equal(nrf_stimuli_load(whole, the_set(), colour_size, &l), NRF_OK);
  assert_int_equal(l->count, COUNT);
  assert_true(nrf_same_size(l->size, colour_size));
  for (int i = 0; i < COUNT; i++) {
    assert_int_equal(l->stimulus[i].generation_index, i); /* sorted by angle */
    assert_int_equal(nrf_stimulus_render(&l->stimulus[i], colour_size, base.value, expected.value), NRF_OK);
    for (int64_t u = 0; u < units; u++)
      assert_true(l->images[i * units + u] == (float)expected.value[u] / 255.0f);
  }
  for (int64_t u = 0; u < units; u++) assert_true(l->blank[u] == (float)base.value[u] / 255.0f);
  nrf_byte_image_free(&expected);
  nrf_byte_image_free(&base);
  nrf_stimuli_free(l);
}

/* ---- nothing is made twice, everything that is needed is ---- */

static void what_is_there_is_not_written_again(void **state)
{
  (void)state;
  char        path[SCRATCH_PATH];
  struct stat before, after, sheet_before, sheet_after;
  assert_int_equal(stat(in_whole(path, first), &before), 0);
  assert_int_equal(stat(in_whole(path, "contact_sheets/single_just_angle.png"), &sheet_before), 0);
  assert_int_equal(make_of_seed(whole, colour_size, 0), 0);
  assert_int_equal(stat(in_whole(path, first), &after), 0);
  assert_int_equal(stat(in_whole(path, "contact_sheets/single_just_angle.png"), &sheet_after), 0);
  assert_int_equal(before.st_ino, after.st_ino); /* a new file would have taken its place */
  assert_int_equal(sheet_before.st_ino, sheet_after.st_ino);
}

static void missing_and_damaged_images_are_made_anew(void **state)
{
  (void)state;
  char a[SCRATCH_PATH], b[SCRATCH_PATH];
  assert_int_equal(unlink(in_whole(a, first)), 0);
  assert_int_equal(truncate(in_whole(b, tenth), 200), 0);
  assert_int_equal(make_of_seed(whole, colour_size, 0), 2);
  assert_int_equal(try_to_load(whole, colour_size), NRF_OK);
}

static void leftovers_of_a_killed_run_are_removed(void **state)
{
  (void)state;
  char path[SCRATCH_PATH];
  assert_int_equal(nrf_atomic_write(in_whole(path, "single/just_angle/x.png.partial-99999999"), "x", 1),
                   NRF_OK);
  assert_int_equal(make_of_seed(whole, colour_size, 0), 0);
  assert_int_equal(access(path, F_OK), -1);
}

/* ---- what is not as it should be ---- */

static void missing_things_are_named(void **state)
{
  (void)state;
  assert_refused("/nonexistent", colour_size, NRF_ENOTFOUND, "/nonexistent/base_image.png",
                 "nrflv --gen_exp_stim makes the stimuli");
  rename_in_whole("single", "elsewhere");
  assert_refused(whole, colour_size, NRF_ENOTFOUND, "single/just_angle",
                 "nrflv --gen_exp_stim makes the stimuli");
  rename_in_whole("elsewhere", "single");
  rename_in_whole(first, "first.png");
  assert_refused(whole, colour_size, NRF_ENOTFOUND,
                 "1 of 128 images are missing, such as gf_loc16-16_sgm0.7_th0.00000",
                 "nrflv --gen_exp_stim makes the stimuli");
  rename_in_whole(tenth, "tenth.png");
  assert_refused(whole, colour_size, NRF_ENOTFOUND, "2 of 128 images are missing",
                 "gf_loc16-16_sgm0.7_th0.00000");
  rename_in_whole("first.png", first);
  rename_in_whole("tenth.png", tenth);
  assert_int_equal(try_to_load(whole, colour_size), NRF_OK);
}

static void files_that_do_not_belong_there_are_named(void **state)
{
  (void)state;
  char           a[SCRATCH_PATH], b[SCRATCH_PATH], hidden[SCRATCH_PATH];
  nrf_byte_image base = make_base(colour_size, 0);
  assert_int_equal(nrf_atomic_write(in_whole(hidden, "single/just_angle/.directory"), "x", 1), NRF_OK);
  assert_int_equal(try_to_load(whole, colour_size), NRF_OK);
  assert_int_equal(nrf_atomic_write(in_whole(a, "single/just_angle/zebra.png"), "x", 1), NRF_OK);
  assert_refused(whole, colour_size, NRF_EFORMAT, "1 file is not an image of this set, such as zebra.png",
                 "remove");
  assert_int_equal(nrf_atomic_write(in_whole(b, "single/just_angle/ape.png"), "x", 1), NRF_OK);
  assert_refused(whole, colour_size, NRF_EFORMAT, "2 files are not images of this set, such as ape.png",
                 "remove");
  nrf_stimulus_progress at = {0};
  assert_int_equal(make(whole, &base, &at), NRF_EFORMAT);
  assert_int_equal(unlink(a) + unlink(b) + unlink(hidden), 0);
  nrf_byte_image_free(&base);
}

/* Puts an image in the place of the tenth, sees it refused, has it made anew. */
static void refuse_as_tenth(const nrf_byte_image *image, nrf_status want, const char *text)
{
  char path[SCRATCH_PATH];
  assert_int_equal(nrf_byte_image_write(in_whole(path, tenth), image), NRF_OK);
  assert_refused(whole, colour_size, want, text, "nrflv --gen_exp_stim makes it anew");
  assert_non_null(strstr(nrf_error_message(), "th0.44179"));
  assert_int_equal(make_of_seed(whole, colour_size, 0), 1);
}

static void damaged_images_are_refused(void **state)
{
  (void)state;
  char path[SCRATCH_PATH];
  assert_int_equal(truncate(in_whole(path, tenth), 200), 0);
  assert_refused(whole, colour_size, NRF_EFORMAT, "th0.44179", "damaged PNG file");
  assert_int_equal(nrf_atomic_write(path, "text", 4), NRF_OK);
  assert_refused(whole, colour_size, NRF_EFORMAT, "th0.44179", "not a PNG file");
  assert_int_equal(make_of_seed(whole, colour_size, 0), 1);
}

static void images_of_another_size_are_refused(void **state)
{
  (void)state;
  nrf_byte_image smaller = make_base((nrf_layer_size){3, 32, 31}, 0), grey = make_base(grey_size, 0);
  refuse_as_tenth(&smaller, NRF_ESHAPE, "[3,32,31] in the file, [3,32,32] expected");
  refuse_as_tenth(&grey, NRF_ESHAPE, "[1,28,28] in the file, [3,32,32] expected");
  nrf_byte_image_free(&smaller);
  nrf_byte_image_free(&grey);
}

static void an_image_that_is_not_what_its_name_says_is_refused(void **state)
{
  (void)state;
  char           path[SCRATCH_PATH];
  nrf_byte_image image;
  assert_int_equal(nrf_byte_image_read(in_whole(path, first), &image), NRF_OK);
  refuse_as_tenth(&image, NRF_EFORMAT, "not what its name says"); /* another angle */
  nrf_byte_image_free(&image);

  /* One grey level is rounding, two are not. */
  assert_int_equal(nrf_byte_image_read(in_whole(path, tenth), &image), NRF_OK);
  image.value[0]++;
  assert_int_equal(nrf_byte_image_write(path, &image), NRF_OK);
  assert_int_equal(try_to_load(whole, colour_size), NRF_OK);
  image.value[0]++;
  refuse_as_tenth(&image, NRF_EFORMAT, "by up to 2 grey levels");
  nrf_byte_image_free(&image);
}

/* ---- one base image for all ---- */

static void another_base_image_is_refused_until_the_first_is_given_up(void **state)
{
  (void)state;
  char                  path[SCRATCH_PATH], kept[SCRATCH_PATH];
  nrf_byte_image        other = make_base(colour_size, 1), of_other_size = make_base(grey_size, 0);
  nrf_stimulus_progress at = {.total = COUNT};
  assert_int_equal(make(whole, &other, &at), NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "another --stimuli_dir, or remove this file"));
  assert_int_equal(make(whole, &of_other_size, &at), NRF_EINVAL);
  assert_int_equal(try_to_load(whole, colour_size), NRF_OK); /* all as it was */

  /* Given up, but nothing made anew yet: what a killed run leaves. */
  assert_int_equal(rename(in_whole(path, "base_image.png"), in_whole(kept, "kept.png")), 0);
  assert_int_equal(nrf_stimulus_folder_claim(whole, &other), NRF_OK);
  assert_refused(whole, colour_size, NRF_EFORMAT, "not what its name says", "makes it anew");
  assert_int_equal(rename(kept, path), 0);
  nrf_byte_image_free(&other);
  nrf_byte_image_free(&of_other_size);
}

static void a_damaged_base_image_is_told_from_a_missing_one(void **state)
{
  (void)state;
  char           directory[SCRATCH_PATH], path[SCRATCH_PATH];
  nrf_byte_image base = make_base(grey_size, 0);
  scratch_create(directory);
  assert_int_equal(nrf_atomic_write(scratch_path(path, directory, "base_image.png"), "text", 4), NRF_OK);
  assert_refused(directory, grey_size, NRF_EFORMAT, "not a PNG file",
                 "remove it and run nrflv --gen_exp_stim");
  assert_int_equal(nrf_stimulus_folder_claim(directory, &base), NRF_EFORMAT);
  nrf_byte_image_free(&base);
  scratch_remove(directory);
}

/* ---- stopping, and no space ---- */

static bool stop_after_ten(void *context)
{
  return ++*(int *)context > 10;
}

static void stop_after_ten_images(const char *directory)
{
  int                   calls    = 0;
  const nrf_progress    progress = {.context = &calls, .stop_requested = stop_after_ten};
  nrf_stimulus_progress at       = {.progress = &progress, .total = COUNT};
  nrf_byte_image        base     = make_base(grey_size, 0);
  assert_int_equal(make(directory, &base, &at), NRF_EINTERRUPTED);
  assert_int_equal(at.written, 10);
  nrf_byte_image_free(&base);
}

static nrf_byte_image read_sheet(const char *directory)
{
  char           path[SCRATCH_PATH];
  nrf_byte_image sheet;
  (void)scratch_path(path, directory, "contact_sheets/single_just_angle.png");
  assert_int_equal(nrf_byte_image_read(path, &sheet), NRF_OK);
  return sheet;
}

static void a_grey_set_is_stopped_resumed_and_made_anew(void **state)
{
  (void)state;
  char directory[SCRATCH_PATH], path[SCRATCH_PATH];
  scratch_create(directory);
  stop_after_ten_images(directory);
  assert_refused(directory, grey_size, NRF_ENOTFOUND, "118 of 128 images are missing", "--gen_exp_stim");
  assert_int_equal(make_of_seed(directory, grey_size, 0), COUNT - 10);
  assert_int_equal(try_to_load(directory, grey_size), NRF_OK);
  assert_refused(directory, colour_size, NRF_ESHAPE, "the stimuli there are [1,28,28]", "--stimuli_dir DIR");
  nrf_byte_image before = read_sheet(directory);

  assert_int_equal(unlink(scratch_path(path, directory, "base_image.png")), 0);
  assert_int_equal(make_of_seed(directory, grey_size, 1), COUNT);
  assert_int_equal(try_to_load(directory, grey_size), NRF_OK);
  nrf_byte_image after = read_sheet(directory);
  assert_true(nrf_byte_image_difference(&before, &after) > 0);
  nrf_byte_image_free(&before);
  nrf_byte_image_free(&after);
  scratch_remove(directory);
}

static void a_full_disk_is_said_to_be_full(void **state)
{
  (void)state;
  char                  directory[SCRATCH_PATH];
  nrf_stimulus_progress at   = {.total = COUNT};
  nrf_byte_image        base = make_base(colour_size, 0);
  scratch_create(directory);
  if (!scratch_mount_small_disk(directory, 64 << 10)) {
    nrf_byte_image_free(&base);
    scratch_remove(directory);
    skip();
  }
  assert_int_equal(make(directory, &base, &at), NRF_ENOSPACE);
  assert_true(at.written > 0 && at.written < COUNT);
  scratch_unmount(directory);
  nrf_byte_image_free(&base);
  scratch_remove(directory);
}

/* ---- bytes ---- */

static void floats_become_the_nearest_bytes_with_halves_up(void **state)
{
  (void)state;
  const float    values[] = {-0.5f, 0.0f, 0.5f / 255.0f, 0.49f / 255.0f, 100.5f / 255.0f, 1.0f, 7.0f, NAN};
  const uint8_t  want[]   = {0, 0, 1, 0, 101, 255, 255, 0};
  nrf_byte_image image;
  assert_int_equal(nrf_byte_image_of_floats((nrf_layer_size){1, 2, 4}, values, &image), NRF_OK);
  assert_memory_equal(image.value, want, sizeof want);
  nrf_byte_image_free(&image);
  assert_int_equal(nrf_byte_image_create((nrf_layer_size){2, 4, 4}, &image), NRF_EINVAL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(images_are_loaded_in_sorted_order),
      cmocka_unit_test(what_is_there_is_not_written_again),
      cmocka_unit_test(missing_and_damaged_images_are_made_anew),
      cmocka_unit_test(leftovers_of_a_killed_run_are_removed),
      cmocka_unit_test(missing_things_are_named),
      cmocka_unit_test(files_that_do_not_belong_there_are_named),
      cmocka_unit_test(damaged_images_are_refused),
      cmocka_unit_test(images_of_another_size_are_refused),
      cmocka_unit_test(an_image_that_is_not_what_its_name_says_is_refused),
      cmocka_unit_test(another_base_image_is_refused_until_the_first_is_given_up),
      cmocka_unit_test(a_damaged_base_image_is_told_from_a_missing_one),
      cmocka_unit_test(a_grey_set_is_stopped_resumed_and_made_anew),
      cmocka_unit_test(a_full_disk_is_said_to_be_full),
      cmocka_unit_test(floats_become_the_nearest_bytes_with_halves_up),
  };
  return cmocka_run_group_tests(tests, make_whole, remove_whole);
}
