/* activity_film.c - frames of films. */
#include "activity_film.h"

#include "nrflv/gif_file.h"
#include "nrflv/text_label.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* In pixels. */
enum {
  MARGIN     = 8,
  GAP        = 6,                    /* between maps                                  */
  LABEL      = NRF_LABEL_HEIGHT + 3, /* what a line of text takes                     */
  BAR        = 8,
  LEAST_LINE = 190, /* width of the line that says the time and the phase            */
};

enum { MOST_COLUMNS = 8, SHEET_SIDE = 64, SINGLE_SIDE = 256 };

/* Films of 7.5 and of 18 seconds: of 32 channels of 32 x 32 some 8 MB, and of each some 3 MB. */
enum { SHEET_FRAMES = 150, SHEET_HUNDREDTHS = 5, SINGLE_FRAMES = 900, SINGLE_HUNDREDTHS = 2 };

/* Few greys: noise in many of them is what makes such files large. */
enum { GREYS = 24, WHITE = 255, TEXT_SHADE = 200, BAR_SHADE = 60 };

static const uint8_t STIMULUS[3] = {255, 127, 14}, STIMULUS_TO_COME[3] = {120, 60, 7};

/* ---- what is shown --------------------------------------------------------------------------------------- */

static nrf_film_view view_of(const nrf_extract *x, const nrf_film *film, int side, int frames)
{
  const int     longest = x->height > x->width ? x->height : x->width;
  const int64_t step    = (x->rows + frames - 1) / frames;
  return (nrf_film_view){
      .x = x, .film = film, .scale = longest < side ? side / longest : 1, .step = step > 0 ? step : 1};
}

nrf_film_view nrf_film_of_all(const nrf_extract *x, const nrf_film *film)
{
  nrf_film_view view = view_of(x, film, SHEET_SIDE, SHEET_FRAMES);
  view.n_channels    = x->channels;
  view.columns       = x->channels < MOST_COLUMNS ? x->channels : MOST_COLUMNS;
  view.hundredths    = SHEET_HUNDREDTHS;
  return view;
}

nrf_film_view nrf_film_of_one(const nrf_extract *x, const nrf_film *film, int channel)
{
  nrf_film_view view = view_of(x, film, SINGLE_SIDE, SINGLE_FRAMES);
  view.first_channel = channel;
  view.n_channels = view.columns = 1;
  view.hundredths                = SINGLE_HUNDREDTHS;
  return view;
}

int64_t nrf_film_frames(const nrf_film_view *view)
{
  return (view->x->rows + view->step - 1) / view->step;
}

/* ---- layout ---------------------------------------------------------------------------------------------- */

static int tile_width(const nrf_film_view *v)
{
  return v->x->width * v->scale + GAP;
}

static int tile_height(const nrf_film_view *v)
{
  return v->x->height * v->scale + LABEL + GAP;
}

void nrf_film_corner(const nrf_film_view *v, int c, int *x, int *y)
{
  const int k = c - v->first_channel;
  *x          = MARGIN + k % v->columns * tile_width(v);
  *y          = MARGIN + LABEL + k / v->columns * tile_height(v) + LABEL;
}

nrf_status nrf_film_frame_create(const nrf_film_view *v, nrf_picture *out)
{
  const int lines = (v->n_channels + v->columns - 1) / v->columns;
  const int maps  = v->columns * tile_width(v) - GAP;
  return nrf_picture_create(2 * MARGIN + (maps > LEAST_LINE ? maps : LEAST_LINE),
                            2 * MARGIN + LABEL + lines * tile_height(v) + BAR, 3, out);
}

/* ---- drawing --------------------------------------------------------------------------------------------- */

static void fill(nrf_picture *frame, int x, int y, int width, int height, const uint8_t colour[3])
{
  for (int row = y; row < y + height; row++)
    for (int column = x; column < x + width; column++)
      memcpy(frame->pixels + ((int64_t)row * frame->width + column) * 3, colour, 3);
}

static void draw_map(const nrf_film_view *v, int c, int64_t row, nrf_picture *frame)
{
  const int      height = v->x->height, width = v->x->width;
  const uint8_t *grey = v->film->grey + (((int64_t)c * v->x->rows + row) * height) * width;
  char           label[32];
  int            left, top;
  nrf_film_corner(v, c, &left, &top);
  for (int h = 0; h < height; h++)
    for (int w = 0; w < width; w++) {
      const uint8_t g = grey[h * width + w];
      fill(frame, left + w * v->scale, top + h * v->scale, v->scale, v->scale, (const uint8_t[3]){g, g, g});
    }
  (void)snprintf(label, sizeof label, "channel %d", v->x->layer->channel[c]);
  if (nrf_label_width(label, 1) > width * v->scale)
    (void)snprintf(label, sizeof label, "%d", v->x->layer->channel[c]);
  nrf_label_draw(frame, left, top - LABEL, 1, TEXT_SHADE, label);
}

