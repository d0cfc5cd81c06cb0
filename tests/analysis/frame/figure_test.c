/* What a figure's files say: ranges, ticks, data, scripts; and what happens when one cannot be made or drawn. */
#include "analysis/frame/figure_model.h"
#include "nrflv/atomic_file.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT_BYTES = 1 << 20 };

static char scratch[SCRATCH_PATH], source[SCRATCH_PATH];

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static int set_up(void **state)
{
  (void)state;
  scratch_create(scratch);
  must(nrf_make_directories(scratch_path(source, scratch, "plot")));
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  scratch_remove(scratch);
  return 0;
}

static nrf_figure *figure_of(nrf_figure_spec spec)
{
  nrf_figure *f;
  spec.name = spec.name ? spec.name : "f";
  must(nrf_figure_create(&spec, &f));
  return f;
}

static const char *text_of(const char *name)
{
  static char text[TEXT_BYTES];
  char        path[SCRATCH_PATH];
  FILE       *file = fopen(scratch_path(path, source, name), "r");
  if (!file) fail_msg("there is no %s", path);
  const size_t n = fread(text, 1, sizeof text - 1, file);
  assert_int_equal(fclose(file), 0);
  text[n] = '\0';
  return text;
}

static void says(const char *file, const char *part)
{
  if (!strstr(text_of(file), part)) fail_msg("%s does not say '%s':\n%.4000s", file, part, text_of(file));
}

/* Writes and frees. */
static void write_figure(nrf_figure *f)
{
  must(nrf_figure_write(f, source));
  nrf_figure_free(f);
}

/* ---- ticks ---- */

static void ticks_are_round_and_as_many_as_fit(void **state)
{
  (void)state;
  static const struct {
    double low, high;
    int    wanted;
    double step;
    int    decimals, exponent, chars;
  } cases[] = {
      {0, 1, 5, 0.2, 1, 0, 3},      {0, 1, 10, 0.1, 1, 0, 3},       {-0.17, 0.17, 2, 0.1, 1, 0, 4},
      {0, 2700, 6, 500, 0, 0, 4},   {-1000, 1000, 4, 500, 0, 0, 5}, {0.21, 0.24, 4, 0.01, 2, 0, 4},
      {0, 3e-5, 3, 1e-5, 0, -5, 1}, {0, 2.5e7, 3, 1e7, 0, 7, 1},    {99.5, 100.5, 3, 0.5, 1, 0, 5},
      {0, 128, 7, 20, 0, 0, 3},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const figure_ticks t = figure_choose_ticks(cases[i].low, cases[i].high, cases[i].wanted);
    if (fabs(t.step - cases[i].step) > 1e-9 * cases[i].step || t.decimals != cases[i].decimals ||
        t.exponent != cases[i].exponent || t.chars != cases[i].chars)
      fail_msg("%zu: step %g, %d decimals, exponent %d, %d characters", i, t.step, t.decimals, t.exponent,
               t.chars);
  }
}

/* Whatever the range, there are at least two ticks, and not many more than wanted. */
static void there_are_always_ticks(void **state)
{
  (void)state;
  for (int k = -300; k < 300; k++) {
    for (int wanted = 1; wanted < 8; wanted++) {
      const double low = 1.7 * sin(k) * pow(10, k / 30), high = low + (1.1 + cos(3 * k)) * pow(10, k / 30);
      const figure_ticks t = figure_choose_ticks(low, high, wanted);
      const int          n = (int)(floor(high / t.step + 1e-9) - ceil(low / t.step - 1e-9)) + 1;
      if (n < 2 || n > wanted + 1 + (wanted < 3 ? 3 : 0))
        fail_msg("%g to %g, %d wanted: step %g, %d ticks", low, high, wanted, t.step, n);
    }
  }
}

