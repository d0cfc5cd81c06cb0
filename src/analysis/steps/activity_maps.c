/* activity_maps.c - colours and arrangement of maps. */
#include "activity_maps.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- colours --------------------------------------------------------------------------------------------- */

bool nrf_is_strongest(const nrf_extract *x, int b)
{
  const nrf_recording_image *image = x->info->image;
  for (int k = 0; k < x->images; k++)
    if (image[k].contrast > image[b].contrast) return false;
  return true;
}

static void see(nrf_map_range *range, double value)
{
  if (!isfinite(value)) return;
  range->low  = fmin(range->low, value);
  range->high = fmax(range->high, value);
}

static nrf_map_range range_of_means(const nrf_extract *x, int c, int without)
{
  nrf_map_range range = {INFINITY, -INFINITY};
  const int64_t map   = (int64_t)x->height * x->width;
  for (int b = 0; b < x->images; b++) {
    const int64_t first = nrf_extract_at(x, c, b, 0, 0);
    for (int64_t at = first; at < first + map && b != without; at++) {
      see(&range, x->during.mean[at]);
      see(&range, x->outside.mean[at]);
    }
  }
  return range.low <= range.high ? range : (nrf_map_range){0.0, 0.0};
}

static nrf_map_range range_of_differences(const nrf_extract *x, int c)
{
  nrf_map_range range = {0.0, 0.0};
  const int64_t map   = (int64_t)x->height * x->width;
  for (int b = 0; b < x->images; b++) {
    const int64_t first = nrf_extract_at(x, c, b, 0, 0);
    if (x->kind == NRF_KIND_PRIM && !nrf_is_strongest(x, b)) continue;
    for (int64_t at = first; at < first + map; at++) see(&range, fabs(nrf_rise_of(x, at)));
  }
  return (nrf_map_range){-range.high, range.high};
}

nrf_map_range nrf_map_range_of(const nrf_extract *x, int c, int b, bool as_written)
{
  if (as_written) return range_of_means(x, c, x->kind == NRF_KIND_PRIM ? b : -1);
  return range_of_differences(x, c);
}

/* ---- contact sheets -------------------------------------------------------------------------------------- */

enum { KEYS = 2 };

/* Where on an axis of the sheet an image belongs: by the first key, then by the second. */
typedef struct place {
  double key[KEYS];
} place;

/* What an axis is made of. */
typedef struct sheet_axis {
  const char *label;
  place (*of)(const nrf_recording_image *image);
  void (*name)(place p, char text[NRF_SHEET_NAME]);
} sheet_axis;

static double degrees(double angle)
{
  return angle * 180.0 / M_PI;
}

static place angle_place(const nrf_recording_image *image)
{
  return (place){{image->angle, 0.0}};
}

static void angle_name(place p, char text[NRF_SHEET_NAME])
{
  (void)snprintf(text, NRF_SHEET_NAME, "%.4g°", degrees(p.key[0]));
}

static place contrast_place(const nrf_recording_image *image)
{
  return (place){{image->contrast, image->repeat}};
}

static void contrast_name(place p, char text[NRF_SHEET_NAME])
{
  (void)snprintf(text, NRF_SHEET_NAME, "%.3g", p.key[0]);
}

static place repeat_place(const nrf_recording_image *image)
{
  return (place){{image->repeat, 0.0}};
}

static void repeat_name(place p, char text[NRF_SHEET_NAME])
{
  (void)snprintf(text, NRF_SHEET_NAME, "%.0f", p.key[0] + 1.0);
}

static place static_place(const nrf_recording_image *image)
{
  return (place){{image->angle_static, hypot(image->offset_row, image->offset_column)}};
}

static void static_name(place p, char text[NRF_SHEET_NAME])
{
  (void)snprintf(text, NRF_SHEET_NAME, "%.4g°, %.3g", degrees(p.key[0]), p.key[1]);
}

/* The acute angle between the two patches, to whole degrees. */
static place mobile_place(const nrf_recording_image *image)
{
  const double between = fabs(remainder(image->angle - image->angle_static, M_PI));
  return (place){{round(degrees(between)), image->repeat}};
}

