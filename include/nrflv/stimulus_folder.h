/* stimulus_folder.h - the stimuli on disk (--stimuli_dir), as --gen_exp_stim makes and --experiment loads them:
 *
 *   base_image.png                  what all images below were made from; shown as the blank image
 *   base_image_<dataset>.png        the mean image of a data set's training images, computed once
 *   single/just_angle/gf_...png     a folder for each set, its images and nothing else
 *   contact_sheets/                 each set on one page, for people
 *
 * All images of a folder are of one base image: one that holds others is refused, and loading compares every image
 * with what its name and the base image say, so that neither a mixture nor a damaged image gets into an experiment. */
#ifndef NRFLV_STIMULUS_FOLDER_H
#define NRFLV_STIMULUS_FOLDER_H

#include "nrflv/byte_image.h"
#include "nrflv/progress.h"
#include "nrflv/stimulus_set.h"

enum { NRF_STIMULUS_PATH_BYTES = 2048 };

/* ---- loading ---- */

/* The images of a set, ready to be shown. */
typedef struct nrf_stimuli {
  const nrf_stimulus_set *set;
  int                     count;
  nrf_layer_size          size;
  nrf_stimulus           *stimulus; /* [count] what they show, sorted by file name */
  float                  *images;   /* [count, C, H, W], byte / 255, in that order */
  float                  *blank;    /* [C, H, W] the base image                    */
} nrf_stimuli;

/* Loads a set whose images are to be of `size`. One line for each thing that can be wrong, with the file at fault and
 * what to do: NRF_ENOTFOUND (folder, base image or images missing), NRF_ESHAPE (images of another size),
 * NRF_EFORMAT (a damaged PNG file; files that do not belong there; an image that is not what its name says). */
NRF_MUST_CHECK nrf_status nrf_stimuli_load(const char *directory, const nrf_stimulus_set *set,
                                           nrf_layer_size size, nrf_stimuli **out);
void                      nrf_stimuli_free(nrf_stimuli *stimuli); /* NULL is fine */

/* ---- making ---- */

/* Makes `base` the base image of the folder: writes base_image.png if there is none. NRF_EINVAL, saying what to do, if
 * there is another: its stimuli would be lost. */
NRF_MUST_CHECK nrf_status nrf_stimulus_folder_claim(const char *directory, const nrf_byte_image *base);

/* Where one is in the making of several sets, for a display that goes over all of them. */
typedef struct nrf_stimulus_progress {
  const nrf_progress *progress;
  int64_t             done, total; /* images; done is advanced */
  int64_t             written;     /* those that were not there, or not as they should be; advanced */
} nrf_stimulus_progress;

/* Makes all images of a set and its contact sheet. Files that are there already as they should be stay as they are.
 * NRF_EFORMAT if there are others in the set's folder; NRF_EINTERRUPTED if progress wants to stop. */
NRF_MUST_CHECK nrf_status nrf_stimulus_folder_make(const char *directory, const nrf_stimulus_set *set,
                                                   const nrf_byte_image *base, nrf_stimulus_progress *at);

#endif
