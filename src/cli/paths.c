/* paths.c - finding what is installed beside the program. */
#include "cli/paths.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_directory(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool nrf_find_architectures_dir(const char *program, char *dir, size_t bytes)
{
  static const char *const beside_program[] = {"../data/architectures", "../share/nrflv/architectures"};
  const char              *slash            = strrchr(program, '/');
  for (size_t i = 0; slash && i < sizeof beside_program / sizeof *beside_program; i++) {
    const int n = snprintf(dir, bytes, "%.*s/%s", (int)(slash - program), program, beside_program[i]);
    if (n > 0 && (size_t)n < bytes && is_directory(dir)) return true;
  }
  (void)snprintf(dir, bytes, "data/architectures");
  return is_directory(dir);
}

void nrf_program_path(char *path, size_t bytes)
{
  const ssize_t n                          = readlink("/proc/self/exe", path, bytes - 1);
  path[n > 0 && (size_t)n < bytes ? n : 0] = '\0';
}
