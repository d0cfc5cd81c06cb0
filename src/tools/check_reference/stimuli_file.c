/* stimuli_file.c - the images shown in experiments: their names, what they show, every pixel. */
#include "checks.h"

#include "nrflv/memory.h"
#include "nrflv/stimulus_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One value in 10,000 may be off, by one grey level: where a value falls between two, single precision decides otherwise
 * than double. */
static const double PART_OFF = 1e-4, GREY_LEVELS_OFF = 1.0;

/* A set in the file, and the same as we describe it. */
typedef struct published_set {
  const source           *s;
  const char             *path;
  const nrf_stimulus_set *set;
  int                     count;
  nrf_layer_size          size;
  const uint8_t          *base;    /* [C, H, W]               */
  nrf_stimulus           *ours;    /* [count]                 */
  double                 *numbers; /* [2 count] work space */
} published_set;

bool is_stimuli_file(const nrf_h5_file *file)
{
  return nrf_h5_kind_of(file, "/base_image") == NRF_H5_DATASET;
}

/* ---- what an image shows --------------------------------------------------------------------------------- */

static double angle(const nrf_stimulus *s)
{
  return s->patch[0].gabor.angle;
}

static double contrast(const nrf_stimulus *s)
{
  return s->patch[0].gabor.contrast;
}

static double row(const nrf_stimulus *s)
{
  return s->patch[0].offset_row;
}

static double column(const nrf_stimulus *s)
{
  return s->patch[0].offset_column;
}

static double index_of(const nrf_stimulus *s)
{
  return s->generation_index;
}

/* A column of a data set [count] or [count, width]; those that a set has no use for are not in the file. */
static const struct quantity {
  const char *name, *dataset;
  int         column, width; /* width 0: [count] */
  double (*ours)(const nrf_stimulus *s);
} quantities[] = {
    {"angle", "angle", 0, 0, angle},
    {"angle_mobile", "angle_mobile", 0, 0, angle},
    {"angle_static", "angle_static", 0, 0, nrf_stimulus_static_angle},
    {"contrast", "contrast", 0, 0, contrast},
    {"location, row", "location", 0, 2, row},
    {"location, column", "location", 1, 2, column},
    {"generation_index", "generation_index", 0, 0, index_of},
    {"repeat", "repeat", 0, 0, index_of},
};

enum { QUANTITIES = sizeof quantities / sizeof *quantities };

/* The largest difference; the numbers are made of few operations, so that they should be the same. */
static nrf_status compare_quantity(const published_set *p, const struct quantity *q)
{
  const text         name = text_of("%s/%s", p->path, q->dataset);
  const nrf_h5_shape shape =
      q->width == 0 ? nrf_h5_vector(p->count) : (nrf_h5_shape){2, {p->count, q->width}};
  const int step  = q->width == 0 ? 1 : q->width;
  double    worst = 0.0;
  if (!nrf_h5_exists(p->s->file, name.s)) return NRF_OK;
  if (nrf_h5_read(p->s->file, name.s, NRF_H5_FLOAT64, shape, p->numbers) != NRF_OK)
    return report_problem(p->s->report, q->name, NULL, nrf_error_message());
  for (int i = 0; i < p->count; i++) {
    const double difference = fabs(q->ours(&p->ours[i]) - p->numbers[i * step + q->column]);
    if (!(difference <= worst)) worst = difference; /* NaN, too */
  }
  return report_number(p->s->report, q->name, NULL, 1e-15, worst, 0.0, 1.0);
}

/* ---- names ----------------------------------------------------------------------------------------------- */

static nrf_status compare_names(const published_set *p)
{
  nrf_h5_strings names = {0, NULL};
  nrf_status     st    = NRF_OK;
  if (nrf_h5_read_strings(p->s->file, text_of("%s/file_name", p->path).s, &names) != NRF_OK)
    return report_problem(p->s->report, "file_name", NULL, nrf_error_message());
  int same = 0;
  while (same < p->count && same < names.count && strcmp(names.item[same], p->ours[same].file_name) == 0)
    same++;
  if (names.count != p->count)
    st = report_problem(p->s->report, "file_name", NULL,
                        text_of("%lld names in the file, %d expected", (long long)names.count, p->count).s);
  else if (same < p->count)
    st = report_problem(p->s->report, "file_name", NULL,
                        text_of("%s in the file, %s expected", names.item[same], p->ours[same].file_name).s);
  else
    st = report_fact(p->s->report, "file_name", true);
  nrf_h5_strings_free(&names);
  return st;
}