static void numbers_have_typographic_signs_and_no_negative_zero(void **state)
{
  (void)state;
  const figure_ticks t = figure_choose_ticks(-1, 1, 4);
  char               text[FIGURE_TICK_BYTES];
  figure_number(&t, -0.5, text);
  assert_string_equal(text, "\xe2\x88\x92"
                            "0.5");
  figure_number(&t, -1e-17, text);
  assert_string_equal(text, "0.0");
}

/* ---- ranges and data ---- */

static void the_range_is_that_of_the_data_with_a_margin(void **state)
{
  (void)state;
  nrf_figure  *f   = figure_of((nrf_figure_spec){0});
  nrf_panel   *p   = nrf_figure_panel(f, 0, 0);
  const double y[] = {2, NAN, 12, INFINITY};
  nrf_plot_line(p, 4, NULL, y, NULL);
  nrf_panel_x(p, &(nrf_axis){.label = "x", .tight = true});
  write_figure(f);
  says("f.gp", "set xrange [0:2]");
  says("f.gp", "set yrange [1.5:12.5]");
  says("f.tsv", "0\t2\n1\tNaN\n2\t12\n3\tInf\n");
}

static void error_bars_bands_and_zero_widen_the_range(void **state)
{
  (void)state;
  const double x[] = {0, 1}, y[] = {5, 5}, low[] = {4, 3}, high[] = {6, 8};
  nrf_figure  *f = figure_of((nrf_figure_spec){.rows = 3});
  nrf_plot_error_bars(nrf_figure_panel(f, 0, 0), 2, x, y, low, high, NULL);
  nrf_plot_band(nrf_figure_panel(f, 1, 0), 2, x, low, high, NULL);
  nrf_plot_points(nrf_figure_panel(f, 2, 0), 2, x, y, NULL);
  nrf_panel_y(nrf_figure_panel(f, 2, 0), &(nrf_axis){.from_zero = true});
  write_figure(f);
  says("f.gp", "set yrange [2.75:8.25]");
  assert_non_null(strstr(strstr(text_of("f.gp"), "panel 2.1"), "set yrange [2.75:8.25]"));
  says("f.gp", "set yrange [0:5.25]");
}

static void a_dot_without_an_interval_is_within_the_range(void **state)
{
  (void)state;
  const double x[] = {0, 1}, y[] = {-2, 5}, low[] = {NAN, 4}, high[] = {NAN, 8};
  nrf_figure  *f = figure_of((nrf_figure_spec){0});
  nrf_plot_error_bars(nrf_figure_panel(f, 0, 0), 2, x, y, low, high, NULL);
  write_figure(f);
  says("f.gp", "set xrange [-0.05:1.05]");
  says("f.gp", "set yrange [-2.5:8.5]");
}

static void shared_axes_have_one_range_and_are_labelled_once(void **state)
{
  (void)state;
  const double a[] = {0, 1}, b[] = {-3, 5};
  nrf_figure  *f = figure_of((nrf_figure_spec){.columns = 2, .share_y = true});
  for (int c = 0; c < 2; c++) {
    nrf_panel *p = nrf_figure_panel(f, 0, c);
    nrf_plot_line(p, 2, NULL, c ? b : a, NULL);
    nrf_panel_y(p, &(nrf_axis){.label = "Amplitude", .tight = true});
  }
  write_figure(f);
  const char *second = strstr(text_of("f.gp"), "panel 1.2");
  says("f.gp", "set yrange [-3:5]");
  assert_non_null(strstr(second, "set yrange [-3:5]"));
  assert_non_null(strstr(second, "set format y ''"));
  assert_null(strstr(second, "Amplitude"));
}

static void a_short_logarithmic_axis_has_ticks_between_powers_of_ten(void **state)
{
  (void)state;
  const double two[] = {0.011, 0.101}, one[] = {0.031, 0.046};
  nrf_figure  *f = figure_of((nrf_figure_spec){.rows = 2});
  for (int row = 0; row < 2; row++) {
    nrf_plot_line(nrf_figure_panel(f, row, 0), 2, NULL, row ? one : two, NULL);
    nrf_panel_y(nrf_figure_panel(f, row, 0), &(nrf_axis){.log = true, .tight = true});
  }
  write_figure(f);
  says("f.gp", "('0.02' 0.02, '0.05' 0.05, '0.1' 0.1)");
  says("f.gp", "('0.035' 0.035, '0.04' 0.04, '0.045' 0.045)");
}

