/* normal_distribution.h - the standard normal distribution, for code that may not use GSL (which is GPL). */
#ifndef NRFLV_BASE_NORMAL_DISTRIBUTION_H
#define NRFLV_BASE_NORMAL_DISTRIBUTION_H

/* The value below which a probability lies; relative error about 1e-16. -+infinity for 0 and 1, NaN outside. */
double nrf_normal_quantile(double probability);

/* The probability above a value. */
double nrf_normal_upper_tail(double x);

#endif
