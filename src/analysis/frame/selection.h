/* selection.h - rows of the table of analyses by name. */
#ifndef NRFLV_ANALYSIS_FRAME_SELECTION_H
#define NRFLV_ANALYSIS_FRAME_SELECTION_H

#include "nrflv/analysis/analysis.h"

/* The row of a full name, -1 if there is none; capitals do not matter. */
int selection_find(nrf_analyses analyses, const char *name);

/* Takes the next name off a row's needs; false at the end. NULL needs nothing. */
bool selection_next_need(const char **needs, char name[NRF_ANALYSIS_NAME]);

#endif
