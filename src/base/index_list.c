/* index_list.c - lists of indices as users type them. */
#include "nrflv/index_list.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

/* Reads a number and moves *text behind it. */
static bool next_index(const char **text, int *out)
{
  char *end;
  if (!isdigit((unsigned char)**text)) return false;
  const long long value = strtoll(*text, &end, 10);
  if (value > INT_MAX) return false;
  *text = end;
  *out  = (int)value;
  return true;
}

nrf_status nrf_index_range_parse(const char *word, const char *option, int *first, int *last)
{
  const char *at      = word;
  bool        is_good = next_index(&at, first);
  *last               = *first;
  if (is_good && *at == '-') {
    at++;
    is_good = next_index(&at, last);
  }
  if (is_good && *at == '\0' && *first <= *last) return NRF_OK;
  return nrf_error(NRF_EINVAL, "--%s: '%s' is neither an index nor a range like 8-11", option, word);
}

/* Whether one of the words, which are all in order, names the index. */
static bool is_named(const nrf_name_list *list, const char *option, int index)
{
  int first = 0, last = -1;
  for (int i = 0; i < list->count; i++)
    if (nrf_index_range_parse(list->name[i], option, &first, &last) == NRF_OK && first <= index &&
        index <= last)
      return true;
  return false;
}

nrf_status nrf_index_list_expand(const nrf_name_list *list, const char *option, const char *what, int count,
                                 int index[], int *n)
{
  int first = 0, last = 0;
  for (int i = 0; i < list->count; i++) {
    NRF_RETURN_IF_ERROR(nrf_index_range_parse(list->name[i], option, &first, &last));
    if (last >= count)
      return nrf_error(NRF_EINVAL, "--%s: there is no %d among the %d %s (0 to %d)", option, last, count,
                       what, count - 1);
  }
  *n = 0;
  for (int i = 0; i < count; i++)
    if (list->count == 0 || is_named(list, option, i)) index[(*n)++] = i;
  return NRF_OK;
}