static bool is_in(nrf_window window, int64_t row)
{
  return row >= window.first && row < window.first + window.count;
}

static const char *period_of(const nrf_extract *x, int64_t row)
{
  static const char *const names[NRF_WINDOWS] = {
      [NRF_WINDOW_BURN] = "burn-in",
      [NRF_WINDOW_PRE]  = "blank",
      [NRF_WINDOW_DUR]  = "stimulus",
      [NRF_WINDOW_POST] = "blank",
  };
  for (int k = 0; k < NRF_WINDOWS; k++)
    if (is_in(x->window[k], row)) return names[k];
  return "";
}

/* The time counts from the beginning of the stimulus. */
static void draw_line(const nrf_film_view *v, int64_t row, nrf_picture *frame)
{
  const nrf_extract *x      = v->x;
  const bool         shown  = is_in(x->window[NRF_WINDOW_DUR], row);
  const char        *period = period_of(x, row);
  const double       time   = (double)(row - x->window[NRF_WINDOW_DUR].first) * x->ms_per_row;
  char               label[32];
  (void)snprintf(label, sizeof label, "%6.0f ms", time);
  nrf_label_draw(frame, MARGIN, MARGIN, 1, WHITE, label);
  const int left = MARGIN + nrf_label_width("-00000 ms ", 1) + GAP;
  if (shown)
    fill(frame, left - 2, MARGIN - 2, nrf_label_width(period, 1) + 4, NRF_LABEL_HEIGHT + 2, STIMULUS);
  nrf_label_draw(frame, left, MARGIN, 1, shown ? 0 : TEXT_SHADE, period);
}

/* Grey, and orange where there is a stimulus; the past is bright. */
static void draw_bar(const nrf_film_view *v, int64_t row, nrf_picture *frame)
{
  const int width = frame->width - 2 * MARGIN, top = frame->height - MARGIN - BAR;
  for (int i = 0; i < width; i++) {
    const int64_t  at   = v->x->rows * i / width;
    const bool     past = at <= row, shown = is_in(v->x->window[NRF_WINDOW_DUR], at);
    const uint8_t  shade   = past ? WHITE : BAR_SHADE;
    const uint8_t  grey[3] = {shade, shade, shade};
    const uint8_t *orange  = past ? STIMULUS : STIMULUS_TO_COME;
    fill(frame, MARGIN + i, top, 1, BAR, shown ? orange : grey);
  }
}

void nrf_film_draw(const nrf_film_view *v, int64_t row, nrf_picture *frame)
{
  memset(frame->pixels, 0, (size_t)frame->width * (size_t)frame->height * 3);
  for (int c = v->first_channel; c < v->first_channel + v->n_channels; c++) draw_map(v, c, row, frame);
  draw_line(v, row, frame);
  draw_bar(v, row, frame);
}

/* ---- writing --------------------------------------------------------------------------------------------- */

static nrf_palette film_palette(void)
{
  nrf_palette palette = {.count = GREYS + 2};
  for (int i = 0; i < GREYS; i++)
    memset(palette.colour[i], (int)lround(255.0 * i / (GREYS - 1)), sizeof palette.colour[i]);
  memcpy(palette.colour[GREYS], STIMULUS, sizeof STIMULUS);
  memcpy(palette.colour[GREYS + 1], STIMULUS_TO_COME, sizeof STIMULUS_TO_COME);
  return palette;
}

nrf_status nrf_film_write(const nrf_film_view *view, const char *path)
{
  nrf_status        st      = NRF_OK;
  nrf_gif_file     *gif     = NULL;
  nrf_picture       frame   = {0};
  const nrf_palette palette = film_palette();
  NRF_TRY(nrf_film_frame_create(view, &frame));
  NRF_TRY(nrf_gif_create(path, frame.width, frame.height, &palette, &gif));
  for (int64_t row = 0; row < view->x->rows; row += view->step) {
    nrf_film_draw(view, row, &frame);
    NRF_TRY(nrf_gif_add(gif, &frame, view->hundredths));
  }
  NRF_TRY(nrf_gif_commit(gif));
done:
  nrf_gif_free(gif);
  nrf_picture_free(&frame);
  return st;
}
