/* true_contrast.h - the contrast of a stimulus as it was shown (section 1.6), which is not the one it was made with: the image behind a
 * patch has a contrast of its own, and strong patches are clipped at white. */
#ifndef NRFLV_ANALYSIS_TRUE_CONTRAST_H
#define NRFLV_ANALYSIS_TRUE_CONTRAST_H

#include "nrflv/extract.h"

/* (M - m) / (M + m), M and m being the lightest and darkest pixel of the mean of the colour planes of the stimulus of image b; in
 * [0, 1]. NaN if the recording holds no pictures of its stimuli, or that one is black. */
double nrf_true_contrast(const nrf_extract *x, int b);

#endif
