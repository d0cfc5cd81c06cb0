/* A file appears whole or not at all, and what stood there before survives every failure. */
#include "nrflv/atomic_file.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static void assert_content(const char *path, const char *want)
{
  char  got[64] = "";
  FILE *file    = fopen(path, "rb");
  assert_non_null(file);
  const size_t n = fread(got, 1, sizeof got - 1, file);
  (void)fclose(file);
  assert_int_equal(n, strlen(want));
  assert_string_equal(got, want);
}

static void touch(const char *path)
{
  const int fd = open(path, O_WRONLY | O_CREAT, 0666);
  assert_true(fd >= 0);
  (void)close(fd);
}

static void check_appearance(nrf_status (*commit)(nrf_atomic_file *file))
{
  char             path[SCRATCH_PATH];
  nrf_atomic_file *file = NULL;
  assert_int_equal(nrf_atomic_create(scratch_path(path, directory, "a.bin"), &file), NRF_OK);
  assert_int_equal(nrf_atomic_append(file, "hello ", 6), NRF_OK);
  assert_int_equal(nrf_atomic_append(file, "world", 5), NRF_OK);
  assert_int_equal(access(path, F_OK), -1);
  assert_int_equal(commit(file), NRF_OK);
  assert_content(path, "hello world");
  nrf_atomic_free(file);
  assert_content(path, "hello world");
  assert_int_equal(scratch_entries(directory), 1);
}

static void file_appears_only_when_committed(void **state)
{
  (void)state;
  check_appearance(nrf_atomic_commit);
}

static void file_appears_only_when_committed_unflushed(void **state)
{
  (void)state;
  check_appearance(nrf_atomic_commit_unflushed);
}

static void partial_file_stands_beside_and_carries_the_process_number(void **state)
{
  (void)state;
  char             path[SCRATCH_PATH], want[SCRATCH_PATH + 32];
  nrf_atomic_file *file = NULL;
  assert_int_equal(nrf_atomic_create(scratch_path(path, directory, "a.bin"), &file), NRF_OK);
  (void)snprintf(want, sizeof want, "%s.partial-%ld", path, (long)getpid());
  assert_string_equal(nrf_atomic_partial_path(file), want);
  assert_string_equal(nrf_atomic_path(file), path);
  assert_int_equal(access(want, F_OK), 0);
  nrf_atomic_free(file);
}

static void abandoned_write_leaves_the_old_file_and_no_litter(void **state)
{
  (void)state;
  char             path[SCRATCH_PATH];
  nrf_atomic_file *file = NULL;
  assert_int_equal(nrf_atomic_write(scratch_path(path, directory, "a.bin"), "old", 3), NRF_OK);
  assert_int_equal(nrf_atomic_create(path, &file), NRF_OK);
  assert_int_equal(nrf_atomic_append(file, "new", 3), NRF_OK);
  nrf_atomic_free(file);
  assert_content(path, "old");
  assert_int_equal(scratch_entries(directory), 1);
}

static void second_writer_of_the_same_path_is_refused(void **state)
{
  (void)state;
  char             path[SCRATCH_PATH];
  nrf_atomic_file *first = NULL, *second = NULL;
  assert_int_equal(nrf_atomic_create(scratch_path(path, directory, "a.bin"), &first), NRF_OK);
  assert_int_equal(nrf_atomic_create(path, &second), NRF_EIO);
  assert_null(second);
  assert_int_equal(nrf_atomic_append(first, "first", 5), NRF_OK);
  assert_int_equal(nrf_atomic_commit(first), NRF_OK);
  nrf_atomic_free(first);
  assert_content(path, "first");
}

static void full_disk_leaves_the_old_file(void **state)
{
  (void)state;
  enum { DISK = 256 * 1024 };
  if (!scratch_mount_small_disk(directory, DISK)) skip();
  char             path[SCRATCH_PATH];
  char            *big  = calloc(1, DISK * 2);
  nrf_atomic_file *file = NULL;
  assert_int_equal(nrf_atomic_write(scratch_path(path, directory, "a.bin"), "old", 3), NRF_OK);
  assert_int_equal(nrf_atomic_create(path, &file), NRF_OK);
  assert_int_equal(nrf_atomic_append(file, big, DISK * 2), NRF_ENOSPACE);
  assert_non_null(strstr(nrf_error_message(), path));
  assert_non_null(strstr(nrf_error_message(), "No space left"));
  nrf_atomic_free(file);
  assert_content(path, "old");
  assert_int_equal(scratch_entries(directory), 1);
  scratch_unmount(directory);
  free(big);
}

