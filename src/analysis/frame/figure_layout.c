/* figure_layout.c - ranges, ticks and places of a figure's panels, so that panels line up whatever their numbers are. */
#include "analysis/frame/figure_model.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Inches. CHAR and LINE are those of the 10-point font, on the generous side. */
static const double CHAR = 0.078, LINE = 0.18, TICK = 0.13, EDGE = 0.1, TITLE = 0.32;
static const double BAR_GAP = 0.1, BAR_WIDTH = 0.13;
static const double BETWEEN_PANELS  = 0.1;
static const double MARGIN          = 0.05; /* of the range, beside the data */
static const double RIM             = 1.02; /* of a polar panel's radius: what its square shows */
static const double RIM_WITH_ANGLES = 1.3;

/* ---- ticks ---- */

enum { MIN_TICKS = 2 };

/* The range's largest number decides whether numbers are divided by a power of ten. */
static int choose_exponent(double low, double high)
{
  const double largest = fmax(fabs(low), fabs(high));
  if (largest == 0) return 0;
  const int exponent = (int)floor(log10(largest) + 1e-9);
  return exponent >= 5 || exponent <= -4 ? exponent : 0;
}

void figure_number(const figure_ticks *ticks, double value, char text[FIGURE_TICK_BYTES])
{
  double shown = value / pow(10, ticks->exponent);
  if (fabs(shown) < 0.5 * pow(10, -ticks->decimals)) shown = 0; /* not -0.0 */
  (void)snprintf(text, FIGURE_TICK_BYTES, "%s%.*f", shown < 0 ? "\xe2\x88\x92" : "", ticks->decimals,
                 fabs(shown));
}

/* Characters, not bytes, of UTF-8. */
static int length_of(const char *text)
{
  int n = 0;
  for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
  return n;
}

static int ticks_in(double low, double high, double step)
{
  return (int)(floor(high / step + 1e-9) - ceil(low / step - 1e-9)) + 1;
}

figure_ticks figure_choose_ticks(double low, double high, int wanted)
{
  static const double multiples[] = {10, 5, 2, 1, 0.5, 0.2, 0.1};
  figure_ticks        t           = {.low = low, .high = high, .exponent = choose_exponent(low, high)};
  const double        power = pow(10, floor(log10((high - low) / (wanted > MIN_TICKS ? wanted : MIN_TICKS))));
  for (size_t i = 0; i < sizeof multiples / sizeof *multiples;
       i++) { /* ever more ticks, as long as they fit */
    const int n = ticks_in(low, high, multiples[i] * power);
    if (t.step > 0 && n > wanted + 1 && ticks_in(low, high, t.step) >= MIN_TICKS) break;
    t.step = multiples[i] * power;
  }
  const int decimals  = t.exponent - (int)floor(log10(t.step) + 1e-9);
  t.decimals          = decimals > 0 ? decimals : 0;
  const double ends[] = {low, high};
  for (int i = 0; i < 2; i++) {
    char text[FIGURE_TICK_BYTES];
    figure_number(&t, ends[i], text);
    const int n = length_of(text);
    if (n > t.chars) t.chars = n;
  }
  return t;
}

/* ---- ranges ---- */

/* Both ends finite, and apart. */
static figure_range widened(figure_range r)
{
  if (figure_range_is_empty(r)) return (figure_range){0, 1};
  if (r.low < r.high) return r;
  const double half = r.low != 0 ? fabs(r.low) / 10 : 1;
  return (figure_range){r.low - half, r.high + half};
}

static figure_range linear_range(const figure_axis *axis, figure_range seen)
{
  figure_range r = seen;
  if (axis->from_zero) figure_range_add(&r, 0);
  r                     = widened(r);
  const double margin   = axis->tight ? 0 : MARGIN * (r.high - r.low);
  const bool   zero_low = axis->from_zero && r.low == 0, zero_high = axis->from_zero && r.high == 0;
  return (figure_range){zero_low ? 0 : r.low - margin, zero_high ? 0 : r.high + margin};
}

static figure_range log_range(const figure_axis *axis, figure_range positive)
{
  if (figure_range_is_empty(positive)) return (figure_range){0.1, 1};
  figure_range r = {log10(positive.low), log10(positive.high)};
  if (r.high - r.low < 0.1) r = (figure_range){r.low - 0.5, r.high + 0.5};
  const double margin = axis->tight ? 0 : MARGIN * (r.high - r.low);
  return (figure_range){pow(10, r.low - margin), pow(10, r.high + margin)};
}

/* The range of an axis, given what was seen by it or by all that share it. */
static figure_range range_of(const figure_axis *axis, figure_range seen, figure_range positive)
{
  if (axis->low < axis->high) return (figure_range){axis->low, axis->high};
  return axis->log ? log_range(axis, positive) : linear_range(axis, seen);
}

