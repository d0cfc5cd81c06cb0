/* display.c - one line that is rewritten on a terminal; plain lines now and then in a log. */
#include "cli/display.h"

#include "nrflv/amount_text.h"

#include "cli/interrupt.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double TERMINAL_SECONDS = 0.1; /* between two rewritten lines     */
static const double LOG_SECONDS      = 30;  /* between two plain ones          */
static const double WINDOW_SECONDS   = 30;  /* the rate forgets what is older  */

/* ---- the text of a line ---- */

typedef struct short_text {
  char s[64];
} short_text;

/* 3725 s is "1:02:05". */
static short_text duration(double seconds)
{
  short_text    t;
  const int64_t s = seconds > 0 ? (int64_t)(seconds + 0.5) : 0;
  (void)snprintf(t.s, sizeof t.s, "%lld:%02d:%02d", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
  return t;
}

/* Bytes get a prefix, "170.5 MB"; counts are written out, "47500 steps". */
static bool in_bytes(const char *unit)
{
  return strcmp(unit, "B") == 0;
}

static short_text amount(double x, const char *unit)
{
  short_text t;
  if (in_bytes(unit))
    (void)snprintf(t.s, sizeof t.s, "%s", nrf_bytes_text(x).s);
  else /* three digits, but no exponent for large ones */
    (void)snprintf(t.s, sizeof t.s, x >= 100 || x == 0 ? "%.0f %.16s" : "%.3g %.16s", x, unit);
  return t;
}

static short_text how_far(const nrf_display *d)
{
  short_text      t;
  const long long done = (long long)d->latest.done, total = (long long)d->total;
  if (in_bytes(d->unit) && total > 0)
    (void)snprintf(t.s, sizeof t.s, "%.10s of %.10s", amount((double)done, "B").s,
                   amount((double)total, "B").s);
  else if (in_bytes(d->unit))
    t = amount((double)done, "B");
  else if (total > 0)
    (void)snprintf(t.s, sizeof t.s, "%lld/%lld %.10s", done, total, d->unit);
  else
    (void)snprintf(t.s, sizeof t.s, "%lld %.10s", done, d->unit);
  return t;
}

static double rate(const nrf_display *d)
{
  const double  seconds = d->latest.time - d->window[0].time;
  const int64_t done    = d->latest.done - d->window[0].done;
  return seconds > 0 && done > 0 ? (double)done / seconds : 0;
}

/* "training  1200/95000 steps (1%)  412 steps/s  elapsed 0:00:03  left 0:03:47  E+ -12.3" */
static void format_line(const nrf_display *d, char *line, size_t bytes)
{
  const double per_second = rate(d);
  int          n          = snprintf(line, bytes, "%.100s  %s", d->title, how_far(d).s);
  if (d->total > 0) {
    const double part = (double)d->latest.done / (double)d->total;
    n += snprintf(line + n, bytes - (size_t)n, " (%d%%)", (int)(100 * part));
  }
  if (per_second > 0) n += snprintf(line + n, bytes - (size_t)n, "  %s/s", amount(per_second, d->unit).s);
  n += snprintf(line + n, bytes - (size_t)n, "  elapsed %s", duration(d->latest.time - d->start.time).s);
  if (d->total > d->latest.done && per_second > 0) {
    const double left = (double)(d->total - d->latest.done) / per_second;
    n += snprintf(line + n, bytes - (size_t)n, "  left %s", left < 1e9 ? duration(left).s : "?");
  }
  if (d->text[0] != '\0') (void)snprintf(line + n, bytes - (size_t)n, "  %s", d->text);
}

/* Cuts to `columns` characters (UTF-8; continuation bytes take no column). */
static void cut(char *line, int columns)
{
  int used = 0;
  for (char *c = line; *c; c++) {
    const bool starts_character = ((unsigned char)*c & 0xc0) != 0x80;
    if (starts_character && used++ == columns) {
      *c = '\0';
      return;
    }
  }
}

/* ---- putting it on the screen ---- */

static void draw(nrf_display *d)
{
  char line[2 * NRF_DISPLAY_LINE];
  format_line(d, line, sizeof line);
  if (d->terminal) {
    cut(line, d->columns() - 1); /* a full last column would wrap */
    fprintf(d->err, "\r%s\033[K", line);
    d->line_open = true;
  } else {
    fprintf(d->err, "%s\n", line);
  }
  fflush(d->err);
}

static void clear_line(nrf_display *d)
{
  if (!d->line_open) return;
  fprintf(d->err, "\r\033[K");
  fflush(d->err);
  d->line_open = false;
}

/* ---- callbacks ---- */

static void on_begin(void *context, const char *title, const char *unit, int64_t done)
{
  nrf_display *d = context;
  d->running     = true;
  d->title       = title;
  d->unit        = unit;
  d->total       = 0;
  d->text[0]     = '\0';
  d->start       = (nrf_display_mark){.time = d->now(), .done = done};
  d->window[0] = d->window[1] = d->latest = d->start;
  d->next_print                           = d->start.time + (d->terminal ? 0 : LOG_SECONDS);
}

static void on_update(void *context, int64_t done, int64_t total, const char *text)
{
  nrf_display *d = context;
  if (!d->running) return;
  d->latest = (nrf_display_mark){.time = d->now(), .done = done};
  d->total  = total;
  (void)snprintf(d->text, sizeof d->text, "%s", text);

  if (d->latest.time - d->window[1].time >= WINDOW_SECONDS) {
    d->window[0] = d->window[1];
    d->window[1] = d->latest;
  }
  if (d->quiet || d->latest.time < d->next_print) return;
  d->next_print = d->latest.time + (d->terminal ? TERMINAL_SECONDS : LOG_SECONDS);
  draw(d);
}

/* The last line stays, with the mean rate of the whole loop. */
static void on_end(void *context)
{
  nrf_display *d = context;
  if (!d->running) return;
  d->running      = false;
  const bool idle = d->latest.time == d->start.time && d->latest.done == d->start.done;
  if (d->quiet || idle) return;
  d->window[0] = d->start;
  draw(d);
  if (d->line_open) fputc('\n', d->err);
  fflush(d->err);
  d->line_open = false;
}

static void on_message(void *context, nrf_level level, const char *text)
{
  nrf_display *d = context;
  if (d->quiet && level != NRF_WARNING) return;
  clear_line(d);
  FILE *to = level == NRF_RESULT ? d->out : d->err;
  if (level == NRF_WARNING) fprintf(to, "%s: warning: ", d->program);
  fprintf(to, "%s\n", text);
  fflush(to);
  d->next_print = d->terminal ? 0 : d->next_print; /* the progress line comes back at once */
}

static bool on_stop_requested(void *context)
{
  nrf_display *d             = context;
  const int    signal_number = d->stop_signal();
  if (signal_number != 0 && !d->stop_announced) {
    d->stop_announced = true;
    char text[128];
    (void)snprintf(text, sizeof text, "%s: finishing the step at hand, then saving%s",
                   strsignal(signal_number),
                   signal_number == SIGINT ? "; once more ends the program at once" : "");
    on_message(d, NRF_INFO, text);
  }
  return signal_number != 0;
}

/* ---- set-up ---- */

static double monotonic_seconds(void)
{
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail on Linux */
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int nrf_terminal_columns(void)
{
  const int streams[] = {STDERR_FILENO, STDOUT_FILENO};
  for (int i = 0; i < 2; i++) {
    struct winsize size;
    if (ioctl(streams[i], TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  const char *columns = getenv("COLUMNS");
  const long  n       = columns ? strtol(columns, NULL, 10) : 0;
  return n > 0 && n < 10000 ? (int)n : 80;
}

static bool can_rewrite_lines(void)
{
  const char *terminal = getenv("TERM");
  return isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

void nrf_display_init(nrf_display *display, const char *program, bool quiet)
{
  *display = (nrf_display){.program     = program,
                           .out         = stdout,
                           .err         = stderr,
                           .quiet       = quiet,
                           .terminal    = can_rewrite_lines(),
                           .now         = monotonic_seconds,
                           .columns     = nrf_terminal_columns,
                           .stop_signal = nrf_interrupt_signal};
}

nrf_progress nrf_display_progress(nrf_display *display)
{
  return (nrf_progress){.context        = display,
                        .begin          = on_begin,
                        .update         = on_update,
                        .end            = on_end,
                        .message        = on_message,
                        .stop_requested = on_stop_requested};
}
