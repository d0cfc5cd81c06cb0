/* cosines.h - cosines at many lags, without a call for each. */
#ifndef NRFLV_ANALYSIS_COSINES_H
#define NRFLV_ANALYSIS_COSINES_H

/* out[i] = cos(lambda * (first + i) + phi), i = 0 .. n - 1, to within three units in the last place, where the angle is at most
 * 1e6 in magnitude; library cosines beyond. */
void cosines_at_lags(int n, int first, double lambda, double phi, double *out);

#endif
