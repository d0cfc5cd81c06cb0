/* ei_lag_test.c - lags of states that are late, early, unrelated or constant, or that oscillate. */
#include "analysis/steps/ei_lag.h"

#include "support/memory_source.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { LATE, LATER, EARLY, CONSTANT, UNRELATED, OSCILLATING, CHANNELS };
enum { IMAGES = 6, SIDE = 8, PERIOD = 20, LONG_PHASE = 600 };

static const int lag_of[CHANNELS] = {
    [LATE] = 3, [LATER] = 17, [EARLY] = -40, [UNRELATED] = 0, [OSCILLATING] = 5};

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* ---- planted recordings ---------------------------------------------------------------------------------- */

static float momentum_of(const memory_source *s, int image, int channel, int64_t row)
{
  const float noise = memory_noise(s, NRF_RECORD_MOMENTUM, image, channel, row, 0, 0);
  if (channel != OSCILLATING) return noise;
  return (float)cos(2.0 * M_PI * (double)row / PERIOD + image) + 0.2f * noise;
}

/* The state is the momentum some rows earlier. */
static float value_of(const memory_source *s, nrf_record_variable variable, int image, int channel,
                      int64_t row, int h, int w)
{
  if (h != SIDE / 2 || w != SIDE / 2) return memory_noise(s, variable, image, channel, row, h, w);
  if (variable == NRF_RECORD_MOMENTUM) return momentum_of(s, image, channel, row);
  if (channel == CONSTANT) return 0.25f;
  if (channel == UNRELATED) return memory_noise(s, variable, image, channel, row, h, w);
  return 0.3f + 0.5f * momentum_of(s, image, channel, row - lag_of[channel]);
}

typedef struct planted {
  char          scratch[SCRATCH_PATH];
  memory_source source;
  nrf_extract  *x;
  nrf_ei_lags   lags;
} planted;

static void plant(planted *p, int images, int64_t pre, int64_t stimulus, bool momentum, int threads)
{
  char path[SCRATCH_PATH];
  memset(p, 0, sizeof *p);
  scratch_create(p->scratch);
  memory_source_create(&p->source, "single/long_just_fewangles", images, CHANNELS, SIDE, SIDE);
  memory_source_set_phases(&p->source, 20, pre, stimulus, 30);
  p->source.value                              = value_of;
  p->source.info.variable[NRF_RECORD_MOMENTUM] = momentum;
  for (int b = 0; b < images; b++) p->source.image[b].angle = b * M_PI / 4.0;
  scratch_path(path, p->scratch, "extract.h5");
  must(nrf_extract_make(&p->source.source, path, (nrf_extract_effort){2, 64 << 20}, NULL));
  must(nrf_extract_open(path, &p->x));
  must(nrf_ei_lags_find(p->x, threads, NULL, &p->lags));
}

static void uproot(planted *p)
{
  nrf_ei_lags_free(&p->lags);
  nrf_extract_free(p->x);
  scratch_remove(p->scratch);
}

/* ---- lags ------------------------------------------------------------------------------------------------ */

static void a_lag_is_found_in_every_image_and_period(void **state)
{
  (void)state;
  static const int related[] = {LATE, LATER, EARLY};
  planted          p;
  plant(&p, IMAGES, LONG_PHASE, LONG_PHASE, true, 2);
  assert_int_equal(p.lags.images, IMAGES);
  assert_int_equal(p.lags.channels, CHANNELS);
  for (int period = 0; period < NRF_EI_PERIODS; period++)
    for (int k = 0; k < 3; k++)
      for (int i = 0; i < IMAGES; i++) {
        const nrf_ei_lag *lag = &nrf_ei_lags_of(&p.lags, period, related[k])[i];
        assert_int_equal(lag->channel, related[k]);
        assert_int_equal(lag->image, i);
        assert_true(lag->lag == lag_of[related[k]]);
        assert_true(lag->coefficient > 0.9 && lag->coefficient < 1.01); /* 40 of 600 rows have no partner */
        assert_true(lag->other > 0.0 && lag->other < 0.25);             /* images have nothing in common */
        assert_true(lag->margin > 0.5 && lag->margin < 1.0);
      }
  uproot(&p);
}

