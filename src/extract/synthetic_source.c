/* synthetic_source.c - traces by formula: the attribute "text" of the file's group "generator" says the same in words. */
#include "nrflv/synthetic_source.h"

#include "io/md5.h"
#include "nrflv/h5_file.h"
#include "nrflv/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SINES = 4096, PHASES = 4, MAX_ROWS = 1 << 22, MAX_IMAGES = 1 << 12, NAME = 64 };

/* ---- rows: one trace each ----------------------------------------------------------------------------------- */

/* Two of them; three lines of spectrum each. */
typedef struct oscillation {
  int64_t phase[3], increment, increment_between, outside, during;
} oscillation;

typedef struct trace_row {
  int64_t     image, channel, h, w;
  int64_t     mean_outside, mean_during, burn_in, onset, offset, noise, key;
  oscillation a, p;
} trace_row;

typedef struct column {
  const char *name;
  size_t      offset;
} column;

static const column columns[] = {
    {"b", offsetof(trace_row, image)},
    {"ch", offsetof(trace_row, channel)},
    {"h", offsetof(trace_row, h)},
    {"w", offsetof(trace_row, w)},
    {"mean_out", offsetof(trace_row, mean_outside)},
    {"mean_dur", offsetof(trace_row, mean_during)},
    {"burn", offsetof(trace_row, burn_in)},
    {"tr_on", offsetof(trace_row, onset)},
    {"tr_off", offsetof(trace_row, offset)},
    {"noise", offsetof(trace_row, noise)},
    {"key", offsetof(trace_row, key)},
    {"a_ph0", offsetof(trace_row, a.phase[0])},
    {"a_ph1", offsetof(trace_row, a.phase[1])},
    {"a_ph2", offsetof(trace_row, a.phase[2])},
    {"a_inc", offsetof(trace_row, a.increment)},
    {"a_dinc", offsetof(trace_row, a.increment_between)},
    {"a_out", offsetof(trace_row, a.outside)},
    {"a_dur", offsetof(trace_row, a.during)},
    {"p_ph0", offsetof(trace_row, p.phase[0])},
    {"p_ph1", offsetof(trace_row, p.phase[1])},
    {"p_ph2", offsetof(trace_row, p.phase[2])},
    {"p_inc", offsetof(trace_row, p.increment)},
    {"p_dinc", offsetof(trace_row, p.increment_between)},
    {"p_out", offsetof(trace_row, p.outside)},
    {"p_dur", offsetof(trace_row, p.during)},
};

enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

/* The rows of a variable, by image. */
typedef struct trace_rows {
  int64_t    count;
  trace_row *row;
  int64_t   *first; /* [images + 1] */
} trace_rows;

typedef struct synthetic {
  nrf_recording_info   info;
  char                 experiment[NAME], identity[NRF_MD5_HEX_BYTES];
  char                *path;
  nrf_recording_image *image;
  int                 *channel; /* 0, 1, 2, ... */
  int16_t              sine[SINES];
  trace_rows           rows[NRF_RECORD_VARIABLES];
} synthetic;

/* ---- the formula -------------------------------------------------------------------------------------------- */

static uint32_t hash32(uint32_t a)
{
  a ^= a >> 16;
  a *= 0x7feb352du;
  a ^= a >> 15;
  a *= 0x846ca68bu;
  return a ^ a >> 16;
}

static int64_t sine_at(const synthetic *s, int64_t phase, int64_t increment, int64_t t)
{
  return s->sine[(uint32_t)((uint32_t)phase + (uint32_t)increment * (uint32_t)t) >> 20];
}

static int64_t oscillation_at(const synthetic *s, const oscillation *o, bool during, int64_t t)
{
  const int64_t amplitude = during ? o->during : o->outside;
  const int64_t sum       = sine_at(s, o->phase[0], o->increment, t) +
                      sine_at(s, o->phase[1], o->increment + o->increment_between, t) +
                      sine_at(s, o->phase[2], o->increment - o->increment_between, t);
  return amplitude * sum >> 15;
}

