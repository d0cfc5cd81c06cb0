/* Every kind of figure is drawn by gnuplot without complaint. With NRFLV_GALLERY_DIR=DIR in the environment the pictures
 * stay there to be looked at. */
#include "nrflv/analysis/figure.h"
#include "nrflv/atomic_file.h"
#include "nrflv/rng.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double PI = 3.14159265358979323846;

enum { N = 1000, CHANNELS = 32, SIDE = 32, MAX_FIGURES = 32 };

typedef struct gallery {
  char        scratch[SCRATCH_PATH], source[SCRATCH_PATH];
  char        names[MAX_FIGURES][64];
  const char *name[MAX_FIGURES];
  int         n;
} gallery;

static void must(nrf_status st)
{
  if (st != NRF_OK) fail_msg("%s", nrf_error_message());
}

static nrf_figure *figure_of(nrf_figure_spec spec)
{
  nrf_figure *f;
  must(nrf_figure_create(&spec, &f));
  return f;
}

static void keep(gallery *g, nrf_figure *f)
{
  assert_true(g->n < MAX_FIGURES);
  must(nrf_figure_write(f, g->source));
  (void)snprintf(g->names[g->n], sizeof g->names[g->n], "%s", nrf_figure_name(f));
  g->name[g->n] = g->names[g->n];
  g->n++;
  nrf_figure_free(f);
}

static double noise(uint32_t step, uint32_t i)
{
  return (double)nrf_rng_uniform(nrf_rng_at(1, NRF_RNG_TEST, step, 0), i) - 0.5;
}

/* ---- the figures ---- */

static void lines_with_bands(gallery *g)
{
  enum { LAGS = 400, PANELS = 5 };
  static double lag[LAGS], mean[LAGS], low[LAGS], high[LAGS];
  nrf_figure   *f = figure_of((nrf_figure_spec){.name    = "bands",
                                                .width   = 6.4,
                                                .height  = 8,
                                                .rows    = PANELS,
                                                .share_x = true,
                                                .title   = "Mean cross-correlation between channels"});
  for (int d = 0; d < PANELS; d++) {
    for (int i = 0; i < LAGS; i++) {
      lag[i]  = (i - LAGS / 2) * 70.0 / 17;
      mean[i] = 0.4 / (d + 1) * exp(-lag[i] * lag[i] / 5e4) * cos(lag[i] / 25);
      low[i]  = mean[i] - 0.03;
      high[i] = mean[i] + 0.03;
    }
    nrf_panel *p = nrf_figure_panel(f, d, 0);
    nrf_panel_x(p, &(nrf_axis){.label = "Lag [ms]", .tight = true});
    nrf_panel_y(p, &(nrf_axis){.label = "Correlation", .low = -0.5, .high = 0.5});
    nrf_panel_corner(p, "Channel distance %d", d + 1);
    nrf_plot_vertical(p, 0, NULL);
    nrf_plot_band(p, LAGS, lag, low, high,
                  &(nrf_plot_style){.colour = NRF_RED, .label = "99 % interval", .opacity = 0.4});
    nrf_plot_line(p, LAGS, lag, mean, &(nrf_plot_style){.colour = NRF_BLACK, .label = "mean"});
    if (d == 0) nrf_panel_legend(p, NRF_TOP_RIGHT);
  }
  keep(g, f);
}

static void one_line(gallery *g)
{
  static double y[N];
  for (int i = 0; i < N; i++) y[i] = 3.2e-5 * sin(i / 30.0) + 1e-5 * noise(0, (uint32_t)i);
  nrf_figure *f = figure_of((nrf_figure_spec){.name = "lines"});
  nrf_panel  *p = nrf_figure_panel(f, 0, 0);
  nrf_panel_x(p, &(nrf_axis){.label = "Timestep"});
  nrf_panel_y(p, &(nrf_axis){.label = "State [a.u.]"});
  nrf_panel_title(p, "Small numbers, and it's a title_with^odd {signs}");
  nrf_plot_line(p, N, NULL, y, &(nrf_plot_style){.label = "State"});
  for (int i = 0; i < N; i++) y[i] *= -0.7;
  nrf_plot_line(p, N, NULL, y, &(nrf_plot_style){.label = "Negative momentum"});
  nrf_panel_legend(p, NRF_TOP_LEFT);
  keep(g, f);
}

