/* collate.c - one table from the rows of many runs. */
#include "cli/stages.h"

#include "nrflv/csv_table.h"

#include <inttypes.h>

nrf_status nrf_collate(const nrf_settings *settings, const nrf_progress *progress)
{
  nrf_csv_collation done;
  NRF_RETURN_IF_ERROR(nrf_csv_collate(settings->collate, settings->archive_collated, &done));
  nrf_progress_message(progress, NRF_RESULT,
                       "wrote %s/" NRF_CSV_COLLATED_NAME ": %" PRId64 " rows, %" PRId64
                       " columns, from %" PRId64 " files",
                       settings->collate, done.rows, done.columns, done.files);
  return NRF_OK;
}
