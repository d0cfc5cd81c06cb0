/* memory_source.c - see memory_source.h. */
#include "memory_source.h"
#include "scratch.h"

#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint32_t mix(uint32_t a)
{
  a ^= a >> 16;
  a *= 0x7feb352du;
  a ^= a >> 15;
  a *= 0x846ca68bu;
  return a ^ a >> 16;
}

float memory_noise(const memory_source *s, nrf_record_variable variable, int image, int channel, int64_t row,
                   int h, int w)
{
  const nrf_recorded_layer *l = &s->info.layer[0];
  const uint32_t            place =
      (uint32_t)(((((int64_t)variable * s->info.n_images + image) * l->n_channels + channel) * l->rows + h) *
                     l->columns +
                 w);
  return (float)((int)(mix(mix(place) + (uint32_t)row * 0x9E3779B9u) >> 8) - (1 << 23)) / (1 << 23);
}

float memory_value(const memory_source *s, nrf_record_variable variable, int image, int channel, int64_t row,
                   int h, int w)
{
  return (s->value != NULL ? s->value : memory_noise)(s, variable, image, channel, row, h, w);
}

static nrf_status read_block(void *context, nrf_record_variable variable, int layer, int image,
                             nrf_recording_block b, float *out)
{
  memory_source            *s = context;
  const nrf_recorded_layer *l = &s->info.layer[0];
  if (layer != 0 || image < 0 || image >= s->info.n_images || b.first_row < 0 ||
      b.first_row + b.n_rows > nrf_recording_n_rows(&s->info) || b.first_channel < 0 ||
      b.first_channel + b.n_channels > l->n_channels || b.top < 0 || b.top + b.rows > l->rows || b.left < 0 ||
      b.left + b.columns > l->columns || !s->info.variable[variable])
    return nrf_error(NRF_ESHAPE, "memory: a block that is not there");
  if (s->fail_after >= 0 && s->images_read >= s->fail_after && b.first_channel >= s->fail_channel)
    return nrf_error(NRF_EIO, "memory: the disk is broken");
  for (int64_t t = b.first_row; t < b.first_row + b.n_rows; t++)
    for (int c = b.first_channel; c < b.first_channel + b.n_channels; c++)
      for (int h = b.top; h < b.top + b.rows; h++)
        for (int w = b.left; w < b.left + b.columns; w++)
          *out++ = memory_value(s, variable, image, c, t, h, w);
  if (variable == NRF_RECORD_STATE && b.first_channel + b.n_channels == l->n_channels) s->images_read++;
  return NRF_OK;
}

static nrf_status read_picture(void *context, nrf_recording_shows which, int image, uint8_t *out)
{
  const nrf_recording_pictures *p = &((memory_source *)context)->info.pictures;
  memset(out, 10 * (int)which + image, (size_t)p->channels * (size_t)p->height * (size_t)p->width);
  return NRF_OK;
}

void memory_source_set_phases(memory_source *s, int64_t burn_in, int64_t pre, int64_t stimulus, int64_t post)
{
  const nrf_recording_phase phases[] = {{"burn_in", 0, burn_in, NRF_SHOWS_BURN_IN},
                                        {"pre", burn_in, pre, NRF_SHOWS_BLANK},
                                        {"stimulus", burn_in + pre, stimulus, NRF_SHOWS_STIMULUS},
                                        {"post", burn_in + pre + stimulus, post, NRF_SHOWS_BLANK}};
  memcpy(s->info.phase, phases, sizeof phases);
  s->info.n_phases = 4;
  s->info.n_steps  = burn_in + pre + stimulus + post;
}

void memory_source_create(memory_source *s, const char *stimulus_set, int images, int channels, int height,
                          int width)
{
  memset(s, 0, sizeof *s);
  s->fail_after                      = -1;
  s->info                            = (nrf_recording_info){.experiment      = "memory",
                                                            .stimulus_set    = stimulus_set,
                                                            .session_name    = "session",
                                                            .model_name      = "model",
                                                            .model_hash      = "d41d8cd98f00b204e9800998ecf8427e",
                                                            .program_version = "0.1.0",
                                                            .seed            = 7,
                                                            .session_start   = 1234567890,
                                                            .stride          = 1,
                                                            .ms_per_step     = 70.0 / 17,
                                                            .batch           = images,
                                                            .n_layers        = 1,
                                                            .n_images        = images,
                                                            .image           = s->image,
                                                            .pictures        = {.channels = 1, .height = 3, .width = 4}};
  s->info.variable[NRF_RECORD_STATE] = true;
  s->info.layer[0] =
      (nrf_recorded_layer){1, channels, height, width, channels, s->channel, 0, 0, height, width};
  memory_source_set_phases(s, 10, 40, 40, 24);
  for (int c = 0; c < channels; c++) s->channel[c] = c;
  for (int i = 0; i < images; i++)
    s->image[i] =
        (nrf_recording_image){.index = i, .angle = NAN, .angle_static = NAN, .contrast = NAN, .group = i};
  s->source = (nrf_trace_source){.info         = &s->info,
                                 .origin       = {"/memory", 100, 200, "0123456789abcdef0123456789abcdef"},
                                 .context      = s,
                                 .read         = read_block,
                                 .read_picture = read_picture};
}

