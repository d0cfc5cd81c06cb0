/* table_model.h - what a table is made of, for the files that keep it in memory and write it. */
#ifndef NRFLV_ANALYSIS_FRAME_TABLE_MODEL_H
#define NRFLV_ANALYSIS_FRAME_TABLE_MODEL_H

#include "io/byte_buffer.h"
#include "nrflv/analysis/table.h"

enum { TABLE_NAME_BYTES = 128, TABLE_UNIT_BYTES = 64, TABLE_DESCRIPTION_BYTES = 512 };

typedef struct table_column {
  nrf_column_spec spec; /* points to the following */
  char            name[TABLE_NAME_BYTES], unit[TABLE_UNIT_BYTES], description[TABLE_DESCRIPTION_BYTES];
  void           *cells; /* [capacity]; text: where it begins in the table's text, as int64_t */
} table_column;

struct nrf_table {
  char          name[TABLE_NAME_BYTES], description[TABLE_DESCRIPTION_BYTES];
  int           n_columns;
  int64_t       rows, capacity;
  table_column *column; /* [n_columns] */
  nrf_buffer    text;
};

#endif
