/* recording_header.h - a recording's info in its file: written, read, and compared with another. */
#ifndef NRFLV_IO_RECORDING_HEADER_H
#define NRFLV_IO_RECORDING_HEADER_H

#include "io/nwb_file.h"
#include "io/recording_layout.h"

enum { NRF_RECORDING_HASH_BYTES = 33, NRF_RECORDING_HEADER_TEXTS = 8 };

/* MD5 of the pictures that an info brings, 32 digits. */
void nrf_recording_hash_pictures(const nrf_recording_info *info, char hash[NRF_RECORDING_HASH_BYTES]);

/* Writes what describes the recording as a whole: NRF_RECORDING_HEADER but for the mark, the tables. */
void nrf_recording_write_header(nrf_nwb *nwb, const nrf_recording_info *info);

/* An info that owns what it points to. */
typedef struct nrf_recording_header {
  nrf_recording_info info;
  char              *text[NRF_RECORDING_HEADER_TEXTS];
  void              *image, *setting;
  nrf_h5_strings     setting_name, setting_value;
  void              *channel[NRF_RECORDING_MAX_LAYERS];
  char               pictures_hash[NRF_RECORDING_HASH_BYTES];
} nrf_recording_header;

/* Reads it; what comes back passes nrf_recording_check. Free it, also after a failure. */
NRF_MUST_CHECK nrf_status nrf_recording_read_header(const nrf_h5_file *file, nrf_recording_header *out);
void                      nrf_recording_free_header(nrf_recording_header *header);

/* 32 digits that are equal for recordings that say the same of themselves, the time they were begun included. */
NRF_MUST_CHECK nrf_status nrf_recording_identify(const char *path, const nrf_recording_header *header,
                                                 char identity[NRF_RECORDING_HASH_BYTES]);

/* NRF_EINVAL, naming the first thing that differs, unless `info` is what the file at `path` records. */
NRF_MUST_CHECK nrf_status nrf_recording_compare(const char *path, const nrf_recording_header *in_file,
                                                const nrf_recording_info *info);

#endif
