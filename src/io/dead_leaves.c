/* dead_leaves.c - see nrflv/dead_leaves.h.
 *
 * Leaves are drawn front to back: a leaf colours those sample points that no earlier one covers, until none is
 * left. (A stack of leaves seen from the front has the same distribution as one that has been falling for ever,
 * seen from above: Kendall & Thonnes 1999; and it needs no decision when to stop.) Every pixel has 8 x 8 sample points,
 * one bit each, so that a row of points is a few machine words and a leaf's share of a pixel is a popcount. */
#include "nrflv/dead_leaves.h"

#include "nrflv/rng.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
  SIZE     = NRF_DEAD_LEAVES_SIZE,
  CHANNELS = NRF_DEAD_LEAVES_CHANNELS,
  SUB      = 8,          /* sample points per pixel and direction: a byte of a row's bits           */
  POINTS   = SIZE * SUB, /* in a row                                                                */
  WORDS    = POINTS / 64,
  UNIT     = 16, /* lengths are counted in 1/16 of the distance between sample points       */
  PIXEL    = SUB * UNIT,
  OCTAVES  = 6, /* of radii                                                             */

  /* Colours, of 255. Axes and proportions follow the principal components of natural colours (Buchsbaum &
   * Gottschalk 1983): grey (1, 1, 1), then blue against yellow-red (1, 0, -1), then green against magenta (1, -2, 1). */
  GREY_LOW   = 18, /* grey: uniform */
  GREY_COUNT = 220,
  BLUE_SD    = 24, /* the others: about normal */
  GREEN_SD   = 6,
};

typedef struct leaf {
  int32_t x, y, radius; /* in units from the image's corner */
} leaf;

typedef struct canvas {
  uint64_t covered[POINTS][WORDS];
  int32_t  sum[CHANNELS][SIZE][SIZE]; /* colours of the covered sample points */
  int32_t  points_left;
} canvas;

/* Uniform in 0 .. n-1. */
static int32_t scale_draw(uint32_t bits, uint32_t n)
{
  return (int32_t)(((uint64_t)bits * n) >> 32);
}

/* Radii from max/2 to max, and their share of all leaves. */
typedef struct octave {
  int32_t  max; /* in eighths of a pixel */
  uint32_t mass;
} octave;

/* From 5/8 of a pixel, where leaves begin to be seen, to 40, where one can fill the image. These limits put the
 * exponent of the power spectrum at -2.0 to -2.3, whichever frequencies and window it is fitted with; fewer small
 * leaves make it steeper. The integral of r^-3 over an octave is a quarter of that over the one below. */
static const octave octaves[OCTAVES] = {{10, 1024}, {20, 256}, {40, 64}, {80, 16}, {160, 4}, {320, 1}};

/* Centres need only be drawn from where such a leaf can touch the image, out to `max` around it, which takes far
 * fewer leaves than one margin for all. For equal numbers per area an octave is then to be chosen with a probability
 * proportional to mass * area; in quarter pixels the area's side is 4 * SIZE + max. */
static uint32_t octave_weight(octave o)
{
  const uint32_t side = (uint32_t)(4 * SIZE + o.max);
  return o.mass * side * side;
}

static octave draw_octave(uint32_t bits)
{
  uint32_t total = 0;
  for (int o = 0; o < OCTAVES; o++) total += octave_weight(octaves[o]);
  uint32_t ticket = (uint32_t)scale_draw(bits, total);
  int      o      = 0;
  while (ticket >= octave_weight(octaves[o])) ticket -= octave_weight(octaves[o++]);
  return octaves[o];
}

/* Density proportional to r^-3 between max/2 and max, by inversion of its distribution function. What stands under
 * the root is exact in double and division and root are correctly rounded: the same result everywhere. */
static int32_t draw_radius(uint32_t bits, int32_t max)
{
  const double u = (bits >> 8) * 0x1p-24;
  return (int32_t)(max / sqrt(4.0 - 3.0 * u) + 0.5);
}

/* About normal with the given standard deviation: the sum of four uniform bytes, which has 148. */
static int32_t draw_bell(uint32_t bits, int32_t sd)
{
  const int32_t sum = (int32_t)((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24));
  return (sum - 2 * 255) * sd / 148;
}

