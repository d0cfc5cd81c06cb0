/* report.h - what is written over all analyses: the page, the key numbers, the columns of all tables. */
#ifndef NRFLV_ANALYSIS_FRAME_REPORT_H
#define NRFLV_ANALYSIS_FRAME_REPORT_H

#include "nrflv/analysis/analysis.h"

/* summary.csv and summary.h5: every key number, a row each. columns.csv: every column of every table, with unit and
 * description. */
NRF_MUST_CHECK nrf_status summary_write(const char *directory, nrf_analyses analyses,
                                        const nrf_analysis_inputs *inputs);

/* report.html: self-contained (pictures are in it), readable in any browser. figures_missing: how many are not drawn. */
NRF_MUST_CHECK nrf_status report_write(const char *directory, nrf_analyses analyses,
                                       const nrf_analysis_inputs *inputs, int *figures_missing);

/* All of these. */
NRF_MUST_CHECK nrf_status report_write_all(const char *directory, nrf_analyses analyses,
                                           const nrf_analysis_inputs *inputs, int *figures_missing);

#endif
