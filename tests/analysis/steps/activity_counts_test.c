/* activity_counts_test.c - planted activity is found neuron by neuron and counted; correlated states mislead the test of single
 * states, and not that of stretches. */
#include "analysis/steps/activity_counts.h"

#include "nrflv/analysis/activity.h"
#include "nrflv/memory.h"

#include "support/close.h"
#include "support/memory_source.h"
#include "support/scratch.h"

#include <math.h>
#include <string.h>

enum { RAISED, LOWERED, CONSTANT, BROKEN, CHANNELS };
enum { IMAGES = 3, HEIGHT = 6, WIDTH = 4, BURN = 10, PRE = 300, STIMULUS = 400, POST = 200 };

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static bool is_stimulus(int64_t row)
{
  return row >= BURN + PRE && row < BURN + PRE + STIMULUS;
}

/* Noise everywhere; at the centre, (3, 2), the stimulus shifts it. */
static float planted_value(const memory_source *s, nrf_record_variable variable, int image, int channel,
                           int64_t row, int h, int w)
{
  const float noise = 0.1f * memory_noise(s, variable, image, channel, row, h, w);
  if (channel == CONSTANT) return 0.25f;
  if (channel == BROKEN) return h == 0 && w == 0 && row == BURN + PRE ? NAN : noise;
  if (h != 3 || w != 2 || !is_stimulus(row)) return noise;
  return channel == RAISED ? noise + 0.5f : noise - 0.5f;
}

/* Values that last for so many rows: few independent ones. */
static float slow_value(const memory_source *s, nrf_record_variable variable, int image, int channel,
                        int64_t row, int h, int w)
{
  enum { LASTS = 12 };
  return memory_noise(s, variable, image, channel, row / LASTS, h, w);
}

typedef struct planted {
  char          scratch[SCRATCH_PATH];
  memory_source source;
  nrf_extract  *x;
} planted;

static void open_source(planted *p)
{
  char path[SCRATCH_PATH];
  scratch_create(p->scratch);
  scratch_path(path, p->scratch, "extract.h5");
  must(nrf_extract_make(&p->source.source, path, (nrf_extract_effort){2, 64 << 20}, NULL));
  must(nrf_extract_open(path, &p->x));
}

static void plant(planted *p)
{
  memory_source_create(&p->source, "single/just_angle_few_angles", IMAGES, CHANNELS, HEIGHT, WIDTH);
  memory_source_set_phases(&p->source, BURN, PRE, STIMULUS, POST);
  p->source.value = planted_value;
  for (int b = 0; b < IMAGES; b++) p->source.image[b].index = 10 + b;
  for (int c = 0; c < CHANNELS; c++) p->source.channel[c] = 3 + 2 * c;
  p->source.info.layer[0].channels = 3 + 2 * CHANNELS;
  p->source.info.batch             = 64;
  open_source(p);
}

