/* shapiro_wilk.c - algorithm AS R94: P. Royston, "Remark AS R94: a remark on algorithm AS 181: the W-test for normality",
 * Applied Statistics 44 (1995) 547-551. Polynomials and their coefficients are his. */
#include "nrflv/shapiro_wilk.h"

#include "normal_distribution.h"

#include "nrflv/memory.h"

#include <math.h>
#include <string.h>

struct nrf_shapiro_wilk {
  int64_t n;
  double  weights_squared; /* sum over all n, "ssa" */
  double  mu, sigma;       /* of ln(1 - W), or for n up to 11 of -ln(gamma - ln(1 - W)) */
  double  weight
      []; /* [n / 2] of the order statistics: -weight of the i-th smallest, +weight of the i-th largest */
};

enum { SMALLEST_SAMPLE = 3, LARGEST_SAMPLE = 1 << 24, LARGEST_SMALL_SAMPLE = 11 };

static const double LEAST_RANGE = 1e-19;

static double polynomial(int terms, const double coefficient[], double x)
{
  double sum = 0.0;
  for (int k = terms - 1; k >= 0; k--) sum = sum * x + coefficient[k];
  return sum;
}

#define POLYNOMIAL(coefficients, x) \
  polynomial((int)(sizeof(coefficients) / sizeof *(coefficients)), coefficients, x)

/* ---- weights --------------------------------------------------------------------------------------------- */

/* In units of what is left to them, all weights follow the expected order statistics; the outermost two (up to n = 5 the outermost
 * one) come from polynomials in 1 / sqrt(n). */
static void set_weights(nrf_shapiro_wilk *test)
{
  static const double outermost[] = {0.0, 0.221157, -0.147981, -2.071190, 4.434685, -2.706056};
  static const double next[]      = {0.0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633};
  const int64_t       half = test->n / 2, fitted = test->n > 5 ? 2 : 1;
  double             *a   = test->weight;
  double              sum = 0.0;
  if (test->n == 3) {
    a[0] = sqrt(0.5);
    return;
  }
  for (int64_t i = 0; i < half; i++) {
    a[i] = -nrf_normal_quantile(((double)(i + 1) - 0.375) / ((double)test->n + 0.25));
    sum += 2.0 * a[i] * a[i];
  }
  const double r         = 1.0 / sqrt((double)test->n);
  double       left      = sum; /* squares of the expected values that go without a polynomial */
  double       remaining = 1.0; /* of the weights' squares, which sum up to 1 */
  for (int64_t i = 0; i < fitted; i++) {
    left -= 2.0 * a[i] * a[i];
    a[i] = a[i] / sqrt(sum) + (i == 0 ? POLYNOMIAL(outermost, r) : POLYNOMIAL(next, r));
    remaining -= 2.0 * a[i] * a[i];
  }
  for (int64_t i = fitted; i < half; i++) a[i] *= sqrt(remaining / left);
}

/* ---- the distribution of W ------------------------------------------------------------------------------- */

static void set_distribution(nrf_shapiro_wilk *test)
{
  static const double mu[]          = {-1.5861, -0.31082, -0.083751, 0.0038915};
  static const double sigma[]       = {-0.4803, -0.082676, 0.0030302};
  static const double small_mu[]    = {0.5440, -0.39978, 0.025054, -0.0006714};
  static const double small_sigma[] = {1.3822, -0.77857, 0.062767, -0.0020322};
  const double        n             = (double)test->n;
  if (test->n <= LARGEST_SMALL_SAMPLE) {
    test->mu    = POLYNOMIAL(small_mu, n);
    test->sigma = exp(POLYNOMIAL(small_sigma, n));
  } else {
    test->mu    = POLYNOMIAL(mu, log(n));
    test->sigma = exp(POLYNOMIAL(sigma, log(n)));
  }
}

