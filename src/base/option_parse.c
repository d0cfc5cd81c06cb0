/* option_parse.c - the command line to values.
 *
 * Written by hand rather than with getopt_long: lists end at the next option (getopt takes one value per
 * option), negative numbers are values, and a misspelt option should name the one that was meant. */
#include "nrflv/option_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words of the command line ---- */

static bool is_value(const char *word)
{
  if (word[0] != '-' || word[1] == '\0') return true;
  char *end;
  (void)strtod(word, &end); /* -1, -.5, -1e-3, and -inf, which deserves its own error */
  return end != word;
}

static nrf_status unknown_option(const nrf_option_table *table, const char *word)
{
  char         closest[NRF_SETTING_NAME_MAX];
  const size_t dashes = strspn(word, "-");
  char         name[2 * NRF_SETTING_NAME_MAX];
  (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word + dashes, "="), word + dashes);
  nrf_option_closest(table, name, closest);
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

static nrf_status read_option(const nrf_option_table *table, const char *word, option *out)
{
  if (strcmp(word, "-h") == 0) word = "--help";
  const char *equals = strchr(word, '=');
  char        name[NRF_SETTING_NAME_MAX + 3];
  const char *body = word + 2;
  const int   n    = equals ? (int)(equals - body) : (int)strlen(body);
  if (strncmp(word, "--", 2) != 0 || n <= 0 || n >= (int)sizeof name) return unknown_option(table, word);
  (void)snprintf(name, sizeof name, "%.*s", n, body);

  *out = (option){.row = nrf_option_find(table, name), .attached = equals ? equals + 1 : NULL};
  if (!out->row && strncmp(name, "no_", 3) == 0) {
    out->row     = nrf_option_find(table, name + 3);
    out->negated = true;
    if (out->row && !nrf_setting_is_negatable(out->row)) out->row = NULL;
  }
  return out->row ? NRF_OK : unknown_option(table, word);
}

static nrf_status set_flag(void *values, const option *o)
{
  const bool switchable = nrf_setting_is_negatable(o->row) && !o->negated;
  if (o->attached && !switchable)
    return nrf_error(NRF_EINVAL, "--%s%s: takes no value", o->negated ? "no_" : "", o->row->name);
  return nrf_option_set_text(values, o->row, o->attached ? o->attached : o->negated ? "off" : "on");
}

static bool is_list(const nrf_setting *row)
{
  return row->type == NRF_SETTING_FLOATS || row->type == NRF_SETTING_NAMES;
}

/* Sets an option from the words behind it, *next being the index of the first; moves *next past them. */
static nrf_status set_value(void *values, const option *o, int argc, char *const argv[], int *next)
{
  if (o->attached && o->attached[0] != '\0') return nrf_option_set_text(values, o->row, o->attached);

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
  return nrf_option_set_text(values, o->row, text);
}

nrf_status nrf_option_parse(const nrf_option_table *table, int argc, char *const argv[], void *values,
                            bool *ended)
{
  bool *given = (bool *)((char *)values + table->given_offset);
  *ended      = false;
  nrf_option_defaults(table, values);
  for (int next = 1; next < argc && !*ended;) {
    const char *word = argv[next++];
    option      o;
    if (is_value(word)) return nrf_error(NRF_EINVAL, "unexpected argument '%s'; options begin with --", word);
    NRF_RETURN_IF_ERROR(read_option(table, word, &o));

    if (o.row->type == NRF_SETTING_FLAG)
      NRF_RETURN_IF_ERROR(set_flag(values, &o));
    else
      NRF_RETURN_IF_ERROR(set_value(values, &o, argc, argv, &next));
    given[o.row - table->rows] = true;
    *ended                     = (o.row->flags & NRF_SETTING_ENDS_READING) != 0;
  }
  return NRF_OK;
}
