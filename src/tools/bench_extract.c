/* bench_extract.c - times the pass over a recording (extract.h) beside plainly reading the same file: a recording of a few
 * images at the thesis's size, oscillations with noise, written for the purpose. Prints one "name value" line per figure, for
 * scripts to read. */
#include "nrflv/extract.h"
#include "nrflv/memory.h"
#include "nrflv/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- options ------------------------------------------------------------------------------------------ */

typedef struct options {
  const char *directory;
  int         images, channels, size, threads, rounds;
  double      gib;
  bool        keep;
} options;

static const char usage[] = "usage: bench_extract [--directory DIR] [--images N] [--channels N] [--size N] "
                            "[--threads N] [--memory GIB]\n"
                            "                     [--rounds N] [--keep]\n"
                            "  --directory  where the recording and its extract are written (default .)\n"
                            "  --size       rows and columns of the maps (default 32)\n"
                            "  --rounds     how often the file is read, plainly and by the pass, in turn\n"
                            "  --keep       leaves DIR/bench.nwb and DIR/bench.extract.h5\n";

static int positive(const char *text)
{
  char      *end   = NULL;
  const long value = strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < 1 || value > 100000) {
    (void)fprintf(stderr, "bench_extract: not a count: %s\n%s", text, usage);
    exit(2);
  }
  return (int)value;
}

static options parse(int argc, char **argv)
{
  enum { DIRECTORY = 1, IMAGES, CHANNELS, SIZE, THREADS, MEMORY, ROUNDS, KEEP, HELP };
  static const struct option known[] = {{"directory", required_argument, NULL, DIRECTORY},
                                        {"images", required_argument, NULL, IMAGES},
                                        {"channels", required_argument, NULL, CHANNELS},
                                        {"size", required_argument, NULL, SIZE},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"memory", required_argument, NULL, MEMORY},
                                        {"rounds", required_argument, NULL, ROUNDS},
                                        {"keep", no_argument, NULL, KEEP},
                                        {"help", no_argument, NULL, HELP},
                                        {0}};
  options                    o       = {".", 4, 32, 32, 2, 3, 1.0, false};
  for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    switch (c) {
    case DIRECTORY:
      o.directory = optarg;
      break;
    case IMAGES:
      o.images = positive(optarg);
      break;
    case CHANNELS:
      o.channels = positive(optarg);
      break;
    case SIZE:
      o.size = positive(optarg);
      break;
    case THREADS:
      o.threads = positive(optarg);
      break;
    case MEMORY:
      o.gib = atof(optarg);
      break;
    case ROUNDS:
      o.rounds = positive(optarg);
      break;
    case KEEP:
      o.keep = true;
      break;
    case HELP:
      (void)fputs(usage, stdout);
      exit(0);
    default:
      (void)fputs(usage, stderr);
      exit(2);
    }
  }
  return o;
}

/* ---- the recording --------------------------------------------------------------------------------------- */

enum { MAX_PATH = 4096, STEPS = 2700, CYCLE = 1 << 12 };

typedef struct specimen {
  nrf_recording_info   info;
  nrf_recording_image *image;
  int                 *channel;
  uint8_t             *pictures;
} specimen;

static void free_specimen(specimen *s)
{
  free(s->image);
  free(s->channel);
  free(s->pictures);
}

/* Of this experiment the traces of one neuron per channel are kept, and no films. */
static nrf_status create_specimen(const options *o, specimen *s)
{
  static const nrf_recording_phase phases[] = {{"burn_in", 0, 100, NRF_SHOWS_BURN_IN},
                                               {"pre", 100, 1000, NRF_SHOWS_BLANK},
                                               {"stimulus", 1100, 1000, NRF_SHOWS_STIMULUS},
                                               {"post", 2100, 600, NRF_SHOWS_BLANK}};
  const size_t                     pixels   = (size_t)o->size * (size_t)o->size;
  *s                                        = (specimen){.image    = calloc((size_t)o->images, sizeof *s->image),
                                                         .channel  = calloc((size_t)o->channels, sizeof *s->channel),
                                                         .pictures = calloc((size_t)o->images, pixels)};
  if (s->image == NULL || s->channel == NULL || s->pictures == NULL)
    return nrf_error(NRF_ENOMEM, "no memory for the recording's description");
  for (int c = 0; c < o->channels; c++) s->channel[c] = c;
  for (int b = 0; b < o->images; b++)
    s->image[b] =
        (nrf_recording_image){.index = b, .angle = b % 8 * M_PI / 4, .contrast = 2.4, .group = b % 8};
  s->info = (nrf_recording_info){
      .experiment      = "just_angle_few_angles",
      .stimulus_set    = "single/just_angle_few_angles",
      .session_name    = "bench",
      .model_name      = "bench",
      .model_hash      = "",
      .program_version = NRFLV_VERSION,
      .n_steps         = STEPS,
      .stride          = 1,
      .ms_per_step     = 70.0 / 17,
      .batch           = o->images,
      .n_layers        = 1,
      .layer    = {{1, o->channels, o->size, o->size, o->channels, s->channel, 0, 0, o->size, o->size}},
      .n_phases = 4,
      .n_images = o->images,
      .image    = s->image,
      .pictures = {1, o->size, o->size, s->pictures, s->pictures, s->pictures}};
  s->info.variable[NRF_RECORD_STATE] = true;
  memcpy(s->info.phase, phases, sizeof phases);
  return NRF_OK;
}

