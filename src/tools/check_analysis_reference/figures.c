/* figures.c - colours, grey values, contrasts, units of time. */
#include "blocks.h"

#include "nrflv/analysis/colour_map.h"
#include "nrflv/analysis/map_image.h"
#include "nrflv/analysis/time_units.h"
#include "nrflv/memory.h"

#include <math.h>

/* ---- colour maps ----------------------------------------------------------------------------------------- */

enum { CHANNELS = 4 }; /* red, green, blue, opacity */

static void set_pixel(double *pixel, nrf_colour c)
{
  pixel[0] = c.red;
  pixel[1] = c.green;
  pixel[2] = c.blue;
  pixel[3] = 255.0;
}

static nrf_status compare_map(ref_block *b, nrf_colour_map map)
{
  const char *name = nrf_colour_map_name(map);
  values      reference;
  double     *ours;
  NRF_RETURN_IF_ERROR(read_values(b, name, &reference));
  const int64_t n = reference.count / CHANNELS;
  NRF_RETURN_IF_ERROR(scratch(b, n * CHANNELS, &ours));
  for (int64_t i = 0; i < n; i++)
    set_pixel(ours + CHANNELS * i, nrf_colour_at(map, (double)i / (double)(n - 1)));
  return compare_values(b, name, TOLERANCE_COLOUR, n * CHANNELS, ours, reference.v);
}

static nrf_status compare_contrast_greys(ref_block *b, const char *name)
{
  static const double contrasts[] = {0.0, 1.2, 2.0, 2.8};
  enum { CONTRASTS = sizeof contrasts / sizeof *contrasts };
  double *reference, ours[CHANNELS * CONTRASTS];
  NRF_RETURN_IF_ERROR(read_vector(b, name, CHANNELS * CONTRASTS, &reference));
  for (int k = 0; k < CONTRASTS; k++)
    set_pixel(ours + (size_t)CHANNELS * (size_t)k, nrf_contrast_grey(contrasts[k]));
  return compare_values(b, name, TOLERANCE_COLOUR, CHANNELS * CONTRASTS, ours, reference);
}

static nrf_status compare_contrast_greens(ref_block *b)
{
  values  contrast;
  double *reference, *ours;
  NRF_RETURN_IF_ERROR(read_values(b, "YlGn_at_contrast_plus_0.2/contrast", &contrast));
  NRF_RETURN_IF_ERROR(
      read_vector(b, "YlGn_at_contrast_plus_0.2/rgba_as_line", CHANNELS * contrast.count, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, CHANNELS * contrast.count, &ours));
  for (int64_t k = 0; k < contrast.count; k++)
    set_pixel(ours + CHANNELS * k, nrf_colour_at(NRF_YLGN, contrast.v[k] + 0.2));
  return compare_values(b, "YlGn_at_contrast_plus_0.2", TOLERANCE_COLOUR, CHANNELS * contrast.count, ours,
                        reference);
}

nrf_status check_colour_maps(ref_block *b)
{
  static const char *const known[] = {"viridis",
                                      "Greys",
                                      "YlGn",
                                      "hsv",
                                      "spring",
                                      "YlGn_at_contrast_plus_0.2",
                                      "contrast_greys_as_image",
                                      "contrast_greys_as_line",
                                      NULL};
  for (int map = 0; map < NRF_PUBLISHED_COLOUR_MAPS; map++)
    NRF_RETURN_IF_ERROR(compare_map(b, (nrf_colour_map)map));
  NRF_RETURN_IF_ERROR(compare_contrast_greys(b, "contrast_greys_as_image"));
  NRF_RETURN_IF_ERROR(compare_contrast_greys(b, "contrast_greys_as_line"));
  NRF_RETURN_IF_ERROR(compare_contrast_greens(b));
  return report_unknown_members(b, known, NULL);
}

/* ---- images ---------------------------------------------------------------------------------------------- */

nrf_status check_image_contrast(ref_block *b)
{
  static const char *const known[] = {"image", "contrast_float32", "contrast_float64", NULL};
  values                   image;
  double                  *in_single, *in_double, *ours, *bytes;
  NRF_RETURN_IF_ERROR(read_values(b, "image", &image));
  if (image.shape.rank != 4 || image.shape.dim[3] != 3)
    return nrf_error(NRF_ESHAPE, "image: [case, row, column, 3] expected");
  const int64_t n = image.shape.dim[0], pixels = image.shape.dim[1] * image.shape.dim[2];
  NRF_RETURN_IF_ERROR(read_vector(b, "contrast_float32", n, &in_single));
  NRF_RETURN_IF_ERROR(read_vector(b, "contrast_float64", n, &in_double));
  NRF_RETURN_IF_ERROR(scratch(b, n, &ours));
  NRF_RETURN_IF_ERROR(scratch(b, image.count, &bytes)); /* eight times as large as need be */
  uint8_t *rgb = (uint8_t *)bytes;
  for (int64_t i = 0; i < image.count; i++) rgb[i] = (uint8_t)image.v[i];
  for (int64_t i = 0; i < n; i++) ours[i] = nrf_image_contrast(pixels, rgb + 3 * pixels * i);
  NRF_RETURN_IF_ERROR(compare_values(b, "contrast_float32", TOLERANCE_CONTRAST_SINGLE, n, ours, in_single));
  NRF_RETURN_IF_ERROR(compare_values(b, "contrast_float64", TOLERANCE_CONTRAST, n, ours, in_double));
  return report_unknown_members(b, known, NULL);
}

