/* recording_layout.h - what the files of the recording have in common: limits, the names of objects in the file, the
 * shape of chunks. */
#ifndef NRFLV_IO_RECORDING_LAYOUT_H
#define NRFLV_IO_RECORDING_LAYOUT_H

#include "nrflv/recording.h"

/* Generous, and small enough that products of two and of three never overflow. */
enum {
  NRF_RECORDING_MAX_SIDE   = 1 << 16,
  NRF_RECORDING_MAX_BATCH  = 1 << 16,
  NRF_RECORDING_TEXT_BYTES = 1023,
};
static const int64_t NRF_RECORDING_MAX_STEPS = (int64_t)1 << 40;

typedef struct nrf_recording_variable_row {
  const char *name, *description;
} nrf_recording_variable_row;

const nrf_recording_variable_row *nrf_recording_variable_info(nrf_record_variable variable);

/* That pictures are given where phases show them, and only there: NRF_EINVAL otherwise. */
NRF_MUST_CHECK nrf_status nrf_recording_check_pictures(const nrf_recording_info *info);

/* Biological time from the first step of the sampler to the beginning of `step`. */
static inline double nrf_recording_seconds(const nrf_recording_info *info, int64_t step)
{
  return (double)step * info->ms_per_step / 1000;
}

/* ---- Places in the file ---- */

#define NRF_RECORDING_HEADER     "/general/nrflv"
#define NRF_RECORDING_MARK       NRF_RECORDING_HEADER "/rows_complete"
#define NRF_RECORDING_EXPERIMENT "/processing/experiment"
#define NRF_RECORDING_IMAGES     NRF_RECORDING_EXPERIMENT "/images"
#define NRF_RECORDING_SETTINGS   NRF_RECORDING_EXPERIMENT "/settings"
#define NRF_RECORDING_EPOCHS     "/intervals/epochs"
#define NRF_RECORDING_PICTURES   "/stimulus/templates/pictures"

enum { NRF_RECORDING_PATH_BYTES = 128 };

/* "/processing/state_1": the series of a variable and layer. Returns `path`. */
const char *nrf_recording_group_path(char path[NRF_RECORDING_PATH_BYTES], const nrf_recording_info *info,
                                     nrf_record_variable variable, int layer);

/* "/processing/state_1/image_000": one series. */
const char *nrf_recording_series_path(char path[NRF_RECORDING_PATH_BYTES], const nrf_recording_info *info,
                                      nrf_record_variable variable, int layer, int image);

/* "/processing/state_1/image_000/data": its numbers. */
enum { NRF_RECORDING_DATA_PATH_BYTES = NRF_RECORDING_PATH_BYTES + 16 };
const char *nrf_recording_data_path(char path[NRF_RECORDING_DATA_PATH_BYTES], const nrf_recording_info *info,
                                    nrf_record_variable variable, int layer, int image);

/* ".../blank", ".../stimulus_017": a picture of one recorded image. */
const char *nrf_recording_picture_path(char path[NRF_RECORDING_PATH_BYTES], const nrf_recording_info *info,
                                       nrf_recording_shows which, int image);

/* An upper bound for what HDF5 needs for itself in a file of such a recording; whole pages. */
int64_t nrf_recording_metadata_bytes(const nrf_recording_info *info);

/* ---- Chunks ---- */

/* A series cut into chunks of one channel, in the order in which the file has them: all channels of the first rows, then
 * of the next. The last ones reach beyond the series. */
typedef struct nrf_recording_chunking {
  int64_t frame_bytes;  /* of one row of one channel          */
  int64_t rows;         /* in a chunk                         */
  int64_t bytes;        /* of a chunk                         */
  int64_t per_channel;  /* chunks                             */
  int64_t per_series;   /* chunks                             */
  int64_t series_bytes; /* all its chunks                     */
} nrf_recording_chunking;

nrf_recording_chunking nrf_recording_chunks(const nrf_recording_info *info, int layer);

/* Whether the chunks of all layers are whole pages. */
bool nrf_recording_is_aligned(const nrf_recording_info *info);

#endif
