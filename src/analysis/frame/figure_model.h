/* figure_model.h - what a figure is made of, for the files that build it, lay it out and write its script. */
#ifndef NRFLV_ANALYSIS_FRAME_FIGURE_MODEL_H
#define NRFLV_ANALYSIS_FRAME_FIGURE_MODEL_H

#include "io/byte_buffer.h"
#include "nrflv/analysis/figure.h"

enum {
  FIGURE_NAME_BYTES    = 128,
  FIGURE_TEXT_BYTES    = 192,
  FIGURE_CAPTION_BYTES = 1024,
  FIGURE_TICK_BYTES    = 40,
  FIGURE_COLOUR_BYTES  = 16,
};

/* Of numbers seen; empty while low > high. */
typedef struct figure_range {
  double low, high;
} figure_range;

figure_range figure_range_empty(void);
bool         figure_range_is_empty(figure_range r);
void         figure_range_add(figure_range *r, double x); /* ignores what is not finite */
void         figure_range_unite(figure_range *r, figure_range other);

typedef struct figure_tick {
  double at;
  char   label[FIGURE_TICK_BYTES]; /* "": the number */
} figure_tick;

typedef struct figure_axis {
  char         label[FIGURE_TEXT_BYTES];
  double       low, high; /* wished; equal: from the data */
  bool         tight, from_zero, log, reversed, hidden;
  int          n_ticks;
  figure_tick  tick[NRF_AXIS_MAX_TICKS];
  figure_range seen, positive; /* of the data, of its positive part */
} figure_axis;

typedef enum figure_kind {
  FIGURE_LINE,
  FIGURE_POINTS,
  FIGURE_COLOURED_POINTS,
  FIGURE_ERROR_BARS,
  FIGURE_BAND,
  FIGURE_BARS,
  FIGURE_IMPULSES,
  FIGURE_IMAGE,
  FIGURE_VERTICAL,
  FIGURE_HORIZONTAL,
  FIGURE_CIRCLE,
  FIGURE_WORDS,
} figure_kind;

typedef struct figure_element {
  figure_kind kind;
  char        label[FIGURE_TEXT_BYTES]; /* of the legend; the words */
  char        colour[FIGURE_COLOUR_BYTES];
  double      width, size, opacity, bar;
  nrf_dash    dash;
  bool        joined;
  bool        has_points, has_positive_y; /* anything to draw, also on a logarithmic y axis */
  int         block;                      /* of the data file */
  size_t      offset;                     /* of an image in its file, bytes */
  int         rows, columns;
  nrf_extent  extent;
  double      x, y; /* of a vertical or horizontal line, a circle's radius, words */
} figure_element;

typedef struct figure_scale {
  bool           used, symmetric, no_bar;
  nrf_colour_map map;
  double         low, high; /* wished; equal: from the values */
  char           label[FIGURE_TEXT_BYTES];
  figure_range   seen;
} figure_scale;

struct nrf_panel {
  nrf_figure  *figure;
  int          row, column;
  bool         asked; /* for: others stay white */
  char         title[FIGURE_TEXT_BYTES], corner[FIGURE_TEXT_BYTES];
  figure_axis  x, y;
  figure_scale scale;
  nrf_corner   legend;
  bool         polar, polar_angles;
  bool         square;   /* equal units on both axes */
  int          coloured; /* colours of the cycle that are used up */
  nrf_buffer   elements; /* figure_element[] */
};

struct nrf_figure {
  char       name[FIGURE_NAME_BYTES], title[FIGURE_TEXT_BYTES], caption[FIGURE_CAPTION_BYTES];
  double     width, height;
  int        rows, columns;
  bool       share_x, share_y, share_colours;
  int        blocks;    /* in `data` */
  nrf_buffer data, raw; /* the text of NAME.tsv, the numbers of NAME.bin */
  nrf_status st;        /* the first thing that went wrong */
  char       message[256];
  nrf_panel *panel; /* [rows * columns] */
};

int                   figure_n_elements(const nrf_panel *panel);
const figure_element *figure_element_at(const nrf_panel *panel, int i);

/* Whether an element is part of gnuplot's plot command: has something to draw, and is not drawn as an object; how many are. */
bool figure_is_plotted(const nrf_panel *panel, const figure_element *element);
int  figure_n_plotted(const nrf_panel *panel);

/* ---- Layout (figure_layout.c) ---- */

/* An axis as it will be drawn. */
typedef struct figure_ticks {
  double low, high;
  double step;     /* between chosen ticks; 0: own ticks, or a logarithmic axis */
  int    decimals; /* of their numbers */
  int exponent; /* numbers are divided by 10^exponent, which the label says; then the ticks are written out */
  int chars;    /* of the longest number */
} figure_ticks;

typedef struct figure_place {
  double       left, right, bottom, top; /* of the axes, parts of the figure */
  figure_ticks x, y, colours;
  bool         x_numbers, y_numbers; /* written at this panel */
  bool         common_x, common_y;   /* the label is written once for all panels, here: */
  double       common_x_at[2], common_y_at[2];
  bool         bar; /* a colour bar beside it */
  double       bar_left, bar_right, bar_bottom, bar_top, bar_label;
} figure_place;

/* Fills place [rows * columns]. */
void figure_lay_out(const nrf_figure *figure, figure_place place[]);

/* Where all panels are square, makes the figure as narrow or low as they leave room. */
NRF_MUST_CHECK nrf_status figure_fit(nrf_figure *figure);

/* Chooses the ticks of a range: about `wanted`, at multiples of 1, 2 or 5 times a power of ten. */
figure_ticks figure_choose_ticks(double low, double high, int wanted);

/* A tick's number as it is written. */
void figure_number(const figure_ticks *ticks, double value, char text[FIGURE_TICK_BYTES]);

/* ---- Script (figure_script.c) ---- */

/* The text of NAME.gp. */
NRF_MUST_CHECK nrf_status figure_script(const nrf_figure *figure, nrf_buffer *script);

/* PNG pixels per inch. */
enum { FIGURE_DPI = 100 };

#endif
