/* record.c - step.json. */
#include "analysis/frame/record.h"

#include "analysis/frame/text.h"
#include "nrflv/atomic_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char FILE_NAME[] = "step.json";
enum { FORMAT = 1 };

static const char *const lists[] = {"tables", "figures", "files", "numbers", "notes"};
enum { LISTS = sizeof lists / sizeof *lists };

const char *nrf_analysis_state_name(nrf_analysis_state state)
{
  static const char *const names[NRF_ANALYSIS_STATES] = {
      [NRF_ANALYSIS_NOT_RUN] = "not run", [NRF_ANALYSIS_DONE] = "done",
      [NRF_ANALYSIS_SKIPPED] = "skipped", [NRF_ANALYSIS_BLOCKED] = "blocked",
      [NRF_ANALYSIS_FAILED] = "failed",   [NRF_ANALYSIS_UNFINISHED] = "unfinished",
  };
  return names[state];
}

/* ---- values ---- */

json_t *record_string(const char *text)
{
  json_t *string = json_string(text);
  if (string) return string;
  char clean[2048];
  (void)snprintf(clean, sizeof clean, "%s", text);
  for (char *c = clean; *c; c++)
    if ((unsigned char)*c >= 0x80) *c = '?';
  return json_string(clean);
}

json_t *record_real(double x)
{
  return isfinite(x) ? json_real(x) : json_null();
}

const char *record_text(const json_t *object, const char *member)
{
  const char *text = json_string_value(json_object_get(object, member));
  return text ? text : "";
}

double record_number(const json_t *object, const char *member)
{
  const json_t *number = json_object_get(object, member);
  return json_is_number(number) ? json_number_value(number) : NAN;
}

/* ---- records ---- */

json_t *record_create(const char *analysis, const char *fingerprint)
{
  json_t *record = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:f}", "format", FORMAT, "analysis", analysis,
                             "state", nrf_analysis_state_name(NRF_ANALYSIS_UNFINISHED), "message", "",
                             "fingerprint", fingerprint, "program_version", NRFLV_VERSION, "seconds", 0.0);
  for (int i = 0; record && i < LISTS; i++)
    if (json_object_set_new(record, lists[i], json_array()) != 0) {
      json_decref(record);
      record = NULL;
    }
  return record;
}

/* Of our own making, but a user may have edited it: everything that is read later has the right kind. */
static bool is_record(const json_t *record)
{
  if (!json_is_object(record) || json_integer_value(json_object_get(record, "format")) != FORMAT)
    return false;
  for (int i = 0; i < LISTS; i++)
    if (!json_is_array(json_object_get(record, lists[i]))) return false;
  return true;
}

json_t *record_load(const char *folder)
{
  char path[NRF_ANALYSIS_PATH];
  if (text_path(path, sizeof path, folder, FILE_NAME, "") != NRF_OK) return NULL;
  json_t *record = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
  if (record && is_record(record)) return record;
  json_decref(record);
  return NULL;
}

nrf_status record_save(const char *folder, const json_t *record)
{
  char path[NRF_ANALYSIS_PATH];
  NRF_RETURN_IF_ERROR(text_path(path, sizeof path, folder, FILE_NAME, ""));
  char *text = json_dumps(record, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
  if (!text) return nrf_error(NRF_ENOMEM, "%s: out of memory", path);
  const nrf_status st = nrf_atomic_write(path, text, strlen(text));
  free(text); /* jansson's */
  return st;
}

void record_set_state(json_t *record, nrf_analysis_state state, const char *message)
{
  (void)json_object_set_new(record, "state", json_string(nrf_analysis_state_name(state)));
  (void)json_object_set_new(record, "message", record_string(message));
}

nrf_analysis_state record_state(const json_t *record)
{
  const char *name = record_text(record, "state");
  for (int i = 0; i < NRF_ANALYSIS_STATES; i++)
    if (strcmp(name, nrf_analysis_state_name((nrf_analysis_state)i)) == 0) return (nrf_analysis_state)i;
  return NRF_ANALYSIS_NOT_RUN;
}
