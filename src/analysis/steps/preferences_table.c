/* preferences_table.c - columns of the table of preferences that others read. */
#include "preferences_table.h"

#include "record_table.h"

#include <math.h>

static const nrf_record_column columns[] = {
    {"channel", NRF_MEMBER_INT, offsetof(nrf_preference, channel), NULL, NULL},
    {"phaseshift", NRF_MEMBER_DOUBLE, offsetof(nrf_preference, angle), NULL, NULL},
    {"amplitude", NRF_MEMBER_DOUBLE, offsetof(nrf_preference, amplitude), NULL, NULL},
    {"dir_or_ori", NRF_MEMBER_INT, offsetof(nrf_preference, dir_or_ori), NULL, NULL},
};

nrf_status nrf_preferences_read(const nrf_analysis_context *context, nrf_preferences *out)
{
  nrf_table  *table   = NULL;
  nrf_records records = {.stride = sizeof *out->channel};
  *out                = (nrf_preferences){0};
  NRF_RETURN_IF_ERROR(nrf_analysis_table(context, "find_orientation_preferences",
                                         "orientation_pref_results_just_angles", &table));
  const nrf_status st =
      nrf_records_of_table(table, (int)(sizeof columns / sizeof *columns), columns, &records);
  nrf_table_free(table);
  NRF_RETURN_IF_ERROR(st);
  *out = (nrf_preferences){(int)records.n, records.first};
  for (int c = 0; c < out->channels; c++) out->channel[c].amplitude = fabs(out->channel[c].amplitude);
  return NRF_OK;
}
