/* What is pushed is in the file, in order and complete, whatever is selected and however little memory there is; and errors of
 * the writer thread come back to whoever pushes. */
#include "nrflv/recorder.h"

#include "managers/recorder_copy.h"
#include "support/scratch.h"

#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a small field and what is recorded of it ------------------------------------------------------- */

enum { LAYERS = 3, BATCH = 5 };

static const nrf_layer_size field[LAYERS] = {{3, 9, 7}, {8, 32, 32}, {6, 4, 5}};

typedef struct recording_case {
  const char       *why;
  int64_t           n_steps;
  int               stride;
  int               variables; /* bit v set: recorded */
  int               n_layers;
  int               layer[2];
  int               n_channels; /* the first of `channel`; 0: all */
  int               channel[8];
  int               region[4]; /* top, left, rows, columns; rows 0: the whole map */
  int               n_images;
  int               image[BATCH];
  nrf_record_format format;
  int               rows_per_block; /* 0: memory for a single step */
  int               threads;
} recording_case;

#define ALL_VARIABLES ((1 << NRF_RECORD_VARIABLES) - 1)
#define ALL_IMAGES \
  5,               \
  {                \
    0, 1, 2, 3, 4  \
  }
#define FLOAT32                  \
  {                              \
    .number = NRF_RECORD_FLOAT32 \
  }
#define FLOAT16                  \
  {                              \
    .number = NRF_RECORD_FLOAT16 \
  }
#define ROUNDED(n)                                     \
  {                                                    \
    .number = NRF_RECORD_ROUNDED, .mantissa_bits = (n) \
  }
#define WHOLE  \
  {            \
    0, 0, 0, 0 \
  }

static const recording_case plain = {"two layers", 23,    1,          ALL_VARIABLES, 2, {0, 2}, 0,
                                     {0},          WHOLE, ALL_IMAGES, FLOAT32,       4, 2};

static const recording_case cases[] = {
    {"blocks of one row", 5, 1, ALL_VARIABLES, 2, {0, 2}, 0, {0}, WHOLE, ALL_IMAGES, FLOAT32, 1, 1},
    {"memory for a single step", 5, 1, ALL_VARIABLES, 2, {0, 2}, 0, {0}, WHOLE, ALL_IMAGES, FLOAT32, 0, 2},
    {"a last block that is not full",
     23,
     1,
     ALL_VARIABLES,
     2,
     {0, 2},
     0,
     {0},
     WHOLE,
     ALL_IMAGES,
     FLOAT32,
     4,
     2},
    {"more memory than the recording needs", 6, 1, 1, 1, {2}, 0, {0}, WHOLE, ALL_IMAGES, FLOAT32, 1000, 2},
    {"a stride that ends within the last steps", 11, 3, 1, 1, {2}, 0, {0}, WHOLE, ALL_IMAGES, FLOAT32, 2, 1},
    {"a stride that ends at the last step", 10, 3, 6, 1, {2}, 0, {0}, WHOLE, ALL_IMAGES, FLOAT32, 3, 1},
    {"some channels, a region, some images",
     9,
     1,
     20,
     1,
     {1},
     6,
     {0, 2, 3, 4, 5, 7},
     {3, 5, 10, 20},
     2,
     {1, 4},
     FLOAT32,
     2,
     2},
    {"half precision", 9, 1, ALL_VARIABLES, 2, {0, 2}, 0, {0}, WHOLE, ALL_IMAGES, FLOAT16, 2, 2},
    {"half precision of a region", 9, 2, 3, 1, {1}, 2, {3, 6}, {1, 2, 3, 5}, 1, {3}, FLOAT16, 2, 2},
    {"rounded numbers", 9, 1, ALL_VARIABLES, 1, {1}, 0, {0}, WHOLE, 1, {2}, ROUNDED(9), 4, 2},
    {"pieces that begin within a page", 640, 1, 9, 1, {1}, 2, {1, 6}, {8, 8, 15, 16}, 1, {4}, FLOAT32, 37, 2},
    {"blocks that cross the borders of chunks", 600, 1, 8, 1, {1}, 2, {0, 7}, WHOLE, 1, {0}, FLOAT32, 37, 2},
};

