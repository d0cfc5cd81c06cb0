/* option_text.c - an option's value to text and back, exactly. Every way in (command line, checkpoint,
 * default) goes through nrf_option_set_text, so nothing malformed or out of range gets past it. */
#include "nrflv/index_list.h"
#include "nrflv/option_table.h"

#include "base/option_range.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What separates the values of a list. */
#define SEPARATORS " ,\t"

enum { NUMBER_BYTES = 48 }; /* of a number's text; more digits mean nothing */

nrf_setting_range nrf_setting_range_parse(const char *text)
{
  nrf_setting_range range = {.low_open = text[0] == '('};
  char             *end;
  range.low       = strtod(text + 1, &end);
  range.high      = strtod(end + 1, &end);
  range.high_open = *end == ')';
  return range;
}

bool nrf_setting_range_contains(const char *text, double x)
{
  const nrf_setting_range r = nrf_setting_range_parse(text);
  return (r.low_open ? x > r.low : x >= r.low) && (r.high_open ? x < r.high : x <= r.high);
}

/* ---- to text ---- */

/* The fewest digits that read back to the same bits. */
static int print_double(char *text, size_t bytes, double x)
{
  int n = 0;
  for (int digits = 1; digits <= 17; digits++) {
    n = snprintf(text, bytes, "%.*g", digits, x);
    if (strtod(text, NULL) == x) break;
  }
  return n;
}

static void print_floats(char *text, const nrf_float_list *list)
{
  size_t used = 0;
  text[0]     = '\0';
  for (int i = 0; i < list->count; i++) {
    if (i > 0) text[used++] = ' ';
    used += (size_t)print_double(text + used, NRF_SETTING_TEXT_MAX - used, list->value[i]);
  }
}

static void print_names(char *text, const nrf_name_list *list)
{
  size_t used = 0;
  text[0]     = '\0';
  for (int i = 0; i < list->count; i++)
    used +=
        (size_t)snprintf(text + used, NRF_SETTING_TEXT_MAX - used, "%s%s", i > 0 ? " " : "", list->name[i]);
}

const char *nrf_option_get_text(const void *values, const nrf_setting *row, char text[NRF_SETTING_TEXT_MAX])
{
  const size_t bytes = NRF_SETTING_TEXT_MAX;
  const void  *value = (const char *)values + row->offset;
  switch (row->type) {
  case NRF_SETTING_FLAG:
    (void)snprintf(text, bytes, "%s", *(const bool *)value ? "true" : "false");
    break;
  case NRF_SETTING_INT:
    (void)snprintf(text, bytes, "%d", *(const int *)value);
    break;
  case NRF_SETTING_UINT64:
    (void)snprintf(text, bytes, "%" PRIu64, *(const uint64_t *)value);
    break;
  case NRF_SETTING_FLOAT:
    (void)print_double(text, bytes, *(const double *)value);
    break;
  case NRF_SETTING_STRING:
    (void)snprintf(text, bytes, "%s", (const char *)value);
    break;
  case NRF_SETTING_CHOICE:
    (void)snprintf(text, bytes, "%s", *(const char *const *)value);
    break;
  case NRF_SETTING_FLOATS:
    print_floats(text, value);
    break;
  case NRF_SETTING_NAMES:
    print_names(text, value);
    break;
  }
  return text;
}

/* ---- from text ---- */

/* Foreign text in an error message stays one short line. */
typedef struct quoted {
  char s[80];
} quoted;

static quoted quote(const char *text)
{
  quoted    q;
  const int room = (int)sizeof q.s - 6; /* quotes, dots, NUL */
  const int n = snprintf(q.s, sizeof q.s, "'%.*s%s'", room, text, strlen(text) > (size_t)room ? "..." : "");
  for (int i = 0; i < n && i < (int)sizeof q.s - 1; i++)
    if (iscntrl((unsigned char)q.s[i])) q.s[i] = '?';
  return q;
}

static nrf_status not_in_range(const nrf_setting *row, const char *text)
{
  return nrf_error(NRF_EINVAL, "--%s: %s is outside %s", row->name, text, row->range);
}

