/* gif_file.c - GIF through giflib. */
#include "nrflv/gif_file.h"

#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <gif_lib.h>
#include <stdbool.h>
#include <string.h>

enum { MAX_SIDE = 65535, MAX_DELAY = 65535 };

/* Colours that were looked up, by a hash of theirs. */
enum { MEMO_BITS = 14, MEMO_SIZE = 1 << MEMO_BITS };

typedef struct memo {
  uint32_t colour; /* 0x1rrggbb; 0: empty */
  uint8_t  index;
} memo;

struct nrf_gif_file {
  nrf_atomic_file *file;
  GifFileType     *gif;
  nrf_status       status; /* the first error in writing: giflib only knows that there was one */
  int              width, height, frames;
  nrf_palette      palette;
  memo             known[MEMO_SIZE];
  uint8_t          line[MAX_SIDE];
};

static int write_bytes(GifFileType *gif, const GifByteType *bytes, int size)
{
  nrf_gif_file *f = gif->UserData;
  if (f->status == NRF_OK) f->status = nrf_atomic_append(f->file, bytes, (size_t)size);
  return f->status == NRF_OK ? size : 0;
}

/* What giflib answers, as a status with a message. */
static nrf_status check(nrf_gif_file *f, int answer)
{
  if (answer == GIF_OK) return NRF_OK;
  if (f->status != NRF_OK) return f->status; /* whose message stands */
  const char *reason = GifErrorString(f->gif->Error);
  f->status          = nrf_error(NRF_EIO, "%s: cannot write GIF: %s", nrf_atomic_path(f->file),
                        reason != NULL ? reason : "unknown error");
  return f->status;
}

/* ---- the head of the file ---- */

/* GIF has tables of 2, 4, 8 ... 256 colours; what is too much stays black. */
static ColorMapObject *make_colour_table(const nrf_palette *palette)
{
  const int       size  = palette->count < 2 ? 2 : 1 << GifBitSize(palette->count);
  ColorMapObject *table = GifMakeMapObject(size, NULL);
  if (table == NULL) return NULL;
  for (int i = 0; i < palette->count; i++) {
    const uint8_t *c = palette->colour[i];
    table->Colors[i] = (GifColorType){c[0], c[1], c[2]};
  }
  return table;
}

static nrf_status write_screen(nrf_gif_file *f)
{
  ColorMapObject *table = make_colour_table(&f->palette);
  if (table == NULL) return nrf_error(NRF_ENOMEM, "%s: no memory for the colours", nrf_atomic_path(f->file));
  EGifSetGifVersion(f->gif, true); /* 89a, which knows animations */
  const int answer = EGifPutScreenDesc(f->gif, f->width, f->height, table->BitsPerPixel, 0, table);
  GifFreeMapObject(table);
  return check(f, answer);
}

/* The extension that every viewer reads: 0 repetitions means for ever. */
static nrf_status write_loop(nrf_gif_file *f)
{
  static const char    name[11]  = "NETSCAPE2.0";
  static const uint8_t repeat[3] = {1, 0, 0};
  NRF_RETURN_IF_ERROR(check(f, EGifPutExtensionLeader(f->gif, APPLICATION_EXT_FUNC_CODE)));
  NRF_RETURN_IF_ERROR(check(f, EGifPutExtensionBlock(f->gif, sizeof name, name)));
  NRF_RETURN_IF_ERROR(check(f, EGifPutExtensionBlock(f->gif, sizeof repeat, repeat)));
  return check(f, EGifPutExtensionTrailer(f->gif));
}

nrf_status nrf_gif_create(const char *path, int width, int height, const nrf_palette *palette,
                          nrf_gif_file **out)
{
  nrf_status    st    = NRF_OK;
  nrf_gif_file *f     = NULL;
  int           error = 0;
  *out                = NULL;
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
    return nrf_error(NRF_EINVAL, "%s: %d x %d pixels cannot be a GIF file", path, width, height);
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *f, "animation", (void **)&f));
  f->width   = width;
  f->height  = height;
  f->palette = *palette;
  NRF_TRY(nrf_atomic_create(path, &f->file));
  f->gif = EGifOpen(f, write_bytes, &error);
  if (f->gif == NULL) NRF_FAIL(NRF_ENOMEM, "%s: giflib does not start", path);
  NRF_TRY(write_screen(f));
  NRF_TRY(write_loop(f));
  *out = f;
  f    = NULL;