enum { CASES = sizeof cases / sizeof cases[0] };

/* An info with everything in it that it points to. */
typedef struct described {
  nrf_recording_info  info;
  int                 channel[LAYERS][8];
  nrf_recording_image image[BATCH];
  uint8_t             blank[3 * 9 * 7];
} described;

static nrf_recorded_layer recorded_layer(const recording_case *c, int layer, int channel[8])
{
  const nrf_layer_size size = field[layer];
  nrf_recorded_layer   r    = {.layer      = layer,
                               .channels   = size.channels,
                               .height     = size.height,
                               .width      = size.width,
                               .n_channels = c->n_channels != 0 ? c->n_channels : size.channels,
                               .channel    = channel,
                               .rows       = size.height,
                               .columns    = size.width};
  for (int k = 0; k < r.n_channels; k++) channel[k] = c->n_channels != 0 ? c->channel[k] : k;
  if (c->region[2] != 0)
    r.top = c->region[0], r.left = c->region[1], r.rows = c->region[2], r.columns = c->region[3];
  return r;
}

static described *describe(const recording_case *c)
{
  described *d = calloc(1, sizeof *d);
  d->info =
      (nrf_recording_info){.experiment      = "test",
                           .stimulus_set    = "",
                           .session_name    = "session",
                           .model_name      = "model",
                           .model_hash      = "0123456789abcdef0123456789abcdef",
                           .program_version = "0.1.0",
                           .seed            = 1,
                           .session_start   = 1000000000,
                           .n_steps         = c->n_steps,
                           .stride          = c->stride,
                           .ms_per_step     = 0.5,
                           .batch           = BATCH,
                           .n_layers        = c->n_layers,
                           .format          = c->format,
                           .n_phases        = 1,
                           .phase    = {{.name = "observe", .n_steps = c->n_steps, .shows = NRF_SHOWS_BLANK}},
                           .n_images = c->n_images,
                           .image    = d->image,
                           .pictures = {3, 9, 7, .blank = d->blank}};
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) d->info.variable[v] = (c->variables >> v & 1) != 0;
  for (int l = 0; l < c->n_layers; l++) d->info.layer[l] = recorded_layer(c, c->layer[l], d->channel[l]);
  for (int i = 0; i < c->n_images; i++)
    d->image[i] = (nrf_recording_image){.index        = c->image[i],
                                        .file_name    = "a.png",
                                        .angle        = NAN,
                                        .angle_static = NAN,
                                        .contrast     = NAN,
                                        .group        = -1,
                                        .repeat       = -1};
  return d;
}

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* rows_per_block 0: memory for a single step. */
static nrf_recorder_config config_for(const nrf_recording_info *info, int rows_per_block, int threads)
{
  const size_t row    = (size_t)(nrf_recording_data_bytes(info) / nrf_recording_n_rows(info));
  const size_t memory = rows_per_block == 0 ? row : 2 * row * (size_t)rows_per_block;
  return (nrf_recorder_config){.memory = memory, .flush_seconds = 1, .threads = threads};
}

/* ---- the field's values: a different number for every variable, layer, step and neuron ---------------- */

static float value(int variable, int layer, int64_t step, int64_t element)
{
  uint32_t x =
      (uint32_t)element * 2654435761u + (uint32_t)step * 40503u + (uint32_t)(layer * 8 + variable) * 97u;
  x ^= x >> 15;
  x *= 2246822519u;
  x ^= x >> 13;
  return (float)(int32_t)x * 0x1p-30f;
}

typedef struct sources {
  bool              needed[LAYERS]; /* others stay 0 */
  nrf_states       *owned[NRF_RECORD_VARIABLES];
  const nrf_states *given[NRF_RECORD_VARIABLES];
} sources;

