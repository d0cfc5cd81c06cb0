/* stimulus_folder.c - the stimuli on disk. */
#include "nrflv/stimulus_folder.h"

#include "contact_sheet.h"
#include "nrflv/atomic_file.h"
#include "nrflv/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char base_image_name[] = "base_image.png";
static const char sheets_name[]     = "contact_sheets";

/* What an image may differ from our own rendering by: the roundings of another machine's exp and cos, or of the
 * published code's single precision. */
enum { GREY_LEVELS_OF_ROUNDING = 1 };

typedef struct path {
  char s[NRF_STIMULUS_PATH_BYTES];
} path;

static nrf_status path_of(path *out, const char *directory, const char *below, const char *name)
{
  const int n =
      snprintf(out->s, sizeof out->s, "%s/%s%s%s", directory, below, name[0] != '\0' ? "/" : "", name);
  return n >= 0 && (size_t)n < sizeof out->s ? NRF_OK
                                             : nrf_error(NRF_EINVAL, "%s: the path is too long", directory);
}

/* Appends what to do to the message of an error. */
static nrf_status advise(nrf_status st, const char *advice)
{
  char message[1024];
  (void)snprintf(message, sizeof message, "%s", nrf_error_message());
  return nrf_error(st, "%s; %s", message, advice);
}

/* ---- what is in a set's folder ---- */

typedef struct contents {
  int  missing;       /* images of the set that are not there           */
  int  first_missing; /* index of one                                   */
  int  strangers;     /* files that are no images of the set            */
  char stranger[256]; /* the name of one, the first in order            */
} contents;

static int compare_to_name(const void *name, const void *stimulus)
{
  return strcmp(name, ((const nrf_stimulus *)stimulus)->file_name);
}

static void note_stranger(const char *name, contents *c)
{
  if (c->strangers++ == 0 || strcmp(name, c->stranger) < 0)
    (void)snprintf(c->stranger, sizeof c->stranger, "%s", name);
}