typedef struct shared {
  figure_range x, y, x_positive, y_positive, colours;
} shared;

static shared see_all(const nrf_figure *figure)
{
  const figure_range none = figure_range_empty();
  shared             all  = {none, none, none, none, none};
  for (int i = 0; i < figure->rows * figure->columns; i++) {
    const nrf_panel *p = &figure->panel[i];
    figure_range_unite(&all.x, p->x.seen);
    figure_range_unite(&all.y, p->y.seen);
    figure_range_unite(&all.x_positive, p->x.positive);
    figure_range_unite(&all.y_positive, p->y.positive);
    figure_range_unite(&all.colours, p->scale.seen);
  }
  return all;
}

/* How many ticks fit: about one every so many inches, on a panel of about this size. */
static int ticks_that_fit(double inches, double apart)
{
  const int n = (int)(inches / apart);
  return n < MIN_TICKS ? MIN_TICKS : n > 7 ? 7 : n;
}

static figure_ticks lay_axis(const figure_axis *axis, figure_range r, int wanted)
{
  if (axis->n_ticks > 0) {
    figure_ticks t = figure_choose_ticks(r.low, r.high, wanted);
    t.step         = 0;
    t.exponent     = 0;
    t.chars        = 0;
    for (int i = 0; i < axis->n_ticks; i++) {
      char number[FIGURE_TICK_BYTES];
      (void)snprintf(number, sizeof number, "%g", axis->tick[i].at);
      const int n = length_of(axis->tick[i].label[0] ? axis->tick[i].label : number);
      if (n > t.chars) t.chars = n;
    }
    return t;
  }
  if (axis->log) return (figure_ticks){.low = r.low, .high = r.high, .chars = 5};
  return figure_choose_ticks(r.low, r.high, wanted);
}

static figure_ticks lay_colours(const figure_scale *scale, figure_range seen, int wanted)
{
  figure_range r = scale->low < scale->high ? (figure_range){scale->low, scale->high} : widened(seen);
  if (scale->symmetric && !(scale->low < scale->high)) {
    const double m = fmax(fabs(r.low), fabs(r.high));
    r              = (figure_range){-m, m};
  }
  return figure_choose_ticks(r.low, r.high, wanted);
}

/* ---- places ---- */

/* Whether several panels that share an axis have one label for it: then it is written once. */
static bool is_common(const nrf_figure *figure, bool shared_axis, int panels_along, bool x)
{
  const nrf_panel *first = &figure->panel[0];
  if (!shared_axis || panels_along < 2) return false;
  for (int i = 0; i < figure->rows * figure->columns; i++) {
    const nrf_panel *p = &figure->panel[i];
    if (!p->asked) continue;
    if (p->polar || strcmp(x ? p->x.label : p->y.label, x ? first->x.label : first->y.label) != 0)
      return false;
  }
  return (x ? first->x.label : first->y.label)[0] != '\0';
}

/* Inches that numbers and label need beside the axes of a panel. */
typedef struct needs {
  double left, right, bottom, top;
} needs;

/* From the colour bar to the middle of its label. */
static double beside_bar(const figure_ticks *ticks)
{
  return TICK + ticks->chars * CHAR + LINE / 2;
}

static double bar_needs(const figure_scale *scale, const figure_ticks *ticks)
{
  const bool labelled = scale->label[0] || ticks->exponent != 0;
  return BAR_GAP + BAR_WIDTH + beside_bar(ticks) + (labelled ? LINE / 2 : -LINE / 2);
}

static needs needs_of(const nrf_panel *p, const figure_place *place)
{
  needs n = {EDGE, EDGE, EDGE, EDGE};
  if (!p->asked) return n;
  if (p->title[0]) n.top += LINE;
  if (p->polar) {
    n.bottom += p->x.label[0] ? LINE : 0;
    return n;
  }
  if (place->y_numbers) {
    if (!p->y.hidden) n.left += TICK + place->y.chars * CHAR;
    if (p->y.label[0] || place->y.exponent) n.left += LINE;
  }
  if (place->x_numbers) {
    if (!p->x.hidden) {
      n.bottom += TICK + LINE;
      n.right += place->x.chars * CHAR / 2; /* the last number is centred under its tick */
    }
    if (p->x.label[0] || place->x.exponent) n.bottom += LINE;
  }
  if (place->bar) n.right += bar_needs(&p->scale, &place->colours);
  return n;
}

/* What each row and column of panels needs: the most of any panel in it. */
typedef struct grid {
  double left[NRF_FIGURE_MAX_PANELS], right[NRF_FIGURE_MAX_PANELS];
  double top[NRF_FIGURE_MAX_PANELS], bottom[NRF_FIGURE_MAX_PANELS];
  double panel_width, panel_height;
} grid;

