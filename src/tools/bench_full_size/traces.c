/* traces.c - see traces.h. Every number costs two products and a look-up, so that a pass over it is hardly slower than over a
 * recording that lies in memory. */
#include "tools/bench_full_size/traces.h"

#include "io/md5.h"
#include "nrflv/memory.h"
#include "nrflv/rng.h"
#include "nrflv/settings.h"
#include "nrflv/stimulus_set.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  CHANNELS       = 32,
  MIDDLE_CHANNEL = CHANNELS / 2,
  SIZE           = 32,
  CENTRE         = SIZE / 2,
  PLACES         = SIZE * SIZE,
  MAX_ROWS       = 1 << 16,
  SPARE_ROWS     = 1500, /* channels and images begin at different rows of the noise */
  UNTUNED        = 8,    /* every so many channels responds to all directions alike  */
  INHIBITED      = 5,    /* every so many channels responds with less                */
  IMAGE_BYTES    = 3 * PLACES,
  GREY           = 128,
};

#define PI 3.14159265358979323846

static const double RECEPTIVE_FIELD = 2.0;          /* pixels, one standard deviation                  */
static const double HALF_CONTRAST   = 1.0;          /* at which a response is half its largest         */
static const double TUNING          = 2.0;          /* concentration of the von Mises curve            */
static const float  NOISE           = 0.03F;        /* standard deviation, nearly                      */
static const float  RESPONSE        = 0.12F;        /* the largest                                     */
static const float  OSCILLATION     = 0.03F;        /* amplitude without a stimulus                    */
static const double ADAPTATION_MS   = 150.0;        /* time constant of transients                     */
static const double HERTZ[2]        = {28.0, 12.0}; /* of the oscillation; and added by the largest drive */

/* How the channel that is being read is made of its parts. */
typedef struct channel_parts {
  nrf_record_variable variable;
  int                 image, channel; /* -1: none yet */
  float               level[PLACES], response[PLACES], amplitude_before[PLACES], amplitude_during[PLACES];
  float              *time_course; /* [rows]: of the response    */
  float              *wave;        /* [rows]: of the oscillation */
  const float        *noise;       /* of row 0, place 0; a row is 2 * PLACES */
} channel_parts;

typedef struct generated {
  nrf_recording_info   info;
  nrf_stimulus        *stimulus; /* of the whole set */
  nrf_recording_image *image;
  int                  channel[CHANNELS];
  uint8_t             *pictures; /* blank, stimuli */
  float               *noise; /* [rows + SPARE_ROWS][2][PLACES], every map twice: it may begin at any place */
  uint64_t             seed;
  channel_parts        parts;
  char                 identity[NRF_MD5_HEX_BYTES];
} generated;

/* ---- noise -------------------------------------------------------------------------------------------------- */

/* Autoregressive of second order in time, with a weak resonance; neighbours share a third of theirs. */
static void fill_noise(generated *g, int64_t rows)
{
  static const float A1 = 1.2F, A2 = -0.5F, INNOVATION = 0.5F, SHARED = 0.33F;
  const nrf_rng      rng             = nrf_rng_at(g->seed, NRF_RNG_TEST, 0, 0);
  float              past[2][PLACES] = {{0}};
  for (int64_t t = 0; t < rows; t++) {
    float *row = g->noise + t * 2 * PLACES;
    for (int i = 0; i < PLACES; i++) {
      const float u =
          A1 * past[0][i] + A2 * past[1][i] +
          INNOVATION * 3.4641F * (nrf_rng_uniform(rng, (uint64_t)t * PLACES + (uint64_t)i) - 0.5F);
      past[1][i] = past[0][i];
      past[0][i] = u;
    }
    for (int i = 0; i < PLACES; i++)
      row[i] = row[PLACES + i] = NOISE * (past[0][i] + SHARED * past[0][(i + 1) % PLACES]);
  }
}

/* ---- a channel of an image ------------------------------------------------------------------------------------- */

/* The same for all images, or different for all. */
static uint32_t draw(const generated *g, int image, int channel, uint32_t most)
{
  const nrf_rng rng = nrf_rng_at(g->seed, NRF_RNG_TEST, (uint64_t)image, 1);
  return nrf_rng_u32(rng, (uint64_t)channel) % most;
}