/* White noise of 600 rows: the largest of 200 coefficients is about 0.11. */
static void what_is_unrelated_is_no_more_correlated_than_with_another_image(void **state)
{
  (void)state;
  planted        p;
  nrf_ei_summary s;
  plant(&p, IMAGES, LONG_PHASE, LONG_PHASE, true, 2);
  must(nrf_ei_summarise(&p.lags, NRF_EI_DURING, UNRELATED, &s));
  assert_int_equal(s.lag.n, IMAGES);
  assert_true(fabs(s.coefficient - 0.11) < 0.04 && fabs(s.other - 0.11) < 0.04);
  assert_true(s.lag.minimum < s.lag.maximum);
  uproot(&p);
}

static void a_constant_trace_has_no_lag(void **state)
{
  (void)state;
  planted        p;
  nrf_ei_summary s;
  plant(&p, IMAGES, LONG_PHASE, LONG_PHASE, true, 2);
  const nrf_ei_lag *lag = nrf_ei_lags_of(&p.lags, NRF_EI_WHOLE, CONSTANT);
  assert_true(isnan(lag->lag) && isnan(lag->coefficient) && isnan(lag->rival_lag));
  assert_true(isnan(nrf_ei_mean_of(&p.lags, NRF_EI_WHOLE, CONSTANT)[100]));
  must(nrf_ei_summarise(&p.lags, NRF_EI_WHOLE, CONSTANT, &s));
  assert_int_equal(s.lag.n, 0);
  assert_true(isnan(s.median) && isnan(s.coefficient));
  must(nrf_ei_summarise(&p.lags, NRF_EI_WHOLE, NRF_EI_ALL_CHANNELS, &s));
  assert_int_equal(s.lag.n, IMAGES * (CHANNELS - 1));
  uproot(&p);
}

static void an_oscillation_has_a_rival_one_period_away(void **state)
{
  (void)state;
  planted        p;
  nrf_ei_summary s;
  plant(&p, IMAGES, LONG_PHASE, LONG_PHASE, true, 2);
  for (int i = 0; i < IMAGES; i++) {
    const nrf_ei_lag *lag = &nrf_ei_lags_of(&p.lags, NRF_EI_DURING, OSCILLATING)[i];
    assert_true(lag->lag == lag_of[OSCILLATING]); /* the one with the largest overlap */
    assert_true(fabs(fabs(lag->rival_lag - lag->lag) - PERIOD) < 1.5);
    assert_true(lag->rival_gap > 0.0 && lag->rival_gap < NRF_EI_CLOSE);
  }
  must(nrf_ei_summarise(&p.lags, NRF_EI_DURING, OSCILLATING, &s));
  assert_int_equal(s.ambiguous, IMAGES);
  must(nrf_ei_summarise(&p.lags, NRF_EI_DURING, LATE, &s));
  assert_int_equal(s.ambiguous, 0);
  uproot(&p);
}

static void the_mean_correlation_is_the_images(void **state)
{
  (void)state;
  planted p;
  plant(&p, IMAGES, LONG_PHASE, LONG_PHASE, true, 2);
  const double *mean = nrf_ei_mean_of(&p.lags, NRF_EI_BEFORE, LATER);
  const int     at   = lag_of[LATER] - p.lags.first[NRF_EI_BEFORE];
  double        sum  = 0.0;
  for (int i = 0; i < IMAGES; i++) sum += nrf_ei_lags_of(&p.lags, NRF_EI_BEFORE, LATER)[i].coefficient;
  assert_true(fabs(mean[at] - sum / IMAGES) < 1e-12);
  assert_true(fabs(mean[at - 30]) < 0.1);
  uproot(&p);
}

static void threads_do_not_show(void **state)
{
  (void)state;
  planted one, two;
  plant(&one, IMAGES, LONG_PHASE, LONG_PHASE, true, 1);
  plant(&two, IMAGES, LONG_PHASE, LONG_PHASE, true, 2);
  const size_t n = NRF_EI_PERIODS * CHANNELS;
  assert_memory_equal(one.lags.lag, two.lags.lag, n * IMAGES * sizeof *one.lags.lag);
  assert_memory_equal(one.lags.mean, two.lags.mean, n * NRF_EI_LAGS * sizeof *one.lags.mean);
  uproot(&one);
  uproot(&two);
}

