/* activity_film_test.c - films: maps as they are (not transposed), marks in the margins, frames, delays. */
#include "analysis/steps/activity_film.h"

#include "support/memory_source.h"
#include "support/scratch.h"

#include <gif_lib.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
  CHANNELS = 10,
  IMAGES   = 4,
  HEIGHT   = 6,
  WIDTH    = 8,
  BURN     = 10,
  PRE      = 20,
  STIMULUS = 40,
  POST     = 30,
  ROWS     = 100
};

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* One bright place that moves: along the columns as time goes on, in a row of the channel's. */
static float moving_place(const memory_source *s, nrf_record_variable variable, int image, int channel,
                          int64_t row, int h, int w)
{
  (void)s, (void)variable, (void)image;
  return h == channel % HEIGHT && w == row % WIDTH ? 1.0f : -1.0f;
}

typedef struct planted {
  char          scratch[SCRATCH_PATH], path[SCRATCH_PATH];
  memory_source source;
  nrf_extract  *x;
} planted;

static void plant(planted *p)
{
  char path[SCRATCH_PATH];
  scratch_create(p->scratch);
  memory_source_create(&p->source, "single/long_just_fewangles", IMAGES, CHANNELS, HEIGHT, WIDTH);
  memory_source_set_phases(&p->source, BURN, PRE, STIMULUS, POST);
  p->source.value = moving_place;
  for (int b = 0; b < IMAGES; b++) p->source.image[b].angle = b * M_PI / 2.0;
  scratch_path(path, p->scratch, "extract.h5");
  scratch_path(p->path, p->scratch, "film.gif");
  must(nrf_extract_make(&p->source.source, path, (nrf_extract_effort){1, 64 << 20}, NULL));
  must(nrf_extract_open(path, &p->x));
  assert_int_equal(p->x->n_films, 2);
  assert_int_equal(p->x->film[1].image, 2);
}

static void uproot(planted *p)
{
  nrf_extract_free(p->x);
  scratch_remove(p->scratch);
}

static const uint8_t *pixel(const nrf_picture *frame, int x, int y)
{
  return frame->pixels + (y * frame->width + x) * 3;
}

static bool is_grey(const nrf_picture *frame, int x, int y, int shade)
{
  const uint8_t *p = pixel(frame, x, y);
  return p[0] == shade && p[1] == shade && p[2] == shade;
}

static bool is_orange(const uint8_t p[3])
{
  return p[0] == 255 && p[1] == 127 && p[2] == 14;
}

/* ---- frames ---------------------------------------------------------------------------------------------- */

static void maps_are_upright_and_nothing_covers_them(void **state)
{
  (void)state;
  planted     p;
  nrf_picture frame;
  plant(&p);
  const nrf_film_view view = nrf_film_of_all(p.x, &p.x->film[1]);
  must(nrf_film_frame_create(&view, &frame));
  assert_int_equal(view.scale, 64 / WIDTH);
  for (int64_t row = 0; row < ROWS; row++) {
    nrf_film_draw(&view, row, &frame);
    for (int c = 0; c < CHANNELS; c++) {
      int left, top;
      nrf_film_corner(&view, c, &left, &top);
      for (int y = 0; y < HEIGHT * view.scale; y++)
        for (int x = 0; x < WIDTH * view.scale; x++) {
          const bool bright = y / view.scale == c % HEIGHT && x / view.scale == row % WIDTH;
          if (!is_grey(&frame, left + x, top + y, bright ? 255 : 0))
            fail_msg("row %d, channel %d, (%d, %d)", (int)row, c, x, y);
        }
    }
  }
  int left, top, next_left, next_top, below_left, below_top;
  nrf_film_corner(&view, 0, &left, &top);
  nrf_film_corner(&view, 1, &next_left, &next_top);
  nrf_film_corner(&view, 8, &below_left, &below_top); /* eight in a line */
  assert_true(next_left >= left + WIDTH * view.scale && next_top == top);
  assert_true(below_left == left && below_top >= top + HEIGHT * view.scale);
  nrf_picture_free(&frame);
  uproot(&p);
}

