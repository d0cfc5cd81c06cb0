/* activity_film.h - films of the maps of channels, as animations (analysis.md 3.4, D8): maps side by side, and in margins of their
 * own which channel it is, the time, whether there is a stimulus, and a bar that grows. */
#ifndef ACTIVITY_FILM_H
#define ACTIVITY_FILM_H

#include "nrflv/extract.h"
#include "nrflv/png_file.h"

typedef struct nrf_film_view {
  const nrf_extract *x;
  const nrf_film    *film;
  int                first_channel, n_channels; /* recorded ones                                      */
  int                columns;                   /* of maps                                            */
  int                scale;                     /* pixels of a place                                  */
  int64_t            step;                      /* every so many rows of the recording is a frame      */
  int                hundredths;                /* of a second, for which a frame is shown            */
} nrf_film_view;

/* All channels in one, in frames that are few enough for a page; or one channel, large and nearly complete. */
nrf_film_view nrf_film_of_all(const nrf_extract *x, const nrf_film *film);
nrf_film_view nrf_film_of_one(const nrf_extract *x, const nrf_film *film, int channel);

int64_t nrf_film_frames(const nrf_film_view *view);

/* Where the map of recorded channel c has its upper left corner. */
void nrf_film_corner(const nrf_film_view *view, int c, int *x, int *y);

/* Draws the frame of a row of the recording; a new picture. */
NRF_MUST_CHECK nrf_status nrf_film_frame_create(const nrf_film_view *view, nrf_picture *out);
void                      nrf_film_draw(const nrf_film_view *view, int64_t row, nrf_picture *frame);

/* Takes a second or two. */
NRF_MUST_CHECK nrf_status nrf_film_write(const nrf_film_view *view, const char *path);

#endif