static void a_logarithmic_axis_leaves_out_what_it_cannot_show(void **state)
{
  (void)state;
  const double y[] = {0, 0.01, 100}, zero[] = {0, 0, 0};
  nrf_figure  *f = figure_of((nrf_figure_spec){0});
  nrf_panel   *p = nrf_figure_panel(f, 0, 0);
  nrf_plot_line(p, 3, NULL, y, NULL);
  nrf_plot_line(p, 3, NULL, zero, NULL);
  nrf_panel_y(p, &(nrf_axis){.log = true, .tight = true});
  write_figure(f);
  says("f.gp", "set logscale y");
  says("f.gp", "set yrange [0.01:100]");
  assert_non_null(strstr(text_of("f.gp"), "index 0"));
  assert_null(strstr(text_of("f.gp"), "index 1"));
}

static void colours_are_symmetric_if_that_is_wanted(void **state)
{
  (void)state;
  const double map[4] = {-0.25, 0.5, NAN, 0};
  nrf_figure  *f      = figure_of((nrf_figure_spec){0});
  nrf_plot_map(nrf_figure_panel(f, 0, 0), 2, 2, map,
               &(nrf_colour_scale){.symmetric = true, .map = NRF_DIVERGING});
  write_figure(f);
  says("f.gp", "set cbrange [-0.5:0.5]");
  says("f.gp", "set yrange [1.5:-0.5]"); /* row 0 at the top */
  float       stored[4];
  const char *bytes = text_of("f.bin");
  memcpy(stored, bytes, sizeof stored);
  assert_true(stored[0] == -0.25f && stored[1] == 0.5f && isnan(stored[2]) && stored[3] == 0);
}

static void a_contact_sheet_has_gaps_and_names(void **state)
{
  (void)state;
  const double values[3 * 4] = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}; /* 3 maps of 2 x 2 on a sheet of 2 x 2 */
  const char  *names[2]      = {"left", "right"};
  nrf_figure  *f             = figure_of((nrf_figure_spec){0});
  nrf_plot_tiles(nrf_figure_panel(f, 0, 0),
                 &(nrf_tiles){.rows = 2, .columns = 2, .height = 2, .width = 2, .n = 3, .column_name = names},
                 values, NULL);
  write_figure(f);
  float       stored[6 * 6];
  const char *bytes = text_of("f.bin");
  memcpy(stored, bytes, sizeof stored);
  assert_true(stored[0] == 1 && stored[4] == 2 && stored[4 * 6] == 3);
  assert_true(isnan(stored[2]) && isnan(stored[2 * 6]) &&
              isnan(stored[5 * 6 + 5])); /* gaps, and the missing map */
  says("f.gp", "('left' 0.5, 'right' 4.5)");
}

static void text_is_shown_as_it_is(void **state)
{
  (void)state;
  nrf_figure *f = figure_of((nrf_figure_spec){0});
  nrf_panel  *p = nrf_figure_panel(f, 0, 0);
  nrf_panel_title(p, "it's \"a_b\" `ls` %s", "100 %");
  nrf_panel_x(p, &(nrf_axis){.label = "x\ny"});
  write_figure(f);
  says("f.gp", "'it''s \"a_b\" `ls` 100 %' noenhanced");
  says("f.gp", "set xlabel 'x y' noenhanced");
}

static void maps_leave_out_the_room_they_do_not_need(void **state)
{
  (void)state;
  const double map[4] = {0, 1, 2, 3};
  int          width, height;
  nrf_figure  *f = figure_of((nrf_figure_spec){.width = 12, .height = 4});
  nrf_plot_map(nrf_figure_panel(f, 0, 0), 2, 2, map, NULL);
  must(nrf_figure_write(f, source));
  nrf_figure_pixels(f, &width, &height);
  assert_int_equal(height, 400);
  assert_in_range(width, 350, 520);
  nrf_figure_free(f);
}

