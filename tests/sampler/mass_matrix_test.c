/* The inverse mass matrix has the published entries, and its band is the matrix as far as floats can tell. */
#include "nrflv/h5_file.h"
#include "nrflv/mass_matrix.h"
#include "nrflv/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static nrf_mass_matrix make(int channels)
{
  nrf_mass_matrix m;
  assert_int_equal(nrf_mass_matrix_make(channels, &m), NRF_OK);
  return m;
}

static void entries_are_the_published_ones(void **state)
{
  (void)state;
  const char  *shared = getenv("NRFLV_SHARED_DIR");
  char         path[512];
  nrf_h5_file *file = NULL;
  snprintf(path, sizeof path, "%s/reference/sghmc.h5", shared != NULL ? shared : ".");
  if (nrf_h5_open(path, &file) != NRF_OK) {
    print_message("skipped: no reference numbers (%s)\n", nrf_error_message());
    skip();
  }
  nrf_h5_strings names;
  assert_int_equal(nrf_h5_list(file, "/inverse_mass_matrix", &names), NRF_OK);
  assert_true(names.count > 0);
  for (int64_t k = 0; k < names.count; k++) {
    char         name[512];
    nrf_h5_shape shape;
    void        *data = NULL;
    snprintf(name, sizeof name, "/inverse_mass_matrix/%s", names.item[k]);
    assert_int_equal(nrf_h5_read_new(file, name, NRF_H5_FLOAT32, 1 << 20, &shape, &data), NRF_OK);
    const float          *want = data;
    const int             n    = (int)shape.dim[0];
    const nrf_mass_matrix m    = make(n);
    assert_false(m.interpolated);
    for (int row = 0; row < n; row++)
      for (int column = 0; column < n; column++) {
        const double entry = (double)want[row * n + column];
        /* Rounded standard deviations and exponents show most in the smallest entries. */
        assert_true(fabs(nrf_mass_matrix_entry(&m, row, column) - entry) <= 1e-5 * entry);
      }
    nrf_free(data);
  }
  nrf_h5_strings_free(&names);
  nrf_h5_free(file);
}

static void diagonals_are_the_documented_ones(void **state)
{
  (void)state;
  const struct {
    int    channels;
    double diagonal;
  } known[] = {{8, 3.989}, {16, 1.330}, {32, 0.725}};
  for (int k = 0; k < 3; k++) {
    const nrf_mass_matrix m = make(known[k].channels);
    assert_true(fabs(nrf_mass_matrix_entry(&m, 5, 5) - known[k].diagonal) < 5e-4);
  }
}

static void the_band_is_the_matrix_to_single_precision(void **state)
{
  (void)state;
  for (int channels = NRF_MASS_MATRIX_MIN_CHANNELS; channels <= 64; channels++) {
    const nrf_mass_matrix m = make(channels);
    assert_true(channels > 2 * m.band.half_width);
    double left_out = 0.0;
    for (int c = 0; c < channels; c++) {
      const int    apart = c < channels - c ? c : channels - c;
      const double tap   = apart <= m.band.half_width ? (double)m.band.tap[apart] : 0.0;
      left_out += fabs(nrf_mass_matrix_entry(&m, 0, c) - tap);
    }
    assert_true(left_out < 1e-7 * nrf_mass_matrix_entry(&m, 0, 0));
  }
}

static void other_channel_counts_are_interpolated_and_say_so(void **state)
{
  (void)state;
  const struct {
    int    channels;
    double sd;
    bool   interpolated;
  } want[] = {{6, 0.1, true},    {8, 0.1, false},   {12, 0.2, true}, {16, 0.3, false},
              {24, 0.425, true}, {32, 0.55, false}, {64, 0.55, true}};
  for (size_t k = 0; k < sizeof want / sizeof want[0]; k++) {
    const nrf_mass_matrix m = make(want[k].channels);
    assert_true(fabs(m.sd - want[k].sd) < 1e-12);
    assert_int_equal(m.interpolated, want[k].interpolated);
  }
}

static void layers_that_cannot_have_one_are_refused(void **state)
{
  (void)state;
  nrf_mass_matrix m;
  assert_int_equal(nrf_mass_matrix_make(5, &m), NRF_EUNSUPPORTED);
  assert_int_equal(nrf_mass_matrix_make(NRF_CIRCULANT_MAX_CHANNELS + 1, &m), NRF_EUNSUPPORTED);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_are_the_published_ones),
      cmocka_unit_test(diagonals_are_the_documented_ones),
      cmocka_unit_test(the_band_is_the_matrix_to_single_precision),
      cmocka_unit_test(other_channel_counts_are_interpolated_and_say_so),
      cmocka_unit_test(layers_that_cannot_have_one_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
