/* preferences_table.h - the channels' preferences, from where find_orientation_preferences leaves them. */
#ifndef PREFERENCES_TABLE_H
#define PREFERENCES_TABLE_H

#include "nrflv/analysis/analysis.h"
#include "nrflv/analysis/preferences.h"

/* For rows that need that analysis. Free out->channel with nrf_free. */
NRF_MUST_CHECK nrf_status nrf_preferences_read(const nrf_analysis_context *context, nrf_preferences *out);

#endif