/* How much is left of a transient so many steps after it began. */
static int64_t decayed(int64_t size, int64_t steps)
{
  return size * 256 / (256 + steps * steps);
}

static int64_t noise_at(const trace_row *row, int64_t t)
{
  const uint32_t u   = hash32((uint32_t)row->key + (uint32_t)t * 0x9E3779B9u);
  const int64_t  sum = (int64_t)(u & 255) + (u >> 8 & 255) + (u >> 16 & 255) + (u >> 24) - 510;
  return row->noise * sum >> 8;
}

static float value_at(const synthetic *s, const trace_row *row, int64_t t)
{
  const nrf_recording_phase *phase = s->info.phase;
  const int64_t              begin = phase[2].first_step, end = phase[3].first_step;
  const bool                 during = t >= begin && t < end;
  const int64_t              one    = INT64_C(1) << 22;
  int64_t                    q      = during ? row->mean_during : row->mean_outside;
  if (t < phase[0].n_steps) q += row->burn_in * (phase[0].n_steps - t) / phase[0].n_steps;
  if (during) q += decayed(row->onset, t - begin);
  if (t >= end) q -= decayed(row->offset, t - end);
  q += oscillation_at(s, &row->a, during, t) + oscillation_at(s, &row->p, during, t) + noise_at(row, t);
  q = q < -one ? -one : q > one ? one : q;
  return (float)q / (float)one;
}

/* ---- reading ------------------------------------------------------------------------------------------------- */

static bool is_within(int64_t value, int64_t first, int64_t count)
{
  return value >= first && value < first + count;
}

static nrf_status read_block(void *context, nrf_record_variable variable, int layer, int image,
                             nrf_recording_block block, float *out)
{
  const synthetic  *s    = context;
  const trace_rows *rows = &s->rows[variable];
  const int64_t     map = (int64_t)block.rows * block.columns, step = block.n_channels * map;
  (void)layer;
  memset(out, 0, (size_t)(block.n_rows * step) * sizeof *out);
  for (int64_t i = rows->first[image]; i < rows->first[image + 1]; i++) {
    const trace_row *row = &rows->row[i];
    if (!is_within(row->channel, block.first_channel, block.n_channels) ||
        !is_within(row->h, block.top, block.rows) || !is_within(row->w, block.left, block.columns))
      continue;
    float *to = out + (row->channel - block.first_channel) * map + (row->h - block.top) * block.columns +
                row->w - block.left;
    for (int64_t t = 0; t < block.n_rows; t++, to += step) *to = value_at(s, row, block.first_row + t);
  }
  return NRF_OK;
}

static nrf_status read_picture(void *context, nrf_recording_shows which, int image, uint8_t *out)
{
  const synthetic *s = context;
  (void)which;
  (void)image;
  (void)out;
  return nrf_error(NRF_ENOTFOUND, "%s: %s has no pictures", s->path, s->experiment);
}

