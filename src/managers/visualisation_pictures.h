/* visualisation_pictures.h - what is made of the pictures of --viz once they are on disk: a film of a run, a summary of a
 * layer. Made from the files, so that it does not matter which session drew them. */
#ifndef NRFLV_MANAGERS_VISUALISATION_PICTURES_H
#define NRFLV_MANAGERS_VISUALISATION_PICTURES_H

#include "managers/visualisation_folder.h"

/* The pictures of a complete run as an animation that dwells on the last; nothing if the file is there. */
NRF_MUST_CHECK nrf_status nrf_viz_make_film(const nrf_viz_folder *folder, nrf_viz_run run);

/* The first images of the last picture of every channel of the layer whose run is complete, a labelled row each; nothing if
 * there is none. `image`: the size of an image; `title` says what is shown. */
NRF_MUST_CHECK nrf_status nrf_viz_make_summary(const nrf_viz_folder *folder, int layer, int channels,
                                               nrf_layer_size image, const char *title);

#endif
