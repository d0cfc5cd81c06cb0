/* A download is whole and verified or not there; what came is kept and continued; servers that misbehave are
 * coped with or named. */
#include "nrflv/download.h"

#include "io/md5.h"
#include "support/http_stub.h"
#include "support/scratch.h"

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

enum { BYTES = 300000 };

static http_stub stub;
static char      served[SCRATCH_PATH], directory[SCRATCH_PATH]; /* where files come from and go to */
static char      url[128], path[SCRATCH_PATH], part[SCRATCH_PATH];
static char      content[BYTES], md5[NRF_MD5_HEX_BYTES];

static void write_file(const char *name, const char *bytes, size_t size)
{
  FILE *file = fopen(name, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static int64_t size_of(const char *name)
{
  struct stat info;
  return stat(name, &info) == 0 ? info.st_size : -1;
}

static void assert_content(const char *name)
{
  static char got[BYTES + 1];
  FILE       *file = fopen(name, "rb");
  assert_non_null(file);
  assert_int_equal(fread(got, 1, sizeof got, file), BYTES);
  fclose(file);
  assert_memory_equal(got, content, BYTES);
}

static void assert_message_has(const char *text)
{
  if (!strstr(nrf_error_message(), text)) print_error("message: %s\n", nrf_error_message());
  assert_non_null(strstr(nrf_error_message(), text));
}

static int set_up(void **state)
{
  (void)state;
  setenv("no_proxy", "127.0.0.1", 1); /* the loopback interface is never behind one */
  for (int i = 0; i < BYTES; i++) content[i] = (char)(i * 31 + i / 256);
  nrf_md5 sum;
  nrf_md5_init(&sum);
  nrf_md5_update(&sum, content, BYTES);
  nrf_md5_final(&sum, md5);

  char name[SCRATCH_PATH];
  scratch_create(served);
  scratch_create(directory);
  write_file(scratch_path(name, served, "file.gz"), content, BYTES);
  http_stub_start(&stub, served);
  snprintf(url, sizeof url, "%s/file.gz", stub.url);
  scratch_path(path, directory, "file.gz");
  scratch_path(part, directory, "file.gz.part");
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  http_stub_stop(&stub);
  scratch_remove(served);
  scratch_remove(directory);
  return 0;
}

static nrf_download_request request(void)
{
  return (nrf_download_request){.url = url, .path = path, .bytes = BYTES, .md5 = md5};
}

/* --- what works --- */

typedef struct progress {
  int     calls;
  int64_t done, total;
  char    name[64];
  int64_t cancel_at; /* cancels from so many bytes on; 0: never */
} progress;

static void note_progress(void *user, const char *name, int64_t done, int64_t total)
{
  progress *p = user;
  assert_true(done >= p->done);
  p->calls++;
  p->done  = done;
  p->total = total;
  snprintf(p->name, sizeof p->name, "%s", name);
}

static int cancel(void *user)
{
  const progress *p = user;
  return p->cancel_at > 0 && p->done >= p->cancel_at;
}

static void file_arrives_whole_and_progress_is_reported(void **state)
{
  (void)state;
  progress             seen = {0};
  nrf_download_request rq   = request();
  rq.watch                  = (nrf_download_watch){note_progress, cancel, &seen};
  assert_int_equal(nrf_download(&rq), NRF_OK);
  assert_content(path);
  assert_int_equal(size_of(part), -1);
  assert_true(seen.calls > 0);
  assert_int_equal(seen.done, BYTES);
  assert_int_equal(seen.total, BYTES);
  assert_string_equal(seen.name, "file.gz");
}

static void file_that_is_there_is_verified_and_not_fetched_again(void **state)
{
  (void)state;
  nrf_download_request rq = request();
  write_file(path, content, BYTES);
  assert_int_equal(nrf_download(&rq), NRF_OK);
  assert_int_equal(stub.requests, 0);

  write_file(path, content, BYTES - 1);
  assert_int_equal(nrf_download(&rq), NRF_EFORMAT);
  assert_message_has("file.gz: is not the file published at http://127.0.0.1");
  assert_message_has("its size differs");
  assert_int_equal(size_of(path), BYTES - 1); /* someone's file: not ours to remove */
}

static void redirection_is_followed(void **state)
{
  (void)state;
  nrf_download_request rq = request();
  stub.manner             = HTTP_REDIRECTS;
  assert_int_equal(nrf_download(&rq), NRF_OK);
  assert_int_equal(stub.requests, 2);
  assert_content(path);
}

static void broken_transfer_is_continued_where_it_stopped(void **state)
{
  (void)state;
  const http_manner manners[] = {HTTP_CUTS, HTTP_CUTS_UNANNOUNCED};
  for (int i = 0; i < 2; i++) {
    nrf_download_request rq = request();
    stub.manner             = manners[i];
    stub.limit              = 100000;
    assert_int_equal(nrf_download(&rq), NRF_ENETWORK);
    assert_message_has("100000 of 300000 bytes are kept, run again to continue");
    assert_int_equal(size_of(path), -1);
    assert_int_equal(size_of(part), 100000);

    stub.manner = HTTP_GOOD;
    assert_int_equal(nrf_download(&rq), NRF_OK);
    assert_string_equal(stub.last_range, "bytes=100000-");
    assert_content(path);
    assert_int_equal(size_of(part), -1);
    assert_int_equal(unlink(path), 0);
  }
}

/* The beginning in the .part is deliberately wrong: only a download that starts again can be right. */
static void server_that_cannot_continue_sends_it_all_again(void **state)
{
  (void)state;
  const http_manner manners[] = {HTTP_IGNORES_RANGE, HTTP_REFUSES_RANGE};
  for (int i = 0; i < 2; i++) {
    nrf_download_request rq = request();
    stub.manner             = manners[i];
    write_file(part, "something else", 14);
    assert_int_equal(nrf_download(&rq), NRF_OK);
    assert_content(path);
    assert_int_equal(unlink(path), 0);
  }
}

static void complete_part_needs_no_network(void **state)
{
  (void)state;
  nrf_download_request rq = request();
  write_file(part, content, BYTES);
  assert_int_equal(nrf_download(&rq), NRF_OK);
  assert_int_equal(stub.requests, 0);
  assert_content(path);
}

static void part_that_is_too_long_is_begun_again(void **state)
{
  (void)state;
  static char          longer[BYTES + 1];
  nrf_download_request rq = request();
  write_file(part, longer, sizeof longer);
  assert_int_equal(nrf_download(&rq), NRF_OK);
  assert_string_equal(stub.last_range, "");
  assert_content(path);
}

static void cancelled_download_leaves_what_came(void **state)
{
  (void)state;
  progress             seen = {.cancel_at = 1};
  nrf_download_request rq   = request();
  rq.watch                  = (nrf_download_watch){note_progress, cancel, &seen};
  stub.manner               = HTTP_STALLS;
  stub.limit                = 120000;
  assert_int_equal(nrf_download(&rq), NRF_EINTERRUPTED);
  assert_message_has("file.gz.part: stopped at ");
  assert_int_equal(size_of(path), -1);
  assert_true(size_of(part) > 0 && size_of(part) <= 120000);

  stub.manner    = HTTP_GOOD;
  seen.cancel_at = 0;
  assert_int_equal(nrf_download(&rq), NRF_OK);
  assert_content(path);
}

/* --- what cannot work --- */

static void wrong_checksum_removes_the_download(void **state)
{
  (void)state;
  nrf_download_request rq = request();
  rq.md5                  = "00000000000000000000000000000000";
  assert_int_equal(nrf_download(&rq), NRF_EFORMAT);
  assert_message_has("file.gz: wrong checksum (md5 ");
  assert_message_has("the download was removed, run again");
  assert_int_equal(scratch_entries(directory), 0);
}

static void file_of_another_size_is_refused(void **state)
{
  (void)state;
  nrf_download_request rq = request();
  rq.bytes                = BYTES + 5;
  assert_int_equal(nrf_download(&rq), NRF_ENETWORK);
  assert_message_has("file.gz: has 300000 bytes there, 300005 expected");
  assert_int_equal(scratch_entries(directory), 0);

  write_file(part, content, 1000); /* the same when it would be continued */
  assert_int_equal(nrf_download(&rq), NRF_ENETWORK);
  assert_message_has("has 300000 bytes there, 300005 expected");
  assert_int_equal(size_of(path), -1);

  stub.manner = HTTP_CUTS_UNANNOUNCED; /* and when the size shows only as the bytes come */
  stub.limit  = BYTES;
  rq.bytes    = BYTES - 5;
  assert_int_equal(unlink(part), 0);
  assert_int_equal(nrf_download(&rq), NRF_ENETWORK);
  assert_message_has("sends more than the 299995 bytes expected");
  assert_int_equal(size_of(path), -1);
}

static void range_that_begins_elsewhere_is_refused(void **state)
{
  (void)state;
  nrf_download_request rq = request();
  stub.manner             = HTTP_WRONG_RANGE;
  write_file(part, content, 1000);
  assert_int_equal(nrf_download(&rq), NRF_ENETWORK);
  assert_message_has("does not continue at byte 1000");
  assert_int_equal(size_of(part), 1000);
}

static void stalled_server_is_given_up(void **state)
{
  (void)state;
  nrf_download_request rq = request();
  rq.stall_timeout_s      = 1;
  stub.manner             = HTTP_STALLS;
  stub.limit              = 5000;
  assert_int_equal(nrf_download(&rq), NRF_ENETWORK);
  assert_message_has("too slow");
  assert_int_equal(size_of(part), 5000);
}

static void missing_file_and_missing_server_name_the_url(void **state)
{
  (void)state;
  char                 other[160];
  nrf_download_request rq = request();
  snprintf(other, sizeof other, "%s/nothing.gz", stub.url);
  rq.url = other;
  assert_int_equal(nrf_download(&rq), NRF_ENETWORK);
  assert_message_has("/nothing.gz: ");
  assert_message_has("404");
  assert_int_equal(scratch_entries(directory), 0);

  rq.url = "http://127.0.0.1:1/file.gz"; /* port 1: tcpmux, which nobody runs */
  assert_int_equal(nrf_download(&rq), NRF_ENETWORK);
  assert_message_has("http://127.0.0.1:1/file.gz: Failed to connect");
  assert_int_equal(scratch_entries(directory), 0);

  rq.url = "file:///etc/hostname"; /* only what the comment promises */
  assert_int_equal(nrf_download(&rq), NRF_ENETWORK);
  assert_message_has("file:///etc/hostname: ");
}

static void unwritable_place_is_named(void **state)
{
  (void)state;
  char                 nowhere[SCRATCH_PATH];
  nrf_download_request rq = request();
  rq.path                 = scratch_path(nowhere, directory, "none/file.gz");
  assert_int_equal(nrf_download(&rq), NRF_EIO);
  assert_message_has("none/file.gz.part: create: No such file or directory");
}

static void full_disk_is_named_and_what_came_is_kept(void **state)
{
  (void)state;
  if (!scratch_mount_small_disk(directory, 64 << 10)) skip();
  nrf_download_request rq   = request();
  const nrf_status     st   = nrf_download(&rq);
  const int64_t        kept = size_of(part), whole = size_of(path);
  scratch_unmount(directory);
  assert_int_equal(st, NRF_ENOSPACE);
  assert_message_has("file.gz.part: write: No space left");
  assert_true(kept > 0 && kept <= 64 << 10);
  assert_int_equal(whole, -1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
  const struct CMUnitTest tests[] = {
      TEST(file_arrives_whole_and_progress_is_reported),
      TEST(file_that_is_there_is_verified_and_not_fetched_again),
      TEST(redirection_is_followed),
      TEST(broken_transfer_is_continued_where_it_stopped),
      TEST(server_that_cannot_continue_sends_it_all_again),
      TEST(complete_part_needs_no_network),
      TEST(part_that_is_too_long_is_begun_again),
      TEST(cancelled_download_leaves_what_came),
      TEST(wrong_checksum_removes_the_download),
      TEST(file_of_another_size_is_refused),
      TEST(range_that_begins_elsewhere_is_refused),
      TEST(stalled_server_is_given_up),
      TEST(missing_file_and_missing_server_name_the_url),
      TEST(unwritable_place_is_named),
      TEST(full_disk_is_named_and_what_came_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
