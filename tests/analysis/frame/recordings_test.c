/* A session's recordings are found, and what is missing, unfinished or damaged is named. */
#include "nrflv/analysis/recordings.h"
#include "nrflv/atomic_file.h"
#include "support/memory_source.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include <cmocka.h>

#define PRIM_FILE "orientations_present_single_gabor_contrast_and_angle"
#define ANG_FILE  "orientations_present_single_gabor_just_angle"
#define FEW_FILE  "orientations_present_single_gabor_just_angle_few_angles"

static char           root[SCRATCH_PATH], extracts[SCRATCH_PATH];
static nrf_recordings found;

static const nrf_extract_effort effort = {1, 64 << 20};

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static int set_up(void **state)
{
  (void)state;
  scratch_create(root);
  scratch_path(extracts, root, "extracts");
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(root);
  return 0;
}

/* A small recording of states, of the images of `set`. */
static void record(const char *folder, const char *file, const char *set)
{
  enum { ROWS = 114 };
  static memory_source  source;
  static float          block[ROWS * 4 * 4];
  static const uint8_t  pixels[2 * 3 * 4];
  char                  directory[SCRATCH_PATH], partial[2 * SCRATCH_PATH], path[2 * SCRATCH_PATH];
  nrf_recording_writer *writer;
  must(nrf_make_directories(scratch_path(directory, root, folder)));
  (void)snprintf(partial, sizeof partial, "%s/%s.partial.nwb", directory, file);
  (void)snprintf(path, sizeof path, "%s/%s.nwb", directory, file);
  memory_source_create(&source, set, 2, 2, 4, 4);
  source.info.pictures.blank = source.info.pictures.burn_in = source.info.pictures.stimulus = pixels;
  must(nrf_recording_create(partial, &source.info, false, &writer));
  for (int image = 0; image < 2; image++)
    for (int channel = 0; channel < 2; channel++) {
      for (int i = 0; i < ROWS * 16; i++)
        block[i] = memory_value(&source, NRF_RECORD_STATE, image, channel, i / 16, i / 4 % 4, i % 4);
      must(nrf_recording_write(writer, NRF_RECORD_STATE, 0, image, channel, 0, ROWS, block));
    }
  must(nrf_recording_mark(writer, ROWS));
  must(nrf_recording_finish(writer, path, NULL));
  nrf_recording_writer_free(writer);
}

static void touch(const char *folder, const char *name, time_t when)
{
  char path[2 * SCRATCH_PATH];
  (void)snprintf(path, sizeof path, "%s/%s", root, folder);
  must(nrf_make_directories(path));
  (void)snprintf(path, sizeof path, "%s/%s/%s", root, folder, name);
  FILE *file = fopen(path, "a");
  assert_non_null(file);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(utime(path, &(struct utimbuf){when, when}), 0);
}

static const char *below_root(const char *name)
{
  static char path[SCRATCH_PATH];
  return scratch_path(path, root, name);
}

static void the_newest_session_is_taken(void **state)
{
  (void)state;
  touch("old", PRIM_FILE ".nwb", 1000);
  touch("new", ANG_FILE ".nwb", 3000);
  touch("middle", FEW_FILE ".partial.nwb", 2000);
  touch("other", "notes.nwb", 9000); /* not one of the experiments' */
  must(nrf_recordings_find(root, &found));
  assert_string_equal(found.session, "new");
  assert_int_equal(found.sessions, 3);
  must(nrf_recordings_find(below_root("old"), &found)); /* the session itself */
  assert_string_equal(found.session, "old");
  assert_int_equal(found.sessions, 1);
}

static void a_place_without_recordings_is_refused(void **state)
{
  (void)state;
  assert_int_equal(nrf_recordings_find(root, &found), NRF_ENOTFOUND);
  assert_non_null(strstr(nrf_error_message(), "no recordings of the experiments (" PRIM_FILE ".nwb, ...)"));
  assert_int_equal(nrf_recordings_find("/nowhere", &found), NRF_ENOTFOUND);
  touch(".", "file", 1);
  assert_int_equal(nrf_recordings_find(below_root("file"), &found), NRF_EINVAL);
}

static void what_is_missing_unfinished_or_damaged_is_named(void **state)
{
  (void)state;
  nrf_recordings_inputs *inputs;
  touch("s", ANG_FILE ".partial.nwb", 1);
  touch("s", PRIM_FILE ".nwb", 1); /* empty */
  record("s", FEW_FILE, "single/just_angle_few_angles");
  must(nrf_recordings_find(root, &found));
  must(nrf_recordings_open(&found, extracts, effort, &inputs));
  const nrf_analysis_input *input = nrf_recordings_inputs_of(inputs)->input;
  assert_false(input[NRF_KIND_PRIM].found);
  assert_true(input[NRF_KIND_PRIM].damaged);
  assert_non_null(strstr(input[NRF_KIND_PRIM].why_not, PRIM_FILE ".nwb"));
  assert_false(input[NRF_KIND_ANG].found || input[NRF_KIND_ANG].damaged);
  assert_non_null(strstr(input[NRF_KIND_ANG].why_not, "the recording of just_angle is not complete"));
  assert_true(input[NRF_KIND_FEW].found);
  assert_int_equal(strlen(input[NRF_KIND_FEW].fingerprint), 32);
  assert_false(input[NRF_KIND_LONG].found || input[NRF_KIND_LONG].damaged);
  assert_non_null(strstr(input[NRF_KIND_LONG].why_not, "there is no recording of long_just_fewangles"));
  nrf_recordings_free(inputs);
}

