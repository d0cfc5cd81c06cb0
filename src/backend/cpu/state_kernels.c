/* state_kernels.c - the CPU's filling of the state kernels: OpenMP over blocks, vector units within.
 *
 * A layer is worked on in tiles that fit the first-level cache. A tile goes through several short loops, each
 * of which vectorises, with what passes between them in small arrays on the stack. Tiles are gathered in a
 * fixed number of groups; a group is done by one thread, in order, so that every sum and every vector loop's
 * remainder is the same for any number of threads. */
#include "nrflv/state_kernels.h"

#include <math.h>
#include <string.h>

enum {
  TILE     = 1024, /* elements, about: 12 KiB on the stack and 16 to 28 KiB of the layer's arrays */
  MAX_TILE = 4 * NRF_CIRCULANT_MAX_CHANNELS,
  GROUPS   = 128, /* units of parallel work */
};

typedef struct span {
  int64_t first;
  int     count; /* <= MAX_TILE */
} span;

/* Works on one tile; what it returns is added up. */
typedef double tile_fn(const void *update, span s);

/* Elements of a tile: whole pixels, and whole blocks of four random numbers. */
static int tile_size(int channels)
{
  const int four_pixels = 4 * channels;
  return four_pixels > TILE ? four_pixels : TILE / four_pixels * four_pixels;
}

static double for_tiles(int64_t count, int tile, tile_fn *work, const void *update)
{
  const int64_t tiles         = (count + tile - 1) / tile;
  double        group[GROUPS] = {0.0};
#pragma omp parallel for schedule(static)
  for (int k = 0; k < GROUPS; k++) {
    for (int64_t t = tiles * k / GROUPS; t < tiles * (k + 1) / GROUPS; t++) {
      const int64_t first = t * tile;
      const int64_t left  = count - first;
      group[k] += work(update, (span){first, left < tile ? (int)left : tile});
    }
  }
  double sum = 0.0;
  for (int k = 0; k < GROUPS; k++) sum += group[k];
  return sum;
}

/* ---- noise --------------------------------------------------------------------------------------- */

/* Standard normal numbers for a tile that begins at a multiple of four. Whole blocks are written.
 * (ivdep and not omp simd: gcc 12 does not vectorise a simd loop that has an array of its own.) */
static void draw_normals(nrf_rng r, span s, float normal[MAX_TILE])
{
  const uint32_t first  = (uint32_t)(s.first / 4);
  const int      blocks = (s.count + 3) / 4;
#pragma GCC ivdep
  for (int b = 0; b < blocks; b++) {
    float z[4];
    nrf_rng_normals(r, first + (uint32_t)b, z);
    for (int k = 0; k < 4; k++) normal[4 * b + k] = z[k];
  }
}

/* The tile's normal numbers: those given, or drawn into `scratch`. */
static const float *tile_normals(const nrf_state_update *on, span s, float scratch[MAX_TILE])
{
  if (on->noise != NULL) return on->noise + s.first;
  draw_normals(on->rng, s, scratch);
  return scratch;
}

/* sigma z, or NULL where there is no noise. */
static const float *tile_noise(const nrf_state_update *on, float sigma, span s, float scratch[MAX_TILE])
{
  if (sigma == 0.0f) return NULL;
  const float *z = tile_normals(on, s, scratch);
#pragma omp simd
  for (int i = 0; i < s.count; i++) scratch[i] = sigma * z[i];
  return scratch;
}

/* s += increment (+ noise), clamped. */
static void move_states(const nrf_state_update *on, span s, const float *increment, const float *noise)
{
  const float low = on->range.low, high = on->range.high;
  float      *state = on->state + s.first;
  if (noise == NULL) {
#pragma omp simd
    for (int i = 0; i < s.count; i++) state[i] = nrf_clamp(state[i] + increment[i], low, high);
  } else {
#pragma omp simd
    for (int i = 0; i < s.count; i++) state[i] = nrf_clamp(state[i] + increment[i] + noise[i], low, high);
  }
}

