/* stimulus_set.c - the table of the stimulus sets, and what follows from a row. */
#include "nrflv/stimulus_set.h"

#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FULL_TURN (2.0 * 3.14159265358979323846)

/* ---- the table ---- */

typedef enum varying {
  ANGLE,    /* of the patch that varies                                                        */
  CONTRAST, /* of the same                                                                     */
  ROW,      /* its offset                                                                      */
  COLUMN,
  HEADING, /* angle of both patches; the second is displaced along the bar of the static one: to the right, up, left, down */
  DISTANCE, /* how far                                                                         */
  TURN,     /* of the mobile patch against the static one                                      */
  REPEAT,   /* nothing: images that show the same                                              */
} varying;

/* Value k of `count` is value[k] if there are such, first + k * step otherwise. */
typedef struct axis {
  varying       what;
  int           count;
  double        first, step;
  const double *value;
} axis;

/* How a set's files are named. %.5f is the published code's choice: angles are read off names by nobody. */
typedef enum naming {
  BY_PATCH,       /* gf_loc16-16_sgm0.7_th0.00000_w3_rat0.5_el1_c2.40000.png, with the centre's pixel   */
  BY_PATCH_AND_N, /* the same with __N before the .png                                                  */
  BY_N_AND_PAIR,  /* 0000_gf_loc0-3_thst0.00000_thmb0.00000.png, with the mobile patch's offset         */
  BY_OFFSET,      /* gf_loc-8--8_th0.00000.png                                                          */
} naming;

enum { MAX_AXES = 4 };

/* The images of a set are all combinations of its axes, made with the first axis outermost. */
struct nrf_stimulus_set {
  const char *name, *summary;
  nrf_gabor   patch; /* where no axis says otherwise            */
  nrf_gabor   fixed; /* the static patch of a pair; sigma 0: none */
  double      gain;
  bool        clip;
  naming      files;
  int         columns;
  axis        axes[MAX_AXES]; /* up to one of no count */
};

#define PATCH(ratio, amplitude)                                                               \
  {                                                                                           \
    .sigma = 0.7, .wavelength = 3.0, .phase = 1.0, .aspect = (ratio), .contrast = (amplitude) \
  }
#define ANGLES(n)                                        \
  {                                                      \
    .what = ANGLE, .count = (n), .step = FULL_TURN / (n) \
  }

static const double distances[] = {3, 5, 7, 10};

static const nrf_stimulus_set sets[] = {
    {.name    = "single/just_angle",
     .summary = "one patch, 128 directions",
     .patch   = PATCH(0.5, 2.4),
     .gain    = 1.0,
     .files   = BY_PATCH,
     .columns = 16,
     .axes    = {ANGLES(128)}},
    {.name    = "single/contrast_and_angle",
     .summary = "one patch, 16 directions, 8 contrasts each",
     .patch   = PATCH(0.5, 2.4),
     .gain    = 1.0,
     .files   = BY_PATCH,
     .columns = 8,
     .axes    = {{.what = CONTRAST, .count = 8, .step = 0.4}, ANGLES(16)}},
    {.name    = "single/just_angle_few_angles",
     .summary = "one patch, 8 directions, 16 times each",
     .patch   = PATCH(0.5, 2.4),
     .gain    = 1.0,
     .files   = BY_PATCH_AND_N,
     .columns = 16,
     .axes    = {ANGLES(8), {.what = REPEAT, .count = 16}}},
    {.name    = "single/long_just_fewangles",
     .summary = "a bar across the image, 8 directions, 16 times each",
     .patch   = PATCH(0.01, 2.4),
     .gain    = 1.0,
     .clip    = true,
     .files   = BY_PATCH_AND_N,
     .columns = 16,
     .axes    = {ANGLES(8), {.what = REPEAT, .count = 16}}},
    {.name    = "double/fewlocs_and_fewerangles",
     .summary = "a static patch and a mobile one, in line with it or across, 4 times each",
     .patch   = PATCH(0.5, 2.4),
     .fixed   = PATCH(0.4, 2.4),
     .gain    = 2.0,
     .files   = BY_N_AND_PAIR,
     .columns = 16,
     .axes    = {{.what = HEADING, .count = 4, .step = FULL_TURN / 4},
                 {.what = DISTANCE, .count = 4, .value = distances},
                 {.what = TURN, .count = 2, .step = FULL_TURN / 4},
                 {.what = REPEAT, .count = 4}}},
    {.name    = "double/loc_and_angles",
     .summary = "a static patch and a second one at 81 places, 10 directions each",
     .patch   = PATCH(0.5, 1.0),
     .fixed   = PATCH(0.5, 1.0),
     .gain    = 1.0,
     .files   = BY_OFFSET,
     .columns = 30,
     .axes    = {ANGLES(10),
                 {.what = ROW, .count = 9, .first = -8, .step = 2},
                 {.what = COLUMN, .count = 9, .first = -8, .step = 2}}},
};

