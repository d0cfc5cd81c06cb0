/* state_momentum_test.c - which image and rows are shown, and correlations of a state that is its momentum some rows later. */
#include "analysis/steps/state_momentum.h"

#include "support/memory_source.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 6, CHANNELS = 2, SIDE = 8, LAG = 7, STRONGEST = 3 };

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static float value_of(const memory_source *s, nrf_record_variable variable, int image, int channel,
                      int64_t row, int h, int w)
{
  const int64_t at = variable == NRF_RECORD_STATE ? row - LAG : row;
  return 0.1f + memory_noise(s, NRF_RECORD_MOMENTUM, image, channel, at, h, w);
}

typedef struct planted {
  char          scratch[SCRATCH_PATH];
  memory_source source;
  nrf_extract  *x;
} planted;

/* Image 3 has the largest angle and contrast. */
static void plant(planted *p, int64_t pre, int64_t stimulus, bool momentum)
{
  static const double angle[IMAGES] = {0, 0, 2, 2, 1, 1}, contrast[IMAGES] = {1, 2, 1, 2, 1, 2};
  char                path[SCRATCH_PATH];
  scratch_create(p->scratch);
  memory_source_create(&p->source, "single/contrast_and_angle", IMAGES, CHANNELS, SIDE, SIDE);
  memory_source_set_phases(&p->source, 20, pre, stimulus, 30);
  p->source.value                              = value_of;
  p->source.info.variable[NRF_RECORD_MOMENTUM] = momentum;
  for (int b = 0; b < IMAGES; b++) {
    p->source.image[b].angle    = angle[b];
    p->source.image[b].contrast = contrast[b];
  }
  scratch_path(path, p->scratch, "extract.h5");
  must(nrf_extract_make(&p->source.source, path, (nrf_extract_effort){1, 64 << 20}, NULL));
  must(nrf_extract_open(path, &p->x));
}

static void uproot(planted *p)
{
  nrf_extract_free(p->x);
  scratch_remove(p->scratch);
}

static void is_window(nrf_window w, int64_t first, int64_t count)
{
  assert_int_equal(w.first, first);
  assert_int_equal(w.count, count);
}

static void cuts_are_those_of_the_published_program(void **state)
{
  (void)state;
  planted p;
  plant(&p, 500, 700, true);
  is_window(nrf_cut_window(p.x, NRF_CUT_MIDDLE), 520 + 300, 300);
  is_window(nrf_cut_window(p.x, NRF_CUT_DURING), 520 + 400, 300);
  is_window(nrf_cut_window(p.x, NRF_CUT_BEFORE), 20 + 200, 300);
  uproot(&p);
}

static void cuts_of_short_phases_stay_inside_them(void **state)
{
  (void)state;
  planted p;
  plant(&p, 40, 350, true);
  is_window(nrf_cut_window(p.x, NRF_CUT_MIDDLE), 60 + 300, 50);
  is_window(nrf_cut_window(p.x, NRF_CUT_DURING), 60 + 50, 300);
  is_window(nrf_cut_window(p.x, NRF_CUT_BEFORE), 20, 40);
  uproot(&p);
  plant(&p, 40, 200, true);
  is_window(nrf_cut_window(p.x, NRF_CUT_MIDDLE), 60, 200);
  uproot(&p);
}

/* The sum of products as it is defined, of the state with sign times a variable, over rows [first, first + n). */
static double correlation_at(const nrf_extract *x, nrf_record_variable variable, double sign, int64_t first,
                             int64_t n, int lag)
{
  const float *a = nrf_extract_trace(x, NRF_RECORD_STATE, 1, STRONGEST, SIDE / 2, SIDE / 2) + first,
              *v = nrf_extract_trace(x, variable, 1, STRONGEST, SIDE / 2, SIDE / 2) + first;
  double mean_a = 0.0, mean_v = 0.0, sum = 0.0;
  for (int64_t t = 0; t < n; t++) {
    mean_a += (double)a[t] / (double)n;
    mean_v += (double)v[t] / (double)n;
  }
  for (int64_t t = 0; t < n; t++)
    if (t + lag >= 0 && t + lag < n) sum += ((double)a[t + lag] - mean_a) * ((double)v[t] - mean_v);
  return sign * sum;
}

static void correlations_are_sums_of_products_over_their_spans(void **state)
{
  (void)state;
  planted            p;
  nrf_state_momentum s;
  plant(&p, 500, 700, true);
  must(nrf_state_momentum_find(p.x, false, &s));
  assert_int_equal(s.image, STRONGEST);
  for (int k = 0; k < NRF_EI_LAGS; k += 33) {
    const int lag = NRF_EI_FIRST_LAG + k;
    assert_true(fabs(nrf_state_correlation_of(&s, 1, NRF_ACORR_DURING)[k] -
                     correlation_at(p.x, NRF_RECORD_STATE, 1.0, 520, 700, lag)) < 1e-9);
    assert_true(fabs(nrf_state_correlation_of(&s, 1, NRF_ACORR_BEFORE)[k] -
                     correlation_at(p.x, NRF_RECORD_STATE, 1.0, 20, 500, lag)) < 1e-9);
    assert_true(fabs(nrf_state_correlation_of(&s, 1, NRF_XCORR)[k] -
                     correlation_at(p.x, NRF_RECORD_MOMENTUM, -1.0, 0, 1250, lag)) < 1e-9);
  }
  assert_true(fabs(nrf_state_correlation_of(&s, 1, NRF_ACORR_DURING)[100] /
                       nrf_state_norm_of(&s, 1, NRF_ACORR_DURING) -
                   1.0) < 1e-12);
  nrf_state_momentum_free(&s);
  uproot(&p);
}

static void the_momentum_is_negative_unless_as_written(void **state)
{
  (void)state;
  planted            p;
  nrf_state_momentum correct, as_written;
  plant(&p, 500, 700, true);
  must(nrf_state_momentum_find(p.x, false, &correct));
  must(nrf_state_momentum_find(p.x, true, &as_written));
  const int    at = LAG - NRF_EI_FIRST_LAG;
  const double r =
      nrf_state_correlation_of(&correct, 0, NRF_XCORR)[at] / nrf_state_norm_of(&correct, 0, NRF_XCORR);
  assert_true(r < -0.95 && r > -1.01);
  for (int k = 0; k < NRF_EI_LAGS; k++)
    assert_true(nrf_state_correlation_of(&correct, 0, NRF_XCORR)[k] ==
                -nrf_state_correlation_of(&as_written, 0, NRF_XCORR)[k]);
  nrf_state_momentum_free(&correct);
  nrf_state_momentum_free(&as_written);
  uproot(&p);
}

static void without_momentum_there_is_no_image(void **state)
{
  (void)state;
  planted            p;
  nrf_state_momentum s;
  plant(&p, 40, 200, false);
  must(nrf_state_momentum_find(p.x, false, &s));
  assert_int_equal(s.image, -1);
  nrf_state_momentum_free(&s);
  uproot(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cuts_are_those_of_the_published_program),
      cmocka_unit_test(cuts_of_short_phases_stay_inside_them),
      cmocka_unit_test(correlations_are_sums_of_products_over_their_spans),
      cmocka_unit_test(the_momentum_is_negative_unless_as_written),
      cmocka_unit_test(without_momentum_there_is_no_image),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
