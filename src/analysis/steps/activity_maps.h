/* activity_maps.h - by how much a stimulus raised the mean state at each place: colours of such maps, and where the images' maps
 * stand on a contact sheet (analysis.md 3.2, 3.3). */
#ifndef ACTIVITY_MAPS_H
#define ACTIVITY_MAPS_H

#include "nrflv/extract.h"

#include <stdbool.h>

/* ---- colours --------------------------------------------------------------------------------------------- */

typedef struct nrf_map_range {
  double low, high;
} nrf_map_range;

/* The range for maps of a channel. Correct (D7): symmetric about 0, to the largest difference of means of the channel, in PRIM of
 * the images with the largest contrast alone (D6). As written: the range of the means themselves; in PRIM those of
 * image b are left out, so that each map has a range of its own. b = -1: none is left out. Both ends are 0 if no
 * number is finite. */
nrf_map_range nrf_map_range_of(const nrf_extract *x, int c, int b, bool as_written);

/* Whether an image has the largest contrast of the recording. If contrasts are not known, all have. */
bool nrf_is_strongest(const nrf_extract *x, int b);

/* ---- contact sheets -------------------------------------------------------------------------------------- */

enum { NRF_SHEET_NAME = 32 };

/* PRIM: angles by contrasts. DBL: angles and distances by whether the patches are parallel. Others: angles. Then repeats. */
typedef struct nrf_map_sheet {
  int  rows, columns;
  int *image; /* [rows][columns]: b, -1 where there is none. Of several in one place the last one counts */
  char (*row_name)[NRF_SHEET_NAME], (*column_name)[NRF_SHEET_NAME];
  const char *row_label, *column_label;
} nrf_map_sheet;

NRF_MUST_CHECK nrf_status nrf_map_sheet_create(const nrf_extract *x, nrf_map_sheet *out);
void                      nrf_map_sheet_free(nrf_map_sheet *sheet);

#endif
