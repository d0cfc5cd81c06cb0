/* results_row.c - one row with all settings and what became of the run. */
#include "managers/results_row.h"

#include "nrflv/csv_table.h"
#include "nrflv/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { RESULTS_MAX = 32, NUMBER_BYTES = 64 };

typedef struct row {
  int         columns;
  const char *header[NRF_SETTINGS_MAX + RESULTS_MAX];
  const char *cell[NRF_SETTINGS_MAX + RESULTS_MAX];
  int         numbers;
  char        number[RESULTS_MAX][NUMBER_BYTES];
  char        text[NRF_SETTINGS_MAX][NRF_SETTING_TEXT_MAX];
} row;

static void add(row *r, const char *header, const char *cell)
{
  r->header[r->columns] = header;
  r->cell[r->columns]   = cell;
  r->columns++;
}

static void add_settings(row *r, const nrf_settings *s)
{
  int                count;
  const nrf_setting *rows = nrf_setting_table(&count);
  for (int i = 0; i < count; i++)
    if (nrf_setting_is_reported(&rows[i]))
      add(r, rows[i].name, nrf_settings_get_text(s, &rows[i], r->text[i]));
}

/* Empty where there is no value yet. */
static void add_double(row *r, const char *header, double value)
{
  char *text = r->number[r->numbers++];
  if (!isnan(value)) (void)snprintf(text, NUMBER_BYTES, "%.9g", value);
  add(r, header, text);
}

static void add_integer(row *r, const char *header, int64_t value)
{
  char *text = r->number[r->numbers++];
  (void)snprintf(text, NUMBER_BYTES, "%lld", (long long)value);
  add(r, header, text);
}

nrf_status nrf_results_row_write(const char *path, const nrf_trainer *t, nrf_run_state state, double seconds)
{
  static const char *const states[NRF_RUN_STATES] = {"running", "finished", "stopped", "diverged"};
  row                     *r                      = NULL;
  NRF_RETURN_IF_ERROR(nrf_alloc(sizeof *r, "results row", (void **)&r));
  add_settings(r, &t->settings);
  add(r, "program_version", NRFLV_VERSION);
  add(r, "run_state", states[state]);
  add_integer(r, "batches_done", t->at.batches);
  add_integer(r, "epochs_done", t->at.epoch);
  add_integer(r, "sampler_steps_done", t->at.sampler_steps);
  add_double(r, "final_loss", t->last.loss);
  add_double(r, "final_positive_energy", t->last.positive_energy);
  add_double(r, "final_negative_energy", t->last.negative_energy);
  add_double(r, "final_initializer_loss", t->last.initialiser_loss);
  add_double(r, "final_lr", t->model_optimizer->learning_rate);
  add_integer(r, "final_num_it_neg", t->negative_length.steps);
  add_double(r, "session_seconds", seconds);
  const nrf_status st = nrf_csv_write(path, r->columns, r->header, 1, r->cell);
  nrf_free(r);
  return st;
}
