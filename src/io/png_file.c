/* png_file.c - 8-bit PNG through libpng. */
#include "nrflv/png_file.h"

#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <errno.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SIDE_WRITTEN = 1000000, MAX_SIDE_READ = 16384, SIGNATURE_BYTES = 8 };

nrf_status nrf_picture_create(int width, int height, int channels, nrf_picture *out)
{
  void *memory = NULL;
  *out         = (nrf_picture){0};
  if (width < 1 || height < 1 || width > MAX_SIDE_WRITTEN || height > MAX_SIDE_WRITTEN ||
      (channels != 1 && channels != 3))
    return nrf_error(NRF_EINVAL, "picture: %d x %d pixels of %d channels cannot be a PNG file", width, height,
                     channels);
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)width * (size_t)height * (size_t)channels, "picture", &memory));
  *out = (nrf_picture){width, height, channels, memory};
  return NRF_OK;
}

void nrf_picture_free(nrf_picture *picture)
{
  nrf_free(picture->pixels);
  *picture = (nrf_picture){0};
}

/* libpng reports errors by a function that must not return. What it needs is here, and not in local
 * variables, whose values are lost in the jump. */
typedef struct png_job {
  const char      *path;
  nrf_status       status;
  nrf_atomic_file *out; /* when writing */
  FILE            *in;  /* when reading */
  nrf_picture      picture;
  png_structp      png;
  png_infop        info;
} png_job;

/* Keeps the first error: the one that made libpng give up may be ours. */
static void on_error(png_structp png, png_const_charp message)
{
  png_job *job = png_get_error_ptr(png);
  if (job->status == NRF_OK) {
    if (job->in != NULL)
      job->status = nrf_error(NRF_EFORMAT, "%s: damaged PNG file: %s", job->path, message);
    else
      job->status = nrf_error(NRF_EIO, "%s: cannot write PNG: %s", job->path, message);
  }
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
  (void)png, (void)message;
}

/* ---- Writing ---- */

static void write_bytes(png_structp png, png_bytep bytes, size_t size)
{
  png_job *job = png_get_io_ptr(png);
  job->status  = nrf_atomic_append(job->out, bytes, size);
  if (job->status != NRF_OK) png_error(png, "write");
}

static void flush_nothing(png_structp png)
{
  (void)png;
}