static void lay_grid(const nrf_figure *figure, const figure_place place[], double common_bar, grid *g)
{
  memset(g, 0, sizeof *g);
  for (int i = 0; i < figure->rows * figure->columns; i++) {
    const nrf_panel *p  = &figure->panel[i];
    const needs      n  = needs_of(p, &place[i]);
    g->left[p->column]  = fmax(g->left[p->column], n.left);
    g->right[p->column] = fmax(g->right[p->column], n.right);
    g->top[p->row]      = fmax(g->top[p->row], n.top);
    g->bottom[p->row]   = fmax(g->bottom[p->row], n.bottom);
  }
  double across = common_bar + (figure->columns - 1) * BETWEEN_PANELS;
  double down   = (figure->title[0] ? TITLE : 0) + (figure->rows - 1) * BETWEEN_PANELS;
  for (int c = 0; c < figure->columns; c++) across += g->left[c] + g->right[c];
  for (int r = 0; r < figure->rows; r++) down += g->top[r] + g->bottom[r];
  /* Too much text for the size: small panels rather than none. */
  g->panel_width  = fmax((figure->width - across) / figure->columns, 0.1);
  g->panel_height = fmax((figure->height - down) / figure->rows, 0.1);
}

/* Equal units on both axes: the panel shrinks in one direction, and stays in the middle. */
static void make_square(const nrf_panel *p, const figure_place *place, double *x, double *y, double *width,
                        double *height)
{
  double units_x = place->x.high - place->x.low, units_y = place->y.high - place->y.low;
  if (p->polar) units_x = units_y = 1;
  const double scale = fmin(*width / units_x, *height / units_y);
  const double w = scale * units_x, h = scale * units_y;
  *x += (*width - w) / 2;
  *y += (*height - h) / 2;
  *width  = w;
  *height = h;
}

/* The middle of all panels, and the outer edges of the first column and the last row. */
static void put_common_labels(const nrf_figure *figure, const grid *g, figure_place place[])
{
  const int     last     = figure->rows * figure->columns - 1;
  figure_place *corner   = &place[last - (figure->columns - 1)];
  corner->common_x_at[0] = (corner->left + place[last].right) / 2;
  corner->common_x_at[1] = corner->bottom - (g->bottom[figure->rows - 1] - EDGE - LINE / 2) / figure->height;
  corner->common_y_at[0] = corner->left - (g->left[0] - EDGE - LINE / 2) / figure->width;
  corner->common_y_at[1] = (corner->bottom + place[0].top) / 2;
}

static void put_panels(const nrf_figure *figure, const grid *g, figure_place place[])
{
  double from_top = figure->title[0] ? TITLE : 0;
  for (int r = 0; r < figure->rows; r++) {
    double from_left = 0;
    from_top += g->top[r];
    for (int c = 0; c < figure->columns; c++) {
      const nrf_panel *p  = &figure->panel[r * figure->columns + c];
      figure_place    *to = &place[r * figure->columns + c];
      from_left += g->left[c];
      double x = from_left, width = g->panel_width, height = g->panel_height;
      double y = figure->height - from_top - height;
      if (p->square) make_square(p, to, &x, &y, &width, &height);
      to->left       = x / figure->width;
      to->right      = (x + width) / figure->width;
      to->bottom     = y / figure->height;
      to->top        = (y + height) / figure->height;
      to->bar_left   = (x + width + BAR_GAP) / figure->width;
      to->bar_right  = (x + width + BAR_GAP + BAR_WIDTH) / figure->width;
      to->bar_label  = to->bar_right + beside_bar(&to->colours) / figure->width;
      to->bar_bottom = to->bottom;
      to->bar_top    = to->top;
      from_left += width + g->right[c] + BETWEEN_PANELS;
      if (p->square) from_left += g->panel_width - width;
    }
    from_top += g->panel_height + g->bottom[r] + BETWEEN_PANELS;
  }
}

/* The panel whose scale is that of the figure's one colour bar; -1 if there is none. One with something plotted, if there is one: gnuplot
 * draws no bar with an empty plot. */
static int first_scaled(const nrf_figure *figure)
{
  int empty = -1;
  for (int i = figure->rows * figure->columns - 1; i >= 0; i--)
    if (figure->panel[i].scale.used) empty = i;
  for (int i = 0; i < figure->rows * figure->columns; i++)
    if (figure->panel[i].scale.used && figure_n_plotted(&figure->panel[i]) > 0) return i;
  return empty;
}

