/* results.h - where an analysis puts what it found.
 *
 * Each analysis has a folder of its own in the results: its tables (NAME.h5, NAME.csv), figures (NAME.png, NAME.pdf; their
 * data and scripts in plot/), other files, and step.json, which says how it ended and lists all of this. What was handed
 * over before something went wrong stays, marked as incomplete. */
#ifndef NRFLV_ANALYSIS_RESULTS_H
#define NRFLV_ANALYSIS_RESULTS_H

#include "nrflv/analysis/figure.h"
#include "nrflv/analysis/table.h"
#include "nrflv/status.h"

#include <stddef.h>
#include <stdint.h>

typedef struct nrf_results nrf_results;

/* Writes a table. Beyond this many rows there is no CSV beside the HDF5. */
enum { NRF_RESULTS_CSV_ROWS = 100000 };
NRF_MUST_CHECK nrf_status nrf_results_table(nrf_results *results, const nrf_table *table);

/* Writes a figure's data and script; it is drawn when the analysis has ended. */
NRF_MUST_CHECK nrf_status nrf_results_figure(nrf_results *results, nrf_figure *figure);

/* A number worth reading first: it goes to the report and to summary.csv. */
typedef struct nrf_key_number {
  const char *name; /* "Lag of the state behind the momentum, median"                   */
  double      value;
  const char *unit;       /* "ms"; NULL or "": none                                           */
  double      low, high;  /* confidence interval; equal (both left out): none                */
  double      confidence; /* of the interval: 0.95                                            */
  int64_t     n;          /* how many values it rests on; 0: does not apply                   */
  const char *note;       /* what else one has to know; NULL: nothing                         */
} nrf_key_number;

/* This and the next remember a lack of memory, which is then the analysis's failure. */
void nrf_results_number(nrf_results *results, const nrf_key_number *number);

/* A line for the report: "11 of 32 channels match no stimulus". */
void nrf_results_note(nrf_results *results, const char *fmt, ...) NRF_PRINTF(2, 3);

/* The whole analysis does not apply to these recordings; says why, "one angle only". For use in a return: NRF_OK. What was
 * handed over before stays. */
nrf_status nrf_results_skip(nrf_results *results, const char *fmt, ...) NRF_PRINTF(2, 3);

/* A file of another kind that the analysis writes itself (films): `path` gets where to. GIF and PNG files are shown
 * in the report. */
NRF_MUST_CHECK nrf_status nrf_results_file(nrf_results *results, const char *name, const char *caption,
                                           char *path, size_t bytes);

#endif
