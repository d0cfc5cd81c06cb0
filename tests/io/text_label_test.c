/* Text in pictures: each character of the font is there, in its place, in its size. */
#include "nrflv/text_label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A picture as text: a line for each row, '#' where the pixel is not black. */
static void as_text(const nrf_picture *p, char *out)
{
  for (int y = 0; y < p->height; y++) {
    for (int x = 0; x < p->width; x++) *out++ = p->pixels[(y * p->width + x) * p->channels] != 0 ? '#' : '.';
    *out++ = '\n';
  }
  *out = '\0';
}

static void assert_drawn(const char *text, int scale, int width, int height, const char *want)
{
  nrf_picture p;
  char        found[4096];
  assert_int_equal(nrf_picture_create(width, height, 1, &p), NRF_OK);
  nrf_label_draw(&p, 0, 0, scale, 255, text);
  as_text(&p, found);
  assert_string_equal(found, want);
  nrf_picture_free(&p);
}

static void characters_stand_side_by_side(void **state)
{
  (void)state;
  assert_drawn("Lg\xc2\xb0", 1, 18, 10,
               "#.............##..\n"
               "#............#..#.\n"
               "#......####..#..#.\n"
               "#.....#...#...##..\n"
               "#.....#...#.......\n"
               "#.....#...#.......\n"
               "#####..####.......\n"
               "..........#.......\n"
               ".......###........\n"
               "..................\n");
}

static void scale_enlarges_every_pixel_and_the_distance(void **state)
{
  (void)state;
  assert_drawn(
      "-|", 2, 22, 18,
      "................##....\n................##....\n................##....\n................##....\n"
      "................##....\n................##....\n"
      "##########......##....\n##########......##....\n"
      "................##....\n................##....\n................##....\n................##....\n"
      "................##....\n................##....\n................##....\n................##....\n"
      "......................\n......................\n");
}

static void what_lies_outside_is_left_out(void **state)
{
  (void)state;
  nrf_picture p;
  char        found[64];
  assert_int_equal(nrf_picture_create(3, 3, 1, &p), NRF_OK);
  nrf_label_draw(&p, -1, -3, 1, 255, "+++");
  as_text(&p, found);
  assert_string_equal(found, "###\n.#.\n.#.\n");
  nrf_label_draw(&p, 1000000, -1000000, 3, 255, "x");
  nrf_picture_free(&p);
}

static void shade_goes_to_all_channels_and_leaves_the_ground(void **state)
{
  (void)state;
  nrf_picture p;
  assert_int_equal(nrf_picture_create(6, 9, 3, &p), NRF_OK);
  memset(p.pixels, 200, 6 * 9 * 3);
  nrf_label_draw(&p, 0, 0, 1, 17, "|");
  for (int y = 0; y < 9; y++)
    for (int x = 0; x < 6; x++)
      for (int c = 0; c < 3; c++) assert_int_equal(p.pixels[(y * 6 + x) * 3 + c], x == 2 && y < 8 ? 17 : 200);
  nrf_picture_free(&p);
}

static void widths_are_those_of_what_is_drawn(void **state)
{
  (void)state;
  assert_int_equal(nrf_label_width("", 1), 0);
  assert_int_equal(nrf_label_width("a", 1), 5);
  assert_int_equal(nrf_label_width("abc", 1), 17);
  assert_int_equal(nrf_label_width("abc", 3), 51);
  assert_int_equal(nrf_label_width("90\xc2\xb0", 1), 17);
}

static void unknown_characters_become_one_question_mark_each(void **state)
{
  (void)state;
  nrf_picture p, q;
  assert_int_equal(nrf_picture_create(40, 9, 1, &p), NRF_OK);
  assert_int_equal(nrf_picture_create(40, 9, 1, &q), NRF_OK);
  nrf_label_draw(&p, 0, 0, 1, 255, "\xcf\x80\n\x7f\xe2\x82\xac.");
  nrf_label_draw(&q, 0, 0, 1, 255, "????.");
  assert_memory_equal(p.pixels, q.pixels, 40 * 9);
  nrf_label_draw(&p, 0, 0, 1, 255, "\xc2"); /* cut off in the middle of a character */
  nrf_picture_free(&p);
  nrf_picture_free(&q);
}

/* A slip in the font would make two of them the same, or leave one empty. */
static void every_character_has_a_shape_of_its_own(void **state)
{
  (void)state;
  enum { GLYPHS = 95 };
  static char shapes[GLYPHS][64];
  for (int i = 0; i < GLYPHS; i++) {
    const char  text[2] = {(char)(' ' + i), '\0'};
    nrf_picture p;
    assert_int_equal(nrf_picture_create(6, 9, 1, &p), NRF_OK);
    nrf_label_draw(&p, 0, 0, 1, 255, text);
    as_text(&p, shapes[i]);
    for (int y = 0; y < 9; y++) assert_int_equal(p.pixels[y * 6 + 5], 0); /* the gap to the next */
    nrf_picture_free(&p);
    for (int k = 0; k < i; k++) assert_string_not_equal(shapes[k], shapes[i]);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(characters_stand_side_by_side),
      cmocka_unit_test(scale_enlarges_every_pixel_and_the_distance),
      cmocka_unit_test(what_lies_outside_is_left_out),
      cmocka_unit_test(shade_goes_to_all_channels_and_leaves_the_ground),
      cmocka_unit_test(widths_are_those_of_what_is_drawn),
      cmocka_unit_test(unknown_characters_become_one_question_mark_each),
      cmocka_unit_test(every_character_has_a_shape_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
