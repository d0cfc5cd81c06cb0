/* Extracts: what is in them, that it does not depend on threads, memory or interruptions, and what is refused. Run without
 * arguments for the tests; tests in Python have files made by `make FILE` and `reduce RECORDING FILE`. */
#include "nrflv/extract.h"
#include "nrflv/memory.h"
#include "nrflv/synthetic_source.h"
#include "support/memory_source.h"
#include "support/recording_specimen.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(call)                                                                            \
  do {                                                                                      \
    const nrf_status st_ = (call);                                                          \
    if (st_ != NRF_OK) fail_msg("%s: status %d: %s", #call, (int)st_, nrf_error_message()); \
  } while (0)

#define REFUSED(call, code, part)                                                               \
  do {                                                                                          \
    const nrf_status st_ = (call);                                                              \
    if (st_ != (code))                                                                          \
      fail_msg("%s: status %d, not %d: %s", #call, (int)st_, (int)(code), nrf_error_message()); \
    if (strstr(nrf_error_message(), (part)) == NULL)                                            \
      fail_msg("%s: '%s' does not say '%s'", #call, nrf_error_message(), (part));               \
  } while (0)

static const nrf_extract_effort two_threads = {2, 64 << 20};

static char directory[SCRATCH_PATH], path[SCRATCH_PATH], partial[SCRATCH_PATH + 8], other[SCRATCH_PATH];

static int set_up(void **state)
{
  (void)state;
  scratch_create(directory);
  scratch_path(path, directory, "x.extract.h5");
  scratch_path(other, directory, "y.extract.h5");
  (void)snprintf(partial, sizeof partial, "%s.partial", path);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(directory);
  return 0;
}

static bool exists(const char *file)
{
  return access(file, F_OK) == 0;
}

/* New memory. */
static char *contents_of(const char *file, size_t *bytes)
{
  FILE *in = fopen(file, "rb");
  if (in == NULL) fail_msg("%s: cannot open", file);
  (void)fseek(in, 0, SEEK_END);
  *bytes     = (size_t)ftell(in);
  char *data = malloc(*bytes + 1);
  rewind(in);
  assert_int_equal(fread(data, 1, *bytes, in), *bytes);
  (void)fclose(in);
  return data;
}

static void assert_equal_files(const char *a, const char *b)
{
  size_t a_bytes, b_bytes;
  char  *a_data = contents_of(a, &a_bytes), *b_data = contents_of(b, &b_bytes);
  assert_int_equal(a_bytes, b_bytes);
  for (size_t i = 0; i < a_bytes; i++)
    if (a_data[i] != b_data[i]) fail_msg("%s and %s differ at byte %zu", a, b, i);
  free(a_data);
  free(b_data);
}

/* PRIM with three angles and two contrasts, momentum and all. */
static void create_prim(memory_source *s)
{
  memory_source_create(s, "single/contrast_and_angle", 6, 3, 9, 11);
  s->info.variable[NRF_RECORD_MOMENTUM] = true;
  for (int b = 0; b < 6; b++) {
    s->image[b].angle    = b / 2;
    s->image[b].contrast = b % 2;
  }
}

/* ---- contents ---- */

static void assert_trace(const nrf_extract *x, const memory_source *s, nrf_record_variable variable, int c,
                         int b, int h, int w)
{
  const float *trace = nrf_extract_trace(x, variable, c, b, h, w);
  if (trace == NULL) fail_msg("no trace of channel %d image %d (%d, %d)", c, b, h, w);
  for (int64_t t = 0; t < x->rows; t++) assert_true(trace[t] == memory_value(s, variable, b, c, t, h, w));
}

static void kept_traces_are_the_sources(void **state)
{
  (void)state;
  memory_source s;
  nrf_extract  *x = NULL;
  create_prim(&s);
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
  OK(nrf_extract_open(path, &x));
  assert_false(exists(partial));
  assert_int_equal(x->kind, NRF_KIND_PRIM);
  assert_int_equal(x->rows, 114);
  assert_int_equal(x->centre.h, 4);
  assert_int_equal(x->centre.w, 5);
  for (int b = 0; b < 6; b++) {
    assert_int_equal(x->state_sites[b].count, 9);
    assert_int_equal(x->momentum_sites[b].count, b == 5 ? 1 : 0);
    for (int c = 0; c < 3; c++)
      for (int i = 0; i < 9; i++) {
        const nrf_site site = x->state_sites[b].site[i];
        assert_trace(x, &s, NRF_RECORD_STATE, c, b, site.h, site.w);
      }
  }
  for (int c = 0; c < 3; c++) assert_trace(x, &s, NRF_RECORD_MOMENTUM, c, 5, 4, 5);

  assert_null(nrf_extract_trace(x, NRF_RECORD_STATE, 0, 0, 3, 3));
  assert_null(nrf_extract_trace(x, NRF_RECORD_MOMENTUM, 0, 4, 4, 5));
  assert_null(nrf_extract_trace(x, NRF_RECORD_ENERGY, 0, 0, 4, 5));
  assert_null(nrf_extract_trace(x, NRF_RECORD_STATE, 3, 0, 4, 5));
  assert_null(nrf_extract_trace(x, NRF_RECORD_STATE, 0, 6, 4, 5));
  assert_null(nrf_extract_trace(x, NRF_RECORD_STATE, -1, -1, 4, 5));
  nrf_extract_free(x);
}

/* Each trace is constant, its value saying whose it is; except where the statistics are planted. */
static float numbered(const memory_source *s, nrf_record_variable variable, int image, int channel,
                      int64_t row, int h, int w)
{
  (void)s;
  (void)variable;
  const float stimulus = row >= 50 && row < 90 ? 0.5F : 0.0F;
  const float swing    = row % 2 == 0 ? 0.25F : -0.25F;
  return (float)(image * 1000 + channel * 100 + h * 11 + w) + stimulus + (h == 2 && row >= 10 ? swing : 0.0F);
}

static void statistics_stand_at_their_neurons(void **state)
{
  (void)state;
  memory_source s;
  nrf_extract  *x = NULL;
  create_prim(&s);
  s.value = numbered;
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
  OK(nrf_extract_open(path, &x));
  assert_int_equal(x->during.n, 40);
  assert_int_equal(x->outside.n, 64);
  assert_int_equal(x->traces_not_finite, 0);
  for (int c = 0; c < 3; c++)
    for (int b = 0; b < 6; b++)
      for (int h = 0; h < 9; h++)
        for (int w = 0; w < 11; w++) {
          const int64_t at   = nrf_extract_at(x, c, b, h, w);
          const double  base = b * 1000 + c * 100 + h * 11 + w;
          assert_true(x->during.mean[at] == base + 0.5);
          assert_true(x->outside.mean[at] == base);
          assert_true(fabs(x->during.variance[at] - (h == 2 ? 0.0625 * 40 / 39 : 0)) < 1e-15);
          assert_true(fabs(x->outside.variance[at] - (h == 2 ? 0.0625 * 64 / 63 : 0)) < 1e-15);
          assert_true(h == 2 ? x->during.one_minus_w[at] > 0.3 : x->during.one_minus_w[at] == 0.0);
        }
  nrf_extract_free(x);
}

static void what_the_recording_says_is_kept(void **state)
{
  (void)state;
  memory_source         s;
  nrf_extract          *x          = NULL;
  nrf_recording_setting settings[] = {{"sampling_step_size", "0.1"}};
  create_prim(&s);
  s.info.setting           = settings;
  s.info.n_settings        = 1;
  s.info.layer[0].channels = 40;
  s.info.layer[0].height   = 20;
  s.info.layer[0].width    = 30;
  s.info.layer[0].top      = 6;
  s.info.layer[0].left     = 10;
  s.channel[2]             = 39;
  s.info.batch             = 30;
  s.image[5].index         = 29;
  s.info.stride            = 2;
  (void)snprintf(s.image[1].file_name, sizeof s.image[1].file_name, "angle.png");
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
  OK(nrf_extract_open(path, &x));
  assert_string_equal(x->info->experiment, "memory");
  assert_string_equal(x->info->model_hash, "d41d8cd98f00b204e9800998ecf8427e");
  assert_int_equal(x->info->seed, 7);
  assert_int_equal(x->info->n_settings, 1);
  assert_string_equal(x->info->setting[0].value, "0.1");
  assert_string_equal(x->info->image[1].file_name, "angle.png");
  assert_int_equal(x->info->image[5].index, 29);
  assert_true(x->info->image[3].angle == 1.0);
  assert_int_equal(x->layer->channel[2], 39);
  assert_int_equal(x->layer->top, 6);
  assert_int_equal(x->centre.h, 4);
  assert_int_equal(x->centre.w, 5);
  assert_int_equal(x->rows, 57);
  assert_true(x->ms_per_row == 2 * 70.0 / 17);
  assert_true(x->has_momentum);
  assert_int_equal(x->window[NRF_WINDOW_PRE].first, 5);
  assert_int_equal(x->window[NRF_WINDOW_PRE].count, 20);
  assert_string_equal(x->origin.path, "/memory");
  assert_true(nrf_extract_is_of(x, &s.source.origin));

  const uint8_t *blank = nrf_extract_picture(x, NRF_SHOWS_BLANK, 3),
                *last  = nrf_extract_picture(x, NRF_SHOWS_STIMULUS, 5);
  assert_non_null(blank);
  assert_int_equal(blank[11], 0);
  assert_int_equal(last[11], 25);
  assert_int_equal(nrf_extract_picture(x, NRF_SHOWS_BURN_IN, 2)[0], 12);
  assert_null(nrf_extract_picture(x, NRF_SHOWS_STIMULUS, 6));
  nrf_extract_free(x);
}

static void films_are_quantised_maps(void **state)
{
  (void)state;
  memory_source s;
  nrf_extract  *x = NULL;
  memory_source_create(&s, "single/just_angle", 8, 2, 5, 4);
  for (int b = 0; b < 8; b++) s.image[b].angle = b * M_PI / 4;
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
  OK(nrf_extract_open(path, &x));
  assert_int_equal(x->n_films, 2);
  assert_int_equal(x->film[0].image, 0);
  assert_int_equal(x->film[1].image, 2);
  for (int f = 0; f < 2; f++)
    for (int c = 0; c < 2; c++) {
      float low = INFINITY, high = -INFINITY;
      for (int pass = 0; pass < 2; pass++)
        for (int64_t t = 0; t < x->rows; t++)
          for (int h = 0; h < 5; h++)
            for (int w = 0; w < 4; w++) {
              const float v = memory_value(&s, NRF_RECORD_STATE, 2 * f, c, t, h, w);
              low           = fminf(low, v);
              high          = fmaxf(high, v);
              if (pass == 1)
                assert_int_equal(x->film[f].grey[((c * x->rows + t) * 5 + h) * 4 + w],
                                 (int)(255.0F * ((v - low) / (high - low))));
            }
      assert_true(x->film[f].low[c] == low);
      assert_true(x->film[f].high[c] == high);
    }
  nrf_extract_free(x);
}

static float spoilt(const memory_source *s, nrf_record_variable variable, int image, int channel, int64_t row,
                    int h, int w)
{
  if (image == 1 && channel == 1 && row == 60 && h == 4) return w == 0 ? NAN : w == 1 ? INFINITY : 0.0F;
  return memory_noise(s, variable, image, channel, row, h, w);
}

static void numbers_that_are_not_finite_are_marked(void **state)
{
  (void)state;
  memory_source s;
  nrf_extract  *x = NULL;
  memory_source_create(&s, "single/just_angle", 2, 2, 9, 11);
  s.image[1].angle = 0; /* of which there is a film */
  s.value          = spoilt;
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
  OK(nrf_extract_open(path, &x));
  assert_int_equal(x->traces_not_finite, 2);
  for (int w = 0; w < 11; w++) assert_int_equal(isnan(x->during.mean[nrf_extract_at(x, 1, 1, 4, w)]), w < 2);
  assert_int_equal(x->film[0].image, 1);
  assert_true(x->film[0].high[1] < 1.0F);
  assert_int_equal(x->film[0].grey[((1 * x->rows + 60) * 9 + 4) * 11], 0);
  assert_int_equal(x->film[0].grey[((1 * x->rows + 60) * 9 + 4) * 11 + 1], 0);
  nrf_extract_free(x);
}

/* ---- the same whatever the way ---- */

static void threads_and_memory_change_nothing(void **state)
{
  (void)state;
  static const nrf_extract_effort efforts[] = {{1, 1 << 19}, {2, 64 << 20}, {5, 1 << 19}, {64, 64 << 20}};
  memory_source                   s;
  create_prim(&s);
  OK(nrf_extract_make(&s.source, path, (nrf_extract_effort){1, 64 << 20}, NULL));
  for (size_t i = 0; i < sizeof efforts / sizeof efforts[0]; i++) {
    OK(nrf_extract_make(&s.source, other, efforts[i], NULL));
    assert_equal_files(path, other);
  }
}

static void memory_is_bounded(void **state)
{
  (void)state;
  memory_source s;
  create_prim(&s);
  REFUSED(nrf_extract_make(&s.source, path, (nrf_extract_effort){1, 1000}, NULL), NRF_EINVAL, "--memory");
  assert_int_equal(scratch_entries(directory), 0);

  /* 64 channels of 64 x 64 maps: 1.9 MB each; 40 images would be 4.8 GB */
  memory_source_create(&s, "single/just_angle", 3, 64, 64, 64);
  s.value               = numbered;
  const uint64_t before = nrf_peak_resident_bytes();
  OK(nrf_extract_make(&s.source, path, (nrf_extract_effort){8, 8 << 20}, NULL));
  assert_in_range(nrf_peak_resident_bytes() - before, 0, 24 << 20);
}

/* Of files that are mapped, in this process's memory. */
static int64_t mapped_pages(void)
{
  long  all = 0, of_files = 0;
  FILE *in = fopen("/proc/self/statm", "r");
  assert_non_null(in);
  assert_int_equal(fscanf(in, "%*d %ld %ld", &all, &of_files), 2);
  (void)fclose(in);
  return of_files;
}

static int64_t sum_of_film(const nrf_extract *x)
{
  int64_t sum = 0;
  for (int64_t i = 0; i < x->channels * x->rows * x->height * x->width; i++) sum += x->film[0].grey[i];
  return sum;
}

static void what_was_looked_at_can_be_released(void **state)
{
  (void)state;
  memory_source s;
  nrf_extract  *x = NULL;
  memory_source_create(&s, "single/just_angle", 1, 16, 64, 64);
  s.image[0].angle = 0.0; /* so that there is a film */
  s.value          = numbered;
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
  OK(nrf_extract_open(path, &x));
  const int64_t film   = (int64_t)x->channels * x->rows * x->height * x->width / sysconf(_SC_PAGESIZE);
  const int64_t before = mapped_pages(), sum = sum_of_film(x), after = mapped_pages();
  assert_in_range(after - before, film * 9 / 10, film * 2);
  nrf_extract_release(x);
  assert_in_range(after - mapped_pages(), film * 9 / 10, film * 2);
  assert_int_equal(sum_of_film(x), sum);
  nrf_extract_free(x);
}

/* ---- interruptions ---- */

typedef struct stop_after {
  const memory_source *s;
  int                  images;
} stop_after;

static bool is_enough(void *context)
{
  const stop_after *stop = context;
  return stop->s->images_read >= stop->images;
}

static void an_interrupted_pass_goes_on(void **state)
{
  (void)state;
  memory_source s;
  create_prim(&s);
  OK(nrf_extract_make(&s.source, other, two_threads, NULL));
  for (int part = 0; part < 3; part++) {
    stop_after         stop     = {&s, s.images_read = 0};
    const nrf_progress progress = {.context = &stop, .stop_requested = is_enough};
    stop.images                 = 2;
    const nrf_status st         = nrf_extract_make(&s.source, path, two_threads, &progress);
    assert_int_equal(st, part < 2 ? NRF_EINTERRUPTED : NRF_OK);
    assert_int_equal(s.images_read, 2); /* none of them twice */
    assert_int_equal(exists(path), part == 2);
    if (part < 2) {
      nrf_extract *x = NULL;
      REFUSED(nrf_extract_open(partial, &x), NRF_EFORMAT,
              part == 0 ? "has 2 of 6 images" : "has 4 of 6 images");
    }
  }
  assert_equal_files(path, other);
}

/* In the middle of an image, or before its last channel. */
static void a_failing_source_keeps_what_is_done(void **state)
{
  (void)state;
  memory_source s;
  create_prim(&s);
  OK(nrf_extract_make(&s.source, other, two_threads, NULL));
  for (s.fail_channel = 0; s.fail_channel < 3; s.fail_channel++) {
    s.images_read = 0;
    s.fail_after  = 4;
    REFUSED(nrf_extract_make(&s.source, path, two_threads, NULL), NRF_EIO, "the disk is broken");
    assert_false(exists(path));
    s.fail_after  = -1;
    s.images_read = 0;
    OK(nrf_extract_make(&s.source, path, two_threads, NULL));
    assert_int_equal(s.images_read, 2);
    assert_equal_files(path, other);
    assert_int_equal(unlink(path), 0);
  }
}

/* The child is killed while it reads: wherever it is by then. */
static void a_killed_pass_goes_on(void **state)
{
  (void)state;
  memory_source s;
  int           interrupted = 0;
  memory_source_create(&s, "single/long_just_fewangles", 40, 4, 16, 16);
  for (int b = 0; b < 40; b++) s.image[b].angle = b / 5 * M_PI / 4;
  OK(nrf_extract_make(&s.source, other, two_threads, NULL));
  for (int round = 0; round < 80; round++) {
    const pid_t child = fork();
    if (child == 0) _exit(nrf_extract_make(&s.source, path, two_threads, NULL) == NRF_OK ? 0 : 1);
    (void)usleep((useconds_t)(1000 * (round % 37)));
    (void)kill(child, SIGKILL);
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    if (WIFEXITED(how)) assert_int_equal(WEXITSTATUS(how), 0);
    interrupted += WIFSIGNALED(how);
    if (!exists(path)) continue;
    assert_equal_files(path, other);
    assert_int_equal(unlink(path), 0);
  }
  assert_true(interrupted > 10);
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
  assert_equal_files(path, other);
}

static char told[1024];

static void remember(void *context, nrf_level level, const char *text)
{
  (void)context;
  (void)level;
  (void)snprintf(told, sizeof told, "%s", text);
}

/* Makes a partial file with two images of s. */
static void leave_partial(memory_source *s)
{
  s->images_read = 0;
  s->fail_after  = 2;
  REFUSED(nrf_extract_make(&s->source, path, two_threads, NULL), NRF_EIO, "broken");
  s->fail_after  = -1;
  s->images_read = 0;
  assert_true(exists(partial));
}

static void a_partial_file_of_something_else_is_begun_anew(void **state)
{
  (void)state;
  const nrf_progress progress = {.message = remember};
  memory_source      s;
  create_prim(&s);
  leave_partial(&s);
  s.source.origin.modified_ns++;
  OK(nrf_extract_make(&s.source, path, two_threads, &progress));
  assert_int_equal(s.images_read, 6);
  assert_non_null(strstr(told, "starting again"));

  leave_partial(&s);
  const int fd = open(partial, O_WRONLY | O_TRUNC);
  assert_int_equal(write(fd, "not HDF5", 8), 8);
  (void)close(fd);
  OK(nrf_extract_make(&s.source, path, two_threads, &progress));
  assert_int_equal(s.images_read, 6);
}

static void two_processes_do_not_make_one_file(void **state)
{
  (void)state;
  memory_source s;
  create_prim(&s);
  leave_partial(&s);
  const int    fd    = open(partial, O_RDWR);
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = INT64_MAX - 1, .l_len = 1};
  assert_int_equal(fcntl(fd, F_OFD_SETLK, &range), 0);
  REFUSED(nrf_extract_make(&s.source, path, two_threads, NULL), NRF_EINVAL, "another process");
  (void)close(fd);
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
}

/* Something else takes the room, until it is removed. */
static void a_full_disk_stops_and_goes_on(void **state)
{
  (void)state;
  char          disk[SCRATCH_PATH], there[SCRATCH_PATH], filler[SCRATCH_PATH], *zeros = calloc(1, 1 << 20);
  memory_source s;
  memory_source_create(&s, "single/just_angle", 40, 4, 32, 32);
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
  scratch_path(disk, directory, "disk");
  assert_int_equal(mkdir(disk, 0777), 0);
  if (!scratch_mount_small_disk(disk, 16 << 20)) skip();
  scratch_path(there, disk, "x.extract.h5");
  FILE *out = fopen(scratch_path(filler, disk, "filler"), "wb");
  for (int i = 0; i < 12; i++) assert_int_equal(fwrite(zeros, 1, 1 << 20, out), 1 << 20);
  (void)fclose(out);
  free(zeros);
  REFUSED(nrf_extract_make(&s.source, there, two_threads, NULL), NRF_ENOSPACE, "cannot write");
  assert_false(exists(there));
  assert_int_equal(unlink(filler), 0);
  s.images_read = 0;
  OK(nrf_extract_make(&s.source, there, two_threads, NULL));
  assert_in_range(s.images_read, 1, 39);
  assert_equal_files(path, there);
  scratch_unmount(disk);
}

/* ---- sizes ---- */

static void the_size_is_known_beforehand(void **state)
{
  (void)state;
  memory_source s;
  struct stat   info;
  int64_t       bytes = 0;
  memory_source_create(&s, "single/just_angle", 20, 8, 32, 32);
  for (int b = 0; b < 20; b++) s.image[b].angle = b * 0.3;
  OK(nrf_extract_bytes(&s.info, &bytes));
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
  assert_int_equal(stat(path, &info), 0);
  assert_in_range(bytes, info.st_size, info.st_size * 1.02);

  s.info.n_phases = 1;
  assert_int_equal(nrf_extract_bytes(&s.info, &bytes), NRF_EUNSUPPORTED);
}

/* ---- files that are no good ---- */

static void damaged_and_foreign_files_are_refused(void **state)
{
  (void)state;
  memory_source s;
  nrf_extract  *x = NULL;
  size_t        bytes;
  create_prim(&s);
  REFUSED(nrf_extract_open(path, &x), NRF_ENOTFOUND, path);
  OK(nrf_extract_make(&s.source, path, two_threads, NULL));
  char *data = contents_of(path, &bytes);

  for (size_t length = 0; length < bytes; length += 1 + bytes / 23) {
    FILE *out = fopen(other, "wb");
    assert_int_equal(fwrite(data, 1, length, out), length);
    (void)fclose(out);
    assert_int_not_equal(nrf_extract_open(other, &x), NRF_OK);
    assert_null(x);
    assert_non_null(strstr(nrf_error_message(), other));
  }
  /* bits turned anywhere but in the numbers themselves; `done` are the first of them */
  const char *done = memmem(data, bytes, "\1\1\1\1\1\1", 6);
  assert_non_null(done);
  for (uint32_t seed = 1; seed <= 300; seed++) {
    const size_t at = seed * UINT32_C(2654435761) % (uint32_t)(done - data);
    data[at] ^= (char)(1 << seed % 8);
    FILE *out = fopen(other, "wb");
    assert_int_equal(fwrite(data, 1, bytes, out), bytes);
    (void)fclose(out);
    data[at] ^= (char)(1 << seed % 8);
    REFUSED(nrf_extract_open(other, &x), NRF_EFORMAT, "damaged");
  }
  free(data);
}

/* ---- from recordings ---- */

static void an_extract_is_made_of_a_recording_and_when_it_changed(void **state)
{
  (void)state;
  static const nrf_record_format formats[] = {{NRF_RECORD_FLOAT32, 0}, {NRF_RECORD_FLOAT16, 0}};
  char                           recording[SCRATCH_PATH];
  specimen                       s;
  nrf_extract                   *x = NULL;
  scratch_path(recording, directory, "r.nwb");
  REFUSED(nrf_extract_obtain(recording, path, two_threads, NULL, &x), NRF_ENOTFOUND, "no such recording");
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    specimen_create(&s, 300);
    s.info.format = formats[i];
    OK(specimen_record(&s, recording));
    OK(nrf_extract_obtain(recording, path, two_threads, NULL, &x));
    assert_int_equal(x->info->format.number, formats[i].number);
    assert_int_equal(x->layer->layer, 1);
    assert_int_equal(x->rows, 300);
    for (int b = 0; b < SPECIMEN_IMAGES; b++)
      for (int c = 0; c < SPECIMEN_CHANNELS; c++) {
        const float *trace = nrf_extract_trace(x, NRF_RECORD_STATE, c, b, 3, 2);
        double       sum   = 0.0;
        for (int64_t t = 0; t < 300; t++) {
          assert_true(trace[t] == specimen_value(&s.info, NRF_RECORD_STATE, 0, b, c, t, 3, 2));
          if (t >= 150 && t < 225) sum += (double)trace[t];
        }
        assert_true(fabs(x->during.mean[nrf_extract_at(x, c, b, 3, 2)] - sum / 75) < 1e-12);
      }
    const uint8_t *picture = nrf_extract_picture(x, NRF_SHOWS_STIMULUS, 2);
    assert_memory_equal(picture, s.stimulus + 2 * 3 * 4 * 5, 3 * 4 * 5);
    OK(nrf_extract_compare_info(x, &s.info));
    s.stimulus[7]++;
    REFUSED(nrf_extract_compare_info(x, &s.info), NRF_EINVAL, "pictures");
    nrf_extract_free(x);
  }

  struct stat first, second;
  assert_int_equal(stat(path, &first), 0);
  OK(nrf_extract_obtain(recording, path, two_threads, NULL, &x)); /* nothing has changed: nothing is made */
  nrf_extract_free(x);
  assert_int_equal(stat(path, &second), 0);
  assert_int_equal(first.st_ino, second.st_ino);

  assert_int_equal(unlink(recording), 0); /* the extract has to do */
  OK(nrf_extract_obtain(recording, path, two_threads, NULL, &x));
  nrf_extract_free(x);
}

static void a_recording_that_was_cut_short_is_refused(void **state)
{
  (void)state;
  char                  recording[SCRATCH_PATH];
  specimen              s;
  nrf_recording_writer *w = NULL;
  nrf_trace_source      source;
  scratch_path(recording, directory, "r.partial.nwb");
  specimen_create(&s, 300);
  OK(nrf_recording_create(recording, &s.info, false, &w));
  OK(specimen_write(w, 0, 200));
  OK(nrf_recording_mark(w, 200));
  nrf_recording_writer_free(w);
  REFUSED(nrf_trace_source_open(recording, &source), NRF_EFORMAT, "after 200 of 300 steps");
  nrf_trace_source_close(&source);
}

/* The extract of a recording, for the tests of nrflv --record analysis. */
static int reduce_recording(const char *from, const char *to)
{
  nrf_extract     *x  = NULL;
  const nrf_status st = nrf_extract_obtain(from, to, two_threads, NULL, &x);
  nrf_extract_free(x);
  if (st != NRF_OK) (void)fprintf(stderr, "%s\n", nrf_error_message());
  return st == NRF_OK ? 0 : 1;
}

/* A file for extract_test.py. */
static int make_extract(const char *to)
{
  memory_source s;
  create_prim(&s);
  const nrf_status st = nrf_extract_make(&s.source, to, two_threads, NULL);
  if (st != NRF_OK) (void)fprintf(stderr, "%s\n", nrf_error_message());
  return st == NRF_OK ? 0 : 1;
}

int main(int argc, char *argv[])
{
  if (argc == 3 && strcmp(argv[1], "make") == 0) return make_extract(argv[2]);
  if (argc == 4 && strcmp(argv[1], "reduce") == 0) return reduce_recording(argv[2], argv[3]);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(kept_traces_are_the_sources),
      TEST(statistics_stand_at_their_neurons),
      TEST(what_the_recording_says_is_kept),
      TEST(films_are_quantised_maps),
      TEST(numbers_that_are_not_finite_are_marked),
      TEST(threads_and_memory_change_nothing),
      TEST(memory_is_bounded),
      TEST(what_was_looked_at_can_be_released),
      TEST(an_interrupted_pass_goes_on),
      TEST(a_failing_source_keeps_what_is_done),
      TEST(a_killed_pass_goes_on),
      TEST(a_partial_file_of_something_else_is_begun_anew),
      TEST(two_processes_do_not_make_one_file),
      TEST(a_full_disk_stops_and_goes_on),
      TEST(the_size_is_known_beforehand),
      TEST(damaged_and_foreign_files_are_refused),
      TEST(an_extract_is_made_of_a_recording_and_when_it_changed),
      TEST(a_recording_that_was_cut_short_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