static void a_recording_under_the_name_of_another_is_refused(void **state)
{
  (void)state;
  nrf_recordings_inputs *inputs;
  record("s", PRIM_FILE, "single/just_angle");
  must(nrf_recordings_find(root, &found));
  must(nrf_recordings_open(&found, extracts, effort, &inputs));
  const nrf_analysis_input *input = &nrf_recordings_inputs_of(inputs)->input[NRF_KIND_PRIM];
  assert_false(input->found);
  assert_true(input->damaged);
  assert_non_null(strstr(input->why_not, PRIM_FILE ".nwb: holds "));
  nrf_recordings_free(inputs);
}

/* With its recording an extract is made; without it, the one that was made, or that was recorded instead, serves. */
static void extracts_are_made_and_outlive_their_recordings(void **state)
{
  (void)state;
  nrf_recordings_inputs *inputs;
  nrf_extract           *x;
  char                   fingerprint[NRF_ANALYSIS_FINGERPRINT], from[2 * SCRATCH_PATH], to[2 * SCRATCH_PATH];
  record("s", ANG_FILE, "single/just_angle");
  record("s", FEW_FILE, "single/just_angle_few_angles");
  must(nrf_recordings_find(root, &found));
  must(nrf_recordings_open(&found, extracts, effort, &inputs));
  const nrf_analysis_inputs *in = nrf_recordings_inputs_of(inputs);
  (void)snprintf(fingerprint, sizeof fingerprint, "%s", in->input[NRF_KIND_ANG].fingerprint);
  must(in->open(in->user, NRF_KIND_ANG, NULL, &x));
  assert_int_equal(x->kind, NRF_KIND_ANG);
  nrf_extract_free(x);
  nrf_recordings_free(inputs);

  (void)snprintf(from, sizeof from, "%s/s/" ANG_FILE ".nwb", root);
  assert_int_equal(unlink(from), 0);
  must(nrf_recordings_open(&found, extracts, effort, &inputs));
  in = nrf_recordings_inputs_of(inputs);
  assert_true(in->input[NRF_KIND_ANG].found);
  assert_string_equal(in->input[NRF_KIND_ANG].fingerprint, fingerprint);
  must(in->open(in->user, NRF_KIND_ANG, NULL, &x));
  nrf_extract_free(x);
  nrf_recordings_free(inputs);

  (void)snprintf(from, sizeof from, "%s/just_angles.h5", extracts);
  (void)snprintf(to, sizeof to, "%s/s/" ANG_FILE ".extract.h5", root);
  assert_int_equal(rename(from, to), 0);
  must(nrf_recordings_open(&found, extracts, effort, &inputs));
  in = nrf_recordings_inputs_of(inputs);
  assert_string_equal(in->input[NRF_KIND_ANG].fingerprint, fingerprint);
  must(in->open(in->user, NRF_KIND_ANG, NULL, &x));
  nrf_extract_free(x);
  nrf_recordings_free(inputs);
}

static void a_changed_recording_has_another_fingerprint(void **state)
{
  (void)state;
  nrf_recordings_inputs *inputs;
  char                   before[NRF_ANALYSIS_FINGERPRINT], identity[NRF_ANALYSIS_FINGERPRINT];
  record("s", ANG_FILE, "single/just_angle");
  must(nrf_recordings_find(root, &found));
  must(nrf_recordings_open(&found, extracts, effort, &inputs));
  const nrf_analysis_input *input = &nrf_recordings_inputs_of(inputs)->input[NRF_KIND_ANG];
  (void)snprintf(before, sizeof before, "%s", input->fingerprint);
  (void)snprintf(identity, sizeof identity, "%s", input->identity);
  nrf_recordings_free(inputs);
  touch("s", ANG_FILE ".nwb", 12345);
  must(nrf_recordings_open(&found, extracts, effort, &inputs));
  input = &nrf_recordings_inputs_of(inputs)->input[NRF_KIND_ANG];
  assert_string_not_equal(input->fingerprint, before);
  assert_string_equal(input->identity, identity);
  nrf_recordings_free(inputs);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_newest_session_is_taken, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_place_without_recordings_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_missing_unfinished_or_damaged_is_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_recording_under_the_name_of_another_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(extracts_are_made_and_outlive_their_recordings, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_changed_recording_has_another_fingerprint, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
