/* matching_test.c - which stimuli match which channels, and how often their neurons are active. */
#include "analysis/steps/matching.h"
#include "nrflv/analysis/true_contrast.h"

#include "support/close.h"
#include "support/memory_source.h"
#include "support/scratch.h"

#include <string.h>

enum { QUARTERS = 4, CONTRASTS = 3, IMAGES = QUARTERS * CONTRASTS, CHANNELS = 4, HEIGHT = 4, WIDTH = 6 };

/* 2 prefers the second quarter turn, nearly; 4 the first, by the last degrees of a turn; 7 is between stimuli, 8 is not
 * tuned. Of 11 nothing was recorded. */
static const int      channel_number[CHANNELS] = {2, 4, 7, 8};
static nrf_preference preference[]             = {{11, 0.0, 0.1, 0},
                                                  {8, M_PI_2, 0.01, 0},
                                                  {7, M_PI_4, 0.1, 1},
                                                  {4, 2.0 * M_PI - 0.17, 0.1, 0},
                                                  {2, M_PI_2 + 0.1, 0.1, 1}};

static const nrf_preferences preferences = {5, preference};

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

/* The centre of channel 2 responds to contrasts, that of channel 4 does not; other places fall. */
static float planted_value(const memory_source *s, nrf_record_variable variable, int image, int channel,
                           int64_t row, int h, int w)
{
  const double noise  = (double)memory_noise(s, variable, image, channel, row, h, w);
  const bool   during = row >= 50 && row < 90, centre = h == HEIGHT / 2 && w == WIDTH / 2;
  const double rise = !centre ? -0.5 : channel == 0 && s->image[image].contrast > 0.0 ? 0.5 : 0.0;
  return (float)(0.1 * noise + (during ? rise : 0.0));
}

/* Columns of grey levels that depend on the image. */
static nrf_status read_picture(void *context, nrf_recording_shows which, int image, uint8_t *out)
{
  const nrf_recording_pictures *p = &((memory_source *)context)->info.pictures;
  for (int i = 0; i < p->channels * p->height * p->width; i++)
    out[i] = (uint8_t)(which == NRF_SHOWS_STIMULUS ? 60 + i % p->width * 20 * image : 7);
  return NRF_OK;
}

static nrf_extract *make_extract(void)
{
  static memory_source s;
  char                 directory[SCRATCH_PATH], path[SCRATCH_PATH];
  nrf_extract         *x = NULL;
  memory_source_create(&s, "single/contrast_and_angle", IMAGES, CHANNELS, HEIGHT, WIDTH);
  s.value               = planted_value;
  s.source.read_picture = read_picture;
  for (int c = 0; c < CHANNELS; c++) s.channel[c] = channel_number[c];
  s.info.layer[0].channels = 12;
  for (int b = 0; b < IMAGES; b++) {
    s.image[b].angle    = b % QUARTERS * M_PI_2;
    s.image[b].contrast = 0.4 * (b / QUARTERS);
  }
  scratch_create(directory);
  scratch_path(path, directory, "x.h5");
  must(nrf_extract_make(&s.source, path, (nrf_extract_effort){2, 64 << 20}, NULL));
  must(nrf_extract_open(path, &x));
  scratch_remove(directory);
  return x;
}

static int set_up(void **state)
{
  *state = make_extract();
  return 0;
}

static int tear_down(void **state)
{
  nrf_extract_free(*state);
  return 0;
}

static void stimuli_match_within_ten_degrees(void **state)
{
  static const int matched_quarter[CHANNELS] = {1, 0, -1, -1};
  nrf_matching     m;
  must(nrf_match_channels(*state, &preferences, false, &m));
  for (int c = 0; c < CHANNELS; c++)
    for (int b = 0; b < IMAGES; b++)
      assert_int_equal(m.matched[nrf_match_at(&m, c, b)], b % QUARTERS == matched_quarter[c]);
  assert_near(m.preferred[0], M_PI_2 + 0.1, 0.0);
  assert_near(m.difference[nrf_match_at(&m, 0, 0)], M_PI_2 + 0.1, 1e-15);
  assert_near(m.difference[nrf_match_at(&m, 1, 4)], 0.17, 1e-12);
  assert_true(isnan(m.preferred[3]) && isnan(m.difference[nrf_match_at(&m, 3, 5)]));
  nrf_matching_free(&m);
}

static void angles_and_contrasts_are_listed_once(void **state)
{
  nrf_matching m;
  must(nrf_match_channels(*state, &preferences, false, &m));
  assert_int_equal(m.n_angles, QUARTERS);
  assert_int_equal(m.n_contrasts, CONTRASTS);
  for (int k = 0; k < QUARTERS; k++) assert_near(m.angle[k], k * M_PI_2, 0.0);
  for (int k = 0; k < CONTRASTS; k++) assert_near(m.contrast[k], 0.4 * k, 0.0);
  nrf_matching_free(&m);

  must(nrf_match_channels(*state, &preferences, true, &m));
  assert_near(m.stimulus[5], 1.571, 0.0);
  nrf_matching_free(&m);
}

/* Channel 2 is active for every contrast above 0, whether the angle matches or not; 4 and 7 never but by chance; 8 does not
 * count. */
static void active_neurons_are_counted_by_contrast(void **state)
{
  nrf_matching     m;
  nrf_match_counts matched[CONTRASTS], others[CONTRASTS];
  must(nrf_match_channels(*state, &preferences, false, &m));
  nrf_count_active(*state, &m, matched, others);
  for (int k = 0; k < CONTRASTS; k++) {
    assert_int_equal(matched[k].n, 2); /* 2 and 4, one angle each */
    assert_int_equal(others[k].n, 3 * QUARTERS - 2);
    if (k == 0) continue;
    assert_in_range(matched[k].active, 1, 2);
    assert_in_range(others[k].active, 3, 5);
  }
  assert_in_range(matched[0].active + others[0].active, 0, 2);
  nrf_matching_free(&m);
}

static void true_contrasts_are_those_of_the_pictures(void **state)
{
  for (int b = 0; b < 4; b++) assert_near(nrf_true_contrast(*state, b), 60.0 * b / (120.0 + 60.0 * b), 1e-15);
  assert_true(isnan(nrf_true_contrast(*state, IMAGES)));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stimuli_match_within_ten_degrees),
      cmocka_unit_test(angles_and_contrasts_are_listed_once),
      cmocka_unit_test(active_neurons_are_counted_by_contrast),
      cmocka_unit_test(true_contrasts_are_those_of_the_pictures),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