static sources *make_sources(const nrf_recording_info *info)
{
  sources *s = calloc(1, sizeof *s);
  for (int l = 0; l < info->n_layers; l++) s->needed[info->layer[l].layer] = true;
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) {
    if (!info->variable[v]) continue;
    must(nrf_states_create(LAYERS, field, BATCH, &s->owned[v]));
    s->given[v] = s->owned[v];
  }
  return s;
}

static void free_sources(sources *s)
{
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++) nrf_states_free(s->owned[v]);
  free(s);
}

static const nrf_states *const *at_step(sources *s, int64_t step)
{
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    for (int l = 0; s->owned[v] != NULL && l < LAYERS; l++)
      for (int64_t e = 0; s->needed[l] && e < nrf_states_count(s->owned[v], l); e++)
        s->owned[v]->data[l][e] = value(v, l, step, e);
  return s->given;
}

static double half_value(uint16_t h)
{
  const int    exponent = h >> 10 & 31, mantissa = h & 1023;
  const double sign = h >> 15 != 0 ? -1.0 : 1.0;
  return exponent == 0 ? sign * scalbn(mantissa, -24) : sign * scalbn(1024 + mantissa, exponent - 25);
}

/* As the file has it. How numbers are rounded is the matter of recorder_copy_test.c. */
static float stored(nrf_record_format format, float number)
{
  uint16_t half = 0;
  float    same = 0;
  (void)nrf_put_numbers(format, &number, 1,
                        format.number == NRF_RECORD_FLOAT16 ? (void *)&half : (void *)&same);
  return format.number == NRF_RECORD_FLOAT16 ? (float)half_value(half) : same;
}

/* ---- reading back ------------------------------------------------------------------------------------ */

static void check_series(nrf_recording *file, int variable, int layer, int image, int64_t rows)
{
  const nrf_recording_info *info  = nrf_recording_info_of(file);
  const nrf_recorded_layer *l     = &info->layer[layer];
  const nrf_recording_block whole = {0, rows, 0, l->n_channels, 0, 0, l->rows, l->columns};
  const int64_t             n     = rows * l->n_channels * l->rows * l->columns;
  float                    *got   = malloc((size_t)n * sizeof *got);
  must(nrf_recording_read(file, (nrf_record_variable)variable, layer, image, whole, got));
  for (int64_t k = 0, t = 0; t < rows; t++)
    for (int c = 0; c < l->n_channels; c++)
      for (int y = 0; y < l->rows; y++)
        for (int x = 0; x < l->columns; x++, k++) {
          const int64_t pixel =
              ((int64_t)info->image[image].index * l->height + l->top + y) * l->width + l->left + x;
          const int64_t element = pixel * l->channels + l->channel[c];
          const float   want    = stored(info->format, value(variable, l->layer, t * info->stride, element));
          if (got[k] != want)
            fail_msg("variable %d, layer %d, image %d, row %d, channel %d (%d, %d): %g, not %g", variable,
                     l->layer, image, (int)t, c, y, x, (double)got[k], (double)want);
        }
  free(got);
}

/* All complete rows of the file are what was pushed; returns how many they are. */
static int64_t check_file(const char *path)
{
  nrf_recording *file = NULL;
  must(nrf_recording_open(path, &file));
  const nrf_recording_info *info = nrf_recording_info_of(file);
  const int64_t             rows = nrf_recording_rows(file);
  for (int v = 0; v < NRF_RECORD_VARIABLES; v++)
    for (int l = 0; info->variable[v] && l < info->n_layers; l++)
      for (int i = 0; rows > 0 && i < info->n_images; i++) check_series(file, v, l, i, rows);
  nrf_recording_free(file);
  return rows;
}

static int64_t complete_rows(const char *path)
{
  nrf_recording *file = NULL;
  must(nrf_recording_open(path, &file));
  const int64_t rows = nrf_recording_rows(file);
  nrf_recording_free(file);
  return rows;
}

/* ---- a recording being made ---------------------------------------------------------------------------- */