/* ---- inverse mass matrix -------------------------------------------------------------------------- */

/* M p for whole pixels. `half` is a constant where this is inlined, which unrolls the band. A pixel's
 * channels are copied with the band's wrap-around on both sides, so that mixing itself is a plain loop. */
static inline __attribute__((always_inline)) void
mix_band(const nrf_circulant *m, const int half, int channels, int pixels, const float *p, float *mixed)
{
  float     padded[MAX_TILE + 2 * NRF_CIRCULANT_MAX_HALF_WIDTH * (TILE / 4)];
  const int stride = channels + 2 * half;
  for (int x = 0; x < pixels; x++) {
    const float *from = p + x * channels;
    float       *to   = padded + x * stride;
    for (int k = 0; k < half; k++) {
      to[k]                   = from[channels - half + k];
      to[half + channels + k] = from[k];
    }
#pragma omp simd
    for (int c = 0; c < channels; c++) to[half + c] = from[c];
  }
  for (int x = 0; x < pixels; x++) {
    const float *row = padded + x * stride + half;
    float       *out = mixed + x * channels;
#pragma omp simd
    for (int c = 0; c < channels; c++) {
      float sum = m->tap[0] * row[c];
      for (int k = 1; k <= half; k++) sum += m->tap[k] * (row[c - k] + row[c + k]);
      out[c] = sum;
    }
  }
}

/* M p, or p itself where M is the identity. */
static const float *mix(const nrf_circulant *m, int channels, int count, const float *p,
                        float mixed[MAX_TILE])
{
  if (m == NULL) return p;
  const int pixels = count / channels;
  switch (m->half_width) {
  case 0:
    mix_band(m, 0, channels, pixels, p, mixed);
    break;
  case 1:
    mix_band(m, 1, channels, pixels, p, mixed);
    break;
  case 2:
    mix_band(m, 2, channels, pixels, p, mixed);
    break;
  default:
    if (channels == 32) /* the thesis's layers: a constant here makes them twice as fast */
      mix_band(m, NRF_CIRCULANT_MAX_HALF_WIDTH, 32, pixels, p, mixed);
    else
      mix_band(m, NRF_CIRCULANT_MAX_HALF_WIDTH, channels, pixels, p, mixed);
    break;
  }
  return mixed;
}

/* ---- SGHMC (spec/system.md 2.1) ------------------------------------------------------------------- */

/* mean_minv of a tile of units, over the batch. */
static double mean_minv_tile(const void *update, span s)
{
  const nrf_sghmc_update *u         = update;
  double                  sum[TILE] = {0.0};
  for (int64_t image = 0; image < u->on.count; image += u->units) {
    const float *v_hat = u->v_hat + image + s.first;
#pragma omp simd
    for (int i = 0; i < s.count; i++) sum[i] += (double)nrf_sghmc_minv(v_hat[i]);
  }
  const int64_t images = u->on.count / u->units;
  for (int i = 0; i < s.count; i++) u->mean_minv[s.first + i] = (float)(sum[i] / (double)images);
  return 0.0;
}

/* [1, 3] A tile may cross from one image into the next. */
static void tile_minv(const nrf_sghmc_update *u, span s, float minv[MAX_TILE])
{
  if (u->mean_minv == NULL) {
    const float *v_hat = u->v_hat + s.first;
#pragma omp simd
    for (int i = 0; i < s.count; i++) minv[i] = nrf_sghmc_minv(v_hat[i]);
    return;
  }
  for (int done = 0; done < s.count;) {
    const int64_t unit = (s.first + done) % u->units;
    const int64_t run  = u->units - unit < s.count - done ? u->units - unit : s.count - done;
    memcpy(minv + done, u->mean_minv + unit, (size_t)run * sizeof(float));
    done += (int)run;
  }
}