/* How many pixels of the bar are bright, and whether any pixel of the upper line is orange. */
static void the_bar_grows_and_the_stimulus_is_marked(void **state)
{
  (void)state;
  planted     p;
  nrf_picture frame;
  int         before = -1;
  plant(&p);
  const nrf_film_view view = nrf_film_of_one(p.x, &p.x->film[0], 3);
  must(nrf_film_frame_create(&view, &frame));
  const int y = frame.height - 8 - 4, width = frame.width - 16;
  for (int64_t row = 0; row < ROWS; row++) {
    int  past = 0, orange = 0;
    bool marked = false;
    nrf_film_draw(&view, row, &frame);
    for (int x = 8; x < 8 + width; x++) {
      orange += is_orange(pixel(&frame, x, y));
      past += is_orange(pixel(&frame, x, y)) || is_grey(&frame, x, y, 255);
      for (int line = 0; line < 20; line++) marked |= is_orange(pixel(&frame, x, line));
    }
    assert_true(past > before);
    assert_true(abs(past - (int)((row + 1) * width / ROWS)) <= 1);
    assert_int_equal(marked, row >= BURN + PRE && row < BURN + PRE + STIMULUS);
    assert_int_equal(orange > 0, row >= BURN + PRE);
    before = past;
  }
  assert_int_equal(before, width);
  nrf_picture_free(&frame);
  uproot(&p);
}

static void long_recordings_are_thinned_out(void **state)
{
  (void)state;
  nrf_extract    x    = {.channels = 32, .height = 32, .width = 32, .rows = 2700};
  const nrf_film film = {0};
  nrf_film_view  view = nrf_film_of_all(&x, &film);
  assert_true(view.step == 18 && nrf_film_frames(&view) == 150 && view.scale == 2 && view.columns == 8);
  view = nrf_film_of_one(&x, &film, 5);
  assert_true(view.step == 3 && nrf_film_frames(&view) == 900 && view.scale == 8);
  assert_true(view.first_channel == 5 && view.n_channels == 1);
  x.rows = 2701;
  view   = nrf_film_of_all(&x, &film);
  assert_int_equal(nrf_film_frames(&view), 143); /* steps of 19, the last frame is row 2698 */
  x.rows  = 7;
  x.width = 1000;
  view    = nrf_film_of_all(&x, &film);
  assert_true(view.step == 1 && nrf_film_frames(&view) == 7 && view.scale == 1);
}

/* ---- files ----------------------------------------------------------------------------------------------- */

static void a_file_holds_the_frames(void **state)
{
  (void)state;
  planted     p;
  nrf_picture frame;
  int         error = 0;
  plant(&p);
  nrf_film_view view = nrf_film_of_all(p.x, &p.x->film[0]);
  view.step          = 7;
  must(nrf_film_write(&view, p.path));
  must(nrf_film_frame_create(&view, &frame));
  GifFileType *gif = DGifOpenFileName(p.path, &error);
  assert_non_null(gif);
  assert_int_equal(DGifSlurp(gif), GIF_OK);
  assert_int_equal(gif->ImageCount, 15);
  assert_true(gif->SWidth == frame.width && gif->SHeight == frame.height);
  for (int i = 0; i < gif->ImageCount; i++) {
    GraphicsControlBlock control;
    assert_int_equal(DGifSavedExtensionToGCB(gif, i, &control), GIF_OK);
    assert_int_equal(control.DelayTime, view.hundredths);
    nrf_film_draw(&view, 7 * i, &frame);
    for (int k = 0; k < frame.width * frame.height; k++) {
      const GifColorType c        = gif->SColorMap->Colors[gif->SavedImages[i].RasterBits[k]];
      const uint8_t     *expected = frame.pixels + 3 * k;
      assert_true(abs(c.Red - expected[0]) <= 6 && abs(c.Green - expected[1]) <= 6 &&
                  abs(c.Blue - expected[2]) <= 6);
    }
  }
  assert_int_equal(DGifCloseFile(gif, &error), GIF_OK);
  nrf_picture_free(&frame);
  uproot(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(maps_are_upright_and_nothing_covers_them),
      cmocka_unit_test(the_bar_grows_and_the_stimulus_is_marked),
      cmocka_unit_test(long_recordings_are_thinned_out),
      cmocka_unit_test(a_file_holds_the_frames),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