typedef struct session {
  described            *what;
  sources              *field;
  nrf_recording_writer *writer;
  nrf_recorder         *recorder;
  char                  path[SCRATCH_PATH];
} session;

static char directory[SCRATCH_PATH];

static session begin_with(const recording_case *c, double flush_seconds)
{
  session             s      = {.what = describe(c)};
  nrf_recorder_config config = config_for(&s.what->info, c->rows_per_block, c->threads);
  config.flush_seconds       = flush_seconds;
  s.field                    = make_sources(&s.what->info);
  must(nrf_recording_create(scratch_path(s.path, directory, "a.partial.nwb"), &s.what->info, false,
                            &s.writer));
  must(nrf_recorder_create(s.writer, &config, &s.recorder));
  return s;
}

static session begin(const recording_case *c)
{
  return begin_with(c, 1);
}

static nrf_status push(session *s, int64_t step)
{
  return nrf_recorder_push(s->recorder, step, at_step(s->field, step));
}

static void close_files(session *s)
{
  nrf_recorder_free(s->recorder);
  nrf_recording_writer_free(s->writer);
  s->recorder = NULL;
  s->writer   = NULL;
}

static void end(session *s)
{
  close_files(s);
  free_sources(s->field);
  free(s->what);
  (void)remove(s->path);
}

static double now(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void sleep_seconds(double seconds)
{
  const struct timespec t = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(fmod(seconds, 1.0) * 1e9)};
  (void)nanosleep(&t, NULL);
}

/* ---- what is pushed is in the file ----------------------------------------------------------------------- */

static void check_case(const recording_case *c)
{
  session       s    = begin(c);
  const int64_t rows = nrf_recording_n_rows(&s.what->info);
  for (int64_t step = 0; step < c->n_steps; step++) must(push(&s, step));
  must(nrf_recorder_drain(s.recorder));
  const nrf_recorder_report report = nrf_recorder_report_of(s.recorder);
  assert_int_equal(report.rows, rows);
  assert_int_equal(report.rows_written, rows);
  assert_int_equal(report.bytes_written, nrf_recording_data_bytes(&s.what->info));
  assert_int_equal(report.overflows, 0);
  if (c->rows_per_block != 0 && c->rows_per_block < rows) {
    assert_true(report.rows_per_block <= c->rows_per_block);
    assert_true(4 * report.rows_per_block >=
                3 * c->rows_per_block); /* pieces that are put on pages take more */
  }
  close_files(&s);
  if (check_file(s.path) != rows) fail_msg("%s: not all rows are there", c->why);
  end(&s);
}

static void what_is_pushed_is_in_the_file(void **state)
{
  (void)state;
  for (int i = 0; i < CASES; i++) check_case(&cases[i]);
}

static void the_case_of_chunk_borders_has_several_chunks(void **state)
{
  (void)state;
  const recording_case *c    = &cases[CASES - 1];
  described            *d    = describe(c);
  const int64_t         rows = nrf_recording_chunk_rows(&d->info, 0);
  assert_true(2 * rows < c->n_steps);
  assert_true(rows % c->rows_per_block != 0);
  free(d);
}

static void an_interrupted_recording_goes_on_where_it_stopped(void **state)
{
  (void)state;
  session       s    = begin(&plain);
  const int64_t stop = 10,
                back = 7; /* the state of the sampler that one goes on from is older than the last row */
  int64_t rows       = 0;
  for (int64_t step = 0; step < stop; step++) must(push(&s, step));
  must(nrf_recorder_drain(s.recorder));
  close_files(&s);
  must(nrf_recording_resume(s.path, &s.what->info, &s.writer, &rows));
  assert_int_equal(rows, stop);
  const nrf_recorder_config config = config_for(&s.what->info, 2, 1);
  must(nrf_recorder_create(s.writer, &config, &s.recorder));
  for (int64_t step = back; step < plain.n_steps; step++) must(push(&s, step));
  must(nrf_recorder_drain(s.recorder));
  close_files(&s);
  assert_int_equal(check_file(s.path), plain.n_steps);
  end(&s);
}

