/* memory_source.h - recordings that exist only as a function of where one looks: sources of traces for tests. */
#ifndef NRFLV_TESTS_MEMORY_SOURCE_H
#define NRFLV_TESTS_MEMORY_SOURCE_H

#include "nrflv/extract.h"

enum { MEMORY_IMAGES = 160, MEMORY_CHANNELS = 64 };

typedef struct memory_source {
  nrf_trace_source    source; /* what to give to others: points into this struct, so do not copy it */
  nrf_recording_info  info;
  nrf_recording_image image[MEMORY_IMAGES];
  int                 channel[MEMORY_CHANNELS];

  /* The number at a place; NULL: memory_noise. Images and channels count within the recording, h and w within the region. */
  float (*value)(const struct memory_source *s, nrf_record_variable variable, int image, int channel,
                 int64_t row, int h, int w);
  int images_read;  /* whose last channel of states was read             */
  int fail_after;   /* reading fails after so many images; -1: never ... */
  int fail_channel; /* ... from this channel on                          */
} memory_source;

/* A recording of the states of layer 1, [channels, height, width], with phases of 10, 40, 40 and 24 steps. Images have no
 * angle, group i and repeat 0; change the info as needed before it is used. */
void memory_source_create(memory_source *s, const char *stimulus_set, int images, int channels, int height,
                          int width);

/* Sets the lengths of the four phases. */
void memory_source_set_phases(memory_source *s, int64_t burn_in, int64_t pre, int64_t stimulus, int64_t post);

/* Uniform noise in [-1, 1), a multiple of 2^-23, different everywhere. */
float memory_noise(const memory_source *s, nrf_record_variable variable, int image, int channel, int64_t row,
                   int h, int w);

/* The number that `source` gives. */
float memory_value(const memory_source *s, nrf_record_variable variable, int image, int channel, int64_t row,
                   int h, int w);

/* The same recording as a file, `path` when it is complete. */
nrf_status memory_source_record(const memory_source *s, const char *path);

/* Its extract, no longer on the disk. */
nrf_status memory_source_extract(const memory_source *s, nrf_extract **out);

#endif
