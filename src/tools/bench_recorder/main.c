/* main.c - what recording costs, and what number formats and filters gain. */
#include "bench.h"

#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: bench_recorder throughput FOLDER STEPS ROUNDS [options of nrflv]\n"
    "       bench_recorder formats RECORDING FOLDER [options of nrflv]\n"
    "\n"
    "throughput  seconds per sampler step without recording, with energies and bno, and with everything "
    "recorded\n"
    "            into FOLDER; and how fast the disk under FOLDER takes as many bytes. In turn, ROUNDS "
    "times.\n"
    "formats     size and speed of every number format and filter on what RECORDING (float32) holds.\n"
    "\n"
    "Options that matter: --architecture, --batch_size, --threads, --record_memory, --record_format. Files "
    "are\n"
    "removed from FOLDER when they have been measured.\n";

static int count(const char *text)
{
  char *end        = NULL;
  errno            = 0;
  const long value = strtol(text, &end, 10);
  if (errno == 0 && end != text && *end == '\0' && value >= 1 && value <= 1000000) return (int)value;
  (void)fprintf(stderr, "bench_recorder: not a count: %s\n%s", text, usage);
  exit(2);
}

/* The options behind the first `own` words. */
static nrf_status rest_of_options(int argc, char **argv, int own, nrf_settings *out)
{
  argv[own] = argv[0];
  nrf_settings_defaults(out);
  NRF_RETURN_IF_ERROR(nrf_settings_parse(argc - own, argv + own, out));
  if (out->architectures_dir[0] == '\0')
    (void)snprintf(out->architectures_dir, sizeof out->architectures_dir, "data/architectures");
  if (out->threads > 0) omp_set_num_threads(out->threads);
  return NRF_OK;
}

static nrf_status run(int argc, char **argv)
{
  nrf_settings settings;
  if (argc >= 5 && strcmp(argv[1], "throughput") == 0) {
    const char *folder = argv[2];
    const int   steps = count(argv[3]), rounds = count(argv[4]);
    NRF_RETURN_IF_ERROR(rest_of_options(argc, argv, 4, &settings));
    return bench_throughput(folder, steps, rounds, &settings);
  }
  if (argc >= 4 && strcmp(argv[1], "formats") == 0) {
    const char *recording = argv[2], *folder = argv[3];
    NRF_RETURN_IF_ERROR(rest_of_options(argc, argv, 3, &settings));
    return bench_formats(recording, folder, &settings);
  }
  (void)fputs(usage, stderr);
  exit(2);
}

int main(int argc, char **argv)
{
  if (argc == 2 && strcmp(argv[1], "--help") == 0) return fputs(usage, stdout) < 0;
  if (run(argc, argv) == NRF_OK) return 0;
  (void)fprintf(stderr, "bench_recorder: %s\n", nrf_error_message());
  return 1;
}