enum { SETS = sizeof sets / sizeof *sets };

const nrf_stimulus_set *nrf_stimulus_set_at(int i)
{
  return i >= 0 && i < SETS ? &sets[i] : NULL;
}

nrf_status nrf_stimulus_set_find(const char *name, const nrf_stimulus_set **out)
{
  char   names[512] = "";
  size_t used       = 0;
  *out              = NULL;
  for (int i = 0; i < SETS; i++) {
    if (strcmp(sets[i].name, name) == 0) {
      *out = &sets[i];
      return NRF_OK;
    }
    const int n = snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", sets[i].name);
    if (n > 0 && (size_t)n < sizeof names - used) used += (size_t)n;
  }
  return nrf_error(NRF_ENOTFOUND, "%s: no such set of stimuli; there are %s", name, names);
}

const char *nrf_stimulus_set_name(const nrf_stimulus_set *set)
{
  return set->name;
}

const char *nrf_stimulus_set_summary(const nrf_stimulus_set *set)
{
  return set->summary;
}

int nrf_stimulus_set_columns(const nrf_stimulus_set *set)
{
  return set->columns;
}

static int axes_of(const nrf_stimulus_set *set)
{
  int n = 0;
  while (n < MAX_AXES && set->axes[n].count > 0) n++;
  return n;
}

int nrf_stimulus_set_count(const nrf_stimulus_set *set)
{
  int count = 1;
  for (int i = 0; i < axes_of(set); i++) count *= set->axes[i].count;
  return count;
}

/* ---- what an image shows ---- */

double nrf_stimulus_static_angle(const nrf_stimulus *stimulus)
{
  return stimulus->n_patches > 1 ? stimulus->patch[1].gabor.angle : (double)NAN;
}

/* Puts value k of an axis in place. */
static void apply(const axis *a, int k, nrf_stimulus *s)
{
  static const struct {
    int row, column;
  } headings[] = {{0, 1}, {-1, 0}, {0, -1}, {1, 0}};

  const double        value  = a->value != NULL ? a->value[k] : a->first + k * a->step;
  nrf_stimulus_patch *moving = &s->patch[0], *fixed = &s->patch[1];
  switch (a->what) {
  case ANGLE:
    moving->gabor.angle = value;
    break;
  case CONTRAST:
    moving->gabor.contrast = value;
    break;
  case ROW:
    moving->offset_row = (int)value;
    break;
  case COLUMN:
    moving->offset_column = (int)value;
    break;
  case HEADING: /* of length 1: DISTANCE comes later in a row of the table */
    moving->gabor.angle   = value;
    fixed->gabor.angle    = value;
    moving->offset_row    = headings[k].row;
    moving->offset_column = headings[k].column;
    break;
  case DISTANCE:
    moving->offset_row *= (int)value;
    moving->offset_column *= (int)value;
    break;
  case TURN:
    moving->gabor.angle += value;
    break;
  case REPEAT:
    break;
  }
}

static void name_file(const nrf_stimulus_set *set, int height, int width, nrf_stimulus *s)
{
  const nrf_stimulus_patch *p = &s->patch[0];
  const nrf_gabor          *g = &p->gabor;
  char                      by_patch[NRF_STIMULUS_NAME_BYTES - 32];
  char *const               name = s->file_name;
  const size_t              room = sizeof s->file_name;
  (void)snprintf(by_patch, sizeof by_patch, "gf_loc%d-%d_sgm%g_th%.5f_w%g_rat%g_el%g_c%.5f",
                 height / 2 + p->offset_row, width / 2 + p->offset_column, g->sigma, g->angle, g->wavelength,
                 g->aspect, g->phase, g->contrast);
  switch (set->files) {
  case BY_PATCH:
    (void)snprintf(name, room, "%s.png", by_patch);
    break;
  case BY_PATCH_AND_N:
    (void)snprintf(name, room, "%s__%d.png", by_patch, s->generation_index);
    break;
  case BY_N_AND_PAIR:
    (void)snprintf(name, room, "%04d_gf_loc%d-%d_thst%.5f_thmb%.5f.png", s->generation_index, p->offset_row,
                   p->offset_column, s->patch[1].gabor.angle, g->angle);
    break;
  case BY_OFFSET:
    (void)snprintf(name, room, "gf_loc%d-%d_th%.5f.png", p->offset_row, p->offset_column, g->angle);
    break;
  }
}

