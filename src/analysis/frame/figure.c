/* figure.c - puts a figure together in memory. */
#include "analysis/frame/figure_model.h"
#include "analysis/frame/text.h"
#include "nrflv/memory.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double WIDTH = 6.4, HEIGHT = 4.8;          /* inches */
static const double MIN_SIDE = 1, MAX_SIDE = 100;       /* inches */
static const double LINE_WIDTH = 1.5, THIN = 1;         /* points */
static const double DOT_SIZE = 5, MANY_DOTS_SIZE = 2.5; /* points */
static const double BAND_OPACITY = 0.25;
enum { MANY_DOTS = 1000 };

/* The first two are the published program's; all can be told apart by the colour blind in this order. */
static const char *const cycle[] = {NRF_BLUE,  NRF_ORANGE, "#2ca02c", NRF_RED,   "#9467bd",
                                    "#8c564b", "#e377c2",  "#7f7f7f", "#bcbd22", "#17becf"};
enum { COLOURS = sizeof cycle / sizeof *cycle };

const char *nrf_colour_text(nrf_colour colour, char text[NRF_COLOUR_TEXT])
{
  (void)snprintf(text, NRF_COLOUR_TEXT, "#%02x%02x%02x", (unsigned)colour.red, (unsigned)colour.green,
                 (unsigned)colour.blue);
  return text;
}

/* ---- ranges ---- */

figure_range figure_range_empty(void)
{
  return (figure_range){INFINITY, -INFINITY};
}

bool figure_range_is_empty(figure_range r)
{
  return !(r.low <= r.high);
}

void figure_range_add(figure_range *r, double x)
{
  if (!isfinite(x)) return;
  r->low  = fmin(r->low, x);
  r->high = fmax(r->high, x);
}

void figure_range_unite(figure_range *r, figure_range other)
{
  if (figure_range_is_empty(other)) return;
  figure_range_add(r, other.low);
  figure_range_add(r, other.high);
}

static void axis_see(figure_axis *axis, double x)
{
  figure_range_add(&axis->seen, x);
  if (x > 0) figure_range_add(&axis->positive, x);
}

/* ---- errors wait until the figure is written ---- */

static bool usable(nrf_figure *figure)
{
  if (figure->st == NRF_OK && (figure->data.failed || figure->raw.failed)) {
    figure->st = NRF_ENOMEM;
    (void)snprintf(figure->message, sizeof figure->message, "out of memory");
  }
  return figure->st == NRF_OK;
}

static void refuse(nrf_figure *figure, nrf_status st, const char *message)
{
  if (figure->st != NRF_OK) return;
  figure->st = st;
  (void)snprintf(figure->message, sizeof figure->message, "%s", message);
}

/* ---- figures ---- */

static void copy_text(char *to, size_t bytes, const char *text)
{
  (void)snprintf(to, bytes, "%s", text ? text : "");
}

static nrf_status check_spec(const nrf_figure_spec *spec)
{
  if (!spec->name || !text_is_file_name(spec->name, FIGURE_NAME_BYTES))
    return nrf_error(NRF_EINVAL, "figure '%s': not a name for a file", spec->name ? spec->name : "");
  const double sides[] = {spec->width, spec->height};
  for (int i = 0; i < 2; i++)
    if (sides[i] != 0 && !(sides[i] >= MIN_SIDE && sides[i] <= MAX_SIDE))
      return nrf_error(NRF_EINVAL, "figure %s: %g is no size in inches", spec->name, sides[i]);
  if (spec->rows < 0 || spec->columns < 0 || spec->rows > NRF_FIGURE_MAX_PANELS ||
      spec->columns > NRF_FIGURE_MAX_PANELS ||
      (spec->rows ? spec->rows : 1) * (spec->columns ? spec->columns : 1) > NRF_FIGURE_MAX_PANELS)
    return nrf_error(NRF_EINVAL, "figure %s: %d x %d panels", spec->name, spec->rows, spec->columns);
  return NRF_OK;
}