static void numbers_that_become_infinite_are_counted(void **state)
{
  (void)state;
  recording_case c = plain;
  c.format         = (nrf_record_format)FLOAT16;
  session s        = begin(&c);
  (void)at_step(s.field, 0);
  s.field->owned[NRF_RECORD_ENERGY]->data[2][17]  = 1e5f;
  s.field->owned[NRF_RECORD_GRADIENT]->data[0][3] = -1e5f;
  s.field->owned[NRF_RECORD_STATE]->data[1][3]    = 1e5f; /* not recorded */
  must(nrf_recorder_push(s.recorder, 0, s.field->given));
  assert_int_equal(nrf_recorder_report_of(s.recorder).overflows, 2);
  end(&s);
}

/* ---- when it is written ------------------------------------------------------------------------------ */

/* From the push of the first step until it is in the file. */
static double seconds_until_written(double flush_seconds)
{
  session      s     = begin_with(&plain, flush_seconds); /* four rows per block */
  const double start = now();
  must(push(&s, 0));
  while (complete_rows(s.path) == 0 && now() - start < 10) sleep_seconds(0.02);
  const double waited = now() - start;
  assert_int_equal(check_file(s.path), 1);
  end(&s);
  return waited;
}

/* Steps are given the chance to be written together, within the time that a kill may cost. */
static void a_step_is_written_soon_even_if_no_other_comes(void **state)
{
  (void)state;
  const double soon = seconds_until_written(0.4), later = seconds_until_written(1.5);
  assert_true(soon > 0.2);
  assert_true(soon < 0.7);
  assert_true(later > 0.75);
  assert_true(later < 1.5);
}

static void long_pieces_go_past_the_page_cache(void **state)
{
  (void)state;
  const recording_case *c = &cases[CASES - 2];
  session               s = begin(c);
  if (!nrf_recording_is_direct(s.writer)) {
    end(&s);
    skip(); /* the file system does not have it */
  }
  assert_int_equal(nrf_recording_place_in_page(&s.what->info, 0, 37), 37 * 15 * 16 * 4 % 4096);
  for (int64_t step = 0; step < c->n_steps; step++) must(push(&s, step));
  must(nrf_recorder_drain(s.recorder));
  assert_true(nrf_recording_is_direct(s.writer)); /* none was refused */
  end(&s);
}

static void a_recorder_that_is_freed_early_leaves_a_good_file(void **state)
{
  (void)state;
  session s = begin(&plain);
  for (int64_t step = 0; step < 10; step++) must(push(&s, step));
  close_files(&s);
  assert_true(check_file(s.path) <= 10);
  end(&s);
}

/* ---- save points ------------------------------------------------------------------------------------- */

typedef struct save {
  const char *path;
  int64_t     want;  /* rows that must be complete when it runs */
  int        *count; /* of saves that ran                       */
  int         number;
  bool        good;
} save;

static nrf_status check_rows_at_save(void *user)
{
  save *s = user;
  s->good = complete_rows(s->path) == s->want && *s->count == s->number;
  ++*s->count;
  return NRF_OK;
}

static void save_points_run_in_order_when_all_before_them_is_written(void **state)
{
  (void)state;
  enum { SAVES = 40 };
  session s = begin(&plain);
  save    saves[SAVES];
  int     count = 0, n = 0;
  for (int64_t step = 0; step < plain.n_steps; step++) {
    must(push(&s, step));
    for (int k = 0; k < (step % 3 == 0 ? 5 : 0); k++, n++) {
      saves[n] = (save){.path = s.path, .want = step + 1, .count = &count, .number = n};
      must(nrf_recorder_save_point(s.recorder, check_rows_at_save, &saves[n]));
    }
  }
  must(nrf_recorder_drain(s.recorder));
  assert_int_equal(n, SAVES);
  assert_int_equal(count, SAVES);
  for (int k = 0; k < SAVES; k++) assert_true(saves[k].good);
  close_files(&s);
  assert_int_equal(check_file(s.path), plain.n_steps);
  end(&s);
}