/* How well a receptive field at (h, w) is covered by a patch. */
static double coverage(const nrf_stimulus_patch *p, int h, int w)
{
  const double x = h - CENTRE - p->offset_row, y = w - CENTRE - p->offset_column;
  const double a = p->gabor.angle, across = x * cos(a) + y * sin(a),
               along = p->gabor.aspect * (y * cos(a) - x * sin(a));
  return exp(-(across * across + along * along) / (2.0 * RECEPTIVE_FIELD * RECEPTIVE_FIELD));
}

static double tuning(int channel, double angle)
{
  if (channel % UNTUNED == UNTUNED - 1) return 0.5;
  return exp(TUNING * (cos(angle - 2.0 * PI * channel / CHANNELS) - 1.0));
}

/* [PLACES], 0 to 1: how an image drives a channel. Returns the largest. */
static float drive_of(const nrf_stimulus *s, int channel, float *drive)
{
  float most = 0.0F;
  memset(drive, 0, PLACES * sizeof *drive);
  for (int k = 0; k < s->n_patches; k++) {
    const nrf_stimulus_patch *p = &s->patch[k];
    const double              c = p->gabor.contrast * p->gabor.contrast;
    const double strength       = tuning(channel, p->gabor.angle) * c / (c + HALF_CONTRAST * HALF_CONTRAST);
    for (int i = 0; i < PLACES; i++) {
      drive[i] = fmaxf(drive[i], (float)(strength * coverage(p, i / SIZE, i % SIZE)));
      most     = fmaxf(most, drive[i]);
    }
  }
  return most;
}

static void set_places(channel_parts *p, const float *drive)
{
  const float sign = p->channel % INHIBITED == INHIBITED - 1 ? -0.5F : 1.0F;
  for (int i = 0; i < PLACES; i++) {
    p->level[i]            = 0.1F + 0.01F * (float)(p->channel - MIDDLE_CHANNEL);
    p->response[i]         = p->variable == NRF_RECORD_STATE ? sign * RESPONSE * drive[i] : 0.0F;
    p->amplitude_before[i] = OSCILLATION;
    p->amplitude_during[i] = OSCILLATION * (1.0F + 2.0F * drive[i]);
  }
}

/* Onset and offset transients, and what is sustained between them. The oscillation quickens while the stimulus is there;
 * momenta are a quarter of a period ahead. */
static void set_times(const generated *g, channel_parts *p, double most)
{
  const nrf_recording_info  *info     = &g->info;
  const nrf_recording_phase *stimulus = &info->phase[2];
  const double lag = 0.5 * PI * p->channel / CHANNELS - (p->variable == NRF_RECORD_MOMENTUM ? 0.5 * PI : 0.0);
  double       phase = 2.0 * PI * draw(g, p->image, CHANNELS, 1000) / 1000.0;
  for (int64_t t = 0; t < info->n_steps; t++) {
    const double since_on  = (double)(t - stimulus->first_step) * info->ms_per_step;
    const double since_off = since_on - (double)stimulus->n_steps * info->ms_per_step;
    const bool   during    = since_on >= 0.0 && since_off < 0.0;
    p->time_course[t]      = (float)(since_off >= 0.0  ? -0.4 * exp(-since_off / ADAPTATION_MS)
                                     : since_on >= 0.0 ? 0.6 + 0.4 * exp(-since_on / ADAPTATION_MS)
                                                       : 0.0);
    p->wave[t]             = (float)cos(phase - lag);
    phase += 2.0 * PI * (HERTZ[0] + (during ? HERTZ[1] * most : 0.0)) * info->ms_per_step / 1000.0;
  }
}

