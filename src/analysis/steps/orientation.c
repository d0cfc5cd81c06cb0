/* orientation.c - tuning curves from the means in an extract. */
#include "orientation.h"

#include "different_values.h"

#include "nrflv/memory.h"

#include <math.h>

/* ---- the grid of angles ---------------------------------------------------------------------------------- */

enum { FEWEST_ANGLES = 4 };

/* What is wrong with the angles of the images, or NULL; `angle` is scratch. */
static const char *check_angles(const nrf_recording_info *info, double *angle, int *n_angles)
{
  for (int b = 0; b < info->n_images; b++) {
    angle[b] = info->image[b].angle;
    if (!isfinite(angle[b])) return "some of the stimuli have no angle";
  }
  const int n = *n_angles = nrf_different_values(info->n_images, angle);
  if (n < FEWEST_ANGLES || n % 2 != 0)
    return "a tuning curve needs an even number of different angles, at least four";
  for (int k = 0; k < n; k++)
    if (!nrf_is_same_value(angle[k], nrf_stimulus_angle(NRF_ORIENTATION_CORRECT, n, k)))
      return "the angles of the stimuli are not equally spaced round the circle, beginning with 0";
  return NULL;
}

/* ---- curves ---------------------------------------------------------------------------------------------- */

static nrf_status allocate(int channels, int angles, nrf_tuning_curves *out)
{
  const size_t curves = (size_t)channels * (size_t)angles;
  void        *numbers, *fits;
  NRF_RETURN_IF_ERROR(nrf_alloc(((size_t)angles + 2 * curves) * sizeof(double), "tuning curves", &numbers));
  out->angle = numbers;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)channels * sizeof *out->fit, "tuning curves", &fits));
  out->channels = channels;
  out->angles   = angles;
  out->activity = out->angle + angles;
  out->z        = out->activity + curves;
  out->fit      = fits;
  return NRF_OK;
}

/* Means over the images of each angle, of which there is at least one. `count` is scratch. */
static void average(const nrf_extract *x, int c, int angles, int *count, double *activity)
{
  for (int k = 0; k < angles; k++) count[k] = 0;
  for (int b = 0; b < x->images; b++) {
    const int    k    = (int)nearbyint(x->info->image[b].angle / (2.0 * M_PI) * angles);
    const double mean = x->during.mean[nrf_extract_at(x, c, b, x->centre.h, x->centre.w)];
    count[k]++;
    activity[k] += (mean - activity[k]) / count[k];
  }
}

static nrf_status fit_channels(const nrf_extract *x, nrf_orientation_fit_how how, int *count,
                               nrf_tuning_curves *out)
{
  const int n = out->angles;
  for (int k = 0; k < n; k++) out->angle[k] = nrf_stimulus_angle(how, n, k);
  for (int c = 0; c < out->channels; c++) {
    double *activity = out->activity + (size_t)c * (size_t)n, *z = out->z + (size_t)c * (size_t)n;
    average(x, c, n, count, activity);
    NRF_RETURN_IF_ERROR(nrf_fit_orientation(n, activity, how, z, &out->fit[c]));
  }
  return NRF_OK;
}

nrf_status nrf_tuning_curves_of(const nrf_extract *x, nrf_orientation_fit_how how, nrf_tuning_curves *out)
{
  nrf_status st      = NRF_OK;
  void      *scratch = NULL, *counts = NULL;
  int        angles = 0;
  *out              = (nrf_tuning_curves){0};
  NRF_TRY(nrf_alloc((size_t)x->images * sizeof(double), "tuning curves", &scratch));
  out->why_not =
      x->centre.h < 0 ? "the centre of the map was not recorded" : check_angles(x->info, scratch, &angles);
  if (out->why_not != NULL) goto done;
  NRF_TRY(nrf_alloc((size_t)angles * sizeof(int), "tuning curves", &counts));
  NRF_TRY(allocate(x->channels, angles, out));
  NRF_TRY(fit_channels(x, how, counts, out));
done:
  nrf_free(scratch);
  nrf_free(counts);
  if (st != NRF_OK) nrf_tuning_curves_free(out);
  return st;
}

void nrf_tuning_curves_free(nrf_tuning_curves *curves)
{
  nrf_free(curves->angle);
  nrf_free(curves->fit);
  *curves = (nrf_tuning_curves){0};
}

/* ---- preferences ----------------------------------------------------------------------------------------- */

nrf_preference nrf_preference_of_fit(int channel, const nrf_orientation_fit *fit)
{
  return (nrf_preference){channel, fit->preferred_angle, nrf_better_cosine(fit)->amplitude, fit->dir_or_ori};
}

/* The curve has norm 1, a cosine of amplitude A the squared norm n A^2 / 2. */
double nrf_explained_variance(int angles, double amplitude)
{
  return 0.5 * angles * amplitude * amplitude;
}

/* Of independent normal values a cosine of given frequency explains a part with a beta distribution, B(1, (n - 3) / 2); the better of
 * two frequencies is taken. */
double nrf_tuned_by_chance(int angles)
{
  const double part = nrf_explained_variance(angles, NRF_TUNED_AMPLITUDE);
  return part < 1.0 ? fmin(1.0, 2.0 * pow(1.0 - part, 0.5 * (angles - 3))) : 0.0;
}