static void error_bars_and_a_fitted_line(gallery *g)
{
  enum { POINTS = 11 };
  double      x[POINTS], y[POINTS], low[POINTS], high[POINTS], line[POINTS];
  nrf_figure *f = figure_of(
      (nrf_figure_spec){.name = "error_bars", .width = 9, .height = 4, .columns = 2, .share_y = true});
  const char *titles[2] = {"Aligned", "Unaligned"};
  for (int c = 0; c < 2; c++) {
    for (int i = 0; i < POINTS; i++) {
      x[i]    = (c ? 18 : 1) * i;
      line[i] = 0.3 - 0.01 * i * (1 - c);
      y[i]    = line[i] + 0.04 * noise((uint32_t)c, (uint32_t)i);
      low[i]  = y[i] - 0.03 - 0.02 * noise(5, (uint32_t)i);
      high[i] = y[i] + 0.03;
    }
    nrf_panel *p = nrf_figure_panel(f, 0, c);
    nrf_panel_title(p, "%s", titles[c]);
    nrf_panel_x(p, &(nrf_axis){.label = "Angle difference [°]"});
    nrf_panel_y(p, &(nrf_axis){.label = "Oscillation amplitude"});
    nrf_plot_line(p, POINTS, x, line, &(nrf_plot_style){.colour = NRF_GREY, .label = "fitted line"});
    nrf_plot_error_bars(p, POINTS, x, y, low, high,
                        &(nrf_plot_style){.colour = NRF_RED, .label = "mean, 95 % interval"});
    nrf_panel_legend(p, c == 0 ? NRF_TOP_RIGHT : NRF_CORNER_NONE);
  }
  keep(g, f);
}

static void dots_coloured_by_value(gallery *g)
{
  static double x[N], y[N], v[N];
  nrf_figure   *f = figure_of((nrf_figure_spec){.name          = "coloured_dots",
                                                .width         = 9,
                                                .height        = 4,
                                                .columns       = 2,
                                                .share_y       = true,
                                                .share_colours = true});
  for (int c = 0; c < 2; c++) {
    for (int i = 0; i < N; i++) {
      x[i] = PI * (noise(1, (uint32_t)i) + 0.5) / (c ? 1 : 9);
      v[i] = floor(31 * (noise(2, (uint32_t)i) + 0.5));
      y[i] = 0.2 + v[i] / 300 + 0.1 * noise(3, (uint32_t)i);
    }
    nrf_panel *p = nrf_figure_panel(f, 0, c);
    nrf_panel_x(p, &(nrf_axis){.label = "Angle difference [rad]"});
    nrf_panel_y(p, &(nrf_axis){.label = "Oscillation amplitude"});
    nrf_plot_coloured_points(p, N, x, y, v, &(nrf_colour_scale){.label = "Channel distance"}, NULL);
    nrf_plot_line(p, 2, (double[]){0, PI / (c ? 1 : 9)}, (double[]){0.25, 0.24},
                  &(nrf_plot_style){.colour = NRF_RED});
  }
  keep(g, f);
}

static void fill_map(double *map, uint32_t seed)
{
  for (int i = 0; i < SIDE * SIDE; i++) {
    const double h = i / SIDE - 16, w = i % SIDE - 16;
    map[i] =
        0.03 * noise(seed, (uint32_t)i) + 0.2 * exp(-(h * h + w * w) / 12) * cos(w + seed) * (1 + 0.1 * seed);
  }
}