static void short_phases_have_fewer_lags(void **state)
{
  (void)state;
  planted p;
  plant(&p, 1, 30, 90, true, 2);
  assert_int_equal(p.lags.lags[NRF_EI_BEFORE], 59);
  assert_int_equal(p.lags.first[NRF_EI_BEFORE], -29);
  assert_int_equal(p.lags.lags[NRF_EI_DURING], 179);
  assert_int_equal(p.lags.first[NRF_EI_DURING], -89);
  assert_true(nrf_ei_lags_of(&p.lags, NRF_EI_BEFORE, LATE)->lag == lag_of[LATE]);
  assert_true(isnan(nrf_ei_lags_of(&p.lags, NRF_EI_BEFORE, LATE)->other)); /* there is no other image */
  assert_true(isnan(nrf_ei_mean_of(&p.lags, NRF_EI_BEFORE, LATE)[59]));
  uproot(&p);
}

static void of_two_images_each_is_the_others_other(void **state)
{
  (void)state;
  planted p;
  plant(&p, 2, LONG_PHASE, LONG_PHASE, true, 1);
  for (int i = 0; i < 2; i++) {
    const double other = nrf_ei_lags_of(&p.lags, NRF_EI_DURING, LATE)[i].other;
    assert_true(other > 0.0 && other < 0.25);
  }
  uproot(&p);
}

static void without_momentum_there_is_nothing(void **state)
{
  (void)state;
  planted p;
  plant(&p, IMAGES, LONG_PHASE, LONG_PHASE, false, 1);
  assert_int_equal(p.lags.images, 0);
  uproot(&p);
}

/* ---- what is common to them ------------------------------------------------------------------------------ */

/* Two channels with the same lags in each image: 0, 1, ... images - 1, and whatever else in other periods. */
static nrf_ei_lags twins(int images, nrf_ei_lag lag[])
{
  const nrf_ei_lags lags = {.channels = 2,
                            .images   = images,
                            .lag      = lag,
                            .lags     = {NRF_EI_LAGS, 0, NRF_EI_LAGS},
                            .first    = {NRF_EI_FIRST_LAG, 0, NRF_EI_FIRST_LAG}};
  memset(lag, 0, (size_t)(NRF_EI_PERIODS * 2 * images) * sizeof *lag);
  for (int c = 0; c < 2; c++)
    for (int i = 0; i < images; i++) {
      lag[c * images + i].lag                      = i;
      lag[(NRF_EI_WHOLE * 2 + c) * images + i].lag = c == 0 ? 4.0 : 10.0;
    }
  return lags;
}

static void medians_and_their_intervals_are_over_images(void **state)
{
  (void)state;
  nrf_ei_lag        lag[NRF_EI_PERIODS * 2 * 20];
  const nrf_ei_lags lags   = twins(20, lag);
  const nrf_rng     stream = nrf_rng_at(3, NRF_RNG_BOOTSTRAP, 0, 0);
  nrf_interval      one, both;
  nrf_ei_summary    s;
  must(nrf_ei_summarise(&lags, NRF_EI_DURING, NRF_EI_ALL_CHANNELS, &s));
  assert_true(s.lag.n == 40 && s.median == 9.5 && fabs(s.lag.mean - 9.5) < 1e-12);
  must(nrf_ei_median_interval(&lags, NRF_EI_DURING, 0, stream, &one));
  must(nrf_ei_median_interval(&lags, NRF_EI_DURING, NRF_EI_ALL_CHANNELS, stream, &both));
  /* order statistics: the 6th and the 15th of 20 enclose the median in 95.9 % of samples */
  assert_true(one.lower >= 4.0 && one.lower <= 6.0 && one.upper >= 13.0 && one.upper <= 15.0);
  assert_true(one.lower == both.lower && one.upper == both.upper); /* a channel's twin tells nothing new */
  const nrf_moments means = nrf_ei_image_means(&lags, NRF_EI_DURING);
  assert_true(means.n == 20 && fabs(means.mean - 9.5) < 1e-12);
}

/* Of 100 lags, 0 to 99, drawn again: 2.5 % of the medians are below 40, 5 % below 41.5 (simulated). As every draw is a new one, ten
 * thousand of them are enough for half a lag, whichever stream they come from. */
