/* weight_sheet.c - kernels as small pictures. */
#include "managers/weight_sheet.h"

#include "nrflv/text_label.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
  MARGIN         = 14,
  PAPER          = 255,
  INK            = 0,
  PALE_INK       = 110,
  GRID           = 140, /* between kernels: no colour of the scale */
  TITLE_SCALE    = 2,
  TITLE_HEIGHT   = NRF_LABEL_HEIGHT * TITLE_SCALE + 10,
  LINE           = NRF_LABEL_HEIGHT + 5,
  BLOCK_GAP      = 22,
  LABEL_GAP      = 6,
  WIDEST_BLOCK   = 1540, /* pixels that the columns may take before kernels are enlarged less */
  LARGEST_SCALE  = 8,
  BAR_WIDTH      = 14,
  SHORTEST_BAR   = 64,
  LABEL_BYTES    = 96,
  IMAGE_CHANNELS = 3,
};

/* ---- colours ---- */

void nrf_weight_colour(double value, uint8_t rgb[3])
{
  /* From -1 to 1 in equal steps; lightness falls evenly on both sides of white. */
  static const double stops[][3] = {{18, 44, 105},   {52, 112, 178}, {140, 186, 220}, {250, 250, 250},
                                    {238, 160, 130}, {196, 62, 62},  {110, 14, 36}};
  const int           last       = (int)(sizeof stops / sizeof *stops) - 1;
  const double        place      = (fmin(fmax(value, -1.0), 1.0) + 1.0) / 2.0 * last;
  const int           from       = (int)fmin(place, last - 1);
  for (int k = 0; k < 3; k++)
    rgb[k] = (uint8_t)(stops[from][k] + (place - from) * (stops[from + 1][k] - stops[from][k]) + 0.5);
}

static uint8_t to_byte(double value)
{
  return (uint8_t)(255.0 * fmin(fmax(value, 0.0), 1.0) + 0.5);
}

/* ---- the places of a block ---- */

typedef struct block {
  const nrf_base_kernels *k;
  double                  range;  /* the largest absolute weight                         */
  bool                    colour; /* a row of kernels in colour                          */
  int                     rows;
  int                     scale, gap;
  int                     step_x, step_y; /* from one kernel to the next                         */
  int                     left, top;      /* of the first kernel                                 */
  int                     width, height;  /* of all kernels                                      */
  int                     bar_height;
  int                     bottom, right; /* of everything                                       */
} block;

static double largest_weight(const nrf_base_kernels *k)
{
  const int64_t n    = (int64_t)k->out * k->in * k->height * k->width;
  double        most = 0.0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)k->weight[i]));
  return most;
}

/* Wide enough that noisy kernels do not run into each other. */
static int gap_for(int scale)
{
  return scale < 2 ? 2 : scale > 5 ? 5 : scale;
}

static int scale_for(const nrf_base_kernels *k)
{
  int scale = LARGEST_SCALE;
  while (scale > 1 && k->out * (k->width * scale + gap_for(scale)) > WIDEST_BLOCK) scale--;
  return scale;
}

static int larger(int a, int b)
{
  return a > b ? a : b;
}

static block lay_out(const nrf_base_kernels *k, int top)
{
  block b      = {.k = k, .range = largest_weight(k), .scale = scale_for(k)};
  b.colour     = k->from == 0 && k->in == IMAGE_CHANNELS;
  b.rows       = k->in + b.colour;
  b.gap        = gap_for(b.scale);
  b.step_x     = k->width * b.scale + b.gap;
  b.step_y     = k->height * b.scale + b.gap;
  b.left       = MARGIN + nrf_label_width("in 000", 1) + LABEL_GAP;
  b.top        = top + 2 * LINE + 2;
  b.width      = k->out * b.step_x - b.gap;
  b.height     = b.rows * b.step_y - b.gap;
  b.bar_height = larger(SHORTEST_BAR, b.height < 4 * SHORTEST_BAR ? b.height : 4 * SHORTEST_BAR);
  b.bottom     = b.top + larger(b.height, b.bar_height + NRF_LABEL_HEIGHT / 2);
  b.right      = b.left + b.width + 2 * LABEL_GAP + BAR_WIDTH + LABEL_GAP + nrf_label_width("-0.0000", 1);
  return b;
}

/* ---- drawing ---- */

static void fill(nrf_picture *picture, int x0, int y0, int width, int height, const uint8_t rgb[3])
{
  for (int y = y0; y < y0 + height; y++)
    for (int x = x0; x < x0 + width; x++)
      memcpy(picture->pixels + ((int64_t)y * picture->width + x) * 3, rgb, 3);
}

static const float *kernel_of(const nrf_base_kernels *k, int out, int in)
{
  return k->weight + ((int64_t)out * k->in + in) * k->height * k->width;
}

/* The colour of one place of a kernel; `row` is the input channel, or k->in for the kernel in colour. */
static void colour_at(const block *b, int out, int row, int place, uint8_t rgb[3])
{
  const double range = b->range > 0.0 ? b->range : 1.0;
  if (row < b->k->in) {
    nrf_weight_colour((double)kernel_of(b->k, out, row)[place] / range, rgb);
    return;
  }
  for (int c = 0; c < IMAGE_CHANNELS; c++)
    rgb[c] = to_byte(0.5 + 0.5 * (double)kernel_of(b->k, out, c)[place] / range);
}

static void draw_kernel(const block *b, int out, int row, nrf_picture *picture)
{
  const int x0 = b->left + out * b->step_x, y0 = b->top + row * b->step_y;
  for (int y = 0; y < b->k->height; y++)
    for (int x = 0; x < b->k->width; x++) {
      uint8_t rgb[3];
      colour_at(b, out, row, y * b->k->width + x, rgb);
      fill(picture, x0 + x * b->scale, y0 + y * b->scale, b->scale, b->scale, rgb);
    }
}

