/* gabor.h - the Gabor patch of the stimuli (system.md section 5).
 *
 * A patch is a field of factors 1 + deviation by which an image is multiplied. x runs along rows and y along
 * columns, both from the centre, in pixels; with s = sigma, a = angle,
 *
 *   x' = x cos a + y sin a,   y' = -x sin a + y cos a
 *   deviation = contrast * exp(-(x'^2 + (aspect y')^2) / (2 s^2)) * cos(2 pi x' / wavelength + phase)
 *
 * inside a box around the centre, and 0 outside it. So the bar of angle 0 lies along a row. */
#ifndef NRFLV_GABOR_H
#define NRFLV_GABOR_H

typedef struct nrf_gabor {
  double sigma;      /* of the envelope across the bar, pixels > 0             */
  double angle;      /* radian                                                 */
  double wavelength; /* of the carrier, pixels > 0                             */
  double phase;      /* of the carrier at the centre, radian ("el" in file names) */
  double aspect;     /* > 0; below 1 the bar is longer than wide: sigma/aspect along it */
  double contrast;   /* amplitude of the deviation                             */
} nrf_gabor;

/* The pixels of a patch: from -rows to rows and from -columns to columns around its centre. */
typedef struct nrf_gabor_box {
  int rows, columns;
} nrf_gabor_box;

/* Three standard deviations of the envelope to each side, at least one pixel. */
nrf_gabor_box nrf_gabor_box_of(const nrf_gabor *patch);

/* Cuts a box that is larger than the image: along an axis with too many pixels, half the excess and one more at
 * either end (the published code's `clip`, which leaves an odd number smaller than the image). */
nrf_gabor_box nrf_gabor_box_clip(nrf_gabor_box box, int height, int width);

/* The deviation x rows and y columns from the centre, whatever the box. */
double nrf_gabor_deviation(const nrf_gabor *patch, int x, int y);

/* Adds gain * deviation to the part of the box that lies in field[height, width]. */
void nrf_gabor_add(const nrf_gabor *patch, nrf_gabor_box box, double gain, int centre_row, int centre_column,
                   int height, int width, double *field);

#endif
