/* byte_image.h - one 8-bit image in planes: base images, and stimuli on their way to and from PNG files. */
#ifndef NRFLV_BYTE_IMAGE_H
#define NRFLV_BYTE_IMAGE_H

#include "nrflv/states.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stdint.h>

/* An image of owned memory. */
typedef struct nrf_byte_image {
  nrf_layer_size size;  /* 1 channel, grey, or 3, red, green, blue */
  uint8_t       *value; /* [channels, height, width]               */
} nrf_byte_image;

/* A black image. NRF_EINVAL for what a PNG file cannot hold. */
NRF_MUST_CHECK nrf_status nrf_byte_image_create(nrf_layer_size size, nrf_byte_image *out);

/* The nearest bytes to 255 times each of value[channels, height, width], clamped to [0, 1]; halves are rounded up. In
 * single precision, as the published code does it: that decides what is a half. */
NRF_MUST_CHECK nrf_status nrf_byte_image_of_floats(nrf_layer_size size, const float *value,
                                                   nrf_byte_image *out);

/* Reads a PNG file of 8-bit grey or RGB; the errors are those of nrf_png_read. */
NRF_MUST_CHECK nrf_status nrf_byte_image_read(const char *path, nrf_byte_image *out);

/* Writes a PNG file, atomically; _unflushed: without waiting for the disk (atomic_file.h). */
NRF_MUST_CHECK nrf_status nrf_byte_image_write(const char *path, const nrf_byte_image *image);
NRF_MUST_CHECK nrf_status nrf_byte_image_write_unflushed(const char *path, const nrf_byte_image *image);

/* out[channels, height, width] = byte / 255. */
void nrf_byte_image_to_floats(const nrf_byte_image *image, float *out);

bool nrf_same_size(nrf_layer_size a, nrf_layer_size b);

/* The largest difference of two images of one size, in grey levels. */
int nrf_byte_image_difference(const nrf_byte_image *a, const nrf_byte_image *b);

/* Frees the bytes and clears the struct. */
void nrf_byte_image_free(nrf_byte_image *image);

#endif
