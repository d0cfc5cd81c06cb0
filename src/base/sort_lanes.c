/* sort_lanes.c - sixteen sorts at once by a network: the same comparisons whatever the values, each of them one minimum
 * and one maximum of two vector registers.
 *
 * The network is Batcher's bitonic sorter in the form that merges ascending runs: flip (compare a run with the next one read
 * backwards), then clean (compare at half the distance, a quarter, ...), see D. E. Knuth, The Art of Computer Programming, volume 3,
 * 5.3.4. Rows of a power of two would be needed; those that are missing count as infinity, so comparisons with them do nothing and are
 * left out. What makes it fast is that few of the steps go through memory: runs of 16 are sorted, and cleaned at the end, within
 * registers, and the steps above are taken two at a time. */
#include "nrflv/sort.h"

#include <math.h>

enum { LANES = NRF_SORT_LANES, RUN = 16 };

typedef float row[LANES];

#define ORDER(a, b)                           \
  do {                                        \
    const float low_ = (a) < (b) ? (a) : (b); \
    (b)              = (a) < (b) ? (b) : (a); \
    (a)              = low_;                  \
  } while (0)

/* ---- within registers ------------------------------------------------------------------------------------ */

#define SIXTEEN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define LOAD(i)    float r##i = x[i][lane];
#define STORE(i)   x[i][lane] = r##i;
#define C(i, j)    ORDER(r##i, r##j);

/* Batcher's odd-even merge sort of 16: 63 comparisons. */
static void sort_run(row *x)
{
  /* clang-format off */
#pragma omp simd
  for (int lane = 0; lane < LANES; lane++) {
    SIXTEEN(LOAD)
    C(0, 1) C(2, 3) C(4, 5) C(6, 7) C(8, 9) C(10, 11) C(12, 13) C(14, 15)

    C(0, 2) C(1, 3) C(4, 6) C(5, 7) C(8, 10) C(9, 11) C(12, 14) C(13, 15)
    C(1, 2) C(5, 6) C(9, 10) C(13, 14)

    C(0, 4) C(1, 5) C(2, 6) C(3, 7) C(8, 12) C(9, 13) C(10, 14) C(11, 15)
    C(2, 4) C(3, 5) C(10, 12) C(11, 13)
    C(1, 2) C(3, 4) C(5, 6) C(9, 10) C(11, 12) C(13, 14)

    C(0, 8) C(1, 9) C(2, 10) C(3, 11) C(4, 12) C(5, 13) C(6, 14) C(7, 15)
    C(4, 8) C(5, 9) C(6, 10) C(7, 11)
    C(2, 4) C(3, 5) C(6, 8) C(7, 9) C(10, 12) C(11, 13)
    C(1, 2) C(3, 4) C(5, 6) C(7, 8) C(9, 10) C(11, 12) C(13, 14)
    SIXTEEN(STORE)
  }
  /* clang-format on */
}

/* The last four steps of cleaning: distances 8, 4, 2, 1. */
static void clean_run(row *x)
{
  /* clang-format off */
#pragma omp simd
  for (int lane = 0; lane < LANES; lane++) {
    SIXTEEN(LOAD)
    C(0, 8) C(1, 9) C(2, 10) C(3, 11) C(4, 12) C(5, 13) C(6, 14) C(7, 15)
    C(0, 4) C(1, 5) C(2, 6) C(3, 7) C(8, 12) C(9, 13) C(10, 14) C(11, 15)
    C(0, 2) C(1, 3) C(4, 6) C(5, 7) C(8, 10) C(9, 11) C(12, 14) C(13, 15)
    C(0, 1) C(2, 3) C(4, 5) C(6, 7) C(8, 9) C(10, 11) C(12, 13) C(14, 15)
    SIXTEEN(STORE)
  }
  /* clang-format on */
}

static void order_rows(float *a, float *b)
{
#pragma omp simd
  for (int lane = 0; lane < LANES; lane++) {
    float x = a[lane], y = b[lane];
    ORDER(x, y);
    a[lane] = x;
    b[lane] = y;
  }
}

