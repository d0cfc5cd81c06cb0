/* figure_script.c - the gnuplot script of a figure. */
#include "analysis/frame/figure_model.h"
#include "analysis/frame/text.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Sizes are in points. The PNG terminal takes a point for 1/96 inch of its pixels in text, and for a pixel in lines. */
static const double PNG_FONT_SCALE = FIGURE_DPI / 96.0, PNG_LINE_SCALE = FIGURE_DPI / 72.0;
static const double PDF_FONT_SCALE = 0.75;
static const double PNG_POINT_SIZE = 6,
                    PDF_POINT_SIZE = 6; /* diameter of gnuplot's dot of size 1, before scaling */

/* ---- strings ---- */

/* A gnuplot string: 'it''s'. */
static void put_quoted(nrf_buffer *s, const char *text)
{
  text_put(s, "'");
  for (; *text; text++) {
    if (*text == '\'') text_put(s, "'");
    nrf_buffer_put(s, *text == '\n' ? " " : text, 1);
  }
  text_put(s, "'");
}

static void put_number_text(nrf_buffer *s, const figure_ticks *ticks, double at)
{
  char text[FIGURE_TICK_BYTES];
  figure_number(ticks, at, text);
  put_quoted(s, text);
}

/* ---- the head ---- */

static void put_head(nrf_buffer *s, const nrf_figure *f)
{
  int width, height;
  nrf_figure_pixels(f, &width, &height);
  text_printf(
      s,
      "# A figure of nrflv-analyze %s. Draws ../%s.png and ../%s.pdf from the data beside this file;\n"
      "# in this folder: gnuplot %s.gp\n"
      "#\n",
      NRFLV_VERSION, f->name, f->name, f->name);
  text_put(s, "reset\n"
              "if (!exists('page')) { page = 'png' }\n");
  text_printf(s,
              "if (page eq 'png') {\n"
              "  set terminal pngcairo size %d,%d font 'Liberation Sans,10' fontscale %.4g linewidth %.4g "
              "background '#ffffff'\n"
              "  dot = 1.0 / %.4g  # size of a dot for each point of its diameter\n"
              "} else {\n"
              "  set terminal pdfcairo size %gin,%gin font 'Liberation Sans,10' fontscale %.4g linewidth 1 "
              "background '#ffffff'\n"
              "  dot = 1.0 / %.4g\n"
              "}\n",
              width, height, PNG_FONT_SCALE, PNG_LINE_SCALE, PNG_POINT_SIZE, f->width, f->height,
              PDF_FONT_SCALE, PDF_POINT_SIZE);
  text_printf(s, "set output '../%s.'.page\n", f->name);
  text_put(s, "set encoding utf8\n"
              "set datafile missing 'NaN'\n"
              "set datafile separator '\\t'\n"
              "set style line 101 linecolor rgb '#333333' linewidth 0.8  # axes\n"
              "set style line 102 linecolor rgb '#d0d0d0' linewidth 0.6  # circles of polar panels\n"
              "set tics textcolor rgb '#222222'\n"
              "set errorbars 0.6\n"
              "set style fill noborder\n"
              "set samples 2\n"
              "set minussign\n"
              "set multiplot\n");
}

static void put_foot(nrf_buffer *s, const nrf_figure *f)
{
  text_printf(s,
              "\nunset multiplot\n"
              "unset output\n"
              "if (page eq 'png') {\n"
              "  page = 'pdf'\n"
              "  load '%s.gp'\n"
              "} else {\n"
              "  undefine page\n"
              "}\n",
              f->name);
}

/* ---- axes ---- */

static const char *superscript(char digit)
{
  static const char *const digits[] = {"\xe2\x81\xb0", "\xc2\xb9",     "\xc2\xb2",     "\xc2\xb3",
                                       "\xe2\x81\xb4", "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7",
                                       "\xe2\x81\xb8", "\xe2\x81\xb9"};
  return digit == '-' ? "\xe2\x81\xbb" : digits[digit - '0'];
}

