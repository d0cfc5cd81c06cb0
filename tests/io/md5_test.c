/* MD5 gives the sums of RFC 1321's test suite, in one piece or in many. */
#include "io/md5.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
  const char *text, *md5;
} cases[] = {
    {"", "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"},
};

static void sums_match_the_suite_of_rfc_1321(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    nrf_md5 md5;
    char    hex[NRF_MD5_HEX_BYTES];
    nrf_md5_init(&md5);
    nrf_md5_update(&md5, cases[i].text, strlen(cases[i].text));
    nrf_md5_final(&md5, hex);
    assert_string_equal(hex, cases[i].md5);
  }
}

/* 1000 bytes, so that block borders fall into every place of a piece. */
static void pieces_do_not_matter(void **state)
{
  (void)state;
  uint8_t data[1000];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7 % 251);
  char whole[NRF_MD5_HEX_BYTES];
  for (size_t piece = sizeof data; piece > 0; piece = piece * 2 / 3) {
    nrf_md5 md5;
    char    hex[NRF_MD5_HEX_BYTES];
    nrf_md5_init(&md5);
    for (size_t at = 0; at < sizeof data; at += piece)
      nrf_md5_update(&md5, data + at, at + piece < sizeof data ? piece : sizeof data - at);
    nrf_md5_final(&md5, hex);
    if (piece == sizeof data) memcpy(whole, hex, sizeof hex);
    assert_string_equal(hex, whole);
  }
}

static void file_that_is_not_there_is_an_error(void **state)
{
  (void)state;
  char hex[NRF_MD5_HEX_BYTES];
  assert_int_equal(nrf_md5_file("/nowhere/at/all", hex), NRF_EIO);
  assert_non_null(strstr(nrf_error_message(), "/nowhere/at/all: open: No such file"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_match_the_suite_of_rfc_1321),
      cmocka_unit_test(pieces_do_not_matter),
      cmocka_unit_test(file_that_is_not_there_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
