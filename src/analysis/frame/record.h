/* record.h - step.json: how an analysis ended and what it left, for later runs, the summary and the report.
 *
 *   {"format": 1, "analysis": "find_active_neurons.primary", "state": "done", "message": "", "fingerprint": "...",
 *    "program_version": "0.1.0", "seconds": 12.5, "notes": ["..."],
 *    "tables":  [{"name", "description", "rows", "csv", "columns": [{"name", "type", "unit", "description"}]}],
 *    "figures": [{"name", "caption", "width", "height", "drawn"}], "files": [{"name", "caption"}],
 *    "numbers": [{"name", "value", "unit", "low", "high", "confidence", "n", "note"}]}          NaN is null */
#ifndef NRFLV_ANALYSIS_FRAME_RECORD_H
#define NRFLV_ANALYSIS_FRAME_RECORD_H

#include "nrflv/analysis/analysis.h"

#include <jansson.h>

/* A record of something that was just begun. NULL: out of memory. */
json_t *record_create(const char *analysis, const char *fingerprint);

/* The record in a folder of results; NULL if there is none that can be read. */
json_t *record_load(const char *folder);

/* Writes it, atomically. */
NRF_MUST_CHECK nrf_status record_save(const char *folder, const json_t *record);

void               record_set_state(json_t *record, nrf_analysis_state state, const char *message);
nrf_analysis_state record_state(const json_t *record); /* NULL: not run */

/* Text of an object's member, "" if there is none. */
const char *record_text(const json_t *object, const char *member);

/* A number of an object's member, NaN if there is none. */
double record_number(const json_t *object, const char *member);

/* A string, if need be with what is no UTF-8 replaced; a number, NaN and infinities as null. NULL: out of memory. */
json_t *record_string(const char *text);
json_t *record_real(double x);

#endif