/* ---- pixels ---------------------------------------------------------------------------------------------- */

static nrf_status compare_pixels(const published_set *p)
{
  nrf_status         st    = NRF_OK;
  const int64_t      units = nrf_layer_units(p->size), pixels = units * p->count;
  const nrf_h5_shape shape     = {4, {p->count, p->size.channels, p->size.height, p->size.width}};
  uint8_t           *reference = NULL, *ours = NULL;
  int64_t            off     = 0;
  int                largest = 0;
  NRF_TRY(nrf_alloc((size_t)pixels, "images", (void **)&reference));
  NRF_TRY(nrf_alloc((size_t)units, "image", (void **)&ours));
  if (nrf_h5_read(p->s->file, text_of("%s/image", p->path).s, NRF_H5_UINT8, shape, reference) != NRF_OK) {
    st = report_problem(p->s->report, "image", NULL, nrf_error_message());
    goto done;
  }
  for (int i = 0; i < p->count; i++) {
    NRF_TRY(nrf_stimulus_render(&p->ours[i], p->size, p->base, ours));
    for (int64_t u = 0; u < units; u++) {
      const int difference = abs(ours[u] - reference[i * units + u]);
      if (difference > 0) off++;
      if (difference > largest) largest = difference;
    }
  }
  NRF_TRY(report_number(p->s->report, "image, part of the values that differ", NULL, PART_OFF, (double)off,
                        0.0, (double)pixels));
  NRF_TRY(report_number(p->s->report, "image, largest difference in grey levels", NULL, GREY_LEVELS_OFF,
                        largest, 0.0, 1.0));
done:
  nrf_free(ours);
  nrf_free(reference);
  return st;
}

/* ---- sets ------------------------------------------------------------------------------------------------ */

static nrf_status compare_set(const published_set *p)
{
  const char *known[QUANTITIES + 2] = {"file_name", "image"};
  NRF_RETURN_IF_ERROR(compare_names(p));
  for (int k = 0; k < QUANTITIES; k++) {
    known[k + 2] = quantities[k].dataset;
    NRF_RETURN_IF_ERROR(compare_quantity(p, &quantities[k]));
  }
  NRF_RETURN_IF_ERROR(compare_pixels(p));
  return compare_members(p->s, p->path, "", QUANTITIES + 2, known);
}

static nrf_status read_base(const source *s, nrf_layer_size *size, uint8_t **out)
{
  nrf_h5_shape shape;
  NRF_RETURN_IF_ERROR(nrf_h5_read_new(s->file, "/base_image", NRF_H5_UINT8, 1 << 24, &shape, (void **)out));
  if (shape.rank != 3)
    return nrf_error(NRF_EFORMAT, "%s: 'base_image' is no image [C, H, W]", nrf_h5_path(s->file));
  *size = (nrf_layer_size){(int)shape.dim[0], (int)shape.dim[1], (int)shape.dim[2]};
  return NRF_OK;
}

static nrf_status check_set(const source *s, const char *path)
{
  nrf_status    st   = NRF_OK;
  published_set p    = {.s = s, .path = path};
  uint8_t      *base = NULL;
  NRF_TRY(nrf_stimulus_set_find(path + 1, &p.set));
  NRF_TRY(read_base(s, &p.size, &base));
  p.base  = base;
  p.count = nrf_stimulus_set_count(p.set);
  NRF_TRY(nrf_stimulus_set_describe(p.set, p.size.height, p.size.width, &p.ours));
  NRF_TRY(nrf_alloc(2 * (size_t)p.count * sizeof *p.numbers, "parameters", (void **)&p.numbers));
  NRF_TRY(compare_set(&p));
done:
  nrf_free(p.numbers);
  nrf_free(p.ours);
  nrf_free(base);
  return st;
}

nrf_status check_stimuli_file(const source *s)
{
  static const char *const folders[] = {"/single", "/double"};
  for (size_t k = 0; k < sizeof folders / sizeof *folders; k++)
    if (has_group(s->file, folders[k])) NRF_RETURN_IF_ERROR(for_each_case(s, folders[k], check_set));
  return NRF_OK;
}