/* "Power [a.u.]", or "Power [a.u.] (x10^-5)" if the numbers are divided by that. */
static void put_label(nrf_buffer *s, const char *label, int exponent)
{
  char number[16], all[2 * FIGURE_TEXT_BYTES];
  if (exponent == 0) {
    put_quoted(s, label);
    return;
  }
  size_t n = (size_t)snprintf(all, sizeof all,
                              "%s%s(\xc3\x97"
                              "10",
                              label, label[0] ? " " : "");
  (void)snprintf(number, sizeof number, "%d", exponent);
  for (const char *c = number; *c; c++) n += (size_t)snprintf(all + n, sizeof all - n, "%s", superscript(*c));
  (void)snprintf(all + n, sizeof all - n, ")");
  put_quoted(s, all);
}

static void put_own_ticks(nrf_buffer *s, const figure_axis *axis, bool numbers)
{
  text_put(s, "(");
  for (int i = 0; i < axis->n_ticks; i++) {
    const figure_tick *tick = &axis->tick[i];
    char               number[FIGURE_TICK_BYTES];
    (void)snprintf(number, sizeof number, "%g", tick->at);
    text_put(s, i > 0 ? ", " : "");
    put_quoted(s, !numbers ? "" : tick->label[0] ? tick->label : number);
    text_printf(s, " %.10g", tick->at);
  }
  text_put(s, ")");
}

/* Numbers that are divided by a power of ten have to be written out. */
static void put_scaled_ticks(nrf_buffer *s, const figure_ticks *t, bool numbers)
{
  bool first = true;
  text_put(s, "(");
  for (double k = ceil(t->low / t->step - 1e-9); k * t->step <= t->high + 1e-9 * t->step; k++) {
    text_put(s, first ? "" : ", ");
    if (numbers)
      put_number_text(s, t, k * t->step);
    else
      text_put(s, "''");
    text_printf(s, " %.10g", k * t->step);
    first = false;
  }
  text_put(s, ")");
}

static int powers_of_ten_within(const figure_ticks *t)
{
  return (int)(floor(log10(t->high) + 1e-9) - ceil(log10(t->low) - 1e-9)) + 1;
}

/* For a range with less than two powers of ten: 1, 2 and 5 times them, or, where these are too few as well, equal steps. */
static void put_log_ticks(nrf_buffer *s, const figure_ticks *t, bool numbers)
{
  static const double multiples[] = {1, 2, 5};
  enum { FEW = 3, PER_POWER = sizeof multiples / sizeof *multiples, MOST = 4 * PER_POWER };
  double tick[MOST];
  int    n = 0;
  for (int power = (int)floor(log10(t->low)); power <= log10(t->high); power++)
    for (int i = 0; i < PER_POWER && n < MOST; i++) {
      const double at = multiples[i] * pow(10, power);
      if (at >= t->low && at <= t->high) tick[n++] = at;
    }
  if (n < FEW) {
    const double step = figure_choose_ticks(t->low, t->high, FEW).step;
    n                 = 0;
    for (double k = ceil(t->low / step - 1e-9); k * step <= t->high + 1e-9 * step && n < MOST; k++)
      tick[n++] = k * step;
  }
  text_put(s, "(");
  for (int i = 0; i < n; i++) {
    text_put(s, i > 0 ? ", '" : "'");
    if (numbers) text_printf(s, "%.4g", tick[i]);
    text_printf(s, "' %.10g", tick[i]);
  }
  text_put(s, ")\n");
}

/* `name`: 'x', 'y', or "cb". */
static void put_ticks(nrf_buffer *s, const char *name, const figure_axis *axis, const figure_ticks *t,
                      bool numbers, const char *how)
{
  text_printf(s, "set %stics noenhanced %s ", name, how);
  if (axis && axis->n_ticks > 0) {
    put_own_ticks(s, axis, numbers);
    text_put(s, "\n");
  } else if (axis && axis->log && powers_of_ten_within(t) < 2) {
    put_log_ticks(s, t, numbers);
  } else if (axis && axis->log) {
    text_printf(s, "enhanced autofreq\nset format %s '%s'\n", name, numbers ? "10^{%T}" : "");
  } else if (t->exponent != 0) {
    put_scaled_ticks(s, t, numbers);
    text_put(s, "\n");
  } else {
    text_printf(s, "%.10g\nset format %s '%%.%df'\n", t->step, name, t->decimals);
    if (!numbers) text_printf(s, "set format %s ''\n", name);
  }
}

