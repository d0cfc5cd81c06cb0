/* figure.h - figures: panels with lines, points, bands and images, drawn by gnuplot as PNG and PDF.
 *
 * A figure is put together in memory, and written (nrf_figure_write, or nrf_results_figure for an analysis) as data
 * files and a gnuplot script that are kept, so that whoever wants it otherwise edits the script and runs gnuplot again:
 *
 *   const nrf_figure_spec spec = {.name = "lag_histogram", .caption = "...", .rows = 1, .columns = 2, .share_y = true};
 *   NRF_TRY(nrf_figure_create(&spec, &figure));
 *   nrf_panel *p = nrf_figure_panel(figure, 0, 0);
 *   nrf_panel_title(p, "Channel %d", channel);
 *   nrf_panel_x(p, &(nrf_axis){.label = "Lag [ms]"});
 *   nrf_panel_y(p, &(nrf_axis){.label = "Correlation", .low = -1, .high = 1});
 *   nrf_plot_line(p, n, lag, mean, &(nrf_plot_style){.label = "mean"});
 *   NRF_TRY(nrf_results_figure(results, figure));
 * done:
 *   nrf_figure_free(figure);
 *
 * What is plotted is copied. Adding to a figure returns nothing: what goes wrong (memory) is remembered and reported
 * when the figure is written. Values that are NaN or infinite are left out; a panel without any says "no data".
 * Ranges, ticks and places of panels are chosen here, not by gnuplot, so that panels line up and numbers have equally many
 * digits. Text is UTF-8 and shown as it is. */
#ifndef NRFLV_ANALYSIS_FIGURE_H
#define NRFLV_ANALYSIS_FIGURE_H

#include "nrflv/analysis/colour_map.h"
#include "nrflv/progress.h"
#include "nrflv/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nrf_figure nrf_figure;
typedef struct nrf_panel  nrf_panel; /* part of its figure */

/* The published program's two colours, for what the specification calls the first and the second one. */
#define NRF_BLUE   "#1f77b4"
#define NRF_ORANGE "#ff7f0e"
#define NRF_RED    "#d62728"
#define NRF_BLACK  "#222222"
#define NRF_GREY   "#9a9a9a"

enum { NRF_COLOUR_TEXT = 8 };

/* "#1f77b4", in a buffer of the caller's. Returns `text`. */
const char *nrf_colour_text(nrf_colour colour, char text[NRF_COLOUR_TEXT]);

/* ---- Figures and panels ---- */

enum { NRF_FIGURE_MAX_PANELS = 256 };

typedef struct nrf_figure_spec {
  const char *name;     /* of the files: letters, digits, "_", "-", "."                                 */
  const char *title;    /* above all panels; NULL: none                                                 */
  const char *caption;  /* a sentence or two for the report: what is to be seen. No markup              */
  double width, height; /* inches; 0: 6.4 x 4.8                                                         */
  int    rows, columns; /* of panels; 0: 1                                                              */
  bool   share_x;       /* one range for all panels; numbers and label only under the lowest row          */
  bool   share_y;       /* one range for all panels; numbers and label only left of the first column    */
  bool   share_colours; /* one range of colours and one colour bar for all panels                       */
} nrf_figure_spec;

NRF_MUST_CHECK nrf_status nrf_figure_create(const nrf_figure_spec *spec, nrf_figure **out);
void                      nrf_figure_free(nrf_figure *figure); /* NULL is fine */

const char *nrf_figure_name(const nrf_figure *figure);
const char *nrf_figure_caption(const nrf_figure *figure);

/* The size in pixels that its PNG will have, once it is written. */
void nrf_figure_pixels(const nrf_figure *figure, int *width, int *height);

/* The panel in a row (0 is the highest) and column. Where nobody asks for one, the figure stays white. */
nrf_panel *nrf_figure_panel(nrf_figure *figure, int row, int column);

enum { NRF_AXIS_MAX_TICKS = 64 };

