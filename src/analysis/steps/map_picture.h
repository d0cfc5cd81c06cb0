/* map_picture.h - a map as a small picture of its own, drawn here and not by gnuplot: there may be thousands. */
#ifndef MAP_PICTURE_H
#define MAP_PICTURE_H

#include "nrflv/analysis/figure.h"

/* map [height, width] in the scale's colours, each place a square, with a colour bar that names its ends. NaN is white. */
NRF_MUST_CHECK nrf_status nrf_map_picture_write(const char *path, int height, int width, const double *map,
                                                nrf_colour_scale scale);

#endif
