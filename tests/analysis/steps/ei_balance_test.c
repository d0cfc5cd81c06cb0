/* ei_balance_test.c - means of planted states and momenta, and how they go together over images. */
#include "analysis/steps/ei_balance.h"

#include "support/memory_source.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { TOGETHER, AGAINST, STILL, CHANNELS };
enum { IMAGES = 5, SIDE = 4 };

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* During the stimulus the momentum is +-(1 + image), before it +-1/2, after it less; the state is 1 + image, or less as the image is
 * later. */
static float value_of(const memory_source *s, nrf_record_variable variable, int image, int channel,
                      int64_t row, int h, int w)
{
  const bool started = row >= s->info.phase[2].first_step, ended = row >= s->info.phase[3].first_step;
  (void)h;
  (void)w;
  if (channel == STILL) return 0.25f;
  if (variable == NRF_RECORD_MOMENTUM)
    return (row % 2 == 0 ? 1.0f : -1.0f) * (ended ? 0.125f : started ? 1.0f + (float)image : 0.5f);
  return channel == TOGETHER ? 1.0f + (float)image : 8.0f - (float)image;
}

static void find(bool momentum, int images, nrf_balances *out)
{
  memory_source source;
  char          scratch[SCRATCH_PATH], path[SCRATCH_PATH];
  nrf_extract  *x;
  scratch_create(scratch);
  memory_source_create(&source, "single/long_just_fewangles", images, CHANNELS, SIDE, SIDE);
  source.value                              = value_of;
  source.info.variable[NRF_RECORD_MOMENTUM] = momentum;
  for (int b = 0; b < images; b++) source.image[b].angle = 0.0;
  scratch_path(path, scratch, "extract.h5");
  must(nrf_extract_make(&source.source, path, (nrf_extract_effort){1, 64 << 20}, NULL));
  must(nrf_extract_open(path, &x));
  must(nrf_balances_find(x, out));
  nrf_extract_free(x);
  scratch_remove(scratch);
}

static void means_are_of_their_period(void **state)
{
  (void)state;
  nrf_balances all;
  find(true, IMAGES, &all);
  assert_int_equal(all.n, NRF_BALANCE_PERIODS * CHANNELS * IMAGES);
  for (int64_t i = 0; i < all.n; i++) {
    const nrf_balance *b = &all.balance[i];
    assert_int_equal(b->period, i / (CHANNELS * IMAGES));
    assert_int_equal(b->image, i % IMAGES);
    if (b->channel != TOGETHER) continue;
    assert_true(b->momentum == (b->period == NRF_BALANCE_DURING ? 1.0 + b->image : 0.5));
    assert_true(b->state == 1.0 + b->image);
  }
  nrf_balances_free(&all);
}

/* TOGETHER has 1, AGAINST -1; STILL, and before the stimulus all of them, have no correlation. */
static void correlations_are_over_images(void **state)
{
  (void)state;
  nrf_balances all;
  find(true, IMAGES, &all);
  const nrf_moments during = nrf_balance_correlation(&all, NRF_BALANCE_DURING);
  assert_int_equal(during.n, 2);
  assert_true(fabs(during.maximum - 1.0) < 1e-12 && fabs(during.minimum + 1.0) < 1e-12);
  assert_int_equal(nrf_balance_correlation(&all, NRF_BALANCE_BEFORE).n, 0);
  nrf_balances_free(&all);
}

static void two_images_have_no_correlation(void **state)
{
  (void)state;
  nrf_balances all;
  find(true, 2, &all);
  assert_int_equal(nrf_balance_correlation(&all, NRF_BALANCE_DURING).n, 0);
  nrf_balances_free(&all);
}

static void without_momentum_there_is_nothing(void **state)
{
  (void)state;
  nrf_balances all;
  find(false, IMAGES, &all);
  assert_int_equal(all.n, 0);
  nrf_balances_free(&all);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(means_are_of_their_period),
      cmocka_unit_test(correlations_are_over_images),
      cmocka_unit_test(two_images_have_no_correlation),
      cmocka_unit_test(without_momentum_there_is_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