/* ---- a file -------------------------------------------------------------------------------------------------- */

static nrf_status write_series(const memory_source *s, nrf_recording_writer *w, nrf_record_variable variable,
                               int image, int channel, float *series)
{
  const nrf_recorded_layer *l    = &s->info.layer[0];
  const int64_t             rows = nrf_recording_n_rows(&s->info);
  float                    *out  = series;
  for (int64_t t = 0; t < rows; t++)
    for (int h = 0; h < l->rows; h++)
      for (int x = 0; x < l->columns; x++) *out++ = memory_value(s, variable, image, channel, t, h, x);
  return nrf_recording_write(w, variable, 0, image, channel, 0, rows, series);
}

static nrf_status write_all(const memory_source *s, nrf_recording_writer *w, float *series)
{
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    for (int i = 0; i < s->info.n_images && s->info.variable[v]; i++)
      for (int c = 0; c < s->info.layer[0].n_channels; c++)
        NRF_RETURN_IF_ERROR(write_series(s, w, (nrf_record_variable)v, i, c, series));
  return nrf_recording_mark(w, nrf_recording_n_rows(&s->info));
}

/* The blank picture, those of the burn-in, the stimuli: [1 + 2 images], which the info then points to. */
static nrf_status make_pictures(const memory_source *s, nrf_recording_info *info, void **memory)
{
  nrf_recording_pictures *p = &info->pictures;
  const size_t size = (size_t)p->channels * (size_t)p->height * (size_t)p->width, n = (size_t)info->n_images;
  NRF_RETURN_IF_ERROR(nrf_alloc((1 + 2 * n) * size, "pictures", memory));
  uint8_t *blank = *memory, *burn_in = blank + size, *stimulus = burn_in + n * size;
  NRF_RETURN_IF_ERROR(s->source.read_picture(s->source.context, NRF_SHOWS_BLANK, 0, blank));
  for (size_t i = 0; i < n; i++) {
    NRF_RETURN_IF_ERROR(
        s->source.read_picture(s->source.context, NRF_SHOWS_BURN_IN, (int)i, burn_in + i * size));
    NRF_RETURN_IF_ERROR(
        s->source.read_picture(s->source.context, NRF_SHOWS_STIMULUS, (int)i, stimulus + i * size));
  }
  p->blank    = blank;
  p->burn_in  = burn_in;
  p->stimulus = stimulus;
  return NRF_OK;
}

nrf_status memory_source_record(const memory_source *s, const char *path)
{
  nrf_status                st     = NRF_OK;
  const nrf_recorded_layer *l      = &s->info.layer[0];
  nrf_recording_info        info   = s->info;
  nrf_recording_writer     *w      = NULL;
  float                    *series = NULL;
  void                     *memory = NULL;
  char                      partial[4096];
  (void)snprintf(partial, sizeof partial, "%s.partial.nwb", path);
  NRF_TRY(nrf_alloc_floats(nrf_recording_n_rows(&s->info) * l->rows * l->columns, "memory", &series));
  NRF_TRY(make_pictures(s, &info, &memory));
  NRF_TRY(nrf_recording_create(partial, &info, false, &w));
  NRF_TRY(write_all(s, w, series));
  NRF_TRY(nrf_recording_finish(w, path, NULL));
done:
  nrf_recording_writer_free(w);
  nrf_free(series);
  nrf_free(memory);
  return st;
}

nrf_status memory_source_extract(const memory_source *s, nrf_extract **out)
{
  static const nrf_extract_effort effort = {1, 64 << 20};
  nrf_status                      st     = NRF_OK;
  char                            directory[SCRATCH_PATH], path[SCRATCH_PATH];
  *out = NULL;
  scratch_create(directory);
  scratch_path(path, directory, "x.extract.h5");
  NRF_TRY(nrf_extract_make(&s->source, path, effort, NULL));
  NRF_TRY(nrf_extract_open(path, out)); /* mapped: outlives its name */
done:
  scratch_remove(directory);
  return st;
}