/* Files whose names begin with a dot are nobody's business, as for ls. */
static nrf_status take_stock(const char *folder, const nrf_stimulus_set *set, const nrf_stimulus *s,
                             contents *out)
{
  const size_t   count = (size_t)nrf_stimulus_set_count(set);
  bool          *there = NULL;
  struct dirent *entry;
  *out     = (contents){0};
  DIR *dir = opendir(folder);
  if (dir == NULL) {
    const bool       absent = errno == ENOENT;
    const nrf_status st     = nrf_error_errno("%s: cannot list", folder);
    return absent ? NRF_ENOTFOUND : st;
  }
  const nrf_status st = nrf_alloc(count * sizeof *there, folder, (void **)&there);
  while (st == NRF_OK && (entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    const nrf_stimulus *found = bsearch(entry->d_name, s, count, sizeof *s, compare_to_name);
    if (found == NULL)
      note_stranger(entry->d_name, out);
    else
      there[found - s] = true;
  }
  (void)closedir(dir);
  for (int i = (int)count - 1; st == NRF_OK && i >= 0; i--)
    if (!there[i]) {
      out->missing++;
      out->first_missing = i;
    }
  nrf_free(there);
  return st;
}

static nrf_status refuse_strangers(const char *folder, const contents *c)
{
  if (c->strangers == 0) return NRF_OK;
  return nrf_error(NRF_EFORMAT, "%s: %d file%s of this set, such as %s; remove what does not belong there",
                   folder, c->strangers, c->strangers == 1 ? " is not an image" : "s are not images",
                   c->stranger);
}

/* ---- loading ---- */

static const char make_them[] = "nrflv --gen_exp_stim makes the stimuli";
static const char again[]     = "nrflv --gen_exp_stim makes it anew";

static nrf_status read_base(const char *directory, nrf_layer_size size, nrf_byte_image *base)
{
  path file;
  NRF_RETURN_IF_ERROR(path_of(&file, directory, base_image_name, ""));
  const nrf_status st = nrf_byte_image_read(file.s, base);
  if (st == NRF_ENOTFOUND) return advise(st, make_them);
  if (st != NRF_OK) return advise(st, "remove it and run nrflv --gen_exp_stim");
  if (nrf_same_size(base->size, size)) return NRF_OK;
  return nrf_error(
      NRF_ESHAPE,
      "%s: the stimuli there are [%d,%d,%d], the images of this model [%d,%d,%d]; make others in a folder "
      "of their own: nrflv --gen_exp_stim --dataset NAME --stimuli_dir DIR",
      file.s, base->size.channels, base->size.height, base->size.width, size.channels, size.height,
      size.width);
}

static nrf_status check_contents(const char *folder, const nrf_stimuli *l)
{
  contents         c;
  const nrf_status st = take_stock(folder, l->set, l->stimulus, &c);
  if (st == NRF_ENOTFOUND) return advise(st, make_them);
  NRF_RETURN_IF_ERROR(st);
  if (c.missing > 0)
    return nrf_error(NRF_ENOTFOUND, "%s: %d of %d images are missing, such as %s; %s", folder, c.missing,
                     l->count, l->stimulus[c.first_missing].file_name, make_them);
  return refuse_strangers(folder, &c);
}

/* Reads an image and compares it with what it should be. */
static nrf_status load_image(const char *file, const nrf_stimulus *s, const nrf_byte_image *base,
                             nrf_byte_image *expected, float *out)
{
  nrf_status     st   = NRF_OK;
  nrf_byte_image read = {0};
  st                  = nrf_byte_image_read(file, &read);
  if (st != NRF_OK) return advise(st, again);
  if (!nrf_same_size(read.size, base->size))
    NRF_FAIL(NRF_ESHAPE, "%s: [%d,%d,%d] in the file, [%d,%d,%d] expected; %s", file, read.size.channels,
             read.size.height, read.size.width, base->size.channels, base->size.height, base->size.width,
             again);
  NRF_TRY(nrf_stimulus_render(s, base->size, base->value, expected->value));
  const int difference = nrf_byte_image_difference(&read, expected);
  if (difference > GREY_LEVELS_OF_ROUNDING)
    NRF_FAIL(NRF_EFORMAT, "%s: not what its name says on %s there, by up to %d grey levels; %s", file,
             base_image_name, difference, again);
  nrf_byte_image_to_floats(&read, out);
done:
  nrf_byte_image_free(&read);
  return st;
}

static nrf_status load(const char *directory, nrf_stimuli *l, nrf_byte_image *base, nrf_byte_image *expected)
{
  const int64_t units = nrf_layer_units(l->size);
  path          folder, file;
  NRF_RETURN_IF_ERROR(read_base(directory, l->size, base));
  NRF_RETURN_IF_ERROR(nrf_stimulus_set_describe(l->set, l->size.height, l->size.width, &l->stimulus));
  NRF_RETURN_IF_ERROR(path_of(&folder, directory, nrf_stimulus_set_name(l->set), ""));
  NRF_RETURN_IF_ERROR(check_contents(folder.s, l));
  NRF_RETURN_IF_ERROR(nrf_byte_image_create(l->size, expected));
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(units * l->count, "stimuli", &l->images));
  NRF_RETURN_IF_ERROR(nrf_alloc_floats(units, "blank image", &l->blank));
  nrf_byte_image_to_floats(base, l->blank);
  for (int i = 0; i < l->count; i++) {
    NRF_RETURN_IF_ERROR(path_of(&file, folder.s, l->stimulus[i].file_name, ""));
    NRF_RETURN_IF_ERROR(load_image(file.s, &l->stimulus[i], base, expected, l->images + i * units));
  }
  return NRF_OK;
}

nrf_status nrf_stimuli_load(const char *directory, const nrf_stimulus_set *set, nrf_layer_size size,
                            nrf_stimuli **out)
{
  nrf_byte_image base = {0}, expected = {0};
  nrf_stimuli   *l = NULL;
  *out             = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *l, "stimuli", (void **)&l));
  l->set              = set;
  l->count            = nrf_stimulus_set_count(set);
  l->size             = size;
  const nrf_status st = load(directory, l, &base, &expected);
  nrf_byte_image_free(&base);
  nrf_byte_image_free(&expected);
  if (st == NRF_OK)
    *out = l;
  else
    nrf_stimuli_free(l);
  return st;
}

void nrf_stimuli_free(nrf_stimuli *stimuli)
{
  if (stimuli == NULL) return;
  nrf_free(stimuli->stimulus);
  nrf_free(stimuli->images);
  nrf_free(stimuli->blank);
  nrf_free(stimuli);
}

/* ---- making ---- */

/* Whether a file holds exactly these pixels; one that cannot be read does not, and writing it will say why. */
static bool holds(const char *file, const nrf_picture *wanted)
{
  nrf_picture found;
  if (nrf_png_read(file, &found) != NRF_OK) return false;
  const bool same = found.width == wanted->width && found.height == wanted->height &&
                    found.channels == wanted->channels &&
                    memcmp(found.pixels, wanted->pixels,
                           (size_t)found.width * (size_t)found.height * (size_t)found.channels) == 0;
  nrf_picture_free(&found);
  return same;
}

static bool holds_image(const char *file, const nrf_byte_image *wanted)
{
  nrf_byte_image found;
  if (nrf_byte_image_read(file, &found) != NRF_OK) return false;
  const bool same = nrf_same_size(found.size, wanted->size) && nrf_byte_image_difference(&found, wanted) == 0;
  nrf_byte_image_free(&found);
  return same;
}