/* An oscillation with a phase of its own in every neuron, and noise that repeats itself after a while, never in step. */
static void fill_maps(const options *o, int image, int channel, const float *noise, float *maps)
{
  const int64_t  places = (int64_t)o->size * o->size;
  const uint64_t start  = (uint64_t)(image * o->channels + channel) * 7919;
  for (int64_t t = 0; t < STEPS; t++)
    for (int64_t i = 0; i < places; i++)
      maps[t * places + i] = 0.3F * noise[(start + (uint64_t)(t * places + i) * 31) % (CYCLE - 5)] +
                             0.2F * sinf(0.3F * (float)t + 0.1F * (float)i);
}

static nrf_status write_recording(const options *o, const char *path)
{
  nrf_status            st   = NRF_OK;
  nrf_recording_writer *w    = NULL;
  float                *maps = NULL, noise[CYCLE];
  specimen              s    = {0};
  const nrf_rng         rng  = nrf_rng_at(1, NRF_RNG_TEST, 0, 0);
  for (int i = 0; i < CYCLE; i++) noise[i] = 4.0F * nrf_rng_uniform(rng, (uint64_t)i) - 2.0F;
  NRF_TRY(create_specimen(o, &s));
  NRF_TRY(nrf_alloc_floats((int64_t)STEPS * o->size * o->size, "maps", &maps));
  NRF_TRY(nrf_recording_create(path, &s.info, true, &w));
  for (int b = 0; b < o->images; b++)
    for (int c = 0; c < o->channels; c++) {
      fill_maps(o, b, c, noise, maps);
      NRF_TRY(nrf_recording_write(w, NRF_RECORD_STATE, 0, b, c, 0, STEPS, maps));
    }
  NRF_TRY(nrf_recording_mark(w, STEPS));
  NRF_TRY(nrf_recording_finish(w, path, NULL));
done:
  nrf_recording_writer_free(w);
  nrf_free(maps);
  free_specimen(&s);
  return st;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

static double now(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of all threads together. */
static double processor_seconds(void)
{
  struct rusage u;
  (void)getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* So that what is read next comes from the disk. */
static void forget(const char *path)
{
  const int fd = open(path, O_RDONLY);
  if (fd < 0) return;
  (void)fsync(fd);
  (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  (void)close(fd);
}

static nrf_status read_plainly(const char *path, double *seconds)
{
  enum { PIECE = 4 << 20 };
  nrf_status   st     = NRF_OK;
  void        *buffer = NULL;
  const double began  = now();
  const int    fd     = open(path, O_RDONLY);
  ssize_t      n      = 1;
  if (fd < 0) return nrf_error_errno("%s: cannot open", path);
  NRF_TRY(nrf_alloc(PIECE, "buffer", &buffer));
  while (n > 0) n = read(fd, buffer, PIECE);
  if (n < 0) st = nrf_error_errno("%s: cannot read", path);
  *seconds = now() - began;
done:
  nrf_free(buffer);
  (void)close(fd);
  return st;
}

static nrf_status read_by_the_pass(const options *o, const char *path, const char *extract, double *seconds,
                                   double *processor)
{
  nrf_trace_source         source;
  const nrf_extract_effort effort = {o->threads, (size_t)(o->gib * (double)(1 << 30))};
  NRF_RETURN_IF_ERROR(nrf_trace_source_open(path, &source));
  const double     began = now(), before = processor_seconds();
  const nrf_status st = nrf_extract_make(&source, extract, effort, NULL);
  *seconds            = now() - began;
  *processor          = processor_seconds() - before;
  nrf_trace_source_close(&source);
  return st;
}

static int64_t size_of(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 ? info.st_size : 0;
}

static nrf_status run(const options *o)
{
  nrf_status    st     = NRF_OK;
  const int64_t traces = (int64_t)o->images * o->channels * o->size * o->size;
  const double  bytes  = (double)traces * STEPS * sizeof(float);
  char          path[MAX_PATH], extract[MAX_PATH];
  (void)snprintf(path, sizeof path, "%s/bench.nwb", o->directory);
  (void)snprintf(extract, sizeof extract, "%s/bench.extract.h5", o->directory);
  NRF_RETURN_IF_ERROR(write_recording(o, path));
  printf("traces %lld\nrows %d\nbytes %.0f\nthreads %d\n", (long long)traces, STEPS, bytes, o->threads);
  for (int round = 0; round < o->rounds; round++) {
    double plain = 0.0, cold = 0.0, warm = 0.0, processor = 0.0;
    forget(path);
    NRF_TRY(read_plainly(path, &plain));
    forget(path);
    NRF_TRY(read_by_the_pass(o, path, extract, &cold, &processor));
    NRF_TRY(read_by_the_pass(o, path, extract, &warm, &processor));
    printf("plain_read_bytes_per_second %.4g\npass_from_disk_bytes_per_second %.4g\n", bytes / plain,
           bytes / cold);
    printf("pass_from_memory_bytes_per_second %.4g\npass_from_memory_traces_per_second %.4g\n", bytes / warm,
           (double)traces / warm);
    printf("pass_microseconds_of_processor_per_trace %.3f\n", processor / (double)traces * 1e6);
  }
  printf("extract_share_of_bytes %.5f\npeak_memory_mib %.1f\n", (double)size_of(extract) / bytes,
         (double)nrf_peak_resident_bytes() / (1 << 20));
done:
  if (!o->keep || st != NRF_OK) {
    (void)unlink(path);
    (void)unlink(extract);
  }
  return st;
}

int main(int argc, char **argv)
{
  const options o = parse(argc, argv);
  if (run(&o) == NRF_OK) return 0;
  (void)fprintf(stderr, "bench_extract: %s\n", nrf_error_message());
  return 1;
}