typedef struct nrf_tick {
  double      at;
  const char *label; /* NULL: the number */
} nrf_tick;

typedef struct nrf_axis {
  const char     *label;     /* with the unit: "Lag [ms]"; NULL: none                                      */
  double          low, high; /* equal: what is plotted, with 5 % on either side                            */
  bool            tight;     /* without the 5 %                                                            */
  bool            from_zero; /* the range begins, or ends, at 0                                            */
  bool            log;       /* base 10                                                                    */
  bool            reversed;  /* from the right, or from above                                              */
  bool            hidden;    /* no line, no ticks, no numbers; the label stays                             */
  int             n_ticks;   /* own ticks: at most NRF_AXIS_MAX_TICKS; 0: chosen                           */
  const nrf_tick *tick;
} nrf_axis;

void nrf_panel_x(nrf_panel *panel, const nrf_axis *axis);
void nrf_panel_y(nrf_panel *panel, const nrf_axis *axis);

/* Above the panel; inside it, at the upper left ("Channel 3"). */
void nrf_panel_title(nrf_panel *panel, const char *fmt, ...) NRF_PRINTF(2, 3);
void nrf_panel_corner(nrf_panel *panel, const char *fmt, ...) NRF_PRINTF(2, 3);

typedef enum nrf_corner {
  NRF_CORNER_NONE,
  NRF_TOP_RIGHT,
  NRF_TOP_LEFT,
  NRF_BOTTOM_RIGHT,
  NRF_BOTTOM_LEFT,
} nrf_corner;

/* Where the legend stands, if anything plotted has a label; without this call there is none. */
void nrf_panel_legend(nrf_panel *panel, nrf_corner corner);

/* Makes it polar: x is an angle in radian, from the right, counter-clockwise; y a radius, which may be negative. The
 * y axis gives the range: from the centre to the rim. `angles`: 0, 90, 180 and 270 degrees are written at the rim. */
void nrf_panel_polar(nrf_panel *panel, bool angles);

/* ---- What is plotted: x [n], y [n] in the axes' units; x NULL: 0, 1, ... ---- */

typedef enum nrf_dash { NRF_SOLID, NRF_DASHED, NRF_DOTTED } nrf_dash;

/* Whatever is 0 or NULL takes its default; so does everything if the style itself is NULL. */
typedef struct nrf_plot_style {
  const char *label;   /* in the legend                                                     */
  const char *colour;  /* "#1f77b4"; NULL: the panel's next, or what is fitting             */
  double      width;   /* of lines, in points: 1.5                                          */
  double      size;    /* diameter of dots, in points: 5                                    */
  double      opacity; /* 0 .. 1: 1, of bands 0.25                                          */
  nrf_dash    dash;
  bool        joined; /* dots and error bars: also a line from one to the next             */
} nrf_plot_style;

void nrf_plot_line(nrf_panel *panel, int64_t n, const double *x, const double *y,
                   const nrf_plot_style *style);
void nrf_plot_points(nrf_panel *panel, int64_t n, const double *x, const double *y,
                     const nrf_plot_style *style);

/* From low to high, dots at y. */
void nrf_plot_error_bars(nrf_panel *panel, int64_t n, const double *x, const double *y, const double *low,
                         const double *high, const nrf_plot_style *style);

/* The area between low and high. */
void nrf_plot_band(nrf_panel *panel, int64_t n, const double *x, const double *low, const double *high,
                   const nrf_plot_style *style);

/* Bars from 0, `bar` wide (histograms). */
void nrf_plot_bars(nrf_panel *panel, int64_t n, const double *x, const double *y, double bar,
                   const nrf_plot_style *style);

/* A thin line from 0 to each value (autocorrelations). */
void nrf_plot_impulses(nrf_panel *panel, int64_t n, const double *x, const double *y,
                       const nrf_plot_style *style);