static void encode(png_job *job)
{
  static char        key[] = "Software", value[] = "nrflv " NRFLV_VERSION;
  const png_text     text = {.compression = PNG_TEXT_COMPRESSION_NONE, .key = key, .text = value};
  const nrf_picture *p    = &job->picture;
  const size_t       row  = (size_t)p->width * (size_t)p->channels;

  if (setjmp(png_jmpbuf(job->png)) != 0) return;
  png_set_write_fn(job->png, job, write_bytes, flush_nothing);
  png_set_IHDR(job->png, job->info, (png_uint_32)p->width, (png_uint_32)p->height, 8,
               p->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_text(job->png, job->info, &text, 1);
  png_write_info(job->png, job->info);
  for (int y = 0; y < p->height; y++) png_write_row(job->png, p->pixels + (size_t)y * row);
  png_write_end(job->png, job->info);
}

static nrf_status write_file(const char *path, const nrf_picture *picture,
                             nrf_status (*commit)(nrf_atomic_file *file))
{
  nrf_status st  = NRF_OK;
  png_job    job = {.path = path, .picture = *picture};

  NRF_TRY(nrf_atomic_create(path, &job.out));
  job.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
  if (job.png != NULL) job.info = png_create_info_struct(job.png);
  if (job.info == NULL) NRF_FAIL(NRF_ENOMEM, "%s: libpng does not start", path);
  encode(&job);
  NRF_TRY(job.status);
  NRF_TRY(commit(job.out));
done:
  png_destroy_write_struct(&job.png, &job.info);
  nrf_atomic_free(job.out);
  return st;
}

nrf_status nrf_png_write(const char *path, const nrf_picture *picture)
{
  return write_file(path, picture, nrf_atomic_commit);
}

nrf_status nrf_png_write_unflushed(const char *path, const nrf_picture *picture)
{
  return write_file(path, picture, nrf_atomic_commit_unflushed);
}

/* ---- Reading ---- */

static void read_bytes(png_structp png, png_bytep bytes, size_t size)
{
  png_job *job = png_get_io_ptr(png);
  if (fread(bytes, 1, size, job->in) == size) return;
  if (ferror(job->in)) job->status = nrf_error_errno("%s: cannot read", job->path);
  png_error(png, "it ends too early");
}

/* Grey and RGB of 8 bits are what we write and what the stimuli are; the rest would need a decision of
 * what to do with palettes and transparency. */
static void check_kind(png_job *job)
{
  const int  bits = png_get_bit_depth(job->png, job->info), colour = png_get_color_type(job->png, job->info);
  const bool plain = colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_RGB;
  if (bits == 8 && plain) return;
  job->status = nrf_error(NRF_EFORMAT, "%s: a PNG file of %d bits%s%s, 8-bit grey or RGB expected", job->path,
                          bits, (colour & PNG_COLOR_MASK_PALETTE) != 0 ? " with a palette" : "",
                          (colour & PNG_COLOR_MASK_ALPHA) != 0 ? " with transparency" : "");
  png_error(job->png, "kind");
}

static void decode(png_job *job)
{
  if (setjmp(png_jmpbuf(job->png)) != 0) return;
  png_set_read_fn(job->png, job, read_bytes);
  png_set_sig_bytes(job->png, SIGNATURE_BYTES);
  png_set_user_limits(job->png, MAX_SIDE_READ, MAX_SIDE_READ);
  png_read_info(job->png, job->info);
  check_kind(job);
  job->status = nrf_picture_create((int)png_get_image_width(job->png, job->info),
                                   (int)png_get_image_height(job->png, job->info),
                                   png_get_channels(job->png, job->info), &job->picture);
  if (job->status != NRF_OK) png_error(job->png, "memory");

  const int    passes = png_set_interlace_handling(job->png);
  const size_t row    = (size_t)job->picture.width * (size_t)job->picture.channels;
  png_read_update_info(job->png, job->info);
  for (int pass = 0; pass < passes; pass++)
    for (int y = 0; y < job->picture.height; y++)
      png_read_row(job->png, job->picture.pixels + (size_t)y * row, NULL);
  png_read_end(job->png, NULL);
}

nrf_status nrf_png_read(const char *path, nrf_picture *out)
{
  nrf_status st  = NRF_OK;
  png_job    job = {.path = path};
  png_byte   signature[SIGNATURE_BYTES];

  *out   = (nrf_picture){0};
  job.in = fopen(path, "rb");
  if (job.in == NULL) {
    const bool missing = errno == ENOENT;
    st                 = nrf_error_errno("%s: cannot open", path);
    return missing ? NRF_ENOTFOUND : st;
  }
  if (fread(signature, 1, SIGNATURE_BYTES, job.in) != SIGNATURE_BYTES ||
      png_sig_cmp(signature, 0, SIGNATURE_BYTES) != 0)
    NRF_FAIL(NRF_EFORMAT, "%s: not a PNG file", path);
  job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
  if (job.png != NULL) job.info = png_create_info_struct(job.png);
  if (job.info == NULL) NRF_FAIL(NRF_ENOMEM, "%s: libpng does not start", path);
  decode(&job);
  NRF_TRY(job.status);
  *out        = job.picture;
  job.picture = (nrf_picture){0};
done:
  nrf_picture_free(&job.picture);
  png_destroy_read_struct(&job.png, &job.info, NULL);
  (void)fclose(job.in);
  return st;
}

nrf_status nrf_png_read_planes(const char *path, int channels, int height, int width, float *out)
{
  nrf_status  st = NRF_OK;
  nrf_picture picture;

  NRF_RETURN_IF_ERROR(nrf_png_read(path, &picture));
  if (picture.channels != channels || picture.height != height || picture.width != width)
    NRF_FAIL(NRF_ESHAPE, "%s: %d x %d pixels of %d channels in the file, %d x %d of %d expected", path,
             picture.width, picture.height, picture.channels, width, height, channels);
  const int64_t plane = (int64_t)height * width;
  for (int64_t i = 0; i < plane; i++)
    for (int c = 0; c < channels; c++) out[c * plane + i] = (float)picture.pixels[i * channels + c] / 255.0f;
done:
  nrf_picture_free(&picture);
  return st;
}