static nrf_status fail_to_save(void *user)
{
  return nrf_error(NRF_EIO, "%s: cannot be saved", (const char *)user);
}

static nrf_status must_not_run(void *user)
{
  *(bool *)user = true;
  return NRF_OK;
}

static void a_save_that_fails_stops_the_recording(void **state)
{
  (void)state;
  session s            = begin(&plain);
  bool    ran          = false;
  char    checkpoint[] = "a.state";
  must(push(&s, 0));
  must(nrf_recorder_save_point(s.recorder, fail_to_save, checkpoint));
  assert_int_equal(nrf_recorder_drain(s.recorder), NRF_EIO);
  for (int k = 0; k < 2; k++) {
    (void)nrf_error(NRF_EINVAL, "another message in between");
    assert_int_equal(push(&s, 1), NRF_EIO);
    assert_string_equal(nrf_error_message(), "a.state: cannot be saved");
  }
  assert_int_equal(nrf_recorder_save_point(s.recorder, must_not_run, &ran), NRF_EIO);
  assert_int_equal(nrf_recorder_drain(s.recorder), NRF_EIO);
  close_files(&s);
  assert_false(ran);
  assert_int_equal(check_file(s.path), 1);
  end(&s);
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static nrf_status wait_for_go(void *user)
{
  while (sem_wait(user) != 0) {
  }
  return NRF_OK;
}

static void *post_later(void *user)
{
  sleep_seconds(0.2);
  (void)sem_post(user);
  return NULL;
}

/* The writer thread is held up by a save point: two blocks fill, and then a push waits for it. */
static void a_full_memory_makes_a_push_wait(void **state)
{
  (void)state;
  session   s = begin(&plain);
  sem_t     go;
  pthread_t later;
  int64_t   step = 0;
  assert_int_equal(sem_init(&go, 0, 0), 0);
  must(nrf_recorder_save_point(s.recorder, wait_for_go, &go));
  for (; step < 8; step++) must(push(&s, step));
  assert_true(nrf_recorder_report_of(s.recorder).seconds_waiting < 0.1);
  assert_int_equal(complete_rows(s.path), 0);
  assert_int_equal(pthread_create(&later, NULL, post_later, &go), 0);
  must(push(&s, step++));
  assert_true(nrf_recorder_report_of(s.recorder).seconds_waiting > 0.1);
  for (; step < plain.n_steps; step++) must(push(&s, step));
  must(nrf_recorder_drain(s.recorder));
  (void)pthread_join(later, NULL);
  (void)sem_destroy(&go);
  close_files(&s);
  assert_int_equal(check_file(s.path), plain.n_steps);
  end(&s);
}

static void memory_for_less_than_a_step_is_refused(void **state)
{
  (void)state;
  nrf_recording_writer *w = NULL;
  nrf_recorder         *r = NULL;
  char                  path[SCRATCH_PATH];
  described            *d = describe(&cases[CASES - 1]); /* two maps of 4 KiB */
  must(nrf_recording_create(scratch_path(path, directory, "b.partial.nwb"), &d->info, false, &w));
  nrf_recorder_config config = {.memory = 8191, .flush_seconds = 1, .threads = 1};
  assert_int_equal(nrf_recorder_create(w, &config, &r), NRF_EINVAL);
  assert_null(r);
  assert_non_null(strstr(nrf_error_message(), "one step takes 0.007812 MiB"));
  config.memory = 8192;
  must(nrf_recorder_create(w, &config, &r));
  nrf_recorder_free(r);
  nrf_recording_writer_free(w);
  free(d);
  (void)remove(path);
}

/* ---- errors -------------------------------------------------------------------------------------------- */

static void a_full_disk_comes_back_to_who_pushes(void **state)
{
  (void)state;
  if (!scratch_mount_small_disk(directory, 4 << 20)) skip();
  recording_case c = cases[CASES - 1]; /* 8 KiB a row, about 5 MiB */
  c.rows_per_block = 5;
  session    s     = begin(&c);
  nrf_status st    = NRF_OK;
  for (int64_t step = 0; st == NRF_OK && step < c.n_steps; step++) st = push(&s, step);
  if (st == NRF_OK) st = nrf_recorder_drain(s.recorder);
  assert_int_equal(st, NRF_ENOSPACE);
  assert_non_null(strstr(nrf_error_message(), "a.partial.nwb"));
  assert_int_equal(nrf_recorder_drain(s.recorder), NRF_ENOSPACE);
  assert_int_equal(push(&s, 0), NRF_ENOSPACE);
  const int64_t written = nrf_recorder_report_of(s.recorder).rows_written;
  close_files(&s);
  assert_int_equal(check_file(s.path), written);
  assert_true(written > 100);
  end(&s);
  scratch_unmount(directory);
}

static void steps_out_of_order_are_refused(void **state)
{
  (void)state;
  recording_case c = plain;
  c.stride         = 2;
  c.n_steps        = 10;
  session s        = begin(&c);
  assert_int_equal(push(&s, 10), NRF_EINVAL);
  assert_int_equal(push(&s, -2), NRF_EINVAL);
  must(push(&s, 2));
  assert_int_equal(push(&s, 2), NRF_EINVAL);
  assert_int_equal(push(&s, 6), NRF_EINVAL);
  assert_non_null(strstr(nrf_error_message(), "step 4"));
  must(push(&s, 3));
  must(push(&s, 4));
  end(&s);
}

static void sources_that_do_not_fit_are_refused(void **state)
{
  (void)state;
  static const nrf_layer_size other[LAYERS] = {{3, 9, 7}, {8, 32, 32}, {6, 5, 4}};
  session                     s             = begin(&plain);
  nrf_states                 *wrong         = NULL;
  const nrf_states           *given[NRF_RECORD_VARIABLES];
  for (int which = 0; which < 4; which++) {
    memcpy(given, s.field->given, sizeof given);
    if (which == 0) must(nrf_states_create(LAYERS, other, BATCH, &wrong));
    if (which == 1) must(nrf_states_create(LAYERS, field, BATCH + 1, &wrong));
    if (which == 2) must(nrf_states_create(LAYERS - 1, field, BATCH, &wrong));
    given[NRF_RECORD_GRADIENT] = wrong; /* the fourth time: none */
    assert_int_equal(nrf_recorder_push(s.recorder, 0, given), NRF_ESHAPE);
    assert_non_null(strstr(nrf_error_message(), "gradient"));
    nrf_states_free(wrong);
    wrong = NULL;
  }
  must(push(&s, 0));
  end(&s);
}

static int set_up(void **state)
{
  (void)state;
  scratch_create(directory);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(directory);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_pushed_is_in_the_file),
      cmocka_unit_test(the_case_of_chunk_borders_has_several_chunks),
      cmocka_unit_test(an_interrupted_recording_goes_on_where_it_stopped),
      cmocka_unit_test(numbers_that_become_infinite_are_counted),
      cmocka_unit_test(a_step_is_written_soon_even_if_no_other_comes),
      cmocka_unit_test(long_pieces_go_past_the_page_cache),
      cmocka_unit_test(a_recorder_that_is_freed_early_leaves_a_good_file),
      cmocka_unit_test(save_points_run_in_order_when_all_before_them_is_written),
      cmocka_unit_test(a_save_that_fails_stops_the_recording),
      cmocka_unit_test(a_full_memory_makes_a_push_wait),
      cmocka_unit_test(memory_for_less_than_a_step_is_refused),
      cmocka_unit_test(steps_out_of_order_are_refused),
      cmocka_unit_test(sources_that_do_not_fit_are_refused),
      cmocka_unit_test(a_full_disk_comes_back_to_who_pushes),
  };
  return cmocka_run_group_tests_name("recorder", tests, set_up, tear_down);
}
