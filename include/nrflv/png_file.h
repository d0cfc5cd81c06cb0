/* png_file.h - 8-bit PNG files, grey or RGB: stimuli, base images, and the pictures image_grid.h makes. */
#ifndef NRFLV_PNG_FILE_H
#define NRFLV_PNG_FILE_H

#include "nrflv/status.h"

#include <stddef.h>
#include <stdint.h>

/* A picture of owned memory. */
typedef struct nrf_picture {
  int      width, height;
  int      channels; /* 1 grey, 3 RGB                                             */
  uint8_t *pixels;   /* [height, width, channels], channels interleaved           */
} nrf_picture;

/* A black picture. NRF_EINVAL for sizes PNG does not have (at most 1,000,000 each way). */
NRF_MUST_CHECK nrf_status nrf_picture_create(int width, int height, int channels, nrf_picture *out);

/* Frees the pixels and clears the struct. */
void nrf_picture_free(nrf_picture *picture);

/* Writes a PNG file, atomically (atomic_file.h), that names this program and its version as Software. */
NRF_MUST_CHECK nrf_status nrf_png_write(const char *path, const nrf_picture *picture);

/* The same without waiting for the disk (nrf_atomic_commit_unflushed). */
NRF_MUST_CHECK nrf_status nrf_png_write_unflushed(const char *path, const nrf_picture *picture);

/* Reads a PNG file of 8-bit grey or RGB, at most 16384 pixels each way. NRF_ENOTFOUND if there is none;
 * NRF_EFORMAT if it is not a PNG file, damaged, or of another kind (palette, transparency, 16 bits). */
NRF_MUST_CHECK nrf_status nrf_png_read(const char *path, nrf_picture *out);

/* Reads a PNG file of the given form into floats byte/255, [channels, height, width]. NRF_ESHAPE if the
 * file has another form. */
NRF_MUST_CHECK nrf_status nrf_png_read_planes(const char *path, int channels, int height, int width,
                                              float *out);

#endif
