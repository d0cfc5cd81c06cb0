/* colour_palette.c - cutting the colour space where it pays most. */
#include "nrflv/colour_palette.h"

#include "nrflv/memory.h"

#include <stdbool.h>
#include <stdlib.h>

/* Colours are counted in bins of 4 x 4 x 4, each with the sum of its colours. */
enum { BIN_BITS = 6, BINS = 1 << (3 * BIN_BITS) };

typedef struct colour_bin {
  uint64_t pixels;
  uint64_t sum[3];
} colour_bin;

struct nrf_colour_counts {
  colour_bin bin[BINS];
};

nrf_status nrf_colour_counts_create(nrf_colour_counts **out)
{
  *out = NULL;
  return nrf_alloc(sizeof **out, "colours of pictures", (void **)out);
}

void nrf_colour_counts_free(nrf_colour_counts *counts)
{
  nrf_free(counts);
}

void nrf_colour_counts_add(nrf_colour_counts *counts, const nrf_picture *picture)
{
  const int64_t pixels = (int64_t)picture->width * picture->height;
  const int     green = picture->channels == 1 ? 0 : 1, blue = picture->channels == 1 ? 0 : 2;
  for (int64_t i = 0; i < pixels; i++) {
    const uint8_t *p      = picture->pixels + i * picture->channels;
    const int      rgb[3] = {p[0], p[green], p[blue]};
    int            number = 0;
    for (int k = 0; k < 3; k++) number = number << BIN_BITS | rgb[k] >> (8 - BIN_BITS);
    colour_bin *bin = &counts->bin[number];
    bin->pixels++;
    for (int k = 0; k < 3; k++) bin->sum[k] += (uint64_t)rgb[k];
  }
}

/* ---- choosing ---- */

/* A bin that holds something, as a point with a weight. */
typedef struct point {
  double weight, at[3];
} point;

/* A part of the colours: points first .. first + n - 1, and the best cut of them. */
typedef struct part {
  int    first, n;
  double weight, mean[3];
  int    axis, left; /* the cut: sorted along the axis, the first `left` points go to one side */
  double gain;       /* by how much it lowers the squared distance; 0: there is nothing to cut */
} part;

static int by_axis(const void *a, const void *b, int axis)
{
  const double x = ((const point *)a)->at[axis], y = ((const point *)b)->at[axis];
  return (x > y) - (x < y);
}

static int by_red(const void *a, const void *b)
{
  return by_axis(a, b, 0);
}

static int by_green(const void *a, const void *b)
{
  return by_axis(a, b, 1);
}

static int by_blue(const void *a, const void *b)
{
  return by_axis(a, b, 2);
}

static void sort_along(point *points, int n, int axis)
{
  static int (*const orders[])(const void *, const void *) = {by_red, by_green, by_blue};
  qsort(points, (size_t)n, sizeof *points, orders[axis]);
}

/* Sums over points: with them the squared distance to the mean is  sum w x^2 - (sum w x)^2 / sum w. */
typedef struct moments {
  double weight, first[3];
} moments;

static void add_point(moments *m, const point *p)
{
  m->weight += p->weight;
  for (int k = 0; k < 3; k++) m->first[k] += p->weight * p->at[k];
}

/* (sum w x)^2 / sum w: what the means explain of the sum of squares. A cut gains what both sides explain together beyond
 * what the whole explained. */
static double explained(const moments *m)
{
  double squares = 0.0;
  for (int k = 0; k < 3; k++) squares += m->first[k] * m->first[k];
  return squares / m->weight;
}

static moments rest_of(const moments *all, const moments *left)
{
  moments rest = {.weight = all->weight - left->weight};
  for (int k = 0; k < 3; k++) rest.first[k] = all->first[k] - left->first[k];
  return rest;
}

/* Fills in the part's mean and its best cut; changes the order of its points. */
static void measure(point *points, part *p)
{
  moments all = {0};
  for (int i = 0; i < p->n; i++) add_point(&all, &points[p->first + i]);
  p->weight = all.weight;
  p->gain   = 0.0;
  for (int k = 0; k < 3; k++) p->mean[k] = all.first[k] / all.weight;
  for (int axis = 0; axis < 3; axis++) {
    moments left = {0};
    sort_along(points + p->first, p->n, axis);
    for (int i = 0; i + 1 < p->n; i++) {
      add_point(&left, &points[p->first + i]);
      const moments right = rest_of(&all, &left);
      const double  gain  = explained(&left) + explained(&right) - explained(&all);
      if (gain > p->gain) {
        p->gain = gain;
        p->axis = axis;
        p->left = i + 1;
      }
    }
  }
}

/* Cuts `p` in two: itself and *other. */
static void cut(point *points, part *p, part *other)
{
  sort_along(points + p->first, p->n, p->axis);
  *other = (part){.first = p->first + p->left, .n = p->n - p->left};
  p->n   = p->left;
  measure(points, p);
  measure(points, other);
}

static int best_to_cut(const part parts[], int n)
{
  int best = 0;
  for (int i = 1; i < n; i++)
    if (parts[i].gain > parts[best].gain) best = i;
  return best;
}

static int gather_points(const nrf_colour_counts *counts, point *points)
{
  int n = 0;
  for (int i = 0; i < BINS; i++) {
    const colour_bin *bin = &counts->bin[i];
    if (bin->pixels == 0) continue;
    points[n] = (point){.weight = (double)bin->pixels};
    for (int k = 0; k < 3; k++) points[n].at[k] = (double)bin->sum[k] / (double)bin->pixels;
    n++;
  }
  return n;
}

nrf_status nrf_palette_choose(const nrf_colour_counts *counts, int most, nrf_palette *out)
{
  nrf_status st     = NRF_OK;
  point     *points = NULL;
  part       parts[NRF_PALETTE_MAX];
  if (most < 1 || most > NRF_PALETTE_MAX)
    return nrf_error(NRF_EINVAL, "palette: %d colours (1 to %d)", most, NRF_PALETTE_MAX);
  NRF_RETURN_IF_ERROR(nrf_alloc(BINS * sizeof *points, "palette", (void **)&points));
  const int n = gather_points(counts, points);
  if (n == 0) NRF_FAIL(NRF_EINVAL, "palette: there are no colours to choose from");

  parts[0] = (part){.n = n};
  measure(points, &parts[0]);
  out->count = 1;
  while (out->count < most) {
    part *p = &parts[best_to_cut(parts, out->count)];
    if (p->gain <= 0.0) break;
    cut(points, p, &parts[out->count++]);
  }
  for (int i = 0; i < out->count; i++)
    for (int k = 0; k < 3; k++) out->colour[i][k] = (uint8_t)(parts[i].mean[k] + 0.5);
done:
  nrf_free(points);
  return st;
}

int nrf_palette_nearest(const nrf_palette *palette, const uint8_t colour[3])
{
  int best = 0, least = 3 * 255 * 255 + 1;
  for (int i = 0; i < palette->count; i++) {
    int distance = 0;
    for (int k = 0; k < 3; k++) {
      const int d = (int)palette->colour[i][k] - (int)colour[k];
      distance += d * d;
    }
    if (distance < least) {
      least = distance;
      best  = i;
    }
  }
  return best;
}