static void draw_bar(const block *b, nrf_picture *picture)
{
  const int x = b->left + b->width + 2 * LABEL_GAP, last = b->bar_height - 1;
  for (int y = 0; y <= last; y++) {
    uint8_t rgb[3];
    nrf_weight_colour(1.0 - 2.0 * y / last, rgb);
    fill(picture, x, b->top + y, BAR_WIDTH, 1, rgb);
  }
  const struct {
    double value;
    int    y;
  } marks[] = {{b->range, 0}, {0.0, last / 2}, {-b->range, last}};
  for (int i = 0; i < 3; i++) {
    char label[LABEL_BYTES];
    (void)snprintf(label, sizeof label, i == 1 ? "0" : "%+.3g", marks[i].value);
    nrf_label_draw(picture, x + BAR_WIDTH + LABEL_GAP, b->top + marks[i].y - NRF_LABEL_HEIGHT / 2, 1, INK,
                   label);
  }
}

/* The heading, and what the rows and columns are. */
static void heading_of(const block *b, char text[LABEL_BYTES])
{
  static const char *const ways[] = {[NRF_CONV]            = "convolution",
                                     [NRF_CONV_TRANSPOSED] = "transposed convolution (turned round)",
                                     [NRF_FULLY_CONNECTED] = "fully connected"};
  const nrf_base_kernels  *k      = b->k;
  const char              *image  = k->from == 0 ? " (the image)" : "";
  const bool               fc     = k->status == NRF_FULLY_CONNECTED;
  (void)snprintf(text, LABEL_BYTES, "from layer %d%s: %s, %s%d x %d, %d -> %d %s", k->from, image,
                 ways[k->status], fc ? "maps of " : "", k->height, k->width, k->in, k->out,
                 fc ? "hidden units" : "channels");
}

/* Numbers over the columns, as many as there is room for. */
static void draw_column_numbers(const block *b, nrf_picture *picture)
{
  const int widest = nrf_label_width("00", 1) + LABEL_GAP, every = (widest + b->step_x - 1) / b->step_x;
  for (int out = 0; out < b->k->out; out += every) {
    char number[16];
    (void)snprintf(number, sizeof number, "%d", out);
    const int middle = b->left + out * b->step_x + (b->step_x - b->gap) / 2;
    nrf_label_draw(picture, middle - nrf_label_width(number, 1) / 2, b->top - LINE + 2, 1, PALE_INK, number);
  }
}

static void row_label(const block *b, int row, char label[LABEL_BYTES])
{
  static const char *const colours[] = {"red", "green", "blue", "RGB"};
  if (b->colour)
    (void)snprintf(label, LABEL_BYTES, "%s", colours[row]);
  else
    (void)snprintf(label, LABEL_BYTES, "in %d", row);
}

static void draw_row_labels(const block *b, nrf_picture *picture)
{
  const int every = (LINE + b->step_y - 1) / b->step_y;
  for (int row = 0; row < b->rows; row += every) {
    char label[LABEL_BYTES];
    row_label(b, row, label);
    const int middle = b->top + row * b->step_y + (b->step_y - b->gap) / 2;
    nrf_label_draw(picture, b->left - LABEL_GAP - nrf_label_width(label, 1), middle - NRF_LABEL_HEIGHT / 2, 1,
                   PALE_INK, label);
  }
}

static void draw_block(const block *b, nrf_picture *picture)
{
  char heading[LABEL_BYTES];
  heading_of(b, heading);
  nrf_label_draw(picture, MARGIN, b->top - 2 * LINE - 2, 1, INK, heading);
  draw_column_numbers(b, picture);
  draw_row_labels(b, picture);
  fill(picture, b->left, b->top, b->width, b->height, (const uint8_t[]){GRID, GRID, GRID});
  for (int row = 0; row < b->rows; row++)
    for (int out = 0; out < b->k->out; out++) draw_kernel(b, out, row, picture);
  draw_bar(b, picture);
}

static const char legend[] = "weights in use, normalised; columns: what is computed, rows: what is read";

nrf_status nrf_weight_sheet_render(const char *title, int layer, const nrf_base_kernel_list *kernels,
                                   nrf_picture *out)
{
  block blocks[2 * NRF_MAX_INPUTS];
  char  heading[LABEL_BYTES];
  int   width, bottom = MARGIN + TITLE_HEIGHT + LINE;
  (void)snprintf(heading, sizeof heading, "%.60s, layer %d", title, layer);
  width = larger(nrf_label_width(heading, TITLE_SCALE), nrf_label_width(legend, 1)) + MARGIN;
  for (int i = 0; i < kernels->n; i++) {
    char text[LABEL_BYTES];
    blocks[i] = lay_out(&kernels->item[i], bottom + (i == 0 ? LABEL_GAP : BLOCK_GAP));
    bottom    = blocks[i].bottom;
    heading_of(&blocks[i], text);
    width = larger(width, larger(blocks[i].right, MARGIN + nrf_label_width(text, 1)));
  }
  NRF_RETURN_IF_ERROR(nrf_picture_create(width + MARGIN, bottom + MARGIN, 3, out));
  memset(out->pixels, PAPER, (size_t)out->width * (size_t)out->height * 3);
  nrf_label_draw(out, MARGIN, MARGIN, TITLE_SCALE, INK, heading);
  nrf_label_draw(out, MARGIN, MARGIN + TITLE_HEIGHT, 1, PALE_INK, legend);
  for (int i = 0; i < kernels->n; i++) draw_block(&blocks[i], out);
  return NRF_OK;
}