static void put_axis(nrf_buffer *s, const char *name, const figure_axis *axis, const figure_ticks *t,
                     bool numbers, bool labelled)
{
  const double from = axis->reversed ? t->high : t->low, to = axis->reversed ? t->low : t->high;
  text_printf(s, "%s logscale %s\n", axis->log ? "set" : "unset", name);
  text_printf(s, "set %srange [%.10g:%.10g]\n", name, from, to);
  if (axis->hidden)
    text_printf(s, "unset %stics\n", name);
  else
    put_ticks(s, name, axis, t, numbers, "out nomirror scale 0.5,0.25 offset 0,0");
  if (labelled && (axis->label[0] || t->exponent != 0)) {
    text_printf(s, "set %slabel ", name);
    put_label(s, axis->label, axis->hidden ? 0 : t->exponent);
    text_put(s, " noenhanced textcolor rgb '#222222'\n");
  } else {
    text_printf(s, "unset %slabel\n", name);
  }
}

static bool has(const nrf_panel *p, figure_kind kind)
{
  for (int i = 0; i < figure_n_elements(p); i++)
    if (figure_element_at(p, i)->kind == kind) return true;
  return false;
}

/* Lines left and below; images have edges of their own. */
static int border_of(const nrf_panel *p)
{
  if (has(p, FIGURE_IMAGE)) return 0;
  return (p->x.hidden ? 0 : 1) + (p->y.hidden ? 0 : 2);
}

/* ---- colours ---- */

static void put_palette(nrf_buffer *s, nrf_colour_map map)
{
  enum { INTERVALS = 64 };
  text_printf(s, "# %s\nset palette defined (", nrf_colour_map_name(map));
  for (int i = 0; i <= INTERVALS; i++) {
    char colour[NRF_COLOUR_TEXT];
    text_printf(s, "%s%d '%s'", i > 0 ? ", " : "", i,
                nrf_colour_text(nrf_colour_at(map, (double)i / INTERVALS), colour));
  }
  text_put(s, ")\n");
}

static void put_colours(nrf_buffer *s, const nrf_panel *p, const figure_place *place)
{
  const figure_ticks *t = &place->colours;
  if (!p->scale.used) {
    text_put(s, "unset colorbox\n");
    return;
  }
  put_palette(s, p->scale.map);
  text_printf(s, "set cbrange [%.10g:%.10g]\n", t->low, t->high);
  if (!place->bar) {
    text_put(s, "unset colorbox\n");
    return;
  }
  text_printf(
      s,
      "set colorbox vertical user origin screen %.5f, screen %.5f size screen %.5f, screen %.5f noborder\n",
      place->bar_left, place->bar_bottom, place->bar_right - place->bar_left,
      place->bar_top - place->bar_bottom);
  put_ticks(s, "cb", NULL, t, true, "out nomirror scale 0.5");
  text_put(s, "unset cblabel\n");
  if (p->scale.label[0] || t->exponent != 0) {
    text_put(s, "set label ");
    put_label(s, p->scale.label, t->exponent);
    text_printf(s, " noenhanced at screen %.5f, screen %.5f center rotate by 90 textcolor rgb '#222222'\n",
                place->bar_label, (place->bar_bottom + place->bar_top) / 2);
  }
}

/* ---- texts and marks ---- */

static void put_words(nrf_buffer *s, const char *text, const char *where)
{
  text_put(s, "set label ");
  put_quoted(s, text);
  text_printf(s, " noenhanced %s\n", where);
}

static const char *dash_of(nrf_dash dash)
{
  static const char *const types[] = {[NRF_SOLID] = "solid", [NRF_DASHED] = "(8,4)", [NRF_DOTTED] = "(2,3)"};
  return types[dash];
}

static void put_line_style(nrf_buffer *s, const figure_element *e)
{
  const unsigned transparent = (unsigned)lround(255 * (1 - fmin(e->opacity, 1)));
  if (transparent > 0 && e->colour[0] == '#')
    text_printf(s, "linecolor rgb '#%02x%s' ", transparent, e->colour + 1);
  else
    text_printf(s, "linecolor rgb '%s' ", e->colour);
  text_printf(s, "linewidth %.4g dashtype %s", e->width, dash_of(e->dash));
}