static nrf_status parse_flag(const nrf_setting *row, const char *text, bool *out)
{
  static const char *const on[]  = {"true", "on", "yes", "1"};
  static const char *const off[] = {"false", "off", "no", "0"};
  for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
    if (strcasecmp(text, on[i]) == 0 || strcasecmp(text, off[i]) == 0) {
      *out = strcasecmp(text, on[i]) == 0;
      return NRF_OK;
    }
  }
  return nrf_error(NRF_EINVAL, "--%s: %s is neither on nor off", row->name, quote(text).s);
}

static nrf_status parse_int(const nrf_setting *row, const char *text, int *out)
{
  char *end;
  errno              = 0;
  const long long v  = strtoll(text, &end, 10);
  const bool      ok = end != text && *end == '\0' && !isspace((unsigned char)text[0]);
  if (!ok) return nrf_error(NRF_EINVAL, "--%s: %s is not a whole number", row->name, quote(text).s);
  if (errno == ERANGE || v < INT_MIN || v > INT_MAX || !nrf_setting_range_contains(row->range, (double)v))
    return not_in_range(row, quote(text).s);
  *out = (int)v;
  return NRF_OK;
}

static nrf_status parse_uint64(const nrf_setting *row, const char *text, uint64_t *out)
{
  char *end;
  errno = 0;
  /* strtoull takes "-1" for 2^64 - 1: insist on a digit first. */
  const unsigned long long v  = strtoull(text, &end, 10);
  const bool               ok = isdigit((unsigned char)text[0]) && *end == '\0';
  if (!ok || errno == ERANGE)
    return nrf_error(NRF_EINVAL, "--%s: %s is not a whole number from 0 to 2^64 - 1", row->name,
                     quote(text).s);
  *out = v;
  return NRF_OK;
}

static nrf_status parse_double(const nrf_setting *row, const char *text, double *out)
{
  char *end;
  errno             = 0;
  const double v    = strtod(text, &end);
  const bool   ok   = end != text && *end == '\0' && !isspace((unsigned char)text[0]);
  const bool   hexa = strpbrk(text, "xX") != NULL;
  if (!ok || hexa) return nrf_error(NRF_EINVAL, "--%s: %s is not a number", row->name, quote(text).s);
  if (!isfinite(v) || errno == ERANGE)
    return nrf_error(NRF_EINVAL, "--%s: %s is not a finite number of reasonable size", row->name,
                     quote(text).s);
  if (!nrf_setting_range_contains(row->range, v)) return not_in_range(row, quote(text).s);
  *out = v;
  return NRF_OK;
}

static nrf_status parse_string(const nrf_setting *row, const char *text, char *out)
{
  const size_t length = strlen(text);
  if (length >= row->size)
    return nrf_error(NRF_EINVAL, "--%s: longer than %zu characters", row->name, row->size - 1);
  if (length == 0 && row->initial[0] != '\0') return nrf_error(NRF_EINVAL, "--%s: is empty", row->name);
  for (size_t i = 0; i < length; i++)
    if (iscntrl((unsigned char)text[i]))
      return nrf_error(NRF_EINVAL, "--%s: %s contains a control character", row->name, quote(text).s);
  if ((row->flags & NRF_SETTING_FILE_NAME) && (strchr(text, '/') || text[0] == '.' || text[0] == '-'))
    return nrf_error(NRF_EINVAL,
                     "--%s: %s has to be a name without slashes, not beginning with a dot or dash", row->name,
                     quote(text).s);
  memcpy(out, text, length + 1);
  return NRF_OK;
}

/* The row's choice that `text` is, in its own spelling. */
static nrf_status find_choice(const nrf_setting *row, const char *text, const char **out)
{
  char   all[256] = "";
  size_t used     = 0;
  for (const char *const *choice = row->choices; *choice; choice++) {
    if (strcasecmp(*choice, text) == 0) {
      *out = *choice;
      return NRF_OK;
    }
    if (used < sizeof all)
      used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", used ? ", " : "", *choice);
  }
  return nrf_error(NRF_EINVAL, "--%s: %s is not one of %s", row->name, quote(text).s, all);
}

