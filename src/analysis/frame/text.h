/* text.h - text put together piece by piece: scripts, pages, data files. */
#ifndef NRFLV_ANALYSIS_FRAME_TEXT_H
#define NRFLV_ANALYSIS_FRAME_TEXT_H

#include "io/byte_buffer.h"
#include "nrflv/status.h"

/* Appends; a lack of memory is remembered in `text` (byte_buffer.h). */
void text_put(nrf_buffer *text, const char *string);
void text_printf(nrf_buffer *text, const char *fmt, ...) NRF_PRINTF(2, 3);

/* NRF_ENOMEM if anything could not be appended. */
NRF_MUST_CHECK nrf_status text_check(const nrf_buffer *text, const char *what);

/* Writes it to a file, atomically but without waiting for the disk (nrf_atomic_commit_unflushed): figures come in hundreds,
 * and whatever is written here can be made anew. */
NRF_MUST_CHECK nrf_status text_write(const char *path, const nrf_buffer *text);

/* Whether a name can be that of a file on any system: letters, digits, "_", "-", ".", not at its beginning, and shorter than
 * `bytes`. */
bool text_is_file_name(const char *name, size_t bytes);

/* "a/b" with a check of the length; `path` holds `bytes`. */
NRF_MUST_CHECK nrf_status text_path(char *path, size_t bytes, const char *directory, const char *name,
                                    const char *ending);

#endif
