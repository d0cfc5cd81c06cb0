/* colour_palette.h - the few colours that stand for all colours of some pictures: what formats with a colour table need. */
#ifndef NRFLV_COLOUR_PALETTE_H
#define NRFLV_COLOUR_PALETTE_H

#include "nrflv/png_file.h"
#include "nrflv/status.h"

#include <stdint.h>

enum { NRF_PALETTE_MAX = 256 };

typedef struct nrf_palette {
  int     count; /* 1 .. NRF_PALETTE_MAX */
  uint8_t colour[NRF_PALETTE_MAX][3];
} nrf_palette;

/* How often the pictures' colours occur. Colours that differ by less than 4 in each of red, green and blue may be counted
 * as one, their mean. */
typedef struct nrf_colour_counts nrf_colour_counts;

NRF_MUST_CHECK nrf_status nrf_colour_counts_create(nrf_colour_counts **out);
void                      nrf_colour_counts_free(nrf_colour_counts *counts);

void nrf_colour_counts_add(nrf_colour_counts *counts, const nrf_picture *picture);

/* At most `most` (1 .. NRF_PALETTE_MAX) colours for what was counted: the set of colours is cut in two again and again,
 * where that takes most from the squared distance between the pixels and the means of their parts; the means are the
 * palette. NRF_EINVAL if nothing was counted. */
NRF_MUST_CHECK nrf_status nrf_palette_choose(const nrf_colour_counts *counts, int most, nrf_palette *out);

/* The palette's colour that is nearest to a colour [3], as an index; the first of equally near ones. */
int nrf_palette_nearest(const nrf_palette *palette, const uint8_t colour[3]);

#endif