static void put_mark(nrf_buffer *s, const nrf_panel *p, const figure_element *e)
{
  const bool  covered = has(p, FIGURE_IMAGE) || has(p, FIGURE_BARS);
  const char *depth   = covered ? "front" : "back";
  switch (e->kind) {
  case FIGURE_VERTICAL:
    text_printf(s, "set arrow from first %.10g, graph 0 to first %.10g, graph 1 nohead %s ", e->x, e->x,
                depth);
    break;
  case FIGURE_HORIZONTAL:
    text_printf(s, "set arrow from graph 0, first %.10g to graph 1, first %.10g nohead %s ", e->y, e->y,
                depth);
    break;
  case FIGURE_WORDS: {
    char place[128], where[192];
    if (p->polar)
      (void)snprintf(place, sizeof place, "first cos(%.10g)*(%.10g-r0), first sin(%.10g)*(%.10g-r0)", e->x,
                     e->y, e->x, e->y);
    else
      (void)snprintf(place, sizeof place, "first %.10g, first %.10g", e->x, e->y);
    (void)snprintf(where, sizeof where, "at %s center front textcolor rgb '%s'", place, e->colour);
    put_words(s, e->label, where);
    return;
  }
  default:
    return;
  }
  put_line_style(s, e);
  text_put(s, "\n");
}

/* One label for all panels, in the middle of them: drawn with the last panel of the first column. */
static void put_common_labels(nrf_buffer *s, const nrf_panel *p, const figure_place *place)
{
  if (p->row != p->figure->rows - 1 || p->column != 0) return;
  if (place->common_x) {
    text_put(s, "set label ");
    put_label(s, p->x.label, p->x.hidden ? 0 : place->x.exponent);
    text_printf(s, " noenhanced at screen %.5f, screen %.5f center textcolor rgb '#222222'\n",
                place->common_x_at[0], place->common_x_at[1]);
  }
  if (place->common_y) {
    text_put(s, "set label ");
    put_label(s, p->y.label, p->y.hidden ? 0 : place->y.exponent);
    text_printf(s, " noenhanced at screen %.5f, screen %.5f center rotate by 90 textcolor rgb '#222222'\n",
                place->common_y_at[0], place->common_y_at[1]);
  }
}

static void put_texts(nrf_buffer *s, const nrf_panel *p, bool anything)
{
  if (p->row == 0 && p->column == 0 && p->figure->title[0])
    put_words(s, p->figure->title, "at screen 0.5, screen 1 center offset 0,-1.1 font ',12'");
  if (p->title[0]) put_words(s, p->title, "at graph 0.5, graph 1 center offset 0,0.7");
  if (p->corner[0])
    put_words(s, p->corner,
              p->polar ? "at graph 0, graph 1 left offset 0,-0.3 front"
                       : "at graph 0, graph 1 left offset 0.6,-0.8 front");
  if (!anything) put_words(s, "no data", "at graph 0.5, graph 0.5 center textcolor rgb '#9a9a9a'");
}

static void put_legend(nrf_buffer *s, const nrf_panel *p)
{
  static const char *const corners[] = {
      [NRF_TOP_RIGHT]    = "top right",
      [NRF_TOP_LEFT]     = "top left",
      [NRF_BOTTOM_RIGHT] = "bottom right",
      [NRF_BOTTOM_LEFT]  = "bottom left",
  };
  if (p->legend == NRF_CORNER_NONE)
    text_put(s, "unset key\n");
  else
    text_printf(s,
                "set key inside %s Left reverse noenhanced samplen 1.8 spacing 1.1 width -1 textcolor rgb "
                "'#222222'\n",
                corners[p->legend]);
}

/* ---- polar panels ---- */

