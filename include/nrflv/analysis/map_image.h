/* map_image.h - numbers of images: contrast, and grey values of films (sections 1.6, 3.4). */
#ifndef NRFLV_ANALYSIS_MAP_IMAGE_H
#define NRFLV_ANALYSIS_MAP_IMAGE_H

#include <stdint.h>

/* (M - m) / (M + m), M and m being the largest and smallest pixel of the mean of three colour planes of an 8-bit image, [pixel][3].
 * NaN for a black image. */
double nrf_image_contrast(int64_t pixels, const uint8_t *rgb);

/* The same of an 8-bit image in planes, [planes][pixel], one or three of them. */
double nrf_planes_contrast(int planes, int64_t pixels, const uint8_t *value);

/* trunc(255 (x - lowest) / (highest - lowest)) in single precision, over all frames of one film. All 0 if lowest == highest; a
 * NaN is 0. */
void nrf_film_greys(int64_t n, const float *x, float lowest, float highest, uint8_t *grey);

#endif