static void maps(gallery *g)
{
  static double map[SIDE * SIDE];
  nrf_figure   *f = figure_of((nrf_figure_spec){.name = "map", .width = 5, .height = 4.2});
  nrf_panel    *p = nrf_figure_panel(f, 0, 0);
  fill_map(map, 0);
  map[5] = NAN;
  nrf_plot_map(
      p, SIDE, SIDE, map,
      &(nrf_colour_scale){.map = NRF_DIVERGING, .symmetric = true, .label = "Rise of the mean state"});
  nrf_panel_x(p, &(nrf_axis){.label = "Column", .tight = true});
  nrf_panel_y(p, &(nrf_axis){.label = "Row", .tight = true, .reversed = true});
  nrf_panel_title(p, "Channel 3, image 17");
  keep(g, f);

  f = figure_of((nrf_figure_spec){.name          = "retinotopy",
                                  .width         = 7,
                                  .height        = 12,
                                  .rows          = 8,
                                  .columns       = 4,
                                  .share_colours = true,
                                  .title         = "All channels, image 65"});
  for (int c = 0; c < CHANNELS; c++) {
    p = nrf_figure_panel(f, c / 4, c % 4);
    fill_map(map, (uint32_t)c);
    nrf_plot_map(p, SIDE, SIDE, map, &(nrf_colour_scale){.label = "Rise of the mean state"});
    nrf_panel_x(p, &(nrf_axis){.hidden = true, .tight = true});
    nrf_panel_y(p, &(nrf_axis){.hidden = true, .reversed = true, .tight = true});
    nrf_panel_title(p, "Channel %d", c);
  }
  keep(g, f);
}

static void contact_sheet(gallery *g)
{
  static double values[128 * SIDE * SIDE];
  static char   text[24][16];
  const char   *angle[16], *contrast[8];
  nrf_figure   *f = figure_of((nrf_figure_spec){
        .name = "contact_sheet", .width = 6.4, .height = 11, .title = "Activity maps of channel 0"});
  for (int i = 0; i < 128; i++) fill_map(&values[i * SIDE * SIDE], (uint32_t)i % 8);
  for (int i = 0; i < 16; i++) {
    (void)snprintf(text[i], sizeof text[i], "%.1f°", 22.5 * i);
    angle[i] = text[i];
  }
  for (int i = 0; i < 8; i++) {
    (void)snprintf(text[16 + i], sizeof text[16 + i], "%.1f", 0.4 * i);
    contrast[i] = text[16 + i];
  }
  nrf_plot_tiles(
      nrf_figure_panel(f, 0, 0),
      &(nrf_tiles){.rows         = 16,
                   .columns      = 8,
                   .height       = SIDE,
                   .width        = SIDE,
                   .n            = 125,
                   .row_name     = angle,
                   .column_name  = contrast,
                   .row_label    = "Angle of the stimulus",
                   .column_label = "Contrast"},
      values,
      &(nrf_colour_scale){.map = NRF_DIVERGING, .symmetric = true, .label = "Rise of the mean state"});
  keep(g, f);
}

