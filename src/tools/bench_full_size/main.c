/* main.c - the session of experiments that the thesis's analyses were made for (226 GB of states), reduced to its extracts without
 * ever being recorded, so that what the analyses take at full size can be measured on any disk. */
#include "nrflv/memory.h"
#include "tools/bench_full_size/traces.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { MAX_PATH = 4096, SEED = 1 };

typedef struct options {
  const char *directory;
  int         images, threads;
  double      gib;
} options;

static const char usage[] =
    "usage: bench_full_size --directory DIR [--images N] [--threads N] [--memory GIB]\n"
    "  --directory  where the extracts of the five experiments are written, as --record analysis leaves "
    "them\n"
    "  --images     of each experiment's 128 (default: all)\n";

static int within(const char *text, long most)
{
  char      *end   = NULL;
  const long value = strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < 1 || value > most) {
    (void)fprintf(stderr, "bench_full_size: not a number from 1 to %ld: %s\n%s", most, text, usage);
    exit(2);
  }
  return (int)value;
}

static options parse(int argc, char **argv)
{
  enum { DIRECTORY = 1, IMAGES, THREADS, MEMORY, HELP };
  static const struct option known[] = {{"directory", required_argument, NULL, DIRECTORY},
                                        {"images", required_argument, NULL, IMAGES},
                                        {"threads", required_argument, NULL, THREADS},
                                        {"memory", required_argument, NULL, MEMORY},
                                        {"help", no_argument, NULL, HELP},
                                        {0}};
  options                    o       = {NULL, NRF_EXPERIMENT_BATCH, 2, 1.0};
  for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    switch (c) {
    case DIRECTORY:
      o.directory = optarg;
      break;
    case IMAGES:
      o.images = within(optarg, NRF_EXPERIMENT_BATCH);
      break;
    case THREADS:
      o.threads = within(optarg, 1024);
      break;
    case MEMORY:
      o.gib = atof(optarg);
      break;
    case HELP:
      (void)fputs(usage, stdout);
      exit(0);
    default:
      (void)fputs(usage, stderr);
      exit(2);
    }
  }
  if (o.directory != NULL) return o;
  (void)fputs(usage, stderr);
  exit(2);
}

typedef struct moment {
  double wall, processor; /* seconds; of all threads together */
} moment;

static moment now(void)
{
  struct timespec t;
  struct rusage   u;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  (void)getrusage(RUSAGE_SELF, &u);
  return (moment){(double)t.tv_sec + 1e-9 * (double)t.tv_nsec,
                  (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                      1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec)};
}

static nrf_status make_extract(const options *o, const nrf_experiment *experiment, int64_t *states)
{
  const nrf_extract_effort effort = {o->threads, (size_t)(o->gib * (double)(1 << 30))};
  nrf_trace_source         source;
  char                     path[MAX_PATH];
  struct stat              file = {0};
  (void)snprintf(path, sizeof path, "%s/%s.extract.h5", o->directory, experiment->file_name);
  NRF_RETURN_IF_ERROR(open_generated(experiment, o->images, SEED, &source));
  const nrf_recording_info *info = source.info;
  const int64_t             traces =
      (int64_t)info->n_images * info->layer[0].n_channels * info->layer[0].rows * info->layer[0].columns;
  const moment     before = now();
  const nrf_status st     = nrf_extract_make(&source, path, effort, NULL);
  const moment     after  = now();
  *states += traces * info->n_steps * (int64_t)sizeof(float);
  nrf_trace_source_close(&source);
  NRF_RETURN_IF_ERROR(st);
  (void)stat(path, &file);
  printf("%-30s %9lld %11lld %9.1f %9.1f %10.2f\n", experiment->name, (long long)traces,
         (long long)file.st_size, after.wall - before.wall, after.processor - before.processor,
         (after.processor - before.processor) / (double)traces * 1e6);
  (void)fflush(stdout);
  return NRF_OK;
}

static nrf_status run(const options *o)
{
  int64_t states = 0;
  printf("%-30s %9s %11s %9s %9s %10s\n", "experiment", "traces", "bytes", "seconds", "processor",
         "us/trace");
  for (int i = 0; nrf_experiment_at(i) != NULL; i++)
    if (nrf_experiment_at(i)->stimulus_set != NULL)
      NRF_RETURN_IF_ERROR(make_extract(o, nrf_experiment_at(i), &states));
  printf("states, never on the disk: %.1f GB\npeak memory: %.0f MiB\n", (double)states / 1e9,
         (double)nrf_peak_resident_bytes() / (1 << 20));
  return NRF_OK;
}

int main(int argc, char **argv)
{
  const options o = parse(argc, argv);
  if (run(&o) == NRF_OK) return 0;
  (void)fprintf(stderr, "bench_full_size: %s\n", nrf_error_message());
  return 1;
}
