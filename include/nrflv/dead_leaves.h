/* dead_leaves.h - a generator of images with the statistics of natural ones: the dead leaves model
 * (Matheron 1968; Lee, Mumford & Huang, "Occlusion models for natural images", IJCV 2001). Discs fall one
 * on another until nothing shows through; their radii have the density r^-3, which makes the ensemble nearly
 * scale invariant, so that its power spectrum falls off as about 1/f^2. */
#ifndef NRFLV_DEAD_LEAVES_H
#define NRFLV_DEAD_LEAVES_H

#include <stdint.h>

enum { NRF_DEAD_LEAVES_CHANNELS = 3, NRF_DEAD_LEAVES_SIZE = 32 };

/* Writes image k of the ensemble `seed`: [3, 32, 32] bytes, RGB planes. A pure function of (seed, k), in
 * integer arithmetic: the same bytes on every machine, whatever the compiler and the number of threads. */
void nrf_dead_leaves_image(uint64_t seed, uint64_t k, uint8_t *rgb);

#endif
