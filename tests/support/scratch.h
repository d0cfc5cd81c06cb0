/* scratch.h - places for tests to write to: a directory that goes away, and a disk that fills up. */
#ifndef NRFLV_TESTS_SCRATCH_H
#define NRFLV_TESTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

enum { SCRATCH_PATH = 512 };

/* A new empty directory under $TMPDIR or /tmp. Aborts the test program if there can be none. */
void scratch_create(char directory[SCRATCH_PATH]);

/* The same in memory, for tests that flush much and that the disk has nothing to do with: where there is a tmpfs with a gigabyte of
 * room and $TMPDIR does not ask for another place. */
void scratch_create_in_memory(char directory[SCRATCH_PATH]);

/* Removes it with everything in it. */
void scratch_remove(const char *directory);

/* "directory/name", in a buffer of the caller's. Returns `path`. */
const char *scratch_path(char path[SCRATCH_PATH], const char *directory, const char *name);

/* The number of entries of a directory, without "." and ".."; -1 if it cannot be read. */
int scratch_entries(const char *directory);

/* Mounts a tmpfs of `bytes` over `directory`, seen by this process alone and gone when it ends. False, with
 * the reason printed, where mounting is not allowed: the test then has to skip. */
bool scratch_mount_small_disk(const char *directory, size_t bytes);
void scratch_unmount(const char *directory);

/* Takes from the process, or gives back, root's right to write anywhere: with it no directory is unwritable.
 * Does nothing for an ordinary user. */
void scratch_drop_root(void);
void scratch_regain_root(void);

#endif
