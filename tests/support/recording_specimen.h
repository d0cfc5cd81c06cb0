/* recording_specimen.h - small recordings whose every number is known: what stands where is a function of where it
 * stands. */
#ifndef NRFLV_TESTS_RECORDING_SPECIMEN_H
#define NRFLV_TESTS_RECORDING_SPECIMEN_H

#include "nrflv/recording.h"

enum { SPECIMEN_IMAGES = 3, SPECIMEN_CHANNELS = 3 };

/* An info with memory for what it points to. Do not copy it. */
typedef struct specimen {
  nrf_recording_info    info;
  nrf_recording_image   image[SPECIMEN_IMAGES];
  nrf_recording_setting setting[2];
  int                   channel[2][SPECIMEN_CHANNELS];
  uint8_t blank[3 * 4 * 5], burn_in[SPECIMEN_IMAGES * 3 * 4 * 5], stimulus[SPECIMEN_IMAGES * 3 * 4 * 5];
} specimen;

/* Two variables, two layers (one of them in part), three images of a batch of nine, four phases of `n_steps` together. */
void specimen_create(specimen *s, int64_t n_steps);

/* The number at row, y, x of the recorded region of a channel: a multiple of 1/64 that float16 holds exactly. */
float specimen_value(const nrf_recording_info *info, int variable, int layer, int image, int channel,
                     int64_t row, int y, int x);

/* Writes rows [first, first + n) of all series, in the file's number format. */
nrf_status specimen_write(nrf_recording_writer *w, int64_t first, int64_t n);

/* Creates, writes and finishes a whole one, beside `path` and then there. */
nrf_status specimen_record(const specimen *s, const char *path);

#endif