nrf_status nrf_figure_create(const nrf_figure_spec *spec, nrf_figure **out)
{
  nrf_status  st     = NRF_OK;
  nrf_figure *figure = NULL;
  *out               = NULL;
  NRF_RETURN_IF_ERROR(check_spec(spec));
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *figure, "figure", (void **)&figure));
  copy_text(figure->name, sizeof figure->name, spec->name);
  copy_text(figure->title, sizeof figure->title, spec->title);
  copy_text(figure->caption, sizeof figure->caption, spec->caption);
  figure->width         = spec->width > 0 ? spec->width : WIDTH;
  figure->height        = spec->height > 0 ? spec->height : HEIGHT;
  figure->rows          = spec->rows > 0 ? spec->rows : 1;
  figure->columns       = spec->columns > 0 ? spec->columns : 1;
  figure->share_x       = spec->share_x;
  figure->share_y       = spec->share_y;
  figure->share_colours = spec->share_colours;

  const int panels = figure->rows * figure->columns;
  NRF_TRY(nrf_alloc((size_t)panels * sizeof *figure->panel, "panels", (void **)&figure->panel));
  for (int i = 0; i < panels; i++) {
    nrf_panel *p = &figure->panel[i];
    p->figure    = figure;
    p->row       = i / figure->columns;
    p->column    = i % figure->columns;
    p->x.seen = p->x.positive = p->y.seen = p->y.positive = figure_range_empty();
    p->scale.seen                                         = figure_range_empty();
  }
  figure->panel[0].asked = true; /* so that there is something to draw */
  *out                   = figure;
done:
  if (st != NRF_OK) nrf_figure_free(figure);
  return st;
}

void nrf_figure_free(nrf_figure *figure)
{
  if (!figure) return;
  for (int i = 0; figure->panel && i < figure->rows * figure->columns; i++)
    nrf_buffer_free(&figure->panel[i].elements);
  nrf_free(figure->panel);
  nrf_buffer_free(&figure->data);
  nrf_buffer_free(&figure->raw);
  nrf_free(figure);
}

const char *nrf_figure_name(const nrf_figure *figure)
{
  return figure->name;
}

const char *nrf_figure_caption(const nrf_figure *figure)
{
  return figure->caption;
}

void nrf_figure_pixels(const nrf_figure *figure, int *width, int *height)
{
  *width  = (int)lround(figure->width * FIGURE_DPI);
  *height = (int)lround(figure->height * FIGURE_DPI);
}

nrf_panel *nrf_figure_panel(nrf_figure *figure, int row, int column)
{
  assert(row >= 0 && row < figure->rows && column >= 0 && column < figure->columns);
  nrf_panel *panel = &figure->panel[row * figure->columns + column];
  panel->asked     = true;
  return panel;
}

/* ---- panels ---- */

static void set_axis(nrf_figure *figure, figure_axis *axis, const nrf_axis *wish)
{
  copy_text(axis->label, sizeof axis->label, wish->label);
  axis->low       = wish->low;
  axis->high      = wish->high;
  axis->tight     = wish->tight;
  axis->from_zero = wish->from_zero;
  axis->log       = wish->log;
  axis->reversed  = wish->reversed;
  axis->hidden    = wish->hidden;
  axis->n_ticks   = wish->n_ticks;
  if (wish->n_ticks < 0 || wish->n_ticks > NRF_AXIS_MAX_TICKS) {
    refuse(figure, NRF_EINVAL, "an axis with too many ticks");
    axis->n_ticks = 0;
  }
  if (wish->low != wish->high && !(wish->low < wish->high))
    refuse(figure, NRF_EINVAL, "an axis whose range ends before it begins (see .reversed)");
  if (wish->log && wish->low != wish->high && !(wish->low > 0))
    refuse(figure, NRF_EINVAL, "a logarithmic axis that begins at or below 0");
  for (int i = 0; i < axis->n_ticks; i++) {
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): whoever counts ticks has set them */
    axis->tick[i].at = wish->tick[i].at;
    copy_text(axis->tick[i].label, FIGURE_TICK_BYTES, wish->tick[i].label);
  }
}

void nrf_panel_x(nrf_panel *panel, const nrf_axis *axis)
{
  set_axis(panel->figure, &panel->x, axis);
}

void nrf_panel_y(nrf_panel *panel, const nrf_axis *axis)
{
  set_axis(panel->figure, &panel->y, axis);
}

