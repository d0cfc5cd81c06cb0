/* conv_frequency.c - convolutions with stride 1 by Fourier transform.
 *
 * A cross-correlation y_o(u) = sum_i sum_m w_oi(m) x_i(u + m), m = -p .. k-1-p, is circular on a grid of at least H + p points,
 * because x is 0 beyond its H rows; and then, for every frequency, Y_o = sum_i conj(W_oi) X_i. So a convolution becomes, per
 * frequency, a small complex matrix product over channels, whatever the size of the kernel. For 32 to 32 channels on 32x32 maps
 * that is, by the count in prefers(), 25 times less work than the direct sum with kernel 11, and 12 times less with kernel 7.
 *
 * Lanes are channels: 16 transforms side by side, nothing to shuffle. Rows are real, so two of them share one
 * complex transform, and of its columns only the first half is needed. For one column at a time: transform down the
 * column, multiply, transform back, so that what is in between stays in the cache.
 *
 *   rows:     x [image][row][column][channel]            -> half  [column frequency][image][channel block][row]
 *   columns:  half -> grid [row frequency][image][re or im][channel] -> product, same form -> half of the outputs
 *   rows:     half -> y */
#include "conv.h"
#include "fft.h"

#include "nrflv/memory.h"

#include <string.h>

typedef nrf_complex_vector cv;

enum { LANES = NRF_LANES, ROWS_AT_ONCE = 4, CV_FLOATS = 2 * NRF_LANES };

typedef struct frequency {
  nrf_conv_shape s;
  nrf_fft        across, down; /* along rows, along columns                                        */
  int            columns;      /* across.size / 2 + 1 column frequencies                           */
  int            in_blocks, out_blocks;
  cv            *kernel; /* [column][row][in channel][out block]: conj is taken in the product */
  /* scratch, in floats */
  size_t at_half_in, at_half_out, at_grid_in, at_grid_out;
} frequency;

static int blocks_of(int channels)
{
  return (channels + LANES - 1) / LANES;
}

/* Two rows as one complex sequence: Z = A + iB, hence 2 A(k) = Z(k) + conj Z(-k) and 2 B(k) = -i (Z(k) - conj Z(-k)). The
 * factor 2 is taken out in the kernel. */
static void transform_row_pair(const frequency *f, const float *first, const float *second, int lanes, cv *a,
                               cv *b, size_t column_step)
{
  cv        x[NRF_FFT_MAX_SIZE], work[NRF_FFT_MAX_SIZE];
  const int size = f->across.size, width = f->s.width, channels = f->s.in;
  for (int c = 0; c < width; c++) {
    x[c].re = nrf_load_lanes(first + (int64_t)c * channels, lanes);
    x[c].im = second == NULL ? (nrf_vector){0} : nrf_load_lanes(second + (int64_t)c * channels, lanes);
  }
  memset(x + width, 0, (size_t)(size - width) * sizeof *x);
  const cv *z = nrf_fft_run(&f->across, x, work);
  for (int k = 0; k < f->columns; k++) {
    const cv p = z[k], q = z[k == 0 ? 0 : size - k];
    a[k * column_step] = (cv){p.re + q.re, p.im - q.im};
    if (second != NULL) b[k * column_step] = (cv){p.im + q.im, q.re - p.re};
  }
}

static void rows_forward(const frequency *f, const float *x, cv *half)
{
  const nrf_conv_shape *s           = &f->s;
  const size_t          column_step = (size_t)s->images * (size_t)f->in_blocks * (size_t)s->height;
  for (int n = 0; n < s->images; n++)
    for (int block = 0; block < f->in_blocks; block++) {
      cv *to = half + (n * f->in_blocks + block) * s->height;
      for (int y = 0; y < s->height; y += 2) {
        const float *first  = x + ((int64_t)(n * s->height + y) * s->width) * s->in + block * LANES;
        const float *second = y + 1 < s->height ? first + (int64_t)s->width * s->in : NULL;
        transform_row_pair(f, first, second, s->in - block * LANES, to + y, to + y + 1, column_step);
      }
    }
}

/* Down one column: half[image][block][row] -> grid[frequency][image][re, im][channel]. */
static void column_forward(const frequency *f, const cv *half, float *grid)
{
  const nrf_conv_shape *s    = &f->s;
  const int             size = f->down.size;
  const size_t image_step = (size_t)f->in_blocks * CV_FLOATS, frequency_step = (size_t)s->images * image_step;
  for (int n = 0; n < s->images; n++)
    for (int block = 0; block < f->in_blocks; block++, half += s->height) {
      cv x[NRF_FFT_MAX_SIZE], work[NRF_FFT_MAX_SIZE];
      memcpy(x, half, (size_t)s->height * sizeof *x);
      memset(x + s->height, 0, (size_t)(size - s->height) * sizeof *x);
      const cv *z  = nrf_fft_run(&f->down, x, work);
      float    *re = grid + (size_t)n * image_step + (size_t)block * LANES,
            *im    = re + (size_t)f->in_blocks * LANES;
      for (int k = 0; k < size; k++) {
        *(nrf_vector *)(void *)(re + (size_t)k * frequency_step) = z[k].re;
        *(nrf_vector *)(void *)(im + (size_t)k * frequency_step) = z[k].im;
      }
    }
}

