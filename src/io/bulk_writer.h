/* bulk_writer.h - many pieces of a file, each to its place: whole pages past the operating system's page cache, where the file
 * system can, and many of them at once.
 *
 * A recording is far larger than memory and nobody reads it while it is made, so copying it into the page cache only costs. What
 * goes past it has to lie on whole pages, in memory and in the file, and to wait for the disk; so pieces are handed in, and
 * waited for together. Whatever cannot go that way is written the plain way at once: the ends of a piece, a piece that is
 * small or lies differently in memory, and everything once the file system has refused or the disk turned out to
 * be one that is slow with single pieces (the page cache gathers them). */
#ifndef NRFLV_IO_BULK_WRITER_H
#define NRFLV_IO_BULK_WRITER_H

#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NRF_BULK_PAGE = 4096 };

/* Bytes per second below which a disk is slow with single pieces: what any disk without moving parts reaches, and none with. */
static const double NRF_BULK_LEAST_RATE = 40e6;

typedef struct nrf_bulk_writer nrf_bulk_writer;

/* For the file that is open as `fd` and has the name `path`; both are borrowed. A file that cannot be written past the page cache
 * is no error. least_rate: NRF_BULK_LEAST_RATE, except to try out what happens. */
NRF_MUST_CHECK nrf_status nrf_bulk_create(int fd, const char *path, double least_rate, nrf_bulk_writer **out);

/* Waits for what is under way, and closes. NULL is fine. */
void nrf_bulk_free(nrf_bulk_writer *w);

/* Writes `bytes`, which are lent until they were waited for. They go past the page cache if they lie in memory as they do in the
 * file: at addresses that are equal modulo NRF_BULK_PAGE. What was handed in and not waited for must not overlap. The error may be an
 * earlier piece's; after one nothing is written until nrf_bulk_settle. From one thread at a time. */
NRF_MUST_CHECK nrf_status nrf_bulk_write(nrf_bulk_writer *w, int64_t place, const void *bytes, size_t size);

/* Both wait until nothing that was handed in is needed any more. Settle says whether everything was written since it was last
 * asked; wait leaves that question open. */
NRF_MUST_CHECK nrf_status nrf_bulk_settle(nrf_bulk_writer *w);
void                      nrf_bulk_wait(nrf_bulk_writer *w);

/* Whether pieces still go past the page cache. */
bool nrf_bulk_is_direct(const nrf_bulk_writer *w);

#endif