void nrf_panel_title(nrf_panel *panel, const char *fmt, ...)
{
  va_list arguments;
  va_start(arguments, fmt);
  (void)vsnprintf(panel->title, sizeof panel->title, fmt, arguments);
  va_end(arguments);
}

void nrf_panel_corner(nrf_panel *panel, const char *fmt, ...)
{
  va_list arguments;
  va_start(arguments, fmt);
  (void)vsnprintf(panel->corner, sizeof panel->corner, fmt, arguments);
  va_end(arguments);
}

void nrf_panel_legend(nrf_panel *panel, nrf_corner corner)
{
  panel->legend = corner;
}

void nrf_panel_polar(nrf_panel *panel, bool angles)
{
  panel->polar        = true;
  panel->polar_angles = angles;
  panel->square       = true;
}

/* ---- elements ---- */

int figure_n_elements(const nrf_panel *panel)
{
  return (int)(panel->elements.used / sizeof(figure_element));
}

const figure_element *figure_element_at(const nrf_panel *panel, int i)
{
  return (const figure_element *)panel->elements.bytes + i;
}

bool figure_is_plotted(const nrf_panel *panel, const figure_element *element)
{
  if (element->kind >= FIGURE_VERTICAL) return false;
  return panel->y.log ? element->has_positive_y : element->has_points;
}

int figure_n_plotted(const nrf_panel *panel)
{
  int n = 0;
  for (int i = 0; i < figure_n_elements(panel); i++)
    n += figure_is_plotted(panel, figure_element_at(panel, i));
  return n;
}

static const char *next_colour(nrf_panel *panel)
{
  return cycle[panel->coloured++ % COLOURS];
}

/* An element with what its style says. `colour`: where neither the style nor the cycle decides. */
static figure_element element_of(nrf_panel *panel, figure_kind kind, const nrf_plot_style *style,
                                 const char *colour)
{
  static const nrf_plot_style plain = {0};
  const nrf_plot_style       *s     = style ? style : &plain;
  figure_element              e     = {.kind    = kind,
                                       .width   = s->width,
                                       .size    = s->size,
                                       .opacity = s->opacity,
                                       .dash    = s->dash,
                                       .joined  = s->joined};
  copy_text(e.label, sizeof e.label, s->label);
  copy_text(e.colour, sizeof e.colour, s->colour ? s->colour : colour ? colour : next_colour(panel));
  if (e.width <= 0) e.width = LINE_WIDTH;
  if (e.opacity <= 0) e.opacity = kind == FIGURE_BAND ? BAND_OPACITY : 1;
  return e;
}

static void add(nrf_panel *panel, const figure_element *e)
{
  nrf_buffer_put(&panel->elements, e, sizeof *e);
  if (panel->elements.failed) refuse(panel->figure, NRF_ENOMEM, "out of memory");
}

/* A column of the data file. x NULL counts. */
static double value_at(const double *values, int64_t i)
{
  return values ? values[i] : (double)i;
}

static void put_number(nrf_buffer *data, double x, char behind)
{
  char text[32];
  if (isnan(x))
    text_put(data, "NaN");
  else if (isinf(x))
    text_put(data, x > 0 ? "Inf" : "-Inf");
  else {
    (void)snprintf(text, sizeof text, "%.9g", x);
    text_put(data, text);
  }
  nrf_buffer_put(data, &behind, 1);
}

/* What the columns of an element's block are, for whoever reads the data file. */
static const char *const column_names[] = {
    [FIGURE_LINE]            = "x y",
    [FIGURE_POINTS]          = "x y",
    [FIGURE_COLOURED_POINTS] = "x y value",
    [FIGURE_ERROR_BARS]      = "x y low high",
    [FIGURE_BAND]            = "x low high",
    [FIGURE_BARS]            = "x y",
    [FIGURE_IMPULSES]        = "x y",
};

