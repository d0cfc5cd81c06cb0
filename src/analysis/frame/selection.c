/* selection.c - names of analyses, and which are wanted. */
#include "analysis/frame/selection.h"

#include "analysis/frame/text.h"
#include "nrflv/closest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *nrf_analysis_name(const nrf_analysis *analysis, char text[NRF_ANALYSIS_NAME])
{
  const bool has_variant = analysis->variant && analysis->variant[0] != '\0';
  (void)snprintf(text, NRF_ANALYSIS_NAME, "%s%s%s", analysis->name, has_variant ? "." : "",
                 has_variant ? analysis->variant : "");
  return text;
}

int selection_find(nrf_analyses analyses, const char *name)
{
  for (int i = 0; i < analyses.n; i++) {
    char full[NRF_ANALYSIS_NAME];
    if (strcasecmp(nrf_analysis_name(&analyses.row[i], full), name) == 0) return i;
  }
  return -1;
}

bool selection_next_need(const char **needs, char name[NRF_ANALYSIS_NAME])
{
  if (!*needs) return false;
  *needs += strspn(*needs, " ");
  const size_t length = strcspn(*needs, " ");
  (void)snprintf(name, NRF_ANALYSIS_NAME, "%.*s", (int)length, *needs);
  *needs += length;
  return length > 0;
}

/* ---- checks ---- */

static nrf_status check_needs(nrf_analyses analyses, int i, const char *full)
{
  const char *needs = analyses.row[i].needs;
  char        need[NRF_ANALYSIS_NAME];
  while (selection_next_need(&needs, need)) {
    const int at = selection_find(analyses, need);
    if (at < 0 || at >= i)
      return nrf_error(NRF_EINVAL, "analysis %s: needs %s, which is not above it in the table", full, need);
  }
  return NRF_OK;
}

nrf_status nrf_analyses_check(nrf_analyses analyses)
{
  if (analyses.n > NRF_ANALYSES_MAX)
    return nrf_error(NRF_EINVAL, "%d analyses: raise NRF_ANALYSES_MAX", analyses.n);
  for (int i = 0; i < analyses.n; i++) {
    const nrf_analysis *row = &analyses.row[i];
    char                full[NRF_ANALYSIS_NAME];
    nrf_analysis_name(row, full);
    if (!text_is_file_name(full, NRF_ANALYSIS_NAME - 1) || strchr(row->name, '.'))
      return nrf_error(NRF_EINVAL, "analysis '%s': not a name for a folder", full);
    if (selection_find(analyses, full) != i) return nrf_error(NRF_EINVAL, "analysis %s: there are two", full);
    if (!row->title || !row->purpose || !row->run)
      return nrf_error(NRF_EINVAL, "analysis %s: title, purpose or function is missing", full);
    NRF_RETURN_IF_ERROR(check_needs(analyses, i, full));
  }
  return NRF_OK;
}

/* ---- selection ---- */

static nrf_status unknown(nrf_analyses analyses, const char *name)
{
  char        full[NRF_ANALYSES_MAX][NRF_ANALYSIS_NAME];
  const char *names[2 * NRF_ANALYSES_MAX];
  int         n = 0;
  for (int i = 0; i < analyses.n; i++) {
    names[n++] = analyses.row[i].name;
    names[n++] = nrf_analysis_name(&analyses.row[i], full[i]);
  }
  const int closest = nrf_closest(name, n, names);
  return nrf_error(NRF_EINVAL, "--steps: there is no analysis '%s'%s%s%s (--list shows all)", name,
                   closest >= 0 ? "; did you mean " : "", closest >= 0 ? names[closest] : "",
                   closest >= 0 ? "?" : "");
}

static void want(nrf_analyses analyses, int i, bool wanted[])
{
  const char *needs = analyses.row[i].needs;
  char        need[NRF_ANALYSIS_NAME];
  if (wanted[i]) return;
  wanted[i] = true;
  while (selection_next_need(&needs, need)) {
    const int at = selection_find(analyses, need);
    assert(at >= 0 && at < i && "nrf_analyses_check");
    want(analyses, at, wanted); /* always further up, so it ends */
  }
}

nrf_status nrf_analyses_select(nrf_analyses analyses, const nrf_name_list *names, bool wanted[])
{
  for (int i = 0; i < analyses.n; i++) wanted[i] = names->count == 0;
  for (int k = 0; k < names->count; k++) {
    bool found = false;
    for (int i = 0; i < analyses.n; i++) {
      char full[NRF_ANALYSIS_NAME];
      nrf_analysis_name(&analyses.row[i], full);
      if (strcasecmp(full, names->name[k]) != 0 && strcasecmp(analyses.row[i].name, names->name[k]) != 0)
        continue;
      want(analyses, i, wanted);
      found = true;
    }
    if (!found) return unknown(analyses, names->name[k]);
  }
  return NRF_OK;
}