static void mobile_name(place p, char text[NRF_SHEET_NAME])
{
  (void)snprintf(text, NRF_SHEET_NAME, "%.0f°", p.key[0]);
}

static const sheet_axis angles    = {"Angle of the stimulus", angle_place, angle_name},
                        contrasts = {"Contrast", contrast_place, contrast_name},
                        repeats   = {"Repeat", repeat_place, repeat_name},
                        statics   = {"Angle of the static patch, distance of the mobile one [pixels]",
                                     static_place, static_name},
                        mobiles   = {"Angle between the patches, repeats side by side", mobile_place,
                                     mobile_name};

static int compare_numbers(double a, double b)
{
  static const double EQUAL = 5e-8;
  if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
  return fabs(a - b) <= EQUAL ? 0 : a < b ? -1 : 1;
}

static int compare_places(const void *a, const void *b)
{
  const place *p = a, *q = b;
  const int    first = compare_numbers(p->key[0], q->key[0]);
  return first != 0 ? first : compare_numbers(p->key[1], q->key[1]);
}

/* The different places of all images along an axis, in order, in new memory. */
static nrf_status find_places(const nrf_extract *x, const sheet_axis *axis, int *n, place **out)
{
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)x->images * sizeof **out, "contact sheet", (void **)out));
  for (int b = 0; b < x->images; b++) (*out)[b] = axis->of(&x->info->image[b]);
  qsort(*out, (size_t)x->images, sizeof **out, compare_places);
  *n = 0;
  for (int b = 0; b < x->images; b++)
    if (*n == 0 || compare_places(&(*out)[*n - 1], &(*out)[b]) != 0) (*out)[(*n)++] = (*out)[b];
  return NRF_OK;
}

static int index_of(const sheet_axis *axis, const nrf_recording_image *image, int n, const place *places)
{
  const place p = axis->of(image);
  for (int i = 0; i < n; i++)
    if (compare_places(&places[i], &p) == 0) return i;
  return 0;
}

static nrf_status name_places(const sheet_axis *axis, int n, const place *places,
                              char (**out)[NRF_SHEET_NAME])
{
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)n * sizeof **out, "contact sheet", (void **)out));
  for (int i = 0; i < n; i++) axis->name(places[i], (*out)[i]);
  return NRF_OK;
}

nrf_status nrf_map_sheet_create(const nrf_extract *x, nrf_map_sheet *out)
{
  nrf_status        st   = NRF_OK;
  place            *rows = NULL, *columns = NULL;
  const sheet_axis *down   = x->kind == NRF_KIND_DBL ? &statics : &angles;
  const sheet_axis *across = x->kind == NRF_KIND_DBL    ? &mobiles
                             : x->kind == NRF_KIND_PRIM ? &contrasts
                                                        : &repeats;
  *out                     = (nrf_map_sheet){.row_label = down->label, .column_label = across->label};
  NRF_TRY(find_places(x, down, &out->rows, &rows));
  NRF_TRY(find_places(x, across, &out->columns, &columns));
  NRF_TRY(name_places(down, out->rows, rows, &out->row_name));
  NRF_TRY(name_places(across, out->columns, columns, &out->column_name));
  const int tiles = out->rows * out->columns;
  NRF_TRY(nrf_alloc((size_t)tiles * sizeof *out->image, "contact sheet", (void **)&out->image));
  for (int i = 0; i < tiles; i++) out->image[i] = -1;
  for (int b = 0; b < x->images; b++) {
    const nrf_recording_image *image                           = &x->info->image[b];
    out->image[index_of(down, image, out->rows, rows) * out->columns +
               index_of(across, image, out->columns, columns)] = b;
  }
done:
  nrf_free(rows);
  nrf_free(columns);
  if (st != NRF_OK) nrf_map_sheet_free(out);
  return st;
}

void nrf_map_sheet_free(nrf_map_sheet *sheet)
{
  nrf_free(sheet->image);
  nrf_free(sheet->row_name);
  nrf_free(sheet->column_name);
  *sheet = (nrf_map_sheet){0};
}