/* Image n in the order of making; `group` becomes n without its repeats, a number still with gaps. */
static nrf_stimulus describe(const nrf_stimulus_set *set, int n, int height, int width)
{
  nrf_stimulus s = {.generation_index = n,
                    .n_patches        = set->fixed.sigma > 0.0 ? 2 : 1,
                    .patch            = {{.gabor = set->patch}, {.gabor = set->fixed}},
                    .gain             = set->gain,
                    .clip             = set->clip};
  int          k[MAX_AXES];
  const int    n_axes = axes_of(set);
  for (int i = n_axes - 1; i >= 0; i--) {
    k[i] = n % set->axes[i].count;
    n /= set->axes[i].count;
  }
  for (int i = 0; i < n_axes; i++) {
    apply(&set->axes[i], k[i], &s);
    s.group = s.group * set->axes[i].count + (set->axes[i].what == REPEAT ? 0 : k[i]);
  }
  name_file(set, height, width, &s);
  return s;
}

static nrf_status check_centres(const nrf_stimulus_set *set, const nrf_stimulus *s, int height, int width)
{
  for (int i = 0; i < s->n_patches; i++) {
    const int row = height / 2 + s->patch[i].offset_row, column = width / 2 + s->patch[i].offset_column;
    if (row < 0 || row >= height || column < 0 || column >= width)
      return nrf_error(
          NRF_ESHAPE,
          "%s: a patch stands at row %d, column %d of images that have only %d rows and %d columns",
          set->name, row, column, height, width);
  }
  return NRF_OK;
}

static int by_file_name(const void *a, const void *b)
{
  return strcmp(((const nrf_stimulus *)a)->file_name, ((const nrf_stimulus *)b)->file_name);
}

/* Numbers the groups in the order in which they come, and the images of each. Zeroed work space of n elements each. */
static void number_groups(int n, nrf_stimulus *s, int *first_of, int *members)
{
  int groups = 0;
  for (int i = 0; i < n; i++) {
    const int with_gaps = s[i].group;
    if (members[with_gaps] == 0) first_of[with_gaps] = groups++;
    s[i].group  = first_of[with_gaps];
    s[i].repeat = members[with_gaps]++;
  }
}

nrf_status nrf_stimulus_set_describe(const nrf_stimulus_set *set, int height, int width, nrf_stimulus **out)
{
  nrf_status    st    = NRF_OK;
  const int     count = nrf_stimulus_set_count(set);
  nrf_stimulus *s     = NULL;
  int          *seen  = NULL;

  *out = NULL;
  NRF_TRY(nrf_alloc((size_t)count * sizeof *s, set->name, (void **)&s));
  NRF_TRY(nrf_alloc(2 * (size_t)count * sizeof *seen, set->name, (void **)&seen));
  for (int n = 0; n < count; n++) {
    s[n] = describe(set, n, height, width);
    NRF_TRY(check_centres(set, &s[n], height, width));
  }
  qsort(s, (size_t)count, sizeof *s, by_file_name);
  number_groups(count, s, seen, seen + count);
  *out = s;
  s    = NULL;
done:
  nrf_free(seen);
  nrf_free(s);
  return st;
}

/* ---- rendering ---- */

static uint8_t to_byte(double value)
{
  return (uint8_t)floor(255.0 * fmin(1.0, fmax(0.0, value)) + 0.5);
}

nrf_status nrf_stimulus_render(const nrf_stimulus *stimulus, nrf_layer_size size, const uint8_t *base,
                               uint8_t *out)
{
  const int64_t plane     = (int64_t)size.height * size.width;
  double       *deviation = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)plane * sizeof *deviation, "stimulus", (void **)&deviation));
  for (int i = 0; i < stimulus->n_patches; i++) {
    const nrf_stimulus_patch *p   = &stimulus->patch[i];
    nrf_gabor_box             box = nrf_gabor_box_of(&p->gabor);
    if (stimulus->clip) box = nrf_gabor_box_clip(box, size.height, size.width);
    nrf_gabor_add(&p->gabor, box, stimulus->gain, size.height / 2 + p->offset_row,
                  size.width / 2 + p->offset_column, size.height, size.width, deviation);
  }
  for (int c = 0; c < size.channels; c++)
    for (int64_t i = 0; i < plane; i++)
      out[c * plane + i] = to_byte(base[c * plane + i] / 255.0 * (1.0 + deviation[i]));
  nrf_free(deviation);
  return NRF_OK;
}