/* One colour bar right of all panels, as high as they are together. */
static void put_common_bar(const nrf_figure *figure, int owner, double inches, figure_place place[])
{
  figure_place *to     = &place[owner];
  double        bottom = 1, top = 0;
  for (int i = 0; i < figure->rows * figure->columns; i++) {
    bottom = fmin(bottom, place[i].bottom);
    top    = fmax(top, place[i].top);
  }
  to->bar        = true;
  to->bar_left   = (figure->width - inches + BAR_GAP) / figure->width;
  to->bar_right  = to->bar_left + BAR_WIDTH / figure->width;
  to->bar_label  = to->bar_right + beside_bar(&to->colours) / figure->width;
  to->bar_bottom = bottom;
  to->bar_top    = top;
}

/* The square that shows a polar panel's circle: its y axis is the radius. */
static void make_polar(const nrf_panel *p, figure_range radius, figure_place *place)
{
  const double rim = (radius.high - radius.low) * (p->polar_angles ? RIM_WITH_ANGLES : RIM);
  place->y         = figure_choose_ticks(radius.low, radius.high, 3);
  place->x         = (figure_ticks){.low = -rim, .high = rim};
}

/* Of those of its column that there are. */
static bool is_lowest(const nrf_figure *figure, const nrf_panel *p)
{
  return p->row == figure->rows - 1 || !p[figure->columns].asked;
}

static void lay_panel(const nrf_figure *figure, const shared *all, const nrf_panel *p, figure_place *to)
{
  const double       width = figure->width / figure->columns, height = figure->height / figure->rows;
  const figure_range x =
      figure->share_x ? range_of(&p->x, all->x, all->x_positive) : range_of(&p->x, p->x.seen, p->x.positive);
  const figure_range y =
      figure->share_y ? range_of(&p->y, all->y, all->y_positive) : range_of(&p->y, p->y.seen, p->y.positive);
  memset(to, 0, sizeof *to);
  to->x_numbers = !figure->share_x || is_lowest(figure, p);
  to->y_numbers = !figure->share_y || p->column == 0;
  to->common_x  = is_common(figure, figure->share_x, figure->columns, true);
  to->common_y  = is_common(figure, figure->share_y, figure->rows, false);
  to->bar       = p->scale.used && !p->scale.no_bar && !figure->share_colours;
  to->x         = lay_axis(&p->x, x, ticks_that_fit(width, 0.62));
  to->y         = lay_axis(&p->y, y, ticks_that_fit(height, 0.45));
  if (p->scale.used)
    to->colours = lay_colours(&p->scale, figure->share_colours ? all->colours : p->scale.seen,
                              ticks_that_fit(height, 0.45));
  if (p->polar) make_polar(p, y, to);
}

/* The layout but for the places: what is written where, and how much room the panels have. Returns the inches of the
 * common colour bar; *owner is the panel it is drawn with. */
static double lay_all(const nrf_figure *figure, figure_place place[], grid *g, int *owner)
{
  const shared all        = see_all(figure);
  double       common_bar = 0;
  *owner                  = figure->share_colours ? first_scaled(figure) : -1;
  for (int i = 0; i < figure->rows * figure->columns; i++)
    lay_panel(figure, &all, &figure->panel[i], &place[i]);
  if (*owner >= 0 && !figure->panel[*owner].scale.no_bar) {
    const figure_scale *scale = &figure->panel[*owner].scale;
    place[*owner].colours     = lay_colours(scale, all.colours, ticks_that_fit(figure->height, 0.6));
    common_bar                = bar_needs(scale, &place[*owner].colours) + EDGE;
  }
  lay_grid(figure, place, common_bar, g);
  return common_bar;
}

void figure_lay_out(const nrf_figure *figure, figure_place place[])
{
  grid         g;
  int          owner;
  const double common_bar = lay_all(figure, place, &g, &owner);
  put_panels(figure, &g, place);
  put_common_labels(figure, &g, place);
  if (common_bar > 0) put_common_bar(figure, owner, common_bar, place);
}

nrf_status figure_fit(nrf_figure *figure)
{
  const int     panels = figure->rows * figure->columns;
  figure_place *place  = NULL;
  grid          g;
  int           owner;
  double        widest = 0, highest = 0;
  for (int i = 0; i < panels; i++)
    if (figure->panel[i].asked && !figure->panel[i].square) return NRF_OK;

  NRF_RETURN_IF_ERROR(nrf_alloc((size_t)panels * sizeof *place, "figure", (void **)&place));
  (void)lay_all(figure, place, &g, &owner);
  for (int i = 0; i < panels; i++) {
    if (!figure->panel[i].asked) continue;
    double x = 0, y = 0, width = g.panel_width, height = g.panel_height;
    make_square(&figure->panel[i], &place[i], &x, &y, &width, &height);
    widest  = fmax(widest, width);
    highest = fmax(highest, height);
  }
  figure->width -= figure->columns * (g.panel_width - widest);
  figure->height -= figure->rows * (g.panel_height - highest);
  nrf_free(place);
  return NRF_OK;
}