/* [2] */
static void tile_adapt(const nrf_sghmc_update *u, span s)
{
  const float *gradient = u->on.gradient + s.first;
  float       *tau = u->tau + s.first, *g = u->g + s.first, *v_hat = u->v_hat + s.first;
#pragma omp simd
  for (int i = 0; i < s.count; i++) nrf_sghmc_adapt(gradient[i], &tau[i], &g[i], &v_hat[i]);
}

/* [4] Noise of the step, into `noise`. */
static void tile_sghmc_noise(const nrf_sghmc_update *u, span s, const float *minv, float noise[MAX_TILE])
{
  const nrf_sghmc_coefficients k = u->k;
  if (k.max_variance == 0.0f) {
    memset(noise, 0, (size_t)s.count * sizeof(float));
    return;
  }
  const float *z = tile_normals(&u->on, s, noise);
#pragma omp simd
  for (int i = 0; i < s.count; i++) noise[i] = nrf_sghmc_sigma(&k, minv[i]) * z[i];
}

/* What the step used, for who wants to check it. */
static void report_step(const nrf_sghmc_update *u, span s, const float *minv, const float *mixed)
{
  const nrf_sghmc_coefficients k = u->k;
  if (u->minv != NULL) memcpy(u->minv + s.first, minv, (size_t)s.count * sizeof(float));
  if (u->sigma != NULL)
    for (int i = 0; i < s.count; i++) u->sigma[s.first + i] = nrf_sghmc_sigma(&k, minv[i]);
  if (u->friction != NULL)
    for (int i = 0; i < s.count; i++) u->friction[s.first + i] = k.friction * mixed[i];
}

/* [7] */
static void tile_displace(const nrf_sghmc_update *u, span s, const float *increment)
{
  if (u->displacement != NULL) memcpy(u->displacement + s.first, increment, (size_t)s.count * sizeof(float));
  move_states(&u->on, s, increment, NULL);
}

/* [1 - 6], and [7] unless the norm of the increment has to be known first: it is returned, squared. */
static double sghmc_tile(const void *update, span s)
{
  const nrf_sghmc_update      *u = update;
  const nrf_sghmc_coefficients k = u->k;
  float                        minv[MAX_TILE], noise[MAX_TILE], mixed[MAX_TILE];
  const float                 *gradient = u->on.gradient + s.first;
  float                       *p        = u->momentum + s.first;

  tile_minv(u, s, minv);
  if (u->adapt) tile_adapt(u, s);
  tile_sghmc_noise(u, s, minv, noise);
  const float *friction = mix(u->inverse_mass, u->channels, s.count, p, mixed);
  report_step(u, s, minv, friction);
#pragma omp simd
  for (int i = 0; i < s.count; i++)
    p[i] = nrf_sghmc_momentum(&k, p[i], friction[i], minv[i], gradient[i], noise[i]);

  const float *increment = mix(u->inverse_mass, u->channels, s.count, p, mixed);
  if (isinf(u->clip_norm)) {
    tile_displace(u, s, increment);
    return 0.0;
  }
  double square = 0.0;
#pragma omp simd reduction(+ : square)
  for (int i = 0; i < s.count; i++) square += (double)increment[i] * (double)increment[i];
  return square;
}

typedef struct clipped_move {
  const nrf_sghmc_update *u;
  float                   factor;
} clipped_move;

/* [7] with the increment scaled: a second pass. */
static double clipped_tile(const void *move, span s)
{
  const clipped_move *m      = move;
  const float         factor = m->factor;
  float               mixed[MAX_TILE], scaled[MAX_TILE];
  const float *increment = mix(m->u->inverse_mass, m->u->channels, s.count, m->u->momentum + s.first, mixed);
#pragma omp simd
  for (int i = 0; i < s.count; i++)
    scaled[i] = factor * increment[i]; /* NOLINT(clang-analyzer-core.*): mix fills s.count */
  tile_displace(m->u, s, scaled);
  return 0.0;
}