/* rows images times `blocks` blocks of outputs at one frequency: y = sum_i conj(w_i) x_i. All counts but n_in are constants to
 * the compiler, so that the sums live in registers. */
static inline __attribute__((always_inline)) void multiply(int rows, int blocks, int n_in, const float *x,
                                                           size_t x_step, size_t x_im, const cv *w,
                                                           size_t w_step, float *y, size_t y_step,
                                                           size_t y_im)
{
  nrf_vector re[ROWS_AT_ONCE][2], im[ROWS_AT_ONCE][2];
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; b++) re[r][b] = im[r][b] = (nrf_vector){0};
  for (int i = 0; i < n_in; i++) {
#pragma GCC unroll 2
    for (int b = 0; b < blocks; b++) {
      const cv k = w[(size_t)i * w_step + (size_t)b];
#pragma GCC unroll 4
      for (int r = 0; r < rows; r++) {
        const float x_re       = x[(size_t)r * x_step + (size_t)i],
                    x_im_value = x[(size_t)r * x_step + x_im + (size_t)i];
        re[r][b] += k.re * x_re;
        im[r][b] += k.re * x_im_value;
        re[r][b] += k.im * x_im_value;
        im[r][b] -= k.im * x_re;
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int b = 0; b < blocks; b++) {
      *(nrf_vector *)(void *)(y + (size_t)r * y_step + (size_t)(b * LANES))        = re[r][b];
      *(nrf_vector *)(void *)(y + (size_t)r * y_step + y_im + (size_t)(b * LANES)) = im[r][b];
    }
}

/* The products over channels for all frequencies of a column. */
static void multiply_column(const frequency *f, const cv *w, const float *grid_in, float *grid_out)
{
  const int    images = f->s.images, n_in = f->s.in;
  const size_t x_step = (size_t)f->in_blocks * CV_FLOATS, x_im = (size_t)f->in_blocks * LANES;
  const size_t y_step = (size_t)f->out_blocks * CV_FLOATS, y_im = (size_t)f->out_blocks * LANES;
  const size_t w_step = (size_t)f->out_blocks;
  for (int k = 0; k < f->down.size; k++, w += (size_t)n_in * w_step)
    for (int b = 0; b < f->out_blocks; b += 2) {
      const bool two = b + 1 < f->out_blocks;
      int        n   = 0;
      for (; n + ROWS_AT_ONCE <= images; n += ROWS_AT_ONCE) {
        const float *x = grid_in + (size_t)(k * images + n) * x_step;
        float       *y = grid_out + (size_t)(k * images + n) * y_step + (size_t)(b * LANES);
        if (two)
          multiply(ROWS_AT_ONCE, 2, n_in, x, x_step, x_im, w + b, w_step, y, y_step, y_im);
        else
          multiply(ROWS_AT_ONCE, 1, n_in, x, x_step, x_im, w + b, w_step, y, y_step, y_im);
      }
      for (; n < images; n++) {
        const float *x = grid_in + (size_t)(k * images + n) * x_step;
        float       *y = grid_out + (size_t)(k * images + n) * y_step + (size_t)(b * LANES);
        if (two)
          multiply(1, 2, n_in, x, x_step, x_im, w + b, w_step, y, y_step, y_im);
        else
          multiply(1, 1, n_in, x, x_step, x_im, w + b, w_step, y, y_step, y_im);
      }
    }
}

/* Back up the column, the inverse being the transform with re and im exchanged: grid -> half[image][block][row][column]. */
static void column_inverse(const frequency *f, const float *grid, cv *half)
{
  const nrf_conv_shape *s          = &f->s;
  const int             size       = f->down.size;
  const size_t          image_step = (size_t)f->out_blocks * CV_FLOATS,
               frequency_step      = (size_t)s->images * image_step;
  for (int n = 0; n < s->images; n++)
    for (int block = 0; block < f->out_blocks; block++) {
      cv           x[NRF_FFT_MAX_SIZE], work[NRF_FFT_MAX_SIZE];
      const float *re = grid + (size_t)n * image_step + (size_t)block * LANES,
                  *im = re + (size_t)f->out_blocks * LANES;
      for (int k = 0; k < size; k++) {
        x[k].re = *(const nrf_vector *)(const void *)(im + (size_t)k * frequency_step);
        x[k].im = *(const nrf_vector *)(const void *)(re + (size_t)k * frequency_step);
      }
      const cv *z = nrf_fft_run(&f->down, x, work);
      for (int y = 0; y < s->out_height; y++, half += f->columns) *half = (cv){z[y].im, z[y].re};
    }
}

/* Two rows from their half spectra: Z = A + iB, and Z(-k) = conj A + i conj B; re and im exchanged for the inverse. */
static void inverse_row_pair(const frequency *f, const cv *a, const cv *b, nrf_vector bias, int lanes,
                             float *first, float *second)
{
  cv        x[NRF_FFT_MAX_SIZE], work[NRF_FFT_MAX_SIZE];
  const int size = f->across.size, channels = f->s.out;
  for (int k = 0; k < f->columns; k++) {
    const cv p = a[k], q = second == NULL ? (cv){{0}, {0}} : b[k];
    x[k] = (cv){p.im + q.re, p.re - q.im};
    if (k > 0 && k < size - k) x[size - k] = (cv){q.re - p.im, p.re + q.im};
  }
  const cv *z = nrf_fft_run(&f->across, x, work);
  for (int c = 0; c < f->s.out_width; c++) {
    nrf_store_lanes(first + (int64_t)c * channels, z[c].im + bias, lanes);
    if (second != NULL) nrf_store_lanes(second + (int64_t)c * channels, z[c].re + bias, lanes);
  }
}

static void rows_inverse(const frequency *f, const cv *half, const float *bias, float *y)
{
  const nrf_conv_shape *s = &f->s;
  for (int n = 0; n < s->images; n++)
    for (int block = 0; block < f->out_blocks; block++) {
      const int        lanes = s->out - block * LANES;
      const nrf_vector shift = bias == NULL ? (nrf_vector){0} : nrf_load_lanes(bias + block * LANES, lanes);
      const cv        *from  = half + (int64_t)(n * f->out_blocks + block) * s->out_height * f->columns;
      for (int row = 0; row < s->out_height; row += 2) {
        float    *first  = y + ((int64_t)(n * s->out_height + row) * s->out_width) * s->out + block * LANES;
        float    *second = row + 1 < s->out_height ? first + (int64_t)s->out_width * s->out : NULL;
        const cv *a      = from + (int64_t)row * f->columns;
        inverse_row_pair(f, a, a + f->columns, shift, lanes, first, second);
      }
    }
}

static nrf_status run(const nrf_kernel *k, const nrf_kernel_call *c)
{
  const frequency *f        = k->state;
  cv              *half_in  = (cv *)(void *)(c->scratch + f->at_half_in);
  cv              *half_out = (cv *)(void *)(c->scratch + f->at_half_out);
  float           *grid_in = c->scratch + f->at_grid_in, *grid_out = c->scratch + f->at_grid_out;
  const size_t     in_step     = (size_t)f->s.images * (size_t)f->in_blocks * (size_t)f->s.height;
  const size_t     kernel_step = (size_t)f->down.size * (size_t)f->s.in * (size_t)f->out_blocks;
  rows_forward(f, c->in[0], half_in);
  for (int column = 0; column < f->columns; column++) {
    column_forward(f, half_in + (size_t)column * in_step, grid_in);
    multiply_column(f, f->kernel + (size_t)column * kernel_step, grid_in, grid_out);
    column_inverse(f, grid_out, half_out + column);
  }
  rows_inverse(f, half_out, k->spec.n_inputs == 3 ? c->in[2] : NULL, c->out);
  return NRF_OK;
}

/* ---- the kernel's transform ------------------------------------------------------------------------ */

static int wrapped(int index, int size)
{
  return index < 0 ? index + size : index;
}

/* Transforms w_oi for one input channel and one block of outputs: lane = output. */
static void transform_kernel(const frequency *f, const float *w, int in_channel, int block, float scale)
{
  const nrf_conv_shape *s = &f->s;
  const int size_x = f->across.size, size_y = f->down.size, k = s->kernel, n_out = s->out - block * LANES;
  cv        rows[NRF_FFT_MAX_SIZE][NRF_FFT_MAX_SIZE / 2 + 1]; /* [kernel row][column frequency] */
  cv        x[NRF_FFT_MAX_SIZE], work[NRF_FFT_MAX_SIZE];
  for (int a = 0; a < k; a++) {
    memset(x, 0, (size_t)size_x * sizeof *x);
    for (int b = 0; b < k; b++)
      for (int lane = 0; lane < LANES && lane < n_out; lane++)
        x[wrapped(b - s->padding, size_x)].re[lane] =
            scale * w[(((int64_t)(block * LANES + lane) * s->in + in_channel) * k + a) * k + b];
    memcpy(rows[a], nrf_fft_run(&f->across, x, work), (size_t)f->columns * sizeof(cv));
  }
  for (int column = 0; column < f->columns; column++) {
    memset(x, 0, (size_t)size_y * sizeof *x);
    for (int a = 0; a < k; a++) x[wrapped(a - s->padding, size_y)] = rows[a][column];
    const cv *z = nrf_fft_run(&f->down, x, work);
    for (int row = 0; row < size_y; row++)
      f->kernel[(((int64_t)column * size_y + row) * s->in + in_channel) * f->out_blocks + block] = z[row];
  }
}

static nrf_status prepare(nrf_kernel *k, const float *const in[])
{
  const frequency *f = k->state;
  const float      scale =
      0.5f / (float)(f->across.size * f->down.size); /* of both inverses; 1/2 of the row pairs */
#pragma omp parallel for num_threads(k->spec.workers) schedule(static)
  for (int i = 0; i < f->s.in; i++)
    for (int block = 0; block < f->out_blocks; block++) transform_kernel(f, in[1], i, block, scale);
  return NRF_OK;
}

/* ---- making it -------------------------------------------------------------------------------------- */

static void free_state(nrf_kernel *k)
{
  frequency *f = k->state;
  if (f != NULL) nrf_free(f->kernel);
  nrf_free(f);
}

static size_t up_to_line(size_t floats)
{
  return (floats + LANES - 1) / LANES * LANES;
}

static void lay_out_scratch(nrf_kernel *k, frequency *f)
{
  const size_t images = (size_t)f->s.images, columns = (size_t)f->columns, in = (size_t)f->in_blocks,
               out = (size_t)f->out_blocks;
  f->at_half_in    = 0;
  f->at_half_out   = f->at_half_in + up_to_line(columns * images * in * (size_t)f->s.height * CV_FLOATS);
  f->at_grid_in  = f->at_half_out + up_to_line(columns * images * out * (size_t)f->s.out_height * CV_FLOATS);
  f->at_grid_out = f->at_grid_in + up_to_line((size_t)f->down.size * images * in * CV_FLOATS);
  k->scratch_floats = f->at_grid_out + up_to_line((size_t)f->down.size * images * out * CV_FLOATS);
}

static nrf_status create(nrf_kernel *k)
{
  frequency *f = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *f, "convolution", (void **)&f));
  k->state      = f;
  k->free_state = free_state;
  k->run        = run;
  k->prepare    = prepare;
  f->s          = nrf_conv_shape_of(&k->spec);
  nrf_fft_init(&f->across, nrf_fft_good_size(f->s.width + f->s.padding));
  nrf_fft_init(&f->down, nrf_fft_good_size(f->s.height + f->s.padding));
  f->columns    = f->across.size / 2 + 1;
  f->in_blocks  = blocks_of(f->s.in);
  f->out_blocks = blocks_of(f->s.out);
  lay_out_scratch(k, f);
  k->bytes = (size_t)f->columns * (size_t)f->down.size * (size_t)f->s.in * (size_t)f->out_blocks * sizeof(cv);
  return nrf_alloc(k->bytes, "transformed kernels", (void **)&f->kernel);
}