/* ---- what goes wrong ---- */

static void refused(nrf_figure *f, const char *part)
{
  assert_int_equal(nrf_figure_write(f, source), NRF_EINVAL);
  if (!strstr(nrf_error_message(), part)) fail_msg("%s", nrf_error_message());
  nrf_figure_free(f);
}

static void mistakes_are_reported_when_the_figure_is_written(void **state)
{
  (void)state;
  const double y[] = {1, 2};
  nrf_figure  *f   = figure_of((nrf_figure_spec){0});
  nrf_panel_y(nrf_figure_panel(f, 0, 0), &(nrf_axis){.low = 2, .high = 1});
  nrf_plot_line(nrf_figure_panel(f, 0, 0), 2, NULL, y, NULL); /* may follow */
  refused(f, "figure f: an axis whose range ends before it begins");
  f = figure_of((nrf_figure_spec){0});
  nrf_panel_y(nrf_figure_panel(f, 0, 0), &(nrf_axis){.low = 0, .high = 1, .log = true});
  refused(f, "logarithmic");
  f = figure_of((nrf_figure_spec){0});
  nrf_plot_image(nrf_figure_panel(f, 0, 0), 1, 1, y, (nrf_extent){1, 0, 0, 1}, NULL);
  refused(f, "wrong order");
  f = figure_of((nrf_figure_spec){0});
  nrf_plot_circle(nrf_figure_panel(f, 0, 0), 1, NULL);
  refused(f, "not polar");
}

static void specifications_that_make_no_sense_are_refused(void **state)
{
  (void)state;
  static const nrf_figure_spec cases[] = {{.name = "a/b"},
                                          {.name = ""},
                                          {.name = NULL},
                                          {.name = "a", .width = 1000},
                                          {.name = "a", .width = -1},
                                          {.name = "a", .rows = 100, .columns = 100},
                                          {.name = "a", .rows = -1},
                                          {.name = "a", .height = NAN}};
  nrf_figure                  *f;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (nrf_figure_create(&cases[i], &f) != NRF_EINVAL) fail_msg("%zu was accepted", i);
}

/* ---- drawing ---- */

