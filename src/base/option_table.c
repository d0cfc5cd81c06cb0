/* option_table.c - rows by name, defaults, and what a row's flags mean. */
#include "nrflv/option_table.h"

#include "nrflv/closest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const nrf_setting *nrf_option_find(const nrf_option_table *table, const char *name)
{
  for (int i = 0; i < table->n_rows; i++)
    if (strcmp(table->rows[i].name, name) == 0) return &table->rows[i];
  return NULL;
}

void nrf_option_closest(const nrf_option_table *table, const char *typed, char closest[NRF_SETTING_NAME_MAX])
{
  char word[NRF_SETTING_NAME_MAX];
  closest[0] = '\0';
  /* One letter comes near to nothing; something as long as this is no slip of the fingers. */
  if (strlen(typed) < 2 || strlen(typed) >= sizeof word) return;
  for (size_t i = 0; i <= strlen(typed); i++) word[i] = typed[i] == '-' ? '_' : typed[i];

  char        negated[NRF_SETTINGS_MAX][NRF_SETTING_NAME_MAX];
  const char *names[2 * NRF_SETTINGS_MAX];
  int         n = 0;
  for (int i = 0; i < table->n_rows; i++) names[n++] = table->rows[i].name;
  for (int i = 0; i < table->n_rows; i++) {
    if (!nrf_setting_is_negatable(&table->rows[i])) continue;
    (void)snprintf(negated[i], sizeof negated[i], "no_%s", table->rows[i].name);
    names[n++] = negated[i];
  }
  const int found = nrf_closest(word, n, names);
  if (found >= 0) (void)snprintf(closest, NRF_SETTING_NAME_MAX, "%s", names[found]);
}

void nrf_option_defaults(const nrf_option_table *table, void *values)
{
  memset(values, 0, table->values_size);
  for (int i = 0; i < table->n_rows; i++) {
    const nrf_status st = nrf_option_set_text(values, &table->rows[i], table->rows[i].initial);
    assert(st == NRF_OK && "a default that its own row refuses");
    (void)st;
  }
}

/* ---- what the flags mean ---- */

bool nrf_setting_is_saved(const nrf_setting *row)
{
  return !(row->flags & NRF_SETTING_SESSION);
}

bool nrf_setting_is_reported(const nrf_setting *row)
{
  return !(row->flags & NRF_SETTING_ONE_SHOT);
}

bool nrf_setting_is_negatable(const nrf_setting *row)
{
  return row->type == NRF_SETTING_FLAG && !(row->flags & NRF_SETTING_ACTION);
}

bool nrf_setting_is_drawable(const nrf_setting *row)
{
  if (row->type == NRF_SETTING_FLAG) return nrf_setting_is_saved(row);
  return row->draw || (row->flags & NRF_SETTING_DRAW_CHOICE);
}
