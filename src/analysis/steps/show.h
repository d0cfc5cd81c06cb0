/* show.h - what analyses have in common when they show something. */
#ifndef SHOW_H
#define SHOW_H

#include "record_table.h"

#include "nrflv/analysis/results.h"
#include "nrflv/analysis/t_test.h"
#include "nrflv/moments.h"

#include <stdint.h>

#define NRF_SHOWN_CONFIDENCE 0.95

/* Writes a table of records (record_table.h). */
NRF_MUST_CHECK nrf_status nrf_show_records(const char *name, const char *description, int n_columns,
                                           const nrf_record_column columns[], nrf_records records,
                                           nrf_results *results);

/* A mean as a key number, with the t interval; nothing if it is of no value. */
void nrf_show_mean(nrf_results *results, const char *name, const char *unit, nrf_moments mean,
                   const char *note);

/* Wilson's interval of count / n, n > 0. */
nrf_interval nrf_share_interval(int64_t count, int64_t n);

/* A part of n as a key number, in percent, with Wilson's interval. */
void nrf_show_share(nrf_results *results, const char *name, int64_t count, int64_t n, const char *note);

/* Counts the finite ones of n values in `bins` equal bins from low to high; values outside are left out. */
void nrf_histogram(int64_t n, const double *value, double low, double high, int bins, double *count);

#endif
