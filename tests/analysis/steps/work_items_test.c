/* work_items_test.c - every item is run once, errors come back with their message, a wish to stop is heard. */
#include "nrflv/analysis/work_items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ITEMS = 200, THREADS = 4 };

typedef struct count {
  atomic_int runs[ITEMS];
  atomic_int workers_seen; /* bit mask */
  int64_t    fail_from;    /* items from this one on fail */
} count;

static nrf_status count_item(void *context, int64_t item, int worker)
{
  count *c = context;
  atomic_fetch_add(&c->runs[item], 1);
  atomic_fetch_or(&c->workers_seen, 1 << worker);
  if (item >= c->fail_from) return nrf_error(NRF_EFORMAT, "item %d is bad", (int)item);
  return NRF_OK;
}

static nrf_work_items items_of(count *c)
{
  return (nrf_work_items){.n = ITEMS, .title = "test", .unit = "items", .run = count_item, .context = c};
}

static void every_item_is_run_once(void **state)
{
  (void)state;
  for (int threads = 1; threads <= THREADS; threads++) {
    count                c     = {.fail_from = ITEMS};
    const nrf_work_items items = items_of(&c);
    assert_int_equal(nrf_work_items_run(&items, threads, NULL), NRF_OK);
    for (int i = 0; i < ITEMS; i++) assert_int_equal(c.runs[i], 1);
    assert_int_equal(c.workers_seen & ~((1 << threads) - 1), 0);
  }
}

static void an_error_comes_back_with_its_message_and_stops_the_rest(void **state)
{
  (void)state;
  count                c     = {.fail_from = 17};
  const nrf_work_items items = items_of(&c);
  assert_int_equal(nrf_work_items_run(&items, 1, NULL), NRF_EFORMAT);
  assert_string_equal(nrf_error_message(), "item 17 is bad");
  assert_int_equal(c.runs[18], 0);

  count                all = {.fail_from = 0};
  const nrf_work_items bad = items_of(&all);
  assert_int_equal(nrf_work_items_run(&bad, THREADS, NULL), NRF_EFORMAT);
  int begun = 0;
  for (int i = 0; i < ITEMS; i++) begun += all.runs[i];
  assert_in_range(begun, 1, 2 * THREADS);
}

/* Item 0 is still at work when item 1 fails. */
static nrf_status fail_late(void *context, int64_t item, int worker)
{
  atomic_bool *other_failed = context;
  (void)worker;
  const time_t patience = time(NULL) + 10;
  if (item == 0)
    while (!atomic_load(other_failed) && time(NULL) < patience) continue;
  else
    atomic_store(other_failed, true);
  return nrf_error(NRF_EFORMAT, "item %d is bad", (int)item);
}

static void of_several_errors_that_of_the_lowest_item_is_returned(void **state)
{
  (void)state;
  atomic_bool          other_failed = false;
  const nrf_work_items items        = {
             .n = 2, .title = "test", .unit = "items", .run = fail_late, .context = &other_failed};
  assert_int_equal(nrf_work_items_run(&items, 2, NULL), NRF_EFORMAT);
  assert_string_equal(nrf_error_message(), "item 0 is bad");
}

static bool stop_at_once(void *context)
{
  (void)context;
  return true;
}

static void a_wish_to_stop_is_heard_between_items(void **state)
{
  (void)state;
  count                c        = {.fail_from = ITEMS};
  const nrf_work_items items    = items_of(&c);
  const nrf_progress   progress = {.stop_requested = stop_at_once};
  assert_int_equal(nrf_work_items_run(&items, 1, &progress), NRF_EINTERRUPTED);
  assert_int_equal(c.runs[0], 1);
  assert_int_equal(c.runs[1], 0);
}

static void a_wish_to_stop_that_comes_too_late_is_no_interruption(void **state)
{
  (void)state;
  count              c        = {.fail_from = ITEMS};
  nrf_work_items     items    = items_of(&c);
  const nrf_progress progress = {.stop_requested = stop_at_once};
  items.n                     = 1;
  assert_int_equal(nrf_work_items_run(&items, 1, &progress), NRF_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_item_is_run_once),
      cmocka_unit_test(an_error_comes_back_with_its_message_and_stops_the_rest),
      cmocka_unit_test(of_several_errors_that_of_the_lowest_item_is_returned),
      cmocka_unit_test(a_wish_to_stop_is_heard_between_items),
      cmocka_unit_test(a_wish_to_stop_that_comes_too_late_is_no_interruption),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