/* Writes a block of up to four columns; the second and, for bars, the later ones widen the y range. */
static void put_block(nrf_panel *panel, figure_element *e, int64_t n, int columns,
                      const double *const column[])
{
  nrf_figure *figure = panel->figure;
  if (!usable(figure)) return;
  e->block = figure->blocks++;
  text_printf(&figure->data, "%s# panel %d.%d%s%s\n# %s\n", e->block > 0 ? "\n\n" : "", panel->row + 1,
              panel->column + 1, e->label[0] ? ", " : "", e->label, column_names[e->kind]);
  /* A dot of which no interval is known is drawn without one. */
  const int needed = e->kind == FIGURE_ERROR_BARS ? 2 : columns;
  const int spread = e->kind == FIGURE_ERROR_BARS ? 4 : e->kind == FIGURE_BAND ? 3 : 2;
  for (int64_t i = 0; i < n; i++) {
    bool shown = true;
    for (int c = 0; c < columns; c++) {
      const double v = value_at(column[c], i);
      shown          = shown && (c >= needed || isfinite(v));
      put_number(&figure->data, v, c + 1 < columns ? '\t' : '\n');
    }
    if (!shown) continue;
    e->has_points = true;
    axis_see(&panel->x, value_at(column[0], i));
    for (int c = 1; c < spread && c < columns; c++) {
      const double y = value_at(column[c], i);
      axis_see(&panel->y, y);
      if (y > 0) e->has_positive_y = true;
    }
  }
  if (n == 0) text_put(&figure->data, "NaN\tNaN\tNaN\tNaN\n"); /* gnuplot counts blocks by their lines */
}

static void plot_xy(nrf_panel *panel, figure_kind kind, int64_t n, const double *x, const double *y,
                    const nrf_plot_style *style)
{
  figure_element e = element_of(panel, kind, style, NULL);
  if (e.size <= 0) e.size = n > MANY_DOTS ? MANY_DOTS_SIZE : DOT_SIZE;
  put_block(panel, &e, n, 2, (const double *const[]){x, y});
  add(panel, &e);
}

void nrf_plot_line(nrf_panel *panel, int64_t n, const double *x, const double *y, const nrf_plot_style *style)
{
  plot_xy(panel, FIGURE_LINE, n, x, y, style);
}

void nrf_plot_points(nrf_panel *panel, int64_t n, const double *x, const double *y,
                     const nrf_plot_style *style)
{
  plot_xy(panel, FIGURE_POINTS, n, x, y, style);
}

void nrf_plot_impulses(nrf_panel *panel, int64_t n, const double *x, const double *y,
                       const nrf_plot_style *style)
{
  nrf_plot_style thin = style ? *style : (nrf_plot_style){0};
  if (thin.width <= 0) thin.width = THIN;
  axis_see(&panel->y, 0);
  plot_xy(panel, FIGURE_IMPULSES, n, x, y, &thin);
}

void nrf_plot_error_bars(nrf_panel *panel, int64_t n, const double *x, const double *y, const double *low,
                         const double *high, const nrf_plot_style *style)
{
  figure_element e = element_of(panel, FIGURE_ERROR_BARS, style, NULL);
  if (e.size <= 0) e.size = DOT_SIZE;
  put_block(panel, &e, n, 4, (const double *const[]){x, y, low, high});
  add(panel, &e);
}

void nrf_plot_band(nrf_panel *panel, int64_t n, const double *x, const double *low, const double *high,
                   const nrf_plot_style *style)
{
  figure_element e = element_of(panel, FIGURE_BAND, style, NULL);
  put_block(panel, &e, n, 3, (const double *const[]){x, low, high});
  add(panel, &e);
}

void nrf_plot_bars(nrf_panel *panel, int64_t n, const double *x, const double *y, double bar,
                   const nrf_plot_style *style)
{
  figure_element e = element_of(panel, FIGURE_BARS, style, NULL);
  e.bar            = bar;
  axis_see(&panel->y, 0);
  put_block(panel, &e, n, 2, (const double *const[]){x, y});
  for (int64_t i = 0; e.has_points && i<n; i += n> 1 ? n - 1 : 1) { /* the outer bars' other halves */
    axis_see(&panel->x, value_at(x, i) - bar / 2);
    axis_see(&panel->x, value_at(x, i) + bar / 2);
  }
  add(panel, &e);
}

/* ---- marks ---- */