static bool supports(const nrf_kernel_spec *spec)
{
  const nrf_conv_shape s = nrf_conv_shape_of(spec);
  return spec->op == NRF_OP_CONV && s.stride == 1 && s.kernel > 1 && s.padding < s.kernel &&
         nrf_fft_good_size(s.height + s.padding) > 0 && nrf_fft_good_size(s.width + s.padding) > 0;
}

/* Vector operations per image, counted; a transform of n points costs about 18 n (measured, sizes 12 to 40). */
static bool prefers(const nrf_kernel_spec *spec)
{
  const nrf_conv_shape s      = nrf_conv_shape_of(spec);
  const double         across = nrf_fft_good_size(s.width + s.padding),
               down           = nrf_fft_good_size(s.height + s.padding);
  const double columns = across / 2 + 1, in = blocks_of(s.in), out = blocks_of(s.out);
  const double direct  = (double)s.in * out * s.kernel * s.kernel * s.out_height * s.out_width;
  const double product = columns * down * s.in * out * 4;
  const double transforms =
      18 * (across * (in * s.height + out * s.out_height) / 2 + columns * down * (in + out));
  return product + transforms < 0.8 * direct;
}

const nrf_conv_algorithm nrf_conv_frequency = {
    .name = "frequency", .supports = supports, .prefers = prefers, .create = create};