static nrf_status parse_choice(const nrf_setting *row, const char *text, const char **out)
{
  if (text[0] != '\0' || row->initial[0] != '\0') return find_choice(row, text, out);
  *out = "";
  return NRF_OK;
}

/* One value of a list; longer words can be no names, and are cut to be refused. */
typedef struct word {
  char s[NRF_SETTING_NAME_MAX];
  bool is_cut;
} word;

/* Reads the next word and moves *text behind it; false at the end. */
static bool next_word(const char **text, word *w)
{
  *text += strspn(*text, SEPARATORS);
  const size_t length = strcspn(*text, SEPARATORS);
  w->is_cut           = length >= sizeof w->s;
  (void)snprintf(w->s, sizeof w->s, "%.*s", (int)length, *text);
  *text += length;
  return length > 0;
}

static nrf_status parse_floats(const nrf_setting *row, const char *text, nrf_float_list *out)
{
  nrf_float_list list = {0};
  word           w;
  while (next_word(&text, &w)) {
    if (list.count == NRF_SETTING_LIST_MAX)
      return nrf_error(NRF_EINVAL, "--%s: more than %d values", row->name, NRF_SETTING_LIST_MAX);
    if (strlen(w.s) >= NUMBER_BYTES)
      return nrf_error(NRF_EINVAL, "--%s: '%.*s...' is too long for a number", row->name, NUMBER_BYTES - 1,
                       w.s);
    NRF_RETURN_IF_ERROR(parse_double(row, w.s, &list.value[list.count]));
    list.count++;
  }
  if (list.count == 0) return nrf_error(NRF_EINVAL, "--%s: needs at least one value", row->name);
  *out = list;
  return NRF_OK;
}

/* A name of a list as the row wants it; what other names mean is for the program to find out. */
static nrf_status check_name(const nrf_setting *row, word *w)
{
  if (row->choices) {
    const char *choice;
    NRF_RETURN_IF_ERROR(find_choice(row, w->s, &choice));
    (void)snprintf(w->s, sizeof w->s, "%s", choice);
    return NRF_OK;
  }
  if (row->range) {
    int first, last;
    NRF_RETURN_IF_ERROR(nrf_index_range_parse(w->s, row->name, &first, &last));
    if (!nrf_setting_range_contains(row->range, last)) return not_in_range(row, quote(w->s).s);
  }
  return NRF_OK;
}

static nrf_status parse_names(const nrf_setting *row, const char *text, nrf_name_list *out)
{
  nrf_name_list list = {0};
  word          w;
  while (next_word(&text, &w)) {
    if (list.count == NRF_SETTINGS_MAX)
      return nrf_error(NRF_EINVAL, "--%s: more than %d names", row->name, NRF_SETTINGS_MAX);
    if (w.is_cut) return nrf_error(NRF_EINVAL, "--%s: '%s...' is too long", row->name, w.s);
    NRF_RETURN_IF_ERROR(check_name(row, &w));
    memcpy(list.name[list.count++], w.s, strlen(w.s) + 1);
  }
  *out = list;
  return NRF_OK;
}

nrf_status nrf_option_set_text(void *values, const nrf_setting *row, const char *text)
{
  void *value = (char *)values + row->offset;
  switch (row->type) {
  case NRF_SETTING_FLAG:
    return parse_flag(row, text, value);
  case NRF_SETTING_INT:
    return parse_int(row, text, value);
  case NRF_SETTING_UINT64:
    return parse_uint64(row, text, value);
  case NRF_SETTING_FLOAT:
    return parse_double(row, text, value);
  case NRF_SETTING_STRING:
    return parse_string(row, text, value);
  case NRF_SETTING_CHOICE:
    return parse_choice(row, text, value);
  case NRF_SETTING_FLOATS:
    return parse_floats(row, text, value);
  case NRF_SETTING_NAMES:
    return parse_names(row, text, value);
  }
  return nrf_error(NRF_EINVAL, "--%s: row of unknown type %d", row->name, (int)row->type);
}