/* Lines over the whole panel, behind the data; dashed and dark if `style` is NULL. They do not widen the range. */
void nrf_plot_vertical(nrf_panel *panel, double x, const nrf_plot_style *style);
void nrf_plot_horizontal(nrf_panel *panel, double y, const nrf_plot_style *style);

/* A circle round the origin of a polar panel. */
void nrf_plot_circle(nrf_panel *panel, double radius, const nrf_plot_style *style);

/* Words in the panel, centred at a place; in a polar one, at an angle and a radius. */
void nrf_plot_text(nrf_panel *panel, double x, double y, const char *colour, const char *fmt, ...)
    NRF_PRINTF(5, 6);

/* ---- Colours that mean a value ---- */

typedef struct nrf_colour_scale {
  nrf_colour_map map;
  double         low, high; /* equal: the range of the finite values                    */
  bool           symmetric; /* that range is widened to -m .. m                         */
  const char    *label;     /* of the colour bar, with the unit: "Power [dB]"           */
  bool           no_bar;
} nrf_colour_scale;

/* Dots coloured by value [n]. One colour scale per panel: the last one given. */
void nrf_plot_coloured_points(nrf_panel *panel, int64_t n, const double *x, const double *y,
                              const double *value, const nrf_colour_scale *scale,
                              const nrf_plot_style *style);

/* The outer edges of the first and the last column, and of the first and the last row; x_first < x_last, y_first < y_last. */
typedef struct nrf_extent {
  double x_first, x_last, y_first, y_last;
} nrf_extent;

/* values [rows, columns] as coloured rectangles; the first row at the bottom unless the y axis is reversed. Minus infinity
 * (the decibels of nothing) counts as very little, NaN is left white. */
void nrf_plot_image(nrf_panel *panel, int rows, int columns, const double *values, nrf_extent extent,
                    const nrf_colour_scale *scale);

/* A map [height, width]: square pixels, row 0 at the top, pixel centres at whole numbers. Sets the panel's axes; call
 * nrf_panel_x and _y afterwards only for labels (with .reversed on y) or to hide them. */
void nrf_plot_map(nrf_panel *panel, int height, int width, const double *values,
                  const nrf_colour_scale *scale);

/* A contact sheet: maps [rows * columns, height, width] side by side, row by row; `n` of them are there. The rows and columns are
 * named at the edges; a name, and the whole list, may be NULL. Sets the panel's axes. */
typedef struct nrf_tiles {
  int                rows, columns, height, width;
  int64_t            n; /* 0: rows * columns */
  const char *const *row_name;
  const char *const *column_name;
  const char        *row_label, *column_label; /* of the axes, NULL: none */
} nrf_tiles;

void nrf_plot_tiles(nrf_panel *panel, const nrf_tiles *tiles, const double *values,
                    const nrf_colour_scale *scale);

/* ---- Writing and drawing ---- */

/* Writes the data and the script, "NAME.gp" with "NAME.tsv" and, for images, "NAME.bin", to the directory `source`.
 * The script draws "../NAME.png" and "../NAME.pdf". */
NRF_MUST_CHECK nrf_status nrf_figure_write(nrf_figure *figure, const char *source);

/* What became of drawing. */
typedef struct nrf_drawing {
  int  drawn;
  int  failed;
  bool no_gnuplot;   /* there is none: nothing was drawn, which is no failure */
  char message[256]; /* the first thing that went wrong; "" if nothing did    */
} nrf_drawing;

/* Runs gnuplot on the named scripts of a directory, several at a time on up to `processes` processes, and checks that PNG
 * and PDF are there and complete; drawn[i] (may be NULL) says which are. What gnuplot refuses is in `out`, not an error.
 * `progress` (may be NULL) is asked whether to stop: NRF_EINTERRUPTED, with the processes ended. */
NRF_MUST_CHECK nrf_status nrf_figures_draw(const char *source, int n, const char *const names[],
                                           int processes, const nrf_progress *progress, bool drawn[],
                                           nrf_drawing *out);

#endif