/* Circles and spokes behind the data; r0 is the radius at the centre. */
static void put_polar_frame(nrf_buffer *s, const nrf_panel *p, const figure_place *place)
{
  const figure_ticks *t   = &place->y;
  const double        rim = t->high - t->low;
  text_printf(s, "set xrange [%.10g:%.10g]\nset yrange [%.10g:%.10g]\n", place->x.low, place->x.high,
              place->x.low, place->x.high);
  text_put(s, "unset xtics\nunset ytics\nunset xlabel\nunset ylabel\nunset logscale\n");
  text_printf(s, "r0 = %.10g  # radius at the centre\n", t->low);
  for (double k = ceil(t->low / t->step + 1e-9); k * t->step < t->high * (1 - 1e-9); k++) {
    text_printf(s, "set object circle at first 0, first 0 size first (%.10g - r0) back ", k * t->step);
    text_put(s, "fillstyle empty border linecolor rgb '#d0d0d0' linewidth 0.6\n");
  }
  text_printf(s, "set object circle at first 0, first 0 size first %.10g back ", rim);
  text_put(s, "fillstyle empty border linecolor rgb '#333333' linewidth 0.8\n");
  for (int quarter = 0; quarter < 2; quarter++)
    text_printf(
        s, "set arrow from first %.10g, first %.10g to first %.10g, first %.10g nohead back linestyle 102\n",
        quarter ? 0 : -rim, quarter ? -rim : 0, quarter ? 0 : rim, quarter ? rim : 0);
  if (!p->polar_angles) return;
  text_printf(s,
              "set label '0\xc2\xb0' at first %.10g, first 0 left offset 0.4,0\n"
              "set label '90\xc2\xb0' at first 0, first %.10g center offset 0,0.6\n"
              "set label '180\xc2\xb0' at first %.10g, first 0 right offset -0.4,0\n"
              "set label '270\xc2\xb0' at first 0, first %.10g center offset 0,-0.6\n",
              rim, rim, -rim, -rim);
}

static void put_circles(nrf_buffer *s, const nrf_panel *p)
{
  for (int i = 0; i < figure_n_elements(p); i++) {
    const figure_element *e = figure_element_at(p, i);
    if (e->kind != FIGURE_CIRCLE) continue;
    text_printf(s, "set object circle at first 0, first 0 size first (%.10g - r0) front ", e->y);
    text_printf(s, "fillstyle empty border linecolor rgb '%s' linewidth %.4g\n", e->colour, e->width);
  }
}

/* ---- what is plotted ---- */

/* Begins an element of the plot command. */
static void put_source(nrf_buffer *s, const nrf_panel *p, const figure_element *e, const char *columns)
{
  if (p->polar) columns = "(($2-r0)*cos($1)):(($2-r0)*sin($1))";
  text_printf(s, "  '%s.tsv' index %d using %s ", p->figure->name, e->block, columns);
}

static void put_title(nrf_buffer *s, const nrf_panel *p, const figure_element *e)
{
  if (e->label[0] && p->legend != NRF_CORNER_NONE) {
    text_put(s, " title ");
    put_quoted(s, e->label);
  } else {
    text_put(s, " notitle");
  }
}

static void put_dots(nrf_buffer *s, const figure_element *e)
{
  text_printf(s, "pointtype 7 pointsize %.4g*dot ", e->size);
}

static void put_lines_through(nrf_buffer *s, const nrf_panel *p, const figure_element *e)
{
  put_source(s, p, e, "1:2");
  text_put(s, "with lines ");
  put_line_style(s, e);
  text_put(s, " notitle, \\\n");
}

/* gnuplot leaves out a dot whose bar has no ends. */
static void put_dots_without_bars(nrf_buffer *s, const nrf_panel *p, const figure_element *e)
{
  put_source(s, p, e, "1:2");
  text_put(s, "with points ");
  put_dots(s, e);
  put_line_style(s, e);
  text_put(s, " notitle, \\\n");
}

static void put_image(nrf_buffer *s, const nrf_panel *p, const figure_element *e)
{
  const double dx = (e->extent.x_last - e->extent.x_first) / e->columns;
  const double dy = (e->extent.y_last - e->extent.y_first) / e->rows;
  text_printf(s,
              "  '%s.bin' binary skip=%zu array=(%d,%d) format='%%float32' endian=little "
              "dx=%.10g dy=%.10g origin=(%.10g,%.10g) using 1 with image",
              p->figure->name, e->offset, e->columns, e->rows, dx, dy, e->extent.x_first + dx / 2,
              e->extent.y_first + dy / 2);
}