static void spectrograms(gallery *g)
{
  enum { BINS = 129, SEGMENTS = 2345 };
  static double power[BINS * SEGMENTS];
  const double  fs        = 17000 / 70.0;
  const char   *titles[4] = {"Contrast 0", "Contrast 1.2", "Contrast 2.0", "Contrast 2.8"};
  nrf_figure   *f         = figure_of((nrf_figure_spec){.name          = "spectrograms",
                                                        .width         = 12,
                                                        .height        = 3.2,
                                                        .columns       = 4,
                                                        .share_y       = true,
                                                        .share_colours = true});
  for (int c = 0; c < 4; c++) {
    for (int i = 0; i < BINS * SEGMENTS; i++) {
      const double hz = i / SEGMENTS * fs / 256, t = (i % SEGMENTS - 872) / fs;
      const double on = t > 0 && t < 4.1 ? c : 0.2;
      power[i] = -80 + 10 * noise((uint32_t)c, (uint32_t)i) + 15 * on * exp(-(hz - 30) * (hz - 30) / 60);
    }
    power[10]    = -INFINITY;
    nrf_panel *p = nrf_figure_panel(f, 0, c);
    nrf_plot_image(p, BINS, SEGMENTS, power, (nrf_extent){-872 / fs, (SEGMENTS - 872) / fs, 0, fs / 2},
                   &(nrf_colour_scale){.low = -110, .high = 0, .label = "Power [dB]"});
    nrf_panel_x(p, &(nrf_axis){.label = "Time after stimulus onset [s]", .tight = true});
    nrf_panel_y(p, &(nrf_axis){.label = "Frequency [Hz]", .tight = true});
    nrf_panel_title(p, "%s", titles[c]);
    nrf_plot_vertical(p, 0, NULL);
    nrf_plot_vertical(p, 1000 / fs, NULL);
  }
  keep(g, f);
}

static void log_lines(gallery *g)
{
  enum { BINS = 129 };
  static double hz[BINS], power[BINS];
  const double  contrast[] = {0, 1.2, 2.0, 2.8};
  nrf_figure   *f          = figure_of((nrf_figure_spec){.name = "log_lines"});
  nrf_panel    *p          = nrf_figure_panel(f, 0, 0);
  for (int c = 0; c < 4; c++) {
    char label[32], colour[NRF_COLOUR_TEXT];
    for (int i = 0; i < BINS; i++) {
      hz[i]    = i * 0.94866;
      power[i] = hz[i] * (1e-3 + contrast[c] * exp(-(hz[i] - 30) * (hz[i] - 30) / 200)) / (1 + hz[i] * hz[i]);
    }
    (void)snprintf(label, sizeof label, "contrast %.1f", contrast[c]);
    nrf_plot_line(
        p, BINS, hz, power,
        &(nrf_plot_style){.label = label, .colour = nrf_colour_text(nrf_contrast_grey(contrast[c]), colour)});
  }
  nrf_panel_x(p, &(nrf_axis){.label = "Frequency [Hz]"});
  nrf_panel_y(p, &(nrf_axis){.label = "Power × frequency [a.u.]", .log = true});
  nrf_panel_legend(p, NRF_TOP_RIGHT);
  keep(g, f);
}

static void tuning_curves(gallery *g)
{
  enum { ANGLES = 128 };
  static double  angle[ANGLES + 1], z[ANGLES + 1], fit[ANGLES + 1], degrees[ANGLES + 1];
  const nrf_tick quarters[] = {{0, NULL}, {90, NULL}, {180, NULL}, {270, NULL}};
  nrf_figure    *lines      = figure_of((nrf_figure_spec){
              .name = "tuning", .width = 9, .height = 12, .rows = 8, .columns = 4, .share_x = true, .share_y = true});
  nrf_figure    *polar      = figure_of((nrf_figure_spec){
              .name = "tuning_polar", .width = 8, .height = 14, .rows = 8, .columns = 4, .share_y = true});
  for (int c = 0; c < CHANNELS; c++) {
    int peak = 0;
    for (int b = 0; b <= ANGLES; b++) {
      angle[b]   = b * 2 * PI / ANGLES;
      degrees[b] = b * 360.0 / ANGLES;
      fit[b]     = 0.12 * cos((c % 3 == 0 ? 2 : 1) * angle[b] - c);
      z[b]       = fit[b] + 0.06 * noise((uint32_t)c, (uint32_t)b % ANGLES);
      if (z[b] > z[peak]) peak = b;
    }
    nrf_panel *p = nrf_figure_panel(lines, c / 4, c % 4);
    nrf_panel_x(p, &(nrf_axis){.label = "Angle [°]", .n_ticks = 4, .tick = quarters});
    nrf_panel_y(p, &(nrf_axis){.label = "Normed activity"});
    nrf_panel_title(p, "Channel %d", c);
    nrf_plot_line(p, ANGLES, degrees, z, &(nrf_plot_style){.width = 0.8});
    nrf_plot_line(p, ANGLES, degrees, fit, &(nrf_plot_style){.colour = NRF_RED});
    nrf_plot_points(p, 1, &degrees[peak], &z[peak], &(nrf_plot_style){.colour = NRF_RED});

    p = nrf_figure_panel(polar, c / 4, c % 4);
    nrf_panel_polar(p, false);
    nrf_panel_y(p, &(nrf_axis){.low = -0.2, .high = 0.2});
    nrf_panel_corner(p, "Channel %d", c);
    nrf_plot_line(p, ANGLES + 1, angle, z, &(nrf_plot_style){.width = 0.8});
    nrf_plot_line(p, ANGLES + 1, angle, fit, &(nrf_plot_style){.colour = NRF_RED});
  }
  keep(g, lines);
  keep(g, polar);
}