static void add_mark(nrf_panel *panel, figure_kind kind, double x, double y, const nrf_plot_style *style)
{
  static const nrf_plot_style dashed = {.width = 1, .dash = NRF_DASHED, .colour = NRF_BLACK};
  figure_element              e      = element_of(panel, kind, style ? style : &dashed, NRF_BLACK);
  if (style && style->width <= 0) e.width = THIN;
  e.x          = x;
  e.y          = y;
  e.has_points = isfinite(x) && isfinite(y);
  if (e.has_points) add(panel, &e);
}

void nrf_plot_vertical(nrf_panel *panel, double x, const nrf_plot_style *style)
{
  add_mark(panel, FIGURE_VERTICAL, x, 0, style);
}

void nrf_plot_horizontal(nrf_panel *panel, double y, const nrf_plot_style *style)
{
  add_mark(panel, FIGURE_HORIZONTAL, 0, y, style);
}

void nrf_plot_circle(nrf_panel *panel, double radius, const nrf_plot_style *style)
{
  if (!panel->polar) refuse(panel->figure, NRF_EINVAL, "a circle in a panel that is not polar");
  axis_see(&panel->y, radius);
  add_mark(panel, FIGURE_CIRCLE, 0, radius, style);
}

void nrf_plot_text(nrf_panel *panel, double x, double y, const char *colour, const char *fmt, ...)
{
  const nrf_plot_style style = {.colour = colour ? colour : NRF_BLACK};
  figure_element       e     = element_of(panel, FIGURE_WORDS, &style, NULL);
  va_list              arguments;
  va_start(arguments, fmt);
  (void)vsnprintf(e.label, sizeof e.label, fmt, arguments);
  va_end(arguments);
  e.x = x;
  e.y = y;
  if (isfinite(x) && isfinite(y)) add(panel, &e);
}

/* ---- colours that mean a value ---- */

static void use_scale(nrf_panel *panel, const nrf_colour_scale *scale)
{
  static const nrf_colour_scale plain = {0};
  const nrf_colour_scale       *from  = scale ? scale : &plain;
  figure_scale                 *s     = &panel->scale;
  s->used                             = true;
  s->map                              = from->map;
  s->low                              = from->low;
  s->high                             = from->high;
  s->symmetric                        = from->symmetric;
  s->no_bar                           = from->no_bar;
  copy_text(s->label, sizeof s->label, from->label);
}

void nrf_plot_coloured_points(nrf_panel *panel, int64_t n, const double *x, const double *y,
                              const double *value, const nrf_colour_scale *scale, const nrf_plot_style *style)
{
  figure_element e = element_of(panel, FIGURE_COLOURED_POINTS, style, NRF_BLACK);
  if (e.size <= 0) e.size = n > MANY_DOTS ? MANY_DOTS_SIZE : DOT_SIZE;
  use_scale(panel, scale);
  for (int64_t i = 0; i < n; i++) figure_range_add(&panel->scale.seen, value[i]);
  put_block(panel, &e, n, 3, (const double *const[]){x, y, value});
  add(panel, &e);
}

/* What stands for minus infinity among float32 numbers: far below any colour scale, but finite, so that it is drawn. */
static float picture_value(double x)
{
  const double lowest = -1e30;
  return (float)(isnan(x) ? x : fmin(fmax(x, lowest), -lowest));
}

void nrf_plot_image(nrf_panel *panel, int rows, int columns, const double *values, nrf_extent extent,
                    const nrf_colour_scale *scale)
{
  nrf_figure *figure = panel->figure;
  if (!usable(figure)) return;
  if (rows < 1 || columns < 1 || !(extent.x_first < extent.x_last) || !(extent.y_first < extent.y_last)) {
    refuse(figure, NRF_EINVAL, "an image without pixels, or whose edges are in the wrong order");
    return;
  }
  figure_element e = element_of(panel, FIGURE_IMAGE, NULL, NRF_BLACK);
  e.rows           = rows;
  e.columns        = columns;
  e.extent         = extent;
  e.offset         = figure->raw.used;
  use_scale(panel, scale);
  for (int64_t i = 0; i < (int64_t)rows * columns; i++) {
    const float v = picture_value(values[i]);
    figure_range_add(&panel->scale.seen, values[i]);
    nrf_buffer_put(&figure->raw, &v, sizeof v);
    if (!isnan(v)) e.has_points = e.has_positive_y = true;
  }
  axis_see(&panel->x, extent.x_first);
  axis_see(&panel->x, extent.x_last);
  axis_see(&panel->y, extent.y_first);
  axis_see(&panel->y, extent.y_last);
  panel->x.tight = panel->y.tight = true;
  add(panel, &e);
}

