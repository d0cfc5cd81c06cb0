/* Pieces reach their places whichever way they go, errors of pieces that are under way come back, and what cannot go past the page
 * cache goes the plain way. */
#include "io/bulk_writer.h"

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
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = NRF_BULK_PAGE, FILE_BYTES = 8 << 20 };

static char directory[SCRATCH_PATH];

/* A file, what shall stand in it, and memory from which it comes: byte i of the file is lent from memory + i + shift. */
typedef struct fixture {
  char             path[SCRATCH_PATH];
  int              fd;
  nrf_bulk_writer *writer;
  char            *want, *memory;
  size_t           shift;
} fixture;

static void begin(fixture *f, double least_rate, size_t shift)
{
  f->shift  = shift;
  f->fd     = open(scratch_path(f->path, directory, "pieces"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  f->want   = calloc(1, FILE_BYTES);
  f->memory = aligned_alloc(PAGE, FILE_BYTES + PAGE);
  assert_true(f->fd >= 0 && f->want != NULL && f->memory != NULL);
  assert_int_equal(ftruncate(f->fd, FILE_BYTES), 0);
  for (size_t i = 0; i < FILE_BYTES + PAGE; i++) f->memory[i] = (char)(i * 2654435761u >> 13);
  assert_int_equal(nrf_bulk_create(f->fd, f->path, least_rate, &f->writer), NRF_OK);
}

static void end(fixture *f)
{
  nrf_bulk_free(f->writer);
  (void)close(f->fd);
  (void)remove(f->path);
  free(f->want);
  free(f->memory);
}

static nrf_status write_piece(fixture *f, size_t place, size_t size)
{
  const char *from = f->memory + place + f->shift;
  memcpy(f->want + place, from, size);
  return nrf_bulk_write(f->writer, (int64_t)place, from, size);
}

static void check_file(const fixture *f)
{
  char *got = malloc(FILE_BYTES);
  assert_non_null(got);
  assert_int_equal(pread(f->fd, got, FILE_BYTES, 0), FILE_BYTES);
  for (size_t i = 0; i < FILE_BYTES; i++)
    if (got[i] != f->want[i]) fail_msg("byte %zu: %d, not %d", i, got[i], f->want[i]);
  free(got);
}

/* Pieces of 1 byte to `most`, with gaps of up to `gap` bytes between them; blocks of 100 are settled. */
static void write_pieces(fixture *f, size_t most, size_t gap)
{
  uint32_t x = 1;
  int      n = 0;
  for (size_t place = 0, size; place < FILE_BYTES; place += size) {
    x    = x * 1664525u + 1013904223u;
    size = 1 + (x >> 8) % most;
    if (size > FILE_BYTES - place) size = FILE_BYTES - place;
    assert_int_equal(write_piece(f, place, size), NRF_OK);
    x = x * 1664525u + 1013904223u;
    size += gap > 0 ? (x >> 8) % gap : 0;
    if (++n % 100 == 0) assert_int_equal(nrf_bulk_settle(f->writer), NRF_OK);
  }
  assert_int_equal(nrf_bulk_settle(f->writer), NRF_OK);
}

static void pieces_of_all_sizes_and_places_get_there(void **state)
{
  static const struct {
    size_t most, gap, shift;
  } cases[] = {{60000, 9000, 0}, {60000, 0, 0}, {8 * PAGE, 3 * PAGE, 1}, {3 * PAGE, 100, 0}, {500000, 1, 0}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fixture f;
    begin(&f, 0, cases[i].shift);
    const bool was_direct = nrf_bulk_is_direct(f.writer);
    write_pieces(&f, cases[i].most, cases[i].gap);
    assert_true(nrf_bulk_is_direct(f.writer) == was_direct); /* nothing that had to be refused was tried */
    check_file(&f);
    end(&f);
  }
}

/* More than there may be under way, and a second time in the same places. */
static void whole_pages_go_past_the_page_cache(void **state)
{
  (void)state;
  fixture f;
  begin(&f, 0, 0);
  if (!nrf_bulk_is_direct(f.writer)) {
    end(&f);
    skip();
  }
  for (int round = 0; round < 2; round++) {
    memset(f.memory, 3 + round, FILE_BYTES);
    for (size_t place = 0; place + 3 * PAGE <= FILE_BYTES; place += 4 * PAGE)
      assert_int_equal(write_piece(&f, place, 3 * PAGE), NRF_OK);
    assert_int_equal(nrf_bulk_settle(f.writer), NRF_OK);
    check_file(&f);
  }
  assert_true(nrf_bulk_is_direct(f.writer));
  end(&f);
}

static void a_disk_that_is_slow_with_pieces_gets_them_through_the_page_cache(void **state)
{
  (void)state;
  fixture f;
  begin(&f, INFINITY, 0);
  for (size_t place = 0; place + 2 * PAGE <= FILE_BYTES; place += 2 * PAGE)
    assert_int_equal(write_piece(&f, place, 2 * PAGE), NRF_OK);
  assert_int_equal(nrf_bulk_settle(f.writer), NRF_OK);
  assert_false(nrf_bulk_is_direct(f.writer));
  check_file(&f);
  end(&f);
}

static void a_file_that_cannot_be_opened_again_is_written_the_plain_way(void **state)
{
  (void)state;
  fixture f;
  begin(&f, 0, 0);
  nrf_bulk_free(f.writer);
  assert_int_equal(nrf_bulk_create(f.fd, "/nowhere/at/all", 0, &f.writer), NRF_OK);
  assert_false(nrf_bulk_is_direct(f.writer));
  write_pieces(&f, 60000, 9000);
  check_file(&f);
  end(&f);
}

static void limit_file_size(rlim_t bytes)
{
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The second half of the file may not be written. */
static void an_error_of_a_piece_under_way_comes_back(void **state)
{
  (void)state;
  fixture f;
  begin(&f, 0, 0);
  char before[1024];
  (void)signal(SIGXFSZ, SIG_IGN);
  limit_file_size(FILE_BYTES / 2);
  nrf_status st = NRF_OK;
  for (size_t place = 0; st == NRF_OK && place < FILE_BYTES; place += 64 * PAGE)
    st = write_piece(&f, place, 4 * PAGE);
  if (st == NRF_OK) { /* none has been waited for yet */
    nrf_bulk_wait(f.writer);
    st = write_piece(&f, 0, 4 * PAGE);
  }
  assert_int_not_equal(st, NRF_OK);
  (void)snprintf(before, sizeof before, "%s", nrf_error_message());
  assert_non_null(strstr(before, "pieces: cannot write"));
  nrf_bulk_wait(f.writer);
  assert_string_equal(nrf_error_message(), before);
  assert_int_equal(nrf_bulk_settle(f.writer), st);
  limit_file_size(RLIM_INFINITY);
  assert_int_equal(nrf_bulk_settle(f.writer), NRF_OK);
  memset(f.want, 0, FILE_BYTES); /* and from here on as if nothing had been */
  assert_int_equal(ftruncate(f.fd, 0) + ftruncate(f.fd, FILE_BYTES), 0);
  write_pieces(&f, 60000, 9000);
  check_file(&f);
  end(&f);
}

static void a_full_disk_comes_back(void **state)
{
  (void)state;
  if (!scratch_mount_small_disk(directory, FILE_BYTES / 4)) skip();
  fixture f;
  begin(&f, 0, 0);
  nrf_status st = NRF_OK;
  for (size_t place = 0; st == NRF_OK && place < FILE_BYTES; place += 64 * PAGE)
    st = write_piece(&f, place, 64 * PAGE);
  if (st == NRF_OK) st = nrf_bulk_settle(f.writer);
  assert_int_equal(st, NRF_ENOSPACE);
  end(&f);
  scratch_unmount(directory);
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
      cmocka_unit_test(pieces_of_all_sizes_and_places_get_there),
      cmocka_unit_test(whole_pages_go_past_the_page_cache),
      cmocka_unit_test(a_disk_that_is_slow_with_pieces_gets_them_through_the_page_cache),
      cmocka_unit_test(a_file_that_cannot_be_opened_again_is_written_the_plain_way),
      cmocka_unit_test(an_error_of_a_piece_under_way_comes_back),
      cmocka_unit_test(a_full_disk_comes_back),
  };
  return cmocka_run_group_tests_name("bulk_writer", tests, set_up, tear_down);
}