static void set_parts(generated *g, nrf_record_variable variable, int image, int channel)
{
  channel_parts *p = &g->parts;
  float          drive[PLACES];
  if (p->variable == variable && p->image == image && p->channel == channel) return;
  p->variable      = variable;
  p->image         = image;
  p->channel       = channel;
  const int   b    = g->image[image].index;
  const float most = drive_of(&g->stimulus[b], channel, drive);
  set_places(p, drive);
  set_times(g, p, most);
  const uint32_t begin = draw(g, b, 2 * channel + (int)variable, SPARE_ROWS);
  const uint32_t place = draw(g, b, 4 * CHANNELS + 2 * channel + (int)variable, PLACES);
  p->noise             = g->noise + (size_t)begin * 2 * PLACES + place;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static void fill_row(const generated *g, int64_t t, int first, int n, float *restrict out)
{
  const channel_parts       *p        = &g->parts;
  const nrf_recording_phase *stimulus = &g->info.phase[2];
  const bool during               = t >= stimulus->first_step && t < stimulus->first_step + stimulus->n_steps;
  const float *restrict amplitude = (during ? p->amplitude_during : p->amplitude_before) + first;
  const float *restrict level     = p->level + first;
  const float *restrict response  = p->response + first;
  const float *restrict noise     = p->noise + t * 2 * PLACES + first;
  const float time_course = p->time_course[t], wave = p->wave[t];
  for (int i = 0; i < n; i++) out[i] = level[i] + time_course * response[i] + wave * amplitude[i] + noise[i];
}

static nrf_status read_block(void *context, nrf_record_variable variable, int layer, int image,
                             nrf_recording_block block, float *out)
{
  generated    *g   = context;
  const int64_t map = (int64_t)block.rows * block.columns, step = block.n_channels * map;
  (void)layer;
  for (int c = 0; c < block.n_channels; c++) {
    set_parts(g, variable, image, block.first_channel + c);
    for (int64_t t = 0; t < block.n_rows; t++)
      for (int h = 0; h < block.rows; h++)
        fill_row(g, block.first_row + t, (block.top + h) * SIZE + block.left, block.columns,
                 out + t * step + c * map + (int64_t)h * block.columns);
  }
  return NRF_OK;
}

static nrf_status read_picture(void *context, nrf_recording_shows which, int image, uint8_t *out)
{
  const generated *g = context;
  memcpy(out, g->pictures + (which == NRF_SHOWS_STIMULUS ? 1 + image : 0) * IMAGE_BYTES, IMAGE_BYTES);
  return NRF_OK;
}

/* ---- what the recording says ------------------------------------------------------------------------------------ */

static nrf_status describe_phases(const nrf_experiment *experiment, nrf_recording_info *info)
{
  static const nrf_recording_shows shows[] = {[NRF_SHOWN_TEST_IMAGES] = NRF_SHOWS_BURN_IN,
                                              [NRF_SHOWN_BLANK]       = NRF_SHOWS_BLANK,
                                              [NRF_SHOWN_STIMULI]     = NRF_SHOWS_STIMULUS};
  nrf_settings                     settings;
  nrf_settings_defaults(&settings);
  info->ms_per_step = settings.exp_ms_per_step;
  info->n_phases    = experiment->n_phases;
  for (int i = 0; i < info->n_phases; i++) {
    nrf_recording_phase *phase = &info->phase[i];
    (void)snprintf(phase->name, sizeof phase->name, "%s", experiment->phase[i].name);
    phase->first_step = info->n_steps;
    phase->n_steps    = nrf_experiment_phase_steps(experiment, i, &settings);
    phase->shows      = shows[experiment->phase[i].shown];
    info->n_steps += phase->n_steps;
  }
  return info->n_phases == 4 && info->n_steps <= MAX_ROWS
             ? NRF_OK
             : nrf_error(NRF_EUNSUPPORTED, "%s: no burn-in, blank, stimulus and blank", experiment->name);
}

static void describe_image(const nrf_stimulus *s, int index, nrf_recording_image *image)
{
  const nrf_stimulus_patch *p = &s->patch[0];
  *image                      = (nrf_recording_image){.index         = index,
                                                      .angle         = p->gabor.angle,
                                                      .angle_static  = nrf_stimulus_static_angle(s),
                                                      .contrast      = p->gabor.contrast,
                                                      .offset_row    = p->offset_row,
                                                      .offset_column = p->offset_column,
                                                      .group         = s->group,
                                                      .repeat        = s->repeat};
  (void)snprintf(image->file_name, sizeof image->file_name, "%s", s->file_name);
}

/* On a grey base image. */
static nrf_status describe_images(generated *g, int images, int count)
{
  const nrf_layer_size size = {3, SIZE, SIZE};
  memset(g->pictures, GREY, IMAGE_BYTES);
  for (int i = 0; i < images; i++) {
    const int index = (int)((int64_t)i * count / images);
    describe_image(&g->stimulus[index], index, &g->image[i]);
    NRF_RETURN_IF_ERROR(nrf_stimulus_render(&g->stimulus[index], size, g->pictures,
                                            g->pictures + (size_t)(1 + i) * IMAGE_BYTES));
  }
  return NRF_OK;
}

/* The pass asks read_picture for the pictures, and `info` only for whether there are any. */
static void describe(const nrf_experiment *experiment, int images, generated *g)
{
  nrf_recording_info *info = &g->info;
  for (int c = 0; c < CHANNELS; c++) g->channel[c] = c;
  info->experiment      = experiment->name;
  info->stimulus_set    = experiment->stimulus_set;
  info->session_name    = "full_size";
  info->model_name      = "generated";
  info->model_hash      = "";
  info->program_version = NRFLV_VERSION;
  info->seed            = g->seed;
  info->stride          = 1;
  info->batch           = NRF_EXPERIMENT_BATCH;
  info->n_layers        = 1;
  info->layer[0] = (nrf_recorded_layer){1, CHANNELS, SIZE, SIZE, CHANNELS, g->channel, 0, 0, SIZE, SIZE};
  info->n_images = images;
  info->image    = g->image;
  info->pictures = (nrf_recording_pictures){3, SIZE, SIZE, g->pictures, g->pictures, g->pictures};
  info->variable[NRF_RECORD_STATE] = true;
  info->variable[NRF_RECORD_MOMENTUM] =
      nrf_experiment_kind_info(nrf_experiment_kind_of(info))->uses_momentum; /* as --record analysis */
}

static void identify(generated *g)
{
  nrf_md5 md5;
  nrf_md5_init(&md5);
  nrf_md5_update(&md5, &g->seed, sizeof g->seed);
  nrf_md5_update(&md5, g->pictures, (size_t)(1 + g->info.n_images) * IMAGE_BYTES);
  nrf_md5_final(&md5, g->identity);
}

static nrf_status create_memory(int images, generated *g)
{
  const int64_t rows = g->info.n_steps;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)images * sizeof *g->image, "images", (void **)&g->image));
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(1 + images) * IMAGE_BYTES, "pictures", (void **)&g->pictures));
  NRF_RETURN_IF_ERROR(nrf_alloc_floats((rows + SPARE_ROWS) * 2 * PLACES, "noise", &g->noise));
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(rows, "time course", &g->parts.time_course));
  return nrf_alloc_floats(rows, "oscillation", &g->parts.wave);
}

