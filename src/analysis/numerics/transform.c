/* transform.c - plans. FFTW's planner has state of its own and is the one thing in FFTW that threads may not use at the
 * same time, hence the lock. Plans are estimated, not measured: what was measured could be another algorithm with
 * other rounding in the next run. */
#include "transform.h"

#include "nrflv/memory.h"

#include <fftw3.h>
#include <limits.h>
#include <pthread.h>

struct nrf_transform {
  fftw_plan forward, backward;
};

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

/* The planner wants arrays of the alignment that the plans are used with; estimating does not touch them. */
static nrf_status make_plans(int n, nrf_transform *t)
{
  double         *x  = NULL;
  double complex *X  = NULL;
  nrf_status      st = NRF_OK;
  NRF_TRY(nrf_alloc((size_t)n * sizeof *x, "Fourier transform", (void **)&x));
  NRF_TRY(nrf_alloc(((size_t)n / 2 + 1) * sizeof *X, "Fourier transform", (void **)&X));
  t->forward  = fftw_plan_dft_r2c_1d(n, x, X, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
  t->backward = fftw_plan_dft_c2r_1d(n, X, x, FFTW_ESTIMATE);
  if (t->forward == NULL || t->backward == NULL)
    NRF_FAIL(NRF_ENOMEM, "Fourier transform: FFTW has no plan for %d values", n);
done:
  nrf_free(x);
  nrf_free(X);
  return st;
}

nrf_status nrf_transform_create(int64_t n, nrf_transform **out)
{
  *out = NULL;
  if (n < 1 || n > INT_MAX) return nrf_error(NRF_EINVAL, "Fourier transform: of %lld values", (long long)n);
  nrf_transform *t = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *t, "Fourier transform", (void **)&t));
  (void)pthread_mutex_lock(&planner);
  const nrf_status st = make_plans((int)n, t);
  (void)pthread_mutex_unlock(&planner);
  if (st != NRF_OK) {
    nrf_transform_free(t);
    return st;
  }
  *out = t;
  return NRF_OK;
}

void nrf_transform_free(nrf_transform *t)
{
  if (t == NULL) return;
  (void)pthread_mutex_lock(&planner);
  if (t->forward != NULL) fftw_destroy_plan(t->forward);
  if (t->backward != NULL) fftw_destroy_plan(t->backward);
  (void)pthread_mutex_unlock(&planner);
  nrf_free(t);
}

void nrf_transform_forward(const nrf_transform *t, const double *x, double complex *spectrum)
{
  fftw_execute_dft_r2c(t->forward, (double *)x, spectrum); /* FFTW_PRESERVE_INPUT */
}

void nrf_transform_backward(const nrf_transform *t, double complex *spectrum, double *x)
{
  fftw_execute_dft_c2r(t->backward, spectrum, x);
}

int64_t nrf_transform_good_size(int64_t n)
{
  static const int primes[] = {2, 3, 5, 7};
  for (int64_t size = n;; size++) {
    int64_t rest = size;
    for (size_t k = 0; k < sizeof primes / sizeof *primes; k++)
      while (rest % primes[k] == 0) rest /= primes[k];
    if (rest == 1) return size;
  }
}