static nrf_status cpu_sghmc(const nrf_sghmc_update *u)
{
  const int tile = tile_size(u->inverse_mass != NULL ? u->channels : 1);
  if (u->mean_minv != NULL) (void)for_tiles(u->units, TILE, mean_minv_tile, u);
  const double norm = sqrt(for_tiles(u->on.count, tile, sghmc_tile, u));
  if (!isinf(u->clip_norm)) {
    const clipped_move move = {u, norm > u->clip_norm ? (float)(u->clip_norm / norm) : 1.0f};
    (void)for_tiles(u->on.count, tile, clipped_tile, &move);
  }
  return NRF_OK;
}

/* ---- the other optimisers (spec/system.md 2.2) ----------------------------------------------------- */

static double descent_tile(const void *update, span s)
{
  const nrf_descent_update *u = update;
  const float               h = u->step_size;
  const float              *d = u->on.gradient + s.first;
  float                     increment[MAX_TILE], scratch[MAX_TILE];
#pragma omp simd
  for (int i = 0; i < s.count; i++) increment[i] = -h * d[i];
  move_states(&u->on, s, increment, tile_noise(&u->on, u->sigma, s, scratch));
  return 0.0;
}

static double momentum_tile(const void *update, span s)
{
  const nrf_momentum_update *u = update;
  const float                h = u->step_size, decay = u->decay, fresh = 1.0f - u->dampening;
  const float               *d = u->on.gradient + s.first;
  float                     *p = u->momentum + s.first;
  float                      increment[MAX_TILE], scratch[MAX_TILE];
  if (u->first) {
    memcpy(p, d, (size_t)s.count * sizeof(float));
  } else {
#pragma omp simd
    for (int i = 0; i < s.count; i++) p[i] = decay * p[i] + fresh * d[i];
  }
  const float current = u->nesterov ? 1.0f : 0.0f, velocity = u->nesterov ? decay : 1.0f;
#pragma omp simd
  for (int i = 0; i < s.count; i++) increment[i] = -h * (current * d[i] + velocity * p[i]);
  move_states(&u->on, s, increment, tile_noise(&u->on, u->sigma, s, scratch));
  return 0.0;
}

static double adam_tile(const void *update, span s)
{
  const nrf_adam_update *u     = update;
  const float            gain1 = u->gain1, gain2 = u->gain2;
  const float            rate = u->rate, scale = u->scale, epsilon = u->epsilon;
  const float           *d = u->on.gradient + s.first;
  float                 *m = u->first_moment + s.first, *v = u->second_moment + s.first;
  float                  increment[MAX_TILE], scratch[MAX_TILE];
#pragma omp simd
  for (int i = 0; i < s.count; i++) {
    m[i] += gain1 * (d[i] - m[i]);
    v[i] += gain2 * (d[i] * d[i] - v[i]);
    increment[i] = -rate * m[i] / (sqrtf(v[i]) * scale + epsilon);
  }
  move_states(&u->on, s, increment, tile_noise(&u->on, u->sigma, s, scratch));
  return 0.0;
}

static nrf_status cpu_descent(const nrf_descent_update *u)
{
  (void)for_tiles(u->on.count, TILE, descent_tile, u);
  return NRF_OK;
}

static nrf_status cpu_momentum(const nrf_momentum_update *u)
{
  (void)for_tiles(u->on.count, TILE, momentum_tile, u);
  return NRF_OK;
}

static nrf_status cpu_adam(const nrf_adam_update *u)
{
  (void)for_tiles(u->on.count, TILE, adam_tile, u);
  return NRF_OK;
}

/* ---- plain arrays --------------------------------------------------------------------------------- */

/* What the functions below need, one struct for all. */
typedef struct array {
  float       *x;
  const float *read;
  float        low, high, factor;
  nrf_rng      rng;
} array;

static double add_noise_tile(const void *update, span s)
{
  const array *a     = update;
  float       *x     = a->x + s.first;
  const float  sigma = a->factor;
  float        z[MAX_TILE];
  draw_normals(a->rng, s, z);
#pragma omp simd
  for (int i = 0; i < s.count; i++) x[i] += sigma * z[i]; /* NOLINT(clang-analyzer-core.*): all drawn above */
  return 0.0;
}