/* Two steps of cleaning: (a, c) and (b, d), then (a, b) and (c, d). */
static void clean_four(float *a, float *b, float *c, float *d)
{
#pragma omp simd
  for (int lane = 0; lane < LANES; lane++) {
    float x = a[lane], y = b[lane], z = c[lane], u = d[lane];
    ORDER(x, z);
    ORDER(y, u);
    ORDER(x, y);
    ORDER(z, u);
    a[lane] = x;
    b[lane] = y;
    c[lane] = z;
    d[lane] = u;
  }
}

/* A flip and the first step of cleaning: (a, d) and (b, c), then (a, b) and (c, d). */
static void flip_four(float *a, float *b, float *c, float *d)
{
#pragma omp simd
  for (int lane = 0; lane < LANES; lane++) {
    float x = a[lane], y = b[lane], z = c[lane], u = d[lane];
    ORDER(x, u);
    ORDER(y, z);
    ORDER(x, y);
    ORDER(z, u);
    a[lane] = x;
    b[lane] = y;
    c[lane] = z;
    d[lane] = u;
  }
}

/* ---- steps through memory -------------------------------------------------------------------------------- */

typedef struct rows {
  row    *x;
  int64_t n;        /* those that there are */
  row    *infinity; /* what the others hold; ordering with it leaves it as it is */
} rows;

static float *at(const rows *r, int64_t i)
{
  return i < r->n ? r->x[i] : *r->infinity;
}

static rows part(const rows *r, int64_t first, int64_t count)
{
  const int64_t left = r->n - first;
  return (rows){r->x + first, left < count ? left : count, r->infinity};
}

/* Sorts a bitonic sequence of 2 * distance rows: compares at this distance, at half of it, and so on. Blocks that no comparison
 * connects any more are finished one after the other, while they are in the cache. */
static void clean(const rows *r, int64_t distance)
{
  if (r->n <= 0) return;
  if (distance < RUN) {
    clean_run(r->x);
    return;
  }
  const int64_t half = distance / 2;
  if (distance == RUN) {
    for (int64_t i = 0; i + distance < r->n; i++) order_rows(r->x[i], r->x[i + distance]);
    for (int64_t i = 0; i < r->n; i += RUN) clean_run(r->x + i);
    return;
  }
  for (int64_t i = 0; i < half; i++)
    clean_four(at(r, i), at(r, i + half), at(r, i + distance), at(r, i + distance + half));
  for (int64_t k = 0; k < 4; k++) {
    const rows block = part(r, k * half, half);
    clean(&block, half / 2);
  }
}

/* Merges two ascending runs, the first of `run` rows, the second of at most as many: compares row i from the end of the first with row i of
 * the second, and takes the first step of cleaning along. */
static void merge(const rows *r, int64_t run)
{
  const int64_t half = run / 2;
  if (run == RUN) {
    for (int64_t i = 0; i < RUN; i++) order_rows(r->x[RUN - 1 - i], r->x[RUN + i]);
    clean_run(r->x);
    clean_run(r->x + RUN);
    return;
  }
  for (int64_t i = 0; i < half; i++)
    flip_four(at(r, i), at(r, half + i), at(r, run + half - 1 - i), at(r, 2 * run - 1 - i));
  for (int64_t k = 0; k < 4; k++) {
    const rows block = part(r, k * half, half);
    clean(&block, half / 2);
  }
}

void nrf_sort_lanes(int64_t n, float *values)
{
  row          *x     = (row *)values;
  const int64_t total = nrf_sort_rows(n);
  row           infinity;
  for (int lane = 0; lane < LANES; lane++) infinity[lane] = INFINITY;
  for (int64_t i = n; i < total; i++)
    for (int lane = 0; lane < LANES; lane++) x[i][lane] = INFINITY;
  const rows all = {x, total, &infinity};
  for (int64_t i = 0; i < total; i += RUN) sort_run(x + i);
  for (int64_t run = RUN; run < total; run *= 2)
    for (int64_t first = 0; first + run < total; first += 2 * run) {
      const rows pair = part(&all, first, 2 * run);
      merge(&pair, run);
    }
}
