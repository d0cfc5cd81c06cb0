/* display.h - shows progress and messages on a terminal or in a log file. */
#ifndef NRFLV_CLI_DISPLAY_H
#define NRFLV_CLI_DISPLAY_H

#include "nrflv/progress.h"

#include <stdio.h>

enum { NRF_DISPLAY_LINE = 512 };

/* A point of a loop, for the rate. */
typedef struct nrf_display_mark {
  double  time;
  int64_t done;
} nrf_display_mark;

/* Fill the first block (nrf_display_init does), then leave the rest to the callbacks. */
typedef struct nrf_display {
  const char *program;      /* begins warnings: "nrflv"                                           */
  FILE       *out;          /* results                                                            */
  FILE       *err;          /* progress, information, warnings                                    */
  bool        quiet;        /* warnings only                                                      */
  bool        terminal;     /* `err` can rewrite a line                                           */
  double (*now)(void);      /* seconds, monotonic                                                 */
  int (*columns)(void);     /* width of the terminal, asked before each line: windows change      */
  int (*stop_signal)(void); /* the signal that asks to stop, 0: none                              */

  bool             running;   /* between begin and end                                           */
  bool             line_open; /* a progress line stands on the terminal, cursor behind it        */
  bool             stop_announced;
  const char      *title, *unit;
  nrf_display_mark start, window[2], latest; /* the rate is that since window[0], 30 to 60 s ago  */
  int64_t          total;
  double           next_print;
  char             text[NRF_DISPLAY_LINE];
} nrf_display;

/* For this process's stdout and stderr, the real clock and the signals of interrupt.h. */
void nrf_display_init(nrf_display *display, const char *program, bool quiet);

/* Callbacks that show on `display`, which has to outlive them. */
nrf_progress nrf_display_progress(nrf_display *display);

/* Columns of the terminal behind stderr or stdout, else $COLUMNS, else 80. */
int nrf_terminal_columns(void);

#endif
