/* tar_builder.h - makes small .tar.gz archives for tests. */
#ifndef NRFLV_TESTS_TAR_BUILDER_H
#define NRFLV_TESTS_TAR_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include <zlib.h>

/* One file of the archive: a header, the content, zeros up to a whole block. `announced` is the size in the header,
 * `type` '0' for a file, '5' for a folder. */
void tar_builder_add(gzFile archive, const char *name, char type, const void *content, size_t bytes,
                     size_t announced);

/* The two blocks of zeros that end an archive. */
void tar_builder_end(gzFile archive);

#endif