static nrf_status grey_film(ref_block *b, int64_t n, const double *x, double *grey)
{
  double *floats, *bytes;
  NRF_RETURN_IF_ERROR(scratch(b, n, &floats));
  NRF_RETURN_IF_ERROR(scratch(b, n, &bytes));
  float   *film = (float *)floats, lowest = (float)x[0], highest = (float)x[0];
  uint8_t *greys = (uint8_t *)bytes;
  for (int64_t i = 0; i < n; i++) {
    film[i] = (float)x[i];
    lowest  = fminf(lowest, film[i]);
    highest = fmaxf(highest, film[i]);
  }
  nrf_film_greys(n, film, lowest, highest, greys);
  for (int64_t i = 0; i < n; i++) grey[i] = greys[i];
  return NRF_OK;
}

/* All frames of a neuron map, [row, column, time], make one film with one scale. */
nrf_status check_map_grey(ref_block *b)
{
  static const char *const known[] = {"x", "grey", NULL};
  values                   x;
  double                  *reference, *ours;
  NRF_RETURN_IF_ERROR(read_values(b, "x", &x));
  NRF_RETURN_IF_ERROR(read_vector(b, "grey", x.count, &reference));
  if (x.count < 1) return nrf_error(NRF_ESHAPE, "x: no values");
  NRF_RETURN_IF_ERROR(scratch(b, x.count, &ours));
  NRF_RETURN_IF_ERROR(grey_film(b, x.count, x.v, ours));
  NRF_RETURN_IF_ERROR(compare_values(b, "grey", TOLERANCE_COLOUR, x.count, ours, reference));
  return report_unknown_members(b, known, NULL);
}

/* ---- time ------------------------------------------------------------------------------------------------ */

static double with_8_decimals(double x)
{
  return rint(x * 1e8) / 1e8;
}

/* Ticks every `ms` milliseconds on an axis of timesteps, of which `origin` is time 0; centred, or from `first` on. */
static nrf_status compare_ticks(ref_block *b, const char *name, double origin, double step, int first)
{
  values  reference;
  double *ours;
  NRF_RETURN_IF_ERROR(read_values(b, name, &reference));
  NRF_RETURN_IF_ERROR(scratch(b, reference.count, &ours));
  for (int64_t k = 0; k < reference.count; k++) ours[k] = origin + (double)(first + k) * step;
  return compare_values(b, name, TOLERANCE_AXIS, reference.count, ours, reference.v);
}

nrf_status check_time_units(ref_block *b)
{
  static const char *const known[] = {
      "ms", "timesteps", "timesteps_8_decimals", "ticks_transients", "ticks_mean_correlation", NULL};
  values  ms;
  double *timesteps, *rounded, *ours, *ours_rounded, *back;
  NRF_RETURN_IF_ERROR(read_values(b, "ms", &ms));
  NRF_RETURN_IF_ERROR(read_vector(b, "timesteps", ms.count, &timesteps));
  NRF_RETURN_IF_ERROR(read_vector(b, "timesteps_8_decimals", ms.count, &rounded));
  NRF_RETURN_IF_ERROR(scratch(b, ms.count, &ours));
  NRF_RETURN_IF_ERROR(scratch(b, ms.count, &ours_rounded));
  NRF_RETURN_IF_ERROR(scratch(b, ms.count, &back));
  for (int64_t k = 0; k < ms.count; k++) {
    ours[k]         = nrf_timesteps_of_ms(ms.v[k]);
    ours_rounded[k] = with_8_decimals(ours[k]);
    back[k]         = nrf_ms_of_timesteps(timesteps[k]);
  }
  NRF_RETURN_IF_ERROR(compare_values(b, "timesteps", TOLERANCE_AXIS, ms.count, ours, timesteps));
  NRF_RETURN_IF_ERROR(
      compare_values(b, "timesteps_8_decimals", TOLERANCE_AXIS, ms.count, ours_rounded, rounded));
  NRF_RETURN_IF_ERROR(compare_values(b, "ms", TOLERANCE_AXIS, ms.count, back, ms.v));
  /* Every 100 ms from -400 ms, the stimulus being at 100 (3.11); every 200 ms from -800 ms (3.19). */
  NRF_RETURN_IF_ERROR(
      compare_ticks(b, "ticks_transients", 100.0, with_8_decimals(nrf_timesteps_of_ms(100.0)), -4));
  NRF_RETURN_IF_ERROR(compare_ticks(b, "ticks_mean_correlation", 0.0, nrf_timesteps_of_ms(200.0), -4));
  return report_unknown_members(b, known, NULL);
}