int64_t nrf_synthetic_source_traces(const nrf_trace_source *source)
{
  return ((const synthetic *)source->context)->rows[NRF_RECORD_STATE].count;
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

static int by_image(const void *a, const void *b)
{
  const trace_row *s = a, *t = b;
  return (s->image > t->image) - (s->image < t->image);
}

static nrf_status check_rows(const nrf_h5_file *file, const char *group, const synthetic *s,
                             const trace_rows *rows)
{
  const nrf_recorded_layer *l = &s->info.layer[0];
  for (int64_t i = 0; i < rows->count; i++) {
    const trace_row *row = &rows->row[i];
    if (!is_within(row->image, 0, s->info.n_images) || !is_within(row->channel, 0, l->channels) ||
        !is_within(row->h, 0, l->height) || !is_within(row->w, 0, l->width))
      return nrf_error(NRF_EFORMAT, "%s: '%s' row %lld: no such neuron", nrf_h5_path(file), group,
                       (long long)i);
  }
  return NRF_OK;
}

static nrf_status read_columns(const nrf_h5_file *file, const char *group, trace_rows *rows)
{
  for (int c = 0; c < N_COLUMNS; c++) {
    char         path[2 * NAME];
    nrf_h5_shape shape;
    void        *memory = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", group, columns[c].name);
    NRF_RETURN_IF_ERROR(nrf_h5_read_new(file, path, NRF_H5_INT64, MAX_ROWS, &shape, &memory));
    const int64_t *values = memory;
    nrf_status     st     = NRF_OK;
    if (c == 0) {
      rows->count = nrf_h5_count(shape);
      st          = nrf_alloc((size_t)rows->count * sizeof *rows->row, path, (void **)&rows->row);
    }
    if (st == NRF_OK && nrf_h5_count(shape) != rows->count)
      st = nrf_error(NRF_ESHAPE, "%s: '%s' is shorter or longer than other columns", nrf_h5_path(file), path);
    for (int64_t i = 0; i < rows->count && st == NRF_OK; i++)
      memcpy((char *)&rows->row[i] + columns[c].offset, &values[i], sizeof values[i]);
    nrf_free(memory);
    NRF_RETURN_IF_ERROR(st);
  }
  return NRF_OK;
}

static nrf_status read_rows(const nrf_h5_file *file, const char *recording, const char *name,
                            const synthetic *s, trace_rows *rows)
{
  char  group[NAME];
  void *memory = NULL;
  (void)snprintf(group, sizeof group, "%s/%s", recording, name);
  if (nrf_h5_exists(file, group)) {
    NRF_RETURN_IF_ERROR(read_columns(file, group, rows));
    NRF_RETURN_IF_ERROR(check_rows(file, group, s, rows));
    qsort(rows->row, (size_t)rows->count, sizeof *rows->row, by_image);
  }
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)(s->info.n_images + 1) * sizeof *rows->first, group, &memory));
  rows->first = memory;
  for (int64_t i = 0; i < rows->count; i++) rows->first[rows->row[i].image + 1] = i + 1;
  for (int b = 1; b <= s->info.n_images; b++)
    if (rows->first[b] == 0) rows->first[b] = rows->first[b - 1];
  return NRF_OK;
}

static nrf_status read_size(const nrf_h5_file *file, const char *object, const char *name, int most, int *out)
{
  int64_t value = 0;
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_int64(file, object, name, &value));
  if (value < 1 || value > most)
    return nrf_error(NRF_EFORMAT, "%s: attribute '%s' of '%s' is %lld", nrf_h5_path(file), name, object,
                     (long long)value);
  *out = (int)value;
  return NRF_OK;
}

static nrf_status read_sizes(const nrf_h5_file *file, const char *recording, synthetic *s)
{
  nrf_recorded_layer *l = &s->info.layer[0];
  s->info.n_layers      = 1;
  l->layer              = 1;
  NRF_RETURN_IF_ERROR(read_size(file, "/", "C", 4096, &l->channels));
  NRF_RETURN_IF_ERROR(read_size(file, "/", "H", 4096, &l->height));
  NRF_RETURN_IF_ERROR(read_size(file, "/", "W", 4096, &l->width));
  NRF_RETURN_IF_ERROR(read_size(file, recording, "B", MAX_IMAGES, &s->info.n_images));
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)l->channels * sizeof *s->channel, "channels", (void **)&s->channel));
  for (int c = 0; c < l->channels; c++) s->channel[c] = c;
  l->channel    = s->channel;
  l->n_channels = l->channels;
  l->rows       = l->height;
  l->columns    = l->width;
  s->info.batch = s->info.n_images;
  return NRF_OK;
}