done:
  nrf_gif_free(f);
  return st;
}

/* ---- frames ---- */

static uint8_t index_of(nrf_gif_file *f, const uint8_t colour[3])
{
  const uint32_t key   = 1u << 24 | (uint32_t)colour[0] << 16 | (uint32_t)colour[1] << 8 | colour[2];
  memo          *known = &f->known[(key * 2654435761u) >> (32 - MEMO_BITS)];
  if (known->colour != key) *known = (memo){key, (uint8_t)nrf_palette_nearest(&f->palette, colour)};
  return known->index;
}

static nrf_status write_line(nrf_gif_file *f, const nrf_picture *picture, int y)
{
  const uint8_t *pixel = picture->pixels + (int64_t)y * picture->width * picture->channels;
  for (int x = 0; x < f->width; x++, pixel += picture->channels) {
    const uint8_t grey[3] = {pixel[0], pixel[0], pixel[0]};
    f->line[x]            = index_of(f, picture->channels == 1 ? grey : pixel);
  }
  return check(f, EGifPutLine(f->gif, f->line, f->width));
}

static nrf_status write_timing(nrf_gif_file *f, int hundredths)
{
  const GraphicsControlBlock control = {
      .DisposalMode = DISPOSE_DO_NOT, .DelayTime = hundredths, .TransparentColor = NO_TRANSPARENT_COLOR};
  GifByteType  bytes[4];
  const size_t size = EGifGCBToExtension(&control, bytes);
  return check(f, EGifPutExtension(f->gif, GRAPHICS_EXT_FUNC_CODE, (int)size, bytes));
}

nrf_status nrf_gif_add(nrf_gif_file *gif, const nrf_picture *picture, int hundredths)
{
  const char *path = nrf_atomic_path(gif->file);
  if (picture->width != gif->width || picture->height != gif->height)
    return nrf_error(NRF_ESHAPE, "%s: a frame of %d x %d pixels in an animation of %d x %d", path,
                     picture->width, picture->height, gif->width, gif->height);
  if (hundredths < 0 || hundredths > MAX_DELAY)
    return nrf_error(NRF_EINVAL, "%s: a frame of %d hundredths of a second (0 to %d)", path, hundredths,
                     MAX_DELAY);
  NRF_RETURN_IF_ERROR(write_timing(gif, hundredths));
  NRF_RETURN_IF_ERROR(check(gif, EGifPutImageDesc(gif->gif, 0, 0, gif->width, gif->height, false, NULL)));
  for (int y = 0; y < gif->height; y++) NRF_RETURN_IF_ERROR(write_line(gif, picture, y));
  gif->frames++;
  return NRF_OK;
}

/* Ends what giflib writes, and frees its memory. */
static int close_gif(nrf_gif_file *f)
{
  int       error  = 0;
  const int answer = EGifCloseFile(f->gif, &error);
  f->gif           = NULL;
  return answer;
}

nrf_status nrf_gif_commit(nrf_gif_file *gif)
{
  if (gif->frames == 0)
    return nrf_error(NRF_EINVAL, "%s: an animation without a frame", nrf_atomic_path(gif->file));
  const int answer = close_gif(gif);
  if (gif->status != NRF_OK) return gif->status;
  if (answer != GIF_OK) return nrf_error(NRF_EIO, "%s: cannot end the GIF file", nrf_atomic_path(gif->file));
  return nrf_atomic_commit(gif->file);
}

void nrf_gif_free(nrf_gif_file *gif)
{
  if (gif == NULL) return;
  if (gif->gif != NULL) (void)close_gif(gif);
  nrf_atomic_free(gif->file);
  nrf_free(gif);
}
