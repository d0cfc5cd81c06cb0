/* settings_parse.c - the command line to settings.
 *
 * Written by hand rather than with getopt_long: lists end at the next option (getopt takes one value per
 * option), negative numbers are values, and a misspelt option should name the one that was meant. */
#include "nrflv/closest.h"
#include "nrflv/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the closest option ---- */

void nrf_setting_closest(const char *typed, char closest[NRF_SETTING_NAME_MAX])
{
  char word[NRF_SETTING_NAME_MAX];
  closest[0] = '\0';
  /* One letter comes near to nothing; something as long as this is no slip of the fingers. */
  if (strlen(typed) < 2 || strlen(typed) >= sizeof word) return;
  for (size_t i = 0; i <= strlen(typed); i++) word[i] = typed[i] == '-' ? '_' : typed[i];

  char               negated[NRF_SETTINGS_MAX][NRF_SETTING_NAME_MAX];
  const char        *names[2 * NRF_SETTINGS_MAX];
  int                count, n = 0;
  const nrf_setting *rows = nrf_setting_table(&count);
  for (int i = 0; i < count; i++) names[n++] = rows[i].name;
  for (int i = 0; i < count; i++) {
    if (!nrf_setting_is_negatable(&rows[i])) continue;
    (void)snprintf(negated[i], sizeof negated[i], "no_%s", rows[i].name);
    names[n++] = negated[i];
  }
  const int found = nrf_closest(word, n, names);
  if (found >= 0) (void)snprintf(closest, NRF_SETTING_NAME_MAX, "%s", names[found]);
}

/* ---- words of the command line ---- */

static bool is_value(const char *word)
{
  if (word[0] != '-' || word[1] == '\0') return true;
  char *end;
  (void)strtod(word, &end); /* -1, -.5, -1e-3, and -inf, which deserves its own error */
  return end != word;
}

static nrf_status unknown_option(const char *word)
{
  char         closest[NRF_SETTING_NAME_MAX];
  const size_t dashes = strspn(word, "-");
  char         name[2 * NRF_SETTING_NAME_MAX];
  (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word + dashes, "="), word + dashes);
  nrf_setting_closest(name, closest);
  if (closest[0] == '\0')
    return nrf_error(NRF_EINVAL, "unknown option %.*s%s; --help lists all options", (int)dashes, word, name);
  return nrf_error(NRF_EINVAL, "unknown option %.*s%s; did you mean --%s?", (int)dashes, word, name, closest);
}

/* An option as it was typed, taken apart. */
typedef struct option {
  const nrf_setting *row;
  bool               negated;  /* --no_NAME                */
  const char        *attached; /* behind "=", NULL if none */
} option;

static nrf_status read_option(const char *word, option *out)
{
  if (strcmp(word, "-h") == 0) word = "--help";
  const char *equals = strchr(word, '=');
  char        name[NRF_SETTING_NAME_MAX + 3];
  const char *body = word + 2;
  const int   n    = equals ? (int)(equals - body) : (int)strlen(body);
  if (strncmp(word, "--", 2) != 0 || n <= 0 || n >= (int)sizeof name) return unknown_option(word);
  (void)snprintf(name, sizeof name, "%.*s", n, body);

  *out = (option){.row = nrf_setting_find(name), .attached = equals ? equals + 1 : NULL};
  if (!out->row && strncmp(name, "no_", 3) == 0) {
    out->row     = nrf_setting_find(name + 3);
    out->negated = true;
    if (out->row && !nrf_setting_is_negatable(out->row)) out->row = NULL;
  }
  return out->row ? NRF_OK : unknown_option(word);
}

static nrf_status set_flag(nrf_settings *settings, const option *o)
{
  const bool switchable = nrf_setting_is_negatable(o->row) && !o->negated;
  if (o->attached && !switchable)
    return nrf_error(NRF_EINVAL, "--%s%s: takes no value", o->negated ? "no_" : "", o->row->name);
  return nrf_settings_set_text(settings, o->row, o->attached ? o->attached : o->negated ? "off" : "on");
}

static bool is_list(const nrf_setting *row)
{
  return row->type == NRF_SETTING_FLOATS || row->type == NRF_SETTING_NAMES;
}

/* Sets an option from the words behind it, *next being the index of the first; moves *next past them. */
static nrf_status set_value(nrf_settings *settings, const option *o, int argc, char *const argv[], int *next)
{
  if (o->attached && o->attached[0] != '\0') return nrf_settings_set_text(settings, o->row, o->attached);

  char      text[NRF_SETTING_TEXT_MAX] = "";
  const int limit                      = o->attached ? 0 : is_list(o->row) ? argc : 1;
  size_t    used                       = 0;
  for (int taken = 0; taken < limit && *next < argc && is_value(argv[*next]); taken++, (*next)++) {
    const char *separator = taken > 0 ? " " : "";
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", separator, argv[*next]);
    if (used >= sizeof text) return nrf_error(NRF_EINVAL, "--%s: value too long", o->row->name);
  }
  /* An empty value is a shell variable that was not set, hardly ever what was meant. */
  if (text[strspn(text, " ")] == '\0')
    return nrf_error(NRF_EINVAL, "--%s: needs a value (%s)", o->row->name, o->row->metavar);
  return nrf_settings_set_text(settings, o->row, text);
}

nrf_status nrf_settings_parse(int argc, char *const argv[], nrf_settings *settings)
{
  nrf_settings_defaults(settings);
  for (int next = 1; next < argc;) {
    const char *word = argv[next++];
    option      o;
    if (is_value(word)) return nrf_error(NRF_EINVAL, "unexpected argument '%s'; options begin with --", word);
    NRF_RETURN_IF_ERROR(read_option(word, &o));

    if (o.row->type == NRF_SETTING_FLAG)
      NRF_RETURN_IF_ERROR(set_flag(settings, &o));
    else
      NRF_RETURN_IF_ERROR(set_value(settings, &o, argc, argv, &next));
    settings->given[nrf_setting_index(o.row)] = true;
    if (settings->help || settings->version) return NRF_OK;
  }
  return nrf_settings_finish(settings);
}