static void intervals_hold_95_percent_of_independent_medians(void **state)
{
  (void)state;
  enum { MANY = 100, STREAMS = 6 };
  nrf_ei_lag        lag[NRF_EI_PERIODS * 2 * MANY];
  const nrf_ei_lags lags = twins(MANY, lag);
  for (uint64_t k = 0; k < STREAMS; k++) {
    nrf_interval ends;
    must(nrf_ei_median_interval(&lags, NRF_EI_DURING, 0, nrf_rng_at(3, NRF_RNG_BOOTSTRAP, k, 0), &ends));
    assert_true(fabs(ends.lower - 40.0) <= 0.5 && fabs(ends.upper - 59.0) <= 0.5);
  }
}

static void an_interval_needs_two_images(void **state)
{
  (void)state;
  nrf_ei_lag        lag[NRF_EI_PERIODS * 2];
  const nrf_ei_lags lags = twins(1, lag);
  nrf_interval      ends;
  must(nrf_ei_median_interval(&lags, NRF_EI_DURING, 0, nrf_rng_at(3, NRF_RNG_BOOTSTRAP, 0, 0), &ends));
  assert_true(isnan(ends.lower) && isnan(ends.upper));
}

/* Half of the lags are 4, half are 10, in whichever images are drawn. */
static void of_an_even_number_the_median_is_in_the_middle(void **state)
{
  (void)state;
  nrf_ei_lag        lag[NRF_EI_PERIODS * 2 * 5];
  const nrf_ei_lags lags = twins(5, lag);
  nrf_interval      ends;
  must(nrf_ei_median_interval(&lags, NRF_EI_WHOLE, NRF_EI_ALL_CHANNELS,
                              nrf_rng_at(3, NRF_RNG_BOOTSTRAP, 0, 0), &ends));
  assert_true(ends.lower == 7.0 && ends.upper == 7.0);
}

static void a_lag_is_ambiguous_if_another_peak_is_close(void **state)
{
  (void)state;
  nrf_ei_lag        lag[NRF_EI_PERIODS * 2 * 5];
  const nrf_ei_lags lags = twins(5, lag);
  nrf_ei_summary    s;
  for (int i = 0; i < 5; i++) {
    lag[i].margin    = 0.01; /* of the next value on the same peak */
    lag[i].rival_gap = i == 2 ? 0.09 : i == 3 ? NAN : 0.5;
  }
  must(nrf_ei_summarise(&lags, NRF_EI_DURING, 0, &s));
  assert_int_equal(s.ambiguous, 1);
}

static void published_means_run_over_channels(void **state)
{
  (void)state;
  nrf_ei_lag        lag[NRF_EI_PERIODS * 2 * 5];
  const nrf_ei_lags lags = twins(5, lag);
  double            mean[2];
  assert_true(nrf_ei_published_means(&lags, mean) == 5.5);
  assert_true(mean[0] == 4.0 && mean[1] == 7.0);
  lag[NRF_EI_WHOLE * 2 * 5 + 3].lag = NAN; /* the place of the largest of only NaN was the first lag */
  assert_true(nrf_ei_published_means(&lags, mean) ==
              0.5 * ((16.0 + NRF_EI_FIRST_LAG) / 5.0 + (66.0 + NRF_EI_FIRST_LAG) / 10.0));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_lag_is_found_in_every_image_and_period),
      cmocka_unit_test(what_is_unrelated_is_no_more_correlated_than_with_another_image),
      cmocka_unit_test(a_constant_trace_has_no_lag),
      cmocka_unit_test(an_oscillation_has_a_rival_one_period_away),
      cmocka_unit_test(the_mean_correlation_is_the_images),
      cmocka_unit_test(threads_do_not_show),
      cmocka_unit_test(short_phases_have_fewer_lags),
      cmocka_unit_test(of_two_images_each_is_the_others_other),
      cmocka_unit_test(without_momentum_there_is_nothing),
      cmocka_unit_test(medians_and_their_intervals_are_over_images),
      cmocka_unit_test(intervals_hold_95_percent_of_independent_medians),
      cmocka_unit_test(an_interval_needs_two_images),
      cmocka_unit_test(of_an_even_number_the_median_is_in_the_middle),
      cmocka_unit_test(a_lag_is_ambiguous_if_another_peak_is_close),
      cmocka_unit_test(published_means_run_over_channels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