static void uproot(planted *p)
{
  nrf_extract_free(p->x);
  scratch_remove(p->scratch);
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static const int64_t *ints(const nrf_table *table, const char *name)
{
  const int64_t *column = NULL;
  must(nrf_table_get_ints(table, name, &column));
  return column;
}

static const double *doubles(const nrf_table *table, const char *name)
{
  const double *column = NULL;
  must(nrf_table_get_doubles(table, name, &column));
  return column;
}

static void a_row_for_each_neuron_in_order(void **state)
{
  (void)state;
  planted             p;
  nrf_table          *table = NULL;
  nrf_activity_counts counts;
  const bool         *active = NULL;
  int64_t             row    = 0;
  plant(&p);
  must(nrf_count_activity(p.x, 2, NULL, &table, &counts));
  assert_string_equal(nrf_table_name(table),
                      "neuron_activity_results_alternativeformat_just_angles_few_angles");
  assert_int_equal(nrf_table_n_rows(table), CHANNELS * IMAGES * HEIGHT * WIDTH);
  must(nrf_table_get_bools(table, "active", &active));
  for (int c = 0; c < CHANNELS; c++)
    for (int b = 0; b < IMAGES; b++)
      for (int h = 0; h < HEIGHT; h++)
        for (int w = 0; w < WIDTH; w++, row++) {
          const nrf_activity a = nrf_activity_of(p.x, nrf_extract_at(p.x, c, b, h, w));
          assert_int_equal(ints(table, "channel")[row], 3 + 2 * c);
          assert_int_equal(ints(table, "batch_idx")[row], 10 + b);
          assert_int_equal(ints(table, "height")[row], h);
          assert_int_equal(ints(table, "width")[row], w);
          assert_int_equal(active[row], a.active);
          if (c == RAISED && h == 3 && w == 2) {
            assert_true(active[row]);
            assert_near(doubles(table, "mean_act_during")[row], 0.5, 0.02);
            assert_near(doubles(table, "mean_act_outside")[row], 0.0, 0.02);
            assert_true(doubles(table, "ttest_p_value")[row] < 1e-100);
          }
          if (c == CONSTANT)
            assert_true(doubles(table, "shapiro_W_during")[row] == 1.0 &&
                        doubles(table, "shapiro_p_outside")[row] == 1.0 &&
                        isnan(doubles(table, "ttest_p_value")[row]) && !active[row]);
          else if (c != BROKEN)
            assert_true(doubles(table, "shapiro_p_outside")[row] < 1e-6); /* uniform noise */
        }
  nrf_table_free(table);
  nrf_activity_counts_free(&counts);
  uproot(&p);
}

static void neurons_are_counted(void **state)
{
  (void)state;
  enum { PLACES = HEIGHT * WIDTH };
  planted             p;
  nrf_table          *table = NULL;
  nrf_activity_counts counts;
  plant(&p);
  must(nrf_count_activity(p.x, 1, NULL, &table, &counts));
  for (int b = 0; b < IMAGES; b++) {
    const nrf_activity_count *raised   = &counts.of[RAISED * IMAGES + b],
                             *lowered  = &counts.of[LOWERED * IMAGES + b],
                             *constant = &counts.of[CONSTANT * IMAGES + b],
                             *broken   = &counts.of[BROKEN * IMAGES + b];
    assert_int_equal(raised->tested, PLACES);
    assert_int_equal(raised->varying[NRF_SPAN_DURING], PLACES);
    assert_in_range(raised->active, 1, 4); /* the planted one, and some by chance */
    assert_in_range(lowered->lower, 1, 4);
    assert_true(raised->lower <= 3 && lowered->active <= 3);
    assert_int_equal(raised->normal[NRF_SPAN_DURING], 0);
    assert_int_equal(constant->tested, 0);
    assert_int_equal(constant->varying[NRF_SPAN_OUTSIDE], 0);
    assert_int_equal(broken->tested, PLACES - 1);
    assert_int_equal(broken->varying[NRF_SPAN_DURING], PLACES - 1);
    assert_int_equal(broken->varying[NRF_SPAN_OUTSIDE], PLACES);
  }
  nrf_table_free(table);
  nrf_activity_counts_free(&counts);
  uproot(&p);
}

static void shares_are_of_what_was_tested(void **state)
{
  (void)state;
  nrf_activity_count  list[] = {{10, 4, 1, {10, 8}, {5, 2}},
                                {0, 0, 0, {0, 0}, {0, 0}},
                                {30, 6, 9, {20, 8}, {5, 8}},
                                {0, 0, 0, {0, 0}, {0, 0}}};
  nrf_activity_counts counts = {2, 2, list};
  assert_near(nrf_share_of(&counts, NRF_SHARE_ACTIVE, 0, 0), 0.4, 1e-15);
  assert_near(nrf_share_of(&counts, NRF_SHARE_ACTIVE, 1, 0), 0.2, 1e-15);
  assert_near(nrf_share_of(&counts, NRF_SHARE_ACTIVE, -1, 0), 0.25, 1e-15);
  assert_near(nrf_share_of(&counts, NRF_SHARE_LOWER, -1, 0), 0.25, 1e-15);
  assert_near(nrf_share_of(&counts, NRF_SHARE_NOT_NORMAL_DURING, -1, 0), 20.0 / 30.0, 1e-15);
  assert_near(nrf_share_of(&counts, NRF_SHARE_NOT_NORMAL_OUTSIDE, 0, 0), 0.75, 1e-15);
  assert_true(isnan(nrf_share_of(&counts, NRF_SHARE_ACTIVE, -1, 1)));
}

/* ---- stretches ------------------------------------------------------------------------------------------- */

static void stretches_find_what_is_there(void **state)
{
  (void)state;
  planted           p;
  nrf_stretch_count counts[CHANNELS * IMAGES];
  plant(&p);
  assert_int_equal(nrf_stretch_rows(p.x), STIMULUS / NRF_STRETCHES);
  must(nrf_count_by_stretches(p.x, 2, NULL, counts));
  for (int b = 0; b < IMAGES; b++) {
    const nrf_stretch_count *raised = &counts[RAISED * IMAGES + b], *lowered = &counts[LOWERED * IMAGES + b];
    assert_true(raised->kept == 1 && raised->active == 1 && raised->of_stretches == 1);
    assert_true(lowered->kept == 1 && lowered->active == 0 && lowered->of_stretches == 0);
    assert_int_equal(counts[CONSTANT * IMAGES + b].kept, 0);
  }
  uproot(&p);
}

static float raised_everywhere(const memory_source *s, nrf_record_variable variable, int image, int channel,
                               int64_t row, int h, int w)
{
  const float shift = channel == RAISED ? 0.9f : channel == LOWERED ? -0.9f : 0.0f;
  return slow_value(s, variable, image, channel, row, h, w) + (is_stimulus(row) ? shift : 0.0f);
}

static void correlated_states_do_not_mislead_stretches(void **state)
{
  (void)state;
  enum { MANY = 160, UNCHANGED = 2, THREE };
  planted                  p;
  static nrf_stretch_count counts[THREE * MANY];
  nrf_stretch_count        sum[THREE] = {{0}};
  memory_source_create(&p.source, "single/just_angle", MANY, THREE, 2, 2);
  memory_source_set_phases(&p.source, BURN, PRE, STIMULUS, POST);
  p.source.value = raised_everywhere;
  open_source(&p);
  must(nrf_count_by_stretches(p.x, 2, NULL, counts));
  for (int i = 0; i < THREE * MANY; i++) {
    sum[i / MANY].kept += counts[i].kept;
    sum[i / MANY].active += counts[i].active;
    sum[i / MANY].of_stretches += counts[i].of_stretches;
  }
  for (int c = 0; c < THREE; c++) assert_int_equal(sum[c].kept, MANY);
  assert_int_equal(sum[RAISED].of_stretches, MANY);
  assert_int_equal(sum[LOWERED].of_stretches, 0);
  assert_true(sum[UNCHANGED].active > MANY / 5);         /* 2.5 % were right */
  assert_true(sum[UNCHANGED].of_stretches <= MANY / 14); /* 7 %: binomial, p < 0.001 for more */
  uproot(&p);
}

static void short_recordings_have_no_stretches(void **state)
{
  (void)state;
  planted           p;
  nrf_stretch_count count[2];
  memory_source_create(&p.source, "single/just_angle", 2, 1, 2, 2);
  memory_source_set_phases(&p.source, BURN, 60, 400, 30);
  open_source(&p);
  assert_int_equal(nrf_stretch_rows(p.x), 0); /* 40 rows each: one outside */
  memset(count, 1, sizeof count);
  must(nrf_count_by_stretches(p.x, 1, NULL, count));
  assert_int_equal(count[0].kept + count[1].kept, 0);
  uproot(&p);
}

static void stretches_after_the_stimulus_count_too(void **state)
{
  (void)state;
  planted           p;
  nrf_stretch_count count[2];
  memory_source_create(&p.source, "single/just_angle", 2, 1, 2, 2);
  memory_source_set_phases(&p.source, BURN, 0, 400, 100);
  open_source(&p);
  assert_int_equal(nrf_stretch_rows(p.x), 40);
  must(nrf_count_by_stretches(p.x, 1, NULL, count));
  assert_int_equal(count[0].kept + count[1].kept, 2);
  uproot(&p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_row_for_each_neuron_in_order),
      cmocka_unit_test(neurons_are_counted),
      cmocka_unit_test(shares_are_of_what_was_tested),
      cmocka_unit_test(stretches_find_what_is_there),
      cmocka_unit_test(correlated_states_do_not_mislead_stretches),
      cmocka_unit_test(short_recordings_have_no_stretches),
      cmocka_unit_test(stretches_after_the_stimulus_count_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
