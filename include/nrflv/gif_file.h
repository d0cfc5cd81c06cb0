/* gif_file.h - animations: pictures one after the other, repeated for ever, as a GIF file with one colour table.
 *
 *   NRF_TRY(nrf_gif_create(path, width, height, &palette, &gif));
 *   for each frame: NRF_TRY(nrf_gif_add(gif, &picture, 8));
 *   NRF_TRY(nrf_gif_commit(gif));
 * done:
 *   nrf_gif_free(gif);
 *
 * colour_palette.h chooses a palette. Pixels get its nearest colour, without dithering: a dither pattern that changes from
 * frame to frame looks like noise, and makes the file twice as large. */
#ifndef NRFLV_GIF_FILE_H
#define NRFLV_GIF_FILE_H

#include "nrflv/colour_palette.h"
#include "nrflv/png_file.h"
#include "nrflv/status.h"

typedef struct nrf_gif_file nrf_gif_file;

/* Begins the file, which appears at `path` when it is committed (atomic_file.h). The palette is copied. NRF_EINVAL for
 * sizes that GIF does not have (at most 65535 each way). */
NRF_MUST_CHECK nrf_status nrf_gif_create(const char *path, int width, int height, const nrf_palette *palette,
                                         nrf_gif_file **out);

/* Adds a frame that is shown for so many hundredths of a second (0 .. 65535; viewers do not go below 2). NRF_ESHAPE if the
 * picture, grey or RGB, has another size. */
NRF_MUST_CHECK nrf_status nrf_gif_add(nrf_gif_file *gif, const nrf_picture *picture, int hundredths);

/* Ends the file; once only, after at least one frame. */
NRF_MUST_CHECK nrf_status nrf_gif_commit(nrf_gif_file *gif);

/* Removes the file unless it was committed. NULL is fine. */
void nrf_gif_free(nrf_gif_file *gif);

#endif
