/* sine_fit.h - fitting peak cos(lambda x + phi) + mu to a window, the peak being given: descents from many starts.
 *
 * mu is linear and is eliminated: the cost is a function of phi and lambda. All that a descent needs of the window at (phi, lambda) are
 * fifteen sums of cosines and sines with powers of x and with y, so a step costs about as much as a dozen library cosines. */
#ifndef NRFLV_ANALYSIS_SINE_FIT_H
#define NRFLV_ANALYSIS_SINE_FIT_H

#include <stdint.h>

/* A window prepared for many descents; not changed by them. */
typedef struct sine_window {
  int           n, first, blocks;
  const double *y; /* borrowed */
  double        peak, mean;
  double        squares;                           /* of y less its mean   */
  double        lag_powers[3];                     /* sums of 1, x, x^2                */
  double        typical_lag;                       /* their root mean square, at least 1 */
  double       *weight, *x, *xx, *yc, *xyc, *xxyc; /* padded with zeros to whole blocks */
} sine_window;

typedef struct sine_fit {
  double phi, mu, lambda;
  double cost; /* half the sum of squared residuals */
} sine_fit;

/* Doubles of `work`, aligned to 64 bytes. */
int64_t sine_window_work(int n);
void    sine_window_init(int n, int first, const double *y, double peak, double *work, sine_window *out);

/* The minimum that lies downhill of (phi, lambda), without mu. Of those known, which may be none: one of them, as soon as it becomes clear that
 * it is the same; and the descent is given up where it has become slow far above the lowest of them. The cost has the
 * digits that are needed to choose among several, but loses them where the fit is close. */
sine_fit sine_descend(const sine_window *w, double phi, double lambda, int n_known, const sine_fit known[]);

/* Adds mu, and the cost in full. */
void sine_finish(const sine_window *w, sine_fit *fit);

#endif
