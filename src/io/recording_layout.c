/* recording_layout.c - where things are in a recording, and how large they are. */
#include "io/recording_layout.h"

#include "io/h5_chunks.h"

#include <stdio.h>
#include <string.h>

/* What HDF5 caches of a data set by default in every reader there is. A larger chunk would be read again for each piece. */
static const int64_t CHUNK_BYTES = 1 << 20;

/* HDF5's own needs, measured and rounded up: for the file's groups and tables; for a series with its attributes; for the
 * place of a chunk; for an image of the batch with its pictures; for a setting. */
static const int64_t FILE_BYTES = 1 << 17, SERIES_BYTES = 12288, CHUNK_PLACE_BYTES = 160, IMAGE_BYTES = 12288,
                     SETTING_BYTES = 128;

/* The same of the tables and texts, whose data stand beside the metadata. */
static const int64_t TABLES_BYTES = 1 << 15, IMAGE_ROW_BYTES = NRF_RECORDING_FILE_NAME + 128;

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

const char *nrf_recording_picture_path(char path[NRF_RECORDING_PATH_BYTES], const nrf_recording_info *info,
                                       nrf_recording_shows which, int image)
{
  if (which == NRF_SHOWS_BLANK)
    (void)snprintf(path, NRF_RECORDING_PATH_BYTES, NRF_RECORDING_PICTURES "/blank");
  else
    (void)snprintf(path, NRF_RECORDING_PATH_BYTES, NRF_RECORDING_PICTURES "/%s_%03d",
                   which == NRF_SHOWS_BURN_IN ? "burn_in" : "stimulus", info->image[image].index);
  return path;
}

const char *nrf_recording_data_path(char path[NRF_RECORDING_DATA_PATH_BYTES], const nrf_recording_info *info,
                                    nrf_record_variable variable, int layer, int image)
{
  char series[NRF_RECORDING_PATH_BYTES];
  (void)snprintf(path, NRF_RECORDING_DATA_PATH_BYTES, "%s/data",
                 nrf_recording_series_path(series, info, variable, layer, image));
  return path;
}

static int64_t divide_up(int64_t a, int64_t b)
{
  return (a + b - 1) / b;
}

/* Rows that make whole pages: a power of two. */
static int64_t rows_per_page(int64_t frame_bytes)
{
  int64_t rows = NRF_H5_PAGE_BYTES;
  while (rows > 1 && rows / 2 * frame_bytes % NRF_H5_PAGE_BYTES == 0) rows /= 2;
  return rows;
}

/* As few chunks as CHUNK_BYTES allow, then as short as they can be for that number, so that little is left over; whole
 * pages, if that lengthens them by no more than a fiftieth. */
nrf_recording_chunking nrf_recording_chunks(const nrf_recording_info *info, int layer)
{
  const nrf_recorded_layer *l      = &info->layer[layer];
  const int64_t             n_rows = nrf_recording_n_rows(info);
  nrf_recording_chunking    c;
  c.frame_bytes         = (int64_t)l->rows * l->columns * (int64_t)nrf_record_number_bytes(info->format);
  const int64_t longest = c.frame_bytes < CHUNK_BYTES ? CHUNK_BYTES / c.frame_bytes : 1;
  c.per_channel         = divide_up(n_rows, longest);
  c.rows                = divide_up(n_rows, c.per_channel);
  const int64_t unit = rows_per_page(c.frame_bytes), paged = divide_up(c.rows, unit) * unit;
  if (paged <= longest && paged <= n_rows && paged - c.rows <= c.rows / 50) c.rows = paged;
  c.bytes        = c.rows * c.frame_bytes;
  c.per_series   = c.per_channel * l->n_channels;
  c.series_bytes = c.per_series * c.bytes;
  return c;
}

bool nrf_recording_is_aligned(const nrf_recording_info *info)
{
  for (int i = 0; i < info->n_layers; i++)
    if (nrf_recording_chunks(info, i).bytes % NRF_H5_PAGE_BYTES != 0) return false;
  return true;
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

int64_t nrf_recording_metadata_bytes(const nrf_recording_info *info)
{
  const int64_t series = count_series(info);
  int64_t       bytes  = FILE_BYTES + info->n_images * IMAGE_BYTES;
  for (int i = 0; i < info->n_settings; i++)
    bytes += (int64_t)(strlen(info->setting[i].name) + strlen(info->setting[i].value)) + SETTING_BYTES;
  for (int i = 0; i < info->n_layers; i++)
    bytes += series * (SERIES_BYTES + nrf_recording_chunks(info, i).per_series * CHUNK_PLACE_BYTES);
  return divide_up(bytes, NRF_H5_PAGE_BYTES) * NRF_H5_PAGE_BYTES;
}

/* A table's texts are as long as the longest of their column. */
static int64_t settings_table_bytes(const nrf_recording_info *info)
{
  size_t name = 0, value = 0;
  for (int i = 0; i < info->n_settings; i++) {
    if (strlen(info->setting[i].name) > name) name = strlen(info->setting[i].name);
    if (strlen(info->setting[i].value) > value) value = strlen(info->setting[i].value);
  }
  return info->n_settings * (int64_t)(name + value + sizeof(int64_t));
}

/* Pictures, tables and scales, beside the series themselves. */
static int64_t small_data_bytes(const nrf_recording_info *info)
{
  const nrf_recording_pictures *p     = &info->pictures;
  const int64_t                 one   = (int64_t)p->channels * p->height * p->width;
  int64_t                       bytes = one * (1 + 2 * (int64_t)info->n_images);
  bytes += TABLES_BYTES + info->n_images * IMAGE_ROW_BYTES + settings_table_bytes(info);
  for (int i = 0; i < info->n_layers; i++) {
    const nrf_recorded_layer *l = &info->layer[i];
    bytes += count_variables(info) *
             (16 * nrf_recording_n_rows(info) + 4 * ((int64_t)l->n_channels + l->rows + l->columns));
  }
  return bytes;
}

int64_t nrf_recording_file_bytes(const nrf_recording_info *info)
{
  int64_t bytes = nrf_recording_metadata_bytes(info) + small_data_bytes(info);
  for (int i = 0; i < info->n_layers; i++) {
    const nrf_recording_chunking c = nrf_recording_chunks(info, i);
    bytes += count_series(info) * c.series_bytes;
  }
  return bytes;
}

int64_t nrf_recording_peak_bytes(const nrf_recording_info *info)
{
  return nrf_recording_file_bytes(info) * (nrf_record_filters_any(info->filters) ? 2 : 1);
}