static void preferences_in_a_circle(gallery *g)
{
  nrf_figure *f = figure_of((nrf_figure_spec){.name = "preferences", .width = 6, .height = 6});
  nrf_panel  *p = nrf_figure_panel(f, 0, 0);
  nrf_panel_polar(p, true);
  nrf_panel_y(p, &(nrf_axis){.low = 0, .high = 0.13});
  nrf_plot_circle(p, 0.04, &(nrf_plot_style){.colour = NRF_RED, .width = 1});
  for (int c = 0; c < CHANNELS; c++) {
    const double angle     = 2 * PI * (noise(9, (uint32_t)c) + 0.5),
                 amplitude = 0.11 * (noise(8, (uint32_t)c) + 0.55);
    const char *colour     = amplitude > 0.04 ? NRF_BLUE : NRF_RED;
    nrf_plot_line(p, 2, (double[]){angle, angle}, (double[]){0, amplitude},
                  &(nrf_plot_style){.colour = colour, .width = 1});
    nrf_plot_points(p, 1, &angle, &amplitude, &(nrf_plot_style){.colour = colour});
    nrf_plot_text(p, 1.05 * amplitude * cos(angle), 1.05 * amplitude * sin(angle), NRF_BLACK, "%d", c);
  }
  keep(g, f);
}

static void stacked_panels_of_different_kinds(gallery *g)
{
  enum { LAGS = 1999 };
  static double lag[LAGS], acorr[LAGS], x[N], image[129 * N];
  nrf_figure   *f = figure_of((nrf_figure_spec){.name = "stacked", .width = 9, .height = 8.5, .rows = 4});
  for (int i = 0; i < N; i++) x[i] = 120 + 10 * sin(i / 20.0) + 8 * noise(0, (uint32_t)i);
  for (int i = 0; i < 129 * N; i++) image[i] = -20 * log10(1 + i / N) + 9 * noise(1, (uint32_t)i);
  for (int i = 0; i < LAGS; i++) {
    lag[i]   = i - 999;
    acorr[i] = exp(-fabs(lag[i]) / 100) * cos(lag[i] / 20);
  }
  nrf_panel *p = nrf_figure_panel(f, 0, 0);
  nrf_panel_x(p, &(nrf_axis){.label = "Timestep", .tight = true});
  nrf_panel_y(p, &(nrf_axis){.label = "State [a.u.]"});
  nrf_plot_line(p, N, NULL, x, &(nrf_plot_style){.width = 0.8});
  p = nrf_figure_panel(f, 1, 0);
  nrf_plot_image(p, 129, N, image, (nrf_extent){0, 4.1, 0, 121},
                 &(nrf_colour_scale){.label = "Power [dB]", .map = NRF_HSV});
  nrf_panel_x(p, &(nrf_axis){.label = "Time [s]", .tight = true});
  nrf_panel_y(p, &(nrf_axis){.label = "Frequency [Hz]", .tight = true});
  for (int i = 2; i < 4; i++) {
    p = nrf_figure_panel(f, i, 0);
    nrf_panel_x(p, &(nrf_axis){.label = "Lag [timesteps]", .tight = true});
    nrf_panel_y(p, &(nrf_axis){.label = "Autocorrelation"});
    nrf_panel_corner(p, i == 2 ? "During the stimulus" : "Before the stimulus");
    if (i == 2) nrf_plot_impulses(p, LAGS, lag, acorr, NULL); /* the other one is empty */
  }
  keep(g, f);
}

