/* The architectures are found beside the program, wherever it is run from. */
#include "cli/paths.h"

#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void make_directories(const char *root, const char *const names[])
{
  for (int i = 0; names[i]; i++) {
    char path[SCRATCH_PATH];
    assert_int_equal(mkdir(scratch_path(path, root, names[i]), 0777), 0);
  }
}

static void architectures_are_found_in_build_tree_installation_and_working_directory(void **state)
{
  (void)state;
  char root[SCRATCH_PATH], program[SCRATCH_PATH], found[2 * SCRATCH_PATH];
  scratch_create(root);
  make_directories(root,
                   (const char *const[]){"source", "source/build", "source/data", "source/data/architectures",
                                         "usr", "usr/bin", "usr/share", "usr/share/nrflv",
                                         "usr/share/nrflv/architectures", "elsewhere", NULL});

  assert_true(
      nrf_find_architectures_dir(scratch_path(program, root, "source/build/nrflv"), found, sizeof found));
  assert_non_null(strstr(found, "/source/build/../data/architectures"));
  assert_true(nrf_find_architectures_dir(scratch_path(program, root, "usr/bin/nrflv"), found, sizeof found));
  assert_non_null(strstr(found, "/usr/bin/../share/nrflv/architectures"));

  char before[4096], source[SCRATCH_PATH];
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(scratch_path(source, root, "source")), 0);
  const bool here =
      nrf_find_architectures_dir(scratch_path(program, root, "elsewhere/nrflv"), found, sizeof found);
  assert_int_equal(chdir(root), 0);
  char       not_here[64];
  const bool nowhere = nrf_find_architectures_dir("", not_here, sizeof not_here);
  assert_int_equal(chdir(before), 0);
  assert_true(here);
  assert_string_equal(found, "data/architectures");
  assert_false(nowhere);
  scratch_remove(root);
}

static void the_running_program_knows_its_path(void **state)
{
  (void)state;
  char path[4096];
  nrf_program_path(path, sizeof path);
  assert_non_null(strstr(path, "test_cli_paths"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(architectures_are_found_in_build_tree_installation_and_working_directory),
      cmocka_unit_test(the_running_program_knows_its_path),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