static void write_script(const char *name, const char *text)
{
  char path[SCRATCH_PATH], file_name[64];
  (void)snprintf(file_name, sizeof file_name, "%s.gp", name);
  FILE *file = fopen(scratch_path(path, source, file_name), "w");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

/* gnuplot draws no bar with a panel in which nothing is plotted. */
static void a_shared_colour_bar_stands_with_a_panel_that_has_data(void **state)
{
  (void)state;
  const double           x[] = {1, 2}, nowhere[] = {NAN, NAN};
  const nrf_colour_scale scale = {.map = NRF_SPRING};
  nrf_figure            *f     = figure_of((nrf_figure_spec){.columns = 2, .share_colours = true});
  nrf_plot_coloured_points(nrf_figure_panel(f, 0, 0), 2, nowhere, nowhere, x, &scale, NULL);
  nrf_plot_coloured_points(nrf_figure_panel(f, 0, 1), 2, x, x, x, &scale, NULL);
  write_figure(f);
  const char *script = text_of("f.gp"), *empty = strstr(script, "plot \\\n  NaN notitle");
  assert_non_null(empty);
  assert_true(strstr(script, "set colorbox vertical") > empty);
}

static void one_bad_script_does_not_spoil_the_others(void **state)
{
  (void)state;
  const char  *names[] = {"a", "broken", "b", "silent", "c"};
  const double y[]     = {1, 2};
  bool         drawn[5];
  nrf_drawing  drawing;
  for (int i = 0; i < 5; i += 2) {
    nrf_figure *f = figure_of((nrf_figure_spec){.name = names[i]});
    nrf_plot_line(nrf_figure_panel(f, 0, 0), 2, NULL, y, NULL);
    write_figure(f);
  }
  write_script("broken", "set terminal pngcairo\nplot nonsense(\n");
  write_script("silent",
               "set terminal pngcairo\nset output '../silent.png'\nplot x\nunset output\n"); /* no PDF */
  must(nrf_figures_draw(source, 5, names, 2, NULL, drawn, &drawing));
  if (drawing.no_gnuplot) skip();
  assert_true(drawn[0] && !drawn[1] && drawn[2] && !drawn[3] && drawn[4]);
  assert_int_equal(drawing.drawn, 3);
  assert_int_equal(drawing.failed, 2);
  if (!strstr(drawing.message, "gnuplot, broken.gp: ") &&
      !strstr(drawing.message, "gnuplot, silent.gp: no complete picture"))
    fail_msg("%s", drawing.message);
}

static void a_full_disk_does_not_pass_for_a_picture(void **state)
{
  (void)state;
  const char   *names[] = {"f"};
  static double y[5000];
  nrf_drawing   drawing;
  for (int i = 0; i < 5000; i++) y[i] = sin(i * 0.7) * i;
  if (!scratch_mount_small_disk(scratch, 116 << 10)) skip();
  must(nrf_make_directories(source));
  nrf_figure *f = figure_of((nrf_figure_spec){0});
  nrf_plot_line(nrf_figure_panel(f, 0, 0), 5000, NULL, y, NULL);
  write_figure(f);
  const nrf_status st = nrf_figures_draw(source, 1, names, 1, NULL, NULL, &drawing);
  scratch_unmount(scratch);
  must(st);
  if (drawing.no_gnuplot) skip();
  assert_int_equal(drawing.failed, 1);
  assert_true(drawing.message[0] != '\0');
}

static bool stop(void *context)
{
  (void)context;
  return true;
}

static void drawing_stops_on_request(void **state)
{
  (void)state;
  const nrf_progress progress = {.stop_requested = stop};
  const char        *names[]  = {"f"};
  nrf_drawing        drawing;
  write_script("f", "pause 100\n");
  assert_int_equal(nrf_figures_draw(source, 1, names, 1, &progress, NULL, &drawing), NRF_EINTERRUPTED);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ticks_are_round_and_as_many_as_fit),
      cmocka_unit_test(there_are_always_ticks),
      cmocka_unit_test(numbers_have_typographic_signs_and_no_negative_zero),
      cmocka_unit_test_setup_teardown(the_range_is_that_of_the_data_with_a_margin, set_up, tear_down),
      cmocka_unit_test_setup_teardown(error_bars_bands_and_zero_widen_the_range, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_dot_without_an_interval_is_within_the_range, set_up, tear_down),
      cmocka_unit_test_setup_teardown(shared_axes_have_one_range_and_are_labelled_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_short_logarithmic_axis_has_ticks_between_powers_of_ten, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_logarithmic_axis_leaves_out_what_it_cannot_show, set_up, tear_down),
      cmocka_unit_test_setup_teardown(colours_are_symmetric_if_that_is_wanted, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_contact_sheet_has_gaps_and_names, set_up, tear_down),
      cmocka_unit_test_setup_teardown(text_is_shown_as_it_is, set_up, tear_down),
      cmocka_unit_test_setup_teardown(maps_leave_out_the_room_they_do_not_need, set_up, tear_down),
      cmocka_unit_test_setup_teardown(mistakes_are_reported_when_the_figure_is_written, set_up, tear_down),
      cmocka_unit_test(specifications_that_make_no_sense_are_refused),
      cmocka_unit_test_setup_teardown(a_shared_colour_bar_stands_with_a_panel_that_has_data, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(one_bad_script_does_not_spoil_the_others, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_full_disk_does_not_pass_for_a_picture, set_up, tear_down),
      cmocka_unit_test_setup_teardown(drawing_stops_on_request, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
