/* stimulus_set.h - the stimuli of the experiments: which sets there are, what each of their images shows, and how it
 * is made from a base image (system.md section 5, analysis.md 1.5). The sets are one table, in stimulus_set.c.
 *
 * An image is the base image times 1 + gain * (sum of the deviations of its patches), a patch's deviation being that of
 * gabor.h. Images stand in the order of their sorted file names: the order in which experiments load them, and so the
 * order of a batch. To have a set's images from disk, see stimulus_folder.h. */
#ifndef NRFLV_STIMULUS_SET_H
#define NRFLV_STIMULUS_SET_H

#include "nrflv/gabor.h"
#include "nrflv/states.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { NRF_STIMULUS_NAME_BYTES = 128, NRF_STIMULUS_MAX_PATCHES = 2 };

/* A patch and where it is: its centre is offset_row rows below and offset_column columns to the right of the
 * image's centre pixel, (height / 2, width / 2). */
typedef struct nrf_stimulus_patch {
  nrf_gabor gabor;
  int       offset_row, offset_column;
} nrf_stimulus_patch;

/* What an image shows. */
typedef struct nrf_stimulus {
  char file_name[NRF_STIMULUS_NAME_BYTES]; /* inside the set's folder */

  int generation_index; /* place in the published code's order of making: the number in file names            */
  int group;            /* images that show the same share a number; groups are counted in sorted order  */
  int repeat;           /* which of its group it is, from 0, in sorted order                             */

  int                n_patches;                       /* 1, or 2 in the sets double/... */
  nrf_stimulus_patch patch[NRF_STIMULUS_MAX_PATCHES]; /* [0] varies (the mobile one of two), [1] is static */
  double             gain; /* of the deviations: 2 in double/fewlocs_and_fewerangles */
  bool               clip; /* patches larger than the image are cut (nrf_gabor_box_clip) */
} nrf_stimulus;

/* A row of the table. */
typedef struct nrf_stimulus_set nrf_stimulus_set;

/* The sets, in order; NULL past the last. */
const nrf_stimulus_set *nrf_stimulus_set_at(int i);

/* By name, "single/just_angle". NRF_ENOTFOUND, naming the sets there are. */
NRF_MUST_CHECK nrf_status nrf_stimulus_set_find(const char *name, const nrf_stimulus_set **out);

const char *nrf_stimulus_set_name(const nrf_stimulus_set *set);    /* also its folder below --stimuli_dir */
const char *nrf_stimulus_set_summary(const nrf_stimulus_set *set); /* a few words: what it shows          */
int         nrf_stimulus_set_count(const nrf_stimulus_set *set);   /* images                              */
int         nrf_stimulus_set_columns(const nrf_stimulus_set *set); /* images per row that show its order  */

/* The radian of a static patch's angle, NaN if the image has none. */
double nrf_stimulus_static_angle(const nrf_stimulus *stimulus);

/* What the images of a set show if they are of this height and width: a new array of nrf_stimulus_set_count(set)
 * (nrf_free), sorted by file name. (File names name pixels, so they depend on the size.) NRF_ESHAPE if the centre of a
 * patch would lie outside; patches that reach over the border are cut there. */
NRF_MUST_CHECK nrf_status nrf_stimulus_set_describe(const nrf_stimulus_set *set, int height, int width,
                                                    nrf_stimulus **out);

/* Renders one image: base[C, H, W] in, out[C, H, W], floor(255 * value + 0.5) with the value clamped to [0, 1]. */
NRF_MUST_CHECK nrf_status nrf_stimulus_render(const nrf_stimulus *stimulus, nrf_layer_size size,
                                              const uint8_t *base, uint8_t *out);

#endif
