/* close.h - comparing numbers in tests, with messages that show them. */
#ifndef NRFLV_TESTS_CLOSE_H
#define NRFLV_TESTS_CLOSE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* |value - expected| <= tolerance; false for NaN. */
#define assert_near(value, expected, tolerance)                                                 \
  do {                                                                                          \
    const double value_ = (value), expected_ = (expected), tolerance_ = (tolerance);            \
    if (!(fabs(value_ - expected_) <= tolerance_))                                              \
      fail_msg("%s is %.17g, not %.17g (off by %.2g, at most %.2g)", #value, value_, expected_, \
               fabs(value_ - expected_), tolerance_);                                           \
  } while (0)

/* The same, relative to what is expected. */
#define assert_relative(value, expected, tolerance) assert_near(value, expected, fabs(expected) * (tolerance))

/* Against a number printed with ten significant digits. */
#define assert_digits(value, expected) assert_relative(value, expected, 6e-10)

#endif