static double fill_uniform_tile(const void *update, span s)
{
  const array   *a   = update;
  float         *x   = a->x + s.first;
  const float    low = a->low, width = a->high - a->low;
  const nrf_rng  r      = a->rng;
  const uint32_t first  = (uint32_t)(s.first / 4);
  const int      blocks = (s.count + 3) / 4;
  uint32_t       word[MAX_TILE];
#pragma GCC ivdep
  for (int b = 0; b < blocks; b++) {
    uint32_t w[4];
    nrf_rng_block(r, first + (uint32_t)b, w);
    for (int k = 0; k < 4; k++) word[4 * b + k] = w[k];
  }
#pragma omp simd
  for (int i = 0; i < s.count; i++)
    x[i] = low + width * nrf_u32_to_uniform(word[i]); /* NOLINT(clang-analyzer-core.*): blocks cover it */
  return 0.0;
}

static double clamp_tile(const void *update, span s)
{
  const array *a   = update;
  float       *x   = a->x + s.first;
  const float  low = a->low, high = a->high;
#pragma omp simd
  for (int i = 0; i < s.count; i++) x[i] = nrf_clamp(x[i], low, high);
  return 0.0;
}

static double scale_tile(const void *update, span s)
{
  const array *a      = update;
  float       *x      = a->x + s.first;
  const float  factor = a->factor;
#pragma omp simd
  for (int i = 0; i < s.count; i++) x[i] *= factor;
  return 0.0;
}

static double squared_norm_tile(const void *update, span s)
{
  const float *x   = ((const array *)update)->read + s.first;
  double       sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < s.count; i++) sum += (double)x[i] * (double)x[i];
  return sum;
}

/* 0 x is a NaN where x is a NaN or infinite, and 0 otherwise. */
static double not_finite_tile(const void *update, span s)
{
  const float *x   = ((const array *)update)->read + s.first;
  float        sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < s.count; i++) sum += 0.0f * x[i];
  return (double)sum;
}

static nrf_status cpu_add_noise(int64_t count, float *x, float sigma, nrf_rng r)
{
  const array a = {.x = x, .factor = sigma, .rng = r};
  (void)for_tiles(count, TILE, add_noise_tile, &a);
  return NRF_OK;
}

static nrf_status cpu_fill_uniform(int64_t count, float *x, float low, float high, nrf_rng r)
{
  const array a = {.x = x, .low = low, .high = high, .rng = r};
  (void)for_tiles(count, TILE, fill_uniform_tile, &a);
  return NRF_OK;
}

static nrf_status cpu_clamp(int64_t count, float *x, nrf_state_range range)
{
  const array a = {.x = x, .low = range.low, .high = range.high};
  (void)for_tiles(count, TILE, clamp_tile, &a);
  return NRF_OK;
}

static nrf_status cpu_scale(int64_t count, float *x, float factor)
{
  const array a = {.x = x, .factor = factor};
  (void)for_tiles(count, TILE, scale_tile, &a);
  return NRF_OK;
}

static nrf_status cpu_squared_norm(int64_t count, const float *x, double *out)
{
  const array a = {.read = x};
  *out          = for_tiles(count, TILE, squared_norm_tile, &a);
  return NRF_OK;
}

static nrf_status cpu_all_finite(int64_t count, const float *x, bool *out)
{
  const array a = {.read = x};
  *out          = !isnan(for_tiles(count, TILE, not_finite_tile, &a));
  return NRF_OK;
}

const nrf_state_kernels nrf_state_kernels_cpu = {
    .name         = "cpu",
    .sghmc        = cpu_sghmc,
    .descent      = cpu_descent,
    .momentum     = cpu_momentum,
    .adam         = cpu_adam,
    .add_noise    = cpu_add_noise,
    .fill_uniform = cpu_fill_uniform,
    .clamp        = cpu_clamp,
    .scale        = cpu_scale,
    .squared_norm = cpu_squared_norm,
    .all_finite   = cpu_all_finite,
};