void nrf_plot_map(nrf_panel *panel, int height, int width, const double *values,
                  const nrf_colour_scale *scale)
{
  nrf_panel_x(panel, &(nrf_axis){0});
  nrf_panel_y(panel, &(nrf_axis){.reversed = true});
  panel->square = true;
  nrf_plot_image(panel, height, width, values, (nrf_extent){-0.5, width - 0.5, -0.5, height - 0.5}, scale);
}

/* Pixels between the maps of a contact sheet. */
enum { GAP = 2 };

/* Ticks in the middle of each row, or column, of maps. */
static void name_tiles(nrf_panel *panel, figure_axis *axis, int count, int side, const char *const *name,
                       const char *label)
{
  nrf_tick ticks[NRF_AXIS_MAX_TICKS];
  int      n = 0;
  for (int i = 0; name && i < count && n < NRF_AXIS_MAX_TICKS; i++)
    if (name[i]) ticks[n++] = (nrf_tick){i * (side + GAP) + (side - 1) / 2.0, name[i]};
  /* A tick that is not on the axis: none at all. */
  if (n == 0) ticks[n++] = (nrf_tick){-1e9, " "};
  set_axis(panel->figure, axis, &(nrf_axis){.label = label, .n_ticks = n, .tick = ticks, .tight = true});
}

void nrf_plot_tiles(nrf_panel *panel, const nrf_tiles *t, const double *values, const nrf_colour_scale *scale)
{
  const int rows = t->rows * (t->height + GAP) - GAP, columns = t->columns * (t->width + GAP) - GAP;
  double   *sheet = NULL;
  if (t->rows < 1 || t->columns < 1 || t->height < 1 || t->width < 1) {
    refuse(panel->figure, NRF_EINVAL, "a contact sheet without maps");
    return;
  }
  if (nrf_alloc((size_t)rows * (size_t)columns * sizeof *sheet, "contact sheet", (void **)&sheet) != NRF_OK) {
    refuse(panel->figure, NRF_ENOMEM, nrf_error_message());
    return;
  }
  const int64_t maps = t->n > 0 ? t->n : (int64_t)t->rows * t->columns;
  for (int64_t i = 0; i < (int64_t)rows * columns; i++) {
    const int     y = (int)(i / columns), x = (int)(i % columns);
    const int     row = y / (t->height + GAP), column = x / (t->width + GAP);
    const int     h = y % (t->height + GAP), w = x % (t->width + GAP);
    const int64_t map = (int64_t)row * t->columns + column;
    sheet[i] =
        h < t->height && w < t->width && map < maps ? values[(map * t->height + h) * t->width + w] : NAN;
  }
  nrf_plot_map(panel, rows, columns, sheet, scale);
  name_tiles(panel, &panel->x, t->columns, t->width, t->column_name, t->column_label);
  name_tiles(panel, &panel->y, t->rows, t->height, t->row_name, t->row_label);
  panel->y.reversed = true;
  nrf_free(sheet);
}

/* ---- writing ---- */

static nrf_status write_part(const char *source, const char *name, const char *ending, const nrf_buffer *part)
{
  char path[1200];
  NRF_RETURN_IF_ERROR(text_path(path, sizeof path, source, name, ending));
  return text_write(path, part);
}

nrf_status nrf_figure_write(nrf_figure *figure, const char *source)
{
  nrf_status st     = NRF_OK;
  nrf_buffer script = {0};
  if (!usable(figure)) return nrf_error(figure->st, "figure %s: %s", figure->name, figure->message);
  NRF_TRY(figure_fit(figure));
  NRF_TRY(figure_script(figure, &script));
  if (figure->data.used > 0) NRF_TRY(write_part(source, figure->name, ".tsv", &figure->data));
  if (figure->raw.used > 0) NRF_TRY(write_part(source, figure->name, ".bin", &figure->raw));
  NRF_TRY(write_part(source, figure->name, ".gp", &script));
done:
  nrf_buffer_free(&script);
  return st;
}