static nrf_status read_phases(const nrf_h5_file *file, synthetic *s)
{
  static const struct {
    const char         *name;
    nrf_recording_shows shows;
  } phases[PHASES] = {{"burn_in", NRF_SHOWS_BURN_IN},
                      {"pre", NRF_SHOWS_BLANK},
                      {"stimulus", NRF_SHOWS_STIMULUS},
                      {"post", NRF_SHOWS_BLANK}};
  int64_t length[PHASES];
  NRF_RETURN_IF_ERROR(
      nrf_h5_read_attribute(file, "/", "phase_lengths", NRF_H5_INT64, nrf_h5_vector(PHASES), length));
  NRF_RETURN_IF_ERROR(nrf_h5_read_attribute_double(file, "/", "timestep_ms", &s->info.ms_per_step));
  s->info.n_phases = PHASES;
  for (int i = 0; i < PHASES; i++) {
    nrf_recording_phase *phase = &s->info.phase[i];
    if (length[i] < 1 || length[i] > 1 << 20)
      return nrf_error(NRF_EFORMAT, "%s: a phase of %lld steps", nrf_h5_path(file), (long long)length[i]);
    (void)snprintf(phase->name, sizeof phase->name, "%s", phases[i].name);
    phase->shows      = phases[i].shows;
    phase->first_step = s->info.n_steps;
    phase->n_steps    = length[i];
    s->info.n_steps += length[i];
  }
  return NRF_OK;
}

/* A column of the table of stimuli; left as it is if there is none. */
static nrf_status read_stimulus(const nrf_h5_file *file, const char *recording, const char *name, int n,
                                double *out)
{
  char path[2 * NAME];
  (void)snprintf(path, sizeof path, "%s/stimulus/%s", recording, name);
  if (!nrf_h5_exists(file, path)) return NRF_OK;
  return nrf_h5_read(file, path, NRF_H5_FLOAT64, nrf_h5_vector(n), out);
}

/* The two patches of DBL have columns of their own. */
static nrf_status read_images(const nrf_h5_file *file, const char *recording, synthetic *s)
{
  enum { ANGLE, ANGLE_MOBILE, ANGLE_STATIC, CONTRAST, DOWN, RIGHT, GROUP, STIMULI };
  static const char *const names[STIMULI] = {"angle", "angle_mobile", "angle_static", "contrast",
                                             "dh",    "dw",           "group"};
  const int                n              = s->info.n_images;
  nrf_status               st             = NRF_OK;
  void                    *memory         = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof *s->image, "stimuli", (void **)&s->image));
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)STIMULI * (size_t)n * sizeof(double), "stimuli", &memory));
  double *value = memory;
  for (int i = 0; i < STIMULI * n; i++) value[i] = i / n == DOWN || i / n == RIGHT ? 0.0 : NAN;
  for (int i = 0; i < STIMULI; i++) NRF_TRY(read_stimulus(file, recording, names[i], n, value + i * n));
  for (int b = 0; b < n; b++) {
    nrf_recording_image *image = &s->image[b];
    const double         group = value[GROUP * n + b];
    image->index               = b;
    image->angle         = isnan(value[ANGLE * n + b]) ? value[ANGLE_MOBILE * n + b] : value[ANGLE * n + b];
    image->angle_static  = value[ANGLE_STATIC * n + b];
    image->contrast      = value[CONTRAST * n + b];
    image->offset_row    = (int)value[DOWN * n + b];
    image->offset_column = (int)value[RIGHT * n + b];
    image->group         = isnan(group) ? -1 : (int)group;
    for (int other = 0; other < b; other++) image->repeat += s->image[other].group == image->group;
  }
  s->info.image = s->image;
done:
  nrf_free(memory);
  return st;
}

static nrf_status read_sines(const nrf_h5_file *file, synthetic *s)
{
  nrf_status st     = NRF_OK;
  void      *memory = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(SINES * sizeof(int32_t), "sines", &memory));
  int32_t *sines = memory;
  NRF_TRY(nrf_h5_read(file, "generator/sine_table", NRF_H5_INT32, nrf_h5_vector(SINES), sines));
  for (int i = 0; i < SINES; i++) s->sine[i] = (int16_t)sines[i];
done:
  nrf_free(memory);
  return st;
}

