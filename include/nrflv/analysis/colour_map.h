/* colour_map.h - the colour maps of the figures (section 2.19). */
#ifndef NRFLV_ANALYSIS_COLOUR_MAP_H
#define NRFLV_ANALYSIS_COLOUR_MAP_H

#include <stdint.h>

typedef enum nrf_colour_map {
  NRF_VIRIDIS, /* maps of activity                                             */
  NRF_GREYS,   /* contrasts; white to black                                    */
  NRF_YLGN,    /* yellow to dark green                                         */
  NRF_HSV,     /* spectrograms; the hues from red on, ending just before red   */
  NRF_SPRING,  /* magenta to yellow                                            */
  NRF_PUBLISHED_COLOUR_MAPS,
  NRF_DIVERGING =
      NRF_PUBLISHED_COLOUR_MAPS, /* blue, white, red: values with a meaningful 0 in the middle; ours */
  NRF_COLOUR_MAPS
} nrf_colour_map;

typedef struct nrf_colour {
  uint8_t red, green, blue;
} nrf_colour;

/* "viridis", "Greys", "YlGn", "hsv", "spring": the names they are known by; "diverging". */
const char *nrf_colour_map_name(nrf_colour_map map);

/* The colour at a value in [0, 1], in steps of 1/255; values outside take the end colours. NaN is white. */
nrf_colour nrf_colour_at(nrf_colour_map map, double value);

/* The grey of a contrast from 0 to 2.8: Greys at 0.2 contrast + 0.3. */
nrf_colour nrf_contrast_grey(double contrast);

#endif