static nrf_status create(const nrf_experiment *experiment, int images, generated *g)
{
  const nrf_stimulus_set *set;
  if (experiment->stimulus_set == NULL)
    return nrf_error(NRF_EUNSUPPORTED, "%s: shows no stimuli", experiment->name);
  NRF_RETURN_IF_ERROR(nrf_stimulus_set_find(experiment->stimulus_set, &set));
  NRF_RETURN_IF_ERROR(nrf_stimulus_set_describe(set, SIZE, SIZE, &g->stimulus));
  NRF_RETURN_IF_ERROR(describe_phases(experiment, &g->info));
  NRF_RETURN_IF_ERROR(create_memory(images, g));
  NRF_RETURN_IF_ERROR(describe_images(g, images, nrf_stimulus_set_count(set)));
  describe(experiment, images, g);
  fill_noise(g, g->info.n_steps + SPARE_ROWS);
  g->parts.image = -1;
  identify(g);
  return nrf_recording_check(&g->info);
}

static void close_generated(void *context)
{
  generated *g = context;
  nrf_free(g->stimulus);
  nrf_free(g->image);
  nrf_free(g->pictures);
  nrf_free(g->noise);
  nrf_free(g->parts.time_course);
  nrf_free(g->parts.wave);
  nrf_free(g);
}

nrf_status open_generated(const nrf_experiment *experiment, int images, uint64_t seed, nrf_trace_source *out)
{
  generated *g = NULL;
  memset(out, 0, sizeof *out);
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *g, experiment->name, (void **)&g));
  g->seed             = seed;
  const nrf_status st = create(experiment, images, g);
  if (st != NRF_OK) {
    close_generated(g);
    return st;
  }
  *out = (nrf_trace_source){.info         = &g->info,
                            .origin       = {.path = "generated", .identity = g->identity},
                            .context      = g,
                            .read         = read_block,
                            .read_picture = read_picture,
                            .close        = close_generated};
  return NRF_OK;
}
