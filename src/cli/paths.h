/* paths.h - finding what is installed beside the program. */
#ifndef NRFLV_CLI_PATHS_H
#define NRFLV_CLI_PATHS_H

#include <stdbool.h>
#include <stddef.h>

/* The folder with the architectures that come with the program: in the source tree of a build
 * (<program>/../data/architectures), in an installation (<program>/../share/nrflv/architectures), or
 * under the working directory (data/architectures). `program`: path of the executable. Returns false,
 * with the last of these in dir[bytes], if none is there. */
bool nrf_find_architectures_dir(const char *program, char *dir, size_t bytes);

/* The path of the running executable, "" if the system does not say. */
void nrf_program_path(char *path, size_t bytes);

#endif