nrf_status nrf_stimulus_folder_claim(const char *directory, const nrf_byte_image *base)
{
  path           file;
  nrf_byte_image found;
  NRF_RETURN_IF_ERROR(nrf_make_directories(directory));
  NRF_RETURN_IF_ERROR(nrf_atomic_remove_stale(directory, NULL));
  NRF_RETURN_IF_ERROR(path_of(&file, directory, base_image_name, ""));
  const nrf_status st = nrf_byte_image_read(file.s, &found);
  if (st == NRF_ENOTFOUND) return nrf_byte_image_write(file.s, base);
  if (st != NRF_OK) return advise(st, "remove it to have it made anew");
  const bool same = nrf_same_size(found.size, base->size) && nrf_byte_image_difference(&found, base) == 0;
  nrf_byte_image_free(&found);
  if (same) return NRF_OK;
  return nrf_error(
      NRF_EINVAL,
      "%s: the stimuli there were made from another base image; choose another --stimuli_dir, or remove "
      "this file to have them all made anew",
      file.s);
}

/* images [count, C, H, W] becomes all that the set shows, on disk where it was not. */
static nrf_status make_images(const char *folder, const nrf_stimulus_set *set, const nrf_stimulus *s,
                              const nrf_byte_image *base, uint8_t *images, nrf_stimulus_progress *at)
{
  const int64_t units = nrf_layer_units(base->size);
  for (int i = 0; i < nrf_stimulus_set_count(set); i++) {
    const nrf_byte_image image = {base->size, images + i * units};
    path                 file;
    if (nrf_progress_stop_requested(at->progress))
      return nrf_error(NRF_EINTERRUPTED, "%s: stopped; the same command goes on", folder);
    NRF_RETURN_IF_ERROR(path_of(&file, folder, s[i].file_name, ""));
    NRF_RETURN_IF_ERROR(nrf_stimulus_render(&s[i], base->size, base->value, image.value));
    if (!holds_image(file.s, &image)) {
      NRF_RETURN_IF_ERROR(nrf_byte_image_write_unflushed(file.s, &image)); /* loading notices a lost one */
      at->written++;
    }
    nrf_progress_update(at->progress, ++at->done, at->total, "%s", nrf_stimulus_set_name(set));
  }
  return NRF_OK;
}

/* contact_sheets/single_just_angle.png */
static nrf_status sheet_path(const char *directory, const nrf_stimulus_set *set, path *out)
{
  path folder;
  char name[NRF_STIMULUS_NAME_BYTES];
  (void)snprintf(name, sizeof name, "%s.png", nrf_stimulus_set_name(set));
  for (char *slash; (slash = strchr(name, '/')) != NULL;) *slash = '_';
  NRF_RETURN_IF_ERROR(path_of(&folder, directory, sheets_name, ""));
  NRF_RETURN_IF_ERROR(nrf_make_directories(folder.s));
  return path_of(out, directory, sheets_name, name);
}

static nrf_status make_sheet(const char *directory, const nrf_stimulus_set *set, const nrf_stimulus *s,
                             nrf_layer_size size, const uint8_t *images)
{
  path        file;
  nrf_picture sheet;
  NRF_RETURN_IF_ERROR(sheet_path(directory, set, &file));
  NRF_RETURN_IF_ERROR(nrf_contact_sheet_render(set, s, size, images, &sheet));
  const nrf_status st = holds(file.s, &sheet) ? NRF_OK : nrf_png_write(file.s, &sheet);
  nrf_picture_free(&sheet);
  return st;
}

nrf_status nrf_stimulus_folder_make(const char *directory, const nrf_stimulus_set *set,
                                    const nrf_byte_image *base, nrf_stimulus_progress *at)
{
  nrf_status    st     = NRF_OK;
  const size_t  bytes  = (size_t)nrf_layer_units(base->size) * (size_t)nrf_stimulus_set_count(set);
  nrf_stimulus *s      = NULL;
  uint8_t      *images = NULL;
  contents      found;
  path          folder;

  NRF_TRY(nrf_stimulus_set_describe(set, base->size.height, base->size.width, &s));
  NRF_TRY(nrf_alloc(bytes, nrf_stimulus_set_name(set), (void **)&images));
  NRF_TRY(path_of(&folder, directory, nrf_stimulus_set_name(set), ""));
  NRF_TRY(nrf_make_directories(folder.s));
  NRF_TRY(nrf_atomic_remove_stale(folder.s, NULL));
  NRF_TRY(take_stock(folder.s, set, s, &found));
  NRF_TRY(refuse_strangers(folder.s, &found));
  NRF_TRY(make_images(folder.s, set, s, base, images, at));
  NRF_TRY(make_sheet(directory, set, s, base->size, images));
done:
  nrf_free(images);
  nrf_free(s);
  return st;
}
