/* closest.c - edit distance, for suggestions in error messages. */
#include "nrflv/closest.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 128 }; /* bytes of a name that are looked at */

static int lower(char c)
{
  return tolower((unsigned char)c);
}

static int min_int(int a, int b)
{
  return a < b ? a : b;
}

/* Optimal string alignment distance, row by row; `before` and `last` are the two rows above. */
static int edits(const char *a, const char *b)
{
  const int na = (int)strnlen(a, LONGEST), nb = (int)strnlen(b, LONGEST);
  int       rows[3][LONGEST + 1];
  int      *before = rows[0], *last = rows[1], *row = rows[2];
  for (int j = 0; j <= nb; j++) last[j] = j;
  for (int i = 1; i <= na; i++) {
    row[0] = i;
    for (int j = 1; j <= nb; j++) {
      const int replaced = last[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
      row[j]             = min_int(replaced, 1 + min_int(last[j], row[j - 1]));
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        row[j] = min_int(row[j], before[j - 2] + 1);
    }
    int *const free_row = before;
    before              = last;
    last                = row;
    row                 = free_row;
  }
  return last[nb];
}

static int shortest_that_contains(const char *typed, int n, const char *const names[])
{
  int found = -1;
  for (int i = 0; i < n; i++)
    if (strcasestr(names[i], typed) != NULL && (found < 0 || strlen(names[i]) < strlen(names[found])))
      found = i;
  return found;
}

int nrf_closest(const char *typed, int n, const char *const names[])
{
  const int near = min_int((int)strlen(typed), LONGEST) / 3;
  int       best = -1, fewest = near < 2 ? 3 : near + 1;
  if (typed[0] == '\0') return -1;
  for (int i = 0; i < n; i++) {
    const int e = edits(typed, names[i]);
    if (e < fewest) {
      fewest = e;
      best   = i;
    }
  }
  return best >= 0 ? best : shortest_that_contains(typed, n, names);
}
