/* recorder_copy.h - what is recorded of an image: selected, transposed and converted in one pass over memory. */
#ifndef NRFLV_MANAGERS_RECORDER_COPY_H
#define NRFLV_MANAGERS_RECORDER_COPY_H

#include "nrflv/recording.h"

#include <stddef.h>
#include <stdint.h>

/* Copies the recorded region of the recorded channels of one image, [height][width][channels], to one map [rows][columns] per
 * channel: that of recorded channel c begins at out + c * map_stride bytes. Returns how many finite numbers became
 * infinite because the format ends before them. */
int64_t nrf_copy_maps(const nrf_recorded_layer *layer, nrf_record_format format, const float *image,
                      size_t map_stride, void *out);

/* The conversions alone, for `n` numbers; same return value. `to` may stand at any address. */
int64_t nrf_put_numbers(nrf_record_format format, const float *from, int n, void *to);

#endif