static int32_t clamp_colour(int32_t value)
{
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* Where leaf number `index` of a stack lies. */
static leaf draw_leaf(nrf_rng stack, uint32_t index)
{
  uint32_t bits[4];
  nrf_rng_block(stack, 2 * index, bits);
  const int32_t  max    = draw_octave(bits[0]).max * (PIXEL / 8);
  const uint32_t domain = (uint32_t)(SIZE * PIXEL + 2 * max);
  return (leaf){.radius = draw_radius(bits[1], max),
                .x      = scale_draw(bits[2], domain) - max,
                .y      = scale_draw(bits[3], domain) - max};
}

static void draw_colour(nrf_rng stack, uint32_t index, int32_t colour[CHANNELS])
{
  uint32_t bits[4];
  nrf_rng_block(stack, 2 * index + 1, bits);
  const int32_t grey  = GREY_LOW + scale_draw(bits[0], GREY_COUNT);
  const int32_t blue  = draw_bell(bits[1], BLUE_SD);
  const int32_t green = draw_bell(bits[2], GREEN_SD);
  colour[0]           = clamp_colour(grey - blue + green);
  colour[1]           = clamp_colour(grey - 2 * green);
  colour[2]           = clamp_colour(grey + blue + green);
}

/* Sample point number s of a row or column lies at s * UNIT + UNIT / 2. The points within [centre - half, centre + half],
 * clipped to the image; *first > *last if there are none. */
static void points_within(int32_t centre, int32_t half, int32_t *first, int32_t *last)
{
  const int32_t low = centre - half - UNIT / 2, high = centre + half - UNIT / 2;
  *first = low <= 0 ? 0 : (low + UNIT - 1) / UNIT;
  *last  = high < 0 ? -1 : high / UNIT;
  if (*last > POINTS - 1) *last = POINTS - 1;
}

/* Bits first .. last of a row that lie in its word w. */
static uint64_t row_mask(int32_t first, int32_t last, int32_t w)
{
  const int32_t low = first - 64 * w, high = last - 64 * w;
  if (low > 63 || high < 0) return 0;
  const uint64_t from_low = ~UINT64_C(0) << (low > 0 ? low : 0);
  const uint64_t to_high  = ~UINT64_C(0) >> (high < 63 ? 63 - high : 0);
  return from_low & to_high;
}

/* Adds a colour for the sample points `fresh` of word w of row y: eight pixels. */
static void paint_points(canvas *c, int32_t y, int32_t w, uint64_t fresh, const int32_t colour[CHANNELS])
{
  for (int32_t p = 0; fresh != 0; p++, fresh >>= SUB) {
    const int32_t count = __builtin_popcountll(fresh & 255);
    for (int32_t k = 0; k < CHANNELS; k++) c->sum[k][y / SUB][w * (64 / SUB) + p] += count * colour[k];
    c->points_left -= count;
  }
}

/* Paints what shows of leaf number `index`; its colour is drawn when the first point of it does. */
static void add_leaf(canvas *c, nrf_rng stack, uint32_t index)
{
  const leaf l = draw_leaf(stack, index);
  int32_t    colour[CHANNELS];
  bool       shows = false;
  int32_t    top, bottom;
  points_within(l.y, l.radius, &top, &bottom);
  for (int32_t y = top; y <= bottom; y++) {
    const int32_t dy   = y * UNIT + UNIT / 2 - l.y;
    const int32_t half = (int32_t)sqrt((double)(l.radius * l.radius - dy * dy));
    int32_t       first, last;
    points_within(l.x, half, &first, &last);
    for (int32_t w = 0; w < WORDS; w++) {
      const uint64_t fresh = row_mask(first, last, w) & ~c->covered[y][w];
      if (fresh == 0) continue;
      if (!shows) draw_colour(stack, index, colour);
      shows = true;
      c->covered[y][w] |= fresh;
      paint_points(c, y, w, fresh, colour);
    }
  }
}

/* A leaf hides a given point with a probability of about 1/126: 760 leaves are usual, and that one of the 65536
 * points is still bare after 20,000 has a probability below 1e-64. The generator has numbers for 2^31. */
void nrf_dead_leaves_image(uint64_t seed, uint64_t k, uint8_t *rgb)
{
  const nrf_rng stack = nrf_rng_at(seed, NRF_RNG_DEAD_LEAVES, k, 0);
  canvas        c;
  memset(&c, 0, sizeof c);
  c.points_left = POINTS * POINTS;
  for (uint32_t i = 0; c.points_left > 0; i++) add_leaf(&c, stack, i);

  const int32_t *sum = &c.sum[0][0][0];
  for (int32_t i = 0; i < CHANNELS * SIZE * SIZE; i++)
    rgb[i] = (uint8_t)((sum[i] + SUB * SUB / 2) / (SUB * SUB));
}