static void put_element(nrf_buffer *s, const nrf_panel *p, const figure_element *e)
{
  switch (e->kind) {
  case FIGURE_LINE:
    put_source(s, p, e, "1:2");
    text_put(s, "with lines ");
    put_line_style(s, e);
    break;
  case FIGURE_POINTS:
    if (e->joined) put_lines_through(s, p, e);
    put_source(s, p, e, "1:2");
    text_put(s, "with points ");
    put_dots(s, e);
    put_line_style(s, e);
    break;
  case FIGURE_COLOURED_POINTS:
    put_source(s, p, e, "1:2:3");
    text_put(s, "with points ");
    put_dots(s, e);
    text_put(s, "linecolor palette");
    break;
  case FIGURE_ERROR_BARS:
    if (e->joined) put_lines_through(s, p, e);
    put_dots_without_bars(s, p, e);
    put_source(s, p, e, "1:2:3:4");
    text_put(s, "with yerrorbars ");
    put_dots(s, e);
    put_line_style(s, e);
    break;
  case FIGURE_BAND:
    put_source(s, p, e, "1:2:3");
    text_printf(s, "with filledcurves fillcolor rgb '%s' fillstyle transparent solid %.4g noborder",
                e->colour, e->opacity);
    break;
  case FIGURE_BARS:
    text_printf(s, "  '%s.tsv' index %d using 1:2:(%.10g) ", p->figure->name, e->block, e->bar);
    text_printf(s, "with boxes fillcolor rgb '%s' fillstyle transparent solid %.4g noborder", e->colour,
                e->opacity);
    break;
  case FIGURE_IMPULSES:
    put_source(s, p, e, "1:2");
    text_put(s, "with impulses ");
    put_line_style(s, e);
    break;
  case FIGURE_IMAGE:
    put_image(s, p, e);
    break;
  default:
    break;
  }
  put_title(s, p, e);
}

static void put_plot(nrf_buffer *s, const nrf_panel *p, int plotted)
{
  text_put(s, "plot \\\n");
  if (plotted == 0) text_put(s, "  NaN notitle\n");
  for (int i = 0, n = 0; i < figure_n_elements(p); i++) {
    if (!figure_is_plotted(p, figure_element_at(p, i))) continue;
    put_element(s, p, figure_element_at(p, i));
    text_put(s, ++n < plotted ? ", \\\n" : "\n");
  }
}

static void put_panel(nrf_buffer *s, const nrf_panel *p, const figure_place *place)
{
  if (!p->asked) return;
  text_printf(s, "\n# ---- panel %d.%d\n", p->row + 1, p->column + 1);
  text_printf(s, "set lmargin at screen %.5f; set rmargin at screen %.5f\n", place->left, place->right);
  text_printf(s, "set bmargin at screen %.5f; set tmargin at screen %.5f\n", place->bottom, place->top);
  text_put(s, "unset label; unset arrow; unset object\n");
  if (p->polar) {
    text_put(s, "unset border\n");
    put_polar_frame(s, p, place);
  } else {
    text_printf(s, "set border %d linestyle 101\n", border_of(p));
    put_axis(s, "x", &p->x, &place->x, place->x_numbers, place->x_numbers && !place->common_x);
    put_axis(s, "y", &p->y, &place->y, place->y_numbers, place->y_numbers && !place->common_y);
  }
  put_colours(s, p, place);
  put_legend(s, p);
  const int plotted = figure_n_plotted(p);
  put_texts(s, p, plotted > 0);
  put_common_labels(s, p, place);
  for (int i = 0; i < figure_n_elements(p); i++) put_mark(s, p, figure_element_at(p, i));
  put_circles(s, p);
  put_plot(s, p, plotted);
}

nrf_status figure_script(const nrf_figure *figure, nrf_buffer *script)
{
  const int     panels = figure->rows * figure->columns;
  figure_place *place  = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)panels * sizeof *place, "figure", (void **)&place));
  figure_lay_out(figure, place);
  put_head(script, figure);
  for (int i = 0; i < panels; i++) put_panel(script, &figure->panel[i], &place[i]);
  put_foot(script, figure);
  nrf_free(place);
  return text_check(script, figure->name);
}
