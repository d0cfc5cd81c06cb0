/* synchrony_rows.c - which rows are about the same pair and equal stimuli. */
#include "synchrony.h"

#include "nrflv/memory.h"

#include <stdlib.h>

/* A row and its place. */
typedef struct entry {
  const nrf_pair_row *row;
  int64_t             index;
} entry;

static int compare_names(const nrf_pair_row *s, const nrf_pair_row *t)
{
  const int x[] = {s->group, s->period, s->key[0], s->key[1], s->key[2]},
            y[] = {t->group, t->period, t->key[0], t->key[1], t->key[2]};
  for (size_t k = 0; k < sizeof x / sizeof *x; k++)
    if (x[k] != y[k]) return (x[k] > y[k]) - (x[k] < y[k]);
  return 0;
}

static int compare_entries(const void *a, const void *b)
{
  const entry *s = a, *t = b;
  const int    order = compare_names(s->row, t->row);
  return order != 0 ? order : (s->row->image > t->row->image) - (s->row->image < t->row->image);
}

static void find_groups(int64_t n, const entry *entries, nrf_row_groups *out)
{
  for (int64_t i = 0; i < n; i++) {
    if (i == 0 || compare_names(entries[i - 1].row, entries[i].row) != 0) out->first[out->n++] = i;
    out->row[i] = entries[i].index;
  }
  out->first[out->n] = n;
}

nrf_status nrf_row_groups_create(int64_t n, const void *rows, size_t stride, nrf_row_groups *out)
{
  nrf_status        st     = NRF_OK;
  void             *memory = NULL;
  entry            *sorted = NULL;
  static const char what[] = "groups of pairs";
  *out                     = (nrf_row_groups){0};
  NRF_TRY(nrf_alloc((size_t)n * sizeof *sorted, what, &memory));
  sorted = memory;
  NRF_TRY(nrf_alloc((size_t)(n + 1) * sizeof *out->first, what, &memory));
  out->first = memory;
  NRF_TRY(nrf_alloc((size_t)n * sizeof *out->row, what, &memory));
  out->row = memory;
  for (int64_t i = 0; i < n; i++)
    sorted[i] = (entry){(const nrf_pair_row *)((const char *)rows + (size_t)i * stride), i};
  qsort(sorted, (size_t)n, sizeof *sorted, compare_entries);
  find_groups(n, sorted, out);
done:
  nrf_free(sorted);
  if (st != NRF_OK) nrf_row_groups_free(out);
  return st;
}

void nrf_row_groups_free(nrf_row_groups *groups)
{
  nrf_free(groups->first);
  nrf_free(groups->row);
  *groups = (nrf_row_groups){0};
}
