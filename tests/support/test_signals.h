/* test_signals.h - series for tests of the analyses: those of appendix A of the specification, and normal noise. */
#ifndef NRFLV_TESTS_TEST_SIGNALS_H
#define NRFLV_TESTS_TEST_SIGNALS_H

#include <stdint.h>

/* s <- (1103515245 s + 12345) mod 2^31; the next number is s / 2^31 - 0.5. */
double signal_lcg(uint32_t *s);

enum { SIGNAL_LENGTH = 2700 };

/* x_n = 2 r cos(w) x_(n-1) - r^2 x_(n-2) + 0.1 u_n, r = 0.97, u from signal_lcg. */
void signal_oscillation(uint32_t seed, double w, double x[SIGNAL_LENGTH]);

/* The appendix's A and B = gen(2, 0.33) + 0.5 A. */
void signal_a(double x[SIGNAL_LENGTH]);
void signal_b(double x[SIGNAL_LENGTH]);

/* The samples of the windows of the appendix: DUR [1100, 2100), OUT [100, 1100) and [2100, 2700), the latter with
 * SIGNAL_OUT values. */
enum { SIGNAL_PRE = 100, SIGNAL_DUR = 1100, SIGNAL_POST = 2100, SIGNAL_PHASE = 1000, SIGNAL_OUT = 1600 };
void signal_outside(const double x[SIGNAL_LENGTH], double out[SIGNAL_OUT]);

/* Standard normal numbers, different for every series. */
void signal_noise(uint64_t series, int64_t n, double *x);

#endif