double nrf_shapiro_wilk_p(const nrf_shapiro_wilk *test, double one_minus_w)
{
  double y = log(one_minus_w);
  if (test->n == 3) { /* exact; W is at least 3/4 */
    const double p = 6.0 / M_PI * (asin(sqrt(1.0 - one_minus_w)) - asin(sqrt(0.75)));
    return fmax(p, 0.0);
  }
  if (test->n <= LARGEST_SMALL_SAMPLE) {
    const double gamma = 0.459 * (double)test->n - 2.273;
    if (y >= gamma) return 0.0;
    y = -log(gamma - y);
  }
  return nrf_normal_upper_tail((y - test->mu) / test->sigma);
}

double nrf_shapiro_wilk_p_of(int64_t n, double one_minus_w)
{
  nrf_shapiro_wilk test = {.n = n};
  if (n < SMALLEST_SAMPLE) return NAN;
  set_distribution(&test);
  return nrf_shapiro_wilk_p(&test, one_minus_w);
}

/* ---- the test -------------------------------------------------------------------------------------------- */

nrf_status nrf_shapiro_wilk_create(int64_t n, nrf_shapiro_wilk **out)
{
  *out = NULL;
  if (n < SMALLEST_SAMPLE || n > LARGEST_SAMPLE)
    return nrf_error(NRF_EINVAL, "Shapiro-Wilk test: samples of %lld values; %d to %d are possible",
                     (long long)n, SMALLEST_SAMPLE, LARGEST_SAMPLE);
  nrf_shapiro_wilk *test  = NULL;
  const size_t      bytes = sizeof *test + (size_t)(n / 2) * sizeof *test->weight;
  NRF_RETURN_IF_ERROR(nrf_alloc(bytes, "Shapiro-Wilk test: weights", (void **)&test));
  test->n = n;
  set_weights(test);
  set_distribution(test);
  for (int64_t i = 0; i < n / 2; i++) test->weights_squared += 2.0 * test->weight[i] * test->weight[i];
  *out = test;
  return NRF_OK;
}

void nrf_shapiro_wilk_free(nrf_shapiro_wilk *test)
{
  nrf_free(test);
}

/* spread: sum of weight[i] * (i-th largest - i-th smallest value). */
static nrf_normality test_of(const nrf_shapiro_wilk *test, nrf_moments x, double spread)
{
  const double range = x.maximum - x.minimum;
  if (!isfinite(x.squares)) return (nrf_normality){NAN, NAN, NAN};
  if (range < LEAST_RANGE) return (nrf_normality){1.0, 0.0, 1.0};
  const double sax         = spread / range;
  const double root        = sqrt(test->weights_squared) * (sqrt(x.squares) / range);
  const double one_minus_w = (root - sax) * (root + sax) / (root * root);
  return (nrf_normality){1.0 - one_minus_w, one_minus_w, nrf_shapiro_wilk_p(test, one_minus_w)};
}

nrf_normality nrf_shapiro_wilk_of(const nrf_shapiro_wilk *test, const double *x, double *work)
{
  const int64_t     n       = test->n;
  const nrf_moments moments = nrf_moments_of(n, x);
  double            spread  = 0.0;
  memcpy(work, x, (size_t)n * sizeof *x);
  if (isfinite(moments.squares)) nrf_sort_doubles(n, work);
  for (int64_t i = 0; i < n / 2; i++) spread += test->weight[i] * (work[n - 1 - i] - work[i]);
  return test_of(test, moments, spread);
}

void nrf_shapiro_wilk_of_lanes(const nrf_shapiro_wilk *test, float *x, nrf_moments moments[NRF_SORT_LANES],
                               nrf_normality out[NRF_SORT_LANES])
{
  enum { LANES = NRF_SORT_LANES };
  const int64_t n             = test->n;
  double        spread[LANES] = {0.0};
  nrf_moments   own[LANES], *m = moments != NULL ? moments : own;
  nrf_moments_of_lanes(n, x, m);
  nrf_sort_lanes(n, x);
  for (int64_t i = 0; i < n / 2; i++) {
#pragma omp simd
    for (int lane = 0; lane < LANES; lane++)
      spread[lane] += test->weight[i] * ((double)x[(n - 1 - i) * LANES + lane] - (double)x[i * LANES + lane]);
  }
  for (int lane = 0; lane < LANES; lane++) out[lane] = test_of(test, m[lane], spread[lane]);
}
