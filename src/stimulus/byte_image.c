/* byte_image.c - one 8-bit image in planes. */
#include "nrflv/byte_image.h"

#include "nrflv/memory.h"
#include "nrflv/png_file.h"

#include <stdlib.h>

nrf_status nrf_byte_image_create(nrf_layer_size size, nrf_byte_image *out)
{
  void *memory = NULL;
  *out         = (nrf_byte_image){0};
  if ((size.channels != 1 && size.channels != 3) || size.height < 1 || size.width < 1)
    return nrf_error(NRF_EINVAL, "an image of %d x %d pixels and %d channels cannot be a PNG file",
                     size.width, size.height, size.channels);
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)nrf_layer_units(size), "image", &memory));
  *out = (nrf_byte_image){size, memory};
  return NRF_OK;
}

nrf_status nrf_byte_image_of_floats(nrf_layer_size size, const float *value, nrf_byte_image *out)
{
  NRF_RETURN_IF_ERROR(nrf_byte_image_create(size, out));
  for (int64_t i = 0; i < nrf_layer_units(size); i++) {
    const float scaled = value[i] * 255.0f;
    if (scaled >= 255.0f)
      out->value[i] = 255;
    else if (scaled > 0.0f) /* NaN stays black */
      out->value[i] = (uint8_t)((double)scaled + 0.5);
  }
  return NRF_OK;
}

nrf_status nrf_byte_image_read(const char *path, nrf_byte_image *out)
{
  nrf_status  st = NRF_OK;
  nrf_picture picture;
  *out = (nrf_byte_image){0};
  NRF_RETURN_IF_ERROR(nrf_png_read(path, &picture));
  NRF_TRY(nrf_byte_image_create((nrf_layer_size){picture.channels, picture.height, picture.width}, out));
  const int64_t plane = (int64_t)picture.height * picture.width;
  for (int64_t i = 0; i < plane; i++)
    for (int c = 0; c < picture.channels; c++)
      out->value[c * plane + i] = picture.pixels[i * picture.channels + c];
done:
  nrf_picture_free(&picture);
  return st;
}

static nrf_status to_picture(const nrf_byte_image *image, nrf_picture *out)
{
  const nrf_layer_size size  = image->size;
  const int64_t        plane = (int64_t)size.height * size.width;
  NRF_RETURN_IF_ERROR(nrf_picture_create(size.width, size.height, size.channels, out));
  for (int64_t i = 0; i < plane; i++)
    for (int c = 0; c < size.channels; c++) out->pixels[i * size.channels + c] = image->value[c * plane + i];
  return NRF_OK;
}

nrf_status nrf_byte_image_write(const char *path, const nrf_byte_image *image)
{
  nrf_picture picture;
  NRF_RETURN_IF_ERROR(to_picture(image, &picture));
  const nrf_status st = nrf_png_write(path, &picture);
  nrf_picture_free(&picture);
  return st;
}

nrf_status nrf_byte_image_write_unflushed(const char *path, const nrf_byte_image *image)
{
  nrf_picture picture;
  NRF_RETURN_IF_ERROR(to_picture(image, &picture));
  const nrf_status st = nrf_png_write_unflushed(path, &picture);
  nrf_picture_free(&picture);
  return st;
}

void nrf_byte_image_to_floats(const nrf_byte_image *image, float *out)
{
  for (int64_t i = 0; i < nrf_layer_units(image->size); i++) out[i] = (float)image->value[i] / 255.0f;
}

bool nrf_same_size(nrf_layer_size a, nrf_layer_size b)
{
  return a.channels == b.channels && a.height == b.height && a.width == b.width;
}

int nrf_byte_image_difference(const nrf_byte_image *a, const nrf_byte_image *b)
{
  int largest = 0;
  for (int64_t i = 0; i < nrf_layer_units(a->size); i++) {
    const int difference = abs(a->value[i] - b->value[i]);
    if (difference > largest) largest = difference;
  }
  return largest;
}

void nrf_byte_image_free(nrf_byte_image *image)
{
  nrf_free(image->value);
  *image = (nrf_byte_image){0};
}