static void histogram(gallery *g)
{
  double      x[20], y[20];
  nrf_figure *f = figure_of((nrf_figure_spec){.name = "histogram"});
  nrf_panel  *p = nrf_figure_panel(f, 0, 0);
  for (int i = 0; i < 20; i++) {
    x[i] = i - 10;
    y[i] = floor(500 * exp(-(x[i] - 2) * (x[i] - 2) / 8));
  }
  nrf_panel_x(p, &(nrf_axis){.label = "Lag [timesteps]"});
  nrf_panel_y(p, &(nrf_axis){.label = "Channels × images", .from_zero = true});
  nrf_plot_bars(p, 20, x, y, 0.9, &(nrf_plot_style){.label = "during the stimulus"});
  nrf_plot_vertical(p, 2.1, NULL);
  nrf_panel_legend(p, NRF_TOP_LEFT);
  keep(g, f);
}

static void nothing_to_show(gallery *g)
{
  nrf_figure  *f   = figure_of((nrf_figure_spec){.name = "nothing", .columns = 2, .width = 8});
  const double nan = NAN, three = 3;
  nrf_plot_line(nrf_figure_panel(f, 0, 0), 1, NULL, &nan, NULL);
  nrf_panel_title(nrf_figure_panel(f, 0, 0), "NaN alone");
  nrf_plot_points(nrf_figure_panel(f, 0, 1), 1, NULL, &three, NULL);
  nrf_plot_points(nrf_figure_panel(f, 0, 1), 0, NULL, NULL, NULL);
  nrf_plot_points(nrf_figure_panel(f, 0, 1), 1, NULL, &three, NULL);
  nrf_panel_title(nrf_figure_panel(f, 0, 1), "One dot");
  keep(g, f);
}

/* ---- the test ---- */

static void open_gallery(gallery *g)
{
  const char *kept = getenv("NRFLV_GALLERY_DIR");
  char        directory[SCRATCH_PATH];
  memset(g, 0, sizeof *g);
  scratch_create(g->scratch);
  (void)snprintf(directory, sizeof directory, "%s", kept ? kept : g->scratch);
  (void)scratch_path(g->source, directory, "plot");
  must(nrf_make_directories(g->source));
}

static void every_kind_of_figure_is_drawn(void **state)
{
  (void)state;
  static void (*const make[])(gallery *) = {
      one_line,
      lines_with_bands,
      error_bars_and_a_fitted_line,
      dots_coloured_by_value,
      maps,
      contact_sheet,
      spectrograms,
      log_lines,
      histogram,
      tuning_curves,
      preferences_in_a_circle,
      stacked_panels_of_different_kinds,
      nothing_to_show,
  };
  gallery     g;
  nrf_drawing drawing;
  open_gallery(&g);
  for (size_t i = 0; i < sizeof make / sizeof *make; i++) make[i](&g);
  must(nrf_figures_draw(g.source, g.n, g.name, 2, NULL, NULL, &drawing));
  scratch_remove(g.scratch);
  if (drawing.no_gnuplot) {
    print_message("skipped: no gnuplot\n");
    skip();
  }
  if (drawing.failed > 0) fail_msg("%d figures failed: %s", drawing.failed, drawing.message);
  assert_int_equal(drawing.drawn, g.n);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_of_figure_is_drawn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
