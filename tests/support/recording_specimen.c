/* recording_specimen.c - see recording_specimen.h. */
#include "recording_specimen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill_pictures(specimen *s)
{
  for (size_t i = 0; i < sizeof s->blank; i++) s->blank[i] = (uint8_t)(i * 3);
  for (size_t i = 0; i < sizeof s->burn_in; i++) {
    s->burn_in[i]  = (uint8_t)(i * 5 + 1);
    s->stimulus[i] = (uint8_t)(i * 7 + 2);
  }
  s->info.pictures = (nrf_recording_pictures){3, 4, 5, s->blank, s->burn_in, s->stimulus};
}

static void fill_images(specimen *s)
{
  for (int i = 0; i < SPECIMEN_IMAGES; i++) {
    s->image[i] = (nrf_recording_image){.index         = 1 + 3 * i,
                                        .angle         = 0.25 * i,
                                        .angle_static  = NAN,
                                        .contrast      = 2.4,
                                        .offset_row    = -i,
                                        .offset_column = 2 * i,
                                        .group         = i / 2,
                                        .repeat        = i % 2};
    (void)snprintf(s->image[i].file_name, sizeof s->image[i].file_name, "angle%d_\xc3\xa4.png", i);
  }
  s->info.n_images = SPECIMEN_IMAGES;
  s->info.image    = s->image;
  s->info.batch    = 9;
}

static void fill_layers(specimen *s)
{
  for (int i = 0; i < SPECIMEN_CHANNELS; i++) {
    s->channel[0][i] = i;
    s->channel[1][i] = 2 * i + 1;
  }
  s->info.n_layers = 2;
  s->info.layer[0] = (nrf_recorded_layer){1, 3, 6, 5, 3, s->channel[0], 0, 0, 6, 5};
  s->info.layer[1] = (nrf_recorded_layer){3, 8, 7, 9, 3, s->channel[1], 2, 1, 4, 8};
}

static void fill_phases(specimen *s, int64_t n_steps)
{
  static const nrf_recording_phase phases[] = {{"burn_in", 0, 0, NRF_SHOWS_BURN_IN},
                                               {"pre", 0, 0, NRF_SHOWS_BLANK},
                                               {"stimulus", 0, 0, NRF_SHOWS_STIMULUS},
                                               {"post", 0, 0, NRF_SHOWS_BLANK}};
  int64_t                          step     = 0;
  s->info.n_phases                          = 4;
  for (int i = 0; i < 4; i++) {
    s->info.phase[i]            = phases[i];
    s->info.phase[i].first_step = step;
    s->info.phase[i].n_steps    = i < 3 ? n_steps / 4 : n_steps - step;
    step += s->info.phase[i].n_steps;
  }
  s->info.n_steps = n_steps;
}

void specimen_create(specimen *s, int64_t n_steps)
{
  memset(s, 0, sizeof *s);
  s->setting[0]                       = (nrf_recording_setting){"sampling_step_size", "0.1"};
  s->setting[1]                       = (nrf_recording_setting){"special_name", ""};
  s->info.experiment                  = "just_angle";
  s->info.stimulus_set                = "single/just_angle";
  s->info.session_name                = "session";
  s->info.model_name                  = "model";
  s->info.model_hash                  = "d41d8cd98f00b204e9800998ecf8427e";
  s->info.program_version             = "0.1.0";
  s->info.seed                        = UINT64_MAX;
  s->info.session_start               = 1234567890;
  s->info.stride                      = 1;
  s->info.ms_per_step                 = 70.0 / 17;
  s->info.variable[NRF_RECORD_STATE]  = true;
  s->info.variable[NRF_RECORD_ENERGY] = true;
  s->info.n_settings                  = 2;
  s->info.setting                     = s->setting;
  fill_layers(s);
  fill_phases(s, n_steps);
  fill_images(s);
  fill_pictures(s);
}

float specimen_value(const nrf_recording_info *info, int variable, int layer, int image, int channel,
                     int64_t row, int y, int x)
{
  const int64_t place = variable * 7919 + info->layer[layer].layer * 104729 +
                        info->image[image].index * 1299709 + info->layer[layer].channel[channel] * 15485863 +
                        row * 31 + y * 17 + x * 5;
  return (float)(place % 2047 - 1023) / 64;
}

/* Of a number that binary16 holds exactly and as a normal one, or 0. */
static uint16_t to_half(float value)
{
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint32_t sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
  return (uint16_t)(sign | (rest == 0 ? 0 : (rest >> 13) - (112 << 10)));
}

static nrf_status write_channel(nrf_recording_writer *w, int variable, int layer, int image, int channel,
                                int64_t first, int64_t n)
{
  const nrf_recording_info *info = nrf_recording_writer_info(w);
  const nrf_recorded_layer *l    = &info->layer[layer];
  const size_t              size = nrf_record_number_bytes(info->format);
  char *buffer = malloc((size_t)n * (size_t)l->rows * (size_t)l->columns * size), *to = buffer;
  for (int64_t row = first; row < first + n; row++)
    for (int y = 0; y < l->rows; y++)
      for (int x = 0; x < l->columns; x++, to += size) {
        const float    value = specimen_value(info, variable, layer, image, channel, row, y, x);
        const uint16_t half  = to_half(value);
        memcpy(to, size == 2 ? (const void *)&half : &value, size);
      }
  const nrf_status st =
      nrf_recording_write(w, (nrf_record_variable)variable, layer, image, channel, first, n, buffer);
  free(buffer);
  return st;
}

nrf_status specimen_write(nrf_recording_writer *w, int64_t first, int64_t n)
{
  const nrf_recording_info *info = nrf_recording_writer_info(w);
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    for (int l = 0; info->variable[v] && l < info->n_layers; l++)
      for (int i = 0; i < info->n_images; i++)
        for (int c = 0; c < info->layer[l].n_channels; c++)
          NRF_RETURN_IF_ERROR(write_channel(w, v, l, i, c, first, n));
  return NRF_OK;
}

nrf_status specimen_record(const specimen *s, const char *path)
{
  nrf_status            st     = NRF_OK;
  nrf_recording_writer *w      = NULL;
  const int64_t         n_rows = nrf_recording_n_rows(&s->info);
  char                  partial[1024];
  (void)snprintf(partial, sizeof partial, "%s.partial.nwb", path);
  NRF_TRY(nrf_recording_create(partial, &s->info, true, &w));
  NRF_TRY(specimen_write(w, 0, n_rows));
  NRF_TRY(nrf_recording_mark(w, n_rows));
  NRF_TRY(nrf_recording_finish(w, path, NULL));
done:
  nrf_recording_writer_free(w);
  return st;
}