static void unwritable_places_are_named(void **state)
{
  (void)state;
  char             path[SCRATCH_PATH];
  nrf_atomic_file *file = NULL;

  assert_int_equal(nrf_atomic_create(scratch_path(path, directory, "nowhere/a.bin"), &file), NRF_EIO);
  assert_non_null(strstr(nrf_error_message(), "nowhere/a.bin: cannot create: No such file or directory"));
  assert_int_equal(nrf_atomic_create(scratch_path(path, directory, "nowhere/"), &file), NRF_EINVAL);
  assert_int_equal(nrf_atomic_create("", &file), NRF_EINVAL);

  assert_int_equal(chmod(directory, 0555), 0);
  scratch_drop_root();
  const nrf_status st = nrf_atomic_create(scratch_path(path, directory, "a.bin"), &file);
  scratch_regain_root();
  assert_int_equal(chmod(directory, 0755), 0);
  assert_int_equal(st, NRF_EIO);
  assert_non_null(strstr(nrf_error_message(), "a.bin: cannot create: Permission denied"));
}

static void directory_in_the_way_is_an_error_and_survives(void **state)
{
  (void)state;
  char path[SCRATCH_PATH];
  assert_int_equal(mkdir(scratch_path(path, directory, "a.bin"), 0777), 0);
  assert_int_equal(nrf_atomic_write(path, "x", 1), NRF_EIO);
  assert_non_null(strstr(nrf_error_message(), "a.bin: cannot put in place: Is a directory"));
  assert_int_equal(scratch_entries(directory), 1);
}

/* Leaves the partial file that a process killed in mid-write leaves; returns its process number. */
static pid_t be_killed_while_writing(const char *path)
{
  const pid_t child = fork();
  if (child == 0) {
    nrf_atomic_file *file = NULL;
    if (nrf_atomic_create(path, &file) != NRF_OK || nrf_atomic_append(file, "half", 4) != NRF_OK) _exit(1);
    (void)kill(getpid(), SIGKILL);
  }
  int how = 0;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_true(WIFSIGNALED(how));
  return child;
}

static void stale_partial_files_go_and_living_ones_stay(void **state)
{
  (void)state;
  char             path[SCRATCH_PATH], other[SCRATCH_PATH];
  int64_t          removed = -1;
  nrf_atomic_file *living  = NULL;

  (void)be_killed_while_writing(scratch_path(path, directory, "dead.h5"));
  assert_int_equal(nrf_atomic_create(scratch_path(path, directory, "living.h5"), &living), NRF_OK);
  touch(scratch_path(other, directory, "notes.partial-draft")); /* not ours, only named alike */
  touch(scratch_path(other, directory, ".partial-12"));
  assert_int_equal(scratch_entries(directory), 4);

  assert_int_equal(nrf_atomic_remove_stale(directory, &removed), NRF_OK);
  assert_int_equal(removed, 1);
  assert_int_equal(scratch_entries(directory), 3);
  assert_int_equal(access(nrf_atomic_partial_path(living), F_OK), 0);
  assert_int_equal(nrf_atomic_commit(living), NRF_OK);
  nrf_atomic_free(living);
  assert_int_equal(nrf_atomic_remove_stale("/nonexistent-directory", NULL), NRF_EIO);
}

static void leftover_of_a_dead_process_with_our_number_does_not_stop_us(void **state)
{
  (void)state;
  char path[SCRATCH_PATH], leftover[SCRATCH_PATH + 32];
  scratch_path(path, directory, "a.bin");
  (void)snprintf(leftover, sizeof leftover, "%s.partial-%ld", path, (long)getpid());
  touch(leftover);
  assert_int_equal(nrf_atomic_write(path, "new", 3), NRF_OK);
  assert_content(path, "new");
  assert_int_equal(scratch_entries(directory), 1);
}

static void directories_are_made_all_the_way_down(void **state)
{
  (void)state;
  char        path[SCRATCH_PATH], file[SCRATCH_PATH];
  struct stat info;
  assert_int_equal(nrf_make_directories(scratch_path(path, directory, "x/y//z/")), NRF_OK);
  assert_int_equal(stat(path, &info), 0);
  assert_true(S_ISDIR(info.st_mode));
  assert_int_equal(nrf_make_directories(path), NRF_OK);
  assert_int_equal(nrf_make_directories("/"), NRF_OK);

  touch(scratch_path(file, directory, "plain"));
  assert_int_equal(nrf_make_directories(scratch_path(path, directory, "plain/below")), NRF_EIO);
  assert_non_null(strstr(nrf_error_message(), "plain: is there already and is not a directory"));
  assert_int_equal(nrf_make_directories(""), NRF_EINVAL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(file_appears_only_when_committed),
      TEST(file_appears_only_when_committed_unflushed),
      TEST(partial_file_stands_beside_and_carries_the_process_number),
      TEST(abandoned_write_leaves_the_old_file_and_no_litter),
      TEST(second_writer_of_the_same_path_is_refused),
      TEST(full_disk_leaves_the_old_file),
      TEST(unwritable_places_are_named),
      TEST(directory_in_the_way_is_an_error_and_survives),
      TEST(stale_partial_files_go_and_living_ones_stay),
      TEST(leftover_of_a_dead_process_with_our_number_does_not_stop_us),
      TEST(directories_are_made_all_the_way_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