static nrf_status read_all(const nrf_h5_file *file, nrf_experiment_kind kind, synthetic *s)
{
  const nrf_experiment_kind_row *row = nrf_experiment_kind_info(kind);
  char                           recording[NAME];
  (void)snprintf(recording, sizeof recording, "recordings/%s", row->name);
  for (char *c = recording; *c != '\0'; c++) *c = (char)tolower((unsigned char)*c);
  if (row->stimulus_set == NULL || !nrf_h5_exists(file, recording))
    return nrf_error(NRF_ENOTFOUND, "%s: has no '%s'", nrf_h5_path(file), recording);
  (void)snprintf(s->experiment, sizeof s->experiment, "%s", row->key);
  s->info.experiment   = s->experiment;
  s->info.stimulus_set = row->stimulus_set;
  s->info.session_name = s->info.model_name = "synthetic";
  s->info.model_hash = s->info.program_version = "";
  s->info.stride                               = 1;
  s->info.pictures.channels                    = 3;
  NRF_RETURN_IF_ERROR(read_sizes(file, recording, s));
  s->info.pictures.height = s->info.layer[0].height;
  s->info.pictures.width  = s->info.layer[0].width;
  NRF_RETURN_IF_ERROR(read_phases(file, s));
  NRF_RETURN_IF_ERROR(read_images(file, recording, s));
  NRF_RETURN_IF_ERROR(read_sines(file, s));
  NRF_RETURN_IF_ERROR(read_rows(file, recording, "state_rows", s, &s->rows[NRF_RECORD_STATE]));
  NRF_RETURN_IF_ERROR(read_rows(file, recording, "momentum_rows", s, &s->rows[NRF_RECORD_MOMENTUM]));
  s->info.variable[NRF_RECORD_STATE]    = true;
  s->info.variable[NRF_RECORD_MOMENTUM] = s->rows[NRF_RECORD_MOMENTUM].count > 0;
  return nrf_recording_check(&s->info);
}

/* Everything that it is made from. */
static void identify(synthetic *s)
{
  nrf_md5 md5;
  nrf_md5_init(&md5);
  nrf_md5_update(&md5, s->experiment, sizeof s->experiment);
  nrf_md5_update(&md5, s->image, (size_t)s->info.n_images * sizeof *s->image);
  nrf_md5_update(&md5, s->sine, sizeof s->sine);
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    nrf_md5_update(&md5, s->rows[v].row, (size_t)s->rows[v].count * sizeof *s->rows[v].row);
  nrf_md5_final(&md5, s->identity);
}

static void close_synthetic(void *context)
{
  synthetic *s = context;
  if (s == NULL) return;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) {
    nrf_free(s->rows[v].row);
    nrf_free(s->rows[v].first);
  }
  nrf_free(s->image);
  nrf_free(s->channel);
  free(s->path);
  nrf_free(s);
}

nrf_status nrf_synthetic_source_open(const char *path, nrf_experiment_kind kind, nrf_trace_source *out)
{
  nrf_status   st     = NRF_OK;
  nrf_h5_file *file   = NULL;
  void        *memory = NULL;
  synthetic   *s      = NULL;
  memset(out, 0, sizeof *out);
  NRF_RETURN_IF_ERROR(nrf_h5_open(path, &file));
  NRF_TRY(nrf_alloc(sizeof *s, path, &memory));
  s       = memory;
  s->path = strdup(path);
  if (s->path == NULL) NRF_FAIL(NRF_ENOMEM, "%s: no memory for its name", path);
  NRF_TRY(read_all(file, kind, s));
  identify(s);
  *out = (nrf_trace_source){.info         = &s->info,
                            .origin       = {.path = s->path, .identity = s->identity},
                            .context      = s,
                            .read         = read_block,
                            .read_picture = read_picture,
                            .close        = close_synthetic};
  s    = NULL;
done:
  close_synthetic(s);
  nrf_h5_free(file);
  return st;
}
