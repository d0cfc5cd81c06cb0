/* recording_layout.c - where things are in a recording, and how large they are. */
#include "io/recording_layout.h"

#include <stdio.h>

/* What HDF5 caches of a data set by default in every reader there is. A larger chunk would be read again for each piece. */
static const int64_t CHUNK_BYTES = 1 << 20;

/* HDF5's own needs, measured and rounded up: for a series with its attributes, for a chunk's place. */
static const int64_t SERIES_BYTES = 8192, CHUNK_PLACE_BYTES = 144, FILE_BYTES = 65536;
/* For a picture's header and attributes. */
static const int64_t PICTURE_BYTES = 1024;

const char *nrf_recording_group_path(char path[NRF_RECORDING_PATH_BYTES], const nrf_recording_info *info,
                                     nrf_record_variable variable, int layer)
{
  (void)snprintf(path, NRF_RECORDING_PATH_BYTES, "/processing/%s_%d", nrf_record_variable_name(variable),
                 info->layer[layer].layer);
  return path;
}

const char *nrf_recording_series_path(char path[NRF_RECORDING_PATH_BYTES], const nrf_recording_info *info,
                                      nrf_record_variable variable, int layer, int image)
{
  (void)snprintf(path, NRF_RECORDING_PATH_BYTES, "/processing/%s_%d/image_%03d",
                 nrf_record_variable_name(variable), info->layer[layer].layer, info->image[image].index);
  return path;
}

/* As few chunks as CHUNK_BYTES allow, then as short as they can be for that number, so that little is left over. */
nrf_recording_chunking nrf_recording_chunks(const nrf_recording_info *info, int layer)
{
  const nrf_recorded_layer *l      = &info->layer[layer];
  const int64_t             n_rows = nrf_recording_n_rows(info);
  nrf_recording_chunking    c;
  c.frame_bytes         = (int64_t)l->rows * l->columns * (int64_t)nrf_record_number_bytes(info->format);
  const int64_t longest = c.frame_bytes < CHUNK_BYTES ? CHUNK_BYTES / c.frame_bytes : 1;
  c.per_channel         = (n_rows + longest - 1) / longest;
  c.rows                = (n_rows + c.per_channel - 1) / c.per_channel;
  c.bytes               = c.rows * c.frame_bytes;
  c.per_series          = c.per_channel * l->n_channels;
  c.series_bytes        = c.per_series * c.bytes;
  return c;
}

int64_t nrf_recording_chunk_rows(const nrf_recording_info *info, int layer_index)
{
  return nrf_recording_chunks(info, layer_index).rows;
}

/* ---- Sizes ---- */

static int64_t count_variables(const nrf_recording_info *info)
{
  int64_t n = 0;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) n += info->variable[v];
  return n;
}

/* Series per layer. */
static int64_t count_series(const nrf_recording_info *info)
{
  return count_variables(info) * info->n_images;
}

int64_t nrf_recording_data_bytes(const nrf_recording_info *info)
{
  const int64_t per_number = count_series(info) * (int64_t)nrf_record_number_bytes(info->format);
  int64_t       units      = 0, bytes;
  for (int i = 0; i < info->n_layers; i++) {
    const nrf_recorded_layer *l = &info->layer[i];
    units += (int64_t)l->n_channels * l->rows * l->columns;
  }
  if (__builtin_mul_overflow(units, nrf_recording_n_rows(info), &bytes) ||
      __builtin_mul_overflow(bytes, per_number, &bytes))
    return -1;
  return bytes;
}

static int64_t picture_bytes(const nrf_recording_info *info)
{
  const nrf_recording_pictures *p   = &info->pictures;
  const int64_t                 one = (int64_t)p->channels * p->height * p->width + PICTURE_BYTES;
  return one * (1 + 2 * (int64_t)info->n_images);
}

int64_t nrf_recording_file_bytes(const nrf_recording_info *info)
{
  const int64_t series = count_series(info);
  int64_t       bytes  = FILE_BYTES + picture_bytes(info);
  for (int i = 0; i < info->n_layers; i++) {
    const nrf_recording_chunking c = nrf_recording_chunks(info, i);
    bytes += series * (c.series_bytes + SERIES_BYTES + c.per_series * CHUNK_PLACE_BYTES);
  }
  return bytes;
}

int64_t nrf_recording_peak_bytes(const nrf_recording_info *info)
{
  return nrf_recording_file_bytes(info) * (nrf_record_filters_any(info->filters) ? 2 : 1);
}
